"""Any bytes at all from a smart card."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.card_reader.protocol import (
    bcd_date,
    blank,
    digits,
    exchange,
    first_object,
    identify,
    is_contactless,
    masked_number_in,
    objects,
    parse_command,
    text_of,
)
from drivers.card_reader.values import BankCard
from kiosk.identity.social_card import social_layout

LAYOUT = social_layout()
ATRS = (
    bytes.fromhex("3B6500005353534531"),
    bytes.fromhex("3B8F8001804F0CA000000306030001000000006A"),
)
MOST_COMMANDS = 4000  # every answer of 300 kinds, some in pieces; more would be no end


def seeds() -> list[bytes]:
    return [
        bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"),
        bytes.fromhex("6F108408A000000333010101A5045002AABB"),
        bytes.fromhex("57136222021234567890123D25122206"),
        "张三".encode("gbk"),
        bytes.fromhex("00 02 9000 02 9000 06 0104449901009000 02 6A83 20 091E") + bytes(30),
    ]


def fuzz(data: bytes) -> None:
    parse_command(data)
    list(objects(data))
    first_object(data, 0x5A)
    digits(data)
    bcd_date(data)
    blank(data)
    text_of(data)
    is_contactless(data)
    shown = masked_number_in(data)
    assert sum(char.isdigit() for char in shown) <= 4, "never a whole number of a bank card"
    converse(data)


def converse(data: bytes) -> None:
    """A whole conversation: the first byte chooses the card, then each answer with its length."""
    if not data:
        return
    answers = pieces(data[1:])
    script = identify(LAYOUT, ATRS[data[0] & 1])
    said = 0
    try:
        command = next(script)
        while True:
            wire = exchange(command, t0=bool(data[0] & 2))
            try:
                next(wire)
                while True:
                    said += 1
                    assert said < MOST_COMMANDS, "a conversation without an end"
                    wire.send(next(answers, b"\x6a\x82"))
            except StopIteration as end:
                if not hasattr(end.value, "status_word"):
                    return
                command = script.send(end.value)
    except StopIteration as end:
        found = end.value
        if isinstance(found, BankCard):
            assert sum(char.isdigit() for char in found.masked_number) <= 4


def pieces(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = data[at]
        yield data[at + 1 : at + 1 + size]
        at += 1 + size
