"""Build: the folded state of a peer, its stay and what the others sent → its report.

Reads the state and changes nothing, so a live report and a sealed one come from the same code. Peer
events are not in it: whoever serves a report adds them when they are asked for.
"""

from collections.abc import Mapping
from typing import Literal

from roomtone.model import peer_report as p
from roomtone.model.facts import Happened
from roomtone.model.times import iso, iso_or_none, minutes
from roomtone.quality import audio, video
from roomtone.report import peer_stats as old
from roomtone.report.grouping import Arrays, arrays, quality
from roomtone.report.metadata import metadata
from roomtone.report.observed import Observed, ObservedTransport
from roomtone.report.quality_stats import quality_stat, quality_stats
from roomtone.report.state import PeerState
from roomtone.report.stay import Stay
from roomtone.report.talk import NOTHING_HEARD, Heard, talk_time
from roomtone.report.traces import ProducerTrace, traces

__all__ = ["FOLD_MODEL", "MODELS", "build", "build_observed", "details", "traces"]

FOLD_MODEL = "fold-1"
VENDOR_MODEL = "realtimekit-client-1"
MODELS: dict[str, str] = {
    "mos": f"{audio.MODEL}+{video.MODEL}",
    "vendor": VENDOR_MODEL,
}
"""Formulas by scale: the report's ``mos_model``."""


def build(
    state: PeerState,
    stay: Stay,
    others: Mapping[str, ProducerTrace],
    *,
    clock_offset_ms: int,
    scale: Literal["mos", "vendor"] = "mos",
    now: int | None = None,
    heard: Heard = NOTHING_HEARD,
) -> p.PeerReport:
    """The peer report; see :func:`build_observed`."""
    report, _ = build_observed(
        state, stay, others, clock_offset_ms=clock_offset_ms, scale=scale, now=now, heard=heard
    )
    return report


def build_observed(
    state: PeerState,
    stay: Stay,
    others: Mapping[str, ProducerTrace],
    *,
    clock_offset_ms: int,
    scale: Literal["mos", "vendor"] = "mos",
    now: int | None = None,
    heard: Heard = NOTHING_HEARD,
) -> tuple[p.PeerReport, Observed]:
    """The peer report, still without findings, and what they are made from.

    ``others``: the producers of the other peers of the session, from :func:`traces`.
    ``clock_offset_ms``: added to the sender's times (:func:`roomtone.report.stay.clock_offset`);
    the stay already has it. ``heard``: what the others say of who talked. ``now``: what the
    duration of a connected peer is measured to, epoch ms; None: its last sign of life, so that a
    rebuild gives the same bytes.
    """
    who = state.identified
    peer_id = who.peer_id if who else ""
    made = arrays(state, others, clock_offset_ms, scale)
    until = stay.left_at if stay.left_at is not None else (now or stay.last_sign_at)
    talk = talk_time(state.talk, peer_id, heard, max(0, until - stay.joined_at))
    report = p.PeerReport(
        id=peer_id,
        user_id=who.user_id if who else "",
        custom_participant_id=who.custom_participant_id if who else "",
        display_name=who.display_name if who else "",
        preset_name=who.preset_name if who else "",
        joined_at=iso(stay.joined_at),
        left_at=iso_or_none(stay.left_at),
        duration=minutes(max(0, until - stay.joined_at)),
        created_at=iso(stay.joined_at),
        updated_at=iso(max(stay.joined_at, stay.left_at or stay.last_sign_at)),
        role=who.preset_name if who else "",
        session_id=who.session_id if who else "",
        peer_report=p.Report(metadata=metadata(state, clock_offset_ms), quality=quality(made)),
        peer_stats=old.peer_stats(state, clock_offset_ms),
        quality_stats=quality_stats(state, made, peer_id, clock_offset_ms),
        mos_model=MODELS[scale],
        quality_scale=scale,
        truncated=p.Truncated(
            readings=state.budget.truncated,
            streams=state.truncated.streams,
            transports=state.truncated.transports,
            events=state.truncated.events,
            points=state.budget.points_cut,
        ),
        talk_time_s=None if talk is None else talk.ms / 1000,
        talk_time_source=None if talk is None else talk.source,
    )
    if scale != "mos":  # the vendor's score has other numbers than the rules are made for
        made = arrays(state, others, clock_offset_ms, "mos")
    return report, _observed(state, stay, made, clock_offset_ms)


def _observed(state: PeerState, stay: Stay, made: Arrays, offset: int) -> Observed:
    who = state.identified
    return Observed(
        peer_id=who.peer_id if who else "",
        user_id=who.user_id if who else "",
        display_name=who.display_name if who else "",
        stay=stay,
        offset=offset,
        streams=made.streams,
        transports=[
            ObservedTransport(
                name,
                frozenset(streams.path.roles),
                streams.transit.all_points(),
                frozenset(track.peer_id for track in streams.path.tracks if track.peer_id),
            )
            for name, streams in state.streams.items()
        ],
        events=[Happened(event.t + offset, event.name, event.metadata) for event in state.events],
    )


def details(report: p.PeerReport) -> p.ParticipantDetails:
    """The participant's details, from the same report."""
    shared = {name: getattr(report, name) for name in p.Participant.__struct_fields__}
    return p.ParticipantDetails(
        **shared,
        session_id=report.session_id,
        peer_stats=old.details_stats(
            report.peer_stats,
            report.peer_report.metadata.ip_information.postal,
            connected=report.left_at is None,
        ),
        quality_stats=[quality_stat(report.quality_stats)],
        mos_model=report.mos_model,
        quality_scale=report.quality_scale,
        findings=report.findings,
        findings_model=report.findings_model,
    )
