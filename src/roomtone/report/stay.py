"""Stay: when a peer was in its session, told from its presence.

Rules, in order:

* It joined at its first ``call_join``; without one, at the first snapshot that had a stream (a ping
  may overtake its join, so a join that comes later moves the time back or forth).
* Roomtone's word that it was removed (``kicked``, ``host_ended``) holds until it joins again.
* A leave that the client said holds until media or a join came after it. Stray events of a page
  that is closing do not bring anybody back.
* ``silence`` holds until anything at all came after it, or somebody received the peer's media.
* ``left_at`` is the time of the leave that holds. Gaps before it (a reconnect) are inside the stay.

A peer of which only servers told (:func:`is_servers`) has no join of its own. It came when a server
first said so, or else at the first it said of it; it left when a server said so after that, or when
its room ended or began anew. Several sources about one connection are ``report/reconcile.py``.
"""

from msgspec import Struct

from roomtone.model.limits import CLOCK_TOLERANCE_MS
from roomtone.model.presence import Presence, Witness

ROOM_START_SLACK_MS = 5_000
"""The first who comes starts the room, and servers tell the two in seconds, in either order."""
ROOM_ENDED = "room_ended"
DISCONNECT = "disconnect"
ATTEMPTED = "attempted"
"""It never got through (``report/reconcile.py`` says when)."""


class Stay(Struct, frozen=True):
    """A peer's time in its session, on the server's clock (epoch ms)."""

    joined_at: int
    left_at: int | None
    left_reason: str | None
    joins: tuple[int, ...]
    leaves: tuple[tuple[int, str], ...]
    last_sign_at: int
    """The peer's own latest sign of life."""


def clock_offset(presence: Presence) -> int:
    """Milliseconds to add to the sender's times to get the server's (quality.md 1.1).

    Entries that arrive before they happened prove a clock that runs ahead. Entries that arrive late
    prove a clock that is behind only if they kept coming at the pace at which they happened; else
    they were kept while offline, or are an old call told afterwards, and their times are true.
    """
    return _offset(presence)


def witness_offset(witness: Witness) -> int:
    """The same for a server's clock."""
    return _offset(witness)


def _offset(told: Presence | Witness) -> int:
    lag = told.lag
    if lag is None or abs(lag) <= CLOCK_TOLERANCE_MS:
        return 0
    if lag < 0:
        return lag
    told_over = (told.last_received or 0) - (told.first_received or 0)
    happened_over = (told.last_t or 0) - (told.first_t or 0)
    live = told_over >= CLOCK_TOLERANCE_MS and 2 * told_over >= happened_over
    return lag if live else 0


def is_servers(presence: Presence) -> bool:
    """Whether only servers told of this peer: no client of its own said that it joined, or tried.
    Readings do not tell, for some servers send those too."""
    if presence.joins or presence.tried_t is not None:
        return False
    return any(one.first_t is not None for one in presence.witnesses)


def stay(presence: Presence) -> Stay | None:
    """The stay that a presence tells of; None for a peer that never joined."""
    if is_servers(presence):
        return _servers_stay(presence)
    return clients_stay(presence)


def clients_stay(presence: Presence, *, rejoined: int = 0, seen_until: int = 0) -> Stay | None:
    """The stay by what the client said.

    What servers saw of it (epoch ms on Roomtone's clock) undoes: a leave before it ``rejoined``,
    and a silence before it was last seen.
    """
    offset = clock_offset(presence)
    if presence.joins:
        joined = presence.joins[0][0] + offset
    elif presence.first_media_t is not None:
        joined = presence.first_media_t + offset
    else:
        return None
    joins = [t + offset for t, _ in presence.joins] or [joined]
    media = max(joins[-1], (presence.last_media_t or joined - offset) + offset)
    anything = max(
        media, (presence.last_t or joined - offset) + offset, presence.vouched_t or 0, seen_until
    )
    said = [(t + offset, reason) for t, reason in presence.leaves]
    held = [(t, reason) for t, reason in said if t >= max(media, rejoined)]
    held += [
        (t, reason)
        for t, reason in presence.removed
        if t >= (anything if reason == "silence" else max(joins[-1], rejoined))
    ]
    # The earliest leave that nothing undid: later ones are repetitions of it.
    left = min(held, default=None)
    leaves = sorted({*said, *presence.removed})
    return Stay(
        joined_at=joined,
        left_at=None if left is None else max(left[0], joined),
        left_reason=None if left is None else left[1],
        joins=tuple(joins),
        leaves=tuple(leaves),
        last_sign_at=anything if left is None else max(left[0], joined),
    )


def attempt(presence: Presence) -> Stay | None:
    """The time of a client that tried and, as far as is known, never joined."""
    if presence.tried_t is None:
        return None
    offset = clock_offset(presence)
    tried = presence.tried_t + offset
    last = max(tried, (presence.last_t or 0) + offset)
    return Stay(tried, last, ATTEMPTED, (tried,), (), last)


def _servers_stay(presence: Presence) -> Stay | None:
    told = [seen for one in presence.witnesses if (seen := witness_stay(one)) is not None]
    if not told:
        return None
    joined = min(one.joined_at for one in told)
    signs = [one.last_sign_at for one in told]
    if presence.last_t is not None:
        signs.append(presence.last_t + clock_offset(presence))
    last_sign = max(signs)
    leaves = [one.left_at for one in told if one.left_at is not None]
    left: tuple[int, str] | None = None
    if len(leaves) == len(told):
        last = max(told, key=lambda one: (one.left_at or 0, one.left_reason or ""))
        left = (last.left_at or 0, last.left_reason or DISCONNECT)
    else:
        held = [
            (t, reason)
            for t, reason in presence.removed
            if t >= (last_sign if reason == "silence" else max(one.joins[-1] for one in told))
        ]
        left = min(held, default=None)
    return Stay(
        joined_at=joined,
        left_at=None if left is None else max(left[0], joined),
        left_reason=None if left is None else left[1],
        joins=tuple(sorted({t for one in told for t in one.joins})),
        leaves=tuple(sorted({*(leave for one in told for leave in one.leaves), *presence.removed})),
        last_sign_at=last_sign if left is None else max(left[0], joined),
    )


def witness_stay(witness: Witness, offset: int | None = None) -> Stay | None:
    """The stay that one source tells of; None if it only told of the room.

    Left without joined: it had been there, nobody knows since when, so from the first that was said
    of it. Joined twice: from the first, and only what follows the last is a leave. ``offset``: of
    the clock, if it is known better than from this witness alone.
    """
    if witness.first_t is None or witness.last_t is None:
        return None
    if offset is None:
        offset = witness_offset(witness)
    joined = (witness.joins or (witness.first_t,))[0]
    last_join = (witness.joins or (witness.first_t,))[-1]
    held = [(t, DISCONNECT) for t in witness.leaves if t >= last_join]
    held += [(t, ATTEMPTED) for t in witness.aborts if t >= last_join and not witness.leaves]
    held += [(t, ROOM_ENDED) for t in witness.room_ends if t >= last_join]
    # The room began anew: whoever was in it before that was thrown out, unnoticed.
    anew = last_join + ROOM_START_SLACK_MS
    held += [(t, ROOM_ENDED) for t in witness.room_starts if t > anew]
    left = min(held, default=None)
    return Stay(
        joined_at=joined + offset,
        left_at=None if left is None else left[0] + offset,
        left_reason=None if left is None else left[1],
        joins=tuple(t + offset for t in witness.joins) or (joined + offset,),
        leaves=tuple((t + offset, DISCONNECT) for t in witness.leaves),
        last_sign_at=(witness.last_t if left is None else left[0]) + offset,
    )
