"""The whole store of one terminal, opened in one go; what cannot be used is set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path

from offline_cache.blobs import Blobs
from offline_cache.database import Database, open_database, set_aside
from offline_cache.envelope import Envelopes, suites_at_hand
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.hub_keys import HubKeysFile
from offline_cache.journal import Journal
from offline_cache.keys import Keys
from offline_cache.outbox import Outbox, Serials, check_chain
from offline_cache.ports import Clock
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

    def check(self) -> StoreFault | None:
        """Every page, and the chain over every item. Reads the whole file: not for the citizen."""
        return self.database.check() or check_chain(self.database)

    def close(self) -> None:
        self.database.close()


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
    database = open_file(places.database, keys.database, clock)
    put_away: SetAside | None = None
    if isinstance(database, StoreFault) and database.code in SET_ASIDE_FOR:
        folder = set_aside(places.store, database.code, clock)
        if isinstance(folder, StoreFault):
            return folder
        put_away = SetAside(database, folder)
        database = open_file(places.database, keys.database, clock)
    if isinstance(database, StoreFault):
        return database
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
    return Store(database, blobs, journal, outbox, put_away)
