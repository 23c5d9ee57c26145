"""Small hand-made snapshots for tests of the fold: totals in, one stream at a time."""

from typing import Any

import msgspec

from roomtone.model.facts import AnyFact, Identified, Snapshot, Track
from roomtone.model.peer_report import PeerReport
from roomtone.model.stats import (
    CandidatePair,
    InboundRtp,
    LocalCandidate,
    MediaSource,
    OutboundRtp,
    RemoteCandidate,
    RemoteInboundRtp,
)
from roomtone.report.build import build
from roomtone.report.fold import fold, new_state
from roomtone.report.stay import Stay
from roomtone.report.traces import traces

T0 = 1_700_000_000_000
Json = dict[str, Any]


def at(seconds: float) -> int:
    return T0 + round(seconds * 1000)


def snapshot(
    seconds: float,
    *stats: Any,
    transport: str = "t",
    role: str = "both",
    tracks: tuple[Track, ...] = (),
) -> Snapshot:
    """Stats get the snapshot's own time unless they brought one."""
    t = at(seconds)
    timed = (msgspec.structs.replace(s, timestamp=s.timestamp or t) for s in stats)
    return Snapshot(t, transport, role, tuple(timed), tracks)


def heard(packets: float | None, ssrc: int = 1, **members: Any) -> InboundRtp:
    """Received audio, by its totals."""
    lost = {"packets_lost": 0.0} | members
    return InboundRtp(
        id=f"in-{ssrc}", timestamp=0, ssrc=ssrc, kind="audio", packets_received=packets, **lost
    )


def seen(packets: float | None, frames: float | None, ssrc: int = 2, **members: Any) -> InboundRtp:
    """Received video, by its totals."""
    lost = {"packets_lost": 0.0, "frame_width": 640.0, "frame_height": 480.0} | members
    return InboundRtp(
        id=f"in-{ssrc}",
        timestamp=0,
        ssrc=ssrc,
        kind="video",
        packets_received=packets,
        frames_decoded=frames,
        **lost,
    )


def spoken(packets: float | None, ssrc: int = 3, **members: Any) -> OutboundRtp:
    """Sent audio, by its totals."""
    return OutboundRtp(
        id=f"out-{ssrc}", timestamp=0, ssrc=ssrc, kind="audio", packets_sent=packets, **members
    )


def shown(
    packets: float | None, frames: float | None, ssrc: int = 4, **members: Any
) -> OutboundRtp:
    """Sent video, by its totals."""
    return OutboundRtp(
        id=f"out-{ssrc}",
        timestamp=0,
        ssrc=ssrc,
        kind="video",
        packets_sent=packets,
        frames_encoded=frames,
        **members,
    )


def source(track: str, name: str = "src", **members: Any) -> MediaSource:
    return MediaSource(id=name, timestamp=0, track_identifier=track, **members)


def answer(ssrc: int, lost: float, seconds: float, **members: Any) -> RemoteInboundRtp:
    """What the other end says of a sent stream, at its own time."""
    return RemoteInboundRtp(
        id=f"re-{ssrc}", timestamp=at(seconds), ssrc=ssrc, packets_lost=lost, **members
    )


def pair(rtt: float | None, local: int = 1000, remote: int = 2000) -> tuple[Any, ...]:
    """A selected pair with its two candidates."""
    return (
        CandidatePair(
            id="pair",
            timestamp=0,
            nominated=True,
            local_candidate_id=f"l{local}",
            remote_candidate_id=f"r{remote}",
            current_round_trip_time=rtt,
        ),
        LocalCandidate(id=f"l{local}", timestamp=0, port=local),
        RemoteCandidate(id=f"r{remote}", timestamp=0, port=remote),
    )


def who(peer_id: str = "peer") -> Identified:
    return Identified(T0, "app", "meeting", "session", peer_id, "user", "custom", "Ann", "host")


def report(
    *facts: AnyFact,
    others: dict[str, tuple[AnyFact, ...]] | None = None,
    offset: int = 0,
    scale: Any = "mos",
    reading_ms: int = 7000,
) -> PeerReport:
    """The report of a peer of these facts; ``others``: the facts of the other peers by id."""
    sent: dict[str, Any] = {}
    for peer_id, theirs in (others or {}).items():
        sent |= traces(fold(new_state(reading_ms), (who(peer_id), *theirs)))
    state = fold(new_state(reading_ms), (who(), *facts))
    stay = Stay(T0 + offset, None, None, (T0 + offset,), (), at(3600) + offset)
    return build(state, stay, sent, clock_offset_ms=offset, scale=scale)


def json_of(found: PeerReport) -> Json:
    made: Json = msgspec.json.decode(msgspec.json.encode(found))
    return made


def quality(*facts: AnyFact, **options: Any) -> Json:
    """``peer_report.quality`` as a client gets it."""
    found: Json = json_of(report(*facts, **options))["peer_report"]["quality"]
    return found


def column(readings: list[Json], member: str) -> list[Any]:
    return [reading[member] for reading in readings]
