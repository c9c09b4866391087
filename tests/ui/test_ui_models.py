"""View-models: what a citizen sees of a page, and what a press becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_model_reading import (
    MODULES,
    model_of,
    model_types,
    overlay_model_of,
    qt_properties,
    read_everything,
)

from kiosk.flow import pages, view
from kiosk.flow.actions import Act, Action
from kiosk.flow.pages import FieldKind, Words
from kiosk.flow.view import Preferences
from ui import samples
from ui.desk import Desk
from ui.models import closing, copies, form, identity, start, submit
from ui.models._format import grouped, typed_value
from ui.models._model import Rows
from ui.samples import NOTE, Sample
from ui.texts import Texts

SERIAL = 7


class Citizen:
    """A desk whose presses are kept."""

    def __init__(self, language: str = "zh", preferences: Preferences | None = None) -> None:
        self.pressed: list[Action] = []
        self.texts = Texts()
        self.texts.set_language(language)
        self.desk = Desk(
            act=self.pressed.append,
            texts=self.texts,
            serial=SERIAL,
            preferences=preferences or Preferences(language=language),
        )

    def last(self) -> Action:
        return self.pressed[-1]


ALL_SAMPLES = samples.samples()


def sample(name: str) -> Sample:
    return next(found for found in ALL_SAMPLES if found.name == name)


def page(name: str) -> Any:
    return sample(name).view.page


# -- what is shown ------------------------------------------------------------------


SECRETS = (
    samples.ELDER.name,
    samples.ELDER.number,
    samples.ELDER.address,
    samples.DAUGHTER.name,
    samples.DAUGHTER.number,
    samples.ACCOUNT,
    samples.PHONE,
)


@pytest.mark.parametrize("name", ["confirm_identity", "review", "review-relative"])
def test_personal_values_are_masked_until_the_button_is_held_and_again_when_it_is_let_go(
    name: str,
) -> None:
    model = model_of(page(name), Citizen().desk)

    def seen() -> str:
        return "\n".join(read_everything(model))

    assert not [secret for secret in SECRETS if secret in seen()]
    model.reveal(True)
    assert samples.ELDER.name in seen()
    assert samples.ELDER.number in seen()
    model.reveal(False)
    assert not [secret for secret in SECRETS if secret in seen()]


def test_a_held_button_does_not_show_the_next_value_of_the_page_to_a_model_made_anew() -> None:
    first = model_of(page("confirm_identity"), Citizen().desk)
    first.reveal(True)
    second = model_of(page("confirm_identity"), Citizen().desk)
    assert samples.ELDER.name not in "\n".join(read_everything(second))


@pytest.mark.parametrize("found", ALL_SAMPLES, ids=lambda found: found.name)
def test_no_page_but_a_form_being_typed_shows_a_full_value_by_itself(found: Sample) -> None:
    if isinstance(found.view.page, pages.Form):
        return
    seen = "\n".join(read_everything(model_of(found.view.page, Citizen().desk)))
    assert not [secret for secret in SECRETS if secret in seen]


def test_rows_do_not_tell_personal_values_in_a_trace() -> None:
    for name in ("form", "review", "form-name_error"):
        model = model_of(page(name), Citizen().desk)
        rows = model.fields if name.startswith("form") else model.groups
        text = repr(rows.rows()) + "".join(
            repr(row.lines.rows()) for row in rows.rows() if hasattr(row, "lines")
        )
        assert samples.PHONE[:9] not in text.replace(" ", "")
        assert samples.ELDER.name not in text


def test_a_lifted_card_leaves_masked_values_and_typing_begins_anew() -> None:
    citizen = Citizen()
    hidden = replace(page("form-hidden"), active="phone")
    model = form.FormModel(hidden, citizen.desk)
    assert model.fields.rows()[0].value == "138****8000"
    model.digit("1")
    assert citizen.last() == Action(Act.SET_FIELD, SERIAL, "phone", "1")
    model.erase()
    assert citizen.last() == Action(Act.SET_FIELD, SERIAL, "phone", "")


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (FieldKind.PHONE, "13800138000", "138 0013 8000"),
        (FieldKind.PHONE, "1380013", "138 0013"),
        (FieldKind.PHONE, "", ""),
        (FieldKind.ACCOUNT, "6217000010000136617", "6217 0000 1000 0136 617"),
        (FieldKind.NAME, "陈秀英", "陈秀英"),
    ],
)
def test_digits_are_grouped_as_people_read_them(kind: FieldKind, value: str, shown: str) -> None:
    assert typed_value(kind, value) == shown


@given(st.text(alphabet="0123456789", max_size=40), st.lists(st.integers(1, 6), max_size=4))
def test_grouping_changes_nothing_but_blanks(digits: str, sizes: list[int]) -> None:
    shown = grouped(digits, sizes)
    assert shown.replace(" ", "") == digits
    assert "  " not in shown
    assert shown == shown.strip()


def test_times_are_shown_in_the_zone_of_the_wall_clock() -> None:
    late = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # already the 23rd in Shanghai
    found = pages.DraftFound(Words((("zh", "高龄津贴申领"),)), late, minutes_left=3)
    assert identity.DraftFoundModel(found, Citizen().desk).savedAt == "11月23日 00:30"
    assert identity.DraftFoundModel(found, Citizen("en").desk).savedAt == "23 Nov, 00:30"


def test_a_receipt_number_is_read_in_fours() -> None:
    model = submit.AcceptedModel(page("accepted-waiting"), Citizen().desk)
    assert [len(part) for part in model.number.split(" ")] == [4, 4, 4, 4]
    assert model.number.replace(" ", "") == samples.NUMBER


@pytest.mark.parametrize("name", ["home", "form", "accepted-waiting", "card_problem-expired"])
def test_the_words_follow_the_language(name: str) -> None:
    citizen = Citizen()
    model = model_of(page(name), citizen.desk)
    told: list[str] = []
    model.changed.connect(lambda: told.append("changed"))
    chinese = read_everything(model)
    citizen.texts.set_language("en")
    model.update(page(name))
    assert told
    english = read_everything(model)
    assert english != chinese
    shared = "".join(text for text in english if "QS01" not in text)
    assert not [character for character in shared if "\u4e00" <= character <= "\u9fff"]


def test_what_is_still_missing_is_counted_and_an_error_is_a_sentence_of_its_own_field() -> None:
    phone, relative = form.FormModel(page("form"), Citizen().desk).fields.rows()
    assert (phone.note, phone.error) == ("还差2位", "")
    assert relative.note == ""
    assert relative.error == "只有10位，应是11位。"


def test_paper_that_does_not_come_is_the_title_and_the_application_is_said_to_be_safe() -> None:
    model = submit.AcceptedModel(page("accepted-paper_out"), Citizen().desk)
    assert model.title == "回执打印机没纸了"
    assert "没有丢" in model.lead
    assert model.paperTrouble
    assert not model.paperComes


def test_without_a_line_the_safe_application_is_said_to_wait_for_it() -> None:
    there = submit.AcceptedModel(page("accepted-paper_out"), Citizen().desk)
    here = submit.AcceptedModel(page("accepted-paper_out_offline"), Citizen().desk)
    assert "待上传" not in there.lead
    assert "待上传" in here.lead


def test_a_printer_that_waits_for_somebody_is_not_said_to_print() -> None:
    prints = copies.SheetsPrintingModel(page("sheets_printing-printing"), Citizen().desk)
    waits = copies.SheetsPrintingModel(page("sheets_printing-asks_jammed"), Citizen().desk)
    assert (prints.title, prints.waitWords) == ("正在打印，请稍等", "正在打印…")
    assert (waits.title, waits.waitWords) == ("打印先停下了", "等打印机好了…")


def test_a_printer_that_is_back_may_be_asked_again() -> None:
    gone = replace(page("accepted-paper_out"), print_state=pages.PrintState.UNAVAILABLE)
    assert not submit.AcceptedModel(gone, Citizen().desk).canPrintAgain
    assert submit.AcceptedModel(replace(gone, printer_back=True), Citizen().desk).canPrintAgain


def test_another_copy_stays_offered_and_asks_for_the_card_first() -> None:
    gone = submit.AcceptedModel(page("accepted-reprint_card_gone"), Citizen().desk)
    assert gone.canPrintAgain and not gone.cardThere
    assert submit.AcceptedModel(page("accepted-reprint_paper_out"), Citizen().desk).cardThere


def test_nothing_is_called_uploaded_before_it_is() -> None:
    citizen = Citizen()
    waiting = submit.AcceptedModel(page("accepted-waiting"), citizen.desk)
    assert [row.at for row in waiting.chain.rows()] == ["done", "current", "later", "later"]
    delivered = submit.AcceptedModel(page("accepted-printed"), citizen.desk)
    assert [row.at for row in delivered.chain.rows()] == ["done", "done", "current", "later"]


def test_papers_are_not_called_uploaded_before_they_are_and_are_no_application() -> None:
    waiting = submit.AcceptedModel(page("accepted-papers_printing"), Citizen().desk)
    assert (waiting.title, waiting.deliveryWords) == (
        "补交材料已收到，待上传",
        "补交材料已收到，待上传",
    )
    assert [row.at for row in waiting.chain.rows()] == ["done", "current", "later", "later"]
    there = submit.AcceptedModel(page("accepted-papers_printed"), Citizen().desk)
    assert "已上传" in there.title
    for model in (waiting, there):
        said = [model.lead, model.acceptedWords, *(row.words for row in model.chain.rows())]
        assert not any("受理" in words for words in said)


def test_without_a_code_nobody_is_told_to_photograph_one() -> None:
    for name in ("declined", "unavailable"):
        model = submit.AcceptedModel(page(f"accepted-papers_elsewhere_{name}"), Citizen().desk)
        assert not model.hasCode
        said = (model.title, model.lead, model.printDetail, model.photoWords)
        assert not any("二维码" in words for words in said)


def test_what_is_still_to_come_stands_there_with_its_last_day() -> None:
    model = submit.AcceptedModel(page("accepted-to_follow_printed"), Citizen().desk)
    assert model.toFollow == "还要补交：户口簿本人页"
    assert model.toFollowDetail.startswith("最晚12月22日")
    assert submit.AcceptedModel(page("accepted-printed"), Citizen().desk).toFollow == ""


def test_the_way_back_from_a_copy_is_there_once_it_is_out() -> None:
    assert not submit.AcceptedModel(page("accepted-reprint_printing"), Citizen().desk).mayReturn
    assert submit.AcceptedModel(page("accepted-reprint_printed"), Citizen().desk).mayReturn
    assert not submit.AcceptedModel(page("accepted-printed"), Citizen().desk).mayReturn


def test_the_offices_own_words_come_before_ours() -> None:
    asked = identity.EarlierApplicationModel(page("earlier_application-asked"), Citizen().desk)
    assert (asked.papersWords, asked.papersDetail) == ("办理部门请您补交：", NOTE)
    lacks = identity.EarlierApplicationModel(page("earlier_application-lacks"), Citizen().desk)
    assert lacks.papersWords == "还要补交：户口簿本人页"
    waits = identity.EarlierApplicationModel(
        page("earlier_application-papers_wait"), Citizen().desk
    )
    assert (waits.papersWords, waits.state) == ("", "补交材料已收到，待上传")


def test_of_a_refused_one_nobody_is_told_that_it_need_not_be_done_again() -> None:
    refused = identity.EarlierApplicationModel(page("earlier_application-refused"), Citizen().desk)
    assert (refused.title, refused.state) == ("上次没有通过", "没有通过")
    assert "重新申请" in refused.lead and refused.refused and refused.tip == ""
    stuck = identity.EarlierApplicationModel(page("earlier_application-at_staff"), Citizen().desk)
    assert "工作人员" in stuck.title and "窗口" in stuck.lead
    assert "待上传" not in stuck.state


def test_a_closed_service_keeps_its_place_and_says_why() -> None:
    model = start.HomeModel(page("home-closed_reader"), Citizen().desk)
    first, second = model.tiles.rows()
    assert first.closedReason == "暂停：读不了身份证"
    assert second.closedReason == ""


def test_standby_says_what_is_closed_before_anyone_starts() -> None:
    model = start.StandbyModel(page("standby-one_closed"), Citizen().desk)
    assert model.closedWords == "现在有1项暂停：高龄津贴申领"
    assert "窗口" in model.closedDetail
    assert start.StandbyModel(page("standby"), Citizen().desk).closedWords == ""


def test_the_ring_is_full_at_the_start_and_never_more_than_full() -> None:
    model = identity.PlaceIdCardModel(
        pages.PlaceIdCard(pages.Role.APPLICANT, seconds_left=120), Citizen().desk
    )
    assert model.ofSeconds == 120
    model.update(pages.PlaceIdCard(pages.Role.APPLICANT, seconds_left=48))
    assert (model.secondsLeft, model.ofSeconds) == (48, 120)


def test_one_place_is_lit_when_things_are_to_be_taken() -> None:
    for name in ("card", "paper", "receipt", "unknown"):
        model = closing.TakeAwayModel(page(f"take_away-{name}"), Citizen().desk)
        assert sum(row.current for row in model.things.rows()) == 1
        assert model.callout
    done = closing.TakeAwayModel(page("take_away-done"), Citizen().desk)
    assert done.lit == ""
    assert not closing.TakeAwayModel(page("take_away-card"), Citizen().desk).canFinish


# -- what a press becomes ------------------------------------------------------------


@dataclass(frozen=True)
class Press:
    """A slot of the model of a sample, and the action it stands for."""

    sample: str
    slot: str
    arguments: tuple[object, ...]
    act: Act
    argument: str = ""


PRESSES = [
    Press("standby", "start", (), Act.START),
    Press("home", "choose", ("old_age_allowance",), Act.CHOOSE_ITEM, "old_age_allowance"),
    Press("home", "help", (), Act.SHOW_HELP),
    Press("home", "goHome", (), Act.GO_HOME),
    Press("service_guide", "begin", (), Act.BEGIN),
    Press("service_guide", "back", (), Act.BACK),
    Press("consent", "agree", (), Act.AGREE),
    Press("consent", "decline", (), Act.DECLINE),
    Press("consent_declined", "finish", (), Act.FINISH),
    Press("place_id_card", "keepWaiting", (), Act.KEEP_WAITING),
    Press("place_id_card", "forRelative", (), Act.FOR_RELATIVE),
    Press("card_problem-unreadable", "again", (), Act.OTHER_CARD),
    Press("card_problem-too_young", "forRelative", (), Act.FOR_RELATIVE),
    Press("confirm_identity", "confirm", (), Act.CONFIRM_IDENTITY),
    Press("confirm_identity", "notMe", (), Act.NOT_ME),
    Press("draft_found", "resume", (), Act.RESUME_DRAFT),
    Press("draft_found", "discard", (), Act.DISCARD_DRAFT),
    Press("earlier_application-waiting", "applyAgain", (), Act.APPLY_AGAIN),
    Press("earlier_application-waiting", "printAgain", (), Act.PRINT_AGAIN),
    Press("earlier_application-lacks", "handIn", (), Act.HAND_IN),
    Press("accepted-reprint_printed", "back", (), Act.BACK),
    Press("form", "edit", ("relative_phone",), Act.EDIT_FIELD, "relative_phone"),
    Press("form", "digit", ("5",), Act.SET_FIELD, "phone"),
    Press("form", "erase", (), Act.SET_FIELD, "phone"),
    Press("form", "clear", (), Act.SET_FIELD, "phone"),
    Press("form-name", "write", ("relative_name", "陈秀英"), Act.SET_FIELD, "relative_name"),
    Press("form-choice", "choose", ("result", "counter"), Act.SET_FIELD, "result"),
    Press("form", "next", (), Act.NEXT),
    Press("capture_page-good", "take", (), Act.TAKE_PICTURE),
    Press("check_page", "keep", (), Act.KEEP_PAGE),
    Press("check_page", "retake", (), Act.RETAKE_PAGE),
    Press("review", "change", ("contact",), Act.CHANGE, "contact"),
    Press("review", "confirm", (), Act.NEXT),
    Press("sign", "signed", ([[[0.1, 0.2], [0.3, 0.4]]],), Act.SIGN_STROKES),
    Press("sign", "clear", (), Act.SIGN_STROKES),
    Press("sign", "submit", (), Act.SUBMIT),
    Press("submit_problem-store", "again", (), Act.SUBMIT),
    Press("accepted-waiting", "goOn", (), Act.NEXT),
    Press("accepted-paper_out", "goOn", (), Act.WITHOUT_PAPER),
    Press("accepted-paper_out", "printAgain", (), Act.PRINT_AGAIN),
    Press("accepted-waiting", "finish", (), Act.FINISH),
    Press("rating", "rate", ("5",), Act.RATE, "5"),
    Press("rating", "skip", (), Act.SKIP_RATING),
    Press("rating_reasons-dissatisfied", "toggle", ("207",), Act.TOGGLE_REASON, "207"),
    Press("rating_reasons-dissatisfied", "done", (), Act.NEXT),
    Press("take_away-done", "finish", (), Act.FINISH),
    Press("progress_result-received", "another", (), Act.BACK),
    Press("progress_result-received", "finish", (), Act.FINISH),
]


@pytest.mark.parametrize("press", PRESSES, ids=lambda press: f"{press.sample}.{press.slot}")
def test_a_press_is_one_action_and_carries_the_page_it_was_pressed_on(press: Press) -> None:
    citizen = Citizen()
    model = model_of(page(press.sample), citizen.desk)
    getattr(model, press.slot)(*press.arguments)
    assert len(citizen.pressed) == 1
    assert citizen.last().act is press.act
    assert citizen.last().argument == press.argument
    assert citizen.last().page_serial == SERIAL


def test_presses_on_what_is_laid_over_a_page_carry_its_serial_too() -> None:
    citizen = Citizen()
    idle = overlay_model_of(view.IdleWarning(18, 30), citizen.desk)
    idle.stay()
    idle.leave()
    sizes = overlay_model_of(view.TextSizeSheet(), citizen.desk)
    sizes.choose("largest")
    sizes.toggleContrast()
    sizes.close()
    assert [action.act for action in citizen.pressed] == [
        Act.STAY,
        Act.LEAVE,
        Act.SET_TEXT_SIZE,
        Act.TOGGLE_CONTRAST,
        Act.CLOSE_OVERLAY,
    ]
    assert {action.page_serial for action in citizen.pressed} == {SERIAL}


def test_keys_write_at_the_end_of_the_field_and_no_further_than_it_is_long() -> None:
    citizen = Citizen()
    typing = page("form")
    model = form.FormModel(typing, citizen.desk)
    model.digit("0")
    assert citizen.last().value == samples.PHONE[:9] + "0"
    model.erase()
    assert citizen.last().value == samples.PHONE[:8]
    full = replace(typing.fields[0], value=samples.PHONE)
    model.update(replace(typing, fields=(full,)))
    before = len(citizen.pressed)
    model.digit("1")
    assert len(citizen.pressed) == before


def test_the_same_name_is_not_written_twice() -> None:
    citizen = Citizen()
    model = form.FormModel(page("form-name"), citizen.desk)
    model.write("relative_name", "陈秀")
    assert citizen.pressed == []


@given(
    st.lists(st.lists(st.lists(st.floats(-2, 3), min_size=2, max_size=2), max_size=5), max_size=5)
)
def test_a_signature_stays_inside_its_box(strokes: list[list[list[float]]]) -> None:
    for stroke in submit.strokes_from_screen(strokes):
        for x, y in stroke:
            assert 0 <= x <= 1
            assert 0 <= y <= 1


# -- how it hangs together with the screens ---------------------------------------------


@pytest.mark.parametrize("found", ALL_SAMPLES, ids=lambda found: found.name)
def test_every_property_tells_of_its_change(found: Sample) -> None:
    """Without a notify signal a screen would stay in the old language, or at the old value."""
    citizen = Citizen()
    models = [model_of(found.view.page, citizen.desk)]
    if found.view.overlay is not None:
        models.append(overlay_model_of(found.view.overlay, citizen.desk))
    for model in models:
        silent = [p.name() for p in qt_properties(model) if p.notifySignalIndex() < 0]
        assert silent == []


def test_rows_that_stay_keep_their_place_on_the_screen() -> None:
    model = form.FormModel(page("form"), Citizen().desk)
    rows: Rows = model.fields
    told: list[tuple[int, int]] = []
    rows.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    rows.modelReset.connect(lambda: told.append((-1, -1)))
    typing = page("form")
    longer = replace(typing.fields[0], value=samples.PHONE[:10], missing=1)
    model.update(replace(typing, fields=(longer, typing.fields[1])))
    assert told == [(0, 0)]


def test_rows_come_and_go() -> None:
    model = closing.TakeAwayModel(page("take_away-card"), Citizen().desk)
    assert model.things.rowCount() == 3
    model.update(page("take_away-paper"))
    assert model.things.rowCount() == 2
    model.update(page("take_away-card"))
    names = {bytes(name.data()).decode() for name in model.things.roleNames().values()}
    assert {"words", "detail", "at"} <= names
    role = next(role for role, name in model.things.roleNames().items() if name == b"words")
    assert model.things.data(model.things.index(2), role) == "回执"
    assert model.things.data(model.things.index(9), role) is None


def test_there_is_a_model_for_every_page_and_overlay() -> None:
    assert len(model_types()) == len(set(model_types()))
    assert {found.__module__ for found in model_types()} == {module.__name__ for module in MODULES}
