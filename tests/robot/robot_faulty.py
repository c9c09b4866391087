"""A citizen before the real window, and a hand at the cables of the devices beside it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from typing import Any

from rehearsal.robot.citizen import Citizen, Errand, LostError
from rehearsal.robot.eyes import Sight, polled
from rehearsal.robot.scenarios import Stage
from rehearsal.robot.wording import everything, words
from rehearsal.town import Town

TOLD_S = 30.0  # the slowest is a wire that spoils everything: eight looks, each asked three times
MENDED_S = 40.0
ASK_AGAIN_S = 1.0
LOOK_EVERY_S = 0.15  # a fault is felt after seconds; each look costs robot and window some work


class Walk:
    """One person's way through one application, on which one device after another fails."""

    def __init__(self, stage: Stage, town: Town) -> None:
        self.stage = stage
        self.town = town
        self.citizen: Citizen = stage.citizen
        self.errand = Errand(stage.everyone["zhao_guifen"], rate_on="screen")
        self.held_before = self.applications()

    def do(self, device: str, what: str, **more: Any) -> dict[str, Any]:
        """Something done to a device, also to one without a cable."""
        return self.town.devices[device].ask(what, **more)

    def at(self, page: str) -> Sight:
        """Do everything right until this page is there."""
        sight = self.citizen.look()
        if sight.situation == page:
            return sight
        return self.citizen.go(self.errand, page)

    def sees(self, page: str, *said: str, within_s: float = TOLD_S) -> Sight:
        """This page comes by itself, and these words (keys of ui/i18n) are on it."""
        sentences = [words(key) for key in said]

        def told(sight: Sight) -> bool:
            texts = sight.texts()
            return sight.situation == page and all(
                any(sentence in text for text in texts) for sentence in sentences
            )

        try:
            return self.citizen.wait_until(
                f"{page} says {', '.join(said)}", told, within_s, every_s=LOOK_EVERY_S
            )
        except LostError as lost:
            # Sentences that are the same for everybody, so that nothing personal is told.
            read = [text for text in self.citizen.look().texts() if text in everything()]
            raise LostError(f"{lost}; it says {read}") from None

    def no_longer_sees(self, page: str, *said: str, within_s: float = MENDED_S) -> Sight:
        """This page is there, and none of these words is on it any more."""
        sentences = [words(key) for key in said]
        return self.citizen.wait_until(
            f"{page} says no more {', '.join(said)}",
            lambda sight: (
                sight.situation == page
                and not any(sentence in text for sentence in sentences for text in sight.texts())
            ),
            within_s,
            every_s=LOOK_EVERY_S,
        )

    def no_longer_says(self, key: str) -> Sight:
        """Whatever page there is by now, these words are not on it any more."""
        return self.citizen.wait_until(
            f"{key} is said no more",
            lambda sight: not any(words(key) in text for text in sight.texts()),
            TOLD_S,
        )

    def press(self, key: str, seen: Sight | None = None) -> None:
        self.citizen.press(seen or self.citizen.look(), words(key))

    def offers(self, key: str) -> bool:
        """Whether a button with these words can be pressed."""
        found = self.citizen.find(self.citizen.look(), words(key))
        return found is not None and found.enabled

    def closes(self, service: str, key: str, *, closed: bool = True) -> None:
        """The tile of a service on the home page says (or says no more) why it is closed."""

        def told(sight: Sight) -> bool:
            tile = self.citizen.find(sight, service)
            if sight.situation != "home" or tile is None:
                return False
            return (words(key) in self.citizen.eyes.description_of(tile)) is closed

        self.citizen.wait_until(f"the tile tells of {key}: {closed}", told, MENDED_S)

    def shows_phone(self) -> bool:
        """Whether the number that was typed can be read on the form."""
        return self.citizen.shown("phone", self.errand.person.phone) is True

    def status(self, device: str) -> str:
        """What the log says of a device: what has stood for three seconds."""
        told = [line for line in self.log("device_status") if line["device"] == device]
        return str(told[-1]["status"]) if told else ""

    def print_again(self) -> None:
        """Ask for the receipt, as often as it takes: a printer that was jammed, or switched on just
        now, needs its time to come back, and says so each time."""
        for _ in polled(MENDED_S, ASK_AGAIN_S):
            sight = self.citizen.look()
            button = self.citizen.find(sight, words("accepted.print_again"))
            if button is not None and button.enabled:
                self.citizen.press_node(button)
            with suppress(LostError):
                self.sees("accepted", "receipt_printing.title", within_s=ASK_AGAIN_S)
                return
        raise LostError("the printer was mended and does not print")

    def log(self, event: str) -> list[dict[str, Any]]:
        lines = (self.town.logs / "window.jsonl").read_text(encoding="utf-8").splitlines()
        return [entry for line in lines if (entry := json.loads(line))["event"] == event]

    def centre_knows(self, device: str, status: str, within_s: float = 60.0) -> bool:
        """Whether the hub's own database comes to hold this of a device."""
        asked = "SELECT status FROM terminals_terminaldevice WHERE device = ?"
        return any(self._in_the_hub(asked, device) == [(status,)] for _ in polled(within_s, 0.5))

    def applications(self) -> int:
        """How many the hub's own database holds."""
        [(count,)] = self._in_the_hub("SELECT count(*) FROM applications_application")
        return int(count)

    def _in_the_hub(self, asked: str, *values: str) -> list[tuple[Any, ...]]:
        """A command of the hub would take two seconds for it."""
        [file] = self.town.folder.rglob("hub.sqlite3")
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return database.execute(asked, values).fetchall()
