"""Sends what waits until the hub has it. Decides; talks through `HubClient` and the queue.

An item is done only when the hub's answer names its id and echoes the hash of what was sent.
Nothing is dropped by age or by number of tries. What the hub refuses lies in the tray; what it
cannot take now is tried again for ever. A line that is down, a hub in trouble, one bad item and a
hub that will not know us are four different things and are treated differently.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, assert_never

from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.line.failures import Failure, FailureKind
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import DeviceKey, Identity, fits, renewal_due
from offline_cache.line.pacing import STOPPED_LOOK_S, ItemDelays, Pacer, Uniform, spread_s
from offline_cache.line.upload import SealedBlobs, Upload, UploadHub, Uploads
from offline_cache.line.wire import Answer, BatchAnswer, Contact, Item, LateVerdict, Renewed
from offline_cache.outbox import Waiting
from offline_cache.ports import Clock, Log

NOT_ENROLLED_LOOK_S: Final = 2.0  # a technician stands before the machine just then
PAUSE_LIMIT_S: Final = 20.0  # sealing takes less than a second; a lost `resume` must not strand us
UPLOAD_TURN_S: Final = 10.0  # then what was sealed meanwhile goes first
AWAITING_MOST: Final = 200  # items whose attachments are on their way; then those come first
ROUNDS_OF_ATTACHMENTS: Final = 3  # the hub misses something, gets it, and misses it again
LONE_REFUSALS_IN_A_ROW: Final = 3  # more, and it is the hub that is wrong, not each single item
RENEWAL_AGAIN_S: Final = 3600.0  # a hub that does not renew today is asked again in an hour
COUNT_AGAIN_S: Final = 1.0  # counting a million rows takes a while: not after every batch
READ_AHEAD_IN_A_ROW: Final = 20  # batches; then what was passed over on the way has its turn
RAN_OUT: Final = "certificate_expired"  # the hub's word: only renewal and delivery are left
# Refusals of a whole request that one bad item in it can cause.
ITEM_STATUSES: Final = frozenset({400, 409, 413, 422})


# -- pure: what an answer means ----------------------------------------------------


class VerdictKind(StrEnum):
    ACCEPTED = "accepted"
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

    An answer counts only with the item's id and the hash of its sealed bytes. Answers on other
    items are ignored; two that differ on the same item are none.
    """
    by_id: dict[str, list[Answer]] = {}
    for answer in answers:
        by_id.setdefault(answer.id, []).append(answer)
    return tuple(_verdict(item, by_id.get(item.id, [])) for item in items)


def _verdict(item: Item, answers: list[Answer]) -> Verdict:
    if not answers or answers.count(answers[0]) != len(answers):
        return Verdict(item, VerdictKind.NO_ANSWER)
    answer = answers[0]
    if answer.sha256 != item.sha256:
        return Verdict(item, VerdictKind.NO_ANSWER)
    match answer.result:
        case "accepted" | "duplicate":
            return Verdict(item, VerdictKind.ACCEPTED, answer.result)
        case "incomplete":
            ours = tuple(name for name in answer.missing if name in item.attachments)
            kind = VerdictKind.MISSING if ours else VerdictKind.NO_ANSWER
            return Verdict(item, kind, answer.result, ours)
        case "conflict" | "refused":
            code = answer.code or answer.result
            return Verdict(item, VerdictKind.TRAY, answer.result, (), code, answer.text)
        case _:
            return Verdict(item, VerdictKind.NO_ANSWER)


Reply = BatchAnswer | Failure

# -- with the wire and the store ---------------------------------------------------


class Queue(Protocol):
    """The sender's side of the outbox."""

    @property
    def epoch(self) -> str:
        """The one that is written to now. Rows of an older one, salvaged, may wait as well."""
        ...

    def next_batch(
        self, *, max_items: int, max_bytes: int, not_now: Collection[str], after_row: int = 0
    ) -> tuple[Item, ...] | StoreFault:
        """The oldest that may go, all of one epoch: of each order key only the first that waits.

        What follows an item of `not_now` (ids) is held back with it; only rows after `after_row`.
        At least one is given, however large, when any may go.
        """
        ...

    def last_row(self) -> int | StoreFault:
        """The newest item's row; 0 when there is none."""
        ...

    def last_seq(self, epoch: str) -> int | StoreFault: ...

    def sending(self, rows: Collection[int]) -> StoreFault | None:
        """These went over the line, and nothing came back; they wait all the same."""
        ...

    def accepted(
        self,
        rows: Collection[int],
        unanswered: Collection[int] = (),
        *,
        more_follow: bool = False,
    ) -> StoreFault | None:
        """The hub holds these; they are kept some days longer. `unanswered` were sent in vain.

        `more_follow`: the disk need not be waited for, a call without it comes soon.
        """
        ...

    def refused(self, row: int, code: str, reason: str) -> StoreFault | None:
        """Into the tray, with the hub's words, until somebody deals with it."""
        ...

    def note_stopped(self, reason: str) -> StoreFault | None:
        """Why nothing is sent until somebody comes, for who asks then; empty: it is sent again."""
        ...

    def verdicts_seen(self) -> int | StoreFault:
        """The highest number of the hub's late verdicts that is kept here; 0 at first."""
        ...

    def keep_verdicts(
        self, verdicts: Sequence[LateVerdict]
    ) -> tuple[tuple[str, LateVerdict], ...] | StoreFault:
        """Into the tray with what the hub could not take after all, and out of it with what it then
        could; what was moved, by its kind.

        When this returns they are kept, and `verdicts_seen` has risen with them. One on an item
        that is not here, or was settled by hand, moves nothing.
        """
        ...

    def resend(self, epoch: str, first: int, last: int) -> int | StoreFault:
        """What the hub no longer holds goes again, as far as it is kept; how many."""
        ...

    def begin_anew(self, ahead: int) -> StoreFault:
        """This store is an old copy of itself, so many items behind: nothing more goes into it. What
        to answer then."""
        ...

    def waiting(self) -> Waiting | StoreFault: ...


class Hub(UploadHub, Protocol):
    """The calls of `HubClient` that sending needs."""

    def use(self, identity: Identity, key: DeviceKey) -> None: ...

    def contact(self, epoch: str, last_seq: int, verdicts_seen: int) -> Contact | Failure: ...

    def renew(self, request: str) -> Renewed | Failure: ...

    def batch(
        self,
        epoch: str,
        last_seq: int,
        items: Sequence[Item],
        verdicts_seen: int,
        meanwhile: Callable[[], None] | None = None,
    ) -> BatchAnswer | Failure:
        """`meanwhile` is done while the hub works, on the same thread; not if it was not reached."""
        ...


class Enrolment(Protocol):
    """What this terminal has of the hub, kept on the disk."""

    def read(self) -> Identity | StoreFault:
        """Anew each time: it may come, or be renewed, at any moment."""
        ...

    def write(self, identity: Identity) -> StoreFault | None: ...

    def keep_seal_keys(self, terminal: str, told: object) -> StoreFault | None:
        """The keys to seal to, as the hub told them; what makes no sense is not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """The line as people are told of it. `reason` is a word for staff, empty when online.

    `alarm`: the hub will not know this terminal, or is not our hub: somebody must come.
    `clock_off_s`: what to add to the machine's clock to have the hub's, 0 while it is right.
    """

    online: bool
    last_contact: datetime | None
    waiting: int
    oldest_at: datetime | None = None
    refused: int = 0
    reason: str = ""
    alarm: bool = False
    clock_off_s: float = 0.0


@dataclass(slots=True)
class _Awaiting:
    """An item whose attachments are on their way."""

    item: Item
    missing: list[str]
    rounds: int


@dataclass(frozen=True, slots=True)
class Pace:
    """The settings of the line. `spread_s`: the window if the hub does not say one."""

    idle_poll_s: float
    last_retry_s: float
    spread_s: float


class SyncEngine:
    """One thread calls `step` again and again; any thread may call `wake`, `pause`, `resume`."""

    def __init__(
        self,
        *,
        queue: Queue,
        blobs: SealedBlobs,
        hub: Hub,
        enrolment: Enrolment,
        key: DeviceKey,
        times: HubTime,
        clock: Clock,
        log: Log,
        uniform: Uniform,
        pace: Pace,
        on_line: Callable[[Line], None],
        on_delivered: Callable[[str, str], None],
    ) -> None:
        """`on_line` is called when the line's state or what waits has changed, `on_delivered` with
        order key and kind of an application, or of papers handed in after it, that the hub
        acknowledged; both on the stepping thread.
        """
        self._queue = queue
        self._hub = hub
        self._uploads = Uploads(hub, blobs, clock)
        self._enrolment = enrolment
        self._key = key
        self._times = times
        self._clock = clock
        self._log = log
        self._pace = pace
        self._pacer = Pacer(uniform, pace.idle_poll_s, pace.last_retry_s)
        self._delays = ItemDelays(uniform, pace.last_retry_s)
        self._on_line = on_line
        self._on_delivered = on_delivered
        self._identity: Identity | None = None
        self._renew_at = float("-inf")
        self._ran_out = False  # so the hub says, whatever we think of the dates
        self._first = True  # ask before the first batch: the hub says how wide to spread
        self._spread_next = not times.same_boot
        self._spread_until = float("-inf")
        self._backlog_row = 0  # what waited when the spread began
        self._ahead: tuple[Item, ...] = ()  # read while the batch before them was under way
        self._ahead_in_a_row = 0
        # What the hub took, to be settled and marked while the batch that was read ahead is under
        # way: its verdicts, then the rows that it has and those that it said nothing of. Who ends
        # before that sends them once more: duplicates.
        self._unsettled: tuple[Verdict, ...] = ()
        self._unmarked: tuple[list[int], list[int]] | None = None
        self._awaiting: dict[str, _Awaiting] = {}
        self._rounds: dict[str, int] = {}
        self._online = False
        self._reason = "starting"
        self._last_contact: datetime | None = None
        self._told: Line | None = None
        self._counted: Waiting | None = None
        self._counted_at = float("-inf")
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

    @property
    def paused(self) -> bool:
        """Whether a citizen seals just now: whatever can wait should."""
        return self._paused_until > self._clock.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait for the next step, or until woken."""
        self._woken.wait(seconds)

    # -- on the stepping thread ------------------------------------------------------

    def step(self) -> float | StoreFault:
        """Do what may be done now; seconds until the next step, or why the store is no use."""
        if self._woken.is_set():
            self._woken.clear()
            self._pacer.hurry()
            self._counted = None
        now = self._clock.monotonic()
        if self._paused_until > now:
            return self._paused_until - now
        if self._pacer.stopped and self._enrolment.read() != self._identity:
            self._pacer.hurry()  # enrolled anew
        if (wait_s := self._pacer.wait_s(now)) > 0:
            return self._told_and(
                min(wait_s, NOT_ENROLLED_LOOK_S) if self._pacer.stopped else wait_s
            )
        if not self._enrolled():
            return self._told_and(NOT_ENROLLED_LOOK_S)
        self._renew()
        if self._pacer.probe_first or self._first:
            failed = self._probe()
            if isinstance(failed, StoreFault):
                return failed
            if not self._online:
                return self._told_and(self._pacer.wait_s(self._clock.monotonic()))
        now = self._clock.monotonic()
        if len(self._awaiting) < AWAITING_MOST:
            items = self._next_batch(now)
            if isinstance(items, StoreFault):
                return items
            if items:
                failed = self._send(items)
                if failed is not None:
                    return failed
                return self._told_and(self._pacer.wait_s(self._clock.monotonic()))
        if self._awaiting:
            failed = self._upload()
            if failed is not None:
                return failed
            return self._told_and(self._pacer.wait_s(self._clock.monotonic()))
        if self._pacer.poll_s(now) <= 0:
            failed = self._probe()
            if isinstance(failed, StoreFault):
                return failed
        now = self._clock.monotonic()
        pauses = [self._pacer.poll_s(now), self._delays.next_s(now)]
        if self._backlog_row:
            pauses.append(max(0.0, self._spread_until - now))
        return self._told_and(min(pauses))

    @property
    def line(self) -> Line | StoreFault:
        """The line as it is now."""
        now = self._clock.monotonic()
        if self._counted is None or now - self._counted_at >= COUNT_AGAIN_S:
            if (failed := self._mark()) is not None:
                return failed
            waiting = self._queue.waiting()
            if isinstance(waiting, StoreFault):
                return waiting
            self._counted, self._counted_at = waiting, now
        return Line(
            self._online,
            self._last_contact,
            self._counted.count,
            self._counted.oldest_at,
            self._counted.refused,
            self._reason,
            alarm=self._pacer.stopped,
            clock_off_s=round(self._times.offset_s()),
        )

    # -- who and when ------------------------------------------------------------

    def _enrolled(self) -> bool:
        """Read the certificate anew; without one there is nobody to talk to."""
        found = self._enrolment.read()
        if isinstance(found, StoreFault):
            self._identity = None
            self._online = False
            not_there = found.code is StoreFaultCode.NOT_FOUND
            self._reason = "not_enrolled" if not_there else f"enrolment_{found.code}"
            return False
        if found != self._identity:
            self._identity = found
            self._hub.use(found, self._key)
        return True

    def _renew(self) -> None:
        """Ask for a new certificate when a third of its life is over. A failure costs nothing."""
        identity, now = self._identity, self._clock.monotonic()
        if identity is None or now < self._renew_at:
            return
        if not self._ran_out and not renewal_due(identity, self._times.now()):
            return
        self._renew_at = now + (STOPPED_LOOK_S if self._ran_out else RENEWAL_AGAIN_S)
        answer = self._hub.renew(self._key.request())
        if isinstance(answer, Failure):
            self._log("certificate_not_renewed", reason=str(answer))
            return
        renewed = replace(identity, certificate=answer.certificate, ca=answer.ca)
        if not fits(renewed, self._key):
            self._log("certificate_not_renewed", reason="not_for_this_key")
            return
        failed = self._enrolment.write(renewed)
        if failed is None:
            self._ran_out = False
            self._identity = renewed
            self._hub.use(renewed, self._key)
            self._log("certificate_renewed")
        else:
            self._log("certificate_not_renewed", reason=str(failed.code))

    def _probe(self) -> StoreFault | None:
        """Ask for contact; learn the time, the keys to seal to and what the hub misses."""
        waiting = self._queue.waiting()
        if isinstance(waiting, StoreFault):
            return waiting
        seen = self._queue.verdicts_seen()
        if isinstance(seen, StoreFault):
            return seen
        was_open = self._pacer.open
        answer = self._hub.contact(self._queue.epoch, waiting.last_seq, seen)
        if isinstance(answer, Failure):
            if answer.kind is not FailureKind.UNAUTHORISED or answer.code != RAN_OUT:
                # A hub that is there and only stumbles over this question may yet take a batch.
                self._first = self._first and answer.kind is not FailureKind.SERVER_ERROR
                self._line_failed(answer)
                return None
            # It knows us, and takes what waits; only a new certificate gets more than that.
            if not self._ran_out:
                self._ran_out, self._renew_at = True, float("-inf")
            self._first = False
            self._pacer.contact(self._clock.monotonic())
            self._reached()
            return None
        self._pacer.contact(self._clock.monotonic())
        self._reached()
        if answer.seal_keys is not None:
            failed = self._enrolment.keep_seal_keys(answer.terminal, answer.seal_keys)
            if failed is not None:
                self._log("store_fault", fault=str(failed.code), detail=failed.detail)
        if was_open or (self._first and self._spread_next):
            failed = self._spread(answer)
            if failed is not None:
                return failed
        self._first = False
        failed = self._old_copy(answer)
        failed = failed if failed is not None else self._keep_verdicts(answer.verdicts)
        return failed if failed is not None else self._put_back(self._queue.epoch, answer.resend)

    def _old_copy(self, answer: Contact) -> StoreFault | None:
        """The hub has items of this queue that are not here: whoever put an older copy of the store
        back would give their places to others, which the hub must refuse."""
        if not answer.top_seq:
            return None
        here = self._queue.last_seq(self._queue.epoch)  # by now: who sends is not always alone
        if isinstance(here, StoreFault):
            return here
        if answer.top_seq <= here:
            return None
        self._log("store_from_old_copy", here=here, hub=answer.top_seq)
        return self._queue.begin_anew(answer.top_seq - here)

    def _spread(self, answer: Contact) -> StoreFault | None:
        """What piled up does not go at the moment in which everybody's does."""
        newest = self._queue.last_row()
        if isinstance(newest, StoreFault):
            return newest
        self._spread_next = False
        self._backlog_row = newest
        said = self._pace.spread_s if answer.spread_s is None else answer.spread_s
        window = min(said, self._pace.spread_s)
        self._spread_until = self._clock.monotonic() + spread_s(answer.terminal, window)
        return None

    def _put_back(self, epoch: str, ranges: Sequence[tuple[int, int]]) -> StoreFault | None:
        """The hub was restored from a copy: what it lost and we still keep goes again."""
        for first, last in ranges:
            put = self._queue.resend(epoch, first, last)
            if isinstance(put, StoreFault):
                return put
            if put:
                self._counted = None
                self._log("items_resent", first=first, last=last, items=put)
        return None

    # -- batches -------------------------------------------------------------------

    def _next_batch(self, now: float, most: int | None = None) -> tuple[Item, ...] | StoreFault:
        # While the spread lasts only what came after it began goes; that is nobody's storm.
        if now >= self._spread_until:
            self._backlog_row = 0
        after = self._backlog_row
        not_now = {*self._delays.not_now(now), *self._awaiting}
        ahead, self._ahead = self._ahead, ()
        if most is None and ahead and self._may_go(ahead, after, not_now):
            self._ahead_in_a_row += 1
            return ahead
        self._ahead_in_a_row = 0
        if (failed := self._mark()) is not None:
            return failed
        return self._queue.next_batch(
            max_items=self._pacer.batch_items if most is None else most,
            max_bytes=self._pacer.batch_bytes,
            not_now=not_now,
            after_row=after,
        )

    def _may_go(self, ahead: tuple[Item, ...], after: int, not_now: Collection[str]) -> bool:
        """Whether what was read before the last answer came is still what should go next."""
        return (
            len(ahead) <= self._pacer.batch_items
            and sum(item.wire_bytes for item in ahead) <= self._pacer.batch_bytes
            and ahead[0].row > after
            and not any(item.id in not_now for item in ahead)
        )

    def _exchanged(
        self, epoch: str, last_seq: int, items: Sequence[Item], seen: int
    ) -> Reply | StoreFault:
        """Send one batch; while the hub works, the one before is marked and the one after read.

        What is in this batch still waits as the other is read, so that nothing of the same order is
        in both, whatever the answer will be.
        """
        if len(items) < self._pacer.batch_items or self._ahead_in_a_row >= READ_AHEAD_IN_A_ROW:
            failed = self._mark()
            return self._hub.batch(epoch, last_seq, items, seen) if failed is None else failed
        found: list[tuple[Item, ...] | StoreFault] = []
        bugs: list[Exception] = []  # of ours: the client must not take one for the line's

        def at_the_disk() -> None:
            try:
                marked = self._mark(more_follow=True)
                found.append(marked or self._read_after(items[-1].row))
            except Exception as bug:  # noqa: BLE001 - raised again
                bugs.append(bug)

        answer = self._hub.batch(epoch, last_seq, items, seen, at_the_disk)
        for bug in bugs:
            raise bug
        if not found and (failed := self._mark()) is not None:  # the hub was not reached
            return failed
        for ahead in found:
            if isinstance(ahead, StoreFault):
                return ahead  # what the hub said now, it says again
            if not isinstance(answer, Failure):
                self._ahead = ahead
        return answer

    def _read_after(self, row: int) -> tuple[Item, ...] | StoreFault:
        return self._queue.next_batch(
            max_items=self._pacer.batch_items,
            max_bytes=self._pacer.batch_bytes,
            not_now={*self._delays.not_now(self._clock.monotonic()), *self._awaiting},
            after_row=row,
        )

    def _mark(self, *, more_follow: bool = False) -> StoreFault | None:
        """Settle, and note on the disk, what the hub has said of the batch before.

        While the next is under way the disk is not waited for: it is the citizens', and the hub's
        where both are one machine. Before the line is told of, every second, it is.
        """
        unsettled, self._unsettled = self._unsettled, ()
        failed = self._settle(unsettled)
        if failed is not None:
            return failed
        unmarked, self._unmarked = self._unmarked, None
        if unmarked is None:
            return None
        return self._queue.accepted(*unmarked, more_follow=more_follow)

    def _send(self, items: Sequence[Item]) -> StoreFault | None:
        """Send one batch and settle what was answered; halves it when it is refused as a whole."""
        began = self._clock.monotonic()
        epoch = items[0].epoch
        last_seq = self._queue.last_seq(epoch)
        if isinstance(last_seq, StoreFault):
            return last_seq
        seen = self._queue.verdicts_seen()
        if isinstance(seen, StoreFault):
            return seen
        answer = self._exchanged(epoch, last_seq, items, seen)
        if isinstance(answer, StoreFault):
            return answer
        if isinstance(answer, Failure):
            failed = self._queue.sending([item.row for item in items])
            if failed is not None:
                return failed
            if answer.kind is FailureKind.BAD_REQUEST and answer.status in ITEM_STATUSES:
                return self._isolate(items, answer)
            self._batch_failed(items, answer)
            return None
        self._lone_refusals = 0
        now = self._clock.monotonic()
        self._pacer.sent(now, sum(item.wire_bytes for item in items), now - began)
        self._reached()
        self._unsettled = judge(items, answer.answers)
        accepted = sum(it.kind is VerdictKind.ACCEPTED for it in self._unsettled)
        if accepted and self._counted is not None:
            left = max(0, self._counted.count - accepted)
            self._counted = replace(self._counted, count=left) if left else None
        failed = None
        plain = accepted == len(items) and not answer.verdicts and not answer.resend
        if not self._ahead or not plain:
            failed = self._mark()
        failed = failed if failed is not None else self._keep_verdicts(answer.verdicts)
        return failed if failed is not None else self._put_back(epoch, answer.resend)

    def _settle(self, verdicts: Sequence[Verdict]) -> StoreFault | None:
        accepted = [it for it in verdicts if it.kind is VerdictKind.ACCEPTED]
        waiting = [
            it.item.row
            for it in verdicts
            if it.kind in (VerdictKind.MISSING, VerdictKind.NO_ANSWER)
        ]
        if accepted or waiting:
            self._unmarked = ([it.item.row for it in accepted], waiting)
        for verdict in accepted:
            self._forget(verdict.item)
            self._log(
                "item_delivered",
                kind=verdict.item.kind,
                seq=verdict.item.seq,
                result=verdict.result,
            )
            if verdict.item.kind in WAITED_FOR:
                self._on_delivered(verdict.item.order_key, verdict.item.kind)
        for verdict in verdicts:
            match verdict.kind:
                case VerdictKind.ACCEPTED:
                    pass
                case VerdictKind.NO_ANSWER:
                    self._delays.put_off(verdict.item.id, self._clock.monotonic())
                case VerdictKind.TRAY:
                    failed = self._into_tray(verdict.item, verdict.code, verdict.text)
                    if failed is not None:
                        return failed
                case VerdictKind.MISSING:
                    self._await(verdict)
                case _:
                    assert_never(verdict.kind)
        return None

    def _keep_verdicts(self, verdicts: Sequence[LateVerdict]) -> StoreFault | None:
        """What the hub took and could not open lies in the tray, as if it had said so at once; what
        it could open then lies there no more."""
        if not verdicts:
            return None
        moved = self._queue.keep_verdicts(verdicts)
        if isinstance(moved, StoreFault):
            return moved
        for kind, each in moved:
            self._counted = None
            self._delays.settled(each.id)
            self._awaiting.pop(each.id, None)
            self._rounds.pop(each.id, None)
            if each.taken:
                self._log("item_delivered", kind=kind, seq=each.seq, result="accepted")
            else:
                self._log("item_refused", kind=kind, seq=each.seq, code=each.code)
        return None

    def _isolate(self, items: Sequence[Item], failure: Failure) -> StoreFault | None:
        """The whole batch was refused: find the one that is to blame."""
        self._reached()
        if len(items) > 1:
            middle = len(items) // 2
            for half in (items[:middle], items[middle:]):
                if not self._online or self._paused_until > self._clock.monotonic():
                    return None  # the rest waits as it did
                failed = self._send(half)
                if failed is not None:
                    return failed
            return None
        self._lone_refusals += 1
        if self._lone_refusals > LONE_REFUSALS_IN_A_ROW:
            self._batch_failed(items, failure)
            return None
        return self._into_tray(items[0], failure.code, "the hub refused the request")

    def _into_tray(self, item: Item, code: str, reason: str) -> StoreFault | None:
        failed = self._queue.refused(item.row, code, reason)
        if failed is None:
            self._forget(item)
            self._counted = None
            self._log("item_refused", kind=item.kind, seq=item.seq, code=code)
        return failed

    def _forget(self, item: Item) -> None:
        self._delays.settled(item.id)
        self._awaiting.pop(item.id, None)
        self._rounds.pop(item.id, None)

    def _batch_failed(self, items: Sequence[Item], failure: Failure) -> None:
        self._line_failed(failure)
        if len(items) > 1 or failure.kind in (
            FailureKind.UNREACHABLE,
            FailureKind.UNTRUSTED,
            FailureKind.UNAUTHORISED,
            FailureKind.TOO_MANY,
        ):
            return
        # It may be this item that the hub stumbles over: when the pause is over, let others go
        # before it, if there are any.
        now = self._clock.monotonic()
        passed_over = {*self._delays.not_now(now), *self._awaiting, items[0].id}
        others = self._queue.next_batch(max_items=1, max_bytes=1, not_now=passed_over)
        if others and not isinstance(others, StoreFault):
            self._delays.put_off(items[0].id, now + self._pacer.wait_s(now))

    # -- attachments -----------------------------------------------------------------

    def _await(self, verdict: Verdict) -> None:
        """The item goes again when what the hub misses of it is there."""
        item = verdict.item
        rounds = self._rounds[item.id] = self._rounds.get(item.id, 0) + 1
        if rounds > ROUNDS_OF_ATTACHMENTS:  # it takes them and misses them still
            self._delays.put_off(item.id, self._clock.monotonic())
        self._awaiting[item.id] = _Awaiting(item, list(verdict.missing), rounds)

    def _upload(self) -> StoreFault | None:
        """A turn of sending attachments, the oldest item's first."""
        until = self._clock.monotonic() + UPLOAD_TURN_S

        def go_on() -> bool:
            now = self._clock.monotonic()
            return now < until and not self._woken.is_set() and self._paused_until <= now

        for awaiting in list(self._awaiting.values()):
            while awaiting.missing:
                sha256 = awaiting.missing[0]
                result = self._uploads.send(sha256, go_on)
                if result is Upload.PARTLY:
                    self._arrived_some()
                    return None
                if isinstance(result, StoreFault):
                    return self._lost_here(awaiting.item, result)
                if isinstance(result, Failure):
                    return self._upload_failed(awaiting.item, result)
                self._arrived_some()
                for other in self._awaiting.values():
                    if sha256 in other.missing:
                        other.missing.remove(sha256)
            del self._awaiting[awaiting.item.id]
            if not go_on():
                return None
        return None

    def _arrived_some(self) -> None:
        self._pacer.contact(self._clock.monotonic())
        self._reached()

    def _lost_here(self, item: Item, fault: StoreFault) -> StoreFault | None:
        if fault.code in (StoreFaultCode.NOT_FOUND, StoreFaultCode.DAMAGED):
            # It can never be sent: staff must see it, and the paper may be asked for again.
            return self._into_tray(item, f"attachment_{fault.code}", fault.detail)
        return fault

    def _upload_failed(self, item: Item, failure: Failure) -> StoreFault | None:
        if failure.kind is FailureKind.BAD_REQUEST and failure.status == 413:
            return self._into_tray(item, failure.code, "attachment too large")
        if failure.kind is FailureKind.BAD_REQUEST or failure.code in ("offset", "offsets"):
            # The hub speaks, but not of this one: others first.
            self._awaiting.pop(item.id, None)
            self._delays.put_off(item.id, self._clock.monotonic())
            return None
        self._line_failed(failure)
        return None

    # -- the line as it is told ---------------------------------------------------------

    def _line_failed(self, failure: Failure) -> None:
        self._pacer.failed(failure, self._clock.monotonic())
        self._online = False
        self._reason = str(failure)

    def _reached(self) -> None:
        self._online = True
        self._reason = ""
        self._last_contact = self._times.now().replace(microsecond=0)

    def _told_and(self, wait_s: float) -> float | StoreFault:
        """Tell of a change, then wait."""
        line = self.line
        if isinstance(line, StoreFault):
            return line
        if line != self._told:
            told = self._told
            if told is None or (line.online, line.alarm) != (told.online, told.alarm):
                self._log(
                    "line_changed", online=line.online, waiting=line.waiting, reason=line.reason
                )
            if line.alarm and not (told and told.alarm):
                self._log("line_stopped", reason=line.reason)
            if line.alarm or line.online:
                failed = self._queue.note_stopped(line.reason if line.alarm else "")
                if failed is not None:
                    return failed
            if bool(line.clock_off_s) != bool(told and told.clock_off_s):
                self._log("clock_off", seconds=line.clock_off_s)
            self._told = line
            self._on_line(line)
        return wait_s


WAITED_FOR: Final = ("application", "later_papers")  # the kinds of items that a citizen waits for
