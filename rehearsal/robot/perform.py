"""Let the robot citizen play scenarios in a town, and say how it went."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rehearsal.control import ControlError
from rehearsal.existing import ExistingTown
from rehearsal.robot.album import Album
from rehearsal.robot.citizen import Citizen, LostError
from rehearsal.robot.eyes import BlindError, Eyes
from rehearsal.robot.hands import Hands
from rehearsal.robot.scenarios import ScenarioError, Stage, find_scenario
from rehearsal.town import Town, TownError

EYES_S = 20.0  # the accessibility bus comes up when it is first asked for


@dataclass(frozen=True, slots=True)
class Result:
    """How one scenario went. `why` is empty when it passed."""

    scenario: str
    seconds: float
    why: str
    met: tuple[str, ...]


@contextlib.contextmanager
def citizen_in(
    town: Town | ExistingTown, screens: Path, say: Callable[[str], None], *, pictures: bool = True
) -> Iterator[Citizen]:
    """A citizen with eyes and hands on the town's screen. `pictures`: of every page, which takes
    half a second each. Raises BlindError."""
    eyes = _open_eyes(town.bus_address or "SESSION")
    hands = Hands(town.display or None)
    gone = town.terminal_ended if isinstance(town, Town) else lambda: None
    try:
        yield Citizen(eyes, hands, town.devices, Album(screens, every=pictures), say=say, gone=gone)
    finally:
        eyes.close()
        hands.close()


def _open_eyes(bus: str) -> Eyes:
    until = time.monotonic() + EYES_S
    while True:
        try:
            return Eyes(bus)
        except BlindError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def perform(stage: Stage, scenario: str) -> Result:
    """Play one scenario on `stage`."""
    started = time.monotonic()
    why = ""
    try:
        play = find_scenario(scenario)
        if play is None:
            raise ScenarioError(f"there is no scenario {scenario}")
        play(stage)
    except (ScenarioError, LostError, BlindError, ControlError, TownError) as error:
        why = f"{type(error).__name__}: {error}"
        with contextlib.suppress(Exception):
            stage.citizen.album.keep(f"failed-{scenario}", stage.citizen.hands.picture())
        with contextlib.suppress(Exception):
            stage.citizen.clear_away()
    return Result(scenario, time.monotonic() - started, why, tuple(stage.citizen.met))
