"""When the next try comes, how much goes at once, and what an answer is worth: pure rules."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import replace

import pytest
from cache_world import middle, seeded
from hypothesis import given
from hypothesis import strategies as st

from offline_cache.line.engine import VerdictKind, judge
from offline_cache.line.failures import OF_THE_CONNECTION, STOPPING, Failure, FailureKind
from offline_cache.line.pacing import (
    BATCH_BYTES,
    BATCH_ITEMS,
    FAILURES_THAT_OPEN,
    FIRST_PART_BYTES,
    LAST_RETRY_S,
    LEAST_PART_BYTES,
    LEAST_RETRY_S,
    MOST_PART_BYTES,
    STOPPED_LOOK_S,
    WIDEST_SPREAD_S,
    ItemDelays,
    Pacer,
    Size,
    retry_delay_s,
    spread_s,
)
from offline_cache.line.wire import Answer, Item

KINDS = st.sampled_from(FailureKind)


@given(
    kind=KINDS,
    failures=st.integers(1, 10_000),
    retry_after=st.none() | st.floats(0, 3600),
    seed=st.integers(),
)
def test_no_pause_is_too_short_or_too_long(
    kind: FailureKind, failures: int, retry_after: float | None, seed: int
) -> None:
    failure = Failure(kind, retry_after_s=retry_after)
    pause = retry_delay_s(failure, failures, seeded(seed).uniform, LAST_RETRY_S)
    if kind in STOPPING:
        assert pause == STOPPED_LOOK_S
        return
    step = min(LAST_RETRY_S, 2.0 * 2 ** min(failures - 1, 30))
    least = step / 2 if kind is FailureKind.TOO_MANY else LEAST_RETRY_S
    assert max(least, retry_after or 0) <= pause <= max(step, retry_after or 0)


def test_the_steps_double_from_two_seconds_to_five_minutes() -> None:
    longest = [
        retry_delay_s(Failure(FailureKind.SERVER_ERROR), n, lambda low, high: high, LAST_RETRY_S)
        for n in range(1, 11)
    ]
    assert longest == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_the_circuit_opens_at_the_fifth_lost_connection_and_closes_at_the_first_success() -> None:
    pacer = Pacer(middle, 30, LAST_RETRY_S)
    for lost in range(1, FAILURES_THAT_OPEN + 1):
        assert not pacer.open
        kind = FailureKind.TIMED_OUT if lost % 2 else FailureKind.UNREACHABLE
        pacer.failed(Failure(kind), 0)
    assert pacer.open and pacer.probe_first
    pacer.contact(0)
    assert not pacer.open and pacer.wait_s(0) == 0


def test_a_hub_in_trouble_is_no_lost_connection() -> None:
    pacer = Pacer(middle, 30, LAST_RETRY_S)
    for _ in range(20):
        pacer.failed(Failure(FailureKind.SERVER_ERROR), 0)
    assert not pacer.open


@given(st.lists(KINDS | st.just("sent") | st.just("contact") | st.just("hurry"), max_size=40))
def test_the_pacer_never_waits_for_ever_and_never_sends_more_than_a_batch(
    events: list[str],
) -> None:
    pacer = Pacer(middle, 30, LAST_RETRY_S)
    now = 0.0
    for event in events:
        match event:
            case "sent":
                pacer.sent(now, pacer.batch_bytes, 0.1)
            case "contact":
                pacer.contact(now)
            case "hurry":
                pacer.hurry()
            case _:
                pacer.failed(Failure(FailureKind(event)), now)
        assert 1 <= pacer.batch_items <= BATCH_ITEMS
        assert 0 < pacer.batch_bytes <= BATCH_BYTES
        assert 0 <= pacer.wait_s(now) <= LAST_RETRY_S
        assert 0 <= pacer.poll_s(now) <= LAST_RETRY_S
        assert pacer.stopped == (event in STOPPING) or event == "hurry"
        now += pacer.wait_s(now)
        assert pacer.wait_s(now) == 0


def test_contact_does_not_forgive_a_hub_that_stumbles_over_batches() -> None:
    pacer = Pacer(lambda low, high: high, 30, LAST_RETRY_S)
    pauses = []
    for _ in range(4):
        pacer.failed(Failure(FailureKind.SERVER_ERROR), 0)
        pauses.append(pacer.wait_s(0))
        pacer.contact(0)
    assert pauses == [2, 4, 8, 16]


def test_parts_double_on_success_and_halve_on_a_cut() -> None:
    size = Size(FIRST_PART_BYTES, LEAST_PART_BYTES, MOST_PART_BYTES)
    sizes = []
    for _ in range(6):
        sizes.append(size.bytes >> 10)
        size.went(size.bytes, 0.5)
    assert sizes == [16, 32, 64, 128, 256, 256]
    size.cut()
    assert size.bytes >> 10 == 128


def test_a_slow_line_gets_parts_of_some_four_seconds() -> None:
    """64 kbit/s carries 8,000 bytes a second."""
    size = Size(FIRST_PART_BYTES, LEAST_PART_BYTES, MOST_PART_BYTES)
    for _ in range(20):
        size.went(size.bytes, size.bytes / 8000)
    assert 2 <= size.bytes / 8000 <= 4.2


@given(st.lists(st.booleans() | st.floats(0, 100)))
def test_a_part_stays_between_its_least_and_its_most(events: list[bool | float]) -> None:
    size = Size(FIRST_PART_BYTES, LEAST_PART_BYTES, MOST_PART_BYTES)
    for event in events:
        if isinstance(event, bool):
            size.cut()
        else:
            size.went(size.bytes, event)
        assert LEAST_PART_BYTES <= size.bytes <= MOST_PART_BYTES


def test_an_item_put_off_comes_back() -> None:
    delays = ItemDelays(lambda low, high: high, LAST_RETRY_S)
    delays.put_off("a", 0)
    assert delays.not_now(0) == {"a"} and delays.next_s(0) == 2
    assert delays.not_now(2) == set()
    delays.put_off("a", 2)
    assert delays.next_s(2) == 4
    delays.settled("a")
    assert delays.next_s(2) == float("inf")


def _item(name: str) -> Item:
    return Item(1, "e", 1, name, "application", name, "", ("a1",), f"of {name}", b"", b"")


def _answer(name: str, result: str) -> Answer:
    return Answer(name, f"of {name}", result)


@given(
    answers=st.lists(
        st.builds(
            Answer,
            id=st.sampled_from("abcx"),
            sha256=st.sampled_from(["of a", "of b", "of c", "other"]),
            result=st.sampled_from(
                ["accepted", "duplicate", "incomplete", "conflict", "refused", "ACCEPTED", ""]
            ),
            missing=st.sampled_from([(), ("a1",), ("b2",)]),
        ),
        max_size=8,
    )
)
def test_accepted_is_only_what_was_named_with_its_hash(answers: list[Answer]) -> None:
    items = [_item(name) for name in "abc"]
    verdicts = judge(items, answers)
    assert [verdict.item for verdict in verdicts] == items
    for verdict in verdicts:
        of_it = [answer for answer in answers if answer.id == verdict.item.id]
        if verdict.kind is not VerdictKind.NO_ANSWER:
            assert of_it and all(answer.sha256 == verdict.item.sha256 for answer in of_it)
            assert len(set(of_it)) == 1
        if verdict.kind is VerdictKind.ACCEPTED:
            assert of_it[0].result in ("accepted", "duplicate")
        if verdict.kind is VerdictKind.MISSING:
            assert verdict.missing == ("a1",)  # what is not of this item is not sent


def test_two_answers_that_differ_are_none() -> None:
    item = _item("a")
    accepted = _answer("a", "accepted")
    (twice,) = judge([item], [accepted, accepted])
    assert twice.kind is VerdictKind.ACCEPTED
    (differ,) = judge([item], [accepted, replace(accepted, result="refused")])
    assert differ.kind is VerdictKind.NO_ANSWER


def test_every_kind_of_failure_has_one_class() -> None:
    assert not OF_THE_CONNECTION & STOPPING


class _BusyHub:
    """Takes so many batches a second, and says to the others when they may come again."""

    def __init__(self, a_second: int) -> None:
        self._a_second = a_second
        self._taken: Counter[int] = Counter()
        self.asked = self.refused = 0

    def batch(self, now: float) -> Failure | None:
        self.asked += 1
        self._taken[int(now)] += 1
        if self._taken[int(now)] <= self._a_second:
            return None
        self.refused += 1
        return Failure(FailureKind.TOO_MANY, "busy", 503, retry_after_s=5.0)


def _all_come_back(hub: _BusyHub, spread: float, seed: int) -> tuple[float, int]:
    """10,000 terminals whose hub is there again from second 0 on, each with a batch that waits.

    When the last one had delivered, and how often one asked at most. Each finds out when the pause
    of its open circuit is over.
    """
    chance = seeded(seed)
    terminals = [f"QS{number:05d}" for number in range(10_000)]
    pacers = [Pacer(chance.uniform, 60, LAST_RETRY_S) for _ in terminals]
    first = [chance.uniform(0, LAST_RETRY_S if spread else 1.0) for _ in terminals]
    due = [
        (at + spread_s(who, spread), no)
        for no, (at, who) in enumerate(zip(first, terminals, strict=True))
    ]
    heapq.heapify(due)
    asked: Counter[int] = Counter()
    last = 0.0
    while due:
        now, no = heapq.heappop(due)
        asked[no] += 1
        failure = hub.batch(now)
        if failure is None:
            last = now
            continue
        pacers[no].failed(failure, now)
        assert round(pacers[no].wait_s(now), 6) >= 5.0  # as the hub asked for
        heapq.heappush(due, (now + pacers[no].wait_s(now), no))
    return last, max(asked.values())


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_terminals_that_come_back_spread_and_none_is_starved(seed: int) -> None:
    """Fault 18, as far as it is the terminal's: on average 11 to 17 of them come in a second."""
    hub = _BusyHub(a_second=25)
    last, most = _all_come_back(hub, WIDEST_SPREAD_S, seed)
    assert hub.refused <= 0.05 * hub.asked
    assert last <= LAST_RETRY_S + WIDEST_SPREAD_S + 60
    assert most <= 4


@pytest.mark.parametrize("seed", [1, 2])
def test_without_a_spread_they_make_room_for_each_other_until_all_were_heard(seed: int) -> None:
    hub = _BusyHub(a_second=25)
    last, most = _all_come_back(hub, 0, seed)
    assert last <= 3 * 10_000 / 25  # the hub alone needs a third of that
    assert most <= 12
