"""A dialogue between a social card and its authority, carried by a terminal.

The password comes sealed with every step and is opened for that step only: it is in no table and no
log. A step that is asked again is answered again with the same words, and nothing happens twice.

A case without a password only asks whether there would be a dialogue, before the citizen types one:
nothing is begun by it and nothing kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import import_module
from typing import Any, assert_never, cast

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from pydantic import Field, ValidationError

from hub.applications.bodies import (
    CitizenNumber,
    FullLine,
    Strict,
    UnreadableError,
    matching,
    read_json,
)
from hub.cards.authority import (
    CardAuthority,
    CardCase,
    Changed,
    Move,
    ReferenceAuthority,
    Refused,
    Say,
)
from hub.cards.models import CardDialogue, CardState, Outcome
from hub.masking import masked_name, masked_number
from hub.seal.envelope import KeyRing, SealFault, open_envelope
from hub.terminals.models import Terminal

OPENED_BYTES = 2048  # a name, four numbers and six digits
LIVES_FOR = timedelta(minutes=5)  # a card that lies in the reader for longer was left there
APDUS_MAX = 8
NOT_OFFERED = Refused(
    "not_offered",
    "本地还没有开通自助改密码，请带卡和身份证到社保窗口办。",
    "This is not offered here yet. Please take the card and your ID card to the counter.",
)
# Of one card: who mistypes may try again, who tries on and on is helped at the counter.
DIALOGUES_A_DAY = 5
ENOUGH_TODAY = Refused(
    "daily_limit",
    f"这张社保卡今天已经改了{DIALOGUES_A_DAY}次密码（没改成的也算），请明天再来，或者带卡和身份证到社保窗口办。",
    f"This card's password was changed or tried {DIALOGUES_A_DAY} times today. Please come again "
    "tomorrow, or take the card and your ID card to the counter.",
)
ANOTHER_PERSON = Refused(
    "another_person",
    "社保卡和身份证不是同一个人的，不能改。",
    "The social security card and the ID card are not the same person's.",
)


class DialogueFault(StrEnum):
    """Why a step is no step of a dialogue."""

    NOT_SEALED = "not_sealed"
    UNKNOWN = "dialogue_unknown"
    CONFLICT = "dialogue_conflict"
    OVER = "dialogue_over"


class _Card(Strict):
    card_id: matching(r"^[0-9A-Fa-f]{0,32}$") = Field(repr=False)
    card_number: matching(r"^[0-9A-Za-z]{0,20}$") = Field(repr=False)
    name: FullLine = Field(repr=False)
    id_number: CitizenNumber = Field(repr=False)


class _Identity(Strict):
    name: FullLine = Field(repr=False)
    number: CitizenNumber = Field(repr=False)


class SealedCase(Strict):
    """What a terminal seals: whose it is by both cards, and the password wanted; none: a question."""

    identity: _Identity
    card: _Card
    pin: matching(r"^([0-9]{6})?$") = Field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """One step. `ended`: the terminal breaks off, and this is what it knows of the card."""

    dialogue: str
    step: int
    sealed: str = field(repr=False)
    answers: tuple[str, ...] = field(repr=False)
    ended: str

    @property
    def sha256(self) -> str:
        whole = json.dumps([self.step, self.sealed, self.answers, self.ended]).encode()
        return hashlib.sha256(whole).hexdigest()


def authority_named(name: str) -> CardAuthority | None:
    """`reference`, or module:Class of a region's own; None: nothing is offered."""
    if not name:
        return None
    if name == "reference":
        return ReferenceAuthority()
    module, _, attribute = name.partition(":")
    return cast("CardAuthority", getattr(import_module(module), attribute)())


def card_context(terminal: str, dialogue: str) -> bytes:
    """What binds a sealed password to one dialogue of one terminal."""
    return "\0".join(("card", terminal, dialogue)).encode()


def heard(
    terminal: Terminal, asked: Asked, keys: KeyRing, authority: CardAuthority | None, now: datetime
) -> dict[str, Any] | DialogueFault:
    """The answer to one step."""
    case = _opened(terminal.code, asked, keys)
    if isinstance(case, DialogueFault):
        return case
    if not case.pin:
        if asked.step != 0 or asked.ended:
            return DialogueFault.CONFLICT
        return _answer(asked, _objection(case, authority, now) or Ready())
    with transaction.atomic():
        rows = CardDialogue.objects.select_for_update().filter(terminal=terminal)
        row = rows.filter(dialogue=asked.dialogue).first()
        if row is None:
            if asked.step != 0 or asked.ended:
                return DialogueFault.UNKNOWN
            # One reader, one card: whatever ran there before is over, and what was said with it.
            rows.filter(outcome=Outcome.OPEN).update(
                outcome=Outcome.BROKEN_OFF, answer={}, memory="", heard_at=now
            )
            return _begun(terminal, asked, case, authority, now)
        if row.asked_sha256 == asked.sha256:
            return cast("dict[str, Any]", row.answer) or DialogueFault.OVER
        if row.outcome != Outcome.OPEN or now - row.begun_at > LIVES_FOR:
            return DialogueFault.OVER
        # Who breaks off may not have heard the last answer.
        in_turn = asked.step == row.step or (asked.ended and asked.step == row.step - 1)
        if not in_turn or row.seal_sha256 != _sha(asked.sealed) or authority is None:
            return DialogueFault.CONFLICT
        return _went_on(row, asked, case, authority, now)


def _opened(terminal: str, asked: Asked, keys: KeyRing) -> SealedCase | DialogueFault:
    try:
        sealed = base64.b64decode(asked.sealed, validate=True)
    except (binascii.Error, ValueError):
        return DialogueFault.NOT_SEALED
    context = card_context(terminal, asked.dialogue)
    content = open_envelope(sealed, context, keys, bytes_max=OPENED_BYTES)
    if isinstance(content, SealFault):
        return DialogueFault.NOT_SEALED
    try:
        return SealedCase.model_validate(read_json(content))
    except (UnreadableError, ValidationError):
        return DialogueFault.NOT_SEALED


def _begun(
    terminal: Terminal,
    asked: Asked,
    case: SealedCase,
    authority: CardAuthority | None,
    now: datetime,
) -> dict[str, Any]:
    row = CardDialogue(
        terminal=terminal,
        dialogue=asked.dialogue,
        begun_at=now,
        name_masked=masked_name(case.identity.name),
        number_masked=masked_number(case.identity.number),
        region=case.card.card_id[:6],
        seal_sha256=_sha(asked.sealed),
    )
    move: Move | None = _objection(case, authority, now)
    if move is None and authority is not None:
        move = authority.begin(_case(case))
        if isinstance(move, Say):  # from here on the card is spoken to
            row.card_day = _card_day(case, now)
    return _said(row, asked, move or NOT_OFFERED, now)


def _objection(case: SealedCase, authority: CardAuthority | None, now: datetime) -> Refused | None:
    """Why no dialogue is begun with this card."""
    if authority is None:
        return NOT_OFFERED
    if case.card.id_number != case.identity.number:
        return ANOTHER_PERSON
    if CardDialogue.objects.filter(card_day=_card_day(case, now)).count() >= DIALOGUES_A_DAY:
        return ENOUGH_TODAY
    return authority.objection(_case(case))


def _card_day(case: SealedCase, now: datetime) -> str:
    """What a card is known by for one day: by nobody without this hub's key, and tomorrow by
    another."""
    card = case.card.card_id.upper() or case.card.card_number.upper()
    day = timezone.localdate(now).isoformat()
    return salted_hmac("hub.cards", f"{day}\n{card}", algorithm="sha256").hexdigest()


def _went_on(
    row: CardDialogue, asked: Asked, case: SealedCase, authority: CardAuthority, now: datetime
) -> dict[str, Any]:
    if asked.ended:
        row.card_state = CardState(asked.ended)
        row.outcome = Outcome.CHANGED if asked.ended == CardState.CHANGED else Outcome.BROKEN_OFF
        return _said(row, asked, Refused("", "", ""), now, outcome=Outcome(row.outcome))
    answers = [bytes.fromhex(answer) for answer in asked.answers]
    return _said(row, asked, authority.go_on(_case(case), row.memory, answers), now)


def _said(
    row: CardDialogue, asked: Asked, move: Move, now: datetime, outcome: Outcome | None = None
) -> dict[str, Any]:
    """Write down what is said before it is said."""
    row.heard_at, row.asked_sha256, row.memory = now, asked.sha256, ""
    row.answer = _answer(asked, move)
    row.step = asked.step + 1
    match move:
        case Say():
            row.memory = move.memory
        case Changed():
            row.outcome, row.card_state = Outcome.CHANGED, CardState.CHANGED
        case Refused():
            row.outcome, row.code = outcome or Outcome.REFUSED, move.code
        case _:
            assert_never(move)
    row.save()
    return cast("dict[str, Any]", row.answer)


@dataclass(frozen=True, slots=True)
class Ready:
    """There would be a dialogue; nothing was begun."""


def _answer(asked: Asked, move: Move | Ready) -> dict[str, Any]:
    apdus: Sequence[bytes] = ()
    code = zh = en = ""
    match move:
        case Ready():
            said = "ready"
        case Say():
            said, apdus = "transmit", move.apdus
        case Changed():
            said = "done"
        case Refused():
            said, code, zh, en = "refused", move.code, move.zh, move.en
        case _:
            assert_never(move)
    return {
        "dialogue": asked.dialogue,
        "step": asked.step + 1,
        "outcome": said,
        "apdus": [apdu.hex().upper() for apdu in apdus[:APDUS_MAX]],
        "code": code,
        "text_zh": zh,
        "text_en": en,
    }


def _case(sealed: SealedCase) -> CardCase:
    card = sealed.card
    return CardCase(
        name=card.name,
        id_number=card.id_number,
        card_id=card.card_id,
        card_number=card.card_number,
        region=card.card_id[:6],
        pin=sealed.pin,
    )


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
