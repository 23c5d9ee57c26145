"""Loss: packets that did not arrive (quality.md 5, 11 to 14)."""

from collections.abc import Iterable

from roomtone.findings.detector import CUT_OFF, Detector, Limits, Threshold
from roomtone.findings.extremes import Extremes
from roomtone.findings.hysteresis import Rule
from roomtone.findings.noticed import Raised
from roomtone.findings.streams import (
    MEAN_OVER,
    MIN_PACKETS,
    Column,
    Place,
    StreamRule,
    any_way,
    is_audio,
)
from roomtone.model.findings import Evidence
from roomtone.model.readings import ProducerReading
from roomtone.report.observed import RECEIVED, SENT, ObservedStream

MEAN_AT_LEAST = 3
"""Known intervals before their mean says anything; two of them have to be past it."""
SUMMARY_PACKETS = 500
"""Ten seconds of audio."""
PLAIN = ("audio/pcmu", "audio/pcma")
"""G.711 has no concealment worth the name: 1 % is heard."""

UPLINK_LOSS = Detector(
    id="uplink_loss",
    title="Packets lost on the way out",
    severity="warning",
    second_severity="error",
    raises="what the other end reports lost of a sent stream: over {mean_percent} % in the mean of "
    "7 intervals (3 known, 2 of them over it), or over {raise_percent} % in 3 of 5",
    clears="at {clear_percent} %, or after 3 intervals that are not over",
    unit="%",
    says="Up to {worst} of what {who} sent was lost on the way.",
    advice="The fault is on this person's own network, going out: use a cable or another network, "
    "stop uploads, or switch the camera off.",
    source="Twilio (3 % over 7), webrtc-issue-detector (5 %)",
    thresholds=(
        Threshold("mean_percent", 3, "%", "Mean loss of 7 intervals."),
        Threshold("raise_percent", 5, "%", "Loss of an interval, in 3 of 5."),
        Threshold("clear_percent", 2, "%", "Loss at which it is over."),
        Threshold("error_percent", 10, "%", "Loss of an interval that makes it an error."),
    ),
    suppressed_by=CUT_OFF,
)
DOWNLINK_LOSS = Detector(
    id="downlink_loss",
    title="Packets lost on the way in",
    severity="warning",
    second_severity="info",
    raises="loss of a received stream over {raise_percent} % in 3 of 5 intervals, on 2 streams (or "
    "on the only one; on one of several it is information), while the senders' own uplinks lose "
    "less than {uplink_fine_percent} %",
    clears="at {clear_percent} %, or after 3 intervals that are not over",
    unit="%",
    says="{who} lost up to {worst} of what was sent to them.",
    advice="The fault is on this person's own network, coming in: use a cable or another network, "
    "or show fewer people at once.",
    source="webrtc-issue-detector (5 %); both legs are compared",
    thresholds=(
        Threshold("raise_percent", 5, "%", "Loss of an interval, in 3 of 5."),
        Threshold("clear_percent", 2, "%", "Loss at which it is over."),
        Threshold("uplink_fine_percent", 2, "%", "Up to it a sender's uplink is not to blame."),
    ),
    suppressed_by=(*CUT_OFF, "remote_uplink_loss"),
)
REMOTE_UPLINK_LOSS = Detector(
    id="remote_uplink_loss",
    title="Packets lost on another person's way out",
    severity="info",
    raises="loss of a received stream as for downlink_loss, while the uplink of its sender loses "
    "more than {uplink_percent} %, or its other receivers miss it too",
    clears="as downlink_loss",
    unit="%",
    says="{who} missed up to {worst} of what {other} sent.",
    advice="The fault is on the other person's network: see what is said of them.",
    source="both legs are compared",
    thresholds=(
        Threshold("uplink_percent", 3, "%", "Loss of the sender's uplink, of an interval."),
    ),
    suppressed_by=CUT_OFF,
)
CALL_LOSS_SUMMARY = Detector(
    id="call_loss_summary",
    title="Audio loss over the whole call",
    severity="warning",
    raises="lost packets of all received audio over {opus_percent} %, with G.711 over "
    "{g711_percent} %",
    clears="never: it sums up the call",
    unit="%",
    says="Over the whole call {who} missed {worst} of the audio.",
    advice="See the findings of loss: they say when and on whose side.",
    source="rtcstats",
    thresholds=(
        Threshold("opus_percent", 4, "%", "Loss of Opus over the call."),
        Threshold("g711_percent", 1, "%", "Loss of G.711 over the call."),
    ),
)


def sent_loss(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Percent of an interval, as the other end reported it."""
    return [sent_percent(r) for r in stream.readings] if worst.lost else []


def received_loss(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Percent of an interval."""
    return received_losses(stream) if worst.lost else []


def sent_percent(r: ProducerReading) -> float | None:
    """Percent of a reading; None where it is not known, or of too little."""
    sent, lost = r.packets_sent, r.packets_lost
    if lost is None or not sent or sent < MIN_PACKETS or r.interval_ms is None or r.paused:
        return None
    return 100.0 * min(1.0, lost / sent) if lost else 0.0


def received_losses(stream: ObservedStream) -> Column:
    """Percent, for every reading: zeros too."""
    return [
        None
        if r.packets_lost is None
        or r.interval_ms is None
        or r.paused
        or r.packets_received is None
        or r.packets_lost + r.packets_received < MIN_PACKETS
        else 100.0 * r.packets_lost / (r.packets_lost + r.packets_received)
        for r in stream.readings
    ]


def mean_sent_loss(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Percent of the packets of the last seven known intervals."""
    alone = sent_loss(stream, worst, limits)
    at = limits["mean_percent"]
    if not any(loss is not None and loss > at for loss in alone):
        return alone
    made: Column = []
    lost: list[tuple[float, float, float]] = []
    for reading, loss in zip(stream.readings, alone, strict=True):
        if loss is None:
            made.append(None)
            continue
        sent = float(reading.packets_sent or 0)
        lost = [*lost[1 - MEAN_OVER :], (loss * sent, sent, loss)]
        mean = sum(each[0] for each in lost) / sum(each[1] for each in lost)
        enough = len(lost) >= MEAN_AT_LEAST and sum(1 for each in lost if each[2] > at) > 1
        made.append(mean if enough else min(mean, at))
    return made


def _percent(limits: Limits) -> Rule:
    return Rule(
        limits["raise_percent"], limits["clear_percent"], limits.get("error_percent"), k=3, n=5
    )


RULES = (
    StreamRule(
        UPLINK_LOSS,
        any_way(SENT),
        (
            (sent_loss, _percent),
            (
                mean_sent_loss,
                lambda x: Rule(x["mean_percent"], x["clear_percent"], x["error_percent"]),
            ),
        ),
        "packets_lost",
        back="mean_percent",
    ),
    StreamRule(DOWNLINK_LOSS, any_way(RECEIVED), ((received_loss, _percent),), "packets_lost"),
)
"""A received stream's loss is called ``downlink_loss`` until its sender's side is known."""
DETECTORS = (UPLINK_LOSS, DOWNLINK_LOSS, REMOTE_UPLINK_LOSS, CALL_LOSS_SUMMARY)


def summed_up(
    place: Place, streams: Iterable[tuple[ObservedStream, Extremes]], limits: Limits
) -> list[Raised]:
    """``call_loss_summary``: of all the audio that the peer received."""
    totals: dict[bool, tuple[float, float, ObservedStream]] = {}
    microphone = is_audio(RECEIVED)
    for stream, worst in streams:
        if not microphone(stream):
            continue
        codec = stream.intervals[-1].codec
        plain = codec is not None and (codec.mime_type or "").lower() in PLAIN
        lost, got, first = totals.get(plain, (0.0, 0.0, stream))
        if not worst.lost:
            totals[plain] = lost, got + worst.packets, first
            continue
        for r in stream.readings:
            if r.packets_lost is not None and not r.paused:
                lost += r.packets_lost
                got += r.packets_received or 0
        totals[plain] = lost, got, first
    found = []
    for plain, (lost, got, stream) in sorted(totals.items()):
        share = 100.0 * lost / (lost + got) if lost + got >= SUMMARY_PACKETS else 0.0
        if share > limits["g711_percent" if plain else "opus_percent"]:
            found.append(_summary(place, stream, share))
    return found


def _summary(place: Place, stream: ObservedStream, share: float) -> Raised:
    last = stream.readings[-1]
    told = Evidence(
        timestamp=last.timestamp,
        source=f"{stream.array}_cumulative",
        id=stream.id,
        field="packet_loss",
        value=round(share, 3),
    )
    return Raised(
        id=CALL_LOSS_SUMMARY.id,
        severity=CALL_LOSS_SUMMARY.severity,
        start=place.seen.stay.joined_at,
        end=stream.intervals[-1].t + place.seen.offset,
        peer_id=place.seen.peer_id,
        worst=share,
        evidence=(told,),
    )
