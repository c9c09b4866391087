"""More at once than can be done: who waits, who is told to come again, and what never grows."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from hub.serving import bridge as bridge_module
from hub.serving.bridge import CERTIFICATE, Bridge, Load
from hub.terminals.identity import ENVIRON


def _scope(path: str = "/api/v1/batch", **headers: str) -> dict[str, Any]:
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
        CERTIFICATE: b"der",
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
        assert 3 <= int(headers["retry-after"]) <= 10
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


def test_bodies_that_wait_are_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_module, "BODIES_BYTES_MAX", 10)
    bridge = Bridge(_application(lambda _: b""), 1)

    async def two() -> int:
        never = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not started.is_set():
                started.set()
                return {"type": "http.request", "body": bytes(20), "more_body": True}
            await never.wait()
            raise AssertionError

        started = asyncio.Event()

        async def send(_: dict[str, Any]) -> None: ...

        slow = asyncio.create_task(bridge(_scope(), receive, send))
        await started.wait()
        await asyncio.sleep(0)
        status, _, _ = await _asked(bridge, [b"x"])
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        return status

    assert asyncio.run(two()) == 503
    assert asyncio.run(_asked(bridge, [b"x"]))[0] == 200
    bridge.close()


@pytest.mark.parametrize("announced", ["99999999999", ""])
def test_more_than_agreed_is_not_gathered(announced: str) -> None:
    bridge = Bridge(_application(lambda _: b""), 1)
    scope = _scope("/api/v1/progress", **({"content_length": announced} if announced else {}))
    status, headers, body = asyncio.run(_asked(bridge, [bytes(10_000)] * 3, scope))
    assert (status, headers["connection"]) == (413, "close")
    assert json.loads(body)["error"]["code"] == "too_large"
    assert asyncio.run(_asked(bridge, [], scope | {"headers": []}))[0] == 0  # gone: no answer
    bridge.close()


def test_a_body_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_module, "BODY_SILENCE_S", 0.01)
    bridge = Bridge(_application(lambda _: b""), 1)
    answers: list[int] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        answers.append(message.get("status", 0))

    asyncio.run(bridge(_scope(), receive, send))
    assert answers[0] == 408
    bridge.close()
