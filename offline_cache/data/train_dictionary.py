"""Trains the dictionary that envelopes are compressed with, on made-up applications.

    python offline_cache/data/train_dictionary.py

writes `applications-1.zdict` beside itself, the same bytes every time. What it learns is the shape
of a body and the words that bodies share; every person in it is made up. A new dictionary gets a
new number and a new file: the hub must still open what old ones sealed.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import zstandard

DICTIONARY_ID = 40961  # in every frame; 32768 and more are free for private use
DICTIONARY_BYTES = 16 << 10  # half as much costs 6 % of the size, twice as much gains nothing
SEGMENT_BYTES = 200  # what the trainer weighs at once; 1024 does no better
SAMPLES = 1000
SEED = 20261122

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常"
GIVEN = "秀兰英华玉珍桂芳淑梅国强建明德福荣文志永海春生金平贵林云清素琴凤霞月娥红军伟丽敏静刚勇艳杰娟涛超磊洋洪波安民泽宇思源浩然欣怡子轩梓涵"
PLACES = "和平河西南开向阳新华解放胜利光明东风团结建设人民文化青年幸福友谊长江黄河太湖泰山昆仑"
TOWNS = "镇村社区街道办事处居委会路巷号楼单元室组"
ITEMS = ("old_age_allowance", "disability_allowance", "medical_insurance", "residence_proof")
MATERIALS = (
    ("household_page", "户口簿本人页"),
    ("id_card", "身份证"),
    ("bank_card", "社保卡或银行卡"),
    ("application_form", "申请表"),
)
CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_SIGNS = "10X98765432"


def bodies(count: int) -> list[bytes | bytearray | memoryview]:
    """`count` plaintexts of items as they are sealed, from the fixed seed."""
    chance = random.Random(SEED)  # noqa: S311 - made-up people, the same every time
    return [
        json.dumps(_item(chance), ensure_ascii=False, separators=(",", ":")).encode()
        for _ in range(count)
    ]


def train() -> bytes:
    return zstandard.train_dictionary(
        DICTIONARY_BYTES, bodies(SAMPLES), dict_id=DICTIONARY_ID, k=SEGMENT_BYTES, d=8
    ).as_bytes()


def _item(chance: random.Random) -> dict[str, object]:
    kind = chance.random()
    if kind < 0.8:
        return _application(chance)
    number, at = _receipt(chance), _time(chance)
    if kind < 0.9:
        body: dict[str, object] = {
            "number": number,
            "level": chance.randint(1, 5),
            "reasons": chance.sample(
                ["slow", "unclear", "long_wait", "device"], chance.choice((0, 0, 1))
            ),
            "channel": chance.choice(("keypad", "screen")),
            "rated_at": at,
        }
    else:
        body = {"number": number, "result": chance.choice(("printed", "failed")), "at": at}
    return {"body": body, "attachments": []}


def _application(chance: random.Random) -> dict[str, object]:
    item = chance.choice(ITEMS)
    accepted_at = _time(chance)
    relative = chance.random() < 0.3
    materials = []
    for code, name in chance.sample(MATERIALS, chance.randint(1, 3)):
        materials.append(
            {
                "code": code,
                "name": name,
                **_attachment(chance, "application/pdf"),
                "pages": chance.randint(1, 2),
                "kept_despite": [],
            }
        )
    signature = _attachment(chance, "image/png")
    attachments = [
        {"sha256": each["sha256"], "sealed": _hash(chance), "bytes": each["bytes"]}
        for each in (*materials, signature)
    ]
    form = {
        "phone": _phone(chance),
        "relative_phone": _phone(chance) if relative else "",
        "relative_name": _name(chance) if relative else "",
        "account": "6" + "".join(chance.choice("0123456789") for _ in range(18)),
    }
    body = {
        "item": item,
        "item_version": "1",
        "terminal": f"QS{chance.randint(1, 99):02d}",
        "session": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "accepted_at": accepted_at,
        "language": chance.choice(("zh", "zh", "zh", "en")),
        "consent": {"version": 1, "agreed_at": _time(chance)},
        "applicant": _person(chance),
        "agent": _person(chance) if relative else None,
        "form": form,
        "materials": materials,
        "signature": signature,
        "earlier_number": None,
        "number": _receipt(chance),
    }
    return {"body": body, "attachments": attachments}


def _person(chance: random.Random) -> dict[str, object]:
    birth = date(1930, 1, 1) + timedelta(days=chance.randint(0, 25000))
    valid_from = date(2012, 1, 1) + timedelta(days=chance.randint(0, 5000))
    long = chance.random() < 0.6
    # 99 is no province: a number that nobody can have, with a right check digit
    first = f"99{chance.randint(100, 9999):04d}{birth:%Y%m%d}{chance.randint(1, 999):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(first, CHECK_WEIGHTS, strict=True))
    place, town = chance.choice(PLACES), "".join(chance.sample(TOWNS, 4))
    return {
        "kind": "citizen",
        "name": _name(chance),
        "number": first + CHECK_SIGNS[total % 11],
        "sex_code": chance.choice(("1", "2")),
        "nation_code": chance.choice(("01", "01", "01", "03", "11")),
        "birth": birth.isoformat(),
        "address": f"{place}省{place}市{place}区{town}{chance.randint(1, 400)}号",
        "issuer": f"{place}市公安局{place}分局",
        "valid_from": valid_from.isoformat(),
        "valid_to": None
        if long
        else valid_from.replace(year=valid_from.year + 20, day=1).isoformat(),
    }


def _name(chance: random.Random) -> str:
    return chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, chance.randint(1, 2)))


def _phone(chance: random.Random) -> str:
    return "1" + chance.choice("3578") + "".join(chance.choice("0123456789") for _ in range(9))


def _time(chance: random.Random) -> str:
    at = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(milliseconds=chance.randrange(10**11))
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _receipt(chance: random.Random) -> str:
    return f"QS{chance.randint(1, 99):02d}2{chance.randint(60601, 71231)}{chance.randint(1, 9999):04d}{chance.randint(0, 99):02d}"


def _attachment(chance: random.Random, media_type: str) -> dict[str, object]:
    return {
        "sha256": _hash(chance),
        "media_type": media_type,
        "bytes": chance.randint(4000, 900000),
    }


def _hash(chance: random.Random) -> str:
    return hashlib.sha256(chance.randbytes(16)).hexdigest()


def main() -> None:
    made = train()
    path = Path(__file__).with_name("applications-1.zdict")
    path.write_bytes(made)
    sys.stdout.write(f"{path.name}: {len(made)} bytes\n")


if __name__ == "__main__":
    main()
