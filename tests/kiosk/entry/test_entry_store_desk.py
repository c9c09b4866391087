"""The window's side of the store: what an effect asks is answered, whatever the disk does."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.clock import SystemClock, local
from kiosk.entry import store_desk
from kiosk.entry.store_desk import Callbacks, ReceiptHere, StoreDesk
from kiosk.flow.effects import (
    AddPrintResult,
    AddRating,
    Attachment,
    CheckReceipt,
    EraseDraft,
    HandIn,
    LookForDraft,
    LookForEarlier,
    SaveDraft,
    Seal,
)
from kiosk.flow.events import (
    DraftKnown,
    EarlierKnown,
    Scope,
    Sealed,
    SealFailed,
    StorageChanged,
)
from kiosk.flow.pages import ProgressKind
from kiosk.receipts.number import agrees, make, parse_qr
from kiosk.settings import PathSettings, Settings
from offline_cache.database import condemn
from offline_cache.disk import Disk, Room
from offline_cache.envelope import SealKey
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.hub_keys import HubKeysFile
from offline_cache.journal import Journal
from offline_cache.keys import Keys, open_keys
from offline_cache.outbox import Application, ItemState, Outbox
from offline_cache.outbox import Sealed as Committed
from offline_cache.store import StorePlaces
from offline_cache.suites import SuiteId

SCOPE = Scope("s1", 1)
NUMBER = "11010519491231002X"  # of the made-up vectors
WAIT_S = 20.0


class Desk:
    """A desk over a real store, and what it told."""

    def __init__(self, tmp_path: Path) -> None:
        self.settings = Settings(paths=PathSettings(data=tmp_path / "data"))
        self.events: queue.Queue[object] = queue.Queue()
        self.told: list[str] = []
        self.asked: queue.Queue[object] = queue.Queue()
        keys = open_keys(StorePlaces(self.settings.paths.data).keys)
        assert isinstance(keys, Keys)
        self.keys = keys
        self.enrol()
        self.clock = SystemClock()
        self.desk = self.make()

    def enrol(self) -> None:
        """The hub has told this terminal the key to seal to."""
        private = ec.generate_private_key(ec.SECP256R1())
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        file = HubKeysFile(StorePlaces(self.settings.paths.data).hub_keys, self.keys.database)
        assert file.write("QS01", [SealKey(SuiteId.AES256GCM_P256, public)]) is None

    def make(self) -> StoreDesk:
        return StoreDesk(
            self.settings,
            post=self.events.put,
            clock=self.clock,
            log=lambda event, /, **fields: self.told.append(event),
            callbacks=Callbacks(
                sealing=lambda busy: self.told.append(f"sealing {busy}"),
                waits=lambda: self.told.append("waits"),
                ask_hub_earlier=self.ask_hub,
                receipt_here=lambda effect, here: self.asked.put(here),
            ),
        )

    def ask_hub(self, effect: LookForEarlier, following: Mapping[str, tuple[str, ...]]) -> None:
        self.following = dict(following)
        self.asked.put(effect)

    def wait_for(self, kind: type, fits: Callable[[object], bool] = lambda _: True) -> object:
        while True:
            event = self.events.get(timeout=WAIT_S)
            if isinstance(event, kind) and fits(event):
                return event

    def told_soon(self, event: str) -> None:
        """The log tells it within the time that anybody waits for anything."""
        until = time.monotonic() + WAIT_S
        while event not in self.told:
            assert time.monotonic() < until, self.told
            time.sleep(0.01)

    def crash(self) -> None:
        """The program starts again, as after a crash: nothing was erased on the way."""
        self.desk.stop()
        self.desk = self.make()
        self.desk.start(self.keys)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.desk.start(desk.keys)
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "")
    yield desk
    desk.desk.stop()


def seal() -> Seal:
    return Seal(
        SCOPE,
        "old_age_allowance",
        NUMBER,
        "张*",
        {"item": "old_age_allowance", "materials": [{"code": "page", "name": "户口簿"}]},
        (Attachment("page", "application/pdf", b"%PDF-1.7 made up"),),
    )


def test_a_sealed_application_gets_a_number_and_a_signed_qr_and_sync_is_woken(desk: Desk) -> None:
    desk.desk.perform(seal())
    sealed = desk.wait_for(Sealed)
    assert isinstance(sealed, Sealed)
    assert agrees(sealed.number)
    assert sealed.number.startswith("QS01")
    assert parse_qr(sealed.qr_text.encode()).number == sealed.number  # type: ignore[union-attr]
    desk.desk.perform(CheckReceipt(SCOPE, sealed.number, sealed.qr_text))
    here = desk.asked.get(timeout=WAIT_S)
    assert isinstance(here, ReceiptHere)
    assert here.application is not None and here.signature_agrees
    assert desk.told.index("sealing True") < desk.told.index("sealing False")
    assert desk.told.index("sealing False") < desk.told.index("waits")


@pytest.mark.fault(10)
def test_while_the_machines_clock_is_wrong_the_hubs_time_is_sealed_and_the_doubt_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The battery died, or somebody set the clock: order is by seq, but people read times."""
    taken: list[Mapping[str, object]] = []
    commit = Outbox.seal

    def watched(outbox: Outbox, **given: Any) -> Committed | StoreFault:
        taken.append(given["application"])
        return commit(outbox, **given)

    monkeypatch.setattr(Outbox, "seal", watched)
    desk.clock.correct(-400 * 86_400)
    desk.desk.perform(seal())
    sealed = desk.wait_for(Sealed)
    assert isinstance(sealed, Sealed)
    assert timedelta(days=399) < SystemClock().utc() - sealed.accepted_at < timedelta(days=401)
    desk.clock.correct(0)
    desk.desk.perform(seal())
    desk.wait_for(Sealed)
    assert [it.get("clock_suspect") for it in taken] == [True, None]


def test_a_receipt_with_another_signature_is_not_taken_for_ours(desk: Desk) -> None:
    desk.desk.perform(seal())
    sealed = desk.wait_for(Sealed)
    assert isinstance(sealed, Sealed)
    forged = sealed.qr_text[:-10] + "AAAAAAAAAA"
    desk.desk.perform(CheckReceipt(SCOPE, sealed.number, forged))
    here = desk.asked.get(timeout=WAIT_S)
    assert isinstance(here, ReceiptHere)
    assert here.application is not None and not here.signature_agrees


def test_the_same_person_again_is_shown_the_earlier_number_and_a_stranger_is_asked_about(
    desk: Desk,
) -> None:
    desk.desk.perform(seal())
    sealed = desk.wait_for(Sealed)
    assert isinstance(sealed, Sealed)
    desk.desk.perform(LookForEarlier(SCOPE, "old_age_allowance", 30, NUMBER))
    earlier = desk.wait_for(EarlierKnown)
    assert isinstance(earlier, EarlierKnown)
    assert earlier.found is not None
    assert (earlier.found.number, earlier.found.state) == (
        sealed.number,
        ProgressKind.WAITING_HERE,
    )
    other = LookForEarlier(SCOPE, "old_age_allowance", 30, "440308199901101512")
    desk.desk.perform(other)
    assert desk.asked.get(timeout=WAIT_S) == other


# -- who comes again -------------------------------------------------------------------------

KEPT = (("事项", "高龄津贴申领"), ("申请人", "张*"))


def applied(desk: Desk) -> Sealed:
    """Without the second of two papers."""
    desk.desk.perform(replace(seal(), receipt=KEPT, lacks=("proof",)))
    sealed = desk.wait_for(Sealed)
    assert isinstance(sealed, Sealed)
    return sealed


def known(desk: Desk, number: str = NUMBER) -> EarlierKnown:
    desk.desk.perform(LookForEarlier(SCOPE, "old_age_allowance", 30, number))
    earlier = desk.wait_for(EarlierKnown)
    assert isinstance(earlier, EarlierKnown)
    return earlier


def papers(number: str, code: str = "proof") -> HandIn:
    return HandIn(
        Scope("s2", 7),
        number,
        "old_age_allowance",
        {"item": "old_age_allowance", "materials": [{"code": code, "name": "居住证明"}]},
        (Attachment(code, "application/pdf", b"%PDF-1.7 proof"),),
        (code,),
    )


@pytest.mark.fault(2)
def test_after_a_crash_the_receipt_can_be_printed_again_and_what_lacks_is_known(desk: Desk) -> None:
    sealed = applied(desk)
    desk.crash()
    found = known(desk).found
    assert found is not None
    assert (found.number, found.qr_text) == (sealed.number, sealed.qr_text)
    assert (found.receipt, found.lacks, found.printed) == (KEPT, ("proof",), False)
    desk.desk.perform(AddPrintResult(sealed.number, "printed", sealed.accepted_at))
    found = known(desk).found
    assert found is not None and found.printed


def test_papers_handed_in_here_for_another_terminals_application_are_not_forgotten(
    desk: Desk,
) -> None:
    elsewhere = make("QS02", 12, desk.clock.utc())
    desk.desk.perform(papers(elsewhere))
    desk.wait_for(Sealed)
    desk.desk.perform(LookForEarlier(SCOPE, "old_age_allowance", 30, NUMBER))
    desk.asked.get(timeout=WAIT_S)
    assert desk.following == {elsewhere: ("proof",)}


def test_on_the_last_day_that_was_told_an_application_of_any_hour_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(desk)
    look, asked_since = Outbox.earlier, []

    def watched(outbox: Outbox, item: str, id_number: str, since: datetime) -> Any:
        asked_since.append(local(since))
        return look(outbox, item, id_number, since)

    monkeypatch.setattr(Outbox, "earlier", watched)
    assert known(desk).found is not None
    (since,) = asked_since
    assert since.time() == datetime.min.time()
    days = (local(desk.clock.utc()).date() - since.date()).days
    assert days in (30, 31)  # midnight may pass while it is looked


def test_the_receipt_of_later_papers_is_not_the_one_that_never_came(desk: Desk) -> None:
    sealed = applied(desk)
    of_papers = AddPrintResult(sealed.number, "printed", sealed.accepted_at, papers=True)
    desk.desk.perform(of_papers)
    found = known(desk).found
    assert found is not None and not found.printed


@pytest.mark.parametrize("state", [ItemState.REFUSED, ItemState.HANDLED])
def test_what_lies_in_the_tray_is_not_called_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, state: ItemState
) -> None:
    applied(desk)
    look = Outbox.earlier

    def in_the_tray(outbox: Outbox, *asked: Any) -> Application:
        found = look(outbox, *asked)
        assert isinstance(found, Application)
        return replace(found, state=state)

    monkeypatch.setattr(Outbox, "earlier", in_the_tray)
    earlier = known(desk)
    assert earlier.found is not None and earlier.found.state is ProgressKind.AT_STAFF
    assert earlier.centre_asked  # staff may have brought it in by hand


def test_nobody_else_is_offered_the_receipt(desk: Desk) -> None:
    applied(desk)
    other = LookForEarlier(SCOPE, "old_age_allowance", 30, "440308199901101512")
    desk.desk.perform(other)
    assert desk.asked.get(timeout=WAIT_S) == other  # the centre is asked: here nothing is known


def test_papers_handed_in_keep_the_number_and_are_not_asked_for_again(desk: Desk) -> None:
    sealed = applied(desk)
    desk.desk.perform(SaveDraft("s2", NUMBER, "{}"))
    desk.desk.perform(papers(sealed.number))
    kept = desk.wait_for(Sealed)
    assert isinstance(kept, Sealed)
    assert (kept.scope, kept.number, kept.qr_text) == (
        Scope("s2", 7),
        sealed.number,
        sealed.qr_text,
    )
    assert "papers_handed_in" in desk.told
    desk.crash()
    found = known(desk).found
    assert found is not None
    assert (found.lacks, found.following) == ((), ("proof",))  # the centre has not heard of it
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))  # gone with the commit
    draft = desk.wait_for(DraftKnown)
    assert isinstance(draft, DraftKnown) and draft.payload is None


def test_papers_for_another_terminals_application_have_no_code_of_ours(desk: Desk) -> None:
    number = make("QS02", 12, desk.clock.utc())
    desk.desk.perform(papers(number))
    kept = desk.wait_for(Sealed)
    assert isinstance(kept, Sealed)
    assert (kept.number, kept.qr_text) == (number, "")


@pytest.mark.fault(7)
def test_papers_for_which_there_is_no_room_are_not_said_to_be_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = StoreFault(StoreFaultCode.DISK_FULL, "commit")
    sealed = applied(desk)
    hand_in = Outbox.hand_in
    monkeypatch.setattr(Outbox, "hand_in", lambda *_, **__: full)
    desk.desk.perform(papers(sealed.number))
    failed = desk.wait_for(SealFailed)
    assert isinstance(failed, SealFailed) and failed.disk_full
    monkeypatch.setattr(Outbox, "hand_in", hand_in)
    desk.desk.perform(papers(sealed.number))
    assert isinstance(desk.wait_for(Sealed), Sealed)


@pytest.mark.fault(8)
def test_papers_of_whose_commit_the_disk_told_nothing_are_looked_for_before_anybody_presses_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = applied(desk)
    commit = Outbox.hand_in

    def torn(outbox: Outbox, *given: Any, **more: Any) -> StoreFault:
        assert not isinstance(commit(outbox, *given, **more), StoreFault)
        return StoreFault(StoreFaultCode.UNREADABLE, "commit")

    monkeypatch.setattr(Outbox, "hand_in", torn)
    desk.desk.perform(papers(sealed.number))
    kept = desk.wait_for(Sealed)
    assert isinstance(kept, Sealed) and kept.number == sealed.number


def test_the_centre_is_asked_about_what_it_has_and_not_about_what_waits_here(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = applied(desk)
    assert not known(desk).centre_asked
    look = Outbox.earlier

    def delivered(outbox: Outbox, *asked: Any) -> Application:
        found = look(outbox, *asked)
        assert isinstance(found, Application)
        return replace(found, state=ItemState.ACCEPTED)

    monkeypatch.setattr(Outbox, "earlier", delivered)
    earlier = known(desk)
    assert earlier.centre_asked and earlier.found is not None
    assert (earlier.found.number, earlier.found.state) == (sealed.number, ProgressKind.RECEIVED)
    assert desk.asked.get(timeout=WAIT_S) == LookForEarlier(SCOPE, "old_age_allowance", 30, NUMBER)


def test_a_draft_is_offered_after_a_crash_and_never_after_a_leave(desk: Desk) -> None:
    desk.desk.perform(SaveDraft("s1", NUMBER, "{}"))
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    nothing = desk.wait_for(DraftKnown)
    assert isinstance(nothing, DraftKnown) and nothing.payload is None
    desk.crash()
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    found = desk.wait_for(DraftKnown)
    assert isinstance(found, DraftKnown) and found.payload == "{}"
    desk.desk.perform(LookForDraft(SCOPE, "440308199901101512"))
    foreign = desk.wait_for(DraftKnown)
    assert isinstance(foreign, DraftKnown) and foreign.payload is None
    desk.desk.perform(EraseDraft(NUMBER))
    desk.crash()
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    gone = desk.wait_for(DraftKnown)
    assert isinstance(gone, DraftKnown) and gone.payload is None


def test_a_disk_that_stays_full_is_logged_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    full = StoreFault(StoreFaultCode.DISK_FULL, "SQLite result 13")
    monkeypatch.setattr(Journal, "save", lambda *_: full)
    for session in ("s1", "s2", "s3"):
        desk.desk.perform(SaveDraft(session, NUMBER, "{}"))
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    desk.wait_for(DraftKnown)
    assert desk.told.count("store_fault") == 3 + 1  # each draft that was not kept, the disk once


@pytest.mark.fault(7)
def test_a_full_disk_closes_before_a_citizen_begins_and_opens_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_desk, "TIDY_S", 0.05)
    monkeypatch.setattr(store_desk, "REOPEN_S", 0.05)
    monkeypatch.setattr(Disk, "look", lambda _: Room.FULL)
    desk.desk.perform(EraseDraft())  # the loop takes its new pause with the next turn
    assert desk.wait_for(StorageChanged) == StorageChanged(False, "disk_full")
    monkeypatch.setattr(Disk, "look", lambda _: Room.PLENTY)
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "")


@pytest.mark.fault(7)
def test_who_is_at_work_when_the_disk_is_full_finishes_on_the_reserve(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Outbox.seal
    reserve = desk.settings.paths.data / "reserve"
    assert reserve.stat().st_size == 64 << 20

    def full_while_reserved(outbox: Outbox, **given: object) -> object:
        if reserve.exists():
            return StoreFault(StoreFaultCode.DISK_FULL, "SQLite result 13")
        return whole(outbox, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(Outbox, "seal", full_while_reserved)
    desk.desk.perform(seal())
    assert isinstance(desk.wait_for(Sealed), Sealed)
    assert "disk_reserve_used" in desk.told


def test_little_room_closes_what_needs_many_pages_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_desk, "TIDY_S", 0.05)
    monkeypatch.setattr(Disk, "look", lambda _: Room.TIGHT)
    desk.desk.perform(EraseDraft())
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "disk_tight", tight=True)
    assert "disk_room" in desk.told


@pytest.mark.fault(8)
def test_a_commit_that_the_disk_disturbed_is_looked_for_and_never_made_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk says that it failed, and yet everything is there."""
    whole = Outbox.seal

    def committed_but_failed(outbox: Outbox, **given: object) -> StoreFault:
        assert not isinstance(whole(outbox, **given), StoreFault)  # type: ignore[arg-type]
        return StoreFault(StoreFaultCode.UNREADABLE, "SQLite result 1034")

    monkeypatch.setattr(Outbox, "seal", committed_but_failed)
    desk.desk.perform(seal())
    first = desk.wait_for(Sealed)
    assert isinstance(first, Sealed)
    monkeypatch.setattr(
        Outbox, "seal", lambda *_, **__: StoreFault(StoreFaultCode.UNREADABLE, "not committed")
    )
    desk.desk.perform(seal())
    assert isinstance(desk.wait_for(SealFailed), SealFailed)
    monkeypatch.setattr(Outbox, "seal", whole)
    desk.desk.perform(seal())
    second = desk.wait_for(Sealed)
    assert isinstance(second, Sealed) and second.number != first.number
    assert second.number[10:14] == "0002"


@pytest.mark.fault(1)
def test_a_seal_that_failed_before_anything_was_written_never_gets_anothers_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is read anew, and what stands there last is the citizen's before."""
    desk.desk.perform(seal())
    assert isinstance(desk.wait_for(Sealed), Sealed)
    unreadable = StoreFault(StoreFaultCode.UNREADABLE, "SQLite result 266")
    monkeypatch.setattr(Outbox, "_place", lambda *_: unreadable)  # EIO at an attachment
    desk.desk.perform(replace(seal(), scope=Scope("s2", 1)))
    failed = desk.wait_for(SealFailed)
    assert isinstance(failed, SealFailed) and failed.scope == Scope("s2", 1)


def test_a_full_disk_closes_the_terminal_also_while_one_citizen_follows_the_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_desk, "TIDY_S", 0.2)
    monkeypatch.setattr(Disk, "look", lambda _: Room.FULL)
    ended = threading.Event()

    def press_on() -> None:
        while not ended.wait(0.01):
            desk.desk.perform(LookForDraft(SCOPE, NUMBER))

    crowd = threading.Thread(target=press_on)
    crowd.start()
    try:
        assert desk.wait_for(StorageChanged) == StorageChanged(False, "disk_full")
    finally:
        ended.set()
        crowd.join()


def test_without_keys_nothing_is_accepted_and_the_reason_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.desk.start(StoreFault(StoreFaultCode.BAD_MODE, "database.key has mode 0644"))
    assert desk.wait_for(StorageChanged) == StorageChanged(False, "bad_mode")
    desk.desk.perform(seal())
    failed = desk.wait_for(SealFailed)
    assert isinstance(failed, SealFailed)
    assert failed.detail == "bad_mode" and not failed.disk_full
    desk.desk.stop()


def test_a_terminal_that_was_never_enrolled_is_closed_until_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_desk, "REOPEN_S", 0.05)
    desk = Desk(tmp_path)
    StorePlaces(desk.settings.paths.data).hub_keys.unlink()
    desk.desk.start(desk.keys)
    assert desk.wait_for(StorageChanged) == StorageChanged(False, "no_seal_key")
    desk.desk.perform(seal())
    failed = desk.wait_for(SealFailed)
    assert isinstance(failed, SealFailed) and failed.detail == "no_seal_key"
    desk.enrol()
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "")
    desk.desk.perform(seal())
    assert isinstance(desk.wait_for(Sealed), Sealed)
    desk.desk.stop()


def test_a_key_whose_mode_a_technician_mends_opens_the_terminal_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_desk, "REOPEN_S", 0.05)
    desk = Desk(tmp_path)
    folder = StorePlaces(desk.settings.paths.data).keys
    key = folder / "database.key"
    key.chmod(0o644)
    desk.desk.start(open_keys(folder), lambda: open_keys(folder))
    assert desk.wait_for(StorageChanged) == StorageChanged(False, "bad_mode")
    assert desk.desk.keys is None
    key.chmod(0o600)
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "")
    assert desk.desk.keys is not None
    desk.desk.perform(seal())
    assert isinstance(desk.wait_for(Sealed), Sealed)
    desk.desk.stop()


@pytest.mark.fault(8, 9)
def test_a_database_that_breaks_while_running_is_put_away_and_the_next_citizen_is_served(
    desk: Desk,
) -> None:
    places = StorePlaces(desk.settings.paths.data)
    desk.desk.perform(seal())
    desk.wait_for(Sealed)
    desk.desk.stop()
    raw = bytearray(places.database.read_bytes())
    raw[4096:] = b"\x00" * (len(raw) - 4096)
    places.database.write_bytes(raw)
    desk.desk = desk.make()
    desk.desk.start(desk.keys)
    assert desk.wait_for(StorageChanged, lambda e: e == StorageChanged(True, ""))
    desk.desk.perform(seal())
    again = desk.wait_for(Sealed)
    assert isinstance(again, Sealed)
    assert "store_fault" in desk.told
    aside = list(desk.settings.paths.data.glob("store.aside-*"))
    assert len(aside) == 1  # put away, never deleted


@pytest.mark.fault(9, 29)
def test_a_store_that_sync_found_to_be_no_good_is_let_go_of_though_no_citizen_comes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At night, or all weekend: what waits in it is sent out of the new one."""
    desk.desk.perform(seal())
    desk.wait_for(Sealed)
    desk.desk.stop()
    monkeypatch.setattr(store_desk, "TIDY_S", 0.05)
    desk.desk = desk.make()
    desk.desk.start(desk.keys)
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "")
    desk.told.clear()
    assert condemn(StorePlaces(desk.settings.paths.data).store) is None
    assert desk.wait_for(StorageChanged) == StorageChanged(False, "damaged")
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "")
    desk.told_soon("store_salvaged")
    desk.told_soon("waits")


@pytest.mark.fault(9)
def test_after_an_unclean_stop_every_page_is_read_and_what_is_whole_is_salvaged(
    desk: Desk,
) -> None:
    """The citizen's side goes on meanwhile; nothing asks for the damaged page itself."""
    places = StorePlaces(desk.settings.paths.data)
    for _ in range(30):
        desk.desk.perform(seal())
        desk.wait_for(Sealed)
    desk.desk.stop()
    raw = bytearray(places.database.read_bytes())
    raw[-700] ^= 1  # the last page: somebody's bytes, which only sync would ever read
    places.database.write_bytes(raw)
    places.in_use.write_bytes(b"")  # as a power cut leaves it
    desk.desk = desk.make()
    desk.desk.start(desk.keys)
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "")
    assert desk.wait_for(StorageChanged) == StorageChanged(False, "damaged")
    assert desk.wait_for(StorageChanged) == StorageChanged(True, "")
    desk.desk.perform(seal())
    assert isinstance(desk.wait_for(Sealed), Sealed)
    desk.told_soon("store_salvaged")
    assert len(list(places.data.glob("store.aside-*/salvaged.json"))) == 1


def test_at_night_every_page_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_desk, "TIDY_S", 0.05)
    monkeypatch.setattr(store_desk, "local", lambda _: datetime(2026, 11, 22, 3, 10))
    desk.desk.perform(EraseDraft())
    desk.told_soon("store_looked_over")


def test_a_rating_follows_its_application(desk: Desk) -> None:
    desk.desk.perform(seal())
    sealed = desk.wait_for(Sealed)
    assert isinstance(sealed, Sealed)
    before = desk.told.count("waits")
    desk.desk.perform(AddRating(sealed.number, 5, (), "keypad", sealed.accepted_at))
    desk.desk.perform(CheckReceipt(SCOPE, sealed.number, sealed.qr_text))
    desk.asked.get(timeout=WAIT_S)
    assert desk.told.count("waits") == before + 1


def test_a_bug_while_sealing_is_answered_and_the_next_citizen_is_served(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Outbox.seal

    def broken(*_: object, **__: object) -> None:
        raise KeyError(NUMBER)

    monkeypatch.setattr(Outbox, "seal", broken)
    desk.desk.perform(seal())
    failed = desk.wait_for(SealFailed)
    assert isinstance(failed, SealFailed) and NUMBER not in failed.detail
    monkeypatch.setattr(Outbox, "seal", whole)
    desk.desk.perform(seal())
    assert isinstance(desk.wait_for(Sealed), Sealed)
    assert "unexpected" in desk.told


def test_a_bug_in_any_look_up_is_answered_and_the_thread_lives(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError(NUMBER)

    monkeypatch.setattr(Journal, "find", broken)
    monkeypatch.setattr(Outbox, "earlier", broken)
    monkeypatch.setattr(Outbox, "state_of", broken)
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    assert desk.wait_for(DraftKnown) == DraftKnown(SCOPE, None, None, None)
    desk.desk.perform(LookForEarlier(SCOPE, "old_age_allowance", 30, NUMBER))
    assert desk.wait_for(EarlierKnown) == EarlierKnown(SCOPE, None)
    desk.desk.perform(CheckReceipt(SCOPE, "QS01261122003796", "ZW1.QS01261122003796.AAAA"))
    assert desk.asked.get(timeout=WAIT_S) == ReceiptHere(None, signature_agrees=False)


def test_a_seal_that_nobody_waits_for_any_longer_is_not_begun(desk: Desk) -> None:
    desk.desk.give_up(SCOPE)
    desk.desk.perform(seal())
    desk.desk.perform(LookForEarlier(SCOPE, "old_age_allowance", 30, NUMBER))
    desk.asked.get(timeout=WAIT_S)  # nothing is known here, so the hub is asked
    assert "application_sealed" not in desk.told
    desk.desk.perform(seal())  # the next one is as every other
    assert isinstance(desk.wait_for(Sealed), Sealed)
    assert "sealed_unseen" not in desk.told


def test_what_was_committed_after_its_citizen_left_is_told_to_the_staff(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Outbox.seal

    def slowly(outbox: Outbox, *args: Any, **kwargs: Any) -> Any:
        desk.desk.give_up(SCOPE)  # they leave while the disk is writing
        return whole(outbox, *args, **kwargs)

    monkeypatch.setattr(Outbox, "seal", slowly)
    desk.desk.perform(seal())
    assert isinstance(desk.wait_for(Sealed), Sealed)
    assert desk.told.count("sealed_unseen") == 1


def test_what_the_disk_refused_when_somebody_left_is_erased_before_the_next_draft(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Journal.erase
    desk.desk.perform(SaveDraft("s1", NUMBER, "{}"))
    monkeypatch.setattr(
        Journal, "erase", lambda *_: StoreFault(StoreFaultCode.BUSY, "held by another process")
    )
    desk.desk.perform(EraseDraft(NUMBER))
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))  # the erasing was tried when this is answered
    desk.wait_for(DraftKnown)
    monkeypatch.setattr(Journal, "erase", whole)
    desk.desk.perform(SaveDraft("s2", "440308199901101512", "{}"))
    desk.crash()
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    gone = desk.wait_for(DraftKnown)
    assert isinstance(gone, DraftKnown) and gone.payload is None
    desk.desk.perform(LookForDraft(SCOPE, "440308199901101512"))
    kept = desk.wait_for(DraftKnown)
    assert isinstance(kept, DraftKnown) and kept.payload == "{}"


def test_what_is_still_owed_is_done_when_the_terminal_is_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Journal.erase
    desk.desk.perform(SaveDraft("s1", NUMBER, "{}"))
    busy = StoreFault(StoreFaultCode.BUSY, "held by another process")
    monkeypatch.setattr(Journal, "erase", lambda *_: busy)
    desk.desk.perform(EraseDraft(NUMBER))
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))  # the erasing was tried when this is answered
    desk.wait_for(DraftKnown)
    monkeypatch.setattr(Journal, "erase", whole)
    desk.crash()
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    gone = desk.wait_for(DraftKnown)
    assert isinstance(gone, DraftKnown) and gone.payload is None


def test_a_rating_given_while_the_disk_is_full_counts_when_there_is_room_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.desk.perform(seal())
    sealed = desk.wait_for(Sealed)
    assert isinstance(sealed, Sealed)
    whole = Outbox.add
    monkeypatch.setattr(Outbox, "add", lambda *_: StoreFault(StoreFaultCode.DISK_FULL, "full"))
    desk.desk.perform(AddRating(sealed.number, 5, (), "keypad", sealed.accepted_at))
    assert desk.wait_for(StorageChanged) == StorageChanged(False, "disk_full")
    before = desk.told.count("waits")
    monkeypatch.setattr(Outbox, "add", whole)
    desk.desk.perform(EraseDraft())
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    desk.wait_for(DraftKnown)
    assert desk.told.count("waits") == before + 1


@pytest.mark.parametrize("what", ["a draft to erase", "a rating", "a print result"])
def test_what_a_bug_kept_from_being_done_is_done_at_the_next_turn(
    what: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.desk.perform(SaveDraft("s1", NUMBER, "{}"))
    desk.desk.perform(seal())
    sealed = desk.wait_for(Sealed)
    assert isinstance(sealed, Sealed)
    effect: AddPrintResult | AddRating | EraseDraft
    match what:
        case "a draft to erase":
            effect, room, name = EraseDraft(NUMBER), Journal, "erase"
        case "a rating":
            effect = AddRating(sealed.number, 5, (), "keypad", sealed.accepted_at)
            room, name = Outbox, "add"
        case _:
            effect = AddPrintResult(sealed.number, "printed", sealed.accepted_at)
            room, name = Outbox, "add"
    whole, done = getattr(room, name), 0

    def once_broken(*_: Any) -> Any:
        monkeypatch.setattr(room, name, counted)
        raise KeyError(NUMBER)

    def counted(*args: Any) -> Any:
        nonlocal done
        done += 1
        return whole(*args)

    monkeypatch.setattr(room, name, once_broken)
    desk.desk.perform(effect)
    desk.desk.perform(LookForDraft(SCOPE, NUMBER))
    desk.wait_for(DraftKnown)
    assert "unexpected" in desk.told
    assert done == 1
