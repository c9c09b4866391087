"""Whatever comes back over the wire is a closed value; only the hub's own words count."""

from __future__ import annotations

import contextlib
import socket
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random
from threading import Thread

import cbor2
import pytest
from cache_world import HandClock
from hypothesis import given
from hypothesis import strategies as st
from line_world import KEY
from little_hub import LittleHub, serving

from offline_cache.envelope import Envelopes, suites_at_hand
from offline_cache.hub_keys import HubKeysFile, parse_seal_keys
from offline_cache.line import wire
from offline_cache.line.client import HubClient, Place
from offline_cache.line.failures import Failure, FailureKind
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import Identity
from offline_cache.sealer import Recipient, Sealer

READ_S = 0.3


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def hub(clock: HandClock) -> Iterator[LittleHub]:
    with serving(LittleHub(now=lambda: clock.now)) as hub:
        yield hub


@pytest.fixture
def client(hub: LittleHub, clock: HandClock, tmp_path: Path) -> Iterator[HubClient]:
    client = _client(hub.url, clock, tmp_path)
    client.use(Identity("QS01", hub.enrol(KEY.request()), hub.authority.pem), KEY)
    yield client
    client.close()


def _client(url: str, clock: HandClock, folder: Path) -> HubClient:
    times = HubTime(folder / "time.json", clock)
    return HubClient(url, clock, times, connect_timeout_s=2, read_timeout_s=READ_S)


def _there(answer: object) -> bool:
    return isinstance(answer, wire.Contact) and answer.terminal == "QS01"


@pytest.mark.parametrize(
    ("trick", "kind", "code"),
    [
        ("500", FailureKind.SERVER_ERROR, "internal"),
        ("502 html", FailureKind.SERVER_ERROR, ""),
        ("503", FailureKind.TOO_MANY, "busy"),
        ("portal", FailureKind.GARBAGE, "shape"),
        ("portal 403", FailureKind.GARBAGE, "not_the_hub"),
        ("portal redirect", FailureKind.GARBAGE, "not_the_hub"),
        ("not found html", FailureKind.GARBAGE, "not_the_hub"),
        ("other json", FailureKind.GARBAGE, "shape"),
        ("half cbor", FailureKind.GARBAGE, "shape"),
        ("deep cbor", FailureKind.GARBAGE, "shape"),
        ("truncated", FailureKind.TIMED_OUT, "cut_off"),
        ("gigabyte", FailureKind.GARBAGE, "too_large"),
        ("nothing", FailureKind.TIMED_OUT, "cut_off"),
        ("hang", FailureKind.TIMED_OUT, ""),
    ],
)
def test_every_way_to_fail_has_its_name(
    hub: LittleHub, client: HubClient, trick: str, kind: FailureKind, code: str
) -> None:
    hub.contact_tricks = [trick]
    answer = client.contact("epoch", 0)
    assert isinstance(answer, Failure)
    assert (answer.kind, answer.code) == (kind, code)
    assert _there(client.contact("epoch", 0))  # and the next call is not spoilt by it


def test_retry_after_is_read_as_seconds_or_as_a_date(hub: LittleHub, client: HubClient) -> None:
    hub.contact_tricks = ["503 retry-after", "429 date"]
    first, second = client.contact("e", 0), client.contact("e", 0)
    assert isinstance(first, Failure) and first.retry_after_s == 120
    assert isinstance(second, Failure) and second.retry_after_s == 90
    assert second.kind is FailureKind.TOO_MANY


def test_nobody_there(clock: HandClock, hub: LittleHub, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        client = _client(f"https://127.0.0.1:{unused.getsockname()[1]}", clock, tmp_path)
        client.use(Identity("QS01", hub.enrol(KEY.request()), hub.authority.pem), KEY)
        assert client.contact("e", 0) == Failure(FailureKind.UNREACHABLE, "no_connection")
        client.close()


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", (FailureKind.UNTRUSTED, "not_tls")),
        (b"", (FailureKind.TIMED_OUT, "cut_off")),  # somebody who hangs up
        (b"\x15\x03\x03\x00\x02\x02\x30", (FailureKind.UNTRUSTED, "our_certificate")),
    ],
)
def test_somebody_who_is_not_our_hub(
    clock: HandClock,
    hub: LittleHub,
    tmp_path: Path,
    said: bytes,
    expected: tuple[FailureKind, str],
) -> None:
    """A captive portal before https, a line that breaks, a server that knows no such authority."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = Thread(target=answer_once)
        thread.start()
        client = _client(f"https://127.0.0.1:{server.getsockname()[1]}", clock, tmp_path)
        client.use(Identity("QS01", hub.enrol(KEY.request()), hub.authority.pem), KEY)
        answer = client.contact("e", 0)
        assert isinstance(answer, Failure)
        assert (answer.kind, answer.code) == expected
        client.close()
        thread.join()


def test_the_machines_proxy_settings_do_not_lead_us_elsewhere(
    client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert _there(client.contact("e", 0))


def test_asking_for_an_earlier_application(client: HubClient) -> None:
    answer = client.earlier("old-age-allowance", "990101194001010029", HandClock().utc())
    assert answer == wire.HubEarlier(None, None)


def test_the_centre_tells_what_it_holds_of_an_earlier_application_and_what_it_still_wants(
    client: HubClient, hub: LittleHub
) -> None:
    hub.earlier = {
        "number": "QS01261122000100",
        "accepted_at": "2026-11-22T06:30:00Z",
        "state": "needs_more",
        "materials": ["id_copy", "household"],
        "note": "请补户口簿首页" + "。" * 300,
    }
    answer = client.earlier("old-age-allowance", "990101194001010029", HandClock().utc())
    assert isinstance(answer, wire.HubEarlier)
    assert (answer.state, answer.materials) == ("needs_more", ("id_copy", "household"))
    assert answer.note.startswith("请补户口簿首页") and len(answer.note) == 200
    assert "户口簿" not in repr(answer)
    hub.earlier["materials"] = "household"
    failed = client.earlier("old-age-allowance", "990101194001010029", HandClock().utc())
    assert isinstance(failed, Failure)


def test_a_dialogue_with_a_card_goes_step_by_step_and_only_the_hub_reads_the_password(
    client: HubClient, hub: LittleHub
) -> None:
    to = Recipient("QS01", parse_seal_keys(hub.seal_keys)[0])
    dialogue = "ab" * 16
    unused = HubKeysFile(Path("/nowhere"), bytes(32))
    sealed = Sealer(unused, Envelopes(suites_at_hand())).card(to, b"739164", dialogue)
    assert isinstance(sealed, bytes) and b"739164" not in sealed
    said = client.card_step(dialogue, 0, sealed, (), "")
    assert said == wire.CardStep(dialogue, 1, "transmit", (bytes.fromhex("0084000008"),))
    answer = bytes.fromhex("01020304050607089000")
    done = client.card_step(dialogue, 1, sealed, (answer,), "")
    assert isinstance(done, wire.CardStep) and done.outcome == "done"
    ended = client.card_step(dialogue, 1, sealed, (), "unknown")
    assert isinstance(ended, wire.CardStep) and ended.outcome == "refused"
    over = client.card_step(dialogue, 9, sealed, (), "")
    assert isinstance(over, Failure) and over.kind is FailureKind.BAD_REQUEST
    assert hub.card_cases == [b"739164"] * 3
    assert hub.complaints == []


@pytest.mark.parametrize(
    "more",
    [
        {"outcome": "anything"},
        {"apdus": ["00"] * 9},
        {"apdus": "0084"},
        {"apdus": ["zz"]},
        {"step": 99},
        {"step": True},
        {"text_zh": 7},
    ],
)
def test_what_is_no_step_of_a_dialogue_is_no_answer(more: dict[str, object]) -> None:
    good = {"dialogue": "ab", "step": 1, "outcome": "transmit", "apdus": ["0084000008"]}
    good |= {"code": "", "text_zh": "字" * 999, "text_en": ""}
    assert len(wire.read_card_step(good).text_zh) == wire.MOST_WORDS
    with pytest.raises((ValueError, TypeError)):
        wire.read_card_step({**good, **more})


def test_an_upload_is_sent_to_our_hub_only(
    client: HubClient, hub: LittleHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a Location only the path counts, and only one of the agreed place."""
    begun = client.begin_upload("a" * 64, 10)
    assert begun == Place(f"/api/v1/attachments/{'a' * 64}", whole=False, offset=0)
    monkeypatch.setattr("little_hub.UPLOADS", "/somewhere")
    monkeypatch.setattr(hub, "attachments", {})
    answer = client.begin_upload("b" * 64, 10)
    assert isinstance(answer, Failure)


# -- shapes -----------------------------------------------------------------------------


READERS = st.sampled_from(
    [
        wire.read_batch,
        wire.read_contact,
        wire.read_enrolled,
        wire.read_renewed,
        wire.read_health,
        wire.read_card_step,
    ]
)


@pytest.mark.fault(14)
@given(READERS, st.binary(max_size=300), st.sampled_from([wire.CBOR, wire.JSON, ""]))
def test_no_bytes_do_more_than_be_no_answer(read: object, content: bytes, media: str) -> None:
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, OverflowError):
        read(wire.parse(content, media))  # type: ignore[operator]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "answers",
                    "id",
                    "sha256",
                    "result",
                    "missing",
                    "resend",
                    "time",
                    "terminal",
                    "verdicts",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(READERS, VALUES)
def test_no_value_does_more_than_be_no_answer(read: object, value: object) -> None:
    try:
        found = read(value)  # type: ignore[operator]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return
    if isinstance(found, wire.BatchAnswer):
        assert all(0 < first <= last for first, last in found.resend)


NUMBERS = st.integers(min_value=1, max_value=2**53)
VERDICTS = st.builds(
    wire.LateVerdict,
    no=NUMBERS,
    epoch=st.text(max_size=40),
    seq=NUMBERS,
    id=st.uuids().map(str),
    code=st.text(min_size=1, max_size=80),
    text=st.text(max_size=80),
    taken=st.booleans(),
)


def _told(verdict: wire.LateVerdict, *, as_bytes: bool) -> dict[str, object]:
    item_id = uuid.UUID(verdict.id).bytes if as_bytes else verdict.id
    result = "accepted" if verdict.taken else "refused"
    return {**asdict(verdict), "id": item_id, "result": result}


@given(st.lists(VERDICTS, max_size=120, unique_by=lambda it: it.no), st.booleans(), st.randoms())
def test_verdicts_are_read_in_their_order_and_at_most_a_hundred(
    verdicts: list[wire.LateVerdict], as_bytes: bool, chance: Random
) -> None:
    told = [_told(it, as_bytes=as_bytes) for it in verdicts]
    chance.shuffle(told)
    parsed = wire.parse(cbor2.dumps(told), wire.CBOR)
    first = sorted(verdicts, key=lambda it: it.no)[:100]
    assert wire.read_verdicts(parsed) == tuple(first)


NO_VERDICT = st.one_of(
    VALUES,
    VERDICTS.map(lambda it: {**_told(it, as_bytes=True), "no": True}),
    VERDICTS.map(lambda it: {**_told(it, as_bytes=True), "no": 0}),
    VERDICTS.map(lambda it: {**_told(it, as_bytes=True), "no": 2**53 + 1}),
    VERDICTS.map(lambda it: {**_told(it, as_bytes=True), "seq": -it.seq}),
    VERDICTS.map(lambda it: {**_told(it, as_bytes=True), "id": b"short"}),
    VERDICTS.map(lambda it: {**_told(it, as_bytes=True), "result": "duplicate"}),
    VERDICTS.map(lambda it: {**_told(it, as_bytes=True), "epoch": None}),
)


@given(VERDICTS, st.lists(NO_VERDICT, max_size=5), st.integers(min_value=0, max_value=5))
def test_what_is_no_verdict_is_left_out_and_spoils_no_other(
    good: wire.LateVerdict, bad: list[object], place: int
) -> None:
    told = [*bad[:place], _told(good, as_bytes=False), *bad[place:]]
    assert wire.read_verdicts(told) == (good,)
    assert wire.read_verdicts({"no": told}) == ()


def test_two_verdicts_under_one_number_are_none() -> None:
    one = wire.LateVerdict(7, "e", 1, str(uuid.uuid4()), "c", "t")
    other = {**_told(one, as_bytes=True), "seq": 2}
    assert wire.read_verdicts([_told(one, as_bytes=True), other]) == ()
    assert wire.read_verdicts([_told(one, as_bytes=True)] * 2) == (one,)
