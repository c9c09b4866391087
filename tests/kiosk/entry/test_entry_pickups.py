"""A scan is sealed for one phone, and whatever the hub does the window hears of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from kiosk import sync_messages as messages
from kiosk.entry.pickups import Pickups, seal_scan
from offline_cache.line.failures import Failure, FailureKind

URL = "https://scan.example.cn/"


def opened(content: bytes, link: str) -> bytes:
    """As the page on the phone does it."""
    address, _, fragment = link.partition("#")
    key = base64.urlsafe_b64decode(fragment + "=")
    assert content[:4] == b"ZWP1"
    return AESGCM(key).decrypt(content[4:16], content[16:], address.rsplit("/", 1)[1].encode())


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens_with_the_link_and_with_no_other(pdf: bytes) -> None:
    one, other = seal_scan(pdf), seal_scan(pdf)
    assert opened(one.content, one.link(URL)) == pdf
    assert one.name != other.name and one.key != other.key
    with pytest.raises(InvalidTag):
        opened(one.content, other.link(URL))
    assert len(pdf) < 4 or pdf not in one.content


def test_the_address_tells_the_hub_nothing_of_the_key() -> None:
    scan = seal_scan(b"%PDF-")
    address, _, fragment = scan.link(URL).partition("#")
    assert address == f"https://scan.example.cn/p/{scan.name}"
    assert len(scan.name) == 22 and len(fragment) == 43
    assert fragment not in address and fragment not in repr(scan)


@dataclass
class Hub:
    """A hub that answers as told, one answer a call; the last one again and again."""

    answers: list[Failure | str | None]
    kept: list[tuple[str, bytes]] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)

    def _next(self) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def use(self, *_: object) -> None: ...

    def keep_pickup(self, name: str, sealed: bytes, replaces: str = "") -> Failure | None:
        self.kept.append((name, sealed))
        self.replaced.append(replaces)
        return cast("Failure | None", self._next())

    def pickup_state(self, name: str) -> str | Failure:
        return cast("str | Failure", self._next())


class Channel:
    def __init__(self) -> None:
        self.said: list[messages.Answer] = []

    def send(self, message: bytes, *_: object) -> None:
        self.said.append(messages.ANSWER.validate_json(message))


class NotEnrolled:
    def read(self) -> None: ...


def answers(hub: Hub, *requests: Any, url: str = URL) -> list[messages.Answer]:
    channel = Channel()
    pickups = Pickups(channel, hub, NotEnrolled(), None, url)  # type: ignore[arg-type]
    for request in requests:
        pickups.put(request, (b"%PDF-scan",))
    pickups.stop()
    pickups.run()
    return channel.said


def test_a_scan_that_was_kept_is_answered_with_its_link() -> None:
    hub = Hub([None])
    (kept,) = answers(hub, messages.KeepPickup(id=7, replaces="old"))
    assert hub.replaced == ["old"]
    assert isinstance(kept, messages.PickupKept)
    assert kept.id == 7 and kept.name == hub.kept[0][0]
    assert opened(hub.kept[0][1], kept.link) == b"%PDF-scan"


def test_a_connection_that_broke_is_tried_once_more_with_the_same_bytes() -> None:
    hub = Hub([Failure(FailureKind.TIMED_OUT), None])
    (kept,) = answers(hub, messages.KeepPickup(id=1))
    assert isinstance(kept, messages.PickupKept) and kept.link
    assert len(hub.kept) == 2 and hub.kept[0] == hub.kept[1]


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_scan_that_was_not_kept_has_no_link(kind: FailureKind) -> None:
    hub = Hub([Failure(kind)])
    assert answers(hub, messages.KeepPickup(id=1)) == [messages.PickupKept(id=1)]
    assert len(hub.kept) == (2 if kind is FailureKind.TIMED_OUT else 1)


def test_without_an_address_for_phones_nothing_leaves_the_terminal() -> None:
    hub = Hub([None])
    assert answers(hub, messages.KeepPickup(id=1), url="") == [messages.PickupKept(id=1)]
    assert not hub.kept


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("waiting", "waiting"),
        ("fetched", "fetched"),
        ("gone", "gone"),
        ("something new", "unknown"),
        (Failure(FailureKind.UNREACHABLE), "unknown"),
    ],
)
def test_only_the_hubs_known_words_count(said: str | Failure, known: str) -> None:
    (answer,) = answers(Hub([said]), messages.AskPickup(id=3, name="n"))
    assert isinstance(answer, messages.PickupKnown)
    assert (answer.id, answer.state) == (3, known)
