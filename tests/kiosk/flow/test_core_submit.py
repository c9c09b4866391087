"""From the signature to the receipt and the rating."""

from __future__ import annotations

import hashlib
import json

import pytest
from core_citizen import (
    ACCOUNT,
    ELDER,
    ITEM,
    PAGE_JPEG,
    PDF,
    PHONE,
    PNG,
    STROKES,
    Terminal,
    shown_text,
)

from drivers.device import DeviceClass, Fault, FaultCode, Status
from drivers.receipt_printer.values import Printed, PrintFailed
from kiosk.flow.actions import Act
from kiosk.flow.effects import (
    AddPrintResult,
    AddRating,
    EraseDraft,
    GiveUpSeal,
    MakeDocuments,
    Print,
    Seal,
)
from kiosk.flow.events import DocumentsFailed, DocumentsMade, SealFailed
from kiosk.flow.pages import (
    Accepted,
    Delivery,
    PrintState,
    Rating,
    RatingReasons,
    Review,
    Sign,
    SubmitProblem,
    SubmitProblemKind,
    Submitting,
    TakeAway,
)


def submitted() -> Terminal:
    terminal = Terminal()
    terminal.line(online=False)
    terminal.go_to(Sign)
    terminal.press(Act.SIGN_STROKES, strokes=STROKES)
    terminal.press(Act.SUBMIT)
    return terminal


def accepted(*, online: bool = False) -> tuple[Terminal, str]:
    terminal = submitted()
    terminal.line(online=online)
    terminal.documents()
    return terminal, terminal.seal()


def paper(terminal: Terminal) -> str:
    return shown_text(terminal.last(Print).lines)


def test_papers_and_signature_are_made_first_and_then_all_is_sealed_at_once() -> None:
    terminal = submitted()
    terminal.sees(Submitting)
    made = terminal.last(MakeDocuments)
    assert (made.pages, made.strokes) == ((PAGE_JPEG,), STROKES)
    assert not terminal.all(Seal)
    terminal.documents()
    terminal.sees(Submitting)
    assert not terminal.all(Print)
    seal = terminal.last(Seal)
    assert (seal.item, seal.id_number, seal.name_masked) == (ITEM, ELDER.number, "张*兰")
    assert [(part.code, part.content) for part in seal.attachments] == [
        ("household_page", PDF),
        ("signature", PNG),
    ]


def test_the_body_is_what_the_centre_expects() -> None:
    terminal = submitted()
    terminal.documents()
    body = json.loads(json.dumps(terminal.last(Seal).application))
    assert set(body) == {
        "item",
        "item_version",
        "terminal",
        "session",
        "accepted_at",
        "language",
        "consent",
        "applicant",
        "agent",
        "form",
        "materials",
        "signature",
        "earlier_number",
    }
    assert body["accepted_at"].startswith("2026-11-22T01:4")
    assert body["accepted_at"].endswith("Z")
    assert body["consent"]["version"] == 1
    assert body["applicant"]["birth"] == "1944-03-05"
    assert body["applicant"]["valid_to"] is None
    assert body["agent"] is None
    assert body["form"]["phone"] == PHONE
    material = body["materials"][0]
    assert material["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (material["bytes"], material["pages"], material["kept_despite"]) == (len(PDF), 1, "")
    assert body["signature"]["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert ELDER.number not in repr(terminal.effects)


@pytest.mark.fault(1)
@pytest.mark.parametrize(
    ("full", "kind"), [(True, SubmitProblemKind.DISK_FULL), (False, SubmitProblemKind.STORE)]
)
def test_what_could_not_be_kept_is_not_accepted_and_may_be_submitted_again(
    full: bool, kind: SubmitProblemKind
) -> None:
    terminal = submitted()
    terminal.documents()
    terminal.hear(SealFailed(terminal.last(Seal).scope, full, ""))
    assert terminal.sees(SubmitProblem).kind is kind
    assert not terminal.all(Print)
    terminal.press(Act.SUBMIT)
    terminal.sees(Submitting)
    terminal.documents()
    terminal.seal()
    terminal.sees(Accepted)
    assert terminal.last(Seal).application["form"]["phone"] == PHONE  # type: ignore[index]


def test_who_changes_what_was_signed_signs_again() -> None:
    terminal = Terminal()
    terminal.go_to(Sign)
    terminal.press(Act.SIGN_STROKES, strokes=STROKES)
    terminal.press(Act.BACK)
    terminal.press(Act.CHANGE, "account")
    terminal.press(Act.SET_FIELD, "account", value="6222021001123456789")
    terminal.press(Act.NEXT)
    terminal.sees(Review)
    terminal.press(Act.NEXT)
    sign = terminal.sees(Sign)
    assert (sign.empty, sign.changed, sign.strokes) == (True, True, ())
    terminal.press(Act.SUBMIT)
    terminal.sees(Sign)
    terminal.press(Act.SIGN_STROKES, strokes=STROKES)
    assert not terminal.sees(Sign).changed
    terminal.press(Act.SUBMIT)
    terminal.documents()
    assert terminal.last(Seal).application["form"]["account"] != ACCOUNT  # type: ignore[index]


def test_who_only_looks_back_at_it_keeps_the_signature() -> None:
    terminal = Terminal()
    terminal.go_to(Sign)
    terminal.press(Act.SIGN_STROKES, strokes=STROKES)
    terminal.press(Act.BACK)
    terminal.press(Act.CHANGE, "account")
    terminal.press(Act.SET_FIELD, "account", value="6222021001123456789")
    terminal.press(Act.BACK)  # given up: the account is as it was
    terminal.press(Act.NEXT)
    sign = terminal.sees(Sign)
    assert (sign.empty, sign.changed, sign.strokes) == (False, False, STROKES)


def test_a_disk_that_does_not_answer_is_said_to_be_unsure_and_is_waited_for() -> None:
    terminal = submitted()
    terminal.documents()
    terminal.wait(61)
    assert terminal.sees(SubmitProblem).kind is SubmitProblemKind.UNSURE
    terminal.press(Act.SUBMIT)
    terminal.sees(Submitting)
    assert len(terminal.all(Seal)) == 1  # waiting on is no second application
    terminal.seal()
    terminal.wait(1)
    terminal.sees(Accepted)
    assert not terminal.all(GiveUpSeal)


def test_who_does_not_wait_for_the_disk_takes_the_application_back() -> None:
    terminal = submitted()
    terminal.documents()
    terminal.wait(61)
    terminal.press(Act.GO_HOME)
    assert not terminal.all(GiveUpSeal)  # asked first
    terminal.press(Act.LEAVE)
    assert terminal.last(GiveUpSeal).scope == terminal.last(Seal).scope
    terminal.sees(TakeAway)


def test_papers_that_could_not_be_put_together_are_told_and_all_is_still_there() -> None:
    terminal = submitted()
    terminal.hear(DocumentsFailed(terminal.last(MakeDocuments).scope, "child lost"))
    assert terminal.sees(SubmitProblem).kind is SubmitProblemKind.DOCUMENTS
    terminal.press(Act.BACK)
    assert terminal.sees(Sign).strokes == STROKES


def test_an_answer_to_the_attempt_before_is_dropped() -> None:
    terminal = submitted()
    first = terminal.last(MakeDocuments).scope
    terminal.wait(31)
    assert terminal.sees(SubmitProblem).kind is SubmitProblemKind.DOCUMENTS
    terminal.press(Act.SUBMIT)
    terminal.hear(DocumentsMade(first, PDF, PNG))
    assert not terminal.all(Seal)
    terminal.documents()
    assert len(terminal.all(Seal)) == 1


def test_a_commit_that_comes_late_is_still_believed() -> None:
    terminal = submitted()
    terminal.documents()
    terminal.wait(61)
    assert terminal.sees(SubmitProblem).kind is SubmitProblemKind.UNSURE
    terminal.seal()
    terminal.sees(Accepted)


@pytest.mark.fault(8)
def test_submitting_again_while_the_disk_still_thinks_never_makes_two_of_it() -> None:
    terminal = submitted()
    terminal.documents()
    terminal.wait(61)
    terminal.press(Act.BACK)
    terminal.sees(SubmitProblem)
    terminal.press(Act.SUBMIT)
    terminal.sees(Submitting)
    assert len(terminal.all(Seal)) == 1
    terminal.seal()
    terminal.sees(Accepted)


def test_while_it_is_submitted_nobody_is_timed_out_and_nobody_leaves() -> None:
    terminal = submitted()
    terminal.wait(25)
    terminal.documents()
    terminal.wait(55)
    assert terminal.view.overlay is None
    terminal.press(Act.GO_HOME)
    assert terminal.view.overlay is None
    terminal.sees(Submitting)


def test_however_fast_the_disk_is_the_page_stands_long_enough_to_be_read() -> None:
    terminal = submitted()
    terminal.hear(DocumentsMade(terminal.last(MakeDocuments).scope, PDF, PNG))
    terminal.seal()
    terminal.sees(Submitting)
    assert terminal.all(EraseDraft)  # what is sealed does not wait for the eye
    terminal.wait(0.75)
    terminal.sees(Submitting)
    terminal.wait(0.25)
    terminal.sees(Accepted)


def test_the_draft_is_erased_once_it_is_sealed() -> None:
    terminal, _ = accepted()
    assert terminal.last(EraseDraft).card_number == ELDER.number


# -- the receipt -----------------------------------------------------------------------


def test_without_the_line_the_receipt_says_so_at_once() -> None:
    terminal, number = accepted()
    assert terminal.sees(Accepted).delivery is Delivery.WAITING
    assert "已受理，待上传" in paper(terminal)
    assert "补打" not in paper(terminal)
    assert number[:4] in paper(terminal)


def test_with_the_line_the_receipt_waits_a_moment_for_the_centre() -> None:
    terminal, number = accepted(online=True)
    assert terminal.sees(Accepted).delivery is Delivery.SENDING
    assert not terminal.all(Print)
    terminal.wait(1)
    terminal.delivered(number)
    assert terminal.sees(Accepted).delivery is Delivery.DELIVERED
    assert "已受理，已上传" in paper(terminal)


def test_a_slow_centre_does_not_hold_up_the_receipt() -> None:
    terminal, number = accepted(online=True)
    terminal.wait(4)
    assert "已受理，待上传" in paper(terminal)
    terminal.delivered(number)
    assert len(terminal.all(Print)) == 1
    assert terminal.sees(Accepted).delivery is Delivery.DELIVERED


def test_somebody_elses_delivery_is_not_mine() -> None:
    terminal, _ = accepted()
    terminal.delivered("QS01261101000355")
    assert terminal.sees(Accepted).delivery is Delivery.WAITING


def test_printed_is_said_when_the_printer_said_so() -> None:
    terminal, number = accepted()
    assert terminal.sees(Accepted).print_state is PrintState.PRINTING
    terminal.hear(Printed("another-job"))
    assert terminal.sees(Accepted).print_state is PrintState.PRINTING
    terminal.printed()
    assert terminal.sees(Accepted).print_state is PrintState.PRINTED
    result = terminal.last(AddPrintResult)
    assert (result.number, result.result) == (number, "printed")


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (FaultCode.PAPER_OUT, PrintState.PAPER_OUT),
        (FaultCode.COVER_OPEN, PrintState.COVER_OPEN),
        (FaultCode.JAMMED, PrintState.JAMMED),
        (FaultCode.CUTTER, PrintState.JAMMED),
        (FaultCode.SILENT, PrintState.UNKNOWN),
        (FaultCode.DISCONNECTED, PrintState.UNAVAILABLE),
    ],
)
def test_paper_that_did_not_come_is_told_and_the_qr_is_on_the_screen(
    fault: FaultCode, state: PrintState
) -> None:
    terminal, number = accepted()
    terminal.print_fails(fault)
    page = terminal.sees(Accepted)
    assert page.print_state is state
    assert number in page.qr_text
    assert terminal.last(AddPrintResult).result == state.value


@pytest.mark.fault(3)
def test_a_printer_that_never_answers_is_unknown_and_its_late_word_is_taken() -> None:
    terminal, _ = accepted()
    terminal.wait(31)
    assert terminal.sees(Accepted).print_state is PrintState.UNKNOWN
    terminal.printed()
    assert terminal.sees(Accepted).print_state is PrintState.PRINTED


def test_who_has_cleared_a_jam_and_asks_again_gets_a_try_at_once() -> None:
    """The printer calls itself jammed until it is told that it may go on."""
    terminal = submitted()
    terminal.device(DeviceClass.RECEIPT_PRINTER, Status.JAMMED)
    terminal.documents()
    terminal.seal()
    assert terminal.sees(Accepted).print_state is PrintState.JAMMED
    assert not terminal.all(Print)
    terminal.press(Act.PRINT_AGAIN)
    assert terminal.sees(Accepted).print_state is PrintState.PRINTING
    assert len(terminal.all(Print)) == 1


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status.OUT, PrintState.PAPER_OUT),
        (Status.COVER_OPEN, PrintState.COVER_OPEN),
        (Status.JAMMED, PrintState.JAMMED),
        (Status.NOT_INSTALLED, PrintState.UNAVAILABLE),
        (Status.POWERED_OFF, PrintState.UNAVAILABLE),
    ],
)
def test_a_printer_that_says_it_cannot_is_not_asked(status: Status, state: PrintState) -> None:
    terminal = submitted()
    terminal.device(DeviceClass.RECEIPT_PRINTER, status)
    terminal.documents()
    terminal.seal()
    assert terminal.sees(Accepted).print_state is state
    assert not terminal.all(Print)


def test_a_printer_that_comes_back_may_be_asked_for_the_receipt_that_it_missed() -> None:
    terminal = submitted()
    terminal.device(DeviceClass.RECEIPT_PRINTER, Status.DISCONNECTED)
    terminal.documents()
    terminal.seal()
    assert not terminal.sees(Accepted).printer_back
    terminal.device(DeviceClass.RECEIPT_PRINTER, Status.READY)
    assert terminal.sees(Accepted).print_state is PrintState.UNAVAILABLE
    assert terminal.sees(Accepted).printer_back
    terminal.press(Act.PRINT_AGAIN)
    terminal.printed()
    assert terminal.sees(Accepted).print_state is PrintState.PRINTED


@pytest.mark.fault(2, 3)
def test_print_again_prints_exactly_one_more_and_marks_it() -> None:
    terminal, _ = accepted()
    terminal.double(Act.PRINT_AGAIN)  # while it prints: nothing
    assert len(terminal.all(Print)) == 1
    terminal.print_fails(FaultCode.PAPER_OUT)
    terminal.double(Act.PRINT_AGAIN)
    assert len(terminal.all(Print)) == 2
    assert "补打" in paper(terminal)
    assert len({effect.job for effect in terminal.all(Print)}) == 2
    terminal.printed()
    assert terminal.sees(Accepted).print_state is PrintState.PRINTED


def test_a_receipt_of_which_nothing_was_sent_before_is_no_copy() -> None:
    terminal, _ = accepted()
    job = terminal.last(Print).job
    terminal.hear(PrintFailed(job, Fault(FaultCode.DISCONNECTED), begun=False))
    terminal.double(Act.PRINT_AGAIN)
    assert len(terminal.all(Print)) == 2
    assert "补打" not in paper(terminal)


def test_going_on_without_paper_is_noted() -> None:
    terminal, _ = accepted()
    terminal.print_fails(FaultCode.JAMMED)
    terminal.press(Act.WITHOUT_PAPER)
    assert terminal.sees(Accepted).print_state is PrintState.DECLINED
    assert terminal.last(AddPrintResult).result == "declined"


def test_who_rates_while_it_prints_is_told_afterwards_that_no_paper_came() -> None:
    terminal, _ = accepted()
    terminal.press(Act.NEXT)
    terminal.sees(Rating)
    terminal.print_fails(FaultCode.PAPER_OUT)
    terminal.sees(Rating)
    terminal.press(Act.RATE, "4")
    page = terminal.sees(Accepted)
    assert (page.print_state, page.may_rate) == (PrintState.PAPER_OUT, False)
    terminal.press(Act.FINISH)
    terminal.sees(TakeAway)
    assert len(terminal.all(AddRating)) == 1


def test_who_ends_while_it_prints_waits_for_the_paper() -> None:
    terminal, _ = accepted()
    terminal.press(Act.FINISH)
    assert terminal.sees(Accepted).finishing
    terminal.printed()
    assert terminal.sees(TakeAway).receipt


def test_who_ends_while_it_prints_and_no_paper_comes_is_told() -> None:
    terminal, _ = accepted()
    terminal.press(Act.GO_HOME)
    terminal.print_fails(FaultCode.PAPER_OUT)
    assert terminal.sees(Accepted).print_state is PrintState.PAPER_OUT
    terminal.press(Act.WITHOUT_PAPER)
    terminal.press(Act.FINISH)
    assert not terminal.sees(TakeAway).receipt


# -- the rating ------------------------------------------------------------------------


def at_rating() -> Terminal:
    terminal, _ = accepted()
    terminal.printed()
    terminal.press(Act.NEXT)
    return terminal


def test_a_good_rating_ends_it() -> None:
    terminal = at_rating()
    terminal.press(Act.RATE, "4")
    rating = terminal.last(AddRating)
    assert (rating.level, rating.reasons, rating.channel) == (4, (), "screen")
    assert terminal.sees(TakeAway).thanks


def test_the_keypad_rates_as_well_and_only_once() -> None:
    terminal = at_rating()
    terminal.key("5")
    terminal.key("5")
    terminal.key("1")
    ratings = terminal.all(AddRating)
    assert [(rating.level, rating.channel) for rating in ratings] == [(5, "keypad")]


@pytest.mark.parametrize("level", ["1", "2"])
def test_a_bad_rating_asks_why_and_takes_only_its_own_reasons(level: str) -> None:
    terminal = at_rating()
    terminal.press(Act.RATE, level)
    reasons = terminal.sees(RatingReasons).reasons
    assert len(reasons) == 8
    terminal.press(Act.TOGGLE_REASON, reasons[0].code)
    terminal.press(Act.TOGGLE_REASON, reasons[1].code)
    terminal.press(Act.TOGGLE_REASON, reasons[1].code)
    terminal.press(Act.TOGGLE_REASON, "510")
    terminal.press(Act.NEXT)
    rating = terminal.last(AddRating)
    assert (rating.level, rating.reasons) == (int(level), (reasons[0].code,))


def test_reasons_may_be_left_out_and_a_level_that_was_pressed_counts() -> None:
    terminal = at_rating()
    terminal.key("2")
    terminal.sees(RatingReasons)
    terminal.wait(46)
    assert (terminal.last(AddRating).level, terminal.last(AddRating).reasons) == (2, ())


def test_a_second_key_while_the_reasons_are_asked_changes_nothing() -> None:
    terminal = at_rating()
    terminal.key("2")
    terminal.key("5")
    terminal.key("skip")
    assert terminal.sees(RatingReasons).level == 2


def test_going_back_from_the_reasons_rates_anew() -> None:
    terminal = at_rating()
    terminal.press(Act.RATE, "1")
    terminal.press(Act.BACK)
    terminal.sees(Rating)
    terminal.press(Act.RATE, "5")
    assert [rating.level for rating in terminal.all(AddRating)] == [5]


@pytest.mark.parametrize("way", ["skip", "key", "wait", "taken back", "junk"])
def test_no_rating_is_no_rating(way: str) -> None:
    terminal = at_rating()
    match way:
        case "skip":
            terminal.press(Act.SKIP_RATING)
        case "key":
            terminal.key("skip")
        case "wait":
            terminal.wait(46)
        case "taken back":
            terminal.press(Act.RATE, "1")
            terminal.press(Act.SKIP_RATING)
        case _:
            terminal.press(Act.RATE, "6")
            terminal.sees(Rating)
            terminal.press(Act.SKIP_RATING)
    assert not terminal.all(AddRating)
    assert not terminal.sees(TakeAway).thanks


def test_somebody_who_touches_the_rating_is_given_time() -> None:
    terminal = at_rating()
    terminal.wait(40)
    terminal.session.touch()
    terminal.wait(10)
    assert terminal.sees(Rating).seconds_left == 35


def test_not_to_rate_is_as_near_as_to_rate() -> None:
    terminal, _ = accepted()
    terminal.printed()
    terminal.press(Act.SKIP_RATING)
    terminal.sees(TakeAway)
    assert not terminal.all(AddRating)
