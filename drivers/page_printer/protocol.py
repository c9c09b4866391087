"""What a CUPS queue says of itself and of a job, made into values. Pure.

Source: RFC 8011 (printer-state, printer-state-reasons, job-state), PWG 5100.9 (reasons and their
suffixes -report, -warning, -error). Attributes come as a library read them: any may be missing,
of another type, or one where a list is expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, assert_never

from drivers.device import Capability, Fault, FaultCode, Status

PDF_START: Final = b"%PDF-"
PDF_START_WITHIN_BYTES: Final = 1024  # readers accept some bytes before it
MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
MAX_COPIES: Final = 20  # more is a mistake at a terminal
SEVERITIES: Final = ("-report", "-warning", "-error")
PAUSED_BY_HAND: Final = "Paused"  # what cupsdisable writes when it is given no reason
SHOWN_REASONS: Final = 4


class PrinterState(IntEnum):
    """printer-state; UNKNOWN where the queue says something else."""

    UNKNOWN = 0
    IDLE = 3
    PROCESSING = 4
    STOPPED = 5


class JobState(IntEnum):
    """job-state; UNKNOWN where the queue says something else."""

    UNKNOWN = 0
    PENDING = 3
    HELD = 4
    PROCESSING = 5
    STOPPED = 6
    CANCELLED = 7
    ABORTED = 8
    COMPLETED = 9

    @property
    def ended(self) -> bool:
        return self in (JobState.CANCELLED, JobState.ABORTED, JobState.COMPLETED)


# The worst first: what a person must do something about. Reason without its severity -> status.
_REASONS: Final[tuple[tuple[str, Status, FaultCode], ...]] = (
    ("cover-open", Status.COVER_OPEN, FaultCode.COVER_OPEN),
    ("door-open", Status.COVER_OPEN, FaultCode.COVER_OPEN),
    ("interlock-open", Status.COVER_OPEN, FaultCode.COVER_OPEN),
    ("input-tray-missing", Status.COVER_OPEN, FaultCode.COVER_OPEN),
    ("media-jam", Status.JAMMED, FaultCode.JAMMED),
    ("output-area-full", Status.JAMMED, FaultCode.JAMMED),
    ("media-empty", Status.OUT, FaultCode.PAPER_OUT),
    ("media-needed", Status.OUT, FaultCode.PAPER_OUT),
    ("toner-empty", Status.OUT, FaultCode.BROKEN),
    ("marker-supply-empty", Status.OUT, FaultCode.BROKEN),
    ("marker-waste-full", Status.BROKEN, FaultCode.BROKEN),
    ("fuser-over-temp", Status.BROKEN, FaultCode.BROKEN),
    ("opc-life-over", Status.BROKEN, FaultCode.BROKEN),
    ("spool-area-full", Status.BROKEN, FaultCode.BROKEN),
    ("cups-missing-filter", Status.BROKEN, FaultCode.BROKEN),
    ("cups-insecure-filter", Status.BROKEN, FaultCode.BROKEN),
    ("other", Status.BROKEN, FaultCode.BROKEN),
    ("shutdown", Status.POWERED_OFF, FaultCode.DISCONNECTED),
    ("offline", Status.DISCONNECTED, FaultCode.DISCONNECTED),
    ("connecting-to-device", Status.DISCONNECTED, FaultCode.DISCONNECTED),
    ("timed-out", Status.DISCONNECTED, FaultCode.DISCONNECTED),
)
_LOW: Final = frozenset({"media-low", "toner-low", "marker-supply-low", "marker-waste-almost-full"})
_HARMLESS_WHEN: Final = frozenset({"-warning", "-report"})  # of paper and cover: said in advance
_ADVANCE: Final = frozenset({"media-empty", "media-needed", "toner-empty", "marker-supply-empty"})


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue now. `reasons` as told, without "none"."""

    state: PrinterState
    reasons: tuple[str, ...] = ()
    message: str = ""
    accepting: bool = True
    model: str = ""
    capabilities: tuple[Capability, ...] = ()

    @property
    def stopped(self) -> bool:
        return self.state is PrinterState.STOPPED or not self.accepting

    @property
    def stopped_by_hand(self) -> bool:
        return self.stopped and self.message == PAUSED_BY_HAND


@dataclass(frozen=True, slots=True)
class Job:
    """A job now. `sheets` 0 where the queue does not count."""

    state: JobState
    reasons: tuple[str, ...] = ()
    sheets: int = 0


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened, in order of `number`: to `job`, or (0) to the printer alone."""

    number: int
    job: int
    what: Job
    printer_reasons: tuple[str, ...] | None = None  # None: the event says nothing of the printer


def queue_of(attributes: Mapping[str, object]) -> Queue:
    """What Get-Printer-Attributes answered."""
    sides = _words(attributes.get("sides-supported"))
    media = _words(attributes.get("media-supported"))
    capabilities = []
    if any("a4" in name.lower() for name in media) or not media:
        capabilities.append(Capability.PRINTS_A4)
    if any(name.startswith("two-sided") for name in sides):
        capabilities.append(Capability.PRINTS_BOTH_SIDES)
    if attributes.get("color-supported") is True:
        capabilities.append(Capability.PRINTS_COLOUR)
    return Queue(
        state=_printer_state(attributes.get("printer-state")),
        reasons=tuple(r for r in _words(attributes.get("printer-state-reasons")) if r != "none"),
        message=_word(attributes.get("printer-state-message")),
        accepting=attributes.get("printer-is-accepting-jobs") is not False,
        model=_word(attributes.get("printer-make-and-model"))[:80],
        capabilities=tuple(capabilities),
    )


def job_of(attributes: Mapping[str, object]) -> Job:
    """What Get-Job-Attributes, or a notification, says of a job."""
    counts = (
        attributes.get("job-media-sheets-completed"),
        attributes.get("job-impressions-completed"),
    )
    sheets = [count for count in counts if isinstance(count, int) and 0 < count < 100_000]
    return Job(
        state=_job_state(attributes.get("job-state")),
        reasons=tuple(r for r in _words(attributes.get("job-state-reasons")) if r != "none"),
        sheets=sheets[0] if sheets else 0,
    )


def events_of(answer: Mapping[str, object]) -> tuple[JobEvent, ...]:
    """The job events of a Get-Notifications answer."""
    found = []
    raw = answer.get("events")
    for event in raw if isinstance(raw, list) else []:
        if not isinstance(event, Mapping):
            continue
        number, job = event.get("notify-sequence-number"), event.get("notify-job-id")
        if isinstance(number, int):
            of_job = job if isinstance(job, int) else 0
            told = event.get("printer-state-reasons")
            reasons = None if told is None else _words(told)
            found.append(JobEvent(number, of_job, job_of(event), reasons))
    return tuple(found)


def bare(reason: str) -> tuple[str, str]:
    """A reason without its severity, and that: ("media-empty", "-error")."""
    for severity in SEVERITIES:
        if reason.endswith(severity):
            return reason.removesuffix(severity), severity
    return reason, ""


def without(queue: Queue, reasons: Set[str]) -> Queue:
    """The queue as if it did not say `reasons`."""
    return replace(queue, reasons=tuple(r for r in queue.reasons if r not in reasons))


def trouble(queue: Queue) -> tuple[Status, Fault] | None:
    """What keeps a job from being printed now, the worst first; None: nothing that is known."""
    told = dict(bare(reason) for reason in queue.reasons)
    for name, status, code in _REASONS:
        severity = told.get(name)
        if severity is None or (name in _ADVANCE and severity in _HARMLESS_WHEN):
            continue
        return status, Fault(code, _shown(queue.reasons))
    return None


def status_of(queue: Queue) -> tuple[Status, str]:
    """What the printer is, as far as its queue knows, and why."""
    found = trouble(queue)
    if found is not None:
        return found[0], found[1].detail
    match queue.state:
        case PrinterState.STOPPED:
            return Status.BROKEN, "the queue is paused" + (
                " by hand" if queue.stopped_by_hand else ""
            )
        case PrinterState.UNKNOWN:
            return Status.UNKNOWN, "the queue does not say how it is"
        case PrinterState.IDLE | PrinterState.PROCESSING:
            pass
        case _:
            assert_never(queue.state)
    if not queue.accepting:
        return Status.BROKEN, "the queue takes no jobs"
    names = {bare(reason)[0] for reason in queue.reasons}
    if names & (_LOW | _ADVANCE):
        return Status.LOW, _shown(queue.reasons)
    return Status.READY, ""


def job_fault(queue: Queue, job: Job) -> Fault:
    """Why a job ended otherwise than well, or stands still."""
    found = trouble(queue)
    if found is not None:
        return found[1]
    reasons = _shown(job.reasons) or job.state.name.lower()
    match job.state:
        case JobState.CANCELLED:
            return Fault(FaultCode.CANCELLED, reasons)
        case JobState.ABORTED | JobState.STOPPED:
            return Fault(FaultCode.BROKEN, reasons)
        case _:
            return Fault(FaultCode.SILENT, reasons)


def document_fault(data: bytes, copies: int) -> Fault | None:
    """What is wrong with what shall be printed, before any of it is sent."""
    if not 1 <= copies <= MAX_COPIES:
        return Fault(FaultCode.BAD_INPUT, f"copies must be 1 to {MAX_COPIES}")
    if len(data) > MAX_DOCUMENT_BYTES:
        return Fault(FaultCode.BAD_INPUT, "the document is too large")
    if PDF_START not in data[:PDF_START_WITHIN_BYTES]:
        return Fault(FaultCode.BAD_INPUT, "the document is not a PDF")
    return None


def _shown(reasons: tuple[str, ...]) -> str:
    """Reasons as staff may read them: keywords of the standard only, never a free text."""
    return ", ".join(sorted(r for r in reasons if _keyword(r))[:SHOWN_REASONS])


def _keyword(text: str) -> bool:
    return len(text) <= 60 and text.isascii() and text.replace("-", "").replace(".", "").isalnum()


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(word for word in value if isinstance(word, str))
    return ()


def _word(value: object) -> str:
    return "".join(c for c in value if c.isprintable()) if isinstance(value, str) else ""


def _printer_state(value: object) -> PrinterState:
    return next((state for state in PrinterState if state == value), PrinterState.UNKNOWN)


def _job_state(value: object) -> JobState:
    return next((state for state in JobState if state == value), JobState.UNKNOWN)
