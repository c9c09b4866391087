"""Load for a hub: sealed applications of made-up terminals, as they travel, made before timing."""

from __future__ import annotations

import base64
import hashlib
import json as to_json
import ssl
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kiosk.entry.commands.bench.served_hub import ServedHub, dsn
from kiosk.receipts import number as receipt_number
from offline_cache.envelope import Aes256GcmP256, Envelopes, SealKey, item_context
from offline_cache.ids import new_id, uuid_text
from offline_cache.line.wire import Item
from offline_cache.suites import SuiteId

SIGNS: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


# -- terminals ----------------------------------------------------------------------


def terminal_code(number: int) -> str:
    """Four signs, another for every number below a million."""
    signs = ""
    for _ in range(4):
        number, rest = divmod(number, len(SIGNS))
        signs = SIGNS[rest] + signs
    return signs


class Certifier:
    """Certificates as the hub issues them, with its own key: ten thousand enrolments are not what
    is measured. A hub that does not know them takes them for those of a database that it lost, and
    adopts them."""

    def __init__(self, hub: ServedHub, folder: Path) -> None:
        keys = hub.data / "keys"
        self._authority = x509.load_pem_x509_certificate((keys / "ca.pem").read_bytes())
        key = load_pem_private_key((keys / "ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SystemExit("the hub's authority has another kind of key")
        self._authority_key = key
        self._folder = folder
        folder.mkdir(exist_ok=True)
        # One key for all of them: it is the handshake that costs.
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def certificate(self, terminal: str) -> Path:
        """A file with the key and the terminal's certificate."""
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, terminal)]))
            .issuer_name(self._authority.subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=90))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._authority_key, hashes.SHA256())
        )
        path = self._folder / f"{terminal}.pem"
        path.write_bytes(self._pem + made.public_bytes(Encoding.PEM))
        return path


def make_known(certifier: Certifier, terminals: Sequence[str]) -> None:
    """Their certificates, in the hub's database as if each had enrolled: they are terminals that
    come back, and what it takes to adopt one is no part of that."""
    now = datetime.now(UTC)
    with psycopg.connect(dsn()) as line, line.cursor() as cursor:
        with cursor.copy(
            "COPY terminals_terminal (code, name, created_at, enrolled_at, software, verdict_no)"
            " FROM STDIN"
        ) as copy:
            for code in terminals:
                copy.write_row((code, "", now, now, "", 0))
        with cursor.copy(
            "COPY terminals_terminalcertificate (fingerprint, terminal_id, issued_at, not_after)"
            " FROM STDIN"
        ) as copy:
            for code in terminals:
                made = x509.load_pem_x509_certificate(_pem_of(certifier.certificate(code)))
                name = made.fingerprint(hashes.SHA256()).hex()
                copy.write_row((name, code, made.not_valid_before_utc, made.not_valid_after_utc))


def _pem_of(file: Path) -> bytes:
    """The certificate in a file that begins with its key."""
    content = file.read_bytes()
    return content[content.index(b"-----BEGIN CERTIFICATE") :]


def tls(hub_data: Path, certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(hub_data / "keys" / "ca.pem"))
    context.load_cert_chain(certificate)
    return context


def seal_key_of(hub: ServedHub) -> SealKey:
    """The public half of the hub's first key of suite 1."""
    path = sorted((hub.data / "keys").glob("seal-*-suite1.pem"))[0]
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SystemExit("the hub's seal key is of another kind")
    from cryptography.hazmat.primitives.serialization import PublicFormat

    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SealKey(SuiteId.AES256GCM_P256, public)


class SealedItems:
    """One terminal's queue: applications without papers, sealed and chained."""

    def __init__(self, terminal: str, key: SealKey, envelopes: Envelopes) -> None:
        self.terminal = terminal
        self.epoch = str(uuid.uuid4())
        self._key = key
        self._envelopes = envelopes
        self._seq = 0
        self._link = bytes(32)

    def items(self, count: int) -> list[Item]:
        return [self._next() for _ in range(count)]

    def _next(self) -> Item:
        self._seq += 1
        seq, now = self._seq, datetime.now(UTC)
        item_id = uuid_text(new_id(now))
        # The serial has four digits: a new day every nine thousand.
        day = now - timedelta(days=seq // 9000)
        number = receipt_number.make(self.terminal, seq % 9000 + 1, day)
        body = _application(number, self.terminal, seq, now)
        content = to_json.dumps(
            {"body": body, "attachments": []}, ensure_ascii=False, separators=(",", ":")
        ).encode()
        context = item_context(self.terminal, self.epoch, seq, "application", item_id)
        sealed = self._envelopes.seal(self._key, context, content, compress=True)
        if not isinstance(sealed, bytes):
            raise SystemExit(str(sealed))
        digest = hashlib.sha256(sealed).digest()
        place = seq.to_bytes(8, "big") + uuid.UUID(item_id).bytes + digest
        self._link = hashlib.sha256(self._link + place).digest()
        return Item(
            row=seq,
            epoch=self.epoch,
            seq=seq,
            id=item_id,
            kind="application",
            order_key=number,
            created_at=now.isoformat(),
            attachments=(),
            sha256=digest.hex(),
            chain=self._link,
            sealed=sealed,
        )


def envelopes() -> Envelopes:
    return Envelopes((Aes256GcmP256(),))


def in_batches(items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    for at in range(0, len(items), most):
        yield items[at : at + most]


def _application(number: str, terminal: str, at: int, now: datetime) -> dict[str, object]:
    """A made-up one as the flow makes it; its person's number fits no living one's."""
    told = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "number": number,
        "item": "old_age_allowance",
        "item_version": "1",
        "terminal": terminal,
        "session": f"bench-{at}",
        "accepted_at": told,
        "language": "zh",
        "consent": {"version": 1, "agreed_at": told},
        "applicant": {
            "kind": "resident",
            "name": "甄" + "桂兰秀英华玉珍芳淑梅国强建明德"[at % 14] + "兰",
            "number": f"990101194001{at % 1_000_000:06d}",
            "sex_code": "2",
            "nation_code": "01",
            "birth": "1940-01-01",
            "address": f"清水省和平市光明区幸福镇长江村{at % 400}号",
            "issuer": "和平市公安局光明分局",
            "valid_from": "2015-03-01",
            "valid_to": None,
        },
        "agent": None,
        "form": {
            "phone": f"139{at % 10**8:08d}",
            "relative_phone": "",
            "account": base64.b16encode(hashlib.sha256(number.encode()).digest()[:9]).decode(),
        },
        "materials": [],
        "signature": None,
        "earlier_number": None,
    }
