"""What a rating keypad takes and gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """`key`: "5".."1" for the five levels, "skip"."""

    key: str


@dataclass(frozen=True, slots=True)
class ListenForKeys:
    """A person is asked to rate: lamps on, presses count from now."""


@dataclass(frozen=True, slots=True)
class StopListening:
    """Nobody is asked: lamps off, presses count no more. `thank`: the keypad may say so."""

    thank: bool = False
