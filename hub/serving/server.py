"""Serving: TLS is ended here, the client certificate goes on with the request, one ready line,
a clean end on SIGTERM. With PostgreSQL, a process for every core and one that opens what they took;
SQLite has one writer anyway: one process, in which a thread opens.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub.api.rate import shared_count
from hub.applications.opener import opening
from hub.applications.tidying import tidying
from hub.serving.bridge import CERTIFICATE, Bridge
from hub.serving.children import Children

OPENING_NICE = 10  # it works on what the serving processes leave, and a tenth when they leave none
# Of one process: while one waits for the database, another reads. With six, a batch took a quarter
# more of the processor: they wait for each other.
THREADS = 3
BACKLOG = 4096  # connections the kernel holds when all terminals come at once
KEEP_ALIVE_S = 75  # a terminal speaks once a minute
SILENCE_S = 30.0  # a connection over which nothing was ever asked
OPEN_FILES = 65_536  # a connection for each of ten thousand terminals, and a crowd; as in the unit
OWN_FILES = 256  # of those, what is no connection: database, attachments, log, libraries
IDLE_SHARE_CLOSED = 8  # one in so many: a crowd is not looked through for every newcomer
END_S = 10  # for what is under way at the end
ABORT_S = 0.1  # a turn of the loop, in which connections are let go
# Certificates are judged by the program: an expired one may still deliver (hub/terminals/identity).
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME
PR_SET_PDEATHSIG = 1
MOST_HEAD_BYTES = 32_768
GARBAGE_AFTER = 10_000  # objects that were made and not dropped; some megabytes

log = logging.getLogger("hub.server")


class Protocol(HttpToolsProtocol):
    """Puts the client's certificate beside the request; closes what says nothing, and what is idle
    when there are too many. Those that still shake hands are not counted: they have seconds."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        link = transport.get_extra_info("ssl_object")
        self._certificate: bytes = (link.getpeercert(True) or b"") if link is not None else b""
        self._head_bytes = 0
        self._silence = self.loop.call_later(SILENCE_S, self._close_silent)
        self._idle_at = self.loop.time()
        if len(self.connections) > most_connections():
            self._make_room()

    @property
    def idle(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    def on_response_complete(self) -> None:
        self._idle_at = self.loop.time()
        super().on_response_complete()

    def _make_room(self) -> None:
        """Close those idle longest; before all others those over which nothing was ever asked."""
        idle = [one for one in self._others() if one.idle]
        idle.sort(key=lambda one: (one.cycle is not None, one._idle_at))
        closed = idle[: len(idle) // IDLE_SHARE_CLOSED + 1]
        for one in closed:
            one.transport.abort()
        log.warning("too many connections: idle ones were closed count=%d", len(closed))

    def _others(self) -> Iterator[Protocol]:
        for one in self.connections:
            assert isinstance(one, Protocol)  # noqa: S101 (the only one there is)
            if one is not self and not one.transport.is_closing():
                yield one

    def _close_silent(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def shutdown(self) -> None:
        """The server ends: what is idle is not waited for."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._silence.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self.scope[CERTIFICATE] = self._certificate  # type: ignore[typeddict-unknown-key]

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MOST_HEAD_BYTES:
            self.transport.close()
            return
        super().on_header(name, value)

    def send_400_response(self, msg: str) -> None:
        """What never reaches the application fails in the API's words too."""
        body = b'{"error": {"code": "bad_request", "text": "this is no HTTP request"}}'
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )
        self.transport.close()


class Server(uvicorn.Server):
    """Ends for certain: a peer that never says goodbye keeps uvloop from closing otherwise."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            assert isinstance(connection, Protocol)  # noqa: S101 (the only one there is)
            connection.transport.abort()
        await asyncio.sleep(ABORT_S)


def raise_files_limit() -> None:
    """A service gets 1,024 open files where nobody says more: a thousand silent peers would be all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """Of this process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return OPEN_FILES if soft == resource.RLIM_INFINITY else max(soft - OWN_FILES, soft // 2)


def tls() -> ssl.SSLContext:
    """TLS 1.2 and up; a client certificate is asked for and may be missing: browsers have none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.KEYS / "server.pem")
    context.load_verify_locations(settings.KEYS / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= NO_CHECK_TIME
    # Terminals keep their connection, and after an outage none has one to go on with: two tickets
    # would be made and sent over a slow line for nobody.
    context.num_tickets = 0
    return context


def run(
    host: str,
    port: int,
    *,
    plain: bool,
    processes: int,
    port_file: Path | None,
    ready: Callable[[str], None],
) -> int:
    """Serve until SIGTERM or Ctrl+C. OSError if the port cannot be had."""
    raise_files_limit()
    listening = _listen(host, port)
    opened = int(listening.getsockname()[1])
    if port_file is not None:
        part = port_file.with_name(port_file.name + ".part")
        part.write_text(f"{opened}\n", encoding="ascii")
        part.replace(port_file)
    scheme = "http" if plain else "https"
    ready(f"hub ready {scheme}://{host}:{opened}")
    with tidying(settings.TIDY_EVERY_S):
        if processes == 1:
            with opening():
                _serve(listening, plain=plain)
            return 0
        return _supervise(listening, plain=plain, processes=processes)


def serve_inherited(descriptor: int, *, plain: bool) -> None:
    """One of several processes: the socket was opened by the one that started this, and this ends
    with it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    _serve(socket.socket(fileno=descriptor), plain=plain)


def keep_opening() -> None:
    """The process that opens what the serving ones took; they go first, a terminal waits there."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.nice(OPENING_NICE)
    work = opening()
    _keep_what_was_loaded()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: work.end())
    work.run()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _serve(listening: socket.socket, *, plain: bool) -> None:
    bridge = Bridge(get_wsgi_application(), THREADS, gateway=settings.GATEWAY)
    config = uvicorn.Config(
        bridge,  # type: ignore[arg-type]  # an ASGI application
        loop="hub.serving.loop:Loop",
        http=Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=END_S,
        backlog=BACKLOG,
        ssl_context_factory=None if plain else lambda *_: tls(),
    )
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGINT, _ended)
    _keep_what_was_loaded()
    try:
        Server(config).run(sockets=[listening])
    finally:
        bridge.close()
        connections.close_all()
        log.info("ended")


def _keep_what_was_loaded() -> None:
    """Modules and models stay for good: looking for garbage among them cost a tenth of a batch. And
    what a batch makes goes with it: a look at each hundred items is often enough."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)


def _supervise(listening: socket.socket, *, plain: bool, processes: int) -> int:
    """Start the others again when they die; end them when this ends."""
    listening.set_inheritable(True)
    descriptor = listening.fileno()
    serving = [sys.executable, "-m", "hub", "serve-inherited", str(descriptor)]
    serving += ["--plain"] if plain else []
    opening = [sys.executable, "-m", "hub", "keep-opening"]
    counted = shared_count()
    environment = {**os.environ, settings.RATES_SHARED_NAME: str(counted)}

    def start(number: int) -> subprocess.Popen[bytes]:
        command = serving if number < processes else opening
        return subprocess.Popen(  # noqa: S603 (this program)
            [*command, "--number", str(number)], pass_fds=[descriptor, counted], env=environment
        )

    children = Children(start, processes + 1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: children.end())
    children.keep()
    return 0


def _ended(number: int, frame: object) -> None:
    """The server has ended for this signal already, and raises it again when it has."""
