"""Timeline: a peer report → what the session's timeline draws of that peer.

Works on the report as it is answered, so that what the page shows is what the report says. Only the
members that are drawn are decoded; the rest of an hour's report is skipped over.
"""

from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roomtone.model.findings import Finding
from roomtone.model.sessions import Peer
from roomtone.model.timeline import Lane, PeerTimeline
from roomtone.report.happenings import Chosen, Noted, marks, spells

CONSUMERS = (
    "audio_consumer",
    "video_consumer",
    "screenshare_audio_consumer",
    "screenshare_video_consumer",
)
PRODUCERS = (
    "audio_producer",
    "video_producer",
    "screenshare_audio_producer",
    "screenshare_video_producer",
)

Floats = npt.NDArray[np.float64]


class Drawn(Struct, gc=False):
    """What is drawn of a reading, a producer's or a consumer's."""

    timestamp: datetime
    mos_quality: float | None
    packets_lost: int | None
    interval_ms: int | None
    paused: bool
    packets_sent: int | None = None
    packets_received: int | None = None
    rtt: float | None = None
    round_trip_time: float | None = None
    outage: bool = False


class _Quality(Struct):
    audio_consumer: list[Drawn]
    video_consumer: list[Drawn]
    screenshare_audio_consumer: list[Drawn]
    screenshare_video_consumer: list[Drawn]
    audio_producer: list[Drawn]
    video_producer: list[Drawn]
    screenshare_audio_producer: list[Drawn]
    screenshare_video_producer: list[Drawn]


class _Browser(Struct):
    browser: str | None


class _Device(Struct):
    os: str | None


class _Place(Struct):
    country: str | None


class _Pair(Struct):
    local_candidate_type: str | None
    local_candidate_protocol: str | None
    local_candidate_network_type: str | None


class _Pairs(Struct):
    producing_transport: list[_Pair]
    consuming_transport: list[_Pair]


class _Metadata(Struct):
    browser_metadata: _Browser
    device_info: _Device
    ip_information: _Place
    candidate_pairs: _Pairs
    selected_device_updates: list[Chosen]
    events: list[Noted]


class _Report(Struct):
    metadata: _Metadata
    quality: _Quality


class DrawnReport(Struct):
    """What is drawn of a peer report."""

    id: str
    user_id: str
    custom_participant_id: str
    display_name: str
    preset_name: str
    peer_report: _Report
    findings: tuple[Finding, ...] = ()


class _Data(Struct):
    participant: DrawnReport


class _Answer(Struct):
    data: _Data


_decode = msgspec.json.Decoder(_Answer).decode


def drawn_report(body: bytes) -> DrawnReport:
    """Read the body of the peer-report endpoint, as far as it is drawn."""
    return _decode(body).data.participant


class Axis(Struct, frozen=True):
    """The axis of a timeline. Epoch ms; ``bins`` times ``bin_ms`` covers it."""

    start: int
    end: int
    bin_ms: int
    bins: int


STEPS_MS = tuple(
    1000 * seconds for seconds in (1, 2, 3, 5, 6, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600)
)


def axis_of(start: int, end: int, most: int) -> Axis:
    """An axis of at most ``most`` bins, each of a length that people count in."""
    length = max(1, end - start)
    least = -(-length // most)
    bin_ms = next((step for step in STEPS_MS if step >= least), -(-least // 3_600_000) * 3_600_000)
    return Axis(start, end, bin_ms, -(-length // bin_ms))


def peer_timeline(
    report: DrawnReport,
    axis: Axis,
    spans: tuple[tuple[str, str | None], ...],
    first_bin: int,
    last_bin: int,
) -> PeerTimeline:
    """A peer's part of the timeline; the lanes hold ``first_bin`` to ``last_bin`` itself."""
    quality, about = report.peer_report.quality, report.peer_report.metadata
    received = [reading for name in CONSUMERS for reading in getattr(quality, name)]
    sent = [reading for name in PRODUCERS for reading in getattr(quality, name)]
    window = slice(first_bin, last_bin + 1)
    received_binned = _Binned(received, axis)
    sent_binned = _Binned(sent, axis)
    happened, cut = marks(about.events, about.selected_device_updates)
    pairs = [*about.candidate_pairs.producing_transport, *about.candidate_pairs.consuming_transport]
    return PeerTimeline(
        peer_id=report.id,
        user_id=report.user_id,
        custom_participant_id=report.custom_participant_id,
        display_name=report.display_name,
        preset_name=report.preset_name,
        browser=about.browser_metadata.browser,
        os=about.device_info.os,
        country=about.ip_information.country,
        network=_network(pairs),
        path=_path(pairs),
        spans=spans,
        first_bin=first_bin,
        received=received_binned.lane(window),
        sent=sent_binned.lane(window),
        rtt_ms=_whole(_rtt(sent_binned.rtt, received_binned.rtt)[window]),
        spells=spells(about.events),
        marks=happened,
        marks_cut=cut,
        findings=report.findings,
        received_mos=_mean(received),
        sent_mos=_mean(sent),
    )


def _network(pairs: list[_Pair]) -> str | None:
    kinds = (pair.local_candidate_network_type for pair in pairs)
    return next((kind for kind in kinds if kind not in (None, "unknown")), None)


def _path(pairs: list[_Pair]) -> str | None:
    for pair in pairs:
        said = [pair.local_candidate_type, pair.local_candidate_protocol]
        if any(said):
            return " ".join(word for word in said if word)
    return None


def _mean(readings: list[Drawn]) -> float | None:
    scores = [reading.mos_quality for reading in readings if reading.mos_quality is not None]
    return round(sum(scores) / len(scores), 2) if scores else None


class _Binned:
    """Readings spread over the bins that their intervals cover.

    A reading is in every bin whose middle lies within its interval; a shorter one is in the bin
    that its end lies in.
    """

    def __init__(self, readings: list[Drawn], axis: Axis) -> None:
        columns = np.array([_row(reading) for reading in readings], dtype=np.float64)
        table = columns.reshape(-1, 7)
        end = (table[:, 0] - axis.start) / axis.bin_ms
        first = np.ceil(end - table[:, 1] / axis.bin_ms - 0.5).astype(np.int64)
        last = np.floor(end - 0.5).astype(np.int64)
        short = last < first
        # The end itself belongs to the bin before it.
        first[short] = last[short] = np.maximum(0, np.ceil(end[short]) - 1).astype(np.int64)
        counts = last - first + 1
        rows = np.repeat(np.arange(len(table)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = first[rows] + within
        inside = (places >= 0) & (places < axis.bins)
        rows, places = rows[inside], places[inside]
        mos, lost, total, outage, rtt = (table[rows, column] for column in range(2, 7))
        self._bins = axis.bins
        self.mos = self._averaged(places, mos)
        self.least = np.full(axis.bins, np.inf)
        np.fmin.at(self.least, places, mos)
        self.least[np.isinf(self.least)] = np.nan
        self.loss = self._lossy(places, lost, total, outage)
        self.rtt = self._averaged(places, rtt)

    def _averaged(self, places: npt.NDArray[np.int64], values: Floats) -> Floats:
        known = ~np.isnan(values)
        total = np.bincount(places[known], values[known], self._bins)
        count = np.bincount(places[known], minlength=self._bins)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(total / count, dtype=np.float64)

    def _lossy(
        self, places: npt.NDArray[np.int64], lost: Floats, total: Floats, outage: Floats
    ) -> Floats:
        known = ~np.isnan(lost) & ~np.isnan(total)
        gone = np.bincount(places[known], lost[known], self._bins)
        whole = np.bincount(places[known], total[known], self._bins)
        with np.errstate(invalid="ignore", divide="ignore"):
            percent = np.minimum(100.0, 100 * gone / whole)
        percent[np.isnan(percent) & (np.bincount(places, outage, self._bins) > 0)] = 100.0
        return np.asarray(percent, dtype=np.float64)

    def lane(self, window: slice) -> Lane:
        """The bins of a window, rounded for people."""
        return Lane(
            mos=_rounded(self.mos[window]),
            mos_min=_rounded(self.least[window]),
            loss=_rounded(self.loss[window]),
        )


_NAN = float("nan")


def _row(reading: Drawn) -> tuple[float, float, float, float, float, float, float]:
    """(end, length, MOS, lost, all packets, outage, RTT) of a reading; NaN is not known."""
    mos, lost = reading.mos_quality, reading.packets_lost
    if reading.packets_sent is not None:
        total: float = reading.packets_sent
    elif reading.packets_received is not None and lost is not None:
        total = reading.packets_received + lost
    else:
        total = _NAN
    rtt = reading.rtt if reading.rtt is not None else reading.round_trip_time
    return (
        reading.timestamp.timestamp() * 1000,
        reading.interval_ms or 0,
        _NAN if mos is None else mos,
        _NAN if lost is None or reading.paused else lost,
        total,
        reading.outage,
        _NAN if rtt is None else rtt * 1000,
    )


def _rtt(sent: Floats, received: Floats) -> Floats:
    """The peer's own leg where it sent something; else what its received streams tell."""
    return np.where(np.isnan(sent), received, sent)


def _rounded(values: Floats) -> tuple[float | None, ...]:
    listed: list[Any] = np.round(values, 2).tolist()
    return tuple(None if value != value else value for value in listed)


def _whole(values: Floats) -> tuple[int | None, ...]:
    listed: list[Any] = values.tolist()
    return tuple(None if value != value else round(value) for value in listed)


def unknown_report(peer: Peer) -> DrawnReport:
    """Who a peer was, for one whose report is no longer kept."""
    nothing = _Quality(**{name: [] for name in (*CONSUMERS, *PRODUCERS)})
    metadata = _Metadata(_Browser(None), _Device(None), _Place(None), _Pairs([], []), [], [])
    return DrawnReport(
        id=peer.peer_id,
        user_id=peer.user_id,
        custom_participant_id=peer.custom_participant_id,
        display_name=peer.display_name,
        preset_name=peer.preset_name,
        peer_report=_Report(metadata, nothing),
    )
