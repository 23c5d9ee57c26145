"""Recorded calls, played through the front doors of a running Roomtone."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import naive_counters
from journey_server import JourneyServer, Person, new_peer, now_ms, roomtone_command

import roomtone
from roomtone.cli.scripts import Post, moved, script

BUNDLED = Path(roomtone.__file__).parent / "recordings"
DATA = Path(__file__).resolve().parents[2] / "src/roomtone/recordings"
IMPORTED = (
    DATA / "getstats-clean.json.gz",
    DATA / "getstats-lossy.json.gz",
    DATA / "getstats-mesh3-clean.json.gz",
    BUNDLED / "google-standard-stats-sfu.jsonl.gz",
    BUNDLED / "firefox-standard-stats-sfu.jsonl.gz",
    BUNDLED / "safari-standard-stats.jsonl.gz",
    BUNDLED / "chrome-standard-pc-reconnect.jsonl.gz",
)
PLAYED = (
    "getstats-clean.json.gz",
    "getstats-lossy.json.gz",
    "getstats-mesh3-clean.json.gz",
    "realtimekit-clean.jsonl.gz",
    "realtimekit-mute.jsonl.gz",
    "realtimekit-allevents.jsonl.gz",
)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
"""The engine tells what ``totalEncodeTime`` of a ping holds."""
_PEER = re.compile(r"<peer:[^>]+>")

Change = Callable[[list[Post]], list[Post]]


@dataclass
class Call:
    """A call that Roomtone was told of, with what the recording itself says."""

    recording: str
    door: str
    meeting_id: str = ""
    peers: dict[str, str] = field(default_factory=dict)
    """label → peer id"""
    people: dict[str, Person] = field(default_factory=dict)
    raw: dict[str, naive_counters.Totals] = field(default_factory=dict)
    """label → the raw recording's totals"""

    def __str__(self) -> str:
        return f"{self.recording} by {self.door}"


@dataclass(frozen=True)
class Stage:
    """A server that was told of every recording by every way there is."""

    server: JourneyServer
    calls: dict[str, Call]


def play(
    server: JourneyServer, name: str, *, by_ms: int | None = None, change: Change | None = None
) -> Call:
    """Send every request of a bundled recording, then end its session.

    ``by_ms`` moves its times (None: it ends now); ``change`` may alter the requests.
    """
    it = script(name, name)
    call = Call(name.partition(".")[0], "collect", server.meeting(title=name))
    call.people = {who: server.invite(call.meeting_id, who) for who in it.people}
    posts = list(it.posts)
    labels = sorted(set(_PEER.findall(json.dumps([post.body for post in posts]))))
    call.peers = {label[6:-1]: new_peer() for label in labels}
    names = {f"<user:{who}>": person.user_id for who, person in call.people.items()}
    names |= {f"<peer:{label}>": peer_id for label, peer_id in call.peers.items()}
    by = now_ms() - it.end if by_ms is None else by_ms
    for post in posts if change is None else change(posts):
        if post.path == "/api/v1/message":
            call.door = "message"
        body = moved(post.body, by, names)
        person = call.people[post.person]
        answer = server.send(post.path, person.token, body, headers={"user-agent": CHROME})
        assert answer.status_code in (202, 204), f"{call}: {answer.status_code} {answer.text}"
    server.kick_all(call.meeting_id)
    call.raw = raw_totals(name, naive_counters.read(BUNDLED / name))
    return call


def import_files(server: JourneyServer, files: Sequence[Path]) -> list[Call]:
    """``roomtone import FILE…`` beside the running server."""
    done = roomtone_command("import", *files, "--data", server.data, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    calls = []
    for file, line in zip(files, done.stdout.splitlines(), strict=True):
        made = json.loads(line)
        assert not made["known"]
        call = Call(file.name.partition(".")[0], "import")
        call.raw = raw_totals(file.name, naive_counters.read(file))
        call.peers = dict(zip(sorted(call.raw), made["peer_ids"], strict=True))
        calls.append(call)
    return calls


def raw_totals(name: str, data: bytes) -> dict[str, naive_counters.Totals]:
    """label → totals, whatever the recording."""
    if name.startswith("getstats"):
        return naive_counters.totals(naive_counters.getstats(data))
    if not name.startswith("realtimekit"):
        return naive_counters.totals(naive_counters.jitsi(data))
    found = naive_counters.totals(naive_counters.realtimekit(data))
    return {label: found[peer_id] for peer_id, label in labels_of(data) if peer_id in found}


def labels_of(data: bytes) -> Iterator[tuple[str, str]]:
    """(recorded peer id, label): a person's second peer is ``b2``."""
    seen: dict[str, str] = {}
    for line in data.splitlines():
        row = json.loads(line)
        peer_id, who = row["body"]["peerId"], row["peer"]
        if peer_id not in seen:
            earlier = sum(label[0] == who for label in seen.values())
            seen[peer_id] = who + (str(earlier + 1) if earlier else "")
            yield peer_id, seen[peer_id]


def entries_of(post: Post) -> list[dict[str, Any]]:
    """The entries of a request of RealtimeKit's client."""
    found: list[dict[str, Any]] = post.body["payload"]["entries"]
    return found
