"""What is taken at the door is opened afterwards; what that shows, the terminal hears."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from django.conf import settings as hub_settings
from django.utils import timezone
from hub_terminal import PDF, PERSON, PNG, Terminal, number_in, sha
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.applications import opener as opener_module
from hub.applications.blobs import FolderStore, attachment_store
from hub.applications.models import (
    Application,
    Attachment,
    PrintResult,
    Rating,
    ReceivedItem,
    SetAside,
    Verdict,
)
from hub.applications.opener import (
    AGAIN_AFTER,
    PATIENCE,
    QUIET,
    REST,
    Opener,
    opener,
    waiting,
)
from hub.applications.record import counts
from hub.applications.tidying import UNNAMED_LIFE_D, tidy
from hub.applications.writer import writer
from hub.seal.keys import key_ring
from hub.terminals.models import Terminal as Known

pytestmark = pytest.mark.django_db


def _bare(terminal: Terminal, **changes: Any) -> dict[str, Any]:
    """An application without papers, as an item."""
    body = terminal.application(materials=[], signature=None, **changes)
    return terminal.item("application", body)


def test_what_was_accepted_is_held_before_it_is_opened(terminal: Terminal) -> None:
    items = [_bare(terminal), terminal.item("rating", terminal.rating(terminal.number()))]
    assert [one["result"] for one in terminal.send(*items)] == ["accepted", "accepted"]
    assert not Application.objects.exists()
    held = counts()
    assert (held["applications"], held["ratings"], held["unopened"]) == (1, 1, 2)
    terminal.way.settle()
    held = counts()
    assert (held["applications"], held["ratings"], held["unopened"]) == (1, 1, 0)
    assert Application.objects.get().received_at == ReceivedItem.objects.get(seq=1).received_at
    assert waiting() == (0, None)


def test_a_citizen_who_asks_at_once_is_told_it_was_received(terminal: Terminal) -> None:
    item = _bare(terminal)
    terminal.send(item)
    reply = terminal.post("progress", {"qr": terminal.qr(number_in(item))})
    assert (reply.status, reply.json["state"]) == (200, "received")


def test_who_comes_back_at_once_is_told_of_the_application_just_made(terminal: Terminal) -> None:
    item = _bare(terminal, accepted_at="2026-11-20T02:00:00Z")
    terminal.send(item)
    asked = {"item": "old_age_allowance", "id_number": PERSON["number"]}
    reply = terminal.post("earlier", {**asked, "since": "2026-10-23T00:00:00Z"})
    assert reply.json["number"] == number_in(item)


# -- verdicts -----------------------------------------------------------------


def test_a_verdict_comes_with_every_answer_until_it_is_kept(terminal: Terminal) -> None:
    bad = terminal.item("rating", terminal.rating(terminal.number(), level=9))
    assert terminal.send(bad)[0]["result"] == "accepted"
    assert terminal.batch().json["verdicts"] == []
    terminal.way.settle()
    told = terminal.batch().json["verdicts"]
    assert len(told) == 1
    no = told[0].pop("no")
    assert told[0].pop("text").startswith("level:")
    assert told[0] == {
        "epoch": terminal.epoch,
        "seq": 1,
        "id": bad["id"],
        "result": "refused",
        "code": "body_invalid",
    }
    asked = f"contact?epoch={terminal.epoch}&last_seq=1"
    assert [one["no"] for one in terminal.ask("GET", asked).json["verdicts"]] == [no]
    assert terminal.ask("GET", f"{asked}&verdicts_seen={no}").json["verdicts"] == []
    assert terminal.batch(verdicts_seen=no).json["verdicts"] == []
    packed = cbor2.loads(terminal.batch_cbor().content)["verdicts"]
    assert [one["id"] for one in packed] == [uuid.UUID(bad["id"]).bytes]
    assert not Rating.objects.exists()
    assert ReceivedItem.objects.count() == 1  # it is kept


def test_verdicts_rise_and_come_a_hundred_at_a_time(terminal: Terminal) -> None:
    for _ in range(2):
        bad = [
            terminal.item("rating", terminal.rating(terminal.number(), level=0)) for _ in range(60)
        ]
        terminal.send(*bad)
        terminal.way.settle()
    first = terminal.verdicts()
    rest = terminal.verdicts(first[-1]["no"])
    assert (len(first), len(rest)) == (100, 20)
    numbers = [one["no"] for one in (*first, *rest)]
    assert numbers == sorted(set(numbers))
    assert [one["seq"] for one in (*first, *rest)] == list(range(1, 121))


def test_a_hub_restored_from_a_copy_does_not_number_below_what_was_seen(
    terminal: Terminal,
) -> None:
    terminal.outcome(terminal.item("rating", terminal.rating(terminal.number(), level=0)))
    seen = terminal.verdicts_seen
    Verdict.objects.all().delete()
    Known.objects.update(verdict_no=0)
    terminal.outcome(terminal.item("rating", terminal.rating(terminal.number(), level=0)))
    assert terminal.verdicts_seen > seen


def test_sent_again_it_is_read_again_and_answered_with_a_new_verdict(terminal: Terminal) -> None:
    bad = terminal.item("rating", terminal.rating(terminal.number(), level=9))
    first = terminal.outcome(bad)
    again = terminal.outcome(bad)
    assert (first["result"], again["result"]) == ("refused", "refused")
    assert again["no"] > first["no"]
    row = SetAside.objects.get()
    assert (row.times, row.handled_at) == (2, None)


def test_only_the_terminal_that_sent_it_hears_of_it(terminal: Terminal) -> None:
    from hub.terminals.enrolment import new_code

    other = Terminal("QS02", terminal.way)
    other.enrol(new_code(Known.objects.create(code="QS02"), "test").code)
    terminal.outcome(terminal.item("rating", terminal.rating(terminal.number(), level=9)))
    assert other.verdicts() == []


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kinds=st.lists(st.sampled_from(["good", "bad", "rating", "again"]), min_size=1, max_size=8))
def test_in_whatever_order_they_come_each_is_held_once_or_has_a_verdict(
    terminal: Terminal, kinds: list[str]
) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    for kind in kinds:
        match kind:
            case "good":
                sent.append((kind, _bare(terminal)))
            case "bad":
                sent.append((kind, _bare(terminal, form=[])))
            case "rating":
                sent.append(("good", terminal.item("rating", terminal.rating(terminal.number()))))
            case _:
                sent += sent[-1:]
    before = Application.objects.count() + Rating.objects.count()
    ends = terminal.outcomes(*(item for _, item in sent))
    for (kind, _), end in zip(sent, ends, strict=True):
        assert (end["result"] == "refused") == (kind == "bad"), (kind, end)
    good = {item["id"] for kind, item in sent if kind == "good"}
    assert Application.objects.count() + Rating.objects.count() == before + len(good)


# -- trouble ------------------------------------------------------------------


def test_one_item_that_we_cannot_read_stops_no_other_and_is_tried_again(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    items = [_bare(terminal) for _ in range(3)]
    poisoned = number_in(items[1])
    terminal.send(*items)

    def bug(body: Any) -> bool:
        if body.number == poisoned:
            raise KeyError("unforeseen, with a name: 钟离秋实")
        return False

    with monkeypatch.context() as broken:
        broken.setattr("hub.applications.bodies.repeated_code", bug)
        terminal.way.settle()
    assert sorted(Application.objects.values_list("pk", flat=True)) == sorted(
        number_in(item) for item in (items[0], items[2])
    )
    assert terminal.verdicts() == []
    assert "KeyError" in caplog.text
    terminal.way.settle()
    assert Application.objects.count() == 2  # not at once: it would be tried without end
    ReceivedItem.objects.update(to_open_at=timezone.now() - AGAIN_AFTER)
    ReceivedItem.objects.exclude(order_key=poisoned).update(to_open_at=None)
    terminal.way.settle()
    assert Application.objects.count() == 3


def test_one_item_that_cannot_be_written_stops_no_other(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [_bare(terminal) for _ in range(9)]
    terminal.send(*items)
    add = opener_module._Spreading._add

    def bug(self: Any, rows: Any, item: Any, read: Any, now: Any) -> None:
        if str(item.id) == items[4]["id"]:
            raise ZeroDivisionError
        add(self, rows, item, read, now)

    monkeypatch.setattr(opener_module._Spreading, "_add", bug)
    terminal.way.settle()
    assert Application.objects.count() == 8
    assert waiting()[0] == 1
    assert not Verdict.objects.exists()


def test_a_crash_between_opening_and_writing_loses_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(BaseException):
        pass

    def cut(*_: Any) -> None:
        raise PowerCut

    terminal.send(_bare(terminal), terminal.item("rating", terminal.rating(terminal.number())))
    with monkeypatch.context() as broken:
        broken.setattr(opener_module.tables, "insert", cut)
        with pytest.raises(PowerCut):
            terminal.way.settle()
    assert waiting()[0] == 2
    assert not Application.objects.exists()
    terminal.way.settle()
    assert (Application.objects.count(), Rating.objects.count()) == (1, 1)


def test_two_that_open_the_same_items_open_them_once(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One was asked for by a citizen while the other was reading it."""
    items = [_bare(terminal), _bare(terminal, form=[])]
    terminal.send(*items)
    opened, second = opener_module.opened, opener()

    def meanwhile(item: Any, keys: Any) -> Any:
        with monkeypatch.context() as undone:
            undone.setattr(opener_module, "opened", opened)
            second.next_page()
        return opened(item, keys)

    monkeypatch.setattr(opener_module, "opened", meanwhile)
    opener().next_page()
    assert Application.objects.count() == 1
    assert SetAside.objects.get().times == 1
    assert len(terminal.verdicts()) == 1


def test_papers_of_what_is_not_opened_or_not_taken_are_kept(
    terminal: Terminal, attachments: Path
) -> None:
    terminal.put(PDF)
    terminal.put(PNG)
    body = terminal.application()
    body["materials"] *= 2
    item = terminal.item("application", body)
    terminal.send(item)
    Attachment.objects.update(received_at=timezone.now() - timedelta(days=UNNAMED_LIFE_D + 1))
    store = FolderStore(attachments)
    assert tidy(store, hub_settings.INCOMING).attachments == 0
    assert terminal.outcome(item)["result"] == "refused"
    assert tidy(store, hub_settings.INCOMING).attachments == 0
    assert store.size(sha(terminal.seal_attachment(PDF)))


def test_a_rating_that_is_opened_first_finds_its_application_later(terminal: Terminal) -> None:
    application = _bare(terminal)
    number = number_in(application)
    printed = {"number": number, "result": "printed", "at": "2026-11-22T01:42:00Z"}
    followers = (
        terminal.item("rating", terminal.rating(number)),
        terminal.item("print_result", printed),
    )
    terminal.outcomes(*followers)
    assert Rating.objects.get().application is None
    terminal.outcome(application)
    assert Rating.objects.get().application_id == number
    assert PrintResult.objects.get().application_id == number


# -- when it opens ----------------------------------------------------------------


def test_while_items_arrive_the_door_goes_first_but_nothing_waits_long(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.send(_bare(terminal))
    arrived = ReceivedItem.objects.get().received_at
    # What we failed to read is looked at much later; it says nothing about the door.
    put_off = terminal.item("rating", terminal.rating(terminal.number()))
    terminal.send(put_off)
    ReceivedItem.objects.filter(pk=put_off["id"]).update(to_open_at=arrived + AGAIN_AFTER)

    def turn(after: timedelta) -> int:
        monkeypatch.setattr(opener_module.timezone, "now", lambda: arrived + after)
        opener().turn()
        return Application.objects.count()

    assert turn(QUIET / 2) == 0
    assert turn(QUIET) == 1

    terminal.send(_bare(terminal))
    ReceivedItem.objects.filter(to_open_at=arrived + QUIET).update(to_open_at=arrived)
    terminal.send(_bare(terminal))
    ReceivedItem.objects.filter(to_open_at=arrived + QUIET).update(to_open_at=arrived + PATIENCE)
    assert turn(PATIENCE) == 3


def test_beside_the_door_it_rests_three_times_as_long_as_it_worked(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A whole district comes back: terminals wait at the door, and nobody waits here."""
    terminal.send(*(_bare(terminal) for _ in range(5)))
    arrived = ReceivedItem.objects.values_list("to_open_at", flat=True)[0]
    assert arrived is not None
    ReceivedItem.objects.filter(seq=1).update(to_open_at=arrived - PATIENCE)
    monkeypatch.setattr(opener_module.timezone, "now", lambda: arrived)
    monkeypatch.setattr(opener_module, "PAGE", 1)
    ticks = iter([100.0, 100.5, 200.0, 200.0, 300.0])
    work = Opener(key_ring, writer(), attachment_store, clock_s=lambda: next(ticks))
    with caplog.at_level("INFO", logger="hub.opener"):
        assert work.turn() == 0.5 * REST == 1.5
        ReceivedItem.objects.filter(seq=2).update(to_open_at=arrived - PATIENCE)
        assert work.turn() == 0.0  # the page took no time that the clock saw
    assert caplog.text.count("beside the door") == 1
    assert Application.objects.count() == 2
    # Nothing arrives any more: page after page.
    monkeypatch.setattr(opener_module.timezone, "now", lambda: arrived + QUIET)
    assert work.turn() == 0.0
    assert Application.objects.count() == 3
