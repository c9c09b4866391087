"""The one-time code, the terminal's key, what enrolment leaves on the disk, and the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cache_world import START, HandClock
from hypothesis import given
from hypothesis import strategies as st
from little_authority import make_authority, the_authority

from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.line.hub_time import HubTime, Learned, best_time, is_suspect
from offline_cache.line.identity import (
    DeviceKey,
    Identity,
    fits,
    pinned_authority,
    read_code,
    read_identity,
    renewal_due,
    write_identity,
)

KEY = DeviceKey(b"k" * 32)


@pytest.mark.parametrize("how", [str, str.lower, lambda it: it.replace("-", " "), lambda it: it.replace("-", "")])  # fmt: skip
def test_a_code_is_read_however_it_is_typed(how: object) -> None:
    typed = f" 2B4K-EFGH-{the_authority().pin} "
    code = read_code(how(typed))  # type: ignore[operator]
    assert code is not None and code.code == "2B4K-EFGH"
    assert pinned_authority(the_authority().pem, code.pin) == the_authority().pem
    assert "2B4K" not in repr(code)


def test_the_pin_finds_its_authority_and_no_other() -> None:
    ours, other = the_authority(), make_authority()
    code = read_code(f"ABCD-EFGH-{ours.pin}")
    assert code is not None
    assert pinned_authority(other.pem + ours.pem, code.pin) == ours.pem
    assert pinned_authority(other.pem, code.pin) is None
    assert pinned_authority("no certificate", code.pin) is None


@given(st.text(max_size=80))
def test_no_text_does_more_than_be_no_code(typed: str) -> None:
    code = read_code(typed)
    assert code is None or (len(code.code) == 9 and len(code.pin) == 16)


@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_key(secret: bytes) -> None:
    key = DeviceKey(secret)
    assert key.pem() == DeviceKey(secret).pem()
    assert repr(key) == "DeviceKey()"


def test_renewal_is_due_at_a_third_of_the_life() -> None:
    pem = the_authority().terminal(KEY.request(), "QS01", START, START + timedelta(days=90))
    identity = Identity("QS01", pem, the_authority().pem)
    assert fits(identity, KEY) and not fits(identity, DeviceKey(b"o" * 32))
    assert not renewal_due(identity, START + timedelta(days=29, hours=23))
    assert renewal_due(identity, START + timedelta(days=30))
    assert renewal_due(Identity("QS01", "damaged", ""), START)
    assert not fits(Identity("QS01", "damaged", ""), KEY)


def test_what_enrolment_gave_is_kept_for_the_service_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "enrolment.json"
    assert read_identity(path) == StoreFault(
        StoreFaultCode.NOT_FOUND, "enrolment: No such file or directory"
    )
    identity = Identity("QS01", "certificate", "authority")
    assert write_identity(path, identity) is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_identity(path) == identity
    path.chmod(0o644)
    found = read_identity(path)
    assert isinstance(found, StoreFault) and found.code is StoreFaultCode.BAD_MODE
    path.chmod(0o600)
    path.write_text('{"terminal": "QS01"}', encoding="utf-8")
    found = read_identity(path)
    assert isinstance(found, StoreFault) and found.code is StoreFaultCode.DAMAGED


# -- the time ---------------------------------------------------------------------------

HUB = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
YEARS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(was=YEARS, wall=YEARS, ran=st.floats(0, 1e6))
def test_in_one_boot_the_wall_clock_does_not_matter(
    was: datetime, wall: datetime, ran: float
) -> None:
    learned = Learned(HUB, was, 100.0, "boot")
    told = best_time(learned, wall, 100.0 + ran, "boot")
    assert told == HUB + timedelta(seconds=ran)


@given(was=YEARS, wall=YEARS, monotonic=st.floats(0, 1e6))
def test_after_a_reboot_it_is_never_earlier_than_the_hubs_last_word(
    was: datetime, wall: datetime, monotonic: float
) -> None:
    learned = Learned(HUB, was, 100.0, "boot")
    told = best_time(learned, wall, monotonic, "another boot")
    assert told >= HUB
    if wall - was >= timedelta():  # it ran on: what was wrong about it is known
        assert told - HUB == wall - was


def test_a_clock_that_is_right_is_left_alone() -> None:
    learned = Learned(HUB, HUB - timedelta(seconds=20), 100.0, "boot")
    assert not is_suspect(learned, HUB + timedelta(hours=1), 3700.0, "boot")
    assert is_suspect(learned, HUB + timedelta(hours=2), 3700.0, "boot")
    assert not is_suspect(None, HUB, 5.0, "boot")


def test_the_hubs_time_is_kept_for_the_next_start_without_wearing_the_disk(
    tmp_path: Path,
) -> None:
    clock, path = HandClock(), tmp_path / "time.json"
    times = HubTime(path, clock, lambda: "boot")
    assert times.now() == clock.now and times.floor() is None and not times.same_boot
    assert times.heard(HUB) is None
    written = path.stat().st_mtime_ns
    for _ in range(20):
        clock.advance(10)
        times.heard(times.now())
    assert path.stat().st_mtime_ns == written
    clock.advance(600)
    times.heard(times.now())
    assert path.stat().st_mtime_ns != written
    again = HubTime(path, clock, lambda: "boot")
    assert again.same_boot and again.now() == times.now()
    assert not HubTime(path, clock, lambda: "another").same_boot


@pytest.mark.parametrize(
    "content", ["", "{}", '{"hub": 1}', '{"hub": "x", "wall": "y"}', "[" * 2000]
)
def test_a_damaged_time_file_is_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "time.json"
    path.write_text(content, encoding="utf-8")
    assert HubTime(path, HandClock(), lambda: "boot").floor() is None
