"""Our own exports come back: a fresh Roomtone that takes them in tells of the same calls."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from journey_server import JourneyServer, Serve, roomtone_command, told
from player import BUNDLED, import_files, play

PLAYED = ("getstats-lossy.json.gz", "realtimekit-allevents.jsonl.gz")
MADE_THERE = {"updated_at", "created_at", "sealed_at", "organization_id"}
"""When a row was last written, and which app it is of, is a matter of each server."""


def exported(server: JourneyServer, kind: str, out: Path) -> Path:
    whose = ("--data", server.data, "--app", server.app_id)
    done = roomtone_command("export", *whose, "--kind", kind, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def without(said: Any, *names: str) -> Any:
    if isinstance(said, dict):
        return {key: without(value, *names) for key, value in said.items() if key not in names}
    return [without(one, *names) for one in said] if isinstance(said, list) else said


def everything(server: JourneyServer) -> dict[str, Any]:
    """All that an app's server can see of its calls."""
    seen: dict[str, Any] = {}
    for row in server.get("/sessions", per_page=100)["sessions"]:
        one = row["id"]
        people = server.participants(one, include_attempts="true")
        seen[one] = {
            "session": without(server.get(f"/sessions/{one}"), *MADE_THERE),
            "people": without(people, *MADE_THERE),
            "reports": {
                peer["id"]: server.ask("GET", f"/sessions/peer-report/{peer['id']}").content
                for peer in people
            },
            "chat": rows_of(server, one, "chat", "chat_download_url"),
            "transcript": rows_of(server, one, "transcript", "transcript_download_url"),
            "meeting": without(server.get(f"/meetings/{row['associated_id']}"), *MADE_THERE),
        }
    return seen


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Where two answers differ, for people to read."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            found
            for key in sorted({*one, *other})
            for found in differences(one.get(key), other.get(key), f"{where}/{key}")
        ]
    return [] if one == other else [f"{where}: {one!r:.300} {other!r:.300}"]


def rows_of(server: JourneyServer, session_id: str, kind: str, url: str) -> list[list[str]]:
    answer = server.ask("GET", f"/sessions/{session_id}/{kind}")
    if answer.status_code != 200:
        return []
    text = server.client.get(answer.json()["data"][url]).text
    return list(csv.reader(io.StringIO(text)))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A Roomtone with live calls, an imported one, and words."""
    server = JourneyServer(tmp_path_factory.mktemp("origin") / "data").start()
    for name in PLAYED:
        play(server, name)
    import_files(server, [BUNDLED / "chrome-standard-pc-reconnect.jsonl.gz"])
    server.wait_until_sealed()
    for number, row in enumerate(server.get("/sessions", per_page=100)["sessions"][:2]):
        at = row["started_at"]
        said = [
            {"id": f"m{number}-1", "time": at, "message": "Hello", "displayName": "Ana"},
            {"id": f"m{number}-2", "time": at, "message": "Grüß dich 👋", "pinned": True},
            {
                "id": f"m{number}-3",
                "time": at,
                "type": "file",
                "name": "a",
                "link": "/f",
                "size": 3,
            },
        ]
        server.post(f"/sessions/{row['id']}/chat", {"messages": said})
        spoken = [
            {"startTime": 100, "endTime": 900, "sentence": "Let us begin.",
             "peerData": {"displayName": "Ana", "cpi": "custom-a"}},
            {"startTime": 1000, "endTime": 1500, "sentence": "Yes, let us."},
        ]  # fmt: skip
        server.post(f"/sessions/{row['id']}/transcript", {"segments": spoken})
    server.wait_until_sealed()
    yield server
    server.stop()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_exported_calls_are_the_same_on_a_fresh_server(
    origin: JourneyServer, serve: Serve, tmp_path: Path, packed: bool
) -> None:
    file = exported(origin, "calls", tmp_path / f"calls.jsonl{'.gz' if packed else ''}")
    data = file.read_bytes()
    assert data.startswith(b"\x1f\x8b") == packed
    fresh = serve()

    if packed:
        taken = told("import", file, "--data", fresh.data)
        again = told("import", file, "--data", fresh.data)
        assert (taken["known"], again["known"]) == (False, True)
    else:
        taken, again = (
            fresh.ask("POST", "/imports", params={"name": file.name}, content=data).json()["data"]
            for _ in range(2)
        )
        assert taken["kind"] == "calls"
        assert taken["new"] > 100
        assert (again["new"], again["changed"]) == (0, 0)
        assert again["known"] > 100
    fresh.wait_until_sealed()

    ours, theirs = everything(origin), everything(fresh)
    assert set(taken["session_ids"]) == set(ours)
    assert len(ours) == 3
    assert not differences(ours, theirs), "\n".join(differences(ours, theirs))
    assert sum(len(call["reports"]) for call in ours.values()) >= 5
    assert sum(len(call["chat"]) > 1 for call in ours.values()) == 2


def test_taking_an_export_in_again_changes_no_row(
    origin: JourneyServer, serve: Serve, tmp_path: Path
) -> None:
    file = exported(origin, "calls", tmp_path / "calls.jsonl.gz")
    fresh = serve()
    told("import", file, "--data", fresh.data)
    fresh.wait_until_sealed()
    before = fresh.stored(), fresh.rows("SELECT subject, body FROM reports ORDER BY subject")
    told("import", file, "--data", fresh.data)
    told("import", exported(fresh, "calls", tmp_path / "back.jsonl"), "--data", fresh.data)
    fresh.wait_until_sealed()

    assert (
        fresh.stored(),
        fresh.rows("SELECT subject, body FROM reports ORDER BY subject"),
    ) == before
    # And the server that it came from has nothing to learn from it either.
    origins = origin.stored()
    assert told("import", file, "--data", origin.data, "--app", origin.app_id)["known"]
    assert origin.stored() == origins


def test_calls_whose_ids_another_app_holds_get_ids_of_their_own(
    origin: JourneyServer, tmp_path: Path
) -> None:
    file = exported(origin, "calls", tmp_path / "calls.jsonl")
    ours = everything(origin)
    app = told("app", "create", "another", "--data", origin.data)
    twice = [told("import", file, "--app", app["id"], "--data", origin.data) for _ in range(2)]

    assert set(twice[0]["session_ids"]).isdisjoint(ours)
    assert twice[0]["session_ids"] == twice[1]["session_ids"]
    assert (twice[0]["known"], twice[1]["known"]) == (False, True)
    assert everything(origin) == ours


def test_exported_words_go_back_into_their_sessions(
    origin: JourneyServer, serve: Serve, tmp_path: Path
) -> None:
    calls = exported(origin, "calls", tmp_path / "calls.jsonl").read_bytes().splitlines(True)
    bare = tmp_path / "bare.jsonl"
    kept = [line for line in calls if b'"message":{' not in line and b'"segment":{' not in line]
    # Nor what the sessions' own journals hold of words.
    bare.write_bytes(b"".join(line for line in kept if b'"whose":"session"' not in line))
    words = [exported(origin, kind, tmp_path / f"{kind}.jsonl") for kind in ("chat", "transcript")]
    fresh = serve()

    refused = roomtone_command("import", words[0], "--data", fresh.data)
    assert refused.returncode == 1
    assert "import the export of its calls before" in refused.stdout
    told("import", bare, "--data", fresh.data)
    first = [told("import", file, "--data", fresh.data) for file in words]
    again = [told("import", file, "--data", fresh.data) for file in words]

    assert [one["known"] for one in first + again] == [False, False, True, True]
    fresh.wait_until_sealed()
    ours, theirs = everything(origin), everything(fresh)
    for words_of in ("chat", "transcript"):
        assert (
            differences(*({k: v[words_of] for k, v in all_.items()} for all_ in (ours, theirs)))
            == []
        )


def damaged(line: dict[str, Any], path: tuple[str, ...], value: Any) -> bytes:
    at = line
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return json.dumps(line, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("kind", "path", "value", "why"),
    [
        ("session", ("session", "started_at"), 10**18, "1970 to 9999"),
        ("session", ("session", "meeting_id"), "other", "another meeting"),
        ("session", ("session", "status"), "LIVE", "not the one that ended"),
        ("peer", ("peer", "user_id"), "nobody", "nobody"),
        ("facts", ("of",), "nobody", "facts of nobody"),
        ("facts", ("facts",), [["no such", 1]], "no line of an export"),
        ("calls", ("version",), 2, "version 2"),
    ],
)
def test_an_export_that_does_not_hold_together_is_refused(
    origin: JourneyServer, tmp_path: Path, kind: str, path: tuple[str, ...], value: Any, why: str
) -> None:
    lines = exported(origin, "calls", tmp_path / "calls.jsonl").read_bytes().splitlines()
    at = next(n for n, line in enumerate(lines) if json.loads(line)["roomtone"] == kind)
    lines[at] = damaged(json.loads(lines[at]), path, value)
    answer = origin.ask("POST", "/imports", content=gzip.compress(b"\n".join(lines)))

    assert answer.status_code in (400, 422)
    assert why in answer.text
    if kind == "calls":
        cut = origin.ask("POST", "/imports", content=b"\n".join(lines[1:40]))
        assert cut.status_code in (400, 422)
