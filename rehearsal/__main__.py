"""`python -m rehearsal run | robot | dock | idle`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

CAMERA = "1920x1080"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="rehearsal", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    run = commands.add_parser(
        "run", help="Hub, devices and terminal; a person or the robot uses it."
    )
    run.add_argument("--out", type=Path, default=Path("out"))
    run.add_argument("--keep", action="store_true", help="Keep the rehearsal's data folder.")
    run.add_argument("--base", type=Path, help="Where the data folder is made; else var.")
    run.add_argument("--robot", action="store_true", help="The robot, on a screen of its own.")
    run.add_argument("--camera", default=CAMERA, help="Width x height of the camera's pictures.")

    robot = commands.add_parser("robot", help="The robot citizen plays scenarios.")
    robot.add_argument("--scenario", default="happy", help="One or several with commas, or all.")
    robot.add_argument("--settings", type=Path, help="Of a running rehearsal; none: its own.")
    robot.add_argument("--out", type=Path, default=Path("out"))
    robot.add_argument("--keep", action="store_true", help="Keep the rehearsal's data folder.")
    robot.add_argument("--base", type=Path, help="Where the data folder is made; else var.")
    robot.add_argument("--camera", default=CAMERA, help="Width x height of the camera's pictures.")

    dock = commands.add_parser("dock", help="A window to put cards and papers on the devices.")
    dock.add_argument("--settings", type=Path, required=True, help="Of a running rehearsal.")

    idle = commands.add_parser("idle", help="What the terminal costs while nobody is there.")
    idle.add_argument("--seconds", type=float, default=20.0, help="How long it is measured.")
    idle.add_argument("--base", type=Path, help="Where the data folder is made; else var.")

    given = parser.parse_args(arguments)
    match given.command:
        case "run":
            from rehearsal.run import run as do_run  # noqa: PLC0415 - Qt, X and D-Bus only where used

            return do_run(
                given.out,
                keep=given.keep,
                robot=given.robot,
                camera_size=given.camera,
                base=given.base,
            )
        case "robot":
            from rehearsal.robot.scenarios import SCENARIOS, find_scenario  # noqa: PLC0415 - Qt, X and D-Bus only where used
            from rehearsal.run import robot as do_robot  # noqa: PLC0415 - Qt, X and D-Bus only where used

            names = list(SCENARIOS) if given.scenario == "all" else given.scenario.split(",")
            unknown = [name for name in names if find_scenario(name) is None]
            if unknown:
                parser.error(
                    f"no such scenario: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}"
                )
            if given.settings and not given.settings.exists():
                print(f"{given.settings}: there is no such rehearsal", file=sys.stderr)
                return 3
            return do_robot(
                given.out,
                names,
                given.settings,
                keep=given.keep,
                camera_size=given.camera,
                base=given.base,
            )
        case "idle":
            from rehearsal.idle import run as do_idle  # noqa: PLC0415 - Qt, X and D-Bus only where used

            return do_idle(given.seconds, given.base)
        case _:
            from rehearsal.dock.window import main as do_dock  # noqa: PLC0415 - Qt, X and D-Bus only where used

            return do_dock(given.settings)


if __name__ == "__main__":
    sys.exit(main())
