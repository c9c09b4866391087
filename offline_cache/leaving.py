"""Before a terminal is wiped, uninstalled or imaged anew: nothing that waits may go with it.

What waits is either with the hub, or was written, sealed as it is, to a stick first.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from offline_cache.database import Database, lock_path
from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import make_private_folder, sync_folder, write_whole
from offline_cache.line.wire import Item, batch_body
from offline_cache.queue import SendQueue, forget_exports
from offline_cache.salvage import folders_to_salvage
from offline_cache.store import StorePlaces

BATCH_ITEMS: Final = 100  # what the hub takes as one batch
BATCH_BYTES: Final = 1 << 20
# These a single file may have; the others are of the database or of the stick.
OF_ONE_PAPER: Final = frozenset(
    {StoreFaultCode.NOT_FOUND, StoreFaultCode.DAMAGED, StoreFaultCode.UNREADABLE}
)
MANIFEST: Final = "manifest.json"
WIPING: Final = "wiping."  # before the name of a folder that is being erased


@dataclass(frozen=True, slots=True)
class Exported:
    """`left_out`: order keys of what is not whole on the stick, because it cannot be read here."""

    items: int
    attachments: int
    files: int
    left_out: tuple[str, ...] = ()


def export(database: Database, queue: SendQueue, terminal: str, to: Path) -> Exported | StoreFault:
    """Write all that waits or lies in the tray to the folder `to`, sealed as it is.

    `batch-NNNN.cbor` are bodies for the hub's POST /batch, `attachments/` what they name;
    `manifest.json` has the SHA-256 of every file. Read back and compared before it counts. An item of
    which a paper cannot be read is written with the others of its papers, and does not count; when
    it can never be read, it is put into the tray, as sending it would do.
    """
    kept = queue.everything_kept()
    if isinstance(kept, StoreFault):
        return kept
    items = kept.items
    bad: dict[str, StoreFault] = {}  # papers that cannot be read
    written: dict[str, str] = {}
    try:
        make_private_folder(to / "attachments")
        for number, batch in enumerate(_batches(items), 1):
            last = queue.last_seq(batch[0].epoch)
            if isinstance(last, StoreFault):
                return last
            content = batch_body(terminal, batch[0].epoch, last, batch)
            _write(to, f"batch-{number:04d}.cbor", content, written)
        names = dict.fromkeys(name for item in items for name in item.attachments)
        for name in names:
            paper = _paper(queue, name)
            if isinstance(paper, bytes):
                _write(to, f"attachments/{name}", paper, written)
            elif paper.code in OF_ONE_PAPER:
                bad[name] = paper
            else:
                return paper
        write_whole(to / MANIFEST, json.dumps(written, indent=1).encode())
        for path, sha256 in written.items():
            if hashlib.sha256((to / path).read_bytes()).hexdigest() != sha256:
                return StoreFault(StoreFaultCode.UNREADABLE, "the stick does not keep what it got")
        sync_folder(to)
    except OSError as error:
        return fault_of_os_error(error, "export")
    whole = [item for item in items if bad.keys().isdisjoint(item.attachments)]
    torn = [item for item in items if not bad.keys().isdisjoint(item.attachments)]
    for item in torn:
        fault = next(bad[name] for name in item.attachments if name in bad)
        if fault.code is not StoreFaultCode.UNREADABLE:  # that, another try may mend
            failed = queue.refused(item.row, f"attachment_{fault.code}", fault.detail)
            if failed is not None:
                return failed

    def work(cursor: Any) -> None:
        forget_exports(cursor)
        cursor.executemany("INSERT INTO exported (row) VALUES (?)", [(item.row,) for item in whole])

    left_out = (*kept.unreadable, *(item.order_key for item in torn))
    papers = len(names) - len(bad)
    return database.write(work) or Exported(len(whole), papers, len(written), left_out)


def may_leave(opened: Database | StoreFault, places: StorePlaces) -> StoreFault | None:
    """Why this terminal must not be wiped now; None when nothing would be lost.

    `opened`: the database, or why it cannot be opened (then nobody knows what waits in it).
    """
    if isinstance(opened, StoreFault):
        waiting = opened if places.database.exists() else None
    else:
        waiting = _waiting(opened)
    if waiting is not None:
        return waiting
    aside = folders_to_salvage(places.store)
    if aside:
        return StoreFault(StoreFaultCode.ROWS_WAIT, told_aside(aside))
    return None


def told_aside(aside: tuple[Path, ...]) -> str:
    """What staff reads of the folders that `folders_to_salvage` found."""
    names = ", ".join(folder.name for folder in aside)
    return f"set aside and not salvaged yet (kiosk cache salvage): {names}"


def _waiting(database: Database) -> StoreFault | None:
    rows = database.rows(
        "SELECT count(*) FROM outbox WHERE state IN ('sealed', 'sending', 'refused')"
        " AND row NOT IN (SELECT row FROM exported)"
    )
    if isinstance(rows, StoreFault):
        return rows
    (waiting,) = rows[0]
    if waiting:
        return StoreFault(
            StoreFaultCode.ROWS_WAIT,
            f"{waiting} items are not with the hub: send them, or export them to a stick",
        )
    return None


def anything_to_wipe(places: StorePlaces) -> bool:
    """Whether there is anything here that `wipe` erases."""
    return any(path.exists() for path in (*_folders(places), *_files(places))) or any(
        _renamed(places)
    )


def wipe(places: StorePlaces) -> StoreFault | None:
    """Erase keys, store and everything set aside. Refused while any process uses the store.

    Everything gets another name before any of it is erased, the keys last: a wipe that was cut off
    leaves what is still asked about whole, and what may go with a name that says so.
    """
    try:
        lock = os.open(lock_path(places.store), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _erase_renamed(places)
            for folder in _folders(places):
                if folder.is_dir():
                    folder.rename(folder.with_name(WIPING + folder.name))
            sync_folder(places.data)
            _erase_renamed(places)
            for file in _files(places):
                file.unlink(missing_ok=True)
            sync_folder(places.data)
        finally:
            os.close(lock)
    except BlockingIOError:
        return StoreFault(StoreFaultCode.BUSY, "the terminal is running: stop it first")
    except OSError as error:
        return fault_of_os_error(error, "wiping")
    return None


def _folders(places: StorePlaces) -> tuple[Path, ...]:
    aside = sorted(places.store.parent.glob(places.store.name + ".aside-*"))
    return (places.store, *aside, places.keys)


def _files(places: StorePlaces) -> tuple[Path, ...]:
    return (places.hub_keys, places.enrolment, places.serials)


def _renamed(places: StorePlaces) -> list[Path]:
    return sorted(places.data.glob(WIPING + "*"))


def _erase_renamed(places: StorePlaces) -> None:
    keys = places.keys.with_name(WIPING + places.keys.name)
    if keys.is_dir():  # the keys first: without them the rest is noise
        for key in keys.iterdir():
            _overwrite(key)
        shutil.rmtree(keys)
        sync_folder(places.data)
    for folder in _renamed(places):
        shutil.rmtree(folder)


def _paper(queue: SendQueue, name: str) -> bytes | StoreFault:
    size = queue.sealed_bytes(name)
    return size if isinstance(size, StoreFault) else queue.sealed_part(name, 0, size)


def _batches(items: tuple[Item, ...]) -> list[list[Item]]:
    batches: list[list[Item]] = []
    size = 0
    for item in items:
        size += item.wire_bytes
        full = not batches or len(batches[-1]) == BATCH_ITEMS or size > BATCH_BYTES
        if full or batches[-1][0].epoch != item.epoch:
            batches.append([])
            size = item.wire_bytes
        batches[-1].append(item)
    return batches


def _write(to: Path, name: str, content: bytes, written: dict[str, str]) -> None:
    write_whole(to / name, content)
    written[name] = hashlib.sha256(content).hexdigest()


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
