"""What a trace shows of printers, scanners, keypads and lamps: the job, and nothing of anybody."""

from __future__ import annotations

import struct
from pathlib import Path

from driver_fakes import FakeClock, FakeHost
from hypothesis import given
from hypothesis import strategies as st

from drivers.code_scanner.driver import CodeScannerDriver
from drivers.code_scanner.personal import ScannerMask, TypingMask
from drivers.code_scanner.values import CodeRule, CodeScanned, ScanCodes, Suffix
from drivers.device import DeviceClass, Fault, FaultCode, Identity
from drivers.input_events import EV_KEY, EVENT, EventReader, Key
from drivers.keypad.driver import KeypadDriver
from drivers.keypad.values import KeyPressed, ListenForKeys
from drivers.receipt_printer.driver import ReceiptPrinterDriver
from drivers.receipt_printer.personal import ReceiptMask
from drivers.receipt_printer.protocol import Row, encode_receipt, layout
from drivers.receipt_printer.values import Pair, Printed, PrintReceipt, QrCode, Rule, Text
from drivers.trace import ReplayedWire, Traces, read_traces
from drivers.transport import Mask, MemoryTransport, Ports, Transport
from rehearsal.emulators.escpos import Tokenizer

NAME, RARE, PHONE, NUMBER = "王小明", "王㛃", "13800138000", "QS01261122003796"
LINES = (
    Text("受理回执", large=True),
    Pair("申请人", NAME),
    Pair("手机", PHONE),
    Text(f"Number {NUMBER}"),
    Rule(),
    QrCode(f"ZW1.{NUMBER}.ABCDEFGH234567"),
)
SECRETS = (
    *(word.encode("gb18030") for word in (NAME, "受理", "申请")),
    *(word.encode() for word in (PHONE, NUMBER, "Number", "ZW1", "ABCDEFGH")),
)


def drawn(row: Row) -> bytes:
    """A row as a picture, as for characters that the printer has not."""
    return b"\x1dv0\x00\x02\x00\x03\x00" + row.text.encode("utf-8")[:6].ljust(6, b"?")


def job(lines: tuple[object, ...] = LINES) -> bytes:
    items = layout(lines, 48)  # type: ignore[arg-type]
    assert not isinstance(items, Fault)
    cut, question = b"\x1dV\x00", b"\x1d(H\x06\x00\x30\x30A1b2"
    segments = encode_receipt(items, drawn, cut, after_a_torn_one=False)
    return b"".join([*(part for segment in segments for part in segment.commands), question])


def cut_up(mask: Mask, data: bytes, sizes: list[int], *, heard: bool) -> bytes:
    """The stream as it comes through the mask in such pieces."""
    out, at = b"", 0
    for size in [*sizes, len(data)]:
        piece = data[at : at + size]
        out += mask.heard(piece) if heard else mask.written(piece)
        at += size
    return out


def test_a_masked_receipt_is_the_same_job_with_other_words() -> None:
    plain = job()
    masked = ReceiptMask().written(plain)
    assert len(masked) == len(plain)
    for secret in SECRETS:
        assert secret in plain
        assert secret not in masked
    before, after = Tokenizer(), Tokenizer()
    kinds = [type(token).__name__ for token in before.feed(plain)]
    assert [type(token).__name__ for token in after.feed(masked)] == kinds
    assert masked.count(b"\n") == plain.count(b"\n"), "as many rows"
    assert masked.endswith(b"\x1d(H\x06\x00\x30\x30A1b2"), "the question after the cut"


def test_a_row_drawn_as_a_picture_is_blank_in_the_trace() -> None:
    masked = ReceiptMask().written(job((Text(RARE),)))
    assert RARE.encode("utf-8")[:6] not in masked
    assert b"\x1dv0\x00\x02\x00\x03\x00" + bytes(6) in masked


def test_questions_to_the_printer_and_its_answers_stay() -> None:
    mask = ReceiptMask()
    polls = b"".join(bytes([0x10, 0x04, number]) for number in (1, 2, 3, 4))
    clear = bytes.fromhex("10 14 08 01 03 14 01 06 02 08")
    for known in (polls, clear, b"\x10\x05\x02", b"\x1da\x0e", b"\x1dr\x01"):
        assert mask.written(known) == known
    assert mask.heard(b"\x12\x16\x00") == b"\x12\x16\x00"
    assert NAME.encode("gb18030") not in mask.written(b"\x1c&" + NAME.encode("gb18030"))


@given(
    st.lists(st.integers(1, 9), max_size=60),
    st.text(alphabet="王小明㛃𠮷abcXYZ019 -.：", max_size=24),
)
def test_however_a_job_is_cut_on_the_wire_the_trace_is_the_same(
    sizes: list[int], text: str
) -> None:
    plain = job((Text(text or "x"), *LINES))
    masked = ReceiptMask().written(plain)
    assert cut_up(ReceiptMask(), plain, sizes, heard=False) == masked
    assert ReceiptMask().written(masked) == masked or "\\" in text


@given(st.binary(max_size=300))
def test_any_bytes_at_all_keep_their_length(data: bytes) -> None:
    for mask in (ReceiptMask(), ScannerMask(), TypingMask()):
        assert len(mask.written(data)) == len(data)
        assert len(mask.heard(data)) == len(data)


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=1, max_size=60))
def test_of_a_code_only_its_shape_is_kept(code: str) -> None:
    shown = ScannerMask().heard(code.encode() + b"\r")
    for before, after in zip(code, shown.decode(), strict=False):
        if before.isalnum():
            assert after in "0Aa"
            assert before.isdigit() == after.isdigit()
        else:
            assert after == before
    assert shown.endswith(b"\r")


def test_what_is_not_ascii_in_a_code_is_hidden_whole() -> None:
    assert ScannerMask().heard("王小明".encode("gb18030")) == b"??????"


@given(st.lists(st.integers(1, 30), max_size=40))
def test_keys_of_a_scanner_that_types_are_all_the_same_key(sizes: list[int]) -> None:
    digits, letters, others = (2, 11, 79), (16, 38, 50), (28, 42, 52)
    stream = b"".join(
        EVENT.pack(1, 2, 4, 4, 458_000 + code) + EVENT.pack(1, 2, EV_KEY, code, 1)
        for code in (*digits, *letters, *others)
    )
    masked = cut_up(TypingMask(), stream, sizes, heard=True)
    keys = [key for key in EventReader().feed(masked) if isinstance(key, Key)]
    assert [key.code for key in keys] == [2, 2, 2, 30, 30, 30, *others]
    for code in (11, 79, 16, 38, 50):
        assert struct.pack("<i", 458_000 + code) not in masked


# -- they play back ---------------------------------------------------------------


class Recorded(FakeHost):
    """A host whose wire is written down."""

    def __init__(self, folder: Path, device: DeviceClass, wire: Transport, clock: FakeClock):
        super().__init__(lambda: Fault(FaultCode.DISCONNECTED), clock)
        self._opener = Traces(folder, clock).opener(device, lambda url, ports: wire)
        self.mask: Mask | None = None

    def open(self, url: str, ports: Ports = Ports()) -> Transport | Fault:  # noqa: B008
        self.mask = ports.mask()
        return self._opener(url, ports)


def test_a_printed_receipt_plays_back_as_a_printed_receipt(tmp_path: Path) -> None:
    clock = FakeClock()
    paper = bytearray()

    def printer(data: bytes) -> bytes:
        if data[:2] == b"\x10\x04":
            return b"\x12"
        if data.endswith(bytes.fromhex("10 14 08 01 03 14 01 06 02 08")):
            return b"\x37\x25\x00"
        paper.extend(data)
        return b"\x00" if data.endswith(b"\x1dr\x01") else b""

    wire = MemoryTransport(printer, clock.advance)
    host = Recorded(tmp_path, DeviceClass.RECEIPT_PRINTER, wire, clock)
    print_with(ReceiptPrinterDriver("tcp://127.0.0.1:9100"), host)
    assert host.kinds() == ["Printed"]
    assert NAME.encode("gb18030") in paper
    path = tmp_path / "receipt_printer.jsonl"
    (trace,) = read_traces(path)
    written = b"".join(step.data for step in trace.steps)
    assert not [secret for secret in SECRETS if secret in written]
    again = FakeClock()
    played = ReplayedWire(trace, ReceiptMask(), again.advance)
    host_again = FakeHost(lambda: played, again)
    print_with(ReceiptPrinterDriver("tcp://127.0.0.1:9100"), host_again)
    assert played.differs == ""
    assert isinstance(host_again.posted[0], Printed)


def print_with(driver: ReceiptPrinterDriver, host: FakeHost) -> None:
    assert isinstance(driver.connect(host), Identity)
    answer = driver.handle(PrintReceipt("job-1", LINES), host)
    assert not isinstance(answer, Fault)
    driver.disconnect()


def test_a_scanned_code_plays_back_as_a_code_of_the_same_shape(tmp_path: Path) -> None:
    clock = FakeClock()
    wire = MemoryTransport(lambda data: b"", clock.advance)
    host = Recorded(tmp_path, DeviceClass.CODE_SCANNER, wire, clock)
    driver = CodeScannerDriver("serial:///dev/scanner?baud=9600", Suffix.CR)
    rule = CodeRule(1, 100, r"[A-Za-z0-9.]+")
    assert isinstance(driver.connect(host), Identity)
    driver.handle(ScanCodes(rule), host)
    clock.advance(1)
    wire.deliver(f"ZW1.{NUMBER}.AB\r".encode())
    driver.run(host)
    driver.disconnect()
    assert NUMBER not in (tmp_path / "code_scanner.jsonl").read_text()
    (trace,) = read_traces(tmp_path / "code_scanner.jsonl")
    again = FakeClock()
    played = FakeHost(lambda: ReplayedWire(trace, ScannerMask(), again.advance), again)
    replay = CodeScannerDriver("serial:///dev/scanner?baud=9600", Suffix.CR)
    assert isinstance(replay.connect(played), Identity)
    replay.handle(ScanCodes(rule), played)
    for _ in range(len(trace.steps) + 1):
        replay.run(played)
    assert played.posted == [CodeScanned(b"AA0.AA00000000000000.AA")]


def test_a_key_of_the_keypad_plays_back_as_that_key(tmp_path: Path) -> None:
    clock = FakeClock()
    wire = MemoryTransport(lambda data: b"", clock.advance)
    host = Recorded(tmp_path, DeviceClass.KEYPAD, wire, clock)
    driver = KeypadDriver("serial:///dev/keypad?baud=9600", {}, "digits")
    assert isinstance(driver.connect(host), Identity)
    driver.handle(ListenForKeys(), host)
    clock.advance(1)
    wire.deliver(b"5")
    driver.run(host)
    driver.disconnect()
    (trace,) = read_traces(tmp_path / "keypad.jsonl")
    assert host.mask is not None
    again = FakeClock()
    replayed = ReplayedWire(trace, host.mask, again.advance)
    played = FakeHost(lambda: replayed, again)
    driver = KeypadDriver("serial:///dev/keypad?baud=9600", {}, "digits")
    assert isinstance(driver.connect(played), Identity)
    driver.handle(ListenForKeys(), played)
    for _ in range(len(trace.steps) + 1):
        driver.run(played)
    assert played.posted == host.posted == [KeyPressed("5")]
