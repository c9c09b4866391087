"""Where a camera is and how its stream is judged: pure, no camera, no clock."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from drivers.device import Fault, FaultCode

Size = tuple[int, int]
PREVIEW_SIZE: Final[Size] = (1920, 1080)  # what a video camera is asked for between stills
LARGEST_PX: Final = 10_000
FROZEN_S: Final = 2.0  # a sensor's noise makes every picture differ; this long it cannot be chance
BLACK_S: Final = 2.0  # exposure needs up to a second after the stream begins
BLACK_LEVEL: Final = 10  # of 255, the brightest 1 %: a lens cap, or no light at all
_DIGEST_ROWS: Final = 8  # every eighth row is read: 1 ms at 8 megapixels, and noise is everywhere


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """A V4L2 device. `size` of a still, `preview` between stills."""

    path: str
    size: Size
    preview: Size
    fourcc: str


@dataclass(frozen=True, slots=True)
class Stream:
    """MJPEG over HTTP."""

    url: str


@dataclass(frozen=True, slots=True)
class PictureFile:
    """The same picture again and again: for trying out, never frozen."""

    path: str


Place = VideoDevice | Stream | PictureFile


def parse_url(url: str) -> Place | Fault:
    """`video:///dev/video0?size=3264x2448&fourcc=MJPG&preview=1920x1080`, `http://…`, or a path."""
    if url.startswith("/"):
        return PictureFile(url)
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname:
        return Stream(url)
    if parts.scheme == "file" and not parts.netloc and parts.path:
        return PictureFile(unquote(parts.path))
    if parts.scheme != "video" or parts.netloc or not parts.path.startswith("/"):
        return Fault(FaultCode.BAD_INPUT, "not video:///dev/…, http://… or the path of a picture")
    given = parse_qs(parts.query)
    if set(given) - {"size", "fourcc", "preview"}:
        return Fault(FaultCode.BAD_INPUT, "only size, preview and fourcc can be given")
    fourcc = given.get("fourcc", ["MJPG"])[-1]
    if not re.fullmatch(r"[A-Z0-9]{4}", fourcc):
        return Fault(FaultCode.BAD_INPUT, "fourcc is four letters or digits, such as MJPG")
    size = _size(given.get("size", ["1920x1080"])[-1])
    preview = _size(given["preview"][-1]) if "preview" in given else PREVIEW_SIZE
    if size is None or preview is None:
        return Fault(FaultCode.BAD_INPUT, "a size is WIDTHxHEIGHT in pixels")
    if "preview" not in given and size[0] * size[1] <= preview[0] * preview[1]:
        preview = size
    return VideoDevice(unquote(parts.path), size, preview, fourcc)


def _size(text: str) -> Size | None:
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not found:
        return None
    width, height = int(found.group(1)), int(found.group(2))
    return (width, height) if max(width, height) <= LARGEST_PX else None


class Flow(StrEnum):
    """What a stream is like."""

    UNSURE = "unsure"  # too early to tell
    LIVE = "live"
    FROZEN = "frozen"
    BLACK = "black"


class StreamWatch:
    """Tells a live stream from one that only repeats itself or shows nothing.

    A real sensor, and an emulated one, never gives two equal pictures; a hung camera gives
    nothing else. So one picture is not yet believed: the second, different one is.
    """

    def __init__(self) -> None:
        self._digest: int | None = None
        self._same_since = 0.0
        self._moved = False
        self._black_since: float | None = None

    def look(self, picture: NDArray[np.uint8], at: float) -> Flow:
        """One picture, at `at` seconds."""
        part = np.ascontiguousarray(picture[::_DIGEST_ROWS])
        digest = zlib.crc32(part.data)
        if digest != self._digest:
            self._moved = self._digest is not None
            self._digest, self._same_since = digest, at
        dark = float(np.percentile(part[:, ::_DIGEST_ROWS], 99)) < BLACK_LEVEL
        if not dark:
            self._black_since = None
        elif self._black_since is None:
            self._black_since = at
        if self._black_since is not None:
            return Flow.BLACK if at - self._black_since >= BLACK_S else Flow.UNSURE
        if at - self._same_since >= FROZEN_S:
            self._moved = False
            return Flow.FROZEN
        return Flow.LIVE if self._moved else Flow.UNSURE
