"""One paper under the document camera: found, judged, taken by itself or by the button, kept."""

from __future__ import annotations

from typing import ClassVar

from drivers.device import DeviceClass
from kiosk.catalogue.model import CaptureStep, StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.case import TakenPage
from kiosk.flow.effects import CameraUse, StartCamera, StopCamera, TakePage
from kiosk.flow.effects import Effect as AnyEffect
from kiosk.flow.events import Event, PageNotTaken, PageTaken, PlateSeen
from kiosk.flow.pages import Advice, CapturePage, CheckPage, MaterialLine, Page
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Outcome, Step

TAKE_LIMIT_S = 15.0  # a full still with its mode switch takes 3 s; a dead camera none
LOOK_AGAIN_S = 2.0  # after a page went wrong: time to move the paper before it is taken again


class Capture(Step):
    kind: ClassVar[StepKind] = StepKind.CAPTURE
    bar: ClassVar[str] = "materials"
    is_entry: ClassVar[bool] = True

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        assert isinstance(part, CaptureStep)  # noqa: S101 - the loader says so
        self._material = context.item.material(part.material)
        self._seen: PlateSeen | None = None
        self._taking_until_s: float | None = None
        self._failed: Advice | None = None  # why the last still came to nothing
        self._automatic_from_s = context.monotonic_s
        self._must_leave = False  # the page that was refused still lies there
        self._taken: TakenPage | None = None

    @property
    def done(self) -> bool:
        return self._material.code in self.context.case.pages

    @property
    def busy(self) -> bool:
        return self._taking_until_s is not None

    def page(self) -> Page:
        context = self.context
        name = context.words(self._material.name)
        taken = self._taken
        if taken is not None:
            return CheckPage(
                material=name,
                image=taken.image if context.in_full else "",
                advice=taken.advice,
                kept_despite=taken.advice is not Advice.GOOD,
            )
        seen = self._seen
        return CapturePage(
            material=name,
            advice=self._advice(),
            corners=seen.corners if seen else (),
            trouble_area=seen.trouble_area if seen else (),
            lines=tuple(
                MaterialLine(
                    code=material.code,
                    name=context.words(material.name),
                    taken=material.code in context.case.pages,
                    current=material.code == self._material.code,
                )
                for material in context.item.materials
            ),
            taking=self.busy,
        )

    def enter(self) -> Outcome:
        self.context.camera_used = True
        return Outcome((StartCamera(self.scope, CameraUse.PAGE),))

    def leave(self) -> tuple[AnyEffect, ...]:
        return (StopCamera(),)

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.TAKE_PICTURE if self._taken is None and not self.busy:
                return self._take()
            case Act.KEEP_PAGE if self._taken is not None:
                self.context.case.pages[self._material.code] = self._taken
                return FORWARD
            case Act.RETAKE_PAGE if self._taken is not None:
                self._taken, self._seen, self._failed = None, None, None
                self._must_leave = True
                return NOTHING
            case Act.NEXT if self._taken is None and self.done and not self.busy:
                return FORWARD  # the page kept before is good enough after all
            case Act.BACK if not self.busy:
                return BACKWARD
            case _:
                return NOTHING

    def handle(self, event: Event) -> Outcome:
        match event:
            case PlateSeen():
                return self._look(event)
            case PageTaken() if self.busy:
                self._taking_until_s = None
                self._taken = TakenPage(
                    event.image, event.advice, event.width_px, event.height_px, event.jpeg
                )
            case PageNotTaken(advice=advice) if self.busy:
                self._not_taken(advice)
            case _:
                pass
        return NOTHING

    def tick(self) -> Outcome:
        if self._taking_until_s is not None and self.context.monotonic_s >= self._taking_until_s:
            self._not_taken(Advice.CAMERA_LOST)
        return NOTHING

    def _look(self, seen: PlateSeen) -> Outcome:
        if self._taken is not None:
            return NOTHING
        self._seen = seen
        if not seen.paper or seen.advice is Advice.NO_PAGE:
            self._must_leave = False
        if not seen.paper or (seen.steady and self.context.monotonic_s >= self._automatic_from_s):
            self._failed = None
        automatic = (
            seen.advice is Advice.GOOD
            and seen.steady
            and not self.busy
            and not self._must_leave
            and self.context.monotonic_s >= self._automatic_from_s
        )
        return self._take() if automatic else NOTHING

    def _take(self) -> Outcome:
        self._failed = None
        self._taking_until_s = self.context.monotonic_s + TAKE_LIMIT_S
        return Outcome((TakePage(self.scope),))

    def _not_taken(self, advice: Advice) -> None:
        self._taking_until_s = None
        self._failed = advice
        self._automatic_from_s = self.context.monotonic_s + LOOK_AGAIN_S

    def _advice(self) -> Advice:
        if not self.context.world.may_work(DeviceClass.DOCUMENT_CAMERA):
            return Advice.CAMERA_LOST
        if self._failed is not None:
            return self._failed
        return self._seen.advice if self._seen else Advice.CAMERA_STARTING
