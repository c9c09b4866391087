"""More connections than a process may hold: who is let go, and who is still served."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from hub.serving import server
from hub.serving.server import Protocol

LIMIT_S = 30
ASK = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def _application(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/slow":
        await receive()  # a body that does not come
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_crowd_that_says_nothing_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "most_connections", lambda: 8)
    config = uvicorn.Config(_application, ws="none", lifespan="off", log_config=None)  # type: ignore[arg-type]
    state = ServerState()

    async def all_of_it() -> None:
        loop = asyncio.get_running_loop()
        made: list[Protocol] = []

        def protocol() -> Protocol:
            made.append(Protocol(config, state, {}))
            return made[-1]

        opened = await loop.create_server(protocol, "127.0.0.1", 0)
        port = opened.sockets[0].getsockname()[1]
        writers = []

        async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writers.append(writer)
            return reader, writer

        async def answer(reader: asyncio.StreamReader) -> bytes:
            return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)

        at_work, work = await connected()
        work.write(b"POST /slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\n")
        known, asking = await connected()
        asking.write(ASK)
        assert b" 204 " in await answer(known)
        for _ in range(30):
            await connected()
            while len(made) < len(writers) or len(state.connections) > 8:
                await asyncio.sleep(0)
        # Who has asked something before keeps the line, who is in the middle of asking too.
        asking.write(ASK)
        assert b" 204 " in await answer(known)
        work.write(b"abc")
        assert b" 204 " in await answer(at_work)
        newest, last = await connected()
        last.write(ASK)
        assert b" 204 " in await answer(newest)
        for writer in writers:
            writer.close()
        opened.close()
        await opened.wait_closed()
        while state.connections:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(all_of_it(), LIMIT_S))


@contextmanager
def _files(soft: int) -> Iterator[int]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_hub_takes_the_open_files_it_may_have(root: Path) -> None:
    with _files(1024) as hard:
        server.raise_files_limit()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert soft == (server.OPEN_FILES if hard == -1 else min(hard, server.OPEN_FILES))
        assert 1024 < server.most_connections() < soft
    unit = (root / "deploy" / "hub" / "kiosk-hub.service").read_text(encoding="utf-8")
    assert f"LimitNOFILE={server.OPEN_FILES}\n" in unit
