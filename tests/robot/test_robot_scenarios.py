"""The robot citizen uses the real window, with real wires to emulated devices and a real hub."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from robot_walkers import Walkers

from rehearsal.people import people
from rehearsal.robot.perform import perform
from rehearsal.robot.scenarios import LEAVING, Stage, photographed
from rehearsal.secrets import leaks
from rehearsal.town import Town, date_of_rehearsal

pytestmark = pytest.mark.xdist_group("robot")  # in order, in one process


@pytest.mark.parametrize(
    "scenario",
    [
        "relative",
        "hub_down",
        "too_young",
        "double_presses",
        "same_again",
        "progress",
        pytest.param("crash", marks=pytest.mark.fault(2)),
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
