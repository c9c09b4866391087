"""A keyboard's input events over a Unix socket: what Linux would tell of a device that types.

No virtual input device can be made here; whoever reads the socket reads what `/dev/input/event…` gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from pathlib import Path

EV_SYN, EV_KEY, EV_MSC, MSC_SCAN = 0, 1, 4, 4
LEFT_SHIFT, ENTER = 42, 28
# KEY_… numbers of what a scanner types, by the rows of a US keyboard
_ROWS = {2: "1234567890-=", 16: "qwertyuiop[]", 30: "asdfghjkl;'`", 43: "\\zxcvbnm,./", 57: " "}
_SHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./", strict=True))
KEY_OF = {char: first + at for first, row in _ROWS.items() for at, char in enumerate(row)}


def event(kind: int, code: int, value: int) -> bytes:
    """struct input_event of a 64-bit Linux."""
    now = time.time()
    return struct.pack("<qqHHi", int(now), int(now % 1 * 1e6), kind, code, value)


def key(code: int, value: int) -> bytes:
    return (
        event(EV_MSC, MSC_SCAN, 0x70000 + code) + event(EV_KEY, code, value) + event(EV_SYN, 0, 0)
    )


def stroke(code: int) -> bytes:
    return key(code, 1) + key(code, 0)


def typed(text: str) -> bytes:
    """The events of a text; raises KeyError for what this keyboard has no key for."""
    out = bytearray()
    for char in text:
        plain = _SHIFTED.get(char, char.lower())
        shift = plain != char
        out += key(LEFT_SHIFT, 1) if shift else b""
        out += stroke(KEY_OF[plain])
        out += key(LEFT_SHIFT, 0) if shift else b""
    return bytes(out)


class EventSocket:
    """One reader at a time, as after a grab; a second one is turned away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: asyncio.AbstractServer | None = None
        self._reader: asyncio.StreamWriter | None = None

    @property
    def plugged(self) -> bool:
        return self._server is not None

    async def plug(self) -> None:
        if self._server is None:
            self.path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._talk, str(self.path))

    async def unplug(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self.path.unlink(missing_ok=True)
        if self._reader is not None:
            self._reader.transport.abort()
            self._reader = None

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._reader is not None:
            writer.close()
            return
        self._reader = writer
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await reader.read()
        if self._reader is writer:
            self._reader = None
        writer.close()

    def say(self, data: bytes) -> None:
        """What nobody reads is lost."""
        if self._reader is not None:
            self._reader.write(data)
