"""The dialogue between the centre and a social card: strict card, real key holder, bad luck."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from drivers.card_reader.values import CardAnswer, SocialCard, Transmit
from drivers.device import Fault, FaultCode
from drivers.id_reader.values import CardKind, CardRecord
from hub.cards.authority import CardCase, Changed, Move, ReferenceAuthority, Refused, Say
from kiosk import sync_messages as messages
from kiosk.card_dialogue import CardChange
from kiosk.entry import card_desk
from kiosk.entry.card_desk import CardDesk
from kiosk.flow.effects import AskCardPassword, ChangeCardPassword
from kiosk.flow.events import (
    CardPasswordEnded,
    CardPasswordLeave,
    CardPasswordLeaveKnown,
    DialogueEnd,
    Scope,
)
from kiosk.identity.social_card import APPLICATION
from kiosk.log import load_catalogue
from offline_cache.faults import StoreFault, StoreFaultCode
from rehearsal.emulators.smart_card_files import Card, card_of

PIN = "739164"
NUMBER = "11010519491231002X"
CARD_ID = "44990120260101000000000000000001"
HOLDER = CardRecord(
    kind=CardKind.RESIDENT,
    name="王小明",
    sex_code="1",
    nation_code="01",
    birth=date(1949, 12, 31),
    address="",
    number=NUMBER,
    issuer="",
    valid_from=None,
    valid_to=None,
)
SOCIAL = SocialCard(card_id=CARD_ID, card_number="S12345678", id_number=NUMBER, name="王小明")
EFFECT = ChangeCardPassword(Scope("s1", 7), 1, HOLDER, SOCIAL, PIN)


class Bench:
    """A card, the holder of its keys, and a line between them that the test may cut."""

    def __init__(self) -> None:
        facts = {"name": "王小明", "id_number": NUMBER, "card_id": CARD_ID, "pin": "111111"}
        self.card: Card = card_of({"kind": "social", "contactless": True, **facts})
        self.authority = ReferenceAuthority()
        self.case: CardCase | None = None
        self.memory = ""
        self.asked: list[messages.AskCard] = []
        self.away: set[int] = set()  # number of the question that nobody answers
        self.unreachable: set[int] = set()
        self.deaf: set[int] = set()  # heard and done, and its answer lost
        self.says: Callable[[Move], Move] = lambda move: move
        self.pull_at = 0  # at this many commands
        self.mute_after = False  # the card does it, and goes before it says so
        self.commands: list[bytes] = []
        self.sealed: bytes | StoreFault = b"sealed"
        self.contents: list[bytes] = []
        self.events: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.logged: list[tuple[str, dict[str, object]]] = []
        self._answered: dict[str, messages.CardSaid] = {}
        self._events = load_catalogue()
        self.desk = CardDesk(
            transmit=self.transmit,
            ask=self.ask,
            seal=self.seal,
            application=APPLICATION,
            post=self.events.put,
            log=self.log,
        )

    def log(self, event: str, /, **fields: str | int | float | bool | None) -> None:
        assert set(fields) <= self._events[event]
        self.logged.append((event, dict(fields)))

    def seal(self, content: bytes, dialogue: str) -> bytes | StoreFault:
        self.contents.append(content)
        return self.sealed

    def transmit(self, command: Transmit) -> object:
        self.commands.append(command.command)
        if command.card != 1:
            return Fault(FaultCode.CARD_LIFTED)
        if len(self.commands) == self.pull_at:
            if self.mute_after:
                self.card.answer(command.command)
            return Fault(FaultCode.CARD_LIFTED, "taken out")
        raw = self.card.answer(command.command)
        return CardAnswer(raw[:-2], int.from_bytes(raw[-2:]))

    def ask(
        self,
        dialogue: str,
        step: int,
        sealed: bytes,
        answers: tuple[bytes, ...],
        *,
        ended: str,
        reply: Callable[[messages.CardSaid | None], None],
    ) -> None:
        question = messages.AskCard.model_validate(
            {
                "id": len(self.asked),
                "dialogue": dialogue,
                "step": step,
                "sealed": sealed.hex(),
                "answers": [answer.hex() for answer in answers],
                "ended": ended,
            }
        )
        self.asked.append(question)
        if question.id in self.away:
            return reply(None)
        if question.id in self.unreachable:
            return reply(messages.CardSaid(id=question.id, outcome="unreachable"))
        said = self._said(question, answers)
        return reply(None if question.id in self.deaf else said)

    def _said(self, question: messages.AskCard, answers: tuple[bytes, ...]) -> messages.CardSaid:
        """As the hub: the same question is answered the same, and nothing happens twice."""
        key = question.model_copy(update={"id": 0}).model_dump_json()
        if key in self._answered:
            return self._answered[key]
        if question.ended:
            move: Move = Refused("", "", "")
        elif question.step == 0:
            content = json.loads(self.contents[-1])
            self.case = CardCase(region="", pin=content["pin"], **content["card"])
            move = self.says(self.authority.begin(self.case))
            if not content["pin"] and isinstance(move, Say):  # only asked
                return messages.CardSaid(id=question.id, outcome="ready")
        else:
            assert self.case is not None
            move = self.says(self.authority.go_on(self.case, self.memory, answers))
        plain = {"id": question.id, "step": question.step + 1}
        match move:
            case Say(apdus=apdus, memory=memory):
                self.memory = memory
                more: dict[str, object] = {
                    "outcome": "transmit",
                    "apdus": [apdu.hex() for apdu in apdus],
                }
            case Changed():
                more = {"outcome": "done"}
            case Refused(code=code, zh=zh, en=en):
                more = {"outcome": "refused", "code": code, "text_zh": zh, "text_en": en}
        self._answered[key] = messages.CardSaid.model_validate({**plain, **more})
        return self._answered[key]

    def leave(self) -> CardPasswordLeaveKnown:
        self.desk.ask_leave(AskCardPassword(EFFECT.scope, 1, HOLDER, SOCIAL))
        known = self.events.get(timeout=20.0)
        assert isinstance(known, CardPasswordLeaveKnown)
        return known

    def change(self, effect: ChangeCardPassword = EFFECT) -> CardPasswordEnded:
        self.desk.perform(effect)
        ended = self.events.get(timeout=20.0)
        assert isinstance(ended, CardPasswordEnded)
        return ended


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(card_desk, "PAUSE_S", 0.0)
    return Bench()


def test_the_card_has_the_new_password(bench: Bench) -> None:
    ended = bench.change()
    assert (ended.end, ended.change, ended.scope) == (
        DialogueEnd.DONE,
        CardChange.CHANGED,
        EFFECT.scope,
    )
    assert bench.card.pin == PIN
    assert len(ended.reference) == 8
    assert bench.asked[0].dialogue.startswith(ended.reference.lower())
    assert [question.step for question in bench.asked] == [0, 1, 2, 3]
    assert len({question.sealed for question in bench.asked}) == 1


def test_whether_it_may_be_is_asked_without_a_password_and_without_the_card(bench: Bench) -> None:
    known = bench.leave()
    assert (known.leave, known.card, known.scope) == (CardPasswordLeave.GIVEN, 1, EFFECT.scope)
    assert json.loads(bench.contents[0])["pin"] == ""
    assert bench.commands == []
    assert bench.card.pin == "111111"


def test_a_centre_that_does_not_offer_it_says_so_before(bench: Bench) -> None:
    bench.says = lambda _: Refused("not_offered", "本地没有开通", "not offered")
    known = bench.leave()
    assert known.leave is CardPasswordLeave.REFUSED
    assert (known.text_zh, known.text_en) == ("本地没有开通", "not offered")


def test_a_centre_that_cannot_be_asked_is_not_taken_for_a_yes(bench: Bench) -> None:
    bench.away = {0, 1, 2}
    assert bench.leave().leave is CardPasswordLeave.HUB_AWAY
    bench.sealed = StoreFault(StoreFaultCode.NO_SEAL_KEY, "not enrolled")
    assert bench.leave().leave is CardPasswordLeave.HUB_AWAY
    bench.sealed = b"sealed"

    def broken(_: Move) -> Move:
        raise ValueError(NUMBER)

    bench.says = broken
    assert bench.leave().leave is CardPasswordLeave.HUB_AWAY
    assert NUMBER not in repr(bench.logged)


def test_what_is_sealed_names_both_cards_and_nothing_is_logged_of_it(bench: Bench) -> None:
    bench.change()
    content = json.loads(bench.contents[0])
    assert content["identity"] == {"name": "王小明", "number": NUMBER}
    assert content["card"]["card_id"] == CARD_ID and content["pin"] == PIN
    assert bench.logged == [("card_dialogue", {"end": "done", "card": "changed", "code": ""})]
    told = repr((EFFECT, bench.asked, bench.logged))
    for secret in (PIN, NUMBER, CARD_ID, "王小明"):
        assert secret not in told


@pytest.mark.parametrize("at", range(1, 6))
def test_the_card_is_pulled_out_at_every_command(bench: Bench, at: int) -> None:
    bench.pull_at = at
    ended = bench.change()
    assert ended.end is DialogueEnd.CARD_GONE
    writing = at == 5
    assert ended.change is (CardChange.UNKNOWN if writing else CardChange.NOT_CHANGED)
    assert bench.asked[-1].ended == ended.change.value, "the centre is told what is known"
    assert bench.card.pin == "111111"


def test_the_card_wrote_it_and_was_pulled_before_it_said_so(bench: Bench) -> None:
    bench.pull_at, bench.mute_after = 5, True
    ended = bench.change()
    assert bench.card.pin == PIN
    assert ended.change is CardChange.UNKNOWN, "nobody claims what nobody knows"


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("how", ["away", "unreachable", "deaf"])
def test_the_line_fails_for_a_moment_and_it_goes_on(bench: Bench, at: int, how: str) -> None:
    getattr(bench, how).add(at)
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.DONE, CardChange.CHANGED)
    assert bench.card.pin == PIN
    assert len(bench.commands) == 5, "no command went to the card twice"


@pytest.mark.parametrize("at", range(4))
def test_the_line_stays_away(bench: Bench, at: int) -> None:
    bench.away = set(range(at, at + 3))
    ended = bench.change()
    assert ended.end is DialogueEnd.HUB_AWAY
    # once the card has said that it is done, it is done, whatever the centre still hears
    assert ended.change is (CardChange.CHANGED if at == 3 else CardChange.NOT_CHANGED)
    assert bench.card.pin == (PIN if at == 3 else "111111")


def test_the_centre_refuses_and_its_words_are_passed_on(bench: Bench) -> None:
    bench.says = lambda _: Refused("card_blocked", "锁住了", "locked")
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.REFUSED, CardChange.NOT_CHANGED)
    assert (ended.text_zh, ended.text_en) == ("锁住了", "locked")
    assert bench.commands == []
    assert bench.logged[0][1]["code"] == "card_blocked"


def test_a_card_with_other_keys_is_refused_and_keeps_its_password(bench: Bench) -> None:
    assert bench.card.keys is not None
    bench.card.keys.write = bytes(range(16))
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.REFUSED, CardChange.NOT_CHANGED)
    assert bench.card.pin == "111111"


@pytest.mark.parametrize(
    "apdu",
    ["00A404000E315041592E5359532E4444463031", "00D6000004AABBCCDD", "0020008203739164", "00"],
)
def test_what_does_not_belong_to_it_never_reaches_the_card(bench: Bench, apdu: str) -> None:
    def other(move: Move) -> Move:
        return (
            replace(move, apdus=(*move.apdus, bytes.fromhex(apdu)))
            if isinstance(move, Say)
            else move
        )

    bench.says = other
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.FAILED, CardChange.NOT_CHANGED)
    assert bench.commands == []
    assert bench.logged[0][1]["code"]


def test_done_without_a_written_card_is_not_believed(bench: Bench) -> None:
    bench.says = lambda _: Changed()
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.FAILED, CardChange.NOT_CHANGED)


def test_a_centre_that_never_ends_comes_to_an_end(bench: Bench) -> None:
    bench.says = lambda _: Say((b"\x00\xa4\x04\x00\x0f" + APPLICATION + b"\x00",))
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.FAILED, CardChange.NOT_CHANGED)
    assert len(bench.commands) <= 24


def test_another_card_in_the_slot_gets_nothing(bench: Bench) -> None:
    ended = bench.change(replace(EFFECT, card=2))
    assert (ended.end, ended.change) == (DialogueEnd.CARD_GONE, CardChange.NOT_CHANGED)
    assert bench.card.seen == []


def test_before_enrolment_nothing_can_be_sealed(bench: Bench) -> None:
    bench.sealed = StoreFault(StoreFaultCode.NO_SEAL_KEY, "not enrolled")
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.HUB_AWAY, CardChange.NOT_CHANGED)
    assert bench.asked == []


def test_who_leaves_ends_it_before_the_next_command(bench: Bench) -> None:
    def and_leave(move: Move) -> Move:
        bench.desk.forget()
        return move

    bench.says = and_leave
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.FAILED, CardChange.NOT_CHANGED)
    assert bench.commands == []


def test_a_bug_does_not_hide_what_is_known(bench: Bench) -> None:
    def broken(_: Move) -> Move:
        raise ValueError(NUMBER)

    bench.says = broken
    ended = bench.change()
    assert (ended.end, ended.change) == (DialogueEnd.FAILED, CardChange.NOT_CHANGED)
    assert NUMBER not in repr(bench.logged)
    assert [event for event, _ in bench.logged] == ["unexpected", "card_dialogue"]
