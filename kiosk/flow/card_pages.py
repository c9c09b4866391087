"""Pages of giving a social card a new password. No page holds a digit of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kiosk.identity.pin import PIN_DIGITS
from kiosk.identity.pin import PinFlaw as PinFlaw  # noqa: PLC0414 - passed on for the screens
from kiosk.words import Words


@dataclass(frozen=True, slots=True)
class InsertSocialCard:
    """`card`: the card's number, masked, once it was read and is this person's; else ""."""

    reading: bool = False
    seconds_left: int = 60
    card: str = ""


class SocialCardProblemKind(StrEnum):
    UNREADABLE = "unreadable"  # upside down, dirty, or left there by somebody else
    NOT_SOCIAL = "not_social"  # a bank card, a tag, something else
    SOMEONE_ELSES = "someone_elses"  # name or number is not that of the ID card
    EXPIRED = "expired"
    READER_LOST = "reader_lost"
    LINE = "line"  # the centre cannot be reached: nothing is asked for
    REFUSED = "refused"  # the centre gives no leave: not offered here, too often today, …


@dataclass(frozen=True, slots=True)
class SocialCardProblem:
    """`reason`: the centre's words, when it refused."""

    kind: SocialCardProblemKind
    reason: Words | None = None


@dataclass(frozen=True, slots=True)
class NewPin:
    """How many digits were typed, never which."""

    again: bool  # the second time
    typed: int
    of: int = PIN_DIGITS
    flaw: PinFlaw | None = None


@dataclass(frozen=True, slots=True)
class ChangingPassword:
    item_name: Words


class PasswordOutcome(StrEnum):
    CHANGED = "changed"
    REFUSED = "refused"  # by the centre or the card; not changed
    CARD_GONE = "card_gone"  # taken out before anything was written
    HUB_AWAY = "hub_away"  # the line broke before anything was written
    FAILED = "failed"  # not changed, and not the citizen's doing
    UNKNOWN = "unknown"  # the card went while it was written


class Slip(StrEnum):
    """The paper about it."""

    NONE = "none"  # there is none for this outcome
    PRINTING = "printing"
    PRINTED = "printed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PasswordResult:
    """`reason`: the words of who refused it. `reference`: under it the centre finds the try."""

    outcome: PasswordOutcome
    reference: str
    slip: Slip
    phone: str
    reason: Words | None = None
