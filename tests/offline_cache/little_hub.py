"""A small, strict hub over real HTTP for the tests: its own code, told how to misbehave.

It keeps what it accepts like the real one must: by id and hash, for ever. What it is sent that the
contract does not allow goes to `complaints`, which every test expects to be empty.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

TOKEN = "token-of-the-rehearsal"
TERMINAL = "QS01"
ITEM_FIELDS = {"id", "seq", "kind", "order_key", "created_at", "sha256", "body"}
PORTAL = b"<html><head><title>Login</title></head><body>Please accept our terms</body></html>"


@dataclass
class Held:
    sha256: str
    kind: str
    body: dict[str, object]


@dataclass
class LittleHub:
    """`batch_tricks` are used up one a batch; then it behaves."""

    held: dict[str, Held] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)  # ids in the order of acceptance
    conflicts: list[str] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    batch_tricks: list[str] = field(default_factory=list)
    put_tricks: list[str] = field(default_factory=list)
    contact_tricks: list[str] = field(default_factory=list)
    refused_ids: dict[str, str] = field(default_factory=dict)  # id -> code, answered per item
    poison_ids: set[str] = field(default_factory=set)  # the whole request is refused
    deadly_ids: set[str] = field(default_factory=set)  # the whole request ends in a 500
    token: str = TOKEN
    turned_away: list[str] = field(default_factory=list)  # paths called with a wrong token
    contacts: int = 0
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


@contextmanager
def serving(hub: LittleHub, port: int = 0) -> Iterator[LittleHub]:
    """The hub on loopback. With the `port` of one that was stopped it comes back there."""

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = False
    hub.url = f"http://127.0.0.1:{server.server_port}"
    hub.let_go.clear()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: LittleHub

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/api/v1/contact" and self._known():
            self.hub.contacts += 1
            trick = self.hub.contact_tricks.pop(0) if self.hub.contact_tricks else ""
            if not self._played(trick):
                self._json(200, {"terminal": TERMINAL, "time": "2026-11-22T06:30:00.000Z"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/v1/enrol":
            self._enrol(json.loads(body))
        elif not self._known():
            pass
        elif self.path == "/api/v1/batch":
            self._batch(json.loads(body))
        elif self.path == "/api/v1/progress":
            self._progress(json.loads(body))
        elif self.path == "/api/v1/earlier":
            self._json(200, {"number": None, "accepted_at": None})
        else:
            self._json(404, {"error": {"code": "no_such_address", "text": ""}})

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._known():
            return
        trick = self.hub.put_tricks.pop(0) if self.hub.put_tricks else ""
        name = self.path.removeprefix("/api/v1/attachments/")
        if trick == "mismatch" or hashlib.sha256(content).hexdigest() != name:
            self._error(422, "hash_mismatch")
        elif not self._played(trick):
            self.hub.attachments[name] = content
            self._json(201, {})

    # -- what it does -------------------------------------------------------------

    def _known(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {self.hub.token}":
            return True
        self.hub.turned_away.append(self.path)
        self._error(401, "unauthorised")
        return False

    def _enrol(self, asked: dict[str, str]) -> None:
        if asked["code"] != "one-time":
            self._error(403, "code_unknown")
        else:
            self._json(200, {"terminal": TERMINAL, "token": TOKEN, "time": "2026-11-22T06:30:00Z"})

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

    def _batch(self, batch: dict[str, object]) -> None:
        items = batch["items"]
        assert isinstance(items, list)
        self._look_over(batch, items)
        self.hub.batches.append([item["id"] for item in items])
        trick = self.hub.batch_tricks.pop(0) if self.hub.batch_tricks else ""
        ids = {item["id"] for item in items}
        if ids & self.hub.deadly_ids:
            self._error(500, "internal")
            return
        if ids & self.hub.poison_ids:
            self._error(422, "malformed_item")
            return
        commit = trick in ("", "timeout after commit", "wrong hash", "silent on first", "other ids")
        answers = [self._take(item) for item in items] if commit else []
        match trick:
            case "wrong hash":
                answers[0]["sha256"] = "0" * 64
            case "silent on first":
                del answers[0]
            case "other ids":
                answers = [{**answer, "id": f"not-{answer['id']}"} for answer in answers]
            case "timeout after commit":
                self.hub.let_go.wait(30)  # longer than any client here waits
                return
        if commit or not self._played(trick):
            self._json(200, {"time": "2026-11-22T06:30:00.000Z", "answers": answers})

    def _look_over(self, batch: dict[str, object], items: list[dict[str, object]]) -> None:
        complain = self.hub.complaints.append
        if set(batch) != {"terminal", "epoch", "items"} or batch["terminal"] != TERMINAL:
            complain("batch fields")
        if not 1 <= len(items) <= 100:
            complain(f"{len(items)} items")
        keys = [item["order_key"] for item in items]
        if len(set(keys)) != len(keys):
            complain("two of one order in a batch")
        for item in items:
            if set(item) != ITEM_FIELDS:
                complain("item fields")
            if hashlib.sha256(str(item["body"]).encode()).hexdigest() != item["sha256"]:
                complain("hash of the body")
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(item["created_at"])):
                complain("created_at")

    def _take(self, item: dict[str, str]) -> dict[str, object]:
        """Accept one item, once."""
        answer: dict[str, object] = {
            "id": item["id"],
            "sha256": item["sha256"],
            "missing": [],
            "code": "",
            "text": "",
        }
        body = json.loads(item["body"])
        named = [it["sha256"] for it in [*body.get("materials", []), body.get("signature")] if it]
        missing = [sha256 for sha256 in named if sha256 not in self.hub.attachments]
        with self.hub.lock:
            held = self.hub.held.get(item["id"])
            if held is not None and held.sha256 != item["sha256"]:
                self.hub.conflicts.append(item["id"])
                return {**answer, "result": "conflict", "code": "other_hash"}
            if held is not None:
                return {**answer, "result": "duplicate"}
            if item["id"] in self.hub.refused_ids:
                code = self.hub.refused_ids[item["id"]]
                return {**answer, "result": "refused", "code": code, "text": "not for us"}
            if missing:
                return {**answer, "result": "incomplete", "missing": missing}
            self.hub.held[item["id"]] = Held(item["sha256"], item["kind"], body)
            self.hub.order.append(item["id"])
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
            case "half json":
                self._send(200, b'{"answers": [{"id": "')
            case "truncated":
                self._send(200, b'{"answers": [', {}, length=5000)
            case "gigabyte":
                self._gigabyte()
            case "nothing":
                self.close_connection = True
            case "hang":
                self.hub.let_go.wait(30)
            case _:
                raise AssertionError(trick)
        return True

    def _gigabyte(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        try:
            for _ in range(1 << 14):
                self.wfile.write(bytes(1 << 16))
        except OSError:
            pass  # the terminal has had enough
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
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
