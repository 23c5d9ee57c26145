"""Moving: every row of one database into another, of either kind, and the proof that it arrived.

The source is held against every writer meanwhile. What is alike on both sides is counted and summed
up row by row, in whatever order the databases give them: they sort texts differently.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from roomtone.model.errors import Failed
from roomtone.services.roster import CURSOR
from roomtone.storage.connections import Connection, SqliteConnection
from roomtone.storage.schema import HEAD, ensure, metadata, revision_of

AT_ONCE = 500
"""Rows in memory at once; a report is some 10 KB, a chunk of the journal some 100."""
OF_PROCESSES = frozenset({"workers", "webhook_claims", "secrets"})
"""What tells of running processes stays behind; the secrets are carried over by who knows where
each side keeps them."""
SUM_BYTES = 8

Told = Callable[[str, int], None]
"""Is told of a table and how many of its rows went over just now."""


class Content(Struct, frozen=True):
    """What is in a table: how many rows, and the sum of their hashes."""

    rows: int
    sum: str


def move_rows(source: Connection, target: Connection, told: Told) -> dict[str, Content]:
    """Copy all; the contents of the target's tables, which are those of the source's. Raises Failed
    (and leaves the target as it was) for a target that holds anything already, or came out other.
    """
    if revision_of(source) != HEAD:
        raise Failed("The source is of another version.", "Run `roomtone migrate` on it first.")
    ensure(target)
    source.begin_write(alone=True)
    try:
        target.begin_write(alone=True)
        try:
            contents = _moved(source, target, told)
            target.commit()
        finally:
            if target.in_transaction:
                target.rollback()
    finally:
        source.rollback()
    return contents


def content(connection: Connection, table: sa.Table) -> Content:
    """Read a table through and sum it up."""
    count = total = 0
    for rows in _batches(connection, table):
        count += len(rows)
        total += sum(map(_hash, rows))
    return Content(count, f"{total % (1 << 8 * SUM_BYTES):0{2 * SUM_BYTES}x}")


def _moved(source: Connection, target: Connection, told: Told) -> dict[str, Content]:
    tables = [table for table in metadata.sorted_tables if table.name not in OF_PROCESSES]
    for table in tables:
        if target.core.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise Failed(
                f"The target has rows in {table.name} already.",
                "Name an empty database or folder: nothing is mixed.",
            )
    contents: dict[str, Content] = {}
    for table in tables:
        for rows in _batches(source, table):
            names = [column.name for column in table.columns]
            values = [dict(zip(names, row, strict=True)) for row in rows]
            target.core.execute(sa.insert(table), values)
            told(table.name, len(rows))
    for table in tables:
        before, contents[table.name] = content(source, table), content(target, table)
        if before != contents[table.name]:
            raise Failed(
                f"{table.name} came out other than it was: {before} and {contents[table.name]}.",
                "Nothing was moved. Tell the people who make Roomtone.",
            )
    _go_on_counting(target, tables)
    return contents


def _batches(connection: Connection, table: sa.Table) -> Iterator[list[tuple[Any, ...]]]:
    """All rows, by primary key, so many at a time."""
    keys = list(table.primary_key.columns)
    last: tuple[Any, ...] | None = None
    places = [list(table.columns).index(key) for key in keys]
    while True:
        asked = sa.select(table).order_by(*keys).limit(AT_ONCE)
        if last is not None:
            asked = asked.where(sa.tuple_(*keys) > sa.tuple_(*last))
        rows = [_plain(row) for row in connection.core.execute(asked)]
        if rows:
            yield rows
        if len(rows) < AT_ONCE:
            return
        last = tuple(rows[-1][place] for place in places)


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    """As both databases hold it: PostgreSQL's texts know no NUL (postgres.py)."""
    return tuple(
        value.replace("\0", "\ufffd")
        if type(value) is str
        else bytes(value)
        if isinstance(value, memoryview)
        else value
        for value in row
    )


def _hash(row: Sequence[Any]) -> int:
    encoded = msgspec.msgpack.encode(row)
    return int.from_bytes(blake2b(encoded, digest_size=SUM_BYTES).digest(), "big")


def _go_on_counting(target: Connection, tables: Sequence[sa.Table]) -> None:
    """Rows that come go on behind the last number that was ever given, though its row be gone."""
    for table in tables:
        key = table.autoincrement_column
        if key is None:
            continue
        last = target.core.scalar(sa.select(sa.func.max(key))) or 0
        if table.name == "journal":
            last = max(last, *_positions(target))
        if isinstance(target, SqliteConnection):
            if table.dialect_options["sqlite"]["autoincrement"] and last:
                target.raw.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
                target.raw.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table.name, last))
        elif last:
            target.raw.execute(
                "SELECT setval(pg_get_serial_sequence(?, ?), ?)", (table.name, key.name, last)
            )


def _positions(connection: Connection) -> tuple[int, int]:
    """The largest of what was packed, and of what the roster has seen."""
    (packed,) = connection.raw.execute("SELECT max(position) FROM journal_chunks").fetchone()
    seen = connection.raw.execute(
        "SELECT position FROM cursors WHERE name = ?", (CURSOR,)
    ).fetchone()
    return packed or 0, 0 if seen is None else int(seen[0])
