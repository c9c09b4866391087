"""What every process of the terminal needs of its program and of its parent."""

from __future__ import annotations

import ctypes
import hashlib
import os
import resource
import signal
import socket
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>
PR_SET_DUMPABLE: Final = 4


def program_version() -> str:
    """As installed."""
    try:
        return version("zhengwu-kiosk")
    except PackageNotFoundError:
        return "unpacked"  # run from the folder, not installed


def only_one(data: Path) -> socket.socket | None:
    """Be the only terminal over this data for as long as what is answered is kept; None: there is
    one already. By a name that the kernel takes back however this process ends, and that needs no
    disk: a full or absent one must not keep a terminal from starting."""
    name = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(f"\0kiosk-run-{name}")
    except OSError:
        held.close()
        return None
    return held


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
