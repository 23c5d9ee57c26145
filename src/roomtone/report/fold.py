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
from roomtone.model.limits import (
    MAX_STATS_PER_REPORT,
    MAX_STREAMS_PER_PEER,
    MAX_TRANSPORTS_PER_PEER,
)
from roomtone.model.stats import (
    InboundRtp,
    MediaSource,
    OutboundRtp,
)
from roomtone.report.inbound import InboundSeries, is_video
from roomtone.report.layout import Layout
from roomtone.report.outbound import Layer, OutboundSeries
from roomtone.report.path import Path, keep
from roomtone.report.state import PeerState, StreamKey, Streams
from roomtone.report.talk import Ear

MAX_CLOCK_DISAGREEMENT_MS = 24 * 3600 * 1000.0
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
    f.Attempted: PeerState.ignore,
    f.ServerSaw: PeerState.ignore,
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
    at = snapshot.t + 0.0  # floats are compared faster with floats than with ints
    stats: tuple[Any, ...] = snapshot.stats
    layout = streams.layouts.of(stats)
    _note(state, streams, layout, at, stats)
    # A report's own time is the better one, if it is an epoch time at all.
    earliest, latest = at - MAX_CLOCK_DISAGREEMENT_MS, at + MAX_CLOCK_DISAGREEMENT_MS
    inbound = layout.inbound
    for place, series in inbound.items():
        received: InboundRtp = stats[place]
        if (
            series is None
            or (before := series.stat).id != received.id
            or before.ssrc != received.ssrc
            or before.kind != received.kind
        ):
            series = inbound[place] = _inbound(state, streams, received)
            if series is None:
                continue
        own = received.timestamp
        series.take(received, own if earliest < own < latest else at)
        ear = series.ear
        if ear is not None:
            ear.look(at, received.total_audio_energy, received.total_samples_duration)
    if not layout.outbound:
        return
    touched: dict[OutboundSeries, float] = {}
    for place in layout.outbound:
        sent: OutboundRtp = stats[place]
        known = streams.layers.get((sent.id, sent.ssrc, sent.kind))
        if known is None:
            known = _layer(state, streams, sent)
            if known is None:
                continue
        producer, layer = known
        layer.following = sent
        own = sent.timestamp
        if not earliest < own < latest:
            own = at
        if own >= touched.get(producer, own):
            touched[producer] = own
    for producer, own in touched.items():
        producer.take(own)


def _note(
    state: PeerState, streams: Streams, layout: Layout, t: float, stats: tuple[Any, ...]
) -> None:
    """What the reports of streams refer to, and the transport itself."""
    path = streams.path
    path.name_codecs(stats, layout.codecs)
    candidates = path.candidates
    for place in layout.candidates:
        candidate = stats[place]
        candidates[candidate.id] = candidate
        if len(candidates) > MAX_STATS_PER_REPORT:
            keep(candidates, candidate.id, candidate)
    remotes = path.remotes
    for place in layout.remotes:
        remote = stats[place]
        of = remote.local_id or remote.ssrc
        remotes[of] = remote
        if len(remotes) > MAX_STATS_PER_REPORT:
            keep(remotes, of, remote)
    sources = path.sources
    for place in layout.sources:
        source = stats[place]
        sources[source.id] = source
        if len(sources) > MAX_STATS_PER_REPORT:
            keep(sources, source.id, source)
        if source.total_audio_energy is not None:
            ear = path.ears.get((source.id, source.track_identifier)) or _ear(state, path, source)
            if ear is not None:
                ear.look(t, source.total_audio_energy, source.total_samples_duration)
    transport = stats[layout.transports[-1]] if layout.transports else None
    pair = None
    if layout.pairs:
        pairs = layout.pairs
        if len(pairs) == 1:
            path.take_pair(stats[pairs[0]])
        else:
            path.choose_pair([stats[place] for place in pairs], transport)
        pair = path.pair
    streams.transit.see(t, pair, transport, path.candidates, state.budget)


def _ear(state: PeerState, path: Path, source: MediaSource) -> Ear | None:
    """What listens to an own source of sound; None: it is nobody's voice, or one too many."""
    track = path.track_of(None, source.track_identifier, None)
    ear = state.talk.own_ear(path.transport_id, source.id, track.source)
    if ear is not None:
        keep(path.ears, (source.id, source.track_identifier), ear)
    return ear


def _room(state: PeerState) -> bool:
    if state.streams_total < MAX_STREAMS_PER_PEER:
        state.streams_total += 1
        return True
    state.truncated.streams += 1
    return False


def _inbound(state: PeerState, streams: Streams, stat: InboundRtp) -> InboundSeries | None:
    """The received stream of a report, new if it was not there before; None: one too many."""
    key = stat.id, stat.ssrc, stat.kind
    series = streams.inbound.get(key)
    if series is None and _room(state):
        series = streams.inbound[key] = InboundSeries(state.budget, streams.path, state.talk, stat)
    return series


def _layer(
    state: PeerState, streams: Streams, stat: OutboundRtp
) -> tuple[OutboundSeries, Layer] | None:
    """A layer that was not there before; None: one too many. Layers of one sender share its mid
    and its media source."""
    if not _room(state):
        return None
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
    known = streams.layers[stat.id, stat.ssrc, stat.kind] = producer, producer.add(stat)
    return known
