"""Recordings: which decoder a file is for, told from its first bytes."""

from roomtone.model.errors import BadRequest
from roomtone.sources import getstats, jitsi
from roomtone.sources.recorded import RecordedPeer


def decode_file(data: bytes) -> list[RecordedPeer]:
    """The peers of a recording (already inflated). Raises Refused."""
    head = data[:64].lstrip()
    if head.startswith(b"{"):
        return getstats.decode_recording(data)
    if head.startswith(b"["):
        return jitsi.decode_recording(data)
    raise BadRequest(
        "Not a recording that is known here: neither getStats() samples nor a Jitsi dump."
    )
