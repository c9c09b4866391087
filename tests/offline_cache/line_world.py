"""One terminal's line and its hub, with time in the hand."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cache_world import HandClock, middle, ok
from little_hub import TERMINAL, LittleHub, serving

from offline_cache.envelope import Aes256GcmP256, Envelopes, attachment_context, item_context
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.hub_keys import parse_seal_keys
from offline_cache.line.client import HubClient
from offline_cache.line.engine import Line, Pace, SyncEngine
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import DeviceKey, Identity, read_identity, write_identity
from offline_cache.line.wire import Item, LateVerdict
from offline_cache.outbox import Waiting
from offline_cache.ports import utc_text

MANY_STEPS = 3000
READ_TIMEOUT_S = (
    1.5  # a hub that answers does so within this on a busy machine; silent ones are few
)
KEY = DeviceKey(b"k" * 32)


class MemoryQueue:
    """An outbox without a disk: what the engine may ask, and what a test wants to see."""

    def __init__(self, hub: LittleHub, clock: HandClock) -> None:
        self.epoch = str(uuid.uuid4())
        self.items: dict[int, Item] = {}
        self.state: dict[int, str] = {}
        self.tray: list[tuple[int, str, str]] = []
        self.seen = 0
        self.stopped = ""
        self.unsynced = self.unsynced_most = 0  # marks in a row that the disk may still lose
        self.blobs: dict[str, bytes] = {}
        self._clock = clock
        self._envelopes = Envelopes([Aes256GcmP256()])
        (self._to,) = parse_seal_keys(hub.seal_keys)
        self._chain = bytes(32)

    def seal(self, number: str, pages: Collection[bytes] = (), kind: str = "application") -> Item:
        seq = len(self.items) + 1
        item_id = str(uuid.uuid4())
        named = []
        for page in pages:
            sealed = ok(
                self._envelopes.seal(self._to, attachment_context(TERMINAL), page, compress=False)
            )
            name = hashlib.sha256(sealed).hexdigest()
            self.blobs[name] = sealed
            named.append({"sha256": hashlib.sha256(page).hexdigest(), "sealed": name})
        content = json.dumps({"body": {"number": number}, "attachments": named}).encode()
        context = item_context(TERMINAL, self.epoch, seq, kind, item_id)
        sealed = ok(self._envelopes.seal(self._to, context, content, compress=True))
        digest = hashlib.sha256(sealed).digest()
        self._chain = hashlib.sha256(
            self._chain + seq.to_bytes(8) + uuid.UUID(item_id).bytes + digest
        ).digest()
        item = Item(
            row=seq,
            epoch=self.epoch,
            seq=seq,
            id=item_id,
            kind=kind,
            order_key=number,
            created_at=utc_text(self._clock.utc()),
            attachments=tuple(each["sealed"] for each in named),
            sha256=digest.hex(),
            chain=self._chain,
            sealed=sealed,
        )
        self.items[seq] = item
        self.state[seq] = "waiting"
        return item

    # -- what the engine asks ---------------------------------------------------------

    def next_batch(
        self, *, max_items: int, max_bytes: int, not_now: Collection[str], after_row: int = 0
    ) -> tuple[Item, ...] | StoreFault:
        due: list[Item] = []
        held: set[str] = set()
        size = 0
        for row, item in self.items.items():
            if self.state[row] != "waiting" or item.order_key in held:
                continue
            held.add(item.order_key)
            if item.id in not_now or row <= after_row:
                continue
            size += item.wire_bytes
            if due and size > max_bytes:
                break
            due.append(item)
            if len(due) == max_items:
                break
        return tuple(due)

    def last_row(self) -> int | StoreFault:
        return len(self.items)

    def last_seq(self, epoch: str) -> int | StoreFault:
        return len(self.items)

    def sending(self, rows: Collection[int]) -> StoreFault | None:
        assert all(self.state[row] == "waiting" for row in rows)
        return None

    def accepted(
        self,
        rows: Collection[int],
        unanswered: Collection[int] = (),
        *,
        more_follow: bool = False,
    ) -> StoreFault | None:
        self.unsynced = self.unsynced + 1 if more_follow else 0
        self.unsynced_most = max(self.unsynced_most, self.unsynced)
        assert all(self.state[row] == "waiting" for row in unanswered)
        self.state.update(dict.fromkeys(rows, "accepted"))
        return None

    def refused(self, row: int, code: str, reason: str) -> StoreFault | None:
        self.state[row] = "refused"
        self.tray.append((row, code, reason))
        return None

    def note_stopped(self, reason: str) -> StoreFault | None:
        self.stopped = reason
        return None

    def verdicts_seen(self) -> int | StoreFault:
        return self.seen

    def keep_verdicts(
        self, verdicts: Sequence[LateVerdict]
    ) -> tuple[tuple[str, LateVerdict], ...] | StoreFault:
        moved = [it for it in verdicts if self.state.get(it.seq) in ("waiting", "accepted")]
        for each in moved:
            self.refused(each.seq, each.code, each.text)
        self.seen = max([self.seen, *(it.no for it in verdicts)])
        return tuple((self.items[it.seq].kind, it) for it in moved)

    def resend(self, epoch: str, first: int, last: int) -> int | StoreFault:
        again = [row for row in range(first, last + 1) if self.state.get(row) == "accepted"]
        self.state.update(dict.fromkeys(again, "waiting"))
        return len(again)

    def begin_anew(self, ahead: int) -> StoreFault:
        return StoreFault(StoreFaultCode.DAMAGED, "an old copy")

    def waiting(self) -> Waiting | StoreFault:
        states = list(self.state.values())
        oldest = next((it for row, it in self.items.items() if self.state[row] == "waiting"), None)
        at = datetime.fromisoformat(oldest.created_at) if oldest else None
        return Waiting(states.count("waiting"), at, states.count("refused"), len(self.items))

    def sealed_bytes(self, sha256: str) -> int | StoreFault:
        if sha256 not in self.blobs:
            return StoreFault(StoreFaultCode.NOT_FOUND, "attachment")
        return len(self.blobs[sha256])

    def sealed_part(self, sha256: str, offset: int, count: int) -> bytes | StoreFault:
        return self.blobs[sha256][offset : offset + count]


class Enrolled:
    """What the terminal has of the hub, on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seal_keys: list[object] = []

    def read(self) -> Identity | StoreFault:
        return read_identity(self.path)

    def write(self, identity: Identity) -> StoreFault | None:
        return write_identity(self.path, identity)

    def keep_seal_keys(self, terminal: str, told: object) -> StoreFault | None:
        assert terminal == TERMINAL
        self.seal_keys.append(told)
        return None


class LineWorld:
    """Use as a context: leaving it looks for complaints of the hub."""

    def __init__(
        self,
        folder: Path,
        hub: LittleHub | None = None,
        *,
        spread_s: float = 0,
        clock: HandClock | None = None,
    ) -> None:
        self.folder = folder
        self.clock = clock or HandClock()
        self.boot = "first boot"
        self.hub = hub or LittleHub()
        self.hub.now = self.hub_now
        self.hub_ahead = timedelta()
        self.stack = ExitStack()
        self.up()
        self.queue = MemoryQueue(self.hub, self.clock)
        self.enrolment = Enrolled(folder / "enrolment.json")
        self.enrol()
        self.spread_s = spread_s
        self.lines: list[Line] = []
        self.delivered: list[str] = []
        self.papers_delivered: list[str] = []
        self.logged: list[tuple[str, dict[str, object]]] = []
        self.client: HubClient | None = None
        self.start()

    def __enter__(self) -> LineWorld:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.client is not None
        self.client.close()
        self.down()
        assert self.hub.complaints == []

    def hub_now(self) -> datetime:
        """The hub's clock is right; the terminal's may not be."""
        return self.true_now() + self.hub_ahead

    def true_now(self) -> datetime:
        return HandClock().now + timedelta(seconds=self.clock.seconds - HandClock().seconds)

    def enrol(self, begins: datetime | None = None, ends: datetime | None = None) -> Identity:
        identity = Identity(
            TERMINAL, self.hub.enrol(KEY.request(), begins, ends), self.hub.authority.pem
        )
        assert write_identity(self.enrolment.path, identity) is None
        return identity

    def start(self) -> None:
        """The sync process starts, or starts again."""
        if self.client is not None:
            self.client.close()
        self.times = HubTime(self.folder / "time.json", self.clock, lambda: self.boot)
        self.client = HubClient(
            self.hub.url, self.clock, self.times, connect_timeout_s=2, read_timeout_s=READ_TIMEOUT_S
        )
        self.engine = SyncEngine(
            queue=self.queue,
            blobs=self.queue,
            hub=self.client,
            enrolment=self.enrolment,
            key=KEY,
            times=self.times,
            clock=self.clock,
            log=lambda event, /, **fields: self.logged.append((event, dict(fields))),
            uniform=middle,
            pace=Pace(idle_poll_s=30, last_retry_s=300, spread_s=self.spread_s),
            on_line=self.lines.append,
            on_delivered=lambda number, kind: (
                self.delivered if kind == "application" else self.papers_delivered
            ).append(number),
        )

    def up(self) -> None:
        self.stack.enter_context(serving(self.hub, urlsplit(self.hub.url).port or 0))

    def down(self) -> None:
        self.stack.close()

    @contextmanager
    def away(self) -> Iterator[None]:
        self.down()
        yield
        self.up()

    def seal(self, count: int = 1, pages: int = 1) -> list[str]:
        start = len(self.queue.items)
        numbers = [f"QS01{start + at:08d}" for at in range(count)]
        for number in numbers:
            contents = [f"page {at} of {number}".encode() for at in range(pages)]
            self.queue.seal(number, contents)
        return numbers

    def drain(self) -> float:
        """Step, moving the clock as asked, until nothing waits; the seconds that took."""
        started = self.clock.seconds
        for _ in range(MANY_STEPS):
            self.clock.advance(ok(self.engine.step()))
            if ok(self.queue.waiting()).count == 0:
                return self.clock.seconds - started
        raise AssertionError("it never all arrived")

    def step(self, count: int = 1) -> float:
        """A few steps in real order; the pause asked for after the last."""
        pause = 0.0
        for _ in range(count):
            self.clock.advance(pause)
            pause = ok(self.engine.step())
        return pause

    def fault(self) -> StoreFault:
        """Step until the store fails; on a busy machine the hub may answer too late before."""
        for _ in range(MANY_STEPS):
            pause = self.engine.step()
            if isinstance(pause, StoreFault):
                return pause
            self.clock.advance(pause)
        raise AssertionError("the store did not fail")

    def pass_time(self, seconds: float) -> None:
        """Step for so long."""
        until = self.clock.seconds + seconds
        for _ in range(MANY_STEPS * 10):
            pause = ok(self.engine.step())
            if self.clock.seconds + pause >= until:
                self.clock.advance(until - self.clock.seconds)
                return
            self.clock.advance(max(pause, 0.001))
        raise AssertionError("it steps without end")

    def change(self, row: int, **values: object) -> None:
        """A fraud or a fault in our own store."""
        self.queue.items[row] = replace(self.queue.items[row], **values)  # type: ignore[arg-type]

    def states(self) -> list[str]:
        return list(self.queue.state.values())

    def events(self) -> set[str]:
        return {event for event, _ in self.logged}
