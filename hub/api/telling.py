"""The door at which a terminal tells of itself: what its devices are. Nothing personal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import NinjaAPI, Schema
from pydantic import Field

from hub.api import schemas
from hub.api.doors import ClientCertificate, asking
from hub.applications.bodies import Line, Moment, ShortCode, text_of
from hub.middleware import error
from hub.terminals.devices import Told, take

DEVICES_MAX = 32  # of one terminal; there are nine classes


class DeviceIn(schemas.Asked):
    device: ShortCode
    status: ShortCode
    reason: Line = Field("", description="for staff")
    since: Moment
    model: text_of(100) = ""
    serial: text_of(100) = ""


class DevicesIn(schemas.Asked):
    devices: list[DeviceIn] = Field(max_length=DEVICES_MAX)


class DevicesOut(Schema):
    time: datetime


def telling_doors(api: NinjaAPI, delivering: ClientCertificate) -> None:
    failures = dict.fromkeys((400, 401, 403, 413, 422, 429, 503), schemas.Error)

    @api.post(
        "/devices",
        auth=delivering,
        response={200: DevicesOut, **failures},
        operation_id="devices",
        summary="What all my devices are, when one of them has changed for good",
        tags=["terminal"],
    )
    def devices(request: HttpRequest, asked: DevicesIn) -> Any:
        names = [one.device for one in asked.devices]
        if len(set(names)) < len(names):
            return error(422, "invalid", "devices: each may be named once")
        take(asking(request), [Told(**one.model_dump()) for one in asked.devices])
        return {"time": timezone.now()}
