"""Starting programs so that none of them is ever left behind.

Every child dies with its parent (a death signal set in the kernel), and whoever calls
`adopt_orphans` becomes the parent of grandchildren whose own parent went first, so that it can
name and end all of them by id.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TERM_WAIT_S = 8.0  # the terminal closes its store and its children in that time
KILL_WAIT_S = 3.0

_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel send SIGTERM to this process when its parent ends."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)  # it ended between our start and the line above


def adopt_orphans() -> None:
    """Grandchildren whose parent ends become children of this process."""
    _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (Ctrl+C reaches only us); its words go to `log`."""
    parent = os.getpid()
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file if stdout is None else stdout,
            stderr=file,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 - prctl only, no locks
        )


def end(process: subprocess.Popen[bytes], wait_s: float = TERM_WAIT_S) -> int:
    """Ask `process` to end, wait, and insist. Answers its exit code."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
    if process.poll() is None:
        process.kill()
        process.wait(KILL_WAIT_S)
    if process.stdout is not None:
        process.stdout.close()
    return process.returncode


def descendants(root: int) -> list[int]:
    """Ids of all living processes below `root`, the deepest last."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    todo = [root]
    while todo:
        below = children.get(todo.pop(0), [])
        found += below
        todo += below
    return found


def marked(root: int, mark: str) -> list[int]:
    """Descendants of `root` that were started with `mark` in their environment."""
    found = []
    for pid in descendants(root):
        with contextlib.suppress(OSError):
            if mark.encode() in (Path("/proc") / str(pid) / "environ").read_bytes():
                found.append(pid)
    return found


def end_marked(mark: str, seen: Sequence[int] = ()) -> list[int]:
    """End everything still below this process that carries `mark`; answers the ids that were left.

    With `adopt_orphans` in force these are exactly the processes of one town, and theirs: others
    that this program has started live on. `seen` are ids that carried the mark before their
    parents were ended: whoever of them ended since is ours to bury, and has no mark any more.
    """
    left = marked(os.getpid(), mark)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in marked(os.getpid(), mark):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        give_up = time.monotonic() + KILL_WAIT_S
        while time.monotonic() < give_up:
            alive = marked(os.getpid(), mark)
            _reap([*left, *seen])
            if not alive:
                return left
            time.sleep(0.05)
    return left


def _reap(pids: Sequence[int]) -> None:
    """Collect adopted children that have ended; only these, for others wait for theirs."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
