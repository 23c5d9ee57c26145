"""Bodies that no collector door takes, each with the status that says so; and what a refusal is."""

import gzip
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
from journey_server import new_peer, now_ms

COLLECT, MESSAGE = "/v1/collect", "/api/v1/message"
DOORS = (COLLECT, MESSAGE)
MEGA = 1024 * 1024
YEAR_2100_MS = 4_102_444_800_000


class Bad(NamedTuple):
    """What is wrong, the body, the status, and headers that belong to it."""

    what: str
    body: bytes
    status: int
    headers: dict[str, str]


def shape(door: str, entries: Any, **more: Any) -> dict[str, Any]:
    """A body as one door's client writes it."""
    if door == COLLECT:
        return {"peer_id": new_peer(), "seq": 1, "entries": entries, **more}
    return {"payload": {"entries": entries}, "peerId": new_peer(), **more}


def entry(**more: Any) -> dict[str, Any]:
    """A good entry, but for what is given."""
    return {"event": "audio_on", "timestamp": now_ms(), **more}


def stats(*objects: Any, **more: Any) -> dict[str, Any]:
    """A stats entry with this report."""
    return entry(event="stats", metaData={"pc": "main", "report": list(objects), **more})


def inbound(**more: Any) -> dict[str, Any]:
    """A good inbound-rtp, but for what is given."""
    good = {"type": "inbound-rtp", "id": "I1", "timestamp": now_ms(), "ssrc": 7, "kind": "audio"}
    return {**good, "packetsReceived": 400, **more}


def ping(**more: Any) -> dict[str, Any]:
    """A ping with this metadata."""
    return entry(event="ping_stat", metaData={"producerStats": [], "consumerStats": [], **more})


def not_json() -> Iterator[tuple[str, bytes]]:
    """Cannot be read at all: 400."""
    yield "nothing", b""
    yield "half an object", b'{"entries": [{'
    yield "a list", b"[]"
    yield "a number", b"7"
    yield "null", b"null"
    yield "words", b"hello"
    yield "HTML", b"<html></html>"
    yield "not UTF-8", b'{"peer_id": "\xff\xfe"}'
    yield "a NUL", b"\x00" * 64
    yield "two objects", b"{}{}"
    yield "NaN", b'{"peer_id": "x", "seq": NaN, "entries": []}'
    yield "Infinity", b'{"peer_id": "x", "entries": [{"timestamp": -Infinity}]}'
    yield "nested a hundred thousand deep", b"[" * 100_000
    yield "an object nested as deep", b'{"entries":' * 100_000


def wrong() -> Iterator[tuple[str, Any]]:
    """An entry that reads well and is wrong: 422."""
    yield "an entry that is a number", 7
    yield "an entry that is null", None
    yield "an entry without anything", {}
    yield "no event", {"timestamp": now_ms()}
    yield "an event that is a number", entry(event=5)
    yield "an endless event", entry(event="x" * 10_000)
    yield "no time", {"event": "audio_on"}
    yield "a time in 1970", entry(timestamp="1970-01-01T00:00:00Z")
    yield "a time in 1970, in ms", entry(timestamp=12)
    yield "a time in 2100", entry(timestamp="2100-01-01T00:00:00Z")
    yield "a time in 2100, in ms", entry(timestamp=YEAR_2100_MS)
    yield "a time before Christ", entry(timestamp=-(10**15))
    yield "a time in words", entry(timestamp="soon")
    yield "a time that is NaN, in words", entry(timestamp="NaN")
    yield "a time that is true", entry(timestamp=True)
    yield "a time without end", entry(timestamp=1e300)
    yield "a time in seconds", entry(timestamp=now_ms() // 1000)
    yield "metadata that is a number", entry(metaData=7)
    yield "metadata that is a list", entry(metaData=[])
    yield "metadata of 20 KB", entry(metaData={"x": "y" * 20_000})
    yield "metadata nested 200 deep", entry(metaData=json.loads('{"a":' * 200 + "1" + "}" * 200))
    yield (
        "devices that are a number",
        entry(event="audio_devices_updates", metaData={"deviceList": 7}),
    )
    yield "a join of a wrong shape", entry(event="call_join", metaData={"peerMetaData": []})
    yield "stats without metadata", entry(event="stats")
    yield "stats without a connection", entry(event="stats", metaData={"report": []})
    yield "stats without a report", entry(event="stats", metaData={"pc": "main"})
    yield "a report that is a number", entry(event="stats", metaData={"pc": "main", "report": 7})
    yield "a report of numbers", stats(1, 2, 3)
    yield "a stat without a type", stats({"id": "I1", "timestamp": 1})
    yield "a stat without an id", stats({"type": "inbound-rtp", "timestamp": 1})
    yield "a counter below zero", stats(inbound(packetsReceived=-1))
    yield "a counter in words", stats(inbound(packetsReceived="NaN"))
    yield "a counter that is true", stats(inbound(packetsReceived=True))
    yield "a counter beyond all bounds", stats(inbound(packetsReceived=1e30))
    yield "a loss beyond all bounds", stats(inbound(packetsLost=-1e30))
    yield "an ssrc below zero", stats(inbound(ssrc=-1))
    yield "an ssrc of 33 bits", stats(inbound(ssrc=2**32))
    yield "an endless stat id", stats(inbound(id="x" * 5_000))
    yield "a stat's time in the year 30,000", stats(inbound(timestamp=9e14))
    yield "a track without a handle", stats(inbound(), tracks=[{"source": "camera"}])
    yield "a track of no known source", stats(inbound(), tracks=[{"ssrc": 7, "source": "ear"}])
    yield "a track of no UUID", stats(inbound(), tracks=[{"ssrc": 7, "peer_id": "bob"}])
    yield "producers that are a number", ping(producerStats=7)
    yield "a consumer that is a number", ping(consumerStats=[7])
    yield (
        "a producer's counter below zero",
        ping(producerStats=[{"producerId": "p", "audioStats": [{"ssrc": 7, "packetsSent": -1}]}]),
    )
    yield "a transport that is a list", ping(producingTransportStats=[])


def wrong_envelopes(door: str) -> Iterator[tuple[str, Any]]:
    """Around good entries: 422."""
    good = [entry()]
    yield "no entries", {key: value for key, value in shape(door, None).items() if key != "entries"}
    yield "entries that are an object", shape(door, {})
    yield "entries that are words", shape(door, "many")
    yield "no peer id", {"seq": 1, "entries": good}
    for peer_id in ("", "me", "7b0c0f0e-6f6c-4f0e-9d39", "../../etc", "' OR 1=1", "x" * 10_000):
        yield f"the peer id {peer_id[:20]!r}", {"peer_id": peer_id, "entries": good}
    yield "a peer id that is a number", {"peer_id": 7, "entries": good}
    yield "a seq below zero", shape(door, good, seq=-1)
    yield "a seq of 65 bits", shape(door, good, seq=2**65)
    yield "a seq in words", shape(door, good, seq="1")
    yield "a broken seq", shape(door, good, seq=1.5)
    yield "a payload that is a list", {"peerId": new_peer(), "payload": []}


def too_large(door: str) -> Iterator[Bad]:
    """Over a limit: 413."""
    million = json.dumps(shape(door, "HERE")).encode()
    zeros = gzip.compress(bytes(100 * MEGA), 9)
    gz = {"content-encoding": "gzip"}
    yield Bad("1,001 entries", json.dumps(shape(door, [entry()] * 1_001)).encode(), 413, {})
    for what, one in (("empty objects", b"{}"), ("zeros", b"0"), ("nulls", b"null")):
        many = b"[" + b",".join([one] * (1_000_000 if one != b"null" else 700_000)) + b"]"
        yield Bad(f"a million {what}", million.replace(b'"HERE"', many), 413, {})
    many_stats = stats(*[inbound()] * 4_001)
    yield Bad("4,001 stats", json.dumps(shape(door, [many_stats])).encode(), 413, {})
    yield Bad("10 MB", b" " * (10 * MEGA), 413, {})
    yield Bad("a gzip bomb", zeros, 413, gz)
    inner = json.dumps(shape(door, [entry(metaData={"x": "y" * (40 * MEGA)})])).encode()
    yield Bad("a gzip bomb of good JSON", gzip.compress(inner), 413, gz)


def bad_bodies(door: str) -> Iterator[Bad]:
    """All of them."""
    for what, body in not_json():
        yield Bad(what, body, 400, {})
    good = json.dumps(shape(door, [entry()])).encode()
    gz = {"content-encoding": "gzip"}
    yield Bad("gzip that is none", good, 400, gz)
    yield Bad("gzip that ends too early", gzip.compress(good)[:-6], 400, gz)
    yield Bad("gzip of garbage", gzip.compress(b"garbage"), 400, gz)
    yield Bad("a coding that is not known", good, 400, {"content-encoding": "br"})
    for what, one in wrong():
        yield Bad(what, json.dumps(shape(door, [entry(), one, entry()])).encode(), 422, {})
    for what, whole in wrong_envelopes(door):
        yield Bad(what, json.dumps(whole).encode(), 422, {})
    yield from too_large(door)


def check_refusal(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The one envelope, both of its shapes."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body["success"] is False
    assert body["error"]["code"] == status
    assert len(body["error"]["message"]) > 10
    assert body["errors"]
    assert all(one["code"] == status and one["message"] for one in body["errors"])
    assert body["messages"] == []
    assert body["result"] is None
    assert "Traceback" not in answer.text
    return body
