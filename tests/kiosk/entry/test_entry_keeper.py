"""A window that hangs, or is gone: it is ended, started again, and nothing that was kept is lost."""

from __future__ import annotations

import json
import os
import queue
import socket
import sys
import threading
from pathlib import Path

import pytest

from kiosk.clock import SystemClock
from kiosk.entry.alive import NOTIFY_SOCKET, READY, STILL_HERE, Alive
from kiosk.entry.keeper import Keeper

LIMIT_S = 60.0
LITTLE_WINDOW = Path(__file__).with_name("little_window.py")
Told = queue.SimpleQueue[tuple[str, dict[str, object]]]


class Kept:
    """A keeper at work on a thread, and what it told its log."""

    def __init__(self, *command: str, silence_s: float = 1.0) -> None:
        self.told: Told = queue.SimpleQueue()
        self.code: list[int] = []
        self.keeper = Keeper(
            [sys.executable, *command],
            clock=SystemClock(),
            log=lambda event, /, **fields: self.told.put((event, dict(fields))),
            above=Alive(""),
            silence_s=silence_s,
        )
        self.thread = threading.Thread(target=lambda: self.code.append(self.keeper.run()))
        self.thread.start()

    def next(self) -> tuple[str, dict[str, object]]:
        return self.told.get(timeout=LIMIT_S)

    def end(self) -> int:
        self.keeper.end()
        self.thread.join(LIMIT_S)
        return self.code[0]


@pytest.mark.fault(6)
def test_a_window_that_hangs_is_started_again_and_what_was_entered_is_there(
    tmp_path: Path,
) -> None:
    """Fault 6: who had sealed is safe, who had not finds the draft by the same card."""
    kept = Kept(str(LITTLE_WINDOW), str(tmp_path))
    first, lost, second = kept.next(), kept.next(), kept.next()
    assert [first[0], lost[0], second[0]] == ["child_started", "child_lost", "child_started"]
    assert str(lost[1]["reason"]).startswith("stood still for 1 s, exit -")
    assert first[1]["pid"] != second[1]["pid"]
    found = tmp_path / "found"
    until = threading.Event()
    for _ in range(int(LIMIT_S / 0.05)):
        if found.exists() or until.wait(0.05):
            break
    assert json.loads(found.read_text(encoding="utf-8")) == {
        "waiting": 1,
        "draft": '{"step": "form"}',
    }
    assert kept.end() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(second[1]["pid"])), 0)


@pytest.mark.fault(5)
def test_a_window_that_crashes_begins_again_and_one_that_was_asked_to_end_does_not() -> None:
    once = Kept("-S", "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert once.next()[0] == "child_started"
    event, told = once.next()
    assert (event, told["reason"], told["restart_in_s"]) == ("child_lost", "ended, exit -9", 0.5)
    assert once.next()[0] == "child_started"
    once.end()
    ended = Kept("-S", "-c", "")
    ended.thread.join(LIMIT_S)
    assert ended.code == [0]


def test_the_beat_is_said_as_systemd_wants_it_and_nobody_who_listens_holds_it_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listens:
        listens.bind(str(address))
        monkeypatch.setenv(NOTIFY_SOCKET, str(address))
        alive = Alive.of_this_process()
        assert alive.asked_for and NOTIFY_SOCKET not in os.environ
        for _ in range(1000):  # more than a socket holds: who listens hangs
            alive.beat()
        listens.setblocking(False)
        assert [listens.recv(64), listens.recv(64)] == [READY, STILL_HERE]
    alive.beat()  # nobody is there
    monkeypatch.delenv(NOTIFY_SOCKET, raising=False)
    nobody = Alive.of_this_process()
    nobody.beat()
    assert not nobody.asked_for
