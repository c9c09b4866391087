"""Which service is open now, from which device works: degrade by service, not by machine.

A device that is certainly not there closes the services that need it, with the reason. One that
is starting, busy or in an unknown state closes nothing: the page that waits for the device tells
the citizen at once, nothing is entered before it that would be lost, and a service closed for
"unknown" might stay closed for ever, because only use shows what the device is. The printer never
closes a service: the receipt's QR on the screen is worth the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from drivers.device import DeviceClass, Status
from kiosk.catalogue.model import Item, Need
from kiosk.flow.pages import Closure
from kiosk.settings import Settings


@dataclass(slots=True)
class World:
    """What is known of the terminal's surroundings; it outlives every citizen."""

    statuses: dict[DeviceClass, Status] = field(default_factory=dict)
    online: bool | None = None  # None: nothing heard yet
    line_stopped: bool = False  # staff must come; applications are still taken
    last_contact: datetime | None = None  # UTC
    waiting: int = 0
    storage_usable: bool = True
    storage_tight: bool = False  # room for a form, not for many pages
    phones_reach: bool = False  # the site has an address for citizens' phones

    def status(self, device: DeviceClass) -> Status:
        """`UNKNOWN` for what nothing was heard of."""
        return self.statuses.get(device, Status.UNKNOWN)

    def may_work(self, device: DeviceClass) -> bool:
        """Whether a citizen may be sent to the device: false only when it certainly cannot work."""
        return may_work(self.status(device))


def world_at_start(settings: Settings) -> World:
    """Before any device has spoken: what the settings do not name is not installed."""
    urls = {
        DeviceClass.ID_READER: settings.id_reader.url,
        DeviceClass.CARD_READER: settings.card_reader.url,
        DeviceClass.DOCUMENT_CAMERA: settings.document_camera.url,
        DeviceClass.CODE_SCANNER: settings.code_scanner.url,
        DeviceClass.RECEIPT_PRINTER: settings.receipt_printer.url,
        DeviceClass.PAGE_PRINTER: settings.page_printer.url,
        DeviceClass.KEYPAD: settings.keypad.url,
        DeviceClass.IO_BOARD: settings.io_board.url,
        DeviceClass.VOICE: settings.voice.url,
    }
    return World(
        statuses={
            device: Status.STARTING if url else Status.NOT_INSTALLED for device, url in urls.items()
        },
        phones_reach=bool(settings.hub.phone_url),
    )


def may_work(status: Status) -> bool:
    match status:
        case Status.READY | Status.BUSY | Status.LOW | Status.STARTING | Status.UNKNOWN:
            return True
        case Status.PERSON_IN_THE_WAY:
            return True  # that person is the one who will use it
        case (
            Status.NOT_INSTALLED
            | Status.DISCONNECTED
            | Status.POWERED_OFF
            | Status.OUT
            | Status.JAMMED
            | Status.COVER_OPEN
            | Status.BROKEN
        ):
            return False
        case _:
            assert_never(status)


def closure(item: Item, world: World) -> Closure | None:
    """Why the item cannot be begun now; the first thing that is missing along its way."""
    keeps = Need.STORAGE in item.needs
    for need in item.needs:
        closed = _missing(need, world, keeps=keeps)
        if closed is not None:
            return closed
    return None


def offered(item: Item, world: World) -> bool:
    """Whether this terminal was built for it. A copy without an A4 printer is no closed service but
    none at all: nobody reads of it, here or at home.
    """
    if Need.PHONES in item.needs and not world.phones_reach:
        return False
    no_slot = world.status(DeviceClass.CARD_READER) is Status.NOT_INSTALLED
    if Need.SMART_CARD in item.needs and no_slot:
        return False
    no_printer = world.status(DeviceClass.PAGE_PRINTER) is Status.NOT_INSTALLED
    return not (Need.SHEETS in item.needs and no_printer)


def paper_receipt(world: World) -> bool:
    """Whether paper may be promised before somebody starts."""
    status = world.status(DeviceClass.RECEIPT_PRINTER)
    return status.usable or status is Status.STARTING


def all_closed(closures: Mapping[str, Closure | None]) -> tuple[Closure, ...]:
    """The reasons, each once, when nothing at all is open; () otherwise."""
    reasons = [reason for reason in closures.values() if reason is not None]
    if len(reasons) < len(closures):
        return ()
    return tuple(dict.fromkeys(reasons)) or (Closure.CATALOGUE,)


def _missing(need: Need, world: World, *, keeps: bool) -> Closure | None:
    match need:
        case Need.STORAGE:
            return None if world.storage_usable else Closure.STORAGE
        case Need.CARD:
            return None if world.may_work(DeviceClass.ID_READER) else Closure.READER
        case Need.PAGE if world.storage_tight and keeps:
            return Closure.STORAGE
        case Need.PAGE:
            return None if world.may_work(DeviceClass.DOCUMENT_CAMERA) else Closure.CAMERA
        case Need.SMART_CARD:
            return None if world.may_work(DeviceClass.CARD_READER) else Closure.SMART_CARD
        case Need.CODE:
            either = world.may_work(DeviceClass.CODE_SCANNER) or world.may_work(
                DeviceClass.DOCUMENT_CAMERA
            )
            return None if either else Closure.SCANNER
        case Need.SHEETS:
            return None if world.may_work(DeviceClass.PAGE_PRINTER) else Closure.PRINTER
        case Need.LINE:
            return Closure.LINE if world.online is False else None
        case Need.PHONES:
            return None if world.phones_reach else Closure.PHONES
        case _:
            assert_never(need)
