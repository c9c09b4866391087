"""A device that is plugged in again is tried at once, whatever the back-off had come to."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from driver_fakes import FakeClock, Posts, RecordingLog, SteppedWaiter

from drivers.arrivals import FileArrivals
from drivers.code_scanner.driver import CodeScannerDriver
from drivers.code_scanner.values import CodeScanned, ScanCodes, Suffix
from drivers.device import Status
from drivers.worker import DeviceWorker


@pytest.fixture
def arrivals() -> Iterator[FileArrivals]:
    arrivals = FileArrivals()
    yield arrivals
    arrivals.stop()
    assert "arrivals" not in {thread.name for thread in threading.enumerate()}


class Told(threading.Event):
    def __call__(self) -> None:
        self.set()

    def soon(self) -> bool:
        heard = self.wait(10)
        self.clear()
        return heard


def test_a_link_that_appears_is_told(arrivals: FileArrivals, tmp_path: Path) -> None:
    told = Told()
    arrivals.watch(f"serial://{tmp_path / 'idcard'}", told)
    (tmp_path / "other").touch()
    (tmp_path / "idcard").symlink_to("/dev/null")
    assert told.soon()


def test_a_link_that_is_moved_into_its_place_is_told(
    arrivals: FileArrivals, tmp_path: Path
) -> None:
    told = Told()
    arrivals.watch(f"serial://{tmp_path / 'idcard'}", told)
    (tmp_path / ".tmp").symlink_to("/dev/null")
    (tmp_path / ".tmp").rename(tmp_path / "idcard")
    assert told.soon()


def test_a_file_whose_rights_are_given_later_is_told_again(
    arrivals: FileArrivals, tmp_path: Path
) -> None:
    told = Told()
    arrivals.watch(f"serial://{tmp_path / 'tty'}", told)
    (tmp_path / "tty").touch()
    assert told.soon()
    (tmp_path / "tty").chmod(0o660)
    assert told.soon()


def test_a_folder_that_is_not_there_yet_is_waited_for(
    arrivals: FileArrivals, tmp_path: Path
) -> None:
    told = Told()
    folder = tmp_path / "serial" / "by-id"
    arrivals.watch(f"serial://{folder / 'usb-reader'}", told)
    folder.mkdir(parents=True)
    (folder / "usb-reader").symlink_to("/dev/null")
    assert told.soon()


def test_a_folder_that_went_with_its_last_device_is_waited_for(
    arrivals: FileArrivals, tmp_path: Path
) -> None:
    told = Told()
    folder = tmp_path / "by-id"
    folder.mkdir()
    arrivals.watch(f"serial://{folder / 'usb-reader'}", told)
    for _ in range(30):  # the link may be there before anybody looks again
        (folder / "usb-reader").symlink_to("/dev/null")
        assert told.soon()
        (folder / "usb-reader").unlink()
        folder.rmdir()
        folder.mkdir()


def test_who_has_gone_is_not_told(arrivals: FileArrivals, tmp_path: Path) -> None:
    gone, here = Told(), Told()
    forget = arrivals.watch(f"serial://{tmp_path / 'a'}", gone)
    arrivals.watch(f"serial://{tmp_path / 'b'}", here)
    forget()
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    assert here.soon()
    assert not gone.is_set()


def test_a_device_without_a_file_is_left_alone(arrivals: FileArrivals) -> None:
    for url in ("tcp://127.0.0.1:9100", "pcsc://Reader", "cups://a4", "nonsense", ""):
        arrivals.watch(url, Told())()
    assert "arrivals" not in {thread.name for thread in threading.enumerate()}


class Plug:
    """A serial line whose far end lies at `link`; pulled out, the link is gone."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._near, self._far = -1, -1

    def put_in(self) -> None:
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        self._link.symlink_to(os.ttyname(self._far))

    def say(self, data: bytes) -> None:
        os.write(self._near, data)

    def pull_out(self) -> None:
        self._link.unlink()
        os.close(self._near)
        os.close(self._far)


def test_a_real_line_that_vanishes_and_returns_is_ready_without_any_back_off(
    arrivals: FileArrivals, tmp_path: Path
) -> None:
    """No wait of the worker ever runs out here: only the link that appears can bring it back."""
    plug, posts, log = Plug(tmp_path / "scanner"), Posts(), RecordingLog()
    clock = FakeClock()
    worker = DeviceWorker(
        CodeScannerDriver(f"serial://{tmp_path / 'scanner'}?baud=9600", Suffix.CR),
        posts,
        clock,
        log,
        waiter=SteppedWaiter(clock),
        arrivals=arrivals,
    )
    worker.start()
    posts.until_status(Status.DISCONNECTED)
    for _ in range(2):
        plug.put_in()
        posts.until_status(Status.READY)
        assert worker.submit(ScanCodes()).result(10) is None
        plug.say(b"ZW1\r")
        posts.until(lambda event: isinstance(event, CodeScanned))
        plug.pull_out()
        posts.until_status(Status.DISCONNECTED)
    assert worker.stop(10)
    assert clock.now == FakeClock().now
