"""`kiosk gallery`: every screen as a picture."""

from __future__ import annotations

from pathlib import Path


def run(out: Path) -> int:
    from ui.gallery import render

    render(out)
    return 0
