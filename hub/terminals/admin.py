"""Terminals for staff: who is silent, and a new code for one that is to be enrolled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from hub.staff.site import CERTIFICATE_NEWS_BEFORE, SILENT_AFTER_S
from hub.terminals.devices import IN_TROUBLE, shown
from hub.terminals.enrolment import CODE_LIFE_S, new_code, revoke
from hub.terminals.models import Terminal

CHANGES_SHOWN = 12  # about a screen


@admin.register(Terminal)
class TerminalAdmin(admin.ModelAdmin):
    list_display = (
        "code",
        "name",
        "condition",
        "devices_",
        "contact",
        "certificate",
        "software",
        "place",
    )
    search_fields = ("code", "name")
    fields = (
        "code",
        "name",
        "condition",
        "contact",
        "certificate",
        "software",
        "enrolled_at",
        "place",
        "keys_",
    )
    readonly_fields = fields[2:]
    change_form_template = "staff/terminal.html"

    @admin.display(description="状态")
    def condition(self, terminal: Terminal) -> str:
        kind, words = condition_of(terminal)
        return format_html('<span class="pill pill-{}">{}</span>', kind, words)

    @admin.display(description="设备")
    def devices_(self, terminal: Terminal) -> str:
        devices = list(terminal.devices.all())
        if not devices:
            return "—"
        troubles = [shown(row).name for row in devices if row.status in IN_TROUBLE]
        if not troubles:
            return format_html('<span class="pill pill-good">{}</span>', "都正常")
        return format_html('<span class="pill pill-trouble">{}</span>', "、".join(troubles))

    @admin.display(description="最近联系", ordering="last_contact")
    def contact(self, terminal: Terminal) -> str:
        if terminal.last_contact is None:
            return "—"
        at = timezone.localtime(terminal.last_contact)
        return f"{at:%Y-%m-%d %H:%M}"

    @admin.display(description="证书到期", ordering="until")
    def certificate(self, terminal: Terminal) -> str:
        until = getattr(terminal, "until", None)
        if until is None:
            return "没有" if terminal.enrolled_at else "—"
        day = f"{timezone.localtime(until):%Y-%m-%d}"
        if until < timezone.now():
            return format_html('<span class="pill pill-trouble">{} 已到期</span>', day)
        if until < timezone.now() + CERTIFICATE_NEWS_BEFORE:
            return format_html('<span class="pill pill-now">{} 快到期</span>', day)
        return day

    @admin.display(description="队列已收到")
    def place(self, terminal: Terminal) -> str:
        queues = sorted(terminal.queue_set.all(), key=lambda row: row.last_at)
        if not queues:
            return "—"
        newest = queues[-1]
        missing = "，有缺号" if any(row.gap_since for row in queues) else ""
        return f"第{newest.top_seq}条{missing}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Terminal]:
        until = Max("certificates__not_after", filter=Q(certificates__revoked_at__isnull=True))
        return (
            super()
            .get_queryset(request)
            .annotate(until=until)
            .prefetch_related("queue_set", "devices")
        )

    @admin.display(description="签名公钥")
    def keys_(self, terminal: Terminal) -> str:
        return f"{terminal.keys.count()}把（旧回执仍可核验）"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "终端", **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        plain: dict[str, Any] = {
            "title": f"终端 {object_id}" if object_id else "增加终端",
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
        }
        terminal = Terminal.objects.filter(pk=object_id).first() if object_id else None
        if terminal is not None and self.has_view_permission(request, terminal):
            plain |= {
                "devices": [shown(row) for row in terminal.devices.all()],
                "changes": [shown(row) for row in terminal.device_changes.all()[:CHANGES_SHOWN]],
            }
        return super().changeform_view(
            request, object_id, form_url, {**plain, **(extra_context or {})}
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, *(("code",) if obj else ()))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<str:code>/enrol/", wrap(self.make_code), name="terminal_enrol"),
            path("<str:code>/switch/", wrap(self.switch), name="terminal_switch"),
            path("<str:code>/revoke/", wrap(self.revoke), name="terminal_revoke"),
            *super().get_urls(),
        ]

    def make_code(self, request: HttpRequest, code: str) -> HttpResponse:
        """The code is on this one page and nowhere else."""
        terminal = self._to_change(request, code)
        if isinstance(terminal, HttpResponse):
            return terminal
        made = new_code(terminal, request.user.get_username())
        self._note(request, terminal, "生成登记码")
        context = {
            **self.admin_site.each_context(request),
            "title": f"终端 {terminal.code} 的登记码",
            "terminal": terminal,
            "code": made.code,
            "until": timezone.localtime(made.expires_at),
            "minutes": CODE_LIFE_S // 60,
        }
        return TemplateResponse(request, "staff/enrol_code.html", context)

    def switch(self, request: HttpRequest, code: str) -> HttpResponse:
        """Close the door to a terminal that was stolen or taken away, or open it again."""
        terminal = self._to_change(request, code)
        if isinstance(terminal, HttpResponse):
            return terminal
        closing = terminal.disabled_at is None
        Terminal.objects.filter(pk=terminal.pk).update(
            disabled_at=timezone.now() if closing else None
        )
        self._note(request, terminal, "停用" if closing else "恢复使用")
        self.message_user(
            request,
            f"终端 {terminal.code} 已{'停用，它存着的办件不会丢' if closing else '恢复使用'}。",
            messages.SUCCESS,
        )
        return HttpResponseRedirect(reverse("admin:terminals_terminal_change", args=[code]))

    def revoke(self, request: HttpRequest, code: str) -> HttpResponse:
        """For good: a machine that was stolen comes back only with a new code."""
        terminal = self._to_change(request, code)
        if isinstance(terminal, HttpResponse):
            return terminal
        count = revoke(terminal.code)
        self._note(request, terminal, f"吊销{count}张证书")
        self.message_user(
            request,
            f"终端 {terminal.code} 的{count}张证书已吊销。再接入须用新的登记码。",
            messages.SUCCESS,
        )
        return HttpResponseRedirect(reverse("admin:terminals_terminal_change", args=[code]))

    def _to_change(self, request: HttpRequest, code: str) -> Terminal | HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        terminal = get_object_or_404(Terminal, pk=code)
        if not self.has_change_permission(request, terminal):
            raise PermissionDenied
        return terminal

    @staticmethod
    def _note(request: HttpRequest, terminal: Terminal, what: str) -> None:
        LogEntry.objects.log_actions(
            user_id=request.user.pk,
            queryset=[terminal],
            action_flag=CHANGE,
            change_message=what,
            single_object=True,
        )


def condition_of(terminal: Terminal) -> tuple[str, str]:
    """Colour and words; never the colour alone."""
    if terminal.disabled_at is not None:
        return "trouble", "已停用"
    if terminal.enrolled_at is None or terminal.last_contact is None:
        return "quiet", "未登记"
    if timezone.now() - terminal.last_contact > timedelta(seconds=SILENT_AFTER_S):
        return "now", "久未联系"
    return "good", "在线"
