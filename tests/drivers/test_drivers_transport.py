"""Wires by URL: strict addresses, real pseudo-terminals and sockets, nothing raised by a cable."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.addresses import (
    NamedUrl,
    SerialUrl,
    TcpUrl,
    UsbUrl,
    VideoUrl,
    address_of,
    parse_url,
)
from drivers.device import DeviceClass, Fault, FaultCode
from drivers.transport import MemoryTransport, Transport, open_transport, write_all

OPEN_FILES = Path("/proc/self/fd")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("serial:///dev/ttyUSB0?baud=9600", SerialUrl("/dev/ttyUSB0", 9600)),
        ("serial:///dev/serial/by-id/usb-x", SerialUrl("/dev/serial/by-id/usb-x", 115200)),
        ("tcp://127.0.0.1:9100", TcpUrl("127.0.0.1", 9100)),
        ("tcp://[::1]:9100", TcpUrl("::1", 9100)),
        ("usb://0400:C35A", UsbUrl("usb", 0x0400, 0xC35A)),
        ("hid://0400:c35a", UsbUrl("hid", 0x0400, 0xC35A)),
        ("pcsc://Virtual PCD 00 00", NamedUrl("pcsc", "Virtual PCD 00 00")),
        ("cups://PDF", NamedUrl("cups", "PDF")),
        (
            "video:///dev/video0?size=3264x2448&fourcc=MJPG",
            VideoUrl("/dev/video0", (3264, 2448), "MJPG"),
        ),
    ],
)
def test_an_address_is_read(text: str, address: object) -> None:
    assert parse_url(text) == address


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "scheme"),
        ("serial://ttyUSB0", "absolute path"),
        ("serial:///", "absolute path"),
        ("serial:///dev/x?baud=fast", "baud fast"),
        ("serial:///dev/x?baud=115201", "baud 115201"),
        ("serial:///dev/x?speed=9600", "speed"),
        ("serial:///dev/x?baud=9600&baud=19200", "twice"),
        ("serial:///dev/x?baud", "name=value"),
        ("serial:///dev/x#1", "#"),
        ("serial:///dev/x\n", "control character"),
        ("tcp://host", "port"),
        ("tcp://host:0", "port"),
        ("tcp://host:70000", "port"),
        ("tcp://:9100", "host"),
        ("tcp://a..b:9100", "no host can be called so"),
        ("tcp://.:9100", "no host can be called so"),
        ("tcp://" + "a" * 64 + ":9100", "no host can be called so"),
        ("tcp://\udcff\udcfe:9100", "no host can be called so"),
        ("tcp://host:9100/path", "follow"),
        ("usb://0400", "vvvv:pppp"),
        ("video:///dev/video0?size=big", "WIDTHxHEIGHT"),
        ("video:///dev/video0?fourcc=mjpg", "fourcc"),
        ("cups://", "name"),
        ("ftp://host", "ftp"),
    ],
)
def test_a_wrong_address_is_refused_by_naming_it(text: str, named: str) -> None:
    fault = parse_url(text)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.BAD_INPUT
    assert named in fault.detail


@pytest.mark.parametrize(
    ("device", "text", "named"),
    [
        (DeviceClass.ID_READER, "/dev/ttyUSB0", "serial://, tcp://, usb://, hid://"),
        (DeviceClass.CODE_SCANNER, "tcp://127.0.0.1:1", "serial://, evdev://"),
        (DeviceClass.DOCUMENT_CAMERA, "serial:///dev/ttyUSB0", "video://"),
        (DeviceClass.PAGE_PRINTER, "pcsc://reader", "cups://"),
        (DeviceClass.VOICE, "http://host/", "alsa://, file://"),
    ],
)
def test_an_address_of_another_kind_of_device_is_refused(
    device: DeviceClass, text: str, named: str
) -> None:
    fault = address_of(device, text)
    assert isinstance(fault, Fault)
    assert named in fault.detail


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_fault(text: str) -> None:
    parse_url(text)
    parse_url("serial://" + text)
    parse_url("tcp://" + text)
    parse_url("pcsc://" + text)


@pytest.mark.parametrize(
    "url", ["usb://0400:C35A", "hid://0400:C35A", "pcsc://x", "cups://PDF", "video:///dev/video0"]
)
def test_what_cannot_be_opened_yet_says_so(url: str) -> None:
    fault = open_transport(url)
    assert isinstance(fault, Fault)
    assert url.split(":", maxsplit=1)[0] in fault.detail


def test_a_device_that_is_not_there_is_disconnected() -> None:
    assert open_transport("serial:///dev/no-such-device") == Fault(
        FaultCode.DISCONNECTED, "/dev/no-such-device: no such device"
    )


def test_a_port_where_nobody_listens_is_disconnected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    fault = open_transport(f"tcp://127.0.0.1:{port}")
    assert fault == Fault(FaultCode.DISCONNECTED, f"127.0.0.1:{port}: refused")


@pytest.fixture
def line() -> Iterator[tuple[Transport, io.FileIO, str]]:
    """A serial line, its far end and its address."""
    far, near = pty.openpty()
    url = f"serial://{os.ttyname(near)}?baud=115200"
    wire = open_transport(url)
    assert not isinstance(wire, Fault)
    os.close(near)
    with io.FileIO(far, "r+") as device:
        yield wire, device, url
    wire.close()


def test_bytes_pass_both_ways_over_a_serial_line_unchanged(
    line: tuple[Transport, io.FileIO, str],
) -> None:
    wire, far, _ = line
    everything = bytes(range(256))
    assert write_all(wire, everything, 1.0) is None
    assert far.read(1000) == everything
    far.write(everything)
    got = b""
    while len(got) < 256:
        piece = wire.read(100, 5.0)
        assert isinstance(piece, bytes)
        assert len(piece) <= 100
        got += piece
    assert got == everything


def test_two_programs_cannot_open_one_line(line: tuple[Transport, io.FileIO, str]) -> None:
    _, _, url = line
    fault = open_transport(url)
    assert isinstance(fault, Fault)
    assert "in use" in fault.detail


def test_a_pulled_serial_line_is_lost_and_nothing_is_raised(
    line: tuple[Transport, io.FileIO, str],
) -> None:
    wire, far, _ = line
    far.close()
    lost = wire.read(10, 5.0)
    assert isinstance(lost, Fault)
    assert lost.code is FaultCode.DEVICE_LOST
    wire.close()
    wire.close()
    wire.wake()
    assert isinstance(wire.read(10, 0.0), Fault)
    assert isinstance(wire.write(b"x", 0.0), Fault)


def test_a_waiting_read_ends_when_it_is_woken(line: tuple[Transport, io.FileIO, str]) -> None:
    wire, _, _ = line
    answers: list[bytes | Fault] = []
    thread = threading.Thread(target=lambda: answers.append(wire.read(10, 600.0)))
    thread.start()
    wire.wake()
    thread.join(10)
    assert answers == [b""]


def test_a_socket_that_hangs_up_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = open_transport(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert not isinstance(wire, Fault)
        peer, _ = server.accept()
        peer.sendall(b"\x12")
        assert wire.read(10, 5.0) == b"\x12"
        assert wire.read(10, 0.0) == b""
        peer.close()
        lost = wire.read(10, 5.0)
        wire.close()
    assert isinstance(lost, Fault)
    assert lost.code is FaultCode.DEVICE_LOST


def test_a_pulled_network_cable_is_noticed_by_asking_the_other_side() -> None:
    """No cable can be pulled here: what the kernel was told to do about one is looked at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = open_transport(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert not isinstance(wire, Fault)
        peer, _ = server.accept()
        (link,) = _sockets_to(peer.getsockname())
        with link:
            assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
        wire.close()
        peer.close()


def _sockets_to(port: object) -> list[socket.socket]:
    """Sockets of this process that lead to `port`, as copies that close themselves."""
    open_before = []
    for entry in OPEN_FILES.iterdir():
        with contextlib.suppress(OSError):  # the folder itself is open only while it is read
            if str(entry.readlink()).startswith("socket:"):
                open_before.append(int(entry.name))
    found = []
    for number in open_before:
        link = socket.socket(fileno=os.dup(number))
        try:
            leads_there = link.getpeername() == port
        except OSError:
            leads_there = False
        if leads_there:
            found.append(link)
        else:
            link.close()
    return found


def test_a_wire_that_is_closed_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"

        def come_and_go() -> None:
            wire = open_transport(address)
            assert not isinstance(wire, Fault)
            server.accept()[0].close()
            wire.close()

        come_and_go()
        before = len(list(OPEN_FILES.iterdir()))
        for _ in range(5):
            come_and_go()
        assert len(list(OPEN_FILES.iterdir())) == before


def test_a_side_that_takes_nothing_does_not_hold_the_writer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = open_transport(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert not isinstance(wire, Fault)
        peer, _ = server.accept()
        with peer:
            taken = wire.write(bytes(64_000_000), 0.05)
            wire.close()
    assert isinstance(taken, int)
    assert 0 < taken < 64_000_000


def test_memory_wire_gives_what_was_delivered_before_it_is_lost() -> None:
    wire = MemoryTransport(lambda request: request[::-1])
    assert wire.write(b"abc", 0.0) == 3
    wire.lose()
    assert wire.read(2, 0.0) == b"cb"
    assert wire.read(2, 0.0) == b"a"
    assert isinstance(wire.read(2, 0.0), Fault)
