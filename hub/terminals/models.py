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
    last_contact = models.DateTimeField("最近联系", null=True, editable=False)
    disabled_at = models.DateTimeField("停用时间", null=True, editable=False)
    # The highest number of a verdict on its items; what it has seen, it says itself.
    verdict_no = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = "终端"
        verbose_name_plural = "终端"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()


class TerminalCertificate(models.Model):
    """A certificate that was issued: who may speak for a terminal, until when, and who no more."""

    fingerprint = models.CharField("指纹", max_length=64, primary_key=True)  # SHA-256 of its DER
    terminal = models.ForeignKey(Terminal, models.PROTECT, related_name="certificates")
    issued_at = models.DateTimeField("签发时间")
    not_after = models.DateTimeField("到期时间")
    revoked_at = models.DateTimeField("吊销时间", null=True)

    class Meta:
        verbose_name = "终端证书"
        ordering = ["-not_after"]


class TerminalKey(models.Model):
    """A device's key for signing receipts. Old ones are kept: receipts printed before a re-enrolment stay
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
    # Whose key it was spent for: the same terminal may ask again when the answer was lost.
    used_for = models.CharField(max_length=64, blank=True)
    made_by = models.CharField(max_length=150, blank=True)


class TerminalDevice(models.Model):
    """A device of a terminal as it was last told: what has stood for some seconds there."""

    terminal = models.ForeignKey(Terminal, models.CASCADE, related_name="devices")
    device = models.CharField("设备", max_length=32)
    status = models.CharField("状态", max_length=32)
    reason = models.CharField("原因", max_length=200, blank=True)
    since = models.DateTimeField("从何时起")
    model = models.CharField("型号", max_length=100, blank=True)
    serial = models.CharField("序列号", max_length=100, blank=True)
    told_at = models.DateTimeField("收到时间")

    class Meta:
        verbose_name = "设备"
        ordering = ["device"]
        constraints = [
            models.UniqueConstraint(fields=["terminal", "device"], name="device_once_a_terminal")
        ]


class DeviceChange(models.Model):
    """One change of a device: the newest of each terminal are kept (`hub/terminals/devices.py`)."""

    terminal = models.ForeignKey(Terminal, models.CASCADE, related_name="device_changes")
    device = models.CharField("设备", max_length=32)
    status = models.CharField("状态", max_length=32)
    reason = models.CharField("原因", max_length=200, blank=True)
    since = models.DateTimeField("从何时起")

    class Meta:
        verbose_name = "设备变化"
        ordering = ["-id"]
