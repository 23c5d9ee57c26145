"""Audio: what was heard (quality.md 5: 10, 15 to 18, 22, 23)."""

from math import inf

from roomtone.findings.detector import CUT_OFF, Detector, Limits, Threshold
from roomtone.findings.extremes import Extremes
from roomtone.findings.hysteresis import Rule
from roomtone.findings.noticed import Raised
from roomtone.findings.streams import (
    MIN_PACKETS,
    Column,
    Place,
    StreamRule,
    is_audio,
    windowed,
)
from roomtone.model.findings import Evidence
from roomtone.model.times import iso
from roomtone.report.intervals import ReceivedAudio, Sent
from roomtone.report.observed import RECEIVED, SENT, ObservedStream

SPEECH_APART_MS = 30_000
"""Speaking while muted twice within it is one finding."""

HIGH_JITTER = Detector(
    id="high_jitter",
    title="Packets came unevenly",
    severity="warning",
    raises="jitter of an audio stream over {raise_ms} ms in 3 of 5 intervals",
    clears="at {clear_ms} ms, or after 3 intervals that are not over",
    unit="ms",
    says="Audio packets of {stream_owner} came unevenly, by up to {worst}.",
    advice="Most often a crowded Wi-Fi: move closer to it, or use a cable.",
    source="Twilio 30, testRTC 30, rtcstats 40",
    thresholds=(
        Threshold("raise_ms", 30, "ms", "Jitter, in 3 of 5."),
        Threshold("clear_ms", 20, "ms", "Jitter at which it is over."),
    ),
    suppressed_by=CUT_OFF,
)
AUDIBLE_CONCEALMENT = Detector(
    id="audible_concealment",
    title="Choppy audio",
    severity="warning",
    raises="at least {raise_percent} % of the samples over {window_s} s were made up and audible",
    clears="at {clear_percent} %, or after 3 intervals that are not over",
    unit="%",
    says="What {who} heard of {other} was choppy: up to {worst} of it was made up.",
    advice="Look at the findings of loss and jitter beside it: they say on whose side it was.",
    source="client-monitor-js",
    thresholds=(
        Threshold("raise_percent", 3, "%", "Share of audible made-up samples."),
        Threshold("clear_percent", 1, "%", "Share at which it is over."),
        Threshold("window_s", 15, "s", "Over how long."),
    ),
    suppressed_by=CUT_OFF,
)
JITTER_BUFFER_HIGH = Detector(
    id="jitter_buffer_high",
    title="Delayed audio",
    severity="warning",
    second_severity="error",
    raises="mean delay in the jitter buffer over {raise_ms} ms in 3 of 5 intervals",
    clears="at {clear_ms} ms, or after 3 intervals that are not over",
    unit="ms",
    says="{who} heard {other} up to {worst} late, because packets came unevenly.",
    advice="An uneven network: use a cable, or move closer to the Wi-Fi.",
    source="Azure 200, client-monitor-js 200, webrtc-issue-detector 500",
    thresholds=(
        Threshold("raise_ms", 200, "ms", "Mean delay, in 3 of 5."),
        Threshold("clear_ms", 150, "ms", "Delay at which it is over."),
        Threshold("error_ms", 500, "ms", "Delay that makes it an error."),
    ),
    suppressed_by=CUT_OFF,
)
TIME_STRETCH = Detector(
    id="time_stretch",
    title="Stretched audio",
    severity="warning",
    raises="samples put in and taken out over {raise_percent} % in 3 of 5 intervals",
    clears="at {clear_percent} %, or after 3 intervals that are not over",
    unit="%",
    says="{who} heard {other} slowed down and sped up: {worst} of the sound was stretched.",
    advice="A network that sends in bursts, or a sound card whose clock drifts: another headset "
    "or a cable shows which.",
    source="client-monitor-js 10/5 %, webrtc-issue-detector 5 %",
    thresholds=(
        Threshold("raise_percent", 10, "%", "Share of samples, in 3 of 5."),
        Threshold("clear_percent", 5, "%", "Share at which it is over."),
    ),
    suppressed_by=CUT_OFF,
)
LOW_MOS = Detector(
    id="low_mos",
    title="Bad audio quality",
    severity="warning",
    second_severity="error",
    raises="estimated audio MOS under {raise_mos} in 3 of 5 intervals",
    clears="at {clear_mos}, or after 3 intervals that are not under {raise_mos}",
    unit="MOS",
    says="{who} heard {other} badly: the estimated quality fell to {worst} of 5.",
    advice="Look at the finding of loss, jitter or delay beside it: that is the reason.",
    source="Twilio 3.5 and 3.0",
    thresholds=(
        Threshold("raise_mos", 3.5, "MOS", "Score, in 3 of 5."),
        Threshold("clear_mos", 3.7, "MOS", "Score at which it is over."),
        Threshold("error_mos", 3.0, "MOS", "Score that makes it an error."),
    ),
    suppressed_by=CUT_OFF,
)
SILENT_MICROPHONE = Detector(
    id="silent_microphone",
    title="Silent microphone",
    severity="warning",
    raises="the level of a microphone that is not muted stays at or under {raise_level} for "
    "{window_s} s; only where the client tells of mutes",
    clears="over {raise_level}",
    unit="RMS",
    says="{who}'s microphone gave no sound, though it was not muted.",
    advice="Choose another microphone, and look for a mute switch on the headset.",
    source="client-monitor-js",
    thresholds=(
        Threshold("raise_level", 0.001, "RMS", "Level of full scale, 0 to 1."),
        Threshold("window_s", 30, "s", "For how long."),
    ),
    suppressed_by=CUT_OFF,
)
SPEAKING_WHILE_MUTED = Detector(
    id="speaking_while_muted",
    title="Spoke while muted",
    severity="info",
    raises="the client says that it heard speech while the microphone was off",
    clears="at the last of several that are less than 30 s apart",
    says="{who} spoke while muted.",
    advice="Unmute the microphone.",
    source="Azure user-facing diagnostics",
)


def jitter_ms(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """ms, at the end of the interval."""
    if 1000.0 * worst.jitter_s <= limits["raise_ms"]:
        return []
    sent = stream.way == SENT
    return [
        None
        if r.jitter is None
        or r.interval_ms is None
        or r.paused
        or ((r.packets_sent if sent else r.packets_received) or 0) < MIN_PACKETS
        else 1000.0 * r.jitter
        for r in stream.readings
    ]


def concealed_percent(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Percent over the window. Beside an interval in which nothing came a stream begins or ends:
    what is made up there is not damage."""
    if worst.audible <= limits["raise_percent"] / 100.0:
        return []  # a window holds no more than its worst interval
    made_up: Column = []
    totals: Column = []
    readings = stream.readings
    came = [(r.packets_received or 0) >= MIN_PACKETS for r in readings]
    for i, it in enumerate(stream.intervals):
        heard: ReceivedAudio = it
        whole = came[i] and (i + 1 == len(came) or came[i + 1]) and (i == 0 or came[i - 1])
        if (
            not whole
            or readings[i].interval_ms is None
            or it.paused
            or heard.concealed_samples is None
            or heard.silent_concealed_samples is None
        ):
            made_up.append(None)
            totals.append(None)
            continue
        made_up.append(max(0.0, heard.concealed_samples - heard.silent_concealed_samples) * 100.0)
        totals.append(heard.total_samples_received)
    return windowed(stream, made_up, totals, 1000.0 * limits["window_s"])


def buffer_ms(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """ms, mean of the interval."""
    if worst.buffer_ms <= limits["raise_ms"]:
        return []
    return [
        None
        if r.interval_ms is None
        or r.paused
        or r.jitter_buffer_delay is None
        or not r.jitter_buffer_emitted_count
        or (r.packets_received or 0) < MIN_PACKETS
        else 1000.0 * r.jitter_buffer_delay / r.jitter_buffer_emitted_count
        for r in stream.readings
    ]


def stretched_percent(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """Percent of the interval's samples."""
    if worst.stretched_percent <= limits["raise_percent"]:
        return []
    made: Column = []
    for it, reading in zip(stream.intervals, stream.readings, strict=True):
        heard: ReceivedAudio = it
        added, taken = (
            heard.inserted_samples_for_deceleration,
            heard.removed_samples_for_acceleration,
        )
        total = heard.total_samples_received
        if (
            added is None
            or taken is None
            or not total
            or it.paused
            or it.since is None
            or (reading.packets_received or 0) < MIN_PACKETS
        ):
            made.append(None)
        else:
            made.append(100.0 * (added + taken) / total)
    return made


def mos(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """The estimated MOS of the interval."""
    if worst.mos >= limits["raise_mos"]:
        return []
    return [r.mos_quality for r in stream.readings]


def microphone_level(stream: ObservedStream, worst: Extremes, limits: Limits) -> Column:
    """RMS of the microphone over the window, 0 to 1."""
    least = limits["raise_level"] ** 2 * 1.001
    if not _ever_quiet(stream, least):
        return []  # a window is no quieter than its quietest interval
    energy: Column = []
    seconds: Column = []
    before: tuple[float, float] | None = None
    for it in stream.intervals:
        sent: Sent = it
        source = sent.source
        now = None
        if source is not None and source.total_audio_energy is not None:
            now = (source.total_audio_energy, source.total_samples_duration or 0.0)
        grown = now is not None and before is not None and now[1] > before[1]
        live = grown and now is not None and before is not None and now[0] >= before[0]
        if live and not it.paused and sent.packets_sent and now and before:
            energy.append(now[0] - before[0])
            seconds.append(now[1] - before[1])
        else:
            energy.append(None)
            seconds.append(None)
        before = now
    mean = windowed(stream, energy, seconds, 1000.0 * limits["window_s"])
    # Sums over a window that moves are rounded: a silent one may come out a hair below zero.
    return [None if power is None else max(0.0, power) ** 0.5 for power in mean]


def _ever_quiet(stream: ObservedStream, least: float) -> bool:
    """Whether the source gained no more than ``least`` of power between any two readings."""
    energy, seconds = -inf, 0.0
    for it in stream.intervals:
        source = it.source
        if source is None or (now := source.total_audio_energy) is None:
            energy = -inf
            continue
        lasted = source.total_samples_duration or 0.0
        if now - energy <= least * (lasted - seconds):
            return True
        energy, seconds = now, lasted
    return False


RULES = (
    StreamRule(
        HIGH_JITTER,
        lambda stream: is_audio(SENT)(stream) or is_audio(RECEIVED)(stream),
        ((jitter_ms, lambda x: Rule(x["raise_ms"], x["clear_ms"], k=3, n=5)),),
        "jitter",
    ),
    StreamRule(
        AUDIBLE_CONCEALMENT,
        is_audio(RECEIVED),
        ((concealed_percent, lambda x: Rule(x["raise_percent"], x["clear_percent"])),),
        "audible_concealment_fraction",
        "window_s",
    ),
    StreamRule(
        JITTER_BUFFER_HIGH,
        is_audio(RECEIVED),
        ((buffer_ms, lambda x: Rule(x["raise_ms"], x["clear_ms"], x["error_ms"], k=3, n=5)),),
        "jitter_buffer_delay",
    ),
    StreamRule(
        TIME_STRETCH,
        is_audio(RECEIVED),
        ((stretched_percent, lambda x: Rule(x["raise_percent"], x["clear_percent"], k=3, n=5)),),
        "jitter_buffer_emitted_count",
    ),
    StreamRule(
        LOW_MOS,
        is_audio(RECEIVED),
        (
            (
                mos,
                lambda x: Rule(x["raise_mos"], x["clear_mos"], x["error_mos"], 3, 5, falling=True),
            ),
        ),
        "mos_quality",
    ),
)
MICROPHONE_RULE = StreamRule(
    SILENT_MICROPHONE,
    is_audio(SENT),
    (
        (
            microphone_level,
            lambda x: Rule(x["raise_level"] * 1.0001, x["raise_level"] * 1.0001, falling=True),
        ),
    ),
    "packets_sent",
    "window_s",
)
"""Only for clients that tell of mutes."""
DETECTORS = (
    HIGH_JITTER,
    AUDIBLE_CONCEALMENT,
    JITTER_BUFFER_HIGH,
    TIME_STRETCH,
    LOW_MOS,
    SILENT_MICROPHONE,
    SPEAKING_WHILE_MUTED,
)


def spoke_while_muted(place: Place) -> list[Raised]:
    """``speaking_while_muted``, from the client's own word."""
    found: list[Raised] = []
    for event in place.seen.events:
        if event.name != SPEAKING_WHILE_MUTED.id:
            continue
        if found and event.t - found[-1].end <= SPEECH_APART_MS:
            found[-1].end = event.t
            continue
        said = Evidence(
            timestamp=iso(event.t), source="event", id=event.name, field="name", value=None
        )
        found.append(
            Raised(
                id=SPEAKING_WHILE_MUTED.id,
                severity="info",
                start=event.t,
                end=event.t,
                peer_id=place.seen.peer_id,
                evidence=(said,),
            )
        )
    return found
