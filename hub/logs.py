"""What the hub writes about itself: when, what kind, where in the code. Never what was said.

An exception's text may quote a row or a request, so only its type and place are written.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

LOG_FILE_BYTES = 10_000_000
LOG_FILES_KEPT = 5
FRAMES = 8

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class NoValues(logging.Formatter):
    """UTC time, level, logger, message; exceptions without their text."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = record.getMessage()
        if record.exc_info:
            # The message of a caught exception is often its text: the place in the code will do.
            message = f"{record.module}.{record.funcName} {self.formatException(record.exc_info)}"
        line = f"{at[:-6]}Z {record.levelname.lower()} {record.name} {message}"
        return line.replace("\n", " ").replace("\r", " ")

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 (the library's name)
        kind, _, trace = ei
        if kind is None:
            return "-"
        frames = traceback.extract_tb(trace)[-FRAMES:]
        where = " < ".join(
            f"{Path(frame.filename).name}:{frame.lineno}:{frame.name}" for frame in reversed(frames)
        )
        return f"{kind.__name__} at {where}"


def log_to(file: Path | None) -> None:
    """Write the log to standard output, or to a file that is turned over."""
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stdout)
    else:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            file, maxBytes=LOG_FILE_BYTES, backupCount=LOG_FILES_KEPT, encoding="utf-8"
        )
    handler.setFormatter(NoValues())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.getLogger("hub").setLevel(logging.INFO)
