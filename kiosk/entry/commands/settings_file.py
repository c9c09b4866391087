"""How a command reads the settings file: faults told, one line each, and the exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from kiosk.entry.commands.answer import Exit, exit_code, fault_line
from kiosk.settings import Settings, SettingsFault, load


def load_settings(path: Path, *, json: bool) -> Settings | Exit:
    """The settings; or the exit code, with every fault printed."""
    loaded = load(path)
    if isinstance(loaded, Settings):
        return loaded
    return tell(loaded, json=json)


def tell(faults: tuple[SettingsFault, ...], *, json: bool) -> Exit:
    """Print every fault, one line each, and answer the exit code."""
    for fault in faults:
        if json:
            print(
                fault_line(
                    _kind(fault),
                    fault.problem,
                    file=fault.path,
                    line=fault.line,
                    field=fault.field,
                )
            )
        else:
            print(fault, file=sys.stderr)
    return exit_of(faults)


def exit_of(faults: tuple[SettingsFault, ...]) -> Exit:
    """3 when there is no file to read, 4 when what it says is wrong."""
    return max(exit_code(_kind(fault)) for fault in faults)


def _kind(fault: SettingsFault) -> str:
    return "unreadable_path" if fault.unreadable else "bad_settings"
