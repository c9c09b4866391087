"""A batch on the wire: CBOR, with bytes as bytes, or JSON with the same fields as text.

One parser takes both: a hash is 32 bytes or 64 hex digits, an id 16 bytes or a UUID's text, sealed
bytes are bytes or base64, and an item may leave out its fields' names and give them in their order,
as terminals do. Items are parsed one by one, so that a bad one is answered by itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Annotated, Any, get_args

import cbor2
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from hub.applications import bodies
from hub.applications.bodies import (
    ATTACHMENTS_MAX,
    SEQ_MAX,
    Epoch,
    ItemKind,
    Moment,
    TerminalCode,
    moment,
)
from hub.applications.bodies import matching as matching_text

CBOR = "application/cbor"
JSON = "application/json"
HASH_BYTES = 32
ID_BYTES = 16
ORDER_KEY = r"[\x21-\x7e]{1,64}"
SEALED_BYTES_MAX = 393_216  # an item of 256 KB that did not compress, and its envelope
DEPTH_MAX = 8  # the agreed shape has four levels


class UnreadableBatchError(ValueError):
    """The bytes are not of their format, or nested too deeply."""


def read(content: bytes, media_type: str) -> Any:
    """The value in a request's body. Raises UnreadableBatchError."""
    try:
        if media_type == CBOR:
            stream = BytesIO(content)
            value = cbor2.CBORDecoder(
                stream,
                max_depth=DEPTH_MAX,
                allow_indefinite=False,
                strict_hashable_types=True,
                semantic_decoders=_NO_TAGS,
                tag_hook=_no_tag,
            ).decode()
            if stream.read(1):
                raise UnreadableBatchError("something follows the value")
            return value
        return json.loads(content.decode("utf-8"))
    except UnreadableBatchError:
        raise
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError) as wrong:
        raise UnreadableBatchError(type(wrong).__name__) from wrong


def written(value: dict[str, Any], media_type: str) -> bytes:
    """An answer in the request's format."""
    if media_type == CBOR:
        return cbor2.dumps(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _no_tag(decoder: Any, *_: object) -> Any:
    raise UnreadableBatchError("this tag is not agreed")


# A terminal needs no tag. What the library would make of these: big numbers, text that is referred
# to (a few bytes that stand for gigabytes), cycles, patterns, messages, networks, sets.
_NO_TAGS = dict.fromkeys(
    (2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 52, 54, 100, 256, 258, 260, 261, 1004, 43000), _no_tag
)


# -- one value or the other ---------------------------------------------------------


def _hash(value: object) -> bytes:
    if isinstance(value, bytes) and len(value) == HASH_BYTES:
        return value
    if isinstance(value, str) and len(value) == 2 * HASH_BYTES and value == value.lower():
        try:
            return bytes.fromhex(value) if value.isalnum() else _wrong("is not 32 bytes")
        except ValueError:
            pass
    return _wrong("is not 32 bytes in hex digits")


def _id(value: object) -> uuid.UUID:
    if isinstance(value, uuid.UUID):
        return value
    if isinstance(value, bytes) and len(value) == ID_BYTES:
        return uuid.UUID(bytes=value)
    if isinstance(value, str) and len(value) == 36:
        try:
            return uuid.UUID(value)
        except ValueError:
            pass
    return _wrong("is not a UUID")


def _sealed(value: object) -> bytes:
    if isinstance(value, str):
        try:
            value = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            _wrong("is not base64")
    if not isinstance(value, bytes) or len(value) > SEALED_BYTES_MAX:
        return _wrong(f"is not at most {SEALED_BYTES_MAX} bytes")
    return value


def _wrong(text: str) -> Any:
    raise ValueError(text) from None


_HEX = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
Hash = Annotated[bytes, BeforeValidator(_hash), WithJsonSchema(_HEX)]
Id = Annotated[
    uuid.UUID, BeforeValidator(_id), WithJsonSchema({"type": "string", "format": "uuid"})
]
Sealed = Annotated[
    bytes,
    BeforeValidator(_sealed),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]


class WireItem(BaseModel):
    """One thing out of a terminal's queue, as it travels: its document, and the judge of whatever
    `item_of` does not know at a glance."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    id: Id
    seq: int = Field(ge=1, le=SEQ_MAX)
    kind: ItemKind
    order_key: matching_text(f"^{ORDER_KEY}$")
    created_at: Moment
    attachments: list[Hash] = Field(default=[], max_length=ATTACHMENTS_MAX)
    sha256: Hash = Field(description="of the sealed bytes")
    chain: Hash = Field(description="SHA-256 over the chain before, seq, id and sha256")
    sealed: Sealed = Field(description="a ZW1 envelope")


@dataclass(slots=True)
class Item:
    """A `WireItem` that was read."""

    key: bytes  # its id, 16 bytes
    seq: int
    kind: str
    order_key: str
    created_at: datetime
    attachments: Sequence[bytes]
    sha256: bytes
    chain: bytes
    sealed: bytes = field(repr=False)

    @property
    def id(self) -> uuid.UUID:
        return uuid.UUID(bytes=self.key)


_ORDER_KEY = re.compile(ORDER_KEY)
_KINDS = frozenset(get_args(ItemKind))
_SHAPES = (bytes, int, str, str, str, bytes, bytes, bytes)
_SHAPES_ALONE = [{of} for of in _SHAPES]


FIELDS = tuple(WireItem.model_fields)


def by_name(raw: Any) -> Any:
    """An item whose fields came without their names, with them; whatever else, as it is."""
    return dict(zip(FIELDS, raw, strict=True)) if _in_order(raw) else raw


def _in_order(raw: Any) -> bool:
    return type(raw) is list and len(raw) == len(FIELDS)


def item_of(raw: Any) -> Item:
    """Raises pydantic's ValidationError. A batch has a hundred items: what terminals send is known
    at a glance, in a tenth of the time that the model takes for it."""
    try:
        key, seq, kind, order_key, told, named, sha256, chain, sealed = (
            raw if type(raw) is list else [raw[name] for name in FIELDS]
        )
        if (
            (type(key), type(seq), type(kind), type(order_key), type(told), type(sha256),
             type(chain), type(sealed)) == _SHAPES
            and len(key) == ID_BYTES
            and 1 <= seq <= SEQ_MAX
            and kind in _KINDS
            and _ORDER_KEY.fullmatch(order_key)
            and len(sha256) == len(chain) == HASH_BYTES
            and len(sealed) <= SEALED_BYTES_MAX
            and type(named) is list
            and (not named or _all_hashes(named))
        ):  # fmt: skip
            at = moment(told)
            return Item(key, seq, kind, order_key, at, named, sha256, chain, sealed)
    except (LookupError, TypeError, ValueError):
        pass
    found = WireItem.model_validate(by_name(raw))
    return Item(
        found.id.bytes, found.seq, found.kind, found.order_key, found.created_at,
        found.attachments, found.sha256, found.chain, found.sealed,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """The items of a batch in columns, each in the items' order: `Item`'s fields."""

    key: Sequence[bytes]
    seq: Sequence[int]
    kind: Sequence[str]
    order_key: Sequence[str]
    created_at: Sequence[datetime]
    attachments: Sequence[Sequence[bytes]]
    sha256: Sequence[bytes]
    chain: Sequence[bytes]
    sealed: Sequence[bytes] = field(repr=False)

    def item(self, at: int) -> Item:
        return Item(
            self.key[at], self.seq[at], self.kind[at], self.order_key[at], self.created_at[at],
            self.attachments[at], self.sha256[at], self.chain[at], self.sealed[at],
        )  # fmt: skip


def sheet_of(raws: Sequence[Any]) -> Sheet | None:
    """A whole batch at a glance, a column at a time: a third of what its items cost one by one. None
    when one of them is not as terminals send them, or its hash is not that of its sealed bytes."""
    if set(map(type, raws)) != {list} or set(map(len, raws)) != {len(FIELDS)}:
        return None
    key, seq, kind, order_key, told, named, sha256, chain, sealed = zip(*raws, strict=True)
    columns = (key, seq, kind, order_key, told, sha256, chain, sealed)
    if (
        [set(map(type, column)) for column in columns] != _SHAPES_ALONE
        or set(map(type, named)) != {list}
        or set(map(len, key)) != {ID_BYTES}
        or not 1 <= min(seq) <= max(seq) <= SEQ_MAX
        or not _KINDS.issuperset(kind)
        or not all(map(_ORDER_KEY.fullmatch, order_key))
        or not set(map(len, sha256)) == set(map(len, chain)) == {HASH_BYTES}
        or max(map(len, sealed)) > SEALED_BYTES_MAX
        or not all(map(_all_hashes, filter(None, named)))
        or [hashlib.sha256(one).digest() for one in sealed] != list(sha256)
    ):
        return None
    created_at = bodies.moments(told)
    if created_at is None:
        return None
    return Sheet(key, seq, kind, order_key, created_at, named, sha256, chain, sealed)


def _all_hashes(named: list[Any]) -> bool:
    return len(named) <= ATTACHMENTS_MAX and all(
        type(name) is bytes and len(name) == HASH_BYTES for name in named
    )


class Batch(BaseModel):
    """What surrounds the items; they stay as they came."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    terminal: TerminalCode
    epoch: Epoch
    last_seq: int = Field(default=0, ge=0, le=SEQ_MAX, description="the highest seq used so far")
    verdicts_seen: int = Field(
        default=0, ge=0, le=SEQ_MAX, description="the highest number of a verdict that is kept"
    )
    items: list[Any] = Field(repr=False)


def chained(before: bytes, seq: int, key: bytes, sha256: bytes) -> bytes:
    """The chain's next link; `key` is the item's id, 16 bytes."""
    return hashlib.sha256(before + linked(seq, key, sha256)).digest()


def linked(seq: int, key: bytes, sha256: bytes) -> bytes:
    """What a link is made of besides the one before."""
    return seq.to_bytes(8, "big") + key + sha256


def all_chained(before: bytes, sheet: Sheet) -> bool:
    """Whether each of these, which stand in the order of their places, is chained to the one before."""
    first = chained(before, sheet.seq[0], sheet.key[0], sheet.sha256[0])
    return first == sheet.chain[0] and chained_to_each_other(sheet)


def chained_to_each_other(sheet: Sheet) -> bool:
    """As `all_chained`, whatever the first is chained to."""
    places = [seq.to_bytes(8, "big") for seq in sheet.seq]
    parts = list(zip(sheet.chain, places[1:], sheet.key[1:], sheet.sha256[1:], strict=False))
    return [hashlib.sha256(b"".join(part)).digest() for part in parts] == list(sheet.chain[1:])


FIRST_LINK = bytes(HASH_BYTES)


KEPT_CHARACTERS = 100


def outline(raw: Any) -> dict[str, Any]:
    """What can be kept of an item that was not taken: its agreed fields but the sealed bytes, each
    cut short."""
    raw = by_name(raw)
    if not isinstance(raw, dict):
        return {"item": _short(raw)}
    found = {name: _short(raw[name]) for name in WireItem.model_fields if name in raw}
    found.pop("sealed", None)
    named = raw.get("attachments")
    if isinstance(named, list):
        found["attachments"] = [_short(one) for one in named[:ATTACHMENTS_MAX]]
    return found


def sealed_in(raw: Any) -> bytes:
    """The sealed bytes of an item that was not taken, as far as they can be read."""
    try:
        return _sealed(by_name(raw)["sealed"])
    except (ValueError, TypeError, KeyError):
        return b""


def _short(value: object) -> Any:
    match value:
        case bytes():
            return clean(value[:KEPT_CHARACTERS].hex(), KEPT_CHARACTERS)
        case str():
            return clean(value, KEPT_CHARACTERS)
        case bool() | None:
            return value
        case int() | float():
            return value if abs(value) < 2**63 else f"{value:.20g}"
        case uuid.UUID() | datetime():
            return str(value)
        case _:
            return f"({type(value).__name__})"


def clean(text: str, most: int) -> str:
    """Text that any database and any encoder takes."""
    return text[:most].encode("utf-8", "replace").decode("utf-8").replace("\x00", "?")


def echoed(raw: Any, *, packed: bool) -> tuple[Any, Any]:
    """An item's id and hash as they were sent, for its answer; empty where there was nothing like
    one. What terminals send is echoed at a glance."""
    if packed and _in_order(raw):
        key, sha256 = raw[_ID], raw[_SHA256]
        if (type(key), type(sha256)) == (bytes, bytes) and len(key) <= len(sha256) <= HASH_BYTES:
            return key, sha256
    named = by_name(raw)
    known = named if isinstance(named, dict) else {}
    return _echoed(known.get("id"), packed=packed), _echoed(known.get("sha256"), packed=packed)


def all_echoed(raws: Sequence[Any], result: str) -> list[dict[str, Any]]:
    """The same answer to each of these, which `sheet_of` has read."""
    return [{"id": raw[_ID], "sha256": raw[_SHA256], "result": result} for raw in raws]


_ID, _SHA256 = FIELDS.index("id"), FIELDS.index("sha256")


def _echoed(value: Any, *, packed: bool) -> Any:
    if packed:
        if isinstance(value, uuid.UUID):
            return value.bytes
        return value if isinstance(value, bytes) and len(value) <= HASH_BYTES else b""
    return clean(value, 2 * HASH_BYTES) if isinstance(value, str) else ""
