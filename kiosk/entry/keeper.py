"""`kiosk keep`: keeps the terminal's window running.

It starts `kiosk run` and listens. A window that ended, or whose own thread has not been heard for
`SILENCE_S`, is ended and started again after a pause that doubles from `RESTART_MIN_S` to
`RESTART_MAX_S`. Before it is killed it is asked for the stacks of its threads, which go to standard
error: that is the only trace of why it stood still. Nothing here touches what it kept.

It passes the beat on to systemd, if that asks for it, so that somebody looks after this one too.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from drivers.device import Clock, Log
from kiosk.clock import SystemClock
from kiosk.entry.alive import NOTIFY_SOCKET, Alive
from kiosk.entry.bugs import watch_for_bugs
from kiosk.entry.program import program_version
from kiosk.log import EventLog, open_log
from kiosk.settings import Settings, load, load_what_holds

START_S: Final = 60.0  # until the first beat: after a cold boot the libraries alone take half of it
SILENCE_S: Final = 15.0  # four beats a second are sixty missed; a citizen waits no longer than that
LOOK_S: Final = 0.25  # how often it is looked whether the window is still there
STACKS_S: Final = 1.0  # between asking for the stacks and killing
END_S: Final = 10.0  # between being asked to end and being killed: the store closes, children end
RESTART_MIN_S: Final = 0.5
RESTART_MAX_S: Final = 30.0
HEALTHY_S: Final = 60.0  # having lived this long, the next restart is quick again
A_BEAT_BYTES: Final = 64


class Keeper:
    """One window at a time. `run` in one thread; `end` from any, or from a signal's handler."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        clock: Clock,
        log: Log,
        above: Alive,
        start_s: float = START_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        """`above`: who looks after this process."""
        self._command = tuple(command)
        self._clock = clock
        self._log = log
        self._above = above
        self._start_s = start_s
        self._silence_s = silence_s
        self._ending = threading.Event()

    def end(self) -> None:
        self._ending.set()

    def run(self) -> int:
        """Until asked to end, or until the window was; answers its exit code."""
        pause_s = RESTART_MIN_S
        while True:
            began = self._clock.monotonic()
            code, reason = self._live_once()
            if self._ending.is_set() or code == 0:
                return code
            if self._clock.monotonic() - began > HEALTHY_S:
                pause_s = RESTART_MIN_S
            self._log("child_lost", child="window", reason=reason, restart_in_s=pause_s)
            if self._ending.wait(pause_s):
                return code
            pause_s = min(2 * pause_s, RESTART_MAX_S)

    def _live_once(self) -> tuple[int, str]:
        """One life of the window: its exit code, and how it ended."""
        name = f"kiosk-keep-{secrets.token_hex(8)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
            wire.bind(f"\0{name}")
            wire.settimeout(LOOK_S)
            window = subprocess.Popen(  # noqa: S603 - our own program
                self._command, env={**os.environ, NOTIFY_SOCKET: f"@{name}"}
            )
            self._log("child_started", child="window", pid=window.pid)
            try:
                reason = self._watch(window, wire)
            finally:
                code = _killed(window)
        return code, f"{reason}, exit {code}"

    def _watch(self, window: subprocess.Popen[bytes], wire: socket.socket) -> str:
        heard_at, limit_s = self._clock.monotonic(), self._start_s
        while window.poll() is None:
            if self._ending.is_set():
                window.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    window.wait(END_S)
                return "asked to end"
            try:
                heard = bool(wire.recv(A_BEAT_BYTES))
            except TimeoutError:
                heard = False
            if heard:
                heard_at, limit_s = self._clock.monotonic(), self._silence_s
                self._above.beat()
            elif self._clock.monotonic() - heard_at > limit_s:
                window.send_signal(signal.SIGABRT)  # its stacks, by faulthandler
                with contextlib.suppress(subprocess.TimeoutExpired):
                    window.wait(STACKS_S)
                return f"stood still for {limit_s:.0f} s"
        return "ended"


def _killed(process: subprocess.Popen[bytes]) -> int:
    process.kill()  # does nothing to one that has ended
    return process.wait()


def main(settings_path: Path, fullscreen: bool) -> int:
    loaded = load(settings_path)
    settings = loaded if isinstance(loaded, Settings) else load_what_holds(settings_path)
    command = [sys.executable, "-m", "kiosk", "run", "--settings", str(settings_path)]
    command += ["--fullscreen"] if fullscreen else []
    with open_log(settings.paths.logs, "keeper") as out:
        log = EventLog(out, "keeper")
        watch_for_bugs(log, "keeper")
        log("process_started", process="keeper", version=program_version())
        keeper = Keeper(command, clock=SystemClock(), log=log, above=Alive.of_this_process())

        def end(_signal: int, _frame: FrameType | None) -> None:
            keeper.end()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        code = keeper.run()
        log("process_stopped", process="keeper")
    return code
