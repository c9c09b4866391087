"""Scans that wait for their owner's phone. Sealed by the terminal: the key is never here."""

from __future__ import annotations

from django.db import models


class Pickup(models.Model):
    """`sealed` is emptied by the one fetch; the row goes when its time is over."""

    name = models.CharField(max_length=22, primary_key=True)
    terminal = models.ForeignKey("terminals.Terminal", models.CASCADE, related_name="pickups")
    sealed = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)
    fetched_at = models.DateTimeField(null=True)
