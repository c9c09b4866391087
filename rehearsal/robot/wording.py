"""The words on the screen, by the key under which they are kept, so that a better wording of a
button does not lead the robot astray. It reads the file of words as data; it knows no code."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

ZH = Path(__file__).resolve().parent.parent.parent / "ui" / "i18n" / "zh.toml"


@functools.cache
def _all() -> dict[str, Any]:
    return tomllib.loads(ZH.read_text(encoding="utf-8"))


def everything() -> frozenset[str]:
    """Every text that is the same for everybody."""
    return frozenset(text for section in _all().values() for text in section.values())


def words(key: str) -> str:
    """`"frame.home"` -> `"首页"`; raises KeyError for a key that is no longer there."""
    section, _, name = key.partition(".")
    found: str = _all()[section][name]
    return found
