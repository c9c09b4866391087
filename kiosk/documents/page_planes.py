"""The search picture as planes: lightness, colour, and what differs from the empty plate."""

from __future__ import annotations

import math

import cv2
import numpy as np

from kiosk.documents.plate import PlateReference
from kiosk.documents.quads import Floats, Image

BRIGHT_LEVEL = 215.0  # a dim frame is stretched until its bright parts reach this
MAX_GAIN = 3.0  # more would stretch noise into edges
MAX_DIFFERENCE = 30.0


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


def planes_of(small: Image, plate: PlateReference | None) -> Floats:
    """Lightness 0..255, two colour planes, and the difference to the empty plate: h x w x 4."""
    level = float(np.percentile(small[::4, ::4, 1], 97))
    gain = min(MAX_GAIN, max(1.0, BRIGHT_LEVEL / max(level, 1.0)))
    stretched = small if gain < 1.01 else cv2.convertScaleAbs(small, alpha=gain)
    lab = cv2.cvtColor(stretched, cv2.COLOR_BGR2Lab)
    light, one, other = (plane.astype(np.float32) for plane in cv2.split(lab))
    if plate is None:
        differs = np.zeros_like(light)
    else:  # what differs clearly differs enough: how much tells of the plate, not of the paper
        differs = np.minimum(plate.difference(small) * 2.0, MAX_DIFFERENCE).astype(np.float32)
    planes = np.asarray(cv2.merge((light, one - 128.0, other - 128.0, differs)), np.float32)
    if gain > 1.5:  # what was stretched is noisy
        planes = np.asarray(cv2.GaussianBlur(planes, (0, 0), 0.4 * math.sqrt(gain)), np.float32)
    return planes


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
