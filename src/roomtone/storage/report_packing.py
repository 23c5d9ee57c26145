"""Report packing: the JSON of a sealed report as a few dense bytes, and the same bytes again.

Nearly all of a report is readings: long lists of objects with the same members. Each such list is
a *table*: its members become columns (:mod:`members`), its rows are put in the order of the streams
they are of, so that neighbours are alike, and a column that repeats an earlier one refers to it
(the old SDKs' statistics repeat the readings). Numbers and times are differences (:mod:`columns`).
All else is the *frame*, with a mark where each table stood.

What has no numbers goes into a head (msgpack, zstd primed with :mod:`report_words`), the integers
into a body (zstd). Of a ten-minute call of four a report takes 23 KB as gzip, 18 KB as zstd 19 of
the JSON, and 8.7 KB packed. Making the gzip again takes as long as reading and writing all of it
together, which is why reports are packed only when they are no longer asked for every day.
"""

import gzip
from collections import Counter
from collections.abc import Sequence
from typing import Any
from zlib import crc32, error

import msgspec
import numpy as np
import zstandard

from roomtone.services.shelves import GZIP_LEVEL
from roomtone.storage.columns import (
    IntReader,
    Ints,
    IntWriter,
    read_floats,
    read_ints,
    write_floats,
    write_ints,
)
from roomtone.storage.encoding import unreadable
from roomtone.storage.members import Numbering, flat, of_shapes
from roomtone.storage.report_words import WORDS

_MAGIC = b"RR\x01"
"""No gzip begins like this. The last byte is the version."""
_SUM_BYTES = 4
_LEVEL = 12
"""Level 19 takes a third more time for one per cent."""
_PRIMED = zstandard.ZstdCompressionDict(WORDS, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
_TABLE = 1
"""The type of msgpack extension that stands for a table."""
_MIN_ROWS = 8
_ROWS_A_STREAM = 6
"""A column of names tells the streams apart if each has so many rows or more, on average."""
_TIME_CHARS = len("2026-01-01T00:00:00.000Z")
_INT64 = range(-(1 << 63), 1 << 63)

_CONSTANT, _NUMBERED, _FLOATS, _INTS, _TIMES, _SOME, _REPEATED = range(7)

_encode = msgspec.msgpack.Encoder().encode

Row = dict[str, Any]


def pack_report(body: bytes) -> bytes | None:
    """A report's gzip bytes, packed; None if they are no JSON that would come back unchanged."""
    try:
        plain = gzip.decompress(body)
        packed = _packed(msgspec.json.decode(plain))
        # Whatever there is that nobody thought of: the report stays as it is.
        return packed if _unpacked(packed) == plain else None
    except (OSError, EOFError, error, ValueError, OverflowError):
        return None


def unpack_report(stored: bytes) -> bytes:
    """A report's gzip bytes, of those that are stored, packed or not. Raises Failed."""
    if not stored.startswith(_MAGIC):
        return stored
    try:
        return gzip.compress(_unpacked(stored), GZIP_LEVEL, mtime=0)
    except (
        zstandard.ZstdError,
        msgspec.MsgspecError,
        LookupError,
        TypeError,
        ValueError,
        MemoryError,  # a damaged length
    ) as damage:
        raise unreadable() from damage


def _packed(content: Any) -> bytes:
    tables = _Tables()
    frame = tables.without(content)
    head = _encode([tables.written, frame])
    squeezed = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_PRIMED).compress(head)
    ints = zstandard.ZstdCompressor(level=_LEVEL).compress(tables.body.encoded())
    packed = _encode([squeezed, ints])
    return _MAGIC + crc32(packed).to_bytes(_SUM_BYTES) + packed


def _unpacked(stored: bytes) -> bytes:
    """The JSON. Raises what damaged bytes raise."""
    begin = len(_MAGIC) + _SUM_BYTES
    told, packed = stored[len(_MAGIC) : begin], stored[begin:]
    if told != crc32(packed).to_bytes(_SUM_BYTES):
        raise unreadable()
    squeezed, ints = msgspec.msgpack.decode(packed, type=tuple[bytes, bytes])
    head = zstandard.ZstdDecompressor(dict_data=_PRIMED).decompress(squeezed)
    specs, frame = msgspec.msgpack.decode(head, type=tuple[list[list[Any]], msgspec.Raw])
    reader = _TableReader(IntReader(zstandard.ZstdDecompressor().decompress(ints)))
    tables = [reader.rows(*spec) for spec in specs]

    def table(_: int, number: memoryview) -> list[Row]:
        return tables[int.from_bytes(number)]

    return msgspec.json.encode(msgspec.msgpack.Decoder(ext_hook=table).decode(frame))


class _Tables:
    """Takes the tables out of a JSON value and writes them as columns."""

    def __init__(self) -> None:
        self.body = IntWriter()
        self.written: list[list[Any]] = []
        self._orders: list[Ints] = []
        self._earlier: dict[bytes, int] = {}

    def without(self, value: Any) -> Any:
        """The value with a mark in the place of each table."""
        if isinstance(value, dict):
            return {name: self.without(each) for name, each in value.items()}
        if not isinstance(value, list):
            return value
        if len(value) < _MIN_ROWS or not all(isinstance(each, dict) and each for each in value):
            return [self.without(each) for each in value]
        self.written.append(self._table([dict(flat(each)) for each in value]))
        number = (len(self.written) - 1).to_bytes(2)
        return msgspec.msgpack.Ext(_TABLE, number)

    def _table(self, rows: list[Row]) -> list[Any]:
        count = len(rows)
        own, order = self._order(rows)
        if order is not None:
            rows = [rows[place] for place in self._orders[order].tolist()]
        names = list(dict.fromkeys(name for row in rows for name in row))
        places = {name: place for place, name in enumerate(names)}
        shapes = Numbering()
        shape_of = [shapes.number([places[name] for name in row]) for row in rows]
        how = self._ints(shape_of) if len(shapes.values) > 1 else None
        specs = [self._column([row[name] for row in rows if name in row]) for name in names]
        return [count, own, order, names, shapes.values, how, specs]

    def _order(self, rows: list[Row]) -> tuple[int | None, int | None]:
        """How a new order was told, and the number of the order that puts rows of the same stream
        together; None: as they are."""
        streams = _streams(rows)
        if streams is not None:
            self._orders.append(np.argsort(np.array(streams), kind="stable"))
            return self._ints(streams), len(self._orders) - 1
        name = next(iter(rows[0]))
        values = [row.get(name) for row in rows]
        for number, order in enumerate(self._orders):
            if len(order) == len(rows):
                key = _encode([values[place] for place in order.tolist()])
                if key in self._earlier:
                    return None, number
        return None, None

    def _column(self, values: list[Any]) -> list[Any]:
        key = _encode(values)
        first = _encode(values[0])
        if key.count(first) >= len(values) and all(_encode(value) == first for value in values):
            return [_CONSTANT, values[0]]
        known = self._earlier.get(key)
        if known is not None:
            return [_REPEATED, known]
        self._earlier[key] = len(self._earlier)
        if None in values:
            some = [value for value in values if value is not None]
            how = self._ints([int(value is not None) for value in values])
            return [_SOME, how, len(some), *self._told(some)]
        return self._told(values)

    def _told(self, values: list[Any]) -> list[Any]:
        kinds = {type(value) for value in values}
        if kinds == {float}:
            floats = np.array(values, np.float64)
            return [_FLOATS, *write_floats(floats, np.zeros(len(values), np.int64), self.body)]
        if kinds == {int} and all(value in _INT64 for value in values):
            return [_INTS, self._ints(values)]
        if kinds == {str} and (times := _times(values)) is not None:
            return [_TIMES, self._ints(times)]
        numbering = Numbering()
        how = self._ints([numbering.number(value) for value in values])
        return [_NUMBERED, how, *numbering.values]

    def _ints(self, ints: Ints | list[int]) -> int:
        return write_ints(np.asarray(ints, np.int64), self.body)


def _streams(rows: list[Row]) -> list[int] | None:
    """Which stream each row is of, by the texts that tell most of them apart; None: not told."""
    best: Numbering | None = None
    found: list[int] | None = None
    for name in rows[0]:
        values = [row.get(name) for row in rows]
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) < len(rows) or _times(texts) is not None:
            continue
        numbering = Numbering()
        numbers = [numbering.number(value) for value in values]
        many = len(numbering.values)
        if 1 < many <= len(rows) // _ROWS_A_STREAM and (best is None or many > len(best.values)):
            best, found = numbering, numbers
    return found


def _times(values: Sequence[str]) -> Ints | None:
    """ISO times to the millisecond as epoch milliseconds; None if these are no such times."""
    if not all(len(value) == _TIME_CHARS and value[-1] == "Z" for value in values):
        return None
    try:
        times = np.array([value[:-1] for value in values], "datetime64[ms]")
    except ValueError:
        return None
    return times.astype(np.int64)


class _TableReader:
    """The way back: reads in the very order in which :class:`_Tables` writes."""

    def __init__(self, body: IntReader) -> None:
        self._body = body
        self._orders: list[Ints] = []
        self._earlier: list[list[Any]] = []

    def rows(
        self,
        count: int,
        own: int | None,
        order: int | None,
        names: list[str],
        shapes: list[list[int]],
        shaped: int | None,
        specs: list[list[Any]],
    ) -> list[Row]:
        """The rows of one table."""
        if own is not None:
            self._orders.append(np.argsort(self._ints(own, count), kind="stable"))
        shape_of = [0] * count if shaped is None else self._ints(shaped, count).tolist()
        holding = [0] * len(names)
        for shape, times in Counter(shape_of).items():
            for place in shapes[shape]:
                holding[place] += times
        columns = [self._column(spec, some) for spec, some in zip(specs, holding, strict=True)]
        rows = of_shapes(names, shapes, shape_of, columns, {})
        if order is None:
            return rows
        back: list[Row] = [{}] * count
        for place, row in zip(self._orders[order].tolist(), rows, strict=True):
            back[place] = row
        return back

    def _column(self, spec: list[Any], count: int) -> list[Any]:
        way, *rest = spec
        if way == _CONSTANT:
            return rest * count
        if way == _REPEATED:
            return self._earlier[rest[0]]
        number = len(self._earlier)
        self._earlier.append([])
        if way == _SOME:
            there = self._ints(rest[0], count).tolist()
            some = iter(self._told(rest[2:], rest[1]))
            self._earlier[number] = [next(some) if one else None for one in there]
        else:
            self._earlier[number] = self._told(spec, count)
        return self._earlier[number]

    def _told(self, spec: list[Any], count: int) -> list[Any]:
        way, *rest = spec
        if way == _FLOATS:
            return read_floats(rest, np.zeros(count, np.int64), self._body)
        ints = self._ints(rest[0], count)
        told: list[Any]
        if way == _INTS:
            told = ints.tolist()
        elif way == _TIMES:
            texts = np.datetime_as_string(ints.view("datetime64[ms]"), unit="ms").tolist()
            told = [f"{text}Z" for text in texts]
        else:
            values = rest[1:]
            told = [values[number] for number in ints.tolist()]
        return told

    def _ints(self, how: int, count: int) -> Ints:
        return read_ints(how, count, self._body)
