"""What a screen reader sees of the window: AT-SPI over D-Bus, in plain Python.

Only what is showing is read. What lies under an overlay is still "showing" to AT-SPI, so the
page and the overlay are told apart by their ids, and only what belongs to the uppermost is
offered for pressing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from jeepney import DBusAddress, Message, MessageType, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

ATSPI = "org.a11y.atspi."
ROOT = "/org/a11y/atspi/accessible/root"
PROPERTIES = "org.freedesktop.DBus.Properties"
REPLY_TIMEOUT_S = 5.0
SHOWING, ENABLED, SENSITIVE, FOCUSED = 1 << 25, 1 << 8, 1 << 24, 1 << 12
PANE, BUTTON, TEXT_ENTRY, STATIC_TEXT = 39, 43, 61, 29
PRESSABLE = frozenset({7, BUTTON, 32, 44, 62, 31, 35, 8, TEXT_ENTRY})  # check box, list item, …
MOMENT_S = 2.0  # pages that come and go by themselves do so within
PATIENT_PAUSE_S = 0.25
REPLY_SERIAL = 5  # header field of the D-Bus wire format

PAGES = frozenset(
    {
        "standby", "home", "service_guide", "consent", "consent_declined", "place_id_card",
        "card_problem", "confirm_identity", "draft_found", "earlier_application", "form",
        "capture_page", "check_page", "review", "sign", "submitting", "submit_problem", "accepted",
        "rating", "rating_reasons", "take_away", "scan_receipt", "progress_result",
        "out_of_service",
        "insert_social_card", "social_card_problem", "new_pin", "changing_password",
        "password_result",
    }
)  # fmt: skip
OVERLAYS = frozenset(
    {"idle_warning", "leave_question", "help_sheet", "text_size_sheet", "help", "text_sizes"}
)


class BlindError(Exception):
    """The bus or the window does not answer."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing on the screen."""

    path: str
    parent: str
    role: int
    states: int
    name: str = field(repr=False)  # may be personal: a value that is shown
    id: str = ""
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0

    @property
    def enabled(self) -> bool:
        return bool(self.states & ENABLED)

    @property
    def middle(self) -> tuple[int, int]:
        return self.x + self.width // 2, self.y + self.height // 2

    @property
    def area(self) -> int:
        return max(0, self.width) * max(0, self.height)


@dataclass(frozen=True, slots=True)
class Sight:
    """All that was showing at one moment, in reading order of the tree."""

    nodes: tuple[Node, ...]

    def _first(self, ids: frozenset[str]) -> Node | None:
        found = [node for node in self.nodes if node.id in ids and node.area]
        return found[-1] if found else None  # a page that slides in comes after the one that goes

    @property
    def page(self) -> Node | None:
        return self._first(PAGES)

    @property
    def pages(self) -> list[str]:
        return [node.id for node in self.nodes if node.id in PAGES and node.area]

    @property
    def overlay(self) -> Node | None:
        return self._first(OVERLAYS)

    @property
    def situation(self) -> str:
        """What a person would call what they see: the overlay if there is one, else the page."""
        top = self.overlay or self.page
        return top.id if top else ""

    def below(self, root: Node) -> list[Node]:
        inside = {root.path}
        found = []
        for node in self.nodes:  # parents come before children
            if node.parent in inside:
                inside.add(node.path)
                found.append(node)
        return found

    def reachable(self) -> list[Node]:
        """What can be touched: of the overlay if one is open; otherwise everything but a page
        that is just sliding away."""
        if self.overlay:
            return self.below(self.overlay)
        page = self.page
        gone: set[str] = set()
        for node in self.nodes:
            if node.id in PAGES and node != page:
                gone |= {node.path, *(below.path for below in self.below(node))}
        return [node for node in self.nodes if node.path not in gone]

    def controls(self) -> list[Node]:
        """What can be pressed, each with an area on the screen."""
        return [
            node
            for node in self.reachable()
            if node.area and (node.role in PRESSABLE or (node.id and node.role not in (PANE, 0)))
        ]

    def find(self, *wanted: str) -> Node | None:
        """The control with one of these ids, else with one of these names; ids first, in order.

        An id ending in ":*" matches any argument."""
        controls = self.controls()
        for want in wanted:
            for node in controls:
                if node.id == want or (want.endswith("*") and node.id.startswith(want[:-1])):
                    return node
        for want in wanted:
            for node in controls:
                if node.name == want:
                    return node
        return None

    def any(self, *ids: str) -> Node | None:
        """Whatever has one of these ids, pressable or not."""
        for want in ids:
            for node in self.reachable():
                if node.id == want and node.area:
                    return node
        return None

    def texts(self) -> list[str]:
        """Every word that is showing."""
        return [node.name for node in self.reachable() if node.name]


class Eyes:
    """A connection to the accessibility bus. Use from one thread."""

    def __init__(self, bus: str = "SESSION", width: int = 10_000, height: int = 10_000) -> None:
        """`bus`: address of the session bus. Raises BlindError."""
        self._bus_address = bus
        self._size = (width, height)
        self._connection: DBusConnection | None = None
        self._window = ""
        self._switch_on()

    def _switch_on(self) -> None:
        """Say that somebody reads the screen, and find the accessibility bus."""
        try:
            with contextlib.closing(open_dbus_connection(self._bus_address)) as session:
                status = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Status")
                session.send_and_get_reply(
                    Properties(status).set("IsEnabled", "b", True), timeout=REPLY_TIMEOUT_S
                )
                session.send_and_get_reply(
                    Properties(status).set("ScreenReaderEnabled", "b", True),
                    timeout=REPLY_TIMEOUT_S,
                )
                bus = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
                reply = session.send_and_get_reply(
                    new_method_call(bus, "GetAddress"), timeout=REPLY_TIMEOUT_S
                )
            if reply.header.message_type == MessageType.error:
                raise BlindError(f"no accessibility bus: {reply.body}")
            self._connection = open_dbus_connection(reply.body[0])
        except (OSError, TimeoutError, KeyError) as error:
            raise BlindError(f"no accessibility bus: {error}") from error

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    # -- the wire ---------------------------------------------------------------

    def _many(self, messages: list[Message]) -> list[tuple[object, ...] | None]:
        """Send all, then gather all answers; None where there was none or an error."""
        if self._connection is None:
            raise BlindError("closed")
        order = []
        for message in messages:
            serial = next(self._connection.outgoing_serial)
            self._connection.send(message, serial=serial)
            order.append(serial)
        missing = set(order)
        answers: dict[int, tuple[object, ...] | None] = {}
        until = time.monotonic() + REPLY_TIMEOUT_S
        while missing:
            try:
                reply = self._connection.receive(timeout=max(0.01, until - time.monotonic()))
            except (TimeoutError, OSError) as error:
                raise BlindError(f"the window does not answer: {type(error).__name__}") from error
            serial = reply.header.fields.get(REPLY_SERIAL)
            if serial in missing:
                missing.discard(serial)
                good = reply.header.message_type == MessageType.method_return
                answers[serial] = reply.body if good else None
        return [answers[serial] for serial in order]

    @staticmethod
    def _call(
        window: str, path: str, interface: str, method: str, signature: str = "", *body: object
    ) -> Message:
        return new_method_call(
            DBusAddress(path, window, interface), method, signature or None, body
        )

    def _find_window(self) -> str:
        """The bus name of the program that shows one of our pages."""
        registry = "org.a11y.atspi.Registry"
        [children] = self._many([self._call(registry, ROOT, ATSPI + "Accessible", "GetChildren")])
        names = [name for name, _path in children[0]] if children else []
        for name in reversed(names):
            with contextlib.suppress(BlindError):
                sight = self._read(name)
                if sight.page or len(names) == 1:
                    return name
        return ""

    def look(self) -> Sight:
        """Read the window once; nothing showing where there is no window."""
        return self._see(whole=True)

    def glance(self) -> Sight:
        """Only which page and which overlay are there, not what stands on them: a look that
        costs the window a tenth of a whole one."""
        return self._see(whole=False)

    def _see(self, *, whole: bool) -> Sight:
        if not self._window:
            self._window = self._find_window()
        if not self._window:
            return Sight(())
        sight = self._read(self._window, whole=whole)
        if len(sight.nodes) <= 1:  # the root alone: the program has gone
            self._window = ""
            return Sight(())
        return sight

    def _read(self, window: str, *, whole: bool = True) -> Sight:
        accessible, component = ATSPI + "Accessible", ATSPI + "Component"
        nodes: list[Node] = []
        level: list[tuple[str, str]] = [(ROOT, "")]
        while level:
            first = self._many(
                [
                    message
                    for path, _ in level
                    for message in (
                        self._call(window, path, accessible, "GetState"),
                        self._call(window, path, accessible, "GetChildren"),
                    )
                ]
            )
            states = [_states(answer) for answer in first[0::2]]
            alive = [
                (path, parent, state, kids)
                for (path, parent), state, kids in zip(level, states, first[1::2], strict=True)
                if state & SHOWING or ROOT in {path, parent}
            ]
            facts = self._many(
                [
                    message
                    for path, *_ in alive
                    for message in (
                        self._call(window, path, accessible, "GetRole"),
                        self._call(window, path, component, "GetExtents", "u", 0),
                        self._call(window, path, PROPERTIES, "Get", "ss", accessible, "Name"),
                        self._call(
                            window, path, PROPERTIES, "Get", "ss", accessible, "AccessibleId"
                        ),
                    )
                ]
            )
            level = []
            for n, (path, parent, state, kids) in enumerate(alive):
                role, extents, name, own_id = facts[4 * n : 4 * n + 4]
                x, y, width, height = _extents(extents)
                nodes.append(
                    Node(
                        path,
                        parent,
                        int(role[0]) if role else 0,  # type: ignore[call-overload]
                        state,
                        _variant(name),
                        _own_id(_variant(own_id)),
                        x,
                        y,
                        width,
                        height,
                    )
                )
                if kids and (whole or not _leads_nowhere(nodes[-1])):
                    level += [(child, path) for _owner, child in kids[0]]  # type: ignore[attr-defined]
        return Sight(tuple(nodes))

    def text_of(self, node: Node) -> str:
        """What stands in a text field."""
        [answer] = self._many(
            [self._call(self._window, node.path, ATSPI + "Text", "GetText", "ii", 0, -1)]
        )
        return str(answer[0]) if answer else ""

    def description_of(self, node: Node) -> str:
        """What a screen reader says after the name: of a closed service, why it is closed."""
        accessible = ATSPI + "Accessible"
        [answer] = self._many(
            [
                self._call(
                    self._window, node.path, PROPERTIES, "Get", "ss", accessible, "Description"
                )
            ]
        )
        return _variant(answer)


def _leads_nowhere(node: Node) -> bool:
    """Below a page or a control there is no other page."""
    return node.id in PAGES or node.id in OVERLAYS or node.role in PRESSABLE


def _states(answer: tuple[object, ...] | None) -> int:
    if not answer:
        return 0
    low, high = answer[0]  # type: ignore[misc]
    return int(low) | int(high) << 32


def _extents(answer: tuple[object, ...] | None) -> tuple[int, int, int, int]:
    if not answer:
        return 0, 0, 0, 0
    x, y, width, height = answer[0]  # type: ignore[misc]
    return x, y, width, height


def _own_id(text: str) -> str:
    """The id that QML gave. Where it gave none, Qt makes one of the object names above it, or of
    the class where there is no name: the last part is its own."""
    last = text.rsplit(".", 1)[-1]
    return "" if "_QMLTYPE_" in last or "_QML_" in last or last.startswith("QQuick") else last


def _variant(answer: tuple[object, ...] | None) -> str:
    return str(answer[0][1]) if answer else ""  # type: ignore[index]


def polled(deadline_s: float, pause_s: float = 0.1) -> Iterator[float]:
    """Seconds gone, again and again until `deadline_s`; the last time is after it. What has not
    come after a moment is looked for less often, so that waiting costs the machine little."""
    started = time.monotonic()
    while True:
        gone = time.monotonic() - started
        yield gone
        if gone > deadline_s:
            return
        time.sleep(pause_s if gone < MOMENT_S else max(pause_s, PATIENT_PAUSE_S))
