"""rtcstats' own frames and files, through the doors of a running Roomtone."""

import gzip
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from journey_server import JourneyServer, Serve, roomtone_command, told, wait_for
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from wire_players import SHARED, OpenInlet, moved_to_now, wire_frames

from roomtone.model.facts import Snapshot
from roomtone.storage.encoding import decode_facts

DUMP = (SHARED / "two-party.rtcstats").read_bytes()


def sent(report: dict[str, Any], kind: str) -> int:
    rows = report["peer_report"]["quality"][f"{kind}_producer"]
    return sum(row["packets_sent"] or 0 for row in rows)


def play(inlet: OpenInlet, conn: int, frames: list[str] | None = None, **claim: str) -> str:
    """Send a side of the recorded call, and go away as a page does; the peer's id."""
    session = claim.setdefault("session", str(uuid4()))
    claim = {"user": f"user-{conn}", "conference": "board room", **claim}
    with inlet.rtcstats(**claim) as socket:
        assert socket.subprotocol == "rtcstats#5.0"
        for frame in moved_to_now(wire_frames(conn)) if frames is None else frames:
            socket.send(frame)
    return session


def ended(server: JourneyServer, peer: str) -> dict[str, Any]:
    """The report of a peer once all that it sent is there."""

    def look() -> Any:
        report = server.soon(peer)
        return report if report["left_at"] else None

    found: dict[str, Any] = wait_for(f"{peer} to have left", look)
    return found


def test_a_recorded_call_of_two_becomes_one_session_with_both_sides(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "rtcstats")
    sides = [play(inlet, conn) for conn in (1, 2)]
    for side in sides:
        ended(server, side)
    a, b = (server.report(side) for side in sides)
    assert a["session_id"] == b["session_id"]
    assert (a["custom_participant_id"], b["custom_participant_id"]) == ("user-1", "user-2")
    for mine, theirs in ((a, b), (b, a)):
        heard = mine["peer_report"]["quality"]["audio_consumer"]
        produced = theirs["peer_report"]["quality"]["audio_producer"]
        assert {row["peer_id"] for row in heard} == {theirs["id"]}
        assert {row["producer_id"] for row in heard} == {row["producer_id"] for row in produced}
    names = {event["name"] for event in a["peer_report"]["metadata"]["events"]}
    assert names >= {"connection_state", "negotiation", "user_media", "compute_pressure"}
    assert a["peer_report"]["metadata"]["device_info"]["cpus"] == 2


def test_a_dump_gives_the_same_report_as_the_live_call(serve: Serve) -> None:
    server = serve()
    frames = moved_to_now(wire_frames(1))
    live = ended(server, play(OpenInlet(server, "rtcstats"), 1, frames))
    head = json.dumps({"fileFormat": 4, "userAgent": None})
    dump = server.data.parent / "one.rtcstats"
    dump.write_text("\n".join(["RTCStatsDump", head, *frames, '["close",null,1001,3]']))
    (peer_id,) = told("import", dump, "--data", server.data)["peer_ids"]
    again = server.report(peer_id)

    def compared(report: dict[str, Any]) -> dict[str, Any]:
        """Without what each peer has of its own, and where its socket came from."""
        found = json.loads(json.dumps(report).replace(report["id"], "<peer>"))["peer_report"]
        del found["metadata"]["ip_information"]
        return found

    assert (live["joined_at"], live["left_at"]) == (again["joined_at"], again["left_at"])
    assert compared(live) == compared(again)
    assert live["peer_report"]["quality"]["video_producer"]


def test_a_socket_that_dies_leaves_a_report_up_to_its_last_frame(serve: Serve) -> None:
    server = serve(silence_s=5)
    frames = moved_to_now(wire_frames(1), age_ms=20_000)
    peer = str(uuid4())
    inlet = OpenInlet(server, "rtcstats")
    socket = inlet.rtcstats(user="u", session=peer, conference="c")
    for frame in frames[:70]:
        socket.send(frame)
    stats = [json.loads(frame) for frame in frames[:70] if frame.startswith('["g"')]
    wait_for("the last frame", lambda: snapshots_of(server, peer) >= len(stats))
    server.kill()
    socket.close_socket()
    server.start()
    report = server.soon(peer)
    assert sent(report, "audio") > 500


def snapshots_of(server: JourneyServer, peer: str) -> int:
    """How many snapshots of a peer the journal holds."""
    rows = server.rows(
        "SELECT facts FROM journal JOIN journal_subjects USING (subject) WHERE peer_id = ?", peer
    )
    return sum(isinstance(fact, Snapshot) for (facts,) in rows for fact in decode_facts(facts))


def test_a_client_that_comes_back_is_the_same_peer_and_its_deltas_go_on(
    server: JourneyServer,
) -> None:
    inlet = OpenInlet(server, "rtcstats")
    frames = moved_to_now(wire_frames(1))
    whole = ended(server, play(inlet, 1, frames, conference="whole"))
    peer = str(uuid4())
    half = 66
    at = json.loads(frames[0])[-1] + sum(json.loads(frame)[-1] for frame in frames[1 : half + 1])
    again = json.loads(frames[half])
    again[-1] = at
    claim = {"session": peer, "user": "u", "conference": "halves"}
    play(inlet, 1, frames[:half], **claim)
    play(inlet, 1, [json.dumps(again), *frames[half + 1 :]], **claim)

    def look() -> bool:
        return sent(server.soon(peer), "video") == sent(whole, "video")

    wait_for("both halves", look)
    report = server.report(peer)
    assert sent(report, "audio") == sent(whole, "audio")
    assert report["left_at"] == whole["left_at"]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        jwt.encode({"rtcStats": {"user": "u"}}, "x" * 32, algorithm="HS256"),
        jwt.encode({"rtcStats": {"user": "u"}}, None, algorithm="none"),
    ],
)
def test_a_bad_token_closes_the_socket(server: JourneyServer, token: str) -> None:
    inlet = OpenInlet(server, "rtcstats")
    url = f"{inlet.socket}?rtcstats-token={token}"
    with (
        connect(url, subprotocols=["rtcstats#5.0"]) as socket,
        pytest.raises(ConnectionClosed),
    ):
        socket.recv(timeout=10)
    assert socket.close_code == 1008


def test_tokens_that_ran_out_or_claim_nothing_close_the_socket(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "rtcstats")
    old = {"rtcStats": {"user": "u"}, "exp": int(time.time()) - 60}
    for claims in (old, {"sub": "u"}):
        token = jwt.encode(claims, inlet.secret, algorithm="HS256")
        url = f"{inlet.socket}?rtcstats-token={token}"
        with connect(url) as socket, pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)
        assert socket.close_code == 1008


def test_a_participant_token_opens_the_socket_too(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "rtcstats")
    meeting = server.meeting()
    ann = server.invite(meeting, "ann")
    with connect(f"{inlet.socket}?rtcstats-token={ann.token}", subprotocols=["2.0"]) as socket:
        for frame in moved_to_now(wire_frames(2)):
            socket.send(frame)
    (session,) = wait_for("the session", lambda: server.sessions(meeting))
    (peer,) = server.participants(session["id"])
    assert peer["user_id"] == ann.user_id


def test_frames_that_nobody_understands_are_kept_and_harm_nothing(server: JourneyServer) -> None:
    before = server.quarantined()
    frames = moved_to_now(wire_frames(1))
    bad = ["", "[", "{}", "[1]", '["x",7,null,1]', '["g","PC_0",{},"now"]', "[{},null,null,1]"]
    mixed = [frames[0], *bad, *frames[1:]]
    inlet = OpenInlet(server, "rtcstats")
    report = ended(server, play(inlet, 1, mixed, conference="mixed"))
    assert sent(report, "audio") > 1_000
    assert server.quarantined() == before + len(bad)


@pytest.mark.parametrize("how", ["form", "body", "gzip"])
def test_a_whole_dump_is_uploaded(server: JourneyServer, how: str) -> None:
    inlet = OpenInlet(server, "rtcstats")
    session = str(uuid4())
    token = inlet.token(user="u", session=session, conference=f"upload {how}")
    url = f"{inlet.at}/upload?rtcstats-token={token}"
    if how == "form":
        answer = httpx.post(url, files={"dump": ("dump", DUMP)}, headers={"origin": "http://x"})
    else:
        answer = httpx.post(url, content=gzip.compress(DUMP) if how == "gzip" else DUMP)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"message": "Stored.", "clientId": session}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert sent(ended(server, session), "audio") > 1_000


def test_what_is_no_dump_is_refused_by_name(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "rtcstats")
    url = f"{inlet.at}/upload?rtcstats-token={inlet.token(user='u')}"
    assert httpx.post(url, content=b"nonsense").status_code == 400
    assert httpx.post(url, content=b"").status_code == 422
    assert httpx.post(url, files={}, data={"a": "b"}).status_code in (400, 422)
    assert httpx.post(f"{inlet.at}/upload", content=DUMP).status_code == 403
    assert httpx.post(f"{inlet.at}/upload?rtcstats-token=x", content=DUMP).status_code == 403
    assert httpx.post(f"{inlet.at}/elsewhere", content=DUMP).status_code == 404
    empty = b'RTCStatsDump\n{"fileFormat":3}\n["create",null,{},1795393646738]\n'
    assert httpx.post(url, content=empty).status_code == 422


def test_a_folder_of_dumps_is_imported_and_goes_on_where_it_stopped(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve()
    folder = tmp_path / "dumps" / "inner"
    folder.mkdir(parents=True)
    for number in range(4):
        name = folder / f"{number}.rtcstats.gz"
        name.write_bytes(gzip.compress(DUMP + b'\n[":number",null,%d,1]' % number))
    data = ("--data", server.data, "--json")
    for expected in (False, True):
        done = roomtone_command("import", folder.parent, *data)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert [row["known"] for row in rows] == [expected] * 4
        assert len({row["session_ids"][0] for row in rows}) == 4
    file = folder / "0.rtcstats.gz"
    said = ("--meeting", "board", "--participant", "ann", "--at", "2026-01-02T10:00:00Z")
    (line,) = roomtone_command("import", file, *said, *data).stdout.splitlines()
    report = server.report(json.loads(line)["peer_ids"][0])
    assert report["custom_participant_id"] == "ann"
    assert report["joined_at"].startswith("2026-01-02T10:00:00")
    assert server.get(f"/sessions/{report['session_id']}")["meeting_display_name"] == "board"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("webrtc_internals_dump.txt", "webrtc-internals-clean.json.gz"),
        ("call.txt", "two-party.rtcstats"),
    ],
)
def test_a_dump_may_be_called_as_its_browser_calls_it(
    server: JourneyServer, name: str, file: str
) -> None:
    data = (SHARED / file).read_bytes()
    answer = server.ask("POST", "/imports", params={"name": name}, content=data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["kind"] == "recording"
    words = server.ask("POST", "/imports", params={"name": name}, content=b"0:01 Ana: hello")
    assert words.status_code in (400, 422)
    assert "session_id" in words.text
