"""`kiosk`: one command line. Imports the command library only; each command loads what it needs.

Exit codes: 0 done · 2 bad use, or not built yet · 3 not there or lost · 4 every other fault.
With `--json`, answers are JSON lines; a fault is `{"ok": false, "fault": "...", "detail": "..."}`.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import typer.exceptions

if TYPE_CHECKING:
    from typing_extensions import Buffer

DEFAULT_SETTINGS = Path("/etc/kiosk/kiosk.toml")

app = typer.Typer(
    name="kiosk",
    help="Software of a government self-service terminal (政务服务自助终端).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# `readable=False`: whether a file can be read is the command's to tell, a line a file, exit 3.
SettingsPath = Annotated[
    Path,
    typer.Option(
        "--settings", envvar="KIOSK_SETTINGS", readable=False, help="The terminal's settings file."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer with JSON lines.")]
Files = Annotated[list[Path], typer.Argument(help="Pictures.", show_default=False, readable=False)]


@app.command()
def run(
    settings: SettingsPath = DEFAULT_SETTINGS,
    fullscreen: Annotated[
        bool, typer.Option("--fullscreen", help="Full screen, whatever the settings say.")
    ] = False,
) -> None:
    """Start the terminal: window, vision and sync."""
    from kiosk.entry.window import main as start

    raise typer.Exit(start(settings, fullscreen))


@app.command()
def keep(
    settings: SettingsPath = DEFAULT_SETTINGS,
    fullscreen: Annotated[
        bool, typer.Option("--fullscreen", help="Full screen, whatever the settings say.")
    ] = False,
) -> None:
    """Start the terminal and keep it running: a window that ended or stands still begins anew."""
    from kiosk.entry.keeper import main as start

    raise typer.Exit(start(settings, fullscreen))


@app.command()
def robot(
    settings: Annotated[
        Path | None, typer.Option("--settings", help="Of a running rehearsal; none: its own.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for pictures and records.")] = Path("out"),
) -> None:
    """Rehearsal: a robot citizen does one application in the real window."""
    of_town = ("--settings", str(settings)) if settings else ()
    raise typer.Exit(_module("rehearsal", "robot", *of_town, "--out", str(out)))


@app.command()
def dock(settings: SettingsPath = DEFAULT_SETTINGS) -> None:
    """Rehearsal: a window in which one places cards and papers on emulated devices."""
    raise typer.Exit(_module("rehearsal", "dock", "--settings", str(settings)))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def hub(context: typer.Context) -> None:
    """The reference central platform: init, serve, enrol-code, show and more."""
    raise typer.Exit(_module("hub", *context.args))


@app.command()
def enrol(
    code: Annotated[str, typer.Argument(help="The one-time code that the hub gave.")],
    settings: SettingsPath = DEFAULT_SETTINGS,
    json: Json = False,
) -> None:
    """Make this terminal known to the hub."""
    from kiosk.entry.commands import enrol as command

    raise typer.Exit(command.run(settings, code, json=json))


@app.command()
def gallery(
    out: Annotated[Path, typer.Option(help="Folder for the pictures and index.html.")] = Path(
        "out/gallery"
    ),
) -> None:
    """Draw every screen in every theme, language and size."""
    from kiosk.entry.commands import gallery as command

    raise typer.Exit(command.run(out))


@app.command()
def scan(files: Files, json: Json = False) -> None:
    """Read the QR codes and barcodes in pictures."""
    from kiosk.entry.commands import scan as command

    raise typer.Exit(command.run(files, json=json))


@app.command()
def page(
    files: Files,
    json: Json = False,
    plate: Annotated[
        Path | None, typer.Option("--plate", readable=False, help="Picture of the empty plate.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(readable=False, help="Folder for the straightened pages.")
    ] = None,
) -> None:
    """Find, straighten and judge the page in pictures."""
    from kiosk.entry.commands import page as command

    raise typer.Exit(command.run(files, json=json, plate=plate, out=out))


@app.command()
def cache(
    action: Annotated[
        str,
        typer.Argument(help="status, check, salvage, tray, again, handled, slip, export or wipe."),
    ] = "status",
    what: Annotated[
        str, typer.Argument(help="The item, as the tray names it; or the folder to export to.")
    ] = "",
    settings: SettingsPath = DEFAULT_SETTINGS,
    json: Json = False,
) -> None:
    """What waits on this terminal, and what the hub would not take."""
    from kiosk.entry.commands import cache as command

    raise typer.Exit(command.run(settings, action, what, json=json))


@app.command()
def sync(
    action: Annotated[str, typer.Argument(help="status or once.")] = "status",
    settings: SettingsPath = DEFAULT_SETTINGS,
    json: Json = False,
) -> None:
    """The line to the hub: its state, or send once what waits."""
    from kiosk.entry.commands import sync_once as command

    raise typer.Exit(command.run(settings, action, json=json))


@app.command()
def catalogue(
    folder: Annotated[
        Path | None, typer.Argument(readable=False, help="Folder of items; none: those that ship.")
    ] = None,
    json: Json = False,
) -> None:
    """Check service items and list them."""
    from kiosk.entry.commands import catalogue as command

    raise typer.Exit(command.run(folder, json=json))


@app.command("settings")
def settings_command(
    file: Annotated[
        Path | None, typer.Argument(readable=False, help="A settings file to check.")
    ] = None,
    describe: Annotated[bool, typer.Option("--describe", help="Print every field.")] = False,
    json: Json = False,
) -> None:
    """Check a settings file, naming the field and the line of every fault; or describe all fields."""
    from kiosk.entry.commands import settings as command

    raise typer.Exit(command.run(file, describe=describe, json=json))


@app.command()
def idcard(
    *,
    port: Annotated[
        str, typer.Option("--port", help="serial:///dev/…?baud=115200, tcp://…, usb://… or hid://…")
    ],
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for a card.")] = 20.0,
    json: Json = False,
) -> None:
    """Read one ID card and show what stands on it."""
    from kiosk.entry.commands import idcard as command

    raise typer.Exit(command.run(port, timeout_s=timeout, json=json))


@app.command()
def smartcard(
    reader: Annotated[
        str, typer.Option("--reader", help="Name of the PC/SC reader, or how it begins.")
    ] = "",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for a card.")] = 20.0,
    settings: SettingsPath = DEFAULT_SETTINGS,
    json: Json = False,
) -> None:
    """Read one smart card over PC/SC."""
    from kiosk.entry.commands import smartcard as command

    raise typer.Exit(command.run(settings, reader, timeout_s=timeout, json=json))


@app.command()
def receipt(
    *,
    printer: Annotated[str, typer.Option("--printer", help="tcp://host:9100 or serial:///dev/…")],
    file: Annotated[Path | None, typer.Argument(readable=False, help="A receipt as JSON.")] = None,
    sample: Annotated[
        str,
        typer.Option(
            "--sample",
            help="accepted, delivered, reprint, to_follow, papers, papers_elsewhere, rare_name or test.",
        ),
    ] = "",
    language: Annotated[str, typer.Option("--language", help="Of a sample: zh or en.")] = "zh",
    width: Annotated[int, typer.Option("--width", help="Of the paper: 58 or 80 mm.")] = 80,
    confirm: Annotated[str, typer.Option("--confirm", help="status or process_id.")] = "status",
    status: Annotated[bool, typer.Option("--status", help="Print nothing; say how it is.")] = False,
    json: Json = False,
) -> None:
    """Print one receipt and wait until the printer says that it is out."""
    from kiosk.entry.commands import receipt as command

    code = command.run(
        printer,
        file,
        sample_name=sample,
        language=language,
        paper_mm=width,
        confirm=confirm,
        status=status,
        json=json,
    )
    raise typer.Exit(code)


@app.command()
def diag(
    what: Annotated[
        str,
        typer.Argument(
            help="devices: what each is now; plate: the picture and scale of the plate."
        ),
    ] = "devices",
    action: Annotated[
        str, typer.Argument(help="plate: status, target, scale or empty.")
    ] = "status",
    settings: SettingsPath = DEFAULT_SETTINGS,
    out: Annotated[Path, typer.Option(help="plate target: the PDF to print.")] = Path(
        "plate-target.pdf"
    ),
    json: Json = False,
) -> None:
    """What every device is now; the plate's picture and scale."""
    from kiosk.entry.commands.answer import bad_use
    from kiosk.entry.commands.settings_file import load_settings
    from kiosk.settings import Settings

    if what == "devices" and action != "status":
        raise typer.Exit(bad_use("devices takes no action", json=json))
    if what not in ("devices", "plate"):
        raise typer.Exit(bad_use(f"nothing to look at is called {what[:40]!r}", json=json))
    if what == "plate":
        from kiosk.entry.commands.diag_plate import ACTIONS

        if action not in ACTIONS:
            raise typer.Exit(bad_use(f"plate: {', '.join(ACTIONS)}", json=json))
    loaded = load_settings(settings, json=json)
    if not isinstance(loaded, Settings):
        raise typer.Exit(int(loaded))
    if what == "devices":
        from kiosk.entry.commands import diag_devices

        raise typer.Exit(diag_devices.run(loaded, json=json))
    from kiosk.entry.commands import diag_plate

    raise typer.Exit(diag_plate.run(loaded, action, out, json=json))


BENCHES = ("codes", "pages", "ocr", "camera", "cache", "sync", "hub", "fleet", "devices", "idle")


@app.command()
def bench(
    what: Annotated[str, typer.Argument(help=f"What to measure: {', '.join(BENCHES)}.")],
    corpus: Annotated[
        Path | None, typer.Option("--corpus", help="Folder of pictures to measure on.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure, side by side with a peer or a limit."""
    import importlib
    import importlib.util

    if what not in BENCHES:
        from kiosk.entry.commands.answer import bad_use

        raise typer.Exit(bad_use(f"nothing to measure is called {what[:40]!r}", json=json))
    name = f"kiosk.entry.commands.bench.{what}"
    if importlib.util.find_spec(name) is None:
        raise typer.Exit(_not_built(f"bench {what}", json))
    raise typer.Exit(importlib.import_module(name).run(corpus, json=json))


def _not_built(command: str, json: bool) -> int:
    from kiosk.entry.commands.answer import not_built

    return not_built(command, json=json)


def _module(module: str, *arguments: str) -> int:
    """Hand over to a program of another room, in its own process."""
    import importlib.util
    import subprocess

    if importlib.util.find_spec(module) is None:
        print(f"{module} is not installed on this terminal", file=sys.stderr)
        return 3
    try:
        return subprocess.call([sys.executable, "-m", module, *arguments])  # noqa: S603 - ours
    except KeyboardInterrupt:
        return 130


class UnwritableError(Exception):
    """What the command says goes nowhere: a full disk, a closed pipe."""


class _Output(io.FileIO):
    """Standard output, told apart from every other file that an OSError may be about."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise UnwritableError(error.strerror) from None


def main() -> None:
    """Entry point of the `kiosk` script. Answers are UTF-8 whatever the locale says: a name that
    the locale cannot write is no reason to lose the card."""
    out, err = sys.stdout, sys.stderr
    if isinstance(err, io.TextIOWrapper):
        err.reconfigure(encoding="utf-8", errors="backslashreplace")
    if not isinstance(out, io.TextIOWrapper):  # closed from the start
        _answer()
        return
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Output(out.fileno(), "w", closefd=False)),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=out.line_buffering or out.write_through,
    )
    try:
        try:
            _answer()
        finally:
            sys.stdout.flush()
    except UnwritableError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())  # the rest goes nowhere, quietly
        print(f"the answer cannot be written: {error}", file=err)
        sys.exit(4)


def _answer() -> None:
    """Run the command. Bad use is answered as JSON where JSON was asked for."""
    if "--json" not in sys.argv[1:]:
        app()
        return
    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        sys.exit(130)
    except typer.exceptions.TyperException as error:  # a missing, unknown or impossible argument
        from kiosk.entry.commands.answer import bad_use

        sys.exit(bad_use(str(error) or "see --help", json=True))
    sys.exit(code if isinstance(code, int) else 0)
