"""The rating keypad: each make is data, presses of a person are told from all else, only while asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from driver_fakes import FakeClock, FakeHost, memory_host
from evdev_wire import SocketDevice, event, press
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Fault, FaultCode, Identity, Status
from drivers.keypad.driver import KeypadDriver, load_make, makes
from drivers.keypad.protocol import (
    GHOST_S,
    MAX_PAYLOAD_BYTES,
    Check,
    Frame,
    Make,
    Order,
    PressFilter,
    SignalReader,
    WireKind,
    read_make,
)
from drivers.keypad.values import KeyPressed, ListenForKeys, StopListening
from drivers.transport import MemoryTransport
from drivers.worker import Down

KEYS = {"35": "5", "34": "4", "33": "3", "32": "2", "31": "1", "30": "skip"}


def make_of(name: str, keys: Mapping[str, str] | None = None) -> Make:
    make = load_make(name, keys)
    assert isinstance(make, Make), make
    return make


def presses(*pieces: tuple[float, bytes]) -> list[str]:
    make = make_of("digits")
    taken, reader = PressFilter(make.keys), SignalReader(make)
    taken.enable(-100.0)
    return [key for at, piece in pieces for key in taken.feed(reader.feed(piece), at)]


# -- presses ------------------------------------------------------------------------


def test_each_key_of_the_map_is_told() -> None:
    assert presses((0, b"5"), (1, b"1"), (2, b"0")) == ["5", "1", "skip"]


def test_a_bouncing_key_is_one_press() -> None:
    assert presses((0, b"55"), (0.1, b"5"), (0.25, b"5")) == ["5"]


def test_a_key_held_for_ten_seconds_is_one_press() -> None:
    assert presses(*[(i * 0.1, b"4") for i in range(100)]) == ["4"]


def test_two_presses_are_two() -> None:
    assert presses((0, b"5"), (0.31, b"5"), (0.45, b"3")) == ["5", "5", "3"]


def test_a_palm_on_two_keys_presses_the_first_only() -> None:
    assert presses((0, b"5"), (0.05, b"4"), (0.09, b"3")) == ["5"]


def test_a_key_that_comes_with_the_lamps_is_a_ghost() -> None:
    taken = PressFilter({b"5": "5"})
    assert taken.feed([b"5"], 0.0) == [], "nobody is asked"
    taken.enable(10.0)
    assert taken.feed([b"5"], 10.0 + GHOST_S - 0.01) == []
    assert taken.feed([b"5"], 11.0) == ["5"]
    taken.disable()
    assert taken.feed([b"5"], 12.0) == []


def test_a_key_held_since_before_anybody_was_asked_is_no_rating() -> None:
    taken = PressFilter({b"1": "1"})
    for tenth in range(80):
        if tenth == 20:
            taken.enable(2.0)
        assert taken.feed([b"1"], tenth / 10) == []


@given(st.binary(max_size=40))
def test_bytes_no_key_sends_are_noise(noise: bytes) -> None:
    assert presses((0, bytes(b for b in noise if b not in b"012345"))) == []


# -- makes ----------------------------------------------------------------------------


def test_the_makes_that_ship() -> None:
    assert makes() == ("digits", "framed_sum", "framed_xor", "numbers", "typing")
    for name in makes():
        assert set(make_of(name).keys.values()) >= {"5", "4", "3", "2", "1"}


@pytest.mark.parametrize(
    ("name", "wire", "key"),
    [
        ("digits", "35", "5"),
        ("numbers", "05", "1"),
        ("framed_xor", "aa55 02 0102 fe", "4"),
        ("framed_sum", "02 3535 6a 03", "5"),
        ("typing", "0002", "1"),
    ],
)
def test_a_key_of_each_make_as_bytes_written_by_hand(name: str, wire: str, key: str) -> None:
    make = make_of(name)
    [signal] = SignalReader(make).feed(bytes.fromhex(wire))
    assert make.keys[signal] == key


def test_lamps_and_voice_of_a_make_as_bytes_written_by_hand() -> None:
    make = make_of("framed_xor")
    assert make.encode(Order.ENABLE) == bytes.fromhex("aa55 02 101f f2 aa55 02 2001 dc")
    assert make.encode(Order.THANK) == bytes.fromhex("aa55 02 2002 df")
    assert make_of("digits").encode(Order.ENABLE) == b""


frames = st.one_of(
    st.builds(
        Frame,
        st.binary(min_size=1, max_size=3),
        st.just(True),
        st.just(0),
        st.sampled_from(Check),
        st.binary(max_size=2),
    ),
    st.builds(
        Frame,
        st.binary(min_size=1, max_size=3),
        st.just(False),
        st.integers(1, 4),
        st.sampled_from(Check),
        st.binary(max_size=2),
    ),
)


@given(frames, st.data())
def test_frames_of_any_shape_are_read_back_however_they_are_cut(
    frame: Frame, data: st.DataObject
) -> None:
    size = frame.payload_bytes or data.draw(st.integers(1, 6))
    payloads = st.binary(min_size=size, max_size=size)
    keys = data.draw(st.lists(payloads, min_size=1, max_size=4, unique=True))
    sent = data.draw(st.lists(st.sampled_from(keys), max_size=8))
    stream = b"".join(frame.encode(payload) for payload in sent)
    reader = SignalReader(Make("", dict.fromkeys(keys, "5"), frame=frame))
    found: list[bytes] = []
    while stream:
        cut = data.draw(st.integers(1, 9))
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert found == sent


@given(frames, st.binary(max_size=200))
def test_any_bytes_leave_less_than_a_frame_behind(frame: Frame, noise: bytes) -> None:
    size = frame.payload_bytes or 2
    reader = SignalReader(Make("", {bytes(size): "5"}, frame=frame))
    for signal in reader.feed(noise):
        assert signal == bytes(size)
    assert len(reader._buffer) <= MAX_PAYLOAD_BYTES + 8
    reader.silence()
    assert reader.feed(frame.encode(bytes(size))) == [bytes(size)]


@given(st.sampled_from(["framed_xor", "framed_sum"]), st.data())
def test_a_frame_with_a_flipped_bit_presses_no_key(name: str, data: st.DataObject) -> None:
    make = make_of(name)
    assert make.frame is not None
    good = make.frame.encode(data.draw(st.sampled_from(sorted(make.keys))))
    at = data.draw(st.integers(0, 8 * len(good) - 1))
    spoilt = bytearray(good)
    spoilt[at // 8] ^= 1 << at % 8
    assert SignalReader(make).feed(bytes(spoilt)) == []


def test_noise_before_a_frame_is_passed_over() -> None:
    reader = SignalReader(make_of("framed_xor"))
    frame = bytes.fromhex("aa5502 0101 fd")
    assert reader.feed(b"\xaa\xaa\x55\x7f\xaa" + frame) == [b"\x01\x01"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("keys = 3", "table"),
        ("x = 1\n[keys]\n35 = '5'", "'x'"),
        ("[keys]\nGG = '5'", "'GG'"),
        ("[keys]\n35 = 'six'", "'six'"),
        ("[keys]\n3a = '5'\n3A = '4'", "twice"),
        ("[keys]", "no keys"),
        ("wire = 'usb'\n[keys]\n35 = '5'", "wire"),
        ("[keys]\n35 = '5'\n'01 02' = '4'", "as long"),
        ("wire = 'evdev'\n[keys]\n35 = '5'", "two bytes"),
        ("[frame]\nheader = ''\n[keys]\n35 = '5'", "header"),
        ("[frame]\nheader = '02'\n[keys]\n35 = '5'", "either"),
        ("[frame]\nheader = '02'\npayload_bytes = 2\n[keys]\n35 = '5'", "payload_bytes"),
        ("[frame]\nheader = '02'\nlength = true\ncheck = 'crc'\n[keys]\n35 = '5'", "check"),
        ("[keys]\n35 = '5'\n[commands]\ndance = ['01']", "commands"),
        ("[keys]\n35 = '5'\n[commands]\nenable = '01'", "commands.enable"),
        ("[keys", "TOML"),
    ],
)
def test_a_wrong_file_names_the_entry(text: str, named: str) -> None:
    fault = read_make(text)
    assert isinstance(fault, Fault)
    assert named in fault.detail


@given(st.text(max_size=200))
def test_any_text_is_a_make_or_a_fault(text: str) -> None:
    assert isinstance(read_make(text), Make | Fault)


@pytest.mark.parametrize(
    ("keys", "named"),
    [({"5x": "5"}, "'5x'"), ({"35": "six"}, "'six'"), ({"3a": "5", "3A": "4"}, "twice")],
)
def test_a_wrong_map_of_the_settings_is_told_and_nothing_is_opened(
    keys: dict[str, str], named: str
) -> None:
    host, _, _ = memory_host(lambda _: b"")
    down = KeypadDriver("serial:///dev/example", keys).connect(host)
    assert isinstance(down, Down)
    assert (down.status, host.opened) == (Status.BROKEN, [])
    assert named in down.reason


def test_a_file_of_the_site_is_a_make_too(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text("[keys]\n'F1' = '5'\n", encoding="utf-8")
    assert make_of(str(file)).keys == {b"\xf1": "5"}
    for wrong in ("none_such", str(tmp_path / "none.toml"), "../driver"):
        assert isinstance(load_make(wrong), Fault)


# -- the driver -------------------------------------------------------------------------


def keypad(make: str = "digits") -> tuple[KeypadDriver, FakeHost, MemoryTransport, FakeClock]:
    host, wire, clock = memory_host(lambda _: b"")
    driver = KeypadDriver("serial:///dev/example", make=make)
    assert isinstance(driver.connect(host), Identity)
    return driver, host, wire, clock


def test_keys_count_only_while_somebody_is_asked_to_rate() -> None:
    driver, host, wire, clock = keypad()
    wire.deliver(b"1")
    driver.run(host)
    driver.handle(ListenForKeys(), host)
    clock.advance(1)
    wire.deliver(b"5\x00\xff5")
    driver.run(host)
    driver.handle(StopListening(), host)
    clock.advance(1)
    wire.deliver(b"2")
    driver.run(host)
    assert host.posted == [KeyPressed("5")]
    wire.lose()
    assert driver.run(host) == Down(Status.DISCONNECTED, "the wire was closed")


def test_the_keypad_is_told_when_somebody_is_asked_and_to_thank() -> None:
    driver, host, wire, _ = keypad("framed_xor")
    make = make_of("framed_xor")
    assert wire.written == make.encode(Order.DISABLE), "dark until somebody is asked"
    wire.written.clear()
    driver.handle(ListenForKeys(), host)
    driver.handle(ListenForKeys(), host)
    assert wire.written == make.encode(Order.ENABLE)
    wire.written.clear()
    driver.handle(StopListening(thank=True), host)
    assert wire.written == make.encode(Order.THANK) + make.encode(Order.DISABLE)


def test_a_keypad_that_comes_back_while_somebody_rates_is_lit_again() -> None:
    driver, host, wire, clock = keypad("framed_xor")
    driver.handle(ListenForKeys(), host)
    wire.lose()
    assert isinstance(driver.run(host), Down)
    driver.disconnect()
    again = MemoryTransport(lambda _: b"", clock.advance)
    host._wire = lambda: again
    driver.connect(host)
    assert again.written == make_of("framed_xor").encode(Order.ENABLE)
    assert driver.decline(StopListening(), Fault(FaultCode.DISCONNECTED), host) is None


def test_a_stuck_key_is_told_and_told_off_when_it_is_free_again() -> None:
    driver, host, wire, clock = keypad()
    driver.handle(ListenForKeys(), host)
    clock.advance(1)
    for _ in range(120):
        wire.deliver(b"3")
        driver.run(host)
        clock.advance(0.1)
    assert host.posted == [KeyPressed("3")]
    assert host.reports == [(Status.BROKEN, "key 3 is stuck")] * len(host.reports)
    assert host.reports
    driver.run(host)
    assert host.reports[-1] == (Status.READY, "")


def test_half_a_frame_is_forgotten_after_a_silence() -> None:
    driver, host, wire, clock = keypad("framed_sum")
    driver.handle(ListenForKeys(), host)
    clock.advance(1)
    wire.deliver(b"\x02\x35")
    driver.run(host)
    driver.run(host)
    wire.deliver(bytes.fromhex("02343468 03"))
    driver.run(host)
    assert host.posted == [KeyPressed("4")]


def test_a_keypad_that_types_is_read_exclusively_key_by_key() -> None:
    device, clock = SocketDevice(), FakeClock()
    host = FakeHost(device.wire, clock)
    driver = KeypadDriver("evdev:///dev/input/by-id/usb-KEYPAD", make="typing")
    assert isinstance(driver.connect(host), Identity)
    driver.handle(ListenForKeys(), host)
    clock.advance(1)
    device.send(press(79) + event(1, 79, 2) + press(30))  # 1 of the block, held; A is no key
    driver.run(host)
    assert host.posted == [KeyPressed("1")]
    driver.disconnect()
    device.unplug()


@pytest.mark.parametrize(
    ("url", "make"),
    [("serial:///dev/x", "typing"), ("evdev:///dev/x", "digits"), ("hid://0001:0002", "typing")],
)
def test_a_make_on_the_wrong_kind_of_wire_is_told(url: str, make: str) -> None:
    host, _, _ = memory_host(lambda _: b"")
    down = KeypadDriver(url, make=make).connect(host)
    assert isinstance(down, Down)
    assert (down.status, host.opened) == (Status.BROKEN, [])
    assert make_of(make).wire in list(WireKind)


def test_a_keypad_that_is_not_there_is_disconnected() -> None:
    host, _, _ = memory_host(lambda _: b"")
    host._wire = lambda: Fault(FaultCode.DISCONNECTED, "/dev/example: no such device")
    down = KeypadDriver("serial:///dev/example", KEYS).connect(host)
    assert down == Down(Status.DISCONNECTED, "/dev/example: no such device")
