"""`kiosk diag devices`: a technician asks every device at once what it is."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.entry.commands import diag_devices
from kiosk.entry.program import only_one
from kiosk.settings import IdReaderSettings, PathSettings, PrinterSettings, Settings


@pytest.fixture
def reader(root: Path) -> Iterator[str]:
    """The address of an emulated ID card reader."""
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        link = Path(folder) / "reader"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rehearsal.emulators.id_reader"),
                *("--control", str(Path(folder) / "c.sock"), "--link", str(link)),
            ],
            stdout=subprocess.PIPE,
            cwd=root,
        )
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())
        yield f"serial://{link}?baud=115200"
        process.terminate()
        process.wait(10)
        process.stdout.close()


def asked(settings: Settings, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = diag_devices.run(settings, json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return code, {line["device"]: line for line in lines}


def test_while_the_terminal_runs_its_devices_are_left_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(paths=PathSettings(data=tmp_path))
    running = only_one(tmp_path)
    assert running is not None
    with running:
        assert diag_devices.run(settings, json=True) == 4
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["fault"]) == (False, "busy")
    assert "terminal runs" in said["detail"]


def test_a_device_that_answers_says_who_it_is_and_one_that_is_not_there_why(
    reader: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = asked(
        Settings(
            paths=PathSettings(data=tmp_path),
            id_reader=IdReaderSettings(url=reader),
            receipt_printer=PrinterSettings(url=f"serial://{tmp_path}/printer?baud=115200"),
        ),
        capsys,
    )
    assert said["id_reader"]["status"] == "ready"
    assert said["id_reader"]["serial"]
    assert said["id_reader"]["capabilities"]
    assert said["receipt_printer"]["status"] == "disconnected"
    assert "no such device" in said["receipt_printer"]["reason"]
    assert (said["receipt_printer"]["ok"], said["receipt_printer"]["fault"]) == (
        False,
        "disconnected",
    )
    assert said["id_reader"]["ok"] is True
    assert said["document_camera"]["status"] == "not_installed"
    assert code == 3  # something that should be there is not
    assert len(said) == 9


def test_a_terminal_without_devices_has_nothing_wrong_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = asked(Settings(paths=PathSettings(data=tmp_path)), capsys)
    assert {line["status"] for line in said.values()} == {"not_installed"}
    assert code == 0
