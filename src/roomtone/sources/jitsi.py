"""Dumps of Jitsi Meet's rtcstats client, protocol 3.1: one ``[method, pc, value, ts]`` a line.

``getstats`` is a delta to the same connection's previous one (jitsi/rtcstats rtcstats.js,
``deltaCompression``): ``id`` and members that did not change are left out, a report that is absent
is gone, the newest timestamp stands once beside the reports, and those that had it say 0. A report
that says no timestamp kept its own.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from roomtone.model.errors import BadRequest
from roomtone.sources.faults import MALFORMED
from roomtone.sources.recorded import RecordedPeer, Sample, inflated
from roomtone.sources.rtcstats.gathering import recorded_peer
from roomtone.sources.rtcstats.reader import Reader
from roomtone.sources.rtcstats.rows import LATEST_MS, Row, method_of

__all__ = ["decode_recording"]

_ANY_LINE = msgspec.json.Decoder(list[Any])


def decode_recording(data: bytes, *, mask: bool = True) -> list[RecordedPeer]:
    """The one peer of a dump, plain or gzip; none if it made no connection. Raises Refused."""
    lines = inflated(data).split(b"\n")
    cut_off = bool(lines[-1].strip())  # a whole line has its end
    rows: list[Row] = []
    notes: tuple[str, ...] = ()
    last = max((number for number, line in enumerate(lines) if line.strip()), default=-1)
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            values = _ANY_LINE.decode(line)
        except MALFORMED as error:
            if cut_off and number == last and rows:
                notes = ("the last line was cut off",)
                continue
            raise BadRequest(f"Line {number + 1} is not a line of a Jitsi dump: {error}.") from None
        rows.append(_row(values, number + 1))
    samples: list[Sample] = []
    reader = Reader("import", mask=mask, absent_is_gone=True, samples=samples)
    peer = recorded_peer(reader, rows, "jitsi", samples=samples, notes=notes)
    if peer is None:
        return []
    who = reader.identity
    return [
        replace(
            peer,
            label=who.get("displayName") or who.get("endpointId") or who.get("deviceId") or "jitsi",
            room=who.get("confName", ""),
            person=who.get("userId") or who.get("deviceId") or "",
        )
    ]


def _row(values: list[Any], number: int) -> Row:
    if len(values) < 4 or not isinstance(values[0], str) or not isinstance(values[1], str | None):
        raise BadRequest(f"Line {number} is not [method, connection, value, time].")
    t = values[3]
    if isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t <= LATEST_MS:
        raise BadRequest(f"Line {number} has no time in epoch milliseconds.")
    return Row(method_of(values[0]) if values[0] else "-", values[1] or None, values[2], int(t))
