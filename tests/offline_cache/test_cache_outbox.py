"""What is sealed is whole, numbered, frozen and found again; what fails leaves nothing."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3.dump import _iterdump  # type: ignore[attr-defined]

import pytest
from cache_world import (
    GRANDPA,
    GRANNY,
    HUB,
    ITEM,
    ZONE,
    HandClock,
    due,
    enrol_in,
    keys_in,
    make_number,
    ok,
    opened,
    opened_attachment,
    queue_of,
    row,
    seal,
    store_in,
)
from envelope_opener import make_key_pair
from hypothesis import given
from hypothesis import strategies as st

from offline_cache.blobs import Blobs, Kept
from offline_cache.database import CIPHER_PAGE_BYTES, COMMITS_A_CHECKPOINT
from offline_cache.envelope import Envelopes, suites_at_hand
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.hub_keys import HubKeysFile
from offline_cache.ids import new_id, uuid_bytes, uuid_text
from offline_cache.outbox import (
    SERIALS_RESERVED,
    SKIP_MOST,
    Attachment,
    ItemKind,
    ItemState,
    Outbox,
    Serials,
)
from offline_cache.pages import FRAME_HEADER, WAL_HEADER_BYTES
from offline_cache.ports import utc_text
from offline_cache.sealer import Sealer
from offline_cache.store import Store, StorePlaces
from offline_cache.suites import SuiteId
from offline_cache.tray import list_tray


def test_an_application_and_its_place_in_the_queue_are_one(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    sealed = ok(seal(store))
    assert sealed.number == "QS01261122000100"
    (item,) = due(store, clock)
    assert item.kind == "application" and item.order_key == sealed.number
    assert uuid.UUID(item.id).version == 7
    assert item.sha256 == hashlib.sha256(item.sealed).hexdigest()
    inside = opened(store, item)
    body = inside.body
    assert body["number"] == sealed.number
    assert body["accepted_at"] == utc_text(clock.utc()) == "2026-11-22T06:30:00.000Z"
    page = b"%PDF page of the household register"
    assert body["materials"] == [
        {
            "code": "household",
            "name": "户口簿",
            "pages": 1,
            "sha256": hashlib.sha256(page).hexdigest(),
            "media_type": "application/pdf",
            "bytes": len(page),
        }
    ]
    assert body["signature"]["sha256"] == hashlib.sha256(b"\x89PNG strokes").hexdigest()
    assert tuple(each["sealed"] for each in inside.attachments) == item.attachments
    assert [each["sha256"] for each in inside.attachments] == [
        body["materials"][0]["sha256"],
        body["signature"]["sha256"],
    ]
    assert opened_attachment(store, clock, item.attachments[0]) == page
    application = ok(store.outbox.state_of(sealed.number))
    assert application is not None and application.state is ItemState.SEALED
    assert ok(store.outbox.state_of("QS01261122999900")) is None
    store.close()


def test_every_seal_has_its_own_number_and_the_sequence_has_no_gaps(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    numbers = [ok(seal(store, session=f"s{count}")).number for count in range(30)]
    numbers.append(ok(seal(store)).number)
    store.close()
    store = store_in(tmp_path, clock)
    numbers.append(ok(seal(store)).number)
    assert len(set(numbers)) == 32
    assert [item.seq for item in due(store, clock)] == list(range(1, 33))
    store.close()


def test_the_serial_begins_again_on_the_citizens_next_day(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    assert ok(seal(store)).number == "QS01261122000100"
    clock.advance(9.4 * 3600)  # 15:54 UTC, six minutes to midnight in Shanghai
    assert ok(seal(store)).number == "QS01261122000200"
    clock.advance(0.2 * 3600)
    assert ok(seal(store)).number == "QS01261123000100"
    clock.advance(-0.2 * 3600)  # the clock was put right
    assert ok(seal(store)).number == "QS01261122000300"
    store.close()


def test_a_day_has_9999_numbers_and_no_more(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(
        store.database.write(
            lambda c: c.execute("INSERT INTO counters VALUES ('serial 2026-11-22', 9998)") and 0
        )
    )
    assert ok(seal(store)).number == "QS01261122999900"
    refused = seal(store)
    assert isinstance(refused, StoreFault) and refused.code is StoreFaultCode.NUMBERS_USED_UP
    assert len(due(store, clock)) == 1
    store.close()


def test_a_torn_file_of_serials_does_not_stop_anybody(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock())
    StorePlaces(tmp_path).serials.write_bytes(b'{"day": "2026-1')
    assert ok(seal(store)).number == "QS01261122000100"
    store.close()


@pytest.mark.fault(29)
@pytest.mark.parametrize("day", ["today", "another day", "torn", "no file"])
def test_what_an_old_copy_does_not_know_of_leaves_room_among_the_numbers_but_not_for_ever(
    tmp_path: Path, day: str
) -> None:
    clock = HandClock()
    if day in ("today", "another day"):
        store = store_in(tmp_path, clock)
        ok(seal(store))
        store.close()
        shutil.rmtree(tmp_path / "store")
    if day == "another day":
        clock.now += timedelta(days=1)
    serials = StorePlaces(tmp_path).serials
    if day == "torn":
        serials.write_bytes(b'{"day": "2026-1')
    for _ in range(2):
        assert Serials(serials).skip(250) is None
    store = store_in(tmp_path, clock)
    first = int(ok(seal(store)).number[10:14])
    assert first == 251 + (SERIALS_RESERVED if day == "today" else 0)
    assert int(ok(seal(store, person=GRANDPA)).number[10:14]) == first + 1
    clock.now += timedelta(days=1)
    assert int(ok(seal(store, session="next day")).number[10:14]) == 1
    store.close()
    assert Serials(serials).skip(10**9) is None
    assert Serials(serials).reserved("no day") == SKIP_MOST


def test_rating_and_print_result_follow_their_application(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store)).number
    other = ok(seal(store, person=GRANDPA)).number
    ok(store.outbox.add(ItemKind.PRINT_RESULT, number, {"number": number, "result": "printed"}))
    ok(store.outbox.add(ItemKind.RATING, number, {"number": number, "level": 5}))
    sender = queue_of(store, clock)

    def waits() -> list[tuple[str, str]]:
        return [(item.kind, item.order_key) for item in due(store, clock)]

    assert waits() == [("application", number), ("application", other)]
    sender.accepted([row(1)])
    assert waits() == [("application", other), ("print_result", number)]
    sender.refused(row(3), "code", "reason")  # in the tray, what follows it goes on
    assert waits() == [("application", other), ("rating", number)]
    store.close()


def test_what_is_put_off_holds_back_only_its_own(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store)).number
    ok(store.outbox.add(ItemKind.RATING, number, {"number": number}))
    ok(seal(store, person=GRANDPA))
    sender = queue_of(store, clock)
    first = due(store, clock)[0]
    rest = ok(sender.next_batch(max_items=100, max_bytes=1 << 20, not_now={first.id}))
    assert [item.seq for item in rest] == [3]
    store.close()


def test_a_batch_is_limited_and_never_empty_for_its_size(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    for count in range(5):
        ok(seal(store, session=f"s{count}", form={"text": secrets.token_hex(6000)}))
    sender = queue_of(store, clock)
    assert len(ok(sender.next_batch(max_items=3, max_bytes=1 << 20))) == 3
    assert len(ok(sender.next_batch(max_items=100, max_bytes=18_000))) == 2
    assert len(ok(sender.next_batch(max_items=100, max_bytes=10))) == 1
    store.close()


def test_the_same_person_and_item_is_found_again_without_the_number_being_kept(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    started = clock.utc()
    ok(seal(store))
    clock.advance(60)
    newest = ok(seal(store))
    ok(seal(store, person=GRANDPA))
    ok(seal(store, item="other-item"))
    found = ok(store.outbox.earlier(ITEM, GRANNY.lower(), started))
    assert found is not None and found.number == newest.number
    assert ok(store.outbox.earlier("third-item", GRANNY, started)) is None
    clock.advance(1)
    assert ok(store.outbox.earlier(ITEM, GRANNY, clock.utc())) is None
    outside = ok(store.database.rows("SELECT * FROM outbox"))
    assert not any(GRANNY in str(value) for row in outside for value in row)
    store.close()


def test_a_body_that_could_never_be_sent_is_refused_before_the_commit(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock())
    refused = seal(store, form={"text": "x" * (600 << 10)})
    assert isinstance(refused, StoreFault) and refused.code is StoreFaultCode.TOO_LARGE
    waiting = ok(store.outbox.waiting())
    assert (waiting.count, waiting.oldest_at, waiting.last_seq) == (0, None, 0)
    store.close()


def test_what_waits_is_told_by_count_and_age(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    oldest = clock.utc()
    ok(seal(store))
    clock.advance(3600)
    ok(seal(store, person=GRANDPA))
    waiting = ok(store.outbox.waiting())
    assert (waiting.count, waiting.oldest_at, waiting.refused) == (2, oldest, 0)
    queue_of(store, clock).refused(row(1), "form_invalid", "field phone")
    waiting = ok(store.outbox.waiting())
    assert (waiting.count, waiting.refused, waiting.last_seq) == (1, 1, 2)
    (refused,) = ok(list_tray(store.database))
    assert (refused.code, refused.reason, refused.name_masked) == (
        "form_invalid",
        "field phone",
        "甄**",
    )
    store.close()


def test_pages_of_the_same_material_each_keep_their_place(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(
        store.outbox.seal(
            session="s",
            item=ITEM,
            id_number=GRANNY,
            name_masked="甄**",
            application={"materials": [{"code": "a", "name": "A"}]},
            attachments=[
                Attachment("a", "application/pdf", b"one"),
                Attachment("a", "application/pdf", b"two"),
                Attachment("b", "application/pdf", b"one"),
            ],
            make_number=lambda serial, at: f"N{serial}",
        )
    )
    (item,) = due(store, clock)
    inside = opened(store, item)
    materials = inside.body["materials"]
    hashes = [hashlib.sha256(content).hexdigest() for content in (b"one", b"two", b"one")]
    assert [(each["code"], each["name"], each["sha256"]) for each in materials] == [
        ("a", "A", hashes[0]),
        ("a", "a", hashes[1]),
        ("b", "b", hashes[2]),
    ]
    first, second, third = inside.attachments
    assert first["sealed"] == third["sealed"] != second["sealed"]
    assert item.attachments == (first["sealed"], second["sealed"])  # the same content goes once
    assert len(list(store.blobs.names())) == 2
    store.close()


class _NoRoomForBlobs(Blobs):
    def put(self, envelope: bytes) -> Kept | StoreFault:
        return StoreFault(StoreFaultCode.DISK_FULL)


@pytest.mark.fault(7)
@pytest.mark.parametrize("where", ["database", "attachment"])
def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path, where: str) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store))
    if where == "attachment":
        places = StorePlaces(tmp_path)
        keys, no_room = keys_in(tmp_path), _NoRoomForBlobs(tmp_path / "x")
        outbox = Outbox(
            store.database,
            keys,
            clock,
            blobs=no_room,
            serials=Serials(places.serials),
            sealer=Sealer(HubKeysFile(places.hub_keys, keys.database), Envelopes(suites_at_hand())),
            zone=ZONE,
        )
        full = seal(
            replace(store, blobs=no_room, outbox=outbox),
            person=GRANDPA,
            page=b"another page",
        )
    else:
        pages = ok(store.database.rows("PRAGMA page_count"))[0][0]
        ok(store.database.rows(f"PRAGMA max_page_count = {pages}"))
        full = seal(store, person=GRANDPA, form={"text": secrets.token_hex(50_000)})
    assert isinstance(full, StoreFault) and full.code is StoreFaultCode.DISK_FULL
    ok(store.database.rows("PRAGMA max_page_count = 1000000"))
    assert len(due(store, clock)) == 1
    assert ok(store.database.rows("SELECT count(*) FROM outbox WHERE item IS NOT NULL")) == [(1,)]
    assert ok(seal(store)).seq == 2  # no gap, and room again
    assert store.database.check() is None
    store.close()


def test_a_terminal_that_was_never_enrolled_takes_nothing_and_says_why(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock(), enrolled=False)
    for fault in (store.outbox.ready(), seal(store), store.outbox.add(ItemKind.RATING, "N", {})):
        assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.NO_SEAL_KEY
    assert list(store.blobs.names()) == []
    enrol_in(tmp_path)  # a technician, meanwhile
    assert store.outbox.ready() is None
    assert ok(seal(store)).seq == 1
    store.close()


@pytest.mark.fault(28)
def test_the_hubs_keys_on_the_disk_cannot_be_exchanged_unseen(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock())
    other = tmp_path / "of-another-terminal"
    enrol_in(other, make_key_pair())
    StorePlaces(tmp_path).hub_keys.write_bytes(StorePlaces(other).hub_keys.read_bytes())
    fault = seal(store)
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.DAMAGED
    enrol_in(tmp_path)  # with the next contact
    ok(seal(store))
    store.close()


def test_a_new_key_of_the_hub_is_used_from_the_next_application_on(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store))
    new = make_key_pair(SuiteId.SM4GCM_SM2)
    enrol_in(tmp_path, new, HUB)
    ok(seal(store, person=GRANDPA))
    first, second = due(store, clock)
    assert opened(store, first, HUB).body["applicant"]["number"] == GRANNY
    assert opened(store, second, new).body["applicant"]["number"] == GRANDPA
    # the same page again, for the new key: two files, each for its own
    assert not set(first.attachments) & set(second.attachments)
    assert opened_attachment(store, clock, second.attachments[0], new).startswith(b"%PDF")
    store.close()


@pytest.mark.fault(31)
def test_nothing_of_the_person_can_be_read_with_the_terminals_key(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store)).number
    ok(store.outbox.add(ItemKind.RATING, number, {"number": number, "level": 1}))
    told = "\n".join(_iterdump(store.database._connection))  # bytes as hexadecimal
    sealed = b"".join(item.sealed for item in due(store, clock))
    for secret in (GRANNY, "甄桂兰", "13900000000", "household", "strokes"):
        assert secret not in told and secret.encode().hex() not in told.lower()
        assert secret.encode() not in sealed
    assert "高龄津贴申领" in told and "139****0000" in told  # the receipt, masked
    store.close()


def test_a_removed_or_changed_item_breaks_the_chain(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    for count in range(3):
        ok(seal(store, session=f"s{count}"))
    items = due(store, clock)
    chain = bytes(32)
    for item in items:
        link = chain + item.seq.to_bytes(8) + uuid.UUID(item.id).bytes + bytes.fromhex(item.sha256)
        chain = hashlib.sha256(link).digest()
        assert item.chain == chain
    assert store.check() is None
    ok(
        store.database.write(
            lambda c: c.execute("UPDATE outbox SET id = x'00' WHERE row % 3 = 0") and 0
        )
    )
    fault = store.check()
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.DAMAGED
    store.close()


def test_what_the_hub_lost_waits_again(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    for count in range(4):
        ok(seal(store, session=f"s{count}"))
    sender = queue_of(store, clock)
    before = due(store, clock)
    sender.sending([row(1), row(2)])
    sender.accepted([row(1), row(2), row(3)])
    sender.refused(row(4), "form_invalid", "")
    assert ok(sender.resend("another epoch", 1, 4)) == 0
    assert ok(sender.resend(sender.epoch, 2, 4)) == 2  # what lies in the tray stays there
    assert due(store, clock) == before[1:3]  # the very same bytes
    store.close()


def test_an_item_whose_bytes_are_lost_here_goes_to_the_tray_and_stops_nobody(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store))
    ok(seal(store, person=GRANDPA))
    ok(
        store.database.write(
            lambda c: c.execute("UPDATE outbox SET key = zeroblob(32) WHERE row % 2 = 1") and 0
        )
    )
    (item,) = due(store, clock)
    assert item.seq == 2
    (lost,) = ok(list_tray(store.database))
    assert (lost.seq, lost.code) == (1, "unreadable_here")
    store.close()


# -- what a citizen waits for, and what is done after ----------------------------------------


def _written_pages(store: Store) -> int:
    """Pages in the WAL, which was empty before."""
    wal = store.database.path.with_name(store.database.path.name + "-wal")
    return (wal.stat().st_size - WAL_HEADER_BYTES) // (CIPHER_PAGE_BYTES + FRAME_HEADER.size)


def test_a_citizen_waits_for_a_single_page(tmp_path: Path) -> None:
    """All the indexes by which it is found later are written when nobody waits."""
    store = store_in(tmp_path, HandClock())
    ok(seal(store))
    store.outbox.prepare()
    for session in ("s1", "s2"):
        assert store.outbox.put_away() is None
        assert store.database.empty_wal()
        sealed = store.outbox.seal(
            session=session,
            item=ITEM,
            id_number=GRANNY,
            name_masked="甄**",
            application={"item": ITEM, "applicant": {"name": "甄桂兰", "number": GRANNY}},
            attachments=(),
            make_number=make_number,
            receipt=[("事项", "高龄津贴申领"), ("申请人", "甄**"), ("手机", "139****0000")],
        )
        assert not isinstance(sealed, StoreFault)
        assert _written_pages(store) == 1


@pytest.mark.fault(1)
def test_a_stop_before_the_commit_leaves_nothing_and_the_citizen_may_repeat(
    tmp_path: Path,
) -> None:
    """All is written, the papers are on the disk, and the power goes before it counts."""
    clock = HandClock()
    store = store_in(tmp_path / "before", clock)
    store.journal.save("s1", GRANNY, "the draft of s1")

    def number_and_stop(serial: int, at: datetime) -> str:
        shutil.copytree(tmp_path / "before", tmp_path / "after", dirs_exist_ok=True)
        return make_number(serial, at)

    page = Attachment("household", "application/pdf", b"%PDF page")
    store.outbox.seal(
        session="s1",
        item=ITEM,
        id_number=GRANNY,
        name_masked="甄**",
        application={"item": ITEM},
        attachments=[page],
        make_number=number_and_stop,
    )
    store.close()

    store = store_in(tmp_path / "after", clock)
    assert store.set_aside is None and store.check() is None
    assert due(store, clock) == () and ok(store.outbox.waiting()).last_seq == 0
    assert ok(store.outbox.earlier(ITEM, GRANNY, clock.utc())) is None
    assert ok(store.journal.find(GRANNY)) is not None  # they go on where they were
    again = ok(seal(store, session="s1"))
    assert again.seq == 1
    assert [item.order_key for item in due(store, clock)] == [again.number]
    store.close()


@pytest.mark.fault(2, 3)
@pytest.mark.parametrize("put_away", [False, True])
def test_a_stop_before_or_at_the_print_leaves_all_that_was_promised(
    tmp_path: Path, put_away: bool
) -> None:
    """Number, place in the queue, papers and serial are there; the draft is not offered again."""
    clock = HandClock()
    store = store_in(tmp_path / "before", clock)
    first = ok(seal(store, session="s0"))
    store.journal.save("s1", GRANNY, "the draft of s1")
    sealed = ok(seal(store, session="s1"))
    rating = ok(store.outbox.add(ItemKind.RATING, sealed.number, {"level": 5}))
    if put_away:
        assert store.outbox.put_away() is None
    shutil.copytree(tmp_path / "before", tmp_path / "after")  # as a stop would leave it
    store.close()

    store = store_in(tmp_path / "after", clock)
    assert store.set_aside is None and store.check() is None
    assert ok(store.journal.find(GRANNY)) is None
    application = ok(store.outbox.state_of(sealed.number))
    assert application is not None and application.state is ItemState.SEALED
    # Who applies again is told of it, and makes no second one; no receipt counts as printed.
    earlier = ok(store.outbox.earlier(ITEM, GRANNY, clock.utc()))
    assert earlier is not None and earlier.number == sealed.number
    assert [item.order_key for item in due(store, clock)] == [first.number, sealed.number]
    assert ok(store.outbox.waiting()).last_seq == rating.seq == 3
    third = ok(seal(store, session="s2"))
    assert (third.number, third.seq) == ("QS01261122000300", 4)
    store.close()


def test_serials_go_on_while_nothing_was_put_away(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    numbers = [ok(seal(store, session=f"s{count}")).number for count in range(3)]
    clock.advance(86_400)
    numbers.append(ok(seal(store, session="next day")).number)
    clock.advance(-86_400)  # the machine's clock is put back
    numbers.append(ok(seal(store, session="that day again")).number)
    assert [number[4:14] for number in numbers] == [
        "2611220001",
        "2611220002",
        "2611220003",
        "2611230001",
        "2611220004",
    ]


def test_a_disk_that_refuses_to_put_away_hides_no_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path, HandClock())
    sealed = ok(seal(store))
    full = StoreFault(StoreFaultCode.DISK_FULL, "for a moment")
    monkeypatch.setattr(store.database, "put_away", lambda: full)
    assert store.outbox.begun is not None
    found = ok(store.outbox.application_of(store.outbox.begun))
    assert found is not None and found.number == sealed.number
    assert ok(store.outbox.application_of(bytes(16))) is None


def test_the_wal_does_not_grow_without_end_where_nobody_leaves(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    wal = store.database.path.with_name(store.database.path.name + "-wal")
    for count in range(3 * COMMITS_A_CHECKPOINT):
        store.journal.save(f"s{count}", GRANNY, "a draft")
    early = wal.stat().st_size
    for count in range(3 * COMMITS_A_CHECKPOINT):
        store.journal.save(f"s{count}", GRANNY, "a draft")
    assert wal.stat().st_size < 2 * early


@given(at=st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)))
def test_an_id_is_a_uuid_that_tells_its_time_and_no_two_are_alike(at: datetime) -> None:
    made, again = new_id(at), new_id(at)
    known = uuid.UUID(bytes=made)
    assert (known.version, known.variant) == (7, uuid.RFC_4122)
    assert int.from_bytes(made[:6]) == int(at.timestamp() * 1000) % 2**48
    assert made != again and new_id(at + timedelta(milliseconds=2)) > max(made, again)
    assert uuid_text(made) == str(known) and uuid_bytes(str(known)) == made
