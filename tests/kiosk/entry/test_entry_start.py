"""Whatever is wrong around it, the terminal starts and says what it can and cannot do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.entry.alive import NOTIFY_SOCKET, READY, STILL_HERE
from kiosk.entry.commands.settings_file import exit_of
from kiosk.settings import load

LIMIT_S = 120.0  # a window on a machine that others use too


@contextmanager
def kiosk_run(settings: Path, listener: str = "") -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "kiosk", "run", "--settings", str(settings)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "QT_QUICK_BACKEND": "software",
            **({NOTIFY_SOCKET: listener} if listener else {}),
        },
    )
    watchdog = threading.Timer(LIMIT_S, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def told_until(process: subprocess.Popen[str], event: str, **fields: object) -> list[str]:
    """Lines of standard error up to this event; without a log folder it is the log."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line.rstrip())
        if not line.startswith("{"):
            continue
        entry = json.loads(line)
        if entry["event"] == event and fields.items() <= entry.items():
            return lines
    raise AssertionError(f"ended without {event}: {lines}")


def place(tmp_path: Path) -> str:
    """Settings of a terminal whose folders cannot be used: a file is in the way."""
    blocked = tmp_path / "blocked"
    blocked.write_text("", encoding="utf-8")
    return (
        f'[paths]\ndata = "{blocked}/data"\nlogs = "{blocked}/logs"\n'
        f'runtime = "{blocked}/run"\n[window]\nfull_screen = false\n'
    )


def test_folders_that_cannot_be_used_close_what_needs_them_and_the_window_opens(
    tmp_path: Path,
) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(place(tmp_path), encoding="utf-8")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as keeper,
        kiosk_run(file, f"{tmp_path}/keeper") as process,
    ):
        keeper.bind(f"{tmp_path}/keeper")
        keeper.settimeout(LIMIT_S)
        lines = told_until(process, "device_status", device="keypad")
        heard = [keeper.recv(64) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
    assert heard == [READY, STILL_HERE, STILL_HERE]  # while it is drawn, whoever keeps it hears it
    text = "\n".join(lines)
    assert "paths.logs" in text and '"paths.runtime"' in text
    assert '"store_fault"' in text
    assert "Traceback" not in text


def test_a_second_terminal_over_the_same_data_does_not_start_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    file = tmp_path / "kiosk.toml"
    blocked = place(tmp_path)  # without a folder for them, logs come on standard error
    text = blocked.replace("blocked/data", "data").replace("blocked/run", "run")
    file.write_text(text, encoding="utf-8")
    with kiosk_run(file) as first:
        told_until(first, "device_status", device="keypad")
        home = sorted((tmp_path / "run" / "home").iterdir())
        with kiosk_run(file) as second:
            assert second.stderr is not None
            assert second.stderr.read() == f"a terminal is already running over {tmp_path}/data\n"
            assert second.wait(LIMIT_S) == 4
        assert sorted((tmp_path / "run" / "home").iterdir()) == home
        first.kill()
        first.wait(LIMIT_S)
        with kiosk_run(file) as third:  # whatever became of the first, its place is free
            told_until(third, "device_status", device="keypad")


def test_faulty_settings_close_the_terminal_name_the_line_and_touch_no_device(
    tmp_path: Path,
) -> None:
    file = tmp_path / "kiosk.toml"
    text = place(tmp_path) + '[id_reader]\nurl = "serial:///dev/null"\n[hub]\nurl = "ftp://x"\n'
    file.write_text(text, encoding="utf-8")
    with kiosk_run(file) as process:
        lines = told_until(process, "device_status", device="keypad")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 4
    assert lines[0].startswith(f"{file}:10: hub.url: ")
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    faults = [(one["field"], one["line"]) for one in entries if one["event"] == "settings_fault"]
    assert ("hub.url", 10) in faults
    devices = [one for one in entries if one["event"] == "device_status"]
    assert {one["status"] for one in devices} == {"not_installed"}
    assert not any(one["event"] == "child_started" for one in entries)


def test_a_missing_file_and_a_faulty_one_have_exit_codes_of_their_own(tmp_path: Path) -> None:
    missing = load(tmp_path / "nowhere.toml")
    assert isinstance(missing, tuple)
    assert exit_of(missing) == 3
    odd = tmp_path / "odd.toml"
    odd.write_bytes(b'[terminal]\ncode = "QS01"\nname_zh = "\xd7\xd4\xd6\xfa"\n')  # GBK
    faulty = load(odd)
    assert isinstance(faulty, tuple)
    assert exit_of(faulty) == 4
    assert faulty[0].line == 3
