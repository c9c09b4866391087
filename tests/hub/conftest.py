"""The hub under test, in this process and as a server of its own.

Django is set up when the first test of this folder is collected; the environment is left as it
was, so that processes which other tests start know nothing of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
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
# A slow hash is right for people and wrong for a hundred tests; the live server keeps it.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
for _name, _value in _BEFORE.items():
    if _value is None:
        os.environ.pop(_name)
    else:
        os.environ[_name] = _value

from hub.seal.keys import make_seal_keys  # noqa: E402 (needs Django's settings)
from hub.terminals.authority import make_authority, make_server_certificate  # noqa: E402

make_seal_keys(settings.KEYS)
make_authority(settings.KEYS, datetime.now(UTC))
make_server_certificate(settings.KEYS, [], datetime.now(UTC))

from hub_server import START_LIMIT_S, Server  # noqa: E402 (needs Django's settings)
from hub_terminal import Door, Terminal  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _no_data_left_behind() -> Iterator[None]:
    yield
    shutil.rmtree(_DATA, ignore_errors=True)


@pytest.fixture
def attachments(tmp_path: Path) -> Iterator[Path]:
    """An empty folder for this test's attachments."""
    before = settings.ATTACHMENTS, settings.INCOMING
    settings.ATTACHMENTS, settings.INCOMING = tmp_path / "attachments", tmp_path / "incoming"
    yield settings.ATTACHMENTS
    settings.ATTACHMENTS, settings.INCOMING = before


@pytest.fixture
def terminal(db: None, attachments: Path) -> Terminal:
    """QS01, enrolled as a technician would."""
    from hub.terminals.enrolment import new_code
    from hub.terminals.models import Terminal as Known

    row = Known.objects.create(code="QS01", name="清水镇便民服务中心")
    one = Terminal("QS01", Door())
    one.enrol(new_code(row, "test").code)
    return one


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("hub"))
    made = one.command("init", "--json")
    assert made.returncode == 0, made.stderr
    one.start()
    lives = requests.get(
        f"{one.address}/api/v1/health", timeout=START_LIMIT_S, verify=one.authority
    )
    assert lives.json()["ok"] is True
    yield one
    one.end()
