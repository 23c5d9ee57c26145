"""Stay: when a peer was in its session, told from its presence.

Rules, in order:

* It joined at its first ``call_join``; without one, at the first snapshot that had a stream (a ping
  may overtake its join, so a join that comes later moves the time back or forth).
* Roomtone's word that it was removed (``kicked``, ``host_ended``) holds until it joins again.
* A leave that the client said holds until media or a join came after it. Stray events of a page
  that is closing do not bring anybody back.
* ``silence`` holds until anything at all came after it, or somebody received the peer's media.
* ``left_at`` is the time of the leave that holds. Gaps before it (a reconnect) are inside the stay.
"""

from msgspec import Struct

from roomtone.model.limits import CLOCK_TOLERANCE_MS
from roomtone.model.presence import Presence


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
    lag = presence.lag
    if lag is None or abs(lag) <= CLOCK_TOLERANCE_MS:
        return 0
    if lag < 0:
        return lag
    told_over = (presence.last_received or 0) - (presence.first_received or 0)
    happened_over = (presence.last_t or 0) - (presence.first_t or 0)
    live = told_over >= CLOCK_TOLERANCE_MS and 2 * told_over >= happened_over
    return lag if live else 0


def stay(presence: Presence) -> Stay | None:
    """The stay that a presence tells of; None for a peer that never joined."""
    offset = clock_offset(presence)
    if presence.joins:
        joined = presence.joins[0][0] + offset
    elif presence.first_media_t is not None:
        joined = presence.first_media_t + offset
    else:
        return None
    joins = [t + offset for t, _ in presence.joins] or [joined]
    media = max(joins[-1], (presence.last_media_t or joined - offset) + offset)
    anything = max(media, (presence.last_t or joined - offset) + offset, presence.vouched_t or 0)
    said = [(t + offset, reason) for t, reason in presence.leaves]
    held = [(t, reason) for t, reason in said if t >= media]
    held += [
        (t, reason)
        for t, reason in presence.removed
        if t >= (anything if reason == "silence" else joins[-1])
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
