"""The sync process with a million items waiting: how much memory, how long until it sends.

    python tests/offline_cache/sync_memory.py [ITEMS]        (make sync-memory ITEMS=1000000)

Fills a store with made-up items, starts the real process against a hub of the tests that takes
everything, and watches it drain for a minute. The last line is JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

from little_hub import TERMINAL, LittleHub, serving  # noqa: E402

from kiosk import sync_messages as messages  # noqa: E402
from kiosk.channel import Channel, ChannelClosed  # noqa: E402
from kiosk.clock import LOCAL_ZONE, SystemClock  # noqa: E402
from offline_cache import once  # noqa: E402
from offline_cache.database import NO_CHAIN, OWN_EPOCH, SEQ_BITS, open_database  # noqa: E402
from offline_cache.faults import StoreFault  # noqa: E402
from offline_cache.keys import open_keys  # noqa: E402
from offline_cache.line.enrolment import EnrolmentFiles  # noqa: E402
from offline_cache.line.identity import DeviceKey, Identity  # noqa: E402
from offline_cache.outbox import next_link  # noqa: E402
from offline_cache.store import StorePlaces, open_store  # noqa: E402

DEFAULT_ITEMS = 1_000_000
SEALED_BYTES = 450  # an application without papers
WATCHED_S = 60.0
MOST_MEMORY = 120 << 20
MOST_OPEN_S = 1.0


def rows(count: int) -> Iterator[tuple[tuple[object, ...], tuple[int, bytes]]]:
    chain = NO_CHAIN
    envelope = secrets.token_bytes(SEALED_BYTES)
    for seq in range(1, count + 1):
        item_id = uuid.uuid4()
        sealed = seq.to_bytes(8) + envelope[8:]
        sha256 = hashlib.sha256(sealed).digest()
        chain = next_link(chain, seq, item_id.bytes, sha256)
        row, key = (OWN_EPOCH << SEQ_BITS) + seq, once.NewKey()
        told = "2026-11-22T06:30:00.000Z"
        number = f"QS01{seq:012d}"
        yield (
            (row, item_id.bytes, "application", number, told, sha256, chain, key.key),
            (row, key.encrypt(sealed, item_id.bytes)),
        )


def fill(data: Path, count: int) -> None:
    keys = open_keys(StorePlaces(data).keys)
    assert not isinstance(keys, StoreFault)
    store = open_store(data, keys, SystemClock(), draft_kept=timedelta(minutes=15), zone=LOCAL_ZONE)
    assert not isinstance(store, StoreFault)
    batch: list[tuple[tuple[object, ...], tuple[int, bytes]]] = []

    def write(cursor: object) -> None:
        cursor.executemany(  # type: ignore[attr-defined]
            "INSERT INTO outbox (row, id, kind, order_key, created_at, sha256, chain, state, key)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'sealed', ?)",
            [outside for outside, _ in batch],
        )
        cursor.executemany(  # type: ignore[attr-defined]
            "INSERT INTO sealed (row, bytes) VALUES (?, ?)", [inside for _, inside in batch]
        )

    for each in rows(count):
        batch.append(each)
        if len(batch) == 20_000:
            assert store.database.write(write) is None
            batch.clear()
    assert store.database.write(write) is None
    store.database.empty_wal()
    store.close()


def main(count: int) -> int:
    with tempfile.TemporaryDirectory(prefix="sync-memory-") as folder:
        data = Path(folder)
        began = time.monotonic()
        fill(data, count)
        print(f"{count} items laid down in {time.monotonic() - began:.0f} s", flush=True)
        keys = open_keys(StorePlaces(data).keys)
        assert not isinstance(keys, StoreFault)
        began = time.monotonic()
        database = open_database(StorePlaces(data).database, keys.database, SystemClock())
        open_s = time.monotonic() - began
        assert not isinstance(database, StoreFault)
        database.close()
        with serving(LittleHub(opens=False)) as hub:
            files = EnrolmentFiles(StorePlaces(data), keys.database)
            certificate = hub.enrol(DeviceKey(keys.device).request())
            assert files.write(Identity(TERMINAL, certificate, hub.authority.pem)) is None
            settings = data / "kiosk.toml"
            settings.write_text(
                f'[paths]\ndata = "{data}"\nlogs = "{data / "logs"}"\n'
                f'[hub]\nurl = "{hub.url}"\nspread_s = 0\n',
                encoding="utf-8",
            )
            ours, theirs = socket.socketpair()
            reading, writing = os.pipe()
            os.write(writing, keys.database + keys.device)
            os.close(writing)
            began = time.monotonic()
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "kiosk.entry.sync", "--fd", str(theirs.fileno())),
                    *("--key-fd", str(reading), "--settings", str(settings)),
                ],
                pass_fds=(theirs.fileno(), reading),
                cwd=ROOT,
            )
            theirs.close()
            os.close(reading)
            ours.settimeout(WATCHED_S)
            channel = Channel(ours)
            first_s = 0.0
            while time.monotonic() - began < WATCHED_S:
                frame = channel.receive()
                if isinstance(frame, ChannelClosed):
                    break
                told = messages.ANSWER.validate_json(frame.json)
                if isinstance(told, messages.Delivered) and not first_s:
                    first_s = time.monotonic() - began
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            peak = next(int(it.split()[1]) for it in status.splitlines() if "VmHWM" in it) << 10
            channel.close()
            process.wait(30)
            drained = len(hub.order)
        answer = {
            "ok": peak <= MOST_MEMORY and open_s <= MOST_OPEN_S and drained > 0,
            "items": count,
            "peak_memory_mb": round(peak / 2**20, 1),
            "open_s": round(open_s, 3),
            "first_delivered_s": round(first_s, 1),
            "drained": drained,
            "seconds": WATCHED_S,
            "database_mb": round(StorePlaces(data).database.stat().st_size / 2**20),
        }
        print(json.dumps(answer))
        return 0 if answer["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_ITEMS))
