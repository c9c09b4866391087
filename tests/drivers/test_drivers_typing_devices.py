"""A scanner that types is read exclusively: its keys become a code, never keystrokes in the window."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from driver_fakes import FakeClock, FakeHost
from evdev_wire import SocketDevice, event, press, trace
from hypothesis import given
from hypothesis import strategies as st

from drivers.addresses import EvdevUrl, parse_url
from drivers.code_scanner.driver import CodeScannerDriver
from drivers.code_scanner.values import CodeRefused, CodeScanned, ScanCodes, Suffix
from drivers.device import Fault, FaultCode, Identity, Status
from drivers.evdev_port import open_exclusively
from drivers.input_events import Dropped, EventReader, Key, Typist
from drivers.transport import open_transport
from drivers.worker import Down

URL = "evdev:///dev/input/by-id/usb-SCANNER-event-kbd"


class Scanner:
    def __init__(self, suffix: Suffix = Suffix.CR) -> None:
        self.device = SocketDevice()
        self.host = FakeHost(self.device.wire, FakeClock())
        self.driver = CodeScannerDriver(URL, suffix)
        assert isinstance(self.driver.connect(self.host), Identity)
        assert self.host.opened == [URL]
        self.driver.handle(ScanCodes(), self.host)

    def types(self, data: bytes, pieces: int = 7) -> list[object]:
        for at in range(0, len(data), pieces):
            self.device.send(data[at : at + pieces])
            self.driver.run(self.host)
        return self.host.posted


@pytest.fixture
def scanner() -> Iterator[Scanner]:
    scanner = Scanner()
    yield scanner
    scanner.driver.disconnect()
    scanner.device.unplug()


def test_a_recorded_scan_is_the_code_that_was_scanned(scanner: Scanner) -> None:
    assert scanner.types(trace("wedge_scanner.txt")) == [CodeScanned(b"ZW1.QS01/ab")]


def test_events_that_were_lost_take_the_code_with_them(scanner: Scanner) -> None:
    scanner.types(press(44) + event(0, 3, 0) + press(2) + press(28))
    assert scanner.host.posted == [CodeScanned(b"1")]


def test_a_key_that_types_nothing_makes_the_code_a_refused_one(scanner: Scanner) -> None:
    assert scanner.types(press(2) + press(59) + press(28)) == [CodeRefused()]


def test_a_scanner_that_is_pulled_out_is_lost(scanner: Scanner) -> None:
    scanner.device.unplug()
    assert scanner.driver.run(scanner.host) == Down(Status.DISCONNECTED, "the wire was closed")


def test_a_scanner_given_as_a_plain_usb_device_is_refused_with_what_to_write() -> None:
    host = FakeHost(lambda: Fault(FaultCode.BROKEN), FakeClock())
    down = CodeScannerDriver("hid://0c2e:0901").connect(host)
    assert isinstance(down, Down)
    assert (down.status, host.opened) == (Status.BROKEN, [])
    assert "evdev:///dev/input" in down.reason


def codes_of(text: str) -> list[int]:
    """Keys of a US keyboard, by hand."""
    rows = {2: "1234567890", 16: "qwertyuiop", 30: "asdfghjkl", 44: "zxcvbnm"}
    return [first + row.index(c) for c in text for first, row in rows.items() if c in row]


@given(st.text("1234567890qwertyuiopasdfghjklzxcvbnm", min_size=1, max_size=30), st.booleans())
def test_every_letter_and_digit_types_itself(text: str, shift: bool) -> None:
    typist = Typist()
    keys = codes_of(text)
    typed = typist.feed(Key(42, 1)) if shift else b""
    for code in keys:
        typed += typist.feed(Key(code, 1)) + typist.feed(Key(code, 2)) + typist.feed(Key(code, 0))
    signs = str.maketrans("1234567890", "!@#$%^&*()")
    assert typed.decode() == (text.upper().translate(signs) if shift else text)


def test_capitals_by_caps_lock_and_digits_of_the_block() -> None:
    typist = Typist()
    typed = b"".join(typist.feed(Key(code, 1)) for code in (58, 30, 2, 58, 30, 79, 96, 15))
    assert typed == b"A1a1\r\t"


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_are_events_or_nothing_and_never_kept(pieces: list[bytes]) -> None:
    reader, typist = EventReader(), Typist()
    for piece in pieces:
        for found in reader.feed(piece):
            if isinstance(found, Dropped):
                typist.clear()
            else:
                assert len(typist.feed(found)) <= 1
    assert len(reader._rest) < 24


# -- the port ---------------------------------------------------------------------


def test_an_address_of_a_typing_device_is_read() -> None:
    assert parse_url(URL) == EvdevUrl("/dev/input/by-id/usb-SCANNER-event-kbd")
    for wrong in ("evdev://kbd", "evdev:///", "evdev:///dev/input/x?grab=0"):
        assert isinstance(parse_url(wrong), Fault)


def test_what_cannot_be_taken_exclusively_is_never_read(tmp_path: Path) -> None:
    """Two readers would mean that the window sees the keys as well."""
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert open_exclusively(str(plain)) == Fault(
        FaultCode.BAD_INPUT, f"{plain}: not an input device"
    )
    for number, code in [
        (errno.EBUSY, FaultCode.DISCONNECTED),
        (errno.ENODEV, FaultCode.DISCONNECTED),
    ]:

        def refuse(descriptor: int, number: int = number) -> None:
            raise OSError(number, "no")

        fault = open_exclusively(str(plain), refuse)
        assert isinstance(fault, Fault)
        assert fault.code is code
    missing = open_transport(f"evdev://{tmp_path}/none")
    assert missing == Fault(FaultCode.DISCONNECTED, f"{tmp_path}/none: no such device")


def test_a_device_that_was_taken_is_read_without_waiting(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(press(2))
    taken: list[int] = []
    descriptor = open_exclusively(str(plain), taken.append)
    assert isinstance(descriptor, int)
    assert taken == [descriptor]
    assert os.get_blocking(descriptor) is False
    os.close(descriptor)
