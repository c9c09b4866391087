"""What goes over the wire, as the OpenAPI document tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, WithJsonSchema

from hub import limits
from hub.applications.bodies import CitizenNumber, Code, Moment, text_of
from hub.applications.intake import Result
from hub.applications.questions import TOLD_CHARACTERS
from hub.applications.wire import Batch, WireItem
from hub.pickups.keeping import PickupState
from hub.terminals.authority import CSR_CHARACTERS_MAX


def batch_document() -> dict[str, Any]:
    """What a good batch looks like. Items are judged one by one, so that a bad one is answered and
    the others are taken; nothing else reads this."""
    shape = Batch.model_json_schema()
    item = WireItem.model_json_schema()
    shape["properties"]["items"] = {
        "type": "array",
        "maxItems": limits.BATCH_ITEMS,
        "items": item,
        "title": "Items",
    }
    return shape


class Asked(Schema):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class ErrorBody(Schema):
    code: str
    text: str


class Error(Schema):
    error: ErrorBody


class SealKeyOut(Schema):
    id: str = Field(description="first 8 bytes of SHA-256 over public_key, in hex digits")
    suite: int = Field(description="1 = aes256gcm+p256, 2 = sm4gcm+sm2")
    public_key: str = Field(description="base64 of the SPKI DER")


class AuthorityOut(Schema):
    ca: str = Field(description="PEM; to be checked against the pin of the one-time code")


class EnrolIn(Asked):
    code: text_of(64, 1)
    csr: text_of(CSR_CHARACTERS_MAX, 1) = Field(description="PEM, for a P-256 key")
    receipt_key: text_of(64, 1) = Field(description="base64 of 32 raw Ed25519 bytes")
    software: text_of(64)


class EnrolOut(Schema):
    terminal: str
    certificate: str
    ca: str
    seal_keys: list[SealKeyOut]
    time: datetime


class RenewIn(Asked):
    csr: text_of(CSR_CHARACTERS_MAX, 1) = Field(description="PEM, for a P-256 key")


class RenewOut(Schema):
    certificate: str
    ca: str


class AnswerOut(Schema):
    id: str
    sha256: str
    result: Result
    missing: list[str]
    code: str
    text: str


Ranges = Annotated[
    list[list[int]],
    WithJsonSchema(
        {
            "type": "array",
            "description": "ranges of places that the hub does not hold, both ends included",
            "items": {
                "type": "array",
                "items": {"type": "integer"},
                "minItems": 2,
                "maxItems": 2,
            },
        }
    ),
]


class VerdictOut(Schema):
    no: int = Field(description="rises; what is kept of them is told as `verdicts_seen`")
    epoch: str
    seq: int
    id: str
    result: Literal["refused", "conflict", "accepted"] = Field(
        description="accepted: an earlier verdict on this item no longer holds"
    )
    code: str
    text: str


class BatchOut(Schema):
    time: datetime
    answers: list[AnswerOut]
    resend: Ranges
    verdicts: list[VerdictOut] = Field(
        description="on items that were accepted: what opening them showed"
    )


class ProgressIn(Asked):
    qr: text_of(200, 1)


State = Literal["received", "in_review", "needs_more", "granted", "refused"]


class ProgressOut(Schema):
    number: str
    state: State
    item: str
    accepted_at: datetime
    changed_at: datetime


class EarlierIn(Asked):
    item: Code
    id_number: CitizenNumber
    since: Moment


class EarlierOut(Schema):
    """`number` is null when there is none; then nothing else is said."""

    number: str | None = None
    accepted_at: datetime | None = None
    state: State | None = None
    materials: list[str] = Field(
        default=[], description="codes of what is held of it, handed in then or later"
    )
    note: str = Field(
        default="", description=f"needs_more: what staff ask for, {TOLD_CHARACTERS} characters"
    )


class ContactOut(Schema):
    terminal: str
    time: datetime
    seal_keys: list[SealKeyOut]
    resend: Ranges
    top_seq: int = Field(description="the highest seq that came of this epoch; 0: none did")
    verdicts: list[VerdictOut]
    spread_s: float = Field(description="over how long terminals that return together spread")


class PickupKeptOut(Schema):
    expires_at: datetime


class PickupOut(Schema):
    state: PickupState


class HealthOut(Schema):
    ok: Literal[True]
    time: datetime
