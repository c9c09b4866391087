"""Between the window and the session: a bug ends one citizen's session, not the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec

from drivers.device import Log
from kiosk.entry.bugs import tell_bug
from kiosk.flow.actions import Action
from kiosk.flow.events import Event
from kiosk.session import Session

GIVE_UP_AFTER: Final = 20  # five seconds of ticks: it does not heal by itself

P = ParamSpec("P")


class Guard:
    """The session's ways in. After a bug nobody's data stays on the screen.

    A bug in a step would be met again at every tick, and the idle time never be looked at: so the
    session is abandoned at once. What goes on failing even then ends the program, which is started
    again.
    """

    def __init__(self, session: Session, log: Log, give_up: Callable[[], None]) -> None:
        self._session = session
        self._log = log
        self._give_up = give_up
        self._failed = 0

    def act(self, action: Action) -> None:
        self.run(self._session.act, action)

    def touch(self) -> None:
        self.run(self._session.touch)

    def handle(self, event: Event) -> None:
        self.run(self._session.handle, event)

    def tick(self) -> None:
        self.run(self._session.tick)

    def run(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the next citizen must find the start
            tell_bug(self._log, "session", error)
            self._abandon()
        else:
            self._failed = 0

    def _abandon(self) -> None:
        self._failed += 1
        try:
            self._session.abandon()
        except Exception as error:  # noqa: BLE001 - the same
            tell_bug(self._log, "session", error)
        if self._failed >= GIVE_UP_AFTER:
            self._give_up()
