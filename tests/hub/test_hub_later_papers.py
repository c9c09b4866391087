"""Papers handed in after their application: they find it, staff see them, and nobody else's do."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import FileResponse
from django.test import Client
from hub_terminal import PERSON, PNG, RELATIVE, Terminal, number_in, page, sha

from hub import cli
from hub.applications.blobs import attachment_store
from hub.applications.decisions import decide
from hub.applications.lost import check
from hub.applications.models import (
    Application,
    Enclosure,
    LaterPapers,
    PrintResult,
    Rating,
    ReceivedItem,
    SetAside,
    StateChange,
)
from hub.applications.opener import opener
from hub.applications.record import counts, record
from hub.applications.reopening import reopen
from hub.applications.writer import writer
from hub.catalogue import level_name
from hub.staff.first_user import make_first_user
from hub.staff.models import User
from hub.terminals.models import Terminal as Known

pytestmark = pytest.mark.django_db

LIST = "/staff/applications/application/"
ASKED_AT = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # before anything is handed in here
STRANGER = {**PERSON, "name": "司马长风", "number": "440101195001018533"}


@pytest.fixture
def other(terminal: Terminal) -> Terminal:
    """Another terminal, in the next township."""
    from hub.terminals.enrolment import new_code

    one = Terminal("QS02", terminal.way)
    one.enrol(new_code(Known.objects.create(code="QS02", name="白水镇"), "test").code)
    return one


@pytest.fixture
def clerk(db: None) -> Client:
    make_first_user()
    user = User.objects.create_user("xiaoli", is_staff=True, last_name="李", first_name="小")
    user.groups.add(Group.objects.get(name="窗口人员"))
    client = Client()
    client.force_login(user)
    return client


def _asked_for_more(number: str, note: str) -> None:
    clerk = User.objects.get_or_create(username="desk")[0]
    decide(Application.objects.get(pk=number), "received", "in_review", "", clerk)
    decide(Application.objects.get(pk=number), "in_review", "needs_more", note, clerk)
    Application.objects.filter(pk=number).update(changed_at=ASKED_AT)


def _page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_papers_from_any_terminal_join_their_application(
    terminal: Terminal, other: Terminal
) -> None:
    number = number_in(terminal.applied())
    item = other.handed_in(number, "bank_card", "photo", signature=_signed(other))
    assert other.outcome(item)["result"] == "accepted"
    found = record(number)
    assert found is not None
    (papers,) = found["later_papers"]
    assert (papers["terminal"], papers["by"]["name"]) == ("QS02", PERSON["name"])
    assert papers["handed_in_at"] == "2026-11-23T02:10:00.000Z"
    assert [(one["code"], one["sha256"], one["held"]) for one in papers["attachments"]] == [
        ("bank_card", sha(page("bank_card")), True),
        ("photo", sha(page("photo")), True),
        ("signature", sha(PNG), True),
    ]
    assert [one["code"] for one in found["attachments"]] == ["household_page", "signature"]
    assert other.outcome(item)["result"] == "duplicate"  # for ever
    assert LaterPapers.objects.count() == 1 and Enclosure.objects.count() == 5
    assert counts()["later_papers"] == 1


def _signed(terminal: Terminal) -> dict[str, Any]:
    terminal.put(PNG)
    return {"sha256": sha(PNG), "media_type": "image/png", "bytes": len(PNG)}


def test_papers_are_taken_only_when_they_are_whole(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    terminal.put(page("photo"))
    terminal.seal_attachment(page("bank_card"))
    body = terminal.later_papers(number, "photo", "bank_card")
    item = terminal.item("later_papers", body)
    (answer,) = terminal.send(item)
    missing = sha(terminal.seal_attachment(page("bank_card")))
    assert (answer["result"], answer["missing"]) == ("incomplete", [missing])
    assert not LaterPapers.objects.exists()
    terminal.put(page("bank_card"))
    assert terminal.outcome(item)["result"] == "accepted"


@pytest.mark.parametrize(
    ("order", "together"),
    list(zip(itertools.permutations(range(3)), itertools.cycle([True, False]), strict=False)),
)
def test_in_whatever_order_they_come_papers_find_their_application_and_a_strangers_do_not(
    terminal: Terminal, other: Terminal, order: tuple[int, ...], together: bool
) -> None:
    """Another terminal was quicker than the one at which the application waits for its line."""
    application = terminal.item(
        "application", terminal.application(materials=[], signature=None, agent=RELATIVE)
    )
    number = number_in(application)
    sent = (
        (terminal, application),
        (other, other.handed_in(number, "photo", by=RELATIVE)),
        (other, other.handed_in(number, "bank_card", by=STRANGER)),
    )
    for at in order:
        who, item = sent[at]
        who.send(item)
        if not together:
            who.way.settle()
    terminal.way.settle()
    papers = LaterPapers.objects.get()
    assert (papers.application_id, papers.by_name) == (number, RELATIVE["name"])
    assert [one.code for one in papers.enclosures.all()] == ["photo"]
    assert Enclosure.objects.count() == 1
    (told,) = other.verdicts()
    assert (told["seq"], told["result"], told["code"]) == (2, "refused", "another_person")
    assert STRANGER["number"] not in told["text"] and STRANGER["name"] not in told["text"]
    assert terminal.verdicts() == []
    aside = SetAside.objects.get()
    assert (aside.code, aside.kind, aside.handled_at) == ("another_person", "later_papers", None)
    assert ReceivedItem.objects.count() == 3  # what was refused is kept, sealed
    # Sent again from the tray it is judged again, and told again; once more it is opened in vain.
    assert other.outcome(sent[2][1])["code"] == "another_person"
    assert reopen(opener(), writer(), ["another_person"]).still == {"another_person": 1}
    assert SetAside.objects.get().times == 2
    assert LaterPapers.objects.count() == 1


def test_papers_and_ratings_wait_for_an_application_that_is_still_on_its_way(
    terminal: Terminal, other: Terminal
) -> None:
    number = terminal.number()
    terminal.serial -= 1
    other.outcomes(other.handed_in(number, "photo"))
    terminal.outcomes(terminal.item("rating", terminal.rating(number)))
    assert LaterPapers.objects.get().application is None
    assert record(number) is None and counts()["later_papers"] == 1
    assert number_in(terminal.applied()) == number
    assert LaterPapers.objects.get().application_id == number
    assert Rating.objects.get().application_id == number
    assert not StateChange.objects.exists()


def test_what_staff_asked_for_brings_the_application_back_to_the_desk(
    terminal: Terminal, other: Terminal, clerk: Client
) -> None:
    number = number_in(terminal.applied())
    _asked_for_more(number, "户口簿页码不清，请补拍")
    other.outcome(other.handed_in(number, "household_page", "photo"))
    application = Application.objects.get()
    assert application.state == "received"
    change = StateChange.objects.last()
    assert change is not None and change.by is None
    assert change.note == "群众补交：材料household_page、材料photo"
    assert "有新补交" in _page(clerk, LIST)
    text = _page(clerk, f"{LIST}{number}/change/")
    assert "补交材料" in text and change.note in text and "自动" in text
    assert "有新补交" not in _page(clerk, LIST)  # it was opened
    shown = record(number)
    assert shown is not None and shown["history"][-1]["by"] == ""
    clerk.post(f"{LIST}{number}/decide/", {"seen": "received", "to": "in_review"})
    assert "有新补交" not in _page(clerk, LIST)
    # A second time the first papers stay as they were, and the newest stand first.
    other.outcome(other.handed_in(number, "photo", handed_in_at="2026-11-24T02:10:00Z"))
    assert Application.objects.get().state == "in_review"
    assert "有新补交" in _page(clerk, LIST)
    text = _page(clerk, f"{LIST}{number}/change/")
    assert 0 < text.index("2026-11-24 10:10:00") < text.index("2026-11-23 10:10:00")
    clerk.post(f"{LIST}{number}/decide/", {"seen": "in_review", "to": "granted"})
    other.outcome(other.handed_in(number, "photo", handed_in_at="2026-11-25T02:10:00Z"))
    assert "有新补交" in _page(clerk, LIST)  # also when it is decided: somebody should look
    _page(clerk, f"{LIST}{number}/change/")
    assert "有新补交" not in _page(clerk, LIST)


def test_staff_see_the_applications_own_rating_first_and_those_of_later_visits_too(
    terminal: Terminal, other: Terminal, clerk: Client
) -> None:
    number = number_in(terminal.applied())
    again = terminal.rating(number, 2, reasons=["207"], rated_at="2026-11-25T02:10:00Z")
    assert (told := terminal.outcome(terminal.item("rating", again)))["result"] == "accepted", told
    terminal.outcome(terminal.item("rating", terminal.rating(number, 5)))
    rows = _page(clerk, LIST)
    assert level_name(5) in rows and level_name(2) not in rows
    text = _page(clerk, f"{LIST}{number}/change/")
    assert 0 < text.index(level_name(5)) < text.index(level_name(2))


def test_the_hash_of_an_item_is_shown_as_it_is_compared(terminal: Terminal, clerk: Client) -> None:
    number = number_in(terminal.applied())
    text = _page(clerk, f"{LIST}{number}/change/")
    assert Application.objects.get().received.hash in text


def test_what_was_handed_in_before_staff_asked_is_no_answer_to_them(
    terminal: Terminal, other: Terminal, clerk: Client
) -> None:
    """The other terminal had no line until now: what staff ask for is still wanted."""
    number = number_in(terminal.applied())
    _asked_for_more(number, "请补交银行卡")
    before = (ASKED_AT - timedelta(hours=1)).isoformat()
    assert (
        other.outcome(other.handed_in(number, "photo", handed_in_at=before))["result"] == "accepted"
    )
    assert Application.objects.get().state == "needs_more"
    assert LaterPapers.objects.get().application_id == number
    assert not StateChange.objects.filter(by=None).exists()
    other.outcome(other.handed_in(number, "bank_card"))
    assert Application.objects.get().state == "received"


@pytest.mark.parametrize("state", ["received", "in_review", "granted", "refused"])
def test_papers_for_what_is_decided_or_in_hand_are_kept_and_change_no_state(
    terminal: Terminal, state: str
) -> None:
    number = number_in(terminal.applied())
    Application.objects.update(state=state)
    assert terminal.outcome(terminal.handed_in(number, "photo"))["result"] == "accepted"
    found = record(number)
    assert found is not None and len(found["later_papers"]) == 1
    assert (found["state"], found["history"]) == (state, [])


def test_staff_see_who_handed_in_what_and_open_it(
    terminal: Terminal, other: Terminal, clerk: Client
) -> None:
    number = number_in(terminal.applied(agent=RELATIVE))
    other.outcome(other.handed_in(number, "household_page", by=RELATIVE))
    on_behalf = {"agent": STRANGER, "handed_in_at": "2026-11-24T02:10:00Z"}
    other.outcome(other.handed_in(number, "bank_card", **on_behalf))
    early = other.handed_in(terminal.number(), "photo")
    other.outcome(early)
    text = _page(clerk, f"{LIST}{number}/change/")
    for words in (
        "补交材料",
        "钟离小满（代办人）",
        "钟离秋实（申请人），由司马长风代交",
        "白水镇",
        "2026-11-23 10:10:00",
        "1页，PDF",
    ):
        assert words in text, words
    papers = LaterPapers.objects.get(application=number, by_name=RELATIVE["name"])
    address = f"{LIST}{number}/later/{papers.pk}/household_page/"
    assert address in text
    shown = clerk.get(address)
    assert isinstance(shown, FileResponse)
    assert b"".join(shown) == page("household_page")  # not the first one, which stays beside it
    assert shown["Content-Disposition"] == f'inline; filename="{number}-later-household_page.pdf"'
    assert shown["Content-Security-Policy"].startswith("default-src 'none'")
    assert clerk.get(f"{LIST}{number}/later/{papers.pk}/photo/").status_code == 404
    assert clerk.get(f"{LIST}{number}/later/{early['id']}/photo/").status_code == 404
    assert Client().get(address).status_code == 302
    listed = _page(clerk, "/staff/applications/laterpapers/")
    assert "材料household_page" in listed and "（办件未到）" in listed
    assert "钟离小满" not in listed and "钟**满" in listed
    assert "钟**实（司**风代交）" in listed
    of_attachments = _page(clerk, "/staff/applications/attachment/")
    assert "（补交）" in of_attachments and "（办件未到）" in of_attachments


def test_staff_see_what_may_still_come(terminal: Terminal, clerk: Client) -> None:
    number = number_in(terminal.applied(materials=[]))
    address = f"{LIST}{number}/change/"
    text = _page(clerk, address)
    assert "户口簿本人页" in text and "还没有交，可以后补" in text
    assert "本事项不需要材料" not in text
    terminal.outcome(terminal.handed_in(number, "household_page"))
    assert "还没有交" not in _page(clerk, address)


def test_who_comes_back_is_told_what_is_held_and_what_is_wanted(
    terminal: Terminal, other: Terminal
) -> None:
    number = number_in(terminal.applied())
    asked = {
        "item": "old_age_allowance",
        "id_number": PERSON["number"],
        "since": "2026-10-23T00:00:00Z",
    }
    _asked_for_more(number, "请补交银行卡。" + "仔细" * 200)
    told = other.post("earlier", asked).json
    assert (told["number"], told["state"]) == (number, "needs_more")
    assert told["materials"] == ["household_page"]
    assert told["note"].startswith("请补交银行卡。") and len(told["note"]) == 200
    for one in (other.handed_in(number, "bank_card"), other.handed_in(number, "household_page")):
        other.send(one)  # and asks at once
    told = other.post("earlier", asked).json
    assert (told["state"], told["note"]) == ("received", "")
    assert told["materials"] == ["bank_card", "household_page"]
    assert other.post("progress", {"qr": terminal.qr(number)}).json["state"] == "received"
    assert other.post("earlier", {**asked, "id_number": STRANGER["number"]}).json["note"] == ""


def test_what_staff_want_more_for_is_told_whatever_its_age(terminal: Terminal) -> None:
    number = number_in(terminal.applied())
    asked = {
        "item": "old_age_allowance",
        "id_number": PERSON["number"],
        "since": "2027-06-01T00:00:00Z",
    }
    assert terminal.post("earlier", asked).json["number"] is None
    _asked_for_more(number, "请补交银行卡")
    assert terminal.post("earlier", asked).json["number"] == number


@pytest.mark.fault(30)
def test_after_the_store_was_restored_from_an_older_copy_the_papers_are_asked_for_again(
    terminal: Terminal,
) -> None:
    number = number_in(terminal.applied())
    item = terminal.handed_in(number, "photo")
    terminal.outcome(item)
    name = sha(terminal.seal_attachment(page("photo")))
    attachment_store().delete(name)
    assert check(attachment_store()).lost == 1
    asked = terminal.ask("GET", f"contact?epoch={terminal.epoch}&last_seq={terminal.seq}").json
    assert asked["resend"] == [[item["seq"], item["seq"]]]
    (answer,) = terminal.send(item)
    assert (answer["result"], answer["missing"]) == ("incomplete", [name])
    terminal.put(page("photo"))
    assert terminal.send(item)[0]["result"] == "duplicate"
    found = record(number)
    assert found is not None and found["later_papers"][0]["attachments"][0]["held"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"materials": []}, "body_invalid"),
        ({"by": None}, "body_invalid"),
        ({"by": {**PERSON, "number": ""}}, "body_invalid"),
        ({"handed_in_at": "2026-11-23"}, "body_invalid"),
        ({"item": ""}, "body_invalid"),
        ({"terminal": "QS09"}, "other_terminal"),
        ({"signature": {"sha256": "0" * 64, "media_type": "image/png", "bytes": 1}}, None),
    ],
)
def test_papers_that_are_not_as_agreed_are_refused_in_plain_words(
    terminal: Terminal, changes: dict[str, Any], code: str | None
) -> None:
    number = number_in(terminal.applied())
    end = terminal.outcome(terminal.handed_in(number, "photo", **changes))
    assert (end["result"], end["code"]) == ("refused", code or "attachments_differ")
    twice = terminal.outcome(terminal.handed_in(number, "photo", "photo"))
    assert (twice["result"], twice["code"]) == ("refused", "body_invalid")
    assert not LaterPapers.objects.exists()


def test_who_hands_in_papers_elsewhere_gets_a_receipt_and_rates_there(
    terminal: Terminal, other: Terminal
) -> None:
    number = number_in(terminal.applied())
    receipt = {"number": number, "result": "printed", "at": "2026-11-23T02:11:00Z"}
    for item in (
        other.handed_in(number, "photo"),
        other.item("print_result", {**receipt, "of": "later_papers"}),
        other.item("rating", other.rating(number, 4)),
    ):
        assert other.outcome(item)["result"] == "accepted"
    assert PrintResult.objects.get().application_id == number
    assert Rating.objects.get().application_id == number


def test_the_command_line_shows_and_exports_what_was_handed_in_later(
    terminal: Terminal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = number_in(terminal.applied())
    terminal.outcome(terminal.handed_in(number, "household_page"))

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        parsed = cli._parser().parse_args([*arguments, "--json"])
        code = parsed.run(parsed)
        said: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, said

    code, shown = run("show", number)
    (papers,) = shown["later_papers"]
    assert code == 0 and papers["attachments"][0]["code"] == "household_page"
    kept = tmp_path / "page.pdf"
    export = ("export-attachment", number, "household_page", str(kept))
    assert run(*export, "--papers", papers["id"])[0] == 0
    assert kept.read_bytes() == page("household_page")
    assert run(*export)[0] == 0
    assert kept.read_bytes() != page("household_page")
    assert run("export-attachment", number, "photo", str(kept), "--papers", papers["id"])[0] == 3
    assert run("counts")[1]["later_papers"] == 1
