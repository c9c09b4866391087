"""What may go wrong, by number, and that a test shows what then happens.

A test says by `@pytest.mark.fault(9)` which case it shows; `pytest -m fault` runs them all. Longer runs
of 4, 5, 17, 18 and 31 are `make` targets (`power-cuts`, `kills`, `window-kills`, `slow-line`, `fleet`,
`disk-image`), every device broken on every page (21 to 23) is `make faults`.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

FAULTS = {
    1: "the power goes before an application is committed",
    2: "the power goes between its commit and its receipt",
    3: "the power goes while the receipt is printed, or the printer never says what became of it",
    4: "the power goes at any instant whatever",
    5: "the window, the sync process or both are killed",
    6: "the window hangs",
    7: "the disk is full",
    8: "the disk fails in writing, or what became of a commit is not known",
    9: "the database is damaged, cut short, emptied or gone",
    10: "the clock jumps, or never knew the time",
    11: "the hub is away or ill for a day",
    12: "the hub took it, and its answer never came",
    13: "answers come twice, late, out of order or for another terminal",
    14: "the answer is garbage, a page of somebody's portal, or endless",
    15: "the same id comes with other content",
    16: "one item in a batch spoils it for the others",
    17: "the line is slow and breaks again and again under a large paper",
    18: "ten thousand terminals come back at once",
    19: "a certificate has run out, is revoked, is new, or is not the hub's",
    20: "a batch is replayed; a command is old, repeated or meant for another",
    21: "the receipt printer fails while it prints",
    22: "the card reader fails, or its card goes, while it reads",
    23: "the camera fails, or repeats an old picture",
    24: "somebody holds out a code or a picture that was made to do harm",
    25: "a citizen walks away",
    28: "what the hub hands down makes no sense, or was changed on the disk",
    29: "the terminal's store begins anew, or comes from an old copy",
    30: "the hub was restored from an old copy",
    31: "the disk is read by a stranger",
}


def _marked(root: Path) -> Iterator[tuple[int, str]]:
    """Numbers with the tests that show them."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                        for number in mark.args:
                            yield ast.literal_eval(number), f"{path.name}::{node.name}"


def test_every_fault_has_a_test_that_says_so(root: Path) -> None:
    shown: defaultdict[int, list[str]] = defaultdict(list)
    for number, test in _marked(root):
        shown[number].append(test)
    assert sorted(shown) == sorted(FAULTS)
