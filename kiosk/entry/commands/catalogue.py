"""`kiosk catalogue`: check service items, and list those that can be offered."""

from __future__ import annotations

import sys
from pathlib import Path

from kiosk.catalogue.load import load
from kiosk.entry.commands.answer import Exit, fault_line, ok_line
from kiosk.entry.commands.file_name import told


def run(folder: Path | None, *, json: bool) -> int:
    if folder is not None:
        try:
            next(folder.iterdir(), None)
        except (FileNotFoundError, NotADirectoryError):
            return _not_there("not_found", f"{told(folder)} is not a folder", json=json)
        except OSError as error:
            why = f"{told(folder)}: {error.strerror or type(error).__name__}"
            return _not_there("unreadable_path", why, json=json)
    catalogue = load(folder)
    for item in catalogue.items:
        name = item.name.words.get("zh")
        if json:
            print(ok_line(item=item.code, version=item.version, name=name))
        else:
            print(f"{item.code}  {item.version}  {name}")
    for fault in catalogue.faults:
        if json:
            print(
                fault_line(
                    "bad_item", fault.problem, file=fault.file, item=fault.item, field=fault.field
                )
            )
        else:
            print(fault, file=sys.stderr)
    if not catalogue.items and not catalogue.faults:
        where = told(folder) if folder is not None else "the program"
        return _not_there("not_found", f"{where} holds no service item", json=json)
    return Exit.FAULT if catalogue.faults else Exit.DONE


def _not_there(fault: str, detail: str, *, json: bool) -> Exit:
    print(fault_line(fault, detail) if json else detail)
    return Exit.NOT_THERE
