"""View-model of what stands around every page: status bar, steps, tool row."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.clock import local
from kiosk.flow.actions import Act
from kiosk.flow.view import Line, View
from ui.texts import Texts

QML_IMPORT_NAME = "Kiosk.Frame"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class FrameModel(QObject):
    """Of one window; `show(view)` tells it of every new view."""

    changed = Signal()

    def __init__(self, texts: Texts, view: View, act: Callable[[Act], None]) -> None:
        super().__init__()
        self._texts = texts
        self._view = view
        self._act = act
        texts.changed.connect(self.changed)

    def show(self, view: View) -> None:
        before, self._view = self._view, view
        if (before.header, before.steps, before.preferences) != (
            view.header,
            view.steps,
            view.preferences,
        ):
            self.changed.emit()

    # -- status bar -------------------------------------------------------------

    @Property(str, notify=changed)
    def centre(self) -> str:
        return self._view.header.centre.get(self._texts.language)

    @Property(str, notify=changed)
    def terminal(self) -> str:
        return self._view.header.terminal.get(self._texts.language)

    @Property(str, notify=changed)
    def date(self) -> str:
        here = local(self._view.header.now)
        return self._texts.get(
            "frame",
            "date",
            month=self._texts.get("dates", f"month_{here.month}"),
            day=here.day,
            weekday=self._texts.get("frame", f"weekday_{here.isoweekday()}"),
            time=f"{here:%H:%M}",
        )

    @Property(str, notify=changed)
    def time(self) -> str:
        return f"{local(self._view.header.now):%H:%M}"

    @Property(str, notify=changed)
    def lineWords(self) -> str:
        header = self._view.header
        minutes = header.minutes_since_contact
        match header.line:
            case Line.ONLINE:
                if not minutes:
                    return self._texts.get("frame", "online_now")
                return self._texts.get("frame", "online", minutes=minutes)
            case Line.OFFLINE:
                if not minutes:
                    return self._texts.get("frame", "offline_now")
                return self._texts.get("frame", "offline", minutes=minutes)
            case Line.STOPPED:
                return self._texts.get("frame", "line_stopped")
            case Line.UNKNOWN:
                return self._texts.get("frame", "line_unknown")

    @Property(bool, notify=changed)
    def lineDown(self) -> bool:
        return self._view.header.line in (Line.OFFLINE, Line.STOPPED)

    @Property(bool, notify=changed)
    def lineUnknown(self) -> bool:
        return self._view.header.line is Line.UNKNOWN

    # -- steps --------------------------------------------------------------------

    @Property(bool, notify=changed)
    def stepsShown(self) -> bool:
        return self._view.steps is not None

    @Property(str, notify=changed)
    def itemName(self) -> str:
        steps = self._view.steps
        return steps.item_name.get(self._texts.language) if steps else ""

    def _names(self) -> list[str]:
        steps = self._view.steps
        return [self._texts.get("steps", name) for name in steps.names] if steps else []

    @Property("QStringList", notify=changed)  # type: ignore[arg-type]  # has no Python class
    def stepNames(self) -> list[str]:
        return self._names()

    @Property(int, notify=changed)
    def currentStep(self) -> int:
        return self._view.steps.current if self._view.steps else 0

    @Property(str, notify=changed)
    def stepSentence(self) -> str:
        steps = self._view.steps
        if steps is None or not 0 <= steps.current < len(steps.names):
            return ""
        return self._texts.get(
            "frame",
            "steps_of",
            current=steps.current + 1,
            total=len(steps.names),
            name=self._names()[steps.current],
        )

    # -- tools ----------------------------------------------------------------------

    @Property(bool, notify=changed)
    def voiceOn(self) -> bool:
        return self._view.preferences.voice

    @Property(bool, notify=changed)
    def elderOn(self) -> bool:
        return self._view.preferences.elder

    @Property(bool, notify=changed)
    def lowReachOn(self) -> bool:
        return self._view.preferences.low_reach

    @Slot()
    def home(self) -> None:
        self._act(Act.GO_HOME)

    @Slot()
    def language(self) -> None:
        self._act(Act.TOGGLE_LANGUAGE)

    @Slot()
    def textSizes(self) -> None:
        self._act(Act.SHOW_TEXT_SIZES)

    @Slot()
    def voice(self) -> None:
        self._act(Act.TOGGLE_VOICE)

    @Slot()
    def elder(self) -> None:
        self._act(Act.TOGGLE_ELDER)

    @Slot()
    def lowReach(self) -> None:
        self._act(Act.TOGGLE_LOW_REACH)

    @Slot()
    def help(self) -> None:
        self._act(Act.SHOW_HELP)
