"""A terminal that works without a pause, until it is stopped, killed or out of room.

    python crash_writer.py DATA TAG [--unsafe] [--sender]

Every line on standard output is a promise: `sealed NUMBER` once the application is committed, `papers
NUMBER+SEQ` once what was handed in after it is. With
`--sender` a second process marks what was sealed as accepted, as the sync process does. `--unsafe`
takes the safety away (synchronous=NORMAL): whoever counts must then find that something is lost.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path

from cache_world import (
    DRAFT_KEPT,
    GRANNY,
    ZONE,
    HandClock,
    enrol_in,
    hand_in,
    keys_in,
    ok,
    seal,
)
from envelope_opener import HubKeyPair

from offline_cache.blobs import Blobs
from offline_cache.database import Database, open_database
from offline_cache.faults import StoreFault
from offline_cache.outbox import ItemKind
from offline_cache.ports import Clock
from offline_cache.queue import SendQueue
from offline_cache.store import StorePlaces, open_store
from offline_cache.suites import SuiteId

HUB_KEY = "hub-private.key"  # in the data folder, for whoever counts; PKCS 8 and SPKI, DER
LEAVES = 0.2  # the share of citizens after whom the journal is wiped
LACKS = 0.4  # the share of citizens who hand in two papers later
DRAFT = '{"step": "form", "name": "甄桂兰"}'


def write_hub_key(data: Path, pair: HubKeyPair) -> None:
    data.mkdir(parents=True, exist_ok=True)
    (data / HUB_KEY).write_bytes(len(pair.private).to_bytes(2) + pair.private + pair.public)
    enrol_in(data, pair)


def read_hub_key(data: Path) -> HubKeyPair:
    kept = (data / HUB_KEY).read_bytes()
    size = int.from_bytes(kept[:2])
    return HubKeyPair(SuiteId.AES256GCM_P256, kept[2 : 2 + size], kept[2 + size :])


def _open_unsafe(path: Path, key: bytes, clock: Clock) -> Database | StoreFault:
    opened = open_database(path, key, clock)
    if isinstance(opened, Database):
        ok(opened.rows("PRAGMA synchronous = NORMAL"))
    return opened


def papers_key(number: str, seq: int) -> str:
    """Tells later papers apart from what they follow and from each other."""
    return f"{number}+{seq}"


def work_for_ever(data: Path, tag: str, *, out: int = 1, unsafe: bool = False) -> None:
    """Citizen after citizen. Each line that stands in `out` (a descriptor) is a promise."""
    chance = random.Random(tag)
    store = ok(
        open_store(
            data,
            keys_in(data),
            HandClock(),
            draft_kept=DRAFT_KEPT,
            zone=ZONE,
            open_file=_open_unsafe if unsafe else open_database,
        )
    )
    count = 0
    while True:
        count += 1
        session = f"{tag}-{count}"
        store.journal.save(session, GRANNY, DRAFT)
        page = f"page {session} ".encode() * chance.randint(1, 4000)
        lacks = ("bank_card", "photo") if chance.random() < LACKS else ()
        sealed = seal(store, session=session, page=page, lacks=lacks)
        if isinstance(sealed, StoreFault):
            os.write(out, f"fault {sealed.code}\n".encode())
            return
        os.write(out, f"sealed {sealed.number}\n".encode())
        store.outbox.add(ItemKind.RATING, sealed.number, {"number": sealed.number, "level": 5})
        if lacks:  # who went home for them comes back
            added = hand_in(store, sealed.number, *lacks, page=page[: chance.randint(1, 40_000)])
            if isinstance(added, StoreFault):
                os.write(out, f"fault {added.code}\n".encode())
                return
            os.write(out, f"papers {papers_key(sealed.number, added.seq)}\n".encode())
        if chance.random() < LEAVES:
            store.journal.erase()  # the WAL is cut


def send_for_ever(data: Path) -> None:
    """The other process at the same file: what was sealed is accepted."""
    clock, places = HandClock(), StorePlaces(data)
    database = open_database(places.database, keys_in(data).database, clock, create=False)
    while isinstance(database, StoreFault):
        time.sleep(0.05)
        database = open_database(places.database, keys_in(data).database, clock, create=False)
    queue = SendQueue(database, Blobs(places.attachments), clock)
    while True:
        batch = ok(queue.next_batch(max_items=20, max_bytes=1 << 20))
        if batch:
            queue.sending([item.row for item in batch])
            rows = [item.row for item in batch]
            queue.accepted(rows[::2], more_follow=True)
            queue.accepted(rows[1::2], more_follow=len(rows) % 2 == 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("tag")
    parser.add_argument("--unsafe", action="store_true")
    parser.add_argument("--sender", action="store_true")
    options = parser.parse_args()
    if not StorePlaces(options.data).hub_keys.exists():
        enrol_in(options.data)
    if options.sender and os.fork() == 0:
        send_for_ever(options.data)
    work_for_ever(options.data, options.tag, unsafe=options.unsafe)


if __name__ == "__main__":
    main()
