"""Layout: where in a snapshot the reports of each type are.

One snapshot of a transport lists the same types in the same order as the one before, nearly always;
so they are told apart once, and not at every report of every snapshot.
"""

from typing import Any

from roomtone.model.stats import (
    CandidatePair,
    Codec,
    InboundRtp,
    LocalCandidate,
    MediaSource,
    OutboundRtp,
    RemoteCandidate,
    RemoteInboundRtp,
    Transport,
)
from roomtone.report.inbound import InboundSeries

MAX_LAYOUTS = 64
"""Remembered of one transport: a browser leaves out what it has nothing to say about."""

Types = tuple[type[Any], ...]
Places = tuple[int, ...]


class Layout:
    """Places in a snapshot, ascending, by the type of the report."""

    __slots__ = (
        "candidates",
        "codecs",
        "inbound",
        "outbound",
        "pairs",
        "remotes",
        "sources",
        "transports",
    )

    def __init__(self, types: Types) -> None:
        def of(*wanted: type[Any]) -> Places:
            return tuple(place for place, kind in enumerate(types) if kind in wanted)

        self.inbound: dict[int, InboundSeries | None] = dict.fromkeys(of(InboundRtp))
        """Whose report was at each of these places in the latest snapshot: it nearly always is in
        the next one too, and to see that costs less than to look it up."""
        self.outbound = of(OutboundRtp)
        self.remotes = of(RemoteInboundRtp)
        self.codecs = of(Codec)
        self.sources = of(MediaSource)
        self.pairs = of(CandidatePair)
        self.candidates = of(LocalCandidate, RemoteCandidate)
        self.transports = of(Transport)


class Layouts:
    """Those that one transport has had."""

    __slots__ = ("_known", "_latest", "_types")

    def __init__(self) -> None:
        self._known: dict[Types, Layout] = {}
        self._types: list[type[Any]] = []
        self._latest = Layout(())

    def of(self, stats: tuple[Any, ...]) -> Layout:
        """The layout of a snapshot's reports."""
        types = [*map(type, stats)]  # a list is made faster than a tuple
        if types != self._types:
            of = tuple(types)
            known = self._known.get(of)
            if known is None:
                if len(self._known) >= MAX_LAYOUTS:
                    self._known.clear()
                known = self._known[of] = Layout(of)
            self._types, self._latest = types, known
        return self._latest
