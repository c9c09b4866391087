"""Any bytes at all from a code scanner, with every way of ending a code."""

from __future__ import annotations

from drivers.code_scanner.protocol import CodeSplitter, clean
from drivers.code_scanner.values import CodeScanned, Suffix


def seeds() -> list[bytes]:
    return [b"\x00ZW1.QS01\r", b"\x01\xd6\xd0\xce\xc4\r\n", b"\x02\x00\x1b\x07\n"]


def fuzz(data: bytes) -> None:
    suffix = list(Suffix)[data[0] % len(Suffix)] if data else Suffix.AUTO
    splitter = CodeSplitter(suffix)
    found = splitter.feed(data[1:])
    found += splitter.silence()
    for code in found:
        if isinstance(code, CodeScanned):
            assert clean(code.data), "control characters never pass"
