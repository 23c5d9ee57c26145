"""Scripts: bundled recordings as what their clients would send, request by request."""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.times import iso, parse_iso
from roomtone.sources.recorded import RecordedPeer, Sample
from roomtone.sources.recordings import decode_file

SAMPLES_A_POST = 5
COLLECT = "/v1/collect"
MESSAGE = "/api/v1/message"


class Post(Struct, frozen=True):
    """One request: when it was sent (epoch ms), by whom, to which door."""

    t: int
    person: str
    path: str
    body: dict[str, Any]
    user_agent: str = ""


class Line(Struct, frozen=True):
    """Something written or said: s since the first request; ``to_s`` of speech only."""

    at_s: float
    who: str
    says: str
    to_s: float = 0.0


class Words(Struct, frozen=True):
    """What was written and said in a call."""

    chat: tuple[Line, ...] = ()
    transcript: tuple[Line, ...] = ()


class Script(Struct, frozen=True):
    """A call to be played: its people, and their requests in the order of time.

    Bodies name people by ``{label}`` placeholders: ``<peer:a>`` and ``<user:a>``.
    """

    title: str
    people: tuple[str, ...]
    posts: tuple[Post, ...]
    words: Words = Words()

    @property
    def end(self) -> int:
        """Epoch ms of the last request."""
        return self.posts[-1].t


WORDS = {"collector-uplink-loss.jsonl.gz": "uplink-loss-words.json"}
BUNDLED = (
    ("Two people, clean network", "getstats-clean.json.gz"),
    ("Two people, 5 % loss, 200 ms", "getstats-lossy.json.gz"),
    ("Three people, mesh", "getstats-mesh3-clean.json.gz"),
    ("Three people, one breaks up", "collector-uplink-loss.jsonl.gz"),
    ("RealtimeKit client, screen share", "realtimekit-clean.jsonl.gz"),
    ("RealtimeKit client, mute and rejoin", "realtimekit-mute.jsonl.gz"),
    ("Jitsi call, Firefox", "firefox-standard-stats-sfu.jsonl.gz"),
    ("Jitsi call, Safari", "safari-standard-stats.jsonl.gz"),
)


def recording(name: str) -> bytes:
    """A bundled recording, inflated."""
    data = (files("roomtone") / "recordings" / name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


def script(title: str, name: str) -> Script:
    """The script of a bundled recording."""
    data = recording(name)
    if name.startswith("realtimekit"):
        return _of_requests(title, data, MESSAGE, "peerId")
    if name.startswith("collector"):
        made = _of_requests(title, data, COLLECT, "peer_id")
        return replace(made, words=msgspec.json.decode(recording(WORDS[name]), type=Words))
    return _of_peers(title, decode_file(data))


# --- requests as a page sent them -----------------------------------------------------------------


def _of_requests(title: str, data: bytes, path: str, peer_member: str) -> Script:
    """``peer_member``: where a body says which peer sends it."""
    lines = [json.loads(line) for line in data.splitlines()]
    names: dict[str, str] = {}
    posts = []
    for line in lines:
        body = line["body"] if isinstance(line["body"], dict) else json.loads(line["body"])
        peers = [name for name in names.values() if name.rstrip("0123456789") == line["peer"]]
        name = line["peer"] + (str(len(peers) + 1) if peers else "")
        names.setdefault(body[peer_member], name)
        posts.append(Post(int(line["t"] * 1000), line["peer"], path, body, line.get("ua", "")))
    mapping = {peer_id: f"<peer:{name}>" for peer_id, name in names.items()}
    told = re.compile("|".join(map(re.escape, mapping)))
    named = [
        replace(
            post, body=json.loads(told.sub(lambda found: mapping[found[0]], json.dumps(post.body)))
        )
        for post in sorted(posts, key=lambda post: post.t)
    ]
    return Script(title, tuple(dict.fromkeys(post.person for post in named)), tuple(named))


# --- getStats() recordings: what a collector in the page would send -------------------------------


def _of_peers(title: str, peers: Sequence[RecordedPeer]) -> Script:
    tracks = {peer.label: _own_tracks(peer) for peer in peers}
    posts: list[Post] = []
    for peer in peers:
        posts += _posts(peer, tracks)
    posts.sort(key=lambda post: post.t)
    return Script(title, tuple(peer.label for peer in peers), tuple(posts))


def _posts(peer: RecordedPeer, tracks: dict[str, dict[str, str]]) -> Iterator[Post]:
    first, last = peer.samples[0].t, peer.samples[-1].t
    seq = 0

    def post(t: int, entries: list[dict[str, Any]]) -> Post:
        nonlocal seq
        seq += 1
        body = {"peer_id": f"<peer:{peer.label}>", "seq": seq, "entries": entries}
        return Post(t, peer.label, COLLECT, body)

    yield post(first - 200, _opening(peer, first - 200))
    for start in range(0, len(peer.samples), SAMPLES_A_POST):
        some = peer.samples[start : start + SAMPLES_A_POST]
        entries = [
            {
                "event": "stats",
                "timestamp": sample.t,
                "metaData": {
                    "pc": sample.pc,
                    "report": sample.report,
                    "tracks": _tracks(peer, sample, tracks),
                },
            }
            for sample in some
        ]
        yield post(some[-1].t, entries)
    yield post(last + 300, [{"event": "disconnect", "timestamp": last + 300}])


def _opening(peer: RecordedPeer, t: int) -> list[dict[str, Any]]:
    """What a page tells as its call begins."""
    about = {
        "userId": f"<user:{peer.label}>",
        "peerId": f"<peer:{peer.label}>",
        "roomViewType": "groupCall",
        "deviceInfo": {"userAgent": peer.user_agent or ""},
        "sdkName": "roomtone-collector",
    }
    return [
        {"event": "audio_on", "timestamp": t},
        {"event": "video_on", "timestamp": t},
        {"event": "call_join", "timestamp": t, "metaData": {"peerMetaData": about}},
    ]


def _own_tracks(peer: RecordedPeer) -> dict[str, str]:
    """kind → the id of the track that this peer sends."""
    found: dict[str, str] = {}
    for sample in peer.samples:
        for stat in sample.report:
            if stat.get("type") == "media-source" and stat.get("trackIdentifier"):
                found.setdefault(stat["kind"], stat["trackIdentifier"])
    return found


def _tracks(
    peer: RecordedPeer, sample: Sample, tracks: dict[str, dict[str, str]]
) -> list[dict[str, str]]:
    """What a page knows of its streams: the source of each, and who sends what it receives."""
    remote = peer.remote_labels.get(sample.pc)
    told = []
    for stat in sample.report:
        kind = stat.get("kind") or stat.get("mediaType")
        source = "microphone" if kind == "audio" else "camera"
        if stat.get("type") == "media-source" and stat.get("trackIdentifier"):
            told.append({"track_identifier": stat["trackIdentifier"], "source": source})
        elif stat.get("type") == "inbound-rtp" and stat.get("trackIdentifier"):
            track = {"track_identifier": stat["trackIdentifier"], "source": source}
            if remote is not None:
                track["peer_id"] = f"<peer:{remote}>"
                if producer := tracks.get(remote, {}).get(str(kind)):
                    track["producer_id"] = producer
            told.append(track)
    return told


# --- moving a script in time ----------------------------------------------------------------------

_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
_EPOCH_KEYS = {"timestamp", "lastPacketReceivedTimestamp", "lastPacketSentTimestamp"}


def moved(body: Any, by_ms: int, names: dict[str, str], key: str = "") -> Any:
    """The body with all its times moved and its placeholders filled in."""
    if isinstance(body, dict):
        return {name: moved(value, by_ms, names, name) for name, value in body.items()}
    if isinstance(body, list):
        return [moved(value, by_ms, names, key) for value in body]
    if isinstance(body, str):
        if _STAMP.match(body):
            return iso(parse_iso(body) + by_ms)
        return names.get(body, body)
    if key in _EPOCH_KEYS and isinstance(body, int | float) and not isinstance(body, bool):
        return body + by_ms if body else body
    return body
