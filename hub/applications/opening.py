"""What an item's seal holds, read and checked. Pure but for the keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from hub import limits
from hub.applications import bodies
from hub.applications.models import ReceivedItem, named
from hub.numbers import terminal_of
from hub.seal.envelope import KeyRing, SealFault, item_context, open_envelope

_SEAL_TEXTS = {
    SealFault.NOT_AN_ENVELOPE: "sealed: is no envelope",
    SealFault.UNKNOWN_SUITE: "sealed: by a suite the hub does not have",
    SealFault.UNKNOWN_KEY: "sealed: to a key the hub does not have",
    SealFault.NOT_AUTHENTIC: "sealed: is damaged, or was sealed for another place",
    SealFault.NOT_UNPACKED: "sealed: does not unpack",
    SealFault.TOO_LARGE: "sealed: holds more than agreed",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """An item that was taken, as it lies in the database."""

    id: UUID
    terminal: str
    epoch: str
    seq: int
    kind: str
    order_key: str
    created_at: datetime
    received_at: datetime
    sha256: str
    chain: bytes
    sealed: bytes = field(repr=False)
    attachments: bytes  # hashes of the sealed ones, 32 bytes each


@dataclass(frozen=True, slots=True)
class Opened:
    body: bodies.AnyBody = field(repr=False)
    # By the hash of their content; the body names them by it.
    attachments: dict[str, bodies.Named] = field(repr=False)


def opened(item: Sealed, keys: KeyRing) -> Opened | Refusal:
    """The body of an item with its attachments' names, or why it cannot be taken."""
    context = item_context(item.terminal, item.epoch, item.seq, item.kind, str(item.id))
    content = open_envelope(item.sealed, context, keys, bytes_max=limits.OPENED_BYTES)
    if isinstance(content, SealFault):
        return Refusal(content, _SEAL_TEXTS[content])
    try:
        held = bodies.Content.model_validate(bodies.read_json(content))
        body = bodies.KINDS[item.kind](held.body)
    except bodies.UnreadableError:
        return Refusal("body_not_json", "what was sealed is not a JSON object")
    except ValidationError as wrong:
        return Refusal("body_invalid", bodies.where_wrong(wrong))
    # Who comes again may stand at any terminal: hands in papers there, is given a receipt, rates.
    applied = isinstance(body, bodies.ApplicationBody)
    if applied and terminal_of(body.number) != item.terminal:
        return Refusal("other_terminal", "number: is another terminal's")
    attachments = {inside.sha256: inside for inside in held.attachments}
    if {inside.sealed for inside in held.attachments} != set(named(item.attachments)):
        return Refusal("attachments_differ", "attachments: are not those that were sealed")
    if isinstance(body, bodies.ApplicationBody | bodies.LaterPapersBody):
        if body.terminal != item.terminal:
            return Refusal("other_terminal", "terminal: is another one")
        if bodies.repeated_code(body):
            return Refusal("body_invalid", "materials: a code comes twice")
        for one in bodies.enclosed(body):
            inside = attachments.get(one.sha256)
            if inside is None or inside.bytes != one.bytes:
                return Refusal("attachments_differ", "a material is not among the attachments")
    return Opened(body, attachments)


def body_of(received: ReceivedItem, keys: KeyRing) -> dict[str, Any]:
    """The body of an item that was taken, as it was sealed. Raises CannotOpenError."""
    queue = received.queue
    context = item_context(
        queue.terminal_id, queue.epoch, received.seq, received.kind, str(received.id)
    )
    content = open_envelope(bytes(received.sealed), context, keys, bytes_max=limits.OPENED_BYTES)
    if isinstance(content, SealFault):
        raise CannotOpenError(content)
    body = json.loads(content)["body"]
    assert isinstance(body, dict)  # noqa: S101 (checked when it was taken)
    return body


class CannotOpenError(Exception):
    """The hub no longer has the key that opened this once."""
