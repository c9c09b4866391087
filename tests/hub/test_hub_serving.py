"""The hub as a process: what `python -m hub` does, and several terminals at once."""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from hub_server import Server
from hub_terminal import PDF, PERSON, Terminal, number_in, sha

LIMIT_S = 60


def test_the_same_batch_twice_at_the_same_time_is_one_application(server: Server) -> None:
    terminal = server.enrolled("PA01")
    for content in (PDF, b"\x89PNG\r\n\x1a\n made up"):
        assert terminal.put(content).status == 201
    body = terminal.application(signature=None)
    items = [terminal.item("application", body)]
    items += [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(40)]
    ways = 4
    with ThreadPoolExecutor(ways) as pool:
        replies = list(pool.map(lambda _: terminal.batch(*items), range(ways)))
    assert [reply.status for reply in replies] == [200] * ways
    for answers in zip(*(reply.json["answers"] for reply in replies), strict=True):
        assert sorted(one["result"] for one in answers) == ["accepted"] + ["duplicate"] * (ways - 1)
    shown = server.command("show", body["number"], "--json")
    assert json.loads(shown.stdout)["application"] == body


def test_the_same_paper_twice_at_the_same_time_is_one_whole_paper(server: Server) -> None:
    terminal = server.enrolled("PA02")
    content = bytes(range(256)) * 4000
    ways = 4
    with ThreadPoolExecutor(ways) as pool:
        replies = list(pool.map(lambda _: terminal.put(content), range(ways)))
    assert {reply.status for reply in replies} <= {200, 201}
    held = server.data / "attachments" / sha(content)[:2] / sha(content)
    assert held.read_bytes() == content
    assert list((server.data / "attachments" / "incoming").iterdir()) == []


def test_an_application_can_be_shown_and_its_papers_exported(
    server: Server, tmp_path: Path
) -> None:
    terminal = server.enrolled("SH01")
    item = terminal.applied()
    number = number_in(item)
    terminal.send(terminal.item("rating", terminal.rating(number)))
    shown = json.loads(server.command("show", number, "--json").stdout)
    assert shown["ok"] is True
    assert shown["application"] == json.loads(item["body"])
    assert [one["level"] for one in shown["ratings"]] == [5]
    assert {one["code"]: one["held"] for one in shown["attachments"]} == {
        "household_page": True,
        "signature": True,
    }
    file = tmp_path / "page.pdf"
    done = server.command("export-attachment", number, "household_page", str(file), "--json")
    assert (done.returncode, json.loads(done.stdout)["sha256"]) == (0, sha(PDF))
    assert file.read_bytes() == PDF
    counts = json.loads(server.command("counts", "--json").stdout)
    assert counts["applications"] >= 1
    assert counts["ratings"] >= 1


@pytest.mark.parametrize(
    ("arguments", "code", "fault"),
    [
        (["show", "QS01261122003796", "--json"], 3, "unknown_number"),
        (["export-attachment", "QS01261122003796", "x", "f", "--json"], 3, "unknown_attachment"),
        (["enrol-code", "qs1", "--json"], 2, "bad_terminal"),
        (["staff-password", "nobody", "--json"], 3, "unknown_user"),
    ],
)
def test_what_is_not_there_is_said_and_has_its_exit_code(
    server: Server, arguments: list[str], code: int, fault: str
) -> None:
    done = server.command(*arguments)
    assert done.returncode == code
    answer = json.loads(done.stdout)
    assert (answer["ok"], answer["fault"]) == (False, fault)


def test_what_never_reaches_the_application_fails_as_json_too(server: Server) -> None:
    for head in (
        b"PUT /api/v1/attachments/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /api/v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as line:
            line.sendall(head)
            answer = b""
            while part := line.recv(65536):
                answer += part
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer
        said = json.loads(answer.split(b"\r\n\r\n", 1)[1])
        assert set(said["error"]) == {"code", "text"}


def test_the_staff_site_and_its_files_are_served(server: Server) -> None:
    page = requests.get(f"{server.address}/", timeout=LIMIT_S)
    assert page.url.startswith(f"{server.address}/staff/login/")
    assert "工作人员登录" in page.text
    for file in ("staff/staff.css", "staff/favicon.svg", "admin/css/base.css"):
        assert requests.get(f"{server.address}/static/{file}", timeout=LIMIT_S).ok
    for outside in ("../settings.py", "%2e%2e/settings.py", "staff/../../../../settings.py"):
        line = f"{server.address}/static/{outside}"
        assert requests.get(line, timeout=LIMIT_S).status_code in (400, 404)


def test_the_log_holds_nothing_personal_in_any_writing(server: Server) -> None:
    terminal = server.enrolled("LG01")
    number = number_in(terminal.applied())
    terminal.post("progress", {"qr": terminal.qr(number)})
    terminal.send({"id": PERSON["name"], "body": PERSON["number"]}, PERSON["name"])
    terminal.ask("GET", f"nothing/{quote(str(PERSON['name']))}?q={PERSON['number']}")
    for path in (
        f"/staff/applications/application/?q={PERSON['name']}",
        f"/api/v1/{PERSON['number']}",
        f"/{PERSON['number']}",
    ):
        requests.get(server.address + path, timeout=LIMIT_S)
    requests.get(server.address, headers={"Host": str(PERSON["number"])}, timeout=LIMIT_S)
    server.end()
    log = server.log.read_bytes()
    server.start()
    assert b"POST /api/v1/batch 200" in log
    for value in (
        str(PERSON["name"]),
        str(PERSON["number"]),
        str(PERSON["address"]),
        "13800138000",
        "6222021234567890128",
        "钟离小满",
    ):
        for written in (
            value.encode(),
            value.encode("utf-16-le"),
            value.encode("gbk"),
            base64.b64encode(value.encode()),
            quote(value).encode(),
            json.dumps(value).strip('"').encode(),
        ):
            assert written not in log
    assert terminal.token.encode() not in log


def test_one_ready_line_a_port_file_and_a_clean_end(tmp_path: Path) -> None:
    own = Server(tmp_path)
    done = own.command("serve", "--port", "0")
    assert done.returncode == 4
    assert "init" in done.stderr
    made = json.loads(own.command("init", "--json").stdout)
    assert (made["created"], made["user"]) == (True, "staff")
    assert made["password"]
    again = own.command("init")
    assert made["password"] not in again.stdout
    port_file = tmp_path / "port"
    own.start("--port-file", str(port_file))
    assert port_file.read_text() == f"{own.port}\n"
    with socket.create_connection(("127.0.0.1", own.port), timeout=LIMIT_S):
        pass
    busy = own.command("serve", "--port", str(own.port))
    assert (busy.returncode, "cannot_listen" in busy.stderr) == (4, True)
    assert own.end() == 0
    assert own.log.read_text().count("hub ready http://127.0.0.1:") == 1


def test_what_the_hub_keeps_is_for_its_own_account_only(server: Server) -> None:
    terminal = server.enrolled("PR01")
    terminal.put(PDF)
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for file in server.data.rglob("*"):
        mode = stat.S_IMODE(file.stat().st_mode)
        assert mode & 0o077 == 0, file.name
    assert stat.S_IMODE((server.data / "secret_key").stat().st_mode) == 0o600


def test_an_acknowledged_item_survives_a_power_cut(server: Server) -> None:
    """WAL with a sync at every commit, as the connection of this process has it."""
    database = server.data / "hub.sqlite3"
    if not database.exists():  # PostgreSQL: synchronous_commit is on by default
        return
    with sqlite3.connect(database) as line:
        assert line.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    line.close()
    from django.conf import settings

    options = settings.DATABASES["default"]["OPTIONS"]
    assert "synchronous=FULL" in options["init_command"]
    assert options["transaction_mode"] == "IMMEDIATE"


def test_a_second_terminal_with_a_first_ones_data_is_another(server: Server) -> None:
    first, second = server.enrolled("TW01"), server.enrolled("TW02")
    second.epoch = first.epoch
    for terminal in (first, second):
        answer = terminal.send(terminal.item("rating", terminal.rating(terminal.number())))
        assert answer[0]["result"] == "accepted"
    borrowed = Terminal("TW02", second.way)
    borrowed.token = first.token
    assert borrowed.batch().status == 403
