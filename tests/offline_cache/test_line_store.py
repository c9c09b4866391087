"""The engine over the terminal's real store: what the hub says ends up in the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cache_world import keys_in, ok, queue_of, seal, store_in
from line_world import LineWorld

from offline_cache.hub_keys import HubKeysFile
from offline_cache.line.enrolment import EnrolmentFiles
from offline_cache.outbox import ItemKind, ItemState
from offline_cache.store import Store, StorePlaces
from offline_cache.tray import list_tray


class StoreWorld(LineWorld):
    """The same line; what waits lies in an encrypted database."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        data = folder / "data"
        keys = keys_in(data)
        self.files = EnrolmentFiles(StorePlaces(data), keys.database)
        assert self.files.keep_seal_keys("QS01", self.hub.seal_keys) is None
        self.store: Store = store_in(data, self.clock)
        self.queue = queue_of(self.store, self.clock)  # type: ignore[assignment]
        self.start()

    def state(self, number: str) -> ItemState | None:
        found = ok(self.store.outbox.state_of(number))
        return found.state if found else None


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoreWorld]:
    with StoreWorld(tmp_path) as world:
        yield world
        world.store.close()


def test_an_application_with_its_papers_is_opened_by_the_hub_and_accepted(
    world: StoreWorld,
) -> None:
    number = ok(seal(world.store)).number
    ok(world.store.outbox.add(ItemKind.RATING, number, {"number": number, "level": 5}))
    world.drain()
    assert world.hub.numbers() == [number] and len(world.hub.order) == 2
    assert len(world.hub.attachments) == 2
    assert world.state(number) is ItemState.ACCEPTED


@pytest.mark.parametrize("trick", ["timeout after commit", "500", "wrong hash", "nothing"])
def test_a_batch_that_went_wrong_leaves_the_row_waiting_and_counts_once(
    world: StoreWorld, trick: str
) -> None:
    number = ok(seal(world.store)).number
    world.hub.batch_tricks = ["", trick]
    world.step(3)
    state = world.state(number)
    assert state is not None and state.waits
    world.drain()
    assert world.hub.numbers() == [number] and len(world.hub.order) == 1


def test_fault_30_a_hub_restored_from_a_copy_gets_the_accepted_rows_again(
    world: StoreWorld,
) -> None:
    numbers = [ok(seal(world.store, session=f"s{at}")).number for at in range(3)]
    world.drain()
    world.hub.forget()
    world.hub.resend = [(1, 3)]
    world.clock.advance(30)
    world.step()
    world.hub.resend = []
    world.drain()
    assert sorted(map(str, world.hub.numbers())) == sorted(numbers)
    assert [world.state(number) for number in numbers] == [ItemState.ACCEPTED] * 3


def test_what_the_hub_refuses_lies_in_the_tray(world: StoreWorld) -> None:
    numbers = [ok(seal(world.store, session=f"s{at}")).number for at in range(2)]
    items = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    world.hub.refused_ids = {items[0].id: "item_closed"}
    world.drain()
    assert world.state(numbers[0]) is ItemState.REFUSED
    (refused,) = ok(list_tray(world.store.database))
    assert (refused.code, refused.reason) == ("item_closed", "not for us")


@pytest.mark.parametrize(
    "told", [None, [], "keys", [{"id": "00", "suite": 1, "public_key": "AAAA"}], [{"suite": 99}]]
)
def test_fault_28_keys_that_make_no_sense_leave_those_that_were_there(
    world: StoreWorld, tmp_path: Path, told: object
) -> None:
    file = HubKeysFile(StorePlaces(tmp_path / "data").hub_keys, keys_in(tmp_path / "data").database)
    before = file.read()
    assert world.files.keep_seal_keys("QS01", told) is None
    assert file.read() == before
    ok(seal(world.store))
