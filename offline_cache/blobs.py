"""Attachments as files: sealed to the hub, on the disk before the row that names them.

A file's name is the SHA-256 of the envelope. Inside it is 4 bytes `ZWA1` and the envelope, encrypted
once more by a key of the file's own that stands in the database: when that row goes, the file can be
read by nobody, wherever the disk may still keep its blocks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from offline_cache import once
from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import make_private_folder, sync_folder, write_whole

MAGIC: Final = b"ZWA1"
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file on the disk. `sha256` (32 bytes) of the envelope, `key` for the row that names it."""

    sha256: bytes
    key: bytes = field(repr=False)
    file: bytes = field(repr=False)


class Blobs:
    """The attachments under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, envelope: bytes) -> Kept | StoreFault:
        """Keep an envelope; written and synced, with its folder, when this returns."""
        sha256 = hashlib.sha256(envelope).digest()
        own = once.NewKey()
        kept = Kept(sha256, own.key, MAGIC + own.encrypt(envelope, sha256))
        return self.write(kept) or kept

    def write(self, kept: Kept) -> StoreFault | None:
        """Write the file (again)."""
        try:
            make_private_folder(self._folder)
            write_whole(self._path(kept.sha256), kept.file)
        except OSError as error:
            return fault_of_os_error(error, "attachment")
        return None

    @property
    def folder(self) -> Path:
        return self._folder

    def adopt(self, path: Path) -> None:
        """Take a file of another such folder over, by its name. The caller syncs the folder.

        Raises OSError; a file of that name that is here already is the same.
        """
        make_private_folder(self._folder)
        with contextlib.suppress(FileExistsError):
            os.link(path, self._folder / path.name)

    def has(self, sha256: bytes) -> bool:
        """Whether the file is there (not whether it is whole)."""
        return self._path(sha256).is_file()

    def get(self, sha256: bytes, key: bytes) -> bytes | StoreFault:
        """The envelope, verified: NOT_FOUND, UNREADABLE, or DAMAGED when it is not what was put."""
        try:
            kept = self._path(sha256).read_bytes()
        except OSError as error:
            return fault_of_os_error(error, "attachment")
        envelope = once.decrypt(key, kept[len(MAGIC) :], sha256) if kept.startswith(MAGIC) else None
        if envelope is None:
            return StoreFault(StoreFaultCode.DAMAGED, "an attachment fails its check")
        return envelope

    def erase(self, sha256: bytes) -> StoreFault | None:
        """Remove the file, if it is there. Gone for good once `sync` was called after it."""
        try:
            self._path(sha256).unlink(missing_ok=True)
        except OSError as error:
            return fault_of_os_error(error, "attachment")
        return None

    def sync(self) -> StoreFault | None:
        """Make durable which files are there. Waits for the disk."""
        try:
            if self._folder.is_dir():
                sync_folder(self._folder)
        except OSError as error:
            return fault_of_os_error(error, "attachment")
        return None

    def names(self) -> Iterator[bytes]:
        """The SHA-256 of every envelope on the disk."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if _NAME.fullmatch(path.name):
                    yield bytes.fromhex(path.name)

    def erase_leavings(self) -> None:
        """Remove temporary files of writers that were cut off. For the owner, at start."""
        if self._folder.is_dir():
            for path in self._folder.glob(".*.tmp"):
                path.unlink(missing_ok=True)

    def _path(self, sha256: bytes) -> Path:
        if len(sha256) != hashlib.sha256().digest_size:
            raise ValueError("not a SHA-256")
        return self._folder / sha256.hex()
