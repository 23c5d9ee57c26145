"""Flow: streams that run dry (quality.md 5, 19 to 21)."""

from roomtone.findings.detector import CUT_OFF, Detector, Limits, Threshold
from roomtone.findings.extremes import Extremes
from roomtone.findings.hysteresis import Rule
from roomtone.findings.streams import Column, StreamRule, any_way
from roomtone.report.observed import AUDIO, RECEIVED, SENT, ObservedStream

FRESH_MS = 3_000
"""How old a source's own report may be while its track is live."""

INBOUND_DRY = Detector(
    id="inbound_dry",
    title="Nothing came of a stream",
    severity="error",
    raises="no packet of a received stream for at least {raise_s} s although its sender sent",
    clears="when packets come again",
    unit="s",
    says="{who} received nothing of {other} for {worst}.",
    advice="The receiver's network, or the server between them: leave and join again.",
    source="client-monitor-js 5 s, webrtc-issue-detector 3 samples",
    thresholds=(Threshold("raise_s", 5, "s", "Time without a packet."),),
    suppressed_by=CUT_OFF,
)
OUTBOUND_DRY = Detector(
    id="outbound_dry",
    title="A live track sent nothing",
    severity="error",
    raises="no packet of a sent stream for at least {raise_s} s although its track is live and not "
    "muted",
    clears="when packets are sent again",
    unit="s",
    says="Nothing was sent of {who}'s live {medium} for {worst}.",
    advice="Switch the microphone or camera off and on again, or choose another.",
    source="client-monitor-js",
    thresholds=(Threshold("raise_s", 5, "s", "Time without a packet."),),
    suppressed_by=CUT_OFF,
)
ONE_WAY_AUDIO = Detector(
    id="one_way_audio",
    title="Audio in one direction only",
    severity="error",
    raises="a person hears others and their microphone is louder than {source_level}, while every "
    "receiver of their audio gets nothing or silence (at or under {silent_level}) for {raise_s} s",
    clears="when a receiver hears them",
    unit="s",
    says="{who} heard the others, but nobody heard {who} for {worst}.",
    advice="Check this person's way out: a firewall, or a microphone that the browser may not use.",
    source="inbound_dry and the level of the microphone together",
    thresholds=(
        Threshold("source_level", 0.01, "RMS", "Level of the microphone."),
        Threshold("silent_level", 0.001, "RMS", "Level at the receivers."),
        Threshold("raise_s", 20, "s", "For how long."),
    ),
    suppressed_by=CUT_OFF,
)
DETECTORS = (INBOUND_DRY, OUTBOUND_DRY, ONE_WAY_AUDIO)


def outage_s(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """s without a packet although the sender sent."""
    if not worst.outage:
        return []
    return [
        0.0
        if not r.outage
        else None
        if r.interval_ms is None or r.paused
        else r.interval_ms / 1000.0
        for r in stream.readings
    ]


def unsent_s(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """s without a packet although the source of the track is live."""
    if not worst.unsent:
        return []
    made: Column = []
    seconds_before = 0.0
    filmed = False
    for r, it in zip(stream.readings, stream.intervals, strict=True):
        source = it.source
        live = source is not None and it.t - source.timestamp <= FRESH_MS
        if live and stream.kind == AUDIO:
            seconds = source.total_samples_duration or 0.0
            live = seconds > seconds_before
            seconds_before = seconds
        elif live:
            # A camera that gave pictures and gives none is on; a shared screen just stands still.
            filmed = filmed or bool(source.frames_per_second)
            live = filmed and source.frames_per_second is not None and not stream.screen
        if r.interval_ms is None or r.paused or r.packets_sent is None or not live:
            made.append(None)
        else:
            made.append(0.0 if r.packets_sent else r.interval_ms / 1000.0)
    return made


RULES = (
    StreamRule(
        INBOUND_DRY,
        any_way(RECEIVED),
        ((outage_s, lambda x: Rule(x["raise_s"] - 1e-6, 0.0)),),
        "outage",
    ),
    StreamRule(
        OUTBOUND_DRY,
        any_way(SENT),
        ((unsent_s, lambda x: Rule(x["raise_s"] - 1e-6, 0.0)),),
        "packets_sent",
    ),
)
