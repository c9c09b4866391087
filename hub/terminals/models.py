"""The terminals the hub knows, and how they became known."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from hub.numbers import TERMINAL_PATTERN


class Terminal(models.Model):
    code = models.CharField(
        "终端编号",
        max_length=4,
        primary_key=True,
        validators=[RegexValidator(TERMINAL_PATTERN, "四位大写字母或数字，如 QS01")],
    )
    name = models.CharField("安装地点", max_length=100, blank=True)
    created_at = models.DateTimeField("建档时间", auto_now_add=True)
    enrolled_at = models.DateTimeField("登记时间", null=True, editable=False)
    software = models.CharField("软件版本", max_length=64, blank=True, editable=False)
    # SHA-256 of a token of 256 random bits: nothing to guess, so no slow hash is needed.
    token_digest = models.CharField(max_length=64, null=True, unique=True, editable=False)
    last_contact = models.DateTimeField("最近联系", null=True, editable=False)
    last_epoch = models.CharField(max_length=64, blank=True, editable=False)
    last_seq = models.BigIntegerField(null=True, editable=False)
    disabled_at = models.DateTimeField("停用时间", null=True, editable=False)

    class Meta:
        verbose_name = "终端"
        verbose_name_plural = "终端"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()


class TerminalKey(models.Model):
    """A device's signing key. Old ones are kept: receipts printed before a re-enrolment stay
    valid."""

    terminal = models.ForeignKey(Terminal, models.PROTECT, related_name="keys")
    public_key = models.CharField(max_length=44)  # base64 of 32 raw Ed25519 bytes
    registered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["terminal", "public_key"], name="key_once_a_terminal")
        ]


class EnrolmentCode(models.Model):
    """A one-time code, hashed."""

    terminal = models.ForeignKey(Terminal, models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    made_by = models.CharField(max_length=150, blank=True)
