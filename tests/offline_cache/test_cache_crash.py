"""Killed or out of room at any moment, the store keeps what it said it kept, whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cache_world import HandClock, ok, queue_of, row, store_in
from power_cuts import possible, promised

from offline_cache.outbox import ItemKind
from offline_cache.store import Store

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KILLS = 20


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}


def _whole(store: Store, acknowledged: set[str]) -> None:
    """Everything acknowledged is there; nothing is there by half."""
    assert store.check() is None
    applications = {
        kept[0]: kept[1]
        for kept in ok(
            store.database.rows("SELECT order_key, row FROM outbox WHERE item IS NOT NULL")
        )
    }
    assert acknowledged <= promised(store).keys()
    queued = ok(store.database.rows("SELECT row, kind, order_key FROM outbox ORDER BY row"))
    assert [kept[0] for kept in queued] == [row(seq) for seq in range(1, len(queued) + 1)]
    of_kind = [kept for kept in queued if kept[1] == ItemKind.APPLICATION]
    assert {kept[2]: kept[0] for kept in of_kind} == applications
    queue = queue_of(store, HandClock())
    for name, count in ok(
        store.database.rows(
            "SELECT lower(hex(a.sha256)), count(f.key) FROM attachments a"
            " LEFT JOIN files f ON f.sha256 = a.sha256 GROUP BY 1"
        )
    ):
        assert count and isinstance(queue.sealed_bytes(name), int)


@pytest.mark.fault(5)
def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """A run of the kill harness; `make kills N=500` does it longer."""
    done = subprocess.run(
        [sys.executable, str(HERE / "kills.py"), "--kills", str(KILLS), "--work", str(tmp_path)],
        capture_output=True,
        text=True,
        env=_environment(),
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.fullmatch(
        r"kills 20, acknowledged (\d+), of them later papers (\d+), lost 0, half 0, integrity whole",
        done.stdout.splitlines()[-1],
    )
    assert said is not None and int(said[1]) > KILLS and int(said[2]) > 0


# A real small disk, in a mount namespace of its own: ext4 on a loop file where that can be, else tmpfs.
_EXT4 = 'truncate -s 16M "$1.img" && mkfs.ext4 -q -F "$1.img" && mount -o loop "$1.img" "$1"'
_TMPFS = 'mount -t tmpfs -o size=3000k none "$1"'
_FILL_AND_GO_ON = """ && head -c {ballast} /dev/zero > "$1/ballast" &&
"$2" "$3" "$1/data" full && rm "$1/ballast" && cp -a "$1/data" "$4" &&
"$2" "$3" "$1/data" again
"""


@pytest.mark.fault(7)
def test_a_full_disk_stops_sealing_politely_and_room_lets_it_go_on(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "-r", "--mount"]
    script = (
        _EXT4 + _FILL_AND_GO_ON.format(ballast=10_500_000)
        if possible()
        else _TMPFS + _FILL_AND_GO_ON.format(ballast=1_000_000)
    )
    done = subprocess.run(
        [
            *namespace,
            "sh",
            "-c",
            script,
            "sh",
            str(tmp_path / "disk"),
            sys.executable,
            str(HERE / "crash_writer.py"),
            str(tmp_path / "kept"),
        ],
        capture_output=True,
        text=True,
        env=_environment(),
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    full_at = lines.index("fault disk_full")
    assert full_at > 5  # some were sealed, then the disk was full
    assert lines[-1] == "fault disk_full" and len(lines) > full_at + 5  # room again, sealing again
    numbers = [line.split()[1] for line in lines if line.startswith("sealed")]
    assert len(set(numbers)) == len(numbers)
    store = store_in(tmp_path / "kept", HandClock())
    assert store.set_aside is None
    _whole(store, {line.split()[1] for line in lines[:full_at]})
    store.close()


@pytest.mark.fault(8)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_every_single_write_fails_once_and_nothing_promised_is_lost(
    tmp_path: Path, error: str
) -> None:
    """The disk is full, or broken, at each write, sync, cut and rename in turn."""
    library = tmp_path / "faulty_disk.so"
    source = HERE / "faulty_disk.c"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True
    )
    in_memory = Path("/dev/shm")  # thousands of syncs, and it is not the disk that is tested
    with tempfile.TemporaryDirectory(dir=in_memory if in_memory.is_dir() else tmp_path) as work:
        done = subprocess.run(
            [sys.executable, str(HERE / "disk_faults.py"), work, error],
            capture_output=True,
            text=True,
            env={**_environment(), "LD_PRELOAD": str(library)},
            check=False,
            timeout=200,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.fullmatch(
        r"faults (\d+), acknowledged \d+, of them later papers [1-9]\d*, lost 0, half 0,"
        r" integrity whole, faults told (\d+)",
        done.stdout.splitlines()[-1],
    )
    assert said is not None and int(said[1]) > 100 and int(said[2]) > 80
