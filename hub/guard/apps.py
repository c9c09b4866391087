from __future__ import annotations

from django.apps import AppConfig


class GuardConfig(AppConfig):
    name = "hub.guard"
    verbose_name = "防护"
