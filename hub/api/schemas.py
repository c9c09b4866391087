"""What goes over the wire, as the OpenAPI document tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, WithJsonSchema

from hub import limits
from hub.applications.bodies import (
    CitizenNumber,
    Code,
    Epoch,
    ItemEnvelope,
    Moment,
    TerminalCode,
    text_of,
)
from hub.applications.intake import Result

# Items are judged one by one, so that a bad one is answered and the others are taken; the
# document still tells what a good one looks like.
ITEM_DOCUMENT: dict[str, Any] = ItemEnvelope.model_json_schema()
Item = Annotated[Any, WithJsonSchema(ITEM_DOCUMENT)]


class Asked(Schema):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class ErrorBody(Schema):
    code: str
    text: str


class Error(Schema):
    error: ErrorBody


class EnrolIn(Asked):
    code: text_of(32, 1)
    public_key: text_of(64, 1) = Field(description="base64 of 32 raw Ed25519 bytes")
    software: text_of(64)


class EnrolOut(Schema):
    terminal: str
    token: str
    time: datetime


class BatchIn(Asked):
    terminal: TerminalCode
    epoch: Epoch
    items: list[Item] = Field(json_schema_extra={"maxItems": limits.BATCH_ITEMS})


class AnswerOut(Schema):
    id: str
    sha256: str
    result: Result
    missing: list[str]
    code: str
    text: str


class BatchOut(Schema):
    time: datetime
    answers: list[AnswerOut]


class AttachmentOut(Schema):
    sha256: str
    bytes: int


class ProgressIn(Asked):
    qr: text_of(200, 1)


class ProgressOut(Schema):
    number: str
    state: Literal["received", "in_review", "needs_more", "granted", "refused"]
    item: str
    accepted_at: datetime
    changed_at: datetime


class EarlierIn(Asked):
    item: Code
    id_number: CitizenNumber
    since: Moment


class EarlierOut(Schema):
    number: str | None
    accepted_at: datetime | None


class ContactOut(Schema):
    terminal: str
    time: datetime


class HealthOut(Schema):
    ok: Literal[True]
    time: datetime
