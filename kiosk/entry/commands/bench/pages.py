"""`kiosk bench pages`: how exactly the page is found and how fast, beside two peers.

Without `--corpus` on made-up frames (`tests/kiosk/documents/made_pages.py`), with and without the
picture of the empty plate, and on papers at the frame's edge (`made_edges.py`); with it on a folder with a `truth.json`, as that generator writes it.
"""

from __future__ import annotations

import json as to_json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.finder import find_page
from kiosk.documents.picture import PictureFault, read_picture
from kiosk.documents.plate.reference import PlateReference
from kiosk.documents.quads import Corners, Image
from kiosk.entry.commands.answer import bad_use
from kiosk.entry.commands.bench import made, page_edges
from kiosk.entry.commands.bench.ledger import Ledger, Row, open_ledger
from kiosk.entry.commands.bench.report import Cell, Table, Timing, noise

USUAL_COUNT: Final = 1000
LARGE_PIXELS: Final = 5_000_000  # frames above this are timed apart: stills at 8 megapixels

Finder = Callable[[Image, PlateReference | None], NDArray[np.floating[Any]] | None]
Labelled = tuple[str, Image, Image | None, Corners | None]


def run(corpus: Path | None, *, json: bool) -> int:
    cv2.setNumThreads(1)
    generator = made.generator("made_pages")
    if corpus is None and generator is None:
        return bad_use("no generator of frames is installed here: give --corpus DIR", json=json)
    if corpus is not None and not (corpus / "truth.json").is_file():
        return bad_use(f"{corpus} has no truth.json", json=json)
    count, seed = made.count_and_seed(USUAL_COUNT)
    run_name = f"pages of {corpus}" if corpus is not None else f"pages, seed {seed}"
    ledger = open_ledger(run_name)
    if ledger is None:
        return bad_use(f"the ledger is not of {run_name}", json=json)
    done = sum("edge" not in row for row in ledger.rows)
    frames: Iterator[Labelled]
    if corpus is not None:
        frames = islice(_of_folder(corpus), done, None)
    else:
        frames = _made(generator, seed, range(done, count))
    tables = _measured(frames, ledger)
    at_edges = made.generator("made_edges") if corpus is None else None
    if at_edges is not None:
        page_edges.measure(at_edges, seed, count, ledger)
        tables.append(page_edges.table_of([row for row in ledger.rows if "edge" in row]))
    for table in tables:
        table.show(json=json)
    return 0


def _of_folder(corpus: Path) -> Iterator[Labelled]:
    for entry in to_json.loads((corpus / "truth.json").read_text(encoding="utf-8")):
        picture = read_picture(corpus / entry["file"])
        if isinstance(picture, PictureFault):
            continue
        plate = read_picture(corpus / entry["plate"]) if entry.get("plate") else None
        quad = None if entry["quad"] is None else np.array(entry["quad"], np.float64)
        yield entry["cat"], picture, None if isinstance(plate, PictureFault) else plate, quad


def _made(generator: Any, seed: int, numbers: range) -> Iterator[Labelled]:
    for number in numbers:
        one = generator.make(seed, number)
        yield one.kind, one.picture, one.plate, one.corners


def _measured(frames: Iterator[Labelled], ledger: Ledger) -> list[Table]:
    finders: dict[str, Finder] = {
        "ours": lambda picture, _: _ours(picture, None),
        "ours, plate known": _ours,
        "tutorial": lambda picture, _: tutorial(picture),
        "largest bright patch": lambda picture, _: bright_patch(picture),
    }
    before = noise()
    for kind, picture, plate, truth in frames:
        reference = None if plate is None else PlateReference(plate)
        large = picture.shape[0] * picture.shape[1] > LARGE_PIXELS
        row: Row = {"kind": kind, "empty": truth is None, "large": large}
        for name, finder in finders.items():
            if name != "ours, plate known" or reference is not None:
                row[name] = _compared(finder, picture, reference, truth)
        ledger.add(row)
    rows = [row for row in ledger.rows if "edge" not in row]
    table = Table(
        "pages",
        (
            "finder",
            "frames",
            "mean IoU",
            "% > .95",
            "% > .99",
            "corner px",
            "ms",
            "ms 8 MP",
            "false",
        ),
    )
    for name in finders:
        measured = [row for row in rows if name in row]
        if any(not row["empty"] for row in measured):
            table.add(**_row(name, measured))
    table.note("corner px: the worst of four, median; ms: median of processor time, on one core")
    empty = sum(row["empty"] for row in rows)
    table.note(f"false: found on {empty} frames of an empty plate")
    table.note(f"noise of the machine {before} before, {noise()} after; 1 is quiet")
    by_kind = Table("pages: % of IoU > .95", ("kind", "frames", *finders))
    full = [row for row in rows if not row["empty"]]
    for kind in sorted({row["kind"] for row in full}):
        alike = [row for row in full if row["kind"] == kind]
        cells: dict[str, Cell] = {"kind": kind, "frames": len(alike)}
        for name in finders:
            overlaps = np.array([row[name]["overlap"] for row in alike if name in row])
            if len(overlaps):
                cells[name] = 100.0 * float((overlaps > 0.95).mean())
        by_kind.add(**cells)
    return [table, by_kind]


def _compared(
    finder: Finder, picture: Image, plate: PlateReference | None, truth: Corners | None
) -> Row:
    """What one way found in one frame: the overlap, the worst corner in pixels, the time."""
    began = time.process_time()
    found = finder(picture, plate)
    row: Row = {"seconds": time.process_time() - began, "found": found is not None}
    if truth is not None:
        row["overlap"] = 0.0 if found is None else _overlap(found, truth)
        if found is not None:
            row["corner_px"] = float(np.linalg.norm(found - truth, axis=1).max())
    return row


def _row(name: str, measured: list[Row]) -> dict[str, Cell]:
    full = [row[name] for row in measured if not row["empty"]]
    overlaps = np.array([one["overlap"] for one in full])
    corners = [one["corner_px"] for one in full if one["found"]]
    row: dict[str, Cell] = {
        "finder": name,
        "frames": len(overlaps),
        "mean IoU": float(overlaps.mean()),
        "% > .95": 100.0 * float((overlaps > 0.95).mean()),
        "% > .99": 100.0 * float((overlaps > 0.99).mean()),
        "false": sum(row[name]["found"] for row in measured if row["empty"]),
    }
    if corners:
        row["corner px"] = float(np.median(corners))
    for column, large in (("ms", False), ("ms 8 MP", True)):
        seconds = [row[name]["seconds"] for row in measured if row["large"] is large]
        if seconds:
            row[column] = Timing(tuple(seconds)).median * 1000
    return row


def _overlap(one: NDArray[np.floating[Any]], other: Corners) -> float:
    a, b = one.astype(np.float32), other.astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(a, b)
    return float(shared / max(1e-6, cv2.contourArea(a) + cv2.contourArea(b) - float(shared)))


# -- the finders ---------------------------------------------------------------------------


def _ours(picture: Image, plate: PlateReference | None) -> Corners | None:
    found = find_page(picture, plate)
    return None if found is None else found.corners


def tutorial(picture: Image) -> NDArray[np.floating[Any]] | None:
    """As a hundred pages on the web have it: Canny at 500 px, the largest outline of four."""
    scale = 500.0 / picture.shape[0]
    small = cv2.resize(picture, None, fx=scale, fy=scale)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    outlines, _ = cv2.findContours(cv2.Canny(grey, 75, 200), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for outline in sorted(outlines, key=cv2.contourArea, reverse=True)[:5]:
        around = cv2.approxPolyDP(outline, 0.02 * cv2.arcLength(outline, True), True)
        if len(around) == 4:
            return _clockwise(np.asarray(around, np.float64).reshape(4, 2) / scale)
    return None


def bright_patch(picture: Image) -> NDArray[np.floating[Any]] | None:
    """As jscanify has it: one threshold, the largest outline, its extreme corners."""
    scale = 500.0 / picture.shape[0]
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    mask = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[1]
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    largest = max(outlines, key=cv2.contourArea)
    if cv2.contourArea(largest) < 0.02 * mask.size:
        return None
    points = np.asarray(largest, np.float64).reshape(-1, 2)
    plus, minus = points.sum(axis=1), points[:, 0] - points[:, 1]
    places = [np.argmin(plus), np.argmax(minus), np.argmax(plus), np.argmin(minus)]
    return np.asarray(points[places] / scale, np.float64)


def _clockwise(quad: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    around = quad - quad.mean(axis=0)
    quad = quad[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    return np.asarray(np.roll(quad, -int(np.argmin(quad.sum(axis=1))), axis=0))
