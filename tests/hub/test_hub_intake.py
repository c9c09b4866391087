"""What happens to an application at the hub's door."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import cbor2
import pytest
from django.db import OperationalError
from django.utils import timezone
from hub_terminal import PDF, PERSON, PNG, Door, Terminal, number_in, sha
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hub import limits
from hub.applications import intake, places
from hub.applications.blobs import FolderStore
from hub.applications.lost import Checked, check
from hub.applications.models import (
    Application,
    PrintResult,
    Queue,
    Rating,
    ReceivedItem,
    SetAside,
)
from hub.applications.record import counts, record
from hub.terminals.identity import CONTACT_NOTED_S
from hub.terminals.models import Terminal as Known

pytestmark = pytest.mark.django_db


def _refused(raw: Any) -> intake.Read:
    item = intake.item_of(raw)
    return intake.Read(
        raw, item, intake.Judged(intake.Result.REFUSED, "item_invalid", "too narrow")
    )


# -- taken once, for ever -----------------------------------------------------


def test_an_application_with_its_papers_is_taken(terminal: Terminal) -> None:
    body = terminal.application()
    item = terminal.applied(**body)
    held = record(number_in(item))
    assert held is not None
    assert held["application"] == body
    assert held["state"] == "received"
    assert (held["id"], held["epoch"], held["seq"]) == (item["id"], terminal.epoch, 1)
    assert [(one["code"], one["held"]) for one in held["attachments"]] == [
        ("household_page", True),
        ("signature", True),
    ]


def test_the_answer_names_the_item_and_echoes_its_hash(terminal: Terminal) -> None:
    item = terminal.item("rating", terminal.rating(terminal.number()))
    assert terminal.send(item) == [
        {
            "id": item["id"],
            "sha256": item["sha256"],
            "result": "accepted",
            "missing": [],
            "code": "",
            "text": "",
        }
    ]


@pytest.mark.fault(12)
def test_sent_again_because_the_answer_was_lost_it_is_one_application(terminal: Terminal) -> None:
    item = terminal.applied()
    assert [one["result"] for one in terminal.send(item, item)] == ["duplicate", "duplicate"]
    assert Application.objects.count() == 1


@pytest.mark.fault(15)
def test_the_same_id_with_other_content_is_a_conflict_and_both_are_kept(
    terminal: Terminal,
) -> None:
    item = terminal.applied()
    number = number_in(item)
    other = terminal.again_with(item, terminal.application(number, language="en"))
    for _ in range(2):
        answer = terminal.send(other)[0]
        assert (answer["result"], answer["code"]) == ("conflict", "other_content")
    row = SetAside.objects.get()
    assert (row.held_sha256, row.sha256) == (item["sha256"], other["sha256"])
    assert base64.b64encode(bytes(row.sealed)).decode() == other["sealed"]
    assert row.times == 2
    assert base64.b64encode(bytes(ReceivedItem.objects.get().sealed)).decode() == item["sealed"]


def test_the_same_item_at_another_place_is_a_conflict(terminal: Terminal) -> None:
    item = terminal.item("rating", terminal.rating(terminal.number()))
    terminal.send(item)
    answer = terminal.send({**item, "seq": 7})[0]
    assert (answer["result"], answer["code"]) == ("conflict", "other_place")


def test_a_batch_in_cbor_is_answered_in_cbor_without_its_empty_fields(terminal: Terminal) -> None:
    terminal.put(PNG)
    items = [
        terminal.item("application", terminal.application()),
        terminal.item("rating", terminal.rating(terminal.number())),
    ]
    reply = terminal.batch_cbor(*items)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/cbor")
    said = cbor2.loads(reply.content)
    assert set(said) == {"time", "answers", "resend"}  # the first place waits for its paper
    assert said["resend"] == [[1, 1]]
    assert said["answers"] == [
        {
            "id": uuid.UUID(items[0]["id"]).bytes,
            "sha256": bytes.fromhex(items[0]["sha256"]),
            "result": "incomplete",
            "missing": [bytes.fromhex(sha(terminal.seal_attachment(PDF)))],
        },
        {
            "id": uuid.UUID(items[1]["id"]).bytes,
            "sha256": bytes.fromhex(items[1]["sha256"]),
            "result": "accepted",
        },
    ]


def test_the_same_place_in_the_queue_with_another_id_is_a_conflict(terminal: Terminal) -> None:
    first = terminal.item("rating", terminal.rating(terminal.number()))
    body = terminal.rating(terminal.number())
    second = terminal.again_with(first, body, id=str(uuid.uuid4()))
    results = [(one["result"], one["code"]) for one in terminal.send(first, second)]
    assert results == [("accepted", ""), ("conflict", "place_taken")]


@pytest.mark.fault(29)
def test_a_terminal_is_told_how_far_its_queue_came_so_that_an_old_copy_of_it_shows(
    terminal: Terminal,
) -> None:
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(3)]
    terminal.send(*items)

    def top(epoch: str, last_seq: int) -> Any:
        path = f"contact?epoch={epoch}&last_seq={last_seq}"
        return terminal.ask("GET", path).json["top_seq"]

    assert [top(terminal.epoch, seq) for seq in (0, 1, 3, 9)] == [3] * 4
    assert top(uuid.uuid4().hex, 5) == 0
    assert terminal.ask("GET", "contact").json["top_seq"] == 0


@pytest.mark.fault(29)
def test_a_new_epoch_begins_its_places_anew(terminal: Terminal) -> None:
    terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    terminal.epoch, terminal.seq = uuid.uuid4().hex, 0
    again = terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    assert again[0]["result"] == "accepted"


@pytest.mark.fault(29)
def test_a_number_that_is_taken_is_a_conflict_not_a_second_application(
    terminal: Terminal,
) -> None:
    """A terminal set up anew may start its day's numbers from one again."""
    item = terminal.applied()
    again = terminal.item("application", terminal.application(number_in(item), materials=[]))
    answer = terminal.outcome(again)
    assert (answer["result"], answer["code"]) == ("conflict", "number_taken")
    row = SetAside.objects.get()
    assert (row.held_sha256, row.sha256) == (item["sha256"], again["sha256"])
    assert base64.b64encode(bytes(row.sealed)).decode() == again["sealed"]
    assert Application.objects.get().received_id == uuid.UUID(item["id"])


@pytest.mark.fault(20)
def test_an_id_that_another_terminal_used_is_a_conflict(terminal: Terminal) -> None:
    item = terminal.applied()
    other = _second_terminal()
    own = other.item("rating", other.rating(other.number()))
    stolen = other.again_with(own, other.rating(other.number()), id=item["id"])
    answer = other.send(stolen)[0]
    assert (answer["result"], answer["code"]) == ("conflict", "id_elsewhere")


# -- whole, or not yet --------------------------------------------------------


def test_an_application_waits_until_its_papers_are_there(terminal: Terminal) -> None:
    item = terminal.item("application", terminal.application())
    answer = terminal.send(item)[0]
    pdf, png = sha(terminal.seal_attachment(PDF)), sha(terminal.seal_attachment(PNG))
    assert (answer["result"], answer["missing"]) == ("incomplete", [pdf, png])
    assert terminal.put(PDF).status == 204
    assert terminal.send(item)[0]["missing"] == [png]
    assert not Application.objects.exists()
    assert terminal.put(PNG).status == 204
    assert terminal.send(item)[0]["result"] == "accepted"


def test_a_paper_of_another_size_than_the_application_says_is_a_fault(terminal: Terminal) -> None:
    terminal.put(PDF)
    terminal.put(PNG)
    body = terminal.application()
    body["materials"][0]["bytes"] += 1
    answer = terminal.outcome(terminal.item("application", body))
    assert (answer["result"], answer["code"]) == ("refused", "attachments_differ")


def test_papers_outside_the_seal_are_those_inside(terminal: Terminal) -> None:
    terminal.put(PDF)
    terminal.put(PNG)
    item = terminal.item("application", terminal.application())
    answer = terminal.outcome({**item, "attachments": item["attachments"][:1]})
    assert (answer["result"], answer["code"]) == ("refused", "attachments_differ")


def test_a_paper_that_another_terminal_sent_is_not_ones_own(terminal: Terminal) -> None:
    terminal.put(PDF)
    other = _second_terminal()
    other._sealed[PDF] = terminal.seal_attachment(PDF)
    other.put(PNG)
    answer = other.send(other.item("application", other.application()))[0]
    assert (answer["result"], answer["code"]) == ("refused", "attachment_elsewhere")


def test_a_paper_that_cannot_be_opened_is_told_with_its_application(terminal: Terminal) -> None:
    """It arrived whole, so it is not asked for again and again."""
    terminal._sealed[PDF] = b"ZW1 but nothing that anybody sealed, and long enough to be looked at"
    assert terminal.put(PDF).status == 204
    terminal.put(PNG)
    answer = terminal.outcome(terminal.item("application", terminal.application()))
    assert (answer["result"], answer["code"]) == ("refused", "attachment_sealed")


@pytest.mark.fault(30)
def test_a_hub_restored_without_its_files_asks_for_them_again(
    terminal: Terminal, attachments: Path
) -> None:
    item = terminal.applied()
    pdf = sha(terminal.seal_attachment(PDF))
    next(path for path in attachments.rglob(pdf)).unlink()
    answer = terminal.send(item)[0]
    assert (answer["result"], answer["missing"]) == ("incomplete", [pdf])
    assert terminal.put(PDF).status == 204
    assert terminal.send(item)[0]["result"] == "duplicate"


def test_papers_lost_from_an_older_copy_are_asked_for_until_they_are_back(
    terminal: Terminal, attachments: Path
) -> None:
    item, pdf = terminal.applied(), sha(terminal.seal_attachment(PDF))
    terminal.send(terminal.item("rating", terminal.rating(number_in(item))))
    place = [item["seq"], item["seq"]]

    def asked_for() -> Any:
        check(FolderStore(attachments))
        path = f"contact?epoch={terminal.epoch}&last_seq=2"
        return terminal.ask("GET", path).json["resend"]

    assert asked_for() == []
    next(path for path in attachments.rglob(pdf)).unlink()
    assert check(FolderStore(attachments)) == Checked(items=1, lost=1)
    assert counts()["items_with_lost_attachments"] == 1
    assert asked_for() == [place]
    assert terminal.send(item)[0]["missing"] == [pdf]
    assert asked_for() == [place]
    assert terminal.put(PDF).status == 204
    assert terminal.send(item)[0]["result"] == "duplicate"
    assert counts()["items_with_lost_attachments"] == 0
    assert asked_for() == []


def test_a_full_disk_is_no_refusal_the_terminal_comes_again(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hub.applications.blobs.os.fsync", full)
    reply = terminal.put(PDF)
    assert (reply.status, reply.json["error"]["code"]) == (503, "no_space")
    assert reply.headers["Retry-After"]


# -- what follows an application ----------------------------------------------


def test_rating_and_print_result_stand_with_the_application(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    printed = {"number": number, "result": "paper_out", "at": "2026-11-22T01:42:00Z"}
    answers = terminal.outcomes(
        terminal.item("print_result", printed), terminal.item("rating", terminal.rating(number, 2))
    )
    assert [one["result"] for one in answers] == ["accepted", "accepted"]
    held = record(number)
    assert held is not None
    assert held["print_results"] == [{"result": "paper_out", "at": "2026-11-22T01:42:00.000Z"}]
    assert [one["level"] for one in held["ratings"]] == [2]


def test_a_rating_that_arrives_first_finds_its_application_later(terminal: Terminal) -> None:
    number = terminal.number()
    printed = {"number": number, "result": "printed", "at": "2026-11-22T01:42:00Z"}
    terminal.outcomes(
        terminal.item("rating", terminal.rating(number)), terminal.item("print_result", printed)
    )
    assert Rating.objects.get().application is None
    terminal.applied(number=number)
    assert Rating.objects.get().application_id == number
    assert PrintResult.objects.get().application_id == number


# -- one bad item -------------------------------------------------------------


def test_one_bad_item_among_a_hundred_is_refused_and_the_others_are_taken(
    terminal: Terminal,
) -> None:
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(100)]
    items[57]["sha256"] = "0" * 64
    answers = terminal.send(*items)
    assert [one["id"] for one in answers] == [one["id"] for one in items]
    refused = [number for number, one in enumerate(answers) if one["result"] != "accepted"]
    assert refused == [57]
    assert (answers[57]["result"], answers[57]["code"]) == ("refused", "hash_mismatch")
    assert ReceivedItem.objects.count() == 99


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": "not-a-uuid"}, "item_invalid"),
        ({"id": None}, "item_invalid"),
        ({"seq": 0}, "item_invalid"),
        ({"seq": 2**63}, "item_invalid"),
        ({"seq": "7"}, "item_invalid"),
        ({"seq": True}, "item_invalid"),
        ({"kind": "payment"}, "item_invalid"),
        ({"order_key": ""}, "item_invalid"),
        ({"order_key": "a b"}, "item_invalid"),
        ({"created_at": "yesterday"}, "item_invalid"),
        ({"created_at": "2026-11-22T01:41:00"}, "item_invalid"),
        ({"sha256": "A" * 64}, "item_invalid"),
        ({"sha256": "0" * 64}, "hash_mismatch"),
        ({"sealed": 5}, "item_invalid"),
        ({"sealed": "%%%%"}, "item_invalid"),
        ({"sealed": "\ud800"}, "item_invalid"),
        ({"sealed": base64.b64encode(bytes(393_217)).decode()}, "item_invalid"),
        ({"chain": "0" * 63}, "item_invalid"),
        ({"attachments": ["x"]}, "item_invalid"),
        ({"attachments": ["0" * 64] * 52}, "item_invalid"),
    ],
)
def test_an_item_that_breaks_the_agreement_is_refused_with_a_reason(
    terminal: Terminal, changes: dict[str, Any], code: str
) -> None:
    item = {**terminal.item("rating", terminal.rating(terminal.number())), **changes}
    answer = terminal.send(item)[0]
    assert (answer["result"], answer["code"]) == ("refused", code)
    assert answer["text"]
    assert not ReceivedItem.objects.exists()
    assert SetAside.objects.get().outcome == "refused"


_WRONG_BODIES: list[tuple[str, Any]] = [
    ("rating", {"level": 0}),
    ("rating", {"level": 6}),
    ("rating", {"level": 4.5}),
    ("rating", {"level": "5"}),
    ("rating", {"reasons": "510"}),
    ("rating", {"reasons": ["51 0"]}),
    ("rating", {"number": "QS01261122000100"}),
    ("rating", {"rated_at": 12}),
    ("application", {"materials": None}),
    ("application", {"item": "a/../b"}),
    ("application", {"applicant": {**PERSON, "name": ""}}),
    ("application", {"applicant": {**PERSON, "name": "a\u0000b"}}),
    ("application", {"applicant": {**PERSON, "number": "4401 01"}}),
    ("application", {"consent": None}),
    ("application", {"terminal": "QS02"}),
    ("application", {"form": []}),
]


@pytest.mark.parametrize(("kind", "changes"), _WRONG_BODIES)
def test_a_body_that_breaks_the_agreement_is_refused_without_quoting_it(
    terminal: Terminal, kind: str, changes: dict[str, Any]
) -> None:
    number = terminal.number()
    papers = {"materials": [], "signature": None}
    body = terminal.rating(number) if kind == "rating" else terminal.application(number, **papers)
    answer = terminal.outcome(terminal.item(kind, {**body, **changes}))
    assert answer["result"] == "refused"
    assert answer["code"] in ("body_invalid", "other_terminal")
    for value in ("钟离", "440101", "13800138000", "4401 01", "a/../b"):
        assert value not in answer["text"]


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"body": NaN}', "[" * 100_000, "\udcff"])
def test_a_body_that_is_no_json_object_is_refused(terminal: Terminal, text: str) -> None:
    item = terminal.item("rating", {})
    item = terminal.resealed(item, text.encode("utf-8", "surrogateescape"))
    answer = terminal.outcome(item)
    assert (answer["result"], answer["code"]) == ("refused", "body_not_json")


def test_two_materials_of_one_code_are_refused(terminal: Terminal) -> None:
    terminal.put(PDF)
    terminal.put(PNG)
    body = terminal.application()
    body["materials"] *= 2
    assert terminal.outcome(terminal.item("application", body))["code"] == "body_invalid"


def test_what_a_newer_terminal_adds_is_kept_and_does_not_stop_it(terminal: Terminal) -> None:
    item = terminal.applied(new_field={"a": 1})
    held = record(number_in(item))
    assert held is not None
    assert held["application"]["new_field"] == {"a": 1}


@pytest.mark.parametrize(
    ("rule", "narrow"),
    [
        ("hub.applications.opening.terminal_of", lambda number: "ZZ99"),  # seen by opening it
        ("hub.applications.intake._read", _refused),  # at the door
    ],
)
def test_a_refused_item_that_is_right_after_all_is_settled(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, rule: str, narrow: Any
) -> None:
    """The hub's rule was too narrow; it was put right and the operator pressed 'send again'."""
    item = terminal.item("application", terminal.application(materials=[], signature=None))
    with monkeypatch.context() as too:
        too.setattr(rule, narrow)
        assert terminal.outcome(item)["result"] == "refused"
    assert SetAside.objects.get().handled_at is None
    assert terminal.outcome(item)["result"] in ("accepted", "duplicate")
    assert SetAside.objects.get().handled_at is not None
    assert Application.objects.count() == 1
    assert terminal.verdicts() == []


def test_a_fault_of_ours_at_the_door_stops_no_other_item(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(10)]
    poisoned, row = items[6]["id"], intake._Settling._row

    def bug(item: Any) -> Any:
        if str(item.id) == poisoned:
            raise ZeroDivisionError("unforeseen, with a name: 钟离秋实")
        return row(item)

    with monkeypatch.context() as broken:
        broken.setattr(intake._Settling, "_row", staticmethod(bug))
        answers = terminal.send(*items)
    assert [one["result"] for one in answers] == ["accepted"] * 6 + ["later"] + ["accepted"] * 3
    assert "ZeroDivisionError" in caplog.text
    assert not SetAside.objects.exists()
    assert terminal.send(items[6])[0]["result"] == "accepted"


# -- what was sealed ----------------------------------------------------------


def test_a_seal_is_bound_to_its_place(terminal: Terminal) -> None:
    """Nobody on the way can pass one item off as another."""
    item = terminal.item("rating", terminal.rating(terminal.number()))
    for at, changes in enumerate(({"seq": 2}, {"kind": "print_result", "seq": 3}, {"seq": 4})):
        answer = terminal.outcome({**item, "id": str(uuid.uuid4()), **changes})
        assert (answer["result"], answer["code"]) == ("refused", "not_authentic"), at
    terminal.batch({**item, "id": str(uuid.uuid4())}, epoch="another")
    terminal.way.settle()
    assert [one["code"] for one in terminal.verdicts()] == ["not_authentic"] * 4
    assert terminal.outcome(item)["result"] == "accepted"


def test_what_cannot_be_opened_is_kept_as_it_came_and_shown_to_staff(terminal: Terminal) -> None:
    item = terminal.item("rating", terminal.rating(terminal.number()))
    made = bytearray(base64.b64decode(item["sealed"]))
    made[4] ^= 1  # the key's id
    item |= {"sealed": base64.b64encode(made).decode(), "sha256": sha(bytes(made))}
    answer = terminal.outcome(item)
    assert (answer["result"], answer["code"]) == ("refused", "unknown_seal_key")
    row = SetAside.objects.get(outcome="refused")
    assert bytes(row.sealed) == bytes(made)
    assert row.seq == item["seq"]


def test_what_lies_in_the_database_and_on_the_disk_is_still_sealed(
    terminal: Terminal, attachments: Path
) -> None:
    terminal.applied()
    kept = [bytes(row.sealed) for row in ReceivedItem.objects.all()]
    kept += [path.read_bytes() for path in attachments.rglob("*") if path.is_file()]
    assert len(kept) == 3
    for content in kept:
        assert content.startswith(b"ZW1")
        for plain in ("13800138000", "6222021234567890128", "钟离小满", "%PDF"):
            assert plain.encode() not in content


# -- the queue as a whole -----------------------------------------------------


@pytest.mark.fault(30)
def test_places_that_are_missing_are_asked_for(terminal: Terminal) -> None:
    """The hub was restored from yesterday's copy."""
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(600)]
    for at in range(0, 600, 100):
        terminal.send(*items[at : at + 100])
    contact = f"contact?epoch={terminal.epoch}&last_seq=600"
    assert terminal.ask("GET", contact).json["resend"] == []
    ReceivedItem.objects.filter(seq__gt=350).delete()
    Queue.objects.update(whole_upto=350, top_seq=350)
    assert terminal.ask("GET", contact).json["resend"] == [[351, 600]]
    said = terminal.batch(items[420], items[599], last_seq=600).json
    assert said["resend"] == [[351, 420], [422, 599]]
    assert Queue.objects.get().gap_since is not None
    for at in range(300, 600, 100):
        terminal.send(*items[at : at + 100])
    assert terminal.ask("GET", contact).json["resend"] == []
    row = Queue.objects.get()
    assert (row.whole_upto, row.top_seq, row.claimed_seq, row.gap_since) == (600, 600, 600, None)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    held=st.sets(st.integers(1, 40)),
    aside=st.sets(st.integers(1, 40)),
    upto=st.integers(0, 45),
    read=st.sampled_from([places.PLACES_READ_MAX, 3]),
)
def test_what_is_missing_is_what_is_neither_held_nor_set_aside(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    *,
    held: set[int],
    aside: set[int],
    upto: int,
    read: int,
) -> None:
    """In a long queue a part is looked at: from the first that is missing on, and at its end."""
    monkeypatch.setattr(places, "PLACES_READ_MAX", read)
    epoch = uuid.uuid4().hex
    now = timezone.now()
    queue = Queue.objects.create(terminal_id="QS01", epoch=epoch, first_at=now, last_at=now)
    ReceivedItem.objects.bulk_create(
        ReceivedItem(
            id=uuid.uuid4(), queue=queue, seq=seq, kind="rating", chain=b"", sha256=b"", sealed=b"",
            created_at=now, received_at=now,
        )
        for seq in held
    )  # fmt: skip
    SetAside.objects.bulk_create(
        SetAside(
            fingerprint=f"{epoch}{seq}"[:64], terminal_id="QS01", epoch=epoch, seq=seq,
            first_at=now, last_at=now,
        )
        for seq in aside
    )  # fmt: skip
    settled = held | aside
    whole = next(seq for seq in range(1, 42) if seq not in settled) - 1
    at = places.Place("QS01", epoch, queue.pk, whole_upto=whole, top_seq=max(settled, default=0))
    told = places.missing(at, upto)
    named = [seq for first, last in told for seq in range(first, last + 1)]
    top = min(upto, at.top_seq)
    near = max((seq for seq in settled if seq <= max(whole + read, top - read)), default=0)
    looked_at = {*range(whole + read + 1), *range(near + 1, upto + 1)}
    assert named == [seq for seq in range(1, upto + 1) if seq not in settled and seq in looked_at]
    assert all(after[0] > before[1] + 1 for before, after in pairwise(told))


def test_a_copy_of_the_hub_lacks_its_newest_and_asks_for_them_above_a_gap_that_never_closes(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing for good must not hide what the terminal still keeps."""
    monkeypatch.setattr(places, "PLACES_READ_MAX", 5)
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(40)]
    terminal.send(items[0], *items[2:30])  # the second is lost
    terminal.send(items[39])
    contact = f"contact?epoch={terminal.epoch}&last_seq=45"
    told = terminal.ask("GET", contact).json["resend"]
    assert told == [[2, 2], [31, 39], [41, 45]]
    terminal.send(*items[30:39])
    told = terminal.ask("GET", contact).json["resend"]
    assert told == [[2, 2], [41, 45]]


def test_a_place_that_was_set_aside_is_not_missing(terminal: Terminal) -> None:
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(3)]
    items[1]["sha256"] = "0" * 64
    reply = terminal.batch(*items)
    assert [one["result"] for one in reply.json["answers"]] == ["accepted", "refused", "accepted"]
    assert reply.json["resend"] == []
    assert Queue.objects.get().whole_upto == 3


def test_a_row_taken_out_or_changed_on_the_terminal_shows(terminal: Terminal) -> None:
    first, second, third, fourth = (
        terminal.item("rating", terminal.rating(terminal.number())) for _ in range(4)
    )
    terminal.send(fourth, first, third)  # in any order
    assert not SetAside.objects.exists()
    # A row in the second's place that was never chained: its own link and the next do not fit.
    body = terminal.rating(terminal.number())
    forged = terminal.again_with(second, body, id=str(uuid.uuid4()))
    assert terminal.send(forged)[0]["result"] == "accepted"
    rows = SetAside.objects.filter(outcome="chain").order_by("seq")
    assert [(row.seq, row.code) for row in rows] == [(2, "chain_broken"), (3, "chain_broken")]


def test_the_first_place_is_chained_to_nothing(terminal: Terminal) -> None:
    terminal.link = bytes([1]) * 32
    terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    assert SetAside.objects.get().code == "chain_broken"


# -- the batch as a whole -----------------------------------------------------


def test_more_than_a_hundred_items_or_a_megabyte_is_too_large(terminal: Terminal) -> None:
    reply = terminal.batch(*[None] * 101)
    assert (reply.status, reply.json["error"]["code"]) == (413, "too_many_items")
    reply = terminal.batch({"sealed": "x" * limits.BATCH_BYTES})
    assert (reply.status, reply.json["error"]["code"]) == (413, "too_large")
    reply = terminal.post("progress", {"qr": "x" * 20_000})
    assert (reply.status, reply.json["error"]["code"]) == (413, "too_large")


@pytest.mark.fault(20)
def test_a_batch_for_another_terminal_is_not_taken(terminal: Terminal) -> None:
    reply = terminal.post("batch", {"terminal": "QS02", "epoch": "e", "items": []})
    assert (reply.status, reply.json["error"]["code"]) == (403, "other_terminal")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b"{", 400, "bad_request"),
        (b"\xff\xfe", 400, "bad_request"),
        (b"[" * 100_000, 400, "bad_request"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'{"terminal": "QS01", "epoch": "", "items": []}', 422, "invalid"),
        (b'{"terminal": "QS01", "epoch": "e", "items": {}}', 422, "invalid"),
        (b'{"terminal": "qs01", "epoch": "e", "items": []}', 422, "invalid"),
    ],
)
def test_a_batch_that_cannot_be_read_says_so(
    terminal: Terminal, content: bytes, status: int, code: str
) -> None:
    reply = terminal.ask("POST", "batch", content, {"Content-Type": "application/json"})
    assert (reply.status, reply.json["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"\x9f" * 50,  # lists without an end
        b"\x81" * 100_000,  # nested
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",  # a map of 2**64 pairs, it says
        cbor2.dumps({"terminal": "QS01"}) + b"x",
        cbor2.dumps(cbor2.CBORTag(35, "(a+)+$")),
        cbor2.dumps(cbor2.CBORTag(2, b"\xff" * 100_000)),
        cbor2.dumps(cbor2.CBORTag(28, [cbor2.CBORTag(29, 0)])),  # a list that holds itself
    ],
)
def test_cbor_that_cannot_be_read_says_so(terminal: Terminal, content: bytes) -> None:
    reply = terminal.ask("POST", "batch", content, {"Content-Type": "application/cbor"})
    assert (reply.status, reply.json["error"]["code"]) == (400, "bad_request")


def test_a_text_that_is_referred_to_a_million_times_is_not_read(terminal: Terminal) -> None:
    long = "x" * 500_000
    item: Any = {"id": long, "more": [long] * 100}
    body = cbor2.dumps(
        {"terminal": "QS01", "epoch": "e", "items": [item] * 100}, string_referencing=True
    )
    assert len(body) < limits.BATCH_BYTES
    reply = terminal.ask("POST", "batch", body, {"Content-Type": "application/cbor"})
    assert (reply.status, reply.json["error"]["code"]) == (400, "bad_request")


def test_a_long_text_of_an_item_that_is_none_is_kept_cut_short(terminal: Terminal) -> None:
    long = "x" * 500_000
    body = cbor2.dumps({"terminal": "QS01", "epoch": "e", "items": [{"id": long, "more": [long]}]})
    reply = terminal.ask("POST", "batch", body, {"Content-Type": "application/cbor"})
    assert reply.status == 200
    assert len(reply.content) < 20_000
    assert len(SetAside.objects.get().raw) < 1000


def test_a_batch_of_another_kind_is_not_read(terminal: Terminal) -> None:
    reply = terminal.ask("POST", "batch", b"<a/>", {"Content-Type": "text/xml"})
    assert (reply.status, reply.json["error"]["code"]) == (415, "bad_request")


def test_a_database_that_cannot_write_is_no_refusal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("hub.applications.tables.insert_new", locked)
    reply = terminal.batch(terminal.item("rating", terminal.rating(terminal.number())))
    assert (reply.status, reply.json["error"]["code"]) == (503, "busy")
    assert reply.headers["Retry-After"]


def test_the_hub_knows_how_far_a_queue_has_come(terminal: Terminal) -> None:
    terminal.applied()
    terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    row = Queue.objects.get(terminal="QS01")
    assert (row.epoch, row.top_seq) == (terminal.epoch, 2)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    broken=st.lists(
        _json
        | st.dictionaries(
            st.sampled_from(
                ["id", "seq", "kind", "order_key", "created_at", "sha256", "sealed", "more"]
            ),
            _json,
        ),
        max_size=5,
    ),
    kind=st.sampled_from(["application", "rating", "print_result", "later_papers"]),
    body=_json | st.dictionaries(st.sampled_from(["number", "level", "form", "agent"]), _json),
    twist=st.tuples(
        st.lists(st.sampled_from(["applicant", "number", "form", "materials", 0, "sha256"])), _json
    ),
)
def test_whatever_a_batch_holds_the_hub_answers_and_takes_the_good_item(
    terminal: Terminal, broken: list[Any], kind: str, body: Any, twist: tuple[list[Any], Any]
) -> None:
    path, value = twist
    twisted = terminal.application()
    place: Any = twisted
    for step in path[:-1]:
        follow = isinstance(place, dict) and step in place
        place = place[step] if follow else place
    if path and isinstance(place, dict):
        place[path[-1]] = value
    good = terminal.item("rating", terminal.rating(terminal.number()))
    sent = [
        *broken,
        {**terminal.item(kind, body), "order_key": "k"},
        {**terminal.item("application", twisted), "order_key": "k"},
        good,
    ]
    ends = terminal.outcomes(*sent)
    assert len(ends) == len(sent)
    assert ends[-1]["result"] == "accepted"
    assert all(
        one["result"] in ("refused", "incomplete", "conflict") and (one["text"] or one["missing"])
        for one in ends[:-1]
    )
    assert not ReceivedItem.objects.filter(to_open_at__isnull=False).exists()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from(["batch", "progress", "earlier", "enrol", "renew"]),
    content=st.binary(max_size=200)
    | st.builds(
        lambda value: json.dumps(value).encode(),
        _json
        | st.dictionaries(
            st.sampled_from(
                ["terminal", "epoch", "items", "qr", "item", "id_number", "since", "csr"]
            ),
            _json,
        ),
    ),
)
def test_whatever_is_sent_anywhere_the_answer_is_an_answer(
    terminal: Terminal, path: str, content: bytes
) -> None:
    reply = terminal.ask("POST", path, content, {"Content-Type": "application/json"})
    assert reply.status in (200, 400, 403, 404, 422, 429)
    if reply.status != 200:
        assert set(reply.json["error"]) == {"code", "text"}


# -- a whole batch at a glance, and each item by itself -----------------------------

_NUMBERS = count()
_MOVES = (
    "next", "next", "next", "again", "gap", "skipped", "twice", "other hash", "broken link", "no paper",
)  # fmt: skip


def _moved(terminal: Terminal, moves: list[str], held: list[dict[str, Any]]) -> list[Any]:
    """The items of one batch; `held` are those of the batches before."""
    batch: list[Any] = []
    for move in moves:
        if move == "again" and held:
            batch.append(held[0])
            continue
        if move == "gap":
            terminal.item("rating", terminal.rating(terminal.number()))  # it stays away
        if move == "no paper":
            body = terminal.application()
            batch.append(terminal.item("application", body))
            continue
        if move == "skipped":
            terminal.seq += 1  # and the chain goes on as if there were no such place
        item = terminal.item("rating", terminal.rating(terminal.number()))
        if move == "other hash":
            item["sha256"] = sha(b"other")
        if move == "broken link":
            item["chain"] = sha(b"other")
        batch += [item, item] if move == "twice" else [item]
    held += [one for one in batch if one not in held]
    return batch


def _held_of(code: str) -> tuple[Any, ...]:
    rows = ReceivedItem.objects.filter(queue__terminal_id=code).order_by("seq")
    aside = SetAside.objects.filter(terminal_id=code).order_by("seq", "outcome")
    queue = Queue.objects.get(terminal_id=code)
    return (
        [(row.seq, row.kind, row.to_open_at is None) for row in rows],
        [(row.outcome, row.code, row.seq, row.times) for row in aside],
        (queue.whole_upto, queue.top_seq, queue.claimed_seq, queue.gap_since is None),
    )


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(
        st.lists(st.sampled_from(_MOVES), min_size=1, max_size=4), min_size=1, max_size=4
    )
)
@example(batches=[["next", "broken link", "next"], ["next"]])
@example(batches=[["next"], ["broken link"], ["next", "next"]])
@example(batches=[["next"], ["gap", "next"], ["again", "next", "twice"]])
@example(batches=[["next", "other hash"], ["next"], ["no paper"], ["next", "next"]])
@example(batches=[["next"], ["next", "broken link", "next"], ["next"]])
@example(batches=[["next"], ["gap", "next"], ["next", "next"]])
@example(batches=[["next"], ["skipped", "next"], ["next"]])
def test_a_batch_that_is_taken_as_a_whole_ends_as_one_whose_items_are_looked_at(
    terminal: Terminal, batches: list[list[str]]
) -> None:
    """Items with their fields' names are looked at one by one; without them, as a whole batch."""
    others = [_terminal(f"T{next(_NUMBERS):03d}") for _ in range(2)]
    held: list[list[dict[str, Any]]] = [[], []]
    for moves in batches:
        named = _moved(others[0], moves, held[0])
        first = others[0].batch(*named, last_seq=others[0].seq).json
        whole = _moved(others[1], moves, held[1])
        second = cbor2.loads(others[1].batch_cbor(*whole, last_seq=others[1].seq).content)
        assert [(one["result"], one["code"], len(one["missing"])) for one in first["answers"]] == [
            (one["result"], one.get("code", ""), len(one.get("missing", ())))
            for one in second["answers"]
        ]
        assert first["resend"] == second.get("resend", [])
    assert _held_of(others[0].code) == _held_of(others[1].code)


def test_the_next_places_are_taken_without_a_look_at_each(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What always happens is what costs least; with papers too."""
    terminal.put(PDF)
    terminal.put(PNG)
    items = [terminal.item("application", terminal.application()) for _ in range(4)]
    assert terminal.batch_cbor(items[0], last_seq=1).status == 200
    monkeypatch.setattr(intake, "item_of", None)
    answers = cbor2.loads(terminal.batch_cbor(*items[1:], last_seq=9).content)["answers"]
    assert [one["result"] for one in answers] == ["accepted"] * 3
    assert [str(row.id) for row in ReceivedItem.objects.order_by("seq")] == [
        one["id"] for one in items
    ]
    queue = Queue.objects.get()
    assert (queue.whole_upto, queue.top_seq, queue.claimed_seq, queue.gap_since) == (4, 4, 9, None)
    assert bytes(queue.top_link).hex() == items[-1]["chain"]
    assert not SetAside.objects.exists()


def test_a_place_that_is_never_filled_makes_no_later_batch_slow(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for with all but full batches: those have more behind them."""
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(9)]
    assert terminal.batch_cbor(items[0], items[2]).status == 200
    since = Queue.objects.get().gap_since
    assert since is not None
    monkeypatch.setattr(intake, "item_of", None)
    said = cbor2.loads(terminal.batch_cbor(*items[3:5]).content)
    assert ([one["result"] for one in said["answers"]], said["resend"]) == (
        ["accepted"] * 2,
        [[2, 2]],
    )
    monkeypatch.setattr(limits, "BATCH_ITEMS", 4)
    said = cbor2.loads(terminal.batch_cbor(*items[5:]).content)
    assert [one["result"] for one in said["answers"]] == ["accepted"] * 4
    assert "resend" not in said
    queue = Queue.objects.get()
    assert (queue.whole_upto, queue.top_seq, queue.gap_since) == (1, 9, since)
    monkeypatch.undo()
    assert terminal.send(items[1])[0]["result"] == "accepted"
    queue = Queue.objects.get()
    assert (queue.whole_upto, queue.top_seq, queue.gap_since) == (9, 9, None)
    assert not SetAside.objects.exists()  # the chain holds, over the gap and beside it


def test_an_id_that_another_terminal_used_is_found_in_a_whole_batch(terminal: Terminal) -> None:
    other = _second_terminal()
    assert terminal.applied()["seq"] == 1
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(3)]
    first = other.item("rating", other.rating(other.number()))
    stolen = other.again_with(first, other.rating(other.number()), id=items[1]["id"])
    assert other.batch_cbor(stolen, last_seq=1).status == 200
    answers = cbor2.loads(terminal.batch_cbor(*items, last_seq=4).content)["answers"]
    assert [one["result"] for one in answers] == ["accepted", "conflict", "accepted"]
    assert answers[1]["code"] == "id_elsewhere"


@pytest.mark.parametrize("trouble", ["wire.sheet_of", "tables.insert_columns", "tables.arrays"])
def test_a_bug_with_a_whole_batch_costs_no_item(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(f"hub.applications.{trouble}", bug)
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(3)]
    answers = cbor2.loads(terminal.batch_cbor(*items, last_seq=3).content)["answers"]
    assert [one["result"] for one in answers] == ["accepted"] * 3


def test_a_database_that_cannot_write_a_whole_batch_is_no_refusal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    for way in ("insert_columns", "arrays"):  # the one on SQLite, the other on PostgreSQL
        monkeypatch.setattr(f"hub.applications.tables.{way}", locked)
    item = terminal.item("rating", terminal.rating(terminal.number()))
    reply = terminal.batch_cbor(item, last_seq=1)
    assert (reply.status, reply.json["error"]["code"]) == (503, "busy")
    assert not ReceivedItem.objects.exists()


def _second_terminal() -> Terminal:
    return _terminal("QS02")


def _terminal(code: str) -> Terminal:
    from hub.terminals.enrolment import new_code

    other = Terminal(code, Door())
    other.enrol(new_code(Known.objects.create(code=code), "test").code)
    return other


@pytest.mark.django_db(transaction=True)  # outside of one, as the hub serves: the note is its own
def test_when_a_terminal_was_last_heard_of_is_noted_but_not_at_every_word(
    terminal: Terminal,
) -> None:
    def heard_after(silence: timedelta) -> datetime | None:
        before = timezone.now() - silence
        Known.objects.update(last_contact=before)
        assert terminal.ask("GET", "contact").status == 200
        now = Known.objects.get().last_contact
        return None if now == before else now

    assert heard_after(timedelta(seconds=CONTACT_NOTED_S / 2)) is None
    noted = heard_after(timedelta(seconds=CONTACT_NOTED_S))
    assert noted is not None
    assert timezone.now() - noted < timedelta(seconds=CONTACT_NOTED_S)
