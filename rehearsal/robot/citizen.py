"""Somebody who uses the terminal. Knows the service as a person does: reads what the screen asks,
does it, and looks what happens. Waits for what is seen, never for a time.

What to do is decided page by page, so that a page more or a page less does not confuse anybody.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.control import Control
from rehearsal.people import Person
from rehearsal.robot.album import Album
from rehearsal.robot.eyes import BUTTON, BlindError, Eyes, Node, Sight, polled
from rehearsal.robot.hands import Hands
from rehearsal.robot.wording import words

PAGE_S = 20.0  # the longest that any page needs to come: a card read, a still, a seal
WINDOW_S = 60.0  # from the start of the terminal to its first page
SETTLE_S = 0.45  # a page slides in for 240 ms (elder 320); after that positions hold
AGAIN_S = 6.0  # a person presses again when nothing has happened for so long
PRESSES = 3
MOST_TURNS = (
    30  # of pages, some pressed in vain: the last one stands for a moment before it is agreed to
)
LOOK_EVERY_S = 0.12  # between two glances at the window; each of them costs it some milliseconds
CAMERA_PATIENCE_S = 25.0  # then the button is pressed instead of waiting for the automatic
GUARD_S = 0.55  # presses within 500 ms of a new page are taken as meant for the page before


class LostError(Exception):
    """The citizen does not get any further. The text tells where and why, nothing personal."""


@dataclass(slots=True)
class Errand:
    """What somebody came for, and how they go about it."""

    person: Person
    relative: Person | None = None  # who acts, with both cards
    item: str = "old_age_allowance"
    relative_name: tuple[tuple[str, str], ...] = ()  # pinyin and character, one after another
    rate_on: str = "keypad"  # "keypad", "screen" or "skip"
    level: str = "5"
    twice: bool = False  # presses everything twice
    by_scanner: bool = True  # or holds the receipt to the camera
    receipt_qr: str = ""
    pin: str = "739164"  # the new password of a social card
    again: bool = True  # goes on although there is an earlier application
    without_paper: bool = False  # has not got it along, and hands it in later
    reprint: bool = False  # wants the receipt of the earlier application once more
    hand_in: bool = False  # brings the paper for the earlier application
    wait_for_paper: bool = True
    photograph: Path | None = None  # of a paper, instead of the register's page
    paper: Mapping[str, Any] = field(default_factory=dict)  # how the page is put down

    def answers(self) -> dict[str, str]:
        """What is typed by the number keys, by field code."""
        relative_phone = self.relative.phone if self.relative else ""
        return {
            "phone": self.person.phone,
            "relative_phone": relative_phone,
            "account": self.person.account,
        }


YES = (words("confirm_identity.yes"), words("confirm_identity.yes_elder"))
SEEN_STILL = (
    words("advice_hold_still.title"),
    words("advice_good.title"),
)  # the paper is found, its outline is drawn
PRINTED = words("receipt_printed.title")
SHOWN_LATER = frozenset({"capture_page", "accepted"})  # their pictures are taken at a better moment
LEVELS = {
    "5": words("rating.level_5"),
    "4": words("rating.level_4"),
    "3": words("rating.level_3"),
    "2": words("rating.level_2"),
    "1": words("rating.level_1"),
}
LABELS = {
    "phone": "本人手机号",
    "relative_phone": "家人手机号",
    "account": "收款账号",
    "relative_name": "家人姓名",
}


class Citizen:
    """One person at one terminal."""

    def __init__(
        self,
        eyes: Eyes,
        hands: Hands,
        devices: Mapping[str, Control],
        album: Album,
        *,
        say: Callable[[str], None],
        gone: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`gone` answers the terminal's exit code once it has ended."""
        self.eyes = eyes
        self.hands = hands
        self.devices = devices
        self.album = album
        self.met: list[str] = []  # situations, in order
        self.number_seen = ""
        self.applied: set[str] = set()  # people whose application was accepted
        self.refused = 0  # papers that were not taken by themselves
        self._say = say
        self._gone = gone
        self._cards = 0  # how many have been confirmed
        self._acting = False
        self._card_down = ""
        self._paper_down = False
        self._typed: set[str] = set()
        self._signed = False
        self.said: list[str] = []  # what stood on the page with the result
        self._pin_typed = False  # once
        self._rated = False
        self._scanned = False
        self._reprinted = False
        self._receipts_before = 0
        self._new_at = 0.0  # when the page or overlay that is there was first seen
        self._top = ""

    # -- looking ----------------------------------------------------------------

    def look(self) -> Sight:
        """A look at all that is there; every new situation is noted and its picture kept."""
        return self._noted(self.eyes.look())

    def glance(self) -> Sight:
        """The same for which page is there, without what stands on it."""
        return self._noted(self.eyes.glance())

    def _noted(self, sight: Sight) -> Sight:
        situation = sight.situation
        top = sight.overlay or sight.page
        if top and top.path != self._top:
            self._top, self._new_at = top.path, time.monotonic()
        if situation and (not self.met or self.met[-1] != situation):
            self.met.append(situation)
            self._say(f"sees {situation}")
        title = top.name if top else ""
        later = situation in SHOWN_LATER
        if not later and self.album.wants(situation, title) and self._settled(sight):
            self.album.keep(situation, self.hands.picture(), title)
        return sight

    def _show(self, moment: str) -> None:
        """Keep a picture of a moment on a page, the first time."""
        if self.album.wants(moment):
            self.album.keep(moment, self.hands.picture())

    def _settled(self, sight: Sight) -> bool:
        """The same page is still there, alone and in its place, a moment later."""
        self._let_pass(SETTLE_S)
        later = self.eyes.glance()
        here, there = sight.overlay or sight.page, later.overlay or later.page
        return bool(here and there and here.id == there.id and len(later.pages) <= 1)

    def _let_pass(self, seconds: float) -> None:
        """Let the page that is there have been there for so long."""
        time.sleep(max(0.0, self._new_at + seconds - time.monotonic()))

    def wait(self, *situations: str, within_s: float = PAGE_S) -> Sight:
        """Look until one of `situations` is there. Raises LostError, with a picture kept."""
        sight = Sight(())
        for _ in polled(within_s, LOOK_EVERY_S):
            sight = self.glance()
            if sight.situation in situations:
                return self.look()
            self._check_alive()
        raise self.lost(f"waited {within_s:.0f} s for {' or '.join(situations)}", sight)

    def wait_past(self, *situations: str, what: str = "", within_s: float = PAGE_S) -> None:
        """Wait until another page than these is there. Raises LostError."""
        sight = Sight(())
        for _ in polled(within_s, LOOK_EVERY_S):
            sight = self.glance()
            if sight.situation and sight.situation not in situations:
                return
            self._check_alive()
        raise self.lost(f"waited {within_s:.0f} s until {what or 'the page changes'}", sight)

    def wait_until(
        self,
        what: str,
        true: Callable[[Sight], Any],
        within_s: float = PAGE_S,
        *,
        every_s: float = LOOK_EVERY_S,
    ) -> Sight:
        """Look until `true(sight)`. Raises LostError, with a picture kept."""
        sight = Sight(())
        for _ in polled(within_s, every_s):
            sight = self.look()
            if true(sight):
                return sight
            self._check_alive()
        raise self.lost(f"waited {within_s:.0f} s until {what}", sight)

    def _check_alive(self) -> None:
        code = self._gone()
        if code is not None:
            raise LostError(f"the terminal has ended with {code}")

    def lost(self, why: str, sight: Sight) -> LostError:
        """An error that tells what was on the screen, by ids only."""
        with contextlib.suppress(Exception):
            self.album.keep(f"lost-{sight.situation or 'nothing'}", self.hands.picture())
        with contextlib.suppress(BlindError):
            sight = self.eyes.look()
        # Words on buttons are the same for everybody; those in fields are not.
        named = [node for node in sight.controls() if node.role == BUTTON]
        ids = sorted({node.name or node.id for node in named})
        return LostError(
            f"{why}; on {sight.situation or 'no page'}; to press: {', '.join(ids) or '-'}"
        )

    # -- pressing ---------------------------------------------------------------

    def press_node(self, node: Node, twice: bool = False) -> None:
        """Press, but not before one can have read what is there."""
        self._let_pass(GUARD_S)
        x, y = node.middle
        if twice:
            self.hands.press_twice(x, y)
        else:
            self.hands.press(x, y)
        self.hands.away()

    def press(self, sight: Sight, *wanted: str, twice: bool = False) -> Node:
        """Press the control with one of these ids or names. Raises LostError."""
        node = self.find(sight, *wanted)
        if node is None:
            raise self.lost(f"nothing to press for {wanted[0]}", sight)
        self.press_node(node, twice)
        return node

    @staticmethod
    def find(sight: Sight, *wanted: str) -> Node | None:
        """By id, then name; "main" stands for the lowest large button at the right."""
        found = sight.find(*(want for want in wanted if want != "main"))
        if found or "main" not in wanted:
            return found
        page = sight.page
        if page is None:
            return None
        right = [
            node
            for node in sight.below(page)
            if node.role == BUTTON and node.enabled and node.middle[0] > page.x + page.width / 2
        ]
        return max(right, key=lambda node: (node.y, node.area), default=None)

    def leave_page(
        self,
        errand: Errand,
        *wanted: str,
        within_s: float = PAGE_S,
        to: tuple[str, ...] = (),
        seen: Sight | None = None,
    ) -> None:
        """Press and wait until another page (or one of `to`) is there; press again if nothing
        happens, as people do. `seen`: a whole look at the page that is there."""
        sight = seen or self.look()
        page = sight.situation
        mark = sight.page.path if sight.page else ""
        for attempt in range(PRESSES):
            self.press(sight, *wanted, twice=errand.twice)
            patience = AGAIN_S if attempt < PRESSES - 1 else within_s
            for _ in polled(patience, LOOK_EVERY_S):
                sight = self.glance()
                if to and sight.situation in to:
                    return
                now = sight.page.path if sight.page else ""
                if not to and sight.situation and (sight.situation != page or now != mark):
                    return
                self._check_alive()
            sight = self.look()
            if sight.situation != page or self.find(sight, *wanted) is None:
                break  # it did something, only not yet what was wanted
        self.wait_past(page, what=f"{page} is left", within_s=within_s)

    # -- hands on the devices -----------------------------------------------------

    def put_card(self, person: Person) -> None:
        if self._card_down == person.key:
            return
        if self._card_down:
            self.take_card()
        self.devices["id_reader"].ask("place_card", card=person.card())
        self._card_down = person.key

    def take_card(self) -> None:
        self.devices["id_reader"].ask("lift_card")
        self._card_down = ""

    def put_paper(self, errand: Errand) -> None:
        if not self._paper_down:
            if errand.photograph:
                self.devices["camera"].ask("photograph", picture=str(errand.photograph))
            else:
                page = {"builtin": "household_register", "page": errand.person.page()}
                self.devices["camera"].ask("place_paper", **page, **errand.paper)
            self._paper_down = True

    def take_paper(self) -> None:
        self.devices["camera"].ask("remove_paper")
        self._paper_down = False

    @property
    def things_down(self) -> bool:
        """Whether card or paper lies on the terminal."""
        return bool(self._card_down) or self._paper_down

    def clear_away(self) -> None:
        """Take everything, as whoever comes by does."""
        self.take_card()
        self.take_paper()
        self.devices["camera"].ask("hide_code")

    # -- the errand ---------------------------------------------------------------

    def begin(self, errand: Errand) -> None:
        """Forget the last errand."""
        self._cards = 0
        self._acting = False
        self._typed = set()
        self._signed = self._rated = self._scanned = self._pin_typed = self._reprinted = False
        self.number_seen = ""
        self.met = []
        self._receipts_before = self.devices["receipt_printer"].ask("status")["receipts"]
        self._come_to_the_start(errand)

    def _come_to_the_start(self, errand: Errand) -> None:
        """Whatever somebody has left behind on the screen is ended first."""
        for _ in polled(WINDOW_S, LOOK_EVERY_S):
            sight = self.look()
            self._check_alive()
            match sight.situation:
                case "home":
                    return
                case "standby":
                    self.on_standby(errand, sight)
                case "leave_question" | "idle_warning":
                    self.press(sight, "leave", words("leave_question.leave"))
                case "take_away":
                    self.clear_away()
                case "":
                    pass
                case _:
                    self.press(sight, "go_home", words("frame.home"))
        raise self.lost("did not come to the start", self.look())

    def go(self, errand: Errand, until: str, within_s: float = 240.0) -> Sight:
        """Do what each page asks until `until` is there. Raises LostError."""
        started = time.monotonic()
        met_before = len(self.met)
        while True:
            sight = self.wait_until("a page is there", lambda s: s.situation)
            if sight.situation == until and len(self.met) >= met_before:
                return sight
            if time.monotonic() - started > within_s:
                raise self.lost(f"{within_s:.0f} s were not enough to get to {until}", sight)
            handler = getattr(self, f"on_{sight.situation}", None)
            if handler is None:
                raise self.lost(f"does not know what to do on {sight.situation}", sight)
            handler(errand, sight)
            self._check_alive()

    def do(self, errand: Errand) -> None:
        """The whole errand, from the start to the start."""
        self.begin(errand)
        self.go(errand, "standby")

    def on_standby(self, errand: Errand, sight: Sight) -> None:
        self.leave_page(errand, "start", words("standby.start"), "main", to=("home",))

    def on_home(self, errand: Errand, sight: Sight) -> None:
        names = {
            "old_age_allowance": "高龄津贴申领",
            "progress_query": "办理进度查询",
            "social_card_password": "社会保障卡密码重置",
        }
        self.leave_page(
            errand, f"choose_item:{errand.item}", f"item:{errand.item}", names[errand.item]
        )

    def on_service_guide(self, errand: Errand, sight: Sight) -> None:
        self.leave_page(errand, "begin", words("service_guide.begin"), "main")

    def on_consent(self, errand: Errand, sight: Sight) -> None:
        agree = words("consent.agree")
        if (seen := self._read_on(sight, agree)) is not None:
            self.leave_page(errand, "agree", agree, "main", seen=seen)

    def _read_on(self, first: Sight, agree: str) -> Sight | None:
        """Read to the last page: what is agreed to may take several, and `agree` comes after the
        last, in the same place. Answers the look on which it may be pressed; None when the page
        has been left: on a busy machine the button that was seen as turning the page may agree by
        the time the finger comes down."""
        for _ in range(MOST_TURNS):
            sight = self.look()
            if sight.situation != first.situation:
                return None
            if self.find(sight, agree) is not None:
                return sight
            turn = self.find(sight, words("frame.read_on"))
            if turn is not None:
                self.press_node(turn)
            else:  # neither of them: the page is just going
                self._let_pass(LOOK_EVERY_S)
        raise self.lost(f"{MOST_TURNS} pages were not all", sight)

    def on_place_id_card(self, errand: Errand, sight: Sight) -> None:
        if errand.relative and not self._acting:
            self._acting = True
            button = self.find(sight, "for_relative", words("place_id_card.for_relative"))
            if button is None:
                raise self.lost("cannot say that a relative acts", sight)
            self.leave_page(errand, "for_relative", words("place_id_card.for_relative"), seen=sight)
            return
        who = errand.relative if errand.relative and self._cards == 0 else errand.person
        self.put_card(who)
        self.wait_past("place_id_card", what="the card has been read")

    def on_confirm_identity(self, errand: Errand, sight: Sight) -> None:
        button = self.find(sight, "confirm_identity", *YES, "main")
        if button is None or not button.enabled:
            self.wait_until(
                "earlier applications were looked for",
                lambda s: (
                    s.situation != "confirm_identity"
                    or ((found := self.find(s, "confirm_identity", *YES)) and found.enabled)
                ),
            )
            return
        self.leave_page(errand, "confirm_identity", *YES, "main", seen=sight)
        self._cards += 1

    def on_draft_found(self, errand: Errand, sight: Sight) -> None:
        self._typed.add("phone")  # typed before the crash, so it must be there
        self.leave_page(errand, "resume_draft", words("draft_found.resume"), "main")

    def on_earlier_application(self, errand: Errand, sight: Sight) -> None:
        if errand.reprint and not self._reprinted:
            self.leave_page(errand, "print_again", words("earlier_application.print"))
            return
        if errand.hand_in:
            self.leave_page(errand, "hand_in", words("earlier_application.hand_in"), "main")
            return
        if not errand.again:
            self.leave_page(errand, "finish", words("earlier_application.finish"), "go_home")
            return
        self.leave_page(errand, "apply_again", words("earlier_application.again"), "main")

    def on_form(self, errand: Errand, sight: Sight) -> None:
        for code, value in errand.answers().items():
            if value and self._field(sight, code):
                self._type_digits(errand, code, value)
                self._show(f"form-{code}")
                sight = self.look()
        if errand.relative_name and self._field(sight, "relative_name"):
            self._type_name(errand)
        self.leave_page(errand, "next", words("common.next"), "main")

    def on_capture_page(self, errand: Errand, sight: Sight) -> None:
        self._let_pass(SETTLE_S)
        if errand.without_paper:
            self.leave_page(errand, words("capture_page.go_on_later"))
            return
        self.put_paper(errand)
        for _ in polled(CAMERA_PATIENCE_S, LOOK_EVERY_S):
            sight = self.look()
            if sight.situation != "capture_page":
                break
            if self.album.wants("capture_page"):
                still = any(said in text for text in sight.texts() for said in SEEN_STILL)
                if still:  # it goes on looking for a moment before the picture is taken
                    self._show("capture_page")
        else:
            sight = self.look()
            if sight.situation != "capture_page":
                return  # taken in this very moment
            self.refused += 1
            self._show("capture_page-refused")
            self.press(sight, "take_picture", words("capture_page.take"), twice=errand.twice)
            self.wait_past("capture_page", what="the picture is taken")

    def on_check_page(self, errand: Errand, sight: Sight) -> None:
        """Keep it; it may be compared with the card for a moment, and be doubted then."""
        despite = words("check_page.keep_despite")
        node = self.find(sight, words("check_page.keep"))
        if node is not None and node.enabled:
            self.press_node(node, errand.twice)
            sight = self.wait_until(
                "the page was compared with the card",
                lambda s: (
                    s.situation != "check_page"
                    or ((found := self.find(s, despite)) is not None and found.enabled)
                ),
            )
        if sight.situation == "check_page" and self.find(sight, despite) is not None:
            self.leave_page(errand, despite, seen=sight)

    def on_review(self, errand: Errand, sight: Sight) -> None:
        agree = words("review.confirm_papers" if errand.hand_in else "review.confirm")
        if (seen := self._read_on(sight, agree)) is not None:
            self.leave_page(errand, "next", agree, "main", seen=seen)

    def on_sign(self, errand: Errand, sight: Sight) -> None:
        if not self._signed:
            box = sight.any("sign_strokes", "signature", "signature_pad", "sign_pad") or next(
                (
                    node
                    for node in sight.reachable()
                    if node.name == words("sign.box") and node.area
                ),
                None,
            )
            if box is None:
                raise self.lost("no place to sign", sight)
            self._sign(box)
            self._signed = True
            self._show("sign-signed")
            self.wait_until(
                "the signature is taken",
                lambda s: (found := self.find(s, "submit", words("sign.submit"))) and found.enabled,
            )
        self.leave_page(errand, "submit", words("sign.submit"), "main")

    def _sign(self, box: Node) -> None:
        """Three strokes that could be a name."""
        x, y, w, h = box.x, box.y, box.width, box.height
        self.hands.draw(
            [(x + w * (0.2 + 0.1 * n), y + h * (0.35 + 0.05 * (n % 2))) for n in range(4)]
        )
        self.hands.draw(
            [(x + w * (0.35 + 0.08 * math.sin(n / 2)), y + h * (0.3 + 0.05 * n)) for n in range(9)]
        )
        self.hands.draw(
            [(x + w * (0.5 + 0.05 * n), y + h * (0.6 - 0.08 * (n % 3))) for n in range(7)]
        )
        self.hands.away()

    def on_submitting(self, errand: Errand, sight: Sight) -> None:
        self.wait_past("submitting", what="it is submitted")

    def on_accepted(self, errand: Errand, sight: Sight) -> None:
        self.applied.add(errand.person.key)
        self._let_pass(SETTLE_S)
        if errand.wait_for_paper:
            for _ in polled(PAGE_S, 0.2):
                sight = self.look()
                if sight.situation != "accepted":
                    return
                status = self.devices["receipt_printer"].ask("status")
                said = any(PRINTED in text for text in sight.texts())
                if said and status["receipts"] > self._receipts_before:
                    break
        self._show("accepted")
        self.number_seen = self._number_on(sight) or self.number_seen
        if errand.reprint and not self._reprinted:
            self._reprinted = True
            self._receipts_before += 1
            self.leave_page(errand, "back", words("common.return"))
            return
        self.leave_page(errand, "rate", words("accepted.rate"), "main", seen=sight)

    def _rate_by_key(self, errand: Errand) -> None:
        """Press the key again when nothing happens, as people do."""
        for _ in range(PRESSES):
            self._let_pass(GUARD_S)
            for _ in range(2 if errand.twice else 1):
                self.devices["keypad"].ask("press", key=errand.level)
            for _ in polled(AGAIN_S, LOOK_EVERY_S):
                if self.glance().situation not in ("rating", ""):
                    return
        raise self.lost("no key was taken", self.look())

    @staticmethod
    def _number_on(sight: Sight) -> str:
        """The receipt's number as the screen shows it, without its gaps."""
        for text in sight.texts():
            for part in (text, *text.split("：")):
                tight = "".join(part.split())
                if len(tight) == 16 and tight.isalnum() and tight.isascii() and tight[4:].isdigit():
                    return tight
        return ""

    def on_rating(self, errand: Errand, sight: Sight) -> None:
        if errand.rate_on == "keypad":
            self._rate_by_key(errand)
        elif errand.rate_on == "screen":
            self.leave_page(errand, f"rate:{errand.level}", LEVELS[errand.level], seen=sight)
        else:
            self.leave_page(errand, "skip_rating", words("rating.skip"), seen=sight)

    def on_rating_reasons(self, errand: Errand, sight: Sight) -> None:
        reason = self.find(sight, "toggle_reason:*", "reason:*")
        if reason and not self._rated:
            self.press_node(reason)
            self._rated = True
        self.leave_page(
            errand, "next", words("rating_reasons.done"), words("rating_reasons.done_none"), "main"
        )

    def on_take_away(self, errand: Errand, sight: Sight) -> None:
        self.clear_away()
        self.wait_past("take_away", what="the next person may come", within_s=40.0)

    def on_scan_receipt(self, errand: Errand, sight: Sight) -> None:
        self._let_pass(GUARD_S)
        if not errand.by_scanner:
            self.devices["camera"].ask("show_code", text=errand.receipt_qr)
            self.wait_past("scan_receipt", what="the receipt was read")
            self.devices["camera"].ask("hide_code")
            return
        for _ in range(PRESSES):  # held to the scanner again when nothing happens, as people do
            self.devices["code_scanner"].ask("scan", text=errand.receipt_qr)
            for _ in polled(AGAIN_S, LOOK_EVERY_S):
                if self.glance().situation not in ("scan_receipt", ""):
                    return
        self.wait_past("scan_receipt", what="the receipt was read")

    def on_progress_result(self, errand: Errand, sight: Sight) -> None:
        self.number_seen = self._number_on(sight) or self.number_seen
        self.leave_page(errand, "finish", words("progress_result.finish"), "main")

    # -- the password of a social card ---------------------------------------------

    def on_insert_social_card(self, errand: Errand, sight: Sight) -> None:
        self.devices["smart_card"].ask("insert", card=errand.person.social_card())
        self.wait_until(
            "the social card has been read", lambda s: self.find(s, "next", words("common.next"))
        )
        self.leave_page(errand, "next", words("common.next"), "main")

    def on_new_pin(self, errand: Errand, sight: Sight) -> None:
        """Twice the same six keys; the screen says only how many there are."""
        if self._asks_again(sight) != self._pin_typed:
            return  # one page slides away while the other comes
        keys = self._keys(self.look())
        self._let_pass(GUARD_S)
        for digit in errand.pin:
            self.hands.press(*keys[digit].middle)
            time.sleep(0.06)
        self.hands.away()
        self.wait_until(
            "all digits are there",
            lambda s: (found := self.find(s, "next", words("common.next"))) and found.enabled,
        )
        self._pin_typed = not self._pin_typed
        self.press(self.look(), "next", words("common.next"))
        self.wait_until(
            "it goes on",
            lambda s: s.situation != "new_pin" or self._asks_again(s) == self._pin_typed,
        )

    @staticmethod
    def _asks_again(sight: Sight) -> bool:
        return words("new_pin.title_again") in sight.texts()

    def on_changing_password(self, errand: Errand, sight: Sight) -> None:
        self.wait_past("changing_password", within_s=60.0)

    def on_password_result(self, errand: Errand, sight: Sight) -> None:
        """The slip comes first, where there is one."""
        finish = words("password_result.finish")
        self.wait_until(
            "the slip is out", lambda s: (found := self.find(s, "finish", finish)) and found.enabled
        )
        self._show("password_result")
        self.said = self.look().texts()
        self.leave_page(errand, "finish", finish, "main")
        self.devices["smart_card"].ask("remove", slot=0)

    def on_idle_warning(self, errand: Errand, sight: Sight) -> None:
        self.press(sight, "stay", words("idle_warning.stay"), twice=errand.twice)
        self.wait_past("idle_warning", what="the warning is gone")

    def answer(self, errand: Errand, code: str) -> None:
        """Type one answer and stay on its page."""
        self._type_digits(errand, code, errand.answers()[code])

    # -- typing -------------------------------------------------------------------

    @staticmethod
    def _field(sight: Sight, code: str) -> Node | None:
        label = LABELS[code]
        found = sight.any(f"edit_field:{code}", f"field:{code}", f"field_{code}", code)
        return found or next(
            (node for node in sight.controls() if node.name.startswith(label)), None
        )

    def _type_digits(self, errand: Errand, code: str, value: str) -> None:
        """Touch the field, press the keys one by one, look whether it is right; again if not."""
        if code in self._typed:
            return
        for _ in range(PRESSES):
            sight = self.look()
            wanted = self._field(sight, code)
            if wanted is None:
                raise self.lost(f"no field {code}", sight)
            self.press_node(wanted)
            time.sleep(SETTLE_S)
            keys = self._keys(self.look())
            for digit in value:
                self.hands.press(*keys[digit].middle)
                time.sleep(0.04)
            self.hands.away()
            for _ in polled(2.0):
                shown = self.shown(code, value)
                if shown is not False:  # None: not read out, so the next page is the judge
                    self._typed.add(code)
                    return
            sight = self.look()
            erase = self.find(sight, "keypad_clear", "clear", words("frame.keypad_clear"))
            if erase:
                self.press_node(erase)
        raise self.lost(f"{code} does not take the digits", self.look())

    def _keys(self, sight: Sight) -> dict[str, Node]:
        keys = {}
        for digit in "0123456789":
            key = sight.find(
                f"digit:{digit}", f"key_{ord(digit)}", f"key:{digit}", f"keypad_{digit}", digit
            )
            if key is None:
                raise self.lost(f"no key {digit}", sight)
            keys[digit] = key
        return keys

    def shown(self, code: str, value: str) -> bool | None:
        """Whether the value stands somewhere on the page, grouped or not; None where no part of
        what is typed is read out at all."""
        sight = self.eyes.look()
        wanted = self._field(sight, code)
        texts = [*sight.texts(), self.eyes.text_of(wanted) if wanted else ""]
        tight = ["".join(text.split()) for text in texts]
        if any(value in text for text in tight):
            return True
        return False if any(value[:4] in text for text in tight) else None

    def _type_name(self, errand: Errand) -> None:
        """By pinyin: letters, then the character from the row of candidates."""
        if "relative_name" in self._typed:
            return
        sight = self.look()
        wanted = self._field(sight, "relative_name")
        if wanted is None:
            raise self.lost("no field for the name", sight)
        self.press_node(wanted)
        self.wait_until("the keyboard is there", lambda s: self._letter(s, "a") is not None)
        time.sleep(SETTLE_S)
        for pinyin, character in errand.relative_name:
            self._type_character(pinyin, character)
        self._typed.add("relative_name")
        sight = self.look()
        self._show("form-relative_name")
        done = self.find(sight, "key_done", words("frame.key_done"))
        if done:
            self.press_node(done)

    @staticmethod
    def _letter(sight: Sight, letter: str) -> Node | None:
        return sight.find(f"key_{letter}", f"key_{ord(letter.upper())}", letter, letter.upper())

    def _type_character(self, pinyin: str, character: str) -> None:
        sight = self.look()
        for letter in pinyin:
            key = self._letter(sight, letter)
            if key is None:
                raise self.lost(f"no key {letter}", sight)
            self.hands.press(*key.middle)
            time.sleep(0.12)
        for _ in range(8):
            sight = self.wait_until(
                "there are candidates", lambda s: [n for n in s.nodes if n.id.startswith("cand_")]
            )
            found = [
                node
                for node in sight.nodes
                if node.id.startswith("cand_") and node.name == character and node.area
            ]
            if found:
                self.press_node(found[0])
                time.sleep(0.3)
                return
            more = self.find(sight, "cand_more", "key_more", words("frame.key_more"))
            if more is None:
                break
            self.press_node(more)
            time.sleep(0.3)
        raise self.lost("the character is not among the candidates", sight)
