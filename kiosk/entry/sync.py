"""The sync process: sends what waits to the hub, asks it what the window wants to know.

    python -m kiosk.entry.sync --fd N --key-fd M --settings FILE

`N` is one end of a socket pair (`kiosk.sync_messages`), `M` a pipe with 32 bytes of the database
key and 32 of the key of this terminal's certificate. It has its own database connection and ends when its parent does or the pair closes.
The main thread only reads messages; one thread sends, one asks, one leaves scans for phones.
"""

from __future__ import annotations

import argparse
import base64
import os
import queue
import random
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final, assert_never, get_args

from pydantic import ValidationError

from kiosk import sync_messages as messages
from kiosk.channel import Channel, ChannelClosed
from kiosk.clock import SystemClock
from kiosk.entry.bugs import tell_bug, watch_for_bugs
from kiosk.entry.device_news import DeviceNews
from kiosk.entry.pickups import Pickups
from kiosk.entry.program import die_with_parent, no_core_dumps, program_version
from kiosk.log import EventLog, open_log
from kiosk.settings import Settings, load
from offline_cache.blobs import Blobs
from offline_cache.database import Database, open_database
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.keys import KEY_BYTES
from offline_cache.line.client import HubClient
from offline_cache.line.engine import Line, Pace, SyncEngine
from offline_cache.line.enrolment import EnrolmentFiles
from offline_cache.line.failures import Failure, FailureKind
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import DeviceKey, Identity
from offline_cache.line.wire import CardStep, Progress
from offline_cache.outbox import Application, ItemKind, ItemState, Serials
from offline_cache.queue import SendQueue
from offline_cache.retention import Retention
from offline_cache.store import StorePlaces

OPEN_AGAIN_S: Final = 0.5  # the window makes the database within moments of our start
STORE_RETRY_S: Final = 5.0
RETENTION_EVERY_S: Final = 3600.0
LONGEST_SLEEP_S: Final = 30.0  # so that a clock that jumps or a lost wake costs no more
ASK_CONNECT_S: Final = 3.0  # with ASK_READ_S within messages.ANSWER_LIMIT_S
ASK_READ_S: Final = 4.0
# Longer than the slowest batch over a bad line; after it the supervisor hears no answer and acts.
STUCK_S: Final = 600.0
LEAVE_S: Final = 2.0


Question = messages.AskProgress | messages.AskEarlier | messages.AskCard
Reply = messages.Progress | messages.Earlier | messages.CardSaid


class Asks:
    """Answers the window's questions on its own thread, each within the limit."""

    def __init__(
        self, channel: Channel, hub: HubClient, enrolment: EnrolmentFiles, key: DeviceKey
    ) -> None:
        self._channel = channel
        self._hub = hub
        self._enrolment = enrolment
        self._key = key
        self._queue: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self._open: dict[int, threading.Timer] = {}
        self._lock = threading.Lock()
        self._sender: SendQueue | None = None

    def use(self, sender: SendQueue | None) -> None:
        """The store, once it is open."""
        self._sender = sender

    def put(self, request: Question) -> None:
        timer = threading.Timer(
            messages.ANSWER_LIMIT_S, lambda: self._answer(request.id, _unanswered(request))
        )
        timer.daemon = True
        with self._lock:
            self._open[request.id] = timer
        timer.start()
        self._queue.put(request)

    def run(self) -> None:
        while (request := self._queue.get()) is not None:
            with self._lock:
                late = request.id not in self._open
            if late:
                continue
            identity = self._enrolment.read()
            if isinstance(identity, Identity):
                self._hub.use(identity, self._key)
            match request:
                case messages.AskProgress():
                    self._answer(request.id, self._progress(request))
                case messages.AskEarlier():
                    self._answer(request.id, self._earlier(request))
                case messages.AskCard():
                    self._answer(request.id, self._card(request))
                case _:
                    assert_never(request)

    def stop(self) -> None:
        self._queue.put(None)
        with self._lock:
            timers = list(self._open.values())
            self._open.clear()
        for timer in timers:
            timer.cancel()

    def _answer(self, ask_id: int, answer: Reply) -> None:
        """The first answer to a question is the one that counts."""
        with self._lock:
            timer = self._open.pop(ask_id, None)
        if timer is not None:
            timer.cancel()
            self._channel.send(answer.model_dump_json().encode())

    def _progress(self, ask: messages.AskProgress) -> messages.Progress:
        found = self._hub.progress(ask.qr)
        if isinstance(found, Progress):
            known = _progress_state(found.state)
            if known is not None and found.number == ask.number:
                return messages.Progress(
                    id=ask.id,
                    number=ask.number,
                    state=known,
                    item=found.item,
                    accepted_at=found.accepted_at,
                    changed_at=found.changed_at,
                )
            return _unanswered_progress(ask)
        if found.kind is FailureKind.BAD_REQUEST and found.status in (400, 422):
            # no receipt of this region, or signed by somebody else
            return messages.Progress(id=ask.id, number=ask.number, state="signature_wrong")
        here = self._sender.state_of(ask.number) if self._sender is not None else None
        if isinstance(here, Application) and here.state is not ItemState.ACCEPTED:
            return messages.Progress(
                id=ask.id,
                number=ask.number,
                state="waiting_here",
                item=here.item,
                accepted_at=here.accepted_at,
            )
        if found.kind is FailureKind.BAD_REQUEST and found.status == 404:
            return messages.Progress(id=ask.id, number=ask.number, state="unknown_number")
        return _unanswered_progress(ask)

    def _earlier(self, ask: messages.AskEarlier) -> messages.Earlier:
        found = self._hub.earlier(ask.item, ask.id_number, ask.since)
        if isinstance(found, Failure):
            return messages.Earlier(id=ask.id, asked=False)
        state = _progress_state(found.state)
        if found.number is not None and state is None:
            return messages.Earlier(id=ask.id, asked=False)
        return messages.Earlier(
            id=ask.id,
            asked=True,
            number=found.number,
            accepted_at=found.accepted_at,
            state=state or "received",
            materials=found.materials,
            note=found.note,
        )

    def _card(self, ask: messages.AskCard) -> messages.CardSaid:
        found = self._hub.card_step(
            ask.dialogue,
            ask.step,
            base64.b64decode(ask.sealed),
            [bytes.fromhex(answer) for answer in ask.answers],
            ask.ended,
        )
        if isinstance(found, CardStep):
            return messages.CardSaid.model_validate(
                {
                    "id": ask.id,
                    "outcome": found.outcome,
                    "step": found.step,
                    "apdus": [apdu.hex() for apdu in found.apdus],
                    "code": found.code,
                    "text_zh": found.text_zh,
                    "text_en": found.text_en,
                }
            )
        if found.kind is FailureKind.BAD_REQUEST:
            return messages.CardSaid(id=ask.id, outcome="lost", code=found.code)
        return messages.CardSaid(id=ask.id, outcome="unreachable", code=str(found.kind))


def _unanswered(request: Question) -> Reply:
    match request:
        case messages.AskProgress():
            return _unanswered_progress(request)
        case messages.AskEarlier():
            return messages.Earlier(id=request.id, asked=False)
        case messages.AskCard():
            return messages.CardSaid(id=request.id, outcome="unreachable")
        case _:
            assert_never(request)


def _unanswered_progress(ask: messages.AskProgress) -> messages.Progress:
    return messages.Progress(id=ask.id, number=ask.number, state="hub_unreachable")


def _progress_state(text: str) -> messages.HubState | None:
    """The hub's word, if it is one that we know."""
    return next((state for state in get_args(messages.HubState) if state == text), None)


class SyncProcess:
    """Composition root of the process."""

    def __init__(
        self, settings: Settings, key: bytes, device: DeviceKey, channel: Channel, log: EventLog
    ) -> None:
        self._settings = settings
        self._key = key
        self._device = device
        self._channel = channel
        self._log = log
        self._clock = SystemClock()
        self._places = StorePlaces(settings.paths.data)
        self._stopping = threading.Event()
        self._engine: SyncEngine | None = None
        self._step_began: float | None = None
        self._told_fault: StoreFault | None = None
        self._online = False
        self._devices = DeviceNews(self._clock, log)
        hub = settings.hub
        self._enrolment = EnrolmentFiles(self._places, key)
        self._times = HubTime(self._places.hub_time, self._clock)
        self._asks = Asks(
            channel,
            HubClient(
                hub.url,
                self._clock,
                self._times,
                connect_timeout_s=min(hub.connect_timeout_s, ASK_CONNECT_S),
                read_timeout_s=min(hub.read_timeout_s, ASK_READ_S),
            ),
            self._enrolment,
            device,
        )

        self._pickups = Pickups(
            channel,
            HubClient(
                hub.url,
                self._clock,
                self._times,
                connect_timeout_s=hub.connect_timeout_s,
                read_timeout_s=hub.read_timeout_s,
            ),
            self._enrolment,
            device,
            hub.phone_url,
        )

    def run(self) -> int:
        """Until the other end of the channel closes."""
        self._log("process_started", process="sync", version=program_version())
        self._send(messages.Hello(version=program_version()))
        sending = threading.Thread(
            target=self._guarded, args=(self._sending,), name="sync-send", daemon=True
        )
        asking = threading.Thread(
            target=self._guarded, args=(self._asks.run,), name="sync-ask", daemon=True
        )
        picking_up = threading.Thread(
            target=self._guarded, args=(self._pickups.run,), name="sync-pickups", daemon=True
        )
        picking_up.start()
        sending.start()
        asking.start()
        while True:
            frame = self._channel.receive()
            if isinstance(frame, ChannelClosed):
                break
            try:
                request = messages.REQUEST.validate_json(frame.json)
            except ValidationError:
                self._log("unexpected", where="sync", type="message", at="receive")
                continue
            self._handle(request, frame.blobs)
        self._stopping.set()
        self._asks.stop()
        self._pickups.stop()
        if self._engine is not None:
            self._engine.wake()
        sending.join(LEAVE_S)
        self._log("process_stopped", process="sync")
        return 0

    # -- the main thread ----------------------------------------------------------

    def _handle(self, request: messages.Request, blobs: tuple[bytes, ...]) -> None:
        engine = self._engine
        match request:
            case messages.Ping():
                if not self._stuck():
                    self._send(messages.Pong())
            case messages.Wake():
                if engine is not None:
                    engine.wake()
            case messages.Pause():
                if engine is not None:
                    engine.pause()
            case messages.Resume():
                if engine is not None:
                    engine.resume()
            case messages.AskProgress() | messages.AskEarlier() | messages.AskCard():
                self._asks.put(request)
            case messages.Devices():
                self._devices.put(request)
            case messages.KeepPickup() | messages.AskPickup():
                self._pickups.put(request, blobs)
            case _:
                assert_never(request)

    def _stuck(self) -> bool:
        began = self._step_began
        return began is not None and self._clock.monotonic() - began > STUCK_S

    def _guarded(self, work: Callable[[], None]) -> None:
        """A thread that ends by a bug ends the process: it is started again, whole.

        Else it would go on answering pings while nothing is sent any more.
        """
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - also MemoryError
            tell_bug(self._log, threading.current_thread().name, error)
            self._channel.close()

    # -- the sending thread -------------------------------------------------------

    def _sending(self) -> None:
        while not self._stopping.is_set():
            database = open_database(self._places.database, self._key, self._clock, create=False)
            if isinstance(database, StoreFault):
                self._tell_fault(database)
                self._stopping.wait(
                    OPEN_AGAIN_S if database.code is StoreFaultCode.NOT_FOUND else STORE_RETRY_S
                )
                continue
            self._told_fault = None
            try:
                self._send_from(database)
            finally:
                self._asks.use(None)
                database.close()

    def _send_from(self, database: Database) -> None:
        """Work with one open database until stopping, or until it is no use any more."""
        blobs = Blobs(self._places.attachments)
        sender = SendQueue(database, blobs, self._times, Serials(self._places.serials))
        self._asks.use(sender)
        # By the hub's time: a clock that jumps years ahead must not erase what is still young.
        retention = Retention(
            database, blobs, self._times, timedelta(days=self._settings.rules.accepted_days)
        )
        hub = self._settings.hub
        client = HubClient(
            hub.url,
            self._clock,
            self._times,
            connect_timeout_s=hub.connect_timeout_s,
            read_timeout_s=hub.read_timeout_s,
        )
        engine = self._engine = SyncEngine(
            queue=sender,
            blobs=sender,
            hub=client,
            enrolment=self._enrolment,
            key=self._device,
            times=self._times,
            clock=self._clock,
            log=self._log,
            uniform=random.SystemRandom().uniform,
            pace=Pace(hub.idle_poll_s, hub.longest_retry_s, hub.spread_s),
            on_line=self._tell_line,
            on_delivered=lambda number, kind: self._send(
                messages.Delivered(number=number, papers=kind == ItemKind.LATER_PAPERS)
            ),
        )
        retention_at = self._clock.monotonic()
        while not self._stopping.is_set():
            self._step_began = self._clock.monotonic()
            wait_s = engine.step()
            idle = not isinstance(wait_s, StoreFault) and wait_s > 0
            if idle and self._online:
                self._devices.tell(client)
            if idle and self._clock.monotonic() >= retention_at:
                retention_at = self._clock.monotonic() + RETENTION_EVERY_S
                erased = retention.run(lambda: not engine.paused)
                if isinstance(erased, StoreFault):
                    wait_s = erased
                elif erased.more:  # when the citizen is through, not in an hour
                    retention_at = self._clock.monotonic()
            self._step_began = None
            if isinstance(wait_s, StoreFault):
                self._tell_fault(wait_s)
                if wait_s.code is StoreFaultCode.DAMAGED:
                    break  # let go of it, so that its owner can set it aside
                self._stopping.wait(STORE_RETRY_S)
                continue
            engine.wait(min(wait_s, LONGEST_SLEEP_S))
        self._engine = None
        client.close()

    def _tell_line(self, line: Line) -> None:
        self._online = line.online
        self._send(
            messages.Line(
                online=line.online,
                last_contact=line.last_contact,
                waiting=line.waiting,
                stopped=line.alarm,
                reason=line.reason,
                clock_off_s=line.clock_off_s,
            )
        )

    def _tell_fault(self, fault: StoreFault) -> None:
        if fault == self._told_fault:
            return
        self._told_fault = fault
        self._log("store_fault", fault=str(fault.code), detail=fault.detail)
        self._send(messages.StoreTrouble(fault=str(fault.code), detail=fault.detail))

    def _send(self, answer: messages.Answer) -> None:
        self._channel.send(answer.model_dump_json().encode())


def _read_keys(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read(2 * KEY_BYTES + 1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="kiosk.entry.sync")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--key-fd", type=int, required=True)
    parser.add_argument("--settings", type=Path, required=True)
    given = parser.parse_args(arguments)
    die_with_parent(signal.SIGTERM)
    no_core_dumps()  # it would hold the keys
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the window, which then ends us
    settings = load(given.settings)
    if not isinstance(settings, Settings):
        for fault in settings:
            print(fault, file=sys.stderr)
        return 2
    keys = _read_keys(given.key_fd)
    if len(keys) != 2 * KEY_BYTES:
        print("the keys were not handed over", file=sys.stderr)
        return 2
    with open_log(settings.paths.logs, "sync") as out:
        log = EventLog(out, "sync")
        watch_for_bugs(log, "sync")  # standard error is a file: no exception's text goes there
        channel = Channel(socket.socket(fileno=given.fd))
        device = DeviceKey(keys[KEY_BYTES:])
        code = SyncProcess(settings, keys[:KEY_BYTES], device, channel, log).run()
        out.flush()
        # A thread may still be inside a call of the line: nothing it does now can be lost.
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
