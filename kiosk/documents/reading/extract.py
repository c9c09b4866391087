"""From lines of text that were read off a paper to its fields, and whether they agree with a card.

What a recogniser says is a guess: numbers count only with a fitting check digit, and nothing is
called different on the strength of one sign.
"""

from __future__ import annotations

import difflib
import re
from enum import StrEnum
from typing import assert_never

from kiosk.catalogue.papers import KnownPaper, ReadField, ReadKind
from kiosk.identity.contact import luhn_agrees
from kiosk.identity.numbers import NumberFault, parse

_LOOKS_LIKE_DIGIT = str.maketrans("OoQDlIi!ZzSsBb", "00001111225588")
_BRACKETS = str.maketrans("[]", "11")  # of a thin 1 beside a Chinese sign
_CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_HAN = r"\u3400-\u9fff\u00b7·"
NEAR_MARK = 0.66  # share of a mark's characters that were read: it is that paper
SHORTENED = 18  # digits: next to no card has so many; one of 19 of which one was not read has
LONG_MARK = 6  # signs: one of them may be missing altogether
MOST_ROWS = 2  # on which an entry goes on
SAME_TEXT = 0.8  # two readings of one page agree this far; of two pages of one form hardly half


def compact(line: str) -> str:
    """Without the spaces that a recogniser puts between Chinese characters."""
    return re.sub(r"\s+", "", line)


def fields_of(paper: KnownPaper, lines: tuple[str, ...]) -> dict[str, str]:
    """What could be read and holds, by field code; what could not is left out."""
    rows = [row for row in (compact(line) for line in lines) if row]
    labels = {label for field in paper.fields for label in field.labels}
    labels |= _OTHER_LABELS | set(paper.marks)
    found = {field.code: _value(field, rows, labels) for field in paper.fields}
    number = next((found[one.code] for one in paper.fields if one.kind is ReadKind.ID_NUMBER), "")
    if number and "birth" in found:  # its check digit holds: a day that was read may be misread
        found["birth"] = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return {code: value for code, value in found.items() if value}


def unread_numbers(paper: KnownPaper, fields: dict[str, str]) -> bool:
    """Whether a number that ought to stand on the paper is missing: it may be asked for alone."""
    numbers = (one.code for one in paper.fields if one.kind in _CHECKED)
    return any(code not in fields for code in numbers)


def with_numbers(
    paper: KnownPaper, fields: dict[str, str], lines: tuple[str, ...]
) -> dict[str, str]:
    """`fields` and the checked numbers that another reading, of numbers alone, found."""
    found = fields_of(paper, lines)
    checked = {one.code for one in paper.fields if one.kind in _CHECKED}
    return {code: value for code, value in found.items() if code in checked} | fields


_PERIOD = r"\d{4}\.\d\d\.\d\d-(?:\d{4}\.\d\d\.\d\d|长期)"
_CHECKED = frozenset({ReadKind.ID_NUMBER, ReadKind.ACCOUNT, ReadKind.CREDIT_CODE})


_OTHER_LABELS = {
    "性别", "民族", "出生", "籍贯", "曾用名", "户主", "与户主", "宗教", "公民身份", "身高", "血型",
    "文化程度", "婚姻状况", "兵役", "服务处所", "职业", "类型", "注册资本", "成立日期", "经营范围",
    "住所", "营业期限", "出生地", "本市", "信仰", "证件编号",
}  # fmt: skip


def is_paper(paper: KnownPaper, lines: tuple[str, ...]) -> bool:
    """Whether this is the paper it should be: a mark of it was read, nearly, or a checked number."""
    text = "".join(compact(line) for line in lines).replace("|", "")
    if any(_nearly_in(mark, text) for mark in paper.marks):
        return True
    return not paper.marks and bool(fields_of(paper, lines))


def _nearly_in(mark: str, text: str) -> bool:
    if mark in text or (len(mark) >= LONG_MARK and any(r.search(text) for r in _near(mark))):
        return True
    need = max(2, round(NEAR_MARK * len(mark)))
    for start in range(max(1, len(text) - len(mark) + 1)):
        part = text[start : start + len(mark)]
        if len(mark) > 3 and sum(a == b for a, b in zip(mark, part, strict=False)) > need:
            return True
    return False


def _value(field: ReadField, rows: list[str], labels: set[str]) -> str:
    match field.kind:
        case ReadKind.ID_NUMBER:
            return next((n for row in rows for n in _id_numbers(row)), "")
        case ReadKind.ACCOUNT:
            return next((n for row in rows for n in _accounts(row)), "")
        case ReadKind.CREDIT_CODE:
            return next((n for row in rows for n in _credit_codes(row)), "")
        case ReadKind.NAME:
            found = re.match(rf"[{_HAN}]{{2,12}}", _after(field.labels, rows, labels))
            return found.group() if found else ""
        case ReadKind.TEXT:
            return _after(field.labels, rows, labels, wraps=field.wraps)
        case ReadKind.PERIOD:
            found = re.match(_PERIOD, _after(field.labels, rows, labels))
            return found.group() if found else ""
        case ReadKind.DATE:
            return _date(_after(field.labels, rows, labels))
        case _:
            assert_never(field.kind)


_SPECKS = "|丨：:。.,，-—_~'\"“”[]【】()（） "  # what lines and dust are read as


def _after(
    wanted: tuple[str, ...], rows: list[str], labels: set[str], *, wraps: bool = False
) -> str:
    """What stands after a label on its row, up to the next label; `wraps`: and on the next rows.

    A label with a misread sign is one only where no row has it as it should be.
    """
    others = tuple(other for other in labels if not any(own.startswith(other) for own in wanted))
    patterns = [re.compile(_spelt(label)) for label in wanted]
    if not any(pattern.search(row) for pattern in patterns for row in rows):
        patterns = [near for label in wanted for near in _near(label)]
    for pattern in patterns:
        for number, row in enumerate(rows):
            found = pattern.search(row)
            if found is None or row.startswith(others, found.start()):
                continue
            value, whole = _entry(row[found.end() :], labels)
            below = iter(rows[number + 1 : number + 1 + MOST_ROWS])
            while wraps and whole and (more := next(below, None)) is not None:
                if _begins_with_label(more, labels) or not re.search(f"[{_HAN}]", more):
                    break
                # a line of the form may be read as a sign of its own
                part, whole = _entry(re.sub(rf"^(?:[{_HAN}]\|)+", "", more), labels)
                value += part
            if value:
                return value
    return ""


def _entry(rest: str, labels: set[str]) -> tuple[str, bool]:
    """One entry of a form, and whether it goes to the end of its row."""
    rest = rest.lstrip(_SPECKS)
    ends = [rest.find(other) for other in (*labels, "|") if rest.find(other) >= 0]
    return (rest[: min(ends)] if ends else rest).strip(_SPECKS), not ends


def _begins_with_label(row: str, labels: set[str]) -> bool:
    return row.lstrip(_SPECKS).startswith(tuple(labels))


_GAP = r"[^\w]{0,3}"  # a label's signs may stand far apart, and lines of the table be read as signs


def _spelt(label: str) -> str:
    return _GAP.join(re.escape(sign) for sign in label)


def _near(label: str) -> list[re.Pattern[str]]:
    """The label with one sign misread; a longer one also with one sign left out."""
    signs = [re.escape(sign) for sign in label]
    apart = rf"\w(?=[{re.escape(_SPECKS)}])"  # a misread last sign must not be the value's first
    if len(label) == 2:
        return [re.compile(rf"^\w{_GAP}{signs[1]}"), re.compile(rf"^{signs[0]}{_GAP}{apart}")]
    patterns = []
    for place in range(len(signs)):
        other = rf"(?:{apart})?" if place == len(signs) - 1 else r"\w?"
        patterns.append(_GAP.join([*signs[:place], other, *signs[place + 1 :]]))
    return [re.compile(pattern) for pattern in patterns]


def _id_numbers(row: str) -> list[str]:
    text = row.replace("|", "").translate(_LOOKS_LIKE_DIGIT).upper()
    starts = range(len(text) - 17)
    windows = (text[at : at + 18] for at in starts)
    return [
        one
        for one in windows
        if re.fullmatch(r"\d{17}[\dX]", one) and not isinstance(parse(one), NumberFault)
    ]


def _accounts(row: str) -> list[str]:
    """Whole runs of digits: in a longer one, every tenth part of it has a fitting check digit."""
    entries = row.translate(_LOOKS_LIKE_DIGIT).split("|")
    found = []
    for first in range(len(entries)):
        for last in range(first + 1, len(entries) + 1):
            runs = re.findall(r"(?<!\d)[3-9]\d{15,18}(?!\d)", "".join(entries[first:last]))
            runs = [one for one in runs if len(one) != SHORTENED]
            found += [one for one in runs if luhn_agrees(one) and one not in found]
    return found if len(found) == 1 else []  # two that fit: it cannot be told which


def _credit_codes(row: str) -> list[str]:
    text = row.replace("|", "").upper().replace("O", "0").replace("I", "1")
    windows = (text[at : at + 18] for at in range(len(text) - 17))
    return [one for one in windows if is_credit_code(one)]


def is_credit_code(code: str) -> bool:
    """GB 32100: the last sign fits the seventeen before it."""
    if len(code) != 18 or any(sign not in _CREDIT_SIGNS for sign in code):
        return False
    if not code[2:8].isdigit():
        return False
    total = sum(
        weight * _CREDIT_SIGNS.index(sign)
        for weight, sign in zip(_CREDIT_WEIGHTS, code[:17], strict=True)
    )
    return _CREDIT_SIGNS[-total % 31] == code[17]


def _date(text: str) -> str:
    text = text.translate(_LOOKS_LIKE_DIGIT).translate(_BRACKETS)
    found = re.search(r"(\d{4})\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})", text)
    if found is None:
        return ""
    year, month, day = (int(part) for part in found.groups())
    if not (1900 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= 31):
        return ""
    return f"{year:04}-{month:02}-{day:02}"


# -- against the card ------------------------------------------------------------------


class Agreement(StrEnum):
    """Whether what was read is the person of the card."""

    AGREES = "agrees"
    UNSURE = "unsure"  # nothing to compare, or too poorly read
    NAME_DIFFERS = "name_differs"
    NUMBER_DIFFERS = "number_differs"


def agreement(fields: dict[str, str], name: str, number: str) -> Agreement:
    """`fields` as read; `name` and `number` of the card."""
    read_number, read_name = fields.get("number", ""), fields.get("name", "")
    if read_number:
        return Agreement.AGREES if read_number == number.upper() else Agreement.NUMBER_DIFFERS
    if not read_name or not name:
        return Agreement.UNSURE
    if read_name == name or name in read_name:
        return Agreement.AGREES
    # a recogniser may take one sign for another: only a name without one that fits is another's
    shared = sum(sign in name for sign in read_name)
    return Agreement.NAME_DIFFERS if shared == 0 and len(read_name) >= 2 else Agreement.UNSURE


def same_page(one: tuple[int, tuple[str, ...]], other: tuple[int, tuple[str, ...]]) -> bool:
    """Whether two pages, each its fingerprint and its lines of text, are the same page taken twice."""
    near = (one[0] ^ other[0]).bit_count() <= FINGERPRINT_NEAR
    texts = ["".join(compact(line) for line in lines) for _, lines in (one, other)]
    if not all(len(text) >= 12 for text in texts):
        return near and (one[0] ^ other[0]).bit_count() <= FINGERPRINT_SAME
    numbers = [
        {n for line in lines for n in _id_numbers(compact(line))} for _, lines in (one, other)
    ]
    if all(numbers) and not numbers[0] & numbers[1]:
        return False
    return (
        near
        and difflib.SequenceMatcher(None, texts[0], texts[1], autojunk=False).ratio() >= SAME_TEXT
    )


FINGERPRINT_NEAR = 60  # of 256 bits: two pictures of one page, or two pages of one form
FINGERPRINT_SAME = 30  # of 256 bits: where no text can be asked
