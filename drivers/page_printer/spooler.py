"""CUPS as the driver needs it: a queue, its jobs, what became of them.

Everything answers a value or a Fault. With PreserveJobHistory off a finished job is gone before
anybody can ask how it ended; its end is read from the queue's notifications, which outlive it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

import cups

from drivers.device import Fault, FaultCode
from drivers.page_printer.protocol import (
    Job,
    JobEvent,
    Queue,
    events_of,
    job_of,
    queue_of,
)

R = TypeVar("R")

NEUTRAL_TITLE: Final = "document"  # whoever looks at the queue sees this, and nothing of a person
USER: Final = "kiosk"
LEASE_S: Final = 3600  # a subscription that a crash left behind ends by itself
EVENTS: Final = [
    "job-state-changed",
    "job-completed",
    "job-progress",
    "job-stopped",
    "printer-state-changed",
]
QUEUE_ATTRIBUTES: Final = [
    "printer-state",
    "printer-state-reasons",
    "printer-state-message",
    "printer-is-accepting-jobs",
    "printer-make-and-model",
    "sides-supported",
    "media-supported",
    "color-supported",
]
JOB_ATTRIBUTES: Final = [
    "job-state",
    "job-state-reasons",
    "job-media-sheets-completed",
    "job-impressions-completed",
]
NOT_FOUND: Final = 0x0406  # client-error-not-found
NOT_POSSIBLE: Final = 0x0404
REFUSALS: Final = frozenset(
    {0x0401, 0x0402, 0x0403}
)  # not authenticated, not authorised, forbidden
NOT_THERE: Final = frozenset({0x0502, 0x0503})  # service unavailable; version not supported


class Spooler(Protocol):
    """What the driver works through; replaced in tests."""

    def open(self) -> Fault | None: ...

    def queue(self, name: str) -> Queue | Fault:
        """NOT_FOUND: there is none of that name."""
        ...

    def resume(self, name: str) -> Fault | None: ...

    def subscribe(self, name: str) -> int | Fault: ...

    def events(self, subscription: int, first: int) -> tuple[JobEvent, ...] | Fault: ...

    def unsubscribe(self, subscription: int) -> None: ...

    def begin(self, name: str, options: dict[str, str]) -> int | Fault:
        """A job without its document; it is held until that has come."""
        ...

    def send(self, name: str, job: int, document: bytes) -> Fault | None: ...

    def job(self, job: int) -> Job | Fault | None:
        """None: CUPS knows no such job (any more)."""
        ...

    def jobs(self, name: str) -> tuple[int, ...] | Fault:
        """All that CUPS still knows of this queue, ended ones too."""
        ...

    def purge(self, job: int) -> Fault | None:
        """Cancel it if it runs, and forget it with its files. Also when it is gone already."""
        ...

    def keeps_jobs(self, name: str) -> bool | Fault:
        """Whether CUPS still knows a job that has ended. Tried with one that has no document."""
        ...

    def close(self) -> None: ...


class Cups:
    """`Spooler` over pycups. `server`: a socket's path or a host; empty: this machine's own."""

    def __init__(self, server: str = "") -> None:
        self._server = server
        self._connection: cups.Connection | None = None

    def open(self) -> Fault | None:
        cups.setUser(USER)
        try:
            self._connection = (
                cups.Connection(host=self._server) if self._server else cups.Connection()
            )
        except RuntimeError:
            return _NO_SERVICE
        return None

    def close(self) -> None:
        self._connection = None

    def queue(self, name: str) -> Queue | Fault:
        answer = self._try(
            lambda c: c.getPrinterAttributes(name, requested_attributes=QUEUE_ATTRIBUTES)
        )
        return answer if isinstance(answer, Fault) else queue_of(answer)

    def resume(self, name: str) -> Fault | None:
        def both(connection: cups.Connection) -> None:
            connection.acceptJobs(name)
            connection.enablePrinter(name)

        return self._try(both)

    def subscribe(self, name: str) -> int | Fault:
        uri = f"ipp://localhost/printers/{name}"
        return self._try(
            lambda c: int(c.createSubscription(uri, events=EVENTS, lease_duration=LEASE_S))
        )

    def events(self, subscription: int, first: int) -> tuple[JobEvent, ...] | Fault:
        answer = self._try(lambda c: c.getNotifications([subscription], [first]))
        return answer if isinstance(answer, Fault) else events_of(answer)

    def unsubscribe(self, subscription: int) -> None:
        self._try(lambda c: c.cancelSubscription(subscription))

    def begin(self, name: str, options: dict[str, str]) -> int | Fault:
        return self._try(lambda c: int(c.createJob(name, NEUTRAL_TITLE, options)))

    def send(self, name: str, job: int, document: bytes) -> Fault | None:
        def give(connection: cups.Connection) -> None:
            connection.startDocument(name, job, NEUTRAL_TITLE, "application/pdf", 1)
            connection.writeRequestData(document, len(document))
            connection.finishDocument(name)

        return self._try(give)

    def job(self, job: int) -> Job | Fault | None:
        answer = self._try(lambda c: c.getJobAttributes(job, requested_attributes=JOB_ATTRIBUTES))
        if isinstance(answer, Fault):
            return None if answer.code is FaultCode.NOT_FOUND else answer
        return job_of(answer)

    def jobs(self, name: str) -> tuple[int, ...] | Fault:
        answer = self._try(
            lambda c: c.getJobs(
                which_jobs="all", my_jobs=False, requested_attributes=["job-id", "job-printer-uri"]
            )
        )
        if isinstance(answer, Fault):
            return answer
        end = f"/{name}"
        return tuple(
            number
            for number, job in sorted(answer.items())
            if str(job.get("job-printer-uri", "")).endswith(end)
        )

    def purge(self, job: int) -> Fault | None:
        fault = self._try(lambda c: c.cancelJob(job, purge_job=True))
        if fault is None or fault.code is FaultCode.NOT_FOUND:
            return None
        if fault.code is FaultCode.REFUSED:  # ended by itself meanwhile
            job_now = self.job(job)
            return None if job_now is None else fault
        return fault

    def keeps_jobs(self, name: str) -> bool | Fault:
        number = self.begin(name, {})
        if isinstance(number, Fault):
            return number
        fault = self._try(lambda c: c.cancelJob(number))
        if fault is not None:
            return fault
        kept = self.job(number)
        if isinstance(kept, Fault):
            return kept
        return self.purge(number) or kept is not None

    def _try(self, call: Callable[[cups.Connection], R]) -> R | Fault:
        connection = self._connection
        if connection is None:
            return _NO_SERVICE
        try:
            return call(connection)
        except cups.IPPError as error:
            return _fault(error)
        except (cups.HTTPError, RuntimeError):
            return _NO_SERVICE


_NO_SERVICE: Final = Fault(FaultCode.DEVICE_LOST, "the print service (CUPS) does not answer")


def _fault(error: cups.IPPError) -> Fault:
    """Codes only: the text of an answer may quote what was asked."""
    code = 0
    with contextlib.suppress(IndexError, TypeError, ValueError):
        code = int(error.args[0])
    if code == NOT_FOUND:
        return Fault(FaultCode.NOT_FOUND, "CUPS knows nothing of that name")
    if code in REFUSALS:
        return Fault(FaultCode.BROKEN, "CUPS does not allow this user to do that (group lpadmin)")
    if code in NOT_THERE:
        return _NO_SERVICE
    if code == NOT_POSSIBLE:
        return Fault(FaultCode.REFUSED, "CUPS cannot do that now")
    return Fault(FaultCode.REFUSED, f"CUPS answers {code:#06x}")
