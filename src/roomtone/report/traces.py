"""Traces: what a peer's producers did over time, for the reports of those who received them.

A consumer's score needs the sender's side: its leg of the round trip, whether it sent at all, and
at which size and rate. A producer is found by the ``producer_id`` that the client told, else by the
ssrc, which only a direct connection or a forwarding SFU keeps. One producer may have several legs:
in a mesh the same camera goes out over every connection.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping

from msgspec import Struct

from roomtone.report.intervals import Interval, Sent, SentVideo, labels_of
from roomtone.report.outbound import OutboundSeries
from roomtone.report.path import Path
from roomtone.report.state import PeerState

JOIN_MS = 15_000
"""How old the sender's word may be (quality.md 2.3)."""
EDGE_MS = 1_000
"""Sampling and clocks of two machines never meet exactly."""

Ports = frozenset[tuple[int, int]]


class TracePoint(Struct, frozen=True, gc=False):
    """One interval of a producer, ending at ``t``; epoch ms on the server's clock."""

    t: float
    since: float | None
    rtt_s: float | None
    packets_sent: float | None
    width: float | None
    """Of the highest layer sent; so is ``height``."""
    height: float | None
    fps: float | None
    """Of the source."""
    target_bitrate: float | None


class Leg(Struct, frozen=True):
    """A producer over one transport."""

    ssrcs: frozenset[int]
    ports: Ports
    """(local, remote) ports of the transport's selected pairs."""
    points: tuple[TracePoint, ...]
    times: tuple[float, ...]
    """Of the points, ascending."""

    def latest(self, t: float) -> Iterator[TracePoint]:
        """The points of the last 15 s before ``t``, newest first."""
        at = bisect_right(self.times, t + EDGE_MS)
        while at > 0 and self.times[at - 1] >= t - JOIN_MS:
            at -= 1
            yield self.points[at]

    def sent_all_along(self, since: float, until: float) -> bool:
        """Whether the sender says that it sent, in every interval that touches this time."""
        at = bisect_left(self.times, since + EDGE_MS)
        covered = since + EDGE_MS
        for point in self.points[at:]:
            if point.since is None or point.since > covered or not point.packets_sent:
                return False
            covered = point.t + EDGE_MS
            if covered >= until:
                return True
        return False


class ProducerTrace(Struct, frozen=True):
    """A producer of a peer, by its ``producer_id``."""

    producer_id: str
    peer_id: str
    legs: tuple[Leg, ...]


def peer_id_of(state: PeerState) -> str:
    """Whose state it is; "" while nobody said."""
    return "" if state.identified is None else state.identified.peer_id


def producer_name(series: OutboundSeries, said: str, peer_id: str) -> str:
    """The producer's id: as the client said, else the track's, else the stream's place.

    A place is only unique within its peer, an id is to be so within the session.
    """
    if said:
        return said
    if series.track_id:
        return series.track_id
    stat = series.layers[0].stat
    place = f"ssrc:{stat.ssrc}" if stat.mid is None else f"mid:{stat.mid}"
    return f"{peer_id}:{series.path.transport_id}:{place}"


def traces(state: PeerState, clock_offset_ms: int = 0) -> dict[str, ProducerTrace]:
    """The producers of a peer by id, their times put on the server's clock."""
    peer_id = peer_id_of(state)
    legs: dict[str, list[Leg]] = {}
    for streams in state.streams.values():
        for series in streams.producers.values():
            intervals = series.all_intervals()
            points: dict[str, list[TracePoint]] = {}
            for interval, label in zip(intervals, labels_of(intervals), strict=True):
                name = producer_name(series, label.producer_id, peer_id)
                points.setdefault(name, []).append(_point(interval, clock_offset_ms))
            for name, of_name in points.items():
                legs.setdefault(name, []).append(_leg(series, streams.path, of_name))
    return {name: ProducerTrace(name, peer_id, tuple(found)) for name, found in legs.items()}


def _leg(series: OutboundSeries, path: Path, points: list[TracePoint]) -> Leg:
    return Leg(
        frozenset(layer.stat.ssrc for layer in series.layers if layer.stat.ssrc is not None),
        frozenset(path.direct_ports),
        tuple(points),
        tuple(point.t for point in points),
    )


def _point(interval: Interval, offset: int) -> TracePoint:
    sent: Sent = interval  # type: ignore[assignment]  # a producer's series holds nothing else
    top = sent.top if isinstance(sent, SentVideo) else None
    return TracePoint(
        sent.t + offset,
        None if sent.since is None else sent.since + offset,
        sent.rtt,
        sent.packets_sent,
        None if top is None else top.frame_width,
        None if top is None else top.frame_height,
        None if sent.source is None else sent.source.frames_per_second,
        sent.target_bitrate,
    )


class Sender:
    """The sender's side of one received stream, if it is known."""

    __slots__ = ("direct", "leg", "peer_id", "producer_id")

    def __init__(self, trace: ProducerTrace, leg: Leg, ports: Ports) -> None:
        self.producer_id = trace.producer_id
        self.peer_id = trace.peer_id
        self.leg = leg
        self.direct = mirrored(leg.ports, ports)
        """Connected without anything in between: its round trip is the whole one."""

    def rtt_s(self, t: float) -> float | None:
        """s, the sender's leg; None when direct or not known."""
        if self.direct:
            return None
        return next((p.rtt_s for p in self.leg.latest(t) if p.rtt_s is not None), None)

    def point(self, t: float) -> TracePoint | None:
        """The sender's latest interval."""
        return next(self.leg.latest(t), None)


def mirrored(one: Ports, other: Ports) -> bool:
    """Whether a port of ours is the port that the other end talks to, one way or the other.

    Two clients of one SFU talk to the same remote port, from ports of their own: never mirrored. A
    translated port (NAT) hides it from one side; one side is enough.
    """
    return any(
        local == remote_there or remote == local_there
        for local, remote in one
        for local_there, remote_there in other
    )


class Senders:
    """The producers of all other peers."""

    def __init__(self, others: Mapping[str, ProducerTrace]) -> None:
        self._by_id = others
        self._by_ssrc: dict[int, list[tuple[ProducerTrace, Leg]]] = {}
        for trace in others.values():
            for leg in trace.legs:
                for ssrc in leg.ssrcs:
                    self._by_ssrc.setdefault(ssrc, []).append((trace, leg))

    def find(self, producer_id: str, ssrc: int | None, t: float, ports: Ports) -> Sender | None:
        """Who sent a stream that was received at ``t`` over a transport with these ports."""
        named = self._by_id.get(producer_id) if producer_id else None
        if named is not None:
            found = [(named, leg) for leg in named.legs]
        else:
            found = self._by_ssrc.get(ssrc, []) if ssrc is not None else []
        if not found:
            return None
        trace, leg = max(
            found,
            key=lambda each: (
                ssrc in each[1].ssrcs,
                mirrored(each[1].ports, ports),
                next(each[1].latest(t), None) is not None,
                -min((abs(x - t) for x in each[1].times), default=0.0),
            ),
        )
        return Sender(trace, leg, ports)
