"""Read codes: quickly on every frame, slowly after misses, and never trust what was read.

zxing-cpp goes first everywhere. libzbar guesses character sets wrongly and has had memory faults,
so it is loaded only when everything else has failed, and never outside of the vision process.
Bytes are handed over as they stand in the code; what they mean is for whoever checks them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from kiosk.documents.page import Image

Grey = NDArray[np.uint8]

MORE_FORMATS_EVERY = 3  # frames; six formats cost as much as five fast passes
SLOW_AFTER_MISSES = 5  # frames without a code until the slow ways are tried once
SMALL_SIDE_PX = 1200  # a picture below this is also tried at twice its size
LEAST_SIDE_PX = 16  # the smallest code has 11 modules and a margin
MAX_CODE_BYTES = 4096  # a version 40 QR holds 2,953 bytes

FAST = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
USUAL = zxingcpp.barcode_formats_from_str("QRCode,Code128,Code39,EAN13,PDF417,DataMatrix")

_ZBAR_NAMES = {
    "QRCODE": "QR_CODE",
    "CODE128": "CODE_128",
    "CODE39": "CODE_39",
    "EAN13": "EAN_13",
    "PDF417": "PDF_417",
}
_ZXING_NAMES = {
    "QRCode": "QR_CODE",
    "QRCodeModel2": "QR_CODE",
    "QRCodeModel1": "QR_CODE",
    "MicroQRCode": "MICRO_QR_CODE",
    "Code128": "CODE_128",
    "Code39": "CODE_39",
    "Code39Std": "CODE_39",
    "Code39Ext": "CODE_39",
    "EAN13": "EAN_13",
    "PDF417": "PDF_417",
    "DataMatrix": "DATA_MATRIX",
}


@dataclass(frozen=True, slots=True)
class Code:
    """One code. `corners` in pixels: top left, top right, bottom right, bottom left as it lies."""

    format: str
    corners: tuple[tuple[float, float], ...]
    data: bytes = field(repr=False)
    text: str = field(repr=False)


class CodeReader:
    """Frames of one camera, one after the other."""

    def __init__(self) -> None:
        self._frames = 0
        self._misses = 0

    def look(self, picture: Image) -> list[Code]:
        """Whatever this frame gives for little time; the slow ways once in a while."""
        grey = _grey(picture)
        self._frames += 1
        found = _zxing(grey, FAST, thorough=False)
        if not found and self._frames % MORE_FORMATS_EVERY == 0:
            found = _zxing(grey, USUAL, thorough=True)
        if found:
            self._misses = 0
            return found
        self._misses += 1
        if self._misses % SLOW_AFTER_MISSES:
            return []
        return _slow(grey)

    def forget(self) -> None:
        self._frames = self._misses = 0


def read_codes(picture: Image) -> list[Code]:
    """Everything in one still picture, by all the ways there are."""
    if min(picture.shape[:2]) < LEAST_SIDE_PX:
        return []
    grey = _grey(picture)
    return _zxing(grey, USUAL, thorough=True) or _slow(grey)


def _slow(grey: Grey) -> list[Code]:
    height, width = grey.shape
    if max(height, width) <= SMALL_SIDE_PX:
        large = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        found = _zxing(np.asarray(large, np.uint8), USUAL, thorough=True, scale=2.0)
        if found:
            return found
    found = _zxing(grey, USUAL, thorough=True, binarizer=zxingcpp.Binarizer.GlobalHistogram)
    if found:
        return found
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return _zbar(np.asarray(half, np.uint8), 0.5) or _zbar(grey, 1.0)


def _grey(picture: Image) -> Grey:
    return np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _zxing(
    grey: Grey,
    formats: Any,
    *,
    thorough: bool,
    scale: float = 1.0,
    binarizer: Any = zxingcpp.Binarizer.LocalAverage,
) -> list[Code]:
    read = zxingcpp.read_barcodes(
        grey,
        formats,
        try_rotate=thorough,
        try_downscale=thorough,
        try_invert=thorough,
        binarizer=binarizer,
    )
    found = []
    for one in read:
        data = bytes(one.bytes)
        if not one.valid or not data or len(data) > MAX_CODE_BYTES:
            continue
        place = one.position
        corners = tuple(
            ((point.x + 0.5) / scale - 0.5, (point.y + 0.5) / scale - 0.5)
            for point in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        )
        name = one.format.name
        text = one.text if _has_character_set(one) else text_of(data, one.text)
        found.append(Code(_ZXING_NAMES.get(name, name), corners, data, text))
    return found


def _has_character_set(one: Any) -> bool:
    """Whether the code itself says in which character set it is (an ECI)."""
    content = one.content_type
    if content == zxingcpp.ContentType.UnknownECI:
        return True
    identifier = one.symbology_identifier  # "]Q2", "]d4", ...: these modifiers promise an ECI
    return identifier in ("]Q2", "]Q4", "]Q6", "]d4", "]d5", "]d6", "]L1")


def text_of(data: bytes, otherwise: str) -> str:
    """Bytes of a code without a character set: UTF-8, else GB 18030, else the reader's guess.

    Almost any bytes can be read as GB 18030; it is believed when at least half of what is not
    ASCII is everyday Chinese.
    """
    for character_set in ("utf-8", "gb18030"):
        try:
            text = data.decode(character_set)
        except UnicodeDecodeError:
            continue
        if character_set == "utf-8" or _is_everyday_chinese(text):
            return text
    return otherwise


def _is_everyday_chinese(text: str) -> bool:
    """At least half of the characters that are not ASCII are of the first level or signs."""
    other = [letter.encode("gb18030") for letter in text if not letter.isascii()]
    usual = sum(
        len(code) == 2 and code[1] >= 0xA1 and (0xB0 <= code[0] <= 0xD7 or 0xA1 <= code[0] <= 0xA3)
        for code in other
    )
    return 2 * usual >= len(other)


def _zbar(grey: Grey, scale: float) -> list[Code]:
    from pyzbar import pyzbar  # noqa: PLC0415 - libzbar is loaded only when nothing else reads

    symbols = [
        pyzbar.ZBarSymbol.QRCODE,
        pyzbar.ZBarSymbol.CODE128,
        pyzbar.ZBarSymbol.CODE39,
        pyzbar.ZBarSymbol.EAN13,
    ]
    found = []
    for one in pyzbar.decode(grey, symbols=symbols):
        data = bytes(one.data)
        if not data or len(data) > MAX_CODE_BYTES:
            continue
        corners = tuple(
            ((point.x + 0.5) / scale - 0.5, (point.y + 0.5) / scale - 0.5) for point in one.polygon
        )
        name = _ZBAR_NAMES.get(one.type, one.type)
        found.append(Code(name, corners, data, text_of(data, data.decode("latin-1"))))
    return found
