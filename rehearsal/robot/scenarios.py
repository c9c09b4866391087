"""What the robot citizen can rehearse. Each scenario raises LostError or ScenarioError, or passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rehearsal.control import Control
from rehearsal.people import Person, people
from rehearsal.robot.citizen import PAGE_S, Citizen, Errand
from rehearsal.robot.eyes import Sight, polled
from rehearsal.robot.wording import words
from rehearsal.town import date_of_rehearsal

DELIVERY_S = 60.0  # back-off of the sync process is at most half a minute after a short absence
RATING_S = 20.0
WRITING_COMMAND = 6  # of the dialogue: SELECT, its answer, two challenges, the proof, the PIN


class ScenarioError(Exception):
    """The terminal did something else than it should. Nothing personal in the text."""


class World(Protocol):
    """What a scenario may do beside using the terminal; `town.Town` or its control socket."""

    @property
    def devices(self) -> Mapping[str, Control]: ...

    def hub(self, *arguments: str) -> str: ...
    def hub_stop(self) -> None: ...
    def hub_start(self) -> None: ...
    def restart_terminal(self) -> None: ...

    @property
    def logs(self) -> Path: ...


@dataclass(slots=True)
class Stage:
    """One scenario's surroundings and what came out of it."""

    citizen: Citizen
    world: World
    say: Callable[[str], None]
    facts: dict[str, Any] = field(default_factory=dict)
    everyone: dict[str, Person] = field(default_factory=lambda: people(date_of_rehearsal()))

    def printer(self, do: str = "status", **arguments: Any) -> dict[str, Any]:
        return self.world.devices["receipt_printer"].ask(do, **arguments)

    def receipt(self) -> dict[str, Any]:
        """The last receipt that came out of the printer."""
        return self.printer("last")

    def number(self) -> str:
        """The receipt number: from the paper's QR, else from the screen."""
        for text in reversed(self.receipt()["qr"]):
            parts = text.split(".")
            if len(parts) == 3 and parts[0] == "ZW1":
                return str(parts[1])
        if self.citizen.number_seen:
            return self.citizen.number_seen
        raise ScenarioError("no receipt number, neither on paper nor on the screen")

    def counts(self) -> dict[str, int]:
        """How much the hub holds."""
        answer = json.loads(self.world.hub("counts", "--json").strip().splitlines()[-1])
        return {name: count for name, count in answer.items() if isinstance(count, int)}

    def record(self, number: str) -> dict[str, Any] | None:
        """The hub's record of an application, None while it has none."""
        try:
            answer = json.loads(self.world.hub("show", number, "--json").strip().splitlines()[-1])
        except Exception as error:  # noqa: BLE001 - the command fails in its own way when it has none
            self.say(f"hub has no {number} yet ({type(error).__name__})")
            return None
        return answer if isinstance(answer, dict) and answer.get("ok", True) else None

    def held(self, number: str, within_s: float = DELIVERY_S, rated: bool = True) -> dict[str, Any]:
        """Wait until the hub holds the application, its attachments and (if given) its rating."""
        record: dict[str, Any] | None = None
        for _ in polled(within_s, 2.0):
            record = self.record(number)
            if record and attachments(record) and (not rated or rating(record)):
                return record
        if record is None:
            raise ScenarioError(f"the hub does not hold {number}")
        what = [
            name
            for name, there in (
                ("its attachments", attachments(record)),
                ("its rating", not rated or rating(record)),
            )
            if not there
        ]
        raise ScenarioError(f"the hub holds {number}, but not {' and '.join(what)}")


def attachments(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The attachments that the hub holds whole; none if it lacks one."""
    found = record.get("attachments", [])
    return found if all(one["held"] for one in found) else []


def rating(record: dict[str, Any]) -> dict[str, Any] | None:
    found = record.get("ratings", [])
    return found[0] if found else None


def self_errand(stage: Stage, **changes: Any) -> Errand:
    """张兰 applies for herself and names her daughter."""
    name = (("li", "李"), ("xiao", "小"), ("mei", "梅"))
    return Errand(stage.everyone["zhang_lan"], **{"relative_name": name, **changes})


def social_card(stage: Stage) -> None:
    """A new password for a social card; then again, and the card is pulled out while it is written."""
    errand = Errand(stage.everyone["zhang_lan"], item="social_card_password")
    stage.citizen.do(errand)
    _said(stage, "password_changed.title", "密码已改好")
    stage.citizen.begin(errand)
    stage.citizen.go(errand, "new_pin")
    stage.world.devices["smart_card"].ask("pull_at", slot=0, command=WRITING_COMMAND)
    stage.citizen.go(errand, "standby")
    _said(stage, "password_unknown.title", "不确定改好没有")


def _said(stage: Stage, key: str, printed: str) -> None:
    if words(key) not in stage.citizen.said:
        raise ScenarioError(f"the screen does not say {key}")
    paper = "".join(str(line) for line in stage.receipt()["text"])
    if printed not in paper or "查询号" not in paper:
        raise ScenarioError(f"the slip does not say {printed}")


def happy(stage: Stage) -> None:
    """One application, by the person herself, to the hub's record."""
    stage.citizen.do(self_errand(stage))
    number = stage.number()
    stage.facts["number"] = number
    stage.facts["record"] = stage.held(number)
    stage.facts["receipt"] = stage.receipt()["path"]


def relative(stage: Stage) -> None:
    """The daughter acts, with both cards; rated on the screen."""
    everyone = stage.everyone
    errand = Errand(everyone["zhao_guifen"], relative=everyone["li_xiaomei"], rate_on="screen")
    stage.citizen.do(errand)
    record = stage.held(stage.number())
    if not record["application"]["agent"]:
        raise ScenarioError("the record does not say that a relative acted")


def hub_down(stage: Stage) -> None:
    """Accepted without the centre, and said so; delivered exactly once when it is back."""
    before = stage.printer()["receipts"]
    held_before = stage.counts()
    stage.world.hub_stop()
    try:
        stage.citizen.do(Errand(stage.everyone["zhao_guifen"]))
        if stage.printer()["receipts"] != before + 1:
            raise ScenarioError("no receipt was printed while the hub was down")
        words = "".join(stage.receipt()["text"])
        if "已受理" not in words or "待上传" not in words:
            raise ScenarioError("the receipt does not say 已受理，待上传")
        number = stage.number()
    finally:
        stage.world.hub_start()
    stage.held(number)
    more = {name: count - held_before[name] for name, count in stage.counts().items()}
    if (more["applications"], more["ratings"], more["conflicts"]) != (1, 1, 0):
        raise ScenarioError(f"not exactly once: {more}")


LEAVING = (
    "home", "service_guide", "consent", "place_id_card", "confirm_identity", "form",
    "capture_page", "check_page", "review", "sign", "accepted", "rating",
)  # fmt: skip
LEFT_BEHIND_AT = "check_page"  # card and paper both lie there, and nobody ever takes them
IDLE_S = 200.0  # the longest idle time and warning of the settings, and some
LEFT_BEHIND_S = 90.0  # the terminal waits 60 s for somebody to come back


def leaving(stage: Stage, *, at: tuple[str, ...] = LEAVING) -> None:
    """Walks away at each step, card and paper lying there: nothing personal stays on the screen,
    and whoever comes next with the same card finds no trace."""
    for page in at:
        leave_at(stage, page)


def leave_at(stage: Stage, page: str) -> None:
    """Walk away on one page and look what becomes of it."""
    citizen = stage.citizen
    errand = self_errand(stage, relative_name=())
    citizen.begin(errand)
    citizen.go(errand, page)
    if page == "form":  # half a question answered
        citizen.answer(errand, "phone")
    if "draft_found" in citizen.met:
        raise ScenarioError("a draft was offered although nothing had crashed")
    lies_there = citizen.things_down
    stage.say(f"walks away at {page}")
    start, take = ("standby", "out_of_service"), "take_away"
    sight = citizen.wait(take, *start, within_s=IDLE_S)
    _nothing_personal(sight, errand.person, f"{sight.situation} after leaving at {page}")
    if lies_there and sight.situation != take:
        raise ScenarioError(f"left at {page}: nobody said that something still lies there")
    if lies_there and page == LEFT_BEHIND_AT:
        sight = citizen.wait(*start, within_s=LEFT_BEHIND_S)
        _nothing_personal(sight, errand.person, f"standby, things left behind at {page}")
        if not _staff_were_told(stage):
            raise ScenarioError("nobody was told what was left behind")
    citizen.clear_away()
    sight = citizen.wait(*start, within_s=PAGE_S)
    _nothing_personal(sight, errand.person, f"standby after leaving at {page}")


def _staff_were_told(stage: Stage) -> bool:
    """The terminal's log is what staff are told by, until there is a page of theirs."""
    return b'"left_behind"' in (stage.world.logs / "window.jsonl").read_bytes()


def _nothing_personal(sight: Sight, person: Person, where: str) -> None:
    shown = personal_words(sight.texts(), person)
    if shown:
        raise ScenarioError(f"{len(shown)} personal words on {where}")


def crash(stage: Stage) -> None:
    """The window dies in the middle of the form. Who comes back with the same card goes on where
    they were; another card is not told of it. It dies once more when the application is there and
    its receipt is not: see `_comes_again`. (That nothing is offered after a leave: `leave_at`.)"""
    citizen, world, before = stage.citizen, stage.world, stage.counts()
    # The register is at home.
    mine = self_errand(stage, relative_name=(), rate_on="skip", without_paper=True)
    other = Errand(stage.everyone["zhao_guifen"])
    citizen.begin(mine)
    citizen.go(mine, "form")
    citizen.answer(mine, "phone")
    citizen.leave_page(
        mine, "next", words("common.next"), "main"
    )  # a draft is kept with every question
    citizen.wait("form")
    world.restart_terminal()
    citizen.clear_away()

    citizen.begin(other)
    citizen.go(other, "form")
    if "draft_found" in citizen.met:
        raise ScenarioError("somebody else's card was offered the draft")
    _leave_by_button(stage)

    stage.printer("paper_out")
    try:
        citizen.begin(mine)
        _must_say(citizen.go(mine, "accepted"), "accepted.to_follow")
        if "draft_found" not in citizen.met:
            raise ScenarioError("the draft was not offered to its own card")
        world.restart_terminal()
    finally:
        stage.printer("refill")
    citizen.clear_away()
    record = _comes_again(stage, mine.person)
    if mine.person.phone not in json.dumps(record["application"]):
        raise ScenarioError("the phone number typed before the crash was not in the application")
    more = {name: count - before[name] for name, count in stage.counts().items()}
    if (more["applications"], more["later_papers"], more["conflicts"]) != (1, 1, 0):
        raise ScenarioError(f"not one application with its papers: {more}")


def _comes_again(stage: Stage, person: Person) -> dict[str, Any]:
    """Their receipt never came out: it is printed, marked as a copy, and the paper that was left at
    home is handed in under the same number. The hub's record, once it holds all of it."""
    citizen = stage.citizen
    errand = Errand(person, reprint=True, hand_in=True, rate_on="skip")
    citizen.begin(errand)
    _must_say(citizen.go(errand, "earlier_application"), "earlier_application.print")
    citizen.go(errand, "capture_page")
    copy = "".join(stage.receipt()["text"])
    if "补打" not in copy or "还要补交" not in copy:
        raise ScenarioError("the copy does not say that it is one, or what is still to come")
    number = stage.number()
    citizen.go(errand, "standby")
    if "补交材料回执" not in "".join(stage.receipt()["text"]) or stage.number() != number:
        raise ScenarioError("the papers have no receipt with the number of before")
    for _ in polled(DELIVERY_S, 2.0):
        record = stage.record(number)
        papers = record["later_papers"] if record else []
        printed = [one["result"] for one in record["print_results"]] if record else []
        if record and papers and attachments(papers[0]) and printed.count("printed") == 2:
            return record
    raise ScenarioError(f"the hub lacks the later papers of {number}, or how its receipts went")


def _must_say(sight: Sight, key: str) -> None:
    said = words(key).partition("{")[0]
    if not any(said in text for text in sight.texts()):
        raise ScenarioError(f"{sight.situation} does not say {key}")


def _leave_by_button(stage: Stage) -> None:
    """Home, yes, and everything taken along."""
    citizen = stage.citizen
    errand = Errand(stage.everyone["zhang_lan"])
    citizen.leave_page(
        errand, "go_home", words("frame.home"), to=("leave_question", "standby", "take_away")
    )
    if citizen.glance().situation == "leave_question":
        citizen.leave_page(
            errand, "leave", words("leave_question.leave"), to=("standby", "take_away")
        )
    citizen.clear_away()
    citizen.wait("standby", "home", within_s=PAGE_S)


def personal_words(texts: list[str], person: Person) -> list[str]:
    """What of the person is written on the screen, in full or in part."""
    secrets = (person.name, person.number, person.number[-4:], person.address, person.phone)
    tight = ["".join(text.split()) for text in texts]
    return [text for text in tight for secret in (*secrets, person.account) if secret in text]


def double_presses(stage: Stage) -> None:
    """Every button twice: one application, one receipt, one rating."""
    before = stage.printer()["receipts"]
    held_before = stage.counts()
    stage.citizen.do(self_errand(stage, twice=True, relative_name=(), rate_on="screen"))
    printed = stage.printer()["receipts"] - before
    if printed != 1:
        raise ScenarioError(f"{printed} receipts were printed")
    stage.held(stage.number())
    more = {name: count - held_before[name] for name, count in stage.counts().items()}
    if (more["applications"], more["ratings"]) != (1, 1):
        raise ScenarioError(f"two presses were not one act: {more}")


def progress(stage: Stage) -> None:
    """The receipt's QR is held to the scanner, then to the camera; the state is told."""
    codes = [text for text in stage.receipt()["qr"] if text.startswith("ZW1.")]
    if not codes:
        happy(stage)
        codes = [text for text in stage.receipt()["qr"] if text.startswith("ZW1.")]
    person = stage.everyone["zhang_lan"]
    for by_scanner in (True, False):
        citizen = stage.citizen
        errand = Errand(person, item="progress_query", receipt_qr=codes[-1], by_scanner=by_scanner)
        citizen.begin(errand)
        sight = citizen.go(errand, "progress_result")
        if personal_words(sight.texts(), person):
            raise ScenarioError("something personal is shown without the card")
        citizen.on_progress_result(errand, sight)
        citizen.clear_away()
        citizen.wait("standby", "home", within_s=200.0)


def same_again(stage: Stage) -> None:
    """The same person comes again: the earlier number is shown, and one may go on."""
    errand = self_errand(stage, relative_name=(), rate_on="skip")
    if errand.person.key not in stage.citizen.applied:
        happy(stage)
    stage.citizen.do(errand)
    if "earlier_application" not in stage.citizen.met:
        raise ScenarioError("the earlier application was not shown")
    stage.held(stage.number(), rated=False)


def too_young(stage: Stage) -> None:
    """Told plainly, before anything is typed; the start comes back."""
    citizen = stage.citizen
    errand = Errand(stage.everyone["wang_jianguo"])
    citizen.begin(errand)
    citizen.go(errand, "card_problem")
    citizen.clear_away()
    _leave_by_button(stage)


SCENARIOS: dict[str, Callable[[Stage], None]] = {
    "happy": happy,
    "relative": relative,
    "same_again": same_again,
    "progress": progress,
    "hub_down": hub_down,
    "double_presses": double_presses,
    "too_young": too_young,
    "crash": crash,
    "social_card": social_card,
    "leaving": leaving,
}
SLOT = frozenset({"social_card"})  # those that need a smart card reader

SHORT_IDLE = {"idle_s": 10, "idle_warning_s": 10, "elder_idle_s": 10, "elder_idle_warning_s": 10}
SETTINGS: dict[str, dict[str, dict[str, object]]] = {
    # Nobody looks on while the time runs out: without a graphics card a moving picture costs a core.
    "leaving": {"window": {**SHORT_IDLE, "reduced_motion": True}},
}
"""Settings that a scenario needs, over the town's own."""


def find_scenario(name: str) -> Callable[[Stage], None] | None:
    """A scenario by its name; `leaving:PAGE` is walking away on that page only."""
    base, _, page = name.partition(":")
    if not page:
        return SCENARIOS.get(base)
    return (lambda stage: leave_at(stage, page)) if base == "leaving" and page in LEAVING else None


def settings_for(name: str) -> dict[str, dict[str, object]]:
    return SETTINGS.get(name.partition(":")[0], {})


def photographed(stage: Stage, pictures: list[Path]) -> None:
    """Real photographs of papers under the camera, one after the other: the page in each is found
    and taken by itself."""
    citizen = stage.citizen
    for number, picture in enumerate(pictures):
        errand = self_errand(stage, relative_name=(), photograph=picture)
        if number == 0:
            citizen.begin(errand)
        else:
            citizen.take_paper()
            citizen.leave_page(errand, "retake_page", words("check_page.retake"))
        refused = citizen.refused
        citizen.go(errand, "check_page")
        if citizen.refused > refused:
            raise ScenarioError(f"photograph {number} was not taken by itself")
    _leave_by_button(stage)
