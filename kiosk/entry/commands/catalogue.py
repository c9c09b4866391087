"""`kiosk catalogue`: check service items, and list those that can be offered."""

from __future__ import annotations

import sys
from pathlib import Path

from kiosk.catalogue.load import load
from kiosk.entry.commands.answer import Exit, fault_line, ok_line


def run(folder: Path | None, *, json: bool) -> int:
    if folder is not None and not folder.is_dir():
        detail = f"{folder} is not a folder"
        print(fault_line("not_found", detail) if json else detail)
        return Exit.NOT_THERE
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
        detail = f"{folder or 'the program'} holds no service item"
        print(fault_line("not_found", detail) if json else detail)
        return Exit.NOT_THERE
    return Exit.FAULT if catalogue.faults else Exit.DONE
