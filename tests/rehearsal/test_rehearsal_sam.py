"""The emulated card reader is as strict as the real one. Frames here are written by hand or come
from the tables; nothing of the emulator's own encoder makes them."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.emulators.base import BITS_A_BYTE, paced
from rehearsal.emulators.card_records import CardError, photo, text_record
from rehearsal.emulators.sam import Framer, Garbled, Sam

CARD = {
    "kind": "resident",
    "name": "张兰",
    "sex_code": "2",
    "nation_code": "01",
    "birth": "1944-01-12",
    "address": "清水县清水镇柳树村3组17号",
    "number": "449901194401120286",
    "issuer": "清水县公安局",
    "valid_from": "2013-05-20",
    "valid_to": "长期",
}
FIND = "AA AA AA 96 69 00 03 20 01 22"
SELECT = "AA AA AA 96 69 00 03 20 02 21"
READ = "AA AA AA 96 69 00 03 30 01 32"
NEW_ADDRESS = "AA AA AA 96 69 00 03 30 03 30"


def table(root: Path, name: str) -> list[dict[str, str]]:
    with (root / "kiosk/data" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def replies(root: Path) -> dict[str, str]:
    return {row["name"]: row["frame_hex"] for row in table(root, "sam_sample_replies.csv")}


class Reader:
    """A module with its framer: hex in, hex out."""

    def __init__(self) -> None:
        self.sam = Sam()
        self.framer = Framer()

    def ask(self, frame: str) -> str:
        answers = [self.sam.answer(item) for item in self.framer.feed(bytes.fromhex(frame))]
        return b"".join(answers).hex(" ").upper()

    def sw3(self, frame: str) -> int:
        return bytes.fromhex(self.ask(frame))[9]


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_every_command_of_the_table_is_known(root: Path, reader: Reader) -> None:
    for row in table(root, "sam_commands.csv"):
        assert reader.sw3(row["frame_hex"]) != 0x21, row["name"]


def test_answers_are_those_of_the_table(reader: Reader, replies: dict[str, str]) -> None:
    assert reader.ask("AA AA AA 96 69 00 03 11 FF ED") == replies["status_ok"]
    assert reader.ask(FIND) == replies["find_fail"]
    reader.sam.place(CARD)
    assert reader.ask(READ) == replies["read_fail"]
    assert reader.ask(FIND) == replies["find_ok"]
    assert reader.ask(SELECT) == replies["select_ok"]
    assert len(bytes.fromhex(reader.ask(READ))) == 1295
    assert reader.ask(NEW_ADDRESS) == replies["no_new_addr"]
    reader.sam.lift()
    assert reader.ask(SELECT) == replies["select_fail"]
    reader.sam.place(CARD)
    reader.sam.fail_next = [0x32]
    assert reader.sw3(FIND) == 0x9F
    assert reader.sw3(SELECT) == 0x90
    assert reader.ask(READ) == replies["card_auth_fail"]


def test_a_card_that_was_read_is_not_found_again_until_it_is_lifted(reader: Reader) -> None:
    reader.sam.place(CARD)
    assert [reader.sw3(frame) for frame in (FIND, SELECT, READ)] == [0x9F, 0x90, 0x90]
    assert [reader.sw3(FIND), reader.sw3(FIND)] == [0x80, 0x80]
    assert reader.sw3(NEW_ADDRESS) == 0x91
    reader.sam.lift()
    assert reader.sw3(NEW_ADDRESS) == 0x41
    reader.sam.place(CARD)
    assert reader.sw3(FIND) == 0x9F


def test_a_failed_read_wants_the_card_lifted(reader: Reader) -> None:
    reader.sam.place(CARD)
    reader.ask(FIND + SELECT)
    reader.sam.fail_next = [0x33]
    assert reader.sw3(READ) == 0x33
    assert reader.sw3(FIND) == 0x80


def test_a_card_lifted_while_it_is_read_fails(reader: Reader) -> None:
    reader.sam.place(CARD)
    reader.ask(FIND + SELECT)
    reader.sam.lift()
    assert reader.sw3(READ) == 0x41


def test_added_addresses_are_told_while_the_card_is_there(reader: Reader) -> None:
    reader.sam.place({**CARD, "new_addresses": ["清水镇新街1号"]})
    reader.ask(FIND + SELECT + READ)
    answer = bytes.fromhex(reader.ask(NEW_ADDRESS))
    assert answer[9] == 0x90
    assert answer[10:-1].decode("utf-16-le").strip() == "清水镇新街1号"


@pytest.mark.parametrize(
    ("frame", "sw3"),
    [
        ("AA AA AA 96 69 00 03 20 01 23", 0x10),  # checksum
        ("AA AA AA 96 69 00 02 20 20", 0x11),  # too short to hold a command
        ("AA AA AA 96 69 7F FF 20 01", 0x11),  # longer than any command
        ("AA AA AA 96 69 00 04 20 01 00 25", 0x11),  # data where none belongs
        ("AA AA AA 96 69 00 03 10 01 12", 0x21),  # the reset that one driver sends
        ("AA AA AA 96 69 00 03 60 09 6A", 0x21),  # no such speed
    ],
)
def test_a_bad_frame_is_refused_by_what_is_wrong_with_it(
    reader: Reader, frame: str, sw3: int
) -> None:
    assert reader.sw3(frame) == sw3


def test_select_before_find_is_bad_order(reader: Reader) -> None:
    reader.sam.place(CARD)
    assert reader.sw3(SELECT) == 0x21


def test_noise_before_a_frame_is_skipped_and_an_unfinished_frame_given_up(reader: Reader) -> None:
    assert reader.sw3("00 FF AA 96 69 AA" + FIND) == 0x80
    assert reader.ask("AA AA AA 96 69 00 03 20") == ""
    assert reader.framer.silence() == [Garbled(0x11)]
    assert reader.sw3(FIND) == 0x80


@given(st.binary(max_size=60), st.lists(st.integers(1, 9), max_size=20))
def test_a_frame_is_understood_however_it_is_cut(noise: bytes, cuts: list[int]) -> None:
    """Random bytes first (none that could begin a frame), then a good frame in pieces."""
    data = noise.replace(b"\xaa", b"\x00") + bytes.fromhex(FIND)
    framer, found, at = Framer(), [], 0
    for cut in [*cuts, len(data)]:
        found += framer.feed(data[at : at + cut])
        at += cut
    assert [item.code for item in found] == [b"\x20\x01"]


@given(st.binary(max_size=400))
def test_nothing_that_is_sent_breaks_the_module(data: bytes) -> None:
    sam, framer = Sam(card=CARD), Framer()
    for item in [*framer.feed(data), *framer.silence()]:
        assert sam.answer(item).startswith(bytes.fromhex("AAAAAA9669"))
    assert not framer.buffer


# -- what is on the card ---------------------------------------------------------


def test_a_resident_card_has_its_fields_where_the_standard_puts_them() -> None:
    record = text_record(CARD)
    assert len(record) == 256
    assert record[0:6] == "张兰 ".encode("utf-16-le")
    assert record[30:36] == "201".encode("utf-16-le")
    assert record[36:52] == "19440112".encode("utf-16-le")
    assert record[122:158] == "449901194401120286".encode("utf-16-le")
    assert record[204:220] == "长期      ".encode("utf-16-le")
    assert record[248:250] == b"\x20\x00"


@pytest.mark.parametrize(
    ("kind", "mark", "number_at", "birth_at"),
    [
        ("resident", " ", 122, 36),
        ("hmt_residence", "J", 122, 36),
        ("foreign_2017", "I", 122, 220),
        ("foreign_2023", "Y", 122, 36),
    ],
)
def test_the_four_kinds_agree_with_the_table_of_layouts(
    root: Path, kind: str, mark: str, number_at: int, birth_at: int
) -> None:
    names = {
        "resident": "mainland",
        "hmt_residence": "hmt_J",
        "foreign_2017": "foreign_2017_I",
        "foreign_2023": "foreign_2023_Y",
    }
    layouts = json.loads((root / "kiosk/data/idcard_text_layouts.json").read_text(encoding="utf-8"))
    fields = {field["field"]: field for field in layouts["layouts"][names[kind]]}
    card = {"kind": kind, "birth": "1980-02-03", "number": "A1234", "english_name": "X" * 40}
    record = text_record({**card, "nationality": "PAK"})
    assert record[248:250].decode("utf-16-le") == mark
    number = fields.get("id_number") or fields["card_number"]
    assert (number["offset"], fields["birth"]["offset"]) == (number_at, birth_at)
    assert record[number_at : number_at + 10].decode("utf-16-le") == "A1234"
    assert record[birth_at : birth_at + 16].decode("utf-16-le") == "19800203"
    if "nationality" in fields:
        at = fields["nationality"]["offset"]
        assert record[at : at + 6].decode("utf-16-le") == "PAK"


def test_a_card_that_cannot_exist_is_not_made() -> None:
    with pytest.raises(CardError):
        text_record({**CARD, "name": "张" * 16})
    with pytest.raises(CardError):
        text_record({**CARD, "kind": "library_card"})


def test_the_photo_is_1024_bytes_and_differs_by_person() -> None:
    assert len(photo(CARD)) == 1024
    assert photo(CARD) != photo({**CARD, "number": "449901194401120287"})


# -- the pace of the wire ----------------------------------------------------------


@given(st.binary(min_size=1, max_size=3000), st.sampled_from([9600, 115200]), st.integers(0, 99))
def test_bytes_come_no_faster_than_the_line_and_all_of_them(
    data: bytes, baud: int, seed: int
) -> None:
    pieces = list(paced(data, baud, 64, random.Random(seed)))
    assert b"".join(piece.data for piece in pieces) == data
    assert sum(piece.after_s for piece in pieces) == pytest.approx(len(data) * BITS_A_BYTE / baud)
    assert all(1 <= len(piece.data) <= 64 for piece in pieces)


def test_a_card_takes_113_ms_at_115200() -> None:
    pieces = list(paced(bytes(1295), 115200, 64, random.Random(1)))
    assert sum(piece.after_s for piece in pieces) == pytest.approx(0.1124, abs=0.0005)
    assert len(pieces) > 20
