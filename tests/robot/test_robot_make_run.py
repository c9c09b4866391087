"""`make run` with a display; without one it judges itself, by its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from Xlib import X, display

from rehearsal import processes
from rehearsal.robot.eyes import polled

UP_S = 90  # on an idle machine a tenth of it
ENDED_S = 20  # everything has its few seconds to end in order


def windows_on(name: str) -> list[tuple[int, int, int]]:
    """(x, width, height) of every window that is shown on the display, from the left."""
    screen = display.Display(name)
    root = screen.screen().root
    shown = []
    for window in root.query_tree().children:
        if window.get_attributes().map_state == X.IsViewable:
            place = window.get_geometry()
            shown.append((place.x, place.width, place.height))
    screen.close()
    return sorted(shown)


def test_with_a_display_terminal_and_dock_stand_side_by_side_and_ctrl_c_ends_everything(
    root: Path, tmp_path: Path, desk: str
) -> None:
    said = tmp_path / "said"
    with said.open("wb") as words:
        run = subprocess.Popen(
            [
                *(sys.executable, "-m", "rehearsal", "run"),
                *("--out", str(tmp_path / "out"), "--base", str(tmp_path)),
            ],
            cwd=root,
            env={**os.environ, "DISPLAY": desk, "QT_QPA_PLATFORM": "xcb"},
            stdout=words,
            stderr=words,
        )
    try:
        shown: list[tuple[int, int, int]] = []
        for _ in polled(UP_S, 0.2):
            shown = [place for place in windows_on(desk) if place[1] > 300]
            if len(shown) == 2 or run.poll() is not None:
                break
        text = said.read_text(encoding="utf-8")
        assert len(shown) == 2, text
        (left, width, height), (dock_left, _, _) = shown
        assert left + width <= dock_left, "they do not cover each other"
        assert height <= 1080
        assert abs(width / height - 1080 / 1920) < 0.01
        assert "password" in text
        started = processes.descendants(run.pid)
        assert len(started) >= 11, "hub, six devices, dock, window, vision and sync"
        run.send_signal(signal.SIGINT)
        assert run.wait(ENDED_S) == 130
        assert [pid for pid in started if (Path("/proc") / str(pid)).exists()] == []
        assert not list(tmp_path.glob("rehearsal-*")), "its data is removed"
    finally:
        processes.end(run)
