"""Drives one smart card reader through PC/SC.

The life of a card in the slot: inserted -> read, or failed -> removed. Whatever is posted as
`SmartCardInserted` is followed by `SmartCardRead` or `SmartCardFailed`, and either by
`SmartCardRemoved`. The reader is waited for within PC/SC: plugged in again, it is ready at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, assert_never

from drivers.addresses import named
from drivers.card_reader.pcsc import Connected, Look, Pcsc, PcscLite, Slot
from drivers.card_reader.protocol import (
    Apdu,
    Script,
    choose_reader,
    exchange,
    identify,
    parse_command,
)
from drivers.card_reader.values import (
    CardAnswer,
    SmartCard,
    SmartCardFailed,
    SmartCardInserted,
    SmartCardRead,
    SmartCardRemoved,
    SocialLayout,
    StopWatchingSmartCard,
    Transmit,
    WatchForSmartCard,
)
from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.worker import Down, Host

WAIT_S: Final = 1.0  # one turn at most; a change or a command ends it
READ_LIMIT_S: Final = 8.0  # thirteen records take a second; a card that asks for time, longer
READ_TRIES: Final = 2  # for noise between card and reader
SETTLE_S: Final = 0.8  # within it a card that was pulled out is known to be gone
SETTLE_LOOKS: Final = 8  # PC/SC also wakes for flags that say nothing of the card

CardReaderCommand = WatchForSmartCard | StopWatchingSmartCard | Transmit


class CardReaderDriver:
    """`url`: pcsc://name of the reader, or its beginning. `layout`: how this region's cards are."""

    def __init__(self, url: str, layout: SocialLayout, pcsc: Callable[[], Pcsc] = PcscLite) -> None:
        self._url = url
        self._layout = layout
        self._make_pcsc = pcsc
        self._pcsc: Pcsc | None = None
        self._wanted = ""
        self._reader: str | None = None
        self._look: Look | None = None
        self._connected: Connected | None = None
        self._watching = False
        self._card = 0  # insertions that were told
        self._told = False  # the card in the slot was posted as inserted
        self._done = False  # it was read, or had failed, in this or an earlier watch

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.CARD_READER

    @property
    def url(self) -> str:
        return self._url

    # -- the worker's calls ---------------------------------------------------

    def connect(self, host: Host) -> Identity | Down:
        wanted = named(DeviceClass.CARD_READER, self._url)
        if isinstance(wanted, Fault):
            return Down(Status.BROKEN, wanted.detail)
        self._wanted = wanted
        self._pcsc = self._make_pcsc()
        fault = self._pcsc.open()
        if fault is not None:
            return _down(fault)
        host.wake_by(self._pcsc.wake)
        fault = self._find_reader(host, self._pcsc)
        return _down(fault) if fault is not None else Identity("PC/SC", self._reader or "")

    def disconnect(self) -> None:
        if self._pcsc is not None:
            self._pcsc.close()
            self._pcsc = None
        self._reader = self._look = self._connected = None

    def handle(self, command: CardReaderCommand, host: Host) -> object | Fault | Down:
        match command:
            case WatchForSmartCard():
                if not self._watching:
                    self._watching = True
                    return self._begin_watch(host)
                return None
            case StopWatchingSmartCard():
                self._watching = False
                self._unpower()
                return None
            case Transmit():
                return self._transmit(command, host)
            case _:
                assert_never(command)

    def decline(self, command: CardReaderCommand, fault: Fault, host: Host) -> object | Fault:
        """Without a reader the wish to watch is kept; a command to a card is not."""
        match command:
            case WatchForSmartCard():
                self._watching = True
            case StopWatchingSmartCard():
                self._watching = False
            case Transmit():
                return fault
            case _:
                assert_never(command)
        return None

    def run(self, host: Host) -> Down | None:
        pcsc = self._pcsc
        if pcsc is None:
            return Down(Status.DISCONNECTED, "not open")
        if self._reader is None:
            fault = pcsc.wait_for_readers(WAIT_S) or self._find_reader(host, pcsc)
            return _down(fault) if fault is not None else None
        look = pcsc.wait(self._reader, self._look, WAIT_S)
        return self._take_in(look, host)

    # -- the reader -----------------------------------------------------------

    def _find_reader(self, host: Host, pcsc: Pcsc) -> Fault | None:
        names = pcsc.readers()
        if isinstance(names, Fault):
            return names
        self._reader = choose_reader(self._wanted, names)
        if self._reader is None:
            others = f"; there are: {', '.join(names)}" if names else ""
            host.report(Status.DISCONNECTED, f"no reader {self._wanted} is plugged in{others}")
        else:
            host.report(Status.READY)
        return None

    def _take_in(self, look: Look | Fault, host: Host) -> Down | None:
        """What a look at the slot means."""
        if isinstance(look, Fault):
            if look.code is not FaultCode.DISCONNECTED:
                self._card_gone(host)
                return _down(look)
            look = Look(Slot.GONE)
        before, self._look = self._look, look
        if before is not None and before.slot is not Slot.EMPTY and before.count != look.count:
            self._card_gone(host)  # out, and perhaps in again since the last look
        match look.slot:
            case Slot.GONE:
                self._card_gone(host)
                self._reader = self._look = None
                host.report(Status.DISCONNECTED, f"the reader {self._wanted} was unplugged")
                return None
            case Slot.EMPTY:
                self._card_gone(host)
                return None
            case Slot.CARD | Slot.MUTE:
                if self._watching and not self._done:
                    return self._read(look, host)
                return None
            case _:
                assert_never(look.slot)

    def _card_gone(self, host: Host) -> None:
        self._unpower()
        self._done = False
        if self._told:
            self._told = False
            host.post(SmartCardRemoved(self._card))

    def _unpower(self) -> None:
        self._connected = None
        if self._pcsc is not None:
            self._pcsc.disconnect()

    # -- the card -------------------------------------------------------------

    def _begin_watch(self, host: Host) -> Down | None:
        """A card that somebody else left is not read for the next one."""
        pcsc = self._pcsc
        if pcsc is None or self._reader is None:
            return None
        from_before = self._done
        down = self._take_in(pcsc.wait(self._reader, self._look, 0.0), host)
        if down is None and from_before and self._done:
            self._tell(host)
            fault = Fault(FaultCode.CARD_UNREADABLE, "lies there from before")
            host.post(SmartCardFailed(self._card, fault))
        return down

    def _tell(self, host: Host) -> None:
        self._card += 1
        self._told = True
        host.post(SmartCardInserted(self._card))

    def _read(self, look: Look, host: Host) -> Down | None:
        """A card came: read it, and say in every case how that ended."""
        self._tell(host)
        self._done = True
        content = (
            Fault(FaultCode.CARD_UNREADABLE, "no answer from the card: upside down, or no chip")
            if look.slot is Slot.MUTE
            else self._read_card(look, host)
        )
        if not isinstance(content, Fault):
            host.post(SmartCardRead(self._card, content))
            return None
        self._unpower()
        host.post(SmartCardFailed(self._card, content))
        return _down(content) if content.code in _OF_READER else None

    def _read_card(self, look: Look, host: Host) -> SmartCard | Fault:
        deadline = host.clock.monotonic() + READ_LIMIT_S
        content = Fault(FaultCode.TIMED_OUT)
        for _ in range(READ_TRIES):
            fault = self._power()
            if fault is not None:
                content = fault
                continue
            answer = self._converse(identify(self._layout, look.atr), host, deadline)
            if not isinstance(answer, Fault):
                return answer
            content = self._fault_or_lifted(answer, host)
            if content.code is not FaultCode.BAD_REPLY:
                break
        return content

    def _power(self) -> Fault | None:
        pcsc, reader = self._pcsc, self._reader
        if pcsc is None or reader is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        connected = pcsc.connect(reader)
        if isinstance(connected, Fault):
            self._connected = None
            return connected
        self._connected = connected
        return None

    def _converse(
        self, script: Script[SmartCard | Fault], host: Host, deadline: float
    ) -> SmartCard | Fault:
        """Run a script to its end, a fault of the wire, or the time limit."""
        try:
            command = next(script)
            while True:
                if host.clock.monotonic() >= deadline:
                    return Fault(FaultCode.TIMED_OUT, "the card takes too long")
                stop = host.interruption()
                if stop is not None:
                    return stop
                answer = self._ask(command)
                if isinstance(answer, Fault):
                    return answer
                command = script.send(answer)
        except StopIteration as end:
            found: SmartCard | Fault = end.value
            return found

    def _ask(self, command: Apdu) -> CardAnswer | Fault:
        pcsc, connected = self._pcsc, self._connected
        if pcsc is None or connected is None:
            return Fault(FaultCode.NO_CARD, "no card is connected")
        script = exchange(command, t0=connected.t0)
        try:
            raw = next(script)
            while True:
                answer = pcsc.transmit(raw)
                if isinstance(answer, Fault):
                    return answer
                raw = script.send(answer)
        except StopIteration as end:
            result: CardAnswer | Fault = end.value
            return result

    def _fault_or_lifted(self, fault: Fault, host: Host) -> Fault:
        """A card that is pulled out breaks off in many ways; the slot says which it was."""
        pcsc, reader, look = self._pcsc, self._reader, self._look
        if fault.code is not FaultCode.BAD_REPLY or pcsc is None or reader is None or look is None:
            return fault
        until = host.clock.monotonic() + SETTLE_S
        for _ in range(SETTLE_LOOKS):
            now = pcsc.wait(reader, look, max(0.0, until - host.clock.monotonic()))
            if isinstance(now, Look) and (now.slot is not look.slot or now.count != look.count):
                return Fault(FaultCode.CARD_LIFTED, "taken out while it was read")
            if isinstance(now, Fault) or host.clock.monotonic() >= until:
                break
        return fault

    def _transmit(self, command: Transmit, host: Host) -> CardAnswer | Fault | Down:
        apdu = parse_command(command.command)
        if isinstance(apdu, Fault):
            return apdu
        pcsc, reader = self._pcsc, self._reader
        if pcsc is None or reader is None:
            return Fault(FaultCode.DISCONNECTED, "no reader")
        down = self._take_in(pcsc.wait(reader, self._look, 0.0), host)
        if down is not None:
            return down
        if not self._told or command.card != self._card:
            return Fault(FaultCode.CARD_LIFTED, "the card is out")
        if self._connected is None:
            fault = self._power()
            if fault is not None:
                return fault
        answer = self._ask(apdu)
        if isinstance(answer, Fault):
            answer = self._fault_or_lifted(answer, host)
            if answer.code in _OF_READER:
                return _down(answer)
        return answer


_OF_READER: Final = frozenset(
    {FaultCode.DEVICE_LOST, FaultCode.DISCONNECTED, FaultCode.BROKEN, FaultCode.SILENT}
)


def _down(fault: Fault) -> Down:
    """A fault of the service or the reader. A card's own never takes the reader down."""
    match fault.code:
        case FaultCode.BROKEN:
            status = Status.BROKEN
        case FaultCode.SILENT:
            status = Status.POWERED_OFF
        case _:
            status = Status.DISCONNECTED
    return Down(status, fault.detail, fault)
