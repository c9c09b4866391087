"""The doors for scans that a phone fetches: the terminal leaves one, and asks whether it was fetched."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import NinjaAPI, Path, Query
from pydantic import StringConstraints

from hub import limits
from hub.api import schemas
from hub.api.doors import ClientCertificate, asking
from hub.middleware import error
from hub.pickups.keeping import LIFE_S, NAME_PATTERN, PickupFault, keep, state

OCTETS = "application/octet-stream"
Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
_FAULTS = {
    PickupFault.TOO_MANY: (429, "scans of this terminal wait already; come again"),
    PickupFault.TAKEN: (409, "another scan has this name"),
}


def pickup_doors(api: NinjaAPI, present: ClientCertificate) -> None:
    failures = dict.fromkeys((400, 401, 403, 409, 413, 415, 422, 429, 503), schemas.Error)

    @api.put(
        "/pickups/{name}",
        auth=present,
        response={200: schemas.PickupKeptOut, **failures},
        operation_id="keep_pickup",
        summary="Keep a sealed scan for one fetch by a phone, ten minutes at most",
        tags=["pickups"],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    def keep_pickup(
        request: HttpRequest,
        name: Path[Name],
        replaces: Name | None = Query(  # noqa: B008 (the framework's way)
            None, description="an earlier one of this terminal that is not to be had any longer"
        ),
    ) -> Any:
        if request.content_type != OCTETS:
            return error(415, "bad_request", f"a scan is {OCTETS}")
        sealed = request.read(limits.PICKUP_BYTES + 1)  # larger than what Django keeps as a form
        if not sealed:
            return error(400, "bad_request", "the body is empty")
        if len(sealed) > limits.PICKUP_BYTES:
            return error(413, "too_large", f"at most {limits.PICKUP_BYTES} bytes")
        kept = keep(asking(request).code, name, sealed, replaces or "")
        if isinstance(kept, PickupFault):
            status, text = _FAULTS[kept]
            answer = error(status, kept, text)
            if status == 429:
                answer["Retry-After"] = str(LIFE_S // 10)
            return answer
        return {"expires_at": kept}

    @api.get(
        "/pickups/{name}",
        auth=present,
        response={200: schemas.PickupOut, **failures},
        operation_id="pickup",
        summary="Whether the phone has fetched it; gone also for another terminal's",
        tags=["pickups"],
    )
    def pickup(request: HttpRequest, name: Path[Name]) -> Any:
        return {"state": state(asking(request).code, name)}
