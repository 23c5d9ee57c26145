"""Kept: how the structs of one noun lie in its table.

Statements are written once, in SQLAlchemy Core, and compiled to constant texts when the module is
imported: what a hot path runs is the driver's ``execute`` of a text it has prepared before. Only
lists, whose filters vary, compile at run time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from roomtone.ports.records import Page
from roomtone.storage.connections import Connection

S = TypeVar("S", bound=msgspec.Struct)

_DIALECT = sqlite.dialect()
_MOST = (1 << 63) - 1
_VALUES_AT_ONCE = 64


class Codec(msgspec.Struct, frozen=True):
    """How a field that is no plain value goes into its column and comes out."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _from_json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


JSON = Codec(_json, _from_json)
"""Nested values, as JSON text; None as NULL."""
BOOLEAN = Codec(bool, bool)


def text_of(statement: sa.ClauseElement) -> str:
    """The constant text of a statement with positional parameters."""
    return str(statement.compile(dialect=_DIALECT))


def limited(statement: sa.Select[Any]) -> str:
    """As :func:`text_of`, with a last parameter that says how many rows at most."""
    return text_of(statement) + " LIMIT ?"


class Among:
    """A text that selects by one column, for several of its values in one statement: on PostgreSQL
    each statement is a round trip, and on SQLite it costs more than what it finds."""

    def __init__(self, text: str) -> None:
        """``text``: with ``= ?`` for a value, and no other parameter."""
        # A few lengths, so that each stays prepared.
        self._texts = {
            count: text.replace("= ?", f"IN ({', '.join('?' * count)})")
            for count in (1, 4, 16, _VALUES_AT_ONCE)
        }

    def rows(self, connection: Connection, values: Iterable[Any]) -> Iterator[Sequence[Any]]:
        """The rows with any of these values, in no order."""
        asked = list(values)
        while asked:
            some, asked = asked[:_VALUES_AT_ONCE], asked[_VALUES_AT_ONCE:]
            count = next(count for count in self._texts if count >= len(some))
            # What is named twice is found once.
            some += some[:1] * (count - len(some))
            yield from connection.raw.execute(self._texts[count], some)


class Kept(Generic[S]):
    """A struct and its table: the columns of the table hold the fields of the same name."""

    def __init__(
        self, struct: type[S], table: sa.Table, codecs: Mapping[str, Codec] | None = None
    ) -> None:
        self.table = table
        self._struct = struct
        self._names = tuple(field.name for field in msgspec.structs.fields(struct))
        codecs = codecs or {}
        self._decoders = [
            (place, codecs[name].decode) for place, name in enumerate(self._names) if name in codecs
        ]
        self._encoders = {name: codec.encode for name, codec in codecs.items()}

    def select(self) -> sa.Select[Any]:
        """SELECT of what :meth:`load` takes."""
        return sa.select(*(self.table.c[name] for name in self._names))

    def by(self, *names: str, order: Sequence[sa.ColumnElement[Any]] = ()) -> str:
        """The text that selects by the equality of these columns."""
        where = [self.table.c[name] == sa.bindparam(name) for name in names]
        return text_of(self.select().where(*where).order_by(*order))

    def load(self, row: Sequence[Any]) -> S:
        """The struct of a selected row."""
        values = dict(zip(self._names, row, strict=True))
        for place, decode in self._decoders:
            values[self._names[place]] = decode(row[place])
        return self._struct(**values)

    def one(self, connection: Connection, text: str, *parameters: Any) -> S | None:
        """The first row of a text, if any."""
        row = connection.raw.execute(text, parameters).fetchone()
        return None if row is None else self.load(row)

    def all(self, connection: Connection, text: str, *parameters: Any) -> list[S]:
        """Every row of a text."""
        return [self.load(row) for row in connection.raw.execute(text, parameters)]

    def page(
        self,
        connection: Connection,
        where: Sequence[sa.ColumnElement[bool]],
        order: Sequence[sa.ColumnElement[Any]],
        page: Page,
    ) -> tuple[list[S], int]:
        """A page of the rows that fit, and how many fit."""
        count = sa.select(sa.func.count()).select_from(self.table).where(*where)
        total = connection.core.scalar(count) or 0
        rows = connection.core.execute(
            self.select()
            .where(*where)
            .order_by(*order)
            .limit(min(page.limit, _MOST))
            .offset(min(page.offset, _MOST))
        )
        return [self.load(row) for row in rows], total

    def upsert(self, key: str, *more: str) -> "Upsert[S]":
        """Insert, or replace by this column. ``more`` names the table's own columns."""
        return Upsert(self.table, key, (*self._names, *more), self._encoders)


class Upsert(Generic[S]):
    """An INSERT … ON CONFLICT … DO UPDATE of one noun."""

    def __init__(
        self,
        table: sa.Table,
        key: str,
        names: Sequence[str],
        encoders: Mapping[str, Callable[[Any], Any]],
    ) -> None:
        insert = sqlite.insert(table).values({name: sa.bindparam(name) for name in names})
        changed = {name: insert.excluded[name] for name in names if name != key}
        statement = insert.on_conflict_do_update(index_elements=[key], set_=changed)
        compiled = statement.compile(dialect=_DIALECT)
        self._text = str(compiled)
        self._order: list[str] = list(getattr(compiled, "positiontup", None) or ())
        self._encoders = encoders

    def run(self, connection: Connection, value: S, **more: Any) -> None:
        """Put one."""
        connection.raw.execute(self._text, self.values(value, **more))

    def run_all(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Put many, each as :meth:`values` gives it."""
        connection.raw.executemany(self._text, rows)

    def values(self, value: S, **more: Any) -> list[Any]:
        """The parameters of one."""
        values = []
        for name in self._order:
            found = more[name] if name in more else getattr(value, name)
            encode = self._encoders.get(name)
            values.append(found if encode is None else encode(found))
        return values


def searchable(*texts: str) -> str:
    """Texts as a column ``searchable`` holds them: case-folded, one a line."""
    return "\n".join(texts).casefold()


def holds(column: sa.Column[Any], search: str) -> sa.ColumnElement[bool]:
    """Whether a column ``searchable`` holds this text, whatever its case."""
    return column.contains(search.casefold(), autoescape=True)
