"""Smart cards, in bytes: what a card may answer, and what is made of it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.addresses import named
from drivers.card_reader.protocol import (
    Apdu,
    Exchange,
    Script,
    bcd_date,
    choose_reader,
    digits,
    encode,
    exchange,
    identify,
    is_contactless,
    masked,
    masked_number_in,
    objects,
    parse_command,
    text_of,
)
from drivers.card_reader.values import (
    BankCard,
    CardAnswer,
    ContactlessTag,
    SocialCard,
    SocialField,
    Transmit,
)
from drivers.device import DeviceClass, Fault, FaultCode
from kiosk.identity.social_card import APPLICATION, social_layout
from rehearsal.emulators.smart_card_files import ATR_T0, ATR_T1, Card, card_of

R = TypeVar("R")
LAYOUT = social_layout()
NUMBER = "11010519491231002X"  # of the made-up vectors
PERSON: dict[str, object] = {
    "card_id": "44990120260101000000000000000001",
    "card_class": "1",
    "version": "3.00",
    "issuer_code": "449901000000000000000001",
    "issued": "2026-01-01",
    "valid_to": "2036-01-01",
    "card_number": "A12345678",
    "id_number": NUMBER,
    "name": "王小明",
    "sex_code": "1",
    "nation_code": "01",
    "birthplace_code": "449901",
    "birth": "1949-12-31",
}


def answer_of(script: Exchange, card: Callable[[bytes], bytes]) -> CardAnswer | Fault:
    try:
        raw = next(script)
        while True:
            raw = script.send(card(raw))
    except StopIteration as end:
        return end.value


def run(script: Script[R], card: Callable[[bytes], bytes], *, t0: bool) -> R | Fault:
    try:
        command = next(script)
        while True:
            answer = answer_of(exchange(command, t0=t0), card)
            if isinstance(answer, Fault):
                return answer
            command = script.send(answer)
    except StopIteration as end:
        return end.value


def read(card: Card, **layout: object) -> object:
    of_region = social_layout(**layout) if layout else LAYOUT  # type: ignore[arg-type]
    return run(identify(of_region, card.atr), card.answer, t0=card.t0)


# -- the table of the field -----------------------------------------------------


def test_every_record_is_asked_for_as_the_table_says(root: Path) -> None:
    text = (root / "kiosk" / "data" / "ssse_records.csv").read_text(encoding="utf-8-sig")
    wanted = {bytes.fromhex(row["read_apdu"]) for row in csv.DictReader(text.splitlines())}
    sent: list[bytes] = []
    card = card_of({**PERSON, "t0": True})

    def heard(command: bytes) -> bytes:
        sent.append(command)
        return card.answer(command)

    run(identify(LAYOUT, ATR_T0), heard, t0=True)
    assert {command for command in sent if command[:2] == b"\x00\xb2"} == wanted
    assert sent[0] == bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
    assert bytes.fromhex("00A4020002EF05") in sent and bytes.fromhex("00A4020002EF06") in sent
    assert APPLICATION.hex() == "7378312e73682ec9e7bbe1b1a3d5cf"


@pytest.mark.parametrize("t0", [True, False])
def test_a_social_card_is_read_whole(t0: bool) -> None:
    card = read(card_of({**PERSON, "t0": t0}))
    assert isinstance(card, SocialCard)
    assert (card.name, card.id_number, card.region_code) == ("王小明", NUMBER, "449901")
    assert (card.birth, card.issued) == (date(1949, 12, 31), date(2026, 1, 1))
    assert (card.valid_to, card.card_number) == (date(2036, 1, 1), "A12345678")
    assert (card.sex_code, card.nation_code, card.birthplace_code) == ("1", "01", "449901")
    assert (card.version, card.card_class) == ("3.00", "1")
    assert card.warnings == ()
    assert "王" not in repr(card) and NUMBER not in repr(card)


@pytest.mark.parametrize("fill", ["00", "20"])
def test_both_ways_to_fill_a_text_are_taken_off(fill: str) -> None:
    card = read(card_of({**PERSON, "fill": fill}))
    assert isinstance(card, SocialCard)
    assert (card.name, card.card_number) == ("王小明", "A12345678")


def test_a_region_that_writes_its_cards_otherwise_is_read_by_its_settings() -> None:
    odd = {
        **PERSON,
        "aid": "A000000333AABBCC",
        "places": {"name": ["EF15", 0x21, 40, "text"], "id_number": ["EF15", 0x20, 18, "text"]},
    }
    assert isinstance(read(card_of(odd)), Fault)
    card = read(
        card_of(odd),
        application="A000000333AABBCC",
        records={SocialField.NAME: "EF15:21:40", SocialField.ID_NUMBER: "EF15:20"},
    )
    assert isinstance(card, SocialCard)
    assert (card.name, card.id_number, card.birth) == ("王小明", NUMBER, date(1949, 12, 31))


@pytest.mark.parametrize(("select_p1", "needs_p2"), [(0, 0), (2, 4), (0, 4)])
def test_the_other_ways_to_select_and_to_read_are_tried_by_itself(
    select_p1: int, needs_p2: int
) -> None:
    card = read(card_of({**PERSON, "select_p1": select_p1, "needs_p2": needs_p2}))
    assert isinstance(card, SocialCard) and card.name == "王小明"


def test_what_is_missing_or_impossible_is_told_and_the_rest_is_read() -> None:
    facts = {name: value for name, value in PERSON.items() if name != "version"}
    raw = {"EF06:0D": "19901332", "EF05:06": "00000000", "EF06:0B": "A1"}
    card = read(card_of({**facts, "raw": raw}))
    assert isinstance(card, SocialCard)
    assert (card.birth, card.valid_to, card.nation_code) == (None, None, "")
    assert set(card.warnings) == {"missing:version", "odd:birth", "odd:nation_code"}


def test_a_card_whose_identification_has_letters_is_known_by_it_and_by_its_region() -> None:
    """Six digits of the region, the card's maker, and a serial of any half bytes."""
    card = read(card_of({**PERSON, "raw": {"EF05:01": "449901d15600000500ab1c2d3e4f506f"}}))
    assert isinstance(card, SocialCard)
    assert card.card_id == "449901D15600000500AB1C2D3E4F506F"
    assert card.region_code == "449901"
    assert card.warnings == ()
    odd = read(card_of({**PERSON, "raw": {"EF05:01": "4499d1" + "00" * 13}}))
    assert isinstance(odd, SocialCard) and odd.region_code == ""


def test_a_name_of_odd_characters_is_kept_byte_for_byte() -> None:
    card = read(card_of({**PERSON, "raw": {"EF06:09": "cdf5" + "ff" * 2 + "00" * 26}}))
    assert isinstance(card, SocialCard)
    assert card.name_raw == bytes.fromhex("cdf5")  # FF is how an empty place is filled
    rare = read(card_of({**PERSON, "name": "王㛃"}))  # four bytes in GB18030
    assert isinstance(rare, SocialCard) and rare.name == "王㛃"
    broken = read(card_of({**PERSON, "raw": {"EF06:09": "cdf581"}}))
    assert isinstance(broken, SocialCard)
    assert broken.name_raw == bytes.fromhex("cdf581") and "odd:name" in broken.warnings


def test_a_card_without_a_name_is_not_taken_for_one_that_was_read() -> None:
    facts = {name: value for name, value in PERSON.items() if name != "name"}
    card = read(card_of(facts))
    assert isinstance(card, Fault)
    assert card.code is FaultCode.CARD_UNREADABLE
    assert "name" in card.detail and "6A83" in card.detail


# -- other cards ----------------------------------------------------------------


@pytest.mark.parametrize("contactless", [True, False])
def test_of_a_bank_card_only_the_last_four_digits_leave_the_protocol(contactless: bool) -> None:
    pan = "6299990000000000017"
    card = read(card_of({"kind": "bank", "pan": pan, "contactless": contactless}))
    assert card == BankCard("*" * 15 + "0017", "UnionPay Debit")


def test_a_bare_contactless_card_shows_its_uid_and_no_contact_card_is_asked_for_one() -> None:
    card = card_of({"kind": "uid", "uid": "04A1B2C3"})
    assert read(card) == ContactlessTag("04A1B2C3")
    asked: list[bytes] = []

    def contact(command: bytes) -> bytes:
        asked.append(command)
        return b"\x6d\x00"

    found = run(identify(LAYOUT, ATR_T0), contact, t0=True)
    assert isinstance(found, Fault) and found.code is FaultCode.UNKNOWN_CARD
    assert all(command[0] != 0xFF for command in asked)
    assert is_contactless(ATR_T1) and not is_contactless(ATR_T0)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("700C5A0A62999900000000000175", ""),  # 20 digits are no card number
        ("700A5A08629999000000001F", "***********0001"),
        ("70125710629999000000001D30122201234567FF", "***********0001"),
        ("7003570112", ""),
        ("", ""),
    ],
)
def test_card_numbers_are_masked_wherever_they_stand(answer: str, shown: str) -> None:
    assert masked_number_in(bytes.fromhex(answer)) == shown


@given(st.text(max_size=24))
def test_never_more_than_four_digits_of_a_number_are_shown(number: str) -> None:
    shown = masked(number)
    assert shown == "" or shown.strip("*") == number[-4:]


# -- the exchange -----------------------------------------------------------------


def test_over_t0_the_answer_is_fetched_and_a_wrong_length_is_asked_again() -> None:
    said: list[bytes] = []
    answers = iter(["6C12", "6105", "01020304059000"])

    def card(command: bytes) -> bytes:
        said.append(command)
        return bytes.fromhex(next(answers))

    answer = answer_of(exchange(Apdu(b"\x00\xb2\x08\x00", expected=0x14), t0=True), card)
    assert answer == CardAnswer(b"\x01\x02\x03\x04\x05", 0x9000)
    assert [command.hex() for command in said] == ["00b2080014", "00b2080012", "00c0000005"]


def test_a_long_answer_is_put_together_from_its_pieces() -> None:
    pieces = iter([b"\x61\x00", bytes(256) + b"\x61\x03", b"abc\x90\x00"])
    answer = answer_of(
        exchange(Apdu(b"\x00\xa4\x04\x00", b"1PAY", 0), t0=True), lambda _: next(pieces)
    )
    assert answer == CardAnswer(bytes(256) + b"abc", 0x9000)


@pytest.mark.parametrize("raw", [b"\x6c\x05", b"\x61\x05", b"x\x61\x05"])
def test_a_card_that_repeats_itself_for_ever_is_given_up(raw: bytes) -> None:
    answer = answer_of(exchange(Apdu(b"\x00\xb2\x01\x00", expected=5), t0=True), lambda _: raw)
    assert isinstance(answer, Fault | CardAnswer)


def test_a_command_of_the_hub_is_passed_on_as_it_was_written() -> None:
    for text in (
        "00A40400",
        "00B2010012",
        "00A4020002EF05",
        "00A4040002EF0500",
        "002000820831323334",
    ):
        raw = bytes.fromhex(text)
        apdu = parse_command(raw)
        if isinstance(apdu, Fault):
            assert text == "002000820831323334"  # eight bytes promised, four given
        else:
            assert encode(apdu, t0=False) == raw
    assert "123456" not in repr(Transmit(1, bytes.fromhex("0020008206313233343536")))
    assert "123456" not in repr(CardAnswer(b"123456", 0x9000))
    apdu = parse_command(bytes.fromhex("0020008206313233343536"))
    assert isinstance(apdu, Apdu) and "123456" not in repr(apdu) and "1234" not in str(apdu)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_command_or_a_fault(raw: bytes) -> None:
    apdu = parse_command(raw)
    if isinstance(apdu, Apdu):
        assert encode(apdu, t0=False) == raw
        over_t0 = encode(apdu, t0=True)
        assert len(over_t0) >= 5 and over_t0[:4] == raw[:4]


@given(
    st.lists(st.binary(max_size=40), max_size=60), st.booleans(), st.sampled_from([ATR_T0, ATR_T1])
)
def test_whatever_a_card_answers_ends_in_a_card_or_a_fault(
    answers: list[bytes], t0: bool, atr: bytes
) -> None:
    left = iter(answers)
    said = 0

    def card(_command: bytes) -> bytes:
        nonlocal said
        said += 1
        return next(left, b"\x90\x00")

    found = run(identify(LAYOUT, atr), card, t0=t0)
    assert isinstance(found, SocialCard | BankCard | ContactlessTag | Fault)
    assert said < 400


@given(st.lists(st.binary(min_size=2, max_size=60), min_size=1, max_size=20))
def test_records_of_any_content_never_break_a_reading(records: list[bytes]) -> None:
    card = card_of(PERSON)
    for number, value in enumerate(records, start=1):
        for file in card.files.values():
            if number in file:
                file[number] = value
    assert isinstance(read(card), SocialCard | Fault)


# -- values -------------------------------------------------------------------------


@given(st.dates(min_value=date(1850, 1, 1)))
def test_a_date_is_read_as_it_was_written(day: date) -> None:
    assert bcd_date(bytes.fromhex(f"{day:%Y}".rjust(4, "0") + f"{day:%m%d}")) == day


@pytest.mark.parametrize("raw", ["00000000", "FFFFFFFF", "20260230", "2026A101", "202601", ""])
def test_what_is_no_day_is_none(raw: str) -> None:
    assert bcd_date(bytes.fromhex(raw)) is None


@given(st.text(alphabet="0123456789", max_size=32))
def test_digits_filled_with_f_come_back(number: str) -> None:
    padded = number + "F" * (len(number) % 2)
    assert digits(bytes.fromhex(padded + "FFFF")) == number
    assert digits(b"\x1a") is None


@given(
    st.text(st.characters(codec="gb18030", exclude_characters="\x00\x20\xa0\u3000"), max_size=12)
)
def test_any_text_of_gb18030_is_understood(text: str) -> None:
    raw = text.encode("gb18030")
    if text == text.strip() and raw == raw.rstrip(b"\x00\x20\xff"):
        assert text_of(raw + b"\x00" * 4) == (text, True)


def test_a_text_that_is_filled_with_ff_is_understood_as_well() -> None:
    assert text_of(b"A12\xff\xff\xff") == ("A12", True)
    assert text_of(b"\xff" * 9) == ("", True)


@given(st.binary(max_size=200))
def test_any_bytes_hold_only_objects_that_lie_within_them(data: bytes) -> None:
    for _tag, value in objects(data):
        assert value in data


def test_nested_objects_are_found_and_nesting_without_end_is_not_followed() -> None:
    assert list(objects(bytes.fromhex("6F058403010203"))) == [
        (0x6F, bytes.fromhex("8403010203")),
        (0x84, bytes.fromhex("010203")),
    ]
    deep = b""
    for _ in range(60):
        deep = b"\x70" + bytes([len(deep)]) + deep
    assert len(list(objects(deep))) < 20


# -- names of readers ---------------------------------------------------------------


def test_a_reader_is_found_by_its_name_or_its_beginning() -> None:
    names = ("ACS ACR1281 (1) 00 01", "ACS ACR1281 (1) 00 00", "Alcor AU9560 [CCID] 01 00")
    assert choose_reader("ACS ACR1281 (1) 00 01", names) == "ACS ACR1281 (1) 00 01"
    assert choose_reader("ACS", names) == "ACS ACR1281 (1) 00 00"
    assert choose_reader("Alcor AU9560 [CCID] 00 00", names) is None
    assert choose_reader("Alcor AU9560 [CCID]", names) == "Alcor AU9560 [CCID] 01 00"


def test_names_with_brackets_are_written_as_they_are() -> None:
    reader = DeviceClass.CARD_READER
    assert named(reader, "pcsc://Alcor Micro AU9560 [CCID Interface] 00 00") == (
        "Alcor Micro AU9560 [CCID Interface] 00 00"
    )
    for wrong in ("pcsc://", "serial:///dev/x", "pcsc://a\nb"):
        assert isinstance(named(reader, wrong), Fault)
