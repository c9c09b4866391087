"""One owned, named thread for each device: connect, identify, run, recover, stop.

Everything that touches a device happens on its worker's thread. Whoever wants something of a
device calls `DeviceWorker.submit` and never waits; what the device has to say is posted. A cable,
a power switch or a bug in a driver cannot end the thread: only `stop` does.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from drivers.arrivals import Arrivals, NoArrivals
from drivers.device import (
    Clock,
    DeviceClass,
    Fault,
    FaultCode,
    Identity,
    Log,
    Post,
    Settled,
    Status,
    StatusChanged,
)
from drivers.settling import Settling
from drivers.transport import STREAMS_ONLY, OpenWire, Ports, Transport, open_transport

BACK_OFF_FIRST_S: Final = 1.0  # a cable pushed back in is found at once
BACK_OFF_LAST_S: Final = 30.0  # a device that is away for the night costs nothing
WANTED_RETRY_S: Final = 2.0  # somebody stands before the terminal and waits
STEADY_S: Final = 10.0  # after this long at work, the next loss starts the back-off anew
STOP_LIMIT_S: Final = 5.0  # longer than any single wait of a driver
COMMAND_LIMIT_S: Final = 60.0  # nothing a citizen waits for takes longer
CLOCK_STEP_S: Final = 0.001  # a wait may end a rounding short of its time
MAX_QUEUE: Final = 100  # a session sends a handful; more means that nobody takes them

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Down:
    """A driver's word that its device cannot be worked with now; the worker tries again later.

    `reason` is for staff, stays the same while the cause does, and holds nothing personal.
    `fault` is what a command is answered that found it out; none: DEVICE_LOST.
    """

    status: Status
    reason: str
    fault: Fault | None = None


def not_opened(fault: Fault) -> Down:
    """A wire that does not open may do so later; one that is written wrong in the settings may not."""
    bad = fault.code is FaultCode.BAD_INPUT
    return Down(Status.BROKEN if bad else Status.DISCONNECTED, fault.detail)


class Host(Protocol):
    """What a driver may ask of the worker that runs it. Only from the worker's own thread."""

    @property
    def clock(self) -> Clock: ...

    def open(self, url: str, ports: Ports = STREAMS_ONLY) -> Transport | Fault:
        """Open a wire. The worker ends its reads when something else is to be done.

        `ports`: how this kind of device speaks over USB pipes or HID reports, where it can.
        """
        ...

    def wake_by(self, wake: Callable[[], None] | None) -> None:
        """Name what ends a wait of the driver that is on no wire of `open`; None: nothing does.

        `wake` is called from any thread and must not wait. Forgotten when the connection ends.
        """
        ...

    def post(self, event: object) -> None: ...

    def report(self, status: Status, reason: str = "") -> None:
        """Say what the device is now; told on only when it differs from what was said last."""
        ...

    def interruption(self) -> Fault | None:
        """Why the work at hand must end now: cancelled, out of time, or the terminal stops."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait; ends early when a command comes or the terminal stops."""
        ...


class Driver(Protocol[C_contra]):
    """One make of device. The worker calls every method on one thread."""

    @property
    def device(self) -> DeviceClass: ...

    @property
    def url(self) -> str:
        """Where it is; "" when this terminal is not meant to have one."""
        ...

    def connect(self, host: Host) -> Identity | Down:
        """Open the wire and let the device say what it is."""
        ...

    def run(self, host: Host) -> Down | None:
        """One turn of what the device does by itself: listen, poll. Waits on the wire."""
        ...

    def handle(self, command: C_contra, host: Host) -> object | Fault | Down:
        """Carry one command out, within `host.interruption`, and post what it brings."""
        ...

    def decline(self, command: C_contra, fault: Fault, host: Host) -> object | Fault:
        """The command cannot be carried out: keep the wish for later, or answer the fault."""
        ...

    def disconnect(self) -> None:
        """Close the wire. Called also when nothing is open."""
        ...


class Ticket:
    """The answer to one command, when it comes: a value or a Fault."""

    def __init__(self, deadline: float, limit_s: float, wake: Callable[[], None]) -> None:
        self._deadline = deadline
        self._limit_s = limit_s
        self._wake = wake
        self._answered = threading.Event()
        self._cancelled = False
        self._answer: object = None

    @property
    def done(self) -> bool:
        return self._answered.is_set()

    @property
    def deadline(self) -> float:
        """In seconds of the worker's monotonic clock."""
        return self._deadline

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Ask for it to end; the answer is still given, usually Fault(CANCELLED)."""
        self._cancelled = True
        self._wake()

    def result(self, wait_s: float | None = None) -> object | Fault:
        """The answer, waiting for it. Never from the window's thread."""
        if self._answered.wait(self._limit_s + STOP_LIMIT_S if wait_s is None else wait_s):
            return self._answer
        return Fault(FaultCode.TIMED_OUT, "no answer from the worker")

    def answer(self, value: object) -> None:
        """For the worker: the first answer stands."""
        if not self._answered.is_set():
            self._answer = value
            self._answered.set()


class Waiter(Protocol):
    """How the worker's thread waits; replaced in tests together with the clock."""

    def wait(self, seconds: float) -> None:
        """Until `wake`, at most `seconds`."""
        ...

    def wake(self) -> None: ...


class EventWaiter:
    """Waits in real time."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wait(self, seconds: float) -> None:
        self._event.wait(seconds)
        self._event.clear()

    def wake(self) -> None:
        self._event.set()


class DeviceWorker(Generic[C]):
    """Owns one device. `start`, `submit`, `wanted`, `stop`: from any thread, none of them waits
    for the device but `stop`, and that for at most `wait_s`.
    """

    def __init__(
        self,
        driver: Driver[C],
        post: Post,
        clock: Clock,
        log: Log,
        *,
        open_wire: OpenWire = open_transport,
        waiter: Waiter | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        """`arrivals` says when a device's file appears; one for all workers of a process."""
        self._driver = driver
        self._post = post
        self._clock = clock
        self._log = log
        self._open_wire = open_wire
        self._waiter = waiter if waiter is not None else EventWaiter()
        self._arrivals: Arrivals = arrivals if arrivals is not None else NoArrivals()
        self._settling = Settling(clock)
        self._lock = threading.Lock()
        self._queue: deque[tuple[C, Ticket]] = deque()
        self._wire: Transport | None = None
        self._wake_by: Callable[[], None] | None = None
        self._thread: threading.Thread | None = None
        self._stop_asked = threading.Event()
        self._closed = False
        self._wanted = False
        self._hurry = False  # `wanted` was said during a rest: try at once
        self._arrived = False  # the device's file appeared since it was last tried
        self._identity: Identity | None = None
        self._current: Ticket | None = None
        self._status = Status.NOT_INSTALLED if not driver.url else Status.STARTING
        self._reason = ""
        self._told = False
        self._reported = False  # the driver said something itself since it was asked to connect
        self._host = _WorkerHost(self)

    # -- for everybody --------------------------------------------------------

    @property
    def device(self) -> DeviceClass:
        return self._driver.device

    @property
    def status(self) -> Status:
        return self._status

    @property
    def reason(self) -> str:
        """Why it is what it is, for staff."""
        return self._reason

    @property
    def settled(self) -> Settled | None:
        """What has stood for a while: this is what the centre is told, and what the log holds."""
        return self._settling.told

    @property
    def identity(self) -> Identity | None:
        """What the device said of itself when it last connected, and what it can do."""
        return self._identity

    def start(self) -> None:
        """Begin. With an empty URL no thread is needed: the device is not installed."""
        self._report(self._status, "")
        if not self._driver.url:
            self._settle(now=True)
            return
        self._thread = threading.Thread(
            target=self._live, name=f"device-{self._driver.device}", daemon=True
        )
        self._thread.start()

    def submit(self, command: C, limit_s: float = COMMAND_LIMIT_S) -> Ticket:
        """Queue a command. Its answer comes by the ticket and, where it has one, as an event."""
        ticket = Ticket(self._clock.monotonic() + limit_s, limit_s, self._wake)
        fault: Fault | None = None
        with self._lock:
            if not self._driver.url:
                fault = Fault(FaultCode.NOT_INSTALLED)
            elif self._thread is None or self._closed:
                fault = Fault(FaultCode.CANCELLED, "not running")
            elif len(self._queue) >= MAX_QUEUE:
                fault = Fault(FaultCode.BUSY, "too many commands wait")
            else:
                self._queue.append((command, ticket))
        if fault is None:
            self._wake()
        else:
            ticket.answer(self._driver.decline(command, fault, self._host))
        return ticket

    def wanted(self, wanted: bool) -> None:
        """Whether a step waits for this device: then a lost one is tried every 2 s, from now."""
        self._wanted = wanted
        if wanted:
            self._hurry = True
            self._wake()

    def stop(self, wait_s: float = STOP_LIMIT_S) -> bool:
        """End the thread, then the wire is closed. False if it did not end in time."""
        self._stop_asked.set()
        self._wake()
        thread = self._thread
        if thread is None:
            return True
        thread.join(wait_s)
        return not thread.is_alive()

    # -- the thread -----------------------------------------------------------

    def _live(self) -> None:
        forget = self._arrivals.watch(self._driver.url, self._arrival)
        try:
            self._live_on()
        finally:
            forget()
            self._settle(now=True)

    def _live_on(self) -> None:
        back_off_s = BACK_OFF_FIRST_S
        while not self._stop_asked.is_set():
            started = self._clock.monotonic()
            self._arrived = False
            down = self._guarded_connection()
            with self._lock:
                self._wire = self._wake_by = None
            if self._stop_asked.is_set():
                break
            if not (down.status is self._status is Status.DISCONNECTED):
                # "the wire was closed", then "no such device": one loss, told once
                self._report(down.status, down.reason)
            if self._clock.monotonic() - started >= STEADY_S:
                back_off_s = BACK_OFF_FIRST_S
            self._rest(back_off_s, down)
            # A file that has appeared may not be ready yet: the next tries come quickly again.
            back_off_s = BACK_OFF_FIRST_S if self._arrived else min(back_off_s * 2, BACK_OFF_LAST_S)
        with self._lock:
            self._closed = True
        self._decline_all(Fault(FaultCode.CANCELLED, "stopped"))

    def _guarded_connection(self) -> Down:
        """One connection from open to loss. Whatever the driver raises ends here."""
        try:
            return self._connection()
        except Exception as error:  # noqa: BLE001 - a bug in a driver must not end the thread
            self._unexpected(error)
            return Down(Status.BROKEN, f"unexpected {type(error).__name__}")
        finally:
            try:
                self._driver.disconnect()
            except Exception as error:  # noqa: BLE001 - the same
                self._unexpected(error)

    def _connection(self) -> Down:
        self._reported = False
        identity = self._driver.connect(self._host)
        if isinstance(identity, Down):
            return identity
        self._identified(identity)
        if not self._reported:  # a driver that knows better (out of paper) has said so already
            self._report(Status.READY)
        while not self._stop_asked.is_set():
            self._settle()
            entry = self._take()
            down = self._driver.run(self._host) if entry is None else self._carry_out(*entry)
            if down is not None:
                return down
        return Down(self._status, self._reason)

    def _identified(self, identity: Identity) -> None:
        """Say who it is: once, and again when another device stands in its place."""
        before, self._identity = self._identity, identity
        if before == identity:
            return  # the same one, plugged in again
        if before is not None and before.serial and identity.serial not in ("", before.serial):
            self._log(
                "device_replaced",
                device=str(self._driver.device),
                model=identity.model,
                serial=identity.serial,
                serial_before=before.serial,
            )
        self._log(
            "device_identified",
            device=str(self._driver.device),
            model=identity.model,
            serial=identity.serial,
            capabilities=" ".join(identity.capabilities),
        )

    def _carry_out(self, command: C, ticket: Ticket) -> Down | None:
        self._current = ticket
        fault = self._host.interruption()
        try:
            if fault is not None:  # while it waited in the queue
                answer: object = self._driver.decline(command, fault, self._host)
            else:
                answer = self._driver.handle(command, self._host)
        except Exception:
            # Whoever waits for the command is told before the driver is taken down.
            self._decline(command, ticket, Fault(FaultCode.BROKEN, "unexpected"))
            raise
        finally:
            self._current = None
        if isinstance(answer, Down):
            lost = answer.fault or Fault(FaultCode.DEVICE_LOST, answer.reason)
            self._answer(command, ticket, lost)
            return answer
        self._answer(command, ticket, answer)
        return None

    def _answer(self, command: C, ticket: Ticket, answer: object) -> None:
        if isinstance(answer, Fault):
            self._log(
                "device_command_failed",
                device=str(self._driver.device),
                command=type(command).__name__,
                fault=str(answer.code),
                detail=answer.detail,
            )
        ticket.answer(answer)

    def _take(self) -> tuple[C, Ticket] | None:
        with self._lock:
            return self._queue.popleft() if self._queue else None

    def _rest(self, back_off_s: float, down: Down) -> None:
        """Wait before the next try. A command that comes is a reason to try once, not to wait."""
        self._hurry = False
        began = self._clock.monotonic()
        code = FaultCode.BROKEN if down.status is Status.BROKEN else FaultCode.DISCONNECTED
        fault = Fault(code, down.reason)
        self._decline_all(fault)
        while not self._stop_asked.is_set() and not self._hurry and not self._arrived:
            self._settle()
            passed = self._clock.monotonic() - began
            limit_s = min(back_off_s, WANTED_RETRY_S) if self._wanted else back_off_s
            if passed >= limit_s:
                return
            if self._queue:
                if passed >= WANTED_RETRY_S:
                    return
                self._decline_all(fault)
            self._waiter.wait(self._sooner(limit_s - passed))

    def _sooner(self, seconds: float) -> float:
        """No wait goes past the moment at which a status has settled."""
        left_s = self._settling.left_s()
        return seconds if left_s is None else min(seconds, max(left_s, CLOCK_STEP_S))

    def _decline_all(self, fault: Fault) -> None:
        while (entry := self._take()) is not None:
            self._decline(*entry, fault)

    def _decline(self, command: C, ticket: Ticket, fault: Fault) -> None:
        try:
            answer = self._driver.decline(command, fault, self._host)
        except Exception as error:  # noqa: BLE001 - the thread must not end
            self._unexpected(error)
            answer = fault
        self._answer(command, ticket, answer)

    def _wake(self) -> None:
        with self._lock:
            wire, wake_by = self._wire, self._wake_by
        if wire is not None:
            wire.wake()
        if wake_by is not None:
            wake_by()
        self._waiter.wake()

    def _report(self, status: Status, reason: str = "") -> None:
        if self._told and (status, reason) == (self._status, self._reason):
            return
        self._told = True
        self._status, self._reason = status, reason
        self._settling.changed(status, reason)
        self._post(StatusChanged(self._driver.device, status, reason, self._clock.utc()))

    def _settle(self, *, now: bool = False) -> None:
        """Write down what has settled: one loss, one recovery."""
        settled = self._settling.due(now=now)
        if settled is not None:
            self._log(
                "device_status",
                device=str(self._driver.device),
                status=str(settled.status),
                reason=settled.reason,
                since=settled.since.isoformat(timespec="seconds"),
            )
        changes = self._settling.unsteady()
        if changes:
            self._log("device_unsteady", device=str(self._driver.device), changes=changes)

    def _arrival(self) -> None:
        """The device's file has appeared, or may be opened now: no use in waiting."""
        self._arrived = True
        self._waiter.wake()

    def _unexpected(self, error: Exception) -> None:
        """A bug: where and what kind, never its text, which may quote what was on the wire."""
        frames = traceback.extract_tb(error.__traceback__)
        at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        self._log(
            "unexpected", where=f"device {self._driver.device}", type=type(error).__name__, at=at
        )


class _WorkerHost:
    """The side of a worker that its driver sees."""

    def __init__(self, worker: DeviceWorker[C]) -> None:
        self._worker = worker

    @property
    def clock(self) -> Clock:
        return self._worker._clock

    def open(self, url: str, ports: Ports = STREAMS_ONLY) -> Transport | Fault:
        worker = self._worker
        wire = worker._open_wire(url, ports)
        if isinstance(wire, Fault):
            return wire
        settling = _SettlingWire(wire, worker._clock, worker._sooner, worker._settle)
        with worker._lock:
            worker._wire = settling
        return settling

    def wake_by(self, wake: Callable[[], None] | None) -> None:
        with self._worker._lock:
            self._worker._wake_by = wake

    def post(self, event: object) -> None:
        self._worker._post(event)

    def report(self, status: Status, reason: str = "") -> None:
        self._worker._reported = True
        self._worker._report(status, reason)

    def interruption(self) -> Fault | None:
        worker = self._worker
        if worker._stop_asked.is_set():
            return Fault(FaultCode.CANCELLED, "stopping")
        ticket = worker._current
        if ticket is None:
            return None
        if ticket.cancelled:
            return Fault(FaultCode.CANCELLED)
        if worker._clock.monotonic() >= ticket.deadline:
            return Fault(FaultCode.TIMED_OUT)
        return None

    def pause(self, seconds: float) -> None:
        worker = self._worker
        if seconds > 0 and not worker._queue and not worker._stop_asked.is_set():
            worker._waiter.wait(worker._sooner(seconds))
        worker._settle()


class _SettlingWire:
    """A wire whose long reads pause for the moment at which a status has settled."""

    def __init__(
        self,
        wire: Transport,
        clock: Clock,
        sooner: Callable[[float], float],
        settle: Callable[[], None],
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._sooner = sooner
        self._settle = settle

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        until = self._clock.monotonic() + wait_s
        while True:
            began = self._clock.monotonic()
            part_s = min(self._sooner(max(0.0, until - began)), wait_s)
            data = self._wire.read(limit, part_s)
            now = self._clock.monotonic()
            woken = now - began < part_s - CLOCK_STEP_S
            if data or woken or now >= until - CLOCK_STEP_S:
                return data
            self._settle()

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        return self._wire.write(data, wait_s)

    def wake(self) -> None:
        self._wire.wake()

    def close(self) -> None:
        self._wire.close()
