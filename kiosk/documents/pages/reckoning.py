"""Sums over small arrays without numpy's general ways around them, which cost more than the sums.

The page finder reckons some two hundred of these in a frame; checked against numpy's own in tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiosk.documents.quads import Floats


def lengths(vectors: Floats) -> Floats:
    """Lengths of vectors along the last axis."""
    return np.asarray(np.sqrt(np.einsum("...k,...k->...", vectors, vectors)), np.float32)


def medians(values: Floats, axis: int) -> Floats:
    """Medians along one axis, none of them empty; what is not a number has no place here."""
    ranked = np.sort(values, axis=axis)
    count = values.shape[axis]
    low = ranked.take((count - 1) // 2, axis=axis)
    middle = low if count % 2 else (low + ranked.take(count // 2, axis=axis)) / 2
    return np.asarray(middle, np.float32)


def masked_medians(
    values: NDArray[np.floating[Any]], counted: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The median of those of each row (n x k) that count; 0 for a row of which none does."""
    ranked = np.sort(np.where(counted, values, np.inf), axis=1)
    count = counted.sum(axis=1)
    rows = np.arange(len(values))
    low, high = (count - 1).clip(0) // 2, (count // 2).clip(0, values.shape[1] - 1)
    middle = (ranked[rows, low] + ranked[rows, high]) / 2
    return np.where(count > 0, middle, 0.0)
