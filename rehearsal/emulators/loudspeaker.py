"""Loudspeaker: listens to the folder in which the voice leaves each utterance as a WAV file.

Control: status -> {count, seconds, sounds: [{file, seconds, loudness}]}, forget.
"""

from __future__ import annotations

import asyncio
import contextlib
import wave
from array import array
from pathlib import Path
from typing import Any

from rehearsal.emulators.base import dispatch, parser, run

LOOK_S = 0.2
KEEP_SOUNDS = 200


class Loudspeaker:
    name = "loudspeaker"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._heard: dict[str, dict[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, Any]:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._task = asyncio.create_task(self._listen())
        return {"path": str(self._folder)}

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Take note of every finished WAV file that is new."""
        for path in sorted(self._folder.glob("*.wav")):
            if path.name in self._heard:
                continue
            with contextlib.suppress(OSError, EOFError, wave.Error):  # perhaps not yet finished
                with wave.open(str(path)) as sound:
                    frames = sound.readframes(sound.getnframes())
                    seconds = sound.getnframes() / sound.getframerate()
                    wide = sound.getsampwidth() == 2
                loudness = max(map(abs, array("h", frames)), default=0) if wide else 0
                self._heard[path.name] = {
                    "file": path.name,
                    "seconds": round(seconds, 2),
                    "loudness": loudness,
                }

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        return await dispatch({"status": self._status, "forget": self._forget}, request)

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        self.look()
        sounds = list(self._heard.values())
        return {
            "count": len(sounds),
            "seconds": round(sum(sound["seconds"] for sound in sounds), 2),
            "sounds": sounds[-KEEP_SOUNDS:],
        }

    def _forget(self, request: dict[str, Any]) -> dict[str, Any]:
        for path in self._folder.glob("*.wav"):
            path.unlink(missing_ok=True)
        self._heard.clear()
        return self._status(request)


def main() -> None:
    arguments = parser("Loudspeaker: notes what the voice said.")
    arguments.add_argument(
        "--folder", type=Path, required=True, help="Where the voice leaves WAV files."
    )
    given = arguments.parse_args()
    run(Loudspeaker(given.folder), given.control)


if __name__ == "__main__":
    main()
