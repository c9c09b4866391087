"""What every kind of step is made of.

A step looks at its context, answers presses, events and the clock with effects and at most one
move, and says what page to show. It never calls anybody.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from kiosk.availability import World
from kiosk.catalogue.load import Catalogue
from kiosk.catalogue.model import Item, StepKind, StepPart, Text, fill
from kiosk.clock import local
from kiosk.evaluation.rating import Reasons
from kiosk.flow.actions import Action
from kiosk.flow.card_slot import CardSlot
from kiosk.flow.case import Case
from kiosk.flow.effects import Effect
from kiosk.flow.events import Event, Scope
from kiosk.flow.pages import Page, Role, Visit, Words
from kiosk.flow.reader import CardOnReader
from kiosk.flow.view import Preferences
from kiosk.settings import Settings


@dataclass(slots=True)
class Context:
    """What a step may look at. `now` and `monotonic_s` are set before every call."""

    session: str
    item: Item
    catalogue: Catalogue
    reasons: Reasons
    settings: Settings
    world: World
    reader: CardOnReader
    slot: CardSlot
    case: Case
    preferences: Preferences
    now: datetime  # UTC
    monotonic_s: float
    idle_left_s: int = 0  # until the idle warning
    camera_used: bool = False  # papers may lie on the plate
    steps_entered: int = 0

    @property
    def today(self) -> date:
        """The local calendar day, by which ages and validity are counted."""
        return local(self.now).date()

    @property
    def in_full(self) -> bool:
        """Whether personal data may be revealed: a card of this case lies on the reader."""
        record = self.reader.record
        return record is not None and self.case.is_party(record.number)

    @property
    def role(self) -> Role:
        """Whose case it is: the role of the card that must stay on the reader."""
        return Role.ELDER if self.case.for_relative else Role.APPLICANT

    def next_scope(self) -> Scope:
        self.steps_entered += 1
        return Scope(self.session, self.steps_entered)

    def words(self, text: Text) -> Words:
        return fill(text, self.item, self.settings)


# -- moves ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forward:
    pass


@dataclass(frozen=True, slots=True)
class Backward:
    pass


@dataclass(frozen=True, slots=True)
class ChangeAt:
    """From the review to the step that makes `group`, and back to the review when it is done."""

    group: str


@dataclass(frozen=True, slots=True)
class Resume:
    """To the first step that still wants something."""


@dataclass(frozen=True, slots=True)
class ToHome:
    pass


@dataclass(frozen=True, slots=True)
class Finish:
    """This service is over; what lies about is to be taken away."""

    reason: str


Move = Forward | Backward | ChangeAt | Resume | ToHome | Finish


@dataclass(frozen=True, slots=True)
class Outcome:
    effects: tuple[Effect, ...] = ()
    move: Move | None = None


NOTHING = Outcome()
FORWARD = Outcome(move=Forward())
BACKWARD = Outcome(move=Backward())


EVERY_VISIT = frozenset(Visit)
COVERED_BARS = frozenset({"form", "materials", "review", "sign", "social_card", "new_pin"})
"""Where a wrong card on the reader is told: between being identified and submitting."""


class Step(ABC):
    """One step, from being entered to being left; entered again it is a new one."""

    kind: ClassVar[StepKind]
    bar: ClassVar[str] = ""  # its place in the step bar, a key of `ui/i18n`; "" shows no bar
    stops_backward: bool = True  # BACK comes here
    is_entry: ClassVar[bool] = False  # something is entered here: a draft is saved on leaving
    visits: ClassVar[frozenset[Visit]] = frozenset({Visit.APPLY})

    def __init__(self, context: Context, part: StepPart | None) -> None:
        self.context = context
        self.part = part
        self.scope = context.next_scope()

    @classmethod
    def has_part(cls, case: Case, part: StepPart) -> bool:
        """Whether this step of the item is taken in what the person came for; else it is passed by."""
        return case.visit in cls.visits

    @property
    def tells_wrong_card(self) -> bool:
        """Whether another person's card on the reader covers the page."""
        return self.bar in COVERED_BARS

    @property
    def busy(self) -> bool:
        """A device is at work: no time-out, no leaving."""
        return False

    @property
    def counts_down(self) -> bool:
        """The page has a countdown of its own in place of the idle warning."""
        return False

    @property
    def done(self) -> bool:
        """Whether this step wants nothing more; a resumed draft stops at the first that does."""
        return True

    def enter(self) -> Outcome:
        return NOTHING

    def leave(self) -> tuple[Effect, ...]:
        """Left in whatever way: devices stop."""
        return ()

    @abstractmethod
    def page(self) -> Page: ...

    def situation(self) -> str:
        """Differs when the page is another one to the person, not only fuller."""
        return f"{self.scope.step}:{type(self.page()).__name__}"

    def act(self, action: Action) -> Outcome:
        return NOTHING

    def handle(self, event: Event) -> Outcome:
        return NOTHING

    def tick(self) -> Outcome:
        return NOTHING

    def touched(self) -> None:  # noqa: B027 - most steps do not mind
        """Somebody is there."""

    def idle_ended(self) -> Outcome | None:
        """Nobody was there for the whole idle time; None: warn and then leave, as everywhere."""
        return None
