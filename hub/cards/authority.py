"""Who holds the keys of a region's social cards, and what it tells a card. Pure.

A terminal has no key: it passes commands on and answers back. The commands come from a card
authority, named by the setting HUB_CARD_AUTHORITY. A region's own key system (密钥系统) takes the
place of the one here by a class of the same three calls; without the setting nothing is offered.

`ReferenceAuthority` is for rehearsal and tests. It holds a made-up key that no real card has: a real
card would count each try against its own limit, so it must never be named where real cards are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hub.cards.secure_messaging import MAC_CHALLENGE_BYTES, card_key, enciphered, hidden, mac

DONE = b"\x90\x00"
APPLICATION = b"sx1.sh." + "社会保障".encode("gbk")  # SSSE, LD/T 32
SELECT = b"\x00\xa4\x04\x00"
GET_CHALLENGE = b"\x00\x84\x00\x00"
EXTERNAL_AUTHENTICATE = b"\x00\x82\x00\x01"
PIN_UNBLOCK = b"\x84\x24\x00\x00"
CHALLENGE_BYTES = 8
CARD_ID_DIGITS = 32
# Two master keys: to be let in, and to write a PIN. Made up; no card of the state has them.
MADE_UP_KEYS = bytes.fromhex(
    "5A57726568656172 73616C6B65793031 5A57726568656172 73616C6B65793032".replace(" ", "")
)


@dataclass(frozen=True, slots=True)
class CardCase:
    """Whose card, and what it is to have. `repr` shows none of it."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)
    card_id: str = field(repr=False)
    card_number: str = field(repr=False)
    region: str
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Say:
    """Commands for the card. `memory` comes back with the answers; it must hold no PIN."""

    apdus: tuple[bytes, ...] = field(repr=False)
    memory: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Changed:
    """The card has the new password."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not be done; the words are for the citizen."""

    code: str
    zh: str
    en: str


Move = Say | Changed | Refused


class CardAuthority(Protocol):
    """`objection`: whether this card may have a new password at all; nothing is begun by it, and the
    case has no PIN yet. Then one dialogue: `begin`, and `go_on` with the answers to the commands said last.

    An answer is data and status word. The terminal stops at the first that is not 90 00, so there
    may be fewer answers than commands, never none.
    """

    def objection(self, case: CardCase) -> Refused | None: ...

    def begin(self, case: CardCase) -> Move: ...

    def go_on(self, case: CardCase, memory: str, answers: Sequence[bytes]) -> Move: ...


class ReferenceAuthority:
    """Let in by the card's challenge, then PIN UNBLOCK with secure messaging."""

    def __init__(self, keys: bytes = MADE_UP_KEYS) -> None:
        self._let_in, self._write = keys[:16], keys[16:]

    def objection(self, case: CardCase) -> Refused | None:
        return UNKNOWN_CARD if len(case.card_id) != CARD_ID_DIGITS else None

    def begin(self, case: CardCase) -> Move:
        select = SELECT + bytes([len(APPLICATION)]) + APPLICATION + b"\0"
        return Say((select, GET_CHALLENGE + bytes([CHALLENGE_BYTES])), "let_in")

    def go_on(self, case: CardCase, memory: str, answers: Sequence[bytes]) -> Move:
        if not answers or not answers[-1].endswith(DONE):
            return _refusal(answers[-1][-2:] if answers else b"")
        challenge = answers[-1][:-2]
        own = bytes.fromhex(case.card_id)[-8:]
        match memory:
            case "let_in" if len(challenge) == CHALLENGE_BYTES and len(answers) == 2:
                proof = enciphered(card_key(self._let_in, own), challenge)
                let_in = EXTERNAL_AUTHENTICATE + bytes([len(proof)]) + proof
                return Say((let_in, GET_CHALLENGE + bytes([MAC_CHALLENGE_BYTES])), "write")
            case "write" if len(challenge) == MAC_CHALLENGE_BYTES and len(answers) == 2:
                key = card_key(self._write, own)
                data = hidden(key, bytes.fromhex(case.pin))
                data += mac(key, challenge, PIN_UNBLOCK, data)
                return Say((PIN_UNBLOCK + bytes([len(data)]) + data,), "written")
            case "written":
                return Changed()
            case _:
                return UNKNOWN_CARD


UNKNOWN_CARD = Refused(
    "unknown_card",
    "这张社保卡不能在这里改密码，请带卡和身份证到社保窗口办。",
    "This card's password cannot be changed here. Please take it and your ID card to the counter.",
)
CARD_BLOCKED = Refused(
    "card_blocked",
    "这张社保卡已经锁住，请带卡和身份证到社保窗口解锁。",
    "This card is locked. Please take it and your ID card to the counter to unlock it.",
)
KEY_REFUSED = Refused(
    "key_refused",
    "这张社保卡没有认可这次修改，请带卡和身份证到社保窗口办。",
    "The card did not accept the change. Please take it and your ID card to the counter.",
)


def _refusal(status: bytes) -> Refused:
    if status == b"\x69\x83":
        return CARD_BLOCKED
    if status[:1] == b"\x63" or status in (b"\x69\x82", b"\x69\x88"):
        return KEY_REFUSED
    return UNKNOWN_CARD
