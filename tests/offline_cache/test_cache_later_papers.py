"""Papers handed in after their application: an item of its own, as safe as the application."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cache_world import (
    GRANNY,
    HUB,
    ITEM,
    TERMINAL,
    HandClock,
    due,
    enrol_in,
    hand_in,
    keys_in,
    ok,
    open_in_place,
    opened,
    opened_attachment,
    queue_of,
    row,
    seal,
    store_in,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from offline_cache.database import condemn
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.leaving import export, may_leave
from offline_cache.outbox import Application, ItemKind, ItemState
from offline_cache.ports import utc_text
from offline_cache.retention import Erased, Retention
from offline_cache.store import Store, StorePlaces, salvage_all
from offline_cache.tray import list_tray, mark_handled, send_again

WEEK = timedelta(days=7)
DAY_S = 86400.0
LINES = (("事项", "高龄津贴申领"), ("申请人", "甄**"), ("手机", "139****0000"))


def _known(store: Store, number: str) -> Application:
    found = ok(store.outbox.state_of(number))
    assert found is not None
    return found


def test_papers_handed_in_later_follow_their_application_whole_and_sealed(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store, lacks=("bank_card", "photo"))).number
    clock.advance(3600)
    added = ok(hand_in(store, number, "bank_card", page=b"%PDF a bank card "))
    (application,) = due(store, clock)
    queue_of(store, clock).accepted([application.row])
    (item,) = due(store, clock)
    assert (item.kind, item.order_key, item.seq) == ("later_papers", number, added.seq)
    inside = opened(store, item)
    page = b"%PDF a bank card bank_card"
    assert inside.body["number"] == number
    assert inside.body["handed_in_at"] == utc_text(clock.utc())
    assert inside.body["by"]["number"] == GRANNY and inside.body["signature"] is None
    assert inside.body["materials"] == [
        {
            "code": "bank_card",
            "name": "材料bank_card",
            "pages": 1,
            "sha256": hashlib.sha256(page).hexdigest(),
            "media_type": "application/pdf",
            "bytes": len(page),
        }
    ]
    assert tuple(each["sealed"] for each in inside.attachments) == item.attachments
    assert opened_attachment(store, clock, item.attachments[0]) == page
    assert store.check() is None
    store.close()


def test_who_comes_back_is_told_what_is_still_to_be_handed_in_and_gets_the_receipt_again(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store, lacks=("bank_card", "photo"))).number
    store.close()
    store = store_in(tmp_path, clock)  # after a power cut, before anything was printed
    found = ok(store.outbox.earlier(ITEM, GRANNY, clock.utc()))
    assert found is not None and found == _known(store, number)
    assert (found.receipt, found.lacks, found.printed) == (LINES, ("bank_card", "photo"), False)
    for result in ("paper_out", "printed"):
        assert not _known(store, number).printed
        ok(
            store.outbox.add(
                ItemKind.PRINT_RESULT, number, {"number": number, "result": result, "at": ""}
            )
        )
    assert _known(store, number).printed
    ok(hand_in(store, number, "photo"))
    assert _known(store, number).lacks == ("bank_card",)
    other = ok(seal(store, session="another")).number
    assert (_known(store, other).lacks, _known(store, other).printed) == ((), False)
    # handed in for an application that another terminal took: kept, and nothing is known of it here
    ok(hand_in(store, "QS02261122000100", "photo"))
    assert ok(store.outbox.state_of("QS02261122000100")) is None
    store.close()


def test_the_draft_goes_with_the_papers_and_a_full_disk_leaves_both_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store, lacks=("photo",))).number
    store.journal.save("session-2", GRANNY, "the page that is being photographed")
    full = StoreFault(StoreFaultCode.DISK_FULL, "for a moment")
    with monkeypatch.context() as patched:
        patched.setattr(store.blobs, "put", lambda envelope: full)
        assert hand_in(store, number, "photo") == full
    assert ok(store.database.rows("SELECT count(*) FROM drafts")) == [(1,)]
    assert _known(store, number).lacks == ("photo",)
    assert ok(store.outbox.waiting()).last_seq == 1
    ok(hand_in(store, number, "photo"))
    assert ok(store.database.rows("SELECT count(*) FROM drafts")) == [(0,)]
    assert _known(store, number).lacks == ()
    store.close()


@pytest.mark.fault(2, 7)
def test_after_a_disk_that_failed_in_the_middle_it_is_known_whether_the_papers_are_kept(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    store = store_in(tmp_path / "before", clock)
    number = ok(seal(store, lacks=("photo",))).number
    added = ok(hand_in(store, number, "photo"))
    begun = store.outbox.begun
    assert begun is not None
    shutil.copytree(tmp_path / "before", tmp_path / "after")  # as a stop would leave it
    store.close()
    store = store_in(tmp_path / "after", clock)
    assert ok(store.outbox.handed_in_of(begun)) == added
    assert ok(store.outbox.application_of(begun)) is None
    assert ok(store.outbox.handed_in_of(bytes(16))) is None
    assert _known(store, number).lacks == ()
    store.close()


def test_nothing_is_begun_on_a_terminal_that_never_met_its_hub(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock(), enrolled=False)
    assert isinstance(hand_in(store, "QS01261122000100", "photo"), StoreFault)
    assert store.outbox.begun is None
    enrol_in(tmp_path)
    ok(hand_in(store, "QS01261122000100", "photo"))
    store.close()


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_what_is_lacking_is_what_no_papers_on_their_way_bring(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever is handed in, accepted, refused, sent again, dealt with by hand, or erased."""
    codes = ("a", "b", "c")
    clock = HandClock()
    store = store_in(tmp_path_factory.mktemp("lacks"), clock)
    lacked = data.draw(st.lists(st.sampled_from(codes), unique=True))
    number = ok(seal(store, lacks=tuple(lacked))).number
    queue = queue_of(store, clock)
    handed: dict[int, tuple[set[str], ItemState]] = {}  # by row
    for _ in range(data.draw(st.integers(0, 6))):
        step = data.draw(
            st.sampled_from(("hand in", "accept", "refuse", "again", "by hand", "old"))
        )
        at = data.draw(st.sampled_from(sorted(handed))) if handed else 0
        brought, state = handed.get(at, (set(), ItemState.PURGED))
        match step:
            case "hand in":
                some = data.draw(st.lists(st.sampled_from(codes), min_size=1, unique=True))
                handed[row(ok(hand_in(store, number, *some)).seq)] = (set(some), ItemState.SEALED)
            case "accept" if state.waits:
                assert queue.accepted([at]) is None
                handed[at] = (brought, ItemState.ACCEPTED)
            case "refuse" if state.waits:
                assert queue.refused(at, "another_person", "") is None
                handed[at] = (brought, ItemState.REFUSED)
            case "again" if state is ItemState.REFUSED:
                assert send_again(store.database, at) is None
                handed[at] = (brought, ItemState.SENDING)
            case "by hand" if state is ItemState.REFUSED:
                assert mark_handled(store.database, clock, at) is None
                handed[at] = (brought, ItemState.HANDLED)
            case "old":  # the application itself still waits: nothing of it is forgotten
                clock.advance(30 * DAY_S)
                ok(Retention(store.database, store.blobs, clock, WEEK).run())
            case _:
                pass
        on_their_way, waiting = set[str](), set[str]()
        for brought, state in handed.values():
            if state.waits or state is ItemState.ACCEPTED:
                on_their_way |= brought
            if state.waits:
                waiting |= brought
        assert set(_known(store, number).following) == waiting
        assert set(ok(store.outbox.following()).get(number, ())) == waiting
        assert _known(store, number).lacks == tuple(it for it in lacked if it not in on_their_way)
    store.close()


def test_papers_are_erased_with_their_application_and_not_before(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store, lacks=("photo",))).number
    ok(hand_in(store, number, "photo"))
    queue = queue_of(store, clock)
    queue.refused(row(1), "item_closed", "")
    queue.accepted([row(2)])
    clock.advance(5 * DAY_S)
    assert mark_handled(store.database, clock, row(1)) is None
    clock.advance(3 * DAY_S)
    retention = Retention(store.database, store.blobs, clock, WEEK)
    assert retention.run() == Erased(0, 0)
    assert _known(store, number).lacks == ()
    clock.advance(5 * DAY_S)
    assert retention.run() == Erased(2, 3)
    assert list(store.blobs.names()) == []
    store.close()


def test_the_tray_the_stick_and_the_wipe_treat_papers_as_what_they_follow(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path / "data", clock)
    number = ok(seal(store)).number
    ok(hand_in(store, number, "photo"))
    queue = queue_of(store, clock)
    queue.accepted([row(1)])
    queue.refused(row(2), "another_person", "不是本人或代办人")
    (refused,) = ok(list_tray(store.database))
    assert (refused.kind, refused.order_key, refused.name_masked) == (
        "later_papers",
        number,
        "甄**",
    )
    assert refused.receipt == LINES
    places = StorePlaces(tmp_path / "data")
    fault = may_leave(store.database, places)
    assert fault is not None and fault.code is StoreFaultCode.ROWS_WAIT
    exported = ok(export(store.database, queue, TERMINAL, tmp_path / "stick"))
    assert (exported.items, exported.attachments) == (1, 1)
    assert may_leave(store.database, places) is None
    store.close()


@pytest.mark.fault(9)
@pytest.mark.parametrize("put_away", [False, True])
def test_salvage_brings_papers_whole_and_what_is_lacking_stays_right(
    tmp_path: Path, put_away: bool
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store, lacks=("bank_card", "photo"))).number
    ok(hand_in(store, number, "photo"))
    if put_away:
        assert store.outbox.put_away() is None
    shutil.copytree(StorePlaces(tmp_path).store, tmp_path / "as it was")
    store.close()
    shutil.rmtree(StorePlaces(tmp_path).store)
    (tmp_path / "as it was").rename(StorePlaces(tmp_path).store)
    assert condemn(StorePlaces(tmp_path).store) is None
    store = store_in(tmp_path, clock)
    ((_, salvaged),) = list(salvage_all(tmp_path, keys_in(tmp_path), clock))
    assert (ok(salvaged).items, ok(salvaged).lost, ok(salvaged).attachments) == (2, 0, 3)
    found = _known(store, number)
    assert (found.receipt, found.lacks) == (LINES, ("bank_card",))
    ok(hand_in(store, number, "bank_card"))  # of the new epoch, for what stands in the old one
    assert _known(store, number).lacks == ()
    (application,) = due(store, clock)
    queue_of(store, clock).accepted([application.row])
    (papers,) = due(store, clock)
    assert open_in_place(store, clock, papers, HUB).body["materials"][0]["code"] == "photo"
    store.close()


@pytest.mark.fault(31)
def test_nothing_of_who_hands_in_can_be_read_with_the_terminals_key(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(hand_in(store, "QS01261122000100", "photo", page=secrets.token_bytes(3000)))
    for line in ok(store.database.rows("SELECT * FROM outbox")):
        told = b" ".join(it if isinstance(it, bytes) else str(it).encode() for it in line)
        assert GRANNY.encode() not in told and "甄桂兰".encode() not in told
    assert b'{"codes":["photo"]}' in told  # of the last and only row
    store.close()
