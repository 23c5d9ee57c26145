"""Transit: what a transport did over time: its bytes, round trip, state, and the way they went.

Sampled at the cadence of the readings, and at once when the selected pair or a state changes.
"""

from msgspec import Struct

from roomtone.model.limits import MAX_TRANSPORT_POINTS_PER_PEER
from roomtone.model.stats import Candidate, CandidatePair, Transport
from roomtone.report.series import Budget


class Way(Struct, frozen=True):
    """The selected pair: W3C RTCIceCandidateStats of both ends, "" where not said."""

    pair: str
    local_type: str
    remote_type: str
    protocol: str
    relay_protocol: str
    network_type: str


class TransportPoint(Struct, frozen=True, gc=False):
    """One look at a transport. Bytes: since it began."""

    t: float
    gap_ms: float
    """The longest time between two snapshots since the point before."""
    bytes_sent: float | None
    bytes_received: float | None
    rtt_s: float | None
    available_outgoing_bitrate: float | None
    """bit/s."""
    ice_state: str | None
    dtls_state: str | None
    way: Way | None


class Transit:
    """The points of one transport."""

    __slots__ = ("_gap_ms", "_held", "_key", "_pointed_t", "_seen_t", "_way", "points")

    def __init__(self) -> None:
        self.points: list[TransportPoint] = []
        self._gap_ms = 0.0
        self._seen_t: float | None = None
        self._pointed_t: float = 0
        self._key: tuple[object, ...] | None = None
        self._way: Way | None = None
        self._held: TransportPoint | None = None

    def see(
        self,
        t: float,
        pair: CandidatePair | None,
        transport: Transport | None,
        candidates: dict[str, Candidate],
        budget: Budget,
    ) -> None:
        """Take a snapshot's word on its transport."""
        before = self._seen_t
        if before is not None:
            if t <= before:
                return
            if t - before > self._gap_ms:
                self._gap_ms = t - before
        self._seen_t = t
        sent = received = ice = dtls = rtt = available = None
        if transport is not None:
            sent, received = transport.bytes_sent, transport.bytes_received
            ice, dtls = transport.ice_state, transport.dtls_state
        key: tuple[object, ...] = (ice, dtls)
        local = remote = None
        if pair is not None:
            sent = pair.bytes_sent if sent is None else sent
            received = pair.bytes_received if received is None else received
            rtt, available = pair.current_round_trip_time, pair.available_outgoing_bitrate
            here, there = pair.local_candidate_id, pair.remote_candidate_id
            local, remote = candidates.get(here or ""), candidates.get(there or "")
            # Reports are kept as they came: as long as both ends are the same, so is the way.
            key = (
                ice,
                dtls,
                here,
                there,
                None if local is None else local.candidate_type,
                None if remote is None else remote.candidate_type,
            )
        changed = key != self._key
        if changed:
            self._key = key
            self._way = None if pair is None else _way(pair, local, remote)
        way = self._way
        point = TransportPoint(t, self._gap_ms, sent, received, rtt, available, ice, dtls, way)
        if not changed and t - self._pointed_t < budget.cut_ms:
            self._held = point
            return
        self._held = None
        self._pointed_t = t
        self._gap_ms = 0.0
        if budget.points >= MAX_TRANSPORT_POINTS_PER_PEER:
            budget.points_cut += 1
        else:
            budget.points += 1
            self.points.append(point)

    def all_points(self) -> list[TransportPoint]:
        """The points and the latest look; changes nothing."""
        return self.points if self._held is None else [*self.points, self._held]


def _way(pair: CandidatePair, local: Candidate | None, remote: Candidate | None) -> Way:
    return Way(
        f"{pair.local_candidate_id}_{pair.remote_candidate_id}",
        "" if local is None else local.candidate_type or "",
        "" if remote is None else remote.candidate_type or "",
        "" if local is None else local.protocol or "",
        "" if local is None else local.relay_protocol or "",
        "" if local is None else local.network_type or "",
    )
