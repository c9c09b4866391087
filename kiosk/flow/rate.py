"""The rating: of one's own will, by keypad or screen, at most once. A time-out is no rating.

Once a level was pressed it counts, whatever is said of the reasons; SKIP_RATING takes it back.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.keypad.values import KeyPressed
from kiosk.catalogue.model import StepKind, StepPart
from kiosk.evaluation.rating import ASKS_REASONS, level_of
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import AddRating, Effect, StartKeypad, StopKeypad
from kiosk.flow.events import Event
from kiosk.flow.pages import Page, RatingReason, RatingReasons, Visit
from kiosk.flow.pages import Rating as RatingPage
from kiosk.flow.step import FORWARD, NOTHING, Context, Outcome, Step

RATING_S = 45  # to read five lines and choose; look.md's picture
ELDER_RATING_S = 90
KEYPAD = "keypad"
SCREEN = "screen"
SKIP_KEY = "skip"


class Rate(Step):
    kind: ClassVar[StepKind] = StepKind.RATE
    visits: ClassVar[frozenset[Visit]] = frozenset({Visit.APPLY, Visit.HAND_IN})

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._level: int | None = None
        self._channel = SCREEN
        self._chosen: set[str] = set()
        self._until_s = 0.0
        self.touched()

    def enter(self) -> Outcome:
        return Outcome((StartKeypad(),))

    @property
    def counts_down(self) -> bool:
        return True

    def page(self) -> Page:
        left = max(0, round(self._until_s - self.context.monotonic_s))
        if self._level is None:
            return RatingPage(self.context.words(self.context.item.name), left)
        return RatingReasons(
            level=self._level,
            reasons=tuple(
                RatingReason(reason.code, reason.text, reason.code in self._chosen)
                for reason in self.context.reasons.of_level(self._level)
            ),
            seconds_left=left,
        )

    def touched(self) -> None:
        limit = ELDER_RATING_S if self.context.preferences.slow else RATING_S
        self._until_s = self.context.monotonic_s + limit

    def tick(self) -> Outcome:
        return FORWARD if self.context.monotonic_s >= self._until_s else NOTHING

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.RATE if self._level is None:
                return self._rate(action.argument, SCREEN)
            case Act.TOGGLE_REASON if self._level is not None:
                allowed = self.context.reasons.allowed(self._level, [action.argument])
                self._chosen.symmetric_difference_update(allowed)
                return NOTHING
            case Act.NEXT if self._level is not None:
                return FORWARD
            case Act.BACK if self._level is not None:
                self._level = None
                self._chosen.clear()
                return NOTHING
            case Act.SKIP_RATING | Act.FINISH:
                self._level = None
                return FORWARD
            case _:
                return NOTHING

    def handle(self, event: Event) -> Outcome:
        match event:
            case KeyPressed(key=key) if self._level is None:
                return FORWARD if key == SKIP_KEY else self._rate(key, KEYPAD)
            case _:
                return NOTHING

    def leave(self) -> tuple[Effect, ...]:
        """However it is left, a level that was pressed is sent, once."""
        case = self.context.case
        if self._level is None or case.sealed is None or case.rated:
            return (StopKeypad(),)
        case.rated = True
        return (
            StopKeypad(thank=True),
            AddRating(
                number=case.sealed.number,
                level=self._level,
                reasons=self.context.reasons.allowed(self._level, self._chosen),
                channel=self._channel,
                rated_at=self.context.now,
            ),
        )

    def _rate(self, text: str, channel: str) -> Outcome:
        level = level_of(text)
        if level is None:
            return NOTHING
        self._level, self._channel = level, channel
        return NOTHING if level in ASKS_REASONS else FORWARD
