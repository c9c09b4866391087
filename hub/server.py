"""Serving: waitress in this process, one ready line, a clean end on SIGTERM."""

from __future__ import annotations

import json
import logging
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from hub import limits
from hub.wsgi import application

THREADS = 8
# Its own limit lies above ours, so that ours answers; this one only bounds the disk.
SERVER_BODY_BYTES = limits.ATTACHMENT_BYTES + 65_536

_CODES = {400: "bad_request", 413: "too_large", 431: "bad_request", 501: "bad_request"}

log = logging.getLogger("hub.server")


class JsonErrorTask(ErrorTask):
    """What never reaches Django fails in the API's words too."""

    def execute(self) -> None:
        wrong = self.request.error
        code = _CODES.get(wrong.code, "internal")
        said = {"error": {"code": code, "text": wrong.reason}}
        body = json.dumps(said).encode("utf-8")
        self.status = f"{wrong.code} {wrong.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):
    error_task_class = JsonErrorTask


def run(host: str, port: int, port_file: Path | None, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl+C. OSError if the port cannot be had."""
    # Large bodies wait on disk before they are read: beside the data, not in everybody's /tmp.
    waiting = settings.HUB_DATA / "tmp"
    waiting.mkdir(mode=settings.PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    tempfile.tempdir = str(waiting)
    server: Any = create_server(
        application,
        host=host,
        port=port,
        threads=THREADS,
        ident="hub",
        max_request_body_size=SERVER_BODY_BYTES,
        expose_tracebacks=False,
    )
    server.channel_class = Channel
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    opened = int(server.effective_port)
    if port_file is not None:
        part = port_file.with_name(port_file.name + ".part")
        part.write_text(f"{opened}\n", encoding="ascii")
        part.replace(port_file)
    ready(f"hub ready http://{host}:{opened}")
    try:
        server.run()
    finally:
        server.close()
        log.info("ended")


def _end(number: int, frame: object) -> None:
    raise SystemExit(0)
