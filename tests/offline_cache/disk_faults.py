"""Lets every single write of a terminal at work fail once, and counts what is left.

    LD_PRELOAD=faulty_disk.so python disk_faults.py WORK ENOSPC|EIO|EROFS [once|from-then-on]

The last line says: faults N, acknowledged X, of them later papers Y, lost 0, half 0, integrity whole,
faults told N
"""

from __future__ import annotations

import ctypes
import errno
import shutil
import sys
from pathlib import Path

from cache_world import DRAFT_KEPT, ZONE, HandClock, hand_in, keys_in, ok, seal, store_in
from crash_writer import DRAFT, papers_key, write_hub_key
from envelope_opener import make_key_pair
from power_cuts import Tally, count_store

from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.outbox import ItemKind
from offline_cache.store import open_store

FOR_EVER = 1 << 40
TELLS = {
    # SQLite's own result says "I/O error" where a sync or a cut meets a full disk
    errno.ENOSPC: {StoreFaultCode.DISK_FULL, StoreFaultCode.UNREADABLE},
    errno.EIO: {StoreFaultCode.UNREADABLE},
    errno.EROFS: {StoreFaultCode.UNREADABLE},  # it was mounted read-only
}


def work_a_while(data: Path, acknowledged: set[str], told: list[StoreFaultCode]) -> None:
    """A start, two citizens of whom one hands in papers later, a stop; what is promised and which faults were told."""
    store = open_store(data, keys_in(data), HandClock(), draft_kept=DRAFT_KEPT, zone=ZONE)
    if isinstance(store, StoreFault):
        told.append(store.code)
        return
    for count in range(2):
        session = f"{len(acknowledged)}-{count}"
        results: list[object] = [store.journal.save(session, "990101194001010029", DRAFT)]
        sealed = seal(store, session=session, page=session.encode() * 3000)
        results.append(sealed)
        if not isinstance(sealed, StoreFault):
            acknowledged.add(sealed.number)
            body = {"number": sealed.number, "level": 5}
            results.append(store.outbox.add(ItemKind.RATING, sealed.number, body))
            if count:
                added = hand_in(store, sealed.number, "bank_card", "photo")
                results.append(added)
                if not isinstance(added, StoreFault):
                    acknowledged.add(papers_key(sealed.number, added.seq))
        results.append(store.journal.erase())
        told += [each.code for each in results if isinstance(each, StoreFault)]
    store.close()


def main() -> int:
    work, error = Path(sys.argv[1]), getattr(errno, sys.argv[2])
    times = FOR_EVER if sys.argv[3:] == ["from-then-on"] else 1
    disk = ctypes.CDLL(None)
    disk.faulty_disk_disarm.restype = ctypes.c_long
    made = work / "made"
    write_hub_key(made, make_key_pair())
    store = store_in(made, HandClock())
    before = {ok(seal(store)).number}
    store.close()
    tally, told_times, at = Tally(0), 0, 0
    while True:
        at += 1
        data = work / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(made, data)
        acknowledged, told = set(before), list[StoreFaultCode]()
        disk.faulty_disk_arm(
            str(data).encode(), ctypes.c_long(at), ctypes.c_long(times), ctypes.c_int(error)
        )
        try:
            work_a_while(data, acknowledged, told)
        finally:
            writes = disk.faulty_disk_disarm()
        if writes < at:
            break  # there is no write that did not fail yet
        strange = set(told) - TELLS[error]
        if strange:
            print(f"write {at} told {strange}")
            return 1
        told_times += bool(told)
        count_store(data, tally, acknowledged)
        again = store_in(data, HandClock())  # and the terminal goes on
        ok(seal(again, session="afterwards"))
        again.close()
    print(f"{str(tally).replace('cuts', 'faults', 1)}, faults told {told_times}")
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
