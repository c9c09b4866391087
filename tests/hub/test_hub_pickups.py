"""A scan on its way from the terminal to its owner's phone: once, for ten minutes, unreadable here."""

from __future__ import annotations

import base64
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.test import Client
from django.utils import timezone
from hub_terminal import Reply, Terminal

from hub.limits import PICKUP_BYTES
from hub.pickups.keeping import LIFE_S, WAITING_MAX, erase_expired
from hub.pickups.models import Pickup

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7 a page of somebody's"
OCTETS = {"Content-Type": "application/octet-stream"}
SCRIPT = Path(__file__).parents[2] / "hub/pickups/static/pickups/pickup.js"


def named() -> str:
    return base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()


def sealed(name: str, key: bytes, pdf: bytes = PDF) -> bytes:
    nonce = os.urandom(12)
    return b"ZWP1" + nonce + AESGCM(key).encrypt(nonce, pdf, name.encode())


def put(terminal: Terminal, name: str, content: bytes) -> Reply:
    return terminal.ask("PUT", f"pickups/{name}", content, OCTETS)


def state(terminal: Terminal, name: str) -> str:
    return str(terminal.ask("GET", f"pickups/{name}").json["state"])


@pytest.fixture
def phone() -> Client:
    return Client(enforce_csrf_checks=True)


def test_a_phone_fetches_it_once_and_then_it_is_gone(terminal: Terminal, phone: Client) -> None:
    name, key = named(), os.urandom(32)
    content = sealed(name, key)
    assert put(terminal, name, content).status == 200
    assert state(terminal, name) == "waiting"
    first = phone.post(f"/p/{name}/content")
    assert (first.status_code, first.content) == (200, content)
    assert first["Cache-Control"] == "no-store"
    assert phone.post(f"/p/{name}/content").status_code == 404
    assert state(terminal, name) == "fetched"
    assert bytes(Pickup.objects.get().sealed) == b""


def test_looking_at_the_page_spends_nothing(terminal: Terminal, phone: Client) -> None:
    name = named()
    put(terminal, name, b"sealed")
    for _ in range(3):  # messengers look at every link
        page = phone.get(f"/p/{name}")
        assert page.status_code == 200
    assert phone.get(f"/p/{name}/content").status_code == 405
    assert state(terminal, name) == "waiting"
    policy = page["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert "<script>" not in page.content.decode() and " on" not in page.content.decode()[:400]


def test_the_page_says_nothing_about_what_waits(terminal: Terminal, phone: Client) -> None:
    there, nowhere = named(), named()
    put(terminal, there, b"sealed")
    assert phone.get(f"/p/{there}").content == phone.get(f"/p/{nowhere}").content


def test_after_ten_minutes_nobody_gets_it_and_the_hub_erases_it(
    terminal: Terminal, phone: Client
) -> None:
    name = named()
    put(terminal, name, b"sealed")
    left = Pickup.objects.get().expires_at - timezone.now()
    assert timedelta(seconds=LIFE_S - 60) < left <= timedelta(seconds=LIFE_S)
    Pickup.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert phone.post(f"/p/{name}/content").status_code == 404
    assert state(terminal, name) == "gone"
    assert erase_expired() == 1
    assert not Pickup.objects.exists()


def test_a_new_code_takes_the_place_of_the_one_before(terminal: Terminal, phone: Client) -> None:
    old, new = named(), named()
    put(terminal, old, b"sealed")
    assert put(terminal, f"{new}?replaces={old}", b"sealed anew").status == 200
    assert phone.post(f"/p/{old}/content").status_code == 404
    assert state(terminal, old) == "gone"
    assert phone.post(f"/p/{new}/content").content == b"sealed anew"


def test_nobody_takes_away_the_scan_of_another_terminal(terminal: Terminal, phone: Client) -> None:
    from hub.terminals.models import Terminal as Known

    name = named()
    put(terminal, name, b"sealed")
    Pickup.objects.update(terminal=Known.objects.create(code="QS02"))
    put(terminal, f"{named()}?replaces={name}", b"mine")
    assert phone.post(f"/p/{name}/content").content == b"sealed"


def test_the_same_scan_sent_again_is_kept_once(terminal: Terminal) -> None:
    name = named()
    first, again = put(terminal, name, b"sealed"), put(terminal, name, b"sealed")
    assert first.json == again.json
    other = put(terminal, name, b"another")
    assert (other.status, other.json["error"]["code"]) == (409, "taken")


def test_only_an_enrolled_terminal_leaves_scans_and_asks_for_its_own(terminal: Terminal) -> None:
    from hub.terminals.models import Terminal as Known

    name = named()
    stranger = Client().put(f"/api/v1/pickups/{name}", b"x", "application/octet-stream")
    assert stranger.status_code == 401
    put(terminal, name, b"sealed")
    Pickup.objects.update(terminal=Known.objects.create(code="QS02"))
    assert state(terminal, name) == "gone"


def test_what_is_too_much_is_refused(terminal: Terminal) -> None:
    assert put(terminal, named(), b"x" * (PICKUP_BYTES + 1)).status == 413
    assert put(terminal, named(), b"x" * (PICKUP_BYTES)).status == 200
    assert terminal.ask("PUT", f"pickups/{named()}", b"x", {"Content-Type": "text/x"}).status == 415
    assert put(terminal, "short", b"x").status == 422
    for _ in range(WAITING_MAX - 1):
        assert put(terminal, named(), b"x").status == 200
    refused = put(terminal, named(), b"x")
    assert refused.status == 429 and "Retry-After" in refused.headers


def opened_as_a_phone_does(content: bytes, key_text: str, name: str) -> subprocess.CompletedProcess:  # type: ignore[type-arg]
    """By the page's own script, in another program's WebCrypto."""
    run = (
        "const {readFileSync} = require('node:fs');"
        "globalThis.crypto ??= require('node:crypto').webcrypto;"
        "(0, eval)(readFileSync(process.argv[1], 'utf8') + ';globalThis.it = {opened, keyOf}');"
        "const key = it.keyOf(process.argv[2]);"
        "if (key === null) process.exit(3);"
        "it.opened(new Uint8Array(readFileSync(0)), key, process.argv[3])"
        ".then(pdf => process.stdout.write(pdf), () => process.exit(4));"
    )
    return subprocess.run(
        ["node", "-e", run, str(SCRIPT), key_text, name],
        input=content,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_the_pages_script_opens_what_the_terminal_sealed_and_nothing_else() -> None:
    name, key = named(), os.urandom(32)
    text = "#" + base64.urlsafe_b64encode(key).rstrip(b"=").decode()
    content = sealed(name, key)
    assert opened_as_a_phone_does(content, text, name).stdout == PDF
    spoiled = content[:-1] + bytes([content[-1] ^ 1])
    assert opened_as_a_phone_does(spoiled, text, name).returncode == 4
    assert opened_as_a_phone_does(content, text, named()).returncode == 4  # of another address
    assert opened_as_a_phone_does(content, text[:20], name).returncode == 3  # a code cut short
