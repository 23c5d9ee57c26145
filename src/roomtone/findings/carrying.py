"""Carrying: what the transports' own numbers say (quality.md 5: 3, 4, 6 to 9, 35)."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from roomtone.findings import transport as t
from roomtone.findings.catalogue import Thresholds
from roomtone.findings.detector import Detector, Limits
from roomtone.findings.extremes import TransportExtremes
from roomtone.findings.hysteresis import Rule, runs
from roomtone.findings.noticed import Raised
from roomtone.findings.spells import Spells, touches
from roomtone.findings.streams import Column
from roomtone.model.findings import Evidence
from roomtone.model.times import iso
from roomtone.report.observed import SENT, Observed, ObservedTransport
from roomtone.report.transit import TransportPoint, Way

Worst = Mapping[str, TransportExtremes]
"""By transport."""
TCP = ("tcp", "tls")
FAR_RELAY = "remote_candidate_type"
"""What was compared where the relay is the other end's."""
APART_MS = 2_000
"""Two transports of a peer that stop at the same moment are one gap."""


def cut_off(seen: Observed, worst: Worst, thresholds: Thresholds) -> list[Raised]:
    """``transport_stall`` and ``stats_gap``: what silences the rest."""
    found = gaps(seen, worst, thresholds["stats_gap"])
    for transport in seen.transports:
        if worst[transport.id].stood:
            found += stalls(seen, transport, thresholds["transport_stall"])
    return found


def carried(seen: Observed, worst: Worst, mask: Spells, thresholds: Thresholds) -> list[Raised]:
    """``unstable_path``, the ways, and ``high_rtt``."""
    found: list[Raised] = []
    for transport in seen.transports:
        extremes = worst[transport.id]
        if not extremes.steady:
            found += switches(seen, transport, thresholds["unstable_path"])
        found += ways(seen, transport, extremes.steady)
        found += round_trips(seen, transport, extremes.rtt_s, mask, thresholds["high_rtt"])
    return found


def _raised(
    seen: Observed,
    detector: Detector,
    transport: ObservedTransport,
    start: float,
    end: float,
    field: str,
    value: float | str | None,
    at: float,
) -> Raised:
    told = Evidence(
        timestamp=iso(at + seen.offset),
        source="transport",
        id=transport.id,
        field=field,
        value=value,
    )
    return Raised(
        id=detector.id,
        severity=detector.severity,
        start=start + seen.offset,
        end=end + seen.offset,
        peer_id=seen.peer_id,
        transport=transport.id,
        evidence=(told,),
    )


def gaps(seen: Observed, worst: Worst, limits: Limits) -> list[Raised]:
    """``stats_gap``: of the whole peer, so a gap is one in all of its transports."""
    found: list[Raised] = []
    alive = [transport for transport in seen.transports if len(transport.points) > 2]
    for transport in alive:
        extremes = worst[transport.id]
        if extremes.gap_ms <= max(
            limits["ratio"] * extremes.shortest_gap_ms, 1000.0 * limits["raise_s"]
        ):
            continue  # the usual one is no shorter than the shortest
        usual = median(point.gap_ms for point in transport.points[1:])
        # Several snapshots make a point: its longest gap is the one that counts.
        least = max(limits["ratio"] * usual, 1000.0 * limits["raise_s"])
        for before, point in pairwise(transport.points):
            if point.gap_ms <= least:
                continue
            start = max(before.t, point.t - point.gap_ms)
            others = (other for other in alive if other is not transport)
            if any(
                start + APART_MS < each.t < point.t - APART_MS
                for other in others
                for each in other.points
            ):
                continue
            if any(abs(start + seen.offset - one.start) <= APART_MS for one in found):
                continue
            lasted = round(point.gap_ms)
            one = _raised(
                seen, t.STATS_GAP, transport, start, point.t, "timestamp", lasted, point.t
            )
            one.worst = point.gap_ms / 1000.0
            found.append(one)
    return found


def stalls(seen: Observed, transport: ObservedTransport, limits: Limits) -> list[Raised]:
    """``transport_stall``: sent, and nothing came."""
    least_s = limits["raise_s" if transport.roles != {"producing"} else "sending_s"]
    if _only_sends(seen, transport):
        least_s = limits["sending_s"]
    found: list[Raised] = []
    since: TransportPoint | None = None
    for before, point in pairwise(transport.points):
        if before.bytes_received == point.bytes_received and _flat(before, point):
            since = since or before
            continue
        if since is not None:
            found += _stall(seen, transport, since, before, least_s, limits["sent_bytes"])
            since = None
    if since is not None:
        last = transport.points[-1]
        stall = _stall(seen, transport, since, last, least_s, limits["sent_bytes"])
        for one in stall:
            one.open = True
        found += stall
    return found


def _only_sends(seen: Observed, transport: ObservedTransport) -> bool:
    return all(each.way == SENT for each in seen.streams if each.transport == transport.id)


def _flat(before: TransportPoint, point: TransportPoint) -> bool:
    received, sent = point.bytes_received, point.bytes_sent
    if None in (received, sent, before.bytes_received, before.bytes_sent):
        return False
    if before.way != point.way or point.ice_state in ("new", "checking", "closed"):
        return False
    grew = (sent or 0.0) > (before.bytes_sent or 0.0)
    return grew and bool(received) and received == before.bytes_received


def _stall(
    seen: Observed,
    transport: ObservedTransport,
    since: TransportPoint,
    last: TransportPoint,
    least_s: float,
    least_bytes: float,
) -> list[Raised]:
    lasted = (last.t - since.t) / 1000.0
    if lasted < least_s or (last.bytes_sent or 0.0) - (since.bytes_sent or 0.0) < least_bytes:
        return []
    one = _raised(
        seen,
        t.TRANSPORT_STALL,
        transport,
        since.t,
        last.t,
        "bytes_received",
        last.bytes_received,
        last.t,
    )
    one.worst = lasted
    return [one]


def switches(seen: Observed, transport: ObservedTransport, limits: Limits) -> list[Raised]:
    """``unstable_path``."""
    changed = [
        point.t
        for before, point in pairwise(transport.points)
        if before.way is not None and point.way is not None and before.way.pair != point.way.pair
    ]
    least, window = int(limits["changes"]), 1000.0 * limits["window_s"]
    found: list[Raised] = []
    for i in range(least - 1, len(changed)):
        start, end = changed[i - least + 1], changed[i]
        if end - start > window:
            continue
        if found and start <= found[-1].end - seen.offset:
            found[-1].end = end + seen.offset
            found[-1].worst = (found[-1].worst or 0.0) + 1
            continue
        one = _raised(
            seen, t.UNSTABLE_PATH, transport, start, end, "selected_candidate_pair_id", None, end
        )
        one.worst = float(least)
        found.append(one)
    return found


def _relay(way: Way) -> str | None:
    # Behind a router of its own, a relay's address is learnt from the other end: prflx.
    return "relay" if way.local_type == "relay" or way.relay_protocol else None


def _far_relay(way: Way) -> str | None:
    return "relay" if way.remote_type == "relay" and not _relay(way) else None


def _tcp(way: Way) -> str | None:
    if way.relay_protocol in TCP:
        return way.relay_protocol
    return way.protocol if way.protocol in TCP else None


def _vpn(way: Way) -> str | None:
    return "vpn" if way.network_type == "vpn" else None


WAYS: tuple[tuple[Detector, str, Callable[[Way], str | None]], ...] = (
    (t.TURN_RELAY, "candidate_type", _relay),
    (t.TURN_RELAY, FAR_RELAY, _far_relay),
    (t.TCP_OR_TLS_TRANSPORT, "protocol", _tcp),
    (t.VPN_IN_USE, "network_type", _vpn),
)


def ways(seen: Observed, transport: ObservedTransport, steady: bool) -> list[Raised]:
    """``turn_relay``, ``tcp_or_tls_transport``, ``vpn_in_use``: while such a pair is selected."""
    found: list[Raised] = []
    stretches = _stretches(transport.points, steady)
    for detector, field, of in WAYS:
        active: Raised | None = None
        for way, start, end in stretches:
            value = None if way is None else of(way)
            if value is None:
                if active is not None:
                    active.end = start + seen.offset
                active = None
            elif active is None:
                active = _raised(seen, detector, transport, start, end, field, value, start)
                found.append(active)
            else:
                active.end = end + seen.offset
        if active is not None:
            active.open = True
    return found


def _stretches(
    points: Sequence[TransportPoint], steady: bool
) -> list[tuple[Way | None, float, float]]:
    """Each way that was taken, from its first point to its last."""
    made: list[tuple[Way | None, float, float]] = []
    if not points:
        return made
    way, start = points[0].way, points[0].t
    if steady:
        return [(way, start, points[-1].t)]
    end = start
    for point in points:
        if point.way is not way:
            made.append((way, start, end))
            way, start = point.way, point.t
        end = point.t
    return [*made, (way, start, end)]


def round_trips(
    seen: Observed,
    transport: ObservedTransport,
    worst_s: float | None,
    mask: Spells,
    limits: Limits,
) -> list[Raised]:
    """``high_rtt``: of the selected pair, else what the other end reported of sent streams.

    ``worst_s``: of the selected pair at any point, None where no point knows.
    """
    times: Sequence[float]
    column: Column
    if worst_s is not None:
        if 1000.0 * worst_s <= limits["raise_ms"]:
            return []
        times = [point.t for point in transport.points]
        column = [None if p.rtt_s is None else 1000.0 * p.rtt_s for p in transport.points]
    else:
        rows = [
            (it.t, 1000.0 * it.rtt)
            for stream in seen.streams
            if stream.transport == transport.id and stream.way == SENT
            for it in stream.intervals
            if it.rtt is not None
        ]
        rows.sort()
        times, column = [row[0] for row in rows], [row[1] for row in rows]
    if mask:
        column = [
            None if touches(mask, at + seen.offset, at + seen.offset) else value
            for at, value in zip(times, column, strict=True)
        ]
    rule = Rule(limits["raise_ms"], limits["clear_ms"], limits["error_ms"], k=3, n=5)
    found = []
    for run in runs(column, rule):
        one = _raised(
            seen,
            t.HIGH_RTT,
            transport,
            times[max(0, run.first - 1)],
            times[run.last],
            "current_round_trip_time",
            round((column[run.worst] or 0.0) / 1000.0, 6),
            times[run.worst],
        )
        one.worst = column[run.worst]
        one.severity = "error" if run.severe else "warning"
        one.open = run.open
        found.append(one)
    return found
