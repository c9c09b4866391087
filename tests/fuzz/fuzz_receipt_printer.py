"""Any bytes at all from a receipt printer."""

from __future__ import annotations

from drivers.receipt_printer.protocol import Automatic, JobDone, StatusParser, state_of_frame


def seeds() -> list[bytes]:
    return [b"\x12\x16", b"\x10\x00\x00\x00", b"\x00", b"\x37\x22abcd\x00", b"\x13\x11"]


def fuzz(data: bytes) -> None:
    parser, pieces = StatusParser(), StatusParser()
    whole = parser.feed(data)
    assert [heard for byte in data for heard in pieces.feed(bytes([byte]))] == whole
    assert len(whole) <= len(data)
    for heard in whole:
        if isinstance(heard, Automatic):
            state_of_frame(heard.frame)
        elif isinstance(heard, JobDone):
            repr(heard)
    parser.silence()
