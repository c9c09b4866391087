"""What the dock can do, without a window: every action is one request to a control socket.

Requests run on one thread of their own, so that a slow device never holds the window."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal.control import ControlError
from rehearsal.existing import ExistingTown
from rehearsal.people import Person, people
from rehearsal.town import date_of_rehearsal

LOOK_S = 0.7  # between two looks at the devices

Task = Callable[[], str]


class Desk:
    """Hands for the devices of a running town."""

    def __init__(
        self,
        town: ExistingTown,
        told: Callable[[str], None],
        seen: Callable[[dict[str, Any]], None],
    ) -> None:
        """`told` takes a sentence about what was done, `seen` the state of all devices; both are
        called on the desk's own thread."""
        self.town = town
        self.people = people(date_of_rehearsal())
        self._told = told
        self._seen = seen
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="dock-desk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._tasks.put(None)
        self._thread.join(5.0)

    def _work(self) -> None:
        while True:
            try:
                task = self._tasks.get(timeout=LOOK_S)
            except queue.Empty:
                self._seen(self.look())
                continue
            if task is None:
                return
            try:
                self._told(task())
            except ControlError as error:
                self._told(f"没有做成 / not done: {error}")
            self._seen(self.look())

    def look(self) -> dict[str, Any]:
        """The state of every device, {} for one that does not answer, and of the town."""
        state: dict[str, Any] = {}
        for name, wire in self.town.devices.items():
            try:
                state[name] = wire.ask("status")
            except ControlError:
                state[name] = {}
        try:
            state["town"] = self.town.status()
        except ControlError:
            state["town"] = {}
        return state

    def ask(self, device: str, do: str, done: str, **arguments: Any) -> None:
        """Put a request to a device into the queue; `done` is said afterwards."""

        def task() -> str:
            self.town.devices[device].ask(do, **arguments)
            return done

        self._tasks.put(task)

    # -- things one does -----------------------------------------------------------

    def place_card(self, person: Person, *, second: bool = False) -> None:
        """`second`: another card lies beside it, as in a wallet."""
        done = "放了两张卡 / two cards placed" if second else "身份证已放上 / card placed"
        self.ask("id_reader", "place_card", done, card=person.card(), second=second)

    def place_social_card(self) -> None:
        self.ask(
            "id_reader", "place_card", "社保卡已放上 / social card placed", card={"kind": "social"}
        )

    def place_page(self, person: Person, *, glare: bool, dim: bool, rotation: float) -> None:
        self.ask(
            "camera",
            "place_paper",
            "户口簿页已放上 / register page placed",
            builtin="household_register",
            page=person.page(),
            glare=glare,
            dim=0.3 if dim else 1.0,
            rotation=rotation,
        )

    def place_picture(self, path: Path, *, glare: bool, dim: bool, rotation: float) -> None:
        self.ask(
            "camera",
            "place_paper",
            f"图片已放上 / picture placed: {path.name}",
            picture=str(path),
            width_mm=190,
            height_mm=134,
            glare=glare,
            dim=0.3 if dim else 1.0,
            rotation=rotation,
        )

    def hold_receipt(self, *, scanner: bool) -> None:
        """The QR of the last receipt to the scanner or to the camera."""

        def task() -> str:
            codes = self.town.devices["receipt_printer"].ask("last")["qr"]
            if not codes:
                return "还没有打出带二维码的回执 / no receipt with a QR yet"
            if scanner:
                self.town.devices["code_scanner"].ask("scan", text=codes[-1])
                return "已扫码 / scanned"
            self.town.devices["camera"].ask("show_code", text=codes[-1])
            return "回执举在摄像头下 / receipt held to the camera"

        self._tasks.put(task)

    def set_hub(self, *, up: bool) -> None:
        def task() -> str:
            if up:
                self.town.hub_start()
                return "平台已启动 / hub started"
            self.town.hub_stop()
            return "平台已停止 / hub stopped"

        self._tasks.put(task)
