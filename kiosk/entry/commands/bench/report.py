"""What every benchmark shares: measuring in turns, the machine's noise, one table."""

from __future__ import annotations

import json as to_json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

NOISE_ROUNDS: Final = 30  # of a fixed piece of work, about a second in all
NOISE_STEPS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that one way took, each time it was measured."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def quantile(self, share: float) -> float:
        """The time that `share` (0..1) of the measurements did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def total(self) -> float:
        return sum(self.seconds)


def interleaved(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Time every way once a round, in turns, so that a busy moment meets all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            began = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - began)
    return {name: Timing(tuple(taken)) for name, taken in seconds.items()}


@dataclass(frozen=True, slots=True)
class Noise:
    """How unquiet the machine is: the same piece of work, slowest tenth against median."""

    spread: float

    def __str__(self) -> str:
        return f"{self.spread:.2f}"


def noise() -> Noise:
    """Measure the machine before or after a benchmark. 1.0 is a quiet machine."""

    def work() -> int:
        total = 0
        for number in range(NOISE_STEPS):
            total += number & 7
        return total

    timing = interleaved({"work": work}, NOISE_ROUNDS)["work"]
    return Noise(timing.quantile(0.9) / timing.median)


Cell = str | int | float | bool | None


@dataclass(slots=True)
class Table:
    """Rows under named columns; printed for people, or as a JSON line a row."""

    title: str
    columns: Sequence[str]
    rows: list[dict[str, Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, **cells: Cell) -> None:
        """One row; a column that is not named stays empty."""
        unknown = set(cells) - set(self.columns)
        if unknown:
            raise ValueError(f"no such column: {', '.join(sorted(unknown))}")
        self.rows.append(dict(cells))

    def note(self, text: str) -> None:
        """A line below the table: what was measured on what, a target and whether it holds."""
        self.notes.append(text)

    def show(self, *, json: bool) -> None:
        """Print it."""
        if json:
            for row in self.rows:
                print(to_json.dumps({"ok": True, "bench": self.title, **row}, ensure_ascii=False))
            for text in self.notes:
                print(
                    to_json.dumps(
                        {"ok": True, "bench": self.title, "note": text}, ensure_ascii=False
                    )
                )
            return
        texts = [[_text(row.get(column)) for column in self.columns] for row in self.rows]
        widths = [
            max([len(column), *(len(line[place]) for line in texts)])
            for place, column in enumerate(self.columns)
        ]
        print(self.title)
        for line in [list(self.columns), *texts]:
            first, *others = [
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            print("  ".join([first, *others]).rstrip())
        for text in self.notes:
            print(f"- {text}")


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float():
            return f"{cell:.4g}" if abs(cell) < 1000 else f"{cell:.0f}"
        case _:
            return str(cell)
