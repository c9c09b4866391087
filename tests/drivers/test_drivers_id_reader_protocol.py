"""SAM_V frames and the four card layouts, against vectors and an encoder of the tests' own."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest
import sam_bench
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Fault, FaultCode
from drivers.id_reader.protocol import (
    FAULT_OF_SW3,
    BaseInfo,
    Command,
    Management,
    Reply,
    ReplyParser,
    Sw3,
    appended_addresses,
    base_info,
    card_record,
    encode,
    management,
    sam_id,
)
from drivers.id_reader.values import CardKind, CardRecord, CardWarning

DATA = Path(__file__).resolve().parents[2] / "kiosk" / "data"


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# -- frames -------------------------------------------------------------------


@pytest.mark.parametrize("row", table("sam_commands.csv"), ids=lambda row: row["name"])
def test_every_command_is_the_frame_of_the_table(row: dict[str, str]) -> None:
    command = Command(int(row["cmd"] + row["para"], 16))
    assert encode(command, bytes.fromhex(row["data"])) == bytes.fromhex(row["frame_hex"])


SAMPLES = {
    "status_ok": Reply(0, 0, 0x90),
    "find_ok": Reply(0, 0, 0x9F, bytes(4)),
    "find_fail": Reply(0, 0, 0x80),
    "select_ok": Reply(0, 0, 0x90, bytes(8)),
    "select_fail": Reply(0, 0, 0x81),
    "read_fail": Reply(0, 0, 0x41),
    "no_new_addr": Reply(0, 0, 0x91),
    "card_auth_fail": Reply(0, 0, 0x32),
}


@pytest.mark.parametrize("row", table("sam_sample_replies.csv"), ids=lambda row: row["name"])
def test_every_sample_reply_is_understood_in_one_piece_and_byte_by_byte(
    row: dict[str, str],
) -> None:
    data = bytes.fromhex(row["frame_hex"])
    assert ReplyParser().feed(data) == [SAMPLES[row["name"]]]
    slow = ReplyParser()
    found = [item for byte in data for item in slow.feed(bytes([byte]))]
    assert found == [SAMPLES[row["name"]]]
    assert not slow.within


def test_every_status_of_the_table_is_told_apart() -> None:
    rows = table("sam_status_codes.csv")
    assert {int(row["sw3_hex"], 16) for row in rows} == set(Sw3)
    good = {Sw3.OK, Sw3.FOUND, Sw3.NO_SUCH_CONTENT}
    assert set(FAULT_OF_SW3) == set(Sw3) - good
    details = [fault.detail for fault in FAULT_OF_SW3.values()]
    assert len(set(details)) == len(details)
    for status in Sw3:
        fault = Reply(0, 0, status).fault
        assert (fault is None) == (status in good)
    assert Reply(0, 0, 0x77).fault == Fault(FaultCode.BAD_REPLY, "unknown status 77")


any_reply = st.builds(
    Reply,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.one_of(
        st.binary(max_size=300),
        # Data full of preambles and their pieces.
        st.lists(st.sampled_from([b"\xaa", b"\x96", b"\x69", sam_bench.HEAD, b"\x00\x04"])).map(
            b"".join
        ),
    ),
)


def bytes_of(answer: Reply) -> bytes:
    return sam_bench.frame(bytes([answer.sw1, answer.sw2, answer.sw3]) + answer.data)


@given(st.lists(any_reply, max_size=4), st.lists(st.integers(1, 40), max_size=60))
def test_frames_cut_anywhere_are_whole_again(replies: list[Reply], cuts: list[int]) -> None:
    stream = b"".join(map(bytes_of, replies))
    parser = ReplyParser()
    found: list[Reply | Fault] = []
    for cut in cuts:
        found += parser.feed(stream[:cut])
        stream = stream[cut:]
    found += parser.feed(stream)
    assert found == replies


noise_without_preamble = st.binary(max_size=50).filter(lambda noise: b"\xaa" not in noise)


@given(noise_without_preamble, any_reply, noise_without_preamble, any_reply)
def test_noise_between_frames_is_skipped(
    noise: bytes, first: Reply, more_noise: bytes, second: Reply
) -> None:
    stream = noise + bytes_of(first) + more_noise + bytes_of(second)
    assert ReplyParser().feed(stream) == [first, second]


def test_after_a_bad_checksum_the_next_frame_is_found() -> None:
    bad = bytearray(bytes_of(Reply(0, 0, 0x90, b"card")))
    bad[-1] ^= 1
    parser = ReplyParser()
    found = parser.feed(bytes(bad) + bytes_of(Reply(0, 0, 0x80)))
    assert found == [Fault(FaultCode.BAD_REPLY, "bad checksum"), Reply(0, 0, 0x80)]


def test_a_frame_whose_garbled_length_swallowed_the_next_gives_it_back() -> None:
    first, second = bytes_of(Reply(0, 0, 0x90)), bytes_of(Reply(0, 0, 0x80, b"next"))
    swallowing = len(first) - 7 + len(second)
    stream = first[:5] + swallowing.to_bytes(2, "big") + first[7:] + second
    assert ReplyParser().feed(stream) == [
        Fault(FaultCode.BAD_REPLY, "bad checksum"),
        Reply(0, 0, 0x80, b"next"),
    ]


def test_a_frame_inside_data_is_data_while_the_outer_frame_is_good() -> None:
    outer = Reply(0, 0, 0x90, b"x" + bytes_of(Reply(0, 0, 0x80)) + b"y")
    assert ReplyParser().feed(bytes_of(outer)) == [outer]


def test_a_frame_cut_short_is_given_up_and_the_next_one_found() -> None:
    whole = bytes_of(Reply(0, 0, 0x90, bytes(200)))
    parser = ReplyParser()
    assert parser.feed(whole[:100] + bytes_of(Reply(0, 0, 0x80))) == []
    assert parser.within
    assert parser.timed_out() == [
        Fault(FaultCode.BAD_REPLY, "frame not finished"),
        Reply(0, 0, 0x80),
    ]
    assert not parser.within


@pytest.mark.parametrize("length", [0, 3, 4097, 0xFFFF])
def test_an_impossible_length_is_not_waited_for(length: int) -> None:
    parser = ReplyParser()
    found = parser.feed(sam_bench.HEAD + length.to_bytes(2, "big") + bytes_of(Reply(0, 0, 0x80)))
    assert found == [Fault(FaultCode.BAD_REPLY, "impossible length"), Reply(0, 0, 0x80)]


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_any_bytes_neither_raise_nor_pile_up(pieces: list[bytes]) -> None:
    parser = ReplyParser()
    for piece in pieces:
        parser.feed(piece)
    parser.timed_out()
    assert not parser.within
    assert parser.feed(bytes_of(Reply(0, 0, 0x80))) == [Reply(0, 0, 0x80)]


# -- SAM id and the parts of a card -------------------------------------------


def test_the_sam_id_is_written_as_on_the_reader() -> None:
    assert sam_id(sam_bench.SAM_ID) == "05.01-3735928559-0305419896-2271560481"
    assert isinstance(sam_id(bytes(15)), Fault)


@given(st.binary(max_size=1024))
def test_the_inner_lengths_are_obeyed_not_assumed(photo: bytes) -> None:
    text = sam_bench.resident()
    data = b"\x01\x00" + len(photo).to_bytes(2, "big") + text + photo
    assert base_info(data) == BaseInfo(text, photo)
    print_ = bytes(512)
    with_print = b"\x01\x00" + len(photo).to_bytes(2, "big") + b"\x02\x00" + text + photo + print_
    assert base_info(with_print, with_fingerprint=True) == BaseInfo(text, photo, print_)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\x00\x04",
        b"\x01\x00\x04\x00" + bytes(1279),
        b"\x01\x00\x04\x00" + bytes(1281),
        b"\x00\xfe\x04\x00" + bytes(254 + 1024),
        b"\x01\x00\x0c\x01" + bytes(256 + 3073),
    ],
)
def test_inner_lengths_that_cannot_be_are_a_bad_reply(data: bytes) -> None:
    fault = base_info(data)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.BAD_REPLY


def test_a_longer_photo_is_taken_by_its_length() -> None:
    photo = bytes(range(256)) * 8
    assert base_info(b"\x01\x00\x08\x00" + bytes(256) + photo) == BaseInfo(bytes(256), photo)


@given(st.binary(max_size=1400))
def test_any_read_reply_is_a_card_or_a_fault(data: bytes) -> None:
    base_info(data)
    base_info(data, with_fingerprint=True)
    card_record((data * 256)[:256])


# -- layouts ------------------------------------------------------------------

FIELDS = {  # of the table -> of a record; what the table has besides is not used
    "name": "name",
    "chinese_name": "name",
    "english_name": "english_name",
    "sex": "sex_code",
    "nation": "nation_code",
    "birth": "birth",
    "address": "address",
    "id_number": "number",
    "card_number": "number",
    "issuer": "issuer",
    "valid_from": "valid_from",
    "valid_to": "valid_to",
    "nationality": "nationality",
    "pass_number": "pass_number",
}
TYPES = {"mainland": " ", "hmt_J": "J", "foreign_2017_I": "I", "foreign_2023_Y": "Y"}
DAYS = {"birth": "19620704", "valid_from": "20110809", "valid_to": "20310809"}


@pytest.mark.parametrize("layout", TYPES)
def test_every_field_is_read_from_where_the_table_has_it(layout: str) -> None:
    """Each field is filled to its last character, so that a wrong end shows too."""
    rows = [row for row in table("idcard_text_layouts.csv") if row["card"] == layout]
    fields, expected = [(248, 2, TYPES[layout])], dict[str, str]()
    for row in rows:
        ours = FIELDS.get(row["field"])
        if ours is None:
            continue
        chars = int(row["length_bytes"]) // 2
        text = DAYS.get(row["field"]) or (chr(ord("A") + len(fields)) * chars)
        fields.append((int(row["offset"]), int(row["length_bytes"]), text))
        expected[ours] = text
    assert len(expected) >= 8
    card = read(sam_bench.record(*fields))
    for ours, text in expected.items():
        value = getattr(card, ours)
        told = f"{value:%Y%m%d}" if isinstance(value, date) else value
        assert told == text, ours


def read(text: bytes) -> CardRecord:
    card = card_record(text, b"photo")
    assert isinstance(card, CardRecord), card
    return card


def test_a_resident_card() -> None:
    card = read(sam_bench.resident())
    assert card == CardRecord(
        kind=CardKind.RESIDENT,
        name="王小明",
        sex_code="1",
        nation_code="01",
        birth=date(1999, 1, 10),
        address="广东省深圳市示例区示例路1号",
        number="440308199901101512",
        issuer="示例市公安局",
        valid_from=date(2015, 3, 1),
        valid_to=date(2035, 3, 1),
        photo_wlt=b"photo",
        name_raw=sam_bench.utf16("王小明", 30),
    )


def test_a_card_without_an_end() -> None:
    assert read(sam_bench.resident(valid_to="长期")).valid_to is None


def test_a_card_of_hong_kong_macau_taiwan() -> None:
    text = sam_bench.record(
        (0, 30, "陈示例"),
        (30, 2, "2"),
        (36, 16, "19940823"),
        (52, 70, "广东省珠海市示例路2号"),
        (122, 36, "810000199408230021"),
        (158, 30, "珠海市公安局"),
        (188, 16, "20190101"),
        (204, 16, "20240101"),
        (220, 18, "H12345678"),
        (238, 4, "01"),
        (248, 2, "J"),
    )
    card = read(text)
    assert (card.kind, card.name, card.nation_code) == (CardKind.HMT_RESIDENCE, "陈示例", "")
    assert (card.number, card.pass_number) == ("810000199408230021", "H12345678")


def test_a_foreign_card_of_2017() -> None:
    text = sam_bench.record(
        (0, 120, "EXAMPLE, PERSON"),
        (120, 2, "1"),
        (122, 30, "PAK310080010103"),
        (152, 6, "PAK"),
        (158, 30, "示例人"),
        (188, 16, "20180101"),
        (204, 16, "20280101"),
        (220, 16, "19800101"),
        (236, 4, "01"),
        (240, 8, "1100"),
        (248, 2, "I"),
    )
    card = read(text)
    assert (card.kind, card.name, card.english_name) == (
        CardKind.FOREIGN_2017,
        "示例人",
        "EXAMPLE, PERSON",
    )
    assert (card.number, card.nationality, card.birth) == (
        "PAK310080010103",
        "PAK",
        date(1980, 1, 1),
    )
    assert card.name_raw == sam_bench.utf16("示例人", 30)


def foreign_2023(chinese: str, english: str) -> bytes:
    return sam_bench.record(
        (0, 30, chinese),
        (30, 2, "1"),
        (32, 4, "01"),
        (36, 16, "19800101"),
        (52, 70, english[:35]),
        (122, 36, "931586198001010028"),
        (188, 16, "20240101"),
        (204, 16, "20340101"),
        (220, 22, english[35:]),
        (242, 6, "PAK"),
        (248, 2, "Y"),
        (250, 6, "000"),
    )


def test_a_foreign_card_of_2023_joins_its_name() -> None:
    english = "A-VERY-LONG-NAME OF SOMEBODY WHO IS INVENTED"
    card = read(foreign_2023("", english))
    assert (card.kind, card.english_name, card.name) == (CardKind.FOREIGN_2023, english, english)
    assert (card.number, card.nationality) == ("931586198001010028", "PAK")


def test_a_blank_where_the_long_name_is_cut_stays() -> None:
    english = "X" * 34 + " SECOND"
    assert read(foreign_2023("示例", english)).english_name == english


def test_an_unknown_card_type_is_told_so() -> None:
    fault = card_record(sam_bench.resident(kind="Q"))
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.UNKNOWN_CARD


@pytest.mark.parametrize("kind", [" ", "\x00"])
def test_a_blank_or_empty_type_is_a_resident(kind: str) -> None:
    assert read(sam_bench.resident(kind=kind)).kind is CardKind.RESIDENT


@pytest.mark.parametrize(
    "name",
    ["王\ue863明", "王\U0002cb4e", "王䶮", "买买提·示例", "王\ud840明"],
    ids=["private use", "beyond the plane", "extension A", "middle dot", "half a pair"],
)
def test_a_rare_name_is_kept_byte_for_byte_and_never_refused(name: str) -> None:
    card = read(sam_bench.resident(name=name))
    assert card.name_raw == sam_bench.utf16(name, 30)
    assert card.name == name.replace("\ud840", "�")
    card.name.encode("utf-8")


def test_a_name_that_no_font_holds_is_said_to_be_one() -> None:
    assert CardWarning.NAME_GLYPHS in read(sam_bench.resident(name="王\ue863明")).warnings
    assert CardWarning.NAME_GLYPHS in read(sam_bench.resident(name="王\ud840明")).warnings
    assert read(sam_bench.resident(name="王䶮")).warnings == ()


@pytest.mark.parametrize("nation", ["94", "00", "57", "xx", ""])
def test_an_unknown_nation_is_kept_and_never_fatal(nation: str) -> None:
    card = read(sam_bench.resident(nation=nation))
    assert card.nation_code == nation
    assert card.warnings == (CardWarning.NATION_UNKNOWN,)
    assert not card.doubtful


@pytest.mark.parametrize("nation", ["01", "56", "97", "98"])
def test_a_nation_of_the_table_is_no_news(nation: str) -> None:
    assert read(sam_bench.resident(nation=nation)).warnings == ()


@pytest.mark.parametrize(
    ("card", "warning", "doubtful"),
    [
        (sam_bench.resident(birth="19990230"), CardWarning.BIRTH_NO_DATE, True),
        (sam_bench.resident(birth="1999011"), CardWarning.BIRTH_NO_DATE, True),
        (sam_bench.resident(birth=""), CardWarning.BIRTH_NO_DATE, True),
        (sam_bench.resident(birth="１９９９０１１０"), CardWarning.BIRTH_NO_DATE, True),
        (sam_bench.resident(birth="19990111"), CardWarning.NUMBER_BIRTH, False),
        (sam_bench.resident(valid_from="20151301"), CardWarning.VALID_FROM_NO_DATE, True),
        (sam_bench.resident(valid_to="20350000"), CardWarning.VALID_TO_NO_DATE, True),
        (sam_bench.resident(valid_to=""), CardWarning.VALID_TO_NO_DATE, True),
        (
            sam_bench.resident(valid_from="20360101"),
            CardWarning.VALID_ENDS_BEFORE_IT_BEGINS,
            False,
        ),
        (sam_bench.resident(number="440308199901101513"), CardWarning.NUMBER_CHECK_DIGIT, True),
        (sam_bench.resident(number="44030819990110151X"), CardWarning.NUMBER_CHECK_DIGIT, True),
        (sam_bench.resident(number="4403081999011015"), CardWarning.NUMBER_FORM, True),
        (sam_bench.resident(number="99030819990110151X"), CardWarning.NUMBER_REGION, False),
        (sam_bench.resident(name=""), CardWarning.NAME_MISSING, True),
    ],
)
def test_a_card_that_is_odd_is_read_and_says_what_is_odd(
    card: bytes, warning: CardWarning, doubtful: bool
) -> None:
    """The reader refuses nothing: who uses the card decides."""
    record = read(card)
    assert record.warnings == (warning,)
    assert record.doubtful is doubtful


def test_every_number_of_the_table_is_judged_as_it_says(root: Path) -> None:
    """idnumber_vectors.json: good and bad check digits, and the old number of a foreigner."""
    vectors = json.loads((root / "kiosk/data/idnumber_vectors.json").read_text("utf-8"))

    def wrong(number: str, kind: str = " ") -> set[CardWarning]:
        found = set(read(sam_bench.resident(number=number, kind=kind)).warnings)
        return found - {CardWarning.NUMBER_BIRTH}

    for number in vectors["valid"]:
        assert wrong(number, "Y" if number.startswith("9") else " ") <= {
            CardWarning.NATION_UNKNOWN
        }, number
    for number in vectors["invalid"]:
        assert wrong(number) & {CardWarning.NUMBER_CHECK_DIGIT, CardWarning.NUMBER_FORM}, number
    old = sam_bench.record(
        (0, 120, "EXAMPLE"),
        (120, 2, "1"),
        (122, 30, vectors["foreign_2023"]["old15"]),
        (188, 16, "20180101"),
        (204, 16, "20280101"),
        (220, 16, "19800101"),
        (248, 2, "I"),
    )
    assert read(old).warnings == ()


def test_appended_addresses_are_told_all_and_the_newest_last() -> None:
    first, second = sam_bench.utf16("示例路1号", 70), sam_bench.utf16("示例路2号", 70)
    assert appended_addresses(first) == ("示例路1号",)
    both = ("示例路1号", "示例路2号")
    assert appended_addresses(first + second + sam_bench.utf16("", 140)) == both
    assert appended_addresses(first + sam_bench.utf16("", 70) + second) == both
    assert appended_addresses(b"") == ()
    assert isinstance(appended_addresses(bytes(281)), Fault)
    assert isinstance(appended_addresses(bytes(71)), Fault)


def test_management_info_has_its_length_or_is_refused() -> None:
    info = management(bytes(range(28)))
    assert isinstance(info, Management)
    assert info.raw == bytes(range(28))
    assert repr(info) == "Management()"
    assert isinstance(management(bytes(27)), Fault)


def test_a_small_x_is_a_check_digit_too() -> None:
    assert read(sam_bench.resident(number="11010519491231002x")).number == "11010519491231002X"


def test_a_card_does_not_show_itself() -> None:
    card = read(sam_bench.resident())
    assert repr(card) == "CardRecord(kind=<CardKind.RESIDENT: 'resident'>)"
