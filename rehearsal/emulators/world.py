"""The world of one emulated device: a small state file that hands may edit.

What is true of the device (its cable, its power, the card on its plate, the paper in it) stands as
one JSON object in a file. The dock, the robot, a test or an editor changes it; the emulator follows
within a tenth of a second, and writes back what the device itself changed. The control socket is
another door to the same file: `unplug` is the edit `{"plugged": false}` that answers when it is done.

What happens once, and is no state (a key pressed, a code scanned), is a request in the list `do`:
the emulator takes it out and carries it out as if it had come by the control socket.

Every device has the keys of `COMMON`; its own come with the `fresh` state that it gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.control import RequestError

State = dict[str, Any]
Stamp = tuple[int, int, int]

LOOK_S = 0.05  # between two looks at the file: quicker than a hand, next to no work
FOR_EVER = -1  # for `garble`
NEVER = -1  # for `unplug_after`

COMMON: Mapping[str, Any] = {
    "plugged": True,
    "powered": True,
    "silent": False,  # hears everything, says nothing
    "slow": 1.0,  # 4: takes four times as long, on the wire and for its own work
    "garble": 0,  # so many of the next things it says are spoilt; -1: all
    "garble_how": "any",  # flip, drop, insert, noise_before, noise_after, truncate or any
    "unplug_after": NEVER,  # the cable comes out after so many more bytes
    "do": [],  # requests to carry out once
}

WAYS_TO_GARBLE = ("flip", "drop", "insert", "noise_before", "noise_after", "truncate")


class StateFile:
    """A state file from outside: for the dock, the robot and tests. Every edit is atomic."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> State:
        """What stands in it; {} when it is not there. Raises ValueError for no JSON object."""
        try:
            state = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        if not isinstance(state, dict):
            raise ValueError(f"{self.path.name} holds no object")
        return state

    def edit(self, change: Callable[[State], None]) -> State:
        """Let `change` alter what stands in it; nobody else writes meanwhile."""
        return self.edit_stamped(change)[0]

    def edit_stamped(self, change: Callable[[State], None]) -> tuple[State, Stamp | None]:
        """The same; answers also the stamp of exactly this edit."""
        with self._locked():
            try:
                state = self.read()
            except ValueError:  # spoilt by an editor: the next edit mends it
                state = {}
            change(state)
            self._write(state)
            return state, self.stamp()

    def set(self, **values: Any) -> State:
        return self.edit(lambda state: state.update(values))

    def do(self, do: str, **arguments: Any) -> State:
        """Ask for something that happens once."""
        request = {"do": do, **arguments}
        return self.edit(lambda state: state.setdefault("do", []).append(request))

    def stamp(self) -> Stamp | None:
        """Changes with every edit."""
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return None
        return facts.st_ino, facts.st_mtime_ns, facts.st_size

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, state: State) -> None:
        number, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False, indent=1)
        Path(name).replace(self.path)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What gets out of something that a device says."""

    data: bytes
    unplug: bool = False  # and then the cable comes out


Changed = Callable[[State, State], Awaitable[None] | None]
Handle = Callable[[State], Awaitable[State]]


class World:
    """The emulator's side of its state file.

    `changed(before, after)` follows a change; it raises RequestError or ValueError for a state that
    cannot be, which is then undone. `handle` carries out requests of the list `do`.
    """

    def __init__(
        self,
        path: Path,
        fresh: Mapping[str, Any],
        changed: Changed,
        handle: Handle,
        seed: int = 1,
    ) -> None:
        self.file = StateFile(path)
        self._fresh: State = {**COMMON, **fresh}
        self._state: State = dict(self._fresh)
        self._changed = changed
        self._handle = handle
        self._chance = random.Random(seed)
        self._changing = asyncio.Lock()
        self._seen: Stamp | None = None
        self._task: asyncio.Task[None] | None = None

    def __getitem__(self, key: str) -> Any:
        return self._state[key]

    @property
    def state(self) -> State:
        """A copy."""
        return dict(self._state)

    @property
    def answers(self) -> bool:
        """Whether the device can say anything at all now."""
        return bool(self._state["plugged"] and self._state["powered"])

    @property
    def slow(self) -> float:
        return max(0.01, float(self._state["slow"]))

    # -- its life ---------------------------------------------------------------

    async def open(self) -> None:
        """Take what stands in the file, or write the fresh state; then follow the file."""
        await self._adopt(self._looked(), self._fresh_with_nothing())
        self.note(**self._state)
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if self.file.stamp() == self._seen:
                continue
            await self.look()

    async def look(self) -> None:
        """Follow the file now. What cannot be is said on stderr and undone in the file."""
        async with self._changing:
            self._seen = self.file.stamp()
            try:
                await self._adopt(self._looked(), self._state)
            except (RequestError, ValueError, KeyError, TypeError) as error:
                print(f"{self.file.path.name}: {error}", file=sys.stderr, flush=True)
                self.note(**{**self._state, "do": []})
        for request in self._take_requests():
            try:
                await self._handle(request)
            except (RequestError, ValueError, KeyError, TypeError) as error:
                print(f"{self.file.path.name}: {error}", file=sys.stderr, flush=True)

    # -- changes ----------------------------------------------------------------

    async def change(self, **values: Any) -> None:
        """Change the state as a hand would; raises what `changed` raises, and then nothing changed."""
        self._check(values)
        async with self._changing:
            await self._adopt({**self._looked(), **values}, self._state)
            self.note(**values)

    def note(self, **values: Any) -> None:
        """The device itself changed: written down, and nobody is called."""
        self._state.update(values)
        self._note(lambda state: state.update(values))

    def _note(self, change: Callable[[State], None]) -> None:
        written, stamp = self.file.edit_stamped(change)
        same = all(written.get(key) == value for key, value in self._state.items())
        self._seen = stamp if same else None  # somebody edited meanwhile: look again

    async def _adopt(self, after: State, before: State) -> None:
        if after == before:
            self._state = after
            return
        self._state = after
        try:
            follow = self._changed(before, dict(after))
            if follow is not None:
                await follow
        except BaseException:
            self._state = before
            raise

    def _looked(self) -> State:
        """The state by the file; what is missing, unknown or of a wrong kind there stays as it is."""
        state = dict(self._state)
        try:
            written = self.file.read()
        except ValueError as error:
            print(f"{self.file.path.name}: {error}", file=sys.stderr, flush=True)
            return state
        for key, value in written.items():
            if key in self._fresh and _same_kind(value, self._fresh[key]):
                state[key] = value
            elif value != self._state.get(key, value):
                print(f"{self.file.path.name}: {key} is of no use", file=sys.stderr, flush=True)
        return state

    def _check(self, values: State) -> None:
        for key, value in values.items():
            if key not in self._fresh:
                raise RequestError(f"no such state {key!r}; there are {', '.join(self._fresh)}")
            if not _same_kind(value, self._fresh[key]):
                raise RequestError(f"{key} must be like {self._fresh[key]!r}")

    def _fresh_with_nothing(self) -> State:
        """A state before the first: `changed` is called for a device that begins unplugged."""
        return {**self._fresh, "plugged": None}

    def _take_requests(self) -> list[State]:
        taken = list(self._state["do"])
        if not taken:
            return []
        self._state["do"] = []

        def without_them(state: State) -> None:
            state["do"] = list(state.get("do", []))[len(taken) :]

        self._note(without_them)
        return [one for one in taken if isinstance(one, dict) and isinstance(one.get("do"), str)]

    # -- the wire's troubles ------------------------------------------------------

    def outgoing(self, data: bytes) -> Outgoing:
        """What gets out of `data`: nothing, all, a spoilt piece, or the part before the cable goes."""
        if not self.answers or self._state["silent"] or not data:
            return Outgoing(b"")
        left = int(self._state["garble"])
        if left != 0:
            data = garbled(data, str(self._state["garble_how"]), self._chance)
            if left > 0:
                self.note(garble=left - 1)
        room = int(self._state["unplug_after"])
        if room == NEVER:
            return Outgoing(data)
        if len(data) < room:
            self.note(unplug_after=room - len(data))
            return Outgoing(data)
        self.note(unplug_after=NEVER)
        return Outgoing(data[:room], unplug=True)

    # -- requests that every device understands -----------------------------------

    def requests(self) -> dict[str, Callable[[State], Awaitable[State]]]:
        """For `dispatch`; each answers {}: the emulator adds its own status."""
        return {
            "unplug": lambda request: self._set(plugged=False),
            "plug": lambda request: self._set(plugged=True, powered=True),
            "power_off": lambda request: self._set(powered=False),
            "power_on": lambda request: self._set(powered=True),
            "silent": lambda request: self._set(silent=bool(request.get("on", True))),
            "slow": lambda request: self._set(slow=float(request.get("times", 1.0))),
            "garble": lambda request: self._set(
                garble=int(request.get("times", 1)), garble_how=str(request.get("how", "any"))
            ),
            "set": lambda request: self._set(
                **{key: value for key, value in request.items() if key != "do"}
            ),
        }

    async def _set(self, **values: Any) -> State:
        await self.change(**values)
        return {}


def _same_kind(value: Any, like: Any) -> bool:
    """Whether a value may stand where `like` stood first; None: a thing that may lie there."""
    if like is None:
        return True
    if isinstance(like, bool) or isinstance(value, bool):
        return isinstance(like, bool) and isinstance(value, bool)
    if isinstance(like, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(like))


def garbled(data: bytes, how: str, chance: random.Random) -> bytes:
    """`data` as a bad cable makes it; always other than it was."""
    if how == "any":
        how = chance.choice(WAYS_TO_GARBLE)
    at = chance.randrange(len(data))
    noise = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
    match how:
        case "flip":
            return data[:at] + bytes([data[at] ^ chance.randint(1, 255)]) + data[at + 1 :]
        case "drop":
            return data[:at] + data[at + 1 :]
        case "insert":
            return data[:at] + noise + data[at:]
        case "noise_before":
            return noise + data
        case "noise_after":
            return data + noise
        case "truncate":
            return data[:at]
        case _:
            raise RequestError(f"no such way to garble; there are {', '.join(WAYS_TO_GARBLE)}, any")
