"""`python -m rehearsal run`: the whole of it, once; what `make run` does."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rehearsal.existing import ExistingTown
from rehearsal.people import people
from rehearsal.robot.eyes import BlindError
from rehearsal.robot.perform import Result, citizen_in, perform
from rehearsal.robot.scenarios import SLOT, Stage, attachments, rating, settings_for
from rehearsal.secrets import leaks
from rehearsal.town import BASE, Plan, Town, TownError, date_of_rehearsal

SUMMARY_LINES = 10
# Every screen of the slice but `submitting`: it stands for a second, and on a busy machine the
# citizen may look past it.
SCREENS = frozenset(
    [
        "standby",
        "home",
        "service_guide",
        "consent",
        "place_id_card",
        "confirm_identity",
        "form",
        "capture_page",
        "check_page",
        "review",
        "sign",
        "accepted",
        "rating",
        "take_away",
    ]
)


class InterruptError(Exception):
    """Ctrl+C or SIGTERM."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM become an exception, so that everything is ended in order."""

    def interrupt(number: int, _frame: object) -> None:
        raise InterruptError(signal.Signals(number).name)

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def say(words: str) -> None:
    print(words, flush=True)


def fresh(out: Path) -> None:
    """Empty what an earlier run left in `out`, and only that."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("screens", "run.log.d"):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in ("receipt.png", "submitted.pdf", "record.json", "results.json"):
        (out / name).unlink(missing_ok=True)


def run(out: Path, *, keep: bool, robot: bool, camera_size: str, base: Path | None = None) -> int:
    """With a display, for a person; without one (or with `robot`), the robot citizen. Exit code."""
    alone = robot or not has_display()
    fresh(out)
    plan = Plan(
        virtual_screen=alone, camera_size=camera_size, base=base or BASE, for_person=not alone
    )
    with interruptible():
        town = Town(plan, say)
        code = 1
        try:
            with town:
                town.start()
                code = _by_robot(town, out) if alone else _by_person(town)
        except InterruptError as word:
            say(f"{word}: everything has been ended")
            code = 130
        except (TownError, BlindError) as error:
            say(f"not rehearsed: {error}")
        finally:
            _keep_logs(town, out)
            if keep:
                say(f"kept: {town.folder}")
            else:
                town.remove()
    return code


def _keep_logs(town: Town, out: Path) -> None:
    with contextlib.suppress(OSError):
        shutil.copytree(town.logs, out / "run.log.d", dirs_exist_ok=True)


def _by_person(town: Town) -> int:
    """Open the dock and wait until the terminal or the dock is closed, or Ctrl+C."""
    town.child(
        "dock", sys.executable, "-m", "rehearsal", "dock", "--settings", str(town.settings_path)
    )
    town.say("dock: opened beside the terminal")
    say(
        f"hub's staff site: {town.staff_site}  user {town.staff_name}  password {town.staff_password}"
    )
    say(
        "  a browser warns that it does not know the hub's own authority: go on,"
        f" or import {town.hub_authority}"
    )
    say("Ctrl+C ends everything.")
    while town.terminal_ended() is None:
        time.sleep(0.2)
    return town.terminal_ended() or 0


def _by_robot(town: Town, out: Path) -> int:
    with citizen_in(town, out / "screens", town.say) as citizen:
        stage = Stage(citizen, town, town.say)
        result = perform(stage, "happy")
    record: dict[str, Any] = stage.facts.get("record", {})
    gathered = _gather(town, stage, record, out)
    code = town.stop_terminal()
    searched, found = leaks(
        (town.logs,),
        (secret for person in people(date_of_rehearsal()).values() for secret in person.secrets()),
    )
    pictured = {path.stem.partition("-")[2] for path in stage.citizen.album.paths}
    unseen = sorted(set(SCREENS) - pictured)
    good = (
        not (result.why or unseen)
        and bool(gathered["pdf"] and gathered["receipt"])
        and bool(rating(record))
        and bool(attachments(record))
    )
    logs = f"{searched} files, {len(found)} times personal data; terminal ended with {code}"
    lines = _summary(town, result, stage, record=record, gathered=gathered, logs=logs)
    say("")
    for line in lines[:SUMMARY_LINES]:
        say(line)
    if unseen:
        say(f"  without a picture: {' '.join(unseen)}")
    for leak in found[:20]:
        say(f"  personal data: {leak.file}, as {leak.shape}")
    return 0 if good and not found else 1


def _gather(town: Town, stage: Stage, record: dict[str, Any], out: Path) -> dict[str, Any]:
    """Leave in `out` what one wants to look at."""
    gathered: dict[str, Any] = {"receipt": "", "pdf": ""}
    receipt = stage.receipt()["path"]
    if receipt:
        shutil.copyfile(receipt, out / "receipt.png")
        gathered["receipt"] = str(out / "receipt.png")
    if record:
        (out / "record.json").write_text(
            json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        pdf = out / "submitted.pdf"
        try:
            _export(town, stage, record, pdf)
        except TownError as error:
            town.say(str(error))
        if pdf.is_file() and pdf.read_bytes()[:5] == b"%PDF-":
            gathered["pdf"] = str(pdf)
    return gathered


def _export(town: Town, stage: Stage, record: dict[str, Any], pdf: Path) -> None:
    for attachment in attachments(record):
        if attachment.get("media_type") == "application/pdf":
            code = str(attachment["code"])
            town.hub("export-attachment", stage.facts["number"], code, str(pdf.resolve()))
            return


def _summary(
    town: Town,
    result: Result,
    stage: Stage,
    *,
    record: dict[str, Any],
    gathered: dict[str, Any],
    logs: str,
) -> list[str]:
    rated = rating(record) or {}
    held = attachments(record)
    printer = stage.printer()
    odd = {**printer["unknown"], **printer["odd"]}
    return [
        "-- one application, all the way --",
        f"citizen      {'done' if not result.why else result.why} in {result.seconds:.0f} s",
        f"screens      {len(stage.citizen.album.paths)} pictures: {' '.join(result.met)}",
        f"number       {stage.facts.get('number', 'none')}",
        f"hub          application {'held' if record else 'MISSING'}, {len(held)} attachments",
        f"rating       {rated.get('level', 'MISSING')} by {rated.get('channel', '-')}",
        f"receipt      {gathered['receipt'] or 'MISSING'}"
        + (f" (printer wonders: {odd})" if odd else ""),
        f"submitted    {gathered['pdf'] or 'MISSING'}",
        f"logs         {logs}",
        f"staff site   {town.staff_site} (ended now; user {town.staff_name},"
        f" one-time password was {town.staff_password or 'not told'})",
    ]


def robot(
    out: Path,
    scenarios: list[str],
    settings: Path | None,
    *,
    keep: bool,
    camera_size: str,
    base: Path | None = None,
) -> int:
    """Play scenarios, in a running rehearsal if `settings` belong to one, else in a town of its own
    for each group of scenarios that share their settings. Exit code."""
    existing = ExistingTown.beside(settings) if settings else None
    if settings and existing is None:
        say(f"{settings}: not the settings of a rehearsal (no town.json beside it)")
        return 3
    fresh(out)
    results: list[Result] = []
    try:
        with interruptible():
            if existing:
                results = _play(existing, scenarios, out, say)
            else:
                groups: dict[tuple[str, bool], list[str]] = {}
                for name in scenarios:
                    wanted = json.dumps(settings_for(name)), name in SLOT
                    groups.setdefault(wanted, []).append(name)
                for (settings_wanted, slot), names in groups.items():
                    plan = Plan(
                        settings=json.loads(settings_wanted),
                        smart_cards=slot,
                        camera_size=camera_size,
                        base=base or BASE,
                    )
                    results += _own_town(plan, names, out, keep)
    except InterruptError as word:
        say(f"{word}: everything has been ended")
        return 130
    (out / "results.json").write_text(
        json.dumps({result.scenario: result.why for result in results}, indent=1) + "\n",
        encoding="utf-8",
    )
    return _tell(results)


def _own_town(plan: Plan, names: list[str], out: Path, keep: bool) -> list[Result]:
    town = Town(plan, say)
    try:
        with town:
            town.start()
            results = _play(town, names, out, town.say)
            town.stop_terminal()
            secrets = [s for p in people(date_of_rehearsal()).values() for s in p.secrets()]
            searched, found = leaks((town.logs,), secrets)
            places = ", ".join(sorted({f"{leak.file} ({leak.shape})" for leak in found}))
            why = f"personal data in {places}" if found else ""
            results.append(Result(f"{searched} logs without personal data", 0.0, why, ()))
            return results
    except (TownError, BlindError) as error:
        return [Result(name, 0.0, str(error), ()) for name in names]
    finally:
        _keep_logs(town, out)
        if not keep:
            town.remove()


def _play(town: Any, names: list[str], out: Path, tell: Callable[[str], None]) -> list[Result]:
    results = []
    with citizen_in(town, out / "screens", tell) as citizen:
        stage = Stage(citizen, town, tell)
        for name in names:
            tell(f"-- {name}")
            results.append(perform(stage, name))
            tell(f"-- {name}: {results[-1].why or 'passed'}")
    return results


def _tell(results: list[Result]) -> int:
    say("")
    for result in results:
        say(
            f"{'FAILED' if result.why else 'passed'}  {result.scenario}  {result.seconds:.0f} s  {result.why}"
        )
    return 1 if any(result.why for result in results) or not results else 0
