"""Starts the child processes of the window, watches them, and starts them again.

A child gets one end of a socket pair by inherited descriptor (`--fd N`). It is told to end by
closing that pair, and ends by itself when its parent dies. A child that ended, or has not
sent a frame for `SILENCE_S` although it is asked every `PING_S`, is killed and started again after
a pause that doubles from `RESTART_MIN_S` to `RESTART_MAX_S`. Until its first frame it has `START_S`.

Nobody waits for a child: what is sent is queued, and written by a thread of its own, because a
child that hangs takes nothing from its socket.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from drivers.device import Clock, Log
from kiosk.channel import Channel, ChannelClosed, Frame
from kiosk.entry.bugs import tell_bug

PING_S = 2.0
SILENCE_S = 10.0  # long enough for a slow page search, short enough that "one moment" is true
START_S = 60.0  # until its first word: after a cold boot the libraries alone may take half of it
RESTART_MIN_S = 0.5
RESTART_MAX_S = 30.0
HEALTHY_S = 60.0  # having lived this long, a child's next restart is quick again
STOP_S = 3.0  # between being asked to end and being killed


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one child is started.

    `command` gets the number of the inherited descriptor and of each secret's descriptor.
    `secrets` are handed over through pipes, never by argument or environment. They are asked for at
    every start; None: there are none yet, and it is tried again.
    """

    name: str
    command: Callable[[int, tuple[int, ...]], Sequence[str]]
    ping: bytes
    secrets: Callable[[], tuple[bytes, ...] | None] = field(default=tuple, repr=False)


class _Line:
    """The way to one running child: a queue, and the thread that empties it into the channel."""

    def __init__(self, channel: Channel, name: str) -> None:
        self.channel = channel
        self._queue: queue.SimpleQueue[tuple[bytes, tuple[bytes, ...]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name=f"send-{name}", daemon=True)
        self._thread.start()

    def send(self, message: bytes, blobs: tuple[bytes, ...]) -> None:
        self._queue.put((message, blobs))

    def close(self) -> None:
        self.channel.close()
        self._queue.put(None)

    def _write(self) -> None:
        while (entry := self._queue.get()) is not None:
            if self.channel.send(*entry) is not None:
                return  # closed: the reader notices it too


class Child:
    """One supervised child. Owns one thread, which starts, reads and restarts the process."""

    def __init__(
        self,
        recipe: Recipe,
        *,
        on_up: Callable[[], None],
        on_frame: Callable[[Frame], None],
        on_down: Callable[[str], None],
        clock: Clock,
        log: Log,
        output: Path,
    ) -> None:
        """`on_*` are called on the child's thread and must only post; `output` takes its stderr."""
        self._recipe = recipe
        self._on_up = on_up
        self._on_frame = on_frame
        self._on_down = on_down
        self._clock = clock
        self._log = log
        self._output = output
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._heard_at = 0.0
        self._said_something = False
        self._thread = threading.Thread(target=self._run, name=f"child-{recipe.name}", daemon=True)
        self._pinger = threading.Thread(target=self._ping, name=f"ping-{recipe.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._pinger.start()

    def send(self, message: bytes, blobs: tuple[bytes, ...] = ()) -> ChannelClosed | None:
        """Queue one frame and never wait; the value tells when nobody is there to take it.

        What was queued for a child that is lost is lost with it; then `on_down` is called.
        """
        with self._lock:
            line = self._line
        if line is None:
            return ChannelClosed("not running")
        line.send(message, blobs)
        return None

    def stop(self) -> None:
        """End the child and this thread, within `STOP_S` and a little."""
        self._stopping.set()
        with self._lock:
            line = self._line
        if line:
            line.close()
        if self._thread.is_alive():
            self._thread.join(STOP_S + 2.0)

    # -- the child's thread -----------------------------------------------------

    def _run(self) -> None:
        pause_s = RESTART_MIN_S
        while not self._stopping.is_set():
            started_at = self._clock.monotonic()
            reason = self._guarded_life()
            if self._stopping.is_set():
                return
            lived_s = self._clock.monotonic() - started_at
            pause_s = RESTART_MIN_S if lived_s > HEALTHY_S else pause_s
            self._log(
                "child_lost", child=self._recipe.name, reason=reason, restart_in_s=round(pause_s, 1)
            )
            try:
                self._on_down(reason)
            except Exception as error:  # noqa: BLE001 - the child must be started again
                tell_bug(self._log, self._recipe.name, error)
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 2, RESTART_MAX_S)

    def _guarded_life(self) -> str:
        """One life of the child. A bug on our side ends that life, not this thread."""
        try:
            return self._live_once()
        except Exception as error:  # noqa: BLE001 - the same
            tell_bug(self._log, self._recipe.name, error)
            return f"unexpected {type(error).__name__}"

    def _live_once(self) -> str:
        """Start the child and read from it until it is gone; says why it went."""
        secrets = self._recipe.secrets()
        if secrets is None:
            return "cannot be started: its keys are not there"
        with contextlib.ExitStack() as handed_over:
            try:
                ours, theirs = socket.socketpair()
                handed_over.callback(theirs.close)
                ours_closed = handed_over.enter_context(contextlib.ExitStack())
                ours_closed.callback(ours.close)
                pipes: list[int] = []
                for secret in secrets:
                    pipes.append(_pipe_with(secret))
                    handed_over.callback(os.close, pipes[-1])
                output = handed_over.enter_context(self._open_output())
                process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                    self._recipe.command(theirs.fileno(), tuple(pipes)),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(theirs.fileno(), *pipes),
                    close_fds=True,
                )
                ours_closed.pop_all()
            except OSError as error:
                return f"cannot be started: {error.strerror}"
        line = _Line(Channel(ours), self._recipe.name)
        try:
            with self._lock:
                self._line = line
                self._heard_at = self._clock.monotonic()
                self._said_something = False
            if self._stopping.is_set():
                line.close()
            self._log("child_started", child=self._recipe.name, pid=process.pid)
            self._on_up()
            reason = self._read(line.channel)
        finally:
            with self._lock:
                self._line = None
            line.close()
            code = _end(process)
        return f"{reason}, exit {code}"

    def _open_output(self) -> BinaryIO:
        """What a library writes there; a folder that cannot be written is no reason not to start."""
        try:
            return open(self._output, "ab", opener=_private)
        except OSError:
            return open(os.devnull, "ab")  # noqa: PTH123 - beside the one above

    def _read(self, channel: Channel) -> str:
        while True:
            frame = channel.receive()
            if isinstance(frame, ChannelClosed):
                return frame.reason
            with self._lock:
                self._heard_at = self._clock.monotonic()
                self._said_something = True
            try:
                self._on_frame(frame)
            except Exception as error:  # noqa: BLE001 - one message less, the others are heard
                tell_bug(self._log, self._recipe.name, error)

    def _ping(self) -> None:
        while not self._stopping.wait(PING_S):
            with self._lock:
                line, heard_at = self._line, self._heard_at
                limit_s = SILENCE_S if self._said_something else START_S
            if line is None:
                continue
            if self._clock.monotonic() - heard_at > limit_s:
                line.channel.close()  # wakes the reader, which ends the process
            else:
                line.send(self._recipe.ping, ())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _pipe_with(secret: bytes) -> int:
    """The reading end of a pipe that holds `secret` (shorter than a pipe's buffer) and is closed."""
    reading, writing = os.pipe()
    try:
        os.write(writing, secret)
    finally:
        os.close(writing)
    return reading


def _end(process: subprocess.Popen[bytes]) -> int:
    """Wait a little for the child to end by itself, then end it."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(STOP_S)
    process.kill()
    return process.wait()
