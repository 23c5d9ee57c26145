"""A deployment moves: folder → PostgreSQL and S3 → folder; and comes back from a backup."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fleet import FleetServer
from journey_server import JourneyServer, Serve, new_peer, now_ms, roomtone_command, told, wait_for
from moto.server import ThreadedMotoServer
from obstore.store import S3Store
from test_kill import call, journalled

from shared_database import postgres_url

pytestmark = [pytest.mark.slow, pytest.mark.needs("postgresql")]

BUCKET = "moved"
ACCESS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
}


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The endpoint of an S3-compatible server with an empty bucket."""
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    httpx.put(f"{endpoint}/{BUCKET}").raise_for_status()
    yield endpoint
    server.stop()


def talked(server: JourneyServer) -> tuple[str, str]:
    """A call that is over, with a chat; its session, its peer."""
    meeting = server.meeting()
    person, peer = server.invite(meeting, "Ana"), new_peer()
    message = {"id": "m1", "type": "text", "message": "hello", "time": now_ms()}
    entries = [
        {"event": "call_join", "timestamp": now_ms()},
        {
            "event": "chat_message",
            "timestamp": now_ms(),
            "metaData": {"action": "add", "message": message},
        },
    ]
    answer = person.collect({"peer_id": peer, "seq": 1, "entries": entries})
    assert answer.status_code == 202, answer.text
    session_id = wait_for("a session", lambda: server.sessions(meeting))[0]["id"]
    server.kick_all(meeting)
    server.wait_until_sealed()
    wait_for("its chat", lambda: server.ask("GET", f"/sessions/{session_id}/chat").is_success)
    return session_id, peer


def shown(server: JourneyServer, session_id: str, peer: str) -> tuple[object, object, str]:
    """What the API says of a call."""
    link = server.get(f"/sessions/{session_id}/chat")["chat_download_url"]
    return server.get(f"/sessions/{session_id}"), server.report(peer), httpx.get(link).text


def test_everything_goes_to_postgresql_and_s3_and_back_and_is_the_same(
    serve: Serve, tmp_path: Path, storage: str
) -> None:
    first = serve()
    session_id, peer = talked(first)
    before = shown(first, session_id, peer)
    old_link = first.get(f"/sessions/{session_id}/chat")["chat_download_url"]
    wait_for(
        "the file",
        lambda: first.rows("SELECT 1 FROM artifacts WHERE session_id = ?", session_id),
    )
    first.stop()

    with postgres_url() as database:
        files, endpoint = f"s3://{BUCKET}/some", storage
        away = ("--to-database", database, "--to-files", files, "--to-files-endpoint", endpoint)
        moved = told("move", "--data", first.data, *away)
        assert moved["tables"]["sessions"]["rows"] == 1
        assert moved["files"] == 1
        bucket = S3Store(BUCKET, endpoint=endpoint, client_options={"allow_http": True})
        assert len(bucket.list().collect()) == 1
        again = roomtone_command("move", "--data", first.data, *away)
        assert again.returncode == 1
        assert "rows in" in again.stderr

        settings = {"database": database, "files": files, "files_endpoint": endpoint}
        second = FleetServer(tmp_path / "second", first, **settings)  # type: ignore[arg-type]
        second.start()
        assert shown(second, session_id, peer) == before
        # A link that was given out before opens the file where it is now.
        moved_link = second.url + "/files/" + old_link.partition("/files/")[2]
        assert httpx.get(moved_link).text == before[2]
        fresh_session, fresh_peer = talked(second)
        fresh = shown(second, fresh_session, fresh_peer)
        second.stop()

        back = told("move", "--data", second.data, "--to-data", tmp_path / "back", **settings)
        assert back["tables"]["sessions"]["rows"] == 2

    third = JourneyServer(tmp_path / "third")
    third.data = tmp_path / "back"
    third.account_id, third.app_id = first.account_id, first.app_id
    third.api_token = first.api_token
    (third.data / "credentials.json").write_bytes((first.data / "credentials.json").read_bytes())
    third.start()
    try:
        assert shown(third, session_id, peer) == before
        assert shown(third, fresh_session, fresh_peer) == fresh
        # And it goes on: positions are given on from where they stood.
        talked(third)
    finally:
        third.stop()


def test_a_backup_of_a_running_server_holds_what_was_accepted_before_it(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve()
    talkers = call(server)
    over = threading.Event()

    def talk(number: int) -> None:
        while not over.is_set():
            talkers[number].talk(server.url, 1)
            time.sleep(0.02)

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(len(talkers))]
    for thread in threads:
        thread.start()
    wait_for("some batches", lambda: sum(len(one.acknowledged) for one in talkers) > 50)
    accepted = [set(one.acknowledged) for one in talkers]
    made = told("backup", tmp_path / "backup", "--data", server.data)
    over.set()
    for thread in threads:
        thread.join()
    assert made["rows"] > 50
    server.stop()

    told("restore", tmp_path / "backup", "--data", tmp_path / "restored")
    restored = JourneyServer(tmp_path / "spare")
    restored.data, restored.app_id = tmp_path / "restored", server.app_id
    found = asyncio.run(journalled(restored, talkers))
    for one, before in zip(talkers, accepted, strict=True):
        there = found[one.peer_id]
        assert before <= set(there), "accepted before the backup, and not in it"
        assert set(there.values()) <= {1}
        assert set(there) <= one.acknowledged | {one.number}
