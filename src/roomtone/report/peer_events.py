"""Peer events: when a peer was created, joined and left, told from its stay (contract 1.3)."""

from uuid import UUID, uuid5

from roomtone.model.facts import Identified
from roomtone.model.peer_report import PeerEvent
from roomtone.model.times import iso, minutes
from roomtone.report.stay import Stay

CREATED, JOINING, LEAVING = "PEER_CREATED", "PEER_JOINING", "PEER_LEAVING"
_NAMESPACE = UUID("5f0c9d3e-2c0b-5d0e-9b1e-7a6f3c1b8d42")
"""Of Roomtone's own: the same event has the same id however often it is told."""

_VIEWS = {
    "groupcall": "GROUP_CALL",
    "webinar": "WEBINAR",
    "audioroom": "AUDIO_ROOM",
    "livestream": "LIVESTREAM",
    "chat": "CHAT",
}


def stretches(stay: Stay) -> list[tuple[int, int | None]]:
    """(joined, left) of each time in the session; left is None for the one that goes on.

    A leave that the peer took back without joining again (its media went on) ends nothing.
    """
    made: list[tuple[int, int | None]] = []
    began = stay.joined_at
    for join in stay.joins[1:]:
        left = [t for t, _ in stay.leaves if began <= t <= join]
        if left:
            made.append((began, left[-1]))
            began = join
    made.append((began, None if stay.left_at is None else max(began, stay.left_at)))
    return made


def peer_events(
    stay: Stay, peer_id: str, who: Identified | None, view_type: str | None
) -> list[PeerEvent]:
    """In time; a join on top of a join (its leave was lost) is told too."""
    marks = [(stay.joined_at, 0, CREATED, 0.0)]
    marks += [(t, 1, JOINING, 0.0) for t in (stay.joins or (stay.joined_at,))]
    for began, left in stretches(stay):
        if left is not None:
            marks.append((left, 2, LEAVING, minutes(left - began)))
    # A leave and the next join of the same millisecond keep the order in which they make sense.
    marks.sort(key=lambda mark: (mark[0], mark[1] if mark[0] == stay.joined_at else -mark[1]))
    view = _VIEWS.get((view_type or "").replace("_", "").lower())
    made = []
    for number, (t, _, name, used) in enumerate(marks):
        made.append(
            PeerEvent(
                id=str(uuid5(_NAMESPACE, f"{peer_id}/{name}/{t}/{number}")),
                peer_id=peer_id,
                event_name=name,
                participant_id=who.user_id if who else None,
                session_id=who.session_id if who else None,
                socket_session_id=None,
                preset_view_type=view,
                minutes_consumed=used,
                created_at=iso(t),
                updated_at=iso(t),
            )
        )
    return made
