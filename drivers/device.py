"""The contract between the terminal and any device.

A status is closed: a new state must be handled by every page, test and report before it type-checks.
An expected failure is a returned :class:`Fault`, never an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class DeviceClass(StrEnum):
    """Every class of device the terminal knows."""

    ID_READER = "id_reader"
    CARD_READER = "card_reader"
    DOCUMENT_CAMERA = "document_camera"
    CODE_SCANNER = "code_scanner"
    RECEIPT_PRINTER = "receipt_printer"
    PAGE_PRINTER = "page_printer"
    KEYPAD = "keypad"
    IO_BOARD = "io_board"
    VOICE = "voice"


class Status(StrEnum):
    """What a device is, as far as it is known. `UNKNOWN` is never taken for fine."""

    NOT_INSTALLED = "not_installed"  # this terminal is not meant to have one
    DISCONNECTED = "disconnected"  # meant to be here, its wire does not open
    POWERED_OFF = "powered_off"  # the wire opens, nothing answers
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    PERSON_IN_THE_WAY = "person_in_the_way"
    LOW = "low"
    OUT = "out"
    JAMMED = "jammed"
    COVER_OPEN = "cover_open"
    BROKEN = "broken"
    UNKNOWN = "unknown"

    @property
    def usable(self) -> bool:
        """Whether a citizen may be sent to this device now."""
        return self in (Status.READY, Status.BUSY, Status.LOW)


class FaultCode(StrEnum):
    """Why a command did not do what was asked. Words for staff; the public reads `ui/i18n`."""

    NOT_INSTALLED = "not_installed"
    DISCONNECTED = "disconnected"
    DEVICE_LOST = "device_lost"  # vanished while at work
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    BUSY = "busy"
    BAD_REPLY = "bad_reply"  # bytes that the protocol does not allow
    REFUSED = "refused"  # the device said no, with a status of its own in `detail`
    NOT_AUTHORISED = "not_authorised"  # its security module refuses to work, in `detail` how
    NO_CARD = "no_card"
    SEVERAL_CARDS = "several_cards"  # neither can be selected while both lie there
    CARD_UNREADABLE = "card_unreadable"
    CARD_LIFTED = "card_lifted"  # taken away while being read
    UNKNOWN_CARD = "unknown_card"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    JAMMED = "jammed"
    CUTTER = "cutter"
    SILENT = "silent"  # took the bytes and never confirmed: the outcome is unknown
    FROZEN = "frozen"  # the same picture for too long
    DARK = "dark"
    NOT_FOUND = "not_found"
    BAD_INPUT = "bad_input"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Fault:
    """An expected failure. `detail` is for staff and never holds personal data."""

    code: FaultCode
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """Reported once for each change of a device's status; `at` is UTC."""

    device: DeviceClass
    status: Status
    reason: str
    at: datetime


class Capability(StrEnum):
    """What one device can do and another of its class cannot, apart from how it is now.

    Told by its driver after connecting. What a whole class can do stands nowhere: a receipt printer,
    a keypad or a scanner claims nothing.
    """

    READS_FINGERPRINTS = "reads_fingerprints"
    TELLS_REMOVAL = "tells_removal"  # says when the card was taken away
    PRINTS_A4 = "prints_a4"
    PRINTS_BOTH_SIDES = "prints_both_sides"
    PRINTS_COLOUR = "prints_colour"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself after connecting (model, serial or SAM id); never personal."""

    model: str
    serial: str = ""
    capabilities: tuple[Capability, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """A status that has stood for `FLAP_S` (`drivers/settling.py`): for the log and the centre.

    `since` is when it began, UTC. Pages and steps go by `StatusChanged`, which never waits.
    """

    status: Status
    reason: str
    since: datetime


class Clock(Protocol):
    """Time, given from above. `monotonic` in seconds, `utc` aware."""

    def monotonic(self) -> float: ...

    def utc(self) -> datetime: ...


class Log(Protocol):
    """Takes an event named in `kiosk/events.toml` and only the fields listed there."""

    def __call__(self, event: str, /, **fields: str | int | float | bool | None) -> None: ...


Post = Callable[[object], None]
"""Puts one event into the mailbox of the thread that runs the session. Never blocks."""
