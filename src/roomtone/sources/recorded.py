"""Recordings as facts: one peer's getStats() results over a whole call, whatever file held them."""

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from roomtone.model.errors import BadRequest, TooLarge
from roomtone.model.facts import AnyFact, Joined, Left, Snapshot, Track
from roomtone.model.stats import InboundRtp, KeptStat, MediaSource, OutboundRtp
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
    joined_at: int | None = None
    """When it came, where the file tells; else at its first sample."""
    room: str = ""
    """The meeting, as the file calls it; "" where it does not."""
    person: str = ""
    """Who it is, likewise."""
    notes: tuple[str, ...] = ()
    """What a reader should know: what is missing, what was passed over."""


def recording_facts(
    peer: RecordedPeer, peer_ids: Mapping[str, str] | None = None, *, mask: bool = True
) -> tuple[AnyFact, ...]:
    """The facts of one side, ascending in time; ``peer_ids`` gives the ids of remote labels.

    It joins when the file says, else at its first sample, and leaves at its last word. Raises
    Refused for a report that is wrong.
    """
    if not peer.samples and not peer.events:
        return ()
    facts: list[AnyFact] = list(peer.events)
    for sample in peer.samples:
        remote = (peer_ids or {}).get(peer.remote_labels.get(sample.pc, ""), "")
        facts.append(_snapshot(sample, remote, peer.shared_tracks, mask))
    facts.sort(key=lambda fact: fact.t)
    first = peer.samples[0].t if peer.samples else facts[0].t
    joined = first if peer.joined_at is None else peer.joined_at
    introduced: list[AnyFact] = [Joined(t=joined, via="import")]
    if peer.user_agent:
        introduced.append(describe(peer.user_agent, joined))
    last = max(facts[-1].t, joined)
    facts = sorted([*introduced, *facts], key=lambda fact: fact.t)
    return (*facts, Left(t=last, reason="import"))


def _snapshot(sample: Sample, remote: str, shared: frozenset[str], mask: bool) -> Snapshot:
    stats = converted(sample.report)
    return snapshot_of(
        sample.t, sample.pc, stats, mask=mask, shared=shared, sender=lambda _: remote
    )


def snapshot_of(
    t: int,
    pc: str,
    stats: Iterable[KeptStat],
    *,
    mask: bool,
    shared: Collection[str],
    sender: Callable[[str | None], str],
) -> Snapshot:
    """One getStats() result as it is kept. ``shared``: track ids of a shared screen; ``sender``:
    a received track's id → its sender's peer id."""
    groups = grouped(stats)
    chosen = kept(groups, mask=mask)
    sources = {stat.id: stat.track_identifier for stat in chosen if isinstance(stat, MediaSource)}
    tracks: dict[str, Track] = {}
    for stat in chosen:
        if not isinstance(stat, InboundRtp | OutboundRtp) or stat.ssrc is None:
            continue
        if isinstance(stat, InboundRtp):
            track_id, peer_id = stat.track_identifier, sender(stat.track_identifier)
        else:
            track_id, peer_id = sources.get(stat.media_source_id or ""), ""
        source = _source(stat.kind, track_id in shared)
        match = f"ssrc:{stat.ssrc}"
        tracks[match] = Track(match=match, source=source, peer_id=peer_id)
    return Snapshot(
        t=t, transport=pc, role=role_of(groups), stats=chosen, tracks=tuple(tracks.values())
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
