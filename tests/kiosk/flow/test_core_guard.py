"""A bug ends one citizen's session, wiped; the next citizen finds the start."""

from __future__ import annotations

import pytest
from core_citizen import ELDER, Terminal

from kiosk.catalogue.load import load
from kiosk.entry.guard import GIVE_UP_AFTER, Guard
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import Beep, EraseDraft, StopWatchingForCard, TellStaff, Wipe
from kiosk.flow.form import Form as FormStep
from kiosk.flow.pages import Closure, Form, Home, OutOfService, Standby
from kiosk.flow.view import Preferences
from kiosk.session import Session


def guarded(terminal: Terminal) -> tuple[Guard, list[str]]:
    ended: list[str] = []
    return Guard(terminal.session, terminal._log, lambda: ended.append("gave up")), ended


def bug(*_: object, **__: object) -> None:
    raise KeyError(ELDER.number)


@pytest.mark.parametrize("way", ["tick", "act", "page"])
def test_after_a_bug_in_a_step_the_citizen_is_wiped_and_the_start_is_shown(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    terminal = Terminal()
    guard, ended = guarded(terminal)
    terminal.go_to(Form)
    terminal.press(Act.TOGGLE_ELDER)
    terminal.effects.clear()
    monkeypatch.setattr(FormStep, way, bug)
    guard.act(Action(Act.SET_FIELD, terminal.view.serial, "phone", "138"))
    guard.tick()
    terminal.sees(Standby)
    assert terminal.view.preferences == Preferences()
    assert terminal.all(Wipe) and terminal.all(StopWatchingForCard)
    assert terminal.last(EraseDraft).card_number == ELDER.number
    told = [fields for event, fields in terminal.logged if event == "unexpected"]
    assert [fields["type"] for fields in told] == ["KeyError"]
    assert ELDER.number not in str(terminal.logged)
    monkeypatch.undo()
    terminal.clock.forward(1)
    guard.act(Action(Act.START, terminal.view.serial))
    terminal.sees(Home)
    assert not ended


def test_a_card_that_lies_there_after_a_bug_is_beeped_for_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    guard, _ = guarded(terminal)
    terminal.go_to(Form)
    monkeypatch.setattr(FormStep, "tick", bug)
    guard.tick()
    terminal.sees(Standby)
    assert terminal.all(Beep)
    assert terminal.last(TellStaff) == TellStaff("left_behind", "reader")


def test_a_terminal_that_fails_at_every_tick_ends_to_be_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    guard, ended = guarded(terminal)
    monkeypatch.setattr(Session, "_show", bug)
    for _ in range(GIVE_UP_AFTER - 1):
        guard.tick()
    assert not ended
    guard.tick()
    assert ended == ["gave up"]


def test_a_terminal_without_its_settings_is_closed_whatever_is_pressed() -> None:
    terminal = Terminal()
    session = Session(
        settings=terminal.settings,
        catalogue=load(None),
        clock=terminal.clock,
        log=terminal._log,
        run=terminal.effects.append,
        changed=terminal.views.append,
        closed=Closure.SETTINGS,
    )
    assert session.view.page == OutOfService((Closure.SETTINGS,))
    terminal.clock.forward(1)
    session.act(Action(Act.START, session.view.serial))
    assert session.view.page == OutOfService((Closure.SETTINGS,))
    assert session.session_id is None
