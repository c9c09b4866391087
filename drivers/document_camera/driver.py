"""A document camera on its own thread: opened by its setting, watched, opened again when lost.

Only the newest picture is kept. A picture is given out only while the stream is live: not before
it has moved, not while it is frozen or black, and none from before a loss. Pictures stay the bytes
that the camera sent as long as can be; previews are unpacked no larger than they are shown.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, assert_never

import cv2
import numpy as np

from drivers.addresses import Size
from drivers.device import Clock, Fault, FaultCode, Status
from drivers.document_camera.http import HttpPictures
from drivers.document_camera.port import JPEG_FOURCCS, Control, CvPort, Picture, VideoPort
from drivers.document_camera.protocol import (
    MAX_PIXELS,
    MIN_SIDE_PX,
    Flow,
    PictureFile,
    Place,
    Settling,
    Stream,
    StreamWatch,
    VideoDevice,
    jpeg_size,
    place_of,
    reduction,
    trimmed_jpeg,
)
from drivers.document_camera.values import Photo

OPEN_LIMIT_MS: Final = 2000  # a camera on this machine answers in a tenth of that
READ_LIMIT_MS: Final = 1500  # a stall is told within the 2 s that a person waits without wondering
BACK_OFF_FIRST_S: Final = 0.5
BACK_OFF_LAST_S: Final = 2.0  # it is open only while somebody waits: re-plugged, it is back in 3 s
STEADY_S: Final = 5.0  # live for this long, the next loss starts the back-off anew
FILE_PAUSE_S: Final = 0.1  # a picture file is shown ten times a second
SETTLE_FRAMES: Final = (
    12  # after a change of mode: exposure and focus have come to rest long before
)
STILL_LIMIT_S: Final = 6.0  # two changes of mode and the pictures between them
PREVIEW_PX: Final = 1280  # a preview's long side is unpacked no smaller than this
UNREADABLE_LIMIT: Final = 5  # pictures in a row that are none: the camera is not used on

Report = Callable[[Status, str, str], None]
"""Told once for each change: status, reason (for staff), model. From the camera's thread."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture from a source, and its own bytes where it came as JPEG."""

    picture: Picture = field(repr=False)
    jpeg: bytes = field(default=b"", repr=False)


class Source(Protocol):
    """An open camera."""

    @property
    def model(self) -> str: ...

    @property
    def note(self) -> str:
        """What staff should know although it works: the camera gives another size than it said."""
        ...

    @property
    def still_life(self) -> bool:
        """Whether it shows one picture by design, so that nothing can be told from sameness."""
        ...

    def read(self) -> Shot | None:
        """The next picture; None when there is none any more, or in time."""
        ...

    def still(self) -> Shot | None:
        """One picture at the best size there is, exposed now; None when that cannot be had."""
        ...

    def close(self) -> None: ...


Open = Callable[[Place], "Source | Fault"]


class DocumentCamera:
    """`start` and `stop` once each; `newest` and `still` from any thread between them."""

    def __init__(
        self, url: str, *, clock: Clock, report: Report, open_source: Open | None = None
    ) -> None:
        self._place = place_of(url) if url else Fault(FaultCode.NOT_INSTALLED)
        self._clock = clock
        self._report = report
        self._open = open_source if open_source is not None else self._open_place
        self._told: tuple[Status, str] | None = None
        self._model = ""
        self._changed = threading.Condition()
        self._newest: Photo | None = None
        self._number = 0
        self._stopping = threading.Event()
        self._still_wanted = 0
        self._still: Photo | Fault | None = None
        self._thread = threading.Thread(target=self._live, name="document-camera", daemon=True)

    def _open_place(self, place: Place) -> Source | Fault:
        return open_place(place, self._clock)

    def start(self) -> None:
        if isinstance(self._place, Fault):
            installed = self._place.code is not FaultCode.NOT_INSTALLED
            self._tell(Status.BROKEN if installed else Status.NOT_INSTALLED, self._place.detail)
            return
        self._tell(Status.STARTING, "")
        self._thread.start()

    def stop(self, wait_s: float = 3.0) -> bool:
        """Close the camera. False when it did not let go in time."""
        self._stopping.set()
        with self._changed:
            self._newest = None
            self._changed.notify_all()
        if self._thread.ident is None:
            return True
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def newest(self, after: int = 0, wait_s: float = 0.0) -> Photo | None:
        """The newest picture with a number above `after`, waited for at most `wait_s`."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping.is_set() or self._is_newer(after), timeout=wait_s
            )
            return self._newest if self._is_newer(after) else None

    def still(self, wait_s: float = STILL_LIMIT_S) -> Photo | Fault:
        """A picture exposed about when it was asked for, never a stored one, at the best size."""
        with self._changed:
            if self._newest is None:
                return Fault(FaultCode.DEVICE_LOST, "no live picture")
            self._still = None
            self._still_wanted += 1
            self._changed.wait_for(self._still_settled, timeout=wait_s)
            answer = self._take_still()
        return Fault(FaultCode.TIMED_OUT, "no still in time") if answer is None else answer

    def _take_still(self) -> Photo | Fault | None:
        answer, self._still = self._still, None
        return answer

    def _still_settled(self) -> bool:
        return self._stopping.is_set() or self._still is not None

    def _is_newer(self, after: int) -> bool:
        return self._newest is not None and self._newest.number > after

    # -- the thread ---------------------------------------------------------------

    def _live(self) -> None:
        if isinstance(self._place, Fault):
            return
        back_off_s = BACK_OFF_FIRST_S
        while not self._stopping.is_set():
            source = self._open(self._place)
            if isinstance(source, Fault):
                self._tell(Status.DISCONNECTED, source.detail)
            else:
                opened = self._clock.monotonic()
                self._model = source.model
                try:
                    status, reason = self._follow(source)
                finally:
                    source.close()
                self._lose()
                if self._stopping.is_set():
                    break
                self._tell(status, reason)
                if self._clock.monotonic() - opened >= STEADY_S:
                    back_off_s = BACK_OFF_FIRST_S
            self._stopping.wait(back_off_s)
            back_off_s = min(back_off_s * 2, BACK_OFF_LAST_S)
        self._lose()

    def _follow(self, source: Source) -> tuple[Status, str]:
        """Take pictures until the stream ends; what the camera is then."""
        watch = StreamWatch()
        served = self._still_wanted
        while not self._stopping.is_set():
            if self._still_wanted != served:
                served = self._still_wanted
                self._answer_still(source.still())
            shot = source.read()
            at = self._clock.monotonic()
            if shot is None:
                return (Status.POWERED_OFF, "no picture in time")
            flow = Flow.LIVE if source.still_life else watch.look(shot.picture, at)
            match flow:
                case Flow.LIVE:
                    self._give(shot, at)
                    self._tell(Status.READY, source.note)
                case Flow.UNSURE:
                    pass
                case Flow.BLACK:  # it may only be the light: go on looking
                    self._lose()
                    self._tell(Status.BROKEN, "black picture")
                case Flow.FROZEN:
                    return (Status.BROKEN, "frozen picture")
                case _:
                    assert_never(flow)
        return (Status.UNKNOWN, "")

    def _give(self, shot: Shot, at: float) -> None:
        with self._changed:
            self._number += 1
            self._newest = Photo(self._number, at, shot.picture, shot.jpeg)
            self._changed.notify_all()

    def _answer_still(self, shot: Shot | None) -> None:
        with self._changed:
            if shot is None:
                self._still = Fault(FaultCode.DEVICE_LOST, "no still")
            else:
                self._number += 1
                at = self._clock.monotonic()
                self._still = Photo(self._number, at, shot.picture, shot.jpeg)
            self._changed.notify_all()

    def _lose(self) -> None:
        """What was seen before is no picture of now."""
        with self._changed:
            self._newest = None
            if self._still_wanted and self._still is None:
                self._still = Fault(FaultCode.DEVICE_LOST, "the camera was lost")
            self._changed.notify_all()

    def _tell(self, status: Status, reason: str) -> None:
        if self._told != (status, reason):
            self._told = (status, reason)
            self._report(status, reason, self._model)


# -- sources ---------------------------------------------------------------------------


OpenPort = Callable[[str], VideoPort | None]


def open_place(place: Place, clock: Clock, open_port: OpenPort = CvPort.open) -> Source | Fault:
    """Open the camera at `place`. DISCONNECTED when its wire does not open."""
    match place:
        case PictureFile():
            return _FileSource.open(place)
        case Stream():
            pictures = HttpPictures.open(place.url, OPEN_LIMIT_MS / 1000, clock)
            return pictures if isinstance(pictures, Fault) else _StreamSource.open(pictures)
        case VideoDevice():
            port = open_port(place.path)
            if port is None:
                return Fault(FaultCode.DISCONNECTED, "the video device does not open")
            return _VideoSource(port, place)
        case _:
            assert_never(place)


def unpack(data: bytes, least: int | None = None) -> Shot | None:
    """A JPEG as it came. With `least`, unpacked by 1/2, 1/4 or 1/8 while its long side keeps that.

    Its head is looked at first: what says that it is too large is not unpacked.
    """
    jpeg = trimmed_jpeg(data)
    size = jpeg_size(jpeg)
    if size is None or size[0] * size[1] > MAX_PIXELS or min(size) < MIN_SIDE_PX:
        return None
    way = _WAYS[1 if least is None else reduction(size, least)]
    try:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), way)
    except cv2.error:
        return None
    return None if picture is None else Shot(np.asarray(picture, np.uint8), jpeg)


_WAYS: Final = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def _usable(picture: Picture) -> bool:
    if picture.ndim != 3 or picture.dtype != np.uint8 or picture.shape[2] != 3:
        return False
    height, width = picture.shape[:2]
    return bool(min(height, width) >= MIN_SIDE_PX and height * width <= MAX_PIXELS)


class _StreamSource:
    still_life = False
    note = ""

    def __init__(self, pictures: HttpPictures, first: Size) -> None:
        self._pictures = pictures
        self.model = f"MJPEG {first[0]}x{first[1]}"

    @classmethod
    def open(cls, pictures: HttpPictures) -> Source | Fault:
        data = pictures.newest(READ_LIMIT_MS / 1000)
        size = jpeg_size(trimmed_jpeg(data)) if data else None
        if size is None:
            pictures.close()
            return Fault(FaultCode.DISCONNECTED, "the stream gives no picture")
        return cls(pictures, size)

    def read(self) -> Shot | None:
        return self._next(PREVIEW_PX)

    def still(self) -> Shot | None:
        # read() leaves nothing behind on the wire: this one was at most being sent when it was asked for
        return self._next(None)

    def _next(self, least: int | None) -> Shot | None:
        for _ in range(UNREADABLE_LIMIT):
            data = self._pictures.newest(READ_LIMIT_MS / 1000)
            if data is None:
                return None
            shot = unpack(data, least)
            if shot is not None:
                return shot
        return None

    def close(self) -> None:
        self._pictures.close()


class _VideoSource:
    still_life = False

    def __init__(self, port: VideoPort, place: VideoDevice) -> None:
        self._port = port
        self._place = place
        self._raw = place.fourcc in JPEG_FOURCCS
        size = self._mode(place.preview)
        self._focus()
        self.model = f"V4L2 {size[0]}x{size[1]} {place.fourcc}"
        self.note = ""

    def _mode(self, size: Size) -> Size:
        """Ask for a size; the size that the camera says it took."""
        # Without MJPG first, many cameras offer large sizes at five pictures a second or not at all.
        self._port.set(Control.FOURCC, _fourcc(self._place.fourcc))
        self._port.set(Control.WIDTH, size[0])
        self._port.set(Control.HEIGHT, size[1])
        self._port.set(Control.BUFFERS, 1)
        if self._raw:
            self._port.set(Control.AS_IT_COMES, 0)
        return (self._port.get(Control.WIDTH), self._port.get(Control.HEIGHT))

    def _focus(self) -> None:
        lens = self._place.focus
        if lens is None:
            self._port.set(Control.AUTOFOCUS, 1)
        else:
            self._port.set(Control.AUTOFOCUS, 0)
            self._port.set(Control.FOCUS, lens)

    def _grab(self, least: int | None) -> Shot | None:
        for _ in range(UNREADABLE_LIMIT):
            taken = self._port.grab()
            if taken is None:
                return None
            if isinstance(taken, bytes):
                shot = unpack(taken, least)
                if shot is not None:
                    return shot
            elif _usable(taken):
                return Shot(taken)
        return None

    def read(self) -> Shot | None:
        shot = self._grab(PREVIEW_PX)
        if shot is not None:
            self.note = self._lie(shot)
        return shot

    def _lie(self, shot: Shot) -> str:
        said = (self._port.get(Control.WIDTH), self._port.get(Control.HEIGHT))
        height, width = shot.picture.shape[:2]
        given = jpeg_size(shot.jpeg) if shot.jpeg else (width, height)
        if given is None or given == said:
            return ""
        return f"says {said[0]}x{said[1]}, gives {given[0]}x{given[1]}"

    def still(self) -> Shot | None:
        """At the still's size, once exposure and focus have come to rest."""
        switched = self._place.size != self._place.preview
        if switched:
            self._mode(self._place.size)
        try:
            return self._settled()
        finally:
            if switched:
                self._mode(self._place.preview)

    def _settled(self) -> Shot | None:
        settling, newest = Settling(), None
        for _ in range(SETTLE_FRAMES):
            taken = self._port.grab()
            if taken is None:
                return None
            newest = taken
            small = unpack(taken, MIN_SIDE_PX) if isinstance(taken, bytes) else _small(taken)
            if small is not None and settling.look(small.picture):
                break
        if isinstance(newest, bytes):
            return unpack(newest)
        return Shot(newest) if newest is not None and _usable(newest) else None

    def close(self) -> None:
        self._port.close()


def _small(picture: Picture) -> Shot | None:
    return Shot(picture[::8, ::8]) if _usable(picture) else None


class _FileSource:
    still_life = True
    note = ""

    def __init__(self, shot: Shot) -> None:
        self._shot = shot
        self._pause = threading.Event()
        self.model = f"file {shot.picture.shape[1]}x{shot.picture.shape[0]}"

    @classmethod
    def open(cls, place: PictureFile) -> Source | Fault:
        try:
            data = Path(place.path).read_bytes()
        except OSError:
            return Fault(FaultCode.DISCONNECTED, "the picture file cannot be read")
        shot = unpack(data)
        if shot is None:
            with contextlib.suppress(cv2.error):
                picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
                if picture is not None and _usable(np.asarray(picture)):
                    shot = Shot(np.asarray(picture, np.uint8))
        if shot is None:
            return Fault(FaultCode.DISCONNECTED, "the file is no picture")
        return cls(shot)

    def read(self) -> Shot | None:
        self._pause.wait(FILE_PAUSE_S)
        return Shot(self._shot.picture.copy(), self._shot.jpeg)

    def still(self) -> Shot | None:
        return Shot(self._shot.picture.copy(), self._shot.jpeg)

    def close(self) -> None:
        self._pause.set()


def _fourcc(name: str) -> int:
    one, two, three, four = (ord(letter) for letter in name)
    return one | two << 8 | three << 16 | four << 24
