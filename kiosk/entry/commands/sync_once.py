"""`kiosk sync status|once`: the line to the hub, or send once what waits."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Final

from kiosk.clock import SystemClock
from kiosk.entry.commands.answer import Exit, bad_use, exit_code, fault_line, ok_line
from kiosk.entry.commands.cache import open_terminal_store, refuse, store_fields
from kiosk.entry.commands.settings_file import load_settings
from kiosk.settings import Settings
from offline_cache.blobs import Blobs
from offline_cache.client import Failure, HubClient
from offline_cache.database import Database
from offline_cache.enrolment import Enrolment, read_enrolment
from offline_cache.faults import StoreFault
from offline_cache.ports import utc_text
from offline_cache.queue import SendQueue
from offline_cache.store import StorePlaces
from offline_cache.sync import SyncEngine

AT_MOST_STEPS: Final = 10_000  # a million items; what is left then is sent by the next call


def run(settings_path: Path, action: str, *, json: bool) -> int:
    if action not in ("status", "once"):
        return bad_use("say status or once", json=json)
    settings = load_settings(settings_path, json=json)
    if not isinstance(settings, Settings):
        return settings
    opened = open_terminal_store(settings)
    if isinstance(opened, StoreFault):
        return refuse(opened, json)
    keys, database = opened
    try:
        if action == "once":
            return _once(settings, database, keys.database, json)
        return _status(settings, database, json)
    finally:
        database.close()


def _client(settings: Settings) -> HubClient:
    return HubClient(
        settings.hub.url,
        SystemClock(),
        connect_timeout_s=settings.hub.connect_timeout_s,
        read_timeout_s=settings.hub.read_timeout_s,
    )


def _status(settings: Settings, database: Database, json: bool) -> int:
    """Asks the hub for contact just now; what waits is told in any case."""
    fields = store_fields(database)
    if isinstance(fields, StoreFault):
        return refuse(fields, json)
    enrolment = read_enrolment(StorePlaces(settings.paths.data).enrolment)
    last_contact: str | None = None
    reason = "not_enrolled"
    if isinstance(enrolment, Enrolment):
        client = _client(settings)
        client.use_token(enrolment.token)
        answer = client.contact()
        client.close()
        reason = _reason(answer) if isinstance(answer, Failure) else ""
        last_contact = None if reason else utc_text(SystemClock().utc())
    if json:
        print(ok_line(**fields, online=not reason, reason=reason, last_contact=last_contact))
    else:
        state = f"offline ({reason})" if reason else "online"
        print(f"{state}, {fields['waiting']} waiting, {fields['refused']} in the tray")
    return Exit.DONE


def _once(settings: Settings, database: Database, key: bytes, json: bool) -> int:
    places = StorePlaces(settings.paths.data)
    clock = SystemClock()
    client = _client(settings)
    delivered: list[str] = []
    engine = SyncEngine(
        queue=SendQueue(database, clock),
        blobs=Blobs(places.attachments, key),
        hub=client,
        enrolment=lambda: read_enrolment(places.enrolment),
        clock=clock,
        log=_no_log,
        uniform=random.SystemRandom().uniform,
        idle_poll_s=settings.hub.idle_poll_s,
        on_line=lambda line: None,
        on_delivered=delivered.append,
    )
    try:
        for _ in range(AT_MOST_STEPS):
            waited = engine.step()
            if isinstance(waited, StoreFault):
                return refuse(waited, json)
            if waited > 0:
                break
    finally:
        client.close()
    line = engine.line
    fields = store_fields(database)
    if isinstance(line, StoreFault):
        return refuse(line, json)
    if isinstance(fields, StoreFault):
        return refuse(fields, json)
    if not line.online:
        fault = line.reason.partition(":")[0]
        detail = f"{line.reason}; {line.waiting} waiting"
        if json:
            print(fault_line(fault, detail, **fields))
        else:
            print(f"{fault}: {detail}", file=sys.stderr)
        return exit_code(fault)
    last_contact = utc_text(line.last_contact) if line.last_contact else None
    if json:
        print(ok_line(**fields, delivered=delivered, last_contact=last_contact))
    else:
        print(f"{len(delivered)} applications delivered, {fields['waiting']} waiting")
    return Exit.DONE


def _no_log(event: str, /, **fields: str | int | float | bool | None) -> None:
    """A command answers on its own output."""


def _reason(failure: Failure) -> str:
    return f"{failure.kind}:{failure.code}" if failure.code else str(failure.kind)
