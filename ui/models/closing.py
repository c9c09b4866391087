"""View-models of the end: rating, and taking one's things."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.pages import Rating, RatingReasons, TakeAway
from ui.desk import Desk
from ui.models._model import PageModel, Rows

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1

# Best first, as the national rating has them; faces that differ in mood, equal in size.
_LEVEL_ICONS = (("5", "laugh"), ("4", "smile"), ("3", "meh"), ("2", "frown"), ("1", "angry"))


@dataclass(frozen=True, slots=True)
class LevelRow:
    level: str
    words: str
    icon: str


@QmlElement
class RatingModel(PageModel):
    renewed = Signal()

    def __init__(self, page: Rating, desk: Desk) -> None:
        super().__init__(desk)
        self._levels = Rows(LevelRow, self)
        self._of_seconds = page.seconds_left
        self.update(page)

    def update(self, page: Rating) -> None:
        self._page = page
        self._of_seconds = max(self._of_seconds, page.seconds_left)
        self._levels.show(
            [
                LevelRow(level, self.say("rating", f"level_{level}"), icon)
                for level, icon in _LEVEL_ICONS
            ]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("rating", "title")

    def leading(self) -> str:
        return self.say("rating", "lead")

    @Property(Rows, notify=renewed)
    def levels(self) -> Rows:
        return self._levels

    @Property(int, notify=renewed)
    def secondsLeft(self) -> int:
        return self._page.seconds_left

    @Property(int, notify=renewed)
    def ofSeconds(self) -> int:
        return self._of_seconds

    @Property(str, notify=renewed)
    def countdown(self) -> str:
        return self.say("rating", "countdown", seconds=self._page.seconds_left)

    @Slot(str)
    def rate(self, level: str) -> None:
        self.press(Act.RATE, level)

    @Slot()
    def skip(self) -> None:
        self.press(Act.SKIP_RATING)


@dataclass(frozen=True, slots=True)
class RatingReasonRow:
    code: str
    words: str
    chosen: bool


@QmlElement
class RatingReasonsModel(PageModel):
    renewed = Signal()

    def __init__(self, page: RatingReasons, desk: Desk) -> None:
        super().__init__(desk)
        self._reasons = Rows(RatingReasonRow, self)
        self._of_seconds = page.seconds_left
        self.update(page)

    def update(self, page: RatingReasons) -> None:
        self._page = page
        self._of_seconds = max(self._of_seconds, page.seconds_left)
        self._reasons.show(
            [
                RatingReasonRow(reason.code, self.said(reason.text), reason.chosen)
                for reason in page.reasons
            ]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("rating_reasons", "title")

    def leading(self) -> str:
        level = self.say("rating", f"level_{self._page.level}")
        return self.say("rating_reasons", "lead", level=level)

    def _chosen(self) -> bool:
        return any(reason.chosen for reason in self._page.reasons)

    @Property(Rows, notify=renewed)
    def reasons(self) -> Rows:
        return self._reasons

    @Property(str, notify=renewed)
    def doneWords(self) -> str:
        return self.say("rating_reasons", "done" if self._chosen() else "done_none")

    @Property(int, notify=renewed)
    def secondsLeft(self) -> int:
        return self._page.seconds_left

    @Property(int, notify=renewed)
    def ofSeconds(self) -> int:
        return self._of_seconds

    @Property(str, notify=renewed)
    def countdown(self) -> str:
        return self.say("rating_reasons", "countdown", seconds=self._page.seconds_left)

    @Slot(str)
    def toggle(self, code: str) -> None:
        self.press(Act.TOGGLE_REASON, code)

    @Slot()
    def done(self) -> None:
        self.press(Act.NEXT)


@dataclass(frozen=True, slots=True)
class ThingRow:
    words: str
    detail: str
    at: str  # there | taken | look
    stateWords: str
    icon: str
    current: bool  # the one that is lit


@QmlElement
class TakeAwayModel(PageModel):
    """What lies where, worst to lose first: card, papers, receipt. One place is lit."""

    renewed = Signal()

    def __init__(self, page: TakeAway, desk: Desk) -> None:
        super().__init__(desk)
        self._things = Rows(ThingRow, self)
        self.update(page)

    def update(self, page: TakeAway) -> None:
        self._page = page
        lit = self._lit()
        rows = []
        if page.reader_used:
            rows.append(self._thing("card", page.card_on_reader, "id-card", lit))
            if page.plate_used:  # else nobody looked: nothing is claimed of it
                rows.append(self._thing("paper", page.paper_on_plate, "file-text", lit))
        elif page.plate_used:  # what was copied may have been the ID card: it lies on the plate
            rows.append(self._thing("original", page.paper_on_plate, "file-text", lit))
        if page.social_card is not False:  # most services never ask for one
            rows.insert(1, self._thing("social_card", page.social_card, "credit-card", lit))
        if page.receipt:
            rows.append(self._thing("receipt", None, "receipt-text", lit))
        if page.sheets:
            rows.append(self._thing("sheets", None, "printer", lit))
        self._things.show(rows)
        self.changed.emit()
        self.renewed.emit()

    def _thing(self, name: str, there: bool | None, icon: str, lit: str) -> ThingRow:
        state = "look" if there is None else "there" if there else "taken"
        return ThingRow(
            self.say("take_away", name),
            self.say("take_away", f"{name}_where"),
            state,
            self.say("take_away", state),
            icon,
            name == lit or (name == "original" and lit == "paper"),
        )

    def _lit(self) -> str:
        page = self._page
        if page.card_on_reader:
            return "card"
        if page.social_card:
            return "social_card"
        if page.paper_on_plate:
            return "paper"
        if page.receipt:
            return "receipt"
        if page.sheets:
            return "sheets"
        if page.card_on_reader is None:
            return "card"
        if page.social_card is None:
            return "social_card"
        if page.paper_on_plate is None:
            return "paper"
        return ""

    def _all_taken(self) -> bool:
        """Known to be empty; a receipt nobody can see lies outside this."""
        page = self._page
        things = (page.card_on_reader, page.social_card, page.paper_on_plate)
        return all(there is False for there in things)

    def heading(self) -> str:
        done = self._all_taken() and not self._page.receipt and not self._page.sheets
        return self.say("take_away", "title_done" if done else "title")

    def leading(self) -> str:
        end = self.say("take_away", "lead")
        if not self._page.thanks:
            return end
        return self.say("take_away", "lead_thanks") + self.say("common", "sentence_gap") + end

    @Property(Rows, notify=renewed)
    def things(self) -> Rows:
        return self._things

    @Property(str, notify=renewed)
    def lit(self) -> str:
        """card | social_card | paper | receipt | sheets | "" """
        return self._lit()

    @Property(bool, notify=renewed)
    def canFinish(self) -> bool:
        """Nothing is known to lie there still."""
        page = self._page
        return not (page.card_on_reader or page.social_card or page.paper_on_plate)

    @Property(str, notify=renewed)
    def callout(self) -> str:
        lit = self._lit()
        return self.say("take_away", f"callout_{lit}") if lit else ""
