"""Sends what waits until the hub has it. Decides purely; talks through `HubClient` and `SendQueue`.

An item is done only when the hub's answer names its id and echoes the hash of its body. Nothing is
dropped by age or by number of tries. What the hub refuses lies in the tray; what it cannot take
now is tried again for ever. A line that is down, a hub in trouble, one bad item and a bad token are
four different things and are treated differently.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, assert_never

from offline_cache.blobs import Blobs
from offline_cache.client import Answer, Contact, Failure, FailureKind
from offline_cache.enrolment import Enrolment
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.ports import Clock, Log
from offline_cache.queue import Item, SendQueue, is_application

BATCH_ITEMS: Final = 100
# The hub takes 1 MB of JSON. A body travels as text inside JSON, its quotes escaped: a fifth more.
BATCH_BODY_BYTES: Final = 700_000
FIRST_RETRY_S: Final = 2.0
LAST_RETRY_S: Final = 300.0
LEAST_RETRY_S: Final = 0.2  # full jitter may give nothing at all
# When not even a connection comes about, a try costs the hub nothing and the line one packet:
# its return is noticed within seconds, and the citizen's paper is on its way.
LAST_UNREACHABLE_RETRY_S: Final = 4.0
STOPPED_LOOK_S: Final = 60.0  # a refused token is tried again this often: it may have been renewed
NOT_ENROLLED_LOOK_S: Final = 2.0  # a technician stands before the machine just then
STORE_RETRY_S: Final = 5.0
PAUSE_LIMIT_S: Final = 20.0  # sealing takes less than a second; a lost `resume` must not strand us
ROUNDS_OF_ATTACHMENTS: Final = 2  # the hub misses something, gets it, and is asked again
LONE_REFUSALS_IN_A_ROW: Final = 3  # more, and it is the hub that is wrong, not each single item
# Refusals of a whole request that one bad item in it can cause.
ITEM_STATUSES: Final = frozenset({400, 409, 413, 422})


# -- pure: when ------------------------------------------------------------------


class Pacer:
    """When to try next. Knows no clock; `now` is monotonic seconds."""

    def __init__(self, uniform: Callable[[float, float], float], idle_poll_s: float) -> None:
        self._uniform = uniform
        self._idle_poll_s = idle_poll_s
        self._failures = 0
        self._kind: FailureKind | None = None
        self._not_before = float("-inf")
        self._poll_at = float("-inf")
        self._batch_items = BATCH_ITEMS

    @property
    def batch_items(self) -> int:
        """How many items the next batch may have: halved on trouble, doubled on success."""
        return self._batch_items

    @property
    def probe_first(self) -> bool:
        """Whether to ask for contact before sending: the line was down, or the token refused."""
        return self._kind in (FailureKind.UNREACHABLE, FailureKind.UNAUTHORISED)

    @property
    def stopped(self) -> bool:
        """Whether the hub refuses this terminal's token."""
        return self._kind is FailureKind.UNAUTHORISED

    def wait_s(self, now: float) -> float:
        """Seconds until anything may be tried; 0 when now."""
        return max(0.0, self._not_before - now)

    def poll_s(self, now: float) -> float:
        """Seconds until the hub should hear from us although nothing waits."""
        return max(0.0, self._poll_at - now, self._not_before - now)

    def contact(self, now: float) -> None:
        """The hub answered a call that carries nothing."""
        self._poll_at = now + self._idle_poll_s
        if self.probe_first:
            self._clear()

    def sent(self, now: float) -> None:
        """The hub answered a batch."""
        self._poll_at = now + self._idle_poll_s
        self._batch_items = min(BATCH_ITEMS, self._batch_items * 2)
        self._clear()

    def failed(self, failure: Failure, now: float) -> None:
        self._failures = self._failures + 1 if failure.kind == self._kind else 1
        self._kind = failure.kind
        if failure.kind in (FailureKind.TIMED_OUT, FailureKind.SERVER_ERROR):
            self._batch_items = max(1, self._batch_items // 2)
        self._not_before = now + retry_delay_s(failure, self._failures, self._uniform)
        self._poll_at = self._not_before

    def hurry(self) -> None:
        """Something new waits: do not sit out a pause, unless the hub asked for it."""
        if self._kind is not FailureKind.TOO_MANY:
            self._not_before = float("-inf")

    def _clear(self) -> None:
        self._failures = 0
        self._kind = None
        self._not_before = float("-inf")


def retry_delay_s(
    failure: Failure, failures: int, uniform: Callable[[float, float], float]
) -> float:
    """Pause after the n-th failure of a kind in a row (n from 1): exponential, full jitter.

    When the hub says that it is too much, at least half of the step is kept (full jitter would
    collapse to nothing just then), and its Retry-After is the least.
    """
    last = LAST_RETRY_S
    match failure.kind:
        case FailureKind.UNAUTHORISED:
            return STOPPED_LOOK_S
        case FailureKind.UNREACHABLE:
            last = LAST_UNREACHABLE_RETRY_S
        case (
            FailureKind.TIMED_OUT
            | FailureKind.TOO_MANY
            | FailureKind.SERVER_ERROR
            | FailureKind.GARBAGE
            | FailureKind.BAD_REQUEST
        ):
            pass
        case _:
            assert_never(failure.kind)
    step = min(last, FIRST_RETRY_S * 2.0 ** min(failures - 1, 20))
    floor = step / 2 if failure.kind is FailureKind.TOO_MANY else LEAST_RETRY_S
    return max(uniform(floor, step), failure.retry_after_s or 0.0)


class ItemDelays:
    """Items whose own turn has not come: the hub gave no valid answer on them."""

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def put_off(self, item_id: str, now: float) -> None:
        """Not for a while after `now`, longer each time."""
        count = self._failures[item_id] = self._failures.get(item_id, 0) + 1
        delay = retry_delay_s(Failure(FailureKind.GARBAGE), count, self._uniform)
        self._until[item_id] = now + delay

    def settled(self, item_id: str) -> None:
        self._failures.pop(item_id, None)
        self._until.pop(item_id, None)

    def not_now(self, now: float) -> Collection[str]:
        return {item_id for item_id, until in self._until.items() if until > now}

    def next_s(self, now: float) -> float:
        """Seconds until the first of them may be tried; infinite when there is none."""
        return min((max(0.0, until - now) for until in self._until.values()), default=float("inf"))


# -- pure: what an answer means ----------------------------------------------------


class VerdictKind(StrEnum):
    DELIVERED = "delivered"
    MISSING = "missing"  # the hub wants attachments first
    TRAY = "tray"  # refused, or a conflict
    NO_ANSWER = "no_answer"  # nothing valid was said about this item


@dataclass(frozen=True, slots=True)
class Verdict:
    item: Item
    kind: VerdictKind
    result: str = ""
    missing: tuple[str, ...] = ()
    code: str = ""
    text: str = ""


def judge(items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Verdict, ...]:
    """What the hub's answers mean for each item sent, in their order.

    An answer counts only with the item's id and the hash of its body. Answers on other items are
    ignored; two that differ on the same item are none.
    """
    by_id: dict[str, list[Answer]] = {}
    for answer in answers:
        by_id.setdefault(answer.id, []).append(answer)
    return tuple(_verdict(item, by_id.get(item.id, [])) for item in items)


def _verdict(item: Item, answers: list[Answer]) -> Verdict:
    if not answers or any(
        answer != answers[0] or answer.sha256 != item.sha256 for answer in answers
    ):
        return Verdict(item, VerdictKind.NO_ANSWER)
    answer = answers[0]
    match answer.result:
        case "accepted" | "duplicate":
            return Verdict(item, VerdictKind.DELIVERED, answer.result)
        case "incomplete":
            return Verdict(item, VerdictKind.MISSING, answer.result, answer.missing)
        case "conflict" | "refused":
            code = answer.code or answer.result
            return Verdict(item, VerdictKind.TRAY, answer.result, (), code, answer.text)
        case _:
            return Verdict(item, VerdictKind.NO_ANSWER)


# -- with the wire and the store ---------------------------------------------------


class Hub(Protocol):
    """The calls of `HubClient` that sending needs."""

    def use_token(self, token: str) -> None: ...

    def contact(self) -> Contact | Failure: ...

    def batch(
        self, terminal: str, epoch: str, items: Sequence[Item]
    ) -> tuple[Answer, ...] | Failure: ...

    def put_attachment(self, sha256: str, content: bytes) -> Failure | None: ...


@dataclass(frozen=True, slots=True)
class Line:
    """The line as people are told of it. `reason` is a word for staff, empty when online."""

    online: bool
    last_contact: datetime | None
    waiting: int
    reason: str = ""


class SyncEngine:
    """One thread calls `step` again and again; any thread may call `wake`, `pause`, `resume`."""

    def __init__(
        self,
        *,
        queue: SendQueue,
        blobs: Blobs,
        hub: Hub,
        enrolment: Callable[[], Enrolment | StoreFault],
        clock: Clock,
        log: Log,
        uniform: Callable[[float, float], float],
        idle_poll_s: float,
        on_line: Callable[[Line], None],
        on_delivered: Callable[[str], None],
    ) -> None:
        """`enrolment` reads the token anew: it may come, or be renewed, at any time.

        `on_line` is called when the line's state or what waits has changed, `on_delivered` with
        the receipt number of an application that the hub acknowledged; both on the stepping thread.
        """
        self._queue = queue
        self._blobs = blobs
        self._hub = hub
        self._read_enrolment = enrolment
        self._clock = clock
        self._log = log
        self._pacer = Pacer(uniform, idle_poll_s)
        self._delays = ItemDelays(uniform)
        self._on_line = on_line
        self._on_delivered = on_delivered
        self._enrolment: Enrolment | None = None
        self._online = False
        self._reason = "starting"
        self._last_contact: datetime | None = None
        self._told: Line | None = None
        self._lone_refusals = 0
        self._woken = threading.Event()
        self._paused_until = float("-inf")

    # -- from any thread ----------------------------------------------------------

    def wake(self) -> None:
        """Something was sealed: send at once."""
        self._woken.set()

    def pause(self) -> None:
        """A citizen is sealing: start nothing new, for a moment."""
        self._paused_until = self._clock.monotonic() + PAUSE_LIMIT_S

    def resume(self) -> None:
        self._paused_until = float("-inf")
        self._woken.set()

    def wait(self, seconds: float) -> None:
        """Wait for the next step, or until woken."""
        self._woken.wait(seconds)

    # -- on the stepping thread ------------------------------------------------------

    def step(self) -> float | StoreFault:
        """Do what may be done now; seconds until the next step, or why the store is no use."""
        if self._woken.is_set():
            self._woken.clear()
            self._pacer.hurry()
        now = self._clock.monotonic()
        paused_s = self._paused_until - now
        if paused_s > 0:
            return paused_s
        if self._pacer.stopped and self._read_enrolment() != self._enrolment:
            self._pacer.hurry()  # enrolled anew
        if self._pacer.wait_s(now) > 0:
            wait_s = self._pacer.wait_s(now)
            return self._told_and(
                min(wait_s, NOT_ENROLLED_LOOK_S) if self._pacer.stopped else wait_s
            )
        if not self._enrolled():
            return self._told_and(NOT_ENROLLED_LOOK_S)
        if self._pacer.probe_first and not self._probe():
            return self._told_and(self._pacer.wait_s(self._clock.monotonic()))
        items = self._queue.due(
            max_items=self._pacer.batch_items,
            max_bytes=BATCH_BODY_BYTES,
            not_now=self._delays.not_now(now),
        )
        if isinstance(items, StoreFault):
            return items
        if items:
            failed = self._send(items, ROUNDS_OF_ATTACHMENTS)
            if failed is not None:
                return failed
            return self._told_and(self._pacer.wait_s(self._clock.monotonic()))
        if self._pacer.poll_s(now) <= 0:
            self._probe()
        now = self._clock.monotonic()
        return self._told_and(min(self._pacer.poll_s(now), self._delays.next_s(now)))

    def nothing_due(self) -> bool | StoreFault:
        """Whether all that may be sent was sent (what is put off for its own reasons aside)."""
        now = self._clock.monotonic()
        items = self._queue.due(max_items=1, max_bytes=1, not_now=self._delays.not_now(now))
        return items if isinstance(items, StoreFault) else not items

    @property
    def line(self) -> Line | StoreFault:
        """The line as it is now."""
        waiting = self._queue.waiting()
        if isinstance(waiting, StoreFault):
            return waiting
        return Line(self._online, self._last_contact, waiting.count, self._reason)

    # -- parts -------------------------------------------------------------------

    def _enrolled(self) -> bool:
        """Read the token anew; without one there is nobody to talk to."""
        found = self._read_enrolment()
        if isinstance(found, StoreFault):
            self._enrolment = None
            self._online = False
            not_there = found.code is StoreFaultCode.NOT_FOUND
            self._reason = "not_enrolled" if not_there else f"enrolment_{found.code}"
            return False
        if found != self._enrolment:
            self._enrolment = found
            self._hub.use_token(found.token)
        return True

    def _probe(self) -> bool:
        answer = self._hub.contact()
        if isinstance(answer, Failure):
            self._line_failed(answer)
            return False
        self._pacer.contact(self._clock.monotonic())
        self._reached()
        return True

    def _send(self, items: Sequence[Item], rounds: int) -> StoreFault | None:
        """Send one batch and settle what was answered; halves it when it is refused as a whole."""
        if self._enrolment is None:
            return None
        answers = self._hub.batch(self._enrolment.terminal, self._queue.epoch, items)
        if isinstance(answers, Failure):
            if answers.kind is FailureKind.BAD_REQUEST and answers.status in ITEM_STATUSES:
                return self._isolate(items, rounds, answers)
            self._batch_failed(items, answers)
            return None
        self._lone_refusals = 0
        self._pacer.sent(self._clock.monotonic())
        self._reached()
        return self._settle(judge(items, answers), rounds)

    def _settle(self, verdicts: Sequence[Verdict], rounds: int) -> StoreFault | None:
        delivered = [it for it in verdicts if it.kind is VerdictKind.DELIVERED]
        if delivered:
            failed = self._queue.delivered([it.item.seq for it in delivered])
            if failed is not None:
                return failed
        for verdict in delivered:
            self._delays.settled(verdict.item.id)
            self._log(
                "item_delivered",
                kind=verdict.item.kind,
                seq=verdict.item.seq,
                result=verdict.result,
            )
            if is_application(verdict.item):
                self._on_delivered(verdict.item.order_key)
        again: list[Item] = []
        for verdict in verdicts:
            match verdict.kind:
                case VerdictKind.DELIVERED:
                    pass
                case VerdictKind.NO_ANSWER:
                    self._delays.put_off(verdict.item.id, self._clock.monotonic())
                case VerdictKind.TRAY:
                    failed = self._into_tray(verdict.item, verdict.code, verdict.text)
                    if failed is not None:
                        return failed
                case VerdictKind.MISSING:
                    held = self._upload(verdict) if rounds > 0 and self._online else False
                    if isinstance(held, StoreFault):
                        return held
                    if held:
                        again.append(verdict.item)
                    else:
                        self._delays.put_off(verdict.item.id, self._clock.monotonic())
                case _:
                    assert_never(verdict.kind)
        return self._send(again, rounds - 1) if again else None

    def _upload(self, verdict: Verdict) -> bool | StoreFault:
        """Send what the hub misses of this item; whether asking again makes sense now."""
        ours = self._queue.attachments_of(verdict.item.seq)
        if isinstance(ours, StoreFault):
            return ours
        wanted = [sha256 for sha256 in verdict.missing if sha256 in ours]
        for sha256 in wanted:
            content = self._blobs.get(sha256)
            if isinstance(content, StoreFault):
                if content.code in (StoreFaultCode.NOT_FOUND, StoreFaultCode.DAMAGED):
                    # It can never be sent: staff must see it, and the paper may be asked for again.
                    failed = self._into_tray(
                        verdict.item, f"attachment_{content.code}", content.detail
                    )
                    return failed if failed is not None else False
                return content
            refused = self._hub.put_attachment(sha256, content)
            if refused is None:
                continue
            if refused.kind is FailureKind.BAD_REQUEST and refused.status == 413:
                failed = self._into_tray(verdict.item, refused.code, "attachment too large")
                return failed if failed is not None else False
            if refused.kind is not FailureKind.BAD_REQUEST:
                self._line_failed(refused)
            return False
        return bool(wanted)

    def _isolate(self, items: Sequence[Item], rounds: int, failure: Failure) -> StoreFault | None:
        """The whole batch was refused: find the one that is to blame."""
        self._reached()
        if len(items) > 1:
            middle = len(items) // 2
            for half in (items[:middle], items[middle:]):
                if not self._online or self._paused_until > self._clock.monotonic():
                    return None  # the rest waits as it did
                failed = self._send(half, rounds)
                if failed is not None:
                    return failed
            return None
        self._lone_refusals += 1
        if self._lone_refusals > LONE_REFUSALS_IN_A_ROW:
            self._batch_failed(items, failure)
            return None
        return self._into_tray(items[0], failure.code, "the hub refused the request")

    def _into_tray(self, item: Item, code: str, reason: str) -> StoreFault | None:
        failed = self._queue.refused(item.seq, code, reason)
        if failed is None:
            self._delays.settled(item.id)
            self._log("item_refused", kind=item.kind, seq=item.seq, code=code)
        return failed

    def _batch_failed(self, items: Sequence[Item], failure: Failure) -> None:
        self._line_failed(failure)
        if len(items) > 1 or failure.kind in (
            FailureKind.UNREACHABLE,
            FailureKind.UNAUTHORISED,
            FailureKind.TOO_MANY,
        ):
            return
        # It may be this item that the hub stumbles over: when the pause is over, let others go
        # before it, if there are any.
        now = self._clock.monotonic()
        passed_over = {*self._delays.not_now(now), items[0].id}
        others = self._queue.due(max_items=1, max_bytes=1, not_now=passed_over)
        if others and not isinstance(others, StoreFault):
            self._delays.put_off(items[0].id, now + self._pacer.wait_s(now))

    def _line_failed(self, failure: Failure) -> None:
        self._pacer.failed(failure, self._clock.monotonic())
        self._online = False
        self._reason = f"{failure.kind}:{failure.code}" if failure.code else str(failure.kind)

    def _reached(self) -> None:
        self._online = True
        self._reason = ""
        self._last_contact = self._clock.utc()

    def _told_and(self, wait_s: float) -> float | StoreFault:
        """Tell of a change, then wait."""
        line = self.line
        if isinstance(line, StoreFault):
            return line
        if line != self._told:
            if self._told is None or line.online != self._told.online:
                self._log(
                    "line_changed", online=line.online, waiting=line.waiting, reason=line.reason
                )
            self._told = line
            self._on_line(line)
        return wait_s
