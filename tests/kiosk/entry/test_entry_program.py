"""What becomes of a process of the terminal when it dies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# A process that holds a name, and dies of a crash where a core file would be written.
DIES = """
import ctypes, os, resource, sys
if sys.argv[1] == "silent":
    from kiosk.entry.program import no_core_dumps
    no_core_dumps()
else:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
PR_GET_DUMPABLE = 3
print(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE), resource.getrlimit(resource.RLIMIT_CORE)[0])
sys.stdout.flush()
os.abort()
"""


def _dies(how: str, folder: Path, root: Path) -> tuple[str, bool]:
    """What it said of itself, and whether the kernel says that it left a core."""
    with subprocess.Popen(
        [sys.executable, "-c", DIES, how],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read().strip()
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return said, os.WCOREDUMP(status)


def test_a_process_of_the_terminal_leaves_no_core_whatever_kills_it(
    tmp_path: Path, root: Path
) -> None:
    for how, said in (("silent", "0 0"), ("as usual", "1 ")):
        folder = tmp_path / how
        folder.mkdir()
        told, cored = _dies(how, folder, root)
        assert told.startswith(said)
        if how == "silent":
            assert not cored and list(folder.iterdir()) == []
