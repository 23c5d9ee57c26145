"""What is too old goes, kind by kind, and nothing else does."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from roomtone.formats.messages import ReadMessages
from roomtone.formats.reading import read_transcript
from roomtone.model.facts import Happened, Joined
from roomtone.model.presence import Presence
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.model.subjects import Subject
from roomtone.model.words import Message, Speaker
from roomtone.ports.journal import Batch
from roomtone.ports.records import StoredReport
from roomtone.services.artifacts import DROPPED, Artifacts, Silent
from roomtone.services.links import Links
from roomtone.services.retention import DAY_MS, Keep, Retention
from roomtone.services.words import Words, session_subject
from roomtone.storage.blobs import LocalBlobs
from roomtone.storage.database import Database
from roomtone.storage.journal import SqlJournal
from roomtone.storage.records import SqlRecords

T0 = 1_700_000_000_000
SRT = b"1\n00:00:01,000 --> 00:00:02,000\nAna: Hello\n\n"


class Clock:
    t = T0

    def now(self) -> int:
        return self.t

    def new_id(self) -> str:
        return "id"


class Nobody:
    async def catch_up(self) -> None:
        """There is nothing to catch up with."""


class House:
    """Everything that retention touches, with one sealed session for each day."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.database = Database.open(folder / "test.db")
        self.records = SqlRecords(self.database)
        self.journal = SqlJournal(self.database)
        blobs = LocalBlobs(folder / "files", Links(b"x", ""))
        self.files = folder / "files"
        self.artifacts = Artifacts(self.records, blobs, self.clock, Silent(), 7)
        self.words = Words(self.journal, self.records, Nobody(), self.clock)

    def run(self, work: Any) -> Any:
        return asyncio.run(work)

    async def hold(self, day: int) -> None:
        """A session of that day with a peer, a report, a message and a transcript."""
        self.clock.t = T0 + day * DAY_MS
        session = Session(
            id=f"s{day}",
            app_id="app",
            meeting_id="m",
            title="t",
            status=ENDED,
            started_at=self.clock.t,
            ended_at=self.clock.t,
            created_at=self.clock.t,
            updated_at=self.clock.t,
            sealed_at=self.clock.t,
        )
        subject = Subject("app", "m", "user", f"p{day}")
        peer = Peer(
            subject=subject.key,
            app_id="app",
            session_id=session.id,
            peer_id=f"p{day}",
            user_id="user",
            custom_participant_id="c",
            display_name="Ana",
            preset_name="p",
            joined_at=self.clock.t,
            left_at=self.clock.t,
            last_sign_at=self.clock.t,
            presence=Presence(),
            created_at=self.clock.t,
            updated_at=self.clock.t,
        )
        report = StoredReport(
            subject=subject.key,
            app_id="app",
            peer_id=peer.peer_id,
            session_id=session.id,
            model="m",
            body=b"x",
            sealed_at=self.clock.t,
        )

        def put(tx: Any) -> None:
            tx.sessions.put_session(session)
            tx.sessions.put_peer(peer)
            tx.reports.put_report(report)

        await self.records.write(put)
        facts = (Joined(self.clock.t, "call_join"),)
        await self.journal.append([Batch(subject, "s:0", self.clock.t, facts, Presence())])
        message = Message(
            id="1", speaker=Speaker(), payload={"message": "hi"}, sent_at=self.clock.t
        )
        await self.words.put_messages(session, ReadMessages((message,), ()))
        await self.words.put_segments(session, read_transcript(SRT, "SRT", session.started_at))
        await self.artifacts.publish(session.id)

    async def retain(self, today: int, **keep: int) -> int:
        self.clock.t = T0 + today * DAY_MS
        retention = Retention(
            self.journal, self.records, self.artifacts, self.clock, Keep(**{"journal": 0, **keep})
        )
        gone = 0
        while bite := await retention.bite():
            gone += bite
        return gone

    async def held(self) -> dict[str, list[int]]:
        """The days of which there still is something, by kind."""

        async def facts(day: int) -> bool:
            session = self.records.peek(lambda tx: tx.sessions.session_by_id(f"s{day}"))
            own = await self.journal.read(session_subject(session).key)
            peers = await self.journal.read(Subject("app", "m", "user", f"p{day}").key)
            assert bool(own) == bool(peers)
            return bool(own)

        def there(day: int) -> dict[str, bool]:
            return self.records.peek(
                lambda tx: {
                    "reports": tx.reports.report("app", f"p{day}") is not None,
                    "chat": tx.words.message(f"s{day}", "1") is not None,
                    "transcripts": bool(tx.words.kept_segments(f"s{day}", "", 9)),
                }
            )

        held: dict[str, list[int]] = {"journal": [], "reports": [], "chat": [], "transcripts": []}
        for day in range(10):
            for kind, is_there in {**there(day), "journal": await facts(day)}.items():
                if is_there:
                    held[kind].append(day)
        return held


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    for day in range(10):
        made.run(made.hold(day))
    yield made
    made.database.close()


ALL = list(range(10))


def test_by_default_only_old_journals_go(house):
    house.run(house.retain(35, journal=30))

    assert house.run(house.held()) == {
        "journal": [5, 6, 7, 8, 9],
        "reports": ALL,
        "chat": ALL,
        "transcripts": ALL,
    }
    trimmed = house.records.peek(lambda tx: tx.sessions.session_by_id("s0").trimmed_at)
    assert trimmed == T0 + 35 * DAY_MS
    assert house.records.peek(lambda tx: tx.sessions.session_by_id("s5").trimmed_at) is None


@pytest.mark.parametrize("kind", ["reports", "chat", "transcripts"])
def test_each_kind_goes_by_its_own_days_and_the_journal_with_it(house, kind):
    house.run(house.retain(20, **{kind: 13}))

    held = house.run(house.held())
    assert held.pop(kind) == [7, 8, 9]
    assert held.pop("journal") == [7, 8, 9]
    assert set(map(tuple, held.values())) == {tuple(ALL)}


def test_zero_keeps_for_ever(house):
    assert house.run(house.retain(100_000)) == 0


def test_a_second_round_finds_nothing_more_to_do(house):
    assert house.run(house.retain(20, chat=15)) > 0
    assert house.run(house.retain(20, chat=15)) == 0
    assert house.run(house.retain(21, chat=15)) > 0
    assert house.run(house.held())["chat"] == [6, 7, 8, 9]


def test_files_go_with_the_words_and_the_reason_is_told(house):
    def files() -> int:
        return sum(1 for path in house.files.rglob("*") if path.is_file())

    before = files()
    house.run(house.retain(20, chat=15, transcripts=15))

    assert before == 50
    assert files() == 25
    for kind, ask in (("chat", house.artifacts.chat("app", "s0")),):
        with pytest.raises(Exception, match="no longer kept") as told:
            house.run(ask)
        assert told.value.message == DROPPED[kind]


def test_what_was_said_by_those_who_never_joined_goes_with_the_journal(tmp_path):
    house = House(tmp_path)

    def stray(day: int) -> Batch:
        facts = (Happened(T0, "audio_on"),)
        subject = Subject("app", "m", f"stray{day}", "p")
        return Batch(subject, "s:0", T0 + day * DAY_MS, facts, Presence())

    for day in range(10):
        house.run(house.journal.append([stray(day)]) if day in (0, 9) else house.hold(day))
    house.run(house.retain(35, journal=30))

    left = [bool(house.run(house.journal.read(stray(day).subject.key))) for day in (0, 9)]
    assert left == [False, True]
    house.database.close()
