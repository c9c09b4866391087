"""`kiosk cache`: what waits on this terminal, what lies in the tray, whether the store is whole."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final, assert_never

from kiosk.catalogue.load import load as load_catalogue
from kiosk.catalogue.model import Item
from kiosk.clock import SystemClock, local
from kiosk.entry.commands.answer import Exit, bad_use, exit_code, fault_line, ok_line
from kiosk.entry.commands.settings_file import load_settings
from kiosk.receipts.number import grouped
from kiosk.settings import Settings
from offline_cache.blobs import Blobs
from offline_cache.database import Database, open_database
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.hub_keys import HubKeysFile
from offline_cache.keys import Keys, credentials_folder, open_keys
from offline_cache.leaving import anything_to_wipe, export, may_leave, told_aside, wipe
from offline_cache.line.hub_time import HubTime
from offline_cache.outbox import ItemKind, check_chain, count_waiting
from offline_cache.ports import utc_text, utc_time
from offline_cache.queue import SendQueue, line_stopped
from offline_cache.salvage import folders_to_salvage
from offline_cache.store import StorePlaces, salvage_all
from offline_cache.tray import Refused, list_tray, mark_handled, send_again

ACTIONS: Final = "status, check, salvage, tray, again, handled, slip, export or wipe"
MOST_ITEM_DIGITS: Final = 18  # the store counts to 2^63; one more digit may be beyond
OF_AN_ITEM: Final = frozenset({"again", "handled", "slip"})
# What the hub's codes mean, for the clerk who holds the slip. What is wrong with the machine is not
# theirs to mend; what is wrong with the papers is.
REASONS: Final = {
    "another_person": "交件人不是申请人，也不是代办人",
    "attachment_elsewhere": "所附材料属于另一台终端",
    "attachment_sealed": "所附材料打不开",
    "attachments_differ": "所附材料与申请里写的不一致",
    "body_invalid": "内容不合规定",
    "body_not_json": "内容无法读取",
    "chain_broken": "与前一条衔接不上，中间可能少了一条",
    "hash_mismatch": "送到时与发出时不一致",
    "id_elsewhere": "另一台终端用过同一标识",
    "item_invalid": "格式不合规定",
    "not_an_envelope": "送到的不是密封的内容",
    "not_authentic": "密封损坏，或送错了位置",
    "not_storable": "中心无法保存这些内容",
    "not_unpacked": "密封的内容无法展开",
    "number_taken": "受理号已被另一件占用",
    "other_content": "同一条内容前后不一致",
    "other_place": "同一条内容换了位置",
    "other_terminal": "内容属于另一台终端",
    "place_taken": "这个位置已有别的内容",
    "too_large_opened": "内容过大",
    "unknown_seal_key": "中心没有对应的密钥",
    "unknown_suite": "中心没有这种密封算法",
}
REASON_UNKNOWN: Final = "中心没有说明，请与中心联系"


def run(settings_path: Path, action: str, what: str = "", *, json: bool) -> int:
    """`what`: the item of `again`, `handled` and `slip` as `tray` names it, the folder of `export`."""
    if action not in ACTIONS.replace(" or ", ", ").split(", "):
        return bad_use(f"say {ACTIONS}", json=json)
    if action in OF_AN_ITEM and not (what.isdecimal() and len(what) <= MOST_ITEM_DIGITS):
        return bad_use(f"say {action} and the item, as the tray names it", json=json)
    if action == "export" and not what:
        return bad_use("say export and the folder to write to", json=json)
    settings = load_settings(settings_path, json=json)
    if not isinstance(settings, Settings):
        return settings
    places = StorePlaces(settings.paths.data)
    aside = folders_to_salvage(places.store)
    opened = open_terminal_store(settings, create=action == "salvage" and bool(aside))
    if action == "wipe":
        return _wipe(opened, places, json)
    if isinstance(opened, StoreFault):
        return refuse(_with_what_lies_aside(opened, aside), json)
    keys, database = opened
    try:
        match action:
            case "check":
                return _check(database, json)
            case "tray":
                return _tray(database, json)
            case "again":
                return _settled(send_again(database, int(what)), "waits again", json)
            case "handled":
                handled = mark_handled(database, SystemClock(), int(what))
                return _settled(handled, "marked as handled", json)
            case "slip":
                return _slip(database, int(what), settings, json)
            case "salvage":
                return _salvage(settings, keys, json)
            case "export":
                return _export(database, keys, places, Path(what), json)
            case _:
                return _status(database, settings, aside, json)
    finally:
        database.close()


def open_terminal_store(
    settings: Settings, *, create: bool = False
) -> tuple[Keys, Database] | StoreFault:
    """The keys and the database that are there. Makes no keys, and a database with `create` only."""
    places = StorePlaces(settings.paths.data)
    keys = open_keys(places.keys, credentials_folder(os.environ), create=False)
    if isinstance(keys, StoreFault):
        return keys
    database = open_database(places.database, keys.database, SystemClock(), create=create)
    return database if isinstance(database, StoreFault) else (keys, database)


def store_fields(database: Database) -> dict[str, object] | StoreFault:
    """What waits, as both `cache status` and `sync status` tell it."""
    waiting = count_waiting(database)
    if isinstance(waiting, StoreFault):
        return waiting
    stopped = line_stopped(database)
    if isinstance(stopped, StoreFault):
        return stopped
    oldest = waiting.oldest_at
    age_s = (SystemClock().utc() - oldest).total_seconds() if oldest else 0.0
    return {
        "waiting": waiting.count,
        "oldest_s": max(0, round(age_s)),
        "refused": waiting.refused,
        "epoch": database.epoch,
        "last_seq": waiting.last_seq,
        "stopped": stopped.reason if stopped is not None else "",
        "stopped_since": utc_text(stopped.since) if stopped is not None else None,
    }


def refuse(fault: StoreFault, json: bool) -> int:
    if json:
        print(fault_line(str(fault.code), fault.detail))
    else:
        print(f"{fault.code}: {fault.detail}", file=sys.stderr)
    return exit_code(str(fault.code))


def _with_what_lies_aside(fault: StoreFault, aside: tuple[Path, ...]) -> StoreFault:
    """No database is not nothing: what was set aside may hold applications."""
    if not aside:
        return fault
    return StoreFault(fault.code, f"{fault.detail}; {told_aside(aside)}")


def _status(database: Database, settings: Settings, aside: tuple[Path, ...], json: bool) -> int:
    fields = store_fields(database)
    if isinstance(fields, StoreFault):
        return refuse(fields, json)
    if json:
        contact = last_contact(StorePlaces(settings.paths.data))
        print(
            ok_line(
                **fields,
                last_contact=utc_text(contact) if contact else None,
                set_aside=[folder.name for folder in aside],
            )
        )
    else:
        print(
            f"{fields['waiting']} waiting, the oldest for {fields['oldest_s']} s,"
            f" {fields['refused']} in the tray"
        )
        if fields["stopped"]:
            since = utc_time(str(fields["stopped_since"]))
            print(
                f"nothing is sent since {local(since):%Y-%m-%d %H:%M}: {fields['stopped']};"
                " what it means stands in docs/technicians.md"
            )
        if aside:
            print(told_aside(aside))
    return Exit.DONE


def last_contact(places: StorePlaces) -> datetime | None:
    """When the hub was heard last, by its own time."""
    return HubTime(places.hub_time, SystemClock()).last_heard


def _check(database: Database, json: bool) -> int:
    found = database.check() or check_chain(database)
    if found is not None:
        return refuse(found, json)
    print(ok_line(epoch=database.epoch) if json else "every page is whole")
    return Exit.DONE


def _tray(database: Database, json: bool) -> int:
    tray = list_tray(database)
    if isinstance(tray, StoreFault):
        return refuse(tray, json)
    for one in tray:
        if json:
            print(
                ok_line(
                    item=one.row,
                    seq=one.seq,
                    kind=one.kind,
                    number=one.order_key,
                    name_masked=one.name_masked,
                    refused_at=utc_text(one.refused_at),
                    codes=list(one.codes),
                    code=one.code,
                    reason=one.reason,
                )
            )
        else:
            what = f"{one.kind} ({', '.join(one.codes)})" if one.codes else one.kind
            print(f"{one.row}  {one.order_key}  {what}  {one.code}  {utc_text(one.refused_at)}")
    if json:
        print(ok_line(refused=len(tray)))
    elif not tray:
        print("the tray is empty")
    return Exit.DONE


def _slip(database: Database, row: int, settings: Settings, json: bool) -> int:
    """What staff lays beside the papers: the masked lines, and what the hub said."""
    tray = list_tray(database)
    if isinstance(tray, StoreFault):
        return refuse(tray, json)
    for one in tray:
        if one.row == row:
            lines = [
                ("受理号", grouped(one.order_key)),
                *one.receipt,
                *_what(one, settings),
                ("终端", settings.terminal.code),
                ("状态", "中心未接收，请工作人员处理"),
                ("原因", _why(one)),
                ("退回时间", f"{local(one.refused_at):%Y-%m-%d %H:%M}"),
            ]
            if json:
                print(ok_line(item=row, lines=[list(line) for line in lines]))
            else:
                print("\n".join(f"{label}　{text}" for label, text in lines))
            return Exit.DONE
    return refuse(StoreFault(StoreFaultCode.NOT_FOUND, "no such item in the tray"), json)


def _why(one: Refused) -> str:
    """In the clerk's language. The hub's own sentence is for technicians (`tray --json`), unless it
    is Chinese already."""
    said = one.reason if not one.reason.isascii() else REASON_UNKNOWN
    return f"{REASONS.get(one.code, said)}（{one.code}）"


def _what(one: Refused, settings: Settings) -> list[tuple[str, str]]:
    """Which part of the case the hub did not take, and when it was made."""
    at = f"{local(one.created_at):%Y-%m-%d %H:%M}"
    match ItemKind(one.kind):
        case ItemKind.APPLICATION:
            return [("受理时间", at)]
        case ItemKind.LATER_PAPERS:
            items = load_catalogue(settings.paths.catalogue).items
            names = {it.code: it.name.words.get("zh") for item in items for it in item.materials}
            papers = "、".join(names.get(code, code) for code in one.codes)
            what = [("退回内容", f"补交材料（{papers}）"), ("补交时间", at)]
            # Of another terminal's application nothing lies here; its papers may tell the item.
            of = [it.name.words.get("zh") for it in items if _has_all(it, one.codes)]
            known = not one.receipt and len(of) == 1
            return [("事项", of[0]), *what] if known else what
        case ItemKind.RATING:
            return [("退回内容", "评价"), ("评价时间", at)]
        case ItemKind.PRINT_RESULT:
            return [("退回内容", "打印结果"), ("打印时间", at)]
        case _ as never:
            assert_never(never)


def _has_all(item: Item, codes: tuple[str, ...]) -> bool:
    return bool(codes) and set(codes) <= {material.code for material in item.materials}


def _salvage(settings: Settings, keys: Keys, json: bool) -> int:
    """What was set aside and not salvaged yet. The terminal does it by itself as well."""
    failed: StoreFault | None = None
    count = 0
    for folder, salvaged in salvage_all(settings.paths.data, keys, SystemClock()):
        if isinstance(salvaged, StoreFault):
            failed = salvaged
            continue
        count += 1
        if json:
            print(ok_line(folder=folder.name, **asdict(salvaged)))
        else:
            print(f"{folder.name}: {salvaged.items} items, {salvaged.lost} lost")
    if failed is not None:
        return refuse(failed, json)
    return _done(f"{count} databases salvaged", json, salvaged=count)


def _export(database: Database, keys: Keys, places: StorePlaces, to: Path, json: bool) -> int:
    known = HubKeysFile(places.hub_keys, keys.database).read()
    if isinstance(known, StoreFault):
        return refuse(known, json)
    queue = SendQueue(database, Blobs(places.attachments), SystemClock())
    exported = export(database, queue, known.terminal, to)
    if isinstance(exported, StoreFault):
        return refuse(exported, json)
    said = f"{exported.items} items and {exported.attachments} attachments, sealed"
    done = _done(said, json, **asdict(exported))
    if not exported.left_out:
        return done
    count, numbers = len(exported.left_out), ", ".join(exported.left_out)
    detail = f"{count} items are not whole on the stick (kiosk cache tray): {numbers}"
    return refuse(StoreFault(StoreFaultCode.DAMAGED, detail), json)


def _wipe(opened: tuple[Keys, Database] | StoreFault, places: StorePlaces, json: bool) -> int:
    if isinstance(opened, StoreFault):
        refused = may_leave(opened, places)
    else:
        _, database = opened
        refused = may_leave(database, places)
        database.close()
    if refused is not None:
        return refuse(refused, json)
    if not anything_to_wipe(places):
        return _done("there is nothing to wipe", json)
    return _settled(wipe(places), "wiped", json)


def _settled(fault: StoreFault | None, said: str, json: bool) -> int:
    return refuse(fault, json) if fault is not None else _done(said, json)


def _done(said: str, json: bool, **fields: object) -> int:
    print(ok_line(**fields) if json else said)
    return Exit.DONE
