"""The whole store of one terminal, opened in one go; what cannot be used is set aside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path

from offline_cache.blobs import Blobs
from offline_cache.database import Database, condemn, open_database, set_aside
from offline_cache.envelope import Envelopes, suites_at_hand
from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import write_whole
from offline_cache.hub_keys import HubKeysFile
from offline_cache.journal import Journal
from offline_cache.keys import Keys
from offline_cache.outbox import Outbox, Serials, check_chain, count_waiting
from offline_cache.ports import Clock
from offline_cache.salvage import Salvaged, folders_to_salvage, salvage
from offline_cache.sealer import Sealer

# A database with one of these faults can never be used with this key: it makes room.
SET_ASIDE_FOR = frozenset(
    {StoreFaultCode.DAMAGED, StoreFaultCode.NOT_ENCRYPTED, StoreFaultCode.WRONG_KEY}
)


@dataclass(frozen=True, slots=True)
class StorePlaces:
    """Where everything lies under the terminal's data folder."""

    data: Path

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def store(self) -> Path:
        """The unit that is set aside as a whole."""
        return self.data / "store"

    @property
    def database(self) -> Path:
        return self.store / "store.db"

    @property
    def attachments(self) -> Path:
        return self.store / "attachments"

    @property
    def in_use(self) -> Path:
        """There while the owner has the store open: found at the start, the last stop was unclean."""
        return self.store / "in-use"

    @property
    def serials(self) -> Path:
        """Outside the unit: it tells a new database which numbers may be out."""
        return self.data / "serials.json"

    @property
    def hub_keys(self) -> Path:
        """The hub's public keys. Outside the unit: a new database seals to the same hub."""
        return self.data / "hub-keys.json"

    @property
    def enrolment(self) -> Path:
        return self.data / "enrolment.json"

    @property
    def hub_time(self) -> Path:
        """When the hub was last heard: what this machine's clock is worth."""
        return self.data / "hub-time.json"


@dataclass(frozen=True, slots=True)
class SetAside:
    """An unusable database was put away, and a new one began."""

    reason: StoreFault
    folder: Path


@dataclass(frozen=True, slots=True)
class Store:
    """The citizen's side: journal and outbox over one database."""

    database: Database
    blobs: Blobs
    journal: Journal
    outbox: Outbox
    set_aside: SetAside | None
    unclean: bool  # it was not closed the last time: have it looked over
    in_use: Path

    def check(self) -> StoreFault | None:
        """Every page, and the chain over every item. Reads the whole file: not for the citizen."""
        return self.database.check() or check_chain(self.database)

    def close(self) -> None:
        self.database.close()
        with contextlib.suppress(OSError):  # then it is only looked over once more
            self.in_use.unlink(missing_ok=True)


def open_store(
    data: Path,
    keys: Keys,
    clock: Clock,
    *,
    draft_kept: timedelta,
    zone: tzinfo,
    open_file: Callable[[Path, bytes, Clock], Database | StoreFault] = open_database,
) -> Store | StoreFault:
    """Open the store for the process that owns it (the window's).

    A damaged or foreign database is set aside, and the terminal opens with a new one. Faults of
    the library or the disk are answered as they are: nothing is set aside for them.
    """
    places = StorePlaces(data)
    database = _opened(places, keys, clock, open_file)
    put_away: SetAside | None = None
    if isinstance(database, StoreFault) and database.code in SET_ASIDE_FOR:
        folder = set_aside(places.store, database.code, clock)
        if isinstance(folder, Path):
            put_away = SetAside(database, folder)
            database = _opened(places, keys, clock, open_file)
        else:
            database = folder
    if isinstance(database, StoreFault):
        return database
    unclean = places.in_use.exists()
    try:
        write_whole(places.in_use, b"")
    except OSError as error:
        database.close()
        return fault_of_os_error(error, "database")
    blobs = Blobs(places.attachments)
    blobs.erase_leavings()
    journal = Journal(database, keys, clock, draft_kept)
    journal.erase_expired()
    sealer = Sealer(HubKeysFile(places.hub_keys, keys.database), Envelopes(suites_at_hand()))
    outbox = Outbox(
        database,
        keys,
        clock,
        blobs=blobs,
        serials=Serials(places.serials),
        sealer=sealer,
        zone=zone,
    )
    return Store(database, blobs, journal, outbox, put_away, unclean, places.in_use)


def look_over(data: Path, keys: Keys, clock: Clock) -> StoreFault | None:
    """Every page, the tree over them, and the chain over every item, with a connection of its own.

    Reads the whole file: a gigabyte takes many seconds. For a thread that nobody waits for. What is
    found damaged is condemned: every process lets go of it, and its owner sets it aside.
    """
    places = StorePlaces(data)
    database = open_database(places.database, keys.database, clock, create=False)
    if isinstance(database, StoreFault):
        return database
    found = database.check() or check_chain(database)
    database.close()
    if found is not None and found.code is StoreFaultCode.DAMAGED:
        condemn(places.store)
    return found


def salvage_all(
    data: Path, keys: Keys, clock: Clock
) -> Iterator[tuple[Path, Salvaged | StoreFault]]:
    """Bring what is whole in every folder set aside into the store in use, as it is open or not."""
    places = StorePlaces(data)
    folders = folders_to_salvage(places.store)
    if not folders:
        return
    database = open_database(places.database, keys.database, clock, create=False)
    for folder in folders:
        if isinstance(database, StoreFault):
            yield folder, database
        else:
            yield folder, salvage(folder, keys.database, database, Blobs(places.attachments))
    if not isinstance(database, StoreFault):
        database.close()


def _opened(
    places: StorePlaces,
    keys: Keys,
    clock: Clock,
    open_file: Callable[[Path, bytes, Clock], Database | StoreFault],
) -> Database | StoreFault:
    """The open database, once what every application needs of it could be read."""
    database = open_file(places.database, keys.database, clock)
    if isinstance(database, StoreFault):
        return database
    needed = count_waiting(database)
    if isinstance(needed, StoreFault):
        database.close()
        return needed
    return database
