"""EAN-13 codes whose narrow bars have run into one another: out of focus, moved, small.

A reader of edges needs the edges. Here every digit is drawn as the blur would show it, and the
number is the one whose drawing lies closest to the line that was seen. Neighbours overlap in a
blurred picture, so digits are chosen together: the cost of a number is a sum over pairs of
neighbours, and the best number with a right check digit is found by dynamic programming, the ten
leading digits (which stand in the parities of the left half only) side by side. Where the code
begins and ends and how blurred it is, is told by its three guards; then the blur is learnt from
the number read, and the number read again.

A number counts only when the picture leaves little unexplained and the next best number explains
it clearly worse. ISO/IEC 15420.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiosk.documents.codes.budget import Pieces, within

Floats = NDArray[np.float64]

MODULES: Final = 95
DIGIT: Final = 7  # modules
FINE: Final = 4  # samples a module
QUIET: Final = 4  # modules on either side that are looked at
REACH: Final = 3  # modules to which the blur of a module spreads; half a digit at most
BLURS: Final = (0.8, 1.6, 2.2, 2.8)  # modules: width of the box that stands for the blur at first
SOFTNESS: Final = 0.35  # modules: sigma of what the lens adds
SHIFTS: Final = tuple(k / 4 for k in range(-6, 7))  # modules by which an end may be elsewhere
EXTENTS: Final = 2  # from where to where bars may run, the longest first
TRIED: Final = 2  # likely places and blurs of each
LEAST_MODULE_PX: Final = 3.0  # of the line: one pixel of the picture
LONGEST_GAP: Final = 5.0  # modules: a gap in a code is four wide
LONGEST_CLEAR: Final = 11.0  # modules: all that is asked for beside a code
SHORTEST_CLEAR: Final = 2.5  # modules that are clear beside a code, when blurred
DARK: Final = 0.22  # of the way from paper to ink: where bars begin
LIGHT_WINDOW: Final = 14 * FINE  # samples on either side in which wide bars and gaps are found
LEARNT_ROUNDS: Final = 2
LEARNT_TAPS: Final = 11  # of the blur, half a module apart
RIDGE: Final = 0.02  # keeps noise out of the learnt blur
STEPS: Final = (0.25, 0.1, 0.05)  # modules by which ends and middle are moved
MOVES: Final = (
    *((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)),
    *((1, 1, 0), (-1, -1, 0), (0, 0, 1), (0, 0, -1)),
)  # of start, end, middle
SETTLE_ROUNDS: Final = 6
LEAST_GAIN: Final = 0.995
# Of the line's variance what a number leaves unexplained. Measured on photographs and made-up
# pictures: the right number 0.01 to 0.06 once settled, wrong ones 0.2 and more.
PROMISING: Final = 0.4  # before it is settled
UNEXPLAINED: Final = 0.1
CLEARLY: Final = 1.6  # times worse must the next best number be; wrong ones had 1.0 to 1.1

LEFT_ODD: Final = [
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
]
PARITIES: Final = [
    "000000",
    "001011",
    "001101",
    "001110",
    "010011",
    "011001",
    "011100",
    "010101",
    "010110",
    "011010",
]  # 1: the even pattern, of the left half's digits; by the leading digit


LIMIT_S: Final = 0.22  # of work on a line; of a hundred made-up ones none was read after 0.17

_TEN: Final = np.arange(10)
_EVEN: Final = np.array([[int(one) for one in row] for row in PARITIES])


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was read. `start`, `end`: where its first bar begins and its last one ends."""

    digits: str
    start: float
    end: float


def read_blurred(line: NDArray[np.floating]) -> Pieces[Number | None]:
    """The EAN-13 on a line of grey levels across its bars, from either end."""
    return within(_read_line(np.asarray(line, np.float64)), LIMIT_S)


def _read_line(values: Floats) -> Pieces[Number | None]:
    for start, end in _extents(values):
        for place in (yield from _likely(values, start, end)):
            read = yield from _read(values, place)
            if read is not None:
                return read
    return None


# -- where ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    start: float
    end: float
    blur: float
    bend: float = 0.0  # modules by which the middle is nearer to the end than to the start


def _extents(line: Floats) -> list[tuple[float, float]]:
    """Where bars may begin and end: dark runs with short gaps between, and clear beside."""
    count = len(line)
    if count < LEAST_MODULE_PX * MODULES:
        return []
    low, high = np.percentile(line, 3), np.percentile(line, 97)
    if high - low < 6:
        return []
    dark = (high - line) / (high - low) > DARK
    edges = np.flatnonzero(np.diff(np.concatenate([[False], dark, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    found: set[tuple[float, float]] = set()
    gap = LEAST_MODULE_PX
    while gap * MODULES / LONGEST_GAP < count:
        for start, end in _together(runs, gap):
            module = (end - start) / MODULES
            if module < LEAST_MODULE_PX or not LONGEST_GAP * 0.8 <= gap / module <= LONGEST_CLEAR:
                continue
            clear = SHORTEST_CLEAR * module
            if start >= clear and end <= count - clear:
                found.add((float(start), float(end)))
        gap *= 1.3
    return sorted(found, key=lambda one: one[0] - one[1])[:EXTENTS]


def _together(runs: NDArray[np.intp], gap: float) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in runs.tolist():
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _places(place: _Place) -> Floats:
    """Where the line is looked at: `FINE` samples a module, from `QUIET` before the code on."""
    module = (place.end - place.start) / MODULES
    share = ((np.arange((MODULES + 2 * QUIET) * FINE) + 0.5) / FINE - QUIET) / MODULES
    bent = share + place.bend / MODULES * 4 * share * (1 - share)
    return np.asarray(place.start + bent * module * MODULES)


def _seen(line: Floats, place: _Place) -> Floats:
    """How dark the line is at `_places`; 0 is paper and 1 is ink, thereabouts."""
    seen = np.interp(_places(place), np.arange(len(line)) + 0.5, line)
    # percentiles 4 and 96; NumPy's own take ten times as long for so few
    ordered = np.sort(seen)
    low, high = ordered[round(0.04 * (len(seen) - 1))], ordered[round(0.96 * (len(seen) - 1))]
    return np.asarray((high - seen) / max(float(high - low), 4.0))


def _evened(seen: Floats) -> Floats:
    """The same under one light all along."""
    spans = np.lib.stride_tricks.sliding_window_view(
        np.pad(seen, LIGHT_WINDOW, mode="edge"), 2 * LIGHT_WINDOW + 1
    )
    soft = np.ones(LIGHT_WINDOW) / LIGHT_WINDOW
    low, high = (
        np.convolve(np.pad(one, LIGHT_WINDOW, mode="edge"), soft, mode="same")[
            LIGHT_WINDOW:-LIGHT_WINDOW
        ]
        for one in (spans.min(axis=1), spans.max(axis=1))
    )
    return np.asarray((seen - low) / np.maximum(high - low, 0.1))


def _likely(line: Floats, start: float, end: float) -> Pieces[list[_Place]]:
    """Places and blurs under which the three guards and the clear sides are as they must be."""
    module = (end - start) / MODULES
    found: list[tuple[float, _Place]] = []
    known = _known_samples()
    for first in SHIFTS:
        for last in SHIFTS:
            begin, stop = start + first * module, end + last * module
            seen = _seen(line, _Place(begin, stop, 0.0))[known]
            for blur in BLURS:
                error = _guards(blur)[known] - seen
                found.append((float((error * error).mean()), _Place(begin, stop, blur)))
        yield
    found.sort(key=lambda one: one[0])
    return [place for _, place in found[:TRIED]]


@lru_cache(maxsize=1)
def _known_samples() -> NDArray[np.intp]:
    """Samples of the clear sides and the guards, whatever the number."""
    modules = np.zeros(MODULES + 2 * QUIET, bool)
    modules[: QUIET + 3] = modules[-QUIET - 3 :] = True
    modules[QUIET + 46 : QUIET + 49] = True
    return np.flatnonzero(np.repeat(modules, FINE))


# -- how digits look -----------------------------------------------------------------------


def _pattern(modules: str) -> Floats:
    return np.repeat(np.array([float(one) for one in modules]), FINE)


@lru_cache(maxsize=1)
def _patterns() -> tuple[Floats, Floats]:
    """20 of the left half (odd, even) and 10 of the right one, at `FINE` samples a module."""
    right = [one.translate(str.maketrans("01", "10")) for one in LEFT_ODD]
    even = [one[::-1] for one in right]
    return (
        np.stack([_pattern(one) for one in [*LEFT_ODD, *even]]),
        np.stack([_pattern(one) for one in right]),
    )


@lru_cache(maxsize=1)
def _bare_guards() -> Floats:
    modules = "0" * QUIET + "101" + "0" * 42 + "01010" + "0" * 42 + "101" + "0" * QUIET
    return _pattern(modules)


@lru_cache(maxsize=len(BLURS))
def _kernel(blur: float) -> Floats:
    """The blur at `FINE` samples a module, from -REACH to +REACH."""
    x = np.arange(-REACH * FINE, REACH * FINE + 1) / FINE
    fine = np.linspace(-0.5, 0.5, 41) * blur
    spread = np.exp(-0.5 * ((x[:, None] - fine) / SOFTNESS) ** 2).sum(axis=1)
    return np.asarray(spread / spread.sum())


@lru_cache(maxsize=len(BLURS))
def _guards(blur: float) -> Floats:
    return np.convolve(_bare_guards(), _kernel(blur), mode="same")


# -- reading -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Guess:
    """A number at a place, the blur (and grey) learnt from it, and what they leave unexplained."""

    place: _Place
    turned: bool
    digits: str
    kernel: Floats
    base: float
    cost: float


def _read(line: Floats, place: _Place) -> Pieces[Number | None]:
    guesses = []
    for turned in (False, True):
        guesses.append(_first_guess(line, place, turned))
        yield
    guess = min(guesses, key=lambda one: one.cost)
    if guess.cost > PROMISING:
        return None
    guess = yield from _settled(line, guess)
    if guess.cost > UNEXPLAINED:
        return None
    seen = _looked(line, guess.place, guess.turned)
    if _next_best(seen - guess.base, guess.kernel, guess.digits) < CLEARLY * _error(guess, seen):
        return None
    start, end = guess.place.start, guess.place.end
    return Number(guess.digits, *((end, start) if guess.turned else (start, end)))


def _looked(line: Floats, place: _Place, turned: bool) -> Floats:
    seen = _evened(_seen(line, place))
    return seen[::-1] if turned else seen


def _first_guess(line: Floats, place: _Place, turned: bool) -> _Guess:
    seen = _looked(line, place, turned)
    digits = _decode(seen, _kernel(place.blur))[0]
    for _ in range(LEARNT_ROUNDS):
        guess = _explained(seen, place, turned, digits)
        digits = _decode(seen - guess.base, guess.kernel)[0]
    return _explained(seen, place, turned, digits)


def _explained(seen: Floats, place: _Place, turned: bool, digits: str) -> _Guess:
    kernel, base = _learnt(seen, digits)
    guess = _Guess(place, turned, digits, kernel, base, 0.0)
    spread = float(((seen - seen.mean()) ** 2).sum())
    return replace(guess, cost=_error(guess, seen) / max(spread, 1e-9))


def _error(guess: _Guess, seen: Floats) -> float:
    drawn = np.convolve(_drawn(guess.digits), guess.kernel, mode="same")
    return float(((seen - guess.base - drawn) ** 2).sum())


def _settled(line: Floats, guess: _Guess) -> Pieces[_Guess]:
    """Both ends and the middle moved until the number is explained best; it may change by that."""
    module = (guess.place.end - guess.place.start) / MODULES
    for step in STEPS:
        for _ in range(SETTLE_ROUNDS):
            before = guess
            for first, last, bend in MOVES:
                place = replace(
                    guess.place,
                    start=guess.place.start + first * step * module,
                    end=guess.place.end + last * step * module,
                    bend=guess.place.bend + bend * step,
                )
                seen = _looked(line, place, guess.turned)
                moved = _explained(seen, place, guess.turned, guess.digits)
                if moved.cost < LEAST_GAIN * guess.cost:
                    guess = moved
            seen = _looked(line, guess.place, guess.turned)
            digits = _decode(seen - guess.base, guess.kernel)[0]
            if digits != guess.digits:
                guess = _explained(seen, guess.place, guess.turned, digits)
            elif guess is before:
                break
            yield
    return guess


def _drawn(digits: str) -> Floats:
    """The whole code as it is printed."""
    left, right = _patterns()
    drawn = _bare_guards().copy()
    for k, digit in enumerate(digits[1:]):
        parity = PARITIES[int(digits[0])][k] == "1" if k < 6 else False
        shape = left[int(digit) + 10 * parity] if k < 6 else right[int(digit)]
        at = (QUIET + 3 + DIGIT * k + (5 if k >= 6 else 0)) * FINE
        drawn[at : at + DIGIT * FINE] = shape
    return drawn


def _learnt(seen: Floats, digits: str) -> tuple[Floats, float]:
    """The blur that turns the printed code into what was seen, and the grey of its paper."""
    drawn = _drawn(digits)
    step = FINE // 2
    reach = LEARNT_TAPS // 2
    padded = np.pad(drawn, reach * step)
    # a tap is a box of half a module
    soft = np.convolve(padded, np.ones(step) / step, mode="same")
    taps = np.stack([soft[k * step : k * step + len(drawn)] for k in range(LEARNT_TAPS)], axis=1)
    taps = np.concatenate([taps, np.ones((len(drawn), 1))], axis=1)
    held = taps.T @ taps
    ridge = RIDGE * np.trace(held[:-1, :-1]) / LEARNT_TAPS * np.eye(LEARNT_TAPS + 1)
    ridge[-1, -1] = 0.0
    *weights, base = np.linalg.solve(held + ridge, taps.T @ seen)
    kernel = np.zeros(2 * REACH * FINE + 1)
    for k, weight in enumerate(weights[::-1]):
        at = REACH * FINE + (k - reach) * step
        kernel[at : at + step] += weight / step
    return kernel, float(base)


_Forbidden = tuple[int, int]  # position (0 is the leading digit), digit


def _next_best(seen: Floats, kernel: Floats, digits: str) -> float:
    """The squared error of the best number but `digits`."""
    others = (_decode(seen, kernel, (k, int(digit)))[1] for k, digit in enumerate(digits))
    return min(others)


def _chain(
    rest: Floats, first: int, patterns: Floats, kernel: Floats
) -> tuple[Floats, list[Floats]]:
    """Squared errors of six digits side by side from sample `first` of `rest` on.

    Of the first digit up to its middle (n), and of each two neighbours from middle to middle
    (n x n), the last with all that follows. A half drawn reaches no farther than to the middle of
    its neighbour, so nothing else has a part in them.
    """
    reach, half = REACH * FINE, DIGIT * FINE // 2
    drawn = np.stack([np.convolve(one, kernel) for one in patterns])
    until, after = drawn[:, : reach + half], drawn[:, reach + half :]
    start = first + half
    opening, closing = rest[:start], rest[start + 10 * half :]
    # what a half's outermost digits draw beyond the middle of the code is next to nothing
    ends, begins = opening[-(reach + half) :], closing[: reach + half]
    outer, inner = until[:, -len(ends) :], after[:, : len(begins)]
    unary = (opening @ opening) - 2 * outer @ ends + (outer * outer).sum(axis=1)
    both = np.zeros((len(patterns), 2, 2 * half))
    both[:, 0, : reach + half] = after
    both[:, 1, -(reach + half) :] = until
    own = (both * both).sum(axis=2)
    shared = 2 * both[:, 0] @ both[:, 1].T + own[:, 0][:, None] + own[:, 1][None]
    pairs = []
    for k in range(5):
        part = rest[start + 2 * half * k :][: 2 * half]
        seen = 2 * both @ part
        pairs.append(shared + (part @ part) - seen[:, 0][:, None] - seen[:, 1][None])
    pairs[-1] += ((closing @ closing) - 2 * inner @ begins + (inner * inner).sum(axis=1))[None]
    return unary, pairs


def _decode(seen: Floats, kernel: Floats, forbidden: _Forbidden | None = None) -> tuple[str, float]:
    """The number with a right check digit that is drawn most like what was seen; squared error."""
    rest = seen - np.convolve(_bare_guards(), kernel, mode="same")
    left, right = _patterns()
    first = (QUIET + 3) * FINE
    middle = len(seen) // 2
    opening, left_pairs = _chain(rest[:middle], first, left, kernel)
    closing, right_pairs = _chain(rest[middle:], first + 47 * FINE - middle, right, kernel)
    # best[f, d, s]: by leading digit, newest digit, and weighted sum of all digits modulo 10
    best = np.full((10, 10, 10), np.inf)
    start = opening.reshape(2, 10)[_EVEN[:, 0]]
    for d in range(10):
        best[_TEN, d, (_TEN + 3 * d) % 10] = start[:, d]
    came: list[NDArray[np.intp]] = []
    for position in range(1, 13):
        if position > 1:
            if position <= 6:
                pairs = left_pairs[position - 2].reshape(2, 10, 2, 10)
                step = pairs[_EVEN[:, position - 2], :, _EVEN[:, position - 1]]
            elif position == 7:
                step = np.broadcast_to(closing, (10, 10, 10))
            else:
                step = np.broadcast_to(right_pairs[position - 8], (10, 10, 10))
            total = best[:, :, None, :] + step[..., None]  # f, d before, d, s before
            rolled = _summed(position)
            best = np.take_along_axis(total.min(axis=1), rolled, axis=2)
            came.append(np.take_along_axis(total.argmin(axis=1), rolled, axis=2))
        elif forbidden is not None and forbidden[0] == 0:
            best[forbidden[1]] = np.inf
        if forbidden is not None and forbidden[0] == position:
            best[:, forbidden[1]] = np.inf
    last = best[:, :, 0]
    f, d = (int(one) for one in np.unravel_index(int(np.argmin(last)), last.shape))
    digits, s = [d], 0
    for position in range(12, 1, -1):
        before = int(came[position - 2][f, digits[-1], s])
        s = (s - _weight(position) * digits[-1]) % 10
        digits.append(before)
    return f"{f}" + "".join(f"{one}" for one in reversed(digits)), float(last[f, d])


def _weight(position: int) -> int:
    return 3 if position % 2 else 1


@lru_cache(maxsize=2)
def _summed_of(weight: int) -> NDArray[np.intp]:
    """For each digit and sum after it, the sum before it: f x d x s."""
    before = (_TEN[None, :] - weight * _TEN[:, None]) % 10
    return np.broadcast_to(before, (10, 10, 10))


def _summed(position: int) -> NDArray[np.intp]:
    return _summed_of(_weight(position))
