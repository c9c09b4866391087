"""Attachments on their way: parts appended to a file until it is whole (tus 1.0).

A file is named by its terminal and the hash it will have; how long it will be stands in the file
beside it. Both survive a restart, so a terminal goes on from the offset it is told. One process
at a time writes to a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from hub import limits
from hub.applications.blobs import AttachmentStore, attachment_store, looked_into
from hub.applications.models import Attachment

PART_LIFE_D = 7  # a dead line of a week, or a terminal that was taken away
UNFINISHED_MAX = 64  # of one terminal; its queue has a few at a time
DISK_RESERVE_BYTES = 512 * 1_048_576  # for the database, which must be able to say no
LARGE_BYTES = 4 * 1_048_576


class UploadFault(StrEnum):
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many_uploads"
    UNKNOWN = "unknown_upload"
    WRONG_OFFSET = "wrong_offset"
    CHECKSUM = "checksum_mismatch"
    HASH_MISMATCH = "hash_mismatch"
    NO_SPACE = "no_space"


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of an upload is held."""

    offset: int
    length: int
    expires_at: datetime | None = None  # None: whole, and kept

    @property
    def whole(self) -> bool:
        return self.expires_at is None


class Uploads:
    """What one terminal is handing over."""

    def __init__(self, terminal: str, folder: Path, store: AttachmentStore) -> None:
        self._terminal = terminal
        self._folder = folder
        self._store = store

    def begin(self, sha256: str, length: int) -> Progress | UploadFault:
        """Where to go on; whole if it is held already."""
        if length > limits.ATTACHMENT_BYTES:
            return UploadFault.TOO_LARGE
        if (held := self._held(sha256)) is not None:
            return held
        self._folder.mkdir(mode=settings.PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < DISK_RESERVE_BYTES + length:
            return UploadFault.NO_SPACE
        part = self._part(sha256)
        if not part.exists() and self._unfinished() >= UNFINISHED_MAX:
            return UploadFault.TOO_MANY
        with self._alone(sha256, make=True):
            if not part.exists() and (held := self._held(sha256)) is not None:
                return held  # another request made it whole meanwhile
            if self._length(sha256) != length:
                part.write_bytes(b"")
                self._write_length(sha256, length)
            return self._progress(part, length)

    def progress(self, sha256: str) -> Progress | UploadFault:
        if (held := self._held(sha256)) is not None:
            return held
        length = self._length(sha256)
        if length is None:
            return UploadFault.UNKNOWN
        return self._progress(self._part(sha256), length)

    def append(
        self, sha256: str, offset: int, content: bytes, checksum: bytes | None
    ) -> Progress | UploadFault:
        """One part. The last one makes it whole: checked, synced and moved into the store."""
        if checksum is not None and hashlib.sha256(content).digest() != checksum:
            return UploadFault.CHECKSUM
        part = self._part(sha256)
        if not part.exists():
            return self._gone(sha256, offset)
        with self._alone(sha256):
            length = self._length(sha256)
            if length is None or not part.exists():  # another request made it whole meanwhile
                return self._gone(sha256, offset)
            if part.stat().st_size != offset:
                return UploadFault.WRONG_OFFSET
            if offset + len(content) > length:
                return UploadFault.TOO_LARGE
            with part.open("ab") as file:
                file.write(content)
            if offset + len(content) < length:
                return self._progress(part, length)
            return self._finish(sha256, part, length)

    def _gone(self, sha256: str, offset: int) -> Progress | UploadFault:
        """An upload without its file: whole, just becoming whole, or never begun."""
        begun = self._length(sha256) is not None  # asked first, because it is removed last
        held = self._held(sha256)
        if held is None:
            return UploadFault.WRONG_OFFSET if begun else UploadFault.UNKNOWN
        return held if offset == held.length else UploadFault.WRONG_OFFSET

    def _finish(self, sha256: str, part: Path, length: int) -> Progress | UploadFault:
        if _sha256_of(part) != sha256:
            self._forget(sha256)
            return UploadFault.HASH_MISMATCH
        with self._few_large_ones(length):
            row = self._described(sha256, part, length)
        self._store.take(sha256, part)
        with transaction.atomic():
            Attachment.objects.bulk_create([row], ignore_conflicts=True)
        self._forget(sha256)
        return Progress(length, length)

    def _described(self, sha256: str, part: Path, length: int) -> Attachment:
        return Attachment(
            sha256=sha256,
            sealed_bytes=length,
            received_at=timezone.now(),
            terminal_id=self._terminal,
            **asdict(looked_into(part.read_bytes(), self._terminal)),
        )

    def _held(self, sha256: str) -> Progress | None:
        row = Attachment.objects.filter(pk=sha256).first()
        if row is None or self._store.size(sha256) != row.sealed_bytes:
            return None
        return Progress(row.sealed_bytes, row.sealed_bytes)

    def _progress(self, part: Path, length: int) -> Progress:
        try:
            found = part.stat()
        except FileNotFoundError:
            return Progress(0, length, timezone.now())
        changed = datetime.fromtimestamp(found.st_mtime, UTC)
        return Progress(found.st_size, length, changed + timedelta(days=PART_LIFE_D))

    # -- files ------------------------------------------------------------------

    def _part(self, sha256: str) -> Path:
        return self._folder / f"{self._terminal}-{sha256}.part"

    def _length_file(self, sha256: str) -> Path:
        return self._folder / f"{self._terminal}-{sha256}.length"

    def _length(self, sha256: str) -> int | None:
        try:
            return int(self._length_file(sha256).read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def _write_length(self, sha256: str, length: int) -> None:
        path = self._length_file(sha256)
        path.write_text(str(length), encoding="ascii")

    def _forget(self, sha256: str) -> None:
        self._part(sha256).unlink(missing_ok=True)
        self._length_file(sha256).unlink(missing_ok=True)

    def _unfinished(self) -> int:
        return sum(1 for _ in self._folder.glob(f"{self._terminal}-*.part"))

    @contextlib.contextmanager
    def _few_large_ones(self, length: int) -> Iterator[None]:
        """An attachment is opened in memory, several times its size: of the large, one at a time."""
        if length < LARGE_BYTES:
            yield
            return
        with (self._folder / "opening.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def _alone(self, sha256: str, *, make: bool = False) -> Iterator[None]:
        """No other thread or process touches this upload meanwhile."""
        flags = os.O_RDWR | (os.O_CREAT if make else 0)
        try:
            descriptor = os.open(self._part(sha256), flags, settings.PRIVATE_FILE_MODE)
        except FileNotFoundError:  # made whole just now: the caller looks again
            yield
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def uploads_of(terminal: str) -> Uploads:
    return Uploads(terminal, settings.INCOMING, attachment_store())


def tidy_parts(folder: Path) -> int:
    """Delete what was begun and left for `PART_LIFE_D`. How many."""
    before = time.time() - PART_LIFE_D * 86_400
    count = 0
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                path.unlink()
                count += path.suffix == ".part"
    return count


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
