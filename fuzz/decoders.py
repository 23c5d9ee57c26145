"""What is fuzzed: each decoder with real seeds, and what must hold of whatever it makes of bytes.

A target takes bytes and returns, whatever they are: it made facts that the journal can store and
everything after it can use, or the decoder refused. Any other exception is a fault.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec
import seeds
from seeds import CHROME, NOW, PLACES

from roomtone.formats.calls import (
    read_calls,
)
from roomtone.formats.chat_csv import read_chat_csv
from roomtone.formats.messages import read_messages
from roomtone.formats.reading import read_transcript
from roomtone.formats.said import is_said, read_said
from roomtone.model.errors import Refused
from roomtone.model.facts import AnyFact
from roomtone.model.inlets import Arrival
from roomtone.model.times import iso
from roomtone.sources import (
    daily,
    generic,
    livekit,
    observertc,
    peermetrics,
    prosody,
    realtimekit_webhooks,
)
from roomtone.sources.bigbluebutton import BigBlueButton
from roomtone.sources.janus import Janus
from roomtone.sources.jitsi_wire import decode_message
from roomtone.sources.presence import presence_of
from roomtone.sources.recorded import recording_facts
from roomtone.sources.recordings import decode_file
from roomtone.sources.rtcstats.reader import Reader
from roomtone.sources.rtcstats.wire import Frames
from roomtone.sources.shifting import shifted
from roomtone.sources.wire import decode_batch

STORED = msgspec.msgpack.Decoder(tuple[AnyFact, ...])

Target = Callable[[bytes], None]


def usable(facts: Iterable[AnyFact]) -> None:
    """The journal gives them back unchanged, presence can be told, every time can be shown."""
    told = tuple(facts)
    assert STORED.decode(msgspec.msgpack.encode(told)) == told
    msgspec.msgpack.encode(presence_of(told, NOW))
    for fact in told:
        assert iso(fact.t)


def _arrivals(arrivals: Iterable[Arrival]) -> None:
    for arrival in arrivals:
        assert arrival.room
        assert arrival.key
        usable(arrival.facts)


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").split("\n")


# --- targets --------------------------------------------------------------------------------------


def file(data: bytes) -> None:
    """A dump or recording of any kind; its first bytes say which."""
    usable(fact for peer in decode_file(data) for fact in recording_facts(peer))


def rtcstats(data: bytes) -> None:
    """Frames of a socket, one a line."""
    socket = Frames(Reader("rtcstats", mask=True))
    facts: list[AnyFact] = []
    for line in _lines(data):
        try:
            facts += socket.receive(line, NOW)
        except Refused:
            continue
    usable(facts)


def jitsi_wire(data: bytes) -> None:
    """Messages of a socket, one a line."""
    reader = Reader("jitsi", mask=True, absent_is_gone=True)
    facts: list[AnyFact] = []
    for line in _lines(data):
        try:
            message = decode_message(line)
            if message.row is not None:
                facts += reader.take(message.row)
        except Refused:
            continue
    usable(facts)


def collector(data: bytes) -> None:
    """A body of either collector's door."""
    usable(decode_batch(data, now=None, mask=True, user_agent=CHROME).facts)


def samples(data: bytes) -> None:
    """A body of ObserveRTC ClientSamples."""
    client = observertc.Client(mask=True)
    facts: list[AnyFact] = []
    for sample in observertc.read_samples(data):
        observertc.whose(sample)
        facts += client.take(sample, None)
    usable(facts)


def metrics(data: bytes) -> None:
    """Requests of the peermetrics SDK, one a line: ``<number of its place><body>``."""
    talk = peermetrics.Talk(mask=True)
    facts: list[AnyFact] = []
    for line in data.split(b"\n"):
        if line:
            body = peermetrics.read_body(line[1:])
            facts += talk.receive(PLACES[line[0] % len(PLACES)], body, NOW)
    usable(facts)


def words(data: bytes) -> None:
    """A transcript in whatever format its beginning shows."""
    list(read_transcript(data, None, NOW).segments)


def calls(data: bytes) -> None:
    """Our own export of calls."""
    for call in read_calls(data):
        for line in call.facts:
            usable(shifted(line.facts, 0))


def chat(data: bytes) -> None:
    """A chat in the vendor's CSV, as JSON, or as our own export."""
    if is_said(data):
        read_said(data)
    elif data[:1] in (b"{", b"["):
        read_messages(data)
    else:
        read_chat_csv(data)


def _same(peer: str) -> str:
    return peer


def _server(decode: Callable[[bytes], Iterable[Arrival]], data: bytes) -> None:
    _arrivals(decode(data))


T = NOW // 1000
SERVERS: dict[str, tuple[Callable[[bytes], Iterable[Arrival]], Any]] = {
    "livekit": (
        livekit.decode_webhook,
        {
            "event": "participant_joined", "id": "EV", "createdAt": str(T),
            "room": {"sid": "RM", "name": "r", "creationTimeMs": str(T * 1000)},
            "participant": {"sid": "PA", "identity": "i", "joinedAt": str(T), "kind": "AGENT"},
            "track": {"sid": "TR", "source": "CAMERA", "mimeType": "video/vp8"},
        },
    ),
    "prosody": (
        prosody.decode_event,
        {
            "event_name": "muc-room-destroyed", "room_name": "r", "destroyed_at": T,
            "all_occupants": [{"occupant_jid": "a@b/c", "joined_at": T, "left_at": T + 1}],
        },
    ),
    "daily": (
        daily.decode_webhook,
        {
            "type": "participant.left", "id": "e", "event_ts": T,
            "payload": {"room": "r", "session_id": "s", "joined_at": T, "duration": 1.5},
        },
    ),
    "realtimekit": (
        lambda body: realtimekit_webhooks.decode_webhook(body, NOW),
        {
            "event": "meeting.participantLeft", "meeting": {"id": "m"},
            "participant": {"peerId": "p", "joinedAt": "2026-11-23T00:00:00Z", "leftAt": T},
        },
    ),
    "bigbluebutton": (
        lambda body: BigBlueButton().receive(body),
        {
            "data": {
                "id": "user-joined", "event": {"ts": NOW},
                "attributes": {
                    "meeting": {"external-meeting-id": "m"}, "user": {"internal-user-id": "w"},
                },
            }
        },
    ),
    "generic": (
        generic.decode_events,
        {
            "room": "r", "event": "joined", "at": T, "data": {"x": 1}, "tracks": ["t"],
            "participant": {"id": "i", "peer_id": "p"},
        },
    ),
}  # fmt: skip

TARGETS: dict[str, tuple[Target, Callable[[], Iterable[bytes]]]] = {
    "file": (file, seeds.files),
    "rtcstats": (rtcstats, seeds.frames),
    "jitsi": (jitsi_wire, seeds.messages),
    "collector": (collector, seeds.bodies),
    "observertc": (samples, seeds.samples),
    "peermetrics": (metrics, seeds.metrics),
    "transcript": (words, seeds.transcripts),
    "calls": (calls, seeds.calls),
    "chat": (chat, seeds.chats),
    "janus": (partial(_server, lambda body: Janus(_same).receive(body).arrivals), seeds.janus),
    **{
        name: (partial(_server, decode), partial(lambda said: [seeds.packed(said)], sample))
        for name, (decode, sample) in SERVERS.items()
    },
}  # fmt: skip
