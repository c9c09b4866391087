"""The town around one terminal: hub, devices, screen, terminal. Starts them, and ends them all.

`Town` lives in two fresh folders: one for data (below `var/`, or where told) and a short one for
sockets and device links. A file `town.json` beside the settings tells robot and dock where
everything is; a control socket answers hub_stop, hub_start, hub {arguments} and status.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rehearsal import control, processes
from rehearsal.control import Control, RequestError
from rehearsal.emulators.io_board import LAMPS
from rehearsal.emulators.world import StateFile

ROOT = Path(__file__).resolve().parent.parent
BASE = ROOT / "var"
DEVICES = (
    "id_reader",
    "camera",
    "code_scanner",
    "receipt_printer",
    "keypad",
    "io_board",
    "loudspeaker",
)
KEYPAD_MAKE = "framed_xor"  # the one with lamps and a voice
TERMINAL = "QS01"
SCREEN = (1080, 1920)
READY_S = 20.0  # an emulator is up in about a second; the machine may be busy
HUB_READY_S = 40.0
COMMAND_S = 60.0
CAMERA_SIZE = "1920x1080"
MARK = "REHEARSAL_TOWN"  # in the environment of everything that a town starts


class TownError(Exception):
    """Something did not come up; the text says what, and where its log is."""


@dataclass(slots=True)
class Plan:
    """What kind of town is wanted."""

    virtual_screen: bool = True
    settings: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict
    )  # over the town's own
    camera_size: str = CAMERA_SIZE
    haste: float = 1.0  # divides the time that cards and paper take
    base: Path = BASE
    smart_cards: bool = False  # a slot with the real pcscd; needs namespaces of its own
    # Also what no robot uses: an A4 printer behind a cupsd of its own, scans to a phone.
    for_person: bool = False
    with_hub: bool = True
    with_terminal: bool = True


class Town:
    """One rehearsal. Use as a context manager: leaving it ends everything."""

    def __init__(self, plan: Plan, say: Callable[[str], None] = lambda words: None) -> None:
        self.plan = plan
        self._say = say
        self._started_at = time.monotonic()
        plan.base.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=plan.base))
        self.runtime = Path(
            tempfile.mkdtemp(prefix="kiosk-")
        )  # short: a socket's path has 107 bytes
        self.logs = self.folder / "logs"
        self.receipts = self.folder / "receipts"
        self.settings_path = self.folder / "kiosk.toml"
        self.description_path = self.folder / "town.json"
        for folder in (self.logs, self.receipts, self.folder / "home", self.folder / "data"):
            folder.mkdir(mode=0o700)
        self.devices = {name: Control(self.runtime / f"{name}.sock") for name in DEVICES}
        if plan.smart_cards:
            self.devices["smart_card"] = Control(self.runtime / "smart_card.sock")
        self._spool: Path | None = None
        if plan.for_person and shutil.which("cupsd"):
            self._spool = Path(
                tempfile.mkdtemp(prefix="cups-")
            )  # open: filters have a user of their own
            self.devices["page_printer"] = Control(self.runtime / "page_printer.sock")
        self.worlds = {name: StateFile(self.runtime / f"{name}.json") for name in DEVICES}
        self.control_path = self.runtime / "town.sock"
        self.facts: dict[str, dict[str, Any]] = {}  # what each emulator said when it was ready
        self.bus_address = ""
        self.display = os.environ.get("DISPLAY", "")
        self._port_kept = _port_kept()
        self.hub_port: int = self._port_kept.getsockname()[1]
        self.hub_url = f"https://127.0.0.1:{self.hub_port}"
        self.hub_authority = self.folder / "hub" / "keys" / "ca.pem"
        self.staff_site = f"{self.hub_url}/staff/"
        self.staff_password = ""
        self.staff_name = ""
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._env = self._environment()
        if plan.smart_cards:
            # Read by the terminal, and by the hub: who holds the keys of the cards here.
            self._env["PCSCLITE_CSOCK_NAME"] = str(self.runtime / "pcscd" / "pcscd.comm")
            self._env["HUB_CARD_AUTHORITY"] = "reference"
        if self._spool is not None:
            self._env["CUPS_SERVER"] = str(self._spool / "run" / "cups.sock")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_control = asyncio.Event()
        self._control_thread: threading.Thread | None = None

    def __enter__(self) -> Town:
        processes.adopt_orphans()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def say(self, words: str) -> None:
        """Tell of progress, with the seconds since the start."""
        self._say(f"[{time.monotonic() - self._started_at:5.1f} s] {words}")

    def _environment(self) -> dict[str, str]:
        """What the children may know of their surroundings: a home of their own, nothing else."""
        home = self.folder / "home"
        kept = ("PATH", "LANG", "LC_ALL", "TZ", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        authority = os.environ.get("XAUTHORITY", str(Path.home() / ".Xauthority"))
        return {
            "LANG": "C.UTF-8",
            **env,
            "XAUTHORITY": authority,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_DATA_HOME": str(home / ".local"),
            "HUB_DATA": str(self.folder / "hub"),
            MARK: str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }

    # -- starting ---------------------------------------------------------------

    def start(self) -> None:
        """Bring everything up, side by side where nothing waits for the other. Raises TownError.

        Everything is started from the calling thread: a child dies with the thread that made it.
        """
        making = self._start_making_hub() if self.plan.with_hub else None
        emulators = self._start_emulators()
        if self.plan.virtual_screen:
            self._start_screen()
        enrolment = self._start_hub(making) if making else None
        self._emulators_ready(emulators)
        if self.plan.smart_cards:
            self._start_slot()
        if self._spool is not None:
            self._start_page_printer(self._spool)
        self._write_settings()
        self._describe()
        self._serve_control()
        if enrolment:
            self._hub_ready()
            code = self._finish_command("hub-enrol-code", enrolment)
            if self.plan.with_terminal:
                self._enrol(code)
        if self.plan.with_terminal:
            self.start_terminal()

    def child(self, name: str, *command: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        """Start a child that will be ended with the town; its words go to logs/<name>.log."""
        try:
            process = processes.start(
                command, log=self.logs / f"{name}.log", env=self._env, cwd=ROOT, stdout=stdout
            )
        except OSError as error:
            raise TownError(f"{name}: {error}") from error
        self._children[name] = process
        return process

    def command(self, name: str, *command: str) -> str:
        """Run a command to its end and answer what it printed. Raises TownError."""
        return self._finish_command(name, self.child(name, *command, stdout=subprocess.PIPE))

    def _finish_command(self, name: str, process: subprocess.Popen[bytes]) -> str:
        try:
            out, _ = process.communicate(timeout=COMMAND_S)
        except subprocess.TimeoutExpired:
            processes.end(process)
            raise TownError(f"{name} takes more than {COMMAND_S:.0f} s") from None
        finally:
            self._children.pop(name, None)
        if process.returncode != 0:
            raise TownError(
                f"{name} ended with {process.returncode}: {out.decode(errors='replace')[-300:]}"
                f" (see {self.logs / name}.log)"
            )
        return out.decode()

    def hub(self, *arguments: str) -> str:
        """`python -m hub …`. Raises TownError."""
        return self.command(f"hub-{arguments[0]}", sys.executable, "-m", "hub", *arguments)

    def kiosk(self, *arguments: str) -> tuple[str, ...]:
        """The terminal's command line, of the same checkout."""
        return (sys.executable, "-m", "kiosk", *arguments)

    def _start_making_hub(self) -> subprocess.Popen[bytes]:
        self.say("hub: making a new one")
        return self.child(
            "hub-init", sys.executable, "-m", "hub", "init", "--json", stdout=subprocess.PIPE
        )

    def _start_hub(self, making: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Start serving and, beside it, ask for the code with which the terminal enrols."""
        made = json.loads(self._finish_command("hub-init", making).strip().splitlines()[-1])
        self.staff_password = str(made.get("password") or "")
        self.staff_name = str(made.get("user") or "")
        self._start_serving()
        return self.child(
            "hub-enrol-code",
            sys.executable, "-m", "hub", "enrol-code", TERMINAL, "--json",
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def hub_start(self) -> None:
        """Start the hub and wait until it answers."""
        if not self._alive("hub"):
            self._start_serving()
            self._hub_ready()

    def _start_serving(self) -> None:
        self.child(
            "hub", sys.executable, "-m", "hub", "serve", "--host", "127.0.0.1",
            "--port", str(self.hub_port),
        )  # fmt: skip

    def _hub_ready(self) -> None:
        until = time.monotonic() + HUB_READY_S
        trusted = ssl.create_default_context(cafile=str(self.hub_authority))
        while time.monotonic() < until:
            if not self._alive("hub"):
                raise TownError(f"the hub ended at once (see {self.logs / 'hub.log'})")
            try:
                address = f"{self.hub_url}/api/v1/health"
                with urllib.request.urlopen(address, timeout=2, context=trusted):  # noqa: S310
                    self.say(f"hub: answers at {self.hub_url}")
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise TownError(f"the hub does not answer (see {self.logs / 'hub.log'})")

    def hub_stop(self) -> None:
        """Stop the hub, as if the line were cut."""
        self._end("hub")
        self.say("hub: stopped")

    def _start_emulators(self) -> dict[str, subprocess.Popen[bytes]]:
        places: dict[str, tuple[str, ...]] = {
            "id_reader": (
                "--link",
                str(self.runtime / "dev/id_reader"),
                "--haste",
                str(self.plan.haste),
            ),
            "camera": ("--size", self.plan.camera_size),
            "code_scanner": ("--link", str(self.runtime / "dev/code_scanner")),
            "receipt_printer": ("--out", str(self.receipts), "--haste", str(self.plan.haste)),
            "keypad": ("--link", str(self.runtime / "dev/keypad"), "--make", KEYPAD_MAKE),
            "io_board": ("--link", str(self.runtime / "dev/io_board")),
            "loudspeaker": ("--folder", str(self.folder / "voice")),
        }
        return {
            name: self.child(
                name,
                sys.executable, "-m", f"rehearsal.emulators.{name}",
                "--control", str(self.devices[name].path),
                "--state", str(self.worlds[name].path), *places[name],
                stdout=subprocess.PIPE,
            )
            for name in DEVICES
        }  # fmt: skip

    def _start_slot(self) -> None:
        """It starts a pcscd of its own, which takes a second."""
        process = self.child(
            "smart_card",
            sys.executable, "-m", "rehearsal.emulators.smart_card",
            "--folder", str(self.runtime / "pcscd"),
            "--control", str(self.devices["smart_card"].path),
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self.facts["smart_card"] = json.loads(self._first_line("smart_card", process))
        self.say("devices: smart_card is there")

    def _start_page_printer(self, spool: Path) -> None:
        """Without it everything else can be rehearsed: where cupsd does not come up, it is said."""
        process = self.child(
            "page_printer",
            sys.executable, "-m", "rehearsal.emulators.page_printer",
            "--folder", str(spool), "--control", str(self.devices["page_printer"].path),
            stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            self.facts["page_printer"] = json.loads(self._first_line("page_printer", process))
        except TownError as error:
            self._end("page_printer")
            del self.devices["page_printer"]
            self.say(f"no A4 printer: {error}")
            return
        self.say(f"devices: page_printer is there, its sheets are in {spool / 'paper'}")

    def _emulators_ready(self, started: Mapping[str, subprocess.Popen[bytes]]) -> None:
        for name, process in started.items():
            self.facts[name] = json.loads(self._first_line(name, process))
        self.say(f"devices: {', '.join(DEVICES)} are there")

    def _first_line(self, name: str, process: subprocess.Popen[bytes]) -> bytes:
        """The ready line of a child whose output we hold."""
        if process.stdout is None:
            raise TownError(f"{name} was started without a pipe")
        descriptor = process.stdout.fileno()
        line = b""
        until = time.monotonic() + READY_S
        while not line.endswith(b"\n"):
            left = until - time.monotonic()
            readable = select.select([descriptor], [], [], max(0.0, left))[0]
            data = os.read(descriptor, 1) if readable else b""
            if not data:
                raise TownError(f"{name} does not come up (see {self.logs / name}.log)")
            line += data
        return line

    def _start_screen(self) -> None:
        """A screen that nobody looks at, and a bus on which the window can be read."""
        width, height = SCREEN
        xvfb = self.child(
            "xvfb", "Xvfb", "-displayfd", "1", "-screen", "0", f"{width}x{height}x24",
            "-nolisten", "tcp", "-noreset", stdout=subprocess.PIPE,
        )  # fmt: skip
        self.display = f":{self._first_line('xvfb', xvfb).decode().strip()}"
        runtime = self.runtime / "xdg"
        runtime.mkdir(mode=0o700)
        self.bus_address = f"unix:path={self.runtime / 'bus'}"
        for name in ("WAYLAND_DISPLAY", "XAUTHORITY"):
            self._env.pop(name, None)
        self._env |= {
            "DISPLAY": self.display,
            "XDG_RUNTIME_DIR": str(runtime),
            "DBUS_SESSION_BUS_ADDRESS": self.bus_address,
            "QT_QPA_PLATFORM": "xcb",
            "QT_QUICK_BACKEND": "software",
        }
        bus = self.child(
            "dbus", "dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog",
            "--print-address=1", f"--address={self.bus_address}", stdout=subprocess.PIPE,
        )  # fmt: skip
        self._first_line("dbus", bus)
        self.say(f"screen: {width}x{height} on display {self.display}")

    def _write_settings(self) -> None:
        dev = self.runtime / "dev"
        printer = self.facts["receipt_printer"]
        width, height = SCREEN
        sections: dict[str, dict[str, object]] = {
            "terminal": {"code": TERMINAL},
            "paths": {
                "data": str(self.folder / "data"),
                "logs": str(self.logs),
                "runtime": str(self.runtime / "kiosk"),
            },
            "window": {"width": width, "height": height, "full_screen": self.plan.virtual_screen},
            # One terminal, watched: its line's return is noticed at once, it takes nobody's turn.
            "hub": {
                "url": self.hub_url,
                "idle_poll_s": 2.0,
                "longest_retry_s": 4.0,
                "spread_s": 0.0,
            },
            "id_reader": {"url": f"serial://{dev / 'id_reader'}?baud=115200"},
            "document_camera": {"url": self.facts["camera"]["url"]},
            "code_scanner": {"url": f"serial://{dev / 'code_scanner'}?baud=9600"},
            "receipt_printer": {
                "url": f"tcp://{printer['host']}:{printer['port']}",
                "paper_mm": 80,
            },
            "keypad": {"url": f"serial://{dev / 'keypad'}?baud=9600", "make": KEYPAD_MAKE},
            "io_board": {
                "url": f"serial://{dev / 'io_board'}?baud=9600",
                "kind": "modbus",
                "lamps": {name: number for number, name in enumerate(LAMPS, start=1)},
            },
            "voice": {"url": f"file://{self.folder / 'voice'}"},
        }
        if self.plan.smart_cards:
            reader = self.facts["smart_card"]["readers"][0]
            sections["card_reader"] = {"url": f"pcsc://{reader}"}
        if self.plan.for_person:
            sections["hub"]["phone_url"] = self.hub_url  # for a browser on this machine
        if "page_printer" in self.facts:
            sections["page_printer"] = {"url": f"cups://{self.facts['page_printer']['queue']}"}
        for name, values in self.plan.settings.items():
            sections[name] = {**sections.get(name, {}), **values}
        self.settings_path.write_text(
            "# Written for one rehearsal.\n" + _toml(sections), encoding="utf-8"
        )

    def _describe(self) -> None:
        self.description_path.write_text(
            json.dumps(
                {
                    "folder": str(self.folder),
                    "settings": str(self.settings_path),
                    "logs": str(self.logs),
                    "receipts": str(self.receipts),
                    "display": self.display,
                    "bus": self.bus_address,
                    "screen": list(SCREEN),
                    "hub_url": self.hub_url,
                    "town": str(self.control_path),
                    "devices": {name: str(wire.path) for name, wire in self.devices.items()},
                    "worlds": {name: str(file.path) for name, file in self.worlds.items()},
                },
                indent=1,
            ),
            encoding="utf-8",
        )

    def _enrol(self, said: str) -> None:
        answer = json.loads(said.strip().splitlines()[-1])
        code = str(answer.get("code") or answer.get("enrol_code") or "")
        if not code:
            raise TownError("the hub gave no enrolment code")
        self.command("enrol", *self.kiosk("enrol", code, "--settings", str(self.settings_path)))
        self.say(f"terminal: enrolled as {TERMINAL}, with a certificate of its own")

    def start_terminal(self) -> None:
        """Start window, vision and sync; does not wait for the window."""
        self.child("kiosk", *self.kiosk("run", "--settings", str(self.settings_path)))
        self.say("terminal: started")

    def crash_terminal(self) -> None:
        """Kill the window's process as a power cut would; its children notice by themselves."""
        process = self._children.pop("kiosk", None)
        if process:
            process.kill()
            process.wait(processes.KILL_WAIT_S)
        self.say("terminal: killed")

    def restart_terminal(self) -> None:
        """As systemd does after a crash."""
        self.crash_terminal()
        self.start_terminal()

    def stop_terminal(self) -> int:
        """Ask the terminal to end; answers its exit code."""
        process = self._children.pop("kiosk", None)
        return processes.end(process) if process else 0

    def terminal_ended(self) -> int | None:
        """The exit code of the terminal if it is no longer there."""
        process = self._children.get("kiosk")
        return process.poll() if process else None

    def process_of(self, name: str) -> int:
        """The id of one of our children's processes. Raises TownError when it is not there."""
        process = self._children.get(name)
        if process is None or process.poll() is not None:
            raise TownError(f"{name} is not running (see {self.logs / name}.log)")
        return process.pid

    def _alive(self, name: str) -> bool:
        process = self._children.get(name)
        return process is not None and process.poll() is None

    def _end(self, name: str) -> None:
        process = self._children.pop(name, None)
        if process:
            processes.end(process)

    # -- the town's own control socket --------------------------------------------

    def _serve_control(self) -> None:
        up = threading.Event()

        def live() -> None:
            async def main() -> None:
                server = await control.serve(self.control_path, self._handle)
                self._loop = asyncio.get_running_loop()
                up.set()
                await self._stop_control.wait()
                server.close()

            asyncio.run(main())

        self._control_thread = threading.Thread(target=live, name="town-control", daemon=True)
        self._control_thread.start()
        if not up.wait(READY_S):
            raise TownError("the town's control socket does not come up")

    async def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            match request["do"]:
                case "hub_stop":
                    await asyncio.to_thread(self.hub_stop)
                case "hub_start":
                    await asyncio.to_thread(self.hub_start)
                case "hub":
                    arguments = [str(part) for part in request["arguments"]]
                    return {"out": await asyncio.to_thread(self.hub, *arguments)}
                case "restart_terminal":
                    await asyncio.to_thread(self.restart_terminal)
                case "status":
                    pass
                case other:
                    raise RequestError(f"cannot do {other!r}")
        except TownError as error:
            raise RequestError(str(error)) from error
        return {
            "hub": self._alive("hub"),
            "terminal": self._alive("kiosk"),
            "hub_url": self.hub_url,
            "staff_site": self.staff_site,
        }

    # -- ending -----------------------------------------------------------------

    def close(self) -> list[int]:
        """End everything, the terminal first; answers ids of what had been left by others."""
        if self._loop and self._control_thread:
            self._loop.call_soon_threadsafe(self._stop_control.set)
            self._control_thread.join(READY_S)
            self._loop = None
        mark = f"{MARK}={self.folder}"
        seen = processes.marked(os.getpid(), mark)
        for name in ("kiosk", "dock"):  # while there still is a screen to leave
            self._end(name)
        for process in self._children.values():  # all at once; each is waited for below
            if process.poll() is None:
                process.terminate()
        for name in list(self._children):
            self._end(name)
        left = processes.end_marked(mark, seen)
        self._port_kept.close()
        shutil.rmtree(self.runtime, ignore_errors=True)
        if self._spool is not None:
            shutil.rmtree(self._spool, ignore_errors=True)
        return left

    def remove(self) -> None:
        """Remove the data folder: a rehearsal leaves nothing behind."""
        shutil.rmtree(self.folder, ignore_errors=True)


def date_of_rehearsal() -> date:
    """Today where the terminal stands."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def _port_kept() -> socket.socket:
    """Bound and never listening: the hub can listen there, again and again, and meanwhile the system
    gives the port to nobody who connects somewhere and needs any."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    return kept


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    """Strings, numbers and truth values as TOML, and one level of tables with such in them."""
    lines: list[str] = []
    for name, values in sections.items():
        lines.append(f"\n[{name}]")
        lines += [f"{key} = {_toml_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _toml_value(value: object) -> str:
    """JSON writes strings, numbers and truth values as TOML does."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml_value(held)}" for key, held in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
