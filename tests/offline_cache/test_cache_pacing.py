"""When the next try comes, and what an answer is worth: pure rules."""

from __future__ import annotations

from dataclasses import replace

from cache_world import middle, seeded
from hypothesis import given
from hypothesis import strategies as st

from offline_cache.client import Answer, Failure, FailureKind
from offline_cache.queue import Item
from offline_cache.sync import (
    BATCH_ITEMS,
    LAST_RETRY_S,
    LAST_UNREACHABLE_RETRY_S,
    LEAST_RETRY_S,
    STOPPED_LOOK_S,
    ItemDelays,
    Pacer,
    VerdictKind,
    judge,
    retry_delay_s,
)

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
    pause = retry_delay_s(failure, failures, seeded(seed).uniform)
    if kind is FailureKind.UNAUTHORISED:
        assert pause == STOPPED_LOOK_S
        return
    last = LAST_UNREACHABLE_RETRY_S if kind is FailureKind.UNREACHABLE else LAST_RETRY_S
    step = min(last, 2.0 * 2 ** min(failures - 1, 30))
    least = step / 2 if kind is FailureKind.TOO_MANY else LEAST_RETRY_S
    assert max(least, retry_after or 0) <= pause <= max(step, retry_after or 0)


def test_the_steps_double_from_two_seconds_to_five_minutes() -> None:
    longest = [
        retry_delay_s(Failure(FailureKind.SERVER_ERROR), n, lambda low, high: high)
        for n in range(1, 11)
    ]
    assert longest == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(st.lists(KINDS | st.just("sent") | st.just("contact") | st.just("hurry"), max_size=40))
def test_the_pacer_never_waits_for_ever_and_never_sends_more_than_a_batch(
    events: list[str],
) -> None:
    pacer = Pacer(middle, 30)
    now = 0.0
    for event in events:
        match event:
            case "sent":
                pacer.sent(now)
            case "contact":
                pacer.contact(now)
            case "hurry":
                pacer.hurry()
            case _:
                pacer.failed(Failure(FailureKind(event)), now)
        assert 1 <= pacer.batch_items <= BATCH_ITEMS
        assert 0 <= pacer.wait_s(now) <= LAST_RETRY_S
        assert 0 <= pacer.poll_s(now) <= LAST_RETRY_S
        now += pacer.wait_s(now)
        assert pacer.wait_s(now) == 0


def test_contact_does_not_forgive_a_hub_that_stumbles_over_batches() -> None:
    pacer = Pacer(lambda low, high: high, 30)
    pauses = []
    for _ in range(4):
        pacer.failed(Failure(FailureKind.SERVER_ERROR), 0)
        pauses.append(pacer.wait_s(0))
        pacer.contact(0)
    assert pauses == [2, 4, 8, 16]


def test_an_item_put_off_comes_back() -> None:
    delays = ItemDelays(lambda low, high: high)
    delays.put_off("a", 0)
    assert delays.not_now(0) == {"a"} and delays.next_s(0) == 2
    assert delays.not_now(2) == set()
    delays.put_off("a", 2)
    assert delays.next_s(2) == 4
    delays.settled("a")
    assert delays.next_s(2) == float("inf")


def _item(name: str) -> Item:
    return Item(1, name, "application", name, "", f"hash of {name}", b"{}")


def _answer(name: str, result: str) -> Answer:
    return Answer(name, f"hash of {name}", result, (), "", "")


@given(
    answers=st.lists(
        st.builds(
            Answer,
            id=st.sampled_from("abcx"),
            sha256=st.sampled_from(["hash of a", "hash of b", "hash of c", "other"]),
            result=st.sampled_from(
                ["accepted", "duplicate", "incomplete", "conflict", "refused", "ACCEPTED", ""]
            ),
            missing=st.just(()),
            code=st.just(""),
            text=st.just(""),
        ),
        max_size=8,
    )
)
def test_delivered_is_only_what_was_named_with_its_hash(answers: list[Answer]) -> None:
    items = [_item(name) for name in "abc"]
    verdicts = judge(items, answers)
    assert [verdict.item for verdict in verdicts] == items
    for verdict in verdicts:
        of_it = [answer for answer in answers if answer.id == verdict.item.id]
        if verdict.kind is not VerdictKind.NO_ANSWER:
            assert of_it and all(answer.sha256 == verdict.item.sha256 for answer in of_it)
            assert len(set(of_it)) == 1
        if verdict.kind is VerdictKind.DELIVERED:
            assert of_it[0].result in ("accepted", "duplicate")


def test_two_answers_that_differ_are_none() -> None:
    item = _item("a")
    accepted = _answer("a", "accepted")
    (twice,) = judge([item], [accepted, accepted])
    assert twice.kind is VerdictKind.DELIVERED
    (differ,) = judge([item], [accepted, replace(accepted, result="refused")])
    assert differ.kind is VerdictKind.NO_ANSWER
