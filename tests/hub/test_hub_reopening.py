"""What could not be opened is opened once more: a key was lost and is back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hub_terminal import PDF, PNG, Terminal, number_in

from hub import cli
from hub.applications import opener as opener_module
from hub.applications.blobs import FolderStore
from hub.applications.models import (
    Application,
    Attachment,
    Enclosure,
    Rating,
    ReceivedItem,
    SetAside,
    Verdict,
)
from hub.applications.opener import opener
from hub.applications.record import record
from hub.applications.tidying import tidy
from hub.seal.keys import make_seal_keys

pytestmark = pytest.mark.django_db


class Keys:
    """The hub's folder of keys, out of which a copy is left out and put back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._away: dict[Path, bytes] = {}
        make_seal_keys(folder)

    def lose(self) -> None:
        """And the hub is set up anew, without what it had."""
        for path in self._folder.glob("seal-*.pem"):
            self._away[path.with_name(path.name.replace("seal-0", "seal-9"))] = path.read_bytes()
            path.unlink()
        make_seal_keys(self._folder)

    def restore(self) -> None:
        for path, content in self._away.items():
            path.write_bytes(content)


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    before, settings.KEYS = settings.KEYS, tmp_path / "keys"
    settings.KEYS.mkdir()
    for path in before.glob("*"):
        if not path.name.startswith("seal-"):
            (settings.KEYS / path.name).write_bytes(path.read_bytes())
    yield Keys(settings.KEYS)
    settings.KEYS = before


def _reopened(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    parsed = cli._parser().parse_args(["reopen", "--json", *more])
    capsys.readouterr()
    assert parsed.run(parsed) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said.pop("ok") is True
    return said


def _with_papers(terminal: Terminal) -> dict[str, Any]:
    terminal.put(PDF)
    terminal.put(PNG)
    return terminal.item("application", terminal.application())


def test_when_a_lost_key_is_back_all_that_it_seals_is_read_and_its_terminals_are_told(
    keys: Keys, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Papers as well, which came while the hub had no key for them."""
    keys.lose()
    application = _with_papers(terminal)
    number = number_in(application)
    rating = terminal.item("rating", terminal.rating(number))
    wrong = terminal.item("rating", terminal.rating(terminal.number(), level=9))
    ends = terminal.outcomes(application, rating, wrong)
    assert [one["result"] for one in ends] == ["refused"] * 3
    assert {one["code"] for one in ends} == {"unknown_seal_key"}
    assert SetAside.objects.filter(handled_at=None).count() == 3

    assert _reopened(capsys) == {
        "looked_at": 3, "read": 0, "still": {"unknown_seal_key": 3}, "later": 0,
    }  # fmt: skip
    assert terminal.verdicts(terminal.verdicts_seen) == []  # it knows
    assert set(SetAside.objects.values_list("times", flat=True)) == {1}

    keys.restore()
    assert _reopened(capsys) == {
        "looked_at": 3, "read": 2, "still": {"body_invalid": 1}, "later": 0,
    }  # fmt: skip
    told = {one["id"]: one for one in terminal.verdicts(terminal.verdicts_seen)}
    assert {item_id: (one["result"], one["code"]) for item_id, one in told.items()} == {
        application["id"]: ("accepted", ""),
        rating["id"]: ("accepted", ""),
        wrong["id"]: ("refused", "body_invalid"),
    }
    terminal.verdicts_seen = max(one["no"] for one in told.values())
    assert terminal.verdicts(terminal.verdicts_seen) == []
    assert Rating.objects.get().application_id == number
    assert Enclosure.objects.count() == 2
    found = record(number)
    assert found is not None
    assert [one["held"] for one in found["attachments"]] == [True, True]
    assert not Attachment.objects.exclude(fault="").exists()
    open_still = SetAside.objects.filter(handled_at=None)
    assert set(open_still.values_list("item_id", flat=True)) == {wrong["id"]}

    # Once more changes nothing, and what is sent again is a duplicate and stays one.
    assert _reopened(capsys)["looked_at"] == 0
    ends = terminal.outcomes(application, rating)
    assert [one["result"] for one in ends] == ["duplicate"] * 2
    assert (Application.objects.count(), Rating.objects.count()) == (1, 1)


def test_sent_again_from_the_tray_papers_are_looked_into_once_more_too(
    keys: Keys, terminal: Terminal
) -> None:
    """The operator was faster than the administrator."""
    keys.lose()
    item = _with_papers(terminal)
    assert terminal.outcome(item)["code"] == "unknown_seal_key"
    keys.restore()
    assert terminal.outcome(item)["result"] == "duplicate"
    assert Application.objects.get().received_id is not None
    assert not Verdict.objects.exists()


def test_an_update_of_the_hub_may_mend_what_was_refused_for_another_reason(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    item = terminal.item("application", terminal.application(materials=[], signature=None))
    with monkeypatch.context() as narrow:
        narrow.setattr("hub.applications.bodies.repeated_code", lambda body: True)
        assert terminal.outcome(item)["code"] == "body_invalid"
    assert _reopened(capsys)["looked_at"] == 0  # no key is wanting
    assert _reopened(capsys, "--why", "unknown_suite", "--why", "body_invalid")["read"] == 1
    assert [one["result"] for one in terminal.verdicts(terminal.verdicts_seen)] == ["accepted"]


def test_papers_that_cannot_be_had_now_are_no_reason_for_a_verdict(
    keys: Keys,
    terminal: Terminal,
    attachments: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keys.lose()
    assert terminal.outcome(_with_papers(terminal))["code"] == "unknown_seal_key"
    keys.restore()

    def away(self: FolderStore, sha256: str) -> bytes:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr(FolderStore, "read", away)
        assert _reopened(capsys) == {"looked_at": 1, "read": 0, "still": {}, "later": 1}
    assert ReceivedItem.objects.filter(to_open_at__isnull=False).count() == 1
    assert terminal.verdicts(terminal.verdicts_seen) == []
    opener().of_terminal(terminal.code)
    assert [one["result"] for one in terminal.verdicts(terminal.verdicts_seen)] == ["accepted"]


def test_many_are_opened_page_by_page_and_a_crash_in_between_loses_nothing(
    keys: Keys,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class PowerCut(BaseException):
        pass

    keys.lose()
    items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(5)]
    terminal.outcomes(*items)
    keys.restore()
    monkeypatch.setattr("hub.applications.reopening.PAGE", 2)
    settle, pages = opener_module.Opener._settle, iter([True, False])

    def cut(self: Any, found: Any) -> None:
        if not next(pages):
            raise PowerCut
        settle(self, found)

    with monkeypatch.context() as broken:
        broken.setattr(opener_module.Opener, "_settle", cut)
        with pytest.raises(PowerCut):
            _reopened(capsys)
    assert Rating.objects.count() == 2
    assert _reopened(capsys)["read"] == 3
    told = terminal.verdicts(terminal.verdicts_seen)
    assert [one["result"] for one in told] == ["accepted"] * 5
    assert len({one["no"] for one in told}) == 5


def test_papers_of_what_was_taken_in_the_end_are_kept_and_no_others(
    keys: Keys, terminal: Terminal, attachments: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.lose()
    terminal.outcome(_with_papers(terminal))
    keys.restore()
    _reopened(capsys)
    Attachment.objects.update(received_at="2020-01-01T00:00:00Z")
    assert tidy(FolderStore(attachments), settings.INCOMING).attachments == 0
    assert Attachment.objects.count() == 2
