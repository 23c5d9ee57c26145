"""Metadata: ``peer_report.metadata`` from the facts that are not media (contract 6.1)."""

from roomtone.model import peer_metadata as m
from roomtone.model.facts import Device
from roomtone.model.stats import Candidate
from roomtone.model.times import iso
from roomtone.report import events
from roomtone.report.path import Path
from roomtone.report.rounding import count
from roomtone.report.state import PeerState

PRODUCING = ("producing", "both")
CONSUMING = ("consuming", "both")


def metadata(state: PeerState, offset: int) -> m.Metadata:
    """``offset`` puts its times on the server's clock."""
    said = state.described
    return m.Metadata(
        audio_devices_updates=_devices(state, "audio", offset),
        video_devices_updates=_devices(state, "video", offset),
        speaker_devices_updates=_devices(state, "speaker", offset),
        selected_device_updates=[
            m.SelectedDeviceUpdate(device=_device(each.device), timestamp=iso(each.t + offset))
            for each in state.selected
        ],
        browser_metadata=m.BrowserMetadata(
            browser=said.browser,
            browser_version=said.browser_version,
            engine=said.engine,
            user_agent=said.user_agent,
            webgl_support=said.webgl_support,
        ),
        device_info=m.DeviceMetadata(
            cpus=said.cpus,
            is_mobile=said.is_mobile,
            os=said.os,
            os_version=said.os_version,
            memory=said.memory,
        ),
        native_metadata=m.NativeMetadata(audio_encoder=None, video_encoder=_video_encoder(state)),
        sdk_name=said.sdk_name,
        sdk_type=said.sdk_type,
        sdk_version=said.sdk_version,
        room_view_type=said.room_view_type,
        ip_information=_place(state),
        pc_metadata=_precalls(state, offset),
        events=events.named(state.events, offset),
        candidate_pairs=m.CandidatePairs(
            producing_transport=_pairs(state, PRODUCING),
            consuming_transport=_pairs(state, CONSUMING),
        ),
    )


def _device(device: Device) -> m.DeviceSeen:
    return m.DeviceSeen(device_id=device.device_id, kind=device.kind, label=device.label)


def _devices(state: PeerState, kind: str, offset: int) -> list[m.DevicesUpdate]:
    return [
        m.DevicesUpdate(
            added=[_device(device) for device in change.added],
            removed=[_device(device) for device in change.removed],
            timestamp=iso(change.t + offset),
        )
        for change in state.device_changes.get(kind, ())
    ]


def _video_encoder(state: PeerState) -> str | None:
    """Of the latest video that was sent."""
    names = [
        layer.stat.encoder_implementation
        for streams in state.streams.values()
        for _, layer in streams.layers.values()
    ]
    return next((name for name in reversed(names) if name is not None), None)


def _place(state: PeerState) -> m.PlaceMetadata:
    at = state.located
    return m.PlaceMetadata(
        asn=m.Asn(
            asn=at.asn if at else None,
            domain=None,
            name=at.org if at else None,
            route=None,
            type=None,
        ),
        city=at.city if at else None,
        country=at.country if at else None,
        ipv4=at.address if at else None,
        org=at.org if at else None,
        region=at.region if at else None,
        timezone=at.timezone if at else None,
        postal=at.postal if at else None,
    )


def _precalls(state: PeerState, offset: int) -> list[m.PcMetadata]:
    made = []
    for test in state.precalls:
        kinds = test.connectivity
        made.append(
            m.PcMetadata(
                effective_network_type=test.effective_network_type,
                reflexive_connectivity=kinds.reflexive if kinds else None,
                relay_connectivity=kinds.relay if kinds else None,
                turn_connectivity=test.turn_connectivity,
                sdp=[],
                timestamp=iso(test.t + offset),
            )
        )
    return made


def _pairs(state: PeerState, roles: tuple[str, ...]) -> list[m.Pair]:
    paths = [streams.path for streams in state.streams.values()]
    made = [_pair(path) for path in paths if not path.roles.isdisjoint(roles)]
    return [pair for pair in made if pair is not None]


def _pair(path: Path) -> m.Pair | None:
    pair = path.pair
    if pair is None:
        return None
    local = path.candidates.get(pair.local_candidate_id or "") or _UNKNOWN
    remote = path.candidates.get(pair.remote_candidate_id or "") or _UNKNOWN
    return m.Pair(
        nominated=pair.nominated,
        current_round_trip_time=pair.current_round_trip_time,
        total_round_trip_time=pair.total_round_trip_time,
        bytes_sent=count(pair.bytes_sent),
        bytes_received=count(pair.bytes_received),
        bytes_discarded_on_send=count(pair.bytes_discarded_on_send),
        packets_sent=count(pair.packets_sent),
        packets_received=count(pair.packets_received),
        packets_discarded_on_send=count(pair.packets_discarded_on_send),
        available_outgoing_bitrate=pair.available_outgoing_bitrate,
        available_incoming_bitrate=pair.available_incoming_bitrate,
        last_packet_sent_timestamp=count(pair.last_packet_sent_timestamp),
        last_packet_received_timestamp=count(pair.last_packet_received_timestamp),
        local_candidate_id=pair.local_candidate_id,
        local_candidate_type=local.candidate_type,
        local_candidate_address=local.address,
        local_candidate_port=count(local.port),
        local_candidate_protocol=local.protocol,
        local_candidate_network_type=local.network_type,
        local_candidate_related_address=local.related_address,
        local_candidate_related_port=count(local.related_port),
        local_candidate_url=local.url,
        remote_candidate_id=pair.remote_candidate_id,
        remote_candidate_type=remote.candidate_type,
        remote_candidate_address=remote.address,
        remote_candidate_port=count(remote.port),
        remote_candidate_protocol=remote.protocol,
        remote_candidate_url=remote.url,
    )


_UNKNOWN = Candidate(id="", timestamp=0)
