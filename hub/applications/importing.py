"""What a terminal wrote to a stick instead of sending it: taken as if it had come over the line.

`kiosk cache export` leaves a folder: `batch-NNNN.cbor` are bodies of POST /batch, `attachments/` has
what they name, `manifest.json` the SHA-256 of every file. The same rules hold as at the door, so that
the same stick read twice, or after the line came back, changes nothing. Only these names are looked
at, only plain files are read, and none that the manifest does not vouch for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from hub import limits
from hub.applications import wire
from hub.applications.blobs import attachment_store
from hub.applications.intake import Intake, Judged
from hub.applications.uploads import UploadFault, uploads_of
from hub.applications.writer import writer
from hub.terminals.models import Terminal

MANIFEST = "manifest.json"
MANIFEST_BYTES = 64 * 1_048_576  # half a million files; a terminal's year has fewer
_BATCH = re.compile(r"batch-[0-9]{4,6}\.cbor")
_ATTACHMENT = re.compile(r"attachments/([0-9a-f]{64})")
_HASH = re.compile(r"[0-9a-f]{64}")


class ImportFault(StrEnum):
    NOT_AN_EXPORT = "not_an_export"  # no manifest, or not one of ours
    DAMAGED = "damaged"  # a file is not what the manifest says, or not there
    UNKNOWN_TERMINAL = "unknown_terminal"  # it was never enrolled here
    NO_SPACE = "no_space"


class ImportFailedError(Exception):
    """Nothing of what follows was taken. What was taken before stays, and counts once."""

    def __init__(self, fault: ImportFault, what: str) -> None:
        super().__init__(f"{fault}: {what}")
        self.fault = fault
        self.what = what


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to one item, with what of it may be shown."""

    terminal: str
    epoch: str
    id: str
    seq: int
    kind: str
    order_key: str
    answer: Judged


def taken_from(folder: Path) -> Iterator[Taken]:
    """An answer for each item, in the order of the queue. Raises ImportFailedError.

    Everything is compared with the manifest before anything is taken: a stick that lost a sector is
    found out at once, and the terminal's copy is still there to be written anew.
    """
    listed = _manifest(folder)
    for name, sha256 in listed.items():
        if hashlib.sha256(_content(folder, name, _most(name))).hexdigest() != sha256:
            raise ImportFailedError(ImportFault.DAMAGED, name)
    batches = [
        _batch(folder, name) for name in sorted(name for name in listed if _BATCH.fullmatch(name))
    ]
    held: dict[str, bool] = {}
    for batch in batches:
        terminal = Terminal.objects.filter(pk=batch.terminal).first()
        if terminal is None:
            raise ImportFailedError(ImportFault.UNKNOWN_TERMINAL, batch.terminal)
        for sha256 in _named(batch):
            if sha256 not in held and f"attachments/{sha256}" in listed:
                held[sha256] = _take_attachment(batch.terminal, folder, sha256)
        intake = Intake(terminal, attachment_store(), writer())
        for at in range(0, len(batch.items), limits.BATCH_ITEMS):
            items = batch.items[at : at + limits.BATCH_ITEMS]
            done = intake.take(batch.epoch, batch.last_seq, items)
            for raw, answer in zip(items, done.answers, strict=True):
                yield _told(batch, raw, answer)


def _manifest(folder: Path) -> dict[str, str]:
    try:
        listed = json.loads(_content(folder, MANIFEST, MANIFEST_BYTES))
    except (ImportFailedError, ValueError, RecursionError):
        raise ImportFailedError(ImportFault.NOT_AN_EXPORT, MANIFEST) from None
    if not isinstance(listed, dict):
        raise ImportFailedError(ImportFault.NOT_AN_EXPORT, MANIFEST)
    for name, sha256 in listed.items():
        ours = _BATCH.fullmatch(name) or _ATTACHMENT.fullmatch(name)
        if not ours or not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
            raise ImportFailedError(ImportFault.NOT_AN_EXPORT, MANIFEST)
    return listed


def _content(folder: Path, name: str, most: int) -> bytes:
    """A plain file's content. Links are not followed: the stick is not ours."""
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        raise ImportFailedError(ImportFault.DAMAGED, name) from None
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise ImportFailedError(ImportFault.DAMAGED, name)
        try:
            return file.read()
        except OSError:
            raise ImportFailedError(ImportFault.DAMAGED, name) from None


def _most(name: str) -> int:
    return limits.BATCH_BYTES if _BATCH.fullmatch(name) else limits.ATTACHMENT_BYTES


def _batch(folder: Path, name: str) -> wire.Batch:
    try:
        return wire.Batch.model_validate(wire.read(_content(folder, name, _most(name)), wire.CBOR))
    except (wire.UnreadableBatchError, ValidationError):
        raise ImportFailedError(ImportFault.NOT_AN_EXPORT, name) from None


def _named(batch: wire.Batch) -> list[str]:
    """The attachments that the items of a batch name, as far as they can be read."""
    names: dict[str, None] = {}
    for raw in batch.items:
        known = wire.by_name(raw)
        listed = known.get("attachments") if isinstance(known, dict) else None
        for name in listed if isinstance(listed, list) else ():
            if isinstance(name, bytes) and len(name) == wire.HASH_BYTES:
                names[name.hex()] = None
    return list(names)


def _take_attachment(terminal: str, folder: Path, sha256: str) -> bool:
    """Whether it is held now. One that is not what its name says leaves its item incomplete."""
    content = _content(folder, f"attachments/{sha256}", limits.ATTACHMENT_BYTES)
    uploads = uploads_of(terminal)
    begun = uploads.begin(sha256, len(content))
    if begun is UploadFault.NO_SPACE:
        raise ImportFailedError(ImportFault.NO_SPACE, sha256)
    if isinstance(begun, UploadFault):
        return False
    if begun.whole:
        return True
    done = uploads.append(sha256, begun.offset, content[begun.offset :], None)
    return not isinstance(done, UploadFault) and done.whole


def _told(batch: wire.Batch, raw: object, answer: Judged) -> Taken:
    said = wire.outline(raw)
    seq = said.get("seq")
    return Taken(
        batch.terminal,
        batch.epoch,
        str(said.get("id", "")),
        seq if isinstance(seq, int) else 0,
        str(said.get("kind", "")),
        str(said.get("order_key", "")),
        answer,
    )
