"""Cuts the power of a terminal at work, again and again, and counts what is left.

    python tests/offline_cache/power_cuts.py --cuts 1000 [--seed N] [--state FILE] [--seconds S]

An ext4 file system on a loop file; the real store writes on it without a pause. At a random instant
the writer is stopped, the image is copied - what had not reached the disk is not in it - and the copy
is mounted, which replays its journal, and everything that was promised by then is looked for: each
application and what was handed in after it, their envelopes, their attachments. Needs root and a loop device. Goes on from `--state`.

The last line says: cuts N, acknowledged X, of them later papers Y, lost 0, half 0, integrity whole
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from cache_world import HandClock, ok, opened, opened_attachment, store_in
from crash_writer import papers_key, read_hub_key, write_hub_key
from envelope_opener import make_key_pair

from offline_cache.line.wire import Item
from offline_cache.outbox import ItemKind, seq_of
from offline_cache.queue import ITEM_COLUMNS, SendQueue
from offline_cache.store import Store

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
IMAGE_MB = 64
CUTS_AN_IMAGE = 10  # then a new one: counting takes longer the more there is
LONGEST_S = 0.25  # between two cuts
OPENED_EACH = (
    30  # of the newest applications, opened with the hub's key; of all the bytes are checked
)
UNMOUNT_TRIES = 100
NO_ROOT = "no root or no loop device here: the power cannot be cut"


@dataclass(slots=True)
class Tally:
    """What was found so far. `acknowledged` counts each application, and each later papers, once for
    every cut; `papers` those papers alone."""

    seed: int
    cuts: int = 0
    acknowledged: int = 0
    papers: int = 0
    lost: int = 0
    half: int = 0
    damaged: int = 0

    @property
    def clean(self) -> bool:
        return (self.lost, self.half, self.damaged) == (0, 0, 0)

    def __str__(self) -> str:
        integrity = "whole" if self.damaged == 0 else f"broken {self.damaged} times"
        return (
            f"cuts {self.cuts}, acknowledged {self.acknowledged}, of them later papers"
            f" {self.papers}, lost {self.lost}, half {self.half}, integrity {integrity}"
        )


def possible() -> bool:
    """Whether this machine lets us mount a loop file."""
    return (
        os.geteuid() == 0
        and Path("/dev/loop-control").exists()
        and subprocess.run(["losetup", "-f"], capture_output=True, check=False).returncode == 0
    )


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    _do("mount", "-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        for _ in range(UNMOUNT_TRIES):  # who was killed may need a moment to let go
            if subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode:
                time.sleep(0.05)
            else:
                break
        else:
            _do("umount", "--lazy", str(folder))


def cut_many(work: Path, tally: Tally, cuts: int, until_s: float, *, unsafe: bool = False) -> None:
    """Cut until there were `cuts`, or the time is up."""
    while tally.cuts < cuts and time.monotonic() < until_s:
        image, folder = work / "terminal.img", work / "terminal"
        image.unlink(missing_ok=True)
        with image.open("wb") as file:
            file.truncate(IMAGE_MB << 20)
        _do("mkfs.ext4", "-q", "-F", str(image))
        tag = f"{tally.seed}-{tally.cuts}"
        with mounted(image, folder):
            data = folder / "data"
            write_hub_key(data, make_key_pair())
            os.sync()
            _one_image(work, tally, min(cuts, tally.cuts + CUTS_AN_IMAGE), tag, unsafe=unsafe)


def _one_image(work: Path, tally: Tally, cuts: int, tag: str, *, unsafe: bool) -> None:
    chance = random.Random(tag)
    command = [sys.executable, str(HERE / "crash_writer.py"), str(work / "terminal" / "data"), tag]
    command.append("--unsafe" if unsafe else "--sender")
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"},
        start_new_session=True,
    ) as writer:
        try:
            assert writer.stdout is not None
            promises = Promises(writer.stdout.fileno())
            promises.wait_for_more()
            while tally.cuts < cuts:
                time.sleep(chance.uniform(0.0, LONGEST_S))
                os.killpg(writer.pid, signal.SIGSTOP)
                with contextlib.suppress(ChildProcessError):  # it has ended: its promises tell why
                    os.waitid(os.P_PID, writer.pid, os.WSTOPPED)
                acknowledged = set(promises.made())
                _copy_still(work / "terminal.img", work / "cut.img")
                with mounted(work / "cut.img", work / "cut") as folder:
                    count_store(folder / "data", tally, acknowledged)
                os.killpg(writer.pid, signal.SIGCONT)  # not before: it would fill its disk
        finally:
            os.killpg(writer.pid, signal.SIGKILL)
            writer.wait()


class Promises:
    """The lines that the writer has written whole, from a pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = b""

    def wait_for_more(self) -> None:
        if not self._ready(timeout_s=60):
            raise RuntimeError("the writer does not write")

    def made(self) -> list[str]:
        while self._ready(timeout_s=0):
            part = os.read(self._descriptor, 1 << 16)
            if not part:
                break
            self._text += part
        whole = self._text[: self._text.rfind(b"\n") + 1].decode().splitlines()
        if any(line.startswith("fault") for line in whole):
            raise RuntimeError(f"the writer ended: {whole[-1]}")
        return [line.split()[1] for line in whole if line.startswith(("sealed ", "papers "))]

    def _ready(self, timeout_s: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            return bool(selector.select(timeout_s))


def _copy_still(image: Path, copy: Path) -> None:
    """A copy of one moment: the kernel may write back while we read, then we read again."""
    while True:
        # A file of its own each time: where anybody still holds the loop device of the last copy,
        # mount would take that one again, with what it remembers of the last copy's blocks.
        copy.unlink(missing_ok=True)
        _do("cp", "--sparse=always", str(image), str(copy))
        if subprocess.run(["cmp", "-s", str(image), str(copy)], check=False).returncode == 0:
            return


def count_store(data: Path, tally: Tally, acknowledged: set[str]) -> None:
    """Open the store as the terminal would and look for everything that was promised."""
    tally.cuts += 1
    tally.acknowledged += len(acknowledged)
    store = store_in(data, HandClock())
    if store.set_aside is not None or store.check() is not None:
        tally.damaged += 1
    tally.papers += sum("+" in promise for promise in acknowledged)
    there = promised(store)
    tally.lost += len(acknowledged - there.keys())
    tally.half += _half(store, data, there)
    store.close()


def promised(store: Store) -> dict[str, int]:
    """Rows of applications by their numbers, of later papers by `papers_key`."""
    rows = ok(
        store.database.rows(f"SELECT order_key, row, kind FROM outbox WHERE {_WITH_PAPERS}")  # noqa: S608
    )
    return {
        papers_key(number, seq_of(row)) if kind == ItemKind.LATER_PAPERS else str(number): int(row)
        for number, row, kind in rows
    }


_WITH_PAPERS = "kind IN ('application', 'later_papers')"  # two of them, each


class _Everything(SendQueue):
    """Reads every item as it would go, whatever became of it. Changes nothing."""

    def all_kept(self) -> list[Item]:
        rows = ok(
            self._database.rows(
                f"SELECT {ITEM_COLUMNS} FROM outbox o"  # noqa: S608
                f" LEFT JOIN sealed s ON s.row = o.row WHERE {_WITH_PAPERS}"
            )
        )
        read = (self._read(self._database.epoch, row) for row in rows)
        return [item for item in read if isinstance(item, Item)]


def _half(store: Store, data: Path, there: dict[str, int]) -> int:
    """Items of which anything is missing: the newest are opened as the hub opens them."""
    clock, pair = HandClock(), read_hub_key(data)
    queue = _Everything(store.database, store.blobs, clock)
    newest = set(sorted(there.values())[-OPENED_EACH:])
    items = {item.row: item for item in queue.all_kept()}
    half = 0
    for row in there.values():
        item = items.get(row)
        whole = item is not None and len(item.attachments) == 2
        if whole and item is not None:
            whole = all(isinstance(queue.sealed_bytes(name), int) for name in item.attachments)
        if whole and item is not None and row in newest:
            inside = opened(store, item, pair)
            for each in inside.attachments:
                content = opened_attachment(store, clock, each["sealed"], pair)
                whole = whole and len(content) == each["bytes"]
            if item.kind == ItemKind.LATER_PAPERS:  # and nobody is asked for them again
                application = ok(store.outbox.state_of(item.order_key))
                whole = whole and application is not None and not application.lacks
        half += not whole
    return half


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def resumed(state: Path | None, seed: int, wanted: int) -> Tally:
    """Where an earlier run stopped; from the beginning when it had come to its end."""
    if state is not None and state.exists():
        tally = Tally(**json.loads(state.read_text(encoding="utf-8")))
        if tally.cuts < wanted:
            return tally
    return Tally(seed)


def keep(state: Path | None, tally: Tally) -> None:
    if state is not None:
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text(json.dumps(asdict(tally)), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--state", type=Path, default=None)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--unsafe", action="store_true")
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    if not possible():
        print(NO_ROOT)
        return 3
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    tally = resumed(options.state, seed, options.cuts)
    print(f"seed {tally.seed}, from cut {tally.cuts}")
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        until_s = time.monotonic() + options.seconds
        while tally.cuts < options.cuts and time.monotonic() < until_s:
            some = min(options.cuts, tally.cuts + CUTS_AN_IMAGE)
            cut_many(options.work, tally, some, until_s, unsafe=options.unsafe)
            keep(options.state, tally)
    finally:
        shutil.rmtree(options.work, ignore_errors=True)
    print(tally)
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
