"""The shapes of what a terminal sealed: an item's content, and the three kinds of body.

Strict about everything the hub decides by; what a newer terminal adds is kept in the item's text
and otherwise passed over, so that an update of the terminals never strands their queues.
Errors name the field, never its value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from hub.applications.models import SIGNATURE
from hub.numbers import NUMBER_PATTERN, TERMINAL_PATTERN, check_characters_fit

SEQ_MAX = 2**63 - 1
MATERIALS_MAX = 50
ATTACHMENTS_MAX = MATERIALS_MAX + 1  # and the signature
FORM_FIELDS_MAX = 200
MOMENT_CHARACTERS = (16, 40)  # least and most
YEARS = (1900, 9000)  # a dead clock battery says 1970 or worse; that is no reason to refuse

ItemKind = Literal["application", "rating", "print_result", "later_papers"]


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("contains a NUL character")
    return text


def moments(values: Sequence[str]) -> list[datetime] | None:
    """All of these, as `moment` reads each; None when one of them is none. Those in UTC, as terminals
    tell them, at a glance."""
    try:
        found = list(map(datetime.fromisoformat, values))
        if (
            all(one.tzinfo is UTC for one in found)
            and MOMENT_CHARACTERS[0] <= min(map(len, values))
            and max(map(len, values)) <= MOMENT_CHARACTERS[1]
            and YEARS[0] < min(found).year
            and max(found).year < YEARS[1]
        ):
            return found
        return [moment(one) for one in values]
    except ValueError:
        return None


def moment(value: object) -> datetime:
    """A time with its zone. Raises ValueError."""
    if isinstance(value, datetime):
        at = value
    elif isinstance(value, str) and MOMENT_CHARACTERS[0] <= len(value) <= MOMENT_CHARACTERS[1]:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("is not a time") from None  # the library's text quotes the value
    else:
        raise ValueError("is not a time")
    if at.tzinfo is None or not YEARS[0] < at.year < YEARS[1]:
        raise ValueError("is not a time with a zone")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _number(number: str) -> str:
    if not check_characters_fit(number):
        raise ValueError("has check characters that do not fit")
    return number


def text_of(most: int, least: int = 0) -> Any:
    return Annotated[
        str,
        StringConstraints(strict=True, min_length=least, max_length=most),
        AfterValidator(_without_nul),
    ]


def matching(pattern: str) -> Any:
    return Annotated[str, StringConstraints(strict=True, pattern=pattern)]


Moment = Annotated[
    datetime,
    BeforeValidator(moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Sha256 = matching(r"^[0-9a-f]{64}$")
Code = matching(r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")
ShortCode = matching(r"^[A-Za-z0-9_]{1,32}$")
Epoch = matching(r"^[A-Za-z0-9_-]{1,64}$")
TerminalCode = matching(TERMINAL_PATTERN)
Number = Annotated[matching(NUMBER_PATTERN), AfterValidator(_number)]
CitizenNumber = matching(r"^[0-9A-Z]{4,32}$")
Line = text_of(200)
FullLine = text_of(200, 1)
Version = text_of(32, 1) | Annotated[int, Field(ge=0, le=SEQ_MAX)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class Named(Strict):
    """An attachment, as an item's sealed content names it."""

    sha256: Sha256  # of its content
    sealed: Sha256  # of the sealed bytes
    bytes: int = Field(ge=1, le=2**40)


class Content(Strict):
    """What an item's seal holds."""

    body: dict[str, Any]
    attachments: list[Named] = Field(default=[], max_length=ATTACHMENTS_MAX)


class Consent(Strict):
    version: Version
    agreed_at: Moment


class Person(Strict):
    kind: ShortCode
    name: FullLine
    number: CitizenNumber
    sex_code: Line | None = None
    nation_code: Line | None = None
    birth: Line | None = None
    address: Line | None = None
    appended_address: Line | None = None  # the newest of those added to the card later
    issuer: Line | None = None
    valid_from: Line | None = None
    valid_to: Line | None = None


class Enclosed(Strict):
    sha256: Sha256
    media_type: matching(r"^[a-z]{1,20}/[a-z0-9.+-]{1,60}$")
    bytes: int = Field(ge=1, le=2**40)


class Material(Enclosed):
    code: Code
    name: FullLine
    pages: int = Field(ge=1, le=1000)
    kept_despite: text_of(64) = ""


class ApplicationBody(Strict):
    number: Number
    item: Code
    item_version: Version
    terminal: TerminalCode
    session: text_of(64, 1)
    accepted_at: Moment
    language: matching(r"^[A-Za-z0-9_-]{2,16}$")
    consent: Consent
    applicant: Person
    agent: Person | None = None
    form: dict[str, Any] = Field(max_length=FORM_FIELDS_MAX)
    materials: list[Material] = Field(max_length=MATERIALS_MAX)
    signature: Enclosed | None = None
    earlier_number: Number | None = None


class LaterPapersBody(Strict):
    """Materials handed in after their application, of whichever terminal that is; `by`: whose card was
    read there, `agent`: who stood there for them."""

    number: Number
    item: Code
    terminal: TerminalCode
    session: text_of(64, 1)
    handed_in_at: Moment
    language: matching(r"^[A-Za-z0-9_-]{2,16}$")
    by: Person
    agent: Person | None = None
    materials: list[Material] = Field(min_length=1, max_length=MATERIALS_MAX)
    signature: Enclosed | None = None


class RatingBody(Strict):
    number: Number
    level: int = Field(ge=1, le=5)
    reasons: list[matching(r"^[A-Za-z0-9_]{1,16}$")] = Field(max_length=20)
    channel: ShortCode
    rated_at: Moment


class PrintResultBody(Strict):
    number: Number
    result: ShortCode
    at: Moment


AnyBody = ApplicationBody | LaterPapersBody | RatingBody | PrintResultBody


class UnreadableError(Exception):
    """The bytes are no JSON object."""


def read_json(content: bytes) -> dict[str, Any]:
    """A JSON object from an opened seal; NaN and its like are not JSON."""
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        raise UnreadableError from wrong
    if not isinstance(value, dict):
        raise UnreadableError
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def where_wrong(error: ValidationError) -> str:
    """The first field that is wrong and what is wrong with it, without its value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"] if _plain(part)) or "item"
    return f"{place}: {first['msg']}"[:300]


def _plain(part: int | str) -> bool:
    """A key that the sender made up may be personal; the fields' own names never are."""
    return isinstance(part, int) or (part.isascii() and part.isidentifier() and len(part) <= 32)


def repeated_code(body: ApplicationBody | LaterPapersBody) -> bool:
    codes = [material.code for material in body.materials]
    return len(set(codes)) != len(codes) or SIGNATURE in codes


def enclosed(body: ApplicationBody | LaterPapersBody) -> list[Enclosed]:
    """Every attachment that it names, the signature last."""
    return [*body.materials, *([body.signature] if body.signature else [])]


KINDS: dict[str, Callable[[dict[str, Any]], AnyBody]] = {
    "application": ApplicationBody.model_validate,
    "later_papers": LaterPapersBody.model_validate,
    "rating": RatingBody.model_validate,
    "print_result": PrintResultBody.model_validate,
}
