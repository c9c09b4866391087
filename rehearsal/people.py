"""People who do not exist, with numbers whose check digits agree.

The division code 449901 is given to no county; phone numbers begin 1990000; account numbers begin
629999, which no bank has. Ages are counted from the day of the rehearsal, so that the elder stays
old enough and the young one too young whenever it is run.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

DIVISION = "449901"
ISSUER = "清水县公安局"
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECK = "10X98765432"
ACCOUNT_START = "629999"
PHONE_START = "1990000"
MALE, FEMALE = "1", "2"


def citizen_number(birth: date, serial: int, division: str = DIVISION) -> str:
    """18 characters by GB 11643: division, birth, serial (odd: male), check character."""
    body = f"{division}{birth:%Y%m%d}{serial:03}"
    total = sum(int(digit) * weight for digit, weight in zip(body, ID_WEIGHTS, strict=True))
    return body + ID_CHECK[total % 11]


def account_number(serial: int, length: int = 19) -> str:
    """A card number with its Luhn digit."""
    body = ACCOUNT_START + f"{serial:0{length - len(ACCOUNT_START) - 1}}"
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up person: what is on the card, and what only the person knows."""

    key: str
    what: str  # why one would take this person, for the dock's list
    name: str = field(repr=False)
    pinyin: str = field(repr=False)
    sex_code: str = field(repr=False)
    nation_code: str = field(repr=False)
    nation: str = field(repr=False)
    birth: date = field(repr=False)
    address: str = field(repr=False)
    number: str = field(repr=False)
    valid_from: date = field(repr=False)
    valid_to: date | None = field(repr=False)
    phone: str = field(repr=False)
    account: str = field(repr=False)
    native_place: str = field(default="清水县", repr=False)

    def card(self) -> dict[str, Any]:
        """The card, as the reader's emulator takes it."""
        return {
            "kind": "resident",
            "name": self.name,
            "sex_code": self.sex_code,
            "nation_code": self.nation_code,
            "birth": self.birth.isoformat(),
            "address": self.address,
            "number": self.number,
            "issuer": ISSUER,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat() if self.valid_to else "长期",
        }

    def social_card(self) -> dict[str, Any]:
        """The social security card, as the slot's emulator takes it."""
        return {
            "kind": "social",
            "name": self.name,
            "id_number": self.number,
            "card_id": f"{DIVISION}01{self.number[6:14]}0000000000000001",
            "card_number": f"S{self.number[-9:-1]}",
            "birth": self.birth.isoformat(),
            "valid_to": "2099-01-01",
            "pin": "111111",
        }

    def page(self) -> dict[str, Any]:
        """What stands on this person's page of the household register."""
        return {
            "name": self.name,
            "sex": "男" if self.sex_code == MALE else "女",
            "nation": self.nation,
            "birth": f"{self.birth.year}年{self.birth.month}月{self.birth.day}日",
            "native_place": self.native_place,
            "number": self.number,
            "address": self.address,
        }

    def secrets(self) -> tuple[str, ...]:
        """What must not be found in any log."""
        return (self.name, self.number, self.address, self.phone, self.account)


def _person(  # noqa: PLR0917 - one line a person reads like a table
    key: str,
    what: str,
    name: str,
    pinyin: str,
    sex_code: str,
    birth: date,
    serial: int,
    *,
    address: str,
    valid_from: date,
    valid_to: date | None,
    nation: tuple[str, str] = ("01", "汉"),
) -> Person:
    return Person(
        key=key,
        what=what,
        name=name,
        pinyin=pinyin,
        sex_code=sex_code,
        nation_code=nation[0],
        nation=nation[1],
        birth=birth,
        address=address,
        number=citizen_number(birth, serial),
        valid_from=valid_from,
        valid_to=valid_to,
        phone=f"{PHONE_START}{serial % 10000:04}",
        account=account_number(10_000_000 + serial),
    )


def _years_ago(today: date, years: int, month: int, day: int) -> date:
    """A birthday that has already been this year when `month` is small enough."""
    return date(today.year - years, month, day)


def people(today: date) -> dict[str, Person]:
    """The people of the rehearsal, by key."""
    long_ago = date(2013, 5, 20)
    ends_soon = date(today.year + 7, 5, 19)
    everyone = (
        _person(
            "zhang_lan", "82岁，本人办理 / 82, applies herself", "张兰", "zhanglan", FEMALE,
            date(1944, 1, 12), 28,
            address="清水县清水镇柳树村3组17号", valid_from=long_ago, valid_to=None,
        ),
        _person(
            "li_xiaomei", "女儿，代办人 / daughter, acts for her", "李小梅", "lixiaomei", FEMALE,
            date(1972, 8, 3), 426,
            address="清水县清水镇柳树村3组17号", valid_from=date(2018, 3, 1),
            valid_to=date(2038, 3, 1),
        ),
        _person(
            "wang_jianguo", "63岁，年龄不够 / 63, too young", "王建国", "wangjianguo", MALE,
            _years_ago(today, 63, 2, 9), 131,
            address="清水县清水镇东街22号", valid_from=date(2014, 6, 6), valid_to=date(2034, 6, 6),
        ),
        _person(
            "chen_dafu", "86岁，证件过期 / 86, card expired", "陈大福", "chendafu", MALE,
            date(1940, 2, 2), 75,
            address="清水县清水镇南坪村1组5号", valid_from=date(2004, 4, 1),
            valid_to=today - timedelta(days=200),
        ),
        _person(
            "yan_guangming", "84岁，生僻字 / 84, rare characters", "䶮光㛃", "yanguangjie", MALE,
            date(1942, 1, 30), 317,
            address="清水县清水镇𬭎泰村2组9号", valid_from=long_ago, valid_to=ends_soon,
            nation=("06", "苗"),
        ),
        _person(
            "zhao_guifen", "91岁，另一位老人 / 91, another elder", "赵桂芬", "zhaoguifen", FEMALE,
            date(1935, 1, 18), 664,
            address="清水县清水镇西河村6组2号", valid_from=long_ago, valid_to=None,
        ),
    )  # fmt: skip
    return {person.key: person for person in everyone}


SURNAMES = "刘周吴郑冯褚卫蒋沈韩杨朱秦许何吕施孔曹严华金魏陶姜"
GIVEN = "秀英芳珍玉梅春兰德福明贵生财长安永康桂香凤淑文华"
VILLAGES = ("柳树村", "南坪村", "西河村", "石桥村", "上湾村")


def made_up(chance: random.Random, today: date, *, least_age: int = 80) -> Person:
    """Another made-up person of at least `least_age` years."""
    birth = today - timedelta(days=int(least_age * 365.25) + chance.randint(3, 5000))
    serial = chance.randint(1, 999)
    name = chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, chance.choice((1, 2))))
    return _person(
        f"made_up_{serial}",
        f"{today.year - birth.year}岁 / made up",
        name,
        "",
        MALE if serial % 2 else FEMALE,
        birth,
        serial,
        address=f"清水县清水镇{chance.choice(VILLAGES)}{chance.randint(1, 9)}组{chance.randint(1, 60)}号",
        valid_from=date(2013, 5, 20),
        valid_to=None,
    )
