"""Why the store did not do what was asked: a closed set, returned, never raised."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum


class StoreFaultCode(StrEnum):
    NO_CIPHER = "no_cipher"  # the library at hand cannot encrypt
    TOO_OLD = "too_old"  # SQLite before 3.51.3 can corrupt a WAL
    NOT_ENCRYPTED = "not_encrypted"  # the file is plain SQLite
    WRONG_KEY = "wrong_key"
    DAMAGED = "damaged"  # the database, or one attachment
    NEWER = "newer"  # written by a later version of this program
    DISK_FULL = "disk_full"
    BUSY = "busy"  # another process held it for too long
    NOT_FOUND = "not_found"
    UNREADABLE = "unreadable"  # the disk or its permissions said no
    BAD_MODE = "bad_mode"  # a key that others could read
    BAD_KEY = "bad_key"  # a key file that holds something else
    TOO_LARGE = "too_large"  # could never be sent
    NO_SEAL_KEY = "no_seal_key"  # the hub's public key is not known: not enrolled yet
    NO_SUITE = "no_suite"  # the hub's key wants a suite that is not installed here
    ROWS_WAIT = "rows_wait"  # wiping now would lose what the hub does not have
    NUMBERS_USED_UP = "numbers_used_up"  # more applications in a day than numbers


@dataclass(frozen=True, slots=True)
class StoreFault:
    """An expected failure. `detail` is for staff and never holds personal data."""

    code: StoreFaultCode
    detail: str = ""


# EFBIG: the file-size limit of the process, which the caller meets as it meets a full disk.
_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def fault_of_os_error(error: OSError, what: str) -> StoreFault:
    """The fault that a failed file operation on `what` (a word of ours, not a path) means."""
    detail = f"{what}: {error.strerror or type(error).__name__}"
    if error.errno in _FULL_ERRNOS:
        return StoreFault(StoreFaultCode.DISK_FULL, detail)
    if isinstance(error, FileNotFoundError):
        return StoreFault(StoreFaultCode.NOT_FOUND, detail)
    return StoreFault(StoreFaultCode.UNREADABLE, detail)
