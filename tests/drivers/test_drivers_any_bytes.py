"""Any bytes at all on the wires of printer, keypad, scanner and lamps: no crash, no hang, no false success."""

from __future__ import annotations

import pytest
from driver_fakes import FakeHost, memory_host
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.code_scanner.driver import CodeScannerDriver
from drivers.code_scanner.values import ScanCodes, StopScanning
from drivers.device import Fault, Identity
from drivers.io_board.driver import IoBoardDriver
from drivers.io_board.protocol import Kind
from drivers.io_board.values import Buzz, Lamp, Light
from drivers.keypad.driver import KeypadDriver, makes
from drivers.keypad.values import KeyPressed, ListenForKeys, StopListening
from drivers.receipt_printer.driver import PRINT_LIMIT_S, ReceiptPrinterDriver
from drivers.receipt_printer.values import Confirm, Printed, PrintFailed, PrintReceipt, Text
from drivers.transport import MemoryTransport
from drivers.worker import Down

LONGEST_S = 10 * PRINT_LIMIT_S  # in the test's own time: whatever is said, it ends
answers = st.lists(st.binary(max_size=12), max_size=60)


def says(pieces: list[bytes]) -> tuple[FakeHost, MemoryTransport]:
    """A device that answers each thing it is told with the next piece, then falls silent."""
    left = list(pieces)
    host, wire, _ = memory_host(lambda _: left.pop(0) if left else b"")
    return host, wire


@given(answers, st.sampled_from(Confirm), st.sampled_from(["tcp://h:9100", "serial:///dev/x"]))
def test_a_printer_that_says_anything(pieces: list[bytes], confirm: Confirm, url: str) -> None:
    host, wire = says(pieces)
    driver = ReceiptPrinterDriver(url, confirm=confirm, first_id=0)
    began = host.clock.now
    known = driver.connect(host)
    if isinstance(known, Identity):
        outcome = driver.handle(PrintReceipt("a", (Text("受理"),)), host)
        assert isinstance(outcome, Printed | Fault | Down)
        [told] = host.posted
        assert isinstance(told, Printed | PrintFailed)
        if confirm is Confirm.PROCESS_ID and b"\x37\x220002\x00" not in b"".join(pieces):
            assert isinstance(told, PrintFailed)
        driver.run(host)
    else:
        assert isinstance(known, Down)
    driver.disconnect()
    assert wire.closed
    assert host.clock.now - began < LONGEST_S


@given(answers, st.sampled_from([name for name in makes() if name != "typing"]), st.booleans())
def test_a_keypad_that_says_anything(pieces: list[bytes], make: str, asked: bool) -> None:
    host, wire = says(pieces)
    driver = KeypadDriver("serial:///dev/x", make=make)
    driver.connect(host)
    if asked:
        driver.handle(ListenForKeys(), host)
    for piece in pieces:
        wire.deliver(piece)
        driver.run(host)
        host.clock.advance(0.2)
    driver.handle(StopListening(thank=True), host)
    assert all(isinstance(event, KeyPressed) for event in host.posted)
    assert asked or not host.posted


@given(answers, st.sampled_from(["serial:///dev/x", "evdev:///dev/input/x"]))
def test_a_scanner_that_nobody_asks_passes_nothing_on(pieces: list[bytes], url: str) -> None:
    host, wire = says(pieces)
    driver = CodeScannerDriver(url)
    driver.connect(host)
    driver.handle(ScanCodes(), host)
    driver.handle(StopScanning(), host)
    for piece in pieces:
        wire.deliver(piece)
        assert driver.run(host) is None
    assert host.posted == []


@given(answers, st.sampled_from(Kind))
def test_a_relay_board_that_says_anything(pieces: list[bytes], kind: Kind) -> None:
    host, wire = says(pieces)
    driver = IoBoardDriver("serial:///dev/x", {"reader": 1, "beeper": 2}, kind)
    began = host.clock.now
    if isinstance(driver.connect(host), Identity):
        assert isinstance(driver.handle(Light(frozenset({Lamp.READER})), host), Down | None)
        assert isinstance(driver.handle(Buzz(), host), Down | None)
    driver.disconnect()
    assert wire.closed
    assert host.clock.now - began < LONGEST_S


FRAMES = [b"\x10\x00\x00\x00", b"\x18\x08\x00\x00", b"\x10\x00\x03\x00", b"\x14\x00\x0c\x0f"]


@pytest.mark.parametrize("damage", ["flip", "drop"])
@settings(max_examples=40)
@given(st.sampled_from(FRAMES), st.integers(0, 3), st.integers(1, 255), st.integers(1, 4))
def test_a_spoilt_automatic_status_never_means_printed(
    damage: str, frame: bytes, at: int, bits: int, cut: int
) -> None:
    """The printer never confirms; one frame of it comes spoilt, in two pieces."""
    spoilt = frame[:at] + (bytes([frame[at] ^ bits]) if damage == "flip" else b"") + frame[at + 1 :]
    told = False

    def answer(data: bytes) -> bytes:
        nonlocal told
        if data[:2] == b"\x10\x04":
            return b"\x12"
        if data.endswith(b"\x1dr\x01") and not told:
            told = True
            return spoilt[:cut]
        return b""

    host, wire, clock = memory_host(answer)

    def pass_time(seconds: float) -> None:
        nonlocal rest
        clock.advance(seconds)
        if told and rest:
            wire.deliver(rest)
            rest = b""

    rest = spoilt[cut:]
    wire._waited = pass_time
    driver = ReceiptPrinterDriver("tcp://h:9100")
    assert isinstance(driver.connect(host), Identity)
    driver.handle(PrintReceipt("a", (Text("A"),)), host)
    [outcome] = host.posted
    assert isinstance(outcome, PrintFailed)
