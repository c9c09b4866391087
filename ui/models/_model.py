"""What all view-models share.

A view-model turns one page value into words and numbers ready to be shown, and presses into
actions. It decides nothing. It lives as long as its page is shown: `update(page)` tells it of a
newer value of the same page, or of another language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from PySide6.QtCore import (
    Property,
    QAbstractListModel,
    QByteArray,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.pages import Words
from ui.desk import Desk

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1

_FIRST_ROLE = Qt.ItemDataRole.UserRole + 1
_NO_PARENT = QModelIndex()


@QmlElement
class Rows(QAbstractListModel):
    """A list of rows of one dataclass; its field names are the roles.

    Rows that stay keep their delegates: a value that changes is told for its row only, so that
    a press or a movement on the screen is not cut off by the next update.
    """

    def __init__(self, row_type: type, parent: QObject) -> None:
        super().__init__(parent)
        self._names = [field.name for field in fields(row_type)]
        self._rows: list[object] = []

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def roleNames(self) -> dict[int, QByteArray]:
        return {
            _FIRST_ROLE + place: QByteArray(name.encode()) for place, name in enumerate(self._names)
        }

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        place = role - _FIRST_ROLE
        if not (0 <= index.row() < len(self._rows) and 0 <= place < len(self._names)):
            return None
        return getattr(self._rows[index.row()], self._names[place])

    def show(self, rows: Sequence[object]) -> None:
        """Replace the rows, touching only what is different."""
        common = min(len(rows), len(self._rows))
        for place in range(common):
            if self._rows[place] != rows[place]:
                self._rows[place] = rows[place]
                self.dataChanged.emit(self.index(place), self.index(place))
        if len(rows) > common:
            self.beginInsertRows(QModelIndex(), common, len(rows) - 1)
            self._rows.extend(rows[common:])
            self.endInsertRows()
        elif len(self._rows) > common:
            self.beginRemoveRows(QModelIndex(), common, len(self._rows) - 1)
            del self._rows[common:]
            self.endRemoveRows()

    def rows(self) -> tuple[Any, ...]:
        """What is shown now, for tests and other models."""
        return tuple(self._rows)


@QmlElement
class PageModel(QObject):
    """Base of every view-model: the words at the top of the page, and the presses all have."""

    # The notify signal of this class's own properties. A property cannot be told of by a signal
    # that its class inherits (it would be given none), so every model adds `renewed` for its own.
    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def update(self, page: Any) -> None:
        """A newer value of the same page, or the same in another language."""
        raise NotImplementedError

    def heading(self) -> str:
        """The question of the page."""
        raise NotImplementedError

    def leading(self) -> str:
        """One or two sentences under it; "" for none."""
        return ""

    def say(self, situation: str, key: str, /, **values: object) -> str:
        """One text of `ui/i18n`."""
        return self._desk.texts.get(situation, key, **values)

    def said(self, words: Words) -> str:
        """One text of a service item."""
        return self._desk.said(words)

    def press(self, act: Act, argument: str = "", value: str = "") -> None:
        self._desk.act(act, argument, value)

    @Property(str, notify=changed)
    def title(self) -> str:
        return self.heading()

    @Property(str, notify=changed)
    def lead(self) -> str:
        return self.leading()

    @Slot()
    def back(self) -> None:
        self.press(Act.BACK)

    @Slot()
    def goHome(self) -> None:
        self.press(Act.GO_HOME)

    @Slot()
    def help(self) -> None:
        self.press(Act.SHOW_HELP)

    @Slot()
    def finish(self) -> None:
        self.press(Act.FINISH)
