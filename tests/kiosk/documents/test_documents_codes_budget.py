"""A picture of a code takes its time and no more, on a slow machine as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import made_codes
import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.documents.codes import bar_repair, budget, qr_repair, zxing
from kiosk.documents.codes import reader as codes
from kiosk.documents.codes import ways as code_ways
from kiosk.documents.codes.budget import COST_NS_A_PIXEL, MARGIN, Budget, Heavy, Pieces, within
from kiosk.documents.quads import Image


class Machine:
    """A thread's processor time that passes only where the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def taking(self, seconds: float, work: Callable[..., object]) -> Callable[..., object]:
        """`work`, which takes so long."""

        def slow(*args: object, **named: object) -> object:
            self.now += seconds
            return work(*args, **named)

        return slow

    def pieces_of(self, seconds: float) -> Callable[..., Pieces[None]]:
        """Work without an end, in pieces of so many seconds."""

        def endless(*_: object) -> Pieces[None]:
            while True:
                self.now += seconds
                yield

        return endless


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    one = Machine()
    monkeypatch.setattr(budget.time, "thread_time", lambda: one.now)
    yield one


PIECE_S = 0.03
ONE_OF_TWO = made_codes.make_two(90331, 677).picture  # and a clear one beside them
NO_CODE = made_codes.make(90331, 677).picture  # bars too much moved for any of the ways


@pytest.mark.parametrize(
    ("slowness", "picture", "clear"),
    [(0.2, NO_CODE, 0), (1, NO_CODE, 0), (2, NO_CODE, 0), (3.5, NO_CODE, 0), (1, ONE_OF_TWO, 1)],
)
def test_a_picture_keeps_within_its_second_however_slow_the_machine_is(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, slowness: float, picture: Image, clear: int
) -> None:
    """Repairs that never end, and libraries that take as long as they were ever seen to."""
    begun = []

    def slow(room: ModuleType, name: str, seconds: float) -> None:
        work = getattr(room, name)

        def noted(*args: object, **named: object) -> object:
            begun.append(name)
            return work(*args, **named)

        monkeypatch.setattr(room, name, machine.taking(seconds * slowness, noted))

    slow(zxing, "read", 0.06)
    slow(code_ways, "_zbar", 0.085)
    slow(code_ways, "_turned", 0.07)
    slow(code_ways, "_level", 0.08)
    slow(code_ways, "_seen_in_patch", 0.05)
    monkeypatch.setattr(bar_repair, "_read_line", machine.pieces_of(PIECE_S * slowness))
    monkeypatch.setattr(qr_repair, "repair", machine.pieces_of(PIECE_S * slowness))
    read = [code.text for code in codes.read_codes(picture)]
    assert len(read) == clear
    assert machine.now < 1.0
    assert "read" in begun


def test_what_was_dear_in_this_picture_is_not_begun_again_without_the_time_for_it(
    machine: Machine,
) -> None:
    pixels = 1_000_000
    one = Budget(1.0)
    with one.working():
        assert one.spend(Heavy.ZBAR, pixels, machine.taking(0.4, lambda: "read")) == "read"
        assert one.spend(Heavy.ZBAR, pixels, lambda: "read") is None
        assert one.spend(Heavy.ZBAR, pixels // 2, lambda: "read") == "read"
        assert one.spend(Heavy.TURNED, pixels, lambda: "read") == "read"
        assert one.spend(Heavy.ZBAR, pixels, lambda: "read", anyway=True) == "read"


def test_only_work_counts(machine: Machine) -> None:
    one = Budget(1.0)
    for _ in range(3):
        with one.working():
            machine.now += 0.2
        machine.now += 5.0  # other frames are looked at
    assert one.left_s == pytest.approx(0.4)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(Heavy), st.integers(0, 20_000_000), st.floats(0, 2))
def test_nothing_is_begun_that_usually_takes_longer_than_what_is_left(
    kind: Heavy, pixels: int, left_s: float
) -> None:
    begun = Budget(left_s).spend(kind, pixels, lambda: True)
    if begun:
        assert COST_NS_A_PIXEL[kind] * pixels * MARGIN <= left_s * 1e9 + 1


def test_work_that_does_not_end_is_left_after_its_limit(machine: Machine) -> None:
    pieces = list(within(machine.pieces_of(0.03)(), 0.22))
    assert len(pieces) == 8
    assert machine.now == pytest.approx(0.24)


def test_the_blurred_bars_of_a_line_are_read_in_many_short_pieces() -> None:
    made = zxingcpp.create_barcode("6901234567892", zxingcpp.BarcodeFormat.EAN13)
    drawn = np.asarray(made.to_image(scale=1, add_quiet_zones=False), np.float64)
    line = np.pad(np.repeat(drawn[drawn.shape[0] // 2], 4), 120, constant_values=255.0)
    soft = np.convolve(line, np.ones(9) / 9, mode="same")[20:-20]
    assert sum(1 for _ in bar_repair.read_blurred(soft)) > 15
