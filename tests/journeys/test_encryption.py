"""Words under the operator's key: nowhere on the disk, everywhere in the answers; and the way
there, to another key, and back."""

import base64
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
import zstandard
from fleet import FleetServer
from journey_server import JourneyServer, environment, roomtone_command, told, wait_for
from slow_model import SlowModel
from test_words import a_call, chat_rows, end, items, session_of

from roomtone.storage.packing_words import WORDS
from shared_database import postgres_url

MARK = "zibelline-quokka-7731"
"""A word that is in every place where words are, and nowhere else."""
ZSTD = b"\x28\xb5\x2f\xfd"
PRIMED = zstandard.ZstdCompressionDict(WORDS, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def model() -> Iterator[SlowModel]:
    running = SlowModel(f"They spoke of the {MARK}.")
    yield running
    running.close()


def holds(data: bytes) -> bool:
    """Whether the mark is in there, also in base64 and in anything that zstd squeezed."""
    plain = MARK.encode()
    if plain in data or any(base64.b64encode(b"x" * n + plain)[4:-4] in data for n in range(3)):
        return True
    at = data.find(ZSTD)
    while at >= 0:
        for machine in (zstandard.ZstdDecompressor(), zstandard.ZstdDecompressor(dict_data=PRIMED)):
            try:
                if plain in machine.decompressobj().decompress(data[at : at + 200_000]):
                    return True
            except zstandard.ZstdError:
                continue
        at = data.find(ZSTD, at + 1)
    return False


def marked_files(folder: Path) -> set[str]:
    """The files below a folder in which the mark can be found."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and holds(path.read_bytes()):
            found.add(str(path.relative_to(folder)).split("/", maxsplit=1)[0])
    return found


def marked_tables(url: str) -> set[str]:
    """The tables of a PostgreSQL schema, and of its queues, in which the mark can be found."""
    found = set()
    with psycopg.connect(url) as connection:
        (schema,) = connection.execute("SELECT current_schema()").fetchone() or ("",)
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema = %s OR table_schema = %s",
            (schema, f"{schema}_jobs"),
        ).fetchall()
        for of, name in tables:
            for row in connection.execute(f'SELECT * FROM "{of}"."{name}"'):
                if any(
                    holds(value if isinstance(value, bytes) else str(value).encode())
                    for value in row
                ):
                    found.add(str(name))
    return found


def talk_of_it(server: JourneyServer) -> str:
    """A call whose every word is marked, and a body that nobody understands; its session."""
    meeting_id, ana, ben = a_call(server)
    ana.chat("add", id="a", message=f"written: {MARK}")
    ben.speak(f"Said: {MARK} is what we ship on Friday.", "s1")
    session_id = session_of(server, meeting_id)
    more = {"id": "b", "time": "2030-01-01T00:00:00Z", "message": MARK, "displayName": "Bot"}
    server.post(f"/sessions/{session_id}/chat", {"messages": [more]})
    odd = {"peer_id": ana.peer_id, "seq": 99, "entries": [{"event": 7, "words": MARK}]}
    assert ana.person.message(odd).status_code >= 400
    return session_id


def finish(server: JourneyServer, session_id: str, model: SlowModel) -> None:
    """The summary begins, and is made; the session ends, and is sealed."""
    server.post(f"/sessions/{session_id}/summary")
    wait_for("the model to be asked", lambda: model.asked)
    meeting_id = server.get(f"/sessions/{session_id}")["session"]["associated_id"]
    end(server, meeting_id)
    wait_for("the files", lambda: server.rows("SELECT 1 FROM artifacts WHERE kind = 'transcript'"))


def summary(server: JourneyServer, session_id: str) -> str:
    path = f"/sessions/{session_id}/summary"
    wait_for("the summary", lambda: server.ask("GET", path).is_success)
    return httpx.get(server.get(path)["summaryDownloadUrl"]).text


def read_it(server: JourneyServer, session_id: str) -> None:
    """Everybody who may read it reads it."""
    chat = [row["payload"] for row in chat_rows(server, session_id)]
    assert sorted(chat) == [f"written: {MARK}", MARK]
    assert MARK in items(server, session_id)[0]["sentence"]
    assert MARK in summary(server, session_id)


@contextmanager
def key_file(folder: Path, *keys: str) -> Iterator[Path]:
    file = folder / f"words-{secrets.token_hex(2)}.key"
    file.write_text("\n".join(keys))
    yield file


@pytest.mark.parametrize("encrypted", [False, True], ids=["in clear", "encrypted"])
def test_words_are_on_the_disk_only_where_there_is_no_key(serve, tmp_path, model, encrypted):
    with key_file(tmp_path, key()) as file:
        under = {"words_key_file": file} if encrypted else {}
        server = serve(summary_url=model.url, summary_model="m", **under)
        session_id = talk_of_it(server)
        finish(server, session_id, model)
        during = marked_files(server.data)
        server.kill()  # nothing is tidied up: what is in a log of the database stays there
        after_kill = marked_files(server.data)
        server.start()
        model.go.set()
        read_it(server, session_id)
        assert server.quarantined() == 1
        listed = roomtone_command("quarantine", "list", "--data", server.data, **under)
        assert listed.returncode == 0, listed.stderr
        said = roomtone_command("export", "--data", server.data, "--kind", "transcript", **under)
        assert MARK in said.stdout
        assert ("in clear" in said.stderr) == encrypted
        server.stop()

    found = during | after_kill | marked_files(server.data)
    if encrypted:
        assert found == set()
    else:
        assert {"files", "roomtone.db"} <= {name.removesuffix("-wal") for name in found}
        assert any(name.startswith("jobs.db") for name in found)
    assert MARK not in server.log.read_text()


@pytest.mark.needs("postgresql", "nats")
@pytest.mark.parametrize("encrypted", [False, True], ids=["in clear", "encrypted"])
def test_the_same_on_postgresql(tmp_path, model, encrypted):
    under = {"words_key": key()} if encrypted else {}
    settings = {"summary_url": model.url, "summary_model": "m", "role": "all", **under}
    with postgres_url() as database:
        server = FleetServer(tmp_path / "data", None, database=database, **settings)
        server.start()
        try:
            session_id = talk_of_it(server)
            finish(server, session_id, model)
            during = marked_tables(database)
            model.go.set()
            read_it(server, session_id)
            found = during | marked_tables(database) | marked_files(tmp_path)
        finally:
            server.stop()

    words = {"messages", "segments", "quarantine"}
    assert found == set() if encrypted else words <= found, found


def test_an_old_folder_gets_a_key_then_another_and_then_none(serve, tmp_path, model):
    server = serve(summary_url=model.url, summary_model="m")
    model.go.set()
    session_id = talk_of_it(server)
    finish(server, session_id, model)
    read_it(server, session_id)
    server.stop()
    first, second = key(), key()

    done = told("rekey", "--data", server.data, "--vacuum", words_key=first)

    assert done["changed"]["messages"] == 2
    assert done["changed"]["segments"] == done["changed"]["quarantine"] == 1
    assert done["changed"]["files"] > 3
    assert marked_files(server.data) == set()
    refused = roomtone_command("serve", "--data", server.data, "--port", "0")
    assert refused.returncode == 1
    assert "words_key is not set" in refused.stderr
    refused = roomtone_command("serve", "--data", server.data, "--port", "0", words_key=second)
    assert refused.returncode == 1
    assert "words_key does not hold it" in refused.stderr
    assert second not in refused.stderr

    # Beside the running server, which has both.
    server.settings["words_key"] = f"{second} {first}"
    server.start()
    read_it(server, session_id)
    done = told("rekey", "--data", server.data, words_key=f"{second},{first}")
    assert len(done["retired"]) == 1
    assert done["changed"]["messages"] == 2
    again = told("rekey", "--data", server.data, words_key=f"{second},{first}")
    assert set(again["changed"].values()) == {0}
    read_it(server, session_id)
    server.stop()

    server.settings["words_key"] = second
    server.start()
    read_it(server, session_id)
    server.stop()
    done = told("rekey", "--data", server.data, "--decrypt", words_key=second)
    assert done["key"] == ""
    del server.settings["words_key"]
    server.start()
    read_it(server, session_id)


def test_a_rekeying_that_is_killed_goes_on_when_it_is_called_again(serve):
    server = serve()
    meeting_id, _, _ = a_call(server)
    session_id = session_of(server, meeting_id)
    rest = {"time": "2030-01-01T00:00:00Z", "displayName": "Bot"}
    for start in range(0, 6_000, 1_000):
        some = [
            {"id": f"b{n}", "message": f"{MARK} {n}", **rest} for n in range(start, start + 1_000)
        ]
        server.post(f"/sessions/{session_id}/chat", {"messages": some})
    server.stop()
    secret = key()
    command = [sys.executable, "-m", "roomtone", "rekey", "--data", str(server.data)]
    running = subprocess.Popen(command, env=environment(words_key=secret))
    count = "SELECT count(*) FROM messages WHERE substr(kept, 1, 1) = x'c1'"
    wait_for("the first rows", lambda: server.rows(count)[0][0])
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = server.rows(count)[0][0]
    assert 0 < before < 6_000

    done = told("rekey", "--data", server.data, words_key=secret)

    assert done["changed"]["messages"] == 6_000 - before
    server.settings["words_key"] = secret
    server.start()
    assert len(chat_rows(server, session_id)) == 6_000
