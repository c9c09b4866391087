"""Any bytes at all from a keypad, and any text as the description of one."""

from __future__ import annotations

from drivers.device import Fault
from drivers.keypad.protocol import PressFilter, SignalReader, read_make

FRAMED = """
[frame]
header = "AA55"
payload_bytes = 1
check = "sum_all"
[keys]
"01" = "5"
"02" = "1"
"""


def seeds() -> list[bytes]:
    return [b"\x00\x35\x30", b"\x01\xaa\x55\x01\x00", b"\x02" + FRAMED.encode()]


def fuzz(data: bytes) -> None:
    kind, body = data[:1], data[1:]
    if kind == b"\x02":
        read_make(body.decode("utf-8", "replace"))
        return
    make = read_make(FRAMED if kind == b"\x01" else '[keys]\n"35" = "5"\n"30" = "1"\n')
    if isinstance(make, Fault):
        return
    reader, presses = SignalReader(make), PressFilter(make.keys)
    presses.enable(0.0)
    for number, byte in enumerate(body):
        signals = reader.feed(bytes([byte]))
        for key in presses.feed(signals, number * 0.1):
            assert key in make.keys.values()
    reader.silence()
    assert not reader.waiting
