"""What a long benchmark has measured so far, a line a picture, so that it goes on where it ended.

The file is named by the environment (`KIOSK_BENCH_LEDGER`); without it nothing is kept.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

LEDGER: Final = "KIOSK_BENCH_LEDGER"

Row = dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Rows of one run, those of earlier parts of it first."""

    path: Path | None = None
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Keep what one picture gave."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def open_ledger(name: str) -> Ledger | None:
    """The ledger that the environment names, begun for `name`; None: it is another run's."""
    told = os.environ.get(LEDGER)
    if not told:
        return Ledger()
    path = Path(told)
    head = json.dumps({"run": name}, ensure_ascii=False)
    if not path.exists():
        path.write_text(head + "\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    if not lines or lines[0] != head:
        return None
    if not text.endswith("\n"):  # ended in the middle of a line: that picture is measured again
        lines.pop()
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return Ledger(path, [json.loads(line) for line in lines[1:]])
