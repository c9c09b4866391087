"""Attachments on disk, named by the SHA-256 of their content.

A name appears only when the whole content is under it and synced, so what is there is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.conf import settings

from hub import limits

FOLDER_MODE = 0o700
FILE_MODE = 0o600


class BlobFault(StrEnum):
    HASH_MISMATCH = "hash_mismatch"
    TOO_LARGE = "too_large"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Stored:
    bytes: int
    media_type: str


class BlobStore:
    """A folder of attachments. An object store would offer the same four methods."""

    def __init__(self, folder: Path, *, bytes_max: int) -> None:
        self._folder = folder
        self._bytes_max = bytes_max

    def path(self, sha256: str) -> Path:
        """Where it is or would be; spread over 256 folders."""
        return self._folder / sha256[:2] / sha256

    def size(self, sha256: str) -> int | None:
        """Bytes held; None if it is not there."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def put(self, sha256: str, chunks: Iterable[bytes]) -> Stored | BlobFault:
        """Write, verify, sync, then name. Disk errors raise OSError: the terminal tries again."""
        target = self.path(sha256)
        incoming = self._folder / "incoming"
        for folder in (incoming, target.parent):
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        part = incoming / secrets.token_hex(16)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                digest = hashlib.sha256()
                total = 0
                head = b""
                for chunk in chunks:
                    total += len(chunk)
                    if total > self._bytes_max:
                        return BlobFault.TOO_LARGE
                    head = head or chunk[:16]
                    digest.update(chunk)
                    file.write(chunk)
                if not total:
                    return BlobFault.EMPTY
                if digest.hexdigest() != sha256:
                    return BlobFault.HASH_MISMATCH
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
            _sync_folder(target.parent)
            _sync_folder(self._folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
        return Stored(total, media_type_of(head))


def attachment_store() -> BlobStore:
    """This site's attachments."""
    return BlobStore(settings.ATTACHMENTS, bytes_max=limits.ATTACHMENT_BYTES)


def media_type_of(head: bytes) -> str:
    """By the first bytes: only what the staff site may show in place gets a type of its own."""
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "application/octet-stream"


def _sync_folder(folder: Path) -> None:
    """A rename is durable when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
