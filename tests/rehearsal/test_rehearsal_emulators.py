"""The emulators as programs: real lines, real sockets, a control socket beside each."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request
import wave
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import serial
import zxingcpp
from PIL import Image

from drivers.device import (
    Status,
)
from drivers.io_board.driver import (
    IoBoardDriver,
)
from drivers.io_board.protocol import Kind as BoardKind
from drivers.io_board.values import (
    Light,
)
from drivers.worker import DeviceWorker
from kiosk.clock import SystemClock
from kiosk.flow.lights import lights
from rehearsal.control import Control, ControlError
from rehearsal.emulators.io_board import LAMPS
from rehearsal.emulators.world import StateFile
from rehearsal.people import people
from rehearsal.robot.eyes import polled
from ui.samples import samples

FIND = bytes.fromhex("AAAAAA96690003200122")
SELECT = bytes.fromhex("AAAAAA96690003200221")
READ = bytes.fromhex("AAAAAA96690003300132")

Start = Callable[..., tuple[Control, dict[str, Any], subprocess.Popen[bytes]]]


@pytest.fixture
def start(root: Path) -> Iterator[Start]:
    """Start an emulator; answers its control, its ready line and its process."""
    running: list[subprocess.Popen[bytes]] = []
    # the path of a socket has at most 107 bytes; pytest's folders may have more
    sockets = Path(tempfile.mkdtemp(prefix="k-"))

    def begin(name: str, *arguments: str) -> tuple[Control, dict[str, Any], Any]:
        path = sockets / f"{name}.sock"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                f"rehearsal.emulators.{name}",
                "--control",
                str(path),
                *arguments,
            ],
            stdout=subprocess.PIPE,
            cwd=root,
        )
        running.append(process)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] == name
        return Control(path), ready, process

    yield begin
    for process in running:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout is not None
        process.stdout.close()
    assert not list(sockets.glob("*.sock"))
    shutil.rmtree(sockets)


def open_line(path: str, baud: int) -> serial.Serial:
    return serial.Serial(path, baud, timeout=5)


def test_a_card_is_read_over_the_line(start: Start, tmp_path: Path) -> None:
    control, ready, _ = start("id_reader", "--link", str(tmp_path / "line"), "--haste", "20")
    card = people(date(2026, 11, 22))["zhang_lan"].card()
    with open_line(ready["path"], 115200) as line:
        line.write(FIND)
        assert line.read(11)[9] == 0x80
        control.ask("place_card", card=card)
        line.write(FIND)
        assert line.read(15)[9] == 0x9F
        line.write(SELECT)
        assert line.read(19)[9] == 0x90
        line.write(READ)
        answer = line.read(1295)
        assert len(answer) == 1295
        assert answer[14 : 14 + 4].decode("utf-16-le") == card["name"]
        assert control.ask("status")["read"]


def test_at_the_wrong_speed_nothing_is_understood(start: Start, tmp_path: Path) -> None:
    control, ready, _ = start("id_reader", "--link", str(tmp_path / "line"))
    with open_line(ready["path"], 9600) as line:
        line.write(FIND)
        for _ in polled(5.0, 0.02):
            if control.ask("status")["wrong_baud_bytes"]:
                break
        status = control.ask("status")
        assert status["wrong_baud_bytes"] == len(FIND)
        assert status["answered"] == {}


def test_an_unplugged_reader_is_gone_and_comes_back(start: Start, tmp_path: Path) -> None:
    link = tmp_path / "line"
    control, _, _ = start("id_reader", "--link", str(link), "--haste", "20")
    with open_line(str(link), 115200) as line:
        control.ask("unplug")
        assert not link.is_symlink()
        with pytest.raises((OSError, serial.SerialException)):
            for _ in range(3):
                line.write(FIND)
                line.read(11)
    control.ask("plug")
    with open_line(str(link), 115200) as line:
        line.write(FIND)
        assert line.read(11)[9] == 0x80


def test_a_hand_at_the_state_file_lays_cards_and_pulls_the_cable(
    start: Start, tmp_path: Path
) -> None:
    link = tmp_path / "line"
    control, ready, _ = start(
        "id_reader", "--link", str(link), "--haste", "20", "--state", str(tmp_path / "world.json")
    )
    world = StateFile(tmp_path / "world.json")
    card = people(date(2026, 11, 22))["zhang_lan"].card()

    def until(key: str, value: bool) -> None:
        for _ in polled(10.0, 0.02):
            if control.ask("status")[key] is value:
                return
        pytest.fail(f"{key} did not become {value}")

    world.set(card=card)
    until("card", True)
    with open_line(ready["path"], 115200) as line:
        line.write(FIND)
        assert line.read(15)[9] == 0x9F
        world.set(second_card=True)
        world.do("noise", hex="00")
        assert line.read(1) == b"\x00", "and so the edit before it was followed too"
        line.write(SELECT)
        assert line.read(11)[9] == 0x81, "two cards: none can be selected"
    world.set(plugged=False)
    until("plugged", False)
    assert not link.is_symlink()
    world.set(plugged=True, card=None)
    until("plugged", True)
    assert control.ask("status")["card"] is False


def test_a_social_card_on_the_id_plate_is_found_and_refused(start: Start, tmp_path: Path) -> None:
    control, ready, _ = start("id_reader", "--link", str(tmp_path / "line"), "--haste", "20")
    control.ask("place_card", card={"kind": "social"})
    with open_line(ready["path"], 115200) as line:
        line.write(FIND)
        assert line.read(15)[9] == 0x9F
        line.write(SELECT)
        assert line.read(11)[9] == 0x40


def test_a_planned_failure_waits_for_the_reading_whatever_is_polled_before(
    start: Start, tmp_path: Path
) -> None:
    control, ready, _ = start("id_reader", "--link", str(tmp_path / "line"), "--haste", "20")
    control.ask("fail_next", sw3="41")
    with open_line(ready["path"], 115200) as line:
        for _ in range(3):
            line.write(FIND)
            assert line.read(11)[9] == 0x80
        control.ask("place_card", card=people(date(2026, 11, 22))["zhang_lan"].card())
        line.write(FIND)
        assert line.read(15)[9] == 0x9F
        line.write(SELECT)
        assert line.read(19)[9] == 0x90
        line.write(READ)
        assert line.read(11)[7:10] == b"\x6f\x00\x41", "with the card's own status"
        line.write(FIND)
        assert line.read(11)[9] == 0x80


def test_a_reader_without_power_is_silent(start: Start, tmp_path: Path) -> None:
    control, ready, _ = start("id_reader", "--link", str(tmp_path / "line"))
    control.ask("power_off")
    with open_line(ready["path"], 115200) as line:
        line.timeout = 0.3
        line.write(FIND)
        assert line.read(11) == b""


def test_what_cannot_be_done_is_told(start: Start, tmp_path: Path) -> None:
    control, _, _ = start("keypad", "--link", str(tmp_path / "line"))
    with pytest.raises(ControlError, match="no such key"):
        control.ask("press", key="9")
    with pytest.raises(ControlError, match=r"can: garble, .*unplug"):
        control.ask("dance")


def test_keys_and_codes_come_as_bytes(start: Start, tmp_path: Path) -> None:
    keypad, pad, _ = start("keypad", "--link", str(tmp_path / "pad"))
    scanner, scan, _ = start("code_scanner", "--link", str(tmp_path / "scan"))
    with open_line(pad["path"], 9600) as line:
        keypad.ask("press", key="5")
        keypad.ask("press", key="skip")
        keypad.ask("press", byte="7F")
        assert line.read(3) == b"\x35\x30\x7f"
    with open_line(scan["path"], 9600) as line:
        scanner.ask("scan", text="ZW1.QS01")
        assert line.read_until(b"\r") == b"ZW1.QS01\r"


@pytest.mark.parametrize(
    ("make", "sent"),
    [
        ("numbers", "02"),
        ("framed_xor", "aa55020102fe"),
        ("framed_sum", "0234346803"),
    ],
)
def test_a_key_of_each_make_of_keypad(start: Start, tmp_path: Path, make: str, sent: str) -> None:
    keypad, ready, _ = start("keypad", "--link", str(tmp_path / "keypad"), "--make", make)
    with open_line(ready["path"], 9600) as line:
        keypad.ask("press", key="4")
        assert line.read(len(sent) // 2).hex() == sent
        if make == "framed_xor":
            line.write(bytes.fromhex("aa5502101ff2" + "aa55022001dc"))
            for _ in polled(5.0, 0.02):
                if keypad.ask("status")["clips"]:
                    break
            status = keypad.ask("status")
            assert (status["lamps"], status["clips"]) == (0x1F, [1])


def test_a_scanner_that_types_tells_its_keys_to_one_reader_only(start: Start) -> None:
    folder = Path(tempfile.mkdtemp(prefix="k-"))
    scanner, ready, _ = start("code_scanner", "--link", str(folder / "kbd"), "--types")
    with socket.socket(socket.AF_UNIX) as device:
        device.settimeout(5)
        device.connect(ready["path"])
        assert scanner.ask("scan", text="A1")["said"] == 1
        heard = b""
        while len(heard) < 24 * 24:  # shift, a, shift up, 1, enter: eight changes of three events
            heard += device.recv(4096)
        keys = [struct.unpack_from("<HHi", heard, at + 16) for at in range(0, len(heard), 24)]
        changes = [(code, value) for kind, code, value in keys if kind == 1]
        assert changes == [(42, 1), (30, 1), (30, 0), (42, 0), (2, 1), (2, 0), (28, 1), (28, 0)]
        with socket.socket(socket.AF_UNIX) as other:
            other.settimeout(5)
            other.connect(ready["path"])
            assert other.recv(1) == b""
    scanner.ask("unplug")
    assert not (folder / "kbd").exists()
    folder.rmdir()


class Wire:
    """A connection to the printer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def ask(self, data: bytes, count: int = 1) -> bytes:
        self.socket.sendall(data)
        answer = b""
        while len(answer) < count:
            answer += self.socket.recv(count - len(answer)) or pytest.fail("hung up")
        return answer


@pytest.fixture
def printer(start: Start, tmp_path: Path) -> tuple[Control, Wire, Path]:
    out = tmp_path / "receipts"
    control, ready, _ = start("receipt_printer", "--out", str(out), "--haste", "50")
    return control, Wire(ready["port"]), out


def test_a_receipt_is_confirmed_after_it_was_cut(printer: tuple[Control, Wire, Path]) -> None:
    control, wire, out = printer
    with wire.socket:
        assert wire.ask(b"\x10\x04\x01") == b"\x12"
        assert wire.ask(b"\xca\xdc\xc0\xed\n\x1dVB\x00\x1dr\x01") == b"\x00"
        assert [path.name for path in out.iterdir()] == ["receipt-001.png"]
        status = control.ask("status")
        assert (status["receipts"], status["unknown"]) == (1, {})
        assert control.ask("last")["text"] == ["受理"]


def test_paper_ends_in_the_middle_and_goes_on_when_refilled(
    printer: tuple[Control, Wire, Path],
) -> None:
    control, wire, out = printer
    with wire.socket:
        assert wire.ask(b"\x1da\x0c", 4) == b"\x10\x00\x00\x00"
        control.ask("paper_out", after_lines=2)
        assert wire.socket.recv(4) == b"\x10\x00\x03\x00", "near its end"
        assert wire.ask(b"A\nB\nC\n\x1dVB\x00\x1dr\x01", 4) == b"\x18\x00\x0f\x00"
        assert wire.ask(b"\x10\x04\x04") == b"\x7e"
        assert not out.exists()
        control.ask("refill")
        assert wire.ask(b"", 5) == b"\x10\x00\x00\x00" + b"\x00"
        assert control.ask("last")["text"] == ["A", "B", "C"]


def test_a_jammed_cutter_holds_everything_until_it_is_cleared(
    printer: tuple[Control, Wire, Path],
) -> None:
    control, wire, out = printer
    with wire.socket:
        control.ask("cutter_jam")
        wire.socket.sendall(b"A\n\x1dVB\x00\x1dr\x01")
        for _ in polled(5.0, 0.02):
            if control.ask("status")["cutter_jammed"]:
                break
        assert wire.ask(b"\x10\x04\x03") == b"\x1a"
        assert not out.exists()
        assert wire.ask(b"\x10\x05\x02\x10\x04\x03") == b"\x1a", "a knife that sticks still"
        control.ask("clear_jam")
        assert wire.ask(b"\x10\x04\x03") == b"\x1a", "it waits for the word"
        assert wire.ask(b"\x10\x05\x02\x10\x04\x03") == b"\x12"


CLEAR = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"


def test_an_old_job_comes_out_after_a_refill_unless_the_printer_is_cleared(
    printer: tuple[Control, Wire, Path],
) -> None:
    control, wire, _ = printer
    with wire.socket:
        control.ask("paper_out")
        wire.socket.sendall(b"OLD\n\x1dVB\x00")
        assert wire.ask(CLEAR, 3) == b"\x37\x25\x00"
        control.ask("refill")
        assert wire.ask(b"NEW\n\x1dVB\x00\x1d(H\x06\x00000042", 7) == b"\x37\x220042\x00"
        assert control.ask("last")["text"] == ["NEW"]
        assert control.ask("status")["cleared_jobs"] == 1


def test_the_word_that_it_may_go_on_empties_it_after_an_error_only(
    printer: tuple[Control, Wire, Path],
) -> None:
    control, wire, _ = printer
    with wire.socket:
        control.ask("paper_out")
        wire.socket.sendall(b"OLD\n\x1dVB\x00\x10\x05\x02")
        assert wire.ask(b"\x10\x04\x04") == b"\x7e"
        control.ask("refill")
        assert wire.ask(b"\x1dr\x01") == b"\x00"
        assert control.ask("last")["text"] == ["OLD"]


BLACK_25_MM = b"\x1dv0\x00\x08\x00\xc8\x00" + b"\xff" * 8 * 200


@pytest.mark.parametrize("cleared", [False, True])
def test_paper_ends_in_the_middle_of_a_picture_whose_rest_follows_unless_it_is_cleared(
    printer: tuple[Control, Wire, Path], cleared: bool
) -> None:
    control, wire, out = printer
    with wire.socket:
        control.ask("paper_out", after_lines=3)
        assert wire.ask(b"\x1da\x0c", 4) == b"\x10\x00\x03\x00"
        assert wire.ask(BLACK_25_MM + b"\x1dVB\x00\x1dr\x01", 4) == b"\x18\x00\x0f\x00"
        assert control.ask("status")["moved_mm"] == 11.2
        if cleared:
            assert wire.ask(CLEAR, 3) == b"\x37\x25\x00"
        control.ask("refill")
        if cleared:
            wire.ask(b"", 4)
            assert wire.ask(b"\x1dVB\x00\x1dr\x01") == b"\x00"
        else:
            assert wire.ask(b"", 5)[4:] == b"\x00"
    with Image.open(out / "receipt-001.png") as paper:
        dark = paper.convert("L").point(lambda level: 255 if level < 100 else 0)
        box = dark.getbbox()
    assert box is not None
    assert box[3] - box[1] == (90 if cleared else 200)


def test_a_printer_without_a_cable_finishes_what_it_has_and_without_power_forgets_it(
    printer: tuple[Control, Wire, Path],
) -> None:
    control, wire, _ = printer
    with wire.socket:
        control.ask("cover_open")
        wire.socket.sendall(b"KEPT\n\x1dVB\x00")
        assert wire.ask(b"\x10\x04\x02") == b"\x16"
    control.ask("unplug")
    control.ask("cover_close")
    for _ in polled(5.0, 0.02):
        if control.ask("status")["receipts"]:
            break
    assert control.ask("last")["text"] == ["KEPT"]
    assert control.ask("tear")["in_slot"] == 0
    control.ask("plug")
    with Wire(wire.port).socket as again:
        control.ask("cover_open")
        again.sendall(b"LOST\n\x1dVB\x00\x10\x04\x02")
        assert again.recv(1) == b"\x16"
        control.ask("power_off")
    control.ask("power_on")
    control.ask("cover_close")
    assert control.ask("status")["waiting"] == 0
    assert control.ask("last")["text"] == ["KEPT"]


def test_a_printer_on_a_line_is_paced_and_understands_one_speed_only(
    start: Start, tmp_path: Path
) -> None:
    out, link = tmp_path / "paper", tmp_path / "line"
    control, ready, _ = start(
        "receipt_printer",
        "--out",
        str(out),
        "--link",
        str(link),
        "--baud",
        "19200",
        "--haste",
        "50",
    )
    with open_line(ready["path"], 19200) as line:
        line.write(b"A\n\x1dVB\x00\x1dr\x01")
        assert line.read(1) == b"\x00"
        control.ask("cover_open")
        line.write(b"B\n" * 3000)
        assert line.read(1) == b"\x13", "its memory is full"
    with open_line(ready["path"], 9600) as line:
        line.timeout = 0.3
        line.write(b"\x10\x04\x01")
        assert line.read(1) == b""


def test_lamps_of_the_board_by_its_two_wires(start: Start, tmp_path: Path) -> None:
    control, ready, _ = start("io_board", "--link", str(tmp_path / "line"))
    with open_line(ready["path"], 9600) as line:
        for frame in ("01050000ff008c3a", "01050006ff006c3b"):
            line.write(bytes.fromhex(frame))
            assert line.read(8).hex() == frame
        status = control.ask("status")
        assert (status["on"], status["buzzes"]) == ([1, 7], 1)
        assert status["lamps"]["reader"]
        line.write(bytes.fromhex("010500ffff00bc0a"))
        assert line.read(5)[:2] == b"\x01\x85", "it has no such channel"
        control.ask("power_off")
        assert control.ask("status")["on"] == []


def test_the_fill_light_is_lit_over_the_plate_while_papers_are_taken_and_dark_otherwise(
    start: Start, tmp_path: Path
) -> None:
    control, ready, _ = start("io_board", "--link", str(tmp_path / "line"), "--kind", "modbus")
    channels = {name: number for number, name in enumerate(LAMPS, start=1)}
    board = IoBoardDriver(f"serial://{ready['path']}?baud=9600", channels, BoardKind.MODBUS)
    worker = DeviceWorker(board, lambda _: None, SystemClock(), lambda *_, **__: None)
    worker.start()
    for _ in polled(10.0, 0.02):
        if worker.status is Status.READY:
            break
    of = {sample.name: sample.view.page for sample in samples()}
    lit = ("capture_page-good", "check_page", "lay_papers", "take_away-sheets")
    dark = ("home", "review", "choose_papers-copy", "copy_choice", "phone_pickup-waiting")
    for name in (*dark, *lit, *reversed(dark), lit[0]):
        assert worker.submit(Light(lights(of[name]))).result(10.0) is None
        assert control.ask("status")["lamps"]["fill_light"] is (name in lit), name
    worker.stop()
    for _ in polled(10.0, 0.02):
        burning = [name for name, lit in control.ask("status")["lamps"].items() if lit]
        if not burning:
            break
    assert burning == []


def test_a_silent_printer_takes_bytes_and_says_nothing(printer: tuple[Control, Wire, Path]) -> None:
    control, wire, _ = printer
    with wire.socket:
        control.ask("silent", on=True)
        wire.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            wire.ask(b"\x10\x04\x01")


def test_a_printer_without_power_hangs_up(start: Start, tmp_path: Path) -> None:
    control, ready, _ = start("receipt_printer", "--out", str(tmp_path / "receipts"))
    with Wire(ready["port"]).socket as wire:
        control.ask("power_off")
        with pytest.raises(ConnectionError):
            if not wire.recv(1):
                raise ConnectionResetError
    with pytest.raises(ConnectionRefusedError):
        Wire(ready["port"])
    control.ask("power_on")
    with Wire(ready["port"]).socket:
        pass


def frames(url: str, count: int) -> list[Image.Image]:
    """The next pictures of the stream."""
    found = []
    with urllib.request.urlopen(url, timeout=10) as stream:  # noqa: S310 - our own emulator
        assert stream.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        while len(found) < count:
            assert stream.readline() == b"--frame\r\n"
            assert stream.readline() == b"Content-Type: image/jpeg\r\n"
            length = int(stream.readline().split(b":")[1])
            assert stream.readline() == b"\r\n"
            with Image.open(io.BytesIO(stream.read(length))) as picture:
                found.append(picture.convert("L"))
            assert stream.readline() == b"\r\n"
    return found


def test_the_camera_shows_what_lies_on_the_plate(start: Start) -> None:
    control, ready, _ = start("camera", "--size", "1280x720", "--fps", "20")
    empty, other = frames(ready["url"], 2)
    assert empty.size == (1280, 720)
    assert empty.tobytes() != other.tobytes(), "a sensor has noise"
    assert max(empty.resize((64, 36), Image.Resampling.BOX).tobytes()) < 100
    page = people(date(2026, 11, 22))["zhang_lan"].page()
    status = control.ask("place_paper", builtin="household_register", page=page, rotation=5)
    [laid] = frames(ready["url"], 1)
    corner = status["corners"][0]
    inside = (round(corner[0]) + 9, round(corner[1]) + 11)
    assert laid.getpixel(inside) > 180
    assert laid.getpixel((inside[0] - 20, inside[1] - 20)) < 110
    control.ask("light", dim=0.3)
    assert frames(ready["url"], 1)[0].getpixel(inside) < 100
    control.ask("remove_paper")
    assert frames(ready["url"], 1)[0].getpixel(inside) < 110


def test_a_photograph_is_the_whole_frame_lying_and_fitted_in(start: Start, tmp_path: Path) -> None:
    control, ready, _ = start("camera", "--size", "640x360", "--fps", "20")
    standing = Image.new("RGB", (300, 400), (60, 60, 60))
    standing.paste((220, 220, 220), (0, 0, 300, 40))  # its head, at the left when it lies
    standing.save(tmp_path / "standing.png")
    assert control.ask("photograph", picture=str(tmp_path / "standing.png"))["paper"]
    frame = frames(ready["url"], 1)[-1]
    assert frame.size == (640, 360)
    assert frame.getpixel((10, 180)) > 180, "the head's colour goes on to the edge"
    assert frame.getpixel((600, 180)) < 100


def test_a_code_held_to_the_camera_can_be_read(start: Start) -> None:
    control, ready, _ = start("camera", "--fps", "20")
    text = "ZW1.QS01261122003757." + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 3
    control.ask("show_code", text=text)
    [picture] = frames(ready["url"], 1)
    [code] = zxingcpp.read_barcodes(np.asarray(picture))
    assert code.text == text


def test_a_camera_stalls_goes_black_freezes_and_is_unplugged(start: Start) -> None:
    control, ready, _ = start("camera", "--size", "640x480", "--fps", "50")
    control.ask("black", on=True)
    assert max(frames(ready["url"], 1)[0].tobytes()) < 40
    control.ask("black", on=False)
    control.ask("freeze", on=True)
    one, two = frames(ready["url"], 2)
    assert one.tobytes() == two.tobytes()
    control.ask("freeze", on=False)
    control.ask("stall", on=True)
    with pytest.raises(TimeoutError), urllib.request.urlopen(ready["url"], timeout=0.4) as stream:  # noqa: S310 - our own emulator
        stream.readline()
    control.ask("unplug")
    with pytest.raises(OSError, match=r"refused"):
        urllib.request.urlopen(ready["url"], timeout=2)  # noqa: S310 - our own emulator
    control.ask("plug")
    control.ask("stall", on=False)
    assert frames(ready["url"], 1)


def test_a_camera_without_power_takes_a_connection_and_says_nothing(start: Start) -> None:
    control, ready, _ = start("camera", "--size", "640x480", "--fps", "50")
    for off, on in (
        ({"do": "power_off"}, {"do": "power_on"}),
        ({"do": "silent"}, {"do": "silent", "on": False}),
    ):
        control.ask(**off)
        with (
            pytest.raises(TimeoutError),
            urllib.request.urlopen(ready["url"], timeout=0.4),  # noqa: S310 - our own emulator
        ):
            pass
        control.ask(**on)
        assert frames(ready["url"], 1)


def test_pictures_over_a_bad_cable_are_spoilt(start: Start) -> None:
    control, ready, _ = start("camera", "--size", "640x480", "--fps", "50")
    with urllib.request.urlopen(ready["url"].replace("/stream", "/still")) as still:  # noqa: S310
        whole = still.read()
    control.ask("garble", times=1)
    with urllib.request.urlopen(ready["url"].replace("/stream", "/still")) as still:  # noqa: S310
        assert still.read() != whole
    with urllib.request.urlopen(ready["url"].replace("/stream", "/still")) as still:  # noqa: S310
        assert still.read() == whole


def test_the_camera_does_not_take_what_is_no_picture(start: Start, tmp_path: Path) -> None:
    control, _, _ = start("camera", "--size", "640x480")
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(ControlError, match="not a picture"):
        control.ask("place_paper", picture=str(tmp_path / "a.png"))
    with pytest.raises(ControlError, match="a paper is"):
        control.ask("place_paper")


def test_the_loudspeaker_tells_what_was_said(start: Start, tmp_path: Path) -> None:
    control, ready, _ = start("loudspeaker", "--folder", str(tmp_path / "voice"))
    with wave.open(str(Path(ready["path"]) / "001.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 4000, "NONE", "not compressed"))
        sound.writeframes((b"\x00\x10" + b"\x00\xf0") * 2000)
    (Path(ready["path"]) / "002.wav").write_bytes(b"RIFF")  # being written
    status = control.ask("status")
    assert (status["count"], status["seconds"]) == (1, 0.5)
    assert status["sounds"][0]["loudness"] == 0x1000


def test_an_emulator_ends_with_its_parent(tmp_path: Path, root: Path) -> None:
    """The parent is killed; nobody asks the emulator."""
    path = Path(os.path.relpath(tmp_path, root)) / "k.sock"
    command = [sys.executable, "-m", "rehearsal.emulators.keypad", "--control", str(path)]
    command += ["--link", str(tmp_path / "line")]
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess,sys\n"
            f"child = subprocess.Popen({command!r}, stdout=sys.stdout)\n"
            "child.wait()",
        ],
        stdout=subprocess.PIPE,
        cwd=root,
    )
    assert parent.stdout is not None
    with parent.stdout:
        assert json.loads(parent.stdout.readline())["ready"] == "keypad"
        parent.kill()
        parent.wait(10)
        assert parent.stdout.read() == b"", "the pipe closes when the emulator has ended"
    assert not (tmp_path / "line").is_symlink()
