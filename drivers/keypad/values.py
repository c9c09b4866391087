"""What a rating keypad gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """`key` is a name of the settings' map: "5".."1" for the five levels, "skip"."""

    key: str
