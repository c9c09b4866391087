"""What goes over the line and what comes back, in CBOR (RFC 8949) and JSON. Pure.

An answer is believed in nothing yet: shapes are checked here, meaning in `engine`.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import cbor2

from offline_cache.ids import uuid_bytes, uuid_text

CBOR: Final = "application/cbor"
JSON: Final = "application/json"
MOST_DEPTH: Final = 8  # ours have four; nesting is how small texts exhaust a parser
MOST_RANGES: Final = 10_000  # of a hub that was restored; more come with the next contact
MOST_VERDICTS: Final = 100  # at a time; more come with the next answer
LAST_VERDICT: Final = 2**53  # a number that every format carries exactly
ENVELOPE_BYTES: Final = 320  # around the sealed bytes of one item, its names included
HASH_BYTES: Final = 32
MOST_STEPS: Final = 20  # of a dialogue with a card
MOST_APDUS: Final = 8  # of one step of a dialogue with a card
MOST_WORDS: Final = 200  # of a sentence for the citizen
MOST_MATERIALS: Final = 100  # of an application and what was handed in after it


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it goes. `sealed` is what the hub alone can read; `row` never leaves us."""

    row: int
    epoch: str
    seq: int
    id: str
    kind: str
    order_key: str
    created_at: str
    attachments: tuple[str, ...]  # SHA-256 of the sealed bytes, hexadecimal
    sha256: str  # of `sealed`, hexadecimal
    chain: bytes
    sealed: bytes = field(repr=False)

    @property
    def wire_bytes(self) -> int:
        """How much of a batch it takes, rounded up."""
        return ENVELOPE_BYTES + len(self.sealed) + (HASH_BYTES + 2) * len(self.attachments)


@dataclass(frozen=True, slots=True)
class CardStep:
    """One step of a dialogue between a social card and the hub, as the hub says it.

    `outcome`: transmit, done or refused. `step` is to be asked next.
    """

    dialogue: str
    step: int
    outcome: str
    apdus: tuple[bytes, ...] = field(repr=False)
    code: str = ""
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The hub's word on one item of a batch, as it came."""

    id: str
    sha256: str
    result: str
    missing: tuple[str, ...] = ()
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class LateVerdict:
    """The hub accepted this item, opened it later, and could not take it; or, `taken`, it opened it
    once more, and now it has it after all.

    `no` rises; the hub tells the same again until it hears that this one was kept.
    """

    no: int
    epoch: str
    seq: int
    id: str
    code: str
    text: str = ""
    taken: bool = False


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """`resend`: ranges of this epoch that the hub no longer holds."""

    answers: tuple[Answer, ...]
    resend: tuple[tuple[int, int], ...]
    time: datetime | None
    verdicts: tuple[LateVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """`spread_s`: over how long terminals that return together should spread; None: not said.
    `top_seq`: the highest seq of the epoch asked for that ever came to the hub."""

    terminal: str
    time: datetime
    seal_keys: object = field(repr=False, default=None)
    resend: tuple[tuple[int, int], ...] = ()
    spread_s: float | None = None
    verdicts: tuple[LateVerdict, ...] = ()
    top_seq: int = 0


@dataclass(frozen=True, slots=True)
class Enrolled:
    terminal: str
    certificate: str = field(repr=False)
    ca: str = field(repr=False)
    seal_keys: object = field(repr=False)
    time: datetime


@dataclass(frozen=True, slots=True)
class Renewed:
    certificate: str = field(repr=False)
    ca: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    number: str
    state: str
    item: str
    accepted_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class HubEarlier:
    """The newest earlier application that the hub knows; `number` None when there is none.

    `state`: as staff have it (received, in_review, needs_more, granted, refused). `materials`: codes
    of what the hub holds of it, handed in then or later. `note`: what staff ask for when the state is
    needs_more, in their words; empty otherwise.
    """

    number: str | None
    accepted_at: datetime | None
    state: str = ""
    materials: tuple[str, ...] = ()
    note: str = field(default="", repr=False)  # free text: staff may write a name into it


def batch_body(
    terminal: str, epoch: str, last_seq: int, items: Sequence[Item], verdicts_seen: int = 0
) -> bytes:
    """The body of POST /batch. Items are arrays: their fields without the names, in the order that
    the hub's document gives them."""
    return cbor2.dumps(
        {
            "terminal": terminal,
            "epoch": epoch,
            "last_seq": last_seq,
            "verdicts_seen": verdicts_seen,
            "items": [
                [
                    uuid_bytes(item.id),
                    item.seq,
                    item.kind,
                    item.order_key,
                    item.created_at,
                    [bytes.fromhex(name) for name in item.attachments],
                    bytes.fromhex(item.sha256),
                    item.chain,
                    item.sealed,
                ]
                for item in items
            ],
        }
    )


class ShapeError(ValueError):
    """Not what the hub would say."""


def parse(content: bytes, media_type: str) -> Any:
    """The value in an answer's body. Raises ShapeError."""
    try:
        if media_type.partition(";")[0].strip().lower() == CBOR:
            return cbor2.loads(content, max_depth=MOST_DEPTH, allow_indefinite=False)
        return json.loads(content)
    except (ValueError, RecursionError, cbor2.CBORError) as error:
        raise ShapeError from error


def read_batch(it: Any) -> BatchAnswer:
    """Raises ShapeError, KeyError or TypeError when it is no batch's answer at all."""
    answers: list[Answer] = []
    for answer in _list(it["answers"]):
        # One answer that is not whole is no acknowledgement of its item; the others stand.
        try:
            answers.append(_answer(answer))
        except (KeyError, TypeError, AttributeError, ValueError):
            continue
    return BatchAnswer(
        tuple(answers),
        _ranges(it.get("resend")),
        _maybe_time(it.get("time")),
        read_verdicts(it.get("verdicts")),
    )


def _answer(it: Any) -> Answer:
    missing, code, text = it.get("missing"), it.get("code"), it.get("text")
    return Answer(
        uuid_text(_bytes(it["id"])),
        _bytes(it["sha256"]).hex(),
        _text(it["result"]),
        tuple([_bytes(name).hex() for name in missing]) if missing else (),
        _text(code) if code else "",
        _text(text) if text else "",
    )


def read_verdicts(value: object) -> tuple[LateVerdict, ...]:
    """The first in the order of their numbers, each once; what is no verdict is left out.

    Two that differ under one number are none: the hub would be wrong about at least one.
    """
    found: dict[int, LateVerdict] = {}
    doubtful: set[int] = set()
    for each in value if isinstance(value, list) else ():
        with contextlib.suppress(KeyError, TypeError, AttributeError, ValueError):
            verdict = _late_verdict(each)
            if found.setdefault(verdict.no, verdict) != verdict:
                doubtful.add(verdict.no)
    return tuple(found[no] for no in sorted(found.keys() - doubtful)[:MOST_VERDICTS])


def _late_verdict(it: Any) -> LateVerdict:
    """An id is a UUID's text in JSON and its 16 bytes in CBOR."""
    result = _text(it["result"])
    if result not in ("refused", "conflict", "accepted"):
        raise ShapeError("no result of a verdict")
    item_id = it["id"]
    return LateVerdict(
        _whole(it["no"], LAST_VERDICT),
        _text(it["epoch"]),
        _whole(it["seq"], LAST_VERDICT),
        str(uuid.UUID(bytes=item_id) if isinstance(item_id, bytes) else uuid.UUID(_text(item_id))),
        _text(it.get("code") or result),
        _text(it.get("text") or ""),
        taken=result == "accepted",
    )


def read_health(it: Any) -> datetime:
    return _time(it["time"])


def read_contact(it: Any) -> Contact:
    spread = it.get("spread_s")
    return Contact(
        _text(it["terminal"]),
        _time(it["time"]),
        it.get("seal_keys"),
        _ranges(it.get("resend")),
        float(spread) if isinstance(spread, int | float) and 0 <= spread < 1e6 else None,
        read_verdicts(it.get("verdicts")),
        _seq(it.get("top_seq")),
    )


def read_enrolled(it: Any) -> Enrolled:
    return Enrolled(
        _text(it["terminal"]),
        _text(it["certificate"]),
        _text(it["ca"]),
        it["seal_keys"],
        _time(it["time"]),
    )


def read_renewed(it: Any) -> Renewed:
    return Renewed(_text(it["certificate"]), _text(it["ca"]))


def read_progress(it: Any) -> Progress:
    return Progress(
        _text(it["number"]),
        _text(it["state"]),
        _text(it["item"]),
        _time(it["accepted_at"]),
        _time(it["changed_at"]),
    )


def read_card_step(it: Any) -> CardStep:
    outcome = _text(it["outcome"])
    if outcome not in ("ready", "transmit", "done", "refused"):
        raise ValueError("no such outcome")
    apdus = it["apdus"]
    if not isinstance(apdus, list) or len(apdus) > MOST_APDUS:
        raise ValueError("too many commands")
    return CardStep(
        _text(it["dialogue"]),
        _whole(it["step"], MOST_STEPS),
        outcome,
        tuple(bytes.fromhex(_text(apdu)) for apdu in apdus),
        _text(it["code"]),
        _text(it["text_zh"])[:MOST_WORDS],
        _text(it["text_en"])[:MOST_WORDS],
    )


def read_earlier(it: Any) -> HubEarlier:
    number = it["number"]
    if number is None:
        return HubEarlier(None, None)
    accepted_at = it["accepted_at"]
    return HubEarlier(
        _text(number),
        None if accepted_at is None else _time(accepted_at),
        _text(it["state"]),
        tuple(_text(code) for code in _list(it["materials"])[:MOST_MATERIALS]),
        _text(it["note"])[:MOST_WORDS],
    )


def error_code(content: bytes, media_type: str) -> str:
    """The code of the hub's own error body; empty when it is somebody else's page."""
    with contextlib.suppress(ShapeError, KeyError, TypeError):
        return _text(parse(content, media_type)["error"]["code"])[:64]
    return ""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _seq(value: object) -> int:
    """0 for whatever is none."""
    return value if type(value) is int and 0 <= value <= LAST_VERDICT else 0


def _whole(value: object, last: int) -> int:
    """A number from 1 to `last`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= last:
        raise TypeError("a number expected")
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("bytes expected")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("list expected")
    return value


def _time(value: object) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ShapeError("a time without a zone")
    return at.astimezone(UTC)


def _maybe_time(value: object) -> datetime | None:
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        return _time(value)
    return None


def _ranges(value: object) -> tuple[tuple[int, int], ...]:
    """Pairs of first and last seq, both included; what is no such pair is left out."""
    ranges: list[tuple[int, int]] = []
    for pair in value[:MOST_RANGES] if isinstance(value, list) else ():
        match pair:
            case [int(first), int(last)] if 0 < first <= last < 2**63:
                ranges.append((first, last))
            case _:
                pass
    return tuple(ranges)
