"""libzbar as a last resort, its bytes as they stand in the code.

Left to itself libzbar turns the bytes of a QR code into text by a guess, and Chinese in UTF-8 or
GB 18030 is often guessed to be Japanese: nothing tells that text from a right one afterwards. pyzbar
offers no way to switch that off, so its wrapped functions are called here as its own `decode` does.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pyzbar import wrapper

from kiosk.documents.codes.found import Code, Corners, Reading, larger_corners
from kiosk.documents.codes.text import Doubt, text_of, text_of_qr_of_no_mode
from kiosk.documents.codes.zxing import MAX_CODE_BYTES

SYMBOLS: Final = {
    wrapper.ZBarSymbol.QRCODE: "QR_CODE",
    wrapper.ZBarSymbol.CODE128: "CODE_128",
    wrapper.ZBarSymbol.CODE39: "CODE_39",
    wrapper.ZBarSymbol.EAN13: "EAN_13",
}
# Where it is not asked for, the half of a blurred EAN-13 that looks like a UPC-E comes as an EAN-13.
LEFT_OUT: Final = frozenset({wrapper.ZBarSymbol.UPCE})
AS_THEY_STAND: Final = 4  # ZBAR_CFG_BINARY of zbar.h, since 0.23.1; pyzbar has no name for it
GREY_8: Final = int.from_bytes(b"Y800", "little")

ZBAR_LINES: Final = 6  # that agree are as good as two readings
QR_CORNERS: Final = 4
READ_ALONG: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))  # zbar_orientation_t: up, right, down, left


@dataclass(frozen=True, slots=True)
class Seen:
    """`lines`: how many lines across the bars said so.

    `corners` in pixels: top left, top right, bottom right, bottom left as the code lies.
    """

    format: str
    data: bytes
    corners: Corners
    lines: int


def read(grey: NDArray[np.uint8], scale: float) -> Reading:
    """What it reads in a picture that was made `scale` times as large, at its place before."""
    found = []
    for one in seen(grey):
        if len(one.data) > MAX_CODE_BYTES:
            continue
        if one.format == "QR_CODE":
            text = text_of_qr_of_no_mode(one.data)
        else:
            text = text_of(one.data, Doubt.LATIN)
        if not text:
            continue
        corners = larger_corners(one.corners, 1 / scale)
        code = Code(one.format, corners, one.data, text)
        found += [code] * (2 if one.lines >= ZBAR_LINES else 1)
    return found


def seen(grey: NDArray[np.uint8]) -> list[Seen]:
    """Everything that libzbar reads in a grey picture, height x width."""
    pixels = np.ascontiguousarray(grey)
    height, width = pixels.shape
    with ExitStack() as held:
        scanner = wrapper.zbar_image_scanner_create()
        held.callback(wrapper.zbar_image_scanner_destroy, scanner)
        for symbol in wrapper.ZBarSymbol:
            sought = symbol in SYMBOLS or symbol in LEFT_OUT
            wrapper.zbar_image_scanner_set_config(
                scanner, symbol, wrapper.ZBarConfig.CFG_ENABLE, int(sought)
            )
        wrapper.zbar_image_scanner_set_config(scanner, wrapper.ZBarSymbol.QRCODE, AS_THEY_STAND, 1)
        image = wrapper.zbar_image_create()
        held.callback(wrapper.zbar_image_destroy, image)
        wrapper.zbar_image_set_format(image, GREY_8)
        wrapper.zbar_image_set_size(image, width, height)
        at = pixels.ctypes.data_as(ctypes.c_void_p)
        wrapper.zbar_image_set_data(image, at, pixels.nbytes, None)
        wrapper.zbar_scan_image(scanner, image)
        return list(_symbols(image))


def _symbols(image: Any) -> Iterator[Seen]:
    symbol = wrapper.zbar_image_first_symbol(image)
    while symbol:
        name = SYMBOLS.get(symbol.contents.type)
        if name is not None:
            data = ctypes.string_at(
                wrapper.zbar_symbol_get_data(symbol), wrapper.zbar_symbol_get_data_length(symbol)
            )
            count = wrapper.zbar_symbol_get_loc_size(symbol)
            x, y = wrapper.zbar_symbol_get_loc_x, wrapper.zbar_symbol_get_loc_y
            points = [(float(x(symbol, one)), float(y(symbol, one))) for one in range(count)]
            way = wrapper.zbar_symbol_get_orientation(symbol)
            lines = wrapper.zbar_symbol_get_quality(symbol)
            if points:
                yield Seen(name, data, _corners(name, points, way), lines)
        symbol = wrapper.zbar_symbol_next(symbol)


def _corners(name: str, points: list[tuple[float, float]], way: int) -> Corners:
    """Of a QR code libzbar tells the corners against the clock; of bars, where lines ended."""
    if name == "QR_CODE" and len(points) == QR_CORNERS:
        return points[0], points[3], points[2], points[1]
    box = cv2.boxPoints(cv2.minAreaRect(np.array(points, np.float32)))  # clockwise
    along = box[[1, 2, 3, 0]] - box
    towards = READ_ALONG[way] if 0 <= way < len(READ_ALONG) else READ_ALONG[0]
    first = int(np.argmax(along @ np.array(towards)))
    return tuple((float(x), float(y)) for x, y in np.roll(box, -first, axis=0))
