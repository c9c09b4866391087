"""Picture files from outside: checked before they are unpacked."""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from kiosk.documents.quads import Image

MAX_FILE_BYTES = 64 << 20
MAX_PIXELS = 50_000_000  # larger than any document camera's sensor; 150 MB unpacked
MAX_SIDE_PX = 30_000  # a row costs memory of its own: 1 x 50 million took 1.8 GB
# What cameras, scanners and phones give. Others start programs (EPS runs ghostscript) or have had
# many holes: they are no pictures here.
FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM")
WITH_ALPHA: Final = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
WITH_CLEAR_COLOUR: Final = frozenset({"1", "L", "P", "RGB"})  # modes that may name one as clear


@dataclass(frozen=True, slots=True)
class PictureFault:
    """`unreadable_path`, `too_large` or `not_a_picture`."""

    fault: str
    detail: str


def read_picture(path: Path) -> Image | PictureFault:
    """Blue green red, 8 bits, turned as the file says that it was held; what is clear is white."""
    data = _read(path)
    return data if isinstance(data, PictureFault) else decode_picture(data)


def _read(path: Path) -> bytes | PictureFault:
    """A whole file. Pipes and devices are not even opened: they may wait, or never end."""
    try:
        refused = _refused(path.stat().st_mode)
        if refused is not None:
            return refused
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            refused = _refused(os.fstat(file.fileno()).st_mode)  # it may be another by now
            if refused is not None:
                return refused
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return PictureFault("unreadable_path", error.strerror or type(error).__name__)
    if len(data) > MAX_FILE_BYTES:
        return PictureFault("too_large", "more than 64 MB")
    return data


def _refused(mode: int) -> PictureFault | None:
    if stat.S_ISREG(mode):
        return None
    detail = "is a folder" if stat.S_ISDIR(mode) else "is no file but a pipe or a device"
    return PictureFault("unreadable_path", detail)


def decode_picture(data: bytes) -> Image | PictureFault:
    """The same for bytes."""
    head = _head(data)
    if isinstance(head, PictureFault):
        return head
    if head.width * head.height > MAX_PIXELS or max(head.width, head.height) > MAX_SIDE_PX:
        return PictureFault("too_large", f"{head.width} x {head.height} pixels")
    if head.clear:
        return _by_pillow(data)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        return _by_pillow(data)
    return np.asarray(picture, np.uint8)


@dataclass(frozen=True, slots=True)
class _Head:
    """What a file says of itself. `clear`: it may have places that are see-through."""

    width: int
    height: int
    clear: bool


@contextmanager
def _opened(data: bytes) -> Iterator[PillowImage.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes are limited here, and damage is a fault
        with PillowImage.open(io.BytesIO(data), formats=FORMATS) as picture:
            yield picture


def _head(data: bytes) -> _Head | PictureFault:
    """From the head of the file, nothing unpacked."""
    try:
        with _opened(data) as picture:
            named = "transparency" in picture.info and picture.mode in WITH_CLEAR_COLOUR
            clear = picture.mode in WITH_ALPHA or named
            return _Head(picture.width, picture.height, clear)
    except PillowImage.DecompressionBombError:
        return PictureFault("too_large", "a picture bomb")
    except Exception:  # noqa: BLE001 - what a decoder raises at foreign bytes is not foreseen
        return PictureFault("not_a_picture", "no picture format that is known")


def _by_pillow(data: bytes) -> Image | PictureFault:
    """Kinds that OpenCV does not unpack (animations, some palettes): the first picture, on white."""
    try:
        with _opened(data) as picture:
            rgb = np.asarray(_on_white(ImageOps.exif_transpose(picture)), np.uint8)
    except Exception:  # noqa: BLE001 - what a decoder raises at foreign bytes is not foreseen
        return PictureFault("not_a_picture", "damaged")
    return np.ascontiguousarray(rgb[..., ::-1])


def _on_white(picture: PillowImage.Image) -> PillowImage.Image:
    """As paper would show it: black print on clear black is print."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    whole = picture.convert("RGBA")
    paper = PillowImage.new("RGB", whole.size, "white")
    paper.paste(whole, mask=whole.getchannel("A"))
    return paper
