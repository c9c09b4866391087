"""Draws the forms that ship to be printed empty: python deploy/blank_forms.py

Black and white at 300 dots an inch, so that every printer prints them alike and no font need be
embedded. A region replaces them by its own PDFs of the same name.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import img2pdf
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parents[1] / "kiosk" / "catalogue" / "packages" / "blanks"
DPI = 300
A4_MM = (210, 297)
LEFT_MM, RIGHT_MM, TOP_MM = 22.0, 188.0, 24.0
LINE_MM = 11.0  # to write in by hand, with old eyes


def px(mm: float) -> int:
    return round(mm / 25.4 * DPI)


def font(family: str, points: float) -> ImageFont.FreeTypeFont:
    found = subprocess.run(  # noqa: S603
        ["fc-match", "-f", "%{file}\t%{index}", family],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    path, index = found.split("\t")
    return ImageFont.truetype(path, round(points / 72 * DPI), index=int(index))


HEAD = font("Noto Sans CJK SC:bold", 22)
BODY = font("Noto Serif CJK SC", 14)
NOTE = font("Noto Serif CJK SC", 11)


class Form:
    """One sheet, filled from the top."""

    def __init__(self, title: str) -> None:
        self.picture = Image.new("L", (px(A4_MM[0]), px(A4_MM[1])), 255)
        self.pen = ImageDraw.Draw(self.picture)
        self.y = TOP_MM
        self.pen.text((px(A4_MM[0] / 2), px(self.y)), title, 0, HEAD, anchor="mt")
        self.y += 20

    def fields(self, *parts: tuple[str, float]) -> None:
        """Labels on one line, each with a rule to write on up to a share of the width."""
        x, width = LEFT_MM, RIGHT_MM - LEFT_MM
        for label, share in parts:
            end = LEFT_MM + width * share
            self.pen.text((px(x), px(self.y)), label, 0, BODY, anchor="ls")
            x += self.pen.textlength(label, BODY) / DPI * 25.4 + 2
            if end - 3 - x > 5:
                self.pen.line((px(x), px(self.y + 1.2), px(end - 3), px(self.y + 1.2)), 0, 3)
            x = end
        self.y += LINE_MM

    def text(
        self, *lines: str, indent_mm: float = 0.0, face: ImageFont.FreeTypeFont = BODY
    ) -> None:
        for line in lines:
            self.pen.text((px(LEFT_MM + indent_mm), px(self.y)), line, 0, face, anchor="ls")
            self.y += LINE_MM * (0.85 if face is BODY else 0.65)

    def gap(self, mm: float) -> None:
        self.y += mm

    def save(self, name: str) -> None:
        out = io.BytesIO()
        self.picture.point(lambda grey: 255 if grey > 140 else 0).convert("1").save(
            out, "TIFF", compression="group4", dpi=(DPI, DPI)
        )
        sheet = img2pdf.get_layout_fun(tuple(img2pdf.mm_to_pt(side) for side in A4_MM))
        pdf = img2pdf.convert(out.getvalue(), layout_fun=sheet, nodate=True)
        (FOLDER / name).write_bytes(pdf)


def power_of_attorney() -> None:
    form = Form("授权委托书")
    form.text("委托人（请别人办事的人）")
    form.gap(2)
    form.fields(("姓名：", 0.45), ("联系电话：", 1.0))
    form.fields(("身份证号：", 1.0))
    form.fields(("住址：", 1.0))
    form.gap(4)
    form.text("受托人（替人办事的人）")
    form.gap(2)
    form.fields(("姓名：", 0.45), ("联系电话：", 1.0))
    form.fields(("身份证号：", 1.0))
    form.fields(("与委托人的关系：", 1.0))
    form.gap(4)
    form.text("委托人因故不能亲自办理，现委托受托人代为办理下列事项：")
    form.gap(2)
    form.fields(("", 1.0))
    form.fields(("", 1.0))
    form.fields(("委托期限：自", 0.5), ("起至", 0.95), ("止", 1.0))
    form.gap(2)
    form.text(
        "受托人在上述事项和期限内所签的材料，委托人都承认。",
        "受托人不得再委托别人。",
    )
    form.gap(10)
    form.fields(("委托人签名（按指印）：", 0.62), ("日期：", 1.0))
    form.gap(3)
    form.fields(("受托人签名：", 0.62), ("日期：", 1.0))
    form.gap(6)
    form.text("办理时请带好双方身份证。", face=NOTE)
    form.save("power_of_attorney.pdf")


def old_age_allowance() -> None:
    form = Form("高龄津贴申请表")
    form.text("申请人（老人）")
    form.gap(2)
    form.fields(("姓名：", 0.4), ("性别：", 0.62), ("民族：", 1.0))
    form.fields(("身份证号：", 1.0))
    form.fields(("户口所在地：", 1.0))
    form.fields(("现在住址：", 1.0))
    form.fields(("联系电话：", 1.0))
    form.gap(4)
    form.text("津贴发到（老人本人的社保卡金融账号或银行卡）")
    form.gap(2)
    form.fields(("开户银行：", 1.0))
    form.fields(("账号：", 1.0))
    form.gap(4)
    form.text("家人（联系不上老人时找谁；替老人办的，必须填）")
    form.gap(2)
    form.fields(("姓名：", 0.45), ("与老人的关系：", 1.0))
    form.fields(("身份证号：", 1.0))
    form.fields(("联系电话：", 1.0))
    form.gap(4)
    form.text("本人承诺：填写的内容和材料都是真的；情况有变化，30天内告诉民政。")
    form.gap(9)
    form.fields(("申请人（代办人）签名：", 0.62), ("日期：", 1.0))
    form.gap(6)
    form.text(
        "要带：老人的身份证、户口簿本人页；家人代办的，再带家人的身份证。",
        "在自助机上办，不用填这张表。",
        face=NOTE,
    )
    form.save("old_age_allowance.pdf")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    power_of_attorney()
    old_age_allowance()
