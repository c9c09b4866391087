"""Accepted: the number, the receipt, and where the application is now.

The receipt is printed after the commit and says what is true when it is printed; with the line up
it waits a moment for the centre's answer. Who goes on to rate while it prints comes back here when
paper is still coming or did not come. The same for papers that were handed in later, and for the
receipt of an application of before that is printed again.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from drivers.device import DeviceClass
from drivers.receipt_printer.values import Line
from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.case import SealedCase, phone_masked, wanted
from kiosk.flow.earlier import lacking, last_day
from kiosk.flow.events import Event
from kiosk.flow.pages import Accepted, Delivery, Page, PrintState, ProgressKind, Visit, Words
from kiosk.flow.printing import ReceiptPrinting
from kiosk.flow.rate import Rate
from kiosk.flow.step import (
    BACKWARD,
    EVERY_VISIT,
    NOTHING,
    Context,
    Finish,
    Forward,
    Outcome,
    Step,
)
from kiosk.identity import masking
from kiosk.receipts.receipt import PapersReceipt, Receipt, lines, papers_lines


class Accept(Step):
    kind: ClassVar[StepKind] = StepKind.ACCEPT
    bar: ClassVar[str] = "submit"
    visits: ClassVar[frozenset[Visit]] = EVERY_VISIT

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        case = context.case
        assert case.sealed is not None  # noqa: S101 - reached only from a seal
        self._sealed: SealedCase = case.sealed
        self._again = case.printing is not None  # back from the rating because of the paper
        self._printing = case.printing or self._new_printing()
        case.printing = self._printing
        self._finishing = False  # over as soon as the paper is out

    def _new_printing(self) -> ReceiptPrinting:
        case, number = self.context.case, self._sealed.number
        reprint = case.visit is Visit.REPRINT
        waits = case.earlier is not None and case.earlier.state is ProgressKind.WAITING_HERE
        return ReceiptPrinting(
            number,
            self._papers_lines if case.visit is Visit.HAND_IN else self._lines,
            job=f"{number}-{self.scope.session}-{self.scope.step}",
            papers=case.visit is Visit.HAND_IN,
            hears=case.supplement is None or not case.supplement.follows,
            copy=reprint,
            delivered=reprint and not waits,
        )

    @property
    def busy(self) -> bool:
        return self._printing.running

    def page(self) -> Page:
        item, words = self.context.item, self.context.words
        return Accepted(
            item_name=words(item.name),
            number=self._sealed.number,
            qr_text=self._sealed.qr_text,
            accepted_at=self._sealed.accepted_at,
            delivery=self._delivery,
            print_state=self._printing.state,
            department=words(item.department),
            days=item.days,
            phone_masked=self._phone,
            may_rate=self._may_rate,
            finishing=self._finishing,
            printer_back=self.context.world.status(DeviceClass.RECEIPT_PRINTER).usable,
            visit=self.context.case.visit,
            may_print_again=self._card_there,
            to_follow=self._to_follow,
            follow_by=self._follow_by,
        )

    def situation(self) -> str:
        """Paper that does not come is another page; paper that comes is not."""
        state = self._printing.state
        as_hoped = state in (PrintState.PRINTING, PrintState.PRINTED, PrintState.DECLINED)
        return f"{super().situation()}:{'' if as_hoped else state}"

    @property
    def _card_there(self) -> bool:
        """A copy is for who was identified, as long as they are there."""
        return not self.context.case.reprint or self.context.in_full

    @property
    def _may_rate(self) -> bool:
        has_rating = any(
            step.kind is StepKind.RATE and Rate.has_part(self.context.case, step)
            for step in self.context.item.steps
        )
        return has_rating and not self._again

    @property
    def _delivery(self) -> Delivery:
        if self._printing.delivered:
            return Delivery.DELIVERED
        return Delivery.SENDING if self.context.world.online else Delivery.WAITING

    @property
    def _phone(self) -> str:
        return phone_masked(self.context.item, self.context.case)

    @property
    def _to_follow(self) -> tuple[Words, ...]:
        """The papers that are still to be handed in."""
        item, case = self.context.item, self.context.case
        if case.supplement is not None:
            codes = case.supplement.lacks
        elif case.reprint and case.earlier is not None:
            return self._names(lacking(item, case.earlier))
        else:
            codes = tuple(material.code for material in item.materials)
        return self._names(tuple(code for code in codes if not case.pages.get(code)))

    @property
    def _follow_by(self) -> date | None:
        item, supplement = self.context.item, self.context.case.supplement
        if item.earlier is None:
            return None
        day = supplement.until if supplement else last_day(item, self._sealed.accepted_at)
        # What the office asks for may be handed in after that too.
        return day if day >= self.context.today else None

    def _names(self, codes: tuple[str, ...]) -> tuple[Words, ...]:
        item = self.context.item
        return tuple(self.context.words(m.name) for m in item.materials if m.code in codes)

    def enter(self) -> Outcome:
        if self._again:
            return NOTHING
        context = self.context
        return Outcome(self._printing.begin(context.world, context.now, context.monotonic_s))

    def act(self, action: Action) -> Outcome:
        context, printing = self.context, self._printing
        match action.act:
            case Act.PRINT_AGAIN if not printing.running and self._card_there:
                now, now_s = context.now, context.monotonic_s
                return Outcome(printing.print(context.world, now, now_s, pressed=True))
            case Act.WITHOUT_PAPER if not printing.running:
                if printing.state is PrintState.PRINTED:
                    return NOTHING
                return Outcome(printing.decline(context.now))
            case Act.BACK if self.context.case.reprint and not printing.running:
                return BACKWARD
            case Act.NEXT if self._may_rate:
                return Outcome(move=Forward())
            case Act.NEXT | Act.SKIP_RATING | Act.FINISH:
                self._finishing = True
                return self._finish_if_settled()
            case _:
                return NOTHING

    def handle(self, event: Event) -> Outcome:
        return self._look_at_paper()

    def tick(self) -> Outcome:
        return self._look_at_paper()

    def _look_at_paper(self) -> Outcome:
        """The navigator follows the printing; here its outcome is seen by the citizen."""
        printing = self._printing
        if printing.running:
            return NOTHING
        failed = printing.state not in (PrintState.PRINTED, PrintState.DECLINED)
        if failed and not printing.told:
            self._finishing = False  # paper did not come: that is told before it is over
        printing.told = True
        return self._finish_if_settled()

    def _finish_if_settled(self) -> Outcome:
        done = self._finishing and not self._printing.running
        return Outcome(move=Finish("done")) if done else NOTHING

    # -- the paper ------------------------------------------------------------

    def _lines(self, delivered: bool, reprint: bool) -> tuple[Line, ...]:
        context, item = self.context, self.context.item
        terminal, earlier = context.settings.terminal, context.case.earlier
        receipt = Receipt(
            centre=Words((("zh", terminal.centre_zh), ("en", terminal.centre_en))),
            terminal=terminal.code,
            item=context.words(item.name),
            number=self._sealed.number,
            qr_text=self._sealed.qr_text,
            name_masked=self._name,
            phone_masked=self._phone,
            accepted_at=self._sealed.accepted_at,
            delivered=delivered,
            department=context.words(item.department),
            days=item.days,
            help_phone=terminal.help_phone,
            reprint=reprint,
            kept=earlier.receipt if context.case.reprint and earlier is not None else (),
            to_follow=self._to_follow,
            follow_by=self._follow_by,
        )
        return lines(receipt, context.preferences.language)

    def _papers_lines(self, delivered: bool, reprint: bool) -> tuple[Line, ...]:
        context, item, case = self.context, self.context.item, self.context.case
        terminal = context.settings.terminal
        taken = tuple(
            material.code for material in wanted(item, case) if case.pages.get(material.code)
        )
        receipt = PapersReceipt(
            centre=Words((("zh", terminal.centre_zh), ("en", terminal.centre_en))),
            terminal=terminal.code,
            item=context.words(item.name),
            number=self._sealed.number,
            qr_text=self._sealed.qr_text,
            name_masked=self._name,
            papers=self._names(taken),
            handed_in_at=self._sealed.accepted_at,
            delivered=delivered,
            help_phone=terminal.help_phone,
            reprint=reprint,
            to_follow=self._to_follow,
            follow_by=self._follow_by,
        )
        return papers_lines(receipt, context.preferences.language)

    @property
    def _name(self) -> str:
        applicant = self.context.case.applicant
        return masking.name((applicant.name or applicant.english_name) if applicant else "")
