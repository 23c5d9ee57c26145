"""W3C webrtc-stats objects, member for member, holding just the members Roomtone keeps.

They decode straight from the JSON that ``RTCPeerConnection.getStats()`` gives (a union tagged by
``type``) and travel unchanged inside :class:`roomtone.model.facts.Snapshot`. Units are the W3C's:
seconds, bytes, counts since the start of the stream; ``timestamp`` and ``lastPacket*Timestamp`` are
epoch milliseconds. A member that the browser did not give is ``None``: missing is not zero.
Source: https://www.w3.org/TR/webrtc-stats/
"""

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[float, Meta(ge=0, le=2.0**64)]
"""A counter or size: never negative, a float since browsers differ in how they print it. The upper
bound keeps sums finite and still lets through a counter that a browser let wrap below zero."""
Signed = Annotated[float, Meta(ge=-(2.0**64), le=2.0**64)]
"""A counter that duplicates and late packets may lower."""
EpochMs = Annotated[float, Meta(ge=0, le=253_402_300_799_999)]
"""A moment up to the end of the year 9999, the last that ISO 8601 can show."""
Text = Annotated[str, Meta(max_length=1024)]
"""An id or a word; Chrome's codec ids hold the whole fmtp line and reach about 150 characters."""


class Stat(Struct, frozen=True, rename="camel", tag_field="type", omit_defaults=True, kw_only=True):
    """What every stats object has: its id, unique within the connection, and its own time."""

    id: Text
    timestamp: EpochMs


class Codec(Stat, frozen=True, tag="codec"):
    """RTCCodecStats."""

    mime_type: Text | None = None
    sdp_fmtp_line: Text | None = None
    clock_rate: Count | None = None


class RtpStream(Stat, frozen=True):
    """RTCRtpStreamStats: what inbound, outbound and remote-inbound share."""

    ssrc: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    kind: Text | None = None
    codec_id: Text | None = None
    transport_id: Text | None = None


class InboundRtp(RtpStream, frozen=True, tag="inbound-rtp"):
    """RTCInboundRtpStreamStats: one received stream."""

    mid: Text | None = None
    track_identifier: Text | None = None
    packets_received: Count | None = None
    packets_lost: Signed | None = None  # signed: duplicates and late packets lower it
    packets_discarded: Count | None = None
    jitter: Count | None = None
    bytes_received: Count | None = None
    retransmitted_packets_received: Count | None = None
    retransmitted_bytes_received: Count | None = None
    fec_bytes_received: Count | None = None
    last_packet_received_timestamp: EpochMs | None = None
    jitter_buffer_delay: Count | None = None
    jitter_buffer_emitted_count: Count | None = None
    total_samples_received: Count | None = None
    concealed_samples: Count | None = None
    silent_concealed_samples: Count | None = None
    concealment_events: Count | None = None
    inserted_samples_for_deceleration: Count | None = None
    removed_samples_for_acceleration: Count | None = None
    audio_level: Count | None = None
    total_audio_energy: Count | None = None
    total_samples_duration: Count | None = None
    frames_received: Count | None = None
    frames_decoded: Count | None = None
    frames_dropped: Count | None = None
    frame_width: Count | None = None
    frame_height: Count | None = None
    key_frames_decoded: Count | None = None
    qp_sum: Count | None = None
    freeze_count: Count | None = None
    total_freezes_duration: Count | None = None
    pause_count: Count | None = None
    total_decode_time: Count | None = None
    fir_count: Count | None = None
    pli_count: Count | None = None
    nack_count: Count | None = None


class QualityLimitationDurations(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Seconds spent in each quality limitation state since the start of the stream."""

    none: Count = 0.0
    cpu: Count = 0.0
    bandwidth: Count = 0.0
    other: Count = 0.0


class OutboundRtp(RtpStream, frozen=True, tag="outbound-rtp"):
    """RTCOutboundRtpStreamStats: one sent stream (one simulcast layer of a producer)."""

    mid: Text | None = None
    rid: Text | None = None
    media_source_id: Text | None = None
    remote_id: Text | None = None
    active: bool | None = None
    packets_sent: Count | None = None
    bytes_sent: Count | None = None
    retransmitted_packets_sent: Count | None = None
    retransmitted_bytes_sent: Count | None = None
    target_bitrate: Count | None = None
    frame_width: Count | None = None
    frame_height: Count | None = None
    frames_encoded: Count | None = None
    key_frames_encoded: Count | None = None
    qp_sum: Count | None = None
    total_encode_time: Count | None = None
    fir_count: Count | None = None
    pli_count: Count | None = None
    nack_count: Count | None = None
    quality_limitation_reason: Text | None = None
    quality_limitation_durations: QualityLimitationDurations | None = None
    quality_limitation_resolution_changes: Count | None = None
    encoder_implementation: Text | None = None
    power_efficient_encoder: bool | None = None


class RemoteInboundRtp(RtpStream, frozen=True, tag="remote-inbound-rtp"):
    """RTCRemoteInboundRtpStreamStats: what the other end says of a stream sent to it."""

    local_id: Text | None = None
    packets_lost: Signed | None = None
    packets_received: Count | None = None
    jitter: Count | None = None
    fraction_lost: Count | None = None
    round_trip_time: Count | None = None
    total_round_trip_time: Count | None = None
    round_trip_time_measurements: Count | None = None


class MediaSource(Stat, frozen=True, tag="media-source"):
    """RTCAudioSourceStats and RTCVideoSourceStats."""

    kind: Text | None = None
    track_identifier: Text | None = None
    audio_level: Count | None = None
    total_audio_energy: Count | None = None
    total_samples_duration: Count | None = None
    width: Count | None = None
    height: Count | None = None
    frames_per_second: Count | None = None


class CandidatePair(Stat, frozen=True, tag="candidate-pair"):
    """RTCIceCandidatePairStats. ``selected`` is Firefox's own mark (before 153)."""

    local_candidate_id: Text | None = None
    remote_candidate_id: Text | None = None
    state: Text | None = None
    nominated: bool | None = None
    selected: bool | None = None
    bytes_sent: Count | None = None
    bytes_received: Count | None = None
    packets_sent: Count | None = None
    packets_received: Count | None = None
    bytes_discarded_on_send: Count | None = None
    packets_discarded_on_send: Count | None = None
    current_round_trip_time: Count | None = None
    total_round_trip_time: Count | None = None
    available_outgoing_bitrate: Count | None = None
    available_incoming_bitrate: Count | None = None
    last_packet_sent_timestamp: EpochMs | None = None
    last_packet_received_timestamp: EpochMs | None = None


class Candidate(Stat, frozen=True):
    """RTCIceCandidateStats; ``address`` is masked before it becomes a fact."""

    candidate_type: Text | None = None
    address: Text | None = None
    port: Count | None = None
    protocol: Text | None = None
    relay_protocol: Text | None = None
    network_type: Text | None = None
    related_address: Text | None = None
    related_port: Count | None = None
    url: Text | None = None


class LocalCandidate(Candidate, frozen=True, tag="local-candidate"):
    """RTCIceCandidateStats of this end."""


class RemoteCandidate(Candidate, frozen=True, tag="remote-candidate"):
    """RTCIceCandidateStats of the other end."""


class Transport(Stat, frozen=True, tag="transport"):
    """RTCTransportStats."""

    selected_candidate_pair_id: Text | None = None
    selected_candidate_pair_changes: Count | None = None
    dtls_state: Text | None = None
    ice_state: Text | None = None
    bytes_sent: Count | None = None
    bytes_received: Count | None = None


KeptStat = (
    Codec
    | InboundRtp
    | OutboundRtp
    | RemoteInboundRtp
    | MediaSource
    | CandidatePair
    | LocalCandidate
    | RemoteCandidate
    | Transport
)
"""The union that a snapshot holds."""
