"""The words that packed reports are full of, frozen: version 1 of their packing.

They prime the compressor, so that the report of a short call does not pay for the spelling of
``current_round_trip_time``: a kilobyte a report. Never change this text: reports that were packed
with it could not be read any more. Better words need a new version beside it.
"""

from msgspec import msgpack

_TABLES = (
    "timestamp mid ssrc packets_lost jitter mos_quality interval_ms paused producer_id "
    "packets_sent bytes_sent rtt nack_count",
    "timestamp mid ssrc packets_lost jitter mos_quality interval_ms paused consumer_id "
    "peer_id producer_id packets_received bytes_received jitter_buffer_delay "
    "jitter_buffer_emitted_count round_trip_time outage concealment_events "
    "audible_concealment_fraction",
    "timestamp mid ssrc packets_lost jitter mos_quality interval_ms paused producer_id "
    "packets_sent bytes_sent rtt nack_count frame_width frame_height frames_encoded "
    "frames_per_second key_frames_encoded fir_count pli_count quality_limitation_reason "
    "quality_limitation_durations.bandwidth quality_limitation_durations.cpu "
    "quality_limitation_durations.none quality_limitation_durations.other "
    "quality_limitation_resolution_changes expected_pixels expected_frames_per_second",
    "timestamp mid ssrc packets_lost jitter mos_quality interval_ms paused consumer_id "
    "peer_id producer_id packets_received bytes_received jitter_buffer_delay "
    "jitter_buffer_emitted_count round_trip_time outage frame_width frame_height "
    "frames_decoded frames_dropped frames_per_second key_frames_decoded fir_count "
    "pli_count nack_count frozen_fraction expected_pixels expected_frames_per_second",
    "timestamp quality jitter packets_lost packets_received bytes_received interval_ms "
    "concealment_events",
    "timestamp quality jitter packets_lost packets_received bytes_received interval_ms "
    "frame_width frame_height frames_dropped frames_per_second",
)
_OBJECTS = (
    "success data",
    "id user_id custom_participant_id display_name preset_name joined_at left_at duration "
    "created_at updated_at role session_id peer_report peer_stats quality_stats mos_model "
    "quality_scale truncated findings findings_model talk_time_s talk_time_source",
    "metadata quality",
    "audio_devices_updates video_devices_updates speaker_devices_updates "
    "selected_device_updates browser_metadata device_info native_metadata sdk_name "
    "sdk_type sdk_version room_view_type ip_information pc_metadata events "
    "candidate_pairs",
    "browser browser_version engine user_agent webgl_support",
    "cpus is_mobile os os_version memory",
    "audio_encoder video_encoder",
    "asn city country ipv4 org region timezone postal",
    "asn domain name route type",
    "name timestamp",
    "producing_transport consuming_transport",
    "nominated current_round_trip_time total_round_trip_time bytes_sent bytes_received "
    "bytes_discarded_on_send packets_sent packets_received packets_discarded_on_send "
    "available_outgoing_bitrate available_incoming_bitrate last_packet_sent_timestamp "
    "last_packet_received_timestamp local_candidate_id local_candidate_type "
    "local_candidate_address local_candidate_port local_candidate_protocol "
    "local_candidate_network_type local_candidate_related_address "
    "local_candidate_related_port local_candidate_url remote_candidate_id "
    "remote_candidate_type remote_candidate_address remote_candidate_port "
    "remote_candidate_protocol remote_candidate_url",
    "audio_producer audio_producer_cumulative audio_consumer audio_consumer_cumulative "
    "video_producer video_producer_cumulative video_consumer video_consumer_cumulative "
    "screenshare_audio_producer screenshare_audio_producer_cumulative "
    "screenshare_audio_consumer screenshare_audio_consumer_cumulative "
    "screenshare_video_producer screenshare_video_producer_cumulative "
    "screenshare_video_consumer screenshare_video_consumer_cumulative",
    "packet_loss quality_mos rtt quality_mos_p10",
    "avg 5_or_greater_event_fraction 10_or_greater_event_fraction "
    "25_or_greater_event_fraction 50_or_greater_event_fraction",
    "avg p50 p75 p90",
    "avg 100ms_or_greater_event_fraction 250ms_or_greater_event_fraction "
    "500ms_or_greater_event_fraction",
    "packet_loss quality_mos jitter_buffer_delay quality_mos_p10",
    "frame_per_second frame_width packet_loss quality_mos rtt key_frames_encoded_fraction "
    "high_negative_feedback_fraction issues quality_mos_p10",
    "bandwidth_quality_limitation_fraction cpu_quality_limitation_fraction "
    "quality_limitation_fraction no_video_fraction poor_resolution_fraction",
    "frame_per_second frame_width jitter_buffer_delay packet_loss quality_mos "
    "key_frames_decoded_fraction issues quality_mos_p10",
    "lag_fraction no_video_fraction poor_resolution_fraction",
    "device_info events ip_information precall_network_information",
    "browser browser_version cpus engine is_mobile memory os os_version sdk_name "
    "sdk_version user_agent webgl_support",
    "type timestamp",
    "type timestamp metadata",
    "peer_id user_id room_view_type",
    "asn city country ip_location ipv4 org region timezone",
    "backend_rtt effective_networktype fractional_loss jitter reflexive_connectivity "
    "relay_connectivity rtt turn_connectivity throughput",
    "start end average_quality audio_bandwidth video_bandwidth audio_packet_loss "
    "video_packet_loss audio_stats video_stats peer_ids total_audio_packets "
    "total_audio_packets_lost total_video_packets total_video_packets_lost "
    "first_audio_packet_received last_audio_packet_received first_video_packet_received "
    "last_video_packet_received",
    "readings streams transports events points",
    "id severity start end peer_id side blamed_peer_id other_peer_id stream worst unit "
    "echo_of title advice evidence",
    "timestamp source id field value",
)

WORDS = b"".join(
    [
        *(msgpack.encode(line.split(" ")) for line in _TABLES),
        *(msgpack.encode(dict.fromkeys(line.split(" "))) for line in _OBJECTS),
    ]
)
"""As they stand in a head: the columns of tables, and objects whose members are null."""
