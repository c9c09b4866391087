"""Between the server's loop and the application's threads.

A request is gathered whole before a thread is taken for it: ten thousand terminals on slow lines
hold no thread while their bytes come. What comes is bounded (hub/serving/gathering), and what waits
for a thread in requests and in time; who does not fit is told at once to come again, and nothing grows.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, assert_never

from hub import limits
from hub.serving.gathering import Gathering, Holder, Receive, Refused, Room, announced
from hub.terminals.identity import ENVIRON, LOOPBACK

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CERTIFICATE = "client_certificate"  # in the scope, DER; the protocol puts it there
GATEWAY_HEADER = b"x-client-certificate"  # hub/terminals/identity reads it
WAITING_MAX = 512  # requests that wait for a thread
WAIT_S_MAX = 1.2  # and how long that may take: later answers would be given up by who asked
FIRST_GUESS_S = 0.01  # a request's time in its thread, before any was seen
MEMORY = 0.05  # how much the newest counts in that time's average
RETRY_S = (3.0, 300.0)  # when to come again: the soonest and the latest that is told
# Who comes again asks for contact and then hands over, so each is given the time of two requests.
REQUESTS_OF_ONE = 2


@dataclass(slots=True)
class Load:
    """What is under way in this process."""

    threads: int
    waiting: int = 0
    service_s: float = FIRST_GUESS_S
    promised_s: float = 0.0  # monotonic: when the last of those who were turned away comes again

    def takes(self) -> bool:
        """Whether one more request would be begun in time. A free thread is always used."""
        before_it = self.waiting - self.threads + 1
        if before_it <= 0:
            return True
        # A request's time was measured with all threads at work, so they drain side by side.
        return (
            self.waiting < WAITING_MAX and before_it * self.service_s / self.threads <= WAIT_S_MAX
        )

    def come_again_s(self, now_s: float) -> float:
        """After how long one who is turned away now finds room: one after the other, each a time of
        their own. All told the same, they would come together and be turned away together."""
        soonest_s, latest_s = RETRY_S
        each_s = REQUESTS_OF_ONE * self.service_s / self.threads
        self.promised_s = max(self.promised_s, now_s + soonest_s) + each_s
        if self.promised_s > now_s + latest_s:
            self.promised_s = now_s + soonest_s  # more than can be promised: from the front again
        return self.promised_s - now_s

    def took(self, seconds: float) -> None:
        self.service_s += MEMORY * (seconds - self.service_s)


@dataclass(slots=True)
class _Answer:
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


class Bridge:
    """An ASGI application around a WSGI one. `gateway`: one on this machine names the certificates."""

    def __init__(self, application: Wsgi, threads: int, *, gateway: bool = False) -> None:
        self._application = application
        self._gateway = gateway
        self._load = Load(threads)
        self._room = Room()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        gathering = Gathering(self._room, self._holder(scope))
        try:
            body = await gathering.body(scope, receive)
            if isinstance(body, Refused):
                await _turn_away(send, scope, body, self._come_again)
                return
            load = self._load
            if not load.takes():
                text = "too many at once; come again"
                await _refuse(send, 503, "busy", text, close=False, again_s=self._come_again())
                return
            load.waiting += 1
            try:
                answer = await asyncio.get_running_loop().run_in_executor(
                    self._pool, self._run, scope, body
                )
            finally:
                load.waiting -= 1
            await _say(send, answer.status, answer.headers, answer.body)
        finally:
            gathering.give_back()

    def _holder(self, scope: dict[str, Any]) -> Holder:
        """By what was shown; whether it is believed is the application's to say."""
        certificate: bytes = scope.get(CERTIFICATE, b"")
        host, _ = scope.get("client") or ("", 0)
        if self._gateway and host in LOOPBACK:
            host = ""
            shown = [value for name, value in scope["headers"] if name == GATEWAY_HEADER]
            certificate = certificate or b"".join(shown)
        return Holder(certificate, "" if certificate else host)

    def _come_again(self) -> int:
        return math.ceil(self._load.come_again_s(time.monotonic()))

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, scope: dict[str, Any], body: io.BytesIO) -> _Answer:
        began = time.monotonic()
        answer = _Answer()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            answer.status = int(status.split(" ", 1)[0])
            answer.headers = [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
            ]

        said = self._application(_environ(scope, body), start)
        try:
            answer.body = b"".join(said)
        finally:
            close = getattr(said, "close", None)
            if close is not None:
                close()
        self._load.took(time.monotonic() - began)
        return answer


def _environ(scope: dict[str, Any], body: io.BytesIO) -> dict[str, Any]:
    host, port = scope.get("server") or ("", 0)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "CONTENT_LENGTH": str(body.getbuffer().nbytes),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        ENVIRON: scope.get(CERTIFICATE, b""),
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif name not in ("content-length", "transfer-encoding") and "_" not in name:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


async def _turn_away(
    send: Send, scope: dict[str, Any], why: Refused, come_again: Callable[[], int]
) -> None:
    """Its body was not read to the end."""
    match why:
        case Refused.TOO_LARGE:
            most = limits.body_bytes(scope["path"])
            await _refuse(send, 413, "too_large", f"at most {most} bytes")
        case Refused.NOT_ENROLLED:
            await _refuse(send, 401, "not_enrolled", "a terminal's certificate is needed")
        case Refused.NO_ROOM:
            # What a sender announced is let pass unheld; what has no end that is known is cut off.
            endless = not announced(scope)
            text = "too much is under way; come again"
            await _refuse(send, 503, "busy", text, close=endless, again_s=come_again())
        case Refused.TOO_SLOW:
            await _refuse(send, 408, "too_slow", "the body stopped coming")
        case Refused.GONE:
            pass
        case _:
            assert_never(why)


async def _refuse(
    send: Send, status: int, code: str, text: str, *, close: bool = True, again_s: int = 0
) -> None:
    """`close`: the rest of the body is not read. `again_s`: when to come again, if that is told."""
    body = json.dumps({"error": {"code": code, "text": text}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(body)).encode()),
    ]
    if again_s:
        headers.append((b"retry-after", str(again_s).encode()))
    if close:
        headers.append((b"connection", b"close"))
    await _say(send, status, headers, body)


async def _say(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
