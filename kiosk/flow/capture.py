"""The pages of one material under the document camera, one after the other.

Each is found, judged and taken by itself or by the button; then it is shown, and compared with
what is known: the ID card on the reader, the pages taken before. A doubt is said before the page is
kept; who keeps it all the same is believed, and the application says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from drivers.device import DeviceClass
from kiosk.catalogue.model import CaptureStep, PaperSheet, StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.case import Case, TakenPage, wanted
from kiosk.flow.comparing import doubt_of
from kiosk.flow.effects import CameraUse, StartCamera, StopCamera, TakePage
from kiosk.flow.effects import Effect as AnyEffect
from kiosk.flow.events import Event, PageNotTaken, PageRead, PageTaken, PlateSeen
from kiosk.flow.pages import Advice, CapturePage, CheckPage, Doubt, GoOn, MaterialLine, Page, Visit
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Outcome, Step

TAKE_LIMIT_S = 15.0  # a full still with its mode switch takes 3 s; a dead camera none
LOOK_AGAIN_S = 2.0  # after a page went wrong: time to move the paper before it is taken again
READ_LIMIT_S = 8.0  # read in 2 s while it is looked at; nobody waits longer to be compared
PAGE_OVERHEAD_BYTES = 4096  # colour profile and frame of a page in its document


class Capture(Step):
    kind: ClassVar[StepKind] = StepKind.CAPTURE
    bar: ClassVar[str] = "materials"
    is_entry: ClassVar[bool] = True
    visits: ClassVar[frozenset[Visit]] = frozenset({Visit.APPLY, Visit.HAND_IN})

    @classmethod
    def has_part(cls, case: Case, part: StepPart) -> bool:
        """Of what is handed in later, only what is asked for."""
        asked = case.supplement is None or (
            isinstance(part, CaptureStep) and part.material in case.supplement.codes
        )
        return asked and super().has_part(case, part)

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        assert isinstance(part, CaptureStep)  # noqa: S101 - the loader says so
        self._material = context.item.material(part.material)
        self._kept: list[TakenPage] = []  # of this material, since the step was entered
        self._seen: PlateSeen | None = None
        self._taking_until_s: float | None = None
        self._failed: Advice | None = None  # why the last still came to nothing
        self._automatic_from_s = context.monotonic_s
        self._taken: TakenPage | None = None
        self._keep_by_s: float | None = None  # it is kept as soon as it was compared

    @property
    def done(self) -> bool:
        return len(self.context.case.pages.get(self._material.code, ())) == len(self._sheets)

    @property
    def busy(self) -> bool:
        return self._taking_until_s is not None or self._keep_by_s is not None

    @property
    def _sheets(self) -> tuple[PaperSheet, ...]:
        return self._material.pages

    @property
    def _sheet(self) -> PaperSheet:
        return self._sheets[min(len(self._kept), len(self._sheets) - 1)]

    def page(self) -> Page:
        context = self.context
        name = context.words(self._sheet.name)
        taken = self._taken
        if taken is not None:
            doubt = self._doubt(taken)
            return CheckPage(
                material=name,
                image=taken.image if context.in_full else "",
                advice=taken.advice,
                kept_despite=taken.advice is not Advice.GOOD or doubt is not None,
                doubt=doubt,
                trouble_area=taken.trouble_area,
                comparing=self._keep_by_s is not None,
            )
        seen = self._seen
        return CapturePage(
            material=name,
            advice=self._advice(),
            corners=seen.corners if seen else (),
            trouble_area=seen.trouble_area if seen else (),
            lines=self._lines(),
            taking=self._taking_until_s is not None,
            go_on=self._go_on,
            taken=seen.taken if seen else (),
        )

    def situation(self) -> str:
        """The next page of a booklet is another page to the person too; so is a doubt."""
        doubt = self._doubt(self._taken) if self._taken is not None else None
        return f"{super().situation()}:{len(self._kept)}:{doubt or ''}"

    def _lines(self) -> tuple[MaterialLine, ...]:
        context = self.context
        lines = []
        for material in wanted(context.item, context.case):
            here = material.code == self._material.code
            before = context.case.pages.get(material.code, ())
            there = max(len(self._kept), len(before)) if here else len(before)
            for place, sheet in enumerate(material.pages):
                lines.append(
                    MaterialLine(
                        code=f"{material.code}.{place + 1}" if material.sheets else material.code,
                        name=context.words(sheet.name),
                        taken=place < there,
                        current=here and place == len(self._kept),
                    )
                )
        return tuple(lines)

    @property
    def _go_on(self) -> GoOn:
        if self._kept:
            return GoOn.NO  # half of it is worth nothing
        if self.done:
            return GoOn.KEPT
        supplement = self.context.case.supplement
        if supplement is None:
            return GoOn.NO if self._material.required else GoOn.LATER
        # Who brought only one of them may pass by the others, not all of them.
        others = any(self.context.case.pages.get(code) for code in supplement.codes)
        last = supplement.codes[-1] == self._material.code
        return GoOn.NO if last and not others else GoOn.WITHOUT

    def enter(self) -> Outcome:
        self.context.camera_used = True
        return Outcome((self._start(),))

    def _start(self) -> StartCamera:
        return StartCamera(self.scope, CameraUse.PAGE, self._sheet.paper)

    def leave(self) -> tuple[AnyEffect, ...]:
        return (StopCamera(),)

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.TAKE_PICTURE if self._taken is None and not self.busy:
                return self._take(anyway=True)
            case Act.KEEP_PAGE if self._taken is not None and not self.busy:
                return self._keep(self._taken)
            case Act.RETAKE_PAGE if self._taken is not None:
                self._next_look()
                return NOTHING
            case Act.NEXT if self._taken is None and not self.busy and self._go_on is not GoOn.NO:
                return FORWARD
            case Act.BACK if self._taking_until_s is None:
                return BACKWARD
            case _:
                return NOTHING

    def handle(self, event: Event) -> Outcome:
        match event:
            case PlateSeen():
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
                    event.to_be_read,
                )
            case PageNotTaken(advice=advice) if self._taking_until_s is not None:
                self._not_taken(advice)
            case PageRead() if self._taken is not None and self._keep_by_s is not None:
                if event.image == self._taken.image:
                    return self._compared(self._taken)
            case _:
                pass
        return NOTHING

    def tick(self) -> Outcome:
        now_s = self.context.monotonic_s
        if self._taking_until_s is not None and now_s >= self._taking_until_s:
            self._not_taken(Advice.CAMERA_LOST)
        if self._taken is not None and self._keep_by_s is not None and now_s >= self._keep_by_s:
            return self._compared(self._taken)
        return NOTHING

    # -- the live plate -----------------------------------------------------------

    def _look(self, seen: PlateSeen) -> Outcome:
        if self._taken is not None:
            return NOTHING
        self._seen = seen
        if not seen.paper or (seen.steady and self.context.monotonic_s >= self._automatic_from_s):
            self._failed = None
        automatic = (
            seen.advice is Advice.GOOD
            and seen.steady
            and not self.busy
            and self.context.monotonic_s >= self._automatic_from_s
        )
        return self._take(anyway=False) if automatic else NOTHING

    def _take(self, *, anyway: bool) -> Outcome:
        self._failed = None
        self._taking_until_s = self.context.monotonic_s + TAKE_LIMIT_S
        material = self._material
        most_bytes = (material.most_kb << 10) // len(self._sheets) - PAGE_OVERHEAD_BYTES
        sheet = self._sheet
        return Outcome((TakePage(self.scope, sheet.paper, material.tone, anyway, most_bytes),))

    def _not_taken(self, advice: Advice) -> None:
        self._taking_until_s = None
        self._failed = advice
        self._automatic_from_s = self.context.monotonic_s + LOOK_AGAIN_S

    def _next_look(self) -> None:
        """The page that lies there was dealt with; what sees the plate knows it by that (`TAKEN`)."""
        self._taken, self._seen, self._failed = None, None, None
        self._keep_by_s = None

    def _advice(self) -> Advice:
        if not self.context.world.may_work(DeviceClass.DOCUMENT_CAMERA):
            return Advice.CAMERA_LOST
        if self._failed is not None:
            return self._failed
        return self._seen.advice if self._seen else Advice.CAMERA_STARTING

    # -- keeping ------------------------------------------------------------------

    def _keep(self, taken: TakenPage) -> Outcome:
        unread = taken.to_be_read and self.context.case.reading(taken) is None
        if unread and self._doubt(taken) is None:
            self._keep_by_s = self.context.monotonic_s + READ_LIMIT_S
            return NOTHING
        return self._kept_now(taken)

    def _compared(self, taken: TakenPage) -> Outcome:
        """Kept if nothing speaks against it; else the doubt is said, and the button asks again."""
        self._keep_by_s = None
        return NOTHING if self._doubt(taken) is not None else self._kept_now(taken)

    def _kept_now(self, taken: TakenPage) -> Outcome:
        self._kept.append(replace(taken, doubt=self._doubt(taken)))
        if len(self._kept) == len(self._sheets):
            self.context.case.pages[self._material.code] = tuple(self._kept)
            return FORWARD
        self._next_look()
        return Outcome((self._start(),))  # another paper may be asked for now

    def _doubt(self, taken: TakenPage) -> Doubt | None:
        case = self.context.case
        others = [
            page
            for code, pages in case.pages.items()
            if code != self._material.code
            for page in pages
        ]
        return doubt_of(case, self._material, taken, (*others, *self._kept))
