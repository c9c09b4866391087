"""One citizen at the machine: from the first press to the wiped start. One thread, no Qt.

The session owns what stands around the flow: home, overlays, preferences, time-outs, and the end
of it all. Whatever way a citizen goes, `_end` is the only way out: draft erased, person wiped,
things taken away, start.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from drivers.card_reader.values import SmartCardInserted, SmartCardRemoved
from drivers.code_scanner.values import CodeRefused, CodeScanned
from drivers.device import Clock, Log, StatusChanged
from drivers.id_reader.values import CardFound, CardRemoved
from drivers.keypad.values import KeyPressed
from drivers.voice.values import Tone
from kiosk.availability import all_closed, closure, offered, paper_receipt, world_at_start
from kiosk.catalogue.load import Catalogue
from kiosk.catalogue.model import Item, StepKind, fill
from kiosk.evaluation.rating import load_reasons
from kiosk.flow.actions import Act, Action
from kiosk.flow.card_slot import CardSlot
from kiosk.flow.case import Case
from kiosk.flow.effects import (
    Beep,
    Effect,
    EraseDraft,
    KeepPhoto,
    StopCamera,
    StopWatchingForCard,
    StopWatchingSocialCard,
    TellStaff,
    Wipe,
)
from kiosk.flow.events import Event, LineChanged, StorageChanged
from kiosk.flow.navigator import Navigator
from kiosk.flow.pages import (
    Closure,
    Home,
    OutOfService,
    Page,
    Standby,
    Tile,
    Words,
)
from kiosk.flow.reader import CardOnReader
from kiosk.flow.step import Context, Finish, ToHome
from kiosk.flow.take_away import TakeAway
from kiosk.flow.view import (
    Header,
    HelpSheet,
    IdleWarning,
    LeaveQuestion,
    Line,
    Overlay,
    Preferences,
    StepBar,
    TextSize,
    TextSizeSheet,
    View,
)
from kiosk.settings import Settings

SETTLE_S = 0.5  # a second tap of an old hand comes within this; it was meant for the page before
CLOSED_ICON = "circle-slash"
NEW_PAGE_PRESSES = frozenset(  # typing goes on while pages change under it
    {Act.SET_FIELD, Act.EDIT_FIELD, Act.SIGN_STROKES, Act.TOGGLE_REASON}
    | {Act.TOGGLE_LANGUAGE, Act.TOGGLE_CONTRAST, Act.TOGGLE_VOICE}
    | {Act.TOGGLE_ELDER, Act.TOGGLE_LOW_REACH}
)
UNBREAKABLE = frozenset({StepKind.SUBMIT, StepKind.CARD_PASSWORD, StepKind.COPY, StepKind.BLANKS})
"""Not left while they are at work: what comes out of a slot belongs to who stands there."""
REPEATABLE = frozenset(  # pressed quickly one after the other, each press is meant
    {Act.SET_FIELD, Act.EDIT_FIELD, Act.SIGN_STROKES, Act.STAY, Act.KEEP_WAITING}
    | {Act.TYPE_DIGIT, Act.ERASE_DIGIT}
)


def _new_session_id() -> str:
    return uuid.uuid4().hex[:16]


@dataclass(slots=True)
class _Citizen:
    """The session between START and the wipe."""

    id: str
    started_s: float
    navigator: Navigator | None = None
    item: Item | None = None  # the last that was chosen, also when they are back at the services
    take_away: TakeAway | None = None


class Session:
    """Answers presses, events and the clock with views and effects.

    `run` carries an effect out; its answer comes back by `handle`. `changed` gets every view that
    differs from the one before.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        catalogue: Catalogue,
        clock: Clock,
        log: Log,
        run: Callable[[Effect], None],
        changed: Callable[[View], None],
        new_id: Callable[[], str] = _new_session_id,
        closed: Closure | None = None,
    ) -> None:
        """`closed`: why the whole terminal is, whatever its devices say; nobody can begin."""
        self._closed = closed
        self._settings = settings
        self._catalogue = catalogue
        self._clock = clock
        self._log = log
        self._run = run
        self._changed = changed
        self._new_id = new_id
        self._reasons = load_reasons()
        self._world = world_at_start(settings)
        self._reader = CardOnReader()
        self._slot = CardSlot()
        self._citizen: _Citizen | None = None
        self._preferences = Preferences()
        self._overlay: Overlay | None = None
        self._touched_s = clock.monotonic()
        self._warned_s: float | None = None  # since when the idle warning counts
        self._serial = 1
        self._situation = ""
        self._settled_s = -math.inf  # presses before this are meant for the page before
        self._last_press: tuple[Act, str, float] | None = None
        self._forward = True
        for fault in catalogue.faults:
            log("catalogue_fault", item=fault.item, field=fault.field, problem=fault.problem)
        self._situation = self._situation_now()
        self._view = self._make_view()

    @property
    def view(self) -> View:
        return self._view

    @property
    def session_id(self) -> str | None:
        """Id of the citizen's session; None at the start."""
        return self._citizen.id if self._citizen else None

    # -- the four ways in -----------------------------------------------------

    def act(self, action: Action) -> None:
        """A press. Dropped when it was meant for a page that is gone, or is the second of two."""
        self._come_alive()
        if self._is_meant(action):
            self._last_press = (action.act, action.argument, self._clock.monotonic())
            self._do(action)
        self._show()

    def touch(self) -> None:
        """Any touch. While the idle warning counts only its buttons speak: LEAVE is one of them."""
        self._come_alive()
        self._show()

    def handle(self, event: Event) -> None:
        """A device, the store or the centre has something to say."""
        self._learn(event)
        if isinstance(event, SmartCardInserted | SmartCardRemoved):
            self._dismiss_warning()  # somebody is there
            self._come_alive()
        if isinstance(event, CardFound | CardRemoved | KeyPressed | CodeScanned | CodeRefused):
            self._dismiss_warning()  # somebody is there
            self._come_alive()
        citizen = self._citizen
        if citizen is not None:
            self._bring_up_to_date()
            if citizen.take_away is not None:
                self._forget_cards()
                self._in_take_away(event)
            elif citizen.navigator is not None:
                self._carry_out(citizen.navigator.handle(event))
                self._after_navigator()
        self._show()

    def tick(self) -> None:
        """Time has passed."""
        citizen = self._citizen
        if citizen is not None:
            self._bring_up_to_date()
            if citizen.take_away is not None:
                self._in_take_away(None)
            elif citizen.navigator is not None:
                self._carry_out(citizen.navigator.tick())
                self._after_navigator()
        self._watch_idle()
        self._show()

    def abandon(self) -> None:
        """After a bug nobody knows what holds: whoever was here is wiped, and the start shown."""
        citizen, self._citizen = self._citizen, None
        navigator = citizen.navigator if citizen is not None else None
        left = [
            name
            for name, there in (("reader", self._reader), ("card_slot", self._slot))
            if there.present
        ]
        self._reader, self._slot = CardOnReader(), CardSlot()
        self._reset()
        if citizen is not None:
            number = navigator.context.case.card_number if navigator is not None else ""
            stops = (StopCamera(), StopWatchingForCard(), StopWatchingSocialCard())
            for effect in (*stops, EraseDraft(number)):
                self._run(effect)
            self._run(Wipe(citizen.id))
            if left:  # no page waits for it any more: a sound, and the staff
                self._run(Beep(Tone.TAKE_YOUR_THINGS))
                self._run(TellStaff("left_behind", ",".join(left)))
            seconds = round(self._clock.monotonic() - citizen.started_s)
            self._log("session_ended", session=citizen.id, reason="unexpected", seconds=seconds)
        self._show()

    # -- presses --------------------------------------------------------------

    def _is_meant(self, action: Action) -> bool:
        if action.page_serial != self._serial:
            return False
        now_s = self._clock.monotonic()
        act = action.act
        if now_s < self._settled_s and act not in NEW_PAGE_PRESSES and act is not Act.STAY:
            return False
        if act not in REPEATABLE and self._last_press is not None:
            last, argument, at_s = self._last_press
            if (last, argument) == (act, action.argument) and now_s - at_s < SETTLE_S:
                return False
        return True

    def _do(self, action: Action) -> None:
        if self._overlay is not None and self._in_overlay(action):
            return
        if self._is_tool(action):
            return
        citizen = self._citizen
        if citizen is None:
            if action.act is Act.START and not isinstance(self._page(), OutOfService):
                self._begin()
            return
        self._bring_up_to_date()
        if citizen.take_away is not None:
            step = citizen.take_away
            outcome = step.act(action)
            self._carry_out(outcome.effects)
            if outcome.move is not None:
                self._finish()
        elif citizen.navigator is None:
            self._at_home(action)
        elif action.act is Act.GO_HOME:
            self._go_home(citizen.navigator, action)
        else:
            self._carry_out(citizen.navigator.act(action))
            self._after_navigator()

    def _in_overlay(self, action: Action) -> bool:
        """Whether the press was the overlay's. What lies under an overlay is out of reach."""
        overlay = self._overlay
        match overlay:
            case IdleWarning() | LeaveQuestion():
                if action.act is Act.LEAVE:
                    self._end("left" if isinstance(overlay, LeaveQuestion) else "left_at_warning")
                elif action.act in (Act.STAY, Act.CLOSE_OVERLAY):
                    self._close_overlay()
                return True
            case HelpSheet() | TextSizeSheet():
                if action.act in (Act.CLOSE_OVERLAY, Act.STAY, Act.BACK):
                    self._close_overlay()
                    return True
                # tools go on working; anything else was pressed beside the sheet
                return not self._is_tool_act(action.act)
            case None:
                return False
            case _:
                assert_never(overlay)

    @staticmethod
    def _is_tool_act(act: Act) -> bool:
        return act in (
            Act.GO_HOME,
            Act.TOGGLE_LANGUAGE,
            Act.SHOW_TEXT_SIZES,
            Act.SET_TEXT_SIZE,
            Act.TOGGLE_CONTRAST,
            Act.TOGGLE_VOICE,
            Act.TOGGLE_ELDER,
            Act.TOGGLE_LOW_REACH,
            Act.SHOW_HELP,
        )

    def _is_tool(self, action: Action) -> bool:
        """The tool row, except home, which depends on where one is."""
        now = self._preferences
        match action.act:
            case Act.TOGGLE_LANGUAGE:
                self._prefer(replace(now, language="zh" if now.language == "en" else "en"))
            case Act.SHOW_TEXT_SIZES:
                self._open_overlay(TextSizeSheet())
            case Act.SET_TEXT_SIZE:
                if action.argument in list(TextSize):
                    self._prefer(replace(now, text_size=TextSize(action.argument)))
            case Act.TOGGLE_CONTRAST:
                self._prefer(replace(now, high_contrast=not now.high_contrast))
            case Act.TOGGLE_VOICE:
                self._prefer(replace(now, voice=not now.voice))
            case Act.TOGGLE_ELDER:
                size = TextSize.NORMAL if now.elder else TextSize.ELDER
                self._prefer(replace(now, elder=not now.elder, text_size=size))
            case Act.TOGGLE_LOW_REACH:
                self._prefer(replace(now, low_reach=not now.low_reach))
            case Act.SHOW_HELP:
                name = page_name(self._page())
                self._open_overlay(HelpSheet(name, self._settings.terminal.help_phone))
            case _:
                return False
        return True

    def _prefer(self, preferences: Preferences) -> None:
        self._preferences = preferences
        if self._citizen is not None and self._citizen.navigator is not None:
            self._citizen.navigator.context.preferences = preferences

    def _at_home(self, action: Action) -> None:
        match action.act:
            case Act.CHOOSE_ITEM:
                self._choose(action.argument)
            case Act.BACK | Act.FINISH:
                self._end("left")
            case _:
                pass

    def _go_home(self, navigator: Navigator, action: Action) -> None:
        """At once where nothing would be lost; not while it is being submitted."""
        case = navigator.context.case
        if case.sealed is not None or case.told:
            self._carry_out(navigator.act(replace(action, act=Act.FINISH)))
            self._after_navigator()
        elif navigator.step.kind in UNBREAKABLE and navigator.step.busy:
            return
        elif case.sheets_out:
            self._end("done")
        elif case.entered:
            self._open_overlay(LeaveQuestion())
        else:
            self._to_home()

    # -- the citizen's session ------------------------------------------------

    def _begin(self) -> None:
        self._citizen = _Citizen(self._new_id(), self._clock.monotonic())
        self._overlay = None
        self._forward = True
        self._log("session_started", session=self._citizen.id)

    def _choose(self, code: str) -> None:
        citizen, item = self._citizen, self._catalogue.find(code)
        if citizen is None:
            return
        if item is None:
            closed = any(closed.code == code for closed in self._catalogue.closed)
            if not closed:  # an address that nobody has; the code itself is not logged
                self._log("catalogue_fault", item="", field="", problem="unknown item chosen")
            return
        navigator = Navigator(self._context(citizen, item))
        citizen.navigator, citizen.item = navigator, item
        self._forward = True
        self._carry_out(navigator.start())
        self._after_navigator()

    def _context(self, citizen: _Citizen, item: Item) -> Context:
        return Context(
            session=citizen.id,
            item=item,
            catalogue=self._catalogue,
            reasons=self._reasons,
            settings=self._settings,
            world=self._world,
            reader=self._reader,
            slot=self._slot,
            case=Case(item.code, item.version),
            preferences=self._preferences,
            now=self._clock.utc(),
            monotonic_s=self._clock.monotonic(),
            idle_left_s=self._idle_left_s(),
        )

    def _bring_up_to_date(self) -> None:
        citizen = self._citizen
        if citizen is None:
            return
        for step in (citizen.navigator, citizen.take_away):
            if step is not None:
                step.context.now = self._clock.utc()
                step.context.monotonic_s = self._clock.monotonic()
                step.context.idle_left_s = self._idle_left_s()

    def _after_navigator(self) -> None:
        citizen = self._citizen
        navigator = citizen.navigator if citizen else None
        if citizen is None or navigator is None:
            return
        for kind in navigator.entered:
            item = navigator.context.item.code
            self._log("step_entered", session=citizen.id, step=kind.value, item=item)
        navigator.entered.clear()
        self._forward = navigator.forward
        match navigator.ended:
            case None:
                pass
            case ToHome() if navigator.context.case.entered:
                self._end("left")
            case ToHome():
                self._to_home()
            case Finish(reason=reason):
                self._end(reason)
            case _:
                assert_never(navigator.ended)

    def _to_home(self) -> None:
        """Back to the services, nothing entered. A card that lies there stays where it is."""
        citizen = self._citizen
        if citizen is None or citizen.navigator is None:
            return
        if (
            self._reader.present or self._slot.present
        ):  # whose it is was seen: take it and begin anew
            self._end("left")
            return
        if citizen.navigator.ended is None:
            self._carry_out(citizen.navigator.leave())
        citizen.navigator = None
        self._forward = False

    def _end(self, reason: str) -> None:
        """The only way out: everything of the person goes, then their things are waited for."""
        citizen = self._citizen
        if citizen is None:
            self._reset()
            return
        self._overlay, self._warned_s = None, None
        navigator, citizen.navigator = citizen.navigator, None
        number = ""
        camera_used = receipt = rated = thanks = sheets = False
        if navigator is not None:
            context = navigator.context
            if navigator.ended is None:
                self._carry_out(navigator.leave())
            number = context.case.card_number
            printing = context.case.printing
            camera_used = context.camera_used
            receipt = context.case.receipt_out or (printing is not None and printing.paper_out)
            sheets = context.case.sheets_out
            rated, thanks = context.case.rated, context.case.sealed is not None
        self._forget_cards()
        self._run(EraseDraft(number))
        self._run(Wipe(citizen.id))
        seconds = round(self._clock.monotonic() - citizen.started_s)
        self._log("session_ended", session=citizen.id, reason=reason, seconds=seconds)
        self._forward = True
        item = citizen.item
        # At the services nothing lies about, but for what was laid down since.
        if item is None or (navigator is None and not (self._reader.present or self._slot.present)):
            self._finish()
            return
        context = self._context(citizen, item)
        context.steps_entered = navigator.context.steps_entered if navigator else 0
        citizen.take_away = TakeAway(
            context,
            camera_used=camera_used,
            receipt=receipt,
            sheets=sheets,
            thanks=thanks,
            rated=rated,
        )
        outcome = citizen.take_away.enter()
        self._carry_out(outcome.effects)
        if outcome.move is not None:
            self._finish()
        else:
            kind = citizen.take_away.kind.value
            self._log("step_entered", session=citizen.id, step=kind, item=item.code)

    def _in_take_away(self, event: Event | None) -> None:
        citizen = self._citizen
        if citizen is None or citizen.take_away is None:
            return
        step = citizen.take_away
        scope = getattr(event, "scope", step.scope)
        if scope != step.scope:
            return
        outcome = step.tick() if event is None else step.handle(event)
        self._carry_out(outcome.effects)
        if outcome.move is not None:
            self._finish()

    def _finish(self) -> None:
        """Nothing of theirs is here any more, or nobody comes for it: the start."""
        citizen = self._citizen
        if citizen is None:
            return
        if citizen.take_away is not None:
            self._carry_out(citizen.take_away.leave())
            self._run(Wipe(citizen.id))  # the looks at the plate as well
        else:
            if self._reader.watched:
                self._run(StopWatchingForCard())
            if self._slot.watched:
                self._run(StopWatchingSocialCard())
        self._citizen = None
        self._reader.watched = self._reader.present = self._reader.reading = False
        self._slot.watched = self._slot.present = self._slot.reading = self._slot.failed = False
        self._forget_cards()
        self._reset()

    def _forget_cards(self) -> None:
        """Only that something lies or is in there is still known."""
        self._reader.forget_person()
        self._slot.forget_person()

    def _reset(self) -> None:
        """As the next person must find it."""
        self._preferences = Preferences()
        self._overlay, self._warned_s, self._last_press = None, None, None
        self._forward = True

    # -- time -----------------------------------------------------------------

    @property
    def _idle_s(self) -> int:
        window = self._settings.window
        return window.elder_idle_s if self._preferences.slow else window.idle_s

    @property
    def _warning_s(self) -> int:
        window = self._settings.window
        return window.elder_idle_warning_s if self._preferences.slow else window.idle_warning_s

    def _idle_left_s(self) -> int:
        return max(0, math.ceil(self._touched_s + self._idle_s - self._clock.monotonic()))

    def _come_alive(self) -> None:
        """Somebody is there. The warning is ended by its button only, so that LEAVE can be hit."""
        if self._warned_s is not None:
            return
        self._touched_s = self._clock.monotonic()
        self._bring_up_to_date()
        citizen = self._citizen
        if citizen is not None and citizen.navigator is not None:
            citizen.navigator.step.touched()

    def _watch_idle(self) -> None:
        now_s = self._clock.monotonic()
        if self._citizen is None:
            if now_s - self._touched_s >= self._idle_s:
                self._reset()  # somebody chose large letters and walked on
            return
        if self._citizen.take_away is not None:
            return
        if self._warned_s is not None:
            left_s = math.ceil(self._warned_s + self._warning_s - now_s)
            if left_s <= 0:
                self._end("timed_out")
            else:
                self._overlay = IdleWarning(left_s, self._warning_s)
            return
        navigator = self._citizen.navigator
        if navigator is not None and (navigator.step.busy or navigator.step.counts_down):
            self._touched_s = now_s  # a device works, or the page counts by itself
            return
        if now_s - self._touched_s < self._idle_s:
            return
        if navigator is not None:
            effects = navigator.idle_ended()
            if effects is not None:
                self._touched_s = now_s
                self._carry_out(effects)
                self._after_navigator()
                return
        self._warned_s = now_s
        self._open_overlay(IdleWarning(self._warning_s, self._warning_s))

    def _dismiss_warning(self) -> None:
        if self._warned_s is not None:
            self._close_overlay()

    # -- overlays -------------------------------------------------------------

    def _open_overlay(self, overlay: Overlay) -> None:
        self._overlay = overlay
        if isinstance(overlay, IdleWarning | LeaveQuestion):
            self._settle()  # a finger on its way must not hit LEAVE

    def _close_overlay(self) -> None:
        self._overlay, self._warned_s = None, None
        self._touched_s = self._clock.monotonic()

    def _settle(self) -> None:
        self._settled_s = self._clock.monotonic() + SETTLE_S

    # -- knowing --------------------------------------------------------------

    def _learn(self, event: Event) -> None:
        """What outlives the citizen."""
        photo = self._reader.photo_key
        self._reader.follow(event)
        self._slot.follow(event)
        if photo and photo != self._reader.photo_key:
            self._run(KeepPhoto(photo, b""))
        if self._reader.photo_key and photo != self._reader.photo_key:
            self._run(KeepPhoto(self._reader.photo_key, self._reader.photo))
        match event:
            case StatusChanged(device=device, status=status):
                self._world.statuses[device] = status
            case LineChanged(
                online=online, last_contact=last_contact, waiting=waiting, stopped=stopped
            ):
                self._world.online = online
                self._world.line_stopped = stopped
                if last_contact is not None:  # a process that just came up knows of none
                    self._world.last_contact = last_contact
                self._world.waiting = waiting
            case StorageChanged(usable=usable, tight=tight):
                self._world.storage_usable = usable
                self._world.storage_tight = tight
            case _:
                pass

    def _carry_out(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            self._run(effect)

    # -- showing --------------------------------------------------------------

    def _closures(self) -> dict[str, Closure | None]:
        open_or_not = {item.code: closure(item, self._world) for item in self._offered()}
        faulty = {closed.code: Closure.CATALOGUE for closed in self._catalogue.closed}
        return {**open_or_not, **faulty}

    def _offered(self) -> tuple[Item, ...]:
        return tuple(item for item in self._catalogue.items if offered(item, self._world))

    def _tiles(self) -> tuple[Tile, ...]:
        closures = self._closures()
        tiles = [
            Tile(
                item=item.code,
                name=item.name.words,
                icon=item.icon,
                minutes=item.minutes,
                bring=fill(item.bring, item, self._settings),
                closed=closures[item.code],
            )
            for item in self._offered()
        ]
        nothing = Words((("zh", ""),))
        tiles.extend(
            Tile(closed.code, closed.name, CLOSED_ICON, 0, nothing, Closure.CATALOGUE)
            for closed in self._catalogue.closed
        )
        return tuple(tiles)

    def _page(self) -> Page:
        citizen = self._citizen
        if citizen is None:
            nothing_open = (self._closed,) if self._closed else all_closed(self._closures())
            if nothing_open:
                return OutOfService(nothing_open)
            return Standby(self._tiles(), paper_receipt(self._world))
        if citizen.take_away is not None:
            return citizen.take_away.page()
        if citizen.navigator is not None:
            return citizen.navigator.page
        return Home(self._tiles())

    def _situation_now(self) -> str:
        citizen = self._citizen
        if citizen is None:
            return type(self._page()).__name__
        if citizen.take_away is not None:
            return "take_away"
        return citizen.navigator.situation if citizen.navigator is not None else "home"

    def _make_view(self) -> View:
        terminal = self._settings.terminal
        now, world = self._clock.utc(), self._world
        line = {None: Line.UNKNOWN, True: Line.ONLINE, False: Line.OFFLINE}[world.online]
        if world.line_stopped:
            line = Line.STOPPED
        minutes = None
        if world.last_contact is not None:
            minutes = max(0, int((now - world.last_contact).total_seconds() // 60))
        return View(
            page=self._page(),
            serial=self._serial,
            forward=self._forward,
            overlay=self._overlay,
            preferences=self._preferences,
            header=Header(
                centre=Words((("zh", terminal.centre_zh), ("en", terminal.centre_en))),
                terminal=Words((("zh", terminal.name_zh), ("en", terminal.name_en))),
                now=now.replace(second=0, microsecond=0),  # a clock of hours and minutes
                line=line,
                minutes_since_contact=minutes,
            ),
            steps=self._steps(),
        )

    def _steps(self) -> StepBar | None:
        navigator = self._citizen.navigator if self._citizen else None
        bars = navigator.bars if navigator is not None else None
        if navigator is None or bars is None:
            return None
        return StepBar(navigator.context.item.name.words, bars[0], bars[1])

    def _show(self) -> None:
        self._bring_up_to_date()
        situation = self._situation_now()
        if situation != self._situation:
            self._situation = situation
            self._serial += 1
            self._settle()
            if isinstance(self._overlay, HelpSheet):
                self._overlay = None  # it was about the page before
        view = self._make_view()
        if view != self._view:
            self._view = view
            self._changed(view)


def page_name(page: Page) -> str:
    """`PlaceIdCard` -> `place_id_card`: the page's name in help, texts and logs."""
    name = type(page).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
