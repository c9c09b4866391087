"""The robot sees what a screen reader sees and presses what a finger would reach."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal import processes
from rehearsal.people import people
from rehearsal.robot.citizen import Citizen, Errand, LostError
from rehearsal.robot.eyes import Sight, polled
from rehearsal.robot.perform import citizen_in
from rehearsal.town import Plan, Town, date_of_rehearsal

HERE = Path(__file__).resolve().parent


class Tiny:
    """The tiny window, a citizen before it, and what was done to it."""

    def __init__(self, citizen: Citizen, window: subprocess.Popen[bytes]) -> None:
        self.citizen = citizen
        self._window = window
        self._heard = b""
        assert window.stdout is not None
        os.set_blocking(window.stdout.fileno(), False)

    def heard(self, count: int) -> list[str]:
        """The words so far, waiting until there are `count`."""
        assert self._window.stdout is not None
        for _ in polled(5.0, 0.02):
            self._heard += self._window.stdout.read() or b""
            if self._heard.count(b"\n") >= count:
                break
        return self._heard.decode().split()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town(Plan(with_hub=False, with_terminal=False, base=tmp_path_factory.mktemp("t"))) as town:
        town.start()
        yield town


@pytest.fixture
def tiny(town: Town, tmp_path: Path) -> Iterator[Tiny]:
    command = (sys.executable, str(HERE / "tiny_window.py"))
    window = town.child("tiny", *command, stdout=subprocess.PIPE)
    with citizen_in(town, tmp_path / "screens", lambda words: None) as citizen:
        citizen.wait("standby", within_s=30)
        yield Tiny(citizen, window)
    processes.end(window)


def errand() -> Errand:
    return Errand(people(date_of_rehearsal())["zhang_lan"])


def test_a_page_is_known_by_its_id_and_left_by_a_press(tiny: Tiny) -> None:
    tiny.citizen.on_standby(errand(), tiny.citizen.look())
    assert tiny.citizen.met == ["standby", "home"]
    assert tiny.heard(1) == ["start"]


def test_by_id_first_then_by_name_then_where_the_main_button_is(tiny: Tiny) -> None:
    citizen = tiny.citizen
    citizen.on_standby(errand(), citizen.look())
    sight = citizen.look()
    by_id = sight.find("choose_item:old_age_allowance")
    assert by_id == sight.find("高龄津贴申领") == sight.find("choose_item:*")
    assert by_id is not None
    main = citizen.find(sight, "no_such_id", "main")
    assert main is not None
    assert main.name == "下一步"
    assert sight.find("hidden") is None
    closed = sight.find("closed")
    assert closed is not None
    assert not closed.enabled


def test_a_glance_tells_the_page_and_the_overlay_without_what_stands_on_them(tiny: Tiny) -> None:
    citizen = tiny.citizen
    citizen.on_standby(errand(), citizen.look())
    whole, glance = citizen.eyes.look(), citizen.eyes.glance()
    assert (glance.situation, glance.page) == ("home", whole.page)
    assert len(glance.nodes) < len(whole.nodes)
    assert not glance.find("choose_item:*")
    citizen.press(whole, "下一步")
    assert citizen.wait("idle_warning").situation == citizen.eyes.glance().situation


def test_under_an_overlay_nothing_can_be_pressed(tiny: Tiny) -> None:
    citizen = tiny.citizen
    citizen.on_standby(errand(), citizen.look())
    citizen.press(citizen.look(), "下一步")
    sight = citizen.wait("idle_warning")
    assert sight.find("choose_item:old_age_allowance") is None
    assert sight.pages == ["home"]
    citizen.on_idle_warning(errand(), sight)
    assert citizen.look().situation == "home"
    assert tiny.heard(2) == ["start", "stay"]


def test_two_fast_presses_are_two_and_a_signature_is_one_stroke_after_another(tiny: Tiny) -> None:
    citizen = tiny.citizen
    citizen.on_standby(errand(), citizen.look())
    sight = citizen.look()
    citizen.press(sight, "choose_item:old_age_allowance", twice=True)
    assert tiny.heard(3) == ["start", "item", "item"]
    box = sight.any("sign_strokes")
    assert box is not None
    citizen._sign(box)
    assert tiny.heard(6)[3:] == ["stroke"] * 3


def test_what_stands_in_a_field_is_read(tiny: Tiny) -> None:
    citizen = tiny.citizen
    citizen.on_standby(errand(), citizen.look())
    field = citizen.look().any("edit_field:phone")
    assert field is not None
    assert citizen.eyes.text_of(field) == "138 0013"
    assert citizen.shown("phone", "1380013")


def test_each_situation_is_in_the_album_once_and_a_lost_citizen_tells_where(
    tiny: Tiny, tmp_path: Path
) -> None:
    citizen = tiny.citizen
    citizen.on_standby(errand(), citizen.look())
    citizen.look()
    with pytest.raises(LostError, match=r"until pigs fly; on home; to press: .*办不了"):
        citizen.wait_until("pigs fly", lambda sight: False, within_s=0.1)
    names = sorted(path.name for path in (tmp_path / "screens").iterdir())
    assert names == ["01-standby.png", "02-home.png", "03-lost-home.png"]


def test_a_window_that_is_gone_is_seen_as_nothing(tiny: Tiny) -> None:
    processes.end(tiny._window)
    sight = tiny.citizen.wait_until("it is gone", lambda sight: not sight.situation)
    assert sight == Sight(())


def test_a_town_that_ends_leaves_another_alone(tmp_path: Path) -> None:
    plan = Plan(virtual_screen=False, with_hub=False, with_terminal=False, base=tmp_path)
    with Town(plan) as first:
        first.start()
        with Town(plan) as second:
            second.start()
            first.close()
            for name, wire in second.devices.items():
                assert wire.ask("status"), name


def test_nothing_is_left_of_a_town(tmp_path: Path) -> None:
    before = processes.descendants(os.getpid())
    with Town(Plan(with_hub=False, with_terminal=False, base=tmp_path)) as town:
        town.start()
        with citizen_in(town, tmp_path / "screens", lambda words: None):
            started = set(processes.descendants(os.getpid())) - set(before)
        assert len(started) >= 8, "six devices, a screen and a bus"
        runtime = town.runtime
    assert set(processes.descendants(os.getpid())) <= set(before)
    assert not runtime.exists()
    town.remove()
    assert not town.folder.exists()


def test_a_grandchild_that_ended_with_its_parent_is_buried_too(tmp_path: Path) -> None:
    processes.adopt_orphans()
    mark = f"A_MARK={tmp_path}"
    name, _, value = mark.partition("=")
    parent = processes.start(
        ("sh", "-c", "sleep 100 & echo $!; wait"),
        log=tmp_path / "said",
        env={**os.environ, name: value},
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    grandchild = int(parent.stdout.readline())
    seen = processes.marked(os.getpid(), mark)
    assert grandchild in seen
    processes.end(parent)
    os.kill(grandchild, signal.SIGKILL)
    for _ in polled(20, 0.02):
        if grandchild not in processes.descendants(os.getpid()):
            break
    processes.end_marked(mark, seen)
    assert not (Path("/proc") / str(grandchild)).exists()
