"""The second half of `kiosk bench pages`: papers that stick out of the frame, and white on white.

Where a page sticks out, its true corners lie outside of the frame, and what is compared is what
of it is in the frame. What matters more than the overlap: that it is told as cut off, that a page
that is whole is not, and that nothing wrong is told as if it were sure.
"""

from __future__ import annotations

from typing import Any, Final

from kiosk.documents.pages.finder import find_page
from kiosk.documents.plate.reference import PlateReference
from kiosk.entry.commands.bench.ledger import Ledger, Row
from kiosk.entry.commands.bench.report import Table

SHARE: Final = 5  # one such frame to five others
RIGHT_OVERLAP: Final = 0.95
FINDERS: Final = ("ours", "ours, plate known")


def measure(generator: Any, seed: int, count: int, ledger: Ledger) -> None:
    """Go on with the frames that the ledger does not hold yet."""
    done = sum("edge" in row for row in ledger.rows)
    for number in range(done, max(len(generator.KINDS), count // SHARE)):
        made = generator.make(seed, number)
        row: Row = {"edge": True, "kind": made.kind, "cut": made.cut_off}
        plates = (None, PlateReference(made.plate))
        for name, plate in zip(FINDERS, plates, strict=True):
            found = find_page(made.picture, plate)
            row[name] = {
                "found": found is not None,
                "overlap": 0.0 if found is None else generator.overlap(found.corners, made.corners),
                "told": found is not None and found.cut_off,
            }
        ledger.add(row)


def table_of(rows: list[Row]) -> Table:
    """A row for each kind and finder. Overlaps are of what lies in the frame."""
    table = Table(
        "pages at the frame's edge, and white on white",
        (
            "finder",
            "kind",
            "frames",
            "right",
            "none",
            "told cut off",
            "told wrongly",
            "wrong, sure",
        ),
    )
    for name in FINDERS:
        for kind in sorted({row["kind"] for row in rows}):
            alike = [row for row in rows if row["kind"] == kind]
            table.add(
                finder=name,
                kind=kind,
                frames=len(alike),
                right=sum(row[name]["overlap"] > RIGHT_OVERLAP for row in alike),
                none=sum(not row[name]["found"] for row in alike),
                **{
                    "told cut off": sum(row["cut"] and row[name]["told"] for row in alike),
                    "told wrongly": sum(row[name]["told"] and not row["cut"] for row in alike),
                    "wrong, sure": sum(_wrong_and_sure(row, name) for row in alike),
                },
            )
    table.note(f"right: overlap above {RIGHT_OVERLAP} within the frame")
    table.note("wrong, sure: found elsewhere and not told as cut off, or cut off and not told")
    return table


def _wrong_and_sure(row: Row, name: str) -> bool:
    one = row[name]
    if not one["found"] or one["told"]:
        return False
    return bool(row["cut"] or one["overlap"] <= RIGHT_OVERLAP)
