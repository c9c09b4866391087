"""What a still terminal costs is counted by process, children included."""

from __future__ import annotations

import subprocess
import sys

from rehearsal.idle import TICKS_A_SECOND, spent


def test_the_time_of_each_process_is_counted_under_its_name() -> None:
    work = "import sys; sum(range(12_000_000)); print('done', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", work, "kiosk.entry.vision"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        counted = spent(child.pid)
        assert counted[("vision", child.pid)] > 0
        assert counted[("vision", child.pid)] < 60 * TICKS_A_SECOND
        child.communicate()
    assert spent(child.pid) == {}
