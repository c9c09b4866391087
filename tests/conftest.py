"""What every test shares: where the project is, a screenless Qt, and no unlisted warnings.

Qt reads its environment before it loads, and any test module may be the first to load it.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_QUICK_BACKEND", "software")

# A busy machine is no fault of the code: no test here has a time limit of its own.
hypothesis_settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("house")

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Every warning is an error but those of `allowed_warnings.toml`."""
    listed = tomllib.loads((ROOT / "tests" / "allowed_warnings.toml").read_text(encoding="utf-8"))
    for entry in listed["allowed"]:
        assert set(entry) == {"category", "text", "reason"}, entry
        if entry["category"] == "qt":
            config.addinivalue_line("qt_log_ignore", f"^{entry['text']}")
        else:
            text = entry["text"].replace(":", "\\x3a")
            config.addinivalue_line("filterwarnings", f"ignore:{text}:{entry['category']}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT
