"""Attachments by the SHA-256 of their content, encrypted at rest, on the disk before the row.

A file: 4 bytes `ZWB1`, 12 bytes nonce, AES-256-GCM ciphertext with its tag; the content's SHA-256
(32 bytes) is the associated data, so that a file cannot stand in for another.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import make_private_folder, sync_folder, write_whole

MAGIC = b"ZWB1"
NONCE_BYTES = 12
_NAME = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """The attachments under one folder."""

    def __init__(self, folder: Path, database_key: bytes) -> None:
        self._folder = folder
        self._cipher = AESGCM(
            HKDF(SHA256(), 32, salt=None, info=b"attachments at rest").derive(database_key)
        )

    def put(self, content: bytes) -> str | StoreFault:
        """Keep `content`; its SHA-256 in hexadecimal when it is on the disk and synced."""
        digest = hashlib.sha256(content)
        name = digest.hexdigest()
        if isinstance(self.get(name), bytes):
            return name
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, content, digest.digest())
        try:
            make_private_folder(self._folder)
            write_whole(self._folder / name, MAGIC + nonce + sealed)
        except OSError as error:
            return fault_of_os_error(error, "attachment")
        return name

    def has(self, sha256: str) -> bool:
        """Whether the file is there (not whether it is whole)."""
        return (self._folder / _checked(sha256)).is_file()

    def get(self, sha256: str) -> bytes | StoreFault:
        """The content, verified: NOT_FOUND, UNREADABLE, or DAMAGED when it is not what was put."""
        try:
            kept = (self._folder / _checked(sha256)).read_bytes()
        except OSError as error:
            return fault_of_os_error(error, "attachment")
        damaged = StoreFault(StoreFaultCode.DAMAGED, "an attachment fails its check")
        if not kept.startswith(MAGIC):
            return damaged
        nonce, sealed = kept[4 : 4 + NONCE_BYTES], kept[4 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, sealed, bytes.fromhex(sha256))
        except (InvalidTag, ValueError):
            return damaged

    def erase(self, sha256: str) -> StoreFault | None:
        """Remove the file, if it is there."""
        try:
            (self._folder / _checked(sha256)).unlink(missing_ok=True)
            if self._folder.is_dir():
                sync_folder(self._folder)
        except OSError as error:
            return fault_of_os_error(error, "attachment")
        return None

    def names(self) -> Iterator[str]:
        """The SHA-256 of every attachment on the disk."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if _NAME.fullmatch(path.name):
                    yield path.name

    def erase_leavings(self) -> None:
        """Remove temporary files of writers that were cut off. For the owner, at start."""
        if self._folder.is_dir():
            for path in self._folder.glob(".*.tmp"):
                path.unlink(missing_ok=True)


def _checked(sha256: str) -> str:
    """A name that cannot lead out of the folder."""
    if not _NAME.fullmatch(sha256):
        raise ValueError("not a SHA-256 in hexadecimal")
    return sha256
