"""Attachments go in parts, from where the hub stands, whatever the line does."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_line import bad_line
from cache_world import HandClock
from hypothesis import given
from hypothesis import strategies as st
from line_world import KEY, LineWorld

from kiosk.clock import SystemClock
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.line.client import HubClient, Place
from offline_cache.line.failures import Failure, FailureKind
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import read_identity
from offline_cache.line.pacing import FIRST_PART_BYTES, MOST_PART_BYTES
from offline_cache.line.upload import Upload, Uploads

KILO = 1024


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LineWorld]:
    with LineWorld(tmp_path) as world:
        yield world


def starts(world: LineWorld) -> list[int]:
    """The offsets at which parts were taken, in order."""
    return [offset for _, offset, _ in world.hub.parts]


def test_parts_grow_while_the_line_is_good(world: LineWorld) -> None:
    world.queue.seal("QS01", [secrets.token_bytes(900 * KILO)])
    world.drain()
    sizes = [size // KILO for _, _, size in world.hub.parts]
    assert sizes[:5] == [16, 32, 64, 128, 256]
    assert max(sizes) * KILO == MOST_PART_BYTES
    assert starts(world) == sorted(set(starts(world)))  # each byte once


@pytest.mark.parametrize("trick", ["nothing", "500", "hang", "checksum", "offset", "portal"])
def test_a_part_that_did_not_arrive_is_sent_again_from_the_hubs_offset(
    world: LineWorld, trick: str
) -> None:
    world.queue.seal("QS01", [secrets.token_bytes(200 * KILO)])
    world.hub.part_tricks = ["", "", trick, "", trick]
    world.drain()
    assert world.hub.numbers() == ["QS01"]
    assert starts(world) == sorted(set(starts(world)))


def test_a_part_that_arrived_without_a_word_is_not_sent_twice(world: LineWorld) -> None:
    world.queue.seal("QS01", [secrets.token_bytes(200 * KILO)])
    world.hub.part_tricks = ["", "taken, no word", "", "taken, no word"]
    world.drain()
    assert world.hub.numbers() == ["QS01"]
    assert starts(world) == sorted(set(starts(world)))


def test_after_a_restart_of_the_terminal_it_goes_on_where_it_stood(world: LineWorld) -> None:
    world.queue.seal("QS01", [secrets.token_bytes(300 * KILO)])
    world.hub.part_tricks = ["", "", "", "hang"]
    world.step(2)
    held = len(next(iter(world.hub.uploads.values())))
    assert held == (16 + 32 + 64) * KILO
    world.start()
    world.drain()
    assert starts(world)[3] == held and world.hub.numbers() == ["QS01"]


def test_what_the_hub_threw_away_begins_anew_and_arrives(world: LineWorld) -> None:
    world.queue.seal("QS01", [secrets.token_bytes(100 * KILO)])
    world.hub.part_tricks = ["", "mismatch"]
    world.drain()
    assert world.hub.numbers() == ["QS01"]


def test_a_small_application_passes_a_large_attachment(world: LineWorld) -> None:
    """On a slow line a turn ends, and what was sealed meanwhile goes first."""
    world.queue.seal("QS01LARGE", [secrets.token_bytes(500 * KILO)])
    world.step(1)  # the hub says what it misses
    world.engine.wake()
    world.queue.seal("QS01SMALL")
    send_part = world.client.send_part  # type: ignore[union-attr]

    def slowly(place: Place, offset: int, part: bytes) -> int | Failure:
        world.clock.advance(6)
        return send_part(place, offset, part)

    world.client.send_part = slowly  # type: ignore[union-attr, method-assign]
    world.step(3)
    assert world.hub.numbers() == ["QS01SMALL"]
    world.drain()
    assert world.hub.numbers() == ["QS01SMALL", "QS01LARGE"]


def test_the_same_page_in_two_applications_goes_once(world: LineWorld) -> None:
    first = world.queue.seal("QS01A", [b"the same page"])
    second = world.queue.seal("QS01B", [b"another"])
    world.change(second.row, attachments=first.attachments)
    world.hub.poison_ids = set()
    world.step(3)
    assert len(world.hub.parts) == 1


@pytest.mark.parametrize("code", [StoreFaultCode.NOT_FOUND, StoreFaultCode.DAMAGED])
def test_an_attachment_lost_here_is_shown_to_staff_and_not_retried_for_ever(
    world: LineWorld, code: StoreFaultCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = world.queue.seal("QS01A", [b"lost"])
    world.queue.seal("QS01B", [b"kept"])
    whole = world.queue.sealed_bytes

    def sealed_bytes(sha256: str) -> int | StoreFault:
        return StoreFault(code) if sha256 in lost.attachments else whole(sha256)

    monkeypatch.setattr(world.queue, "sealed_bytes", sealed_bytes)
    world.drain()
    assert world.hub.numbers() == ["QS01B"]
    assert [(row, what) for row, what, _ in world.queue.tray] == [(1, f"attachment_{code}")]


class ScriptedHub:
    """Takes parts of one attachment as a list of words says, and counts what it was sent."""

    def __init__(self, content: bytes, words: list[str]) -> None:
        self.content, self.words = content, words
        self.held = 0
        self.sent = 0

    def begin_upload(self, sha256: str, length: int) -> Place | Failure:
        return Place("/api/v1/attachments/it", whole=False)

    def upload_offset(self, place: Place) -> int | Failure:
        return self.held

    def send_part(self, place: Place, offset: int, part: bytes) -> int | Failure:
        assert part == self.content[offset : offset + len(part)]
        self.sent += len(part)
        word = self.words.pop(0) if self.words else ""
        if offset != self.held:
            return Failure(FailureKind.BAD_REQUEST, "wrong_offset", 409)
        if word == "cut":
            return Failure(FailureKind.TIMED_OUT, "cut_off")
        self.held += len(part)
        return Failure(FailureKind.TIMED_OUT) if word == "silent" else self.held


class OneBlob:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def sealed_bytes(self, sha256: str) -> int | StoreFault:
        return len(self._content)

    def sealed_part(self, sha256: str, offset: int, count: int) -> bytes | StoreFault:
        return self._content[offset : offset + count]


@given(
    length=st.integers(1, 2_000_000),
    words=st.lists(st.sampled_from(["", "cut", "silent"]), max_size=40),
)
def test_any_run_of_cuts_ends_whole_and_wastes_no_more_than_the_cut_parts(
    length: int, words: list[str]
) -> None:
    content = bytes(length)
    hub = ScriptedHub(content, list(words))
    uploads = Uploads(hub, OneBlob(content), HandClock())
    for _ in range(100):
        if uploads.send("a" * 64, lambda: True) is Upload.DONE:
            break
    assert hub.held == length
    assert hub.sent - length <= words.count("cut") * MOST_PART_BYTES
    assert FIRST_PART_BYTES // 4 <= uploads.part_bytes <= MOST_PART_BYTES


@pytest.mark.fault(17)
def test_512_kb_over_1_mbit_with_a_cut_every_two_seconds(tmp_path: Path) -> None:
    """Fault 17 in small, over a real line of our own; `make slow-line` does the whole of it."""
    with LineWorld(tmp_path) as world:
        hub_port = int(world.hub.url.rsplit(":", 1)[1])
        content = secrets.token_bytes(512 * KILO)
        name = hashlib.sha256(content).hexdigest()
        clock = SystemClock()
        world.hub.now = clock.utc
        with bad_line(hub_port, bytes_a_second=125_000, cut_every_s=2) as line:
            client = HubClient(
                f"https://127.0.0.1:{line.port}",
                clock,
                HubTime(tmp_path / "real-time.json", clock),
                connect_timeout_s=5,
                read_timeout_s=10,
            )
            identity = read_identity(world.enrolment.path)
            assert not isinstance(identity, StoreFault)
            client.use(identity, KEY)
            uploads = Uploads(client, OneBlob(content), clock)
            tries = 0
            while uploads.send(name, lambda: True) is not Upload.DONE:
                tries += 1
                assert tries < 100
            client.close()
        assert world.hub.attachments[name] == content
        assert line.cuts >= 1 and tries >= 1
        assert starts(world) == sorted(set(starts(world)))  # never from zero, no byte taken twice
        wasted = line.carried_up - len(content)
        assert wasted <= (line.cuts + 1) * MOST_PART_BYTES
