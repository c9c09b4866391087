"""`kiosk sync status|once`: the line to the hub, or send once what waits."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.clock import SystemClock
from kiosk.entry.commands.answer import Exit, bad_use, exit_code, fault_line, ok_line
from kiosk.entry.commands.cache import open_terminal_store, refuse, store_fields
from kiosk.entry.commands.settings_file import load_settings
from kiosk.settings import Settings
from offline_cache.blobs import Blobs
from offline_cache.database import Database
from offline_cache.faults import StoreFault
from offline_cache.keys import Keys
from offline_cache.line.client import HubClient
from offline_cache.line.engine import Pace, SyncEngine
from offline_cache.line.enrolment import EnrolmentFiles
from offline_cache.line.failures import Failure
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import DeviceKey, Identity
from offline_cache.outbox import ItemKind, Serials
from offline_cache.ports import utc_text
from offline_cache.queue import SendQueue
from offline_cache.store import StorePlaces

AT_MOST_STEPS: Final = 10_000  # a million items; what is left then is sent by the next call


@dataclass(frozen=True, slots=True)
class _Line:
    """What both actions need of this terminal."""

    settings: Settings
    keys: Keys
    database: Database
    times: HubTime
    client: HubClient
    enrolment: EnrolmentFiles


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
    places, clock = StorePlaces(settings.paths.data), SystemClock()
    times = HubTime(places.hub_time, clock)
    client = HubClient(
        settings.hub.url,
        clock,
        times,
        connect_timeout_s=settings.hub.connect_timeout_s,
        read_timeout_s=settings.hub.read_timeout_s,
    )
    line = _Line(settings, keys, database, times, client, EnrolmentFiles(places, keys.database))
    try:
        return _once(line, json) if action == "once" else _status(line, json)
    finally:
        client.close()
        database.close()


def _status(line: _Line, json: bool) -> int:
    """Asks the hub for contact just now; what waits is told in any case."""
    fields = store_fields(line.database)
    if isinstance(fields, StoreFault):
        return refuse(fields, json)
    identity = line.enrolment.read()
    reason = "not_enrolled"
    if isinstance(identity, Identity):
        line.client.use(identity, DeviceKey(line.keys.device))
        answer = line.client.contact(line.database.epoch, int(str(fields["last_seq"])))
        reason = str(answer) if isinstance(answer, Failure) else ""
    heard = line.times.last_heard
    last_contact = utc_text(heard) if heard is not None else None
    if json:
        clock_off_s = line.times.offset_s()
        print(
            ok_line(
                **fields,
                online=not reason,
                reason=reason,
                last_contact=last_contact,
                clock_off_s=round(clock_off_s),
            )
        )
    else:
        state = f"offline ({reason})" if reason else "online"
        print(f"{state}, {fields['waiting']} waiting, {fields['refused']} in the tray")
    return Exit.DONE


def _once(line: _Line, json: bool) -> int:
    clock = SystemClock()
    places = StorePlaces(line.settings.paths.data)
    sender = SendQueue(
        line.database, Blobs(places.attachments), line.times, Serials(places.serials)
    )
    delivered: list[str] = []
    papers: list[str] = []  # handed in later for these
    hub = line.settings.hub
    engine = SyncEngine(
        queue=sender,
        blobs=sender,
        hub=line.client,
        enrolment=line.enrolment,
        key=DeviceKey(line.keys.device),
        times=line.times,
        clock=clock,
        log=_no_log,
        uniform=random.SystemRandom().uniform,
        # A technician waits: this one terminal takes nobody's turn.
        pace=Pace(hub.idle_poll_s, hub.longest_retry_s, spread_s=0.0),
        on_line=lambda told: None,
        on_delivered=lambda number, kind: (
            papers if kind == ItemKind.LATER_PAPERS else delivered
        ).append(number),
    )
    for _ in range(AT_MOST_STEPS):
        waited = engine.step()
        if isinstance(waited, StoreFault):
            return refuse(waited, json)
        if waited > 0:
            break
    told = engine.line
    fields = store_fields(line.database)
    if isinstance(told, StoreFault):
        return refuse(told, json)
    if isinstance(fields, StoreFault):
        return refuse(fields, json)
    if not told.online:
        fault = told.reason.partition(":")[0]
        detail = f"{told.reason}; {told.waiting} waiting"
        if json:
            print(fault_line(fault, detail, **fields))
        else:
            print(f"{fault}: {detail}", file=sys.stderr)
        return exit_code(fault)
    last_contact = utc_text(told.last_contact) if told.last_contact else None
    if json:
        print(ok_line(**fields, delivered=delivered, papers=papers, last_contact=last_contact))
    else:
        later = f", papers for {len(papers)}" if papers else ""
        print(f"{len(delivered)} applications delivered{later}, {fields['waiting']} waiting")
    return Exit.DONE


def _no_log(event: str, /, **fields: str | int | float | bool | None) -> None:
    """A command answers on its own output."""
