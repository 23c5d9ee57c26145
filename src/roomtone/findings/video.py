"""Video: what was seen, and what made it (quality.md 5, 24 to 31)."""

from roomtone.findings.detector import CUT_OFF, Detector, Threshold

VIDEO_FROZEN = Detector(
    id="video_frozen",
    title="Frozen video",
    severity="error",
    raises="more than {raise_percent} % of an interval frozen, or a mean freeze over "
    "{freeze_s} s, while the network is fine (loss under 2 %); or no decoded frame for "
    "{stuck_s} s (15 round trips if that is longer) while more than {stuck_kbps} kbit/s came and "
    "at least {stuck_plis} key frames were asked for",
    clears="at {clear_percent} %, or after 3 intervals that are not over",
    unit="%",
    says="{who} saw {other} frozen though the network was fine, for up to {worst} of the time.",
    advice="A key frame that got lost, or a decoder that cannot follow: close other programs, "
    "switch the video off and on again.",
    source="webrtc-issue-detector (30 %, 1 s), client-monitor-js (stuck decoder)",
    thresholds=(
        Threshold("raise_percent", 30, "%", "Frozen share of an interval."),
        Threshold("clear_percent", 10, "%", "Share at which it is over."),
        Threshold("freeze_s", 1, "s", "Mean length of a freeze."),
        Threshold("stuck_s", 4, "s", "Time without a decoded frame."),
        Threshold("stuck_kbps", 10, "kbit/s", "What has to come meanwhile."),
        Threshold("stuck_plis", 2, "", "Key frames asked for meanwhile.", whole=True),
    ),
    suppressed_by=(*CUT_OFF, "uplink_loss", "downlink_loss", "remote_uplink_loss"),
)
LOW_FPS = Detector(
    id="low_fps",
    title="Jerky video",
    severity="warning",
    raises="a camera's frames a second under {raise_ratio} of what its source gives, in 3 of 5 "
    "intervals; received: only where the sender's source is known with nothing in between",
    clears="at {clear_ratio}, or after 3 intervals that are not under",
    unit="of the expected rate",
    says="The video of {stream_owner} was jerky: as few as {worst}.",
    advice="Too little computing power, or too little light: close other programs, put a lamp on.",
    source="client-monitor-js",
    thresholds=(
        Threshold("raise_ratio", 0.5, "", "Share of the expected rate, in 3 of 5."),
        Threshold("clear_ratio", 0.75, "", "Share at which it is over."),
    ),
    suppressed_by=(*CUT_OFF, "uplink_loss", "downlink_loss", "remote_uplink_loss"),
)
CPU_LIMITED_ENCODE = Detector(
    id="cpu_limited_encode",
    title="Computer too slow to send video",
    severity="warning",
    raises="video held back by the processor for at least {raise_percent} % of the time in 3 of 5 "
    "intervals, or encoding takes over {load_percent} % of the time between frames",
    clears="at {clear_percent} %, or after 3 intervals that are not over",
    unit="%",
    says="{who}'s computer was too slow to send video, for up to {worst} of the time.",
    advice="Close other programs, lower the resolution, switch background effects off.",
    source="client-monitor-js",
    thresholds=(
        Threshold("raise_percent", 30, "%", "Share of the time, in 3 of 5."),
        Threshold("clear_percent", 15, "%", "Share at which it is over."),
        Threshold("load_percent", 80, "%", "Encoding time of the time between frames."),
    ),
    suppressed_by=CUT_OFF,
)
CPU_LIMITED_DECODE = Detector(
    id="cpu_limited_decode",
    title="Computer too slow to show video",
    severity="warning",
    raises="at most {raise_ratio} of the received frames decoded in 2 of 3 intervals of at least "
    "{frames} frames, with loss under 2 %",
    clears="at {clear_ratio}, or after 3 intervals that are not under",
    unit="of the frames",
    says="{who}'s computer was too slow to show {other}: it decoded as little as {worst}.",
    advice="Show fewer people at once, close other programs.",
    source="client-monitor-js",
    thresholds=(
        Threshold("raise_ratio", 0.7, "", "Decoded share of the received frames, in 2 of 3."),
        Threshold("clear_ratio", 0.85, "", "Share at which it is over."),
        Threshold("frames", 10, "", "Frames that have to come.", 1, whole=True),
    ),
    suppressed_by=(*CUT_OFF, "uplink_loss", "downlink_loss", "remote_uplink_loss"),
)
BANDWIDTH_LIMITED = Detector(
    id="bandwidth_limited",
    title="Too little bandwidth to send",
    severity="warning",
    raises="video held back by the bandwidth for at least {raise_percent} % of the time in 3 of 5 "
    "intervals, or less than {raise_kbps} kbit/s available in 3 of 5 while video is sent; not in "
    "the first {ramp_up_s} s of a stream, while the browser still finds out",
    clears="at {clear_percent} %, or after 3 intervals that are not over",
    unit="%",
    says="{who}'s video was held back by too little bandwidth, for up to {worst} of the time.",
    advice="The way out is too narrow: stop uploads, use a cable, or switch the camera off.",
    source="webrtc-issue-detector (100 kbit/s)",
    thresholds=(
        Threshold("raise_percent", 30, "%", "Share of the time, in 3 of 5."),
        Threshold("clear_percent", 10, "%", "Share at which it is over."),
        Threshold("raise_kbps", 100, "kbit/s", "Available to send, in 3 of 5."),
        Threshold("clear_kbps", 150, "kbit/s", "Available at which it is over."),
        Threshold("ramp_up_s", 20, "s", "Start of a stream that does not count."),
    ),
    suppressed_by=CUT_OFF,
)
KEYFRAME_STORM = Detector(
    id="keyframe_storm",
    title="Key frames asked for over and over",
    severity="warning",
    raises="over {raise_rate} key frames (PLI and FIR) a second asked for over {window_s} s",
    clears="at {clear_rate}, or after 3 intervals that are not over",
    unit="/s",
    says="Key frames of {stream_owner} were asked for over and over, up to {worst}.",
    advice="A path that loses packets, or a server that keeps switching layers: see the findings "
    "of loss.",
    source="client-monitor-js",
    thresholds=(
        Threshold("raise_rate", 0.5, "/s", "Requests a second."),
        Threshold("clear_rate", 0.15, "/s", "Requests at which it is over."),
        Threshold("window_s", 30, "s", "Over how long."),
    ),
    suppressed_by=CUT_OFF,
)
LOW_RESOLUTION = Detector(
    id="low_resolution",
    title="Small picture",
    severity="info",
    raises="received video under {pixels_ratio} of the expected pixels for at least "
    "{share_percent} % of the call, where it is known what to expect",
    clears="never: it sums up the call",
    unit="%",
    says="{who} saw {other} in a small picture for {worst} of the call.",
    advice="Most often a server that saves bandwidth; nothing to do if it was shown small.",
    source="quality.md 4",
    thresholds=(
        Threshold("pixels_ratio", 0.25, "", "Share of the expected pixels."),
        Threshold("share_percent", 50, "%", "Share of the readings."),
    ),
    suppressed_by=CUT_OFF,
)
CODEC_CHANGED = Detector(
    id="codec_changed",
    title="Codec changed",
    severity="info",
    raises="the MIME type of a stream's codec changes",
    clears="at once",
    says="The codec of {stream_owner} changed.",
    advice="Nothing to do, unless something else changed for the worse at the same time.",
    source="client-monitor-js",
)
SOFTWARE_FALLBACK = Detector(
    id="software_fallback",
    title="Hardware encoder given up",
    severity="info",
    raises="powerEfficientEncoder goes from true to false",
    clears="when it is true again",
    says="{who}'s browser went from encoding video in hardware to doing it in software.",
    advice="Expect more load on the processor; a restart of the browser may bring it back.",
    source="client-monitor-js",
)
DETECTORS = (
    VIDEO_FROZEN,
    LOW_FPS,
    CPU_LIMITED_ENCODE,
    CPU_LIMITED_DECODE,
    BANDWIDTH_LIMITED,
    KEYFRAME_STORM,
    LOW_RESOLUTION,
    CODEC_CHANGED,
    SOFTWARE_FALLBACK,
)
