"""The robot citizen uses the real window, with real wires to emulated devices and a real hub."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from robot_walkers import Walkers
from Xlib import X, display

from rehearsal import processes
from rehearsal.people import people
from rehearsal.robot.eyes import polled
from rehearsal.robot.perform import perform
from rehearsal.robot.scenarios import LEAVING, Stage, photographed
from rehearsal.secrets import leaks
from rehearsal.town import Town, date_of_rehearsal

pytestmark = pytest.mark.xdist_group("robot")  # in order, in one process

UP_S = 90  # on an idle machine a tenth of it
ENDED_S = 20  # everything has its few seconds to end in order
RUN_LIMIT_S = 240  # on an idle machine a third of it


def test_make_run_does_one_application_all_the_way(
    root: Path, tmp_path: Path, no_display: None
) -> None:
    """Without a display: the summary, the pictures, the receipt, the PDF and the hub's record."""
    out = tmp_path / "out"
    run = subprocess.run(
        [sys.executable, "-m", "rehearsal", "run", "--out", str(out), "--base", str(tmp_path)],
        check=False,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    summary = run.stdout.rpartition("\n\n")[2].strip().splitlines()
    assert len(summary) <= 10
    words = "\n".join(summary)
    assert "application held, 2 attachments" in words
    assert "password" in words
    assert (out / "receipt.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "submitted.pdf").read_bytes().startswith(b"%PDF-")
    assert '"number"' in (out / "record.json").read_text(encoding="utf-8")
    pictured = {path.stem.partition("-")[2] for path in (out / "screens").iterdir()}
    assert pictured >= {
        "standby", "home", "service_guide", "consent", "place_id_card", "confirm_identity", "form",
        "capture_page", "check_page", "review", "sign", "accepted", "rating", "take_away",
    }  # fmt: skip
    assert not [name for name in pictured if name.startswith(("lost", "failed"))]


@pytest.mark.parametrize(
    "scenario",
    [
        "relative",
        "hub_down",
        "too_young",
        "double_presses",
        "same_again",
        "progress",
        "crash",
    ],
)
def test_the_robot_plays(stage: Stage, scenario: str) -> None:
    result = perform(stage, scenario)
    assert not result.why, f"{result.why} after {' '.join(result.met)}"


def photographs(root: Path) -> Iterator[Path]:
    folder = root.parent / "shared" / "corpora" / "pages"
    if folder.is_dir():
        yield from (p for p in sorted(folder.iterdir()) if p.suffix.lower() in (".jpg", ".png"))


def test_real_photographs_of_pages_are_found_and_taken(root: Path, stage: Stage) -> None:
    found = list(photographs(root))
    if not found:
        pytest.skip(
            "the folder shared/corpora/pages is not beside the project, so no real photograph was "
            "held under the camera; the register's page drawn here was, in every other test"
        )
    photographed(stage, found)


def secrets() -> list[str]:
    """Name, number, address, phone and account of everybody, the relative's name among them."""
    everyone = people(date_of_rehearsal()).values()
    return [secret for person in everyone for secret in person.secrets()]


def test_no_log_of_any_process_holds_anything_personal(stage: Stage, town: Town) -> None:
    """Window, vision, sync, hub and emulators; and the search would have found it."""
    town.stop_terminal()
    names = {path.name for path in town.logs.iterdir()}
    assert names >= {
        "window.jsonl", "vision.jsonl", "sync.jsonl", "kiosk.log", "vision.out", "sync.out",
        "hub.log", "id_reader.log", "camera.log", "receipt_printer.log", "keypad.log",
    }  # fmt: skip
    searched, found = leaks((town.logs,), secrets())
    assert searched >= len(names)
    assert found == []
    person = stage.everyone["zhang_lan"]
    with (town.logs / "hub.log").open("ab") as log:
        log.write(b'{"planted": "' + person.name.encode("gbk") + b'"}\n')
        log.write(f'{{"planted": "{person.account}"}}\n'.encode("utf-16-le"))
    _, found = leaks((town.logs,), secrets())
    assert {leak.shape for leak in found} == {"GBK", "UTF-16LE"}


def test_no_process_of_the_terminal_warned_of_anything_unlisted(root: Path, town: Town) -> None:
    """What Python and Qt wrote to standard error, whole; the emulators' own words are theirs."""
    listed = tomllib.loads((root / "tests" / "allowed_warnings.toml").read_text(encoding="utf-8"))
    allowed = [re.compile(entry["text"]) for entry in listed["allowed"]]
    lines = [
        re.sub(r"^qt[.\w]*: ", "", line)
        for name in ("kiosk.log", "vision.out", "sync.out")
        for line in (town.logs / name).read_text(encoding="utf-8", errors="replace").splitlines()
    ]
    assert [line for line in lines if not any(text.match(line) for text in allowed)] == []


@pytest.mark.parametrize("page", LEAVING)
def test_who_walks_away_leaves_nothing_behind(walkers: Walkers, page: str) -> None:
    results = walkers.results()
    assert results[f"leaving:{page}"] == ""


def test_who_walked_away_left_nothing_in_the_logs(walkers: Walkers) -> None:
    searches = {name: why for name, why in walkers.results().items() if "without" in name}
    assert searches
    assert set(searches.values()) == {""}


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
