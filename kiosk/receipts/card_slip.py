"""The paper about a social card's new password: what became of it, and where to ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from drivers.receipt_printer.values import Align, Feed, Line, Pair, Rule, Text
from kiosk.card_dialogue import CardChange
from kiosk.clock import local
from kiosk.words import Words


@dataclass(frozen=True, slots=True)
class CardSlip:
    """`at` is UTC; it is printed in Asia/Shanghai."""

    centre: Words
    terminal: str
    item: Words
    name_masked: str
    at: datetime
    reference: str
    change: CardChange
    help_phone: str


STATES: Final = {
    CardChange.CHANGED: ("密码已改好", "Password changed"),
    CardChange.NOT_CHANGED: ("密码没有改", "Password not changed"),
    CardChange.UNKNOWN: ("不确定改好没有", "Not known whether changed"),
}
NOTES: Final = {
    CardChange.CHANGED: ("请用新密码。不要把密码写在卡上或纸上。", "Use the new password. Do not write it down."),
    CardChange.NOT_CHANGED: ("原来的密码照旧。请带卡和身份证到社保窗口办。", "The old password stands. Take card and ID card to the counter."),
    CardChange.UNKNOWN: ("请再办一次，或带卡和身份证到社保窗口。", "Try once more, or take card and ID card to the counter."),
}  # fmt: skip


def lines(slip: CardSlip, language: str) -> tuple[Line, ...]:
    """The slip in `language` ("zh" or "en"; any other is printed in Chinese)."""
    english = language == "en"
    code = "en" if english else "zh"
    title = "Social security card" if english else "社保卡密码重置凭条"
    names = (
        ("Service", "Holder", "Time", "Terminal") if english else ("事项", "持卡人", "时间", "终端")
    )
    reference = "Reference" if english else "查询号"
    help_words = f"Help {slip.help_phone}" if english else f"咨询电话 {slip.help_phone}"
    return (
        Text(slip.centre.get(code), Align.CENTRE, bold=True),
        Text(title, Align.CENTRE, large=True, bold=True),
        Rule(),
        Text(STATES[slip.change][english], Align.CENTRE, large=True, bold=True),
        Text(NOTES[slip.change][english]),
        Rule(),
        Pair(names[0], slip.item.get(code)),
        Pair(names[1], slip.name_masked),
        Pair(names[2], f"{local(slip.at):%Y-%m-%d %H:%M}"),
        Pair(names[3], slip.terminal),
        Text(reference, Align.CENTRE),
        Text(f"{slip.reference[:4]} {slip.reference[4:]}", Align.CENTRE, large=True, bold=True),
        Text(help_words, Align.CENTRE, large=True),
        Feed(3),
    )
