"""`kiosk enrol`, `kiosk cache` and `kiosk sync` as a technician meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cache_world import HandClock, ok, queue_of, row, seal, store_in
from little_authority import make_authority
from little_hub import TERMINAL, LittleHub, serving

from kiosk.entry.commands import cache, enrol, sync_once
from offline_cache.faults import StoreFault
from offline_cache.hub_keys import HubKeysFile, parse_seal_keys
from offline_cache.keys import open_keys
from offline_cache.line.identity import DeviceKey, Identity, certificates_in, read_identity
from offline_cache.store import StorePlaces


@pytest.fixture
def hub() -> Iterator[LittleHub]:
    with serving(LittleHub()) as hub:
        yield hub


def _settings(data: Path, url: str, code: str = TERMINAL) -> Path:
    path = data / "kiosk.toml"
    path.write_text(
        f'[terminal]\ncode = "{code}"\n[paths]\ndata = "{data}"\n'
        f'[hub]\nurl = "{url}"\nconnect_timeout_s = 2\nread_timeout_s = 2\n',
        encoding="utf-8",
    )
    return path


def _said(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    lines = capsys.readouterr().out.splitlines()
    said: dict[str, object] = json.loads(lines[-1])
    return said


def _identity(data: Path) -> Identity:
    found = read_identity(StorePlaces(data).enrolment)
    assert isinstance(found, Identity), found
    return found


def test_a_one_time_code_makes_the_terminal_known(
    tmp_path: Path, hub: LittleHub, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = hub.one_time_code.lower().replace("-", " ")  # as a hand types it
    assert enrol.run(_settings(tmp_path, hub.url), typed, json=True) == 0
    assert _said(capsys) == {"ok": True, "terminal": TERMINAL, "settings_terminal": TERMINAL}
    path = StorePlaces(tmp_path).enrolment
    identity, keys = _identity(tmp_path), ok(open_keys(StorePlaces(tmp_path).keys))
    assert DeviceKey(keys.device).fits(certificates_in(identity.certificate)[0])
    assert identity.ca == hub.authority.pem
    assert path.stat().st_mode & 0o777 == 0o600
    assert "BEGIN" not in repr(identity)
    known = ok(HubKeysFile(StorePlaces(tmp_path).hub_keys, keys.database).read())
    assert (known.terminal, known.keys) == (TERMINAL, parse_seal_keys(hub.seal_keys))
    (asked,) = hub.enrolments
    assert set(asked) == {"code", "csr", "receipt_key", "software"}


def test_a_wrong_code_is_told_in_the_hubs_word_and_keeps_what_was_there(
    tmp_path: Path, hub: LittleHub, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = _settings(tmp_path, hub.url)
    enrol.run(settings, hub.one_time_code, json=True)
    before = _identity(tmp_path)
    assert enrol.run(settings, f"WRNG-CODE-{hub.authority.pin}", json=True) == 4
    assert _said(capsys)["fault"] == "code_unknown"
    assert _identity(tmp_path) == before


@pytest.mark.parametrize("typed", ["", "ABCD-EFGH", "ABCD-EFGH-AAAA", "八位-代码", "x" * 4000])
def test_a_slip_of_the_hand_is_told_before_anything_is_asked(
    tmp_path: Path, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enrol.run(_settings(tmp_path, "https://127.0.0.1:9"), typed, json=True) == 4
    assert _said(capsys)["fault"] == "bad_code"
    assert not StorePlaces(tmp_path).keys.exists()


def test_a_code_of_another_hub_is_not_spent_here(
    tmp_path: Path, hub: LittleHub, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody stands between us and the hub, or the address is wrong."""
    typed = f"ABCD-EFGH-{make_authority().pin}"
    assert enrol.run(_settings(tmp_path, hub.url), typed, json=True) == 4
    assert _said(capsys)["fault"] == "wrong_hub"
    assert hub.enrolments == []
    assert isinstance(read_identity(StorePlaces(tmp_path).enrolment), StoreFault)


def test_enrolling_as_another_terminal_warns(
    tmp_path: Path, hub: LittleHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enrol.run(_settings(tmp_path, hub.url, "QS77"), hub.one_time_code, json=False) == 0
    said = capsys.readouterr()
    assert "enrolled as QS01" in said.out and "QS77" in said.err


def test_what_waits_is_told_and_sent_once(
    tmp_path: Path, hub: LittleHub, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = _settings(tmp_path, hub.url)
    enrol.run(settings, hub.one_time_code, json=True)
    StorePlaces(tmp_path).enrolment.unlink()  # its certificate was lost, not whom to seal to
    capsys.readouterr()
    store = store_in(tmp_path, HandClock())
    number = ok(seal(store)).number
    ok(seal(store))
    queue_of(store, HandClock()).refused(row(2), "item_closed", "not for us")
    epoch = store.database.epoch
    store.close()

    assert cache.run(settings, "status", json=True) == 0
    said = _said(capsys)
    assert {name: said[name] for name in ("ok", "waiting", "refused", "epoch", "last_seq")} == {
        "ok": True,
        "waiting": 1,
        "refused": 1,
        "epoch": epoch,
        "last_seq": 2,
    }
    assert isinstance(said["oldest_s"], int)

    assert (said["stopped"], said["stopped_since"]) == ("", None)

    store = store_in(tmp_path, HandClock())
    assert queue_of(store, HandClock()).note_stopped("unauthorised:certificate_revoked") is None
    store.close()
    assert cache.run(settings, "status", json=True) == 0
    said = _said(capsys)
    assert said["stopped"] == "unauthorised:certificate_revoked"
    assert said["stopped_since"] == "2026-11-22T06:30:00.000Z"
    assert cache.run(settings, "status", json=False) == 0
    told = capsys.readouterr().out
    assert "2026-11-22 14:30" in told and "certificate_revoked" in told

    assert sync_once.run(settings, "status", json=True) == 0
    said = _said(capsys)
    assert (said["online"], said["reason"]) == (False, "not_enrolled")
    assert sync_once.run(settings, "once", json=True) == 4
    assert _said(capsys)["fault"] == "not_enrolled"

    enrol.run(settings, hub.one_time_code, json=True)
    assert sync_once.run(settings, "once", json=True) == 0
    said = _said(capsys)
    assert (said["delivered"], said["waiting"]) == ([number], 0)
    assert said["last_contact"] is not None
    assert hub.numbers() == [number]
    assert sync_once.run(settings, "status", json=True) == 0
    assert _said(capsys)["online"] is True

    assert cache.run(settings, "tray", json=True) == 0
    refused = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (refused["code"], refused["name_masked"]) == ("item_closed", "甄**")
    assert cache.run(settings, "check", json=True) == 0


def test_an_unreachable_hub_is_a_fault_that_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = LittleHub()
    with serving(hub):
        settings = _settings(tmp_path, hub.url)
        enrol.run(settings, hub.one_time_code, json=True)
        store = store_in(tmp_path, HandClock())
        ok(seal(store))
        store.close()
    assert sync_once.run(settings, "once", json=True) == 4
    said = _said(capsys)
    assert (said["fault"], said["waiting"]) == ("unreachable", 1)
    assert enrol.run(settings, hub.one_time_code, json=True) == 4
    assert _said(capsys)["fault"] == "no_connection"


@pytest.mark.parametrize("command", [cache, sync_once])
def test_a_terminal_without_a_store_says_so_and_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: object
) -> None:
    settings = _settings(tmp_path, "https://127.0.0.1:9")
    assert command.run(settings, "status", json=True) == 3  # type: ignore[attr-defined]
    assert _said(capsys)["fault"] == "not_found"
    assert not StorePlaces(tmp_path).keys.exists()


def test_bad_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = _settings(tmp_path, "https://127.0.0.1:9")
    assert cache.run(settings, "repair", json=True) == 2
    assert cache.run(settings, "export", json=True) == 2
    for action in ("again", "handled", "slip"):  # no item has a number beyond the store's
        assert cache.run(settings, action, "9" * 20, json=True) == 2
        assert cache.run(settings, action, "9" * 5000, json=True) == 2
    assert sync_once.run(settings, "always", json=False) == 2
    assert cache.run(tmp_path / "none.toml", "status", json=False) == 3
    (tmp_path / "bad.toml").write_text("[hub]\nurl = 1\n", encoding="utf-8")
    assert cache.run(tmp_path / "bad.toml", "status", json=True) == 4
    assert _said(capsys)["fault"] == "bad_settings"


def test_a_damaged_store_is_a_fault_with_a_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = _settings(tmp_path, "https://127.0.0.1:9")
    store_in(tmp_path, HandClock()).close()
    path = StorePlaces(tmp_path).database
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    assert cache.run(settings, "check", json=True) == 4
    assert _said(capsys)["fault"] == "damaged"
    assert path.read_bytes() == content  # asking sets nothing aside
