"""The bytes of a code as text: what it notes itself, else by what they can be.

The character set a code notes (ECI); else strict UTF-8; else strict GB 18030; else Japanese; else
Latin letters. Every library guesses here, and garbles Chinese that notes nothing.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, assert_never

# AIM ECI assignments; both sets of GB are parts of GB 18030. 899 are bytes without any.
CHARACTER_SETS: Final = {
    **{0: "cp437", 1: "latin-1", 2: "cp437", 3: "latin-1"},
    **{number: f"iso8859-{number - 2}" for number in (*range(4, 14), *range(15, 19))},
    **{20: "cp932", 21: "cp1250", 22: "cp1251", 23: "cp1252", 24: "cp1256"},
    **{25: "utf-16-be", 26: "utf-8", 27: "ascii", 28: "big5", 29: "gb18030", 30: "cp949"},
    **{31: "gb18030", 32: "gb18030", 33: "utf-16-le", 34: "utf-32-be", 35: "utf-32-le"},
    170: "ascii",
}
# of what HexECI tells after the identifier: a backslash is doubled, one with six digits is an ECI
_ECI_OR_BYTES: Final = re.compile(rb"\\(\d{6})|((?:\\\\|[^\\])+)", re.DOTALL)


class Doubt(Enum):
    """What bytes that could be GB 18030 may be as well; then only everyday Chinese is believed."""

    JAPANESE = "a QR code's Japanese signs: their bytes are those of other, rare Chinese ones"
    LATIN = "a barcode's, whose standard knows no other signs"


class Mode(Enum):
    """How a QR code's first signs are written (ISO/IEC 18004, table 2)."""

    KANJI = 0b1000
    BYTE = 0b0100
    HANZI = 0b1101


def declared(told: bytes, identifier: bytes) -> str | None:
    """The text where the code itself says in which character sets it is (ECI), else None.

    `told`: all of it as HexECI tells it; `identifier`: what it begins with when there is no ECI.
    """
    # zxing-cpp changes the identifier's modifier only here, and only when there is an ECI
    if len(told) < len(identifier) or told.startswith(identifier):
        return None
    text, character_set = "", CHARACTER_SETS[3]  # what stands before the first ECI
    for number, part in _ECI_OR_BYTES.findall(told[len(identifier) :]):
        if number:
            character_set = CHARACTER_SETS.get(int(number), "")
            if not character_set:
                return None
            continue
        try:
            text += part.replace(b"\\\\", b"\\").decode(character_set)
        except UnicodeDecodeError:
            return None
    return text


def text_of_qr(data: bytes, mode: Mode | None) -> str:
    """Where a QR code's first signs are Japanese ones, so are all that could be.

    `mode`: how those are written, None where nobody told.
    Some writers put what is in Shift JIS as bytes, but only beside ASCII: else they use that mode.
    """
    if not may_be_kanji(data):
        return text_of(data)
    japanese = data.decode("cp932")
    mixed = mode is Mode.BYTE and any(letter.isascii() for letter in japanese)
    if mixed and _is_everyday_chinese(japanese, share=1.0):
        return text_of(data, Doubt.JAPANESE)
    match mode:
        case Mode.KANJI:
            return japanese
        case Mode.BYTE | Mode.HANZI:
            return text_of(data)
        case None:
            return text_of(data, Doubt.JAPANESE)
        case other:
            assert_never(other)


def text_of_qr_of_no_mode(data: bytes) -> str | None:
    """What may be Japanese signs is only told where it is not."""
    text = _decoded(data, "utf-8")
    return _chinese(data, Doubt.JAPANESE) if text is None else text


def text_of(data: bytes, doubt: Doubt | None = None) -> str:
    """Bytes of a code without a character set: UTF-8, else GB 18030, else Japanese, else Latin."""
    text = _decoded(data, "utf-8")
    if text is None:
        text = _chinese(data, doubt)
    if text is None and doubt is not Doubt.LATIN:
        text = _japanese(data)
    return data.decode("latin-1") if text is None else text


def _decoded(data: bytes, character_set: str) -> str | None:
    try:
        return data.decode(character_set)
    except UnicodeDecodeError:
        return None


def _chinese(data: bytes, doubt: Doubt | None) -> str | None:
    text = _decoded(data, "gb18030")
    if text is None or doubt is None or _is_everyday_chinese(text):
        return text
    return text if doubt is Doubt.JAPANESE and not may_be_kanji(data) else None


def _japanese(data: bytes) -> str | None:
    """None where all of it would be single bytes: those are rather Latin letters."""
    text = _decoded(data, "cp932")
    return None if text is None or len(text) == len(data) else text


def may_be_kanji(data: bytes) -> bool:
    """Whether all that is not ASCII, and there is some, could be of a QR code's Japanese mode."""
    return (
        not data.isascii()
        and _KANJI.fullmatch(data) is not None
        and _decoded(data, "cp932") is not None
    )


# ISO/IEC 18004, 7.4.6: Shift JIS from 8140 to 9FFC and from E040 to EBBF
_KANJI: Final = re.compile(rb"(?:[\x00-\x7f]|[\x81-\x9f\xe0-\xeb][\x40-\x7e\x80-\xfc])*")


def _is_everyday_chinese(text: str, share: float = 0.5) -> bool:
    """At least this share of the characters that are not ASCII are of the first level or signs."""
    other = [letter.encode("gb18030") for letter in text if not letter.isascii()]
    usual = sum(
        len(code) == 2 and code[1] >= 0xA1 and (0xB0 <= code[0] <= 0xD7 or 0xA1 <= code[0] <= 0xA3)
        for code in other
    )
    return usual >= share * len(other)
