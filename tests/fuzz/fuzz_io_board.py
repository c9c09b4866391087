"""Any bytes at all from a relay board."""

from __future__ import annotations

from drivers.io_board.protocol import Kind, answer_of, switch

SENT = switch(Kind.MODBUS, 1, 1, True)


def seeds() -> list[bytes]:
    return [SENT, b"\x00" + SENT, b"\x01\x85\x02\x00\x00"]


def fuzz(data: bytes) -> None:
    answer_of(SENT, data)
