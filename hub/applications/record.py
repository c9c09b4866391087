"""What is held, as data: for the command line and for tests of the whole."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.db.models import Manager, Sum

from hub.applications.blobs import AttachmentStore, attachment_store
from hub.applications.models import (
    Application,
    AskedAgain,
    Attachment,
    Enclosure,
    LaterPapers,
    Outcome,
    PrintResult,
    Queue,
    Rating,
    ReceivedItem,
    SetAside,
)
from hub.applications.opening import body_of
from hub.seal.keys import key_ring
from hub.terminals.models import Terminal


def record(number: str) -> dict[str, Any] | None:
    """An application with its attachments, later papers, ratings, print results and history."""
    found = Application.objects.filter(pk=number).select_related("received__queue").first()
    if found is None:
        return None
    store = attachment_store()
    received = found.received
    return {
        "number": found.number,
        "terminal": found.terminal_id,
        "item": found.item,
        "state": found.state,
        "accepted_at": utc(found.accepted_at),
        "received_at": utc(found.received_at),
        "changed_at": utc(found.changed_at),
        "id": str(received.id),
        "epoch": received.queue.epoch,
        "seq": received.seq,
        "sha256": received.hash,
        "application": body_of(received, key_ring()),
        "attachments": _attachments(found.enclosures, store),
        "later_papers": [
            {
                "id": str(row.pk),
                "terminal": row.received.queue.terminal_id,
                "handed_in_at": utc(row.handed_in_at),
                "received_at": utc(row.received_at),
                "by": {"name": row.by_name, "number": row.by_number},
                "agent": row.agent_name,
                "attachments": _attachments(row.enclosures, store),
            }
            for row in found.later_papers.select_related("received__queue")
        ],
        "ratings": [
            {
                "level": row.level,
                "reasons": [code for code in row.reasons.split(",") if code],
                "channel": row.channel,
                "rated_at": utc(row.rated_at),
            }
            for row in found.ratings.all()
        ],
        "print_results": [
            {"result": row.result, "at": utc(row.at)} for row in found.print_results.all()
        ],
        "history": [
            {
                "from": row.from_state,
                "to": row.to_state,
                "note": row.note,
                "by": row.by.get_username() if row.by else "",
                "at": utc(row.at),
            }
            for row in found.history.select_related("by")
        ],
    }


def _attachments(enclosures: Manager[Enclosure], store: AttachmentStore) -> list[dict[str, Any]]:
    return [
        {
            "code": row.code,
            "sha256": row.attachment.content_sha256,
            "sealed": row.attachment_id,
            "bytes": row.attachment.bytes,
            "media_type": row.attachment.media_type,
            "held": store.size(row.attachment_id) == row.attachment.sealed_bytes,
        }
        for row in enclosures.select_related("attachment")
    ]


def counts() -> dict[str, int]:
    """What still waits to be opened is held as well; its kind stands outside its seal."""
    unopened = Counter(
        ReceivedItem.objects.filter(to_open_at__isnull=False).values_list("kind", flat=True)
    )
    return {
        "terminals": Terminal.objects.count(),
        "applications": Application.objects.count() + unopened["application"],
        "attachments": Attachment.objects.count(),
        "attachment_bytes": Attachment.objects.aggregate(sum=Sum("bytes"))["sum"] or 0,
        "later_papers": LaterPapers.objects.count() + unopened["later_papers"],
        "ratings": Rating.objects.count() + unopened["rating"],
        "print_results": PrintResult.objects.count() + unopened["print_result"],
        "unopened": unopened.total(),
        "conflicts": SetAside.objects.filter(outcome=Outcome.CONFLICT).count(),
        "refused": SetAside.objects.filter(outcome=Outcome.REFUSED).count(),
        "broken_links": SetAside.objects.filter(outcome=Outcome.CHAIN).count(),
        "items_with_lost_attachments": AskedAgain.objects.count(),
        "queues_with_gaps": Queue.objects.filter(gap_since__isnull=False).count(),
    }


def utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
