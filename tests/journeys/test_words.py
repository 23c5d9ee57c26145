"""What was said, through every door, in a server process of its own."""

import csv
import io
import json
import socket
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from journey_server import JourneyServer, Person, roomtone_command, told, wait_for
from slow_model import SlowModel

TALK = (
    "We should decide about the release today.",
    "I think we ship on Friday, the tests are green.",
    "Agreed, we ship on Friday.",
    "Ben will write the changelog by Thursday.",
    "Who is going to tell support?",
    "I will write to support tomorrow.",
)


def iso_now(offset_s: float = 0) -> str:
    return datetime.fromtimestamp(time.time() + offset_s, UTC).isoformat()


class Talker:
    """Somebody in a call: one peer."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.peer_id = str(uuid4())
        self.seq = 0

    def say(self, *entries: dict) -> httpx.Response:
        body = {"peer_id": self.peer_id, "seq": self.seq, "entries": list(entries)}
        self.seq += 1
        answer = self.person.collect(body)
        assert answer.status_code == 202, answer.text
        self.last = body
        return answer

    def join(self) -> None:
        self.say({"event": "call_join", "timestamp": iso_now()})

    def leave(self) -> None:
        self.say({"event": "disconnect", "timestamp": iso_now()})

    def chat(self, action: str, **message: object) -> None:
        said = {"id": "m1", "type": "text", "userId": self.person.user_id, "displayName": "X"}
        said |= {"time": iso_now(), "message": "hello"} | message
        meta = {"action": action, "message": said}
        self.say({"event": "chat_message", "timestamp": iso_now(), "metaData": meta})

    def speak(self, words: str, segment_id: str, *, partial: bool = False, at: float = 0) -> None:
        meta = {
            "id": segment_id,
            "name": "X",
            "peerId": self.peer_id,
            "userId": self.person.user_id,
            "transcript": words,
            "isPartialTranscript": partial,
            "timestamp": int((time.time() + at) * 1000),
        }
        self.say({"event": "transcript", "timestamp": iso_now(), "metaData": meta})


def a_call(server: JourneyServer, **meeting: object) -> tuple[str, Talker, Talker]:
    """A meeting with Ana and Ben in it."""
    meeting_id = server.meeting(**meeting)
    ana = Talker(server.invite(meeting_id, "Ana"))
    ben = Talker(server.invite(meeting_id, "Ben"))
    ana.join()
    ben.join()
    return meeting_id, ana, ben


def session_of(server: JourneyServer, meeting_id: str) -> str:
    return str(wait_for("a session", lambda: server.sessions(meeting_id))[0]["id"])


def end(server: JourneyServer, meeting_id: str) -> None:
    server.kick_all(meeting_id)
    server.wait_until_sealed()


def download(url: str) -> httpx.Response:
    answer = httpx.get(url)
    assert answer.status_code == 200, answer.text
    return answer


def chat_rows(server: JourneyServer, session_id: str) -> list[dict[str, str]]:
    text = download(server.get(f"/sessions/{session_id}/chat")["chat_download_url"]).text
    return list(csv.DictReader(io.StringIO(text)))


def items(server: JourneyServer, session_id: str) -> list[dict]:
    data = server.get(f"/sessions/{session_id}/transcript", format="JSON")
    return download(data["transcript_download_url"]).json()


def test_words_of_a_collector_are_in_the_files_while_the_session_is_live(server):
    meeting_id, ana, ben = a_call(server)
    ana.chat("add", id="a", message="first")
    ben.chat("add", id="b", message="second")
    ana.chat("edit", id="a", message="first, mended")
    ben.chat("delete", id="b")
    ana.chat("pin", id="a")
    ana.speak("I thi", "s1", partial=True, at=-2)
    ana.speak("I think so.", "s1")
    session_id = session_of(server, meeting_id)

    (row,) = chat_rows(server, session_id)
    assert row["payload"] == "first, mended"
    assert (row["isEdited"], row["pinned"]) == ("true", "true")
    assert row["participantId"] == ana.peer_id
    assert (row["sessionId"], row["meetingId"]) == (session_id, meeting_id)
    (item,) = items(server, session_id)
    assert item["sentence"] == "I think so."
    assert item["peerData"]["id"] == ana.peer_id
    assert item["peerData"]["cpi"] == "custom-Ana"
    assert 1_500 < item["endTime"] - item["startTime"] < 2_500 or item["startTime"] == 0

    ben.speak("And later more.", "s2")
    assert len(items(server, session_id)) == 2


def test_words_wait_for_their_peer_to_join(server):
    meeting_id = server.meeting()
    ana = Talker(server.invite(meeting_id, "Ana"))
    ana.chat("add", id="early", message="is anybody there?")
    assert server.sessions(meeting_id) == []

    ana.join()
    session_id = session_of(server, meeting_id)

    def there() -> bool:
        return server.ask("GET", f"/sessions/{session_id}/chat").status_code == 200

    wait_for("the early message", there)
    assert chat_rows(server, session_id)[0]["payload"] == "is anybody there?"


def test_words_in_the_batch_of_the_join_are_there_with_the_answer(server):
    meeting_id = server.meeting()
    ana = Talker(server.invite(meeting_id, "Ana"))
    message = {"id": "m", "type": "text", "message": "hi", "time": iso_now()}
    ana.say(
        {"event": "call_join", "timestamp": iso_now()},
        {
            "event": "chat_message",
            "timestamp": iso_now(),
            "metaData": {"action": "add", "message": message},
        },
    )

    session_id = server.sessions(meeting_id)[0]["id"]
    assert chat_rows(server, session_id)[0]["participantId"] == ana.peer_id


def test_a_batch_that_is_sent_again_changes_nothing(server):
    meeting_id, ana, _ = a_call(server)
    ana.chat("add", id="a", message="first")
    first = ana.last
    ana.chat("edit", id="a", message="mended")
    ana.person.collect(first)

    rows = chat_rows(server, session_of(server, meeting_id))
    assert [row["payload"] for row in rows] == ["mended"]


def test_what_people_say_is_in_no_report(server):
    meeting_id, ana, _ = a_call(server)
    ana.chat("add", id="a", message="a secret word")
    ana.speak("another secret word", "s")
    end(server, meeting_id)

    assert "secret" not in json.dumps(server.report(ana.peer_id))


def test_the_files_of_an_ended_session_are_written_once_and_again_for_late_words(server):
    meeting_id, ana, _ = a_call(server)
    ana.speak("One.", "s1")
    session_id = session_of(server, meeting_id)
    end(server, meeting_id)

    def made() -> int:
        rows = server.rows("SELECT count(*) FROM artifacts WHERE session_id = ?", session_id)
        return int(rows[0][0])

    wait_for("the files", lambda: made() == 4)
    before = server.get(f"/sessions/{session_id}/transcript", format="SRT")
    assert "One." in download(before["transcript_download_url"]).text
    taken = server.post(
        f"/sessions/{session_id}/transcript",
        {"segments": [{"startTime": 5_000, "endTime": 6_000, "sentence": "Two."}]},
    )
    assert (taken["new"], taken["changed"], taken["known"]) == (1, 0, 0)
    # At once, before anything is written again; and then the link from before shows it too.
    after = server.get(f"/sessions/{session_id}/transcript", format="SRT")
    assert "Two." in download(after["transcript_download_url"]).text
    assert "Two." in download(before["transcript_download_url"]).text

    def settled() -> bool:
        return server.rows("SELECT due FROM spoken WHERE session_id = ?", session_id) == [(0,)]

    wait_for("the files to be written again", settled)


def test_files_go_in_through_every_door_of_the_server(server, tmp_path: Path):
    meeting_id, _, _ = a_call(server)
    session_id = session_of(server, meeting_id)
    srt = "1\n00:00:01,000 --> 00:00:02,000\nAna: Good morning\n\n"
    headers = {"content-type": "application/x-subrip"}
    path = f"/sessions/{session_id}/transcript"
    first = server.ask("POST", path, content=srt, headers=headers).json()["data"]
    again = server.ask("POST", path, content=srt.encode("utf-16"), headers=headers).json()["data"]
    file = tmp_path / "talk.vtt"
    file.write_text("WEBVTT\n\n00:05.000 --> 00:06.000\nBen: And to you\n")
    imported = told("import", "--data", server.data, "--session", session_id, file)

    assert (first["new"], again["new"], again["known"]) == (1, 0, 1)
    assert any("UTF-16" in note for note in again["notes"])
    assert imported["new"] == 1
    assert [item["sentence"] for item in items(server, session_id)] == [
        "Good morning",
        "And to you",
    ]
    assert [item["peerData"]["cpi"] for item in items(server, session_id)] == [
        "custom-Ana",
        "custom-Ben",
    ]


def test_a_gigabyte_is_cut_off(server):
    meeting_id, _, _ = a_call(server)
    session_id = session_of(server, meeting_id)
    sent = 0

    def endless():
        nonlocal sent
        piece = b"x" * 1024 * 1024
        for _ in range(1024):
            sent += len(piece)
            yield piece

    path = f"/sessions/{session_id}/transcript"
    before = server.resident_kb()
    try:
        answer = server.ask("POST", path, content=endless(), headers={"content-type": "text/vtt"})
    except (httpx.WriteError, httpx.ReadError):
        pass  # the connection was closed before all was sent
    else:
        assert answer.status_code == 413
    assert sent < 200 * 1024 * 1024
    assert server.resident_kb() < before + 150_000
    assert server.ask("GET", f"/sessions/{session_id}").status_code == 200


def test_a_gigabyte_that_is_announced_is_refused_with_413(server):
    meeting_id, _, _ = a_call(server)
    session_id = session_of(server, meeting_id)
    address = urlsplit(f"{server.base}/sessions/{session_id}/transcript")
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        head = (
            f"POST {address.path} HTTP/1.1\r\nhost: x\r\ncontent-type: text/vtt\r\n"
            f"authorization: Bearer {server.api_token}\r\ncontent-length: {1 << 30}\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":413' in answer


def say_all(talkers: tuple[Talker, ...]) -> None:
    for number, sentence in enumerate(TALK):
        talkers[number % len(talkers)].speak(sentence, f"s{number}", at=number)


def summary_of(server: JourneyServer, session_id: str) -> str:
    path = f"/sessions/{session_id}/summary"
    wait_for("a summary", lambda: server.ask("GET", path).status_code == 200)
    return download(server.get(path)["summaryDownloadUrl"]).text


def test_a_summary_is_made_at_the_end_where_the_meeting_wants_one(server):
    meeting_id, ana, ben = a_call(
        server,
        summarize_on_end=True,
        ai_config={"summarization": {"text_format": "plain_text", "summary_type": "team_meeting"}},
    )
    say_all((ana, ben))
    session_id = session_of(server, meeting_id)
    end(server, meeting_id)

    text = summary_of(server, session_id)
    assert "Friday" in text
    assert "#" not in text


@pytest.fixture
def model():
    running = SlowModel("They ship.")
    yield running
    running.close()


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_summary_goes_on_after_the_server_ended_in_the_middle(serve, model, how):
    server = serve(summary_url=model.url, summary_model="slow")
    meeting_id, ana, ben = a_call(server)
    say_all((ana, ben))
    session_id = session_of(server, meeting_id)
    path = f"/sessions/{session_id}/summary"
    assert server.ask("GET", path).json()["error"]["message"].count("never asked for")
    ordered = server.post(path)
    assert ordered["status"] == "QUEUED"
    wait_for("the model to be asked", lambda: model.asked)
    assert server.post(path)["status"] == "IN_PROGRESS"
    assert "in progress" in server.ask("GET", path).json()["error"]["message"]

    getattr(server, how)()
    model.go.set()
    server.start()

    assert "They ship." in summary_of(server, session_id)
    assert model.asked >= 2
    assert server.post(path)["status"] == "QUEUED"


def test_a_failed_summary_says_why_and_can_be_asked_for_again(serve):
    server = serve(summary_url="http://127.0.0.1:9/v1", summary_model="none")
    meeting_id, ana, _ = a_call(server)
    ana.speak("There is something to say.", "s1")
    session_id = session_of(server, meeting_id)
    path = f"/sessions/{session_id}/summary"
    server.post(path)

    def failed() -> bool:
        return "failed" in server.ask("GET", path).json()["error"]["message"]

    wait_for("the failure", failed, 60)
    assert server.post(path)["status"] == "QUEUED"


def test_accepted_words_survive_a_kill(serve):
    server = serve()
    meeting_id, ana, _ = a_call(server)
    for number in range(20):
        ana.chat("add", id=f"m{number}", message=f"message {number}")
    server.kill()
    server.start()

    rows = chat_rows(server, session_of(server, meeting_id))
    assert [row["payload"] for row in rows] == [f"message {number}" for number in range(20)]


def test_the_words_can_be_made_again_from_the_journal(serve):
    server = serve()
    meeting_id, ana, _ = a_call(server)
    ana.chat("add", id="a", message="from a collector")
    session_id = session_of(server, meeting_id)
    message = {"id": "b", "time": iso_now(), "message": "from a server", "displayName": "Bot"}
    server.post(f"/sessions/{session_id}/chat", {"messages": [message]})
    end(server, meeting_id)
    before = chat_rows(server, session_id)
    server.stop()
    with closing(sqlite3.connect(server.data / "roomtone.db")) as rows:
        rows.execute("DELETE FROM messages")
        rows.commit()
    outcome = told("rebuild", "--data", server.data)
    server.start()

    assert outcome["words"] == 2
    assert chat_rows(server, session_id) == before
    assert len(before) == 2


def test_words_are_exported_for_a_time_range(server):
    meeting_id, _, _ = a_call(server)
    session_id = session_of(server, meeting_id)
    messages = [
        {"id": f"x{year}", "time": f"{year}-06-01T00:00:00Z", "message": f"of {year}"}
        for year in (2001, 2002, 2003)
    ]
    server.post(f"/sessions/{session_id}/chat", {"messages": messages})
    done = roomtone_command(
        *("export", "--data", server.data, "--kind", "chat"),
        *("--from", "2002-01-01", "--to", "2003-01-01"),
    )

    assert done.returncode == 0, done.stderr
    (line,) = map(json.loads, done.stdout.splitlines())
    assert line["message"] == "of 2002"
    assert line["session_id"] == session_id


def test_a_person_is_erased_everywhere(serve):
    server = serve()
    meeting_id, ana, ben = a_call(server)
    ana.chat("add", id="a", message="the words of Ana")
    # Ben's client reports what Ana wrote as well, as the vendor's clients do.
    ben.chat("add", id="a", message="the words of Ana", userId=ana.person.user_id)
    ben.chat("add", id="b", message="the words of Ben")
    ana.speak("Ana has spoken of the Friday release.", "s1")
    ben.speak("Ben has spoken of the Friday release.", "s2")
    session_id = session_of(server, meeting_id)
    server.post(f"/sessions/{session_id}/summary")
    summary_of(server, session_id)
    end(server, meeting_id)
    wait_for("the files", lambda: server.rows("SELECT 1 FROM artifacts WHERE kind = 'chat'"))

    erased = told("erase", "--data", server.data, "--participant", "custom-Ana", "--yes")

    assert erased["participants"] == erased["peers"] == erased["messages"] == 1
    assert erased["segments"] == 1
    assert erased["facts"] == 1
    assert [row["payload"] for row in chat_rows(server, session_id)] == ["the words of Ben"]
    assert "Ana" not in json.dumps(items(server, session_id))
    assert server.ask("GET", f"/sessions/{session_id}/summary").status_code == 404
    assert server.ask("GET", f"/sessions/peer-report/{ana.peer_id}").status_code == 404
    server.wait_until_sealed()
    server.stop()
    assert told("rebuild", "--data", server.data)["words"] == 0
    left = b"".join(
        path.read_bytes() for path in server.data.rglob("*") if path.name.startswith("roomtone.db")
    )
    assert left.count(b"custom-Ana") == 0


def test_a_session_is_erased_everywhere(serve):
    server = serve()
    meeting_id, ana, _ = a_call(server)
    ana.chat("add", id="a", message="unmistakable words")
    session_id = session_of(server, meeting_id)
    refused = roomtone_command("erase", "--data", server.data, "--session", session_id, "--yes")
    assert "LIVE" in refused.stderr
    end(server, meeting_id)
    wait_for("the file", lambda: list((server.data / "files").rglob("*/*")))
    assert len(server.sessions(meeting_id)) == 1
    link = server.get(f"/sessions/{session_id}/chat")["chat_download_url"]

    erased = told("erase", "--data", server.data, "--session", session_id, "--yes")

    assert (erased["sessions"], erased["peers"], erased["messages"], erased["files"]) == (
        1,
        2,
        1,
        1,
    )
    assert server.sessions(meeting_id) == []
    assert server.ask("GET", f"/sessions/{session_id}/chat").status_code == 404
    assert httpx.get(link).status_code == 404
    assert not [path for path in (server.data / "files").rglob("*") if path.is_file()]
    assert server.rows("SELECT count(*) FROM journal")[0][0] == 0
