"""How a terminal becomes known to the hub, and who is turned away."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.test import Client
from django.utils import timezone
from hub_terminal import Door, Terminal, number_in
from hypothesis import given
from hypothesis import strategies as st

from hub.api.crowd import COUNTED_EVERY_S, SPREAD_MAX_S, Crowd
from hub.api.rate import Rates, shared_count
from hub.guard.attempts import ENROLMENT
from hub.seal.keys import make_seal_keys
from hub.terminals.authority import GRACE_D, make_authority, read_authority
from hub.terminals.enrolment import CODE_ALPHABET, new_code, revoke
from hub.terminals.models import EnrolmentCode, TerminalCertificate, TerminalKey
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
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[A-Z2-7]{26}", code)
    assert Terminal("QS01", Door()).try_code(f" {code.lower().replace('-', ' ')}").status == 200


def test_the_code_carries_a_pin_of_the_hubs_authority(known: Known) -> None:
    code = new_code(known, "test").code
    told = Terminal("QS01", Door()).ask("GET", "ca").json["ca"]
    authority = x509.load_pem_x509_certificate(told.encode())
    public = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b32encode(hashlib.sha256(public).digest()[:16]).decode().rstrip("=")
    assert code.split("-", 2)[2] == pin
    other = f"{code[:9]}-{'A' * 26}"
    assert Terminal("QS01", Door()).try_code(other).json["error"]["code"] == "code_unknown"
    assert Terminal("QS01", Door()).try_code(code[:9]).status == 200


def test_what_a_terminal_gets_is_for_it_alone_and_for_ninety_days(known: Known) -> None:
    terminal = Terminal("QS01", Door())
    terminal.enrol(new_code(known, "test").code)
    mine = x509.load_pem_x509_certificate(terminal.certificate.pem.encode())
    authority = x509.load_pem_x509_certificate(terminal.certificate.authority.encode())
    mine.verify_directly_issued_by(authority)
    assert mine.subject.rfc4514_string() == "CN=QS01"  # of the request only the key is believed
    assert mine.public_key() == terminal.certificate.key.public_key()
    usage = mine.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    left = mine.not_valid_after_utc - timezone.now()
    assert timedelta(days=89) < left <= timedelta(days=90)


def test_when_the_answer_was_lost_the_same_machine_may_ask_again(known: Known) -> None:
    terminal = Terminal("QS01", Door())
    code = new_code(known, "test").code
    lost = terminal.try_code(code)
    assert lost.status == 200
    terminal.enrol(code)
    assert terminal.ask("GET", "contact").status == 200
    stranger = Terminal("QS01", Door())
    assert stranger.try_code(code).json["error"]["code"] == "code_used"


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
    reply = terminal.try_code(code, receipt_key=key)
    assert (reply.status, reply.json["error"]["code"]) == (422, "invalid")
    terminal.enrol(code)


def _request_for(key: Any, digest: Any = SHA256) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "QS01")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name)
    return made.sign(key, digest() if digest else None).public_bytes(Encoding.PEM).decode()


def _damaged() -> str:
    request = x509.load_pem_x509_csr(_request_for(ec.generate_private_key(ec.SECP256R1())).encode())
    der = bytearray(request.public_bytes(Encoding.DER))
    der[-3] ^= 1
    lines = base64.encodebytes(bytes(der)).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{lines}-----END CERTIFICATE REQUEST-----\n"


@pytest.mark.parametrize(
    "request_of",
    [
        lambda: "x",
        lambda: "\u94bf" * 10,
        lambda: "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
        lambda: _request_for(ec.generate_private_key(ec.SECP384R1())),
        lambda: _request_for(Ed25519PrivateKey.generate(), None),
        _damaged,
    ],
)
def test_a_request_that_is_none_is_refused_before_the_code_is_spent(
    known: Known, request_of: Callable[[], str]
) -> None:
    code = new_code(known, "test").code
    terminal = Terminal("QS01", Door())
    reply = terminal.try_code(code, csr=request_of())
    assert (reply.status, reply.json["error"]["code"]) == (422, "invalid")
    terminal.enrol(code)


def test_nothing_that_opens_a_door_is_kept_in_plain(known: Known) -> None:
    code = new_code(known, "test").code
    terminal = Terminal("QS01", Door())
    terminal.enrol(code)
    stored = repr(list(Known.objects.values())) + repr(list(EnrolmentCode.objects.values()))
    short = code[:9]
    assert short not in stored
    assert short.replace("-", "") not in stored
    assert set(short.replace("-", "")) <= set(CODE_ALPHABET)


def test_enrolled_anew_the_old_certificate_ends_and_old_receipts_stay_good(
    terminal: Terminal,
) -> None:
    number = number_in(terminal.applied())
    receipt = terminal.qr(number)
    after = Terminal("QS01", Door())  # the same machine with a new disk: new key
    after.enrol(new_code(Known.objects.get(pk="QS01"), "test").code)
    reply = terminal.ask("GET", "contact")
    assert (reply.status, reply.json["error"]["code"]) == (401, "certificate_revoked")
    assert after.post("progress", {"qr": receipt}).status == 200


def test_a_terminal_out_of_use_is_not_heard(terminal: Terminal) -> None:
    Known.objects.update(disabled_at=timezone.now())
    reply = terminal.batch()
    assert (reply.status, reply.json["error"]["code"]) == (401, "certificate_revoked")


# -- renewal, expiry, revocation ----------------------------------------------


def test_a_certificate_is_renewed_and_the_one_before_stays_good_meanwhile(
    terminal: Terminal,
) -> None:
    """The answer may be lost on the way."""
    before = terminal.certificate.pem
    terminal.certificate.key = ec.generate_private_key(ec.SECP256R1())
    told = terminal.post("renew", {"csr": terminal.certificate.request()}).json
    assert set(told) == {"certificate", "ca"}
    for pem in (told["certificate"], before):
        terminal.certificate.pem = pem
        assert terminal.ask("GET", "contact").status == 200
    assert terminal.post("renew", {"csr": "x"}).status == 422


def test_an_expired_certificate_delivers_and_renews_and_nothing_else(terminal: Terminal) -> None:
    """A line that was dead for months strands nobody's application."""
    ran_out = timezone.now() - timedelta(days=GRACE_D - 1)
    TerminalCertificate.objects.update(not_after=ran_out)
    terminal.applied()
    for method, path in (("GET", "contact"), ("POST", "progress"), ("POST", "earlier")):
        reply = terminal.ask(method, path, b"{}", {"Content-Type": "application/json"})
        assert (reply.status, reply.json["error"]["code"]) == (403, "certificate_expired")
    told = terminal.post("renew", {"csr": terminal.certificate.request()}).json
    terminal.certificate.pem = told["certificate"]
    assert terminal.ask("GET", "contact").status == 200


def test_after_the_grace_even_that_ends(terminal: Terminal) -> None:
    ran_out = timezone.now() - timedelta(days=GRACE_D, seconds=1)
    TerminalCertificate.objects.update(not_after=ran_out)
    for reply in (terminal.batch(), terminal.post("renew", {"csr": "x"}), terminal.put(b"x")):
        assert (reply.status, reply.json["error"]["code"]) == (403, "certificate_expired")


def test_a_revoked_certificate_is_not_even_renewed(terminal: Terminal) -> None:
    assert revoke("QS01") == 1
    for reply in (
        terminal.batch(),
        terminal.post("renew", {"csr": terminal.certificate.request()}),
        terminal.ask("GET", "contact"),
        terminal.put(b"x"),
    ):
        assert (reply.status, reply.json["error"]["code"]) == (401, "certificate_revoked")
    terminal.enrol(new_code(Known.objects.get(), "test").code)
    assert terminal.ask("GET", "contact").status == 200


def test_a_hub_restored_from_before_a_renewal_still_knows_its_terminal(terminal: Terminal) -> None:
    TerminalCertificate.objects.all().delete()
    TerminalKey.objects.all().delete()
    Known.objects.all().delete()
    assert terminal.ask("GET", "contact").json["terminal"] == "QS01"
    assert TerminalCertificate.objects.get().terminal_id == "QS01"


def test_a_certificate_of_another_authority_is_unknown(terminal: Terminal, tmp_path: Path) -> None:
    make_authority(tmp_path, timezone.now())
    key = terminal.certificate.key.public_key()
    terminal.certificate.pem = read_authority(tmp_path).issue("QS01", key, timezone.now()).pem
    reply = terminal.ask("GET", "contact")
    assert (reply.status, reply.json["error"]["code"]) == (401, "certificate_unknown")


def test_behind_a_gateway_of_this_machine_a_header_carries_the_certificate(
    terminal: Terminal, settings: Any
) -> None:
    header = {"X-Client-Certificate": quote(terminal.certificate.pem)}
    bare = Client()
    assert bare.get("/api/v1/contact", headers=header).status_code == 401
    settings.GATEWAY = True
    assert bare.get("/api/v1/contact", headers=header).status_code == 200
    assert bare.get("/api/v1/contact", headers=header, REMOTE_ADDR="10.0.0.9").status_code == 401
    for wrong in ("", "%", "-----BEGIN", quote(terminal.certificate.authority)):
        answer = bare.get("/api/v1/contact", headers={"X-Client-Certificate": wrong})
        assert answer.status_code == 401


def test_seal_keys_are_told_with_every_contact_the_newest_first(
    terminal: Terminal, settings: Any, tmp_path: Path
) -> None:
    settings.KEYS = tmp_path / "keys"
    make_seal_keys(settings.KEYS)
    first = terminal.ask("GET", "contact").json["seal_keys"]
    assert [one["suite"] for one in first] == [1, 2]
    make_seal_keys(settings.KEYS, anew=True)
    second = terminal.ask("GET", "contact").json["seal_keys"]
    assert [one["suite"] for one in second] == [1, 1, 2, 2]
    assert second[1] == first[0]
    for one in second:
        public = base64.b64decode(one["public_key"])
        assert one["id"] == hashlib.sha256(public).hexdigest()[:16]
    settings.SEAL_SUITE_FIRST = 2
    make_seal_keys(settings.KEYS, anew=True)
    assert terminal.ask("GET", "contact").json["seal_keys"][0]["suite"] == 2


def test_one_terminal_that_asks_without_end_has_to_wait(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    rates = Rates(10.0, clock=lambda: now)
    assert [rates.wait_s("QS01") for _ in range(50)] == [0.0] * 50
    assert rates.wait_s("QS01") == pytest.approx(0.1)
    assert rates.wait_s("QS02") == 0.0
    now += 0.11
    assert rates.wait_s("QS01") == 0.0
    assert rates.wait_s("QS01") > 0
    now += 1e6
    assert [rates.wait_s("QS01") > 0 for _ in range(51)] == [False] * 50 + [True]
    monkeypatch.setattr(Rates, "wait_s", lambda *_: 7.4)
    reply = terminal.ask("GET", "contact")
    assert (reply.status, reply.json["error"]["code"]) == (429, "too_often")
    assert reply.headers["Retry-After"] == "7"


@given(asked=st.lists(st.tuples(st.booleans(), st.floats(0, 2)), max_size=60))
def test_several_processes_that_count_together_are_as_one(
    asked: list[tuple[bool, float]],
) -> None:
    now = 100.0

    def clock() -> float:
        return now

    memory = shared_count()
    first, second = (Rates(2.0, clock, shared=memory) for _ in range(2))
    alone = Rates(2.0, clock)
    os.close(memory)
    for which, pause_s in asked:
        now += pause_s
        waits_s = (first if which else second).wait_s("ZZZZ")
        assert waits_s == alone.wait_s("ZZZZ")
    assert first.wait_s("0000") == 0.0


@pytest.mark.parametrize("code", ["-QS1", "QS_1", "１２３４", "QS011", "QS0", "qs01", "QS0\n"])
def test_what_is_no_code_has_no_place_among_the_rates(code: str) -> None:
    with pytest.raises(ValueError, match="not a terminal's code"):
        Rates(10.0).wait_s(code)


def test_a_rate_below_one_in_five_seconds_still_lets_one_pass() -> None:
    now = 100.0
    rates = Rates(0.1, clock=lambda: now)
    assert (rates.wait_s("QS01"), rates.wait_s("QS01")) == (0.0, pytest.approx(10.0))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "batch"),
        ("POST", "renew"),
        ("POST", "attachments"),
        ("HEAD", f"attachments/{'0' * 64}"),
        ("PATCH", f"attachments/{'0' * 64}"),
        ("POST", "progress"),
        ("POST", "earlier"),
        ("GET", "contact"),
    ],
)
def test_without_a_certificate_there_is_nothing_to_be_had(db: None, method: str, path: str) -> None:
    terminal = Terminal("QS01", Door())
    reply = terminal.ask(method, path, b"{}", {"Content-Type": "application/json"})
    assert reply.status == 401
    assert method == "HEAD" or reply.json["error"]["code"] == "not_enrolled"


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


def test_a_lone_terminal_need_not_spread_and_ten_thousand_do(terminal: Terminal) -> None:
    now = 0.0
    crowd = Crowd(lambda: now)
    assert crowd.spread_s < 0.1
    Known.objects.bulk_create([Known(code=f"{at:04d}") for at in range(10_000)])
    assert crowd.spread_s < 0.1  # they are not counted for every contact
    now += COUNTED_EVERY_S
    assert 580 < crowd.spread_s <= SPREAD_MAX_S == 600
    assert 0 <= terminal.ask("GET", "contact").json["spread_s"] <= SPREAD_MAX_S
