"""What nobody needs any more: attachments that no item ever named, uploads that were left.

Deleting is safe: an item that names an attachment later is told that it is missing, and the
terminal sends it again.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from hub.applications.blobs import AttachmentStore, attachment_store
from hub.applications.models import Attachment, Enclosure, ReceivedItem, named
from hub.applications.uploads import tidy_parts
from hub.applications.verdicts import TAKEN
from hub.background import Background
from hub.pickups.keeping import erase_expired

UNNAMED_LIFE_D = 30  # its item comes next on the line; a line may be dead for weeks in between
AT_ONCE = 500
FIRST_AFTER_S = 60.0  # and how often scans that nobody fetched are erased

log = logging.getLogger("hub.tidying")


@dataclass(frozen=True, slots=True)
class Tidied:
    attachments: int
    parts: int


def tidy(store: AttachmentStore, incoming: Path) -> Tidied:
    old = timezone.now() - timedelta(days=UNNAMED_LIFE_D)
    wanted = _named_by_what_is_not_opened()
    names = (
        Attachment.objects.filter(received_at__lt=old, enclosures=None)
        .order_by("received_at")
        .values_list("pk", flat=True)[: AT_ONCE + len(wanted)]
    )
    done = sum(_deleted(name, store) for name in list(names) if name not in wanted)
    return Tidied(done, tidy_parts(incoming))


def _named_by_what_is_not_opened() -> set[str]:
    """By items that wait to be opened, or could not be taken: there are few."""
    refused = Q(verdict__isnull=False) & ~Q(verdict__result=TAKEN)
    items = ReceivedItem.objects.filter(Q(to_open_at__isnull=False) | refused)
    found = items.exclude(attachments=b"").values_list("attachments", flat=True)
    return {name for attachments in found for name in named(bytes(attachments))}


def _deleted(name: str, store: AttachmentStore) -> bool:
    """The row is held while the bytes go: an item that names it just now waits, and finds it gone."""
    with transaction.atomic():
        row = Attachment.objects.select_for_update().filter(pk=name).first()
        if row is None or Enclosure.objects.filter(attachment_id=name).exists():
            return False
        store.delete(name)
        row.delete()
    return True


class Tidier:
    """Scans that nobody fetched go every minute, the rest every `every_s`."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._last_s = -math.inf

    @property
    def looks_every_s(self) -> float:
        return min(FIRST_AFTER_S, self._every_s)

    def turn(self) -> float:
        erase_expired()
        if time.monotonic() - self._last_s >= self._every_s:
            self._last_s = time.monotonic()
            done = tidy(attachment_store(), settings.INCOMING)
            if done.attachments or done.parts:
                log.info("tidied attachments=%d parts=%d", done.attachments, done.parts)
        return self.looks_every_s


def tidying(every_s: float) -> Background:
    """Tidies every so often while the hub serves."""
    tidier = Tidier(every_s)
    wait_s = tidier.looks_every_s
    return Background("tidying", tidier.turn, trouble_s=wait_s, first_after_s=wait_s)
