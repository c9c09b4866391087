"""Who applied before comes again: the receipt is printed once more, and papers are handed in later."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from core_citizen import (
    EARLIER,
    EARLIER_QR,
    ELDER,
    ITEM,
    PAGE_JPEG,
    PDF,
    RELATIVE_CARD,
    SHIPPED,
    SIGNATURE,
    Terminal,
    card,
    shown_text,
)
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import DeviceClass, FaultCode, Status
from kiosk.catalogue.load import Catalogue, load
from kiosk.clock import days_back, local
from kiosk.flow.actions import Act
from kiosk.flow.case import Case
from kiosk.flow.earlier import last_day
from kiosk.flow.effects import (
    AddPrintResult,
    AddRating,
    EraseDraft,
    GiveUpSeal,
    HandIn,
    LookForDraft,
    LookForEarlier,
    MakeDocuments,
    Print,
    SaveDraft,
    Seal,
)
from kiosk.flow.events import DocumentsMade, DraftKnown, EarlierKnown, Sealed, SealFailed
from kiosk.flow.pages import (
    Accepted,
    CapturePage,
    CardProblem,
    CardProblemKind,
    CheckPage,
    ConfirmIdentity,
    Delivery,
    DraftFound,
    EarlierApplication,
    Form,
    GoOn,
    PlaceIdCard,
    PrintState,
    ProgressKind,
    Rating,
    Review,
    Standby,
    SubmitProblem,
    SubmitProblemKind,
    Submitting,
    TakeAway,
    Visit,
)
from kiosk.flow.view import LeaveQuestion
from kiosk.receipts.number import make, qr_text

PACKAGE = Path(__file__).resolve().parents[3] / "kiosk/catalogue/packages/old_age_allowance.yaml"
KEPT = (
    ("事项", "高龄津贴申领（旧名）"),
    ("申请人", "张*兰"),
    ("手机", "138****8000"),
    ("办理部门", "民政"),
    ("办理时限", "5个工作日内"),
)
HERE: dict[str, Any] = {"lacks": ("household_page",), "receipt": KEPT, "qr_text": EARLIER_QR}
OTHER = card("李国强", date(1940, 1, 1), "154")


def at_lookup(catalogue: Catalogue | None = None) -> Terminal:
    terminal = Terminal(catalogue=catalogue)
    terminal.line(online=False)
    terminal.go_to(ConfirmIdentity)
    terminal.press(Act.CONFIRM_IDENTITY)
    return terminal


def at_earlier(catalogue: Catalogue | None = None, **known: Any) -> Terminal:
    terminal = at_lookup(catalogue)
    terminal.known_before(**(known or HERE))
    return terminal


def at_camera(catalogue: Catalogue | None = None, **known: Any) -> Terminal:
    terminal = at_earlier(catalogue, **known)
    terminal.press(Act.HAND_IN)
    terminal.wait(1)
    return terminal


def take(terminal: Terminal, image: str = "page-1") -> None:
    terminal.wait(1)
    terminal.plate()
    terminal.page_taken(image=image)
    terminal.press(Act.KEEP_PAGE)


def at_review(**known: Any) -> Terminal:
    terminal = at_camera(**known)
    take(terminal)
    return terminal


def submitted() -> Terminal:
    terminal = at_review()
    terminal.press(Act.NEXT)
    terminal.documents()
    return terminal


def kept(terminal: Terminal, *, qr: str = EARLIER_QR) -> None:
    """The disk has them."""
    hand_in = terminal.last(HandIn)
    terminal.hear(Sealed(hand_in.scope, hand_in.number, qr, terminal.clock.utc()))


def handed_in() -> Terminal:
    terminal = submitted()
    kept(terminal)
    return terminal


def paper(terminal: Terminal) -> str:
    return shown_text(terminal.last(Print).lines)


def allowance(folder: Path, *materials: dict[str, object]) -> Catalogue:
    """The allowance with other papers."""
    item = yaml.safe_load(PACKAGE.read_text(encoding="utf-8"))
    item["materials"] = [
        {"name": {"zh": f"材料{one['code']}", "en": f"Paper {one['code']}"}, **one}
        for one in materials
    ]
    at = next(n for n, step in enumerate(item["steps"]) if "material" in step)
    item["steps"][at : at + 1] = [{"kind": "capture", "material": one["code"]} for one in materials]
    (folder / f"{ITEM}.yaml").write_text(yaml.safe_dump(item, allow_unicode=True), encoding="utf-8")
    catalogue = load(folder)
    assert not catalogue.closed, catalogue
    return catalogue


@pytest.fixture
def three(tmp_path: Path) -> Catalogue:
    """One paper that must be there, two that may follow."""
    later = {"required": False}
    return allowance(
        tmp_path, {"code": "must"}, {"code": "first", **later}, {"code": "second", **later}
    )


# -- the receipt, printed again ----------------------------------------------------------


@pytest.mark.fault(2)
def test_whose_receipt_never_came_gets_it_whole_and_marked_and_no_second_application() -> None:
    terminal = at_earlier(**HERE, printed=False, state=ProgressKind.WAITING_HERE)
    page = terminal.sees(EarlierApplication)
    assert (page.may_print, page.printed) == (True, False)
    assert not terminal.all(Print)  # not before somebody asks for it
    terminal.press(Act.PRINT_AGAIN)
    shown = terminal.sees(Accepted)
    assert (shown.number, shown.qr_text) == (EARLIER, EARLIER_QR)
    assert (shown.visit, shown.print_state) == (Visit.REPRINT, PrintState.PRINTING)
    assert terminal.view.steps is None
    text = paper(terminal)
    assert "（补打）" in text
    for label, value in KEPT:
        assert f"{label} {value}" in text
    assert f"[{EARLIER_QR}]" in text
    assert "受理时间 2026-11-12 09:4" in text
    assert "已受理，待上传" in text
    assert "还要补交：户口簿本人页" in text
    terminal.printed()
    assert terminal.sees(Accepted).print_state is PrintState.PRINTED
    assert (terminal.last(AddPrintResult).number, terminal.last(AddPrintResult).result) == (
        EARLIER,
        "printed",
    )
    terminal.press(Act.FINISH)
    assert terminal.sees(TakeAway).receipt
    assert not terminal.all(Seal) and not terminal.all(AddRating)


def test_what_the_centre_has_is_said_on_the_copy_and_in_english_if_that_was_chosen() -> None:
    terminal = at_earlier()
    terminal.line(online=True)
    terminal.press(Act.TOGGLE_LANGUAGE)
    terminal.press(Act.PRINT_AGAIN)  # at once: nothing is waited for
    text = paper(terminal)
    assert "Accepted and sent" in text
    assert "Service Old-age allowance" in text
    assert "Applicant 张*兰" in text
    assert "民政" not in text


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    ("code", "state"),
    [
        (FaultCode.PAPER_OUT, PrintState.PAPER_OUT),
        (FaultCode.JAMMED, PrintState.JAMMED),
        (FaultCode.TIMED_OUT, PrintState.UNKNOWN),
    ],
)
def test_a_copy_that_does_not_come_out_is_told_as_every_receipt_and_tried_again(
    code: FaultCode, state: PrintState
) -> None:
    terminal = at_earlier()
    terminal.press(Act.PRINT_AGAIN)
    terminal.print_fails(code)
    assert terminal.sees(Accepted).print_state is state
    assert terminal.last(AddPrintResult).result == state.value
    terminal.press(Act.PRINT_AGAIN)
    terminal.printed()
    assert terminal.sees(Accepted).print_state is PrintState.PRINTED
    assert len({job.job for job in terminal.all(Print)}) == 2


def test_a_printer_without_paper_shows_the_code_on_the_screen_at_once() -> None:
    terminal = at_earlier()
    terminal.device(DeviceClass.RECEIPT_PRINTER, Status.OUT)
    terminal.press(Act.PRINT_AGAIN)
    assert terminal.sees(Accepted).print_state is PrintState.PAPER_OUT
    assert not terminal.all(Print)


def test_from_the_copy_one_goes_back_and_hands_in_the_paper_as_well() -> None:
    terminal = at_earlier()
    terminal.press(Act.PRINT_AGAIN)
    first = terminal.last(Print).job
    terminal.press(Act.BACK)  # not while paper is coming
    terminal.sees(Accepted)
    terminal.printed()
    terminal.press(Act.BACK)
    terminal.sees(EarlierApplication)
    terminal.press(Act.HAND_IN)
    take(terminal)
    terminal.press(Act.NEXT)
    terminal.documents()
    kept(terminal)
    assert "补交材料回执" in paper(terminal)
    assert terminal.last(Print).job != first
    terminal.print_fails(FaultCode.PAPER_OUT)
    terminal.press(Act.WITHOUT_PAPER)
    terminal.press(Act.FINISH)
    assert terminal.sees(TakeAway).receipt  # the first one may lie there still


@pytest.mark.parametrize("act", [Act.PRINT_AGAIN, Act.HAND_IN])
def test_without_the_card_on_the_reader_neither_receipt_nor_papers(act: Act) -> None:
    terminal = at_earlier()
    terminal.lift_card()
    assert not terminal.sees(EarlierApplication).card_there
    terminal.press(act)
    terminal.sees(EarlierApplication)
    assert not terminal.all(Print)
    terminal.lay_card(ELDER)
    assert terminal.sees(EarlierApplication).card_there
    terminal.press(act)
    terminal.sees(Accepted if act is Act.PRINT_AGAIN else CapturePage)


def test_another_persons_card_on_that_page_gets_nothing() -> None:
    terminal = at_earlier()
    terminal.lift_card()
    terminal.lay_card(OTHER)
    assert terminal.sees(CardProblem).kind is CardProblemKind.SOMEONE_ELSES
    terminal.press(Act.PRINT_AGAIN)
    terminal.press(Act.BACK)
    assert not terminal.sees(EarlierApplication).card_there
    for act in (Act.PRINT_AGAIN, Act.HAND_IN):
        terminal.press(act)
    terminal.sees(EarlierApplication)
    assert not terminal.all(Print) and not terminal.all(HandIn)


def test_only_the_terminal_that_keeps_the_application_prints_its_receipt() -> None:
    terminal = at_earlier(state=ProgressKind.IN_REVIEW, held=("household_page", "signature"))
    page = terminal.sees(EarlierApplication)
    assert (page.may_print, page.may_hand_in) == (False, False)
    terminal.press(Act.PRINT_AGAIN)
    terminal.press(Act.HAND_IN)
    terminal.sees(EarlierApplication)


def test_who_leaves_in_the_middle_of_a_copy_is_asked_to_take_it() -> None:
    terminal = at_earlier()
    terminal.press(Act.PRINT_AGAIN)
    terminal.press(Act.GO_HOME)
    assert terminal.sees(Accepted).finishing
    terminal.printed()
    assert terminal.sees(TakeAway).receipt


# -- what is asked for ---------------------------------------------------------------------


def test_what_was_left_for_later_is_named_and_asked_for() -> None:
    page = at_earlier().sees(EarlierApplication)
    assert [words.get("zh") for words in page.to_follow] == ["户口簿本人页"]
    assert page.may_hand_in


def test_the_centre_is_asked_too_and_what_it_wants_is_shown() -> None:
    terminal = at_lookup()
    terminal.line(online=True)
    terminal.known_before(**{**HERE, "lacks": ()}, centre_asked=True)
    assert terminal.sees(ConfirmIdentity).looking
    terminal.centre_knows(
        state=ProgressKind.NEEDS_MORE, held=("household_page",), note="户口簿首页不清楚"
    )
    page = terminal.sees(EarlierApplication)
    assert (page.state, page.note) == (ProgressKind.NEEDS_MORE, "户口簿首页不清楚")
    assert page.may_hand_in and page.may_print
    assert "户口簿首页不清楚" not in repr(terminal.view)
    terminal.press(Act.HAND_IN)
    terminal.sees(CapturePage)


def test_a_dead_line_keeps_nobody_waiting_for_the_centre() -> None:
    terminal = at_lookup()
    terminal.known_before(**HERE, centre_asked=True)
    assert terminal.sees(EarlierApplication).number == EARLIER


def test_a_centre_that_does_not_answer_is_waited_for_five_seconds() -> None:
    terminal = at_lookup()
    terminal.line(online=True)
    terminal.known_before(**HERE, centre_asked=True)
    terminal.wait(3.5)
    terminal.sees(ConfirmIdentity)
    terminal.wait(2)
    assert terminal.sees(EarlierApplication).may_print
    terminal.centre_knows(state=ProgressKind.NEEDS_MORE)  # too late to change the page under a hand
    assert terminal.sees(EarlierApplication).state is ProgressKind.RECEIVED


def test_a_newer_application_of_another_terminal_is_the_one_that_counts() -> None:
    newer = make("QS02", 12, Terminal().clock.utc())
    terminal = at_lookup()
    terminal.line(online=True)
    terminal.known_before(**HERE, centre_asked=True)
    terminal.centre_knows(newer, days_ago=2, state=ProgressKind.RECEIVED, held=())
    page = terminal.sees(EarlierApplication)
    assert (page.number, page.may_print, page.may_hand_in) == (newer, False, True)


def test_an_older_application_of_another_terminal_does_not_hide_the_one_kept_here() -> None:
    terminal = at_lookup()
    terminal.line(online=True)
    terminal.known_before(**HERE, centre_asked=True)
    older = make("QS02", 12, terminal.clock.utc())
    terminal.centre_knows(older, days_ago=20, state=ProgressKind.GRANTED, held=())
    assert terminal.sees(EarlierApplication).number == EARLIER


@pytest.mark.parametrize(
    ("known", "asked_for"),
    [
        ({"lacks": ("first", "second")}, ["first", "second"]),
        ({"lacks": ("first", "second"), "held": ("must", "second")}, ["first"]),
        ({"held": ("must",)}, ["first", "second"]),  # of another terminal: what the centre lacks
        ({"held": ("must", "first", "second")}, []),
        ({"lacks": ("gone",)}, []),  # the item has no such paper any more
        ({"lacks": (), "state": ProgressKind.NEEDS_MORE}, ["must", "first", "second"]),
        ({"lacks": ("first",), "state": ProgressKind.GRANTED}, []),
        (  # handed in here already; the centre has only not heard of it
            {"lacks": (), "state": ProgressKind.NEEDS_MORE, "following": ("must",)},
            [],
        ),
    ],
)
def test_exactly_the_papers_that_are_wanted_are_asked_for(
    three: Catalogue, known: dict[str, Any], asked_for: list[str]
) -> None:
    terminal = at_camera(three, **known)
    if not asked_for:
        assert not terminal.sees(EarlierApplication).may_hand_in
        return
    lines = terminal.sees(CapturePage).lines
    assert [line.code for line in lines] == asked_for


def test_what_was_handed_in_here_a_moment_ago_is_not_asked_for_again() -> None:
    terminal = at_earlier(
        lacks=(),
        following=("household_page",),
        state=ProgressKind.NEEDS_MORE,
        note="户口簿",
        qr_text=EARLIER_QR,
    )
    page = terminal.sees(EarlierApplication)
    assert (page.papers_wait, page.note, page.may_hand_in) == (True, "", False)


@pytest.mark.parametrize(("days_ago", "shown"), [(30.3, True), (30.5, False)])
def test_the_last_day_that_was_told_is_a_whole_day(days_ago: float, shown: bool) -> None:
    """09:41 on the thirtieth day after an application of half past two in the night, and after one
    of the evening before."""
    terminal = at_earlier(**HERE, days_ago=days_ago)
    terminal.sees(EarlierApplication if shown else Form)


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    later=st.integers(0, 40 * 24 * 60),
)
def test_what_is_looked_for_is_what_the_last_day_promises(at: datetime, later: int) -> None:
    item = SHIPPED.find(ITEM)
    assert item is not None and item.earlier is not None
    now = at + timedelta(minutes=later)
    found = at >= days_back(now, item.earlier.within_days)
    assert found == (local(now).date() <= last_day(item, at))


def test_what_the_office_asks_for_is_told_however_old_the_application_is(three: Catalogue) -> None:
    terminal = at_camera(
        three, state=ProgressKind.NEEDS_MORE, lacks=("first", "second"), days_ago=90
    )
    take(terminal)
    terminal.press(Act.NEXT)
    terminal.press(Act.NEXT)
    terminal.press(Act.NEXT)
    terminal.documents()
    kept(terminal)
    page = terminal.sees(Accepted)
    assert page.to_follow and page.follow_by is None  # a day that is over is not told
    assert "最晚" not in paper(terminal)


def test_a_refused_application_asks_for_nothing_and_leads_to_a_new_one() -> None:
    terminal = at_lookup()
    terminal.line(online=True)
    terminal.known_before(**HERE, centre_asked=True)
    terminal.centre_knows(state=ProgressKind.REFUSED, held=())
    page = terminal.sees(EarlierApplication)
    assert (page.state, page.may_hand_in, page.may_print, page.to_follow) == (
        ProgressKind.REFUSED,
        False,
        False,
        (),
    )
    terminal.press(Act.APPLY_AGAIN)
    terminal.sees(Form)


def test_what_the_centre_could_not_take_is_neither_called_waiting_nor_printed() -> None:
    terminal = at_earlier(**HERE, state=ProgressKind.AT_STAFF)
    page = terminal.sees(EarlierApplication)
    assert (page.state, page.may_hand_in, page.may_print, page.to_follow) == (
        ProgressKind.AT_STAFF,
        False,
        False,
        (),
    )
    for act in (Act.PRINT_AGAIN, Act.HAND_IN):
        terminal.press(act)
    terminal.sees(EarlierApplication)


@pytest.mark.parametrize(
    "state", [ProgressKind.AT_STAFF, ProgressKind.REFUSED, ProgressKind.GRANTED]
)
def test_papers_on_their_way_do_not_hide_what_became_of_the_application(
    state: ProgressKind,
) -> None:
    terminal = at_earlier(**{**HERE, "following": ("household_page",)}, state=state)
    page = terminal.sees(EarlierApplication)
    assert (page.state, page.papers_wait) == (state, False)


def test_what_staff_brought_to_the_centre_by_hand_is_as_the_centre_says() -> None:
    terminal = at_lookup()
    terminal.line(online=True)
    terminal.known_before(**HERE, state=ProgressKind.AT_STAFF, centre_asked=True)
    terminal.centre_knows(state=ProgressKind.IN_REVIEW, held=())
    page = terminal.sees(EarlierApplication)
    assert (page.state, page.may_hand_in) == (ProgressKind.IN_REVIEW, True)


def test_the_copy_of_a_granted_one_asks_for_nothing_any_more() -> None:
    terminal = at_earlier(**HERE, state=ProgressKind.GRANTED)
    assert terminal.sees(EarlierApplication).to_follow == ()
    terminal.press(Act.PRINT_AGAIN)
    assert terminal.sees(Accepted).to_follow == ()
    assert "补交" not in paper(terminal)


def test_the_word_for_papers_of_before_is_not_taken_for_that_of_these() -> None:
    terminal = at_camera(**{**HERE, "following": ("proof",)})
    take(terminal)
    terminal.press(Act.NEXT)
    terminal.documents()
    terminal.line(online=True)
    kept(terminal)
    terminal.delivered(EARLIER, papers=True)
    assert "已收到，待上传" in paper(terminal)
    assert terminal.sees(Accepted).delivery is Delivery.SENDING


def test_after_a_copy_that_came_out_nobody_is_told_that_it_never_did() -> None:
    terminal = at_earlier(**HERE, printed=False)
    terminal.press(Act.PRINT_AGAIN)
    terminal.printed()
    terminal.press(Act.BACK)
    assert terminal.sees(EarlierApplication).printed


def test_another_copy_is_printed_only_while_the_card_lies_there() -> None:
    terminal = at_earlier()
    terminal.press(Act.PRINT_AGAIN)
    terminal.print_fails(FaultCode.PAPER_OUT)
    terminal.lift_card()
    assert not terminal.sees(Accepted).may_print_again
    terminal.press(Act.PRINT_AGAIN)
    assert len(terminal.all(Print)) == 1
    terminal.lay_card(ELDER)
    terminal.press(Act.PRINT_AGAIN)
    assert len(terminal.all(Print)) == 2


def test_the_receipt_of_papers_is_told_apart_from_that_of_the_application() -> None:
    terminal = handed_in()
    terminal.printed()
    assert terminal.last(AddPrintResult).papers


# -- handing in ---------------------------------------------------------------------------------


def test_the_way_is_camera_review_and_done_without_form_or_signature() -> None:
    terminal = at_camera()
    assert terminal.view.steps is not None
    assert terminal.view.steps.names == ("identity", "materials", "review", "submit")
    take(terminal)
    review = terminal.sees(Review)
    assert review.visit is Visit.HAND_IN
    said = [line.masked for group in review.groups for line in group.lines]
    assert "张玉兰" not in said
    assert said[1:] == ["张*兰", "1页，已拍好"]
    assert said[0].replace(" ", "") == EARLIER
    terminal.press(Act.NEXT)
    assert terminal.sees(Submitting).visit is Visit.HAND_IN
    assert terminal.last(MakeDocuments).pages == (PAGE_JPEG,)
    terminal.documents()
    assert not terminal.all(Print)  # not before the disk has them
    kept(terminal)
    page = terminal.sees(Accepted)
    assert (page.number, page.visit, page.delivery) == (EARLIER, Visit.HAND_IN, Delivery.WAITING)
    assert page.to_follow == ()
    text = paper(terminal)
    for words in ("补交材料回执", "已收到，待上传", "补交材料 户口簿本人页", "申请人 张*兰"):
        assert words in text
    assert f"[{EARLIER_QR}]" in text
    assert "补打" not in text
    assert not terminal.all(Seal)


def test_what_goes_to_the_centre_names_application_person_and_papers() -> None:
    hand_in = submitted().last(HandIn)
    assert (hand_in.number, hand_in.item, hand_in.codes) == (EARLIER, ITEM, ("household_page",))
    assert [(one.code, one.content) for one in hand_in.attachments] == [("household_page", PDF)]
    body = json.loads(json.dumps(hand_in.papers))
    assert set(body) == {
        "item", "terminal", "session", "language", "by", "agent", "materials", "signature",
    }  # fmt: skip
    assert body["by"]["number"] == ELDER.number
    assert (body["agent"], body["signature"]) == (None, None)
    assert body["materials"][0]["pages"] == 1
    assert ELDER.number not in repr(hand_in)


def test_a_relative_brings_the_paper_with_the_elders_card() -> None:
    terminal = Terminal()
    terminal.go_to(PlaceIdCard)
    terminal.press(Act.FOR_RELATIVE)
    terminal.lay_card(RELATIVE_CARD)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.lift_card()
    terminal.lay_card(ELDER)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.known_before(**HERE)
    terminal.press(Act.HAND_IN)
    take(terminal)
    terminal.press(Act.NEXT)
    terminal.documents()
    body: Any = terminal.last(HandIn).papers
    assert (body["by"]["number"], body["agent"]["number"]) == (ELDER.number, RELATIVE_CARD.number)


def test_who_brought_only_one_of_two_is_told_what_is_still_to_come(three: Catalogue) -> None:
    terminal = at_camera(three, lacks=("first", "second"), qr_text=EARLIER_QR)
    assert terminal.sees(CapturePage).go_on is GoOn.WITHOUT
    take(terminal)
    assert terminal.sees(CapturePage).go_on is GoOn.WITHOUT  # the other may wait
    terminal.press(Act.NEXT)
    said = [line.masked for group in terminal.sees(Review).groups for line in group.lines]
    assert said[2:] == ["1页，已拍好", "这次没有交"]
    terminal.press(Act.NEXT)
    terminal.documents()
    assert terminal.last(HandIn).codes == ("first",)
    kept(terminal)
    assert [words.get("zh") for words in terminal.sees(Accepted).to_follow] == ["材料second"]
    assert "还要补交：材料second" in paper(terminal)
    assert "最晚2026-12-12" in paper(terminal)  # counted from the application, ten days ago


def test_nothing_at_all_cannot_be_handed_in(three: Catalogue) -> None:
    terminal = at_camera(three, lacks=("first", "second"))
    terminal.press(Act.NEXT)
    assert terminal.sees(CapturePage).go_on is GoOn.NO
    terminal.press(Act.NEXT)
    terminal.sees(CapturePage)
    terminal.press(Act.BACK)
    terminal.press(Act.BACK)
    terminal.sees(EarlierApplication)


def test_back_leads_to_the_application_and_from_there_one_may_still_apply_anew() -> None:
    terminal = at_review()
    terminal.press(Act.BACK)
    terminal.sees(CapturePage)
    terminal.press(Act.BACK)
    terminal.sees(EarlierApplication)
    terminal.press(Act.APPLY_AGAIN)
    terminal.sees(Form)
    terminal.press(Act.BACK)
    terminal.sees(EarlierApplication)
    terminal.press(Act.BACK)
    terminal.sees(ConfirmIdentity)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.sees(EarlierApplication)


def test_a_page_is_taken_again_from_the_review() -> None:
    terminal = at_review()
    terminal.press(Act.CHANGE, "household_page")
    terminal.sees(CapturePage)
    take(terminal, "page-2")
    terminal.sees(Review)
    terminal.press(Act.CHANGE, "contact")  # the form has no part in this
    terminal.sees(Review)


def test_who_goes_home_is_asked_before_the_pictures_are_erased() -> None:
    terminal = at_review()
    terminal.press(Act.GO_HOME)
    assert isinstance(terminal.view.overlay, LeaveQuestion)
    terminal.press(Act.LEAVE)
    assert terminal.last(EraseDraft).card_number == ELDER.number
    terminal.lift_card()
    terminal.wait(20)
    terminal.sees(Standby)


def test_another_persons_card_covers_the_papers() -> None:
    terminal = at_review()
    terminal.lift_card()
    terminal.lay_card(OTHER)
    assert terminal.sees(CardProblem).kind is CardProblemKind.SOMEONE_ELSES


# -- when something fails -------------------------------------------------------------------


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("full", "kind"), [(True, SubmitProblemKind.DISK_FULL), (False, SubmitProblemKind.STORE)]
)
def test_papers_that_could_not_be_kept_are_not_said_to_be_received(
    full: bool, kind: SubmitProblemKind
) -> None:
    terminal = submitted()
    terminal.hear(SealFailed(terminal.last(HandIn).scope, full, ""))
    problem = terminal.sees(SubmitProblem)
    assert (problem.kind, problem.visit) == (kind, Visit.HAND_IN)
    assert not terminal.all(Print)
    terminal.press(Act.SUBMIT)
    terminal.documents()
    kept(terminal)
    terminal.sees(Accepted)


def test_a_disk_that_does_not_answer_is_waited_for_and_given_up_by_who_leaves() -> None:
    terminal = submitted()
    terminal.wait(61)
    assert terminal.sees(SubmitProblem).kind is SubmitProblemKind.UNSURE
    terminal.press(Act.GO_HOME)
    terminal.press(Act.LEAVE)
    assert terminal.last(GiveUpSeal).scope == terminal.last(HandIn).scope


def test_with_the_line_up_the_paper_says_that_the_centre_has_them_only_when_it_has() -> None:
    terminal = submitted()
    terminal.line(online=True)
    kept(terminal)
    assert not terminal.all(Print)
    terminal.delivered(EARLIER)  # that is the application itself, which waited here too
    assert not terminal.all(Print)
    terminal.delivered(EARLIER, papers=True)
    assert "已收到，已上传" in paper(terminal)
    assert terminal.sees(Accepted).delivery is Delivery.DELIVERED


def test_of_another_terminals_application_the_receipt_has_no_code() -> None:
    terminal = submitted()
    kept(terminal, qr="")
    assert terminal.sees(Accepted).qr_text == ""
    text = paper(terminal)
    assert "查进度请扫第一张回执上的码" in text
    assert "[" not in text


def test_the_visit_is_rated_like_every_other() -> None:
    terminal = handed_in()
    terminal.printed()
    terminal.press(Act.NEXT)
    terminal.sees(Rating)
    terminal.press(Act.RATE, "5")
    assert (terminal.last(AddRating).number, terminal.last(AddRating).level) == (EARLIER, 5)
    terminal.sees(TakeAway)


def test_paper_that_does_not_come_is_told_after_the_rating() -> None:
    terminal = handed_in()
    terminal.press(Act.NEXT)
    terminal.press(Act.RATE, "5")
    terminal.print_fails(FaultCode.JAMMED)
    page = terminal.sees(Accepted)
    assert (page.visit, page.print_state) == (Visit.HAND_IN, PrintState.JAMMED)


# -- after a crash ------------------------------------------------------------------------------


def resumed(payload: str, catalogue: Catalogue | None = None) -> Terminal:
    terminal = at_lookup(catalogue)
    now = terminal.clock.utc()
    terminal.hear(DraftKnown(terminal.last(LookForDraft).scope, now, now.replace(hour=23), payload))
    terminal.hear(EarlierKnown(terminal.last(LookForEarlier).scope, None))
    terminal.sees(DraftFound)
    terminal.press(Act.RESUME_DRAFT)
    return terminal


def test_after_a_crash_the_papers_are_there_and_go_to_the_same_application() -> None:
    payload = at_review().last(SaveDraft).payload
    terminal = resumed(payload)
    assert terminal.sees(Review).visit is Visit.HAND_IN
    terminal.press(Act.NEXT)
    terminal.documents()
    assert terminal.last(HandIn).number == EARLIER
    kept(terminal)
    assert terminal.sees(Accepted).to_follow == ()


def test_from_papers_taken_up_after_a_crash_one_comes_back_to_their_application() -> None:
    terminal = resumed(at_review().last(SaveDraft).payload)
    while not isinstance(terminal.page, ConfirmIdentity):
        terminal.press(Act.BACK)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.known_before_only(**HERE)
    assert terminal.sees(EarlierApplication).may_print
    terminal.press(Act.HAND_IN)
    assert terminal.sees(CapturePage).go_on is GoOn.KEPT  # the picture is there still
    terminal.press(Act.NEXT)
    assert terminal.sees(Review).visit is Visit.HAND_IN


def test_after_a_crash_between_two_papers_the_second_is_asked_for(three: Catalogue) -> None:
    crashed = at_camera(three, lacks=("first", "second"))
    take(crashed)
    terminal = resumed(crashed.last(SaveDraft).payload, three)
    lines = terminal.sees(CapturePage).lines
    assert [(line.code, line.taken) for line in lines] == [("first", True), ("second", False)]


def test_who_does_not_want_the_draft_comes_to_the_application_again() -> None:
    payload = at_review().last(SaveDraft).payload
    terminal = at_lookup()
    now = terminal.clock.utc()
    terminal.hear(DraftKnown(terminal.last(LookForDraft).scope, now, now.replace(hour=23), payload))
    terminal.known_before_only(**HERE)
    terminal.press(Act.DISCARD_DRAFT)
    assert terminal.sees(EarlierApplication).may_hand_in
    assert terminal.last(EraseDraft).card_number == ELDER.number


def test_a_draft_of_papers_is_not_taken_for_one_of_an_application() -> None:
    item = SHIPPED.find(ITEM)
    assert item is not None
    case = Case(ITEM, item.version)
    assert case.take_from_draft(at_review().last(SaveDraft).payload)
    assert case.visit is Visit.HAND_IN
    assert case.supplement is not None and case.supplement.number == EARLIER


# -- the first visit says what is still to come -------------------------------------------------


def test_who_leaves_a_paper_out_is_told_on_the_screen_and_on_the_receipt() -> None:
    terminal = Terminal()
    terminal.line(online=False)
    terminal.go_to(CapturePage)
    assert terminal.sees(CapturePage).go_on is GoOn.LATER
    terminal.press(Act.NEXT)
    terminal.press(Act.NEXT)
    terminal.press(Act.SIGN_STROKES, strokes=(((0.1, 0.5), (0.4, 0.5)),))
    terminal.press(Act.SUBMIT)
    terminal.wait(1)
    terminal.hear(DocumentsMade(terminal.last(MakeDocuments).scope, b"", b"png"))
    seal = terminal.last(Seal)
    assert seal.lacks == ("household_page",)
    assert seal.receipt[1:3] == (("申请人", "张*兰"), ("手机", "138****8000"))
    terminal.seal()
    assert [words.get("zh") for words in terminal.sees(Accepted).to_follow] == ["户口簿本人页"]
    assert "还要补交：户口簿本人页" in paper(terminal)
    assert "最晚2026-12-22" in paper(terminal)  # thirty days from the day of the visit


def test_who_handed_in_everything_is_told_nothing_of_papers() -> None:
    terminal = Terminal()
    terminal.line(online=False)
    terminal.go_to(Accepted)
    assert terminal.last(Seal).lacks == ()
    assert terminal.sees(Accepted).to_follow == ()
    assert "补交" not in paper(terminal)


def test_the_code_of_the_copy_is_the_one_of_the_first_receipt() -> None:
    assert qr_text(EARLIER, SIGNATURE) == EARLIER_QR
    terminal = at_earlier()
    terminal.press(Act.PRINT_AGAIN)
    assert f"[{EARLIER_QR}]" in paper(terminal)
    terminal.sees(Accepted)


def test_a_page_lifted_from_the_camera_does_not_end_the_visit() -> None:
    terminal = at_camera()
    terminal.wait(1)
    terminal.plate()
    terminal.page_taken()
    terminal.lift_card()
    assert terminal.sees(CheckPage).image == ""  # nothing is shown without the card
    terminal.lay_card(ELDER)
    terminal.press(Act.KEEP_PAGE)
    terminal.sees(Review)
