"""What stands around every service: time, leaving, two presses, tools, what is open."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from core_citizen import (
    ACCOUNT,
    CHILD_CARD,
    ELDER,
    ITEM,
    PHONE,
    RELATIVE,
    STROKES,
    Terminal,
    installed,
)

from drivers.device import DeviceClass, FaultCode, Status
from kiosk.catalogue.load import load
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import (
    AddRating,
    Beep,
    EraseDraft,
    MakeDocuments,
    Print,
    SaveDraft,
    Seal,
    StopCamera,
    StopWatchingForCard,
    TakePage,
    TellStaff,
    Wipe,
)
from kiosk.flow.events import LineChanged, PageTaken, StorageChanged
from kiosk.flow.pages import (
    Accepted,
    Advice,
    CapturePage,
    CardProblem,
    CheckPage,
    Closure,
    ConfirmIdentity,
    Consent,
    Form,
    Home,
    OutOfService,
    Page,
    PlaceIdCard,
    Rating,
    Review,
    ServiceGuide,
    Sign,
    Standby,
    TakeAway,
)
from kiosk.flow.view import (
    HelpSheet,
    IdleWarning,
    LeaveQuestion,
    Line,
    Preferences,
    TextSize,
    TextSizeSheet,
)
from kiosk.settings import Settings

PERSONAL = (
    ELDER.number,
    ELDER.name,
    ELDER.address,
    PHONE,
    RELATIVE,
    ACCOUNT,
)
STEPS: tuple[type[Page], ...] = (  # type: ignore[valid-type]
    Home,
    ServiceGuide,
    Consent,
    PlaceIdCard,
    ConfirmIdentity,
    Form,
    CapturePage,
    CheckPage,
    Review,
    Sign,
    Accepted,
)


def everything_shown(terminal: Terminal) -> str:
    """Every value of the view, the hidden ones too."""

    def values(thing: object) -> str:
        if hasattr(thing, "__dataclass_fields__"):
            return " ".join(values(getattr(thing, name)) for name in thing.__dataclass_fields__)
        if isinstance(thing, tuple):
            return " ".join(values(part) for part in thing)
        return str(thing)

    return values(terminal.view)


def nothing_left(terminal: Terminal) -> None:
    """The start as the next person must find it."""
    terminal.sees(Standby)
    assert terminal.all(EraseDraft)
    assert terminal.last(Wipe).session
    assert terminal.view.preferences == Preferences()
    assert terminal.view.overlay is None
    shown = everything_shown(terminal)
    logged = str(terminal.logged)
    for secret in PERSONAL:
        assert secret not in shown
        assert secret not in logged
    watched = terminal.session._reader
    assert watched.record is None


# -- leaving at every step -----------------------------------------------------------


@pytest.mark.fault(25)
@pytest.mark.parametrize("step", STEPS)
def test_who_walks_away_is_warned_then_wiped_whatever_step_it_was(step: type[Page]) -> None:  # type: ignore[valid-type]
    terminal = Terminal()
    terminal.go_to(step)
    if step is Accepted:
        terminal.wait(4)
        terminal.printed()
    if step is CapturePage:
        terminal.plate(Advice.NO_PAGE, paper=False)
    if step is PlaceIdCard:
        terminal.wait(61)  # first back to the services
        terminal.sees(Home)
    terminal.session.touch()
    terminal.wait(59)
    assert terminal.view.overlay is None
    terminal.wait(2)
    assert isinstance(terminal.view.overlay, IdleWarning)
    before = len(terminal.all(Wipe))
    terminal.wait(30)
    assert len(terminal.all(Wipe)) > before
    assert terminal.all(EraseDraft)
    terminal.lift_card()
    terminal.wait(20)
    nothing_left(terminal)


@pytest.mark.parametrize("step", STEPS[5:10])
def test_who_goes_home_with_something_entered_is_asked_once_and_then_wiped(
    step: type[Page],  # type: ignore[valid-type]
) -> None:
    terminal = Terminal()
    terminal.go_to(step)
    terminal.press(Act.GO_HOME)
    assert isinstance(terminal.view.overlay, LeaveQuestion)
    terminal.press(Act.STAY)
    assert terminal.view.overlay is None
    terminal.sees(step)
    terminal.press(Act.GO_HOME)
    terminal.press(Act.LEAVE)
    assert terminal.last(EraseDraft).card_number == ELDER.number
    terminal.sees(TakeAway)
    terminal.lift_card()
    terminal.wait(20)
    nothing_left(terminal)


@pytest.mark.parametrize("step", [ServiceGuide, Consent, PlaceIdCard])
def test_who_entered_nothing_is_home_at_once(step: type[Page]) -> None:  # type: ignore[valid-type]
    terminal = Terminal()
    terminal.go_to(step)
    terminal.press(Act.GO_HOME)
    terminal.sees(Home)
    terminal.press(Act.BACK)
    nothing_left(terminal)


def test_the_reader_is_no_longer_watched_after_going_home_and_leaving() -> None:
    terminal = Terminal()
    terminal.go_to(PlaceIdCard)
    terminal.press(Act.GO_HOME)
    terminal.press(Act.BACK)
    assert terminal.all(StopWatchingForCard)


def test_while_it_is_taken_away_nothing_personal_is_shown_any_more() -> None:
    terminal = Terminal()
    terminal.go_to(Review)
    terminal.press(Act.GO_HOME)
    terminal.press(Act.LEAVE)
    terminal.sees(TakeAway)
    shown = everything_shown(terminal)
    assert not any(secret in shown for secret in PERSONAL)
    terminal.lift_card()
    terminal.lay_card(ELDER)  # put down once more: still nobody is known
    assert terminal.session._reader.record is None
    assert not any(secret in everything_shown(terminal) for secret in PERSONAL)


def test_the_next_citizen_finds_nothing_of_the_one_before() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.type("phone", PHONE)
    old = terminal.session.session_id
    terminal.press(Act.GO_HOME)
    terminal.press(Act.LEAVE)
    terminal.lift_card()
    terminal.wait(20)
    terminal.go_to(Form)
    assert terminal.session.session_id != old
    assert terminal.sees(Form).fields[0].value == ""


def test_an_answer_for_the_citizen_before_is_dropped() -> None:
    terminal = Terminal()
    terminal.go_to(CapturePage)
    terminal.plate()
    old = terminal.last(TakePage).scope
    terminal.press(Act.GO_HOME)
    terminal.press(Act.LEAVE)
    terminal.lift_card()
    terminal.wait(20)
    terminal.go_to(CapturePage)
    terminal.press(Act.TAKE_PICTURE)
    terminal.hear(PageTaken(old, "old", Advice.GOOD, 1, 1, b"old page"))
    terminal.sees(CapturePage)


# -- time ------------------------------------------------------------------------------


def test_the_warning_counts_down_and_one_press_stays_as_often_as_one_likes() -> None:
    terminal = Terminal()
    terminal.go_to(Consent)
    for _ in range(12):
        terminal.wait(61)
        overlay = terminal.view.overlay
        assert isinstance(overlay, IdleWarning)
        assert overlay.of_seconds == 30
        terminal.wait(10)
        overlay = terminal.view.overlay
        assert isinstance(overlay, IdleWarning)
        assert overlay.seconds_left <= 20
        terminal.press(Act.STAY)
        assert terminal.view.overlay is None
    terminal.sees(Consent)


def test_the_wipe_comes_within_a_second_of_the_end() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.wait(60)
    terminal.wait(29)
    assert not terminal.all(Wipe)
    terminal.wait(1.5)
    assert terminal.all(Wipe)


def test_elder_mode_gives_twice_the_time() -> None:
    terminal = Terminal()
    terminal.go_to(Consent)
    terminal.press(Act.TOGGLE_ELDER)
    terminal.wait(119)
    assert terminal.view.overlay is None
    terminal.wait(2)
    overlay = terminal.view.overlay
    assert isinstance(overlay, IdleWarning)
    assert overlay.of_seconds == 60


@pytest.mark.parametrize("size", ["elder", "largest"])
def test_large_letters_give_the_longer_time_to_rate_too(size: str) -> None:
    terminal = Terminal()
    terminal.line(online=False)
    terminal.go_to(Accepted)
    terminal.printed()
    terminal.press(Act.SET_TEXT_SIZE, size)
    terminal.press(Act.NEXT)
    assert terminal.sees(Rating).seconds_left == 90


def test_laying_down_a_card_is_being_there() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.lift_card()
    terminal.wait(70)
    assert isinstance(terminal.view.overlay, IdleWarning)
    terminal.lay_card(ELDER)
    assert terminal.view.overlay is None


def test_nobody_is_timed_out_while_a_device_works() -> None:
    terminal = Terminal()
    terminal.go_to(Accepted)
    assert terminal.all(Print)
    terminal.wait(29)  # it prints
    assert terminal.view.overlay is None
    terminal.printed()
    terminal.wait(59)
    assert terminal.view.overlay is None


def test_leaving_from_the_warning_does_not_wait() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.wait(61)
    terminal.press(Act.LEAVE)
    assert terminal.all(Wipe)
    assert terminal.sees(TakeAway).card_on_reader


def test_a_finger_on_its_way_when_the_warning_comes_does_not_erase_everything() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.wait(60.25)
    assert isinstance(terminal.view.overlay, IdleWarning)
    terminal.tap(Act.LEAVE)
    assert not terminal.all(Wipe)
    terminal.tap(Act.STAY)
    assert terminal.view.overlay is None


def test_large_letters_chosen_at_the_start_do_not_stay_for_the_next() -> None:
    terminal = Terminal()
    terminal.press(Act.TOGGLE_LANGUAGE)
    terminal.press(Act.SET_TEXT_SIZE, "largest")
    assert terminal.view.preferences.text_size is TextSize.LARGEST
    terminal.wait(130)
    assert terminal.view.preferences == Preferences()


# -- two presses are one act -----------------------------------------------------------


def test_a_press_meant_for_a_page_that_is_gone_is_dropped() -> None:
    terminal = Terminal()
    serial = terminal.view.serial
    terminal.press(Act.START)
    terminal.clock.forward(5)
    terminal.session.act(Action(Act.CHOOSE_ITEM, serial, ITEM))
    terminal.sees(Home)


def test_every_press_on_the_whole_way_made_twice_comes_to_the_same() -> None:
    terminal = Terminal()
    for act, argument, page in (
        (Act.START, "", Home),
        (Act.CHOOSE_ITEM, ITEM, ServiceGuide),
        (Act.BEGIN, "", Consent),
        (Act.AGREE, "", PlaceIdCard),
    ):
        terminal.double(act, argument)
        terminal.sees(page)
    terminal.lay_card(ELDER)
    terminal.double(Act.CONFIRM_IDENTITY)
    terminal.no_past()
    for code, value in (("phone", PHONE), ("relative_name", RELATIVE), ("account", ACCOUNT)):
        assert terminal.sees(Form).active == code
        terminal.type(code, value)
        terminal.double(Act.NEXT)
    terminal.double(Act.TAKE_PICTURE)
    assert len(terminal.all(TakePage)) == 1
    terminal.page_taken()
    terminal.double(Act.RETAKE_PAGE)
    terminal.sees(CapturePage)
    terminal.press(Act.TAKE_PICTURE)
    terminal.page_taken()
    terminal.double(Act.KEEP_PAGE)
    terminal.sees(Review)
    terminal.double(Act.CHANGE, "contact")
    assert terminal.sees(Form).active == "phone"
    terminal.double(Act.NEXT)
    terminal.sees(Review)
    terminal.double(Act.NEXT)
    terminal.sees(Sign)
    terminal.double(Act.SIGN_STROKES, strokes=STROKES)
    terminal.double(Act.SUBMIT)
    assert len(terminal.all(MakeDocuments)) == 1
    terminal.documents()
    assert len(terminal.all(Seal)) == 1
    terminal.seal()
    terminal.wait(4)
    terminal.double(Act.PRINT_AGAIN)
    assert len(terminal.all(Print)) == 1
    terminal.printed()
    terminal.double(Act.NEXT)
    terminal.sees(Rating)
    terminal.double(Act.RATE, "2")
    terminal.double(Act.TOGGLE_REASON, "207")
    terminal.double(Act.NEXT)
    ratings = terminal.all(AddRating)
    assert [(rating.level, rating.reasons) for rating in ratings] == [(2, ("207",))]
    terminal.sees(TakeAway)
    assert len(terminal.all(EraseDraft)) == 2  # sealed, left
    assert len(terminal.all(Wipe)) == 1


@pytest.mark.parametrize(
    "act",
    [
        Act.TOGGLE_LANGUAGE,
        Act.TOGGLE_CONTRAST,
        Act.TOGGLE_VOICE,
        Act.TOGGLE_ELDER,
        Act.TOGGLE_LOW_REACH,
    ],
)
def test_a_switch_tapped_twice_is_switched_once_and_later_back(act: Act) -> None:
    terminal = Terminal()
    terminal.go_to(Consent)
    terminal.double(act)
    assert terminal.view.preferences != Preferences()
    terminal.press(act)
    assert terminal.view.preferences == Preferences()


def test_back_tapped_twice_goes_back_once() -> None:
    terminal = Terminal()
    terminal.go_to(PlaceIdCard)
    terminal.double(Act.BACK)
    terminal.sees(Consent)


def test_a_picture_taken_by_itself_under_a_falling_finger_is_not_kept_by_it() -> None:
    terminal = Terminal()
    terminal.go_to(CapturePage)
    terminal.plate()
    terminal.page_taken()
    terminal.clock.forward(0.2)
    terminal.tap(Act.KEEP_PAGE)
    terminal.sees(CheckPage)


def test_typing_fast_loses_nothing() -> None:
    terminal = Terminal()
    terminal.go_to(ConfirmIdentity)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.no_past()
    for end in range(1, 12):
        terminal.clock.forward(0.05)
        terminal.tap(Act.SET_FIELD, "phone", value=PHONE[:end])
    assert terminal.sees(Form).fields[0].value == PHONE


# -- tools -----------------------------------------------------------------------------


def test_help_and_text_sizes_open_over_the_page_and_close() -> None:
    terminal = Terminal()
    terminal.go_to(PlaceIdCard)
    terminal.press(Act.SHOW_HELP)
    assert terminal.view.overlay == HelpSheet("place_id_card", "12345")
    terminal.press(Act.AGREE)  # beside the sheet
    terminal.press(Act.CLOSE_OVERLAY)
    assert terminal.view.overlay is None
    terminal.press(Act.SHOW_TEXT_SIZES)
    assert terminal.view.overlay == TextSizeSheet()
    terminal.press(Act.SET_TEXT_SIZE, "elder")
    terminal.press(Act.SET_TEXT_SIZE, "gigantic")
    assert terminal.view.preferences.text_size is TextSize.ELDER
    terminal.press(Act.CLOSE_OVERLAY)
    terminal.sees(PlaceIdCard)


def test_help_for_a_page_goes_with_the_page() -> None:
    terminal = Terminal()
    terminal.go_to(PlaceIdCard)
    terminal.press(Act.SHOW_HELP)
    terminal.lay_card(ELDER)
    terminal.sees(ConfirmIdentity)
    assert terminal.view.overlay is None


def test_the_language_changes_what_the_flow_itself_says() -> None:
    terminal = Terminal()
    terminal.go_to(Review)
    terminal.press(Act.TOGGLE_LANGUAGE)
    said = [line.masked for group in terminal.sees(Review).groups for line in group.lines]
    assert "1 page, taken" in said


def test_the_steps_stand_above_the_application_and_nowhere_else() -> None:
    terminal = Terminal()
    terminal.go_to(Consent)
    assert terminal.view.steps is None
    terminal.press(Act.AGREE)
    steps = terminal.view.steps
    assert steps
    assert steps.names == ("identity", "form", "materials", "review", "sign", "submit")
    assert steps.current == 0


def test_forward_and_back_move_in_their_direction() -> None:
    terminal = Terminal()
    terminal.go_to(Consent)
    assert terminal.view.forward
    terminal.press(Act.BACK)
    assert not terminal.view.forward


def test_the_status_bar_tells_the_line_and_its_age() -> None:
    terminal = Terminal()
    assert terminal.view.header.line is Line.UNKNOWN
    terminal.line(online=True)
    header = terminal.view.header
    assert (header.line, header.minutes_since_contact) == (Line.ONLINE, 2)
    terminal.line(online=False)
    terminal.wait(14 * 60 - 30, step=30)
    header = terminal.view.header
    assert header.line is Line.OFFLINE
    assert header.minutes_since_contact == 15
    assert header.now.second == 0


def test_a_line_process_that_was_just_started_does_not_forget_the_last_contact() -> None:
    terminal = Terminal()
    terminal.line(online=True)
    terminal.hear(LineChanged(None, None, 0, False))
    header = terminal.view.header
    assert (header.line, header.minutes_since_contact) == (Line.UNKNOWN, 2)


def test_a_line_that_only_staff_can_mend_is_told_and_the_terminal_goes_on_working() -> None:
    terminal = Terminal()
    terminal.line(online=False, stopped=True)
    assert terminal.view.header.line is Line.STOPPED
    terminal.go_to(Consent)
    terminal.line(online=True)
    assert terminal.view.header.line is Line.ONLINE


def test_only_views_that_differ_are_told() -> None:
    terminal = Terminal()
    count = len(terminal.views)
    terminal.wait(10)
    assert len(terminal.views) == count
    assert all(a != b for a, b in zip(terminal.views, terminal.views[1:], strict=False))


def test_the_log_names_the_steps_and_never_an_answer() -> None:
    terminal = Terminal()
    terminal.go_to(Accepted)
    steps = [fields["step"] for event, fields in terminal.logged if event == "step_entered"]
    assert steps == [
        "guide",
        "consent",
        "identify",
        "earlier",
        "form",
        "form",
        "form",
        "capture",
        "review",
        "sign",
        "submit",
        "accept",
    ]
    assert not any(secret in str(terminal.logged) for secret in PERSONAL)


# -- taking away -------------------------------------------------------------------------


def at_take_away() -> Terminal:
    terminal = Terminal()
    terminal.line(online=False)
    terminal.go_to(Accepted)
    terminal.printed()
    terminal.press(Act.SKIP_RATING)
    page = terminal.sees(TakeAway)
    assert (page.card_on_reader, page.paper_on_plate, page.receipt) == (True, None, True)
    return terminal


def test_it_waits_until_reader_and_plate_are_empty_and_beeps() -> None:
    terminal = at_take_away()
    terminal.plate()
    terminal.wait(10)
    assert 3 <= len(terminal.all(Beep)) <= 5
    terminal.lift_card()
    page = terminal.sees(TakeAway)
    assert (page.card_on_reader, page.paper_on_plate) == (False, True)
    terminal.wait(5)
    terminal.sees(TakeAway)
    terminal.plate(paper=False)
    terminal.wait(2)
    terminal.plate(paper=False)
    nothing_left(terminal)
    assert not terminal.all(TellStaff)
    assert isinstance(terminal.effects[-1], Wipe)
    assert terminal.all(StopCamera)
    assert terminal.all(StopWatchingForCard)


def test_a_hand_over_the_plate_is_not_an_empty_plate() -> None:
    terminal = at_take_away()
    terminal.lift_card()
    terminal.plate()
    terminal.wait(8)
    terminal.plate(paper=False)
    terminal.wait(0.5)
    terminal.plate()
    assert terminal.sees(TakeAway).paper_on_plate


def test_what_is_left_behind_is_told_to_the_staff_and_the_start_comes_all_the_same() -> None:
    terminal = at_take_away()
    terminal.plate()
    terminal.wait(61)
    assert terminal.last(TellStaff) == TellStaff("left_behind", "reader,plate")
    nothing_left(terminal)


def test_where_nobody_can_see_the_citizen_is_believed() -> None:
    terminal = at_take_away()
    terminal.press(Act.FINISH)
    terminal.sees(TakeAway)  # the card is seen
    terminal.lift_card()
    terminal.press(Act.FINISH)
    nothing_left(terminal)


def test_a_reader_unplugged_at_the_end_holds_nobody_up() -> None:
    terminal = at_take_away()
    terminal.plate(paper=False)
    terminal.device(DeviceClass.ID_READER, Status.DISCONNECTED)
    assert terminal.sees(TakeAway).card_on_reader is None
    terminal.wait(16)
    nothing_left(terminal)


def test_the_receipt_is_given_a_moment_when_all_else_is_taken() -> None:
    terminal = at_take_away()
    terminal.lift_card()
    terminal.plate(paper=False)
    terminal.wait(3)
    terminal.sees(TakeAway)
    terminal.wait(4)
    nothing_left(terminal)


def test_a_card_laid_down_at_the_services_is_to_be_taken_too() -> None:
    terminal = Terminal()
    terminal.go_to(PlaceIdCard)
    terminal.press(Act.GO_HOME)
    terminal.sees(Home)
    terminal.lay_card(ELDER)
    terminal.press(Act.BACK)
    assert terminal.sees(TakeAway).card_on_reader
    assert terminal.all(Beep)
    terminal.wait(61)
    assert terminal.last(TellStaff) == TellStaff("left_behind", "reader")
    nothing_left(terminal)


def test_a_receipt_that_nobody_knows_of_is_looked_for_at_the_end() -> None:
    terminal = Terminal()
    terminal.line(online=False)
    terminal.go_to(Accepted)
    terminal.print_fails(FaultCode.SILENT)
    terminal.press(Act.SKIP_RATING)
    terminal.press(Act.SKIP_RATING)
    assert terminal.sees(TakeAway).receipt


# -- what is open ----------------------------------------------------------------------


def tile(terminal: Terminal, item: str = ITEM) -> Closure | None:
    page = terminal.page
    assert isinstance(page, Standby | Home)
    return next(tile.closed for tile in page.tiles if tile.item == item)


@pytest.mark.parametrize(
    ("device", "closure"),
    [
        (DeviceClass.ID_READER, Closure.READER),
        (DeviceClass.DOCUMENT_CAMERA, Closure.CAMERA),
        (DeviceClass.RECEIPT_PRINTER, None),
        (DeviceClass.KEYPAD, None),
    ],
)
def test_a_device_gone_closes_what_needs_it_and_only_that(
    device: DeviceClass, closure: Closure | None
) -> None:
    terminal = Terminal()
    terminal.device(device, Status.DISCONNECTED)
    assert tile(terminal) is closure
    assert tile(terminal, "progress_query") is None
    terminal.device(device, Status.READY)
    assert tile(terminal) is None


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.STARTING, Status.BUSY, Status.LOW])
def test_what_is_not_known_to_be_gone_closes_nothing(status: Status) -> None:
    terminal = Terminal()
    terminal.device(DeviceClass.ID_READER, status)
    assert tile(terminal) is None


def test_a_printer_without_paper_is_said_before_anyone_starts() -> None:
    terminal = Terminal()
    assert terminal.sees(Standby).paper_receipt
    terminal.device(DeviceClass.RECEIPT_PRINTER, Status.OUT)
    assert not terminal.sees(Standby).paper_receipt


def test_a_closed_service_is_still_read_about_and_not_begun() -> None:
    terminal = Terminal()
    terminal.device(DeviceClass.ID_READER, Status.POWERED_OFF)
    terminal.press(Act.START)
    terminal.press(Act.CHOOSE_ITEM, ITEM)
    assert terminal.sees(ServiceGuide).closed is Closure.READER
    terminal.press(Act.BEGIN)
    terminal.sees(ServiceGuide)
    terminal.device(DeviceClass.ID_READER, Status.READY)
    terminal.press(Act.BEGIN)
    terminal.sees(Consent)


def test_nothing_can_be_kept_so_nothing_is_accepted() -> None:
    terminal = Terminal()
    terminal.hear(StorageChanged(False, "disk full"))
    assert tile(terminal) is Closure.STORAGE
    assert tile(terminal, "progress_query") is None


def test_without_room_for_pages_what_needs_pages_is_not_begun() -> None:
    terminal = Terminal()
    terminal.hear(StorageChanged(True, "disk_tight", tight=True))
    assert tile(terminal) is Closure.STORAGE
    assert tile(terminal, "progress_query") is None
    terminal.hear(StorageChanged(True, ""))
    assert tile(terminal) is None


def test_what_needs_the_centre_is_closed_without_the_line_and_the_rest_is_not() -> None:
    shipped = load(None)
    progress = shipped.find("progress_query")
    assert progress is not None
    asks = progress.model_copy(update={"needs_line": True})
    terminal = Terminal(installed(), type(shipped)((shipped.items[0], asks)))
    assert tile(terminal, "progress_query") is None  # nothing heard yet
    terminal.line(online=False)
    assert tile(terminal, "progress_query") is Closure.LINE
    assert tile(terminal) is None
    terminal.line(online=True)
    assert tile(terminal, "progress_query") is None


def test_either_scanner_or_camera_reads_a_code() -> None:
    terminal = Terminal()
    terminal.device(DeviceClass.CODE_SCANNER, Status.NOT_INSTALLED)
    assert tile(terminal, "progress_query") is None
    terminal.press(Act.START)
    terminal.device(DeviceClass.DOCUMENT_CAMERA, Status.DISCONNECTED)
    assert tile(terminal, "progress_query") is Closure.SCANNER


def test_a_terminal_on_which_nothing_works_says_why() -> None:
    terminal = Terminal(Settings(), ready=False)
    assert terminal.sees(OutOfService).reasons == (Closure.READER, Closure.SCANNER)
    terminal.press(Act.START)
    terminal.sees(OutOfService)
    terminal.device(DeviceClass.CODE_SCANNER, Status.READY)
    terminal.sees(Standby)


def test_a_faulty_item_is_closed_and_logged_and_the_terminal_starts(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("name: {zh: 坏事项}\n", encoding="utf-8")
    shipped = load(None)
    catalogue = load(tmp_path)
    both = type(catalogue)(shipped.items, catalogue.closed, catalogue.faults)
    terminal = Terminal(installed(), both)
    assert tile(terminal, "broken") is Closure.CATALOGUE
    assert any(event == "catalogue_fault" for event, _ in terminal.logged)
    terminal.press(Act.START)
    terminal.press(Act.CHOOSE_ITEM, "broken")
    terminal.press(Act.CHOOSE_ITEM, "no_such_item")
    terminal.sees(Home)


def test_the_terminal_starts_before_any_device_has_spoken() -> None:
    terminal = Terminal(ready=False)
    assert tile(terminal) is None
    terminal.wait(300, step=5)
    terminal.sees(Standby)


def test_after_a_wrong_card_the_time_out_still_wipes() -> None:
    terminal = Terminal()
    terminal.go_to(Review)
    terminal.lift_card()
    terminal.lay_card(CHILD_CARD)
    terminal.sees(CardProblem)
    terminal.wait(95)
    terminal.lift_card()
    terminal.wait(20)
    nothing_left(terminal)


def test_no_draft_is_saved_after_the_citizen_has_left() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.type("phone", PHONE)
    terminal.press(Act.GO_HOME)
    terminal.press(Act.LEAVE)
    kinds = [type(effect) for effect in terminal.effects]
    assert SaveDraft not in kinds[kinds.index(EraseDraft) :]
    assert terminal.clock.utc() - timedelta(days=1) < terminal.clock.utc()
