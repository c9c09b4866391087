"""Kills the processes at the store, again and again, and counts what is left.

    python tests/offline_cache/kills.py --kills 500 [--seed N] [--state FILE] [--seconds S] --work DIR

One process seals and one sends, as the window and sync do. At a random instant one of them, or both,
is killed by SIGKILL and begins again on the same store. Goes on from `--state`. The last line says:
kills N, acknowledged X, of them later papers Y, lost 0, half 0, integrity whole
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from crash_writer import send_for_ever, work_for_ever, write_hub_key
from envelope_opener import make_key_pair
from power_cuts import Promises, Tally, count_store, keep, resumed

KILLS_A_RUN = 10  # then a new store: counting takes longer the more there is
LONGEST_S = 0.12  # from one kill to the next
HUNG_S = 60.0


def kill_many(work: Path, tally: Tally, kills: int, until_s: float) -> None:
    """Kill until there were `kills`, or the time is up. `tally.cuts` counts the kills."""
    while tally.cuts < kills and time.monotonic() < until_s:
        data = work / f"run-{tally.cuts}"
        write_hub_key(data, make_key_pair())
        _one_run(data, tally, min(kills, tally.cuts + KILLS_A_RUN))
        shutil.rmtree(data)


def _one_run(data: Path, tally: Tally, kills: int) -> None:
    chance = random.Random(f"{tally.seed}-{tally.cuts}")
    acknowledged: set[str] = set()
    reading, writing = os.pipe()
    promises = Promises(reading)

    def begin(which: str) -> int:
        tag = f"{tally.cuts}-{chance.random()}"
        if which == "writer":
            return _fork(lambda: work_for_ever(data, tag, out=writing))
        return _fork(lambda: send_for_ever(data))

    alive = {which: begin(which) for which in ("writer", "sender")}
    try:
        promises.wait_for_more()
        while tally.cuts < kills:
            time.sleep(chance.uniform(0.0, LONGEST_S))
            victims = chance.choice((["writer"], ["writer"], ["sender"], ["writer", "sender"]))
            for which in victims:
                os.kill(alive[which], signal.SIGKILL)
                os.waitpid(alive.pop(which), 0)
            acknowledged |= set(promises.made())
            if "writer" in victims:  # who opens the store as its owner must be alone
                count_store(data, tally, acknowledged)
            else:
                tally.cuts += 1  # counted with the next
            for which in victims:
                alive[which] = begin(which)
            if "writer" in victims:
                promises.wait_for_more()  # the next kill meets it at work
    finally:
        for process in alive.values():
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        os.close(reading)
        os.close(writing)


def _fork(work: Callable[[], None]) -> int:
    """A process of its own, at once: everything is imported already."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    finally:
        os._exit(1)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--state", type=Path, default=None)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    tally = resumed(options.state, seed, options.kills)
    print(f"seed {tally.seed}, from kill {tally.cuts}")
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        until_s = time.monotonic() + options.seconds
        while tally.cuts < options.kills and time.monotonic() < until_s:
            some = min(options.kills, tally.cuts + KILLS_A_RUN)
            kill_many(options.work, tally, some, until_s)
            keep(options.state, tally)
    finally:
        shutil.rmtree(options.work, ignore_errors=True)
    print(str(tally).replace("cuts", "kills", 1))
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
