"""SessionIndex: the session list, answered from memory.

Any page of any filter and sort, with the exact total, at a million sessions: SQLite's OFFSET and
COUNT(*) walk the rows one by one, 50-200 ms there. Here each app has its sessions as columns, and
the two orders the API sorts by are kept ready (:mod:`session_order`), each with copies of what
filters compare (:mod:`session_blocks`). What is asked of texts, :mod:`session_search` answers.

The table stays the truth. Every put of a session gives it a larger ``revision``, so following the
table costs one look-up by index when nothing changed. A session keeps its ``ordinal`` for life, by
which it is recognised. Erased rows leave no trace in the table: ``forget`` tells of them.

The caller holds a lock around every call, and lets ``refresh`` see committed rows only.
"""

from collections import Counter, defaultdict
from operator import itemgetter
from typing import Any

import numpy as np

from roomtone.ports.records import Page, SessionFilter
from roomtone.storage.connections import Connection
from roomtone.storage.session_columns import Columns, flag_one_of, one_of
from roomtone.storage.session_dates import StartedElsewhere, buckets, started
from roomtone.storage.session_memory import FILTERS, Memory
from roomtone.storage.session_order import LEAST, MOST, SortOrder
from roomtone.storage.session_pages import Condition, Sieve, pick, pick_of
from roomtone.storage.session_search import (
    Flags,
    Identifiers,
    Meetings,
    Numbers,
    Sets,
    Titles,
)

_COLUMNS = """SELECT revision, ordinal, id, app_id, meeting_id, title, status, started_at, sort_ms,
 total_participants, mos_hundredths, severity, finding_ids, browsers, countries
 FROM sessions WHERE revision > ? ORDER BY """
_BLOCK = 65_536
_BLOCKS = f"SELECT ordinal / {_BLOCK}, count(*) FROM sessions GROUP BY ordinal / {_BLOCK}"  # noqa: S608
_OF_BLOCK = "SELECT app_id, ordinal FROM sessions WHERE ordinal >= ? AND ordinal < ?"
_CHUNK, _BATCH, _HELD = 20_000, 5_000, 200_000
"""Rows fetched at once; rows that make a good batch for an app; rows held at most."""
_UNSEEN = -1
_NO_MOS = 511
"""Stands for a MOS that is not known: below nothing. A known one, in hundredths, is 500 at most."""
SETS = ("status", "severity", "finding_ids", "browsers", "countries")
_SEVERITIES = tuple("\n".join("123"[:grade]) for grade in range(4))
"""A severity as a set: its own grade and all that are less grave."""
COUNTS = ("people", "meeting", "title", *SETS)
FIXED: dict[str, type[np.generic]] = {
    "ordinal": np.int64,
    "gone": np.bool_,
    "mos": np.int16,
    "bucket": np.uint16,
}
_FEW = 32
"""Where one row of so many holds the text that is asked for, those rows are looked at one by one.
"""
_DEBT = 200
"""Changes that an order lets wait at most."""

Row = tuple[Any, ...]
_REVISION, _ORDINAL = itemgetter(0), itemgetter(1)


class SessionIndex:
    """The sessions of every app, as the list needs them."""

    def __init__(self, remembered: int = FILTERS) -> None:
        """``remembered``: how many filters of each app (:mod:`session_memory`)."""
        self._apps: dict[str, _Sessions] = {}
        self._revision = _UNSEEN
        self._remembered = remembered

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
            revision = max(revision, max(map(_REVISION, rows)))
            held += len(rows)
            # With many apps, wait until each has some: the cost is by the batch.
            if held >= min(_HELD, _BATCH * len(waiting)):
                self._put(waiting)
                held = 0
        self._put(waiting)
        self._revision = revision
        for app_id in touched:
            self._apps[app_id].settle()

    @property
    def revision(self) -> int:
        """The largest it has seen; -1: none."""
        return self._revision

    def forget_missing(self, connection: Connection) -> None:
        """Forget what is no more in the table, which was refreshed from just before. The database
        counts the rows by blocks of ordinals, and only blocks that lack some are read."""
        held: Counter[int] = Counter()
        for sessions in self._apps.values():
            held.update(sessions.blocks())
        found = dict(connection.raw.execute(_BLOCKS).fetchall())
        for block in (at for at, count in held.items() if found.get(at, 0) != count):
            span = block * _BLOCK, (block + 1) * _BLOCK
            left: defaultdict[str, list[int]] = defaultdict(list)
            for app_id, ordinal in connection.raw.execute(_OF_BLOCK, span).fetchall():
                left[app_id].append(ordinal)
            for app_id, sessions in self._apps.items():
                sessions.forget_all_but(left[app_id], *span)

    def _put(self, waiting: dict[str, list[Row]]) -> None:
        """Hand each app its rows."""
        for app_id, batch in waiting.items():
            if app_id not in self._apps:
                self._apps[app_id] = _Sessions(self._remembered)
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

    def __init__(self, remembered: int) -> None:
        self._count = 0
        self._gone_count = 0
        self._ids = Identifiers()
        self._columns = Columns(FIXED, COUNTS)
        self._sets = {name: Sets() for name in SETS}
        self._created = SortOrder(self._ids, self._columns, self._sets)
        self._minutes = SortOrder(self._ids, self._columns, self._sets)
        self._meetings = Meetings()
        self._titles = Titles()
        self._memory = Memory(remembered)
        self._strays: dict[int, int] = {}
        """The column of ordinals ascends. A row whose ordinal is not larger than all before it
        repeats the largest there, and is found here."""

    # --- following the table

    def put(self, batch: list[Row]) -> None:
        """Take in rows as ``refresh`` selects them, each session once."""
        if not self._count or min(map(_ORDINAL, batch)) > self._columns["ordinal"][-1]:
            self._append(sorted(batch, key=_ORDINAL))
            return
        new: list[Row] = []
        gone = self._columns["gone"]
        for row, at in zip(batch, self._rows([row[1] for row in batch]), strict=True):
            known = at >= 0 and not gone[at]
            if known and self._ids.text(at) == row[2]:
                self._change(at, row)
                continue
            if known:
                # SQLite may give the ordinal of an erased session to a new one.
                self._drop(at)
            new.append(row)
        if new:
            self._append(sorted(new, key=_ORDINAL))

    def _rows(self, ordinals: list[int]) -> list[int]:
        """The row of each ordinal; -1 for an unknown one."""
        column, wanted = self._columns["ordinal"], np.array(ordinals, np.int64)
        at = np.searchsorted(column, wanted).clip(max=self._count - 1)
        rows: list[int] = np.where(column[at] == wanted, at, -1).tolist()
        if self._strays:
            return [self._strays.get(o, row) for o, row in zip(ordinals, rows, strict=True)]
        return rows

    def _append(self, batch: list[Row]) -> None:
        columns = list(zip(*batch, strict=True))
        _, ordinals, ids, _, meetings, titles, statuses, started_at, sort_ms, people = columns[:10]
        first, self._count = self._count, self._count + len(batch)
        last = int(self._columns["ordinal"][first - 1]) if first else ordinals[0] - 1
        for at, ordinal in enumerate(ordinals, first):
            if ordinal > last:
                break
            self._strays[ordinal] = at
        values: dict[str, Any] = {
            "ordinal": np.maximum(ordinals, last),
            "people": people,
            "meeting": self._meetings.numbers(meetings),
            "title": self._titles.numbers(titles),
            "gone": False,
            "mos": [_mos(mos) for mos in columns[10]],
            "bucket": buckets(started_at),
        }
        severities = [_SEVERITIES[gravest or 0] for gravest in columns[11]]
        for name, texts in zip(SETS, (statuses, severities, *columns[12:]), strict=True):
            values[name] = self._sets[name].numbers(texts)
        self._columns.extend(len(batch), values)
        self._ids.extend(ids)
        self._created.extend(started_at)
        self._minutes.extend(sort_ms)

    def _change(self, at: int, row: Row) -> None:
        _, _, _, _, meeting, title, status, started_at, sort_ms, people, mos, gravest, *sets = row
        columns = self._columns
        columns.put("mos", at, _mos(mos))
        columns.put("bucket", at, int(buckets(started_at)))
        for name, text in zip(SETS, (status, _SEVERITIES[gravest or 0], *sets), strict=True):
            columns.put(name, at, self._sets[name].numbers([text])[0])
        columns.put("people", at, people)
        if not self._meetings.holds(int(columns["meeting"][at]), meeting):
            columns.put("meeting", at, self._meetings.numbers([meeting])[0])
            self._memory.forget_texts()
        if not self._titles.holds(int(columns["title"][at]), title):
            columns.put("title", at, self._titles.numbers([title])[0])
            self._memory.forget_texts()
        self._created.change(at, started_at)
        self._minutes.change(at, sort_ms)

    def settle(self) -> None:
        """Settle an order that has let many changes wait, so that the next question need not."""
        for order in (self._created, self._minutes):
            if order.unsettled > _DEBT:
                order.settle()

    def forget(self, session_id: str) -> bool:
        """Whether the session was here."""
        gone = self._columns["gone"]
        rows = [at for at in self._ids.find(session_id).tolist() if not gone[at]]
        for at in rows:
            self._drop(at)
        self._tidy()
        return bool(rows)

    def blocks(self) -> dict[int, int]:
        """How many rows there are by blocks of ordinals."""
        blocks = self._ordinals() // _BLOCK
        numbers, counts = np.unique(blocks[~self._columns["gone"]], return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))

    def forget_all_but(self, ordinals: list[int], low: int, high: int) -> None:
        """Of the ordinals from ``low`` to before ``high`` these are left."""
        held = self._ordinals()
        within = (held >= low) & (held < high) & ~self._columns["gone"]
        rows = np.flatnonzero(within)
        for at in rows[~np.isin(held[rows], ordinals)].tolist():
            self._drop(at)
        self._tidy()

    def _ordinals(self) -> Numbers:
        """The ordinal of each row."""
        ordinals = self._columns["ordinal"]
        if self._strays:
            ordinals = ordinals.copy()
            ordinals[list(self._strays.values())] = list(self._strays)
        return ordinals

    def _drop(self, at: int) -> None:
        self._columns["gone"][at] = True
        self._gone_count += 1
        self._created.remove(at)
        self._minutes.remove(at)

    def _tidy(self) -> None:
        if self._gone_count > 1_000 + self._count // 4:
            self._compact()
        self.settle()

    def _compact(self) -> None:
        rows = np.flatnonzero(~self._columns["gone"])
        self._created.settle()
        self._minutes.settle()
        self._columns.keep(rows)
        self._ids.keep(rows)
        self._created.keep(rows)
        self._minutes.keep(rows)
        new = {old: at for at, old in enumerate(rows.tolist())} if self._strays else {}
        self._strays = {o: new[row] for o, row in self._strays.items() if row in new}
        self._count, self._gone_count = len(rows), 0
        self._memory.forget_texts()

    # --- answering

    def query(self, asked: SessionFilter, page: Page) -> tuple[list[str], int]:
        """See SessionIndex."""
        order = self._minutes if asked.sort_by == "minutesConsumed" else self._created
        self._created.settle()
        order.settle()
        conditions = self._conditions(asked, order)
        found = self._found(asked)
        total = None if found is None else int(np.count_nonzero(found))
        sieve = Sieve(conditions, found)
        if found is not None and total is not None and total * _FEW < self._count:
            picked = pick_of(order, np.flatnonzero(found), Sieve(conditions))
        else:
            known = self._memory.counts(asked, order.blocks)
            picked = pick(order, sieve, known, None if conditions else total)
        rows = picked.page(page.offset, page.limit, asked.descending)
        return self._ids.texts(rows), picked.total

    def _found(self, asked: SessionFilter) -> Flags | None:
        """By row: which are of the meeting, and hold the text, that are asked for."""
        found = None
        if asked.meeting_id is not None:
            found = one_of(self._columns["meeting"], self._meetings.find(asked.meeting_id))
        if asked.search:
            holding = self._holding(asked.search.casefold())
            found = holding if found is None else found & holding
        if self._gone_count and found is not None:
            found &= ~self._columns["gone"]
        return found

    def _conditions(self, asked: SessionFilter, order: SortOrder) -> list[Condition]:
        """What numbers and sets of names are asked to be, the cheapest first."""
        named: dict[str, frozenset[str]] = {
            "status": frozenset() if asked.status is None else frozenset([asked.status]),
            "severity": frozenset([str(asked.min_severity)] if asked.min_severity else ()),
            "finding_ids": asked.finding_ids,
            "browsers": _folded(asked.browser),
            "countries": _folded(asked.country),
        }
        conditions = [self._holds(name, names) for name, names in named.items() if names]
        low, high = asked.people_min, asked.people_max
        if low is not None or high is not None:
            conditions.append(lambda held: held.between("people", low, high))
        if asked.mos_below is not None:
            best = min(asked.mos_below, _NO_MOS) - 1
            conditions.append(lambda held: held.between("mos", None, best))
        dated = self._dated(asked, order)
        # Where rows are sorted by their start, few blocks are asked anything else.
        return dated + conditions if order is self._created else conditions + dated

    def _holds(self, name: str, wanted: frozenset[str]) -> Condition:
        """Any of these names."""
        names = self._sets[name].names(wanted)
        return lambda held: held.holding(name, names)

    def _dated(self, asked: SessionFilter, order: SortOrder) -> list[Condition]:
        """The range of starts."""
        low = LEAST if asked.started_from is None else max(LEAST, asked.started_from)
        high = MOST if asked.started_to is None else min(MOST, asked.started_to)
        if (low, high) == (LEAST, MOST):
            return []
        if low > high:
            return [lambda held: False]
        if order is self._created:
            return [started(low, high)]
        return [StartedElsewhere(low, high, self._created, order)]

    def _holding(self, needle: str) -> Flags:
        """Rows that hold a text: in a title, the meeting's id or the session's."""
        known = self._memory.found(needle)
        first, found = len(known), np.zeros(self._count, np.bool_)
        found[:first] = known
        if first < self._count:
            new = found[first:]
            for name, texts in (("title", self._titles), ("meeting", self._meetings)):
                flag_one_of(
                    self._columns[name][first:], np.flatnonzero(texts.matching(needle)), new
                )
            self._ids.match(needle, first, new)
            self._memory.keep(needle, found)
        return found


def _mos(hundredths: int | None) -> int:
    return _NO_MOS if hundredths is None else min(hundredths, _NO_MOS - 1)


def _folded(name: str | None) -> frozenset[str]:
    return frozenset() if name is None else frozenset([name.casefold()])
