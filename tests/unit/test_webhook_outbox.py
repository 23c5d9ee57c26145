"""What webhooks are told, and how often: each movement once, whatever the journal repeats."""

import json

import msgspec
import pytest
from hook_world import DAY, SECOND, T0, HookWorld, in_a_world
from hypothesis import given, settings
from hypothesis import strategies as st

from roomtone.model.facts import Joined, Left
from roomtone.model.sessions import LIVE

MINUTE = 60 * SECOND


def test_a_call_is_told_from_its_start_to_its_end_in_order():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(0)
        world.clock.t += MINUTE
        await world.join(1)
        world.clock.t += MINUTE
        await world.leave(0)
        await world.leave(1)
        world.clock.t += 61 * SECOND
        await world.roster.sweep()
        return await world.told(hook)

    told = in_a_world(scenario)

    assert [one["event"] for one in told] == [
        "meeting.started",
        "meeting.participantJoined",
        "meeting.participantJoined",
        "meeting.participantLeft",
        "meeting.participantLeft",
        "meeting.ended",
    ]
    assert told[-1]["reason"] == "ALL_PARTICIPANTS_LEFT"


def test_the_payloads_are_the_vendors_field_for_field_and_in_its_order():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(1)
        world.clock.t += 20 * MINUTE
        await world.leave(1)
        world.clock.t += 2 * MINUTE
        await world.roster.sweep()
        (session,) = await world.records.read(lambda tx: tx.sessions.unsealed_sessions(9))
        expires = world.clock.t + 7 * DAY
        await world.announcer.chat_synced(session, "https://r/chat", expires, "1")
        await world.announcer.transcript_ready(session, "https://r/transcript", expires, "1")
        await world.announcer.summary_ready(session, "https://r/summary", expires, "1")
        return session.id, await world.queued(hook)

    session_id, queued = in_a_world(scenario)
    session = (
        f'"id":"m","sessionId":"{session_id}","title":"Weekly sync","roomName":"m","status":"LIVE",'
        '"createdAt":"2026-01-01T00:00:00.000Z","startedAt":"2026-01-01T00:00:00.000Z"'
    )
    by = '"organizedBy":{"id":"app","name":"The app"}'
    end = '"endedAt":"2026-01-01T00:20:00.000Z"'
    live = f'"meeting":{{{session},{by}}}'
    over = f'"meeting":{{{session.replace("LIVE", "ENDED")},{end},{by}}}'
    person = (
        '"peerId":"peer-1","userDisplayName":"Person 1","customParticipantId":"c1",'
        '"clientSpecificId":"c1","joinedAt":"2026-01-01T00:00:00.000Z"'
    )
    left = '"leftAt":"2026-01-01T00:20:00.000Z"'
    expiry = '"2026-01-08T00:22:00.000Z"'

    assert [row.body.decode() for row in queued] == [
        f'{{"event":"meeting.started",{live}}}',
        f'{{"event":"meeting.participantJoined",{live},"participant":{{{person}}}}}',
        f'{{"event":"meeting.participantLeft",{live},"participant":{{{person},{left}}}}}',
        f'{{"event":"meeting.ended",{over},"reason":"ALL_PARTICIPANTS_LEFT"}}',
        f'{{"event":"meeting.chatSynced","title":"Weekly sync",{end},'
        f'"createdAt":"2026-01-01T00:00:00.000Z","meetingId":"m","sessionId":"{session_id}",'
        f'"startedAt":"2026-01-01T00:00:00.000Z","chatDownloadUrl":"https://r/chat",'
        f'"chatDownloadUrlExpiry":{expiry},{by}}}',
        f'{{"event":"meeting.transcript",{over},"transcriptDownloadUrl":"https://r/transcript",'
        f'"transcriptDownloadUrlExpiry":{expiry}}}',
        f'{{"event":"meeting.summary",{over},"summaryDownloadUrl":"https://r/summary",'
        f'"summaryDownloadUrlExpiry":{expiry}}}',
    ]


def test_a_setting_says_live_for_ever_as_the_vendor_does():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(0)
        await world.roster.kick_all("app", "m")
        return await world.told(hook)

    told = in_a_world(scenario, always_live=True)

    assert told[-1]["event"] == "meeting.ended"
    assert told[-1]["reason"] == "HOST_ENDED_MEETING"
    assert {one["meeting"]["status"] for one in told} == {"LIVE"}
    assert "endedAt" in told[-1]["meeting"]


def test_the_host_ends_it_after_everybody_has_left():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(0)
        await world.join(1)
        await world.roster.kick_all("app", "m")
        return await world.names(hook)

    assert in_a_world(scenario)[-3:] == ["participantLeft", "participantLeft", "ended"]


def test_reading_the_journal_again_tells_nothing_again():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(0)
        world.clock.t += MINUTE
        await world.leave(0)
        await world.join(1)
        before = await world.names(hook)
        await world.rewind()
        await world.rewind()
        return before, await world.names(hook)

    before, after = in_a_world(scenario)

    assert (
        before == after == ["started", "participantJoined", "participantLeft", "participantJoined"]
    )


def test_a_page_that_reloads_under_its_peer_id_has_left_and_joined_again():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(0)
        for _ in range(2):
            world.clock.t += 10 * SECOND
            await world.leave(0)
            world.clock.t += 10 * SECOND
            await world.join(0)
        return await world.told(hook)

    told = in_a_world(scenario)
    people = [one["participant"] for one in told[1:]]

    assert [one["event"].rpartition("participant")[2] for one in told[1:]] == [
        "Joined",
        "Left",
        "Joined",
        "Left",
        "Joined",
    ]
    # The stay is one, as the API has it: it began when it began.
    assert {person["joinedAt"] for person in people} == {"2026-01-01T00:00:00.000Z"}
    assert [person.get("leftAt", "")[17:19] for person in people] == ["", "10", "", "30", ""]


def test_a_peer_that_fell_silent_and_is_heard_of_again_has_joined_again():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(0)
        await world.join(1)
        world.clock.t += 100 * SECOND
        await world.join(1)
        await world.roster.sweep()
        silent = await world.names(hook)
        await world.join(0)
        back = await world.names(hook)
        world.clock.t += 100 * SECOND
        await world.roster.sweep()
        return silent, back, await world.names(hook)

    silent, back, gone = in_a_world(scenario)

    assert silent == ["started", "participantJoined", "participantJoined", "participantLeft"]
    assert back == [*silent, "participantJoined"]
    # Both were silent for longer than the keep-alive too.
    assert gone == [*back, "participantLeft", "participantLeft", "ended"]


def test_a_stay_that_is_told_afterwards_in_one_piece_is_a_join_and_a_leave():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.say(
            0, Joined(T0 - 3 * MINUTE, "call_join"), Left(T0 - 2 * MINUTE, "disconnect")
        )
        await world.roster.sweep()
        return await world.names(hook)

    assert in_a_world(scenario) == ["started", "participantJoined", "participantLeft", "ended"]


def test_a_session_that_goes_on_after_all_is_started_again_and_ends_again():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(0)
        world.clock.t += MINUTE
        await world.leave(0)
        world.clock.t += 61 * SECOND
        await world.roster.sweep()
        await world.join(0)
        sessions = await world.records.read(lambda tx: list(tx.sessions.live_sessions()))
        world.clock.t += MINUTE
        await world.leave(0)
        world.clock.t += 61 * SECOND
        await world.roster.sweep()
        return sessions, await world.told(hook)

    sessions, told = in_a_world(scenario)

    assert len(sessions) == 1
    assert [one["event"].partition(".")[2] for one in told] == [
        *("started", "participantJoined", "participantLeft", "ended"),
        *("started", "participantJoined", "participantLeft", "ended"),
    ]
    assert len({one["meeting"]["sessionId"] for one in told}) == 1


def test_what_happened_more_than_a_day_ago_is_no_news():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.say(0, Joined(T0 - 3 * DAY, "call_join"), Left(T0 - 2 * DAY, "disconnect"))
        await world.roster.sweep()
        return await world.names(hook)

    assert in_a_world(scenario) == []


def test_only_enabled_webhooks_of_the_app_that_want_an_event_are_told_of_it():
    async def scenario(world: HookWorld):
        hooks = [
            await world.hook(events=["meeting.participantLeft"]),
            await world.hook(enabled=False),
            await world.hook("other"),
            await world.hook(),
        ]
        await world.join(0)
        return [await world.names(hook) for hook in hooks]

    assert in_a_world(scenario) == [[], [], [], ["started", "participantJoined"]]


def test_a_file_is_announced_once_for_each_making():
    async def scenario(world: HookWorld):
        await world.hook()
        await world.join(0)
        (session,) = await world.records.read(lambda tx: list(tx.sessions.live_sessions()))
        return [
            await world.announcer.transcript_ready(session, "https://r", T0, made)
            for made in ("one", "one", "two")
        ]

    assert in_a_world(scenario) == [1, 0, 1]


def test_an_event_is_queued_with_what_caused_it_or_not_at_all():
    async def scenario(world: HookWorld):
        hook = await world.hook()

        def broken(*_):
            raise KeyError("after the rows were moved, before they were committed")

        world.roster._outbox = type("Broken", (), {"moved": broken})()
        with pytest.raises(KeyError):
            await world.join(0)
        nothing = (
            await world.names(hook),
            await world.records.read(lambda tx: list(tx.sessions.live_sessions())),
        )
        world.roster._outbox = world.outbox
        await world.roster.catch_up()
        return nothing, await world.names(hook)

    nothing, told = in_a_world(scenario)

    assert nothing == ([], [])
    assert told == ["started", "participantJoined"]


steps = st.lists(
    st.tuples(st.sampled_from(["join", "leave", "wait", "sweep", "again"]), st.integers(0, 3)),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_what_was_told_last_is_what_holds(story):
    """A receiver that only keeps the last word of each session and peer knows what the API says."""

    async def scenario(world: HookWorld):
        hook = await world.hook()
        for what, who in story:
            if what == "join":
                await world.join(who)
            elif what == "leave":
                await world.leave(who)
            elif what == "wait":
                world.clock.t += (who + 1) * 30 * SECOND
            elif what == "sweep":
                await world.roster.sweep()
            else:
                await world.rewind()
        sessions = [
            session
            for session_id in await world.records.read(
                lambda tx: list(tx.sessions.all_session_ids())
            )
            if (
                session := world.records.peek(lambda tx, i=session_id: tx.sessions.session_by_id(i))
            )
        ]
        peers = [
            peer
            for session in sessions
            for peer in world.records.peek(lambda tx, s=session: tx.sessions.peers(s.id))
        ]
        return await world.told(hook), sessions, peers

    told, sessions, peers = in_a_world(scenario)
    last_of_sessions, last_of_peers = {}, {}
    for one in told:
        if "participant" in one:
            peer_id = one["participant"]["peerId"]
            assert last_of_peers.get(peer_id) != one["event"], "told twice in a row"
            last_of_peers[peer_id] = one["event"]
        else:
            session_id = one["meeting"]["sessionId"]
            assert last_of_sessions.get(session_id) != one["event"], "told twice in a row"
            last_of_sessions[session_id] = one["event"]

    assert last_of_sessions == {
        session.id: "meeting.started" if session.status == LIVE else "meeting.ended"
        for session in sessions
    }
    assert last_of_peers == {
        peer.peer_id: "meeting.participantJoined"
        if peer.left_at is None
        else "meeting.participantLeft"
        for peer in peers
    }


@given(st.text(max_size=40))
def test_a_body_is_what_json_stringify_makes_of_it(name):
    """Python's json, told to write as JSON.stringify does, is the second implementation."""
    if any("\ud800" <= char <= "\udfff" for char in name):
        return
    body = msgspec.json.encode({"userDisplayName": name})
    again = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))

    assert body == again.encode()
