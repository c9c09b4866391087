from __future__ import annotations

from django.apps import AppConfig


class CardsConfig(AppConfig):
    name = "hub.cards"
    verbose_name = "社保卡"
