"""Rating keypads by description: a make's file says how a key looks on the wire. Pure.

A make is data (`makes/*.toml`, or a file of the site): bare bytes, or frames with header, length,
check and tail; what its keys send; what it can be told (lamps, voice). No standard exists, so a
technician copies the nearest and fills in the maker's sheet.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Final

from drivers.device import Fault, FaultCode

SAME_PRESS_S: Final = 0.3  # contacts bounce, a held key repeats; nobody presses twice so fast
PALM_S: Final = 0.1  # two keys within this were hit by one hand: the first one counts
GHOST_S: Final = 0.3  # lamps that light make some keypads send a key; nobody reacts so fast
STUCK_S: Final = 10.0  # a key that repeats for so long is not held by a person
FRAME_SILENCE_S: Final = 0.2  # the rest of a frame comes within milliseconds
MAX_PAYLOAD_BYTES: Final = 64
KEYS: Final = frozenset({"5", "4", "3", "2", "1", "skip"})


class WireKind(StrEnum):
    SERIAL = "serial"
    EVDEV = "evdev"  # it types; a signal is a Linux key number, two bytes


class Check(StrEnum):
    """One byte after the payload."""

    NONE = "none"
    XOR_ALL = "xor_all"  # over header, length and payload
    XOR_PAYLOAD = "xor_payload"
    SUM_ALL = "sum_all"
    SUM_PAYLOAD = "sum_payload"


class Order(StrEnum):
    """What a keypad can be told, if it can be told anything."""

    ENABLE = "enable"
    DISABLE = "disable"
    THANK = "thank"


@dataclass(frozen=True, slots=True)
class Frame:
    """header, length of the payload if `length`, payload, check, tail."""

    header: bytes
    length: bool = False
    payload_bytes: int = 0  # of every frame, where none is sent
    check: Check = Check.NONE
    tail: bytes = b""

    def encode(self, payload: bytes) -> bytes:
        head = self.header + (bytes([len(payload)]) if self.length else b"")
        return head + payload + self.check_of(head, payload) + self.tail

    def check_of(self, head: bytes, payload: bytes) -> bytes:
        match self.check:
            case Check.NONE:
                return b""
            case Check.XOR_ALL:
                return bytes([reduce(lambda a, b: a ^ b, head + payload, 0)])
            case Check.XOR_PAYLOAD:
                return bytes([reduce(lambda a, b: a ^ b, payload, 0)])
            case Check.SUM_ALL:
                return bytes([sum(head + payload) & 0xFF])
            case Check.SUM_PAYLOAD:
                return bytes([sum(payload) & 0xFF])


@dataclass(frozen=True, slots=True)
class Make:
    """One kind of keypad. `keys`: what a key sends (the payload of a frame, or bare bytes)."""

    title: str
    keys: Mapping[bytes, str]
    wire: WireKind = WireKind.SERIAL
    frame: Frame | None = None
    orders: Mapping[Order, tuple[bytes, ...]] = field(default_factory=dict)

    def encode(self, order: Order) -> bytes:
        """What to send; b"" when this make knows no such order."""
        payloads = self.orders.get(order, ())
        return b"".join(self.frame.encode(p) if self.frame else p for p in payloads)


def read_make(text: str, own_keys: Mapping[str, str] | None = None) -> Make | Fault:
    """A make's file, its keys replaced by `own_keys` if there are any; a fault names the entry."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return _bad("the make's file is no TOML")
    unknown = set(table) - {"title", "wire", "frame", "keys", "commands"}
    if unknown:
        return _bad(f"unknown entry {min(unknown)[:20]!r}")
    if table.get("wire", "serial") not in list(WireKind):
        return _bad("wire is serial or evdev")
    frame = _frame(table["frame"]) if "frame" in table else None
    if isinstance(frame, Fault):
        return frame
    keys = key_map(own_keys or table.get("keys", {}))
    if isinstance(keys, Fault):
        return keys
    wire = WireKind(table.get("wire", "serial"))
    sizes = {len(signal) for signal in keys}
    if frame is None and len(sizes) > 1:
        return _bad("keys without a frame must all be as long")
    if wire is WireKind.EVDEV and (sizes != {2} or frame is not None):
        return _bad("keys of evdev are two bytes each, without a frame")
    if frame is not None and not frame.length and sizes != {frame.payload_bytes}:
        return _bad("keys must be as long as frame.payload_bytes")
    orders = _orders(table.get("commands", {}))
    if isinstance(orders, Fault):
        return orders
    return Make(str(table.get("title", ""))[:80], keys, wire, frame, orders)


def key_map(table: Mapping[str, str] | object) -> dict[bytes, str] | Fault:
    """Bytes in hexadecimal ("35", "01 05") -> key ("5".."1", "skip"); a fault names the entry."""
    if not isinstance(table, Mapping):
        return _bad("keys must be a table")
    keys: dict[bytes, str] = {}
    for text, key in table.items():
        signal = _bytes(text)
        if not signal:
            return _bad(f"key {str(text)[:20]!r} is not bytes in hexadecimal")
        if key not in KEYS:
            return _bad(f"key {text}: {str(key)[:8]!r} is not 1 to 5 or skip")
        if signal in keys:
            return _bad(f"key {text} given twice")
        keys[signal] = key
    return keys or _bad("no keys")


def _frame(table: object) -> Frame | Fault:
    if not isinstance(table, Mapping):
        return _bad("frame must be a table")
    unknown = set(table) - {"header", "length", "payload_bytes", "check", "tail"}
    if unknown:
        return _bad(f"unknown entry frame.{min(unknown)[:20]}")
    header, tail = _bytes(table.get("header", "")), _bytes(table.get("tail", ""))
    if not header:
        return _bad("frame.header is bytes in hexadecimal")
    if tail is None:
        return _bad("frame.tail is bytes in hexadecimal")
    length, size = table.get("length", False), table.get("payload_bytes", 0)
    if not isinstance(length, bool) or isinstance(size, bool) or not isinstance(size, int):
        return _bad("frame.length is true or false, frame.payload_bytes a number")
    if length == bool(size) or not 0 <= size <= MAX_PAYLOAD_BYTES:
        return _bad("a frame has either length = true or payload_bytes")
    if table.get("check", "none") not in list(Check):
        return _bad(f"frame.check is one of {', '.join(Check)}")
    return Frame(header, length, size, Check(table.get("check", "none")), tail)


def _orders(table: object) -> dict[Order, tuple[bytes, ...]] | Fault:
    if not isinstance(table, Mapping):
        return _bad("commands must be a table")
    orders: dict[Order, tuple[bytes, ...]] = {}
    for name, texts in table.items():
        if name not in list(Order):
            return _bad(f"commands are {', '.join(Order)}")
        payloads = [_bytes(text) for text in texts] if isinstance(texts, list) else [None]
        if not all(payloads):
            return _bad(f"commands.{name} is a list of bytes in hexadecimal")
        orders[Order(name)] = tuple(payload for payload in payloads if payload)
    return orders


def _bytes(text: object) -> bytes | None:
    if not isinstance(text, str) or len(text) > 3 * MAX_PAYLOAD_BYTES:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _bad(problem: str) -> Fault:
    return Fault(FaultCode.BAD_INPUT, f"keypad: {problem}")


class SignalReader:
    """Bytes of the wire -> what keys send. Holds at most one frame; what no key sends is noise."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._buffer = bytearray()
        self._size = len(next(iter(make.keys)))

    @property
    def waiting(self) -> bool:
        return bool(self._buffer)

    def silence(self) -> None:
        """The rest of a frame will not come."""
        self._buffer.clear()

    def feed(self, piece: bytes) -> list[bytes]:
        found = []
        for byte in piece:
            self._buffer.append(byte)
            while self._buffer and (step := self._step()) is not None:
                if step in self._make.keys:
                    found.append(step)
        return found

    def _step(self) -> bytes | None:
        """One whole signal taken out; b"" for something dropped; None: more bytes are needed."""
        frame, held = self._make.frame, bytes(self._buffer)
        if frame is None:
            return self._bare(held)
        if not frame.header.startswith(held[: len(frame.header)]):
            return self._drop(1)
        head_size = len(frame.header) + frame.length
        if len(held) < head_size:
            return None
        size = held[head_size - 1] if frame.length else frame.payload_bytes
        if not 0 < size <= MAX_PAYLOAD_BYTES:
            return self._drop(1)
        total = head_size + size + (frame.check is not Check.NONE) + len(frame.tail)
        if len(held) < total:
            return None
        payload = held[head_size : head_size + size]
        if held[:total] != frame.encode(payload):
            return self._drop(1)
        self._drop(total)
        return payload

    def _bare(self, held: bytes) -> bytes | None:
        """Keys of one length without a frame: found wherever they begin."""
        if not any(signal.startswith(held[: self._size]) for signal in self._make.keys):
            return self._drop(1)
        if len(held) < self._size:
            return None
        self._drop(self._size)
        return held[: self._size]

    def _drop(self, count: int) -> bytes:
        del self._buffer[:count]
        return b""


class PressFilter:
    """Signals and the time they came at -> presses of a person."""

    def __init__(self, keys: Mapping[bytes, str]) -> None:
        self._keys = keys
        self._last = b""
        self._last_at = float("-inf")
        self._since = float("-inf")  # when the press at hand began
        self._enabled_at: float | None = None

    def enable(self, at_s: float) -> None:
        self._enabled_at = at_s

    def disable(self) -> None:
        self._enabled_at = None

    def stuck(self, at_s: float) -> str | None:
        """The key that has been sending for longer than anybody holds one."""
        running = at_s - self._last_at < SAME_PRESS_S
        return (
            self._keys[self._last] if running and self._last_at - self._since >= STUCK_S else None
        )

    def feed(self, signals: list[bytes], at_s: float) -> list[str]:
        """Keys pressed, in order. A signal that comes again within SAME_PRESS_S of itself belongs
        to the press before, however long that is held, also when it began before anybody asked."""
        presses: list[str] = []
        for signal in signals:
            gap_s = at_s - self._last_at
            again = signal == self._last and gap_s < SAME_PRESS_S
            palm = signal != self._last and gap_s < PALM_S
            if palm:
                continue
            self._last, self._last_at = signal, at_s
            if again:
                continue
            self._since = at_s
            if self._enabled_at is not None and at_s - self._enabled_at >= GHOST_S:
                presses.append(self._keys[signal])
        return presses
