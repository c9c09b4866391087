"""When to try, and how much at once. Pure: `now` is monotonic seconds, chance comes from outside.

Figures: the project's notes on store-and-forward. Full jitter, because terminals that failed
together must not come back together; half of the step as a floor when the hub says it is too much,
because full jitter collapses to nothing just then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from typing import Final, assert_never

from offline_cache.line.failures import OF_THE_CONNECTION, STOPPING, Failure, FailureKind

FIRST_RETRY_S: Final = 2.0
LAST_RETRY_S: Final = 300.0
LEAST_RETRY_S: Final = 0.2  # full jitter may give nothing at all
STOPPED_LOOK_S: Final = 60.0  # a hub that said no is asked again this often: it may be put right
FAILURES_THAT_OPEN: Final = 5  # of the connection, in a row
WIDEST_SPREAD_S: Final = 600.0
BATCH_ITEMS: Final = 100
BATCH_BYTES: Final = 1_000_000  # of CBOR; what the hub takes
FIRST_BATCH_BYTES: Final = 128 << 10  # some four seconds at 256 kbit/s
LEAST_BATCH_BYTES: Final = 16 << 10
FIRST_PART_BYTES: Final = 16 << 10
LEAST_PART_BYTES: Final = 4 << 10  # a cut every second at 64 kbit/s still lets some through
MOST_PART_BYTES: Final = 256 << 10
PART_S: Final = 4.0  # what a cut may cost at most
GOOD_AFTER_A_CUT: Final = 4

Uniform = Callable[[float, float], float]


def retry_delay_s(failure: Failure, failures: int, uniform: Uniform, last_s: float) -> float:
    """Pause after the n-th failure in a row (n from 1): exponential up to `last_s`, full jitter.

    The hub's Retry-After is the least, whatever `last_s` is.
    """
    match failure.kind:
        case FailureKind.UNAUTHORISED | FailureKind.UNTRUSTED:
            return min(STOPPED_LOOK_S, last_s)
        case (
            FailureKind.UNREACHABLE
            | FailureKind.TIMED_OUT
            | FailureKind.TOO_MANY
            | FailureKind.SERVER_ERROR
            | FailureKind.GARBAGE
            | FailureKind.BAD_REQUEST
        ):
            pass
        case _:
            assert_never(failure.kind)
    step = min(last_s, FIRST_RETRY_S * 2.0 ** min(failures - 1, 20))
    floor = step / 2 if failure.kind is FailureKind.TOO_MANY else min(LEAST_RETRY_S, step)
    return max(uniform(floor, step), failure.retry_after_s or 0.0)


def spread_s(terminal: str, window_s: float) -> float:
    """This terminal's own place in the window: terminals that come back together do not send so."""
    place = int.from_bytes(hashlib.sha256(terminal.encode()).digest()[:8]) / 2**64
    return place * min(max(window_s, 0.0), WIDEST_SPREAD_S)


class Size:
    """How many bytes to send at once: doubled while they take less than `PART_S`, halved on a cut.

    Once it was cut it doubles only after some in a row arrived: on a line that breaks every other
    second that settles where a cut costs about an eighth of the time between two.
    """

    def __init__(self, first: int, least: int, most: int) -> None:
        self._bytes = first
        self._least = least
        self._most = most
        self._good = 0
        self._good_wanted = 1

    @property
    def bytes(self) -> int:
        return self._bytes

    def went(self, sent: int, seconds: float) -> None:
        """So many bytes arrived in so long. Less than half of a size proves nothing about it."""
        if seconds > 2 * PART_S:
            self._shrink()
        elif sent * 2 > self._bytes and seconds * 2 <= PART_S:
            self._good += 1
            if self._good >= self._good_wanted and self._bytes < self._most:
                self._bytes = min(self._most, self._bytes * 2)
                self._good = 0

    def cut(self) -> None:
        self._good_wanted = GOOD_AFTER_A_CUT
        self._shrink()

    def _shrink(self) -> None:
        self._bytes = max(self._least, self._bytes // 2)
        self._good = 0


class Pacer:
    """When to try next, how much, and whether only to ask first."""

    def __init__(self, uniform: Uniform, idle_poll_s: float, last_retry_s: float) -> None:
        self._uniform = uniform
        self._idle_poll_s = idle_poll_s
        self._last_retry_s = last_retry_s
        self._failures = 0
        self._lost = 0  # failures of the connection in a row
        self._kind: FailureKind | None = None
        self._asked_for_patience = False
        self._not_before = float("-inf")
        self._poll_at = float("-inf")
        self._batch_items = BATCH_ITEMS
        self._batch_bytes = Size(FIRST_BATCH_BYTES, LEAST_BATCH_BYTES, BATCH_BYTES)

    @property
    def batch_items(self) -> int:
        """How many items the next batch may have: halved on trouble, doubled on success."""
        return self._batch_items

    @property
    def batch_bytes(self) -> int:
        return self._batch_bytes.bytes

    @property
    def open(self) -> bool:
        """The circuit is open: one probe at a time, nothing else."""
        return self._lost >= FAILURES_THAT_OPEN

    @property
    def stopped(self) -> bool:
        """The hub says no to this terminal, or who answers is not our hub."""
        return self._kind in STOPPING

    @property
    def probe_first(self) -> bool:
        """Whether to ask for contact before anything is sent."""
        return self.open or self.stopped

    def wait_s(self, now: float) -> float:
        """Seconds until anything may be tried; 0 when now."""
        return max(0.0, self._not_before - now)

    def poll_s(self, now: float) -> float:
        """Seconds until the hub should hear from us although nothing waits."""
        return max(0.0, self._poll_at - now, self._not_before - now)

    def contact(self, now: float) -> None:
        """The hub answered a call that carries nothing. It may still stumble over a batch."""
        self._poll_at = now + self._idle_poll_s
        self._lost = 0
        if self.stopped or self._kind in OF_THE_CONNECTION:
            self._clear()

    def sent(self, now: float, sent_bytes: int, seconds: float) -> None:
        """The hub answered a batch of so many bytes."""
        self._poll_at = now + self._idle_poll_s
        self._batch_items = min(BATCH_ITEMS, self._batch_items * 2)
        self._batch_bytes.went(sent_bytes, seconds)
        self._lost = 0
        self._clear()

    def failed(self, failure: Failure, now: float) -> None:
        self._failures += 1
        self._kind = failure.kind
        self._lost = self._lost + 1 if failure.kind in OF_THE_CONNECTION else 0
        if failure.kind in (FailureKind.TIMED_OUT, FailureKind.SERVER_ERROR):
            self._batch_items = max(1, self._batch_items // 2)
            self._batch_bytes.cut()
        self._asked_for_patience = failure.kind is FailureKind.TOO_MANY
        pause = retry_delay_s(failure, self._failures, self._uniform, self._last_retry_s)
        self._not_before = now + pause
        self._poll_at = self._not_before

    def hurry(self) -> None:
        """Something new waits: do not sit out a pause, unless the hub asked for it."""
        if not self._asked_for_patience:
            self._not_before = float("-inf")

    def _clear(self) -> None:
        self._failures = 0
        self._kind = None
        self._asked_for_patience = False
        self._not_before = float("-inf")


class ItemDelays:
    """Items whose own turn has not come: the hub gave no valid answer on them."""

    def __init__(self, uniform: Uniform, last_retry_s: float) -> None:
        self._uniform = uniform
        self._last_retry_s = last_retry_s
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def put_off(self, item_id: str, now: float) -> None:
        """Not for a while after `now`, longer each time."""
        count = self._failures[item_id] = self._failures.get(item_id, 0) + 1
        failure = Failure(FailureKind.GARBAGE)
        delay = retry_delay_s(failure, count, self._uniform, self._last_retry_s)
        self._until[item_id] = now + delay

    def settled(self, item_id: str) -> None:
        self._failures.pop(item_id, None)
        self._until.pop(item_id, None)

    def not_now(self, now: float) -> Collection[str]:
        return {item_id for item_id, until in self._until.items() if until > now}

    def next_s(self, now: float) -> float:
        """Seconds until the first of them may be tried; infinite when there is none."""
        waits = [until - now for until in self._until.values() if until > now]
        return min(waits, default=float("inf"))
