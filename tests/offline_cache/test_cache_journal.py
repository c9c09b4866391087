"""A draft comes back after a crash, to the same card, for a quarter of an hour: never otherwise."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cache_world import GRANDPA, GRANNY, HandClock, keys_in, ok, seal, store_in
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from offline_cache.journal import Draft
from offline_cache.store import Store, StorePlaces

ANSWERS = '{"phone": "13900000000", "account": "6222000000000000"}'


def _crash(store: Store) -> None:
    """The program is gone without having ended anything."""
    store.close()


def test_after_a_crash_the_same_card_finds_what_was_typed(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.journal.save("s1", GRANNY, "{}"))
    saved_at = clock.utc()
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    _crash(store)
    clock.advance(14 * 60)
    store = store_in(tmp_path, clock)
    assert store.journal.find(GRANNY) == Draft(saved_at, saved_at + timedelta(minutes=15), ANSWERS)
    store.close()


def test_another_card_finds_nothing(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    _crash(store)
    store = store_in(tmp_path, clock)
    assert store.journal.find(GRANDPA) is None
    store.close()


def test_the_running_program_does_not_offer_its_own_drafts(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock())
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    assert store.journal.find(GRANNY) is None
    store.close()


def test_after_a_quarter_of_an_hour_it_is_gone_from_the_disk(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    _crash(store)
    clock.advance(15 * 60)
    store = store_in(tmp_path, clock)  # opening erases what is no longer offered
    assert store.journal.find(GRANNY) is None
    assert ok(store.database.rows("SELECT count(*) FROM drafts")) == [(0,)]
    store.close()


def test_a_draft_runs_out_while_the_program_is_up(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    _crash(store)
    store = store_in(tmp_path, clock)
    assert store.journal.erase_expired() == 0
    clock.advance(16 * 60)
    assert store.journal.find(GRANNY) is None
    assert store.journal.erase_expired() == 1
    store.close()


def test_a_draft_of_the_future_is_not_offered(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    _crash(store)
    clock.advance(-10 * 365 * 86400.0)  # the clock's battery died
    store = store_in(tmp_path, clock)
    assert store.journal.find(GRANNY) is None
    assert ok(store.database.rows("SELECT count(*) FROM drafts")) == [(0,)]
    store.close()


def test_who_leaves_in_the_ordinary_way_leaves_nothing(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    assert store.journal.erase() == 1
    wal = StorePlaces(tmp_path).database.with_name("store.db-wal")
    assert wal.stat().st_size == 0
    _crash(store)
    store = store_in(tmp_path, clock)
    assert store.journal.find(GRANNY) is None
    store.close()


def test_erasing_with_the_card_also_erases_its_older_draft(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    _crash(store)
    store = store_in(tmp_path, clock)
    assert store.journal.erase(GRANDPA) == 0
    assert isinstance(store.journal.find(GRANNY), Draft)
    assert store.journal.erase(GRANNY) == 1
    assert store.journal.find(GRANNY) is None
    store.close()


def test_what_is_sealed_is_no_draft_any_more(tmp_path: Path) -> None:
    """A power cut right after the commit must not offer the same application once more."""
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    ok(seal(store, session="s1"))
    _crash(store)
    store = store_in(tmp_path, clock)
    assert store.journal.find(GRANNY) is None
    store.close()


@pytest.mark.parametrize("overwritten", [True, False])
def test_an_erased_draft_cannot_be_carved_from_the_file_even_with_the_key(
    tmp_path: Path, overwritten: bool
) -> None:
    """And the carving finds it when the store does not overwrite: it would have been noticed."""
    store = store_in(tmp_path, HandClock())
    if not overwritten:
        ok(store.database.rows("PRAGMA secure_delete = OFF"))
    planted = "PLANTED-ACCOUNT-6222 " * 1000  # long enough for pages of its own
    ok(store.journal.save("s1", GRANNY, planted))
    assert store.database.empty_wal()
    assert b"PLANTED-ACCOUNT-6222" in _decrypted(tmp_path)
    store.journal.erase()
    assert StorePlaces(tmp_path).database.with_name("store.db-wal").stat().st_size == 0
    assert (b"PLANTED-ACCOUNT-6222" in _decrypted(tmp_path)) is not overwritten
    store.close()


def _decrypted(data: Path) -> bytes:
    """Every page of the main file in the clear, free ones included: SQLCipher 4's page layout,

    4096 bytes of which the last 80 are IV (16) and HMAC (64); the first page begins with the salt.
    """
    key = keys_in(data).database
    content = StorePlaces(data).database.read_bytes()
    clear = bytearray()
    for at in range(0, len(content), 4096):
        page = content[at : at + 4096]
        sealed = page[16:-80] if at == 0 else page[:-80]
        decryptor = Cipher(AES256(key), CBC(page[-80:-64])).decryptor()
        clear += decryptor.update(sealed) + decryptor.finalize()
    return bytes(clear)


@given(minutes=st.floats(-60, 60), same_card=st.booleans(), same_run=st.booleans())
def test_a_draft_is_offered_only_by_its_rule(
    tmp_path_factory: object, minutes: float, same_card: bool, same_run: bool
) -> None:
    data = tmp_path_factory.mktemp("rule")  # type: ignore[attr-defined]
    clock = HandClock()
    store = store_in(data, clock)
    ok(store.journal.save("s1", GRANNY, ANSWERS))
    if not same_run:
        _crash(store)
    clock.advance(round(minutes * 60, 3))
    if not same_run:
        store = store_in(data, clock)
    found = store.journal.find(GRANNY if same_card else GRANDPA)
    wanted = same_card and not same_run and 0 <= round(minutes * 60, 3) < 15 * 60
    assert isinstance(found, Draft) is wanted
    store.close()
