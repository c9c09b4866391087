"""A one-time password opens one door: the page that sets one's own."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from hub.staff.models import User


class NewPasswordFirst:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith("/staff/"):
            return self._next(request)
        user = request.user
        allowed = {reverse("admin:password_change"), reverse("admin:logout")}
        if isinstance(user, User) and user.must_change_password and request.path not in allowed:
            return HttpResponseRedirect(reverse("admin:password_change"))
        return self._next(request)
