"""The rules of the house that a linter cannot hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOMS = ("kiosk", "drivers", "offline_cache", "ui", "hub", "rehearsal")


def modules_of(root: Path, room: str) -> set[str]:
    """Dotted names of the modules and packages directly below a room."""
    names = set()
    for path in (root / room).iterdir():
        if (path.suffix == ".py" and path.stem not in ("__init__", "__main__")) or (
            path / "__init__.py"
        ).is_file():
            names.add(f"{room}.{path.stem}")
    return names


def contract_modules(root: Path) -> str:
    return (root / "pyproject.toml").read_text(encoding="utf-8").split("[tool.importlinter]")[1]


@pytest.mark.parametrize("room", ["kiosk", "drivers"])
def test_a_new_module_must_be_named_by_a_contract(root: Path, room: str) -> None:
    contracts = contract_modules(root)
    ground = {"drivers.device", "drivers.worker", "drivers.transport"}  # named by their layer
    unnamed = {
        name
        for name in modules_of(root, room) - ground
        if not re.search(rf"\b{re.escape(name)}\b", contracts)
    }
    assert not unnamed, f"say in pyproject.toml's import contracts what these may import: {unnamed}"


def test_every_top_folder_of_code_is_a_room_of_the_contracts(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert tuple(contracts["tool"]["importlinter"]["root_packages"]) == ROOMS
    packages = {
        path.parent.name for path in root.glob("*/__init__.py") if path.parent.name != "tests"
    }
    assert packages == set(ROOMS)


def loaded_modules(*arguments: str) -> tuple[int, set[str]]:
    """Run one `kiosk` command and say which modules it had loaded at its end."""
    script = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('\\nMODULES ' + ' '.join(sys.modules)))\n"
        f"sys.argv = ['kiosk', *{arguments!r}]\n"
        "from kiosk.entry.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    return done.returncode, set(done.stdout.rpartition("MODULES ")[2].split())


def test_the_command_line_loads_only_what_a_command_needs() -> None:
    code, modules = loaded_modules("--help")
    assert code == 0
    assert "kiosk.entry.cli" in modules
    for heavy in ("PySide6", "cv2", "pydantic", "sqlcipher3", "requests", "rich"):
        assert heavy not in modules, heavy


def test_looking_at_pictures_loads_no_window_and_checking_settings_neither(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text('[terminal]\ncode = "QS01"\n', encoding="utf-8")
    code, modules = loaded_modules("settings", str(file))
    assert code == 0
    assert "cv2" not in modules
    assert "PySide6" not in modules


def test_a_command_that_is_not_told_enough_says_so_and_never_dies_of_it() -> None:
    """Bad use, and what is not built yet, is answered with 2 and a sentence, not with a trace."""
    for command in ("idcard", "smartcard", "receipt", "diag", "bench"):
        done = subprocess.run(
            [sys.executable, "-m", "kiosk", command, "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 2, 3), command
        assert "Traceback" not in done.stderr, command
        if done.returncode:
            assert done.stderr.strip() or '"ok": false' in done.stdout, command


def test_bad_use_is_told_as_json_where_json_was_asked_for() -> None:
    for given in (["scan"], ["idcard", "--port", "tcp://a:1", "--timeout", "soon"], ["nosuch"]):
        done = subprocess.run(
            [sys.executable, "-m", "kiosk", *given, "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert json.loads(done.stdout)["fault"] == "bad_use"


def test_a_machine_without_a_display_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text("", encoding="utf-8")
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    bare = {name: value for name, value in os.environ.items() if name not in hidden}
    for more in ({}, {"DISPLAY": ":987"}):
        done = subprocess.run(
            [sys.executable, "-m", "kiosk", "run", "--settings", str(file)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**bare, **more},
        )
        assert done.returncode == 3
        assert done.stderr.startswith("no display")


def test_the_larger_reader_brings_nothing_that_overwrites_what_is_there(root: Path) -> None:
    """Its lock shares the versions of the main one, and leaves out the second OpenCV."""

    def pins(name: str) -> dict[str, str]:
        text = (root / name).read_text(encoding="utf-8")
        found = re.findall(r"^([a-z0-9._-]+)(?:\[\S+\])?==(\S+)", text, re.MULTILINE)
        return dict(found)

    ours, extra = pins("requirements.lock"), pins("requirements-rapidocr.lock")
    assert "rapidocr-onnxruntime" in extra
    assert not any(name.startswith("opencv") for name in extra)
    assert {name: ours[name] for name in extra if name in ours}.items() <= extra.items()


def test_no_secret_address_or_machine_path_is_in_the_lock_files(root: Path) -> None:
    for name in ("requirements.lock", "requirements-build.lock", "requirements-rapidocr.lock"):
        text = (root / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text and "--find-links" not in text
        pins = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
        assert pins and all(re.match(r"\S+==\S+ \\", line) for line in pins)
        assert text.count("--hash=sha256:") >= len(pins)
