"""The hub's API as seen from a terminal. Every answer is a closed value; nothing is raised.

An answer counts only if it is ours: the right status, the right shape, not too large, in time,
from a hub whose certificate our authority signed. A captive portal's page, a proxy's error or a
gigabyte of anything is a `Failure`. Redirects are never followed, the machine's proxy variables
are not used.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar, assert_never
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from cryptography import x509

from offline_cache.line import wire
from offline_cache.line.failures import Failure, FailureKind
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import DeviceKey, Identity
from offline_cache.line.tls import (
    Dates,
    HubAdapter,
    context_for,
    context_of_authority,
    context_of_nobody,
    judge_dates,
    why_untrusted,
)
from offline_cache.ports import Clock, utc_text

MAX_ANSWER_BYTES: Final = 1 << 20  # 100 answers are some 10 KB; nothing of ours comes near
READ_BYTES: Final = 64 << 10
# An answer that drips byte by byte never meets the read time-out; this many of them end it.
READ_TIMEOUTS_AN_ANSWER: Final = 3
MAX_RETRY_AFTER_S: Final = 3600.0  # a mistaken header must not silence a terminal for a day
ATTACHMENTS: Final = "/api/v1/attachments"
PICKUPS: Final = "/api/v1/pickups"
TUS: Final = "1.0.0"
DOUBTFUL: Final = "certificate_doubtful"  # within this module: ask the time, then try again

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an upload stands at the hub. `whole`: it has it all; `offset` None: ask."""

    path: str
    whole: bool
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "")


class HubClient:
    """One thread's connection to the hub. Shows a certificate as soon as `use` gave one."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        times: HubTime,
        *,
        connect_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._times = times
        self._timeouts = (connect_timeout_s, read_timeout_s)
        self._identity: Identity | None = None
        self._unusable: Failure | None = Failure(FailureKind.UNTRUSTED, "not_enrolled")
        self._asking_the_time = False
        self._meanwhile: Callable[[], None] | None = None
        self._seen: x509.Certificate | None = None  # the hub's, of the connection last made
        self._http = requests.Session()

    # -- whom to believe, and as whom ---------------------------------------------

    def use(self, identity: Identity, key: DeviceKey) -> None:
        """Speak as this terminal from now on, and believe its authority only."""
        if identity == self._identity:
            return
        self._identity = identity
        try:
            self._connect_by(context_for(identity, key))
        except (ssl.SSLError, ValueError, OSError):
            self._unusable = Failure(FailureKind.UNTRUSTED, "our_certificate")

    def use_authority(self, ca: str) -> None:
        """Believe this authority only, show no certificate: for enrolment."""
        self._connect_by(context_of_authority(ca))

    def use_nobody(self) -> None:
        """Believe anybody: to fetch what a pin then proves, and for nothing else."""
        self._connect_by(context_of_nobody())

    def close(self) -> None:
        self._http.close()

    def _connect_by(self, context: ssl.SSLContext) -> None:
        self._http.close()
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers.clear()  # what is not needed is not sent: a line may be slow
        self._http.headers.update({"Accept-Encoding": "identity", "User-Agent": "kiosk"})
        adapter = HubAdapter(context, self._judge_peer, self._timeouts[1], self._asked)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)
        self._unusable = None

    def _asked(self) -> None:
        """A request is on its way."""
        work, self._meanwhile = self._meanwhile, None
        if work is not None:
            work()

    def _judge_peer(self, der: bytes) -> str:
        """What is wrong with the hub's certificate besides its chain and name; empty: nothing."""
        try:
            self._seen = x509.load_der_x509_certificate(der)
        except ValueError:
            return "certificate"
        match judge_dates(self._seen, self._times.now(), self._times.floor()):
            case Dates.HOLD:
                return ""
            case Dates.DOUBTFUL:
                return "" if self._asking_the_time else DOUBTFUL
            case Dates.OVER:
                return "certificate_dates"
            case _ as never:
                assert_never(never)

    # -- calls ------------------------------------------------------------------

    def authority(self) -> str | Failure:
        """The hub's authority, PEM, not proved by anything."""
        return self._call("GET", "/api/v1/ca", None, lambda it: str(it["ca"]))

    def enrol(
        self, code: str, request: str, receipt_key: bytes, software: str
    ) -> wire.Enrolled | Failure:
        """Spend a one-time code. UNAUTHORISED with code_unknown, code_used or code_expired."""
        body = {
            "code": code,
            "csr": request,
            "receipt_key": base64.b64encode(receipt_key).decode(),
            "software": software,
        }
        return self._timed(self._call("POST", "/api/v1/enrol", body, wire.read_enrolled))

    def renew(self, request: str) -> wire.Renewed | Failure:
        return self._call("POST", "/api/v1/renew", {"csr": request}, wire.read_renewed)

    def contact(self, epoch: str, last_seq: int, verdicts_seen: int = 0) -> wire.Contact | Failure:
        """Is it there, what time is it, does it miss anything of ours? Carries nothing."""
        asked = {"epoch": epoch, "last_seq": last_seq, "verdicts_seen": verdicts_seen}
        query = urlencode(asked)
        found = self._call("GET", f"/api/v1/contact?{query}", None, wire.read_contact)
        ours = self._identity.terminal if self._identity is not None else ""
        if isinstance(found, wire.Contact) and found.terminal != ours:
            return Failure(FailureKind.GARBAGE, "another_terminal", 200)
        return self._timed(found)

    def batch(
        self,
        epoch: str,
        last_seq: int,
        items: Sequence[wire.Item],
        verdicts_seen: int = 0,
        meanwhile: Callable[[], None] | None = None,
    ) -> wire.BatchAnswer | Failure:
        """Send items. `meanwhile`, which must not raise, is done on this thread while the hub works;
        not when the line broke before that, and once at most."""
        if self._identity is None:
            return Failure(FailureKind.UNTRUSTED, "not_enrolled")
        body = wire.batch_body(self._identity.terminal, epoch, last_seq, items, verdicts_seen)
        self._meanwhile = meanwhile
        try:
            reply = self._exchange("POST", "/api/v1/batch", body, wire.CBOR, accept=wire.CBOR)
        finally:
            self._meanwhile = None
        found = _read(reply, wire.read_batch)
        if isinstance(found, wire.BatchAnswer) and found.time is not None:
            self._believe(found.time)
        return found

    def begin_upload(self, sha256: str, length: int) -> Place | Failure:
        """Say what will come; the hub says where it wants it, or that it has it."""
        name = base64.b64encode(sha256.encode()).decode()
        reply = self._exchange(
            "POST",
            ATTACHMENTS,
            b"",
            "",
            headers={
                "Tus-Resumable": TUS,
                "Upload-Length": str(length),
                "Upload-Metadata": f"sha256 {name}",
            },
        )
        if isinstance(reply, Failure):
            return reply
        if reply.status == 200:
            return Place("", whole=True)
        # Only the path counts: nobody sends us to another machine.
        path = urlsplit(reply.headers.get("Location", "")).path
        if not path.startswith(f"{ATTACHMENTS}/"):
            return Failure(FailureKind.GARBAGE, "location", reply.status)
        if "Upload-Offset" not in reply.headers:
            return Place(path, whole=False)
        offset = _offset(reply)
        return offset if isinstance(offset, Failure) else Place(path, False, offset)

    def upload_offset(self, place: Place) -> int | Failure:
        """How much of it the hub has."""
        reply = self._exchange("HEAD", place.path, None, "", headers={"Tus-Resumable": TUS})
        return reply if isinstance(reply, Failure) else _offset(reply)

    def send_part(self, place: Place, offset: int, part: bytes) -> int | Failure:
        """Send what follows `offset`; the hub's new offset."""
        digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
        reply = self._exchange(
            "PATCH",
            place.path,
            part,
            "application/offset+octet-stream",
            headers={
                "Tus-Resumable": TUS,
                "Upload-Offset": str(offset),
                "Upload-Checksum": f"sha256 {digest}",
            },
        )
        return reply if isinstance(reply, Failure) else _offset(reply)

    def progress(self, qr: str) -> wire.Progress | Failure:
        return self._call("POST", "/api/v1/progress", {"qr": qr}, wire.read_progress)

    def earlier(self, item: str, id_number: str, since: datetime) -> wire.HubEarlier | Failure:
        body = {"item": item, "id_number": id_number, "since": utc_text(since)}
        return self._call("POST", "/api/v1/earlier", body, wire.read_earlier)

    def tell_devices(self, devices: Sequence[Mapping[str, object]]) -> Failure | None:
        """What this terminal's devices are, each with device, status, reason, since, model, serial."""
        found = self._call("POST", "/api/v1/devices", {"devices": list(devices)}, wire.read_health)
        return found if isinstance(found, Failure) else None

    def card_step(
        self, dialogue: str, step: int, sealed: bytes, answers: Sequence[bytes], ended: str
    ) -> wire.CardStep | Failure:
        """One step of giving a social card a new password; may be asked again as it was."""
        body = {
            "dialogue": dialogue,
            "step": step,
            "sealed": base64.b64encode(sealed).decode(),
            "answers": [answer.hex().upper() for answer in answers],
            "ended": ended,
        }
        found = self._call("POST", "/api/v1/card-dialogue", body, wire.read_card_step)
        if isinstance(found, wire.CardStep) and found.dialogue != dialogue:
            return Failure(FailureKind.GARBAGE, "another_dialogue", 200)
        return found

    def keep_pickup(self, name: str, sealed: bytes, replaces: str = "") -> Failure | None:
        """Leave a sealed scan for a phone, in place of `replaces`. The same again is no second one."""
        instead = f"?replaces={replaces}" if replaces else ""
        path = f"{PICKUPS}/{name}{instead}"
        reply = self._exchange("PUT", path, sealed, "application/octet-stream", accept=wire.JSON)
        found = _read(reply, lambda it: str(it["expires_at"]))
        return found if isinstance(found, Failure) else None

    def pickup_state(self, name: str) -> str | Failure:
        """waiting, fetched or gone."""
        return self._call("GET", f"{PICKUPS}/{name}", None, lambda it: str(it["state"]))

    # -- one exchange -----------------------------------------------------------

    def _call(self, method: str, path: str, body: object, read: Callable[[Any], T]) -> T | Failure:
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return _read(self._exchange(method, path, sent, wire.JSON, accept=wire.JSON), read)

    def _timed(self, found: T) -> T | Failure:
        """Learn the time from an answer; a hub outside its own certificate's dates is none."""
        if isinstance(found, wire.Contact | wire.Enrolled) and not self._believe(found.time):
            self._http.close()
            return Failure(FailureKind.UNTRUSTED, "certificate_dates", 200)
        return found

    def _believe(self, told: datetime) -> bool:
        """Keep the hub's time, unless its own certificate does not hold then."""
        seen = self._seen  # None at a gateway on this machine, which speaks plainly
        if seen is None or judge_dates(seen, told, self._times.floor()) is Dates.HOLD:
            self._times.heard(told)
            return True
        return False

    def _learn_time(self) -> bool:
        """Ask who proved our authority and its name, but seems out of date by our clock.

        Nothing but the time is asked and nothing else believed; it must lie within the hub's
        certificate and not before what the hub said last.
        """
        self._asking_the_time = True
        try:
            reply = self._once("GET", "/api/v1/health", None, {"Accept": wire.JSON})
        finally:
            self._asking_the_time = False
        told = _read(reply, wire.read_health)
        self._http.close()  # what follows shakes hands anew and is judged by the time now known
        return isinstance(told, datetime) and self._believe(told)

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        media_type: str,
        *,
        accept: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> _Reply | Failure:
        sent = dict(headers or {})
        if accept:
            sent["Accept"] = accept
        if body and media_type:
            sent["Content-Type"] = media_type
        found = self._once(method, path, body, sent)
        if isinstance(found, Failure) and found.code == DOUBTFUL:  # nothing was sent yet
            if self._learn_time():
                return self._once(method, path, body, sent)
            return Failure(FailureKind.UNTRUSTED, "certificate_dates")
        return found

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> _Reply | Failure:
        if self._unusable is not None:
            return self._unusable
        try:
            with self._http.request(
                method,
                self._url + path,
                # As a file it goes in small writes, each with its own time-out.
                data=io.BytesIO(body) if body else body,
                headers=dict(headers),
                timeout=self._timeouts,
                stream=True,
                allow_redirects=False,
            ) as response:
                return _judge(response, self._body(response), self._clock)
        except requests.exceptions.ConnectTimeout:
            return Failure(FailureKind.UNREACHABLE, "no_connection")
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            return Failure(FailureKind.TIMED_OUT)
        except (
            requests.exceptions.ConnectionError,  # with it what TLS met
            requests.exceptions.ChunkedEncodingError,
            urllib3.exceptions.ProtocolError,
            urllib3.exceptions.SSLError,
            OSError,
        ) as error:
            return _lost_connection(error)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
            return Failure(FailureKind.GARBAGE, "transport")

    def _body(self, response: requests.Response) -> bytes | None:
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


def _lost_connection(error: BaseException) -> Failure:
    """Somebody else, no connection at all, or one that broke after something may have been sent?"""
    cause: BaseException | None = error
    seen = 0
    while cause is not None and seen < 8:  # nested by requests, urllib3 and the socket
        if untrusted := why_untrusted(cause):
            return Failure(FailureKind.UNTRUSTED, untrusted)
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            return Failure(FailureKind.UNREACHABLE, "no_connection")
        inner = getattr(cause, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((it for it in cause.args if isinstance(it, BaseException)), None)
        cause = inner or cause.__cause__
        seen += 1
    return Failure(FailureKind.TIMED_OUT, "cut_off")


def _judge(response: requests.Response, content: bytes | None, clock: Clock) -> _Reply | Failure:
    """What the status and the body mean."""
    status = response.status_code
    if content is None:
        return Failure(FailureKind.GARBAGE, "too_large", status)
    if status in (200, 201, 204):
        return _Reply(status, response.headers, content)
    code = wire.error_code(content, response.headers.get("Content-Type", ""))
    retry_after = _retry_after(response, clock)
    match status:
        case 401:
            return Failure(FailureKind.UNAUTHORISED, code or "unauthorised", status)
        case 403 if code:
            return Failure(FailureKind.UNAUTHORISED, code, status)
        case 429 | 503:
            return Failure(FailureKind.TOO_MANY, code, status, retry_after)
        case 408 | 425:
            return Failure(FailureKind.TIMED_OUT, code, status)
        case _ if status >= 500:
            return Failure(FailureKind.SERVER_ERROR, code, status, retry_after)
        # HEAD has no body to carry a code.
        case _ if 400 <= status < 500 and (code or response.request.method == "HEAD"):
            return Failure(FailureKind.BAD_REQUEST, code, status)
        case _:
            # A redirect, or a refusal not in the hub's words: somebody between us and the hub.
            return Failure(FailureKind.GARBAGE, "not_the_hub", status)


def _read(reply: _Reply | Failure, read: Callable[[Any], T]) -> T | Failure:
    if isinstance(reply, Failure):
        return reply
    try:
        return read(wire.parse(reply.content, reply.media_type))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return Failure(FailureKind.GARBAGE, "shape", reply.status)


def _offset(reply: _Reply) -> int | Failure:
    said = reply.headers.get("Upload-Offset", "")
    if not said.isascii() or not said.isdigit() or len(said) > 15:
        return Failure(FailureKind.GARBAGE, "offset", reply.status)
    return int(said)


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
