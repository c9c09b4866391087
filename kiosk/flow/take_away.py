"""Take your card, papers and receipt: shown until reader and plate are empty.

By now everything of the person is wiped; the page knows only what lies where. Something left
behind is told to the staff, and the terminal goes back to the start all the same.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.device import DeviceClass
from drivers.voice.values import Tone
from kiosk.catalogue.model import StepKind
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import (
    Beep,
    CameraUse,
    Effect,
    StartCamera,
    StopCamera,
    StopWatchingForCard,
    StopWatchingSocialCard,
    TellStaff,
)
from kiosk.flow.events import Event, PlateSeen
from kiosk.flow.pages import Page
from kiosk.flow.pages import TakeAway as TakeAwayPage
from kiosk.flow.step import NOTHING, Context, Finish, Outcome, Step

BEEP_EVERY_S = 3.0  # often enough to follow somebody to the door, seldom enough to think
LEFT_BEHIND_S = 60.0  # by then nobody is within hearing
THANKS_S = 6.0  # to read two lines and take the receipt
UNKNOWN_S = 15.0  # nobody can say whether something lies there: a fair time to look oneself
PLATE_EMPTY_S = 1.0  # a hand over the plate hides the paper for a moment


class TakeAway(Step):
    kind: ClassVar[StepKind] = StepKind.TAKE_AWAY

    def __init__(
        self,
        context: Context,
        *,
        camera_used: bool,
        receipt: bool,
        thanks: bool,
        rated: bool,
        sheets: bool = False,
    ) -> None:
        super().__init__(context, None)
        self._plate_used = camera_used
        self._receipt = receipt
        self._sheets = sheets
        self._stays = receipt or thanks or sheets
        self._rated = rated
        self._paper: bool | None = None if camera_used else False
        self._plate_empty_since_s: float | None = None
        self._since_s = context.monotonic_s
        self._beep_at_s = context.monotonic_s

    @property
    def counts_down(self) -> bool:
        return True

    @property
    def _card(self) -> bool | None:
        reader = self.context.reader
        if not reader.watched:
            return False
        return None if reader.lost else reader.present

    @property
    def _plate_paper(self) -> bool | None:
        if not self._plate_used:
            return False
        if not self.context.world.may_work(DeviceClass.DOCUMENT_CAMERA):
            return None
        return self._paper

    @property
    def _social_card(self) -> bool | None:
        slot = self.context.slot
        if not slot.watched:
            return False
        return None if slot.lost else slot.present

    def page(self) -> Page:
        return TakeAwayPage(
            self._card,
            self._plate_paper,
            self._receipt,
            self._rated,
            self._sheets,
            social_card=self._social_card,
            reader_used=self.context.reader.watched,
            plate_used=self._plate_used,
        )

    def enter(self) -> Outcome:
        effects: tuple[Effect, ...] = ()
        if self._plate_used:
            effects = (StartCamera(self.scope, CameraUse.PLATE),)
        now = self.tick()
        return Outcome(effects + now.effects, now.move)

    def leave(self) -> tuple[Effect, ...]:
        stop_camera = (StopCamera(),) if self._plate_used else ()
        stop_reader = (StopWatchingForCard(),) if self.context.reader.watched else ()
        stop_slot = (StopWatchingSocialCard(),) if self.context.slot.watched else ()
        return (*stop_camera, *stop_reader, *stop_slot)

    def act(self, action: Action) -> Outcome:
        """Somebody who says that they have everything is believed only where nobody can see."""
        if action.act is Act.FINISH and not self._something_there:
            return Outcome(move=Finish("taken"))
        return NOTHING

    def handle(self, event: Event) -> Outcome:
        if isinstance(event, PlateSeen):
            self._see_plate(paper=event.paper)
        return self.tick()

    def tick(self) -> Outcome:
        now_s = self.context.monotonic_s
        waited_s = now_s - self._since_s
        if self._something_there:
            if waited_s >= LEFT_BEHIND_S:
                where = [
                    name
                    for name, there in (
                        ("reader", self._card),
                        ("plate", self._plate_paper),
                        ("card_slot", self._social_card),
                    )
                    if there
                ]
                return Outcome((TellStaff("left_behind", ",".join(where)),), Finish("left_behind"))
            if now_s >= self._beep_at_s:
                self._beep_at_s = now_s + BEEP_EVERY_S
                return Outcome((Beep(Tone.TAKE_YOUR_THINGS),))
            return NOTHING
        unknown = None in (self._card, self._plate_paper, self._social_card)
        enough_s = UNKNOWN_S if unknown else THANKS_S if self._stays else 0.0
        return Outcome(move=Finish("taken")) if waited_s >= enough_s else NOTHING

    @property
    def _something_there(self) -> bool:
        return True in (self._card, self._plate_paper, self._social_card)

    def _see_plate(self, *, paper: bool) -> None:
        now_s = self.context.monotonic_s
        if paper:
            self._plate_empty_since_s = None
            self._paper = True
            return
        if self._plate_empty_since_s is None:
            self._plate_empty_since_s = now_s
        if self._paper is None or now_s - self._plate_empty_since_s >= PLATE_EMPTY_S:
            self._paper = False
