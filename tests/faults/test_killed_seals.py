"""A worker that is killed in any step of a seal: the session is sealed once, its day counts it
once, and every webhook tells of it once.

In the long form each step has a call of its own, whose work nobody disturbs again. In the short one
the sealing of one call is cut off in one step after another, by processes that each get one step
further than the one before: as many kills, with less waiting.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fleet import FleetServer
from hook_listener import HookListener
from journey_server import JourneyServer, new_peer, now_ms, wait_for
from outcome import LONG, Outcome
from prepared import PreparedServer

from shared_database import postgres_url

pytestmark = [pytest.mark.slow]

SEAL = "roomtone.services.seal:Sealer"
SHELF = "roomtone.services.shelves:KeptShelf"
STEPS = {
    "the work is queued": "roomtone.jobs.due:DurableJobs.seal after 1",
    "the work begins": f"{SEAL}.seal before 1",
    "everything is folded": f"{SHELF}.put_report before 1",
    "one report of three is stored": f"{SHELF}.put_report after 1",
    "all reports are stored": f"{SHELF}.put_digest before 1",
    "the day has counted it": f"{SHELF}.put_digest after 1",
    "it is sealed, not yet packed": "roomtone.storage.journal:SqlJournal.pack before 1",
    "one journal is packed": "roomtone.storage.journal:SqlJournal.pack after 1",
    "it is sealed, not yet noted": f"{SEAL}.seal after 1",
    "its files are due": "roomtone.services.artifacts:Artifacts.publish before 1",
    "a file is written, not yet noted": "roomtone.storage.blobs:LocalBlobs.put after 1",
    "its files are there": "roomtone.services.artifacts:Artifacts.publish after 1",
    "a summary is due": "roomtone.services.summaries:Summaries.order_at_end before 1",
    "a webhook is about to be sent": "roomtone.jobs.posting:HttpCourier.post before 6",
    "a webhook is sent, not yet noted": "roomtone.jobs.posting:HttpCourier.post after 6",
    "the last webhook is sent, not yet noted": "roomtone.jobs.posting:HttpCourier.post after 9",
}
NAMES = tuple(STEPS)
SEALING = NAMES[: NAMES.index("its files are due")]
"""Up to here one process goes where the one before it was killed. What follows is done by whoever
comes first, the seal or the loop that looks for late words, or counts what one process sends."""
ALONE = {step: (step,) for step in NAMES}
AFTERWARDS = {step: (step,) for step in NAMES if step not in SEALING}
SQLITE = ALONE if LONG else {"each step of sealing": SEALING} | AFTERWARDS
SHARED = ("the day has counted it", "one journal is packed")
"""Of the shared database, where a worker is taken for dead only after seconds."""
POSTGRESQL = {
    **({step: (step,) for step in SHARED} if LONG else {"two steps of the way": SHARED}),
    "a webhook is sent, not yet noted": ("a webhook is sent, not yet noted",),
}
PEERS = 3
EVENTS = {
    "meeting.started": 1,
    "meeting.participantJoined": PEERS,
    "meeting.participantLeft": PEERS,
    "meeting.ended": 1,
    "meeting.chatSynced": 1,
}
SETTINGS = {"webhooks_allow_private": True}


class FleetMember(FleetServer, PreparedServer):
    """One of several processes, started through a launcher."""


def hold_call(door: JourneyServer, api: JourneyServer) -> tuple[str, list[str]]:
    """A short call that is heard, seen and chatted in, and then ended; its meeting and peers."""
    meeting, peers = api.meeting(), []
    for number in range(PEERS):
        person, peer = api.invite(meeting, f"p{number}"), new_peer()
        t = now_ms()
        stream = {
            "type": "inbound-rtp",
            "id": "I1",
            "timestamp": t,
            "ssrc": number,
            "kind": "audio",
            "packetsReceived": 500 + number,
        }
        chat = {"action": "add", "message": {"id": f"m{number}", "type": "text", "message": "hi"}}
        entries = [
            {"event": "call_join", "timestamp": t},
            {"event": "stats", "timestamp": t, "metaData": {"pc": "pc", "report": [stream]}},
            {"event": "chat_message", "timestamp": t, "metaData": chat},
        ]
        body = {"peer_id": peer, "seq": 1, "entries": entries}
        assert door.send("/v1/collect", person.token, body).status_code == 202
        peers.append(peer)
    wait_for("all to be there", lambda: _present(api, meeting) == PEERS)
    api.kick_all(meeting)
    return meeting, peers


def _present(api: JourneyServer, meeting: str) -> int:
    return sum(one["live_participants"] for one in api.sessions(meeting))


def check(api: JourneyServer, meeting: str, peers: list[str], listener: HookListener) -> None:
    """All of it once."""
    wait_for("the seal", lambda: api.unsealed() == 0)
    wait_for("the deliveries", lambda: _told(listener) == EVENTS and not _pending(api))
    (session,) = api.sessions(meeting)
    assert session["total_participants"] == PEERS
    days = api.rows("SELECT sum(sessions), sum(peers) FROM day_figures")
    assert [tuple(map(int, row)) for row in days] == [(1, PEERS)]
    assert api.rows("SELECT count(*) FROM session_digests") == [(1,)]
    assert api.rows("SELECT count(*) FROM reports") == [(PEERS,)]
    for number, peer in enumerate(peers):
        readings = api.report(peer)["peer_report"]["quality"]["audio_consumer"]
        assert [one["packets_received"] for one in readings] == [500 + number]
    assert api.rows("SELECT count(*) FROM artifacts WHERE kind = 'chat'") == [(1,)]
    # Told of findings at most once as well: of these short calls there may be some, or none.
    assert listener.effects().get("session.findings", 0) <= 1


def _told(listener: HookListener) -> dict[str, int]:
    return {event: n for event, n in listener.effects().items() if event in EVENTS}


def _pending(api: JourneyServer) -> int:
    return int(api.rows("SELECT count(*) FROM deliveries WHERE status = 'PENDING'")[0][0])


@pytest.fixture
def listener() -> Iterator[HookListener]:
    with HookListener() as listening:
        yield listening


@pytest.mark.parametrize("steps", SQLITE.values(), ids=SQLITE)
def test_a_kill_in_the_midst_of_a_seal_changes_nothing_on_sqlite(
    steps: tuple[str, ...], tmp_path: Path, listener: HookListener, outcome: Outcome
) -> None:
    server = PreparedServer(tmp_path / "data", **SETTINGS)
    server.launcher, server.variables = "launch_killed.py", {"DIES_AT": STEPS[steps[0]]}
    server.start()
    try:
        server.post("/webhooks", {"name": "all", "url": listener.url, "events": list(EVENTS)})
        meeting, peers = hold_call(server, server)
        assert server.exited() == -9
        for step in steps[1:]:
            server.variables = {"DIES_AT": STEPS[step]}
            server.launch()
            assert server.exited() == -9, step
        outcome.add(faults=len(steps), calls=1, accepted=PEERS)
        server.launcher = None
        server.start()
        check(server, meeting, peers, listener)
        (session,) = server.sessions(meeting)
        chat = server.get(f"/sessions/{session['id']}/chat")
        text = server.client.get(chat["chat_download_url"]).text
        assert text.count("\n") == PEERS + 1
    finally:
        server.stop()
    assert "Traceback" not in server.told()


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("steps", POSTGRESQL.values(), ids=POSTGRESQL)
def test_another_worker_takes_over_what_a_killed_one_had_begun(
    steps: tuple[str, ...], tmp_path: Path, listener: HookListener, outcome: Outcome
) -> None:
    with postgres_url() as url, ExitStack() as ends:
        shared = {"database": url, **SETTINGS}
        front = FleetServer(tmp_path / "front", None, **shared, role="api")
        door = FleetServer(tmp_path / "door", front, **shared, role="collect")
        for server in (front, door):
            ends.callback(server.stop)
            server.start()
        workers = []
        for number, step in enumerate(steps):
            worker = FleetMember(tmp_path / f"worker{number}", front, **shared, role="work")
            worker.launcher, worker.variables = "launch_killed.py", {"DIES_AT": STEPS[step]}
            workers.append(worker)
            ends.callback(worker.stop)
        workers[0].start()
        front.post("/webhooks", {"name": "all", "url": listener.url, "events": list(EVENTS)})
        meeting, peers = hold_call(door, front)
        assert workers[0].exited() == -9
        for worker in workers[1:]:
            worker.launch()
            assert worker.exited() == -9
        outcome.add(faults=len(steps), calls=1, accepted=PEERS)
        other = FleetServer(tmp_path / "other", front, **shared, role="work")
        ends.callback(other.stop)
        other.start()
        check(front, meeting, peers, listener)
        lines = [json.loads(line) for line in other.log.read_text().splitlines()]
        assert "a worker is gone" in [line["event"] for line in lines]
