"""Failed attempts, counted: nobody tries codes or passwords by the thousand."""

from __future__ import annotations

from django.db import models


class FailedAttempt(models.Model):
    kind = models.CharField(max_length=16)
    key = models.CharField(max_length=64)  # a digest: no address or user name is kept
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kind", "key", "at"], name="guard_attempt")]
