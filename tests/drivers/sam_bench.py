"""A card reader of the tests' own: frames built here, never by the driver's encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.device import Fault, FaultCode

HEAD = bytes.fromhex("AAAAAA9669")
RESIDENT_NUMBER = "440308199901101512"  # made up, valid check digit


def frame(body: bytes) -> bytes:
    length = (len(body) + 1).to_bytes(2, "big")
    check = 0
    for byte in length + body:
        check ^= byte
    return HEAD + length + body + bytes([check])


def reply(sw3: int, data: bytes = b"") -> bytes:
    return frame(bytes([0, 0, sw3]) + data)


def utf16(text: str, size: int) -> bytes:
    raw = text.encode("utf-16-le", "surrogatepass")
    assert len(raw) <= size
    return raw + b" \x00" * ((size - len(raw)) // 2)


def record(*fields: tuple[int, int, str]) -> bytes:
    """A 256-byte text record; fields are (offset, length, text)."""
    out = bytearray(b" \x00" * 128)
    for offset, size, text in fields:
        out[offset : offset + size] = utf16(text, size)
    return bytes(out)


def resident(
    *,
    name: str = "王小明",
    number: str = RESIDENT_NUMBER,
    birth: str = "19990110",
    nation: str = "01",
    valid_from: str = "20150301",
    valid_to: str = "20350301",
    kind: str = " ",
) -> bytes:
    return record(
        (0, 30, name),
        (30, 2, "1"),
        (32, 4, nation),
        (36, 16, birth),
        (52, 70, "广东省深圳市示例区示例路1号"),
        (122, 36, number),
        (158, 30, "示例市公安局"),
        (188, 16, valid_from),
        (204, 16, valid_to),
        (248, 2, kind),
    )


def base(text: bytes, photo: bytes = bytes(1024)) -> bytes:
    data = len(text).to_bytes(2, "big") + len(photo).to_bytes(2, "big") + text + photo
    return reply(0x90, data)


SAM_ID = bytes.fromhex("05000100EFBEADDE7856341221436587")


@dataclass
class Reader:
    """As strict as the real thing: a card that was read cannot be found until it is lifted."""

    card: bytes | None = None  # the text record that lies there
    spent: bool = False  # read, or failed, since it was put down
    selected: bool = False
    was_read: bool = False
    on: bool = True
    refuse_read: int = 0  # SW3 for reading
    garble_next: int = 0  # so many replies come with a wrong checksum
    asked: list[bytes] = field(default_factory=list)
    before_answer: Callable[[bytes], bytes | Fault | None] = lambda _: None

    def put(self, card: bytes) -> None:
        self.card, self.spent, self.selected, self.was_read = card, False, False, False

    def lift(self) -> None:
        self.card, self.selected, self.was_read = None, False, False

    def __call__(self, request: bytes) -> bytes | Fault:
        assert request[:5] == HEAD, "only whole frames"
        command = request[7:9]
        self.asked.append(command)
        special = self.before_answer(command)
        if special is not None:
            return special
        if not self.on:
            return b""
        answer = self._answer(command)
        if self.garble_next > 0:
            self.garble_next -= 1
            answer = answer[:-1] + bytes([answer[-1] ^ 0x55])
        return answer

    def _answer(self, command: bytes) -> bytes:
        match command.hex():
            case "12ff":
                return reply(0x90, SAM_ID)
            case "11ff":
                return reply(0x90)
            case "2001":
                return reply(0x80) if self.card is None or self.spent else reply(0x9F, bytes(4))
            case "2002":
                if self.card is None or self.spent:
                    return reply(0x81)
                self.selected = True
                return reply(0x90, bytes(8))
            case "3001":
                if self.card is None or not self.selected:
                    return reply(0x41)
                if self.refuse_read:
                    self.selected = False
                    return reply(self.refuse_read)
                self.spent = self.was_read = True
                return base(self.card)
            case "3003":
                return reply(0x91) if self.card is not None and self.was_read else reply(0x41)
            case _:
                return reply(0x21)


LOST = Fault(FaultCode.DEVICE_LOST, "the wire was closed")
