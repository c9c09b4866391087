"""Who may pass a door of the API, how often, and how it fails."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.security.base import AuthBase

from hub.api.rate import Rates
from hub.middleware import error
from hub.terminals.identity import Stranger, terminal_asking
from hub.terminals.models import Terminal

RETRY_S = (3, 10)  # not all at the same instant

_TEXTS = {
    Stranger.NO_CERTIFICATE: (401, "a terminal's certificate is needed"),
    Stranger.UNKNOWN: (401, "this certificate is not known here"),
    Stranger.REVOKED: (401, "this certificate was revoked; enrol anew"),
    Stranger.EXPIRED: (403, "this certificate has run out; renew it first"),
}


class TurnedAwayError(Exception):
    """The answer to one who may not pass."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.answer = answer


class ClientCertificate(AuthBase):
    """A terminal's certificate, shown in the TLS handshake."""

    openapi_type = "mutualTLS"

    def __init__(self, *, may_be_expired: bool, rates: Rates) -> None:
        super().__init__()
        self._may_be_expired = may_be_expired
        self._rates = rates

    def __call__(self, request: HttpRequest) -> Any:
        found = terminal_asking(request, may_be_expired=self._may_be_expired)
        if isinstance(found, Stranger):
            status, text = _TEXTS[found]
            raise TurnedAwayError(error(status, found, text))
        wait_s = self._rates.wait_s(found.code)
        if wait_s:
            request.auth = found  # type: ignore[attr-defined]  # for the access log
            answer = error(429, "too_often", "more requests than one terminal needs")
            answer["Retry-After"] = str(max(1, round(wait_s)))
            raise TurnedAwayError(answer)
        return found


@dataclass(frozen=True, slots=True)
class Doors:
    """`delivering` also lets in who comes with a certificate that ran out; both count together."""

    present: ClientCertificate
    delivering: ClientCertificate


def doors(rates: Rates) -> Doors:
    return Doors(
        ClientCertificate(may_be_expired=False, rates=rates),
        ClientCertificate(may_be_expired=True, rates=rates),
    )


def asking(request: HttpRequest) -> Terminal:
    """The terminal that passed the door."""
    terminal = request.auth  # type: ignore[attr-defined]  # set by the door
    assert isinstance(terminal, Terminal)  # noqa: S101
    return terminal


def again(code: str, text: str) -> HttpResponse:
    """It could not be done now; nothing was done."""
    said = error(503, code, text)
    said["Retry-After"] = str(random.randint(*RETRY_S))  # noqa: S311 (a spread, no secret)
    return said
