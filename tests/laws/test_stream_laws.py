"""Laws of the streams' decoders: total (10), bounded (8), and deltas give back what they are of.

``ROOMTONE_FUZZ=1000000`` runs the fuzzing ones that often; see fuzz/README.md.
"""

import copy
import gzip
import json
import os
import tracemalloc
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from roomtone.model.errors import Refused
from roomtone.model.facts import AnyFact, Snapshot
from roomtone.model.times import iso
from roomtone.sources import internals, jitsi
from roomtone.sources.jitsi_wire import decode_message, is_old_report
from roomtone.sources.presence import presence_of
from roomtone.sources.recorded import recording_facts
from roomtone.sources.recordings import decode_file
from roomtone.sources.rtcstats import dump
from roomtone.sources.rtcstats.deltas import Deltas
from roomtone.sources.rtcstats.reader import Reader
from roomtone.sources.rtcstats.wire import Frames

WIRES = Path(__file__).resolve().parent.parent / "data" / "wires"
NOW = 1_795_393_700_000
STORED = msgspec.msgpack.Decoder(tuple[AnyFact, ...])
RUNS = int(os.environ.get("ROOMTONE_FUZZ", "0"))
fuzzed = settings(max_examples=RUNS or 150, deadline=None)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([2**63, -(2**70), 1e308, "", "audio", "inbound-rtp", NOW, "t", "PC_0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
METHODS = st.sampled_from(
    [
        *("g", "getStats", "getstats", 1, 3, 9, 20, 24, 25, 39, 36, 61, 63, 64, 65, 66, 74, 999),
        *("create", "close", "identity", "dominantSpeaker", "ontrack", "onicecandidateerror"),
        *(":rating", "connectionInfo", "createOfferOnFailure", "addIceCandidate", ""),
    ]
)
STAT_KEYS = st.sampled_from(
    ["0", "1", "I", "t", "timestamp", "type", "14", "15", "10", "11", "34", "96", "id", "cpuState"]
)
DELTAS = st.dictionaries(
    STAT_KEYS, st.none() | st.integers(0, NOW) | st.dictionaries(STAT_KEYS, JSON, max_size=5)
)
HEADS = [b"", b"RTCStatsDump\n", b'{"PeerConnections":', b"["]
TIMES = st.just(NOW) | st.integers(-5, 5_000) | st.floats(0, 1e4) | JSON
ROWS = st.tuples(METHODS, st.sampled_from([None, "PC_0", "PC_1", "8-0"]), DELTAS | JSON, TIMES)


@cache
def frames() -> tuple[str, ...]:
    """What one side of a real call sent."""
    with gzip.open(WIRES / "rtcstats-wire.jsonl.gz") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(row["raw"] for row in rows if row["conn"] == 1 and "raw" in row)


@cache
def files() -> tuple[bytes, ...]:
    """Real dumps of each kind, plain."""
    internals_dump = json.loads(
        gzip.decompress((WIRES / "webrtc-internals-clean.json.gz").read_bytes())
    )
    connection = next(iter(internals_dump["PeerConnections"].values()))
    connection["stats"] = dict(list(connection["stats"].items())[:60])
    return (
        b"\n".join((WIRES / "two-party.rtcstats").read_bytes().split(b"\n")[:72]),
        gzip.decompress((WIRES / "chrome-written-rtcstats-dump.gz").read_bytes())[:20_000],
        json.dumps(internals_dump).encode(),
    )


def fit(facts: tuple[AnyFact, ...]) -> None:
    """Facts that the journal can store and presence can be told from."""
    assert STORED.decode(msgspec.msgpack.encode(facts)) == facts
    msgspec.msgpack.encode(presence_of(facts, NOW))
    for fact in facts:
        assert iso(fact.t)
        assert len(msgspec.msgpack.encode(fact)) < 200_000 or isinstance(fact, Snapshot)


def heard(texts: list[str]) -> tuple[AnyFact, ...]:
    reader = Reader("rtcstats", mask=True)
    socket = Frames(reader)
    facts: list[AnyFact] = []
    for text in texts:
        try:
            facts += socket.receive(text, NOW)
        except Refused:
            continue
    return tuple(facts)


def read(data: bytes) -> None:
    try:
        peers = decode_file(data)
        fit(tuple(fact for peer in peers for fact in recording_facts(peer)))
    except Refused:
        return


@fuzzed
@given(st.lists(st.text(max_size=40) | ROWS.map(json.dumps) | JSON.map(json.dumps), max_size=8))
def test_any_frames_give_facts_or_refusals(texts: list[str]) -> None:
    fit(heard(texts))


@fuzzed
@given(st.text(max_size=60) | JSON.map(json.dumps) | st.builds(
    lambda row, kind, nested: json.dumps(
        {"type": kind, "statsSessionId": "x", "data": json.dumps(row) if nested else row}
    ),
    st.lists(JSON, max_size=6) | ROWS.map(lambda row: [*row, 7]),
    st.sampled_from(["stats-entry", "identity", "keepalive", "close"]),
    st.booleans(),
), st.booleans())  # fmt: skip
def test_any_message_of_jitsi_gives_facts_or_a_refusal(text: str, numbered: bool) -> None:
    reader = Reader("jitsi", mask=True, absent_is_gone=True)
    try:
        message = decode_message(text, numbered=numbered)
        if message.row is not None and not is_old_report(message.row):
            fit(tuple(reader.take(message.row)))
    except Refused:
        return


@settings(max_examples=RUNS or 40, deadline=None)
@given(st.data())
def test_any_damage_to_real_frames_gives_facts_or_refusals(data: st.DataObject) -> None:
    rows = [json.loads(frame) for frame in frames()[:80:4]]
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.sampled_from(rows))
        at: Any = row
        while isinstance(at, dict | list) and at:
            keys = sorted(at) if isinstance(at, dict) else list(range(len(at)))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(at[key], dict | list) or data.draw(st.booleans()):
                at[key] = data.draw(JSON)
                break
            at = at[key]
    fit(heard([json.dumps(row) for row in rows]))


@settings(max_examples=RUNS or 40, deadline=None)
@given(st.data())
def test_a_file_cut_or_spoiled_anywhere_gives_peers_or_a_refusal(data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from(files())))
    at = data.draw(st.integers(0, len(text) - 1))
    read(bytes(text[:at]))
    text[at] = data.draw(st.integers(0, 255))
    read(bytes(text))


@fuzzed
@given(
    st.binary(max_size=200), st.sampled_from([b"", b"RTCStatsDump\n", b'{"PeerConnections":', b"["])
)
def test_any_bytes_are_a_file_or_a_refusal(data: bytes, head: bytes) -> None:
    read(head + data)


@fuzzed
@given(JSON, JSON)
def test_any_webrtc_internals_give_peers_or_a_refusal(stats: Any, log: Any) -> None:
    connection = {"stats": {"IT01A1-timestamp": stats, "IT01A1-jitter": log}, "updateLog": log}
    series = {"statsType": "inbound-rtp", "values": json.dumps(stats)}
    other = {"stats": {"I-1-timestamp": series, "I-1-ssrc": series}, "updateLog": []}
    for one in (connection, other):
        read(json.dumps({"PeerConnections": {"8-1": one}, "getUserMedia": [{}]}).encode())


# --- deltas ---------------------------------------------------------------------------------------

VALUES = st.fixed_dictionaries(
    {"type": st.just("inbound-rtp"), "ssrc": st.integers(0, 9)},
    optional={
        "packetsReceived": st.integers(0, 9),
        "packetsLost": st.integers(0, 9),
        "jitter": st.floats(0, 1),
        "mid": st.sampled_from(["0", "1"]),
    },
)
REPORTS = st.lists(
    st.dictionaries(st.sampled_from(["0", "1", "2"]), VALUES), min_size=1, max_size=6
)


def deltas_of(reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A second, naive writer of the numbered dialect; members are never taken away again."""
    told, known = [], {}
    for number, report in enumerate(reports):
        delta: dict[str, Any] = {"t": NOW + number}
        for gone in set(known) - set(report):
            delta[gone] = None
            del known[gone]
        for stat_id, stat in report.items():
            before = known.get(stat_id, {})
            fresh = {name: value for name, value in stat.items() if before.get(name) != value}
            known[stat_id] = {**before, **stat}
            if fresh:
                delta[stat_id] = fresh
        told.append(delta)
    return told


@given(REPORTS)
def test_deltas_give_back_the_reports_that_they_were_made_of(reports: list[dict[str, Any]]) -> None:
    deltas = Deltas()
    known: dict[str, Any] = {}
    for number, (delta, report) in enumerate(zip(deltas_of(reports), reports, strict=True)):
        whole = {stat["id"]: stat for stat in copy.deepcopy(deltas.numbered("PC_0", delta))}
        known = {id_: {**known.get(id_, {}), **stat} for id_, stat in report.items()}
        assert whole == {
            id_: {**stat, "id": id_, "timestamp": NOW + number} for id_, stat in known.items()
        }


def test_memory_has_a_ceiling_whatever_is_sent() -> None:
    reader = Reader("rtcstats", mask=True)
    socket = Frames(reader)
    tracemalloc.start()
    for number in range(3_000):
        stats = {str(i): {"type": 1, f"x{number}": "y" * 200, "17": f"{number}"} for i in range(5)}
        row = ["g", f"PC_{number}", {**stats, "t": NOW}, "e", NOW]
        for text in (row, [60, None, {}, f"c{number}", NOW], [2, "PC_0", None, f"{number}", NOW]):
            socket.receive(json.dumps(text), NOW)
        track = [["audio", f"{number}", "label", "s"]]
        socket.receive(json.dumps([61, None, track, f"c{number}", NOW]), NOW)
        socket.receive(json.dumps([f":event{number}", None, {"a": "b" * 100}, NOW]), NOW)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 12_000_000


def test_every_decoder_is_reached() -> None:
    for data, decoder in zip(files()[::2], (dump, internals), strict=True):
        assert decoder.decode_recording(data)
    assert jitsi.decode_recording(b'["create", "PC_0", {}, 1795393700000]')
