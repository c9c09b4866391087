"""Writing many rows at once: COPY on PostgreSQL, bulk inserts elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, models


def insert_new(model: type[models.Model], rows: Sequence[models.Model]) -> int:
    """Those whose keys are not taken; how many. On PostgreSQL by way of a temporary table, which
    waits for another connection that is writing the same ones and then leaves them out."""
    if connection.vendor != "postgresql":
        return len(model._default_manager.bulk_create(rows))
    fields = _fields(model, rows)
    table = model._meta.db_table
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE TEMP TABLE IF NOT EXISTS "new_{table}" '
            f'(LIKE "{table}" INCLUDING DEFAULTS) ON COMMIT DELETE ROWS'
        )
        _copy(cursor, f"new_{table}", columns, fields, rows)
        cursor.execute(
            f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM "new_{table}" '  # noqa: S608
            "ON CONFLICT DO NOTHING"
        )
        count = int(cursor.rowcount)
        cursor.execute(f'DELETE FROM "new_{table}"')  # noqa: S608 (our own names)
        return count


def insert(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Raises IntegrityError when a key is taken."""
    if not rows:
        return
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(rows)
        return
    fields = _fields(model, rows)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor:
        _copy(cursor, model._meta.db_table, columns, fields, rows)


def _fields(model: type[models.Model], rows: Sequence[models.Model]) -> list[Any]:
    """All but a number that the database gives."""
    return [
        field
        for field in model._meta.concrete_fields
        if not (isinstance(field, models.AutoField) and rows[0].pk is None)
    ]


def _copy(
    cursor: Any, table: str, columns: str, fields: Sequence[Any], rows: Sequence[models.Model]
) -> None:
    names = [field.attname for field in fields]
    types = [_TYPES[str(field.db_type(connection)).partition("(")[0]] for field in fields]
    statement = f'COPY "{table}" ({columns}) FROM STDIN (FORMAT BINARY)'
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row([getattr(row, name) for name in names])


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
