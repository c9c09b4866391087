"""Opens a store in which a million items wait, and says how long it takes.

    python tests/offline_cache/million_rows.py [--rows N] --work DIR

The rows are copies of one real sealed application, with their own keys of the indexes.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from cache_world import DRAFT_KEPT, ZONE, HandClock, keys_in, ok, queue_of, seal, store_in

from offline_cache.store import open_store

LIMIT_S = 1.0
A_TURN = 50_000


def fill(data: Path, rows: int) -> None:
    store = store_in(data, HandClock())
    ok(seal(store))
    # How it gets there is not what is looked at: no journal, and the indexes are made at the end.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -300000"):
        ok(store.database.rows(f"PRAGMA {pragma}"))
    indexes = ok(
        store.database.rows(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'outbox'"
        )
    )
    for name, _ in indexes:
        ok(store.database.rows(f"DROP INDEX {name}"))
    names = [name for _, name, *_ in ok(store.database.rows("PRAGMA table_info(outbox)"))][1:]
    made = {"order_key": "'N' || n", "person_digest": "randomblob(32)"}
    columns = ", ".join(names)
    values = ", ".join(made.get(name, f"o.{name}") for name in names)
    for begin in range(1, rows, A_TURN):
        end = min(rows, begin + A_TURN)

        def work(cursor: Any, begin: int = begin, end: int = end) -> None:
            numbers = f"WITH RECURSIVE c(n) AS (SELECT {begin} UNION ALL SELECT n + 1 FROM c WHERE n + 1 < {end})"  # noqa: S608
            first = "(SELECT min(row) FROM outbox)"
            cursor.execute(
                f"{numbers} INSERT INTO outbox (row, {columns})"  # noqa: S608
                f" SELECT o.row + c.n, {values} FROM c, outbox o WHERE o.row = {first}"
            )
            cursor.execute(
                f"{numbers} INSERT INTO sealed (row, bytes)"  # noqa: S608
                f" SELECT s.row + c.n, s.bytes FROM c, sealed s WHERE s.row = {first}"
            )

        ok(store.database.write(work) or 0)
    for _, sql in indexes:
        ok(store.database.rows(sql))
    ok(store.database.rows("PRAGMA journal_mode = WAL"))
    store.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    data = options.work / "data"
    try:
        fill(data, options.rows)
        size_mb = (data / "store" / "store.db").stat().st_size / 2**20
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        began = time.perf_counter()
        store = ok(open_store(data, keys_in(data), HandClock(), draft_kept=DRAFT_KEPT, zone=ZONE))
        opened_s = time.perf_counter() - began
        began = time.perf_counter()
        waiting = ok(store.outbox.waiting())
        batch = ok(queue_of(store, HandClock()).next_batch(max_items=100, max_bytes=1 << 20))
        batch_s = time.perf_counter() - began
        began = time.perf_counter()
        ok(seal(store, session="now"))
        seal_s = time.perf_counter() - began
        store.close()
    finally:
        shutil.rmtree(options.work, ignore_errors=True)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "rows": waiting.count,
                "file_mb": round(size_mb),
                "open_s": round(opened_s, 3),
                "count_and_batch_of": [len(batch), round(batch_s, 3)],
                "seal_s": round(seal_s, 4),
                "peak_mb": round(peak_mb),
                "ok": opened_s <= LIMIT_S,
            }
        )
    )
    return 0 if opened_s <= LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
