"""``peer_report.metadata``: where, with what and over which path a peer took part (contract 6.1).

Names are the vendor's letter for letter; times are ISO 8601 on the server's clock; None is not
known.
"""

from msgspec import UNSET, Struct, UnsetType

Scalar = str | int | float | bool | None


class DeviceSeen(Struct, kw_only=True):
    """A camera, microphone or speaker."""

    device_id: str
    kind: str
    label: str


class DevicesUpdate(Struct, kw_only=True):
    """What came and went since the previous list; the first list is all added."""

    added: list[DeviceSeen]
    removed: list[DeviceSeen]
    timestamp: str


class SelectedDeviceUpdate(Struct, kw_only=True):
    """The device now in use."""

    device: DeviceSeen
    timestamp: str


class BrowserMetadata(Struct, kw_only=True):
    """The browser, as it called itself."""

    browser: str | None
    browser_version: str | None
    engine: str | None
    user_agent: str | None
    webgl_support: bool | None


class DeviceMetadata(Struct, kw_only=True):
    """``metadata.device_info``; ``memory`` (GiB) is ours."""

    cpus: int | None
    is_mobile: bool | None
    os: str | None
    os_version: str | None
    memory: float | None


class NativeMetadata(Struct, kw_only=True):
    """Encoders in use, as outbound-rtp names them (``libvpx``); browsers name only video's."""

    audio_encoder: str | None
    video_encoder: str | None


class Asn(Struct, kw_only=True):
    """``metadata.ip_information.asn``."""

    asn: str | None
    domain: str | None
    name: str | None
    route: str | None
    type: str | None


class PlaceMetadata(Struct, kw_only=True):
    """``metadata.ip_information``: looked up by Roomtone; the address is masked."""

    asn: Asn
    city: str | None
    country: str | None
    ipv4: str | None
    org: str | None
    region: str | None
    timezone: str | None
    postal: str | None
    """Ours."""


class PcMetadata(Struct, kw_only=True):
    """What one pre-call test found about connecting. ``sdp`` is never kept."""

    effective_network_type: str | None
    reflexive_connectivity: bool | None
    relay_connectivity: bool | None
    turn_connectivity: bool | None
    sdp: list[str]
    timestamp: str


class NamedEvent(Struct, kw_only=True):
    """An event of ``metadata.events``; metadata is flat."""

    name: str
    timestamp: str
    metadata: dict[str, Scalar] | UnsetType = UNSET


class Pair(Struct, kw_only=True):
    """The selected candidate pair of a transport at its end: W3C members and units, totals."""

    nominated: bool | None
    current_round_trip_time: float | None
    total_round_trip_time: float | None
    bytes_sent: int | None
    bytes_received: int | None
    bytes_discarded_on_send: int | None
    packets_sent: int | None
    packets_received: int | None
    packets_discarded_on_send: int | None
    available_outgoing_bitrate: float | None
    available_incoming_bitrate: float | None
    last_packet_sent_timestamp: int | None
    last_packet_received_timestamp: int | None
    local_candidate_id: str | None
    local_candidate_type: str | None
    local_candidate_address: str | None
    local_candidate_port: int | None
    local_candidate_protocol: str | None
    local_candidate_network_type: str | None
    local_candidate_related_address: str | None
    local_candidate_related_port: int | None
    local_candidate_url: str | None
    remote_candidate_id: str | None
    remote_candidate_type: str | None
    remote_candidate_address: str | None
    remote_candidate_port: int | None
    remote_candidate_protocol: str | None
    remote_candidate_url: str | None


class CandidatePairs(Struct, kw_only=True):
    """One pair a transport; a transport that does both is in both lists."""

    producing_transport: list[Pair]
    consuming_transport: list[Pair]


class Metadata(Struct, kw_only=True):
    """``peer_report.metadata``."""

    audio_devices_updates: list[DevicesUpdate]
    video_devices_updates: list[DevicesUpdate]
    speaker_devices_updates: list[DevicesUpdate]
    selected_device_updates: list[SelectedDeviceUpdate]
    browser_metadata: BrowserMetadata
    device_info: DeviceMetadata
    native_metadata: NativeMetadata
    sdk_name: str | None
    sdk_type: str | None
    sdk_version: str | None
    room_view_type: str | None
    ip_information: PlaceMetadata
    pc_metadata: list[PcMetadata]
    events: list[NamedEvent]
    candidate_pairs: CandidatePairs
