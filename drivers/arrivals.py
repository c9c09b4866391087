"""Says at once when a device's file appears: then nobody sits out a back-off.

One thread for all devices of a process, asleep in `poll` until the kernel has something to tell.
udev makes the node, gives it its rights (an `ATTRIB`) and then the stable link, so that each of
the three is a reason to try. A folder that is not there yet (/dev/serial/by-id before the first
adapter) is waited for in the nearest one above it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from inotify_simple import INotify, flags

from drivers.addresses import EvdevUrl, SerialUrl, UsbUrl, VideoUrl, parse_url


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a device's file appears. `name` is its name, or the beginning of it."""

    folder: Path
    name: str
    only_begins: bool = False
    below: bool = False  # in a folder of `folder`

    def fits(self, folder: Path, name: str) -> bool:
        if folder != self.folder and not (self.below and folder.parent == self.folder):
            return False
        return name.startswith(self.name) if self.only_begins else name == self.name

    def is_there(self) -> bool:
        return not self.only_begins and (self.folder / self.name).exists()


WHAT_ARRIVES: Final = flags.CREATE | flags.MOVED_TO | flags.ATTRIB | flags.DELETE_SELF
USB_BUSES: Final = Path("/dev/bus/usb")  # one folder for each bus, one file for each device
DEV: Final = Path("/dev")
HID_NODES: Final = "hidraw"
STOP_LIMIT_S: Final = 2.0


class Arrivals(Protocol):
    """What a worker asks of it."""

    def watch(self, url: str, arrived: Callable[[], None]) -> Callable[[], None]:
        """Call `arrived`, from another thread, when the device of `url` may be there again.

        Answers what ends the watching. For a URL without a file (tcp, pcsc, cups) nothing is told.
        """
        ...


class NoArrivals:
    """Nobody tells: the back-off alone decides."""

    def watch(self, url: str, arrived: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


class FileArrivals:
    """Watches folders by inotify. The thread starts with the first watch and ends with `stop`."""

    def __init__(self) -> None:
        self._inotify = INotify(nonblocking=True)
        self._wake_read, self._wake_write = os.pipe()
        self._lock = threading.Lock()
        self._wanted: dict[int, tuple[_Place, Callable[[], None]]] = {}
        self._folders: dict[int, Path] = {}  # watch descriptor -> folder
        self._next = 0
        self._thread: threading.Thread | None = None
        self._stopped = False

    def watch(self, url: str, arrived: Callable[[], None]) -> Callable[[], None]:
        place = _place(url)
        if place is None:
            return lambda: None
        with self._lock:
            if self._stopped:
                return lambda: None
            number, self._next = self._next, self._next + 1
            self._wanted[number] = (place, arrived)
            self._watch_folder(place)
            if self._thread is None:
                self._thread = threading.Thread(target=self._live, name="arrivals", daemon=True)
                self._thread.start()

        def forget() -> None:
            with self._lock:
                self._wanted.pop(number, None)

        return forget

    def stop(self) -> None:
        """End the thread. After the workers: they are not told any more."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            os.write(self._wake_write, b"\x00")
        if self._thread is not None:
            self._thread.join(STOP_LIMIT_S)
        self._inotify.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _live(self) -> None:
        poll = select.poll()
        poll.register(self._inotify.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            poll.poll()
            with self._lock:
                if self._stopped:
                    return
                told = self._read()
            for arrived in told:
                arrived()

    def _read(self) -> list[Callable[[], None]]:
        """Whom to tell of what the kernel has written down; each once."""
        told: dict[int, Callable[[], None]] = {}
        for event in self._inotify.read(timeout=0):
            folder = self._folders.get(event.wd)
            if event.mask & (flags.Q_OVERFLOW | flags.IGNORED | flags.DELETE_SELF):
                self._folders.pop(event.wd, None)
                folder = None
            for number, (place, arrived) in self._wanted.items():
                if folder is None:
                    # A folder went: wait for it above. It may be back already, and the file in it.
                    self._watch_folder(place)
                    if place.is_there():
                        told[number] = arrived
                elif place.fits(folder, event.name):
                    told[number] = arrived
                elif folder != place.folder and place.folder.is_relative_to(folder):
                    # Something of the way to it has appeared, perhaps all of it.
                    self._watch_folder(place)
                    if place.is_there():
                        told[number] = arrived
        return list(told.values())

    def _watch_folder(self, place: _Place) -> None:
        """Watch its folder, or the nearest above that is there."""
        folders = [place.folder]
        if place.below:
            with contextlib.suppress(OSError):
                folders += [inner for inner in place.folder.iterdir() if inner.is_dir()]
        for folder in folders:
            self._watch_nearest(folder)

    def _watch_nearest(self, folder: Path) -> None:
        near = below = folder
        absent = False
        while True:
            try:
                self._folders[self._inotify.add_watch(near, WHAT_ARRIVES)] = near
            except OSError as error:
                if near.parent == near:
                    return
                absent = error.errno == errno.ENOENT
                near, below = near.parent, near
                continue
            if not absent or not below.exists():
                return
            absent = False
            near = below = folder  # made between our two looks: nobody will tell of it


def _place(url: str) -> _Place | None:
    match parse_url(url):
        case SerialUrl(path=path) | VideoUrl(path=path) | EvdevUrl(path=path):
            return _Place(Path(path).parent, Path(path).name)
        case UsbUrl(scheme="hid"):
            return _Place(DEV, HID_NODES, only_begins=True)
        case UsbUrl():
            return _Place(USB_BUSES, "", only_begins=True, below=True)
        case _:
            return None
