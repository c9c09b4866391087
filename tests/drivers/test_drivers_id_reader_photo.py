"""The photo of a card comes from a program of the site, kept within limits; without it nothing is lost."""

from __future__ import annotations

import sys

import pytest
import sam_bench
from driver_fakes import memory_host

from drivers.device import Fault, FaultCode, Identity
from drivers.id_reader.driver import IdReaderDriver
from drivers.id_reader.photo import MAX_PICTURE_BYTES, decode_photo
from drivers.id_reader.values import CardPhoto, WatchForCard

WLT = bytes(range(256)) * 4


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", text)


ECHO = program("import sys; sys.stdout.buffer.write(b'BM' + sys.stdin.buffer.read())")


def test_what_the_program_writes_is_the_picture() -> None:
    assert decode_photo(ECHO, WLT, 20) == b"BM" + WLT


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("print('no licence')", FaultCode.BAD_REPLY),
        ("", FaultCode.BAD_REPLY),
        ("raise SystemExit(3)", FaultCode.BAD_REPLY),
        (f"import sys; sys.stdout.buffer.write(b'BM' * {MAX_PICTURE_BYTES})", FaultCode.BAD_REPLY),
        ("x = bytearray(2_000_000_000); print('BM')", FaultCode.BAD_REPLY),
        ("import os; os.write(os.memfd_create('m'), b'x'); print('BM')", FaultCode.BAD_REPLY),
    ],
    ids=["words", "nothing", "fails", "too much", "too much memory", "writes a file"],
)
def test_a_program_that_does_anything_else_gives_no_picture(text: str, code: FaultCode) -> None:
    fault = decode_photo(program(text), WLT, 20)
    assert isinstance(fault, Fault)
    assert fault.code is code


def test_a_program_that_hangs_is_ended_with_its_children() -> None:
    hang = "import os, time; os.fork(); time.sleep(600)"
    fault = decode_photo(program(hang), WLT, 0.2)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.TIMED_OUT


def test_a_program_that_is_not_there_gives_no_picture() -> None:
    fault = decode_photo(("/no/such/decoder",), WLT)
    assert isinstance(fault, Fault)


@pytest.mark.parametrize(
    ("command", "kinds"),
    [
        (ECHO, ["CardFound", "CardRead", "CardPhoto"]),
        (program("print('no')"), ["CardFound", "CardRead"]),
        ((), ["CardFound", "CardRead"]),
    ],
)
def test_the_fields_come_first_and_the_photo_after_them_or_never(
    command: tuple[str, ...], kinds: list[str]
) -> None:
    reader = sam_bench.Reader()
    host, _, _ = memory_host(reader)
    driver = IdReaderDriver("serial:///dev/idcard", photo_command=command)
    assert isinstance(driver.connect(host), Identity)
    reader.put(sam_bench.resident())
    driver.handle(WatchForCard(), host)
    driver.run(host)
    assert host.kinds() == kinds
    photos = [event for event in host.posted if isinstance(event, CardPhoto)]
    assert all(repr(photo) == "CardPhoto()" for photo in photos)
