"""Citizens who walk away, each of them in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rehearsal.robot.scenarios import LEAVING

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
