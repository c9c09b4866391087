"""The hub's keys come over the line: what is not one is not believed, and nothing breaks."""

from __future__ import annotations

import base64
from pathlib import Path

from envelope_opener import make_key_pair
from hypothesis import given
from hypothesis import strategies as st

from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.hub_keys import HubKeys, HubKeysFile, parse_seal_keys
from offline_cache.suites import SuiteId

P256, SM2 = (make_key_pair(suite).seal_key for suite in SuiteId)
KEY = bytes(range(32))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "suite", "public_key", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def _told(*keys: object) -> list[object]:
    return [
        {
            "id": key.id.hex(),  # type: ignore[attr-defined]
            "suite": int(key.suite),  # type: ignore[attr-defined]
            "public_key": base64.b64encode(key.public_key).decode(),  # type: ignore[attr-defined]
        }
        for key in keys
    ]


def test_the_keys_are_read_in_the_hubs_order() -> None:
    assert parse_seal_keys(_told(SM2, P256)) == (SM2, P256)


def test_a_key_of_a_later_suite_or_with_another_id_is_passed_over() -> None:
    later = {**_told(P256)[0], "suite": 9}  # type: ignore[dict-item]
    other_id = {**_told(P256)[0], "id": SM2.id.hex()}  # type: ignore[dict-item]
    assert parse_seal_keys([later, other_id, *_told(SM2)]) == (SM2,)


@given(told=JSON)
def test_nothing_that_a_hub_says_breaks_the_terminal(told: object) -> None:
    assert parse_seal_keys(told) == ()


@given(content=st.binary(max_size=300))
def test_no_file_breaks_the_terminal(tmp_path_factory: object, content: bytes) -> None:
    path = tmp_path_factory.mktemp("k") / "hub-keys.json"  # type: ignore[attr-defined]
    path.write_bytes(content)
    fault = HubKeysFile(path, KEY).read()
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.DAMAGED


def test_what_was_written_is_read_by_every_process_with_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "hub-keys.json"
    reader = HubKeysFile(path, KEY)
    fault = reader.read()
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.NO_SEAL_KEY
    writer = HubKeysFile(path, KEY)
    assert writer.write("QS01", [P256]) is None
    assert reader.read() == HubKeys("QS01", (P256,))
    before = path.stat().st_ino
    assert writer.write("QS01", [P256]) is None  # with every contact: nothing new, nothing written
    assert path.stat().st_ino == before
    assert writer.write("QS01", [SM2, P256]) is None
    assert reader.read() == HubKeys("QS01", (SM2, P256))
    assert path.stat().st_mode & 0o777 == 0o600
    stranger = HubKeysFile(path, bytes(32)).read()
    assert isinstance(stranger, StoreFault) and stranger.code is StoreFaultCode.DAMAGED
