"""Any bytes at all from a card reader: frames, records, reports, traces, and the driver above them."""

from __future__ import annotations

from drivers.device import Fault
from drivers.id_reader.driver import IdReaderDriver
from drivers.id_reader.personal import SamMask
from drivers.id_reader.protocol import (
    Command,
    Reply,
    ReplyParser,
    appended_addresses,
    base_info,
    card_record,
    encode,
    management,
    sam_id,
)
from drivers.id_reader.values import CardRecord, WatchForCard
from drivers.id_reader.wires import Unwrapper
from drivers.transport import STREAMS_ONLY, MemoryTransport, Ports, Transport

LONGEST_HELD_BYTES = 4096 + 7
TURNS = 12


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def utc(self):  # type: ignore[no-untyped-def]
        raise AssertionError("a driver of a card reader asks for no date")

    def advance(self, seconds: float) -> None:
        self.now += max(0.001, seconds)


class Host:
    def __init__(self, wire: Transport, clock: Clock) -> None:
        self.clock = clock
        self._wire = wire

    def open(self, url: str, ports: Ports = STREAMS_ONLY) -> Transport | Fault:
        return self._wire

    def wake_by(self, wake: object) -> None: ...

    def post(self, event: object) -> None: ...

    def report(self, status: object, reason: str = "") -> None: ...

    def interruption(self) -> None:
        return None

    def pause(self, seconds: float) -> None:
        self.clock.advance(seconds)


def seeds() -> list[bytes]:
    """Where the fuzzer begins: a good frame of each length that there is."""
    return [
        b"\x00" + encode(Command.FIND),
        b"\x01" + bytes.fromhex("AAAAAA96690004000041 45".replace(" ", "")),
        b"\x02" + (" \x00" * 128).encode("latin-1"),
        b"\x03" + b"\xaa\x01\x00\x02\x00\x00\x90\x92\x00".ljust(64, b"\x00"),
        b"\x04" + bytes.fromhex("AAAAAA9669000800009F0000000097"),
    ]


def fuzz(data: bytes) -> None:
    kind, body = data[:1], data[1:]
    match kind:
        case b"\x00" | b"\x01":
            _frames(body)
        case b"\x02":
            card = card_record(body.ljust(256, b"\x20")[:256], body[256:1280])
            if isinstance(card, CardRecord):
                assert repr(card) == f"CardRecord(kind={card.kind!r})"
                card.name.encode("utf-8")
                assert card.doubtful or card.birth is not None
        case b"\x03":
            unwrapper = Unwrapper()
            for at in range(0, len(body), 64):
                assert len(unwrapper.feed(body[at : at + 64])) < 8192 + 64
        case b"\x04":
            _driver(body)
        case _:
            for read in (sam_id, management, appended_addresses, base_info):
                read(body)
            base_info(body, with_fingerprint=True)


def _frames(body: bytes) -> None:
    size = 1 + (body[0] if body else 0) % 64
    parser, mask = ReplyParser(), SamMask()
    mask.written(encode(Command.READ_BASE))
    whole = ReplyParser().feed(body)
    pieces = []
    for at in range(0, len(body), size):
        piece = body[at : at + size]
        pieces += parser.feed(piece)
        assert len(mask.heard(piece)) == len(piece)
    assert pieces == whole, "pieces of any size are the same as one"
    for item in [*whole, *parser.timed_out()]:
        if isinstance(item, Reply):
            _ = item.fault
    assert not parser.within


def _driver(body: bytes) -> None:
    """The whole conversation: whatever the reader says, each turn ends and nothing is raised."""
    clock = Clock()
    answers = [body[at : at + 40] for at in range(0, len(body), 40)]
    wire = MemoryTransport(lambda _: answers.pop(0) if answers else b"", clock.advance)
    host = Host(wire, clock)
    driver = IdReaderDriver("serial:///dev/idcard", fingerprint=len(body) % 2 == 1)
    driver.connect(host)  # type: ignore[arg-type]
    driver.handle(WatchForCard(), host)  # type: ignore[arg-type]
    for _ in range(TURNS):
        driver.run(host)  # type: ignore[arg-type]
    driver.disconnect()
