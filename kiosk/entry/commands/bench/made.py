"""The generators of pictures for benchmarks, which live with the tests.

They are loaded by their path beside the installed package: a terminal installed from a wheel has
no need of a thousand spoiled codes, and measures on `--corpus DIR`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import kiosk

FOLDER: Final = Path(kiosk.__file__).parent.parent / "tests" / "kiosk" / "documents"
COUNT: Final = "KIOSK_BENCH_COUNT"  # how many pictures are made
SEED: Final = "KIOSK_BENCH_SEED"


def generator(name: str) -> ModuleType | None:
    """`made_codes`, `made_pages` or, after that, `made_edges`; None where the tests are not beside the program."""
    path = FOLDER / f"{name}.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def count_and_seed(usual: int) -> tuple[int, int]:
    """From the environment, so that other pictures than the usual ones can be asked for."""
    return int(os.environ.get(COUNT, str(usual))), int(os.environ.get(SEED, "1"))
