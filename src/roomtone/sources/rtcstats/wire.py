"""Frames of an rtcstats socket: a row as a JSON array each, of protocols 5.0, 4.0 and 2.0."""

import msgspec

from roomtone.model.errors import BadRequest
from roomtone.model.facts import AnyFact
from roomtone.model.limits import MAX_FUTURE_MS, MAX_PAST_MS
from roomtone.sources.faults import MALFORMED
from roomtone.sources.rtcstats.reader import Reader
from roomtone.sources.rtcstats.rows import Timeline, row_of

PROTOCOLS = ("rtcstats#5.0", "rtcstats#4.0", "2.0")
"""As browsers name them in Sec-WebSocket-Protocol."""
_LOOSE = msgspec.json.Decoder()


class Frames:
    """One socket's frames → facts. Its ``reader`` may outlive it: a client that comes back goes on
    with deltas to what it said before."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._timeline = Timeline()

    def receive(self, frame: str, now: int) -> list[AnyFact]:
        """The facts of a frame that came at ``now`` (server's epoch ms). Raises Refused."""
        try:
            values = _LOOSE.decode(frame)
        except MALFORMED as error:
            raise BadRequest(f"The frame is not JSON: {error}.") from None
        row = row_of(values, self._timeline)
        if not now - MAX_PAST_MS <= row.t <= now + MAX_FUTURE_MS:
            raise BadRequest("The frame's time is too far from this server's clock.")
        return self._reader.take(row)


def is_new_page(frame: str) -> bool:
    """Whether a socket's first frame is the first of its page, so that deltas begin anew."""
    return frame.startswith(("[39,null", '["create",null'))
