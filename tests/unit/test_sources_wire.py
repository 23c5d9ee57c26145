"""Both collector doors' bodies: what is taken, what is refused, and what the refusal says."""

import json
from typing import Any

import pytest

from roomtone.model.errors import BadRequest, Invalid, Refused, TooLarge
from roomtone.model.facts import Happened
from roomtone.model.limits import MAX_FUTURE_MS, MAX_PAST_MS
from roomtone.sources.decoded import Decoded
from roomtone.sources.wire import decode_batch

PEER = "0055f63d-d002-4a7f-8867-022d0e5afb24"
NOW = 1_795_397_118_000  # 2026-11-23T01:25:18Z
GOOD = {"event": "audio_on", "timestamp": NOW}


def decode(body: Any, now: int | None = NOW) -> Decoded:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_batch(text, now=now, mask=True, user_agent=None)


def entry(**members: Any) -> dict[str, Any]:
    return {"peer_id": PEER, "entries": [{**GOOD, **members}]}


def refusal(body: Any, now: int | None = NOW) -> Refused:
    with pytest.raises(Refused) as refused:
        decode(body, now)
    return refused.value


def places(body: Any, now: int | None = NOW) -> list[str]:
    refused = refusal(body, now)
    assert isinstance(refused, Invalid)
    assert all(fault.why for fault in refused.faults)
    return [fault.where for fault in refused.faults]


def time_of(timestamp: Any) -> int:
    (fact,) = decode(entry(timestamp=timestamp)).facts
    return fact.t


def test_one_decoder_takes_both_protocols() -> None:
    ours = decode({"peer_id": PEER, "seq": 4, "entries": [GOOD]})
    theirs = decode({"payload": {"entries": [GOOD]}, "peerId": PEER.upper()})
    assert (ours.seq, theirs.seq) == (4, None)
    assert ours.peer_id == theirs.peer_id == PEER
    assert ours.facts == theirs.facts == (Happened(t=NOW, name="audio_on"),)


def test_an_empty_batch_is_a_batch() -> None:
    assert decode({"peer_id": PEER, "seq": 0, "entries": []}).facts == ()


def test_members_that_nobody_asked_for_are_passed_over() -> None:
    assert decode({"peer_id": PEER, "entries": [{**GOOD, "extra": {}}], "more": 1}).facts


@pytest.mark.parametrize(
    "timestamp",
    [
        NOW,
        float(NOW),
        NOW + 0.9,
        "2026-11-23T01:25:18Z",
        "2026-11-23T01:25:18.000Z",
        "2026-11-23T02:25:18+01:00",
        "2026-11-23T01:25:18",
    ],
)
def test_times_are_iso_or_epoch_milliseconds(timestamp: Any) -> None:
    assert time_of(timestamp) == NOW


@pytest.mark.parametrize(
    "timestamp",
    [
        0,
        1_000,
        "1970-01-01T00:00:00Z",
        "2100-01-01T00:00:00Z",
        4_102_444_800_000,
        -5,
        NOW - MAX_PAST_MS - 1,
        NOW + MAX_FUTURE_MS + 1,
        1e300,
        10**30,
        "yesterday",
        "",
        None,
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1795397118000",
        True,
        [],
        {},
    ],
)
def test_absurd_times_are_refused_with_the_reason(timestamp: Any) -> None:
    assert places(entry(timestamp=timestamp)) == ["entries[0].timestamp"]


@pytest.mark.parametrize("timestamp", [NOW - MAX_PAST_MS, NOW + MAX_FUTURE_MS])
def test_a_week_back_and_a_day_ahead_are_just_possible(timestamp: int) -> None:
    assert time_of(timestamp) == timestamp


def test_an_import_may_be_of_any_year() -> None:
    assert decode(entry(timestamp="1999-12-31T23:59:59Z"), now=None).facts[0].t == 946_684_799_000
    assert places(entry(timestamp=-1), now=None) == ["entries[0].timestamp"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"peer_id": "\xff"}',
        b"{} {}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"entries": [{"metaData": ' + b"[" * 100_000,
        b"[]",
        b"7",
        b"null",
        b'{"peer_id": NaN}',
        b'{"peer_id": "\\ud800"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_object_is_a_bad_request(text: bytes) -> None:
    assert isinstance(refusal(text), BadRequest)


@pytest.mark.parametrize("peer_id", ["alice", "", 7, None, PEER + "0", PEER.replace("-", ""), []])
def test_a_peer_id_is_a_uuid(peer_id: Any) -> None:
    assert places({"peer_id": peer_id, "entries": []}) == ["peer_id"]


@pytest.mark.parametrize("seq", [-1, 2**63, 1.5, "1", []])
def test_a_seq_is_a_count(seq: Any) -> None:
    assert places({"peer_id": PEER, "seq": seq, "entries": []}) == ["seq"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"peer_id": PEER}, ["entries"]),
        ({}, ["peer_id", "entries"]),
        ({"peer_id": PEER, "entries": {}}, ["entries"]),
        ({"peer_id": PEER, "payload": []}, ["payload"]),
        ({"peerId": PEER, "payload": {}}, ["entries"]),
        ({"peer_id": PEER, "entries": ["audio_on"]}, ["entries[0]"]),
        ({"peer_id": PEER, "entries": [None]}, ["entries[0]"]),
    ],
)
def test_a_body_of_another_shape_is_refused_at_its_place(body: Any, where: list[str]) -> None:
    assert places(body) == where


def test_every_fault_of_a_body_is_named() -> None:
    body = {
        "peer_id": "alice",
        "seq": -1,
        "entries": [
            GOOD,
            {"event": 7, "timestamp": []},
            {},
            {"event": "call_join", "timestamp": NOW, "metaData": {"peerMetaData": 4}},
            {"event": "x" * 513, "timestamp": "never"},
            {"event": "stats", "timestamp": 3},
        ],
    }
    assert set(places(body)) == {
        "peer_id",
        "seq",
        "entries[1].event",
        "entries[1].timestamp",
        "entries[2].event",
        "entries[2].timestamp",
        "entries[3].metaData.peerMetaData",
        "entries[4].event",
        "entries[4].timestamp",
        "entries[5].timestamp",
        "entries[5].metaData.pc",
        "entries[5].metaData.report",
    }


def test_faults_are_named_up_to_a_number_that_a_person_reads() -> None:
    found = places({"peer_id": PEER, "entries": [{}] * 500})
    assert len(found) == 101


@pytest.mark.parametrize("member", [{}, GOOD, 7])
def test_a_million_entries_are_too_large(member: Any) -> None:
    one = json.dumps(member).encode()
    body = b'{"peer_id": "%s", "entries": [%s]}' % (PEER.encode(), b",".join([one] * 100_000))
    assert isinstance(refusal(body), TooLarge)


def test_a_thousand_entries_are_taken() -> None:
    assert decode({"peer_id": PEER, "entries": [GOOD] * 1_000}).entries == 1_000
    assert isinstance(refusal({"peer_id": PEER, "entries": [GOOD] * 1_001}), TooLarge)
