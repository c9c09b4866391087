"""Logging that cannot leak: an event of `events.toml` and its listed fields, nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

import structlog

Field = str | int | float | bool | None
MAX_FIELD_CHARACTERS = 200  # a field is a code or a short reason; longer is a mistake


class EventLog:
    """One JSON line an event. Implements `drivers.device.Log`.

    What is not in the catalogue is not written; that it was tried is (`unknown_event_refused`).
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
        self._logger.msg(name, time=time, **fields)


def load_catalogue() -> dict[str, frozenset[str]]:
    """Event name -> the fields it may carry, from `events.toml`."""
    table = tomllib.loads((files("kiosk") / "events.toml").read_text(encoding="utf-8"))
    return {name: frozenset(entry["fields"]) for name, entry in table.items()}


def open_log(folder: Path, process: str) -> TextIO:
    """The log file of one process, line-buffered, readable by the service's user only."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{process}.jsonl"
    path.touch(mode=0o600, exist_ok=True)
    return path.open("a", encoding="utf-8", buffering=1)
