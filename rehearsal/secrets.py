"""Does anything personal stand in a file? Searched in every shape in which it could be written."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SHORTEST = 2  # characters: a name of one would be found everywhere


@dataclass(frozen=True, slots=True)
class Leak:
    """Where, and in which shape; never what."""

    file: str
    shape: str
    which: int  # place of the secret in the list that was given


def shapes(secret: str) -> dict[str, bytes]:
    """The secret as a program might have written it."""
    utf8 = secret.encode()
    found = {
        "UTF-8": utf8,
        "UTF-16LE": secret.encode("utf-16-le"),
        "URL": quote(secret).encode(),
        "JSON escapes": json.dumps(secret)[1:-1].encode(),
        "Python escapes": repr(utf8)[2:-1].encode(),
        "GBK": secret.encode("gb18030"),
    }
    # Base64 depends on where in a group of three bytes the secret begins; what is certain of each
    # of the three is searched for.
    for raw, name in ((utf8, "UTF-8"), (secret.encode("utf-16-le"), "UTF-16LE")):
        for shift in range(3):
            text = base64.b64encode(bytes(shift) + raw)
            start = (shift * 8 + 5) // 6
            end = len(text.rstrip(b"=")) - (1 if (shift + len(raw)) % 3 else 0)
            if end - start >= 6:
                found[f"base64 of {name}, shift {shift}"] = text[start:end]
    return found


def leaks_in(content: bytes, file: str, secrets: Iterable[str]) -> list[Leak]:
    """Every secret that stands in `content`."""
    return [
        Leak(file, shape, n)
        for n, secret in enumerate(secrets)
        if len(secret) >= SHORTEST
        for shape, raw in shapes(secret).items()
        if raw in content
    ]


def leaks(folders: Iterable[Path], secrets: Iterable[str]) -> tuple[int, list[Leak]]:
    """(how many files were searched, what was found) in all files below `folders`."""
    wanted = list(secrets)
    count = 0
    found: list[Leak] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                count += 1
                found += leaks_in(path.read_bytes(), path.name, wanted)
                found += leaks_in(path.name.encode(), "a file's name", wanted)
    return count, found
