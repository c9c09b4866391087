"""Any bytes at all from a smart card."""

from __future__ import annotations

from drivers.card_reader.protocol import (
    bcd_date,
    blank,
    digits,
    first_object,
    is_contactless,
    masked_number_in,
    objects,
    parse_command,
    text_of,
)


def seeds() -> list[bytes]:
    return [
        bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"),
        bytes.fromhex("6F108408A000000333010101A5045002AABB"),
        bytes.fromhex("57136222021234567890123D25122206"),
        "张三".encode("gbk"),
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
    assert sum(char.isdigit() for char in shown) <= 10, "never a whole number of a bank card"
