"""Copies of the papers that were laid down: how many, colour or grey, printed, and nothing kept."""

from __future__ import annotations

from typing import ClassVar

from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import Count, MakeDocuments
from kiosk.flow.events import DocumentsFailed, DocumentsMade, Event
from kiosk.flow.pages import CopyChoice, Page, PrintState, SheetsPrinting
from kiosk.flow.sheets import Sheets
from kiosk.flow.step import BACKWARD, NOTHING, Context, Finish, Outcome, Step
from kiosk.flow.submit import DOCUMENTS_LIMIT_S

GREY, COLOUR = "grey", "colour"


class Copy(Step):
    kind: ClassVar[StepKind] = StepKind.COPY
    stops_backward = False

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._pdf = b""
        self._sheets = 0
        self._failed = False  # the pages could not be put together
        self._made_by_s = 0.0
        self._copies = 1
        self._grey = not context.settings.page_printer.colour
        self._printing = Sheets(context.session, f"copy{self.scope.step}")

    @property
    def busy(self) -> bool:
        return self._making or self._printing.running

    @property
    def _making(self) -> bool:
        return not self._pdf and not self._failed

    def page(self) -> Page:
        context, printing = self.context, self._printing
        name = context.words(context.item.name)
        if self._making or self._failed:
            state = PrintState.UNAVAILABLE if self._failed else PrintState.PRINTING
            return SheetsPrinting(name, state, 0, 0, making=True)
        if printing.state is PrintState.DECLINED:
            settings = context.settings
            return CopyChoice(
                images=tuple(page.image for page in context.case.loose),
                sheets=self._sheets,
                copies=self._copies,
                most=settings.rules.copies_most,
                grey=self._grey,
                may_colour=settings.page_printer.colour,
            )
        return printing.page(name, context.world)

    def situation(self) -> str:
        """A page that fills while sheets come is one page."""
        return f"{super().situation()}:{self._making}:{self._printing.state}"

    def enter(self) -> Outcome:
        self._made_by_s = self.context.monotonic_s + DOCUMENTS_LIMIT_S
        pages = tuple(page.jpeg for page in self.context.case.loose)
        return Outcome((MakeDocuments(self.scope, pages, ()),))

    def act(self, action: Action) -> Outcome:
        printing = self._printing
        chosen = printing.state is not PrintState.DECLINED
        match action.act:
            case Act.SET_COPIES if not chosen and action.argument.isdecimal():
                most = self.context.settings.rules.copies_most
                self._copies = min(max(1, int(action.argument[:2])), most)
            case Act.SET_GREY if not chosen and self.context.settings.page_printer.colour:
                self._grey = action.argument == GREY
            case Act.NEXT if not chosen and self._pdf:
                return self._print()
            case Act.PRINT_AGAIN if (
                self._pdf
                and chosen
                and not printing.running
                and printing.state is not PrintState.PRINTED
            ):
                return self._print()
            case Act.PRINT_AGAIN if self._failed:
                self._failed = False
                self.scope = self.context.next_scope()
                return self.enter()
            case Act.BACK if not chosen and not self._making:
                return BACKWARD
            case Act.FINISH if chosen and not printing.running:
                return Outcome(move=Finish("done"))
            case Act.FINISH if self._failed:
                return Outcome(move=Finish("done"))
            case _:
                pass
        return NOTHING

    def handle(self, event: Event) -> Outcome:
        match event:
            case DocumentsMade(pdf=pdf, sheets=sheets) if self._making and pdf:
                self._pdf, self._sheets = pdf, max(1, sheets)
            case DocumentsFailed() if self._making:
                self._failed = True
            case _:
                return self._follow(event)
        return NOTHING

    def tick(self) -> Outcome:
        if self._making and self.context.monotonic_s >= self._made_by_s:
            self._failed = True
        self._printing.tick(self.context.monotonic_s)
        return NOTHING

    def _print(self) -> Outcome:
        now_s = self.context.monotonic_s
        effect = self._printing.print(
            self._pdf, sheets=self._sheets, copies=self._copies, grey=self._grey, now_s=now_s
        )
        return Outcome((effect,))

    def _follow(self, event: Event) -> Outcome:
        printing, case = self._printing, self.context.case
        before = printing.state
        printing.handle(event, self.context.monotonic_s)
        case.sheets_out = case.sheets_out or printing.came
        if before is not PrintState.PRINTED and printing.state is PrintState.PRINTED:
            return Outcome((Count(self.context.item.code, len(case.loose), printing.of),))
        return NOTHING
