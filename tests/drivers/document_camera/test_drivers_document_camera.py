"""A camera is opened by its setting, watched while it runs, and found again when lost."""

from __future__ import annotations

import threading
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
from drivers.document_camera.driver import DocumentCamera, Source, open_place
from drivers.document_camera.protocol import (
    BLACK_S,
    FROZEN_S,
    Flow,
    PictureFile,
    Place,
    Stream,
    StreamWatch,
    VideoDevice,
    parse_url,
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
            VideoDevice("/dev/video0", (3264, 2448), (1920, 1080), "MJPG"),
        ),
        (
            "video:///dev/video2?size=1280x720",
            VideoDevice("/dev/video2", (1280, 720), (1280, 720), "MJPG"),
        ),
        (
            "video:///dev/v4l/by-id/cam?size=2592x1944&preview=1280x960&fourcc=YUYV",
            VideoDevice("/dev/v4l/by-id/cam", (2592, 1944), (1280, 960), "YUYV"),
        ),
        ("http://127.0.0.1:8099/stream", Stream("http://127.0.0.1:8099/stream")),
        ("/srv/page.jpg", PictureFile("/srv/page.jpg")),
        ("file:///srv/page%201.jpg", PictureFile("/srv/page 1.jpg")),
    ],
)
def test_a_setting_says_where_the_camera_is(url: str, place: Place) -> None:
    assert parse_url(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "video://dev/video0",
        "video:///dev/video0?size=big",
        "video:///dev/video0?fourcc=mjpg2",
        "video:///dev/video0?speed=5",
        "video:///dev/video0?size=99999x9",
        "rtsp://camera",
        "http://",
        "page.jpg",
    ],
)
def test_a_wrong_setting_is_told(url: str) -> None:
    place = parse_url(url)
    assert isinstance(place, Fault)
    assert place.code is FaultCode.BAD_INPUT
    assert place.detail


@given(st.text(max_size=60).map(lambda text: "video:///" + text))
def test_any_text_is_a_place_or_a_fault(url: str) -> None:
    assert isinstance(parse_url(url), VideoDevice | Fault)


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


class FakeSource:
    """Gives what the test puts in; None ends the stream."""

    model = "fake"
    still_life = False

    def __init__(self) -> None:
        self.pictures: Queue[Picture | None] = Queue()
        self.closed = threading.Event()

    def read(self) -> Picture | None:
        return self.pictures.get()

    def still(self) -> Picture | None:
        return noisy(77, 200)

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
    source.pictures.put(None)
    assert camera.stop()


def test_a_terminal_without_a_camera_says_so() -> None:
    reports = Reports()
    camera = DocumentCamera("", clock=Hands(), report=reports)
    camera.start()
    assert reports.next()[0] is Status.NOT_INSTALLED
    assert camera.stop()


# -- opening ---------------------------------------------------------------------------------


class FakeCapture:
    """Stands for `cv2.VideoCapture`; takes any size but those over its sensor's."""

    def __init__(self, opened: bool = True, sensor: tuple[int, int] = (2592, 1944)) -> None:
        self.opened = opened
        self.sensor = sensor
        self.calls: list[tuple[int, float]] = []
        self.size = [640, 480]
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def read(self) -> tuple[bool, object]:
        return True, np.zeros((self.size[1], self.size[0], 3), np.uint8)

    def set(self, prop: int, value: float, /) -> bool:
        self.calls.append((prop, value))
        if prop == cv2.CAP_PROP_FRAME_WIDTH:
            self.size[0] = min(int(value), self.sensor[0])
        if prop == cv2.CAP_PROP_FRAME_HEIGHT:
            self.size[1] = min(int(value), self.sensor[1])
        return True

    def get(self, prop: int, /) -> float:
        return float(self.size[0 if prop == cv2.CAP_PROP_FRAME_WIDTH else 1])

    def release(self) -> None:
        self.released = True


def test_a_video_camera_is_asked_for_mjpg_before_its_size_and_its_size_is_read_back() -> None:
    capture = FakeCapture()
    place = VideoDevice("/dev/video0", (3264, 2448), (1920, 1080), "MJPG")
    source = open_place(place, lambda name, backend, limits: capture)
    assert not isinstance(source, Fault)
    kinds = [prop for prop, _ in capture.calls]
    assert kinds.index(cv2.CAP_PROP_FOURCC) < kinds.index(cv2.CAP_PROP_FRAME_WIDTH)
    assert capture.calls[0] == (cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter.fourcc(*"MJPG")))
    assert source.model == "V4L2 1920x1080 MJPG"
    still = source.still()
    assert still is not None
    assert still.shape == (1944, 2592, 3)  # the sensor's own size, not the one asked for
    preview = source.read()
    assert preview is not None
    assert preview.shape == (1080, 1920, 3)
    source.close()
    assert capture.released


def test_a_stream_is_opened_with_limits_of_time() -> None:
    asked: list[tuple[str, int, list[int]]] = []

    def opens(name: str, backend: int, limits: list[int]) -> FakeCapture:
        asked.append((name, backend, limits))
        return FakeCapture(opened=False)

    fault = open_place(Stream("http://127.0.0.1:9/stream"), opens)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.DISCONNECTED
    name, backend, limits = asked[0]
    assert (name, backend) == ("http://127.0.0.1:9/stream", cv2.CAP_FFMPEG)
    assert limits == [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        2000,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        1500,
    ]


def test_a_file_that_is_no_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_bytes(b"nothing")
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name in ("page.jpg", "empty.jpg", "missing.jpg"):
        assert isinstance(open_place(PictureFile(str(tmp_path / name))), Fault)
