"""`kiosk bench hub`: a prepared load over HTTPS into a hub on PostgreSQL, beside COPY.

In turns: COPY of the same bytes into a table with the indexes that deduplication needs (the limit),
and the hub taking them: TLS, CBOR, hashes and chains checked, rows written, while it already opens
the first. Then what is left is opened, and the same load comes once more, every item of which the
hub holds already.
"""

from __future__ import annotations

import http.client
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import cbor2

from kiosk.entry.commands.answer import Exit
from kiosk.entry.commands.bench.copying import CopyPeer
from kiosk.entry.commands.bench.hub_load import (
    Certifier,
    SealedItems,
    envelopes,
    in_batches,
    seal_key_of,
    terminal_code,
    tls,
)
from kiosk.entry.commands.bench.report import Table, Timing, interleaved, noise
from kiosk.entry.commands.bench.served_hub import ServedHub, dsn, served_hub, under_postgresql
from offline_cache.line.wire import CBOR, Item, batch_body

APPLICATIONS: Final = 16_000  # whole batches from every line in every round
HOW_MANY: Final = "BENCH_APPLICATIONS"  # fewer, on a machine that does other things as well
ROUNDS: Final = 5
# Queues are handed over in their order, as terminals do: the first part warms the hub.
WARM_UP: Final = 0
MEASURED: Final = range(1, ROUNDS + 1)
TERMINALS: Final = 8  # connections: while some wait for the disk, others are read
BATCH: Final = 100
ANSWER_LIMIT_S: Final = 60.0
LOOK_EVERY_S: Final = 0.05  # whether all is opened
LEAST_OF_COPY: Final = 0.30


def run(corpus: Path | None, *, json: bool) -> int:
    if "PGHOST" not in os.environ:
        return under_postgresql("hub", json)
    count = int(os.environ.get(HOW_MANY, APPLICATIONS)) // (ROUNDS * TERMINALS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-hub-")))
        hub = stack.enter_context(served_hub(folder))
        certifier, key = Certifier(hub, folder / "terminals"), seal_key_of(hub)
        lines = []
        for number in range(TERMINALS):
            code = terminal_code(number)
            line = _Line(hub, certifier.certificate(code), SealedItems(code, key, envelopes()))
            line.prepare(ROUNDS + 1, count)
            lines.append(line)
            stack.callback(line.close)
        peer = CopyPeer(dsn(), "QS01")
        stack.callback(peer.close)
        table = _measured(hub, lines, peer, count)
        table.show(json=json)
    return Exit.DONE


class _Line:
    """One terminal with its connection and its prepared requests. What a terminal computes for them
    is `kiosk bench sync`'s: here requests are bytes made before, and answers are read afterwards."""

    def __init__(self, hub: ServedHub, certificate: Path, queue: SealedItems) -> None:
        self._queue = queue
        self._http = http.client.HTTPSConnection(
            "127.0.0.1", hub.port, timeout=ANSWER_LIMIT_S, context=tls(hub.data, certificate)
        )
        self.items: list[list[Item]] = []
        self._bodies: list[list[bytes]] = []
        self._answers: list[tuple[int, bytes]] = []

    def prepare(self, rounds: int, count: int) -> None:
        for _ in range(rounds):
            items = self._queue.items(count)
            self.items.append(items)
            self._bodies.append(
                [
                    batch_body(self._queue.terminal, self._queue.epoch, part[-1].seq, part)
                    for part in in_batches(items, BATCH)
                ]
            )

    def hand_over(self, turn: int) -> None:
        for body in self._bodies[turn]:
            self._http.request("POST", "/api/v1/batch", body, {"Content-Type": CBOR})
            answer = self._http.getresponse()
            self._answers.append((answer.status, answer.read()))

    def check(self, expected: str) -> None:
        """Every item of every batch handed over since was answered so."""
        for status, content in self._answers:
            if status != 200:
                raise SystemExit(f"the hub answers {status}: {content[:200]!r}")
            results = {one["result"] for one in cbor2.loads(content)["answers"]}
            if results != {expected}:
                raise SystemExit(f"the hub answers {results}, not {expected}")
        self._answers.clear()

    def close(self) -> None:
        self._http.close()


def _measured(hub: ServedHub, lines: list[_Line], peer: CopyPeer, count: int) -> Table:
    before = noise()
    # A hub that serves has its connections to the database and has read its modules.
    _together(lines, WARM_UP)
    _wait_until_opened(hub)
    part = count * len(lines)
    copies, turns, again = iter(MEASURED), iter(MEASURED), iter(MEASURED)
    opened = 0
    spent: Counter[str] = Counter()

    def copy() -> None:
        turn = next(copies)
        peer.copy([item for line in lines for item in line.items[turn]])

    def ingest() -> None:
        _together(lines, next(turns))

    def opening() -> None:
        nonlocal opened
        opened += hub.unopened()
        _wait_until_opened(hub)

    def duplicates() -> None:
        _together(lines, next(again))

    # In this order in every round: COPY on a quiet machine, duplicates of what was just taken.
    ways = {"copy": copy, "ingest": ingest, "opening": opening, "duplicates": duplicates}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    _check(lines, "accepted")
    for _ in range(ROUNDS):
        for name, way in ways.items():
            computed = hub.cpu_s()  # not while it is timed: asking takes a tenth of a round
            seconds[name] += interleaved({name: way}, 1)[name].seconds
            if name == "ingest":
                spent.update(hub.cpu_s())
                spent.subtract(computed)
            _check(lines, "duplicate" if name == "duplicates" else "accepted")
    found = {name: Timing(tuple(taken)) for name, taken in seconds.items()}
    rates = {name: part / timing.median for name, timing in found.items()}
    rates["opening"] = opened / found["opening"].total
    table = Table(
        "hub: a prepared load over HTTPS on PostgreSQL, client, hub and database on these cores",
        ("way", "applications", "per second", "of COPY"),
    )
    for name, told in (
        ("copy", "COPY of the same bytes (limit)"),
        ("ingest", "taken by the hub, batches of 100"),
        ("opening", "opened afterwards, what was left"),
        ("duplicates", "the same again, all known"),
    ):
        table.add(
            way=told,
            applications=opened if name == "opening" else part * ROUNDS,
            **{"per second": rates[name], "of COPY": rates[name] / rates["copy"]},
        )
    table.note(
        f"ingest: {rates['ingest'] / rates['copy']:.1%} of COPY (wanted {LEAST_OF_COPY:.0%})"
    )
    each = ", ".join(f"{name} {s / part / ROUNDS * 1e6:.0f}" for name, s in spent.items())
    table.note(f"computed for each item while they were taken, microseconds: {each}")
    held = hub.command("counts")["applications"]
    table.note(
        f"held in the end: {held} of {part * (ROUNDS + 1)}; the hub held {hub.memory_mb():.0f} MB"
    )
    table.note(f"{ROUNDS} rounds in turns; noise of the machine {before} before, {noise()} after")
    return table


def _wait_until_opened(hub: ServedHub) -> None:
    while hub.unopened():
        time.sleep(LOOK_EVERY_S)


def _together(lines: list[_Line], turn: int) -> None:
    with ThreadPoolExecutor(len(lines)) as pool:
        for done in [pool.submit(line.hand_over, turn) for line in lines]:
            done.result()


def _check(lines: list[_Line], expected: str) -> None:
    for line in lines:
        line.check(expected)
