"""Guide lights: exactly the wanted ones are lit, on both kinds of board, and a board is never needed."""

from __future__ import annotations

import pytest
from driver_fakes import FakeClock, FakeHost, memory_host
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Fault, FaultCode, Identity, Status
from drivers.io_board.driver import IoBoardDriver
from drivers.io_board.protocol import Kind, answer_of, channel_map, crc, switch
from drivers.io_board.values import Buzz, Lamp, Light
from drivers.transport import MemoryTransport
from drivers.worker import Down

CHANNELS = {"reader": 1, "plate": 2, "fill_light": 2, "printer": 3, "beeper": 4}


@pytest.mark.parametrize(
    ("kind", "channel", "on", "wire"),
    [
        (Kind.RELAY, 1, True, "a00101a2"),
        (Kind.RELAY, 2, False, "a00200a2"),
        (Kind.MODBUS, 1, True, "01050000ff008c3a"),
        (Kind.MODBUS, 1, False, "010500000000cdca"),
    ],
)
def test_a_channel_as_bytes_written_by_hand(kind: Kind, channel: int, on: bool, wire: str) -> None:
    assert switch(kind, 1, channel, on) == bytes.fromhex(wire)


@given(st.integers(1, 247), st.integers(1, 32), st.booleans(), st.binary(max_size=6))
def test_a_board_has_done_what_it_says_again(
    address: int, channel: int, on: bool, noise: bytes
) -> None:
    sent = switch(Kind.MODBUS, address, channel, on)
    assert crc(sent[:6]) == sent[6:]
    assert answer_of(sent, noise + sent) is True
    if noise[:2] != bytes([address, 0x85]):
        assert answer_of(sent, sent[:5]) is None
    refusal = bytes([address, 0x85, 2])
    assert answer_of(sent, refusal + crc(refusal)) == Fault(
        FaultCode.REFUSED, "the board says no: 2"
    )


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_a_fault_or_too_few(heard: bytes) -> None:
    answer = answer_of(switch(Kind.MODBUS, 1, 1, True), heard)
    assert answer is True or answer is None or isinstance(answer, Fault)
    if len(heard) > 32:
        assert answer is not None


@pytest.mark.parametrize(
    ("table", "named"),
    [({"lamp": 1}, "'lamp'"), ({"reader": 0}, "reader"), ({"plate": 33}, "plate")],
)
def test_a_wrong_map_names_the_entry(table: dict[str, int], named: str) -> None:
    fault = channel_map(table)
    assert isinstance(fault, Fault)
    assert named in fault.detail
    host, _, _ = memory_host(lambda _: b"")
    assert IoBoardDriver("serial:///dev/x", table).connect(host) == Down(
        Status.BROKEN, fault.detail
    )


class Board:
    """A board of either kind, and what is on."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.on: set[int] = set()
        self.history: list[tuple[int, bool]] = []
        self.spoils = 0
        self.mute = False
        self.clock = FakeClock()
        self.wire = MemoryTransport(self._handle, self.clock.advance)
        self.host = FakeHost(lambda: self.wire, self.clock)
        self.driver = IoBoardDriver("serial:///dev/x", CHANNELS, kind)

    def _handle(self, data: bytes) -> bytes:
        if self.mute:
            return b""
        if self.kind is Kind.RELAY:
            channel, on, answer = data[1], bool(data[2]), b""
        else:
            channel, on, answer = data[3] + 1, data[4] == 0xFF, data
        self.history.append((channel, on))
        (self.on.add if on else self.on.discard)(channel)
        if self.spoils:
            self.spoils -= 1
            return bytes([answer[0] ^ 1]) + answer[1:]
        return answer


@pytest.fixture(params=list(Kind))
def board(request: pytest.FixtureRequest) -> Board:
    board = Board(request.param)
    board.on = {1, 3}  # left on by somebody
    assert isinstance(board.driver.connect(board.host), Identity)
    return board


def test_a_board_is_dark_when_it_is_found_and_when_it_is_left(board: Board) -> None:
    assert board.on == set()
    board.driver.handle(Light(frozenset({Lamp.READER})), board.host)
    board.driver.disconnect()
    assert board.on == set()
    assert board.wire.closed


@given(st.lists(st.frozensets(st.sampled_from(Lamp)), max_size=6), st.sampled_from(Kind))
def test_exactly_the_wanted_lamps_are_lit(wishes: list[frozenset[Lamp]], kind: Kind) -> None:
    board = Board(kind)
    board.driver.connect(board.host)
    for wish in wishes:
        assert board.driver.handle(Light(wish), board.host) is None
        assert board.on == {
            CHANNELS[lamp] for lamp in wish if lamp in CHANNELS and lamp is not Lamp.BEEPER
        }


def test_what_is_lit_already_is_not_switched_again(board: Board) -> None:
    board.driver.handle(Light(frozenset({Lamp.READER})), board.host)
    board.history.clear()
    board.driver.handle(Light(frozenset({Lamp.READER, Lamp.PRINTER})), board.host)
    assert board.history == [(3, True)]


def test_a_beep_is_on_for_a_moment_and_off_again(board: Board) -> None:
    board.history.clear()
    began = board.clock.now
    board.driver.handle(Buzz(150), board.host)
    assert board.history == [(4, True), (4, False)]
    assert board.clock.now - began == pytest.approx(0.15)
    board.driver.handle(Buzz(99_999), board.host)
    assert board.clock.now - began < 2


def test_a_spoilt_answer_is_asked_for_again_and_silence_is_unknown() -> None:
    board = Board(Kind.MODBUS)
    board.driver.connect(board.host)
    board.spoils = 1
    assert board.driver.handle(Light(frozenset({Lamp.READER})), board.host) is None
    board.mute = True
    down = board.driver.handle(Light(frozenset()), board.host)
    assert isinstance(down, Down)
    assert (down.status, down.reason) == (Status.UNKNOWN, "does not answer")


def test_a_board_that_comes_back_shows_what_is_wanted_now(board: Board) -> None:
    board.wire.lose()
    assert board.driver.run(board.host) == Down(Status.DISCONNECTED, "the wire was closed")
    board.driver.disconnect()
    wish = Light(frozenset({Lamp.PLATE}))
    assert board.driver.decline(wish, Fault(FaultCode.DISCONNECTED), board.host) is None
    board.wire = MemoryTransport(board._handle, board.clock.advance)
    board.driver.connect(board.host)
    assert board.on == {2}
    missed = board.driver.decline(Buzz(), Fault(FaultCode.DISCONNECTED), board.host)
    assert missed == Fault(FaultCode.DISCONNECTED)
