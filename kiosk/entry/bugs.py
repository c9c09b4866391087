"""A bug is written as its type and place. Its text may quote what somebody typed, and is not."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import TracebackType

from drivers.device import Log


def tell_bug(log: Log, where: str, error: BaseException) -> None:
    """Log an exception that nobody expected."""
    _tell(log, where, type(error), error.__traceback__)


def watch_for_bugs(log: Log, process: str) -> None:
    """What no thread of this process caught is logged, and nowhere printed with its text."""

    def anywhere(
        kind: type[BaseException], _error: BaseException, trace: TracebackType | None
    ) -> None:
        _tell(log, process, kind, trace)

    def in_thread(caught: threading.ExceptHookArgs) -> None:
        name = caught.thread.name if caught.thread is not None else "thread"
        _tell(log, f"{process} {name}", caught.exc_type, caught.exc_traceback)

    def unraisable(caught: sys.UnraisableHookArgs) -> None:
        _tell(log, process, caught.exc_type, caught.exc_traceback)

    sys.excepthook = anywhere
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


def _tell(log: Log, where: str, kind: type[BaseException], trace: TracebackType | None) -> None:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    at = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    log("unexpected", where=where, type=kind.__name__, at=at)
