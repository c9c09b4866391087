"""Papers of people who do not exist, as the terminal straightens them: the same for the same seed.

ID card front and back, a page of the household register, a business licence, a bank card: laid out
as theirs are, in print of their kinds, with check digits that fit, photographed not too well.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

Image = NDArray[np.uint8]
Rng = np.random.Generator

PAPERS = ("id_card_front", "id_card_back", "household_register", "business_licence", "bank_card")
DPI = {  # at 8 megapixels; the licence is A3 and fills the plate
    "id_card_front": 260,
    "id_card_back": 260,
    "household_register": 230,
    "business_licence": 180,
    "bank_card": 260,
}
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁"
GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂香玉梅建国志华文德福贵春生海燕红云凤琴淑珍树林"
)
PLACES = (
    ("湖南省清水县", "清水镇", "上湾村"),
    ("四川省北河县", "石桥乡", "大坪村"),
    ("河北省东山市", "柳林街道", "和平社区"),
    ("广东省南溪市新安区", "沙井街道", "福民社区"),
    ("甘肃省西岭县", "黄土镇", "杨家沟村"),
    ("浙江省临江市", "白塔镇", "桥头村"),
)
PROVINCES = (11, 13, 21, 32, 33, 34, 35, 37, 41, 42, 43, 44, 45, 50, 51, 52, 53, 61, 62, 65)
TRADES = (
    "百货商店",
    "餐饮服务有限公司",
    "建材经营部",
    "农业科技有限公司",
    "五金店",
    "物业管理有限公司",
)
NATIONS = ("汉", "汉", "汉", "回", "苗", "壮", "满")
BANKS = ("北河县农村信用社", "清水农村商业银行", "临江市商业银行")


@dataclass(frozen=True)
class MadePaper:
    """A straightened page of a known paper; `fields` what stands on it, by field code."""

    paper: str
    picture: Image
    fields: dict[str, str] = field(repr=False)


def make(seed: int, number: int) -> MadePaper:
    """Picture `number` of the set `seed`; kinds are dealt out in turn."""
    rng = np.random.default_rng((seed, number, 33))
    paper = PAPERS[number % len(PAPERS)]
    drawn, fields = _DRAWN[paper](rng, DPI[paper] / 25.4)
    return MadePaper(paper, _photographed(rng, drawn), fields)


# -- who they are --------------------------------------------------------------------------


def _pick(rng: Rng, many: Any) -> Any:
    return many[int(rng.integers(len(many)))]


def _name(rng: Rng) -> str:
    given = "".join(_pick(rng, GIVEN) for _ in range(int(rng.choice([1, 2, 2, 2]))))
    return str(_pick(rng, SURNAMES)) + given


def _address(rng: Rng) -> str:
    county, town, village = _pick(rng, PLACES)
    return f"{county}{town}{village}{rng.integers(1, 19)}组{rng.integers(1, 300)}号"


def _born(rng: Rng) -> tuple[int, int, int]:
    return int(rng.integers(1936, 2004)), int(rng.integers(1, 13)), int(rng.integers(1, 29))


def id_number(rng: Rng, born: tuple[int, int, int], *, woman: bool) -> str:
    """Of a made-up person, with its check digit (GB 11643)."""
    serial = int(rng.integers(0, 500)) * 2 + (not woman)
    first = f"{_pick(rng, PROVINCES)}{rng.integers(101, 930):04}{born[0]:04}{born[1]:02}{born[2]:02}{serial:03}"
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(first))
    return first + "10X98765432"[total % 11]


def credit_code(rng: Rng) -> str:
    """Of a made-up business, with its check sign (GB 32100)."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    rest = "".join(_pick(rng, signs) for _ in range(9))
    first = f"9{_pick(rng, '123')}{_pick(rng, PROVINCES)}{rng.integers(101, 930):04}{rest}"
    total = sum(pow(3, place, 31) * signs.index(sign) for place, sign in enumerate(first))
    return first + signs[-total % 31]


def account(rng: Rng) -> str:
    """Of a made-up account, 19 digits with its check digit (Luhn)."""
    first = "62" + "".join(str(int(rng.integers(10))) for _ in range(16))
    total = 0
    for place, digit in enumerate(reversed(first)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return first + str(-total % 10)


# -- how they are printed --------------------------------------------------------------------


@functools.cache
def _font(family: str, size: int) -> ImageFont.FreeTypeFont:
    path, index = subprocess.run(
        ["fc-match", "-f", "%{file}\t%{index}", family], check=True, capture_output=True, text=True
    ).stdout.split("\t")
    return ImageFont.truetype(path, size, index=int(index))


BLACK = (30, 28, 28)


class _Sheet:
    """Drawn on in millimetres."""

    def __init__(
        self, size_mm: tuple[float, float], px_mm: float, ground: Image | None = None
    ) -> None:
        self._px_mm = px_mm
        size = (round(size_mm[0] * px_mm), round(size_mm[1] * px_mm))
        if ground is None:
            self.sheet = PillowImage.new("RGB", size, (250, 249, 245))
        else:
            self.sheet = PillowImage.fromarray(cv2.resize(ground, size))
        self.pen = ImageDraw.Draw(self.sheet)

    def write(
        self,
        x: float,
        y: float,
        text: str,
        high: float,
        ink: tuple[int, int, int] = BLACK,
        *,
        family: str = "Noto Sans CJK SC",
        apart: float = 0.0,
    ) -> None:
        """`high` the height of a Chinese character, `apart` between two, in millimetres."""
        font = _font(family, max(4, round(high * self._px_mm)))
        if not apart:
            self.pen.text((x * self._px_mm, y * self._px_mm), text, font=font, fill=ink)
            return
        for sign in text:
            self.pen.text((x * self._px_mm, y * self._px_mm), sign, font=font, fill=ink)
            x += font.getlength(sign) / self._px_mm + apart

    def line(self, x0: float, y0: float, x1: float, y1: float, ink: tuple[int, int, int]) -> None:
        ends = [value * self._px_mm for value in (x0, y0, x1, y1)]
        self.pen.line(ends, fill=ink, width=max(1, round(0.25 * self._px_mm)))

    def done(self) -> Image:
        return np.ascontiguousarray(np.asarray(self.sheet, np.uint8)[..., ::-1])


def _waves(rng: Rng, colour: tuple[int, int, int], strength: float) -> Image:
    """A ground of fine waves, as money and cards have."""
    y, x = np.mgrid[0:540, 0:860].astype(np.float32)
    wave = np.sin(x / 9 + 6 * np.sin(y / 60 + rng.uniform(0, 6))) * np.sin(
        y / 7 + 5 * np.sin(x / 80)
    )
    ground = np.array(colour, np.float32) + strength * wave[..., None]
    return np.clip(ground, 0, 255).astype(np.uint8)


LABEL = (70, 110, 160)
Drawn = tuple[Image, dict[str, str]]


def _id_card_front(rng: Rng, px_mm: float) -> Drawn:
    name, address, born = _name(rng), _address(rng), _born(rng)
    woman = bool(rng.integers(2))
    number = id_number(rng, born, woman=woman)
    sheet = _Sheet((85.6, 53.98), px_mm, _waves(rng, (222, 232, 238), 8))
    sheet.write(5.5, 6.0, "姓名", 2.6, LABEL, apart=0.6)
    sheet.write(14.0, 5.6, name, 3.4, apart=0.5)
    sheet.write(5.5, 13.0, "性别", 2.6, LABEL, apart=0.6)
    sheet.write(14.0, 12.8, "女" if woman else "男", 2.9)
    sheet.write(22.5, 13.0, "民族", 2.6, LABEL, apart=0.6)
    sheet.write(31.0, 12.8, str(_pick(rng, NATIONS)), 2.9)
    sheet.write(5.5, 19.5, "出生", 2.6, LABEL, apart=0.6)
    for x, text, ink in (
        (14.0, str(born[0]), (30, 28, 28)),
        (22.5, "年", LABEL),
        (27.0, str(born[1]), (30, 28, 28)),
        (31.5, "月", LABEL),
        (36.0, str(born[2]), (30, 28, 28)),
        (40.5, "日", LABEL),
    ):
        sheet.write(x, 19.5, text, 2.7, ink)
    sheet.write(5.5, 26.5, "住址", 2.6, LABEL, apart=0.6)
    for row in range(0, len(address), 11):
        sheet.write(14.0, 26.2 + 4.2 * (row // 11), address[row : row + 11], 2.9, apart=0.25)
    sheet.write(5.5, 45.0, "公民身份号码", 2.6, LABEL, apart=0.25)
    sheet.write(28.5, 44.2, number, 3.5, family="DejaVu Sans Mono", apart=0.25)
    picture = sheet.done()
    left, right, top, bottom = (round(mm * px_mm) for mm in (56, 81, 8, 39))
    face = cv2.GaussianBlur(
        rng.integers(60, 220, (bottom - top, right - left, 3)).astype(np.uint8), (0, 0), px_mm * 3
    )
    picture[top:bottom, left:right] = face
    return picture, {"name": name, "address": address, "number": number}


def _id_card_back(rng: Rng, px_mm: float) -> Drawn:
    issuer = _pick(rng, PLACES)[0].split("省")[1] + "公安局"
    begun = (int(rng.integers(2006, 2024)), int(rng.integers(1, 13)), int(rng.integers(1, 29)))
    years = int(rng.choice([10, 20, 0]))
    day = f"{begun[1]:02}.{begun[2]:02}"
    until = f"{begun[0] + years}.{day}" if years else "长期"
    valid = f"{begun[0]}.{day}-{until}"
    sheet = _Sheet((85.6, 53.98), px_mm, _waves(rng, (236, 224, 220), 9))
    sheet.write(28.0, 8.0, "中华人民共和国", 5.6, family="Noto Serif CJK SC", apart=0.8)
    sheet.write(28.0, 18.0, "居民身份证", 8.2, family="Noto Serif CJK SC", apart=1.5)
    sheet.write(19.0, 38.6, "签发机关", 2.6, (40, 38, 38))
    sheet.write(34.0, 38.4, issuer, 2.9)
    sheet.write(19.0, 45.2, "有效期限", 2.6, (40, 38, 38))
    sheet.write(34.0, 45.0, valid, 2.9)
    return sheet.done(), {"issuer": issuer, "valid": valid}


def _household_register(rng: Rng, px_mm: float) -> Drawn:
    name, address, born = _name(rng), _address(rng), _born(rng)
    woman = bool(rng.integers(2))
    number = id_number(rng, born, woman=woman)
    county = _pick(rng, PLACES)[0]
    rows: list[list[tuple[str, str, float]]] = [  # label, value, width in millimetres
        [("姓名", name, 62), ("户主或与户主关系", _pick(rng, ("户主", "妻", "长子", "母亲")), 67)],
        [("曾用名", "", 62), ("性别", "女" if woman else "男", 67)],
        [("出生地", county, 62), ("民族", _pick(rng, NATIONS), 67)],
        [("籍贯", county, 62), ("出生日期", f"{born[0]}年{born[1]}月{born[2]}日", 67)],
        [("本市（县）其他住址", address, 88), ("宗教信仰", "", 41)],
        [("公民身份证件编号", number, 88), ("身高", "", 41)],
        [
            ("文化程度", _pick(rng, ("初中", "小学", "高中")), 45),
            ("婚姻状况", "有配偶", 42),
            ("兵役状况", "", 42),
        ],
        [("服务处所", "", 75), ("职业", "粮农", 54)],
    ]
    sheet = _Sheet((143.0, 105.0), px_mm)
    brown = (110, 70, 60)
    sheet.write(48, 5, "常住人口登记卡", 5.0, brown, family="Noto Serif CJK SC", apart=1.6)
    high, top = 9.6, 17.0
    down = rng.uniform(-0.8, 0.8)  # the printer never meets the form's lines
    for number_of, row in enumerate(rows):
        y, x = top + number_of * high, 7.0
        sheet.line(x, y, 136.0, y, brown)
        for label, value, width in row:
            sheet.line(x, y, x, y + high, brown)
            per_row = 4 if len(label) > 4 else len(label)
            label_width = 2.4 * per_row + 3.0
            for part in range(0, len(label), per_row):
                lines = -(-len(label) // per_row)
                text_y = y + high / 2 - 1.4 * lines + 2.8 * (part // per_row)
                sheet.write(x + 1.2, text_y, label[part : part + per_row], 2.3, brown)
            sheet.line(x + label_width, y, x + label_width, y + high, brown)
            sheet.write(
                x + label_width + 1.5,
                y + 3.0 + down,
                value,
                3.0,
                (50, 50, 54),
                family="Noto Serif CJK SC",
            )
            x += width
        sheet.line(136.0, y, 136.0, y + high, brown)
    sheet.line(7.0, top + len(rows) * high, 136.0, top + len(rows) * high, brown)
    fields = {
        "name": name,
        "birth": f"{born[0]}-{born[1]:02}-{born[2]:02}",
        "address": address,
        "number": number,
    }
    return sheet.done(), fields


def _business_licence(rng: Rng, px_mm: float) -> Drawn:
    county, town, village = _pick(rng, PLACES)
    place = county.split("省")[1]
    name = f"{place}{_name(rng)[1:]}{_pick(rng, TRADES)}"
    single = not name.endswith("公司")
    person, code, born = _name(rng), credit_code(rng), _born(rng)
    sheet = _Sheet((420.0, 297.0), px_mm, _waves(rng, (246, 244, 232), 4))
    serif = "Noto Serif CJK SC"
    sheet.write(150, 48, "营业执照", 24, family=serif, apart=10)
    sheet.write(38, 62, "统一社会信用代码", 6.5, family=serif)
    sheet.write(38, 73, code, 7.0)
    left = [
        ("名称", name),
        ("类型", "个体工商户" if single else "有限责任公司"),
        ("经营者" if single else "法定代表人", person),
        ("经营范围", "日用百货、五金、粮油零售。（依法须经批准的项目，经"),
    ]
    right = [
        ("注册资本", f"{_pick(rng, ('伍拾', '壹佰', '叁拾'))}万元整"),
        ("成立日期", f"{born[0] % 24 + 2000}年{born[1]:02}月{born[2]:02}日"),
        ("住所", f"{county}{town}{village}{rng.integers(1, 200)}号"),
    ]
    for x, wide, rows in ((45, 38, left), (228, 32, right)):
        for at, (label, value) in enumerate(rows):
            y = 110 + at * 21
            gap = (wide - 7 * len(label)) / max(1, len(label) - 1)  # labels are all as wide
            sheet.write(x, y, label, 7.0, family=serif, apart=max(0.0, gap - 1))
            sheet.write(x + wide + 6, y, value, 6.6, family=serif)
    field_name = {"name": name, "legal_person": person, "credit_code": code}
    sheet.write(270, 250, f"{place}市场监督管理局", 7.0, family=serif)
    return sheet.done(), field_name


def _bank_card(rng: Rng, px_mm: float) -> Drawn:
    number = account(rng)
    dark = bool(rng.integers(2))
    tone = tuple(int(v) for v in (rng.uniform(30, 110, 3) if dark else rng.uniform(170, 235, 3)))
    sheet = _Sheet((85.6, 53.98), px_mm, _waves(rng, tone, 10))
    ink = (235, 235, 232) if dark else (45, 45, 50)
    sheet.write(6, 5, str(_pick(rng, BANKS)), 4.2, ink)
    spaced = " ".join(number[at : at + 4] for at in range(0, 19, 4))
    sheet.write(7, 29, spaced, 5.4, ink, family="DejaVu Sans Mono")
    sheet.write(42, 38, f"VALID THRU {rng.integers(1, 13):02}/{rng.integers(27, 36)}", 2.6, ink)
    sheet.write(66, 44, "UnionPay", 3.6, ink)
    return sheet.done(), {"account": number}


_DRAWN: dict[str, Callable[[Rng, float], Drawn]] = {
    "id_card_front": _id_card_front,
    "id_card_back": _id_card_back,
    "household_register": _household_register,
    "business_licence": _business_licence,
    "bank_card": _bank_card,
}


def _photographed(rng: Rng, drawn: Image) -> Image:
    """Light that falls off, a lens not quite sharp, a page not quite level, the sensor's noise."""
    height, width = drawn.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-0.7, 0.7), 1.0)
    level = cv2.warpAffine(drawn, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(level, (0, 0), rng.uniform(0.5, 1.1)).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    light = rng.uniform(0.7, 0.95) * (1 - rng.uniform(0.0, 0.5) * (across + 0.5))
    noisy = soft * light[..., None] + rng.normal(0, rng.uniform(1, 4), soft.shape)
    picture = np.clip(noisy, 0, 255).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
