"""SessionIndex: the session list, answered from memory.

Any page of any filter and sort, with the exact total, at a million sessions: SQLite's OFFSET and
COUNT(*) walk the rows one by one, 50-200 ms there. Here each app has its sessions as columns
(about 90 bytes a session), a filter is one comparison of a column, and the two orders the API sorts
by are kept ready (:mod:`session_order`). What is asked of texts, :mod:`session_search` answers.

The table stays the truth. Every put of a session gives it a larger ``revision``, so following the
table costs one look-up by index when nothing changed. A session keeps its ``ordinal`` for life, by
which it is recognised. Erased rows leave no trace in the table: ``forget`` tells of them.

The caller holds a lock around every call, and lets ``refresh`` see committed rows only.
"""

from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from roomtone.ports.records import Page, SessionFilter
from roomtone.storage.connections import Connection
from roomtone.storage.session_order import SortOrder
from roomtone.storage.session_search import (
    Flags,
    Identifiers,
    Meetings,
    Numbers,
    Sets,
    Titles,
    grown,
)

_COLUMNS = """SELECT revision, ordinal, id, app_id, meeting_id, title, status, started_at, sort_ms,
 total_participants, mos_hundredths, severity, finding_ids, browsers, countries
 FROM sessions WHERE revision > ? ORDER BY """
_CHUNK, _BATCH, _HELD = 20_000, 5_000, 200_000
"""Rows fetched at once; rows that make a good batch for an app; rows held at most."""
_UNSEEN = -1
_NO_MOS = 32_767
"""Stands for a MOS that is not known: below nothing."""
SETS = ("finding_ids", "browsers", "countries")
_DEBT = 200
"""Changes that an order lets wait at most."""

Row = tuple[Any, ...]


class SessionIndex:
    """The sessions of every app, as the list needs them."""

    def __init__(self) -> None:
        self._apps: dict[str, _Sessions] = {}
        self._revision = _UNSEEN

    def refresh(self, connection: Connection) -> None:
        """Take in what was put since the last call: everything at first, mostly nothing later.
        The table needs an index on ``revision``."""
        # By ordinal, a first load reads the table from end to end, and sorts nothing.
        order = "ordinal" if self._revision == _UNSEEN else "revision"
        waiting: defaultdict[str, list[Row]] = defaultdict(list)
        touched, revision, held = set[str](), self._revision, 0
        for rows in connection.stream(_COLUMNS + order, (self._revision,), _CHUNK):
            for row in rows:
                waiting[row[3]].append(row)
            touched |= waiting.keys()
            revision = max(revision, max(row[0] for row in rows))
            held += len(rows)
            # With many apps, wait until each has some: the cost is by the batch.
            if held >= min(_HELD, _BATCH * len(waiting)):
                self._put(waiting)
                held = 0
        self._put(waiting)
        self._revision = revision
        for app_id in touched:
            self._apps[app_id].settle()

    def _put(self, waiting: dict[str, list[Row]]) -> None:
        """Hand each app its rows."""
        for app_id, batch in waiting.items():
            if app_id not in self._apps:
                self._apps[app_id] = _Sessions()
            self._apps[app_id].put(batch)
        waiting.clear()

    def forget(self, session_id: str) -> None:
        """A session was erased from the table. Unknown ids are no error."""
        for sessions in self._apps.values():
            if sessions.forget(session_id):
                return

    def query(self, asked: SessionFilter, page: Page) -> tuple[list[str], int]:
        """The ids of a page, in order, and the exact number of sessions that fit."""
        sessions = self._apps.get(asked.app_id)
        return ([], 0) if sessions is None else sessions.query(asked, page)


class _Sessions:
    """The sessions of one app, as columns. A row is one session for good; those of forgotten ones
    stay, empty, until they are a quarter of all."""

    def __init__(self) -> None:
        self._count = 0
        self._gone_count = 0
        self._ids = Identifiers()
        self._created = SortOrder(self._ids)
        self._minutes = SortOrder(self._ids)
        self._columns: dict[str, npt.NDArray[Any]] = {
            "ordinal": np.empty(0, np.int64),
            "people": np.empty(0, np.int32),
            "status": np.empty(0, np.uint8),
            "meeting": np.empty(0, np.int32),
            "title": np.empty(0, np.int32),
            "gone": np.empty(0, np.bool_),
            "mos": np.empty(0, np.int16),
            "severity": np.empty(0, np.uint8),
            **{name: np.empty(0, np.int32) for name in SETS},
        }
        self._sets = {name: Sets() for name in SETS}
        self._statuses: dict[str, int] = {}
        self._meetings = Meetings()
        self._titles = Titles()
        self._strays: dict[int, int] = {}
        """The column of ordinals ascends. A row whose ordinal is not larger than all before it
        repeats the largest there, and is found here."""

    def _column(self, name: str) -> npt.NDArray[Any]:
        return self._columns[name][: self._count]

    # --- following the table

    def put(self, batch: list[Row]) -> None:
        """Take in rows as ``refresh`` selects them, each session once."""
        new: list[Row] = []
        gone = self._column("gone")
        for row, at in zip(batch, self._rows([row[1] for row in batch]), strict=True):
            # SQLite may give the ordinal of an erased session to a new one.
            if at < 0 or gone[at] or self._ids.text(at) != row[2]:
                new.append(row)
            else:
                self._change(at, row)
        if new:
            self._append(sorted(new, key=itemgetter(1)))

    def _rows(self, ordinals: list[int]) -> list[int]:
        """The row of each ordinal; -1 for an unknown one."""
        if not self._count:
            return [-1] * len(ordinals)
        column, wanted = self._column("ordinal"), np.array(ordinals, np.int64)
        at = np.searchsorted(column, wanted).clip(max=self._count - 1)
        rows: list[int] = np.where(column[at] == wanted, at, -1).tolist()
        if self._strays:
            return [self._strays.get(o, row) for o, row in zip(ordinals, rows, strict=True)]
        return rows

    def _append(self, batch: list[Row]) -> None:
        columns = list(zip(*batch, strict=True))
        _, ordinals, ids, _, meetings, titles, statuses, started, sort_ms, people = columns[:10]
        first, self._count = self._count, self._count + len(batch)
        last = int(self._columns["ordinal"][first - 1]) if first else ordinals[0] - 1
        for at, ordinal in enumerate(ordinals, first):
            if ordinal > last:
                break
            self._strays[ordinal] = at
        values: dict[str, Any] = {
            "ordinal": np.maximum(ordinals, last),
            "people": people,
            "status": [self._statuses.setdefault(text, len(self._statuses)) for text in statuses],
            "meeting": self._meetings.numbers(meetings),
            "title": self._titles.numbers(titles),
            "gone": False,
            "mos": [_NO_MOS if mos is None else mos for mos in columns[10]],
            "severity": [gravest or 0 for gravest in columns[11]],
        }
        for name, texts in zip(SETS, columns[12:], strict=True):
            values[name] = self._sets[name].numbers(texts)
        for name, column in self._columns.items():
            self._columns[name] = grown(column, self._count)
            self._columns[name][first : self._count] = values[name]
        self._ids.extend(ids)
        self._created.extend(started)
        self._minutes.extend(sort_ms)

    def _change(self, at: int, row: Row) -> None:
        _, _, _, _, meeting, title, status, started, sort_ms, people, mos, gravest, *sets = row
        columns = self._columns
        columns["mos"][at] = _NO_MOS if mos is None else mos
        columns["severity"][at] = gravest or 0
        for name, text in zip(SETS, sets, strict=True):
            columns[name][at] = self._sets[name].number(text)
        columns["people"][at] = people
        columns["status"][at] = self._statuses.setdefault(status, len(self._statuses))
        if not self._meetings.holds(int(columns["meeting"][at]), meeting):
            columns["meeting"][at] = self._meetings.numbers([meeting])[0]
        if not self._titles.holds(int(columns["title"][at]), title):
            columns["title"][at] = self._titles.numbers([title])[0]
        self._created.change(at, started)
        self._minutes.change(at, sort_ms)

    def settle(self) -> None:
        """Settle an order that has let many changes wait, so that the next question need not."""
        for order in (self._created, self._minutes):
            if order.unsettled > _DEBT:
                order.settle()

    def forget(self, session_id: str) -> bool:
        """Whether the session was here."""
        gone = self._column("gone")
        rows = [at for at in self._ids.find(session_id).tolist() if not gone[at]]
        for at in rows:
            gone[at] = True
            self._gone_count += 1
            self._created.remove(at)
            self._minutes.remove(at)
        if self._gone_count > 1_000 + self._count // 4:
            self._compact()
        self.settle()
        return bool(rows)

    def _compact(self) -> None:
        rows = np.flatnonzero(~self._column("gone"))
        self._created.keep(rows)
        self._minutes.keep(rows)
        self._ids.keep(rows)
        self._columns = {name: column[rows] for name, column in self._columns.items()}
        new = {old: at for at, old in enumerate(rows.tolist())} if self._strays else {}
        self._strays = {o: new[row] for o, row in self._strays.items() if row in new}
        self._count, self._gone_count = len(rows), 0

    # --- answering

    def query(self, asked: SessionFilter, page: Page) -> tuple[list[str], int]:
        """See SessionIndex."""
        order = self._minutes if asked.sort_by == "minutesConsumed" else self._created
        self._created.settle()
        order.settle()
        # Sorted by the start, a range of starts is one stretch of the order, not a filter.
        by_start = order is self._created
        dated = asked.started_from, asked.started_to
        span = order.between(*dated) if by_start else order.between(None, None)
        mask: Flags | None = None
        for flags in self._tests(asked, dated=not by_start):
            mask = flags if mask is None else np.logical_and(mask, flags, out=mask)
        rows, total = order.page(span, mask, page.offset, page.limit, asked.descending)
        return self._ids.texts(rows), total

    def _tests(self, asked: SessionFilter, dated: bool) -> Iterator[Flags]:
        """For each filter that is asked, which rows pass."""
        if asked.status is not None:
            yield self._column("status") == self._statuses.get(asked.status, 255)
        if asked.meeting_id is not None:
            yield _having(self._column("meeting"), self._meetings.find(asked.meeting_id))
        if asked.people_min is not None:
            yield self._column("people") >= asked.people_min
        if asked.people_max is not None:
            yield self._column("people") <= asked.people_max
        if dated and asked.started_from is not None:
            yield self._created.keys >= asked.started_from
        if dated and asked.started_to is not None:
            yield self._created.keys <= asked.started_to
        if asked.mos_below is not None:
            yield self._column("mos") < min(asked.mos_below, _NO_MOS)
        if asked.min_severity:
            yield self._column("severity") >= asked.min_severity
        named = asked.finding_ids, _folded(asked.browser), _folded(asked.country)
        for name, wanted in zip(SETS, named, strict=True):
            if wanted:
                yield _having(self._column(name), self._sets[name].holding(wanted))
        if asked.search:
            yield self._found(asked.search.casefold())

    def _found(self, needle: str) -> Flags:
        found = self._ids.matching(needle)
        for name, texts in (("title", self._titles), ("meeting", self._meetings)):
            found |= _having(self._column(name), np.flatnonzero(texts.matching(needle)))
        return found


def _folded(name: str | None) -> frozenset[str]:
    return frozenset() if name is None else frozenset([name.casefold()])


def _having(column: npt.NDArray[Any], numbers: Numbers) -> Flags:
    """Which entries are one of the numbers."""
    if len(numbers) <= 1:
        # A Python int: with an int64 scalar NumPy would widen the column first.
        only: Flags = np.equal(column, int(numbers[0]) if len(numbers) else -1)
        return only
    table = np.zeros(int(column.max(initial=0)) + 1, np.bool_)
    table[numbers[numbers < len(table)]] = True
    flags: Flags = table.take(column)
    return flags
