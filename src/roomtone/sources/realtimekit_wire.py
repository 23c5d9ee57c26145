"""``ping_stat.metaData`` as the vendor's client sends it (contract 6.5), just the members we keep.

Every member may be missing or null: browsers differ, and the client copies what it finds.
"""

from typing import Annotated

from msgspec import Meta, Struct

from roomtone.model.stats import Count, EpochMs, QualityLimitationDurations, Signed, Text

Ssrc = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class _Wire(Struct, frozen=True, rename="camel"):
    """Members that are not kept are not named: the decoder passes over them."""


class PingPair(_Wire, frozen=True):
    """A candidate pair with its two candidates folded in; it has no id and no state."""

    nominated: bool | None = None
    current_round_trip_time: Count | None = None
    total_round_trip_time: Count | None = None
    bytes_sent: Count | None = None
    bytes_received: Count | None = None
    packets_sent: Count | None = None
    packets_received: Count | None = None
    bytes_discarded_on_send: Count | None = None
    packets_discarded_on_send: Count | None = None
    available_outgoing_bitrate: Count | None = None
    available_incoming_bitrate: Count | None = None
    last_packet_sent_timestamp: EpochMs | None = None
    last_packet_received_timestamp: EpochMs | None = None
    local_candidate_id: Text | None = None
    local_candidate_type: Text | None = None
    local_candidate_address: Text | None = None
    local_candidate_port: Count | None = None
    local_candidate_protocol: Text | None = None
    local_candidate_network_type: Text | None = None
    local_candidate_related_address: Text | None = None
    local_candidate_related_port: Count | None = None
    local_candidate_url: Text | None = None
    remote_candidate_id: Text | None = None
    remote_candidate_type: Text | None = None
    remote_candidate_address: Text | None = None
    remote_candidate_port: Count | None = None
    remote_candidate_protocol: Text | None = None
    remote_candidate_url: Text | None = None


class PingTransportStats(_Wire, frozen=True):
    """Totals of a transport; absent until it connects."""

    dtls_state: Text | None = None
    bytes_sent: Count | None = None
    bytes_received: Count | None = None
    candidate_pairs: list[PingPair | None] | None = None


class PingTransport(_Wire, frozen=True):
    """One RTCPeerConnection, by the id the client gave it."""

    transport_id: Text | None = None
    consuming: bool | None = None
    producing: bool | None = None
    stats: PingTransportStats | None = None


class PingRemoteData(_Wire, frozen=True):
    """What the other end says of a sent stream. Declared by the client, never sent by 8.0.0."""

    packets_lost: Signed | None = None
    jitter: Count | None = None
    fraction_lost: Count | None = None
    round_trip_time: Count | None = None
    total_round_trip_time: Count | None = None
    round_trip_time_measurements: Count | None = None


class PingSent(_Wire, frozen=True):
    """One outbound stream, a simulcast layer of a producer."""

    ssrc: Ssrc | None = None
    codec_id: Text | None = None
    mid: Text | None = None
    active: bool | None = None
    packets_sent: Count | None = None
    bytes_sent: Count | None = None
    retransmitted_packets_sent: Count | None = None
    retransmitted_bytes_sent: Count | None = None
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
    remote_data: PingRemoteData | None = None


class PingReceived(_Wire, frozen=True):
    """One inbound stream."""

    ssrc: Ssrc | None = None
    codec_id: Text | None = None
    mid: Text | None = None
    packets_received: Count | None = None
    packets_lost: Signed | None = None
    packets_discarded: Count | None = None
    jitter: Count | None = None
    bytes_received: Count | None = None
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


class PingAppData(_Wire, frozen=True):
    """What the client attached to a producer or consumer."""

    screen_share: bool | None = None
    peer_id: Text | None = None


class PingProducer(_Wire, frozen=True):
    """A producer with its streams."""

    producer_id: Text | None = None
    app_data: PingAppData | None = None
    audio_stats: list[PingSent | None] | None = None
    video_stats: list[PingSent | None] | None = None


class PingConsumer(_Wire, frozen=True):
    """A consumer with its streams; ``peer_id`` and ``producer_id`` are the sender's."""

    consumer_id: Text | None = None
    peer_id: Text | None = None
    producer_id: Text | None = None
    app_data: PingAppData | None = None
    audio_stats: list[PingReceived | None] | None = None
    video_stats: list[PingReceived | None] | None = None


class Ping(_Wire, frozen=True):
    """The whole metadata; a new producer or consumer is null for one ping."""

    producing_transport_stats: PingTransport | None = None
    consuming_transport_stats: PingTransport | None = None
    producer_stats: list[PingProducer | None] | None = None
    consumer_stats: list[PingConsumer | None] | None = None
