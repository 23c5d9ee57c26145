"""Metadata of a report: devices, events, places, tests before the call, candidate pairs."""

import pytest

from roomtone.model import facts as f
from roomtone.report.build import details
from snapshot_streams import at, json_of, pair, report, snapshot, who

MIC, HEADSET = f.Device("1", "audioinput", "Built-in"), f.Device("2", "audioinput", "Headset")


def metadata(*facts, **options):
    return json_of(report(*facts, **options))["peer_report"]["metadata"]


def old(*facts):
    return json_of(report(*facts))["peer_stats"]


def test_device_lists_become_what_came_and_what_went():
    updates = metadata(
        f.DevicesListed(at(0), "audio", (MIC,)),
        f.DevicesListed(at(1), "audio", (MIC,)),
        f.DevicesListed(at(2), "audio", (MIC, HEADSET)),
        f.DevicesListed(at(3), "audio", (HEADSET,)),
    )["audio_devices_updates"]
    told = [
        ([d["device_id"] for d in u["added"]], [d["device_id"] for d in u["removed"]])
        for u in updates
    ]
    assert told == [(["1"], []), (["2"], []), ([], ["1"])]
    assert updates[0]["added"] == [{"device_id": "1", "kind": "audioinput", "label": "Built-in"}]


def test_kinds_of_devices_do_not_mix():
    made = metadata(
        f.DevicesListed(at(0), "audio", (MIC,)), f.DevicesListed(at(0), "speaker", (HEADSET,))
    )
    assert len(made["audio_devices_updates"]) == len(made["speaker_devices_updates"]) == 1
    assert made["video_devices_updates"] == []


def test_a_selected_device_is_told_with_its_time():
    (update,) = metadata(f.DeviceSelected(at(1), "audio", HEADSET))["selected_device_updates"]
    assert update["device"]["label"] == "Headset"
    assert update["timestamp"] == "2023-11-14T22:13:21.000Z"


def test_what_one_description_does_not_know_another_may_have_said():
    made = metadata(
        f.Described(at(0), browser="Chrome", cpus=8, webgl_support=True),
        f.Described(at(1), os="Linux", cpus=4),
    )
    assert made["browser_metadata"]["browser"] == "Chrome"
    assert made["browser_metadata"]["webgl_support"] is True
    assert made["device_info"] == {
        "cpus": 4, "is_mobile": None, "os": "Linux", "os_version": None, "memory": None,
    }  # fmt: skip


def test_the_old_list_has_every_event_and_the_new_one_leaves_out_what_the_vendors_does():
    names = ("precall_begin", "video_off", "call_join", "tab_change", "browser_backgrounded")
    facts = [f.Happened(at(i), name) for i, name in enumerate((*names, "precall_end", "ping_stat"))]
    assert [e["type"] for e in old(*facts)["events"]] == [*names, "precall_end"]
    assert [e["name"] for e in metadata(*facts)["events"]] == [
        "precall_begin", "video_off", "meeting_view_backgrounded",
    ]  # fmt: skip


def test_an_events_metadata_is_nested_in_the_old_list_and_flat_in_the_new():
    said = {"device": {"label": "x", "group": {"id": 1}}, "on": True, "list": [1, 2], "no": None}
    fact = f.Happened(at(0), "media_permission", said)
    assert old(fact)["events"][0]["metadata"] == said
    assert metadata(fact)["events"][0]["metadata"] == {
        "device_label": "x", "device_group_id": 1, "on": True, "list_count": 2, "no": None,
    }  # fmt: skip
    assert "metadata" not in old(f.Happened(at(0), "audio_on"))["events"][0]


def test_a_precall_test_is_told_in_both_forms():
    test = f.PrecallTested(
        at(0), "4g", f.Connectivity(True, False, None), True, 0.03, 0.031, 0.0, 0.0, 7931
    )
    assert metadata(test)["pc_metadata"] == [
        {
            "effective_network_type": "4g",
            "reflexive_connectivity": None,
            "relay_connectivity": False,
            "turn_connectivity": True,
            "sdp": [],
            "timestamp": "2023-11-14T22:13:20.000Z",
        }
    ]
    precall = old(test)["precall_network_information"]
    assert (precall["rtt"], precall["backend_rtt"], precall["throughput"]) == (0.03, 0.031, 7931)


def test_the_details_spell_throughput_and_the_postal_code_as_the_vendor_does():
    made = details(
        report(
            f.PrecallTested(at(0), throughput=7931),
            f.Located(at(0), "203.0.113.0", "Lisbon", latitude=38.7, longitude=-9.1, postal="1100"),
        )
    ).peer_stats
    assert made.precall_network_information.throughtput == 7931
    assert not hasattr(made.precall_network_information, "throughput")
    assert made.ip_information.portal == "1100"
    assert made.ip_information.ip_location == "38.7,-9.1"
    assert made.status == "CONNECTED"


@pytest.mark.parametrize(
    ("role", "lists"),
    [("producing", (1, 0)), ("consuming", (0, 1)), ("both", (1, 1))],
)
def test_a_transports_pair_is_in_the_list_of_what_it_does(role, lists):
    pairs = metadata(snapshot(0, *pair(0.05), role=role))["candidate_pairs"]
    assert (len(pairs["producing_transport"]), len(pairs["consuming_transport"])) == lists


def test_a_pair_is_the_last_one_known_with_its_candidates():
    one = metadata(
        snapshot(0, *pair(0.05)), snapshot(7, *pair(0.07, local=5, remote=6)), snapshot(14)
    )["candidate_pairs"]["producing_transport"]
    assert [p["current_round_trip_time"] for p in one] == [0.07]
    assert (one[0]["local_candidate_port"], one[0]["remote_candidate_port"]) == (5, 6)


def test_every_transport_has_its_pair():
    facts = [snapshot(i, *pair(0.01 * i), transport=f"t{i}", role="both") for i in range(3)]
    assert len(metadata(*facts)["candidate_pairs"]["consuming_transport"]) == 3


def test_the_identity_is_the_latest_that_was_said():
    made = report(who("first"), who("second"))
    assert (made.id, made.quality_stats.peer_ids) == ("second", ["second"])
