"""One terminal that is used by one citizen after another, and two more whose citizens walk away.

Walking away is mostly waiting, so those two play beside the first, each in a process of its own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from robot_walkers import Walkers

from rehearsal.robot.perform import citizen_in
from rehearsal.robot.scenarios import Stage
from rehearsal.town import Plan, Town


@pytest.fixture(scope="session")
def walkers(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walkers]:
    walking = Walkers(root, tmp_path_factory.mktemp("walkers"))
    yield walking
    walking.stop()


@pytest.fixture(scope="session")
def town(walkers: Walkers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town(Plan(base=tmp_path_factory.mktemp("town"))) as town:
        town.start()
        yield town


@pytest.fixture(scope="session")
def stage(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    def say(words: str) -> None:
        print(words)

    with citizen_in(town, tmp_path_factory.mktemp("screens"), say) as citizen:
        yield Stage(citizen, town, say)


@pytest.fixture
def desk() -> Iterator[str]:
    """A screen on which nothing is, as wide as a developer's."""
    with subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as xvfb:
        assert xvfb.stdout is not None
        yield f":{xvfb.stdout.readline().decode().strip()}"
        xvfb.terminate()
