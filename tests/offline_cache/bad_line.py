"""A line of our own between a terminal and its hub: slow, and cut again and again.

A TCP proxy in this process; what passes is paced per direction, and every so often every
connection is reset in the middle of whatever it carries.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

PIECE_BYTES = 4096
BUFFER_BYTES = 32 << 10
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing throws away what is on its way


@dataclass
class BadLine:
    """`carried`: bytes that went through, both ways; `cuts`: how often it was cut."""

    port: int
    carried_up: int = 0
    carried_down: int = 0
    cuts: int = 0


@contextmanager
def bad_line(
    hub_port: int, *, bytes_a_second: float = 0, cut_every_s: float = 0
) -> Iterator[BadLine]:
    """0: no limit, no cuts."""
    door = socket.create_server(("127.0.0.1", 0))
    line = BadLine(door.getsockname()[1])
    over = Event()
    threads: list[Thread] = []
    pairs: list[tuple[socket.socket, socket.socket]] = []

    def carry(ours: socket.socket, theirs: socket.socket) -> None:
        free_at = time.monotonic()  # when the line has carried what it took so far
        with contextlib.suppress(OSError, ValueError):
            while not over.is_set():
                ready, _, _ = select.select([ours, theirs], [], [], 0.1)
                for wire in ready:
                    piece = wire.recv(PIECE_BYTES)
                    if not piece:
                        return
                    if bytes_a_second:
                        free_at = max(free_at, time.monotonic() - PIECE_BYTES / bytes_a_second)
                        free_at += len(piece) / bytes_a_second
                        time.sleep(max(0.0, free_at - time.monotonic()))
                    if wire is ours:
                        theirs.sendall(piece)
                        line.carried_up += len(piece)
                    else:
                        ours.sendall(piece)
                        line.carried_down += len(piece)

    def work(ours: socket.socket) -> None:
        theirs = socket.create_connection(("127.0.0.1", hub_port))
        # A cut loses what is in the buffers: let there be little in them.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        pairs.append((ours, theirs))
        try:
            carry(ours, theirs)
        finally:
            for wire in (ours, theirs):
                wire.close()

    def accept() -> None:
        door.settimeout(0.1)
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                ours, _ = door.accept()
                thread = Thread(target=work, args=(ours,))
                thread.start()
                threads.append(thread)

    def cut() -> None:
        while not over.wait(cut_every_s):
            line.cuts += 1
            for ours, theirs in pairs:
                for wire in (ours, theirs):
                    with contextlib.suppress(OSError):
                        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                        wire.shutdown(socket.SHUT_RDWR)
            pairs.clear()

    threads.append(Thread(target=accept))
    if cut_every_s:
        threads.append(Thread(target=cut))
    for thread in threads:
        thread.start()
    try:
        yield line
    finally:
        over.set()
        for thread in threads:
            thread.join()
        door.close()
