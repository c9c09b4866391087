"""The hub under test, in this process and as a server of its own.

Django is set up when the first test of this folder is collected; the environment is left as it
was, so that processes which other tests start know nothing of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
import requests
from django.conf import settings

_DATA = Path(tempfile.mkdtemp(prefix="hub-tests-"))
_BEFORE = {name: os.environ.get(name) for name in ("HUB_DATA", "DJANGO_SETTINGS_MODULE")}
os.environ["HUB_DATA"] = str(_DATA)
os.environ["DJANGO_SETTINGS_MODULE"] = "hub.settings"
django.setup()
assert _DATA.resolve() == settings.HUB_DATA
for _name, _value in _BEFORE.items():
    if _value is None:
        os.environ.pop(_name)
    else:
        os.environ[_name] = _value

from hub_terminal import Door, Live, Terminal  # noqa: E402 (needs Django's settings)

START_LIMIT_S = 60


@pytest.fixture(scope="session", autouse=True)
def _no_data_left_behind() -> Iterator[None]:
    yield
    shutil.rmtree(_DATA, ignore_errors=True)


@pytest.fixture
def attachments(tmp_path: Path) -> Iterator[Path]:
    """An empty folder for this test's attachments."""
    before = settings.ATTACHMENTS
    settings.ATTACHMENTS = tmp_path / "attachments"
    yield settings.ATTACHMENTS
    settings.ATTACHMENTS = before


@pytest.fixture
def terminal(db: None, attachments: Path) -> Terminal:
    """QS01, enrolled as a technician would."""
    from hub.terminals.enrolment import new_code
    from hub.terminals.models import Terminal as Known

    row = Known.objects.create(code="QS01", name="清水镇便民服务中心")
    one = Terminal("QS01", Door())
    one.enrol(new_code(row, "test").code)
    return one


class Server:
    """A hub of its own: data folder, process, port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "hub.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

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
        import json

        answer = self.command("enrol-code", code, "--json")
        assert answer.returncode == 0, answer.stderr
        one = Terminal(code, Live(self.address))
        one.enrol(json.loads(answer.stdout)["code"])
        return one

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HUB_DATA": str(self.data), "PYTHONWARNINGS": "error"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("hub"))
    made = one.command("init", "--json")
    assert made.returncode == 0, made.stderr
    one.start()
    assert requests.get(f"{one.address}/api/v1/health", timeout=START_LIMIT_S).json()["ok"] is True
    yield one
    one.end()
