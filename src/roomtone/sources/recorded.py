"""Recordings as facts: one peer's getStats() results over a whole call, whatever file held them."""

import zlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from roomtone.model.errors import BadRequest, TooLarge
from roomtone.model.facts import AnyFact, Joined, Left, Snapshot, Track
from roomtone.model.stats import InboundRtp, MediaSource, OutboundRtp
from roomtone.sources.selection import grouped, kept
from roomtone.sources.user_agents import describe
from roomtone.sources.w3c import converted, role_of

MAX_RECORDING_BYTES = 1024 * 1024 * 1024
"""A four-hour, one-a-second recording of two peers is about 450 MB of JSON."""


class Sample(Struct, frozen=True):
    """One getStats() result of one RTCPeerConnection."""

    t: int
    pc: str
    report: list[dict[str, Any]]


class RecordedPeer(Struct, frozen=True):
    """One side of a recorded call."""

    label: str
    remote_labels: Mapping[str, str]
    """The label of the peer at the other end of each pc; an SFU's is not there."""
    user_agent: str | None
    samples: list[Sample]
    """Ascending in time."""
    events: tuple[AnyFact, ...] = ()
    """What else the file told: devices, permissions, connection states."""
    shared_tracks: frozenset[str] = frozenset()
    """Track ids that came of getDisplayMedia()."""


def recording_facts(
    peer: RecordedPeer, peer_ids: Mapping[str, str] | None = None, *, mask: bool = True
) -> tuple[AnyFact, ...]:
    """The facts of one side, ascending in time; ``peer_ids`` gives the ids of remote labels.

    It joins at its first sample and leaves at its last. Raises Refused for a report that is wrong.
    """
    if not peer.samples:
        return ()
    first, last = peer.samples[0].t, peer.samples[-1].t
    facts: list[AnyFact] = [Joined(t=first, via="import"), *peer.events]
    if peer.user_agent:
        facts.append(describe(peer.user_agent, first))
    for sample in peer.samples:
        remote = (peer_ids or {}).get(peer.remote_labels.get(sample.pc, ""), "")
        facts.append(_snapshot(sample, remote, peer.shared_tracks, mask))
    facts.sort(key=lambda fact: fact.t)
    return (*facts, Left(t=max(last, facts[-1].t), reason="import"))


def _snapshot(sample: Sample, remote: str, shared: frozenset[str], mask: bool) -> Snapshot:
    groups = grouped(converted(sample.report))
    stats = kept(groups, mask=mask)
    sources = {stat.id: stat.track_identifier for stat in stats if isinstance(stat, MediaSource)}
    tracks: dict[str, Track] = {}
    for stat in stats:
        if not isinstance(stat, InboundRtp | OutboundRtp) or stat.ssrc is None:
            continue
        if isinstance(stat, InboundRtp):
            track_id, sender = stat.track_identifier, remote
        else:
            track_id, sender = sources.get(stat.media_source_id or ""), ""
        source = _source(stat.kind, track_id in shared)
        match = f"ssrc:{stat.ssrc}"
        tracks[match] = Track(match=match, source=source, peer_id=sender)
    return Snapshot(
        t=sample.t,
        transport=sample.pc,
        role=role_of(groups),
        stats=stats,
        tracks=tuple(tracks.values()),
    )


def _source(kind: str | None, shared: bool) -> str:
    if kind == "audio":
        return "screenshare_audio" if shared else "microphone"
    return "screenshare" if shared else "camera"


def inflated(data: bytes) -> bytes:
    """Gzip or plain bytes → plain. Raises TooLarge for a bomb, BadRequest for a broken file."""
    if data[:2] != b"\x1f\x8b":
        return data
    plain = bytearray()
    while data:
        unzip = zlib.decompressobj(wbits=31)
        try:
            plain += unzip.decompress(data, MAX_RECORDING_BYTES - len(plain) + 1)
        except zlib.error as error:
            raise BadRequest(f"The file is not whole gzip: {error}.") from None
        if len(plain) > MAX_RECORDING_BYTES:
            raise TooLarge(f"More than {MAX_RECORDING_BYTES >> 20} MiB of recording.")
        if not unzip.eof:
            raise BadRequest("The file is not whole gzip: it ends too early.")
        data = unzip.unused_data  # gzip members may follow one another
    return bytes(plain)
