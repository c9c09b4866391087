"""What a document camera gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture of the plate: blue green red, 8 bits. `at` in seconds of the monotonic clock.

    `jpeg` holds the camera's own bytes, as they came over its wire; empty where its wire carries
    no JPEG. A preview's `bgr` may be unpacked at a half or a quarter of their size, a still's never.
    """

    number: int
    at: float
    bgr: NDArray[np.uint8] = field(repr=False)
    jpeg: bytes = field(default=b"", repr=False)

    @property
    def width(self) -> int:
        return int(self.bgr.shape[1])

    @property
    def height(self) -> int:
        return int(self.bgr.shape[0])
