"""What the log and the centre are told of a device that comes and goes."""

from __future__ import annotations

import itertools

from driver_fakes import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Settled, Status
from drivers.settling import FLAP_S, UNSTEADY_CHANGES, UNSTEADY_S, Settling


def test_a_loss_is_told_when_it_has_stood_for_a_while_with_the_time_it_began() -> None:
    clock = FakeClock()
    settling = Settling(clock)
    began = clock.utc()
    settling.changed(Status.DISCONNECTED, "gone")
    clock.advance(FLAP_S - 0.1)
    assert settling.due() is None
    clock.advance(0.1)
    assert settling.due() == Settled(Status.DISCONNECTED, "gone", began)
    assert settling.due() is None, "once"


def test_a_short_loss_is_never_told() -> None:
    clock = FakeClock()
    settling = Settling(clock)
    settling.changed(Status.READY, "")
    clock.advance(FLAP_S)
    assert settling.due() is not None
    settling.changed(Status.DISCONNECTED, "gone")
    clock.advance(1)
    settling.changed(Status.READY, "")
    clock.advance(100)
    assert settling.left_s() is None
    assert settling.due() is None


def test_what_will_not_settle_is_itself_told_once_a_minute() -> None:
    clock = FakeClock()
    settling = Settling(clock)
    told = 0
    for second in range(int(UNSTEADY_S) * 3):
        settling.changed(Status.READY if second % 2 else Status.DISCONNECTED, "")
        clock.advance(1)
        assert settling.due() is None
        told += settling.unsteady() > 0
    assert told in (2, 3)
    assert UNSTEADY_CHANGES < UNSTEADY_S


def test_when_the_terminal_stops_nothing_is_left_untold() -> None:
    settling = Settling(FakeClock())
    settling.changed(Status.OUT, "no paper")
    told = settling.due(now=True)
    assert told is not None
    assert told.status is Status.OUT


@given(st.lists(st.tuples(st.sampled_from(list(Status)), st.floats(0, 6)), max_size=40))
def test_after_a_quiet_time_the_truth_has_been_told(story: list[tuple[Status, float]]) -> None:
    clock = FakeClock()
    settling = Settling(clock)
    lines: list[Settled] = []
    for status, pause_s in story:
        settling.changed(status, "")
        clock.advance(pause_s)
        lines += [told] if (told := settling.due()) else []
    clock.advance(FLAP_S)
    lines += [told] if (told := settling.due()) else []
    if story:
        assert lines
        assert lines[-1].status is story[-1][0]
    for one, next_one in itertools.pairwise(lines):
        assert one.status is not next_one.status, "never the same twice"
