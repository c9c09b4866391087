"""The door of the card dialogue, as the API's document tells it."""

from __future__ import annotations

from typing import Any, Literal

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja import NinjaAPI, Schema
from pydantic import ConfigDict, Field

from hub.api import schemas
from hub.api.doors import ClientCertificate, asking
from hub.applications.bodies import matching, text_of
from hub.cards.dialogue import APDUS_MAX, Asked, DialogueFault, authority_named, heard
from hub.middleware import error
from hub.seal.keys import key_ring

STEPS_MAX = 20
SEALED_CHARACTERS_MAX = 4096

_FAULTS = {
    DialogueFault.NOT_SEALED: (422, "sealed: is not the case of this dialogue, sealed to this hub"),
    DialogueFault.UNKNOWN: (404, "there is no such dialogue; begin one at step 0"),
    DialogueFault.CONFLICT: (409, "this is not the next step of that dialogue"),
    DialogueFault.OVER: (409, "that dialogue is over; begin a new one"),
}


class CardDialogueIn(Schema):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    dialogue: matching(r"^[0-9a-f]{32}$") = Field(description="made by the terminal")
    step: int = Field(ge=0, le=STEPS_MAX)
    sealed: text_of(SEALED_CHARACTERS_MAX, 1) = Field(
        description="base64 of the sealed case, the same at every step: both cards' facts and the "
        "password, bound to this dialogue"
    )
    answers: list[matching(r"^([0-9A-F]{2}){2,258}$")] = Field(
        default=[], max_length=APDUS_MAX, description="the card's, up to the first that is not 9000"
    )
    ended: Literal["", "changed", "not_changed", "unknown"] = Field(
        default="", description="the terminal breaks off, and knows this of the card"
    )


class CardDialogueOut(Schema):
    dialogue: str
    step: int = Field(description="to be asked next")
    outcome: Literal["ready", "transmit", "done", "refused"]
    apdus: list[str] = Field(description="commands for the card, in hex digits")
    code: str
    text_zh: str
    text_en: str


def card_doors(api: NinjaAPI, present: ClientCertificate) -> None:
    @api.post(
        "/card-dialogue",
        auth=present,
        response={
            200: CardDialogueOut,
            **dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429, 503), schemas.Error),
        },
        operation_id="card_dialogue",
        summary="One step of giving a social card a new password",
        description="The terminal passes the commands to the card and brings its answers with the "
        "next step, until `done` or `refused`. A step asked again is answered the same again. "
        "Step 0 with an empty password only asks whether there would be a dialogue: `ready` or "
        "`refused`; nothing is begun.",
        tags=["terminal"],
    )
    def card_dialogue(request: HttpRequest, asked: CardDialogueIn) -> Any:
        found = heard(
            asking(request),
            Asked(asked.dialogue, asked.step, asked.sealed, tuple(asked.answers), asked.ended),
            key_ring(),
            authority_named(settings.CARD_AUTHORITY),
            timezone.now(),
        )
        if isinstance(found, DialogueFault):
            status, text = _FAULTS[found]
            return error(status, found, text)
        return found
