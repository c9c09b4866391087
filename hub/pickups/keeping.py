"""Keeping a sealed scan for its one fetch, ten minutes at most."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from hub.pickups.models import Pickup

NAME_PATTERN = r"[A-Za-z0-9_-]{22}"  # 16 random bytes, base64url
LIFE_S = 600  # to find the phone and point it at the screen, twice over
WAITING_MAX = 12  # of one terminal: one person a minute, and none of them comes


class PickupFault(StrEnum):
    TOO_MANY = "too_many"
    TAKEN = "taken"  # another content has this name


class PickupState(StrEnum):
    WAITING = "waiting"
    FETCHED = "fetched"
    GONE = "gone"


def keep(terminal: str, name: str, sealed: bytes, replaces: str = "") -> datetime | PickupFault:
    """Until when it is kept. The same content again is the answer that was lost on its way.

    `replaces`: a scan of the same terminal that is not to be had from now on.
    """
    now = timezone.now()
    digest = hashlib.sha256(sealed).hexdigest()
    with transaction.atomic():
        Pickup.objects.filter(expires_at__lte=now).delete()
        if replaces and replaces != name:
            Pickup.objects.filter(pk=replaces, terminal_id=terminal).delete()
        there = Pickup.objects.select_for_update().filter(pk=name).first()
        if there is not None:
            same = (there.terminal_id, there.sha256) == (terminal, digest)
            return there.expires_at if same else PickupFault.TAKEN
        waiting = Pickup.objects.filter(terminal_id=terminal, fetched_at=None).count()
        if waiting >= WAITING_MAX:
            return PickupFault.TOO_MANY
        expires_at = now + timedelta(seconds=LIFE_S)
        Pickup.objects.create(
            name=name, terminal_id=terminal, sealed=sealed, sha256=digest, expires_at=expires_at
        )
    return expires_at


def state(terminal: str, name: str) -> PickupState:
    """As its own terminal may know it."""
    row = Pickup.objects.filter(
        pk=name, terminal_id=terminal, expires_at__gt=timezone.now()
    ).values_list("fetched_at")
    found = row.first()
    if found is None:
        return PickupState.GONE
    return PickupState.WAITING if found[0] is None else PickupState.FETCHED


def fetch(name: str) -> bytes | None:
    """The sealed scan, to the first who asks; None to everybody else."""
    now = timezone.now()
    with transaction.atomic():
        row = (
            Pickup.objects.select_for_update()
            .filter(pk=name, fetched_at=None, expires_at__gt=now)
            .first()
        )
        if row is None:
            return None
        sealed = bytes(row.sealed)
        row.sealed, row.fetched_at = b"", now
        row.save(update_fields=["sealed", "fetched_at"])
    return sealed


def erase_expired() -> int:
    """How many there were."""
    return Pickup.objects.filter(expires_at__lte=timezone.now()).delete()[0]
