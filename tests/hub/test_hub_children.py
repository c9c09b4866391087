"""The hub's own processes: what ends is started again, and not without a pause for ever."""

from __future__ import annotations

import subprocess
import threading

import pytest
from hub_server import until

from hub.serving import children as children_module
from hub.serving.children import HEALTHY_S, RESTART_MAX_S, RESTART_MIN_S, Children, pause_after


class _Started:
    """Makes processes that run as long as their command says."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self.all: list[subprocess.Popen[bytes]] = []

    def __call__(self, number: int) -> subprocess.Popen[bytes]:
        self.all.append(subprocess.Popen(self._command))
        return self.all[-1]


def _kept(children: Children) -> threading.Thread:
    thread = threading.Thread(target=children.keep)
    thread.start()
    return thread


def test_what_cannot_start_is_tried_again_ever_more_seldom(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(children_module, "RESTART_MIN_S", 0.001)
    monkeypatch.setattr(children_module, "RESTART_MAX_S", 0.004)
    started = _Started("/bin/false")
    children = Children(started, 1)
    children._places[0].pause_s = 0.001
    thread = _kept(children)
    until(lambda: len(started.all) >= 5)
    children.end()
    thread.join()
    pauses = [record.args[1] for record in caplog.records if isinstance(record.args, tuple)]
    assert pauses[:4] == [0.001, 0.002, 0.004, 0.004]
    assert {record.args[0] for record in caplog.records if isinstance(record.args, tuple)} == {1}


def test_what_has_lived_is_started_again_soon() -> None:
    assert pause_after(HEALTHY_S + 1, RESTART_MAX_S) == RESTART_MIN_S
    assert pause_after(1.0, RESTART_MAX_S) == RESTART_MAX_S


def test_the_end_waits_for_no_restart(caplog: pytest.LogCaptureFixture) -> None:
    started = _Started("/bin/false")
    children = Children(started, 1)
    children._places[0].pause_s = RESTART_MAX_S * 1000
    thread = _kept(children)
    until(lambda: bool(caplog.records))
    children.end()
    thread.join(30)
    assert (thread.is_alive(), len(started.all)) == (False, 1)


def test_the_end_is_said_to_all_and_waits_for_them() -> None:
    started = _Started("/bin/sleep", "600")
    children = Children(started, 3)
    thread = _kept(children)
    until(lambda: len(started.all) == 3)
    children.end()
    thread.join(30)
    assert not thread.is_alive()
    assert [child.returncode for child in started.all] == [-15] * 3
