"""Any bytes at all from a receipt printer."""

from __future__ import annotations

from drivers.device import Fault, Identity
from drivers.receipt_printer.driver import ReceiptPrinterDriver
from drivers.receipt_printer.protocol import Automatic, JobDone, StatusParser, state_of_frame
from drivers.receipt_printer.values import Confirm, Printed, PrintReceipt, Text
from drivers.transport import STREAMS_ONLY, MemoryTransport, Ports, Transport


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def utc(self):  # type: ignore[no-untyped-def]
        raise AssertionError("a printer asks for no date")

    def advance(self, seconds: float) -> None:
        self.now += max(0.001, seconds)


class Host:
    def __init__(self, wire: Transport, clock: Clock) -> None:
        self.clock = clock
        self._wire = wire

    def open(self, url: str, ports: Ports = STREAMS_ONLY) -> Transport | Fault:
        return self._wire

    def wake_by(self, wake: object) -> None: ...

    def post(self, event: object) -> None: ...

    def report(self, status: object, reason: str = "") -> None: ...

    def interruption(self) -> None:
        return None

    def pause(self, seconds: float) -> None:
        self.clock.advance(seconds)


def seeds() -> list[bytes]:
    return [
        b"\xff"
        + b"\x12" * 4
        + b"\x37\x25\x00"
        + b"\x12" * 8
        + b"\x37\x220001\x00"
        + b"\x37\x220002\x00",
        *_SEEDS,
    ]


def _driver(body: bytes) -> None:
    """A whole receipt: whatever the printer says it ends, and only its own id means printed."""
    clock = Clock()
    answers = [body[at : at + 1] for at in range(len(body))]
    wire = MemoryTransport(lambda _: answers.pop(0) if answers else b"", clock.advance)
    host = Host(wire, clock)
    driver = ReceiptPrinterDriver("tcp://h:9100", confirm=Confirm.PROCESS_ID, first_id=0)
    if isinstance(driver.connect(host), Identity):  # type: ignore[arg-type]
        outcome = driver.handle(PrintReceipt("a", (Text("A"),)), host)  # type: ignore[arg-type]
        if isinstance(outcome, Printed):
            assert b"\x37\x220002\x00" in body.replace(b"\x11", b"").replace(b"\x13", b"")
    driver.disconnect()
    assert clock.now < 600


_SEEDS = [b"\x12\x16", b"\x10\x00\x00\x00", b"\x00", b"\x37\x22abcd\x00", b"\x13\x11"]


def fuzz(data: bytes) -> None:
    if data[:1] == b"\xff":
        _driver(data[1:])
        return
    parser, pieces = StatusParser(), StatusParser()
    whole = parser.feed(data)
    assert [heard for byte in data for heard in pieces.feed(bytes([byte]))] == whole
    assert len(whole) <= len(data)
    for heard in whole:
        if isinstance(heard, Automatic):
            state_of_frame(heard.frame)
        elif isinstance(heard, JobDone):
            repr(heard)
    parser.silence()
