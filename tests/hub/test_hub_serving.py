"""The hub as a process: what `python -m hub` does, and several terminals at once."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import sqlite3
import ssl
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hub_server import Server, until
from hub_terminal import (
    PDF,
    PERSON,
    Certificate,
    Terminal,
    number_in,
    sha,
)

from hub.api.rate import BURST_S
from hub.terminals.authority import GRACE_D, TERMINAL_LIFE_D, make_authority, read_authority
from kiosk.clock import SystemClock
from kiosk.entry.pickups import seal_scan
from offline_cache.line.client import HubClient
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import DeviceKey, Identity

LIMIT_S = 60
RATE_A_SECOND = 4.0
BURST = int(BURST_S * RATE_A_SECOND)


def test_the_same_batch_twice_at_the_same_time_is_one_application(server: Server) -> None:
    terminal = server.enrolled("PA01")
    assert terminal.put(PDF).status == 204
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
    content = terminal.seal_attachment(bytes(range(256)) * 2000)
    name, half = sha(content), len(content) // 2

    def hand_over(_: int) -> int:
        terminal.begin(name, len(content))
        statuses = [
            terminal.append(name, 0, content[:half]).status,
            terminal.append(name, half, content[half:]).status,
        ]
        return statuses[-1]

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(hand_over, range(4)))
    assert set(statuses) <= {204, 409}
    assert terminal.begin(name, len(content)).status == 200
    held = server.data / "attachments" / name[:2] / name
    assert held.read_bytes() == content
    assert list((server.data / "incoming").glob("PA02-*")) == []


def test_an_upload_goes_on_where_it_was_after_the_hub_was_started_again(server: Server) -> None:
    terminal = server.enrolled("PA03")
    content = terminal.seal_attachment(bytes(100_000))
    name = sha(content)
    terminal.begin(name, len(content))
    assert terminal.append(name, 0, content[:60_000]).headers["Upload-Offset"] == "60000"
    server.end()
    server.start()
    terminal.way = server.way()
    assert terminal.ask("HEAD", f"attachments/{name}").headers["Upload-Offset"] == "60000"
    assert terminal.append(name, 60_000, content[60_000:]).status == 204
    assert terminal.begin(name, len(content)).status == 200


def test_slow_lines_shut_nobody_out(server: Server) -> None:
    """A body that trickles holds no thread: there are more of these lines than threads."""
    context = ssl.create_default_context(cafile=server.authority)
    terminal = server.enrolled("SL01")
    shown = server.way().shown(terminal.certificate)
    assert shown is not None
    context.load_cert_chain(*shown)
    head = (
        b"PATCH /api/v1/attachments/x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Length: 100000\r\n\r\n" + bytes(1000)
    )
    with contextlib.ExitStack() as lines:
        for _ in range(40):
            plain = socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S)
            line = lines.enter_context(context.wrap_socket(plain, server_hostname="127.0.0.1"))
            line.sendall(head)
        assert _get(server, "/api/v1/health").json()["ok"] is True
        line.sendall(bytes(10))  # they are still there


# -- who is let in ------------------------------------------------------------


def test_tls_asks_for_our_certificate_and_lets_nobody_elses_in(
    server: Server, tmp_path: Path
) -> None:
    terminal = server.enrolled("TL01")
    assert terminal.ask("GET", "contact").json["terminal"] == "TL01"
    with pytest.raises(requests.exceptions.SSLError):  # its authority is nobody's but ours
        requests.get(f"{server.address}/api/v1/health", timeout=LIMIT_S)
    make_authority(tmp_path, datetime.now(UTC))
    key = terminal.certificate.key.public_key()
    forged = read_authority(tmp_path).issue("TL01", key, datetime.now(UTC))
    terminal.certificate.pem = forged.pem
    with pytest.raises(requests.exceptions.ConnectionError):
        terminal.ask("GET", "contact")


def test_no_tickets_go_over_the_line_that_no_terminal_would_use(server: Server) -> None:
    trusting = ssl.create_default_context(cafile=server.authority)
    asked = socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S)
    with trusting.wrap_socket(asked, server_hostname="127.0.0.1") as line:
        line.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert line.recv(1024).startswith(b"HTTP/1.1 200")
        assert line.session is not None
        assert not line.session.has_ticket


def test_a_certificate_that_ran_out_passes_the_handshake_and_is_judged_by_the_hub(
    server: Server,
) -> None:
    terminal = server.enrolled("TL02")
    authority = read_authority(server.data / "keys")
    key = terminal.certificate.key.public_key()
    long_ago = datetime.now(UTC) - timedelta(days=TERMINAL_LIFE_D + GRACE_D - 3)
    terminal.certificate.pem = authority.issue("TL02", key, long_ago).pem
    answer = terminal.ask("GET", "contact")
    assert (answer.status, answer.json["error"]["code"]) == (403, "certificate_expired")
    rating = terminal.item("rating", terminal.rating(terminal.number()))
    assert terminal.send(rating)[0]["result"] == "accepted"


def test_a_command_ends_a_terminals_certificates(server: Server) -> None:
    terminal = server.enrolled("TL03")
    told = json.loads(server.command("revoke", "TL03", "--json").stdout)
    assert told["revoked"] == 1
    assert terminal.ask("GET", "contact").status == 401
    assert server.command("revoke", "NO00", "--json").returncode == 3


def test_a_header_carries_no_certificate_where_there_is_no_gateway(server: Server) -> None:
    terminal = server.enrolled("TL04")
    header = {"X-Client-Certificate": quote(terminal.certificate.pem)}
    assert _get(server, "/api/v1/contact", headers=header).status_code == 401


def test_behind_a_gateway_the_hub_speaks_plainly_to_this_machine_only(tmp_path: Path) -> None:
    own = Server(tmp_path, HUB_GATEWAY="1")
    assert own.command("init", "--json").returncode == 0
    refused = own.command("serve", "--plain", "--host", "192.0.2.1", "--port", "0")
    assert (refused.returncode, "not_loopback" in refused.stderr) == (2, True)
    made = Terminal("GW01", own.way())
    code = json.loads(own.command("enrol-code", "GW01", "--json").stdout)["code"]
    own.start("--plain")
    try:
        plain = f"http://127.0.0.1:{own.port}"
        told = requests.post(
            f"{plain}/api/v1/enrol",
            json={
                "code": code,
                "csr": made.certificate.request(),
                "receipt_key": made.public_key(),
                "software": "1",
            },
            timeout=LIMIT_S,
        ).json()
        header = {"X-Client-Certificate": quote(told["certificate"])}
        answer = requests.get(f"{plain}/api/v1/contact", headers=header, timeout=LIMIT_S)
        assert answer.json()["terminal"] == "GW01"
    finally:
        own.end()


def test_the_servers_certificate_names_what_init_was_told_and_this_machine(tmp_path: Path) -> None:
    own = Server(tmp_path)
    names = ["--name", "hub.example.cn", "--address", "10.1.2.3"]
    told = json.loads(own.command("init", *names, "--json").stdout)
    assert set(told["names"]) == {
        "localhost",
        "127.0.0.1",
        "::1",
        "hub.example.cn",
        "10.1.2.3",
    }
    first = (own.data / "keys" / "server.pem").read_bytes()
    again = json.loads(own.command("init", "--json").stdout)  # nothing new: nothing is made anew
    assert again["names"] == told["names"]
    assert (own.data / "keys" / "server.pem").read_bytes() == first
    own.start()
    try:
        for host, status in (("hub.example.cn", 200), ("10.1.2.3", 200), ("evil.example", 400)):
            answer = _get(own, "/api/v1/health", headers={"Host": host})
            assert answer.status_code == status
    finally:
        own.end()


def test_two_serving_processes_are_one_hub_and_one_that_dies_is_started_again(
    tmp_path: Path,
) -> None:
    own = Server(tmp_path, HUB_RATE=str(RATE_A_SECOND))
    assert own.command("init", "--json").returncode == 0
    own.start("--processes", "2")
    try:
        terminal = own.enrolled("MP01")
        items = [terminal.item("rating", terminal.rating(terminal.number())) for _ in range(20)]
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: terminal.batch(*items), range(4)))
        results = sorted(one["result"] for reply in replies for one in reply.json["answers"])
        assert results == ["accepted"] * 20 + ["duplicate"] * 60
        assert _let_pass(terminal) < 1.3  # times what one process would, over new connections
        children = own.children()
        assert len(children) == 3  # and one that opens what they take
        for child in (children[0], children[2]):
            os.kill(child, signal.SIGKILL)
        until(lambda: len(set(own.children()) - {children[0], children[2]}) == 3)
        until(lambda: json.loads(own.command("counts", "--json").stdout)["unopened"] == 0)
        until(lambda: answered(terminal))
        left = own.children()
    finally:
        assert own.end() == 0
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))


def _let_pass(terminal: Terminal) -> float:
    """Of a terminal that asks without end over a new connection each time: what went through, as a
    share of what one process would let through in that time."""
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: terminal.ask("GET", "contact"), range(4 * BURST)))
    assert {reply.status for reply in replies} <= {200, 429}
    passed = sum(reply.status == 200 for reply in replies)
    assert passed >= BURST / 2
    return passed / (BURST + RATE_A_SECOND * (time.monotonic() - began))


def answered(terminal: Terminal) -> bool:
    """A line that goes to a process in its last or first moment may be cut: terminals ask again."""
    with contextlib.suppress(OSError):
        return terminal.ask("GET", "contact").status == 200
    return False


def test_an_application_can_be_shown_and_its_papers_exported(
    server: Server, tmp_path: Path
) -> None:
    terminal = server.enrolled("SH01")
    item = terminal.applied()
    number = number_in(item)
    terminal.send(terminal.item("rating", terminal.rating(number)))
    shown = json.loads(server.command("show", number, "--json").stdout)
    assert shown["ok"] is True
    assert shown["application"]["number"] == number
    assert shown["application"]["applicant"] == PERSON
    assert [one["level"] for one in shown["ratings"]] == [5]
    assert {one["code"]: one["held"] for one in shown["attachments"]} == {
        "household_page": True,
        "signature": True,
    }
    file = tmp_path / "page.pdf"
    done = server.command("export-attachment", number, "household_page", str(file), "--json")
    assert (done.returncode, json.loads(done.stdout)["sha256"]) == (0, sha(PDF))
    assert file.read_bytes() == PDF
    checked = json.loads(server.command("check", "--json").stdout)
    assert (checked["items"] >= 1, checked["lost"]) == (True, 0)
    counts = json.loads(server.command("counts", "--json").stdout)
    assert counts["applications"] >= 1
    assert counts["ratings"] >= 1


def test_the_serving_hub_opens_by_itself_and_by_command(server: Server) -> None:
    terminal = server.enrolled("OP01")
    number = terminal.number()
    items = [terminal.item("rating", terminal.rating(number, level)) for level in (5, 7)]
    assert [one["result"] for one in terminal.send(*items)] == ["accepted", "accepted"]
    until(lambda: bool(terminal.verdicts()))
    told = json.loads(server.command("open", "--json").stdout)
    assert (told["ok"], told["unopened"]) == (True, 0)
    assert [one["seq"] for one in terminal.verdicts()] == [2]


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
    context = ssl.create_default_context(cafile=server.authority)
    for head in (
        b"PATCH /api/v1/attachments/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /api/v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ):
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
        ):
            line.sendall(head)
            answer = b""
            while part := line.recv(65536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 4"), answer
        said = json.loads(answer.split(b"\r\n\r\n", 1)[1])
        assert set(said["error"]) == {"code", "text"}


def test_a_body_that_never_ends_is_cut_off(server: Server) -> None:
    """However long the sender said it would be."""

    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(65_536)

    terminal = server.enrolled("EN01")
    with contextlib.suppress(requests.exceptions.ConnectionError):
        answer = requests.post(
            f"{server.address}/api/v1/batch",
            data=endless(),
            timeout=LIMIT_S,
            verify=server.authority,
            cert=server.way().shown(terminal.certificate),
        )
        assert answer.status_code == 413
    assert _get(server, "/api/v1/health").status_code == 200


def test_the_staff_site_and_its_files_are_served(server: Server) -> None:
    page = _get(server, "/")
    assert page.url.startswith(f"{server.address}/staff/login/")
    assert "工作人员登录" in page.text
    for file in ("staff/staff.css", "staff/favicon.svg", "admin/css/base.css"):
        assert _get(server, f"/static/{file}").ok
    for outside in ("../settings.py", "%2e%2e/settings.py", "staff/../../../../settings.py"):
        assert _get(server, f"/static/{outside}").status_code in (400, 404)


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
        _get(server, path)
    _get(server, "/", headers={"Host": str(PERSON["number"])})
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
    assert terminal.code.encode() in log


def test_one_ready_line_a_port_file_and_a_clean_end(tmp_path: Path) -> None:
    own = Server(tmp_path)
    done = own.command("serve", "--port", "0")
    assert done.returncode == 4
    assert "init" in done.stderr
    counted = own.command("counts", "--json")
    assert (counted.returncode, json.loads(counted.stdout)["fault"]) == (4, "not_set_up")
    assert not list(own.data.glob("*.sqlite3*"))  # asking leaves no empty database behind
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
    assert own.log.read_text().count("hub ready https://127.0.0.1:") == 1


def test_what_the_hub_keeps_is_for_its_own_account_only(server: Server) -> None:
    terminal = server.enrolled("PR01")
    terminal.put(PDF)
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for file in server.data.rglob("*"):
        mode = stat.S_IMODE(file.stat().st_mode)
        assert mode & 0o077 == 0, file.name
    for name in ("secret_key", "keys/ca.key", "keys/server.pem", "keys/seal-0001-suite1.pem"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600


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
        assert answer[0]["result"] == "accepted", answer
    borrowed = Terminal("TW02", second.way)
    borrowed.certificate, borrowed.seal_key = first.certificate, first.seal_key
    reply = borrowed.batch()
    assert (reply.status, reply.json["error"]["code"]) == (403, "other_terminal")


def _get(server: Server, path: str, **more: Any) -> requests.Response:
    return requests.get(f"{server.address}{path}", timeout=LIMIT_S, verify=server.authority, **more)


def test_a_scan_goes_from_the_terminals_own_client_to_a_phone_that_alone_can_open_it(
    server: Server, tmp_path: Path
) -> None:
    secret = os.urandom(32)
    terminal = Terminal("PA31", server.way())
    terminal.certificate = Certificate(DeviceKey(secret)._key)
    terminal.enrol(json.loads(server.command("enrol-code", "PA31", "--json").stdout)["code"])
    clock = SystemClock()
    hub = HubClient(
        server.address,
        clock,
        HubTime(tmp_path / "time", clock),
        connect_timeout_s=LIMIT_S,
        read_timeout_s=LIMIT_S,
    )
    identity = Identity("PA31", terminal.certificate.pem, terminal.certificate.authority)
    hub.use(identity, DeviceKey(secret))
    pdf = b"%PDF-" + os.urandom(3 << 20)  # larger than any batch
    before, scan = seal_scan(b"%PDF-before"), seal_scan(pdf)
    assert hub.keep_pickup(before.name, before.content) is None
    assert hub.keep_pickup(scan.name, scan.content, before.name) is None
    assert hub.keep_pickup(scan.name, scan.content) is None  # the answer was lost: sent again
    assert hub.pickup_state(before.name) == "gone"
    assert hub.pickup_state(scan.name) == "waiting"
    address, key = scan.link(server.address).split("#")
    page = requests.get(address, timeout=LIMIT_S, verify=server.authority)
    assert page.status_code == 200 and "pickup.js" in page.text
    script = f"{server.address}/static/pickups/pickup.js"
    assert "subtle.decrypt" in requests.get(script, timeout=LIMIT_S, verify=server.authority).text
    sealed = requests.post(f"{address}/content", timeout=LIMIT_S, verify=server.authority)
    assert hub.pickup_state(scan.name) == "fetched"
    hub.close()
    raw = base64.urlsafe_b64decode(key + "=")
    nonce, rest = sealed.content[4:16], sealed.content[16:]
    assert AESGCM(raw).decrypt(nonce, rest, scan.name.encode()) == pdf
    again = requests.post(f"{address}/content", timeout=LIMIT_S, verify=server.authority)
    assert again.status_code == 404
    assert key not in server.log.read_text() and scan.name not in server.log.read_text()
