"""Law 12: whatever the interleaving, the counts, the peak and the minutes are a naive model's."""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile_world import SetClock, Span, naive_peak
from roomtone.model.facts import Joined, Left
from roomtone.model.presence import Presence, merge
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.sessions import Peer
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch
from roomtone.report.stay import stay
from roomtone.services.crowds import Crowd, Spans
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


def span(raw: tuple[int, int | None]) -> Span:
    joined, left = raw
    return joined, None if left is None else max(joined, left)


spans = st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30)).map(span)


@given(st.lists(st.tuples(st.integers(0, 7), st.none() | spans, st.booleans()), max_size=30))
def test_the_peak_is_the_largest_number_there_at_any_moment(changes):
    """Whatever comes, goes or is corrected, in any order; asked for now and then."""
    peak, there = Spans(), dict[int, Span]()
    for who, now, asked in changes:
        subject = bytes([who])
        if who in there:
            peak.remove(subject, *there.pop(who))
        if now is not None:
            there[who] = now
            peak.add(subject, *now)
        if asked:
            assert peak.peak() == naive_peak(list(there.values()))
    assert peak.peak() == naive_peak(list(there.values()))


rows = st.tuples(
    st.integers(0, 5), st.integers(0, 2), spans, st.sampled_from([None, None, "", "x"])
)


def row(who: int, user: int, there: Span, merged_into: str | None) -> Peer:
    return Peer(
        subject=bytes([who]),
        app_id="a",
        session_id="s",
        peer_id=f"p{who}",
        user_id=f"u{user}",
        custom_participant_id="",
        display_name="",
        preset_name="",
        joined_at=there[0],
        left_at=there[1],
        last_sign_at=there[0],
        presence=Presence(),
        created_at=0,
        updated_at=0,
        merged_into=merged_into,
    )


@given(st.lists(st.lists(rows, min_size=1, max_size=4), min_size=1, max_size=8))
def test_a_crowd_that_is_told_of_changes_equals_one_that_is_counted_anew(ticks):
    told, known = Crowd(()), dict[bytes, Peer]()
    for tick in ticks:
        put = [row(*one) for one in tick]
        told.put(put)
        known |= {one.subject: one for one in put}
        counted = [one for one in known.values() if one.counts]
        assert told.peak == naive_peak([(one.joined_at, one.left_at) for one in counted])
        assert told.people == len({one.user_id for one in counted})
        assert told.live == sum(one.left_at is None for one in counted)
        assert told.live_since_sum == sum(p.joined_at for p in counted if p.left_at is None)
        lasted = [p.left_at - p.joined_at for p in counted if p.left_at is not None]
        assert told.closed_ms == sum(lasted)
        tell = counted or list(known.values())
        assert told.started_at == min(one.joined_at for one in tell)
        leaves = [one.left_at for one in tell if one.left_at is not None]
        assert told.empty_since == (None if told.live else max(leaves, default=None))


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
        assert session.max_concurrent_participants == naive_peak([span for _, span in expected])

    asyncio.run(scenario())
