"""The staff site: Django's own, in the centre's words, behind a login."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.db.models import Max, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from hub.guard.attempts import LOGIN

SILENT_AFTER_S = 600  # a terminal speaks up once a minute or so; ten silent minutes are news
NEWEST = 8
# A place may wait for its attachments on a slow line; one that is missing for a day is news.
GAP_NEWS_AFTER = timedelta(hours=24)
# What terminals handed over is opened a moment later; after a day's outage of a province, minutes.
UNOPENED_NEWS_AFTER = timedelta(minutes=15)
CERTIFICATE_NEWS_BEFORE = timedelta(days=15)  # the terminal should have renewed it long ago


class GuardedLogin(AdminAuthenticationForm):
    """Django's login that stops listening after too many wrong passwords."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username", ""))
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        who = f"{address} {name.casefold()}"
        if LOGIN.closed(who):
            raise ValidationError(f"输错次数太多，请{LOGIN.window_s // 60}分钟后再试。")
        try:
            cleaned = super().clean()
        except ValidationError:
            LOGIN.failed(who)
            raise
        LOGIN.passed(who)
        return cleaned


class OwnPassword(PasswordChangeForm):
    """One's own password: not the one that somebody else knows."""

    def clean_new_password2(self) -> str:
        chosen = str(self.cleaned_data.get("new_password2") or "")
        if chosen and self.user.check_password(chosen):
            raise ValidationError("新密码不能与原密码相同。")
        return chosen

    def save(self, commit: bool = True) -> Any:
        self.user.must_change_password = False
        return super().save(commit)


class StaffSite(AdminSite):
    site_header = "政务服务自助终端 · 中心平台"
    site_title = "中心平台"
    index_title = "今天"
    site_url = None
    login_form = GuardedLogin
    enable_nav_sidebar = True

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().index(request, {**(extra_context or {}), **_today(request)})

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        view = PasswordChangeView.as_view(
            form_class=OwnPassword,
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """In the order of a clerk's day: applications first, people and records last."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {model["object_name"]: model for app in apps for model in app["models"]}
        found = {app["app_label"]: app for app in apps}
        shown = []
        for label, name, members in _DESK:
            here = [models[member] for member in members if member in models]
            if here and label in found:
                shown.append({**found[label], "name": name, "models": here})
        return shown


_DESK = (
    (
        "applications",
        "办件",
        ("Application", "LaterPapers", "Rating", "Attachment", "SetAside", "Queue"),
    ),
    ("cards", "社保卡", ("CardDialogue",)),
    ("terminals", "设备", ("Terminal",)),
    ("staff", "人员", ("User", "Group", "LogEntry")),
)


def _today(request: HttpRequest) -> dict[str, Any]:
    """What a clerk wants to know on arriving, as far as they may see it."""
    # Imported here: the site is made before the models are loaded.
    from hub.applications.models import (  # noqa: PLC0415
        Application,
        Queue,
        Rating,
        ReceivedItem,
        SetAside,
        State,
    )
    from hub.terminals.devices import IN_TROUBLE, shown  # noqa: PLC0415
    from hub.terminals.models import Terminal, TerminalDevice  # noqa: PLC0415

    user = request.user
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    today: dict[str, Any] = {}
    if user.has_perm("applications.view_application"):
        waiting = Application.objects.filter(state=State.RECEIVED)
        today |= {
            "received_today": Application.objects.filter(received_at__gte=midnight).count(),
            "to_review": waiting.count(),
            "in_review": Application.objects.filter(state=State.IN_REVIEW).count(),
            "newest": waiting.select_related("terminal").order_by("received_at")[:NEWEST],
        }
    if user.has_perm("applications.view_rating"):
        ratings = Rating.objects.filter(rated_at__gte=midnight)
        today |= {
            "rated_today": ratings.count(),
            "unhappy_today": ratings.filter(level__lte=2).count(),
        }
    if user.has_perm("applications.view_setaside"):
        today["set_aside"] = SetAside.objects.filter(handled_at__isnull=True).count()
        unopened = ReceivedItem.objects.filter(to_open_at__isnull=False)
        today["unopened"] = unopened.filter(received_at__lt=now - UNOPENED_NEWS_AFTER).count()
    if user.has_perm("applications.view_queue"):
        today["gaps"] = Queue.objects.filter(gap_since__lt=now - GAP_NEWS_AFTER).count()
    if user.has_perm("terminals.view_terminal"):
        enrolled = Terminal.objects.filter(enrolled_at__isnull=False, disabled_at__isnull=True)
        since = now - timedelta(seconds=SILENT_AFTER_S)
        silent = enrolled.filter(last_contact__lt=since)
        # Those of whose certificates even the last has run out, or soon will.
        ending = [
            terminal
            for terminal in enrolled.annotate(
                until=Max(
                    "certificates__not_after", filter=Q(certificates__revoked_at__isnull=True)
                )
            )
            if terminal.until is None or terminal.until < now + CERTIFICATE_NEWS_BEFORE
        ]
        troubles = (
            TerminalDevice.objects.filter(terminal__in=enrolled, status__in=IN_TROUBLE)
            .select_related("terminal")
            .order_by("since")
        )
        today |= {
            "terminals": enrolled.count(),
            "silent": silent,
            "ending": ending,
            "troubles": [(row.terminal, shown(row)) for row in troubles],
        }
    return today
