"""The page finder's short cuts give what numpy's own functions give."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kiosk.documents.pages.reckoning import lengths, masked_medians, medians

LEVELS = st.floats(-1e4, 1e4, width=32)
BLOCKS = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=3, max_dims=3, min_side=3, max_side=9), elements=LEVELS
)


@given(BLOCKS)
def test_lengths_and_middles_are_those_of_numpy(block: np.ndarray) -> None:
    near = {"rtol": 1e-5, "atol": 1e-3}
    np.testing.assert_allclose(lengths(block), np.linalg.norm(block, axis=2), **near)
    for axis in range(3):
        np.testing.assert_allclose(medians(block, axis), np.median(block, axis=axis), **near)


@given(
    arrays.arrays(np.float32, (4, 9), elements=LEVELS),
    arrays.arrays(np.bool_, (4, 9), elements=st.booleans()),
)
def test_the_median_of_what_counts_in_each_row_is_that_of_numpy(
    rows: np.ndarray, counted: np.ndarray
) -> None:
    found = masked_medians(rows, counted)
    for row, counts, median in zip(rows, counted, found, strict=True):
        wanted = np.median(row[counts]) if counts.any() else 0.0
        assert np.isclose(median, wanted, rtol=1e-5, atol=1e-3)
