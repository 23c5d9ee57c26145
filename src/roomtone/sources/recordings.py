"""Recordings: which decoder a file is for, told from its first bytes."""

import msgspec
from msgspec import Raw, Struct

from roomtone.model.errors import BadRequest
from roomtone.sources import getstats, internals, jitsi
from roomtone.sources.faults import MALFORMED
from roomtone.sources.recorded import RecordedPeer, inflated
from roomtone.sources.rtcstats import dump

UNKNOWN = (
    "Not a recording that is known here: neither getStats() samples, nor an RTCStatsDump, a dump"
    " of chrome://webrtc-internals or a Jitsi dump."
)


class _Top(Struct):
    """Members that tell one kind of JSON object from another, unread."""

    connections: Raw = msgspec.field(default=Raw(b""), name="PeerConnections")
    samples: Raw = Raw(b"")


_top = msgspec.json.Decoder(_Top).decode


def decode_file(data: bytes, *, mask: bool = True) -> list[RecordedPeer]:
    """The peers of a recording, plain or gzip. ``mask``: mask addresses. Raises Refused."""
    data = inflated(data)
    head = data[:64].lstrip()
    if head.startswith(b"{"):
        if _is_internals(data):
            return internals.decode_recording(data)
        return getstats.decode_recording(data)
    if head.startswith(b"["):
        return jitsi.decode_recording(data, mask=mask)
    if head.startswith(dump.MAGIC):
        return dump.decode_recording(data, mask=mask)
    raise BadRequest(UNKNOWN)


def _is_internals(data: bytes) -> bool:
    try:
        top = _top(data)
    except MALFORMED:
        return False
    return bool(bytes(top.connections)) and not bytes(top.samples)
