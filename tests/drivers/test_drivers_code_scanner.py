"""A code held to the scanner reaches the terminal whole, only when asked for, never as control."""

from __future__ import annotations

import pytest
from driver_fakes import FakeHost, memory_host
from hypothesis import given
from hypothesis import strategies as st

from drivers.code_scanner.driver import CodeScannerDriver
from drivers.code_scanner.protocol import CodeSplitter, checked, clean
from drivers.code_scanner.values import (
    MAX_CODE_BYTES,
    CodeRefused,
    CodeRule,
    CodeScanned,
    ScanCodes,
    StopScanning,
    Suffix,
)
from drivers.device import Fault, FaultCode, Identity, Status
from drivers.transport import MemoryTransport
from drivers.worker import Down

codes = st.lists(
    st.binary(min_size=1, max_size=80).map(
        lambda raw: bytes(b for b in raw if b >= 0x20 and b != 0x7F) or b"x"
    ),
    max_size=6,
)


@given(codes, st.sampled_from([b"\r", b"\n", b"\r\n"]), st.lists(st.integers(1, 30), max_size=40))
def test_codes_in_pieces_are_whole_again(sent: list[bytes], end: bytes, cuts: list[int]) -> None:
    stream = b"".join(code + end for code in sent)
    splitter = CodeSplitter()
    found: list[CodeScanned | Fault] = []
    for cut in cuts:
        found += splitter.feed(stream[:cut])
        stream = stream[cut:]
    found += splitter.feed(stream)
    assert found == [CodeScanned(code) for code in sent]


ENDS = {Suffix.CR: b"\r", Suffix.LF: b"\n", Suffix.CRLF: b"\r\n", Suffix.TAB: b"\t"}


@given(codes, st.sampled_from(list(ENDS)), st.lists(st.integers(1, 30), max_size=40))
def test_each_suffix_of_the_settings_ends_a_code(
    sent: list[bytes], suffix: Suffix, cuts: list[int]
) -> None:
    stream = b"".join(code + ENDS[suffix] for code in sent)
    splitter = CodeSplitter(suffix)
    found: list[CodeScanned | Fault] = []
    for cut in cuts:
        found += splitter.feed(stream[:cut])
        stream = stream[cut:]
    found += splitter.feed(stream)
    assert found == [CodeScanned(code) for code in sent]


@pytest.mark.parametrize(
    ("suffix", "stream"),
    [
        (Suffix.CR, b"A\nB\r"),
        (Suffix.LF, b"A\r\n"),
        (Suffix.CRLF, b"A\rB\r\n"),
        (Suffix.TAB, b"A\rB\t"),
        (Suffix.CRLF, b"A\nB\r\n"),
    ],
)
def test_another_end_than_the_settings_say_is_a_control_character(
    suffix: Suffix, stream: bytes
) -> None:
    found = CodeSplitter(suffix).feed(stream)
    assert found == [Fault(FaultCode.BAD_INPUT, "control character in a code")]


def test_without_a_suffix_only_silence_ends_a_code() -> None:
    splitter = CodeSplitter(Suffix.NONE)
    assert splitter.feed(b"ZW1.A") == []
    assert splitter.silence() == [CodeScanned(b"ZW1.A")]
    splitter.feed(b"A\rB")
    assert splitter.silence() == [Fault(FaultCode.BAD_INPUT, "control character in a code")]


@given(st.binary(max_size=300), st.builds(CodeRule, st.integers(0, 9), st.integers(0, 99)))
def test_what_a_step_does_not_expect_never_reaches_it(data: bytes, rule: CodeRule) -> None:
    got = checked(CodeScanned(data), rule)
    fits = rule.min_bytes <= len(data) <= rule.max_bytes
    assert got == (CodeScanned(data) if fits else CodeRefused())


@given(st.binary(max_size=60))
def test_a_pattern_holds_for_the_whole_code(data: bytes) -> None:
    got = checked(CodeScanned(data), CodeRule(pattern=r"ZW1\.[A-Z]+"))
    assert isinstance(got, CodeRefused)
    assert checked(CodeScanned(b"ZW1.AB"), CodeRule(pattern=r"ZW1\.[A-Z]+")) == CodeScanned(
        b"ZW1.AB"
    )
    for more in (b"ZW1.AB\n", b"ZW1.AB ", b" ZW1.AB", "ZW1.Ａ".encode()):
        assert checked(CodeScanned(more), CodeRule(pattern=r"ZW1\.[A-Z]+")) == CodeRefused()


@pytest.mark.parametrize("hidden", ["\x80", "\x85", "\x9b"])
def test_control_characters_of_unicode_never_pass_either(hidden: str) -> None:
    assert not clean(f"ZW1{hidden}31m".encode())
    assert clean("高龄".encode())
    assert clean("高龄".encode("gbk"))


def test_a_scanner_without_a_suffix_ends_a_code_by_silence() -> None:
    splitter = CodeSplitter()
    assert splitter.silence_s is None
    assert splitter.feed(b"ZW1.QS01") == []
    assert splitter.silence_s == 0.2
    assert splitter.silence() == [CodeScanned(b"ZW1.QS01")]


def test_once_a_suffix_was_seen_silence_does_not_cut_a_code_in_two() -> None:
    splitter = CodeSplitter()
    splitter.feed(b"FIRST\r\n")
    assert splitter.feed(b"SEC") == []
    assert splitter.silence_s == 1.0
    assert splitter.feed(b"OND\r\n") == [CodeScanned(b"SECOND")]
    splitter.feed(b"HALF")
    assert splitter.silence() == [], "a line that never ended is not continued by the next code"
    assert splitter.feed(b"THIRD\r\n") == [CodeScanned(b"THIRD")]


@pytest.mark.parametrize("control", [0x00, 0x07, 0x09, 0x1B, 0x1D, 0x7F])
def test_control_characters_never_pass(control: int) -> None:
    assert CodeSplitter().feed(b"ZW1" + bytes([control]) + b"X\r") == [
        Fault(FaultCode.BAD_INPUT, "control character in a code")
    ]


def test_a_code_of_the_greatest_length_passes_and_a_longer_one_does_not() -> None:
    splitter = CodeSplitter()
    assert splitter.feed(b"x" * MAX_CODE_BYTES + b"\r") == [CodeScanned(b"x" * MAX_CODE_BYTES)]
    assert splitter.feed(b"x" * (MAX_CODE_BYTES + 1) + b"\rNEXT\r") == [
        Fault(FaultCode.BAD_INPUT, "code too long"),
        CodeScanned(b"NEXT"),
    ]


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_any_bytes_give_codes_without_control_characters_or_faults(pieces: list[bytes]) -> None:
    splitter = CodeSplitter()
    for piece in pieces:
        for item in [*splitter.feed(piece), *(splitter.silence() if len(piece) % 3 == 0 else [])]:
            if isinstance(item, CodeScanned):
                assert all(b >= 0x20 and b != 0x7F for b in item.data)


@given(st.lists(st.binary(max_size=120), max_size=20), st.sampled_from(list(Suffix)), st.booleans())
def test_no_control_character_ever_reaches_a_step(
    pieces: list[bytes], suffix: Suffix, types: bool
) -> None:
    url = "evdev:///dev/input/example" if types else "serial:///dev/example"
    host, wire, _ = memory_host(lambda _: b"")
    driver = CodeScannerDriver(url, suffix)
    driver.connect(host)
    driver.handle(ScanCodes(), host)
    for piece in pieces:
        wire.deliver(piece)
        while wire._incoming:
            driver.run(host)
        driver.run(host)
    for event in host.posted:
        assert isinstance(event, CodeScanned | CodeRefused)
        if isinstance(event, CodeScanned):
            assert all(b >= 0x20 and b != 0x7F for b in event.data)


def scanner() -> tuple[CodeScannerDriver, FakeHost, MemoryTransport]:
    host, wire, _ = memory_host(lambda _: b"")
    driver = CodeScannerDriver("serial:///dev/example")
    assert isinstance(driver.connect(host), Identity)
    return driver, host, wire


def test_a_code_is_passed_on_only_while_somebody_asks_for_codes() -> None:
    driver, host, wire = scanner()
    wire.deliver(b"BEFORE\r")
    driver.run(host)
    wire.deliver(b"JUST BEFORE\r")
    assert driver.handle(ScanCodes(), host) is None
    wire.deliver(b"ASKED\r")
    driver.run(host)
    driver.handle(StopScanning(), host)
    wire.deliver(b"AFTER\r")
    driver.run(host)
    assert host.posted == [CodeScanned(b"ASKED")]


def test_a_code_without_a_suffix_comes_after_a_short_silence() -> None:
    driver, host, wire = scanner()
    driver.handle(ScanCodes(), host)
    wire.deliver(b"ZW1")
    driver.run(host)
    assert host.posted == []
    driver.run(host)
    assert host.posted == [CodeScanned(b"ZW1")]
    assert host.clock.now == pytest.approx(1000.2)


def test_a_wish_for_codes_outlives_a_loss() -> None:
    driver, host, wire = scanner()
    wire.lose()
    assert driver.run(host) == Down(Status.DISCONNECTED, "the wire was closed")
    driver.disconnect()
    assert driver.decline(ScanCodes(), Fault(FaultCode.DISCONNECTED), host) is None
    again = MemoryTransport(lambda _: b"", host.clock.advance)
    host._wire = lambda: again
    assert isinstance(driver.connect(host), Identity)
    again.deliver(b"ZW1\r")
    driver.run(host)
    assert host.posted == [CodeScanned(b"ZW1")]


def test_what_is_not_asked_for_is_refused_without_its_content() -> None:
    driver, host, wire = scanner()
    driver.handle(ScanCodes(CodeRule(1, 9, r"ZW1\..*")), host)
    wire.deliver(b"440308199901101512\rZW1.A\rZW1.\x1b[31m\r")
    driver.run(host)
    assert host.posted == [CodeRefused(), CodeScanned(b"ZW1.A"), CodeRefused()]


def test_a_code_does_not_show_itself() -> None:
    assert repr(CodeScanned(b"440308199901101512")) == "CodeScanned()"
