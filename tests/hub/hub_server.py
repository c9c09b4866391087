"""A hub of its own for tests: data folder, process, port, log."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from hub_terminal import Live, Terminal

START_LIMIT_S = 60


class Server:
    """A hub of its own: data folder, process, port."""

    def __init__(self, folder: Path, **more: str) -> None:
        self._more = more
        self._database = _own_database()
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "hub.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hub", *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=START_LIMIT_S,
            check=False,
        )

    def start(self, *more: str) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hub", "serve", "--port", "0", *more],
                env=self._environment(),
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        with contextlib.ExitStack() as undo:
            undo.callback(self.end)
            for line in self._process.stdout:
                with self.log.open("ab") as log:
                    log.write(line)
                if line.startswith(b"hub ready "):
                    self.port = int(line.rsplit(b":", 1)[1])
                    undo.pop_all()
                    return
            raise AssertionError(f"the hub did not start: {self.log.read_text()}")

    def end(self) -> int:
        """SIGTERM, and what was still in the pipe goes to the log."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=START_LIMIT_S)
        with self.log.open("ab") as log:
            log.write(out)
        return process.returncode

    def enrolled(self, code: str) -> Terminal:
        answer = self.command("enrol-code", code, "--json")
        assert answer.returncode == 0, answer.stderr
        one = Terminal(code, self.way())
        one.enrol(json.loads(answer.stdout)["code"])
        return one

    def children(self) -> list[int]:
        """Process ids of those that this one started."""
        assert self._process is not None
        pid = self._process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    @property
    def authority(self) -> str:
        """A file with the certificate that this hub's terminals trust."""
        return str(self.data / "keys" / "ca.pem")

    def way(self) -> Live:
        folder = self.folder / "terminals"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(self.authority, folder / "ca.pem")
        return Live(self.address, folder)

    def _environment(self) -> dict[str, str]:
        own = {"HUB_DATA": str(self.data), "PYTHONWARNINGS": "error"}
        return {**os.environ, **self._database, **own, **self._more}


def until(holds: Callable[[], bool]) -> None:
    """Wait until it does."""
    end = time.monotonic() + START_LIMIT_S
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def _own_database() -> dict[str, str]:
    """With DATABASE_URL set, a new database on that server; the server is thrown away after."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        return {}
    import psycopg

    name = f"hub_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as line:
        line.execute(f'CREATE DATABASE "{name}"')
    return {"DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
