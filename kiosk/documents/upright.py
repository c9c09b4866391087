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

from kiosk.documents.page import Image

WORK_PX = 1800  # long side: 10-point print on A4 is 20 pixels high then
LEAST_PX, MOST_PX = 9, 90  # sides of what may be a character
SQUARE = 1.35  # a Chinese character is about as wide as high
PATCH = 20  # the side at which characters are looked at
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
    """What looks like single characters: n x PATCH x PATCH, ink 1, paper 0, each centred."""
    scale = min(1.0, WORK_PX / max(page.shape[:2]))
    grey = np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8)
    if scale < 1.0:
        size = (max(1, round(page.shape[1] * scale)), max(1, round(page.shape[0] * scale)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    ground = cv2.blur(cv2.dilate(grey, np.ones((9, 9), np.uint8)), (25, 25)).astype(np.float32)
    lit = (grey.astype(np.float32) + np.float32(6)) / (ground + np.float32(6))
    ink = np.asarray(np.clip(1 - lit, 0, 1), np.float32)
    mask = (ink > 0.22).astype(np.uint8)
    boxes: list[tuple[int, int, int, int]] = []
    for reach in (3, 1, 5):  # how far apart the strokes of one character lie depends on its size
        if len(boxes) > 2 * MAX_CHARACTERS:
            break
        kernel = np.ones((reach, reach), np.uint8)
        joined = mask if reach == 1 else cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
        count, _, stats, _ = cv2.connectedComponentsWithStats(joined, None)
        for x, y, w, h, area in stats[1:count]:
            if max(w, h) > MOST_PX or min(w, h) < LEAST_PX:
                continue
            if max(w, h) > SQUARE * min(w, h) or not 0.12 < area / (w * h) < 0.85:
                continue
            boxes.append((int(x), int(y), int(w), int(h)))
    if not boxes:
        return np.empty((0, PATCH, PATCH), np.float32)
    # the most common size is print's; a seal, a portrait's eye or a speck has another
    sides = np.array([max(w, h) for _, _, w, h in boxes])
    usual = float(np.median(sides[sides >= np.percentile(sides, 40)]))
    chosen = [box for box in boxes if 0.6 * usual <= max(box[2:]) <= 1.6 * usual]
    step = max(1, len(chosen) // MAX_CHARACTERS)
    patches = [_patch(ink, box) for box in chosen[::step][:MAX_CHARACTERS]]
    return np.array(patches, np.float32).reshape(-1, PATCH, PATCH)


def _patch(ink: NDArray[np.float32], box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    x, y, w, h = box
    part = ink[y : y + h, x : x + w]
    side = max(w, h)
    square = np.zeros((side, side), np.float32)
    top, left = (side - h) // 2, (side - w) // 2
    square[top : top + h, left : left + w] = part
    way = cv2.INTER_AREA if side >= PATCH else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(square, (PATCH, PATCH), interpolation=way), np.float32)
    return np.asarray(small / max(0.2, float(np.percentile(small, 97))), np.float32).clip(0, 1)
