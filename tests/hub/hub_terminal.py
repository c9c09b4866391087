"""A terminal as the hub meets it: it enrols, seals made-up applications and hands them over.

Written from the agreement of the two sides, not with the terminal's own code.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import cbor2
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509 import (
    CertificateSigningRequestBuilder,
    Name,
    NameAttribute,
    load_pem_x509_certificate,
)
from cryptography.x509.oid import NameOID
from django.test import Client
from hub_sealing import item_content, item_context, sealed

TUS = {"Tus-Resumable": "1.0.0"}
ANSWER_LIMIT_S = 60
PDF = b"%PDF-1.4\n% a made-up page\n" + bytes(range(256)) * 40 + b"\n%%EOF\n"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAECAAAAABEqdLvAAAAFElEQVR4nGP8z4AEmBhQORjyKDLoAgDhHQEHnC8LbQAAAABJRU5ErkJggg=="
)
# Made up: nobody has this number; its check digit is right.
PERSON = {
    "kind": "resident",
    "name": "钟离秋实",
    "number": "440101194001011512",
    "sex_code": "1",
    "nation_code": "01",
    "birth": "1940-01-01",
    "address": "广东省清水县清水镇假想路八十八号",
    "issuer": "清水县公安局",
    "valid_from": "2016-05-01",
    "valid_to": None,
}
RELATIVE = {**PERSON, "name": "钟离小满", "number": "440101197003053528", "sex_code": "2"}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Way(Protocol):
    def ask(
        self, method: str, path: str, certificate: Certificate, content: bytes, headers: Headers
    ) -> Reply: ...

    def settle(self) -> None:
        """What was taken is opened now."""
        ...


Headers = Mapping[str, str]


@dataclass(slots=True)
class Certificate:
    """What a terminal shows: its key and, once enrolled, what the hub issued for it."""

    key: ec.EllipticCurvePrivateKey
    pem: str = ""
    authority: str = ""

    @property
    def der(self) -> bytes:
        if not self.pem:
            return b""
        return load_pem_x509_certificate(self.pem.encode()).public_bytes(Encoding.DER)

    def request(self) -> str:
        name = Name([NameAttribute(NameOID.COMMON_NAME, "whoever asks")])
        made = CertificateSigningRequestBuilder().subject_name(name).sign(self.key, SHA256())
        return made.public_bytes(Encoding.PEM).decode()


class Door:
    """The hub in this process; the certificate as its server hands it on."""

    def __init__(self) -> None:
        self._client = Client(raise_request_exception=True)

    def ask(
        self, method: str, path: str, certificate: Certificate, content: bytes, headers: Headers
    ) -> Reply:
        response = self._client.generic(
            method,
            f"/api/v1/{path}",
            content,
            content_type=headers.get("Content-Type", ""),
            headers={name: value for name, value in headers.items() if name != "Content-Type"},
            **{"hub.client_certificate": certificate.der},
        )
        return Reply(response.status_code, response.content, response.headers)

    def settle(self) -> None:
        from hub.applications.opener import opener

        while opener().next_page():
            pass


class Live:
    """The hub over TLS."""

    def __init__(self, address: str, folder: Path) -> None:
        self._address = address
        self._folder = folder

    def ask(
        self, method: str, path: str, certificate: Certificate, content: bytes, headers: Headers
    ) -> Reply:
        response = requests.request(
            method,
            f"{self._address}/api/v1/{path}",
            data=content,
            headers=dict(headers),
            timeout=ANSWER_LIMIT_S,
            verify=str(self._folder / "ca.pem"),
            cert=self.shown(certificate),
        )
        return Reply(response.status_code, response.content, response.headers)

    def settle(self) -> None:
        """The hub does it by itself, and at once where somebody asks."""

    def shown(self, certificate: Certificate) -> tuple[str, str] | None:
        """Files of the certificate and its key, as the client library wants them."""
        if not certificate.pem:
            return None
        name = self._folder / hashlib.sha256(certificate.der).hexdigest()[:16]
        if not name.with_suffix(".key").exists():
            name.with_suffix(".pem").write_text(certificate.pem)
            name.with_suffix(".key").write_bytes(
                certificate.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )
        return str(name.with_suffix(".pem")), str(name.with_suffix(".key"))


class Terminal:
    def __init__(self, code: str, way: Way) -> None:
        self.code = code
        self.way = way
        self.key = Ed25519PrivateKey.generate()
        self.certificate = Certificate(ec.generate_private_key(ec.SECP256R1()))
        self.seal_key = ""
        self.epoch = uuid.uuid4().hex
        self.seq = 0
        self.serial = 0
        self.verdicts_seen = 0
        self.link = bytes(32)
        # What was sealed for an attachment, by its content: the same bytes go again on a resend.
        self._sealed: dict[bytes, bytes] = {}

    # -- talking --------------------------------------------------------------

    def ask(
        self, method: str, path: str, content: bytes = b"", headers: Headers | None = None
    ) -> Reply:
        return self.way.ask(method, path, self.certificate, content, headers or {})

    def post(self, path: str, value: Any) -> Reply:
        return self.ask(
            "POST", path, json.dumps(value).encode(), {"Content-Type": "application/json"}
        )

    def public_key(self) -> str:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode("ascii")

    def try_code(self, code: str, **changes: Any) -> Reply:
        asked = {
            "code": code,
            "csr": self.certificate.request(),
            "receipt_key": self.public_key(),
            "software": "0.1.0",
        }
        return self.post("enrol", {**asked, **changes})

    def enrol(self, code: str) -> None:
        reply = self.try_code(code)
        assert reply.status == 200, reply.content
        told = reply.json
        assert told["terminal"] == self.code
        self.certificate.pem, self.certificate.authority = told["certificate"], told["ca"]
        self.seal_key = next(one["public_key"] for one in told["seal_keys"] if one["suite"] == 1)

    def seal_attachment(self, content: bytes) -> bytes:
        context = b"attachment\0" + self.code.encode()
        made = self._sealed.get(content) or sealed(self.seal_key, context, content, pack=False)
        return self._sealed.setdefault(content, made)

    def begin(self, name: str, length: int) -> Reply:
        named = base64.b64encode(name.encode()).decode()
        headers = {"Upload-Length": str(length), "Upload-Metadata": f"sha256 {named}", **TUS}
        return self.ask("POST", "attachments", b"", headers)

    def append(self, name: str, offset: int, part: bytes, **changes: str) -> Reply:
        digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
        headers = {
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            "Upload-Checksum": f"sha256 {digest}",
            **TUS,
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        return self.ask("PATCH", f"attachments/{name}", part, headers)

    def put(self, content: bytes) -> Reply:
        """Hand over one attachment in one part; the last answer."""
        made = self.seal_attachment(content)
        begun = self.begin(sha(made), len(made))
        if begun.status != 201:
            return begun
        return self.append(sha(made), int(begun.headers["Upload-Offset"]), made)

    def batch(
        self, *items: Any, epoch: str | None = None, last_seq: int = 0, verdicts_seen: int = 0
    ) -> Reply:
        return self.post(
            "batch",
            {
                "terminal": self.code,
                "epoch": epoch or self.epoch,
                "last_seq": last_seq,
                "verdicts_seen": verdicts_seen,
                "items": list(items),
            },
        )

    def send(self, *items: Any) -> list[dict[str, Any]]:
        reply = self.batch(*items)
        assert reply.status == 200, reply.content
        answers: list[dict[str, Any]] = reply.json["answers"]
        return answers

    def outcomes(self, *items: Any) -> list[dict[str, Any]]:
        """What becomes of items: their answers, or what opening them showed."""
        answers = self.send(*items)
        self.way.settle()
        found = {}
        while told := self.verdicts(self.verdicts_seen):
            found |= {one["id"]: one for one in told}
            self.verdicts_seen = max(one["no"] for one in told)
        return [
            found.get(one["id"], one) if one["result"] in ("accepted", "duplicate") else one
            for one in answers
        ]

    def outcome(self, item: Any) -> dict[str, Any]:
        return self.outcomes(item)[0]

    def verdicts(self, seen: int = 0) -> list[dict[str, Any]]:
        """Those above a number, as an answer to a batch carries them."""
        told: list[dict[str, Any]] = self.batch(verdicts_seen=seen).json["verdicts"]
        return told

    def batch_cbor(self, *items: dict[str, Any], last_seq: int = 0) -> Reply:
        """As terminals do: bytes are bytes, and items are their fields in order."""
        body = cbor2.dumps(
            {
                "terminal": self.code,
                "epoch": self.epoch,
                "last_seq": last_seq,
                "items": [in_order(packed(item)) for item in items],
            }
        )
        return self.ask("POST", "batch", body, {"Content-Type": "application/cbor"})

    # -- sealing --------------------------------------------------------------

    def number(self, day: str = "261122") -> str:
        self.serial += 1
        body = f"{self.code}{day}{self.serial:04d}"
        return body + check_characters(body)

    def qr(self, number: str) -> str:
        signature = self.key.sign(f"ZW1.{number}".encode("ascii"))
        return f"ZW1.{number}.{base64.b32encode(signature).decode('ascii').rstrip('=')}"

    def application(self, number: str | None = None, **changes: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "number": number or self.number(),
            "item": "old_age_allowance",
            "item_version": 1,
            "terminal": self.code,
            "session": uuid.uuid4().hex,
            "accepted_at": "2026-11-22T01:41:00Z",
            "language": "zh",
            "consent": {"version": 1, "agreed_at": "2026-11-22T01:36:10Z"},
            "applicant": PERSON,
            "agent": None,
            "form": {
                "phone": "13800138000",
                "relative_phone": "",
                "relative_name": "钟离小满",
                "account": "6222021234567890128",
            },
            "materials": [
                {
                    "code": "household_page",
                    "name": "户口簿本人页",
                    "sha256": sha(PDF),
                    "media_type": "application/pdf",
                    "bytes": len(PDF),
                    "pages": 1,
                    "kept_despite": "",
                }
            ],
            "signature": {"sha256": sha(PNG), "media_type": "image/png", "bytes": len(PNG)},
            "earlier_number": None,
        }
        return copy.deepcopy({**body, **changes})  # a test may twist it

    def later_papers(self, number: str, *codes: str, **changes: Any) -> dict[str, Any]:
        """Each of its own content, which `page` tells."""
        body: dict[str, Any] = {
            "number": number,
            "item": "old_age_allowance",
            "terminal": self.code,
            "session": uuid.uuid4().hex,
            "handed_in_at": "2026-11-23T02:10:00Z",
            "language": "zh",
            "by": PERSON,
            "agent": None,
            "materials": [
                {
                    "code": code,
                    "name": f"材料{code}",
                    "sha256": sha(page(code)),
                    "media_type": "application/pdf",
                    "bytes": len(page(code)),
                    "pages": 1,
                }
                for code in codes
            ],
            "signature": None,
        }
        return copy.deepcopy({**body, **changes})

    def rating(self, number: str, level: int = 5, **changes: Any) -> dict[str, Any]:
        return {
            "number": number,
            "level": level,
            "reasons": ["510", "517"],
            "channel": "keypad",
            "rated_at": "2026-11-22T01:43:00Z",
            **changes,
        }

    def item(self, kind: str, body: Any, **changes: Any) -> dict[str, Any]:
        """In the queue: the next place, a new id, sealed, chained to the one before."""
        self.seq += 1
        item_id = str(uuid.uuid4())
        named = []
        if isinstance(body, dict) and isinstance(body.get("materials"), list):
            for content in dict.fromkeys((PDF, PNG, *self._sealed)):
                if sha(content) in json.dumps(body):
                    made = self.seal_attachment(content)
                    named.append(
                        {"sha256": sha(content), "sealed": sha(made), "bytes": len(content)}
                    )
        return (
            self.resealed(
                {
                    "id": item_id,
                    "seq": self.seq,
                    "kind": kind,
                    "order_key": body["number"]
                    if isinstance(body, dict) and "number" in body
                    else "k",
                    "created_at": datetime(2026, 11, 22, 1, 41, tzinfo=UTC).isoformat(),
                    "attachments": [one["sealed"] for one in named],
                },
                item_content(body, named),
                chain=True,
            )
            | changes
        )

    def resealed(
        self, item: dict[str, Any], content: bytes, *, chain: bool = False
    ) -> dict[str, Any]:
        """The item with this content in its seal. `chain`: it is the next of the queue."""
        context = item_context(self.code, self.epoch, item["seq"], item["kind"], item["id"])
        made = sealed(self.seal_key, context, content)
        digest = hashlib.sha256(made).digest()
        place = item["seq"].to_bytes(8, "big") + uuid.UUID(item["id"]).bytes + digest
        link = hashlib.sha256(self.link + place).digest()
        if chain:
            self.link = link
        return {
            **item,
            "sha256": digest.hex(),
            "chain": link.hex(),
            "sealed": base64.b64encode(made).decode(),
        }

    def again_with(self, item: dict[str, Any], body: Any, **changes: Any) -> dict[str, Any]:
        """The same id and place with another body."""
        named = [
            {"sha256": sha(one), "sealed": sha(self.seal_attachment(one)), "bytes": len(one)}
            for one in (PDF, PNG)
            if sha(self.seal_attachment(one)) in item["attachments"]
        ]
        return self.resealed({**item, **changes}, item_content(body, named))

    def handed_in(self, number: str, *codes: str, **changes: Any) -> dict[str, Any]:
        """Papers for an application, with their pages handed over; their item, not sent yet."""
        for code in codes:
            self.put(page(code))
        return self.item("later_papers", self.later_papers(number, *codes, **changes))

    def applied(self, **changes: Any) -> dict[str, Any]:
        """One application handed over with its attachments; its item."""
        self.put(PDF)
        self.put(PNG)
        item = self.item("application", self.application(**changes))
        answer = self.outcome(item)
        assert answer["result"] == "accepted", answer
        return item


def page(code: str) -> bytes:
    """A page that was handed in later."""
    return b"%PDF-1.4\n% " + code.encode() + b"\n%%EOF\n"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def check_characters(body: str) -> str:
    """ISO 7064 MOD 97-10, worked digit by digit, unlike the hub."""
    rest = 0
    for character in body + "00":
        value = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(character)
        rest = (rest * (10 if value < 10 else 100) + value) % 97
    return f"{98 - rest:02d}"


def packed(item: dict[str, Any]) -> dict[str, Any]:
    """An item as it travels in CBOR."""
    return {
        **item,
        "id": uuid.UUID(item["id"]).bytes,
        "attachments": [bytes.fromhex(name) for name in item["attachments"]],
        "sha256": bytes.fromhex(item["sha256"]),
        "chain": bytes.fromhex(item["chain"]),
        "sealed": base64.b64decode(item["sealed"]),
    }


def in_order(item: dict[str, Any]) -> list[Any]:
    """An item's fields without their names, as terminals send them."""
    return [
        item["id"], item["seq"], item["kind"], item["order_key"], item["created_at"],
        item["attachments"], item["sha256"], item["chain"], item["sealed"],
    ]  # fmt: skip


def number_in(item: dict[str, Any]) -> str:
    return str(item["order_key"])
