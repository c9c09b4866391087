"""What became of each try to give a social card a new password. No password, and nobody's number."""

from __future__ import annotations

from django.db import models

from hub.terminals.models import Terminal


class Outcome(models.TextChoices):
    OPEN = "open", "进行中"
    CHANGED = "changed", "已改好"
    REFUSED = "refused", "没有改"
    BROKEN_OFF = "broken_off", "中途停止"


class CardState(models.TextChoices):
    """What the terminal knows of the card when it breaks off."""

    NOT_TOLD = "", "—"
    CHANGED = "changed", "已改"
    NOT_CHANGED = "not_changed", "没改"
    UNKNOWN = "unknown", "不确定"


class CardDialogue(models.Model):
    terminal = models.ForeignKey(Terminal, models.PROTECT, verbose_name="终端", related_name="+")
    dialogue = models.CharField("查询号", max_length=32)
    begun_at = models.DateTimeField("开始")
    heard_at = models.DateTimeField("最近")
    name_masked = models.CharField("持卡人", max_length=64)
    number_masked = models.CharField("证件号码", max_length=32)
    region = models.CharField("统筹区", max_length=6, blank=True)
    outcome = models.CharField("结果", max_length=16, choices=Outcome, default=Outcome.OPEN)
    card_state = models.CharField("卡的状态", max_length=16, choices=CardState, blank=True)
    code = models.CharField("原因", max_length=32, blank=True)
    # A keyed hash of card and day, where the card was spoken to: how often today, and no more.
    card_day = models.CharField(max_length=64, blank=True)
    # For as long as it runs: what was asked last and what was said, so that a repeat is harmless.
    step = models.IntegerField(default=0)
    seal_sha256 = models.CharField(max_length=64)
    asked_sha256 = models.CharField(max_length=64)
    answer = models.JSONField(default=dict)
    memory = models.TextField(blank=True)

    class Meta:
        verbose_name = "社保卡密码重置"
        verbose_name_plural = "社保卡密码重置"
        ordering = ["-begun_at"]
        constraints = [
            models.UniqueConstraint(fields=["terminal", "dialogue"], name="one_dialogue_an_id")
        ]
        indexes = [models.Index(fields=["card_day"], name="card_day")]

    def __str__(self) -> str:
        return self.dialogue[:8]
