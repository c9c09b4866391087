"""What the voice says, as arguments of espeak-ng and as WAV bytes. Pure."""

from __future__ import annotations

import io
import math
import struct
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from drivers.device import Fault, FaultCode
from drivers.voice.values import Say, Tone

ESPEAK_VOICE_OF_LANGUAGE: Final = {"zh": "cmn", "en": "en"}
WORDS_A_MINUTE: Final = 165  # slower than espeak-ng's 175: the hall is loud, the listener old
MAX_TEXT_CHARACTERS: Final = 2000  # several minutes; longer is a mistake
SAMPLES_A_SECOND: Final = 16000  # a tone stays below a pipe's 64 KB, so that writing never waits
FADE_S: Final = 0.01  # without it every note begins and ends with a click
# Hertz and seconds of each note; 0 Hz is silence.
_NOTES: Final = {
    Tone.TAKE_YOUR_THINGS: ((880, 0.15), (0, 0.05), (660, 0.15), (0, 0.05), (880, 0.15)),
    Tone.DONE: ((660, 0.12), (880, 0.2)),
    Tone.PROBLEM: ((330, 0.2), (0, 0.05), (262, 0.3)),
}


@dataclass(frozen=True, slots=True)
class Loudspeaker:
    """`alsa://default`: played by aplay on that device."""

    device: str


@dataclass(frozen=True, slots=True)
class Folder:
    """`file:///folder`: each sound becomes a numbered WAV file there."""

    path: Path


def voice_url(text: str) -> Loudspeaker | Folder | Fault:
    fault = Fault(
        FaultCode.BAD_INPUT, f"voice address {text[:80]!r}: alsa://device or file:///folder"
    )
    try:
        parts = urlsplit(text)
    except ValueError:
        return fault
    if parts.query or parts.fragment:
        return fault
    match parts.scheme:
        case "alsa":
            device = unquote(parts.netloc + parts.path)
            return Loudspeaker(device) if device and not device.startswith("-") else fault
        case "file":
            path = unquote(parts.path)
            return Folder(Path(path)) if path.startswith("/") and not parts.netloc else fault
        case _:
            return fault


def espeak_arguments(say: Say) -> list[str]:
    """Voice, speed and volume. The text itself goes by standard input: arguments can be read by
    every user of the machine."""
    volume = 2 * min(max(say.volume_percent, 0), 100)  # espeak-ng counts to 200
    speed = min(max(WORDS_A_MINUTE * say.speed_percent // 100, 80), 450)  # its limits
    voice = ESPEAK_VOICE_OF_LANGUAGE.get(say.language, "cmn")
    return ["-v", voice, "-s", str(speed), "-a", str(volume), "-b", "1", "--stdin"]


def spoken_text(say: Say) -> bytes:
    return say.text[:MAX_TEXT_CHARACTERS].encode("utf-8", "replace")


def tone_wav(tone: Tone, volume_percent: int) -> bytes:
    """A short tune as a WAV file, 16 bit, mono."""
    peak = 32767 * 0.8 * min(max(volume_percent, 0), 100) / 100
    samples: list[int] = []
    for hertz, seconds in _NOTES[tone]:
        count = int(seconds * SAMPLES_A_SECOND)
        fade = int(FADE_S * SAMPLES_A_SECOND)
        for i in range(count):
            loud = min(1.0, i / fade, (count - 1 - i) / fade)
            samples.append(int(peak * loud * math.sin(2 * math.pi * hertz * i / SAMPLES_A_SECOND)))
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLES_A_SECOND)
        sound.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return out.getvalue()
