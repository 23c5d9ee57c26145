"""The command line, as people and scripts use it."""

import asyncio
import gzip
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from click.testing import CliRunner
from journey_server import JourneyServer, Serve, new_peer, now_ms, roomtone_command, told
from player import BUNDLED, DATA

from roomtone.cli import COMMANDS, main, roomtone
from roomtone.model.sessions import ENDED, Session
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as ``init`` leaves it."""
    data = tmp_path_factory.mktemp("fresh") / "data"
    told("init", "--data", data)
    return data


@pytest.fixture
def folder(fresh: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test to do with as it likes."""
    return Path(shutil.copytree(fresh, tmp_path / "data"))


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


Inside = Callable[..., Done]


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """Run ``roomtone ARGUMENTS`` in this process: as from outside, without the time it takes."""

    def run(*arguments: str | Path, **settings: object) -> Done:
        with monkeypatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(f"ROOMTONE_{name.upper()}", str(value))
            patch.setattr(sys, "argv", ["roomtone", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return run


# --- init, token, app -----------------------------------------------------------------------------


def test_init_again_changes_nothing_and_keeps_its_secret(tmp_path: Path) -> None:
    first = told("init", "--data", tmp_path / "data")
    kept = tmp_path / "data" / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    before = kept.read_bytes()
    assert told("init", "--data", tmp_path / "data") == first
    assert kept.read_bytes() == before
    assert set(first) == {"account_id", "app_id", "api_token", "base_url"}


def test_init_without_its_credentials_says_how_to_make_new_ones(
    folder: Path, inside: Inside
) -> None:
    (folder / "credentials.json").unlink()
    done = inside("init", "--data", folder)
    assert done.returncode == 1
    assert "roomtone token create" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_secret_is_not_in_the_database(folder: Path) -> None:
    token = json.loads((folder / "credentials.json").read_text())["api_token"]
    stored = b"".join(file.read_bytes() for file in folder.glob("roomtone.db*"))
    assert token.encode() not in stored


def test_a_revoked_token_is_refused_at_once_by_a_running_server(server: JourneyServer) -> None:
    made = told("token", "create", "--name", "for a while", "--data", server.data)
    listed = {one["id"]: one for one in told("token", "list", "--data", server.data)}
    assert listed[made["id"]]["revoked_at"] is None
    assert all("api_token" not in one for one in listed.values())

    def asked() -> int:
        headers = {"authorization": f"Bearer {made['api_token']}"}
        return httpx.get(f"{server.base}/sessions", headers=headers).status_code

    assert asked() == 200
    done = roomtone_command("token", "revoke", made["id"], "--data", server.data)
    assert done.returncode == 0, done.stderr
    assert asked() == 401
    listed = {one["id"]: one for one in told("token", "list", "--data", server.data)}
    assert listed[made["id"]]["revoked_at"] is not None


def test_a_token_that_may_only_read_writes_nothing(server: JourneyServer) -> None:
    made = told("token", "create", "--scope", "read", "--data", server.data)
    headers = {"authorization": f"Bearer {made['api_token']}"}
    assert httpx.get(f"{server.base}/meetings", headers=headers).status_code == 200
    assert httpx.post(f"{server.base}/meetings", headers=headers, json={}).status_code == 403


def test_a_token_of_one_app_opens_no_other(server: JourneyServer) -> None:
    other = told("app", "create", "the other app", "--data", server.data)
    assert other["id"] in {one["id"] for one in told("app", "list", "--data", server.data)}
    made = told("token", "create", "--app", other["id"], "--data", server.data)
    headers = {"authorization": f"Bearer {made['api_token']}"}
    assert httpx.get(f"{server.base}/sessions", headers=headers).status_code == 403
    theirs = server.base.replace(server.app_id, other["id"])
    assert httpx.get(f"{theirs}/sessions", headers=headers).status_code == 200


def test_an_unknown_token_id_is_said_to_be_unknown(folder: Path, inside: Inside) -> None:
    done = inside("token", "revoke", "nobody", "--data", folder)
    assert done.returncode == 1
    assert done.stderr.strip() == "roomtone: No such token."


# --- import, report, score ------------------------------------------------------------------------


def test_importing_a_file_twice_changes_nothing(folder: Path) -> None:
    file = DATA / "getstats-clean.json.gz"
    first = told("import", file, "--data", folder)

    def stored() -> list[tuple[object, ...]]:
        with sqlite3.connect(folder / "roomtone.db") as connection:
            return [
                row
                for table in ("journal_chunks", "journal", "peers", "reports", "sessions")
                for row in connection.execute(f"SELECT * FROM {table}").fetchall()
            ]

    def told_apart(rows: list[tuple[object, ...]]) -> int:
        return len(set(rows))

    before = stored()
    again = told("import", file, "--data", folder)
    assert not first["known"]
    assert again["known"]
    assert {**again, "known": False} == first
    assert len(stored()) == len(before)
    assert told("rebuild", "--data", folder)["changed"] == 0
    assert told_apart(stored()) == told_apart(before)


def test_a_file_under_another_name_and_unpacked_is_still_the_same_call(
    folder: Path, tmp_path: Path
) -> None:
    packed = DATA / "getstats-lossy.json.gz"
    plain = tmp_path / "renamed.json"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    first = told("import", packed, "--data", folder)
    again = told("import", plain, "--data", folder)
    assert again["known"]
    assert again["peer_ids"] == first["peer_ids"]


GARBAGE = (
    (b"", "Not a recording"),
    (b"\x00\x01\x02 garbage", "Not a recording"),
    (b"{", "not JSON"),
    (b'{"samples": 7}', "Not a recording of getStats()"),
    (b'{"samples": [{"a": {"t": "soon", "stats": {}}}]}', "Not a recording of getStats()"),
    (b'{"samples": [{"a": {"t": 1, "stats": [{"type": "inbound-rtp"}]}}]}', "stats"),
    (b"[1, 2]\n", "Line 1"),
    (b'["getstats", "PC_0", {}, -4]\n', "Line 1"),
    (b'["getstats", "PC_0", {}, 4]\nhello\n', "Line 2"),
    (b"\x1f\x8bnot gzip after all", "cannot be read"),
    (gzip.compress(b'{"samples": []}' * 9)[:-9], "cannot be read"),
)


def test_garbage_is_not_imported_and_a_sentence_says_why(folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"garbage-{number}" for number in range(len(GARBAGE))]
    for file, (content, _) in zip(files, GARBAGE, strict=True):
        file.write_bytes(content)
    done = roomtone_command("import", *files, tmp_path / "nowhere", "--data", folder, "--json")
    assert done.returncode == 1
    assert f"{len(GARBAGE) + 1} of {len(GARBAGE) + 1} files were not imported" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    *told_of, nowhere = map(json.loads, done.stdout.splitlines())
    for (content, says), outcome in zip(GARBAGE, told_of, strict=True):
        assert says in outcome["error"], (content, outcome)
    assert "nowhere" in nowhere["error"]
    assert told("rebuild", "--data", folder)["sessions"] == 0


def test_a_good_file_beside_a_bad_one_is_imported(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("nothing")
    good = BUNDLED / "chrome-standard-pc-reconnect.jsonl.gz"
    done = roomtone_command("import", bad, good, "--json", "--data", folder)
    assert done.returncode == 1
    refused, taken = map(json.loads, done.stdout.splitlines())
    assert "error" in refused
    assert taken["session_ids"]


@pytest.mark.parametrize("ended", [True, False])
def test_a_report_on_the_command_line_is_the_apis_answer(serve: Serve, ended: bool) -> None:
    server = serve()
    if ended:
        file = BUNDLED / "chrome-standard-pc-reconnect.jsonl.gz"
        (peer_id,) = told("import", file, "--data", server.data)["peer_ids"]
    else:
        peer_id = new_peer()
        alice = server.invite(server.meeting(), "alice")
        entries = [{"event": "call_join", "timestamp": now_ms()}]
        alice.collect({"peer_id": peer_id, "seq": 1, "entries": entries})
        server.soon(peer_id)
    answer = server.ask("GET", f"/sessions/peer-report/{peer_id}")
    assert (answer.headers.get("content-encoding") == "gzip") == ended
    done = roomtone_command("report", peer_id, "--json", "--data", server.data)
    assert done.stdout.rstrip("\n").encode() == answer.content
    shown = roomtone_command("report", peer_id, "--data", server.data)
    assert shown.returncode == 0, shown.stderr
    assert peer_id in shown.stdout


def test_a_report_of_nobody_is_a_sentence(folder: Path, inside: Inside) -> None:
    done = inside("report", "7b0c0f0e-6f6c-4f0e-9d39-0b8f5a9f1f10", "--data", folder)
    assert done.returncode == 1
    assert done.stderr.startswith("roomtone: No peer has the id")


def test_a_score_is_computed_without_a_folder(tmp_path: Path) -> None:
    done = roomtone_command(
        *("score", "audio", "--loss", "2", "--rtt", "50", "--jitter", "5", "--json"), cwd=tmp_path
    )
    assert 3.5 < json.loads(done.stdout)["mos"] < 4
    assert list(tmp_path.iterdir()) == []


# --- doctor ---------------------------------------------------------------------------------------


def checks(
    inside: Inside, folder: Path, **settings: object
) -> tuple[int, dict[str, dict[str, object]]]:
    """How ``roomtone doctor`` ended, and what it found by name."""
    done = inside("doctor", "--data", folder, "--json", **settings)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)}


def test_the_doctor_finds_a_good_folder_good(folder: Path, inside: Inside) -> None:
    status, found = checks(inside, folder)
    assert status == 0
    assert all(one["ok"] for one in found.values())
    assert {"versions", "clock", "folder", "disk", "database", "credentials"} <= set(found)


def test_the_doctor_says_what_to_do_where_there_is_no_folder(
    tmp_path: Path, inside: Inside
) -> None:
    status, found = checks(inside, tmp_path / "nowhere")
    assert status == 1
    assert not found["folder"]["ok"]
    assert "roomtone init" in str(found["folder"]["advice"])
    assert not (tmp_path / "nowhere").exists()


def test_the_doctor_sees_a_secret_that_others_can_read(folder: Path, inside: Inside) -> None:
    (folder / "credentials.json").chmod(0o644)
    status, found = checks(inside, folder)
    assert status == 1
    assert "chmod 600" in str(found["credentials"]["advice"])


@pytest.mark.parametrize("damage", ["emptied", "overwritten", "shortened"])
def test_the_doctor_sees_a_broken_database(folder: Path, inside: Inside, damage: str) -> None:
    file = folder / "roomtone.db"
    for beside in ("-wal", "-shm"):
        (folder / f"roomtone.db{beside}").unlink(missing_ok=True)
    whole = file.read_bytes()
    if damage == "emptied":
        file.write_bytes(b"")
    elif damage == "overwritten":
        file.write_bytes(b"not a database " * 400)
    else:
        file.write_bytes(whole[: len(whole) // 2])
    status, found = checks(inside, folder)
    assert status == 1
    assert not found["database"]["ok"]
    assert found["database"]["advice"]


def test_the_doctor_misses_a_database_of_places_that_was_named(
    folder: Path, inside: Inside
) -> None:
    status, found = checks(inside, folder, geo_database="/nowhere/city.mmdb")
    assert status == 1
    assert not found["geo_database"]["ok"]


@pytest.mark.parametrize("status", [200, 503])
def test_the_doctor_asks_the_address_that_people_are_told(
    folder: Path, inside: Inside, status: int
) -> None:
    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(b'{"reason": "is about to stop"}')

    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        Thread(target=server.handle_request, daemon=True).start()
        port = server.server_address[1]
        ended, found = checks(inside, folder, base_url=f"http://127.0.0.1:{port}")
    assert (ended == 0, found["address"]["ok"]) == (status == 200, status == 200)
    assert "about to stop" in str(found["address"]["found"])


def test_the_doctor_sees_that_nobody_answers_and_tells_no_password(
    folder: Path, inside: Inside
) -> None:
    status, found = checks(inside, folder, base_url="http://u:s3cr3t@127.0.0.1:1")
    assert status == 1
    assert not found["address"]["ok"]
    assert "s3cr3t" not in str(found)


def test_the_doctor_sees_a_bucket_that_cannot_be_written(folder: Path, inside: Inside) -> None:
    status, found = checks(
        inside, folder, files="s3://bucket/x", files_endpoint="http://127.0.0.1:1"
    )
    assert status == 1
    assert not found["files"]["ok"]
    assert "AWS_" in str(found["files"]["advice"])


def test_the_doctor_misses_the_key_of_encrypted_words(tmp_path: Path, inside: Inside) -> None:
    folder = tmp_path / "encrypted"
    assert inside("init", "--data", folder, words_key="ab" * 32).returncode == 0
    for key, ok in (("ab" * 32, True), ("cd" * 32, False), ("", False)):
        _, found = checks(inside, folder, words_key=key)
        assert found["words_key"]["ok"] == ok


def test_the_doctor_sees_sessions_that_nobody_seals(folder: Path, inside: Inside) -> None:
    assert checks(inside, folder)[1]["sealing"]["ok"]
    database = Database.open(folder / "roomtone.db")
    ended = Session(
        id="s", app_id="a", meeting_id="m", title="", status=ENDED, started_at=1, ended_at=1,
        created_at=1, updated_at=1,
    )  # fmt: skip
    asyncio.run(SqlRecords(database).write(lambda tx: tx.sessions.put_session(ended)))
    database.close()
    status, found = checks(inside, folder)
    assert status == 1
    assert not found["sealing"]["ok"]


# --- settings -------------------------------------------------------------------------------------


def base_url(inside: Inside, folder: Path, *arguments: str | Path, **settings: object) -> str:
    """What ``init`` calls the server, given these flags and variables."""
    done = inside("init", "--data", folder, "--json", *arguments, **settings)
    return str(json.loads(done.stdout)["base_url"])


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(
    folder: Path, tmp_path: Path, inside: Inside
) -> None:
    file = tmp_path / "roomtone.toml"
    file.write_text("port = 1001\n")
    default = base_url(inside, folder)
    assert default == "http://127.0.0.1:8787"
    assert base_url(inside, folder, "--config", file).endswith(":1001")
    assert base_url(inside, folder, "--config", file, port=1002).endswith(":1002")
    assert base_url(inside, folder, "--config", file, "--port", "1003", port=1002).endswith(":1003")
    assert base_url(inside, folder) == default


def test_a_setting_that_does_not_fit_is_told_by_name(
    folder: Path, tmp_path: Path, inside: Inside
) -> None:
    toml = tmp_path / "roomtone.toml"
    for arguments, settings, says in (
        ((), {"port": "many"}, "ROOMTONE_PORT"),
        ((), {"mask_addresses": "perhaps"}, "ROOMTONE_MASK_ADDRESSES"),
        ((), {"quality_scale": "stars"}, "quality_scale"),
        (("--port", "many"), {}, "--port"),
        (("--config", "nowhere.toml"), {}, "nowhere.toml"),
    ):
        done = inside("doctor", "--data", folder, *arguments, **settings)
        assert done.returncode != 0
        assert says in done.stderr
        assert "Traceback" not in done.stderr
    for content in ("port = [", 'port = "many"', "prot = 8787"):
        toml.write_text(content)
        done = inside("doctor", "--data", folder, "--config", toml)
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 2, "what is wrong, and what to do"


def test_a_port_that_is_taken_is_told_with_a_hint(server: JourneyServer, folder: Path) -> None:
    port = server.url.rpartition(":")[2]
    done = roomtone_command("serve", "--data", folder, "--port", port)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr


def test_every_command_has_help() -> None:
    for name in COMMANDS:
        shown = CliRunner().invoke(roomtone, [name, "--help"])
        assert shown.exit_code == 0, name
        assert "Usage:" in shown.output
