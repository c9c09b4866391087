"""A town that somebody else has started, reached through its `town.json` and control socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rehearsal.control import Control
from rehearsal.emulators.world import StateFile


class ExistingTown:
    """What robot and dock may do in a running rehearsal."""

    def __init__(self, description: Path) -> None:
        """Raises OSError or ValueError where there is no rehearsal."""
        facts: dict[str, Any] = json.loads(description.read_text(encoding="utf-8"))
        self.devices = {name: Control(Path(path)) for name, path in facts["devices"].items()}
        self.worlds = {name: StateFile(Path(path)) for name, path in facts["worlds"].items()}
        self.receipts = Path(facts["receipts"])
        self.logs = Path(facts["logs"])
        self.display: str = facts["display"]
        self.bus_address: str = facts["bus"]
        self._town = Control(Path(facts["town"]))

    @classmethod
    def beside(cls, settings: Path) -> ExistingTown | None:
        """The rehearsal whose settings file this is, if it is one."""
        description = settings.parent / "town.json"
        return cls(description) if description.is_file() else None

    def hub(self, *arguments: str) -> str:
        return str(self._town.ask("hub", arguments=list(arguments))["out"])

    def hub_stop(self) -> None:
        self._town.ask("hub_stop")

    def hub_start(self) -> None:
        self._town.ask("hub_start")

    def restart_terminal(self) -> None:
        self._town.ask("restart_terminal")

    def status(self) -> dict[str, Any]:
        return self._town.ask("status")
