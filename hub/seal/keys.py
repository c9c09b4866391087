"""Where the hub's private keys lie: one folder beside the data, mode 0600, made by `hub init`.

Whoever restores the hub from a copy needs this folder: without it, what is held stays sealed.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from functools import cache
from pathlib import Path

from django.conf import settings

from hub.seal.envelope import KeyRing
from hub.seal.suites import SealKey, new_private_key, read_private_key, suites_at_hand

_NAME = re.compile(r"seal-(\d{4})-suite(\d)\.pem")


def write_private(path: Path, content: bytes) -> None:
    """A new file for this account only, whole and synced before it has its name."""
    written = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, settings.PRIVATE_FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        with contextlib.suppress(FileExistsError):  # another process was first: its file stays
            os.link(written, path)
    finally:
        written.unlink()


def make_seal_keys(folder: Path, *, anew: bool = False) -> list[SealKey]:
    """A key of every suite at hand that has none yet, or, `anew`, one more of each. Those made."""
    folder.mkdir(mode=settings.PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    files = _files(folder)
    have = {suite for _, suite in files}
    number = max((number for number, _ in files), default=0)
    made = []
    for suite in suites_at_hand():
        if suite in have and not anew:
            continue
        number += 1
        path = folder / f"seal-{number:04d}-suite{suite}.pem"
        write_private(path, new_private_key(suite))
        made.append(read_private_key(suite, path.read_bytes()))
    return made


def read_seal_keys(folder: Path) -> list[SealKey]:
    """A terminal seals to the first it can: the site's suite before the other, newest first."""
    at_hand = suites_at_hand()
    files = sorted(_files(folder).items(), reverse=True)
    found = [
        read_private_key(suite, path.read_bytes()) for (_, suite), path in files if suite in at_hand
    ]
    return sorted(found, key=lambda key: key.suite != settings.SEAL_SUITE_FIRST)


def _files(folder: Path) -> dict[tuple[int, int], Path]:
    """By number and suite."""
    return {
        (int(match[1]), int(match[2])): path
        for path in folder.glob("seal-*.pem")
        if (match := _NAME.fullmatch(path.name))
    }


@cache
def _read_once(folder: Path, _changed_ns: int) -> tuple[SealKey, ...]:
    return tuple(read_seal_keys(folder))


def seal_keys() -> tuple[SealKey, ...]:
    """This site's, read again when the folder has changed."""
    folder = settings.KEYS
    try:
        changed_ns = folder.stat().st_mtime_ns
    except FileNotFoundError:
        return ()
    return _read_once(folder, changed_ns)


def key_ring() -> KeyRing:
    return {key.id: key.private for key in seal_keys()}
