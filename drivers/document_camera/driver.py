"""A document camera on its own thread: opened by its setting, watched, opened again when lost.

Only the newest picture is kept. A picture is given out only while the stream is live: not before
it has moved, not while it is frozen or black, and none from before a loss.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol, assert_never

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.device import Clock, Fault, FaultCode, Status
from drivers.document_camera.protocol import (
    Flow,
    PictureFile,
    Place,
    Size,
    Stream,
    StreamWatch,
    VideoDevice,
    parse_url,
)
from drivers.document_camera.values import Photo

OPEN_LIMIT_MS: Final = 2000  # a camera on this machine answers in a tenth of that
READ_LIMIT_MS: Final = 1500  # a stall is told within the 2 s that a person waits without wondering
BACK_OFF_FIRST_S: Final = 0.5
BACK_OFF_LAST_S: Final = 8.0  # somebody may be standing there: a re-plugged cable is found soon
STEADY_S: Final = 5.0  # live for this long, the next loss starts the back-off anew
FILE_PAUSE_S: Final = 0.1  # a picture file is shown ten times a second
SETTLE_FRAMES: Final = 4  # after a change of mode the exposure needs a few pictures
STILL_LIMIT_S: Final = 4.0  # two changes of mode and the pictures between them

Picture = NDArray[np.uint8]
Report = Callable[[Status, str, str], None]
"""Told once for each change: status, reason (for staff), model. From the camera's thread."""


class Source(Protocol):
    """An open camera."""

    @property
    def model(self) -> str: ...

    @property
    def still_life(self) -> bool:
        """Whether it shows one picture by design, so that nothing can be told from sameness."""
        ...

    def read(self) -> Picture | None:
        """The next picture; None when there is none any more, or in time."""
        ...

    def still(self) -> Picture | None:
        """One picture at the best size there is; None when that cannot be had."""
        ...

    def close(self) -> None: ...


Open = Callable[[Place], "Source | Fault"]


class DocumentCamera:
    """`start` and `stop` once each; `newest` and `still` from any thread between them."""

    def __init__(
        self, url: str, *, clock: Clock, report: Report, open_source: Open | None = None
    ) -> None:
        self._place = parse_url(url) if url else Fault(FaultCode.NOT_INSTALLED)
        self._clock = clock
        self._report = report
        self._open = open_source if open_source is not None else open_place
        self._told: tuple[Status, str] | None = None
        self._model = ""
        self._changed = threading.Condition()
        self._newest: Photo | None = None
        self._number = 0
        self._stopping = threading.Event()
        self._still_wanted = 0
        self._still: Photo | Fault | None = None
        self._thread = threading.Thread(target=self._live, name="document-camera", daemon=True)

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
        """A picture exposed after this call, at the best size."""
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
            picture = source.read()
            at = self._clock.monotonic()
            if picture is None:
                return (Status.POWERED_OFF, "no picture in time")
            flow = Flow.LIVE if source.still_life else watch.look(picture, at)
            match flow:
                case Flow.LIVE:
                    self._give(picture, at)
                    self._tell(Status.READY, "")
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

    def _give(self, picture: Picture, at: float) -> None:
        with self._changed:
            self._number += 1
            self._newest = Photo(self._number, at, picture)
            self._changed.notify_all()

    def _answer_still(self, picture: Picture | None) -> None:
        with self._changed:
            if picture is None:
                self._still = Fault(FaultCode.DEVICE_LOST, "no still")
            else:
                self._number += 1
                self._still = Photo(self._number, self._clock.monotonic(), picture)
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


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used."""

    def isOpened(self) -> bool: ...  # noqa: N802 - OpenCV's name
    def read(self) -> tuple[bool, object]: ...
    def set(self, prop: int, value: float, /) -> bool: ...
    def get(self, prop: int, /) -> float: ...
    def release(self) -> None: ...


OpenCapture = Callable[[str, int, list[int]], Capture]


def _open_capture(name: str, backend: int, parameters: list[int]) -> Capture:
    return cv2.VideoCapture(name, backend, parameters)


def open_place(place: Place, open_capture: OpenCapture = _open_capture) -> Source | Fault:
    """Open the camera at `place`. DISCONNECTED when its wire does not open."""
    match place:
        case PictureFile():
            return _FileSource.open(place)
        case Stream():
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                OPEN_LIMIT_MS,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                READ_LIMIT_MS,
            ]
            capture = open_capture(place.url, cv2.CAP_FFMPEG, limits)
            if not capture.isOpened():
                capture.release()
                return Fault(FaultCode.DISCONNECTED, "the stream does not open")
            return _StreamSource(capture)
        case VideoDevice():
            capture = open_capture(place.path, cv2.CAP_V4L2, [])
            if not capture.isOpened():
                capture.release()
                return Fault(FaultCode.DISCONNECTED, "the video device does not open")
            return _VideoSource(capture, place)
        case _:
            assert_never(place)


def _picture(answer: tuple[bool, object]) -> Picture | None:
    taken, picture = answer
    if not taken or not isinstance(picture, np.ndarray) or picture.ndim != 3:
        return None
    if picture.dtype != np.uint8 or picture.shape[2] != 3 or min(picture.shape[:2]) < 32:
        return None
    return picture


class _StreamSource:
    still_life = False

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.model = f"MJPEG {width}x{height}"

    def read(self) -> Picture | None:
        return _picture(self._capture.read())

    def still(self) -> Picture | None:
        # the next picture may have been exposed before it was asked for; the one after was not
        return self.read() if self.read() is not None else None

    def close(self) -> None:
        self._capture.release()


class _VideoSource:
    still_life = False

    def __init__(self, capture: Capture, place: VideoDevice) -> None:
        self._capture = capture
        self._place = place
        size = self._mode(place.preview)
        self.model = f"V4L2 {size[0]}x{size[1]} {place.fourcc}"

    def _mode(self, size: Size) -> Size:
        """Ask for a size; the size that the camera took."""
        # Without MJPG first, many cameras offer large sizes at five pictures a second or not at all.
        self._capture.set(cv2.CAP_PROP_FOURCC, _fourcc(self._place.fourcc))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )

    def read(self) -> Picture | None:
        return _picture(self._capture.read())

    def still(self) -> Picture | None:
        if self._place.size != self._place.preview:
            self._mode(self._place.size)
        picture = None
        for _ in range(SETTLE_FRAMES):
            picture = self.read()
            if picture is None:
                break
        if self._place.size != self._place.preview:
            self._mode(self._place.preview)
        return picture

    def close(self) -> None:
        self._capture.release()


class _FileSource:
    still_life = True

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._pause = threading.Event()
        self.model = f"file {picture.shape[1]}x{picture.shape[0]}"

    @classmethod
    def open(cls, place: PictureFile) -> Source | Fault:
        try:
            data = np.fromfile(place.path, np.uint8)
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        except (OSError, cv2.error):
            return Fault(FaultCode.DISCONNECTED, "the picture file cannot be read")
        found = _picture((picture is not None, picture))
        if found is None:
            return Fault(FaultCode.DISCONNECTED, "the file is no picture")
        return cls(found)

    def read(self) -> Picture | None:
        self._pause.wait(FILE_PAUSE_S)
        return self._picture.copy()

    def still(self) -> Picture | None:
        return self._picture.copy()

    def close(self) -> None:
        self._pause.set()


def _fourcc(name: str) -> int:
    one, two, three, four = (ord(letter) for letter in name)
    return one | two << 8 | three << 16 | four << 24
