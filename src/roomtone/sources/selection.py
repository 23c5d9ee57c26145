"""Of a whole getStats() result, what a snapshot keeps (quality.md 6).

The selected candidate pair and its two candidates, codecs that a stream uses, media sources,
transports, and every stream in, out and seen from the other end.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

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
from roomtone.sources.addresses import masked

ABSURD_JITTER_S = 10.0
"""Some browsers once gave milliseconds; no call has such a jitter in seconds (quality.md 1.2)."""

Groups = dict[type, list[Any]]


def grouped(stats: Iterable[object]) -> Groups:
    """The objects of a report by their class."""
    groups: Groups = defaultdict(list)
    for stat in stats:
        groups[type(stat)].append(stat)
    return groups


def selected(groups: Groups) -> CandidatePair | None:
    """The pair in use: the transport's choice, else Firefox's mark, else the nominated sender."""
    pairs: list[CandidatePair] = groups.get(CandidatePair, [])
    chosen = {transport.selected_candidate_pair_id for transport in groups.get(Transport, ())}
    for some in (
        [pair for pair in pairs if pair.id in chosen],
        [pair for pair in pairs if pair.selected],
        [pair for pair in pairs if pair.nominated and pair.state in ("succeeded", None)],
    ):
        if some:
            return max(some, key=liveliness)
    return None


def liveliness(pair: CandidatePair) -> tuple[float, float]:
    """Orders nominated pairs: several stay nominated after a switch, only one still sends."""
    return (
        -1.0 if pair.last_packet_sent_timestamp is None else pair.last_packet_sent_timestamp,
        (pair.bytes_sent or 0.0) + (pair.bytes_received or 0.0),
    )


def kept(groups: Groups, *, mask: bool) -> tuple[KeptStat, ...]:
    """What a snapshot holds of a report, addresses masked unless ``mask`` is False."""
    streams = [
        *map(_inbound, groups.get(InboundRtp, ())),
        *groups.get(OutboundRtp, ()),
        *map(_remote, groups.get(RemoteInboundRtp, ())),
    ]
    used = {stream.codec_id for stream in streams}
    stats: list[KeptStat] = [*groups.get(Transport, ())]
    pair = selected(groups)
    if pair is not None:
        stats.append(pair)
        stats += _ends(groups.get(LocalCandidate, ()), pair.local_candidate_id, mask)
        stats += _ends(groups.get(RemoteCandidate, ()), pair.remote_candidate_id, mask)
    stats += [codec for codec in groups.get(Codec, ()) if codec.id in used]
    stats += map(_source, groups.get(MediaSource, ()))
    stats += streams
    return tuple(stats)


def _ends(candidates: Iterable[Any], wanted: str | None, mask: bool) -> list[Any]:
    for candidate in candidates:
        if candidate.id == wanted:
            return [_masked(candidate) if mask else candidate]
    return []


def _masked(candidate: Any) -> Any:
    return replace(
        candidate,
        address=masked(candidate.address),
        related_address=masked(candidate.related_address),
    )


def bare(track_identifier: str) -> str:
    """Firefox puts track ids in braces, and not everywhere."""
    return track_identifier.strip("{}")


def _inbound(stat: InboundRtp) -> InboundRtp:
    if stat.jitter is not None and stat.jitter > ABSURD_JITTER_S:
        stat = replace(stat, jitter=None)
    if stat.track_identifier is not None and stat.track_identifier.startswith("{"):
        stat = replace(stat, track_identifier=bare(stat.track_identifier))
    return stat


def _remote(stat: RemoteInboundRtp) -> RemoteInboundRtp:
    if stat.jitter is not None and stat.jitter > ABSURD_JITTER_S:
        stat = replace(stat, jitter=None)
    return stat


def _source(stat: MediaSource) -> MediaSource:
    if stat.track_identifier is not None and stat.track_identifier.startswith("{"):
        stat = replace(stat, track_identifier=bare(stat.track_identifier))
    return stat
