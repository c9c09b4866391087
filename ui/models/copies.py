"""View-models of copies, scans for a phone and blank forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.pages import (
    Advice,
    BlankForms,
    CardSide,
    ChoosePapers,
    CopyChoice,
    LayPapers,
    PhonePickup,
    PickupState,
    PrintState,
    SheetsPrinting,
)
from ui.desk import Desk
from ui.models._model import PageModel, Rows
from ui.models.materials import NAMED_IN_PICTURE, points

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class ChoosePapersModel(PageModel):
    renewed = Signal()

    def __init__(self, page: ChoosePapers, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: ChoosePapers) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("choose_papers", f"title_{self._page.use}")

    def leading(self) -> str:
        return self.say("choose_papers", f"lead_{self._page.use}")

    @Property(str, notify=renewed)
    def promise(self) -> str:
        return self.say("choose_papers", f"promise_{self._page.use}")

    @Slot(str)
    def choose(self, papers: str) -> None:
        self.press(Act.CHOOSE_PAPERS, papers)


@QmlElement
class LayPapersModel(PageModel):
    renewed = Signal()

    def __init__(self, page: LayPapers, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: LayPapers) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        side = self._page.side
        if side is not CardSide.NONE:
            return self.say("lay_papers", f"title_{side}")
        return self.say("lay_papers", "title_next" if self._page.images else "title")

    def _advice(self, key: str) -> str:
        paper = self.say("lay_papers", "paper" if self._page.side is CardSide.NONE else "card")
        return self.say(f"advice_{self._page.advice}", key, material=paper)

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
        return self._page.advice not in (Advice.CAMERA_LOST, Advice.CAMERA_STARTING)

    @Property(bool, notify=renewed)
    def taking(self) -> bool:
        return self._page.taking

    @Property("QVariantList", notify=renewed)  # type: ignore[arg-type]  # stubs
    def corners(self) -> list[list[float]]:
        return points(self._page.corners)

    @Property("QVariantList", notify=renewed)  # type: ignore[arg-type]  # stubs
    def troubleArea(self) -> list[list[float]]:
        return points(self._page.trouble_area)

    @Property("QVariantList", notify=renewed)  # type: ignore[arg-type]  # stubs
    def takenPapers(self) -> list[list[list[float]]]:
        return [points(corners) for corners in self._page.taken]

    @Property(str, notify=renewed)
    def troubleWords(self) -> str:
        return self._advice("short") if self._page.advice in NAMED_IN_PICTURE else ""

    @Property(int, notify=renewed)
    def count(self) -> int:
        return len(self._page.images)

    @Property(str, notify=renewed)
    def countWords(self) -> str:
        page = self._page
        if page.side is not CardSide.NONE:
            return self.say("lay_papers", "count_card" if page.images else "count_card_none")
        key = "count" if page.images else "count_none"
        return self.say("lay_papers", key, count=len(page.images), most=page.most)

    @Property(str, notify=renewed)
    def doneWords(self) -> str:
        card = self._page.side is not CardSide.NONE
        return self.say("lay_papers", "done_one_side" if card else "done")

    @Slot()
    def take(self) -> None:
        self.press(Act.TAKE_PICTURE)

    @Slot()
    def remove(self) -> None:
        self.press(Act.REMOVE_PAGE)

    @Slot()
    def done(self) -> None:
        self.press(Act.NEXT)


@dataclass(frozen=True, slots=True)
class CopiesRow:
    copies: int
    words: str
    chosen: bool


@QmlElement
class CopyChoiceModel(PageModel):
    renewed = Signal()

    def __init__(self, page: CopyChoice, desk: Desk) -> None:
        super().__init__(desk)
        self._rows = Rows(CopiesRow, self)
        self.update(page)

    def update(self, page: CopyChoice) -> None:
        self._page = page
        self._rows.show(
            [
                CopiesRow(
                    number, self.say("copy_choice", "copies", count=number), number == page.copies
                )
                for number in range(1, page.most + 1)
            ]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("copy_choice", "title")

    def leading(self) -> str:
        page = self._page
        key = "lead_one" if page.sheets == 1 else "lead"
        return self.say("copy_choice", key, pages=len(page.images), sheets=page.sheets)

    @Property(Rows, notify=renewed)
    def copies(self) -> Rows:
        return self._rows

    @Property(bool, notify=renewed)
    def grey(self) -> bool:
        return self._page.grey

    @Property(bool, notify=renewed)
    def mayColour(self) -> bool:
        return self._page.may_colour

    @Property(str, notify=renewed)
    def printWords(self) -> str:
        total = self._page.sheets * self._page.copies
        return self.say("copy_choice", "print", count=total)

    @Slot(int)
    def setCopies(self, number: int) -> None:
        self.press(Act.SET_COPIES, str(number))

    @Slot(bool)
    def setGrey(self, grey: bool) -> None:
        self.press(Act.SET_GREY, "grey" if grey else "colour")

    @Slot()
    def go(self) -> None:
        self.press(Act.NEXT)


@QmlElement
class SheetsPrintingModel(PageModel):
    renewed = Signal()

    def __init__(self, page: SheetsPrinting, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: SheetsPrinting) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def _situation(self) -> str:
        page = self._page
        if page.making:
            running = page.state is PrintState.PRINTING
            return "making" if running else "unmade"
        if page.asks is not None and page.state is PrintState.PRINTING:
            return "stopped"
        return str(page.state)

    def heading(self) -> str:
        return self.say("sheets_printing", f"title_{self._situation()}")

    def leading(self) -> str:
        return self.say("sheets_printing", f"lead_{self._situation()}")

    @Property(bool, notify=renewed)
    def running(self) -> bool:
        return self._page.state is PrintState.PRINTING

    @Property(bool, notify=renewed)
    def comes(self) -> bool:
        """Paper is coming or has come."""
        page = self._page
        return not page.making and page.state in (PrintState.PRINTING, PrintState.PRINTED)

    @Property(bool, notify=renewed)
    def trouble(self) -> bool:
        return self._page.state not in (PrintState.PRINTING, PrintState.PRINTED)

    @Property(str, notify=renewed)
    def countWords(self) -> str:
        """What is out and what is not; "" where nothing can be said."""
        page = self._page
        if page.making or page.of == 0:
            return ""
        match page.state:
            case PrintState.PRINTED:
                return self.say("sheets_printing", "count_all", of=page.of)
            case PrintState.PRINTING:
                return self.say("sheets_printing", "count", out=page.out, of=page.of)
            case PrintState.UNKNOWN:
                return self.say("sheets_printing", "count_unknown", of=page.of)
            case _:
                left = page.of - page.out
                key = "count_none" if page.out == 0 else "count_left"
                return self.say("sheets_printing", key, out=page.out, left=left)

    @Property(str, notify=renewed)
    def asksWords(self) -> str:
        asks = self._page.asks
        return self.say("sheets_printing", f"asks_{asks}") if asks is not None else ""

    @Property(str, notify=renewed)
    def waitWords(self) -> str:
        stopped = self._situation() == "stopped"
        return self.say("sheets_printing", "wait_stopped" if stopped else "wait")

    @Slot()
    def again(self) -> None:
        self.press(Act.PRINT_AGAIN)


@QmlElement
class PhonePickupModel(PageModel):
    renewed = Signal()

    def __init__(self, page: PhonePickup, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: PhonePickup) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("phone_pickup", f"title_{self._page.state}")

    def leading(self) -> str:
        return self.say("phone_pickup", f"lead_{self._page.state}")

    @Property(str, notify=renewed)
    def link(self) -> str:
        return self._page.link

    @Property(bool, notify=renewed)
    def waiting(self) -> bool:
        return self._page.state is PickupState.WAITING

    @Property(bool, notify=renewed)
    def busy(self) -> bool:
        return self._busy()

    def _busy(self) -> bool:
        return self._page.state in (PickupState.MAKING, PickupState.SENDING)

    @Property(str, notify=renewed)
    def icon(self) -> str:
        """What stands large where no code is shown."""
        match self._page.state:
            case PickupState.MAKING | PickupState.SENDING:
                return "hourglass"
            case PickupState.FETCHED:
                return "circle-check"
            case PickupState.GONE:
                return "clock"
            case PickupState.FAILED:
                return "wifi-off"
            case PickupState.UNMADE:
                return "circle-alert"
            case PickupState.WAITING:
                return ""
            case _:
                assert_never(self._page.state)

    @Property(bool, notify=renewed)
    def mayTryAgain(self) -> bool:
        """Another code, or the same attempt once more."""
        return self._page.state is not PickupState.FETCHED and not self._busy()

    @Property(str, notify=renewed)
    def againWords(self) -> str:
        failed = self._page.state in (PickupState.FAILED, PickupState.UNMADE)
        return self.say("phone_pickup", "again" if failed else "another")

    @Property(int, notify=renewed)
    def seconds(self) -> int:
        return self._page.seconds_left

    @Property(int, notify=renewed)
    def ofSeconds(self) -> int:
        return self._page.of_seconds

    @Slot()
    def again(self) -> None:
        self.press(Act.HAND_OVER_AGAIN)


@dataclass(frozen=True, slots=True)
class BlankRow:
    code: str
    words: str
    detail: str


@QmlElement
class BlankFormsModel(PageModel):
    renewed = Signal()

    def __init__(self, page: BlankForms, desk: Desk) -> None:
        super().__init__(desk)
        self._rows = Rows(BlankRow, self)
        self.update(page)

    def update(self, page: BlankForms) -> None:
        self._page = page
        self._rows.show(
            [BlankRow(form.code, self.said(form.name), self.said(form.note)) for form in page.forms]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("blank_forms", "title")

    def leading(self) -> str:
        return self.say("blank_forms", "lead")

    @Property(Rows, notify=renewed)
    def forms(self) -> Rows:
        return self._rows

    @Slot(str)
    def choose(self, code: str) -> None:
        self.press(Act.CHOOSE_BLANK, code)
