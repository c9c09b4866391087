"""The search for personal data finds it in every shape, and nothing where there is none."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.secrets import leaks, leaks_in

NAME = "李小梅"


@pytest.mark.parametrize(
    "written",
    [
        NAME.encode(),
        NAME.encode("gbk"),
        NAME.encode("utf-16-le"),
        quote(NAME).encode(),
        json.dumps({"n": NAME}).encode(),
        repr(NAME.encode()).encode(),
    ],
)
def test_found_in_every_shape(written: bytes) -> None:
    assert leaks_in(b"a line " + written + b" and more", "log", [NAME])


@given(st.binary(max_size=5), st.binary(max_size=5))
def test_found_in_base64_wherever_it_begins(before: bytes, after: bytes) -> None:
    for raw in (NAME.encode(), NAME.encode("utf-16-le")):
        assert leaks_in(base64.b64encode(before + raw + after), "log", [NAME])


def test_a_clean_folder_is_clean_and_a_name_in_a_file_name_is_not(tmp_path: Path) -> None:
    (tmp_path / "window.log").write_text('{"event": "session_ended", "seconds": 70}')
    assert leaks([tmp_path], [NAME, "19900000028"]) == (1, [])
    (tmp_path / f"{NAME}.jpg").touch()
    count, found = leaks([tmp_path], [NAME])
    assert count == 2
    assert [leak.shape for leak in found] == ["UTF-8"]
    assert found[0].which == 0
