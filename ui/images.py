"""Pictures of a session: taken pages and the card's photo (`image://page/<key>`), and codes
(`image://qr/<text>`).

They are kept as the bytes they came as, in memory only, and dropped by `clear`.
"""

from __future__ import annotations

from threading import Lock
from urllib.parse import unquote

import segno
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtQuick import QQuickImageProvider

PAGE_PROVIDER = "page"
QR_PROVIDER = "qr"
QUIET_ZONE_MODULES = 4  # ISO/IEC 18004 asks for four light modules around the code
QR_TEXT_MAX = 1000  # longer than anything this terminal prints


class PageImages:
    """The pages of this session by key. Filled from the Qt thread, read from the render thread."""

    def __init__(self) -> None:
        self._jpegs: dict[str, bytes] = {}
        self._lock = Lock()

    def put(self, key: str, jpeg: bytes) -> None:
        with self._lock:
            self._jpegs[key] = jpeg

    def drop(self, key: str) -> None:
        """What one page showed is gone before the session is."""
        with self._lock:
            self._jpegs.pop(key, None)

    def get(self, key: str) -> bytes | None:
        with self._lock:
            return self._jpegs.get(key)

    def clear(self) -> None:
        """The session is over."""
        with self._lock:
            self._jpegs.clear()

    def __len__(self) -> int:
        return len(self._jpegs)


class PageProvider(QQuickImageProvider):
    """Decodes a page at the size the screen needs."""

    def __init__(self, images: PageImages) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)
        self._images = images

    def requestImage(self, id: str, size: QSize, requested_size: QSize) -> QImage:
        jpeg = self._images.get(id)
        if jpeg is None:
            return QImage()
        image = QImage.fromData(jpeg)
        if requested_size.width() > 0 and requested_size.height() > 0:
            image = image.scaled(
                requested_size,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        return image


BLACK, WHITE = 0, 255


class QrProvider(QQuickImageProvider):
    """Draws a code black on white, each module a whole number of pixels."""

    def __init__(self) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)

    def requestImage(self, id: str, size: QSize, requested_size: QSize) -> QImage:
        text = unquote(id)[:QR_TEXT_MAX]
        if not text:
            return QImage()
        modules = [bytes(row) for row in segno.make_qr(text, error="m").matrix]
        side = len(modules) + 2 * QUIET_ZONE_MODULES
        wanted = max(requested_size.width(), requested_size.height(), side)
        # One buffer, not setPixel: PySide takes a reference from None at every call of it, and a
        # few codes later the interpreter would end.
        blank = bytes([WHITE]) * QUIET_ZONE_MODULES
        edge = bytes([WHITE]) * side * QUIET_ZONE_MODULES
        rows = (blank + bytes(BLACK if dark else WHITE for dark in row) + blank for row in modules)
        pixels = edge + b"".join(rows) + edge
        image = QImage(pixels, side, side, side, QImage.Format.Format_Grayscale8).copy()
        scale = wanted // side
        return image.scaled(side * scale, side * scale)
