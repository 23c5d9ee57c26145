"""Law 10, *total*: any bytes into any source give facts or one refusal, in bounded time.

And what comes out is fit for what follows: the journal can store it and gives it back unchanged,
presence can be told from it, every time can be shown, nothing is NaN or negative.
"""

import copy
import functools
import gzip
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import roomtone
from roomtone.model.errors import Refused
from roomtone.model.facts import AnyFact, Snapshot
from roomtone.model.times import iso
from roomtone.sources import getstats, jitsi
from roomtone.sources.presence import presence_of
from roomtone.sources.wire import decode_batch

RECORDINGS = Path(roomtone.__file__).parent / "recordings"
PEER = "0055f63d-d002-4a7f-8867-022d0e5afb24"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
STORED = msgspec.msgpack.Decoder(tuple[AnyFact, ...])

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([2**63, -(2**70), 1e308, "", PEER, "2026-11-23T01:25:18Z", "inbound-rtp"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "stats",
        "ping_stat",
        "call_join",
        "disconnect",
        "precall_end",
        "net_quality_test_end",
        "audio_devices_updates",
        "selected_camera_update",
        "legacy_switch",
        "made_up",
        "",
    ]
)
KEYS = st.sampled_from(
    [
        "pc",
        "report",
        "tracks",
        "role",
        "producerStats",
        "consumerStats",
        "peerMetaData",
        "producingTransportStats",
        "connectionInfo",
        "deviceList",
        "device",
        "regionData",
    ]
)


@functools.cache
def real_bodies() -> tuple[Any, ...]:
    """Bodies that browsers sent, and whole getStats() results as the collector would send them."""
    bodies = []
    for name in ("clean", "mute", "allevents"):
        with gzip.open(RECORDINGS / f"realtimekit-{name}.jsonl.gz") as lines:
            bodies += [json.loads(line)["body"] for line in lines][::4]
    for peers in (
        getstats.decode_recording((RECORDINGS / "getstats-lossy.json.gz").read_bytes()),
        jitsi.decode_recording((RECORDINGS / "firefox-standard-stats-sfu.jsonl.gz").read_bytes()),
        jitsi.decode_recording((RECORDINGS / "safari-standard-stats.jsonl.gz").read_bytes()),
    ):
        sample = peers[0].samples[-1]
        track = {"mid": "0", "source": "camera", "peer_id": PEER}
        metadata = {"pc": sample.pc, "report": sample.report, "tracks": [track]}
        entry = {"event": "stats", "timestamp": sample.t, "metaData": metadata}
        bodies.append({"peer_id": PEER, "seq": 1, "entries": [entry]})
    return tuple(bodies)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A real body with members dropped, replaced, doubled or renamed at random places."""
    body = copy.deepcopy(draw(st.sampled_from(real_bodies())))
    for _ in range(draw(st.integers(1, 4))):
        _mutate(draw, body)
    return body


def _mutate(draw: st.DrawFn, body: Any) -> None:
    at = body
    while True:
        places = sorted(at) if isinstance(at, dict) else list(range(len(at)))
        if not places:
            return
        place = draw(st.sampled_from(places))
        inner = at[place]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 5)) == 0:
            break
        at = inner
    match draw(st.sampled_from(["drop", "replace", "double", "negate"])):
        case "drop":
            del at[place]
        case "replace":
            at[place] = draw(JSON)
        case "double" if isinstance(at, list):
            at.append(at[place])
        case "negate" if isinstance(at[place], int | float):
            at[place] = -at[place]


def told(decode: Callable[[], tuple[AnyFact, ...]]) -> tuple[AnyFact, ...]:
    """The facts, or none for a refusal; and they are fit for the journal and for presence."""
    try:
        facts = decode()
    except Refused:
        return ()
    stored = msgspec.msgpack.encode(facts)
    assert STORED.decode(stored) == facts
    presence = presence_of(facts, 1_795_397_118_000)
    msgspec.msgpack.encode(presence)
    for fact in facts:
        assert iso(fact.t)
        if isinstance(fact, Snapshot):
            for stat in fact.stats:
                _fit(msgspec.to_builtins(stat))
    return facts


def _fit(stat: dict[str, Any]) -> None:
    assert iso(stat["timestamp"])
    for member, value in stat.items():
        if isinstance(value, float):
            assert math.isfinite(value)
            assert value >= 0 or member == "packetsLost"


def batch(body: bytes, user_agent: str | None = CHROME) -> tuple[AnyFact, ...]:
    return told(lambda: decode_batch(body, now=None, mask=True, user_agent=user_agent).facts)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_batch_or_a_refusal(data: bytes) -> None:
    batch(data)


@given(JSON)
def test_any_json_gives_a_batch_or_a_refusal(value: Any) -> None:
    batch(json.dumps(value).encode())


@given(
    st.lists(
        st.fixed_dictionaries(
            {"event": NAMES, "timestamp": st.integers(0, 2**45)},
            optional={"metaData": JSON | st.dictionaries(KEYS, JSON), "metadata": JSON},
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_any_metadata_of_any_event_gives_a_batch_or_a_refusal(
    entries: list[Any], theirs: bool
) -> None:
    ours = {"peer_id": PEER, "seq": 1, "entries": entries}
    body = {"peerId": PEER, "payload": {"entries": entries}} if theirs else ours
    batch(json.dumps(body).encode())


@settings(max_examples=400, deadline=None)
@given(mutated(), st.sampled_from([CHROME, FIREFOX, None]))
def test_any_damage_to_a_real_body_gives_a_batch_or_a_refusal(
    body: Any, user_agent: str | None
) -> None:
    batch(json.dumps(body).encode(), user_agent)


@settings(deadline=None)
@given(st.sampled_from(range(len(real_bodies()))), st.data())
def test_a_body_cut_or_spoiled_anywhere_gives_a_batch_or_a_refusal(
    number: int, data: st.DataObject
) -> None:
    text = bytearray(json.dumps(real_bodies()[number]).encode())
    at = data.draw(st.integers(0, len(text) - 1))
    batch(bytes(text[:at]))
    text[at] = data.draw(st.integers(0, 255))
    batch(bytes(text))


@pytest.mark.parametrize("number", range(len(real_bodies())))
def test_every_undamaged_real_body_is_taken_and_decodes_the_same_twice(number: int) -> None:
    body = json.dumps(real_bodies()[number]).encode()
    facts = batch(body)
    assert facts
    assert msgspec.msgpack.encode(batch(body)) == msgspec.msgpack.encode(facts)


def recording(data: bytes, decode: Callable[[bytes], list[getstats.RecordedPeer]]) -> None:
    told(lambda: tuple(fact for peer in decode(data) for fact in getstats.recording_facts(peer)))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_recording_or_a_refusal(data: bytes, packed: bool) -> None:
    recording(gzip.compress(data) if packed else data, getstats.decode_recording)
    recording(b"\x1f\x8b" + data, jitsi.decode_recording)


@given(JSON, JSON, st.integers(0, 2**45))
def test_any_report_gives_a_recording_or_a_refusal(report: Any, other: Any, t: int) -> None:
    text = json.dumps({"samples": [{"a": {"t": t, "stats": report}, "b": other}]})
    recording(text.encode(), getstats.decode_recording)


METHODS = st.sampled_from(
    ["getstats", "connectionInfo", "identity", "onconnectionstatechange", "anything"]
    + [
        f"navigator.mediaDevices.get{which}Media{what}"
        for which in ("User", "Display")
        for what in ("", "OnSuccess", "OnFailure")
    ]
)
LINES = st.tuples(
    METHODS, st.none() | st.sampled_from(["PC_0", "PC_1"]), JSON, st.integers(0, 2**45)
)


@given(st.lists(LINES | JSON, max_size=5))
def test_any_lines_give_a_dump_or_a_refusal(rows: list[Any]) -> None:
    recording("\n".join(map(json.dumps, rows)).encode(), jitsi.decode_recording)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_to_a_real_dump_gives_a_dump_or_a_refusal(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["chrome-standard-pc-reconnect", "safari-standard-stats"]))
    rows = [json.loads(line) for line in dump(name)]
    kept = [row for row in rows if row[0] == "getstats" or data.draw(st.integers(0, 9)) == 0][:12]
    for _ in range(data.draw(st.integers(1, 4))):
        _mutate(data.draw, kept)
    recording("\n".join(map(json.dumps, kept)).encode(), jitsi.decode_recording)


@functools.cache
def dump(name: str) -> list[bytes]:
    return gzip.decompress((RECORDINGS / f"{name}.jsonl.gz").read_bytes()).splitlines()


@pytest.mark.parametrize(
    "one",
    [
        b"{}",
        b'{"event": "stats", "timestamp": 1, "metaData": {"pc": "p", "report": [1, 2]}}',
        b'{"event": "ping_stat", "timestamp": 1, "metaData": {"producerStats": [7]}}',
        b'{"event": "note", "timestamp": 1, "metaData": {"a": {"a": {"a": {"a": {}}}}}}',
    ],
)
def test_four_megabytes_of_nonsense_are_refused_in_a_moment(one: bytes) -> None:
    body = b'{"peer_id": "x", "entries": [%s]}' % b",".join([one] * (4_000_000 // len(one)))
    start = time.process_time()
    with pytest.raises(Refused):
        decode_batch(body, now=None, mask=True, user_agent=None)
    assert time.process_time() - start < 5


def test_a_wide_report_full_of_faults_is_refused_in_a_moment() -> None:
    stat = {"type": "inbound-rtp", "id": "I", "timestamp": 1}
    stat |= dict.fromkeys(("jitter", "nackCount", "firCount", "pliCount", "qpSum"), -1)
    metadata = {"pc": "p", "report": [stat] * 4_000}
    entries = [{"event": "stats", "timestamp": 1, "metaData": metadata}] * 20
    body = json.dumps({"peer_id": PEER, "entries": entries}).encode()
    start = time.process_time()
    with pytest.raises(Refused) as refused:
        decode_batch(body, now=None, mask=True, user_agent=None)
    assert len(refused.value.faults) <= 101
    assert time.process_time() - start < 5
