"""Vitals, by a few queries whose cost goes with what is LIVE or waits, not with what is stored."""

from roomtone.model.sessions import ENDED, LIVE
from roomtone.ports.vitals import Vitals
from roomtone.storage.connections import Connection

_LIVE = "SELECT count(*), COALESCE(sum(live_participants), 0) FROM sessions WHERE status = ?"
_UNSEALED = "SELECT count(*), min(updated_at) FROM sessions WHERE sealed_at IS NULL AND status = ?"
_QUARANTINED = "SELECT count(*) FROM quarantine"
_NEWEST = ("SELECT max(position) FROM journal", "SELECT max(position) FROM journal_chunks")


def vitals(connection: Connection) -> Vitals:
    """Look."""
    execute = connection.raw.execute
    live_sessions, live_peers = execute(_LIVE, (LIVE,)).fetchone()
    unsealed, since = execute(_UNSEALED, (ENDED,)).fetchone()
    (quarantined,) = execute(_QUARANTINED).fetchone()
    newest = [execute(text).fetchone()[0] or 0 for text in _NEWEST]
    return Vitals(
        live_sessions=live_sessions,
        live_peers=int(live_peers),
        unsealed_sessions=unsealed,
        unsealed_since=since,
        quarantined=quarantined,
        journal_position=max(newest),
    )
