"""Papers of no application, laid under the camera one after the other: for a copy, or for a phone.

Nothing is read on them and nothing compared with anybody; only that a page was taken twice is told.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.device import DeviceClass
from kiosk.catalogue.model import PapersStep, StepKind, StepPart
from kiosk.documents.reading.extract import same_page
from kiosk.flow.actions import Act, Action
from kiosk.flow.capture import LOOK_AGAIN_S, TAKE_LIMIT_S
from kiosk.flow.case import TakenPage
from kiosk.flow.effects import CameraUse, Effect, StartCamera, StopCamera, TakePage
from kiosk.flow.events import Event, PageNotTaken, PageTaken, PlateSeen
from kiosk.flow.pages import (
    Advice,
    CardSide,
    CheckPage,
    ChoosePapers,
    Doubt,
    LayPapers,
    Page,
    PapersFor,
    Words,
)
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Outcome, Step

CARD, OTHER = "card", "other"
CARD_SIDES = (CardSide.FRONT, CardSide.BACK)
PAGE_BYTES = 700 << 10  # of A4 at 200 dots an inch; ten of them are what a phone loads in a moment
_PAPERS = {
    CardSide.NONE: "",
    CardSide.FRONT: "id_card_front",
    CardSide.BACK: "id_card_back",
}


class Papers(Step):
    kind: ClassVar[StepKind] = StepKind.PAPERS

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        assert isinstance(part, PapersStep)  # noqa: S101 - the loader says so
        self._most = part.most
        self._laying = bool(context.case.loose)  # back from what is done with them
        self._seen: PlateSeen | None = None
        self._taking_until_s: float | None = None
        self._failed: Advice | None = None
        self._automatic_from_s = context.monotonic_s
        self._taken: TakenPage | None = None

    @property
    def busy(self) -> bool:
        return self._taking_until_s is not None

    @property
    def use(self) -> PapersFor:
        kinds = {step.kind for step in self.context.item.steps}
        return PapersFor.COPY if StepKind.COPY in kinds else PapersFor.PHONE

    @property
    def _side(self) -> CardSide:
        case = self.context.case
        if not case.is_card:
            return CardSide.NONE
        return CARD_SIDES[min(len(case.loose), len(CARD_SIDES) - 1)]

    @property
    def _full(self) -> bool:
        case = self.context.case
        return len(case.loose) >= (len(CARD_SIDES) if case.is_card else self._most)

    def page(self) -> Page:
        context, seen, taken = self.context, self._seen, self._taken
        if not self._laying:
            return ChoosePapers(context.words(context.item.name), self.use)
        if taken is not None:
            doubt = self._doubt(taken)
            return CheckPage(
                material=_name(self._side, len(context.case.loose) + 1),
                image=taken.image,
                advice=taken.advice,
                kept_despite=taken.advice is not Advice.GOOD or doubt is not None,
                doubt=doubt,
                trouble_area=taken.trouble_area,
            )
        return LayPapers(
            side=self._side,
            advice=self._advice(),
            corners=seen.corners if seen else (),
            trouble_area=seen.trouble_area if seen else (),
            images=tuple(page.image for page in context.case.loose),
            most=self._most,
            taking=self.busy,
            taken=seen.taken if seen else (),
        )

    def situation(self) -> str:
        doubt = self._doubt(self._taken) if self._taken is not None else None
        return f"{super().situation()}:{len(self.context.case.loose)}:{doubt or ''}"

    def enter(self) -> Outcome:
        return Outcome((self._start(),)) if self._laying else NOTHING

    def leave(self) -> tuple[Effect, ...]:
        return (StopCamera(),)

    def act(self, action: Action) -> Outcome:
        case = self.context.case
        match action.act:
            case Act.CHOOSE_PAPERS if not self._laying and action.argument in (CARD, OTHER):
                case.is_card, case.loose = action.argument == CARD, ()
                self._laying = True
                return Outcome((self._start(),))
            case Act.BACK if not self._laying:
                return BACKWARD
            case Act.BACK if self._taken is None and not self.busy:
                case.loose = ()
                self._laying, self._seen = False, None
                return Outcome((StopCamera(),))
            case Act.TAKE_PICTURE if self._may_take and not self._full:
                return self._take(anyway=True)
            case Act.KEEP_PAGE if self._taken is not None:
                return self._keep(self._taken)
            case Act.RETAKE_PAGE if self._taken is not None:
                self._next_look()
                return NOTHING
            case Act.REMOVE_PAGE if self._may_take and case.loose:
                case.loose = case.loose[:-1]
                return Outcome((self._start(),))
            case Act.NEXT if self._may_take and case.loose:
                return FORWARD
            case _:
                return NOTHING

    @property
    def _may_take(self) -> bool:
        return self._laying and self._taken is None and not self.busy

    def handle(self, event: Event) -> Outcome:
        match event:
            case PlateSeen() if self._taken is None:
                return self._look(event)
            case PageTaken() if self._taking_until_s is not None:
                self._taking_until_s = None
                self._taken = TakenPage(
                    event.image,
                    event.advice,
                    event.width_px,
                    event.height_px,
                    event.jpeg,
                    event.trouble_area,
                    event.fingerprint,
                )
            case PageNotTaken(advice=advice) if self._taking_until_s is not None:
                self._not_taken(advice)
            case _:
                pass
        return NOTHING

    def tick(self) -> Outcome:
        until_s = self._taking_until_s
        if until_s is not None and self.context.monotonic_s >= until_s:
            self._not_taken(Advice.CAMERA_LOST)
        return NOTHING

    # -- the plate ------------------------------------------------------------

    def _start(self) -> StartCamera:
        self.context.camera_used = True
        return StartCamera(self.scope, CameraUse.PAGE, _PAPERS[self._side])

    def _look(self, seen: PlateSeen) -> Outcome:
        self._seen = seen
        due = self.context.monotonic_s >= self._automatic_from_s
        if not seen.paper or (seen.steady and due):
            self._failed = None
        if seen.advice is Advice.GOOD and seen.steady and due and self._may_take and not self._full:
            return self._take(anyway=False)
        return NOTHING

    def _take(self, *, anyway: bool) -> Outcome:
        self._failed = None
        self._taking_until_s = self.context.monotonic_s + TAKE_LIMIT_S
        paper = _PAPERS[self._side]
        take = TakePage(self.scope, paper, anyway=anyway, most_bytes=PAGE_BYTES, read=False)
        return Outcome((take,))

    def _not_taken(self, advice: Advice) -> None:
        self._taking_until_s = None
        self._failed = advice
        self._automatic_from_s = self.context.monotonic_s + LOOK_AGAIN_S

    def _next_look(self) -> None:
        self._taken, self._seen, self._failed = None, None, None

    def _advice(self) -> Advice:
        if not self.context.world.may_work(DeviceClass.DOCUMENT_CAMERA):
            return Advice.CAMERA_LOST
        if self._failed is not None:
            return self._failed
        return self._seen.advice if self._seen else Advice.CAMERA_STARTING

    # -- keeping --------------------------------------------------------------

    def _keep(self, taken: TakenPage) -> Outcome:
        case = self.context.case
        case.loose = (*case.loose, taken)
        self._next_look()
        if self._full:
            return FORWARD
        return Outcome((self._start(),))  # the other side may be asked for now

    def _doubt(self, taken: TakenPage) -> Doubt | None:
        for other in self.context.case.loose:
            if same_page((taken.fingerprint, ()), (other.fingerprint, ())):
                return Doubt.TAKEN_TWICE
        return None


def _name(side: CardSide, number: int) -> Words:
    match side:
        case CardSide.FRONT:
            return Words((("zh", "身份证人像面"), ("en", "ID card, side with the portrait")))
        case CardSide.BACK:
            return Words((("zh", "身份证国徽面"), ("en", "ID card, side with the emblem")))
        case CardSide.NONE:
            return Words((("zh", f"第{number}页"), ("en", f"page {number}")))
