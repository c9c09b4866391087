"""How a command answers: JSON lines, faults, exit codes."""

from __future__ import annotations

import json
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line, kept stable."""

    DONE = 0
    BAD_USE = 2
    NOT_THERE = 3
    FAULT = 4


NOT_THERE_FAULTS = frozenset({"not_found", "device_lost", "disconnected", "unreadable_path"})


def fault_line(fault: str, detail: str, **more: object) -> str:
    """One JSON line that says what went wrong."""
    return json.dumps({"ok": False, "fault": fault, "detail": detail, **more}, ensure_ascii=False)


def ok_line(**fields: object) -> str:
    """One JSON line that answers."""
    return json.dumps({"ok": True, **fields}, ensure_ascii=False)


def exit_code(fault: str) -> Exit:
    """The exit code that a fault gives."""
    return Exit.NOT_THERE if fault in NOT_THERE_FAULTS else Exit.FAULT
