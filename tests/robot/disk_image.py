"""One disk of a terminal in use, searched whole for the people who used it.

    python tests/robot/disk_image.py --work DIR

The real window works on an ext4 file system of its own: data, logs, run-time folder, with it the home
of every process, their temporary files and the dictionary of the keyboard. One citizen applies and
types pinyin, one walks away from a half-filled form, and the window dies of a crash signal while a
third one's data stands on it, with core files allowed as far as the account may. Then every byte of
the image is searched, files, erased files and journal, for names, numbers, addresses, phones
and accounts in every encoding. Not on it: the spool of the A4 printer, which is its server's. Needs root and a loop device; some minutes, most of them searching. The last line says: searched N bytes, found 0
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent / "offline_cache")]

from power_cuts import NO_ROOT, mounted, possible  # noqa: E402

from rehearsal.people import people  # noqa: E402
from rehearsal.robot.citizen import Errand  # noqa: E402
from rehearsal.robot.perform import citizen_in, perform  # noqa: E402
from rehearsal.robot.scenarios import Stage, self_errand  # noqa: E402
from rehearsal.secrets import leaks_in  # noqa: E402
from rehearsal.town import Plan, Town, date_of_rehearsal  # noqa: E402

IMAGE_MB = 256
CONTROL = "对照者甲"  # written on the disk on purpose: the search must find it


def use(town: Town, screens: Path) -> list[str]:
    """What the citizens do; what went wrong, in words."""
    with citizen_in(town, screens, print) as citizen:
        stage = Stage(citizen, town, print)
        wrong = [
            f"{scenario}: {why}"
            for scenario in ("happy", "leaving:form")
            if (why := perform(stage, scenario).why)
        ]
        third: Errand = self_errand(stage, relative_name=())
        citizen.begin(third)
        citizen.go(third, "form")
        citizen.answer(third, "phone")
        window = town.process_of("kiosk")
        hard = resource.prlimit(window, resource.RLIMIT_CORE)[1]
        if hard != 0:
            wrong.append("the window may leave a core file")
        os.kill(window, signal.SIGABRT)
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, window, os.WEXITED | os.WNOWAIT)
    return wrong


def cores(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.glob("core*") if path.is_file()]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    if not possible():
        print(NO_ROOT)
        return 3
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    image, before = work / "disk.img", cores(ROOT)
    with image.open("wb") as file:
        file.truncate(IMAGE_MB << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    with mounted(image, work / "disk") as disk:
        (disk / "control").write_text(CONTROL, encoding="utf-16-le")
        paths = {name: str(disk / name) for name in ("data", "logs", "runtime")}
        with Town(Plan(base=work, settings={"paths": paths})) as town:
            town.start()
            wrong = use(town, work / "screens")
            os.sync()
        folders = sorted({str(it.parent.relative_to(disk)) for it in disk.rglob("*")})
        left = cores(disk, *disk.rglob("*"))
        os.sync()
    wrong += [f"a core file: {path.name}" for path in {*cores(ROOT), *left} - {*before}]
    content = image.read_bytes()
    everyone = [people(date_of_rehearsal())[key] for key in ("zhang_lan", "li_xiaomei")]
    secrets = [secret for person in everyone for secret in person.secrets()]
    found = leaks_in(content, "the image", secrets)
    if not leaks_in(content, "the image", [CONTROL]):
        wrong.append("the search finds nothing at all")
    print("folders:", ", ".join(folders))
    for leak in found:
        print(f"secret {leak.which} in {leak.shape}")
    for why in wrong:
        print(why)
    print(f"searched {len(content)} bytes, found {len(found)}")
    shutil.rmtree(work, ignore_errors=True)
    return 0 if not found and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
