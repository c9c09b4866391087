"""Writing many rows at once: COPY on PostgreSQL, one insert of several rows elsewhere.

Rows are tuples in the columns' order, or all values of each column together, and what is the same in
all of them is said once: a hundred items a batch leave no time for a hundred objects. An UUID may be
its 16 bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import chain, repeat
from typing import Any, Final
from uuid import UUID

from django.db import connection, models
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq import Format

Row = Sequence[Any]
Pack = Callable[[Sequence[Any]], Sequence[bytes]]
# SQLite takes 32,766 values in a statement, and 999 where it is older than this machine's.
VALUES_MAX = 900
ALONE = 0x5A57_4F50  # this hub's lock for opening, among the database's advisory locks


def insert_new(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    same: Mapping[str, Any],
) -> set[Any]:
    """Those whose keys are not taken; their primary keys as they stand in the rows, which is first.

    On PostgreSQL by way of a temporary table, which waits for another connection that is writing the
    same ones and leaves them out.
    """
    if not rows:
        return set()
    key = _key(model)
    if connection.vendor != "postgresql":
        more = f'ON CONFLICT DO NOTHING RETURNING "{key}"'
        return _among(rows, _inserted(model, columns, rows, same, more))
    table = model._meta.db_table
    named = _named([*same, *columns])
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE TEMP TABLE IF NOT EXISTS "new_{table}" '
            f'(LIKE "{table}" INCLUDING DEFAULTS) ON COMMIT DELETE ROWS'
        )
        _copy(model, f"new_{table}", columns, list(zip(*rows, strict=True)), same)
        cursor.execute(
            f'WITH new AS (DELETE FROM "new_{table}" RETURNING *) '  # noqa: S608
            f'INSERT INTO "{table}" ({named}) SELECT {named} FROM new '
            f'ON CONFLICT DO NOTHING RETURNING "{key}"'
        )
        return _among(rows, [row[0] for row in cursor.fetchall()])


def _among(rows: Sequence[Row], keys: Collection[Any]) -> set[Any]:
    """These keys, as the rows have them."""
    written = {_plain(key) for key in keys}
    return {row[0] for row in rows if _plain(row[0]) in written}


def _plain(key: Any) -> Any:
    return key.bytes if isinstance(key, UUID) else key


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Raises IntegrityError when a key is taken."""
    if rows:
        insert_columns(model, columns, list(zip(*rows, strict=True)), same={})


def insert_columns(
    model: type[models.Model],
    columns: Sequence[str],
    values: Sequence[Sequence[Any]],
    *,
    same: Mapping[str, Any],
) -> None:
    """`values`: of each column all, in the rows' order. Copied straight to their place, for half of
    the work that `insert_new` makes the database. Raises IntegrityError, and the transaction is lost,
    when a key is taken."""
    if connection.vendor == "postgresql":
        _copy(model, model._meta.db_table, columns, values, same)
    else:
        _inserted(model, columns, list(zip(*values, strict=True)), same)


def arrays(
    model: type[models.Model], columns: Sequence[str], values: Sequence[Sequence[Any]]
) -> list[Array]:
    """PostgreSQL's arrays of these columns, for a statement that unnests them beside each other."""
    by_column = _by_column(model)
    packed = []
    for column, every in zip(columns, values, strict=True):
        kind = _kind(by_column[column])
        packed.append(_array(kind, _PACKED[kind](every)))
    return packed


def execute(cursor: Any, statement: str, values: Sequence[Any]) -> None:
    """A statement written out, for where even its making by the framework is paid for by every
    batch. Times are given as the database has them."""
    adapted = connection.ops.adapt_datetimefield_value
    cursor.execute(
        statement, [adapted(one) if isinstance(one, datetime) else one for one in values]
    )


def alone() -> None:
    """Until the end of this transaction nobody else passes here. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ALONE])


def _inserted(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Row],
    same: Mapping[str, Any],
    more: str = "",
) -> list[Any]:
    """What `more` returns, if it does: the first column of every row, as the model has it."""
    by_column = _by_column(model)
    fields = [by_column[column] for column in (*same, *columns)]
    alike = tuple(same.values())
    part = max(1, VALUES_MAX // len(fields))
    places = f"({', '.join(['%s'] * len(fields))})"
    returned: list[Any] = []
    with connection.cursor() as cursor:
        for at in range(0, len(rows), part):
            some = rows[at : at + part]
            cursor.execute(
                f'INSERT INTO "{model._meta.db_table}" ({_named([*same, *columns])}) '  # noqa: S608
                f"VALUES {', '.join([places] * len(some))} {more}",
                [
                    _saved(field, value)
                    for row in some
                    for field, value in zip(fields, (*alike, *row), strict=True)
                ],
            )
            if more:
                returned += [row[0] for row in cursor.fetchall()]
    key = model._meta.pk
    return [key.to_python(value) for value in returned] if key else returned


def _saved(field: Any, value: Any) -> Any:
    if isinstance(field, models.UUIDField) and isinstance(value, bytes):
        value = UUID(bytes=value)
    return field.get_db_prep_save(value, connection)


# -- COPY ---------------------------------------------------------------------------


def _copy(
    model: type[models.Model],
    table: str,
    columns: Sequence[str],
    values: Sequence[Sequence[Any]],
    same: Mapping[str, Any],
) -> None:
    """All rows in one piece: handed over one by one they would take the driver four times as long."""
    statement, alike, packs = _copying(model, table, tuple(same), tuple(columns))
    begin = _COUNT(len(same) + len(columns))
    begin += b"".join(pack([one])[0] for pack, one in zip(alike, same.values(), strict=True))
    each = [pack(column) for pack, column in zip(packs, values, strict=True)]
    content = b"".join(chain.from_iterable(zip(repeat(begin, len(values[0])), *each, strict=True)))
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(statement) as copy,
    ):
        copy.write(_SIGNATURE + content + _TRAILER)


@cache
def _copying(
    model: type[models.Model], table: str, same: tuple[str, ...], columns: tuple[str, ...]
) -> tuple[str, Sequence[Pack], Sequence[Pack]]:
    """The statement, and how to pack each column: what the framework is asked once."""
    by_column = _by_column(model)

    def of(column: str) -> Pack:
        field = by_column[column]
        pack = _PACKED[_kind(field)]
        return partial(_some_null, pack) if field.null else pack

    statement = f'COPY "{table}" ({_named([*same, *columns])}) FROM STDIN (FORMAT BINARY)'
    return statement, [of(column) for column in same], [of(column) for column in columns]


# The binary format of COPY: a signature, flags and an empty extension; -1 as a count ends it and
# as a length is NULL. Every value has its length before it; numbers are big endian and as wide as
# their column. A whole column is packed at once: a call for each value would cost more than it does.
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_COUNT: Final = struct.Struct(">h").pack
_LENGTH: Final = struct.Struct(">i").pack
_BIGINT: Final = struct.Struct(">iq").pack
_INTEGER: Final = struct.Struct(">ii").pack
_SMALLINT: Final = struct.Struct(">ih").pack
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # times are microseconds since
_MICROSECOND: Final = timedelta(microseconds=1)


def _bytes_packed(values: Sequence[bytes]) -> Sequence[bytes]:
    lengths = set(map(len, values))
    if len(lengths) == 1:  # ids and hashes
        begin = _LENGTH(lengths.pop())
        return [begin + one for one in values]
    return [_LENGTH(len(one)) + one for one in values]


def _text_packed(values: Sequence[str]) -> Sequence[bytes]:
    return _bytes_packed([one.encode() for one in values])


def _uuid_packed(values: Sequence[Any]) -> Sequence[bytes]:
    return _bytes_packed([one.bytes if isinstance(one, UUID) else one for one in values])


def _time_packed(values: Sequence[datetime]) -> Sequence[bytes]:
    return [_BIGINT(8, (one - _EPOCH) // _MICROSECOND) for one in values]


def _some_null(pack: Pack, values: Sequence[Any]) -> Sequence[bytes]:
    filled = iter(pack([one for one in values if one is not None]))
    return [_NULL if one is None else next(filled) for one in values]


_PACKED: Final[Mapping[str, Pack]] = {
    "uuid": _uuid_packed,
    "varchar": _text_packed,
    "text": _text_packed,
    "bigint": lambda values: [_BIGINT(8, one) for one in values],
    "integer": lambda values: [_INTEGER(4, one) for one in values],
    "smallint": lambda values: [_SMALLINT(2, one) for one in values],
    "timestamp with time zone": _time_packed,
    "bytea": _bytes_packed,
}


# -- arrays -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Array:
    """As PostgreSQL takes it in binary; `oid` is its type's number there."""

    oid: int
    content: bytes


class _ArrayDumper(Dumper):
    """Hands an `Array` to the driver, which would ask each value of a list what it is."""

    format = Format.BINARY

    def get_key(self, obj: Array, format: PyFormat) -> Any:
        return (self.cls, obj.oid)

    def upgrade(self, obj: Array, format: PyFormat) -> _ArrayDumper:
        made = type(self)(self.cls)
        made.oid = obj.oid
        return made

    def dump(self, obj: Array) -> bytes:
        return obj.content


def know_arrays(connection: Any, **_: Any) -> None:
    """For a connection that was just made."""
    if connection.vendor == "postgresql":
        connection.connection.adapters.register_dumper(Array, _ArrayDumper)


def _array(kind: str, packed: Sequence[bytes]) -> Array:
    """One dimension, no NULL, counted from 1; then every value with its length before it."""
    of, oid = _OIDS[kind]
    return Array(oid, _ARRAY(1, 0, of, len(packed), 1) + b"".join(packed))


_ARRAY: Final = struct.Struct(">iiiii").pack
# pg_type.dat: the number of a type, and of an array of it
_OIDS: Final[Mapping[str, tuple[int, int]]] = {
    "uuid": (2950, 2951),
    "varchar": (1043, 1015),
    "bigint": (20, 1016),
    "timestamp with time zone": (1184, 1185),
    "bytea": (17, 1001),
}


# -- names --------------------------------------------------------------------------


def _named(columns: Collection[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _by_column(model: type[models.Model]) -> dict[str, Any]:
    return {str(field.column): field for field in model._meta.concrete_fields}


def _kind(field: Any) -> str:
    """The type of its column, without a length."""
    return str(field.db_type(connection)).partition("(")[0]


def _key(model: type[models.Model]) -> str:
    key = model._meta.pk
    assert key is not None  # noqa: S101 (every model of ours has one)
    return str(key.column)


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True)
