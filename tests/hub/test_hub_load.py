"""More at once than can be done: who waits, who is told to come again, and what never grows."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from hub import limits
from hub.serving import bridge as bridge_module
from hub.serving import gathering
from hub.serving.bridge import CERTIFICATE, REQUESTS_OF_ONE, RETRY_S, Bridge, Load
from hub.serving.gathering import Holder, Room
from hub.terminals.identity import ENVIRON


def _scope(
    path: str = "/api/v1/batch", certificate: bytes = b"der", **headers: str
) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"a=1",
        "scheme": "https",
        "http_version": "1.1",
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8321),
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
        CERTIFICATE: certificate,
    }


async def _asked(
    bridge: Bridge, parts: list[bytes], scope: dict[str, Any] | None = None
) -> tuple[int, dict[str, str], bytes]:
    messages = [
        {"type": "http.request", "body": part, "more_body": at + 1 < len(parts)}
        for at, part in enumerate(parts)
    ] or [{"type": "http.disconnect"}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await bridge(scope or _scope(), receive, send)
    if not sent:
        return 0, {}, b""
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


def _application(
    work: Callable[[dict[str, Any]], bytes],
) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        said = work(environ)
        start("200 OK", [("X-Tried", "yes")])
        return [said]

    return application


def test_a_request_reaches_the_application_whole_with_its_certificate() -> None:
    def work(environ: dict[str, Any]) -> bytes:
        assert environ[ENVIRON] == b"der"
        assert environ["REMOTE_ADDR"] == "127.0.0.1"
        assert environ["HTTP_ACCEPT"] == "x"
        assert environ["CONTENT_LENGTH"] == "6"
        assert "HTTP_CONTENT_LENGTH" not in environ
        # With an underscore it would be taken for the other's header.
        assert environ.get("HTTP_X_CLIENT_CERTIFICATE") is None
        body: bytes = environ["wsgi.input"].read()
        return body

    bridge = Bridge(_application(work), 1)
    scope = _scope(accept="x", content_length="6")
    scope["headers"].append((b"x_client_certificate", b"forged"))
    status, headers, body = asyncio.run(_asked(bridge, [b"abc", b"def"], scope))
    assert (status, headers["x-tried"], body) == (200, "yes", b"abcdef")
    bridge.close()


@pytest.mark.fault(18)
def test_who_comes_when_too_many_wait_is_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge_module, "WAITING_MAX", 4)
    go_on = threading.Event()

    def slow(_: dict[str, Any]) -> bytes:
        go_on.wait(30)
        return b"done"

    bridge = Bridge(_application(slow), 2)

    async def all_at_once() -> list[tuple[int, dict[str, str], bytes]]:
        tasks = [asyncio.create_task(_asked(bridge, [b"x"])) for _ in range(10)]
        while sum(task.done() for task in tasks) < 6:
            await asyncio.sleep(0)
        go_on.set()
        return list(await asyncio.gather(*tasks))

    answers = asyncio.run(all_at_once())
    assert [status for status, _, _ in answers] == [200] * 4 + [503] * 6
    for _, headers, body in answers[4:]:
        assert int(headers["retry-after"]) >= RETRY_S[0]
        assert json.loads(body)["error"]["code"] == "busy"
    assert asyncio.run(_asked(bridge, [b"x"]))[0] == 200  # and nothing is left behind
    bridge.close()


def test_how_many_may_wait_follows_from_how_long_one_takes() -> None:
    load = Load(threads=4)
    for _ in range(200):
        load.took(0.4)
    load.waiting = 3
    assert load.takes()  # a thread is free: however slow it all is
    load.waiting = 14
    assert load.takes()
    load.waiting = 16  # 13 before it, 0.4 s each, by four threads: too long
    assert not load.takes()


@pytest.mark.fault(18)
def test_who_is_turned_away_gets_a_time_of_their_own() -> None:
    """Ten thousand who are all told "in five seconds" are all turned away again in five seconds."""
    load = Load(threads=4)
    for _ in range(400):
        load.took(0.4)
    told = [load.come_again_s(100.0) for _ in range(50)]
    assert told[0] >= RETRY_S[0]
    gaps = [later - sooner for sooner, later in itertools.pairwise(told)]
    assert gaps == pytest.approx([REQUESTS_OF_ONE * 0.4 / 4] * 49, rel=0.01)
    # When that crowd is past, the next one waits no longer than the first did.
    assert load.come_again_s(1000.0) == pytest.approx(told[0])


def test_nobody_is_told_to_come_later_than_a_terminal_waits() -> None:
    load = Load(threads=1)
    for _ in range(400):
        load.took(2.0)
    told = [load.come_again_s(0.0) for _ in range(1000)]
    assert RETRY_S[0] <= min(told) and max(told) <= RETRY_S[1]


class _Slow:
    """A sender whose body has begun and does not end."""

    def __init__(self, bridge: Bridge, scope: dict[str, Any], begun: bytes) -> None:
        self._begun = [begun]
        self.status = 0
        self.task = asyncio.create_task(bridge(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._begun:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self._begun.pop(), "more_body": True}

    async def _send(self, message: dict[str, Any]) -> None:
        self.status = self.status or message["status"]


async def _beside(slow: list[tuple[Bridge, dict[str, Any], bytes]], asked: Any) -> Any:
    """What `asked` comes to while these are under way."""
    senders = [_Slow(*one) for one in slow]
    for _ in range(5):
        await asyncio.sleep(0)
    answer = await asked()
    for one in senders:
        one.task.cancel()
    await asyncio.gather(*(one.task for one in senders), return_exceptions=True)
    return answer


@pytest.mark.parametrize("length", ["20", ""])
def test_bodies_that_come_are_bounded_in_bytes_too(
    monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    """By what was announced before any of it is here, or else by what has come."""
    monkeypatch.setattr(gathering, "TERMINALS_BYTES_MAX", 30)
    bridge = Bridge(_application(lambda _: b""), 1)
    said = {"content_length": length} if length else {}
    slow = (bridge, _scope(**said), b"" if length else bytes(20))

    async def two() -> tuple[int, int]:
        large, _, _ = await _asked(bridge, [bytes(20)], _scope(certificate=b"other"))
        none, _, _ = await _asked(bridge, [b""], _scope(certificate=b"other"))
        return large, none

    assert asyncio.run(_beside([slow], two)) == (503, 200)
    assert asyncio.run(_asked(bridge, [bytes(20)]))[0] == 200
    bridge.close()


def test_who_shows_no_certificate_cannot_close_the_hub_for_the_terminals() -> None:
    bridge = Bridge(_application(lambda _: b""), 1)
    most = limits.QUESTION_BYTES
    crowd = []
    for at in range(gathering.STRANGERS_BYTES_MAX // most + 40):
        scope = _scope("/api/v1/enrol", certificate=b"", content_length=str(most))
        crowd.append((bridge, scope | {"client": (f"192.0.2.{at % 250}", 5)}, b"x"))

    async def terminal_and_page() -> list[int]:
        scan = _scope("/api/v1/pickups/x", content_length=str(limits.PICKUP_BYTES))
        told = [await _asked(bridge, [bytes(limits.PICKUP_BYTES)], scan)]
        told.append(await _asked(bridge, [b""], _scope("/staff/", certificate=b"")))
        told.append(await _asked(bridge, [b"xy"], _scope("/api/v1/enrol", certificate=b"")))
        return [status for status, _, _ in told]

    assert asyncio.run(_beside(crowd, terminal_and_page)) == [200, 200, 503]
    bridge.close()


@pytest.mark.parametrize("announced", [True, False])
def test_nothing_large_is_read_of_who_shows_no_certificate(announced: bool) -> None:
    bridge = Bridge(_application(lambda _: b""), 1)
    size = limits.PICKUP_BYTES
    more = {"content_length": str(size)} if announced else {}
    scope = _scope("/api/v1/pickups/x", certificate=b"", **more)
    status, headers, body = asyncio.run(_asked(bridge, [bytes(10_000)] * 1000, scope))
    assert (status, headers["connection"]) == (401, "close")
    assert json.loads(body)["error"]["code"] == "not_enrolled"
    bridge.close()


def test_a_gateway_on_this_machine_names_the_certificate_and_nobody_else_does() -> None:
    scan = _scope(
        "/api/v1/pickups/x", certificate=b"", x_client_certificate="pem", content_length="20000"
    )
    for gateway, host, status in (
        (True, "127.0.0.1", 200),
        (True, "192.0.2.1", 401),
        (False, "127.0.0.1", 401),
    ):
        bridge = Bridge(_application(lambda _: b""), 1, gateway=gateway)
        asked = _asked(bridge, [bytes(20_000)], scan | {"client": (host, 5)})
        assert asyncio.run(asked)[0] == status
        bridge.close()


@pytest.mark.fault(18)
def test_nobody_has_all_the_room() -> None:
    for holder, share in (
        (Holder(b"der", ""), gathering.CERTIFICATE_BYTES_MAX),
        (Holder(b"", "192.0.2.1"), gathering.ADDRESS_BYTES_MAX),
    ):
        room = Room()
        assert room.take(holder, share)
        assert not room.take(holder, 1)
        assert room.take(Holder(holder.certificate * 2, holder.address + "2"), share)
        room.give_back(holder, share)
        assert room.take(holder, share)
    assert gathering.CERTIFICATE_BYTES_MAX > limits.PICKUP_BYTES + limits.BATCH_BYTES


@pytest.mark.parametrize("announced", ["99999999999", ""])
def test_more_than_agreed_is_not_gathered(announced: str) -> None:
    bridge = Bridge(_application(lambda _: b""), 1)
    scope = _scope("/api/v1/progress", **({"content_length": announced} if announced else {}))
    status, headers, body = asyncio.run(_asked(bridge, [bytes(10_000)] * 3, scope))
    assert (status, headers["connection"]) == (413, "close")
    assert json.loads(body)["error"]["code"] == "too_large"
    assert asyncio.run(_asked(bridge, [], scope | {"headers": []}))[0] == 0  # gone: no answer
    bridge.close()


@pytest.mark.parametrize("trickle", [b"", b"x"])
def test_a_body_that_stops_or_only_trickles_is_given_up(
    monkeypatch: pytest.MonkeyPatch, trickle: bytes
) -> None:
    monkeypatch.setattr(gathering, "PATIENCE_S", 0.02)
    bridge = Bridge(_application(lambda _: b""), 1)
    answers: list[int] = []

    async def receive() -> dict[str, Any]:
        await (asyncio.sleep(0.005) if trickle else asyncio.Event().wait())
        return {"type": "http.request", "body": trickle, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message.get("status", 0))

    asyncio.run(bridge(_scope(), receive, send))
    assert answers[0] == 408
    bridge.close()
