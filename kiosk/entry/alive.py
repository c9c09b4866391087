"""Says "I am alive" in the way of systemd (sd_notify): one datagram to the address in NOTIFY_SOCKET.

Who listens is systemd, or `kiosk keep`. Whoever is silent for too long is ended and started again,
so it is the thread that draws the screen and takes the presses that must speak, and no other.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Final

NOTIFY_SOCKET: Final = "NOTIFY_SOCKET"
READY: Final = b"READY=1"
STILL_HERE: Final = b"WATCHDOG=1"


class Alive:
    """Nobody listens, or somebody who hangs himself: that never holds up who speaks."""

    def __init__(self, address: str) -> None:
        """`address`: a path, or a name after `@`; empty: nobody asked."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._said_ready = False

    @classmethod
    def of_this_process(cls) -> Alive:
        """Taken out of the environment: our children are none of its business."""
        return cls(os.environ.pop(NOTIFY_SOCKET, ""))

    @property
    def asked_for(self) -> bool:
        return bool(self._address)

    def beat(self) -> None:
        if not self._address:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as wire:
            wire.sendto(STILL_HERE if self._said_ready else READY, self._address)
            self._said_ready = True
