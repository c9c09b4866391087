"""A camera is opened by its setting, watched while it runs, and found again when lost."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.device import Fault, FaultCode, Status
from drivers.document_camera.driver import DocumentCamera, Shot, Source, open_place, unpack
from drivers.document_camera.port import Control
from drivers.document_camera.protocol import (
    BLACK_S,
    FROZEN_S,
    MAX_PART_HEAD_BYTES,
    Flow,
    Parts,
    PictureFile,
    Place,
    Stream,
    StreamWatch,
    VideoDevice,
    jpeg_size,
    place_of,
    trimmed_jpeg,
)

Picture = NDArray[np.uint8]


def noisy(seed: int, level: int = 120) -> Picture:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(level, 3, (60, 80, 3)), 0, 255).astype(np.uint8)


# -- settings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (
            "video:///dev/video0?size=3264x2448&fourcc=MJPG",
            VideoDevice("/dev/video0", (3264, 2448), (1600, 1200), "MJPG"),
        ),
        (
            "video:///dev/video0?size=3840x2160",
            VideoDevice("/dev/video0", (3840, 2160), (1920, 1080), "MJPG"),
        ),
        (
            "video:///dev/video2?size=1280x720",
            VideoDevice("/dev/video2", (1280, 720), (1280, 720), "MJPG"),
        ),
        (
            "video:///dev/v4l/by-id/cam?size=2592x1944&preview=1280x960&fourcc=YUYV",
            VideoDevice("/dev/v4l/by-id/cam", (2592, 1944), (1280, 960), "YUYV"),
        ),
        (
            "video:///dev/video0?size=1920x1080&focus=120",
            VideoDevice("/dev/video0", (1920, 1080), (1920, 1080), "MJPG", 120),
        ),
        ("http://127.0.0.1:8099/stream", Stream("http://127.0.0.1:8099/stream")),
        ("/srv/page.jpg", PictureFile("/srv/page.jpg")),
        ("file:///srv/page%201.jpg", PictureFile("/srv/page 1.jpg")),
    ],
)
def test_a_setting_says_where_the_camera_is(url: str, place: Place) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "video://dev/video0",
        "video:///dev/video0?size=big",
        "video:///dev/video0?fourcc=mjpg2",
        "video:///dev/video0?speed=5",
        "video:///dev/video0?focus=near",
        "video:///dev/video0?size=99999x9",
        "rtsp://camera",
        "http://",
        "page.jpg",
    ],
)
def test_a_wrong_setting_is_told(url: str) -> None:
    place = place_of(url)
    assert isinstance(place, Fault)
    assert place.code is FaultCode.BAD_INPUT
    assert place.detail


@given(st.text(max_size=60).map(lambda text: "video:///" + text))
def test_any_text_is_a_place_or_a_fault(url: str) -> None:
    assert isinstance(place_of(url), VideoDevice | Fault)


# -- the stream --------------------------------------------------------------------------


def test_a_stream_is_believed_with_the_second_different_picture() -> None:
    watch = StreamWatch()
    assert watch.look(noisy(1), 0.0) is Flow.UNSURE
    assert watch.look(noisy(1), 0.1) is Flow.UNSURE
    assert watch.look(noisy(2), 0.2) is Flow.LIVE


def test_the_same_picture_for_two_seconds_is_a_frozen_camera() -> None:
    watch = StreamWatch()
    watch.look(noisy(1), 0.0)
    watch.look(noisy(2), 0.1)
    assert watch.look(noisy(2), 0.1 + FROZEN_S - 0.01) is Flow.LIVE
    assert watch.look(noisy(2), 0.1 + FROZEN_S) is Flow.FROZEN
    assert watch.look(noisy(3), 2.3) is Flow.LIVE


def test_a_page_that_lies_still_is_not_a_frozen_camera() -> None:
    watch = StreamWatch()
    flows = [watch.look(noisy(seed), seed * 0.1) for seed in range(60)]
    assert set(flows[1:]) == {Flow.LIVE}


def test_a_black_stream_is_told_after_two_seconds_and_the_light_ends_it() -> None:
    watch = StreamWatch()
    flows = [watch.look(noisy(seed, 1), seed * 0.1) for seed in range(int(BLACK_S * 10) + 1)]
    assert flows[-1] is Flow.BLACK
    assert Flow.LIVE not in flows
    assert watch.look(noisy(99), 3.0) is Flow.LIVE


# -- the camera ----------------------------------------------------------------------------


class Hands:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC)


class SystemHands(Hands):
    """The machine's own clock, for real wires."""

    def monotonic(self) -> float:
        return time.monotonic()


class FakeSource:
    """Gives what the test puts in; None ends the stream."""

    model = "fake"
    note = ""
    still_life = False

    def __init__(self) -> None:
        self.pictures: Queue[Picture | None] = Queue()
        self.closed = threading.Event()

    def read(self) -> Shot | None:
        picture = self.pictures.get()
        return None if picture is None else Shot(picture)

    def still(self) -> Shot | None:
        return Shot(noisy(77, 200), b"as it came")

    def close(self) -> None:
        self.closed.set()


class Reports:
    """What the camera told, waited for."""

    def __init__(self) -> None:
        self.told: Queue[tuple[Status, str, str]] = Queue()

    def __call__(self, status: Status, reason: str, model: str) -> None:
        self.told.put((status, reason, model))

    def next(self) -> tuple[Status, str]:
        status, reason, _ = self.told.get(timeout=20)
        return status, reason


def camera_with(opens: Callable[[Place], Source | Fault]) -> tuple[DocumentCamera, Reports, Hands]:
    reports, hands = Reports(), Hands()
    camera = DocumentCamera("http://127.0.0.1:9/", clock=hands, report=reports, open_source=opens)
    camera.start()
    assert reports.next() == (Status.STARTING, "")
    return camera, reports, hands


def test_pictures_come_newest_first_and_old_ones_are_dropped() -> None:
    source = FakeSource()
    camera, reports, _ = camera_with(lambda _: source)
    for seed in range(5):
        source.pictures.put(noisy(seed))
    assert reports.next() == (Status.READY, "")
    photo = camera.newest(after=3, wait_s=20)
    assert photo is not None
    assert np.array_equal(photo.bgr, noisy(4))
    assert camera.newest(after=photo.number) is None
    source.pictures.put(None)
    assert reports.next() == (Status.POWERED_OFF, "no picture in time")
    assert camera.newest() is None  # what was seen before is no picture of now
    assert source.closed.wait(20)
    assert camera.stop()


def test_a_frozen_camera_gives_no_picture_and_is_opened_again() -> None:
    sources = [FakeSource(), FakeSource()]
    left = iter(sources)
    camera, reports, hands = camera_with(lambda _: next(left))
    sources[0].pictures.put(noisy(1))
    sources[0].pictures.put(noisy(2))
    assert reports.next() == (Status.READY, "")
    assert camera.newest(wait_s=20) is not None
    hands.now += FROZEN_S
    sources[0].pictures.put(noisy(2))
    assert reports.next() == (Status.BROKEN, "frozen picture")
    assert camera.newest() is None
    sources[1].pictures.put(noisy(3))
    sources[1].pictures.put(noisy(4))
    assert reports.next() == (Status.READY, "")
    sources[1].pictures.put(None)
    assert camera.stop()


def test_a_camera_that_is_not_there_is_told_once_and_found_when_it_comes() -> None:
    source, tries = FakeSource(), iter([True, True, False])

    def opens(_: Place) -> Source | Fault:
        return Fault(FaultCode.DISCONNECTED, "gone") if next(tries) else source

    camera, reports, _ = camera_with(opens)
    source.pictures.put(noisy(1))
    source.pictures.put(noisy(2))
    assert reports.next() == (Status.DISCONNECTED, "gone")
    assert reports.next() == (Status.READY, "")
    source.pictures.put(None)
    assert camera.stop()


def test_a_still_is_taken_at_its_own_size_and_lost_with_the_camera() -> None:
    source = FakeSource()
    camera, reports, _ = camera_with(lambda _: source)
    fault = camera.still(wait_s=20)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.DEVICE_LOST
    source.pictures.put(noisy(1))
    source.pictures.put(noisy(2))
    assert reports.next() == (Status.READY, "")
    assert camera.newest(wait_s=20) is not None
    answers: Queue[object] = Queue()
    asking = threading.Thread(target=lambda: answers.put(camera.still(wait_s=20)))
    asking.start()
    while asking.is_alive():  # the camera looks at its requests between two pictures
        source.pictures.put(noisy(3))
        asking.join(0.01)
    photo = answers.get()
    assert not isinstance(photo, Fault)
    assert np.array_equal(photo.bgr, noisy(77, 200))  # type: ignore[attr-defined]
    assert photo.jpeg == b"as it came"  # type: ignore[attr-defined]
    source.pictures.put(None)
    assert camera.stop()


def test_a_terminal_without_a_camera_says_so() -> None:
    reports = Reports()
    camera = DocumentCamera("", clock=Hands(), report=reports)
    camera.start()
    assert reports.next()[0] is Status.NOT_INSTALLED
    assert camera.stop()


# -- a video device ----------------------------------------------------------------------------


def jpeg(picture: Picture) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


class FakePort:
    """A V4L2 device that is not there: takes any size up to its sensor's, gives JPEG in whole buffers."""

    def __init__(self, sensor: tuple[int, int] = (2592, 1944), gives: Size | None = None) -> None:
        self.sensor = sensor
        self.gives = gives
        self.calls: list[tuple[Control, int]] = []
        self.size = [640, 480]
        self.since_switch = 0
        self.taken: list[bytes] = []
        self.closed = False
        self.garbage = 0

    def set(self, control: Control, value: int) -> bool:
        self.calls.append((control, value))
        if control is Control.WIDTH:
            self.size[0] = min(value, self.sensor[0])
        if control is Control.HEIGHT:
            self.size[1] = min(value, self.sensor[1])
            self.since_switch = 0
        return True

    def get(self, control: Control) -> int:
        return self.size[0 if control is Control.WIDTH else 1]

    def grab(self) -> bytes | Picture | None:
        if self.garbage:
            self.garbage -= 1
            return b"\xff\xd8 torn"
        width, height = self.gives or tuple(self.size)
        level = 40 + min(self.since_switch, 4) * 30  # the exposure comes up in four pictures
        self.since_switch += 1
        rng = np.random.default_rng(self.since_switch)
        picture = np.full((height, width, 3), level, np.uint8)
        picture[: height // 2 : 16] = rng.integers(0, 9, (1, 3)) + level
        self.taken.append(jpeg(picture))
        return self.taken[-1] + bytes(500)

    def close(self) -> None:
        self.closed = True


Size = tuple[int, int]
DEVICE = VideoDevice("/dev/video0", (3264, 2448), (1920, 1080), "MJPG")


def opened(port: FakePort, place: VideoDevice = DEVICE) -> Source:
    source = open_place(place, Hands(), lambda path: port)
    assert not isinstance(source, Fault)
    return source


def test_a_video_camera_is_asked_for_mjpg_before_its_size_and_its_size_is_read_back() -> None:
    port = FakePort()
    source = opened(port)
    kinds = [control for control, _ in port.calls]
    assert kinds.index(Control.FOURCC) < kinds.index(Control.WIDTH)
    assert port.calls[0] == (Control.FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    assert (Control.AS_IT_COMES, 0) in port.calls
    assert (Control.AUTOFOCUS, 1) in port.calls
    assert source.model == "V4L2 1920x1080 MJPG"
    source.close()
    assert port.closed


def test_a_lens_that_is_to_stay_is_told_so() -> None:
    port = FakePort()
    opened(port, VideoDevice("/dev/video0", (1920, 1080), (1920, 1080), "MJPG", 120))
    focus = [(control, value) for control, value in port.calls if "FOCUS" in control.name]
    assert focus == [(Control.AUTOFOCUS, 0), (Control.FOCUS, 120)]


def test_a_still_is_as_large_as_the_sensor_and_keeps_the_bytes_the_camera_sent() -> None:
    port = FakePort()
    source = opened(port)
    preview = source.read()
    assert preview is not None
    still = source.still()
    assert still is not None
    assert still.picture.shape == (1944, 2592, 3)  # the sensor's own size, not the one asked for
    assert still.jpeg == port.taken[-1]  # byte for byte, without the rest of the buffer
    again = source.read()
    assert again is not None
    assert jpeg_size(again.jpeg) == (1920, 1080)  # back to the preview


def test_a_still_is_not_exposed_before_the_light_has_settled() -> None:
    source = opened(FakePort())
    still = source.still()
    assert still is not None
    assert abs(float(still.picture.mean()) - 160) < 3  # not the dark ones right after the switch


def test_large_previews_are_unpacked_smaller_but_no_smaller_than_they_are_shown() -> None:
    whole = (3264, 2448)
    source = opened(FakePort(sensor=whole), VideoDevice("/dev/video0", whole, whole, "MJPG"))
    preview = source.read()
    assert preview is not None
    assert preview.picture.shape == (1224, 1632, 3)
    assert jpeg_size(preview.jpeg) == whole


def test_a_camera_that_lies_about_its_size_is_told() -> None:
    port = FakePort(gives=(640, 480))
    place = VideoDevice("/dev/video0", (1920, 1080), (1920, 1080), "MJPG")
    source = opened(port, place)
    assert source.note == ""
    shot = source.read()
    assert shot is not None
    assert source.note == "says 1920x1080, gives 640x480"


def test_torn_pictures_are_passed_over_and_a_camera_of_nothing_else_is_lost() -> None:
    port = FakePort()
    source = opened(port)
    port.garbage = 3
    assert source.read() is not None
    port.garbage = 1000
    assert source.read() is None


def test_a_device_that_does_not_open_is_told() -> None:
    fault = open_place(DEVICE, Hands(), lambda path: None)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.DISCONNECTED
    real = open_place(VideoDevice("/dev/no-such-video", (640, 480), (640, 480), "MJPG"), Hands())
    assert isinstance(real, Fault)


# -- bytes ----------------------------------------------------------------------------------


def test_the_head_of_a_jpeg_tells_its_size_before_anything_is_unpacked() -> None:
    assert jpeg_size(jpeg(noisy(1))) == (80, 60)
    whole = jpeg(noisy(1))
    huge = bytearray(whole)
    at = huge.find(b"\xff\xc0")
    huge[at + 5 : at + 9] = b"\xff\xf0\xff\xf0"  # 65,520 x 65,520
    assert jpeg_size(bytes(huge)) == (65520, 65520)
    assert unpack(bytes(huge)) is None
    assert unpack(jpeg(np.zeros((8, 8, 3), np.uint8))) is None


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_picture_or_none(data: bytes, marked: bool) -> None:
    unpack(b"\xff\xd8" + data + b"\xff\xd9" if marked else data)


def part(data: bytes, length: bool) -> bytes:
    told = f"Content-Length: {len(data)}\r\n" if length else ""
    return b"--frame\r\nContent-Type: image/jpeg\r\n" + told.encode() + b"\r\n" + data + b"\r\n"


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5), st.integers(1, 9), st.data())
def test_a_stream_is_taken_apart_whatever_pieces_it_comes_in(
    bodies: list[bytes], piece: int, data: st.DataObject
) -> None:
    pictures = [b"\xff\xd8" + body.replace(b"--", b"") + b"\xff\xd9" for body in bodies]
    wire = b"".join(part(one, data.draw(st.booleans())) for one in pictures) + b"--frame\r\n"
    parts, found = Parts("frame"), []
    for at in range(0, len(wire), piece):
        found += parts.feed(wire[at : at + piece])
    assert [trimmed_jpeg(one) for one in found] == pictures
    assert not parts.broken


@given(st.lists(st.binary(max_size=80), max_size=30))
def test_a_stream_of_anything_never_breaks_the_reader(pieces: list[bytes]) -> None:
    parts = Parts("frame")
    for one in pieces:
        parts.feed(one)


@pytest.mark.parametrize(
    "wire",
    [
        b"x" * (MAX_PART_HEAD_BYTES + 1),
        b"--frame\r\n" + b"x" * (MAX_PART_HEAD_BYTES + 1),
        b"--frame\r\nContent-Length: 999999999999\r\n\r\n",
    ],
)
def test_a_stream_without_an_end_is_given_up(wire: bytes) -> None:
    parts = Parts("frame")
    assert parts.feed(wire) == []
    assert parts.broken
    assert parts.feed(part(b"\xff\xd8", length=True)) == []


# -- streams ------------------------------------------------------------------------------------


class OneAnswer:
    """A server that answers the first caller with `wire` and keeps the line open."""

    def __init__(self, wire: bytes) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.asked = b""
        self.wire = wire
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.getsockname()[1]}/stream?x=1"

    def _serve(self) -> None:
        caller, _ = self.server.accept()
        with caller, contextlib.suppress(OSError):
            self.asked = caller.recv(4096)
            caller.sendall(self.wire)
            while caller.recv(4096):
                pass

    def close(self) -> None:
        self.thread.join(20)
        self.server.close()


HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def test_only_the_newest_picture_of_a_stream_that_ran_ahead_is_taken() -> None:
    pictures = [jpeg(noisy(seed)) for seed in range(4)]
    server = OneAnswer(HEAD + b"".join(part(one, length=True) for one in pictures))
    source = open_place(Stream(server.url.replace("//", "//clerk:a%20b@")), SystemHands())
    assert not isinstance(source, Fault)
    assert source.model == "MJPEG 80x60"
    source.close()
    server.close()
    assert server.asked.startswith(b"GET /stream?x=1 HTTP/1.0\r\n")
    assert b"Authorization: Basic Y2xlcms6YSBi" in server.asked
    assert b"clerk" not in server.asked


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.0 401 No\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
        HEAD.replace(b"; boundary=frame", b""),
        HEAD + part(b"no picture", length=True),
        b"\x00" * 40_000,
    ],
)
def test_what_is_no_stream_of_pictures_is_told(wire: bytes) -> None:
    server = OneAnswer(wire)
    source = open_place(Stream(server.url), SystemHands())
    assert isinstance(source, Fault)
    server.close()


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    fault = open_place(Stream(f"http://127.0.0.1:{port}/"), SystemHands())
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.DISCONNECTED


def test_a_file_that_is_no_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_bytes(b"nothing")
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name in ("page.jpg", "empty.jpg", "missing.jpg"):
        assert isinstance(open_place(PictureFile(str(tmp_path / name)), Hands()), Fault)
