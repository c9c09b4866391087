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

    `soft`: the same, each place the mean of the 3 x 3 around it, for looks beside a line.
    `ground`: lightness and colours without print, h x w x 3.
    `plate_known`: whether anything differs from a known plate.
    """

    seen: Floats
    soft: Floats
    ground: Floats
    plate_known: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.seen.shape[0], self.seen.shape[1]


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
    seen = np.asarray(cv2.cvtColor(_lab(small, gain), cv2.COLOR_BGR2BGRA), np.float32)
    cv2.insertChannel(differs, seen, 3)
    behind = _lab(ground, gain)
    if gain > 1.5:  # what was stretched is noisy
        soft = 0.4 * math.sqrt(gain)
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), soft), np.float32)
        behind = np.asarray(cv2.GaussianBlur(behind, (0, 0), soft), np.float32)
    mean = np.asarray(cv2.blur(seen, (3, 3)), np.float32)
    return Planes(seen, mean, behind, bool(differs.any()))


def _lab(small: Image, gain: float) -> Floats:
    """Lightness 0..255 and two colours about 0."""
    stretched = small if gain < 1.01 else cv2.convertScaleAbs(small, alpha=gain)
    lab = np.asarray(cv2.cvtColor(stretched, cv2.COLOR_BGR2Lab), np.float32)
    return shifted(lab, (0.0, -128.0, -128.0))


def shifted(planes: Floats, by: tuple[float, float, float]) -> Floats:
    """h x w x 3 with a number added to each plane: five times as fast as numpy's broadcasting."""
    matrix = np.concatenate([np.eye(3), np.array(by)[:, None]], axis=1)
    return np.asarray(cv2.transform(planes, matrix.astype(np.float32)), np.float32)


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


def beside(planes: Floats, at: Floats, normals: Floats, offsets: tuple[float, ...]) -> Floats:
    """Values along lines drawn `offsets` (pixels) beside n lines: offsets x n x samples x planes.

    `at`: places on the lines, n x samples x 2; `normals`: n x 2.
    """
    away = np.array(offsets, np.float32)[:, None, None, None] * normals[:, None]
    return sample(planes, at + away)


def smooth(values: Floats, window: int) -> Floats:
    """Running mean along the second axis of n x samples x planes."""
    blurred = cv2.blur(values, (window, 1), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(values.shape)
