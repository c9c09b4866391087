"""A terminal comes up by itself after a power cut: what the installer writes fits the program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import typer.main

from hub.cli import main as hub
from kiosk.entry import keeper
from kiosk.entry.cli import app
from kiosk.settings import Settings, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*/*.service"))


def _unit(path: Path) -> dict[str, list[str]]:
    """Name -> values, of all sections."""
    table: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", "[")):
            table.setdefault(name, []).append(value)
    return table


def _seconds(unit: dict[str, list[str]], name: str) -> float:
    return float(unit[name][0])


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """A machine on which no package is installed."""
    query = tmp_path / "dpkg-query"
    query.write_text("#!/bin/sh\nexit 1\n")
    query.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def _install(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [DEPLOY / "install.sh", *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_systemd_starts_is_there_and_knows_its_options() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    started = 0
    for path in UNITS:
        program, *words = _unit(path)["ExecStart"][0].split()
        release, _, inside = program.partition("/current/")
        assert release in ("/opt/kiosk", "/opt/kiosk-hub"), path
        started += 1
        if inside == "bin/kiosk":
            command = commands[words[0]]
            known = {name for one in command.params for name in one.opts}
            assert {word for word in words if word.startswith("--")} <= known
        elif inside == "bin/python":
            assert words[:3] == ["-m", "hub", "serve"]
            with pytest.raises(SystemExit) as asked:  # its help: the words before it were taken
                hub([*words[2:], "--help"])
            assert asked.value.code == 0
        else:
            assert (ROOT / inside).is_file() and os.access(ROOT / inside, os.X_OK)
        for address in _unit(path).get("Documentation", []):
            assert (ROOT / address.removeprefix("file:/opt/kiosk/current/")).is_file()
    assert started == 3


def test_every_folder_of_the_settings_is_made_for_the_terminals_account() -> None:
    unit, paths = _unit(DEPLOY / "terminal" / "kiosk.service"), Settings().paths
    for name, root, path in (
        ("StateDirectory", "/var/lib", paths.data),
        ("LogsDirectory", "/var/log", paths.logs),
        ("RuntimeDirectory", "/run", paths.runtime),
    ):
        assert Path(root, unit[name][0]) == path
    assert unit["User"] == ["kiosk"] and unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]  # it is never given up


def test_systemd_is_more_patient_than_the_keeper_whom_it_watches() -> None:
    unit = _unit(DEPLOY / "terminal" / "kiosk.service")
    unheard_s = keeper.START_S + keeper.STACKS_S + keeper.RESTART_MAX_S
    assert _seconds(unit, "WatchdogSec") > unheard_s
    assert _seconds(unit, "TimeoutStartSec") > unheard_s
    assert _seconds(unit, "TimeoutStopSec") > keeper.END_S


def test_a_new_terminal_stays_closed_until_its_code_and_its_hub_are_filled_in(
    tmp_path: Path,
) -> None:
    template = DEPLOY / "terminal" / "kiosk.toml"
    faults = load(template)
    assert not isinstance(faults, Settings)
    assert [fault.field for fault in faults] == ["terminal.code", "hub.url"]
    lines = template.read_text("utf-8").splitlines()
    assert all("FILL-IN" in lines[fault.line - 1] for fault in faults)

    filled = template.read_text("utf-8").replace('code = "FILL-IN"', 'code = "QS01"')
    filled = filled.replace('url = "FILL-IN"', 'url = "https://hub.example"')
    everything = re.sub(r"^# (\[|\w+ = )", r"\1", filled, flags=re.MULTILINE)
    for text in (filled, everything):
        file = tmp_path / "kiosk.toml"
        file.write_text(text, "utf-8")
        assert isinstance(load(file), Settings)
    assert len(tomllib.loads(everything)) > len(tomllib.loads(filled)) + 5


def test_a_dry_run_says_every_step_and_does_none(bare: dict[str, str]) -> None:
    code, said = _install("terminal", "--dry-run", env=bare)
    assert code == 0 and said.endswith("nothing was done\n")
    (packages,) = [line for line in said.splitlines() if "Debian packages" in line]
    assert {"xserver-xorg-core", "pcscd", "tesseract-ocr-chi-sim"} <= set(packages.split())
    # listens on every interface; and what only tests need
    assert not {"vsmartcard-vpcd", "postgresql-15", "xvfb", "nodejs"} & set(packages.split())
    if not Path("/opt/kiosk").exists():
        for written in ("kiosk.service", "kiosk-screen.service", "kiosk.toml", "bin/kiosk"):
            assert written in said
        assert not Path("/etc/systemd/system/kiosk.service").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["desk"],
        ["terminal", "--fast"],
        ["terminal", "--code", "qs1"],
        ["terminal", "--hub", "http://hub"],
        [],
    ],
)
def test_an_installer_that_is_asked_wrongly_says_so_and_does_nothing(arguments: list[str]) -> None:
    code, said = _install(*arguments)
    assert code == 2 and "install" in said


def _locked(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text("ascii")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ \\]+)", text, re.MULTILINE))


def _imported(room: str) -> set[str]:
    """The top-level names that a room's files import, wherever they do; benchmarks are no part."""
    names: set[str] = set()
    for path in (ROOT / room).rglob("*.py"):
        if "bench" in path.parts:
            continue
        names |= {one or two for one, two in IMPORT.findall(path.read_text("utf-8"))}
    return names - set(sys.stdlib_module_names)


IMPORT = re.compile(
    r"^\s*(?:from (\w+)[\w.]* import |import (\w+)[\w.]*(?: as \w+)?$)", re.MULTILINE
)
OURS = {"kiosk", "drivers", "offline_cache", "ui", "hub", "rehearsal"}
BY_HAND = {"rapidocr_onnxruntime"}  # `make rapidocr`, where there is the memory


@pytest.mark.parametrize(
    ("lock", "rooms"),
    [
        ("requirements-terminal.lock", ("kiosk", "drivers", "offline_cache", "ui")),
        ("requirements-hub.lock", ("hub",)),
    ],
)
def test_a_machine_gets_every_library_that_its_rooms_import_and_no_test_tool(
    lock: str, rooms: tuple[str, ...]
) -> None:
    locked, whole = _locked(lock), _locked("requirements.lock")
    assert {name: whole[name] for name in locked} == locked  # as they were tested
    assert not {"pytest", "mypy", "hypothesis", "moto"} & set(locked)
    where = packages_distributions()
    for room in rooms:
        for name in _imported(room) - OURS - BY_HAND:
            of = {
                one.lower().replace("_", "-").replace(".", "-") for one in where.get(name, [name])
            }
            assert of & set(locked), f"{room} imports {name}, which {lock} does not bring"
