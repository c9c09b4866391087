"""Keys are made once, kept from others, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from cache_world import ok
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.keys import Keys, credentials_folder, open_keys

NAMES = ("database.key", "signing.key", "digest.key", "device.key")


def _code(result: Keys | StoreFault) -> StoreFaultCode:
    assert isinstance(result, StoreFault)
    return result.code


def test_keys_are_made_once_and_for_the_services_user_only(tmp_path: Path) -> None:
    first = ok(open_keys(tmp_path / "keys"))
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.name for path in (tmp_path / "keys").iterdir()} == set(NAMES)
    assert all((tmp_path / "keys" / name).stat().st_mode & 0o777 == 0o600 for name in NAMES)
    again = ok(open_keys(tmp_path / "keys"))
    assert again.database == first.database
    assert again.public_key == first.public_key
    assert again.digest("a") == first.digest("a")
    assert again.device == first.device
    other = ok(open_keys(tmp_path / "other"))
    assert other.database != first.database and other.digest("a") != first.digest("a")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
@pytest.mark.parametrize("name", NAMES)
def test_a_key_that_others_could_read_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    ok(open_keys(tmp_path / "keys"))
    (tmp_path / "keys" / name).chmod(mode)
    refused = open_keys(tmp_path / "keys")
    assert _code(refused) is StoreFaultCode.BAD_MODE
    assert isinstance(refused, StoreFault)
    assert name in refused.detail and f"{mode:04o}" in refused.detail


def test_a_folder_that_others_could_enter_is_refused(tmp_path: Path) -> None:
    ok(open_keys(tmp_path / "keys"))
    (tmp_path / "keys").chmod(0o755)
    assert _code(open_keys(tmp_path / "keys")) is StoreFaultCode.BAD_MODE


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 64])
def test_a_key_file_with_something_else_in_it_is_not_used(tmp_path: Path, content: bytes) -> None:
    ok(open_keys(tmp_path / "keys"))
    (tmp_path / "keys" / "database.key").write_bytes(content)
    assert _code(open_keys(tmp_path / "keys")) is StoreFaultCode.BAD_KEY
    assert (tmp_path / "keys" / "database.key").read_bytes() == content


@pytest.mark.fault(31)
def test_systemds_credential_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "database.key").write_bytes(b"k" * 32)
    keys = ok(open_keys(tmp_path / "keys", tmp_path / "credentials"))
    assert keys.database == b"k" * 32
    assert not (tmp_path / "keys" / "database.key").exists()
    assert credentials_folder({}) is None
    assert credentials_folder({"CREDENTIALS_DIRECTORY": "/run/c"}) == Path("/run/c")


def test_asking_only_makes_nothing(tmp_path: Path) -> None:
    assert _code(open_keys(tmp_path / "keys", create=False)) is StoreFaultCode.NOT_FOUND
    assert not (tmp_path / "keys").exists()


def test_keys_are_never_shown(tmp_path: Path) -> None:
    keys = ok(open_keys(tmp_path / "keys"))
    assert repr(keys) == "Keys()"


def test_the_device_signs_what_its_public_key_verifies(tmp_path: Path) -> None:
    keys = ok(open_keys(tmp_path / "keys"))
    signature = keys.sign(b"ZW1.QS01261122003757")
    assert len(keys.public_key) == 32 and len(signature) == 64
    Ed25519PublicKey.from_public_bytes(keys.public_key).verify(signature, b"ZW1.QS01261122003757")
