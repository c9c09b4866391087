"""The photo of a card, decoded by a program that the site has; there is no open decoder.

The program gets the 1,024 bytes of the WLT photo on its standard input and writes a BMP, PNG or JPEG
to its standard output. It is foreign code that reads what a card holds, so it runs as a process of
its own with limits on time, memory and output, without files, and what it writes is only passed on
when it begins like a picture. Runs on the reader's thread, never on the window's.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import Final

from drivers.device import Fault, FaultCode

LIMIT_S: Final = 2.0  # the licensed libraries take 20 ms; who waits longer has lost it
MEMORY_BYTES: Final = 512 * 1024 * 1024
MAX_PICTURE_BYTES: Final = 200_000  # 102 x 126 in 24 bits are 38,862
READ_BYTES: Final = 65536
PICTURES: Final = (b"BM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
PRLIMIT: Final = "/usr/bin/prlimit"  # of util-linux, on every Debian
ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def decode_photo(command: Sequence[str], wlt: bytes, limit_s: float = LIMIT_S) -> bytes | Fault:
    """The picture as the program wrote it; a fault says why there is none, nothing of the card."""
    limited = [
        *(PRLIMIT, f"--as={MEMORY_BYTES}", f"--cpu={int(limit_s) + 1}", "--core=0", "--fsize=0"),
        *("--", *command),
    ]
    try:
        process = subprocess.Popen(  # noqa: S603 - named in the settings by whoever runs the site
            limited,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        return Fault(FaultCode.NOT_FOUND, "the photo decoder cannot be started")
    try:
        return _talk(process, wlt, time.monotonic() + limit_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it has started
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def _talk(process: subprocess.Popen[bytes], wlt: bytes, until_s: float) -> bytes | Fault:
    if process.stdin is None or process.stdout is None:
        return Fault(FaultCode.BROKEN, "the photo decoder has no pipes")
    with contextlib.suppress(OSError):  # it may not want them; 1,024 bytes never fill a pipe
        process.stdin.write(wlt)
        process.stdin.close()
    picture = bytearray()
    while len(picture) <= MAX_PICTURE_BYTES:
        left_s = until_s - time.monotonic()
        if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
            return Fault(FaultCode.TIMED_OUT, "the photo decoder takes too long")
        piece = os.read(process.stdout.fileno(), READ_BYTES)
        if not piece:
            break
        picture += piece
    else:
        return Fault(FaultCode.BAD_REPLY, "the photo decoder writes too much")
    if not picture.startswith(PICTURES):
        return Fault(FaultCode.BAD_REPLY, "the photo decoder wrote no picture")
    return bytes(picture)
