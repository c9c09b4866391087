"""What a terminal may ask about applications, and what it never learns."""

from __future__ import annotations

import json

import pytest
from hub_terminal import PERSON, Terminal, number_in
from hypothesis import given
from hypothesis import strategies as st

from hub.applications.decisions import decide
from hub.applications.models import Application
from hub.masking import masked_name, masked_number
from hub.numbers import check_characters_fit, grouped, read_qr
from hub.staff.models import User


@pytest.mark.django_db
def test_the_receipt_tells_how_far_it_is_and_nothing_personal(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    reply = terminal.post("progress", {"qr": terminal.qr(number)})
    assert reply.status == 200
    assert set(reply.json) == {"number", "state", "item", "accepted_at", "changed_at"}
    assert reply.json["number"] == number
    assert reply.json["state"] == "received"
    assert reply.json["item"] == "old_age_allowance"
    assert reply.json["accepted_at"] == "2026-11-22T01:41:00Z"
    said = json.dumps(reply.json, ensure_ascii=False)
    for value in (*PERSON.values(), "13800138000", "6222021234567890128", "钟离小满"):
        assert value is None or str(value) not in said or value in ("1", "01")


@pytest.mark.django_db
def test_what_the_clerk_decided_is_what_the_citizen_sees(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    clerk = User.objects.create_user("clerk")
    before = terminal.post("progress", {"qr": terminal.qr(number)}).json
    for seen, to in (("received", "in_review"), ("in_review", "granted")):
        decide(Application.objects.get(pk=number), seen, to, "", clerk)
    after = terminal.post("progress", {"qr": terminal.qr(number)}).json
    assert after["state"] == "granted"
    assert after["changed_at"] > before["changed_at"]


@pytest.mark.django_db
def test_a_code_that_no_terminal_of_ours_signed_is_refused(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    forged = Terminal("QS01", terminal.way).qr(number)
    reply = terminal.post("progress", {"qr": forged})
    assert (reply.status, reply.json["error"]["code"]) == (422, "signature_wrong")


@pytest.mark.django_db
def test_a_receipt_whose_application_has_not_arrived_is_unknown(terminal: Terminal) -> None:
    reply = terminal.post("progress", {"qr": terminal.qr(terminal.number())})
    assert (reply.status, reply.json["error"]["code"]) == (404, "unknown_number")


@pytest.mark.django_db
def test_a_number_with_wrong_check_characters_is_not_looked_up(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    reply = terminal.post("progress", {"qr": terminal.qr(wrong)})
    assert (reply.status, reply.json["error"]["code"]) == (422, "qr_unreadable")


@pytest.mark.django_db
def test_an_earlier_application_of_the_same_person_for_the_same_item_is_found(
    terminal: Terminal,
) -> None:
    terminal.applied(accepted_at="2026-11-01T02:00:00Z")
    newest = number_in(terminal.applied(accepted_at="2026-11-20T02:00:00Z"))
    asked = {
        "item": "old_age_allowance",
        "id_number": PERSON["number"],
        "since": "2026-10-23T00:00:00Z",
    }
    reply = terminal.post("earlier", asked)
    assert reply.json == {
        "number": newest,
        "accepted_at": "2026-11-20T02:00:00Z",
        "state": "received",
        "materials": ["household_page"],
        "note": "",
    }
    nothing = {"number": None, "accepted_at": None, "state": None, "materials": [], "note": ""}
    for other in (
        {"item": "other_item"},
        {"id_number": "440101197003053528"},
        {"since": "2026-11-21T00:00:00Z"},
    ):
        assert terminal.post("earlier", {**asked, **other}).json == nothing
    Application.objects.update(state="refused")
    told = terminal.post("earlier", asked).json
    assert (told["number"], told["state"]) == (newest, "refused")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"id_number": "%"},
        {"id_number": ""},
        {"id_number": None},
        {"item": ""},
        {"since": "2026-10-23"},
        {"since": 5},
    ],
)
def test_an_empty_or_wild_question_is_no_question(
    terminal: Terminal, change: dict[str, object]
) -> None:
    asked = {"item": "a", "id_number": PERSON["number"], "since": "2026-10-23T00:00:00Z"}
    reply = terminal.post("earlier", {**asked, **change})
    assert (reply.status, reply.json["error"]["code"]) == (422, "invalid")
    assert PERSON["number"] not in reply.json["error"]["text"]


# -- numbers and codes --------------------------------------------------------


def test_check_characters_of_worked_examples() -> None:
    # QS0126112200 37 -> Q=26 S=28: 26280126112200 37 00 mod 97 = 2, 98 - 2 = 96.
    assert check_characters_fit("QS01261122003796")
    assert not check_characters_fit("QS01261122003797")
    assert not check_characters_fit("QS01261122003769")
    assert grouped("QS01261122003796") == "QS01 2611 2200 3796"


@given(st.text(alphabet="0123456789", min_size=12, max_size=12), st.integers(0, 14))
def test_two_neighbours_swapped_are_noticed(digits: str, at: int) -> None:
    from hub_terminal import check_characters

    number = "QS01" + digits[:10]
    number += check_characters(number)
    assert check_characters_fit(number)
    if at >= 4 and number[at] != number[at + 1]:
        swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
        assert not check_characters_fit(swapped)


@given(st.text(max_size=250))
def test_whatever_is_scanned_is_a_receipt_or_not(text: str) -> None:
    assert read_qr(text) is None
    assert read_qr(f"ZW1.{text}") is None
    assert read_qr(f"ZW1.QS01261122003796.{text}") is None or len(text) == 103


def test_lists_show_enough_to_recognise_and_not_enough_to_copy() -> None:
    assert [masked_name(name) for name in ("", "张", "张三", "欧阳修文")] == [
        "",
        "*",
        "张*",
        "欧**文",
    ]
    assert masked_number("440101194001011512") == "4401**********1512"
    assert masked_number("12345678") == "********"
