"""Keep None, True and False alive under PySide6 6.12 on Python 3.11.

PySide6 6.12 gives these three away without counting; on 3.11 a program that runs for minutes
aborts. The terminal has its own protection; the rehearsal shares no code with it.
"""

from __future__ import annotations

import ctypes
import sys

EXTRA_REFERENCES = 1 << 52  # more than a rehearsal can lose, far from overflow


def protect() -> None:
    """Call once, before Qt is used."""
    if sys.version_info >= (3, 12):
        return
    for constant in (None, True, False):
        # the reference count is the first word of every object in CPython 3.11
        count = ctypes.c_ssize_t.from_address(id(constant))
        if count.value < EXTRA_REFERENCES:
            count.value += EXTRA_REFERENCES
