"""View-models from the review to the accepted application."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.clock import local
from kiosk.flow.actions import Act, Stroke
from kiosk.flow.pages import (
    Accepted,
    Delivery,
    PrintState,
    Review,
    ReviewGroup,
    Sign,
    SubmitProblem,
    SubmitProblemKind,
    Submitting,
    Visit,
)
from kiosk.receipts.number import grouped
from ui.desk import Desk
from ui.models._format import clock, month_day
from ui.models._model import PageModel, Rows
from ui.models.materials import points

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1

STAR = "*"
STAR_AT_MID_HEIGHT = "\N{ASTERISK OPERATOR}"  # as a masked value is drawn elsewhere


@dataclass(frozen=True, slots=True)
class ValueLine:
    label: str
    value: str

    def __repr__(self) -> str:
        return "ValueLine()"


@dataclass(frozen=True, slots=True)
class GroupRow:
    code: str
    words: str
    lines: Rows
    images: list[str]
    changeName: str  # what a screen reader says of the button: 修改怎么联系您
    imagesWords: str


@QmlElement
class ReviewModel(PageModel):
    """Masked, until `reveal(True)`; full values leave the model only while revealed."""

    renewed = Signal()

    def __init__(self, page: Review, desk: Desk) -> None:
        super().__init__(desk)
        self._revealed = False
        self._lines: list[Rows] = []  # one list a group, kept so that delegates stay
        self._groups = Rows(GroupRow, self)
        self.update(page)

    def update(self, page: Review) -> None:
        self._page = page
        while len(self._lines) < len(page.groups):
            self._lines.append(Rows(ValueLine, self))
        self._groups.show(
            [self._group(group, self._lines[place]) for place, group in enumerate(page.groups)]
        )
        self.changed.emit()
        self.renewed.emit()

    def _group(self, group: ReviewGroup, rows: Rows) -> GroupRow:
        empty = self.say("review", "empty")
        rows.show(
            [
                ValueLine(
                    self.said(line.label), (line.full if self._revealed else line.masked) or empty
                )
                for line in group.lines
            ]
        )
        name = self.said(group.name)
        count = len(group.images)
        return GroupRow(
            group.code,
            name,
            rows,
            list(group.images),
            self.say("review", "change_name", group=name),
            self.say("review", "pictures", count=count) if count else "",
        )

    def heading(self) -> str:
        return self.say("review", "title")

    def leading(self) -> str:
        return self.say("review", "lead")

    @Property(str, notify=renewed)
    def confirmWords(self) -> str:
        return self.say("review", "confirm_papers" if self._papers else "confirm")

    @property
    def _papers(self) -> bool:
        """Only papers are handed in: nothing is signed."""
        return self._page.visit is Visit.HAND_IN

    @Property(bool, notify=renewed)
    def toSign(self) -> bool:
        return not self._papers

    @Property(Rows, notify=renewed)
    def groups(self) -> Rows:
        return self._groups

    @Property(bool, notify=renewed)
    def revealed(self) -> bool:
        return self._revealed

    @Slot(bool)
    def reveal(self, held: bool) -> None:
        if self._revealed != held:
            self._revealed = held
            self.update(self._page)

    @Slot(str)
    def change(self, code: str) -> None:
        self.press(Act.CHANGE, code)

    @Slot()
    def confirm(self) -> None:
        self.press(Act.NEXT)


@dataclass(frozen=True, slots=True)
class SentenceRow:
    words: str


def strokes_from_screen(strokes: Iterable[Iterable[Sequence[float]]]) -> tuple[Stroke, ...]:
    """Points as the signature pad gives them, kept inside the box."""

    def inside(value: float) -> float:
        return min(1.0, max(0.0, float(value)))

    return tuple(
        tuple((inside(point[0]), inside(point[1])) for point in stroke) for stroke in strokes
    )


@QmlElement
class SignModel(PageModel):
    renewed = Signal()

    def __init__(self, page: Sign, desk: Desk) -> None:
        super().__init__(desk)
        self._statement = Rows(SentenceRow, self)
        self.update(page)

    def update(self, page: Sign) -> None:
        self._page = page
        self._statement.show([SentenceRow(self.said(words)) for words in page.statement])
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("sign", "title")

    def leading(self) -> str:
        return self.say("sign", "lead_changed" if self._page.changed else "lead")

    @Property(Rows, notify=renewed)
    def statement(self) -> Rows:
        return self._statement

    @Property(str, notify=renewed)
    def signer(self) -> str:
        return self.say("sign", "signer", name=self._page.signer_masked)

    @Property(bool, notify=renewed)
    def empty(self) -> bool:
        return self._page.empty

    @Property("QVariantList", notify=renewed)  # type: ignore[arg-type]  # stubs
    def strokes(self) -> list[list[list[float]]]:
        return [points(stroke) for stroke in self._page.strokes]

    @Slot("QVariantList")
    def signed(self, strokes: Sequence[Sequence[Sequence[float]]]) -> None:
        self._desk.act(Act.SIGN_STROKES, strokes=strokes_from_screen(strokes))

    @Slot()
    def clear(self) -> None:
        self._desk.act(Act.SIGN_STROKES)

    @Slot()
    def submit(self) -> None:
        self.press(Act.SUBMIT)


@QmlElement
class SubmittingModel(PageModel):
    def __init__(self, page: Submitting, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: Submitting) -> None:
        self._page = page
        self.changed.emit()

    def heading(self) -> str:
        return self.say("submitting", "title")

    def leading(self) -> str:
        papers = self._page.visit is Visit.HAND_IN
        return self.say("submitting", "lead_papers" if papers else "lead")


@QmlElement
class SubmitProblemModel(PageModel):
    renewed = Signal()

    def __init__(self, page: SubmitProblem, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: SubmitProblem) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def _say(self, key: str) -> str:
        return self.say(f"submit_problem_{self._page.kind}", key)

    def heading(self) -> str:
        return self._say("title")

    def leading(self) -> str:
        return self._say(f"lead{self._of_what}")

    @Property(str, notify=renewed)
    def now(self) -> str:
        return self._say("now")

    @property
    def _of_what(self) -> str:
        """End of the keys of what is said of an application or of papers for one."""
        return "_papers" if self._page.visit is Visit.HAND_IN else ""

    @property
    def _unsure(self) -> bool:
        """Nobody knows whether it is accepted: waiting is all that can be done."""
        return self._page.kind is SubmitProblemKind.UNSURE

    def _either(self, key: str) -> str:
        return self.say("submit_problem", f"{key}_unsure" if self._unsure else key)

    @Property(str, notify=renewed)
    def kept(self) -> str:
        return self._either(f"kept{self._of_what}")

    @Property(str, notify=renewed)
    def notAccepted(self) -> str:
        return self._either(f"accepted_not{self._of_what}")

    @Property(str, notify=renewed)
    def submitAgain(self) -> str:
        return self._either("again")

    @Property(str, notify=renewed)
    def leave(self) -> str:
        return self._either("leave")

    @Property(bool, notify=renewed)
    def canGoBack(self) -> bool:
        """The papers can be taken again."""
        return self._page.kind is SubmitProblemKind.DOCUMENTS

    @Slot()
    def again(self) -> None:
        self.press(Act.SUBMIT)


@dataclass(frozen=True, slots=True)
class ChainRow:
    at: str  # done | current | later
    words: str
    note: str
    icon: str


@QmlElement
class AcceptedModel(PageModel):
    """The receipt on paper, or where that fails, on the screen to be photographed."""

    renewed = Signal()

    def __init__(self, page: Accepted, desk: Desk) -> None:
        super().__init__(desk)
        self._chain = Rows(ChainRow, self)
        self.update(page)

    def update(self, page: Accepted) -> None:
        self._page = page
        self._chain.show(self._states())
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        if self._paper_trouble() or self._page.visit is Visit.REPRINT:
            return self._printing("title")
        return self._of_what(f"title_{self._page.delivery}")

    def leading(self) -> str:
        if self._paper_trouble():
            gap = self.say("common", "sentence_gap")
            unsure = self._page.print_state is PrintState.UNKNOWN
            coded = self._page.qr_text and not unsure
            how = self.say("accepted", "safe_phone") if coded else self._print_lead()
            here = self._page.delivery is not Delivery.DELIVERED
            return self._of_what("safe_here" if here else "safe") + gap + how
        if self._page.visit is Visit.REPRINT:
            return self.say("accepted", "lead_again", item=self.said(self._page.item_name))
        return self._of_what(f"lead_{self._page.delivery}")

    def _of_what(self, key: str, **values: object) -> str:
        """Of an application, or of papers for one."""
        papers = self._page.visit is Visit.HAND_IN
        return self.say("papers_received" if papers else "accepted", key, **values)

    def _print_lead(self) -> str:
        page = self._page
        comes = page.print_state in (PrintState.PRINTING, PrintState.PRINTED, PrintState.UNKNOWN)
        if page.qr_text or comes:
            return self._printing("lead")
        return self.say("accepted", "photo_number_lead")

    def _printing(self, key: str) -> str:
        return self.say(f"receipt_{self._page.print_state}", key)

    def _paper_trouble(self) -> bool:
        """The paper does not come, and the citizen has not said yet how to go on."""
        match self._page.print_state:
            case PrintState.PRINTING | PrintState.PRINTED | PrintState.DECLINED:
                return False
            case (
                PrintState.PAPER_OUT
                | PrintState.COVER_OPEN
                | PrintState.JAMMED
                | PrintState.UNKNOWN
                | PrintState.UNAVAILABLE
            ):
                return True
            case _:
                assert_never(self._page.print_state)

    def _states(self) -> list[ChainRow]:
        page = self._page
        if page.visit is Visit.REPRINT:
            return []  # how far it is by now is not what was asked
        delivery = page.delivery
        delivered = delivery is Delivery.DELIVERED
        if page.phone_masked:
            tell = ChainRow(
                "later",
                self.say("accepted", "chain_tell"),
                self.say(
                    "accepted",
                    "chain_tell_lead",
                    phone=page.phone_masked.replace(STAR, STAR_AT_MID_HEIGHT),
                ),
                "",
            )
        else:
            tell = ChainRow(
                "later",
                self.say("accepted", "chain_look"),
                self.say("accepted", "chain_look_lead"),
                "",
            )
        return [
            ChainRow(
                "done",
                self.say("accepted", "chain_here"),
                self.say("accepted", "chain_here_lead", time=clock(page.accepted_at)),
                "check",
            ),
            ChainRow(
                "done" if delivered else "current",
                self.say("accepted", f"chain_{delivery}"),
                self.say("accepted", f"chain_{delivery}_lead"),
                "check" if delivered else "hourglass",
            ),
            ChainRow(
                "current" if delivered else "later",
                self._of_what("chain_review", department=self.said(page.department)),
                self._of_what("chain_review_lead", days=page.days),
                "hourglass" if delivered else "",
            ),
            tell,
        ]

    @Property(str, notify=renewed)
    def number(self) -> str:
        return grouped(self._page.number)

    @Property(str, notify=renewed)
    def acceptedWords(self) -> str:
        page = self._page
        if page.visit is Visit.REPRINT:  # perhaps weeks ago
            day = local(page.accepted_at).date()
            return self.say("accepted", "at", time=month_day(self._desk.texts, day))
        return self._of_what("at", time=clock(page.accepted_at))

    @Property(str, notify=renewed)
    def deliveryWords(self) -> str:
        """The state in a word or two, where the title is about the paper."""
        return self._of_what(f"title_{self._page.delivery}")

    @Property(str, notify=renewed)
    def deliveryDetail(self) -> str:
        return self._of_what(f"lead_{self._page.delivery}")

    @Property(str, notify=renewed)
    def toFollow(self) -> str:
        """What is still to be handed in; "" for nothing."""
        names = self.say("common", "separator").join(
            self.said(name) for name in self._page.to_follow
        )
        return self.say("accepted", "to_follow", papers=names) if names else ""

    @Property(str, notify=renewed)
    def toFollowDetail(self) -> str:
        """Until when, and how."""
        by = self._page.follow_by
        if by is None:
            return ""
        return self.say("accepted", "to_follow_by", day=month_day(self._desk.texts, by))

    @Property(bool, notify=renewed)
    def hasCode(self) -> bool:
        """Whether there is a code to scan; there is none of another terminal's application."""
        return bool(self._page.qr_text)

    @Property(bool, notify=renewed)
    def mayReturn(self) -> bool:
        """Back to the application whose receipt is printed again."""
        page = self._page
        printing = page.print_state is PrintState.PRINTING
        return page.visit is Visit.REPRINT and not printing and not page.finishing

    @Property(Rows, notify=renewed)
    def chain(self) -> Rows:
        return self._chain

    @Property(bool, notify=renewed)
    def hasChain(self) -> bool:
        return bool(self._chain.rows())

    @Property(bool, notify=renewed)
    def paperTrouble(self) -> bool:
        return self._paper_trouble()

    @Property(bool, notify=renewed)
    def paperUnsure(self) -> bool:
        """Nobody knows whether the paper is out: look."""
        return self._page.print_state is PrintState.UNKNOWN

    @Property(bool, notify=renewed)
    def paperComes(self) -> bool:
        """Paper is coming or has come: the slot is lit."""
        return self._page.print_state in (PrintState.PRINTING, PrintState.PRINTED)

    @Property(bool, notify=renewed)
    def printing(self) -> bool:
        return self._page.print_state is PrintState.PRINTING

    @Property(bool, notify=renewed)
    def canPrintAgain(self) -> bool:
        page = self._page
        known = page.print_state is not PrintState.UNAVAILABLE or page.printer_back
        return self._paper_trouble() and known

    @Property(bool, notify=renewed)
    def cardThere(self) -> bool:
        """Of who gets a copy."""
        return self._page.may_print_again

    @Property(str, notify=renewed)
    def printWords(self) -> str:
        return self._printing("title")

    @Property(str, notify=renewed)
    def printDetail(self) -> str:
        return self._print_lead()

    @Property(str, notify=renewed)
    def photoWords(self) -> str:
        """What is to be photographed: the code and the number, or the number alone."""
        return self.say("accepted", "photo" if self._page.qr_text else "photo_number")

    @Property(str, notify=renewed)
    def qrText(self) -> str:
        return self._page.qr_text

    @Property(bool, notify=renewed)
    def mayRate(self) -> bool:
        return self._page.may_rate

    @Property(str, notify=renewed)
    def mainWords(self) -> str:
        if self._page.print_state is PrintState.UNKNOWN:
            return self.say("accepted", "go_on_unsure")
        if self._paper_trouble():
            return self.say("accepted", "go_on")
        return self.say("accepted", "rate" if self._page.may_rate else "finish")

    @Property(bool, notify=renewed)
    def finishing(self) -> bool:
        """It ends by itself as soon as the paper is out."""
        return self._page.finishing

    @Slot()
    def goOn(self) -> None:
        """The main button: without paper, then to the rating, or to the end."""
        if self._paper_trouble():
            self.press(Act.WITHOUT_PAPER)
        elif self._page.may_rate:
            self.press(Act.NEXT)
        else:
            self.press(Act.FINISH)

    @Slot()
    def printAgain(self) -> None:
        self.press(Act.PRINT_AGAIN)
