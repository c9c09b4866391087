"""Writing many rows at once: COPY on PostgreSQL, one insert of several rows elsewhere.

Rows are tuples in the columns' order: a hundred items a batch leave no time for a hundred objects.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from django.db import IntegrityError, connection, models, transaction

Row = Sequence[Any]
# SQLite takes 32,766 values in a statement, and 999 where it is older than this machine's.
VALUES_MAX = 900
ALONE = 0x5A57_4F50  # this hub's lock for opening, among the database's advisory locks


def insert_new(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], *, surely: bool
) -> set[Any]:
    """Those whose keys are not taken; their primary keys, which stand first in the rows.

    On PostgreSQL by way of a temporary table, which waits for another connection that is writing the
    same ones and leaves them out. `surely`: none can be taken, but by a fault of the sender's; they
    are copied straight to their place, for half of the database's work, and only if one is taken
    after all by that way.
    """
    if not rows:
        return set()
    key = _key(model)
    if connection.vendor != "postgresql":
        return set(_inserted(model, columns, rows, f'ON CONFLICT DO NOTHING RETURNING "{key}"'))
    if surely:
        with suppress(IntegrityError), transaction.atomic():
            insert(model, columns, rows)
            return {row[0] for row in rows}
    table = model._meta.db_table
    named = _named(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE TEMP TABLE IF NOT EXISTS "new_{table}" '
            f'(LIKE "{table}" INCLUDING DEFAULTS) ON COMMIT DELETE ROWS'
        )
        _copy(cursor, model, f"new_{table}", columns, rows)
        cursor.execute(
            f'WITH new AS (DELETE FROM "new_{table}" RETURNING *) '  # noqa: S608
            f'INSERT INTO "{table}" ({named}) SELECT {named} FROM new '
            f'ON CONFLICT DO NOTHING RETURNING "{key}"'
        )
        return {row[0] for row in cursor.fetchall()}


def update(model: type[models.Model], key: Any, values: dict[str, Any]) -> None:
    """Columns of one row. At the door even the making of a statement is paid for by every batch."""
    by_column = _by_column(model)
    changes = ", ".join(f'"{column}" = %s' for column in values)
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{model._meta.db_table}" SET {changes} '  # noqa: S608 (our own names)
            f'WHERE "{_key(model)}" = %s',
            [
                *(by_column[name].get_db_prep_save(values[name], connection) for name in values),
                key,
            ],
        )


def row_of(model: type[models.Model], where: str, values: Sequence[Any]) -> Any:
    """One row, `where` its columns are these values; None if there is none."""
    statement = f'SELECT * FROM "{model._meta.db_table}" WHERE {where}'  # noqa: S608 (our own)
    return next(iter(model._default_manager.raw(statement, values)), None)


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Raises IntegrityError when a key is taken."""
    if not rows:
        return
    if connection.vendor != "postgresql":
        _inserted(model, columns, rows)
        return
    with connection.cursor() as cursor:
        _copy(cursor, model, model._meta.db_table, columns, rows)


def alone() -> None:
    """Until the end of this transaction nobody else passes here. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ALONE])


def _inserted(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], more: str = ""
) -> list[Any]:
    """What `more` returns, if it does: the first column of every row, as the model has it."""
    by_column = _by_column(model)
    fields = [by_column[column] for column in columns]
    part = max(1, VALUES_MAX // len(fields))
    places = f"({', '.join(['%s'] * len(fields))})"
    returned: list[Any] = []
    with connection.cursor() as cursor:
        for at in range(0, len(rows), part):
            some = rows[at : at + part]
            cursor.execute(
                f'INSERT INTO "{model._meta.db_table}" ({_named(columns)}) '  # noqa: S608
                f"VALUES {', '.join([places] * len(some))} {more}",
                [
                    field.get_db_prep_save(value, connection)
                    for row in some
                    for field, value in zip(fields, row, strict=True)
                ],
            )
            if more:
                returned += [row[0] for row in cursor.fetchall()]
    key = model._meta.pk
    return [key.to_python(value) for value in returned] if key else returned


def _copy(
    cursor: Any, model: type[models.Model], table: str, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    by_column = _by_column(model)
    types = [
        _TYPES[str(by_column[column].db_type(connection)).partition("(")[0]] for column in columns
    ]
    statement = f'COPY "{table}" ({_named(columns)}) FROM STDIN (FORMAT BINARY)'
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types(types)
        write = copy.write_row
        for row in rows:
            write(row)


def _named(columns: Collection[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _by_column(model: type[models.Model]) -> dict[str, Any]:
    return {str(field.column): field for field in model._meta.concrete_fields}


def _key(model: type[models.Model]) -> str:
    key = model._meta.pk
    assert key is not None  # noqa: S101 (every model of ours has one)
    return str(key.column)


# The driver's names for the columns' types: in binary, a number must be as wide as its column.
_TYPES = {
    "uuid": "uuid",
    "varchar": "text",
    "text": "text",
    "bigint": "int8",
    "integer": "int4",
    "smallint": "int2",
    "timestamp with time zone": "timestamptz",
    "bytea": "bytea",
}


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True)
