"""What must be done before Qt is used in a process: one call, first thing."""

from __future__ import annotations

from ui import immortal, keyboard


def prepare() -> None:
    """Call before the Qt application is made. May be called again."""
    immortal.protect()
    keyboard.prepare()
