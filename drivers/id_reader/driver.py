"""Drives a SAM_V card reader: serial line, TCP pass-through, USB pipes or HID reports.

The life of a card on the plate: found -> read, or failed -> removed. A card that was read keeps
failing *find* until it is lifted, so that its presence is asked by *read appended address*
(90 and 91: still there). A card whose reading failed may or may not be found again while it lies
there: the first *find* after the failure tells which. If it is not, a *find* that succeeds means
that it was placed anew, and nothing can tell that it was taken away: that is said after a while.
Whatever is posted as `CardFound` is followed by `CardRead` or `CardFailed`, and either by
`CardRemoved`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, assert_never

from drivers.addresses import TcpUrl, parse_url
from drivers.device import Capability, DeviceClass, Fault, FaultCode, Identity, Status
from drivers.id_reader.photo import decode_photo
from drivers.id_reader.protocol import (
    FIND_BYTES,
    SELECT_BYTES,
    Command,
    Management,
    Reply,
    ReplyParser,
    Sw3,
    appended_addresses,
    base_info,
    card_record,
    encode,
    is_usual_length,
    management,
    sam_id,
)
from drivers.id_reader.values import (
    CardFailed,
    CardFound,
    CardPhoto,
    CardRead,
    CardRecord,
    CardRemoved,
    StopWatching,
    WatchForCard,
)
from drivers.id_reader.wires import PORTS
from drivers.transport import Transport, write_all
from drivers.worker import Down, Host, not_opened

SHORT_LIMIT_S: Final = 1.0  # status, and a first or last question: most answer within 0.2 s
ANSWER_LIMIT_S: Final = 3.0  # find, select, SAM id: slow readers, and boxes behind a serial server
READ_LIMIT_S: Final = 3.0  # reading a card takes about a second, of which 0.12 s on the wire
WRITE_LIMIT_S: Final = 1.0
FRAME_LIMIT_S: Final = 3.0  # beyond the answer's own limit, while bytes come: 1,295 at 9,600 baud
# Silence inside a frame. One of no usual length is noise, or its length was spoilt: it is given up soon.
# One that may be the answer stands still on a slow network, or has lost a byte and is asked again.
GAP_LIMIT_S: Final = 0.3
REST_LIMIT_S: Final = 2.0
QUIET_S: Final = 0.2  # after a time-out: a late answer must not be taken for the next one's
QUIET_LIMIT_S: Final = 2.0
TRIES: Final = 3  # for noise on the wire; what the card or the reader refuses is not asked again
# What is asked again after silence, and how long each time. A reader that is just starting loses
# the first question, so that one is short; a slow one has time for the second.
SHORT: Final = (SHORT_LIMIT_S,)
SHORT_THEN_LONG: Final = (SHORT_LIMIT_S, ANSWER_LIMIT_S)
LONG: Final = (ANSWER_LIMIT_S,)
LONG_TWICE: Final = (ANSWER_LIMIT_S, ANSWER_LIMIT_S)
READ_TWICE: Final = (READ_LIMIT_S, READ_LIMIT_S)
SILENT_POLLS_UNTIL_OFF: Final = 2
BAD_LOOKS_UNTIL_BROKEN: Final = 8  # each has been asked three times: no disturbance lasts so long
GONE_ANSWERS: Final = 2  # one bad look is no proof that the card was lifted
IDLE_CHECK_S: Final = 15.0  # with nobody watching: is it still switched on?
CLOCK_STEP_S: Final = 0.001  # a wait may end a rounding short of its time
FORGOTTEN_S: Final = 8.0  # a failed card that cannot be found: long enough to read the words
MIN_POLL_S: Final = 0.3  # the reader's makers ask for more than 300 ms between two looks
READ_BYTES: Final = 4096

IdReaderCommand = WatchForCard | StopWatching


class _Plate(Enum):
    EMPTY = auto()
    READ = auto()  # lies there, was read
    FAILED = auto()  # lies there, must be lifted and placed again
    LOST_SIGHT = auto()  # failed, and the reader finds it no more whether it lies there or not
    UNSELECTABLE = auto()  # found, never selected: several cards, or one of another kind


_OF_THE_CARD: Final = frozenset({Sw3.CARD_REJECTS_SAM, Sw3.READ_FAILED, Sw3.RANDOM_FAILED})
"""Refusals that a card makes by being taken away, or by its own status."""
_OF_THE_WIRE: Final = frozenset({Sw3.HOST_CHECKSUM, Sw3.HOST_LENGTH})
_NOT_UNDERSTOOD: Final = _OF_THE_WIRE | {Sw3.BAD_COMMAND, Sw3.UNRECOGNISED}
"""What may be noise, and is asked again of a card; for other questions 21 says: not known here."""
_OF_A_CARD: Final = frozenset({Command.SELECT, Command.READ_BASE, Command.READ_APPENDED_ADDRESS})


class IdReaderDriver:
    """`url`: serial:///dev/...?baud=115200, tcp://host:port, usb://0400:c35a or hid://vid:pid.
    `poll_ms`: pause between two looks. `fingerprint`: read it too, where the reader can.
    `photo_command`: the site's decoder (`photo.py`); empty: there is none.
    """

    def __init__(
        self,
        url: str,
        poll_ms: int = 300,
        *,
        fingerprint: bool = False,
        photo_command: Sequence[str] = (),
    ) -> None:
        self._url = url
        self._fingerprint = fingerprint
        self._photo_command = tuple(photo_command)
        self._poll_s = max(MIN_POLL_S, poll_ms / 1000)
        self._wire: Transport | None = None
        self._watching = False
        self._plate = _Plate.EMPTY
        self._anew = False  # watching began anew: say what lies there already
        self._gone_answers = 0
        self._failed_at = 0.0
        self._just_failed = False
        self._why_unselectable: Fault | None = None
        self._trouble: Fault | None = None
        self._silent_polls = 0
        self._bad_looks = 0
        self._late_answer = False
        self._looked_at: float | None = None  # when the last look ended
        self._reopens = 0  # connections that a server had closed
        self._reopened = False  # since the last look, which found its wire closed

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.ID_READER

    @property
    def url(self) -> str:
        return self._url

    @property
    def trouble(self) -> Fault | None:
        """What the last look at the plate ended with, when not with an answer."""
        return self._trouble

    # -- the worker's calls ---------------------------------------------------

    def connect(self, host: Host) -> Identity | Down:
        wire = host.open(self._url, PORTS)
        if isinstance(wire, Fault):
            return not_opened(wire)
        self._wire = wire
        self._silent_polls = self._bad_looks = 0
        self._late_answer = False
        self._looked_at = None
        answer = self._ask(host, Command.SAM_ID, SHORT_THEN_LONG)
        if isinstance(answer, Reply) and answer.fault is not None:
            # Left in the middle of something, or its self-test failed: it may start anew.
            self._ask(host, Command.RESET, (READ_LIMIT_S,))
            answer = self._ask(host, Command.SAM_ID, SHORT_THEN_LONG)
        if isinstance(answer, Fault):
            return self._down(answer)
        if answer.fault is not None and answer.sw3 != Sw3.BAD_COMMAND:
            return Down(Status.BROKEN, answer.fault.detail, answer.fault)
        # It speaks, and does not know the question (some boxes behind a serial server): nameless.
        number = sam_id(answer.data) if answer.fault is None else ""
        if isinstance(number, Fault):
            return Down(Status.BROKEN, number.detail, number)
        # With the wire went what was known of the plate. A card that failed may be tried again; one
        # that was read is found again if the reader lost its memory, else must be lifted first.
        if self._plate is not _Plate.READ:
            self._plate = _Plate.EMPTY
        self._anew = self._plate is _Plate.READ
        self._gone_answers = 0
        prints = (Capability.READS_FINGERPRINTS,) if self._fingerprint else ()
        return Identity("SAM_V", number, (Capability.TELLS_REMOVAL, *prints))

    def disconnect(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def handle(self, command: IdReaderCommand, host: Host) -> None:
        match command:
            case WatchForCard():
                if not self._watching:
                    self._watching = True
                    if self._plate in (_Plate.LOST_SIGHT, _Plate.UNSELECTABLE):
                        self._plate = _Plate.EMPTY  # a new citizen: told anew what lies there
                    self._anew = self._plate is not _Plate.EMPTY
                    self._gone_answers = 0
            case StopWatching():
                self._watching = False
            case _:
                assert_never(command)

    def decline(self, command: IdReaderCommand, fault: Fault, host: Host) -> None:
        """Without a reader the wish is kept: it watches as soon as there is one."""
        self.handle(command, host)

    def run(self, host: Host) -> Down | None:
        wire = self._wire
        if wire is None:
            return Down(Status.DISCONNECTED, "not open")
        in_doubt = self._silent_polls or self._bad_looks  # not left standing until the next check
        period_s = self._poll_s if self._watching or in_doubt else IDLE_CHECK_S
        if self._looked_at is not None:
            wait_s = self._looked_at + period_s - host.clock.monotonic()
            if wait_s > 0:
                heard = wire.read(READ_BYTES, wait_s)  # it never speaks unasked: noise, or a loss
                if not isinstance(heard, Fault):
                    return None
                once, self._reopened = not self._reopened, True
                return None if once and self._reopen(heard, host) else self._down(heard)
        self._reopened = False
        self._trouble = self._look(host)
        down = self._judge(self._trouble)
        self._looked_at = host.clock.monotonic()
        return down

    # -- one look at the plate ------------------------------------------------

    def _look(self, host: Host) -> Fault | None:
        if not self._watching:
            return self._check(host)
        match self._plate:
            case _Plate.EMPTY:
                return self._look_for_card(host)
            case _Plate.READ:
                return self._look_whether_lifted(host, Command.READ_APPENDED_ADDRESS)
            case _Plate.FAILED:
                return self._look_whether_lifted(host, Command.FIND)
            case _Plate.LOST_SIGHT:
                return self._look_for_it_again(host)
            case _Plate.UNSELECTABLE:
                return self._look_whether_one_is_left(host)
            case _:
                assert_never(self._plate)

    def _judge(self, fault: Fault | None) -> Down | None:
        """Which faults of a look mean that the reader itself cannot be worked with."""
        if fault is None:
            self._silent_polls = self._bad_looks = 0
            return None
        match fault.code:
            case FaultCode.BAD_REPLY:  # noise, unless it never ends: a cable, a wrong speed
                self._bad_looks += 1
                return self._down(fault) if self._bad_looks >= BAD_LOOKS_UNTIL_BROKEN else None
            case FaultCode.TIMED_OUT:
                self._silent_polls += 1
                return self._down(fault) if self._silent_polls >= SILENT_POLLS_UNTIL_OFF else None
            case _:
                return self._down(fault)

    @staticmethod
    def _down(fault: Fault) -> Down:
        match fault.code:
            case FaultCode.TIMED_OUT:
                return Down(Status.POWERED_OFF, "does not answer")
            case FaultCode.BROKEN | FaultCode.NOT_AUTHORISED | FaultCode.BAD_REPLY:
                return Down(Status.BROKEN, fault.detail, fault)
            case _:
                return Down(Status.DISCONNECTED, fault.detail)

    def _check(self, host: Host) -> Fault | None:
        answer = self._ask(host, Command.STATUS, SHORT)
        return answer if isinstance(answer, Fault) else _of_reader(answer)

    def _look_limit(self) -> Sequence[float]:
        """A slow reader has its time; one that was silent once is soon known to be off."""
        return SHORT if self._silent_polls else LONG

    def _look_for_card(self, host: Host) -> Fault | None:
        answer = self._ask(host, Command.FIND, self._look_limit())
        if isinstance(answer, Fault):
            return answer
        refused = answer.fault
        if refused is None:
            return self._take_card(host)
        match refused.code:
            case FaultCode.UNKNOWN_CARD | FaultCode.CARD_UNREADABLE:  # seen, and not liked
                self._gone_answers = 0
                self._plate = _Plate.UNSELECTABLE
                self._why_unselectable = refused
                host.post(CardFound())
                host.post(CardFailed(refused))
                return None
            case FaultCode.BAD_REPLY:
                return refused
            case _:
                return _of_reader(answer)

    def _take_card(self, host: Host) -> Fault | None:
        """A card answered: read it, and say in every case how that ended."""
        self._anew = False
        self._gone_answers = 0
        host.post(CardFound())
        unselected = self._select(host)
        if isinstance(unselected, Fault) and unselected.code in (
            FaultCode.SEVERAL_CARDS,
            FaultCode.UNKNOWN_CARD,
        ):
            self._plate = _Plate.UNSELECTABLE
            self._why_unselectable = unselected
            host.post(CardFailed(unselected))
            return None
        return self._take_selected(host, unselected)

    def _take_selected(self, host: Host, unselected: Fault | CardFailed | None) -> Fault | None:
        reopened = self._reopens
        card = self._read(host) if unselected is None else unselected
        if not isinstance(card, CardRecord) and self._reopens > reopened:
            # The reader may have lost its card with the connection: begun anew, once.
            card = self._read_anew(host) or card
        if isinstance(card, CardRecord):
            self._plate = _Plate.READ
            host.post(CardRead(card))
            self._decode_photo(card, host)
            return None
        failed = card if isinstance(card, CardFailed) else CardFailed(card)
        fault = failed.fault
        host.post(failed)
        if fault.code is FaultCode.CARD_LIFTED:
            self._plate = _Plate.EMPTY
            host.post(CardRemoved())
            return None
        self._plate = _Plate.FAILED
        self._just_failed = True
        self._failed_at = host.clock.monotonic()
        of_wire = fault.code in (
            FaultCode.DEVICE_LOST,
            FaultCode.TIMED_OUT,
            FaultCode.BROKEN,
            FaultCode.NOT_AUTHORISED,
            FaultCode.CANCELLED,
        )
        return fault if of_wire else None

    def _read_anew(self, host: Host) -> CardRecord | None:
        found = self._ask(host, Command.FIND, LONG)
        if isinstance(found, Fault) or found.fault is not None or self._select(host) is not None:
            return None
        card = self._read(host)
        return card if isinstance(card, CardRecord) else None

    def _decode_photo(self, card: CardRecord, host: Host) -> None:
        """After the fields: nobody waits for a photo. Without one the placeholder stays."""
        if self._photo_command and card.photo_wlt:
            picture = decode_photo(self._photo_command, card.photo_wlt)
            if not isinstance(picture, Fault):
                host.post(CardPhoto(picture))

    def _select(self, host: Host) -> Fault | CardFailed | None:
        """Select the card that was found. Refused, it is looked for once more: several cards in the
        field are found and cannot be selected; one taken away meanwhile is not found."""
        answer = self._ask(host, Command.SELECT, LONG_TWICE)
        if isinstance(answer, Fault):
            return answer
        if answer.sw3 != Sw3.SELECT_FAILED:
            return answer.fault
        found = self._ask(host, Command.FIND, LONG)
        if isinstance(found, Fault):
            return found
        if found.sw3 == Sw3.NO_CARD:
            lifted = Fault(FaultCode.CARD_LIFTED, "taken away before it was selected")
            return CardFailed(lifted, answer.fault)
        if found.fault is not None:
            return found.fault
        again = self._ask(host, Command.SELECT, LONG_TWICE)
        if isinstance(again, Fault):
            return again
        if again.sw3 == Sw3.SELECT_FAILED:
            return Fault(FaultCode.SEVERAL_CARDS, "81 found, and none can be selected")
        return again.fault

    def _read(self, host: Host) -> CardRecord | Fault | CardFailed:
        """Read the selected card, at once: the citizen waits."""
        command = Command.READ_BASE_FINGERPRINT if self._fingerprint else Command.READ_BASE
        answer = self._ask(host, command, READ_TWICE)
        if isinstance(answer, Reply) and self._fingerprint and answer.sw3 == Sw3.BAD_COMMAND:
            answer = self._ask(host, command := Command.READ_BASE, READ_TWICE)  # an older reader
        if isinstance(answer, Fault):
            return answer
        if answer.fault is not None:
            return self._why_not_read(host, answer, answer.fault)
        info = base_info(answer.data, with_fingerprint=command is Command.READ_BASE_FINGERPRINT)
        if isinstance(info, Fault):
            return info
        addresses = self._appended_addresses(host)
        return card_record(info.text, info.photo, info.fingerprint, addresses)

    def _why_not_read(self, host: Host, refusal: Reply, fault: Fault) -> Fault | CardFailed:
        """A card that is taken away while it is read says nothing more, and is not found after."""
        if refusal.sw3 not in _OF_THE_CARD or refusal.from_card:
            return fault
        found = self._ask(host, Command.FIND, LONG)
        if isinstance(found, Fault) or found.sw3 != Sw3.NO_CARD:
            return fault
        lifted = Fault(FaultCode.CARD_LIFTED, f"{refusal.sw3:02X} and not found any more")
        return CardFailed(lifted, fault)

    def _appended_addresses(self, host: Host) -> tuple[str, ...] | None:
        """None if they could not be read: that never costs the card."""
        answer = self._ask(host, Command.READ_APPENDED_ADDRESS, SHORT_THEN_LONG)
        if isinstance(answer, Fault):
            return None
        if answer.sw3 == Sw3.NO_SUCH_CONTENT:
            return ()
        addresses = appended_addresses(answer.data) if answer.fault is None else None
        return None if isinstance(addresses, Fault) else addresses

    def read_management(self, host: Host) -> Management | Fault:
        """Numbers of the card body that lies there and was read; for a technician."""
        answer = self._ask(host, Command.READ_MANAGEMENT, LONG)
        if isinstance(answer, Fault):
            return answer
        return answer.fault or management(answer.data)

    def _look_for_it_again(self, host: Host) -> Fault | None:
        """It failed and cannot be found where it lies: when it is found, it was placed anew."""
        answer = self._ask(host, Command.FIND, self._look_limit())
        if isinstance(answer, Fault):
            return answer
        if answer.sw3 == Sw3.FOUND:
            return self._take_card(host)
        if host.clock.monotonic() - self._failed_at >= FORGOTTEN_S:
            self._plate = _Plate.EMPTY
            host.post(CardRemoved())
        return _of_reader(answer)

    def _look_whether_one_is_left(self, host: Host) -> Fault | None:
        """Several cards, or a wrong one: when it can be selected, what was too much is gone."""
        found = self._ask(host, Command.FIND, self._look_limit())
        if isinstance(found, Fault):
            return found
        if found.fault is not None and found.fault == self._why_unselectable:
            self._gone_answers = 0
            return None  # found out at once that it is of no use here, and it still is
        if found.sw3 != Sw3.FOUND:
            self._gone_answers += 1
            if self._gone_answers >= GONE_ANSWERS:
                self._plate = _Plate.EMPTY
                host.post(CardRemoved())
            return _of_reader(found)
        self._gone_answers = 0
        selected = self._ask(host, Command.SELECT, LONG)
        if isinstance(selected, Fault):
            return selected
        if selected.fault is None:
            host.post(CardFound())
            return self._take_selected(host, None)
        if selected.sw3 == Sw3.UNKNOWN_CARD_TYPE and self._why_unselectable != selected.fault:
            self._why_unselectable = selected.fault  # of two cards the wrong one was left
            host.post(CardFailed(selected.fault))
        return None

    def _look_whether_lifted(self, host: Host, question: Command) -> Fault | None:
        answer = self._ask(host, question, self._look_limit())
        if isinstance(answer, Fault):
            return answer
        refused = answer.fault
        first_look, self._just_failed = self._just_failed, False
        if first_look and answer.sw3 == Sw3.NO_CARD:
            self._plate = _Plate.LOST_SIGHT
            return None
        if refused is None:
            self._gone_answers = 0
            if self._anew:
                return self._lies_there_from_before(host)
            return None
        if refused.code in (FaultCode.BAD_REPLY, FaultCode.NOT_AUTHORISED):
            return _of_reader(answer)  # says something of the wire or the reader, not of the card
        self._gone_answers += 1
        if self._gone_answers >= GONE_ANSWERS:
            self._plate = _Plate.EMPTY
            self._anew = False
            host.post(CardRemoved())
        return None

    def _lies_there_from_before(self, host: Host) -> Fault | None:
        """Watching began, or the reader came back, with a card on the plate.

        One that had failed may be tried again. One that was read cannot be found again until it
        is lifted; nor should the card of somebody who has left be taken for the next one's.
        """
        if self._plate is _Plate.FAILED:
            return self._take_card(host)
        self._anew = False
        host.post(CardFailed(Fault(FaultCode.CARD_UNREADABLE, "lies there from before")))
        return None

    # -- one question, one answer ---------------------------------------------

    def _ask(self, host: Host, command: Command, limits_s: Sequence[float]) -> Reply | Fault:
        """Ask; after noise ask again, and after silence as often as there are limits; once more also
        where a serial server had closed the connection. Only a reply of the shape that belongs to
        the question."""
        asked_again = _NOT_UNDERSTOOD if command in _OF_A_CARD else _OF_THE_WIRE
        answer: Reply | Fault = Fault(FaultCode.TIMED_OUT)
        not_understood: Reply | None = None
        garbled: Fault | None = None
        silent = 0
        reopened = False
        for _ in range(TRIES):
            answer = self._ask_once(host, command, limits_s[silent])
            if isinstance(answer, Reply):
                if answer.sw3 not in asked_again:
                    # Refused only when asked again, for the card was spent: the first word counts.
                    return not_understood if not_understood and answer.fault else answer
                if answer.sw3 not in _OF_THE_WIRE:
                    not_understood = not_understood or answer
            elif answer.code is FaultCode.TIMED_OUT:
                silent += 1
                if silent == len(limits_s):
                    return garbled or answer  # it did say something
            elif answer.code is FaultCode.BAD_REPLY:
                garbled = answer
            elif not reopened and self._reopen(answer, host):
                reopened = True
            else:
                return answer
        return answer

    def _reopen(self, lost: Fault, host: Host) -> bool:
        """Whether a connection that was closed is open again, at once and silently. Only to a serial
        server: it closes one for reasons of its own, and the reader behind it mostly knows nothing of
        that. Nothing of a dialogue is lost by it: each question may be asked again, as after silence.
        """
        if lost.code is not FaultCode.DEVICE_LOST or not isinstance(parse_url(self._url), TcpUrl):
            return False
        self.disconnect()
        wire = host.open(self._url, PORTS)
        if isinstance(wire, Fault):
            return False
        self._wire = wire
        self._late_answer = False
        self._reopens += 1
        return True

    def _ask_once(self, host: Host, command: Command, limit_s: float) -> Reply | Fault:
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        lost = self._drop_old_bytes(host, wire) or write_all(wire, encode(command), WRITE_LIMIT_S)
        if lost is not None:
            return lost
        parser = ReplyParser()
        deadline = host.clock.monotonic() + limit_s
        last_s = deadline + FRAME_LIMIT_S
        garbled: Fault | None = None
        while True:
            now = host.clock.monotonic()
            stop = host.interruption()
            if stop is not None:
                if stop.code is FaultCode.TIMED_OUT and parser.within:
                    garbled = Fault(FaultCode.BAD_REPLY, "frame not finished")
                return garbled if stop.code is FaultCode.TIMED_OUT and garbled else stop
            if now >= deadline:
                break
            waiting_for_rest = parser.within or garbled is not None
            gap_s = _gap_s(command, parser, limit_s)
            wait_s = min(deadline - now, gap_s) if waiting_for_rest else deadline - now
            piece = wire.read(READ_BYTES, wait_s)
            if isinstance(piece, Fault):
                return piece
            if piece:
                found = parser.feed(piece)
                if parser.within:  # slow, and on its way: what comes is waited for
                    gap_s = _gap_s(command, parser, limit_s)
                    deadline = min(last_s, max(deadline, host.clock.monotonic() + gap_s))
            elif host.clock.monotonic() - now < wait_s - CLOCK_STEP_S:
                continue  # woken for something else
            else:
                found = parser.timed_out()
                if not found:
                    break
            for item in found:
                misfit = item if isinstance(item, Fault) else _misfit(command, item)
                if isinstance(item, Reply) and misfit is None:
                    return item
                garbled = misfit
        self._late_answer = True
        return garbled if garbled is not None else Fault(FaultCode.TIMED_OUT)

    def _drop_old_bytes(self, host: Host, wire: Transport) -> Fault | None:
        """Empty the wire; after a time-out wait until it is quiet."""
        quiet_s = QUIET_S if self._late_answer else 0.0
        deadline = host.clock.monotonic() + QUIET_LIMIT_S
        while host.clock.monotonic() < deadline and host.interruption() is None:
            began = host.clock.monotonic()
            old = wire.read(READ_BYTES, quiet_s)
            if isinstance(old, Fault):
                return old
            if not old and host.clock.monotonic() - began >= quiet_s - CLOCK_STEP_S:
                break
        self._late_answer = False
        return None


def _gap_s(command: Command, parser: ReplyParser, limit_s: float) -> float:
    """How long silence is waited through where bytes have come."""
    length = parser.announced
    worth = parser.within and (length is None or is_usual_length(command, length))
    return min(REST_LIMIT_S, limit_s) if worth else GAP_LIMIT_S


def _misfit(command: Command, reply: Reply) -> Fault | None:
    """Why a reply cannot be this command's: another's came first, or its data are no such answer.
    A refusal can be anyone's.
    """
    if reply.fault is not None:
        return None
    expected = Sw3.FOUND if command is Command.FIND else Sw3.OK
    if command is Command.READ_APPENDED_ADDRESS and reply.sw3 == Sw3.NO_SUCH_CONTENT:
        return None
    if reply.sw3 != expected:
        return Fault(FaultCode.BAD_REPLY, f"{reply.sw3:02X} answers another question")
    read: object = None
    match command:
        case Command.SAM_ID:
            read = sam_id(reply.data)
        case Command.FIND | Command.SELECT:
            if len(reply.data) != (FIND_BYTES if command is Command.FIND else SELECT_BYTES):
                read = Fault(FaultCode.BAD_REPLY, f"answer of {len(reply.data)} bytes")
        case Command.READ_BASE | Command.READ_BASE_FINGERPRINT:
            with_fingerprint = command is Command.READ_BASE_FINGERPRINT
            read = base_info(reply.data, with_fingerprint=with_fingerprint)
        case Command.READ_APPENDED_ADDRESS:
            read = appended_addresses(reply.data)
        case Command.READ_MANAGEMENT:
            read = management(reply.data)
        case _:
            pass
    return read if isinstance(read, Fault) else None


def _of_reader(reply: Reply) -> Fault | None:
    """What a reply says against the reader itself, not the card: its module refuses to work."""
    refused = reply.fault
    return refused if refused is not None and refused.code is FaultCode.NOT_AUTHORISED else None
