"""Several papers on the plate at once: taken one after the other, each once, none lifted between."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from paper_frames import Image, mat, overlap, place, sheet

from kiosk.documents.looker import Looker, StillPage
from kiosk.documents.lying import PAUSE_S, UNSEEN_S, Lying
from kiosk.documents.messages import Plate
from kiosk.documents.pages.finder import FoundPage
from kiosk.flow.pages import Advice

FRAME = (640, 360)
PLACES = ((0.06, 0.2), (0.38, 0.24), (0.7, 0.18))  # of a paper's top left corner
PAPER_PX = (150, 212)
LOOK_S = 0.25


class Desk:
    """A plate with papers, seen by one camera. Where they lie is told, not found: that is slow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(7)
        self.papers = [
            cv2.resize(sheet(rng, 700, 990), PAPER_PX, interpolation=cv2.INTER_AREA)
            for _ in range(5)
        ]
        self.there: list[tuple[int, tuple[float, float]]] = []
        self.looker = Looker(None)
        self.at = 0.0
        monkeypatch.setattr("kiosk.documents.looker.find_pages", self._find)
        monkeypatch.setattr(
            "kiosk.documents.looker.find_page", lambda *_: next(iter(self._find()), None)
        )

    def _find(self, *_: object) -> list[FoundPage]:
        whole = (False,) * 4
        sides = (1.0,) * 4
        return [FoundPage(self._corners(one), 1.0, sides, whole) for _, one in self.there]

    def _corners(self, shift: tuple[float, float]) -> NDArray[np.float64]:
        left, top = round(shift[0] * FRAME[0]), round(shift[1] * FRAME[1])
        width, height = PAPER_PX
        box = [(0, 0), (width, 0), (width, height), (0, height)]
        return np.array(box, np.float64) + np.array((left - 0.5, top - 0.5))

    def frame(self) -> Image:
        picture = np.full((FRAME[1], FRAME[0], 3), 34, np.uint8)
        for paper, shift in self.there:
            left, top = round(shift[0] * FRAME[0]), round(shift[1] * FRAME[1])
            picture[top : top + PAPER_PX[1], left : left + PAPER_PX[0]] = self.papers[paper]
        return picture

    def look(self, times: int = 1) -> Plate:
        frame, seen = self.frame(), None
        for _ in range(times):
            self.at += LOOK_S
            seen = self.looker.look(frame, self.at)
        assert seen is not None
        return seen

    def take(self) -> StillPage:
        still = self.looker.still(self.frame())
        self.looker.took(still)
        return still

    def which(self, still: StillPage) -> int:
        assert still.corners is not None
        here = still.corners * FRAME - 0.5
        shares = {paper: overlap(self._corners(shift), here) for paper, shift in self.there}
        best = max(shares, key=lambda paper: shares[paper])
        assert shares[best] > 0.99
        return best


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def test_three_papers_laid_at_once_are_taken_one_after_the_other_each_once(desk: Desk) -> None:
    desk.there = list(enumerate(PLACES))
    taken = []
    for number in range(3):
        seen = desk.look(6)
        assert seen.steady
        assert seen.advice != Advice.TAKEN
        assert len(seen.taken) == number
        taken.append(desk.which(desk.take()))
    assert sorted(taken) == [0, 1, 2]
    done = desk.look(2)
    assert (done.advice, done.corners, len(done.taken)) == (Advice.TAKEN, (), 3)


def test_a_paper_that_is_nudged_is_still_the_same_paper(desk: Desk) -> None:
    desk.there = [(0, PLACES[0]), (1, PLACES[2])]
    desk.look(6)
    first = desk.which(desk.take())
    desk.look(2)
    desk.there = [
        (page, (x + 0.02, y + 0.01)) if page == first else (page, (x, y))
        for page, (x, y) in desk.there
    ]
    desk.look(6)
    assert desk.which(desk.take()) != first
    assert desk.look().advice == Advice.TAKEN


def test_a_paper_laid_in_the_place_of_one_that_was_taken_is_taken_too(desk: Desk) -> None:
    desk.there = [(0, PLACES[0]), (1, PLACES[2])]
    for _ in range(2):
        desk.look(6)
        desk.take()
    assert desk.look(2).advice == Advice.TAKEN
    desk.there = [(2, PLACES[0]), (1, PLACES[2])]
    assert desk.look(6).advice != Advice.TAKEN
    assert desk.which(desk.take()) == 2


def test_one_page_after_the_other_in_the_same_place_is_taken_page_by_page(desk: Desk) -> None:
    for page in range(3):
        desk.there = [(page, PLACES[1])]
        assert desk.look(6).advice != Advice.TAKEN
        assert desk.which(desk.take()) == page
        assert desk.look(2).advice == Advice.TAKEN
        desk.there = []
        assert desk.look(1).advice == Advice.NO_PAGE


def test_a_page_lifted_and_laid_down_again_may_be_taken_again(desk: Desk) -> None:
    desk.there = [(0, PLACES[1])]
    desk.look(6)
    desk.take()
    desk.there = []
    desk.look(1)
    desk.there = [(0, PLACES[1])]
    assert desk.look(6).advice != Advice.TAKEN


def test_the_button_takes_again_what_was_taken_where_nothing_else_lies(desk: Desk) -> None:
    desk.there = [(0, PLACES[0]), (1, PLACES[2])]
    for _ in range(2):
        desk.look(6)
        desk.take()
    desk.look(2)
    assert desk.which(desk.take()) in (0, 1)


def test_the_next_persons_papers_are_new_whatever_lay_there_before(desk: Desk) -> None:
    desk.there = [(0, PLACES[1])]
    desk.look(6)
    desk.take()
    desk.looker.forget_papers()
    assert desk.look(6).advice != Advice.TAKEN


def test_two_papers_in_a_picture_are_told_apart_by_what_finds_them() -> None:
    rng = np.random.default_rng(7)
    picture, corners = mat(rng, "dark", 960, 540), []
    for shift in (-0.24, 0.22):
        laid = place(rng, sheet(rng, 500, 700), picture, cover=0.6, turn=4.0, shift=(shift, 0.0))
        picture = laid.picture
        assert laid.corners is not None
        corners.append(laid.corners)
    looker, taken = Looker(None), set()
    for at in (0.0, 0.25):
        assert looker.look(picture, at).advice != Advice.TAKEN
        still = looker.still(picture)
        looker.took(still)
        assert still.corners is not None
        here = still.corners * (960, 540) - 0.5
        taken.add(int(np.argmax([overlap(here, one) for one in corners])))
    assert taken == {0, 1}
    assert looker.look(picture, 0.5).advice == Advice.TAKEN


QUAD = np.array([[0.1, 0.1], [0.4, 0.1], [0.4, 0.6], [0.1, 0.6]])


def test_a_paper_hidden_by_a_hand_for_a_moment_is_still_known() -> None:
    lying = Lying()
    lying.pause(0.0)
    lying.add(QUAD)
    assert lying.see([(QUAD, 1)], 0.0) == (True,)
    assert lying.see([(QUAD + 0.45, 2)], 1.0) == (False,)  # only another is seen
    assert lying.see([(QUAD, 1)], UNSEEN_S - 0.1) == (True,)
    assert lying.see([], UNSEEN_S) == ()
    assert lying.see([(QUAD, 1)], 3 * UNSEEN_S) == (True,)  # gone as seldom as it was looked for


def test_what_lay_there_before_a_pause_is_not_trusted() -> None:
    lying = Lying()
    lying.pause(0.0)
    lying.add(QUAD)
    lying.pause(3 * PAUSE_S)  # a slow machine takes so long for a still: that is no pause
    assert lying
    lying.pause(4 * PAUSE_S)
    assert lying
    lying.pause(5.1 * PAUSE_S)
    assert not lying
