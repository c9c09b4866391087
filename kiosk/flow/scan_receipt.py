"""A receipt's QR held to the scanner or the camera. Nothing personal is in it or asked for."""

from __future__ import annotations

from typing import ClassVar

from drivers.code_scanner.values import CodeRefused, CodeRule, CodeScanned
from drivers.device import DeviceClass, Status
from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import (
    CameraUse,
    CheckReceipt,
    Effect,
    StartCamera,
    StartScanner,
    StopCamera,
    StopScanner,
)
from kiosk.flow.events import Event, ProgressKnown, ReceiptRefused
from kiosk.flow.pages import Page, ProgressKind, ScanProblem
from kiosk.flow.pages import ScanReceipt as ScanPage
from kiosk.flow.step import BACKWARD, NOTHING, Context, Forward, Outcome, Step
from kiosk.receipts.number import QR_CHARACTERS_MAX, QrFault, parse_qr

# A receipt's code looks like this; whether its number and signature are right is another question.
RECEIPT_CODE = CodeRule(1, QR_CHARACTERS_MAX, r" *ZW1\.[A-Z0-9]{16}\.[A-Z2-7]+=* *")
ASK_LIMIT_S = 30.0  # the hub's time to connect and answer, and a little more


class ScanReceipt(Step):
    kind: ClassVar[StepKind] = StepKind.SCAN_RECEIPT

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._problem = ScanProblem.NONE
        self._asked: str | None = None  # the number that is being asked for
        self._until_s = 0.0

    @property
    def busy(self) -> bool:
        return self._asked is not None

    def page(self) -> Page:
        return ScanPage(self._problem, asking=self.busy)

    def enter(self) -> Outcome:
        """Both are wished for even while they are away: one plugged in now reads at once."""
        world = self.context.world
        self.context.case.progress = None
        effects: list[Effect] = []
        if world.status(DeviceClass.CODE_SCANNER) is not Status.NOT_INSTALLED:
            effects.append(StartScanner(RECEIPT_CODE))
        if world.status(DeviceClass.DOCUMENT_CAMERA) is not Status.NOT_INSTALLED:
            effects.append(StartCamera(self.scope, CameraUse.CODE))
        return Outcome(tuple(effects))

    def leave(self) -> tuple[Effect, ...]:
        return (StopScanner(), StopCamera())

    def act(self, action: Action) -> Outcome:
        return BACKWARD if action.act is Act.BACK else NOTHING

    def handle(self, event: Event) -> Outcome:
        match event:
            case CodeScanned(data=data) if not self.busy:
                return self._scanned(data)
            case CodeRefused() if not self.busy:
                self._problem = ScanProblem.NOT_A_RECEIPT
            case ProgressKnown(number=number) if number == self._asked:
                self.context.case.progress = event
                return Outcome(move=Forward())
            case ReceiptRefused(number=number) if number == self._asked:
                self._asked = None
                self._problem = ScanProblem.SIGNATURE_WRONG
            case _:
                pass
        return NOTHING

    def tick(self) -> Outcome:
        if self._asked is None or self.context.monotonic_s < self._until_s:
            return NOTHING
        self.context.case.progress = ProgressKnown(
            self.scope, self._asked, ProgressKind.HUB_UNREACHABLE, None, None, None
        )
        return Outcome(move=Forward())

    def _scanned(self, data: bytes) -> Outcome:
        found = parse_qr(data)
        match found:
            case QrFault.NOT_A_RECEIPT:
                self._problem = ScanProblem.NOT_A_RECEIPT
            case QrFault.NUMBER_WRONG:
                self._problem = ScanProblem.NUMBER_WRONG
            case _:
                self._problem = ScanProblem.NONE
                self._asked = found.number
                self._until_s = self.context.monotonic_s + ASK_LIMIT_S
                text = data.decode("ascii").strip()
                return Outcome((CheckReceipt(self.scope, found.number, text),))
        return NOTHING
