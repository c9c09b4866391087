"""Opens an input device of Linux for us alone: its keys reach nobody else while it is open.

The one small port under keyboards that are scanners or keypads; what comes out of it are input
events (`input_events.py`), and everything above is tested against a Unix socket that sends them.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from typing import Final

from drivers.device import Fault, FaultCode

EVIOCGRAB: Final = 0x40044590  # _IOW('E', 0x90, int): all events to this reader only

Grab = Callable[[int], None]
"""Takes an open device for this process alone; raises OSError when it cannot."""


def grab_device(descriptor: int) -> None:
    fcntl.ioctl(descriptor, EVIOCGRAB, 1)


def open_exclusively(path: str, grab: Grab = grab_device) -> int | Fault:
    """A descriptor that reads events, taken from everybody else; never one that is shared."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reasons = {
            errno.ENOENT: "no such device",
            errno.ENODEV: "no such device",
            errno.ENXIO: "no such device",
            errno.EACCES: "no permission",
            errno.EPERM: "no permission",
        }
        words = reasons.get(error.errno or 0, "cannot be opened")
        return Fault(FaultCode.DISCONNECTED, f"{path}: {words}")
    try:
        grab(descriptor)
    except OSError as error:
        os.close(descriptor)
        if error.errno == errno.EBUSY:
            return Fault(FaultCode.DISCONNECTED, f"{path}: in use by another program")
        if error.errno == errno.ENODEV:
            return Fault(FaultCode.DISCONNECTED, f"{path}: no such device")
        return Fault(FaultCode.BAD_INPUT, f"{path}: not an input device")
    return descriptor
