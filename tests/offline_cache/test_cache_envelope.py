"""What is sealed for the hub opens with the hub's key, for its own place only, and with no other."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from envelope_opener import (
    VECTORS,
    CannotOpenError,
    HubKeyPair,
    make_key_pair,
    open_envelope,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tongsuopy.crypto.ciphers.aead import SM4GCM

from offline_cache.envelope import (
    Aes256GcmP256,
    Envelopes,
    SealKey,
    attachment_context,
    item_context,
    shipped_dictionary,
    suites_at_hand,
)
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.suites import SuiteId

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = item_context("QS01", "epoch", 7, "application", "id")
PAIRS = {suite: make_key_pair(suite) for suite in SuiteId}


def _vectors() -> tuple[dict[int, HubKeyPair], list[dict[str, Any]]]:
    kept = json.loads(VECTORS.read_text(encoding="utf-8"))
    pairs = {
        key["suite"]: HubKeyPair(
            SuiteId(key["suite"]),
            base64.b64decode(key["private_pkcs8_der"]),
            base64.b64decode(key["public_spki_der"]),
        )
        for key in kept["keys"]
    }
    return pairs, kept["envelopes"]


@pytest.mark.parametrize("vector", _vectors()[1], ids=lambda vector: str(vector["name"]))
def test_every_vector_opens_or_does_not(vector: dict[str, Any]) -> None:
    pair = _vectors()[0][vector["suite"]]
    context, envelope = (base64.b64decode(vector[part]) for part in ("context", "envelope"))
    if vector["content"] is not None:
        assert open_envelope(pair, context, envelope) == base64.b64decode(vector["content"])
        return
    with pytest.raises(CannotOpenError):
        open_envelope(pair, context, envelope)


@pytest.mark.parametrize("suite", SuiteId)
@settings(max_examples=25, deadline=None)
@given(content=st.binary(max_size=5000), compress=st.booleans())
def test_what_is_sealed_opens_again(suite: SuiteId, content: bytes, compress: bool) -> None:
    sealed = Envelopes(suites_at_hand()).seal(
        PAIRS[suite].seal_key, CONTEXT, content, compress=compress
    )
    assert isinstance(sealed, bytes)
    assert open_envelope(PAIRS[suite], CONTEXT, sealed) == content
    assert len(content) < 16 or content not in sealed


@pytest.mark.parametrize("suite", SuiteId)
def test_it_opens_neither_elsewhere_nor_with_another_key(suite: SuiteId) -> None:
    sealed = Envelopes(suites_at_hand()).seal(PAIRS[suite].seal_key, CONTEXT, b"x", compress=True)
    assert isinstance(sealed, bytes)
    elsewhere = item_context("QS01", "epoch", 8, "application", "id")
    for context in (elsewhere, attachment_context("QS01"), b""):
        with pytest.raises(CannotOpenError):
            open_envelope(PAIRS[suite], context, sealed)
    other = make_key_pair(suite)
    with pytest.raises(CannotOpenError):
        open_envelope(HubKeyPair(suite, other.private, PAIRS[suite].public), CONTEXT, sealed)


def test_the_same_content_never_looks_the_same_twice() -> None:
    envelopes = Envelopes(suites_at_hand())
    key = PAIRS[SuiteId.AES256GCM_P256].seal_key
    made = {envelopes.seal(key, CONTEXT, b"the same", compress=False) for _ in range(50)}
    assert len(made) == 50


@pytest.mark.parametrize("suite", SuiteId)
def test_what_was_prepared_is_used_once_and_for_its_key_only(suite: SuiteId) -> None:
    envelopes, pair, other = Envelopes(suites_at_hand()), PAIRS[suite], make_key_pair(suite)
    envelopes.prepare(pair.seal_key)
    made = [
        envelopes.seal(to.seal_key, CONTEXT, b"x", compress=False) for to in (pair, pair, other)
    ]
    envelopes.prepare(pair.seal_key)
    made.append(envelopes.seal(other.seal_key, CONTEXT, b"x", compress=False))
    for to, sealed in zip((pair, pair, other, other), made, strict=True):
        assert isinstance(sealed, bytes)
        assert open_envelope(to, CONTEXT, sealed) == b"x"
    key_parts = {bytes(sealed[15:48]) for sealed in made if isinstance(sealed, bytes)}
    assert len(key_parts) == 4


def test_the_hubs_first_key_that_can_be_used_is_used() -> None:
    p256, sm2 = (PAIRS[suite].seal_key for suite in SuiteId)
    assert Envelopes(suites_at_hand()).choose((sm2, p256)) == sm2
    without = Envelopes((Aes256GcmP256(),))
    assert without.choose((sm2, p256)) == p256
    for keys, code in (((sm2,), StoreFaultCode.NO_SUITE), ((), StoreFaultCode.NO_SEAL_KEY)):
        fault = without.choose(keys)
        assert isinstance(fault, StoreFault) and fault.code is code
    fault = without.seal(sm2, CONTEXT, b"x", compress=False)
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.NO_SUITE


@pytest.mark.parametrize("suite", SuiteId)
@pytest.mark.parametrize("other", ["nothing", "noise", "another suite's"])
def test_a_key_that_is_none_is_a_fault(suite: SuiteId, other: str) -> None:
    key = {
        "nothing": b"",
        "noise": bytes(range(91)),
        "another suite's": PAIRS[SuiteId(3 - suite)].public,
    }[other]
    fault = Envelopes(suites_at_hand()).seal(SealKey(suite, key), CONTEXT, b"x", compress=False)
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.BAD_KEY


def test_the_shipped_dictionary_is_what_its_script_makes(tmp_path: Path) -> None:
    script = ROOT / "offline_cache" / "data" / "train_dictionary.py"
    copy = tmp_path / script.name
    copy.write_bytes(script.read_bytes())
    subprocess.run([sys.executable, str(copy)], check=True, timeout=120, capture_output=True)
    assert (tmp_path / "applications-1.zdict").read_bytes() == shipped_dictionary().as_bytes()


def test_openssl_itself_opens_the_national_key_part(tmp_path: Path) -> None:
    """SM2's ciphertext is the standard's, not one that only our library reads."""
    wrapped = suites_at_hand()[1].wrap(PAIRS[SuiteId.SM4GCM_SM2].public)
    (tmp_path / "key").write_bytes(PAIRS[SuiteId.SM4GCM_SM2].private)
    (tmp_path / "part").write_bytes(wrapped.key_part)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", "key", "-in", "part"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=30,
    )
    sealed = wrapped.cipher.encrypt(bytes(12), b"made up", b"place")
    assert SM4GCM(done.stdout).decrypt(bytes(12), sealed, b"place") == b"made up"
