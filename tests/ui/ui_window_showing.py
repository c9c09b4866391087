"""Showing sample views in the real window, for the tests of this folder."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from PySide6.QtCore import (
    QCoreApplication,
    QEventLoop,
    QPointF,
    QTimer,
)
from PySide6.QtQuick import QQuickItem

from kiosk.flow.actions import Action
from kiosk.flow.view import View
from ui import samples
from ui.gallery import Look, looks, view_in
from ui.gallery_window import StillReader, put_samples
from ui.images import PageImages
from ui.texts import Texts
from ui.window import KioskWindow


def settle(ms: int = 40) -> None:
    """Let queued events, polish and page breaks happen."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


@dataclass
class Shown:
    """A window with what it told."""

    look: Look
    images: PageImages = field(default_factory=PageImages)
    actions: list[Action] = field(default_factory=list)
    touches: list[None] = field(default_factory=list)
    spoken: list[tuple[str, str]] = field(default_factory=list)
    hushes: list[None] = field(default_factory=list)
    serial: int = 1
    window: KioskWindow = field(init=False)

    def open(self, view: View) -> None:
        """Make the window with its first view."""
        put_samples(self.images)
        self.window = KioskWindow(
            width=self.look.width,
            height=self.look.height,
            full_screen=False,
            reduced_motion=True,
            view=view,
            act=self.actions.append,
            touch=lambda: self.touches.append(None),
            texts=Texts(),
            images=self.images,
            preview=StillReader(),
            speak=lambda words, language: self.spoken.append((words, language)),
            hush=lambda: self.hushes.append(None),
        )
        self.window.resize(self.look.width, self.look.height)
        self.window.show()
        self.window.requestActivate()
        settle()

    def show(self, name: str) -> View:
        """Put a sample on the screen as a new page."""
        self.serial += 1
        view = view_in(sample(name), self.look, self.serial)
        self.window.show_view(view)
        settle()
        return view

    def items(self) -> list[QQuickItem]:
        """Everything in the scene, parents first."""
        return list(walk(self.window.rootObject()))

    def named(self, name: str) -> QQuickItem:
        """The one visible item with this objectName or these words."""
        found = [
            item
            for item in self.items()
            if seen(item)
            and (
                item.objectName() == name
                or (item.property("pressable") is True and item.property("words") == name)
            )
        ]
        assert len(found) == 1, (name, found)
        return found[0]

    def middle(self, name: str) -> QPointF:
        item = self.named(name)
        return item.mapToScene(QPointF(item.width() / 2, item.height() / 2))


def sample(name: str) -> View:
    return next(one.view for one in samples.samples() if one.name == name)


def walk(item: QQuickItem) -> Iterator[QQuickItem]:
    yield item
    for child in item.childItems():
        yield from walk(child)


def seen(item: QQuickItem) -> bool:
    """On the screen now: visible, and not on another page of the same screen."""
    at: QQuickItem | None = item
    while at is not None:
        if not at.isVisible() or at.opacity() == 0:
            return False
        at = at.parentItem()
    return True


class Shower:
    """Makes windows and closes them: `show("form", "elder-zh")`."""

    def __init__(self) -> None:
        self._made: list[Shown] = []

    def __call__(self, name: str = "standby", look_name: str = "normal-zh") -> Shown:
        look = next(look for look in looks() if look.name == look_name)
        shown = Shown(look)
        self._made.append(shown)
        shown.open(view_in(sample(name), look, 1))
        return shown

    def close(self) -> None:
        for shown in self._made:
            shown.window.finish()
            shown.window.deleteLater()
        self._made.clear()
        QCoreApplication.processEvents()
