"""Any bytes at all from an input device of Linux."""

from __future__ import annotations

from drivers.input_events import EVENT, Dropped, EventReader, Key, Typist


def seeds() -> list[bytes]:
    shift, digit = EVENT.pack(0, 0, 1, 42, 1), EVENT.pack(0, 0, 1, 2, 1)
    return [shift + digit, EVENT.pack(0, 0, 0, 3, 0) + digit, digit[:11]]


def fuzz(data: bytes) -> None:
    reader, pieces = EventReader(), EventReader()
    whole = reader.feed(data)
    assert [found for byte in data for found in pieces.feed(bytes([byte]))] == whole
    typist = Typist()
    for found in whole:
        match found:
            case Key():
                assert len(typist.feed(found)) <= 1
            case Dropped():
                typist.clear()
