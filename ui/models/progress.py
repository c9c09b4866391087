"""View-models of the progress query. Nothing personal is in them."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.pages import ProgressKind, ProgressResult, ScanProblem, ScanReceipt
from kiosk.receipts.number import grouped
from ui.desk import Desk
from ui.models._format import day_time
from ui.models._model import PageModel

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class ScanReceiptModel(PageModel):
    renewed = Signal()

    def __init__(self, page: ScanReceipt, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: ScanReceipt) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("scan_receipt", "title_asking" if self._page.asking else "title")

    def leading(self) -> str:
        return self.say("scan_receipt", "lead_asking" if self._page.asking else "lead")

    @Property(bool, notify=renewed)
    def asking(self) -> bool:
        return self._page.asking

    def _problem(self, key: str) -> str:
        problem = self._page.problem
        if problem is ScanProblem.NONE or self._page.asking:
            return ""
        return self.say(f"scan_problem_{problem}", key)

    @Property(str, notify=renewed)
    def problemWords(self) -> str:
        return self._problem("title")

    @Property(str, notify=renewed)
    def problemNow(self) -> str:
        return self._problem("now")


@QmlElement
class ProgressResultModel(PageModel):
    renewed = Signal()

    def __init__(self, page: ProgressResult, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: ProgressResult) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def _say(self, key: str) -> str:
        return self.say(f"progress_{self._page.kind}", key)

    def heading(self) -> str:
        return self._say("title")

    def leading(self) -> str:
        return self._say("lead")

    @Property(str, notify=renewed)
    def now(self) -> str:
        return self._say("now")

    @Property(str, notify=renewed)
    def tone(self) -> str:
        """info | done | attention: how the sentence about what to do is set."""
        match self._page.kind:
            case ProgressKind.GRANTED:
                return "done"
            case (
                ProgressKind.NEEDS_MORE
                | ProgressKind.AT_STAFF
                | ProgressKind.UNKNOWN_NUMBER
                | ProgressKind.HUB_UNREACHABLE
            ):
                return "attention"
            case (
                ProgressKind.WAITING_HERE
                | ProgressKind.RECEIVED
                | ProgressKind.IN_REVIEW
                | ProgressKind.REFUSED
            ):
                return "info"
            case _:
                assert_never(self._page.kind)

    @Property(str, notify=renewed)
    def number(self) -> str:
        return grouped(self._page.number)

    @Property(str, notify=renewed)
    def item(self) -> str:
        return self.said(self._page.item_name) if self._page.item_name else ""

    @Property(str, notify=renewed)
    def acceptedAt(self) -> str:
        at = self._page.accepted_at
        return day_time(self._desk.texts, at) if at else ""

    @Property(str, notify=renewed)
    def changedAt(self) -> str:
        at = self._page.changed_at
        return day_time(self._desk.texts, at) if at else ""

    @Slot()
    def another(self) -> None:
        self.press(Act.BACK)
