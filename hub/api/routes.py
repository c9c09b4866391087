"""The terminals' API. `build_api()` makes it; hub/openapi.json is its document."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from ninja import NinjaAPI, Path, Status
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer

from hub import limits
from hub.api import schemas
from hub.applications import questions
from hub.applications.blobs import BlobFault, attachment_store
from hub.applications.bodies import Sha256
from hub.applications.intake import Intake
from hub.applications.models import Attachment
from hub.applications.questions import ProgressFault
from hub.guard.attempts import ENROLMENT, ENROLMENT_ALL
from hub.middleware import error
from hub.terminals.enrolment import EnrolFault, enrol, read_public_key, terminal_with
from hub.terminals.models import Terminal

log = logging.getLogger("hub.api")

BUSY_RETRY_S = 5
EVERYBODY = "everybody"

_ENROL_TEXTS = {
    EnrolFault.CODE_UNKNOWN: "no such code",
    EnrolFault.CODE_USED: "this code was used; ask for a new one",
    EnrolFault.CODE_EXPIRED: "this code is too old; ask for a new one",
}
_PROGRESS_ERRORS = {
    ProgressFault.QR_UNREADABLE: (422, "this is not the code of a receipt"),
    ProgressFault.SIGNATURE_WRONG: (422, "no terminal of ours signed this code"),
    ProgressFault.UNKNOWN_NUMBER: (404, "this application has not arrived"),
}
_BLOB_ERRORS = {
    BlobFault.HASH_MISMATCH: (422, "the bytes do not have this SHA-256"),
    BlobFault.TOO_LARGE: (413, f"at most {limits.ATTACHMENT_BYTES} bytes"),
    BlobFault.EMPTY: (422, "no bytes"),
}


class EnrolledTerminal(HttpBearer):
    """The token that enrolment gave."""

    def authenticate(self, request: HttpRequest, token: str) -> Terminal | None:
        return terminal_with(token)


def build_api() -> NinjaAPI:
    api = NinjaAPI(
        title="Hub of the self-service terminals",
        version="1.0.0",
        description="Terminals hand over what citizens applied for. Times are UTC. "
        "Every failure is an `Error`.",
        urls_namespace="api",
        docs_url=None,
    )
    _failures(api)
    _open_doors(api)
    _terminal_doors(api)
    return api


def _failures(api: NinjaAPI) -> None:
    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, wrong: ValidationError) -> HttpResponse:
        first = wrong.errors[0]
        # The first two parts of the place are "body" and our own parameter's name.
        place = ".".join(str(part) for part in first.get("loc", ())[2:]) or "body"
        return error(422, "invalid", f"{place}: {first.get('msg', 'invalid')}"[:300])

    @api.exception_handler(AuthenticationError)
    def stranger(request: HttpRequest, wrong: AuthenticationError) -> HttpResponse:
        said = error(401, "not_enrolled", "a terminal's valid token is needed")
        said["WWW-Authenticate"] = "Bearer"
        return said

    @api.exception_handler(HttpError)
    def refused(request: HttpRequest, wrong: HttpError) -> HttpResponse:
        return error(wrong.status_code, "bad_request", "the body is not JSON")

    @api.exception_handler(Http404)
    def nothing(request: HttpRequest, wrong: Http404) -> HttpResponse:
        return error(404, "not_found", "there is nothing at this address")

    @api.exception_handler(DatabaseError)
    def busy(request: HttpRequest, wrong: DatabaseError) -> HttpResponse:
        log.error("the database could not do it: %s", type(wrong).__name__)
        return _again("busy", "the database cannot take it now; come again")

    @api.exception_handler(OSError)
    def disk(request: HttpRequest, wrong: OSError) -> HttpResponse:
        if isinstance(wrong, UnreadablePostError):
            return error(400, "bad_request", "the body ended early")
        log.error("the disk could not do it: errno %s", wrong.errno)
        return _again("no_space", "the disk cannot take it now; come again")

    @api.exception_handler(Exception)
    def bug(request: HttpRequest, wrong: Exception) -> HttpResponse:
        log.error("unforeseen", exc_info=wrong)
        return error(500, "internal", "the hub failed; come again")


def _again(code: str, text: str) -> HttpResponse:
    said = error(503, code, text)
    said["Retry-After"] = str(BUSY_RETRY_S)
    return said


def _open_doors(api: NinjaAPI) -> None:
    @api.get(
        "/health",
        response={200: schemas.HealthOut, 503: schemas.Error},
        operation_id="health",
        summary="Whether the hub and its database answer",
        tags=["open"],
    )
    def health(request: HttpRequest) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return {"ok": True, "time": timezone.now()}

    @api.post(
        "/enrol",
        response={
            200: schemas.EnrolOut,
            400: schemas.Error,
            403: schemas.Error,
            422: schemas.Error,
            429: schemas.Error,
        },
        operation_id="enrol",
        summary="Spend a one-time code; receive the terminal's token",
        tags=["open"],
    )
    def enrol_terminal(request: HttpRequest, asked: schemas.EnrolIn) -> Any:
        address = str(request.META.get("REMOTE_ADDR", ""))
        if ENROLMENT.closed(address) or ENROLMENT_ALL.closed(EVERYBODY):
            said = error(429, "too_many_attempts", "too many wrong codes; wait ten minutes")
            said["Retry-After"] = str(ENROLMENT.window_s)
            return said
        public_key = read_public_key(asked.public_key)
        if public_key is None:
            return error(422, "invalid", "public_key: is not base64 of 32 bytes")
        done = enrol(asked.code, public_key, asked.software)
        if isinstance(done, EnrolFault):
            ENROLMENT.failed(address)
            ENROLMENT_ALL.failed(EVERYBODY)
            return error(403, done, _ENROL_TEXTS[done])
        log.info("enrolled terminal=%s", done.terminal)
        return {"terminal": done.terminal, "token": done.token, "time": timezone.now()}


def _terminal_doors(api: NinjaAPI) -> None:
    token = EnrolledTerminal()

    @api.get(
        "/contact",
        auth=token,
        response={200: schemas.ContactOut, 401: schemas.Error},
        operation_id="contact",
        summary="I am here; what time is it?",
        tags=["terminal"],
    )
    def contact(request: HttpRequest) -> Any:
        return {"terminal": _terminal(request).code, "time": timezone.now()}

    @api.post(
        "/batch",
        auth=token,
        response={
            200: schemas.BatchOut,
            400: schemas.Error,
            401: schemas.Error,
            403: schemas.Error,
            413: schemas.Error,
            422: schemas.Error,
            503: schemas.Error,
        },
        operation_id="batch",
        summary="Hand over up to 100 items; an answer for each, in their order",
        tags=["terminal"],
    )
    def batch(request: HttpRequest, asked: schemas.BatchIn) -> Any:
        terminal = _terminal(request)
        if asked.terminal != terminal.code:
            return error(403, "other_terminal", "this token is another terminal's")
        if len(asked.items) > limits.BATCH_ITEMS:
            return error(413, "too_many_items", f"at most {limits.BATCH_ITEMS} items")
        answers = Intake(terminal, attachment_store()).take(asked.epoch, asked.items)
        return {"time": timezone.now(), "answers": answers}

    @api.put(
        "/attachments/{sha256}",
        auth=token,
        response={
            200: schemas.AttachmentOut,
            201: schemas.AttachmentOut,
            401: schemas.Error,
            413: schemas.Error,
            422: schemas.Error,
            503: schemas.Error,
        },
        operation_id="put_attachment",
        summary="Hand over the bytes that have this SHA-256",
        tags=["terminal"],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        },
    )
    def put_attachment(request: HttpRequest, sha256: Path[Sha256]) -> Any:
        store = attachment_store()
        row = Attachment.objects.filter(pk=sha256).first()
        if row is not None and store.size(sha256) == row.bytes:
            return Status(200, {"sha256": sha256, "bytes": row.bytes})
        stored = store.put(sha256, _chunks(request))
        if isinstance(stored, BlobFault):
            status, text = _BLOB_ERRORS[stored]
            return error(status, stored, text)
        with transaction.atomic():
            Attachment.objects.get_or_create(
                pk=sha256,
                defaults={
                    "bytes": stored.bytes,
                    "media_type": stored.media_type,
                    "received_at": timezone.now(),
                    "terminal": _terminal(request),
                },
            )
        return Status(201, {"sha256": sha256, "bytes": stored.bytes})

    @api.post(
        "/progress",
        auth=token,
        response={
            200: schemas.ProgressOut,
            400: schemas.Error,
            401: schemas.Error,
            404: schemas.Error,
            422: schemas.Error,
        },
        operation_id="progress",
        summary="How far the application of this receipt is; nothing personal",
        tags=["terminal"],
    )
    def progress(request: HttpRequest, asked: schemas.ProgressIn) -> Any:
        found = questions.progress(asked.qr)
        if isinstance(found, ProgressFault):
            status, text = _PROGRESS_ERRORS[found]
            return error(status, found, text)
        return {
            "number": found.number,
            "state": found.state,
            "item": found.item,
            "accepted_at": found.accepted_at,
            "changed_at": found.changed_at,
        }

    @api.post(
        "/earlier",
        auth=token,
        response={
            200: schemas.EarlierOut,
            400: schemas.Error,
            401: schemas.Error,
            422: schemas.Error,
        },
        operation_id="earlier",
        summary="The newest application of this person for this item since a time",
        tags=["terminal"],
    )
    def earlier(request: HttpRequest, asked: schemas.EarlierIn) -> Any:
        found = questions.earlier(asked.item, asked.id_number, asked.since)
        if found is None:
            return {"number": None, "accepted_at": None}
        return {"number": found.number, "accepted_at": found.accepted_at}


def _terminal(request: HttpRequest) -> Terminal:
    terminal = request.auth  # type: ignore[attr-defined]  # set by the API's token check
    assert isinstance(terminal, Terminal)  # noqa: S101
    return terminal


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(limits.CHUNK_BYTES):
        yield chunk
