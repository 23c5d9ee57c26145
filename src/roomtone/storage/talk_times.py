"""Talk times in their table."""

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from roomtone.model.attendance import TalkTime
from roomtone.storage import report_tables
from roomtone.storage.connections import Connection
from roomtone.storage.rows import text_of

_COLUMN = report_tables.talk_times.c
_OF_SESSION = text_of(
    sa.select(_COLUMN.subject, _COLUMN.talk_ms, _COLUMN.source).where(
        _COLUMN.session_id == sa.bindparam("session_id")
    )
)
_INSERT = sqlite.insert(report_tables.talk_times).values(
    {name: sa.bindparam(name) for name in ("subject", "session_id", "talk_ms", "source")}
)
_PUT = text_of(
    _INSERT.on_conflict_do_update(
        index_elements=["subject"],
        set_={name: _INSERT.excluded[name] for name in ("session_id", "talk_ms", "source")},
    )
)
_DROP = text_of(
    sa.delete(report_tables.talk_times).where(_COLUMN.subject == sa.bindparam("subject"))
)


class SqlTalkTimes:
    """See :class:`roomtone.ports.attendance.TalkTimes`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_talk(self, subject: bytes, session_id: str, talk: TalkTime | None) -> None:
        if talk is None:
            self._connection.raw.execute(_DROP, (subject,))
        else:
            self._connection.raw.execute(_PUT, (subject, session_id, talk.ms, talk.source))

    def talks(self, session_id: str) -> dict[bytes, TalkTime]:
        rows = self._connection.raw.execute(_OF_SESSION, (session_id,))
        return {subject: TalkTime(ms, source) for subject, ms, source in rows}
