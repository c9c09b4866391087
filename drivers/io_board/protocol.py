"""Relay boards: channels on and off as bytes. Pure.

Two kinds are sold everywhere: small USB-serial boards that take A0, channel, 0 or 1, sum and answer
nothing; and Modbus RTU boards (write single coil, function 05), which answer by saying it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, assert_never

from drivers.device import Fault, FaultCode
from drivers.io_board.values import Lamp

MAX_CHANNEL: Final = 32
MODBUS_ANSWER_BYTES: Final = 8
_WRITE_COIL: Final = 0x05
_FAILED: Final = 0x80  # added to the function in an answer that says no


class Kind(StrEnum):
    RELAY = "relay"
    MODBUS = "modbus"


def crc(data: bytes) -> bytes:
    """CRC-16 of Modbus, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def switch(kind: Kind, address: int, channel: int, on: bool) -> bytes:
    """One channel (counted from 1) on or off."""
    match kind:
        case Kind.RELAY:
            frame = bytes([0xA0, channel, int(on)])
            return frame + bytes([sum(frame) & 0xFF])
        case Kind.MODBUS:
            frame = bytes([address, _WRITE_COIL, 0, channel - 1, 0xFF if on else 0, 0])
            return frame + crc(frame)
        case _:
            assert_never(kind)


def answer_of(sent: bytes, heard: bytes) -> bool | Fault | None:
    """What a Modbus board says to `sent`: True when done; None when more bytes are needed."""
    for at in range(len(heard)):
        rest = heard[at:]
        if rest.startswith(sent):
            return True
        refusal = bytes([sent[0], _WRITE_COIL | _FAILED])
        if rest[:2] == refusal and len(rest) >= 5 and crc(rest[:3]) == rest[3:5]:
            return Fault(FaultCode.REFUSED, f"the board says no: {rest[2]}")
    if len(heard) > 4 * MODBUS_ANSWER_BYTES:
        return Fault(FaultCode.BAD_REPLY, "not the answer of a relay board")
    return None


def channel_map(table: Mapping[str, int]) -> dict[Lamp, int] | Fault:
    """Name of the settings -> channel; a fault names the entry. Lamps may share a channel."""
    channels: dict[Lamp, int] = {}
    for name, channel in table.items():
        if name not in list(Lamp):
            return Fault(FaultCode.BAD_INPUT, f"{name[:20]!r} is none of {', '.join(Lamp)}")
        if not 1 <= channel <= MAX_CHANNEL:
            return Fault(FaultCode.BAD_INPUT, f"{name}: channels are 1 to {MAX_CHANNEL}")
        channels[Lamp(name)] = channel
    return channels
