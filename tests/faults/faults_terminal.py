"""A whole terminal without a window, among emulated devices on their real wires.

Devices, store, vision and sync are the ones that ship; the session runs on the test's own thread.
For every view its view-model is built and read to the last word, as a screen would.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ui_model_reading import model_of, overlay_model_of, read_everything

from drivers.device import StatusChanged
from kiosk.clock import SystemClock
from kiosk.entry.terminal import Terminal
from kiosk.flow.actions import Act, Action, Stroke
from kiosk.flow.pages import Page
from kiosk.flow.view import View
from kiosk.log import EventLog, open_log
from kiosk.mailbox import Mailbox
from kiosk.settings import Settings, load
from rehearsal.town import TERMINAL, Plan, Town
from ui.desk import Desk
from ui.images import PageImages
from ui.texts import Texts

HASTE = 8.0  # cards and paper move so much faster; the bytes keep their rate
TICK_S = 0.25
LOOK_S = 0.02
MEANT_S = 0.55  # what is pressed sooner after a page came was meant for the page before
PATIENCE_S = 60.0  # longer than anything of the terminal's own takes to give up

P = TypeVar("P")


class LostError(AssertionError):
    """The terminal did not come to where it should; page ids only."""


class Screen:
    """Reads what a screen would show. Keeps pages and words, no data of a person."""

    def __init__(self, terminal: Callable[[], Terminal]) -> None:
        self._terminal = terminal
        self._texts = Texts()
        self.view: View | None = None
        self.words: list[str] = []
        self.said: list[tuple[type[object], str]] = []  # on which page, until it is cleared
        self.came_at = 0.0

    def show_view(self, view: View) -> None:
        new = self.view is None or self.view.serial != view.serial
        self.view = view
        self._texts.set_language(view.preferences.language)
        desk = Desk(
            act=self._act,
            texts=self._texts,
            serial=view.serial,
            preferences=view.preferences,
        )
        self.words = read_everything(model_of(view.page, desk))
        if view.overlay is not None:
            self.words += read_everything(overlay_model_of(view.overlay, desk))
        self.said += [(type(view.page), text) for text in self.words]
        if new:
            self.came_at = time.monotonic()

    def _act(self, action: Action) -> None:
        self._terminal().guard.act(action)

    def says(self, words: tuple[str, str]) -> bool:
        """Whether this text (situation and key, or "" and a row's own word) is on the screen."""
        return any(self._is(words, text) for text in self.words)

    def has_said(self, words: tuple[str, str], on: type[object] = object) -> bool:
        """Whether it was on the screen since `said` was cleared, on this page or any."""
        return any(issubclass(page, on) and self._is(words, text) for page, text in self.said)

    def _is(self, words: tuple[str, str], text: str) -> bool:
        situation, key = words
        return self._texts.get(situation, key) in text if situation else text == key

    def forget(self) -> None:
        """Only what can be read at this moment has been said."""
        assert self.view is not None
        self.said = [(type(self.view.page), text) for text in self.words]

    def show_preview(self, ring: str | None) -> None:
        pass

    def wipe(self) -> None:
        self.words = []
        self.said = []


class Machine:
    """The terminal and its town; the test is the citizen, and the hand on the cables."""

    def __init__(self, town: Town) -> None:
        self.town = town
        settings = load(town.settings_path)
        assert isinstance(settings, Settings), settings
        self._mailbox = Mailbox()
        self.screen = Screen(lambda: self.terminal)
        self._log_file = open_log(settings.paths.logs, "window")
        self.gave_up = False
        self.terminal = Terminal(
            settings,
            town.settings_path,
            log=EventLog(self._log_file, "window"),
            clock=SystemClock(),
            mailbox=self._mailbox,
            images=PageImages(),
            screen=self.screen,
            give_up=self._give_up,
        )
        self.screen.show_view(self.terminal.view)
        self._ticked_at = 0.0
        self._statuses: dict[str, str] = {}

    def _give_up(self) -> None:
        self.gave_up = True

    def start(self) -> None:
        self.terminal.start()

    def stop(self) -> None:
        self.terminal.stop()
        self._log_file.close()

    # -- time -------------------------------------------------------------------

    def turn(self) -> None:
        """What the window's thread does in one turn."""
        for event in self._mailbox.drain():
            if isinstance(event, StatusChanged):
                self._statuses[str(event.device)] = str(event.status)
            self.terminal.handle(event)
        if time.monotonic() - self._ticked_at >= TICK_S:
            self._ticked_at = time.monotonic()
            self.terminal.tick()
        time.sleep(LOOK_S)
        assert not self.gave_up, "the terminal gave itself up"

    def until(self, what: str, true: Callable[[], Any], within_s: float = PATIENCE_S) -> None:
        """Let time pass until it is so."""
        end = time.monotonic() + within_s
        while not true():
            if time.monotonic() > end:
                raise LostError(f"waited {within_s:.0f} s until {what}; on {self.describe()}")
            self.turn()

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def describe(self) -> str:
        page = self.page
        kinds = [
            f"{name}={getattr(page, name)}"
            for name in ("kind", "advice", "print_state", "problem", "reasons")
            if hasattr(page, name)
        ]
        return " ".join([type(page).__name__, *kinds])

    # -- what is seen and done -----------------------------------------------------

    @property
    def page(self) -> Page:
        return self.terminal.view.page

    def sees(self, *kinds: type[Page], within_s: float = PATIENCE_S) -> Page:  # type: ignore[valid-type]
        """Wait for one of these pages."""
        names = " or ".join(kind.__name__ for kind in kinds)
        self.until(f"{names} is there", lambda: isinstance(self.page, kinds), within_s)
        return self.page

    def look(self) -> None:
        """As a person does before touching anything."""
        self.until("the page was seen", lambda: time.monotonic() - self.screen.came_at > MEANT_S)

    def press(
        self, act: Act, argument: str = "", value: str = "", strokes: tuple[Stroke, ...] = ()
    ) -> None:
        """As a person does: not before the page has been looked at."""
        self.look()
        view = self.terminal.view
        self.terminal.guard.act(Action(act, view.serial, argument, value, strokes))

    # -- devices --------------------------------------------------------------------

    def hand(self, device: str, do: str, **more: Any) -> dict[str, Any]:
        """One thing done to a device, by its control socket; also when it is unplugged."""
        return self.town.devices[device].ask(do, **more)

    def world(self, device: str, **state: Any) -> None:
        """Edit the state of a device, and wait until it has followed."""
        self.town.worlds[device].edit(lambda world: world.update(state))

    def status(self, device: str) -> str:
        """What the device last said of itself, undamped; "" when it never did."""
        return self._statuses.get(device, "")

    def held(self) -> int:
        """Applications on this terminal and not yet erased, delivered or not."""
        answer = json.loads(self.town.hub("counts", "--json").strip().splitlines()[-1])
        return int(answer["applications"])


@contextmanager
def machine(base: Path) -> Iterator[Machine]:
    """A machine that works, at its start page. Everything is ended with it."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    plan = Plan(base=base, virtual_screen=False, with_terminal=False, haste=HASTE)
    with Town(plan) as town:
        town.start()
        said = town.hub("enrol-code", TERMINAL, "--json")
        code = json.loads(said.strip().splitlines()[-1])["code"]
        town.command("enrol", *town.kiosk("enrol", code, "--settings", str(town.settings_path)))
        made = Machine(town)
        made.start()
        try:
            yield made
        finally:
            made.stop()
