"""What the voice takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    """Short sounds that need no words."""

    TAKE_YOUR_THINGS = "take_your_things"
    DONE = "done"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text`; what was being said stops. `language` is "zh" or "en"."""

    text: str = field(repr=False)
    language: str = "zh"
    volume_percent: int = 80
    speed_percent: int = 100


@dataclass(frozen=True, slots=True)
class PlayTone:
    tone: Tone
    volume_percent: int = 80


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop at once: the screen has changed or the session has ended."""
