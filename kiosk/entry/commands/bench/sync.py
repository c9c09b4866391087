"""`kiosk bench sync`: one real terminal drains its queue into a hub on the same cores.

Beside it, in turns: PostgreSQL's COPY of the same bytes (the limit), and the same terminal with
one request an application. Then, through a meter between the two, the bytes on the wire of a
sealed application against one plain unsealed JSON request each.
"""

from __future__ import annotations

import contextlib
import json as to_json
import os
import random
import select
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Final, TypeVar

import requests

from kiosk.clock import LOCAL_ZONE
from kiosk.entry.commands.answer import Exit
from kiosk.entry.commands.bench.copying import CopyPeer
from kiosk.entry.commands.bench.report import Table, Timing, interleaved, noise
from kiosk.entry.commands.bench.served_hub import (
    START_LIMIT_S,
    ServedHub,
    dsn,
    served_hub,
    under_postgresql,
)
from kiosk.receipts import number as receipt_number
from offline_cache.faults import StoreFault
from offline_cache.keys import open_keys
from offline_cache.line.client import HubClient
from offline_cache.line.engine import Pace, SyncEngine, VerdictKind, judge
from offline_cache.line.enrolment import EnrolmentFiles, enrol
from offline_cache.line.failures import Failure
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import DeviceKey, Identity, read_code
from offline_cache.line.wire import Item
from offline_cache.queue import SendQueue
from offline_cache.store import Store, StorePlaces, open_store

APPLICATIONS: Final = 10_000
HOW_MANY: Final = "BENCH_APPLICATIONS"  # fewer, on a machine that does other things as well
ROUNDS: Final = 5
SINGLES_A_ROUND: Final = 100
BATCH: Final = 100
METERED: Final = 500
TERMINAL: Final = "QS01"
OTHER_TERMINAL: Final = "QS02"  # has a queue of its own: each hands its items over in their order
A_DAY: Final = 4_000  # applications of one day: serials end at 9999
T = TypeVar("T")
LEAST_OF_COPY, LEAST_TIMES_SINGLE, MOST_OF_PLAIN = 0.10, 8.0, 0.45


def run(corpus: Path | None, *, json: bool) -> int:
    if "PGHOST" not in os.environ:
        return under_postgresql("sync", json)
    count = int(os.environ.get(HOW_MANY, APPLICATIONS))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-sync-")))
        hub = stack.enter_context(served_hub(folder))
        terminal = _enrolled(TERMINAL, folder, hub, count + 2 * METERED)
        stack.callback(terminal.close)
        other = _enrolled(OTHER_TERMINAL, folder, hub, ROUNDS * SINGLES_A_ROUND)
        stack.callback(other.close)
        peer = CopyPeer(dsn(), TERMINAL)
        stack.callback(peer.close)
        table = _drain(terminal, other, peer, count)
        _wire(terminal, hub, table)
        table.show(json=json)
    return Exit.DONE


# -- the hub and the terminal ---------------------------------------------------------


class _Clock:
    """The machine's clock, some days back while the queue is filled."""

    def __init__(self) -> None:
        self.back = timedelta()

    def monotonic(self) -> float:
        return time.monotonic()

    def utc(self) -> datetime:
        return datetime.now(UTC) - self.back


@dataclass(frozen=True, slots=True)
class _Terminal:
    store: Store
    queue: SendQueue
    client: HubClient
    enrolment: EnrolmentFiles
    key: DeviceKey
    times: HubTime
    clock: _Clock

    def engine(self) -> SyncEngine:
        return SyncEngine(
            queue=self.queue,
            blobs=self.queue,
            hub=self.client,
            enrolment=self.enrolment,
            key=self.key,
            times=self.times,
            clock=self.clock,
            log=_no_log,
            uniform=random.SystemRandom().uniform,
            pace=Pace(idle_poll_s=30, last_retry_s=4, spread_s=0),
            on_line=lambda line: None,
            on_delivered=lambda number, kind: None,
        )

    def client_at(self, port: int) -> HubClient:
        url = f"https://127.0.0.1:{port}"
        client = HubClient(
            url, self.clock, self.times, connect_timeout_s=5, read_timeout_s=START_LIMIT_S
        )
        identity = _ok(self.enrolment.read())
        client.use(identity, self.key)
        return client

    def close(self) -> None:
        self.client.close()
        self.store.close()


def _enrolled(terminal: str, folder: Path, hub: ServedHub, count: int) -> _Terminal:
    """A terminal with `count` sealed applications in its store."""
    data, clock = folder / terminal, _Clock()
    places = StorePlaces(data)
    keys = _ok(open_keys(places.keys))
    times = HubTime(places.hub_time, clock)
    url = f"https://127.0.0.1:{hub.port}"
    client = HubClient(url, clock, times, connect_timeout_s=5, read_timeout_s=START_LIMIT_S)
    files = EnrolmentFiles(places, keys.database)
    code = read_code(str(hub.command("enrol-code", terminal)["code"]))
    if code is None or not isinstance(enrol(client, files, keys, code, "bench"), Identity):
        raise SystemExit("the hub did not enrol the terminal")
    store = _ok(open_store(data, keys, clock, draft_kept=timedelta(minutes=15), zone=LOCAL_ZONE))
    for at in range(count):
        clock.back = timedelta(days=at // A_DAY + 1)
        person = f"99010119400101{at % 10_000:04d}"
        sealed = store.outbox.seal(
            session=f"bench-{at}",
            item="old_age_allowance",
            id_number=person,
            name_masked="甄**",
            application=_application(terminal, at, person, clock.utc()),
            attachments=(),
            make_number=lambda serial, day: receipt_number.make(terminal, serial, day),
        )
        if isinstance(sealed, StoreFault):
            raise SystemExit(str(sealed))
    clock.back = timedelta()
    queue = SendQueue(store.database, store.blobs, clock)
    key = DeviceKey(keys.device)
    client.use(_ok(files.read()), key)
    return _Terminal(store, queue, client, files, key, times, clock)


def _application(terminal: str, at: int, person: str, now: datetime) -> dict[str, object]:
    """A made-up one as the flow makes it, its papers left out: those travel by themselves."""
    chance = random.Random(at)  # noqa: S311 - made up
    told = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    applicant = {
        "kind": "citizen",
        "name": "甄" + "".join(chance.sample("桂兰秀英华玉珍芳淑梅国强建明德", 2)),
        "number": _with_check_digit(person[:17]),
        "sex_code": "2",
        "nation_code": "01",
        "birth": "1940-01-01",
        "address": f"清水省和平市光明区幸福镇长江村{chance.randint(1, 400)}号",
        "issuer": "和平市公安局光明分局",
        "valid_from": "2015-03-01",
        "valid_to": None,
    }
    account = "6" + "".join(chance.choice("0123456789") for _ in range(18))
    return {
        "item": "old_age_allowance",
        "item_version": "1",
        "terminal": terminal,
        "session": f"bench-{at}",
        "language": "zh",
        "consent": {"version": 1, "agreed_at": told},
        "applicant": applicant,
        "agent": None,
        "form": {"phone": f"139{at % 10**8:08d}", "relative_phone": "", "account": account},
        "materials": [],
        "signature": None,
        "earlier_number": None,
    }


def _with_check_digit(first: str) -> str:
    """GB 11643: the eighteenth sign of a citizen number."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(first, weights, strict=True))
    return first + "10X98765432"[total % 11]


# -- draining ---------------------------------------------------------------------------


def _drain(terminal: _Terminal, other: _Terminal, peer: CopyPeer, count: int) -> Table:
    part = count // ROUNDS
    engine = terminal.engine()
    before = noise()

    def waiting() -> int:
        return _ok(terminal.queue.waiting()).count

    def drain() -> None:
        left, steps = waiting() - part, 0
        # Counting what waits is not the terminal's work: not before so many can have gone.
        while steps < part // BATCH or waiting() > left:
            pause = _ok(engine.step())
            steps += 1
            if pause > 1:
                raise SystemExit(f"the queue does not drain: {_ok(engine.line).reason}")

    chunks = _chunks(terminal, part)

    def copy() -> None:
        peer.copy(next(chunks))

    def one_by_one() -> None:
        for _ in range(SINGLES_A_ROUND):
            items = _ok(other.queue.next_batch(max_items=1, max_bytes=1))
            if not _delivered(other, other.client, items):
                raise SystemExit("an application was not taken")

    timings = interleaved({"copy": copy, "drain": drain, "single": one_by_one}, ROUNDS)
    rates = {
        "copy": _rate(timings["copy"], part),
        "drain": _rate(timings["drain"], part),
        "single": _rate(timings["single"], SINGLES_A_ROUND),
    }
    table = Table(
        "sync: one terminal's queue into a hub on the same cores (PostgreSQL)",
        ("way", "applications", "per second", "of COPY", "bytes on the wire"),
    )
    for name, told, done in (
        ("copy", "COPY of the same bytes (limit)", count),
        ("drain", "drained, batches of 100", count),
        ("single", "one request an application", ROUNDS * SINGLES_A_ROUND),
    ):
        table.add(
            way=told,
            applications=done,
            **{"per second": rates[name], "of COPY": rates[name] / rates["copy"]},
        )
    of_copy, times_single = rates["drain"] / rates["copy"], rates["drain"] / rates["single"]
    table.note(
        f"draining: {of_copy:.1%} of COPY (wanted {LEAST_OF_COPY:.0%}),"
        f" {times_single:.1f} times one request each (wanted {LEAST_TIMES_SINGLE:.0f})"
    )
    table.note(f"{ROUNDS} rounds in turns; noise of the machine {before} before, {noise()} after")
    return table


def _chunks(terminal: _Terminal, part: int) -> Iterator[list[Item]]:
    """Items of the queue, `part` at a time, read before they are timed."""
    every = list(_ok(terminal.queue.next_batch(max_items=part * ROUNDS, max_bytes=1 << 40)))
    parts = [every[at * part : (at + 1) * part] for at in range(ROUNDS)]
    return iter(parts)


def _delivered(terminal: _Terminal, client: HubClient, items: tuple[Item, ...]) -> bool:
    """One batch there and noted here."""
    last = _ok(terminal.queue.last_seq(items[0].epoch))
    answer = client.batch(items[0].epoch, last, items)
    if isinstance(answer, Failure):
        return False
    verdicts = judge(items, answer.answers)
    rows = [it.item.row for it in verdicts if it.kind is VerdictKind.ACCEPTED]
    return terminal.queue.accepted(rows) is None and len(rows) == len(items)


def _rate(timing: Timing, items: int) -> float:
    return items / timing.median


# -- bytes on the wire --------------------------------------------------------------------


@dataclass(slots=True)
class _Meter:
    """A way through that counts what passes, both ways."""

    port: int
    passed: int = 0


@contextmanager
def _meter(to_port: int) -> Iterator[_Meter]:
    door = socket.create_server(("127.0.0.1", 0))
    door.settimeout(0.2)
    meter, over = _Meter(door.getsockname()[1]), Event()

    def carry(ours: socket.socket) -> None:
        with ours, socket.create_connection(("127.0.0.1", to_port)) as theirs:
            while not over.is_set():
                for wire in select.select([ours, theirs], [], [], 0.2)[0]:
                    piece = wire.recv(65536)
                    if not piece:
                        return
                    meter.passed += len(piece)
                    (theirs if wire is ours else ours).sendall(piece)

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                Thread(target=carry, args=(door.accept()[0],), daemon=True).start()

    thread = Thread(target=accept)
    thread.start()
    try:
        yield meter
    finally:
        over.set()
        thread.join()
        door.close()


class _PlainHub(BaseHTTPRequestHandler):
    """Takes one application a request as JSON and says yes, as briefly as such hubs do."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        asked = to_json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = {"id": asked["id"], "sha256": asked["sha256"], "result": "accepted"}
        content = to_json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _wire(terminal: _Terminal, hub: ServedHub, table: Table) -> None:
    with _meter(hub.port) as meter:
        client = terminal.client_at(meter.port)
        sent = 0
        while sent < METERED:
            items = _ok(terminal.queue.next_batch(max_items=BATCH, max_bytes=1 << 20))
            if not _delivered(terminal, client, items):
                raise SystemExit("a batch was not taken")
            sent += len(items)
        client.close()
        sealed = meter.passed / sent
    plain = _plain_bytes()
    table.add(
        way="sealed, TLS, batches of 100",
        applications=sent,
        **{"bytes on the wire": round(sealed)},
    )
    table.add(
        way="plain JSON, one request each, no TLS",
        applications=METERED,
        **{"bytes on the wire": round(plain)},
    )
    table.note(
        f"wire bytes an application: {sealed / plain:.1%} of a plain unsealed JSON request"
        f" (wanted at most {MOST_OF_PLAIN:.0%}); headers, handshakes and answers counted both ways"
    )


def _plain_bytes() -> float:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _PlainHub)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with _meter(server.server_port) as meter, requests.Session() as session:
            session.trust_env = False
            for at in range(METERED):
                now = datetime.now(UTC)
                body = _application(TERMINAL, at, f"99010119400101{at:04d}", now)
                told = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
                number = receipt_number.make(TERMINAL, at + 1, now)
                asked = {
                    "id": "00000000-0000-4000-8000-000000000000",
                    "seq": at + 1,
                    "kind": "application",
                    "order_key": number,
                    "created_at": told,
                    "sha256": "0" * 64,
                    "body": {**body, "number": number, "accepted_at": told},
                }
                address = f"http://127.0.0.1:{meter.port}/api/v1/applications"
                # As one writes it: its text as it is, no blanks between.
                content = to_json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()
                headers = {"Content-Type": "application/json"}
                session.post(address, content, headers=headers, timeout=10).raise_for_status()
            return meter.passed / METERED
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _ok(value: T | StoreFault) -> T:
    if isinstance(value, StoreFault):
        raise SystemExit(str(value))
    return value


def _no_log(event: str, /, **fields: str | int | float | bool | None) -> None:
    """The table says it all."""
