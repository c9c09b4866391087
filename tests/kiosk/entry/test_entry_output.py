"""How an answer leaves the program: UTF-8 in every locale, and a plain word where it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ANSWER = (
    "import sys\n"
    "from kiosk.entry import cli\n"
    "from kiosk.entry.commands import idcard\n"
    "from kiosk.entry.commands.answer import ok_line\n"
    "def run(port, *, timeout_s, json):\n"
    "    print(ok_line(name='\\u738b\\u5c0f\\u660e\\U00020bb7', odd='\\udcff'))\n"
    "    return 0\n"
    "idcard.run = run\n"
    "sys.argv = ['kiosk', 'idcard', '--port', 'tcp://127.0.0.1:9', *sys.argv[1:]]\n"
    "cli.main()\n"
)


def answer(out: int, *arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", ANSWER, *arguments],
        stdout=out,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        env={**os.environ, **env},
    )


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_name_is_written_whatever_the_locale(env: dict[str, str]) -> None:
    done = answer(subprocess.PIPE, "--json", **env)
    assert done.stderr == b""
    assert json.loads(done.stdout.decode("utf-8")) == {
        "ok": True,
        "name": "王小明𠮷",
        "odd": "\udcff",
    }


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_an_answer_that_cannot_be_written_is_said_in_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = answer(full.fileno(), *arguments)
    assert done.returncode == 4
    assert done.stderr == b"the answer cannot be written: No space left on device\n"
