"""What a code says is told as it was meant: its own note, else Chinese before all others."""

from __future__ import annotations

import numpy as np
import pytest
import segno
import zxingcpp
from drawn_codes import drawn, picture_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiosk.documents.codes.reader import read_codes
from kiosk.documents.codes.text import declared, text_of


@pytest.mark.parametrize("character_set", ["utf-8", "gb18030"])
def test_chinese_without_a_note_of_its_character_set_is_told_right(character_set: str) -> None:
    words = "清水镇便民服务中心高龄津贴"
    codes = read_codes(picture_of(words.encode(character_set), 8))
    assert [code.text for code in codes] == [words]
    assert codes[0].data == words.encode(character_set)


@pytest.mark.parametrize(
    ("character_set", "words"),
    [
        ("big5", "政務"),
        ("euc-kr", "한국"),
        ("shift_jis", "日本テスト"),
        ("cp1252", "€ Ã©"),
        ("iso-8859-5", "тест"),
        ("cp1256", "سلام"),
        ("utf-16-be", "政务服务大厅"),
        ("utf-8", "é"),
        ("gb18030", "龑\\000026"),
    ],
)
def test_a_code_that_notes_its_character_set_is_told_in_it(character_set: str, words: str) -> None:
    made = segno.make(words, encoding=character_set, eci=True, mode="byte", micro=False)
    (code,) = read_codes(drawn(made))
    assert code.text == words
    assert code.data == words.encode(character_set)


@pytest.mark.parametrize(
    "name",
    [
        *("王怡婷", "李宸睿", "镕堃", "張媽媽", "彧", "龑翀", "昊", "嬛", "祎晗", "怡馨", "彭湉湉"),
        *("國務院", "居留證 號碼", "Name:龑", "a镕", "㛃", "𠮷", "李𬭎", "社保卡 婷", "饕餮魍魎"),
    ],
)
def test_rare_and_traditional_signs_of_names_are_told_right(name: str) -> None:
    (code,) = read_codes(picture_of(name.encode("gb18030")))
    assert code.text == name


@pytest.mark.parametrize("words", ["点茗日本", "政務", "禁", "処旧旧"])
@pytest.mark.parametrize("turn", [0, 1])
def test_signs_written_in_the_mode_for_japanese_are_told_right(words: str, turn: int) -> None:
    picture = np.rot90(drawn(segno.make(words, mode="kanji", micro=False)), turn)
    (code,) = read_codes(np.ascontiguousarray(picture))
    assert code.text == words


@pytest.mark.parametrize("words", ["甲-QR1", "乙-QR2"])
def test_everyday_signs_that_a_writer_put_as_shift_jis_are_told_right(words: str) -> None:
    (code,) = read_codes(picture_of(words.encode("shift_jis")))
    assert code.text == words


def test_latin_letters_of_a_barcode_are_not_told_in_chinese() -> None:
    made = zxingcpp.create_barcode("é£", zxingcpp.BarcodeFormat.Code128)
    bars = np.pad(np.asarray(made.to_image(scale=3), np.uint8), 30, constant_values=255)
    (code,) = read_codes(np.repeat(bars[..., None], 3, axis=2))
    assert code.text == "é£"


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_have_a_text(data: bytes) -> None:
    text = text_of(data)
    try:
        assert text == data.decode("utf-8")
    except UnicodeDecodeError:
        assert text
        assert text.encode("gb18030") == data or len(text) <= len(data)


@settings(deadline=None, max_examples=20)
@given(st.binary(min_size=1, max_size=120))
@example(b"\xe1\x00")
def test_the_bytes_of_a_code_are_handed_over_as_they_are(data: bytes) -> None:
    codes = read_codes(picture_of(data))
    assert [code.data for code in codes] == [data]
    shown = repr(codes[0])
    assert "data" not in shown
    assert "text" not in shown


NOTED = {3: "latin-1", 20: "cp932", 26: "utf-8", 28: "big5", 29: "gb18030", 30: "cp949"}
PARTS = st.lists(st.tuples(st.sampled_from(sorted(NOTED)), st.text(max_size=12)), max_size=5)


@settings(deadline=None, max_examples=100)
@given(PARTS)
def test_parts_in_several_character_sets_are_each_told_in_their_own(
    parts: list[tuple[int, str]],
) -> None:
    """As the library hands them over: a backslash is doubled, one with six digits is a note."""
    told, wanted = b"]Q2", ""
    for number, words in parts:
        written = words.encode(NOTED[number], "ignore")
        told += b"\\%06d" % number + written.replace(b"\\", b"\\\\")
        wanted += written.decode(NOTED[number])
    assert declared(told, b"]Q1") == wanted


def test_a_note_of_an_unknown_character_set_and_bytes_that_are_not_of_it_are_left_to_the_rule() -> (
    None
):
    assert declared(b"]Q1abc", b"]Q1") is None
    assert declared(b"]Q2\\000899abc", b"]Q1") is None
    assert declared(b"]Q2\\000026\xff\xfe", b"]Q1") is None
