"""A card on the reader, as the terminal meets it: found, read, failed, lifted, reader lost."""

from __future__ import annotations

import os
import pty
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest
import sam_bench
from driver_fakes import FakeClock, FakeHost, Posts, RecordingLog, memory_host
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Capability, Fault, FaultCode, Identity, Status
from drivers.id_reader.driver import IdReaderDriver
from drivers.id_reader.protocol import FAULT_OF_SW3, Sw3
from drivers.id_reader.values import (
    CardFailed,
    CardRead,
    StopWatching,
    WatchForCard,
)
from drivers.transport import MemoryTransport
from drivers.worker import DeviceWorker, Down
from kiosk.clock import SystemClock

URL = "serial:///dev/example"


class Plate:
    def __init__(self, watching: bool = True) -> None:
        self.reader = sam_bench.Reader()
        self.host, self.wire, self.clock = memory_host(self.reader)
        self.driver = IdReaderDriver(URL)
        assert isinstance(self.driver.connect(self.host), Identity)
        if watching:
            self.driver.handle(WatchForCard(), self.host)

    def run(self, seconds: float) -> Down | None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            down = self.driver.run(self.host)
            if down is not None:
                return down
        return None

    def events(self) -> list[str]:
        return self.host.kinds()


@pytest.fixture
def plate() -> Plate:
    return Plate()


def test_the_reader_says_its_sam_id() -> None:
    host, _, _ = memory_host(sam_bench.Reader())
    assert IdReaderDriver(URL).connect(host) == Identity(
        "SAM_V", "05.01-3735928559-0305419896-2271560481", (Capability.TELLS_REMOVAL,)
    )


def test_nobody_is_polled_for_until_somebody_waits() -> None:
    plate = Plate(watching=False)
    plate.reader.put(sam_bench.resident())
    plate.run(60)
    assert plate.events() == []
    assert bytes.fromhex("2001") not in plate.reader.asked


def test_a_card_is_found_read_and_removed_in_that_order(plate: Plate) -> None:
    plate.run(2)
    plate.reader.put(sam_bench.resident())
    plate.run(2)
    assert plate.events() == ["CardFound", "CardRead"]
    card = plate.host.posted[1]
    assert isinstance(card, CardRead)
    assert (card.card.name, len(card.card.photo_wlt)) == ("王小明", 1024)
    plate.run(20)
    assert plate.events() == ["CardFound", "CardRead"], "read once, however long it lies there"
    plate.reader.lift()
    plate.run(2)
    assert plate.events() == ["CardFound", "CardRead", "CardRemoved"]


def test_two_looks_are_at_least_300_ms_apart(plate: Plate) -> None:
    times: list[float] = []
    plate.reader.before_answer = lambda _: times.append(plate.clock.now)
    plate.run(10)
    assert len(times) > 30
    assert min(b - a for a, b in pairwise(times)) >= 0.2999


def test_nothing_is_waited_for_between_finding_a_card_and_its_fields(plate: Plate) -> None:
    plate.run(1)
    plate.reader.put(sam_bench.resident())
    plate.reader.asked.clear()
    found_at: list[float] = []
    plate.reader.before_answer = lambda command: (
        found_at.append(plate.clock.now) if command.hex() == "2001" else None
    )
    while "CardRead" not in plate.events():
        plate.driver.run(plate.host)
    assert plate.clock.now == found_at[-1]
    assert [c.hex() for c in plate.reader.asked] == ["2001", "2002", "3001", "3003"]


def test_the_next_card_is_read_after_the_first_is_lifted(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    plate.reader.lift()
    plate.run(1)
    plate.reader.put(sam_bench.resident(name="李示例"))
    plate.run(1)
    assert plate.events() == ["CardFound", "CardRead", "CardRemoved", "CardFound", "CardRead"]


@pytest.mark.parametrize(
    ("sw3", "code"),
    [
        (0x41, FaultCode.CARD_UNREADABLE),
        (0x33, FaultCode.CARD_UNREADABLE),
        (0x31, FaultCode.UNKNOWN_CARD),
        (0x40, FaultCode.UNKNOWN_CARD),
    ],
)
def test_a_card_that_cannot_be_read_must_be_lifted_and_placed_again(
    plate: Plate, sw3: int, code: FaultCode
) -> None:
    plate.reader.put(sam_bench.resident())
    plate.reader.refuse_read = sw3
    plate.run(5)
    assert plate.events() == ["CardFound", "CardFailed"], "told once, not at every look"
    failed = plate.host.posted[1]
    assert isinstance(failed, CardFailed)
    assert failed.fault.code is code
    plate.reader.lift()
    plate.run(1)
    assert plate.events()[2:] == ["CardRemoved"]
    plate.reader.refuse_read = 0
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    assert plate.events()[3:] == ["CardFound", "CardRead"]


def test_several_cards_are_told_so_and_when_one_is_left_it_is_read(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    plate.reader.before_answer = lambda c: sam_bench.reply(0x81) if c.hex() == "2002" else None
    plate.run(5)
    assert plate.events() == ["CardFound", "CardFailed"], "told once, not at every look"
    assert failure(plate).code is FaultCode.SEVERAL_CARDS
    plate.reader.before_answer = lambda _: None
    plate.run(1)
    assert plate.events()[2:] == ["CardFound", "CardRead"]


def test_several_cards_that_are_both_taken_away_are_removed(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    plate.reader.before_answer = lambda c: sam_bench.reply(0x81) if c.hex() == "2002" else None
    plate.run(1)
    plate.reader.before_answer = lambda _: None
    plate.reader.lift()
    plate.run(1)
    assert plate.events() == ["CardFound", "CardFailed", "CardRemoved"]


def test_a_card_of_another_kind_is_told_so_once_and_an_id_card_after_it_is_read(
    plate: Plate,
) -> None:
    """A social security card at the ID plate: found, and refused when it is selected."""
    plate.reader.put(sam_bench.resident())
    plate.reader.before_answer = lambda c: sam_bench.reply(0x40) if c.hex() == "2002" else None
    plate.run(5)
    assert plate.events() == ["CardFound", "CardFailed"]
    assert failure(plate).code is FaultCode.UNKNOWN_CARD
    plate.reader.before_answer = lambda _: None
    plate.reader.lift()
    plate.run(1)
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    assert plate.events()[2:] == ["CardRemoved", "CardFound", "CardRead"]


def test_a_card_taken_away_while_it_is_read_is_lifted_not_unreadable(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())

    def lift(command: bytes) -> None:
        if command.hex() == "3001":
            plate.reader.lift()

    plate.reader.before_answer = lift
    plate.run(1)
    assert plate.events() == ["CardFound", "CardFailed", "CardRemoved"]
    assert failure(plate).code is FaultCode.CARD_LIFTED
    plate.reader.before_answer = lambda _: None
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    assert plate.events()[3:] == ["CardFound", "CardRead"]


def test_a_card_taken_away_before_it_was_selected_is_lifted(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())

    def lift(command: bytes) -> None:
        if command.hex() == "2002":
            plate.reader.lift()

    plate.reader.before_answer = lift
    plate.run(1)
    assert failure(plate).code is FaultCode.CARD_LIFTED


def test_a_card_that_answers_with_its_own_error_is_unreadable_not_lifted(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    refusal = sam_bench.frame(bytes([0x6F, 0x00, 0x41]))
    plate.reader.before_answer = lambda c: refusal if c.hex() == "3001" else None
    plate.run(1)
    assert failure(plate).code is FaultCode.CARD_UNREADABLE


def test_a_failed_card_that_cannot_be_found_where_it_lies_is_asked_for_again(
    plate: Plate,
) -> None:
    """The reader finds it no more, whether it lies there or not: no word that it was removed until
    the words on the screen were read; placed again, it is read at once."""
    refusal = sam_bench.frame(bytes([0x6F, 0x00, 0x33]))

    def spend(command: bytes) -> bytes | None:
        if command.hex() != "3001":
            return None
        plate.reader.spent = True
        return refusal

    plate.reader.put(sam_bench.resident())
    plate.reader.before_answer = spend
    plate.run(5)
    assert plate.events() == ["CardFound", "CardFailed"]
    plate.reader.before_answer = lambda _: None
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    assert plate.events()[2:] == ["CardFound", "CardRead"]


def test_a_failed_card_that_is_never_placed_again_is_gone_after_a_while(plate: Plate) -> None:
    def spend(command: bytes) -> bytes | None:
        if command.hex() != "3001":
            return None
        plate.reader.spent = True
        return sam_bench.reply(0x33)

    plate.reader.put(sam_bench.resident())
    plate.reader.before_answer = spend
    plate.run(10)
    assert plate.events() == ["CardFound", "CardFailed", "CardRemoved"]


def test_an_appended_address_comes_with_the_card_and_its_failure_costs_nothing(
    plate: Plate,
) -> None:
    plate.reader.put(sam_bench.resident())
    address = sam_bench.reply(0x90, sam_bench.utf16("示例路2号", 70))
    plate.reader.before_answer = lambda c: address if c.hex() == "3003" else None
    plate.run(1)
    read = plate.host.posted[1]
    assert isinstance(read, CardRead)
    assert read.card.appended_address == "示例路2号"
    for spoilt in (sam_bench.reply(0x41), sam_bench.reply(0x90, bytes(999)), b""):
        other = Plate()
        other.reader.put(sam_bench.resident())
        once = [spoilt]
        other.reader.before_answer = (
            lambda c, once=once: once.pop() if once and c.hex() == "3003" else None  # type: ignore[misc]
        )
        other.run(2)
        assert other.events() == ["CardFound", "CardRead"]


@pytest.mark.parametrize("command", ["2002", "3001"])
@pytest.mark.parametrize("sw3", [0x10, 0x11, 0x21, 0x24])
def test_a_question_that_was_not_understood_is_asked_again(
    plate: Plate, command: str, sw3: int
) -> None:
    plate.reader.put(sam_bench.resident())
    twice = [sam_bench.reply(sw3)] * 2
    plate.reader.before_answer = lambda c: twice.pop() if twice and c.hex() == command else None
    plate.run(1)
    assert plate.events() == ["CardFound", "CardRead"]
    always = Plate()
    always.reader.put(sam_bench.resident())
    always.reader.before_answer = lambda c: sam_bench.reply(sw3) if c.hex() == command else None
    always.run(1)
    assert failure(always).code is FaultCode.BAD_REPLY
    assert always.reader.asked.count(bytes.fromhex(command)) == 3


@pytest.mark.parametrize("command", ["12ff", "2001", "2002", "3001", "3003"])
@pytest.mark.parametrize(
    "misfit",
    [
        sam_bench.reply(0x90),
        sam_bench.reply(0x90, bytes(12)),
        sam_bench.reply(0x9F, bytes(5)),
        sam_bench.reply(0x90, b"\x00\xfe\x04\x02" + bytes(1280)),
    ],
)
def test_an_answer_that_cannot_be_this_questions_is_asked_again(
    command: str, misfit: bytes
) -> None:
    """Somebody else's answer is on the wire, alone or before the right one."""
    for before in (True, False):
        reader = sam_bench.Reader()
        twice = [misfit] * 2

        def spoil(
            asked: bytes,
            reader: sam_bench.Reader = reader,
            twice: list[bytes] = twice,
            before: bool = before,
        ) -> bytes | None:
            if asked.hex() != command or not twice:
                return None
            return twice.pop() + (reader._answer(asked) if before else b"")

        reader.before_answer = spoil
        host, _, clock = memory_host(reader)
        driver = IdReaderDriver(URL)
        identity = driver.connect(host)
        assert isinstance(identity, Identity)
        assert identity.serial.startswith("05.01-")
        reader.put(sam_bench.resident())
        driver.handle(WatchForCard(), host)
        while not host.posted:
            driver.run(host)
        read = host.posted[-1]
        assert isinstance(read, CardRead)
        if misfit != sam_bench.reply(0x90):  # for an address: one that is blank
            assert read.card.warnings == ()
        assert clock.now < 1004


def test_what_never_fits_is_a_bad_reply_and_not_silence(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    plate.reader.before_answer = lambda c: (
        sam_bench.reply(0x90, bytes(4)) if c.hex() == "2002" else None
    )
    plate.run(2)
    assert failure(plate).code is FaultCode.BAD_REPLY


@pytest.mark.parametrize(
    "spoilt",
    [
        *(sam_bench.reply(sw3) for sw3 in (0x66, 0x60, 0x23, 0x21, 0x24, 0x10, 0x41)),
        b"",
        sam_bench.reply(0x91)[:-1] + b"\x00",
        sam_bench.reply(0x90, bytes(999)),
    ],
)
def test_an_appended_address_that_could_not_be_read_is_told(plate: Plate, spoilt: bytes) -> None:
    plate.reader.put(sam_bench.resident())
    plate.reader.before_answer = lambda c: spoilt if c.hex() == "3003" else None
    plate.driver.run(plate.host)
    read = plate.host.posted[1]
    assert isinstance(read, CardRead)
    assert [str(warning) for warning in read.card.warnings] == ["appended_address_unread"]
    assert not read.card.doubtful


@pytest.mark.parametrize("late_s", [1.2, 1.8, 2.3, 2.9])
def test_a_slow_reader_is_a_reader_all_the_same(late_s: float) -> None:
    """Every answer takes so long, as behind a busy serial server."""
    clock = FakeClock()
    reader = sam_bench.Reader()
    due: list[tuple[float, bytes]] = []
    free_at = 0.0

    def asked(request: bytes) -> bytes:
        nonlocal free_at
        answer = reader(request)
        assert isinstance(answer, bytes)
        free_at = max(free_at, clock.now) + late_s
        due.append((free_at, answer))
        return b""

    def wait(seconds: float) -> None:
        if due and due[0][0] <= clock.now + seconds:
            at, answer = due.pop(0)
            clock.advance(max(0.0, at - clock.now))
            wire.deliver(answer)
        else:
            clock.advance(seconds)

    wire = MemoryTransport(asked, wait)
    host = FakeHost(lambda: wire, clock)
    driver = IdReaderDriver(URL)
    assert isinstance(driver.connect(host), Identity)
    reader.put(sam_bench.resident())
    driver.handle(WatchForCard(), host)
    until = clock.now + 20
    while clock.now < until and len(host.posted) < 2:
        assert driver.run(host) is None
    assert host.kinds() == ["CardFound", "CardRead"]


@pytest.mark.parametrize("command", ["2001", "2002", "3001"])
def test_one_answer_that_never_came_is_asked_for_again(plate: Plate, command: str) -> None:
    plate.reader.put(sam_bench.resident())
    once = [b""]
    plate.reader.before_answer = lambda c: once.pop() if once and c.hex() == command else None
    plate.run(6)
    assert plate.events() == ["CardFound", "CardRead"]


@pytest.mark.parametrize(("command", "sw3"), [("2002", 0x81), ("3001", 0x31), ("3001", 0x41)])
def test_of_a_card_that_is_gone_it_is_known_what_the_reader_had_said(
    plate: Plate, command: str, sw3: int
) -> None:
    """The citizen hears that it was taken away too early, the technician the reader's own word."""
    plate.reader.put(sam_bench.resident())

    def refuse(asked: bytes) -> bytes | None:
        if asked.hex() != command:
            return None
        plate.reader.lift()
        return sam_bench.reply(sw3)

    plate.reader.before_answer = refuse
    plate.run(1)
    failed = plate.host.posted[1]
    assert isinstance(failed, CardFailed)
    assert failed.fault.code is FaultCode.CARD_LIFTED
    assert failed.refused == FAULT_OF_SW3[Sw3(sw3)]


def test_fingerprints_are_read_where_they_are_asked_for_and_the_reader_can() -> None:
    clock = FakeClock()
    reader = sam_bench.Reader()
    prints = bytes(range(256)) * 4
    text, photo = sam_bench.resident(), bytes(1024)
    with_prints = sam_bench.reply(0x90, bytes.fromhex("0100 0400 0400") + text + photo + prints)
    for answer, expected in ((with_prints, prints), (sam_bench.reply(0x21), b"")):
        reader.put(text)
        reader.before_answer = lambda c, a=answer: a if c.hex() == "3010" else None  # type: ignore[misc]
        wire = MemoryTransport(reader, clock.advance)
        host = FakeHost(lambda wire=wire: wire, clock)  # type: ignore[misc]
        driver = IdReaderDriver(URL, fingerprint=True)
        identity = driver.connect(host)
        assert isinstance(identity, Identity)
        assert Capability.READS_FINGERPRINTS in identity.capabilities
        driver.handle(WatchForCard(), host)
        driver.run(host)
        read = host.posted[1]
        assert isinstance(read, CardRead)
        assert read.card.fingerprint == expected
        assert read.card.name == "王小明"


def test_a_module_that_was_left_in_the_middle_is_reset_and_works() -> None:
    reader = sam_bench.Reader()
    refusals = [sam_bench.reply(0x21)]
    reset = []

    def stubborn(command: bytes) -> bytes | None:
        if command.hex() == "10ff":
            reset.append(command)
            return sam_bench.reply(0x90)
        return refusals.pop() if refusals else None

    reader.before_answer = stubborn
    host, _, _ = memory_host(reader)
    assert isinstance(IdReaderDriver(URL).connect(host), Identity)
    assert len(reset) == 1


def test_a_reader_that_does_not_know_its_number_works_without_one() -> None:
    reader = sam_bench.Reader()
    reader.before_answer = lambda c: sam_bench.reply(0x21) if c.hex() == "12ff" else None
    host, _, _ = memory_host(reader)
    driver = IdReaderDriver(URL)
    identity = driver.connect(host)
    assert isinstance(identity, Identity)
    assert identity.serial == ""
    reader.put(sam_bench.resident())
    driver.handle(WatchForCard(), host)
    driver.run(host)
    assert host.kinds() == ["CardFound", "CardRead"]


@pytest.mark.parametrize("sw3", [0x23, 0x60, 0x66])
def test_a_module_without_authority_says_so(sw3: int) -> None:
    reader = sam_bench.Reader()
    reader.before_answer = lambda _: sam_bench.reply(sw3)
    host, _, _ = memory_host(reader)
    down = IdReaderDriver(URL).connect(host)
    assert isinstance(down, Down)
    assert down.status is Status.BROKEN
    assert down.fault is not None
    assert down.fault.code is FaultCode.NOT_AUTHORISED


def test_the_numbers_of_a_card_body_are_told_to_a_technician(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    numbers = sam_bench.reply(0x90, bytes(range(28)))
    plate.reader.before_answer = lambda c: numbers if c.hex() == "3005" else None
    info = plate.driver.read_management(plate.host)
    assert not isinstance(info, Fault)
    assert info.raw == bytes(range(28))


def failure(plate: Plate) -> Fault:
    failed = plate.host.posted[1]
    assert isinstance(failed, CardFailed)
    return failed.fault


def test_a_card_with_a_wrong_number_is_read_and_doubted(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident(number="440308199901101513"))
    plate.run(1)
    read = plate.host.posted[1]
    assert isinstance(read, CardRead)
    assert read.card.doubtful


def test_noise_on_the_wire_is_asked_again_and_the_card_is_read_all_the_same(plate: Plate) -> None:
    plate.run(1)
    plate.reader.put(sam_bench.resident())
    plate.reader.garble_next = 2
    plate.run(3)
    assert plate.events() == ["CardFound", "CardRead"]


def test_noise_before_a_reply_and_a_reply_in_single_bytes_do_no_harm() -> None:
    reader = sam_bench.Reader()
    clock = FakeClock()

    class Drip(MemoryTransport):
        def read(self, limit: int, wait_s: float) -> bytes | Fault:
            clock.advance(0.0001)
            return super().read(1, wait_s)

    def noisy(request: bytes) -> bytes | Fault:
        answer = reader(request)
        return answer if isinstance(answer, Fault) else b"\xaa\xaa\x96\x00\xaa" + answer

    wire = Drip(noisy, clock.advance)
    host = FakeHost(lambda: wire, clock)
    driver = IdReaderDriver(URL)
    assert isinstance(driver.connect(host), Identity)
    driver.handle(WatchForCard(), host)
    reader.put(sam_bench.resident())
    driver.run(host)
    assert host.kinds() == ["CardFound", "CardRead"]


def test_a_slow_line_is_waited_for_while_bytes_come() -> None:
    """A reading that begins late and takes longer on the wire than the answer may take to begin."""
    reader = sam_bench.Reader()
    clock = FakeClock()

    class Slow(MemoryTransport):
        def read(self, limit: int, wait_s: float) -> bytes | Fault:
            if len(self._incoming) > 100:
                clock.advance(0.04)
            return super().read(25, wait_s)

    wire = Slow(reader, clock.advance)
    host = FakeHost(lambda: wire, clock)
    driver = IdReaderDriver(URL)
    assert isinstance(driver.connect(host), Identity)
    driver.handle(WatchForCard(), host)
    reader.put(sam_bench.resident())

    def late(command: bytes) -> None:
        if command.hex() == "3001":
            clock.advance(2.5)

    reader.before_answer = late
    driver.run(host)
    assert host.kinds() == ["CardFound", "CardRead"]
    assert clock.now - 1000 > 3.5


@pytest.mark.parametrize("command", ["12ff", "2001", "2002", "3001", "3003"])
@pytest.mark.parametrize("silence_s", [0.6, 0.9])
def test_silence_in_the_middle_of_an_answer_is_waited_through(
    command: str, silence_s: float
) -> None:
    """A serial server on a slow network: what was asked is not asked again."""
    reader, clock = sam_bench.Reader(), FakeClock()
    reader.put(sam_bench.resident())
    rest: list[tuple[float, bytes]] = []

    def wait(seconds: float) -> None:
        if rest and rest[0][0] <= clock.now + seconds:
            at, data = rest.pop(0)
            clock.advance(max(0.0, at - clock.now))
            wire.deliver(data)
        else:
            clock.advance(seconds)

    def halved(request: bytes) -> bytes | Fault:
        answer = reader(request)
        if request[7:9].hex() != command or isinstance(answer, Fault):
            return answer
        half = len(answer) // 2
        rest.append((clock.now + silence_s, answer[half:]))
        return answer[:half]

    wire = MemoryTransport(halved, wait)
    host = FakeHost(lambda: wire, clock)
    driver = IdReaderDriver(URL)
    assert isinstance(driver.connect(host), Identity)
    driver.handle(WatchForCard(), host)
    driver.run(host)
    assert host.kinds() == ["CardFound", "CardRead"]
    assert reader.asked.count(bytes.fromhex(command)) == 1


@pytest.mark.parametrize(
    ("spoil", "within_s"),
    [
        (lambda answer: answer[:5] + b"\x0c" + answer[6:], 1.0),  # its length: no such answer
        (lambda answer: answer[:40] + answer[41:], 3.0),  # a byte is lost: it may still come
    ],
)
def test_after_a_spoilt_length_or_a_lost_byte_it_is_soon_asked_again(
    plate: Plate, spoil: Callable[[bytes], bytes], within_s: float
) -> None:
    plate.reader.put(sam_bench.resident())
    once = [spoil(sam_bench.base(sam_bench.resident()))]
    plate.reader.before_answer = lambda c: once.pop() if once and c.hex() == "3001" else None
    began = plate.clock.now
    plate.driver.run(plate.host)
    assert plate.events() == ["CardFound", "CardRead"]
    assert plate.clock.now - began < within_s


class Server:
    """A serial server: the reader behind it keeps what it knows when a connection is closed."""

    def __init__(self) -> None:
        self.reader, self.clock = sam_bench.Reader(), FakeClock()
        self.reader.put(sam_bench.resident())
        self.wires: list[MemoryTransport] = []
        self.host = FakeHost(self._open, self.clock)
        self.driver = IdReaderDriver("tcp://127.0.0.1:4001")
        self.gone = False
        self.closes_after: Callable[[bytes], bool] = lambda _command: False
        self.closes_before: Callable[[bytes], bool] = lambda _command: False

    def _open(self) -> MemoryTransport | Fault:
        if self.gone:
            return Fault(FaultCode.DISCONNECTED, "refused")
        wire = MemoryTransport(lambda request: self._serve(wire, request), self.clock.advance)
        self.wires.append(wire)
        return wire

    def _serve(self, wire: MemoryTransport, request: bytes) -> bytes | Fault:
        command = request[7:9]
        if self.closes_before(command):
            return sam_bench.LOST
        answer = self.reader(request)
        if self.closes_after(command):
            wire.lose()
        return answer

    def run(self, looks: int = 4) -> Down | None:
        self.driver.handle(WatchForCard(), self.host)
        for _ in range(looks):
            down = self.driver.run(self.host)
            if down is not None:
                return down
        return None


def test_a_server_that_closes_after_every_answer_is_opened_again_without_a_word() -> None:
    server = Server()
    server.closes_after = lambda _command: True
    assert isinstance(server.driver.connect(server.host), Identity)
    assert server.run(20) is None
    assert server.host.kinds() == ["CardFound", "CardRead"]
    assert server.host.reports == []


@pytest.mark.parametrize("command", ["12ff", "2001", "2002", "3001", "3003"])
def test_a_server_that_closes_once_before_an_answer_is_asked_again(command: str) -> None:
    server = Server()
    once = [bytes.fromhex(command)]
    server.closes_before = lambda asked: asked in once and once.remove(asked) is None
    assert isinstance(server.driver.connect(server.host), Identity)
    assert server.run() is None
    assert not once
    assert server.host.kinds() == ["CardFound", "CardRead"]


def test_a_reader_that_lost_its_card_with_the_connection_is_asked_from_the_beginning() -> None:
    server = Server()
    once = [bytes.fromhex("3001")]

    def closes(command: bytes) -> bool:
        if command not in once:
            return False
        once.remove(command)
        server.reader.put(
            sam_bench.resident()
        )  # as after a reset: it lies there, and is not selected
        return True

    server.closes_before = closes
    server.driver.connect(server.host)
    assert server.run(1) is None
    assert server.host.kinds() == ["CardFound", "CardRead"]


def test_a_server_that_is_gone_is_told_at_once_and_one_that_always_closes_soon() -> None:
    gone = Server()
    gone.driver.connect(gone.host)
    gone.run()
    gone.gone = True
    gone.wires[-1].lose()
    down = gone.run(1)
    assert isinstance(down, Down)
    assert down.status is Status.DISCONNECTED
    closing = Server()
    closing.driver.connect(closing.host)
    closing.closes_before = lambda _command: True
    assert isinstance(closing.run(), Down)
    assert len(closing.wires) <= 3


def test_a_serial_line_that_is_gone_is_not_opened_again_by_the_way() -> None:
    server = Server()
    server.driver = IdReaderDriver(URL)
    server.driver.connect(server.host)
    server.closes_before = lambda _command: True
    assert isinstance(server.run(), Down)
    assert len(server.wires) == 1


def test_a_reader_that_never_ends_its_frame_is_not_listened_to_for_ever() -> None:
    """A byte now and then keeps no citizen waiting for longer than the frame may take."""
    reader = sam_bench.Reader()
    clock = FakeClock()

    class Drip(MemoryTransport):
        def read(self, limit: int, wait_s: float) -> bytes | Fault:
            if not self._incoming and b"\x20\x01" in self.written:
                clock.advance(0.2)
                return b"\xaa\xaa\xaa\x96\x69\x0f\xff" if not wait_s else b"\x00"
            return super().read(limit, wait_s)

    wire = Drip(reader, clock.advance)
    host = FakeHost(lambda: wire, clock)
    driver = IdReaderDriver(URL)
    assert isinstance(driver.connect(host), Identity)
    reader.before_answer = lambda c: sam_bench.HEAD + b"\x0f\xff" if c.hex() == "2001" else None
    driver.handle(WatchForCard(), host)
    began = clock.now
    driver.run(host)
    assert host.kinds() == []
    assert clock.now - began < 30


def test_one_bad_look_is_no_proof_that_the_card_was_lifted(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    once = [sam_bench.reply(0x41)]
    plate.reader.before_answer = lambda c: once.pop() if once and c.hex() == "3003" else None
    plate.run(5)
    assert not once
    assert plate.events() == ["CardFound", "CardRead"]


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    """The answer to *find* comes after its time is up, a moment before the next question."""
    clock = FakeClock()
    reader = sam_bench.Reader()
    late = 0.0

    def wait(seconds: float) -> None:
        nonlocal late
        if 0 < late <= clock.now + seconds:
            clock.advance(max(0.0, late - clock.now))
            late = 0.0
            wire.deliver(sam_bench.reply(0x9F, bytes(4)))
        else:
            clock.advance(seconds)

    wire = MemoryTransport(reader, wait)
    host = FakeHost(lambda: wire, clock)
    driver = IdReaderDriver(URL)
    driver.connect(host)
    driver.handle(WatchForCard(), host)
    reader.before_answer = lambda _: b""
    driver.run(host)  # asks, and gives up
    reader.before_answer = lambda _: None
    driver.run(host)  # the pause between two looks
    late = clock.now + 0.1
    driver.run(host)
    assert late == 0.0, "it has come"
    assert host.posted == []


def test_after_watching_stops_a_card_is_neither_read_nor_told(plate: Plate) -> None:
    plate.run(1)
    plate.driver.handle(StopWatching(), plate.host)
    plate.reader.put(sam_bench.resident())
    plate.run(40)
    assert plate.events() == []


def test_the_card_somebody_left_behind_is_not_read_for_the_next_citizen(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    plate.driver.handle(StopWatching(), plate.host)
    plate.run(5)
    plate.host.posted.clear()
    plate.driver.handle(WatchForCard(), plate.host)
    plate.run(5)
    assert plate.events() == ["CardFailed"], "lift it and place it again"
    plate.reader.lift()
    plate.run(1)
    assert plate.events() == ["CardFailed", "CardRemoved"]


def test_a_card_lifted_while_nobody_watched_is_told_when_watching_begins(plate: Plate) -> None:
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    plate.driver.handle(StopWatching(), plate.host)
    plate.reader.lift()
    plate.host.posted.clear()
    plate.driver.handle(WatchForCard(), plate.host)
    plate.run(2)
    assert plate.events() == ["CardRemoved"]


def test_a_reader_that_is_switched_off_is_powered_off_not_broken(plate: Plate) -> None:
    plate.reader.on = False
    assert plate.run(10) == Down(Status.POWERED_OFF, "does not answer")


def test_a_reader_switched_off_while_nobody_watches_is_noticed() -> None:
    plate = Plate(watching=False)
    plate.reader.on = False
    assert plate.run(60) == Down(Status.POWERED_OFF, "does not answer")


@pytest.mark.parametrize("watching", [True, False])
def test_a_wire_that_spoils_everything_is_told_and_does_not_pass_for_ready(watching: bool) -> None:
    plate = Plate(watching=watching)
    plate.reader.garble_next = 10_000
    down = plate.run(60)
    assert down is not None, "nobody would ever learn why no card is read"
    assert down.status is Status.BROKEN


def test_a_disturbance_of_some_looks_is_no_loss(plate: Plate) -> None:
    for _ in range(6):
        plate.reader.garble_next = 9
        assert plate.run(10) is None


def test_a_reader_switched_off_at_night_is_known_soon_after_the_first_silence() -> None:
    plate = Plate(watching=False)
    plate.reader.on = False
    began = plate.clock.now
    assert plate.run(60) == Down(Status.POWERED_OFF, "does not answer")
    assert plate.clock.now - began < 20, "one check of 15 s, and a second look at once"


def test_a_pulled_cable_is_noticed_while_nobody_watches() -> None:
    plate = Plate(watching=False)
    plate.wire.lose()
    assert plate.run(60) == Down(Status.DISCONNECTED, "the wire was closed")


@pytest.mark.parametrize("sw3", [0x60, 0x66])
def test_a_security_module_that_refuses_is_broken(sw3: int) -> None:
    plate = Plate()
    plate.reader.before_answer = lambda _: sam_bench.reply(sw3)
    down = plate.run(5)
    assert down is not None
    assert down.status is Status.BROKEN


def reconnect(plate: Plate) -> None:
    plate.driver.disconnect()
    plate.wire = MemoryTransport(plate.reader, plate.clock.advance)
    plate.host._wire = lambda: plate.wire
    plate.host.posted.clear()
    assert isinstance(plate.driver.connect(plate.host), Identity)


def test_a_reader_that_comes_back_reads_the_card_that_it_lost_half_way() -> None:
    plate = Plate()
    plate.reader.put(sam_bench.resident())
    plate.reader.before_answer = lambda c: sam_bench.LOST if c.hex() == "3001" else None
    assert plate.run(1) is not None
    assert plate.events() == ["CardFound", "CardFailed"]
    plate.reader.before_answer = lambda _: None
    reconnect(plate)
    plate.run(1)
    assert plate.events() == ["CardFound", "CardRead"]


def test_a_reader_that_lost_its_memory_reads_the_card_that_still_lies_there_anew() -> None:
    plate = Plate()
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    plate.reader.put(sam_bench.resident())  # the field was off: as if laid down anew
    reconnect(plate)
    plate.run(2)
    assert plate.events() == ["CardRemoved", "CardFound", "CardRead"]


def test_a_reader_that_kept_its_memory_asks_for_the_card_to_be_lifted() -> None:
    plate = Plate()
    plate.reader.put(sam_bench.resident())
    plate.run(1)
    reconnect(plate)
    plate.run(2)
    assert plate.events() == ["CardFailed"]


def test_a_wish_to_watch_outlives_a_loss() -> None:
    reader = sam_bench.Reader()
    host, _, clock = memory_host(reader)
    driver = IdReaderDriver(URL)
    driver.decline(WatchForCard(), Fault(FaultCode.DISCONNECTED), host)
    driver.connect(host)
    reader.put(sam_bench.resident())
    while clock.now < 1002 and not host.posted:
        driver.run(host)
    assert host.kinds() == ["CardFound", "CardRead"]


READ_REPLY = sam_bench.base(sam_bench.resident())


@given(st.integers(0, len(READ_REPLY) - 1))
def test_the_cable_may_be_pulled_at_any_byte_of_a_card(at: int) -> None:
    plate = Plate()
    plate.run(0.5)
    plate.reader.put(sam_bench.resident())

    def pull(command: bytes) -> bytes | None:
        if command.hex() != "3001":
            return None
        plate.wire.lose()
        return READ_REPLY[:at]

    plate.reader.before_answer = pull
    down = plate.run(5)
    assert down == Down(Status.DISCONNECTED, "the wire was closed")
    assert plate.events() == ["CardFound", "CardFailed"], "what was begun is ended"


@given(st.integers(0, len(READ_REPLY) - 1), st.integers(1, 255))
def test_a_byte_garbled_anywhere_never_gives_a_wrong_card(at: int, change: int) -> None:
    plate = Plate()
    plate.reader.put(sam_bench.resident())
    garbled = bytearray(READ_REPLY)
    garbled[at] ^= change
    plate.reader.before_answer = lambda c: bytes(garbled) if c.hex() == "3001" else None
    plate.driver.run(plate.host)
    assert plate.events() == ["CardFound", "CardFailed"]


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=20))
def test_a_reader_that_sends_anything_at_all_ends_in_a_fault(answers: list[bytes]) -> None:
    turn = iter(answers * 20)
    host, _, clock = memory_host(lambda _: next(turn, b""))
    driver = IdReaderDriver(URL)
    began = clock.now
    assert isinstance(driver.connect(host), Identity | Down)
    driver.handle(WatchForCard(), host)
    for _ in range(5):
        driver.run(host)
    assert clock.now - began < 120


def test_stopping_ends_a_question_in_the_middle() -> None:
    plate = Plate()
    plate.reader.on = False
    plate.host.stop_at = plate.clock.now + 0.4
    plate.host.stop = Fault(FaultCode.CANCELLED)
    began = plate.clock.now
    assert plate.run(5) is not None
    assert plate.clock.now - began < 0.1


def test_over_a_real_line_with_a_thread_a_card_is_read_and_the_reader_unplugged() -> None:
    far, near = pty.openpty()
    reader = sam_bench.Reader()
    reader.put(sam_bench.resident())

    def serve() -> None:
        held = b""
        while True:
            try:
                held += os.read(far, 4096)
            except OSError:
                return
            while len(held) >= 7 and len(held) >= 7 + held[6]:
                request, held = held[: 7 + held[6]], held[7 + held[6] :]
                answer = reader(request)
                assert isinstance(answer, bytes)
                for start in range(0, len(answer), 100):  # in pieces, as a USB bridge does
                    os.write(far, answer[start : start + 100])
                if request[7:9].hex() == "3003":
                    os.close(far)
                    return

    server = threading.Thread(target=serve)
    server.start()
    posts = Posts()

    driver = IdReaderDriver(f"serial://{os.ttyname(near)}?baud=115200")
    worker = DeviceWorker(driver, posts, SystemClock(), RecordingLog())
    worker.start()
    posts.until_status(Status.READY)
    worker.submit(WatchForCard())
    read = posts.until(lambda event: isinstance(event, CardRead))
    assert isinstance(read, CardRead)
    assert read.card.number == sam_bench.RESIDENT_NUMBER
    os.close(near)
    posts.until_status(Status.DISCONNECTED)
    assert worker.stop(10)
    server.join(10)
    assert not server.is_alive()
