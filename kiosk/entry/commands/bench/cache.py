"""`kiosk bench cache`: sealing an application beside what the disk itself can do.

The limit is an append of 4 KB and its fsync on the same disk, measured in turns with everything else.
Sealing is the whole of it: the journal's draft goes, the application and its place in the queue come,
encrypted, in one commit. The content key of the next envelope is made before, as on the terminal,
where it is made while the citizen types; what that costs is a row of its own.
"""

from __future__ import annotations

import hashlib
import json as to_json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.clock import LOCAL_ZONE, SystemClock
from kiosk.entry.commands.answer import bad_use
from kiosk.entry.commands.bench.report import Cell, Table, Timing, interleaved, noise
from offline_cache.blobs import Blobs
from offline_cache.database import Database, open_database
from offline_cache.envelope import Envelopes, SealKey, suites_at_hand
from offline_cache.faults import StoreFault
from offline_cache.hub_keys import HubKeysFile
from offline_cache.journal import Journal
from offline_cache.keys import Keys
from offline_cache.outbox import ItemKind, Outbox, Serials
from offline_cache.queue import SendQueue
from offline_cache.sealer import Sealer
from offline_cache.store import StorePlaces
from offline_cache.suites import Suite, SuiteId, Wrapped

ROUNDS: Final = 1500
WARM_UP: Final = 100
DRAINING: Final = 10_000
APPEND_BYTES: Final = 4096
LIMIT: Final = "append 4 KB + fsync (the limit)"
BODY: Final[dict[str, object]] = {
    "item": "old_age_allowance",
    "item_version": "1",
    "terminal": "QS01",
    "session": "5a0c3f6e-6d0e-4f6b-8f5c-6c8f0f1d2a3b",
    "language": "zh",
    "consent": {"version": 1, "agreed_at": "2026-11-22T06:28:11.000Z"},
    "applicant": {
        "kind": "citizen",
        "name": "甄桂兰",
        "number": "990101194001010029",
        "sex_code": "2",
        "nation_code": "01",
        "birth": "1940-01-01",
        "address": "示例省示例市和平区解放路1号",
        "issuer": "示例市公安局和平分局",
        "valid_from": "2012-01-01",
        "valid_to": None,
    },
    "agent": None,
    "form": {"phone": "13900000000", "relative_phone": "", "account": "6200000000000000000"},
    "materials": [],
    "signature": None,
    "earlier_number": None,
}


class _NoSuite:
    """Seals nothing: what is left is the cost of everything else."""

    id: Final = SuiteId.AES256GCM_P256

    def wrap(self, public_key: bytes) -> Wrapped:
        return Wrapped(b"", _NoCipher())


class _NoCipher:
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        return data + bytes(16)


class _Bench:
    """One store of its own, at work."""

    def __init__(self, data: Path, suites: tuple[Suite, ...]) -> None:
        places = StorePlaces(data)
        self._data = data
        self.keys = Keys(*(hashlib.sha256(f"{data}{n}".encode()).digest() for n in range(4)))
        opened = open_database(places.database, self.keys.database, SystemClock())
        if isinstance(opened, StoreFault):
            raise RuntimeError(str(opened))
        self.database: Database = opened
        self.public_key = (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
        hub_keys = HubKeysFile(places.hub_keys, self.keys.database)
        hub_keys.write("QS01", [SealKey(SuiteId.AES256GCM_P256, self.public_key)])
        self.outbox = Outbox(
            opened,
            self.keys,
            SystemClock(),
            blobs=Blobs(places.attachments),
            serials=Serials(places.serials),
            sealer=Sealer(hub_keys, Envelopes(suites)),
            zone=LOCAL_ZONE,
        )
        self.journal = Journal(opened, self.keys, SystemClock(), timedelta(minutes=15))
        self._count = 0

    def begin(self) -> None:
        """What happens before the citizen presses: the draft is kept, the next key is made."""
        self._count += 1
        self.journal.save(str(self._count), "990101194001010029", to_json.dumps(BODY))
        self.outbox.prepare()

    def seal(self) -> None:
        sealed = self.outbox.seal(
            session=str(self._count),
            item="old_age_allowance",
            id_number=str(self._count),
            name_masked="甄**",
            application=BODY,
            attachments=(),
            make_number=lambda serial, at: f"QS01{at.day:02}{serial:04}{self._count:06}",
            receipt=(("事项", "高龄津贴申领"), ("申请人", "甄**")),
        )
        if isinstance(sealed, StoreFault):
            raise RuntimeError(str(sealed))

    def fill(self, rows: int) -> None:
        """Rows that wait; how fast they came is not measured."""
        self.database.rows("PRAGMA synchronous = OFF")
        for _ in range(rows):
            added = self.outbox.add(ItemKind.RATING, f"N{self._count}", {"level": 5})
            self._count += 1
            if isinstance(added, StoreFault):
                raise RuntimeError(str(added))
        self.database.rows("PRAGMA synchronous = FULL")

    def drained(self) -> subprocess.Popen[bytes]:
        """Another process at the same store, as sync is; it ends when what waited is gone."""
        key = self.keys.database.hex()
        return subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-c", _DRAIN, str(self._data), key, str(DRAINING)]
        )


_DRAIN: Final = f"import sys; from {__name__} import drain; drain(*sys.argv[1:])"


def drain(data: str, key: str, count: str) -> None:
    """As the sync process: batches of 100, each marked as accepted in one commit."""
    places = StorePlaces(Path(data))
    own = open_database(places.database, bytes.fromhex(key), SystemClock(), create=False)
    if isinstance(own, StoreFault):
        raise SystemExit(str(own))
    queue = SendQueue(own, Blobs(places.attachments), SystemClock())
    left = int(count)
    while left > 0:
        batch = queue.next_batch(max_items=100, max_bytes=1 << 20)
        if isinstance(batch, StoreFault) or not batch:
            break
        rows = [item.row for item in batch]
        left -= len(rows)
        queue.accepted(rows)
    own.close()


def run(corpus: Path | None, *, json: bool) -> int:
    """`corpus`: the folder on the disk to measure; the working folder when there is none."""
    if corpus is not None and not corpus.is_dir():
        return bad_use("--corpus names a folder on the disk to measure", json=json)
    work = Path(tempfile.mkdtemp(prefix="bench-cache-", dir=corpus or Path.cwd()))
    try:
        _measure(work).show(json=json)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


def _measure(work: Path) -> Table:
    table = Table("cache", ("way", "a second", "of the limit", "p50 ms", "p99 ms", "of its p99"))
    sealed = _Bench(work / "sealed", suites_at_hand())
    plain = _Bench(work / "plain", (_NoSuite(),))
    append, queue_put = _append(work / "append"), _peer(work / "queue")
    ways: dict[str, Callable[[], object]] = {
        LIMIT: append,
        "seal with the envelope": sealed.seal,
        "seal without it": plain.seal,
        "persist-queue SQLite put": queue_put,
    }
    for _ in range(WARM_UP):
        for bench in (sealed, plain):
            bench.begin()
            bench.seal()
        append()
        queue_put()
    quiet = _in_turns(ways, (sealed, plain))
    limit = quiet[LIMIT]
    for name, timing in quiet.items():
        _row(table, name, timing, limit)
    sealed.fill(DRAINING)
    drainer = sealed.drained()
    seal_seconds: list[float] = []
    append_seconds: list[float] = []
    while drainer.poll() is None:
        sealed.begin()
        turn = interleaved({"seal": sealed.seal, "append": append}, 1)
        seal_seconds += turn["seal"].seconds
        append_seconds += turn["append"].seconds
    draining = Timing(tuple(append_seconds))
    _row(table, "append, while 10,000 drain", draining, draining)
    _row(table, "seal, while 10,000 drain", Timing(tuple(seal_seconds)), draining)
    suite, public = suites_at_hand()[0], sealed.public_key
    making = interleaved({"key": lambda: suite.wrap(public)}, ROUNDS)["key"]
    _row(table, "make a content key (beforehand)", making, limit)
    table.note("targets: 60 % with the envelope, 80 % without; p99 at most 3 times the limit's")
    table.note(f"in turns, {ROUNDS} rounds; noise of the machine {noise()}")
    return table


def _in_turns(
    ways: dict[str, Callable[[], object]], benches: tuple[_Bench, ...]
) -> dict[str, Timing]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for turn in range(ROUNDS):
        for bench in benches:
            bench.begin()  # not measured: the citizen is still typing
        start = turn % len(names)
        order = {name: ways[name] for name in names[start:] + names[:start]}
        for name, timing in interleaved(order, 1).items():
            seconds[name] += timing.seconds
    return {name: Timing(tuple(taken)) for name, taken in seconds.items()}


def _row(table: Table, name: str, timing: Timing, limit: Timing) -> None:
    each_s, limit_s = timing.total / len(timing.seconds), limit.total / len(limit.seconds)
    cells: dict[str, Cell] = {
        "way": name,
        "a second": round(1 / each_s),
        "of the limit": f"{limit_s / each_s:.0%}",
        "p50 ms": timing.median * 1e3,
        "p99 ms": timing.quantile(0.99) * 1e3,
        "of its p99": f"{timing.quantile(0.99) / limit.quantile(0.99):.1f}",
    }
    table.add(**cells)


def _append(path: Path) -> Callable[[], None]:
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append() -> None:
        os.write(out, os.urandom(APPEND_BYTES))
        os.fsync(out)

    return append


def _peer(folder: Path) -> Callable[[], None]:
    """A well-known queue on SQLite, every put committed; it encrypts nothing."""
    from persistqueue import SQLiteQueue

    queue = SQLiteQueue(str(folder), auto_commit=True)

    def put() -> None:
        body = {**BODY, "number": str(uuid.uuid4()), "at": datetime.now(UTC).isoformat()}
        queue.put(to_json.dumps(body, ensure_ascii=False))

    return put
