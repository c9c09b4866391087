"""The world around a driver under test: time that passes when told, a host that records."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from drivers.device import Fault, FaultCode, Status, StatusChanged
from drivers.transport import STREAMS_ONLY, MemoryTransport, Ports, Transport


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return datetime(2026, 11, 22, 4, 0, tzinfo=UTC) + timedelta(seconds=self.now - 1000.0)

    def advance(self, seconds: float) -> None:
        self.now += seconds


class RecordingLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, /, **fields: str | float | bool | None) -> None:
        self.lines.append((event, dict(fields)))

    def of(self, event: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.lines if name == event]


class FakeHost:
    """What a worker is to its driver, without a thread."""

    def __init__(self, wire: Callable[[], Transport | Fault], clock: FakeClock) -> None:
        self._wire = wire
        self.clock = clock
        self.posted: list[object] = []
        self.reports: list[tuple[Status, str]] = []
        self.stop: Fault | None = None
        self.stop_at = float("inf")
        self.opened: list[str] = []
        self.woken_by: Callable[[], None] | None = None

    def open(self, url: str, ports: Ports = STREAMS_ONLY) -> Transport | Fault:
        self.opened.append(url)
        return self._wire()

    def wake_by(self, wake: Callable[[], None] | None) -> None:
        self.woken_by = wake

    def post(self, event: object) -> None:
        self.posted.append(event)

    def report(self, status: Status, reason: str = "") -> None:
        self.reports.append((status, reason))

    def interruption(self) -> Fault | None:
        if self.clock.now >= self.stop_at:
            return Fault(FaultCode.CANCELLED)
        return self.stop

    def pause(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.posted]


def memory_host(
    handler: Callable[[bytes], bytes | Fault],
) -> tuple[FakeHost, MemoryTransport, FakeClock]:
    clock = FakeClock()
    wire = MemoryTransport(handler, clock.advance)
    return FakeHost(lambda: wire, clock), wire, clock


class Posts:
    """A mailbox whose reader waits, for tests with a worker's thread. 10 s is for a hung test."""

    def __init__(self) -> None:
        self._queue: queue.Queue[object] = queue.Queue()
        self.all: list[object] = []

    def __call__(self, event: object) -> None:
        self.all.append(event)
        self._queue.put(event)

    def next(self) -> object:
        return self._queue.get(timeout=10)

    def until(self, wanted: Callable[[object], bool]) -> object:
        while not wanted(event := self.next()):
            pass
        return event

    def until_status(self, status: Status) -> StatusChanged:
        event = self.until(lambda e: isinstance(e, StatusChanged) and e.status is status)
        assert isinstance(event, StatusChanged)
        return event

    def statuses(self) -> list[Status]:
        return [event.status for event in self.all if isinstance(event, StatusChanged)]


class SteppedWaiter:
    """Waits of a worker's thread in fake time: each passes when the test has allowed it.

    A wake ends the wait it falls into without time passing, as in reality.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._signal = threading.Condition()
        self._allowed = 0
        self._woken = False
        self._waiting = False
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        with self._signal:
            self.waits.append(seconds)
            self._waiting = True
            self._signal.notify_all()
            self._signal.wait_for(lambda: self._allowed > 0 or self._woken)
            self._waiting = False
            if self._woken:
                self._woken = False
            else:
                self._allowed -= 1
                self._clock.advance(seconds)

    def wake(self) -> None:
        with self._signal:
            self._woken = True
            self._signal.notify_all()

    def until_waiting(self, count: int) -> None:
        """Until the thread has begun its `count`th wait."""
        with self._signal:
            assert self._signal.wait_for(lambda: len(self.waits) >= count, timeout=10)

    def let_pass(self, count: int = 1) -> None:
        """Let `count` waits run out."""
        with self._signal:
            self._allowed += count
            self._signal.notify_all()
