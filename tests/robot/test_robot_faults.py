"""Devices that fail before the citizen's eyes: the right page, the right words, nothing lost.

One person applies once for the old-age allowance in the real window, and on every page something
happens to a device. The tests are one walk, in this order; each leaves the terminal mended, on the
page where it began or the next.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from robot_faulty import Walk

from rehearsal.robot.perform import citizen_in
from rehearsal.robot.scenarios import Stage
from rehearsal.town import Plan, Town

pytestmark = pytest.mark.xdist_group("robot-faults")  # in order, in one process

HASTE = 4.0  # cards and paper move so much faster; the bytes keep their rate
SLOW_PAPER = 10.0  # a receipt takes longer than a hand on a busy machine needs to the cover
TRIES_TO_LIFT = 4
READER_LOST = "card_problem_reader_lost.title"
CAMERA_LOST = "advice_camera_lost.title"


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    plan = Plan(
        base=tmp_path_factory.mktemp("town"),
        haste=HASTE,
        # Pages that stand still: what moves is seen by the other robots, and costs half a core.
        settings={"window": {"reduced_motion": True}},
    )
    with Town(plan) as town:
        town.start()
        screens = tmp_path_factory.mktemp("screens")
        with citizen_in(town, screens, print, pictures=False) as citizen:
            walking = Walk(Stage(citizen, town, print), town)
            citizen.wait("standby", within_s=90)
            yield walking


# -- nobody is there yet ------------------------------------------------------------


def test_the_reader_is_unplugged_at_the_start_page(walk: Walk) -> None:
    walk.do("id_reader", "unplug")
    walk.sees("standby", "closure_reader.full", "standby.others_open")
    walk.do("id_reader", "plug")
    walk.no_longer_sees("standby", "closure_reader.full")


def test_the_printer_is_unplugged_at_the_start_page(walk: Walk) -> None:
    walk.do("receipt_printer", "unplug")
    walk.sees("standby", "standby.no_paper")
    walk.do("receipt_printer", "plug")
    walk.no_longer_sees("standby", "standby.no_paper")


def test_the_printer_has_no_paper_at_the_start_page(walk: Walk) -> None:
    walk.do("receipt_printer", "paper_out")
    walk.sees("standby", "standby.no_paper")
    walk.do("receipt_printer", "refill")
    walk.no_longer_sees("standby", "standby.no_paper")


def test_the_printers_cover_stands_open_at_the_start_page(walk: Walk) -> None:
    walk.do("receipt_printer", "cover_open")
    walk.sees("standby", "standby.no_paper")
    walk.do("receipt_printer", "cover_close")
    walk.no_longer_sees("standby", "standby.no_paper")


def test_the_reader_is_unplugged_at_the_home_page(walk: Walk) -> None:
    walk.citizen.begin(walk.errand)
    walk.at("home")
    walk.do("id_reader", "unplug")
    walk.closes("高龄津贴申领", "closure_reader.short")
    walk.do("id_reader", "plug")
    walk.closes("高龄津贴申领", "closure_reader.short", closed=False)


def test_without_a_scanner_the_camera_still_reads_receipts(walk: Walk) -> None:
    walk.do("code_scanner", "unplug")
    walk.citizen.wait_until(
        "the scanner's loss is known", lambda _: walk.status("code_scanner") == "disconnected"
    )
    walk.closes("办理进度查询", "closure_scanner.short", closed=False)
    walk.do("code_scanner", "plug")


def test_the_reader_is_unplugged_while_the_guide_is_read(walk: Walk) -> None:
    walk.at("service_guide")
    walk.do("id_reader", "unplug")
    walk.sees("service_guide", "closure_reader.full")
    assert not walk.offers("service_guide.begin")
    walk.do("id_reader", "plug")
    walk.no_longer_sees("service_guide", "closure_reader.full")
    assert walk.offers("service_guide.begin")


def test_the_reader_is_unplugged_while_somebody_agrees(walk: Walk) -> None:
    walk.at("consent")
    walk.do("id_reader", "unplug")
    walk.citizen.on_consent(walk.errand, walk.citizen.look())
    walk.sees("card_problem", READER_LOST)
    walk.do("id_reader", "plug")
    walk.sees("place_id_card", "place_id_card.title")


# -- the card is awaited --------------------------------------------------------------


def test_the_reader_is_unplugged_while_the_card_is_awaited(walk: Walk) -> None:
    walk.at("place_id_card")
    walk.do("id_reader", "unplug")
    walk.sees("card_problem", READER_LOST, "card_problem_reader_lost.now")
    walk.do("id_reader", "plug")
    walk.sees("place_id_card", "place_id_card.title")


def test_the_reader_is_switched_off_while_the_card_is_awaited(walk: Walk) -> None:
    walk.at("place_id_card")
    walk.do("id_reader", "power_off")
    walk.sees("card_problem", READER_LOST)
    walk.do("id_reader", "power_on")
    walk.sees("place_id_card", "place_id_card.title")


def test_the_reader_falls_silent_while_the_card_is_awaited(walk: Walk) -> None:
    walk.at("place_id_card")
    walk.do("id_reader", "silent")
    walk.sees("card_problem", READER_LOST)
    walk.do("id_reader", "silent", on=False)
    walk.sees("place_id_card", "place_id_card.title")


def test_the_readers_cable_spoils_everything_while_the_card_is_awaited(walk: Walk) -> None:
    walk.at("place_id_card")
    walk.do("id_reader", "garble", times=-1, how="flip")
    walk.sees("card_problem", READER_LOST)
    walk.do("id_reader", "garble", times=0)
    walk.sees("place_id_card", "place_id_card.title")


@pytest.mark.fault(22)
def test_two_cards_lie_on_the_reader(walk: Walk) -> None:
    walk.at("place_id_card")
    walk.do("id_reader", "place_card", card=walk.errand.person.card(), second=True)
    walk.sees("card_problem", "card_problem_several_cards.title", "card_problem_several_cards.now")
    walk.do("id_reader", "lift_card")
    walk.sees("place_id_card", "place_id_card.title")


def test_a_social_card_lies_on_the_reader(walk: Walk) -> None:
    walk.at("place_id_card")
    card = {**walk.errand.person.card(), "kind": "social"}
    walk.do("id_reader", "place_card", card=card)
    walk.sees("card_problem", "card_problem_unknown_card.title")
    walk.do("id_reader", "lift_card")
    walk.press("card_problem.other")
    walk.sees("place_id_card", "place_id_card.title")


def test_a_card_that_cannot_be_read_is_lifted_and_placed_again(walk: Walk) -> None:
    walk.at("place_id_card")
    walk.do("id_reader", "fail_next", sw3="41", times=1)
    walk.do("id_reader", "place_card", card=walk.errand.person.card())
    walk.sees("card_problem", "card_problem_unreadable.title", "card_problem_unreadable.now")
    walk.do("id_reader", "lift_card")
    walk.press("card_problem.again")
    walk.sees("place_id_card", "place_id_card.title")


@pytest.mark.fault(22)
def test_the_card_is_taken_away_while_it_is_read(walk: Walk) -> None:
    """Lifted before the reader has chosen it, it is simply asked for again: then once more."""
    walk.at("place_id_card")
    walk.do("id_reader", "slow", times=12)
    for _ in range(TRIES_TO_LIFT):
        walk.do("id_reader", "place_card", card=walk.errand.person.card())
        walk.sees("place_id_card", "place_id_card.title_reading")
        walk.do("id_reader", "lift_card")
        after = walk.no_longer_says("place_id_card.title_reading")
        if after.situation == "card_problem":
            break
    walk.sees("card_problem", "card_problem_lifted.title", "card_problem_lifted.now")
    walk.do("id_reader", "slow", times=1)
    walk.press("card_problem.again")
    walk.sees("place_id_card", "place_id_card.title")


@pytest.mark.fault(22)
def test_the_reader_is_unplugged_while_the_card_is_read(walk: Walk) -> None:
    walk.at("place_id_card")
    walk.do("id_reader", "slow", times=12)
    walk.citizen.put_card(walk.errand.person)
    walk.sees("place_id_card", "place_id_card.title_reading")
    walk.do("id_reader", "unplug")
    walk.sees("card_problem", READER_LOST)
    walk.do("id_reader", "slow", times=1)
    walk.do("id_reader", "plug")
    walk.sees("confirm_identity", "confirm_identity.title")


# -- the card lies there ----------------------------------------------------------------


def test_the_reader_is_unplugged_while_the_person_is_confirmed(walk: Walk) -> None:
    walk.at("confirm_identity")
    walk.do("id_reader", "unplug")
    sight = walk.sees("card_problem", READER_LOST)
    assert not any(walk.errand.person.name in text for text in sight.texts())
    walk.do("id_reader", "plug")
    walk.sees("confirm_identity", "confirm_identity.title")


def test_lamps_scanner_and_keypad_are_gone_and_nobody_has_to_know(walk: Walk) -> None:
    walk.at("confirm_identity")
    for device in ("io_board", "keypad", "code_scanner"):
        walk.do(device, "unplug")
    walk.at("form")
    for device in ("io_board", "code_scanner"):
        walk.do(device, "plug")


def test_the_reader_is_unplugged_while_the_phone_is_typed(walk: Walk) -> None:
    """What was typed is covered while nobody can say whose card lies there, and is there after."""
    walk.at("form")
    walk.citizen.answer(walk.errand, "phone")
    assert walk.shows_phone()
    walk.do("id_reader", "unplug")
    walk.citizen.wait_until("the number is covered", lambda _: not walk.shows_phone())
    walk.do("id_reader", "plug")
    walk.citizen.wait_until("the number is back", lambda _: walk.shows_phone())


# -- the paper is photographed -------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ({"do": "unplug"}, {"do": "plug"}),
        ({"do": "power_off"}, {"do": "power_on"}),
        ({"do": "stall"}, {"do": "stall", "on": False}),
        ({"do": "freeze"}, {"do": "freeze", "on": False}),
        ({"do": "black"}, {"do": "black", "on": False}),
        ({"do": "garble", "times": -1, "how": "truncate"}, {"do": "garble", "times": 0}),
    ],
    ids=["unplugged", "switched_off", "stalled", "frozen", "black", "spoilt"],
)
def test_the_camera_fails_before_the_paper_is_put_down(
    walk: Walk, off: dict[str, object], on: dict[str, object]
) -> None:
    walk.at("capture_page")
    walk.sees("capture_page", "advice_no_page.title")
    walk.town.devices["camera"].ask(**off)  # type: ignore[arg-type]
    walk.sees("capture_page", CAMERA_LOST, "advice_camera_lost.lead")
    walk.town.devices["camera"].ask(**on)  # type: ignore[arg-type]
    walk.sees("capture_page", "advice_no_page.title")


@pytest.mark.fault(23)
def test_the_camera_is_unplugged_while_the_page_is_checked(walk: Walk) -> None:
    walk.at("check_page")
    walk.do("camera", "unplug")
    walk.citizen.on_check_page(walk.errand, walk.citizen.look())
    walk.no_longer_sees("review", CAMERA_LOST)
    walk.do("camera", "plug")


def test_reader_and_camera_are_gone_while_everything_is_looked_through(walk: Walk) -> None:
    walk.at("review")
    walk.do("id_reader", "unplug")
    walk.do("camera", "unplug")
    walk.at("sign")
    walk.do("id_reader", "plug")
    walk.do("camera", "plug")


# -- the receipt ---------------------------------------------------------------------------


def test_the_printer_is_unplugged_while_somebody_signs(walk: Walk) -> None:
    walk.at("sign")
    walk.do("receipt_printer", "unplug")
    walk.citizen.on_sign(walk.errand, walk.citizen.look())  # and it is submitted
    walk.sees("accepted", "receipt_unavailable.title", "accepted.photo")
    walk.do("receipt_printer", "plug")


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    ("off", "on", "said"),
    [
        ({"do": "cover_open"}, {"do": "cover_close"}, "receipt_cover_open"),
        ({"do": "paper_out"}, {"do": "refill"}, "receipt_paper_out"),
        ({"do": "paper_jam"}, {"do": "clear_jam"}, "receipt_jammed"),
        ({"do": "unplug"}, {"do": "plug"}, "receipt_unknown"),
        ({"do": "power_off"}, {"do": "power_on"}, "receipt_unknown"),
        ({"do": "silent"}, {"do": "silent", "on": False}, "receipt_unknown"),
    ],
    ids=["cover_opened", "paper_runs_out", "paper_jams", "unplugged", "switched_off", "silent"],
)
def test_the_printer_fails_while_it_prints(
    walk: Walk, off: dict[str, object], on: dict[str, object], said: str
) -> None:
    """Each time it is asked for again; what had begun is marked as a copy."""
    walk.do("receipt_printer", "slow", times=SLOW_PAPER)
    walk.print_again()
    walk.town.devices["receipt_printer"].ask(**off)  # type: ignore[arg-type]
    walk.sees("accepted", f"{said}.title", "accepted.photo")
    walk.do("receipt_printer", "slow", times=1)
    walk.town.devices["receipt_printer"].ask(**on)  # type: ignore[arg-type]


@pytest.mark.fault(21)
def test_the_mended_printer_prints_the_receipt_whole_and_says_that_it_is_a_copy(
    walk: Walk,
) -> None:
    walk.print_again()
    walk.sees("accepted", "receipt_printed.title")
    receipt = walk.stage.receipt()
    assert "补打" in "".join(receipt["text"])
    assert any(text.startswith("ZW1.") for text in receipt["qr"])


# -- the end -----------------------------------------------------------------------------------


def test_the_centre_has_learnt_that_the_keypad_is_gone_and_the_screen_takes_the_rating(
    walk: Walk,
) -> None:
    walk.at("rating")
    assert walk.centre_knows("keypad", "disconnected"), "since the person was confirmed"
    walk.citizen.on_rating(walk.errand, walk.citizen.look())
    walk.sees("take_away", "take_away.card")
    walk.do("keypad", "plug")


def test_the_reader_is_unplugged_while_things_are_taken_away(walk: Walk) -> None:
    walk.at("take_away")
    walk.do("id_reader", "unplug")
    walk.sees("take_away", "take_away.look")
    walk.citizen.clear_away()
    walk.do("id_reader", "plug")
    walk.citizen.wait("standby", "home")


def test_nothing_was_lost_and_nothing_came_twice(walk: Walk) -> None:
    record = walk.stage.held(walk.stage.number())
    assert len(record["attachments"]) == 2
    assert walk.applications() == walk.held_before + 1


def test_the_centre_learns_of_the_return_of_a_device_that_was_gone(walk: Walk) -> None:
    assert walk.centre_knows("keypad", "ready")


def test_no_bug_was_met_on_the_way(walk: Walk) -> None:
    assert walk.log("unexpected") == []
