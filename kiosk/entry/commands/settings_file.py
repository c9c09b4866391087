"""How a command reads the settings file: faults told, one line each."""

from __future__ import annotations

import sys
from pathlib import Path

from kiosk.entry.commands.answer import fault_line
from kiosk.settings import Settings, load


def load_settings(path: Path, *, json: bool) -> Settings | None:
    """The settings, or None with every fault printed."""
    loaded = load(path)
    if isinstance(loaded, Settings):
        return loaded
    for fault in loaded:
        if json:
            kind = "bad_settings" if fault.line or fault.field else "unreadable_path"
            print(
                fault_line(kind, fault.problem, file=fault.path, line=fault.line, field=fault.field)
            )
        else:
            print(fault, file=sys.stderr)
    return None
