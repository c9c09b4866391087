"""What was not taken, or not as it should have come: kept for staff, counted when it comes again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.applications import tables
from hub.applications.models import Outcome, SetAside
from hub.applications.wire import clean


@dataclass(frozen=True, slots=True)
class Kept:
    """An item as far as it could be read, and where it came from."""

    terminal: str
    epoch: str
    outline: dict[str, Any] = field(repr=False)
    sealed: bytes = field(repr=False)
    item_id: UUID | None = None
    seq: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What an item collides with."""

    id: UUID
    sha256: str


@dataclass(frozen=True, slots=True)
class Why:
    outcome: Outcome
    code: str
    text: str
    held: Held | None = None


def set_aside(kept: Kept, why: Why, now: datetime) -> None:
    held = why.held
    raw = tables.json_text(kept.outline)
    fingerprint = hashlib.sha256(f"{kept.epoch}\n{raw}\n".encode() + kept.sealed).hexdigest()
    row, new = SetAside.objects.get_or_create(
        terminal_id=kept.terminal,
        fingerprint=fingerprint,
        outcome=why.outcome,
        code=why.code,
        defaults={
            "text": clean(why.text, 300),
            "item_id": clean(str(kept.item_id or kept.outline.get("id", "")), 64),
            "epoch": kept.epoch,
            "seq": kept.seq,
            "kind": clean(str(kept.outline.get("kind", "")), 24),
            "sha256": kept.sha256,
            "held_id": held.id if held else None,
            "held_sha256": held.sha256 if held else "",
            "raw": raw,
            "sealed": kept.sealed,
            "first_at": now,
            "last_at": now,
        },
    )
    if not new:
        SetAside.objects.filter(pk=row.pk).update(last_at=now, times=row.times + 1)
