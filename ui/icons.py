"""Icons for QML: `image://icon/<lucide name>/<rrggbb>`, drawn at the size asked for.

Lucide (ISC licence) as packaged by `lucide`; stroke 2 on a field of 24.
"""

from __future__ import annotations

import io
import re
import zipfile
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtQuick import QQuickImageProvider
from PySide6.QtSvg import QSvgRenderer

PROVIDER = "icon"
DEFAULT_SIZE_PX = 48
_NAME = re.compile(r"^[a-z0-9-]+$")
_COLOUR = re.compile(r"^[0-9a-f]{6}([0-9a-f]{2})?$", re.IGNORECASE)


class Icons:
    """The packaged drawings by name."""

    def __init__(self) -> None:
        packed = resources.files("lucide").joinpath("lucide.zip").read_bytes()
        self._zip = zipfile.ZipFile(io.BytesIO(packed))
        self._names = frozenset(name.removesuffix(".svg") for name in self._zip.namelist())

    def has(self, name: str) -> bool:
        return name in self._names

    def svg(self, name: str, colour: str) -> bytes:
        """The icon as SVG in one colour ("#rrggbb"). KeyError: no such icon."""
        return self._zip.read(f"{name}.svg").replace(b"currentColor", colour.encode())


def draw(drawing: bytes, size_px: int) -> QImage:
    """An SVG on a transparent square."""
    image = QImage(size_px, size_px, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(drawing))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    return image


class IconProvider(QQuickImageProvider):
    """Answers QML's requests for icons."""

    def __init__(self) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)
        self._icons = Icons()

    def requestImage(self, id: str, size: QSize, requested_size: QSize) -> QImage:
        """`id` is `<name>/<rrggbb>` or `<name>/<aarrggbb>`. An unknown icon is empty: the word beside it stays."""
        name, _, colour = id.partition("/")
        if not (_NAME.match(name) and _COLOUR.match(colour)):
            return QImage()
        side = max(requested_size.width(), requested_size.height())
        if not self._icons.has(name):
            return QImage()
        return draw(self._icons.svg(name, "#" + colour[-6:]), side if side > 0 else DEFAULT_SIZE_PX)
