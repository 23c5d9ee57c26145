"""Figures of days, and the list's filters, against what the list itself says."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from facade_world import MINUTE, START, a_world
from msgspec.structs import replace

from roomtone.model.digests import Digest, PeerFigures
from roomtone.model.findings import Finding, FindingCounts, Verdict
from roomtone.model.times import iso

DAY = 24 * 60 * MINUTE
BROWSERS = ("Chrome", "Firefox", None)


def finding(name, severity, peer_id):
    return Finding(
        id=name,
        severity=severity,
        start=iso(START),
        end=None,
        peer_id=peer_id,
        side="uplink",
        blamed_peer_id=peer_id,
        other_peer_id=None,
        stream=None,
        worst=None,
        unit=None,
        echo_of=None,
        title="Something went wrong.",
        advice="Do something.",
        evidence=(),
    )


def sealed(world, dice, session):
    """The session's digest, of invented peers; and the peers' rows."""
    peers = tuple(
        PeerFigures(
            peer_id=f"{session.id}-{at}",
            mos=dice.choice([None, 120, 280, 310, 399, 430]),
            browser=dice.choice(BROWSERS),
            country=dice.choice(["DE", "CH"]),
        )
        for at in range(dice.randrange(4))
    )
    found = tuple(
        finding(
            dice.choice(["uplink_loss", "high_rtt"]), dice.choice(["error", "info"]), one.peer_id
        )
        for one in peers
        if dice.random() < 0.5
    )
    severities = [one.severity for one in found]
    digest = Digest(
        session_id=session.id,
        app_id=session.app_id,
        started_at=session.started_at,
        closed_ms=session.closed_ms,
        peers=peers,
        findings=found,
        verdict=Verdict(outcome=dice.choice(["good", "bad"]), sentences=("It was so.",)),
        counts=FindingCounts(error=severities.count("error"), info=severities.count("info")),
        strip=(None, *(100 + len(peers) * at for at in range(1, 24))),
        trouble=(0, 3, *[len(found) % 3] * 22),
        model="test",
    )
    world.write(lambda tx: tx.digests.put(digest))
    return digest


@pytest.fixture(scope="module")
def told():
    """A world of five days, its digests by session id; some sessions LIVE, one unsealed again."""
    dice = random.Random(11)
    digests = {}
    with a_world() as world:
        world.clock.t = START + 5 * DAY - MINUTE
        for number in range(60):
            started = START + dice.randrange(4 * 24 * 60) * MINUTE
            used = dice.randrange(90) * MINUTE
            live = number % 10 == 0
            state = {"live_participants": 1, "live_since_sum": started} if live else {}
            session = world.put_session(
                f"00000000-0000-4000-8000-{number:012d}",
                started_at=started,
                ended_at=None if live else started + used,
                closed_ms=used,
                sealed_at=None if live else started + used,
                **state,
            )
            if not live:
                digests[session.id] = sealed(world, dice, session)
        # Late facts: another ten minutes, on the day before, and not sealed yet.
        late = world.put_session(
            f"00000000-0000-4000-8000-{1:012d}",
            started_at=START - DAY,
            ended_at=START,
            closed_ms=10 * MINUTE,
        )
        world.put_peer(late.id, "late", left_at=START)
        world.put_session("elsewhere", app_id="other", ended_at=START + 1, sealed_at=START + 1)
        yield world, digests


def listed(world, **asked):
    answer = world.get("sessions", per_page=1000, **asked)
    rows = answer["data"]["sessions"]
    assert answer["paging"]["total_count"] == len(rows)
    return rows


def date(moment):
    return datetime.fromtimestamp(moment / 1000, UTC).date().isoformat()


# --- by day ---------------------------------------------------------------------------------------


def test_days_say_what_the_list_says(told):
    world, _ = told
    data = world.get("analytics/daywise")["data"]["session_stats"]
    rows = listed(world)

    assert data["sessions_count"] == len(rows) == 60
    assert data["sessions_minutes_consumed"] == pytest.approx(
        sum(row["minutes_consumed"] for row in rows), abs=0.01
    )
    for day in data["day_stats"]:
        own = [row for row in rows if row["started_at"][:10] == day["day"]]
        assert day["total_sessions"] == len(own), day
        assert day["total_session_minutes"] == pytest.approx(
            sum(row["minutes_consumed"] for row in own), abs=0.01
        )


def test_thirty_days_up_to_today_unless_asked_otherwise(told):
    world, _ = told
    days = [
        day["day"] for day in world.get("analytics/daywise")["data"]["session_stats"]["day_stats"]
    ]
    today = datetime.fromtimestamp(world.clock.t / 1000, UTC).date()

    assert days == [(today - timedelta(days=back)).isoformat() for back in range(29, -1, -1)]


def test_both_ends_are_included(told):
    world, _ = told
    first, last = date(START + DAY), date(START + 2 * DAY)
    data = world.get("analytics/daywise", start_date=first, end_date=last)["data"]

    assert [day["day"] for day in data["session_stats"]["day_stats"]] == [first, last]
    assert data["session_stats"]["sessions_count"] == len(
        listed(world, start_time=first, end_time=f"{last}T23:59:59.999Z")
    )


def test_of_recordings_there_are_none(told):
    world, _ = told
    data = world.get("analytics/daywise", start_date="2026-01-01", end_date="2026-01-01")["data"]
    day = {"day": "2026-01-01", "total_recordings": 0, "total_recording_minutes": 0}

    assert data["recording_stats"] == {
        "recording_count": 0,
        "recording_minutes_consumed": 0,
        "day_stats": [day],
    }


@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        ({"start_date": "2026-01-02", "end_date": "2026-01-01"}, ["start_date"]),
        ({"start_date": "2026-02-30", "end_date": "soon"}, ["start_date", "end_date"]),
        ({"start_date": "1999-01-01", "end_date": "2026-01-01"}, ["start_date"]),
        ({"start_date": "0001-01-01", "end_date": "1969-12-31"}, ["start_date", "end_date"]),
    ],
)
def test_days_that_make_no_sense_are_refused_with_every_fault(told, asked, faults):
    world, _ = told
    response = world.ask("GET", "analytics/daywise", params=asked)

    assert response.status_code == 422
    assert [one["source"]["parameter"] for one in response.json()["errors"]] == faults


def test_the_first_days_of_the_calendar_are_no_trouble(told):
    data = told[0].get("analytics/daywise", end_date="1970-01-02")["data"]

    assert [day["day"] for day in data["session_stats"]["day_stats"]] == [
        "1970-01-01",
        "1970-01-02",
    ]
    assert told[0].get("analytics/overview", start_time="9999-12-31")["data"]["worst"] == []


# --- the overview ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def overview(told):
    return told[0].get("analytics/overview")["data"]


def test_an_overview_says_of_days_what_daywise_says(told, overview):
    stats = told[0].get("analytics/daywise")["data"]["session_stats"]

    assert overview["totals"]["sessions"] == stats["sessions_count"]
    assert overview["totals"]["session_minutes"] == stats["sessions_minutes_consumed"]
    assert [(day["day"], day["sessions"]) for day in overview["days"]] == [
        (day["day"], day["total_sessions"]) for day in stats["day_stats"]
    ]


def test_the_distribution_of_mos_counts_every_peer_that_has_one(told, overview):
    scores = [peer.mos for digest in told[1].values() for peer in digest.peers if peer.mos]

    assert [one["from"] for one in overview["mos"]["bins"]] == [1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert overview["mos"]["bins"][-1]["to"] == 4.5
    assert [one["peers"] for one in overview["mos"]["bins"]] == [
        sum(one["from"] * 100 <= score < one["to"] * 100 for score in scores)
        for one in overview["mos"]["bins"]
    ]
    assert overview["mos"]["avg"] == pytest.approx(sum(scores) / len(scores) / 100, abs=0.0051)


def test_shares_are_those_of_the_peers(told, overview):
    peers = [peer for digest in told[1].values() for peer in digest.peers]

    for name, field in (("browsers", "browser"), ("countries", "country")):
        known = [getattr(peer, field) for peer in peers if getattr(peer, field)]
        told_of = {one["name"]: one["peers"] for one in overview[name]}
        assert told_of == {each: known.count(each) for each in set(known)}
    assert overview["networks"] == []


def test_findings_are_counted_by_session_and_by_peer(told, overview):
    found = [one for digest in told[1].values() for one in digest.findings]

    assert {(one["id"], one["severity"]): one["peers"] for one in overview["findings"]} == {
        (name, severity): sum((one.id, one.severity) == (name, severity) for one in found)
        for name, severity in {(one.id, one.severity) for one in found}
    }
    assert overview["totals"]["errors"] == sum(one.severity == "error" for one in found)


def test_the_worst_calls_are_ten_bad_ones_the_lowest_first(told, overview):
    scores = [one["mos"] for one in overview["worst"]]

    assert len(scores) == 10
    assert {one["verdict"] for one in overview["worst"]} == {"bad"}
    assert scores == sorted(scores, key=lambda mos: 9 if mos is None else mos)


def test_a_worst_call_shows_over_time_what_its_row_in_the_list_does(told, overview):
    rows = {one["id"]: one for one in listed(told[0])}

    for one in overview["worst"]:
        row = rows[one["session_id"]]
        assert one["quality_strip"] == row["quality_strip"]
        assert one["finding_strip"] == row["finding_strip"]
        assert one["quality_strip"][0] is None
        assert one["finding_strip"][:2] == [None, "error"]


def test_an_overview_of_days_without_sessions_is_empty_and_says_so(told):
    asked = {"start_time": "2020-01-01T12:00:00Z", "end_time": "2020-01-02T00:00:00Z"}
    data = told[0].get("analytics/overview", **asked)["data"]

    assert data["range"] == {"start": "2020-01-01T00:00:00.000Z", "end": "2020-01-02T23:59:59.999Z"}
    assert data["totals"]["mos_avg"] is None
    assert (data["worst"], data["browsers"], data["findings"]) == ([], [], [])
    assert [day["sessions"] for day in data["days"]] == [0, 0]


# --- the list -------------------------------------------------------------------------------------


def test_a_row_shows_what_its_digest_says(told):
    world, digests = told
    for row in listed(world):
        digest = digests.get(row["id"])
        if digest is None or row["id"].endswith("0001"):
            assert (row["finding_counts"], row["mos"], row["outcome"]) == (None, None, None)
            continue
        counts = digest.counts
        assert row["finding_counts"] == {
            "error": counts.error,
            "warning": counts.warning,
            "info": counts.info,
        }
        assert row["outcome"] == digest.verdict.outcome
        scores = [peer.mos for peer in digest.peers if peer.mos]
        mean = sum(scores) / len(scores) / 100 if scores else None
        assert row["mos"] == (None if mean is None else pytest.approx(mean, abs=0.0051))


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"finding": "uplink_loss"}, lambda d: any(f.id == "uplink_loss" for f in d.findings)),
        ({"finding": "high_rtt, uplink_loss"}, lambda d: bool(d.findings)),
        ({"min_severity": "info"}, lambda d: bool(d.findings)),
        ({"min_severity": "error"}, lambda d: d.counts.error > 0),
        ({"browser": "firefox"}, lambda d: any(p.browser == "Firefox" for p in d.peers)),
        ({"country": "ch"}, lambda d: any(p.country == "CH" for p in d.peers)),
    ],
)
def test_a_filter_finds_the_sessions_that_fit(told, asked, fits):
    world, digests = told

    assert {row["id"] for row in listed(world, **asked)} == {
        name for name, digest in digests.items() if fits(digest)
    }


def test_mos_below_finds_what_the_rows_show(told):
    world, _ = told
    rows = [row for row in listed(world, status="ENDED") if not row["id"].endswith("0001")]
    below = {row["id"] for row in rows if row["mos"] is not None and row["mos"] < 3.1}
    found = {row["id"] for row in listed(world, mos_below=3.1)}

    assert below
    assert {one for one in found if not one.endswith("0001")} == below


def test_filters_that_make_no_sense_are_refused_with_every_fault(told):
    world, _ = told
    asked = {"finding": "Bad-Luck", "min_severity": "awful", "mos_below": "7"}
    response = world.ask("GET", "sessions", params=asked)

    assert response.status_code == 422
    assert {one["source"]["parameter"] for one in response.json()["errors"]} == set(asked)
    assert "findings/catalogue" in response.text


def test_details_show_the_same_as_the_row(told):
    world, _ = told
    row = next(row for row in listed(world) if row["mos"] is not None)
    details = world.get(f"sessions/{row['id']}")["data"]

    assert {name: details[name] for name in ("finding_counts", "mos", "outcome")} == {
        name: row[name] for name in ("finding_counts", "mos", "outcome")
    }
    assert details["session"]["mos"] == row["mos"]


def test_what_was_sealed_anew_counts_once(told):
    world, digests = told
    before = world.get("analytics/overview")["data"]
    one = next(digest for digest in digests.values() if digest.peers)
    world.write(lambda tx: tx.digests.put(replace(one, peers=())))
    world.write(lambda tx: tx.digests.put(one))

    assert world.get("analytics/overview")["data"] == before
