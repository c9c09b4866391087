"""The signature by finger, under what is being signed."""

from __future__ import annotations

import math
from typing import ClassVar

from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action, Stroke
from kiosk.flow.case import SIGNATURE
from kiosk.flow.pages import Page
from kiosk.flow.pages import Sign as SignPage
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Outcome, Step
from kiosk.identity import masking

MAX_STROKES = 200  # a long name written in block characters has about 60
MAX_POINTS = 20_000  # 60 strokes at 120 points a second for two seconds each


class Sign(Step):
    """SIGN_STROKES carries all strokes of the box each time; none empties it.

    A signature stands for what was there when it was drawn: when that has been changed since, it
    is asked for again.
    """

    kind: ClassVar[StepKind] = StepKind.SIGN
    bar: ClassVar[str] = "sign"

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        case = context.case
        self._changed = bool(case.strokes) and case.signed_over != case.content

    def enter(self) -> Outcome:
        if self._changed:
            self.context.case.strokes = ()
        return NOTHING

    @property
    def done(self) -> bool:
        return False  # a signature is never taken over from a draft

    def page(self) -> Page:
        context, case = self.context, self.context.case
        signer = case.agent if case.for_relative else case.applicant
        hidden = SIGNATURE in case.concealed
        return SignPage(
            statement=tuple(context.words(line) for line in context.item.statement),
            signer_masked=masking.name(signer.name or signer.english_name) if signer else "",
            empty=not self._signed,
            strokes=() if hidden else case.strokes,
            changed=self._changed and not self._signed,
        )

    @property
    def _signed(self) -> bool:
        case = self.context.case
        return SIGNATURE not in case.concealed and any(len(stroke) > 1 for stroke in case.strokes)

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.SIGN_STROKES if _possible(action.strokes):
                case = self.context.case
                case.strokes, case.signed_over = action.strokes, case.content
                self.context.case.concealed.discard(SIGNATURE)
                return NOTHING
            case Act.SUBMIT | Act.NEXT if self._signed:
                return FORWARD
            case Act.BACK:
                return BACKWARD
            case _:
                return NOTHING


def _possible(strokes: tuple[Stroke, ...]) -> bool:
    """Points inside the box, and not more than a hand draws."""
    if len(strokes) > MAX_STROKES or sum(len(stroke) for stroke in strokes) > MAX_POINTS:
        return False
    return all(
        math.isfinite(x) and math.isfinite(y) and 0 <= x <= 1 and 0 <= y <= 1
        for stroke in strokes
        for x, y in stroke
    )
