"""Attachments, sealed as they came, named by the SHA-256 of those bytes: in a folder or in a bucket
of an S3-compatible store.

A name appears only when all of its content is under it and durable, so what is there is whole. The
store never sees what was sealed; opening is for who may look (`content_of`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from hub import limits
from hub.applications.models import Attachment
from hub.applications.opening import CannotOpenError
from hub.seal.envelope import SealFault, attachment_context, open_envelope
from hub.seal.keys import key_ring

FOLDER_MODE = 0o700
S3_TRIES = 2
S3_CONNECT_S = 2
S3_READ_S = 10
S3_ASK_CONNECT_S = 1
S3_ASK_READ_S = 2
S3_ASK_S = 3.0  # all the sizes of a batch: one of a few threads waits for them
S3_ASK_TOGETHER = 8  # so that a batch of eighty papers takes ten questions' time
S3_AWAY_S = (
    10.0  # a store that said nothing is left alone so long: each question would hold a thread
)
NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})


class AttachmentStore(Protocol):
    """Trouble with the disk or the line raises OSError: the terminal tries again."""

    def size(self, sha256: str) -> int | None:
        """Bytes held; None if it is not there."""
        ...

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Of those that are there, in a time that is bounded for them all."""
        ...

    def take(self, sha256: str, file: Path) -> None:
        """Put a whole, checked file under its name; `file` is gone afterwards."""
        ...

    def read(self, sha256: str) -> bytes:
        """All of it. FileNotFoundError if it is not there."""
        ...

    def delete(self, sha256: str) -> None:
        """It may be gone already."""
        ...


class FolderStore:
    """A folder, spread over 256 folders by the name's beginning."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def size(self, sha256: str) -> int | None:
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        return {name: size for name in names if (size := self.size(name)) is not None}

    def take(self, sha256: str, file: Path) -> None:
        target = self.path(sha256)
        target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with file.open("rb") as content:
            os.fsync(content.fileno())
        try:
            file.replace(target)
        except OSError:  # another file system
            beside = target.with_name(f".{target.name}")
            shutil.copyfile(file, beside)
            beside.chmod(settings.PRIVATE_FILE_MODE)
            with beside.open("rb") as content:
                os.fsync(content.fileno())
            beside.replace(target)
            file.unlink()
        sync_folder(target.parent)
        sync_folder(self._folder)

    def read(self, sha256: str) -> bytes:
        return self.path(sha256).read_bytes()

    def delete(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)


class S3Error(OSError):
    """The object store did not do it."""


class S3Store:
    """A bucket. Credentials come the way the AWS tools read them; every S3-compatible store does."""

    def __init__(self, bucket: str, prefix: str, client: Any, asking: Any) -> None:
        """`asking`: a client that waits for no answer longer than a question is worth."""
        self._bucket = bucket
        self._prefix = prefix
        self._s3 = client
        self._asking = asking
        self._asks = ThreadPoolExecutor(S3_ASK_TOGETHER, thread_name_prefix="sizes")
        self._away_until = 0.0

    def close(self) -> None:
        self._asks.shutdown(cancel_futures=True)
        self._s3.close()
        self._asking.close()

    def size(self, sha256: str) -> int | None:
        return self.sizes([sha256]).get(sha256)

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        asked = {name: self._asks.submit(self._asked_size, name) for name in names}
        _, silent = wait(asked.values(), timeout=S3_ASK_S)
        if silent:
            for one in silent:
                one.cancel()
            self._leave_alone()
            raise S3Error("silent")
        found = {name: one.result() for name, one in asked.items()}
        return {name: size for name, size in found.items() if size is not None}

    def _asked_size(self, sha256: str) -> int | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 (an extra)

        try:
            return int(self._call("head_object", sha256, self._asking)["ContentLength"])
        except ClientError as wrong:
            if _code(wrong) in NOT_THERE:
                return None
            raise S3Error(_code(wrong)) from None

    def take(self, sha256: str, file: Path) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        with file.open("rb") as content:
            try:
                self._call(
                    "put_object", sha256, Body=content, ContentType="application/octet-stream"
                )
            except ClientError as wrong:
                raise S3Error(_code(wrong)) from None
        file.unlink()

    def read(self, sha256: str) -> bytes:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            body = self._call("get_object", sha256)["Body"]
        except ClientError as wrong:
            if _code(wrong) in NOT_THERE:
                raise FileNotFoundError from None
            raise S3Error(_code(wrong)) from None
        with body:
            return bytes(body.read())

    def delete(self, sha256: str) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            self._call("delete_object", sha256)
        except ClientError as wrong:
            raise S3Error(_code(wrong)) from None

    def _call(self, what: str, sha256: str, client: Any = None, **more: Any) -> Any:
        from botocore.exceptions import (  # noqa: PLC0415
            BotoCoreError,
            ConnectTimeoutError,
            ReadTimeoutError,
        )

        if time.monotonic() < self._away_until:
            raise S3Error("silent")
        try:
            key = f"{self._prefix}{sha256[:2]}/{sha256}"
            return getattr(client or self._s3, what)(Bucket=self._bucket, Key=key, **more)
        except BotoCoreError as wrong:  # no line, no credentials: the terminal tries again
            if isinstance(wrong, ConnectTimeoutError | ReadTimeoutError):
                self._leave_alone()
            raise S3Error(type(wrong).__name__) from None

    def _leave_alone(self) -> None:
        self._away_until = time.monotonic() + S3_AWAY_S


def _code(wrong: Any) -> str:
    return str(wrong.response.get("Error", {}).get("Code", "?"))


def s3_store(bucket: str, prefix: str, endpoint: str) -> S3Store:
    import boto3  # noqa: PLC0415 (an extra)
    from botocore.config import Config  # noqa: PLC0415

    def client(connect_s: int, read_s: int) -> Any:
        config = Config(
            connect_timeout=connect_s,
            read_timeout=read_s,
            retries={"total_max_attempts": S3_TRIES, "mode": "standard"},
        )
        return boto3.client("s3", endpoint_url=endpoint or None, config=config)

    moving = client(S3_CONNECT_S, S3_READ_S)
    return S3Store(bucket, prefix, moving, client(S3_ASK_CONNECT_S, S3_ASK_READ_S))


_s3_store_once = cache(s3_store)  # making a client takes a good part of a second


def attachment_store() -> AttachmentStore:
    """This site's attachments."""
    if settings.S3_BUCKET:
        return _s3_store_once(settings.S3_BUCKET, settings.S3_PREFIX, settings.S3_ENDPOINT)
    return FolderStore(settings.ATTACHMENTS)


def opened_attachment(sealed: bytes, terminal: str) -> bytes | SealFault:
    return open_envelope(
        sealed, attachment_context(terminal), key_ring(), bytes_max=limits.ATTACHMENT_BYTES
    )


@dataclass(frozen=True, slots=True)
class Inside:
    """What is told of an attachment's content, as columns of its row."""

    content_sha256: str
    bytes: int
    media_type: str
    fault: str  # a SealFault, and nothing else is known then; empty: it was opened


def looked_into(sealed: bytes, terminal: str) -> Inside:
    content = opened_attachment(sealed, terminal)
    if isinstance(content, SealFault):
        return Inside("", 0, media_type_of(b""), content.value)
    digest = hashlib.sha256(content).hexdigest()
    return Inside(digest, len(content), media_type_of(content[:16]), "")


def content_of(attachment: Attachment, store: AttachmentStore) -> bytes:
    """What was sealed. FileNotFoundError if it is lost, CannotOpenError if its key is."""
    content = opened_attachment(store.read(attachment.sha256), attachment.terminal_id)
    if isinstance(content, SealFault):
        raise CannotOpenError(content)
    return content


def media_type_of(head: bytes) -> str:
    """By the first bytes: only what the staff site may show in place gets a type of its own."""
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "application/octet-stream"


def sync_folder(folder: Path) -> None:
    """A rename is durable when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
