"""Control sockets: JSON lines over a Unix socket, one answer a request.

A request is `{"do": "place_card", ...}`. The answer is `{"ok": true, ...}` or
`{"ok": false, "error": "..."}`. The emulators and the town serve one; robot, dock and tests ask.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
Handler = Callable[[dict[str, Any]], Awaitable[Answer]]

LINE_LIMIT_BYTES = 4_000_000  # a picture's path, never a picture: far more than any request needs
ASK_TIMEOUT_S = 60.0  # the longest request is starting the hub again


class ControlError(Exception):
    """The other side said no, or is not there."""


class RequestError(Exception):
    """A request that cannot be carried out; its text is the answer's error."""


async def serve(path: Path, handler: Handler) -> asyncio.AbstractServer:
    """Listen at `path`; requests of all connections are handled one after another."""
    lock = asyncio.Lock()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while line := await reader.readline():
                async with lock:
                    answer = await _answer(handler, line)
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        writer.close()

    path.unlink(missing_ok=True)
    return await asyncio.start_unix_server(talk, path=str(path), limit=LINE_LIMIT_BYTES)


async def _answer(handler: Handler, line: bytes) -> Answer:
    try:
        request = json.loads(line)
        if not isinstance(request, dict) or not isinstance(request.get("do"), str):
            raise RequestError('a request is an object with "do"')
        return {"ok": True, **await handler(request)}
    except (RequestError, ValueError, KeyError, TypeError) as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


class Control:
    """A client of one control socket. Connects for each request, so that nothing is kept open."""

    def __init__(self, path: Path, timeout_s: float = ASK_TIMEOUT_S) -> None:
        self.path = path
        self._timeout_s = timeout_s

    def ask(self, do: str, **arguments: Any) -> Answer:
        """Send one request and wait for its answer; raises ControlError."""
        request = json.dumps({"do": do, **arguments}, ensure_ascii=False).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
                wire.settimeout(self._timeout_s)
                wire.connect(str(self.path))
                wire.sendall(request)
                with wire.makefile("rb") as lines:
                    line = lines.readline()
        except OSError as error:
            raise ControlError(f"{self.path.name}: {error}") from error
        if not line:
            raise ControlError(f"{self.path.name}: hung up")
        answer: Answer = json.loads(line)
        if not answer.get("ok"):
            raise ControlError(f"{self.path.name} {do}: {answer.get('error', 'no reason given')}")
        return answer
