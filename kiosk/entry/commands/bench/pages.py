"""`kiosk bench pages`: how exactly the page is found and how fast, beside two peers.

Without `--corpus` on made-up frames (`tests/kiosk/documents/made_pages.py`), with and without the
picture of the empty plate; with it on a folder with a `truth.json`, as that generator writes it.
"""

from __future__ import annotations

import json as to_json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.page import Corners, Image, find_page
from kiosk.documents.picture import PictureFault, read_picture
from kiosk.documents.plate import PlateReference
from kiosk.entry.commands.answer import bad_use
from kiosk.entry.commands.bench import made
from kiosk.entry.commands.bench.report import Cell, Table, Timing, noise

USUAL_COUNT: Final = 1000
LARGE_PIXELS: Final = 5_000_000  # frames above this are timed apart: stills at 8 megapixels

Finder = Callable[[Image, PlateReference | None], NDArray[np.floating[Any]] | None]
Labelled = tuple[str, Image, Image | None, Corners | None]


@dataclass
class _Result:
    overlaps: list[float] = field(default_factory=list)
    corners_px: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    large_seconds: list[float] = field(default_factory=list)
    on_nothing: int = 0


def run(corpus: Path | None, *, json: bool) -> int:
    cv2.setNumThreads(1)
    generator = made.generator("made_pages")
    if corpus is None and generator is None:
        return bad_use("no generator of frames is installed here: give --corpus DIR", json=json)
    if corpus is not None and not (corpus / "truth.json").is_file():
        return bad_use(f"{corpus} has no truth.json", json=json)
    frames = _of_folder(corpus) if corpus is not None else _made(generator)
    for table in _measured(frames):
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


def _made(generator: Any) -> Iterator[Labelled]:
    count, seed = made.count_and_seed(USUAL_COUNT)
    for one in generator.many(seed, count):
        yield one.kind, one.picture, one.plate, one.corners


def _measured(frames: Iterator[Labelled]) -> list[Table]:
    finders: dict[str, Finder] = {
        "ours": lambda picture, _: _ours(picture, None),
        "ours, plate known": _ours,
        "tutorial": lambda picture, _: tutorial(picture),
        "largest bright patch": lambda picture, _: bright_patch(picture),
    }
    results = {name: _Result() for name in finders}
    kinds: dict[str, dict[str, list[float]]] = {}
    empty = 0
    before = noise()
    for kind, picture, plate, truth in frames:
        empty += truth is None
        reference = None if plate is None else PlateReference(plate)
        for name, finder in finders.items():
            if name == "ours, plate known" and reference is None:
                continue
            result = results[name]
            began = time.perf_counter()
            found = finder(picture, reference)
            taken = time.perf_counter() - began
            large = picture.shape[0] * picture.shape[1] > LARGE_PIXELS
            (result.large_seconds if large else result.seconds).append(taken)
            if truth is None:
                result.on_nothing += found is not None
                continue
            shared = 0.0 if found is None else _overlap(found, truth)
            result.overlaps.append(shared)
            kinds.setdefault(kind, {}).setdefault(name, []).append(shared)
            if found is not None:
                apart = np.linalg.norm(found - truth, axis=1).max()
                result.corners_px.append(float(apart))
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
    for name, result in results.items():
        if result.overlaps:
            table.add(**_row(name, result))
    table.note("corner px: the worst of four, median; ms: median on one core")
    table.note(f"false: found on {empty} frames of an empty plate")
    table.note(f"noise of the machine {before} before, {noise()} after; 1 is quiet")
    by_kind = Table("pages: % of IoU > .95", ("kind", "frames", *finders))
    for kind, found_by in sorted(kinds.items()):
        row: dict[str, Cell] = {"kind": kind, "frames": len(found_by["ours"])}
        row |= {n: 100.0 * float(np.mean(np.array(v) > 0.95)) for n, v in found_by.items()}
        by_kind.add(**row)
    return [table, by_kind]


def _row(name: str, result: _Result) -> dict[str, Cell]:
    overlaps = np.array(result.overlaps)
    row: dict[str, Cell] = {
        "finder": name,
        "frames": len(overlaps),
        "mean IoU": float(overlaps.mean()),
        "% > .95": 100.0 * float((overlaps > 0.95).mean()),
        "% > .99": 100.0 * float((overlaps > 0.99).mean()),
        "false": result.on_nothing,
    }
    if result.corners_px:
        row["corner px"] = float(np.median(result.corners_px))
    if result.seconds:
        row["ms"] = Timing(tuple(result.seconds)).median * 1000
    if result.large_seconds:
        row["ms 8 MP"] = Timing(tuple(result.large_seconds)).median * 1000
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
