"""Every adapter keeps what ports/digests.py promises: days are the sums of their digests."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databases import database_of
from roomtone.model.digests import DAY_MS, Digest, PeerFigures
from roomtone.model.findings import Finding, FindingCounts, Verdict
from roomtone.model.sessions import ENDED, LIVE, Session
from roomtone.ports.records import Page, Records, SessionFilter, Transaction
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords

T = TypeVar("T")
EVER = (0, 1 << 30)


@pytest.fixture(params=["sqlite", "sqlite in memory", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    with database_of(request.param, tmp_path) as database:
        yield SqlRecords(database)


def write(records: Records, change: Callable[[Transaction], T]) -> T:
    return asyncio.run(records.write(change))


def read(records: Records, ask: Callable[[Transaction], T]) -> T:
    return asyncio.run(records.read(ask))


def finding(finding_id: str = "uplink_loss", peer_id: str = "p1", **more: Any) -> Finding:
    plain: dict[str, Any] = {
        "id": finding_id,
        "severity": "warning",
        "start": "2024-01-01T00:00:00.000Z",
        "end": None,
        "peer_id": peer_id,
        "side": "uplink",
        "blamed_peer_id": peer_id,
        "other_peer_id": None,
        "stream": None,
        "worst": 7.5,
        "unit": "percent",
        "echo_of": None,
        "title": "Alice's uplink lost packets.",
        "advice": "Use a cable.",
        "evidence": (),
    }
    return Finding(**(plain | more))


def digest(session_id: str = "s1", day: int = 10, **more: Any) -> Digest:
    plain: dict[str, Any] = {"app_id": "app", "closed_ms": 60_000, "peers": ()}
    return Digest(session_id=session_id, started_at=day * DAY_MS + 5, **(plain | more))


def session(session_id: str = "s1", **more: Any) -> Session:
    plain: dict[str, Any] = {"app_id": "app", "meeting_id": "m", "title": "T", "started_at": 5}
    return Session(id=session_id, **(plain | {"created_at": 5, "updated_at": 5} | more))


# --- against a naive model ------------------------------------------------------------------------

names = st.none() | st.sampled_from(["Chrome", "Firefox", "Safari"])
people = st.builds(
    PeerFigures,
    peer_id=st.sampled_from(["p1", "p2", "p3"]),
    mos=st.none() | st.sampled_from([100, 149, 150, 399, 400, 449, 450]),
    browser=names,
    network=names,
    country=names,
)
found = st.builds(
    finding,
    st.sampled_from(["uplink_loss", "high_rtt"]),
    st.sampled_from(["p1", "p2"]),
    severity=st.sampled_from(["error", "warning", "info"]),
    echo_of=st.sampled_from([None, None, "uplink_loss@p9"]),
)
digests = st.builds(
    digest,
    st.sampled_from(["s1", "s2", "s3", "s4"]),
    st.integers(10, 12),
    app_id=st.sampled_from(["app", "app", "other"]),
    closed_ms=st.integers(0, 10**9),
    peers=st.lists(people, max_size=3).map(tuple),
    findings=st.lists(found, max_size=4).map(tuple),
    counts=st.builds(FindingCounts, error=st.integers(0, 3), warning=st.integers(0, 3)),
)


def summed(kept: list[Digest]) -> tuple[Any, ...]:
    mos = [peer.mos for one in kept for peer in one.peers if peer.mos is not None]
    return (
        len(kept),
        sum(one.closed_ms for one in kept),
        sum(len(one.peers) for one in kept),
        sum(one.counts.error for one in kept),
        sum(one.counts.warning for one in kept),
        sum(mos),
        len(mos),
    )


def named(kept: list[Digest]) -> dict[tuple[str, str], tuple[int, int]]:
    """(sessions, peers) by dimension and name, counted by hand."""
    peers: Counter[tuple[str, str]] = Counter()
    sessions: Counter[tuple[str, str]] = Counter()
    for one in kept:
        seen = set()
        for peer in one.peers:
            told = {"browser": peer.browser, "network": peer.network, "country": peer.country}
            if peer.mos is not None:
                edges = [100, 150, 200, 250, 300, 350, 400]
                told["mos"] = str(max(edge for edge in edges if edge <= peer.mos))
            for pair in ((kind, name) for kind, name in told.items() if name):
                peers[pair] += 1
                seen.add(pair)
        at = {(f.severity, f.id, f.peer_id) for f in one.findings if f.echo_of is None}
        for severity, finding_id, _ in at:
            peers["finding", f"{severity}:{finding_id}"] += 1
            seen.add(("finding", f"{severity}:{finding_id}"))
        sessions.update(seen)
    return {pair: (sessions[pair], peers[pair]) for pair in peers}


@given(st.lists(digests | st.sampled_from(["s1", "s2", "s3"]), max_size=12))
@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
def test_days_are_the_sums_of_the_digests_that_are_kept(steps: list[Digest | str]) -> None:
    database = Database.open(":memory:")
    records: Records = SqlRecords(database)
    kept: dict[str, Digest] = {}

    def change(tx: Transaction) -> None:
        for step in steps:
            if isinstance(step, str):
                tx.digests.drop(step)
                kept.pop(step, None)
            else:
                tx.digests.put(step)
                kept[step.session_id] = step

    write(records, change)
    for app_id in ("app", "other"):
        own = [one for one in kept.values() if one.app_id == app_id]
        days = sorted({one.started_at // DAY_MS for one in own})
        told = read(records, lambda tx, app=app_id: tx.digests.days(app, *EVER))
        assert [one.day for one in told] == days
        for one in told:
            of_day = [each for each in own if each.started_at // DAY_MS == one.day]
            figures = one.figures
            assert summed(of_day) == tuple(
                getattr(figures, name) for name in figures.__struct_fields__[:-1]
            )
        shares = read(records, lambda tx, app=app_id: tx.digests.names(app, *EVER))
        assert {(one.dimension, one.name): (one.sessions, one.peers) for one in shares} == named(
            own
        )
    database.close()


# --- one by one -----------------------------------------------------------------------------------


def test_a_digest_comes_back_as_it_was_put(records: Records) -> None:
    told = digest(
        peers=(PeerFigures(peer_id="p1", mos=431, browser="Chrome"),),
        findings=(finding(),),
        verdict=Verdict(outcome="fair", sentences=("Alice's uplink lost packets.",)),
        counts=FindingCounts(warning=1),
        model="findings-1",
    )
    write(records, lambda tx: tx.digests.put(told))

    assert read(records, lambda tx: tx.digests.digest("s1")) == told
    assert read(records, lambda tx: tx.digests.digest("s2")) is None


def test_what_was_dropped_leaves_no_row_behind(records: Records) -> None:
    write(records, lambda tx: tx.digests.put(digest(peers=(PeerFigures(peer_id="p", mos=300),))))
    write(records, lambda tx: tx.digests.drop("s1"))

    assert read(records, lambda tx: tx.digests.days("app", *EVER)) == []
    assert read(records, lambda tx: tx.digests.names("app", *EVER)) == []


def test_a_headline_has_the_mean_over_the_peers_that_have_a_score(records: Records) -> None:
    peers = tuple(PeerFigures(peer_id=str(mos), mos=mos) for mos in (400, None, 311))
    write(
        records,
        lambda tx: tx.digests.put(digest(peers=peers, counts=FindingCounts(error=2), model="m")),
    )
    (headline,) = read(records, lambda tx: tx.digests.headlines(["s1", "s2"])).values()

    assert (headline.mos, headline.errors, headline.outcome) == (3.56, 2, "unknown")


def test_a_headline_has_the_strip_of_its_digest(records: Records) -> None:
    strip = (None, 100, 450, *([311] * 21))
    write(
        records,
        lambda tx: tx.digests.put(
            digest(strip=strip, trouble=(3, 0) * 12, peers=(PeerFigures(peer_id="p"),))
        ),
    )
    write(records, lambda tx: tx.digests.put(digest("s2")))
    headlines = read(records, lambda tx: tx.digests.headlines(["s1", "s2"]))

    assert [headlines[one].strip for one in ("s1", "s2")] == [strip, ()]
    assert [headlines[one].trouble for one in ("s1", "s2")] == [(3, 0) * 12, ()]
    assert [one.strip for one in read(records, lambda tx: tx.digests.worst("app", *EVER, 5))] == [
        strip,
        (),
    ]


def test_where_nothing_looked_for_findings_there_is_no_count_of_none(records: Records) -> None:
    write(records, lambda tx: tx.digests.put(digest()))
    headline = read(records, lambda tx: tx.digests.headlines(["s1"]))["s1"]

    assert (headline.counts, headline.outcome, headline.mos) == (None, None, None)


def test_the_worst_come_first_by_verdict_and_then_by_mos(records: Records) -> None:
    def put(tx: Transaction) -> None:
        for at, (outcome, mos) in enumerate(
            [("good", 440), ("bad", 390), ("fair", 120), ("bad", 210), ("bad", None)]
        ):
            peers = (PeerFigures(peer_id="p", mos=mos),)
            verdict = Verdict(outcome=outcome, sentences=())
            tx.digests.put(digest(f"s{at}", 10 + at % 2, peers=peers, verdict=verdict))

    write(records, put)
    worst = read(records, lambda tx: tx.digests.worst("app", 10, 11, 4))

    assert [one.session_id for one in worst] == ["s3", "s1", "s4", "s2"]
    assert read(records, lambda tx: tx.digests.worst("app", 12, 20, 4)) == []


def test_open_sessions_tell_what_they_added_when_they_were_sealed(records: Records) -> None:
    def put(tx: Transaction) -> None:
        tx.sessions.put_session(session("live", live_participants=2, live_since_sum=7))
        tx.sessions.put_session(session("late", status=ENDED, ended_at=9, closed_ms=4))
        tx.sessions.put_session(session("sealed", status=ENDED, ended_at=9, sealed_at=10))
        tx.sessions.put_session(session("foreign", app_id="other"))
        tx.digests.put(digest("late", closed_ms=3))

    write(records, put)
    found = read(records, lambda tx: tx.digests.open_sessions("app"))
    told = {(one.live, one.used_ms(100), one.before_day, one.before_closed_ms) for one in found}

    assert told == {(True, 193, None, 0), (False, 4, 10, 3)}


def test_the_list_filters_by_what_the_last_seal_found(records: Records) -> None:
    chrome = PeerFigures(peer_id="p1", mos=250, browser="Chrome", country="DE")

    def put(tx: Transaction) -> None:
        tx.digests.put(
            digest(peers=(chrome,), findings=(finding(),), counts=FindingCounts(warning=1))
        )

    def listed(**asked: Any) -> list[str]:
        wanted = SessionFilter(app_id="app", **asked)
        found, total = read(records, lambda tx: tx.sessions.list_sessions(wanted, Page(0, 9)))
        assert total == len(found)
        return [one.id for one in found]

    asked: tuple[dict[str, Any], ...] = (
        {"finding_ids": frozenset(["uplink_loss", "high_rtt"])},
        {"min_severity": 2},
        {"browser": "CHROME"},
        {"country": "de"},
        {"mos_below": 251},
    )
    for name in ("s1", "s2"):
        write(records, lambda tx, name=name: tx.sessions.put_session(session(name, status=ENDED)))
    assert listed() == ["s1", "s2"]  # the index has read them, and has to follow
    write(records, put)
    assert [listed(**one) for one in asked] == [["s1"]] * 5
    assert listed(mos_below=250) == listed(min_severity=3) == listed(country="fr") == []
    write(records, lambda tx: tx.digests.put(digest()))
    assert [listed(**one) for one in asked] == [[]] * 5


def test_a_session_that_changes_keeps_what_it_is_filtered_by(records: Records) -> None:
    def put(tx: Transaction) -> None:
        tx.sessions.put_session(session(status=ENDED))
        tx.digests.put(digest(peers=(PeerFigures(peer_id="p1", browser="Chrome"),)))
        tx.sessions.put_session(session(status=LIVE))

    write(records, put)
    asked = SessionFilter(app_id="app", browser="chrome")

    assert read(records, lambda tx: tx.sessions.list_sessions(asked, Page(0, 9)))[1] == 1
