"""What a CUPS queue says, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.addresses import named
from drivers.device import Capability, DeviceClass, Fault, FaultCode, Status
from drivers.page_printer.protocol import (
    Job,
    JobState,
    PrinterState,
    Queue,
    document_fault,
    events_of,
    job_fault,
    job_of,
    queue_of,
    status_of,
    trouble,
    without,
)

IDLE = {"printer-state": 3, "printer-is-accepting-jobs": True}
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("reasons", "status"),
    [
        (["none"], Status.READY),
        ("none", Status.READY),
        (["media-empty-error"], Status.OUT),
        (["media-empty"], Status.OUT),
        (["media-needed-error", "media-low-report"], Status.OUT),
        (["media-empty-warning"], Status.LOW),  # another tray has some
        (["toner-empty-error"], Status.OUT),
        (["media-low-warning"], Status.LOW),
        (["marker-supply-low-report"], Status.LOW),
        (["media-jam-error"], Status.JAMMED),
        (["media-jam-error", "media-empty-error"], Status.JAMMED),
        (["cover-open-error", "media-jam-error"], Status.COVER_OPEN),
        (["door-open"], Status.COVER_OPEN),
        (["input-tray-missing-error"], Status.COVER_OPEN),
        (["offline-report"], Status.DISCONNECTED),
        (["connecting-to-device"], Status.DISCONNECTED),
        (["shutdown"], Status.POWERED_OFF),
        (["other-error"], Status.BROKEN),
        (["cups-missing-filter-warning"], Status.BROKEN),
        (["wide-area-offering-report"], Status.READY),  # says nothing of this device
    ],
)
def test_reasons_are_told_apart(reasons: object, status: Status) -> None:
    told, why = status_of(queue_of({**IDLE, "printer-state-reasons": reasons}))
    assert told is status
    assert bool(why) == (status is not Status.READY)


def test_a_paused_queue_says_whether_a_person_paused_it() -> None:
    stopped = {**IDLE, "printer-state": 5, "printer-state-reasons": ["paused"]}
    by_fault = queue_of(
        {**stopped, "printer-state-message": "Printer stopped due to backend errors"}
    )
    by_hand = queue_of({**stopped, "printer-state-message": "Paused"})
    assert (by_fault.stopped, by_fault.stopped_by_hand) == (True, False)
    assert (by_hand.stopped, by_hand.stopped_by_hand) == (True, True)
    assert status_of(by_fault) == (Status.BROKEN, "the queue is paused")
    assert status_of(by_hand) == (Status.BROKEN, "the queue is paused by hand")
    assert status_of(queue_of({**IDLE, "printer-is-accepting-jobs": False}))[0] is Status.BROKEN
    assert status_of(queue_of({}))[0] is Status.UNKNOWN


def test_what_the_printer_can_do_is_apart_from_how_it_is() -> None:
    queue = queue_of(
        {
            **IDLE,
            "sides-supported": ["one-sided", "two-sided-long-edge"],
            "color-supported": True,
            "media-supported": ["iso_a4_210x297mm", "na_letter_8.5x11in"],
            "printer-make-and-model": "Made Up 4000",
        }
    )
    assert set(queue.capabilities) == {
        Capability.PRINTS_A4,
        Capability.PRINTS_BOTH_SIDES,
        Capability.PRINTS_COLOUR,
    }
    assert queue.model == "Made Up 4000"
    plain = queue_of(
        {**IDLE, "sides-supported": "one-sided", "media-supported": "na_letter_8.5x11in"}
    )
    assert plain.capabilities == ()


def test_a_job_that_ended_badly_says_why() -> None:
    jammed = queue_of({**IDLE, "printer-state-reasons": ["media-jam-error"]})
    assert job_fault(jammed, Job(JobState.ABORTED)).code is FaultCode.JAMMED
    well = queue_of(IDLE)
    assert job_fault(well, Job(JobState.CANCELLED, ("job-canceled-by-user",))) == Fault(
        FaultCode.CANCELLED, "job-canceled-by-user"
    )
    assert job_fault(well, Job(JobState.ABORTED)).code is FaultCode.BROKEN
    assert job_fault(well, Job(JobState.PENDING)).code is FaultCode.SILENT


def test_a_reason_that_is_put_aside_counts_no_more() -> None:
    queue = queue_of({**IDLE, "printer-state-reasons": ["media-empty-error", "media-low-warning"]})
    assert trouble(queue) is not None
    assert trouble(without(queue, {"media-empty-error"})) is None


def test_notifications_are_read_in_order_and_by_job() -> None:
    answer = {
        "events": [
            {
                "notify-sequence-number": 4,
                "notify-job-id": 7,
                "job-state": 9,
                "printer-state-reasons": ["none"],
            },
            {"notify-sequence-number": 5, "printer-state": 3, "printer-state-reasons": "none"},
            {"notify-job-id": 7},
            "noise",
        ]
    }
    first, second = events_of(answer)
    assert (first.number, first.job, first.what.state) == (4, 7, JobState.COMPLETED)
    assert (second.number, second.job, second.printer_reasons) == (5, 0, ("none",))
    assert events_of({}) == () and events_of({"events": 3}) == ()


def test_free_text_of_a_queue_never_gets_into_a_reason() -> None:
    queue = queue_of({**IDLE, "printer-state-reasons": ["other-error", "printing for 王小明!"]})
    assert status_of(queue) == (Status.BROKEN, "other-error")


@pytest.mark.parametrize(
    ("data", "copies", "well"),
    [
        (b"%PDF-1.7\n", 1, True),
        (b"\xef\xbb\xbf%PDF-1.4", 20, True),
        (b"%!PS", 1, False),
        (b"", 1, False),
        (b"%PDF-1.7", 0, False),
        (b"%PDF-1.7", 21, False),
    ],
)
def test_only_a_pdf_and_a_sensible_number_of_copies_is_sent(
    data: bytes, copies: int, well: bool
) -> None:
    assert (document_fault(data, copies) is None) == well


def test_addresses_of_queues() -> None:
    printer = DeviceClass.PAGE_PRINTER
    assert named(printer, "cups://A4") == "A4"
    assert named(printer, "cups://%E6%89%93%E5%8D%B0") == "打印"
    for wrong in ("cups://", "ipp://x/y", "cups://a/b", "cups://a b", "cups://a?x"):
        assert isinstance(named(printer, wrong), Fault)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "printer-state",
                "printer-state-reasons",
                "printer-state-message",
                "printer-is-accepting-jobs",
                "printer-make-and-model",
                "sides-supported",
                "media-supported",
                "color-supported",
                "job-state",
                "job-state-reasons",
                "job-media-sheets-completed",
                "job-impressions-completed",
                "events",
            ]
        ),
        ANY,
    )
)
def test_whatever_a_server_answers_is_a_status_and_never_a_crash(answer: dict[str, object]) -> None:
    queue = queue_of(answer)
    assert isinstance(queue.state, PrinterState)
    status, reason = status_of(queue)
    assert isinstance(status, Status) and all(c.isascii() for c in reason)
    job = job_of(answer)
    assert isinstance(job_fault(queue, job), Fault) and job.sheets >= 0
    events_of(answer)
    events_of({"events": [answer]})
    assert isinstance(without(queue, {"x"}), Queue)
