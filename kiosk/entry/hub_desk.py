"""The window's side of the sync process: questions to the hub, and the state of the line.

Whatever happens to that process, every question is answered: when it is lost, what was asked of
it counts as the hub being out of reach.
"""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, assert_never

from pydantic import ValidationError

from drivers.device import Clock, Log, Post
from kiosk import sync_messages as messages
from kiosk.channel import ChannelClosed, Frame
from kiosk.clock import days_back
from kiosk.entry.store_desk import ReceiptHere, state_here
from kiosk.flow.effects import (
    AskPickup,
    CheckReceipt,
    HandOver,
    LookForEarlier,
)
from kiosk.flow.events import (
    Delivered,
    EarlierKnown,
    Found,
    HandedOver,
    LineChanged,
    PickupKnown,
    ProgressKnown,
    ReceiptRefused,
)
from kiosk.flow.pages import ProgressKind
from offline_cache.outbox import Application

Send = Callable[[bytes, tuple[bytes, ...]], ChannelClosed | None]


@dataclass(frozen=True, slots=True)
class _Asked:
    effect: LookForEarlier | CheckReceipt | HandOver | AskPickup
    here: Application | None = None
    following: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def at_staff(self) -> bool:
        """It is of this terminal, and the centre could not take it."""
        return self.here is not None and state_here(self.here.state) is ProgressKind.AT_STAFF


class HubDesk:
    """Safe from any thread; passes on and never waits."""

    def __init__(
        self,
        *,
        send: Send,
        post: Post,
        clock: Clock,
        log: Log,
        correct: Callable[[float], None],
    ) -> None:
        """`correct` is told what to add to this machine's clock, as often as the line changes."""
        self._send = send
        self._correct = correct
        self._post = post
        self._clock = clock
        self._log = log
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._asked: dict[int, _Asked] = {}
        self._cards: dict[int, Callable[[messages.CardSaid | None], None]] = {}
        self._devices: messages.Devices | None = None

    # -- to the sync process ----------------------------------------------------------

    def wake(self) -> None:
        """Something was committed."""
        self._send_message(messages.Wake())

    def sealing(self, busy: bool) -> None:
        """A citizen seals: the disk is theirs."""
        self._send_message(messages.Pause() if busy else messages.Resume())

    def tell_devices(self, devices: messages.Devices) -> None:
        """What all devices are now; told once, and to each new sync process."""
        with self._lock:
            if devices == self._devices:
                return
            self._devices = devices
        self._send_message(devices)

    def ask_earlier(self, effect: LookForEarlier, following: Mapping[str, tuple[str, ...]]) -> None:
        """Did this person apply elsewhere, and does the office want more? `following`: by receipt
        number, the papers that wait here and that it does not know of."""
        number = self._remember(_Asked(effect, following=following))
        since = days_back(self._clock.utc(), effect.within_days)
        request = messages.AskEarlier(
            id=number, item=effect.item, id_number=effect.id_number, since=since
        )
        if self._send_message(request) is not None:
            self._unanswered(number)

    def check_receipt(self, effect: CheckReceipt, here: ReceiptHere) -> None:
        """Answer from what is known here, else ask the hub."""
        application = here.application
        if application is not None and not here.signature_agrees:
            self._post(ReceiptRefused(effect.scope, effect.number))
            return
        if application is not None and application.state.waits:
            self._post(_progress(effect, ProgressKind.WAITING_HERE, application))
            return
        number = self._remember(_Asked(effect, application))
        request = messages.AskProgress(id=number, number=effect.number, qr=effect.qr_text)
        if self._send_message(request) is not None:
            self._unanswered(number)

    def ask_card(
        self,
        dialogue: str,
        step: int,
        sealed: bytes,
        answers: tuple[bytes, ...],
        *,
        ended: Literal["", "changed", "not_changed", "unknown"],
        reply: Callable[[messages.CardSaid | None], None],
    ) -> None:
        """One step of a card's dialogue. `reply` is called once, from any thread; None: nobody
        answers."""
        number = next(self._ids)
        with self._lock:
            self._cards[number] = reply
        request = messages.AskCard(
            id=number,
            dialogue=dialogue,
            step=step,
            sealed=base64.b64encode(sealed).decode(),
            answers=tuple(answer.hex() for answer in answers),
            ended=ended,
        )
        if self._send_message(request) is not None:
            self._reply(number, None)

    def _reply(self, number: int, said: messages.CardSaid | None) -> None:
        with self._lock:
            reply = self._cards.pop(number, None)
        if reply is not None:
            reply(said)

    def hand_over(self, effect: HandOver) -> None:
        """A scan for a phone: its answer comes when the line has carried it."""
        number = self._remember(_Asked(effect))
        request = messages.KeepPickup(id=number, replaces=effect.replaces)
        if self._send(request.model_dump_json().encode(), (effect.pdf,)) is not None:
            self._unanswered(number)

    def ask_pickup(self, effect: AskPickup) -> None:
        number = self._remember(_Asked(effect))
        if self._send_message(messages.AskPickup(id=number, name=effect.name)) is not None:
            self._unanswered(number)

    def forget(self) -> None:
        """The session is over: answers that still come are dropped."""
        with self._lock:
            self._asked.clear()
            cards = list(self._cards)
        for number in cards:
            self._reply(number, None)

    # -- from the child's thread ----------------------------------------------------------

    def on_up(self) -> None:
        """A new process looks for what waits by itself; the devices only we know."""
        with self._lock:
            devices = self._devices
        if devices is not None:
            self._send_message(devices)

    def on_down(self, reason: str) -> None:
        self._post(LineChanged(online=False, last_contact=None, waiting=0))
        with self._lock:
            numbers, cards = list(self._asked), list(self._cards)
        for number in numbers:
            self._unanswered(number)
        for number in cards:
            self._reply(number, None)

    def on_frame(self, frame: Frame) -> None:
        try:
            answer = messages.ANSWER.validate_json(frame.json)
        except ValidationError as error:
            self._log("unexpected", where="sync message", type=type(error).__name__, at="")
            return
        match answer:
            case messages.Hello() | messages.Pong():
                pass
            case messages.Line():
                self._correct(answer.clock_off_s)
                self._post(
                    LineChanged(answer.online, answer.last_contact, answer.waiting, answer.stopped)
                )
            case messages.Delivered():
                self._post(Delivered(answer.number, answer.papers))
            case messages.Earlier():
                asked = self._take(answer.id)
                if asked is not None and isinstance(asked.effect, LookForEarlier):
                    self._post(EarlierKnown(asked.effect.scope, _found(answer, asked.following)))
            case messages.Progress():
                self._on_progress(answer)
            case messages.PickupKept() | messages.PickupKnown():
                self._on_pickup(answer)
            case messages.CardSaid():
                self._reply(answer.id, answer)
            case messages.StoreTrouble():
                self._log("store_fault", fault=answer.fault, detail=f"sync: {answer.detail}")
            case _:
                assert_never(answer)

    def _on_pickup(self, answer: messages.PickupKept | messages.PickupKnown) -> None:
        asked = self._take(answer.id)
        match answer:
            case messages.PickupKept(name=name, link=link):
                if asked is not None and isinstance(asked.effect, HandOver):
                    self._post(HandedOver(asked.effect.scope, name, link))
            case messages.PickupKnown(name=name, state=state):
                if asked is not None and isinstance(asked.effect, AskPickup):
                    self._post(PickupKnown(asked.effect.scope, name, state))
            case _:
                assert_never(answer)

    def _on_progress(self, answer: messages.Progress) -> None:
        asked = self._take(answer.id)
        if asked is None or not isinstance(asked.effect, CheckReceipt):
            return
        effect = asked.effect
        if answer.state == "signature_wrong":
            self._post(ReceiptRefused(effect.scope, effect.number))
            return
        state = ProgressKind(answer.state)
        if state in (ProgressKind.UNKNOWN_NUMBER, ProgressKind.HUB_UNREACHABLE) and asked.at_staff:
            self._post(_progress(effect, ProgressKind.AT_STAFF, asked.here))
            return
        self._post(
            ProgressKnown(
                effect.scope,
                effect.number,
                state,
                answer.item,
                answer.accepted_at,
                answer.changed_at,
            )
        )

    def _remember(self, asked: _Asked) -> int:
        number = next(self._ids)
        with self._lock:
            self._asked[number] = asked
        return number

    def _take(self, number: int) -> _Asked | None:
        with self._lock:
            return self._asked.pop(number, None)

    def _unanswered(self, number: int) -> None:
        asked = self._take(number)
        if asked is None:
            return
        match asked.effect:
            case LookForEarlier():
                self._post(EarlierKnown(asked.effect.scope, None))
            case CheckReceipt():
                kind = ProgressKind.AT_STAFF if asked.at_staff else ProgressKind.HUB_UNREACHABLE
                self._post(_progress(asked.effect, kind, asked.here))
            case HandOver():
                self._post(HandedOver(asked.effect.scope, "", ""))
            case AskPickup():
                self._post(PickupKnown(asked.effect.scope, asked.effect.name, "unknown"))
            case _:
                assert_never(asked.effect)

    def _send_message(self, message: messages.Request) -> ChannelClosed | None:
        return self._send(message.model_dump_json().encode(), ())


def _found(answer: messages.Earlier, following: Mapping[str, tuple[str, ...]]) -> Found | None:
    if answer.number is None or answer.accepted_at is None:
        return None
    return Found(
        answer.number,
        answer.accepted_at,
        ProgressKind(answer.state),
        note=answer.note,
        held=answer.materials,
        following=following.get(answer.number, ()),
    )


def _progress(effect: CheckReceipt, kind: ProgressKind, here: Application | None) -> ProgressKnown:
    return ProgressKnown(
        effect.scope,
        effect.number,
        kind,
        here.item if here else None,
        here.accepted_at if here else None,
        None,
    )
