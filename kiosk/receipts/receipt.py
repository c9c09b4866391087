"""A receipt as data, and as the lines of a printer.

The state is what was true when it was printed, never what is hoped for. The name is masked: the
paper is left lying about. Both languages are not printed; the one the citizen chose is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from drivers.receipt_printer.values import Align, Feed, Line, Pair, QrCode, Rule, Text
from kiosk.clock import local
from kiosk.receipts.number import grouped
from kiosk.words import Words

_APPLICANT: Final = "申请人"
_QUIET_LINES: Final = 1  # above the code: a scanner wants four modules (24 dots) of white around it


@dataclass(frozen=True, slots=True)
class Receipt:
    """`accepted_at` is UTC; it is printed in Asia/Shanghai.

    `kept`: what was kept of the first receipt (`kept_lines`), when it is printed again: the item
    may be described differently by now. `to_follow`: papers that are still to be handed in.
    """

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
    kept: tuple[tuple[str, str], ...] = ()
    to_follow: tuple[Words, ...] = ()
    follow_by: date | None = None  # the last day on which they may be handed in


@dataclass(frozen=True, slots=True)
class PapersReceipt:
    """Of papers handed in later, at `handed_in_at` (UTC), for the application `number`.

    `qr_text` "": the code can only be made where the application was made.
    """

    centre: Words
    terminal: str
    item: Words
    number: str
    qr_text: str
    name_masked: str
    papers: tuple[Words, ...]
    handed_in_at: datetime
    delivered: bool
    help_phone: str
    reprint: bool = False
    to_follow: tuple[Words, ...] = ()
    follow_by: date | None = None  # the last day on which they may be handed in


def kept_lines(
    item: str, name_masked: str, phone_masked: str, department: str, days: int
) -> tuple[tuple[str, str], ...]:
    """What a Chinese receipt says of the application, label and value. It is kept beside the sealed
    application, readable, to be printed again: nothing in it that is not masked."""
    return (
        ("事项", item),
        (_APPLICANT, name_masked),
        *((("手机", phone_masked),) if phone_masked else ()),
        ("办理部门", department),
        ("办理时限", f"{days}个工作日内"),
    )


def lines(receipt: Receipt, language: str) -> tuple[Line, ...]:
    """The receipt in `language` ("zh" or "en"; any other is printed in Chinese)."""
    return _english(receipt) if language == "en" else _chinese(receipt)


def papers_lines(receipt: PapersReceipt, language: str) -> tuple[Line, ...]:
    """The same of papers handed in later."""
    return _papers_english(receipt) if language == "en" else _papers_chinese(receipt)


def _chinese(receipt: Receipt) -> tuple[Line, ...]:
    state = "已受理，已上传" if receipt.delivered else "已受理，待上传"
    note = (
        "申请已送到中心。"
        if receipt.delivered
        else "申请已存在本机，没有丢。本机会自动上传，您不用重办。"
    )
    told = receipt.kept or kept_lines(
        receipt.item.get("zh"),
        receipt.name_masked,
        receipt.phone_masked,
        receipt.department.get("zh"),
        receipt.days,
    )
    return (
        Text(receipt.centre.get("zh"), Align.CENTRE, bold=True),
        Text("办件受理回执", Align.CENTRE, large=True, bold=True),
        *_copy_chinese(receipt.reprint),
        *_number("受理号", receipt.number),
        Text(state, Align.CENTRE, large=True, bold=True),
        Text(note),
        Rule(),
        *(Pair(label, value) for label, value in told),
        Pair("受理时间", f"{local(receipt.accepted_at):%Y-%m-%d %H:%M}"),
        *_to_follow_chinese(receipt.to_follow, receipt.follow_by),
        *_end_chinese(receipt.qr_text, receipt.help_phone, receipt.terminal),
    )


def _english(receipt: Receipt) -> tuple[Line, ...]:
    state = "Accepted and sent" if receipt.delivered else "Accepted, to be sent"
    note = (
        "The centre has your application."
        if receipt.delivered
        else "It is kept safely on this terminal and will be sent by itself. No need to apply again."
    )
    name = dict(receipt.kept).get(_APPLICANT, receipt.name_masked)
    return (
        Text(receipt.centre.get("en"), Align.CENTRE, bold=True),
        Text("Receipt", Align.CENTRE, large=True, bold=True),
        *_copy_english(receipt.reprint),
        *_number("Number", receipt.number),
        Text(state, Align.CENTRE, large=True, bold=True),
        Text(note),
        Rule(),
        Pair("Service", receipt.item.get("en")),
        Pair("Applicant", name),
        *((Pair("Phone", receipt.phone_masked),) if receipt.phone_masked else ()),
        Pair("Department", receipt.department.get("en")),
        Pair("Answer within", f"{receipt.days} working days"),
        Pair("Accepted", f"{local(receipt.accepted_at):%Y-%m-%d %H:%M}"),
        *_to_follow_english(receipt.to_follow, receipt.follow_by),
        *_end_english(receipt.qr_text, receipt.help_phone, receipt.terminal),
    )


def _papers_chinese(receipt: PapersReceipt) -> tuple[Line, ...]:
    state = "已收到，已上传" if receipt.delivered else "已收到，待上传"
    note = (
        "补交的材料已送到中心。"
        if receipt.delivered
        else "材料已存在本机，没有丢。本机会自动上传，您不用重交。"
    )
    return (
        Text(receipt.centre.get("zh"), Align.CENTRE, bold=True),
        Text("补交材料回执", Align.CENTRE, large=True, bold=True),
        *_copy_chinese(receipt.reprint),
        *_number("受理号", receipt.number),
        Text(state, Align.CENTRE, large=True, bold=True),
        Text(note),
        Rule(),
        Pair("事项", receipt.item.get("zh")),
        Pair(_APPLICANT, receipt.name_masked),
        *(Pair("补交材料", paper.get("zh")) for paper in receipt.papers),
        Pair("补交时间", f"{local(receipt.handed_in_at):%Y-%m-%d %H:%M}"),
        *_to_follow_chinese(receipt.to_follow, receipt.follow_by),
        *_end_chinese(receipt.qr_text, receipt.help_phone, receipt.terminal),
    )


def _papers_english(receipt: PapersReceipt) -> tuple[Line, ...]:
    state = "Received and sent" if receipt.delivered else "Received, to be sent"
    note = (
        "The centre has your papers."
        if receipt.delivered
        else "They are kept safely on this terminal and will be sent by themselves. No need to hand them in again."
    )
    return (
        Text(receipt.centre.get("en"), Align.CENTRE, bold=True),
        Text("Papers received", Align.CENTRE, large=True, bold=True),
        *_copy_english(receipt.reprint),
        *_number("Number", receipt.number),
        Text(state, Align.CENTRE, large=True, bold=True),
        Text(note),
        Rule(),
        Pair("Service", receipt.item.get("en")),
        Pair("Applicant", receipt.name_masked),
        *(Pair("Paper", paper.get("en")) for paper in receipt.papers),
        Pair("Handed in", f"{local(receipt.handed_in_at):%Y-%m-%d %H:%M}"),
        *_to_follow_english(receipt.to_follow, receipt.follow_by),
        *_end_english(receipt.qr_text, receipt.help_phone, receipt.terminal),
    )


# -- what all of them say -----------------------------------------------------------


def _copy_chinese(reprint: bool) -> tuple[Line, ...]:
    return (Text("（补打）", Align.CENTRE, bold=True),) if reprint else ()


def _copy_english(reprint: bool) -> tuple[Line, ...]:
    return (Text("(copy 补打)", Align.CENTRE, bold=True),) if reprint else ()


def _number(label: str, number: str) -> tuple[Line, ...]:
    return (
        Rule(),
        Text(label, Align.CENTRE),
        Text(grouped(number), Align.CENTRE, large=True, bold=True),
    )


def _to_follow_chinese(papers: tuple[Words, ...], by: date | None) -> tuple[Line, ...]:
    if not papers:
        return ()
    until = f"最晚{by:%Y-%m-%d}，" if by else ""
    return (
        Rule(),
        Text(f"还要补交：{'、'.join(paper.get('zh') for paper in papers)}", bold=True),
        Text(f"请带身份证和材料，{until}到本机或任一联网的自助终端，选同一事项补交。"),
        Rule(),
    )


def _to_follow_english(papers: tuple[Words, ...], by: date | None) -> tuple[Line, ...]:
    if not papers:
        return ()
    until = f" by {by:%Y-%m-%d} at the latest," if by else ""
    return (
        Rule(),
        Text(f"Still to hand in: {', '.join(paper.get('en') for paper in papers)}", bold=True),
        Text(
            f"Bring it and your ID card to this terminal, or to any that is online,{until}"
            " and choose the same service."
        ),
        Rule(),
    )


def _end_chinese(qr_text: str, help_phone: str, terminal: str) -> tuple[Line, ...]:
    return (
        *_code(qr_text, "在任一自助终端扫码查进度", "查进度请扫第一张回执上的码"),
        Text(f"咨询电话 {help_phone}", Align.CENTRE, large=True),
        Text(f"终端 {terminal}", Align.CENTRE),
        Feed(3),
    )


def _end_english(qr_text: str, help_phone: str, terminal: str) -> tuple[Line, ...]:
    return (
        *_code(
            qr_text,
            "Scan at any terminal to see progress",
            "To see progress, scan the code on your first receipt",
        ),
        Text(f"Help {help_phone}", Align.CENTRE, large=True),
        Text(f"Terminal {terminal}", Align.CENTRE),
        Feed(3),
    )


def _code(qr_text: str, words: str, without: str) -> tuple[Line, ...]:
    if not qr_text:
        return (Text(without, Align.CENTRE),)
    return (Text(words, Align.CENTRE), Feed(_QUIET_LINES), QrCode(qr_text))
