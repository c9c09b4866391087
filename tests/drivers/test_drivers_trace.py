"""A trace holds what went over a wire and nothing of anybody; it plays back as a wire."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sam_bench
from driver_fakes import FakeClock, FakeHost
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import DeviceClass, Fault, FaultCode, Identity
from drivers.id_reader.driver import IdReaderDriver
from drivers.id_reader.personal import SamMask
from drivers.id_reader.protocol import Command, Reply, ReplyParser, card_record, encode
from drivers.id_reader.values import CardRead, CardRecord, WatchForCard
from drivers.trace import ReplayedWire, Trace, Traces, read_traces
from drivers.transport import MaskAll, MaskNothing, MemoryTransport, Ports, Transport

TRACES = Path(__file__).parent / "traces"
SECRETS = ("王小明", sam_bench.RESIDENT_NUMBER, "示例路", "19990110", "示例市公安局")


def record(
    folder: Path, reader: sam_bench.Reader, *, seconds: float = 2.0
) -> tuple[Path, FakeHost]:
    """A card read over a traced wire; answers the file and what the driver said."""
    clock = FakeClock()
    traces = Traces(folder, clock)
    memory = MemoryTransport(reader, clock.advance)

    def plain(url: str, ports: Ports) -> Transport | Fault:
        return memory

    opener = traces.opener(DeviceClass.ID_READER, plain)
    driver = IdReaderDriver("serial:///dev/idcard?baud=115200")
    host = Opened(opener, clock)
    assert isinstance(driver.connect(host), Identity)
    driver.handle(WatchForCard(), host)
    until = clock.now + seconds
    while clock.now < until:
        if driver.run(host) is not None:
            break
    driver.disconnect()
    return folder / "id_reader.jsonl", host


class Opened(FakeHost):
    def __init__(self, opener, clock: FakeClock) -> None:  # type: ignore[no-untyped-def]
        super().__init__(lambda: Fault(FaultCode.DISCONNECTED), clock)
        self._opener = opener

    def open(self, url: str, ports: Ports = Ports()) -> Transport | Fault:  # noqa: B008
        wire: Transport | Fault = self._opener(url, ports)
        return wire


def with_card() -> sam_bench.Reader:
    reader = sam_bench.Reader()
    reader.put(sam_bench.resident())
    return reader


def test_a_trace_of_a_card_holds_nothing_of_the_card(tmp_path: Path) -> None:
    path, host = record(tmp_path, with_card())
    assert host.kinds() == ["CardFound", "CardRead"]
    everything = b"".join(step.data for trace in read_traces(path) for step in trace.steps)
    for secret in SECRETS:
        assert secret.encode("utf-16-le") not in everything
        assert secret not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_trace_keeps_lengths_statuses_and_the_kind_of_card(tmp_path: Path) -> None:
    path, _ = record(tmp_path, with_card())
    parser = ReplyParser()
    replies = [
        reply
        for step in read_traces(path)[0].steps
        if step.io == "r"
        for reply in parser.feed(step.data)
    ]
    assert all(isinstance(reply, Reply) for reply in replies), "every checksum was mended"
    lengths = [len(reply.data) for reply in replies if isinstance(reply, Reply)]
    assert lengths[:4] == [16, 4, 8, 1284]


def test_a_trace_plays_back_as_the_card_it_was_with_stars_for_its_words(tmp_path: Path) -> None:
    path, _ = record(tmp_path, with_card())
    (trace,) = read_traces(path)
    wire, events = play(trace)
    assert wire.differs == ""
    read = next(event for event in events if isinstance(event, CardRead))
    assert set(read.card.name) == {"*"}
    assert len(read.card.photo_wlt) == 1024


def play(trace: Trace) -> tuple[ReplayedWire, list[object]]:
    clock = FakeClock()
    wire = ReplayedWire(trace, SamMask(), clock.advance)
    host = FakeHost(lambda: wire, clock)
    driver = IdReaderDriver("serial:///dev/idcard")
    assert isinstance(driver.connect(host), Identity)
    driver.handle(WatchForCard(), host)
    while not wire.at_end and not wire.differs:
        if driver.run(host) is not None:
            break
    driver.disconnect()
    return wire, host.posted


@pytest.mark.parametrize("wire", ["serial", "tcp", "usb", "hid"])
def test_traces_that_were_recorded_on_real_lines_still_play(wire: str) -> None:
    """Recorded from the emulators, over a pty, a socket, pipes and reports."""
    (trace,) = read_traces(TRACES / f"id_reader_{wire}.jsonl")
    assert trace.wire == wire
    played, events = play(trace)
    assert played.differs == ""
    kinds = [type(event).__name__ for event in events]
    assert kinds[:3] == ["CardFound", "CardRead", "CardRemoved"]
    read = events[1]
    assert isinstance(read, CardRead)
    assert isinstance(read.card, CardRecord)


def test_another_question_than_in_the_trace_ends_it(tmp_path: Path) -> None:
    path, _ = record(tmp_path, with_card())
    (trace,) = read_traces(path)
    wire = ReplayedWire(trace, SamMask())
    assert isinstance(wire.write(encode(Command.RESET), 1), Fault)
    assert "was written where the trace has" in wire.differs
    assert isinstance(wire.read(10, 0), Fault)


def test_a_loss_is_in_the_trace_and_plays_back_as_one(tmp_path: Path) -> None:
    reader = with_card()
    reader.before_answer = lambda c: sam_bench.LOST if c.hex() == "3001" else None
    path, host = record(tmp_path, reader)
    assert host.kinds() == ["CardFound", "CardFailed"]
    (trace,) = read_traces(path)
    assert trace.steps[-1].io == "lost"
    _, events = play(trace)
    assert [type(event).__name__ for event in events] == ["CardFound", "CardFailed"]


def test_a_trace_has_a_size_and_the_one_before_is_kept(tmp_path: Path) -> None:
    clock = FakeClock()
    memory = MemoryTransport(lambda data: data, clock.advance)
    opener = Traces(tmp_path, clock, max_bytes=2000).opener(
        DeviceClass.KEYPAD, lambda url, ports: memory
    )
    wire = opener("serial:///dev/keypad", Ports(mask=MaskNothing))
    assert not isinstance(wire, Fault)
    for _ in range(200):
        wire.write(b"0123456789", 1)
        wire.read(100, 0)
    wire.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"keypad.jsonl", "keypad.old.jsonl"}
    assert all(size <= 2200 for size in sizes.values())
    assert read_traces(tmp_path / "keypad.old.jsonl"), "each begins with a head"


def test_a_folder_that_cannot_be_written_costs_the_trace_and_not_the_device(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    clock = FakeClock()
    memory = MemoryTransport(lambda data: b"ok", clock.advance)
    opener = Traces(tmp_path / "file", clock).opener(DeviceClass.KEYPAD, lambda url, ports: memory)
    wire = opener("serial:///dev/keypad", Ports())
    assert not isinstance(wire, Fault)
    assert wire.write(b"x", 1) == 1
    assert wire.read(10, 0) == b"ok"
    wire.wake()
    wire.close()


def test_a_device_that_says_nothing_of_what_is_personal_is_masked_whole(tmp_path: Path) -> None:
    assert MaskAll().heard(b"secret") == bytes(6)
    assert MaskAll().written(b"secret") == bytes(6)
    assert Ports().mask is MaskAll


def test_what_is_no_trace_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"t": 0, "io": "r", "hex": ""}) + "\n")
    with pytest.raises(ValueError, match="begins with its head"):
        read_traces(path)


@given(st.data())
def test_however_a_card_is_cut_on_the_wire_its_words_are_masked(data: st.DataObject) -> None:
    """Also behind noise, behind a late answer, and with a byte garbled anywhere."""
    noise = data.draw(st.binary(max_size=6))
    reply = bytearray(sam_bench.base(sam_bench.resident(), bytes(range(256)) * 4))
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(reply) - 1))
        reply[at] ^= data.draw(st.integers(1, 255))
    asked = data.draw(
        st.sampled_from([Command.READ_BASE, Command.FIND, Command.READ_APPENDED_ADDRESS])
    )
    mask = SamMask()
    frame = encode(asked)
    assert mask.written(frame) == frame
    stream = noise + bytes(reply)
    out, at = b"", 0
    while at < len(stream):
        count = data.draw(st.integers(1, 400))
        out += mask.heard(stream[at : at + count])
        at += count
    assert len(out) == len(stream)
    for secret in SECRETS:
        assert secret.encode("utf-16-le") not in out
    if not noise and bytes(reply) == sam_bench.base(sam_bench.resident(), bytes(range(256)) * 4):
        (masked,) = ReplyParser().feed(out)
        assert isinstance(masked, Reply)


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=20))
def test_a_mask_keeps_every_length(pieces: list[tuple[bool, bytes]]) -> None:
    mask = SamMask()
    for written, piece in pieces:
        out = mask.written(piece) if written else mask.heard(piece)
        assert len(out) == len(piece)


def test_a_masked_record_is_still_a_record() -> None:
    mask = SamMask()
    mask.written(encode(Command.READ_BASE))
    (reply,) = ReplyParser().feed(mask.heard(sam_bench.base(sam_bench.resident())))
    assert isinstance(reply, Reply)
    assert isinstance(card_record(reply.data[4:260]), CardRecord)
