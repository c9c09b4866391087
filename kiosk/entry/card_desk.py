"""Gives a social card its new password: the hub says the commands, the card answers them.

Each dialogue runs on a thread of its own, which ends with it: hub and card may both be slow, and
nobody waits for them. The password is sealed to the hub before it leaves this process, and is in no
log. However it ends, it is told what is known of the card.
"""

from __future__ import annotations

import json
import queue
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from drivers.card_reader.values import CardAnswer, Transmit
from drivers.device import Fault, Log, Post
from kiosk import sync_messages as messages
from kiosk.card_dialogue import DONE, STEPS_MAX, CardChange, Warden
from kiosk.entry.bugs import tell_bug
from kiosk.flow.effects import AskCardPassword, ChangeCardPassword
from kiosk.flow.events import (
    CardPasswordEnded,
    CardPasswordLeave,
    CardPasswordLeaveKnown,
    DialogueEnd,
)
from offline_cache.faults import StoreFault

TRIES: Final = 3  # of a step that the hub did not answer: it is harmless to ask again
PAUSE_S: Final = 1.0  # between two of them
REPLY_LIMIT_S: Final = messages.ANSWER_LIMIT_S + 4.0  # the sync process answers before that
CARD_LIMIT_S: Final = 6.0  # a card that makes keys takes a second or two
REFERENCE_DIGITS: Final = 8

Reply = Callable[[messages.CardSaid | None], None]
Ended = Literal["", "changed", "not_changed", "unknown"]


class AskHub(Protocol):
    def __call__(
        self,
        dialogue: str,
        step: int,
        sealed: bytes,
        answers: tuple[bytes, ...],
        *,
        ended: Ended,
        reply: Reply,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class _Broken:
    """A dialogue that does not go on."""

    end: DialogueEnd
    said: messages.CardSaid | None = None


class CardDesk:
    """`transmit` waits for the card's answer; `seal` makes what the hub alone can open."""

    def __init__(
        self,
        *,
        transmit: Callable[[Transmit], object],
        ask: AskHub,
        seal: Callable[[bytes, str], bytes | StoreFault],
        application: bytes,
        post: Post,
        log: Log,
    ) -> None:
        self._transmit = transmit
        self._ask = ask
        self._seal = seal
        self._application = application
        self._post = post
        self._log = log
        self._leave = threading.Event()

    def perform(self, effect: ChangeCardPassword) -> None:
        """Answered by `CardPasswordEnded`."""
        self._leave = leave = threading.Event()
        thread = threading.Thread(
            target=self._guarded, args=(effect, leave), name="card-dialogue", daemon=True
        )
        thread.start()

    def ask_leave(self, effect: AskCardPassword) -> None:
        """Answered by `CardPasswordLeaveKnown`. No command goes to the card."""
        self._leave = leave = threading.Event()
        thread = threading.Thread(
            target=self._asked_leave, args=(effect, leave), name="card-question", daemon=True
        )
        thread.start()

    def _asked_leave(self, effect: AskCardPassword, leave: threading.Event) -> None:
        dialogue = _Dialogue(
            self._transmit, self._ask, Warden(self._application), effect.card, leave
        )
        known = CardPasswordLeaveKnown(effect.scope, effect.card, CardPasswordLeave.HUB_AWAY)
        try:
            said = dialogue.question(self._seal(_case(effect, pin=""), dialogue.id))
            if said is not None:
                known = CardPasswordLeaveKnown(effect.scope, effect.card, *said)
        except Exception as error:  # noqa: BLE001 - the step goes on, whatever is wrong here
            tell_bug(self._log, "card-question", error)
        self._post(known)

    def forget(self) -> None:
        """The session is over: no command more goes to a card."""
        self._leave.set()

    def _guarded(self, effect: ChangeCardPassword, leave: threading.Event) -> None:
        dialogue = _Dialogue(
            self._transmit, self._ask, Warden(self._application), effect.card, leave
        )
        end = _Broken(DialogueEnd.FAILED)
        try:
            end = dialogue.run(self._seal(_case(effect, effect.pin), dialogue.id))
        except Exception as error:  # noqa: BLE001 - what is known of the card is told all the same
            tell_bug(self._log, "card-dialogue", error)
        change = dialogue.change
        code = dialogue.objection or (end.said.code if end.said else "")
        self._log("card_dialogue", end=end.end.value, card=change.value, code=code[:60])
        self._post(
            CardPasswordEnded(
                effect.scope,
                end.end,
                change,
                dialogue.id[:REFERENCE_DIGITS].upper(),
                end.said.text_zh if end.said else "",
                end.said.text_en if end.said else "",
            )
        )


class _Dialogue:
    def __init__(
        self,
        transmit: Callable[[Transmit], object],
        ask: AskHub,
        warden: Warden,
        card: int,
        leave: threading.Event,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.objection = ""
        self._transmit = transmit
        self._ask_hub = ask
        self._warden = warden
        self._card = card
        self._leave = leave

    @property
    def change(self) -> CardChange:
        return self._warden.change

    def run(self, sealed: bytes | StoreFault) -> _Broken:
        if isinstance(sealed, StoreFault):
            return _Broken(DialogueEnd.HUB_AWAY)
        step = 0
        answers: tuple[bytes, ...] = ()
        while step < STEPS_MAX:
            said = self._asked(step, sealed, answers)
            if said is None:
                return _Broken(DialogueEnd.HUB_AWAY)
            match said.outcome:
                case "done":
                    done = self.change is CardChange.CHANGED
                    return _Broken(DialogueEnd.DONE if done else DialogueEnd.FAILED)
                case "refused":
                    return _Broken(DialogueEnd.REFUSED, said)
                case "ready" | "lost" | "unreachable":
                    return _Broken(DialogueEnd.FAILED, said)
                case "transmit":
                    pass
            broken, answers = self._passed_on([bytes.fromhex(apdu) for apdu in said.apdus])
            step = said.step
            if broken is not None:
                self._once(step, sealed, (), ended=self.change.value)
                return broken
        return _Broken(DialogueEnd.FAILED)

    def question(self, sealed: bytes | StoreFault) -> tuple[CardPasswordLeave, str, str] | None:
        """Whether a dialogue would be begun, and the words where it would not; None: not known."""
        said = None if isinstance(sealed, StoreFault) else self._asked(0, sealed, ())
        match said.outcome if said is not None else None:
            case "ready":
                return CardPasswordLeave.GIVEN, "", ""
            case "refused" if said is not None:
                return CardPasswordLeave.REFUSED, said.text_zh, said.text_en
            case _:
                return None

    def _passed_on(self, commands: list[bytes]) -> tuple[_Broken | None, tuple[bytes, ...]]:
        """The card's answers, up to the first that is not 9000."""
        self.objection = self._warden.objection(commands)
        if self.objection:
            return _Broken(DialogueEnd.FAILED), ()
        answers: list[bytes] = []
        for command in commands:
            if self._leave.is_set():
                return _Broken(DialogueEnd.FAILED), ()
            answer = self._transmit(Transmit(self._card, command))
            if not isinstance(answer, CardAnswer):
                self._warden.answered(command, None)
                code = str(answer.code) if isinstance(answer, Fault) else "down"
                said = messages.CardSaid(id=0, outcome="lost", code=code)
                return _Broken(DialogueEnd.CARD_GONE, said), ()
            self._warden.answered(command, answer.status_word)
            answers.append(answer.data + answer.status_word.to_bytes(2, "big"))
            if answer.status_word != DONE:
                break
        return None, tuple(answers)

    def _asked(
        self, step: int, sealed: bytes, answers: tuple[bytes, ...]
    ) -> messages.CardSaid | None:
        """None: the hub did not answer, however often it was asked."""
        for number in range(TRIES):
            if number and self._leave.wait(PAUSE_S):
                return None
            said = self._once(step, sealed, answers)
            if said is not None and said.outcome != "unreachable":
                return said
        return None

    def _once(
        self, step: int, sealed: bytes, answers: tuple[bytes, ...], ended: Ended = ""
    ) -> messages.CardSaid | None:
        heard: queue.SimpleQueue[messages.CardSaid | None] = queue.SimpleQueue()
        self._ask_hub(self.id, step, sealed, answers, ended=ended, reply=heard.put)
        try:
            return heard.get(timeout=REPLY_LIMIT_S)
        except queue.Empty:
            return None


def _case(effect: AskCardPassword | ChangeCardPassword, pin: str) -> bytes:
    """What is sealed: whose it is by both cards, and the new password; none in a question."""
    holder, card = effect.holder, effect.social
    return json.dumps(
        {
            "identity": {"name": holder.name or holder.english_name, "number": holder.number},
            "card": {
                "card_id": card.card_id,
                "card_number": card.card_number,
                "name": card.name,
                "id_number": card.id_number.upper(),
            },
            "pin": pin,
        },
        ensure_ascii=False,
    ).encode()
