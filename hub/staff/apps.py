from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StaffConfig(AppConfig):
    name = "hub.staff"
    verbose_name = "工作人员"


class StaffSiteConfig(AdminConfig):
    default_site = "hub.staff.site.StaffSite"
