"""`kiosk enrol CODE`: spend the hub's one-time code, keep the certificate it gives."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import assert_never

from kiosk.clock import SystemClock
from kiosk.entry.commands.answer import Exit, exit_code, fault_line, ok_line
from kiosk.entry.commands.settings_file import load_settings
from kiosk.entry.program import program_version
from kiosk.settings import Settings
from offline_cache.faults import StoreFault
from offline_cache.keys import credentials_folder, open_keys
from offline_cache.line.client import HubClient
from offline_cache.line.enrolment import EnrolmentFault, EnrolmentFiles, enrol
from offline_cache.line.failures import Failure
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import Identity, read_code
from offline_cache.store import StorePlaces


def run(settings_path: Path, typed: str, *, json: bool) -> int:
    code = read_code(typed)
    if code is None:  # told before anything is made or asked
        return _refuse("bad_code", "a code has 8 characters and a pin of 26", json)
    settings = load_settings(settings_path, json=json)
    if not isinstance(settings, Settings):
        return settings
    places = StorePlaces(settings.paths.data)
    keys = open_keys(places.keys, credentials_folder(os.environ))
    if isinstance(keys, StoreFault):
        return _refuse(str(keys.code), keys.detail, json)
    clock = SystemClock()
    hub = HubClient(
        settings.hub.url,
        clock,
        HubTime(places.hub_time, clock),
        connect_timeout_s=settings.hub.connect_timeout_s,
        read_timeout_s=settings.hub.read_timeout_s,
    )
    try:
        files = EnrolmentFiles(places, keys.database)
        answer = enrol(hub, files, keys, code, f"kiosk {program_version()}")
    finally:
        hub.close()
    match answer:
        case Identity():
            return _enrolled(settings, answer.terminal, json)
        case Failure():
            # The hub's own word (code_used and the like) says more than its class.
            return _refuse(
                answer.code or str(answer.kind), f"the hub did not enrol: {answer.kind}", json
            )
        case EnrolmentFault() | StoreFault():
            return _refuse(str(answer.code), answer.detail, json)
        case _:
            assert_never(answer)


def _enrolled(settings: Settings, terminal: str, json: bool) -> int:
    if terminal != settings.terminal.code:
        print(
            f"warning: the hub calls this terminal {terminal},"
            f" the settings file {settings.terminal.code}; one of them is wrong",
            file=sys.stderr,
        )
    if json:
        print(ok_line(terminal=terminal, settings_terminal=settings.terminal.code))
    else:
        print(f"enrolled as {terminal}")
    return Exit.DONE


def _refuse(fault: str, detail: str, json: bool) -> int:
    if json:
        print(fault_line(fault, detail))
    else:
        print(f"{fault}: {detail}", file=sys.stderr)
    return exit_code(fault)
