"""The limit for everything that takes items in: PostgreSQL's COPY of the same bytes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import psycopg

from offline_cache.line.wire import Item

_TYPES: Final = ("uuid", "text", "uuid", "int8", "text", "text", "timestamptz", "bytea", "bytea", "bytea")  # fmt: skip


class CopyPeer:
    """Copies items into a table of its own, with the indexes that deduplication needs."""

    def __init__(self, dsn: str, terminal: str) -> None:
        self._terminal = terminal
        self._connection = psycopg.connect(dsn)
        with self._connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS copy_peer")
            cursor.execute(
                "CREATE TABLE copy_peer (id uuid PRIMARY KEY, terminal text, epoch uuid,"
                " seq bigint, kind text, order_key text, created_at timestamptz, sha256 bytea,"
                " chain bytea, sealed bytea, UNIQUE (terminal, epoch, seq))"
            )
        self._connection.commit()

    def copy(self, items: Sequence[Item]) -> None:
        """One transaction, on the disk when it returns."""
        with (
            self._connection.cursor() as cursor,
            cursor.copy(
                "COPY copy_peer (id, terminal, epoch, seq, kind, order_key, created_at, sha256,"
                " chain, sealed) FROM STDIN (FORMAT BINARY)"
            ) as copy,
        ):
            copy.set_types(_TYPES)
            for item in items:
                copy.write_row(
                    (
                        uuid.UUID(item.id),
                        self._terminal,
                        uuid.UUID(item.epoch),
                        item.seq,
                        item.kind,
                        item.order_key,
                        datetime.fromisoformat(item.created_at),
                        bytes.fromhex(item.sha256),
                        item.chain,
                        item.sealed,
                    )
                )
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()
