"""The ``stats`` event: one whole (or partial) getStats() result → one Snapshot.

The objects are a union tagged by ``type`` that decodes straight into the model's structs; those of
types that are not kept decode into empty structs, which costs next to nothing. A report that holds
an unknown type, an old dialect or a fault takes the slow road: read freely, translate, convert
object by object, name every fault.
"""

import re
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta, Raw, Struct

from roomtone.model.errors import Fault, Invalid, TooLarge
from roomtone.model.facts import Snapshot, Track
from roomtone.model.limits import MAX_ID_CHARS, MAX_STATS_PER_REPORT
from roomtone.model.stats import (
    InboundRtp,
    KeptStat,
    OutboundRtp,
    RemoteInboundRtp,
)
from roomtone.sources.dialects import modernised
from roomtone.sources.faults import MALFORMED, MAX_FAULTS, decode_or_refuse, every_fault
from roomtone.sources.ids import uuid_or_none
from roomtone.sources.selection import Groups, bare, grouped, kept

_PASSED_OVER = (
    *("certificate", "csrc", "data-channel", "ice-server", "media-playout", "peer-connection"),
    *("receiver", "remote-outbound-rtp", "sctp-transport", "sender", "stream", "transceiver"),
)
_Track = msgspec.defstruct("_Track", [], tag_field="type", tag="track")
_Known: Any = Union[
    (
        KeptStat,
        _Track,
        *(
            msgspec.defstruct(f"_PassedOver{number}", [], tag_field="type", tag=name)
            for number, name in enumerate(_PASSED_OVER)
        ),
    )
]
_KEPT_TYPES = frozenset(
    (
        *("codec", "inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "media-source"),
        *("candidate-pair", "local-candidate", "remote-candidate", "transport"),
    )
)
_IS_REMOTE = re.compile(rb'"isRemote"\s*:\s*true')

Id = Annotated[str, Meta(max_length=MAX_ID_CHARS)]
Pixels = Annotated[int, Meta(ge=0, le=65_535)]


class TrackHint(Struct, frozen=True):
    """What a sender says a stream is; found by track id, mid or ssrc, the first that is given."""

    track_identifier: Id | None = None
    mid: Id | None = None
    ssrc: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    source: Literal["", "microphone", "camera", "screenshare", "screenshare_audio"] | None = None
    peer_id: str | None = None
    producer_id: Id | None = None
    consumer_id: Id | None = None
    paused: bool | None = None
    display_width: Pixels | None = None
    display_height: Pixels | None = None


class _Stats(Struct, frozen=True):
    """The metadata, its report read freely. ``paused`` holds for every track."""

    pc: Id | None = None
    report: list[Any] | None = None
    tracks: list[TrackHint] | None = None
    role: Literal["producing", "consuming", "both"] | None = None
    paused: bool | None = None


class _FluentStats(_Stats, frozen=True):
    """The metadata, its report read straight into structs."""

    report: list[_Known] | None = None


_FREELY = msgspec.json.Decoder(_Stats)
_FLUENTLY = msgspec.json.Decoder(_FluentStats)


def stats_fact(raw: Raw, t: int, *, mask: bool) -> Snapshot:
    """The snapshot of a ``stats`` entry. Raises Invalid with every fault, or TooLarge."""
    try:
        said: _Stats = _FLUENTLY.decode(raw)
        groups = grouped(said.report or ())
        fluent = not _speaks_old(groups, raw)
    except MALFORMED:
        fluent = False
    if not fluent:
        said = decode_or_refuse(_FREELY, raw, _Stats)
        _bound(said.report)
        groups = grouped(converted(said.report or ()))
    _bound(said.report)
    faults = []
    if not said.pc:
        faults.append(Fault("pc", "missing: name the RTCPeerConnection"))
    if said.report is None:
        faults.append(Fault("report", "missing: a list of W3C stats objects"))
    tracks = _tracks(said, faults)
    if faults:
        raise Invalid("stats", tuple(faults))
    return Snapshot(
        t=t,
        transport=said.pc or "",
        role=said.role or role_of(groups),
        stats=kept(groups, mask=mask),
        tracks=tracks,
    )


def converted(report: Any) -> list[KeptStat]:
    """A report of any dialect, read as dicts, as structs. Raises Invalid with every fault."""
    stats = modernised(list(report))
    if all(stat is not None and stat["type"] for stat in stats):
        known = [stat for stat in stats if stat is not None and stat["type"] in _KEPT_TYPES]
        try:
            # All at once: each call of convert() prepares the union anew, which costs more than
            # an object does.
            return msgspec.convert(known, list[KeptStat])
        except (msgspec.ValidationError, RecursionError):
            pass
    faults: list[Fault] = []
    for number, stat in enumerate(stats):
        where = f"report[{number}]"
        if stat is None:
            faults.append(Fault(where, "not an object"))
        elif stat["type"] in _KEPT_TYPES:
            faults += every_fault(stat, KeptStat, where)
        elif not stat["type"]:
            faults.append(Fault(f"{where}.type", "missing"))
        if len(faults) >= MAX_FAULTS:
            break
    raise Invalid("stats", tuple(faults))


def role_of(groups: Groups) -> str:
    """Which way media flows: ``producing``, ``consuming``, or ``both`` (also before any does)."""
    sends, receives = bool(groups.get(OutboundRtp)), bool(groups.get(InboundRtp))
    if sends == receives:
        return "both"
    return "producing" if sends else "consuming"


def _speaks_old(groups: Groups, raw: Raw) -> bool:
    """Whether a report that decoded well says something in words that were not read."""
    if _Track in groups:
        return True
    anonymous = False
    for kind in (InboundRtp, OutboundRtp, RemoteInboundRtp):
        for stream in groups.get(kind, ()):
            if not stream.kind:
                return True
            anonymous |= stream.transport_id is None
    # Chrome says isRemote of candidates too, but names the transport of each stream.
    if anonymous and _IS_REMOTE.search(raw):
        return True
    unsaid = any(
        stream.packets_discarded is None and (stream.kind == "audio" or stream.transport_id is None)
        for stream in groups.get(InboundRtp, ())
    )
    return unsaid and b'"discardedPackets"' in bytes(raw)


def _bound(report: list[Any] | None) -> None:
    if report is not None and len(report) > MAX_STATS_PER_REPORT:
        raise TooLarge(f"More than {MAX_STATS_PER_REPORT} stats objects in one report.")


def _tracks(said: _Stats, faults: list[Fault]) -> tuple[Track, ...]:
    hints = said.tracks
    if not hints:
        return ()
    if len(hints) > MAX_STATS_PER_REPORT:
        raise TooLarge(f"More than {MAX_STATS_PER_REPORT} tracks in one report.")
    paused = said.paused is True
    return tuple(
        _track(hint, paused, f"tracks[{number}]", faults) for number, hint in enumerate(hints)
    )


def _track(hint: TrackHint, paused: bool, where: str, faults: list[Fault]) -> Track:
    if hint.track_identifier:
        match = f"track:{bare(hint.track_identifier)}"
    elif hint.mid is not None:
        match = f"mid:{hint.mid}"
    elif hint.ssrc is not None:
        match = f"ssrc:{hint.ssrc}"
    else:
        match = ""
        faults.append(Fault(where, "needs a track_identifier, mid or ssrc"))
    peer_id = ""
    if hint.peer_id:
        peer_id = uuid_or_none(hint.peer_id) or ""
        if not peer_id:
            faults.append(Fault(f"{where}.peer_id", "not a UUID"))
    return Track(
        match=match,
        source=hint.source or "",
        producer_id=hint.producer_id or "",
        consumer_id=hint.consumer_id or "",
        peer_id=peer_id,
        paused=paused or hint.paused is True,
        display_width=hint.display_width or 0,
        display_height=hint.display_height or 0,
    )
