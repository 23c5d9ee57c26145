"""Client events → facts."""

import json
from typing import Any

import pytest

from roomtone.model.errors import Invalid
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
from roomtone.sources.metadata import snake
from roomtone.sources.wire import decode_batch

PEER = "0055f63d-d002-4a7f-8867-022d0e5afb24"
T = 1_795_397_118_000


def facts(event: str, metadata: Any = None, *, mask: bool = True) -> list[AnyFact]:
    entry = {"event": event, "timestamp": T}
    if metadata is not None:
        entry["metaData"] = metadata
    body = json.dumps({"peer_id": PEER, "entries": [entry]}).encode()
    return list(decode_batch(body, now=None, mask=mask, user_agent=None).facts)


def metadata_of(event: str, metadata: Any, *, mask: bool = True) -> Any:
    happened = facts(event, metadata, mask=mask)[-1]
    assert isinstance(happened, Happened)
    return happened.metadata


@pytest.mark.parametrize(
    ("camel", "snaked"),
    [
        ("roomUUID", "room_u_u_i_d"),
        ("RTT", "r_t_t"),
        ("backendRTT", "backend_r_t_t"),
        ("peerMetaData", "peer_meta_data"),
        ("isMeetingsTabActive", "is_meetings_tab_active"),
        ("already_snake", "already_snake"),
        ("e2ee", "e2ee"),
        ("", ""),
    ],
)
def test_names_become_snake_case_letter_by_letter(camel: str, snaked: str) -> None:
    assert snake(camel) == snaked


def test_call_join_joins_and_describes() -> None:
    info = {
        "isMobile": False,
        "browserName": "Chrome",
        "browserVersion": "156.0.0.0",
        "osName": "Linux",
        "engineName": "Blink",
        "userAgent": "Mozilla/5.0",
        "memory": 16,
        "cpus": 2,
        "webglSupport": 1,
    }
    peer = {"deviceInfo": info, "sdkName": "web-core", "sdkVersion": "2.0.2"}
    joined, described, happened = facts("call_join", {"peerMetaData": peer})
    assert joined == Joined(t=T, via="call_join")
    assert described == Described(
        t=T,
        user_agent="Mozilla/5.0",
        browser="Chrome",
        browser_version="156.0.0.0",
        engine="Blink",
        os="Linux",
        is_mobile=False,
        cpus=2,
        memory=16.0,
        webgl_support=True,
        sdk_name="web-core",
        sdk_version="2.0.2",
    )
    assert isinstance(happened, Happened)


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:118.0) Gecko/20100101 Firefox/118.0"


@pytest.mark.parametrize(("said", "browser"), [(None, "Firefox"), ("LibreWolf", "LibreWolf")])
def test_a_user_agent_without_names_is_taken_apart(said: str | None, browser: str) -> None:
    info = {"userAgent": FIREFOX, "browserName": said}
    _, described, _ = facts("call_join", {"peerMetaData": {"deviceInfo": info}})
    assert described == Described(
        t=T,
        user_agent=FIREFOX,
        browser=browser,
        browser_version="118.0",
        engine="Gecko",
        os="Linux",
        is_mobile=False,
    )


@pytest.mark.parametrize("metadata", [None, {}, {"peerMetaData": None}])
def test_a_bare_call_join_joins(metadata: Any) -> None:
    joined, happened = facts("call_join", metadata)
    assert (joined, type(happened)) == (Joined(t=T, via="call_join"), Happened)


def test_disconnect_leaves() -> None:
    assert facts("disconnect") == [
        Left(t=T, reason="disconnect"),
        Happened(t=T, name="disconnect"),
    ]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("audio_devices_updates", "audio"),
        ("video_devices_updates", "video"),
        ("speaker_devices_updates", "speaker"),
    ],
)
def test_device_lists_are_listed_by_kind(event: str, kind: str) -> None:
    devices = [{"deviceId": "d", "kind": "k", "label": "l" * 600, "groupId": "g"}, None]
    listed, _ = facts(event, {"deviceList": devices})
    assert listed == DevicesListed(t=T, kind=kind, devices=(Device("d", "k", "l" * 512),))


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("selected_microphone_update", "audio"),
        ("selected_camera_update", "video"),
        ("selected_speaker_update", "speaker"),
    ],
)
def test_the_device_in_use_is_selected_by_kind(event: str, kind: str) -> None:
    selected, _ = facts(event, {"device": {"deviceId": "d", "kind": "k", "label": "l"}})
    assert selected == DeviceSelected(t=T, kind=kind, device=Device("d", "k", "l"))
    assert len(facts(event, {"device": None})) == 1


def test_a_precall_test_tells_the_network() -> None:
    info = {
        "effectiveNetworkType": "4g",
        "connectivity": {"host": True, "relay": False, "reflexive": False},
        "turnConnectivity": True,
        "RTT": 0.03,
        "backendRTT": 0.031,
        "jitter": 0,
        "fractionalLoss": 0.01,
        "throughput": 7931,
    }
    tested, happened = facts("precall_end", {"connectionInfo": info})
    assert tested == PrecallTested(
        t=T,
        effective_network_type="4g",
        connectivity=Connectivity(host=True, relay=False, reflexive=False),
        turn_connectivity=True,
        rtt=0.03,
        backend_rtt=0.031,
        jitter=0,
        fractional_loss=0.01,
        throughput=7931,
    )
    assert isinstance(happened, Happened)
    assert happened.metadata is not None
    assert happened.metadata["connection_info"]["backend_r_t_t"] == 0.031


def test_a_network_test_loses_the_turn_credentials() -> None:
    region = {
        "regionId": "r",
        "iceServers": [{"urls": "turn:t.example", "username": "u", "credential": "hush"}],
        "networkResults": {"RTT": 0.1},
    }
    tested, happened = facts("net_quality_test_end", {"regionData": [region]})
    assert tested == PrecallTested(t=T, rtt=0.1)
    assert isinstance(happened, Happened)
    assert happened.metadata == {
        "region_data": [
            {
                "region_id": "r",
                "ice_servers": [{"urls": "turn:t.example"}],
                "network_results": {"r_t_t": 0.1},
            }
        ]
    }


def test_addresses_in_metadata_are_masked_unless_the_setting_says_no() -> None:
    said = {"connectionInfo": {"ipDetails": {"ip": "2001:db8:1:2::3.0.0"}}}
    masked = metadata_of("precall_end", said)
    assert masked["connection_info"]["ip_details"]["ip"] == "2001:db8:1::"
    whole = metadata_of("precall_end", said, mask=False)
    assert whole["connection_info"]["ip_details"]["ip"] == "2001:db8:1:2::3.0.0"


def test_an_event_that_nobody_knows_happens_all_the_same() -> None:
    assert facts("raise_hand", {"handRaised": True}) == [
        Happened(t=T, name="raise_hand", metadata={"hand_raised": True})
    ]


def test_legacy_switch_spells_metadata_its_own_way() -> None:
    entry = {"event": "legacy_switch", "timestamp": T, "metadata": {"on": True}}
    body = json.dumps({"peer_id": PEER, "entries": [entry]}).encode()
    decoded = decode_batch(body, now=None, mask=True, user_agent=None)
    assert decoded.facts == (Happened(t=T, name="legacy_switch", metadata={"on": True}),)


def test_long_text_is_cut_and_wide_integers_become_text() -> None:
    kept = metadata_of("note", {"text": "x" * 2_000, "n": 10**40, "m": -(2**63), "f": 1.5})
    assert kept == {"text": "x" * 512, "n": "1" + "0" * 40, "m": -(2**63), "f": 1.5}


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("event", "metadata", "where"),
    [
        ("note", [], "metaData"),
        ("note", "text", "metaData"),
        ("note", {"text": "x" * 16_400}, "metaData"),
        ("note", nested(30), "metaData"),
        ("call_join", {"peerMetaData": {"deviceInfo": {"cpus": "two"}}}, "cpus"),
        ("call_join", {"peerMetaData": {"deviceInfo": {"cpus": -2}}}, "cpus"),
        ("audio_devices_updates", {"deviceList": "none"}, "deviceList"),
        ("precall_end", {"connectionInfo": {"RTT": "slow"}}, "RTT"),
    ],
)
def test_metadata_that_cannot_be_read_is_refused_at_its_place(
    event: str, metadata: Any, where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        facts(event, metadata)
    (fault,) = refused.value.faults
    assert fault.where.startswith("entries[0].metaData")
    assert fault.where.endswith(where)
