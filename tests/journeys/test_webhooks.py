"""The owner's server is told by a real Roomtone, and knows no more than the vendor's documents."""

import asyncio
import json
import random
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from journey_server import (
    JourneyServer,
    Person,
    new_peer,
    now_ms,
    roomtone_command,
    told,
    wait_for,
)

from roomtone.settings import Settings
from roomtone.wiring import Roomtone

pytestmark = [pytest.mark.needs("node")]

HERE = Path(__file__).resolve().parent
MEETING_EVENTS = [
    "meeting.started",
    "meeting.ended",
    "meeting.participantJoined",
    "meeting.participantLeft",
]
FILE_EVENTS = ["meeting.chatSynced", "meeting.transcript", "meeting.summary"]
KILLS = 30
TRICKY = 'Zoë \u2028\u2029 "q" \\ \t\b\x1f\x7f </script> 😀 \u202eabc \u00ad'


class Receiver:
    """A Node process that verifies and notes whatever comes."""

    def __init__(self, well_known: str, log: Path) -> None:
        self._log = log
        self._process = subprocess.Popen(
            ["node", HERE / "webhook_receiver.cjs", well_known, log],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def url(self, path: str = "/ok") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def lines(self, path: str | None = None) -> list[dict[str, Any]]:
        """What came, in the order of arrival."""
        # Not splitlines(): JSON.stringify leaves U+2028 as it is.
        text = self._log.read_text() if self._log.exists() else ""
        whole = text.rpartition("\n")[0]
        found = [json.loads(line) for line in whole.split("\n") if line]
        return [line for line in found if path is None or line["path"] == path]

    def events(self, path: str) -> list[str]:
        return [line["body"]["event"] for line in self.lines(path)]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


Receive = Callable[[JourneyServer], Receiver]


@pytest.fixture
def receive(tmp_path: Path) -> Iterator[Receive]:
    """Start a receiver for the webhooks of a server."""
    started: list[Receiver] = []

    def start(server: JourneyServer) -> Receiver:
        well_known = f"{server.url}/.well-known/webhooks.json"
        started.append(Receiver(well_known, tmp_path / f"received{len(started)}.jsonl"))
        return started[-1]

    yield start
    for receiver in started:
        receiver.stop()


def hook(server: JourneyServer, url: str, events: list[str] | None = None) -> str:
    """A webhook's id."""
    given = {"name": url, "url": url, "events": events or MEETING_EVENTS}
    return str(server.post("/webhooks", given)["id"])


def log_of(server: JourneyServer, hook_id: str) -> list[dict[str, Any]]:
    """Its deliveries, latest first."""
    found: list[dict[str, Any]] = server.get(f"/webhooks/{hook_id}/deliveries", per_page=1000)
    return found


def join(person: Person, peer_id: str) -> httpx.Response:
    entry = {"event": "call_join", "timestamp": now_ms()}
    return person.collect({"peer_id": peer_id, "entries": [entry]})


def leave(person: Person, peer_id: str) -> httpx.Response:
    entry = {"event": "disconnect", "timestamp": now_ms()}
    return person.collect({"peer_id": peer_id, "entries": [entry]})


def hold(server: JourneyServer, name: str = "Alice", title: str = "a meeting") -> str:
    """A short call: somebody comes, the host ends it. The meeting's id."""
    meeting_id = server.meeting(title=title)
    person, peer_id = server.invite(meeting_id, name), new_peer()
    assert join(person, peer_id).status_code == 202
    server.soon(peer_id)
    server.kick_all(meeting_id)
    return meeting_id


def announce_files(server: JourneyServer, session_id: str) -> None:
    """What the makers of files do at the end, from a process beside the server."""
    roomtone = Roomtone(Settings(data=str(server.data)))

    async def announce() -> None:
        session = roomtone.records.peek(lambda tx: tx.sessions.session_by_id(session_id))
        assert session is not None
        expires = now_ms() + 7 * 24 * 3600 * 1000
        for tell in (
            roomtone.announcer.chat_synced,
            roomtone.announcer.transcript_ready,
            roomtone.announcer.summary_ready,
        ):
            await tell(session, f"{server.url}/files/ü?sig=a%20b&x=<y>", expires, "once")
        await roomtone.close()

    asyncio.run(announce())


def test_a_receiver_that_knows_the_vendors_documents_accepts_every_event_in_order(serve, receive):
    server = serve(webhooks_allow_private=True)
    receiver = receive(server)
    hook_id = hook(server, receiver.url(), MEETING_EVENTS + FILE_EVENTS)
    hold(server, TRICKY, TRICKY)
    wait_for("four events", lambda: len(receiver.lines()) >= 4)
    announce_files(server, receiver.lines()[0]["body"]["meeting"]["sessionId"])
    wait_for("three more", lambda: len(receiver.lines()) >= 7)
    lines = receiver.lines()

    assert [line["body"]["event"] for line in lines] == [
        "meeting.started",
        "meeting.participantJoined",
        "meeting.participantLeft",
        "meeting.ended",
        *FILE_EVENTS,
    ]
    assert all(line["rawVerified"] for line in lines)
    assert all(line["restringified"] for line in lines)
    assert not any(line["tamperedVerified"] for line in lines)
    assert {line["webhook"] for line in lines} == {hook_id}
    assert {line["type"] for line in lines} == {"application/json"}
    assert {line["host"] for line in lines} == {f"127.0.0.1:{receiver.port}"}
    assert lines[1]["body"]["participant"]["userDisplayName"] == TRICKY
    assert lines[3]["body"]["reason"] == "HOST_ENDED_MEETING"
    wait_for("the log", lambda: {row["status"] for row in log_of(server, hook_id)} == {"DELIVERED"})
    assert [row["id"] for row in log_of(server, hook_id)] == [line["uuid"] for line in lines][::-1]


def test_dead_slow_and_hostile_receivers_delay_nobody(serve, receive):
    server = serve(webhooks_allow_private=True)
    receiver = receive(server)
    paths = ("/redirect", "/gone", "/failing", "/endless", "/flaky")
    hooks = {path: hook(server, receiver.url(path)) for path in paths}
    hanging = [hook(server, receiver.url("/hang")) for _ in range(20)]
    nobody = hook(server, "http://127.0.0.1:9/")
    lost = hook(server, "http://does-not-exist.invalid/")
    hook(server, receiver.url("/ok"))
    for _ in range(5):
        hold(server)
    wait_for("the live one", lambda: len(receiver.lines("/ok")) == 20)

    # The live one was called before any of the twenty that hang was given up, although it was made
    # after them; one after another, what waits for those would take an hour.
    assert receiver.lines("/ok")[0]["at"] < receiver.lines("/hang")[0]["at"] + 10_000
    assert receiver.events("/ok") == ["meeting.started", *MEETING_EVENTS[2:], "meeting.ended"] * 5

    def settled(path: str, status: str) -> bool:
        rows = log_of(server, hooks[path])
        return len(rows) == 20 and {row["status"] for row in rows} == {status}

    for path, status in (("/redirect", "FAILED"), ("/gone", "FAILED"), ("/endless", "DELIVERED")):
        wait_for(path, lambda path=path, status=status: settled(path, status))
    assert len(receiver.lines("/redirect")) == 20  # once each; followed, they would be at /ok
    assert len(receiver.lines("/ok")) == 20
    wait_for("/flaky", lambda: settled("/flaky", "DELIVERED"), 30)
    assert {row["tries"] for row in log_of(server, hooks["/flaky"])} == {2}
    assert len({line["uuid"] for line in receiver.lines("/flaky")}) == 20
    assert {row["response_body"] for row in log_of(server, hooks["/gone"])} == {"no longer here"}
    assert all(len(row["response_body"]) <= 1024 for row in log_of(server, hooks["/endless"]))
    for hook_id, word in ((hanging[0], "within 10 s"), (nobody, "no answer"), (lost, "looked up")):

        def tries(hook_id: str = hook_id) -> list[dict[str, Any]]:
            return [row for row in log_of(server, hook_id) if row["tries"]]

        tried = wait_for(word, tries)
        assert all(word in row["error"] for row in tried)
        assert {row["status"] for row in tried} == {"PENDING"}


def test_a_server_that_is_not_allowed_to_calls_no_private_address(serve, receive):
    server = serve()
    receiver = receive(server)
    refused = server.ask(
        "POST",
        "/webhooks",
        json={"name": "x", "url": receiver.url(), "events": MEETING_EVENTS},
    )
    # As if it had been made while the setting allowed it, or its name had led elsewhere then.
    hook_id = hook(server, "https://example.com/")
    with closing(sqlite3.connect(server.data / "roomtone.db", timeout=30)) as raw:
        raw.execute("UPDATE webhooks SET url = ?", (receiver.url(),))
        raw.commit()
    hold(server)
    wait_for("the refusals", lambda: len(log_of(server, hook_id)) == 4)
    wait_for("four", lambda: {row["status"] for row in log_of(server, hook_id)} == {"FAILED"})

    assert refused.status_code == 422
    assert receiver.lines() == []
    assert all("not public" in row["error"] for row in log_of(server, hook_id))


def test_deliveries_are_listed_replayed_and_signed_anew_from_the_command_line(serve, receive):
    server = serve(webhooks_allow_private=True)
    receiver = receive(server)
    hook_id = hook(server, receiver.url())
    hold(server)
    wait_for("four events", lambda: len(receiver.lines()) == 4)
    wait_for("the log", lambda: {row["status"] for row in log_of(server, hook_id)} == {"DELIVERED"})
    data = ("--data", server.data)
    (listed,) = told("webhook", "list", *data)
    rows = told("webhook", "deliveries", hook_id, *data)
    failed = told("webhook", "deliveries", hook_id, "--status", "FAILED", *data)
    key = roomtone_command("webhook", "rotate-key", *data)
    one = roomtone_command("webhook", "replay", hook_id, rows[1]["id"], *data)
    wait_for("the fifth", lambda: len(receiver.lines()) == 5)
    span = ("--from", rows[-1]["created_at"], "--to", rows[0]["created_at"])
    all_four = roomtone_command("webhook", "replay", hook_id, *span, *data)
    wait_for("four more", lambda: len(receiver.lines()) == 9)
    ids = [line["uuid"] for line in receiver.lines()]

    assert (listed["id"], listed["events"]) == (hook_id, MEETING_EVENTS)
    assert failed == []
    assert [row["id"] for row in rows] == ids[:4][::-1]
    assert key.stdout.startswith("-----BEGIN PUBLIC KEY-----")
    assert "1 delivery is queued" in one.stdout
    assert "4 deliveries are queued" in all_four.stdout
    assert ids[4] == rows[1]["id"]
    assert ids[5:] == ids[:4]
    assert all(line["rawVerified"] for line in receiver.lines())
    well_known = server.client.get(f"{server.url}/.well-known/webhooks.json").json()
    assert well_known["data"]["publicKey"] == key.stdout.strip()
    nonsense = roomtone_command("webhook", "replay", hook_id, *data)
    unknown = roomtone_command("webhook", "deliveries", "nobody", *data)
    assert (nonsense.returncode, unknown.returncode) == (2, 1)
    assert "webhook list" in unknown.stderr


@pytest.mark.slow
def test_every_event_is_delivered_at_least_once_across_thirty_kills(serve, receive):
    server: JourneyServer = serve(webhooks_allow_private=True, log_level="error")
    receiver = receive(server)
    hook_id = hook(server, receiver.url())
    meeting_id = server.meeting()
    people = [server.invite(meeting_id, f"p{number}") for number in range(4)]
    dice = random.Random(7)
    accepted: set[tuple[str, str]] = set()

    def flow(count: int) -> None:
        """People come and go; what was answered 202 must be told of."""
        for _ in range(count):
            person, peer_id = dice.choice(people), new_peer()
            if join(person, peer_id).status_code == 202:
                accepted.add(("meeting.participantJoined", peer_id))
                if leave(person, peer_id).status_code == 202:
                    accepted.add(("meeting.participantLeft", peer_id))

    for number in range(KILLS):
        flow(dice.randint(2, 8))
        if number % 3 == 0:  # every third dies in the midst of delivering, others where they are
            came = len(receiver.lines())
            wait_for("a delivery", lambda came=came: len(receiver.lines()) > came)
        time.sleep(dice.uniform(0.0, 0.1))
        server.kill()
        server.start()
    last_kill = now_ms()
    wait_for(
        "the queue to be empty",
        lambda: not server.get(f"/webhooks/{hook_id}/deliveries", status="PENDING"),
        60,
    )
    lines = receiver.lines()
    peers = {
        (line["body"]["event"], line["body"]["participant"]["peerId"])
        for line in lines
        if "participant" in line["body"]
    }
    log = {row[0] for row in server.rows("SELECT id FROM deliveries")}

    assert len(accepted) >= 4 * KILLS
    assert sum(line["at"] < last_kill for line in lines) > KILLS  # they were sent in between, too
    assert accepted - peers == set()
    assert {line["uuid"] for line in lines} == log
    assert all(line["rawVerified"] and line["restringified"] for line in lines)
    by_uuid: dict[str, set[str]] = {}
    for line in lines:
        by_uuid.setdefault(line["uuid"], set()).add(line["raw"])
    assert all(len(bodies) == 1 for bodies in by_uuid.values())  # repeated, never changed
    told_once = [next(iter(bodies)) for bodies in by_uuid.values()]
    assert len(set(told_once)) == len(told_once)  # one cause, one delivery
    assert len(lines) - len(log) <= KILLS  # at most the one that was in flight
