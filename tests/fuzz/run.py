"""Coverage-guided fuzzing of every device's protocol (`make fuzz`).

Each `fuzz_NAME.py` beside this file is a target: `fuzz(data)` must neither raise nor hang, `seeds()`
are inputs to begin with. What is found goes to out/fuzz; what reaches code that nothing kept so far
does is added to tests/fuzz_corpus, which every run of the tests plays through the targets.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

Step = tuple[str, int, int]  # file, from line, to line
Follow = Callable[[FrameType, str, Any], Any]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CORPUS = ROOT / "tests" / "fuzz_corpus"
DRIVERS = str(ROOT / "drivers")
OUT = ROOT / "out" / "fuzz"
ONE_INPUT_S = 10  # a parser that works on one input for longer hangs
MEMORY_MB = 1024
LONGEST_INPUT_BYTES = 4096
LONGEST_KEPT_BYTES = 2048  # a corpus is kept for its paths, not for its weight


def targets() -> list[str]:
    return sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py"))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=600, help="For all targets together.")
    arguments.add_argument("--only", help="Name of one target.")
    arguments.add_argument("--keep", action="store_true", help="Add what is new to the corpus.")
    given = arguments.parse_args()
    names = [given.only] if given.only else targets()
    failed = [name for name in names if not fuzz_one(name, given.seconds // len(names))]
    if given.keep:
        for name in names:
            keep(name)
    for name in failed:
        print(f"{name}: FAILED, its input is in {OUT / name}", flush=True)
    return 1 if failed else 0


def fuzz_one(name: str, seconds: int) -> bool:
    found, kept = OUT / name / "found", CORPUS / name
    found.mkdir(parents=True, exist_ok=True)
    plant(name, kept)
    done = subprocess.run(
        [sys.executable, str(HERE / "one.py"), name, str(found), str(kept),
         f"-max_total_time={seconds}", f"-timeout={ONE_INPUT_S}", f"-rss_limit_mb={MEMORY_MB}",
         f"-max_len={LONGEST_INPUT_BYTES}", f"-artifact_prefix={OUT / name}/"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (OUT / name / "log.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    runs = re.findall(r"^Done (\d+) runs in (\d+) second", done.stderr, re.MULTILINE)
    reached = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", done.stderr)
    told = f"{runs[-1][0]} runs in {runs[-1][1]} s" if runs else "no end was told"
    if reached:
        told += ", {} edges, {} features, {} inputs".format(*reached[-1])
    print(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'}: {told}", flush=True)
    return done.returncode == 0


def plant(name: str, kept: Path) -> None:
    """The seeds of a target, as files."""
    kept.mkdir(parents=True, exist_ok=True)
    sys.path[:0] = [str(HERE), str(ROOT)]
    for seed in importlib.import_module(f"fuzz_{name}").seeds():
        (kept / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)


def keep(name: str) -> None:
    """Add the smallest inputs that reach steps of our code that no kept one does."""
    module = importlib.import_module(f"fuzz_{name}")
    reached: set[Step] = set()
    for path in _by_size(CORPUS / name):
        reached |= steps_of(module.fuzz, path.read_bytes())
    for path in _by_size(OUT / name / "found"):
        data = path.read_bytes()
        new = steps_of(module.fuzz, data) - reached if len(data) <= LONGEST_KEPT_BYTES else set()
        if new:
            reached |= new
            (CORPUS / name / path.name).write_bytes(data)


def _by_size(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: (path.stat().st_size, path.name))


def steps_of(fuzz: Callable[[bytes], None], data: bytes) -> set[Step]:
    """The steps from line to line that `data` takes through drivers/."""
    found: set[Step] = set()

    def follow(frame: FrameType, event: str, _argument: object) -> Follow | None:
        if DRIVERS not in frame.f_code.co_filename:
            return None
        at = [frame.f_lineno]

        def line(frame: FrameType, event: str, _argument: object) -> Follow:
            if event == "line":
                found.add((frame.f_code.co_filename, at[0], frame.f_lineno))
                at[0] = frame.f_lineno
            return line

        return line

    before = sys.gettrace()
    sys.settrace(follow)
    try:
        fuzz(data)
    finally:
        sys.settrace(before)
    return found


if __name__ == "__main__":
    sys.exit(main())
