"""Previews from the vision process to the window, through shared memory.

The writer owns a file in /dev/shm of a few slots. Each slot begins with a frame number written
before and after the picture: a reader that finds them different, or other than before after it
has copied, was overtaken, and takes nothing. So a torn frame is never shown, and nobody waits.

The file is mapped directly: `multiprocessing.shared_memory` starts a tracker process at either
end, and the tracker of an end that dies removes what the other end still uses.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

FOLDER = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
PREFIX = "kiosk-preview-"
MAX_WIDTH = 1920
MAX_HEIGHT = 1080
SLOTS = 4  # one being written, one being read, two in between: a reader has 2 frames of time
_MAGIC = 0x4B50_5652
_VERSION = 1
_HEAD = struct.Struct("<IIII")  # magic, version, slots, bytes of a slot
_NEWEST = struct.Struct("<Q")  # number of the newest whole frame; 0: none
_NEWEST_AT = 16
_SLOT_HEAD = struct.Struct("<QIIII")  # number, width, height, bytes, spare
_SLOT_TAIL = struct.Struct("<Q")  # the number again
_PAGE = 4096
_SLOT_BYTES = (_SLOT_HEAD.size + MAX_WIDTH * MAX_HEIGHT * 3 + _SLOT_TAIL.size + 4095) // 4096 * 4096
_NAME = re.compile(rf"^{PREFIX}(\d+)-[0-9a-f]{{16}}$")


@dataclass(frozen=True, slots=True)
class Frame:
    """One preview. `number` grows; `pixels` is RGB888, rows without padding."""

    number: int
    width: int
    height: int
    pixels: bytes = field(repr=False)


class PreviewWriter:
    """The vision process's end. One thread writes."""

    def __init__(self) -> None:
        """Makes the file, for this user only; removes those of processes that are gone."""
        remove_stale_rings()
        self.name = f"{PREFIX}{os.getpid()}-{os.urandom(8).hex()}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(FOLDER / self.name, flags, 0o600)
        try:
            size = _PAGE + SLOTS * _SLOT_BYTES
            os.ftruncate(handle, size)  # pages are only taken when first written
            self._map = mmap.mmap(handle, size)
        finally:
            os.close(handle)
        self._number = 0
        self._fence = threading.Lock()
        _HEAD.pack_into(self._map, 0, _MAGIC, _VERSION, SLOTS, _SLOT_BYTES)

    def write(self, width: int, height: int, rgb: bytes | memoryview) -> int:
        """Show one picture; its number. ValueError when it is not of the size it says."""
        count = width * height * 3
        if not (0 < width <= MAX_WIDTH and 0 < height <= MAX_HEIGHT) or len(rgb) != count:
            raise ValueError("not an RGB picture of at most 1920 x 1080")
        self._number += 1
        start = _PAGE + (self._number % SLOTS) * _SLOT_BYTES
        body = start + _SLOT_HEAD.size
        _SLOT_TAIL.pack_into(self._map, body + MAX_WIDTH * MAX_HEIGHT * 3, 0)
        self._barrier()
        _SLOT_HEAD.pack_into(self._map, start, self._number, width, height, count, 0)
        self._barrier()
        self._map[body : body + count] = bytes(rgb) if isinstance(rgb, memoryview) else rgb
        self._barrier()
        _SLOT_TAIL.pack_into(self._map, body + MAX_WIDTH * MAX_HEIGHT * 3, self._number)
        self._barrier()
        _NEWEST.pack_into(self._map, _NEWEST_AT, self._number)
        return self._number

    def forget(self) -> None:
        """Overwrite every picture: the person has gone."""
        _NEWEST.pack_into(self._map, _NEWEST_AT, 0)
        for slot in range(SLOTS):
            start = _PAGE + slot * _SLOT_BYTES
            tail = start + _SLOT_HEAD.size + MAX_WIDTH * MAX_HEIGHT * 3
            _SLOT_TAIL.pack_into(self._map, tail, 0)
            self._barrier()
            number, _, _, count, _ = _SLOT_HEAD.unpack_from(self._map, start)
            _SLOT_HEAD.pack_into(self._map, start, 0, 0, 0, 0, 0)
            if number:
                body = start + _SLOT_HEAD.size
                self._map[body : body + count] = bytes(count)

    def close(self) -> None:
        """Forget, and remove the file."""
        self.forget()
        self._map.close()
        remove_ring(self.name)

    def _barrier(self) -> None:
        """Memory written before is seen before what is written after (a lock is a barrier)."""
        with self._fence:
            pass

    def __enter__(self) -> PreviewWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


class PreviewReader:
    """The window's end. It goes on to work on a file that was removed; then nothing new comes."""

    def __init__(self, mapped: mmap.mmap) -> None:
        self._map = mapped
        self._fence = threading.Lock()

    @classmethod
    def open(cls, name: str) -> PreviewReader | None:
        """None when there is no such ring (its process has died), or it is not one of ours."""
        if not _NAME.match(name):
            return None
        try:
            handle = os.open(FOLDER / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            size = _PAGE + SLOTS * _SLOT_BYTES
            if os.fstat(handle).st_size != size:
                return None
            mapped = mmap.mmap(handle, size, access=mmap.ACCESS_READ)
        finally:
            os.close(handle)
        if _HEAD.unpack_from(mapped, 0) != (_MAGIC, _VERSION, SLOTS, _SLOT_BYTES):
            mapped.close()
            return None
        return cls(mapped)

    def newest(self, after: int = 0) -> Frame | None:
        """The newest whole frame if it is newer than `after`."""
        (number,) = _NEWEST.unpack_from(self._map, _NEWEST_AT)
        if not number or number <= after:
            return None
        start = _PAGE + (number % SLOTS) * _SLOT_BYTES
        body = start + _SLOT_HEAD.size
        tail = body + MAX_WIDTH * MAX_HEIGHT * 3
        self._barrier()
        (ended,) = _SLOT_TAIL.unpack_from(self._map, tail)
        self._barrier()
        found, width, height, count, _ = _SLOT_HEAD.unpack_from(self._map, start)
        if ended != number or found != number or count != width * height * 3:
            return None
        self._barrier()
        pixels = self._map[body : body + count]
        self._barrier()
        (found,) = struct.unpack_from("<Q", self._map, start)
        (ended,) = _SLOT_TAIL.unpack_from(self._map, tail)
        if found != number or ended != number:
            return None  # overtaken while copying
        return Frame(number, width, height, pixels)

    def close(self) -> None:
        self._map.close()

    def _barrier(self) -> None:
        with self._fence:
            pass


def remove_ring(name: str) -> None:
    """Remove the file of a ring whose process has died; fine when it is gone already."""
    if _NAME.match(name):
        with contextlib.suppress(FileNotFoundError):
            (FOLDER / name).unlink()


def remove_stale_rings() -> None:
    """Remove rings of this user whose processes are gone: a killed process cannot."""
    for path in FOLDER.glob(f"{PREFIX}*"):
        found = _NAME.match(path.name)
        if found and not Path(f"/proc/{found.group(1)}").exists():
            with contextlib.suppress(OSError):
                path.unlink()
