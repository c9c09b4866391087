"""Carries out what the session wants done: each effect goes to the one desk or device it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from drivers.card_reader.driver import CardReaderCommand
from drivers.card_reader.values import StopWatchingSmartCard, WatchForSmartCard
from drivers.code_scanner.driver import ScannerCommand
from drivers.code_scanner.values import ScanCodes, StopScanning
from drivers.device import Log
from drivers.id_reader.driver import IdReaderCommand
from drivers.id_reader.values import StopWatching
from drivers.id_reader.values import WatchForCard as WatchReader
from drivers.io_board.driver import BoardCommand
from drivers.io_board.values import Buzz, Lamp, Light
from drivers.keypad.driver import KeypadCommand
from drivers.keypad.values import ListenForKeys, StopListening
from drivers.page_printer.values import (
    PrintPdf,
)
from drivers.receipt_printer.values import PrintReceipt
from drivers.voice.driver import VoiceCommand
from drivers.voice.values import Hush, PlayTone, Say
from drivers.worker import DeviceWorker
from kiosk.entry.bugs import tell_bug
from kiosk.entry.card_desk import CardDesk
from kiosk.entry.hub_desk import HubDesk
from kiosk.entry.store_desk import StoreDesk
from kiosk.entry.vision_desk import PageImages, VisionDesk
from kiosk.flow.effects import (
    AddPrintResult,
    AddRating,
    AskCardPassword,
    AskPickup,
    Beep,
    ChangeCardPassword,
    CheckReceipt,
    Count,
    Effect,
    EraseDraft,
    GiveUpSeal,
    HandIn,
    HandOver,
    KeepPhoto,
    LookForDraft,
    LookForEarlier,
    MakeDocuments,
    Print,
    PrintSheets,
    SaveDraft,
    Seal,
    StartCamera,
    StartKeypad,
    StartScanner,
    StopCamera,
    StopKeypad,
    StopScanner,
    StopWatchingForCard,
    StopWatchingSocialCard,
    TakePage,
    TellStaff,
    WatchForCard,
    WatchForSocialCard,
    Wipe,
)
from kiosk.flow.lights import lights
from kiosk.flow.pages import Page


@dataclass(frozen=True, slots=True)
class Devices:
    """The workers of the slow wires that take commands."""

    id_reader: DeviceWorker[IdReaderCommand]
    card_reader: DeviceWorker[CardReaderCommand]
    code_scanner: DeviceWorker[ScannerCommand]
    receipt_printer: DeviceWorker[PrintReceipt]
    page_printer: DeviceWorker[PrintPdf]
    keypad: DeviceWorker[KeypadCommand]
    io_board: DeviceWorker[BoardCommand]
    voice: DeviceWorker[VoiceCommand]


class Runner:
    """For the session's thread; everything here only queues."""

    def __init__(
        self,
        *,
        devices: Devices,
        store: StoreDesk,
        vision: VisionDesk,
        images: PageImages,
        cards: CardDesk,
        hub: HubDesk,
        log: Log,
        wipe_window: Callable[[], None],
        volume_percent: int,
        speed_percent: int = 100,
    ) -> None:
        self._devices = devices
        self._store = store
        self._vision = vision
        self._images = images
        self._cards = cards
        self._hub = hub
        self._log = log
        self._wipe_window = wipe_window
        self._volume_percent = volume_percent
        self._speed_percent = speed_percent
        self._lit: frozenset[Lamp] = frozenset()

    def run(self, effect: Effect) -> None:
        devices = self._devices
        match effect:
            case WatchForCard():
                devices.id_reader.wanted(True)
                devices.id_reader.submit(WatchReader())
            case StopWatchingForCard():
                devices.id_reader.wanted(False)
                devices.id_reader.submit(StopWatching())
            case WatchForSocialCard():
                devices.card_reader.wanted(True)
                devices.card_reader.submit(WatchForSmartCard())
            case StopWatchingSocialCard():
                devices.card_reader.wanted(False)
                devices.card_reader.submit(StopWatchingSmartCard())
            case AskCardPassword():
                self._cards.ask_leave(effect)
            case ChangeCardPassword():
                self._cards.perform(effect)
            case StartScanner():
                devices.code_scanner.submit(ScanCodes(effect.rule))
            case StopScanner():
                devices.code_scanner.submit(StopScanning())
            case StartKeypad():
                devices.keypad.submit(ListenForKeys())
            case StopKeypad(thank=thank):
                devices.keypad.submit(StopListening(thank))
            case Print():
                devices.receipt_printer.wanted(True)
                devices.receipt_printer.submit(PrintReceipt(effect.job, effect.lines))
            case PrintSheets():
                devices.page_printer.wanted(True)
                devices.page_printer.submit(
                    PrintPdf(effect.job, effect.pdf, effect.copies, grey=effect.grey)
                )
            case HandOver():
                self._hub.hand_over(effect)
            case AskPickup():
                self._hub.ask_pickup(effect)
            case Count():
                self._log(
                    "pages_served", item=effect.item, pages=effect.pages, sheets=effect.sheets
                )
            case Beep():
                devices.voice.submit(PlayTone(effect.tone, self._volume_percent))
                devices.io_board.submit(Buzz())
            case KeepPhoto(key=key, picture=b""):
                self._images.drop(key)
            case KeepPhoto():
                self._images.put(effect.key, effect.picture)
            case StartCamera() | StopCamera() | TakePage() | MakeDocuments():
                self._vision.perform(effect)
            case Seal() | HandIn():
                # A receipt follows: a printer that was pulled an hour ago is tried now, not in 30 s.
                devices.receipt_printer.wanted(True)
                self._store.perform(effect)
            case GiveUpSeal():
                self._store.give_up(effect.scope)
            case (
                SaveDraft()
                | EraseDraft()
                | LookForDraft()
                | LookForEarlier()
                | AddRating()
                | AddPrintResult()
                | CheckReceipt()
            ):
                self._store.perform(effect)
            case TellStaff():
                self._log(effect.what, where=effect.detail)
            case Wipe():
                self._wipe()
            case _:
                assert_never(effect)

    def light(self, page: Page) -> None:
        """The lamps of the machine where the page points."""
        wanted = lights(page)
        if wanted != self._lit:
            self._lit = wanted
            self._devices.io_board.submit(Light(wanted))

    def speak(self, words: str, language: str) -> None:
        """Read a page aloud; what was being said stops."""
        say = Say(words, language, self._volume_percent, self._speed_percent)
        self._devices.voice.submit(say)

    def hush(self) -> None:
        self._devices.voice.submit(Hush())

    def _wipe(self) -> None:
        """Everything that may remember the person, wherever it is."""
        devices = self._devices
        for forget in (
            lambda: devices.code_scanner.submit(StopScanning()),
            lambda: devices.keypad.submit(StopListening()),
            lambda: devices.receipt_printer.wanted(False),
            lambda: devices.page_printer.wanted(False),
            lambda: devices.voice.submit(Hush()),
            self._cards.forget,
            self._vision.forget,
            self._hub.forget,
            self._wipe_window,
        ):
            try:
                forget()
            except Exception as error:  # noqa: BLE001 - one place that fails must not keep the others
                tell_bug(self._log, "wipe", error)
