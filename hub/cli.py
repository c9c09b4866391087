"""The commands of `python -m hub`.

Exit codes: 0 done; 2 bad use; 3 not there; 4 every other fault. Faults with --json are
`{"ok": false, "fault": "…", "detail": "…"}`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

DONE = 0
BAD_USE = 2
NOT_THERE = 3
FAULT = 4
LOG_FILE = "HUB_LOG_FILE"  # for the processes that `serve` starts
FOR_OURSELVES = (["serve-inherited"], ["keep-opening"])  # commands that `serve` gives its processes


class _BadUseError(Exception):
    """What was asked for is no command, or not one as it is used."""

    def __init__(self, message: str, usage: str) -> None:
        super().__init__(message)
        self.usage = usage


class _Parser(argparse.ArgumentParser):
    """Leaves it to `main` how bad use is answered."""

    def error(self, message: str) -> NoReturn:
        raise _BadUseError(message, self.format_usage())


def main(arguments: Sequence[str]) -> int:
    import django  # noqa: PLC0415 (the settings are read here, not when this file is)
    from django.db import OperationalError, ProgrammingError  # noqa: PLC0415

    try:
        asked = _parser(for_ourselves=arguments[:1] in FOR_OURSELVES).parse_args(arguments)
    except _BadUseError as bad:
        if "--json" not in arguments:
            sys.stderr.write(bad.usage)
        plain = argparse.Namespace(json="--json" in arguments)
        return _fault(plain, BAD_USE, "bad_use", str(bad))
    os.umask(0o077)  # whatever is made below is for this account only
    django.setup()
    if asked.held and not _made():
        return _fault(asked, FAULT, "not_set_up", "run `python -m hub init` first")
    try:
        return int(asked.run(asked))
    except (OperationalError, ProgrammingError):
        detail = "the database does not answer, or `python -m hub init` was not run"
        return _fault(asked, FAULT, "no_database", detail)


def _parser(*, for_ourselves: bool = False) -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m hub", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Any, told: str, *, as_json: bool = True, held: bool = True
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=told, description=told)
        one.set_defaults(run=run, held=held)  # held: it works on what `init` made
        if as_json:
            one.add_argument("--json", action="store_true", help="answer one JSON line")
        return one

    init = command(
        "init",
        _init,
        "make or update keys, certificates and database; first staff user",
        held=False,
    )
    init.add_argument(
        "--name",
        "--address",
        dest="names",
        metavar="NAME",
        action="append",
        default=[],
        help="a name or address under which terminals reach this hub; may be given again",
    )
    serve = command("serve", _serve, "serve the API and the staff site", as_json=False)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    serve.add_argument(
        "--plain", action="store_true", help="no TLS; on loopback only, behind a gateway"
    )
    serve.add_argument(
        "--processes", type=int, default=0, help="0: one a core with PostgreSQL, one with SQLite"
    )
    serve.add_argument("--port-file", type=Path, help="where the port is written once it is open")
    serve.add_argument("--log-file", type=Path, help="instead of standard output")
    code = command("enrol-code", _enrol_code, "a one-time code for a terminal (10 minutes)")
    code.add_argument("terminal", metavar="TERMINAL", help="four characters, e.g. QS01")
    revoke = command("revoke", _revoke, "end every certificate of a terminal: it must enrol anew")
    revoke.add_argument("terminal", metavar="TERMINAL")
    command("new-seal-key", _new_seal_key, "a new key for the terminals to seal to")
    command("open", _open, "open now what was taken and waits; `serve` does it by itself")
    again = command(
        "reopen",
        _reopen,
        "open once more what could not be: after a key was restored, or an update",
    )
    again.add_argument(
        "--why",
        dest="codes",
        metavar="CODE",
        action="append",
        default=[],
        help="what was refused for this reason, as the staff site and the answer name it; may be "
        "given again. Without: for want of a key",
    )
    command("tidy", _tidy, "delete attachments that no item ever named, and abandoned uploads")
    command("check", _check, "look for every attachment; ask the terminals again for those lost")
    show = command("show", _show, "an application with everything that belongs to it")
    show.add_argument("number", metavar="NUMBER")
    export = command("export-attachment", _export, "write an attachment to a file")
    export.add_argument("number", metavar="NUMBER")
    export.add_argument("code", metavar="CODE", help='the material\'s code, or "signature"')
    export.add_argument(
        "--papers", type=UUID, metavar="ID", help="of papers handed in later, by their id in `show`"
    )
    export.add_argument("file", metavar="FILE", type=Path)
    imported = command("import", _import, "take what `kiosk cache export` wrote to a stick")
    imported.add_argument("folder", metavar="DIR", type=Path)
    command("counts", _counts, "how much is held")
    password = command("staff-password", _password, "a new one-time password for a staff user")
    password.add_argument("user", metavar="USER")
    openapi = command("openapi", _openapi, "write hub/openapi.json", as_json=False, held=False)
    openapi.add_argument("--check", action="store_true", help="only say whether it is up to date")
    words = command("catalogue", _catalogue, "write hub/data/items.json", as_json=False, held=False)
    words.add_argument("folder", metavar="FOLDER", type=Path, help="the terminals' item packages")
    if for_ourselves:  # nobody else is told of them
        inherited = command("serve-inherited", _serve_inherited, "", as_json=False)
        inherited.add_argument("descriptor", type=int)
        inherited.add_argument("--plain", action="store_true")
        inherited.add_argument("--number", type=int, default=0)
        keep = command("keep-opening", _keep_opening, "", as_json=False)
        keep.add_argument("--number", type=int, default=0)
    return parser


def _made() -> bool:
    """Whether `init` was run here. SQLite would make an empty file where it is asked for one."""
    from django.conf import settings  # noqa: PLC0415

    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3") and not Path(database["NAME"]).exists():
        return False
    return (settings.KEYS / "server.pem").exists()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _answer(asked: argparse.Namespace, answer: dict[str, Any], plain: str) -> int:
    _say(json.dumps({"ok": True, **answer}, ensure_ascii=False) if asked.json else plain)
    return DONE


def _fault(asked: argparse.Namespace, code: int, fault: str, detail: str) -> int:
    if getattr(asked, "json", False):
        _say(json.dumps({"ok": False, "fault": fault, "detail": detail}, ensure_ascii=False))
    else:
        sys.stderr.write(f"{fault}: {detail}\n")
    return code


def _init(asked: argparse.Namespace) -> int:
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from hub.seal.keys import make_seal_keys  # noqa: PLC0415
    from hub.staff.first_user import FIRST_USER, make_first_user  # noqa: PLC0415
    from hub.terminals.authority import (  # noqa: PLC0415
        make_authority,
        make_server_certificate,
        read_authority,
    )

    now = timezone.now()
    make_seal_keys(settings.KEYS)
    make_authority(settings.KEYS, now)
    try:
        names = make_server_certificate(settings.KEYS, asked.names, now)
    except ValueError:
        return _fault(asked, BAD_USE, "bad_name", "not a name or address")
    call_command("migrate", verbosity=0, interactive=False)
    password = make_first_user()
    return _answer(
        asked,
        {
            "created": password is not None,
            "user": FIRST_USER,
            "password": password,
            "names": names,
            "ca": str(settings.KEYS / "ca.pem"),
            "pin": read_authority(settings.KEYS).pin,
        },
        f"staff site: user {FIRST_USER}, one-time password {password}"
        if password
        else f"the database is up to date; user {FIRST_USER} is there already",
    )


def _serve(asked: argparse.Namespace) -> int:
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    from hub.logs import log_to  # noqa: PLC0415
    from hub.serving import server  # noqa: PLC0415

    if asked.plain and asked.host not in ("127.0.0.1", "::1", "localhost"):
        return _fault(asked, BAD_USE, "not_loopback", "without TLS only this machine is served")
    log_to(asked.log_file)
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return _fault(asked, FAULT, "not_set_up", "run `python -m hub init` first")
    several = connection.vendor == "postgresql"
    connection.close()
    processes = asked.processes or ((os.cpu_count() or 1) if several else 1)
    if asked.log_file is not None:
        os.environ[LOG_FILE] = str(asked.log_file.resolve())
    try:
        return server.run(
            asked.host,
            asked.port,
            plain=asked.plain,
            processes=processes,
            port_file=asked.port_file,
            ready=_say,
        )
    except OSError as wrong:
        return _fault(asked, FAULT, "cannot_listen", os.strerror(wrong.errno or 0))


def _serve_inherited(asked: argparse.Namespace) -> int:
    """One of the processes that `serve` starts."""
    from hub.logs import log_to  # noqa: PLC0415
    from hub.serving import server  # noqa: PLC0415

    named = os.environ.get(LOG_FILE)
    log_to(Path(f"{named}-{asked.number}") if named else None)
    server.serve_inherited(asked.descriptor, plain=asked.plain)
    return DONE


def _keep_opening(asked: argparse.Namespace) -> int:
    """The process that `serve` starts beside several serving ones."""
    from hub.logs import log_to  # noqa: PLC0415
    from hub.serving import server  # noqa: PLC0415

    named = os.environ.get(LOG_FILE)
    log_to(Path(f"{named}-{asked.number}") if named else None)
    server.keep_opening()
    return DONE


def _open(asked: argparse.Namespace) -> int:
    from hub.applications.opener import opener, waiting  # noqa: PLC0415

    opens, count = opener(), 0
    while looked_at := opens.next_page():
        count += looked_at
    left, _ = waiting()
    return _answer(
        asked,
        {"looked_at": count, "unopened": left},
        f"{count} looked at; {left} could not be read and are tried again later",
    )


def _reopen(asked: argparse.Namespace) -> int:
    from hub.applications.opener import opener  # noqa: PLC0415
    from hub.applications.reopening import FOR_WANT_OF_A_KEY, reopen  # noqa: PLC0415
    from hub.applications.writer import writer  # noqa: PLC0415

    done = reopen(opener(), writer(), asked.codes or FOR_WANT_OF_A_KEY)
    lines = [f"{done.looked_at} looked at; {done.read} are read now, and their terminals are told"]
    lines += [f"{count} still not: {code}" for code, count in done.still.items()]
    if done.later:
        lines.append(f"{done.later} could not be looked at now and are tried again by themselves")
    found = {"looked_at": done.looked_at, "read": done.read, "still": dict(done.still)}
    return _answer(asked, {**found, "later": done.later}, "\n".join(lines))


def _revoke(asked: argparse.Namespace) -> int:
    from hub.terminals.enrolment import revoke  # noqa: PLC0415
    from hub.terminals.models import Terminal  # noqa: PLC0415

    if not Terminal.objects.filter(pk=asked.terminal).exists():
        return _fault(asked, NOT_THERE, "unknown_terminal", "no such terminal")
    count = revoke(asked.terminal)
    return _answer(
        asked,
        {"terminal": asked.terminal, "revoked": count},
        f"{count} certificates of {asked.terminal} ended",
    )


def _new_seal_key(asked: argparse.Namespace) -> int:
    from django.conf import settings  # noqa: PLC0415

    from hub.seal.keys import make_seal_keys  # noqa: PLC0415

    made = [key.id.hex() for key in make_seal_keys(settings.KEYS, anew=True)]
    return _answer(asked, {"made": made}, "\n".join(made))


def _tidy(asked: argparse.Namespace) -> int:
    from django.conf import settings  # noqa: PLC0415

    from hub.applications.blobs import attachment_store  # noqa: PLC0415
    from hub.applications.tidying import tidy  # noqa: PLC0415

    done = tidy(attachment_store(), settings.INCOMING)
    return _answer(
        asked,
        {"attachments": done.attachments, "parts": done.parts},
        f"{done.attachments} attachments, {done.parts} unfinished uploads deleted",
    )


def _check(asked: argparse.Namespace) -> int:
    from hub.applications.blobs import attachment_store  # noqa: PLC0415
    from hub.applications.lost import check  # noqa: PLC0415

    try:
        done = check(attachment_store())
    except OSError:
        return _fault(asked, FAULT, "store_away", "the attachments' store does not answer")
    return _answer(
        asked,
        {"items": done.items, "lost": done.lost},
        f"{done.items} items with attachments; of {done.lost} some are lost and asked for again",
    )


def _enrol_code(asked: argparse.Namespace) -> int:
    from hub.numbers import TERMINAL_PATTERN  # noqa: PLC0415
    from hub.terminals.enrolment import new_code  # noqa: PLC0415
    from hub.terminals.models import Terminal  # noqa: PLC0415

    if not re.match(TERMINAL_PATTERN, asked.terminal) or not asked.terminal.isalnum():
        return _fault(asked, BAD_USE, "bad_terminal", "four capital letters or digits")
    terminal, _ = Terminal.objects.get_or_create(code=asked.terminal)
    made = new_code(terminal, "command line")
    expires_at = made.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return _answer(
        asked,
        {"terminal": made.terminal, "code": made.code, "expires_at": expires_at},
        f"{made.code}  (terminal {made.terminal}, until {expires_at})",
    )


def _show(asked: argparse.Namespace) -> int:
    from hub.applications.opener import opener  # noqa: PLC0415
    from hub.applications.opening import CannotOpenError  # noqa: PLC0415
    from hub.applications.record import record  # noqa: PLC0415
    from hub.numbers import terminal_of  # noqa: PLC0415

    number = _number(asked)
    try:
        opener().of_number(terminal_of(number), number)
        found = record(number)
    except CannotOpenError:
        return _fault(asked, FAULT, "key_lost", "the key it was sealed to is not there")
    if found is None:
        return _fault(asked, NOT_THERE, "unknown_number", "no application with this number")
    if asked.json:
        return _answer(asked, found, "")
    _say(json.dumps(found, ensure_ascii=False, indent=2))
    return DONE


def _export(asked: argparse.Namespace) -> int:
    from hub.applications.blobs import attachment_store, content_of  # noqa: PLC0415
    from hub.applications.models import Enclosure  # noqa: PLC0415
    from hub.applications.opener import opener  # noqa: PLC0415
    from hub.applications.opening import CannotOpenError  # noqa: PLC0415
    from hub.numbers import terminal_of  # noqa: PLC0415

    number = _number(asked)
    opener().of_number(terminal_of(number), number)
    found = Enclosure.objects.select_related("attachment")
    if asked.papers is None:
        found = found.filter(application_id=number)
    else:
        found = found.filter(papers_id=asked.papers, papers__application_id=number)
    row = found.filter(code=asked.code).first()
    if row is None:
        return _fault(asked, NOT_THERE, "unknown_attachment", "no such number or code")
    try:
        content = content_of(row.attachment, attachment_store())
    except FileNotFoundError:
        return _fault(asked, NOT_THERE, "attachment_lost", "its file is not there")
    except CannotOpenError:
        return _fault(asked, FAULT, "key_lost", "the key it was sealed to is not there")
    try:
        asked.file.write_bytes(content)
    except OSError as wrong:
        return _fault(asked, NOT_THERE, "unwritable", os.strerror(wrong.errno or 0))
    return _answer(
        asked,
        {"sha256": row.attachment.content_sha256, "bytes": len(content)},
        f"{len(content)} bytes, SHA-256 {row.attachment.content_sha256}",
    )


def _import(asked: argparse.Namespace) -> int:
    """A line for each item; it may be given again, as often as one likes."""
    from hub.applications.importing import ImportFailedError, taken_from  # noqa: PLC0415

    counts: dict[str, int] = {}
    try:
        for one in taken_from(asked.folder):
            result, code = one.answer.result.value, one.answer.code
            counts[result] = counts.get(result, 0) + 1
            told = {
                "terminal": one.terminal,
                "epoch": one.epoch,
                "seq": one.seq,
                "id": one.id,
                "kind": one.kind,
                "number": one.order_key,
                "result": result,
                "code": code,
            }
            line = f"{one.terminal} {one.seq} {one.kind} {one.order_key} {result} {code}".rstrip()
            _say(json.dumps({"ok": True, **told}, ensure_ascii=False) if asked.json else line)
    except ImportFailedError as failed:
        return _fault(asked, FAULT, failed.fault, failed.what)
    plain = ", ".join(f"{count} {result}" for result, count in counts.items())
    _answer(asked, {"counts": counts}, plain or "nothing on it")
    return DONE if counts.keys() <= {"accepted", "duplicate"} else FAULT


def _counts(asked: argparse.Namespace) -> int:
    from hub.applications.record import counts  # noqa: PLC0415

    held = counts()
    return _answer(asked, held, "\n".join(f"{name} {count}" for name, count in held.items()))


def _password(asked: argparse.Namespace) -> int:
    from hub.staff.first_user import new_one_time_password  # noqa: PLC0415

    password = new_one_time_password(asked.user)
    if password is None:
        return _fault(asked, NOT_THERE, "unknown_user", "no such staff user")
    return _answer(
        asked,
        {"user": asked.user, "password": password},
        f"user {asked.user}, one-time password {password}",
    )


def _openapi(asked: argparse.Namespace) -> int:
    from hub.api.document import FILE, document  # noqa: PLC0415

    written = document()
    if asked.check:
        if FILE.read_text(encoding="utf-8") == written:
            return DONE
        return _fault(asked, FAULT, "out_of_date", "run `python -m hub openapi`")
    FILE.write_text(written, encoding="utf-8")
    FILE.chmod(0o644)
    return DONE


def _catalogue(asked: argparse.Namespace) -> int:
    from hub.catalogue import ITEMS_FILE, labels_from  # noqa: PLC0415

    if not asked.folder.is_dir():
        return _fault(asked, NOT_THERE, "not_found", "no such folder")
    ITEMS_FILE.write_text(labels_from(asked.folder), encoding="utf-8")
    ITEMS_FILE.chmod(0o644)
    return DONE


def _number(asked: argparse.Namespace) -> str:
    return "".join(str(asked.number).split()).upper()
