"""People who work at the centre."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    must_change_password = models.BooleanField(
        "首次登录须改密码",
        default=False,
        help_text="由他人设定的密码只用一次：登录后先设自己的密码。",
    )

    class Meta(AbstractUser.Meta):
        verbose_name = "工作人员"
        verbose_name_plural = "工作人员"

    def get_full_name(self) -> str:
        """Family name first, nothing between."""
        return f"{self.last_name}{self.first_name}".strip()
