"""Peer reports and participants' details: sealed, live, filtered."""

import gzip

import pytest
from facade_world import MINUTE, START, a_world

from roomtone.model.peer_metadata import Metadata
from roomtone.model.times import NEVER
from roomtone.storage.report_packing import pack_report
from roomtone.web.realtimekit.peer_report import accepts_gzip

IDENTITY = {
    "id",
    "user_id",
    "custom_participant_id",
    "display_name",
    "preset_name",
    "joined_at",
    "left_at",
    "duration",
    "created_at",
    "updated_at",
}
SECTIONS = {"device_info", "ip_information", "precall_network_information", "events"}


@pytest.fixture
def world():
    with a_world() as made:
        made.put_session("s1", ended_at=START + 9 * MINUTE, sealed_at=START + 10 * MINUTE)
        yield made


@pytest.fixture
def sealed(world):
    """A peer whose report is stored; its bytes."""
    peer = world.put_peer("s1", "p1", left_at=START + 5 * MINUTE, user_id="u1")
    return world.seal(peer)


REPORT = "sessions/peer-report/p1"


def raw(world, path, encoding):
    headers = {**world.bearer, "accept-encoding": encoding}
    with world.client.stream("GET", world.path(path), headers=headers) as response:
        return response, b"".join(response.iter_raw())


def test_a_sealed_report_goes_out_as_the_very_bytes_that_were_stored(world, sealed):
    response, body = raw(world, REPORT, "gzip, deflate, br")

    assert body == sealed
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["vary"].lower() == "accept-encoding"
    assert world.fold.asked == []


def pack(world):
    """Have every sealed report packed."""
    reports = world.records.peek(lambda tx: tx.reports.unpacked_reports(NEVER, 9))
    for report in reports:
        packed = pack_report(report.body)
        assert packed is not None
        world.write(lambda tx, one=report, as_=packed: tx.reports.pack_report(one, as_))
    return len(reports)


def test_a_packed_report_is_the_same_answer_however_it_is_asked_for(world, sealed):
    asked = [
        (REPORT, "gzip"),
        (REPORT, "identity"),
        (f"{REPORT}?filters=events", "gzip"),
        ("sessions/s1/participants/p1", "gzip"),
    ]
    before = [raw(world, path, encoding)[1] for path, encoding in asked]
    assert pack(world) == 1

    for _ in range(2):
        assert [raw(world, path, encoding)[1] for path, encoding in asked] == before
    assert world.fold.asked == []
    assert world.records.peek(lambda tx: tx.reports.sealed_as_sent(world.app_id, "p1")) is None


def test_who_takes_no_gzip_gets_the_same_json_plain(world, sealed):
    for _ in range(2):
        response, body = raw(world, REPORT, "identity")

        assert body == gzip.decompress(sealed)
        assert "content-encoding" not in response.headers
        assert response.headers["vary"].lower() == "accept-encoding"


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        (b"gzip", True),
        (b"", False),
        (b"identity", False),
        (b"*", True),
        (b"br, gzip;q=0.5", True),
        (b"gzip;q=0", False),
        (b"GZIP;q=1.0", True),
        (b"*;q=0", False),
        (b"gzip;q=0, *", False),
        (b"gzip;q=x", False),
        (b"deflate, *;q=0.1", True),
    ],
)
def test_accept_encoding_is_read_as_rfc_9110_says(header, takes):
    assert accepts_gzip(header) is takes


def test_a_peer_that_is_not_sealed_is_folded_on_the_spot(world):
    world.put_session("s2")
    world.put_peer("s2", "p1")
    participant = world.get(REPORT)["data"]["participant"]

    assert world.fold.asked == ["p1"]
    assert participant["session_id"] == "s2"
    assert participant["role"] == participant["preset_name"] == "group_call_host"


def test_a_session_that_late_facts_unsealed_is_told_anew(world, sealed):
    assert sealed
    world.put_session("s1", ended_at=START + 9 * MINUTE, sealed_at=None)

    world.get(REPORT)

    assert world.fold.asked == ["p1"]


def test_an_unknown_peer_is_404_and_so_is_one_of_another_app(world, sealed):
    assert sealed
    assert world.ask("GET", "sessions/peer-report/p2").status_code == 404
    assert world.ask("GET", "sessions/peer-report").status_code == 404  # a session of that name
    other = world.ask("POST", "", headers=world.bearer)
    assert other.status_code == 404


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_filters_keep_one_section_everywhere_and_the_identity(world, sealed, section):
    assert sealed
    participant = world.get(REPORT, filters=section)["data"]["participant"]

    assert set(participant) >= IDENTITY
    assert set(participant["peer_stats"]) == {section}
    assert "quality_stats" not in participant
    assert "quality" not in participant["peer_report"]
    kept = set(participant["peer_report"]["metadata"])
    assert (section in kept) or section == "precall_network_information"


def test_filters_together_keep_everything(world, sealed):
    assert sealed
    whole = world.get(REPORT)["data"]["participant"]
    names = ",".join([*sorted(SECTIONS), "quality_stats"])

    assert world.get(REPORT, filters=names)["data"]["participant"] == whole
    parts = [
        set(world.get(REPORT, filters=name)["data"]["participant"]["peer_report"]["metadata"])
        for name in names.split(",")
    ]
    assert set().union(*parts) == set(Metadata.__struct_fields__)
    assert sum(map(len, parts)) == len(Metadata.__struct_fields__)


def test_an_unknown_filter_is_422(world, sealed):
    assert sealed
    assert world.ask("GET", f"{REPORT}?filters=events,everything").status_code == 422


def test_peer_events_are_added_to_sealed_and_to_live_reports(world, sealed):
    assert sealed
    asked = world.get(REPORT, include_peer_events="true")["data"]["participant"]
    plain = world.get(REPORT)["data"]["participant"]

    assert "peer_events" not in plain
    events = asked.pop("peer_events")
    assert [event["event_name"] for event in events][-1] == "PEER_LEAVING"
    assert asked == plain


def test_details_have_the_old_blocks_in_the_old_spelling(world, sealed):
    assert sealed
    details = world.get("sessions/s1/participants/p1")["data"]["participant"]

    assert set(details) >= IDENTITY
    assert "peer_report" not in details
    assert set(details["peer_stats"]) == {*SECTIONS, "config", "status"}
    assert details["peer_stats"]["status"] == "LEFT"
    assert "throughtput" in details["peer_stats"]["precall_network_information"]
    assert "throughput" not in details["peer_stats"]["precall_network_information"]
    assert "portal" in details["peer_stats"]["ip_information"]
    (quality,) = details["quality_stats"]
    assert quality["peer_id"] == "p1"
    assert set(quality) >= {"audio_stats", "video_stats", "average_quality", "audio_packet_loss"}


def test_details_can_be_filtered_too(world, sealed):
    assert sealed
    details = world.get("sessions/s1/participants/p1", filters="events,quality_stats")
    participant = details["data"]["participant"]

    assert set(participant["peer_stats"]) == {"events", "config", "status"}
    assert "quality_stats" in participant


def test_a_user_id_or_a_custom_id_finds_the_latest_peer(world, sealed):
    assert sealed
    latest = world.put_peer(
        "s1", "p2", user_id="u1", joined_at=START + 6 * MINUTE, left_at=START + 9 * MINUTE
    )
    world.put_session("s2")
    world.put_peer("s2", "p3", user_id="u1", joined_at=START + 30 * MINUTE)

    for name in ("p2", "u1", latest.custom_participant_id):
        found = world.get(f"sessions/s1/participants/{name}")["data"]["participant"]
        assert found["id"] == "p2"
    assert world.ask("GET", "sessions/s1/participants/p3").status_code == 404
    assert world.ask("GET", "sessions/s1/participants/nobody").status_code == 404
    assert world.ask("GET", "sessions/s9/participants/p1").status_code == 404


def test_a_burst_for_one_report_looks_it_up_once_and_a_moment_later_anew(world, sealed):
    assert raw(world, REPORT, "gzip")[1] == sealed
    world.put_session("s1", ended_at=START + 9 * MINUTE, sealed_at=None)
    world.clock.t += 20

    world.get(REPORT)

    assert world.fold.asked == ["p1"]
