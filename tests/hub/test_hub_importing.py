"""What a terminal wrote to a stick is taken like a batch that came over the line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import cbor2
import pytest
from hub_terminal import PDF, PNG, Terminal, in_order, packed, sha
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.applications.importing import ImportFailedError, ImportFault, taken_from
from hub.applications.models import Application, Attachment, LaterPapers, ReceivedItem
from hub.cli import main
from kiosk.receipts import number as receipt_number
from offline_cache.hub_keys import HubKeysFile, parse_seal_keys
from offline_cache.keys import open_keys
from offline_cache.leaving import export
from offline_cache.outbox import Attachment as Paper
from offline_cache.outbox import ItemKind
from offline_cache.queue import SendQueue
from offline_cache.store import Store, StorePlaces, open_store

ZONE = ZoneInfo("Asia/Shanghai")


class Clock:
    def monotonic(self) -> float:
        return 0.0

    def utc(self) -> datetime:
        return datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


@pytest.fixture
def store(terminal: Terminal, tmp_path: Path) -> Iterator[Store]:
    """The real store of a terminal that this hub enrolled."""
    places = StorePlaces(tmp_path / "terminal")
    keys = open_keys(places.keys)
    told = [{"suite": 1, "public_key": terminal.seal_key, "id": _key_id(terminal.seal_key)}]
    HubKeysFile(places.hub_keys, keys.database).write("QS01", parse_seal_keys(told))
    made = open_store(places.data, keys, Clock(), draft_kept=timedelta(minutes=15), zone=ZONE)
    yield made
    made.close()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """The command itself, on the tests' database."""
    monkeypatch.setattr("hub.cli._made", lambda: True)
    before = os.umask(0o022)
    yield lambda *arguments: main(["import", *map(str, arguments)])
    os.umask(before)


def _key_id(public_key: str) -> str:
    from base64 import b64decode

    return hashlib.sha256(b64decode(public_key)).digest()[:8].hex()


def _sealed(store: Store, terminal: Terminal) -> str:
    body = terminal.application()
    for name in ("number", "accepted_at"):
        del body[name]
    done = store.outbox.seal(
        session=str(uuid.uuid4()),
        item=body["item"],
        id_number=body["applicant"]["number"],
        name_masked="钟***",
        application=body,
        attachments=[
            Paper("household_page", "application/pdf", PDF),
            Paper("signature", "image/png", PNG),
        ],
        make_number=lambda serial, at: receipt_number.make("QS01", serial, at),
    )
    return str(done.number)


def _export(store: Store, to: Path) -> Path:
    queue = SendQueue(store.database, store.blobs, Clock())
    exported = export(store.database, queue, "QS01", to)
    assert exported.items
    return to


def _results(folder: Path) -> list[str]:
    return [one.answer.result.value for one in taken_from(folder)]


def test_a_stick_brings_applications_papers_and_ratings_as_the_line_would(
    store: Store,
    terminal: Terminal,
    tmp_path: Path,
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    numbers = [_sealed(store, terminal) for _ in range(3)]
    rating = {"number": numbers[0], "level": 5, "reasons": [], "channel": "touch"}
    store.outbox.add(ItemKind.RATING, numbers[0], {**rating, "rated_at": "2026-11-22T06:31:00Z"})
    later = terminal.later_papers(numbers[1], materials=[])
    photo = Paper("photo", "application/pdf", b"%PDF the photo that was missing")
    store.outbox.hand_in(numbers[1], later, [photo], codes=["photo"])
    stick = _export(store, tmp_path / "stick")

    assert command(stick, "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["result"] for line in lines[:-1]] == ["accepted"] * 5
    assert [line["number"] for line in lines[:-1]] == [*numbers, numbers[0], numbers[1]]
    assert {line["terminal"] for line in lines[:-1]} == {"QS01"}
    assert lines[-1] == {"ok": True, "counts": {"accepted": 5}}
    assert ReceivedItem.objects.count() == 5
    assert Attachment.objects.count() == 3
    terminal.way.settle()
    papers = LaterPapers.objects.get()
    assert papers.application_id == numbers[1]
    assert [one.code for one in papers.enclosures.all()] == ["photo"]
    said = json.dumps(lines, ensure_ascii=False)
    assert "钟离" not in said and "440101" not in said  # whoever carries the stick reads the screen

    assert command(stick) == 0  # once more
    assert capsys.readouterr().out.splitlines()[-1] == "5 duplicate"
    assert ReceivedItem.objects.count() == 5


def test_what_came_over_the_line_meanwhile_counts_once(
    store: Store, terminal: Terminal, tmp_path: Path
) -> None:
    for _ in range(2):
        _sealed(store, terminal)
    stick = _export(store, tmp_path / "stick")
    (batch,) = stick.glob("batch-*.cbor")
    for name in (stick / "attachments").iterdir():
        content = name.read_bytes()
        terminal.begin(name.name, len(content))
        terminal.append(name.name, 0, content)
    told = terminal.ask("POST", "batch", batch.read_bytes(), {"Content-Type": "application/cbor"})
    assert told.status == 200
    assert _results(stick) == ["duplicate", "duplicate"]


def _stick(terminal: Terminal, to: Path, *items: dict[str, Any], code: str = "QS01") -> Path:
    """Written from the agreement, not with the terminal's own code."""
    batch = {"terminal": code, "epoch": terminal.epoch, "last_seq": terminal.seq}
    content = cbor2.dumps({**batch, "items": [in_order(packed(item)) for item in items]})
    papers = {sha(made): made for made in map(terminal.seal_attachment, (PDF, PNG))}
    (to / "attachments").mkdir(parents=True)
    files = {"batch-0001.cbor": content}
    files |= {f"attachments/{name}": made for name, made in papers.items()}
    for name, made in files.items():
        (to / name).write_bytes(made)
    listed = {name: sha(made) for name, made in files.items()}
    (to / "manifest.json").write_text(json.dumps(listed))
    return to


def test_a_conflict_is_kept_and_told_and_the_others_are_taken(
    terminal: Terminal, tmp_path: Path
) -> None:
    one = terminal.item("application", terminal.application())
    other = terminal.item("application", terminal.application())
    assert _results(_stick(terminal, tmp_path / "first", one)) == ["accepted"]
    twisted = {**terminal.item("application", terminal.application()), "id": one["id"]}
    assert _results(_stick(terminal, tmp_path / "second", twisted, other)) == [
        "conflict",
        "accepted",
    ]


def test_an_application_whose_paper_is_not_on_the_stick_waits_for_it(
    terminal: Terminal,
    tmp_path: Path,
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    stick = _stick(terminal, tmp_path / "s", terminal.item("application", terminal.application()))
    listed = json.loads((stick / "manifest.json").read_text())
    lost = f"attachments/{sha(terminal.seal_attachment(PDF))}"
    del listed[lost]
    (stick / "manifest.json").write_text(json.dumps(listed))
    assert command(stick) == 4
    assert "incomplete" in capsys.readouterr().out
    assert Application.objects.count() == 0


@pytest.mark.parametrize("what", ["cut", "other", "gone", "link"])
@pytest.mark.parametrize("which", ["batch-0001.cbor", "paper"])
def test_a_stick_that_lost_something_is_found_out_before_anything_is_taken(
    terminal: Terminal, tmp_path: Path, what: str, which: str
) -> None:
    stick = _stick(terminal, tmp_path / "s", terminal.item("application", terminal.application()))
    file = stick / which
    if which == "paper":
        file = next((stick / "attachments").iterdir())
    match what:
        case "cut":
            os.truncate(file, file.stat().st_size // 2)
        case "other":
            content = bytearray(file.read_bytes())
            content[-1] ^= 1
            file.write_bytes(content)
        case "gone":
            file.unlink()
        case "link":
            file.rename(tmp_path / "elsewhere")
            file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ImportFailedError) as failed:
        _results(stick)
    assert failed.value.fault is ImportFault.DAMAGED
    assert ReceivedItem.objects.count() == 0 and Attachment.objects.count() == 0


def test_a_terminal_that_nobody_enrolled_brings_nothing(terminal: Terminal, tmp_path: Path) -> None:
    item = terminal.item("application", terminal.application())
    stick = _stick(terminal, tmp_path / "s", item, code="QS77")
    with pytest.raises(ImportFailedError) as failed:
        _results(stick)
    assert failed.value.fault is ImportFault.UNKNOWN_TERMINAL


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "batch-1.cbor", "a/b", ""])
def test_a_manifest_that_names_anything_else_is_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({name: "0" * 64}))
    with pytest.raises(ImportFailedError) as failed:
        _results(tmp_path)
    assert failed.value.fault is ImportFault.NOT_AN_EXPORT


def test_a_folder_that_is_no_export_is_told(tmp_path: Path, command: Callable[..., int]) -> None:
    for folder in (tmp_path / "absent", tmp_path):
        assert command(folder) == 4


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_on_a_stick_do_more_than_fail(
    terminal: Terminal, tmp_path: Path, content: bytes, manifest: bool
) -> None:
    folder = tmp_path / "any"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if manifest:
        (folder / "manifest.json").write_bytes(content)
    else:
        (folder / "batch-0001.cbor").write_bytes(content)
        (folder / "manifest.json").write_text(json.dumps({"batch-0001.cbor": sha(content)}))
    try:
        assert _results(folder) == []
    except ImportFailedError as failed:
        assert failed.fault in ImportFault
