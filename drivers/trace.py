"""What went over a wire, written down with times, and played back as a wire.

A fault in the field becomes a file, and the file a test. Personal bytes never reach the file: each
kind of device says which bytes of its stream are personal (a `Mask`); where nothing is said, all
are. Lengths stay, so that a trace still parses; a mask mends the checksums that it breaks.

A trace is JSON lines: a head `{"trace": 1, ...}`, then `{"t": seconds, "io": "w" | "r", "hex": ...}`
for what was written and read, and `{"t": ..., "io": "lost", "why": ...}`; of PC/SC, which is no wire of
ours, also what was in the slot (`card_reader/traced.py`). One file for each device,
at most `MAX_BYTES`, then the file before is overwritten.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from drivers.addresses import parse_url
from drivers.device import Clock, DeviceClass, Fault, FaultCode
from drivers.transport import Mask, OpenWire, Ports, Transport

MAX_BYTES: Final = 4_000_000  # some hours of a poll every 0.3 s; two such files for each device
VERSION: Final = 1


class Traces:
    """The traces of one process, in `folder`. Made only where the settings ask for it."""

    def __init__(self, folder: Path, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._clock = clock
        self._max_bytes = max_bytes

    def opener(self, device: DeviceClass, open_wire: OpenWire) -> OpenWire:
        """`open_wire`, with everything written down that goes over the wire it opens."""

        def open_traced(url: str, ports: Ports) -> Transport | Fault:
            wire = open_wire(url, ports)
            if isinstance(wire, Fault):
                return wire
            return TracedWire(wire, self.notes(device, url), ports.mask())

        return open_traced

    def notes(self, device: DeviceClass, url: str) -> Notes:
        """Where a connection that is no wire of ours is written down; masked by who writes."""
        return Notes(self._sink(device, url), self._clock)

    def _sink(self, device: DeviceClass, url: str) -> _Sink:
        # The scheme is enough: an address may name a host that is nobody's business.
        scheme = url.partition(":")[0] if not isinstance(parse_url(url), Fault) else ""
        head = {
            "trace": VERSION,
            "device": str(device),
            "wire": scheme,
            "at": self._clock.utc().isoformat(timespec="seconds"),
        }
        return _Sink(self._folder / f"{device}.jsonl", head, self._max_bytes)


class _Sink:
    """One file, within its size. A full disk ends the trace and nothing else."""

    def __init__(self, path: Path, head: dict[str, object], max_bytes: int) -> None:
        self._path = path
        self._head = head
        self._max_bytes = max_bytes
        self._file: TextIOWrapper | None = None
        self._written = 0
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._begin()

    def _begin(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "a", encoding="ascii", buffering=1)
        self._written = self._file.tell()
        self.line(self._head)

    def line(self, facts: dict[str, object]) -> None:
        if self._file is None:
            return
        text = json.dumps(facts) + "\n"
        try:
            if self._written + len(text) > self._max_bytes and facts is not self._head:
                self._file.close()
                self._path.replace(self._path.with_suffix(".old.jsonl"))
                self._begin()
            self._file.write(text)
            self._written += len(text)
        except OSError:
            self.close()

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


class Notes:
    """The lines of one connection, with their times."""

    def __init__(self, sink: _Sink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._began_s = clock.monotonic()

    def line(self, io: str, **facts: object) -> None:
        seconds = round(self._clock.monotonic() - self._began_s, 4)
        self._sink.line({"t": seconds, "io": io, **facts})

    def close(self) -> None:
        self._sink.close()


class TracedWire:
    """A wire beside which everything is written down, masked."""

    def __init__(self, wire: Transport, notes: Notes, mask: Mask) -> None:
        self._wire = wire
        self._notes = notes
        self._mask = mask

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        data = self._wire.read(limit, wait_s)
        if isinstance(data, Fault):
            self._notes.line("lost", why=data.detail)
        elif data:
            self._notes.line("r", hex=self._mask.heard(data).hex())
        return data

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        taken = self._wire.write(data, wait_s)
        if isinstance(taken, Fault):
            self._notes.line("lost", why=taken.detail)
        elif taken:
            self._notes.line("w", hex=self._mask.written(data[:taken]).hex())
        return taken

    def wake(self) -> None:
        self._wire.wake()

    def close(self) -> None:
        self._wire.close()
        self._notes.close()


# -- playing back ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    at_s: float
    io: str  # w, r or lost; of PC/SC also look and card
    data: bytes = b""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """One connection, from open to loss or end."""

    device: str
    wire: str
    steps: tuple[Step, ...]


def read_traces(path: Path) -> list[Trace]:
    """The connections in a file, oldest first. Raises ValueError for what is no trace."""
    found: list[Trace] = []
    steps: list[Step] = []
    head: dict[str, object] = {}

    def finish() -> None:
        if head:
            found.append(Trace(str(head["device"]), str(head["wire"]), tuple(steps)))
            steps.clear()

    for line in path.read_text(encoding="ascii").splitlines():
        facts = json.loads(line)
        if facts.get("trace") == VERSION:
            finish()
            head = facts
            continue
        if not head:
            raise ValueError("a trace begins with its head")
        steps.append(
            Step(
                float(facts["t"]),
                str(facts["io"]),
                bytes.fromhex(facts.get("hex", "")),
                str(facts.get("why", "")),
            )
        )
    finish()
    return found


class ReplayedWire:
    """A trace as a wire: it hears what was written then, and says what was said then.

    Time passes by `waited` only, as in the trace. What is written otherwise than in the trace ends
    it: `differs` says how.
    """

    def __init__(
        self,
        trace: Trace,
        mask: Mask,
        waited: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._steps = list(trace.steps)
        self._mask = mask
        self._waited = waited
        self._now_s = 0.0  # the wire was opened
        self._part = b""  # of a step that is written or read in pieces
        self.differs = ""
        self.closed = False

    @property
    def at_end(self) -> bool:
        return not self._steps

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        if self.differs or not self._steps:
            return Fault(FaultCode.DEVICE_LOST, "the trace ends here")
        step = self._steps[0]
        if step.io == "w":
            self._waited(wait_s)
            return b""
        if wait_s <= 0 and step.at_s > self._now_s and not self._part:
            return b""  # it was not there yet
        self._pass_to(step)
        if step.io == "lost":
            self._steps.clear()
            return Fault(FaultCode.DEVICE_LOST, step.why)
        data = (self._part or step.data)[:limit]
        self._part = (self._part or step.data)[limit:]
        if not self._part:
            self._steps.pop(0)
        return data

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        masked = self._mask.written(data)
        while masked and not self.differs:
            if not self._steps or self._steps[0].io != "w":
                self.differs = f"{len(masked)} bytes were written that the trace does not have"
                break
            step = self._steps[0]
            self._pass_to(step)
            rest = self._part or step.data
            count = min(len(rest), len(masked))
            if rest[:count] != masked[:count]:
                self.differs = f"{masked.hex(' ')} was written where the trace has {rest.hex(' ')}"
                break
            masked, self._part = masked[count:], rest[count:]
            if not self._part:
                self._steps.pop(0)
        return Fault(FaultCode.DEVICE_LOST, "the trace ends here") if self.differs else len(data)

    def _pass_to(self, step: Step) -> None:
        if step.at_s > self._now_s:
            self._waited(step.at_s - self._now_s)
            self._now_s = step.at_s

    def wake(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
