from __future__ import annotations

from django.apps import AppConfig


class PickupsConfig(AppConfig):
    name = "hub.pickups"
    verbose_name = "扫描件"
