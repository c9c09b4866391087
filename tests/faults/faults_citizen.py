"""What a citizen does on each page of the old-age allowance, and after each trouble."""

from __future__ import annotations

from contextlib import suppress

from faults_terminal import Machine

from kiosk.flow import pages
from kiosk.flow.actions import Act
from kiosk.flow.pages import Page, PrintState
from rehearsal.control import ControlError
from rehearsal.people import people
from rehearsal.town import date_of_rehearsal

ANSWER_S = 2.0  # a key is heard within milliseconds
ITEM = "old_age_allowance"
STROKES = (((0.2, 0.3), (0.3, 0.6), (0.4, 0.3)), ((0.5, 0.4), (0.6, 0.7)))

TROUBLE_WITH_PAPER = frozenset(
    {
        PrintState.PAPER_OUT,
        PrintState.COVER_OPEN,
        PrintState.JAMMED,
        PrintState.UNKNOWN,
        PrintState.UNAVAILABLE,
    }
)


class Citizen:
    """One person with a card, a page of the register and a finger. 赵桂芬 is old enough."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.person = people(date_of_rehearsal())["zhao_guifen"]
        self._card = self._paper = False
        self.met: list[str] = []  # what was on the screen, a line each

    # -- things -------------------------------------------------------------------

    def put_card(self) -> None:
        if not self._card:
            self.machine.hand("id_reader", "place_card", card=self.person.card())
            self._card = True

    def take_card(self) -> None:
        self.machine.hand("id_reader", "lift_card")
        self._card = False

    def put_paper(self) -> None:
        if not self._paper:
            page = self.person.page()
            self.machine.hand("camera", "place_paper", builtin="household_register", page=page)
            self._paper = True

    def take_paper(self) -> None:
        self.machine.hand("camera", "remove_paper")
        self._paper = False

    def take_all(self) -> None:
        self.take_card()
        self.take_paper()

    # -- going on -------------------------------------------------------------------

    def go_to(self, wanted: type[Page]) -> None:  # type: ignore[valid-type]
        """Do everything right until this page is there."""
        for _ in range(60):
            if isinstance(self.machine.page, wanted):
                return
            self.go_on()
        raise AssertionError(f"never came to {wanted.__name__}: {self.machine.describe()}")

    def to_the_end(self) -> None:
        """From wherever one is to the start page."""
        for _ in range(60):
            self.go_on()
            if isinstance(self.machine.page, pages.Standby):
                return
        raise AssertionError(f"never came to the end: {self.machine.describe()}")

    def go_on(self, within_s: float = 60.0) -> None:
        """Do what this page asks for and wait until it is left, or says something else."""
        machine = self.machine
        page = machine.page
        self.met.append(machine.describe())
        match page:
            case pages.Standby():
                machine.press(Act.START)
            case pages.Home() | pages.OutOfService():
                machine.until("the service is open", self._open, within_s)
                if isinstance(machine.page, pages.Home):
                    machine.press(Act.CHOOSE_ITEM, ITEM)
            case pages.ServiceGuide():
                machine.press(Act.BEGIN)
            case pages.Consent():
                machine.press(Act.AGREE)
            case pages.PlaceIdCard():
                self.put_card()
            case pages.CardProblem():
                self.take_card()
                machine.press(Act.OTHER_CARD)
            case pages.ConfirmIdentity():
                machine.press(Act.CONFIRM_IDENTITY)
            case pages.DraftFound():
                machine.press(Act.DISCARD_DRAFT)
            case pages.EarlierApplication():
                machine.press(Act.APPLY_AGAIN)
            case pages.Form():
                self._fill(page)
                machine.press(Act.NEXT)
            case pages.CapturePage():
                self.put_paper()
            case pages.CheckPage():
                machine.press(Act.KEEP_PAGE)
            case pages.Review():
                machine.press(Act.NEXT)
            case pages.Sign():
                self.sign()
                machine.press(Act.SUBMIT)
            case pages.SubmitProblem():
                machine.press(Act.SUBMIT)
            case pages.Accepted():
                self._take_receipt(within_s)
            case pages.Rating():
                machine.look()  # a key that goes down at once was leant on
                with suppress(ControlError):  # a keypad without a cable cannot be pressed
                    machine.hand("keypad", "press", key="5")
                    machine.wait(ANSWER_S)
                if isinstance(machine.page, pages.Rating):
                    machine.press(Act.RATE, "5")  # the screen takes it as well
            case pages.RatingReasons():
                machine.press(Act.SUBMIT)
            case pages.TakeAway():
                self.take_all()
            case _:
                pass
        machine.until("the page is left", lambda: self._moved(page), within_s)

    def sign(self) -> None:
        self.machine.press(Act.SIGN_STROKES, strokes=STROKES)

    def _moved(self, page: Page) -> bool:
        now = self.machine.page
        if type(now) is not type(page):
            return True
        match page, now:
            case pages.Form(number=before), pages.Form(number=after):
                return before != after
            case _:
                return False

    def _open(self) -> bool:
        match self.machine.page:
            case pages.Home(tiles=tiles):
                return any(tile.item == ITEM and tile.closed is None for tile in tiles)
            case pages.OutOfService():
                return False
            case _:
                return True

    def _fill(self, page: pages.Form) -> None:
        answers = {"phone": self.person.phone, "account": self.person.account}
        for field in page.fields:
            if field.code in answers:
                self.machine.press(Act.SET_FIELD, field.code, answers[field.code])

    def _take_receipt(self, within_s: float) -> None:
        machine = self.machine

        def settled() -> bool:
            page = machine.page
            return (
                not isinstance(page, pages.Accepted) or page.print_state is not PrintState.PRINTING
            )

        machine.until("the paper is out, or said not to come", settled, within_s)
        page = machine.page
        if isinstance(page, pages.Accepted):
            self.met.append(machine.describe())
            if page.print_state in TROUBLE_WITH_PAPER:
                machine.press(Act.WITHOUT_PAPER)  # the page stays, and the same button goes on now
            machine.press(Act.NEXT)
