"""Whatever the line and the hub do, each application arrives exactly once and nothing is dropped.

The numbers are those of the project's list of faults.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cache_world import HandClock
from hypothesis import given, settings
from hypothesis import strategies as st
from line_world import LineWorld
from little_hub import Held

from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.line.engine import PAUSE_LIMIT_S
from offline_cache.line.pacing import spread_s

DAY_S = 86_400.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LineWorld]:
    with LineWorld(tmp_path) as world:
        yield world


def test_an_application_arrives_whole_at_once(world: LineWorld) -> None:
    (number,) = world.seal()
    assert world.drain() == 0
    assert world.hub.numbers() == [number]
    assert world.delivered == [number]
    assert world.lines[-1].online and world.lines[-1].waiting == 0
    assert world.enrolment.seal_keys == [world.hub.seal_keys]


@pytest.mark.fault(11)
@pytest.mark.parametrize("sickness", ["500", "502 html", "503", "503 retry-after"])
def test_a_hub_that_fails_for_a_day_costs_nothing(world: LineWorld, sickness: str) -> None:
    numbers = world.seal(2)
    world.hub.sick = sickness
    world.pass_time(DAY_S)
    asked = len(world.hub.batches) + world.hub.contacts
    assert DAY_S / 300 <= asked <= DAY_S / 60  # it keeps trying, and is no burden
    assert world.states() == ["waiting", "waiting"]
    assert not world.lines[-1].online and world.lines[-1].waiting == 2
    world.hub.sick = ""
    assert world.drain() <= 600
    assert sorted(world.hub.numbers()) == numbers


@pytest.mark.fault(11)
def test_other_applications_meanwhile_only_queue_up(world: LineWorld) -> None:
    world.hub.sick = "500"
    numbers = []
    for _ in range(6):
        numbers += world.seal()
        world.engine.wake()
        world.pass_time(3600)
    world.hub.sick = ""
    world.drain()
    assert sorted(world.hub.numbers()) == numbers


WENT_WRONG = [
    "timeout after commit",
    "500",
    "502 html",
    "503",
    "503 retry-after",
    "429 date",
    "portal",
    "portal 403",
    "portal redirect",
    "not found html",
    "other json",
    "answers null",
    "half cbor",
    "deep cbor",
    "truncated",
    "gigabyte",
    "nothing",
    "hang",
    "wrong hash",
    "silent on first",
    "other ids",
    "backwards",
    "twice",
]


@pytest.mark.fault(12, 13, 14)
@pytest.mark.parametrize("trick", WENT_WRONG)
def test_a_batch_that_went_wrong_is_sent_again_and_counts_once(
    world: LineWorld, trick: str
) -> None:
    numbers = world.seal(3)
    world.queue.seal(numbers[0], kind="rating")
    # the first batch brings the attachments' turn; the trick is played before, at and after it
    for where in range(3):
        world.hub.batch_tricks = [""] * where + [trick]
        world.drain()
        numbers += world.seal(1)
    world.drain()
    assert sorted(map(str, world.hub.numbers())) == sorted(numbers)
    assert len(world.hub.order) == len(numbers) + 1
    assert sorted(world.delivered) == sorted(numbers)
    assert world.hub.conflicts == [] and world.queue.tray == []


@pytest.mark.fault(13)
def test_the_answer_of_another_terminals_contact_is_no_contact(world: LineWorld) -> None:
    world.hub.called_terminal = "QS02"
    world.seal()
    world.step()
    assert not world.lines[-1].online
    assert world.hub.batches == [] and world.enrolment.seal_keys == []
    world.hub.called_terminal = "QS01"
    world.drain()
    assert len(world.hub.numbers()) == 1


@pytest.mark.fault(15)
def test_the_same_id_with_other_bytes_is_a_conflict_and_both_are_kept(
    world: LineWorld,
) -> None:
    world.seal()
    item = world.queue.items[1]
    world.hub.held[item.id] = Held("f" * 64, "application", {"number": "another"})
    world.drain()
    assert world.hub.conflicts == [item.id]
    assert world.hub.held[item.id].sha256 == "f" * 64
    assert world.queue.tray == [(1, "other_hash", "")] and world.states() == ["refused"]


@pytest.mark.fault(16)
@pytest.mark.parametrize("where", [0, 57, 99])
def test_one_poison_item_among_a_hundred_is_found_in_seven_steps(
    world: LineWorld, where: int
) -> None:
    numbers = world.seal(100, pages=0)
    poison = world.queue.items[where + 1].id
    world.hub.poison_ids = {poison}
    world.drain()
    assert len(world.hub.numbers()) == 99 and numbers[where] not in world.hub.numbers()
    assert [row for row, _, _ in world.queue.tray] == [where + 1]
    assert len([ids for ids in world.hub.batches if poison in ids]) <= 1 + 7


def test_a_hub_that_refuses_everything_does_not_empty_the_queue_into_the_tray(
    world: LineWorld,
) -> None:
    world.seal(20, pages=0)
    world.hub.poison_ids = {item.id for item in world.queue.items.values()}
    world.pass_time(3600)
    assert world.states().count("refused") == 3 and world.states().count("waiting") == 17
    world.hub.poison_ids = set()  # the centre put its new version right
    world.drain()
    assert len(world.hub.numbers()) == 17


@pytest.mark.fault(19)
def test_a_revoked_terminal_stops_and_keeps_collecting(world: LineWorld) -> None:
    world.hub.revoked = {world.hub.authority.issued[-1]}
    numbers = world.seal(2)
    world.pass_time(3600)
    assert world.hub.batches == []
    assert world.lines[-1].alarm and world.lines[-1].reason == "unauthorised:certificate_revoked"
    assert len(world.hub.turned_away) <= 3600 / 60 + 1  # it asks whether it was put right
    assert "line_stopped" in world.events()
    numbers += world.seal()
    assert world.states() == ["waiting"] * 3
    world.enrol()
    assert world.drain() <= 2  # a technician stands before the machine
    assert world.hub.numbers() == numbers


@pytest.mark.fault(20)
def test_a_batch_that_somebody_replays_makes_no_second_row(world: LineWorld) -> None:
    world.seal()
    world.drain()
    world.queue.state[1] = "waiting"  # as if it came a second time
    world.drain()
    assert len(world.hub.order) == 1 and world.queue.tray == []


@pytest.mark.fault(29)
def test_a_store_that_began_anew_is_not_mistaken_for_the_old_one(
    world: LineWorld,
) -> None:
    numbers = world.seal(2)
    world.drain()
    world.queue.items.clear()
    world.queue.state.clear()
    world.queue.epoch = str(uuid.uuid4())  # the same seqs again, in another epoch
    numbers += [number.replace("QS01", "QS0A") for number in world.seal(0)]
    world.queue.seal("QS01NEW", [b"page"])
    world.drain()
    assert world.hub.numbers() == [*numbers, "QS01NEW"]
    assert world.queue.tray == []


@pytest.mark.fault(30)
def test_the_hub_restored_from_yesterday_gets_what_it_lost(world: LineWorld) -> None:
    numbers = world.seal(5)
    world.drain()
    assert world.states() == ["accepted"] * 5
    for item in list(world.queue.items.values())[2:]:  # seq 3 to 5, and all attachments
        world.hub.held.pop(item.id)
        world.hub.order.remove(item.id)
    world.hub.attachments.clear()
    world.hub.uploads.clear()
    world.hub.resend = [(3, 5), (4000, 5000), (7, 2)]
    world.clock.advance(30)
    world.step()
    assert "items_resent" in world.events()
    world.hub.resend = []
    world.drain()
    assert sorted(map(str, world.hub.numbers())) == sorted(numbers)


def test_a_hub_that_asks_for_the_same_again_and_again_does_no_harm(world: LineWorld) -> None:
    world.seal(2)
    world.hub.resend = [(1, 2)]
    world.pass_time(300)
    assert len(world.hub.order) == 2 and world.queue.tray == []


# -- when ------------------------------------------------------------------------------


def test_after_five_lost_connections_one_probe_at_a_time_asks_the_way(world: LineWorld) -> None:
    numbers = world.seal(2)
    world.step()
    world.down()
    numbers += world.seal(1)
    world.pass_time(3 * 3600)
    batches = len(world.hub.batches)
    assert not world.lines[-1].online and world.lines[-1].reason.startswith("unreachable")
    world.up()
    contacts = world.hub.contacts
    assert world.drain() <= 600
    assert world.hub.contacts == contacts + 1  # the probe that closed the circuit
    assert len(world.hub.batches) > batches
    assert sorted(world.hub.numbers()) == numbers


def test_a_new_application_is_sent_at_once_whatever_the_pause(world: LineWorld) -> None:
    world.seal()
    world.hub.batch_tricks = ["500"] * 6
    for _ in range(6):
        world.clock.advance(world.step())
    world.seal(1)
    before = world.clock.seconds
    world.engine.wake()
    world.step()
    assert world.clock.seconds == before
    assert len(world.hub.batches) == 7


@pytest.mark.parametrize("trick", ["503 retry-after", "429 date"])
def test_a_hub_that_asks_for_patience_gets_it_even_when_woken(world: LineWorld, trick: str) -> None:
    world.seal()
    world.hub.batch_tricks = [trick]
    pause = world.step()
    assert pause >= 90
    world.engine.wake()
    assert world.step() >= 90 and len(world.hub.batches) == 1
    assert world.drain() >= 90


@pytest.mark.parametrize("rebooted", [True, False])
def test_after_a_boot_what_piled_up_waits_for_its_place_in_the_spread(
    tmp_path: Path, rebooted: bool
) -> None:
    with LineWorld(tmp_path, spread_s=600) as world:
        world.hub.spread_s = 600
        world.step()
        world.seal(2)
        world.boot = "second boot" if rebooted else "first boot"
        world.start()
        place = spread_s("QS01", 600)
        assert 0 < place < 600
        world.step()
        assert world.hub.batches == [] if rebooted else world.hub.batches
        new = world.seal(1)  # a citizen's, now: part of nobody's storm
        world.engine.wake()
        world.step(4)
        assert new[0] in world.hub.numbers()
        waited = world.drain()
        assert (waited >= place - 30) is rebooted
        assert len(world.hub.numbers()) == 3


class TickingClock(HandClock):
    """Time goes on while one looks at it."""

    def monotonic(self) -> float:
        self.advance(0.001)
        return self.seconds


@pytest.mark.parametrize("window", [0, 0.05])
def test_a_hub_of_one_terminal_wants_no_spread(tmp_path: Path, window: float) -> None:
    with LineWorld(tmp_path, spread_s=600, clock=TickingClock()) as world:
        world.hub.spread_s = window
        world.seal(2)
        assert world.drain() <= 1


def test_after_an_outage_what_piled_up_waits_for_its_place_in_the_spread(tmp_path: Path) -> None:
    with LineWorld(tmp_path, spread_s=600) as world:
        world.hub.spread_s = 0
        world.drain()
        with world.away():
            world.seal(3)
            world.pass_time(1200)
        world.hub.spread_s = 600
        before = len(world.hub.batches)
        while world.hub.contacts < 2:
            world.clock.advance(max(world.step(), 0.001))
        assert len(world.hub.batches) == before
        assert world.drain() >= spread_s("QS01", 600) - 31  # less the pause after the probe


@pytest.mark.fault(18)
def test_ten_thousand_terminals_come_back_evenly() -> None:
    places = [spread_s(f"T{at:05d}", 600) for at in range(10_000)]
    assert all(0 <= place < 600 for place in places)
    for tenth in range(10):
        assert 900 < sum(tenth * 60 <= place < (tenth + 1) * 60 for place in places) < 1100


def test_while_a_citizen_seals_nothing_is_started(world: LineWorld) -> None:
    world.seal()
    world.engine.pause()
    assert world.engine.paused
    assert world.step() > 0 and world.hub.batches == []
    world.engine.resume()
    assert not world.engine.paused
    assert world.drain() == 0


def test_a_lost_resume_does_not_strand_anything(world: LineWorld) -> None:
    world.seal()
    world.engine.pause()
    assert 0 < world.drain() <= PAUSE_LIMIT_S


def test_the_line_is_known_although_nothing_waits(world: LineWorld) -> None:
    assert world.step() == 30 and world.lines[-1].online
    contact = world.lines[-1].last_contact
    world.clock.advance(30)
    world.step()
    assert world.hub.contacts == 2
    assert world.lines[-1].last_contact != contact
    with world.away():
        world.clock.advance(30)
        world.step()
        assert not world.lines[-1].online
        assert world.lines[-1].last_contact is not None  # its age is what the screen shows
    world.pass_time(10)
    assert world.lines[-1].online


def test_a_hub_that_stumbles_over_contact_still_gets_what_waits(world: LineWorld) -> None:
    world.hub.contact_tricks = ["500"] * 1000
    numbers = world.seal(2)
    assert world.drain() <= 600
    assert world.hub.numbers() == numbers


def test_a_terminal_that_was_never_enrolled_collects(world: LineWorld) -> None:
    world.enrolment.path.unlink()
    (number,) = world.seal()
    world.step(3)
    assert world.hub.contacts == 0 and world.lines[-1].reason == "not_enrolled"
    world.enrol()
    assert world.drain() <= 2
    assert world.hub.numbers() == [number]


# -- order -----------------------------------------------------------------------------


def test_a_long_queue_is_read_ahead_and_each_arrives_once_in_its_order(world: LineWorld) -> None:
    """The next batch is read while one is under way; a rating still follows its application."""
    numbers = world.seal(450, pages=0)
    for number in numbers[::3]:
        world.queue.seal(number, kind="rating")
    silent, poison = world.queue.items[120], world.queue.items[333]
    world.hub.refused_ids = {poison.id: "item_closed"}
    world.hub.batch_tricks = ["", "silent on first", "500", "", "timeout after commit"]
    world.drain()
    assert len(world.hub.order) == len(set(world.hub.order)) == 450 + 150 - 1
    assert [row for row, _, _ in world.queue.tray] == [poison.row]
    seen: set[object] = set()
    for item_id in world.hub.order:
        held = world.hub.held[item_id]
        if held.kind == "application":
            seen.add(held.body["number"])
        else:
            assert held.body["number"] in seen or held.body["number"] == poison.order_key
    assert silent.order_key in seen


def test_what_the_hub_said_of_a_batch_is_marked_beside_the_next_one(world: LineWorld) -> None:
    """The line does not stand still while the disk works; whoever looks meanwhile counts right."""
    numbers = world.seal(350, pages=0)
    marked: list[int] = []
    at_the_hub = 0
    accepted = world.queue.accepted

    def accept(
        rows: Collection[int], unanswered: Collection[int] = (), *, more_follow: bool = False
    ) -> StoreFault | None:
        until = time.monotonic() + 10
        while len(world.hub.order) < at_the_hub and time.monotonic() < until:
            time.sleep(0.001)
        marked.append(len(rows))
        assert len(world.hub.order) >= at_the_hub
        return accepted(rows, unanswered, more_follow=more_follow)

    world.queue.accepted = accept  # type: ignore[method-assign]
    world.step()  # what waits is counted for the first time
    world.step()
    assert marked == [100] and world.lines[-1].waiting == 150
    assert len(world.hub.order) == 200
    at_the_hub = 300  # the third batch is there before the second one is marked
    world.step()
    assert marked == [100, 100]
    world.drain()
    assert marked == [100, 100, 100, 50]
    assert world.delivered == numbers
    # The disk was not waited for while more were under way, and was with the last of them.
    assert world.queue.unsynced == 0 < world.queue.unsynced_most


def test_a_bug_met_while_the_hub_works_is_not_taken_for_a_dead_line(world: LineWorld) -> None:
    world.seal(250, pages=0)
    world.step()
    world.step()

    def accept(
        rows: Collection[int], unanswered: Collection[int] = (), *, more_follow: bool = False
    ) -> StoreFault | None:
        raise BrokenPipeError

    world.seal(200, pages=0)
    accepted, world.queue.accepted = world.queue.accepted, accept  # type: ignore[method-assign]
    with pytest.raises(BrokenPipeError):
        world.drain()
    world.queue.accepted = accepted  # type: ignore[method-assign]
    world.drain()
    assert set(world.queue.state.values()) == {"accepted"}
    assert len(world.hub.order) == len(set(world.hub.order)) == 450


def test_who_ends_before_the_marking_sends_the_same_once_more(world: LineWorld) -> None:
    world.seal(250, pages=0)
    world.step()
    world.step()
    assert list(world.queue.state.values()).count("accepted") == 100 < len(world.hub.order)
    world.start()  # killed, and started again
    world.drain()
    assert set(world.queue.state.values()) == {"accepted"}
    assert len(world.hub.order) == len(set(world.hub.order)) == 250
    assert world.hub.conflicts == []


def test_a_disk_that_refuses_the_marking_is_told_and_nothing_is_lost(world: LineWorld) -> None:
    world.seal(350, pages=0)
    accepted, full = world.queue.accepted, StoreFault(StoreFaultCode.DISK_FULL)
    world.step()
    world.step()
    world.queue.accepted = lambda *_, **__: full  # type: ignore[method-assign]
    assert world.fault() == full
    world.queue.accepted = accepted  # type: ignore[method-assign]
    world.drain()
    assert set(world.queue.state.values()) == {"accepted"}
    assert len(world.hub.order) == len(set(world.hub.order)) == 350


def test_what_was_read_ahead_is_read_anew_when_the_hub_stumbled(world: LineWorld) -> None:
    numbers = world.seal(250, pages=0)
    world.step()
    world.queue.seal("QS01LATE", kind="application")
    world.hub.sick = "500"
    world.pass_time(60)
    world.hub.sick = ""
    world.drain()
    assert sorted(map(str, world.hub.numbers())) == sorted([*numbers, "QS01LATE"])
    assert world.hub.conflicts == []


def test_what_follows_an_application_never_overtakes_it(world: LineWorld) -> None:
    numbers = world.seal(3)
    for number in numbers:
        world.queue.seal(number, kind="print_result")
        world.queue.seal(number, kind="later_papers")
        world.queue.seal(number, kind="rating")
    world.hub.batch_tricks = ["", "silent on first", "500", "", "wrong hash"]
    world.drain()
    kinds: dict[object, list[str]] = {}
    for item_id in world.hub.order:
        held = world.hub.held[item_id]
        kinds.setdefault(held.body["number"], []).append(held.kind)
    assert list(kinds.values()) == [["application", "print_result", "later_papers", "rating"]] * 3
    assert sorted(world.delivered) == sorted(world.papers_delivered) == sorted(numbers)


def test_one_refused_application_holds_nobody_else_up(world: LineWorld) -> None:
    numbers = world.seal(3)
    world.hub.refused_ids = {world.queue.items[2].id: "item_closed"}
    world.drain()
    assert world.hub.numbers() == [numbers[0], numbers[2]]
    assert world.queue.tray == [(2, "item_closed", "not for us")]
    assert world.delivered == [numbers[0], numbers[2]]


def test_an_item_the_hub_stumbles_over_lets_the_others_pass(world: LineWorld) -> None:
    world.seal(8, pages=0)
    world.hub.deadly_ids = {world.queue.items[1].id}
    world.pass_time(3600)
    assert len(world.hub.numbers()) == 7
    assert world.queue.tray == []  # a 500 is the hub's fault: kept waiting
    world.hub.deadly_ids = set()
    world.drain()
    assert len(world.hub.numbers()) == 8


def test_while_a_batch_of_several_fails_the_oldest_stays_first(world: LineWorld) -> None:
    """Nobody knows yet which of them it is, if it is any: no citizen is put behind the others."""
    numbers = world.seal(8, pages=0)
    oldest = world.queue.items[1].id
    world.hub.batch_tricks = ["500", "500"]
    world.drain()
    assert all(len(ids) > 1 and ids[0] == oldest for ids in world.hub.batches[:3])
    assert world.hub.numbers() == numbers


def test_nothing_personal_is_logged(world: LineWorld) -> None:
    world.hub.batch_tricks = ["500"]
    world.seal(2)
    world.drain()
    said = json.dumps(world.logged, ensure_ascii=False)
    assert world.events() == {"line_changed", "item_delivered"}
    assert "page" not in said and "QS01" not in said


# -- any mixture -------------------------------------------------------------------------

WALK = (
    *("", "", "500", "503", "timeout after commit", "portal", "half cbor", "nothing"),
    *("wrong hash", "silent on first", "other ids", "backwards", "twice"),
)
PART_WALK = ("", "", "nothing", "checksum", "offset", "mismatch", "taken, no word", "500")
MOVES = st.sampled_from(
    ["seal", "rating", "away", "restart", "reboot", "restore", "clock", "wait", "wake"]
)


@settings(max_examples=10, deadline=None)
@given(
    moves=st.lists(MOVES, max_size=12),
    tricks=st.lists(st.sampled_from(WALK), max_size=8),
    part_tricks=st.lists(st.sampled_from(PART_WALK), max_size=6),
    refused=st.sets(st.integers(0, 3), max_size=2),
)
def test_any_walk_of_faults_ends_with_each_exactly_once(
    tmp_path_factory: pytest.TempPathFactory,
    moves: list[str],
    tricks: list[str],
    part_tricks: list[str],
    refused: set[int],
) -> None:
    with LineWorld(tmp_path_factory.mktemp("walk"), spread_s=600) as world:
        numbers = world.seal(4)
        world.hub.refused_ids = {world.queue.items[at + 1].id: "no" for at in refused}
        world.hub.batch_tricks, world.hub.part_tricks = list(tricks), list(part_tricks)
        ratings = 0
        for move in moves:
            match move:
                case "seal":
                    numbers += world.seal(2)
                    world.engine.wake()
                case "rating":
                    world.queue.seal(numbers[-1], kind="rating")
                    ratings += 1
                case "away":
                    with world.away():
                        world.pass_time(200)
                case "restart":
                    world.start()
                case "reboot":
                    world.boot += "+"
                    world.start()
                case "restore":
                    world.hub.forget()
                    world.hub.resend = [(1, len(world.queue.items))]
                case "clock":
                    world.clock.now += timedelta(days=4000)
                case "wait":
                    world.pass_time(100)
                case "wake":
                    world.engine.wake()
            world.step(2)
        world.pass_time(31)  # a hub that was restored says so with the next contact
        world.drain()
        world.hub.resend = []
        world.pass_time(700)
        world.drain()
        kept = [number for at, number in enumerate(numbers) if at not in refused]
        assert sorted(map(str, world.hub.numbers())) == sorted(kept)
        assert len(world.hub.order) == len(set(world.hub.order)) == len(kept) + ratings
        assert world.states().count("refused") == len(refused)
        assert set(world.delivered) == set(kept)
        assert world.hub.conflicts == []
