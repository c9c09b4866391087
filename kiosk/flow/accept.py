"""Accepted: the number, the receipt, and where the application is now.

The receipt is printed after the commit and says what is true when it is printed; with the line up
it waits a moment for the centre's answer. Who goes on to rate while it prints comes back here when
paper is still coming or did not come.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.device import DeviceClass
from drivers.receipt_printer.values import Line
from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.case import SealedCase
from kiosk.flow.events import Event
from kiosk.flow.pages import Accepted, Delivery, FieldKind, Page, PrintState, Words
from kiosk.flow.printing import ReceiptPrinting
from kiosk.flow.step import NOTHING, Context, Finish, Forward, Outcome, Step
from kiosk.identity import masking
from kiosk.receipts.receipt import Receipt, lines


class Accept(Step):
    kind: ClassVar[StepKind] = StepKind.ACCEPT
    bar: ClassVar[str] = "submit"

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        case = context.case
        assert case.sealed is not None  # noqa: S101 - reached only from a seal
        self._sealed: SealedCase = case.sealed
        self._again = case.printing is not None  # back from the rating because of the paper
        self._printing = case.printing or ReceiptPrinting(self._sealed.number, self._lines)
        case.printing = self._printing
        self._finishing = False  # over as soon as the paper is out

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
        )

    def situation(self) -> str:
        """Paper that does not come is another page; paper that comes is not."""
        state = self._printing.state
        as_hoped = state in (PrintState.PRINTING, PrintState.PRINTED, PrintState.DECLINED)
        return f"{super().situation()}:{'' if as_hoped else state}"

    @property
    def _may_rate(self) -> bool:
        has_rating = any(step.kind is StepKind.RATE for step in self.context.item.steps)
        return has_rating and not self._again

    @property
    def _delivery(self) -> Delivery:
        if self._printing.delivered:
            return Delivery.DELIVERED
        return Delivery.SENDING if self.context.world.online else Delivery.WAITING

    @property
    def _phone(self) -> str:
        """The first phone number of the form: where the result is told."""
        fields = [part for form in self.context.item.forms for part in form.fields]
        code = next((part.code for part in fields if part.kind is FieldKind.PHONE), "")
        return masking.phone(self.context.case.form.get(code, ""))

    def enter(self) -> Outcome:
        if self._again:
            return NOTHING
        context = self.context
        return Outcome(self._printing.begin(context.world, context.now, context.monotonic_s))

    def act(self, action: Action) -> Outcome:
        context, printing = self.context, self._printing
        match action.act:
            case Act.PRINT_AGAIN if not printing.running:
                now, now_s = context.now, context.monotonic_s
                return Outcome(printing.print(context.world, now, now_s, pressed=True))
            case Act.WITHOUT_PAPER if not printing.running:
                if printing.state is PrintState.PRINTED:
                    return NOTHING
                return Outcome(printing.decline(context.now))
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

    def _lines(self, delivered: bool, reprint: bool) -> tuple[Line, ...]:
        context, item = self.context, self.context.item
        terminal, applicant = context.settings.terminal, context.case.applicant
        name = (applicant.name or applicant.english_name) if applicant else ""
        receipt = Receipt(
            centre=Words((("zh", terminal.centre_zh), ("en", terminal.centre_en))),
            terminal=terminal.code,
            item=context.words(item.name),
            number=self._sealed.number,
            qr_text=self._sealed.qr_text,
            name_masked=masking.name(name),
            phone_masked=self._phone,
            accepted_at=self._sealed.accepted_at,
            delivered=delivered,
            department=context.words(item.department),
            days=item.days,
            help_phone=terminal.help_phone,
            reprint=reprint,
        )
        return lines(receipt, context.preferences.language)
