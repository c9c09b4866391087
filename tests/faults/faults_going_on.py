"""What `make faults` asks of pytest besides: to go on where it stopped, and to count at the end.

A plugin by itself (`-p faults_going_on`): in a conftest it would speak in every run of every test.
"""

import json

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Goes on where it stopped: walks that were judged whole, and well, are not walked again."""
    from faults_expected import OUT, STEPS

    def well(item: pytest.Item) -> bool:
        walk = item.callspec.params  # type: ignore[attr-defined]
        path = OUT / f"{walk['device']}-{walk['way']}.json"
        pairs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        return len(pairs) == len(STEPS) and not any(pair["wrong"] for pair in pairs)

    done = [item for item in items if well(item)]
    config.hook.pytest_deselected(items=done)
    items[:] = [item for item in items if item not in done]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Nothing left to walk is no failure."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many pairs were judged in all walks that lie in out/faults, and how they stood."""
    from faults_expected import DEVICES, MEANINGLESS, NOT_ASKED_FOR, OUT, STEPS, WAYS

    pairs = [
        (path.stem, pair)
        for path in sorted(OUT.glob("*.json"))
        for pair in json.loads(path.read_text(encoding="utf-8"))
    ]
    wrong = [(walk, pair) for walk, pair in pairs if pair["wrong"]]
    silent = len(MEANINGLESS) * len(STEPS)
    absent = len(NOT_ASKED_FOR) * len(WAYS) * len(STEPS)
    meant = len(DEVICES) * len(WAYS) * len(STEPS) - silent
    terminalreporter.write_line(
        f"faults: {len(pairs)} of {meant} pairs judged, {len(pairs) - len(wrong)} as expected; "
        f"{silent + absent} say nothing (faults_expected.py tells why)"
    )
    for walk, pair in wrong:
        terminalreporter.write_line(f"  {walk} on {pair['step']}: {'; '.join(pair['wrong'])}")
