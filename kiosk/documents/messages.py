"""Messages between the window process and the vision process, checked at both ends.

They travel over `kiosk.channel` (a socket pair); bytes of pictures go beside a message as the
blobs of the frame, never inside the JSON. Requests of the window carry an `id` that the answer
repeats.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from kiosk.catalogue.papers import PageTone

Point = tuple[float, float]
Use = Literal["page", "code", "plate"]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# -- window -> vision -----------------------------------------------------------


class StartLooking(_Message):
    """Open the camera if it is not open, and look for `use` until told otherwise."""

    kind: Literal["start_looking"] = "start_looking"
    use: Use
    paper: str = ""  # a known paper (kiosk.catalogue.papers) that is asked for


class StopLooking(_Message):
    """No more previews or codes; the camera may be closed."""

    kind: Literal["stop_looking"] = "stop_looking"


class TakePage(_Message):
    """Take a still now, find and straighten the page, turn it upright, judge it.

    `anyway`: where no page is found, the camera's whole picture is taken, its own bytes.
    Where a known paper is asked for, it is read as well, unless `read` is False.
    """

    kind: Literal["take_page"] = "take_page"
    id: int
    paper: str = ""
    tone: PageTone = PageTone.COLOUR
    anyway: bool = False
    read: bool = True
    most_bytes: int = Field(4 << 20, ge=20_000)


class MakeDocuments(_Message):
    """Blobs: the JPEG pages in order. Strokes: points 0..1 of the signature box."""

    kind: Literal["make_documents"] = "make_documents"
    id: int
    strokes: tuple[tuple[Point, ...], ...] = Field(repr=False)
    most_bytes: int = Field(32 << 20, ge=20_000)


class Forget(_Message):
    """The session is over: drop every still, frame and reference to the person."""

    kind: Literal["forget"] = "forget"


class Ping(_Message):
    kind: Literal["ping"] = "ping"


Request = Annotated[
    StartLooking | StopLooking | TakePage | MakeDocuments | Forget | Ping,
    Field(discriminator="kind"),
]
REQUEST: TypeAdapter[Request] = TypeAdapter(Request)

# -- vision -> window -----------------------------------------------------------


class Hello(_Message):
    """First message: where the preview ring is."""

    kind: Literal["hello"] = "hello"
    ring: str  # name of the shared memory
    version: str


class Pong(_Message):
    kind: Literal["pong"] = "pong"


class CameraStatus(_Message):
    """`status` is a `drivers.device.Status` value."""

    kind: Literal["camera_status"] = "camera_status"
    status: str
    reason: str
    model: str = ""


class Plate(_Message):
    """The newest look. Corners and area as 0..1 of the preview; `advice` as in `kiosk.flow.pages`.

    `taken`: the corners of papers that lie there and were taken already; advice `taken` says that
    nothing else lies there.
    """

    kind: Literal["plate"] = "plate"
    advice: str
    corners: tuple[Point, ...]
    trouble_area: tuple[Point, ...]
    paper: bool
    steady: bool
    taken: tuple[tuple[Point, ...], ...] = ()


class CodeSeen(_Message):
    """A code held to the camera; one blob: its bytes."""

    kind: Literal["code_seen"] = "code_seen"
    format: str


class PageTaken(_Message):
    """One blob: the straightened page as JPEG."""

    kind: Literal["page_taken"] = "page_taken"
    id: int
    advice: str
    trouble_area: tuple[Point, ...]  # 0..1 of the page
    width_px: int
    height_px: int
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")  # pictures of one page are nearly the same
    to_be_read: bool  # PageRead follows


class PageRead(_Message):
    """What was read on a page that was taken; `whole` False when it could not be read."""

    kind: Literal["page_read"] = "page_read"
    id: int
    whole: bool
    is_paper: bool = False  # it is the known paper that was asked for
    fields: dict[str, str] = Field(default_factory=dict, repr=False)
    lines: tuple[str, ...] = Field((), repr=False)


class PageNotTaken(_Message):
    kind: Literal["page_not_taken"] = "page_not_taken"
    id: int
    advice: str


class DocumentsMade(_Message):
    """Two blobs: the PDF, the signature PNG."""

    kind: Literal["documents_made"] = "documents_made"
    id: int
    sheets: int = 0  # of the PDF: cards share one


class DocumentsFailed(_Message):
    kind: Literal["documents_failed"] = "documents_failed"
    id: int
    detail: str


Answer = Annotated[
    Hello
    | Pong
    | CameraStatus
    | Plate
    | CodeSeen
    | PageTaken
    | PageRead
    | PageNotTaken
    | DocumentsMade
    | DocumentsFailed,
    Field(discriminator="kind"),
]
ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)
