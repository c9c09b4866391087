"""A camera that nobody looks through is looked for all the same: else its services never open again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.device import Status
from kiosk.channel import Channel, Frame
from kiosk.documents import messages
from kiosk.documents.ring import PreviewWriter
from kiosk.entry.vision import PROBE_GOOD_S, PROBE_LOST_S, Vision

WAIT_S = 30  # only a broken process waits this long


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def utc(self) -> datetime:
        return datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


class Bench:
    """The vision process in this one, with a camera whose cable is in the test's hand."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.there = True
        self.opened = 0
        self.closed = threading.Semaphore(0)
        ours, theirs = socket.socketpair()
        ours.settimeout(WAIT_S)
        self.window, self._theirs = Channel(ours), Channel(theirs)
        self._ring = PreviewWriter()
        nothing: Any = None
        still: Any = SimpleNamespace(changed=lambda: None)
        vision = Vision(
            self._theirs,
            camera_url="http://127.0.0.1:9/",
            plate=still,
            ring=self._ring,
            clock=self.clock,
            log=lambda event, /, **fields: None,
            reader=nothing,
            make_camera=lambda url, clock, report: Camera(self, report),
        )
        self._thread = threading.Thread(target=vision.run, daemon=True)
        self._thread.start()

    def later(self, seconds: float) -> None:
        """Let so much time pass after the camera was closed; the process looks up."""
        assert self.closed.acquire(timeout=WAIT_S)
        self.clock.now_s += seconds
        message = messages.StopLooking().model_dump_json().encode()
        assert self.window.send(message) is None

    def told(self) -> str:
        """What is said of the camera next."""
        while True:
            frame = self.window.receive()
            assert isinstance(frame, Frame), frame
            answer = messages.ANSWER.validate_json(frame.json)
            if isinstance(answer, messages.CameraStatus) and answer.status != "starting":
                return answer.status

    def close(self) -> None:
        self.window.close()
        self._thread.join(WAIT_S)
        self._theirs.close()
        self._ring.close()


class Camera:
    """Says how it is a moment after it was opened, as a real one does."""

    def __init__(self, bench: Bench, report: Callable[[Status, str, str], None]) -> None:
        self._bench = bench
        self._report = report

    def start(self) -> None:
        self._bench.opened += 1
        self._report(Status.STARTING, "", "")

    def newest(self, after: int, wait_s: float) -> None:
        if self._bench.there:
            self._report(Status.READY, "", "camera")
        else:
            self._report(Status.POWERED_OFF, "no picture in time", "")

    def stop(self) -> None:
        self._bench.closed.release()


@pytest.fixture
def bench() -> Iterator[Bench]:
    one = Bench()
    yield one
    one.close()


def test_a_camera_that_was_lost_is_found_again_although_nobody_looks(bench: Bench) -> None:
    assert bench.told() == "ready"
    bench.there = False
    bench.later(PROBE_GOOD_S + 1)
    assert bench.told() == "powered_off"
    bench.there = True
    bench.later(PROBE_LOST_S + 1)
    assert bench.told() == "ready"


def test_a_camera_that_was_never_there_is_found_when_it_comes(bench: Bench) -> None:
    assert bench.told() == "ready"
    bench.there = False
    bench.later(PROBE_GOOD_S + 1)
    assert bench.told() == "powered_off"
    opened = bench.opened
    bench.later(PROBE_LOST_S + 1)
    bench.there = True
    bench.later(PROBE_LOST_S + 1)
    assert bench.told() == "ready"
    assert bench.opened > opened
