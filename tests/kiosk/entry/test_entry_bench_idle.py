"""`kiosk bench idle`: what the rehearsal measured, judged."""

from __future__ import annotations

import json
import subprocess

import pytest

from kiosk.entry.commands.answer import Exit
from kiosk.entry.commands.bench import idle


@pytest.mark.parametrize(
    ("said", "code", "shown"),
    [
        ({"ok": True, "percent": {"window": 0.7, "vision": 0.2}}, Exit.DONE, "held"),
        ({"ok": True, "percent": {"window": 2.7, "vision": 0.4}}, Exit.FAULT, "MISSED"),
        ({"ok": False, "detail": "the hub does not answer"}, Exit.NOT_THERE, "the hub does not"),
        (None, Exit.NOT_THERE, "said nothing"),
    ],
)
def test_what_a_still_terminal_costs_is_judged_by_all_its_processes(
    said: dict[str, object] | None,
    code: Exit,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """How far it is goes to standard error as it happens: it takes a minute."""

    def rehearsal(command: list[str], **how: object) -> subprocess.CompletedProcess[str]:
        assert "stderr" not in how and "capture_output" not in how
        return subprocess.CompletedProcess(command, 0, f"{json.dumps(said)}\n" if said else "")

    monkeypatch.setattr(idle.subprocess, "run", rehearsal)
    assert idle.run(None, json=False) == code
    assert shown in capsys.readouterr().out
