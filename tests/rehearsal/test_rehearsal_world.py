"""The world of a device is a file that a hand, the dock or a test edits; the emulator follows it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.control import RequestError
from rehearsal.emulators.world import WAYS_TO_GARBLE, State, StateFile, World, garbled


class Toy:
    """A device with a lid and a bell."""

    def __init__(self, path: Path) -> None:
        self.changes: list[tuple[Any, Any]] = []
        self.rung: list[State] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.world = World(path, {"lid": "shut", "card": None}, self.changed, self.handle)

    def changed(self, before: State, after: State) -> None:
        if after["lid"] not in ("shut", "open"):
            raise RequestError("no such lid")
        if before["lid"] != after["lid"]:
            self.meanwhile()
            self.changes.append((before["lid"], after["lid"]))

    async def handle(self, request: State) -> State:
        self.rung.append(request)
        return {}


def live(path: Path, story: Callable[[Toy, StateFile], Coroutine[Any, Any, None]]) -> Toy:
    """Run `story` beside a toy that lives."""

    async def all_of_it() -> Toy:
        toy = Toy(path)
        await toy.world.open()
        try:
            await asyncio.wait_for(story(toy, StateFile(path)), 20)
        finally:
            await toy.world.close()
        return toy

    return asyncio.run(all_of_it())


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


def test_an_edit_of_the_file_changes_the_device(tmp_path: Path) -> None:
    async def story(toy: Toy, file: StateFile) -> None:
        assert file.read()["lid"] == "shut"
        file.set(lid="open")
        await until(lambda: bool(toy.changes))
        file.set(lid="shut")
        await until(lambda: len(toy.changes) == 2)

    assert live(tmp_path / "toy.json", story).changes == [("shut", "open"), ("open", "shut")]


def test_a_device_begins_in_the_state_that_lies_there(tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    path.write_text('{"lid": "open", "powered": false}')

    async def story(toy: Toy, file: StateFile) -> None:
        assert not toy.world.answers
        assert file.read()["plugged"] is True

    assert live(path, story).changes == [("shut", "open")]


def test_what_happens_once_is_done_once(tmp_path: Path) -> None:
    async def story(toy: Toy, file: StateFile) -> None:
        file.do("ring", times=2)
        file.do("ring", times=3)
        await until(lambda: len(toy.rung) == 2)
        await until(lambda: file.read()["do"] == [])

    assert [one["times"] for one in live(tmp_path / "toy.json", story).rung] == [2, 3]


def test_a_state_that_cannot_be_is_undone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(toy: Toy, file: StateFile) -> None:
        file.set(lid="away")
        await until(lambda: file.read()["lid"] == "shut")
        with pytest.raises(RequestError, match="no such lid"):
            await toy.world.change(lid="away")
        with pytest.raises(RequestError, match="no such state 'hat'"):
            await toy.world.change(hat=1)
        with pytest.raises(RequestError, match="plugged must be like True"):
            await toy.world.change(plugged=3)
        assert (toy.world["lid"], file.read()["lid"]) == ("shut", "shut")

    live(tmp_path / "toy.json", story)
    assert "no such lid" in capsys.readouterr().err


def test_a_file_spoilt_by_an_editor_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "toy.json"

    async def story(toy: Toy, file: StateFile) -> None:
        path.write_text("{half")
        await toy.world.look()
        assert toy.world["lid"] == "shut"
        file.set(lid="open")
        await until(lambda: bool(toy.changes))

    live(path, story)


def test_edits_of_many_hands_are_all_kept(tmp_path: Path) -> None:
    async def story(toy: Toy, file: StateFile) -> None:
        async def hand(number: int) -> None:
            for n in range(20):
                await asyncio.to_thread(file.do, "ring", hand=number, n=n)

        await asyncio.gather(*(hand(number) for number in range(3)))
        await until(lambda: len(toy.rung) == 60)

    toy = live(tmp_path / "toy.json", story)
    for number in range(3):
        assert [one["n"] for one in toy.rung if one["hand"] == number] == list(range(20))
    assert json.loads((tmp_path / "toy.json").read_text())["do"] == []


def test_an_edit_that_falls_into_a_change_is_followed_after_it(tmp_path: Path) -> None:
    async def story(toy: Toy, file: StateFile) -> None:
        toy.meanwhile = lambda: file.set(card={"name": "another hand"})
        await toy.world.change(lid="open")
        await until(lambda: toy.world["card"] == {"name": "another hand"})
        assert file.read()["lid"] == "open"

    live(tmp_path / "toy.json", story)


def test_a_cable_comes_out_at_the_byte_that_was_asked_for(tmp_path: Path) -> None:
    async def story(toy: Toy, file: StateFile) -> None:
        await toy.world.change(unplug_after=5)
        first, second = toy.world.outgoing(b"abc"), toy.world.outgoing(b"defg")
        assert (first.data, first.unplug) == (b"abc", False)
        assert (second.data, second.unplug) == (b"de", True)

    live(tmp_path / "toy.json", story)


def test_so_many_answers_are_spoilt_and_no_more(tmp_path: Path) -> None:
    async def story(toy: Toy, file: StateFile) -> None:
        await toy.world.change(garble=2)
        said = [toy.world.outgoing(b"12345678").data for _ in range(4)]
        assert [one == b"12345678" for one in said] == [False, False, True, True]
        await toy.world.change(silent=True)
        assert toy.world.outgoing(b"x").data == b""

    live(tmp_path / "toy.json", story)


@given(st.binary(min_size=1, max_size=60), st.sampled_from([*WAYS_TO_GARBLE, "any"]), st.integers())
def test_what_is_garbled_is_never_what_it_was(data: bytes, how: str, seed: int) -> None:
    assert garbled(data, how, random.Random(seed)) != data
