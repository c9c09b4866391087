"""Every device's protocol has a fuzz target; what the fuzzer found stays harmless; and hypothesis
looks for more in every run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

HERE = Path(__file__).parent
NAMES = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py"))


def target(name: str) -> ModuleType:
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    return importlib.import_module(f"fuzz_{name}")


def test_every_protocol_has_a_target(root: Path) -> None:
    devices = {path.parent.name for path in (root / "drivers").glob("*/protocol.py")}
    assert devices <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_kept_corpus_is_harmless(root: Path, name: str) -> None:
    module = target(name)
    corpus = sorted((root / "tests" / "fuzz_corpus" / name).iterdir())
    assert corpus, "make fuzz plants the seeds"
    for data in [*module.seeds(), *(path.read_bytes() for path in corpus)]:
        module.fuzz(data)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_bytes_are_harmless(name: str, data: st.DataObject) -> None:
    module = target(name)
    seed = data.draw(st.sampled_from([b"", *module.seeds()]))
    cut = data.draw(st.integers(0, len(seed)))
    module.fuzz(seed[:cut] + data.draw(st.binary(max_size=300)) + seed[cut:])
