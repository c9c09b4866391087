"""Giving a social card a new password: the hub's half of the dialogue, against a strict card."""

from __future__ import annotations

import base64
import json
import logging
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from hub_sealing import sealed
from hub_terminal import PERSON, Reply, Terminal
from hypothesis import given
from hypothesis import strategies as st

from hub.cards import dialogue as dialogues
from hub.cards.authority import MADE_UP_KEYS
from hub.cards.models import CardDialogue
from hub.cards.secure_messaging import MAC_BYTES, card_key, mac
from rehearsal.emulators.smart_card_files import Card, CardKeys, card_of, des3, retail_mac

PIN = "739164"
CARD_ID = "44990120260101000000000000000001"


@pytest.fixture(autouse=True)
def _reference() -> Iterator[None]:
    before, settings.CARD_AUTHORITY = settings.CARD_AUTHORITY, "reference"
    yield
    settings.CARD_AUTHORITY = before


def a_card(**more: Any) -> Card:
    facts = {"name": PERSON["name"], "id_number": PERSON["number"], "card_id": CARD_ID}
    return card_of({"kind": "social", "contactless": True, **facts, **more})


class Talk:
    """One dialogue as a terminal holds it."""

    def __init__(self, terminal: Terminal, **case: Any) -> None:
        self.terminal = terminal
        self.id = secrets.token_hex(16)
        self.sealed = self.seal(terminal.code, self.id, case)

    def seal(self, code: str, name: str, case: dict[str, Any]) -> str:
        content = {
            "identity": {"name": PERSON["name"], "number": PERSON["number"]},
            "card": {
                "card_id": CARD_ID,
                "card_number": "S12345678",
                "name": PERSON["name"],
                "id_number": PERSON["number"],
            },
            "pin": PIN,
            **case,
        }
        context = f"card\0{code}\0{name}".encode()
        made = sealed(self.terminal.seal_key, context, json.dumps(content).encode())
        return base64.b64encode(made).decode()

    def ask(self, step: int, *answers: bytes, **changes: Any) -> Reply:
        body = {
            "dialogue": self.id,
            "step": step,
            "sealed": self.sealed,
            "answers": [answer.hex().upper() for answer in answers],
        }
        return self.terminal.post("card-dialogue", {**body, **changes})

    def said(self, step: int, *answers: bytes, **changes: Any) -> dict[str, Any]:
        reply = self.ask(step, *answers, **changes)
        assert reply.status == 200, reply.content
        told: dict[str, Any] = reply.json
        return told

    def with_card(self, card: Card, told: dict[str, Any] | None = None) -> dict[str, Any]:
        """To the end, as a terminal does: up to the first answer that is not 9000."""
        told = told or self.said(0)
        while told["outcome"] == "transmit":
            told = self.said(told["step"], *answers_of(card, told))
        return told


def answers_of(card: Card, told: dict[str, Any]) -> list[bytes]:
    answers = []
    for apdu in told["apdus"]:
        answers.append(card.answer(bytes.fromhex(apdu)))
        if not answers[-1].endswith(b"\x90\x00"):
            break
    return answers


def test_a_card_gets_its_new_password(terminal: Terminal) -> None:
    card = a_card(pin="111111")
    told = Talk(terminal).with_card(card)
    assert told["outcome"] == "done" and told["apdus"] == []
    assert card.pin == PIN
    row = CardDialogue.objects.get()
    assert (row.outcome, row.card_state, row.region) == ("changed", "changed", "449901")


def test_the_password_and_the_number_are_kept_nowhere(
    terminal: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    talk = Talk(terminal)
    told = talk.said(0)
    card = a_card()
    while told["outcome"] == "transmit":
        row = CardDialogue.objects.values().get()
        for secret in (PIN, PERSON["number"], PERSON["name"], CARD_ID):
            assert secret not in str(row)
        told = talk.said(told["step"], *answers_of(card, told))
    assert PIN not in caplog.text and str(PERSON["number"]) not in caplog.text


def test_a_card_that_had_its_own_pin_blocked_is_opened_by_the_new_one(terminal: Terminal) -> None:
    card = a_card()
    card.pin_tries = 0
    assert Talk(terminal).with_card(card)["outcome"] == "done"
    assert card.answer(bytes.fromhex("00A404000F") + card.aid)[-2:] == b"\x90\x00"
    assert card.answer(bytes.fromhex("0020000003" + PIN)) == b"\x90\x00"


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        ("let_in", "key_refused"),
        ("write", "key_refused"),
        ("blocked", "card_blocked"),
        ("no_keys", "unknown_card"),
    ],
)
def test_a_card_that_does_not_accept_it_keeps_its_password_and_it_is_said(
    terminal: Terminal, harm: str, code: str
) -> None:
    card = a_card(pin="111111")
    assert card.keys is not None
    match harm:
        case "let_in":
            card.keys.let_in = bytes(16)
        case "write":
            card.keys.write = bytes(range(16))
        case "blocked":
            card.keys.let_in_tries = 0
        case _:
            card.keys = None
    told = Talk(terminal).with_card(card)
    assert (told["outcome"], told["code"]) == ("refused", code)
    assert told["text_zh"] and told["text_en"]
    assert card.pin == "111111"
    if card.keys and harm in ("let_in", "write"):
        assert getattr(card.keys, f"{harm}_tries") == 2  # it counts against the card


def test_after_three_wrong_tries_the_card_lets_nobody_in(terminal: Terminal) -> None:
    card = a_card()
    assert card.keys is not None
    good, card.keys.let_in = card.keys.let_in, bytes(16)
    codes = [Talk(terminal).with_card(card)["code"] for _ in range(4)]
    assert codes == ["key_refused"] * 3 + ["card_blocked"]
    card.keys.let_in = good
    assert Talk(terminal).with_card(card)["code"] == "card_blocked"


def test_what_somebody_changed_on_the_way_the_card_refuses() -> None:
    """One bit of header, data or MAC."""
    keys = CardKeys.of(CARD_ID)
    challenge = b"\x01\x02\x03\x04"
    data = des3(keys.write, b"\x03\x73\x91\x64\x80\0\0\0")
    good = data + retail_mac(keys.write, challenge, b"\x84\x24\0\0\x0c" + data)
    for bit in range(0, len(good) * 8, 5):
        card = a_card(pin="111111")
        card.here, card.let_in, card.challenge = card.aid, True, challenge
        bad = (int.from_bytes(good) ^ (1 << bit)).to_bytes(len(good))
        assert card.answer(b"\x84\x24\0\0\x0c" + bad) == b"\x69\x88"
        assert card.pin == "111111" and card.keys is not None and card.keys.write_tries == 2
    card = a_card(pin="111111")
    card.here, card.challenge = card.aid, challenge
    assert card.answer(b"\x84\x24\0\0\x0c" + good) == b"\x69\x82"  # nobody was let in
    card.let_in, card.challenge = True, challenge
    assert card.answer(b"\x84\x24\0\0\x0c" + good) == b"\x90\x00"
    assert card.answer(b"\x84\x24\0\0\x0c" + good) == b"\x69\x85"  # a challenge serves once


@given(st.binary(min_size=4, max_size=4), st.binary(max_size=60))
def test_both_sides_make_the_same_mac_each_in_its_own_way(challenge: bytes, data: bytes) -> None:
    ours = CardKeys.of(CARD_ID)
    key = card_key(MADE_UP_KEYS[16:], bytes.fromhex(CARD_ID)[-8:])
    assert key == ours.write
    header = b"\x84\x24\0\0"
    length = bytes([len(data) + MAC_BYTES])
    assert mac(key, challenge, header, data) == retail_mac(key, challenge, header + length + data)


def test_the_retail_mac_is_that_of_the_standard() -> None:
    """ISO/IEC 9797-1, annex: algorithm 3 with padding method 2."""
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    assert retail_mac(key, b"", b"Now is the time for all ").hex() == "e9086230"
    assert retail_mac(key, b"", b"Now is the time for it").hex() == "5a692ce6"


@pytest.mark.fault(20)
def test_a_step_asked_again_is_answered_the_same_and_nothing_happens_twice(
    terminal: Terminal,
) -> None:
    card = a_card()
    talk = Talk(terminal)
    told = talk.said(0)
    assert talk.said(0) == told
    while told["outcome"] == "transmit":
        answers = answers_of(card, told)
        after = talk.said(told["step"], *answers)
        assert talk.said(told["step"], *answers) == after
        told = after
    assert told["outcome"] == "done" and CardDialogue.objects.count() == 1


def test_what_is_no_next_step_is_turned_away(terminal: Terminal) -> None:
    talk = Talk(terminal)
    assert talk.ask(1).status == 404
    talk.said(0)
    assert talk.ask(0, b"\x90\x00").json["error"]["code"] == "dialogue_conflict"
    assert talk.ask(2, b"\x90\x00").json["error"]["code"] == "dialogue_conflict"
    other = Talk(terminal)
    other.id = talk.id
    other.sealed = other.seal(terminal.code, talk.id, {"pin": "582917"})
    assert other.ask(1, b"\x90\x00").json["error"]["code"] == "dialogue_conflict"


def test_a_new_dialogue_ends_the_one_before_and_what_it_had_said(terminal: Terminal) -> None:
    first, second = Talk(terminal), Talk(terminal)
    first.said(0)
    second.said(0)
    assert first.ask(1, b"\x90\x00").json["error"]["code"] == "dialogue_over"
    row = CardDialogue.objects.get(dialogue=first.id)
    assert (row.outcome, row.answer, row.memory) == ("broken_off", {}, "")


def test_a_dialogue_does_not_last(terminal: Terminal) -> None:
    talk = Talk(terminal)
    talk.said(0)
    long_ago = timezone.now() - dialogues.LIVES_FOR - timedelta(seconds=1)
    CardDialogue.objects.update(begun_at=long_ago)
    assert talk.ask(1, b"\x90\x00").json["error"]["code"] == "dialogue_over"


@pytest.mark.parametrize("state", ["not_changed", "unknown", "changed"])
def test_a_terminal_that_breaks_off_says_what_it_knows_of_the_card(
    terminal: Terminal, state: str
) -> None:
    talk = Talk(terminal)
    talk.said(0)
    told = talk.said(1, ended=state)
    assert told["outcome"] == "refused" and talk.said(1, ended=state) == told
    row = CardDialogue.objects.get()
    assert row.card_state == state
    assert row.outcome == ("changed" if state == "changed" else "broken_off")
    late = Talk(terminal)
    late.said(0)
    assert late.said(0, ended=state)["outcome"] == "refused"  # it never heard the first answer


def test_what_was_sealed_for_something_else_is_no_password(terminal: Terminal) -> None:
    talk = Talk(terminal)
    for wrong in (
        "AAAA",
        "no base64!",
        talk.seal("QS02", talk.id, {}),
        talk.seal(terminal.code, "0" * 32, {}),
        talk.seal(terminal.code, talk.id, {"pin": "12345"}),
        talk.seal(terminal.code, talk.id, {"pin": 739164}),
    ):
        reply = talk.ask(0, sealed=wrong)
        assert (reply.status, reply.json["error"]["code"]) == (422, "not_sealed")
    assert not CardDialogue.objects.exists()


def test_another_persons_card_is_refused_before_it_is_asked_anything(terminal: Terminal) -> None:
    stranger = {"name": "某人", "number": "440101197003053528"}
    told = Talk(terminal, identity=stranger).said(0)
    assert (told["outcome"], told["code"], told["apdus"]) == ("refused", "another_person", [])


def test_where_no_authority_is_named_nothing_is_offered(terminal: Terminal) -> None:
    settings.CARD_AUTHORITY = ""
    told = Talk(terminal).said(0)
    assert (told["outcome"], told["code"]) == ("refused", "not_offered")


def test_whether_a_card_may_is_asked_without_a_password_and_begins_nothing(
    terminal: Terminal,
) -> None:
    running = Talk(terminal)
    told = running.said(0)
    question = Talk(terminal, pin="")
    answer = question.said(0)
    assert (answer["outcome"], answer["apdus"], answer["code"]) == ("ready", [], "")
    assert CardDialogue.objects.count() == 1
    # The dialogue that runs goes on as if nothing had been asked.
    assert running.with_card(a_card(), told)["outcome"] == "done"
    for step in ({"step": 1}, {"step": 0, "ended": "unknown"}):
        assert question.ask(**step).status == 409


@pytest.mark.parametrize(
    ("case", "authority", "code"),
    [
        ({}, "", "not_offered"),
        ({"identity": {"name": "某人", "number": "440101197003053528"}}, None, "another_person"),
        ({"card": {"card_id": "", "card_number": "S1", "name": "某人"}}, None, "unknown_card"),
    ],
)
def test_who_is_sent_to_the_counter_hears_it_before_a_password_is_typed(
    terminal: Terminal, case: dict[str, Any], authority: str | None, code: str
) -> None:
    if authority is not None:
        settings.CARD_AUTHORITY = authority
    if "card" in case:
        case = {"card": {**case["card"], "id_number": PERSON["number"]}}
    told = Talk(terminal, pin="", **case).said(0)
    assert (told["outcome"], told["code"]) == ("refused", code)
    assert told["text_zh"] and told["text_en"]


def test_a_card_gets_so_many_passwords_a_day_at_whatever_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(dialogues.DIALOGUES_A_DAY):
        assert Talk(terminal, pin="").said(0)["outcome"] == "ready"
        assert Talk(terminal).with_card(a_card())["outcome"] == "done"
    for pin in ("", PIN):
        told = Talk(terminal, pin=pin).said(0)
        assert (told["outcome"], told["code"]) == ("refused", "daily_limit")
    # Another card is not concerned, and tomorrow neither is this one.
    other = {
        "card_id": CARD_ID[:-1] + "2",
        "card_number": "S12345679",
        "name": PERSON["name"],
        "id_number": PERSON["number"],
    }
    assert Talk(terminal, pin="", card=other).said(0)["outcome"] == "ready"
    days = set(CardDialogue.objects.values_list("card_day", flat=True)) - {""}
    assert len(days) == 1
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr("hub.cards.doors.timezone.now", lambda: tomorrow)
    assert Talk(terminal).said(0)["outcome"] == "transmit"
    assert set(CardDialogue.objects.values_list("card_day", flat=True)) - {""} != days


def test_a_card_that_was_only_asked_about_is_not_counted(terminal: Terminal) -> None:
    stranger = {"name": "某人", "number": "440101197003053528"}
    for _ in range(2 * dialogues.DIALOGUES_A_DAY):
        Talk(terminal, pin="").said(0)
        Talk(terminal, identity=stranger).said(0)
    assert Talk(terminal).said(0)["outcome"] == "transmit"


def test_a_region_names_an_authority_of_its_own() -> None:
    named = dialogues.authority_named("hub.cards.authority:ReferenceAuthority")
    assert named is not None and dialogues.authority_named("") is None


def test_only_a_terminal_may_ask(terminal: Terminal) -> None:
    talk = Talk(terminal)
    terminal.certificate.pem = ""
    assert talk.ask(0).status == 401


def test_staff_see_each_try_and_no_number_in_full(terminal: Terminal) -> None:
    from hub.staff.first_user import make_first_user
    from hub.staff.models import User

    talk = Talk(terminal)
    talk.with_card(a_card())
    make_first_user()
    user = User.objects.get()
    user.must_change_password = False
    user.save()
    client = Client()
    client.force_login(user)
    page = client.get("/staff/cards/carddialogue/").content.decode()
    assert talk.id[:8].upper() in page and "已改好" in page
    assert str(PERSON["number"]) not in page and str(PERSON["name"]) not in page
