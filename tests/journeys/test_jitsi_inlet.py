"""Jitsi's door as its clients of all ages, and its servers, use it."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from journey_server import JourneyServer, wait_for
from websockets.sync.client import ClientConnection, connect
from wire_players import OpenInlet

LEFT = 3001
CONNECTED = ["onconnectionstatechange", "PC_0", "connected"]


def opened(inlet: OpenInlet, protocol: str, room: str, query: str = "") -> ClientConnection:
    url = f"{inlet.socket}/{inlet.secret}/{room}{query}"
    socket = connect(url, subprotocols=[protocol])  # type: ignore[list-item]
    assert socket.subprotocol == protocol  # else a browser gives it up
    return socket


def hear(socket: ClientConnection) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(socket.recv(timeout=10))
    return said


def message(session: str, kind: str, *row: Any) -> str:
    data = list(row) if kind == "identity" else json.dumps(list(row))
    return json.dumps({"statsSessionId": session, "type": kind, "data": data})


def counted(packets: int, t: int) -> dict[str, Any]:
    """A getStats() result of a page that sends audio."""
    stream = {"id": "O", "type": "outbound-rtp", "kind": "audio", "ssrc": 7, "timestamp": t}
    return {"O": {**stream, "packetsSent": packets, "bytesSent": packets * 100}}


def row(server: JourneyServer, room: str) -> dict[str, Any]:
    """The one participant of a room's session."""

    def look() -> Any:
        found = server.get("/sessions", search=room)["sessions"]
        return found and server.participants(found[0]["id"])

    found: list[dict[str, Any]] = wait_for(f"somebody in {room}", look)
    assert len(found) == 1
    return found[0]


def kept(server: JourneyServer, word: str) -> list[str]:
    """Bodies in quarantine whose reason has a word in it, oldest first."""
    rows = server.rows("SELECT reason, body FROM quarantine ORDER BY received_at, id")
    return [bytes(body).decode() for reason, body in rows if word in reason]


def test_a_client_from_before_acknowledgements_is_read(server: JourneyServer) -> None:
    """It names its session in its messages only, numbers nothing and waits for nobody."""
    inlet = OpenInlet(server, "jitsi")
    session, now = str(uuid4()), int(time.time() * 1000) - 20_000
    who = {"displayName": "Ann", "deviceId": "ann-1"}
    with opened(inlet, "3.1_STANDARD", "old-client") as socket:
        socket.send(message(session, "identity", "identity", None, who, now))
        socket.send(message(session, "stats-entry", "create", "PC_0", {}, now))
        socket.send(message(session, "stats-entry", *CONNECTED, now + 100))
        for second in range(11):
            t, packets = now + 1_000 * second, 50 * second
            socket.send(message(session, "stats-entry", "getstats", "PC_0", counted(packets, t), t))
    person = row(server, "old-client")
    assert person["custom_participant_id"] == "ann-1"
    left = wait_for("it to have left", lambda: server.report(person["id"])["left_at"])
    assert left
    report = server.report(person["id"])
    assert (
        sum(one["packets_sent"] for one in report["peer_report"]["quality"]["audio_producer"])
        == 500
    )
    assert server.get("/sessions", search="old-client")["sessions"][0]["live_participants"] == 0


@pytest.mark.parametrize("protocol", ["3.0_JVB", "1.0_JICOFO", "1.0_JIGASI", "3.1_jvb"])
def test_what_servers_say_is_kept_and_nobody_joins(server: JourneyServer, protocol: str) -> None:
    """With the versions that they have, which are not the browsers'."""
    inlet = OpenInlet(server, "jitsi")
    session = str(uuid4())
    query = f"?statsSessionId={session}"
    before = server.rows("SELECT count(*) FROM sessions")
    with opened(inlet, protocol, f"from-{protocol}", query) as socket:
        assert hear(socket) == {"type": "sn", "body": {"value": 0, "state": "initial"}}
        said = [json.dumps({"statsSessionId": session, "type": "identity", "data": {"n": 0}})]
        said += [
            json.dumps({"statsSessionId": session, "type": "stats-entry", "data": f'{{"n": {n}}}'})
            for n in range(449)
        ]
        for text in said:
            socket.send(text)
    wait_for("all of it", lambda: len("\n".join(kept(server, protocol)).split("\n")) == 450)
    bodies = kept(server, protocol)
    assert len(bodies) == 3
    assert sorted("\n".join(bodies).split("\n")) == sorted(said)
    assert server.rows("SELECT count(*) FROM sessions") == before


def test_large_messages_of_a_server_are_not_gathered_in_memory(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "jitsi")
    with opened(inlet, "3.2_JVB", "large") as socket:
        hear(socket)
        for _ in range(3):
            socket.send(json.dumps({"type": "stats-entry", "data": "x" * 1_100_000}))
        wait_for("each to be kept at once", lambda: len(kept(server, "3.2_JVB")) == 3)


def test_old_statistics_are_kept_and_the_rest_is_read(server: JourneyServer) -> None:
    """``_LEGACY``: Chrome's getStats() of before the W3C's; today's under the same name is read."""
    inlet = OpenInlet(server, "jitsi")
    old = {
        "ssrc_7_send": {"type": "ssrc", "timestamp": 0, "ssrc": "7", "packetsSent": "50"},
        "Conn-1": {"type": "googCandidatePair", "timestamp": 0, "googRtt": "12"},
    }
    shrunk = {"ssrc_7_send": {"packetsSent": "90"}}  # a delta says no type again
    for room, reports in (("legacy", [old, shrunk]), ("legacy-firefox", None)):
        session, now = str(uuid4()), int(time.time() * 1000) - 20_000
        given = reports or [counted(0, now + 200), counted(50, now + 1_200)]
        rows = [
            ["identity", None, {"deviceId": room}, now],
            ["create", "PC_0", {}, now],
            [*CONNECTED, now + 100],
            *(["getstats", "PC_0", one, now + 200 + 1_000 * n] for n, one in enumerate(given)),
        ]
        with opened(inlet, "3.1_LEGACY", room, f"?statsSessionId={session}") as socket:
            assert hear(socket)["body"]["state"] == "initial"
            for number, one in enumerate(rows, 1):
                kind = "identity" if number == 1 else "stats-entry"
                socket.send(message(session, kind, *one, number))
            while hear(socket)["body"]["value"] < len(rows):
                pass
            socket.close(LEFT)
    (body,) = wait_for("what was kept", lambda: kept(server, "old getStats()"))
    assert [json.loads(json.loads(one)["data"])[2] for one in body.split("\n")] == [old, shrunk]
    states = [
        event["name"]
        for event in server.report(row(server, "legacy")["id"])["peer_report"]["metadata"]["events"]
    ]
    assert "connection_state" in states
    read = server.report(row(server, "legacy-firefox")["id"])["peer_report"]["quality"]
    assert sum(one["packets_sent"] for one in read["audio_producer"]) == 50


def test_nobody_s_first_message_is_kept_and_said(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "jitsi")
    with opened(inlet, "3.1_STANDARD", "nobody") as socket:
        socket.send('{"type": "keepalive"}')
        with pytest.raises(Exception, match="statsSessionId"):
            socket.recv(timeout=10)
    assert kept(server, "Neither the URL") == ['{"type": "keepalive"}']
