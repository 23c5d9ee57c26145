"""Observed: what a peer's report is made of, for whoever looks for what went wrong in it.

The readings that are published, beside the intervals they came from (which know more), the
transports and the events.
"""

from typing import Any

from msgspec import Struct

from roomtone.model.facts import Happened
from roomtone.report.stay import Stay
from roomtone.report.transit import TransportPoint

SENT, RECEIVED = "sent", "received"
AUDIO, VIDEO = "audio", "video"


class ObservedStream(Struct):
    """A stream that the peer sent or received. ``readings[i]`` came of ``intervals[i]``."""

    way: str
    kind: str
    screen: bool
    id: str
    """The producer's id if sent, the consumer's if received."""
    peer_id: str
    """The sender; "" where nobody said."""
    producer_id: str
    transport: str
    direct: bool
    """Whether it is known to come from the sender with nothing in between."""
    readings: list[Any]
    """ProducerReading or ConsumerReading, by ``way``."""
    intervals: list[Any]
    """The Interval of the same way and kind."""
    sent_fps: list[float | None]
    """Of received video: the rate of the sender's source at that time, where it is known."""

    @property
    def array(self) -> str:
        """The name of its array in ``peer_report.quality``."""
        side = "producer" if self.way == SENT else "consumer"
        return f"{'screenshare_' if self.screen else ''}{self.kind}_{side}"


class ObservedTransport(Struct):
    """A transport of the peer."""

    id: str
    roles: frozenset[str]
    points: list[TransportPoint]
    peer_ids: frozenset[str] = frozenset()
    """Whose media the client said that it carries, whether any came or not."""


class Observed(Struct):
    """One peer."""

    peer_id: str
    user_id: str
    display_name: str
    stay: Stay
    offset: int
    """ms that put the times of intervals and points on the server's clock."""
    streams: list[ObservedStream]
    transports: list[ObservedTransport]
    events: list[Happened]
    """Ascending, their ``t`` on the server's clock."""
