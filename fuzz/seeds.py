"""Seeds: real input for each decoder, cut to a few thousand bytes."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import roomtone
from roomtone.formats.calls import (
    End,
    FactsLine,
    Header,
    MeetingLine,
    MessageLine,
    ParticipantLine,
    PeerLine,
    SessionLine,
    line_of,
)
from roomtone.model.rooms import Meeting, Participant
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.model.words import KeptMessage
from roomtone.sources.presence import presence_of
from roomtone.sources.wire import decode_batch

RECORDINGS = Path(roomtone.__file__).parent / "recordings"
DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
WIRES = DATA / "wires"
NOW = 1_795_397_118_000
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
SEED_BYTES = 4_000
"""Longer seeds cost more time than they find: a decoder sees the same members again and again."""
PLACES = (
    "sessions", "connection", "connection/batch", "stats", "tracks", "events/get-user-media",
    "events/browser",
)  # fmt: skip


def _gzip_lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def _start(lines: list[bytes], head: int = 0) -> bytes:
    """As many whole lines as fit into a seed, and the first ``head`` whatever their length."""
    taken = lines[:head]
    for line in lines[head:]:
        if sum(map(len, taken)) + len(line) > SEED_BYTES and len(taken) > 1:
            break
        if len(line) <= SEED_BYTES:
            taken.append(line)
    return b"\n".join(taken) + b"\n"


def _thin(report: dict[str, Any]) -> dict[str, Any]:
    """One stats object of each kind."""
    kinds = {stat["type"]: stat_id for stat_id, stat in report.items()}
    return {stat_id: report[stat_id] for stat_id in kinds.values()}


def _first(said: Any) -> Any:
    """The same with lists of one."""
    if isinstance(said, dict):
        return {name: _first(value) for name, value in said.items()}
    return [_first(one) for one in said[:1]] if isinstance(said, list) else said


def packed(said: Any) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


def files() -> Iterator[bytes]:
    for name in ("chrome-standard-pc-reconnect", "firefox-standard-stats-sfu"):
        rows = _gzip_lines(RECORDINGS / f"{name}.jsonl.gz")
        polls = [row for row in rows if row.startswith(b'["getstats"')]
        yield _start([row for row in rows if row not in polls])
        yield _start([*rows[:2], *polls[-3:]])
    dump = (WIRES / "two-party.rtcstats").read_bytes().split(b"\n")
    yield _start(dump, 2)
    yield _start([*dump[:3], *dump[-20:]], 3)
    yield _start(_gzip_lines(WIRES / "chrome-written-rtcstats-dump.gz"), 3)
    whole = json.loads(gzip.decompress((WIRES / "webrtc-internals-clean.json.gz").read_bytes()))
    name, connection = next(iter(whole["PeerConnections"].items()))
    wanted = ("inbound-rtp", "outbound-rtp", "candidate-pair", "remote-inbound-rtp")
    for kind in wanted:
        series = {
            key: one | {"values": packed(json.loads(one["values"])[:3]).decode()}
            for key, one in connection["stats"].items()
            if one.get("statsType") == kind
        }
        log = connection["updateLog"][:2]
        one = {"stats": dict(list(series.items())[:12]), "updateLog": log}
        yield packed({"PeerConnections": {name: one}, "getUserMedia": whole["getUserMedia"][:1]})
    calls = json.loads(gzip.decompress((RECORDINGS / "getstats-lossy.json.gz").read_bytes()))
    thin = [
        {side: {"t": one["t"], "stats": _thin(one["stats"])} for side, one in row.items()}
        for row in calls["samples"][4:5]
    ]
    yield packed({"ua": calls["ua"], "samples": thin})


def frames() -> Iterator[bytes]:
    rows = [json.loads(line) for line in _gzip_lines(WIRES / "rtcstats-wire.jsonl.gz")]
    frames = [row["raw"].encode() for row in rows if "raw" in row]
    for start in range(0, len(frames), max(1, len(frames) // 6)):
        yield _start(frames[start:])
    yield b'["getStats","PC_0",{"I":{"type":"inbound-rtp","ssrc":1,"mid":"0"}},1795397118000]\n'


def messages() -> Iterator[bytes]:
    rows = [json.loads(line) for line in _gzip_lines(RECORDINGS / "safari-standard-stats.jsonl.gz")]
    said = []
    for number, row in enumerate(rows[:40] + rows[-4:]):
        kind = "identity" if row[0] == "identity" else "stats-entry"
        data = [*row[:4], number]
        wrapped = data if kind == "identity" else json.dumps(data)
        said.append(packed({"statsSessionId": "s", "type": kind, "data": wrapped}))
    for start in range(0, len(said), 11):
        yield _start(said[start:])


def bodies() -> Iterator[bytes]:
    for name in ("clean", "mute", "allevents"):
        for line in _gzip_lines(RECORDINGS / f"realtimekit-{name}.jsonl.gz"):
            body = packed(json.loads(line)["body"])
            if len(body) <= SEED_BYTES:
                yield body
    calls = json.loads(gzip.decompress((RECORDINGS / "getstats-lossy.json.gz").read_bytes()))
    sample = calls["samples"][4]["a"]
    report = list(_thin(sample["stats"]).values())
    metadata = {"pc": "a", "report": report, "tracks": [{"mid": "0", "source": "camera"}]}
    entry = {"event": "stats", "timestamp": sample["t"], "metaData": metadata}
    peer = "0055f63d-d002-4a7f-8867-022d0e5afb24"
    yield packed({"peer_id": peer, "seq": 1, "entries": [entry]})


def samples() -> Iterator[bytes]:
    for line in _gzip_lines(WIRES / "observertc-samples.jsonl.gz")[::9]:
        yield packed(_first(json.loads(line)))


def metrics() -> Iterator[bytes]:
    for line in _gzip_lines(WIRES / "peermetrics-requests.jsonl.gz"):
        row = json.loads(line)
        if row["place"] in PLACES:
            yield bytes([PLACES.index(row["place"])]) + packed(_first(row["body"]))


def transcripts() -> Iterator[bytes]:
    yield b"WEBVTT\n\n00:01.000 --> 00:02.500\n<v Ana>Good morning.\n"
    yield b"1\n00:00:01,000 --> 00:00:02,500\nAna: Good morning.\n"
    yield b'[{"startTime":1,"endTime":2,"sentence":"Hi","peerData":{"id":"p","cpi":"c"}}]'
    yield b'{"events":[{"event":"SPEECH","timestamp":"2026-11-23T00:00:00Z","text":"Hi"}]}'
    yield b"timestamp,peerId,userId,customParticipantId,name,transcript\n1,p,u,c,Ana,Hi\n"


def calls() -> Iterator[bytes]:
    body = next(iter(bodies()))
    facts = decode_batch(body, now=None, mask=True, user_agent=CHROME).facts[:5]
    at = {"created_at": NOW, "updated_at": NOW}
    who = {"custom_participant_id": "c", "preset_name": "p"}
    about = {"peer_id": "p", "user_id": "u", "display_name": "", "joined_at": NOW}
    yield b"".join(
        line_of(line)
        for line in (
            Header(),
            MeetingLine(Meeting(id="m", app_id="a", title="t", **at)),
            ParticipantLine(Participant(id="u", app_id="a", meeting_id="m", **who, **at)),
            SessionLine(
                Session(
                    id="s", app_id="a", meeting_id="m", title="t", status=ENDED,
                    started_at=NOW, ended_at=NOW, **at,
                )
            ),
            PeerLine(
                Peer(
                    subject=b"s", app_id="a", session_id="s", last_sign_at=NOW,
                    presence=presence_of(facts, NOW), **about, **who, **at,
                )
            ),
            FactsLine(facts, "p", "", presence_of(facts, NOW)),
            MessageLine(KeptMessage(id="w", content_t=NOW)),
            End("s"),
        )
    )  # fmt: skip


def chats() -> Iterator[bytes]:
    yield (
        b'{"app_id":"a","session_id":"s","id":"1","start_time":"2026-11-23T00:00:00Z",'
        b'"sentence":"Hi","peerData":{"id":"p"}}\n'
        b'{"app_id":"a","session_id":"s","id":"2","type":"text","timeMs":1795397118000,'
        b'"message":"Hi"}\n'
    )
    yield b'{"messages":[{"id":"1","type":"text","time":1795397118,"message":"Hi"}]}'
    yield b'[{"type":"file","name":"a","size":1,"link":"l","timeMs":1795397118000}]'
    yield (
        b"id,participantId,sessionId,meetingId,displayName,pinned,isEdited,payloadType,payload,"
        b"createdAt\n1,p,s,m,Ana,false,false,TEXT_MESSAGE,Hi,2026-11-23T00:00:00Z\n"
    )


def janus() -> Iterator[bytes]:
    rows = [json.loads(line) for line in _gzip_lines(DATA / "servers" / "janus-events.jsonl.gz")]
    for row in rows[::7]:
        body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
        if len(body) <= SEED_BYTES:
            yield body.encode()
