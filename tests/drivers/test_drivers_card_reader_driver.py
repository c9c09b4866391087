"""The smart card reader's driver against cards and a PC/SC service in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from driver_fakes import FakeClock, FakeHost, Posts, RecordingLog

from drivers.card_reader.driver import CardReaderDriver
from drivers.card_reader.pcsc import Connected, Look, Slot
from drivers.card_reader.values import (
    CardAnswer,
    SmartCardFailed,
    SmartCardInserted,
    SmartCardRead,
    SmartCardRemoved,
    SocialCard,
    StopWatchingSmartCard,
    Transmit,
    WatchForSmartCard,
)
from drivers.device import Fault, FaultCode, Identity, Status
from drivers.worker import DeviceWorker, Down
from kiosk.identity.social_card import social_layout
from rehearsal.emulators.smart_card_files import Card, card_of

SOCIAL = {"name": "王小明", "id_number": "11010519491231002X", "birth": "1949-12-31"}
READER = "Made Up Reader 00 00"


@dataclass
class MemoryPcsc:
    """A PC/SC service whose reader and cards the test moves."""

    card: Card | None = None
    slot: Slot = Slot.EMPTY
    count: int = 0
    plugged: bool = True
    lost: Fault | None = None
    opened: Fault | None = None
    pull_at: int = 0  # at this many commands from now
    noise_at: int = 0
    powered: bool = False
    commands: list[bytes] = field(default_factory=list)
    closed: int = 0

    def insert(self, card: Card, slot: Slot = Slot.CARD) -> None:
        self.card, self.slot, self.count = card, slot, self.count + 1

    def remove(self) -> None:
        self.card, self.slot, self.count = None, Slot.EMPTY, self.count + 1

    def open(self) -> Fault | None:
        return self.opened

    def readers(self) -> tuple[str, ...] | Fault:
        return self.lost or ((READER,) if self.plugged else ())

    def wait(self, reader: str, before: Look | None, wait_s: float) -> Look | Fault:
        if self.lost is not None:
            return self.lost
        if not self.plugged:
            return Look(Slot.GONE)
        return Look(self.slot, self.count, self.card.atr if self.card else b"")

    def wait_for_readers(self, wait_s: float) -> Fault | None:
        return self.lost

    def wake(self) -> None: ...

    def connect(self, reader: str) -> Connected | Fault:
        if self.card is None:
            return Fault(FaultCode.CARD_LIFTED)
        self.powered = True
        self.card.reset()
        return Connected(self.card.t0)

    def transmit(self, command: bytes) -> bytes | Fault:
        self.commands.append(command)
        if self.lost is not None:
            return self.lost
        self.pull_at -= 1
        if self.pull_at == 0:
            self.remove()
        self.noise_at -= 1
        if self.card is None or self.noise_at == 0:
            return b""
        return self.card.answer(command)

    def disconnect(self) -> None:
        self.powered = False

    def close(self) -> None:
        self.powered = False
        self.closed += 1


@pytest.fixture
def pcsc() -> MemoryPcsc:
    return MemoryPcsc()


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(lambda: Fault(FaultCode.BAD_INPUT), FakeClock())


@pytest.fixture
def driver(pcsc: MemoryPcsc, host: FakeHost) -> CardReaderDriver:
    """Connected, with an empty slot, and looking."""
    driver = CardReaderDriver("pcsc://Made Up Reader", social_layout(), lambda: pcsc)
    assert driver.connect(host) == Identity("PC/SC", READER)
    return driver


def look(driver: CardReaderDriver, host: FakeHost, times: int = 1) -> Down | None:
    down = None
    for _ in range(times):
        down = driver.run(host)
    return down


def test_a_card_is_told_read_and_told_again_when_it_is_out(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver.handle(WatchForSmartCard(), host)
    look(driver, host, 2)
    assert host.posted == []
    pcsc.insert(card_of(SOCIAL))
    look(driver, host, 3)  # told once, however often one looks
    inserted, read = host.posted
    assert inserted == SmartCardInserted(1)
    assert isinstance(read, SmartCardRead) and isinstance(read.content, SocialCard)
    assert read.content.name == "王小明"
    pcsc.remove()
    look(driver, host, 2)
    assert host.posted[2:] == [SmartCardRemoved(1)]
    assert host.reports == [(Status.READY, "")]


def test_nobody_watches_nothing_is_read(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    pcsc.insert(card_of(SOCIAL))
    look(driver, host, 3)
    assert host.posted == [] and pcsc.commands == []


def test_a_card_put_in_before_the_page_came_is_read_when_it_comes(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    driver.handle(WatchForSmartCard(), host)
    assert host.kinds() == ["SmartCardInserted", "SmartCardRead"]


def test_the_card_of_somebody_who_left_is_not_read_for_the_next_one(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver.handle(WatchForSmartCard(), host)
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    driver.handle(StopWatchingSmartCard(), host)
    assert not pcsc.powered
    asked = len(pcsc.commands)
    driver.handle(WatchForSmartCard(), host)
    look(driver, host, 2)
    assert len(pcsc.commands) == asked
    assert host.kinds() == [
        "SmartCardInserted",
        "SmartCardRead",
        "SmartCardInserted",
        "SmartCardFailed",
    ]
    failed = host.posted[-1]
    assert isinstance(failed, SmartCardFailed) and failed.fault.detail == "lies there from before"
    pcsc.remove()
    look(driver, host)
    pcsc.insert(card_of({**SOCIAL, "name": "李四"}))
    look(driver, host)
    assert host.kinds()[4:] == ["SmartCardRemoved", "SmartCardInserted", "SmartCardRead"]


def test_two_cards_in_quick_turn_are_two_cards(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver.handle(WatchForSmartCard(), host)
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    pcsc.remove()
    pcsc.insert(card_of({**SOCIAL, "name": "李四"}))  # before anybody looked
    look(driver, host)
    assert host.kinds()[2:] == ["SmartCardRemoved", "SmartCardInserted", "SmartCardRead"]
    read = host.posted[-1]
    assert isinstance(read, SmartCardRead) and isinstance(read.content, SocialCard)
    assert read.content.name == "李四" and read.card == 2


@pytest.mark.parametrize("command", [1, 2, 7, 12])
def test_a_card_pulled_out_in_the_middle_is_told_as_that(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost, command: int
) -> None:
    driver.handle(WatchForSmartCard(), host)
    pcsc.pull_at = command
    pcsc.insert(card_of(SOCIAL))
    assert look(driver, host) is None  # the reader itself is well
    failed = host.posted[-1]
    assert isinstance(failed, SmartCardFailed) and failed.fault.code is FaultCode.CARD_LIFTED
    look(driver, host)
    assert host.kinds() == ["SmartCardInserted", "SmartCardFailed", "SmartCardRemoved"]
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    assert host.kinds()[3:] == ["SmartCardInserted", "SmartCardRead"]


def test_noise_between_card_and_reader_is_read_over(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver.handle(WatchForSmartCard(), host)
    pcsc.noise_at = 5
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    assert host.kinds() == ["SmartCardInserted", "SmartCardRead"]


def test_a_card_that_lies_upside_down_is_told_and_the_reader_stays_ready(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver.handle(WatchForSmartCard(), host)
    pcsc.insert(card_of(SOCIAL), Slot.MUTE)
    assert look(driver, host, 2) is None
    failed = host.posted[-1]
    assert isinstance(failed, SmartCardFailed) and failed.fault.code is FaultCode.CARD_UNREADABLE
    assert "upside down" in failed.fault.detail
    assert host.reports == [(Status.READY, "")]
    pcsc.remove()
    look(driver, host)
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    assert host.kinds()[-1] == "SmartCardRead"


def test_a_card_that_asks_for_ever_more_time_is_given_up(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    slow = card_of(SOCIAL)
    answer = slow.answer
    slow_pcsc = pcsc.transmit

    def transmit(command: bytes) -> bytes | Fault:
        host.clock.advance(3.0)
        return slow_pcsc(command)

    pcsc.transmit = transmit  # type: ignore[method-assign]
    driver.handle(WatchForSmartCard(), host)
    pcsc.insert(slow)
    assert look(driver, host) is None
    failed = host.posted[-1]
    assert isinstance(failed, SmartCardFailed) and failed.fault.code is FaultCode.TIMED_OUT
    assert answer is not None


def test_a_reader_pulled_out_and_plugged_in_again_is_found_without_a_rest(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver.handle(WatchForSmartCard(), host)
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    pcsc.plugged = False
    assert look(driver, host, 3) is None  # stays with PC/SC, and waits there
    assert host.kinds()[-1] == "SmartCardRemoved"
    assert [status for status, _ in host.reports][:2] == [Status.READY, Status.DISCONNECTED]
    pcsc.remove()
    pcsc.plugged = True
    look(driver, host)
    assert host.reports[-1] == (Status.READY, "")
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    assert host.kinds()[-1] == "SmartCardRead"  # the wish to watch was kept


def test_no_reader_at_the_start_is_said_with_those_that_are_there(
    pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver = CardReaderDriver("pcsc://Another", social_layout(), lambda: pcsc)
    assert isinstance(driver.connect(host), Identity)
    assert host.reports == [
        (Status.DISCONNECTED, f"no reader Another is plugged in; there are: {READER}")
    ]


def test_a_service_that_ends_takes_the_connection_down_and_the_card_with_it(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver.handle(WatchForSmartCard(), host)
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    pcsc.lost = Fault(FaultCode.DEVICE_LOST, "the PC/SC service (pcscd) does not answer")
    down = look(driver, host)
    assert isinstance(down, Down) and down.status is Status.DISCONNECTED
    assert "pcscd" in down.reason
    driver.disconnect()
    assert pcsc.closed == 1
    assert host.kinds()[-1] == "SmartCardRemoved"


def test_a_service_that_ends_while_a_card_is_read_is_a_fault_and_a_loss(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver.handle(WatchForSmartCard(), host)
    pcsc.insert(card_of(SOCIAL))
    answer = pcsc.transmit

    def dies(command: bytes) -> bytes | Fault:
        if len(pcsc.commands) == 4:
            pcsc.lost = Fault(FaultCode.DEVICE_LOST, "the PC/SC service (pcscd) does not answer")
        return answer(command)

    pcsc.transmit = dies  # type: ignore[method-assign]
    down = look(driver, host)
    assert isinstance(down, Down)
    failed = host.posted[-1]
    assert isinstance(failed, SmartCardFailed) and failed.fault.code is FaultCode.DEVICE_LOST


def test_no_service_and_a_wrong_address_are_different_things(
    pcsc: MemoryPcsc, host: FakeHost
) -> None:
    pcsc.opened = Fault(FaultCode.DEVICE_LOST, "the PC/SC service (pcscd) does not answer")
    down = CardReaderDriver("pcsc://Any", social_layout(), lambda: pcsc).connect(host)
    assert isinstance(down, Down) and down.status is Status.DISCONNECTED
    down = CardReaderDriver("pcsc://", social_layout(), lambda: pcsc).connect(host)
    assert isinstance(down, Down) and down.status is Status.BROKEN


# -- commands that are passed through ----------------------------------------------


def test_a_command_is_passed_to_the_card_that_was_read_and_to_no_other(
    driver: CardReaderDriver, pcsc: MemoryPcsc, host: FakeHost
) -> None:
    select = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
    assert driver.handle(Transmit(1, select), host) == Fault(
        FaultCode.CARD_LIFTED, "the card is out"
    )
    driver.handle(WatchForSmartCard(), host)
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    answer = driver.handle(Transmit(1, select), host)
    assert isinstance(answer, CardAnswer) and answer.status_word == 0x9000
    assert answer.data.hex() not in repr(answer)
    pcsc.remove()
    pcsc.insert(card_of(SOCIAL))
    other = driver.handle(Transmit(1, select), host)
    assert isinstance(other, Fault) and other.code is FaultCode.CARD_LIFTED
    assert driver.handle(Transmit(2, b"\x00"), host) == Fault(
        FaultCode.BAD_INPUT, "a command has four bytes at least"
    )


def test_a_command_ends_the_wait_for_a_card(pcsc: MemoryPcsc) -> None:
    woken, waits = threading.Event(), threading.Event()

    def wait(reader: str, before: Look | None, wait_s: float) -> Look | Fault:
        waits.set()
        if before is not None and wait_s:
            assert woken.wait(10.0)  # for ever, but for a wake
            woken.clear()
        return Look(Slot.EMPTY)

    pcsc.wait = wait  # type: ignore[method-assign]
    pcsc.wake = woken.set  # type: ignore[method-assign]
    posts, log = Posts(), RecordingLog()
    driver = CardReaderDriver("pcsc://Made Up", social_layout(), lambda: pcsc)
    worker = DeviceWorker(driver, posts, FakeClock(), log)
    worker.start()
    posts.until_status(Status.READY)
    assert waits.wait(10.0)
    assert worker.submit(WatchForSmartCard()).result(10.0) is None
    assert worker.submit(StopWatchingSmartCard()).result(10.0) is None
    assert worker.stop()
    assert log.of("unexpected") == []


def test_without_a_reader_the_wish_is_kept_and_a_command_is_refused(
    pcsc: MemoryPcsc, host: FakeHost
) -> None:
    driver = CardReaderDriver("pcsc://Made Up", social_layout(), lambda: pcsc)
    away = Fault(FaultCode.DISCONNECTED)
    assert driver.decline(WatchForSmartCard(), away, host) is None
    assert driver.decline(Transmit(1, b"\x00\x20\x00\x82"), away, host) == away
    driver.connect(host)
    pcsc.insert(card_of(SOCIAL))
    look(driver, host)
    assert host.kinds() == ["SmartCardInserted", "SmartCardRead"]
