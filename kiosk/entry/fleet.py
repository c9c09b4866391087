"""The devices of a terminal, as its settings name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from drivers.card_reader.driver import CardReaderDriver
from drivers.card_reader.pcsc import Pcsc, PcscLite
from drivers.card_reader.traced import TracedPcsc
from drivers.card_reader.values import SocialLayout
from drivers.code_scanner.driver import CodeScannerDriver
from drivers.code_scanner.values import Suffix
from drivers.device import DeviceClass, Identity, Settled, Status
from drivers.id_reader.driver import IdReaderDriver
from drivers.io_board.driver import IoBoardDriver
from drivers.io_board.protocol import Kind as BoardKind
from drivers.keypad.driver import KeypadDriver
from drivers.page_printer.driver import PagePrinterDriver
from drivers.trace import Traces
from drivers.voice.driver import VoiceDriver
from drivers.worker import C, DeviceWorker, Driver
from kiosk.entry.receipt_printer import receipt_printer
from kiosk.entry.runner import Devices
from kiosk.identity.social_card import social_layout
from kiosk.settings import Settings


class Worker(Protocol):
    """What all device workers have in common."""

    @property
    def device(self) -> DeviceClass: ...

    @property
    def status(self) -> Status: ...

    @property
    def reason(self) -> str: ...

    @property
    def settled(self) -> Settled | None: ...

    @property
    def identity(self) -> Identity | None: ...

    def start(self) -> None: ...

    def stop(self) -> bool: ...


class MakeWorker(Protocol):
    def __call__(self, driver: Driver[C]) -> DeviceWorker[C]: ...


@dataclass(frozen=True, slots=True)
class Fleet:
    """`workers`: all but the document camera, which the vision process owns."""

    commanded: Devices
    workers: list[Worker]


def fleet_of(settings: Settings, of: MakeWorker, traces: Traces | None = None) -> Fleet:
    """A worker for every device, made by `of`; none is started. `traces`: PC/SC is written down."""

    def pcsc() -> Pcsc:
        service = PcscLite()
        if traces is None:
            return service
        notes = traces.notes(DeviceClass.CARD_READER, settings.card_reader.url)
        return TracedPcsc(service, notes)

    layout = layout_of(settings)
    devices = Devices(
        id_reader=of(_id_reader(settings)),
        card_reader=of(CardReaderDriver(settings.card_reader.url, layout, pcsc)),
        code_scanner=of(_code_scanner(settings)),
        receipt_printer=of(receipt_printer(settings)),
        page_printer=of(PagePrinterDriver(settings.page_printer.url)),
        keypad=of(KeypadDriver(settings.keypad.url, settings.keypad.keys, settings.keypad.make)),
        io_board=of(_io_board(settings)),
        voice=of(VoiceDriver(settings.voice.url, clips=settings.voice.clips)),
    )
    workers: list[Worker] = [
        devices.id_reader,
        devices.code_scanner,
        devices.receipt_printer,
        devices.voice,
        devices.keypad,
        devices.io_board,
        devices.card_reader,
        devices.page_printer,
    ]
    return Fleet(devices, workers)


def layout_of(settings: Settings) -> SocialLayout:
    """How this region's social cards are written."""
    cards = settings.card_reader
    return social_layout(cards.application, cards.records)


def _id_reader(settings: Settings) -> IdReaderDriver:
    reader = settings.id_reader
    return IdReaderDriver(reader.url, reader.poll_ms, photo_command=reader.photo_command)


def _io_board(settings: Settings) -> IoBoardDriver:
    board = settings.io_board
    return IoBoardDriver(board.url, board.lamps, BoardKind(board.kind), board.address)


def _code_scanner(settings: Settings) -> CodeScannerDriver:
    scanner = settings.code_scanner
    return CodeScannerDriver(scanner.url, Suffix(scanner.suffix))
