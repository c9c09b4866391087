"""What every process of the terminal needs of its program and of its parent."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>
PR_SET_DUMPABLE: Final = 4


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


def no_core_dumps() -> None:
    """Whatever becomes of this process, its memory is written nowhere: a citizen's data stands there.

    The limit is for core files; a program that the kernel hands a core to, as systemd's, is not held
    by it, and gets none of a process that is not dumpable. Nor can another process of the same
    account read this one's memory then.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0)
