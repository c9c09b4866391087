"""Barcodes whose bars have run into one another, and stacked bars that one look reads wrongly."""

from __future__ import annotations

import made_codes
import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.documents.codes import bar_repair
from kiosk.documents.codes.budget import at_once
from kiosk.documents.codes.reader import read_codes

MODULE_PX = 4


def with_check_digit(twelve: str) -> str:
    odd = sum(int(digit) * (3 if k % 2 else 1) for k, digit in enumerate(twelve))
    return twelve + str(-odd % 10)


def line_of(number: str, *, box_modules: float, noise: float, seed: int = 1) -> np.ndarray:
    """Grey levels across the bars as another program draws them, seen through a box of a blur."""
    made = zxingcpp.create_barcode(number, zxingcpp.BarcodeFormat.EAN13)
    drawn = np.asarray(made.to_image(scale=1, add_quiet_zones=False), np.uint8)
    bars = np.repeat(drawn[drawn.shape[0] // 2].astype(float), MODULE_PX)
    wide = np.pad(bars, 20 * MODULE_PX, constant_values=255.0)
    box = np.ones(max(1, round(box_modules * MODULE_PX)))
    soft = np.convolve(np.pad(wide, 40, mode="edge"), box / box.sum(), mode="same")[40:-40]
    return 40 + soft * 0.6 + np.random.default_rng(seed).normal(0, noise, len(soft))


def read_blurred(line: np.ndarray) -> bar_repair.Number | None:
    return at_once(bar_repair.read_blurred(line))


numbers = st.text("0123456789", min_size=12, max_size=12).map(with_check_digit)


@settings(deadline=None, max_examples=6)
@given(numbers, st.sampled_from([0.3, 1.5, 2.2]), st.booleans())
def test_a_number_is_read_through_the_blur_from_either_end_or_not_at_all(
    number: str, box_modules: float, upside_down: bool
) -> None:
    line = line_of(number, box_modules=box_modules, noise=1.0)
    read = read_blurred(line[::-1] if upside_down else line)
    if read is None:  # another number fits as well, or nearly: one in twenty
        assert box_modules > 1
        return
    assert read.digits == number
    low, high = sorted((read.start, read.end))
    assert abs(low - 20 * MODULE_PX) < 3 * MODULE_PX
    assert abs(high - 115 * MODULE_PX) < 3 * MODULE_PX


def test_most_numbers_are_read_through_the_blur() -> None:
    rng = np.random.default_rng(1)
    made = [with_check_digit("".join(map(str, rng.integers(0, 10, 12)))) for _ in range(8)]
    read = [read_blurred(line_of(number, box_modules=2.2, noise=1.0)) for number in made]
    assert sum(one is not None for one in read) >= 7
    assert all(one is None or one.digits == number for one, number in zip(read, made, strict=True))


def test_no_reader_of_edges_reads_what_is_read_through_the_blur() -> None:
    line = line_of("6901234567892", box_modules=2.2, noise=1.0)
    picture = np.repeat(np.clip(line, 0, 255).astype(np.uint8)[None], 60, axis=0)
    assert not zxingcpp.read_barcodes(picture)
    read = read_blurred(line)
    assert read is not None
    assert read.digits == "6901234567892"


def other_bars(kind: str) -> np.ndarray:
    rng = np.random.default_rng(7)
    match kind:
        case "paper":
            return np.full(600, 200.0)
        case "noise":
            return rng.normal(128, 30, 600)
        case "stripes":
            return 128 + 90 * np.sin(np.arange(600) * 0.8)
        case "any bars":
            bars = np.repeat(rng.integers(0, 2, 95) * 180.0 + 30, MODULE_PX)
            return np.pad(bars, 80, constant_values=210.0)
        case "another kind of code":
            made = zxingcpp.create_barcode("QS01261122003757", zxingcpp.BarcodeFormat.Code128)
            drawn = np.asarray(made.to_image(scale=1, add_quiet_zones=False), np.uint8)
            bars = np.repeat(drawn[drawn.shape[0] // 2].astype(float), MODULE_PX)
            return np.pad(bars, 80, constant_values=255.0)
        case _:
            raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["paper", "noise", "stripes", "any bars", "another kind of code"])
def test_nothing_is_read_in_what_is_no_such_number(kind: str) -> None:
    assert read_blurred(other_bars(kind)) is None


@settings(deadline=None, max_examples=6)
@given(numbers, st.integers(0, 1000))
def test_a_number_that_is_hardly_to_be_seen_is_never_read_wrongly(number: str, seed: int) -> None:
    read = read_blurred(line_of(number, box_modules=2.6, noise=25.0, seed=seed))
    assert read is None or read.digits == number


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 255), max_size=300))
def test_any_line_of_grey_levels_has_an_answer(levels: list[float]) -> None:
    read = read_blurred(np.array(levels))
    assert read is None or len(read.digits) == 13


@pytest.mark.parametrize("number", [253, 304])
def test_stacked_bars_that_one_look_reads_wrongly_are_read_right(number: int) -> None:
    """zxing-cpp alone reads other texts in these two (out of focus, in shadow)."""
    one = made_codes.make(4001, number)
    assert one.format == "PDF_417"
    assert [code.text for code in read_codes(one.picture)] == [one.text]


def test_a_number_that_a_single_line_across_other_bars_makes_is_not_told() -> None:
    """zxing-cpp alone finds an EAN-13 on one line of this slanted Code 39."""
    one = made_codes.make(7701, 165)
    assert one.format == "CODE_39"
    assert [code.text for code in read_codes(one.picture)] in ([], [one.text])
