"""Digests in their table, and the figures of days that follow them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import zstandard

from roomtone.model.digests import (
    DayFigures,
    Digest,
    Headline,
    Named,
    OpenSession,
    Share,
    day_of,
    mean_mos,
    rank,
    severity,
    share_of,
)
from roomtone.model.sessions import LIVE
from roomtone.storage.connections import Connection
from roomtone.storage.rows import Among

_LEVEL = 3
_HEADLINE = "session_id, mos_hundredths, outcome, errors, warnings, infos, body"

_ADDED = "SELECT app_id, day, closed_ms, peers, share FROM session_digests WHERE session_id = ?"
_PUT = (
    "INSERT INTO session_digests (session_id, app_id, day, rank, closed_ms, peers,"
    " mos_hundredths, outcome, errors, warnings, infos, share, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DROP = "DELETE FROM session_digests WHERE session_id = ?"
_BODY = "SELECT body FROM session_digests WHERE session_id = ?"
# The list follows the revision, so that it sees what it is to filter by.
_MARK = (
    "UPDATE sessions SET mos_hundredths = ?, severity = ?, finding_ids = ?, browsers = ?,"
    " countries = ?, revision = ? WHERE id = ?"
)
_NEXT_REVISION = (
    "INSERT INTO cursors (name, position) VALUES ('sessions.revision', 1)"
    " ON CONFLICT (name) DO UPDATE SET position = cursors.position + 1 RETURNING position"
)


def _adding(table: str, key: str, figures: Sequence[str]) -> str:
    columns, count = f"{key}, {', '.join(figures)}", key.count(",") + 1 + len(figures)
    sums = (f"{name} = {table}.{name} + excluded.{name}" for name in figures)
    return (
        f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * count)})"  # noqa: S608 - names
        f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(sums)}"
    )


_ADD_DAY = _adding("day_figures", "app_id, day", Share.__struct_fields__[:-1])
_ADD_NAME = _adding("day_names", "app_id, day, dimension, name", Named.__struct_fields__[2:])
_EMPTY_DAY = "DELETE FROM day_figures WHERE app_id = ? AND day = ? AND sessions = 0"
_EMPTY_NAME = (
    "DELETE FROM day_names WHERE app_id = ? AND day = ? AND dimension = ? AND name = ?"
    " AND sessions = 0"
)
_DAYS = (
    "SELECT day, sessions, closed_ms, peers, errors, warnings, mos_sum, mos_count"
    " FROM day_figures WHERE app_id = ? AND day BETWEEN ? AND ? ORDER BY day"
)
_NAMES = (
    "SELECT dimension, name, CAST(sum(sessions) AS BIGINT), CAST(sum(peers) AS BIGINT),"
    " CAST(sum(mos_sum) AS BIGINT), CAST(sum(mos_count) AS BIGINT)"
    " FROM day_names WHERE app_id = ? AND day BETWEEN ? AND ?"
    " GROUP BY dimension, name ORDER BY dimension, sum(peers) DESC, name"
)
_WORST_OF_A_DAY = (
    "SELECT rank, session_id FROM session_digests WHERE app_id = ? AND day = ?"
    " ORDER BY rank, session_id LIMIT ?"
)
_BUSY_DAYS = "SELECT day FROM day_figures WHERE app_id = ? AND day BETWEEN ? AND ?"
_HEADLINES = Among(f"SELECT {_HEADLINE} FROM session_digests WHERE session_id = ?")  # noqa: S608
_OPEN = (
    "SELECT s.started_at, s.closed_ms, s.live_participants, s.live_since_sum, s.status,"
    " (SELECT count(*) FROM peers p WHERE p.session_id = s.id), d.day, d.closed_ms, d.peers"
    " FROM sessions s LEFT JOIN session_digests d ON d.session_id = s.id"
    " WHERE s.sealed_at IS NULL AND s.app_id = ?"
)
_UNDIGESTED = "SELECT 1 FROM session_digests WHERE session_id = ? AND body IS NULL"

NOBODY = (None, None, None, None)

_encode = msgspec.msgpack.Encoder().encode
_share = msgspec.msgpack.Decoder(Share).decode
_digest = msgspec.msgpack.Decoder(Digest).decode


class _Strip(msgspec.Struct):
    """What a row of a list shows of a body; the rest is passed over unread."""

    strip: tuple[int | None, ...] = ()
    trouble: tuple[int, ...] = ()


_strip = msgspec.msgpack.Decoder(_Strip).decode


class SqlDigests:
    """See :class:`roomtone.ports.digests.Digests`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._execute = connection.raw.execute

    def put(self, digest: Digest) -> None:
        self.drop(digest.session_id)
        share, day, mos = share_of(digest), day_of(digest.started_at), mean_mos(digest.peers)
        counts, outcome = digest.counts, digest.verdict.outcome
        # Without a model nothing looked, which is not the same as nothing found.
        story = (outcome, counts.error, counts.warning, counts.info) if digest.model else NOBODY
        self._execute(
            _PUT,
            (
                *(digest.session_id, digest.app_id, day, rank(outcome, mos)),
                *(digest.closed_ms, share.peers, mos),
                *story,
                *(_encode(share), zstandard.compress(_encode(digest), _LEVEL)),
            ),
        )
        self._add(digest.app_id, day, share, 1)
        (revision,) = self._execute(_NEXT_REVISION).fetchone()
        marks = (
            _set_of(finding.id for finding in digest.findings if finding.echo_of is None),
            _set_of(peer.browser.casefold() for peer in digest.peers if peer.browser),
            _set_of(peer.country.casefold() for peer in digest.peers if peer.country),
        )
        self._execute(_MARK, (mos, severity(counts), *marks, revision, digest.session_id))

    def drop(self, session_id: str) -> None:
        self._take_away(session_id)
        self._execute(_DROP, (session_id,))

    def _take_away(self, session_id: str) -> None:
        """Take what a digest added out of its day."""
        found = self._execute(_ADDED, (session_id,)).fetchone()
        if found is None:
            return
        app_id, day, closed_ms, peers, added = found
        share = Share(1, closed_ms, peers) if added is None else _share(added)
        self._add(app_id, day, share, -1)
        self._execute(_EMPTY_DAY, (app_id, day))
        for named in share.names:
            self._execute(_EMPTY_NAME, (app_id, day, named.dimension, named.name))

    def _add(self, app_id: str, day: int, share: Share, sign: int) -> None:
        figures = msgspec.structs.astuple(share)[:-1]
        self._execute(_ADD_DAY, (app_id, day, *(sign * figure for figure in figures)))
        for named in share.names:
            dimension, name, *counts = msgspec.structs.astuple(named)
            row = (app_id, day, dimension, name, *(sign * count for count in counts))
            self._execute(_ADD_NAME, row)

    def digest(self, session_id: str) -> Digest | None:
        found = self._execute(_BODY, (session_id,)).fetchone()
        if found is None or found[0] is None:
            return None
        return _digest(zstandard.decompress(found[0]))

    def undigested(self, session_id: str) -> bool:
        return self._execute(_UNDIGESTED, (session_id,)).fetchone() is not None

    def headlines(self, session_ids: Sequence[str]) -> dict[str, Headline]:
        return {row[0]: _headline(row) for row in _HEADLINES.rows(self._connection, session_ids)}

    def days(self, app_id: str, first: int, last: int) -> list[DayFigures]:
        rows = self._execute(_DAYS, (app_id, first, last))
        return [DayFigures(day, Share(*figures)) for day, *figures in rows]

    def names(self, app_id: str, first: int, last: int) -> list[Named]:
        return [Named(*row) for row in self._execute(_NAMES, (app_id, first, last))]

    def worst(self, app_id: str, first: int, last: int, limit: int) -> list[Headline]:
        ranked = sorted(self._ranked(app_id, first, last, limit))[:limit]
        found = self.headlines([session_id for _, session_id in ranked])
        return [found[session_id] for _, session_id in ranked]

    def _ranked(self, app_id: str, first: int, last: int, limit: int) -> Iterator[tuple[int, str]]:
        """The worst of every day: a few steps of an index each."""
        for (day,) in self._execute(_BUSY_DAYS, (app_id, first, last)).fetchall():
            yield from self._execute(_WORST_OF_A_DAY, (app_id, day, limit))

    def open_sessions(self, app_id: str) -> list[OpenSession]:
        return [
            OpenSession(
                started_at=started_at,
                closed_ms=closed_ms,
                live_participants=live_participants,
                live_since_sum=live_since_sum,
                live=status == LIVE,
                peers=peers,
                before_day=day,
                before_closed_ms=before_ms or 0,
                before_peers=before_peers or 0,
            )
            for (
                started_at,
                closed_ms,
                live_participants,
                live_since_sum,
                status,
                peers,
                day,
                before_ms,
                before_peers,
            ) in self._execute(_OPEN, (app_id,))
        ]


def _headline(row: Sequence[Any]) -> Headline:
    session_id, mos_hundredths, outcome, errors, warnings, infos, body = row
    drawn = _Strip() if body is None else _strip(zstandard.decompress(body))
    return Headline(
        session_id=session_id,
        mos_hundredths=mos_hundredths,
        outcome=outcome,
        errors=errors,
        warnings=warnings,
        infos=infos,
        strip=drawn.strip,
        trouble=drawn.trouble,
    )


def _set_of(names: Iterable[str]) -> str:
    """A set of names in one column: one a line, sorted, so that equal sets are equal texts."""
    return "\n".join(sorted(set(names)))
