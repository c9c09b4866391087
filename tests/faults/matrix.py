"""Every device, broken in every way, on every page of an application: `make faults`.

One walk for each device and way. On each page the device is broken, and what must be seen of it
(`faults_expected.py`) is judged there and then; the device is mended, must be ready again, and the
citizen goes on. At the end the application must be held by the hub exactly once and the terminal be
at its start page. Every pair and what was met goes to `out/faults/<device>-<way>.json`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, assert_never

import pytest
from faults_citizen import Citizen
from faults_expected import (
    DEVICES,
    MEANINGLESS,
    OUT,
    PAPER_TROUBLE,
    STEPS,
    TROUBLE,
    WAYS,
    WHOLE,
    Told,
    Unfelt,
    expected,
    laps,
)
from faults_terminal import LostError, Machine, machine

from kiosk.flow import pages
from kiosk.flow.actions import Act

FELT_S = 1.0  # a pulled cable is noticed at once, an edit of the world within a tenth
# Unasked: an ID reader is looked at every 15 s while nobody watches, and eight times before noise
# counts as a bad cable.
TOLD_S = 45.0
TRY_S = 30.0  # longer than any device's own limits, shorter than the citizen's patience
MENDED_S = 60.0  # the longest back-off, and a start
DELIVERY_LOOKS, DELIVERY_LOOK_S = 20, 2.0


@dataclass
class Pair:
    """One device, broken in one way on one page. `wrong`: what was not as expected."""

    step: str
    expected: str
    wrong: list[str] = field(default_factory=list)
    met: list[str] = field(default_factory=list)
    seconds: float = 0.0


@pytest.fixture(scope="module")
def terminal(qapp: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("faults")) as made:
        yield made


def walks() -> list[tuple[str, str]]:
    return [(device, way) for device in DEVICES for way in WAYS if (device, way) not in MEANINGLESS]


@pytest.mark.parametrize(("device", "way"), walks())
def test_the_citizen_is_told_and_comes_to_the_end(terminal: Machine, device: str, way: str) -> None:
    terminal.world(device, **WHOLE)
    held = terminal.held()
    walk = Walk(terminal, device, way)
    try:
        for lap in laps(device):
            walk.go(lap)
            held += 1
            walk.must_be_held(held)
    finally:
        terminal.world(device, **WHOLE)
    assert [(pair.step, pair.wrong) for pair in walk.pairs if pair.wrong] == []
    assert [pair.step for pair in walk.pairs] == [
        step.__name__ for lap in laps(device) for step in lap
    ]


class Walk:
    """One device, broken in one way, on one page after another."""

    def __init__(self, terminal: Machine, device: str, way: str) -> None:
        self.terminal = terminal
        self.device = device
        self.way = way
        self.pairs: list[Pair] = []

    def go(self, steps: tuple[type[Any], ...]) -> None:
        terminal = self.terminal
        citizen = Citizen(terminal)
        terminal.sees(pages.Standby)
        terminal.until("it is ready at the start", self._ready, MENDED_S)
        for step in steps:
            citizen.go_to(step)
            pair = Pair(step.__name__, str(expected(self.device, self.way, step)))
            self.pairs.append(pair)
            began = time.monotonic()
            citizen.met = []
            terminal.screen.said.clear()
            terminal.world(self.device, **WAYS[self.way])
            if self.way == "back_again":
                terminal.wait(FELT_S)
                terminal.world(self.device, **WHOLE)
            try:
                if self.way == "back_again":
                    # That it is gone is told at once, and rightly; what counts is what is left of it.
                    terminal.until("it is back", self._ready, MENDED_S)
                    terminal.screen.forget()
                self._judge(citizen, step, pair)
            except LostError as lost:
                pair.wrong.append(str(lost))
            now = f"{terminal.describe()}; it is {terminal.status(DEVICES[self.device])}"
            pair.met = [*citizen.met, now]
            self._mend(citizen, pair)
            pair.seconds = round(time.monotonic() - began, 1)
            self.write()
        if not isinstance(terminal.page, pages.Standby):
            citizen.to_the_end()

    # -- judging ------------------------------------------------------------------

    def _judge(self, citizen: Citizen, step: type[Any], pair: Pair) -> None:
        cell = expected(self.device, self.way, step)
        match cell:
            case Unfelt():
                self._must_come_on(citizen, step)
                for words in TROUBLE[self.device]:
                    if self.terminal.screen.has_said(words, on=step):
                        pair.wrong.append(f"{words} was said")
            case Told():
                if cell.used:
                    self._do_what_is_asked(citizen, step)
                try:
                    self.terminal.until(
                        f"one of {cell.words} is said", lambda: self._said(cell), TOLD_S
                    )
                except LostError:
                    if not cell.maybe:
                        raise
            case _:
                assert_never(cell)

    def _said(self, cell: Told) -> bool:
        """Newly, or it stands there still now that the device is known to be gone."""
        screen, gone = self.terminal.screen, not self._ready()
        return any(screen.has_said(words) or (gone and screen.says(words)) for words in cell.words)

    def _must_come_on(self, citizen: Citizen, step: type[Any]) -> None:
        terminal = self.terminal
        if step is pages.Sign:  # the next page passes by itself, and is a step of its own
            citizen.sign()
            terminal.until("the signature is there", lambda: not terminal.page.empty, TRY_S)  # type: ignore[union-attr]
            return
        while isinstance(terminal.page, step):
            citizen.go_on(TRY_S)
        if step not in (pages.Submitting, STEPS[-1]):
            return
        after = pages.Accepted if step is pages.Submitting else pages.Standby
        terminal.sees(after, within_s=TRY_S)

    def _do_what_is_asked(self, citizen: Citizen, step: type[Any]) -> None:
        if isinstance(self.terminal.page, step):
            citizen.go_on(TRY_S)

    # -- mending ------------------------------------------------------------------

    def _mend(self, citizen: Citizen, pair: Pair) -> None:
        terminal = self.terminal
        terminal.world(self.device, **WHOLE)
        try:
            terminal.until("it is ready again", self._ready, MENDED_S)
            if self.device == "receipt_printer" and isinstance(terminal.page, pages.Accepted):
                self._print_again(citizen)
        except LostError as lost:
            pair.wrong.append(str(lost))

    def _ready(self) -> bool:
        return self.terminal.status(DEVICES[self.device]) in ("ready", "low", "busy")

    def _print_again(self, citizen: Citizen) -> None:
        """What did not come out comes out now."""
        terminal = self.terminal

        def settled() -> bool:
            page = terminal.page
            return isinstance(page, pages.Accepted) and page.print_state not in (
                pages.PrintState.PRINTING,
            )

        terminal.until("the first try is settled", settled, TOLD_S)
        if any(terminal.screen.says(words) for words in PAPER_TROUBLE):
            terminal.press(Act.PRINT_AGAIN)
            terminal.until(
                "the receipt is printed",
                lambda: terminal.screen.says(("receipt_printed", "title")),
                TOLD_S,
            )

    # -- the end --------------------------------------------------------------------

    def must_be_held(self, count: int) -> None:
        """Sealed exactly once, and delivered by itself."""
        self.terminal.sees(pages.Standby)
        for _ in range(DELIVERY_LOOKS):
            if self.terminal.held() == count:
                return
            self.terminal.wait(DELIVERY_LOOK_S)
        raise LostError(f"{self.terminal.held()} applications are held where {count} were made")

    def write(self) -> None:
        """As far as it has come; `conftest.py` counts the pairs of all walks."""
        OUT.mkdir(parents=True, exist_ok=True)
        told = json.dumps([asdict(pair) for pair in self.pairs], indent=1, ensure_ascii=False)
        (OUT / f"{self.device}-{self.way}.json").write_text(told, encoding="utf-8")
