"""Filling in, and laying the paper under the camera."""

from __future__ import annotations

import pytest
from core_citizen import ACCOUNT, ELDER, PAGE_JPEG, PHONE, STROKES, Terminal

from drivers.device import DeviceClass, Status
from kiosk.flow.actions import Act
from kiosk.flow.effects import SaveDraft, StartCamera, StopCamera, TakePage
from kiosk.flow.events import PageNotTaken
from kiosk.flow.pages import (
    Advice,
    CapturePage,
    CheckPage,
    FieldError,
    Form,
    Review,
    Sign,
)


def at_form() -> Terminal:
    terminal = Terminal()
    terminal.go_to(Form)
    return terminal


def field(terminal: Terminal, place: int = 0):  # type: ignore[no-untyped-def]
    return terminal.sees(Form).fields[place]


def test_while_typing_what_is_missing_is_counted_and_nothing_is_called_wrong() -> None:
    terminal = at_form()
    assert field(terminal).missing == 11
    terminal.type("phone", "138001380")
    assert (field(terminal).missing, field(terminal).error) == (2, None)
    assert not terminal.sees(Form).complete


def test_a_beginning_that_no_number_has_is_told_at_once() -> None:
    terminal = at_form()
    terminal.type("phone", "12")
    assert field(terminal).error is FieldError.BAD_START


def test_leaving_a_field_half_typed_says_so_and_does_not_block_the_other() -> None:
    terminal = at_form()
    terminal.type("phone", "1380013800")
    terminal.press(Act.EDIT_FIELD, "relative_phone")
    assert field(terminal).error is FieldError.TOO_SHORT
    terminal.type("relative_phone", "13900139000")
    assert field(terminal, 1).error is None


def test_next_with_something_missing_points_at_it_and_stays() -> None:
    terminal = at_form()
    terminal.press(Act.NEXT)
    assert field(terminal).error is FieldError.MISSING
    assert terminal.sees(Form).active == "phone"


def test_the_relatives_phone_cannot_be_ones_own() -> None:
    terminal = at_form()
    terminal.type("phone", PHONE)
    terminal.press(Act.EDIT_FIELD, "relative_phone")
    terminal.type("relative_phone", PHONE)
    assert field(terminal, 1).error is FieldError.SAME_AS_APPLICANT
    assert not terminal.sees(Form).complete


def test_what_may_be_left_empty_may_be_left_empty() -> None:
    terminal = at_form()
    terminal.type("phone", PHONE)
    terminal.press(Act.NEXT)
    assert terminal.sees(Form).complete
    terminal.press(Act.NEXT)
    assert terminal.sees(Form).fields[0].code == "account"


def test_an_account_is_checked_as_it_is_typed() -> None:
    terminal = at_form()
    terminal.type("phone", PHONE)
    terminal.press(Act.NEXT)
    terminal.press(Act.NEXT)
    terminal.type("account", ACCOUNT[:16])
    assert field(terminal).error is None  # more digits may follow
    terminal.type("account", ACCOUNT[:-1] + "9")
    assert field(terminal).error is FieldError.BAD_CHECK
    terminal.type("account", ACCOUNT)
    assert terminal.sees(Form).complete


def test_a_field_takes_no_more_than_it_can_hold() -> None:
    terminal = at_form()
    terminal.tap(Act.SET_FIELD, "phone", value=PHONE + "99")
    assert field(terminal).value == PHONE


def test_a_field_of_another_page_cannot_be_set() -> None:
    terminal = at_form()
    before = terminal.view
    terminal.tap(Act.SET_FIELD, "account", value=ACCOUNT)
    terminal.tap(Act.SET_FIELD, "no_such_field", value="1")
    assert terminal.view == before


def test_every_step_that_entered_something_saves_the_draft() -> None:
    terminal = Terminal()
    terminal.go_to(Review)
    drafts = terminal.all(SaveDraft)
    assert len(drafts) == 4  # three questions and a page
    assert all(draft.card_number == ELDER.number for draft in drafts)
    assert PHONE in drafts[-1].payload
    assert PHONE not in repr(drafts)
    assert ELDER.number not in repr(drafts)
    assert ELDER.number not in drafts[-1].payload  # the card itself is never in a draft


# -- the page under the camera ------------------------------------------------------


def at_camera() -> Terminal:
    terminal = Terminal()
    terminal.go_to(CapturePage)
    return terminal


def test_a_good_page_that_lies_still_is_taken_by_itself_once() -> None:
    terminal = at_camera()
    terminal.plate(Advice.HOLD_STILL, steady=False)
    assert not terminal.all(TakePage)
    terminal.plate()
    terminal.plate()
    assert len(terminal.all(TakePage)) == 1
    assert terminal.sees(CapturePage).taking
    terminal.page_taken()
    check = terminal.sees(CheckPage)
    assert (check.advice, check.kept_despite) == (Advice.GOOD, False)


def test_advice_is_passed_on_and_a_bad_page_is_not_taken_by_itself() -> None:
    terminal = at_camera()
    assert terminal.sees(CapturePage).advice is Advice.CAMERA_STARTING
    terminal.plate(Advice.GLARE)
    assert terminal.sees(CapturePage).advice is Advice.GLARE
    assert not terminal.all(TakePage)


def test_the_button_takes_it_whatever_the_advice_and_it_may_be_kept_saying_so() -> None:
    terminal = at_camera()
    terminal.plate(Advice.SHADOW)
    terminal.press(Act.TAKE_PICTURE)
    terminal.page_taken(Advice.SHADOW)
    assert terminal.sees(CheckPage).kept_despite
    terminal.press(Act.KEEP_PAGE)
    said = [line.masked for group in terminal.sees(Review).groups for line in group.lines]
    assert "1页，不够清楚" in said


def test_a_page_taken_again_is_not_taken_by_itself_before_it_was_lifted() -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.page_taken(Advice.BLURRED)
    terminal.press(Act.RETAKE_PAGE)
    terminal.plate(Advice.TAKEN)
    assert terminal.sees(CapturePage).advice is Advice.TAKEN
    assert len(terminal.all(TakePage)) == 1
    terminal.plate(Advice.NO_PAGE, paper=False)
    terminal.plate()
    assert len(terminal.all(TakePage)) == 2


def test_a_still_that_failed_says_why_and_may_be_tried_again() -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.hear(PageNotTaken(terminal.last(TakePage).scope, Advice.CUT_OFF))
    assert terminal.sees(CapturePage).advice is Advice.CUT_OFF
    terminal.plate()
    assert len(terminal.all(TakePage)) == 1  # not at once
    terminal.press(Act.TAKE_PICTURE)
    assert len(terminal.all(TakePage)) == 2


def test_a_camera_that_never_answers_is_not_waited_for_for_ever() -> None:
    terminal = at_camera()
    terminal.press(Act.TAKE_PICTURE)
    terminal.wait(16)
    capture = terminal.sees(CapturePage)
    assert (capture.taking, capture.advice) == (False, Advice.CAMERA_LOST)


def test_a_camera_unplugged_is_told() -> None:
    terminal = at_camera()
    terminal.plate()
    terminal.device(DeviceClass.DOCUMENT_CAMERA, Status.DISCONNECTED)
    assert terminal.sees(CapturePage).advice is Advice.CAMERA_LOST


def test_the_camera_is_on_only_while_it_is_needed() -> None:
    terminal = at_camera()
    assert len(terminal.all(StartCamera)) == 1
    terminal.plate()
    terminal.page_taken()
    terminal.press(Act.KEEP_PAGE)
    assert len(terminal.all(StopCamera)) == 1


def test_an_answer_meant_for_an_earlier_step_is_dropped() -> None:
    terminal = at_camera()
    terminal.plate()
    old = terminal.last(TakePage).scope
    terminal.page_taken()
    terminal.press(Act.KEEP_PAGE)
    terminal.press(Act.CHANGE, "household_page")
    terminal.press(Act.TAKE_PICTURE)
    terminal.hear(PageNotTaken(old, Advice.GLARE))
    assert terminal.sees(CapturePage).taking


# -- review ----------------------------------------------------------------------------


def test_a_change_goes_to_its_step_and_straight_back_to_the_review() -> None:
    terminal = Terminal()
    terminal.go_to(Review)
    terminal.press(Act.CHANGE, "contact")
    terminal.type("phone", "13700137000")
    terminal.press(Act.NEXT)
    full = {line.full for group in terminal.sees(Review).groups for line in group.lines}
    assert "13700137000" in full


def test_a_change_given_up_leaves_all_as_it_was() -> None:
    terminal = Terminal()
    terminal.go_to(Review)
    terminal.press(Act.CHANGE, "contact")
    terminal.type("phone", "137")
    terminal.press(Act.BACK)
    full = {line.full for group in terminal.sees(Review).groups for line in group.lines}
    assert PHONE in full
    assert PHONE in terminal.last(SaveDraft).payload


@pytest.mark.parametrize("group", ["", "no_such_group"])
def test_a_change_of_nothing_stays_at_the_review(group: str) -> None:
    terminal = Terminal()
    terminal.go_to(Review)
    terminal.press(Act.CHANGE, group)
    terminal.sees(Review)


def test_back_from_the_signature_to_the_start_step_by_step() -> None:
    terminal = Terminal()
    terminal.go_to(Sign)
    seen = []
    for _ in range(9):
        terminal.press(Act.BACK)
        seen.append(type(terminal.page).__name__)
    assert seen == [
        "Review",
        "CapturePage",
        "Form",
        "Form",
        "Form",
        "ConfirmIdentity",
        "Consent",
        "ServiceGuide",
        "TakeAway",  # the card still lies there
    ]


# -- signature ---------------------------------------------------------------------------


def test_an_empty_box_or_a_dot_is_no_signature() -> None:
    terminal = Terminal()
    terminal.go_to(Sign)
    terminal.press(Act.SUBMIT)
    assert terminal.sees(Sign).empty
    terminal.press(Act.SIGN_STROKES, strokes=(((0.5, 0.5),),))
    terminal.press(Act.SUBMIT)
    terminal.sees(Sign)
    terminal.press(Act.SIGN_STROKES, strokes=STROKES)
    assert not terminal.sees(Sign).empty
    terminal.press(Act.SIGN_STROKES)
    assert terminal.sees(Sign).empty


def test_strokes_outside_the_box_are_not_taken() -> None:
    terminal = Terminal()
    terminal.go_to(Sign)
    terminal.press(Act.SIGN_STROKES, strokes=(((0.5, 0.5), (1.5, 0.5)),))
    assert terminal.sees(Sign).empty


def test_what_is_signed_stands_above_the_box_in_three_lines_at_most() -> None:
    terminal = Terminal()
    terminal.go_to(Sign)
    sign = terminal.sees(Sign)
    assert 1 <= len(sign.statement) <= 3
    assert sign.signer_masked == "张*兰"
    assert PAGE_JPEG
