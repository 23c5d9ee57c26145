"""Law 10, *total*, for the wires of ObserveRTC and peermetrics."""

import copy
import functools
import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from test_sources_total import JSON, _mutate, told

from roomtone.model.facts import AnyFact
from roomtone.sources import observertc, peermetrics

WIRES = Path(__file__).resolve().parent.parent / "data" / "wires"
NOW = 1_795_397_118_000
PLACES = st.sampled_from(
    [
        *("sessions", "connection", "connection/batch", "stats", "tracks"),
        *("events/get-user-media", "events/browser"),
    ]
)
EVENTS = st.sampled_from(
    [
        *("CLIENT_JOINED", "CLIENT_LEFT", "PEER_CONNECTION_OPENED", "MEDIA_TRACK_MUTED"),
        *("MEDIA_TRACK_ADDED", "ICE_CANDIDATE", "ICE_CANDIDATE_ERROR", "PRODUCER_PAUSED"),
        *("PEER_CONNECTION_STATE_CHANGED", "SIGNALING_STATE_CHANGE", "made_up", ""),
    ]
)


@functools.cache
def lines(name: str) -> tuple[Any, ...]:
    with gzip.open(WIRES / f"{name}.jsonl.gz") as rows:
        return tuple(json.loads(row) for row in rows)


def samples(body: bytes) -> tuple[AnyFact, ...]:
    """What a body of samples says, decoded as the door does."""

    def decode() -> tuple[AnyFact, ...]:
        client = observertc.Client(mask=True)
        facts: tuple[AnyFact, ...] = ()
        for sample in observertc.read_samples(body):
            observertc.whose(sample)
            facts += client.take(sample, None)
        return facts

    return told(decode)


def requests(*asked: tuple[str, Any]) -> tuple[AnyFact, ...]:
    """What the requests of one session say."""

    def decode() -> tuple[AnyFact, ...]:
        talk = peermetrics.Talk(mask=True)
        return tuple(
            fact
            for place, body in asked
            for fact in talk.receive(place, peermetrics.read_body(json.dumps(body).encode()), NOW)
        )

    return told(decode)


@given(st.binary(max_size=300))
def test_any_bytes_give_samples_or_a_refusal(data: bytes) -> None:
    samples(data)
    told(
        lambda: tuple(peermetrics.Talk(mask=True).receive("stats", peermetrics.read_body(data), 1))
    )


@given(
    st.integers(1, 2**45),
    JSON,
    st.lists(
        st.fixed_dictionaries(
            {"type": EVENTS | JSON}, optional={"payload": JSON, "timestamp": JSON | st.integers()}
        ),
        max_size=5,
    ),
)
def test_any_sample_gives_facts_or_a_refusal(t: int, value: Any, events: list[Any]) -> None:
    sample = {"clientId": "c", "callId": "r", "timestamp": t, "score": value, "scoreReasons": value}
    lists = ("clientEvents", "clientIssues", "clientMetaItems", "extensionStats")
    sample |= dict.fromkeys(lists, events)
    sample["peerConnections"] = [{"peerConnectionId": "p", "inboundRtps": [value], "codecs": value}]
    samples(json.dumps(sample).encode())
    samples(json.dumps([value, sample]).encode())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_to_a_real_sample_gives_facts_or_a_refusal(data: st.DataObject) -> None:
    sample = copy.deepcopy(data.draw(st.sampled_from(lines("observertc-samples"))))
    for _ in range(data.draw(st.integers(1, 4))):
        _mutate(data.draw, sample)
    samples(json.dumps(sample).encode())


@given(st.lists(st.tuples(PLACES, st.dictionaries(st.text(max_size=9), JSON)), max_size=6))
def test_any_requests_give_facts_or_a_refusal(asked: list[Any]) -> None:
    requests(*asked)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_to_real_requests_gives_facts_or_a_refusal(data: st.DataObject) -> None:
    asked = [
        (row["place"], row["body"])
        for row in copy.deepcopy(lines("peermetrics-requests"))
        if row["place"] == "stats" or data.draw(st.integers(0, 3)) == 0
    ]
    for _, body in asked:
        if data.draw(st.booleans()):
            _mutate(data.draw, body)
    requests(*asked)
