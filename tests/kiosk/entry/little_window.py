"""A window without a screen, for the keeper: it does what a citizen entered, then stands still.

    python little_window.py DATA

Its first life seals an application, keeps another citizen's draft, and beats no more. Its second
finds both, says so in DATA/found, and beats until it is asked to end.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "offline_cache"))

from cache_world import GRANDPA, GRANNY, HandClock, ok, seal, store_in

from kiosk.entry.alive import Alive

DRAFT = '{"step": "form"}'


def main(data: Path) -> None:
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: asked.set())
    alive = Alive.of_this_process()
    store = store_in(data, HandClock())
    waiting, draft = ok(store.outbox.waiting()), ok(store.journal.find(GRANDPA))
    alive.beat()
    if waiting.count == 0:
        ok(seal(store, person=GRANNY))
        ok(store.journal.save("session-2", GRANDPA, DRAFT))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever stands still hears nothing
        threading.Event().wait()
    found = {"waiting": waiting.count, "draft": draft.payload if draft else ""}
    (data / "found.part").write_text(json.dumps(found), encoding="utf-8")
    (data / "found.part").rename(data / "found")
    while not asked.wait(0.05):
        alive.beat()
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
