"""The engine over the terminal's real store: what the hub says ends up in the rows."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cache_world import hand_in, keys_in, ok, queue_of, seal, store_in
from line_world import LineWorld

from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.hub_keys import HubKeysFile
from offline_cache.line.enrolment import EnrolmentFiles
from offline_cache.line.wire import LateVerdict
from offline_cache.outbox import ItemKind, ItemState
from offline_cache.queue import Stopped, line_stopped
from offline_cache.retention import Erased, Retention
from offline_cache.store import Store, StorePlaces, salvage_all
from offline_cache.tray import list_tray, mark_handled, send_again


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


def erase_old(world: StoreWorld) -> Erased | StoreFault:
    store = world.store
    return Retention(store.database, store.blobs, world.clock, timedelta(days=7)).run()


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
    ok(hand_in(world.store, number, "photo"))
    world.drain()
    assert world.hub.numbers() == [number] and len(world.hub.order) == 3
    assert len(world.hub.attachments) == 3
    assert world.state(number) is ItemState.ACCEPTED
    application = ok(world.store.outbox.state_of(number))
    assert application is not None and application.following == ()


@pytest.mark.fault(12, 13, 14)
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


@pytest.mark.fault(30)
def test_a_hub_restored_from_a_copy_gets_the_accepted_rows_again(
    world: StoreWorld,
) -> None:
    numbers = [ok(seal(world.store, session=f"s{at}", lacks=("photo",))).number for at in range(3)]
    ok(hand_in(world.store, numbers[0], "photo"))
    world.drain()
    world.hub.forget()
    world.hub.resend = [(1, 4)]
    world.clock.advance(30)
    world.step()
    world.hub.resend = []
    world.drain()
    assert sorted(map(str, world.hub.numbers())) == sorted(numbers)
    assert [world.state(number) for number in numbers] == [ItemState.ACCEPTED] * 3
    assert len(world.hub.order) == 4 and len(world.hub.attachments) == 3  # its papers as well
    asked = [ok(world.store.outbox.state_of(number)) for number in numbers]
    assert [one.lacks for one in asked if one is not None] == [(), ("photo",), ("photo",)]


@pytest.mark.fault(15)
def test_what_the_hub_refuses_lies_in_the_tray(world: StoreWorld) -> None:
    numbers = [ok(seal(world.store, session=f"s{at}")).number for at in range(2)]
    items = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    world.hub.refused_ids = {items[0].id: "item_closed"}
    world.drain()
    assert world.state(numbers[0]) is ItemState.REFUSED
    (refused,) = ok(list_tray(world.store.database))
    assert (refused.code, refused.reason) == ("item_closed", "not for us")


def test_what_the_hub_accepted_and_could_not_open_lies_in_the_tray_like_any_refusal(
    world: StoreWorld,
) -> None:
    numbers = [ok(seal(world.store, session=f"s{at}")).number for at in range(2)]
    items = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    world.hub.late_ids = {items[0].id: "body_invalid"}
    world.drain()
    assert [world.state(number) for number in numbers] == [ItemState.ACCEPTED] * 2
    world.clock.advance(30)
    world.step()
    assert world.state(numbers[0]) is ItemState.REFUSED
    assert world.state(numbers[1]) is ItemState.ACCEPTED
    (refused,) = ok(list_tray(world.store.database))
    assert (refused.code, refused.reason) == ("body_invalid", "opened and not for us")
    assert refused.receipt  # staff can print the slip
    told = [fields for event, fields in world.logged if event == "item_refused"]
    assert told == [{"kind": "application", "seq": refused.seq, "code": "body_invalid"}]
    world.clock.advance(30)
    world.step()
    assert world.hub.verdicts_seen[-1] == 1  # and the hub need not tell it again
    assert send_again(world.store.database, refused.row) is None
    world.drain()
    assert world.state(numbers[0]) is ItemState.ACCEPTED


def test_a_verdict_comes_with_the_answer_to_a_batch_too(world: StoreWorld) -> None:
    number = ok(seal(world.store)).number
    (item,) = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    world.hub.late_ids = {item.id: "number_taken"}
    world.drain()
    other = ok(seal(world.store, session="next")).number
    world.drain()
    assert world.state(number) is ItemState.REFUSED
    assert world.state(other) is ItemState.ACCEPTED


def test_a_verdict_is_kept_before_the_hub_hears_that_it_was(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk refuses: the hub is told nothing, and says it again."""
    number = ok(seal(world.store)).number
    (item,) = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    world.hub.late_ids = {item.id: "body_invalid"}
    world.drain()
    full = StoreFault(StoreFaultCode.DISK_FULL, "for a moment")
    with monkeypatch.context() as broken:
        broken.setattr(world.queue, "keep_verdicts", lambda verdicts: full)
        world.clock.advance(30)
        assert world.fault() == full
    assert world.state(number) is ItemState.ACCEPTED
    world.clock.advance(30)
    world.step()
    assert world.hub.verdicts_seen[-1] == 0
    assert world.state(number) is ItemState.REFUSED


def test_what_the_hub_could_open_in_the_end_leaves_the_tray_however_often_it_is_told(
    world: StoreWorld,
) -> None:
    """The centre restored a key: nobody at the terminal need do anything."""
    number = ok(seal(world.store)).number
    (item,) = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    bad = LateVerdict(1, item.epoch, item.seq, item.id, "unknown_seal_key", "no such key")
    good = LateVerdict(2, item.epoch, item.seq, item.id, "accepted", taken=True)
    world.drain()
    assert ok(world.queue.keep_verdicts([good])) == ()  # it never heard that it was refused
    assert world.state(number) is ItemState.ACCEPTED
    assert ok(world.queue.keep_verdicts([bad])) == (("application", bad),)
    assert [one.order_key for one in ok(list_tray(world.store.database))] == [number]
    world.clock.advance(3 * 86_400)
    for moved in ((("application", good),), ()):
        assert ok(world.queue.keep_verdicts([good])) == moved
        assert world.state(number) is ItemState.ACCEPTED
        assert ok(list_tray(world.store.database)) == ()
    world.clock.advance(6 * 86_400)
    assert ok(erase_old(world)).items == 0  # kept a week from then on, as what is accepted at once
    world.clock.advance(2 * 86_400)
    assert ok(erase_old(world)).items == 1


def test_what_somebody_dealt_with_by_hand_stays_so_when_the_hub_can_open_it(
    world: StoreWorld,
) -> None:
    number = ok(seal(world.store)).number
    (item,) = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    world.drain()
    bad = LateVerdict(1, item.epoch, item.seq, item.id, "unknown_seal_key", "")
    ok(world.queue.keep_verdicts([bad]))
    assert mark_handled(world.store.database, world.clock, item.row) is None
    assert ok(world.queue.keep_verdicts([replace(bad, no=2, taken=True)])) == ()
    assert world.state(number) is ItemState.HANDLED


def test_verdicts_that_are_not_ours_or_come_too_late_move_nothing(world: StoreWorld) -> None:
    number = ok(seal(world.store)).number
    (item,) = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    world.drain()
    good = LateVerdict(1, item.epoch, item.seq, item.id, "c", "t")
    strangers = [
        replace(good, epoch=str(uuid.uuid4())),
        replace(good, seq=77, no=2),
        replace(good, seq=2**53, no=3),
        replace(good, id=str(uuid.uuid4()), no=4),
    ]
    assert ok(world.queue.keep_verdicts(strangers)) == ()
    assert ok(world.queue.verdicts_seen()) == 4 and world.state(number) is ItemState.ACCEPTED
    assert ok(world.queue.keep_verdicts([good])) == (("application", good),)
    assert ok(world.queue.verdicts_seen()) == 4  # never falls
    assert mark_handled(world.store.database, world.clock, item.row) is None
    assert ok(world.queue.keep_verdicts([replace(good, no=9)])) == ()
    assert world.state(number) is ItemState.HANDLED
    world.clock.advance(8 * 86_400)
    assert ok(erase_old(world)).items == 1
    assert ok(world.queue.keep_verdicts([replace(good, no=10)])) == ()


@pytest.mark.fault(19)
def test_a_line_that_stopped_is_told_with_its_reason_since_it_began(
    world: StoreWorld,
) -> None:
    """To whoever comes and asks, whatever was started anew meanwhile; the terminal collects on."""
    world.enrol()
    world.hub.revoked = {world.hub.authority.issued[-1]}
    numbers = [ok(seal(world.store)).number]
    world.step()
    began = world.clock.now
    for _ in range(3):
        world.clock.advance(3600)
        world.start()  # the sync process, again
        numbers.append(ok(seal(world.store, session=f"s{len(numbers)}")).number)
        world.step()
        stopped = ok(line_stopped(world.store.database))
        assert stopped == Stopped(began, "unauthorised:certificate_revoked")
    assert world.hub.batches == [] and world.lines[-1].alarm
    assert ok(world.store.outbox.waiting()).count == 4
    world.enrol()
    world.drain()
    assert sorted(map(str, world.hub.numbers())) == sorted(numbers)
    assert ok(line_stopped(world.store.database)) is None


def test_a_line_that_is_only_down_is_not_told_as_stopped(world: StoreWorld) -> None:
    ok(seal(world.store))
    world.hub.sick = "500"
    world.pass_time(600)
    assert ok(line_stopped(world.store.database)) is None


def test_a_hub_that_was_restored_tells_its_verdicts_again(world: StoreWorld) -> None:
    """It may number them anew: what we have seen of the old ones says nothing any more."""
    ok(seal(world.store))
    (item,) = ok(world.queue.next_batch(max_items=9, max_bytes=1 << 20, not_now=()))
    world.drain()
    strange = LateVerdict(500, str(uuid.uuid4()), 1, item.id, "c", "")
    ok(world.queue.keep_verdicts([strange]))
    world.hub.forget()
    world.hub.resend = [(1, 1)]
    world.clock.advance(30)
    world.step()
    assert ok(world.queue.verdicts_seen()) == 0


@pytest.mark.fault(29)
def test_an_old_copy_of_the_store_that_was_put_back_is_found_out_and_a_new_one_begins(
    world: StoreWorld, tmp_path: Path
) -> None:
    """Its places were given already: what is sealed must not have them a second time."""
    data = tmp_path / "data"
    numbers = [ok(seal(world.store, session="before")).number]
    shutil.copytree(data, tmp_path / "copy")
    numbers += [ok(seal(world.store, session=f"s{at}")).number for at in range(2)]
    world.drain()
    epoch = world.store.database.epoch
    world.store.close()
    shutil.rmtree(data)
    (tmp_path / "copy").rename(data)
    world.store = store_in(data, world.clock)
    assert world.store.database.epoch == epoch
    world.queue = queue_of(world.store, world.clock)  # type: ignore[assignment]
    world.start()
    fault = world.fault()
    assert isinstance(fault, StoreFault)
    assert fault.code is StoreFaultCode.DAMAGED
    told = [fields for event, fields in world.logged if event == "store_from_old_copy"]
    assert told == [{"here": 1, "hub": 3}]
    refused = seal(world.store, session="meanwhile")
    assert isinstance(refused, StoreFault)
    assert refused.code is StoreFaultCode.DAMAGED  # its owner lets go of it, and opens anew
    world.store.close()

    world.store = store_in(data, world.clock)
    assert world.store.set_aside is not None
    assert world.store.database.epoch != epoch
    ((_, salvaged),) = list(salvage_all(data, keys_in(data), world.clock))
    assert (ok(salvaged).items, ok(salvaged).lost) == (1, 0)
    world.queue = queue_of(world.store, world.clock)  # type: ignore[assignment]
    world.start()
    numbers.append(ok(seal(world.store, session="after")).number)
    world.drain()
    assert ok(world.store.outbox.waiting()).count == 0
    assert ok(list_tray(world.store.database)) == ()
    assert len(world.hub.order) == 4
    assert world.hub.conflicts == []
    assert len(set(numbers)) == 4  # nobody's receipt has another's number
    new = [one for one in world.hub.held.values() if one.epoch == world.store.database.epoch]
    assert [(one.seq, one.body["number"]) for one in new] == [(1, numbers[-1])]


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    "told", [None, [], "keys", [{"id": "00", "suite": 1, "public_key": "AAAA"}], [{"suite": 99}]]
)
def test_keys_that_make_no_sense_leave_those_that_were_there(
    world: StoreWorld, tmp_path: Path, told: object
) -> None:
    file = HubKeysFile(StorePlaces(tmp_path / "data").hub_keys, keys_in(tmp_path / "data").database)
    before = file.read()
    assert world.files.keep_seal_keys("QS01", told) is None
    assert file.read() == before
    ok(seal(world.store))
