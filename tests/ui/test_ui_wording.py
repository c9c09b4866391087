"""The wording: complete in both languages, and written the way the public is spoken to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from ui_model_reading import RecordingTexts, model_of, overlay_model_of, read_everything

from drivers.receipt_printer.values import Text
from kiosk.flow import pages, view
from kiosk.receipts.receipt import Receipt, lines
from kiosk.session import page_name
from kiosk.words import Words
from ui.desk import Desk
from ui.samples import samples
from ui.texts import load_catalogues, missing_keys, parameters

UI = Path(__file__).parents[2] / "ui"
CATALOGUES = load_catalogues()
ZH = CATALOGUES["zh"]
EN = CATALOGUES["en"]
TITLE_CHARACTERS_MAX = 12  # what an old eye takes in at once, and one line at elder size
SOME = Words((("zh", "某"), ("en", "some")))
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def everything(catalogue: dict[str, dict[str, str]]) -> Iterator[tuple[str, str, str]]:
    for situation, texts in catalogue.items():
        for key, text in texts.items():
            yield situation, key, text


def used_in_qml() -> set[tuple[str, str]]:
    found = set()
    for path in (UI / "qml").rglob("*.qml"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"Texts\.words\.(\w+)\.(\w+)", text))
    return found


def test_every_text_is_there_in_both_languages() -> None:
    assert missing_keys(CATALOGUES) == []


def test_a_text_has_the_same_parameters_in_both_languages() -> None:
    differing = [
        f"{situation}.{key}"
        for situation, key, text in everything(ZH)
        if parameters(text) != parameters(EN[situation][key])
    ]
    assert differing == []


def test_every_text_that_a_screen_names_exists() -> None:
    missing = [pair for pair in sorted(used_in_qml()) if pair[1] not in ZH.get(pair[0], {})]
    assert missing == []


def test_screens_write_no_words_of_their_own() -> None:
    for path in (UI / "qml" / "Kiosk" / "Screens").glob("*.qml"):
        without_comments = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        assert not CHINESE.search(without_comments), path.name
        literal = re.findall(
            r"\b(?:words|text|title|lead|detail|callout): \"[^\"]+\"", without_comments
        )
        assert literal == [], path.name


ENUM_TABLES = [
    ("closure", pages.Closure, {"short", "full"}),
    ("card_problem", pages.CardProblemKind, {"title", "lead", "now"}),
    ("advice", pages.Advice, {"title", "lead"}),
    ("submit_problem", pages.SubmitProblemKind, {"title", "lead", "now"}),
    ("receipt", pages.PrintState, {"title", "lead"}),
    ("progress", pages.ProgressKind, {"title", "lead", "now"}),
]


@pytest.mark.parametrize(("table", "kinds", "keys"), ENUM_TABLES)
def test_every_kind_of_situation_has_its_words(table: str, kinds: type, keys: set[str]) -> None:
    for kind in kinds:
        assert keys <= set(ZH[f"{table}_{kind}"]), kind


def test_every_field_error_has_a_sentence_for_every_kind_of_field() -> None:
    for kind in pages.FieldKind:
        assert {str(error) for error in pages.FieldError} <= set(ZH[f"field_error_{kind}"])


def test_every_scan_problem_says_what_to_do() -> None:
    for problem in pages.ScanProblem:
        if problem is not pages.ScanProblem.NONE:
            assert {"title", "now"} <= set(ZH[f"scan_problem_{problem}"])


def test_every_page_has_its_help() -> None:
    for page_type in get_args(pages.Page):
        bare = page_type.__new__(page_type)
        assert {"one", "two"} <= set(ZH[f"help_{page_name(bare)}"])


def test_every_sample_can_be_said_in_both_languages_and_no_text_is_left_over() -> None:
    """Each view-model is read to the last property; what nobody ever reads is dead wording."""
    said = used_in_qml()
    for language in CATALOGUES:
        texts = RecordingTexts(CATALOGUES)
        texts.set_language(language)
        for sample in samples():
            for relative in (False, True):
                page = sample.view.page
                if relative and isinstance(page, pages.CardProblem | pages.ConfirmIdentity):
                    page = with_role(page, pages.Role.ELDER)
                desk = Desk(
                    act=lambda action: None,
                    texts=texts,
                    serial=1,
                    preferences=sample.view.preferences,
                )
                read_everything(model_of(page, desk))
                if sample.view.overlay is not None:
                    read_everything(overlay_model_of(sample.view.overlay, desk))
        said |= texts.asked
    said |= {
        (f"help_{page_name(t.__new__(t))}", key)
        for t in get_args(pages.Page)
        for key in ("one", "two", "three")
    }
    said |= {
        (f"field_error_{kind}", str(error))
        for kind in pages.FieldKind
        for error in pages.FieldError
    }
    said |= {("check_advice", str(advice)) for advice in pages.Advice}
    said |= {("dates", f"month_{month}") for month in range(1, 13)}
    said |= {("card_problem_expired", "lead"), ("card_problem_too_young", "now")}
    said |= {("service_guide", str(bring)) for bring in pages.Bring}
    said |= {("service_guide", "days_none"), ("capture_page", "count_done")}
    said |= {(f"closure_{closure}", key) for closure in pages.Closure for key in ("short", "full")}
    left_over = [
        f"{situation}.{key}"
        for situation, key, _ in everything(ZH)
        if (situation, key) not in said and situation not in ("frame", "steps")
    ]
    assert left_over == []


def with_role(page: pages.Page, role: pages.Role) -> pages.Page:
    if isinstance(page, pages.CardProblem):
        return pages.CardProblem(
            page.kind, role, page.minimum_age, page.eligible_from, page.valid_to
        )
    assert isinstance(page, pages.ConfirmIdentity)
    return pages.ConfirmIdentity(role, page.person)


# -- how it is said -----------------------------------------------------------------


def test_a_title_is_short_enough_to_be_taken_in_at_once() -> None:
    long = [
        text
        for _, key, text in everything(ZH)
        if key.startswith("title") and len(re.sub(r"\{\w+\}", "", text)) > TITLE_CHARACTERS_MAX
    ]
    assert long == []


def test_nothing_is_called_a_success() -> None:
    assert [text for _, _, text in everything(ZH) if "成功" in text] == []
    assert [text for _, _, text in everything(EN) if "success" in text.lower()] == []


def test_nobody_is_blamed_and_no_code_is_shown() -> None:
    blaming = re.compile("错误|失败|非法|无效|异常|违规|故障码|代码|你")
    assert [text for _, _, text in everything(ZH) if blaming.search(text)] == []


def test_nobody_is_promised_who_does_not_come() -> None:
    """The sheet says what to do and a number to call; at night there is no clerk."""
    assert [text for _, _, text in everything(ZH) if re.search("叫人|请人[来帮]|来帮", text)] == []
    assert [
        text for _, _, text in everything(EN) if re.search("[Gg]et help|someone to help", text)
    ] == []


def test_help_names_buttons_as_they_are_written() -> None:
    shown = [text for situation, _, text in everything(ZH) if not situation.startswith("help_")]
    for situation, _, text in everything(ZH):
        if (
            situation.startswith("help_") and situation != "help_phone_pickup"
        ):  # those are on the phone
            for name in re.findall("“(.+?)”", text):
                assert any(name in words for words in shown), (situation, name)
    for catalogue, name in ((ZH, "看全"), (EN, "see all")):
        both = (catalogue["common"]["reveal"], catalogue["common"]["reveal_short"])
        assert all(name in words for words in both)
        assert name in catalogue["help_confirm_identity"]["two"]


def test_no_sentence_about_paper_can_be_read_the_other_way() -> None:
    """不会 before it, 没有 not: 没有纸会再印出来 also says that it prints without paper."""
    assert [text for _, _, text in everything(ZH) if re.search("没有纸.*会", text)] == []


def test_chinese_is_punctuated_in_full_width() -> None:
    half = re.compile(r"[\u4e00-\u9fff}][,;:?!.()]|[,;:?!()][\u4e00-\u9fff]")
    assert [text for _, _, text in everything(ZH) if half.search(text)] == []


def test_no_blank_stands_between_digits_and_chinese() -> None:
    blank = re.compile(r"[\u4e00-\u9fff] \d|\d [\u4e00-\u9fff]")
    assert [text for _, _, text in everything(ZH) if blank.search(text)] == []


def test_the_languages_are_not_mixed() -> None:
    own_name = {("frame", "language")}
    mixed = [
        text
        for situation, key, text in everything(EN)
        if CHINESE.search(text) and (situation, key) not in own_name
    ]
    assert mixed == []
    english = [
        text
        for situation, key, text in everything(ZH)
        if re.search(r"[A-Za-z]{2,}", re.sub(r"\{\w+\}", "", text))
        and (situation, key) not in own_name
    ]
    assert english == []


@pytest.mark.parametrize("kind", list(pages.CardProblemKind))
def test_a_card_problem_says_what_became_of_what_was_entered(kind: pages.CardProblemKind) -> None:
    assert re.search("没有丢|没有留下", ZH[f"card_problem_{kind}"]["lead"])
    assert ZH[f"card_problem_{kind}"]["now"]


@pytest.mark.parametrize("kind", list(pages.SubmitProblemKind))
def test_what_could_not_be_submitted_is_never_called_accepted(
    kind: pages.SubmitProblemKind,
) -> None:
    words = ZH[f"submit_problem_{kind}"]
    assert "还没" in words["title"]
    if kind is pages.SubmitProblemKind.UNSURE:  # neither the one nor the other is promised
        assert "没有结果" in words["lead"]
        assert not re.search("已受理|还没有受理|会清除", "".join(words.values()))
        return
    assert "还没有受理" in words["lead"]
    assert "没有丢" in ZH["submit_problem"]["kept"]


def test_accepted_without_a_line_says_that_it_is_still_to_be_uploaded() -> None:
    assert ZH["accepted"]["title_waiting"] == "已受理，待上传"
    assert "没有丢" in ZH["accepted"]["lead_waiting"]
    assert "已上传" not in ZH["accepted"]["title_sending"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("delivery", list(pages.Delivery))
def test_the_paper_and_the_screen_say_the_same_of_where_the_application_is(
    delivery: pages.Delivery, language: str
) -> None:
    """The paper is printed before the centre has answered: it must not contradict the screen."""
    title = CATALOGUES[language]["accepted"][f"title_{delivery}"]
    paper = lines(
        Receipt(
            centre=SOME,
            terminal="QS01",
            item=SOME,
            number="QS012611220001",
            qr_text="X",
            name_masked="甄**",
            phone_masked="",
            accepted_at=datetime(2026, 11, 22, tzinfo=UTC),
            delivered=delivery is pages.Delivery.DELIVERED,
            department=SOME,
            days=5,
            help_phone="12345",
        ),
        language,
    )
    assert title in [line.text for line in paper if isinstance(line, Text)]


def test_text_sizes_have_their_words() -> None:
    for size in view.TextSize:
        assert ZH["text_size_sheet"][str(size)]
