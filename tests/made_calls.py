"""Calls made up of intervals, one every seven seconds: the facts that a client would have told.

A stream is a list of steps; a step says what a counter gained and what a gauge showed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from roomtone.findings.session import Story, Thresholds, story_of
from roomtone.model.facts import AnyFact, Happened, Identified, Joined, Left, Snapshot, Track
from roomtone.model.stats import (
    CandidatePair,
    InboundRtp,
    LocalCandidate,
    MediaSource,
    OutboundRtp,
    QualityLimitationDurations,
    RemoteCandidate,
    RemoteInboundRtp,
    Transport,
)
from roomtone.report.build import build_observed
from roomtone.report.fold import fold, new_state
from roomtone.report.observed import Observed
from roomtone.report.order import in_order
from roomtone.report.stay import clock_offset, stay
from roomtone.report.traces import traces
from roomtone.sources.presence import presence_of

T0 = 1_700_000_000_000
STEP_MS = 7_000
GAUGES = {
    *("jitter", "frame_width", "frame_height", "frames_per_second", "power_efficient_encoder"),
    *("quality_limitation_reason", "target_bitrate", "round_trip_time", "codec_id"),
}
HEARD = {
    "packets_received": 350,
    "packets_lost": 0,
    "bytes_received": 28_000,
    "jitter": 0.004,
    "jitter_buffer_delay": 20_000.0,
    "jitter_buffer_emitted_count": 336_000,
    "total_samples_received": 336_000,
    "concealed_samples": 0,
    "silent_concealed_samples": 0,
    "concealment_events": 0,
    "inserted_samples_for_deceleration": 0,
    "removed_samples_for_acceleration": 0,
    "total_audio_energy": 0.07,
    "total_samples_duration": 7.0,
}
SHOWN = {
    "packets_received": 700,
    "packets_lost": 0,
    "bytes_received": 700_000,
    "jitter": 0.004,
    "jitter_buffer_delay": 12.0,
    "jitter_buffer_emitted_count": 210,
    "frames_received": 210,
    "frames_decoded": 210,
    "frames_dropped": 0,
    "frame_width": 640,
    "frame_height": 360,
    "key_frames_decoded": 1,
    "freeze_count": 0,
    "total_freezes_duration": 0.0,
    "pli_count": 0,
    "fir_count": 0,
    "nack_count": 0,
}
SAID = {
    "packets_sent": 350,
    "bytes_sent": 28_000,
    "lost": 0,
    "jitter": 0.004,
    "rtt": 0.05,
    "energy": 0.07,
    "duration": 7.0,
}
FILMED = {
    "packets_sent": 700,
    "bytes_sent": 700_000,
    "frames_encoded": 210,
    "key_frames_encoded": 1,
    "frame_width": 640,
    "frame_height": 360,
    "total_encode_time": 1.0,
    "pli_count": 0,
    "fir_count": 0,
    "nack_count": 0,
    "lost": 0,
    "rtt": 0.05,
    "fps": 30,
    "cpu": 0.0,
    "bandwidth": 0.0,
    "none": 7.0,
}
DEFAULTS = {
    ("in", "audio"): HEARD,
    ("in", "video"): SHOWN,
    ("out", "audio"): SAID,
    ("out", "video"): FILMED,
}
Step = Mapping[str, Any]


class Stream:
    """One stream of a peer. A step overrides the good one; None takes a member out of it."""

    def __init__(
        self,
        way: str,
        kind: str,
        ssrc: int,
        steps: Sequence[Step],
        *,
        sender: str = "",
        transport: str = "t",
        paused: bool = False,
    ) -> None:
        self.way, self.kind, self.ssrc, self.steps = way, kind, ssrc, steps
        self.sender, self.transport, self.paused = sender, transport, paused

    def totals(self) -> list[dict[str, Any]]:
        """The counters after each step, beginning with none."""
        good = DEFAULTS[self.way, self.kind]
        gone = {name for step in self.steps for name, value in step.items() if value is None}
        now: dict[str, Any] = {name: 0.0 for name in good if name not in gone}
        made = [dict(now)]
        for step in self.steps:
            for name, value in {**good, **step}.items():
                if name in gone:
                    continue
                if name in GAUGES or name in ("rtt", "fps") or isinstance(value, str | bool):
                    now[name] = value
                else:
                    now[name] = now.get(name, 0.0) + value
            made.append(dict(now))
        return made

    def track(self) -> Track:
        """Its label."""
        source = "microphone" if self.kind == "audio" else "camera"
        producer = f"p{self.ssrc}"
        consumer = f"c{self.ssrc}" if self.way == "in" else ""
        return Track(f"ssrc:{self.ssrc}", source, producer, consumer, self.sender, self.paused)

    def stats(self, told: dict[str, Any], t: float) -> list[Any]:
        """As a snapshot has it."""
        own = dict(told)
        common = {"id": f"{self.way}{self.ssrc}", "timestamp": t, "ssrc": self.ssrc}
        if self.way == "in":
            return [InboundRtp(**common, kind=self.kind, **own)]
        lost, rtt, jitter = own.pop("lost", None), own.pop("rtt", None), own.pop("jitter", None)
        energy, duration = own.pop("energy", None), own.pop("duration", None)
        fps = own.pop("fps", None)
        source = MediaSource(
            id=f"s{self.ssrc}",
            timestamp=t,
            kind=self.kind,
            total_audio_energy=energy,
            total_samples_duration=duration,
            frames_per_second=fps,
            width=640 if self.kind == "video" else None,
            height=360 if self.kind == "video" else None,
        )
        limits = None
        spent = {name: own.pop(name) for name in ("cpu", "bandwidth", "none") if name in own}
        if len(spent) == 3:
            limits = QualityLimitationDurations(**spent)
        sent = OutboundRtp(
            **common,
            kind=self.kind,
            media_source_id=f"s{self.ssrc}",
            quality_limitation_durations=limits,
            **own,
        )
        heard = RemoteInboundRtp(
            id=f"r{self.ssrc}",
            timestamp=t,
            ssrc=self.ssrc,
            packets_lost=lost,
            jitter=jitter,
            round_trip_time=rtt,
        )
        return [source, sent, *([] if lost is None and rtt is None else [heard])]


def connection(t: float, told: Step, name: str = "t") -> list[Any]:
    """A transport with its selected pair."""
    local = LocalCandidate(
        id=f"l{told.get('pair', 0)}{name}",
        timestamp=t,
        candidate_type=told.get("local", "host"),
        protocol=told.get("protocol", "udp"),
        relay_protocol=told.get("relay"),
        network_type=told.get("network"),
    )
    remote = RemoteCandidate(id=f"m{name}", timestamp=t, candidate_type="host", protocol="udp")
    pair = CandidatePair(
        id=f"pair{told.get('pair', 0)}",
        timestamp=t,
        local_candidate_id=local.id,
        remote_candidate_id=remote.id,
        nominated=True,
        current_round_trip_time=told.get("rtt_s"),
        available_outgoing_bitrate=told.get("available"),
        bytes_sent=told.get("sent"),
        bytes_received=told.get("received"),
    )
    transport = Transport(id=name, timestamp=t, selected_candidate_pair_id=pair.id)
    return [transport, pair, local, remote]


def peer(
    peer_id: str,
    streams: Sequence[Stream] = (),
    *,
    name: str = "",
    user: str = "",
    connections: Sequence[Step] = (),
    events: Sequence[tuple[float, str, dict[str, Any] | None]] = (),
    seconds: float = 0,
    times: Sequence[int] = (),
) -> tuple[AnyFact, ...]:
    """The facts of a peer. ``events``: (s since the start, name, metadata)."""
    count = max([len(stream.steps) + 1 for stream in streams] + [len(connections)], default=0)
    facts: list[AnyFact] = [
        Identified(T0, "app", "m", "s", peer_id, user or peer_id, "", name or peer_id.title(), ""),
        Joined(T0, "call_join"),
    ]
    totals = {stream: stream.totals() for stream in streams}
    for i in range(count):
        t = times[i] if times else T0 + i * STEP_MS
        names = sorted({stream.transport for stream in streams} or {"t"})
        for transport in names:
            stats: list[Any] = []
            if i < len(connections):
                stats += connection(t, connections[i], transport)
            mine = [s for s in streams if s.transport == transport and i < len(totals[s])]
            for stream in mine:
                stats += stream.stats(totals[stream][i], float(t))
            tracks = tuple(stream.track() for stream in mine)
            facts.append(Snapshot(t, transport, "both", tuple(stats), tracks))
    facts += [Happened(int(T0 + 1000 * s), event, told) for s, event, told in events]
    end = T0 + max(int(1000 * seconds), (count - 1) * STEP_MS, 0)
    facts += [Left(max([end, *(fact.t for fact in facts)]), "disconnect")]
    return tuple(sorted(facts, key=lambda fact: fact.t))


def seen(call: Mapping[str, Sequence[AnyFact]]) -> list[Observed]:
    """Every peer of a call as the rules see it."""
    states = {
        name: fold(new_state(STEP_MS), in_order([(min(f.t for f in facts), lambda f=facts: f)]))
        for name, facts in call.items()
    }
    presences = {name: presence_of(tuple(facts), None) for name, facts in call.items()}
    offsets = {name: clock_offset(presence) for name, presence in presences.items()}
    sent = {k: v for name, state in states.items() for k, v in traces(state, offsets[name]).items()}
    made = []
    for name, state in states.items():
        there = stay(presences[name])
        assert there is not None
        made.append(build_observed(state, there, sent, clock_offset_ms=offsets[name])[1])
    return made


def told_of(*peers: Sequence[AnyFact], overrides: Any = None) -> Story:
    """The story of a call."""
    call = {str(number): facts for number, facts in enumerate(peers)}
    return story_of(seen(call), Thresholds.of(overrides))
