"""What is read, why, and how long it is kept; saying no leads to what else one can do."""

from __future__ import annotations

from typing import ClassVar

from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.pages import Consent as ConsentPage
from kiosk.flow.pages import ConsentDeclined, ConsentLine, Page, Visit, Words
from kiosk.flow.step import BACKWARD, EVERY_VISIT, FORWARD, NOTHING, Context, Outcome, Step, ToHome


class Consent(Step):
    kind: ClassVar[StepKind] = StepKind.CONSENT
    visits: ClassVar[frozenset[Visit]] = EVERY_VISIT

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._declined = False

    def page(self) -> Page:
        context = self.context
        terminal = context.settings.terminal
        if self._declined:
            return ConsentDeclined(
                item_name=context.words(context.item.name),
                counter=Words((("zh", terminal.counter_zh), ("en", terminal.counter_en))),
                phone=terminal.help_phone,
            )
        consent = context.item.consent
        lines = consent.lines if consent else ()
        return ConsentPage(
            item_name=context.words(context.item.name),
            lines=tuple(
                ConsentLine(
                    context.words(line.what), context.words(line.why), context.words(line.kept)
                )
                for line in lines
            ),
        )

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.AGREE:
                consent = self.context.item.consent
                self.context.case.consent_version = consent.version if consent else 0
                self.context.case.consent_at = self.context.now
                return FORWARD
            case Act.DECLINE:
                self._declined = True
                return NOTHING
            case Act.BACK if self._declined:
                self._declined = False
                return NOTHING
            case Act.BACK:
                return BACKWARD
            case Act.FINISH if self._declined:
                return Outcome(move=ToHome())
            case _:
                return NOTHING
