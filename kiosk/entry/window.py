"""The window process: everything is put together here, once, and taken apart in reverse.

    kiosk run --settings FILE

It owns the screen, the session and the threads of the slow wires, and starts the vision and the
sync process as its children.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import shutil
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, Protocol

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication

from drivers.code_scanner.driver import CodeScannerDriver
from drivers.code_scanner.values import Suffix
from drivers.device import Log
from drivers.id_reader.driver import IdReaderDriver
from drivers.io_board.driver import IoBoardDriver
from drivers.io_board.protocol import Kind as BoardKind
from drivers.keypad.driver import KeypadDriver
from drivers.trace import Traces
from drivers.transport import open_transport
from drivers.voice.driver import VoiceDriver
from drivers.worker import C, DeviceWorker, Driver
from kiosk import sync_messages
from kiosk.catalogue import load as catalogue_load
from kiosk.channel import ChannelClosed
from kiosk.clock import SystemClock
from kiosk.documents import messages as vision_messages
from kiosk.documents.ring import PreviewReader
from kiosk.entry.bugs import watch_for_bugs
from kiosk.entry.commands.settings_file import exit_of
from kiosk.entry.guard import Guard
from kiosk.entry.hub_desk import HubDesk
from kiosk.entry.program import program_version
from kiosk.entry.receipt_printer import receipt_printer
from kiosk.entry.runner import Devices, Runner
from kiosk.entry.store_desk import Callbacks, StoreDesk
from kiosk.entry.supervisor import Child, Recipe
from kiosk.entry.vision_desk import VisionDesk
from kiosk.flow.pages import Closure
from kiosk.flow.view import View
from kiosk.identity.social_card import social_layout
from kiosk.log import STANDARD_ERROR, EventLog, open_log
from kiosk.mailbox import Mailbox
from kiosk.session import Session
from kiosk.settings import Settings, load, load_what_holds
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.keys import Keys, credentials_folder, open_keys
from offline_cache.store import StorePlaces
from ui import runtime
from ui.bridge import Bridge
from ui.images import PageImages
from ui.texts import Texts
from ui.window import KioskWindow

FAILED: Final = 4  # exit code of every fault that is not "not there"
SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a tmpfs on every Linux
TICK_MS: Final = 250  # the ring counts seconds; a quarter of one is never seen


@dataclass(frozen=True, slots=True)
class RingChanged:
    """The vision process has a new preview ring, or is gone. For the window, not the session."""

    name: str | None


def main(settings_path: Path, fullscreen: bool) -> int:
    """Run the terminal until it is told to end. Answers the exit code.

    With settings that are missing or faulty the screen still says to the public that the terminal
    is closed and where to go; the faults are on standard error and in the log.
    """
    loaded = load(settings_path)
    faults = () if isinstance(loaded, Settings) else loaded
    settings = loaded if isinstance(loaded, Settings) else _closed(load_what_holds(settings_path))
    for fault in faults:
        print(fault, file=sys.stderr, flush=True)
    home = _private_home(settings.paths.runtime)
    runtime.prepare()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold whatever was typed
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
        code = _run(settings, settings_path, fullscreen, log, home, closed=closed)
        log("process_stopped", process="window")
        faulthandler.disable()
    return code or (exit_of(faults) if faults else 0)


def _closed(settings: Settings) -> Settings:
    """What is needed to show that the terminal is closed: no device is touched, nothing sent."""
    devices = (
        "id_reader",
        "document_camera",
        "code_scanner",
        "receipt_printer",
        "keypad",
        "io_board",
        "voice",
    )
    defaults = Settings()
    return settings.model_copy(update={name: getattr(defaults, name) for name in devices})


def _run(
    settings: Settings,
    path: Path,
    fullscreen: bool,
    log: Log,
    home: Path,
    *,
    closed: Closure | None,
) -> int:
    application = QGuiApplication(["kiosk"])
    clock = SystemClock()
    mailbox = Mailbox()
    post = mailbox.post
    texts, images = Texts(), PageImages()
    arrivals = FileArrivals()
    traces = Traces(settings.paths.logs / "traces", clock) if settings.traces.wires else None

    def of(driver: Driver[C]) -> DeviceWorker[C]:
        """The worker of one device."""
        opener = traces.opener(driver.device, open_transport) if traces else open_transport
        return DeviceWorker(driver, post, clock, log, open_wire=opener, arrivals=arrivals)

    devices = Devices(
        id_reader=of(IdReaderDriver(settings.id_reader.url, settings.id_reader.poll_ms)),
        code_scanner=of(_code_scanner(settings)),
        receipt_printer=of(receipt_printer(settings)),
        keypad=of(KeypadDriver(settings.keypad.url, settings.keypad.keys, settings.keypad.make)),
        io_board=of(_io_board(settings)),
        voice=of(VoiceDriver(settings.voice.url, clips=settings.voice.clips)),
    )

    def keys_now() -> Keys | StoreFault:
        if closed:  # who does not know where the data lies begins no new store elsewhere
            return StoreFault(StoreFaultCode.NOT_FOUND, "closed: the settings are faulty")
        return open_keys(StorePlaces(settings.paths.data).keys, credentials_folder(os.environ))

    def sync_keys() -> tuple[bytes] | None:
        return None if store.keys is None else (store.keys.database + store.keys.device,)

    vision_child = _Late()
    sync_child = _Late()
    vision = VisionDesk(
        installed=bool(settings.document_camera.url),
        send=vision_child.send,
        post=post,
        clock=clock,
        log=log,
        images=images,
        ring=lambda name: post(RingChanged(name)),
    )
    hub = HubDesk(send=sync_child.send, post=post, clock=clock, log=log, correct=clock.correct)
    store = StoreDesk(
        settings,
        post=post,
        clock=clock,
        log=log,
        callbacks=Callbacks(
            sealing=hub.sealing,
            waits=hub.wake,
            ask_hub_earlier=hub.ask_earlier,
            receipt_here=hub.check_receipt,
        ),
    )
    children: list[Child] = []
    if not closed:
        children.append(
            vision_child.fill(
                Child(
                    Recipe(
                        "vision",
                        lambda fd, _: _command("kiosk.entry.vision", path, "--fd", str(fd)),
                        vision_messages.Ping().model_dump_json().encode(),
                    ),
                    on_up=vision.on_up,
                    on_frame=vision.on_frame,
                    on_down=vision.on_down,
                    clock=clock,
                    log=log,
                    output=settings.paths.logs / "vision.out",
                )
            )
        )
        children.append(
            sync_child.fill(
                Child(
                    Recipe(
                        "sync",
                        lambda fd, secrets: _command(
                            "kiosk.entry.sync", path, "--fd", str(fd), "--key-fd", str(secrets[0])
                        ),
                        sync_messages.Ping().model_dump_json().encode(),
                        secrets=sync_keys,
                    ),
                    on_up=hub.on_up,
                    on_frame=hub.on_frame,
                    on_down=hub.on_down,
                    clock=clock,
                    log=log,
                    output=settings.paths.logs / "sync.out",
                )
            )
        )

    screen: list[KioskWindow] = []

    def show(view: View) -> None:
        runner.light(view.page)
        for window in screen:
            window.show_view(view)

    def wipe() -> None:
        for window in screen:
            window.wipe()
        _empty(home / "tmp")

    runner = Runner(
        devices=devices,
        store=store,
        vision=vision,
        hub=hub,
        log=log,
        wipe_window=wipe,
        volume_percent=settings.voice.volume_percent,
        speed_percent=settings.voice.speed_percent,
    )
    session = Session(
        settings=settings,
        catalogue=catalogue_load.load(settings.paths.catalogue),
        clock=clock,
        log=log,
        run=runner.run,
        changed=show,
        closed=closed,
    )
    guard = Guard(session, log, give_up=lambda: application.exit(FAILED))
    window = KioskWindow(
        width=settings.window.width,
        height=settings.window.height,
        full_screen=settings.window.full_screen or fullscreen,
        reduced_motion=settings.window.reduced_motion,
        view=session.view,
        act=guard.act,
        touch=guard.touch,
        texts=texts,
        images=images,
        preview=None,
        speak=runner.speak,
        hush=runner.hush,
    )
    screen.append(window)

    def handle(event: object) -> None:
        if isinstance(event, RingChanged):
            guard.run(show_ring, event.name)
        else:
            guard.handle(event)  # type: ignore[arg-type]  # posted by our own threads only

    def show_ring(name: str | None) -> None:
        window.set_preview(PreviewReader.open(name) if name else None)

    asked_to_end = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        asked_to_end.set()

    def look_whether_to_end() -> None:
        """At a tick, not in the handler: told before the loop runs, Qt would not hear of it."""
        if asked_to_end.is_set():
            application.exit(0)  # quit() would ask the window, which never lets itself be closed

    bridge = Bridge(mailbox, handle)
    ticker = QTimer()
    ticker.setInterval(TICK_MS)
    ticker.timeout.connect(guard.tick)
    ticker.timeout.connect(look_whether_to_end)

    signal.signal(signal.SIGTERM, end)  # acted on at the next tick, when Python has the thread
    signal.signal(signal.SIGINT, end)

    workers: list[Worker] = [
        devices.id_reader,
        devices.code_scanner,
        devices.receipt_printer,
        devices.voice,
        devices.keypad,
        devices.io_board,
    ]
    store.start(keys_now(), keys_now)
    vision.start()
    for worker in workers:
        worker.start()
    for child in children:
        child.start()
    ticker.start()
    window.open()
    code = application.exec()

    ticker.stop()
    bridge.close()
    for child in children:
        child.stop()
    for worker in workers:
        worker.stop()
    store.stop()
    screen.clear()
    window.finish()
    window.deleteLater()
    application.processEvents()
    _empty(home)
    return code


class Worker(Protocol):
    """What all device workers have in common."""

    def start(self) -> None: ...

    def stop(self) -> bool: ...


def _io_board(settings: Settings) -> IoBoardDriver:
    board = settings.io_board
    return IoBoardDriver(board.url, board.lamps, BoardKind(board.kind), board.address)


def _code_scanner(settings: Settings) -> CodeScannerDriver:
    scanner = settings.code_scanner
    return CodeScannerDriver(scanner.url, Suffix(scanner.suffix))


class _Late:
    """A child that is made after the desk which sends to it."""

    def __init__(self) -> None:
        self._child: Child | None = None

    def fill(self, child: Child) -> Child:
        self._child = child
        return child

    def send(self, message: bytes, blobs: tuple[bytes, ...]) -> ChannelClosed | None:
        if self._child is None:
            return ChannelClosed("not started")
        return self._child.send(message, blobs)


def _command(module: str, settings: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, "--settings", str(settings.absolute()), *arguments]


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
