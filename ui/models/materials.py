"""View-models of the document camera: the live plate, and the page that was taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.pages import Advice, CapturePage, CheckPage, GoOn, MaterialLine, Point
from ui.desk import Desk
from ui.models._model import PageModel, Rows

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1


# Advice with a name short enough to stand on the place in the picture that it means.
NAMED_IN_PICTURE = frozenset(
    {
        Advice.CUT_OFF,
        Advice.TOO_DARK,
        Advice.GLARE,
        Advice.SHADOW,
        Advice.FINGER,
        Advice.BLURRED,
        Advice.WRONG_SIZE,
    }
)


def points(corners: Iterable[Point]) -> list[list[float]]:
    """Pairs of 0..1, as the picture and the signature box draw them."""
    return [[x, y] for x, y in corners]


@dataclass(frozen=True, slots=True)
class MaterialRow:
    words: str
    at: str  # taken | current | ahead
    stateWords: str
    current: bool


@QmlElement
class CapturePageModel(PageModel):
    renewed = Signal()

    def __init__(self, page: CapturePage, desk: Desk) -> None:
        super().__init__(desk)
        self._lines = Rows(MaterialRow, self)
        self.update(page)

    def update(self, page: CapturePage) -> None:
        self._page = page
        self._lines.show([self._line(line) for line in page.lines])
        self.changed.emit()
        self.renewed.emit()

    def _line(self, line: MaterialLine) -> MaterialRow:
        state = "current" if line.current else "taken" if line.taken else "ahead"
        return MaterialRow(
            self.said(line.name), state, self.say("capture_page", state), line.current
        )

    def heading(self) -> str:
        return self.say("capture_page", "title", material=self.said(self._page.material))

    def _advice(self, key: str) -> str:
        return self.say(f"advice_{self._page.advice}", key, material=self.said(self._page.material))

    @Property(str, notify=renewed)
    def adviceWords(self) -> str:
        return self._advice("title")

    @Property(str, notify=renewed)
    def adviceDetail(self) -> str:
        return self._advice("lead")

    @Property(bool, notify=renewed)
    def good(self) -> bool:
        return self._page.advice in (Advice.GOOD, Advice.HOLD_STILL, Advice.TAKEN)

    @Property(bool, notify=renewed)
    def cameraLost(self) -> bool:
        return self._page.advice is Advice.CAMERA_LOST

    @Property(bool, notify=renewed)
    def mayTake(self) -> bool:
        """There is a picture that could be taken."""
        return self._page.advice not in (Advice.CAMERA_LOST, Advice.CAMERA_STARTING)

    @Property("QVariantList", notify=renewed)  # type: ignore[arg-type]  # stubs
    def corners(self) -> list[list[float]]:
        return points(self._page.corners)

    @Property("QVariantList", notify=renewed)  # type: ignore[arg-type]  # stubs
    def troubleArea(self) -> list[list[float]]:
        return points(self._page.trouble_area)

    @Property(str, notify=renewed)
    def troubleWords(self) -> str:
        return self._advice("short") if self._page.advice in NAMED_IN_PICTURE else ""

    @Property("QVariantList", notify=renewed)  # type: ignore[arg-type]  # stubs
    def takenPapers(self) -> list[list[list[float]]]:
        return [points(corners) for corners in self._page.taken]

    @Property(Rows, notify=renewed)
    def lines(self) -> Rows:
        return self._lines

    @Property(str, notify=renewed)
    def countWords(self) -> str:
        taken = sum(line.taken for line in self._page.lines)
        left = len(self._page.lines) - taken
        if left == 0:
            return self.say("capture_page", "count_done", taken=taken)
        return self.say("capture_page", "count", taken=taken, left=left)

    @Property(bool, notify=renewed)
    def taking(self) -> bool:
        return self._page.taking

    @Property(str, notify=renewed)
    def goOnWords(self) -> str:
        """On the button that goes on without taking it now; "" for no button."""
        match self._page.go_on:
            case GoOn.NO:
                return ""
            case GoOn.KEPT | GoOn.LATER | GoOn.WITHOUT:
                return self.say("capture_page", f"go_on_{self._page.go_on}")

    @Slot()
    def take(self) -> None:
        self.press(Act.TAKE_PICTURE)

    @Slot()
    def goOn(self) -> None:
        self.press(Act.NEXT)


@QmlElement
class CheckPageModel(PageModel):
    renewed = Signal()

    def __init__(self, page: CheckPage, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: CheckPage) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        """What is wrong is the title: it is read in every size of letters."""
        page = self._page
        if not page.image:
            return self.say("check_page", "title_hidden")
        if not page.kept_despite:
            return self.say("check_page", "title")
        if page.advice is not Advice.GOOD or page.doubt is None:
            return self.say("check_advice", str(page.advice))
        return self.say("check_doubt", str(page.doubt), material=self.said(page.material))

    def leading(self) -> str:
        page = self._page
        if not page.image:
            return self.say("check_page", "lead_hidden")
        if not page.kept_despite:
            return self.say("check_page", "lead")
        unclear = page.advice is not Advice.GOOD or page.doubt is None
        return self.say("check_page", "despite" if unclear else f"despite_{page.doubt}")

    @Property(str, notify=renewed)
    def image(self) -> str:
        return self._page.image

    @Property(bool, notify=renewed)
    def hidden(self) -> bool:
        """The card was taken away: the picture is shown, and may be kept, when it lies there again."""
        return not self._page.image

    @Property(str, notify=renewed)
    def pictureWords(self) -> str:
        return self.say("check_page", "picture", material=self.said(self._page.material))

    @Property(str, notify=renewed)
    def adviceWords(self) -> str:
        return self.say("check_advice", str(self._page.advice))

    @Property("QVariantList", notify=renewed)  # type: ignore[arg-type]  # stubs
    def troubleArea(self) -> list[list[float]]:
        return points(self._page.trouble_area)

    @Property(str, notify=renewed)
    def troubleWords(self) -> str:
        if self._page.advice not in NAMED_IN_PICTURE:
            return ""
        return self.say(f"advice_{self._page.advice}", "short")

    @Property(bool, notify=renewed)
    def comparing(self) -> bool:
        return self._page.comparing

    @Property(bool, notify=renewed)
    def good(self) -> bool:
        return not self._page.kept_despite

    @Property(str, notify=renewed)
    def keepWords(self) -> str:
        return self.say("check_page", "keep_despite" if self._page.kept_despite else "keep")

    @Slot()
    def keep(self) -> None:
        self.press(Act.KEEP_PAGE)

    @Slot()
    def retake(self) -> None:
        self.press(Act.RETAKE_PAGE)
