"""View-models of the pages about a person's card, and of what is known of them from before."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.pages import (
    CardProblem,
    CardProblemKind,
    ConfirmIdentity,
    DraftFound,
    EarlierApplication,
    PlaceIdCard,
    ProgressKind,
    Role,
)
from kiosk.receipts.number import grouped
from ui.desk import Desk
from ui.models._format import day_time, full_day
from ui.models._model import PageModel

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1

WAIT_FOR_CARD_S = 60  # a full ring; a longer wait fills it again


def _by_role(key: str, role: Role) -> str:
    """The key of the text for this role."""
    match role:
        case Role.APPLICANT:
            return key
        case Role.AGENT:
            return f"{key}_agent"
        case Role.ELDER:
            return f"{key}_elder"
        case _:
            assert_never(role)


@QmlElement
class PlaceIdCardModel(PageModel):
    renewed = Signal()

    def __init__(self, page: PlaceIdCard, desk: Desk) -> None:
        super().__init__(desk)
        self._of_seconds = WAIT_FOR_CARD_S
        self.update(page)

    def update(self, page: PlaceIdCard) -> None:
        self._page = page
        self._of_seconds = max(self._of_seconds, page.seconds_left)
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        if self._page.reading:
            return self.say("place_id_card", "title_reading")
        return self.say("place_id_card", _by_role("title", self._page.role))

    def leading(self) -> str:
        if self._page.reading:
            return self.say("place_id_card", "lead_reading")
        return self.say("place_id_card", _by_role("lead", self._page.role))

    @Property(bool, notify=renewed)
    def reading(self) -> bool:
        return self._page.reading

    @Property(str, notify=renewed)
    def callout(self) -> str:
        return self.say("place_id_card", "callout_reading" if self._page.reading else "callout")

    @Property(int, notify=renewed)
    def secondsLeft(self) -> int:
        return self._page.seconds_left

    @Property(int, notify=renewed)
    def ofSeconds(self) -> int:
        return self._of_seconds

    @Property(str, notify=renewed)
    def waitingDetail(self) -> str:
        return self.say("place_id_card", "waiting_lead", seconds=self._page.seconds_left)

    @Property(bool, notify=renewed)
    def mayActForRelative(self) -> bool:
        return self._page.may_act_for_relative

    @Slot()
    def keepWaiting(self) -> None:
        self.press(Act.KEEP_WAITING)

    @Slot()
    def forRelative(self) -> None:
        self.press(Act.FOR_RELATIVE)


@QmlElement
class CardProblemModel(PageModel):
    renewed = Signal()

    def __init__(self, page: CardProblem, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: CardProblem) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def _say(self, key: str, **values: object) -> str:
        return self.say(f"card_problem_{self._page.kind}", key, **values)

    def heading(self) -> str:
        match self._page.kind:
            case CardProblemKind.TOO_YOUNG | CardProblemKind.SOMEONE_ELSES:
                elder = self._page.role is Role.ELDER
                return self._say("title_elder" if elder else "title")
            case _:
                return self._say("title")

    def leading(self) -> str:
        """What it is, and that nothing is lost."""
        page = self._page
        match page.kind:
            case CardProblemKind.EXPIRED if page.valid_to is not None:
                return self._say("lead_date", date=full_day(self._desk.texts, page.valid_to))
            case CardProblemKind.TOO_YOUNG:
                return self._say("lead", age=page.minimum_age)
            case _:
                return self._say("lead")

    @Property(str, notify=renewed)
    def now(self) -> str:
        """What to do now."""
        page = self._page
        match page.kind:
            case CardProblemKind.TOO_YOUNG:
                if page.may_act_for_relative:
                    return self._say("now_relative")
                if page.eligible_from is not None:
                    return self._say(
                        "now_date", date=full_day(self._desk.texts, page.eligible_from)
                    )
                return self._say("now")
            case CardProblemKind.SOMEONE_ELSES:
                return self._say("now_elder" if page.role is Role.ELDER else "now")
            case _:
                return self._say("now")

    @Property(str, notify=renewed)
    def later(self) -> str:
        """From when one may apply, where something nearer is said first; else ""."""
        page = self._page
        if (
            page.kind is CardProblemKind.TOO_YOUNG
            and page.may_act_for_relative
            and page.eligible_from is not None
        ):
            return self._say("now_date", date=full_day(self._desk.texts, page.eligible_from))
        return ""

    @Property(bool, notify=renewed)
    def tooYoung(self) -> bool:
        return self._page.kind is CardProblemKind.TOO_YOUNG

    @Property(str, notify=renewed)
    def againWords(self) -> str:
        match self._page.kind:
            case (
                CardProblemKind.UNREADABLE
                | CardProblemKind.LIFTED
                | CardProblemKind.SEVERAL_CARDS
                | CardProblemKind.READER_LOST
                | CardProblemKind.SAME_CARD
                | CardProblemKind.SOMEONE_ELSES
            ):
                return self.say("card_problem", "again")
            case (
                CardProblemKind.EXPIRED
                | CardProblemKind.NOT_YET_VALID
                | CardProblemKind.TOO_YOUNG
                | CardProblemKind.UNKNOWN_CARD
            ):
                return self.say("card_problem", "other")
            case _:
                assert_never(self._page.kind)

    @Property(bool, notify=renewed)
    def mayActForRelative(self) -> bool:
        return self._page.may_act_for_relative

    @Slot()
    def again(self) -> None:
        self.press(Act.OTHER_CARD)

    @Slot()
    def forRelative(self) -> None:
        self.press(Act.FOR_RELATIVE)


@QmlElement
class ConfirmIdentityModel(PageModel):
    """Masked, until `reveal(True)`; full values leave the model only while revealed."""

    renewed = Signal()

    def __init__(self, page: ConfirmIdentity, desk: Desk) -> None:
        super().__init__(desk)
        self._revealed = False
        self.update(page)

    def update(self, page: ConfirmIdentity) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        elder = self._page.role is Role.ELDER
        return self.say("confirm_identity", "title_elder" if elder else "title")

    def leading(self) -> str:
        elder = self._page.role is Role.ELDER
        return self.say("confirm_identity", "lead_elder" if elder else "lead")

    @Property(str, notify=renewed)
    def photo(self) -> str:
        """Key of the card's photo; "" where there is none."""
        return self._page.photo

    @Property(bool, notify=renewed)
    def revealed(self) -> bool:
        return self._revealed

    @Property(str, notify=renewed)
    def name(self) -> str:
        person = self._page.person
        return person.name if self._revealed else person.name_masked

    @Property(str, notify=renewed)
    def number(self) -> str:
        person = self._page.person
        return person.number if self._revealed else person.number_masked

    @Property(str, notify=renewed)
    def address(self) -> str:
        person = self._page.person
        return person.address if self._revealed else person.address_masked

    @Property(str, notify=renewed)
    def birthYear(self) -> str:
        return self.say("confirm_identity", "year", year=self._page.person.birth_year)

    @Property(str, notify=renewed)
    def validity(self) -> str:
        key = "long_term" if self._page.person.long_term else "valid"
        return self.say("confirm_identity", key)

    @Property(bool, notify=renewed)
    def looking(self) -> bool:
        """Confirmed; one moment, earlier applications are looked for."""
        return self._page.looking

    @Property(str, notify=renewed)
    def yesWords(self) -> str:
        elder = self._page.role is Role.ELDER
        return self.say("confirm_identity", "yes_elder" if elder else "yes")

    @Property(str, notify=renewed)
    def noWords(self) -> str:
        elder = self._page.role is Role.ELDER
        return self.say("confirm_identity", "no_elder" if elder else "no")

    @Slot(bool)
    def reveal(self, held: bool) -> None:
        if self._revealed != held:
            self._revealed = held
            self.changed.emit()
            self.renewed.emit()

    @Slot()
    def confirm(self) -> None:
        self.press(Act.CONFIRM_IDENTITY)

    @Slot()
    def notMe(self) -> None:
        self.press(Act.NOT_ME)


@QmlElement
class DraftFoundModel(PageModel):
    renewed = Signal()

    def __init__(self, page: DraftFound, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: DraftFound) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("draft_found", "title")

    def leading(self) -> str:
        return self.say("draft_found", "lead")

    @Property(str, notify=renewed)
    def item(self) -> str:
        return self.said(self._page.item_name)

    @Property(str, notify=renewed)
    def savedAt(self) -> str:
        return day_time(self._desk.texts, self._page.saved_at)

    @Property(str, notify=renewed)
    def keptFor(self) -> str:
        return self.say("draft_found", "minutes", minutes=self._page.minutes_left)

    @Slot()
    def resume(self) -> None:
        self.press(Act.RESUME_DRAFT)

    @Slot()
    def discard(self) -> None:
        self.press(Act.DISCARD_DRAFT)


@QmlElement
class EarlierApplicationModel(PageModel):
    renewed = Signal()

    def __init__(self, page: EarlierApplication, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: EarlierApplication) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self._say(f"title{self._kind}")

    def leading(self) -> str:
        days, item = self._page.within_days, self.said(self._page.item_name)
        return self._say(f"lead{self._kind}", days=days, item=item)

    @property
    def _kind(self) -> str:
        """End of the keys of what is said at the top."""
        if self._page.state in (ProgressKind.REFUSED, ProgressKind.AT_STAFF):
            return f"_{self._page.state}"
        return "_papers" if self._page.may_hand_in else ""

    def _say(self, key: str, **values: object) -> str:
        return self.say("earlier_application", key, **values)

    @Property(str, notify=renewed)
    def number(self) -> str:
        return grouped(self._page.number)

    @Property(str, notify=renewed)
    def acceptedAt(self) -> str:
        return day_time(self._desk.texts, self._page.accepted_at)

    @Property(str, notify=renewed)
    def state(self) -> str:
        if self._page.papers_wait:
            return self._say("papers_wait")
        match self._page.state:
            case ProgressKind.WAITING_HERE:
                return self._say("waiting")
            case ProgressKind.IN_REVIEW:
                return self._say("in_review")
            case ProgressKind.NEEDS_MORE:
                return self._say("needs_more")
            case ProgressKind.GRANTED:
                return self._say("granted")
            case ProgressKind.REFUSED:
                return self._say("refused")
            case ProgressKind.AT_STAFF:
                return self._say("at_staff")
            # Whether somebody has looked at it yet may not be known; the centre has it.
            case ProgressKind.RECEIVED | ProgressKind.UNKNOWN_NUMBER | ProgressKind.HUB_UNREACHABLE:
                return self._say("delivered")
            case _:
                assert_never(self._page.state)

    @Property(str, notify=renewed)
    def papersWords(self) -> str:
        """What is to be handed in; "" for nothing."""
        page = self._page
        if not page.may_hand_in:
            return ""
        if page.state is ProgressKind.NEEDS_MORE and not page.papers_wait:
            return self._say("asks" if page.note else "asks_papers")
        names = self.say("common", "separator").join(self.said(name) for name in page.to_follow)
        return self._say("to_follow", papers=names)

    @Property(str, notify=renewed)
    def papersDetail(self) -> str:
        """The office's own words, else what to do."""
        return self._page.note or self._say("brought")

    @Property(bool, notify=renewed)
    def mayHandIn(self) -> bool:
        return self._page.may_hand_in

    @Property(bool, notify=renewed)
    def mayPrint(self) -> bool:
        return self._page.may_print

    @Property(bool, notify=renewed)
    def cardThere(self) -> bool:
        return self._page.card_there

    @Property(str, notify=renewed)
    def printNote(self) -> str:
        """On the button itself, so never on another page than it: that no receipt came out."""
        return "" if self._page.printed else self._say("not_printed")

    @Property(str, notify=renewed)
    def tip(self) -> str:
        """How to see how far it is, with the receipt; "" where that is missing, or papers matter."""
        missing = self._page.may_print and not self._page.printed
        return "" if self._kind or missing else self._say("ask")

    @Property(str, notify=renewed)
    def finishWords(self) -> str:
        if self._page.state is ProgressKind.REFUSED:
            return self._say("finish_refused")
        return self._say("finish_papers" if self._page.may_hand_in else "finish")

    @Property(bool, notify=renewed)
    def refused(self) -> bool:
        """Applying again is what one came for."""
        return self._page.state is ProgressKind.REFUSED

    @Slot()
    def applyAgain(self) -> None:
        self.press(Act.APPLY_AGAIN)

    @Slot()
    def handIn(self) -> None:
        self.press(Act.HAND_IN)

    @Slot()
    def printAgain(self) -> None:
        self.press(Act.PRINT_AGAIN)
