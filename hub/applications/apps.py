from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from hub.applications.tables import know_arrays


class ApplicationsConfig(AppConfig):
    name = "hub.applications"
    verbose_name = "办件"

    def ready(self) -> None:
        connection_created.connect(know_arrays, dispatch_uid="hub.applications.tables")
