"""The card on the reader: whose it is, whether it will do, and what is told when it will not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from core_citizen import (
    ACCOUNT,
    CHILD_CARD,
    ELDER,
    ITEM,
    RELATIVE,
    RELATIVE_CARD,
    STROKES,
    Terminal,
    card,
    installed,
)

from drivers.device import DeviceClass, FaultCode, Status
from drivers.id_reader.values import CardFound, CardKind, CardPhoto, CardRead, CardRecord
from kiosk.flow.actions import Act
from kiosk.flow.effects import (
    EraseDraft,
    KeepPhoto,
    Seal,
    WatchForCard,
    Wipe,
)
from kiosk.flow.pages import (
    Accepted,
    CapturePage,
    CardProblem,
    CardProblemKind,
    CheckPage,
    ConfirmIdentity,
    Consent,
    ConsentDeclined,
    Form,
    Home,
    PlaceIdCard,
    Review,
    Role,
    ServiceGuide,
    Sign,
    Standby,
    TakeAway,
)
from kiosk.settings import Settings


def at_reader() -> Terminal:
    terminal = Terminal()
    terminal.go_to(PlaceIdCard)
    return terminal


def problem(terminal: Terminal, record: CardRecord) -> CardProblem:
    terminal.lay_card(record)
    return terminal.sees(CardProblem)


def test_saying_no_to_being_read_leads_to_what_else_one_can_do() -> None:
    terminal = Terminal()
    terminal.go_to(Consent)
    terminal.press(Act.DECLINE)
    declined = terminal.sees(ConsentDeclined)
    assert "1号窗口" in declined.counter.get("zh")
    assert declined.phone == "12345"
    assert not terminal.all(WatchForCard)
    terminal.press(Act.BACK)
    terminal.sees(Consent)
    terminal.press(Act.DECLINE)
    terminal.press(Act.FINISH)
    terminal.sees(Home)


def test_the_card_is_shown_masked_and_in_full_only_to_be_revealed() -> None:
    terminal = at_reader()
    terminal.hear(CardFound())
    assert terminal.sees(PlaceIdCard).reading
    terminal.hear(CardRead(ELDER))
    person = terminal.sees(ConfirmIdentity).person
    assert (person.name_masked, person.birth_year, person.long_term) == ("张*兰", 1944, True)
    assert person.number_masked[4:-4] == "*" * 10
    assert person.name == "张玉兰"
    assert "张玉兰" not in repr(terminal.view)
    assert ELDER.number not in repr(terminal.view)


def test_too_young_is_told_with_the_day_from_which_it_will_do() -> None:
    found = problem(at_reader(), card("李四", date(1950, 2, 3), "111"))
    assert found.kind is CardProblemKind.TOO_YOUNG
    assert (found.minimum_age, found.eligible_from) == (80, date(2030, 2, 3))
    assert found.may_act_for_relative


def test_eighty_today_will_do_and_tomorrow_will_not_yet() -> None:
    terminal = at_reader()
    terminal.lay_card(card(birth=date(1946, 11, 22)))
    terminal.sees(ConfirmIdentity)
    assert problem(at_reader(), card(birth=date(1946, 11, 23))).kind is CardProblemKind.TOO_YOUNG


def test_the_local_day_counts_not_the_day_in_greenwich() -> None:
    terminal = at_reader()
    terminal.clock.forward(15 * 3600)  # 16:41 UTC is past midnight in Shanghai
    terminal.session.touch()
    terminal.lay_card(card(birth=date(1946, 11, 23)))
    terminal.sees(ConfirmIdentity)


def test_the_sites_rule_decides_the_age() -> None:
    settings = Settings.model_validate(
        {**installed().model_dump(), "rules": {"old_age_allowance_years": 85}}
    )
    terminal = Terminal(settings)
    terminal.go_to(PlaceIdCard)
    assert problem(terminal, ELDER).minimum_age == 85


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (card(valid_to=date(2026, 11, 21)), CardProblemKind.EXPIRED),
        (card(valid_from=date(2026, 11, 23)), CardProblemKind.NOT_YET_VALID),
        (card(kind=CardKind.FOREIGN_2023), CardProblemKind.UNKNOWN_CARD),
    ],
)
def test_a_card_that_will_not_do_today_is_told(record: CardRecord, kind: CardProblemKind) -> None:
    assert problem(at_reader(), record).kind is kind


def test_a_card_is_good_through_its_last_day() -> None:
    terminal = at_reader()
    terminal.lay_card(card(valid_to=date(2026, 11, 22)))
    terminal.sees(ConfirmIdentity)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (FaultCode.CARD_UNREADABLE, CardProblemKind.UNREADABLE),
        (FaultCode.BAD_REPLY, CardProblemKind.UNREADABLE),
        (FaultCode.CARD_LIFTED, CardProblemKind.LIFTED),
        (FaultCode.UNKNOWN_CARD, CardProblemKind.UNKNOWN_CARD),
        (FaultCode.SEVERAL_CARDS, CardProblemKind.SEVERAL_CARDS),
        (FaultCode.NOT_AUTHORISED, CardProblemKind.READER_LOST),
        (FaultCode.DEVICE_LOST, CardProblemKind.READER_LOST),
    ],
)
def test_a_card_that_could_not_be_read_is_told_and_may_be_laid_down_again(
    fault: FaultCode, kind: CardProblemKind
) -> None:
    terminal = at_reader()
    terminal.card_fails(fault)
    assert terminal.sees(CardProblem).kind is kind
    terminal.lift_card()
    terminal.lay_card(ELDER)
    terminal.sees(ConfirmIdentity)


def test_the_photo_of_a_card_goes_with_the_card() -> None:
    from drivers.id_reader.values import CardPhoto

    terminal = at_reader()
    terminal.hear(CardPhoto(b"BM nobody's"))
    assert terminal.session._reader.photo == b"", "a photo without a card"
    terminal.lay_card(ELDER)
    terminal.hear(CardPhoto(b"BM theirs"))
    assert terminal.session._reader.photo == b"BM theirs"
    terminal.lift_card()
    assert terminal.session._reader.photo == b""


def test_a_misread_number_never_becomes_an_application() -> None:
    from dataclasses import replace

    wrong = replace(ELDER, number=ELDER.number[:-1] + ("1" if ELDER.number[-1] != "1" else "2"))
    assert problem(at_reader(), wrong).kind is CardProblemKind.UNREADABLE


def test_not_me_shows_nothing_more_of_that_card() -> None:
    terminal = at_reader()
    terminal.lay_card(ELDER)
    terminal.press(Act.NOT_ME)
    assert terminal.sees(CardProblem).kind is CardProblemKind.SOMEONE_ELSES
    terminal.press(Act.OTHER_CARD)
    terminal.sees(PlaceIdCard)


def test_the_reason_stays_readable_when_the_card_is_lifted_by_reflex() -> None:
    terminal = at_reader()
    terminal.lay_card(card("李四", date(1950, 2, 3), "111"))
    terminal.lift_card()
    terminal.sees(CardProblem)
    terminal.lay_card(ELDER)
    terminal.sees(ConfirmIdentity)


def test_the_reader_unplugged_while_waiting_is_told_and_forgotten_when_it_is_back() -> None:
    terminal = at_reader()
    terminal.device(DeviceClass.ID_READER, Status.DISCONNECTED)
    assert terminal.sees(CardProblem).kind is CardProblemKind.READER_LOST
    terminal.press(Act.OTHER_CARD)
    terminal.sees(CardProblem)
    terminal.device(DeviceClass.ID_READER, Status.READY)
    terminal.sees(PlaceIdCard)


def test_lifting_the_card_takes_the_person_off_the_screen_at_once() -> None:
    terminal = at_reader()
    terminal.lay_card(ELDER)
    serial = terminal.view.serial
    terminal.lift_card()
    terminal.sees(PlaceIdCard)
    assert terminal.view.serial != serial  # 是我 pressed just then is not for this page
    terminal.lay_card(ELDER)
    terminal.sees(ConfirmIdentity)


def test_nobody_puts_a_card_down_and_the_services_are_shown_again() -> None:
    terminal = at_reader()
    terminal.wait(30)
    assert terminal.sees(PlaceIdCard).seconds_left == 30
    terminal.press(Act.KEEP_WAITING)
    assert terminal.sees(PlaceIdCard).seconds_left == 60
    terminal.wait(61)
    terminal.sees(Home)
    assert terminal.view.overlay is None


def test_going_back_and_coming_again_the_card_that_lies_there_is_used() -> None:
    terminal = at_reader()
    terminal.lay_card(ELDER)
    terminal.press(Act.BACK)
    terminal.sees(Consent)
    terminal.press(Act.AGREE)
    terminal.sees(ConfirmIdentity)


# -- a relative acts ----------------------------------------------------------------


def relative_at_elders_card() -> Terminal:
    terminal = at_reader()
    terminal.press(Act.FOR_RELATIVE)
    assert terminal.sees(PlaceIdCard).role is Role.AGENT
    terminal.lay_card(RELATIVE_CARD)
    assert terminal.sees(ConfirmIdentity).role is Role.AGENT
    terminal.press(Act.CONFIRM_IDENTITY)
    assert terminal.sees(PlaceIdCard).role is Role.ELDER
    return terminal


def test_a_relative_acts_with_both_cards_and_both_are_in_the_application() -> None:
    terminal = relative_at_elders_card()
    terminal.lift_card()
    terminal.lay_card(ELDER)
    assert terminal.sees(ConfirmIdentity).role is Role.ELDER
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.no_past()
    terminal.type("phone", "13800138000")
    terminal.press(Act.NEXT)
    _phone, relative_phone = terminal.sees(Form).fields
    assert relative_phone.required
    terminal.type("relative_phone", "13900139000")
    terminal.press(Act.NEXT)
    assert terminal.sees(Form).fields[0].value == RELATIVE  # from their card
    terminal.press(Act.NEXT)
    terminal.type("account", ACCOUNT)
    terminal.press(Act.NEXT)
    terminal.plate()
    terminal.page_taken()
    terminal.press(Act.KEEP_PAGE)
    names = [group.name.get("zh") for group in terminal.sees(Review).groups]
    assert names[:2] == ["申请人", "代办家人"]
    terminal.press(Act.NEXT)
    assert terminal.sees(Sign).signer_masked == "赵*明"  # who stands there signs
    terminal._submit()
    terminal.sees(Accepted)
    body = terminal.last(Seal).application
    assert body["applicant"]["number"] == ELDER.number  # type: ignore[index]
    assert body["agent"]["number"] == RELATIVE_CARD.number  # type: ignore[index]


def test_too_young_oneself_and_then_acting_for_the_elder_needs_no_second_reading() -> None:
    terminal = at_reader()
    terminal.lay_card(RELATIVE_CARD)
    assert terminal.sees(CardProblem).kind is CardProblemKind.TOO_YOUNG
    terminal.press(Act.FOR_RELATIVE)
    assert terminal.sees(ConfirmIdentity).role is Role.AGENT


def test_a_child_cannot_act_for_the_elder() -> None:
    terminal = at_reader()
    terminal.press(Act.FOR_RELATIVE)
    found = problem(terminal, CHILD_CARD)
    assert (found.kind, found.role, found.minimum_age) == (
        CardProblemKind.TOO_YOUNG,
        Role.AGENT,
        18,
    )
    assert not found.may_act_for_relative


def test_the_relatives_own_card_again_is_not_the_elders() -> None:
    terminal = relative_at_elders_card()
    terminal.lift_card()
    assert problem(terminal, RELATIVE_CARD).kind is CardProblemKind.SAME_CARD
    terminal.lift_card()
    terminal.lay_card(ELDER)
    terminal.sees(ConfirmIdentity)


def test_an_elder_who_is_too_young_is_told_to_the_relative() -> None:
    terminal = relative_at_elders_card()
    terminal.lift_card()
    found = problem(terminal, card("李四", date(1950, 2, 3), "111"))
    assert (found.kind, found.role) == (CardProblemKind.TOO_YOUNG, Role.ELDER)


def test_a_relative_who_walks_away_between_the_cards_is_warned_and_wiped() -> None:
    terminal = relative_at_elders_card()
    terminal.lift_card()
    terminal.wait(60 + 30 + 1)
    assert terminal.all(Wipe)
    assert terminal.all(EraseDraft)
    terminal.sees(Standby)


# -- the card during the later steps ----------------------------------------------------


@pytest.mark.parametrize("page", [Form, CapturePage, CheckPage, Review, Sign])
def test_another_persons_card_on_the_reader_is_told_and_sees_nothing(page: type) -> None:
    terminal = Terminal()
    terminal.go_to(page)
    terminal.lift_card()
    terminal.lay_card(CHILD_CARD)
    found = terminal.sees(CardProblem)
    assert found.kind is CardProblemKind.SOMEONE_ELSES
    terminal.lift_card()
    terminal.sees(page)


def test_the_review_reveals_only_while_the_card_lies_there() -> None:
    terminal = Terminal()
    terminal.go_to(Review)

    def full() -> set[str]:
        groups = terminal.sees(Review).groups
        return {line.full for group in groups for line in group.lines}

    assert {"13800138000", ACCOUNT, ELDER.number} <= full()
    assert any(group.images for group in terminal.sees(Review).groups)
    terminal.lift_card()
    assert not {"13800138000", ACCOUNT, ELDER.number, "张玉兰"} & full()
    assert not any(group.images for group in terminal.sees(Review).groups)
    terminal.lay_card(ELDER)
    assert {"13800138000", ACCOUNT, ELDER.number} <= full()


def test_the_form_hides_what_was_typed_and_lets_it_be_typed_anew() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.type("phone", "13800138000")
    terminal.lift_card()
    field = terminal.sees(Form).fields[0]
    assert (field.value, field.hidden) == ("138****8000", True)
    terminal.tap(Act.SET_FIELD, "phone", value="138****80001")  # built upon what was shown
    field = terminal.sees(Form).fields[0]
    assert (field.value, field.hidden) == ("1", False)
    terminal.lay_card(ELDER)
    assert terminal.sees(Form).fields[0].value == "1"


def test_deleting_one_character_of_what_is_hidden_empties_the_field() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.type("phone", "13800138000")
    terminal.lift_card()
    terminal.tap(Act.SET_FIELD, "phone", value="138****800")
    assert terminal.sees(Form).fields[0].value == ""


def test_a_card_read_late_for_somebody_who_left_is_not_the_next_citizens() -> None:
    terminal = Terminal()
    terminal.hear(CardFound())
    terminal.hear(CardRead(ELDER))
    terminal.go_to(PlaceIdCard)
    terminal.sees(PlaceIdCard)


def test_the_picture_and_the_signature_are_hidden_and_come_back_with_the_card() -> None:
    terminal = Terminal()
    terminal.go_to(CheckPage)
    terminal.lift_card()
    assert terminal.sees(CheckPage).image == ""
    terminal.lay_card(ELDER)
    assert terminal.sees(CheckPage).image
    terminal.press(Act.KEEP_PAGE)
    terminal.press(Act.NEXT)
    terminal.press(Act.SIGN_STROKES, strokes=(((0.1, 0.1), (0.9, 0.9)),))
    terminal.lift_card()
    assert terminal.sees(Sign).strokes == ()
    terminal.press(Act.SUBMIT)
    terminal.sees(Sign)
    terminal.lay_card(ELDER)
    assert terminal.sees(Sign).strokes
    terminal.press(Act.SUBMIT)
    assert not isinstance(terminal.page, Sign)


def test_another_elder_begins_with_an_empty_form() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.type("phone", "13800138000")
    terminal.press(Act.BACK)
    terminal.lift_card()
    other = card("王五", date(1940, 1, 1), "117")
    terminal.lay_card(other)
    terminal.press(Act.CONFIRM_IDENTITY)
    assert terminal.last(EraseDraft).card_number == ELDER.number
    terminal.no_past()
    assert terminal.sees(Form).fields[0].value == ""


def test_another_elder_gets_no_earlier_number_and_nothing_read_of_the_first() -> None:
    terminal = Terminal()
    terminal.go_to(ConfirmIdentity)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.known_before()
    terminal.press(Act.APPLY_AGAIN)
    terminal.fill_form()
    terminal.wait(1)
    terminal.plate()
    terminal.page_taken(to_be_read=True)
    terminal.page_read(name="张玉兰")
    while not isinstance(terminal.page, PlaceIdCard | ConfirmIdentity):
        terminal.press(Act.BACK)
    terminal.lift_card()
    terminal.lay_card(card("王五", date(1940, 1, 1), "117"))
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.no_past()
    terminal.fill_form()
    terminal.wait(1)
    terminal.plate()
    terminal.page_taken(to_be_read=True)
    # Its picture has the same key: what was read on the first one's must not speak for it.
    terminal.press(Act.KEEP_PAGE)
    terminal.sees(CheckPage)
    terminal.page_read(name="王五")
    terminal.sees(Review)
    terminal.press(Act.NEXT)
    terminal.press(Act.SIGN_STROKES, strokes=STROKES)
    terminal.press(Act.SUBMIT)
    terminal.documents()
    assert terminal.last(Seal).application["earlier_number"] is None


def test_who_stops_acting_for_the_elder_leaves_nothing_of_the_elder() -> None:
    terminal = relative_at_elders_card()
    terminal.lift_card()
    terminal.lay_card(ELDER)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.no_past()
    terminal.type("phone", "13800138000")
    terminal.press(Act.BACK)
    terminal.press(Act.BACK)
    assert terminal.sees(PlaceIdCard).role is Role.APPLICANT
    assert terminal.last(EraseDraft).card_number == ELDER.number
    terminal.lift_card()
    terminal.lay_card(ELDER)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.no_past()
    assert terminal.sees(Form).fields[0].value == ""


def test_coming_back_to_the_same_person_keeps_the_form_and_asks_nothing_again() -> None:
    terminal = Terminal()
    terminal.go_to(Form)
    terminal.type("phone", "13800138000")
    terminal.press(Act.BACK)
    terminal.press(Act.CONFIRM_IDENTITY)
    assert terminal.sees(Form).fields[0].value == "13800138000"


def test_home_with_a_card_on_the_reader_asks_to_take_it() -> None:
    terminal = at_reader()
    terminal.lay_card(ELDER)
    terminal.press(Act.GO_HOME)
    assert terminal.sees(TakeAway).card_on_reader
    terminal.lift_card()
    terminal.sees(Standby)


def test_the_guide_is_read_without_a_card() -> None:
    terminal = Terminal()
    terminal.go_to(ServiceGuide)
    assert terminal.sees(ServiceGuide).item == ITEM
    assert not terminal.all(WatchForCard)


def test_the_photo_is_shown_where_the_person_is_confirmed_and_goes_with_the_card() -> None:
    terminal = Terminal()
    terminal.go_to(ConfirmIdentity)
    assert terminal.sees(ConfirmIdentity).photo == ""  # no decoder: a placeholder
    terminal.hear(CardPhoto(b"BM hers"))
    key = terminal.sees(ConfirmIdentity).photo
    assert terminal.last(KeepPhoto) == KeepPhoto(key, b"BM hers")
    assert "hers" not in repr(terminal.effects)
    terminal.lift_card()
    assert terminal.last(KeepPhoto) == KeepPhoto(key, b"")
    terminal.lay_card(RELATIVE_CARD)
    assert getattr(terminal.page, "photo", "") == "", "nobody sees another one's face"
    terminal.lift_card()
    terminal.lay_card(ELDER)
    terminal.hear(CardPhoto(b"BM hers"))
    assert terminal.sees(ConfirmIdentity).photo not in ("", key)


def test_who_has_moved_is_asked_about_the_new_address() -> None:
    """追加住址: what was appended to the card last is where the person lives now."""
    moved = replace(ELDER, appended_address="湖北省某某市另外县新桥镇北街3号")
    terminal = Terminal()
    terminal.go_to(ConfirmIdentity, record=moved)
    person = terminal.sees(ConfirmIdentity).person
    assert person.address == moved.appended_address
    assert person.address_masked.startswith("湖北省") and "北街" not in person.address_masked
    terminal = Terminal()
    terminal.go_to(Review, record=moved)
    lines = {line.label.get("zh"): line for line in terminal.sees(Review).groups[0].lines}
    assert lines["住址"].full == moved.appended_address
    assert lines["住址"].masked == person.address_masked
    terminal = Terminal()
    terminal.go_to(Accepted, record=moved)
    applicant = terminal.last(Seal).application["applicant"]
    assert isinstance(applicant, dict)
    assert (applicant["address"], applicant["appended_address"]) == (
        moved.address,
        moved.appended_address,
    )
    assert not {"photo", "photo_wlt", "fingerprint"} & set(applicant), "nobody asked for those"
