"""The PC/SC service (pcscd) as the driver needs it: readers, what is in them, one card.

Everything answers a value or a Fault. All calls come from the worker's thread but `wake`, which
ends a wait from anywhere (SCardCancel). A cancel that comes in the instant before a wait begins
is lost to PC/SC, therefore no wait is longer than WAIT_LIMIT_S. A call to a card cannot be called
off in PC/SC at all: it is made on a thread that is left behind when neither card nor reader
answers, and that gives up its context when they do, or when the reader is unplugged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import Final, Protocol, TypeVar

from smartcard import scard

from drivers.device import Fault, FaultCode

R = TypeVar("R")

WAIT_LIMIT_S: Final = 0.25
CALL_LIMIT_S: Final = 4.0  # a worker ends within 5 s; a card's records take 0.05 s each
ANY_READER: Final = "\\\\?PnP?\\Notification"  # PC/SC's name for "a reader came or went"
SIGNED_BITS: Final = 0xFFFFFFFF  # the library answers codes as signed numbers
COUNTER_BITS: Final = 0xFFFF0000  # how often a card went in or out, in the event state


class Slot(Enum):
    """What is in a reader."""

    EMPTY = auto()
    CARD = auto()
    MUTE = auto()  # something that does not answer: upside down, or no chip
    GONE = auto()  # the reader itself is not there


@dataclass(frozen=True, slots=True)
class Look:
    """`count` changes with every card that goes in or out, also between two looks."""

    slot: Slot
    count: int = 0
    atr: bytes = field(default=b"", repr=False)
    state: int = field(default=0, compare=False, repr=False)  # PC/SC's own, to wait for another


@dataclass(frozen=True, slots=True)
class Connected:
    """Power is on, and the protocol chosen."""

    t0: bool


class Pcsc(Protocol):
    """What the driver works through; replaced in tests."""

    def open(self) -> Fault | None: ...

    def readers(self) -> tuple[str, ...] | Fault: ...

    def wait(self, reader: str, before: Look | None, wait_s: float) -> Look | Fault:
        """What is in `reader`, as soon as it differs from `before`, or after `wait_s` or `wake`."""
        ...

    def wait_for_readers(self, wait_s: float) -> Fault | None:
        """Until a reader comes or goes, at most `wait_s`, or a `wake`."""
        ...

    def wake(self) -> None: ...

    def connect(self, reader: str) -> Connected | Fault: ...

    def transmit(self, command: bytes) -> bytes | Fault:
        """SILENT: neither card nor reader answers; nothing but `close` is of use then."""
        ...

    def disconnect(self) -> None:
        """Take the power off the card. Also when none is connected."""
        ...

    def close(self) -> None: ...


class _Calls:
    """Runs calls one after another on a thread of its own, waiting a limited time for each."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.stuck = False
        self._thread = threading.Thread(target=self._live, name="pcsc-card", daemon=True)
        self._thread.start()

    def _live(self) -> None:
        while (call := self._queue.get()) is not None:
            call()

    def run(self, call: Callable[[], R]) -> R | Fault:
        if self.stuck:
            return _SILENT
        answers: SimpleQueue[R] = SimpleQueue()
        self._queue.put(lambda: answers.put(call()))
        try:
            return answers.get(timeout=self._limit_s)
        except Empty:
            self.stuck = True
            return _SILENT

    def finish(self, last: Callable[[], None]) -> None:
        """Do `last` when everything before it has returned, however long that takes, and end."""
        self._queue.put(last)
        self._queue.put(None)
        if not self.stuck:
            self._thread.join(self._limit_s)


class PcscLite:
    """`Pcsc` over pyscard's plain bindings: no observers, and one thread for calls to a card."""

    def __init__(self, call_limit_s: float = CALL_LIMIT_S) -> None:
        self._call_limit_s = call_limit_s
        self._context: int | None = None
        self._card: int | None = None
        self._calls: _Calls | None = None
        self._protocol = scard.SCARD_PROTOCOL_T1
        self._woken = False
        self._closing = threading.Lock()  # a late wake must not name a context that is gone

    def open(self) -> Fault | None:
        result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
        fault = _fault(result)
        if fault is not None:
            return fault
        with self._closing:
            self._context = context
        return None

    def readers(self) -> tuple[str, ...] | Fault:
        if self._context is None:
            return _closed()
        result, names = scard.SCardListReaders(self._context, [])
        if _code(result) == _code(scard.SCARD_E_NO_READERS_AVAILABLE):
            return ()
        return _fault(result) or tuple(names)

    def wait(self, reader: str, before: Look | None, wait_s: float) -> Look | Fault:
        known = scard.SCARD_STATE_UNAWARE if before is None else before.state
        answer = self._status_change(reader, known, wait_s)
        if isinstance(answer, Fault):
            return answer
        if answer is None:
            return before if before is not None else Look(Slot.EMPTY)
        state, atr = answer
        if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            slot = Slot.GONE
        elif state & scard.SCARD_STATE_MUTE:
            slot = Slot.MUTE
        elif state & scard.SCARD_STATE_PRESENT:
            slot = Slot.CARD
        else:
            slot = Slot.EMPTY
        count = (state & COUNTER_BITS) >> 16
        return Look(slot, count, atr, state & ~scard.SCARD_STATE_CHANGED)

    def wait_for_readers(self, wait_s: float) -> Fault | None:
        answer = self._status_change(ANY_READER, scard.SCARD_STATE_UNAWARE, wait_s)
        return answer if isinstance(answer, Fault) else None

    def _status_change(
        self, reader: str, state: int, wait_s: float
    ) -> tuple[int, bytes] | Fault | None:
        """The event state and ATR; None when the time is up, or woken."""
        if self._context is None:
            return _closed()
        limit_ms = 0 if self._woken else int(max(0.0, min(wait_s, WAIT_LIMIT_S)) * 1000)
        self._woken = False
        result, states = scard.SCardGetStatusChange(self._context, limit_ms, [(reader, state)])
        self._woken = False
        if _code(result) in (_code(scard.SCARD_E_TIMEOUT), _code(scard.SCARD_E_CANCELLED)):
            return None
        fault = _fault(result)
        if fault is not None:
            return fault
        _, event_state, atr = states[0]
        return event_state, bytes(atr)

    def wake(self) -> None:
        self._woken = True
        with self._closing:
            if self._context is not None:
                scard.SCardCancel(self._context)

    def connect(self, reader: str) -> Connected | Fault:
        context = self._context
        if context is None:
            return _closed()
        self.disconnect()
        if self._calls is None:
            self._calls = _Calls(self._call_limit_s)
        answer = self._calls.run(
            lambda: scard.SCardConnect(
                context,
                reader,
                scard.SCARD_SHARE_EXCLUSIVE,  # nobody else speaks to a citizen's card meanwhile
                scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            )
        )
        if isinstance(answer, Fault):
            return answer
        result, card, protocol = answer
        fault = _fault(result)
        if fault is not None:
            return fault
        self._card, self._protocol = card, protocol
        return Connected(t0=protocol == scard.SCARD_PROTOCOL_T0)

    def transmit(self, command: bytes) -> bytes | Fault:
        card, protocol = self._card, self._protocol
        if card is None or self._calls is None:
            return Fault(FaultCode.NO_CARD, "no card is connected")
        answer = self._calls.run(lambda: scard.SCardTransmit(card, protocol, list(command)))
        if isinstance(answer, Fault):
            return answer
        result, data = answer
        return _fault(result) or bytes(data)

    def disconnect(self) -> None:
        card, self._card = self._card, None
        if card is not None and self._calls is not None and not self._calls.stuck:
            self._calls.run(lambda: scard.SCardDisconnect(card, scard.SCARD_UNPOWER_CARD))

    def close(self) -> None:
        self.disconnect()
        with self._closing:
            context, self._context = self._context, None
        if context is None:
            return
        calls, self._calls = self._calls, None
        if calls is None:
            scard.SCardReleaseContext(context)
        else:
            calls.finish(lambda: scard.SCardReleaseContext(context))


def _code(result: int) -> int:
    return result & SIGNED_BITS


def _closed() -> Fault:
    return Fault(FaultCode.DEVICE_LOST, "not connected to pcscd")


_NO_SERVICE: Final = Fault(FaultCode.DEVICE_LOST, "the PC/SC service (pcscd) does not answer")
_NO_READER: Final = Fault(FaultCode.DISCONNECTED, "the reader is not plugged in")
_SILENT: Final = Fault(FaultCode.SILENT, "neither card nor reader answers")
_LIFTED: Final = Fault(FaultCode.CARD_LIFTED, "the card is out")
_MUTE: Final = Fault(FaultCode.CARD_UNREADABLE, "no answer from the card: upside down, or no chip")
_FAULTS: Final = {
    _code(scard.SCARD_E_NO_SERVICE): _NO_SERVICE,
    _code(scard.SCARD_E_SERVICE_STOPPED): _NO_SERVICE,
    _code(scard.SCARD_F_COMM_ERROR): _NO_SERVICE,
    _code(scard.SCARD_E_INVALID_HANDLE): _NO_SERVICE,  # the service was started anew
    _code(scard.SCARD_E_UNKNOWN_READER): _NO_READER,
    _code(scard.SCARD_E_READER_UNAVAILABLE): _NO_READER,
    _code(scard.SCARD_E_NO_READERS_AVAILABLE): _NO_READER,
    _code(scard.SCARD_E_NO_SMARTCARD): _LIFTED,
    _code(scard.SCARD_W_REMOVED_CARD): _LIFTED,
    _code(scard.SCARD_W_RESET_CARD): Fault(FaultCode.BAD_REPLY, "the card was reset"),
    _code(scard.SCARD_E_NOT_TRANSACTED): Fault(
        FaultCode.BAD_REPLY, "the command did not get through"
    ),
    _code(scard.SCARD_W_UNRESPONSIVE_CARD): _MUTE,
    _code(scard.SCARD_W_UNPOWERED_CARD): _MUTE,
    _code(scard.SCARD_W_UNSUPPORTED_CARD): _MUTE,
    _code(scard.SCARD_E_PROTO_MISMATCH): _MUTE,
    _code(scard.SCARD_E_CARD_UNSUPPORTED): _MUTE,
    _code(scard.SCARD_E_SHARING_VIOLATION): Fault(FaultCode.BUSY, "another program has the card"),
    _code(scard.SCARD_E_NO_ACCESS): Fault(FaultCode.BROKEN, "no permission to use pcscd"),
    _code(scard.SCARD_W_SECURITY_VIOLATION): Fault(FaultCode.BROKEN, "no permission to use pcscd"),
}


def _fault(result: int) -> Fault | None:
    code = _code(result)
    if code == 0:
        return None
    return _FAULTS.get(code) or Fault(FaultCode.BROKEN, f"PC/SC answers {code:08X}")
