"""The window's children: started, heard, missed, started again, ended."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.channel import Frame
from kiosk.clock import SystemClock
from kiosk.entry import supervisor
from kiosk.entry.supervisor import Child, Recipe

CHILD = """
import os, socket, sys
sys.path.insert(0, {root!r})
from kiosk.channel import Channel, ChannelClosed
channel = Channel(socket.socket(fileno=int(sys.argv[1])))
secret = os.read(int(sys.argv[2]), 100)
channel.send(b"hello %d %d" % (os.getpid(), len(secret)))
while True:
    frame = channel.receive()
    if isinstance(frame, ChannelClosed):
        raise SystemExit(0)
    if frame.json == b"die":
        os._exit(7)
    if frame.json == b"hang":
        import time
        time.sleep(3600)
    if frame.json != b"ping":
        channel.send(b"echo " + frame.json, frame.blobs)
    else:
        channel.send(b"pong")
"""
WAIT_S = 20.0  # far beyond what any step needs on a busy machine


class Watched:
    """A child and everything that it told."""

    def __init__(self, tmp_path: Path, root: Path, output: Path | None = None) -> None:
        self.heard: queue.Queue[tuple[str, object]] = queue.Queue()
        self.logged: list[str] = []
        self.has_keys = True
        script = CHILD.format(root=str(root))
        self.child = Child(
            Recipe(
                "test",
                lambda fd, secrets: [sys.executable, "-c", script, str(fd), str(secrets[0])],
                ping=b"ping",
                secrets=lambda: (b"k" * 32,) if self.has_keys else None,
            ),
            on_up=lambda: self.heard.put(("up", None)),
            on_frame=self.on_frame,
            on_down=lambda reason: self.heard.put(("down", reason)),
            clock=SystemClock(),
            log=lambda event, /, **fields: self.logged.append(event),
            output=output or tmp_path / "child.out",
        )

    def on_frame(self, frame: Frame) -> None:
        self.heard.put(("frame", frame))
        if frame.json == b"echo stumble":
            raise ValueError("11010519491231002X")

    def wait_for(self, kind: str, json_start: bytes = b"") -> object:
        while True:
            what, value = self.heard.get(timeout=WAIT_S)
            if what != kind:
                continue
            if isinstance(value, Frame) and not value.json.startswith(json_start):
                continue
            return value

    def pid(self) -> int:
        frame = self.wait_for("frame", b"hello")
        assert isinstance(frame, Frame)
        return int(frame.json.split()[1])


@pytest.fixture
def watched(tmp_path: Path, root: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path, root)
    watched.child.start()
    yield watched
    watched.child.stop()


def gone(pid: int) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        os.sched_yield()
    return False


def test_a_child_gets_its_wire_and_its_secret_and_answers(watched: Watched) -> None:
    frame = watched.wait_for("frame", b"hello")
    assert isinstance(frame, Frame)
    assert frame.json.split()[2] == b"32"
    assert watched.child.send(b"question", (b"blob",)) is None
    answer = watched.wait_for("frame", b"echo")
    assert answer == Frame(b"echo question", (b"blob",))


@pytest.mark.fault(5)
def test_a_child_that_died_is_told_and_started_again(watched: Watched) -> None:
    first = watched.pid()
    watched.child.send(b"die")
    reason = watched.wait_for("down")
    assert "exit 7" in str(reason)
    assert watched.pid() != first
    assert "child_lost" in watched.logged


@pytest.mark.fault(6)
def test_a_child_that_no_longer_answers_is_ended_and_started_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENCE_S", 0.5)
    monkeypatch.setattr(supervisor, "STOP_S", 0.2)
    first = watched.pid()
    watched.child.send(b"hang")
    watched.wait_for("down")
    assert gone(first)
    assert watched.pid() != first


def test_a_child_that_is_slow_to_start_is_waited_for_but_not_for_ever(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cold boot on a slow disk: an interpreter and its libraries say nothing for long."""
    watched.pid()
    monkeypatch.setattr(supervisor, "PING_S", 0.02)
    monkeypatch.setattr(supervisor, "SILENCE_S", 0.02)  # shorter than any start
    watched.child.send(b"die")
    watched.wait_for("down")
    watched.pid()
    monkeypatch.setattr(supervisor, "START_S", 0.0)
    watched.child.send(b"die")
    watched.wait_for("down")
    assert "exit" in str(watched.wait_for("down"))  # this one never came to say anything


def test_stopping_ends_the_child(watched: Watched) -> None:
    pid = watched.pid()
    watched.child.stop()
    assert gone(pid)


def test_nobody_there_is_a_value(tmp_path: Path, root: Path) -> None:
    watched = Watched(tmp_path, root)
    assert watched.child.send(b"x") is not None


def test_nobody_waits_for_a_child_that_takes_nothing_and_it_is_started_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENCE_S", 0.5)
    monkeypatch.setattr(supervisor, "STOP_S", 0.2)
    first = watched.pid()
    os.kill(first, signal.SIGSTOP)
    page = bytes(4 << 20)  # more than a socket holds
    sending = threading.Thread(target=watched.child.send, args=(b"pages", (page,)), daemon=True)
    sending.start()
    sending.join(WAIT_S)
    assert not sending.is_alive()
    watched.wait_for("down")
    assert gone(first)
    assert watched.pid() != first


def test_a_bug_in_hearing_one_message_is_told_without_its_text_and_the_next_is_heard(
    watched: Watched,
) -> None:
    pid = watched.pid()
    watched.child.send(b"stumble")
    watched.child.send(b"question")
    watched.wait_for("frame", b"echo question")
    assert "unexpected" in watched.logged
    os.kill(pid, 0)  # the same child still lives


def test_a_log_folder_that_is_not_there_does_not_keep_a_child_from_starting(
    tmp_path: Path, root: Path
) -> None:
    watched = Watched(tmp_path, root, output=tmp_path / "nowhere" / "child.out")
    watched.child.start()
    assert watched.pid()
    watched.child.stop()


def test_no_descriptor_is_left_over_by_lives_of_a_child(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "RESTART_MIN_S", 0.01)

    def open_now() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    watched.pid()
    before = open_now()
    for _ in range(3):
        watched.child.send(b"die")
        watched.wait_for("down")
        watched.pid()
    assert open_now() == before


def test_a_child_whose_keys_come_later_is_started_when_they_are_there(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "RESTART_MIN_S", 0.01)
    watched = Watched(tmp_path, root)
    watched.has_keys = False
    watched.child.start()
    assert "keys" in str(watched.wait_for("down"))
    watched.has_keys = True
    assert watched.pid()
    watched.child.stop()
