"""Messages between the window process and the sync process, checked at both ends.

They travel over `kiosk.channel` (a socket pair); only a scan for a phone comes as a blob. A question carries an `id` that its
answer repeats, and is answered within `ANSWER_LIMIT_S`, whatever the line does.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

ANSWER_LIMIT_S = 8.0  # as long as a person before the screen will wait for an answer


HubState = Literal["received", "in_review", "needs_more", "granted", "refused"]
"""What the hub may say of an application."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# -- window -> sync -------------------------------------------------------------


class Wake(_Message):
    """Something was committed: send at once."""

    kind: Literal["wake"] = "wake"


class Pause(_Message):
    """A citizen seals just now: leave disk and line to them for a moment."""

    kind: Literal["pause"] = "pause"


class Resume(_Message):
    kind: Literal["resume"] = "resume"


class AskProgress(_Message):
    """What became of the application whose receipt was shown? `number` was read from `qr`."""

    kind: Literal["ask_progress"] = "ask_progress"
    id: int
    number: str = Field(max_length=32)
    qr: str = Field(max_length=512)


class AskEarlier(_Message):
    """Did this person apply for this item since then, at any terminal?"""

    kind: Literal["ask_earlier"] = "ask_earlier"
    id: int
    item: str = Field(max_length=64)
    id_number: str = Field(max_length=32, repr=False)
    since: AwareDatetime


class Device(_Message):
    """What one device is, since when (UTC), and what it says of itself; nothing personal."""

    device: str
    status: str
    reason: str
    since: AwareDatetime
    model: str = ""
    serial: str = ""


class Devices(_Message):
    """All devices of this terminal, when one has changed for good: for the centre's staff."""

    kind: Literal["devices"] = "devices"
    devices: tuple[Device, ...]


class AskCard(_Message):
    """One step of the hub's dialogue with a social card. `sealed` is what the hub alone can read;
    without a password in it, it only asks whether there would be a dialogue. Answers are the card's. `ended`: it is broken off, and this is known of the card.
    """

    kind: Literal["ask_card"] = "ask_card"
    id: int
    dialogue: str = Field(pattern=r"^[0-9a-f]{32}$")
    step: int
    sealed: str = Field(max_length=8192, repr=False)  # base64
    answers: tuple[str, ...] = Field((), max_length=8, repr=False)  # hexadecimal
    ended: Literal["", "changed", "not_changed", "unknown"] = ""


class KeepPickup(_Message):
    """Seal the scan that comes as the frame's blob, and leave it at the hub for a phone.

    `replaces`: name of the one before, which is not to be had any longer.
    """

    kind: Literal["keep_pickup"] = "keep_pickup"
    id: int
    replaces: str = Field(default="", max_length=22)


class AskPickup(_Message):
    """Was the scan `name` fetched?"""

    kind: Literal["ask_pickup"] = "ask_pickup"
    id: int
    name: str = Field(max_length=22)


class Ping(_Message):
    kind: Literal["ping"] = "ping"


Request = Annotated[
    Wake
    | Pause
    | Resume
    | AskProgress
    | AskEarlier
    | AskCard
    | Devices
    | Ping
    | KeepPickup
    | AskPickup,
    Field(discriminator="kind"),
]
REQUEST: TypeAdapter[Request] = TypeAdapter(Request)

# -- sync -> window -------------------------------------------------------------


class Hello(_Message):
    """First message."""

    kind: Literal["hello"] = "hello"
    version: str


class Pong(_Message):
    kind: Literal["pong"] = "pong"


class Line(_Message):
    """The line and what waits, sent when it changes. `reason` is a word for staff.

    `stopped`: nothing is sent until somebody comes; applications are still taken.
    `clock_off_s`: what to add to this machine's clock to have the hub's; 0 while it is right.
    """

    kind: Literal["line"] = "line"
    online: bool
    last_contact: AwareDatetime | None
    waiting: int
    stopped: bool = False
    reason: str = ""
    clock_off_s: float = 0.0


class Delivered(_Message):
    """The hub holds this application, or (`papers`) what was handed in later for it."""

    kind: Literal["delivered"] = "delivered"
    number: str
    papers: bool = False


class Progress(_Message):
    """Answer to `AskProgress`; `state` is a `kiosk.flow.pages.ProgressKind` value, or
    `signature_wrong`: the text is not a receipt of this region, and nothing is told of it.
    """

    kind: Literal["progress"] = "progress"
    id: int
    number: str
    state: (
        HubState | Literal["waiting_here", "unknown_number", "signature_wrong", "hub_unreachable"]
    )
    item: str | None = None
    accepted_at: AwareDatetime | None = None
    changed_at: AwareDatetime | None = None


class Earlier(_Message):
    """Answer to `AskEarlier`. `asked` is False when the hub could not be asked in time.

    `materials`: codes of those that the hub holds; `note`: what its staff ask for.
    """

    kind: Literal["earlier"] = "earlier"
    id: int
    asked: bool
    number: str | None = None
    accepted_at: AwareDatetime | None = None
    state: HubState = "received"
    materials: tuple[str, ...] = ()
    note: str = Field("", repr=False)


class CardSaid(_Message):
    """Answer to `AskCard`. `unreachable`: the hub could not be asked, or whether it heard is not
    known: ask the same again. `lost`: it knows no such step."""

    kind: Literal["card_said"] = "card_said"
    id: int
    outcome: Literal["ready", "transmit", "done", "refused", "unreachable", "lost"]
    step: int = 0
    apdus: tuple[str, ...] = Field((), max_length=8, repr=False)  # hexadecimal
    code: str = ""
    text_zh: str = ""
    text_en: str = ""


class PickupKept(_Message):
    """Answer to `KeepPickup`, as late as the line is slow; `link` "" when it was not kept."""

    kind: Literal["pickup_kept"] = "pickup_kept"
    id: int
    name: str = ""
    link: str = Field("", repr=False)  # it carries the key


class PickupKnown(_Message):
    """Answer to `AskPickup`; unknown: the hub could not be asked."""

    kind: Literal["pickup_known"] = "pickup_known"
    id: int
    name: str
    state: Literal["waiting", "fetched", "gone", "unknown"]


class StoreTrouble(_Message):
    """The store cannot be used by this process; `fault` is an `offline_cache` fault code."""

    kind: Literal["store_trouble"] = "store_trouble"
    fault: str
    detail: str


Answer = Annotated[
    Hello
    | Pong
    | Line
    | Delivered
    | Progress
    | Earlier
    | CardSaid
    | StoreTrouble
    | PickupKept
    | PickupKnown,
    Field(discriminator="kind"),
]
ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)
