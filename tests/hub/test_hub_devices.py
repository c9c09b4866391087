"""A terminal tells what its devices are; staff see it, and what happened lately."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from django.test import Client
from hub_terminal import Terminal
from hypothesis import given
from hypothesis import strategies as st

from hub.terminals.devices import CHANGES_KEPT, DEVICE_WORDS, STATUS_WORDS
from hub.terminals.models import DeviceChange, TerminalDevice

pytestmark = pytest.mark.django_db


def device(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "device": name,
        "status": status,
        "reason": "",
        "since": "2026-11-22T01:41:00Z",
        "model": "",
        "serial": "",
        **more,
    }


def changes() -> list[tuple[str, str]]:
    rows = DeviceChange.objects.order_by("id")
    return [(row.device, row.status) for row in rows]


def test_the_newest_state_of_each_device_is_kept(terminal: Terminal) -> None:
    told = [device("id_reader", "ready", model="SAM_V", serial="5.3-1"), device("keypad", "ready")]
    assert terminal.post("devices", {"devices": told}).status == 200
    lost = device("id_reader", "disconnected", reason="no such device", model="SAM_V")
    assert terminal.post("devices", {"devices": [lost, told[1]]}).status == 200
    row = TerminalDevice.objects.get(device="id_reader")
    assert (row.terminal_id, row.status, row.reason) == ("QS01", "disconnected", "no such device")
    assert TerminalDevice.objects.count() == 2


def test_only_what_changed_is_history(terminal: Terminal) -> None:
    ready, lost = device("id_reader", "ready"), device("id_reader", "disconnected")
    for told in (ready, ready, lost, lost, ready):
        terminal.post("devices", {"devices": [told]})
    assert [status for _, status in changes()] == ["ready", "disconnected", "ready"]


def test_the_time_of_a_state_is_that_of_its_beginning(terminal: Terminal) -> None:
    """Told again after a restart of the terminal, a loss is as old as it was."""
    first = device("keypad", "disconnected", since="2026-11-22T01:00:00Z")
    again = device("keypad", "disconnected", since="2026-11-22T05:00:00Z")
    for told in (first, again):
        terminal.post("devices", {"devices": [told]})
    assert TerminalDevice.objects.get().since.hour == 1


def test_a_device_that_is_named_no_more_is_forgotten(terminal: Terminal) -> None:
    terminal.post("devices", {"devices": [device("keypad", "ready"), device("voice", "ready")]})
    terminal.post("devices", {"devices": [device("keypad", "ready")]})
    assert [row.device for row in TerminalDevice.objects.all()] == ["keypad"]


def test_the_history_of_a_loose_plug_does_not_fill_the_disk(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.terminals.devices.CHANGES_KEPT", 10)
    for number in range(15):
        told = device("keypad", "ready" if number % 2 else "disconnected", reason=str(number))
        terminal.post("devices", {"devices": [told]})
    kept = list(DeviceChange.objects.order_by("id").values_list("reason", flat=True))
    assert kept == [str(number) for number in range(5, 15)]
    assert CHANGES_KEPT > 10


def test_a_device_of_a_newer_terminal_is_not_turned_away(
    terminal: Terminal, admin_client: Client
) -> None:
    told = {**device("face_camera", "dreaming"), "colour": "blue"}
    assert terminal.post("devices", {"devices": [told]}).status == 200
    page = admin_client.get("/staff/terminals/terminal/QS01/change/").content.decode()
    assert "face_camera" in page
    assert "dreaming" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"devices": [device("keypad", "ready"), device("keypad", "ready")]},
        {"devices": [device("keypad", "ready")] * 33},
        {"devices": [device("keypad", "ready", since="yesterday")]},
        {"devices": [device("keypad", "ready", reason="x" * 201)]},
        {"devices": [device("<script>", "ready")]},
        {"devices": "none"},
        {},
    ],
)
def test_what_is_no_list_of_devices_is_refused_whole(terminal: Terminal, wrong: Any) -> None:
    terminal.post("devices", {"devices": [device("voice", "ready")]})
    assert terminal.post("devices", wrong).status == 422
    assert [row.device for row in TerminalDevice.objects.all()] == ["voice"]


def test_a_stranger_tells_nothing(terminal: Terminal) -> None:
    stranger = Terminal("QS01", terminal.way)
    assert stranger.post("devices", {"devices": []}).status == 401


def test_staff_see_devices_and_what_happened(terminal: Terminal, admin_client: Client) -> None:
    told = [
        device("id_reader", "ready", model="SAM_V", serial="5.3-1"),
        device("receipt_printer", "out", reason="paper end", since="2026-11-22T03:04:05Z"),
    ]
    terminal.post("devices", {"devices": told})
    page = admin_client.get("/staff/terminals/terminal/QS01/change/").content.decode()
    for words in ("身份证读卡器", "SAM_V", "5.3-1", "正常", "回执打印机", "没有纸", "paper end"):
        assert words in page
    assert "2026-11-22 11:04:05" in page, "the time there, not in London"
    assert "最近的变化" in page
    listed = admin_client.get("/staff/terminals/terminal/").content.decode()
    assert "回执打印机" in listed
    today = admin_client.get("/staff/").content.decode()
    assert "有故障的设备" in today
    assert "没有纸" in today


def test_where_nothing_is_wrong_nothing_is_said(terminal: Terminal, admin_client: Client) -> None:
    terminal.post("devices", {"devices": [device("keypad", "ready")]})
    assert "有故障的设备" not in admin_client.get("/staff/").content.decode()
    assert "都正常" in admin_client.get("/staff/terminals/terminal/").content.decode()


def test_every_device_and_status_of_the_terminals_has_words(root: Any) -> None:
    """The two sides share no code: that the words are whole is compared here."""
    from drivers.device import DeviceClass, Status

    assert set(DEVICE_WORDS) == set(DeviceClass)
    assert set(STATUS_WORDS) == set(Status)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["devices", "device", "status", "since"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_at_all_is_answered(asked: Any) -> None:
    from pydantic import ValidationError

    from hub.api.telling import DevicesIn

    with contextlib.suppress(ValidationError):
        DevicesIn.model_validate(asked)
