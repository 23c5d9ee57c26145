"""Wanted: whose producers somebody receives, so that of thousands only those few are looked at.

They are named as :class:`roomtone.report.traces.Senders` finds them: by what the receiver's client
told, else by ssrc. Too many may be wanted, never too few.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping

from roomtone.report.intervals import Received
from roomtone.report.state import PeerState
from roomtone.report.traces import ProducerTrace


def wanted_by(state: PeerState) -> set[Hashable]:
    """Ids of producers and ssrcs of all that a peer received, and ids of their peers."""
    found: set[Hashable] = set()
    for streams in state.streams.values():
        for series in streams.inbound.values():
            for interval in series.all_intervals():
                if isinstance(interval, Received):
                    found |= {interval.label.producer_id, interval.ssrc, interval.label.peer_id}
    return found - {None, ""}


class Offers:
    """What the peers of a session sent, by the names under which it may be wanted."""

    def __init__(self) -> None:
        self._by_name: dict[Hashable, set[bytes]] = defaultdict(set)

    def add(self, subject: bytes, peer_id: str, sent: Mapping[str, ProducerTrace]) -> None:
        """A peer, which may be named before anything is known of what it sends."""
        ssrcs = {ssrc for trace in sent.values() for leg in trace.legs for ssrc in leg.ssrcs}
        for name in (peer_id, *sent, *ssrcs):
            self._by_name[name].add(subject)

    def of(self, wanted: set[Hashable]) -> set[bytes]:
        """The subjects of those who sent any of it."""
        names = self._by_name.keys() & wanted
        return {subject for name in names for subject in self._by_name[name]}
