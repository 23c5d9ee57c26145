"""What the SDKs read is what took place: two recorded calls, one over and one still going on."""

import pytest


def _sessions(visit, name):
    return visit.body(f"sessions: {name}")["data"]["sessions"]


def _ids(rows):
    return [row["id"] for row in rows]


def _people(visit, name):
    return visit.body(f"people: {name}")["data"]["participants"]


def _peer(visit, name="peer"):
    return visit.body(name)["data"]["participant"]


def test_the_list_holds_both_sessions_newest_first(visit):
    assert _ids(_sessions(visit, "all")) == [visit.live.session_id, visit.ended.session_id]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("LIVE", "live"),
        ("ENDED", "ended"),
        ("of a meeting", "ended"),
        ("search by id", "ended"),
        ("search by title", "live"),
        ("everything at once", "ended"),
    ],
)
def test_a_filter_finds_its_session_and_no_other(visit, asked, found):
    assert _ids(_sessions(visit, asked)) == [getattr(visit, found).session_id]


def test_the_days_of_analytics_hold_both_calls(visit):
    stats = visit.body("analytics: 30 days")["data"]["session_stats"]
    minutes = [day["total_session_minutes"] for day in stats["day_stats"]]

    assert len(stats["day_stats"]) == 30
    assert stats["sessions_count"] == sum(day["total_sessions"] for day in stats["day_stats"]) == 2
    assert stats["sessions_minutes_consumed"] == pytest.approx(sum(minutes), abs=1e-3)
    assert stats["sessions_minutes_consumed"] >= 2 * 75 / 60


def test_days_on_which_nothing_was_held_are_zeros(visit):
    data = visit.body("analytics: a week of 2020")["data"]

    assert [day["total_sessions"] for day in data["session_stats"]["day_stats"]] == [0] * 7
    assert data["recording_stats"]["recording_count"] == 0


def test_the_time_filters_are_about_when_a_session_started(visit):
    assert _sessions(visit, "started before 2020") == []
    assert len(_sessions(visit, "started since 2020")) == 2


def test_the_participants_filter_counts_people_not_peers(visit):
    # Bob came back, so the live session has three peers of two people.
    assert len(_sessions(visit, "of two people")) == 2
    assert _sessions(visit, "of three and more") == []


def test_pages_follow_each_other_without_overlap(visit):
    pages = [visit.body(f"sessions: {name} page") for name in ("first", "second")]

    assert [_ids(page["data"]["sessions"]) for page in pages] == [
        [visit.live.session_id],
        [visit.ended.session_id],
    ]
    assert [page["paging"] for page in pages] == [
        {"total_count": 2, "start_offset": 1, "end_offset": 1},
        {"total_count": 2, "start_offset": 2, "end_offset": 2},
    ]


def test_past_the_last_page_there_is_an_empty_list(visit):
    page = visit.body("sessions: past the last page")

    assert page["data"]["sessions"] == []
    assert page["paging"] == {"total_count": 2, "start_offset": 0, "end_offset": 0}


def test_sorting_follows_the_numbers_that_are_shown(visit):
    minutes = [row["minutes_consumed"] for row in _sessions(visit, "by minutes")]
    started = [row["started_at"] for row in _sessions(visit, "oldest first")]

    assert minutes == sorted(minutes)
    assert started == sorted(started)


def test_details_can_be_read_flat_and_nested(visit):
    data = visit.body("session: ended")["data"]
    nested = data.pop("session")
    for ours in ("findings", "verdict", "findings_model"):
        data.pop(ours)

    assert {key: nested[key] for key in data} == data


def test_an_ended_session_adds_up(visit):
    session = visit.body("session: ended")["data"]
    people = _people(visit, "all")

    assert session["status"] == "ENDED"
    assert session["live_participants"] == 0
    assert session["max_concurrent_participants"] == 2
    assert session["ended_at"] >= max(person["left_at"] for person in people)
    assert session["minutes_consumed"] == pytest.approx(
        sum(person["duration"] for person in people), abs=2e-4
    )


def test_a_call_of_75_seconds_lasted_75_seconds(visit):
    assert [person["duration"] for person in _people(visit, "all")] == [
        pytest.approx(75.3 / 60, abs=1 / 60),
        pytest.approx(75.3 / 60, abs=1 / 60),
    ]


def test_a_live_session_says_who_is_there(visit):
    session = visit.body("session: live")["data"]
    here = [person for person in _people(visit, "live") if person["left_at"] is None]

    assert session["status"] == "LIVE"
    assert session["ended_at"] is None
    assert session["live_participants"] == 2
    assert {person["id"] for person in here} == {visit.live.a_peers[0], visit.live.b_peers[1]}


def test_a_rejoin_is_another_peer_of_the_same_user(visit):
    bob = [person for person in _people(visit, "live") if person["user_id"] == visit.live.b_user]

    assert {person["id"] for person in bob} == set(visit.live.b_peers)


def test_people_can_be_sorted_searched_and_paged(visit):
    first, second = _people(visit, "first page"), _people(visit, "second page")
    durations = [person["duration"] for person in _people(visit, "longest")]
    joins = [person["joined_at"] for person in _people(visit, "first to join")]

    assert {*_ids(first), *_ids(second)} == {*visit.ended.a_peers, *visit.ended.b_peers}
    assert durations == sorted(durations, reverse=True)
    assert joins == sorted(joins)
    assert _ids(_people(visit, "search")) == list(visit.ended.b_peers)


def test_peer_events_come_only_when_asked_for(visit):
    assert all("peer_events" not in person for person in _people(visit, "all"))
    for person in _people(visit, "with peer events"):
        names = [event["event_name"] for event in person["peer_events"]]
        assert names[-1] == "PEER_LEAVING"
        assert "PEER_JOINING" in names


def test_a_person_is_found_by_user_id_and_by_custom_id(visit):
    found = [
        visit.body(f"person: by {kind} id")["data"]["participant"]["id"]
        for kind in ("user", "custom")
    ]

    assert found == [visit.live.b_peers[1]] * 2


def test_a_peer_report_is_of_that_peer(visit):
    peer = _peer(visit)

    assert peer["id"] == visit.ended.a_peers[0]
    assert peer["user_id"] == visit.ended.a_user
    assert peer["custom_participant_id"] == "custom-a"
    assert peer["session_id"] == visit.ended.session_id
    assert peer["role"] == "group_call_host"


def test_a_peer_report_has_readings_of_both_directions_and_the_screen_share(visit):
    quality = _peer(visit)["peer_report"]["quality"]

    for stream in ("audio_producer", "video_producer", "audio_consumer", "video_consumer"):
        assert len(quality[stream]) >= 9, stream  # 75 s at 7 s, less the one that is the baseline
    assert quality["screenshare_video_producer"]
    assert quality["screenshare_audio_producer"] == []
    assert quality["screenshare_audio_producer_cumulative"] == {}


def test_what_was_heard_and_seen_is_judged(visit):
    quality = _peer(visit)["peer_report"]["quality"]

    # A loopback call without loss: as good as it gets.
    assert 4 < quality["audio_consumer_cumulative"]["quality_mos"]["avg"] <= 4.5
    assert 1 <= quality["video_consumer_cumulative"]["quality_mos"]["avg"] <= 4.5
    assert quality["audio_consumer_cumulative"]["packet_loss"]["avg"] == 0


def test_the_two_sides_of_a_stream_agree(visit):
    sent = _peer(visit)["peer_report"]["quality"]["audio_producer"]
    received = _peer(visit, "peer: the other side")["peer_report"]["quality"]["audio_consumer"]
    total_sent = sum(reading["packets_sent"] for reading in sent)
    total_received = sum(reading["packets_received"] for reading in received)

    assert total_received == pytest.approx(total_sent, rel=0.15)


@pytest.mark.parametrize(
    ("only", "kept"),
    [
        ("device_info", {"device_info"}),
        ("ip_information", {"ip_information"}),
        ("precall_network_information", {"precall_network_information"}),
        ("events", {"events"}),
        ("device_info,ip_information,events", {"device_info", "ip_information", "events"}),
    ],
)
def test_filters_keep_only_the_sections_they_name(visit, only, kept):
    peer = _peer(visit, f"peer: filters={only}")
    sections = {"device_info", "ip_information", "precall_network_information", "events"}

    assert sections & set(peer["peer_stats"]) == kept
    assert "quality" not in peer["peer_report"]
    assert peer["id"] == visit.ended.a_peers[0]


def test_the_quality_filter_keeps_quality_alone(visit):
    peer = _peer(visit, "peer: filters=quality_stats")

    assert peer["peer_report"]["quality"]["audio_producer"]
    assert "device_info" not in peer.get("peer_stats", {})


def test_addresses_are_masked(visit):
    pairs = _peer(visit)["peer_report"]["metadata"]["candidate_pairs"]
    addresses = {
        pair[f"{side}_candidate_address"]
        for transport in pairs.values()
        for pair in transport
        for side in ("local", "remote")
    }

    assert addresses
    assert all(not a or a.endswith((".0", "::")) for a in addresses), addresses


def test_the_active_session_is_the_live_one(visit):
    assert visit.body("active session")["data"]["id"] == visit.live.session_id


def test_kicking_everybody_ends_the_session(visit):
    kicked = visit.body("active session: kick all")["data"]

    assert kicked["kicked_participants_count"] == 1  # Bob had been sent out before
    assert visit.body("session: kicked out")["data"]["status"] == "ENDED"
