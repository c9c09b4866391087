"""How far an application has come: number, item, dates, state, and nothing of a person."""

from __future__ import annotations

from typing import ClassVar

from kiosk.catalogue.model import StepKind
from kiosk.flow.actions import Act, Action
from kiosk.flow.pages import Page, ProgressKind, ProgressResult
from kiosk.flow.step import BACKWARD, NOTHING, Finish, Outcome, Step


class Progress(Step):
    kind: ClassVar[StepKind] = StepKind.PROGRESS

    def page(self) -> Page:
        known = self.context.case.progress
        if known is None:
            return ProgressResult("", ProgressKind.HUB_UNREACHABLE)
        return ProgressResult(
            number=known.number,
            kind=known.kind,
            item_name=self.context.catalogue.name_of(known.item) if known.item else None,
            accepted_at=known.accepted_at,
            changed_at=known.changed_at,
        )

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.BACK:
                return BACKWARD
            case Act.FINISH | Act.NEXT:
                return Outcome(move=Finish("done"))
            case _:
                return NOTHING
