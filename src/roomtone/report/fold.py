"""The fold: ``(state, facts in order) -> state``. Folding in pieces equals folding at once.

Every fact is folded by itself and whatever is not over yet (an open interval, a missing label)
stays in the state, so it does not matter where a stream of facts is cut. There is no clock: time is
the facts' own. The state is changed in place, for speed; the facts and their order alone decide it.

The way of a snapshot: its reports are sorted by type; the ones that others refer to (codecs,
sources, candidates, what the other end says) are noted first; then every received stream and every
producer looks at its own running totals and cuts an interval if one is due.
"""

from collections.abc import Callable, Iterable
from typing import Any

from roomtone.model import facts as f
from roomtone.model.limits import MAX_STREAMS_PER_PEER, MAX_TRANSPORTS_PER_PEER
from roomtone.model.stats import (
    CandidatePair,
    Codec,
    InboundRtp,
    KeptStat,
    LocalCandidate,
    MediaSource,
    OutboundRtp,
    RemoteCandidate,
    RemoteInboundRtp,
    Transport,
)
from roomtone.report.inbound import InboundSeries, is_video
from roomtone.report.outbound import Layer, OutboundSeries
from roomtone.report.path import keep
from roomtone.report.state import PeerState, StreamKey, Streams

MAX_CLOCK_DISAGREEMENT_MS = 24 * 3600 * 1000
"""A report's own time that is further off than this from its snapshot's is not an epoch time."""


def new_state(reading_ms: int) -> PeerState:
    """A peer of which nothing is known. ``reading_ms``: the cadence of its readings."""
    return PeerState(reading_ms)


def fold(state: PeerState, facts: Iterable[f.AnyFact]) -> PeerState:
    """Fold facts in the order of :func:`roomtone.report.order.in_order`; returns the same state."""
    for fact in facts:
        if type(fact) is f.Snapshot:
            _snapshot(state, fact)
        else:
            _HANDLERS[type(fact)](state, fact)
    return state


_HANDLERS: dict[type[f.Fact], Callable[[PeerState, Any], None]] = {
    f.Identified: PeerState.identify,
    f.Described: PeerState.describe,
    f.Located: PeerState.locate,
    f.DevicesListed: PeerState.list_devices,
    f.DeviceSelected: PeerState.select_device,
    f.PrecallTested: PeerState.test_precall,
    f.Happened: PeerState.happen,
    f.Joined: PeerState.ignore,
    f.Left: PeerState.ignore,
    f.Vouched: PeerState.ignore,
    f.Chatted: PeerState.ignore,
    f.Transcribed: PeerState.ignore,
}


def _snapshot(state: PeerState, snapshot: f.Snapshot) -> None:
    streams = state.streams.get(snapshot.transport)
    if streams is None:
        if len(state.streams) >= MAX_TRANSPORTS_PER_PEER:
            state.truncated.transports += 1
            return
        streams = state.streams[snapshot.transport] = Streams(snapshot.transport)
    path = streams.path
    path.roles.add(snapshot.role)
    path.ordinal += 1
    path.name_tracks(snapshot.tracks)
    inbound, outbound = _sort(streams, snapshot.stats)
    t = snapshot.t
    for received in inbound:
        _inbound(state, streams, received, t)
    if outbound:
        _outbound(state, streams, outbound, t)


def _sort(
    streams: Streams, stats: tuple[KeptStat, ...]
) -> tuple[list[InboundRtp], list[OutboundRtp]]:
    """Note what others refer to; hand back the streams."""
    path = streams.path
    inbound: list[InboundRtp] = []
    outbound: list[OutboundRtp] = []
    pairs: list[CandidatePair] = []
    transport: Transport | None = None
    for stat in stats:
        kind = type(stat)
        if kind is InboundRtp:
            inbound.append(stat)  # type: ignore[arg-type]
        elif kind is OutboundRtp:
            outbound.append(stat)  # type: ignore[arg-type]
        elif isinstance(stat, RemoteInboundRtp):
            keep(path.remotes, stat.local_id or stat.ssrc, stat)
        elif isinstance(stat, MediaSource):
            keep(path.sources, stat.id, stat)
        elif isinstance(stat, Codec):
            keep(path.codecs, stat.id, stat)
        elif isinstance(stat, CandidatePair):
            pairs.append(stat)
        elif isinstance(stat, LocalCandidate | RemoteCandidate):
            keep(path.candidates, stat.id, stat)
        elif isinstance(stat, Transport):
            transport = stat
    if pairs:
        path.choose_pair(pairs, transport)
    return inbound, outbound


def _time(timestamp: float, t: int) -> float:
    """A report's own time is the better one, if it is an epoch time at all."""
    return timestamp if abs(timestamp - t) < MAX_CLOCK_DISAGREEMENT_MS else t


def _room(state: PeerState) -> bool:
    if state.streams_total < MAX_STREAMS_PER_PEER:
        state.streams_total += 1
        return True
    state.truncated.streams += 1
    return False


def _inbound(state: PeerState, streams: Streams, stat: InboundRtp, t: int) -> None:
    key = (stat.id, stat.ssrc, stat.kind)
    series = streams.inbound.get(key)
    if series is None:
        if not _room(state):
            return
        series = streams.inbound[key] = InboundSeries(state.budget, streams.path, stat)
    series.take(stat, _time(stat.timestamp, t))


def _outbound(state: PeerState, streams: Streams, stats: list[OutboundRtp], t: int) -> None:
    touched: dict[OutboundSeries, float] = {}
    for stat in stats:
        key = (stat.id, stat.ssrc, stat.kind)
        known = streams.layers.get(key)
        if known is None:
            if not _room(state):
                continue
            known = streams.layers[key] = _layer(state, streams, stat)
        producer, layer = known
        layer.following = stat
        own = _time(stat.timestamp, t)
        touched[producer] = max(own, touched.get(producer, own))
    for producer, own in touched.items():
        producer.take(own)


def _layer(state: PeerState, streams: Streams, stat: OutboundRtp) -> tuple[OutboundSeries, Layer]:
    """Layers of one sender share its mid and its media source."""
    video = is_video(stat.kind, stat.frames_encoded, stat.frame_width)
    if stat.mid is not None:
        sender: StreamKey = ("mid:" + stat.mid, None, stat.kind)
    elif stat.media_source_id is not None:
        sender = ("source:" + stat.media_source_id, None, stat.kind)
    else:
        sender = (stat.id, stat.ssrc, stat.kind)
    producer = streams.producers.get(sender)
    if producer is None:
        producer = streams.producers[sender] = OutboundSeries(
            state.budget, streams.path, audio=not video
        )
    return producer, producer.add(stat)
