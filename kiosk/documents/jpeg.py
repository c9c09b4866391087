"""What a kept JPEG says of itself besides its picture: its colours are sRGB, and how large it is.

A page's true size travels in its density, so whatever is made of it later needs to ask nobody.
"""

from __future__ import annotations

import functools
import struct

from PIL import ImageCms

_START = b"\xff\xd8"
_JFIF = b"JFIF\x00"
_APP0, _APP2 = 0xE0, 0xE2
_INCH = 1  # unit of density
MM_AN_INCH = 25.4
MOST_DPI = 2400  # beyond this it is no scale


@functools.cache
def srgb_profile() -> bytes:
    """The colour profile, the same bytes every time (its date of making is left out)."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = bytes(12)
    made[84:100] = bytes(16)  # a fingerprint over the date
    return bytes(made)


def described(jpeg: bytes, dpi: float | None) -> bytes:
    """The JPEG with its profile and, if known, its density; the picture's own bytes untouched."""
    rest = jpeg[2:]
    if rest[:2] == bytes((0xFF, _APP0)):
        (length,) = struct.unpack_from(">H", rest, 2)
        rest = rest[2 + length :]
    unit, dots = (0, 1) if dpi is None else (_INCH, min(MOST_DPI, max(1, round(dpi))))
    head = _JFIF + struct.pack(">BBBHHBB", 1, 2, unit, dots, dots, 0, 0)
    profile = b"ICC_PROFILE\x00\x01\x01" + srgb_profile()
    return _START + _segment(_APP0, head) + _segment(_APP2, profile) + rest


def _segment(mark: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, mark, len(body) + 2) + body


def true_size_mm(jpeg: bytes, width_px: int, height_px: int) -> tuple[float, float] | None:
    """From its density; None where it says none."""
    if jpeg[2:4] != bytes((0xFF, _APP0)) or jpeg[6:11] != _JFIF or len(jpeg) < 20:
        return None
    unit, across, down = struct.unpack_from(">BHH", jpeg, 13)
    if unit != _INCH or across <= 1 or down <= 1:
        return None
    return width_px / across * MM_AN_INCH, height_px / down * MM_AN_INCH
