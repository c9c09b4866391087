"""Forms to be filled in at home, printed empty. Nobody need say who they are."""

from __future__ import annotations

from typing import ClassVar

from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import Count
from kiosk.flow.events import Event
from kiosk.flow.pages import BlankForm, BlankForms, Page, PrintState
from kiosk.flow.sheets import Sheets
from kiosk.flow.step import BACKWARD, NOTHING, Context, Finish, Outcome, Step


class Blanks(Step):
    kind: ClassVar[StepKind] = StepKind.BLANKS

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._chosen = ""
        self._printing = Sheets(context.session, f"form{self.scope.step}")

    @property
    def busy(self) -> bool:
        return self._printing.running

    def page(self) -> Page:
        context, item = self.context, self.context.item
        if self._printing.state is PrintState.DECLINED:
            forms = tuple(
                BlankForm(part.code, context.words(part.name), context.words(part.note), part.pages)
                for part in item.blanks
            )
            return BlankForms(context.words(item.name), forms)
        return self._printing.page(context.words(item.name), context.world)

    def situation(self) -> str:
        return f"{super().situation()}:{self._printing.state}"

    def act(self, action: Action) -> Outcome:
        state = self._printing.state
        match action.act:
            case Act.CHOOSE_BLANK if state is PrintState.DECLINED:
                self._chosen = action.argument
                return self._print()
            case Act.PRINT_AGAIN if not self.busy and state not in (
                PrintState.DECLINED,
                PrintState.PRINTED,
            ):
                return self._print()
            case Act.BACK if state is PrintState.DECLINED:
                return BACKWARD
            case Act.FINISH if not self.busy:
                return Outcome(move=Finish("done"))
            case _:
                return NOTHING

    def handle(self, event: Event) -> Outcome:
        printing, case = self._printing, self.context.case
        before = printing.state
        printing.handle(event, self.context.monotonic_s)
        case.sheets_out = case.sheets_out or printing.came
        if before is not PrintState.PRINTED and printing.state is PrintState.PRINTED:
            return Outcome((Count(self.context.item.code, printing.of, printing.of),))
        return NOTHING

    def tick(self) -> Outcome:
        self._printing.tick(self.context.monotonic_s)
        return NOTHING

    def _print(self) -> Outcome:
        item = self.context.item
        part = next((part for part in item.blanks if part.code == self._chosen), None)
        pdf = self.context.catalogue.blanks.get((item.code, self._chosen))
        if part is None or pdf is None:
            return NOTHING
        now_s = self.context.monotonic_s
        return Outcome(
            (self._printing.print(pdf, sheets=part.pages, copies=1, grey=False, now_s=now_s),)
        )
