"""The newest picture of the plate, on the screen: `PreviewPicture` of module `Kiosk.Preview`.

Frames come from a reader given to the window (the vision process writes, this reads). The bytes
are shown where they lie: the one copy is the drawing itself.
"""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import Property, QObject, QRectF, QTimer, Signal
from PySide6.QtGui import QImage, QPainter
from PySide6.QtQml import QmlElement, QQmlEngine, qmlEngine
from PySide6.QtQuick import QQuickItem, QQuickPaintedItem

QML_IMPORT_NAME = "Kiosk.Preview"
QML_IMPORT_MAJOR_VERSION = 1

LOOK_EVERY_MS = 50  # at most 20 pictures a second: more costs a core and shows nothing more
_ENGINE_PROPERTY = "kioskPreview"


class Frame(Protocol):
    """One picture: `pixels` is RGB888, rows without padding."""

    @property
    def number(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def pixels(self) -> bytes | memoryview: ...


class PreviewReader(Protocol):
    def newest(self, after: int) -> Frame | None:
        """The newest frame if its number is greater than `after`. Never blocks."""
        ...


class PreviewSource(QObject):
    """Carries the reader to the items of one engine; the reader may be exchanged (vision restarted)."""

    def __init__(self, reader: PreviewReader | None = None) -> None:
        super().__init__()
        self.reader = reader

    def attach(self, engine: QQmlEngine) -> None:
        engine.setProperty(_ENGINE_PROPERTY, self)


@QmlElement
class PreviewPicture(QQuickPaintedItem):
    """Shows the newest frame while `running`; keeps none when it stops."""

    runningChanged = Signal()
    frameChanged = Signal()

    def __init__(self, parent: QQuickItem | None = None) -> None:
        super().__init__(parent)
        self._running = False
        self._shown: Frame | None = None
        self._number = -1
        self._rect = QRectF()
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self.widthChanged.connect(self._place)
        self.heightChanged.connect(self._place)

    def _get_running(self) -> bool:
        return self._running

    def _set_running(self, running: bool) -> None:
        if running == self._running:
            return
        self._running = running
        if running:
            self._timer.start()
        else:
            self._timer.stop()
            self._shown = None
            self._number = -1
            self.update()
        self.runningChanged.emit()

    running = Property(bool, _get_running, _set_running, notify=runningChanged)

    @Property(QRectF, notify=frameChanged)
    def frame(self) -> QRectF:
        """Where in this item the picture lies; the whole item while there is none."""
        return self._rect

    def _look(self) -> None:
        engine = qmlEngine(self)
        source = engine.property(_ENGINE_PROPERTY) if engine else None
        if not isinstance(source, PreviewSource) or source.reader is None:
            return
        newest = source.reader.newest(self._number)
        if newest is None:
            return
        self._number = newest.number
        self._shown = newest
        self._place()
        self.update()

    def _place(self) -> None:
        room = QRectF(0, 0, self.width(), self.height())
        rect = room
        if self._shown is not None and self._shown.width and self._shown.height:
            scale = min(room.width() / self._shown.width, room.height() / self._shown.height)
            width, height = self._shown.width * scale, self._shown.height * scale
            rect = QRectF((room.width() - width) / 2, (room.height() - height) / 2, width, height)
        if rect != self._rect:
            self._rect = rect
            self.frameChanged.emit()

    def paint(self, painter: QPainter) -> None:
        shown = self._shown
        if shown is None:
            return
        image = QImage(
            shown.pixels, shown.width, shown.height, shown.width * 3, QImage.Format.Format_RGB888
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self._rect, image)
