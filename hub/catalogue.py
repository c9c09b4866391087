"""The words staff read for codes: items, their fields, ratings, nations. Data files, not code.

`data/items.json` is generated from the terminals' item packages (`python -m hub catalogue FOLDER`)
and compared with them by a test; the tables are copies, compared too.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent / "data"
ITEMS_FILE = DATA / "items.json"


@dataclass(frozen=True, slots=True)
class ItemWords:
    """`later`: the materials that may be handed in later."""

    name: str
    fields: dict[str, str]
    later: dict[str, str]


def labels_from(packages: Path) -> str:
    """items.json as it should be, from the terminals' YAML packages."""
    items: dict[str, Any] = {}
    for path in sorted(packages.glob("*.yaml")):
        package = yaml.safe_load(path.read_text(encoding="utf-8"))
        items[package["code"]] = {
            "name": package["name"]["zh"],
            "fields": {
                field["code"]: field["label"]["zh"]
                for form in package.get("forms", ())
                for field in form["fields"]
            },
            "later": {
                material["code"]: material["name"]["zh"]
                for material in package.get("materials", ())
                if not material.get("required", True)
            },
        }
    return json.dumps(items, ensure_ascii=False, indent=2) + "\n"


@cache
def items() -> dict[str, ItemWords]:
    read = json.loads(ITEMS_FILE.read_text(encoding="utf-8"))
    return {
        code: ItemWords(item["name"], item["fields"], item["later"]) for code, item in read.items()
    }


def item_name(code: str) -> str:
    """The item's name, or its code when the hub has not heard of it yet."""
    known = items().get(code)
    return known.name if known else code


@cache
def table(name: str, key: str, value: str) -> dict[str, str]:
    with (DATA / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row[key]: row[value] for row in csv.DictReader(file)}


def level_name(level: int) -> str:
    return table("eval_levels", "code", "zh").get(str(level), str(level))


def reason_name(code: str) -> str:
    return table("eval_reasons", "code", "zh").get(code, code)


def nation_name(code: str) -> str:
    return table("nation_gbt3304", "code", "display").get(code, code)


def sex_name(code: str) -> str:
    return table("sex_gbt2261_1", "code", "zh").get(code, code)


CARD_KINDS = {
    "resident": "居民身份证",
    "foreign_2017": "外国人永久居留身份证（2017版）",
    "foreign_2023": "外国人永久居留身份证（2023版）",
    "hmt_residence": "港澳台居民居住证",
}
LANGUAGES = {"zh": "中文", "en": "英文"}
CHANNELS = {"keypad": "评价器按键", "screen": "终端屏幕"}
PRINTS = {
    "printed": "已打印",
    "printing": "打印中",
    "paper_out": "缺纸，未打印",
    "cover_open": "打印机盖未合，未打印",
    "jammed": "卡纸，未打印",
    "unknown": "已发送，打印机未确认",
    "unavailable": "打印机不可用",
    "declined": "群众不要纸质回执",
}
# What was wrong with a picture the citizen kept all the same.
ADVICE = {
    "cut_off": "页面没拍全",
    "too_dark": "光线偏暗",
    "glare": "有反光",
    "shadow": "有阴影",
    "finger": "有手指遮挡",
    "blurred": "不够清晰",
    "wrong_size": "尺寸不符",
    "empty_page": "像是空白页",
    "hold_still": "拍摄时有移动",
    "no_page": "没有认出页面",
}
