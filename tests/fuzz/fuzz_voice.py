"""Any text at all as the address of a voice, as its list of clips and as what it says; any bytes as clips."""

from __future__ import annotations

from drivers.device import Fault
from drivers.voice.protocol import (
    clips_of,
    espeak_arguments,
    joined,
    read_clips,
    tone_wav,
    voice_at,
)
from drivers.voice.values import Say, Tone


def seeds() -> list[bytes]:
    return [
        b"\x00alsa://default",
        b"\x00file:///tmp/voice",
        '\x01[zh]\n"读好了" = "done.wav"\n'.encode(),
        b"\x02" + tone_wav(Tone.DONE, 1)[:60],
    ]


def fuzz(data: bytes) -> None:
    kind, body = data[:1], data[1:]
    text = body.decode("utf-8", "replace")
    match kind:
        case b"\x01":
            clips = read_clips(text)
            if not isinstance(clips, Fault):
                for sentence in clips.get("zh", {}):
                    assert clips_of(Say(sentence), clips)
        case b"\x02":
            joined([body, body], 50)
        case b"\x03":
            espeak_arguments(Say(text, text[:2], len(body), -len(body)))
            clips_of(Say(text), {"zh": {text[:5]: "a.wav"}})
        case _:
            voice_at(text)
