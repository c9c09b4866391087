"""Document camera: a stream of JPEG pictures over HTTP (multipart/x-mixed-replace).

Control: place_paper {picture | builtin "household_register" + page, rotation, offset, width_mm,
height_mm, glare, dim}, remove_paper, photograph {picture}, show_code {text}, hide_code, light {dim, glare}, stall {on},
black {on}, freeze {on}, status and what every device understands.

Without a cable nobody answers at its address. Without power it takes a connection and says nothing,
as a camera behind a switch whose own power is gone: connections that stood are never ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rehearsal.control import RequestError
from rehearsal.emulators.base import Do, dispatch, parser, run, state_path
from rehearsal.emulators.plate import Scene, corners, exposures
from rehearsal.emulators.world import State, World, garbled
from rehearsal.papers import Sheet, code_on_paper, from_file, household_register, photograph

HOST = "127.0.0.1"
BOUNDARY = b"frame"
A4_MM = (297.0, 210.0)
LARGEST_PIXELS = 3840 * 2880
LONGEST_REQUEST_BYTES = 8192
LOOK_S = 0.05  # between two looks at whether it may speak again
SPOILT_PLACES = 40  # of a picture on a bad cable: one alone is seldom seen
FRESH = {"stalled": False, "frozen": False, "black": False}


class Camera:
    name = "camera"

    def __init__(
        self, size: tuple[int, int], frames_a_second: float, state: Path, port: int = 0
    ) -> None:
        if size[0] * size[1] > LARGEST_PIXELS:
            raise ValueError("no such camera")
        self._size = size
        self._pause_s = 1.0 / frames_a_second
        self._port = port
        self._server: asyncio.AbstractServer | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._scene = Scene()
        self._laid = Scene()  # the plate without what is held to the camera
        self._exposures: list[bytes] = []
        self._seed = 0
        self._chance = random.Random(1)
        self._world = World(state, FRESH, self._changed, self.handle)
        self._sent = 0

    async def start(self) -> dict[str, Any]:
        await self._expose()
        await self._world.open()
        return {"url": f"http://{HOST}:{self._port}/stream"}

    async def stop(self) -> None:
        await self._world.close()
        self._unplug()

    async def _changed(self, before: State, after: State) -> None:
        if after["plugged"]:
            await self._plug()
        else:
            self._unplug()
        seen_before, seen = ((state["black"], state["frozen"]) for state in (before, after))
        if seen != seen_before and not after["frozen"]:
            await self._expose()

    async def _expose(self) -> None:
        """Take new exposures of the scene as it is now."""
        self._seed += 10
        scene = replace(self._scene, black=self._world["black"])
        self._exposures = await asyncio.to_thread(exposures, scene, self._size, self._seed)

    # -- the wire ---------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._talks.add(task)
        with contextlib.suppress(
            ConnectionError,
            asyncio.CancelledError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ):
            head = await reader.readuntil(b"\r\n\r\n")
            await self._until_it_may_speak()
            await self._serve(head.split(b" ")[1:2], writer)
        self._talks.discard(task)
        writer.transport.abort()

    @property
    def _dumb(self) -> bool:
        return not self._world["powered"] or bool(self._world["silent"])

    async def _until_it_may_speak(self) -> None:
        while self._dumb:
            await asyncio.sleep(LOOK_S)

    def _picture(self, jpeg: bytes) -> bytes:
        """What comes out of the cable."""
        if self._world["garble"] == 0:
            return jpeg
        for _ in range(SPOILT_PLACES):
            jpeg = garbled(jpeg, "flip", self._chance)
        return self._world.outgoing(jpeg).data

    async def _serve(self, path: list[bytes], writer: asyncio.StreamWriter) -> None:
        if path not in ([b"/stream"], [b"/"], [b"/still"]):
            writer.write(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        if path == [b"/still"]:
            jpeg = self._picture(self._exposures[0])
            writer.write(
                b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n"
                b"Content-Length: %d\r\n\r\n" % len(jpeg) + jpeg
            )
            await writer.drain()
            return
        writer.write(
            b"HTTP/1.0 200 OK\r\nCache-Control: no-store\r\n"
            b"Content-Type: multipart/x-mixed-replace; boundary=" + BOUNDARY + b"\r\n\r\n"
        )
        shown = 0
        while True:
            started = time.monotonic()
            if not self._world["stalled"] and not self._dumb:
                shown += 0 if self._world["frozen"] else 1
                jpeg = self._picture(self._exposures[shown % len(self._exposures)])
                writer.write(
                    b"--" + BOUNDARY + b"\r\nContent-Type: image/jpeg\r\nContent-Length: "
                    b"%d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n"
                )
                await writer.drain()
                self._sent += 1
            pause_s = self._pause_s * self._world.slow
            await asyncio.sleep(max(0.0, pause_s - (time.monotonic() - started)))

    # -- control ----------------------------------------------------------------

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        return await dispatch(
            {
                "place_paper": self._place,
                "remove_paper": self._remove,
                "photograph": self._photograph,
                "show_code": self._show_code,
                "hide_code": self._hide_code,
                "light": self._light,
                "stall": lambda request: self._switch("stalled", request),
                "black": lambda request: self._switch("black", request),
                "freeze": lambda request: self._switch("frozen", request),
                "status": self._status,
                **{name: self._then_status(do) for name, do in self._world.requests().items()},
            },
            request,
        )

    async def _show(self, scene: Scene) -> dict[str, Any]:
        self._scene = scene
        if not self._world["frozen"]:
            await self._expose()
        return self._status({})

    async def _place(self, request: dict[str, Any]) -> dict[str, Any]:
        self._laid = Scene(
            sheet=await asyncio.to_thread(_sheet, request),
            rotation_deg=float(request.get("rotation", 3.0)),
            offset_mm=_pair(request.get("offset", (0.0, 0.0))),
            glare=bool(request.get("glare", False)),
            dim=float(request.get("dim", 1.0)),
        )
        return await self._show(self._laid)

    async def _photograph(self, request: dict[str, Any]) -> dict[str, Any]:
        """Show a photograph of a paper as it is, not a paper on the plate."""
        path = Path(request["picture"])
        try:
            picture = await asyncio.to_thread(photograph, path, self._size)
        except OSError as error:
            raise RequestError(f"not a picture: {type(error).__name__}") from error
        self._laid = Scene(photograph=picture)
        return await self._show(self._laid)

    async def _remove(self, request: dict[str, Any]) -> dict[str, Any]:
        self._laid = Scene(dim=self._laid.dim)
        return await self._show(self._laid)

    async def _light(self, request: dict[str, Any]) -> dict[str, Any]:
        self._laid = replace(
            self._laid,
            dim=float(request.get("dim", self._laid.dim)),
            glare=bool(request.get("glare", self._laid.glare)),
        )
        return await self._show(self._laid)

    async def _show_code(self, request: dict[str, Any]) -> dict[str, Any]:
        sheet = await asyncio.to_thread(code_on_paper, str(request["text"]))
        return await self._show(
            Scene(
                sheet=sheet,
                rotation_deg=float(request.get("rotation", 7.0)),
                offset_mm=_pair(request.get("offset", (6.0, -4.0))),
                lift=1.35,
                dim=self._laid.dim,
            )
        )

    async def _hide_code(self, request: dict[str, Any]) -> dict[str, Any]:
        return await self._show(self._laid)

    async def _switch(self, what: str, request: dict[str, Any]) -> dict[str, Any]:
        await self._world.change(**{what: bool(request.get("on", True))})
        return self._status(request)

    def _then_status(self, do: Callable[[State], Awaitable[State]]) -> Do:
        async def done(request: dict[str, Any]) -> dict[str, Any]:
            await do(request)
            return self._status(request)

        return done

    def _unplug(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for task in list(self._talks):
            task.cancel()

    async def _plug(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._talk, HOST, self._port, limit=LONGEST_REQUEST_BYTES
            )
            self._port = self._server.sockets[0].getsockname()[1]

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "plugged": self._server is not None,
            "paper": self._laid.sheet is not None or self._laid.photograph is not None,
            "corners": corners(self._scene, self._size),
            "size": self._size,
            "watchers": len(self._talks),
            "frames": self._sent,
            "powered": self._world["powered"],
            **{name: self._world[name] for name in FRESH},
        }


def _pair(value: Any) -> tuple[float, float]:
    x, y = value
    return float(x), float(y)


def _sheet(request: dict[str, Any]) -> Sheet:
    if request.get("builtin") == "household_register":
        return household_register(dict(request["page"]))
    if "picture" not in request:
        raise RequestError(
            'a paper is a "picture", or "builtin": "household_register" with a "page"'
        )
    width_mm = float(request.get("width_mm", A4_MM[0]))
    height_mm = float(request.get("height_mm", A4_MM[1]))
    try:
        return from_file(Path(request["picture"]), width_mm, height_mm)
    except OSError as error:
        raise RequestError(f"not a picture: {type(error).__name__}") from error


def main() -> None:
    arguments = parser("Document camera: a stream of JPEG pictures over HTTP.")
    arguments.add_argument("--size", default="1920x1080", help="Width x height in pixels.")
    arguments.add_argument("--fps", type=float, default=10.0)
    arguments.add_argument("--port", type=int, default=0, help="0: any free one.")
    given = arguments.parse_args()
    width, height = (int(part) for part in given.size.split("x"))
    run(Camera((width, height), given.fps, state_path(given), given.port), given.control)


if __name__ == "__main__":
    main()
