"""What every process of the terminal needs of its program and of its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def program_version() -> str:
    """As installed."""
    try:
        return version("zhengwu-kiosk")
    except PackageNotFoundError:
        return "unpacked"  # run from the folder, not installed


def die_with_parent(by: signal.Signals) -> None:
    """Be ended by the kernel when the thread that started this process ends, however it does."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        sys.exit(0)  # it went in the moment before
