"""What every request passes: a line in the log, the API's way of failing, the content policy."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

from hub import limits

API = "/api/"

Next = Callable[[HttpRequest], HttpResponseBase]

log = logging.getLogger("hub.access")

# A status that Django or the server gave by itself, in the API's words.
_CODES = {
    400: ("bad_request", "the request could not be read"),
    401: ("not_enrolled", "a terminal's certificate is needed"),
    403: ("forbidden", "not allowed"),
    404: ("not_found", "there is nothing at this address"),
    405: ("method_not_allowed", "this address does not answer that method"),
    413: ("too_large", "larger than agreed"),
}


def error(status: int, code: str, text: str) -> JsonResponse:
    """The one shape of every failure."""
    return JsonResponse({"error": {"code": code, "text": text}}, status=status)


class AccessLog:
    """Method, route, status, milliseconds, terminal. The route is the pattern, not the address:
    no number, no hash and no search words get into the log."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        response = self._next(request)
        match = request.resolver_match
        terminal = getattr(getattr(request, "auth", None), "code", "-")
        log.info(
            "%s %s %s %.0fms terminal=%s",
            request.method if request.method in _METHODS else "OTHER",
            f"/{match.route}" if match else "(no such address)",
            response.status_code,
            (time.monotonic() - began) * 1000,
            terminal,
        )
        return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ApiDoor:
    """Bodies larger than agreed are turned away unread; whatever fails below fails as JSON."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(API):
            return self._next(request)
        most = limits.body_bytes(request.path)
        if _announced_bytes(request) > most:
            return error(413, "too_large", f"at most {most} bytes")
        response = self._next(request)
        if response.status_code >= 400 and "json" not in response.get("Content-Type", ""):
            code, text = _CODES.get(response.status_code, ("internal", "the hub failed"))
            said = error(response.status_code, code, text)
            if response.has_header("Allow"):
                said["Allow"] = response["Allow"]
            response = said
        response["Cache-Control"] = "no-store"
        return response


def _announced_bytes(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0  # the server reads nothing then


class _PagesOnly(MiddlewareMixin):
    """What only the staff site's pages need. The API has no cookies, sessions, forms or frames, and
    a batch would pay for them: a tenth of what a request costs besides its items."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(API):
            return self.get_response(request)
        return super().__call__(request)


class Sessions(_PagesOnly, SessionMiddleware):
    pass


class Forms(_PagesOnly, CsrfViewMiddleware):
    pass


class Users(_PagesOnly, AuthenticationMiddleware):
    pass


class Messages(_PagesOnly, MessageMiddleware):
    pass


class Frames(_PagesOnly, XFrameOptionsMiddleware):
    pass


class ContentPolicy:
    """Pages of the staff site load from the hub only, run no inline script, sit in no frame."""

    POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._next(request)
        if not response.has_header("Content-Security-Policy"):
            response["Content-Security-Policy"] = self.POLICY
        if isinstance(response, HttpResponse) and request.path.startswith("/staff/"):
            response.setdefault("Cache-Control", "no-store")
        return response
