"""Transport: the catalogue's rows of connections (quality.md 5, 1 to 9, 35, 37)."""

from roomtone.findings.detector import CUT_OFF, Detector, Threshold

UP_TO_HERE = CUT_OFF[:3]

ICE_FAILED = Detector(
    id="ice_failed",
    title="No connection",
    severity="error",
    raises="iceConnectionState or connectionState is `failed`, or a connection that was begun is "
    "not connected within {raise_s} s",
    clears="when it is connected, or closed",
    unit="s",
    says="{who} had no connection.",
    advice="Allow UDP on ports 3478 and 10000 and up, and TURN over TLS on 443; try another "
    "network.",
    source="peermetrics ice_failed, no_connection",
    thresholds=(Threshold("raise_s", 30, "s", "Time to connect."),),
)
ICE_DISCONNECTED = Detector(
    id="ice_disconnected",
    title="Connection lost",
    severity="warning",
    raises="the connection state is `disconnected` for at least {raise_s} s",
    clears="at any other state",
    unit="s",
    says="{who} lost the connection for {worst}.",
    advice="A network that dropped out or a change of Wi-Fi: move closer to it, or use a cable.",
    source="client-monitor-js 5 s",
    thresholds=(Threshold("raise_s", 5, "s", "Time without a connection."),),
)
TRANSPORT_STALL = Detector(
    id="transport_stall",
    title="Sent, but nothing came back",
    severity="error",
    raises="bytes sent grow by {sent_bytes} or more and bytes received do not, for at least "
    "{raise_s} s ({sending_s} s on a transport that only sends: reports are seldom)",
    clears="when bytes come again",
    unit="s",
    says="Nothing came back to {who} for {worst}, though packets were sent.",
    advice="A firewall or a dead path: join again, or try another network.",
    source="client-monitor-js",
    thresholds=(
        Threshold("raise_s", 5, "s", "Time without a byte."),
        Threshold("sending_s", 12, "s", "The same where only reports come back."),
        Threshold("sent_bytes", 1000, "B", "What has to be sent meanwhile."),
    ),
)
UNSTABLE_PATH = Detector(
    id="unstable_path",
    title="The path kept changing",
    severity="warning",
    raises="the selected candidate pair changes {changes} times within {window_s} s",
    clears="{window_s} s after the last change",
    unit="changes",
    says="{who}'s connection changed its path {worst}.",
    advice="Switch off the VPN or the second network.",
    source="client-monitor-js (3 in 30 s)",
    thresholds=(
        Threshold("changes", 3, "", "Changes.", 1, whole=True),
        Threshold("window_s", 30, "s", "Within this time."),
    ),
)
SLOW_CONNECT = Detector(
    id="slow_connect",
    title="Slow to connect",
    severity="warning",
    raises="more than {raise_s} s from connecting to connected",
    clears="when connected",
    unit="s",
    says="{who} took {worst} to connect.",
    advice="Check that the TURN servers can be reached and that names resolve quickly.",
    source="client-monitor-js 5 s",
    thresholds=(Threshold("raise_s", 5, "s", "Time to connect."),),
    suppressed_by=("ice_failed",),
)
TURN_RELAY = Detector(
    id="turn_relay",
    title="Through a relay",
    severity="info",
    raises="the selected local or remote candidate is of type `relay`",
    clears="when another pair is selected",
    says="{who} was connected through a relay.",
    advice="Expected behind a strict NAT; look at the round trip.",
    source="peermetrics turn_used",
)
TCP_OR_TLS_TRANSPORT = Detector(
    id="tcp_or_tls_transport",
    title="Media over TCP",
    severity="warning",
    raises="the selected pair's protocol is tcp, or its relayProtocol is tcp or tls",
    clears="when another pair is selected",
    says="{who} was connected over TCP.",
    advice="Open UDP: over TCP every lost packet delays all that follow.",
    source="peermetrics tcp_used, rtcstats",
)
VPN_IN_USE = Detector(
    id="vpn_in_use",
    title="Through a VPN",
    severity="info",
    raises="the selected local candidate's networkType is `vpn`",
    clears="when another pair is selected",
    says="{who} was connected through a VPN.",
    advice="Try without it.",
    source="rtcstats",
)
HIGH_RTT = Detector(
    id="high_rtt",
    title="Long round trip",
    severity="warning",
    second_severity="error",
    raises="round trip over {raise_ms} ms in 3 of 5 intervals",
    clears="at {clear_ms} ms, or after 3 intervals that are not over",
    unit="ms",
    says="{who}'s packets took long: a round trip of up to {worst}.",
    advice="Choose a region nearer by; look for uploads that fill this person's line.",
    source="Sinch 300, Twilio 400, webrtc-issue-detector 250",
    thresholds=(
        Threshold("raise_ms", 300, "ms", "Round trip, in 3 of 5."),
        Threshold("clear_ms", 250, "ms", "Round trip at which it is over."),
        Threshold("error_ms", 500, "ms", "Round trip that makes it an error."),
    ),
    suppressed_by=CUT_OFF,
)
STATS_GAP = Detector(
    id="stats_gap",
    title="Nothing was measured for a while",
    severity="info",
    raises="more than {ratio} times the usual time between two measurements, and more than "
    "{raise_s} s",
    clears="with the next measurement",
    unit="s",
    says="Nothing is known of {who} for {worst}: the page slept, or was in the background.",
    advice="Keep the call's tab in front and the computer awake.",
    source="client-monitor-js (ratio 2)",
    thresholds=(
        Threshold("ratio", 2, "", "Times the usual time.", 1),
        Threshold("raise_s", 5, "s", "Time without a measurement."),
    ),
)
DTLS_SLOW = Detector(
    id="dtls_slow",
    title="Encryption took long to agree on",
    severity="warning",
    raises="ICE is connected, and DTLS is not for more than {raise_s} s",
    clears="when DTLS is connected",
    unit="s",
    says="{who}'s connection was there, but its encryption took {worst}.",
    advice="A firewall that looks into packets, or a server under load.",
    source="rtcstats (DTLS failure)",
    thresholds=(Threshold("raise_s", 5, "s", "From ICE connected to connected."),),
    suppressed_by=UP_TO_HERE,
)
SIGNALLING_SLOW = Detector(
    id="signalling_slow",
    title="Signalling was slow",
    severity="warning",
    raises="a step of offer and answer takes more than {raise_s} s",
    clears="when the step is done",
    unit="s",
    says="It took {worst} to negotiate {who}'s streams.",
    advice="The application's own server or this person's computer was slow to answer.",
    source="rtcstats (high signalling time)",
    thresholds=(Threshold("raise_s", 2, "s", "One step."),),
    suppressed_by=UP_TO_HERE,
)
DETECTORS = (
    ICE_FAILED,
    ICE_DISCONNECTED,
    TRANSPORT_STALL,
    UNSTABLE_PATH,
    SLOW_CONNECT,
    TURN_RELAY,
    TCP_OR_TLS_TRANSPORT,
    VPN_IN_USE,
    HIGH_RTT,
    STATS_GAP,
    DTLS_SLOW,
    SIGNALLING_SLOW,
)
