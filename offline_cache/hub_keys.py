"""The hub's public keys, as enrolment and every contact tell them: a file beside the store.

It says to whom everything is sealed, so whoever could change it unseen would read what comes: it
carries a MAC under a key derived from the database's. Public in itself; a lost or damaged one
comes back with the next contact.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from offline_cache.envelope import SealKey
from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import make_private_folder, write_whole
from offline_cache.suites import SuiteId

_MAC_INFO: Final = b"the hub's public keys"


@dataclass(frozen=True, slots=True)
class HubKeys:
    """Who this terminal is at the hub, and the keys to seal to, the one to use first."""

    terminal: str
    keys: tuple[SealKey, ...]


def parse_seal_keys(told: object) -> tuple[SealKey, ...]:
    """The `seal_keys` of a hub's answer: those that are understood, in the hub's order.

    A suite that this version does not know is left out; so is a key whose id is not its hash.
    """
    keys: list[SealKey] = []
    for each in told if isinstance(told, list) else ():
        if not isinstance(each, dict):
            continue
        try:
            key = SealKey(
                SuiteId(int(each.get("suite", 0))),
                base64.b64decode(str(each.get("public_key", "")), validate=True),
            )
        except (ValueError, TypeError):
            continue
        if each.get("id") == key.id.hex():
            keys.append(key)
    return tuple(keys)


class HubKeysFile:
    """Writes and reads the file. Reading again costs a `stat` while it is unchanged."""

    def __init__(self, path: Path, database_key: bytes) -> None:
        self._path = path
        self._name = str(path)  # a seal looks at it: `Path` takes as long as the kernel
        self._mac_key = HKDF(SHA256(), 32, salt=None, info=_MAC_INFO).derive(database_key)
        self._stamp: tuple[int, int, int] | None = None
        self._read: HubKeys | None = None

    def write(self, terminal: str, keys: Iterable[SealKey]) -> StoreFault | None:
        """Whole or not at all, and on the disk when this returns None. Unchanged: not written."""
        wanted = HubKeys(terminal, tuple(keys))
        if self.read() == wanted:
            return None
        said = json.dumps(
            {
                "terminal": wanted.terminal,
                "keys": [
                    {
                        "suite": int(key.suite),
                        "public_key": base64.b64encode(key.public_key).decode(),
                    }
                    for key in wanted.keys
                ],
            }
        )
        content = json.dumps({"said": said, "mac": self._mac(said)}).encode()
        try:
            make_private_folder(self._path.parent)
            write_whole(self._path, content)
        except OSError as error:
            return fault_of_os_error(error, "hub keys")
        return None

    def read(self) -> HubKeys | StoreFault:
        """NO_SEAL_KEY when the terminal was never told any; DAMAGED when the file is not ours."""
        try:
            status = os.stat(self._name)  # noqa: PTH116
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if self._read is not None and stamp == self._stamp:
                return self._read
            kept = json.loads(self._path.read_bytes())
            said = str(kept["said"])
            if not hmac.compare_digest(self._mac(said), str(kept["mac"])):
                return StoreFault(StoreFaultCode.DAMAGED, "the hub's keys fail their check")
            told = json.loads(said)
            keys = tuple(
                SealKey(SuiteId(each["suite"]), base64.b64decode(each["public_key"]))
                for each in told["keys"]
            )
            self._stamp, self._read = stamp, HubKeys(str(told["terminal"]), keys)
        except FileNotFoundError:
            return StoreFault(StoreFaultCode.NO_SEAL_KEY, "this terminal is not enrolled")
        except OSError as error:
            return fault_of_os_error(error, "hub keys")
        except (ValueError, KeyError, TypeError):
            return StoreFault(StoreFaultCode.DAMAGED, "the hub's keys cannot be read")
        return self._read

    def _mac(self, said: str) -> str:
        return hmac.digest(self._mac_key, said.encode(), "sha256").hex()
