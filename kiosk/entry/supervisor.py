"""Starts the child processes of the window, watches them, and starts them again.

A child gets one end of a socket pair by inherited descriptor (`--fd N`). It is told to end by
closing that pair, and ends by itself when its parent dies. A child that ended, or has not
sent a frame for `SILENCE_S` although it is asked every `PING_S`, is killed and started again after
a pause that doubles from `RESTART_MIN_S` to `RESTART_MAX_S`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.device import Clock, Log
from kiosk.channel import Channel, ChannelClosed, Frame

PING_S = 2.0
SILENCE_S = 10.0  # long enough for a slow page search, short enough that "one moment" is true
RESTART_MIN_S = 0.5
RESTART_MAX_S = 30.0
HEALTHY_S = 60.0  # having lived this long, a child's next restart is quick again
STOP_S = 3.0  # between being asked to end and being killed


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one child is started.

    `command` gets the number of the inherited descriptor and of each secret's descriptor.
    `secrets` are handed over through pipes, never by argument or environment.
    """

    name: str
    command: Callable[[int, tuple[int, ...]], Sequence[str]]
    ping: bytes
    secrets: tuple[bytes, ...] = ()


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
        self._channel: Channel | None = None
        self._heard_at = 0.0
        self._thread = threading.Thread(target=self._run, name=f"child-{recipe.name}", daemon=True)
        self._pinger = threading.Thread(target=self._ping, name=f"ping-{recipe.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._pinger.start()

    def send(self, message: bytes, blobs: tuple[bytes, ...] = ()) -> ChannelClosed | None:
        """Send one frame; the value tells when nobody is there to take it."""
        with self._lock:
            channel = self._channel
        return channel.send(message, blobs) if channel else ChannelClosed("not running")

    def stop(self) -> None:
        """End the child and this thread, within `STOP_S` and a little."""
        self._stopping.set()
        with self._lock:
            channel = self._channel
        if channel:
            channel.close()
        if self._thread.is_alive():
            self._thread.join(STOP_S + 2.0)

    # -- the child's thread -----------------------------------------------------

    def _run(self) -> None:
        pause_s = RESTART_MIN_S
        while not self._stopping.is_set():
            started_at = self._clock.monotonic()
            reason = self._live_once()
            if self._stopping.is_set():
                return
            lived_s = self._clock.monotonic() - started_at
            pause_s = RESTART_MIN_S if lived_s > HEALTHY_S else pause_s
            self._log(
                "child_lost", child=self._recipe.name, reason=reason, restart_in_s=round(pause_s, 1)
            )
            self._on_down(reason)
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 2, RESTART_MAX_S)

    def _live_once(self) -> str:
        """Start the child and read from it until it is gone; says why it went."""
        ours, theirs = socket.socketpair()
        pipes = [_pipe_with(secret) for secret in self._recipe.secrets]
        command = self._recipe.command(theirs.fileno(), tuple(pipes))
        try:
            with self._output.open("ab") as output:
                process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(theirs.fileno(), *pipes),
                    close_fds=True,
                )
        except OSError as error:
            ours.close()
            return f"cannot be started: {error.strerror}"
        finally:
            theirs.close()
            for pipe in pipes:
                os.close(pipe)
        channel = Channel(ours)
        with self._lock:
            self._channel = channel
            self._heard_at = self._clock.monotonic()
        if self._stopping.is_set():
            channel.close()
        self._log("child_started", child=self._recipe.name, pid=process.pid)
        self._on_up()
        reason = self._read(channel)
        with self._lock:
            self._channel = None
        channel.close()
        return f"{reason}, exit {_end(process)}"

    def _read(self, channel: Channel) -> str:
        while True:
            frame = channel.receive()
            if isinstance(frame, ChannelClosed):
                return frame.reason
            with self._lock:
                self._heard_at = self._clock.monotonic()
            self._on_frame(frame)

    def _ping(self) -> None:
        while not self._stopping.wait(PING_S):
            with self._lock:
                channel, heard_at = self._channel, self._heard_at
            if channel is None:
                continue
            if self._clock.monotonic() - heard_at > SILENCE_S:
                channel.close()  # wakes the reader, which ends the process
            else:
                channel.send(self._recipe.ping)


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
