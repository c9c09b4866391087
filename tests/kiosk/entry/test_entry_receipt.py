"""`kiosk receipt` against the emulated printer, and what happens to a receipt when paper, cover, knife,
cable or power fail in its middle."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.entry.commands import receipt as command
from kiosk.entry.paper_meter import FileMeter
from kiosk.receipts.samples import NAMES, sample
from rehearsal.control import Control


class Printer:
    def __init__(self, url: str, control: Control) -> None:
        self.url = url
        self.control = control

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        return self.control.ask(do, **arguments)


@pytest.fixture
def emulated(root: Path, tmp_path: Path) -> Iterator[Any]:
    """Starts emulated printers; a socket's path must be short."""
    sockets = Path(tempfile.mkdtemp(prefix="k-"))
    running: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> Printer:
        path = sockets / "p.sock"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rehearsal.emulators.receipt_printer"),
                *("--control", str(path), "--out", str(tmp_path / "paper"), *arguments),
            ],
            stdout=subprocess.PIPE,
            cwd=root,
        )
        running.append(process)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        url = f"tcp://127.0.0.1:{ready['port']}" if "port" in ready else f"serial://{ready['path']}"
        return Printer(url, Control(path))

    yield begin
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
    for path in sockets.iterdir():
        path.unlink()
    sockets.rmdir()


def asked(
    capsys: pytest.CaptureFixture[str], url: str, name: str = "accepted", **options: Any
) -> tuple[int, dict[str, Any]]:
    given = {"language": "zh", "paper_mm": 80, "confirm": "status", "status": False, **options}
    file = given.pop("file", None)
    code = command.run(
        url, file, sample_name="" if given["status"] or file else name, json=True, **given
    )
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_asking_how_the_printer_is_tells_it_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal may be printing on it: what empties its memory would tear a receipt."""
    heard = bytearray()

    def answer(listener: socket.socket) -> None:
        wire, _ = listener.accept()
        with wire:
            while asked := wire.recv(3):  # DLE EOT n
                heard.extend(asked)
                wire.sendall(b"\x12")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        printer = threading.Thread(target=answer, args=(listener,))
        printer.start()
        _, said = asked(capsys, f"tcp://127.0.0.1:{listener.getsockname()[1]}", status=True)
        printer.join()
    assert said["status"] == "ready"
    assert heard
    assert re.fullmatch(rb"(\x10\x04[\x01-\x04])+", bytes(heard)), bytes(heard).hex(" ")


def test_a_receipt_is_followed_to_its_end_and_each_trouble_has_its_word(
    emulated: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    printer: Printer = emulated("--haste", "30")
    code, answer = asked(capsys, printer.url)
    assert (code, answer["ok"], answer["state"]) == (0, True, "printed")
    assert "办件受理回执" in printer.ask("last")["text"]
    assert len(printer.ask("last")["qr"]) == 1
    assert asked(capsys, printer.url, status=True)[1]["status"] == "ready"

    for do, undo, word in [
        ("paper_out", "refill", "out"),
        ("cover_open", "cover_close", "cover_open"),
        ("paper_jam", "clear_jam", "jammed"),
    ]:
        printer.ask(do)
        code, answer = asked(capsys, printer.url)
        assert (code, answer["ok"], answer["fault"]) == (4, False, word)
        assert asked(capsys, printer.url, status=True)[1]["status"] == word
        printer.ask(undo)
    # Freed of its jam it waits for the word that it may go on: a receipt gives it, a look does not.
    assert asked(capsys, printer.url, status=True)[1]["status"] == "jammed"
    assert asked(capsys, printer.url)[0] == 0
    printer.ask("near_end")
    assert asked(capsys, printer.url, status=True)[1]["status"] == "low"
    code, answer = asked(capsys, printer.url, "rare_name", confirm="process_id")
    assert (code, answer["state"]) == (0, "printed")
    assert printer.ask("status")["unknown"] == {}
    assert printer.ask("status")["odd"] == {}

    printer.ask("silent", on=True)
    code, answer = asked(capsys, printer.url, status=True)
    assert (code, answer["ok"], answer["fault"]) == (4, False, "unknown")
    printer.ask("silent", on=False)
    printer.ask("unplug")
    code, answer = asked(capsys, printer.url)
    assert (code, answer["fault"]) == (3, "disconnected")


@pytest.mark.parametrize("clears", [True, False])
def test_paper_out_in_the_middle_then_a_refill_then_one_whole_receipt(
    emulated: Any, capsys: pytest.CaptureFixture[str], clears: bool
) -> None:
    """A make that can be cleared brings nothing of the old one; of another its rest comes first."""
    printer: Printer = emulated("--haste", "30")
    printer.ask("set", clears=clears)
    printer.ask("paper_out", after_lines=9)
    code, answer = asked(capsys, printer.url)
    assert (code, answer["fault"]) == (4, "out")
    assert (printer.ask("status")["waiting"] == 0) is clears
    printer.ask("refill")
    code, answer = asked(capsys, printer.url, "reprint")
    assert (code, answer["state"]) == (0, "printed")
    text = printer.ask("last")["text"]
    assert text.count("（补打）") == 1
    assert text.index("（补打）") < text.index("受理号", text.index("（补打）"))
    assert (printer.ask("status")["cleared_jobs"] > 0) is clears


def test_a_knife_that_jams_at_the_cut_is_no_printed_receipt(
    emulated: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    printer: Printer = emulated("--haste", "30")
    printer.ask("cutter_jam")
    assert asked(capsys, printer.url)[1]["fault"] == "jammed"
    printer.ask("clear_jam")
    assert asked(capsys, printer.url, "reprint")[1]["state"] == "printed"


@pytest.mark.parametrize("trouble", ["power", "cable"])
def test_power_and_cable_lost_in_the_middle_are_told(
    emulated: Any, capsys: pytest.CaptureFixture[str], trouble: str
) -> None:
    printer: Printer = emulated("--haste", "30")
    if trouble == "cable":
        printer.ask("set", unplug_after=6)  # after the first answers, while it prints
        code, answer = asked(capsys, printer.url)
        assert (code, answer["fault"]) == (3, "disconnected")
    else:
        printer.ask("power_off")
        code, answer = asked(capsys, printer.url)
        assert (code, answer["fault"]) == (3, "disconnected")
    printer.ask("plug")
    assert asked(capsys, printer.url, "reprint")[1]["state"] == "printed"


def test_a_serial_printer_at_another_speed_than_expected_prints_and_says_so(
    emulated: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    printer: Printer = emulated(
        "--haste", "30", "--link", str(tmp_path / "line"), "--baud", "38400", "--paper", "58"
    )
    code, answer = asked(capsys, printer.url + "?baud=38400", "test", paper_mm=58)
    assert (code, answer["state"]) == (0, "printed")
    _, answer = asked(capsys, printer.url + "?baud=115200", status=True)
    assert answer["reason"] == "answers at 38400 baud, the settings say 115200"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_template_has_a_sample_for_both_papers(name: str, language: str) -> None:
    assert sample(name, language, 58)
    assert sample(name, language, 80)
    assert sample("other", language, 80) is None


@pytest.mark.parametrize(
    "content",
    [
        *(
            "",
            "[]",
            '{"lines": []}',
            '{"lines": [{"text": 3}]}',
            '{"lines": [{"qr": "x", "bold": 1}]}',
        ),
        '{"lines": [{"qr": ""}]}',
        '{"lines": [{"qr": "%s"}]}' % ("x" * 2400),
        '{"lines": [{"qr": "\\u0010\\u0004\\u0001"}]}',
    ],
)
def test_a_file_that_is_no_receipt_is_bad_use(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.json"
    file.write_text(content)
    code, answer = asked(capsys, "tcp://127.0.0.1:9", file=file)
    assert (code, answer["fault"]) == (2, "bad_use")


def test_a_file_that_is_not_there_is_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none.json"
    code, answer = asked(capsys, "tcp://127.0.0.1:9", file=file)
    assert (code, answer["ok"], answer["fault"]) == (3, False, "unreadable_path")
    assert str(answer["detail"]).startswith(f"{file} ")  # the path as it was given


def test_a_file_with_every_kind_of_line_is_printed(
    emulated: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.json"
    lines = [{"text": "您好", "align": "centre", "large": True}, {"pair": ["事项", "高龄津贴"]}]
    lines += [{"rule": True}, {"qr": "ZW1.X"}, {"feed": 2}]
    file.write_text(json.dumps({"lines": lines}), encoding="utf-8-sig")  # as some editors do
    printer: Printer = emulated("--haste", "30")
    assert asked(capsys, printer.url, file=file)[1]["state"] == "printed"
    assert printer.ask("last")["text"][0] == "您好"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("x://y", {}),
        ("usb://04b8:0202", {}),
        ("hid://04b8:0202", {}),
        ("cups://receipts", {}),
        ("cups://receipts", {"status": True}),
        ("tcp://127.0.0.1:9", {"paper_mm": 60}),
        ("tcp://h:1", {"confirm": "x"}),
        ("tcp://h:1", {"language": "fr"}),
    ],
)
def test_bad_use_is_said_before_any_wire_is_opened(
    url: str, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(capsys, url, **options)[0] == 2


def test_the_paper_used_outlives_a_restart_and_a_spoilt_file(tmp_path: Path) -> None:
    meter = FileMeter(tmp_path)
    meter.add(120.5)
    meter.set_torn(True)
    assert (FileMeter(tmp_path).used_mm(), FileMeter(tmp_path).torn()) == (120.5, True)
    (tmp_path / "receipt_paper.json").write_text('{"used_mm": "many"}')
    assert FileMeter(tmp_path).used_mm() == 0.0
    lost = FileMeter(tmp_path / "no such folder")
    lost.add(5)
    assert lost.used_mm() == 5.0
