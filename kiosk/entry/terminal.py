"""The terminal without its screen: devices, children, store, session. Put together here, once.

`window.py` adds the screen. Tests put the same terminal together without one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from drivers.arrivals import FileArrivals
from drivers.device import Clock, Log
from drivers.page_printer.values import QueueKeepsJobs
from drivers.trace import Traces
from drivers.transport import open_transport
from drivers.worker import C, DeviceWorker, Driver
from kiosk import sync_messages
from kiosk.catalogue import load as catalogue_load
from kiosk.channel import ChannelClosed
from kiosk.clock import SystemClock
from kiosk.documents import messages as vision_messages
from kiosk.entry.card_desk import CARD_LIMIT_S, CardDesk
from kiosk.entry.device_news import DeviceWatch
from kiosk.entry.fleet import fleet_of, layout_of
from kiosk.entry.guard import Guard
from kiosk.entry.hub_desk import HubDesk
from kiosk.entry.runner import Runner
from kiosk.entry.store_desk import Callbacks, StoreDesk
from kiosk.entry.supervisor import Child, Recipe
from kiosk.entry.vision_desk import PageImages, VisionDesk
from kiosk.flow.pages import Closure
from kiosk.flow.view import View
from kiosk.mailbox import Mailbox
from kiosk.session import Session
from kiosk.settings import Settings
from offline_cache.envelope import Envelopes, suites_at_hand
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.hub_keys import HubKeysFile
from offline_cache.keys import Keys, credentials_folder, open_keys
from offline_cache.sealer import Sealer
from offline_cache.store import StorePlaces


class Screen(Protocol):
    """What the terminal tells its screen. Called on the session's thread."""

    def show_view(self, view: View) -> None: ...

    def show_preview(self, ring: str | None) -> None:
        """The vision process has a new ring of previews, or is gone."""
        ...

    def wipe(self) -> None:
        """A citizen has gone: forget everything."""
        ...


class RingChanged:
    """The vision process has a new preview ring, or is gone. For the screen, not the session."""

    def __init__(self, name: str | None) -> None:
        self.name = name


class Terminal:
    """One terminal. `handle` and `tick` belong to one thread, which is the session's.

    Events come through `mailbox`; whoever owns that thread drains it into `handle` and calls
    `tick` four times a second. `closed` says why nothing is offered: then no child is started.
    """

    def __init__(
        self,
        settings: Settings,
        settings_path: Path,
        *,
        log: Log,
        clock: SystemClock,
        mailbox: Mailbox,
        images: PageImages,
        screen: Screen,
        give_up: Callable[[], None],
        closed: Closure | None = None,
    ) -> None:
        post = mailbox.post
        self._screen = screen
        self._log = log
        self._closed = closed
        self._arrivals = FileArrivals()
        traces = Traces(settings.paths.logs / "traces", clock) if settings.traces.wires else None

        def of(driver: Driver[C]) -> DeviceWorker[C]:
            """The worker of one device."""
            opener = traces.opener(driver.device, open_transport) if traces else open_transport
            return DeviceWorker(driver, post, clock, log, open_wire=opener, arrivals=self._arrivals)

        fleet = fleet_of(settings, of, traces)
        devices, self._workers = fleet.commanded, fleet.workers
        vision_child, sync_child = _Late(), _Late()
        self._vision = VisionDesk(
            installed=bool(settings.document_camera.url),
            send=vision_child.send,
            post=post,
            clock=clock,
            log=log,
            images=images,
            ring=lambda name: post(RingChanged(name)),
        )
        hub = HubDesk(send=sync_child.send, post=post, clock=clock, log=log, correct=clock.correct)
        self._watch = DeviceWatch([*self._workers, self._vision], hub.tell_devices, clock)
        self._store = StoreDesk(
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
        self._places = StorePlaces(settings.paths.data)
        cards = CardDesk(
            transmit=lambda command: devices.card_reader.submit(command, CARD_LIMIT_S).result(),
            ask=hub.ask_card,
            seal=self._seal_for_card,
            application=layout_of(settings).application,
            post=post,
            log=log,
        )
        self._children: list[Child] = []
        if not closed:
            self._children = [
                vision_child.fill(
                    _vision_process(settings, settings_path, self._vision, clock, log)
                ),
                sync_child.fill(
                    _sync_process(
                        settings, settings_path, hub, self._sync_keys, clock=clock, log=log
                    )
                ),
            ]
        self.runner = Runner(
            devices=devices,
            store=self._store,
            vision=self._vision,
            images=images,
            cards=cards,
            hub=hub,
            log=log,
            wipe_window=screen.wipe,
            volume_percent=settings.voice.volume_percent,
            speed_percent=settings.voice.speed_percent,
        )
        self._session = Session(
            settings=settings,
            catalogue=catalogue_load.load(settings.paths.catalogue),
            clock=clock,
            log=log,
            run=self.runner.run,
            changed=self._show,
            closed=closed,
        )
        self.guard = Guard(self._session, log, give_up=give_up)

    @property
    def view(self) -> View:
        return self._session.view

    def start(self) -> None:
        """Begin: store first, then devices, then the processes beside this one."""
        self._store.start(self._keys(), self._keys)
        self._vision.start()
        for worker in self._workers:
            worker.start()
        for child in self._children:
            child.start()

    def stop(self) -> None:
        """End in reverse; no device is closed before its thread has ended."""
        for child in self._children:
            child.stop()
        for worker in self._workers:
            worker.stop()
        self._vision.settle(now=True)
        self._arrivals.stop()
        self._store.stop()

    def handle(self, event: object) -> None:
        """One event of the mailbox."""
        match event:
            case RingChanged():
                self.guard.run(self._screen.show_preview, event.name)
            case QueueKeepsJobs():
                self._log("print_jobs_kept")
            case _:
                self.guard.handle(event)  # type: ignore[arg-type]  # posted by our own threads only

    def tick(self) -> None:
        self.guard.tick()
        self._vision.settle()
        self._watch.tick()

    def _show(self, view: View) -> None:
        self.runner.light(view.page)
        self._screen.show_view(view)

    def _keys(self) -> Keys | StoreFault:
        if self._closed:  # who does not know where the data lies begins no new store elsewhere
            return StoreFault(StoreFaultCode.NOT_FOUND, "closed: the settings are faulty")
        return open_keys(self._places.keys, credentials_folder(os.environ))

    def _seal_for_card(self, content: bytes, dialogue: str) -> bytes | StoreFault:
        """On the dialogue's own thread: everything that seals is made for it."""
        keys = self._store.keys
        if keys is None:
            return StoreFault(StoreFaultCode.NO_SEAL_KEY, "the keys are not here")
        hub_keys = HubKeysFile(self._places.hub_keys, keys.database)
        sealer = Sealer(hub_keys, Envelopes(suites_at_hand()))
        to = sealer.recipient()
        return to if isinstance(to, StoreFault) else sealer.card(to, content, dialogue)

    def _sync_keys(self) -> tuple[bytes] | None:
        keys = self._store.keys
        return None if keys is None else (keys.database + keys.device,)


def untouched(settings: Settings) -> Settings:
    """What is needed to show that the terminal is closed: no device is touched, nothing sent."""
    devices = (
        "id_reader",
        "card_reader",
        "document_camera",
        "code_scanner",
        "receipt_printer",
        "page_printer",
        "keypad",
        "io_board",
        "voice",
    )
    defaults = Settings()
    return settings.model_copy(update={name: getattr(defaults, name) for name in devices})


def _vision_process(
    settings: Settings, path: Path, vision: VisionDesk, clock: Clock, log: Log
) -> Child:
    return Child(
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


def _sync_process(
    settings: Settings,
    path: Path,
    hub: HubDesk,
    keys: Callable[[], tuple[bytes] | None],
    *,
    clock: Clock,
    log: Log,
) -> Child:
    return Child(
        Recipe(
            "sync",
            lambda fd, secrets: _command(
                "kiosk.entry.sync", path, "--fd", str(fd), "--key-fd", str(secrets[0])
            ),
            sync_messages.Ping().model_dump_json().encode(),
            secrets=keys,
        ),
        on_up=hub.on_up,
        on_frame=hub.on_frame,
        on_down=hub.on_down,
        clock=clock,
        log=log,
        output=settings.paths.logs / "sync.out",
    )


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
