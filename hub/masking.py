"""Personal details as lists show them: enough to recognise, not enough to copy."""

from __future__ import annotations

NUMBER_HEAD = 4
NUMBER_TAIL = 4


def masked_name(name: str) -> str:
    """王小明 -> 王*明, 张三 -> 张*; a foreign name keeps its first letter."""
    if len(name) <= 1:
        return "*" * len(name)
    if len(name) == 2:
        return name[0] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def masked_number(number: str) -> str:
    """440101194001011512 -> 4401**********1512."""
    if len(number) <= NUMBER_HEAD + NUMBER_TAIL:
        return "*" * len(number)
    hidden = len(number) - NUMBER_HEAD - NUMBER_TAIL
    return number[:NUMBER_HEAD] + "*" * hidden + number[-NUMBER_TAIL:]
