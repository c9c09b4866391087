"""Photographs and frames that are not part of the project: measured where they are at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import paper_frames as frames
import pytest

from kiosk.documents.codes.reader import read_codes
from kiosk.documents.pages.finder import find_page
from kiosk.documents.picture import PictureFault, read_picture
from kiosk.documents.quads import Image
from kiosk.documents.quality import judge_page
from kiosk.documents.rectify import proportion, straighten
from kiosk.flow.pages import Advice


@pytest.fixture(scope="module")
def corpus(root: Path) -> Iterator[Path]:
    folder = root.parent / "shared" / "corpora"
    if not folder.is_dir():
        pytest.skip(
            "the folder shared/corpora is not beside the project, so its pictures were not "
            "measured; everything else was tested on pictures made here"
        )
    yield folder


def picture(path: Path) -> Image:
    read = read_picture(path)
    assert not isinstance(read, PictureFault), (path.name, read)
    return read


def test_pages_of_twelve_kinds_are_found_straightened_and_judged(corpus: Path) -> None:
    folder = corpus / "pages" / "synthetic"
    overlaps, worst, told, shares = [], [], {}, []
    for entry in json.loads((folder / "truth.json").read_text(encoding="utf-8")):
        frame = picture(folder / entry["file"])
        found = find_page(frame)
        truth = np.array(entry["quad"])
        overlaps.append(frames.overlap(found.corners, truth) if found else 0.0)
        if found is None:
            continue
        worst.append(np.linalg.norm(found.corners - truth, axis=1).max())
        quality = judge_page(straighten(frame, found.corners), found)
        told[entry["file"]] = [trouble.advice for trouble in quality.troubles]
        true = entry["page"][0] / entry["page"][1]
        shares.append(proportion(found.corners, frame.shape[1], frame.shape[0]) / true)
    assert np.mean(overlaps) >= 0.975
    assert np.mean(np.array(overlaps) > 0.95) >= 0.96
    assert np.mean(np.array(overlaps) > 0.99) >= 0.92
    assert np.median(worst) <= 1.0
    assert np.mean(np.abs(np.array(shares) - 1) < 0.02) >= 0.95
    fingers = [advice for name, advice in told.items() if name.startswith("finger")]
    assert all(Advice.FINGER in advice for advice in fingers)
    others = [advice for name, advice in told.items() if not name.startswith(("finger", "shadow"))]
    assert sum(bool(advice) for advice in others) <= 2


@pytest.mark.parametrize("name", ["desk.JPG", "receipt.jpg", "test2.png"])
def test_photographs_of_pages_are_found_and_good(corpus: Path, name: str) -> None:
    photo = picture(corpus / "pages" / name)
    found = find_page(photo)
    assert found is not None
    assert not found.cut_off
    assert judge_page(straighten(photo, found.corners), found).advice is Advice.GOOD


def test_codes_are_read_however_they_are_turned_and_without_a_wrong_text(corpus: Path) -> None:
    right = total = 0
    for text_file in sorted((corpus / "codes").glob("*/*.txt")):
        pictures = [p for p in text_file.parent.glob(f"{text_file.stem}.*") if p != text_file]
        pictures = [p for p in pictures if p.suffix != ".txt"]
        if not pictures:
            continue
        wanted = text_file.read_bytes().decode()
        photo = picture(pictures[0])
        for turns in range(4):
            turned = np.ascontiguousarray(np.rot90(photo, turns))
            texts = {code.text for code in read_codes(turned)}
            assert texts <= {wanted}, (pictures[0].name, turns)
            right, total = right + len(texts), total + 1
    assert right >= total - 3 > 0


def test_nothing_is_read_where_nothing_is(corpus: Path) -> None:
    for path in sorted((corpus / "codes" / "empty").iterdir()):
        read = read_picture(path)
        if not isinstance(read, PictureFault):
            assert read_codes(read) == [], path.name
