"""Kills the processes of a real terminal while somebody applies, again and again.

    python tests/robot/window_kills.py --runs 50 [--state FILE] [--seconds S] --work DIR

Each run is one citizen at the real window with its devices, hub and wires. At a random instant the
window, the sync process or the vision process, or two of them, are killed by SIGKILL; the window
begins again as systemd would have it, the others by themselves. Whatever the terminal had said it
accepted must be with the hub at the end of the run, and nothing that contradicts it. Goes on from `--state`. The last line says:
runs N, kills K, acknowledged X, lost 0, conflicts 0, back after M s, at most L s

"Back" is from the window's new beginning to its start page; systemd waits another second before.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT)]

from rehearsal.control import ControlError  # noqa: E402
from rehearsal.robot.citizen import Errand, LostError  # noqa: E402
from rehearsal.robot.eyes import BlindError  # noqa: E402
from rehearsal.robot.perform import citizen_in  # noqa: E402
from rehearsal.robot.scenarios import ScenarioError, Stage  # noqa: E402
from rehearsal.town import Plan, Town, TownError  # noqa: E402

VICTIMS = (("window",), ("window",), ("sync",), ("vision",), ("window", "sync"))
EARLIEST_S, LATEST_S = 1.0, 25.0  # an application takes about that long
DELIVERED_S = 60.0
BACK_S = 60.0
LOOK_S = 0.5


@dataclass(slots=True)
class Tally:
    seed: int
    runs: int = 0
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    conflicts: int = 0
    back_s: list[float] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return (self.lost, self.conflicts) == (0, 0)

    def __str__(self) -> str:
        return (
            f"runs {self.runs}, kills {self.kills}, acknowledged {self.acknowledged},"
            f" lost {self.lost}, conflicts {self.conflicts}{self._back}"
        )

    @property
    def _back(self) -> str:
        if not self.back_s:
            return ""
        middle, longest = statistics.median(self.back_s), max(self.back_s)
        return f", back after {middle:.1f} s, at most {longest:.1f} s"


def accepted(town: Town) -> set[str]:
    """The numbers of which the terminal told its log that they were accepted."""
    lines = (town.logs / "window.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    return {str(it["number"]) for it in found if it["event"] == "application_sealed"}


def children_of(parent: int) -> dict[str, int]:
    """The terminal's other processes by their names."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    found: dict[str, int] = {}
    for tid in Path(f"/proc/{parent}/task").iterdir():  # whichever of its threads started it
        listed += (tid / "children").read_text(encoding="ascii").split()
    for child in map(int, set(listed)):
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        for name in ("sync", "vision"):
            if f"kiosk.entry.{name}".encode() in command:
                found[name] = child
    return found


def kill(town: Town, victims: tuple[str, ...], after_s: float) -> int:
    """Kill these when the time has come; how many were there."""
    time.sleep(after_s)
    count = 0
    try:
        window = town.process_of("kiosk")
        others = children_of(window)
        for victim in victims:
            os.kill(window if victim == "window" else others[victim], signal.SIGKILL)
            count += 1
    except (TownError, KeyError, ProcessLookupError, FileNotFoundError):
        pass  # it is just starting anew
    return count


def one_run(town: Town, stage: Stage, chance: random.Random, tally: Tally) -> None:
    who = chance.choice(("zhang_lan", "zhao_guifen"))
    errand = Errand(stage.everyone[who], rate_on=chance.choice(("keypad", "skip")))
    killed: list[int] = []
    victims, after_s = chance.choice(VICTIMS), chance.uniform(EARLIEST_S, LATEST_S)
    killer = threading.Thread(target=lambda: killed.append(kill(town, victims, after_s)))
    killer.start()
    try:
        stage.citizen.do(errand)
    except (LostError, ScenarioError, BlindError, ControlError, TownError) as gone:
        print(f"killed {' and '.join(victims)}: {type(gone).__name__}")
    killer.join()
    if "window" in victims and sum(killed):  # what was told to end ends a moment later
        while town.terminal_ended() is None:
            time.sleep(LOOK_S)
    begun_s = None
    if town.terminal_ended() is not None:
        begun_s = time.monotonic()
        town.restart_terminal()
    stage.citizen.clear_away()
    stage.citizen.wait("standby", within_s=BACK_S + 200)
    if begun_s is not None:
        tally.back_s.append(time.monotonic() - begun_s)
    numbers, until = accepted(town), time.monotonic() + DELIVERED_S
    while stage.counts()["applications"] < len(numbers) and time.monotonic() < until:
        time.sleep(LOOK_S)
    tally.runs += 1
    tally.kills += sum(killed)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--state", type=Path, default=None)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    tally = Tally(options.seed or random.SystemRandom().randrange(10**9))
    if options.state is not None and options.state.exists():
        kept = Tally(**json.loads(options.state.read_text(encoding="utf-8")))
        tally = kept if kept.runs < options.runs else tally
    print(f"seed {tally.seed}, from run {tally.runs}", flush=True)
    options.work.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + options.seconds
    before = tally.acknowledged
    with Town(Plan(base=options.work)) as town:
        town.start()
        with citizen_in(town, options.work / "screens", lambda words: None) as citizen:
            stage = Stage(citizen, town, lambda words: None)
            while tally.runs < options.runs and time.monotonic() < until:
                one_run(town, stage, random.Random(f"{tally.seed}-{tally.runs}"), tally)
                numbers = accepted(town)
                held = {number for number in numbers if stage.record(number)}
                tally.acknowledged = before + len(numbers)
                tally.lost += len(numbers - held)
                tally.conflicts = stage.counts()["conflicts"]
                print(tally, flush=True)
                if options.state is not None:
                    options.state.parent.mkdir(parents=True, exist_ok=True)
                    options.state.write_text(json.dumps(asdict(tally)), encoding="utf-8")
                if not tally.clean:
                    break
    shutil.rmtree(options.work, ignore_errors=True)
    print(tally)
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
