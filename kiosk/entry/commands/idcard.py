"""`kiosk idcard`: read the card on one reader and say what stands on it, or why not.

One connection, no thread: the driver is asked as its worker would ask it. It waits for a card until
the time is up; what goes wrong with the reader itself is said at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from drivers.addresses import parse_url
from drivers.device import Clock, Fault, FaultCode, Status
from drivers.id_reader.driver import IdReaderDriver
from drivers.id_reader.values import (
    CardFailed,
    CardKind,
    CardRead,
    CardRecord,
    CardWarning,
    WatchForCard,
)
from drivers.transport import STREAMS_ONLY, OpenWire, Ports, Transport, open_transport
from drivers.worker import Down
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
from kiosk.identity.nations import nation_name
from kiosk.identity.person import is_expired

NO_END: Final = "长期"
EXPIRED: Final = "expired"
SEXES: Final = {"1": "男", "2": "女"}  # GB/T 2261.1; 0 and 9 say that nothing is said
CARD_TYPES: Final = {
    CardKind.RESIDENT: "resident",
    CardKind.FOREIGN_2017: "foreign_2017",
    CardKind.FOREIGN_2023: "foreign_2023",
    CardKind.HMT_RESIDENCE: "hmt",
}
FINISH_S: Final = 1.0  # a card that was placed at the last moment is still read


def run(port: str, *, timeout_s: float, json: bool, open_wire: OpenWire = open_transport) -> int:
    """Exit codes of the command line; `open_wire` is for tests."""
    address = parse_url(port)
    if isinstance(address, Fault):
        return bad_use(address.detail, json=json)
    if not is_timeout(timeout_s):
        return bad_use(TIMEOUTS, json=json)
    answer = read_card(port, SystemClock(), timeout_s, open_wire)
    if isinstance(answer, CardRecord):
        fields = card_fields(answer, local(SystemClock().utc()).date())
        print(ok_line(**fields) if json else _in_words(fields))
        return Exit.DONE
    if answer.code is FaultCode.BAD_INPUT:
        return bad_use(answer.detail, json=json)
    word = fault_word(answer.code)
    print(fault_line(word, answer.detail) if json else f"{word}: {answer.detail}")
    return exit_code(word)


def read_card(
    port: str, clock: Clock, timeout_s: float, open_wire: OpenWire = open_transport
) -> CardRecord | Fault:
    """The next card on the reader at `port`, or what went wrong first."""
    driver = IdReaderDriver(port)
    host = _Host(clock, clock.monotonic() + timeout_s, open_wire)
    trouble: Fault | None = None
    try:
        identity = driver.connect(host)
        if isinstance(identity, Down):
            return _not_opened(host, identity)
        driver.handle(WatchForCard(), host)
        answered, spoilt = False, None
        while clock.monotonic() < host.until_s:
            down = driver.run(host)
            trouble = driver.trouble
            if trouble is None:
                answered, spoilt = True, None
            elif trouble.code is FaultCode.BAD_REPLY:
                spoilt = trouble
            for event in host.posted:
                match event:
                    case CardRead(card=card):
                        return card
                    case CardFailed(fault=fault, refused=refused):
                        return refused or fault  # a technician is told what the reader said
                    case _:
                        pass
            host.posted.clear()
            if down is not None:
                return _lost(down)
    finally:
        driver.disconnect()
    if spoilt is not None:
        return spoilt  # also where the time was up in the middle of the next look
    if trouble is not None and not answered:
        return trouble
    return Fault(FaultCode.NO_CARD, f"no card within {timeout_s:g} s")


def _not_opened(host: _Host, down: Down) -> Fault:
    """A port that is not there is another thing than a reader that does not answer."""
    if host.open_fault is not None:
        code = host.open_fault.code
        bad = code is FaultCode.BAD_INPUT
        return host.open_fault if bad else Fault(FaultCode.NOT_FOUND, host.open_fault.detail)
    return _lost(down)


def _lost(down: Down) -> Fault:
    if down.fault is not None:
        return down.fault
    code = FaultCode.TIMED_OUT if down.status is Status.POWERED_OFF else FaultCode.DEVICE_LOST
    return Fault(code, down.reason)


def fault_word(code: FaultCode) -> str:
    """The fault in the words of this command."""
    match code:
        case FaultCode.NO_CARD:
            return "no_card"
        case FaultCode.UNKNOWN_CARD | FaultCode.SEVERAL_CARDS:
            return "card_rejected"
        case FaultCode.CARD_UNREADABLE | FaultCode.CARD_LIFTED:
            return "read_failed"
        case FaultCode.NOT_AUTHORISED:
            return "sam_unauthorised"
        case FaultCode.BAD_REPLY:
            return "bad_frame"
        case FaultCode.TIMED_OUT | FaultCode.CANCELLED:
            return "timeout"
        case FaultCode.NOT_FOUND:
            return "not_found"
        case _:
            return "device_lost"


def card_fields(card: CardRecord, today: date) -> dict[str, object]:
    """Every field of the answer; None where the card has none. Past its last day: a warning."""
    warnings = [str(warning) for warning in card.warnings]
    if is_expired(card, today):
        warnings.append(EXPIRED)
    foreign = card.kind in (CardKind.FOREIGN_2017, CardKind.FOREIGN_2023)
    name: str | None = card.name
    if foreign and card.name == card.english_name:
        name = None  # it has no Chinese name
    return {
        "card_type": CARD_TYPES[card.kind],
        "name": name or None,
        "english_name": card.english_name or None,
        "sex": SEXES.get(card.sex_code),
        "nation_code": card.nation_code or None,
        "nation": nation_name(card.nation_code) if card.nation_code else None,
        "birth": card.birth.isoformat() if card.birth else None,
        "address": card.address or None,
        "id_number": card.number or None,
        "issuer": card.issuer or None,
        "valid_from": card.valid_from.isoformat() if card.valid_from else None,
        "valid_to": _end(card),
        "nationality": card.nationality or None,
        "pass_number": card.pass_number or None,
        "appended_address": card.appended_address or None,
        "appended_addresses": list(card.appended_addresses) or None,
        "photo_bytes": len(card.photo_wlt),
        "warnings": warnings,
    }


def _end(card: CardRecord) -> str | None:
    if card.valid_to is not None:
        return card.valid_to.isoformat()
    return None if CardWarning.VALID_TO_NO_DATE in card.warnings else NO_END


def _in_words(fields: dict[str, object]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in fields.items() if value is not None)


class _Host:
    """What a worker is to the driver, for one reading."""

    def __init__(self, clock: Clock, until_s: float, open_wire: OpenWire) -> None:
        self.clock = clock
        self.until_s = until_s
        self.posted: list[object] = []
        self.open_fault: Fault | None = None
        self._open_wire = open_wire

    def open(self, url: str, ports: Ports = STREAMS_ONLY) -> Transport | Fault:
        wire = self._open_wire(url, ports)
        if isinstance(wire, Fault):
            self.open_fault = wire
            return wire
        return _Bounded(wire, self)

    def wake_by(self, wake: Callable[[], None] | None) -> None:
        """Nobody wakes it."""

    def post(self, event: object) -> None:
        self.posted.append(event)

    def report(self, status: Status, reason: str = "") -> None:
        """The answer says it."""

    def left_s(self) -> float:
        """How long the reader may still be listened to."""
        return self.until_s + FINISH_S - self.clock.monotonic()

    def interruption(self) -> Fault | None:
        """A question that was asked is waited for, but not for ever: noise may have no end."""
        return Fault(FaultCode.TIMED_OUT, "the time is up") if self.left_s() <= 0 else None

    def pause(self, seconds: float) -> None:
        """The driver of a card reader waits on its wire."""


class _Bounded:
    """A wire on which nothing is waited for longer than the command has time."""

    def __init__(self, wire: Transport, host: _Host) -> None:
        self._wire = wire
        self._host = host

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        return self._wire.read(limit, min(wait_s, max(0.0, self._host.left_s())))

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        return self._wire.write(data, wait_s)

    def wake(self) -> None:
        self._wire.wake()

    def close(self) -> None:
        self._wire.close()
