"""After a crash or a power cut: what was entered is offered to the same card, and to nobody else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from core_citizen import (
    ACCOUNT,
    EARLIER,
    ELDER,
    ITEM,
    PHONE,
    RELATIVE,
    RELATIVE_CARD,
    Terminal,
    card,
)
from hypothesis import given
from hypothesis import strategies as st

from drivers.id_reader.values import CardRecord
from kiosk.flow.actions import Act
from kiosk.flow.case import Case, TakenPage
from kiosk.flow.effects import EraseDraft, LookForDraft, LookForEarlier, SaveDraft
from kiosk.flow.events import DraftKnown, EarlierKnown
from kiosk.flow.pages import (
    Advice,
    CapturePage,
    ConfirmIdentity,
    Doubt,
    DraftFound,
    EarlierApplication,
    Form,
    PlaceIdCard,
    Review,
    TakeAway,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
pages = st.builds(
    TakenPage,
    image=st.just(""),
    advice=st.sampled_from(Advice),
    width_px=st.integers(1, 9999),
    height_px=st.integers(1, 9999),
    jpeg=st.binary(max_size=200),
    fingerprint=st.integers(0, 2**256 - 1),
    doubt=st.sampled_from([None, *Doubt]),
)


def draft_of(until: type) -> str:
    """What the journal holds after the power went at this page."""
    crashed = Terminal()
    crashed.go_to(until)
    return crashed.last(SaveDraft).payload


def at_lookup() -> Terminal:
    terminal = Terminal()
    terminal.go_to(ConfirmIdentity)
    terminal.press(Act.CONFIRM_IDENTITY)
    return terminal


def offer(terminal: Terminal, payload: str | None, *, minutes_ago: float = 3) -> None:
    saved = terminal.clock.utc() - timedelta(minutes=minutes_ago)
    scope = terminal.last(LookForDraft).scope
    expires = saved + timedelta(minutes=15)
    if payload is None:
        terminal.hear(DraftKnown(scope, None, None, None))
    else:
        terminal.hear(DraftKnown(scope, saved, expires, payload))
    terminal.hear(EarlierKnown(terminal.last(LookForEarlier).scope, None))


def test_the_draft_of_the_same_card_is_offered_and_taken_up_where_it_ended() -> None:
    payload = draft_of(CapturePage)
    terminal = at_lookup()
    assert terminal.last(LookForDraft).card_number == ELDER.number
    assert terminal.sees(ConfirmIdentity).looking
    offer(terminal, payload)
    assert terminal.sees(DraftFound).minutes_left == 12
    terminal.press(Act.RESUME_DRAFT)
    terminal.sees(CapturePage)
    terminal.press(Act.BACK)
    assert terminal.sees(Form).fields[0].value == ACCOUNT


def test_a_draft_with_its_page_goes_on_at_the_review_and_is_read_once_more() -> None:
    payload = draft_of(Review)
    terminal = at_lookup()
    offer(terminal, payload)
    terminal.press(Act.RESUME_DRAFT)
    lines = [line.full for group in terminal.sees(Review).groups for line in group.lines]
    assert PHONE in lines
    assert RELATIVE in lines
    assert "1页，已拍好" in lines


def test_a_draft_refused_is_erased_and_the_form_is_empty() -> None:
    terminal = at_lookup()
    offer(terminal, draft_of(CapturePage))
    terminal.press(Act.DISCARD_DRAFT)
    assert terminal.last(EraseDraft).card_number == ELDER.number
    assert terminal.sees(Form).fields[0].value == ""


def test_a_draft_older_than_a_quarter_of_an_hour_is_not_offered_and_erased() -> None:
    terminal = at_lookup()
    offer(terminal, draft_of(CapturePage), minutes_ago=15.1)
    terminal.sees(Form)
    assert terminal.last(EraseDraft).card_number == ELDER.number


def test_a_draft_that_runs_out_while_it_is_offered_is_gone() -> None:
    terminal = at_lookup()
    offer(terminal, draft_of(CapturePage), minutes_ago=14.9)
    terminal.wait(7)
    terminal.sees(Form)


def test_a_draft_of_a_relative_acting_is_not_offered_to_the_elder_alone() -> None:
    terminal = at_lookup()
    case = Case(ITEM, 1, for_relative=True, form={"phone": PHONE})
    offer(terminal, case.to_draft())
    terminal.sees(Form)


def relative_at_lookup(agent: CardRecord) -> Terminal:
    terminal = Terminal()
    terminal.go_to(PlaceIdCard)
    terminal.press(Act.FOR_RELATIVE)
    terminal.lay_card(agent)
    terminal.press(Act.CONFIRM_IDENTITY)
    terminal.lift_card()
    terminal.lay_card(ELDER)
    terminal.press(Act.CONFIRM_IDENTITY)
    return terminal


def draft_of_relative(agent: CardRecord) -> str:
    terminal = relative_at_lookup(agent)
    terminal.no_past()
    terminal.type("phone", PHONE)
    terminal.type("relative_phone", "13900139000")
    terminal.press(Act.NEXT)
    return terminal.last(SaveDraft).payload


def test_the_relative_who_acted_goes_on_with_both_cards() -> None:
    payload = draft_of_relative(RELATIVE_CARD)
    assert RELATIVE_CARD.number not in payload
    terminal = relative_at_lookup(RELATIVE_CARD)
    offer(terminal, payload)
    terminal.sees(DraftFound)


def test_another_relative_sees_nothing_of_the_first_ones_draft() -> None:
    other = card("孙大强", date(1980, 1, 1), "137", valid_to=date(2035, 1, 1))
    terminal = relative_at_lookup(other)
    offer(terminal, draft_of_relative(RELATIVE_CARD))
    assert all(field.value == "" for field in terminal.sees(Form).fields)


def test_the_elders_card_alone_does_not_erase_what_the_relative_began() -> None:
    terminal = at_lookup()
    offer(terminal, draft_of_relative(RELATIVE_CARD))
    terminal.sees(Form)
    assert not terminal.all(EraseDraft)  # who presses "for an elder" now is still offered it


def test_a_damaged_draft_or_one_of_another_version_is_simply_not_offered() -> None:
    for payload in ("{}", "not json", Case(ITEM, 99, form={"phone": PHONE}).to_draft()):
        terminal = at_lookup()
        offer(terminal, payload)
        terminal.sees(Form)


def test_a_store_or_centre_that_never_answers_keeps_nobody_waiting() -> None:
    terminal = at_lookup()
    terminal.wait(6)
    terminal.sees(Form)


def test_the_card_lifted_while_it_is_looked_shows_nothing_in_full() -> None:
    terminal = at_lookup()
    terminal.lift_card()
    assert terminal.sees(ConfirmIdentity).person.name == "张*兰"


# -- the same again within thirty days ----------------------------------------------


def test_the_same_item_again_within_thirty_days_shows_the_earlier_number() -> None:
    terminal = at_lookup()
    assert terminal.last(LookForEarlier).within_days == 30
    terminal.known_before(days_ago=10)
    assert terminal.sees(EarlierApplication).number == EARLIER
    terminal.press(Act.APPLY_AGAIN)
    terminal.sees(Form)


def test_one_who_is_content_with_the_earlier_one_may_end_there() -> None:
    terminal = at_lookup()
    terminal.known_before(days_ago=10)
    terminal.press(Act.FINISH)
    assert terminal.sees(TakeAway).card_on_reader


def test_an_application_of_long_ago_is_not_shown() -> None:
    terminal = at_lookup()
    terminal.known_before(days_ago=31)
    terminal.sees(Form)


# -- what a draft holds ----------------------------------------------------------------


@given(
    st.dictionaries(texts, texts, max_size=5),
    st.dictionaries(texts, st.lists(pages, max_size=2).map(tuple), max_size=2),
    st.booleans(),
    st.none() | texts,
)
def test_a_draft_gives_back_what_was_entered(
    form: dict[str, str],
    taken: dict[str, tuple[TakenPage, ...]],
    for_relative: bool,
    number: str | None,
) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    case = Case(ITEM, 1, 1, at, for_relative, form=form, pages=taken, earlier_number=number)
    again = Case(ITEM, 1, for_relative=for_relative)
    fits = any(form.values()) or bool(taken)
    assert again.draft_fits(case.to_draft()) is fits
    assert again.take_from_draft(case.to_draft()) is fits
    if fits:
        assert (again.form, again.pages, again.earlier_number) == (form, taken, number)


@given(st.text(max_size=200))
def test_any_text_as_a_draft_is_answered(payload: str) -> None:
    assert not Case(ITEM, 1).draft_fits(payload)


def test_neither_cards_nor_signature_are_in_a_draft_and_nothing_in_a_trace() -> None:
    case = Case(
        ITEM,
        1,
        applicant=ELDER,
        agent=RELATIVE_CARD,
        form={"phone": PHONE},
        strokes=(((0.123456, 0.5), (0.6, 0.7)),),
    )
    payload = case.to_draft()
    for secret in (ELDER.number, ELDER.name, ELDER.address, RELATIVE_CARD.number, "0.123456"):
        assert secret not in payload
        assert secret not in repr(case)
    assert PHONE not in repr(case)
    assert str(date(1944, 3, 5)) not in repr(case)
