"""What a card was asked and answered, written down, and played back: `drivers/trace.py` for PC/SC.

PC/SC has no bytes on a wire of ours, so the lines are what the driver sees of it: `look` (what is in
the slot), `card` (the power is on, and the protocol), `w` and `r` (command and answer), `lost` (a
fault, by its code).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from drivers.card_reader.pcsc import Connected, Look, Pcsc, Slot
from drivers.card_reader.personal import CardMask, masked_atr
from drivers.device import Fault, FaultCode
from drivers.trace import Notes, Step, Trace

T0, T1 = "t0", "t1"
_ENDED: Final = Fault(FaultCode.DEVICE_LOST, "the trace ends here")


class TracedPcsc:
    """A PC/SC service beside which everything is written down, masked."""

    def __init__(self, pcsc: Pcsc, notes: Notes) -> None:
        self._pcsc = pcsc
        self._notes = notes
        self._mask = CardMask()
        self._seen: Look | None = None

    def open(self) -> Fault | None:
        return self._told(self._pcsc.open())

    def readers(self) -> tuple[str, ...] | Fault:
        found = self._pcsc.readers()
        self._told(found)
        return found

    def wait(self, reader: str, before: Look | None, wait_s: float) -> Look | Fault:
        look = self._pcsc.wait(reader, before, wait_s)
        if isinstance(look, Fault):
            self._told(look)
        elif look != self._seen:
            self._seen = look
            why = f"{look.slot.name} {look.count}"
            self._notes.line("look", why=why, hex=masked_atr(look.atr).hex())
        return look

    def wait_for_readers(self, wait_s: float) -> Fault | None:
        return self._told(self._pcsc.wait_for_readers(wait_s))

    def wake(self) -> None:
        self._pcsc.wake()

    def connect(self, reader: str) -> Connected | Fault:
        connected = self._pcsc.connect(reader)
        if isinstance(connected, Fault):
            self._told(connected)
        else:
            self._notes.line("card", why=T0 if connected.t0 else T1)
        return connected

    def transmit(self, command: bytes) -> bytes | Fault:
        self._notes.line("w", hex=self._mask.command(command).hex())
        answer = self._pcsc.transmit(command)
        if isinstance(answer, Fault):
            self._told(answer)
        else:
            self._notes.line("r", hex=self._mask.answer(answer).hex())
        return answer

    def disconnect(self) -> None:
        self._pcsc.disconnect()

    def close(self) -> None:
        self._pcsc.close()
        self._notes.close()

    def _told(self, answer: object) -> Fault | None:
        if isinstance(answer, Fault):
            self._notes.line("lost", why=answer.code.value)
            return answer
        return None


class ReplayedPcsc:
    """A trace as a PC/SC service with one reader. Time passes by `waited` only.

    What is asked otherwise than in the trace ends it: `differs` says how.
    """

    def __init__(
        self,
        trace: Trace,
        reader: str,
        waited: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._steps = list(trace.steps)
        self._reader = reader
        self._waited = waited
        self._mask = CardMask()
        self._now_s = 0.0
        self.differs = ""

    @property
    def at_end(self) -> bool:
        return not self._steps

    def open(self) -> Fault | None:
        return None

    def readers(self) -> tuple[str, ...] | Fault:
        return (self._reader,)

    def wait(self, reader: str, before: Look | None, wait_s: float) -> Look | Fault:
        still = before if before is not None else Look(Slot.EMPTY)
        if self.differs or not self._steps:
            return _ENDED
        step = self._steps[0]
        if step.io not in ("look", "lost") or step.at_s > self._now_s + wait_s:
            self._pass(wait_s)
            return still
        self._take()
        if step.io == "lost":
            return _fault(step)
        slot, count = step.why.split(" ")
        return Look(Slot[slot], int(count), step.data)

    def wait_for_readers(self, wait_s: float) -> Fault | None:
        self._pass(wait_s)
        return None

    def wake(self) -> None:
        pass

    def connect(self, reader: str) -> Connected | Fault:
        step = self._next("card", "the power was put on where the trace has none")
        if isinstance(step, Fault):
            return step
        return _fault(step) if step.io == "lost" else Connected(t0=step.why == T0)

    def transmit(self, command: bytes) -> bytes | Fault:
        asked = self._mask.command(command)
        step = self._next("w", f"{asked.hex(' ')} was asked where the trace has nothing")
        if isinstance(step, Fault):
            return step
        if step.data != asked:
            self.differs = f"{asked.hex(' ')} was asked where the trace has {step.data.hex(' ')}"
            return _ENDED
        answer = self._next("r", "the trace has no answer")
        if isinstance(answer, Fault):
            return answer
        return _fault(answer) if answer.io == "lost" else answer.data

    def disconnect(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _next(self, io: str, otherwise: str) -> Step | Fault:
        """The next step, if it is this or a loss."""
        if self.differs or not self._steps:
            return _ENDED
        if self._steps[0].io not in (io, "lost"):
            self.differs = otherwise
            return _ENDED
        return self._take()

    def _take(self) -> Step:
        step = self._steps.pop(0)
        self._pass(max(0.0, step.at_s - self._now_s))
        return step

    def _pass(self, seconds: float) -> None:
        self._waited(seconds)
        self._now_s += seconds


def _fault(step: Step) -> Fault:
    return Fault(FaultCode(step.why), "in the trace")
