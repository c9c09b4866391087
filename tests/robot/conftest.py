"""One terminal that is used by one citizen after another, and two more whose citizens walk away.

Walking away is mostly waiting, so those two play beside the first, each in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.robot.perform import citizen_in
from rehearsal.robot.scenarios import LEAVING, Stage
from rehearsal.town import Plan, Town

LEAVING_LIMIT_S = 540  # about 40 s a page on a busy machine
EARLY = LEAVING[: len(LEAVING) * 2 // 3]  # the later pages take longer to come to


class Walkers:
    """The processes in which the robot walks away, and what they found."""

    def __init__(self, root: Path, out: Path) -> None:
        self._outs: list[Path] = []
        self._playing: list[subprocess.Popen[bytes]] = []
        for number, pages in enumerate((EARLY, LEAVING[len(EARLY) :])):
            place = out / str(number)
            place.mkdir()
            names = ",".join(f"leaving:{page}" for page in pages)
            with (place / "said").open("wb") as said:
                self._playing.append(
                    subprocess.Popen(
                        [
                            *(sys.executable, "-m", "rehearsal", "robot", "--scenario", names),
                            *("--out", str(place), "--base", str(place)),
                        ],
                        cwd=root,
                        stdout=said,
                        stderr=said,
                    )
                )
            self._outs.append(place)

    def results(self) -> dict[str, str]:
        """What went wrong, by scenario; empty where nothing did."""
        found: dict[str, str] = {}
        for place, process in zip(self._outs, self._playing, strict=True):
            process.wait(LEAVING_LIMIT_S)
            results = place / "results.json"
            said = (place / "said").read_text(encoding="utf-8")
            assert results.is_file(), said[-2000:]
            found |= json.loads(results.read_text(encoding="utf-8"))
        return found

    def stop(self) -> None:
        for process in self._playing:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


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


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "DISPLAY" not in os.environ
