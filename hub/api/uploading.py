"""The attachments' doors: tus 1.0 core, creation, checksum (sha256) and expiration."""

from __future__ import annotations

import base64
import binascii
import re
from email.utils import format_datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Path

from hub import limits
from hub.api import schemas
from hub.api.doors import ClientCertificate, again, asking
from hub.applications.bodies import Sha256
from hub.applications.uploads import Progress, UploadFault, uploads_of
from hub.middleware import error

TUS = "1.0.0"
EXTENSIONS = "creation,checksum,expiration"
PART_TYPE = "application/offset+octet-stream"
CHECKSUM_MISMATCH = 460
_HEX = re.compile(r"[0-9a-f]{64}")
_FAULTS = {
    UploadFault.TOO_LARGE: (413, "more bytes than agreed"),
    UploadFault.TOO_MANY: (429, "finish what was begun first"),
    UploadFault.UNKNOWN: (404, "nothing was begun under this name"),
    UploadFault.WRONG_OFFSET: (409, "this is not where it goes on; ask for the offset"),
    UploadFault.CHECKSUM: (CHECKSUM_MISMATCH, "the part was damaged on the way"),
    UploadFault.HASH_MISMATCH: (422, "the bytes do not have this SHA-256; begin anew"),
    UploadFault.NO_SPACE: (503, "the disk cannot take it now; come again"),
}
_TEXT = {"schema": {"type": "string"}}
_NUMBER = {"schema": {"type": "integer", "minimum": 0}}
_HEADERS: dict[str, Any] = {
    "Tus-Resumable": _TEXT,
    "Upload-Offset": _NUMBER,
    "Upload-Length": _NUMBER,
    "Location": _TEXT,
}


def uploading_doors(api: NinjaAPI, delivering: ClientCertificate) -> None:
    failures = dict.fromkeys((400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 460, 503))

    @api.post(
        "/attachments",
        auth=delivering,
        response=_answers(failures, 200, 201),
        operation_id="begin_attachment",
        summary="Say what will come (tus creation); 200 when it is held whole already",
        tags=["attachments"],
        openapi_extra={
            "parameters": [
                _header("Upload-Length", _NUMBER["schema"]),
                _header("Upload-Metadata", _TEXT["schema"], "sha256 BASE64-OF-64-HEX-DIGITS"),
            ],
            "responses": _with_headers(200, 201),
        },
    )
    def begin(request: HttpRequest) -> HttpResponse:
        if (wrong := _other_version(request)) is not None:
            return wrong
        length = _count(request.headers.get("Upload-Length"))
        sha256 = _named(request.headers.get("Upload-Metadata", ""))
        if length is None or length == 0:
            return error(400, "bad_request", "Upload-Length: a number of bytes is needed")
        if sha256 is None:
            return error(400, "bad_request", "Upload-Metadata: sha256 is needed")
        found = uploads_of(asking(request).code).begin(sha256, length)
        if isinstance(found, UploadFault):
            return _fault(found)
        answer = _told(found, 200 if found.whole else 201)
        answer["Location"] = f"{limits.ATTACHMENTS_PATH}{sha256}"
        return answer

    @api.api_operation(
        ["OPTIONS"],
        "/attachments",
        response={204: None},
        operation_id="attachment_options",
        summary="What this server can; anybody may ask",
        tags=["attachments"],
    )
    def options(request: HttpRequest) -> HttpResponse:
        answer = HttpResponse(status=204)
        answer["Tus-Resumable"] = answer["Tus-Version"] = TUS
        answer["Tus-Extension"] = EXTENSIONS
        answer["Tus-Max-Size"] = str(limits.ATTACHMENT_BYTES)
        answer["Tus-Checksum-Algorithm"] = "sha256"
        return answer

    @api.api_operation(
        ["HEAD"],
        "/attachments/{sha256}",
        auth=delivering,
        response=_answers(failures, 200),
        operation_id="attachment_offset",
        summary="How much of it is held",
        tags=["attachments"],
        openapi_extra={"responses": _with_headers(200)},
    )
    def offset(request: HttpRequest, sha256: Path[Sha256]) -> HttpResponse:
        if (wrong := _other_version(request)) is not None:
            return wrong
        found = uploads_of(asking(request).code).progress(sha256)
        if isinstance(found, UploadFault):
            return _fault(found)
        return _told(found, 200)

    @api.patch(
        "/attachments/{sha256}",
        auth=delivering,
        response=_answers(failures, 204),
        operation_id="append_attachment",
        summary="The next part of it",
        tags=["attachments"],
        openapi_extra={
            "parameters": [
                _header("Upload-Offset", _NUMBER["schema"]),
                _header("Upload-Checksum", _TEXT["schema"], "sha256 BASE64", required=False),
            ],
            "requestBody": {
                "required": True,
                "content": {PART_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            },
            "responses": _with_headers(204),
        },
    )
    def append(request: HttpRequest, sha256: Path[Sha256]) -> HttpResponse:
        if (wrong := _other_version(request)) is not None:
            return wrong
        if request.content_type != PART_TYPE:
            return error(415, "bad_request", f"a part is {PART_TYPE}")
        at = _count(request.headers.get("Upload-Offset"))
        if at is None:
            return error(400, "bad_request", "Upload-Offset: a number of bytes is needed")
        checksum: bytes | None = None
        if said := request.headers.get("Upload-Checksum"):
            checksum = _checksum(said)
            if checksum is None:
                return error(400, "bad_request", "Upload-Checksum: sha256 and base64 are needed")
        found = uploads_of(asking(request).code).append(sha256, at, request.body, checksum)
        if isinstance(found, UploadFault):
            return _fault(found)
        return _told(found, 204)


def _other_version(request: HttpRequest) -> HttpResponse | None:
    if request.headers.get("Tus-Resumable", TUS) == TUS:
        return None
    answer = error(412, "bad_request", f"Tus-Resumable: {TUS} is spoken here")
    answer["Tus-Version"] = TUS
    return answer


def _told(found: Progress, status: int) -> HttpResponse:
    answer = HttpResponse(status=status)
    answer["Tus-Resumable"] = TUS
    answer["Upload-Offset"] = str(found.offset)
    answer["Upload-Length"] = str(found.length)
    if found.expires_at is not None:
        answer["Upload-Expires"] = format_datetime(found.expires_at, usegmt=True)
    return answer


def _fault(fault: UploadFault) -> HttpResponse:
    status, text = _FAULTS[fault]
    answer = again(fault, text) if status == 503 else error(status, fault, text)
    answer["Tus-Resumable"] = TUS
    if status == 429:
        answer["Retry-After"] = "60"
    return answer


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 15 else None


def _named(metadata: str) -> str | None:
    """The hash in Upload-Metadata."""
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "sha256":
            try:
                name = base64.b64decode(value, validate=True).decode("ascii")
            except (binascii.Error, ValueError):
                return None
            return name if _HEX.fullmatch(name) else None
    return None


def _checksum(header: str) -> bytes | None:
    algorithm, _, value = header.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if algorithm == "sha256" and len(digest) == 32 else None


def _answers(failures: dict[int, None], *good: int) -> dict[int, Any]:
    return {**dict.fromkeys(good, None), **dict.fromkeys(failures, schemas.Error)}


def _header(
    name: str, schema: dict[str, Any], told: str = "", *, required: bool = True
) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "schema": schema,
        **({"description": told} if told else {}),
    }


def _with_headers(*statuses: int) -> dict[int, Any]:
    return {status: {"description": "", "headers": _HEADERS} for status in statuses}
