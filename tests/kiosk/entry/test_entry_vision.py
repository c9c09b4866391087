"""The vision process, whole: started as the supervisor starts it, with a camera on a real wire."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import pytest

from kiosk.channel import Channel, Frame
from kiosk.documents import messages
from kiosk.documents.ring import FOLDER, PreviewReader

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "kiosk" / "documents"))
import paper_frames as frames  # noqa: E402

WAIT_S = 60  # for one message; nothing waits this long but a broken process
A = TypeVar("A", bound=messages._Message)


def exposures(count: int, seed: int = 3) -> list[bytes]:
    """The same page again and again, with the noise of a sensor."""
    rng = np.random.default_rng(seed)
    plate = frames.mat(rng, "green", 960, 720)
    scene = frames.place(rng, frames.sheet(rng), plate, cover=0.9, turn=4, noise=0)
    out = []
    for _ in range(count):
        noisy = frames.finish(rng, scene.picture.astype(np.float32), blur=0)
        out.append(cv2.imencode(".jpg", noisy)[1].tobytes())
    return out


class CameraServer:
    """MJPEG over HTTP. `stalled`: keeps the line open and sends nothing."""

    def __init__(self, pictures: list[bytes]) -> None:
        self.pictures = pictures
        self.stalled = threading.Event()
        self.ended = threading.Event()
        self.counting = threading.Lock()
        self.watchers = 0
        self.idle = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=b")
                self.end_headers()
                with server.counting:
                    server.watchers += 1
                    server.idle.clear()
                try:
                    self.serve()
                except OSError:
                    pass
                finally:
                    with server.counting:
                        server.watchers -= 1
                        if not server.watchers:
                            server.idle.set()

            def serve(self) -> None:
                number = 0
                while not server.ended.wait(0.04):
                    if server.stalled.is_set():
                        continue
                    jpeg = server.pictures[number % len(server.pictures)]
                    number += 1
                    self.wfile.write(
                        b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: "
                        + str(len(jpeg)).encode()
                        + b"\r\n\r\n"
                        + jpeg
                        + b"\r\n"
                    )

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/stream"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Window:
    """The test in the place of the window process."""

    def __init__(self, folder: Path, camera: str) -> None:
        self.folder = folder
        settings = folder / "settings.toml"
        settings.write_text(
            f'[paths]\nlogs = "{folder}/logs"\n[document_camera]\nurl = "{camera}"\nplate = "{folder}/plate"\n',
            encoding="utf-8",
        )
        ours, theirs = socket.socketpair()
        ours.settimeout(WAIT_S)
        with theirs:
            self.process = subprocess.Popen(
                vision_command(theirs.fileno(), settings), pass_fds=[theirs.fileno()], cwd=ROOT
            )
        self.channel = Channel(ours)
        hello, _ = self.wait_for(messages.Hello)
        self.ring = hello.ring

    def send(self, request: messages.Request, *blobs: bytes) -> None:
        assert self.channel.send(request.model_dump_json().encode(), blobs) is None

    def wait_for(
        self, kind: type[A], such: Callable[[A], bool] = lambda _: True
    ) -> tuple[A, tuple[bytes, ...]]:
        """The next message of this kind and sort; others are passed over."""
        while True:
            frame = self.channel.receive()
            assert isinstance(frame, Frame), frame
            answer = messages.ANSWER.validate_json(frame.json)
            if isinstance(answer, kind) and such(answer):
                return answer, frame.blobs

    def status(self, status: str) -> messages.CameraStatus:
        return self.wait_for(messages.CameraStatus, lambda told: told.status == status)[0]

    def close(self) -> int:
        self.channel.close()
        return self.process.wait(WAIT_S)

    def logged(self) -> str:
        return (self.folder / "logs" / "vision.jsonl").read_text(encoding="utf-8")


def vision_command(descriptor: int, settings: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "kiosk.entry.vision",
        "--fd",
        str(descriptor),
        "--settings",
        str(settings),
    ]


@pytest.fixture
def camera() -> Iterator[CameraServer]:
    server = CameraServer(exposures(6))
    yield server
    server.close()


@pytest.fixture
def window(tmp_path: Path, camera: CameraServer) -> Iterator[Window]:
    one = Window(tmp_path, camera.url)
    yield one
    one.close()
    if one.process.poll() is None:
        one.process.kill()


@pytest.fixture
def picture_window(tmp_path: Path) -> Iterator[Window]:
    page = tmp_path / "page.jpg"
    page.write_bytes(exposures(1)[0])
    one = Window(tmp_path, str(page))
    yield one
    one.close()


def test_a_page_on_the_plate_is_seen_taken_and_made_into_a_document(window: Window) -> None:
    window.send(messages.StartLooking(use="page"))
    plate, _ = window.wait_for(messages.Plate, lambda seen: seen.steady)
    assert (plate.advice, plate.paper) == ("good", True)
    assert len(plate.corners) == 4
    window.send(messages.TakePage(id=7, paper="household_register"))
    taken, (jpeg,) = window.wait_for(messages.PageTaken)
    assert (taken.id, taken.advice, taken.to_be_read) == (7, "good", True)
    read, _ = window.wait_for(messages.PageRead)
    assert read.id == 7
    assert "REGISTER" not in window.logged()  # of what was read nothing is logged
    lying, _ = window.wait_for(messages.Plate, lambda seen: seen.advice == "taken")
    assert (len(lying.taken), lying.corners) == (1, ())  # it still lies there: not its turn
    page = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert page is not None
    assert page.shape[:2] == (taken.height_px, taken.width_px)
    assert abs(taken.height_px / taken.width_px - 2**0.5) < 0.02
    strokes = (((0.1, 0.2), (0.6, 0.7)),)
    window.send(messages.MakeDocuments(id=8, strokes=strokes), jpeg, jpeg)
    made, (pdf, png) = window.wait_for(messages.DocumentsMade)
    assert (made.id, made.sheets) == (8, 2)
    assert pdf.startswith(b"%PDF")
    assert pdf.count(jpeg) == 2
    assert png.startswith(b"\x89PNG")


def test_where_no_page_is_found_the_button_takes_the_cameras_own_picture(tmp_path: Path) -> None:
    empty = tmp_path / "plate.jpg"
    rng = np.random.default_rng(4)
    empty.write_bytes(cv2.imencode(".jpg", frames.mat(rng, "wood", 960, 720))[1].tobytes())
    window = Window(tmp_path, str(empty))
    window.send(messages.StartLooking(use="page"))
    window.wait_for(messages.Plate)
    window.send(messages.TakePage(id=1))
    assert window.wait_for(messages.PageNotTaken)[0].advice == "no_page"
    window.send(messages.TakePage(id=2, anyway=True, paper="bank_card"))
    taken, (jpeg,) = window.wait_for(messages.PageTaken)
    assert (taken.advice, taken.to_be_read) == ("no_page", False)
    assert jpeg == empty.read_bytes()
    assert window.close() == 0


def test_the_preview_runs_while_somebody_looks_and_not_otherwise(
    window: Window, camera: CameraServer
) -> None:
    reader = PreviewReader.open(window.ring)
    assert reader is not None
    window.status("ready")  # the camera was tried once, before anybody came
    assert reader.newest() is None
    window.send(messages.StartLooking(use="page"))
    window.wait_for(messages.Plate)
    frame = reader.newest()
    assert frame is not None
    assert (frame.width, frame.height) == (960, 720)
    later = None
    while later is None:  # it goes on
        window.wait_for(messages.Plate)
        later = reader.newest(after=frame.number)
    window.send(messages.Forget())
    window.send(messages.Ping())
    window.wait_for(messages.Pong)
    assert camera.idle.wait(WAIT_S), "the camera stays open although nobody looks"
    window.send(messages.StopLooking())
    window.send(messages.Ping())
    window.wait_for(messages.Pong)
    assert window.close() == 0
    assert reader.newest() is None
    reader.close()


@pytest.mark.fault(23)
def test_a_camera_that_stalls_is_told_and_the_process_still_answers(
    window: Window, camera: CameraServer
) -> None:
    window.send(messages.StartLooking(use="page"))
    window.wait_for(messages.Plate)
    camera.stalled.set()
    told = window.status("powered_off")
    assert told.reason == "no picture in time"
    window.send(messages.Ping())
    window.wait_for(messages.Pong)
    window.send(messages.TakePage(id=1))
    refused, _ = window.wait_for(messages.PageNotTaken)
    assert (refused.id, refused.advice) == (1, "camera_lost")
    camera.stalled.clear()
    window.status("ready")
    window.wait_for(messages.Plate)


@pytest.mark.fault(23)
def test_a_camera_that_repeats_itself_is_told_as_frozen(
    window: Window, camera: CameraServer
) -> None:
    window.send(messages.StartLooking(use="page"))
    window.wait_for(messages.Plate)
    camera.pictures = camera.pictures[:1]
    assert window.status("broken").reason == "frozen picture"


def test_a_receipt_held_to_the_camera_is_read(tmp_path: Path) -> None:
    import io

    import segno

    out = io.BytesIO()
    segno.make("ZW1.QS01261122003757.ABCD", micro=False).save(out, kind="png", scale=8, border=6)
    (tmp_path / "code.png").write_bytes(out.getvalue())
    window = Window(tmp_path, str(tmp_path / "code.png"))
    window.send(messages.StartLooking(use="code"))
    seen, (data,) = window.wait_for(messages.CodeSeen)
    assert (seen.format, data) == ("QR_CODE", b"ZW1.QS01261122003757.ABCD")
    assert window.close() == 0
    assert "ZW1" not in window.logged()


def test_the_plate_is_watched_until_it_is_empty(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    plate = frames.mat(rng, "green", 960, 720).astype(np.float32)
    empty = [cv2.imencode(".jpg", frames.finish(rng, plate))[1].tobytes() for _ in range(4)]
    server = CameraServer(exposures(4))
    window = Window(tmp_path, server.url)
    window.send(messages.StartLooking(use="plate"))
    assert window.wait_for(messages.Plate)[0].paper
    server.pictures = empty
    window.wait_for(messages.Plate, lambda seen: not seen.paper)
    assert window.close() == 0
    server.close()


def test_pages_that_are_none_are_told_as_a_value(picture_window: Window) -> None:
    picture_window.send(messages.MakeDocuments(id=3, strokes=()), b"no picture")
    failed, _ = picture_window.wait_for(messages.DocumentsFailed)
    assert failed.id == 3
    assert "JPEG" in failed.detail
    picture_window.send(messages.Ping())
    picture_window.wait_for(messages.Pong)


def test_without_a_camera_the_process_says_so_and_serves(tmp_path: Path) -> None:
    window = Window(tmp_path, "")
    window.status("not_installed")
    window.send(messages.Ping())
    window.wait_for(messages.Pong)
    window.send(messages.TakePage(id=1))
    assert window.wait_for(messages.PageNotTaken)[0].advice == "camera_lost"
    assert window.close() == 0


def test_the_process_ends_with_its_channel_and_leaves_nothing(picture_window: Window) -> None:
    assert (FOLDER / picture_window.ring).exists()
    assert picture_window.close() == 0
    assert not (FOLDER / picture_window.ring).exists()
    assert "process_stopped" in picture_window.logged()


def test_a_service_that_is_stopped_leaves_no_picture_behind(picture_window: Window) -> None:
    """The whole unit is told to end at once; the process still ends by its channel, cleanly."""
    picture_window.process.send_signal(signal.SIGTERM)
    picture_window.send(messages.Ping())
    picture_window.wait_for(messages.Pong)
    assert picture_window.close() == 0
    assert not (FOLDER / picture_window.ring).exists()


def test_a_message_that_is_none_of_ours_ends_the_process(picture_window: Window) -> None:
    picture_window.channel.send(b'{"kind": "open_everything"}')
    assert picture_window.process.wait(WAIT_S) == 0


def test_the_process_dies_with_its_parent_although_the_channel_stays_open(
    tmp_path: Path,
) -> None:
    """A parent that is killed cannot close anything; here the test keeps the other end open."""
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[paths]\nlogs = "{tmp_path}/logs"\n', encoding="utf-8")
    ours, theirs = socket.socketpair()
    ours.settimeout(WAIT_S)
    descriptor = theirs.fileno()
    code = textwrap.dedent(
        f"""
        import subprocess, sys
        child = subprocess.Popen({vision_command(descriptor, settings)!r}, pass_fds=[{descriptor}])
        print(child.pid, flush=True)
        child.wait()
        """
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        pass_fds=[descriptor],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    keeper = theirs.dup()
    theirs.close()
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    channel = Channel(ours)
    hello = channel.receive()
    assert isinstance(hello, Frame)
    watch = os.pidfd_open(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait(WAIT_S)
    parent.stdout.close()
    import select

    assert select.select([watch], [], [], WAIT_S)[0], "it went on without its parent"
    os.close(watch)
    keeper.close()
    channel.close()


def test_a_malformed_settings_file_is_told_with_field_and_line(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[document_camera]\nplate = 7\n", encoding="utf-8")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run(
            vision_command(theirs.fileno(), settings),
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
    assert done.returncode == 2
    assert "settings.toml:2: document_camera.plate" in done.stderr
