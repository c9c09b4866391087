"""Logging that cannot leak: an event of `events.toml` and its listed fields, nothing else."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from io import FileIO, RawIOBase, TextIOWrapper
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

if TYPE_CHECKING:
    from typing_extensions import Buffer

Field = str | int | float | bool | None
STANDARD_ERROR = 2
LOG_BYTES: Final = 8 * 1024 * 1024  # about a month of a busy terminal
LOGS_KEPT: Final = 5  # earlier files beside the present one: a fault is asked about weeks later
MAX_FIELD_CHARACTERS = 200  # a field is a code or a short reason; longer is a mistake


class EventLog:
    """One JSON line an event. Implements `drivers.device.Log`.

    What is not in the catalogue is not written; that it was tried is (`unknown_event_refused`).
    Writing never fails for the caller: lines that a full disk did not take are counted, and the
    count is the first line (`log_lost`) when it takes lines again.
    """

    def __init__(
        self, out: TextIO, process: str, catalogue: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        self._catalogue = catalogue if catalogue is not None else load_catalogue()
        self._logger: Any = structlog.wrap_logger(
            structlog.WriteLogger(out),
            processors=[structlog.processors.JSONRenderer(ensure_ascii=False)],
            process=process,
        )
        self._out = out
        self._lost = 0

    def __call__(self, event: str, /, **fields: Field) -> None:
        allowed = self._catalogue.get(event)
        if allowed is None:
            self._write("unknown_event_refused", refused_event=event[:40], refused_field="")
            return
        extra = [name for name in fields if name not in allowed]
        for name in extra:
            self._write("unknown_event_refused", refused_event=event, refused_field=name[:40])
        kept = {
            name: value[:MAX_FIELD_CHARACTERS] if isinstance(value, str) else value
            for name, value in fields.items()
            if name in allowed
        }
        self._write(event, **kept)

    def _write(self, name: str, **fields: Field) -> None:
        # `time` and `event` are the line's own: no event of the catalogue has fields of these names
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            if self._lost:
                self._out.write("\n")  # the disk may have been full in the middle of a line
                self._logger.msg("log_lost", time=time, lines=self._lost)
                self._lost = 0
            self._logger.msg(name, time=time, **fields)
        except (OSError, ValueError):  # full or gone; ValueError: closed, at the very end
            self._lost += 1


def load_catalogue() -> dict[str, frozenset[str]]:
    """Event name -> the fields it may carry, from `events.toml`."""
    table = tomllib.loads((files("kiosk") / "events.toml").read_text(encoding="utf-8"))
    return {name: frozenset(entry["fields"]) for name, entry in table.items()}


def open_log(folder: Path, process: str) -> TextIO:
    """The log file of one process, readable by the service's user only; nothing is held back.

    It ends at LOG_BYTES and becomes `<process>.jsonl.1`, what was .1 becomes .2, and so on: a
    terminal that nobody looks after for years does not fill its disk with them.
    A folder that cannot be written is no reason not to start: then standard error is the log.
    """
    raw: RawIOBase
    try:
        folder.mkdir(parents=True, exist_ok=True)
        raw = _CappedFile(folder / f"{process}.jsonl")
    except OSError as error:
        sys.stderr.write(f"paths.logs: {folder} cannot be written: {error.strerror}\n")
        raw = FileIO(os.dup(STANDARD_ERROR), "ab")
    # not buffered: what a full disk refused must not come back, or fail, when the file is closed
    return TextIOWrapper(raw, encoding="utf-8", write_through=True)  # type: ignore[type-var]


class _CappedFile(RawIOBase):
    """Appends to a file that steps aside when it is full. Every write is one line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()  # threads log, and only one may move the file
        self._file = self._opened()

    def writable(self) -> bool:
        return True

    def write(self, line: Buffer) -> int:
        with self._lock:
            if self._file.tell() + memoryview(line).nbytes > LOG_BYTES:
                self._step_aside()
            return self._file.write(line)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _opened(self) -> FileIO:
        self._path.touch(mode=0o600, exist_ok=True)
        return FileIO(self._path, "ab")

    def _step_aside(self) -> None:
        """What cannot be moved is written on: a log that is too long beats none."""
        names = [self._path, *(Path(f"{self._path}.{age}") for age in range(1, LOGS_KEPT + 1))]
        try:
            for older, newer in reversed(list(zip(names[1:], names, strict=False))):
                if newer.exists():
                    newer.replace(older)
            file = self._opened()
        except OSError:
            return
        self._file.close()
        self._file = file
