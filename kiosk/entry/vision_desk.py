"""The window's side of the vision process: effects become its messages, its messages events.

The process may die at any moment (a crafted picture, a memory limit). Then the camera counts as
starting, whatever was asked of it is answered as not done, and when it is back it is told again
what to look for.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Final, Protocol, assert_never

from pydantic import ValidationError

from drivers.code_scanner.values import CodeScanned
from drivers.device import (
    Clock,
    DeviceClass,
    Identity,
    Log,
    Post,
    Settled,
    Status,
    StatusChanged,
)
from drivers.settling import Settling
from kiosk.channel import ChannelClosed, Frame
from kiosk.documents import messages
from kiosk.documents.ring import remove_ring
from kiosk.flow.effects import CameraUse, MakeDocuments, StartCamera, StopCamera, TakePage
from kiosk.flow.events import (
    DocumentsFailed,
    DocumentsMade,
    PageNotTaken,
    PageRead,
    PageTaken,
    PlateSeen,
)
from kiosk.flow.pages import Advice

VisionEffect = StartCamera | StopCamera | TakePage | MakeDocuments

Send = Callable[[bytes, tuple[bytes, ...]], ChannelClosed | None]


class PageImages(Protocol):
    """Straightened pages of this session, by the key that a page value carries."""

    def put(self, key: str, jpeg: bytes) -> None: ...

    def drop(self, key: str) -> None: ...

    def clear(self) -> None: ...


class VisionDesk:
    """`perform` is for the session's thread, `on_*` for the child's; both only pass on."""

    def __init__(
        self,
        *,
        installed: bool,
        send: Send,
        post: Post,
        clock: Clock,
        log: Log,
        images: PageImages,
        ring: Callable[[str | None], None],
    ) -> None:
        """`ring` is told the name of the preview ring, None when it is gone."""
        self._installed = installed
        self._send = send
        self._post = post
        self._clock = clock
        self._log = log
        self._images = images
        self._ring = ring
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._asked: dict[int, TakePage | MakeDocuments] = {}
        self._unread: dict[int, TakePage] = {}  # taken, and not yet read
        self._looking: StartCamera | None = None
        self._ring_name = ""
        self._status: tuple[Status, str] | None = None
        self._settling = Settling(clock)
        self._identity: Identity | None = None

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.DOCUMENT_CAMERA

    @property
    def settled(self) -> Settled | None:
        """What has stood for a while: for the log and the centre."""
        return self._settling.told

    @property
    def identity(self) -> Identity | None:
        return self._identity

    def start(self) -> None:
        """Say what the camera is before the process has said anything."""
        if self._installed:
            self._tell(Status.STARTING, "")
        else:
            self._tell(Status.NOT_INSTALLED, "")
            self.settle(now=True)

    def settle(self, *, now: bool = False) -> None:
        """Write down what has stood for a while. Called every moment by whoever keeps the time."""
        with self._lock:
            settled = self._settling.due(now=now)
        if settled is not None:
            self._log(
                "device_status",
                device="document_camera",
                status=settled.status.value,
                reason=settled.reason,
                since=settled.since.isoformat(timespec="seconds"),
            )

    # -- effects ------------------------------------------------------------------

    def perform(self, effect: VisionEffect) -> None:
        match effect:
            case StartCamera():
                with self._lock:
                    self._looking = effect
                self._look_for(effect)
            case StopCamera():
                with self._lock:
                    self._looking = None
                self._send_message(messages.StopLooking())
            case TakePage():
                self._ask(effect, ())
            case MakeDocuments():
                self._ask(effect, effect.pages)
            case _:
                assert_never(effect)

    def forget(self) -> None:
        """The session is over."""
        with self._lock:
            self._asked.clear()
            self._unread.clear()
            self._looking = None
            self._images.clear()
        self._send_message(messages.Forget())

    def _ask(self, effect: TakePage | MakeDocuments, blobs: tuple[bytes, ...]) -> None:
        number = next(self._ids)
        with self._lock:
            self._asked[number] = effect
        message: messages.TakePage | messages.MakeDocuments
        if isinstance(effect, TakePage):
            message = messages.TakePage(
                id=number,
                paper=effect.paper,
                tone=effect.tone,
                anyway=effect.anyway,
                read=effect.read,
                most_bytes=effect.most_bytes,
            )
        else:
            message = messages.MakeDocuments(
                id=number, strokes=effect.strokes, most_bytes=effect.most_bytes
            )
        if self._send_message(message, blobs) is not None:
            self._not_done(number)

    def _look_for(self, effect: StartCamera) -> None:
        self._send_message(messages.StartLooking(use=_USES[effect.use], paper=effect.paper))

    def _send_message(
        self, message: messages.Request, blobs: tuple[bytes, ...] = ()
    ) -> ChannelClosed | None:
        return self._send(message.model_dump_json().encode(), blobs)

    # -- from the child's thread ------------------------------------------------------

    def on_up(self) -> None:
        """A new process: tell it what the old one was looking for."""
        with self._lock:
            looking = self._looking
        if looking is not None:
            self._look_for(looking)

    def on_down(self, reason: str) -> None:
        self._ring(None)
        remove_ring(self._ring_name)  # a process that was killed left its pictures there
        if self._installed:
            self._tell(Status.STARTING, "vision process restarts")
        self._log("camera_lost", reason=reason)
        with self._lock:
            numbers = list(self._asked)
            unread, self._unread = self._unread, {}
        for number in numbers:
            self._not_done(number)
        for number, effect in unread.items():
            self._post(PageRead(effect.scope.session, _image(number), whole=False))

    def on_frame(self, frame: Frame) -> None:
        try:
            answer = messages.ANSWER.validate_json(frame.json)
        except ValidationError as error:
            self._log("unexpected", where="vision message", type=type(error).__name__, at="")
            return
        match answer:
            case messages.Hello():
                self._ring_name = answer.ring
                self._ring(answer.ring)
            case messages.Pong():
                pass
            case messages.CameraStatus():
                self._camera_status(answer)
            case messages.Plate():
                self._plate(answer)
            case messages.CodeSeen():
                with self._lock:
                    wanted = self._looking is not None and self._looking.use is CameraUse.CODE
                if wanted and frame.blobs:
                    self._post(CodeScanned(frame.blobs[0]))
            case messages.PageTaken():
                self._page_taken(answer, frame.blobs)
            case messages.PageRead():
                self._page_read(answer)
            case messages.PageNotTaken():
                effect = self._take(answer.id)
                if isinstance(effect, TakePage):
                    self._post(PageNotTaken(effect.scope, _advice(answer.advice)))
            case messages.DocumentsMade():
                effect = self._take(answer.id)
                if isinstance(effect, MakeDocuments) and len(frame.blobs) == 2:
                    pdf, png = frame.blobs
                    self._post(DocumentsMade(effect.scope, pdf, png, answer.sheets))
            case messages.DocumentsFailed():
                effect = self._take(answer.id)
                if isinstance(effect, MakeDocuments):
                    self._post(DocumentsFailed(effect.scope, answer.detail))
            case _:
                assert_never(answer)

    def _camera_status(self, answer: messages.CameraStatus) -> None:
        try:
            status = Status(answer.status)
        except ValueError:
            status = Status.UNKNOWN
        if answer.model and (self._identity is None or self._identity.model != answer.model):
            self._identity = Identity(answer.model)
            self._log("device_identified", device="document_camera", model=answer.model, serial="")
        self._tell(status, answer.reason)

    def _plate(self, answer: messages.Plate) -> None:
        with self._lock:
            looking = self._looking
        if looking is None:
            return
        self._post(
            PlateSeen(
                looking.scope,
                _advice(answer.advice),
                answer.corners,
                answer.trouble_area,
                answer.paper,
                answer.steady,
                answer.taken,
            )
        )

    def _page_taken(self, answer: messages.PageTaken, blobs: tuple[bytes, ...]) -> None:
        key = _image(answer.id)
        with self._lock:  # a session that ends in this moment clears it, or it is never put there
            effect = self._asked.pop(answer.id, None)
            if not isinstance(effect, TakePage) or len(blobs) != 1:
                return
            self._images.put(key, blobs[0])
            if answer.to_be_read:
                self._unread[answer.id] = effect
        self._post(
            PageTaken(
                effect.scope,
                key,
                _advice(answer.advice),
                answer.width_px,
                answer.height_px,
                blobs[0],
                answer.trouble_area,
                int(answer.fingerprint, 16),
                answer.to_be_read,
            )
        )

    def _page_read(self, answer: messages.PageRead) -> None:
        with self._lock:
            effect = self._unread.pop(answer.id, None)
        if effect is not None:
            fields = tuple(answer.fields.items())
            self._post(
                PageRead(
                    effect.scope.session,
                    _image(answer.id),
                    answer.whole,
                    answer.is_paper,
                    fields,
                    answer.lines,
                )
            )

    def _take(self, number: int) -> TakePage | MakeDocuments | None:
        """What was asked under this number; None when the session is over."""
        with self._lock:
            return self._asked.pop(number, None)

    def _not_done(self, number: int) -> None:
        effect = self._take(number)
        match effect:
            case TakePage():
                self._post(PageNotTaken(effect.scope, Advice.CAMERA_LOST))
            case MakeDocuments():
                self._post(DocumentsFailed(effect.scope, "vision process restarts"))
            case None:
                pass
            case _:
                assert_never(effect)

    def _tell(self, status: Status, reason: str) -> None:
        with self._lock:
            if self._status == (status, reason):
                return
            self._status = (status, reason)
            self._settling.changed(status, reason)
        self._post(StatusChanged(DeviceClass.DOCUMENT_CAMERA, status, reason, self._clock.utc()))


_USES: Final[dict[CameraUse, messages.Use]] = {
    CameraUse.PAGE: "page",
    CameraUse.CODE: "code",
    CameraUse.PLATE: "plate",
}


def _image(number: int) -> str:
    return f"page-{number}"


def _advice(name: str) -> Advice:
    try:
        return Advice(name)
    except ValueError:
        return Advice.NO_PAGE  # a vision process of another version: treat as nothing found
