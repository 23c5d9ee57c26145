"""The session list against a naive model: a plain list, filtered, sorted and sliced.

The table here has the columns that the index reads, and SQLite keeps it, as in the running service.
"""

import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from roomtone.model.sessions import ENDED, LIVE, Session
from roomtone.ports.records import Page, SessionFilter
from roomtone.storage import session_order
from roomtone.storage.connections import SqliteConnection
from roomtone.storage.session_index import SessionIndex

TABLE = """
CREATE TABLE sessions (
    ordinal INTEGER PRIMARY KEY, revision INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL, meeting_id TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL,
    started_at INTEGER NOT NULL, sort_ms INTEGER NOT NULL, total_participants INTEGER NOT NULL,
    mos_hundredths INTEGER, severity INTEGER, finding_ids TEXT, browsers TEXT, countries TEXT);
CREATE UNIQUE INDEX sessions_by_revision ON sessions (revision);
"""
PUT = """
INSERT INTO sessions (revision, id, app_id, meeting_id, title, status, started_at, sort_ms,
 total_participants, mos_hundredths, severity, finding_ids, browsers, countries)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, meeting_id = excluded.meeting_id,
 title = excluded.title, status = excluded.status, started_at = excluded.started_at,
 sort_ms = excluded.sort_ms, total_participants = excluded.total_participants,
 mos_hundredths = excluded.mos_hundredths, severity = excluded.severity,
 finding_ids = excluded.finding_ids, browsers = excluded.browsers, countries = excluded.countries
"""
EVERYTHING = Page(0, 10**6)
MARKS = ("mos_hundredths", "severity", "finding_ids", "browsers", "countries")


class Sealed(Session, frozen=True, kw_only=True):
    """A session with what its digest left in the table; all None before it was sealed."""

    mos_hundredths: int | None = None
    severity: int | None = None
    finding_ids: str | None = None
    browsers: str | None = None
    countries: str | None = None


class Listed:
    """A table of sessions, the index that follows it, and the model: a dict."""

    def __init__(self) -> None:
        self.connection = SqliteConnection(":memory:")
        self.conn = self.connection.raw
        self.conn.executescript(TABLE)
        self.index = SessionIndex()
        self.sessions: dict[str, Session] = {}
        self.revision = 0

    def put(self, *sessions: Session) -> None:
        for s in sessions:
            self.revision += 1
            row = (s.id, s.app_id, s.meeting_id, s.title, s.status, s.started_at, s.sort_ms)
            marks = (getattr(s, name) for name in MARKS)
            self.conn.execute(PUT, (self.revision, *row, s.total_participants, *marks))
            self.sessions[s.id] = s

    def erase(self, session_id: str) -> None:
        self.conn.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        self.index.forget(session_id)
        del self.sessions[session_id]

    def erase_elsewhere(self, *session_ids: str) -> None:
        """By another process, which leaves nothing but rows that are missing."""
        for session_id in session_ids:
            self.conn.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
            del self.sessions[session_id]
        self.index.refresh(self.connection)
        self.index.forget_missing(self.connection)

    def ask(self, asked: SessionFilter, page: Page) -> tuple[list[str], int]:
        self.index.refresh(self.connection)
        return self.index.query(asked, page)

    def expect(self, asked: SessionFilter, page: Page) -> tuple[list[str], int]:
        fit = sorted((s for s in self.sessions.values() if fits(s, asked)), key=lambda s: s.id)
        fit.sort(
            key=lambda s: s.started_at if asked.sort_by == "createdAt" else s.sort_ms,
            reverse=asked.descending,  # a reversed sort is stable: ties stay by id
        )
        return [s.id for s in fit[page.offset : page.offset + page.limit]], len(fit)

    def check(self, asked: SessionFilter, page: Page = EVERYTHING) -> None:
        assert self.ask(asked, page) == self.expect(asked, page)


def fits(s: Session, asked: SessionFilter) -> bool:
    return (
        s.app_id == asked.app_id
        and asked.meeting_id in (None, s.meeting_id)
        and asked.status in (None, s.status)
        and (asked.started_from is None or s.started_at >= asked.started_from)
        and (asked.started_to is None or s.started_at <= asked.started_to)
        and (asked.people_min is None or s.total_participants >= asked.people_min)
        and (asked.people_max is None or s.total_participants <= asked.people_max)
        and (
            asked.search is None
            or any(asked.search.casefold() in t.casefold() for t in (s.title, s.meeting_id, s.id))
        )
        and marked(s, asked)
    )


def marked(s: Session, asked: SessionFilter) -> bool:
    """The filters of what was found."""
    mos, gravest, *sets = (getattr(s, name) for name in MARKS)
    findings, browsers, countries = ((text or "").split("\n") for text in sets)
    return (
        (asked.mos_below is None or (mos is not None and mos < asked.mos_below))
        and (gravest or 0) >= asked.min_severity
        and (not asked.finding_ids or bool(asked.finding_ids & set(findings)))
        and (asked.browser is None or asked.browser.casefold() in browsers)
        and (asked.country is None or asked.country.casefold() in countries)
    )


def session(**members: Any) -> Session:
    defaults = {"app_id": "app", "meeting_id": "m", "title": "Stand-up", "started_at": 0}
    return Sealed(**(defaults | {"created_at": 0, "updated_at": 0} | members))


def in_every_order(asked: SessionFilter) -> Iterator[SessionFilter]:
    for sort_by in ("createdAt", "minutesConsumed"):
        for descending in (True, False):
            yield replace(asked, sort_by=sort_by, descending=descending)


# Few values each, so that ties, repeated meetings and shared parts of ids come up all the time.
UUIDS = [str(uuid.UUID(int=0x1234ABCD << at | at)) for at in range(0, 96, 7)]
ODD_IDS = ["", "abc", "ABCD-1", UUIDS[3].upper(), UUIDS[4] + "x", "ß-é-" * 9, "a" * 36, "-" * 36]
TITLES = [
    "Stand-up",
    "STRASSE",
    "Straße 1",
    "Ĳsland ab",
    "",
    "ab",
    "0 ab",
    "retro\U0001f389",
    "\xff",
]
ids = st.one_of(st.sampled_from(UUIDS), st.sampled_from(ODD_IDS), st.uuids().map(str))
meetings = st.one_of(st.sampled_from(UUIDS[:4]), st.sampled_from(["room", "Room 2", ""]))
apps = st.sampled_from(["app", "other"])
times = st.one_of(st.integers(0, 5), st.integers(-(2**62), 2**62))
small = st.integers(0, 4)
texts = st.one_of(
    st.sampled_from(["a", "0", "-", "ab", "00", "STRASSE", "ss", "ß", "island", "é", "\xff", ""]),
    st.text("0123456789abcdefABCDEF-", max_size=6),
    st.builds(
        lambda text, start, length: text[start : start + length],
        st.sampled_from([*UUIDS, *ODD_IDS, *TITLES, *(text.upper() for text in UUIDS)]),
        st.integers(0, 35),
        st.integers(1, 36),
    ),
)
states = {
    "meeting_id": meetings,
    "title": st.sampled_from(TITLES),
    "status": st.sampled_from([LIVE, ENDED]),
    "started_at": times,
    "sort_ms": times,
    "total_participants": small,
    "mos_hundredths": st.none() | st.integers(100, 450),
    "severity": st.none() | st.integers(0, 3),
    "finding_ids": st.none() | st.sampled_from(["", "high_rtt", "high_rtt\nuplink_loss"]),
    "browsers": st.none() | st.sampled_from(["", "chrome", "chrome\nfirefox", "straße"]),
    "countries": st.none() | st.sampled_from(["", "ch\nde", "de"]),
}
filters = st.builds(
    SessionFilter,
    app_id=apps,
    meeting_id=st.none() | meetings,
    status=st.sampled_from([None, None, LIVE, ENDED, "PAUSED"]),
    started_from=st.none() | times,
    started_to=st.none() | times,
    people_min=st.none() | small,
    people_max=st.none() | small,
    search=st.none() | texts,
    finding_ids=st.frozensets(st.sampled_from(["high_rtt", "uplink_loss", "other"]), max_size=2),
    min_severity=st.sampled_from([0, 0, 0, 1, 2, 3]),
    browser=st.sampled_from([None, None, "Chrome", "FIREFOX", "STRASSE", "chr"]),
    country=st.sampled_from([None, None, "DE", "ch", "fr"]),
    mos_below=st.none() | st.integers(100, 500),
    sort_by=st.sampled_from(["createdAt", "minutesConsumed"]),
    descending=st.booleans(),
)
pages = st.builds(Page, offset=st.integers(0, 30), limit=st.integers(0, 12))


class FollowingTheTable(RuleBasedStateMachine):
    """Puts, changes, erasures and questions, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = Listed()

    @rule(batch=st.lists(st.builds(session, id=ids, app_id=apps, **states), max_size=12))
    def put(self, batch: list[Session]) -> None:
        for s in batch:
            known = self.listed.sessions.get(s.id, s)
            self.listed.put(replace(s, app_id=known.app_id))

    @precondition(lambda self: self.listed.sessions)
    @rule(data=st.data(), changes=st.fixed_dictionaries({}, optional=states))
    def change(self, data: st.DataObject, changes: dict[str, Any]) -> None:
        at = data.draw(st.sampled_from(sorted(self.listed.sessions)))
        self.listed.put(replace(self.listed.sessions[at], **changes))

    @precondition(lambda self: self.listed.sessions)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        self.listed.erase(data.draw(st.sampled_from(sorted(self.listed.sessions))))

    @precondition(lambda self: self.listed.sessions)
    @rule(data=st.data())
    def erase_elsewhere(self, data: st.DataObject) -> None:
        some = st.lists(st.sampled_from(sorted(self.listed.sessions)), min_size=1, unique=True)
        self.listed.erase_elsewhere(*data.draw(some))

    @rule(asked=filters, page=pages)
    def ask(self, asked: SessionFilter, page: Page) -> None:
        self.listed.check(asked, page)

    @rule()
    def restart(self) -> None:
        self.listed.index = SessionIndex()

    @invariant()
    def every_order_holds(self) -> None:
        if len(self.listed.sessions) % 3 == 0:  # else let changes pile up
            for asked in in_every_order(SessionFilter(app_id="app")):
                self.listed.check(asked)

    def teardown(self) -> None:
        self.listed.connection.close()


class InSmallBlocks(FollowingTheTable):
    """The same where blocks are cut and written anew all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = pytest.MonkeyPatch()
        small_blocks(self.limits)

    def teardown(self) -> None:
        super().teardown()
        self.limits.undo()


def small_blocks(limits: pytest.MonkeyPatch, rows: int = 4, recent: int = 3) -> None:
    limits.setattr(session_order, "BLOCK", rows)
    limits.setattr(session_order, "RECENT", recent)
    limits.setattr(session_order, "WHOLE", 3)


TestFollowingTheTable = FollowingTheTable.TestCase
TestInSmallBlocks = InSmallBlocks.TestCase
TestFollowingTheTable.settings = TestInSmallBlocks.settings = settings(
    max_examples=80, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


@given(
    st.lists(st.builds(session, id=ids, **states), max_size=25, unique_by=lambda s: s.id),
    filters,
    st.integers(1, 7),
)
@settings(deadline=None, max_examples=60)
def test_pages_never_overlap_and_cover_everything(
    sessions: list[Session], asked: SessionFilter, size: int
) -> None:
    listed = Listed()
    listed.put(*sessions)
    asked = replace(asked, app_id="app")
    walked: list[str] = []
    while True:
        found, total = listed.ask(asked, Page(len(walked), size))
        if not found:
            break
        walked += found
    assert len(walked) == len(set(walked)) == total
    assert walked == listed.expect(asked, EVERYTHING)[0]


@given(st.lists(st.builds(session, id=ids, **states), max_size=20), texts)
@settings(deadline=None, max_examples=150)
def test_search_finds_what_python_finds(sessions: list[Session], text: str) -> None:
    listed = Listed()
    listed.put(*sessions)
    listed.check(SessionFilter(app_id="app", search=text))


def crowd(count: int, rng: random.Random) -> list[Session]:
    """Sessions with many ties of both keys, in no order of time."""
    return [
        session(
            id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            meeting_id=str(uuid.UUID(int=rng.randrange(50))),
            title=rng.choice(["Retro", "Daily", "Große Runde"]) + f" {rng.randrange(200)}",
            status=rng.choice([LIVE, ENDED, ENDED, ENDED]),
            started_at=rng.randrange(1 + count // 3),
            sort_ms=rng.choice([0, rng.randrange(10**6)]),
            total_participants=rng.randrange(40),
        )
        for _ in range(count)
    ]


def questions(listed: Listed, rng: random.Random) -> list[SessionFilter]:
    some = rng.choice(list(listed.sessions.values()))
    return [
        asked
        for members in (
            {},
            {"status": ENDED},
            {"meeting_id": some.meeting_id, "people_min": 3},
            {"started_from": 100, "started_to": some.started_at},
            {"people_min": 5, "people_max": 30, "status": LIVE, "search": "grosse"},
            {"search": some.id[3:12]},
            {"search": some.meeting_id},
            {"search": "1"},
        )
        for asked in in_every_order(SessionFilter(app_id="app", **members))
    ]


def test_a_crowd_is_listed_right_over_block_boundaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_order, "BLOCK", 32_768)
    rng = random.Random(7)
    listed = Listed()
    listed.put(*crowd(2 * session_order.BLOCK + 5_000, rng))
    for asked in questions(listed, rng):
        everything, total = listed.expect(asked, EVERYTHING)
        for offset in (0, rng.randint(0, total), max(0, total - 9), total):
            expected = everything[offset : offset + 20]
            assert listed.ask(asked, Page(offset, 20)) == (expected, total)


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("most", [3, 40, 1_100])
def test_changes_keep_the_orders_however_many_come_at_once(
    monkeypatch: pytest.MonkeyPatch, most: int, small: bool
) -> None:
    if small:
        small_blocks(monkeypatch, rows=64, recent=100)
    rng = random.Random(most)
    listed = Listed()
    listed.put(*crowd(3_000, rng))
    for at_once in [most, 5] * 4:
        for asked in rng.sample(questions(listed, rng), 3):
            listed.check(asked)
        known = list(listed.sessions.values())
        for s in rng.sample(known, at_once):
            listed.put(replace(s, status=ENDED, sort_ms=rng.choice([0, rng.randrange(10**6)])))
        for s in rng.sample(known, at_once // 2):
            listed.erase(s.id)
        listed.put(*crowd(at_once // 2 + 1, rng))


@pytest.mark.parametrize("small", [False, True])
def test_when_most_sessions_were_erased_the_rest_are_still_listed(
    monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    if small:
        small_blocks(monkeypatch, rows=64, recent=100)
    rng = random.Random(1)
    listed = Listed()
    listed.put(*crowd(3_000, rng), *(session(id=f"odd {at}") for at in range(9)))
    listed.check(SessionFilter(app_id="app"))
    listed.put(*(replace(s, sort_ms=7) for s in rng.sample(list(listed.sessions.values()), 60)))
    listed.check(SessionFilter(app_id="app"))
    for session_id in rng.sample(sorted(listed.sessions), 2_800):
        listed.erase(session_id)
    for asked in in_every_order(SessionFilter(app_id="app")):
        listed.check(asked)
    listed.put(*crowd(30, rng), *(replace(s, sort_ms=5) for s in listed.sessions.values()))
    for asked in questions(listed, rng):
        listed.check(asked)


def test_an_ordinal_used_again_names_the_new_session() -> None:
    listed = Listed()
    listed.put(session(id=UUIDS[0]), session(id=UUIDS[1]))
    listed.check(SessionFilter(app_id="app"))
    listed.erase(UUIDS[1])
    listed.put(session(id=UUIDS[2], title="another"))
    listed.check(SessionFilter(app_id="app"))
    listed.put(session(id=UUIDS[2], title="renamed", sort_ms=9))
    listed.check(SessionFilter(app_id="app", search="RENAMED"))


def test_sessions_whose_ordinals_came_late_can_change() -> None:
    listed = Listed()
    for ordinal, at in ((50, 0), (20, 1), (30, 2), (10, 3), (60, 4)):
        listed.put(session(id=UUIDS[at]))
        listed.conn.execute("UPDATE sessions SET ordinal = ? WHERE id = ?", (ordinal, UUIDS[at]))
        listed.check(SessionFilter(app_id="app"))
    for at in (3, 1, 0, 2):
        listed.put(session(id=UUIDS[at], sort_ms=at, started_at=-at))
        for asked in in_every_order(SessionFilter(app_id="app")):
            listed.check(asked)


def test_a_million_meetings_would_be_told_apart_without_being_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("roomtone.storage.session_search.REMEMBERED", 4)
    rng = random.Random(3)
    listed = Listed()
    for _ in range(3):
        listed.put(*crowd(300, rng))
        listed.put(*(replace(s, sort_ms=1) for s in list(listed.sessions.values())[::7]))
        for asked in questions(listed, rng):
            listed.check(asked)


@pytest.mark.parametrize("edge", [-(10**30), -(2**63), 2**63 - 1, 10**30])
def test_bounds_beyond_every_number_are_bounds_all_the_same(edge: int) -> None:
    listed = Listed()
    listed.put(*(session(id=text, started_at=at) for at, text in enumerate(UUIDS)))
    for name in ("started_from", "started_to", "people_min", "people_max"):
        for asked in in_every_order(SessionFilter(app_id="app", **{name: edge})):
            listed.check(asked)


def test_what_another_process_erased_is_found_missing_and_nothing_else() -> None:
    rng = random.Random(5)
    listed = Listed()
    listed.put(*crowd(300, rng), *(replace(s, app_id="other") for s in crowd(300, rng)))
    # Ordinals in several blocks, and some that came late.
    listed.conn.execute("UPDATE sessions SET ordinal = 1000 * (1 + ordinal * 7919 % 607)")
    for app_id in ("app", "other"):
        listed.check(SessionFilter(app_id=app_id))
    listed.erase_elsewhere(*rng.sample(sorted(listed.sessions), 90))
    listed.put(*crowd(20, rng))
    for app_id in ("app", "other"):
        for asked in in_every_order(SessionFilter(app_id=app_id)):
            listed.check(asked)


def test_an_ordinal_that_moved_to_another_app_names_the_session_there() -> None:
    listed = Listed()
    listed.put(session(id=UUIDS[0]), session(id=UUIDS[1]))
    listed.check(SessionFilter(app_id="app"))
    listed.conn.execute("DELETE FROM sessions WHERE id = ?", (UUIDS[1],))
    del listed.sessions[UUIDS[1]]
    listed.put(session(id=UUIDS[2], app_id="other"))
    listed.index.refresh(listed.connection)
    listed.index.forget_missing(listed.connection)
    for app_id in ("app", "other"):
        listed.check(SessionFilter(app_id=app_id))


@pytest.mark.parametrize("largest", [255, 256, 70_000, 2**31 - 1])
def test_numbers_of_any_size_are_compared_whatever_came_before(largest: int) -> None:
    listed = Listed()
    listed.put(*(session(id=text, total_participants=at) for at, text in enumerate(UUIDS[:5])))
    listed.check(SessionFilter(app_id="app", people_min=2))
    changed = replace(listed.sessions[UUIDS[0]], total_participants=largest)
    listed.put(changed, session(id=UUIDS[6], total_participants=largest - 1))
    for least in (1, 255, 256, largest, largest + 1):
        for asked in in_every_order(SessionFilter(app_id="app", people_min=least)):
            listed.check(asked)


@pytest.mark.parametrize("one_in", [1, 2, 7, 60, 900])
def test_every_page_of_a_filter_is_right_however_many_fit(
    monkeypatch: pytest.MonkeyPatch, one_in: int
) -> None:
    monkeypatch.setattr(session_order, "BLOCK", 128)
    rng = random.Random(one_in)
    listed = Listed()
    everybody = crowd(3_000, rng)
    listed.put(
        *(
            replace(s, status=ENDED if rng.randrange(one_in) else LIVE, total_participants=at % 3)
            for at, s in enumerate(everybody)
        )
    )
    listed.check(SessionFilter(app_id="app"), Page(0, 1))
    for session_id in rng.sample(sorted(listed.sessions), 50):
        listed.erase(session_id)
    for members in ({"status": LIVE}, {"status": LIVE, "people_max": 1, "started_from": 300}):
        for asked in in_every_order(SessionFilter(app_id="app", **members)):
            everything, total = listed.expect(asked, EVERYTHING)
            for offset in {0, total // 3, total // 2, 2 * total // 3, max(0, total - 20), total}:
                expected = everything[offset : offset + 20]
                assert listed.ask(asked, Page(offset, 20)) == (expected, total)


def test_what_is_remembered_of_a_question_never_outlives_a_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_blocks(monkeypatch, rows=64, recent=9)
    rng = random.Random(11)
    listed = Listed()
    listed.put(*crowd(900, rng))
    asked_again = questions(listed, rng)
    for _ in range(6):
        for asked in asked_again:
            listed.check(asked)
        known = list(listed.sessions.values())
        for s in rng.sample(known, 3):
            listed.put(replace(s, title=rng.choice(["Große Runde 1", "Daily"]), status=ENDED))
        listed.put(replace(rng.choice(known), meeting_id=str(uuid.UUID(int=1))))
        for session_id in rng.sample(sorted(listed.sessions), 2):
            listed.erase(session_id)
        listed.put(*crowd(4, rng))


def test_an_unknown_app_has_no_sessions() -> None:
    assert Listed().ask(SessionFilter(app_id="nobody"), EVERYTHING) == ([], 0)


def test_forgetting_a_session_nobody_knows_is_no_error() -> None:
    listed = Listed()
    listed.put(session(id=UUIDS[0]))
    listed.index.forget(UUIDS[0])
    listed.index.forget("nobody")
    listed.check(SessionFilter(app_id="app"))
