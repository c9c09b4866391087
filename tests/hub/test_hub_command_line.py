"""Who asks a program's question wrongly is answered in the language in which it was asked."""

from __future__ import annotations

import json

import pytest

from hub.cli import main


@pytest.mark.parametrize(
    "arguments", [["zzz", "--json"], ["show", "--json"], ["--json"], ["counts", "--json", "more"]]
)
def test_bad_use_is_answered_as_json_where_json_was_asked_for(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert (answer["ok"], answer["fault"]) == (False, "bad_use") and answer["detail"]
    assert said.err == ""


def test_a_person_is_shown_how_the_command_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show"]) == 2
    said = capsys.readouterr().err
    assert "usage: python -m hub show" in said and "NUMBER" in said


def test_commands_that_the_hub_gives_itself_are_named_to_nobody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["zzz"]) == 2
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr()
    for text in (said.err, said.out):
        assert "enrol-code" in text
        assert "inherited" not in text and "keep-opening" not in text
