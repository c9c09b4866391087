"""`kiosk bench`: what every table of figures shares."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.entry.commands.bench.ledger import open_ledger
from kiosk.entry.commands.bench.report import Table, Timing, interleaved, noise


def test_ways_are_measured_in_turns_and_equally_often() -> None:
    called: list[str] = []
    timings = interleaved(
        {name: lambda name=name: called.append(name) for name in ("ours", "peer", "limit")},
        rounds=6,
    )
    assert {name: len(timing.seconds) for name, timing in timings.items()} == {
        "ours": 6,
        "peer": 6,
        "limit": 6,
    }
    rounds = [called[at : at + 3] for at in range(0, 18, 3)]
    assert all(sorted(turn) == ["limit", "ours", "peer"] for turn in rounds)
    assert {turn[0] for turn in rounds} == {"ours", "peer", "limit"}  # none always goes first


def test_a_quantile_is_one_of_the_times_measured() -> None:
    timing = Timing(tuple(float(number) for number in range(1, 101)))
    assert timing.median == 50.5
    assert timing.quantile(0.95) == 96.0
    assert timing.quantile(1.0) == 100.0


def test_a_table_reads_well_and_answers_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("pages", ("method", "mean IoU", "ms"))
    table.add(**{"method": "ours", "mean IoU": 0.99871, "ms": 41.0})
    table.add(**{"method": "a peer", "ms": 1234.5})
    table.note("48 pictures")
    table.show(json=False)
    shown = capsys.readouterr().out.splitlines()
    assert shown[1:4] == [
        "method  mean IoU    ms",
        "ours      0.9987    41",
        "a peer            1234",
    ]
    table.show(json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["method"] == "ours" and lines[0]["ok"]
    assert lines[2]["note"] == "48 pictures"
    with pytest.raises(ValueError, match="no such column"):
        table.add(speed=1)


def test_the_machines_noise_is_at_least_that_of_a_quiet_machine() -> None:
    assert noise().spread >= 1.0


def test_a_long_run_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger"
    monkeypatch.setenv("KIOSK_BENCH_LEDGER", str(path))
    ledger = open_ledger("codes, seed 7")
    assert ledger is not None and ledger.rows == []
    ledger.add({"kind": "small"})
    ledger.add({"kind": "moved"})
    with path.open("a") as file:
        file.write('{"kind": "gla')  # the power went
    again = open_ledger("codes, seed 7")
    assert again is not None
    again.add({"kind": "glare"})
    last = open_ledger("codes, seed 7")
    assert last is not None
    assert [row["kind"] for row in last.rows] == ["small", "moved", "glare"]
    assert open_ledger("codes, seed 8") is None  # never two runs in one table
