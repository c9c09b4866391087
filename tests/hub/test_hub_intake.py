"""What happens to an application at the hub's door."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from hub_terminal import PDF, PERSON, PNG, Door, Terminal, number_in, sha
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.applications.blobs import BlobFault, BlobStore
from hub.applications.models import (
    Application,
    PrintResult,
    Rating,
    ReceivedItem,
    SetAside,
)
from hub.applications.record import record
from hub.terminals.models import Terminal as Known

pytestmark = pytest.mark.django_db


# -- taken once, for ever -----------------------------------------------------


def test_an_application_with_its_papers_is_taken(terminal: Terminal) -> None:
    item = terminal.applied()
    held = record(number_in(item))
    assert held is not None
    assert held["application"] == json.loads(item["body"])
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


def test_sent_again_because_the_answer_was_lost_it_is_one_application(terminal: Terminal) -> None:
    item = terminal.applied()
    assert [one["result"] for one in terminal.send(item, item)] == ["duplicate", "duplicate"]
    assert Application.objects.count() == 1


def test_the_same_id_with_other_content_is_a_conflict_and_both_are_kept(
    terminal: Terminal,
) -> None:
    item = terminal.applied()
    number = number_in(item)
    other = terminal.item("application", terminal.application(number, language="en"))
    other |= {"id": item["id"], "seq": item["seq"]}
    for _ in range(2):
        answer = terminal.send(other)[0]
        assert (answer["result"], answer["code"]) == ("conflict", "other_content")
    row = SetAside.objects.get()
    assert (row.held_sha256, row.sha256) == (item["sha256"], other["sha256"])
    assert json.loads(row.raw)["body"] == other["body"]
    assert row.times == 2
    assert ReceivedItem.objects.get().body == item["body"]


def test_the_same_place_in_the_queue_with_another_id_is_a_conflict(terminal: Terminal) -> None:
    first = terminal.item("rating", terminal.rating(terminal.number()))
    second = {**terminal.item("rating", terminal.rating(terminal.number())), "seq": first["seq"]}
    results = [(one["result"], one["code"]) for one in terminal.send(first, second)]
    assert results == [("accepted", ""), ("conflict", "place_taken")]


def test_a_new_epoch_begins_its_places_anew(terminal: Terminal) -> None:
    terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    terminal.epoch, terminal.seq = uuid.uuid4().hex, 0
    again = terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    assert again[0]["result"] == "accepted"


def test_a_number_that_is_taken_is_a_conflict_not_a_second_application(
    terminal: Terminal,
) -> None:
    """A terminal set up anew may start its day's numbers from one again."""
    item = terminal.applied()
    again = terminal.item("application", terminal.application(number_in(item)))
    answer = terminal.send(again)[0]
    assert (answer["result"], answer["code"]) == ("conflict", "number_taken")
    assert SetAside.objects.get().held_sha256 == item["sha256"]


def test_an_id_that_another_terminal_used_is_a_conflict(terminal: Terminal) -> None:
    item = terminal.applied()
    other = _second_terminal()
    stolen = {**other.item("rating", other.rating(other.number())), "id": item["id"]}
    answer = other.send(stolen)[0]
    assert (answer["result"], answer["code"]) == ("conflict", "id_elsewhere")


# -- whole, or not yet --------------------------------------------------------


def test_an_application_waits_until_its_papers_are_there(terminal: Terminal) -> None:
    item = terminal.item("application", terminal.application())
    answer = terminal.send(item)[0]
    assert (answer["result"], answer["missing"]) == ("incomplete", [sha(PDF), sha(PNG)])
    assert terminal.put(PDF).status == 201
    assert terminal.send(item)[0]["missing"] == [sha(PNG)]
    assert not Application.objects.exists()
    assert terminal.put(PNG).status == 201
    assert terminal.send(item)[0]["result"] == "accepted"


def test_a_paper_that_is_held_is_not_taken_twice(terminal: Terminal) -> None:
    assert [terminal.put(PDF).status, terminal.put(PDF).status] == [201, 200]


def test_a_paper_damaged_on_the_way_is_refused_and_may_come_again(
    terminal: Terminal, attachments: Path
) -> None:
    damaged = bytearray(PDF)
    damaged[100] ^= 1
    for wrong in (bytes(damaged), PDF[:-1], PDF + b"x"):
        reply = terminal.put(wrong, sha(PDF))
        assert (reply.status, reply.json["error"]["code"]) == (422, "hash_mismatch")
    assert [path for path in attachments.rglob("*") if path.is_file()] == []
    assert terminal.put(PDF).status == 201


def test_a_paper_has_bytes_a_hash_and_a_limit(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal.put(b"").json["error"]["code"] == "empty"
    assert terminal.put(PDF, "A" * 64).status == 422
    assert terminal.put(PDF, "../../etc/passwd").status == 404
    monkeypatch.setattr("hub.limits.ATTACHMENT_BYTES", len(PDF) - 1)
    reply = terminal.put(PDF)
    assert (reply.status, reply.json["error"]["code"]) == (413, "too_large")


def test_a_body_that_never_ends_is_cut_off_and_leaves_nothing(tmp_path: Path) -> None:
    """However long the sender said it would be."""
    store = BlobStore(tmp_path, bytes_max=1000)
    assert store.put(sha(PDF), iter(lambda: b"x" * 100, None)) is BlobFault.TOO_LARGE
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_paper_of_another_size_than_the_application_says_is_a_fault(terminal: Terminal) -> None:
    terminal.put(PDF)
    terminal.put(PNG)
    body = terminal.application()
    body["materials"][0]["bytes"] += 1
    answer = terminal.send(terminal.item("application", body))[0]
    assert (answer["result"], answer["code"]) == ("refused", "body_invalid")


def test_a_hub_restored_without_its_files_asks_for_them_again(
    terminal: Terminal, attachments: Path
) -> None:
    item = terminal.applied()
    next(path for path in attachments.rglob(sha(PDF))).unlink()
    answer = terminal.send(item)[0]
    assert (answer["result"], answer["missing"]) == ("incomplete", [sha(PDF)])
    assert terminal.put(PDF).status == 201
    assert terminal.send(item)[0]["result"] == "duplicate"


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
    answers = terminal.send(
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
    terminal.send(
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
    assert Rating.objects.count() == 99


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": "not-a-uuid"}, "item_invalid"),
        ({"id": None}, "item_invalid"),
        ({"seq": -1}, "item_invalid"),
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
        ({"body": 5}, "item_invalid"),
        ({"body": "x" * 262_145}, "item_invalid"),
        ({"body": "\ud800"}, "item_invalid"),
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
    body = terminal.rating(number) if kind == "rating" else terminal.application(number)
    answer = terminal.send(terminal.item(kind, {**body, **changes}))[0]
    assert answer["result"] == "refused"
    assert answer["code"] in ("body_invalid", "other_terminal")
    for value in ("钟离", "440101", "13800138000", "4401 01", "a/../b"):
        assert value not in answer["text"]


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"number": NaN}', "[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(terminal: Terminal, text: str) -> None:
    answer = terminal.send(terminal.item("rating", text))[0]
    assert (answer["result"], answer["code"]) == ("refused", "body_not_json")


def test_two_materials_of_one_code_are_refused(terminal: Terminal) -> None:
    body = terminal.application()
    body["materials"] *= 2
    assert terminal.send(terminal.item("application", body))[0]["code"] == "body_invalid"


def test_what_a_newer_terminal_adds_is_kept_and_does_not_stop_it(terminal: Terminal) -> None:
    item = terminal.applied(new_field={"a": 1})
    held = record(number_in(item))
    assert held is not None
    assert held["application"]["new_field"] == {"a": 1}


def test_a_refused_item_that_is_right_after_all_is_settled(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's rule was too narrow; it was put right and the operator pressed 'send again'."""
    item = terminal.item("rating", terminal.rating(terminal.number()))
    with monkeypatch.context() as narrow:
        narrow.setattr("hub.applications.intake.terminal_of", lambda number: "ZZ99")
        assert terminal.send(item)[0]["result"] == "refused"
    assert SetAside.objects.get().handled_at is None
    assert terminal.send(item)[0]["result"] == "accepted"
    assert SetAside.objects.get().handled_at is not None


def test_a_fault_of_the_hub_with_one_item_does_not_stop_the_others(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_: object) -> bool:
        raise KeyError("unforeseen")

    terminal.put(PDF)
    terminal.put(PNG)
    monkeypatch.setattr("hub.applications.bodies.repeated_code", bug)
    answers = terminal.send(
        terminal.item("application", terminal.application()),
        terminal.item("rating", terminal.rating(terminal.number())),
    )
    assert [(one["result"], one["code"]) for one in answers] == [
        ("refused", "not_taken"),
        ("accepted", ""),
    ]


# -- the batch as a whole -----------------------------------------------------


def test_more_than_a_hundred_items_or_a_megabyte_is_too_large(terminal: Terminal) -> None:
    reply = terminal.batch(*[None] * 101)
    assert (reply.status, reply.json["error"]["code"]) == (413, "too_many_items")
    reply = terminal.batch({"body": "x" * 1_048_576})
    assert (reply.status, reply.json["error"]["code"]) == (413, "too_large")
    reply = terminal.post("progress", {"qr": "x" * 20_000})
    assert (reply.status, reply.json["error"]["code"]) == (413, "too_large")


def test_a_batch_for_another_terminal_is_not_taken(terminal: Terminal) -> None:
    reply = terminal.post("batch", {"terminal": "QS02", "epoch": "e", "items": []})
    assert (reply.status, reply.json["error"]["code"]) == (403, "other_terminal")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "invalid"),
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
    reply = terminal.ask("POST", "batch", content, "application/json")
    assert (reply.status, reply.json["error"]["code"]) == (status, code)


def test_a_database_that_cannot_write_is_no_refusal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def locked(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(ReceivedItem, "save", locked)
    reply = terminal.batch(terminal.item("rating", terminal.rating(terminal.number())))
    assert (reply.status, reply.json["error"]["code"]) == (503, "busy")
    assert reply.headers["Retry-After"]


def test_the_hub_knows_how_far_a_queue_has_come(terminal: Terminal) -> None:
    terminal.applied()
    terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    row = Known.objects.get(pk="QS01")
    assert (row.last_epoch, row.last_seq) == (terminal.epoch, 2)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    broken=st.lists(
        _json
        | st.dictionaries(
            st.sampled_from(
                ["id", "seq", "kind", "order_key", "created_at", "sha256", "body", "more"]
            ),
            _json,
        ),
        max_size=5,
    ),
    kind=st.sampled_from(["application", "rating", "print_result"]),
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
        {**terminal.item(kind, json.dumps(body)), "order_key": "k"},
        {**terminal.item("application", json.dumps(twisted)), "order_key": "k"},
        good,
    ]
    reply = terminal.batch(*sent)
    assert reply.status == 200, reply.json
    assert len(reply.json["answers"]) == len(sent)
    assert reply.json["answers"][-1]["result"] == "accepted"
    assert all(
        one["result"] in ("refused", "incomplete", "conflict") and (one["text"] or one["missing"])
        for one in reply.json["answers"][:-1]
    )


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from(["batch", "progress", "earlier", "enrol"]),
    content=st.binary(max_size=200)
    | st.builds(
        lambda value: json.dumps(value).encode(),
        _json
        | st.dictionaries(
            st.sampled_from(["terminal", "epoch", "items", "qr", "item", "id_number", "since"]),
            _json,
        ),
    ),
)
def test_whatever_is_sent_anywhere_the_answer_is_an_answer(
    terminal: Terminal, path: str, content: bytes
) -> None:
    reply = terminal.ask("POST", path, content, "application/json")
    assert reply.status in (200, 400, 403, 404, 422, 429)
    if reply.status != 200:
        assert set(reply.json["error"]) == {"code", "text"}


def _second_terminal() -> Terminal:
    from hub.terminals.enrolment import new_code

    other = Terminal("QS02", Door())
    other.enrol(new_code(Known.objects.create(code="QS02"), "test").code)
    return other
