"""Serial code scanners: one code a line. Bytes -> codes, pure.

A code ends with CR, LF or both. Some scanners are set to send no suffix: from those a code ends
with a short silence, until the first suffix shows that this one sends them.
"""

from __future__ import annotations

from typing import Final

from drivers.code_scanner.values import MAX_CODE_BYTES, CodeScanned
from drivers.device import Fault, FaultCode

END_SILENCE_S: Final = 0.05  # at 9600 baud a byte takes 1 ms
STALE_SILENCE_S: Final = 1.0  # a line that began and never ended is not continued by the next code
_ENDS: Final = b"\r\n"


class CodeSplitter:
    """Takes pieces of any size. Holds at most MAX_CODE_BYTES."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._too_long = False
        self._sends_suffix = False

    @property
    def silence_s(self) -> float | None:
        """How long a silence must be to mean something now; None when no code has begun."""
        if not self._line and not self._too_long:
            return None
        return STALE_SILENCE_S if self._sends_suffix else END_SILENCE_S

    def feed(self, piece: bytes) -> list[CodeScanned | Fault]:
        found: list[CodeScanned | Fault] = []
        for byte in piece:
            if byte in _ENDS:
                self._sends_suffix = True
                found += self._finish()
            elif len(self._line) >= MAX_CODE_BYTES:
                self._too_long = True
            else:
                self._line.append(byte)
        return found

    def silence(self) -> list[CodeScanned | Fault]:
        """Nothing has come for `silence_s`."""
        if self._sends_suffix:
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
        if any(byte < 0x20 or byte == 0x7F for byte in line):
            return [Fault(FaultCode.BAD_INPUT, "control character in a code")]
        return [CodeScanned(line)]
