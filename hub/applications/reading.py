"""An application as a clerk reads it: sections of labelled lines, in the centre's words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from hub import catalogue
from hub.applications import opening
from hub.applications.models import SIGNATURE, Application, Enclosure, LaterPapers, Rating
from hub.applications.questions import codes_held
from hub.seal.keys import key_ring

LONG_TERM = "长期"


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    code: str
    name: str
    detail: str
    warning: str
    is_picture: bool


@dataclass(frozen=True, slots=True)
class HandedIn:
    """Papers that came after the application, as a clerk reads them."""

    key: UUID
    when: str
    by: str
    where: str
    papers: list[Paper]


def body_of(application: Application) -> dict[str, Any]:
    """As it was sealed. Raises CannotOpenError."""
    return opening.body_of(application.received, key_ring())


def sections(application: Application, body: dict[str, Any]) -> list[Section]:
    return [
        Section("申请人", _person(body["applicant"])),
        *([Section("代办人", _person(body["agent"]))] if body.get("agent") else []),
        _form(application.item, body["form"]),
    ]


def circumstances(application: Application, body: dict[str, Any]) -> Section:
    """How it was handed in."""
    return Section(
        "办理情况",
        (
            Row("办理终端", str(application.terminal)),
            Row("受理时间", local(application.accepted_at)),
            Row("送达平台", local(application.received_at)),
            Row("办理语言", catalogue.LANGUAGES.get(application.language, application.language)),
            Row(
                "个人信息告知",
                f"第{body['consent']['version']}版，{_moment(body['consent']['agreed_at'])}同意",
            ),
        ),
    )


def papers(application: Application) -> list[Paper]:
    rows = application.enclosures.exclude(code=SIGNATURE).select_related("attachment")
    return [_paper(row) for row in rows]


def signature(application: Application) -> Paper | None:
    row = application.enclosures.filter(code=SIGNATURE).select_related("attachment").first()
    return _paper(row) if row else None


def to_come(application: Application) -> list[str]:
    """Names of what may be handed in later, and was not."""
    words = catalogue.items().get(application.item)
    held = codes_held(application)
    return [name for code, name in words.later.items() if code not in held] if words else []


def handed_in(application: Application) -> list[HandedIn]:
    """The newest first; what came before stays."""
    rows = application.later_papers.select_related("received__queue__terminal")
    return [
        HandedIn(
            row.pk,
            local(row.handed_in_at),
            _by(application, row),
            str(row.received.queue.terminal),
            [_paper(one) for one in row.enclosures.select_related("attachment")],
        )
        for row in rows
    ]


def _by(application: Application, papers: LaterPapers) -> str:
    applicant = papers.by_number == application.applicant_number
    by = f"{papers.by_name}（{'申请人' if applicant else '代办人'}）"
    return f"{by}，由{papers.agent_name}代交" if papers.agent_name else by


def stars(rating: Rating) -> str:
    return f"{catalogue.level_name(rating.level)}（{rating.level}分）"


def reasons(rating: Rating) -> str:
    return "、".join(catalogue.reason_name(code) for code in rating.reasons.split(",") if code)


def local(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")


def size(count: int) -> str:
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def _paper(row: Enclosure) -> Paper:
    kind = {"application/pdf": "PDF", "image/png": "PNG", "image/jpeg": "JPEG"}.get(
        row.attachment.media_type, "文件"
    )
    pages = f"{row.pages}页，" if row.pages else ""
    kept = row.kept_despite
    return Paper(
        row.code,
        row.name or "签名",
        f"{pages}{kind}，{size(row.attachment.bytes)}",
        f"群众确认保留：{catalogue.ADVICE.get(kept, kept)}" if kept else "",
        row.attachment.media_type.startswith("image/"),
    )


def _person(person: dict[str, Any]) -> tuple[Row, ...]:
    until = person.get("valid_to") or LONG_TERM
    rows = [
        Row("姓名", person["name"]),
        Row("证件类型", catalogue.CARD_KINDS.get(person["kind"], person["kind"])),
        Row("证件号码", person["number"]),
        Row("性别", catalogue.sex_name(person.get("sex_code") or "")),
        Row("民族", catalogue.nation_name(person.get("nation_code") or "")),
        Row("出生日期", person.get("birth") or ""),
        Row("现住址（追加）", person.get("appended_address") or ""),
        Row("住址", person.get("address") or ""),
        Row("签发机关", person.get("issuer") or ""),
    ]
    if person.get("valid_from"):
        rows.append(Row("证件有效期", f"{person['valid_from']} 至 {until}"))
    return tuple(row for row in rows if row.value)


def _form(item: str, form: dict[str, Any]) -> Section:
    """In the order filled in; a field the hub has no words for keeps its code."""
    words = catalogue.items().get(item)
    known = words.fields if words else {}
    rows = (Row(known.get(code, code), _said(value)) for code, value in form.items())
    return Section("填写内容", tuple(rows))


def _said(value: Any) -> str:
    match value:
        case None | "":
            return "（未填）"
        case bool():
            return "是" if value else "否"
        case str():
            return value
        case _:
            try:
                return json.dumps(value, ensure_ascii=False)
            except (RecursionError, ValueError):
                return "（无法显示）"


def _moment(text: str) -> str:
    return local(datetime.fromisoformat(text))
