"""Attachments at the door: parts, offsets, checksums, and where the whole ones go."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from django.conf import settings as hub_settings
from django.test import Client
from django.utils import timezone
from hub_terminal import PDF, PNG, Terminal, sha
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from hub.applications import blobs
from hub.applications.blobs import AttachmentStore, FolderStore, S3Error, S3Store, s3_store
from hub.applications.intake import Intake
from hub.applications.models import Application, Attachment
from hub.applications.tidying import UNNAMED_LIFE_D, tidy
from hub.applications.uploads import PART_LIFE_D, UNFINISHED_MAX
from hub.terminals.models import Terminal as Known

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper(terminal: Terminal) -> tuple[str, bytes]:
    """A sealed page and its name."""
    made = terminal.seal_attachment(PDF)
    return sha(made), made


def test_a_paper_comes_in_parts_and_goes_on_where_it_stopped(
    terminal: Terminal, paper: tuple[str, bytes], attachments: Path
) -> None:
    name, content = paper
    begun = terminal.begin(name, len(content))
    assert (begun.status, begun.headers["Location"]) == (201, f"/api/v1/attachments/{name}")
    first = terminal.append(name, 0, content[:4000])
    assert (first.status, first.headers["Upload-Offset"]) == (204, "4000")
    again = terminal.begin(name, len(content))  # it does not know how far it came
    assert (again.status, again.headers["Upload-Offset"]) == (201, "4000")
    asked = terminal.ask("HEAD", f"attachments/{name}")
    assert (asked.status, asked.headers["Upload-Offset"]) == (200, "4000")
    assert asked.headers["Upload-Length"] == str(len(content))
    assert "GMT" in asked.headers["Upload-Expires"]
    last = terminal.append(name, 4000, content[4000:])
    assert (last.status, last.headers["Upload-Offset"]) == (204, str(len(content)))
    assert (attachments / name[:2] / name).read_bytes() == content
    row = Attachment.objects.get()
    assert (row.content_sha256, row.bytes, row.media_type) == (
        sha(PDF),
        len(PDF),
        "application/pdf",
    )
    assert terminal.begin(name, len(content)).status == 200
    assert terminal.ask("HEAD", f"attachments/{name}").headers["Upload-Offset"] == str(len(content))


def test_a_part_that_is_sent_twice_does_not_come_twice(
    terminal: Terminal, paper: tuple[str, bytes]
) -> None:
    """The answer to the first was lost."""
    name, content = paper
    terminal.begin(name, len(content))
    terminal.append(name, 0, content[:100])
    reply = terminal.append(name, 0, content[:100])
    assert (reply.status, reply.json["error"]["code"]) == (409, "wrong_offset")
    assert terminal.append(name, 100, content[100:]).status == 204
    assert terminal.append(name, 100, content[100:]).status == 409


def test_a_part_that_was_damaged_on_the_way_is_not_kept(
    terminal: Terminal, paper: tuple[str, bytes]
) -> None:
    name, content = paper
    terminal.begin(name, len(content))
    digest = base64.b64encode(hashlib.sha256(content[:500]).digest()).decode()
    reply = terminal.append(name, 0, bytes(500), Upload_Checksum=f"sha256 {digest}")
    assert (reply.status, reply.json["error"]["code"]) == (460, "checksum_mismatch")
    assert terminal.ask("HEAD", f"attachments/{name}").headers["Upload-Offset"] == "0"


def test_a_whole_that_is_another_begins_anew(
    terminal: Terminal, paper: tuple[str, bytes], attachments: Path
) -> None:
    name, content = paper
    terminal.begin(name, len(content))
    terminal.append(name, 0, content[:-1])
    reply = terminal.append(name, len(content) - 1, b"?")
    assert (reply.status, reply.json["error"]["code"]) == (422, "hash_mismatch")
    assert not Attachment.objects.exists()
    assert [path for path in attachments.rglob("*") if path.is_file()] == []
    assert terminal.ask("HEAD", f"attachments/{name}").status == 404
    assert terminal.put(PDF).status == 204


def test_another_length_begins_anew(terminal: Terminal, paper: tuple[str, bytes]) -> None:
    name, content = paper
    terminal.begin(name, 50)
    terminal.append(name, 0, content[:40])
    assert terminal.begin(name, len(content)).headers["Upload-Offset"] == "0"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "x"}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "0"}, 400),
        ({"Upload-Length": "9" * 30}, 400),
        ({"Upload-Length": str(32 * 1_048_576 + 1)}, 413),
        ({"Upload-Metadata": ""}, 400),
        ({"Upload-Metadata": "filename eA=="}, 400),
        ({"Upload-Metadata": "sha256 ????"}, 400),
        ({"Upload-Metadata": "sha256 Li4vLi4vZXRjL3Bhc3N3ZA=="}, 400),  # ../../etc/passwd
        ({"Tus-Resumable": "0.2.2"}, 412),
    ],
)
def test_what_begins_wrongly_is_told_so(
    terminal: Terminal, headers: dict[str, str], status: int
) -> None:
    named = base64.b64encode(("0" * 64).encode()).decode()
    good = {"Upload-Length": "5", "Upload-Metadata": f"sha256 {named}", "Tus-Resumable": "1.0.0"}
    reply = terminal.ask("POST", "attachments", b"", {**good, **headers})
    assert reply.status == status
    assert set(reply.json["error"]) == {"code", "text"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": "x"}, 400),
        ({"Upload-Offset": "7"}, 409),
        ({"Content-Type": "text/plain"}, 415),
        ({"Upload-Checksum": "md5 AAAA"}, 400),
        ({"Upload-Checksum": "sha256 ????"}, 400),
        ({"Tus-Resumable": "2"}, 412),
    ],
)
def test_a_part_that_is_wrongly_told_is_not_kept(
    terminal: Terminal, paper: tuple[str, bytes], headers: dict[str, str], status: int
) -> None:
    name, content = paper
    terminal.begin(name, len(content))
    changes = {key.replace("-", "_"): value for key, value in headers.items()}
    changes = {key.replace("_", "-"): value for key, value in changes.items()}
    good = {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": "0",
        "Tus-Resumable": "1.0.0",
    }
    reply = terminal.ask("PATCH", f"attachments/{name}", content[:9], {**good, **changes})
    assert reply.status == status
    assert terminal.ask("HEAD", f"attachments/{name}").headers["Upload-Offset"] == "0"


def test_more_than_was_announced_is_not_taken(terminal: Terminal, paper: tuple[str, bytes]) -> None:
    name, content = paper
    terminal.begin(name, 10)
    assert terminal.append(name, 0, content[:11]).status == 413
    assert terminal.append("0" * 64, 0, b"x").status == 404
    for outside in ("../../etc/passwd", "A" * 64, "0" * 63):
        assert terminal.ask("HEAD", f"attachments/{outside}").status in (404, 422)


def test_one_terminal_cannot_begin_without_end(terminal: Terminal) -> None:
    for number in range(UNFINISHED_MAX):
        assert terminal.begin(sha(bytes([number])), 9).status == 201
    reply = terminal.begin(sha(b"more"), 9)
    assert (reply.status, reply.json["error"]["code"]) == (429, "too_many_uploads")
    assert terminal.begin(sha(bytes([0])), 9).status == 201


def test_a_disk_that_is_nearly_full_says_come_again(
    terminal: Terminal, paper: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.applications.uploads.DISK_RESERVE_BYTES", 2**60)
    reply = terminal.begin(paper[0], 9)
    assert (reply.status, reply.json["error"]["code"]) == (503, "no_space")
    assert 3 <= int(reply.headers["Retry-After"]) <= 10


def test_anybody_may_ask_what_this_server_can(db: None) -> None:
    answer = Client().options("/api/v1/attachments")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert answer["Tus-Checksum-Algorithm"] == "sha256"
    assert set(answer["Tus-Extension"].split(",")) == {"creation", "checksum", "expiration"}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_in_whatever_parts_it_comes_it_is_whole_in_the_end(
    terminal: Terminal, data: st.DataObject
) -> None:
    # A new one every time: what was handed over in an earlier example is held already.
    inside = secrets.token_bytes(16) + data.draw(st.binary(max_size=400))
    content = terminal.seal_attachment(inside)
    name = sha(content)
    terminal.begin(name, len(content))
    offset = 0
    while offset < len(content):
        part = content[offset : offset + data.draw(st.integers(1, 200))]
        match data.draw(st.sampled_from(["send", "send", "twice", "ask", "damage"])):
            case "send":
                offset = int(terminal.append(name, offset, part).headers["Upload-Offset"])
            case "twice":
                terminal.append(name, offset, part)
                assert offset + len(part) == len(content) or (
                    terminal.append(name, offset, part).status == 409
                )
                offset += len(part)
            case "ask":
                asked = terminal.ask("HEAD", f"attachments/{name}")
                assert int(asked.headers["Upload-Offset"]) == offset
            case _:
                wrong = bytes(len(part) + 1)
                digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
                reply = terminal.append(name, offset, wrong, Upload_Checksum=f"sha256 {digest}")
                assert reply.status == 460
    assert terminal.begin(name, len(content)).status == 200


# -- what nobody needs any more -----------------------------------------------


def test_what_no_item_named_for_a_month_is_deleted_and_the_rest_is_kept(
    terminal: Terminal, attachments: Path
) -> None:
    terminal.applied()
    terminal.put(b"a page whose item never came")
    store = FolderStore(attachments)
    assert tidy(store, hub_settings.INCOMING).attachments == 0
    Attachment.objects.update(received_at=timezone.now() - timedelta(days=UNNAMED_LIFE_D + 1))
    assert tidy(store, hub_settings.INCOMING).attachments == 1
    assert Attachment.objects.count() == 2
    assert len([path for path in attachments.rglob("*") if path.is_file()]) == 2


def test_an_item_whose_paper_was_tidied_away_asks_for_it_again(terminal: Terminal) -> None:
    item = terminal.item("application", terminal.application(signature=None))
    terminal.put(PDF)
    Attachment.objects.update(received_at=timezone.now() - timedelta(days=99))
    tidy(FolderStore(hub_settings.ATTACHMENTS), hub_settings.INCOMING)
    assert terminal.send(item)[0]["result"] == "incomplete"
    terminal.put(PDF)
    assert terminal.send(item)[0]["result"] == "accepted"


def test_an_upload_that_was_left_for_a_week_is_deleted(
    terminal: Terminal, paper: tuple[str, bytes]
) -> None:
    name, content = paper
    terminal.begin(name, len(content))
    terminal.append(name, 0, content[:100])
    store = FolderStore(hub_settings.ATTACHMENTS)
    assert tidy(store, hub_settings.INCOMING).parts == 0
    old = time.time() - PART_LIFE_D * 86_400 - 60
    for path in hub_settings.INCOMING.iterdir():
        os.utime(path, (old, old))
    assert tidy(store, hub_settings.INCOMING).parts == 1
    assert list(hub_settings.INCOMING.iterdir()) == []
    assert terminal.ask("HEAD", f"attachments/{name}").status == 404


# -- an object store ----------------------------------------------------------


@pytest.fixture(scope="module")
def bucket() -> Iterator[AttachmentStore]:
    """A bucket of an S3 that runs in this process."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    before = {name: os.environ.get(name) for name in _AWS}
    os.environ.update(_AWS)
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        client = boto3.client("s3", endpoint_url=address)
        client.create_bucket(Bucket="papers")
        client.close()
        store = s3_store("papers", "attachments/", address)
        yield store
        store.close()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        server.stop()


_AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def test_papers_may_lie_in_a_bucket_instead(
    terminal: Terminal, bucket: AttachmentStore, monkeypatch: pytest.MonkeyPatch, attachments: Path
) -> None:
    for place in ("uploads", "record", "tidying"):
        monkeypatch.setattr(f"hub.applications.{place}.attachment_store", lambda: bucket)
    monkeypatch.setattr("hub.api.routes.attachment_store", lambda: bucket)
    item = terminal.applied()
    assert Application.objects.count() == 1
    assert terminal.send(item)[0]["result"] == "duplicate"
    name = sha(terminal.seal_attachment(PDF))
    assert bucket.size(name) == len(terminal.seal_attachment(PDF))
    assert bucket.read(name) == terminal.seal_attachment(PDF)
    assert not attachments.exists()
    assert list(hub_settings.INCOMING.glob("*.part")) == []
    bucket.delete(name)
    bucket.delete(name)
    assert bucket.size(name) is None
    with pytest.raises(FileNotFoundError):
        bucket.read(name)
    assert terminal.send(item)[0]["missing"] == [name]
    assert terminal.put(PNG).status == 200
    assert terminal.put(PDF).status == 204
    assert terminal.send(item)[0]["result"] == "duplicate"


def test_a_store_that_is_away_is_no_refusal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            def fails(*_: object) -> None:
                raise S3Error("SlowDown")

            return fails

    item = terminal.item("application", terminal.application())
    terminal.put(PDF)
    monkeypatch.setattr("hub.api.routes.attachment_store", Away)
    reply = terminal.batch(item)
    assert reply.status == 503
    assert reply.headers["Retry-After"]


T = TypeVar("T")


def test_nobodys_turn_to_write_waits_for_the_store(terminal: Terminal, attachments: Path) -> None:
    writing = threading.Event()

    class Turn:
        def run(self, work: Callable[[], T]) -> T:
            writing.set()
            return work()

    class Asked(FolderStore):
        def size(self, sha256: str) -> int | None:
            assert not writing.is_set(), "the store is asked while others wait to write"
            return super().size(sha256)

    terminal.put(PDF)
    terminal.put(PNG)
    item = terminal.item("application", terminal.application())
    intake = Intake(Known.objects.get(), Asked(attachments), Turn())
    for result in ("accepted", "duplicate"):
        done = intake.take(terminal.epoch, item["seq"], [item])
        assert [one.result for one in done.answers] == [result]
        writing.clear()


def test_a_store_that_says_nothing_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blobs, "S3_ASK_S", 0.05)
    goes_on = threading.Event()
    asked: list[str] = []

    class Client:
        def head_object(self, **what: str) -> dict[str, int]:
            asked.append(what["Key"])
            goes_on.wait(30)
            return {"ContentLength": 5}

        def close(self) -> None: ...

    store = S3Store("papers", "", Client(), Client())
    try:
        with pytest.raises(S3Error):
            store.sizes(["aa", "bb"])
        begun = len(asked)
        goes_on.set()
        with pytest.raises(S3Error):
            store.sizes(["cc"])
        with pytest.raises(S3Error):
            store.read("cc")
        assert len(asked) == begun
        store._away_until = 0.0
        assert store.sizes(["aa", "bb"]) == {"aa": 5, "bb": 5}
    finally:
        goes_on.set()
        store.close()
