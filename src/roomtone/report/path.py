"""Path: one transport of a peer: its selected pair, the codecs and sources it names, the labels.

Reports refer to each other by id (``codecId``, ``mediaSourceId``, …); the latest of each is kept.
"""

from math import inf
from typing import Any, TypeVar

from roomtone.model.facts import Track
from roomtone.model.limits import MAX_STATS_PER_REPORT
from roomtone.model.stats import (
    Candidate,
    CandidatePair,
    Codec,
    MediaSource,
    RemoteInboundRtp,
    Transport,
)
from roomtone.report.talk import Ear

K = TypeVar("K")
V = TypeVar("V")

NO_TRACK = Track(match="")
MAX_PORT_PAIRS = 8
"""Selected pairs remembered for telling a direct connection; each change of network adds one."""
MAX_REPORT_AGE_MS = 15_000
NO_PORTS = (0, 9)
"""What stands for a port where there is none: 9 for an active TCP candidate."""


def _pair_rank(pair: CandidatePair) -> tuple[bool, bool, float, float]:
    """Several pairs may be nominated; the one in use sent last, or most."""
    return (
        pair.selected is True,
        pair.nominated is True,
        pair.last_packet_sent_timestamp or 0.0,
        (pair.bytes_sent or 0.0) + (pair.bytes_received or 0.0),
    )


class Path:
    """What is known of one transport."""

    __slots__ = (
        "candidates",
        "codecs",
        "direct_ports",
        "ears",
        "found",
        "labels",
        "labels_version",
        "ordinal",
        "pair",
        "remotes",
        "reported_rtt",
        "reported_t",
        "roles",
        "rtt",
        "sources",
        "tracks",
        "transport_id",
    )

    def __init__(self, transport_id: str) -> None:
        self.transport_id = transport_id
        self.roles: set[str] = set()
        self.ordinal = 0
        """Number of the snapshot: a stream that misses one was paused."""
        self.pair: CandidatePair | None = None
        self.rtt: float | None = None
        """s, over the selected pair, by its latest STUN check; None where the browser lacks it."""
        self.candidates: dict[str, Candidate] = {}
        self.codecs: dict[str | None, Codec] = {}
        """By id; the key None is never there."""
        self.sources: dict[str, MediaSource] = {}
        self.remotes: dict[str | int | None, RemoteInboundRtp] = {}
        """By localId where the browser gives it, else by ssrc."""
        self.reported_rtt: float | None = None
        """s, the latest that the other end reported of a stream that we send, at ``reported_t``."""
        self.reported_t = -inf
        self.direct_ports: set[tuple[int, int]] = set()
        """(local, remote) ports of the pairs that were selected."""
        self.tracks: tuple[Track, ...] = ()
        self.labels: dict[str, Track] = {}
        self.found: dict[tuple[int | None, str | None, str | None], Track] = {}
        """What was looked up among these labels."""
        self.ears: dict[tuple[str, str | None], Ear] = {}
        """By (id, track) of a source of sound: what listens to it as long as these labels hold."""
        self.labels_version = 0

    def name_tracks(self, tracks: tuple[Track, ...]) -> None:
        """Take a snapshot's labels; equal ones cost no more than the comparison."""
        if tracks is not self.tracks and tracks != self.tracks:
            self.tracks = tracks
            self.labels = {track.match: track for track in tracks}
            self.found.clear()
            self.ears.clear()
            self.labels_version += 1

    def track_of(self, ssrc: int | None, track_id: str | None, mid: str | None) -> Track:
        """The label of a stream: by ssrc, else by track, else by mid."""
        asked = ssrc, track_id, mid
        found = self.found.get(asked)
        if found is None:
            labels = self.labels
            found = (
                labels.get(f"ssrc:{ssrc}")
                or labels.get(f"track:{track_id}")
                or labels.get(f"mid:{mid}")
                or NO_TRACK
            )
            keep(self.found, asked, found)
        return found

    def choose_pair(self, pairs: list[CandidatePair], transport: Transport | None) -> None:
        """Keep the selected pair: the transport's word, else the one in use."""
        wanted = None if transport is None else transport.selected_candidate_pair_id
        named = [pair for pair in pairs if pair.id == wanted]
        self.take_pair(named[0] if named else max(pairs, key=_pair_rank))

    def take_pair(self, chosen: CandidatePair) -> None:
        """This is the selected pair."""
        before = self.pair
        self.pair = chosen
        self.rtt = chosen.current_round_trip_time
        if (
            before is None
            or before.local_candidate_id != chosen.local_candidate_id
            or before.remote_candidate_id != chosen.remote_candidate_id
            or not self.direct_ports
        ):
            self._note_ports(chosen)

    def _note_ports(self, pair: CandidatePair) -> None:
        local = self.candidates.get(pair.local_candidate_id or "")
        remote = self.candidates.get(pair.remote_candidate_id or "")
        if local is None or remote is None or local.port is None or remote.port is None:
            return
        if local.port in NO_PORTS or remote.port in NO_PORTS:
            return
        if len(self.direct_ports) < MAX_PORT_PAIRS:
            self.direct_ports.add((int(local.port), int(remote.port)))

    def name_codecs(self, stats: tuple[Any, ...], places: tuple[int, ...]) -> None:
        """Take the reports of codecs. One that says the same again is not kept again: the intervals
        of a whole call then share one object, and whoever looks for a change sees that at once."""
        codecs = self.codecs
        for place in places:
            codec: Codec = stats[place]
            known = codecs.get(codec.id)
            if (
                known is None
                or known.sdp_fmtp_line != codec.sdp_fmtp_line
                or known.mime_type != codec.mime_type
                or known.clock_rate != codec.clock_rate
            ):
                keep(codecs, codec.id, codec)

    def codec(self, codec_id: str | None) -> Codec | None:
        """The codec of a stream. Some clients send only its id; Chromium's holds the fmtp."""
        if codec_id is None:
            return None
        known = self.codecs.get(codec_id)
        if known is None:
            fmtp = codec_id.split("_", 2)[-1] if "=" in codec_id else None
            known = Codec(id=codec_id, timestamp=0, sdp_fmtp_line=fmtp)
            keep(self.codecs, codec_id, known)
        return known

    def leg(self, t: float) -> float | None:
        """s, of this transport at ``t``: the pair's, else what the other end reported lately."""
        rtt = self.rtt
        if rtt is not None or t - self.reported_t > MAX_REPORT_AGE_MS:
            return rtt
        return self.reported_rtt


def keep(table: dict[K, V], key: K, stat: V) -> None:
    """Remember a report; a table that a broken client fills with ever new ids begins anew."""
    table[key] = stat
    if len(table) > MAX_STATS_PER_REPORT:
        table.clear()
        table[key] = stat
