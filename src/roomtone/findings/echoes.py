"""Echoes: which finding is only another one again, as somebody else noticed it."""

from collections import defaultdict
from collections.abc import Iterable

from roomtone.findings.attribution import Case, near
from roomtone.findings.noticed import Raised

ORDER = (
    "ice_failed",
    "ice_disconnected",
    "transport_stall",
    "permission_denied",
    "device_lost",
    "outbound_dry",
    "uplink_loss",
    "downlink_loss",
    "one_way_audio",
    "remote_uplink_loss",
    "inbound_dry",
    "high_rtt",
    "high_jitter",
    "bandwidth_limited",
    "cpu_limited_encode",
    "cpu_limited_decode",
    "jitter_buffer_high",
    "audible_concealment",
    "time_stretch",
    "low_mos",
    "keyframe_storm",
    "low_fps",
    "video_frozen",
    "low_resolution",
    "call_loss_summary",
)
RANK = {name: rank for rank, name in enumerate(ORDER)}
"""A finding is only ever the echo of one that stands before it."""
NETWORK = frozenset(
    {
        *("ice_failed", "ice_disconnected", "transport_stall", "outbound_dry"),
        *("uplink_loss", "downlink_loss", "inbound_dry", "high_rtt", "bandwidth_limited"),
        "high_jitter",
    }
)
LOST = frozenset(
    {"ice_failed", "ice_disconnected", "transport_stall", "uplink_loss", "downlink_loss"}
)
BUSY = frozenset({"cpu_limited_encode", "cpu_limited_decode"})
SLOW = BUSY | {"low_fps", "device_lost"}
CAUSES: dict[str, frozenset[str]] = {
    "uplink_loss": LOST,
    "downlink_loss": LOST,
    "remote_uplink_loss": LOST,
    "inbound_dry": LOST | {"outbound_dry", "device_lost"},
    "outbound_dry": frozenset({"device_lost", "permission_denied"}),
    "one_way_audio": LOST | {"outbound_dry"},
    "ice_disconnected": frozenset({"ice_failed"}),
    "transport_stall": frozenset({"ice_failed", "ice_disconnected"}),
    "high_rtt": frozenset({"ice_disconnected", "transport_stall"}),
    # Packets that come unevenly make a browser believe that there is little bandwidth.
    "high_jitter": NETWORK - {"bandwidth_limited"},
    "bandwidth_limited": LOST | {"high_rtt", "high_jitter"},
    "jitter_buffer_high": NETWORK | BUSY,
    "audible_concealment": NETWORK | BUSY,
    "time_stretch": NETWORK | {"jitter_buffer_high", "audible_concealment"},
    "low_mos": NETWORK | BUSY | {"jitter_buffer_high", "audible_concealment", "time_stretch"},
    "keyframe_storm": NETWORK | BUSY,
    "low_fps": NETWORK | SLOW,
    "video_frozen": NETWORK | SLOW | {"keyframe_storm"},
    "low_resolution": frozenset({"bandwidth_limited", "cpu_limited_encode"}),
    "call_loss_summary": frozenset(
        {
            *("ice_failed", "ice_disconnected", "transport_stall", "downlink_loss"),
            *("inbound_dry", "remote_uplink_loss", "audible_concealment", "low_mos"),
        }
    ),
}
BOTH_WAYS = frozenset(
    {"ice_failed", "ice_disconnected", "transport_stall", "high_rtt", "cpu_limited_encode"}
)
"""A computer that is too slow to send is too slow to receive."""
AT_A_SENDER = BOTH_WAYS | {"device_lost", "permission_denied"}
SENDING = frozenset({"uplink_loss", "bandwidth_limited", "cpu_limited_encode", "one_way_audio"})
OWN_ENDS = frozenset({"cpu_limited_decode", "downlink_loss"})
"""Causes that lie with the one who noticed; the others lie with the sender just as well."""


def link(cases: Iterable[Case]) -> None:
    """Give every echo its cause, and the blame of that cause."""
    ordered = sorted(cases, key=_rank)
    by_peer: dict[str, list[Case]] = defaultdict(list)
    for case in ordered:
        cause = _cause(case, by_peer)
        if cause is not None:
            case.cause = cause.cause or cause.key
            case.side, case.blamed = cause.side, cause.blamed
        by_peer[case.raised.peer_id].append(case)
    seen_only: dict[tuple[str, str], str] = {}
    for case in ordered:
        if not case.cause and case.blamed not in ("", case.raised.peer_id):
            case.cause = _same_at(by_peer.get(case.blamed, ()), case)
            if case.cause:
                seen_only[case.key, case.blamed] = case.cause
    for case in ordered:
        case.cause = seen_only.get((case.cause, case.blamed), case.cause)


def _same_at(of_blamed: Iterable[Case], case: Case) -> str:
    """The same trouble as whoever is to blame had it themselves: the other end only saw it too."""
    for own in of_blamed:
        same = own.raised.id == case.raised.id and own.blamed == case.blamed
        if same and near(own.raised, case.raised):
            return own.cause or own.key
    return ""


def _rank(case: Case) -> float:
    """A sender that only heard back what its receiver's own side lost comes after that one."""
    if case.raised.id == "uplink_loss" and case.blamed not in ("", case.raised.peer_id):
        return RANK["downlink_loss"] + 0.5
    return RANK.get(case.raised.id, -1)


def _cause(case: Case, by_peer: dict[str, list[Case]]) -> Case | None:
    one = case.raised
    wanted = CAUSES.get(one.id)
    if not wanted:
        return None
    found = [
        other
        for peer_id in dict.fromkeys((one.other_peer_id, case.blamed, one.peer_id))
        for other in by_peer.get(peer_id, ())
        if other.raised.id in wanted
        and other.raised.id != one.id
        and near(other.raised, one)
        and _fits(case, other)
    ]
    return min(
        found,
        key=lambda other: (
            RANK[other.raised.id],
            other.raised.peer_id != case.blamed,
            abs(other.raised.start - one.start),
            other.raised.start,
        ),
        default=None,
    )


def _fits(case: Case, other: Case) -> bool:
    """Whether the other may have caused this: it is of the same stretch of the way."""
    one, cause = case.raised, other.raised
    if cause.severity == "info" and not other.cause:
        return False  # what is no trouble by itself does not explain one away
    if cause.id in OWN_ENDS and cause.peer_id != one.peer_id and one.id != "uplink_loss":
        return False
    if case.blamed and other.blamed and case.blamed != other.blamed and case.side != "unknown":
        return False
    if cause.peer_id == one.peer_id:
        if outgoing(cause) != outgoing(one):
            # What this peer sent badly is no reason for what it received badly, nor the reverse.
            return cause.id in BOTH_WAYS
        if not one.other_peer_id or not cause.other_peer_id:
            return True
        # Noticed on another stream of this peer: only if that is this stream's sender.
        return cause.other_peer_id == one.other_peer_id or other.side == "downlink"
    if not one.other_peer_id:
        return False
    if not outgoing(cause) and one.id != "uplink_loss" and cause.id not in AT_A_SENDER:
        return False  # what the sender received badly does nothing to what it sent
    # At the sender: on the way to this receiver, or on its way to everybody.
    return cause.other_peer_id in ("", one.peer_id) or other.blamed == cause.peer_id


def outgoing(one: Raised) -> bool:
    """Whether it is of what the peer sent."""
    return one.array.endswith("producer") or one.id in SENDING
