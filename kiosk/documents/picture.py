"""Picture files from outside: checked before they are unpacked."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from kiosk.documents.page import Image

MAX_FILE_BYTES = 64 << 20
MAX_PIXELS = 50_000_000  # larger than any document camera's sensor; 150 MB unpacked
MIN_SIDE_PX = 1


@dataclass(frozen=True, slots=True)
class PictureFault:
    """`unreadable_path`, `too_large` or `not_a_picture`."""

    fault: str
    detail: str


def read_picture(path: Path) -> Image | PictureFault:
    """Blue green red, 8 bits, turned as the file says that it was held."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return PictureFault("too_large", "more than 64 MB")
        data = path.read_bytes()
    except OSError as error:
        return PictureFault("unreadable_path", error.strerror or type(error).__name__)
    return decode_picture(data)


def decode_picture(data: bytes) -> Image | PictureFault:
    """The same for bytes."""
    size = _size(data)
    if isinstance(size, PictureFault):
        return size
    if size[0] * size[1] > MAX_PIXELS:
        return PictureFault("too_large", f"{size[0]} x {size[1]} pixels")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        return _by_pillow(data)
    return np.asarray(picture, np.uint8)


def _size(data: bytes) -> tuple[int, int] | PictureFault:
    """Width and height from the head of the file, nothing unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PillowImage.DecompressionBombWarning)
            with PillowImage.open(io.BytesIO(data)) as picture:
                return picture.width, picture.height
    except PillowImage.DecompressionBombError:
        return PictureFault("too_large", "a picture bomb")
    except (OSError, ValueError, SyntaxError):
        return PictureFault("not_a_picture", "no picture format that is known")


def _by_pillow(data: bytes) -> Image | PictureFault:
    """Kinds that OpenCV does not unpack (animations, some palettes): the first picture."""
    try:
        with PillowImage.open(io.BytesIO(data)) as picture:
            upright = ImageOps.exif_transpose(picture)
            rgb = np.asarray(upright.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError):
        return PictureFault("not_a_picture", "damaged")
    return np.ascontiguousarray(rgb[..., ::-1])
