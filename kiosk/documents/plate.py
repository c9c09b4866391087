"""The empty plate as a reference picture, and whether something lies on the plate.

The plate is ours: a picture of it without paper, taken by a technician, tells paper from plate
even where the paper is as white as the plate. Light drifts, so the reference is matched to the
frame by slow gains before the two are compared.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

SHADOW_SHARE = 0.25  # how much of an evenly darker place counts
WORK_PX = 480  # long side of the comparison
PAPER_SHARE = 0.01  # of the plate: half an ID card on an A3 plate; less is dust and reflections
PLATE_CHANGE = 5.0  # grey levels between plate and paper, where the empty plate is known
NOISE_SHARE = 5.0  # and this many times the usual difference, which is noise and drifting light
GROUND_CHANGE = 26.0  # and where it has to be guessed from the rim of the frame


class PlateReference:
    """A picture of the empty plate, at the size of the comparison."""

    def __init__(self, picture: Image) -> None:
        scale = min(1.0, WORK_PX / max(picture.shape[:2]))
        size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        self._picture = np.asarray(small, np.float32)

    def difference(self, small: Image) -> NDArray[np.float32]:
        """Grey levels by which `small` differs from the plate under the same light, h x w."""
        height, width = small.shape[:2]
        reference = self._picture
        if reference.shape[:2] != (height, width):
            resized = cv2.resize(reference, (width, height), interpolation=cv2.INTER_AREA)
            reference = np.asarray(resized, np.float32)
        now = np.asarray(cv2.GaussianBlur(small.astype(np.float32), (0, 0), 0.8), np.float32)
        then = np.asarray(cv2.GaussianBlur(reference, (0, 0), 0.8), np.float32)
        then = then * _gain(now, then)
        change = now - then
        size = np.abs(change).max(axis=2)
        # evenly darker is a shadow of the sheet, a hand or the head, not the sheet
        ratio = (now + 4.0) / (then + 4.0)
        even = ratio.max(axis=2) - ratio.min(axis=2) < 0.08
        shadow = even & (ratio.max(axis=2) < 1.0) & (ratio.min(axis=2) > 0.6)
        return np.asarray(np.where(shadow, size * SHADOW_SHARE, size), np.float32)


def something_lies_there(picture: Image, plate: PlateReference | None) -> bool:
    """Whether anything lies on the plate, page or not.

    Without a picture of the empty plate, whatever stands out from the rim of the frame more than
    the rim does from itself.
    """
    scale = min(1.0, WORK_PX / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    if plate is not None:
        difference = plate.difference(small)
        mask = difference > max(PLATE_CHANGE, NOISE_SHARE * float(np.percentile(difference, 30)))
    else:
        smooth = np.asarray(cv2.GaussianBlur(small.astype(np.float32), (0, 0), 1.5), np.float32)
        rim = max(3, size[1] // 40)
        frame = np.concatenate(
            [
                part.reshape(-1, 3)
                for part in (smooth[:rim], smooth[-rim:], smooth[:, :rim], smooth[:, -rim:])
            ]
        )
        ground = np.median(frame, axis=0)
        own = float(np.percentile(np.abs(frame - ground).max(axis=1), 90))
        mask = np.abs(smooth - ground).max(axis=2) > max(GROUND_CHANGE, 2.2 * own)
    # print on white paper can be as bright as a white plate: gaps between are filled first
    filled = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((11, 11), np.uint8))
    opened = cv2.morphologyEx(filled, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(opened, None)
    largest = int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0
    return largest >= PAPER_SHARE * mask.size


def _gain(now: NDArray[np.float32], then: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much brighter each colour is now: one factor, from the parts that changed least."""
    ratio = (now + 4.0) / (then + 4.0)
    flat = ratio.reshape(-1, 3)
    # The most common ratio is the light's: paper covers part of the plate, in one of many ratios.
    gains = []
    for plane in range(3):
        logs = np.log(flat[::7, plane])
        counts, edges = np.histogram(logs, bins=120, range=(-1.2, 1.2))
        smooth = np.convolve(counts, np.ones(5) / 5, mode="same")
        top = int(np.argmax(smooth))
        middle, width = (edges[top] + edges[top + 1]) / 2, edges[1] - edges[0]
        near = logs[np.abs(logs - middle) < 2.5 * width]
        gains.append(float(np.exp(np.median(near) if near.size else middle)))
    return np.array(gains, np.float32)
