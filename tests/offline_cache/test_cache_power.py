"""The power goes at any moment: what was promised is there. `make power-cuts N=1000` does it longer."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import power_cuts
import pytest
from power_cuts import Tally, cut_many, possible

CUTS = 30
UNSAFE_CUTS = 10


def _cut(work: Path, seed: int, cuts: int, *, unsafe: bool = False) -> Tally:
    tally = Tally(seed)
    cut_many(work, tally, cuts, time.monotonic() + 300, unsafe=unsafe)
    return tally


@pytest.mark.fault(4)
def test_the_power_goes_and_nothing_that_was_promised_is_lost(tmp_path: Path) -> None:
    if not possible():
        _says_plainly_that_it_cannot(tmp_path)
        return
    tally = _cut(tmp_path, random.SystemRandom().randrange(10**9), CUTS)
    assert tally.acknowledged > CUTS and tally.papers > 0, tally
    assert str(tally).endswith("lost 0, half 0, integrity whole"), tally


def test_without_the_safety_the_same_cuts_do_lose_something(tmp_path: Path) -> None:
    """Otherwise the test above would prove nothing."""
    if not possible():
        _says_plainly_that_it_cannot(tmp_path)
        return
    assert _cut(tmp_path, 7, UNSAFE_CUTS, unsafe=True).lost > 0


def _says_plainly_that_it_cannot(work: Path) -> None:
    done = subprocess.run(
        [sys.executable, power_cuts.__file__, "--cuts", "1", "--work", str(work)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
    )
    assert (done.returncode, done.stdout.strip()) == (3, power_cuts.NO_ROOT)
