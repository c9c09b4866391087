"""What enrolment gave: the terminal's code at the hub and its token. A file of mode 0600."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass, field
from pathlib import Path

from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import make_private_folder, write_whole


@dataclass(frozen=True, slots=True)
class Enrolment:
    terminal: str
    token: str = field(repr=False)


def write_enrolment(path: Path, enrolment: Enrolment) -> StoreFault | None:
    """Whole or not at all, and on the disk when this returns None."""
    content = json.dumps({"terminal": enrolment.terminal, "token": enrolment.token}).encode()
    try:
        make_private_folder(path.parent)
        write_whole(path, content)
    except OSError as error:
        return fault_of_os_error(error, "enrolment")
    return None


def read_enrolment(path: Path) -> Enrolment | StoreFault:
    """NOT_FOUND when the terminal was never enrolled; BAD_MODE when others could read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            return StoreFault(StoreFaultCode.BAD_MODE, f"enrolment has mode {mode:04o}, wants 0600")
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Enrolment(str(kept["terminal"]), str(kept["token"]))
    except OSError as error:
        return fault_of_os_error(error, "enrolment")
    except (ValueError, KeyError, TypeError):
        return StoreFault(StoreFaultCode.DAMAGED, "enrolment cannot be read")
