"""The staff site: who gets in, what they see, what they can and cannot do."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from hub_terminal import PDF, PERSON, PNG, RELATIVE, Terminal, number_in, sha

from hub.applications.models import Application, Queue, ReceivedItem, SetAside, StateChange
from hub.guard.attempts import LOGIN
from hub.numbers import grouped
from hub.staff.first_user import make_first_user, new_one_time_password
from hub.staff.models import User
from hub.terminals.models import Terminal as Known
from hub.terminals.models import TerminalCertificate

pytestmark = pytest.mark.django_db

LIST = "/staff/applications/application/"


@pytest.fixture
def clerk(db: None) -> Client:
    """Someone in the group of clerks, logged in."""
    make_first_user()
    user = User.objects.create_user("xiaoli", is_staff=True, last_name="李", first_name="小")
    user.groups.add(Group.objects.get(name="窗口人员"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def chief(db: None) -> Client:
    make_first_user()
    user = User.objects.get(username="staff")
    user.must_change_password = False
    user.save()
    client = Client()
    client.force_login(user)
    return client


# -- getting in ---------------------------------------------------------------


def test_the_one_time_password_opens_only_the_page_that_sets_ones_own() -> None:
    password = make_first_user()
    assert password is not None
    assert len(password.replace("-", "")) == 16
    client = Client()
    login = client.post("/staff/login/", {"username": "staff", "password": password})
    assert login.status_code == 302
    for page in ("/staff/", LIST, "/staff/terminals/terminal/", "/staff/staff/user/"):
        response = client.get(page)
        assert (response.status_code, response["Location"]) == (302, "/staff/password_change/")
    mine = "wet-umbrella-77"
    client.post(
        "/staff/password_change/",
        {"old_password": password, "new_password1": mine, "new_password2": mine},
    )
    assert client.get("/staff/").status_code == 200
    user = User.objects.get(username="staff")
    assert not user.must_change_password
    assert user.check_password(mine)


def test_the_one_time_password_cannot_become_ones_own() -> None:
    password = make_first_user()
    client = Client()
    client.post("/staff/login/", {"username": "staff", "password": password})
    said = client.post(
        "/staff/password_change/",
        {"old_password": password, "new_password1": password, "new_password2": password},
    )
    assert "新密码不能与原密码相同" in _text(said)
    assert User.objects.get(username="staff").must_change_password
    assert client.get("/staff/").status_code == 302


def test_the_first_user_is_made_once_and_may_get_a_new_one_time_password() -> None:
    first = make_first_user()
    assert make_first_user() is None
    second = new_one_time_password("staff")
    assert second not in (None, first)
    user = User.objects.get(username="staff")
    assert user.check_password(second or "")
    assert user.must_change_password
    assert new_one_time_password("nobody") is None


def test_an_account_made_by_another_has_to_set_its_own_password(chief: Client) -> None:
    chief.post(
        "/staff/staff/user/add/",
        {
            "username": "xiaowang",
            "usable_password": "true",
            "password1": "paper-lantern-42",
            "password2": "paper-lantern-42",
        },
    )
    made = User.objects.get(username="xiaowang")
    assert made.must_change_password
    assert made.is_staff
    assert not made.is_superuser


def test_who_guesses_passwords_has_to_wait(chief: Client) -> None:
    User.objects.create_user("xiaoli", password="wet-umbrella-77", is_staff=True)
    client = Client()
    wrong = {"username": "xiaoli", "password": "wrong"}
    for _ in range(LOGIN.failures):
        assert client.post("/staff/login/", wrong).status_code == 200
    right = client.post("/staff/login/", {**wrong, "password": "wet-umbrella-77"})
    assert right.status_code == 200
    assert "分钟后再试" in right.content.decode()
    other = client.post(
        "/staff/login/",
        {"username": "xiaoli", "password": "wet-umbrella-77"},
        REMOTE_ADDR="127.0.0.2",
    )
    assert other.status_code == 302


def test_nobody_sees_anything_without_logging_in(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    for page in (
        "/staff/",
        LIST,
        f"{LIST}{number}/change/",
        f"{LIST}{number}/file/household_page/",
        f"{LIST}{number}/decide/",
        "/staff/applications/attachment/",
        "/staff/applications/setaside/",
        "/staff/terminals/terminal/QS01/enrol/",
    ):
        response = Client().get(page)
        assert response.status_code == 302, page
        assert response["Location"].startswith("/staff/login/"), page


def test_someone_without_rights_sees_no_citizen(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    client = Client()
    client.force_login(User.objects.create_user("cleaner", is_staff=True))
    for page in (LIST, f"{LIST}{number}/change/", f"{LIST}{number}/file/signature/"):
        assert client.get(page).status_code == 403
    assert "钟" not in client.get("/staff/").content.decode()


# -- looking ------------------------------------------------------------------


def test_lists_are_masked(terminal: Terminal, clerk: Client) -> None:
    number = number_in(terminal.applied())
    for page in ("/staff/", LIST):
        text = _text(clerk.get(page))
        assert grouped(number) in text
        assert "钟**实" in text
        assert "高龄津贴申领" in text
        for value in ("钟离秋实", PERSON["number"], "13800138000"):
            assert value not in text
    assert "4401**********1512" in _text(clerk.get(LIST))


def test_an_application_is_found_by_its_number_as_printed_by_name_and_by_card(
    terminal: Terminal, clerk: Client
) -> None:
    number = number_in(terminal.applied())
    other = number_in(terminal.applied(applicant={**PERSON, "name": "王桂", "number": "X1234567"}))
    for asked in (grouped(number), number.lower(), "钟离秋实", PERSON["number"]):
        text = _text(clerk.get(LIST, {"q": asked}))
        assert grouped(number) in text
        assert grouped(other) not in text
    text = _text(clerk.get(LIST, {"state__exact": "granted"}))
    assert grouped(number) not in text


def test_an_application_reads_like_a_form(terminal: Terminal, clerk: Client) -> None:
    number = number_in(terminal.applied(agent=RELATIVE))
    terminal.outcome(terminal.item("rating", terminal.rating(number, 2, reasons=["207"])))
    printed = {"number": number, "result": "paper_out", "at": "2026-11-22T01:42:00Z"}
    terminal.outcome(terminal.item("print_result", printed))
    text = _text(clerk.get(f"{LIST}{number}/change/"))
    for words in (
        "高龄津贴申领",
        grouped(number),
        "钟离秋实",
        "440101194001011512",
        "汉族",
        "男性",
        "代办人",
        "钟离小满",
        "本人手机号",
        "13800138000",
        "（未填）",
        "收款账号",
        "户口簿本人页",
        "1页，PDF",
        "申请人手写签名",
        "不满意",
        "没有提供材料样本",
        "评价器按键",
        "缺纸，未打印",
        "2026-11-22 09:41:00",  # 01:41 UTC
        "长期",
    ):
        assert words in text, words


def test_what_a_citizen_typed_is_shown_and_never_run(terminal: Terminal, clerk: Client) -> None:
    evil = "<script>alert(1)</script>"
    number = number_in(
        terminal.applied(
            form={"phone": evil, evil: {"deep": [evil]}}, applicant={**PERSON, "address": evil}
        )
    )
    response = clerk.get(f"{LIST}{number}/change/")
    assert evil not in _text(response)
    assert escape(evil) in _text(response)
    assert "script-src 'self'" in response["Content-Security-Policy"]


def test_papers_are_served_safely(terminal: Terminal, clerk: Client) -> None:
    number = number_in(terminal.applied())
    for code, kind, content in (
        ("household_page", "application/pdf", PDF),
        ("signature", "image/png", PNG),
    ):
        response = clerk.get(f"{LIST}{number}/file/{code}/")
        assert _bytes(response) == content
        assert response["Content-Type"] == kind
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"].startswith("default-src 'none'")
        assert "no-store" in response["Cache-Control"]
        assert response["Content-Disposition"].startswith(f'inline; filename="{number}-{code}')
    kept = clerk.get(f"{LIST}{number}/file/household_page/?download=1")
    assert _bytes(kept) == PDF
    assert kept["Content-Disposition"].startswith("attachment;")
    assert clerk.get(f"{LIST}{number}/file/other/").status_code == 404


def test_a_paper_that_only_says_it_is_a_pdf_is_never_shown_in_place(
    terminal: Terminal, clerk: Client
) -> None:
    page = b"<html><script>alert(1)</script></html>"
    body = terminal.application(signature=None)
    body["materials"][0] |= {"sha256": sha(page), "bytes": len(page)}
    terminal.put(page)
    assert terminal.outcome(terminal.item("application", body))["result"] == "accepted"
    response = clerk.get(f"{LIST}{body['number']}/file/household_page/")
    assert _bytes(response) == page
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")


def test_every_page_of_the_site_opens_in_chinese(terminal: Terminal, chief: Client) -> None:
    item = terminal.applied()
    number = number_in(item)
    terminal.send(terminal.again_with(item, terminal.application(number, language="en")))
    terminal.outcome(terminal.item("rating", terminal.rating(number)))
    row = SetAside.objects.get()
    attachment = Application.objects.get().enclosures.first()
    assert attachment is not None
    for page, words in (
        ("/staff/", "等着审核"),
        (LIST, "办件编号"),
        (f"{LIST}{number}/change/", "内容冲突"),
        ("/staff/applications/rating/", "评价器按键"),
        ("/staff/applications/attachment/", "文件完好"),
        (f"/staff/applications/attachment/{attachment.attachment_id}/change/", "SHA-256"),
        ("/staff/applications/setaside/", "同一条内容前后不一致"),
        (f"/staff/applications/setaside/{row.pk}/change/", row.sha256),
        ("/staff/applications/queue/", "没有"),
        ("/staff/terminals/terminal/", "在线"),
        ("/staff/terminals/terminal/", "证书到期"),
        ("/staff/terminals/terminal/add/", "终端编号"),
        ("/staff/terminals/terminal/QS01/change/", "生成登记码"),
        ("/staff/terminals/terminal/QS01/change/", "吊销证书"),
        ("/staff/staff/user/", "用户名"),
        ("/staff/staff/user/add/", "一次性密码"),
        ("/staff/auth/group/", "窗口人员"),
        ("/staff/admin/logentry/", "日志"),
        ("/staff/password_change/", "新密码"),
    ):
        response = chief.get(page)
        assert response.status_code == 200, page
        text = _text(response)
        assert words in text, page
        assert not re.search(r"<script(?![^>]*src=)(?![^>]*json)", text), page
        assert " onclick=" not in text, page


def test_both_hashes_of_a_conflict_are_shown_and_it_can_be_marked(
    terminal: Terminal, clerk: Client
) -> None:
    item = terminal.applied()
    other = terminal.again_with(item, terminal.application(number_in(item), language="en"))
    terminal.send(other)
    row = SetAside.objects.get()
    page = f"/staff/applications/setaside/{row.pk}/"
    text = _text(clerk.get(f"{page}change/"))
    assert item["sha256"] in text
    assert other["sha256"] in text
    assert clerk.get(f"{page}handled/").status_code == 405
    clerk.post(f"{page}handled/")
    row.refresh_from_db()
    assert row.handled_by is not None
    assert "已处理" in _text(clerk.get(f"{page}change/"))


# -- deciding -----------------------------------------------------------------


def test_a_clerk_decides_and_it_is_on_record(terminal: Terminal, clerk: Client) -> None:
    number = number_in(terminal.applied())
    _decide(clerk, number, "received", "in_review")
    _decide(clerk, number, "in_review", "needs_more", "户口簿页码不清")
    assert Application.objects.get().state == "needs_more"
    assert [
        (row.from_state, row.to_state, row.note, row.by and row.by.username)
        for row in StateChange.objects.all()
    ] == [
        ("received", "in_review", "", "xiaoli"),
        ("in_review", "needs_more", "户口簿页码不清", "xiaoli"),
    ]
    text = _text(clerk.get(f"{LIST}{number}/change/"))
    assert "户口簿页码不清" in text
    assert "李小" in text


def test_of_two_clerks_the_second_is_told(terminal: Terminal, clerk: Client) -> None:
    number = number_in(terminal.applied())
    _decide(clerk, number, "received", "in_review")
    _decide(clerk, number, "in_review", "granted")
    text = _decide(clerk, number, "in_review", "refused", "不符合条件")
    assert "刚刚被别人处理过" in text
    assert Application.objects.get().state == "granted"


@pytest.mark.parametrize(
    ("seen", "to", "words"),
    [
        ("received", "granted", "不能这样处理"),
        ("received", "nonsense", "不能这样处理"),
        ("", "in_review", "刚刚被别人处理过"),
    ],
)
def test_steps_that_do_not_exist_change_nothing(
    terminal: Terminal, clerk: Client, seen: str, to: str, words: str
) -> None:
    number = number_in(terminal.applied())
    assert words in _decide(clerk, number, seen, to)
    assert Application.objects.get().state == "received"


def test_a_refusal_needs_a_reason_and_can_be_put_right(terminal: Terminal, clerk: Client) -> None:
    number = number_in(terminal.applied())
    _decide(clerk, number, "received", "in_review")
    assert "请写明原因" in _decide(clerk, number, "in_review", "refused", "  ")
    _decide(clerk, number, "in_review", "refused", "户籍不在本县")
    _decide(clerk, number, "refused", "in_review", "按错了")
    assert Application.objects.get().state == "in_review"
    assert StateChange.objects.count() == 3


def test_what_a_citizen_handed_in_cannot_be_edited_by_anyone(
    terminal: Terminal, chief: Client
) -> None:
    item = terminal.applied()
    number = number_in(item)
    terminal.send(terminal.item("rating", terminal.rating(number)))
    before = json.dumps(list(Application.objects.values()), default=str)
    assert chief.get(f"{LIST}add/").status_code == 403
    assert chief.get(f"{LIST}{number}/delete/").status_code == 403
    chief.post(f"{LIST}{number}/change/", {"applicant_name": "别人", "state": "granted"})
    for model in ("rating", "attachment", "setaside", "queue"):
        assert chief.get(f"/staff/applications/{model}/add/").status_code == 403
        chief.post(
            f"/staff/applications/{model}/",
            {"action": "delete_selected", "_selected_action": ["1"]},
        )
    assert json.dumps(list(Application.objects.values()), default=str) == before
    assert chief.get("/staff/terminals/terminal/QS01/delete/").status_code == 403


def test_a_clerk_may_not_enrol_terminals_or_make_accounts(
    terminal: Terminal, clerk: Client
) -> None:
    assert clerk.post("/staff/terminals/terminal/QS01/enrol/").status_code == 403
    assert clerk.post("/staff/terminals/terminal/QS01/switch/").status_code == 403
    assert clerk.get("/staff/staff/user/").status_code == 403


# -- terminals ----------------------------------------------------------------


def test_the_button_makes_a_code_that_enrols(terminal: Terminal, chief: Client) -> None:
    text = _text(chief.post("/staff/terminals/terminal/QS01/enrol/"))
    found = re.search(r'class="enrol-code">([0-9A-Z-]+)<', text)
    assert found
    terminal.enrol(found.group(1))


def test_a_terminal_can_be_put_out_of_use_and_back(terminal: Terminal, chief: Client) -> None:
    page = "/staff/terminals/terminal/QS01/"
    assert chief.get(f"{page}switch/").status_code == 405
    chief.post(f"{page}switch/")
    assert terminal.ask("GET", "contact").status == 401
    assert "已停用" in _text(chief.get("/staff/terminals/terminal/"))
    chief.post(f"{page}switch/")
    assert terminal.ask("GET", "contact").status == 200


def test_a_stolen_terminal_is_shut_out_for_good(terminal: Terminal, chief: Client) -> None:
    page = "/staff/terminals/terminal/QS01/"
    assert chief.get(f"{page}revoke/").status_code == 405
    chief.post(f"{page}revoke/")
    assert terminal.ask("GET", "contact").json["error"]["code"] == "certificate_revoked"
    assert "没有" in _text(chief.get("/staff/terminals/terminal/"))
    for _ in range(2):  # 停用 and back: that does not bring a certificate back
        chief.post(f"{page}switch/")
    assert terminal.ask("GET", "contact").status == 401
    chief_text = _text(chief.get("/staff/"))
    assert "证书快到期的终端" in chief_text
    assert "没有有效证书" in chief_text


def test_a_certificate_that_ends_soon_is_news(terminal: Terminal, chief: Client) -> None:
    assert "快到期" not in _text(chief.get("/staff/"))
    TerminalCertificate.objects.update(not_after=timezone.now() + timedelta(days=10))
    assert "证书快到期的终端" in _text(chief.get("/staff/"))
    assert "快到期" in _text(chief.get("/staff/terminals/terminal/"))
    TerminalCertificate.objects.update(not_after=timezone.now() - timedelta(days=10))
    assert "已到期" in _text(chief.get("/staff/terminals/terminal/"))


@pytest.mark.fault(9)
def test_a_gap_in_a_queue_is_shown_and_is_news_after_a_day(
    terminal: Terminal, clerk: Client
) -> None:
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(9)]
    terminal.send(items[0], items[2], items[5], items[8])
    text = _text(clerk.get("/staff/applications/queue/"))
    assert "缺第2、4–5、7–8条" in text or "缺第2、4–5条" in text, text
    assert "队列缺号" not in _text(clerk.get("/staff/"))
    Queue.objects.update(gap_since=timezone.now() - timedelta(hours=25))
    assert "个终端队列缺号超过一天" in _text(clerk.get("/staff/"))
    terminal.send(*items)
    assert "缺第" not in _text(clerk.get("/staff/applications/queue/"))


def test_what_was_received_and_is_not_read_for_long_is_news(
    terminal: Terminal, clerk: Client
) -> None:
    terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    assert "还没读入" not in _text(clerk.get("/staff/"))
    ReceivedItem.objects.update(received_at=timezone.now() - timedelta(minutes=20))
    assert "条已收到，超过15分钟还没读入" in _text(clerk.get("/staff/"))
    terminal.way.settle()
    assert "还没读入" not in _text(clerk.get("/staff/"))


def test_a_broken_chain_is_shown(terminal: Terminal, clerk: Client) -> None:
    terminal.link = bytes([7]) * 32
    terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
    row = SetAside.objects.get()
    assert "队列前后衔接不上" in _text(clerk.get("/staff/applications/setaside/"))
    page = _text(clerk.get(f"/staff/applications/setaside/{row.pk}/change/"))
    assert "可能少了一条" in page


def test_what_could_not_be_opened_can_be_taken_away_as_it_came(
    terminal: Terminal, clerk: Client
) -> None:
    item = terminal.item("rating", terminal.rating(terminal.number()))
    terminal.outcome({**item, "seq": 9})
    row = SetAside.objects.get()
    page = f"/staff/applications/setaside/{row.pk}/"
    assert "密封的原件已保存" in _text(clerk.get(f"{page}change/"))
    kept = clerk.get(f"{page}sealed/")
    assert base64.b64encode(_bytes(kept)).decode() == item["sealed"]
    assert kept["Content-Disposition"].startswith("attachment;")


def test_an_application_whose_key_is_lost_says_so(
    terminal: Terminal, clerk: Client, settings: Any, tmp_path: Path
) -> None:
    """The database was restored and the folder of keys was not."""
    number = number_in(terminal.applied())
    settings.KEYS = tmp_path / "none"
    text = _text(clerk.get(f"{LIST}{number}/change/"))
    assert "没有打开这件办件的密钥" in text
    assert "户口簿本人页" in text
    assert clerk.get(f"{LIST}{number}/file/household_page/").status_code == 404


def test_a_silent_terminal_is_news_on_the_first_page(terminal: Terminal, chief: Client) -> None:
    assert "都有联系" in _text(chief.get("/staff/"))
    Known.objects.update(last_contact=timezone.now() - timedelta(minutes=30))
    assert "1台久未联系" in _text(chief.get("/staff/"))


def test_a_form_that_another_site_sends_is_refused_and_no_page_is_framed(db: None) -> None:
    browser = Client(enforce_csrf_checks=True)
    login = "/staff/login/"
    page = browser.get(login)
    assert page["X-Frame-Options"] == "DENY"
    wanted = {"username": "staff", "password": "wrong"}
    assert browser.post(login, wanted).status_code == 403
    token = browser.cookies["csrftoken"].value
    assert browser.post(login, {**wanted, "csrfmiddlewaretoken": token}).status_code == 200


def test_the_terminals_api_knows_no_cookie_and_no_staff(clerk: Client) -> None:
    answer = clerk.get("/api/v1/contact")
    assert answer.status_code == 401
    assert not answer.cookies and "Cookie" not in answer.get("Vary", "")


def _decide(client: Client, number: str, seen: str, to: str, note: str = "") -> str:
    response = client.post(
        f"{LIST}{number}/decide/", {"seen": seen, "to": to, "note": note}, follow=True
    )
    return _text(response)


def _text(response: HttpResponse) -> str:
    return response.content.decode("utf-8")


def _bytes(response: HttpResponseBase) -> bytes:
    """All of a file; at its end it is closed."""
    assert isinstance(response, FileResponse)
    return b"".join(response.streaming_content)


def test_the_address_added_to_a_card_later_is_shown_beside_the_printed_one(
    terminal: Terminal, clerk: Client
) -> None:
    moved = {**PERSON, "appended_address": "广东省另外县新桥镇假想街三号"}
    number = number_in(terminal.applied(applicant=moved))
    page = clerk.get(f"/staff/applications/application/{number}/change/").content.decode()
    assert moved["appended_address"] in page and str(PERSON["address"]) in page
    plain = number_in(terminal.applied(applicant={**PERSON, "appended_address": None}))
    page = clerk.get(f"/staff/applications/application/{plain}/change/").content.decode()
    assert "追加" not in page
