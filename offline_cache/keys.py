"""The terminal's own keys: database, device signature, digests, the line. Never in the settings.

Each is looked for in the credentials folder that systemd hands over (sealed to a TPM where there
is one), else kept as a file of mode 0600 in a folder of mode 0700.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import make_private_folder, write_whole

# SQLCipher raw key, Ed25519 seed, HMAC-SHA256 key and P-256 secret are all 256 bits
KEY_BYTES = 32
DATABASE_KEY = "database.key"
SIGNING_KEY = "signing.key"
DIGEST_KEY = "digest.key"
DEVICE_KEY = "device.key"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Keys:
    """The open keys. Never printed: `repr` shows nothing of them."""

    def __init__(self, database: bytes, signing: bytes, digest: bytes, device: bytes) -> None:
        """Each 32 bytes."""
        self._device = device
        self._database = database
        self._signing = Ed25519PrivateKey.from_private_bytes(signing)
        self._digest = hmac.new(digest, digestmod="sha256")  # set up once, copied for each digest

    def __repr__(self) -> str:
        return "Keys()"

    @property
    def database(self) -> bytes:
        """The raw key of the database; the attachments' key is derived from it."""
        return self._database

    @property
    def device(self) -> bytes:
        """The secret of this terminal's certificate, as `offline_cache.line.identity` wants it."""
        return self._device

    @property
    def public_key(self) -> bytes:
        """32 raw bytes of the device's Ed25519 public key, as told to the hub at enrolment."""
        return self._signing.public_key().public_bytes_raw()

    def sign(self, content: bytes) -> bytes:
        """64 bytes: the device's Ed25519 signature."""
        return self._signing.sign(content)

    def digest(self, *parts: str) -> bytes:
        """Finds again what was said without keeping it: HMAC-SHA256 over the parts (32 bytes).

        A citizen number has too few possibilities for a bare hash; without the key this tells
        nothing.
        """
        mac = self._digest.copy()
        mac.update("\x00".join(parts).encode())
        return mac.digest()


def credentials_folder(environment: Mapping[str, str]) -> Path | None:
    """Where systemd put this service's credentials, if it did."""
    named = environment.get("CREDENTIALS_DIRECTORY", "")
    return Path(named) if named else None


def open_keys(
    folder: Path, credentials: Path | None = None, *, create: bool = True
) -> Keys | StoreFault:
    """Read the keys, making those that are in neither place (unless `create` is off)."""
    try:
        if create:
            make_private_folder(folder)
        found: list[bytes] = []
        for name in (DATABASE_KEY, SIGNING_KEY, DIGEST_KEY, DEVICE_KEY):
            key = _one_key(name, folder, credentials, create)
            if isinstance(key, StoreFault):
                return key
            found.append(key)
    except OSError as error:
        return fault_of_os_error(error, "keys")
    return Keys(*found)


def _one_key(name: str, folder: Path, credentials: Path | None, create: bool) -> bytes | StoreFault:
    if credentials is not None and (credentials / name).is_file():
        return _of_right_length(name, (credentials / name).read_bytes())
    closed = _others_shut_out(folder, "the folder of keys", "0700")
    if closed is not None:
        return closed
    path = folder / name
    if not path.exists():
        if not create:
            return StoreFault(StoreFaultCode.NOT_FOUND, f"{name} is not there")
        write_whole(path, secrets.token_bytes(KEY_BYTES), keep_existing=True)
    closed = _others_shut_out(path, name, "0600")
    if closed is not None:
        return closed
    return _of_right_length(name, path.read_bytes())


def _others_shut_out(path: Path, what: str, wanted: str) -> StoreFault | None:
    """A key that group or others can reach, or that another user owns, is not a secret."""
    status = path.stat()
    if status.st_mode & _OTHERS:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        return StoreFault(StoreFaultCode.BAD_MODE, f"{what} has mode {mode}, wants {wanted}")
    if status.st_uid not in (os.geteuid(), 0):
        return StoreFault(StoreFaultCode.BAD_MODE, f"{what} belongs to another user")
    return None


def _of_right_length(name: str, key: bytes) -> bytes | StoreFault:
    if len(key) != KEY_BYTES:
        return StoreFault(
            StoreFaultCode.BAD_KEY, f"{name} holds {len(key)} bytes, wants {KEY_BYTES}"
        )
    return key
