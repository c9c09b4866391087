"""Code scanners: bytes of a line -> codes, and whether a code is what was expected. Pure.

How a code ends is a setting of the scanner, and so one of ours. Without a suffix a code ends with a
short silence.
"""

from __future__ import annotations

import re
from typing import Final, assert_never

from drivers.code_scanner.values import (
    MAX_CODE_BYTES,
    CodeRefused,
    CodeRule,
    CodeScanned,
    Suffix,
)
from drivers.device import Fault, FaultCode

# At 9600 baud a byte takes 1 ms, but a USB bridge may hold bytes back for tens of milliseconds.
END_SILENCE_S: Final = 0.2
STALE_SILENCE_S: Final = 1.0  # a line that began and never ended is not continued by the next code
_CR, _LF, _TAB = 0x0D, 0x0A, 0x09


class CodeSplitter:
    """Takes pieces of any size. Holds at most MAX_CODE_BYTES."""

    def __init__(self, suffix: Suffix = Suffix.AUTO) -> None:
        self._suffix = suffix
        self._line = bytearray()
        self._too_long = False
        self._seen_suffix = False

    @property
    def silence_s(self) -> float | None:
        """How long a silence must be to mean something now; None when no code has begun."""
        if not self._line and not self._too_long:
            return None
        return END_SILENCE_S if self._ends_by_silence else STALE_SILENCE_S

    @property
    def _ends_by_silence(self) -> bool:
        match self._suffix:
            case Suffix.NONE:
                return True
            case Suffix.AUTO:
                return not self._seen_suffix
            case Suffix.CR | Suffix.LF | Suffix.CRLF | Suffix.TAB:
                return False
            case _:
                assert_never(self._suffix)

    def feed(self, piece: bytes) -> list[CodeScanned | Fault]:
        found: list[CodeScanned | Fault] = []
        for byte in piece:
            if self._ends(byte):
                self._seen_suffix = True
                found += self._finish()
            elif len(self._line) >= MAX_CODE_BYTES:
                self._too_long = True
            else:
                self._line.append(byte)
        return found

    def _ends(self, byte: int) -> bool:
        match self._suffix:
            case Suffix.AUTO:
                return byte in (_CR, _LF)
            case Suffix.CR:
                return byte == _CR
            case Suffix.LF:
                return byte == _LF
            case Suffix.TAB:
                return byte == _TAB
            case Suffix.CRLF:
                if byte != _LF or self._line[-1:] != bytes([_CR]):
                    return False
                del self._line[-1:]
                return True
            case Suffix.NONE:
                return False
            case _:
                assert_never(self._suffix)

    def silence(self) -> list[CodeScanned | Fault]:
        """Nothing has come for `silence_s`."""
        if not self._ends_by_silence:
            self.clear()
            return []
        return self._finish()

    def clear(self) -> None:
        """Forget a code that has begun, not how this scanner ends them."""
        self._line.clear()
        self._too_long = False

    def _finish(self) -> list[CodeScanned | Fault]:
        line, too_long = bytes(self._line), self._too_long
        self.clear()
        if too_long:
            return [Fault(FaultCode.BAD_INPUT, "code too long")]
        if not line:  # the LF of CR LF
            return []
        if not clean(line):
            return [Fault(FaultCode.BAD_INPUT, "control character in a code")]
        return [CodeScanned(line)]


def clean(data: bytes) -> bool:
    """No control character, neither as a byte nor as a character of UTF-8 (U+0080 to U+009F)."""
    if any(byte < 0x20 or byte == 0x7F for byte in data):
        return False
    try:
        return not any("\x80" <= char <= "\x9f" for char in data.decode("utf-8"))
    except UnicodeDecodeError:
        return True  # bytes of another writing: GBK


def checked(code: CodeScanned | Fault, rule: CodeRule) -> CodeScanned | CodeRefused:
    """What may be passed on to the step that set `rule`."""
    if isinstance(code, Fault) or not rule.min_bytes <= len(code.data) <= rule.max_bytes:
        return CodeRefused()
    if not rule.pattern:
        return code
    try:
        text = code.data.decode("ascii")
    except UnicodeDecodeError:
        return CodeRefused()
    return code if re.fullmatch(rule.pattern, text) else CodeRefused()
