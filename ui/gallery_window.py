"""The window of the gallery: the real one, filled with sample views, photographed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QEventLoop, QIODevice, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter

from kiosk.flow.view import View
from ui import samples
from ui.images import PageImages
from ui.texts import Texts
from ui.window import KioskWindow

SETTLE_MS = 30  # between two looks: what a look has laid out anew is broken into pages
MOST_LOOKS = 100  # what still moves then, moves by itself
_APPLICATION_NAME = "kiosk-gallery"


def application() -> QGuiApplication:
    """The one Qt application of this process."""
    existing = QGuiApplication.instance()
    if isinstance(existing, QGuiApplication):
        return existing
    app = QGuiApplication(sys.argv[:1])
    app.setApplicationName(_APPLICATION_NAME)
    return app


def drawn_page() -> bytes:
    """A made-up page as JPEG: lines where a page has its table."""
    image = QImage(1240, 874, QImage.Format.Format_RGB32)
    image.fill(QColor("#FBF8EC"))
    painter = QPainter(image)
    painter.setPen(QColor("#4A463A"))
    painter.setFont(QFont("Noto Sans CJK SC", 28))
    painter.drawText(QRectF(0, 40, 1240, 60), Qt.AlignmentFlag.AlignCenter, "常住人口登记卡")
    for row in range(8):
        painter.drawRect(QRectF(110, 130 + row * 84, 250, 84))
        painter.drawRect(QRectF(360, 130 + row * 84, 770, 84))
    painter.end()
    return _jpeg(image)


def drawn_face() -> bytes:
    """A made-up photo in the shape of a card's, 102 x 126: nobody's face."""
    image = QImage(102, 126, QImage.Format.Format_RGB32)
    image.fill(QColor("#E9EDF0"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for colour, place in (
        ("#3B4A57", QRectF(12, 88, 78, 70)),
        ("#5B5148", QRectF(27, 18, 48, 52)),
        ("#D9B79A", QRectF(31, 26, 40, 54)),
    ):
        painter.setBrush(QColor(colour))
        painter.drawEllipse(place)
    painter.end()
    return _jpeg(image)


def put_samples(images: PageImages) -> None:
    """What the sample views show under their keys."""
    images.put(samples.IMAGE, drawn_page())
    images.put(samples.PHOTO, drawn_face())


def _jpeg(image: QImage) -> bytes:
    return _encoded(image, "JPG", 90)


def _encoded(image: QImage, kind: str, quality: int) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, kind, quality)  # type: ignore[call-overload]
    return bytes(data.data())


def when_still(
    look: Callable[[], QImage], settled: Callable[[], bool], wait: Callable[[], None]
) -> QImage:
    """The picture that two looks one after another agree on, with nothing left to be laid out:
    on a busy machine that takes longer. The last look where it never comes to that."""
    before = look()
    for _ in range(MOST_LOOKS):
        wait()
        now = look()
        if now == before and settled():
            return now
        before = now
    return before


class _StillFrame:
    """What the camera sees in the gallery."""

    number = 1
    width = 960
    height = 540

    def __init__(self) -> None:
        image = QImage(self.width, self.height, QImage.Format.Format_RGB888)
        image.fill(QColor("#2C4047"))
        page = QImage.fromData(drawn_page())
        painter = QPainter(image)
        painter.drawImage(QRectF(170, 60, 620, 430), page)
        painter.end()
        self.pixels = bytes(image.constBits())


class StillReader:
    def __init__(self) -> None:
        self._frame = _StillFrame()

    def newest(self, after: int) -> _StillFrame | None:
        return self._frame if after < self._frame.number else None


class GalleryWindow:
    """Shows one view after another and takes a picture of each."""

    def __init__(self, width: int, height: int, view: View) -> None:
        application()
        images = PageImages()
        put_samples(images)
        self.window = KioskWindow(
            width=width,
            height=height,
            full_screen=False,
            reduced_motion=True,
            view=view,
            act=lambda _action: None,
            touch=lambda: None,
            texts=Texts(),
            images=images,
            preview=StillReader(),
            speak=lambda _words, _language: None,
            hush=lambda: None,
        )
        self.window.resize(width, height)
        self.window.show()

    def show_sample(self, view: View) -> None:
        self.window.show_view(view)
        settle()

    def picture(self, path: Path) -> None:
        """Write what is shown, once it stands still. Raises OSError."""
        image = when_still(self.window.grabWindow, self._settled, settle)
        path.write_bytes(_encoded(image, "PNG", -1))

    def _settled(self) -> bool:
        """The page has made its page breaks; one that is not turned has none to make."""
        root: Any = self.window.rootObject()
        page = root.property("current")
        return page is None or page.property("settled") is not False

    def done(self) -> None:
        self.window.finish()
        self.window.deleteLater()
        settle(0)


def settle(ms: int = SETTLE_MS) -> None:
    """Let the event loop run for a moment."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()
