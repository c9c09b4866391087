"""A hub that serves on a PostgreSQL of its own, for what is measured at it."""

from __future__ import annotations

import contextlib
import json as to_json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from kiosk.entry.commands.answer import Exit, fault_line

START_LIMIT_S: Final = 60.0
_PARENT: Final = 1  # in /proc/PID/stat after the name; the times are in ticks
_TIMES: Final = slice(11, 15)


def under_postgresql(what: str, json: bool) -> int:
    """Run `kiosk bench WHAT` again inside a PostgreSQL of its own."""
    starter = shutil.which("pg_virtualenv")
    if starter is None:
        detail = "pg_virtualenv (Debian: postgresql-common) is needed"
        print(fault_line("not_found", detail) if json else detail)
        return Exit.NOT_THERE
    again = [starter, "-t", "-v", "15", "-o", "fsync=on", sys.executable]
    again += ["-m", "kiosk", "bench", what]
    return subprocess.call([*again, "--json"] if json else again)  # noqa: S603 - ours


def dsn() -> str:
    user, password = os.environ["PGUSER"], quote(os.environ["PGPASSWORD"])
    return f"postgres://{user}:{password}@{os.environ['PGHOST']}:{os.environ['PGPORT']}/postgres"


@dataclass(frozen=True, slots=True)
class ServedHub:
    """A hub of its own, with its data, serving."""

    port: int
    data: Path
    pid: int
    environment: Mapping[str, str]

    def command(self, *arguments: str) -> dict[str, object]:
        done = subprocess.run(  # noqa: S603 - ours
            [sys.executable, "-m", "hub", *arguments, "--json"],
            env=dict(self.environment),
            capture_output=True,
            check=True,
        )
        answer: dict[str, object] = to_json.loads(done.stdout.splitlines()[-1])
        return answer

    def unopened(self) -> int:
        """How many items it has taken and not opened yet."""
        with psycopg.connect(dsn()) as line:
            found = line.execute(
                "SELECT count(*) FROM applications_receiveditem WHERE to_open_at IS NOT NULL"
            ).fetchone()
        return int(found[0]) if found else 0

    def cpu_s(self) -> dict[str, float]:
        """Seconds that each part has computed so far. Unlike a rate, they hardly depend on what
        else the machine does."""
        with psycopg.connect(dsn()) as line:
            backend = line.info.backend_pid
            database = int(_stat(backend)[_PARENT])
            found = {"client": time.process_time(), "door": 0.0, "opener": 0.0}
            found["database"] = sum(_computed_s(pid) for pid in (database, *_children(database)))
        for pid in _children(self.pid) or (self.pid,):
            opens = b"keep-opening" in Path(f"/proc/{pid}/cmdline").read_bytes()
            found["opener" if opens else "door"] += _computed_s(pid)
        return found

    def memory_mb(self) -> float:
        """The most that its processes ever held together."""
        total = 0
        for pid in (self.pid, *_children(self.pid)):
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        total += int(line.split()[1])
        return total / 1024


@contextlib.contextmanager
def served_hub(folder: Path, *, processes: int = 0) -> Iterator[ServedHub]:
    """Up when this is entered. Its limit for one terminal is set for living ones: here, none."""
    environment = {
        **os.environ,
        "HUB_DATA": str(folder / "hub"),
        "DATABASE_URL": dsn(),
        "HUB_RATE": "1000000",
    }
    ServedHub(0, folder / "hub", 0, environment).command("init")
    port_file = folder / "port"
    serve = [sys.executable, "-m", "hub", "serve", "--port", "0", "--port-file", str(port_file)]
    serve += ["--processes", str(processes)] if processes else []
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(serve, env=environment, stdout=log, stderr=log)  # noqa: S603
        try:
            until = time.monotonic() + START_LIMIT_S
            while not port_file.exists():
                if time.monotonic() > until or process.poll() is not None:
                    raise SystemExit(f"the hub does not come up: {folder / 'hub.log'}")
                time.sleep(0.1)
            yield ServedHub(int(port_file.read_text()), folder / "hub", process.pid, environment)
        finally:
            process.terminate()
            process.wait()


def _stat(pid: int) -> list[str]:
    """What the kernel says of a process, from the field after its name on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _computed_s(pid: int) -> float:
    """Its own time, and that of children which have ended."""
    try:
        fields = _stat(pid)
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[_TIMES]) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> tuple[int, ...]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return ()
    return tuple(int(one) for one in listed.split())
