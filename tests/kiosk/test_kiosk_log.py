"""The log takes named events and listed fields only."""

from __future__ import annotations

import io
import json

from kiosk.log import MAX_FIELD_CHARACTERS, EventLog, load_catalogue


def written(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_of_the_catalogue_is_one_json_line_with_its_process() -> None:
    out = io.StringIO()
    EventLog(out, "window")("device_status", device="id_reader", status="ready", reason="answered")
    (line,) = written(out)
    assert line["event"] == "device_status"
    assert line["process"] == "window"
    assert line["status"] == "ready"


def test_a_field_that_is_not_listed_is_not_written_but_that_it_was_tried_is() -> None:
    out = io.StringIO()
    EventLog(out, "window")("session_started", session="s1", citizen="11010519491231002X")
    assert "11010519491231002X" not in out.getvalue()
    assert [line["event"] for line in written(out)] == ["unknown_event_refused", "session_started"]


def test_an_event_that_is_not_in_the_catalogue_is_not_written() -> None:
    out = io.StringIO()
    EventLog(out, "window")("card_contents", number="11010519491231002X")
    assert "11010519491231002X" not in out.getvalue()
    assert written(out)[0]["event"] == "unknown_event_refused"


def test_a_field_is_cut_to_the_length_of_a_reason() -> None:
    out = io.StringIO()
    EventLog(out, "window")("store_fault", fault="damaged", detail="x" * 5000)
    assert len(str(written(out)[0]["detail"])) == MAX_FIELD_CHARACTERS


def test_every_event_can_be_written_with_all_its_fields() -> None:
    for event, fields in load_catalogue().items():
        out = io.StringIO()
        EventLog(out, "window")(event, **{field: f"value of {field}" for field in fields})
        (line,) = written(out)
        assert line["event"] == event and "time" in line
        assert {field: line[field] for field in fields} == {
            field: f"value of {field}" for field in fields
        }
