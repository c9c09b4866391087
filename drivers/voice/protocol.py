"""What the voice says, as arguments of espeak-ng, as recorded clips and as WAV bytes. Pure."""

from __future__ import annotations

import io
import math
import re
import struct
import tomllib
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.addresses import FileUrl, SoundUrl, address_of
from drivers.device import DeviceClass, Fault, FaultCode
from drivers.voice.values import Say, Tone

ESPEAK_VOICE_OF_LANGUAGE: Final = {"zh": "cmn", "en": "en"}
WORDS_A_MINUTE: Final = 165  # slower than espeak-ng's 175: the hall is loud, the listener old
MAX_TEXT_CHARACTERS: Final = 2000  # several minutes; longer is a mistake
SAMPLES_A_SECOND: Final = 16000  # a tone stays below a pipe's 64 KB, so that writing never waits
FADE_S: Final = 0.01  # without it every note begins and ends with a click
MIN_CLIP_RATE, MAX_CLIP_RATE = 4000, 192_000  # samples a second of any recording
MAX_CLIP_BYTES: Final = 20_000_000  # ten minutes of it; longer is a mistake
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


def voice_at(text: str) -> Loudspeaker | Folder | Fault:
    """Where `text` says that what is spoken goes."""
    match address_of(DeviceClass.VOICE, text):
        case Fault() as fault:
            return fault
        case SoundUrl(device=device):
            return Loudspeaker(device)
        case FileUrl(path=path):
            return Folder(Path(path))
        case _:
            return Fault(FaultCode.BAD_INPUT, "no voice is there")


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


# -- clips ----------------------------------------------------------------------

Clips = Mapping[str, Mapping[str, str]]
"""Language -> sentence -> name of its WAV file."""


def read_clips(text: str) -> dict[str, dict[str, str]] | Fault:
    """A package's `clips.toml`: a table a language, `"sentence" = "file.wav"`."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return Fault(FaultCode.BAD_INPUT, "clips.toml is no TOML")
    clips: dict[str, dict[str, str]] = {}
    for language, sentences in table.items():
        if language not in ESPEAK_VOICE_OF_LANGUAGE or not isinstance(sentences, dict):
            return Fault(FaultCode.BAD_INPUT, f"clips.toml: {language[:20]!r} is no language")
        for sentence, name in sentences.items():
            if not isinstance(name, str) or not re.fullmatch(r"[\w-]{1,80}\.wav", name):
                return Fault(FaultCode.BAD_INPUT, f"clips.toml: a file of {language} is misnamed")
            clips.setdefault(language, {})[_plain(sentence)] = name
    return clips


def clips_of(say: Say, clips: Clips) -> tuple[str, ...]:
    """The files that say it: one for the whole, else one a sentence; () when any is missing."""
    known = clips.get(say.language, {})
    whole = _plain(say.text)
    if whole in known:
        return (known[whole],)
    sentences = [_plain(part) for part in re.split(r"(?<=[。！？!?\n])|(?<=\.)\s", say.text)]
    names = [known.get(sentence) for sentence in sentences if sentence]
    return tuple(name for name in names if name) if all(names) else ()


def _plain(sentence: str) -> str:
    """Without what is not heard: blanks and the mark at the end."""
    return re.sub(r"\s+", " ", sentence).strip(" 。！？.!?")


def joined(files: list[bytes], volume_percent: int) -> bytes | None:
    """WAV files (16 bit) after each other as one, at a volume. None when they cannot be joined."""
    import numpy as np  # noqa: PLC0415 - a tenth of a second, on the voice's thread and only with clips

    pieces: list[bytes] = []
    shape: tuple[int, int] | None = None
    for content in files:
        try:
            with wave.open(io.BytesIO(content)) as clip:
                own = (clip.getnchannels(), clip.getframerate())
                if clip.getsampwidth() != 2 or shape not in (None, own):
                    return None
                if own[0] > 2 or not MIN_CLIP_RATE <= own[1] <= MAX_CLIP_RATE:
                    return None  # no recording; and its size could not be written down
                shape = own
                data = clip.readframes(clip.getnframes())
        except (wave.Error, EOFError, ValueError, ZeroDivisionError, RuntimeError):
            return None
        pieces.append(data[: len(data) // 2 * 2])
    if shape is None:
        return None
    loud = np.frombuffer(b"".join(pieces), dtype="<i2").astype(np.float32)
    part = min(max(volume_percent, 0), 100) / 100
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(shape[0])
        sound.setsampwidth(2)
        sound.setframerate(shape[1])
        sound.writeframes((loud * part).astype("<i2").tobytes())
    return out.getvalue()
