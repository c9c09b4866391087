"""Seals applications until it is killed or the disk is full; says each number once it is sealed."""

from __future__ import annotations

import sys
from pathlib import Path

from cache_world import HandClock, seal, store_in

from offline_cache.faults import StoreFault
from offline_cache.outbox import ItemKind


def main() -> None:
    data, tag = Path(sys.argv[1]), sys.argv[2]
    store = store_in(data, HandClock())
    count = 0
    while True:
        count += 1
        store.journal.save(f"{tag}-{count}", "990101194001010029", '{"step": "form"}')
        page = f"page {tag} {count} ".encode() * 400
        sealed = seal(store, session=f"{tag}-{count}", page=page)
        if isinstance(sealed, StoreFault):
            print(f"fault {sealed.code}", flush=True)
            return
        print(f"sealed {sealed.number}", flush=True)
        store.outbox.add(ItemKind.RATING, sealed.number, {"number": sealed.number, "level": 5})


if __name__ == "__main__":
    main()
