"""The window process: the terminal and its screen.

    kiosk run --settings FILE

It owns the screen, the session and the threads of the slow wires, and starts the vision and the
sync process as its children.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication

from drivers.device import Log
from kiosk.clock import SystemClock
from kiosk.documents.ring import PreviewReader
from kiosk.entry.alive import Alive
from kiosk.entry.bugs import watch_for_bugs
from kiosk.entry.commands.settings_file import exit_of
from kiosk.entry.program import die_with_parent, no_core_dumps, only_one, program_version
from kiosk.entry.terminal import Terminal, untouched
from kiosk.flow.pages import Closure
from kiosk.flow.view import View
from kiosk.log import STANDARD_ERROR, EventLog, open_log
from kiosk.mailbox import Mailbox
from kiosk.settings import Settings, load, load_what_holds
from ui import runtime
from ui.bridge import Bridge
from ui.images import PageImages
from ui.texts import Texts
from ui.window import KioskWindow

NO_DISPLAY: Final = 3  # exit code of what is not there
FAILED: Final = 4  # exit code of every fault that is not "not there"
SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a tmpfs on every Linux
TICK_MS: Final = 250  # the ring counts seconds; a quarter of one is never seen


def main(settings_path: Path, fullscreen: bool) -> int:
    """Run the terminal until it is told to end. Answers the exit code.

    With settings that are missing or faulty the screen still says to the public that the terminal
    is closed and where to go; the faults are on standard error and in the log.
    """
    loaded = load(settings_path)
    faults = () if isinstance(loaded, Settings) else loaded
    settings = loaded if isinstance(loaded, Settings) else untouched(load_what_holds(settings_path))
    for fault in faults:
        print(fault, file=sys.stderr, flush=True)
    if not _there_is_a_screen():
        print("no display: neither DISPLAY nor WAYLAND_DISPLAY leads to one", file=sys.stderr)
        return NO_DISPLAY
    alone = only_one(settings.paths.data) if not faults else None  # closed, it touches nothing
    if alone is None and not faults:
        print(f"a terminal is already running over {settings.paths.data}", file=sys.stderr)
        return FAILED
    alive = Alive.of_this_process()
    if alive.asked_for:
        die_with_parent(signal.SIGTERM)  # nobody would look after it, nor know of it
    home = _private_home(settings.paths.runtime)
    runtime.prepare()
    no_core_dumps()
    with open_log(settings.paths.logs, "window") as out:
        faulthandler.enable(STANDARD_ERROR)  # a crash of the interpreter leaves its stack there
        log = EventLog(out, "window")
        watch_for_bugs(log, "window")
        log("process_started", process="window", version=program_version())
        for fault in faults:
            log("settings_fault", field=fault.field, line=fault.line, problem=fault.problem)
        if home.parent != settings.paths.runtime:
            problem = "cannot be used; /dev/shm is, until it can"
            log("settings_fault", field="paths.runtime", line=0, problem=problem)
        closed = Closure.SETTINGS if faults else None
        code = _run(settings, settings_path, fullscreen, log, home, alive=alive, closed=closed)
        log("process_stopped", process="window")
        faulthandler.disable()
    return code or (exit_of(faults) if faults else 0)


def _there_is_a_screen() -> bool:
    """Qt aborts the program where there is none. A platform that was named by hand is not doubted."""
    if os.environ.get("QT_QPA_PLATFORM", "xcb") not in ("xcb", "wayland"):
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    display = os.environ.get("DISPLAY", "")
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
    if local is None:
        return bool(display)  # on another machine: Qt finds out
    name = f"/tmp/.X11-unix/X{local.group(1)}"  # noqa: S108 - where every X server listens
    for address in (name, f"\0{name}"):
        with socket.socket(socket.AF_UNIX) as wire, contextlib.suppress(OSError):
            wire.connect(address)
            return True
    return False


class _Screen:
    """The window as the terminal sees it. Until it is made nothing is shown."""

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary
        self.window: KioskWindow | None = None

    def show_view(self, view: View) -> None:
        if self.window is not None:
            self.window.show_view(view)

    def show_preview(self, ring: str | None) -> None:
        if self.window is not None:
            self.window.set_preview(PreviewReader.open(ring) if ring else None)

    def wipe(self) -> None:
        if self.window is not None:
            self.window.wipe()
        _empty(self._temporary)


def _run(
    settings: Settings,
    path: Path,
    fullscreen: bool,
    log: Log,
    home: Path,
    *,
    alive: Alive,
    closed: Closure | None,
) -> int:
    application = QGuiApplication(["kiosk"])
    mailbox = Mailbox()
    images = PageImages()
    screen = _Screen(home / "tmp")
    terminal = Terminal(
        settings,
        path,
        log=log,
        clock=SystemClock(),
        mailbox=mailbox,
        images=images,
        screen=screen,
        give_up=lambda: application.exit(FAILED),
        closed=closed,
    )
    window = KioskWindow(
        width=settings.window.width,
        height=settings.window.height,
        full_screen=settings.window.full_screen or fullscreen,
        reduced_motion=settings.window.reduced_motion,
        view=terminal.view,
        act=terminal.guard.act,
        touch=terminal.guard.touch,
        texts=Texts(),
        images=images,
        preview=None,
        speak=terminal.runner.speak,
        hush=terminal.runner.hush,
    )
    screen.window = window
    asked_to_end = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        asked_to_end.set()

    def look_whether_to_end() -> None:
        """At a tick, not in the handler: told before the loop runs, Qt would not hear of it."""
        if asked_to_end.is_set():
            application.exit(0)  # quit() would ask the window, which never lets itself be closed

    bridge = Bridge(mailbox, terminal.handle)
    ticker = QTimer()
    ticker.setInterval(TICK_MS)
    ticker.timeout.connect(terminal.tick)
    ticker.timeout.connect(look_whether_to_end)
    ticker.timeout.connect(alive.beat)  # by the thread that paints: it beats while it can

    signal.signal(signal.SIGTERM, end)  # acted on at the next tick, when Python has the thread
    signal.signal(signal.SIGINT, end)

    terminal.start()
    ticker.start()
    window.open()
    code = application.exec()

    ticker.stop()
    bridge.close()
    terminal.stop()
    screen.window = None
    window.finish()
    window.deleteLater()
    application.processEvents()
    _empty(home)
    return code


def _private_home(folder: Path) -> Path:
    """HOME, configuration and TMPDIR of this process: a folder that is emptied, on a tmpfs.

    Libraries remember by themselves (fonts seen, words typed); here they do it nowhere else.
    `/dev/shm` serves where `folder` cannot be used: the terminal starts all the same.
    """
    home = folder / "home"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _make_home(home)
    except OSError:
        home = SHARED_MEMORY / f"kiosk-home-{os.getuid()}"
        _make_home(home)
    os.environ["HOME"] = str(home)
    os.environ["TMPDIR"] = str(home / "tmp")
    os.environ["XDG_CONFIG_HOME"] = str(home / "config")
    os.environ["XDG_CACHE_HOME"] = str(home / "cache")
    return home


def _make_home(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    for folder in (home, home / "tmp", home / "config", home / "cache"):
        folder.mkdir(mode=0o700)


def _empty(folder: Path) -> None:
    for path in folder.glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):  # what cannot be removed keeps nothing else
                path.unlink(missing_ok=True)
