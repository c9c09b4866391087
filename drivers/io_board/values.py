"""What an I/O board takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Lamp(StrEnum):
    """What a channel of the board may switch. `BEEPER` is a sound, switched like the others."""

    READER = "reader"
    PLATE = "plate"
    PRINTER = "printer"
    SCANNER = "scanner"
    KEYPAD = "keypad"
    FILL_LIGHT = "fill_light"  # over the document plate, for the camera
    BEEPER = "beeper"


@dataclass(frozen=True, slots=True)
class Light:
    """Exactly these are lit; all others go dark."""

    lamps: frozenset[Lamp]


@dataclass(frozen=True, slots=True)
class Buzz:
    """The beeper, for a moment."""

    milliseconds: int = 150
