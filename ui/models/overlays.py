"""View-models of what is laid over a page."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.view import HelpSheet, IdleWarning, LeaveQuestion, TextSize, TextSizeSheet
from ui.desk import Desk
from ui.models._model import PageModel, Rows
from ui.models.submit import SentenceRow

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class OverlayModel(PageModel):
    """Base of the overlays: their presses."""

    @Slot()
    def stay(self) -> None:
        self.press(Act.STAY)

    @Slot()
    def leave(self) -> None:
        self.press(Act.LEAVE)

    @Slot()
    def close(self) -> None:
        self.press(Act.CLOSE_OVERLAY)


@QmlElement
class IdleWarningModel(OverlayModel):
    renewed = Signal()

    def __init__(self, page: IdleWarning, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: IdleWarning) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("idle_warning", "title")

    def leading(self) -> str:
        return self.say("idle_warning", "lead")

    @Property(int, notify=renewed)
    def secondsLeft(self) -> int:
        return self._page.seconds_left

    @Property(int, notify=renewed)
    def ofSeconds(self) -> int:
        return self._page.of_seconds


@QmlElement
class LeaveQuestionModel(OverlayModel):
    def __init__(self, page: LeaveQuestion, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: LeaveQuestion) -> None:
        self._page = page
        self.changed.emit()

    def heading(self) -> str:
        return self.say("leave_question", "title")

    def leading(self) -> str:
        return self.say("leave_question", "lead")


HELP_KEYS = ("one", "two", "three")
HELP_HAS_THREE = frozenset(
    {
        "home",
        "service_guide",
        "place_id_card",
        "confirm_identity",
        "earlier_application",
        "form",
        "capture_page",
        "new_pin",
        "sign",
        "accepted",
        "lay_papers",
        "phone_pickup",
    }
)


@QmlElement
class HelpSheetModel(OverlayModel):
    renewed = Signal()

    def __init__(self, page: HelpSheet, desk: Desk) -> None:
        super().__init__(desk)
        self._lines = Rows(SentenceRow, self)
        self.update(page)

    def update(self, page: HelpSheet) -> None:
        self._page = page
        keys = HELP_KEYS if page.situation in HELP_HAS_THREE else HELP_KEYS[:2]
        self._lines.show([SentenceRow(self.say(f"help_{page.situation}", key)) for key in keys])
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("help_sheet", "title")

    @Property(Rows, notify=renewed)
    def lines(self) -> Rows:
        return self._lines

    @Property(str, notify=renewed)
    def phone(self) -> str:
        return self._page.phone


@dataclass(frozen=True, slots=True)
class SizeRow:
    code: str
    words: str
    chosen: bool


@QmlElement
class TextSizeSheetModel(OverlayModel):
    renewed = Signal()

    def __init__(self, page: TextSizeSheet, desk: Desk) -> None:
        super().__init__(desk)
        self._sizes = Rows(SizeRow, self)
        self.update(page)

    def update(self, page: TextSizeSheet) -> None:
        self._page = page
        chosen = self._desk.preferences.text_size
        self._sizes.show(
            [
                SizeRow(str(size), self.say("text_size_sheet", str(size)), size is chosen)
                for size in TextSize
            ]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("text_size_sheet", "title")

    @Property(Rows, notify=renewed)
    def sizes(self) -> Rows:
        return self._sizes

    @Property(bool, notify=renewed)
    def contrast(self) -> bool:
        return self._desk.preferences.high_contrast

    @Slot(str)
    def choose(self, code: str) -> None:
        self.press(Act.SET_TEXT_SIZE, code)

    @Slot()
    def toggleContrast(self) -> None:
        self.press(Act.TOGGLE_CONTRAST)
