"""`kiosk gallery`: every screen as a picture."""

from __future__ import annotations

import sys
from pathlib import Path

from kiosk.entry.commands.answer import Exit


def run(out: Path) -> int:
    from ui.gallery import render

    try:
        render(out)
    except OSError as error:
        print(f"{out}: cannot be written: {error.strerror}", file=sys.stderr)
        return Exit.FAULT
    return Exit.DONE
