"""What the robot citizen can rehearse. Each scenario raises LostError or ScenarioError, or passes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rehearsal.control import Control
from rehearsal.people import Person, people
from rehearsal.robot.citizen import Citizen, Errand
from rehearsal.robot.eyes import polled
from rehearsal.town import date_of_rehearsal

DELIVERY_S = 60.0  # back-off of the sync process is at most half a minute after a short absence
RATING_S = 20.0


class ScenarioError(Exception):
    """The terminal did something else than it should. Nothing personal in the text."""


class World(Protocol):
    """What a scenario may do beside using the terminal; `town.Town` or its control socket."""

    @property
    def devices(self) -> Mapping[str, Control]: ...

    def hub(self, *arguments: str) -> str: ...
    def hub_stop(self) -> None: ...
    def hub_start(self) -> None: ...


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


def leaving(stage: Stage, *, at: tuple[str, ...] = LEAVING, idle_s: float = 200.0) -> None:
    """Walks away at each step, leaving card and paper: nothing personal stays on the screen."""
    citizen = stage.citizen
    for page in at:
        errand = self_errand(stage, relative_name=())
        citizen.begin(errand)
        if citizen.look().situation == "standby":
            citizen.on_standby(errand, citizen.look())
        citizen.go(errand, page)
        stage.say(f"walks away at {page}")
        sight = citizen.wait("standby", within_s=idle_s)
        shown = personal_words(sight.texts(), errand.person)
        if shown:
            raise ScenarioError(f"{len(shown)} personal words on standby after leaving at {page}")
        citizen.clear_away()


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
        if citizen.look().situation == "standby":
            citizen.on_standby(errand, citizen.look())
        sight = citizen.go(errand, "progress_result")
        if personal_words(sight.texts(), person):
            raise ScenarioError("something personal is shown without the card")
        citizen.on_progress_result(errand, sight)
        citizen.clear_away()
        citizen.wait("standby", "home", within_s=200.0)


def same_again(stage: Stage) -> None:
    """The same person comes again: the earlier number is shown, and one may go on."""
    if not stage.citizen.number_seen and not stage.receipt()["qr"]:
        happy(stage)
    stage.citizen.do(self_errand(stage, relative_name=(), rate_on="skip"))
    if "earlier_application" not in stage.citizen.met:
        raise ScenarioError("the earlier application was not shown")
    stage.held(stage.number(), rated=False)


def too_young(stage: Stage) -> None:
    """Told plainly, before anything is typed; the start comes back."""
    citizen = stage.citizen
    errand = Errand(stage.everyone["wang_jianguo"])
    citizen.begin(errand)
    if citizen.look().situation == "standby":
        citizen.on_standby(errand, citizen.look())
    citizen.go(errand, "card_problem")
    citizen.clear_away()
    citizen.press(citizen.look(), "go_home", "首页")
    time.sleep(0.5)
    sight = citizen.look()
    if sight.situation == "leave_question":
        citizen.press(sight, "leave")
    citizen.wait("home", "standby", "take_away")


SCENARIOS: dict[str, Callable[[Stage], None]] = {
    "happy": happy,
    "relative": relative,
    "same_again": same_again,
    "progress": progress,
    "hub_down": hub_down,
    "double_presses": double_presses,
    "too_young": too_young,
    "leaving": leaving,
}

SHORT_IDLE = {"idle_s": 10, "idle_warning_s": 10, "elder_idle_s": 10, "elder_idle_warning_s": 10}
SETTINGS: dict[str, dict[str, dict[str, object]]] = {"leaving": {"window": dict(SHORT_IDLE)}}
"""Settings that a scenario needs, over the town's own."""
