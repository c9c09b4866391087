"""Which way up is a page? Every character that stands apart is asked; together they are sure.

A small network (`kiosk/data/upright.npz`, made by `deploy/train_upright.py` from drawn text) looks
at single characters and says which of four ways each lies. One is often wrong, a hundred are not.
A recogniser of text asked four times needs a second; this needs a few hundredths.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.quads import Image
from kiosk.documents.smaller import fitting

WORK_PX = 1800  # long side: 10-point print on A4 is 20 pixels high then
LEAST_PX, MOST_PX = 9, 90  # sides of what may be a character
SQUARE = 1.35  # a Chinese character is about as wide as high
INK = 0.22  # darker than the paper around it by this share
LIFT = 6.0  # grey levels added to both: in the dark a level or two is noise
PATCH = 20  # the side at which characters are looked at
INKED = PATCH * PATCH * 97 // 100  # of its pixels are no darker than its ink
MAX_CHARACTERS = 100  # more take time and say no more
ENOUGH = 4  # fewer say nothing
CLIP = 3.0  # one character, however sure, may not outvote all
SURE = 4.0  # nats between the best and the second: wrong once in fifty at worst


@dataclass(frozen=True, slots=True)
class Uprightness:
    """`turns`: quarter turns counter-clockwise that bring the page upright. `sure`: 0 knows nothing."""

    turns: int
    sure: float
    characters: int


class UprightJudge:
    """Holds the network."""

    def __init__(self) -> None:
        with (files("kiosk") / "data" / "upright.npz").open("rb") as file, np.load(file) as stored:
            self._first = stored["first"].astype(np.float32)
            self._first_bias = stored["first_bias"].astype(np.float32)
            self._second = stored["second"].astype(np.float32)
            self._second_bias = stored["second_bias"].astype(np.float32)

    def judge(self, page: Image) -> Uprightness:
        patches = characters(page)
        if len(patches) < ENOUGH:
            return Uprightness(0, 0.0, len(patches))
        hidden = np.maximum(patches.reshape(len(patches), -1) @ self._first + self._first_bias, 0)
        logits = hidden @ self._second + self._second_bias
        logits -= logits.max(axis=1, keepdims=True)
        says = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        votes = np.maximum(says, -CLIP).sum(axis=0)
        order = np.argsort(-votes)
        return Uprightness(int(order[0]), float(votes[order[0]] - votes[order[1]]), len(patches))


def upright(page: Image, judge: UprightJudge) -> tuple[Image, Uprightness]:
    """The page turned upright; as it is where that cannot be told."""
    found = judge.judge(page)
    if found.sure < SURE or found.turns == 0:
        return page, found
    return np.ascontiguousarray(np.rot90(page, found.turns)), found


def characters(page: Image) -> NDArray[np.float32]:
    """What looks like single characters: n x PATCH x PATCH, ink 1, paper 0, each centred.

    A page full of print is asked in its middle only.
    """
    grey = np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8)
    scale = min(1.0, WORK_PX / max(page.shape[:2]))
    if scale > 0.5:  # hardly smaller: no pixel is left out
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale), np.uint8)
    else:
        grey = fitting(grey, WORK_PX)
    height = grey.shape[0]
    middle = _characters(grey[height // 4 : height - height // 4])
    return middle if len(middle) >= MAX_CHARACTERS else _characters(grey)


def _characters(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    ground = np.asarray(cv2.blur(cv2.dilate(grey, np.ones((9, 9), np.uint8)), (25, 25)), np.uint8)
    dark = cv2.convertScaleAbs(ground, alpha=1 - INK, beta=-INK * LIFT)
    mask = cv2.compare(grey, dark, cv2.CMP_LT)
    boxes: list[NDArray[np.int32]] = []
    for reach in (3, 1, 5):  # how far apart the strokes of one character lie depends on its size
        if sum(map(len, boxes)) > 2 * MAX_CHARACTERS:
            break
        kernel = np.ones((reach, reach), np.uint8)
        joined = mask if reach == 1 else cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
        _, _, stats, _ = cv2.connectedComponentsWithStats(joined, None)
        box, sides, area = stats[1:, :4], stats[1:, 2:4], stats[1:, 4]
        longer, shorter = sides.max(axis=1), sides.min(axis=1)
        filled = area / np.maximum(1, sides[:, 0] * sides[:, 1])
        alike = (longer <= MOST_PX) & (shorter >= LEAST_PX) & (longer <= SQUARE * shorter)
        boxes.append(np.asarray(box[alike & (filled > 0.12) & (filled < 0.85)], np.int32))
    found = np.concatenate(boxes)
    if not len(found):
        return np.empty((0, PATCH, PATCH), np.float32)
    # the most common size is print's; a seal, a portrait's eye or a speck has another
    longest = found[:, 2:].max(axis=1)
    usual = float(np.median(longest[longest >= np.percentile(longest, 40)]))
    chosen = found[(0.6 * usual <= longest) & (longest <= 1.6 * usual)]
    step = max(1, len(chosen) // MAX_CHARACTERS)
    patches = [_patch(grey, ground, box) for box in chosen[::step][:MAX_CHARACTERS].tolist()]
    return np.array(patches, np.float32).reshape(-1, PATCH, PATCH)


def _patch(
    grey: NDArray[np.uint8], ground: NDArray[np.uint8], box: list[int]
) -> NDArray[np.float32]:
    x, y, w, h = box
    rows, columns = slice(y, y + h), slice(x, x + w)
    lit = (grey[rows, columns] + np.float32(LIFT)) / (ground[rows, columns] + np.float32(LIFT))
    side = max(w, h)
    square = np.zeros((side, side), np.float32)
    top, left = (side - h) // 2, (side - w) // 2
    square[top : top + h, left : left + w] = np.clip(1 - lit, 0, 1)
    way = cv2.INTER_AREA if side >= PATCH else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(square, (PATCH, PATCH), interpolation=way), np.float32)
    inked = float(np.partition(small.ravel(), INKED)[INKED])
    return np.asarray(small / max(0.2, inked), np.float32).clip(0, 1)
