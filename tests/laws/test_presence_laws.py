"""Law 12: whatever the interleaving, the counts, the peak and the minutes are a naive model's."""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile_world import SetClock
from roomtone.model.facts import Joined, Left
from roomtone.model.presence import Presence, merge
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch
from roomtone.report.stay import stay
from roomtone.services.holding import peak
from roomtone.services.roster import Roster
from roomtone.sources.presence import presence_of
from roomtone.storage.database import Database
from roomtone.storage.memory import MemoryJournal
from roomtone.storage.records import SqlRecords

T0 = 1_700_000_000_000
SECOND = 1_000

marks = st.lists(
    st.tuples(st.sampled_from(["join", "leave"]), st.integers(0, 50)), min_size=1, max_size=6
)


def facts_of(story: list[tuple[str, int]]) -> list[Joined | Left]:
    return [
        Joined(T0 + s * SECOND, "call_join")
        if what == "join"
        else Left(T0 + s * SECOND, "disconnect")
        for what, s in story
    ]


def naive_stay(story: list[tuple[str, int]]) -> tuple[int, int | None] | None:
    """First join; gone if a leave came at or after the last join, at the first such leave."""
    joins = sorted(s for what, s in story if what == "join")
    if not joins:
        return None
    leaves = sorted(s for what, s in story if what == "leave" and s >= joins[-1])
    return joins[0], leaves[0] if leaves else None


@given(marks, st.randoms(use_true_random=False))
def test_a_stay_does_not_depend_on_order_or_repetition(story, dice):
    facts = facts_of(story)
    told = [presence_of((fact,), None) for fact in facts] * 2
    dice.shuffle(told)
    whole = Presence()
    for one in told:
        whole = merge(whole, one)
    there = stay(whole)
    expected = naive_stay(story)
    if expected is None:
        assert there is None
        return
    joined, left = expected
    assert there is not None
    assert there.joined_at == T0 + joined * SECOND
    assert there.left_at == (None if left is None else T0 + left * SECOND)


@given(st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30)), max_size=12))
def test_the_peak_is_the_largest_number_there_at_any_moment(raw):
    spans = [(a, None if b is None else max(a, b)) for a, b in raw]

    naive = 0
    for moment in {joined for joined, _ in spans}:
        before = sum(1 for a, b in spans if a < moment and (b is None or b > moment))
        joining = sum(1 for a, b in spans if a == moment and b != moment)
        passing = (moment, moment) in spans  # there for less than a millisecond: counts alone
        naive = max(naive, before + joining, before + passing)
    assert peak(spans) == naive


@dataclass
class Room:
    """A meeting with a roster over memory."""

    roster: Roster
    records: SqlRecords
    journal: MemoryJournal
    clock: SetClock


async def room() -> Room:
    clock = SetClock(T0 + 100 * SECOND)
    records = SqlRecords(Database.open(":memory:"))
    journal = MemoryJournal()
    roster = Roster(journal, records, clock, silence_s=90)

    def furnish(tx):
        tx.rooms.put_meeting(
            Meeting(id="m", app_id="a", title="Weekly", created_at=T0, updated_at=T0)
        )
        for number in range(4):
            tx.rooms.put_participant(
                Participant(
                    id=f"u{number}",
                    app_id="a",
                    meeting_id="m",
                    custom_participant_id=f"c{number}",
                    preset_name="p",
                    created_at=T0,
                    updated_at=T0,
                )
            )

    await records.write(furnish)
    return Room(roster, records, journal, clock)


@settings(max_examples=60, deadline=None)
@given(st.lists(marks, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_sessions_numbers_equal_those_of_a_naive_model(stories, dice):
    async def scenario() -> None:
        it = await room()
        batches = []
        for number, story in enumerate(stories):
            subject = Subject("a", "m", f"u{number % 4}", f"peer-{number}")
            for at, fact in enumerate(facts_of(story)):
                batches.append(Batch(subject, f"s:{at}", None, (fact,), presence_of((fact,), None)))
        batches = batches * 2
        dice.shuffle(batches)
        while batches:
            size = dice.randint(1, len(batches))
            await it.journal.append(batches[:size])
            await it.roster.catch_up()
            batches = batches[size:]
        expected = [
            (number, stay_) for number, story in enumerate(stories) if (stay_ := naive_stay(story))
        ]
        sessions = await it.records.read(lambda tx: list(tx.sessions.live_sessions()))
        if not expected:
            assert sessions == []
            return
        assert len(sessions) == 1
        (session,) = sessions
        now = it.clock.now()
        live = [span for _, span in expected if span[1] is None]
        ms = sum(
            ((now - T0) if left is None else left * SECOND) - joined * SECOND
            for _, (joined, left) in expected
        )
        assert session.live_participants == len(live)
        assert session.total_participants == len({number % 4 for number, _ in expected})
        assert session.used_ms(now) == ms
        assert session.started_at == T0 + min(span[0] for _, span in expected) * SECOND
        assert session.max_concurrent_participants == peak([span for _, span in expected])

    asyncio.run(scenario())
