"""The window process: everything is put together here, once, and taken apart in reverse.

    kiosk run --settings FILE

It owns the screen, the session and the threads of the slow wires, and starts the vision and the
sync process as its children.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Protocol

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication

from drivers.code_scanner.driver import CodeScannerDriver
from drivers.device import Log
from drivers.id_reader.driver import IdReaderDriver
from drivers.keypad.driver import KeypadDriver
from drivers.receipt_printer.driver import ReceiptPrinterDriver
from drivers.voice.driver import VoiceDriver
from drivers.worker import DeviceWorker
from kiosk import sync_messages
from kiosk.catalogue import load as catalogue_load
from kiosk.channel import ChannelClosed
from kiosk.clock import SystemClock
from kiosk.documents import messages as vision_messages
from kiosk.documents.ring import PreviewReader
from kiosk.entry.hub_desk import HubDesk
from kiosk.entry.runner import Devices, Runner
from kiosk.entry.store_desk import Callbacks, StoreDesk
from kiosk.entry.supervisor import Child, Recipe
from kiosk.entry.vision_desk import VisionDesk
from kiosk.flow.view import View
from kiosk.log import EventLog, open_log
from kiosk.mailbox import Mailbox
from kiosk.session import Session
from kiosk.settings import Settings, load
from offline_cache.faults import StoreFault
from offline_cache.keys import credentials_folder, open_keys
from offline_cache.store import StorePlaces
from ui import runtime
from ui.bridge import Bridge
from ui.images import PageImages
from ui.texts import Texts
from ui.window import KioskWindow

TICK_MS: Final = 250  # the ring counts seconds; a quarter of one is never seen


@dataclass(frozen=True, slots=True)
class RingChanged:
    """The vision process has a new preview ring, or is gone. For the window, not the session."""

    name: str | None


def main(settings_path: Path, fullscreen: bool) -> int:
    """Run the terminal until it is told to end. Answers the exit code."""
    settings = load(settings_path)
    if not isinstance(settings, Settings):
        for fault in settings:
            print(fault, file=sys.stderr)
        return 4 if settings_path.is_file() else 3
    home = _private_home(settings.paths.runtime)
    if isinstance(home, str):
        print(home, file=sys.stderr)
        return 4
    runtime.prepare()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold whatever was typed
    with open_log(settings.paths.logs, "window") as out:
        faulthandler.enable(out)
        log = EventLog(out, "window")
        sys.excepthook = _excepthook(log)
        log("process_started", process="window", version=version("zhengwu-kiosk"))
        code = _run(settings, settings_path, fullscreen, log, home)
        log("process_stopped", process="window")
        faulthandler.disable()
    return code


def _run(settings: Settings, path: Path, fullscreen: bool, log: Log, home: Path) -> int:
    application = QGuiApplication(["kiosk"])
    clock = SystemClock()
    mailbox = Mailbox()
    post = mailbox.post
    texts, images = Texts(), PageImages()

    devices = Devices(
        id_reader=DeviceWorker(
            IdReaderDriver(settings.id_reader.url, settings.id_reader.poll_ms), post, clock, log
        ),
        code_scanner=DeviceWorker(CodeScannerDriver(settings.code_scanner.url), post, clock, log),
        receipt_printer=DeviceWorker(
            ReceiptPrinterDriver(settings.receipt_printer.url, settings.receipt_printer.paper_mm),
            post,
            clock,
            log,
        ),
        voice=DeviceWorker(VoiceDriver(settings.voice.url), post, clock, log),
    )
    keypad = DeviceWorker(KeypadDriver(settings.keypad.url, settings.keypad.keys), post, clock, log)

    keys = open_keys(StorePlaces(settings.paths.data).keys, credentials_folder(os.environ))
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
    hub = HubDesk(send=sync_child.send, post=post, clock=clock, log=log)
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
    children = [
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
    ]
    if not isinstance(keys, StoreFault):
        children.append(
            sync_child.fill(
                Child(
                    Recipe(
                        "sync",
                        lambda fd, secrets: _command(
                            "kiosk.entry.sync", path, "--fd", str(fd), "--key-fd", str(secrets[0])
                        ),
                        sync_messages.Ping().model_dump_json().encode(),
                        secrets=(keys.database,),
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
    )
    session = Session(
        settings=settings,
        catalogue=catalogue_load.load(settings.paths.catalogue),
        clock=clock,
        log=log,
        run=runner.run,
        changed=show,
    )
    window = KioskWindow(
        width=settings.window.width,
        height=settings.window.height,
        full_screen=settings.window.full_screen or fullscreen,
        reduced_motion=settings.window.reduced_motion,
        view=session.view,
        act=session.act,
        touch=session.touch,
        texts=texts,
        images=images,
        preview=None,
        speak=runner.speak,
        hush=runner.hush,
    )
    screen.append(window)

    def handle(event: object) -> None:
        if isinstance(event, RingChanged):
            window.set_preview(PreviewReader.open(event.name) if event.name else None)
        else:
            session.handle(event)  # type: ignore[arg-type]  # posted by our own threads only

    bridge = Bridge(mailbox, handle)
    ticker = QTimer()
    ticker.setInterval(TICK_MS)
    ticker.timeout.connect(session.tick)

    def end(_signal: int, _frame: FrameType | None) -> None:
        application.exit(0)  # quit() would ask the window, which never lets itself be closed

    signal.signal(signal.SIGTERM, end)  # acted on at the next tick, when Python has the thread
    signal.signal(signal.SIGINT, end)

    workers: list[Worker] = [
        devices.id_reader,
        devices.code_scanner,
        devices.receipt_printer,
        devices.voice,
        keypad,
    ]
    store.start(keys)
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


def _private_home(runtime: Path) -> Path | str:
    """HOME, configuration and TMPDIR of this process: a folder that is emptied, on a tmpfs.

    Libraries remember by themselves (fonts seen, words typed); here they do it nowhere else.
    """
    home = runtime / "home"
    try:
        runtime.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)
        for folder in (home, home / "tmp", home / "config", home / "cache"):
            folder.mkdir(mode=0o700)
    except OSError as error:
        return f"paths.runtime: {runtime} cannot be used: {error.strerror}"
    os.environ["HOME"] = str(home)
    os.environ["TMPDIR"] = str(home / "tmp")
    os.environ["XDG_CONFIG_HOME"] = str(home / "config")
    os.environ["XDG_CACHE_HOME"] = str(home / "cache")
    return home


def _empty(folder: Path) -> None:
    for path in folder.glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _excepthook(
    log: Log,
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """A bug: its type and place. Its text may quote what somebody typed, and is not written."""

    def hook(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        at = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        log("unexpected", where="window", type=kind.__name__, at=at)

    return hook
