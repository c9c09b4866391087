"""A key pressed is one press: a bounce, a held key and noise are not."""

from __future__ import annotations

import pytest
from driver_fakes import memory_host
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Fault, FaultCode, Identity, Status
from drivers.keypad.driver import KeypadDriver
from drivers.keypad.protocol import PressFilter, key_map
from drivers.keypad.values import KeyPressed
from drivers.worker import Down

KEYS = {"35": "5", "34": "4", "33": "3", "32": "2", "31": "1", "30": "skip"}


def presses(*pieces: tuple[float, bytes]) -> list[str]:
    keys = key_map(KEYS)
    assert not isinstance(keys, Fault)
    taken = PressFilter(keys)
    return [key for at, piece in pieces for key in taken.feed(piece, at)]


def test_each_key_of_the_map_is_told() -> None:
    assert presses((0, b"5"), (1, b"1"), (2, b"0")) == ["5", "1", "skip"]


def test_a_bouncing_key_is_one_press() -> None:
    assert presses((0, b"55"), (0.1, b"5"), (0.25, b"5")) == ["5"]


def test_a_key_held_for_ten_seconds_is_one_press() -> None:
    assert presses(*[(i * 0.1, b"4") for i in range(100)]) == ["4"]


def test_two_presses_are_two() -> None:
    assert presses((0, b"5"), (0.31, b"5"), (0.4, b"3")) == ["5", "5", "3"]


@given(st.binary(max_size=40))
def test_bytes_no_key_sends_are_noise(noise: bytes) -> None:
    assert presses((0, bytes(b for b in noise if b not in b"012345"))) == []


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"5": "5"}, "'5'"),
        ({"GG": "5"}, "'GG'"),
        ({"35": "six"}, "'six'"),
        ({"3a": "5", "3A": "4"}, "twice"),
        ({}, "no keys"),
    ],
)
def test_a_wrong_map_names_the_entry(keys: dict[str, str], named: str) -> None:
    fault = key_map(keys)
    assert isinstance(fault, Fault)
    assert named in fault.detail
    host, _, _ = memory_host(lambda _: b"")
    down = KeypadDriver("serial:///dev/example", keys).connect(host)
    assert down == Down(Status.BROKEN, fault.detail)
    assert host.opened == []


def test_the_keypad_posts_what_was_pressed_and_nothing_from_before_it_was_opened() -> None:
    host, wire, _ = memory_host(lambda _: b"")
    wire.deliver(b"1")
    driver = KeypadDriver("serial:///dev/example", KEYS)
    assert isinstance(driver.connect(host), Identity)
    assert driver.run(host) is None
    wire.deliver(b"5\x00\xff5")
    driver.run(host)
    assert host.posted == [KeyPressed("5")]
    wire.lose()
    assert driver.run(host) == Down(Status.DISCONNECTED, "the wire was closed")


def test_a_keypad_that_is_not_there_is_disconnected() -> None:
    host, _, _ = memory_host(lambda _: b"")
    host._wire = lambda: Fault(FaultCode.DISCONNECTED, "/dev/example: no such device")
    down = KeypadDriver("serial:///dev/example", KEYS).connect(host)
    assert down == Down(Status.DISCONNECTED, "/dev/example: no such device")
