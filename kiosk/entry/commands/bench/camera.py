"""`kiosk bench camera`: the vision process on an HTTP camera, beside a library of video on the same.

The camera is a server of this program on 127.0.0.1 that shows made-up pages; everything else is the
real process, started as the supervisor starts it.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.document_camera.driver import PREVIEW_PX, unpack
from kiosk.channel import Channel, ChannelClosed
from kiosk.documents import messages
from kiosk.documents.jpeg import described
from kiosk.documents.looker import Looker
from kiosk.documents.pdf import make_pdf
from kiosk.documents.rectify import to_jpeg
from kiosk.documents.ring import PreviewReader
from kiosk.entry.commands.bench.report import Table, interleaved, noise

SIZES: Final = ((1920, 1080), (3264, 2448))
FRAMES_A_SECOND: Final = 20
PREVIEW_S: Final = 6.0
ROUNDS: Final = 8
WAIT_S: Final = 60.0
SEED: Final = 20261122

A = TypeVar("A", bound=messages._Message)
Image = NDArray[np.uint8]


def run(corpus: Path | None, *, json: bool) -> int:
    """`corpus`: a folder of photographs of pages to show instead of the made-up one."""
    cv2.setNumThreads(1)
    before = noise()
    table = Table(
        "camera",
        ("size", "way", "previews/s", "cores", "still_ms", "work_ms", "stall_s", "memory_mb"),
    )
    for size in SIZES:
        pictures = exposures(size, corpus)
        with Camera(pictures) as camera:
            ours = {**measure(camera), "work_ms": work_ms(pictures[0])}
            table.add(size=f"{size[0]}x{size[1]}", way="this terminal", **ours)
            table.add(size=f"{size[0]}x{size[1]}", way="OpenCV with FFmpeg", **peer(camera.url))
    table.note("limits: 15 previews/s or more; still 500 ms or less; stall 2 s or less; 400 MB")
    table.note(
        "still: from the look that finds the page lying still to the page unpacked for the screen"
    )
    table.note("work: processor time of a still's own steps, whatever else the machine does")
    table.note("OpenCV with FFmpeg only unpacks; it neither looks, draws nor straightens")
    page = described(to_jpeg(exposures((1240, 1754), None, decoded=True)[0]), 150)
    ten = interleaved({"pdf": lambda: make_pdf((page,) * 10)}, 20)["pdf"]
    table.note(
        f"ten pages of {len(page) >> 10} KB into a PDF: {ten.median * 1000:.0f} ms (limit 80)"
    )
    table.note(f"noise of the machine: {before} before, {noise()} after")
    table.show(json=json)
    return 0


def exposures(size: tuple[int, int], corpus: Path | None, *, decoded: bool = False) -> list:  # type: ignore[type-arg]
    """A page on a dark plate, four times with the noise of a sensor: JPEG, or pictures."""
    rng = np.random.default_rng(SEED)
    width, height = size
    scene = np.asarray(np.full((height, width, 3), (62, 58, 54)), np.float32)
    photographs = sorted(corpus.glob("*.[jJ][pP]*[gG]")) if corpus is not None else []
    found = cv2.imread(str(photographs[0])) if photographs else None
    if found is not None:
        scene = np.asarray(cv2.resize(found, size), np.float32)
    else:
        h = int(height * 0.86)
        w = int(h / 2**0.5)
        sheet = np.full((h, w, 3), 244, np.uint8)
        for line in range(int(h * 0.08), int(h * 0.92), max(8, h // 44)):
            words = "".join(rng.choice(list("ABDEFGHKLMNPRST 0123456789"), 44))
            place = (int(w * 0.09), line)
            cv2.putText(
                sheet, words, place, 0, w / 1100, (50, 46, 44), max(1, h // 900), cv2.LINE_AA
            )
        x, y = (width - w) // 2, (height - h) // 2
        scene[y : y + h, x : x + w] = sheet
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 3.0, 1.0)
        turned = cv2.warpAffine(scene, turn, size, borderValue=(62, 58, 54))
        scene = np.asarray(turned, np.float32)
    shots: list[object] = []
    for _ in range(4):
        noisy = scene + rng.normal(0, 2, scene.shape).astype(np.float32)
        picture = np.clip(noisy, 0, 255).astype(np.uint8)
        shots.append(picture if decoded else cv2.imencode(".jpg", picture)[1].tobytes())
    return shots


class Camera:
    """MJPEG over HTTP, as many pictures a second as is said."""

    def __init__(self, pictures: list[bytes]) -> None:
        self.stalled = threading.Event()
        self._ended = threading.Event()
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=b")
                self.end_headers()
                number = 0
                with contextlib.suppress(OSError):
                    while not camera._ended.wait(1 / FRAMES_A_SECOND):
                        if camera.stalled.is_set():
                            continue
                        jpeg = pictures[number % len(pictures)]
                        number += 1
                        head = f"--b\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Window:
    """This program in the place of the window process."""

    process: subprocess.Popen[bytes]
    channel: Channel

    def send(self, request: messages.Request) -> None:
        self.channel.send(request.model_dump_json().encode())

    def wait_for(self, kind: type[A]) -> tuple[A, tuple[bytes, ...]]:
        while True:
            frame = self.channel.receive()
            if isinstance(frame, ChannelClosed):
                raise RuntimeError(f"the vision process is gone: {frame.reason}")
            answer = messages.ANSWER.validate_json(frame.json)
            if isinstance(answer, kind):
                return answer, frame.blobs


@contextlib.contextmanager
def window(url: str) -> Iterator[Window]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.toml"
        settings.write_text(
            f'[paths]\nlogs = "{folder}/logs"\n[document_camera]\nurl = "{url}"\nplate = "{folder}"\n',
            encoding="utf-8",
        )
        ours, theirs = socket.socketpair()
        ours.settimeout(WAIT_S)
        with theirs:
            handle = theirs.fileno()
            command = ["-m", "kiosk.entry.vision", "--fd", str(handle), "--settings", str(settings)]
            process = subprocess.Popen([sys.executable, *command], pass_fds=[handle])  # noqa: S603
        channel = Channel(ours)
        yield Window(process, channel)
        channel.close()
        process.wait(WAIT_S)


def measure(camera: Camera) -> dict[str, float]:
    with window(camera.url) as one:
        hello, _ = one.wait_for(messages.Hello)
        reader = PreviewReader.open(hello.ring)
        if reader is None:
            raise RuntimeError("no ring of previews")
        one.send(messages.StartLooking(use="page"))
        steady(one)
        began, spent = time.monotonic(), cpu_s(one.process.pid)
        first = newest(reader)
        while time.monotonic() - began < PREVIEW_S:
            one.wait_for(messages.Plate)
        passed = time.monotonic() - began
        shown = newest(reader) - first
        cores = (cpu_s(one.process.pid) - spent) / passed
        stills = [still_s(one, number) for number in range(ROUNDS)]
        camera.stalled.set()
        stalled = time.monotonic()
        while one.wait_for(messages.CameraStatus)[0].status == "ready":
            pass
        stall = time.monotonic() - stalled
        camera.stalled.clear()
        memory = memory_mb(one.process.pid)
        reader.close()
    return {
        "previews/s": shown / passed,
        "cores": cores,
        "still_ms": statistics.median(stills) * 1000,
        "stall_s": stall,
        "memory_mb": memory,
    }


def work_ms(jpeg: bytes) -> float:
    """Processor time from the camera's bytes to the page's."""
    looker, spent = Looker(None), []
    shown = unpack(jpeg, PREVIEW_PX)
    if shown is not None:
        looker.look(shown.picture, 0.0)  # a page is taken where it was seen to lie
    for _ in range(ROUNDS):
        began = time.thread_time()
        shot = unpack(jpeg)
        still = looker.still(shot.picture) if shot is not None else None
        if still is None or still.page is None:
            return float("nan")
        described(to_jpeg(still.page), still.dpi)
        spent.append((time.thread_time() - began) * 1000)
    return statistics.median(spent)


def newest(reader: PreviewReader) -> int:
    while (frame := reader.newest()) is None:
        time.sleep(0.01)
    return frame.number


def steady(one: Window) -> None:
    while not one.wait_for(messages.Plate)[0].steady:
        pass


def still_s(one: Window, number: int) -> float:
    steady(one)
    began = time.monotonic()
    one.send(messages.TakePage(id=number))
    _, (jpeg,) = one.wait_for(messages.PageTaken)
    cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    return time.monotonic() - began


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """The most that it ever held."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


PEER = """
import cv2, sys, time
cv2.setNumThreads(1)
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
capture.read()
began, count, spent = time.monotonic(), 0, time.process_time()
while time.monotonic() - began < float(sys.argv[2]):
    count += capture.read()[0]
print(count / (time.monotonic() - began), (time.process_time() - spent) / (time.monotonic() - began))
"""


def peer(url: str) -> dict[str, float]:
    """A library of video on the same camera, in a process of its own."""
    command = [sys.executable, "-c", PEER, url, str(PREVIEW_S)]
    done = subprocess.Popen(  # noqa: S603 - ours
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    out, _ = done.communicate(timeout=WAIT_S)
    rate, cores = (float(part) for part in out.split())
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"previews/s": rate, "cores": cores, "memory_mb": most}
