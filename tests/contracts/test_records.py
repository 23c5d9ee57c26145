"""Every adapter of the records keeps what ports/records.py promises."""

import asyncio
import gzip
import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from databases import database_of
from roomtone.model.presence import Presence
from roomtone.model.rooms import INACTIVE, Meeting, Participant, Preset
from roomtone.model.sessions import ENDED, LIVE, Peer, Session
from roomtone.model.tenancy import Account, ApiToken, App
from roomtone.ports.records import (
    MeetingFilter,
    Page,
    PeerFilter,
    Quarantined,
    Records,
    SessionFilter,
    StoredReport,
    Transaction,
)
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords
from roomtone.storage.report_packing import pack_report

T = TypeVar("T")
T0 = 1_700_000_000_000
ALL = Page(0, 1_000)


@pytest.fixture(params=["sqlite", "sqlite in memory", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    with database_of(request.param, tmp_path) as database:
        yield SqlRecords(database)


def write(records: Records, change: Callable[[Transaction], T]) -> T:
    return asyncio.run(records.write(change))


def read(records: Records, ask: Callable[[Transaction], T]) -> T:
    answer = asyncio.run(records.read(ask))
    assert records.peek(ask) == answer
    return answer


def meeting(meeting_id: str = "m1", **more: Any) -> Meeting:
    plain = {"app_id": "app", "created_at": T0, "updated_at": T0}
    return Meeting(id=meeting_id, **(plain | more))


def participant(participant_id: str = "u1", **more: Any) -> Participant:
    plain = {
        "app_id": "app",
        "meeting_id": "m1",
        "custom_participant_id": "c1",
        "preset_name": "host",
        "created_at": T0,
        "updated_at": T0,
    }
    return Participant(id=participant_id, **(plain | more))


def session(session_id: str = "s1", **more: Any) -> Session:
    plain = {
        "app_id": "app",
        "meeting_id": "m1",
        "title": "Weekly",
        "started_at": T0,
        "created_at": T0,
        "updated_at": T0,
    }
    return Session(id=session_id, **(plain | more))


def peer(number: int = 1, **more: Any) -> Peer:
    plain = {
        "subject": number.to_bytes(16, "big"),
        "app_id": "app",
        "session_id": "s1",
        "peer_id": f"p{number}",
        "user_id": f"u{number}",
        "custom_participant_id": f"custom-{number}",
        "display_name": f"Name {number}",
        "preset_name": "guest",
        "joined_at": T0 + number,
        "last_sign_at": T0 + number,
        "presence": Presence(joins=((T0, "call_join"),), heard=(("p2", T0),), lag=-3),
        "created_at": T0 + number,
        "updated_at": T0,
    }
    return Peer(**(plain | more))


# --- transactions ---------------------------------------------------------------------------------


def test_a_function_that_raises_leaves_nothing_behind(records: Records) -> None:
    def fails(tx: Transaction) -> None:
        tx.rooms.put_meeting(meeting())
        tx.set_cursor("roster", 9)
        raise LookupError

    with pytest.raises(LookupError):
        write(records, fails)
    assert read(records, lambda tx: (tx.rooms.meeting("app", "m1"), tx.cursor("roster"))) == (
        None,
        0,
    )


def test_a_function_sees_what_it_wrote_itself(records: Records) -> None:
    def change(tx: Transaction) -> tuple[Session | None, int]:
        tx.sessions.put_session(session())
        return tx.sessions.session("app", "s1"), len(
            tx.sessions.list_sessions(SessionFilter(app_id="app"), ALL)[0]
        )

    assert write(records, change) == (session(), 1)


def test_writes_at_once_do_not_lose_each_others_changes(records: Records) -> None:
    def add(tx: Transaction) -> None:
        tx.set_cursor("count", tx.cursor("count") + 1)

    async def story() -> None:
        await asyncio.gather(*(records.write(add) for _ in range(50)))

    asyncio.run(story())
    assert records.peek(lambda tx: tx.cursor("count")) == 50


def test_cursors_stand_at_zero_and_move_each_for_itself(records: Records) -> None:
    write(records, lambda tx: tx.set_cursor("roster", 1 << 40))
    asked = read(records, lambda tx: (tx.cursor("roster"), tx.cursor("other")))
    assert asked == (1 << 40, 0)


# --- tenants --------------------------------------------------------------------------------------


def test_accounts_apps_and_tokens_come_back_as_they_were_put(records: Records) -> None:
    account = Account(id="a" * 32, name="Ünïted", created_at=T0)
    app = App(id="app", account_id=account.id, name="Default", signing_key="ff00", created_at=T0)
    token = ApiToken(
        id="t1",
        account_id=account.id,
        app_id=None,
        name="ci",
        scope="admin",
        sha256=bytes(range(32)),
        created_at=T0,
    )

    def put(tx: Transaction) -> None:
        tx.tenants.put_account(account)
        tx.tenants.put_app(app)
        tx.tenants.put_token(token)

    write(records, put)
    assert read(records, lambda tx: tx.tenants.account(account.id)) == account
    assert read(records, lambda tx: tx.tenants.accounts()) == [account]
    assert read(records, lambda tx: tx.tenants.app("app")) == app
    assert read(records, lambda tx: tx.tenants.app("APP")) is None
    assert read(records, lambda tx: tx.tenants.token_by_sha256(token.sha256)) == token
    assert read(records, lambda tx: tx.tenants.token_by_sha256(bytes(32))) is None
    revoked = replace(token, revoked_at=T0 + 1)
    write(records, lambda tx: tx.tenants.put_token(revoked))
    assert read(records, lambda tx: tx.tenants.tokens(account.id)) == [revoked]


def test_apps_are_listed_by_creation_and_found_by_name_or_id(records: Records) -> None:
    def app(app_id: str, name: str, at: int, account: str = "acc") -> App:
        return App(id=app_id, account_id=account, name=name, signing_key="00", created_at=at)

    apps = [app("b", "Alpha", 1), app("a", "Beta", 1), app("c", "ALPHA 2", 2)]
    foreign = app("z", "Alpha", 1, "other")

    def put(tx: Transaction) -> None:
        for one in [*apps, foreign]:
            tx.tenants.put_app(one)

    write(records, put)

    def ids(search: str | None, descending: bool, page: Page = ALL) -> tuple[list[str], int]:
        found, total = read(records, lambda tx: tx.tenants.apps("acc", search, descending, page))
        return [one.id for one in found], total

    assert ids(None, descending=True) == (["c", "a", "b"], 3)
    assert ids(None, descending=False) == (["a", "b", "c"], 3)
    assert ids("alpha", descending=False) == (["b", "c"], 2)
    assert ids(None, descending=False, page=Page(1, 1)) == (["b"], 3)
    assert ids(None, descending=False, page=Page(1 << 80, 1)) == ([], 3)


# --- rooms ----------------------------------------------------------------------------------------


def test_meetings_come_back_with_all_that_is_nested_in_them(records: Records) -> None:
    full = meeting(
        title="Täglich \N{PARTY POPPER}",
        record_on_start=True,
        persist_chat=True,
        ai_config={"transcription": {"keywords": ["a", "ß"], "language": "de"}, "n": [1, 2.5]},
        recording_config={},
        parent_meeting_id="m0",
        session_keep_alive_time_in_secs=600,
    )
    write(records, lambda tx: tx.rooms.put_meeting(full))
    assert read(records, lambda tx: tx.rooms.meeting("app", "m1")) == full
    assert read(records, lambda tx: tx.rooms.meeting("other", "m1")) is None
    changed = replace(full, title="new", ai_config=None, persist_chat=False)
    write(records, lambda tx: tx.rooms.put_meeting(changed))
    found = read(records, lambda tx: tx.rooms.meeting("app", "m1"))
    assert msgspec.json.encode(found) == msgspec.json.encode(changed)  # booleans stay booleans
    assert read(records, lambda tx: tx.rooms.meetings(MeetingFilter(app_id="app"), ALL)[1]) == 1


def test_meetings_are_listed_newest_first_and_filtered(records: Records) -> None:
    def put(tx: Transaction) -> None:
        tx.rooms.put_meeting(meeting("m1", title="100% Łódź", created_at=T0 + 1))
        tx.rooms.put_meeting(meeting("m2", title="100 percent", created_at=T0 + 2))
        tx.rooms.put_meeting(meeting("m3", created_at=T0 + 2, status=INACTIVE))
        tx.rooms.put_meeting(meeting("m4", app_id="other", created_at=T0 + 2))

    write(records, put)

    def ids(page: Page = ALL, **asked: Any) -> list[str]:
        found, total = read(
            records, lambda tx: tx.rooms.meetings(MeetingFilter(app_id="app", **asked), page)
        )
        assert page is not ALL or len(found) == total
        return [one.id for one in found]

    assert ids() == ["m2", "m3", "m1"]
    assert ids(Page(2, 2)) == ["m1"]
    assert ids(search="łÓDŹ") == ["m1"]
    assert ids(search="0%") == ["m1"]
    assert ids(search="1_0") == []
    assert ids(search="M3") == ["m3"]
    assert ids(search="") == ["m2", "m3", "m1"]
    assert ids(created_from=T0 + 2) == ["m2", "m3"]
    assert ids(created_to=T0 + 1) == ["m1"]
    assert ids(status=INACTIVE) == ["m3"]


def test_participants_who_were_removed_are_kept_but_not_listed(records: Records) -> None:
    people = [
        participant("u1", name="Ann", picture="https://x/y.png"),
        participant("u2", created_at=T0 + 1, deleted_at=T0 + 5),
        participant("u3", created_at=T0 + 1),
        participant("u4", meeting_id="m2"),
    ]

    def put(tx: Transaction) -> None:
        for one in people:
            tx.rooms.put_participant(one)

    write(records, put)
    listed, total = read(records, lambda tx: tx.rooms.participants("m1", ALL))
    assert (listed, total) == ([people[2], people[0]], 2)
    assert read(records, lambda tx: tx.rooms.participant("app", "u2")) == people[1]
    assert read(records, lambda tx: tx.rooms.participant("other", "u1")) is None


def test_presets_are_found_by_id_and_exact_name_and_can_be_deleted(records: Records) -> None:
    def preset(preset_id: str, name: str, at: int) -> Preset:
        config = {"permissions": {"chat": True}, "ui": [None, 1]}
        return Preset(
            id=preset_id, app_id="app", name=name, config=config, created_at=at, updated_at=at
        )

    host, guest = preset("x", "host", 1), preset("y", "guest", 2)

    def put(tx: Transaction) -> None:
        tx.rooms.put_preset(host)
        tx.rooms.put_preset(guest)

    write(records, put)
    assert read(records, lambda tx: tx.rooms.preset("app", "x")) == host
    assert read(records, lambda tx: tx.rooms.preset_named("app", "guest")) == guest
    assert read(records, lambda tx: tx.rooms.preset_named("app", "Guest")) is None
    assert read(records, lambda tx: tx.rooms.presets("app", ALL)) == ([guest, host], 2)
    write(records, lambda tx: tx.rooms.delete_preset("x"))
    assert read(records, lambda tx: tx.rooms.presets("app", ALL)) == ([guest], 1)
    assert read(records, lambda tx: tx.rooms.presets("other", ALL)) == ([], 0)


# --- sessions -------------------------------------------------------------------------------------


def test_sessions_come_back_as_they_were_put(records: Records) -> None:
    full = session(
        status=ENDED,
        ended_at=T0 + 9,
        end_reason="ALL_PARTICIPANTS_LEFT",
        empty_since=T0 + 8,
        parent_session_id="s0",
        closed_ms=1 << 40,
        live_since_sum=T0 * 5_000,
        sealed_at=T0 + 10,
    )
    write(records, lambda tx: tx.sessions.put_session(session()))
    write(records, lambda tx: tx.sessions.put_session(full))
    assert read(records, lambda tx: tx.sessions.session("app", "s1")) == full
    assert read(records, lambda tx: tx.sessions.session("other", "s1")) is None
    assert read(records, lambda tx: tx.sessions.session_by_id("s1")) == full
    assert read(records, lambda tx: tx.sessions.child_sessions("s0")) == [full]
    assert read(records, lambda tx: list(tx.sessions.all_session_ids())) == ["s1"]


def test_the_list_follows_every_change_at_once(records: Records) -> None:
    def ids(**asked: Any) -> tuple[list[str], int]:
        found, total = read(
            records,
            lambda tx: tx.sessions.list_sessions(SessionFilter(app_id="app", **asked), ALL),
        )
        return [one.id for one in found], total

    assert ids() == ([], 0)
    write(records, lambda tx: tx.sessions.put_session(session("s1")))
    write(records, lambda tx: tx.sessions.put_session(session("s2", started_at=T0 + 5)))
    assert ids() == (["s2", "s1"], 2)
    ended = session("s1", started_at=T0 + 9, status=ENDED, title="Łódź")
    write(records, lambda tx: tx.sessions.put_session(ended))
    assert ids() == (["s1", "s2"], 2)
    assert ids(status=LIVE) == (["s2"], 1)
    assert ids(search="łódź") == (["s1"], 1)


def test_a_page_of_many_is_in_order_and_whole(records: Records) -> None:
    """Rows are read many at a time: 130 are more than two such reads hold."""
    many = [session(f"s{number:03}", started_at=T0 + number * 7919 % 130) for number in range(130)]

    def put(tx: Transaction) -> None:
        for one in many:
            tx.sessions.put_session(one)

    write(records, put)
    newest = sorted(many, key=lambda one: -one.started_at)
    for size in (1, 3, 64, 65, 130):
        page = Page(0, size)
        found = read(
            records,
            lambda tx, page=page: tx.sessions.list_sessions(SessionFilter(app_id="app"), page),
        )
        assert found == (newest[:size], 130)


def test_rows_that_were_rolled_back_never_reach_the_list(records: Records) -> None:
    asked = SessionFilter(app_id="app")

    def fails(tx: Transaction) -> None:
        tx.sessions.put_session(session())
        assert tx.sessions.list_sessions(asked, ALL)[1] == 1
        raise LookupError

    with pytest.raises(LookupError):
        write(records, fails)
    assert read(records, lambda tx: tx.sessions.list_sessions(asked, ALL)) == ([], 0)
    write(records, lambda tx: tx.sessions.put_session(session("s2")))
    assert read(records, lambda tx: tx.sessions.list_sessions(asked, ALL)[1]) == 1


def test_a_meeting_has_one_live_session_and_all_live_ones_are_known(records: Records) -> None:
    def put(tx: Transaction) -> None:
        tx.sessions.put_session(session("s1", status=ENDED, ended_at=T0 + 1))
        tx.sessions.put_session(session("s2", started_at=T0 + 2))
        tx.sessions.put_session(session("s3", meeting_id="m2", started_at=T0 + 1))

    write(records, put)

    def live(meeting_id: str) -> str | None:
        found = read(records, lambda tx: tx.sessions.live_session(meeting_id))
        return None if found is None else found.id

    assert (live("m1"), live("m2"), live("m3")) == ("s2", "s3", None)
    assert read(records, lambda tx: [one.id for one in tx.sessions.live_sessions()]) == ["s3", "s2"]


def test_unsealed_sessions_are_the_ended_ones_without_reports(records: Records) -> None:
    def put(tx: Transaction) -> None:
        for n in range(5):
            tx.sessions.put_session(session(f"e{n}", status=ENDED, ended_at=T0 - n))
        tx.sessions.put_session(session("live"))
        sealed = session("sealed", status=ENDED, ended_at=T0, sealed_at=T0)
        tx.sessions.put_session(sealed)

    write(records, put)
    found = read(records, lambda tx: tx.sessions.unsealed_sessions(3))
    assert [one.id for one in found] == ["e4", "e3", "e2"]
    unsealed = session("sealed", status=ENDED, ended_at=T0 - 99)
    write(records, lambda tx: tx.sessions.put_session(unsealed))
    assert read(records, lambda tx: tx.sessions.unsealed_sessions(1)) == [unsealed]


spans = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 30) | st.none()), min_size=0, max_size=5
)


@settings(deadline=None, max_examples=60)
@given(spans, st.integers(-10, 140), st.integers(0, 20))
def test_the_session_at_a_time_is_the_nearest_within_the_grace(
    held: list[tuple[int, int | None]], t: int, grace: int
) -> None:
    records = SqlRecords(database := Database.open(":memory:"))
    sessions = [
        session(
            f"s{n}",
            started_at=start,
            ended_at=None if length is None else start + length,
            status=LIVE if length is None else ENDED,
        )
        for n, (start, length) in enumerate(held)
    ]

    def put(tx: Transaction) -> None:
        for one in [*sessions, session("other", meeting_id="m2", started_at=t)]:
            tx.sessions.put_session(one)

    def distance(one: Session) -> int:
        inside = range(one.started_at, 1_000 if one.ended_at is None else one.ended_at + 1)
        return min(abs(t - moment) for moment in inside)

    write(records, put)
    found = read(records, lambda tx: tx.sessions.session_at("m1", t, grace))
    near = min((distance(one) for one in sessions), default=None)
    if near is None or near > grace:
        assert found is None
    else:
        assert found is not None
        assert found.meeting_id == "m1"
        assert distance(found) == near
    database.close()


def test_all_ids_come_once_however_many(records: Records) -> None:
    wanted = [f"s{n:05}" for n in range(2_500)]

    def put(tx: Transaction) -> None:
        for session_id in wanted:
            tx.sessions.put_session(session(session_id))

    write(records, put)
    assert read(records, lambda tx: list(tx.sessions.all_session_ids())) == wanted


# --- peers ----------------------------------------------------------------------------------------


def test_peers_come_back_with_their_presence(records: Records) -> None:
    full = peer(
        left_at=T0 + 5, left_reason="kicked", vouched_at=T0 + 4, picture="p", display_name="Zoë"
    )
    write(records, lambda tx: tx.sessions.put_peer(peer()))
    write(records, lambda tx: tx.sessions.put_peer(full))
    assert read(records, lambda tx: tx.sessions.peer_by_subject(full.subject)) == full
    assert read(records, lambda tx: tx.sessions.peer("app", "p1")) == full
    assert read(records, lambda tx: tx.sessions.peer("other", "p1")) is None
    assert read(records, lambda tx: tx.sessions.peer_by_subject(bytes(16))) is None
    assert read(records, lambda tx: tx.sessions.peers("s1")) == [full]


def test_of_two_who_claim_a_peer_id_the_first_one_has_it(records: Records) -> None:
    first = peer(2, peer_id="same", created_at=T0)
    second = peer(1, peer_id="same", created_at=T0 + 1)

    def put(tx: Transaction) -> None:
        for one in (second, first):
            tx.sessions.put_peer(one)
            tx.reports.put_report(report(one.subject, "same", one.user_id.encode()))

    write(records, put)
    assert read(records, lambda tx: tx.sessions.peer("app", "same")) == first
    stored = read(records, lambda tx: tx.reports.report("app", "same"))
    assert stored is not None
    assert stored.body == b"u2"


def test_peer_lists_equal_a_naive_sort_and_filter(records: Records) -> None:
    dice = random.Random(5)
    now = T0 + 60
    people = [
        peer(
            n,
            peer_id=f"p{dice.randint(0, 10**9)}",
            joined_at=T0 + dice.randint(0, 9),
            left_at=dice.choice([None, T0 + dice.randint(0, 20)]),
            display_name=dice.choice(["Ann", "ann_b", "ÅSA", "50%"]),
        )
        for n in range(60)
    ]

    def put(tx: Transaction) -> None:
        for one in [*people, peer(99, session_id="s2")]:
            tx.sessions.put_peer(one)

    write(records, put)

    def fits(one: Peer, search: str) -> bool:
        texts = (one.peer_id, one.custom_participant_id, one.display_name)
        return any(search.casefold() in text.casefold() for text in texts)

    for search, sort_by, descending in itertools.product(
        [None, "ANN", "åsa", "n_", "0%", "custom-1", "p1"],
        ["joinedAt", "duration"],
        [True, False],
    ):
        asked = PeerFilter(session_id="s1", search=search, sort_by=sort_by, descending=descending)
        wanted = sorted(
            (one for one in people if search is None or fits(one, search)),
            key=lambda one: one.peer_id,
        )
        wanted.sort(
            key=lambda one: one.joined_at if sort_by == "joinedAt" else one.duration_ms(now),
            reverse=descending,
        )
        pages = [
            read(records, lambda tx, at=at: tx.sessions.list_peers(asked, Page(at, 7), now))  # noqa: B023
            for at in range(0, 63, 7)
        ]
        assert [one for page, _ in pages for one in page] == wanted
        assert {total for _, total in pages} == {len(wanted)}


def test_silent_peers_are_connected_ones_without_a_recent_sign(records: Records) -> None:
    def put(tx: Transaction) -> None:
        tx.sessions.put_peer(peer(1, last_sign_at=T0 + 5))
        tx.sessions.put_peer(peer(2, last_sign_at=T0 + 3))
        tx.sessions.put_peer(peer(3, last_sign_at=T0 + 10))
        tx.sessions.put_peer(peer(4, last_sign_at=T0 + 1, left_at=T0 + 1))
        tx.sessions.put_peer(peer(5, last_sign_at=T0 + 1, vouched_at=T0 + 10))
        tx.sessions.put_peer(peer(6, last_sign_at=T0 + 7, vouched_at=T0 + 9))

    write(records, put)

    def silent(limit: int) -> list[str]:
        found = read(records, lambda tx: tx.sessions.silent_peers(T0 + 10, limit))
        return [one.peer_id for one in found]

    assert silent(10) == ["p2", "p1", "p6"]
    assert silent(2) == ["p2", "p1"]


def test_all_rows_of_a_session_are_counted(records: Records) -> None:
    def put(tx: Transaction) -> None:
        tx.sessions.put_peer(peer(2, left_at=T0 + 8))
        tx.sessions.put_peer(peer(1, merged_into=""))
        tx.sessions.put_peer(peer(3, session_id="s2"))

    write(records, put)
    assert read(records, lambda tx: tx.sessions.count_peers("s1")) == 2


def test_first_and_last_are_of_those_that_count(records: Records) -> None:
    def put(tx: Transaction) -> None:
        tx.sessions.put_peer(peer(1, left_at=T0 + 90, merged_into=""))
        tx.sessions.put_peer(peer(2, left_at=T0 + 8))
        tx.sessions.put_peer(peer(3, left_at=T0 + 9))
        tx.sessions.put_peer(peer(4))
        tx.sessions.put_peer(peer(5, session_id="s2"))

    write(records, put)
    first = read(records, lambda tx: tx.sessions.first_peer("s1"))
    last = read(records, lambda tx: tx.sessions.last_peer("s1"))
    assert (first, last) == (peer(2, left_at=T0 + 8), peer(3, left_at=T0 + 9))
    assert read(records, lambda tx: tx.sessions.count_peers("s1")) == 4
    assert read(records, lambda tx: tx.sessions.first_peer("none")) is None
    assert read(records, lambda tx: tx.sessions.last_peer("s2")) is None
    assert read(records, lambda tx: tx.sessions.count_peers("none")) == 0


# --- reports and quarantine -----------------------------------------------------------------------


def report(subject: bytes, peer_id: str, body: bytes) -> StoredReport:
    return StoredReport(
        subject=subject,
        app_id="app",
        peer_id=peer_id,
        session_id="s1",
        model="1",
        body=body,
        sealed_at=T0,
    )


def test_reports_are_replaced_and_dropped(records: Records) -> None:
    subject = bytes(16)
    write(records, lambda tx: tx.reports.put_report(report(subject, "p1", b"old")))
    write(records, lambda tx: tx.reports.put_report(report(subject, "p1", bytes(range(256)))))
    stored = read(records, lambda tx: tx.reports.report("app", "p1"))
    assert stored == report(subject, "p1", bytes(range(256)))
    assert read(records, lambda tx: tx.reports.report("other", "p1")) is None
    write(records, lambda tx: tx.reports.drop_report(subject))
    write(records, lambda tx: tx.reports.drop_report(subject))
    assert read(records, lambda tx: tx.reports.report("app", "p1")) is None


def test_packed_reports_read_as_before_but_not_at_once(records: Records) -> None:
    body = gzip.compress(b'{"readings":[]}', 9, mtime=0)
    packed = pack_report(body)
    sealed = replace(session("s1"), status=ENDED, ended_at=T0 + 1, sealed_at=T0 + 2)
    one, other = (replace(report(bytes([n]) * 16, f"p{n}", body), sealed_at=T0 + n) for n in (1, 2))

    def put(tx: Transaction) -> None:
        tx.sessions.put_session(sealed)
        tx.reports.put_report(other)
        tx.reports.put_report(one)

    def unpacked() -> list[StoredReport]:
        return read(records, lambda tx: tx.reports.unpacked_reports(T0 + 9, 9))

    def sealed_ones() -> list[tuple[StoredReport | None, StoredReport | None]]:
        return [
            read(
                records,
                lambda tx, p=p: (
                    tx.reports.sealed_as_sent("app", p),
                    tx.reports.sealed_report("app", p),
                ),
            )
            for p in ("p1", "p2")
        ]

    write(records, put)
    assert unpacked() == [one, other]
    assert read(records, lambda tx: tx.reports.unpacked_reports(T0 + 9, 1)) == [one]
    assert read(records, lambda tx: tx.reports.unpacked_reports(T0 + 2, 9)) == [one]
    write(records, lambda tx: tx.reports.pack_report(one, packed))
    assert unpacked() == [other]
    assert sealed_ones() == [(None, one), (other, other)]

    # What was replaced meanwhile stands, and can be packed later.
    newer = replace(other, body=gzip.compress(b"{}", 9, mtime=0))
    write(records, lambda tx: tx.reports.put_report(newer))
    write(records, lambda tx: tx.reports.pack_report(other, packed))
    assert unpacked() == [newer]
    write(records, lambda tx: tx.reports.pack_report(newer, None))
    assert unpacked() == []
    assert sealed_ones() == [(None, one), (None, newer)]

    # One that is made anew lies as it is sent, and the one before reads as it did.
    again = replace(one, model="2", body=newer.body)
    write(records, lambda tx: tx.reports.put_report(again))
    assert sealed_ones()[0] == (again, again)
    assert read(records, lambda tx: tx.reports.previous_report("app", "p1")) == one


def test_quarantine_lists_newest_first_of_one_app_or_all(records: Records) -> None:
    def item(item_id: str, app_id: str, at: int) -> Quarantined:
        return Quarantined(
            id=item_id,
            app_id=app_id,
            source="realtimekit",
            reason="not JSON",
            body=b"\x00\xff",
            context='{"content_type": "text/plain"}',
            received_at=at,
        )

    items = [item("a", "app", 1), item("b", "app", 2), item("c", "other", 2)]

    def put(tx: Transaction) -> None:
        for one in items:
            tx.quarantine.put_quarantined(one)

    write(records, put)
    newest = [items[1], items[2], items[0]]
    assert read(records, lambda tx: tx.quarantine.quarantined(None, ALL)) == (newest, 3)
    assert read(records, lambda tx: tx.quarantine.quarantined("app", Page(1, 1))) == ([items[0]], 2)
    write(records, lambda tx: tx.quarantine.drop_quarantined("b"))
    assert read(records, lambda tx: tx.quarantine.quarantined("app", ALL)) == ([items[0]], 1)


# --- indexes --------------------------------------------------------------------------------------

HOT: dict[str, Callable[[Transaction], object]] = {
    "a token": lambda tx: tx.tenants.token_by_sha256(bytes(32)),
    "an app": lambda tx: tx.tenants.app("a"),
    "a meeting": lambda tx: tx.rooms.meeting("a", "m"),
    "a participant": lambda tx: tx.rooms.participant("a", "u"),
    "a session": lambda tx: tx.sessions.session("a", "s"),
    "a live session": lambda tx: tx.sessions.live_session("m"),
    "a session at a time": lambda tx: tx.sessions.session_at("m", 5, 5),
    "unsealed sessions": lambda tx: tx.sessions.unsealed_sessions(5),
    "child sessions": lambda tx: tx.sessions.child_sessions("s"),
    "a peer": lambda tx: tx.sessions.peer("a", "p"),
    "a peer by subject": lambda tx: tx.sessions.peer_by_subject(bytes(16)),
    "silent peers": lambda tx: tx.sessions.silent_peers(5, 5),
    "how many peers": lambda tx: tx.sessions.count_peers("s"),
    "the first peer": lambda tx: tx.sessions.first_peer("s"),
    "the last peer": lambda tx: tx.sessions.last_peer("s"),
    "a page of peers": lambda tx: tx.sessions.list_peers(PeerFilter(session_id="s"), ALL, 5),
    "a page of meetings": lambda tx: tx.rooms.meetings(MeetingFilter(app_id="a"), ALL),
    "a report": lambda tx: tx.reports.report("a", "p"),
    "a sealed report as it is sent": lambda tx: tx.reports.sealed_as_sent("a", "p"),
    "reports to pack": lambda tx: tx.reports.unpacked_reports(5, 5),
    "the cursor": lambda tx: tx.cursor("c"),
}


@pytest.mark.parametrize("what", HOT)
def test_no_look_up_walks_a_whole_table(what: str) -> None:
    database = Database.open(":memory:")
    texts: list[str] = []
    database.peek(lambda c: c.raw.set_trace_callback(texts.append))
    SqlRecords(database).peek(HOT[what])
    database.peek(lambda c: c.raw.set_trace_callback(None))
    selects = [text for text in texts if text.startswith("SELECT")]
    assert selects
    for text in selects:
        plan = database.peek(
            lambda c, text=text: c.raw.execute(f"EXPLAIN QUERY PLAN {text}").fetchall()
        )
        assert not [row for row in plan if row[3].startswith("SCAN")], plan
    database.close()


def test_what_was_sealed_is_found_by_when_it_was() -> None:
    database = Database.open(":memory:")
    texts: list[str] = []
    database.peek(lambda c: c.raw.set_trace_callback(texts.append))
    SqlRecords(database).peek(lambda tx: tx.sessions.sealed_between(1, 9, 5))
    database.peek(lambda c: c.raw.set_trace_callback(None))
    (select,) = (text for text in texts if text.startswith("SELECT"))
    plan = database.peek(lambda c: c.raw.execute(f"EXPLAIN QUERY PLAN {select}").fetchall())
    assert "sealed_at>? AND sealed_at<?" in plan[0][3], plan
    database.close()
