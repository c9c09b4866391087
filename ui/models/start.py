"""View-models of the pages before a person is known: start, home, guide, consent, closed."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.pages import (
    Bring,
    Consent,
    ConsentDeclined,
    Home,
    OutOfService,
    ServiceGuide,
    Standby,
    Tile,
)
from ui.desk import Desk
from ui.models._model import PageModel, Rows

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1

STANDBY_TILES_MAX = 4  # as many as stand side by side


@dataclass(frozen=True, slots=True)
class TileRow:
    item: str
    words: str
    note: str
    icon: str
    closedReason: str
    big: bool = False


@QmlElement
class StandbyModel(PageModel):
    renewed = Signal()

    def __init__(self, page: Standby, desk: Desk) -> None:
        super().__init__(desk)
        self._tiles = Rows(TileRow, self)
        self.update(page)

    def update(self, page: Standby) -> None:
        self._page = page
        self._tiles.show([self._tile(tile) for tile in page.tiles[:STANDBY_TILES_MAX]])
        self.changed.emit()
        self.renewed.emit()

    def _tile(self, tile: Tile) -> TileRow:
        minutes = self.say("standby", "minutes", minutes=tile.minutes)
        closed = self.say(f"closure_{tile.closed}", "short") if tile.closed else ""
        return TileRow(tile.item, self.said(tile.name), minutes, tile.icon, closed)

    def heading(self) -> str:
        return self.say("standby", "title")

    def _closed(self) -> list[Tile]:
        return [tile for tile in self._page.tiles if tile.closed]

    @Property(Rows, notify=renewed)
    def tiles(self) -> Rows:
        return self._tiles

    @Property(str, notify=renewed)
    def closedWords(self) -> str:
        """现在有1项暂停：高龄津贴申领; "" when everything is open."""
        closed = self._closed()
        if not closed:
            return ""
        names = self.say("common", "separator").join(self.said(tile.name) for tile in closed)
        return self.say("standby", "closed", count=len(closed)) + names

    @Property(str, notify=renewed)
    def closedDetail(self) -> str:
        """Why, each reason once, and what else one can do."""
        closed = self._closed()
        reasons = {tile.closed: self.say(f"closure_{tile.closed}", "full") for tile in closed}
        sentences = list(reasons.values())
        if closed and len(closed) < len(self._page.tiles):
            sentences.append(self.say("standby", "others_open"))
        return self.say("common", "sentence_gap").join(sentences)

    @Property(str, notify=renewed)
    def paperNote(self) -> str:
        return "" if self._page.paper_receipt else self.say("standby", "no_paper")

    @Slot()
    def start(self) -> None:
        self.press(Act.START)


@QmlElement
class HomeModel(PageModel):
    renewed = Signal()

    def __init__(self, page: Home, desk: Desk) -> None:
        super().__init__(desk)
        self._tiles = Rows(TileRow, self)
        self.update(page)

    def update(self, page: Home) -> None:
        self._page = page
        self._tiles.show([self._tile(tile) for tile in page.tiles])
        self.changed.emit()
        self.renewed.emit()

    def _tile(self, tile: Tile) -> TileRow:
        big = self._desk.preferences.elder
        note = self.say("home", "about", minutes=tile.minutes, bring=self.said(tile.bring))
        closed = self.say(f"closure_{tile.closed}", "short") if tile.closed else ""
        return TileRow(
            tile.item, self.said(tile.name), "" if big else note, tile.icon, closed, big=big
        )

    def heading(self) -> str:
        return self.say("home", "title_elder" if self._desk.preferences.elder else "title")

    def leading(self) -> str:
        return "" if self._desk.preferences.elder else self.say("home", "lead")

    @Property(Rows, notify=renewed)
    def tiles(self) -> Rows:
        return self._tiles

    @Slot(str)
    def choose(self, item: str) -> None:
        self.press(Act.CHOOSE_ITEM, item)


@dataclass(frozen=True, slots=True)
class PaperRow:
    words: str
    detail: str
    icon: str
    bringWords: str
    bringKind: str  # bring | for_another | later | not_needed


@QmlElement
class ServiceGuideModel(PageModel):
    renewed = Signal()

    def __init__(self, page: ServiceGuide, desk: Desk) -> None:
        super().__init__(desk)
        self._papers = Rows(PaperRow, self)
        self.update(page)

    def update(self, page: ServiceGuide) -> None:
        self._page = page
        words = {
            Bring.BRING: self.say("service_guide", "bring"),
            Bring.FOR_ANOTHER: self.say("service_guide", "for_another"),
            Bring.LATER: self.say("service_guide", "later"),
            Bring.NOT_NEEDED: self.say("service_guide", "not_needed"),
        }
        self._papers.show(
            [
                PaperRow(
                    self.said(paper.name),
                    self.said(paper.note),
                    paper.picture,
                    words[paper.bring],
                    str(paper.bring),
                )
                for paper in page.papers
            ]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.said(self._page.name)

    def leading(self) -> str:
        return self.said(self._page.who)

    @Property(Rows, notify=renewed)
    def papers(self) -> Rows:
        return self._papers

    @Property(str, notify=renewed)
    def minutes(self) -> str:
        return self.say("service_guide", "minutes", minutes=self._page.minutes)

    @Property(str, notify=renewed)
    def days(self) -> str:
        if self._page.days == 0:
            return self.say("service_guide", "days_none")
        return self.say("service_guide", "days", days=self._page.days)

    @Property(str, notify=renewed)
    def department(self) -> str:
        return self.said(self._page.department)

    @Property(str, notify=renewed)
    def result(self) -> str:
        return self.said(self._page.result)

    @Property(bool, notify=renewed)
    def open(self) -> bool:
        return self._page.closed is None

    @Property(str, notify=renewed)
    def closedWords(self) -> str:
        closed = self._page.closed
        return self.say(f"closure_{closed}", "short") if closed else ""

    @Property(str, notify=renewed)
    def closedDetail(self) -> str:
        closed = self._page.closed
        return self.say(f"closure_{closed}", "full") if closed else ""

    @Slot()
    def begin(self) -> None:
        self.press(Act.BEGIN)


@dataclass(frozen=True, slots=True)
class ConsentRow:
    what: str
    why: str
    kept: str


@QmlElement
class ConsentModel(PageModel):
    renewed = Signal()

    def __init__(self, page: Consent, desk: Desk) -> None:
        super().__init__(desk)
        self._lines = Rows(ConsentRow, self)
        self.update(page)

    def update(self, page: Consent) -> None:
        self._page = page
        self._lines.show(
            [
                ConsentRow(self.said(line.what), self.said(line.why), self.said(line.kept))
                for line in page.lines
            ]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("consent", "title")

    def leading(self) -> str:
        return self.say("consent", "lead", item=self.said(self._page.item_name))

    @Property(Rows, notify=renewed)
    def lines(self) -> Rows:
        return self._lines

    @Slot()
    def agree(self) -> None:
        self.press(Act.AGREE)

    @Slot()
    def decline(self) -> None:
        self.press(Act.DECLINE)


@QmlElement
class ConsentDeclinedModel(PageModel):
    renewed = Signal()

    def __init__(self, page: ConsentDeclined, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: ConsentDeclined) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("consent_declined", "title")

    def leading(self) -> str:
        return self.say("consent_declined", "lead")

    @Property(str, notify=renewed)
    def counter(self) -> str:
        return self.said(self._page.counter)

    @Property(str, notify=renewed)
    def phone(self) -> str:
        return self._page.phone


@dataclass(frozen=True, slots=True)
class ReasonRow:
    words: str


@QmlElement
class OutOfServiceModel(PageModel):
    renewed = Signal()

    def __init__(self, page: OutOfService, desk: Desk) -> None:
        super().__init__(desk)
        self._reasons = Rows(ReasonRow, self)
        self.update(page)

    def update(self, page: OutOfService) -> None:
        self._page = page
        self._reasons.show(
            [ReasonRow(self.say(f"closure_{reason}", "full")) for reason in page.reasons]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("out_of_service", "title")

    def leading(self) -> str:
        return self.say("out_of_service", "lead")

    @Property(Rows, notify=renewed)
    def reasons(self) -> Rows:
        return self._reasons
