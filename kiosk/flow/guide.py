"""What the service is, who may use it, what to bring. Readable without identifying, also when closed."""

from __future__ import annotations

from typing import ClassVar

from kiosk.availability import closure
from kiosk.catalogue.model import StepKind
from kiosk.flow.actions import Act, Action
from kiosk.flow.pages import GuidePaper, Page, ServiceGuide, Visit
from kiosk.flow.step import BACKWARD, EVERY_VISIT, FORWARD, NOTHING, Outcome, Step


class Guide(Step):
    kind: ClassVar[StepKind] = StepKind.GUIDE
    visits: ClassVar[frozenset[Visit]] = EVERY_VISIT

    def page(self) -> Page:
        item, words = self.context.item, self.context.words
        return ServiceGuide(
            item=item.code,
            name=words(item.name),
            who=words(item.who),
            result=words(item.result),
            papers=tuple(
                GuidePaper(words(paper.name), words(paper.note), paper.bring, paper.picture)
                for paper in item.papers
            ),
            minutes=item.minutes,
            days=item.days,
            department=words(item.department),
            closed=closure(item, self.context.world),
        )

    def act(self, action: Action) -> Outcome:
        if action.act is Act.BACK:
            return BACKWARD
        if action.act is Act.BEGIN and closure(self.context.item, self.context.world) is None:
            return FORWARD
        return NOTHING
