"""The one door from the workers' mailbox to the Qt thread: one queued signal."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal, Slot

from kiosk.mailbox import Mailbox


class Bridge(QObject):
    """Drains the mailbox on the thread it was made on and hands each event to `handle`.

    `wake` is called from worker threads and only emits a signal. The slot is a method of a
    QObject that lives on the Qt thread and the connection is queued, so it runs there: a bare
    Python callable would have run in the worker.
    """

    _woken = Signal()

    def __init__(self, mailbox: Mailbox, handle: Callable[[object], None]) -> None:
        super().__init__()
        self._mailbox = mailbox
        self._handle = handle
        self._woken.connect(self._drain, Qt.ConnectionType.QueuedConnection)
        mailbox.set_wake(self._wake)

    def close(self) -> None:
        """Nothing is handed over any more. Call before the session goes."""
        self._mailbox.set_wake(_nothing)
        self._woken.disconnect(self._drain)

    def _wake(self) -> None:
        self._woken.emit()

    @Slot()
    def _drain(self) -> None:
        for event in self._mailbox.drain():
            self._handle(event)


def _nothing() -> None:
    pass
