"""An A4 printer behind a real cupsd of its own: own settings, own spool, a Unix socket.

The system's CUPS is never touched. What is printed lies in `--folder`/paper as PDF.

Control: paper_out [after_sheets], refill, cover_open, cover_close, offline, online, jam {sheet},
slow {sheet_s}, pause, keep_jobs {on}, daemon_stop, daemon_start, status.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from rehearsal import processes
from rehearsal.control import RequestError
from rehearsal.emulators.base import dispatch, parser, run

QUEUE = "A4"
HERE = Path(__file__).resolve().parent
SYSTEM_BIN = Path("/usr/lib/cups")
SPOOL_USER = "lp"  # the user under whom CUPS runs its filters; Debian makes it
UP_S = 10.0
LOOK_S = 0.05
FULL_TRAY = 250

FILES_CONF = """\
{user}SystemGroup root
ServerRoot {root}/etc
ServerBin {root}/bin
DataDir /usr/share/cups
StateDir {root}/run
RequestRoot {root}/spool
CacheDir {root}/cache
TempDir {root}/spool/tmp
AccessLog {root}/log/access_log
ErrorLog {root}/log/error_log
PageLog {root}/log/page_log
"""
CONF = """\
LogLevel warn
MaxLogSize 0
Listen {root}/run/cups.sock
Browsing No
WebInterface No
DefaultAuthType Basic
IdleExitTimeout 0
PreserveJobHistory {keep}
PreserveJobFiles {keep}
<Location />
  Order deny,allow
  Allow all
</Location>
<Policy default>
  JobPrivateAccess all
  JobPrivateValues none
  SubscriptionPrivateAccess all
  SubscriptionPrivateValues none
  <Limit All>
    Order deny,allow
    Allow all
  </Limit>
</Policy>
"""
WELL = {"paper": FULL_TRAY, "cover_open": False, "offline": False, "jam_at": 0, "sheet_s": 0.05}


class PagePrinter:
    """`folder`: everything of this CUPS; `folder`/paper: the printer and what it printed."""

    name = "page_printer"

    def __init__(self, folder: Path, *, keep_jobs: bool = False) -> None:
        self._root = folder.resolve()
        self._paper = self._root / "paper"
        self._socket = self._root / "run" / "cups.sock"
        self._keep_jobs = keep_jobs
        self._daemon: subprocess.Popen[bytes] | None = None

    async def start(self) -> dict[str, Any]:
        root = self._root
        for name in ("etc", "run", "spool/tmp", "cache", "log", "bin/backend", "paper"):
            (root / name).mkdir(parents=True, exist_ok=True)
        root.chmod(0o755)  # filters run as another user
        as_root = os.geteuid() == 0
        if as_root:
            shutil.chown(root / "spool" / "tmp", SPOOL_USER, pwd.getpwnam(SPOOL_USER).pw_gid)
        for name in ("filter", "daemon", "driver", "monitor", "notifier", "cgi-bin"):
            link = root / "bin" / name
            if not link.exists():
                link.symlink_to(SYSTEM_BIN / name)
        backend = root / "bin" / "backend" / "rehearsal"
        shutil.copyfile(HERE / "page_printer_backend.py", backend)
        backend.chmod(0o700)  # closed to others: CUPS then runs it as root, which owns the folder
        user = f"User {SPOOL_USER}\nGroup {SPOOL_USER}\n" if as_root else ""
        files_conf = FILES_CONF.format(root=root, user=user)
        (root / "etc" / "cups-files.conf").write_text(files_conf, encoding="utf-8")
        self._change(**WELL)
        await self._start_daemon({})
        await self._lpadmin(
            "-p",
            QUEUE,
            "-E",
            "-v",
            f"rehearsal:{self._paper}",
            "-P",
            str(HERE / "page_printer.ppd"),
        )
        return {"server": str(self._socket), "queue": QUEUE, "paper": str(self._paper)}

    async def stop(self) -> None:
        await self._stop_daemon({})

    # -- cupsd --------------------------------------------------------------------

    async def _start_daemon(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._daemon is not None:
            return self._status({})
        root = self._root
        conf = CONF.format(root=root, keep="Yes" if self._keep_jobs else "No")
        (root / "etc" / "cupsd.conf").write_text(conf, encoding="utf-8")
        self._socket.unlink(missing_ok=True)
        arguments = [
            "-c",
            str(root / "etc" / "cupsd.conf"),
            "-s",
            str(root / "etc/cups-files.conf"),
        ]
        self._daemon = subprocess.Popen(
            ["cupsd", "-f", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
            start_new_session=True,
            preexec_fn=processes.die_with_parent,  # noqa: PLW1509 - no other thread runs here yet
        )
        deadline = asyncio.get_running_loop().time() + UP_S
        while not self._socket.exists():
            if asyncio.get_running_loop().time() > deadline or self._daemon.poll() is not None:
                raise RequestError("cupsd did not come up")
            await asyncio.sleep(LOOK_S)
        return self._status({})

    async def _stop_daemon(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._daemon is not None:
            self._daemon.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._daemon.wait, UP_S)
            if self._daemon.poll() is None:
                self._daemon.kill()
                await asyncio.to_thread(self._daemon.wait)
            self._daemon = None
        return self._status({})

    async def _lpadmin(self, *arguments: str, program: str = "lpadmin") -> None:
        process = await asyncio.create_subprocess_exec(
            program,
            "-h",
            str(self._socket),
            *arguments,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, words = await asyncio.wait_for(process.communicate(), UP_S)
        if process.returncode:
            raise RequestError(f"{program}: {words.decode(errors='replace').strip()}")

    # -- control ------------------------------------------------------------------

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        return await dispatch(
            {
                "paper_out": lambda r: self._change(paper=int(r.get("after_sheets", 0))),
                "refill": lambda r: self._change(paper=FULL_TRAY),
                "cover_open": lambda r: self._change(cover_open=True),
                "cover_close": lambda r: self._change(cover_open=False),
                "offline": lambda r: self._change(offline=True),
                "online": lambda r: self._change(offline=False),
                "jam": lambda r: self._change(jam_at=int(r.get("sheet", 1))),
                "slow": lambda r: self._change(sheet_s=float(r["sheet_s"])),
                "well": lambda r: self._change(**WELL),
                "pause": self._pause,
                "keep_jobs": self._keep,
                "daemon_stop": self._stop_daemon,
                "daemon_start": self._start_daemon,
                "status": self._status,
            },
            request,
        )

    async def _pause(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._lpadmin(QUEUE, program="cupsdisable")
        return self._status(request)

    async def _keep(self, request: dict[str, Any]) -> dict[str, Any]:
        self._keep_jobs = bool(request.get("on", True))
        await self._stop_daemon({})
        return await self._start_daemon({})

    def _change(self, **changes: object) -> dict[str, Any]:
        file = self._paper / "state.json"
        before = json.loads(file.read_text(encoding="ascii")) if file.exists() else {}
        new = self._paper / "state.new"
        new.write_text(json.dumps({**before, **changes}), encoding="ascii")
        new.rename(file)
        return self._status({})

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "daemon": self._daemon is not None and self._daemon.poll() is None,
            "state": json.loads((self._paper / "state.json").read_text(encoding="ascii")),
            "printed": sorted(str(path) for path in self._paper.glob("job-*.pdf")),
        }


def main() -> None:
    arguments = parser("An A4 printer behind a cupsd of its own.")
    arguments.add_argument("--folder", type=Path, required=True, help="Of this CUPS; short.")
    arguments.add_argument("--keep-jobs", action="store_true", help="As CUPS is by default.")
    given = arguments.parse_args()
    run(PagePrinter(given.folder, keep_jobs=given.keep_jobs), given.control)


if __name__ == "__main__":
    main()
