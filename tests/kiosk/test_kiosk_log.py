"""The log takes named events and listed fields only."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from kiosk.log import MAX_FIELD_CHARACTERS, EventLog, load_catalogue, open_log


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


class FullDisk(io.StringIO):
    """Takes nothing while it is full."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_harms_nobody_who_logs_and_the_lost_lines_are_counted() -> None:
    out = FullDisk()
    log = EventLog(out, "window")
    log("session_started", session="s1")
    log("session_started", session="s2")
    out.full = False
    log("session_started", session="s3")
    lines = [json.loads(line) for line in out.getvalue().splitlines() if line]
    assert [line["event"] for line in lines] == ["log_lost", "session_started"]
    assert lines[0]["lines"] == 2


def test_a_real_full_disk_refuses_no_caller_nor_the_end_of_the_program() -> None:
    with Path("/dev/full").open("ab", buffering=0) as full:
        out = io.TextIOWrapper(full, encoding="utf-8", write_through=True)
        EventLog(out, "window")("session_started", session="s1")
        out.close()


def test_a_log_that_was_closed_harms_no_thread_that_ends_later() -> None:
    out = io.StringIO()
    log = EventLog(out, "window")
    out.close()
    log("session_started", session="s1")


def test_without_a_folder_for_logs_standard_error_is_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    in_the_way = tmp_path / "logs"
    in_the_way.write_text("a file", encoding="utf-8")
    with open_log(in_the_way, "window") as out:
        EventLog(out, "window")("session_started", session="s1")
    told = capfd.readouterr().err
    assert "paths.logs" in told and '"session_started"' in told


def test_a_log_file_is_for_the_user_of_the_service_only(tmp_path: Path) -> None:
    with open_log(tmp_path, "window") as out:
        EventLog(out, "window")("session_started", session="s1")
    file = tmp_path / "window.jsonl"
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text(encoding="utf-8"))["session"] == "s1"


def test_a_log_that_is_full_steps_aside_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.log.LOG_BYTES", 2000)
    with open_log(tmp_path, "window") as out:
        log = EventLog(out, "window")
        for number in range(200):
            log("session_started", session=f"s{number}")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [
        "window.jsonl",
        *(f"window.jsonl.{age}" for age in range(1, 6)),
    ]
    assert all(file.stat().st_size <= 2000 for file in files)
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    # nothing is cut in two, nothing lost between the files, and the newest line is there
    lines = [
        json.loads(line)["session"]
        for file in [*reversed(files[1:]), files[0]]
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert lines == [f"s{number}" for number in range(200 - len(lines), 200)]


def test_a_log_goes_on_where_the_last_start_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.log.LOG_BYTES", 150)
    for number in range(2):
        with open_log(tmp_path, "window") as out:
            EventLog(out, "window")("session_started", session=f"s{number}")
    assert "s0" in (tmp_path / "window.jsonl.1").read_text(encoding="utf-8")
    assert "s1" in (tmp_path / "window.jsonl").read_text(encoding="utf-8")


def test_a_log_that_cannot_step_aside_is_written_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.log.LOG_BYTES", 300)
    (tmp_path / "window.jsonl.1").mkdir()
    (tmp_path / "window.jsonl.1" / "full").touch()
    (tmp_path / "window.jsonl.2").mkdir()
    (tmp_path / "window.jsonl.2" / "full").touch()
    with open_log(tmp_path, "window") as out:
        log = EventLog(out, "window")
        for number in range(20):
            log("session_started", session=f"s{number}")
    assert "s19" in (tmp_path / "window.jsonl").read_text(encoding="utf-8")
