"""Packing loses nothing, whatever the facts, and makes real calls small."""

import gzip
import math
import struct
import types
import typing
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import roomtone
from roomtone.model.errors import Failed
from roomtone.model.facts import AnyFact, Happened, Joined, Snapshot
from roomtone.model.presence import Presence, merge
from roomtone.model.stats import InboundRtp, OutboundRtp, QualityLimitationDurations
from roomtone.sources.recorded import recording_facts
from roomtone.sources.recordings import decode_file
from roomtone.storage.batch_keys import BatchKeys, seq_of
from roomtone.storage.columns import IntReader, IntWriter, read_floats, write_floats
from roomtone.storage.encoding import decode_facts, encode_facts
from roomtone.storage.packing import pack, unpack
from roomtone.storage.repacking import MAX_SNAPSHOTS, Piece, chunks

RECORDINGS = Path(roomtone.__file__).parent / "recordings"
CALLS = (
    "getstats-clean.json.gz",
    "getstats-lossy.json.gz",
    "getstats-mesh3-clean.json.gz",
    "google-standard-stats-sfu.jsonl.gz",
    "firefox-standard-stats-sfu.jsonl.gz",
    "safari-standard-stats.jsonl.gz",
    "chrome-standard-pc-reconnect.jsonl.gz",
)
T0 = 1_700_000_000_000


# --- any facts at all -----------------------------------------------------------------------------

int64 = st.integers(-(2**63), 2**63 - 1)
doubles = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | int64 | doubles | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the model, made from its annotations."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        (meta,) = (a for a in arguments if isinstance(a, msgspec.Meta))
        if arguments[0] is str:
            return texts
        if arguments[0] is int:
            return st.integers(meta.ge, meta.le)
        return st.floats(meta.ge, meta.le) | st.integers(0, 10**9).map(float)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values_of(one) for one in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=4).map(tuple)
    if origin is dict:
        return st.dictionaries(texts, json_values, max_size=3)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs_of(kind)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    plain = {int: int64, float: doubles, str: texts, bool: st.booleans(), type(None): st.none()}
    return plain[kind]


def structs_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    fields = msgspec.structs.fields(kind)
    return st.builds(kind, **{field.name: values_of(field.type) for field in fields})


def wire(facts: list[AnyFact]) -> bytes:
    """Equal bytes mean equal facts, to the sign of a zero."""
    return msgspec.msgpack.encode(facts)


@settings(deadline=None, max_examples=150)
@given(st.lists(values_of(AnyFact), max_size=6))
def test_any_facts_come_back_as_they_were_and_in_their_order(facts: list[AnyFact]) -> None:
    assert wire(unpack(pack(facts))) == wire(facts)
    assert wire(decode_facts(encode_facts(facts))) == wire(facts)


counters = st.floats(0, 1e15, allow_nan=False) | st.integers(0, 2**40).map(float)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pc-1", "pc-2"]),
            st.sampled_from(["a", "b", "c"]),
            st.integers(0, 60_000),
            st.dictionaries(
                st.sampled_from(["bytes_sent", "qp_sum", "frame_width", "active", "rid"]), counters
            ),
        ),
        max_size=30,
    )
)
def test_streams_that_come_and_go_and_change_their_members_come_back(
    story: list[tuple[str, str, int, dict[str, float]]],
) -> None:
    facts: list[AnyFact] = []
    for pc, stat_id, t, members in story:
        odd = {"active": bool(members.pop("active", 0) > 1), "rid": str(members.pop("rid", ""))}
        stat = OutboundRtp(id=stat_id, timestamp=T0 + t + 0.125, **members, **odd)
        facts.append(Snapshot(T0 + t, pc, "both", (stat, stat)[: 1 + t % 2]))
    assert wire(unpack(pack(facts))) == wire(facts)


def test_an_object_whose_members_are_all_default_is_not_lost() -> None:
    empty = QualityLimitationDurations()
    stat = OutboundRtp(id="o", timestamp=1.0, quality_limitation_durations=empty)
    (back,) = unpack(pack([Snapshot(T0, "pc", "both", (stat,))]))
    assert back == Snapshot(T0, "pc", "both", (stat,))


# --- columns of numbers ---------------------------------------------------------------------------

every_double = st.integers(0, 2**64 - 1).map(
    lambda bits: struct.unpack("<d", bits.to_bytes(8, "little"))[0]
)
decimals = st.builds(lambda n, k: n / 10**k, st.integers(-(10**12), 10**12), st.integers(0, 9))
levels = st.integers(0, 32767).map(lambda n: n / 32767)
columns = st.one_of(
    *(
        st.lists(one, min_size=1, max_size=40)
        for one in (every_double, decimals, levels, doubles, every_double | decimals)
    )
)


@settings(deadline=None, max_examples=300)
@given(columns, st.data())
def test_every_double_comes_back_bit_for_bit(values: list[float], data: st.DataObject) -> None:
    times = np.array(data.draw(st.lists(int64, min_size=len(values), max_size=len(values))))
    out = IntWriter()
    spec = write_floats(np.array(values), times, out)
    back = read_floats(spec, times, IntReader(out.encoded()))
    assert struct.pack(f"{len(values)}d", *back) == struct.pack(f"{len(values)}d", *values)


@given(st.lists(st.lists(int64, max_size=20), max_size=5))
def test_integers_come_back_from_the_stream_in_their_order(parts: list[list[int]]) -> None:
    out = IntWriter()
    for part in parts:
        out.add(part)
    source = IntReader(out.encoded())
    assert [source.take(len(part)).tolist() for part in parts] == parts


def test_negative_zero_and_sums_that_drifted_stay_what_they_were() -> None:
    drifted = [math.fsum([0.01] * n) + n * 1e-15 for n in range(50)]
    stats = [InboundRtp(id="i", timestamp=0.0, packets_lost=v) for v in [-0.0, 0.0, *drifted]]
    facts: list[AnyFact] = [Snapshot(T0 + n, "pc", "both", (s,)) for n, s in enumerate(stats)]
    assert wire(unpack(pack(facts))) == wire(facts)


# --- real calls -----------------------------------------------------------------------------------


def recorded(name: str) -> list[list[AnyFact]]:
    data = gzip.decompress((RECORDINGS / name).read_bytes())
    return [list(recording_facts(peer)) for peer in decode_file(data)]


@pytest.mark.parametrize("name", CALLS)
def test_a_real_call_comes_back_and_takes_a_fraction_of_its_rows(name: str) -> None:
    for facts in recorded(name):
        packed = pack(facts)
        assert wire(unpack(packed)) == wire(facts)
        assert len(packed) < 0.35 * sum(len(encode_facts([fact])) for fact in facts)


def test_a_minute_of_a_three_party_mesh_packs_into_four_kilobytes_a_person() -> None:
    for facts in recorded("getstats-mesh3-clean.json.gz"):
        snapshots = [fact for fact in facts if isinstance(fact, Snapshot)]
        minutes = (snapshots[-1].t - snapshots[0].t) / 60_000
        assert minutes > 0.8
        assert len(pack(facts)) < 4_300


# --- which batches go together --------------------------------------------------------------------


def piece(position: int, facts: list[AnyFact]) -> Piece:
    times = [fact.t for fact in facts]
    presence = Presence(first_t=min(times), last_t=max(times))
    return Piece(min(times), max(times), presence, position, lambda: facts)


def test_chunks_are_bounded_and_ascend_and_hold_every_fact_once() -> None:
    facts: list[AnyFact] = [Snapshot(T0 + n, "pc", "both", ()) for n in range(1_300)]
    pieces = [piece(n + 1, facts[n * 10 : n * 10 + 10]) for n in range(130)]
    made = list(chunks([*reversed(pieces), pieces[7]]))
    assert all(len(chunk.facts) <= MAX_SNAPSHOTS for chunk in made)
    assert len(made) == 3
    assert [fact for chunk in made for fact in chunk.facts] == facts
    assert all(a.t_max <= b.t_min for a, b in pairwise(made))
    assert made[-1].position == 130


def test_a_batch_larger_than_a_chunk_is_cut_but_shown_once() -> None:
    facts: list[AnyFact] = [Snapshot(T0 + n, "pc", "both", ()) for n in range(MAX_SNAPSHOTS + 1)]
    made = list(chunks([piece(9, facts)]))
    assert [len(chunk.facts) for chunk in made] == [MAX_SNAPSHOTS, 1]
    assert [chunk.position for chunk in made] == [9, None]


def test_a_batch_without_facts_keeps_its_presence() -> None:
    presence = Presence(heard=(("p", 5),))
    (chunk,) = chunks([Piece(3, 3, presence, 1, list)])
    assert (chunk.presence, chunk.facts, chunk.t_min) == (presence, [], 3)


def test_a_chunks_presence_is_merged_of_its_batches() -> None:
    one, two = piece(1, [Joined(T0, "stats")]), piece(2, [Joined(T0 + 5, "stats")])
    (chunk,) = chunks([two, one])
    assert chunk.presence == merge(one.presence, two.presence)


# --- keys -----------------------------------------------------------------------------------------

keys = st.one_of(
    st.integers(0, 40).map("s:{}".format),
    st.integers(0, 2**70).map("s:{}".format),
    st.sampled_from(["s:", "s:01", "s:-1", "s:١", "S:1", "h:00", "h:01", ""]),
    st.text(max_size=5),
)


@given(st.lists(st.lists(keys, max_size=12), max_size=4), st.lists(keys, max_size=12))
def test_batch_keys_are_a_set(added: list[list[str]], asked: list[str]) -> None:
    naive: set[str] = set()
    known = BatchKeys()
    for some in added:
        known.add(some)
        naive |= set(some)
        known = BatchKeys(known.encoded())
    assert [key in known for key in [*asked, *naive]] == [key in naive for key in [*asked, *naive]]
    assert len(known) == len(naive)
    numbered = [seq for key in naive if (seq := seq_of(key)) is not None]
    assert known.last_seq == max(numbered, default=None)


def test_ten_thousand_numbered_batches_take_a_few_bytes() -> None:
    known = BatchKeys()
    known.add(f"s:{n}" for n in range(10_000))
    assert len(known.encoded()) < 16


# --- damage ---------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.data())
def test_a_damaged_chunk_is_a_failure_with_a_hint_and_never_other_facts(data: Any) -> None:
    facts: list[AnyFact] = [Happened(T0, "x" * 50), Snapshot(T0, "pc", "both", ())]
    whole = bytearray(pack(facts))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    try:
        assert wire(unpack(bytes(whole))) == wire(facts)
    except Failed as failed:
        assert failed.hint  # noqa: PT017


@pytest.mark.parametrize("damaged", [b"", b"\x02abc", b"\x01", b"\x01\x92\xc4\x00\xc4\x00"])
def test_bytes_of_another_format_are_refused(damaged: bytes) -> None:
    with pytest.raises(Failed) as failed:
        unpack(damaged)
    assert "newest version" in failed.value.hint
    with pytest.raises(Failed):
        decode_facts(b"no zstd")
