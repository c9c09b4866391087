"""The whole set of papers: each page there, none twice, all of the person whose card lies there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from core_citizen import ACCOUNT, ELDER, ITEM, PHONE, STROKES, Terminal, card

from kiosk.catalogue.load import Catalogue, load
from kiosk.catalogue.papers import PageTone
from kiosk.flow.actions import Act
from kiosk.flow.effects import MakeDocuments, Seal, StartCamera, TakePage
from kiosk.flow.events import PageRead
from kiosk.flow.pages import Advice, CapturePage, CheckPage, Doubt, Form, GoOn, Review

PACKAGE = Path(__file__).resolve().parents[3] / "kiosk/catalogue/packages/old_age_allowance.yaml"
OTHER = card("李国强", serial="154")
TWO_SIDES = [
    {"name": {"zh": "人像面", "en": "Portrait"}, "paper": "id_card_front"},
    {"name": {"zh": "国徽面", "en": "Emblem"}, "paper": "id_card_back"},
]
NAME = {"zh": "材料", "en": "Paper"}


def at_camera(catalogue: Catalogue | None = None) -> Terminal:
    terminal = Terminal(catalogue=catalogue)
    terminal.go_to(CapturePage)
    terminal.wait(1)
    return terminal


def catalogue_with(folder: Path, *materials: dict[str, object], **changes: object) -> Catalogue:
    """The allowance with other papers."""
    item = yaml.safe_load(PACKAGE.read_text(encoding="utf-8"))
    item["materials"] = list(materials)
    at = next(n for n, step in enumerate(item["steps"]) if "material" in step)
    captures = [{"kind": "capture", "material": one["code"]} for one in materials]
    item["steps"][at : at + 1] = captures
    item.update(changes)
    (folder / f"{ITEM}.yaml").write_text(yaml.safe_dump(item, allow_unicode=True), encoding="utf-8")
    catalogue = load(folder)
    assert not catalogue.closed, catalogue
    return catalogue


# -- compared with the card ---------------------------------------------------------


def test_a_page_that_agrees_with_the_card_is_kept_without_a_word() -> None:
    terminal = at_camera()
    terminal.plate()
    assert terminal.last(TakePage).paper == "household_register"
    terminal.page_taken(to_be_read=True)
    terminal.page_read(number=ELDER.number, name="张王兰")  # a name misread beside a checked number
    assert terminal.sees(CheckPage).doubt is None
    terminal.press(Act.KEEP_PAGE)
    terminal.sees(Review)


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [
        ({"number": OTHER.number, "name": "张玉兰"}, Doubt.NUMBER_DIFFERS),
        ({"name": "李国强"}, Doubt.NAME_DIFFERS),
        ({"name": "张王兰"}, None),  # one sign misread is no other person
        ({}, None),
    ],
)
def test_somebody_elses_page_is_told_before_it_is_kept(
    fields: dict[str, str], doubt: Doubt | None
) -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.page_taken(to_be_read=True)
    terminal.page_read(**fields)
    check = terminal.sees(CheckPage)
    assert check.doubt is doubt
    assert check.kept_despite is (doubt is not None)


def test_another_paper_than_was_asked_for_is_told() -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.page_taken(to_be_read=True)
    terminal.page_read(is_paper=False)
    assert terminal.sees(CheckPage).doubt is Doubt.OTHER_PAPER


def test_who_presses_before_it_was_read_waits_a_moment_and_is_asked_when_it_does_not_fit() -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.page_taken(to_be_read=True)
    terminal.press(Act.KEEP_PAGE)
    assert terminal.sees(CheckPage).comparing
    terminal.page_read(number=OTHER.number)
    check = terminal.sees(CheckPage)
    assert (check.comparing, check.doubt) == (False, Doubt.NUMBER_DIFFERS)
    terminal.press(Act.KEEP_PAGE)  # and may go on all the same
    said = [line.masked for group in terminal.sees(Review).groups for line in group.lines]
    assert "1页，号码和身份证不同" in said


@pytest.mark.parametrize("answer", ["unreadable", "never"])
def test_a_page_that_cannot_be_read_holds_nobody_up(answer: str) -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.page_taken(to_be_read=True)
    terminal.press(Act.KEEP_PAGE)
    if answer == "unreadable":
        terminal.page_read(whole=False)
    else:
        terminal.wait(9)
    terminal.sees(Review)


def test_what_is_read_after_nobody_waited_any_more_is_still_told_before_the_citizen_leaves() -> (
    None
):
    terminal = at_camera()
    terminal.plate()
    terminal.page_taken(to_be_read=True)
    terminal.press(Act.KEEP_PAGE)
    terminal.wait(9)

    def said() -> list[str]:
        return [line.masked for group in terminal.sees(Review).groups for line in group.lines]

    assert "1页，已拍好" in said()
    terminal.page_read(number=OTHER.number)
    assert "1页，号码和身份证不同" in said()
    submit(terminal)
    (material,) = terminal.last(Seal).application["materials"]  # type: ignore[misc]
    assert material["kept_despite"] == Doubt.NUMBER_DIFFERS


def test_what_was_read_for_the_one_before_is_not_taken_for_the_next() -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.page_taken(to_be_read=True)
    terminal.hear(PageRead("another session", "page-1", True, True, (("number", OTHER.number),)))
    assert terminal.sees(CheckPage).doubt is None


def test_the_application_says_what_was_kept_all_the_same() -> None:
    terminal = at_camera()
    terminal.press(Act.TAKE_PICTURE)
    assert terminal.last(TakePage).anyway  # the button takes whatever lies there
    terminal.page_taken(Advice.GLARE, to_be_read=True)
    terminal.page_read(number=OTHER.number)
    terminal.press(Act.KEEP_PAGE)
    submit(terminal)
    materials = terminal.last(Seal).application["materials"]
    assert isinstance(materials, list)
    assert [one["kept_despite"] for one in materials] == ["glare,number_differs"]


def submit(terminal: Terminal) -> None:
    terminal.press(Act.NEXT)
    terminal.press(Act.SIGN_STROKES, strokes=STROKES)
    terminal.press(Act.SUBMIT)
    while not terminal.all(Seal):
        terminal.documents()


# -- several pages --------------------------------------------------------------------


def test_both_sides_of_a_card_are_taken_one_after_the_other(tmp_path: Path) -> None:
    catalogue = catalogue_with(
        tmp_path, {"code": "id_card", "name": NAME, "sheets": TWO_SIDES, "most_kb": 500}
    )
    terminal = at_camera(catalogue)
    assert terminal.last(StartCamera).paper == "id_card_front"
    lines = terminal.sees(CapturePage).lines
    assert [(line.taken, line.current) for line in lines] == [(False, True), (False, False)]
    terminal.plate()
    take = terminal.last(TakePage)
    assert (take.paper, take.tone, take.most_bytes) == ("id_card_front", PageTone.COLOUR, 251_904)
    terminal.page_taken(fingerprint=1 << 200, to_be_read=False)
    terminal.press(Act.KEEP_PAGE)
    lines = terminal.sees(CapturePage).lines
    assert [(line.taken, line.current) for line in lines] == [(True, False), (False, True)]
    assert terminal.last(StartCamera).paper == "id_card_back"
    terminal.plate(Advice.TAKEN)
    assert len(terminal.all(TakePage)) == 1  # the first side still lies there
    terminal.plate(Advice.NO_PAGE, paper=False)
    terminal.plate()
    terminal.page_taken(image="page-2", fingerprint=(1 << 256) - 1)
    terminal.press(Act.KEEP_PAGE)
    submit(terminal)
    assert len(terminal.last(MakeDocuments).pages) == 2
    assert terminal.last(MakeDocuments).most_bytes == 512_000
    materials = terminal.last(Seal).application["materials"]
    assert isinstance(materials, list)
    assert [(one["code"], one["pages"]) for one in materials] == [("id_card", 2)]


def test_a_side_that_was_taken_twice_is_told(tmp_path: Path) -> None:
    catalogue = catalogue_with(tmp_path, {"code": "id_card", "name": NAME, "sheets": TWO_SIDES})
    terminal = at_camera(catalogue)
    terminal.plate()
    terminal.page_taken(fingerprint=0b1011 << 90)
    terminal.press(Act.KEEP_PAGE)
    terminal.press(Act.TAKE_PICTURE)
    terminal.page_taken(image="page-2", fingerprint=0b1010 << 90)
    assert terminal.sees(CheckPage).doubt is Doubt.TAKEN_TWICE
    terminal.press(Act.RETAKE_PAGE)
    assert [line.taken for line in terminal.sees(CapturePage).lines] == [True, False]


def test_two_forms_alike_with_other_numbers_are_not_one_taken_twice(tmp_path: Path) -> None:
    register = {"name": NAME, "paper": "household_register", "whose": ""}
    catalogue = catalogue_with(tmp_path, {"code": "one", **register}, {"code": "other", **register})
    terminal = at_camera(catalogue)
    for image, number in (("page-1", ELDER.number), ("page-2", OTHER.number)):
        terminal.press(Act.TAKE_PICTURE)
        terminal.page_taken(image=image, fingerprint=7, to_be_read=True)
        terminal.page_read(image, number=number)
        assert terminal.sees(CheckPage).doubt is None
        terminal.press(Act.KEEP_PAGE)
    terminal.sees(Review)


# -- later, and before ----------------------------------------------------------------------


def test_what_may_be_handed_in_later_may_be_left_out_and_is_said_to_be_missing(
    tmp_path: Path,
) -> None:
    catalogue = catalogue_with(tmp_path, {"code": "proof", "name": NAME, "required": False})
    terminal = at_camera(catalogue)
    assert terminal.sees(CapturePage).go_on is GoOn.LATER
    terminal.press(Act.NEXT)
    said = [line.masked for group in terminal.sees(Review).groups for line in group.lines]
    assert "以后再交" in said
    submit(terminal)
    assert terminal.last(Seal).application["materials"] == []
    assert [one.code for one in terminal.last(Seal).attachments] == ["signature"]


def test_a_paper_that_is_needed_is_waited_for(tmp_path: Path) -> None:
    terminal = at_camera(catalogue_with(tmp_path, {"code": "proof", "name": NAME}))
    assert terminal.sees(CapturePage).go_on is GoOn.NO
    terminal.press(Act.NEXT)
    terminal.sees(CapturePage)


def test_a_page_that_was_kept_need_not_be_taken_again() -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.page_taken()
    terminal.press(Act.KEEP_PAGE)
    terminal.press(Act.BACK)
    assert terminal.sees(CapturePage).go_on is GoOn.KEPT
    terminal.press(Act.NEXT)
    terminal.sees(Review)


# -- what was read fills the form -----------------------------------------------------------


def with_bank_card(folder: Path) -> Catalogue:
    item = yaml.safe_load(PACKAGE.read_text(encoding="utf-8"))
    field = next(form for form in item["forms"] if form["code"] == "account")["fields"][0]
    field["from_paper"] = "bank_card.account"
    steps = [step for step in item["steps"] if not isinstance(step, dict) or "material" not in step]
    at = next(n for n, step in enumerate(steps) if isinstance(step, dict) and "form" in step)
    steps.insert(at, {"kind": "capture", "material": "bank_card"})
    return catalogue_with(
        folder,
        {"code": "bank_card", "name": NAME, "paper": "bank_card", "whose": ""},
        forms=item["forms"],
        steps=steps,
    )


def test_what_was_read_fills_the_form_and_is_to_be_checked(tmp_path: Path) -> None:
    terminal = Terminal(catalogue=with_bank_card(tmp_path))
    terminal.go_to_camera()
    terminal.press(Act.TAKE_PICTURE)
    terminal.page_taken(to_be_read=True)
    terminal.page_read(account=ACCOUNT)
    terminal.press(Act.KEEP_PAGE)
    terminal.type("phone", PHONE)
    terminal.press(Act.NEXT)
    terminal.press(Act.NEXT)
    field = terminal.sees(Form).fields[0]
    assert (field.value, field.read) == (ACCOUNT, True)
    terminal.tap(Act.SET_FIELD, "account", value=ACCOUNT[:-1])
    assert not terminal.sees(Form).fields[0].read  # it is the citizen's own word now
    terminal.tap(Act.SET_FIELD, "account", value="")
    terminal.press(Act.BACK)
    terminal.press(Act.NEXT)
    assert terminal.sees(Form).fields[0].value == ACCOUNT


@pytest.mark.parametrize("paper", ["bank_card.name", "nothing.account", "household_page.number"])
def test_a_form_filled_from_what_is_not_read_is_refused(tmp_path: Path, paper: str) -> None:
    item = yaml.safe_load(PACKAGE.read_text(encoding="utf-8"))
    item["forms"][0]["fields"][0]["from_paper"] = paper
    (tmp_path / f"{ITEM}.yaml").write_text(yaml.safe_dump(item), encoding="utf-8")
    assert [closed.code for closed in load(tmp_path).closed] == [ITEM]
