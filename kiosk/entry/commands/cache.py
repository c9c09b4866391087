"""`kiosk cache`: what waits on this terminal, what lies in the tray, whether the store is whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kiosk.clock import SystemClock
from kiosk.entry.commands.answer import (
    Exit,
    bad_use,
    exit_code,
    fault_line,
    not_built,
    ok_line,
)
from kiosk.entry.commands.settings_file import load_settings
from kiosk.settings import Settings
from offline_cache.database import Database, open_database
from offline_cache.faults import StoreFault
from offline_cache.keys import Keys, credentials_folder, open_keys
from offline_cache.outbox import count_waiting, list_tray
from offline_cache.ports import utc_text
from offline_cache.store import StorePlaces


def run(settings_path: Path, action: str, *, json: bool) -> int:
    if action == "salvage":
        return not_built("cache salvage", json=json)
    if action not in ("status", "check", "tray"):
        return bad_use("say status, check, salvage or tray", json=json)
    settings = load_settings(settings_path, json=json)
    if not isinstance(settings, Settings):
        return settings
    opened = open_terminal_store(settings)
    if isinstance(opened, StoreFault):
        return refuse(opened, json)
    _, database = opened
    try:
        match action:
            case "check":
                return _check(database, json)
            case "tray":
                return _tray(database, json)
            case _:
                return _status(database, json)
    finally:
        database.close()


def open_terminal_store(settings: Settings) -> tuple[Keys, Database] | StoreFault:
    """The keys and the database that are there; makes neither."""
    places = StorePlaces(settings.paths.data)
    keys = open_keys(places.keys, credentials_folder(os.environ), create=False)
    if isinstance(keys, StoreFault):
        return keys
    database = open_database(places.database, keys.database, SystemClock(), create=False)
    return database if isinstance(database, StoreFault) else (keys, database)


def store_fields(database: Database) -> dict[str, object] | StoreFault:
    """What waits, as both `cache status` and `sync status` tell it."""
    waiting = count_waiting(database)
    if isinstance(waiting, StoreFault):
        return waiting
    oldest = waiting.oldest_at
    age_s = (SystemClock().utc() - oldest).total_seconds() if oldest else 0.0
    return {
        "waiting": waiting.count,
        "oldest_s": max(0, round(age_s)),
        "refused": waiting.refused,
        "epoch": database.epoch,
        "last_seq": waiting.last_seq,
    }


def refuse(fault: StoreFault, json: bool) -> int:
    if json:
        print(fault_line(str(fault.code), fault.detail))
    else:
        print(f"{fault.code}: {fault.detail}", file=sys.stderr)
    return exit_code(str(fault.code))


def _status(database: Database, json: bool) -> int:
    fields = store_fields(database)
    if isinstance(fields, StoreFault):
        return refuse(fields, json)
    if json:
        print(ok_line(**fields))
    else:
        print(
            f"{fields['waiting']} waiting, the oldest for {fields['oldest_s']} s,"
            f" {fields['refused']} in the tray"
        )
    return Exit.DONE


def _check(database: Database, json: bool) -> int:
    found = database.check()
    if found is not None:
        return refuse(found, json)
    print(ok_line(epoch=database.epoch) if json else "every page is whole")
    return Exit.DONE


def _tray(database: Database, json: bool) -> int:
    tray = list_tray(database)
    if isinstance(tray, StoreFault):
        return refuse(tray, json)
    for one in tray:
        if json:
            print(
                ok_line(
                    seq=one.seq,
                    kind=one.kind,
                    number=one.order_key,
                    name_masked=one.name_masked,
                    refused_at=utc_text(one.refused_at),
                    code=one.code,
                    reason=one.reason,
                )
            )
        else:
            print(f"{one.order_key}  {one.kind}  {one.code}  {utc_text(one.refused_at)}")
    if json:
        print(ok_line(refused=len(tray)))
    elif not tray:
        print("the tray is empty")
    return Exit.DONE
