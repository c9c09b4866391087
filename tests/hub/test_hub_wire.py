"""An item is read at a glance or by its model: whoever reads it, it is the same item."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.applications import bodies, wire

GOOD = {
    "id": bytes(range(16)),
    "seq": 1,
    "kind": "application",
    "order_key": "QS01202611220001",
    "created_at": "2026-11-22T10:00:00+00:00",
    "attachments": [bytes(32)],
    "sha256": bytes(range(32)),
    "chain": bytes(range(32, 64)),
    "sealed": b"ZW1",
}

_odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=70),
    st.binary(max_size=40), st.lists(st.binary(max_size=33), max_size=3),
)  # fmt: skip
_changes = st.fixed_dictionaries(
    {},
    optional={
        "id": st.binary(min_size=15, max_size=17) | st.uuids().map(str) | _odd,
        "seq": st.sampled_from([0, 1, 2**63 - 1, 2**63, True, "1"]) | _odd,
        "kind": st.sampled_from(["rating", "later_papers", "application\n"]) | _odd,
        "order_key": st.from_regex(r"[\x20-\x7f]{0,65}\n?", fullmatch=True) | _odd,
        "created_at": st.datetimes(timezones=st.just(timezone(timedelta(hours=8)))).map(
            datetime.isoformat
        )
        | st.sampled_from(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00", "2026-11-22"])
        | _odd,
        "attachments": st.lists(st.binary(min_size=32, max_size=32), max_size=52) | _odd,
        "sha256": st.binary(min_size=31, max_size=33) | _odd,
        "chain": st.binary(min_size=31, max_size=33) | _odd,
        "sealed": st.sampled_from([bytes(wire.SEALED_BYTES_MAX + 1), "WlcxCg=="]) | _odd,
    },
)


def _by_model(raw: Any) -> wire.Item | None:
    try:
        found = wire.WireItem.model_validate(raw)
    except ValidationError:
        return None
    return wire.Item(
        found.id.bytes, found.seq, found.kind, found.order_key, found.created_at,
        found.attachments, found.sha256, found.chain, found.sealed,
    )  # fmt: skip


@given(changes=_changes, without=st.sets(st.sampled_from(sorted(GOOD)), max_size=1))
def test_what_is_known_at_a_glance_is_what_the_model_makes_of_it(
    changes: dict[str, Any], without: set[str]
) -> None:
    raw = {name: value for name, value in {**GOOD, **changes}.items() if name not in without}
    expected = _by_model(raw)
    if expected is None:
        with pytest.raises(ValidationError):
            wire.item_of(raw)
    else:
        assert wire.item_of(raw) == expected


@given(changes=_changes)
def test_fields_in_their_order_are_the_same_item(changes: dict[str, Any]) -> None:
    named = {**GOOD, **changes}
    raw = list(named.values())
    expected = _by_model(named)
    if expected is None:
        with pytest.raises(ValidationError):
            wire.item_of(raw)
    else:
        assert wire.item_of(raw) == expected
    assert wire.outline(raw) == wire.outline(named)
    assert wire.sealed_in(raw) == wire.sealed_in(named)
    for packed in (True, False):
        assert wire.echoed(raw, packed=packed) == wire.echoed(named, packed=packed)


def test_one_field_too_few_or_too_many_is_no_item() -> None:
    whole = list(GOOD.values())
    for raw in (whole[:-1], [*whole, b""], [whole]):
        with pytest.raises(ValidationError):
            wire.item_of(raw)
        assert wire.echoed(raw, packed=True) == (b"", b"")
        assert wire.outline(raw) == {"item": "(list)"}


@pytest.mark.parametrize("raw", [None, [], "item", b"item", 7, {}, {"id": {}}])
def test_what_is_no_item_at_all_is_said_to_be_none(raw: Any) -> None:
    with pytest.raises(ValidationError):
        wire.item_of(raw)


def test_what_terminals_send_does_not_need_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model takes five times as long; a terminal's own items must never go that way."""
    monkeypatch.setattr(wire.WireItem, "model_validate", None)
    item = wire.item_of(list(GOOD.values()))
    assert wire.item_of(GOOD) == item
    assert (item.key, item.seq, item.created_at) == (
        GOOD["id"],
        1,
        datetime(2026, 11, 22, 10, tzinfo=UTC),
    )


_told = st.one_of(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))])).map(
        datetime.isoformat
    ),
    st.sampled_from(
        ["2026-11-22T10:00:00Z", "1900-12-31T23:59:59Z", "9000-01-01T00:00+00:00",
         "2026-11-22T10:00:00", "2026-11-22", "20261122T10Z", "2026-11-22T10:00:00.1234567890123456789012Z"]
    ),
    st.text(max_size=20),
)  # fmt: skip


def _moment(value: str) -> datetime | None:
    try:
        return bodies.moment(value)
    except ValueError:
        return None


@given(values=st.lists(_told, min_size=1, max_size=4))
def test_the_times_of_a_batch_read_together_are_those_read_one_by_one(values: list[str]) -> None:
    one_by_one = [_moment(value) for value in values]
    assert bodies.moments(values) == (None if None in one_by_one else one_by_one)


def _whole(**changes: Any) -> list[Any]:
    named = {**GOOD, "sha256": hashlib.sha256(GOOD["sealed"]).digest(), **changes}
    return list(named.values())


@given(changes=st.lists(_changes, min_size=1, max_size=3))
def test_a_batch_known_at_a_glance_is_its_items_read_one_by_one(
    changes: list[dict[str, Any]],
) -> None:
    """And its answer names them as an answer to each of them would."""
    raws = [_whole(**each) for each in changes]
    sheet = wire.sheet_of(raws)
    if sheet is None:
        return
    assert [sheet.item(at) for at in range(len(raws))] == [wire.item_of(raw) for raw in raws]
    said = [(one["id"], one["sha256"], one["result"]) for one in wire.all_echoed(raws, "yes")]
    assert said == [(*wire.echoed(raw, packed=True), "yes") for raw in raws]


def test_what_terminals_send_is_known_at_a_glance() -> None:
    assert wire.sheet_of([_whole(), _whole(created_at="2026-11-22T18:00:00.5+08:00")]) is not None
