"""Papers that were taken and still lie on the plate: which of those seen now are they?

A paper is known by where it lies and by how it looks: one that is moved a little is the same, one
that is laid in its place is another. Positions are shares of the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Quad = NDArray[np.float64]  # 4 x 2: TL, TR, BR, BL

SAME_PLACE: Final = 0.5  # overlap of their union: a paper nudged between two looks, not two papers
OTHER_LOOK_BITS: Final = 30  # of 256: one paper nudged or in noise differs by 10, two by 50
UNSEEN_S: Final = 3.0  # a hand over the plate hides a paper for a second or two
PAUSE_S: Final = 4.0  # who did not look for so long does not know what was laid down meanwhile


@dataclass(slots=True)
class _Taken:
    quad: Quad
    look: int | None  # fingerprint as it looks on the plate; None until it was seen
    seen_at: float | None


class Lying:
    """`at` in seconds; looks come some five a second."""

    def __init__(self) -> None:
        self._taken: list[_Taken] = []
        self._looked_at: float | None = None

    def __bool__(self) -> bool:
        return bool(self._taken)

    @property
    def quads(self) -> tuple[Quad, ...]:
        return tuple(one.quad for one in self._taken)

    def forget(self) -> None:
        """The plate is empty, or another person's."""
        self._taken.clear()

    def add(self, quad: Quad) -> None:
        """The paper that lies here was taken."""
        self._taken = [one for one in self._taken if overlap(one.quad, quad) < SAME_PLACE]
        self._taken.append(_Taken(quad, None, None))
        self._looked_at = None  # taking it kept everybody from looking

    def pause(self, at: float) -> None:
        """A look begins; what was known before a long pause is not known any more."""
        if self._looked_at is not None and at - self._looked_at > PAUSE_S:
            self._taken.clear()
        self._looked_at = at

    def see(self, papers: Sequence[tuple[Quad, int]], at: float) -> tuple[bool, ...]:
        """For each paper seen now, with its fingerprint: was it taken already?"""
        answers = [False] * len(papers)
        still_there: list[_Taken] = []
        for taken in self._taken:
            shares = [
                0.0 if answers[place] else overlap(taken.quad, quad)
                for place, (quad, _) in enumerate(papers)
            ]
            best = int(np.argmax(shares)) if shares else -1
            if best < 0 or shares[best] < SAME_PLACE:
                since = taken.seen_at if taken.seen_at is not None else at
                if at - since < UNSEEN_S:
                    taken.seen_at = since
                    still_there.append(taken)
                continue
            quad, look = papers[best]
            if taken.look is not None and (taken.look ^ look).bit_count() > OTHER_LOOK_BITS:
                continue  # another paper lies in its place
            answers[best] = True
            taken.quad, taken.look, taken.seen_at = quad, look, at
            still_there.append(taken)
        self._taken = still_there
        return tuple(answers)


def overlap(one: Quad, other: Quad) -> float:
    """The share of what both cover in what either covers, 0..1."""
    # In thousandths: OpenCV takes points nearer than 1e-3 or so for one.
    a, b = ((quad * 1000).astype(np.float32) for quad in (one, other))
    both = float(cv2.intersectConvexConvex(a, b)[0])
    either = float(cv2.contourArea(a)) + float(cv2.contourArea(b)) - both
    return both / either if either > 0 else 0.0
