"""Anything at all where CUPS answers, and any bytes as a document."""

from __future__ import annotations

import json

from drivers.page_printer.protocol import (
    document_fault,
    events_of,
    job_fault,
    job_of,
    queue_of,
    status_of,
)


def seeds() -> list[bytes]:
    return [
        b'{"printer-state": 5, "printer-state-reasons": ["media-empty-error"]}',
        b'{"events": [{"notify-sequence-number": 1, "notify-job-id": 7, "job-state": 9}]}',
    ]


def fuzz(data: bytes) -> None:
    document_fault(data, 1)
    try:
        attributes = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(attributes, dict):
        return
    queue = queue_of(attributes)
    status_of(queue)
    job_fault(queue, job_of(attributes))
    events_of(attributes)
