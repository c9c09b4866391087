"""The ID reader over a TCP serial server, USB pipes and HID reports: for the last two the emulator
plays the port on a Unix socket."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sam_bench
from hypothesis import given
from hypothesis import strategies as st
from usb_sockets import opens_bulk, opens_reports

from drivers.addresses import UsbUrl
from drivers.device import Fault, FaultCode
from drivers.id_reader.protocol import Command, encode
from drivers.id_reader.values import CardRecord
from drivers.id_reader.wires import BulkFrames, ReportFrames, Unwrapper, wrap
from drivers.transport import Transport, open_transport
from drivers.usb_ports import FileReports, hidraw_node
from kiosk.clock import SystemClock
from kiosk.entry.commands.idcard import read_card
from rehearsal.control import Control

CARD = {
    "kind": "resident",
    "name": "王小明",
    "sex_code": "1",
    "nation_code": "01",
    "birth": "1999-01-10",
    "address": "广东省深圳市示例区示例路1号",
    "number": sam_bench.RESIDENT_NUMBER,
    "issuer": "示例市公安局",
    "valid_from": "2015-03-01",
    "valid_to": "2035-03-01",
}


@dataclass(frozen=True)
class Bench:
    control: Control
    url: str
    open_wire: Callable[..., Transport | Fault]

    def read(self, timeout_s: float = 5.0) -> CardRecord | Fault:
        return read_card(self.url, SystemClock(), timeout_s, self.open_wire)


@pytest.fixture(scope="module", params=["tcp", "usb", "hid"])
def emulator(request: pytest.FixtureRequest, root: Path) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        socket, link = Path(folder) / "c.sock", Path(folder) / "port.sock"
        process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.emulators.id_reader", "--control", str(socket),
             "--link", str(link), "--haste", "20", "--port", request.param],
            stdout=subprocess.PIPE,
            cwd=root,
        )  # fmt: skip
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] == "id_reader"
        openers: dict[str, Any] = {
            "tcp": {},
            "usb": {"open_bulk": opens_bulk(link)},
            "hid": {"open_reports": opens_reports(link)},
        }
        yield Bench(
            Control(socket),
            f"tcp://127.0.0.1:{ready['port']}"
            if request.param == "tcp"
            else f"{request.param}://0400:c35a",
            partial(open_transport, **openers[request.param]),
        )
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()


@pytest.fixture
def bench(emulator: Bench) -> Iterator[Bench]:
    yield emulator
    emulator.control.ask("plug")
    emulator.control.ask("set", garble=0, unplug_after=-1, fail_next=[])
    emulator.control.ask("lift_card")


def test_a_card_is_read_over_the_port(bench: Bench) -> None:
    bench.control.ask("place_card", card=CARD)
    card = bench.read()
    assert isinstance(card, CardRecord)
    assert (card.name, card.number, len(card.photo_wlt)) == (CARD["name"], CARD["number"], 1024)


def test_a_port_that_is_empty_or_pulled_out_in_the_middle(bench: Bench) -> None:
    assert bench.read(0.5) == Fault(FaultCode.NO_CARD, "no card within 0.5 s")
    bench.control.ask("place_card", card=CARD)
    bench.control.ask("set", unplug_after=300)
    lost = bench.read()
    assert isinstance(lost, Fault)
    assert lost.code in (FaultCode.DEVICE_LOST, FaultCode.BAD_REPLY)
    gone = bench.read()
    assert isinstance(gone, Fault)
    assert gone.code is FaultCode.NOT_FOUND


def test_garbled_transfers_are_asked_again(bench: Bench) -> None:
    bench.control.ask("place_card", card=CARD)
    bench.control.ask("garble", times=1, how="flip")
    assert isinstance(bench.read(), CardRecord)


# -- the wrapper of HID reports ------------------------------------------------


def wrapped(frame: bytes) -> list[bytes]:
    """An answer in reports, written by hand."""
    body = (len(frame) + 1).to_bytes(2, "little") + b"\x00" + frame
    packet = b"\xaa\x01\x00" + body + (sum(body) % 65536).to_bytes(2, "little")
    packet += bytes(-len(packet) % 64)
    return [packet[at : at + 64] for at in range(0, len(packet), 64)]


def test_a_question_is_one_padded_report_with_its_sum() -> None:
    (report,) = wrap(encode(Command.FIND))
    assert len(report) == 64
    assert report[:6].hex(" ") == "88 00 00 0b 00 01"
    assert report[6:16] == encode(Command.FIND)
    assert int.from_bytes(report[16:18], "little") == sum(report[3:16]) % 65536
    assert report[18:] == bytes(46)


@given(st.binary(min_size=1, max_size=3000))
def test_an_answer_of_any_length_is_joined_again(frame: bytes) -> None:
    unwrapper = Unwrapper()
    reports = wrapped(frame)
    assert [unwrapper.feed(report) for report in reports[:-1]] == [b""] * (len(reports) - 1)
    assert unwrapper.feed(reports[-1]) == frame
    assert not unwrapper.within


@given(st.lists(st.binary(max_size=80), max_size=30))
def test_any_reports_neither_raise_nor_pile_up(reports: list[bytes]) -> None:
    unwrapper = Unwrapper()
    for report in reports:
        frame = unwrapper.feed(report)
        assert len(frame) < 9000


def test_a_wrong_sum_is_no_answer_and_the_next_one_is_heard() -> None:
    unwrapper = Unwrapper()
    (report,) = wrapped(sam_bench.reply(0x90))
    spoilt = report[:8] + bytes([report[8] ^ 1]) + report[9:]
    assert unwrapper.feed(spoilt) == b""
    assert unwrapper.feed(report) == sam_bench.reply(0x90)


class Scripted:
    """A port that gives what it was told to give."""

    pipes = (0x02, 0x06, 0x81, 0x85)

    def __init__(self, *answers: bytes | Fault) -> None:
        self.answers = list(answers)
        self.written: list[tuple[int, bytes]] = []
        self.closed = False

    def _next(self) -> bytes | Fault:
        return self.answers.pop(0) if self.answers else b""

    def close(self) -> None:
        self.closed = True

    def wake(self) -> None:
        pass


class ScriptedBulk(Scripted):
    def read(self, pipe: int, limit: int, wait_s: float) -> bytes | Fault:
        return self._next()

    def write(self, pipe: int, data: bytes, wait_s: float) -> int | Fault:
        self.written.append((pipe, data))
        return len(data)


class ScriptedReports(Scripted):
    def read(self, wait_s: float) -> bytes | Fault:
        return self._next()

    def write(self, report: bytes, wait_s: float) -> int | Fault:
        return 0 if len(self.written) >= 1 else (self.written.append((0, report)) or len(report))


LOST = Fault(FaultCode.DEVICE_LOST, "the wire is gone")


def test_a_question_goes_to_the_two_pipes_as_head_and_body() -> None:
    port = ScriptedBulk()
    assert BulkFrames(port).write(encode(Command.FIND), 1) == 10
    assert port.written == [(0x02, bytes.fromhex("AAAAAA96690003")), (0x06, b"\x20\x01\x22")]


def test_what_goes_wrong_on_a_pipe_is_passed_on() -> None:
    assert BulkFrames(ScriptedBulk(LOST)).read(100, 1) == LOST
    assert BulkFrames(ScriptedBulk(b"")).read(100, 1) == b""
    assert BulkFrames(ScriptedBulk(b"\xaa\xaa")).read(100, 1) == b"\xaa\xaa"
    assert BulkFrames(ScriptedBulk(b"1234567", LOST)).read(100, 1) == LOST


def test_what_goes_wrong_with_a_report_is_passed_on() -> None:
    first, *_ = wrapped(bytes(200))
    assert ReportFrames(ScriptedReports(LOST)).read(100, 1) == LOST
    assert ReportFrames(ScriptedReports(first, LOST)).read(100, 1) == LOST
    wire = ReportFrames(ScriptedReports(first, b"", *wrapped(b"xyz")))
    assert wire.read(100, 1) == b"", "silence inside an answer: it is given up"
    assert wire.read(100, 1) == b"xyz"
    full = ScriptedReports()
    assert isinstance(ReportFrames(full).write(bytes(100), 1), Fault)


# -- the ports themselves, as far as a machine without them can show ------------


def test_the_raw_file_of_a_device_is_found_by_its_numbers(tmp_path: Path) -> None:
    for node, numbers in (
        ("hidraw0", "0003:0000046D:0000C31C"),
        ("hidraw3", "0003:00000400:0000C35A"),
    ):
        (tmp_path / node / "device").mkdir(parents=True)
        (tmp_path / node / "device" / "uevent").write_text(f"DRIVER=hid\nHID_ID={numbers}\n")
    (tmp_path / "hidraw9").mkdir()
    assert hidraw_node(tmp_path, UsbUrl("hid", 0x0400, 0xC35A)) == "hidraw3"
    assert hidraw_node(tmp_path, UsbUrl("hid", 0x1234, 0xC35A)) is None


def test_reports_go_through_a_file_one_at_a_time() -> None:
    """A socket of packets behaves as the raw file does: one report for each read."""
    import socket

    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    near.setblocking(False)
    port = FileReports(near.detach())
    try:
        far.send(bytes(64))
        far.send(b"\x01" * 64)
        assert port.read(5) == bytes(64)
        assert port.read(5) == b"\x01" * 64
        assert port.write(b"\x02" * 64, 1) == 64
        assert far.recv(100) == b"\x00" + b"\x02" * 64, "its number first"
        port.wake()
        assert port.read(30) == b""
        far.close()
        assert isinstance(port.read(5), Fault)
        assert isinstance(port.write(b"x", 1), Fault)
    finally:
        port.close()
        port.close()
    assert isinstance(port.read(0), Fault)
