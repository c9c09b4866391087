"""The terminals' API. `build_api()` makes it; hub/openapi.json is its document."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from ninja import NinjaAPI, Query
from ninja.errors import HttpError, ValidationError
from pydantic import ValidationError as ShapeError

from hub import limits
from hub.api import schemas
from hub.api.crowd import Crowd
from hub.api.doors import ClientCertificate, TurnedAwayError, again, asking, doors
from hub.api.picking_up import pickup_doors
from hub.api.rate import Rates
from hub.api.telling import telling_doors
from hub.api.uploading import uploading_doors
from hub.applications import lost, places, questions, verdicts, wire
from hub.applications.blobs import attachment_store
from hub.applications.bodies import SEQ_MAX, Epoch, where_wrong
from hub.applications.intake import Intake, Judged, Result, Settled
from hub.applications.opener import Opener, opener
from hub.applications.questions import ProgressFault
from hub.applications.record import utc
from hub.applications.verdicts import Told
from hub.applications.writer import Writer, writer
from hub.cards.doors import card_doors
from hub.guard.attempts import ENROLMENT, ENROLMENT_ALL
from hub.middleware import error
from hub.seal.keys import seal_keys
from hub.terminals.authority import NotARequestError, read_authority, requested_key
from hub.terminals.enrolment import EnrolFault, enrol, read_public_key, renew

log = logging.getLogger("hub.api")

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
# What every door may answer besides.
_ANYWHERE = dict.fromkeys((400, 503), schemas.Error)
_TERMINAL = {**_ANYWHERE, **dict.fromkeys((401, 403, 429), schemas.Error)}


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
    door = doors(Rates(settings.RATE_A_SECOND, shared=settings.RATES_SHARED))
    _terminal_doors(api, door.present, opener())
    card_doors(api, door.present)
    _delivering_doors(api, door.delivering, writer())
    telling_doors(api, door.delivering)
    uploading_doors(api, door.delivering)
    pickup_doors(api, door.present)
    return api


def _failures(api: NinjaAPI) -> None:
    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, wrong: ValidationError) -> HttpResponse:
        first = wrong.errors[0]
        # The first two parts of the place are "body" and our own parameter's name.
        place = ".".join(str(part) for part in first.get("loc", ())[2:]) or "body"
        return error(422, "invalid", f"{place}: {first.get('msg', 'invalid')}"[:300])

    @api.exception_handler(TurnedAwayError)
    def turned_away(request: HttpRequest, wrong: TurnedAwayError) -> HttpResponse:
        return wrong.answer

    @api.exception_handler(HttpError)
    def refused(request: HttpRequest, wrong: HttpError) -> HttpResponse:
        return error(wrong.status_code, "bad_request", "the body is not JSON")

    @api.exception_handler(Http404)
    def nothing(request: HttpRequest, wrong: Http404) -> HttpResponse:
        return error(404, "not_found", "there is nothing at this address")

    @api.exception_handler(DatabaseTrouble)
    def busy(request: HttpRequest, wrong: DatabaseTrouble) -> HttpResponse:
        log.error("the database could not do it: %s", type(wrong).__name__)
        return again("busy", "the database cannot take it now; come again")

    @api.exception_handler(OSError)
    def disk(request: HttpRequest, wrong: OSError) -> HttpResponse:
        if isinstance(wrong, UnreadablePostError):
            return error(400, "bad_request", "the body ended early")
        log.error("the disk could not do it: errno %s", wrong.errno)
        return again("no_space", "the disk cannot take it now; come again")

    @api.exception_handler(Exception)
    def bug(request: HttpRequest, wrong: Exception) -> HttpResponse:
        log.error("unforeseen", exc_info=wrong)
        return error(500, "internal", "the hub failed; come again")


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

    @api.get(
        "/ca",
        response={200: schemas.AuthorityOut, 503: schemas.Error},
        operation_id="authority",
        summary="The hub's own certificate authority, to be checked against the code's pin",
        tags=["open"],
    )
    def authority(request: HttpRequest) -> Any:
        return {"ca": read_authority(settings.KEYS).pem}

    @api.post(
        "/enrol",
        response={
            200: schemas.EnrolOut,
            **dict.fromkeys((400, 403, 413, 422, 429, 503), schemas.Error),
        },
        operation_id="enrol",
        summary="Spend a one-time code; receive the terminal's certificate",
        tags=["open"],
    )
    def enrol_terminal(request: HttpRequest, asked: schemas.EnrolIn) -> Any:
        address = str(request.META.get("REMOTE_ADDR", ""))
        if ENROLMENT.closed(address) or ENROLMENT_ALL.closed(EVERYBODY):
            said = error(429, "too_many_attempts", "too many wrong codes; wait ten minutes")
            said["Retry-After"] = str(ENROLMENT.window_s)
            return said
        receipt_key = read_public_key(asked.receipt_key)
        if receipt_key is None:
            return error(422, "invalid", "receipt_key: is not base64 of 32 bytes")
        try:
            key = requested_key(asked.csr)
        except NotARequestError:
            return error(422, "invalid", "csr: is no request for a P-256 key")
        done = enrol(asked.code, key, receipt_key, asked.software)
        if isinstance(done, EnrolFault):
            ENROLMENT.failed(address)
            ENROLMENT_ALL.failed(EVERYBODY)
            return error(403, done, _ENROL_TEXTS[done])
        log.info("enrolled terminal=%s", done.terminal)
        return {
            "terminal": done.terminal,
            "certificate": done.certificate,
            "ca": done.authority,
            "seal_keys": _seal_keys(),
            "time": timezone.now(),
        }


def _terminal_doors(api: NinjaAPI, present: ClientCertificate, opener: Opener) -> None:
    crowd = Crowd()

    @api.get(
        "/contact",
        auth=present,
        response={200: schemas.ContactOut, **_TERMINAL, 422: schemas.Error},
        operation_id="contact",
        summary="I am here; what time is it, and what of my queue do you not hold?",
        tags=["terminal"],
    )
    def contact(
        request: HttpRequest,
        epoch: Epoch = Query(""),  # noqa: B008 (the framework's way)
        last_seq: int = Query(0, ge=0, le=SEQ_MAX),
        verdicts_seen: int = Query(0, ge=0, le=SEQ_MAX),
    ) -> Any:
        terminal = asking(request)
        now = timezone.now()
        resend: list[list[int]] = []
        at = places.place_to_read(terminal.code, epoch)
        if epoch and last_seq:
            resend = places.missing(at, last_seq)
            resend = (resend + lost.asked_again(terminal.code, epoch))[: places.RANGES_MAX]
        return {
            "terminal": terminal.code,
            "time": now,
            "seal_keys": _seal_keys(),
            "resend": resend,
            "top_seq": at.top_seq,
            "verdicts": _told(verdicts.to_tell(terminal, verdicts_seen), packed=False),
            "spread_s": crowd.spread_s,
        }

    @api.post(
        "/progress",
        auth=present,
        response={
            200: schemas.ProgressOut,
            **_TERMINAL,
            **dict.fromkeys((404, 413, 422), schemas.Error),
        },
        operation_id="progress",
        summary="How far the application of this receipt is; nothing personal",
        tags=["terminal"],
    )
    def progress(request: HttpRequest, asked: schemas.ProgressIn) -> Any:
        found = questions.progress(asked.qr, opener)
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
        auth=present,
        response={
            200: schemas.EarlierOut,
            **_TERMINAL,
            **dict.fromkeys((413, 422), schemas.Error),
        },
        operation_id="earlier",
        summary="The newest application of this person for this item since a time, and what is wanted",
        tags=["terminal"],
    )
    def earlier(request: HttpRequest, asked: schemas.EarlierIn) -> Any:
        code = asking(request).code
        found = questions.earlier(asked.item, asked.id_number, asked.since, code, opener)
        if found is None:
            return schemas.EarlierOut()
        return asdict(found)


def _delivering_doors(api: NinjaAPI, delivering: ClientCertificate, writes: Writer) -> None:
    """Also for who comes with a certificate that ran out while the line was dead."""

    @api.post(
        "/renew",
        auth=delivering,
        response={
            200: schemas.RenewOut,
            **_TERMINAL,
            **dict.fromkeys((413, 422), schemas.Error),
        },
        operation_id="renew",
        summary="A new certificate for the terminal that shows one",
        tags=["terminal"],
    )
    def renew_certificate(request: HttpRequest, asked: schemas.RenewIn) -> Any:
        try:
            key = requested_key(asked.csr)
        except NotARequestError:
            return error(422, "invalid", "csr: is no request for a P-256 key")
        done = renew(asking(request), key)
        log.info("renewed terminal=%s", done.terminal)
        return {"certificate": done.certificate, "ca": done.authority}

    shape = schemas.batch_document()

    @api.post(
        "/batch",
        auth=delivering,
        response={
            200: schemas.BatchOut,
            **_TERMINAL,
            **dict.fromkeys((413, 415, 422), schemas.Error),
        },
        operation_id="batch",
        summary="Hand over up to 100 items; an answer for each, in their order",
        description="In CBOR, ids are 16 bytes, hashes 32, sealed bytes are bytes, and the answer "
        "leaves empty fields out. An item may be an array of its fields in the order below.",
        tags=["terminal"],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {wire.JSON: {"schema": shape}, wire.CBOR: {"schema": shape}},
            }
        },
    )
    def batch(request: HttpRequest) -> HttpResponse:
        """Read and answered without the framework's models: a batch has a hundred items."""
        terminal = asking(request)
        media_type = request.content_type or wire.JSON
        if media_type not in (wire.JSON, wire.CBOR):
            return error(415, "bad_request", f"a batch is {wire.CBOR} or {wire.JSON}")
        try:
            asked = wire.Batch.model_validate(wire.read(request.body, media_type))
        except wire.UnreadableBatchError:
            return error(400, "bad_request", "the body cannot be read")
        except ShapeError as wrong:
            return error(422, "invalid", where_wrong(wrong))
        if asked.terminal != terminal.code:
            return error(403, "other_terminal", "this certificate is another terminal's")
        if len(asked.items) > limits.BATCH_ITEMS:
            return error(413, "too_many_items", f"at most {limits.BATCH_ITEMS} items")
        intake = Intake(terminal, attachment_store(), writes)
        done = intake.take(
            asked.epoch, asked.last_seq, asked.items, verdicts_seen=asked.verdicts_seen
        )
        return HttpResponse(
            wire.written(_batch_answer(asked.items, done, media_type), media_type),
            content_type=media_type,
        )


def _batch_answer(items: list[Any], done: Settled, media_type: str) -> dict[str, Any]:
    """`id` and `sha256` echo what was sent, as far as it can be."""
    packed = media_type == wire.CBOR
    if done.whole:
        answers = wire.all_echoed(items, _TAKEN[Result.ACCEPTED])
    else:
        answers = [
            _answered(raw, judged, packed=packed)
            for raw, judged in zip(items, done.answers, strict=True)
        ]
    answer: dict[str, Any] = {"time": utc(timezone.now()), "answers": answers}
    if done.resend or not packed:
        answer["resend"] = done.resend
    if done.verdicts or not packed:
        answer["verdicts"] = _told(done.verdicts, packed=packed)
    return answer


def _answered(raw: Any, judged: Judged, *, packed: bool) -> dict[str, Any]:
    item_id, sha256 = wire.echoed(raw, packed=packed)
    if packed and judged.result in _TAKEN:
        return {"id": item_id, "sha256": sha256, "result": _TAKEN[judged.result]}
    said = {"id": item_id, "sha256": sha256, "result": judged.result.value}
    return said | _more(judged, packed=packed)


# Nothing is to be said of them but that; as plain texts, which are written faster than an enum's.
_TAKEN = {one: one.value for one in (Result.ACCEPTED, Result.DUPLICATE)}


def _told(verdicts: Sequence[Told], *, packed: bool) -> list[dict[str, Any]]:
    return [
        {
            "no": one.no,
            "epoch": one.epoch,
            "seq": one.seq,
            "id": one.id.bytes if packed else str(one.id),
            "result": one.result,
            "code": one.code,
            "text": one.text,
        }
        for one in verdicts
    ]


def _more(judged: Judged, *, packed: bool) -> dict[str, Any]:
    said = {
        "missing": [bytes.fromhex(name) if packed else name for name in judged.missing],
        "code": judged.code,
        "text": judged.text,
    }
    return {name: value for name, value in said.items() if value or not packed}


def _seal_keys() -> list[dict[str, Any]]:
    return [
        {
            "id": key.id.hex(),
            "suite": key.suite,
            "public_key": base64.b64encode(key.public_key).decode("ascii"),
        }
        for key in seal_keys()
    ]
