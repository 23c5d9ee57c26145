"""A session of which a server and clients told: who decided, who only tried, and its replay."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from journey_server import JourneyServer, new_peer, now_ms, told, wait_for

AGO_MS = 300_000
"""So long ago that the session is over, keep-alive and all, as soon as everybody left."""


class Held:
    """A meeting that was held, told of by a generic server and by two of its browsers."""

    def __init__(self, server: JourneyServer) -> None:
        self.server = server
        self.t0 = now_ms() - AGO_MS
        self.meeting = server.meeting(title="told twice")
        self.inlet = server.post("/inlets", {"kind": "generic"})
        self.peers = {name: new_peer() for name in ("ada", "eve")}
        self.people = {name: server.invite(self.meeting, name) for name in self.peers}
        # Ada: both. Bo never got through. Cy: the server alone. Eve: her browser alone.
        self.says("ada", joined=0, left=100)
        self.browser("ada", joined=1, left=99)
        self.says("bo", joined=10, aborted=14)
        self.says("cy", joined=20, left=90)
        self.browser("eve", joined=30, left=120)
        wait_for("the session to end", self._over)
        server.wait_until_sealed()
        (self.session,) = server.sessions(self.meeting)

    def _over(self) -> bool:
        found = self.server.sessions(self.meeting)
        return len(found) == 1 and found[0]["status"] == "ENDED"

    def says(self, name: str, **what: float) -> None:
        """The server's events, each at its second."""
        who = {"id": f"custom-{name}", "name": name, "peer_id": f"conn-{name}"}
        events = [
            {"room": self.meeting, "event": event, "at": self.t0 + s * 1000, "participant": who}
            for event, s in what.items()
        ]
        answer = self.server.send(f"/in/{self.inlet['id']}", self.inlet["secret"], events)
        assert answer.status_code == 200, answer.text

    def browser(self, name: str, *, joined: float, left: float) -> None:
        """What a page reports of itself."""
        packets = [
            {
                "event": "stats",
                "timestamp": self.t0 + int(s * 1000),
                "metaData": {
                    "pc": "main",
                    "report": [
                        {"id": "o", "type": "outbound-rtp", "timestamp": self.t0 + s * 1000}
                        | {"ssrc": 1, "kind": "audio", "packetsSent": 50 * s, "bytesSent": 4000 * s}
                    ],
                },
            }
            for s in (joined + 1, joined + 20, left - 1)
        ]
        entries = [
            {"event": "call_join", "timestamp": self.t0 + int(joined * 1000)},
            *packets,
            {"event": "disconnect", "timestamp": self.t0 + int(left * 1000)},
        ]
        body = {"peer_id": self.peers[name], "seq": 1, "entries": entries}
        answer = self.people[name].collect(body)
        assert answer.status_code == 202, answer.text

    def rows(self, **query: Any) -> dict[str, dict[str, Any]]:
        """By name."""
        found = self.server.participants(self.session["id"], **query)
        return {row["display_name"]: row for row in found}


@pytest.fixture(scope="module")
def held(server: JourneyServer) -> Iterator[Held]:
    return Held(server)


def test_each_row_and_each_report_says_who_decided(held: Held) -> None:
    rows = held.rows()
    assert {name: row["decided_by"] for name, row in rows.items()} == {
        "ada": {"joined": "generic", "left": "client"},
        "cy": {"joined": "generic", "left": "generic"},
        "eve": {"joined": "client", "left": "client"},
    }
    for row in rows.values():
        assert held.server.report(row["id"])["decided_by"] == row["decided_by"]
    assert rows["ada"]["id"] == held.peers["ada"]
    ends = {"started": "generic", "ended": "client"}
    assert held.session["decided_by"] == ends
    details = held.server.get(f"/sessions/{held.session['id']}")
    assert (details["decided_by"], details["session"]["decided_by"]) == (ends, ends)


def test_who_never_connected_is_shown_on_request_and_counts_nowhere(held: Held) -> None:
    assert set(held.rows()) == {"ada", "cy", "eve"}
    assert set(held.rows(include_attempts="false")) == {"ada", "cy", "eve"}
    rows = held.rows(include_attempts="true")
    assert {name: row.get("status") for name, row in rows.items()} == {
        "ada": None, "bo": "attempted", "cy": None, "eve": None,
    }  # fmt: skip
    assert rows["bo"]["decided_by"] == {"joined": "generic", "left": "generic"}
    counts = ("total_participants", "max_concurrent_participants")
    assert [held.session[count] for count in counts] == [3, 3]
    whole = held.rows(view="consolidated", include_attempts="true")
    assert set(whole) == {"ada", "cy", "eve"}
    path = f"/sessions/{held.session['id']}/participants"
    assert held.server.ask("GET", path, params={"include_attempts": "perhaps"}).status_code == 422


def test_where_only_browsers_told_nobody_had_to_decide(held: Held) -> None:
    server = held.server
    meeting, peer_id = server.meeting(), new_peer()
    entries = [{"event": "call_join", "timestamp": now_ms()}]
    person = server.invite(meeting, "gus")
    assert person.collect({"peer_id": peer_id, "entries": entries}).status_code == 202
    server.soon(peer_id)
    (session,) = server.sessions(meeting)
    assert session["decided_by"] is None
    (row,) = server.participants(session["id"], include_attempts="true")
    assert "decided_by" not in row
    assert "status" not in row
    assert "decided_by" not in server.report(peer_id)


def test_whoever_a_server_named_first_is_the_same_person_once_invited(held: Held) -> None:
    server = held.server
    meeting = server.meeting()
    who = {"id": "custom-hal", "name": "Hal 9", "peer_id": "conn-hal"}
    told = [{"room": meeting, "event": "joined", "at": now_ms(), "participant": who}]
    path = f"/in/{held.inlet['id']}"
    assert server.send(path, held.inlet["secret"], told).status_code == 200
    (seen,) = server.get(f"/meetings/{meeting}/participants")

    server.invite(meeting, "hal")

    (invited,) = server.get(f"/meetings/{meeting}/participants")
    assert invited["id"] == seen["id"]
    assert (seen["name"], invited["name"]) == ("Hal 9", "hal")
    assert invited["created_at"] == seen["created_at"]


def test_the_replay_of_a_reconciled_session_is_the_same_bytes(held: Held, tmp_path: Path) -> None:
    copy = held.server.copy_to(tmp_path / "copy")

    def bodies() -> dict[str, bytes]:
        with closing(sqlite3.connect(copy / "roomtone.db")) as connection:
            asked = "SELECT peer_id, body FROM reports WHERE session_id = ?"
            return dict(connection.execute(asked, (held.session["id"],)).fetchall())

    before = bodies()
    # An attempt is kept, so it has a report as well.
    shown = held.rows(include_attempts="true").values()
    assert set(before) == {row["id"] for row in shown}
    session = ("--session", held.session["id"])
    assert told("rebuild", *session, "--data", copy)["changed"] == 0
    assert bodies() == before
    with closing(sqlite3.connect(copy / "roomtone.db")) as connection, connection:
        connection.execute("DELETE FROM reports")
    outcome = told("rebuild", *session, "--data", copy)
    assert (outcome["reports"], outcome["changed"]) == (4, 4)
    assert bodies() == before
