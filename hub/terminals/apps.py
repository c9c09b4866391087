from __future__ import annotations

from django.apps import AppConfig


class TerminalsConfig(AppConfig):
    name = "hub.terminals"
    verbose_name = "终端"
