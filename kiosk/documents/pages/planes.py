"""The search picture as planes: lightness, colour, what differs from the empty plate; the ground.

The ground is the picture with its print taken away: what is dark and thinner than `PRINT_SHARE`
is as light as what lies around it. Text, rules and frames are on a page's ground and make no edge
in it; where two grounds meet, something lies on something else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from kiosk.documents.plate.reference import PlateReference
from kiosk.documents.quads import Floats, Image

BRIGHT_LEVEL = 215.0  # a dim frame is stretched until its bright parts reach this
MAX_GAIN = 3.0  # more would stretch noise into edges
MAX_DIFFERENCE = 30.0
PRINT_SHARE = 0.0095  # of the long side: a line of small print on a sheet that fills the frame


@dataclass(frozen=True, slots=True)
class Planes:
    """`seen`: lightness 0..255, two colours, difference to the empty plate, h x w x 4.

    `ground`: lightness and colours without print, h x w x 3.
    """

    seen: Floats
    ground: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.seen.shape[0], self.seen.shape[1]

    @property
    def plate_known(self) -> bool:
        """Whether anything differs from a known plate."""
        return bool(self.seen[..., 3].any())


def resized(picture: Image, scale: float) -> Image:
    if scale >= 1.0:
        return picture
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def halved(picture: Image, factor: int) -> Image:
    """Smaller by a whole factor, which is several times faster than any other."""
    if factor == 1:
        return picture
    height, width = (side // factor for side in picture.shape[:2])
    part = picture[: height * factor, : width * factor]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def without_print(picture: Image) -> Image:
    """The ground: a closing, but at the frame's rim, where nobody knows what lies beyond."""
    side = max(3, round(PRINT_SHARE * max(picture.shape[:2]))) | 1
    kernel = np.ones((side, side), np.uint8)
    ground = np.asarray(cv2.morphologyEx(picture, cv2.MORPH_CLOSE, kernel), np.uint8)
    rim = side // 2 + 1
    for edge in (np.s_[:rim], np.s_[-rim:], np.s_[:, :rim], np.s_[:, -rim:]):
        ground[edge] = picture[edge]
    return ground


def planes_of(small: Image, ground: Image, plate: PlateReference | None) -> Planes:
    """Of the search picture and its ground, which is as large."""
    level = float(np.percentile(small[::4, ::4, 1], 97))
    gain = min(MAX_GAIN, max(1.0, BRIGHT_LEVEL / max(level, 1.0)))
    if plate is None:
        differs = np.zeros(small.shape[:2], np.float32)
    else:  # what differs clearly differs enough: how much tells of the plate, not of the paper
        differs = np.minimum(plate.difference(small) * 2.0, MAX_DIFFERENCE).astype(np.float32)
    seen = np.asarray(cv2.merge((*_lab(small, gain), differs)), np.float32)
    behind = np.asarray(cv2.merge(_lab(ground, gain)), np.float32)
    if gain > 1.5:  # what was stretched is noisy
        soft = 0.4 * math.sqrt(gain)
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), soft), np.float32)
        behind = np.asarray(cv2.GaussianBlur(behind, (0, 0), soft), np.float32)
    return Planes(seen, behind)


def _lab(small: Image, gain: float) -> tuple[Floats, Floats, Floats]:
    stretched = small if gain < 1.01 else cv2.convertScaleAbs(small, alpha=gain)
    lab = cv2.cvtColor(stretched, cv2.COLOR_BGR2Lab)
    light, one, other = (plane.astype(np.float32) for plane in cv2.split(lab))
    return light, one - 128.0, other - 128.0


def sample(planes: Floats, where: Floats) -> Floats:
    """Values at `where` (... x 2, x and y), bilinear, the frame's edge repeated."""
    shape = where.shape[:-1]
    flat = where.reshape(-1, shape[-1], 2)
    values = cv2.remap(
        planes,
        np.ascontiguousarray(flat[..., 0], np.float32),
        np.ascontiguousarray(flat[..., 1], np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(values, np.float32).reshape(*shape, planes.shape[2])


def smooth(values: Floats, window: int) -> Floats:
    """Running mean along the second axis of n x samples x planes."""
    count, samples, depth = values.shape
    flat = np.ascontiguousarray(values.transpose(0, 2, 1)).reshape(count * depth, samples)
    blurred = cv2.blur(flat, (window, 1), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(count, depth, samples).transpose(0, 2, 1)
