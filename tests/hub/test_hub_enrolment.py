"""How a terminal becomes known to the hub, and who is turned away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hub_terminal import Door, Terminal, number_in

from hub.guard.attempts import ENROLMENT
from hub.terminals.enrolment import CODE_ALPHABET, new_code
from hub.terminals.models import EnrolmentCode
from hub.terminals.models import Terminal as Known

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(db: None) -> Known:
    return Known.objects.create(code="QS01", name="清水镇便民服务中心")


def test_a_code_makes_the_terminal_known(known: Known) -> None:
    terminal = Terminal("QS01", Door())
    assert terminal.ask("GET", "contact").status == 401
    terminal.enrol(new_code(known, "test").code)
    reply = terminal.ask("GET", "contact")
    assert (reply.status, reply.json["terminal"]) == (200, "QS01")
    assert reply.json["time"].endswith("Z")
    known.refresh_from_db()
    assert known.last_contact is not None
    assert known.software == "0.1.0"


def test_a_code_may_be_typed_as_people_type(known: Known) -> None:
    code = new_code(known, "test").code
    assert len(code) == 9
    assert Terminal("QS01", Door()).try_code(f" {code.lower().replace('-', ' ')}").status == 200


def test_a_code_works_once(known: Known) -> None:
    code = new_code(known, "test").code
    Terminal("QS01", Door()).enrol(code)
    reply = Terminal("QS01", Door()).try_code(code)
    assert (reply.status, reply.json["error"]["code"]) == (403, "code_used")


def test_a_code_works_for_ten_minutes(known: Known) -> None:
    code = new_code(known, "test").code
    row = EnrolmentCode.objects.get()
    assert row.expires_at - row.created_at == timedelta(minutes=10)
    EnrolmentCode.objects.update(expires_at=timezone.now())
    reply = Terminal("QS01", Door()).try_code(code)
    assert (reply.status, reply.json["error"]["code"]) == (403, "code_expired")


def test_a_new_code_ends_the_one_before(known: Known) -> None:
    first = new_code(known, "test").code
    second = new_code(known, "test").code
    terminal = Terminal("QS01", Door())
    assert terminal.try_code(first).json["error"]["code"] == "code_expired"
    terminal.enrol(second)


def test_an_unknown_code_says_so(known: Known) -> None:
    reply = Terminal("QS01", Door()).try_code("2222-2222")
    assert (reply.status, reply.json["error"]["code"]) == (403, "code_unknown")


def test_who_guesses_codes_has_to_wait_even_with_a_right_one(known: Known) -> None:
    terminal = Terminal("QS01", Door())
    for _ in range(ENROLMENT.failures):
        assert terminal.try_code("2222-2222").status == 403
    reply = terminal.try_code(new_code(known, "test").code)
    assert (reply.status, reply.json["error"]["code"]) == (429, "too_many_attempts")
    assert int(reply.headers["Retry-After"]) == ENROLMENT.window_s


@pytest.mark.parametrize("key", ["", "AAAA", "not base64!", "A" * 43 + "=="])
def test_a_key_that_is_none_is_refused_before_the_code_is_spent(known: Known, key: str) -> None:
    code = new_code(known, "test").code
    terminal = Terminal("QS01", Door())
    reply = terminal.post("enrol", {"code": code, "public_key": key, "software": "1"})
    assert (reply.status, reply.json["error"]["code"]) == (422, "invalid")
    terminal.enrol(code)


def test_nothing_that_opens_a_door_is_kept_in_plain(known: Known) -> None:
    code = new_code(known, "test").code
    terminal = Terminal("QS01", Door())
    terminal.enrol(code)
    stored = repr(list(Known.objects.values())) + repr(list(EnrolmentCode.objects.values()))
    assert terminal.token not in stored
    assert code not in stored
    assert code.replace("-", "") not in stored
    assert set(code.replace("-", "")) <= set(CODE_ALPHABET)


def test_enrolled_anew_the_old_token_ends_and_old_receipts_stay_good(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    receipt = terminal.qr(number)
    after = Terminal("QS01", Door())  # the same machine with a new disk: new key
    after.enrol(new_code(Known.objects.get(pk="QS01"), "test").code)
    assert terminal.ask("GET", "contact").status == 401
    assert after.post("progress", {"qr": receipt}).status == 200


def test_a_terminal_out_of_use_is_not_heard(terminal: Terminal) -> None:
    Known.objects.update(disabled_at=timezone.now())
    reply = terminal.batch()
    assert (reply.status, reply.json["error"]["code"]) == (401, "not_enrolled")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "batch"),
        ("PUT", f"attachments/{'0' * 64}"),
        ("POST", "progress"),
        ("POST", "earlier"),
        ("GET", "contact"),
    ],
)
@pytest.mark.parametrize("token", ["", "wrong", "\u00e9", "a b"])
def test_without_a_token_there_is_nothing_to_be_had(
    db: None, method: str, path: str, token: str
) -> None:
    terminal = Terminal("QS01", Door())
    terminal.token = token
    reply = terminal.ask(method, path, b"{}", "application/json")
    assert (reply.status, reply.json["error"]["code"]) == (401, "not_enrolled")


def test_anybody_may_ask_whether_the_hub_lives(db: None) -> None:
    reply = Terminal("QS01", Door()).ask("GET", "health")
    assert reply.json["ok"] is True
    assert reply.json["time"].endswith("Z")


def test_every_failure_of_the_api_has_the_same_shape(terminal: Terminal) -> None:
    for method, path, status in [
        ("GET", "nothing-here", 404),
        ("GET", "batch", 405),
        ("DELETE", "contact", 405),
    ]:
        reply = terminal.ask(method, path)
        assert reply.status == status
        assert set(reply.json) == {"error"}
        assert set(reply.json["error"]) == {"code", "text"}


def test_a_stranger_host_name_is_turned_away_as_json(db: None) -> None:
    response = Client().get("/api/v1/health", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_request"
