"""A small, strict hub over real HTTPS for the tests: its own code, told how to misbehave.

It keeps what it accepts like the real one must: by id and hash, for ever. What it is sent that the
contract does not allow goes to `complaints`, which every test expects to be empty.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import ssl
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cbor2
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from little_authority import LATER, LONG_AGO, LittleAuthority, the_authority

TERMINAL = "QS01"
CODE = "ABCD-EFGH"
ITEM_FIELDS = (
    *("id", "seq", "kind", "order_key", "created_at"),
    *("attachments", "sha256", "chain", "sealed"),
)


def items_of(batch: dict[str, Any]) -> list[dict[str, Any]]:
    """A batch's items by name. They come as arrays, in the order that the hub's document gives."""
    return [dict(zip(ITEM_FIELDS, item, strict=True)) for item in batch["items"]]


PORTAL = b"<html><head><title>Login</title></head><body>Please accept our terms</body></html>"
NO_CHECK_TIME = 0x200000
DICTIONARY = Path(__file__).parents[2] / "offline_cache" / "data" / "applications-1.zdict"
UPLOADS = "/api/v1/attachments"
NOTHING_KNOWN = {
    "state": None,
    "materials": [],
    "note": "",
}  # the rest of an answer without a number


@dataclass
class Held:
    sha256: str
    kind: str
    body: dict[str, object]
    seq: int = 0
    epoch: str = ""


def _fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


@dataclass
class LittleHub:
    """`*_tricks` are used up one a call; then it behaves."""

    authority: LittleAuthority = field(default_factory=the_authority)
    certificate: bytes = b""  # key and certificate; made when there is none
    held: dict[str, Held] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)  # ids in the order of acceptance
    conflicts: list[str] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)  # sealed, by the hash of that
    uploads: dict[str, bytearray] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    parts: list[tuple[str, int, int]] = field(default_factory=list)  # name, offset, bytes taken
    batches: list[list[str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    batch_tricks: list[str] = field(default_factory=list)
    part_tricks: list[str] = field(default_factory=list)
    contact_tricks: list[str] = field(default_factory=list)
    refused_ids: dict[str, str] = field(default_factory=dict)  # id -> code, answered per item
    poison_ids: set[str] = field(default_factory=set)  # the whole request is refused
    deadly_ids: set[str] = field(default_factory=set)  # the whole request ends in a 500
    opens: bool = True  # False: takes what is sealed as it is, to be quick
    sick: str = ""  # this trick at every call, until it is taken away
    revoked: set[str] = field(default_factory=set)  # fingerprints
    card_cases: list[bytes] = field(default_factory=list)  # what was sealed, at every step
    turned_away: list[str] = field(default_factory=list)  # paths called without a good certificate
    late_ids: dict[str, str] = field(
        default_factory=dict
    )  # accepted; a verdict follows: id -> code
    verdicts: list[dict[str, object]] = field(default_factory=list)
    verdicts_seen: list[object] = field(default_factory=list)  # as told by the terminal
    resend: list[tuple[int, int]] = field(default_factory=list)
    spread_s: float | None = None
    contacts: int = 0
    renewals: int = 0
    cannot_renew: bool = False
    enrolments: list[dict[str, str]] = field(default_factory=list)
    earlier: dict[str, object] = field(
        default_factory=lambda: {"number": None, "accepted_at": None, **NOTHING_KNOWN}
    )
    devices_told: list[list[dict[str, str]]] = field(default_factory=list)
    devices_heard: Event = field(default_factory=Event)
    called_terminal: str = TERMINAL
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    life: timedelta = timedelta(days=90)
    seal_key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    let_go: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    url: str = ""

    def numbers(self) -> list[object]:
        """Receipt numbers of the applications held, in the order of their acceptance."""
        return [
            self.held[item_id].body["number"]
            for item_id in self.order
            if self.held[item_id].kind == "application"
        ]

    @property
    def one_time_code(self) -> str:
        return f"{CODE}-{self.authority.pin}"

    @property
    def seal_keys(self) -> list[dict[str, object]]:
        spki = self.seal_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return [
            {
                "id": hashlib.sha256(spki).digest()[:8].hex(),
                "suite": 1,
                "public_key": base64.b64encode(spki).decode(),
            }
        ]

    def time(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def enrol(
        self, request: str, begins: datetime | None = None, ends: datetime | None = None
    ) -> str:
        """A certificate for the terminal, as enrolment or renewal would give it."""
        now = self.now()
        begins = begins or now - timedelta(hours=1)
        return self.authority.terminal(request, TERMINAL, begins, ends or now + self.life)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What an envelope of the first suite holds; any flaw raises."""
        assert sealed[:4] == b"ZW1\x01" and sealed[4:12].hex() == self.seal_keys[0]["id"]
        packed, length = sealed[12], int.from_bytes(sealed[13:15])
        key_part, rest = sealed[15 : 15 + length], sealed[15 + length :]
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key_part)
        own = self.seal_key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        key = HKDF(hashes.SHA256(), 32, key_part + own, b"ZW1 aes256gcm+p256").derive(
            self.seal_key.exchange(ec.ECDH(), point)
        )
        content = AESGCM(key).decrypt(rest[:12], rest[12:], sealed[: 15 + length] + context)
        if packed == 0:
            return content
        words = zstandard.ZstdCompressionDict(DICTIONARY.read_bytes())
        return zstandard.ZstdDecompressor(dict_data=words).decompress(content, 1 << 20)

    def forget(self) -> None:
        """As after a restore from a copy that was made before anything came."""
        self.held.clear()
        self.order.clear()
        self.attachments.clear()
        self.uploads.clear()


@contextmanager
def serving(hub: LittleHub, port: int = 0) -> Iterator[LittleHub]:
    """The hub on loopback. With the `port` of one that was stopped it comes back there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    hub.certificate = hub.certificate or hub.authority.server()
    with tempfile.NamedTemporaryFile() as file:
        file.write(hub.certificate)
        file.flush()
        context.load_cert_chain(file.name)
    context.load_verify_locations(cadata=hub.authority.pem)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= NO_CHECK_TIME
    opened: list[socket.socket] = []

    class Handler(_Handler):
        def setup(self) -> None:
            opened.append(self.request)
            super().setup()

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def get_request(self) -> tuple[Any, Any]:
            plain, peer = self.socket.accept()
            return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), peer

        def finish_request(self, request: Any, address: Any) -> None:
            with contextlib.suppress(OSError):  # a client that does not trust us, or was cut off
                request.settimeout(30)
                request.do_handshake()
                super().finish_request(request, address)

        def shutdown_request(self, request: Any) -> None:
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
            request.close()

    Handler.hub = hub
    server = Server(("127.0.0.1", port), Handler)
    hub.url = f"https://127.0.0.1:{server.server_port}"
    hub.let_go.clear()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.let_go.set()
        server.shutdown()
        thread.join()
        for each in opened:  # those that stayed open for the next call
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: LittleHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/api/v1/ca":
            self._json(200, {"ca": self.hub.authority.pem})
        elif asked.path == "/api/v1/health":
            self._json(200, {"ok": True, "time": self.hub.time()})
        elif asked.path == "/api/v1/contact" and self._known(may_be_expired=False):
            self.hub.contacts += 1
            trick = self.hub.contact_tricks.pop(0) if self.hub.contact_tricks else ""
            if not self._played(trick or self.hub.sick):
                self._contact(parse_qs(asked.query))

    def do_HEAD(self) -> None:
        if self._known():
            name = self.path.removeprefix(f"{UPLOADS}/")
            if self._played(self.hub.sick):
                return
            if name not in self.hub.uploads:
                self._send(404, b"")
                return
            self._send(200, b"", {"Upload-Offset": str(len(self.hub.uploads[name]))})

    def do_POST(self) -> None:
        body = self._received()
        if body is None:
            return
        if self.path == "/api/v1/enrol":
            self._enrol(json.loads(body))
        elif not self._known():
            pass
        elif self.path == "/api/v1/batch":
            self._batch(body)
        elif self._played(self.hub.sick):
            pass
        elif self.path == "/api/v1/renew":
            self.hub.renewals += 1
            if self.hub.cannot_renew:
                self._error(500, "internal")
                return
            given = self.hub.enrol(json.loads(body)["csr"])
            self._json(200, {"certificate": given, "ca": self.hub.authority.pem})
        elif self.path == UPLOADS:
            self._begin()
        elif self.path == "/api/v1/progress":
            self._progress(json.loads(body))
        elif self.path == "/api/v1/earlier":
            self._json(200, self.hub.earlier)
        elif self.path == "/api/v1/card-dialogue":
            self._card(json.loads(body))
        elif self.path == "/api/v1/devices":
            self._devices(json.loads(body))
        else:
            self._json(404, {"error": {"code": "no_such_address", "text": ""}})

    def do_PATCH(self) -> None:
        body = self._received()
        if body is None or not self._known():
            return
        name = self.path.removeprefix(f"{UPLOADS}/")
        trick = self.hub.part_tricks.pop(0) if self.hub.part_tricks else self.hub.sick
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        held = self.hub.uploads.get(name)
        if held is None:
            self._error(404, "no_such_upload")
            return
        if self.headers["Upload-Checksum"] != f"sha256 {digest}" or trick == "checksum":
            self._error(460, "checksum")
            return
        if int(self.headers["Upload-Offset"]) != len(held) or trick == "offset":
            self._error(409, "wrong_offset")
            return
        if trick == "mismatch":
            self.hub.uploads[name] = bytearray()
            self._error(422, "hash_mismatch")
            return
        if trick == "taken, no word":
            self._take_part(name, held, body)
            self.close_connection = True
            return
        if self._played(trick):
            return
        self._take_part(name, held, body)
        if len(held) == self.hub.lengths[name] and name not in self.hub.attachments:
            self.hub.uploads[name] = bytearray()
            self._error(422, "hash_mismatch")
            return
        self._send(204, b"", {"Upload-Offset": str(len(held))})

    # -- what it does -------------------------------------------------------------

    def _card(self, asked: dict[str, Any]) -> None:
        """Two steps: a challenge, and done; step 9 is none of its dialogues'."""
        if asked["step"] == 9:
            self._error(409, "dialogue_over")
            return
        context = f"card\0{TERMINAL}\0{asked['dialogue']}".encode()
        self.hub.card_cases.append(self.hub.open(base64.b64decode(asked["sealed"]), context))
        said = {"dialogue": asked["dialogue"], "step": asked["step"] + 1, "apdus": []}
        said |= {"code": "", "text_zh": "", "text_en": ""}
        if asked["ended"]:
            self._json(200, {**said, "outcome": "refused", "code": "ended"})
        elif asked["step"] == 0:
            self._json(200, {**said, "outcome": "transmit", "apdus": ["0084000008"]})
        else:
            if asked["answers"] != ["01020304050607089000"]:
                self.hub.complaints.append(f"answers {asked['answers']}")
            self._json(200, {**said, "outcome": "done"})

    def _received(self) -> bytes | None:
        wanted = int(self.headers["Content-Length"])
        body = self.rfile.read(wanted)
        if len(body) == wanted:
            return body
        self.close_connection = True  # cut off in the middle
        return None

    def _known(self, *, may_be_expired: bool = True) -> bool:
        der = self.request.getpeercert(binary_form=True)
        now = self.hub.now()
        if der is None:
            self.hub.turned_away.append(self.path)
            self._error(401, "no_certificate")
            return False
        shown = x509.load_der_x509_certificate(der)
        code, status = "", 401
        if _fingerprint(der) in self.hub.revoked:
            code = "certificate_revoked"
        elif now > shown.not_valid_after_utc + timedelta(days=180):
            code = "certificate_unknown"
        elif now > shown.not_valid_after_utc and not may_be_expired:
            code, status = "certificate_expired", 403
        if code:
            self.hub.turned_away.append(self.path)
            self._error(status, code)
        return not code

    def _contact(self, asked: dict[str, list[str]]) -> None:
        if set(asked) != {"epoch", "last_seq", "verdicts_seen"}:
            self.hub.complaints.append("contact's question")
        answer: dict[str, object] = {
            "terminal": self.hub.called_terminal,
            "time": self.hub.time(),
            "seal_keys": self.hub.seal_keys,
            "resend": self.hub.resend,
            "verdicts": self._unseen(int(asked["verdicts_seen"][0])),
            "top_seq": max(
                (one.seq for one in self.hub.held.values() if one.epoch == asked["epoch"][0]),
                default=0,
            ),
        }
        if self.hub.spread_s is not None:
            answer["spread_s"] = self.hub.spread_s
        self._json(200, answer)

    def _unseen(self, seen: int) -> list[dict[str, object]]:
        """Verdicts on what was accepted before, as long as the terminal does not say it has them."""
        self.hub.verdicts_seen.append(seen)
        return [it for it in self.hub.verdicts if int(str(it["no"])) > seen][:100]

    def _enrol(self, asked: dict[str, str]) -> None:
        if asked["code"] != CODE:
            self._error(401, "code_unknown")
            return
        if len(base64.b64decode(asked["receipt_key"])) != 32:
            self.hub.complaints.append("receipt key")
        self.hub.enrolments.append(asked)
        self._json(
            200,
            {
                "terminal": TERMINAL,
                "certificate": self.hub.enrol(asked["csr"]),
                "ca": self.hub.authority.pem,
                "seal_keys": self.hub.seal_keys,
                "time": self.hub.time(),
            },
        )

    def _progress(self, asked: dict[str, str]) -> None:
        number, signature = asked["qr"].split(".")[1:]
        if signature == "FORGED":
            self._error(422, "signature_wrong")
            return
        if number not in self.hub.numbers():
            self._error(404, "unknown_number")
            return
        at = "2026-11-22T06:30:00.000Z"
        self._json(
            200,
            {
                "number": number,
                "state": "in_review",
                "item": "old-age-allowance",
                "accepted_at": at,
                "changed_at": at,
            },
        )

    def _devices(self, asked: dict[str, list[dict[str, str]]]) -> None:
        facts = {"device", "status", "reason", "since", "model", "serial"}
        if any(set(one) != facts for one in asked["devices"]):
            self.hub.complaints.append("a device")
        self.hub.devices_told.append(asked["devices"])
        self.hub.devices_heard.set()
        self._json(200, {"time": self.hub.time()})

    def _begin(self) -> None:
        key, _, value = self.headers["Upload-Metadata"].partition(" ")
        name = base64.b64decode(value).decode()
        length = int(self.headers["Upload-Length"])
        if key != "sha256" or not re.fullmatch(r"[0-9a-f]{64}", name) or length < 1:
            self.hub.complaints.append("creation of an upload")
        if name in self.hub.attachments:
            self._send(200, b"")
            return
        self.hub.lengths[name] = length
        held = self.hub.uploads.setdefault(name, bytearray())
        if held:  # known already: it stands where it stood
            self._send(201, b"", {"Location": f"{UPLOADS}/{name}"})
            return
        where = {"Location": f"{self.hub.url}{UPLOADS}/{name}", "Upload-Offset": "0"}
        self._send(201, b"", where)

    def _take_part(self, name: str, held: bytearray, body: bytes) -> None:
        self.hub.parts.append((name, len(held), len(body)))
        held += body
        if len(held) == self.hub.lengths[name] and hashlib.sha256(held).hexdigest() == name:
            self.hub.attachments[name] = bytes(held)

    def _batch(self, body: bytes) -> None:
        if self.headers["Content-Type"] != "application/cbor" or len(body) > 1 << 20:
            self.hub.complaints.append("batch's form")
        batch = cbor2.loads(body)
        items = items_of(batch)
        for item in items:
            item["id"] = str(uuid.UUID(bytes=item["id"]))
        self._look_over(batch, items)
        self.hub.batches.append([item["id"] for item in items])
        trick = self.hub.batch_tricks.pop(0) if self.hub.batch_tricks else self.hub.sick
        ids = {item["id"] for item in items}
        if ids & self.hub.deadly_ids:
            self._error(500, "internal")
            return
        if ids & self.hub.poison_ids:
            self._error(422, "malformed_item")
            return
        commit = trick in (
            *("", "timeout after commit", "wrong hash", "silent on first"),
            *("other ids", "backwards", "twice"),
        )
        verdicts = [
            {**it, "id": uuid.UUID(str(it["id"])).bytes}
            for it in self._unseen(batch["verdicts_seen"])
        ]
        answers = [self._take(batch, item) for item in items] if commit else []
        match trick:
            case "wrong hash":
                answers[0]["sha256"] = bytes(32)
            case "silent on first":
                del answers[0]
            case "other ids":  # as if for another terminal
                answers = [{**answer, "id": uuid.uuid4().bytes} for answer in answers]
            case "backwards":
                answers.reverse()
            case "twice":
                answers = answers + answers
            case "timeout after commit":
                self.hub.let_go.wait(30)  # longer than any client here waits
                self.close_connection = True
                return
        if commit or not self._played(trick):
            said = {"time": self.hub.time(), "answers": answers, "verdicts": verdicts}
            self._send(200, cbor2.dumps(said), {"Content-Type": "application/cbor"})

    def _look_over(self, batch: dict[str, Any], items: list[dict[str, Any]]) -> None:
        complain = self.hub.complaints.append
        if set(batch) != {"terminal", "epoch", "last_seq", "verdicts_seen", "items"}:
            complain("batch fields")
        if batch["terminal"] != TERMINAL or batch["last_seq"] < max(it["seq"] for it in items):
            complain("batch values")
        if not 1 <= len(items) <= 100:
            complain(f"{len(items)} items")
        keys = [item["order_key"] for item in items]
        if len(set(keys)) != len(keys):
            complain("two of one order in a batch")
        for item in items:
            if hashlib.sha256(item["sealed"]).digest() != item["sha256"]:
                complain("hash of the sealed bytes")
            if len(item["chain"]) != 32 or any(len(it) != 32 for it in item["attachments"]):
                complain("hashes")
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item["created_at"]):
                complain("created_at")

    def _take(self, batch: dict[str, Any], item: dict[str, Any]) -> dict[str, object]:
        """Accept one item, once."""
        item_id, sha256 = item["id"], item["sha256"].hex()
        answer: dict[str, object] = {"id": uuid.UUID(item_id).bytes, "sha256": item["sha256"]}
        missing = [it for it in item["attachments"] if it.hex() not in self.hub.attachments]
        with self.hub.lock:
            held = self.hub.held.get(item_id)
            if held is not None and held.sha256 != sha256:
                self.hub.conflicts.append(item_id)
                return {**answer, "result": "conflict", "code": "other_hash"}
            if held is not None:
                return {**answer, "result": "duplicate"}
            if item_id in self.hub.refused_ids:
                code = self.hub.refused_ids[item_id]
                return {**answer, "result": "refused", "code": code, "text": "not for us"}
            if missing:
                return {**answer, "result": "incomplete", "missing": missing}
            if item_id in self.hub.late_ids:
                self.hub.verdicts.append(
                    {
                        "no": len(self.hub.verdicts) + 1,
                        "epoch": batch["epoch"],
                        "seq": item["seq"],
                        "id": item_id,
                        "result": "refused",
                        "code": self.hub.late_ids[item_id],
                        "text": "opened and not for us",
                    }
                )
            if not self.hub.opens:
                self.hub.held[item_id] = Held(sha256, item["kind"], {}, item["seq"], batch["epoch"])
                self.hub.order.append(item_id)
                return {**answer, "result": "accepted"}
            context = b"\0".join(
                str(part).encode()
                for part in ("item", TERMINAL, batch["epoch"], item["seq"], item["kind"], item_id)
            )
            content = json.loads(self.hub.open(item["sealed"], context))
            for each in content["attachments"]:
                plain = self.hub.open(
                    self.hub.attachments[each["sealed"]], b"attachment\0" + TERMINAL.encode()
                )
                if hashlib.sha256(plain).hexdigest() != each["sha256"]:
                    self.hub.complaints.append("an attachment's content")
            self.hub.held[item_id] = Held(
                sha256, item["kind"], content["body"], item["seq"], batch["epoch"]
            )
            self.hub.order.append(item_id)
            return {**answer, "result": "accepted"}

    # -- how it misbehaves --------------------------------------------------------

    def _played(self, trick: str) -> bool:
        match trick:
            case "":
                return False
            case "500":
                self._error(500, "internal")
            case "502 html":
                self._send(502, b"<html>Bad gateway</html>")
            case "503":
                self._error(503, "busy")
            case "503 retry-after":
                self._error(503, "busy", {"Retry-After": "120"})
            case "429 date":
                self._error(429, "slow_down", {"Retry-After": "Sun, 22 Nov 2026 06:31:30 GMT"})
            case "portal":
                self._send(200, PORTAL, {"Content-Type": "text/html"})
            case "portal 403":
                self._send(403, PORTAL, {"Content-Type": "text/html"})
            case "portal redirect":
                self._send(302, b"", {"Location": "http://127.0.0.1:9/login"})
            case "not found html":
                self._send(404, b"<html>no such page</html>")
            case "other json":
                self._json(200, {"status": "ok"})
            case "answers null":
                self._json(200, {"time": "x", "answers": None})
            case "half cbor":
                self._send(200, b"\xa2gans", {"Content-Type": "application/cbor"})
            case "deep cbor":
                self._send(200, b"\x81" * 100_000 + b"\x80", {"Content-Type": "application/cbor"})
            case "truncated":
                self._send(200, b'{"answers": [', {}, length=5000)
                self.close_connection = True
            case "gigabyte":
                self._gigabyte()
            case "nothing":
                self.close_connection = True
            case "hang":
                self.hub.let_go.wait(30)
                self.close_connection = True
            case _:
                raise AssertionError(trick)
        return True

    def _gigabyte(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        with contextlib.suppress(OSError):  # the terminal has had enough
            for _ in range(1 << 14):
                self.wfile.write(bytes(1 << 16))
        self.close_connection = True

    def _error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        content = json.dumps({"error": {"code": code, "text": "in words"}}).encode()
        self._send(status, content, headers)

    def _json(self, status: int, content: object) -> None:
        self._send(status, json.dumps(content).encode())

    def _send(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)


__all__ = ["CODE", "LATER", "LONG_AGO", "TERMINAL", "Held", "LittleHub", "serving"]
