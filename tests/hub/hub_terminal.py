"""A terminal as the hub meets it: it enrols, seals made-up applications and hands them over.

Written from the agreement of the two sides, not with the terminal's own code.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client

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
    json: Any
    headers: dict[str, str]


class Way(Protocol):
    def ask(self, method: str, path: str, token: str, content: bytes, kind: str) -> Reply: ...


class Door:
    """The hub in this process."""

    def __init__(self) -> None:
        self._client = Client(raise_request_exception=True)

    def ask(self, method: str, path: str, token: str, content: bytes, kind: str) -> Reply:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = self._client.generic(
            method, f"/api/v1/{path}", content, content_type=kind, headers=headers
        )
        return Reply(response.status_code, json.loads(response.content), dict(response.items()))


class Live:
    """The hub over a socket."""

    def __init__(self, address: str) -> None:
        self._address = address

    def ask(self, method: str, path: str, token: str, content: bytes, kind: str) -> Reply:
        headers = {"Content-Type": kind}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        response = requests.request(
            method,
            f"{self._address}/api/v1/{path}",
            data=content,
            headers=headers,
            timeout=ANSWER_LIMIT_S,
        )
        return Reply(response.status_code, response.json(), dict(response.headers))


class Terminal:
    def __init__(self, code: str, way: Way) -> None:
        self.code = code
        self.way = way
        self.key = Ed25519PrivateKey.generate()
        self.token = ""
        self.epoch = uuid.uuid4().hex
        self.seq = 0
        self.serial = 0

    # -- talking --------------------------------------------------------------

    def ask(self, method: str, path: str, content: bytes = b"", kind: str = "") -> Reply:
        return self.way.ask(method, path, self.token, content, kind or "application/octet-stream")

    def post(self, path: str, value: Any) -> Reply:
        return self.ask("POST", path, json.dumps(value).encode(), "application/json")

    def public_key(self) -> str:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode("ascii")

    def try_code(self, code: str) -> Reply:
        return self.post(
            "enrol", {"code": code, "public_key": self.public_key(), "software": "0.1.0"}
        )

    def enrol(self, code: str) -> None:
        reply = self.try_code(code)
        assert reply.status == 200, reply.json
        assert reply.json["terminal"] == self.code
        self.token = reply.json["token"]

    def put(self, content: bytes, sha256: str | None = None) -> Reply:
        return self.ask("PUT", f"attachments/{sha256 or sha(content)}", content)

    def batch(self, *items: Any, epoch: str | None = None) -> Reply:
        return self.post(
            "batch",
            {"terminal": self.code, "epoch": epoch or self.epoch, "items": list(items)},
        )

    def send(self, *items: Any) -> list[dict[str, Any]]:
        reply = self.batch(*items)
        assert reply.status == 200, reply.json
        answers: list[dict[str, Any]] = reply.json["answers"]
        return answers

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
        """In the queue: the next place, a new id, the hash of the bytes."""
        self.seq += 1
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return {
            "id": str(uuid.uuid4()),
            "seq": self.seq,
            "kind": kind,
            "order_key": body["number"] if isinstance(body, dict) else "none",
            "created_at": datetime(2026, 11, 22, 1, 41, tzinfo=UTC).isoformat(),
            "sha256": sha(text.encode("utf-8", "surrogatepass")),
            "body": text,
            **changes,
        }

    def applied(self, **changes: Any) -> dict[str, Any]:
        """One application handed over with its attachments; its item."""
        self.put(PDF)
        self.put(PNG)
        item = self.item("application", self.application(**changes))
        assert self.send(item)[0]["result"] == "accepted"
        return item


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def check_characters(body: str) -> str:
    """ISO 7064 MOD 97-10, worked digit by digit, unlike the hub."""
    rest = 0
    for character in body + "00":
        value = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(character)
        rest = (rest * (10 if value < 10 else 100) + value) % 97
    return f"{98 - rest:02d}"


def number_in(item: dict[str, Any]) -> str:
    return str(json.loads(item["body"])["number"])
