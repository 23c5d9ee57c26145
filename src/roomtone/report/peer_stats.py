"""Peer stats: the old ``peer_stats`` block, as each of its two answers spells it (contract 6.6)."""

from msgspec.structs import asdict

from roomtone.model import peer_report as p
from roomtone.model.facts import PrecallTested
from roomtone.report import events
from roomtone.report.state import PeerState

CONNECTED = "CONNECTED"
LEFT = "LEFT"


def peer_stats(state: PeerState, offset: int) -> p.PeerStats:
    """As the peer report spells it."""
    test = state.precalls[-1] if state.precalls else None
    return p.PeerStats(
        device_info=_device_info(state),
        events=events.typed(state.events, offset),
        ip_information=_ip_information(state),
        precall_network_information=_precall(test),
    )


def details_stats(
    stats: p.PeerStats, postal_code: str | None, connected: bool
) -> p.DetailsPeerStats:
    """The same as the participant's details spell it."""
    tested = asdict(stats.precall_network_information)
    return p.DetailsPeerStats(
        config=None,
        device_info=stats.device_info,
        events=stats.events,
        ip_information=p.DetailsIpInformation(**asdict(stats.ip_information), portal=postal_code),
        precall_network_information=p.DetailsPrecallNetworkInformation(
            throughtput=tested.pop("throughput"), **tested
        ),
        status=CONNECTED if connected else LEFT,
    )


def _device_info(state: PeerState) -> p.DeviceInfo:
    said = state.described
    return p.DeviceInfo(
        browser=said.browser,
        browser_version=said.browser_version,
        cpus=said.cpus,
        engine=said.engine,
        is_mobile=said.is_mobile,
        memory=said.memory,
        os=said.os,
        os_version=said.os_version,
        sdk_name=said.sdk_name,
        sdk_version=said.sdk_version,
        user_agent=said.user_agent,
        webgl_support=said.webgl_support,
    )


def _ip_information(state: PeerState) -> p.IpInformation:
    at = state.located
    if at is None:
        return p.IpInformation(
            asn=p.AsnOnly(asn=None),
            city=None,
            country=None,
            ip_location=None,
            ipv4=None,
            org=None,
            region=None,
            timezone=None,
        )
    placed = at.latitude is not None and at.longitude is not None
    return p.IpInformation(
        asn=p.AsnOnly(asn=at.asn),
        city=at.city,
        country=at.country,
        ip_location=f"{at.latitude},{at.longitude}" if placed else None,
        ipv4=at.address,
        org=at.org,
        region=at.region,
        timezone=at.timezone,
    )


def _precall(test: PrecallTested | None) -> p.PrecallNetworkInformation:
    """Of the latest test."""
    kinds = None if test is None else test.connectivity
    return p.PrecallNetworkInformation(
        backend_rtt=test.backend_rtt if test else None,
        effective_networktype=test.effective_network_type if test else None,
        fractional_loss=test.fractional_loss if test else None,
        jitter=test.jitter if test else None,
        reflexive_connectivity=kinds.reflexive if kinds else None,
        relay_connectivity=kinds.relay if kinds else None,
        rtt=test.rtt if test else None,
        throughput=test.throughput if test else None,
        turn_connectivity=test.turn_connectivity if test else None,
    )
