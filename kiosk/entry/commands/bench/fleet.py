"""`kiosk bench fleet`: a province's terminals come back to one hub (make fleet).

Every terminal shows a certificate of its own, asks for contact, and hands over its applications in
one batch; told to wait, it waits and comes again. First with the spread that the hub asks for,
compressed to a minute; then all at once. Nothing may be lost, doubled or starved.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import multiprocessing
import os
import random
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cbor2

from kiosk.entry.commands.answer import Exit
from kiosk.entry.commands.bench.hub_load import (
    Certifier,
    SealedItems,
    envelopes,
    make_known,
    seal_key_of,
    terminal_code,
    tls,
)
from kiosk.entry.commands.bench.report import Noise, Table, noise
from kiosk.entry.commands.bench.served_hub import ServedHub, served_hub, under_postgresql
from offline_cache.envelope import SealKey
from offline_cache.line.wire import CBOR, batch_body

TERMINALS: Final = 10_000
HOW_MANY: Final = "FLEET_TERMINALS"  # fewer, on a machine that does other things as well
APPLICATIONS: Final = 20
PROCESSES: Final = 2
SPREAD_S: Final = 60.0
CONNECT_S: Final = 30.0
ANSWER_S: Final = 30.0
LOOK_EVERY_S: Final = 1.0  # whether all is opened
GIVE_UP_S: Final = 900.0  # of the whole run: whoever has not delivered by then was starved
FIRST_RETRY_S: Final = 2.0
LAST_RETRY_S: Final = 30.0
MOST_P99_S, MOST_BUSY = 2.0, 0.05


def run(corpus: Path | None, *, json: bool) -> int:
    if "PGHOST" not in os.environ:
        return under_postgresql("fleet", json)
    count = int(os.environ.get(HOW_MANY, TERMINALS))
    before = noise()
    table = Table(
        "fleet: terminals that return to one hub on PostgreSQL, all on these cores",
        ("way", "terminals", "applications", "answers", "p50 s", "p99 s", "503", "refused lines",
         "slowest s", "hub MB"),
    )  # fmt: skip
    for told, spread_s, first in (("spread over 60 s", SPREAD_S, 0), ("all at once", 0.0, count)):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
            hub = stack.enter_context(served_hub(folder))
            codes = [terminal_code(number) for number in range(first, first + count)]
            _one_run(table, told, hub, folder, codes, spread_s=spread_s)
    _notes(table, before)
    table.show(json=json)
    return Exit.DONE


@dataclass(slots=True)
class _Seen:
    """What one process' terminals met."""

    took: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    refused_lines: int = 0
    delivered_at: list[float] = field(default_factory=list)
    starved: int = 0


def _one_run(
    table: Table, told: str, hub: ServedHub, folder: Path, codes: Sequence[str], *, spread_s: float
) -> None:
    certifier, key = Certifier(hub, folder / "terminals"), seal_key_of(hub)
    make_known(certifier, codes)
    before = int(str(hub.command("counts")["applications"]))  # the runs share one database
    begin = multiprocessing.get_context("spawn")
    with begin.Pool(PROCESSES) as pool:
        parts = [codes[at::PROCESSES] for at in range(PROCESSES)]
        ready = pool.starmap(_sealed, [(part, key, folder, at) for at, part in enumerate(parts)])
        start = time.time() + 5
        seen = pool.starmap(
            _process,
            [(path, _Where(hub.port, hub.data, folder), spread_s, start) for path in ready],
        )
    whole = _Seen()
    for one in seen:
        whole.took += one.took
        whole.statuses += one.statuses
        whole.results += one.results
        whole.refused_lines += one.refused_lines
        whole.delivered_at += one.delivered_at
        whole.starved += one.starved
    left, began = hub.unopened(), time.monotonic()
    while hub.unopened():
        time.sleep(LOOK_EVERY_S)
    opened_s = time.monotonic() - began
    counts = hub.command("counts")
    held = int(str(counts["applications"])) - before
    answers = sum(whole.statuses.values())
    ordered = sorted(whole.took)
    table.add(
        way=told,
        terminals=len(codes),
        applications=held,
        answers=answers,
        **{
            "p50 s": ordered[len(ordered) // 2],
            "p99 s": ordered[int(len(ordered) * 0.99)],
            "503": whole.statuses[503] / answers,
            "refused lines": whole.refused_lines,
            "slowest s": max(whole.delivered_at, default=0.0),
            "hub MB": hub.memory_mb(),
        },
    )
    sent = len(codes) * APPLICATIONS
    taken = whole.results["accepted"] + whole.results["duplicate"]
    table.note(
        f"{told}: {sent} sent, {taken} acknowledged, {held} held, "
        f"refused {counts['refused']}, {left} opened afterwards in {opened_s:.0f} s, "
        f"{whole.starved} terminals starved, results {dict(whole.results)}, "
        f"conflicts {counts['conflicts']}, gaps {counts['queues_with_gaps']}, "
        f"broken links {counts['broken_links']}, statuses {dict(whole.statuses)}"
    )


def _notes(table: Table, before: Noise) -> None:
    spread = table.rows[0]
    table.note(
        f"spread: p99 {spread['p99 s']:.2f} s (wanted < {MOST_P99_S:.0f}),"
        f" 503 {spread['503']:.1%} (wanted <= {MOST_BUSY:.0%});"
        f" noise of the machine {before} before, {noise()} after"
    )


# -- in the processes of the terminals ----------------------------------------------------


def _sealed(codes: Sequence[str], key: SealKey, folder: Path, at: int) -> Path:
    """Their batches, made before anything is timed; in a file."""
    made = envelopes()
    bodies = {}
    for code in codes:
        queue = SealedItems(code, key, made)
        items = queue.items(APPLICATIONS)
        bodies[code] = (queue.epoch, batch_body(code, queue.epoch, APPLICATIONS, items))
    path = folder / f"batches-{at}"
    path.write_bytes(cbor2.dumps(bodies))
    return path


def _process(path: Path, where: _Where, spread_s: float, start: float) -> _Seen:
    """The terminals of one file of batches."""
    return asyncio.run(_all(cbor2.loads(path.read_bytes()), where, spread_s, start))


@dataclass(frozen=True, slots=True)
class _Where:
    """The hub's port and data, and the terminals' certificates."""

    port: int
    data: Path
    folder: Path


async def _all(
    bodies: dict[str, tuple[str, bytes]], where: _Where, spread_s: float, start: float
) -> _Seen:
    seen = _Seen()
    certificates = where.folder / "terminals"
    contexts = {code: tls(where.data, certificates / f"{code}.pem") for code in bodies}
    # Thousands of contexts that stay: looking through them for garbage would be load of our own.
    gc.collect()
    gc.freeze()
    start = max(start, time.time())
    tasks = []
    for code, (epoch, body) in bodies.items():
        share = int.from_bytes(hashlib.sha256(code.encode()).digest()[:4], "big") / 2**32
        terminal = _Terminal(
            port=where.port, context=contexts[code], code=code, epoch=epoch, body=body, seen=seen
        )
        tasks.append(terminal.deliver(start, start + spread_s * share))
    await asyncio.gather(*tasks)
    return seen


class _Terminal:
    def __init__(
        self,
        *,
        port: int,
        context: ssl.SSLContext,
        code: str,
        epoch: str,
        body: bytes,
        seen: _Seen,
    ) -> None:
        self._port = port
        self._context = context
        self._epoch = epoch
        self._body = body
        self._seen = seen
        self._chance = random.Random(code)  # noqa: S311 - a spread, no secret

    async def deliver(self, start: float, first_at: float) -> None:
        await asyncio.sleep(max(0.0, first_at - time.time()))
        wait_s = FIRST_RETRY_S
        while time.time() - start < GIVE_UP_S:
            try:
                async with asyncio.timeout(CONNECT_S + 2 * ANSWER_S):
                    told_s = await self._try()
            except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
                self._seen.refused_lines += 1
                told_s = 0.0
            if told_s is None:
                self._seen.delivered_at.append(time.time() - first_at)
                return
            await asyncio.sleep(max(told_s, wait_s / 2) + self._chance.uniform(0, wait_s))
            wait_s = min(LAST_RETRY_S, wait_s * 2)
        self._seen.starved += 1

    async def _try(self) -> float | None:
        """None when everything was taken, else how long the hub told to wait."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._context, server_hostname="127.0.0.1"
        )
        try:
            path = f"/api/v1/contact?epoch={self._epoch}&last_seq={APPLICATIONS}"
            status, wait_s, _ = await self._ask(reader, writer, "GET", path, b"")
            if status != 200:
                return wait_s
            status, wait_s, content = await self._ask(
                reader, writer, "POST", "/api/v1/batch", self._body
            )
            if status != 200:
                return wait_s
            results = Counter(one["result"] for one in cbor2.loads(content)["answers"])
            if set(results) <= {"accepted", "duplicate"}:
                self._seen.results += results
                return None
            return wait_s
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        method: str,
        path: str,
        body: bytes,
    ) -> tuple[int, float, bytes]:
        """Status, seconds to wait, content."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        if body:
            head += f"Content-Type: {CBOR}\r\n"
        began = time.perf_counter()
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:])
        }
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        self._seen.took.append(time.perf_counter() - began)
        status = int(lines[0].split(" ")[1])
        self._seen.statuses[status] += 1
        return status, float(headers.get("retry-after", "0")), content
