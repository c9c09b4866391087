"""The empty plate as a reference picture, and whether something lies on the plate.

The plate is ours: a picture of it without paper, taken by a technician, tells paper from plate
even where the paper is as white as the plate. Light drifts, so the reference is matched to the
frame by slow gains before the two are compared.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.quads import Floats, Image

SHADOW_SHARE = 0.12  # how much of an evenly darker place counts
DEEPEST_SHADOW = 0.42  # of the light is left in it: a head close above the plate
WORK_PX = 480  # long side of the comparison
PAPER_SHARE = 0.01  # of the plate: half an ID card on an A3 plate; less is dust and reflections
PLATE_CHANGE = 5.0  # grey levels between plate and paper, where the empty plate is known
NOISE_SHARE = 5.0  # and this many times the usual difference, which is noise and drifting light
DARK = np.float32(4.0)  # added to both: what is nearly black has no ratio
LIGHT_STEP_PX = 10  # places at which the light is compared
MOST_LIGHT_LOG = 1.5  # a quarter to four times as bright: a lamp has failed, a blind was opened
LIGHT_BINS = 120  # of ratios: a fortieth wide
RIM_SHARE = 0.1  # of the frame: where paper seldom lies
RIM_WEIGHT = 4.0
AGREE_LOGS = (0.16, 0.12, 0.08, 0.06)  # how far from the slope places may be that follow it
RIM_ROUNDS = 8  # until its slope has settled
RIM_SURE_LOG = 0.02  # closer to the slope than this counts no more
GROUND_CHANGE = 26.0  # and where it has to be guessed from the rim of the frame


class PlateReference:
    """A picture of the empty plate, at the size of the comparison."""

    def __init__(self, picture: Image) -> None:
        scale = min(1.0, WORK_PX / max(picture.shape[:2]))
        size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        self._picture = np.asarray(small, np.uint8)
        self._soft = _soft(self._picture)
        self._places = _Places(self._soft[0])

    def difference(self, small: Image) -> Floats:
        """Grey levels by which `small` differs from the plate under the same light, h x w."""
        height, width = small.shape[:2]
        if self._soft[0].shape != (height, width):
            resized = cv2.resize(self._picture, (width, height), interpolation=cv2.INTER_AREA)
            self._soft = _soft(np.asarray(resized, np.uint8))
            self._places = _Places(self._soft[0])
        now = _soft(small)
        light = self._places.light(now, self._soft)
        then = [plane * lit for plane, lit in zip(self._soft, light, strict=True)]
        largest = _most([np.abs(one - other) for one, other in zip(now, then, strict=True)])
        # evenly darker is a shadow of the sheet, a hand or the head, not the sheet
        ratios = [(one + DARK) / (other + DARK) for one, other in zip(now, then, strict=True)]
        highest, lowest = _most(ratios), cv2.min(cv2.min(ratios[0], ratios[1]), ratios[2])
        shadow = (highest - lowest < 0.08) & (highest < 1.0) & (lowest > DEEPEST_SHADOW)
        return np.asarray(np.where(shadow, largest * SHADOW_SHARE, largest), np.float32)


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


def _soft(picture: Image) -> list[Floats]:
    """Blue, green and red apart, with less noise."""
    soft = cv2.GaussianBlur(picture.astype(np.float32), (5, 5), 0.8)
    return [np.asarray(cv2.extractChannel(soft, plane), np.float32) for plane in range(3)]


def _most(planes: list[Floats]) -> Floats:
    return np.asarray(cv2.max(cv2.max(planes[0], planes[1]), planes[2]), np.float32)


class _Places:
    """The places at which the light on a plate of one size is compared."""

    def __init__(self, plane: Floats) -> None:
        height, width = self._size = plane.shape
        y, x = np.mgrid[0:height:LIGHT_STEP_PX, 0:width:LIGHT_STEP_PX]
        self._coarse = x.shape
        x, y = x.reshape(-1) / width - 0.5, y.reshape(-1) / height - 0.5
        self._rim = np.maximum(np.abs(x), np.abs(y)) > 0.5 - RIM_SHARE
        self._weight = np.where(self._rim, RIM_WEIGHT, 1.0)
        self._base = np.stack([np.ones(x.size), x, y], axis=1)
        self._rim_base = self._base[self._rim]

    def light(self, now: list[Floats], then: list[Floats]) -> list[Floats]:
        """How much brighter each colour is now at each place.

        A factor that changes steadily across the plate: a lamp at one side, the sun at another
        hour. It is had from where nothing lies: begin with the most common ratio, the rim counting
        more because paper seldom reaches it, or with the slope along the rim (under a strong slope
        one sheet may have the most common ratio); follow what agrees, and take what more agrees
        with.
        """
        flat = np.stack(
            [np.log(self._at(one) / self._at(other)) for one, other in zip(now, then, strict=True)],
            axis=1,
        )
        begin = (
            _most_common(flat, self._weight),
            _along_rim(flat[self._rim], self._rim_base),
        )
        followed = [_followed(flat, self._base, self._weight, model) for model in begin]
        model = max(followed, key=lambda one: one[1])[0]
        # a plane has no detail: worked out at the places only
        coarse = np.exp(model.T @ self._base.T).astype(np.float32).reshape(3, *self._coarse)
        size = (self._size[1], self._size[0])
        return [np.asarray(cv2.resize(plane, size), np.float32) for plane in coarse]

    @staticmethod
    def _at(plane: Floats) -> NDArray[np.float64]:
        places = plane[::LIGHT_STEP_PX, ::LIGHT_STEP_PX].reshape(-1)
        return np.asarray(places + DARK, np.float64)


def _most_common(flat: NDArray[np.floating], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """A model (3 x colours: level, slope right, slope down) without a slope."""
    model, a_log = np.zeros((3, 3)), LIGHT_BINS / (2 * MOST_LIGHT_LOG)
    for plane in range(3):
        bins = ((flat[:, plane] + MOST_LIGHT_LOG) * a_log).astype(np.intp)
        seen = np.abs(flat[:, plane]) < MOST_LIGHT_LOG
        counts = np.bincount(bins[seen], weight[seen], minlength=LIGHT_BINS)
        top = int(np.argmax(np.convolve(counts, np.ones(7) / 7, mode="same")))
        model[0, plane] = (top + 0.5) / a_log - MOST_LIGHT_LOG
    return model


def _along_rim(flat: NDArray[np.floating], base: NDArray[np.float64]) -> NDArray[np.float64]:
    """A model with the slope of most of the rim: least absolute differences, not squared ones."""
    agree, model = np.ones(len(flat)), np.zeros((3, 3))
    for _ in range(RIM_ROUNDS):
        held = base.T * agree
        model = np.asarray(np.linalg.solve(held @ base + 1e-6 * np.eye(3), held @ flat))
        agree = 1.0 / np.maximum(_off(flat, base, model), RIM_SURE_LOG)
    return model


def _followed(
    flat: NDArray[np.floating],
    base: NDArray[np.float64],
    weight: NDArray[np.float64],
    model: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    """The model fitted to what agrees with it, closer from round to round; how much does."""
    for reach in AGREE_LOGS:
        agree = (_off(flat, base, model) < reach) * weight
        if (agree > 0).sum() < 40:
            break
        held = base.T * agree
        model = np.asarray(
            np.linalg.solve(held @ base + np.diag([0.0, 1.0, 1.0]), held @ flat), np.float64
        )
    agree = (_off(flat, base, model) < AGREE_LOGS[-1]) * weight
    return model, float(agree.sum())


def _off(
    flat: NDArray[np.floating], base: NDArray[np.float64], model: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far each place is from the model, in the colour in which it is farthest."""
    away = np.abs(flat.T - model.T @ base.T)
    return np.asarray(np.maximum(np.maximum(away[0], away[1]), away[2]))
