"""What ports/words.py promises of messages, segments and files, and what erasing takes away."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from databases import database_of
from roomtone.model.artifacts import CHAT, COMPLETED, QUEUED, TRANSCRIPT, Artifact, SummaryJob
from roomtone.model.presence import Presence
from roomtone.model.rooms import Participant
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.model.words import KeptMessage, KeptSegment, Message, Segment, Speaker, Spoken
from roomtone.ports.records import Page, Records, SessionFilter
from roomtone.ports.words import START, Place
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords

T0 = 1_700_000_000_000


@pytest.fixture(
    params=["sqlite", "sqlite in memory", "postgresql", "sqlite encrypted", "postgresql encrypted"]
)
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    with database_of(request.param, tmp_path) as database:
        yield SqlRecords(database)


def write(records: Records, change: Any) -> Any:
    return asyncio.run(records.write(change))


def message(message_id: str, at: int = T0, **more: Any) -> KeptMessage:
    said = Message(
        id=message_id, speaker=Speaker(display_name="Ana"), payload={"message": "x"}, sent_at=at
    )
    return KeptMessage(id=message_id, message=said, **more)


def segment(segment_id: str, at: int = T0, **more: Any) -> KeptSegment:
    said = Segment(
        id=segment_id, speaker=Speaker(peer_id="p"), sentence="x", start_at=at, end_at=at + 1
    )
    return KeptSegment(id=segment_id, segment=said, **more)


def put_words(records: Records, *words: KeptMessage | KeptSegment, session: str = "s") -> None:
    def put(tx: Any) -> None:
        for word in words:
            if isinstance(word, KeptMessage):
                tx.words.put_message("app", session, word)
            else:
                tx.words.put_segment("app", session, word)

    write(records, put)


def session(session_id: str = "s", **more: Any) -> Session:
    plain = {
        "app_id": "app",
        "meeting_id": "m",
        "title": "t",
        "status": ENDED,
        "started_at": T0,
        "ended_at": T0 + 1,
        "created_at": T0,
        "updated_at": T0,
        "sealed_at": T0 + 2,
    }
    return Session(id=session_id, **(plain | more))


def peer(peer_id: str, **more: Any) -> Peer:
    plain = {
        "subject": peer_id.encode().ljust(16),
        "app_id": "app",
        "session_id": "s",
        "user_id": f"user-{peer_id}",
        "custom_participant_id": f"custom-{peer_id}",
        "display_name": peer_id,
        "preset_name": "p",
        "joined_at": T0,
        "last_sign_at": T0,
        "presence": Presence(),
        "created_at": T0,
        "updated_at": T0,
    }
    return Peer(peer_id=peer_id, **(plain | more))


def test_words_come_back_as_they_were_put(records):
    kept = message("a", rank=1, content_t=5, pinned=True, pinned_t=9)
    partial = KeptSegment(id="b", partial_at=T0)
    put_words(records, kept, partial)

    assert records.peek(lambda tx: tx.words.message("s", "a")) == kept
    assert records.peek(lambda tx: tx.words.segment("s", "b")) == partial
    assert records.peek(lambda tx: tx.words.message("other", "a")) is None
    assert records.peek(lambda tx: tx.words.segment("s", "a")) is None


def test_messages_are_listed_by_time_then_id_and_go_on_where_a_page_ended(records):
    put_words(records, *(message(name, T0 + at) for name, at in (("c", 1), ("a", 2), ("b", 1))))
    pages, after = [], START
    while page := records.peek(lambda tx, after=after: tx.words.messages("s", after, 2)):
        pages.append([one.id for one in page])
        after = Place(page[-1].sent_at, page[-1].id)

    assert pages == [["b", "c"], ["a"]]


def test_only_what_shows_is_listed(records):
    put_words(
        records,
        message("pinned", pinned=True),
        message("deleted", deleted=True),
        KeptMessage(id="nothing yet", pinned=True),
        segment("said"),
        KeptSegment(id="partial", partial_at=T0),
    )

    (shown,) = records.peek(lambda tx: tx.words.messages("s", START, 9))
    assert (shown.id, shown.pinned) == ("pinned", True)
    assert [one.id for one in records.peek(lambda tx: tx.words.segments("s", START, 9))] == ["said"]
    kept = records.peek(lambda tx: tx.words.kept_messages("s", "", 9))
    assert [one.id for one in kept] == ["deleted", "nothing yet", "pinned"]
    assert len(records.peek(lambda tx: tx.words.kept_segments("s", "partial", 9))) == 1


def test_what_was_said_between_two_times_is_found_across_sessions(records):
    for number, name in enumerate("abcd"):
        put_words(records, message(name, T0 + number), session=f"s{number % 2}")

    def between(since: int, until: int, after: Place = START, app: str | None = None) -> list[str]:
        found = records.peek(
            lambda tx: tx.words.said_between(CHAT, app, T0 + since, T0 + until, after, 2)
        )
        return [one.word.id for one in found]

    assert between(1, 3) == ["b", "c"]
    assert between(0, 9) == ["a", "b"]
    assert between(0, 9, Place(T0 + 1, "b")) == ["c", "d"]
    assert between(2, 9, Place(T0 + 1, "b")) == ["c", "d"]
    assert between(0, 9, app="another") == []


def test_words_are_dropped_a_few_at_a_time(records):
    put_words(records, *(message(str(number)) for number in range(5)), segment("kept"))
    put_words(records, message("other"), session="t")
    gone = [write(records, lambda tx: tx.words.drop_words(CHAT, "s", 2)) for _ in range(4)]
    write(records, lambda tx: tx.words.drop_word(TRANSCRIPT, "s", "kept"))

    assert gone == [2, 2, 1, 0]
    assert records.peek(lambda tx: tx.words.segment("s", "kept")) is None
    assert len(records.peek(lambda tx: tx.words.messages("t", START, 9))) == 1


def test_a_session_is_due_once_it_is_sealed_and_its_words_rest(records):
    def put(tx: Any) -> None:
        tx.sessions.put_session(session("sealed"))
        tx.sessions.put_session(session("open", sealed_at=None))
        for name in ("sealed", "open", "unknown"):
            tx.words.put_spoken(
                Spoken(session_id=name, app_id="app", chat_revision=1, due=True, changed_at=T0)
            )

    write(records, put)

    def due(before: int) -> list[str]:
        return [one.session_id for one in records.peek(lambda tx: tx.words.due_sessions(before, 9))]

    assert due(T0) == []
    assert due(T0 + 1) == ["sealed"]
    spoken = records.peek(lambda tx: tx.words.spoken("sealed"))
    write(records, lambda tx: tx.words.put_spoken(replace(spoken, due=False)))
    assert due(T0 + 1) == []


def test_pending_words_are_found_when_their_peer_has_a_row(records):
    there = peer("there")
    write(records, lambda tx: [tx.words.put_pending(s, T0) for s in (there.subject, b"x" * 16)])
    assert records.peek(lambda tx: tx.words.pending_joined(9)) == []
    write(records, lambda tx: tx.sessions.put_peer(there))
    assert records.peek(lambda tx: tx.words.pending_joined(9)) == [(there.subject, T0)]
    write(records, lambda tx: tx.words.drop_pending(there.subject))
    assert records.peek(lambda tx: tx.words.pending_joined(9)) == []


@pytest.mark.parametrize("noted_again", [T0 - 1, T0, T0 + 1])
def test_pending_words_that_were_noted_again_are_not_dropped_with_the_first(records, noted_again):
    there = peer("there")
    write(
        records, lambda tx: [tx.sessions.put_peer(there), tx.words.put_pending(there.subject, T0)]
    )
    write(records, lambda tx: tx.words.put_pending(there.subject, noted_again))
    write(records, lambda tx: tx.words.drop_pending(there.subject, T0))
    ((subject, noted_at),) = records.peek(lambda tx: tx.words.pending_joined(9))
    assert (subject, noted_at) == (there.subject, T0 + 1)
    write(records, lambda tx: tx.words.drop_pending(there.subject, noted_at))
    assert records.peek(lambda tx: tx.words.pending_joined(9)) == []


def test_there_is_one_artifact_for_each_session_kind_and_format(records):
    made = Artifact(
        session_id="s", app_id="a", kind=TRANSCRIPT, format="SRT", blob_key="k", size=1, made_at=1
    )
    later = replace(made, size=2, made_at=2)
    other = replace(made, kind=CHAT, format="CSV")
    for one in (made, other, later):
        write(records, lambda tx, one=one: tx.artifacts.put_artifact(one))

    assert records.peek(lambda tx: tx.artifacts.artifact("s", TRANSCRIPT, "SRT")) == later
    assert records.peek(lambda tx: tx.artifacts.artifacts("s")) == [other, later]
    write(records, lambda tx: tx.artifacts.drop_artifacts("s", CHAT))
    assert records.peek(lambda tx: tx.artifacts.artifacts("s")) == [later]
    write(records, lambda tx: tx.artifacts.drop_artifacts("s", None))
    assert records.peek(lambda tx: tx.artifacts.artifacts("s")) == []


def test_only_the_latest_summary_job_of_a_session_is_known(records):
    first = SummaryJob(id="1", session_id="s", app_id="a", requested_at=1, updated_at=1)
    second = replace(first, id="2", requested_at=2)
    other = replace(first, id="3", session_id="t", requested_at=0)
    for job in (first, second, other):
        write(records, lambda tx, job=job: tx.artifacts.put_summary_job(job))

    assert records.peek(lambda tx: tx.artifacts.summary_job("s")) == second
    assert records.peek(lambda tx: tx.artifacts.summary_job_by_id("1")) is None
    assert records.peek(lambda tx: tx.artifacts.open_summary_jobs(9)) == [other, second]
    assert second.status == QUEUED
    write(records, lambda tx: tx.artifacts.put_summary_job(replace(second, status=COMPLETED)))
    assert records.peek(lambda tx: tx.artifacts.open_summary_jobs(9)) == [other]
    write(records, lambda tx: tx.artifacts.drop_summary_job("t"))
    assert records.peek(lambda tx: tx.artifacts.open_summary_jobs(9)) == []


def test_an_erased_session_is_on_no_list_also_of_another_process(records, tmp_path):
    def listed(of: Records) -> tuple[list[str], int]:
        found, total = asyncio.run(
            of.read(lambda tx: tx.sessions.list_sessions(SessionFilter(app_id="app"), Page(0, 9)))
        )
        return [one.id for one in found], total

    write(records, lambda tx: [tx.sessions.put_session(session(name)) for name in "abc"])
    assert listed(records)[1] == 3
    other = None
    if (tmp_path / "test.db").exists():
        other = Database.open(tmp_path / "test.db")
        assert listed(SqlRecords(other))[1] == 3
    elsewhere = records if other is None else SqlRecords(other)
    listed(elsewhere)
    write(records, lambda tx: tx.sessions.drop_session("b"))

    assert listed(records) == listed(elsewhere) == (["a", "c"], 2)
    if other is not None:
        other.close()


def test_people_and_peers_are_found_by_user_id_and_custom_id(records):
    def put(tx: Any) -> None:
        for name in ("ana", "ben"):
            tx.rooms.put_participant(
                Participant(
                    id=f"user-{name}",
                    app_id="app",
                    meeting_id="m",
                    custom_participant_id=f"custom-{name}",
                    preset_name="p",
                    created_at=T0,
                    updated_at=T0,
                )
            )
            tx.sessions.put_peer(peer(name))

    write(records, put)

    for called in ("user-ana", "custom-ana"):
        people = records.peek(lambda tx, c=called: tx.rooms.people_called("app", c))
        assert [one.id for one in people] == ["user-ana"]
        peers = records.peek(lambda tx, c=called: tx.sessions.peers_called("app", c, []))
        assert [one.peer_id for one in peers] == ["ana"]
    assert records.peek(lambda tx: tx.rooms.people_called("another", "user-ana")) == []
    both = records.peek(lambda tx: tx.sessions.peers_called("app", "user-ana", ["user-ben"]))
    assert {one.peer_id for one in both} == {"ana", "ben"}
    write(records, lambda tx: tx.rooms.drop_participant("user-ana"))
    write(records, lambda tx: tx.sessions.drop_peer(peer("ana").subject))
    assert records.peek(lambda tx: tx.rooms.people_called("app", "custom-ana")) == []
    assert records.peek(lambda tx: tx.sessions.peer("app", "ana")) is None


def test_sessions_are_gone_through_in_the_order_of_their_sealing(records):
    sealed = {"a": T0 + 5, "b": T0 + 3, "c": T0 + 9, "d": None}
    write(
        records,
        lambda tx: [tx.sessions.put_session(session(n, sealed_at=t)) for n, t in sealed.items()],
    )

    def between(after: int, before: int) -> list[str]:
        found = records.peek(lambda tx: tx.sessions.sealed_between(T0 + after, T0 + before, 9))
        return [one.id for one in found]

    assert between(0, 100) == ["b", "a", "c"]
    assert between(3, 9) == ["a"]
    assert {one.id for one in records.peek(lambda tx: tx.sessions.sessions_of("m"))} == set("abcd")
