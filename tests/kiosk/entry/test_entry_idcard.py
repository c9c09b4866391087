"""`kiosk idcard` at a real line, against the emulated reader: every field, every fault."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.device import Fault
from drivers.transport import MemoryTransport
from kiosk.clock import SystemClock
from kiosk.entry.commands import idcard
from rehearsal.control import Control
from rehearsal.emulators.world import COMMON

HASTE = "20"  # divides the time that the emulated module works on a card
TIMEOUT_S = 2.0

RESIDENT = {
    "kind": "resident",
    "name": "王小明",
    "sex_code": "1",
    "nation_code": "01",
    "birth": "1999-01-10",
    "address": "广东省深圳市示例区示例路1号",
    "number": "440308199901101512",
    "issuer": "示例市公安局",
    "valid_from": "2015-03-01",
    "valid_to": "长期",
}
NOTHING = {
    "english_name": None,
    "nationality": None,
    "pass_number": None,
    "appended_address": None,
    "appended_addresses": None,
    "photo_bytes": 1024,
    "warnings": [],
}


@dataclass(frozen=True)
class Bench:
    control: Control
    port: str


@pytest.fixture(scope="module")
def emulator(root: Path) -> Iterator[Bench]:
    """One reader for the whole file: a socket's path has at most 107 bytes, so not in tmp_path."""
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        socket, link = Path(folder) / "reader.sock", Path(folder) / "reader"
        process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.emulators.id_reader", "--control", str(socket),
             "--link", str(link), "--haste", HASTE],
            stdout=subprocess.PIPE,
            cwd=root,
        )  # fmt: skip
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ready"] == "id_reader"
        yield Bench(Control(socket), f"serial://{link}?baud=115200")
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()


@pytest.fixture
def bench(emulator: Bench) -> Iterator[Bench]:
    yield emulator
    fresh = {key: value for key, value in COMMON.items() if key != "do"}
    emulator.control.ask("set", **fresh, card=None, second_card=False, fail_next=[], self_test="90")


Read = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def read(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Read:
    def once(port: str = bench.port, timeout_s: float = TIMEOUT_S) -> tuple[int, dict[str, Any]]:
        code = idcard.run(port, timeout_s=timeout_s, json=True)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 1
        return code, json.loads(lines[0])

    return once


def test_a_resident_card_is_told_in_full(bench: Bench, read: Read) -> None:
    bench.control.ask("place_card", card=RESIDENT)
    assert read() == (
        0,
        {
            "ok": True,
            "card_type": "resident",
            **NOTHING,
            "name": "王小明",
            "sex": "男",
            "nation_code": "01",
            "nation": "汉",
            "birth": "1999-01-10",
            "address": "广东省深圳市示例区示例路1号",
            "id_number": "440308199901101512",
            "issuer": "示例市公安局",
            "valid_from": "2015-03-01",
            "valid_to": "长期",
        },
    )


def test_a_card_of_hong_kong_macau_and_taiwan(bench: Bench, read: Read) -> None:
    card = {
        **RESIDENT,
        "kind": "hmt_residence",
        "name": "陈示例",
        "sex_code": "2",
        "birth": "1994-08-23",
        "number": "810000199408230021",
        "valid_to": "2024-01-01",
        "pass_number": "H12345678",
        "new_addresses": ["旧址1号", "新址2号"],
    }
    bench.control.ask("place_card", card=card)
    code, answer = read()
    assert code == 0
    told = {key: answer[key] for key in ("card_type", "sex", "nation_code", "nation", "valid_to")}
    assert told == {
        "card_type": "hmt",
        "sex": "女",
        "nation_code": None,
        "nation": None,
        "valid_to": "2024-01-01",
    }
    assert (answer["pass_number"], answer["appended_address"]) == ("H12345678", "新址2号")
    assert answer["appended_addresses"] == ["旧址1号", "新址2号"]
    assert answer["warnings"] == ["expired"]


@pytest.mark.parametrize(
    ("kind", "number", "name"),
    [
        ("foreign_2017", "PAK310080010103", "示例人"),
        ("foreign_2023", "931586198001010028", ""),
    ],
)
def test_cards_of_foreigners(bench: Bench, read: Read, kind: str, number: str, name: str) -> None:
    card = {
        "kind": kind,
        "name": name,
        "english_name": "EXAMPLE, PERSON WITH A RATHER LONG NAME",
        "sex_code": "1",
        "birth": "1980-01-01",
        "number": number,
        "nationality": "PAK",
        "valid_from": "2024-01-01",
        "valid_to": "2034-01-01",
    }
    bench.control.ask("place_card", card=card)
    code, answer = read()
    assert code == 0
    assert answer == {
        "ok": True,
        "card_type": kind,
        "name": name or None,
        "english_name": card["english_name"],
        "sex": "男",
        "nation_code": None,
        "nation": None,
        "birth": "1980-01-01",
        "address": None,
        "id_number": number,
        "issuer": None,
        "valid_from": "2024-01-01",
        "valid_to": "2034-01-01",
        "nationality": "PAK",
        "pass_number": None,
        "appended_address": None,
        "appended_addresses": None,
        "photo_bytes": 1024,
        "warnings": [],
    }


def test_an_odd_card_is_told_with_what_is_odd_and_never_refused(bench: Bench, read: Read) -> None:
    card = {
        **RESIDENT,
        "name_hex": "8b7363e80e66",  # 王, a private character, 明
        "nation_code": "94",
        "number": "440308199901101513",
        "valid_to": "20991399",
    }
    bench.control.ask("place_card", card=card)
    code, answer = read()
    assert code == 0
    assert answer["nation"] == "其他(94)"
    assert answer["name"] == "王\ue863明"
    assert answer["valid_to"] is None
    assert set(answer["warnings"]) == {
        "name_glyphs",
        "nation_unknown",
        "number_check_digit",
        "valid_to_no_date",
    }


@pytest.mark.parametrize(
    ("sw3", "fault"),
    [
        ("80", "no_card"),
        ("81", "card_rejected"),
        ("31", "card_rejected"),
        ("32", "card_rejected"),
        ("40", "card_rejected"),
        ("33", "read_failed"),
        ("37", "read_failed"),
        ("41", "read_failed"),
        ("47", "read_failed"),
        ("23", "sam_unauthorised"),
        ("10", "bad_frame"),
        ("11", "bad_frame"),
        ("21", "bad_frame"),
        ("24", "bad_frame"),
    ],
)
def test_every_refusal_has_its_word(bench: Bench, read: Read, sw3: str, fault: str) -> None:
    bench.control.ask("place_card", card=RESIDENT)
    bench.control.ask("fail_next", sw3=sw3, times=6)
    code, answer = read()
    assert (code, answer["ok"], answer["fault"]) == (4, False, fault)
    assert set(answer) == {"ok", "fault", "detail"}


@pytest.mark.parametrize("sw3", ["23", "60", "66"])
def test_a_module_that_may_not_work(bench: Bench, read: Read, sw3: str) -> None:
    bench.control.ask("set", self_test=sw3)
    code, answer = read()
    assert (code, answer["fault"]) == (4, "sam_unauthorised")
    assert sw3 in answer["detail"]


def test_an_empty_plate(read: Read) -> None:
    code, answer = read(timeout_s=0.7)
    assert (code, answer["fault"]) == (4, "no_card")


def test_several_cards_and_a_card_of_another_kind(bench: Bench, read: Read) -> None:
    bench.control.ask("place_card", card=RESIDENT, second=True)
    assert read()[1]["fault"] == "card_rejected"
    bench.control.ask("place_card", card={"kind": "social"})
    assert read()[1]["fault"] == "card_rejected"


def test_noise_on_the_line_is_asked_again_and_in_the_end_told(bench: Bench, read: Read) -> None:
    bench.control.ask("place_card", card=RESIDENT)
    bench.control.ask("garble", times=1, how="flip")
    assert read()[1]["ok"], "once is asked again"
    bench.control.ask("garble", times=-1, how="flip")
    code, answer = read()
    assert (code, answer["fault"]) == (4, "bad_frame")


def test_a_reader_without_power(bench: Bench, read: Read) -> None:
    bench.control.ask("power_off")
    code, answer = read()
    assert (code, answer["fault"]) == (4, "timeout")


def test_a_reader_that_is_unplugged_while_it_sends_a_card(bench: Bench, read: Read) -> None:
    bench.control.ask("place_card", card=RESIDENT)
    bench.control.ask("set", unplug_after=200)
    code, answer = read()
    assert (code, answer["fault"]) == (3, "device_lost")


@pytest.mark.parametrize(
    "port",
    ["serial:///dev/no-such-reader", "tcp://127.0.0.1:1", "usb://0400:c35a", "hid://0400:c35a"],
)
def test_a_port_that_is_not_there(read: Read, port: str) -> None:
    code, answer = read(port)
    assert (code, answer["fault"]) == (3, "not_found")


@pytest.mark.parametrize("port", ["nonsense", "pcsc://Reader", "video:///dev/video0", ""])
def test_a_port_that_no_reader_can_have(
    bench: Bench, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    assert idcard.run(port, timeout_s=1, json=True) == 2
    assert json.loads(capsys.readouterr().out)["fault"] == "bad_use"
    assert idcard.run(bench.port, timeout_s=0, json=False) == 2


def test_a_card_that_comes_while_it_waits_is_read(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card is placed after the first look at an empty plate."""
    looks = 0
    real = idcard.IdReaderDriver.run

    def look(driver: Any, host: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == 2:
            bench.control.ask("place_card", card=RESIDENT)
        return real(driver, host)

    monkeypatch.setattr(idcard.IdReaderDriver, "run", look)
    assert idcard.run(bench.port, timeout_s=10, json=False) == 0
    out = capsys.readouterr().out
    assert "name: 王小明" in out
    assert "None" not in out


def test_the_command_itself(bench: Bench, root: Path) -> None:
    """As a shell calls it: one JSON line and the exit code; Qt and OpenCV stay away."""
    bench.control.ask("place_card", card=RESIDENT)
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "idcard", "--port", bench.port, "--json", "--timeout", "5"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=root,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout)["id_number"] == RESIDENT["number"]


def _frame(body: bytes) -> bytes:
    counted = (len(body) + 1).to_bytes(2, "big") + body
    check = 0
    for byte in counted:
        check ^= byte
    return b"\xaa\xaa\xaa\x96\x69" + counted + bytes([check])


@pytest.mark.parametrize(
    ("asked", "sw3", "word"),
    [
        ("2002", 0x81, "card_rejected"),
        ("3001", 0x31, "card_rejected"),
        ("3001", 0x41, "read_failed"),
        ("3001", 0x47, "read_failed"),
    ],
)
def test_the_readers_own_word_stands_though_the_card_is_not_found_afterwards(
    asked: str, sw3: int, word: str
) -> None:
    refused = False

    def reader(request: bytes) -> bytes:
        nonlocal refused
        command = request[7:9].hex()
        refused = refused or command == asked
        if command == asked:
            return _frame(bytes([0, 0, sw3]))
        match command:
            case "12ff":
                return _frame(b"\x00\x00\x90" + bytes(16))
            case "2001" if not refused:
                return _frame(b"\x00\x00\x9f" + bytes(4))
            case "2002":
                return _frame(b"\x00\x00\x90" + bytes(8))
            case _:
                return _frame(b"\x00\x00\x80")

    answer = idcard.read_card(
        "tcp://127.0.0.1:9", SystemClock(), 2.0, lambda *_: MemoryTransport(reader)
    )
    assert isinstance(answer, Fault)
    assert idcard.fault_word(answer.code) == word
    assert answer.detail.startswith(f"{sw3:02x}")


@dataclass
class _Ticking:
    """A clock that goes on with every byte that is heard."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_line_that_never_ends_ends_soon_after_its_time() -> None:
    clock = _Ticking()

    class Endless(MemoryTransport):
        def read(self, limit: int, wait_s: float) -> bytes | Fault:
            clock.now += 0.01
            return b"\xaa\xaa\xaa\x96\x69" * 100

    wire = Endless(lambda _: b"")
    answer = idcard.read_card("tcp://127.0.0.1:9", clock, 4.0, lambda *_: wire)  # type: ignore[arg-type]
    assert isinstance(answer, Fault)
    assert idcard.fault_word(answer.code) in ("bad_frame", "timeout")
    assert clock.now < 5.5


def test_answers_that_never_end_are_bad_frames_though_the_time_is_up_in_one() -> None:
    """The bytes stop in the middle of every answer to *find*."""
    clock = _Ticking()

    def waited(seconds: float) -> None:
        clock.now += seconds

    def reader(request: bytes) -> bytes:
        if request[7:9].hex() == "12ff":
            return _frame(b"\x00\x00\x90" + bytes(16))
        return _frame(b"\x00\x00\x9f" + bytes(4))[:-2]

    for timeout_s in (1.0, 1.3, 1.7, 2.0, 2.6):
        wire = MemoryTransport(reader, waited)
        answer = idcard.read_card("tcp://127.0.0.1:9", clock, timeout_s, lambda *_, w=wire: w)  # type: ignore
        assert isinstance(answer, Fault)
        assert idcard.fault_word(answer.code) == "bad_frame"
