"""A receipt as data, and as the lines of a printer.

The state is what was true when it was printed, never what is hoped for. The name is masked: the
paper is left lying about. Both languages are not printed; the one the citizen chose is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from drivers.receipt_printer.values import Align, Feed, Line, Pair, QrCode, Rule, Text
from kiosk.clock import local
from kiosk.receipts.number import grouped
from kiosk.words import Words

_QUIET_LINES: Final = 1  # above the code: a scanner wants four modules (24 dots) of white around it


@dataclass(frozen=True, slots=True)
class Receipt:
    """`accepted_at` is UTC; it is printed in Asia/Shanghai."""

    centre: Words
    terminal: str
    item: Words
    number: str
    qr_text: str
    name_masked: str
    phone_masked: str
    accepted_at: datetime
    delivered: bool
    department: Words
    days: int
    help_phone: str
    reprint: bool = False


def lines(receipt: Receipt, language: str) -> tuple[Line, ...]:
    """The receipt in `language` ("zh" or "en"; any other is printed in Chinese)."""
    return _english(receipt) if language == "en" else _chinese(receipt)


def _chinese(receipt: Receipt) -> tuple[Line, ...]:
    state = "已受理，已上传" if receipt.delivered else "已受理，待上传"
    note = (
        "申请已送到中心。"
        if receipt.delivered
        else "申请已存在本机，没有丢。本机会自动上传，您不用重办。"
    )
    return (
        Text(receipt.centre.get("zh"), Align.CENTRE, bold=True),
        Text("办件受理回执", Align.CENTRE, large=True, bold=True),
        *((Text("（补打）", Align.CENTRE, bold=True),) if receipt.reprint else ()),
        Rule(),
        Text("受理号", Align.CENTRE),
        Text(grouped(receipt.number), Align.CENTRE, large=True, bold=True),
        Text(state, Align.CENTRE, large=True, bold=True),
        Text(note),
        Rule(),
        Pair("事项", receipt.item.get("zh")),
        Pair("申请人", receipt.name_masked),
        *((Pair("手机", receipt.phone_masked),) if receipt.phone_masked else ()),
        Pair("受理时间", f"{local(receipt.accepted_at):%Y-%m-%d %H:%M}"),
        Pair("办理部门", receipt.department.get("zh")),
        Pair("办理时限", f"{receipt.days}个工作日内"),
        Text("在任一自助终端扫码查进度", Align.CENTRE),
        Feed(_QUIET_LINES),
        QrCode(receipt.qr_text),
        Text(f"咨询电话 {receipt.help_phone}", Align.CENTRE, large=True),
        Text(f"终端 {receipt.terminal}", Align.CENTRE),
        Feed(3),
    )


def _english(receipt: Receipt) -> tuple[Line, ...]:
    state = "Accepted and sent" if receipt.delivered else "Accepted, to be sent"
    note = (
        "The centre has your application."
        if receipt.delivered
        else "It is kept safely on this terminal and will be sent by itself. No need to apply again."
    )
    return (
        Text(receipt.centre.get("en"), Align.CENTRE, bold=True),
        Text("Receipt", Align.CENTRE, large=True, bold=True),
        *((Text("(copy 补打)", Align.CENTRE, bold=True),) if receipt.reprint else ()),
        Rule(),
        Text("Number", Align.CENTRE),
        Text(grouped(receipt.number), Align.CENTRE, large=True, bold=True),
        Text(state, Align.CENTRE, large=True, bold=True),
        Text(note),
        Rule(),
        Pair("Service", receipt.item.get("en")),
        Pair("Applicant", receipt.name_masked),
        *((Pair("Phone", receipt.phone_masked),) if receipt.phone_masked else ()),
        Pair("Accepted", f"{local(receipt.accepted_at):%Y-%m-%d %H:%M}"),
        Pair("Department", receipt.department.get("en")),
        Pair("Answer within", f"{receipt.days} working days"),
        Text("Scan at any terminal to see progress", Align.CENTRE),
        Feed(_QUIET_LINES),
        QrCode(receipt.qr_text),
        Text(f"Help {receipt.help_phone}", Align.CENTRE, large=True),
        Text(f"Terminal {receipt.terminal}", Align.CENTRE),
        Feed(3),
    )
