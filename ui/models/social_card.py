"""View-models of giving a social card a new password. None of them ever holds a digit of it."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.card_pages import (
    ChangingPassword,
    InsertSocialCard,
    NewPin,
    PasswordOutcome,
    PasswordResult,
    Slip,
    SocialCardProblem,
    SocialCardProblemKind,
)
from ui.desk import Desk
from ui.models._model import PageModel

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class InsertSocialCardModel(PageModel):
    renewed = Signal()

    def __init__(self, page: InsertSocialCard, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: InsertSocialCard) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def _key(self, name: str) -> str:
        return (
            f"{name}_ready"
            if self._page.card
            else f"{name}_reading"
            if self._page.reading
            else name
        )

    def heading(self) -> str:
        return self.say("insert_social_card", self._key("title"))

    def leading(self) -> str:
        return self.say("insert_social_card", self._key("lead"))

    @Property(bool, notify=renewed)
    def reading(self) -> bool:
        return self._page.reading

    @Property(bool, notify=renewed)
    def ready(self) -> bool:
        return bool(self._page.card)

    @Property(str, notify=renewed)
    def card(self) -> str:
        return self._page.card

    @Property(str, notify=renewed)
    def callout(self) -> str:
        return self.say("insert_social_card", self._key("callout"))

    @Slot()
    def next(self) -> None:
        self.press(Act.NEXT)


@QmlElement
class SocialCardProblemModel(PageModel):
    renewed = Signal()

    def __init__(self, page: SocialCardProblem, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: SocialCardProblem) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def _say(self, key: str) -> str:
        return self.say(f"social_card_problem_{self._page.kind}", key)

    def heading(self) -> str:
        return self._say("title")

    def leading(self) -> str:
        return self._say("lead")

    @Property(str, notify=renewed)
    def now(self) -> str:
        """The centre's own words, where it has said why."""
        return self.said(self._page.reason) if self._page.reason else self._say("now")

    @Property(bool, notify=renewed)
    def takeOut(self) -> bool:
        """Whether the card is to be taken out; else nothing can be done at the slot."""
        return self._page.kind not in (
            SocialCardProblemKind.LINE,
            SocialCardProblemKind.READER_LOST,
        )


@QmlElement
class NewPinModel(PageModel):
    renewed = Signal()

    def __init__(self, page: NewPin, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: NewPin) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.say("new_pin", "title_again" if self._page.again else "title")

    def leading(self) -> str:
        return self.say("new_pin", "lead_again" if self._page.again else "lead")

    @Property(int, notify=renewed)
    def typed(self) -> int:
        return self._page.typed

    @Property(int, notify=renewed)
    def ofDigits(self) -> int:
        return self._page.of

    @Property(bool, notify=renewed)
    def complete(self) -> bool:
        return self._page.typed == self._page.of

    @Property(str, notify=renewed)
    def count(self) -> str:
        """What is told of the boxes, to the eye and to a screen reader: how many, not which."""
        left = self._page.of - self._page.typed
        return self.say("new_pin", "missing", count=left) if left else self.say("new_pin", "whole")

    @Property(str, notify=renewed)
    def flaw(self) -> str:
        return self.say("pin_flaw", str(self._page.flaw)) if self._page.flaw else ""

    @Slot(str)
    def digit(self, character: str) -> None:
        self.press(Act.TYPE_DIGIT, "", character)

    @Slot()
    def erase(self) -> None:
        self.press(Act.ERASE_DIGIT)

    @Slot()
    def clear(self) -> None:
        self.press(Act.CLEAR_DIGITS)

    @Slot()
    def next(self) -> None:
        self.press(Act.NEXT)


@QmlElement
class ChangingPasswordModel(PageModel):
    def __init__(self, page: ChangingPassword, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: ChangingPassword) -> None:
        self.changed.emit()

    def heading(self) -> str:
        return self.say("changing_password", "title")

    def leading(self) -> str:
        return self.say("changing_password", "lead")


@QmlElement
class PasswordResultModel(PageModel):
    renewed = Signal()

    def __init__(self, page: PasswordResult, desk: Desk) -> None:
        super().__init__(desk)
        self.update(page)

    def update(self, page: PasswordResult) -> None:
        self._page = page
        self.changed.emit()
        self.renewed.emit()

    def _say(self, key: str) -> str:
        return self.say(f"password_{self._page.outcome}", key)

    def heading(self) -> str:
        return self._say("title")

    def leading(self) -> str:
        return self._say("lead")

    @Property(str, notify=renewed)
    def now(self) -> str:
        """What to do now: in the words of who refused it, where they gave any."""
        return self.said(self._page.reason) if self._page.reason else self._say("now")

    @Property(str, notify=renewed)
    def tone(self) -> str:
        """done | attention | trouble: how the sentence about what to do is set."""
        match self._page.outcome:
            case PasswordOutcome.CHANGED:
                return "done"
            case PasswordOutcome.UNKNOWN:
                return "trouble"
            case (
                PasswordOutcome.REFUSED
                | PasswordOutcome.CARD_GONE
                | PasswordOutcome.HUB_AWAY
                | PasswordOutcome.FAILED
            ):
                return "attention"
            case _:
                assert_never(self._page.outcome)

    @Property(bool, notify=renewed)
    def mayRepeat(self) -> bool:
        return self._page.outcome not in (PasswordOutcome.CHANGED, PasswordOutcome.REFUSED)

    @Property(str, notify=renewed)
    def reference(self) -> str:
        """In two groups of four."""
        text = self._page.reference
        return f"{text[:4]} {text[4:]}".strip()

    @Property(str, notify=renewed)
    def phone(self) -> str:
        return self._page.phone

    @Property(str, notify=renewed)
    def slip(self) -> str:
        if self._page.slip is Slip.NONE:
            return ""
        return self.say("password_slip", str(self._page.slip))

    @Property(bool, notify=renewed)
    def printing(self) -> bool:
        return self._page.slip is Slip.PRINTING

    @Slot()
    def again(self) -> None:
        self.press(Act.OTHER_CARD)
