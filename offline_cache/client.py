"""The hub's API as seen from a terminal. Every answer is a closed value; nothing is raised.

An answer counts only if it is ours: the right status, JSON of the right shape, not too large, in
time. A captive portal's page, a proxy's error or a gigabyte of anything is `GARBAGE`. Redirects are
never followed, and the machine's proxy variables are not used.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import requests
import urllib3

from offline_cache.ports import Clock, utc_text
from offline_cache.queue import Item

MAX_ANSWER_BYTES: Final = 1 << 20  # 100 answers are some 30 KB; nothing of ours comes near
READ_BYTES: Final = 64 << 10
# An answer that drips byte by byte never meets the read time-out; this many of them end it.
READ_TIMEOUTS_AN_ANSWER: Final = 3
MAX_RETRY_AFTER_S: Final = 3600.0  # a mistaken header must not silence a terminal for a day

T = TypeVar("T")


class FailureKind(StrEnum):
    UNREACHABLE = "unreachable"  # no connection, no name, or a certificate that is not the hub's
    TIMED_OUT = "timed_out"  # whether the hub did it is unknown
    UNAUTHORISED = "unauthorised"
    TOO_MANY = "too_many"  # 429, or 503 with its Retry-After
    SERVER_ERROR = "server_error"
    GARBAGE = "garbage"  # not the hub's words
    BAD_REQUEST = "bad_request"  # the hub understood and says no, with a code


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. `code` is the hub's, or a word of ours; never personal."""

    kind: FailureKind
    code: str = ""
    status: int = 0
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    terminal: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The hub's word on one item of a batch, as it came: nothing is believed yet."""

    id: str
    sha256: str
    result: str
    missing: tuple[str, ...]
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    number: str
    state: str
    item: str
    accepted_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class HubEarlier:
    """The newest earlier application that the hub knows; `number` None when there is none."""

    number: str | None
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Contact:
    terminal: str


class HubClient:
    """One thread's connection to the hub."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        connect_timeout_s: float,
        read_timeout_s: float,
        token: str = "",
        ca_file: Path | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._timeouts = (connect_timeout_s, read_timeout_s)
        self._token = token
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = str(ca_file) if ca_file else True
        self._http.headers["Accept-Encoding"] = "identity"  # what is counted is what came

    def use_token(self, token: str) -> None:
        self._token = token

    def close(self) -> None:
        self._http.close()

    # -- calls ------------------------------------------------------------------

    def enrol(self, code: str, public_key: bytes, software: str) -> Enrolled | Failure:
        """Spend a one-time code. UNAUTHORISED with code_unknown, code_used or code_expired."""
        body = {
            "code": code,
            "public_key": base64.b64encode(public_key).decode(),
            "software": software,
        }
        return self._call("POST", "/api/v1/enrol", body, _enrolled)

    def contact(self) -> Contact | Failure:
        return self._call("GET", "/api/v1/contact", None, lambda it: Contact(_text(it["terminal"])))

    def batch(
        self, terminal: str, epoch: str, items: Sequence[Item]
    ) -> tuple[Answer, ...] | Failure:
        body = {
            "terminal": terminal,
            "epoch": epoch,
            "items": [
                {
                    "id": item.id,
                    "seq": item.seq,
                    "kind": item.kind,
                    "order_key": item.order_key,
                    "created_at": item.created_at,
                    "sha256": item.sha256,
                    "body": item.body.decode(),
                }
                for item in items
            ],
        }
        return self._call("POST", "/api/v1/batch", body, _answers)

    def put_attachment(self, sha256: str, content: bytes) -> Failure | None:
        answer = self._exchange(
            "PUT", f"/api/v1/attachments/{sha256}", content, "application/octet-stream"
        )
        return answer if isinstance(answer, Failure) else None

    def progress(self, qr: str) -> Progress | Failure:
        return self._call("POST", "/api/v1/progress", {"qr": qr}, _progress)

    def earlier(self, item: str, id_number: str, since: datetime) -> HubEarlier | Failure:
        body = {"item": item, "id_number": id_number, "since": utc_text(since)}
        return self._call("POST", "/api/v1/earlier", body, _earlier)

    # -- one exchange -----------------------------------------------------------

    def _call(self, method: str, path: str, body: object, read: Callable[[Any], T]) -> T | Failure:
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        content = self._exchange(method, path, sent, "application/json")
        if isinstance(content, Failure):
            return content
        try:
            return read(json.loads(content))
        except (ValueError, KeyError, TypeError, RecursionError):
            return Failure(FailureKind.GARBAGE, "shape", 200)

    def _exchange(
        self, method: str, path: str, body: bytes | None, media_type: str
    ) -> bytes | Failure:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = media_type
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            with self._http.request(
                method,
                self._url + path,
                data=body,
                headers=headers,
                timeout=self._timeouts,
                stream=True,
                allow_redirects=False,
            ) as response:
                content = self._read(response)
                return _judge(response, content, self._clock)
        except requests.exceptions.SSLError:
            return Failure(FailureKind.UNREACHABLE, "certificate")
        except requests.exceptions.ConnectTimeout:
            return Failure(FailureKind.UNREACHABLE, "no_connection")
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            return Failure(FailureKind.TIMED_OUT)
        except requests.exceptions.ConnectionError as error:
            return _lost_connection(error)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError):
            return Failure(FailureKind.GARBAGE, "transport")

    def _read(self, response: requests.Response) -> bytes | None:
        """The body; None when it is too large or takes too long."""
        until = self._clock.monotonic() + self._timeouts[1] * READ_TIMEOUTS_AN_ANSWER
        content = bytearray()
        while True:
            part = response.raw.read1(READ_BYTES)
            if not part:
                return bytes(content)
            content += part
            if len(content) > MAX_ANSWER_BYTES or self._clock.monotonic() > until:
                return None


def _lost_connection(error: Exception) -> Failure:
    """No connection at all, or one that broke after something may have been sent?"""
    cause: BaseException | None = error
    seen = 0
    while cause is not None and seen < 8:  # nested by requests, urllib3 and the socket
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            return Failure(FailureKind.UNREACHABLE, "no_connection")
        inner = getattr(cause, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((it for it in cause.args if isinstance(it, BaseException)), None)
        cause = inner
        seen += 1
    return Failure(FailureKind.TIMED_OUT, "cut_off")


def _judge(response: requests.Response, content: bytes | None, clock: Clock) -> bytes | Failure:
    """What the status and the body mean."""
    status = response.status_code
    if content is None:
        return Failure(FailureKind.GARBAGE, "too_large", status)
    if status in (200, 201, 204):
        return content
    code = _error_code(content)
    retry_after = _retry_after(response, clock)
    match status:
        case 401:
            return Failure(FailureKind.UNAUTHORISED, code or "unauthorised", status)
        case 403 if code:
            return Failure(FailureKind.UNAUTHORISED, code, status)
        case 429:
            return Failure(FailureKind.TOO_MANY, code, status, retry_after)
        case 503:
            return Failure(FailureKind.TOO_MANY, code, status, retry_after)
        case 408 | 425:
            return Failure(FailureKind.TIMED_OUT, code, status)
        case _ if status >= 500:
            return Failure(FailureKind.SERVER_ERROR, code, status, retry_after)
        case _ if 400 <= status < 500 and code:
            return Failure(FailureKind.BAD_REQUEST, code, status)
        case _:
            # A redirect, or a refusal not in the hub's words: somebody between us and the hub.
            return Failure(FailureKind.GARBAGE, "not_the_hub", status)


def _error_code(content: bytes) -> str:
    """The code of the hub's own error body; empty when it is somebody else's page."""
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        return _text(json.loads(content)["error"]["code"])[:64]
    return ""


def _retry_after(response: requests.Response, clock: Clock) -> float | None:
    """Seconds, from the header's number or date."""
    header = response.headers.get("Retry-After", "").strip()
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return min(float(header[:9]), MAX_RETRY_AFTER_S)
    with contextlib.suppress(ValueError, TypeError):
        at = parsedate_to_datetime(header)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return min(max(0.0, (at - clock.utc()).total_seconds()), MAX_RETRY_AFTER_S)
    return None


# -- shapes ---------------------------------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _time(value: object) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)


def _enrolled(it: Any) -> Enrolled:
    return Enrolled(_text(it["terminal"]), _text(it["token"]))


def _answers(it: Any) -> tuple[Answer, ...]:
    answers: list[Answer] = []
    for answer in it["answers"]:
        # One answer that is not whole is no acknowledgement of its item; the others stand.
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            answers.append(
                Answer(
                    id=_text(answer["id"]),
                    sha256=_text(answer["sha256"]),
                    result=_text(answer["result"]),
                    missing=tuple(_text(sha256) for sha256 in answer.get("missing") or ()),
                    code=_text(answer.get("code") or ""),
                    text=_text(answer.get("text") or ""),
                )
            )
    return tuple(answers)


def _progress(it: Any) -> Progress:
    return Progress(
        _text(it["number"]),
        _text(it["state"]),
        _text(it["item"]),
        _time(it["accepted_at"]),
        _time(it["changed_at"]),
    )


def _earlier(it: Any) -> HubEarlier:
    number = it["number"]
    if number is None:
        return HubEarlier(None, None)
    accepted_at = it["accepted_at"]
    return HubEarlier(_text(number), None if accepted_at is None else _time(accepted_at))
