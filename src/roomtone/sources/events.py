"""Client events by name → facts (contract 3).

Every event becomes a ``Happened`` with its metadata, also those that no table knows. The ones below
make richer facts beside it. ``ping_stat`` and ``stats`` are not here: they become snapshots alone,
and ``chat_message`` and ``transcript`` become words alone.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from roomtone.model.facts import (
    AnyFact,
    Connectivity,
    Described,
    Device,
    DeviceSelected,
    DevicesListed,
    Happened,
    Joined,
    Left,
    PrecallTested,
)
from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from roomtone.model.stats import Count
from roomtone.sources.faults import decode_or_refuse
from roomtone.sources.metadata import metadata_of
from roomtone.sources.user_agents import describe
from roomtone.sources.words import chat_facts, transcript_facts


class _Wire(Struct, frozen=True, rename="camel"):
    """Members that are not used are not named."""


class _DeviceInfo(_Wire, frozen=True):
    is_mobile: bool | None = None
    browser_name: str | None = None
    browser_version: str | None = None
    os_name: str | None = None
    os_version_name: str | None = None
    engine_name: str | None = None
    user_agent: str | None = None
    cpus: Annotated[float, Meta(ge=0, le=65_536)] | None = None
    memory: Count | None = None
    webgl_support: bool | Count | None = None


class _PeerMetaData(_Wire, frozen=True):
    device_info: _DeviceInfo | None = None
    room_view_type: str | None = None
    sdk_name: str | None = None
    sdk_type: str | None = None
    sdk_version: str | None = None


class _CallJoin(_Wire, frozen=True):
    peer_meta_data: _PeerMetaData | None = None


class _Device(_Wire, frozen=True):
    device_id: str | None = None
    kind: str | None = None
    label: str | None = None


class _DeviceList(_Wire, frozen=True):
    device_list: list[_Device | None] | None = None


class _SelectedDevice(_Wire, frozen=True):
    device: _Device | None = None


class _Connectivity(_Wire, frozen=True):
    host: bool | None = None
    relay: bool | None = None
    reflexive: bool | None = None


class _Network(Struct, frozen=True):
    """Names as the client writes them; its capitals follow no rule."""

    effectiveNetworkType: str | None = None  # noqa: N815
    connectivity: _Connectivity | None = None
    turnConnectivity: bool | None = None  # noqa: N815
    RTT: Count | None = None
    backendRTT: Count | None = None  # noqa: N815
    jitter: Count | None = None
    fractionalLoss: Count | None = None  # noqa: N815
    throughput: Count | None = None


class _PrecallEnd(_Wire, frozen=True):
    connection_info: _Network | None = None


class _Region(_Wire, frozen=True):
    network_results: _Network | None = None


class _NetworkTestEnd(_Wire, frozen=True):
    region_data: list[_Region | None] | None = None


def _text(value: str | None) -> str | None:
    return None if value is None else value[:MAX_NAME_CHARS]


def _call_join(said: _CallJoin, t: int) -> list[AnyFact]:
    peer = said.peer_meta_data or _PeerMetaData()
    info = peer.device_info or _DeviceInfo()
    # A client that gives its user agent and no names means those that the user agent has.
    agent = describe(info.user_agent, t) if info.user_agent else Described(t=t)
    described = Described(
        t=t,
        user_agent=agent.user_agent,
        browser=_text(info.browser_name) or agent.browser,
        browser_version=_text(info.browser_version) or agent.browser_version,
        engine=_text(info.engine_name) or agent.engine,
        os=_text(info.os_name) or agent.os,
        os_version=_text(info.os_version_name) or agent.os_version,
        is_mobile=agent.is_mobile if info.is_mobile is None else info.is_mobile,
        cpus=None if info.cpus is None else int(info.cpus),
        memory=info.memory,
        webgl_support=None if info.webgl_support is None else bool(info.webgl_support),
        sdk_name=_text(peer.sdk_name),
        sdk_type=_text(peer.sdk_type),
        sdk_version=_text(peer.sdk_version),
        room_view_type=_text(peer.room_view_type),
    )
    return [Joined(t=t, via="call_join"), *([described] if described != Described(t=t) else [])]


def _disconnect(said: _Wire, t: int) -> list[AnyFact]:
    return [Left(t=t, reason="disconnect")]


def _device(said: _Device) -> Device:
    return Device(
        device_id=(said.device_id or "")[:MAX_ID_CHARS],
        kind=(said.kind or "")[:MAX_ID_CHARS],
        label=(said.label or "")[:MAX_NAME_CHARS],
    )


def _devices_of(kind: str) -> Callable[[_DeviceList, int], list[AnyFact]]:
    def listed(said: _DeviceList, t: int) -> list[AnyFact]:
        devices = tuple(_device(device) for device in said.device_list or () if device)
        return [DevicesListed(t=t, kind=kind, devices=devices)]

    return listed


def _selected(kind: str) -> Callable[[_SelectedDevice, int], list[AnyFact]]:
    def chosen(said: _SelectedDevice, t: int) -> list[AnyFact]:
        if said.device is None:
            return []
        return [DeviceSelected(t=t, kind=kind, device=_device(said.device))]

    return chosen


def _precall_end(said: _PrecallEnd, t: int) -> list[AnyFact]:
    return [] if said.connection_info is None else [_tested(said.connection_info, t)]


def _network_test_end(said: _NetworkTestEnd, t: int) -> list[AnyFact]:
    """The client's first region is the one it would use."""
    for region in said.region_data or ():
        if region is not None and region.network_results is not None:
            return [_tested(region.network_results, t)]
    return []


def _tested(network: _Network, t: int) -> PrecallTested:
    reached = network.connectivity
    return PrecallTested(
        t=t,
        effective_network_type=_text(network.effectiveNetworkType),
        connectivity=None
        if reached is None
        else Connectivity(reached.host, reached.relay, reached.reflexive),
        turn_connectivity=network.turnConnectivity,
        rtt=network.RTT,
        backend_rtt=network.backendRTT,
        jitter=network.jitter,
        fractional_loss=network.fractionalLoss,
        throughput=network.throughput,
    )


_RICH: dict[str, tuple[Any, Callable[[Any, int], list[AnyFact]]]] = {
    "call_join": (_CallJoin, _call_join),
    "disconnect": (_Wire, _disconnect),
    "audio_devices_updates": (_DeviceList, _devices_of("audio")),
    "video_devices_updates": (_DeviceList, _devices_of("video")),
    "speaker_devices_updates": (_DeviceList, _devices_of("speaker")),
    "selected_microphone_update": (_SelectedDevice, _selected("audio")),
    "selected_camera_update": (_SelectedDevice, _selected("video")),
    "selected_speaker_update": (_SelectedDevice, _selected("speaker")),
    "precall_end": (_PrecallEnd, _precall_end),
    "net_quality_test_end": (_NetworkTestEnd, _network_test_end),
}
_WORDS = {"chat_message": chat_facts, "transcript": transcript_facts}
_DECODERS = {name: msgspec.json.Decoder(kind) for name, (kind, _) in _RICH.items()}
_NOTHING = Raw(b"{}")


def event_facts(name: str, raw: Raw, t: int, *, mask: bool) -> list[AnyFact]:
    """The facts of one event. Raises Invalid, its paths beginning at the metadata."""
    words_of = _WORDS.get(name)
    if words_of is not None:
        return words_of(raw if bytes(raw) else _NOTHING, t)
    happened = Happened(t=t, name=name, metadata=metadata_of(raw, mask=mask))
    rich = _RICH.get(name)
    if rich is None:
        return [happened]
    kind, facts_of = rich
    said = decode_or_refuse(
        _DECODERS[name], raw if happened.metadata is not None else _NOTHING, kind
    )
    return [*facts_of(said, t), happened]
