"""The vision process: owns the camera, finds pages, reads codes, makes documents.

`python -m kiosk.entry.vision --fd N --settings FILE`, started by the supervisor with one end of a
socket pair. The window hears from it by `kiosk.documents.messages` and sees through the preview
ring. Pictures from outside are unpacked and searched nowhere else: a crafted one may end this
process, which holds nothing that is not on the plate, and is started again.

Threads: the main one takes requests and answers pings; `previews` opens and closes the camera and
fills the ring; `looks` does whatever takes long, requests before looks; `reading` waits for the
recogniser, a program of its own; the camera has its own.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import resource
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, assert_never

# Before the libraries load: one thread each (the window needs the other core), nothing on stderr
# about foreign pictures, and no picture bomb.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OPENCV_LOG_LEVEL", "FATAL")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(60_000_000))

import cv2
import numpy as np
from pydantic import ValidationError

from drivers.device import Clock, Fault, FaultCode, Log, Status
from drivers.document_camera.driver import DocumentCamera
from drivers.document_camera.values import Photo
from kiosk.catalogue.papers import KnownPaper, known_papers
from kiosk.channel import Channel, ChannelClosed
from kiosk.clock import SystemClock
from kiosk.documents import messages
from kiosk.documents.codes.reader import CodeReader
from kiosk.documents.jpeg import described
from kiosk.documents.looker import Looker, fingerprint
from kiosk.documents.plate.store import PlateStore
from kiosk.documents.quads import Image
from kiosk.documents.reading.known_paper import PaperReading, read_paper
from kiosk.documents.reading.reader import RapidReader, Reader, open_reader
from kiosk.documents.rectify import to_jpeg
from kiosk.documents.ring import PreviewWriter
from kiosk.documents.signature import draw_signature
from kiosk.entry.bugs import tell_bug, watch_for_bugs
from kiosk.entry.program import die_with_parent, no_core_dumps
from kiosk.flow.pages import Advice
from kiosk.log import EventLog, open_log
from kiosk.settings import Settings, load

VERSION: Final = "1"
PREVIEW_MAX: Final = (1280, 960)  # the screen shows it about 1,000 pixels wide
PREVIEW_PAUSE_S: Final = 1 / 18  # 15 a second are asked for; more costs the window a core
LOOK_PAUSE_S: Final = 0.2
CODE_AGAIN_S: Final = 2.0  # the same code, still held up, is told again after this
WAIT_S: Final = 0.25  # how long a thread waits before it looks whether all is to end
PROBE_LIMIT_S: Final = 5.0  # to open the camera and see it move
PROBE_LOST_S: Final = 20.0  # a camera that was not there is looked for this often
PROBE_GOOD_S: Final = 600.0  # and one that was: an unplugged one is told before somebody needs it
STUCK_S: Final = 25.0  # no look or request takes as long; then pings are not answered
MAX_JOBS: Final = 16  # a person presses a few times; more is a fault of the window
RAPID_LIMIT_BYTES: Final = 2 << 30  # with rapidocr inside
MEMORY_LIMIT_BYTES: Final = 700 << 20  # measured: 300 MB at most at 8 megapixels, 215 MB at 1080p

Job = messages.TakePage | messages.MakeDocuments


@dataclass(frozen=True, slots=True)
class _Unread:
    """A page that waits to be read."""

    id: int
    paper: KnownPaper
    page: Image = field(repr=False)
    epoch: int


class Vision:
    """The whole process but its start. `run` returns when the channel is closed."""

    def __init__(
        self,
        channel: Channel,
        *,
        camera_url: str,
        plate: PlateStore,
        ring: PreviewWriter,
        clock: Clock,
        log: Log,
        reader: Reader,
        make_camera: Callable[..., DocumentCamera] = DocumentCamera,
    ) -> None:
        self._channel = channel
        self._url = camera_url
        self._ring = ring
        self._clock = clock
        self._log = log
        self._make_camera = make_camera
        self._plate = plate
        self._reader = reader
        self._looker = Looker(None)
        self._codes = CodeReader()
        self._ended = threading.Event()
        self._woken = threading.Condition()  # guards what follows
        self._use: messages.Use | None = None
        self._paper: KnownPaper | None = None  # that is looked for
        self._unread: deque[_Unread] = deque()
        self._epoch = 0  # grows when the person changes: older results are dropped
        self._jobs: deque[tuple[Job, tuple[bytes, ...], int]] = deque()
        self._photo: tuple[Photo, Image] | None = None
        self._camera: DocumentCamera | None = None
        self._status: Status | None = None
        self._verdict: Status | None = None  # of the camera that is open now; None: none yet
        self._told: tuple[Status, str] | None = None
        self._busy_since: float | None = None
        self._last_code: tuple[str, bytes, float] | None = None

    def run(self) -> str:
        """Serve until the channel closes; why it did."""
        self._send(messages.Hello(ring=self._ring.name, version=VERSION))
        threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (
                ("previews", self._previews),
                ("looks", self._looks),
                ("reading", self._readings),
            )
        ]
        for thread in threads:
            thread.start()
        reason = self._requests()
        self._ended.set()
        with self._woken:
            self._woken.notify_all()
        for thread in threads:
            thread.join(1.0)
        return reason

    # -- requests: the main thread --------------------------------------------------

    def _requests(self) -> str:
        while True:
            frame = self._channel.receive()
            if isinstance(frame, ChannelClosed):
                return frame.reason
            try:
                request = messages.REQUEST.validate_json(frame.json)
            except ValidationError:
                return "a message that is none of ours"
            match request:
                case messages.Ping():
                    if not self._is_stuck():
                        self._send(messages.Pong())
                case messages.StartLooking(use=use, paper=paper):
                    with self._woken:
                        self._use = use
                        self._paper = known_papers().get(paper)
                        self._last_code = None
                        self._woken.notify_all()
                case messages.StopLooking():
                    with self._woken:
                        self._use = None
                        self._photo = None
                        self._woken.notify_all()
                case messages.Forget():
                    self._forget()
                case messages.TakePage() | messages.MakeDocuments():
                    self._queue(request, frame.blobs)
                case _:
                    assert_never(request)

    def _queue(self, job: Job, blobs: tuple[bytes, ...]) -> None:
        with self._woken:
            full = len(self._jobs) >= MAX_JOBS
            if not full:
                self._jobs.append((job, blobs, self._epoch))
                self._woken.notify_all()
        if full:
            self._refuse(job, Advice.HOLD_STILL, "too many requests")

    def _refuse(self, job: Job, advice: Advice, detail: str) -> None:
        match job:
            case messages.TakePage(id=number):
                self._send(messages.PageNotTaken(id=number, advice=advice.value))
            case messages.MakeDocuments(id=number):
                self._send(messages.DocumentsFailed(id=number, detail=detail))
            case _:
                assert_never(job)

    def _forget(self) -> None:
        with self._woken:
            self._epoch += 1
            self._use = None
            self._jobs.clear()
            self._unread.clear()
            self._photo = None
            self._last_code = None
            self._woken.notify_all()

    def _is_stuck(self) -> bool:
        since = self._busy_since
        return since is not None and self._clock.monotonic() - since > STUCK_S

    def _send(self, answer: messages.Answer, *blobs: bytes) -> None:
        self._channel.send(answer.model_dump_json().encode(), blobs)

    # -- camera and previews ----------------------------------------------------------

    def _previews(self) -> None:
        shown, epoch, probe_until = 0, 0, 0.0
        probe_at = self._clock.monotonic()
        while not self._ended.is_set():
            with self._woken:
                looking, newest_epoch = self._use is not None, self._epoch
            now = self._clock.monotonic()
            if newest_epoch != epoch:
                epoch = newest_epoch
                self._ring.forget()
            probing = not looking and (now < probe_until or now >= probe_at)
            if probing and self._camera is None:
                probe_until = now + PROBE_LIMIT_S
            if looking or probing:
                shown = self._open_camera(shown)
            if probing and self._verdict is not None:
                probing, probe_until = False, 0.0
            if not looking and not probing:
                if self._close_camera():
                    self._ring.forget()
                    good = self._status is Status.READY
                    probe_at = now + (PROBE_GOOD_S if good else PROBE_LOST_S)
                with self._woken:
                    if self._use is None and self._epoch == epoch:
                        self._woken.wait(max(0.05, min(probe_at - now, 60.0)))
                continue
            camera = self._camera
            photo = camera.newest(shown, WAIT_S) if camera is not None else None
            if photo is not None and looking:
                shown = photo.number
                self._show(photo, epoch)
                passed = self._clock.monotonic() - now
                self._ended.wait(max(0.0, PREVIEW_PAUSE_S - passed))
        self._close_camera()
        self._ring.forget()

    def _open_camera(self, shown: int) -> int:
        """The number after which its pictures are new."""
        if self._camera is not None:
            return shown
        self._verdict = None  # what was said of it before is what is to be found out anew
        self._camera = self._make_camera(self._url, clock=self._clock, report=self._report)
        self._camera.start()
        return 0

    def _close_camera(self) -> bool:
        with self._woken:
            camera, self._camera = self._camera, None
            self._photo = None
        if camera is None:
            return False
        camera.stop()
        return True

    def _show(self, photo: Photo, epoch: int) -> None:
        preview = _fitted(photo.bgr, PREVIEW_MAX)
        rgb = np.ascontiguousarray(preview[..., ::-1])
        self._ring.write(preview.shape[1], preview.shape[0], rgb.tobytes())
        with self._woken:
            if self._use is not None and self._epoch == epoch:
                self._photo = (photo, preview)
                self._woken.notify_all()

    def _report(self, status: Status, reason: str, model: str) -> None:
        """From the camera's thread. That it starts again and again while lost is no news."""
        if status is not Status.STARTING:
            self._verdict = status
        elif self._status is not None:
            return
        self._status = status
        if self._told != (status, reason):
            self._told = (status, reason)
            self._send(messages.CameraStatus(status=status.value, reason=reason, model=model))

    # -- looks and requests that take long ------------------------------------------------

    def _looks(self) -> None:
        looked_at, last, looker_epoch = -math.inf, 0, self._epoch
        while not self._ended.is_set():
            with self._woken:
                self._busy_since = None
                if not self._jobs and (self._photo is None or self._photo[0].number == last):
                    self._woken.wait(WAIT_S)
                job = self._jobs.popleft() if self._jobs else None
                photo, use, epoch = self._photo, self._use, self._epoch
                paper = self._paper
                if photo is None:
                    last = 0
                self._busy_since = self._clock.monotonic()
            if epoch != looker_epoch:
                looker_epoch = epoch
                self._looker.forget_papers()
            if photo is None:
                self._look_for_news()
            if job is not None:
                self._perform(*job)
                continue
            if photo is None or use is None or photo[0].number == last:
                if photo is None:
                    self._looker.forget()
                    self._codes.forget()
                continue
            pause = 0.0 if use == "code" else looked_at + LOOK_PAUSE_S - self._clock.monotonic()
            if pause > 0:
                self._ended.wait(min(pause, 0.02))
                continue
            looked_at, last = self._clock.monotonic(), photo[0].number
            self._look(use, photo, epoch, paper)

    def _look_for_news(self) -> None:
        """A technician may have recorded the plate anew."""
        facts = self._plate.changed()
        if facts is None:
            return
        self._looker.renew(facts.empty, facts.scale)
        for name in facts.faults:
            self._log("plate_fault", file=name)

    def _look(
        self,
        use: messages.Use,
        photo: tuple[Photo, Image],
        epoch: int,
        paper: KnownPaper | None,
    ) -> None:
        whole, preview = photo
        match use:
            case "page":
                self._tell(epoch, self._looker.look(preview, whole.at, paper))
            case "plate":
                self._tell(epoch, self._looker.look_for_anything(preview))
            case "code":
                for code in self._codes.look(_fitted(whole.bgr, (1920, 1080))):
                    now = self._clock.monotonic()
                    last = self._last_code
                    again = last is not None and last[:2] == (code.format, code.data)
                    if again and last is not None and now - last[2] < CODE_AGAIN_S:
                        continue
                    self._last_code = (code.format, code.data, now)
                    self._tell(epoch, messages.CodeSeen(format=code.format), code.data)
            case _:
                assert_never(use)

    def _tell(self, epoch: int, answer: messages.Answer, *blobs: bytes) -> None:
        """Unless the person for whom it was found out has gone."""
        with self._woken:
            past = self._epoch != epoch or (
                self._use is None and isinstance(answer, messages.Plate | messages.CodeSeen)
            )
        if not past:
            self._send(answer, *blobs)

    def _perform(self, job: Job, blobs: tuple[bytes, ...], epoch: int) -> None:
        try:
            match job:
                case messages.TakePage():
                    self._take_page(job, epoch)
                case messages.MakeDocuments():
                    self._make_documents(job, blobs, epoch)
                case _:
                    assert_never(job)
        except (cv2.error, ValueError, ArithmeticError) as error:
            # A picture that breaks a library is told as a page that was not taken.
            tell_bug(self._log, "job", error)
            self._refuse(job, Advice.NO_PAGE, "unexpected")

    def _take_page(self, job: messages.TakePage, epoch: int) -> None:
        started = self._clock.monotonic()
        camera = self._camera
        photo = camera.still() if camera is not None else None
        if photo is None or isinstance(photo, Fault):
            self._refuse(job, Advice.CAMERA_LOST, "")
            return
        paper = known_papers().get(job.paper)
        still = self._looker.still(photo.bgr, paper, job.tone)
        page, jpeg = still.page, b""
        if page is not None:
            jpeg = described(to_jpeg(page, job.most_bytes), still.dpi)
        elif job.anyway:
            page = photo.bgr
            fits = photo.jpeg and len(photo.jpeg) <= job.most_bytes
            jpeg = photo.jpeg if fits else described(to_jpeg(page, job.most_bytes), None)
        self._log(
            "page_judged",
            advice=still.advice.value,
            confidence=round(still.confidence, 3),
            milliseconds=round((self._clock.monotonic() - started) * 1000),
            width_px=photo.width,
            height_px=photo.height,
            turns=still.turns,
            dpi=round(still.dpi) if still.dpi else 0,
        )
        if page is None:
            self._tell(epoch, messages.PageNotTaken(id=job.id, advice=still.advice.value))
            return
        height, width = page.shape[:2]
        self._looker.took(still)
        to_be_read = paper is not None and still.page is not None and job.read
        taken = messages.PageTaken(
            id=job.id,
            advice=still.advice.value,
            trouble_area=still.area,
            width_px=width,
            height_px=height,
            fingerprint=f"{fingerprint(page):064x}",
            to_be_read=to_be_read,
        )
        self._tell(epoch, taken, jpeg)
        if paper is not None and to_be_read:
            with self._woken:
                if self._epoch == epoch:
                    self._unread.append(_Unread(job.id, paper, page, epoch))
                    self._woken.notify_all()

    # -- reading: seconds a page, on a thread of its own ----------------------------------

    def _readings(self) -> None:
        while not self._ended.is_set():
            with self._woken:
                if not self._unread:
                    self._woken.wait(WAIT_S)
                unread = self._unread.popleft() if self._unread else None
            if unread is not None:
                self._read(unread)

    def _read(self, unread: _Unread) -> None:
        started = self._clock.monotonic()
        reading: PaperReading | Fault
        try:
            reading = read_paper(self._reader, unread.page, unread.paper)
        except (cv2.error, ValueError, ArithmeticError) as error:
            tell_bug(self._log, "reading", error)
            reading = Fault(FaultCode.BROKEN)
        milliseconds = round((self._clock.monotonic() - started) * 1000)
        if isinstance(reading, Fault):
            self._log("page_unread", fault=reading.code.value, milliseconds=milliseconds)
            self._tell(unread.epoch, messages.PageRead(id=unread.id, whole=False))
            return
        self._log(
            "page_read",
            fields=len(reading.fields),
            of=len(unread.paper.fields),
            confidence=round(reading.confidence, 2),
            milliseconds=milliseconds,
        )
        answer = messages.PageRead(
            id=unread.id,
            whole=True,
            is_paper=reading.is_paper,
            fields=reading.fields,
            lines=reading.lines,
        )
        self._tell(unread.epoch, answer)

    def _make_documents(
        self, job: messages.MakeDocuments, pages: tuple[bytes, ...], epoch: int
    ) -> None:
        from kiosk.documents.pdf import (
            make_pdf,
            sheets_of,
        )  # a third of a second that no start need wait for

        started = self._clock.monotonic()
        pdf = make_pdf(pages, job.most_bytes) if pages else b""  # only the signature is wanted
        if isinstance(pdf, Fault):
            self._send(messages.DocumentsFailed(id=job.id, detail=pdf.detail))
            return
        png = draw_signature(job.strokes)
        milliseconds = round((self._clock.monotonic() - started) * 1000)
        self._log("documents_made", pages=len(pages), bytes=len(pdf), milliseconds=milliseconds)
        sheets = sheets_of(pdf) if pdf else 0
        self._tell(epoch, messages.DocumentsMade(id=job.id, sheets=sheets), pdf, png)

    # -- bugs ---------------------------------------------------------------------------

    def _guarded(self, work: Callable[[], None]) -> None:
        """A thread that ends by a bug ends the process: it is started again, whole."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - also MemoryError, the limit at work
            tell_bug(self._log, threading.current_thread().name, error)
            self._channel.close()


def _fitted(picture: Image, limit: tuple[int, int]) -> Image:
    """No larger than `limit`, in its own proportions."""
    height, width = picture.shape[:2]
    scale = min(1.0, limit[0] / width, limit[1] / height)
    if scale == 1.0:
        return picture
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    way = cv2.INTER_AREA if scale <= 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def limit_memory(limit: int = MEMORY_LIMIT_BYTES) -> None:
    """What this process may have for itself."""
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main() -> int:
    parser = argparse.ArgumentParser(prog="kiosk.entry.vision", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="Inherited end of the socket pair.")
    parser.add_argument("--settings", type=Path, required=True)
    given = parser.parse_args()
    die_with_parent(signal.SIGKILL)
    no_core_dumps()  # it would hold papers
    # Both are for the window, which tells us: we end by ourselves, and clean up behind us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settings = load(given.settings)
    if not isinstance(settings, Settings):
        for fault in settings:
            print(fault, file=sys.stderr)
        return 2
    reader = open_reader(settings.document_camera.reader)
    if isinstance(reader, Fault):
        print(reader.detail, file=sys.stderr)
        return 2
    limit_memory(RAPID_LIMIT_BYTES if isinstance(reader, RapidReader) else MEMORY_LIMIT_BYTES)
    cv2.setNumThreads(1)
    out = open_log(settings.paths.logs, "vision")
    log = EventLog(out, "vision")
    watch_for_bugs(log, "vision")  # standard error is a file: no exception's text goes there
    log("process_started", process="vision", version=VERSION)
    log("vision_limited", bytes=resource.getrlimit(resource.RLIMIT_DATA)[0])
    channel = Channel(socket.socket(fileno=given.fd))
    with PreviewWriter() as ring:
        vision = Vision(
            channel,
            camera_url=settings.document_camera.url,
            plate=PlateStore(settings.document_camera.plate),
            reader=reader,
            ring=ring,
            clock=SystemClock(),
            log=log,
        )
        vision.run()
    channel.close()
    log("process_stopped", process="vision")
    out.close()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    # A read of the camera may still be under way in its library; it must not hold the end up.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
