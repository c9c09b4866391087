"""A hub that is brought up to date keeps what it holds."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("applications", "0003_asked_again")]
AFTER = [("applications", "0004_items_by_queue")]


def _migrated(to: list[tuple[str, str]]) -> Any:
    """The models as they are there."""
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return MigrationExecutor(connection).loader.project_state(to).apps


def test_items_find_their_queue_and_keep_their_hash() -> None:
    now = timezone.now()
    old = _migrated(BEFORE)
    old.get_model("terminals", "Terminal").objects.create(code="QS01", created_at=now)
    queues = [
        old.get_model("applications", "Queue").objects.create(
            terminal_id="QS01", epoch=epoch, first_at=now, last_at=now
        )
        for epoch in ("first", "second")
    ]
    sealed = {uuid.uuid4(): f"sealed {seq}".encode() for seq in range(1, 5)}
    for seq, (item_id, content) in enumerate(sealed.items(), 1):
        old.get_model("applications", "ReceivedItem").objects.create(
            id=item_id, terminal_id="QS01", epoch=queues[seq % 2].epoch, seq=seq, kind="rating",
            order_key="QS01202611220001", created_at=now, received_at=now, chain=bytes(32),
            sha256=hashlib.sha256(content).hexdigest(), sealed=content,
        )  # fmt: skip

    new = _migrated(AFTER)

    rows = new.get_model("applications", "ReceivedItem").objects.order_by("seq")
    assert [row.queue.epoch for row in rows] == ["second", "first", "second", "first"]
    assert [row.queue.terminal_id for row in rows] == ["QS01"] * 4
    assert {row.id: bytes(row.sealed) for row in rows} == sealed
    assert all(bytes(row.sha256) == hashlib.sha256(row.sealed).digest() for row in rows)
    rows.delete()
