"""Room on the disk, looked at before a citizen begins, and a reserve for the one who is at work."""

from __future__ import annotations

import os
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Final

from offline_cache.faults import StoreFault, fault_of_os_error
from offline_cache.files import PRIVATE_FILE, make_private_folder

WARN_USED_SHARE: Final = 0.70  # staff is told, long before anything is closed
# Seventy percent of a large disk leaves room for years: what needs much space is closed when there is
# also little left in bytes.
TIGHT_FREE_BYTES: Final = 1 << 30
FULL_FREE_BYTES: Final = 64 << 20  # an application with ten pages, and SQLite's own
RESERVE_BYTES: Final = 64 << 20


class Room(StrEnum):
    PLENTY = "plenty"
    WARN = "warn"  # more than the usual share is used: staff should look
    TIGHT = "tight"  # what brings many pages is not begun any more
    FULL = "full"  # nothing new is begun; whoever is at work finishes


class Disk:
    """The disk under the terminal's data folder, and the reserve on it."""

    def __init__(
        self,
        data: Path,
        *,
        reserve_bytes: int = RESERVE_BYTES,
        full_free_bytes: int = FULL_FREE_BYTES,
        tight_free_bytes: int = TIGHT_FREE_BYTES,
    ) -> None:
        self._data = data
        self._reserve = data / "reserve"
        self._reserve_bytes = reserve_bytes
        self._full_free_bytes = full_free_bytes
        self._tight_free_bytes = tight_free_bytes

    def look(self) -> Room | StoreFault:
        """How much room there is for what is not begun yet. Takes the reserve back when it can."""
        try:
            make_private_folder(self._data)
            free = self._disk_free()
            if not self._reserve.exists():
                if free < self._reserve_bytes + self._full_free_bytes:
                    return Room.FULL  # the reserve is in use, or could never be made
                self._hold()
                free -= self._reserve_bytes
            total = shutil.disk_usage(self._data).total
        except OSError as error:
            return fault_of_os_error(error, "disk")
        if free < self._full_free_bytes:
            return Room.FULL
        used_share = 1 - free / total if total else 0.0
        if used_share < WARN_USED_SHARE:
            return Room.PLENTY
        return Room.TIGHT if free < self._tight_free_bytes else Room.WARN

    def release(self) -> bool:
        """Give the reserve to whoever is at work; whether there was one."""
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True

    def _disk_free(self) -> int:
        return shutil.disk_usage(self._data).free

    def _hold(self) -> None:
        descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE)
        try:
            os.posix_fallocate(descriptor, 0, self._reserve_bytes)
        except OSError:
            self._reserve.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
