"""`kiosk smartcard --reader NAME`: wait for one smart card and say what stands on it."""

from __future__ import annotations

import queue
import time
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import assert_never

from drivers.card_reader.driver import CardReaderDriver
from drivers.card_reader.pcsc import PcscLite
from drivers.card_reader.protocol import choose_reader
from drivers.card_reader.values import (
    BankCard,
    ContactlessTag,
    SmartCard,
    SmartCardFailed,
    SmartCardRead,
    SocialCard,
    WatchForSmartCard,
)
from drivers.device import Fault, FaultCode, Status, StatusChanged
from drivers.worker import DeviceWorker
from kiosk.clock import SystemClock, local
from kiosk.entry.commands.answer import (
    TIMEOUTS,
    Exit,
    bad_use,
    exit_code,
    fault_line,
    is_timeout,
    ok_line,
)
from kiosk.entry.commands.settings_file import load_settings
from kiosk.identity import numbers
from kiosk.identity.social_card import social_layout
from kiosk.settings import CardReaderSettings, Settings


def run(settings_path: Path, reader: str, *, timeout_s: float, json: bool) -> int:
    """Answers the exit code. Region settings are read if the file is there."""
    if not is_timeout(timeout_s):
        return bad_use(TIMEOUTS, json=json)
    section = CardReaderSettings()
    if settings_path.exists():
        settings = load_settings(settings_path, json=json)
        if not isinstance(settings, Settings):
            return settings
        section = settings.card_reader
    names = _readers()
    if isinstance(names, Fault):
        return _fault(names, json=json)
    if not reader:
        listed = ", ".join(names) or "none is plugged in"
        return bad_use(f"name a reader with --reader; there are: {listed}", json=json)
    reader = reader.removeprefix("pcsc://")
    if choose_reader(reader, names) is None:
        listed = ", ".join(names) or "none"
        fault = Fault(FaultCode.NOT_FOUND, f"no reader {reader} is plugged in; there are: {listed}")
        return _fault(fault, json=json)
    driver = CardReaderDriver(
        f"pcsc://{reader}", social_layout(section.application, section.records)
    )
    events: queue.Queue[object] = queue.Queue()
    worker = DeviceWorker(driver, events.put, SystemClock(), _no_log)
    worker.start()
    try:
        worker.submit(WatchForSmartCard())
        result = _wait(events, timeout_s)
    finally:
        worker.stop()
    if isinstance(result, Fault):
        return _fault(result, json=json)
    plain = plain_card(result, local(SystemClock().utc()).date())
    if json:
        print(ok_line(**plain))
    else:
        for name, value in plain.items():
            print(f"{name}: {value}")
    return Exit.DONE


def _readers() -> tuple[str, ...] | Fault:
    pcsc = PcscLite()
    try:
        return pcsc.open() or pcsc.readers()
    finally:
        pcsc.close()


def _wait(events: queue.Queue[object], timeout_s: float) -> SmartCard | Fault:
    until = time.monotonic() + timeout_s
    while True:
        try:
            event = events.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return Fault(FaultCode.NO_CARD, f"no card within {timeout_s:g} s")
        match event:
            case SmartCardRead():
                return event.content
            case SmartCardFailed():
                return event.fault
            case StatusChanged(status=Status.DISCONNECTED | Status.BROKEN, reason=reason):
                return Fault(FaultCode.DISCONNECTED, reason)
            case _:
                continue


def plain_card(card: SmartCard, today: date) -> dict[str, object]:
    """A card as an answer of the command line: null where the card has none."""
    match card:
        case SocialCard():
            values: dict[str, object] = {
                "card_type": "social",
                "region_code": card.region_code or None,
            }
            for field in fields(card):
                value = getattr(card, field.name)
                if field.name not in ("name_raw", "warnings"):
                    values[field.name] = (
                        value.isoformat() if isinstance(value, date) else value or None
                    )
            warnings = list(card.warnings)
            if isinstance(numbers.parse(card.id_number), numbers.NumberFault):
                warnings.append("odd:id_number")
            if card.valid_to is not None and card.valid_to < today:
                warnings.append("expired")
            return {**values, "warnings": warnings}
        case BankCard():
            return {
                "card_type": "bank",
                "masked_number": card.masked_number or None,
                "label": card.label or None,
            }
        case ContactlessTag():
            return {"card_type": "contactless", "uid": card.uid}
        case _:
            assert_never(card)


def _fault(fault: Fault, *, json: bool) -> int:
    print(fault_line(fault.code, fault.detail) if json else f"{fault.code}: {fault.detail}")
    return exit_code(fault.code)


def _no_log(_event: str, /, **_fields: str | int | float | bool | None) -> None:
    """A command answers by itself."""
