"""A bug is told by type and place. What somebody typed may stand in its text, and never gets out."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kiosk.channel import Channel
from kiosk.entry import sync
from kiosk.entry.bugs import tell_bug
from kiosk.log import EventLog
from kiosk.settings import PathSettings, Settings
from offline_cache.line.identity import DeviceKey

NUMBER = "11010519491231002X"  # of the made-up vectors
WAIT_S = 20.0

PROCESS = """
import sys, threading
from kiosk.entry.bugs import watch_for_bugs
from kiosk.log import EventLog
watch_for_bugs(EventLog(sys.stdout, "window"), "window")
class Odd:
    def __del__(self):
        raise ValueError("{number}")
def work():
    raise KeyError("{number}")
odd = Odd()
del odd
thread = threading.Thread(target=work, name="reader")
thread.start()
thread.join()
raise RuntimeError("{number}")
"""


def test_the_place_is_where_it_was_raised_not_where_it_was_caught() -> None:
    out = io.StringIO()

    def deep() -> None:
        raise KeyError(NUMBER)

    try:
        deep()
    except KeyError as error:
        tell_bug(EventLog(out, "window"), "store", error)
    line = json.loads(out.getvalue())
    assert (line["where"], line["type"]) == ("store", "KeyError")
    assert line["at"] == f"{Path(__file__).name}:{deep.__code__.co_firstlineno + 1}"
    assert NUMBER not in out.getvalue()


def test_what_no_thread_caught_is_told_without_its_text_and_printed_nowhere() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROCESS.format(number=NUMBER)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["ValueError", "KeyError", "RuntimeError"]
    assert done.returncode == 1
    assert NUMBER not in done.stdout + done.stderr


@pytest.mark.parametrize("broken", ["open_database", "EnrolmentFiles.read"])
def test_a_bug_in_a_thread_of_sync_ends_the_process_so_that_it_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise KeyError(NUMBER)

    monkeypatch.setattr(f"kiosk.entry.sync.{broken}", bug)
    out = io.StringIO()
    ours, theirs = socket.socketpair()
    settings = Settings(paths=PathSettings(data=tmp_path))
    process = sync.SyncProcess(
        settings, bytes(32), DeviceKey(bytes(31) + b"\x01"), Channel(theirs), EventLog(out, "sync")
    )
    running = threading.Thread(target=process.run, daemon=True)
    running.start()
    asked = sync.messages.AskProgress(id=1, number="QS01261122003796", qr="ZW1.x")
    Channel(ours).send(asked.model_dump_json().encode())
    running.join(WAIT_S)
    assert not running.is_alive()
    assert '"unexpected"' in out.getvalue() and NUMBER not in out.getvalue()
    ours.close()
