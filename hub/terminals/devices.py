"""What the devices of a terminal are, as the terminal told: the newest state and a short history.

A device or a status that this hub has no words for yet is kept and shown by its code, so that a
newer terminal is never turned away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from hub.terminals.models import DeviceChange, Terminal, TerminalDevice

CHANGES_KEPT = 200  # of one terminal: months of a good one, a day of one with a loose plug

DEVICE_WORDS = {
    "id_reader": "身份证读卡器",
    "card_reader": "社保卡读卡器",
    "document_camera": "高拍仪",
    "code_scanner": "扫码器",
    "receipt_printer": "回执打印机",
    "page_printer": "A4打印机",
    "keypad": "评价器",
    "io_board": "指示灯板",
    "voice": "语音",
}
GOOD, NOW, TROUBLE, QUIET = "good", "now", "trouble", "quiet"
STATUS_WORDS = {
    "not_installed": (QUIET, "没有安装"),
    "disconnected": (TROUBLE, "连接断开"),
    "powered_off": (TROUBLE, "没有回应，可能没通电"),
    "starting": (NOW, "正在启动"),
    "ready": (GOOD, "正常"),
    "busy": (GOOD, "正在使用"),
    "person_in_the_way": (GOOD, "正在使用"),
    "low": (NOW, "纸快用完"),
    "out": (TROUBLE, "没有纸"),
    "jammed": (TROUBLE, "卡住"),
    "cover_open": (TROUBLE, "盖子开着"),
    "broken": (TROUBLE, "故障"),
    "unknown": (NOW, "情况不明"),
}
IN_TROUBLE = frozenset(code for code, (kind, _) in STATUS_WORDS.items() if kind == TROUBLE)


@dataclass(frozen=True, slots=True)
class Told:
    """One device, as a terminal tells of it."""

    device: str
    status: str
    reason: str
    since: datetime
    model: str
    serial: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One device, or one change of it, in the words of staff."""

    name: str
    kind: str  # colour: good, now, trouble, quiet
    words: str
    reason: str
    since: datetime
    model: str = ""
    serial: str = ""


def take(terminal: Terminal, told: Sequence[Told]) -> None:
    """Keep what a terminal tells of all its devices; those it no longer names are forgotten."""
    now = timezone.now()
    with transaction.atomic():
        before = {row.device: row for row in terminal.devices.select_for_update()}
        changes = []
        for one in told:
            row = before.pop(one.device, None) or TerminalDevice(
                terminal=terminal, device=one.device, since=one.since
            )
            if (row.status, row.reason) != (one.status, one.reason):
                changes.append(
                    DeviceChange(
                        terminal=terminal,
                        device=one.device,
                        status=one.status,
                        reason=one.reason,
                        since=one.since,
                    )
                )
                row.since = one.since
            row.status, row.reason, row.told_at = one.status, one.reason, now
            row.model, row.serial = one.model, one.serial
            row.save()
        TerminalDevice.objects.filter(pk__in=[row.pk for row in before.values()]).delete()
        DeviceChange.objects.bulk_create(changes)
        if changes:
            _forget_old(terminal)


def _forget_old(terminal: Terminal) -> None:
    oldest = terminal.device_changes.values_list("pk", flat=True)[CHANGES_KEPT - 1 : CHANGES_KEPT]
    for pk in oldest:
        terminal.device_changes.filter(pk__lt=pk).delete()


def shown(row: TerminalDevice | DeviceChange) -> Shown:
    kind, words = STATUS_WORDS.get(row.status, (QUIET, row.status))
    return Shown(
        name=DEVICE_WORDS.get(row.device, row.device),
        kind=kind,
        words=words,
        reason=row.reason,
        since=timezone.localtime(row.since),
        model=getattr(row, "model", ""),
        serial=getattr(row, "serial", ""),
    )
