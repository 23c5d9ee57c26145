"""The peer report: ``data.participant`` of ``GET /sessions/peer-report/{peer_id}``; its details.

A superset of both generations of the vendor's SDKs (contract 1.9, 6, 7): the old ``peer_stats`` and
``quality_stats`` stand beside the new ``peer_report``. Names are the vendor's letter for letter.
Times are ISO 8601 with milliseconds on the server's clock; None is not known. Members marked *ours*
are Roomtone's own.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from roomtone.model.findings import Finding
from roomtone.model.peer_metadata import Metadata
from roomtone.model.readings import Quality


class PeerEvent(Struct, kw_only=True):
    """PEER_CREATED, PEER_JOINING or PEER_LEAVING."""

    id: str
    peer_id: str
    event_name: str
    participant_id: str | None
    session_id: str | None
    socket_session_id: str | None
    preset_view_type: str | None
    minutes_consumed: float
    """Of the time that a PEER_LEAVING ends; 0 for the others."""
    created_at: str
    updated_at: str


class Report(Struct, kw_only=True):
    """``peer_report``."""

    metadata: Metadata
    quality: Quality


# --- the old blocks (contract 6.6) --------------------------------------------------------------


class DeviceInfo(Struct, kw_only=True):
    """``peer_stats.device_info``. ``memory`` (GiB) is the vendor's in the participant's details."""

    browser: str | None
    browser_version: str | None
    cpus: int | None
    engine: str | None
    is_mobile: bool | None
    memory: float | None
    os: str | None
    os_version: str | None
    sdk_name: str | None
    sdk_version: str | None
    user_agent: str | None
    webgl_support: bool | None


class AsnOnly(Struct, kw_only=True):
    """``peer_stats.ip_information.asn``."""

    asn: str | None


class IpInformation(Struct, kw_only=True):
    """``peer_stats.ip_information``. ``ip_location`` is "latitude,longitude"."""

    asn: AsnOnly
    city: str | None
    country: str | None
    ip_location: str | None
    ipv4: str | None
    org: str | None
    region: str | None
    timezone: str | None


class DetailsIpInformation(IpInformation, kw_only=True):
    """As the participant's details spell it; ``portal`` holds the postal code."""

    portal: str | None


class Precall(Struct, kw_only=True):
    """What both spellings share. rtt, backend_rtt, jitter: s; fractional_loss: 0 to 1."""

    backend_rtt: float | None
    effective_networktype: str | None
    fractional_loss: float | None
    jitter: float | None
    reflexive_connectivity: bool | None
    relay_connectivity: bool | None
    rtt: float | None
    turn_connectivity: bool | None


class PrecallNetworkInformation(Precall, kw_only=True):
    """As the peer report spells it. kbit/s."""

    throughput: float | None


class DetailsPrecallNetworkInformation(Precall, kw_only=True):
    """As the participant's details spell it, so spelled by the vendor. kbit/s."""

    throughtput: float | None


class TypedEvent(Struct, kw_only=True):
    """An event of ``peer_stats.events``; metadata as it came, in snake case."""

    type: str
    timestamp: str
    metadata: dict[str, Any] | UnsetType = UNSET


class PeerStats(Struct, kw_only=True):
    """``peer_stats`` of the peer report."""

    device_info: DeviceInfo
    events: list[TypedEvent]
    ip_information: IpInformation
    precall_network_information: PrecallNetworkInformation


class DetailsPeerStats(Struct, kw_only=True):
    """``peer_stats`` of the participant's details. ``status``: ``CONNECTED`` or ``LEFT``."""

    config: str | None
    device_info: DeviceInfo
    events: list[TypedEvent]
    ip_information: DetailsIpInformation
    precall_network_information: DetailsPrecallNetworkInformation
    status: str | None


class MediaStat(Struct, kw_only=True):
    """What one reading of received media says; the last three are ours."""

    timestamp: str
    quality: float | None
    jitter: float | None
    packets_lost: int | None
    packets_received: int | None
    bytes_received: int | None
    interval_ms: int | None


class AudioStat(MediaStat, kw_only=True):
    """``audio_stats[]``."""

    concealment_events: int | None


class VideoStat(MediaStat, kw_only=True):
    """``video_stats[]``."""

    frame_width: int | None
    frame_height: int | None
    frames_dropped: int | None
    frames_per_second: float | None


class ReceivedStats(Struct, kw_only=True):
    """What both forms of ``quality_stats`` share: all the media that the peer received."""

    start: str | None
    end: str | None
    average_quality: float
    audio_bandwidth: float
    """bit/s, mean over the received streams while they came; so is ``video_bandwidth``."""
    video_bandwidth: float
    audio_packet_loss: float | None
    """Percent of all packets; None without packets; so is ``video_packet_loss``."""
    video_packet_loss: float | None
    audio_stats: list[AudioStat]
    video_stats: list[VideoStat]


class QualityStats(ReceivedStats, kw_only=True):
    """``quality_stats`` of the peer report, an object."""

    peer_ids: list[str]
    total_audio_packets: int
    total_audio_packets_lost: int
    total_video_packets: int
    total_video_packets_lost: int
    first_audio_packet_received: str | None
    last_audio_packet_received: str | None
    first_video_packet_received: str | None
    last_video_packet_received: str | None


class QualityStat(ReceivedStats, kw_only=True):
    """``quality_stats[]`` of the participant's details."""

    peer_id: str


# --- the two answers ----------------------------------------------------------------------------


class Truncated(Struct, kw_only=True):
    """Ours: how many were cut at a limit of model/limits.py."""

    readings: int = 0
    streams: int = 0
    """Reports of streams past the limit, not distinct streams."""
    transports: int = 0
    """Snapshots of transports past the limit."""
    events: int = 0
    """Events, device updates and pre-call tests."""
    points: int = 0
    """Looks at transports, from which findings are made."""


class Participant(Struct, kw_only=True):
    """What every answer about a participant has (contract 1.3)."""

    id: str
    user_id: str
    custom_participant_id: str
    display_name: str
    preset_name: str
    joined_at: str
    left_at: str | None
    duration: float
    """Minutes; of a connected peer up to the time of asking."""
    created_at: str
    updated_at: str
    peer_events: list[PeerEvent] | UnsetType = UNSET
    decided_by: dict[str, str] | UnsetType = UNSET
    """Ours: which source decided ``joined`` and ``left`` (docs/reconciliation.md); not there if
    nobody but the client told."""
    status: str | UnsetType = UNSET
    """Ours: ``attempted`` of one that never connected; else not there."""


class PeerReport(Participant, kw_only=True):
    """``data.participant`` of the peer report. ``role`` is the preset's name."""

    role: str
    session_id: str
    peer_report: Report
    peer_stats: PeerStats
    quality_stats: QualityStats
    mos_model: str
    """Ours: the formulas behind every ``mos_quality`` and ``quality``."""
    quality_scale: str
    """Ours: ``mos`` (1 to 5) or ``vendor`` (0 to 1)."""
    truncated: Truncated
    """Ours."""
    findings: list[Finding] = []
    """Ours: what went wrong at this peer, by time (docs/findings.md)."""
    findings_model: str = ""
    """Ours: the rules and thresholds behind ``findings``."""
    talk_time_s: float | None = None
    """Ours: seconds of talk (report/talk.py); None: nothing tells."""
    talk_time_source: str | None = None
    """Ours: what tells it (:data:`roomtone.model.attendance.TALK_SOURCES`)."""


class ParticipantDetails(Participant, kw_only=True):
    """``data.participant`` of the participant's details."""

    session_id: str
    peer_stats: DetailsPeerStats
    quality_stats: list[QualityStat]
    mos_model: str
    quality_scale: str
    findings: list[Finding] = []
    findings_model: str = ""
