"""The name of a file as it can be told to a script and to a person."""

from __future__ import annotations

import os
from pathlib import Path


def told(path: Path) -> str:
    r"""Bytes that are no UTF-8 as `\xff`: a name may be any bytes, a JSON line may not."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    """What a name or a code says must not move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)
