"""A device's thread: it says each change once, comes back by itself, and always ends when told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from driver_fakes import FakeClock, FakeHost, Posts, RecordingLog, SteppedWaiter

from drivers.device import (
    Capability,
    DeviceClass,
    Fault,
    FaultCode,
    Identity,
    Status,
    StatusChanged,
)
from drivers.keypad.driver import KeypadDriver
from drivers.keypad.values import KeyPressed, ListenForKeys
from drivers.transport import MemoryTransport, Ports, Transport
from drivers.worker import DeviceWorker, Down, Host

OFF = Down(Status.DISCONNECTED, "no such device")


@dataclass(frozen=True)
class Do:
    """`what`: "answer", "raise", "lose", or "wait" until interrupted."""

    what: str


@dataclass(frozen=True)
class Declined:
    what: str
    fault: Fault


class Script:
    """A device whose behaviour the test sets."""

    device = DeviceClass.KEYPAD
    url = "serial:///dev/example"

    def __init__(self) -> None:
        self.connections: list[Identity | Down | Exception] = []
        self.always: Identity | Down = Identity("example", "1")
        self.turns: list[Down | Exception] = []
        self.reported_at_connect: tuple[Status, str] | None = None
        self.disconnects = 0
        self.waiting = threading.Event()
        self.threads: set[str] = set()
        self.closed_by = ""

    def connect(self, host: Host) -> Identity | Down:
        self.threads.add(threading.current_thread().name)
        answer = self.connections.pop(0) if self.connections else self.always
        if isinstance(answer, Exception):
            raise answer
        if self.reported_at_connect is not None:
            host.report(*self.reported_at_connect)
        return answer

    def run(self, host: Host) -> Down | None:
        if self.turns:
            turn = self.turns.pop(0)
            if isinstance(turn, Exception):
                raise turn
            return turn
        host.pause(5.0)
        return None

    def handle(self, command: Do, host: Host) -> object | Fault | Down:
        match command.what:
            case "raise":
                raise ValueError("张三 440308199901101512")
            case "lose":
                return Down(Status.DISCONNECTED, "the wire was closed")
            case "wait":
                self.waiting.set()
                while (stop := host.interruption()) is None:
                    host.pause(1.0)
                return stop
            case what:
                return f"did {what}"

    def decline(self, command: Do, fault: Fault, host: Host) -> Fault:
        host.post(Declined(command.what, fault))
        return fault

    def disconnect(self) -> None:
        self.disconnects += 1
        self.closed_by = threading.current_thread().name


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.waiter = SteppedWaiter(self.clock)
        self.posts = Posts()
        self.log = RecordingLog()
        self.script = Script()
        self.worker: DeviceWorker[Do] = DeviceWorker(
            self.script, self.posts, self.clock, self.log, waiter=self.waiter
        )


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    assert bench.worker.stop(10)


def test_a_device_that_is_there_is_starting_then_ready_and_says_what_it_is(bench: Bench) -> None:
    bench.worker.start()
    first = bench.posts.next()
    assert isinstance(first, StatusChanged)
    assert (first.status, first.at) == (Status.STARTING, bench.clock.utc())
    bench.posts.until_status(Status.READY)
    assert bench.log.of("device_identified") == [
        {"device": "keypad", "model": "example", "serial": "1", "capabilities": ""}
    ]
    assert bench.script.threads == {"device-keypad"}


def test_a_device_without_an_address_is_not_installed_and_needs_no_thread() -> None:
    posts, log = Posts(), RecordingLog()
    before = threading.active_count()
    worker = DeviceWorker(KeypadDriver("", {"35": "5"}), posts, FakeClock(), log)
    worker.start()
    assert posts.statuses() == [Status.NOT_INSTALLED]
    assert threading.active_count() == before
    assert worker.stop()


def test_a_command_to_what_is_not_installed_is_answered_at_once() -> None:
    script, posts = Script(), Posts()
    script.url = ""
    worker: DeviceWorker[Do] = DeviceWorker(script, posts, FakeClock(), RecordingLog())
    worker.start()
    assert worker.submit(Do("answer")).result(0) == Fault(FaultCode.NOT_INSTALLED)


def test_a_device_that_is_off_when_the_terminal_starts_is_tried_less_and_less_often(
    bench: Bench,
) -> None:
    bench.script.always = OFF
    bench.worker.start()
    for count in range(1, 9):
        bench.waiter.until_waiting(count)
        bench.waiter.let_pass()
    bench.waiter.until_waiting(9)
    assert bench.waiter.waits[:8] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert bench.posts.statuses() == [Status.STARTING, Status.DISCONNECTED], "told once"
    assert len(bench.log.of("device_status")) == 1, "and logged once"


def test_a_device_that_comes_back_is_ready_again_and_a_later_loss_starts_with_a_short_wait(
    bench: Bench,
) -> None:
    bench.script.connections = [OFF, OFF, OFF, Identity("example", "1")]
    bench.worker.start()
    for count in range(1, 4):
        bench.waiter.until_waiting(count)
        bench.waiter.let_pass()
    bench.posts.until_status(Status.READY)
    bench.waiter.until_waiting(4)
    bench.waiter.let_pass(3)  # 15 s of work
    bench.waiter.until_waiting(7)
    bench.script.turns = [OFF]
    bench.waiter.let_pass()
    bench.posts.until_status(Status.DISCONNECTED)
    bench.waiter.until_waiting(8)
    assert bench.waiter.waits[7] == 1
    assert bench.posts.statuses() == [
        Status.STARTING,
        Status.DISCONNECTED,
        Status.READY,
        Status.DISCONNECTED,
    ]


def test_a_loose_plug_is_told_to_the_step_at_once_and_written_down_when_it_has_settled(
    bench: Bench,
) -> None:
    bench.script.turns = []
    bench.worker.start()
    bench.posts.until_status(Status.READY)
    bench.waiter.until_waiting(1)
    bench.waiter.let_pass()  # 3 s: ready has stood for so long
    bench.waiter.until_waiting(2)
    assert [line["status"] for line in bench.log.of("device_status")] == ["ready"]
    assert bench.worker.settled is not None
    for _ in range(2):
        bench.script.turns = [Down(Status.DISCONNECTED, "the wire was closed")]
        bench.worker.wanted(True)  # ends the wait of the turn before
        bench.posts.until_status(Status.DISCONNECTED)
        bench.waiter.let_pass()
        bench.posts.until_status(Status.READY)
    assert bench.worker.settled.status is Status.READY
    assert len(bench.log.of("device_status")) == 1, "it came back before it had settled"


def test_a_device_in_the_place_of_another_is_named_and_works_on(bench: Bench) -> None:
    bench.script.connections = [Identity("SAM_V", "1"), Identity("SAM_V", "2")]
    bench.script.always = Identity("SAM_V", "2")
    bench.script.turns = [Down(Status.DISCONNECTED, "gone"), Down(Status.DISCONNECTED, "gone")]
    bench.worker.start()
    bench.posts.until_status(Status.READY)
    for _ in range(2):
        bench.posts.until_status(Status.DISCONNECTED)
        bench.waiter.let_pass()
        bench.posts.until_status(Status.READY)
    assert bench.log.of("device_replaced") == [
        {"device": "keypad", "model": "SAM_V", "serial": "2", "serial_before": "1"}
    ]
    assert len(bench.log.of("device_identified")) == 2, "the same one again is no news"


def test_what_a_device_can_do_is_told_apart_from_how_it_is(bench: Bench) -> None:
    bench.script.always = Identity("example", "1", (Capability.PRINTS_A4, Capability.PRINTS_COLOUR))
    bench.worker.start()
    bench.posts.until_status(Status.READY)
    assert bench.worker.identity == bench.script.always
    assert bench.log.of("device_identified")[0]["capabilities"] == "prints_a4 prints_colour"


def test_a_device_whose_file_appears_does_not_sit_out_the_back_off() -> None:
    bench = Bench()
    told: list[Callable[[], None]] = []

    class Told:
        def watch(self, url: str, arrived: Callable[[], None]) -> Callable[[], None]:
            told.append(arrived)
            return told.clear

    worker: DeviceWorker[Do] = DeviceWorker(
        bench.script, bench.posts, bench.clock, bench.log, waiter=bench.waiter, arrivals=Told()
    )
    bench.script.always = OFF
    worker.start()
    for count in range(1, 7):
        bench.waiter.until_waiting(count)
        bench.waiter.let_pass()
    bench.waiter.until_waiting(7)
    assert bench.waiter.waits[-1] == 30
    before = bench.clock.monotonic()
    bench.script.always = Identity("example", "1")
    told[0]()
    bench.posts.until_status(Status.READY)
    assert bench.clock.monotonic() - before < 3
    assert worker.stop(10)
    assert told == []


def test_a_device_whose_file_appeared_too_early_is_tried_again_soon() -> None:
    bench = Bench()
    told: list[Callable[[], None]] = []

    class Told:
        def watch(self, url: str, arrived: Callable[[], None]) -> Callable[[], None]:
            told.append(arrived)
            return told.clear

    worker: DeviceWorker[Do] = DeviceWorker(
        bench.script, bench.posts, bench.clock, bench.log, waiter=bench.waiter, arrivals=Told()
    )
    bench.script.always = OFF
    worker.start()
    for count in range(1, 7):
        bench.waiter.until_waiting(count)
        bench.waiter.let_pass()
    bench.waiter.until_waiting(7)
    told[0]()  # the node is there, its rights are not
    bench.waiter.until_waiting(8)
    assert bench.waiter.waits[-1] == 1
    assert worker.stop(10)


def test_one_loss_is_told_once_though_its_reason_changes(bench: Bench) -> None:
    bench.script.turns = [Down(Status.DISCONNECTED, "the wire was closed")]
    bench.script.connections = [Identity("example", "1"), OFF, OFF]
    bench.worker.start()
    for count in range(1, 4):
        bench.waiter.until_waiting(count)
        bench.waiter.let_pass()
    bench.waiter.until_waiting(4)
    assert bench.posts.statuses() == [
        Status.STARTING,
        Status.READY,
        Status.DISCONNECTED,
        Status.READY,
    ]


def test_while_a_citizen_waits_a_lost_device_is_tried_at_once_and_every_two_seconds(
    bench: Bench,
) -> None:
    bench.script.always = OFF
    bench.worker.start()
    for count in range(1, 5):
        bench.waiter.until_waiting(count)
        bench.waiter.let_pass()
    bench.waiter.until_waiting(5)
    assert bench.waiter.waits[4] == 16
    tries = bench.script.disconnects
    bench.worker.wanted(True)
    bench.waiter.until_waiting(6)
    assert bench.script.disconnects == tries + 1, "at once"
    bench.waiter.let_pass()
    bench.waiter.until_waiting(7)
    assert bench.waiter.waits[5:7] == [2, 2]


def test_a_driver_that_knows_better_than_ready_is_believed(bench: Bench) -> None:
    bench.script.reported_at_connect = (Status.OUT, "paper out")
    bench.worker.start()
    bench.posts.until_status(Status.OUT)
    bench.waiter.until_waiting(1)
    assert bench.posts.statuses() == [Status.STARTING, Status.OUT]


def test_a_command_is_answered(bench: Bench) -> None:
    bench.worker.start()
    assert bench.worker.submit(Do("answer")).result(10) == "did answer"


def test_a_command_to_a_lost_device_is_declined_and_tried_once_when_it_may_be_back(
    bench: Bench,
) -> None:
    bench.script.connections = [OFF, OFF, OFF]
    bench.worker.start()
    for count in range(1, 3):
        bench.waiter.until_waiting(count)
        bench.waiter.let_pass()
    bench.waiter.until_waiting(3)  # a wait of 4 s begins
    ticket = bench.worker.submit(Do("answer"))
    assert ticket.result(10) == Fault(FaultCode.DISCONNECTED, "no such device")
    assert Declined("answer", Fault(FaultCode.DISCONNECTED, "no such device")) in bench.posts.all
    bench.clock.advance(3.0)
    assert bench.worker.submit(Do("answer")).result(10) == "did answer", "it was back"


def test_a_command_that_finds_the_device_lost_says_so_and_the_device_recovers(
    bench: Bench,
) -> None:
    bench.worker.start()
    fault = bench.worker.submit(Do("lose")).result(10)
    assert fault == Fault(FaultCode.DEVICE_LOST, "the wire was closed")
    bench.posts.until_status(Status.DISCONNECTED)
    bench.waiter.let_pass()
    bench.posts.until_status(Status.READY)


def test_a_command_ends_when_it_is_cancelled(bench: Bench) -> None:
    bench.worker.start()
    ticket = bench.worker.submit(Do("wait"))
    assert bench.script.waiting.wait(10)
    assert not ticket.done
    ticket.cancel()
    assert ticket.result(10) == Fault(FaultCode.CANCELLED)


def test_a_command_ends_when_its_time_is_up(bench: Bench) -> None:
    bench.worker.start()
    ticket = bench.worker.submit(Do("wait"), limit_s=3.0)
    assert bench.script.waiting.wait(10)
    bench.waiter.let_pass(10)
    assert ticket.result(10) == Fault(FaultCode.TIMED_OUT)


def test_a_command_cancelled_in_the_queue_is_never_begun(bench: Bench) -> None:
    bench.worker.start()
    first = bench.worker.submit(Do("wait"))
    assert bench.script.waiting.wait(10)
    second = bench.worker.submit(Do("answer"))
    second.cancel()
    first.cancel()
    assert second.result(10) == Fault(FaultCode.CANCELLED)
    assert Declined("answer", Fault(FaultCode.CANCELLED)) in bench.posts.all


def test_commands_nobody_takes_do_not_pile_up(bench: Bench) -> None:
    bench.worker.start()
    first = bench.worker.submit(Do("wait"))
    assert bench.script.waiting.wait(10)
    tickets = [bench.worker.submit(Do("answer")) for _ in range(150)]
    refused = [t for t in tickets if t.done]
    assert len(refused) == 50
    first.cancel()
    assert tickets[0].result(10) == "did answer"


@pytest.mark.parametrize("where", ["connect", "run"])
def test_a_bug_in_a_driver_is_logged_without_its_words_and_the_device_recovers(
    bench: Bench, where: str
) -> None:
    bug = ValueError("张三 440308199901101512")
    if where == "connect":
        bench.script.connections = [bug]
    else:
        bench.script.turns = [bug]
    bench.worker.start()
    broken = bench.posts.until_status(Status.BROKEN)
    assert broken.reason == "unexpected ValueError"
    [line] = bench.log.of("unexpected")
    assert line["type"] == "ValueError"
    assert str(line["at"]).startswith("test_drivers_worker.py:")
    assert "张三" not in str(bench.log.lines)
    bench.waiter.until_waiting(1)
    bench.waiter.let_pass()
    bench.waiter.until_waiting(2)
    assert bench.worker.status is Status.READY


def test_a_bug_in_a_command_is_told_to_whoever_waits_for_it(bench: Bench) -> None:
    bench.worker.start()
    fault = bench.worker.submit(Do("raise")).result(10)
    assert fault == Fault(FaultCode.BROKEN, "unexpected")
    assert Declined("raise", Fault(FaultCode.BROKEN, "unexpected")) in bench.posts.all
    bench.posts.until_status(Status.BROKEN)


def test_stop_ends_a_wait_a_command_and_the_queue_then_closes_the_device() -> None:
    bench = Bench()
    bench.worker.start()
    running = bench.worker.submit(Do("wait"))
    assert bench.script.waiting.wait(10)
    queued = bench.worker.submit(Do("answer"))
    assert bench.worker.stop(10)
    assert running.result(0) == Fault(FaultCode.CANCELLED, "stopping")
    assert queued.result(0) == Fault(FaultCode.CANCELLED, "stopped")
    assert bench.script.closed_by == "device-keypad", "closed by its own thread, not from outside"
    after = bench.worker.submit(Do("answer")).result(0)
    assert after == Fault(FaultCode.CANCELLED, "not running")
    assert bench.posts.statuses() == [Status.STARTING, Status.READY], "stopping is no loss"


def test_stop_is_bounded_even_when_a_driver_hangs() -> None:
    bench = Bench()
    release = threading.Event()

    def hang(host: Host) -> None:
        bench.script.waiting.set()
        release.wait(30)

    bench.script.run = hang  # type: ignore[method-assign]
    bench.worker.start()
    assert bench.script.waiting.wait(10)
    assert not bench.worker.stop(0.01)
    release.set()
    assert bench.worker.stop(10)


def test_a_command_ends_the_wait_on_a_silent_wire_at_once() -> None:
    """With real waits: a keypad that says nothing must not hold up the end of the terminal."""

    class SilentWire(MemoryTransport):
        def __init__(self) -> None:
            super().__init__(lambda _: b"")
            self.woken = threading.Event()
            self.reading = threading.Event()

        def read(self, limit: int, wait_s: float) -> bytes | Fault:
            if wait_s == 0.0:
                return b""
            self.reading.set()
            self.woken.wait(30)
            return b"5"

        def wake(self) -> None:
            self.woken.set()

    wire = SilentWire()
    posts = Posts()

    def open_wire(url: str, ports: Ports) -> Transport | Fault:
        return wire

    driver, clock = KeypadDriver("serial:///dev/example", {"35": "5"}), FakeClock()
    asked, away = ListenForKeys(), Fault(FaultCode.DISCONNECTED)
    driver.decline(asked, away, FakeHost(lambda: wire, clock))  # somebody is asked to rate
    worker = DeviceWorker(driver, posts, clock, RecordingLog(), open_wire=open_wire)
    worker.start()
    assert wire.reading.wait(10)
    clock.advance(1.0)
    assert worker.stop(10)
    assert wire.closed
    assert KeyPressed("5") in posts.all
