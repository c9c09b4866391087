"""Copies, scans for a phone and blank forms: without an ID card, and nothing of them is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from core_citizen import PAGE_JPEG, PDF, PNG, Terminal, installed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.device import DeviceClass, Fault, FaultCode, Status
from drivers.io_board.values import Lamp
from drivers.page_printer.values import PagesFailed, PagesPrinted, SheetsOut
from kiosk.flow.actions import Act
from kiosk.flow.effects import (
    AskPickup,
    Count,
    HandOver,
    MakeDocuments,
    PrintSheets,
    SaveDraft,
    Seal,
    StartCamera,
    StopCamera,
    TakePage,
    WatchForCard,
    Wipe,
)
from kiosk.flow.events import DocumentsFailed, DocumentsMade, HandedOver, PageNotTaken, PickupKnown
from kiosk.flow.lights import lights
from kiosk.flow.pages import (
    Advice,
    BlankForms,
    CardSide,
    CheckPage,
    ChoosePapers,
    Closure,
    CopyChoice,
    Doubt,
    Home,
    LayPapers,
    PhonePickup,
    PickupState,
    PrintState,
    ServiceGuide,
    SheetsPrinting,
    Standby,
    TakeAway,
)
from kiosk.flow.to_phone import ASK_EVERY_S, FETCHED_S, SEND_LIMIT_S, SHOWN_S
from kiosk.flow.view import LeaveQuestion

LINK = "https://hub.example.cn/p/AbCdEfGhIjKlMnOpQrStUv#key"
FAR_APART = (0, (1 << 256) - 1, (1 << 128) - 1, int("5" * 64, 16))  # fingerprints


def with_printer(*, colour: bool = True, most: int = 3) -> Terminal:
    table = installed().model_dump()
    table["page_printer"] = {"url": "cups://A4", "colour": colour}
    table["hub"]["phone_url"] = "https://hub.example.cn"
    table["rules"]["copies_most"] = most
    terminal = Terminal(type(installed()).model_validate(table))
    terminal.device(DeviceClass.PAGE_PRINTER, Status.READY)
    terminal.line(online=True)
    return terminal


def begin(terminal: Terminal, item: str, papers: str = "") -> Terminal:
    terminal.press(Act.START)
    terminal.press(Act.CHOOSE_ITEM, item)
    if papers:
        terminal.sees(ChoosePapers)
        terminal.press(Act.CHOOSE_PAPERS, papers)
    return terminal


def lay(terminal: Terminal, number: int = 0) -> None:
    """The next paper is seen, taken by itself and kept."""
    terminal.plate(Advice.NO_PAGE, paper=False)
    terminal.plate()
    terminal.page_taken(image=f"page-{number}", fingerprint=FAR_APART[number])
    terminal.press(Act.KEEP_PAGE)


def at_choice(terminal: Terminal | None = None, pages: int = 2) -> Terminal:
    """Papers taken and put together on sheets."""
    terminal = begin(terminal or with_printer(), "photocopy", "other")
    for number in range(pages):
        lay(terminal, number)
    terminal.press(Act.NEXT)
    made(terminal, pages)
    return terminal


def made(terminal: Terminal, sheets: int = 1) -> None:
    terminal.hear(DocumentsMade(terminal.last(MakeDocuments).scope, PDF, PNG, sheets))


def printed(terminal: Terminal) -> None:
    terminal.hear(PagesPrinted(terminal.last(PrintSheets).job, 0))


# -- what is offered ------------------------------------------------------------------


def tiles(terminal: Terminal) -> dict[str, Closure | None]:
    page = terminal.page
    assert isinstance(page, Standby | Home)
    return {tile.item: tile.closed for tile in page.tiles}


def test_what_this_terminal_was_not_built_for_is_not_offered() -> None:
    plain = tiles(Terminal())
    assert not {"photocopy", "print_forms", "scan_to_phone"} & set(plain)
    assert {"photocopy", "print_forms", "scan_to_phone"} <= set(tiles(with_printer()))


@pytest.mark.parametrize("status", [Status.OUT, Status.JAMMED, Status.DISCONNECTED])
def test_without_paper_a_copy_is_closed_before_anything_is_laid_down(status: Status) -> None:
    terminal = with_printer()
    terminal.device(DeviceClass.PAGE_PRINTER, status)
    there = tiles(terminal)
    assert there["photocopy"] is Closure.PRINTER and there["print_forms"] is Closure.PRINTER
    assert there["scan_to_phone"] is None and there["old_age_allowance"] is None
    begin(terminal, "photocopy")
    assert terminal.sees(ServiceGuide).closed is Closure.PRINTER


def test_with_the_line_dead_a_scan_for_a_phone_says_so_before_anything_is_laid_down() -> None:
    terminal = with_printer()
    terminal.line(online=False)
    assert tiles(terminal)["scan_to_phone"] is Closure.LINE
    begin(terminal, "scan_to_phone")
    assert terminal.sees(ServiceGuide).closed is Closure.LINE
    assert not terminal.all(StartCamera)


# -- laying papers --------------------------------------------------------------------


def test_papers_are_taken_one_after_the_other_and_nobody_is_asked_who_they_are() -> None:
    terminal = begin(with_printer(), "photocopy", "other")
    lay(terminal, 0)
    page = terminal.sees(LayPapers)
    assert (page.images, page.side) == (("page-0",), CardSide.NONE)
    lay(terminal, 1)
    assert terminal.sees(LayPapers).images == ("page-0", "page-1")
    take = terminal.last(TakePage)
    assert (take.paper, take.read) == ("", False)  # a copy is nobody's to read
    assert not terminal.all(WatchForCard) and not terminal.all(SaveDraft)


def test_several_papers_laid_at_once_are_taken_without_lifting_one() -> None:
    terminal = begin(with_printer(), "photocopy", "other")
    for number in range(3):
        terminal.plate()  # what sees the plate turns to one that was not taken yet
        terminal.page_taken(image=f"page-{number}", fingerprint=FAR_APART[number])
        terminal.press(Act.KEEP_PAGE)
    terminal.plate(Advice.TAKEN)
    assert len(terminal.all(TakePage)) == 3
    assert len(terminal.sees(LayPapers).images) == 3


def test_both_sides_of_a_card_are_asked_for_in_turn_and_come_on_one_sheet() -> None:
    terminal = begin(with_printer(), "photocopy", "card")
    assert terminal.sees(LayPapers).side is CardSide.FRONT
    assert terminal.last(StartCamera).paper == "id_card_front"
    lay(terminal, 0)
    assert terminal.sees(LayPapers).side is CardSide.BACK
    assert terminal.last(StartCamera).paper == "id_card_back"
    lay(terminal, 1)
    assert terminal.last(MakeDocuments).pages == (PAGE_JPEG, PAGE_JPEG)
    made(terminal, sheets=1)
    assert (terminal.sees(CopyChoice).sheets, len(terminal.sees(CopyChoice).images)) == (1, 2)


def test_one_side_of_a_card_may_be_enough() -> None:
    terminal = begin(with_printer(), "photocopy", "card")
    terminal.press(Act.NEXT)
    assert terminal.sees(LayPapers)  # nothing is there yet
    lay(terminal, 0)
    terminal.press(Act.NEXT)
    assert len(terminal.last(MakeDocuments).pages) == 1


def test_a_page_taken_twice_is_told_and_the_last_one_can_be_dropped() -> None:
    terminal = begin(with_printer(), "photocopy", "other")
    lay(terminal, 0)
    terminal.plate(Advice.NO_PAGE, paper=False)
    terminal.plate()
    terminal.page_taken(image="again", fingerprint=FAR_APART[0])
    assert terminal.sees(CheckPage).doubt is Doubt.TAKEN_TWICE
    terminal.press(Act.KEEP_PAGE)
    terminal.press(Act.REMOVE_PAGE)
    assert terminal.sees(LayPapers).images == ("page-0",)


def test_who_chooses_again_begins_with_no_page() -> None:
    terminal = begin(with_printer(), "photocopy", "other")
    lay(terminal, 0)
    terminal.press(Act.BACK)
    terminal.press(Act.CHOOSE_PAPERS, "card")
    assert terminal.sees(LayPapers).images == ()


def test_no_more_pages_are_taken_than_one_may_bring() -> None:
    terminal = begin(with_printer(), "photocopy", "other")
    for number in range(10):
        terminal.plate()
        terminal.page_taken(image=f"p{number}", fingerprint=hash(("page", number)) << 180)
        terminal.press(Act.KEEP_PAGE)
    assert len(terminal.last(MakeDocuments).pages) == 10


def test_the_fill_light_is_on_while_papers_are_looked_at_and_off_otherwise() -> None:
    terminal = with_printer()
    begin(terminal, "photocopy")
    assert Lamp.FILL_LIGHT not in lights(terminal.page)
    terminal.press(Act.CHOOSE_PAPERS, "other")
    assert lights(terminal.page) == {Lamp.PLATE, Lamp.FILL_LIGHT}
    terminal.plate()
    terminal.page_taken()
    assert Lamp.FILL_LIGHT in lights(terminal.page)
    terminal.press(Act.KEEP_PAGE)
    terminal.press(Act.NEXT)
    made(terminal)
    assert not lights(terminal.page)


# -- copying --------------------------------------------------------------------------


def test_copies_are_printed_counted_and_forgotten() -> None:
    terminal = at_choice()
    terminal.press(Act.SET_COPIES, "2")
    terminal.press(Act.SET_GREY, "grey")
    assert (terminal.sees(CopyChoice).copies, terminal.sees(CopyChoice).grey) == (2, True)
    terminal.press(Act.NEXT)
    job = terminal.last(PrintSheets)
    assert (job.pdf, job.copies, job.grey) == (PDF, 2, True)
    assert PDF.hex() not in repr(job)
    terminal.hear(SheetsOut(job.job, 3))
    page = terminal.sees(SheetsPrinting)
    assert (page.state, page.out, page.of) == (PrintState.PRINTING, 3, 4)
    printed(terminal)
    assert terminal.sees(SheetsPrinting).state is PrintState.PRINTED
    assert terminal.all(Count) == [Count("photocopy", 2, 4)]
    assert not terminal.all(Seal)
    terminal.press(Act.FINISH)
    assert terminal.all(Wipe)
    assert terminal.sees(TakeAway).sheets
    terminal.plate(Advice.GOOD, paper=True)  # the originals still lie there
    page = terminal.sees(TakeAway)
    assert page.paper_on_plate and page.plate_used
    assert not page.reader_used  # nobody is told that a card was taken that lies on the plate


@pytest.mark.parametrize(("wish", "given"), [("0", 1), ("9", 3), ("77", 3), ("-1", 1), ("x", 1)])
def test_nobody_gets_more_copies_than_the_site_allows(wish: str, given: int) -> None:
    terminal = at_choice(with_printer(most=3))
    terminal.press(Act.SET_COPIES, wish)
    assert terminal.sees(CopyChoice).copies == given


def test_a_printer_without_colours_is_asked_for_none() -> None:
    terminal = at_choice(with_printer(colour=False))
    assert (terminal.sees(CopyChoice).grey, terminal.sees(CopyChoice).may_colour) == (True, False)
    terminal.press(Act.SET_GREY, "colour")
    assert terminal.sees(CopyChoice).grey


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (FaultCode.PAPER_OUT, PrintState.PAPER_OUT),
        (FaultCode.JAMMED, PrintState.JAMMED),
        (FaultCode.COVER_OPEN, PrintState.COVER_OPEN),
        (FaultCode.SILENT, PrintState.UNKNOWN),
        (FaultCode.DISCONNECTED, PrintState.UNAVAILABLE),
    ],
)
def test_what_came_out_and_what_did_not_is_told_and_it_can_be_tried_again(
    code: FaultCode, state: PrintState
) -> None:
    terminal = at_choice(pages=4)
    terminal.press(Act.NEXT)
    first = terminal.last(PrintSheets)
    terminal.hear(PagesFailed(first.job, Fault(code), 1))
    page = terminal.sees(SheetsPrinting)
    assert (page.state, page.out, page.of) == (state, 1, 4)
    terminal.press(Act.PRINT_AGAIN)
    second = terminal.last(PrintSheets)
    assert second.job != first.job and second.pdf == PDF
    terminal.hear(PagesPrinted(first.job, 4))  # a late word of the job before
    assert terminal.sees(SheetsPrinting).state is PrintState.PRINTING
    printed(terminal)
    terminal.press(Act.FINISH)
    assert terminal.sees(TakeAway).sheets


def test_what_the_printer_wants_is_told_while_it_still_waits() -> None:
    terminal = at_choice()
    terminal.press(Act.NEXT)
    terminal.device(DeviceClass.PAGE_PRINTER, Status.OUT)
    assert terminal.sees(SheetsPrinting).asks is PrintState.PAPER_OUT
    terminal.device(DeviceClass.PAGE_PRINTER, Status.BUSY)
    assert terminal.sees(SheetsPrinting).asks is None


def test_while_sheets_come_nobody_leaves_and_no_time_runs_out() -> None:
    terminal = at_choice()
    terminal.press(Act.NEXT)
    terminal.press(Act.GO_HOME)
    terminal.wait(120)
    assert terminal.sees(SheetsPrinting).state is PrintState.PRINTING
    terminal.wait(60)  # a driver that is lost is not waited for for ever
    assert terminal.sees(SheetsPrinting).state is PrintState.UNKNOWN


def test_who_leaves_before_printing_is_asked_and_then_wiped() -> None:
    terminal = at_choice()
    terminal.press(Act.GO_HOME)
    assert isinstance(terminal.view.overlay, LeaveQuestion)
    terminal.press(Act.LEAVE)
    assert terminal.all(Wipe) and not terminal.all(PrintSheets)
    assert not terminal.sees(TakeAway).sheets


def test_pages_that_cannot_be_put_together_are_tried_again_or_left() -> None:
    terminal = begin(with_printer(), "photocopy", "other")
    lay(terminal)
    terminal.press(Act.NEXT)
    assert terminal.sees(SheetsPrinting).making
    terminal.hear(DocumentsFailed(terminal.last(MakeDocuments).scope, "broken"))
    assert terminal.sees(SheetsPrinting).state is PrintState.UNAVAILABLE
    terminal.press(Act.PRINT_AGAIN)
    made(terminal)
    assert terminal.sees(CopyChoice)
    terminal.press(Act.BACK)
    assert terminal.sees(LayPapers).images == ("page-0",)


# -- to a phone -----------------------------------------------------------------------


def at_code() -> Terminal:
    terminal = begin(with_printer(), "scan_to_phone", "other")
    lay(terminal)
    terminal.press(Act.NEXT)
    made(terminal)
    scan = terminal.last(HandOver)
    assert scan.pdf == PDF
    assert terminal.sees(PhonePickup).state is PickupState.SENDING
    terminal.hear(HandedOver(scan.scope, "name", LINK))
    return terminal


def test_a_phone_fetches_the_scan_and_the_screen_says_so_and_ends() -> None:
    terminal = at_code()
    page = terminal.sees(PhonePickup)
    assert (page.state, page.link) == (PickupState.WAITING, LINK)
    assert "key" not in repr(page) and "#" not in repr(terminal.effects)
    terminal.wait(ASK_EVERY_S + 0.25)
    ask = terminal.last(AskPickup)
    terminal.hear(PickupKnown(ask.scope, "name", "unknown"))  # the line is gone for a moment
    assert terminal.sees(PhonePickup).state is PickupState.WAITING
    terminal.hear(PickupKnown(ask.scope, "name", "fetched"))
    page = terminal.sees(PhonePickup)
    assert (page.state, page.link) == (PickupState.FETCHED, "")
    assert terminal.all(Count) == [Count("scan_to_phone", 1, 0)]
    terminal.wait(FETCHED_S + 0.25)
    assert terminal.all(Wipe)


def test_a_code_is_not_left_on_the_screen_and_another_can_be_made() -> None:
    terminal = at_code()
    terminal.wait(SHOWN_S + 0.25)
    page = terminal.sees(PhonePickup)
    assert (page.state, page.link) == (PickupState.GONE, "")
    before = terminal.last(HandOver).scope
    terminal.press(Act.HAND_OVER_AGAIN)
    again = terminal.last(HandOver)
    assert again.scope != before
    assert again.replaces == "name"  # who photographed the code before has nothing
    terminal.hear(HandedOver(before, "old", LINK))  # an answer to the code before
    assert terminal.sees(PhonePickup).state is PickupState.SENDING
    terminal.hear(HandedOver(terminal.last(HandOver).scope, "new", LINK))
    assert terminal.sees(PhonePickup).state is PickupState.WAITING


def test_nobody_there_after_the_code_went_ends_the_session() -> None:
    terminal = at_code()
    terminal.wait(SHOWN_S + 1)
    terminal.wait(100)
    assert terminal.all(Wipe)


def test_a_line_that_dies_meanwhile_is_told_and_nothing_is_lost() -> None:
    terminal = begin(with_printer(), "scan_to_phone", "other")
    lay(terminal)
    terminal.press(Act.NEXT)
    made(terminal)
    terminal.hear(HandedOver(terminal.last(HandOver).scope, "", ""))
    assert terminal.sees(PhonePickup).state is PickupState.FAILED
    terminal.press(Act.HAND_OVER_AGAIN)
    terminal.wait(SEND_LIMIT_S + 0.25)
    assert terminal.sees(PhonePickup).state is PickupState.FAILED
    terminal.press(Act.BACK)
    assert terminal.sees(LayPapers).images == ("page-0",)


# -- blank forms ------------------------------------------------------------------------


def test_a_blank_form_is_printed_with_one_press() -> None:
    terminal = begin(with_printer(), "print_forms")
    forms = terminal.sees(BlankForms).forms
    assert [form.code for form in forms] == ["power_of_attorney", "old_age_allowance"]
    terminal.press(Act.CHOOSE_BLANK, "no_such_form")
    assert terminal.sees(BlankForms)
    terminal.press(Act.CHOOSE_BLANK, "power_of_attorney")
    job = terminal.last(PrintSheets)
    assert job.pdf.startswith(b"%PDF-") and job.copies == 1
    printed(terminal)
    assert terminal.all(Count) == [Count("print_forms", 1, 1)]
    terminal.press(Act.FINISH)
    page = terminal.sees(TakeAway)
    assert page.sheets and page.paper_on_plate is False
    assert not page.reader_used and not page.plate_used  # neither is spoken of
    assert not terminal.all(StopCamera)


def test_a_form_that_did_not_come_can_be_printed_again() -> None:
    terminal = begin(with_printer(), "print_forms")
    terminal.press(Act.CHOOSE_BLANK, "old_age_allowance")
    terminal.hear(PagesFailed(terminal.last(PrintSheets).job, Fault(FaultCode.PAPER_OUT), 0))
    assert terminal.sees(SheetsPrinting).state is PrintState.PAPER_OUT
    terminal.press(Act.PRINT_AGAIN)
    assert len(terminal.all(PrintSheets)) == 2


# -- whatever anybody does ------------------------------------------------------------


def answer(terminal: Terminal, *, well: bool) -> None:
    """What was asked last comes out well, or comes to nothing."""
    asked = next(
        (
            effect
            for effect in reversed(terminal.effects)
            if isinstance(effect, TakePage | MakeDocuments | PrintSheets | HandOver | AskPickup)
        ),
        None,
    )
    match asked:
        case TakePage():
            if well:
                terminal.page_taken(image="p", fingerprint=FAR_APART[len(terminal.effects) % 4])
            else:
                terminal.hear(PageNotTaken(asked.scope, Advice.CUT_OFF))
        case MakeDocuments():
            made(terminal) if well else terminal.hear(DocumentsFailed(asked.scope, ""))
        case PrintSheets():
            failed = PagesFailed(asked.job, Fault(FaultCode.JAMMED), 1)
            printed(terminal) if well else terminal.hear(failed)
        case HandOver():
            terminal.hear(HandedOver(asked.scope, "name", LINK if well else ""))
        case AskPickup():
            state = "fetched" if well else "gone"
            terminal.hear(PickupKnown(asked.scope, asked.name, state))
        case _:
            pass


def onward(terminal: Terminal) -> None:
    """What somebody who wants to get on does."""
    match terminal.page:
        case Standby():
            terminal.press(Act.START)
        case Home():
            items = ("photocopy", "scan_to_phone", "print_forms")
            terminal.press(Act.CHOOSE_ITEM, items[len(terminal.views) % 3])
        case ChoosePapers():
            terminal.press(Act.CHOOSE_PAPERS, ("card", "other")[len(terminal.views) % 2])
        case LayPapers(images=images):
            terminal.press(Act.NEXT if len(images) > 1 else Act.TAKE_PICTURE)
            answer(terminal, well=True)
        case CheckPage():
            terminal.press(Act.KEEP_PAGE)
        case BlankForms():
            terminal.press(Act.CHOOSE_BLANK, "power_of_attorney")
        case CopyChoice():
            terminal.press(Act.NEXT)
        case SheetsPrinting(state=PrintState.PRINTING):
            answer(terminal, well=True)
        case _:
            answer(terminal, well=True)
            terminal.press(Act.FINISH)
            terminal.press(Act.STAY)


Deed = Callable[[Terminal], None]
ARGUMENTS = ("", "photocopy", "card", "other", "2", "grey", "power_of_attorney")
others: st.SearchStrategy[Deed] = st.one_of(
    st.booleans().map(lambda well: lambda terminal: answer(terminal, well=well)),
    st.tuples(st.sampled_from(Act), st.sampled_from(ARGUMENTS)).map(
        lambda pair: lambda terminal: terminal.press(*pair)
    ),
    st.tuples(st.sampled_from(DeviceClass), st.sampled_from(Status)).map(
        lambda pair: lambda terminal: terminal.device(*pair)
    ),
    st.booleans().map(lambda online: lambda terminal: terminal.line(online=online)),
    st.sampled_from([0.25, 4, 61, 95, 200]).map(
        lambda seconds: lambda terminal: terminal.wait(seconds, step=5 if seconds > 4 else 0.25)
    ),
)
deeds = st.tuples(st.integers(0, 9), others).map(lambda pair: onward if pair[0] < 6 else pair[1])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(deeds, min_size=10, max_size=25))
def test_nothing_anybody_does_leaves_a_page_a_code_or_a_job_behind(way: list[Deed]) -> None:
    terminal = with_printer()
    for deed in way:
        deed(terminal)
        terminal.session.tick()
        assert LINK not in repr(terminal.view)
        page = terminal.page
        if isinstance(page, PhonePickup):
            assert (page.link == "") == (page.state is not PickupState.WAITING)
    begun = sum(event == "session_started" for event, _ in terminal.logged)
    terminal.wait(600, step=5)
    assert terminal.session.session_id is None
    assert len({effect.session for effect in terminal.all(Wipe)}) == begun
    assert LINK not in str(terminal.logged) and LINK not in repr(terminal.effects)
    assert not terminal.all(Seal) and not terminal.all(SaveDraft)
    done = [job.job for job in terminal.all(PrintSheets)]
    assert len(done) == len(set(done))
