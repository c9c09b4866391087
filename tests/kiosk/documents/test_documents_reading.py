"""What is printed on a paper is read, checked where it can be, and never believed too easily."""

from __future__ import annotations

import functools
from datetime import date

import made_papers
import numpy as np
import pytest
import test_documents_upright as print_of
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Fault, FaultCode
from drivers.id_reader.values import number_check_digit
from kiosk.catalogue.papers import known_papers
from kiosk.documents.enhance import even_light
from kiosk.documents.reading.extract import (
    Agreement,
    agreement,
    fields_of,
    is_credit_code,
    is_paper,
    same_page,
)
from kiosk.documents.reading.known_paper import read_paper
from kiosk.documents.reading.reader import (
    Layout,
    RapidReader,
    Reading,
    TesseractReader,
    in_rows,
    open_reader,
    parse_tsv,
    prepared,
    run_quietly,
)
from kiosk.identity.contact import luhn_agrees

FIRST = "44990119410719607"
NUMBER = FIRST + number_check_digit(FIRST)
REGISTER = known_papers()["household_register"]
PATIENT = TesseractReader(functools.partial(run_quietly, limit_s=300))  # on a busy machine


# -- the recogniser -------------------------------------------------------------------


def test_chinese_print_is_read() -> None:
    page = print_of.printed(size=26, height=500)
    reading = PATIENT.read(page, Layout.TEXT)
    assert not isinstance(reading, Fault)
    text = "".join(reading.lines)
    assert "本人自愿申请高龄津贴" in text
    assert reading.confidence > 0.8


def test_nothing_is_read_on_an_empty_page() -> None:
    reading = PATIENT.read(np.full((400, 300, 3), 240, np.uint8), Layout.FORM)
    assert not isinstance(reading, Fault)
    assert reading.lines == ()


def test_the_lines_of_a_table_are_taken_out_before_reading() -> None:
    page = print_of.printed(size=26, height=400)
    page[200:203, 20:-20] = 30
    page[20:-20, 450:453] = 30
    grey, scale = prepared(page)
    row, column = round(201 * scale), round(451 * scale)
    assert np.median(grey[row]) > 200
    assert np.median(grey[:, column]) > 200


def test_a_recogniser_that_is_not_there_or_breaks_is_told() -> None:
    missing = run_quietly(["no-such-program"], b"")
    assert isinstance(missing, Fault)
    assert missing.code is FaultCode.NOT_INSTALLED
    broken = run_quietly(["false"], b"")
    assert isinstance(broken, Fault)
    assert broken.code is FaultCode.BROKEN
    asleep = TesseractReader(lambda command, data: Fault(FaultCode.TIMED_OUT))
    assert isinstance(asleep.read(print_of.printed(), Layout.TEXT), Fault)


def test_the_other_recogniser_is_asked_for_lines_and_told_not_to_turn_them() -> None:
    asked: list[dict[str, object]] = []

    def engine(page: object, **options: object) -> tuple[list[tuple[object, str, float]], None]:
        asked.append(options)
        corners = [[10, 50], [90, 50], [90, 70], [10, 70]]
        return [
            ([[200, 52], [260, 52], [260, 71], [200, 71]], "孔贵", 0.9),
            (corners, "姓名", 0.99),
        ], None

    reading = RapidReader(engine).read(print_of.printed(), Layout.FORM)
    assert not isinstance(reading, Fault)
    assert reading.lines == ("姓名|孔贵",)
    assert asked == [{"use_cls": False}]
    nothing = RapidReader(lambda page, **options: (None, None)).read(
        print_of.printed(), Layout.FORM
    )
    assert not isinstance(nothing, Fault)
    assert nothing.lines == ()


def test_a_recogniser_that_was_not_installed_is_told_at_the_start() -> None:
    assert isinstance(open_reader("tesseract"), TesseractReader)
    missing = open_reader("rapidocr")
    assert isinstance(missing, Fault)
    assert missing.code is FaultCode.NOT_INSTALLED


@given(st.text(max_size=300))
def test_any_table_of_words_is_taken(text: str) -> None:
    in_rows(parse_tsv(text.replace(" ", "\t"), 1.0))


def word(x: int, y: int, text: str, confidence: float = 90) -> str:
    return f"5\t1\t1\t1\t1\t1\t{x}\t{y}\t{20 * len(text)}\t20\t{confidence}\t{text}"


def test_words_of_one_height_are_one_row_and_a_wide_gap_parts_entries() -> None:
    table = "\n".join(
        (word(300, 52, "孔贵"), word(10, 50, "姓"), word(34, 51, "名"), word(10, 120, "汉", 5))
    )
    assert in_rows(parse_tsv(table, 1.0)).lines == ("姓名|孔贵",)
    assert parse_tsv(word(10, 50, "姓"), 2.0)[0].x == 5


# -- fields ---------------------------------------------------------------------------


def test_a_page_of_the_register_gives_its_fields() -> None:
    rows = (
        "常住人口登记卡",
        "姓 名|孔贵|户主关系|户主",
        "曾用名|性|别|男",
        "籍贯|清水县|出生日期|1941年7月19日",
        "他住址|清水县清水镇上湾村8组41号|宗教",
        f"公民身份|{NUMBER}|身高",
    )
    assert fields_of(REGISTER, rows) == {
        "name": "孔贵",
        "birth": "1941-07-19",
        "address": "清水县清水镇上湾村8组41号",
        "number": NUMBER,
    }
    assert is_paper(REGISTER, rows)


def test_a_number_counts_only_with_its_check_digit_and_in_whatever_pieces_it_was_read() -> None:
    broken = f"{NUMBER[:6]} {NUMBER[6:14]}|{NUMBER[14:]}"
    assert fields_of(REGISTER, (broken,))["number"] == NUMBER
    letters = NUMBER.replace("0", "O").replace("1", "l")
    assert fields_of(REGISTER, (f"号码{letters}",))["number"] == NUMBER
    wrong = NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2")
    assert fields_of(REGISTER, (wrong,)) == {}


def test_an_address_goes_on_in_the_rows_below_and_ends_before_the_next_label() -> None:
    card = known_papers()["id_card_front"]
    rows = (
        "姓名|孔贵",
        "住址|湖南省清水县清水镇上湾",
        "村8组41号",
        f"公民身份号码|{NUMBER}",
    )
    assert fields_of(card, rows)["address"] == "湖南省清水县清水镇上湾村8组41号"
    assert fields_of(card, (*rows[:2], NUMBER))["address"] == "湖南省清水县清水镇上湾"
    register = (
        "本市(县",
        "人|清水县上湾村8组41号|宗教信仰",
        "公民身份",
    )  # the label is on three rows
    assert fields_of(REGISTER, register) == {"address": "清水县上湾村8组41号"}


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("竹名胡涛明", "胡涛明"),  # a sign of the label misread, at either end
        ("姓各|胡涛明", "胡涛明"),
        ("姓胡涛明", None),  # missing: the name may have lost its first sign as well
        ("曾用名|胡涛明", None),  # another entry
        ("人名胡涛明", "胡涛明"),
    ],
)
def test_a_label_with_one_sign_misread_is_known(row: str, name: str | None) -> None:
    card = known_papers()["id_card_front"]
    assert fields_of(card, (row,)).get("name") == name


def test_a_label_that_stands_elsewhere_as_it_should_is_not_taken_from_what_is_like_it() -> None:
    licence = known_papers()["business_licence"]
    rows = ("经|虽|者|杜琴娜", "经营范围|日用百货")
    assert fields_of(licence, rows)["legal_person"] == "杜琴娜"
    assert "legal_person" not in fields_of(licence, rows[1:])
    back = known_papers()["id_card_back"]
    assert fields_of(back, ("有效|限|2016.04.22-2026.04.22",)) == {"valid": "2016.04.22-2026.04.22"}
    assert fields_of(back, ("有效期限|2007.06.05-长期",)) == {"valid": "2007.06.05-长期"}
    assert fields_of(back, ("有效期限|长期", "有效期限")) == {}  # half of it is nothing


def test_a_day_of_birth_is_that_of_the_number_whose_check_digit_holds() -> None:
    rows = ("出生日期|1941年1]月19日", f"公民身份|{NUMBER}")
    assert fields_of(REGISTER, rows)["birth"] == "1941-07-19"
    assert fields_of(REGISTER, ("出生日期|1966年1]月14日",)) == {"birth": "1966-11-14"}


class Twice:
    """Reads words, and numbers only when it is asked for them alone."""

    def __init__(self, words: tuple[str, ...], numbers: tuple[str, ...]) -> None:
        self.answers = {Layout.FORM: words, Layout.NUMBERS: numbers}
        self.asked: list[Layout] = []

    def read(self, page: object, layout: Layout) -> Reading:
        self.asked.append(layout)
        return Reading(self.answers[layout], 0.9)


def test_a_number_that_was_not_read_among_words_is_asked_for_alone() -> None:
    page = np.zeros((20, 20, 3), np.uint8)
    card = known_papers()["bank_card"]
    reader = Twice(("清水农村商业银行", "4133"), ("3", "6228480402564890018"))
    found = read_paper(reader, page, card)
    assert not isinstance(found, Fault)
    assert found.fields == {"account": "6228480402564890018"} and found.is_paper
    wrong = read_paper(Twice((), ("6228480402564890019",)), page, card)
    assert not isinstance(wrong, Fault)
    assert wrong.fields == {} and not wrong.is_paper
    once = Twice((f"公民身份|{NUMBER}", "姓名|孔贵"), ("姓名|李国强",))
    whole = read_paper(once, page, REGISTER)
    assert not isinstance(whole, Fault) and whole.fields["name"] == "孔贵"
    assert once.asked == [Layout.FORM]  # nothing is missing: nobody waits for a second reading


@pytest.mark.parametrize("dark", [False, True])
def test_the_number_of_a_bank_card_is_read_in_dark_and_in_light_print(dark: bool) -> None:
    number = next(n for n in range(4, 200, 5) if _is_dark(made_papers.make(4, n).picture) is dark)
    one = made_papers.make(4, number)
    found = read_paper(PATIENT, even_light(one.picture), known_papers()[one.paper])
    assert not isinstance(found, Fault)
    assert found.fields == one.fields


def _is_dark(picture: np.ndarray) -> bool:
    return bool(np.median(picture) < 90)


def test_a_bank_card_and_a_licence_give_their_numbers() -> None:
    card = known_papers()["bank_card"]
    assert fields_of(card, ("中国某某银行", "6228 4804 0256 4890 018")) == {
        "account": "6228480402564890018"
    }
    assert is_paper(card, ("6228 4804 0256 4890 018",))
    assert not is_paper(card, ("6228 4804 0256 4890 019",))
    assert fields_of(card, ("6228|4804|0256|4890|018",)) == {"account": "6228480402564890018"}
    assert fields_of(card, ("1|6228480402564890018",)) == {"account": "6228480402564890018"}
    # one of its digits was not read, and the rest have a fitting check digit by chance
    assert luhn_agrees("622848040256489017")
    assert fields_of(card, ("622848040256489017",)) == {}
    # its last 19 have a fitting check digit by chance: a part of a longer run is no number
    assert fields_of(card, ("16252620229724292111",)) == {}
    licence = known_papers()["business_licence"]
    rows = (
        "营业执照",
        "统一社会信用代码|91350100M000100Y43",
        "名称|清水县某某商店",
        "法定代表人|李国强",
    )
    assert fields_of(licence, rows) == {
        "name": "清水县某某商店",
        "legal_person": "李国强",
        "credit_code": "91350100M000100Y43",
    }
    assert is_credit_code("91350100M000100Y43")
    assert not is_credit_code("91350100M000100Y44")


def test_a_paper_is_known_by_a_word_on_it_even_when_a_sign_of_it_was_misread() -> None:
    assert is_paper(REGISTER, ("常佳人口登记卡",))
    assert not is_paper(REGISTER, ("清水县人民政府", "关于办理居住证的通知"))
    assert not is_paper(REGISTER, ())
    licence = known_papers()["business_licence"]
    assert is_paper(licence, ("统一社会信代码|营业", "名|称|清水县某某商店"))
    assert not is_paper(licence, ("社会保障卡申请表",))


@given(st.lists(st.text(max_size=40), max_size=8))
def test_any_reading_gives_fields_or_none(lines: list[str]) -> None:
    for paper in known_papers().values():
        fields = fields_of(paper, tuple(lines))
        assert set(fields) <= {field.code for field in paper.fields}
        is_paper(paper, tuple(lines))


@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(0, 999),
    st.text("甲乙|丙", max_size=5),
)
def test_every_checked_number_is_found_wherever_it_stands(
    birth: date, serial: int, around: str
) -> None:
    first = f"110101{birth:%Y%m%d}{serial:03}"
    number = first + number_check_digit(first)
    assert fields_of(REGISTER, (f"{around}{number}{around}",)).get("number") == number


# -- against the card --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"number": NUMBER, "name": "完全不同"}, Agreement.AGREES),
        ({"number": "110101194001011230"}, Agreement.NUMBER_DIFFERS),
        ({"name": "孔贵"}, Agreement.AGREES),
        ({"name": "和孔贵"}, Agreement.AGREES),
        ({"name": "孔责"}, Agreement.UNSURE),
        ({"name": "李国强"}, Agreement.NAME_DIFFERS),
        ({}, Agreement.UNSURE),
    ],
)
def test_nobody_is_called_another_on_the_strength_of_one_sign(
    fields: dict[str, str], answer: Agreement
) -> None:
    assert agreement(fields, "孔贵", NUMBER) is answer


def test_one_page_taken_twice_is_known_by_its_look_and_its_words() -> None:
    text = ("常住人口登记卡", f"姓名|孔贵|{NUMBER}")
    misread = ("常住人口登记卡", f"姓各|孔贵|{NUMBER}")
    other = ("常住人口登记卡", "姓名|李国强|110101194001011229")
    assert same_page((0b1, text), (0b10, misread))
    assert not same_page((0b1, text), ((1 << 100) - 1, misread))  # looks quite different
    assert not same_page((0b1, text), (0b1, other))  # the same form of another person
    assert same_page((0b1, ()), (0b10, ()))
    assert not same_page((0, ()), ((1 << 45) - 1, ()))
