"""One receipt of every template, of a made-up person, for technicians, tests and measuring."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from drivers.receipt_printer.values import Align, Feed, Line, Pair, QrCode, Rule, Text
from kiosk.receipts import number
from kiosk.receipts.receipt import PapersReceipt, Receipt, lines, papers_lines
from kiosk.words import Words

_AT: Final = datetime(2026, 11, 22, 2, 37, tzinfo=UTC)
_NUMBER: Final = number.make("QS01", 37, _AT)

ACCEPTED: Final = Receipt(
    centre=Words((("zh", "清水镇便民服务中心"), ("en", "Qingshui Town Service Centre"))),
    terminal="01",
    item=Words((("zh", "高龄津贴申领"), ("en", "Old-age allowance"))),
    number=_NUMBER,
    qr_text=number.qr_text(_NUMBER, bytes(range(64))),
    name_masked="张*兰",
    phone_masked="138****0001",
    accepted_at=_AT,
    delivered=False,
    department=Words((("zh", "清水镇民政办公室"), ("en", "Qingshui Town Civil Affairs Office"))),
    days=15,
    help_phone="12345",
)

_PAPER: Final = Words((("zh", "户口簿本人页"), ("en", "Household register page")))

PAPERS: Final = PapersReceipt(
    centre=ACCEPTED.centre,
    terminal=ACCEPTED.terminal,
    item=ACCEPTED.item,
    number=ACCEPTED.number,
    qr_text=ACCEPTED.qr_text,
    name_masked=ACCEPTED.name_masked,
    papers=(_PAPER,),
    handed_in_at=_AT,
    delivered=False,
    help_phone=ACCEPTED.help_phone,
)

NAMES: Final = (
    "accepted", "delivered", "reprint", "to_follow", "papers", "papers_elsewhere", "rare_name",
    "test",
)  # fmt: skip


def sample(name: str, language: str, paper_mm: int) -> tuple[Line, ...] | None:
    """The sample's lines; None when there is none of that name."""
    match name:
        case "accepted":
            return lines(ACCEPTED, language)
        case "delivered":
            return lines(replace(ACCEPTED, delivered=True), language)
        case "reprint":
            return lines(replace(ACCEPTED, reprint=True), language)
        case "to_follow":
            return lines(
                replace(ACCEPTED, to_follow=(_PAPER,), follow_by=date(2026, 12, 22)), language
            )
        case "papers":
            return papers_lines(PAPERS, language)
        case "papers_elsewhere":  # for an application of another terminal: without a code
            return papers_lines(replace(PAPERS, qr_text="", delivered=True), language)
        case "rare_name":  # none of these three is in a printer's font
            return lines(replace(ACCEPTED, name_masked="䶮*㛃𬭎"), language)
        case "test":
            return _test_page(paper_mm)
        case _:
            return None


def _test_page(paper_mm: int) -> tuple[Line, ...]:
    """What a technician looks at: widths, sizes, both kinds of character, a code, the cut."""
    columns = {58: 32, 80: 48}[paper_mm]
    return (
        Text("打印测试 Test print", Align.CENTRE, large=True),
        Rule(),
        Text("0123456789" * (columns // 10) + "0123456789"[: columns % 10]),
        Text("中" * (columns // 2)),
        Pair("左 left", "右 right"),
        Text("粗体 bold", bold=True),
        Text("大字 large", large=True),
        Text("字库外的字：䶮 㛃 𬭎"),
        Text("靠右 right", Align.RIGHT),
        Feed(1),
        QrCode("ZW1.TEST"),
        Text("以上四边完整、二维码可扫、已切纸", Align.CENTRE),
        Feed(2),
    )
