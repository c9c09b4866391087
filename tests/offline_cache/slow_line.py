"""A 5 MB attachment over a line of 64 kbit/s that drops 2 % and is down 1 s every 20 s.

    unshare -n python tests/offline_cache/slow_line.py [BYTES]        (make slow-line)

Runs in a network of its own, shaped by the kernel (tbf, nftables); needs root, iproute2, nftables.
First a plain TCP stream shows what the line really carries, then the attachment goes the way it
goes in the terminal. The last line is JSON; the exit code says whether the goodput is 75 % of what
the line carries while it is up and whether any byte was taken twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from line_world import KEY  # noqa: E402
from little_hub import LittleHub, serving  # noqa: E402

from kiosk.clock import SystemClock  # noqa: E402
from offline_cache.faults import StoreFault  # noqa: E402
from offline_cache.line.client import HubClient  # noqa: E402
from offline_cache.line.hub_time import HubTime  # noqa: E402
from offline_cache.line.identity import Identity  # noqa: E402
from offline_cache.line.upload import Upload, Uploads  # noqa: E402

KBIT_A_SECOND = 64
LOST_PERCENT = 2
UP_S, DOWN_S = 19.0, 1.0
WHILE_UP = KBIT_A_SECOND * 1000 / 8 * (1 - LOST_PERCENT / 100)  # bytes a second
LEAST = 0.75
PLAIN_S = 60.0  # how long the plain stream is watched, three times down in it
DEFAULT_BYTES = 5_000_000


class OneBlob:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def sealed_bytes(self, sha256: str) -> int | StoreFault:
        return len(self._content)

    def sealed_part(self, sha256: str, offset: int, count: int) -> bytes | StoreFault:
        return self._content[offset : offset + count]


def sh(*words: str) -> None:
    subprocess.run(words, check=True)


def shape() -> None:
    """Loopback becomes the line. Only in a network of our own."""
    sh("ip", "link", "set", "lo", "mtu", "1500", "up")
    sh(
        *("tc", "qdisc", "add", "dev", "lo", "root", "tbf"),
        *("rate", f"{KBIT_A_SECOND}kbit", "burst", "3kb", "latency", "800ms"),
    )
    sh("nft", "add", "table", "inet", "line")
    sh("nft", "add", "chain", "inet", "line", "out", "{ type filter hook output priority 0 ; }")
    sh("nft", "add", "chain", "inet", "line", "down")
    sh("nft", "add", "rule", "inet", "line", "out", "oifname", "lo", "jump", "down")
    lost = ("numgen", "random", "mod", "100", "<", str(LOST_PERCENT), "drop")
    sh("nft", "add", "rule", "inet", "line", "out", "oifname", "lo", *lost)


@contextmanager
def going_down() -> Iterator[list[float]]:
    """Down `DOWN_S` after every `UP_S`; the list gets the seconds it was down."""
    over, down = Event(), list[float]()

    def work() -> None:
        while not over.wait(UP_S):
            began = time.monotonic()
            sh("nft", "add", "rule", "inet", "line", "down", "drop")
            over.wait(DOWN_S)
            sh("nft", "flush", "chain", "inet", "line", "down")
            down.append(time.monotonic() - began)

    thread = Thread(target=work)
    thread.start()
    try:
        yield down
    finally:
        over.set()
        thread.join()


def plain_stream(seconds: float) -> float:
    """Bytes a second that one TCP connection carries over this line, without anything of ours."""
    received = 0
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as door:

        def drink() -> None:
            nonlocal received
            with door.accept()[0] as wire:
                wire.settimeout(30)
                with contextlib.suppress(OSError):
                    while piece := wire.recv(65536):
                        received += len(piece)

        def pour() -> None:
            with socket.create_connection(door.getsockname()) as wire:
                wire.settimeout(5)
                with contextlib.suppress(OSError):
                    while not over.is_set():
                        wire.send(bytes(1400))

        threads = [Thread(target=drink), Thread(target=pour)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        carried = received / seconds
        over.set()
        for thread in threads:
            thread.join()
    return carried


def main(size: int) -> int:
    shape()
    content = secrets.token_bytes(size)
    name = hashlib.sha256(content).hexdigest()
    clock = SystemClock()
    with serving(LittleHub()) as hub, going_down() as down:
        plain = plain_stream(PLAIN_S)
        print(f"a plain stream carries {plain:.0f} bytes/s of {WHILE_UP:.0f} while up", flush=True)
        times = HubTime(Path(tempfile.mkdtemp()) / "time.json", clock)
        client = HubClient(hub.url, clock, times, connect_timeout_s=5, read_timeout_s=20)
        client.use(Identity("QS01", hub.enrol(KEY.request()), hub.authority.pem), KEY)
        uploads = Uploads(client, OneBlob(content), clock)
        down.clear()
        began = time.monotonic()
        tries = 1
        while (result := uploads.send(name, lambda: True)) is not Upload.DONE:
            tries += 1
            at = sum(taken for _, _, taken in hub.parts)
            print(f"{time.monotonic() - began:6.0f} s  {at} bytes  {result}", flush=True)
            time.sleep(0.2)
        seconds = time.monotonic() - began
        up_s = seconds - sum(down)
        client.close()
    starts = [offset for _, offset, _ in hub.parts]
    goodput = size / up_s
    answer = {
        "ok": hub.attachments.get(name) == content and goodput >= LEAST * WHILE_UP,
        "bytes": size,
        "seconds": round(seconds),
        "times_down": len(down),
        "goodput_while_up": round(goodput),
        "of_the_line_while_up": round(goodput / WHILE_UP, 3),
        "of_a_plain_stream": round(size / seconds / plain, 3),
        "tries": tries,
        "parts": len(hub.parts),
        "largest_part": max(taken for _, _, taken in hub.parts),
        "from_zero_again": starts.count(0) - 1,
    }
    answer["ok"] = bool(answer["ok"]) and answer["from_zero_again"] == 0
    print(json.dumps(answer))
    return 0 if answer["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_BYTES))
