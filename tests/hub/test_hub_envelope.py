"""Opening what terminals sealed: shared vectors, and whatever else arrives."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hub_sealing import sealed
from hypothesis import given
from hypothesis import strategies as st

from hub.seal.envelope import KeyRing, SealFault, open_envelope
from hub.seal.suites import SealKey, new_private_key, read_private_key, suites_at_hand

VECTORS = Path(__file__).parent / "data" / "envelopes.json"
LIMIT = 1_048_576
CONTEXT = b"item\0QS01\0e\x001\0rating\0id"


def _key(told: dict[str, Any]) -> SealKey:
    der = base64.b64decode(told["private_pkcs8_der"])
    lines = base64.encodebytes(der).decode()
    pem = f"-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n".encode()
    return read_private_key(told["suite"], pem)


def _vectors() -> tuple[list[SealKey], list[dict[str, Any]]]:
    told = json.loads(VECTORS.read_text())
    return [_key(one) for one in told["keys"]], told["envelopes"]


@pytest.fixture(scope="module")
def own() -> tuple[SealKey, KeyRing, str]:
    key = read_private_key(1, new_private_key(1))
    return key, {key.id: key.private}, base64.b64encode(key.public_key).decode()


def test_the_vectors_are_the_terminals_vectors(root: Path) -> None:
    theirs = root / "tests" / "offline_cache" / "data" / "envelopes.json"
    assert VECTORS.read_bytes() == theirs.read_bytes()


def test_both_suites_are_at_hand_here() -> None:
    assert suites_at_hand() == (1, 2)
    keys, envelopes = _vectors()
    assert {key.suite for key in keys} == {one["suite"] for one in envelopes} == {1, 2}
    for key, told in zip(keys, json.loads(VECTORS.read_text())["keys"], strict=True):
        assert key.id.hex() == told["id"]
        assert base64.b64encode(key.public_key).decode() == told["public_spki_der"]


@pytest.mark.parametrize("number", range(len(json.loads(VECTORS.read_text())["envelopes"])))
def test_what_a_terminal_sealed_is_opened_and_nothing_else(number: int) -> None:
    keys, envelopes = _vectors()
    one = envelopes[number]
    ring = {key.id: key.private for key in keys}
    found = open_envelope(
        base64.b64decode(one["envelope"]), base64.b64decode(one["context"]), ring, bytes_max=LIMIT
    )
    if one["content"] is None:  # turned, cut short, or sealed for another place
        assert isinstance(found, SealFault)
    else:
        assert found == base64.b64decode(one["content"])


@pytest.mark.parametrize("suite", [1, 2])
def test_every_changed_bit_is_noticed(suite: int) -> None:
    keys, envelopes = _vectors()
    ring = {key.id: key.private for key in keys}
    one = next(one for one in envelopes if one["suite"] == suite and one["content"])
    whole = base64.b64decode(one["envelope"])
    context = base64.b64decode(one["context"])
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << (at % 8)
        assert isinstance(open_envelope(bytes(changed), context, ring, bytes_max=LIMIT), SealFault)
    for cut in range(0, len(whole), 7):
        assert isinstance(open_envelope(whole[:cut], context, ring, bytes_max=LIMIT), SealFault)
    assert open_envelope(whole, context + b"x", ring, bytes_max=LIMIT) is SealFault.NOT_AUTHENTIC
    assert open_envelope(whole, context, {}, bytes_max=LIMIT) is SealFault.UNKNOWN_KEY


@given(content=st.binary(max_size=2000), pack=st.booleans(), context=st.binary(max_size=60))
def test_what_is_sealed_comes_out_again(
    own: tuple[SealKey, KeyRing, str], content: bytes, pack: bool, context: bytes
) -> None:
    _, ring, public = own
    made = sealed(public, context, content, pack=pack)
    assert open_envelope(made, context, ring, bytes_max=LIMIT) == content


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"ZW1\x01" + tail))
def test_whatever_arrives_is_opened_or_is_a_fault(
    own: tuple[SealKey, KeyRing, str], content: bytes
) -> None:
    _, ring, _ = own
    assert isinstance(open_envelope(content, CONTEXT, ring, bytes_max=LIMIT), SealFault)


def test_what_would_unpack_to_more_than_agreed_is_not_unpacked(
    own: tuple[SealKey, KeyRing, str],
) -> None:
    _, ring, public = own
    bomb = sealed(public, CONTEXT, bytes(50_000_000))
    assert len(bomb) < 10_000
    assert open_envelope(bomb, CONTEXT, ring, bytes_max=LIMIT) is SealFault.TOO_LARGE
    plain = sealed(public, CONTEXT, bytes(LIMIT + 1), pack=False)
    assert open_envelope(plain, CONTEXT, ring, bytes_max=LIMIT) is SealFault.TOO_LARGE


def test_what_says_it_is_packed_and_is_not_is_a_fault(own: tuple[SealKey, KeyRing, str]) -> None:
    _, ring, public = own
    whole = sealed(public, CONTEXT, b"not packed at all", pack=False)
    # Its compression byte is authenticated, so a terminal must have sealed it wrongly itself.
    import hub_sealing

    class Packer:
        def compress(self, content: bytes) -> bytes:
            return content

    before = hub_sealing._packer
    try:
        hub_sealing._packer = Packer  # type: ignore[assignment, return-value]
        wrong = sealed(public, CONTEXT, b"not packed at all")
    finally:
        hub_sealing._packer = before
    assert open_envelope(wrong, CONTEXT, ring, bytes_max=LIMIT) is SealFault.NOT_UNPACKED
    assert open_envelope(whole, CONTEXT, ring, bytes_max=LIMIT) == b"not packed at all"


def test_a_key_of_another_curve_is_no_seal_key() -> None:
    other = ec.generate_private_key(ec.SECP384R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="P-256"):
        read_private_key(1, pem)
