"""Keep None, True and False alive under PySide6 6.12 on Python 3.11.

PySide6 6.12 returns these three without taking a reference: each `signal.emit()` loses one of
True, each `deleteLater()`, `singleShot()` or image request one of None. From Python 3.12 on they
are immortal and nobody notices; on 3.11 the interpreter aborts ("none_dealloc", "bool_dealloc")
after some thousand calls, which for a terminal is minutes. `tests/ui` shows both: that the loss
is still there, and that a million emissions do no harm after `protect()`.
"""

from __future__ import annotations

import ctypes
import sys

IMMORTAL_SINCE = (3, 12)
# More than a terminal can lose in a century of a million calls a second, far from overflow.
EXTRA_REFERENCES = 1 << 52


def protect() -> None:
    """Give the three constants references nobody can use up. Call once, before Qt is used."""
    if sys.version_info >= IMMORTAL_SINCE:
        return
    for constant in (None, True, False):
        # the reference count is the first word of every object in CPython 3.11
        count = ctypes.c_ssize_t.from_address(id(constant))
        if count.value < EXTRA_REFERENCES:
            count.value += EXTRA_REFERENCES
