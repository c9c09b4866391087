"""The window's side of the store: one thread that owns it, asked by effects, answering by events.

The window never waits for the disk. Effects are carried out in the order in which they came, so
that a draft saved before a leave is erased by that leave.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, ParamSpec, Protocol, assert_never

from drivers.device import Clock, Log, Post
from kiosk.clock import LOCAL_ZONE, days_back, local
from kiosk.entry.bugs import tell_bug
from kiosk.flow.effects import (
    AddPrintResult,
    AddRating,
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
    Found,
    Scope,
    Sealed,
    SealFailed,
    StorageChanged,
)
from kiosk.flow.pages import ProgressKind
from kiosk.receipts import number as receipt_number
from kiosk.settings import Settings
from offline_cache.disk import Disk, Room
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.keys import Keys
from offline_cache.outbox import Added, Application, Attachment, ItemKind, ItemState
from offline_cache.outbox import Sealed as Committed
from offline_cache.ports import utc_text
from offline_cache.store import SET_ASIDE_FOR, Store, look_over, open_store, salvage_all

StoreEffect = (
    SaveDraft
    | EraseDraft
    | LookForDraft
    | LookForEarlier
    | Seal
    | HandIn
    | AddRating
    | AddPrintResult
    | CheckReceipt
)

P = ParamSpec("P")

REOPEN_S: Final = 5.0  # a full, absent or just released store is looked at again this often
TIDY_S: Final = 60.0  # drafts that are no longer offered are erased within a minute
STOP_S: Final = 5.0
LOOK_OVER_HOUR: Final = 3  # of the local night: every page is read once a day, when nobody comes
OWED_MAX: Final = (
    1000  # what a day's citizens leave; a disk that is full for longer is told to staff
)


@dataclass(frozen=True, slots=True)
class ReceiptHere:
    """What this terminal itself knows of a scanned receipt."""

    application: Application | None
    signature_agrees: bool  # meaningful only when the application is known here


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the desk tells besides events. Called on the store's thread; must only post or send."""

    sealing: Callable[[bool], None]  # a citizen seals: sync yields
    waits: Callable[[], None]  # something new is to be sent
    # Nothing known here, or the centre has it. With it: the papers that wait here, by their number.
    ask_hub_earlier: Callable[[LookForEarlier, Mapping[str, tuple[str, ...]]], None]
    receipt_here: Callable[[CheckReceipt, ReceiptHere], None]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An application, or papers for one, is on the disk. `body_bytes` 0: not known any more."""

    number: str
    accepted_at: datetime
    body_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """The store was taken care of on a thread of its own. `everything`: every page was read."""

    everything: bool
    found: StoreFault | None


class WallClock(Clock, Protocol):
    """A clock that knows when the machine's own is not to be trusted."""

    @property
    def suspect(self) -> bool: ...


class StoreDesk:
    """Opens the store on its own thread, keeps it open, and says whether it can be used.

    Only `stop` ends the thread: whatever goes wrong with one effect, the next citizen's is served.
    """

    def __init__(
        self, settings: Settings, *, post: Post, clock: WallClock, log: Log, callbacks: Callbacks
    ) -> None:
        self._settings = settings
        self._post = post
        self._clock = clock
        self._log = log
        self._callbacks = callbacks
        self._queue: queue.SimpleQueue[StoreEffect | Looked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._disk = Disk(settings.paths.data)
        self._room: Room | None = None
        self._keys: Keys | None = None
        self._open_keys: Callable[[], Keys | StoreFault] | None = None
        self._store: Store | None = None
        self._usable: tuple[bool, str] | None = None
        self._care: threading.Thread | None = None
        self._looked_on: date | None = None
        self._given_up: set[Scope] = set()  # seals that nobody waits for; of one hung disk, a few
        self._owed: deque[EraseDraft | AddRating | AddPrintResult] = deque(maxlen=OWED_MAX)

    def start(
        self,
        keys: Keys | StoreFault,
        open_again: Callable[[], Keys | StoreFault] | None = None,
    ) -> None:
        """Begin with the keys, or with why there are none: then every seal answers a failure.

        They are looked for again by `open_again`: a technician who mends the disk or the mode of a
        file need not think of starting anything.
        """
        self._open_keys = open_again
        if isinstance(keys, StoreFault):
            self._tell_fault(keys)
        else:
            self._keys = keys
        self._thread.start()

    @property
    def keys(self) -> Keys | None:
        """The open keys, as soon as there are any. Safe from any thread."""
        return self._keys

    def perform(self, effect: StoreEffect) -> None:
        """Queue one effect. Never waits."""
        self._queue.put(effect)

    def give_up(self, scope: Scope) -> None:
        """Nobody waits for this seal any longer. Past the queue, which may be what it waits in."""
        self._given_up.add(scope)

    def stop(self) -> None:
        """Carry out what is queued, close the store, end the thread."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    # -- the store's thread -------------------------------------------------------

    def _run(self) -> None:
        self._guarded(self._open)
        tidied_s = self._clock.monotonic()
        while True:
            usable = self._usable is not None and self._usable[0]
            pause_s = TIDY_S if usable and not self._owed else REOPEN_S
            left_s = tidied_s + pause_s - self._clock.monotonic()
            if left_s <= 0:  # also where one citizen follows the other all day
                self._guarded(self._tidy)
                tidied_s = self._clock.monotonic()
                continue
            try:
                effect = self._queue.get(timeout=left_s)
            except queue.Empty:
                continue
            if effect is None:
                break
            self._perform(effect)
        self._guarded(self._do_owed)
        if self._store is not None:
            self._store.close()

    def _perform(self, effect: StoreEffect | Looked) -> None:
        if isinstance(effect, Looked):
            self._guarded(self._after_look, effect)
            return
        if self._store is None:
            self._guarded(self._open)
        self._guarded(self._do_owed)  # before the next citizen's draft is written
        if not self._guarded(self._carry_out, effect):
            self._answer_not_done(effect)

    def _guarded(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether it ended as it should. A bug is told and must not end the thread."""
        try:
            work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the citizens to come need this thread
            tell_bug(self._log, "store", error)
            return False
        return True

    def _answer_not_done(self, effect: StoreEffect) -> None:
        """Whoever waits is told, as if nothing were known. Nobody waits without an end."""
        match effect:
            case LookForDraft():
                self._post(DraftKnown(effect.scope, None, None, None))
            case LookForEarlier():
                self._post(EarlierKnown(effect.scope, None))
            case CheckReceipt():
                self._callbacks.receipt_here(effect, ReceiptHere(None, signature_agrees=False))
            case EraseDraft() | AddRating() | AddPrintResult():
                self._owed.append(effect)
            case Seal() | HandIn() | SaveDraft():
                pass  # a seal is answered where it is known whether anything was committed
            case _:
                assert_never(effect)

    def _open(self) -> None:
        keys = self._keys
        if keys is None:
            again = self._open_keys() if self._open_keys is not None else None
            if not isinstance(again, Keys):
                if again is not None:
                    self._tell_fault(again)
                return
            keys = self._keys = again
        opened = open_store(
            self._settings.paths.data,
            keys,
            self._clock,
            draft_kept=timedelta(minutes=self._settings.rules.draft_minutes),
            zone=LOCAL_ZONE,
        )
        if isinstance(opened, StoreFault):
            self._tell_fault(opened)
            return
        self._store = opened
        if opened.set_aside is not None:
            self._log(
                "store_fault",
                fault=opened.set_aside.reason.code.value,
                detail="set aside; a new database began",
            )
        waiting = opened.outbox.waiting()
        self._log(
            "store_opened",
            epoch=opened.database.epoch,
            waiting=-1 if isinstance(waiting, StoreFault) else waiting.count,
        )
        self._look_for_room()
        # Left over from an earlier start, or set aside just now; after an unclean stop all is read.
        self._take_care(look=opened.unclean)

    def _tidy(self) -> None:
        if self._store is None:
            self._open()
            self._do_owed()
            return
        self._look_for_room()
        here = local(self._clock.utc())
        if here.hour == LOOK_OVER_HOUR and self._looked_on != here.date():
            self._take_care(look=True)
        self._do_owed()
        erased = self._store.journal.erase_expired()
        if isinstance(erased, StoreFault):
            if erased.code in SET_ASIDE_FOR:  # sync found it out; nothing is sent until we let go
                self._after_fault(erased)
        elif erased:
            self._log("draft_erased", reason="expired")

    def _look_for_room(self) -> None:
        """Close what needs the store before a citizen begins, not when they submit."""
        not_ready = self._store.outbox.ready() if self._store is not None else None
        if not_ready is not None:
            self._tell_fault(not_ready)  # not enrolled yet, or the hub's keys are not its own
            return
        room = self._disk.look()
        if isinstance(room, StoreFault):
            self._tell_fault(room)
            return
        if room is not self._room:
            self._room = room
            if room is not Room.PLENTY:
                self._log("disk_room", room=room.value)
        match room:
            case Room.PLENTY | Room.WARN:
                self._tell(True, "")
            case Room.TIGHT:
                self._tell(True, "disk_tight", tight=True)
            case Room.FULL:
                self._tell(False, StoreFaultCode.DISK_FULL.value)
            case _:
                assert_never(room)

    def _take_care(self, *, look: bool) -> None:
        """Salvage what was set aside and, with `look`, read every page; nobody waits for it."""
        if self._keys is None or (self._care is not None and self._care.is_alive()):
            return
        if look:
            self._looked_on = local(self._clock.utc()).date()
        self._care = threading.Thread(
            target=self._guarded,
            args=(self._care_for, self._keys, look),
            name="store-care",
            daemon=True,
        )
        self._care.start()

    def _care_for(self, keys: Keys, look: bool) -> None:
        """On its own thread, with a connection of its own."""
        data = self._settings.paths.data
        salvaged_any = False
        for folder, salvaged in salvage_all(data, keys, self._clock):
            if isinstance(salvaged, StoreFault):
                self._log("store_fault", fault=salvaged.code.value, detail=salvaged.detail)
                continue
            self._log(
                "store_salvaged",
                folder=folder.name,
                items=salvaged.items,
                waiting=salvaged.waiting,
                lost=salvaged.lost,
                attachments_lost=salvaged.attachments_lost,
            )
            salvaged_any = True
        found = look_over(data, keys, self._clock) if look else None
        if look or salvaged_any:
            self._queue.put(Looked(look, found))

    def _after_look(self, looked: Looked) -> None:
        self._callbacks.waits()  # what was salvaged is to be sent, what was condemned let go of
        if looked.found is not None:
            self._after_fault(looked.found)
        elif looked.everything:
            self._log("store_looked_over")

    def _after_fault(self, fault: StoreFault) -> None:
        """What a fault of a running store means for the next citizen.

        A damaged one is let go of; opening it again sets it aside and begins anew.
        """
        if fault.code in SET_ASIDE_FOR and self._store is not None:
            self._store.close()
            self._store = None
            self._tell_fault(fault)
            self._open()
        elif fault.code is StoreFaultCode.DISK_FULL:
            self._tell_fault(fault)

    def _tell(self, usable: bool, reason: str, *, tight: bool = False) -> None:
        if self._usable != (usable, reason):
            self._usable = (usable, reason)
            self._post(StorageChanged(usable, reason, tight=tight))

    def _tell_fault(self, fault: StoreFault) -> None:
        """Once: a disk that stays full for a night must not fill the log too."""
        if self._usable != (False, fault.code.value):
            self._log("store_fault", fault=fault.code.value, detail=fault.detail)
        self._tell(False, fault.code.value)

    def _carry_out(self, effect: StoreEffect) -> None:
        match effect:
            case Seal() | HandIn():
                self._seal(effect)
            case SaveDraft():
                self._save_draft(effect)
            case EraseDraft() | AddRating() | AddPrintResult():
                self._do_or_owe(effect)
            case LookForDraft():
                self._look_for_draft(effect)
            case LookForEarlier():
                self._look_for_earlier(effect)
            case CheckReceipt():
                self._check_receipt(effect)
            case _:
                assert_never(effect)

    def _seal(self, effect: Seal | HandIn) -> None:
        if effect.scope in self._given_up:  # nobody was told that it is accepted
            self._given_up.discard(effect.scope)
            self._log("seal_failed", item=effect.item, fault="given_up")
            return
        store, keys = self._store, self._keys
        if store is None or keys is None:
            reason = self._usable[1] if self._usable else "not open"
            self._post(SealFailed(effect.scope, reason == StoreFaultCode.DISK_FULL.value, reason))
            return
        self._callbacks.sealing(True)
        sealed: _Kept | StoreFault
        try:
            sealed = self._commit(store, effect)
            if isinstance(sealed, StoreFault) and sealed.code is StoreFaultCode.DISK_FULL:
                # Who is at work finishes; nobody new begins until there is room again.
                if self._disk.release():
                    self._log("disk_reserve_used")
                    sealed = self._commit(store, effect)
                    self._look_for_room()
            elif isinstance(sealed, StoreFault) and sealed.code is StoreFaultCode.UNREADABLE:
                sealed = self._look_whether_committed(store, effect, sealed)
        except Exception as error:  # noqa: BLE001 - rolled back: the citizen may press again
            tell_bug(self._log, "store", error)
            sealed = StoreFault(StoreFaultCode.UNREADABLE, "unexpected")
        finally:
            self._callbacks.sealing(False)
        if isinstance(sealed, StoreFault):
            self._log("seal_failed", item=effect.item, fault=sealed.code.value)
            self._post(
                SealFailed(effect.scope, sealed.code is StoreFaultCode.DISK_FULL, sealed.code.value)
            )
            self._after_fault(sealed)
            return
        self._tell_kept(effect, sealed)
        if effect.scope in self._given_up:  # they left without number and receipt
            self._given_up.discard(effect.scope)
            self._log("sealed_unseen", number=sealed.number, item=effect.item)
        ours = isinstance(effect, Seal) or sealed.number.startswith(self._settings.terminal.code)
        qr_text = self._qr_text(sealed.number) if ours else ""  # another terminal's key signs it
        self._post(Sealed(effect.scope, sealed.number, qr_text, sealed.accepted_at))
        self._callbacks.waits()
        if self._store is not None:  # which may be another by now
            self._store.outbox.put_away()  # the citizen has their number; what is left takes time

    def _tell_kept(self, effect: Seal | HandIn, kept: _Kept) -> None:
        count = len(effect.attachments)
        match effect:
            case Seal():
                self._log(
                    "application_sealed",
                    number=kept.number,
                    item=effect.item,
                    attachments=count,
                    bytes=kept.body_bytes,
                )
            case HandIn():
                self._log(
                    "papers_handed_in", number=kept.number, item=effect.item, attachments=count
                )
            case _:
                assert_never(effect)

    def _qr_text(self, number: str) -> str:
        """The code of a receipt with this number; "" without the key."""
        if self._keys is None:
            return ""
        signature = self._keys.sign(receipt_number.signed_part(number))
        return receipt_number.qr_text(number, signature)

    def _commit(self, store: Store, effect: Seal | HandIn) -> _Kept | StoreFault:
        attachments = [
            Attachment(each.code, each.media_type, each.content) for each in effect.attachments
        ]
        # The times in it are the hub's as far as we know; who reads them is told of a doubt.
        doubt = {"clock_suspect": True} if self._clock.suspect else {}
        match effect:
            case Seal():
                sealed = store.outbox.seal(
                    session=effect.scope.session,
                    item=effect.item,
                    id_number=effect.id_number,
                    name_masked=effect.name_masked,
                    application={**effect.application, **doubt},
                    attachments=attachments,
                    make_number=lambda serial, at: receipt_number.make(
                        self._settings.terminal.code, serial, at
                    ),
                    receipt=effect.receipt,
                    lacks=effect.lacks,
                )
                if isinstance(sealed, StoreFault):
                    return sealed
                return _Kept(sealed.number, sealed.accepted_at, sealed.body_bytes)
            case HandIn():
                at = self._clock.utc()
                added = store.outbox.hand_in(
                    effect.number,
                    {**effect.papers, **doubt},
                    attachments,
                    codes=effect.codes,
                    session=effect.scope.session,
                )
                return added if isinstance(added, StoreFault) else _Kept(effect.number, at)
            case _:
                assert_never(effect)

    def _opened_anew(self) -> Store | None:
        self._store = None
        self._open()
        return self._store

    def _look_whether_committed(
        self, store: Store, effect: Seal | HandIn, fault: StoreFault
    ) -> _Kept | StoreFault:
        """The disk failed in the middle of a commit: only reading it anew tells what came of it.

        Without this a citizen would be told to press again for what is there already.
        """
        begun = store.outbox.begun
        store.close()
        anew = self._opened_anew()
        if begun is None or anew is None:
            return fault
        match effect:
            case Seal():
                found = anew.outbox.application_of(begun)
                if isinstance(found, Committed):
                    return _Kept(found.number, found.accepted_at, found.body_bytes)
            case HandIn():
                if isinstance(anew.outbox.handed_in_of(begun), Added):
                    return _Kept(effect.number, self._clock.utc())
            case _:
                assert_never(effect)
        return fault

    def _do_or_owe(self, effect: EraseDraft | AddRating | AddPrintResult) -> None:
        """Who leaves is forgotten and a rating counts: what the disk refuses is tried again."""
        fault = self._do(effect)
        if fault is not None:
            self._log("store_fault", fault=fault.code.value, detail=f"{type(effect).__name__} owed")
            self._owed.append(effect)
            self._after_fault(fault)

    def _do_owed(self) -> None:
        for _ in range(len(self._owed)):
            self._owed.rotate(-1)  # stays owed whatever happens, and holds up none behind it
            if self._do(self._owed[-1]) is None:
                self._owed.pop()

    def _do(self, effect: EraseDraft | AddRating | AddPrintResult) -> StoreFault | None:
        store = self._store
        if store is None:
            return StoreFault(StoreFaultCode.NOT_FOUND, "not open")
        done = self._do_once(store, effect)
        if done is not None and done.code is StoreFaultCode.DISK_FULL and self._disk.release():
            self._log("disk_reserve_used")
            done = self._do_once(store, effect)
        return done

    def _do_once(
        self, store: Store, effect: EraseDraft | AddRating | AddPrintResult
    ) -> StoreFault | None:
        match effect:
            case EraseDraft():
                erased = store.journal.erase(effect.card_number)
                return erased if isinstance(erased, StoreFault) else None
            case AddRating():
                added = store.outbox.add(
                    ItemKind.RATING,
                    effect.number,
                    {
                        "number": effect.number,
                        "level": effect.level,
                        "reasons": list(effect.reasons),
                        "channel": effect.channel,
                        "rated_at": utc_text(effect.rated_at),
                    },
                )
            case AddPrintResult():
                added = store.outbox.add(
                    ItemKind.PRINT_RESULT,
                    effect.number,
                    {
                        "number": effect.number,
                        "result": effect.result,
                        "at": utc_text(effect.at),
                        **({"of": ItemKind.LATER_PAPERS.value} if effect.papers else {}),
                    },
                )
            case _:
                assert_never(effect)
        if isinstance(added, StoreFault):
            return added
        self._callbacks.waits()
        return None

    def _save_draft(self, effect: SaveDraft) -> None:
        if self._store is None:
            return
        fault = self._store.journal.save(effect.session, effect.card_number, effect.payload)
        if fault is not None:
            self._log("store_fault", fault=fault.code.value, detail="draft not kept")
            self._after_fault(fault)
            return
        self._store.outbox.prepare()

    def _look_for_draft(self, effect: LookForDraft) -> None:
        draft = self._store.journal.find(effect.card_number) if self._store is not None else None
        if draft is None or isinstance(draft, StoreFault):
            self._post(DraftKnown(effect.scope, None, None, None))
        else:
            self._post(DraftKnown(effect.scope, draft.saved_at, draft.expires_at, draft.payload))

    def _look_for_earlier(self, effect: LookForEarlier) -> None:
        since = days_back(self._clock.utc(), effect.within_days)
        found = (
            self._store.outbox.earlier(effect.item, effect.id_number, since)
            if self._store is not None
            else None
        )
        if not isinstance(found, Application):
            self._ask_hub_earlier(effect)
            return
        # What the centre has, it may want more of; what waits here it does not know. What it could
        # not take lies in the tray: staff may have brought it in by hand since.
        state = state_here(found.state)
        centre = state is not ProgressKind.WAITING_HERE
        here = Found(
            number=found.number,
            accepted_at=found.accepted_at,
            state=state,
            lacks=found.lacks,
            following=found.following,
            receipt=found.receipt,
            qr_text=self._qr_text(found.number),
            printed=found.printed,
        )
        self._post(EarlierKnown(effect.scope, here, centre_asked=centre))
        if centre:
            self._ask_hub_earlier(effect)

    def _ask_hub_earlier(self, effect: LookForEarlier) -> None:
        """With what waits here for it, should it be another terminal's."""
        following = self._store.outbox.following() if self._store is not None else {}
        self._callbacks.ask_hub_earlier(
            effect, {} if isinstance(following, StoreFault) else following
        )

    def _check_receipt(self, effect: CheckReceipt) -> None:
        known = self._store.outbox.state_of(effect.number) if self._store is not None else None
        application = known if isinstance(known, Application) else None
        agrees = self._qr_text(effect.number) == effect.qr_text != ""
        self._callbacks.receipt_here(effect, ReceiptHere(application, agrees))


def state_here(state: ItemState) -> ProgressKind:
    """What a citizen is told of an application in this state, as far as this terminal knows."""
    match state:
        case ItemState.SEALED | ItemState.SENDING:
            return ProgressKind.WAITING_HERE
        case ItemState.REFUSED | ItemState.HANDLED:
            return ProgressKind.AT_STAFF
        case ItemState.ACCEPTED | ItemState.PURGED:
            return ProgressKind.RECEIVED
        case _:
            assert_never(state)
