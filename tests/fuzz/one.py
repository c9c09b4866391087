"""One fuzz target under Atheris: `one.py NAME FOLDER... -max_total_time=60`. Called by `run.py`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent


def main() -> None:
    name = sys.argv.pop(1)
    sys.path[:0] = [str(HERE), str(HERE.parent.parent)]
    with atheris.instrument_imports(include=["drivers"]):
        target = importlib.import_module(f"fuzz_{name}")
    atheris.Setup(sys.argv, target.fuzz)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
