"""Whatever comes back over the wire is a closed value; only the hub's own words count."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread

import pytest
from cache_world import HandClock
from little_hub import TOKEN, LittleHub, serving

from offline_cache.client import Contact, Enrolled, Failure, FailureKind, HubClient, HubEarlier


@pytest.fixture
def hub() -> Iterator[LittleHub]:
    with serving(LittleHub()) as hub:
        yield hub


@pytest.fixture
def client(hub: LittleHub) -> Iterator[HubClient]:
    client = _client(hub.url)
    yield client
    client.close()


def _client(url: str, token: str = TOKEN) -> HubClient:
    return HubClient(url, HandClock(), connect_timeout_s=2, read_timeout_s=0.3, token=token)


def test_contact(client: HubClient) -> None:
    assert client.contact() == Contact("QS01")


@pytest.mark.parametrize(
    ("trick", "kind", "code"),
    [
        ("500", FailureKind.SERVER_ERROR, "internal"),
        ("502 html", FailureKind.SERVER_ERROR, ""),
        ("503", FailureKind.TOO_MANY, "busy"),
        ("portal", FailureKind.GARBAGE, "shape"),
        ("portal 403", FailureKind.GARBAGE, "not_the_hub"),
        ("portal redirect", FailureKind.GARBAGE, "not_the_hub"),
        ("not found html", FailureKind.GARBAGE, "not_the_hub"),
        ("other json", FailureKind.GARBAGE, "shape"),
        ("half json", FailureKind.GARBAGE, "shape"),
        ("truncated", FailureKind.GARBAGE, "transport"),
        ("gigabyte", FailureKind.GARBAGE, "too_large"),
        ("nothing", FailureKind.TIMED_OUT, "cut_off"),
        ("hang", FailureKind.TIMED_OUT, ""),
    ],
)
def test_every_way_to_fail_has_its_name(
    hub: LittleHub, client: HubClient, trick: str, kind: FailureKind, code: str
) -> None:
    hub.contact_tricks = [trick]
    answer = client.contact()
    assert isinstance(answer, Failure)
    assert (answer.kind, answer.code) == (kind, code)
    assert client.contact() == Contact("QS01")  # and the next call is not spoilt by it


def test_retry_after_is_read_as_seconds_or_as_a_date(hub: LittleHub, client: HubClient) -> None:
    hub.contact_tricks = ["503 retry-after", "429 date"]
    first, second = client.contact(), client.contact()
    assert isinstance(first, Failure) and first.retry_after_s == 120
    assert isinstance(second, Failure) and second.retry_after_s == 90
    assert second.kind is FailureKind.TOO_MANY


def test_a_wrong_token_is_unauthorised(hub: LittleHub) -> None:
    client = _client(hub.url, "old")
    answer = client.contact()
    assert isinstance(answer, Failure) and answer.kind is FailureKind.UNAUTHORISED
    client.close()


def test_nobody_there(hub: LittleHub) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        client = _client(f"http://127.0.0.1:{unused.getsockname()[1]}")
        answer = client.contact()
        assert isinstance(answer, Failure)
        assert (answer.kind, answer.code) == (FailureKind.UNREACHABLE, "no_connection")
        client.close()


def test_somebody_without_the_right_certificate_is_nobody() -> None:
    """A captive portal in front of https: the connection fails closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = Thread(target=answer_once)
        thread.start()
        client = _client(f"https://127.0.0.1:{server.getsockname()[1]}")
        answer = client.contact()
        assert isinstance(answer, Failure)
        assert (answer.kind, answer.code) == (FailureKind.UNREACHABLE, "certificate")
        client.close()
        thread.join()


def test_enrolment_takes_a_code_once(hub: LittleHub) -> None:
    client = _client(hub.url, "")
    assert client.enrol("one-time", bytes(32), "kiosk 0") == Enrolled("QS01", TOKEN)
    refused = client.enrol("guessed", bytes(32), "kiosk 0")
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.code) == (FailureKind.UNAUTHORISED, "code_unknown")
    assert TOKEN not in repr(Enrolled("QS01", TOKEN))
    client.close()


def test_asking_for_an_earlier_application(client: HubClient) -> None:
    answer = client.earlier("old-age-allowance", "990101194001010029", HandClock().utc())
    assert answer == HubEarlier(None, None)


def test_the_machines_proxy_settings_do_not_lead_us_elsewhere(
    client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert client.contact() == Contact("QS01")
