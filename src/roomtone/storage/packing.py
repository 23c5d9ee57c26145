"""Packing: the facts of a peer as a few dense bytes, losslessly.

A snapshot repeats nearly everything: the same stats with the same members, whose numbers moved a
little. So the facts of a chunk are turned on their side:

* Snapshots of one (transport, role) are a *lane*. A lane has its times, its track tables (told once
  each), and its *layouts*: which stats a snapshot lists, in order.
* A stat of a lane, by (type, id), is a *stream*. A stream has its *shapes*: which members it has.
* A member of a stream is a *column* of values. A constant is told once; numbers are differences
  (:mod:`columns`); other values are numbered as they appear; a column that repeats an earlier one
  refers to it.
* All other facts are told as they are, and a sequence says where each fact belongs, so that even
  the order comes back.

What has no numbers goes into a head (msgpack, zstd primed with :mod:`packing_words`), the integers
of all columns into a body (varints, zstd). Measured on a three-party mesh call, read every 5 s: a
participant-minute takes 9.3 KB as zstd-19 of msgpack and 3.7 KB packed. The head, 1.6 KB of it, is
paid once a chunk: 60 readings of each transport, five minutes' worth, take 1.9 KB a minute. LZMA
instead of zstd would save another 3 %.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
import zstandard

from roomtone.model.facts import AnyFact, Snapshot, Track
from roomtone.model.stats import KeptStat
from roomtone.storage.columns import (
    IntReader,
    Ints,
    IntWriter,
    read_floats,
    read_times,
    write_floats,
    write_times,
)
from roomtone.storage.encoding import unreadable
from roomtone.storage.members import Numbering, flat, of_shapes
from roomtone.storage.packing_words import WORDS

_SUM_BYTES = 4
_VERSION = b"\x01"
_LEVEL = 19
_PRIMED = zstandard.ZstdCompressionDict(WORDS, dict_type=zstandard.DICT_TYPE_RAWCONTENT)

_CONSTANT, _NUMBERED, _FLOATS, _REPEATED = range(4)
_INT64 = range(-(1 << 63), 1 << 63)

_encode = msgspec.msgpack.Encoder().encode


def pack(facts: Sequence[AnyFact]) -> bytes:
    """The facts as one chunk's bytes. What they are, and their order, comes back unchanged."""
    body = IntWriter()
    lanes: dict[tuple[str, str], list[Snapshot]] = {}
    others: list[Any] = []
    sequence: list[int] = []
    numbers: dict[tuple[str, str], int] = {}
    for fact in facts:
        if isinstance(fact, Snapshot) and fact.t in _INT64:
            lane = fact.transport, fact.role
            lanes.setdefault(lane, []).append(fact)
            sequence.append(numbers.setdefault(lane, len(numbers) + 1))
        else:
            others.append(msgspec.to_builtins(fact))
            sequence.append(0)
    body.add(sequence)
    written = [[*lane, *_LaneWriter(some, body).written()] for lane, some in lanes.items()]
    head = _encode([len(sequence), others, written])
    squeezed = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_PRIMED).compress(head)
    ints = zstandard.ZstdCompressor(level=_LEVEL).compress(body.encoded())
    packed = _encode([squeezed, ints])
    # Our own sum over all of it: zstd's does not cover its frames' heads.
    return _VERSION + crc32(packed).to_bytes(_SUM_BYTES) + packed


def unpack(data: bytes) -> list[AnyFact]:
    """The facts of :func:`pack`, in their order. Raises Failed."""
    told, packed = data[1 : 1 + _SUM_BYTES], data[1 + _SUM_BYTES :]
    if data[:1] != _VERSION or told != crc32(packed).to_bytes(_SUM_BYTES):
        raise unreadable()
    try:
        squeezed, ints = msgspec.msgpack.decode(packed, type=tuple[bytes, bytes])
        head = zstandard.ZstdDecompressor(dict_data=_PRIMED).decompress(squeezed)
        count, others, lanes = msgspec.msgpack.decode(head)
        body = IntReader(zstandard.ZstdDecompressor().decompress(ints))
        sequence = body.take(count).tolist()
        sources: list[Iterator[AnyFact]] = [iter(msgspec.convert(others, list[AnyFact]))]
        sources += [iter(_LaneReader(body, *lane).snapshots()) for lane in lanes]
        return [next(sources[lane]) for lane in sequence]
    except (
        zstandard.ZstdError,
        msgspec.MsgspecError,
        LookupError,
        TypeError,
        ValueError,
        StopIteration,
        MemoryError,  # a damaged length
    ) as error:
        raise unreadable() from error


class _Stream:
    """One stat of a lane: the snapshots (by number) that hold it, and its members there."""

    def __init__(self, kind: str, stat_id: str) -> None:
        self.kind = kind
        self.stat_id = stat_id
        self.rows: list[int] = []
        self.columns: dict[str, tuple[list[int], list[Any]]] = {}
        self.shapes = Numbering()
        self.shape_of: list[int] = []

    def add(self, row: int, stat: dict[str, Any]) -> None:
        self.rows.append(row)
        shape = []
        for name, value in flat(stat):
            if name in ("type", "id"):
                continue
            column = self.columns.get(name)
            if column is None:
                column = self.columns[name] = ([], [])
            column[0].append(row)
            column[1].append(value)
            shape.append(name)
        self.shape_of.append(self.shapes.number(shape))


class _LaneWriter:
    """Turns the snapshots of one lane into columns."""

    def __init__(self, snapshots: list[Snapshot], body: IntWriter) -> None:
        self._body = body
        self._times: Ints = np.array([snapshot.t for snapshot in snapshots], np.int64)
        self._tracks = Numbering()
        self._tracks_of = [self._tracks.number(snapshot.tracks) for snapshot in snapshots]
        self._streams: dict[tuple[str, str], tuple[int, _Stream]] = {}
        self._layouts = Numbering()
        self._layout_of: list[int] = []
        self._earlier: dict[bytes, int] = {}
        for row, snapshot in enumerate(snapshots):
            stats = msgspec.to_builtins(snapshot.stats)
            layout = [self._stream(row, stat) for stat in stats]
            self._layout_of.append(self._layouts.number(layout))

    def _stream(self, row: int, stat: dict[str, Any]) -> int:
        name = stat["type"], stat["id"]
        known = self._streams.get(name)
        if known is None:
            known = self._streams[name] = (len(self._streams), _Stream(*name))
        known[1].add(row, stat)
        return known[0]

    def written(self) -> list[Any]:
        """Writes the integers; returns what the head holds of the lane."""
        write_times(self._times, self._body)
        self._body.add(self._tracks_of)
        self._body.add(self._layout_of)
        streams = [self._written(stream) for _, stream in self._streams.values()]
        tracks = msgspec.to_builtins(self._tracks.values)
        return [len(self._times), tracks, self._layouts.values, streams]

    def _written(self, stream: _Stream) -> list[Any]:
        shapes: list[list[int]] = []
        if len(stream.shapes.values) > 1:
            places = {name: place for place, name in enumerate(stream.columns)}
            shapes = [[places[name] for name in shape] for shape in stream.shapes.values]
            self._body.add(stream.shape_of)
        specs = [self._column(rows, values) for rows, values in stream.columns.values()]
        return [stream.kind, stream.stat_id, list(stream.columns), shapes, specs]

    def _column(self, rows: list[int], values: list[Any]) -> list[Any]:
        first = _encode(values[0])
        encoded = _encode(values)
        if encoded.count(first) >= len(values) and all(_encode(v) == first for v in values):
            return [_CONSTANT, values[0]]
        # The rows belong to the key: differences from the clock depend on them.
        key = encoded + _encode(rows)
        known = self._earlier.get(key)
        if known is not None:
            return [_REPEATED, known]
        self._earlier[key] = len(self._earlier)
        if all(type(value) is float for value in values):
            floats = np.array(values, np.float64)
            return [_FLOATS, *write_floats(floats, self._times[rows], self._body)]
        numbering = Numbering()
        self._body.add([numbering.number(value) for value in values])
        return [_NUMBERED, *numbering.values]


class _LaneReader:
    """The way back: reads in the very order in which :class:`_LaneWriter` writes."""

    def __init__(
        self,
        body: IntReader,
        transport: str,
        role: str,
        count: int,
        tracks: list[Any],
        layouts: list[list[int]],
        streams: list[Any],
    ) -> None:
        self._transport = transport
        self._role = role
        self._body = body
        self._times = read_times(count, body)
        told = msgspec.convert(tracks, list[tuple[Track, ...]])
        self._tracks = [told[number] for number in body.take(count)]
        self._layouts = [layouts[number] for number in body.take(count)]
        self._earlier: list[list[Any]] = []
        rows: list[list[int]] = [[] for _ in streams]
        for row, layout in enumerate(self._layouts):
            for number in layout:
                rows[number].append(row)
        self._stats = [
            iter(self._stream(of, *stream)) for of, stream in zip(rows, streams, strict=True)
        ]

    def snapshots(self) -> list[Snapshot]:
        """All snapshots of the lane, in their order."""
        return [
            Snapshot(
                t=t,
                transport=self._transport,
                role=self._role,
                stats=tuple([next(self._stats[number]) for number in layout]),
                tracks=tracks,
            )
            for t, layout, tracks in zip(
                self._times.tolist(), self._layouts, self._tracks, strict=True
            )
        ]

    def _stream(
        self,
        rows: list[int],
        kind: str,
        stat_id: str,
        names: list[str],
        shapes: list[list[int]],
        specs: list[list[Any]],
    ) -> list[KeptStat]:
        shape_of = self._body.take(len(rows)).tolist() if shapes else [0] * len(rows)
        shapes = shapes or [list(range(len(names)))]
        runs = [(shapes[shape], len(list(run))) for shape, run in groupby(shape_of)]
        rows_of: list[list[int]] = [[] for _ in names]
        begin = 0
        for places, count in runs:
            for place in places:
                rows_of[place] += rows[begin : begin + count]
            begin += count
        columns = [self._column(spec, of) for spec, of in zip(specs, rows_of, strict=True)]
        more = {"type": kind, "id": stat_id}
        stats = of_shapes(names, shapes, shape_of, columns, more)
        return msgspec.convert(stats, list[KeptStat])

    def _column(self, spec: list[Any], rows: list[int]) -> list[Any]:
        way, *rest = spec
        if way == _CONSTANT:
            return rest * len(rows)
        if way == _REPEATED:
            return self._earlier[rest[0]]
        values: list[Any]
        if way == _FLOATS:
            values = read_floats(rest, self._times[rows], self._body)
        else:
            values = [rest[number] for number in self._body.take(len(rows))]
        self._earlier.append(values)
        return values
