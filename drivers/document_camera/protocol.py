"""Where a camera is, what its bytes say and how its stream is judged: pure, no camera, no clock."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.addresses import FileUrl, Size, StreamUrl, VideoUrl, address_of
from drivers.device import DeviceClass, Fault, FaultCode

STILL_SIZE: Final[Size] = (1920, 1080)  # where the settings name none
FOURCC: Final = "MJPG"  # raw pictures of this size do not go through USB 2 in time
PREVIEW_SIZES: Final[tuple[Size, ...]] = ((1920, 1080), (1600, 1200))
"""What a video camera is asked for between stills: of the still's proportions, so that both show the
same part of the plate; else the first."""
FROZEN_S: Final = 2.0  # a sensor's noise makes every picture differ; this long it cannot be chance
BLACK_S: Final = 2.0  # exposure needs up to a second after the stream begins
BLACK_LEVEL: Final = 10  # of 255, the brightest 1 %: a lens cap, or no light at all
_DIGEST_ROWS: Final = 8  # every eighth row is read: 1 ms at 8 megapixels, and noise is everywhere
MAX_PIXELS: Final = 50_000_000  # larger than any document camera's sensor; 150 MB unpacked
MIN_SIDE_PX: Final = 32  # smaller is no picture of a plate
MAX_JPEG_BYTES: Final = 32 << 20  # a sensor of 50 megapixels at the best quality
MAX_PART_HEAD_BYTES: Final = 8 << 10  # some lines of text stand before a picture, not a book


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """A V4L2 device. `size` of a still, `preview` between stills.

    `focus`: where the lens stays; None lets the camera focus by itself, where it can.
    """

    path: str
    size: Size
    preview: Size
    fourcc: str
    focus: int | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """MJPEG over HTTP."""

    url: str


@dataclass(frozen=True, slots=True)
class PictureFile:
    """The same picture again and again: for trying out, never frozen."""

    path: str


Place = VideoDevice | Stream | PictureFile


def place_of(text: str) -> Place | Fault:
    """Where `text` says that the camera is; what it leaves out as document cameras like it."""
    match address_of(DeviceClass.DOCUMENT_CAMERA, text):
        case Fault() as fault:
            return fault
        case FileUrl(path=path):
            return PictureFile(path)
        case StreamUrl(url=url):
            return Stream(url)
        case VideoUrl() as video:
            size = video.size or STILL_SIZE
            preview = video.preview or _preview_of(size)
            return VideoDevice(video.path, size, preview, video.fourcc or FOURCC, video.focus)
        case _:
            return Fault(FaultCode.BAD_INPUT, "no camera stands there")


def _preview_of(still: Size) -> Size:
    near = min(PREVIEW_SIZES, key=lambda size: abs(size[0] * still[1] - size[1] * still[0]))
    return still if still[0] * still[1] <= near[0] * near[1] else near


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


# -- JPEG -------------------------------------------------------------------------------

_START, _END = b"\xff\xd8", b"\xff\xd9"
_FRAME_HEADS: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOF0 … SOF15


def trimmed_jpeg(data: bytes) -> bytes:
    """From its start mark to its end mark: drivers hand over whole buffers, filled up with zeros."""
    end = data.rfind(_END)
    return data[: end + 2] if data.startswith(_START) and end > 0 else b""


def jpeg_size(data: bytes) -> Size | None:
    """What the head of a JPEG says of itself, nothing unpacked; None when it is none."""
    if not data.startswith(_START):
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        mark = data[at + 1]
        if mark == 0xFF:  # fill
            at += 1
            continue
        if mark in _FRAME_HEADS:
            height = int.from_bytes(data[at + 5 : at + 7], "big")
            width = int.from_bytes(data[at + 7 : at + 9], "big")
            return (width, height) if width and height else None
        if mark == 0x01 or 0xD0 <= mark <= 0xD7:  # marks without a length
            at += 2
            continue
        if mark in (0xD9, 0xDA):  # the end, or the picture itself without a head
            return None
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def reduction(size: Size, least: int) -> int:
    """By which of 1, 2, 4, 8 a JPEG can be unpacked smaller and keep a long side of `least` pixels."""
    return next((by for by in (8, 4, 2) if max(size) // by >= least), 1)


# -- a stream of parts --------------------------------------------------------------------


class Parts:
    """multipart/x-mixed-replace taken apart, whatever pieces it comes in.

    A part ends where its Content-Length says, else before the next boundary. `broken` says what is
    wrong once a limit was passed; nothing more comes then.
    """

    def __init__(self, boundary: str) -> None:
        self._mark = b"--" + boundary.removeprefix("--").encode("latin-1", "replace")
        self._held = bytearray()
        self._length: int | None = None  # of the part whose head was read; -1: it does not say
        self._seen = 0  # no boundary begins before this place
        self.broken = ""

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that are whole now."""
        self._held += data
        found: list[bytes] = []
        while not self.broken and (body := self._next()) is not None:
            found.append(body)
        if self.broken:
            self._held.clear()
        return found

    def _next(self) -> bytes | None:
        if self._length is None:
            self._length = self._head()
        if self._length is None:
            return None
        if self._length >= 0:
            if len(self._held) < self._length:
                return None
            end = self._length
        else:
            end = self._held.find(self._mark, self._seen)
            if end < 0:
                self._seen = max(0, len(self._held) - len(self._mark))
                if len(self._held) > MAX_JPEG_BYTES:
                    self.broken = "a part without an end"
                return None
        body = bytes(self._held[:end])
        del self._held[:end]
        self._length, self._seen = None, 0
        return body

    def _head(self) -> int | None:
        start = self._held.find(self._mark)
        end = self._held.find(b"\r\n\r\n", max(0, start))
        if start < 0 or end < 0:
            if len(self._held) > MAX_PART_HEAD_BYTES:
                self.broken = "no head of a part"
            return None
        head = bytes(self._held[start:end])
        del self._held[: end + 4]
        length = re.search(rb"(?im)^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", head)
        if length and int(length.group(1)) > MAX_JPEG_BYTES:
            self.broken = "a part that is too large"
            return None
        return int(length.group(1)) if length else -1


# -- when a still may be exposed ----------------------------------------------------------


class Settling:
    """Tells when exposure and focus have come to rest, from small looks at each picture."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._calm = 0

    def look(self, small: NDArray[np.uint8]) -> bool:
        """`small`: the picture, much reduced. True once it is as bright and as sharp as before."""
        grey = small.astype(np.float32).mean(axis=2)
        bright = float(grey.mean())
        sharp = float(np.abs(np.diff(grey, axis=1)).mean())
        last, self._last = self._last, (bright, sharp)
        if last is not None and _near(bright, last[0], 0.02) and _near(sharp, last[1], 0.06):
            self._calm += 1
        else:
            self._calm = 0
        return self._calm >= 1


def _near(now: float, before: float, share: float) -> bool:
    return abs(now - before) <= max(0.5, share * max(now, before))
