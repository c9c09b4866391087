"""Applications for staff: found, read, decided. What a citizen handed in is never edited."""

from __future__ import annotations

import io
import logging
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Manager, QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from hub import catalogue
from hub.applications import places, questions, reading
from hub.applications.blobs import attachment_store, content_of
from hub.applications.decisions import NOTE_CHARACTERS, STEPS, DecisionFault, decide
from hub.applications.models import (
    Application,
    Attachment,
    Enclosure,
    LaterPapers,
    Outcome,
    Queue,
    Rating,
    SetAside,
    State,
)
from hub.applications.opening import CannotOpenError
from hub.masking import masked_name, masked_number
from hub.numbers import grouped
from hub.staff.models import User
from hub.staff.site import GAP_NEWS_AFTER

log = logging.getLogger("hub.staff")

SHOWN_IN_PLACE = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}
GAPS_SHOWN = 3
# A page that came from a terminal may run nothing and load nothing, whatever is in it.
FILE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; object-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
TONES = {
    State.RECEIVED: "now",
    State.IN_REVIEW: "plain",
    State.NEEDS_MORE: "now",
    State.GRANTED: "good",
    State.REFUSED: "trouble",
}
PAPERS_CAME = mark_safe('<span class="pill pill-now">有新补交</span>')
_FAULTS = {
    DecisionFault.MOVED_ON: "这件刚刚被别人处理过，请看最新状态后再决定。",
    DecisionFault.NOT_POSSIBLE: "当前状态不能这样处理。",
    DecisionFault.NOTE_MISSING: "请写明原因，再提交。",
}


class FactsOnly(admin.ModelAdmin):
    """Looked at, searched, never added to, changed or deleted by hand."""

    list_per_page = 50
    list_select_related: Any = ("terminal",)
    show_facets = admin.ShowFacets.ALWAYS

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": str(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    @admin.display(description="终端")
    def terminal_(self, row: Any) -> str:
        """The code; where it stands is told on pointing."""
        return format_html('<span title="{}">{}</span>', row.terminal.name, row.terminal_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ItemFilter(admin.SimpleListFilter):
    title = "事项"
    parameter_name = "item"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = Application.objects.order_by("item").values_list("item", flat=True).distinct()
        return [(code, catalogue.item_name(code)) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(item=self.value()) if self.value() else queryset


@admin.register(Application)
class ApplicationAdmin(FactsOnly):
    list_display = (
        "number_",
        "state_",
        "item_",
        "applicant",
        "id_number",
        "terminal_",
        "accepted",
        "rating",
    )
    list_filter = ("state", ItemFilter, "terminal", "received_at")
    search_fields = ("number", "applicant_name", "applicant_number", "agent_name")
    search_help_text = "办件编号、姓名或证件号码"
    date_hierarchy = "received_at"

    @admin.display(description="办件编号", ordering="number")
    def number_(self, application: Application) -> str:
        return format_html('<span class="number">{}</span>', grouped(application.number))

    @admin.display(description="事项", ordering="item")
    def item_(self, application: Application) -> str:
        return catalogue.item_name(application.item)

    @admin.display(description="申请人")
    def applicant(self, application: Application) -> str:
        return masked_name(application.applicant_name)

    @admin.display(description="证件号码")
    def id_number(self, application: Application) -> str:
        return format_html(
            '<span class="number">{}</span>', masked_number(application.applicant_number)
        )

    @admin.display(description="受理时间", ordering="accepted_at")
    def accepted(self, application: Application) -> str:
        return f"{timezone.localtime(application.accepted_at):%m-%d %H:%M}"

    @admin.display(description="状态", ordering="state")
    def state_(self, application: Application) -> str:
        """With a mark while there are papers that nobody who decides has had before them: neither
        was its page opened since they came, nor was it decided."""
        waits = application.state == State.RECEIVED
        unread = [papers for papers in application.later_papers.all() if papers.read_at is None]
        if any(waits or papers.received_at >= application.changed_at for papers in unread):
            return format_html("{} {}", pill(application), PAPERS_CAME)
        return pill(application)

    @admin.display(description="评价")
    def rating(self, application: Application) -> str:
        """Of the application itself, which is the first; those of later visits are on its page."""
        rows = list(application.ratings.all())
        return catalogue.level_name(rows[-1].level) if rows else "—"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Application]:
        return super().get_queryset(request).prefetch_related("ratings", "later_papers")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Application], search_term: str
    ) -> tuple[QuerySet[Application], bool]:
        """A number is typed as it is printed, in groups, or as it is scanned."""
        joined = "".join(search_term.split()).upper()
        exact = queryset.filter(number=joined)
        if len(joined) == 16 and exact.exists():
            return exact, False
        return super().get_search_results(request, queryset, search_term)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<str:number>/decide/", wrap(self.decide), name="application_decide"),
            path("<str:number>/file/<str:code>/", wrap(self.file), name="application_file"),
            path(
                "<str:number>/later/<uuid:papers>/<str:code>/",
                wrap(self.later_file),
                name="application_later_file",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        application = self._to_see(request, object_id)
        log.info("application read user=%s number=%s", request.user.pk, application.pk)
        earlier = Application.objects.filter(pk=application.earlier_number).first()
        may_decide = request.user.has_perm("applications.decide_application")
        if may_decide:
            application.later_papers.filter(read_at=None).update(read_at=timezone.now())
        steps = STEPS[State(application.state)] if may_decide else ()
        try:
            body = reading.body_of(application)
        except CannotOpenError:
            # The keys were not restored with the database. What is in the tables can be seen.
            body = None
        context = {
            **self.admin_site.each_context(request),
            "title": catalogue.item_name(application.item),
            "opts": self.opts,
            "application": application,
            "number": grouped(application.number),
            "pill": pill(application),
            "sections": reading.sections(application, body) if body else [],
            "key_lost": body is None,
            "circumstances": reading.circumstances(application, body) if body else None,
            "papers": reading.papers(application),
            "signature": reading.signature(application),
            "handed_in": reading.handed_in(application),
            "to_come": reading.to_come(application),
            "earlier": earlier,
            "earlier_number": grouped(application.earlier_number),
            "steps": steps,
            "note_characters": NOTE_CHARACTERS,
            "may_ask": any(step.to == State.NEEDS_MORE for step in steps),
            "told_characters": questions.TOLD_CHARACTERS,
            "history": application.history.select_related("by"),
            "ratings": [
                {
                    "words": reading.stars(rating),
                    "level": rating.level,
                    "reasons": reading.reasons(rating),
                    "channel": catalogue.CHANNELS.get(rating.channel, rating.channel),
                    "at": rating.rated_at,
                }
                for rating in application.ratings.order_by("rated_at")
            ],
            "prints": [
                {"words": catalogue.PRINTS.get(row.result, row.result), "at": row.at}
                for row in application.print_results.all()
            ],
            "conflicts": SetAside.objects.filter(held=application.received_id),
        }
        return TemplateResponse(request, "staff/application.html", context)

    def decide(self, request: HttpRequest, number: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        application = self._to_see(request, number)
        user = request.user
        if not isinstance(user, User) or not user.has_perm("applications.decide_application"):
            raise PermissionDenied
        note = request.POST.get("note", "").strip()[:NOTE_CHARACTERS]
        done = decide(
            application, request.POST.get("seen", ""), request.POST.get("to", ""), note, user
        )
        if isinstance(done, DecisionFault):
            self.message_user(request, _FAULTS[done], messages.ERROR)
        else:
            to = State(done.to_state).label
            LogEntry.objects.log_actions(
                user_id=user.pk,
                queryset=[application],
                action_flag=CHANGE,
                change_message=f"状态改为{to}",
                single_object=True,
            )
            self.message_user(request, f"已记录：{to}。", messages.SUCCESS)
        return HttpResponseRedirect(
            reverse("admin:applications_application_change", args=[application.pk])
        )

    def file(self, request: HttpRequest, number: str, code: str) -> HttpResponseBase:
        """An attachment to look at, or with ?download=1 to keep."""
        application = self._to_see(request, number)
        return self._served(request, application, application.enclosures, code)

    def later_file(
        self, request: HttpRequest, number: str, papers: UUID, code: str
    ) -> HttpResponseBase:
        """As `file`, of what was handed in later."""
        application = self._to_see(request, number)
        came = get_object_or_404(application.later_papers, pk=papers)
        return self._served(request, application, came.enclosures, code)

    def _served(
        self, request: HttpRequest, application: Application, among: Manager[Enclosure], code: str
    ) -> HttpResponseBase:
        enclosure = get_object_or_404(among.select_related("attachment"), code=code)
        held = enclosure.attachment
        try:
            content = content_of(held, attachment_store())
        except (FileNotFoundError, CannotOpenError):
            raise Http404 from None
        log.info("attachment read user=%s number=%s", request.user.pk, application.pk)
        ending = SHOWN_IN_PLACE.get(held.media_type)
        later = "later-" if enclosure.papers_id else ""
        response = FileResponse(
            io.BytesIO(content),
            as_attachment=ending is None or "download" in request.GET,
            filename=f"{application.number}-{later}{enclosure.code}.{ending or 'bin'}",
            content_type=held.media_type if ending else "application/octet-stream",
        )
        response["Content-Security-Policy"] = FILE_POLICY
        response["Cache-Control"] = "no-store"
        return response

    def _to_see(self, request: HttpRequest, number: str) -> Application:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(
            Application.objects.select_related("received__queue", "terminal"), pk=number
        )


def pill(application: Application) -> str:
    return format_html(
        '<span class="pill pill-{}">{}</span>',
        TONES[State(application.state)],
        application.get_state_display(),
    )


@admin.register(Attachment)
class AttachmentAdmin(FactsOnly):
    list_display = ("short", "media_type", "size", "used_by", "terminal_", "arrived", "whole")
    list_filter = ("media_type", "terminal", "received_at")
    search_fields = (
        "sha256",
        "content_sha256",
        "enclosures__application__number",
        "enclosures__papers__number",
    )
    search_help_text = "办件编号或哈希"
    fields = (
        "sha256",
        "content_sha256",
        "media_type",
        "size",
        "fault",
        "used_by",
        "terminal",
        "received_at",
        "whole",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attachment]:
        return super().get_queryset(request).prefetch_related("enclosures__papers")

    @admin.display(description="哈希")
    def short(self, attachment: Attachment) -> str:
        return format_html('<span class="number">{}…</span>', attachment.sha256[:10])

    @admin.display(description="收到时间", ordering="received_at")
    def arrived(self, attachment: Attachment) -> str:
        return f"{timezone.localtime(attachment.received_at):%m-%d %H:%M}"

    @admin.display(description="大小", ordering="bytes")
    def size(self, attachment: Attachment) -> str:
        return reading.size(attachment.bytes)

    @admin.display(description="所属办件")
    def used_by(self, attachment: Attachment) -> str:
        rows = list(attachment.enclosures.all())
        if not rows:
            return "（办件未到）"
        first = rows[0]
        more = f" 等{len(rows)}件" if len(rows) > 1 else ""
        what = f"{first.name or '签名'}{'（补交）' if first.papers else ''}{more}"
        of = first.papers.application_id if first.papers else first.application_id
        if of is None:  # it was handed in for an application that has not arrived
            return f"（办件未到）{what}"
        return format_html(
            '<a class="number" href="{}">{}</a> {}',
            reverse("admin:applications_application_change", args=[of]),
            grouped(of),
            what,
        )

    @admin.display(description="文件完好", boolean=True)
    def whole(self, attachment: Attachment) -> bool:
        return attachment_store().size(attachment.sha256) == attachment.sealed_bytes


@admin.register(LaterPapers)
class LaterPapersAdmin(FactsOnly):
    """All of them, those too whose application has not arrived."""

    list_display = ("number_", "papers", "by", "at", "terminal_", "arrived")
    list_filter = ("handed_in_at",)
    search_fields = ("number", "by_name", "by_number", "agent_name")
    search_help_text = "办件编号、交件人姓名或证件号码"
    fields = ("number_", "papers", "by", "handed_in_at", "received_at", "terminal_", "arrived")
    readonly_fields = fields
    list_select_related = ("received__queue__terminal",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LaterPapers]:
        return super().get_queryset(request).prefetch_related("enclosures")

    @admin.display(description="办件编号", ordering="number")
    def number_(self, row: LaterPapers) -> str:
        return format_html('<span class="number">{}</span>', grouped(row.number))

    @admin.display(description="材料")
    def papers(self, row: LaterPapers) -> str:
        return "、".join(one.name for one in row.enclosures.all() if one.name)

    @admin.display(description="交件人")
    def by(self, row: LaterPapers) -> str:
        by = masked_name(row.by_name)
        return f"{by}（{masked_name(row.agent_name)}代交）" if row.agent_name else by

    @admin.display(description="补交时间", ordering="handed_in_at")
    def at(self, row: LaterPapers) -> str:
        return f"{timezone.localtime(row.handed_in_at):%m-%d %H:%M}"

    @admin.display(description="终端")
    def terminal_(self, row: LaterPapers) -> str:
        return super().terminal_(row.received.queue)

    @admin.display(description="办件")
    def arrived(self, row: LaterPapers) -> str:
        if row.application_id is None:
            return "（办件未到）"
        page = reverse("admin:applications_application_change", args=[row.application_id])
        return format_html('<a href="{}">打开办件</a>', page)


@admin.register(Rating)
class RatingAdmin(FactsOnly):
    list_display = ("number_", "level_", "reasons_", "channel_", "at", "terminal_")
    list_filter = ("level", "channel", "rated_at")
    search_fields = ("number",)
    search_help_text = "办件编号"
    fields = ("number_", "level_", "reasons_", "channel_", "rated_at", "terminal")
    readonly_fields = fields
    list_select_related = ("received__queue__terminal",)

    @admin.display(description="办件编号", ordering="number")
    def number_(self, rating: Rating) -> str:
        return format_html('<span class="number">{}</span>', grouped(rating.number))

    @admin.display(description="评价", ordering="level")
    def level_(self, rating: Rating) -> str:
        tone = "good" if rating.level >= 4 else "plain" if rating.level == 3 else "trouble"
        return format_html(
            '<span class="pill pill-{}">{}</span>', tone, catalogue.level_name(rating.level)
        )

    @admin.display(description="具体评价")
    def reasons_(self, rating: Rating) -> str:
        return reading.reasons(rating) or "—"

    @admin.display(description="评价时间", ordering="rated_at")
    def at(self, rating: Rating) -> str:
        return f"{timezone.localtime(rating.rated_at):%m-%d %H:%M}"

    @admin.display(description="渠道")
    def channel_(self, rating: Rating) -> str:
        return catalogue.CHANNELS.get(rating.channel, rating.channel)

    @admin.display(description="终端")
    def terminal_(self, row: Rating) -> str:
        return super().terminal_(row.received.queue)

    @admin.display(description="终端")
    def terminal(self, rating: Rating) -> str:
        return str(rating.received.queue.terminal)


class HandledFilter(admin.SimpleListFilter):
    title = "处理情况"
    parameter_name = "handled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "未处理"), ("yes", "已处理")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(handled_at__isnull=self.value() == "no")
        return queryset


class GapFilter(admin.SimpleListFilter):
    title = "缺号"
    parameter_name = "gap"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "有缺号"), ("no", "没有缺号")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(gap_since__isnull=self.value() == "no")
        return queryset


@admin.register(SetAside)
class SetAsideAdmin(FactsOnly):
    list_display = ("outcome_", "reason", "kind_", "terminal_", "last_at", "times", "handled")
    list_filter = (HandledFilter, "outcome", "terminal", "last_at")

    @admin.display(description="结果", ordering="outcome")
    def outcome_(self, row: SetAside) -> str:
        tone = "now" if row.outcome == Outcome.REFUSED else "trouble"
        return format_html('<span class="pill pill-{}">{}</span>', tone, row.get_outcome_display())

    @admin.display(description="原因", ordering="code")
    def reason(self, row: SetAside) -> str:
        return reason_words(row.code)

    @admin.display(description="种类", ordering="kind")
    def kind_(self, row: SetAside) -> str:
        return KINDS.get(row.kind, "其他")

    @admin.display(description="处理情况", ordering="handled_at")
    def handled(self, row: SetAside) -> str:
        if row.handled_at is None:
            return format_html('<span class="pill pill-now">{}</span>', "未处理")
        return f"已处理 {timezone.localtime(row.handled_at):%m-%d %H:%M}"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/handled/", wrap(self.mark), name="setaside_handled"),
            path("<int:pk>/sealed/", wrap(self.sealed), name="setaside_sealed"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(SetAside.objects.select_related("terminal", "held"), pk=object_id)
        held = Application.objects.filter(received=row.held_id).first() if row.held_id else None
        context = {
            **self.admin_site.each_context(request),
            "title": f"{row.get_outcome_display()}：{reason_words(row.code)}",
            "opts": self.opts,
            "row": row,
            "held_application": held,
            "held_number": grouped(held.number) if held else "",
            "may_mark": request.user.has_perm("applications.handle_setaside"),
            "sealed_bytes": len(row.sealed),
            "may_download": request.user.has_perm("applications.handle_setaside"),
        }
        return TemplateResponse(request, "staff/set_aside.html", context)

    def sealed(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """As it came, still sealed: for whoever looks for the key."""
        if not request.user.has_perm("applications.handle_setaside"):
            raise PermissionDenied
        row = get_object_or_404(SetAside, pk=pk)
        return FileResponse(
            io.BytesIO(bytes(row.sealed)), as_attachment=True, filename=f"set-aside-{pk}.zw1"
        )

    def mark(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm("applications.handle_setaside"):
            raise PermissionDenied
        row = get_object_or_404(SetAside, pk=pk)
        SetAside.objects.filter(pk=row.pk, handled_at__isnull=True).update(
            handled_at=timezone.now(), handled_by=request.user
        )
        self.message_user(request, "已标记为处理完毕。", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:applications_setaside_change", args=[row.pk]))


@admin.register(Queue)
class QueueAdmin(FactsOnly):
    """A gap that stays means: a row is missing on the terminal, or was taken out of it."""

    list_display = ("terminal_", "epoch_", "whole", "gap", "top_seq", "last_at")
    list_filter = (GapFilter, "terminal")
    list_display_links = None

    @admin.display(description="队列标识")
    def epoch_(self, row: Queue) -> str:
        return format_html('<span class="code" title="{}">{}</span>', row.epoch, row.epoch[:8])

    @admin.display(description="连续收到")
    def whole(self, row: Queue) -> str:
        return f"第{row.whole_upto}条"

    @admin.display(description="缺号", ordering="gap_since")
    def gap(self, row: Queue) -> str:
        if row.gap_since is None:
            return "没有"
        ranges = places.missing(places.place_to_read(row.terminal_id, row.epoch), row.top_seq)
        said = "、".join(
            f"{first}" if first == last else f"{first}–{last}"
            for first, last in ranges[:GAPS_SHOWN]
        )
        more = " 等" if len(ranges) > GAPS_SHOWN else ""
        since = timezone.localtime(row.gap_since)
        return format_html(
            '<span class="pill pill-{}">缺第{}{}条</span> 自{}',
            "trouble" if gap_is_old(row) else "now",
            said,
            more,
            f"{since:%m-%d %H:%M}",
        )


KINDS = {
    "application": "办件",
    "later_papers": "补交材料",
    "rating": "评价",
    "print_result": "打印结果",
}
REASONS = {
    "id_elsewhere": "另一台终端用过同一标识",
    "other_content": "同一条内容前后不一致",
    "other_place": "同一条内容换了队列位置",
    "place_taken": "队列序号重复",
    "number_taken": "办件编号重复",
    "another_person": "交件人不是申请人，也不是代办人",
    "chain_broken": "队列前后衔接不上",
    "item_invalid": "格式不合规定",
    "hash_mismatch": "校验值与内容不符",
    "not_an_envelope": "不是密封的内容",
    "unknown_suite": "平台没有这种密封算法",
    "unknown_seal_key": "平台没有对应的密钥",
    "not_authentic": "密封损坏，或不属于这个位置",
    "not_unpacked": "密封内容无法展开",
    "too_large_opened": "密封内容过大",
    "attachment_elsewhere": "附件属于另一台终端",
    "attachment_sealed": "附件无法打开",
    "attachments_differ": "附件与所说的不一致",
    "body_not_json": "内容无法读取",
    "body_invalid": "内容不合规定",
    "other_terminal": "内容属于另一台终端",
    "not_storable": "内容无法保存",
}


def reason_words(code: str) -> str:
    return REASONS.get(code, code)


def gap_is_old(row: Queue) -> bool:
    """Longer than attachments on a slow line may keep a place waiting."""
    return row.gap_since is not None and timezone.now() - row.gap_since > GAP_NEWS_AFTER
