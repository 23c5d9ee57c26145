"""Series: what received and sent streams have in common: cadence, labels, limits.

A series looks at a stream's running totals only when an interval is due and takes the difference to
its last look, so denser snapshots cost a comparison, not a sum. An interval is cut

* at the first snapshot of a stream: its counters since it began;
* once ``reading_ms`` have passed (half a second early is in time: clients' timers drift);
* before a counter reset or a new label: what came until then;
* at the end, without touching the state: what is left over.
"""

from abc import ABC, abstractmethod
from math import inf

from roomtone.model.facts import Track
from roomtone.model.limits import MAX_READINGS_PER_PEER, MAX_READINGS_PER_STREAM
from roomtone.report.intervals import Interval, Label

CADENCE_TOLERANCE_MS = 500


class Budget:
    """How much state the series of one peer may use together, and what was cut."""

    __slots__ = ("cut_ms", "points", "points_cut", "readings", "truncated")

    def __init__(self, reading_ms: int) -> None:
        self.cut_ms = float(reading_ms - CADENCE_TOLERANCE_MS)
        self.readings = 0
        self.truncated = 0
        self.points = 0
        self.points_cut = 0

    def keep(self, interval: Interval, intervals: list[Interval]) -> None:
        """Add the interval to those of its stream, if there is room."""
        if self.readings < MAX_READINGS_PER_PEER and len(intervals) < MAX_READINGS_PER_STREAM:
            self.readings += 1
            intervals.append(interval)
        else:
            self.truncated += 1


class Series(ABC):
    """Shared by received and sent streams."""

    __slots__ = (
        "base_t",
        "budget",
        "display_pixels",
        "intervals",
        "label",
        "labels_version",
        "ordinal",
        "paused",
        "paused_now",
        "prev_t",
    )

    def __init__(self, budget: Budget, ordinal: int) -> None:
        self.budget = budget
        self.intervals: list[Interval] = []
        self.label = Label()
        self.labels_version = -1
        self.ordinal = ordinal
        """Of the latest snapshot that showed it; one that is new misses none."""
        self.paused_now = False
        self.paused = False
        """Paused at any moment of the interval that is open."""
        self.display_pixels = 0
        self.prev_t = -inf
        self.base_t: float | None = None
        """Start of the open interval; None before the first one."""

    @abstractmethod
    def make(self, at_end: bool) -> Interval:
        """The open interval; ``at_end`` leaves the state as it is."""

    def cut(self) -> None:
        """Close the open interval."""
        interval = self.make(False)
        self.base_t = self.prev_t
        self.paused = self.paused_now
        self.budget.keep(interval, self.intervals)

    def flush(self) -> None:
        """Close the open interval if anything is in it."""
        if self.base_t is not None and self.prev_t > self.base_t:
            self.cut()

    def all_intervals(self) -> list[Interval]:
        """The closed intervals and what is left over; changes nothing."""
        if self.base_t is None or self.prev_t <= self.base_t:
            return self.intervals
        return [*self.intervals, self.make(at_end=True)]

    def relabel(self, track: Track) -> None:
        """Take a label. What nobody says stays; another source or producer starts an interval."""
        old = self.label
        new = Label(
            track.source or old.source,
            track.producer_id or old.producer_id,
            track.consumer_id or old.consumer_id,
            track.peer_id or old.peer_id,
        )
        if new != old:
            if (old.source and new.source != old.source) or (
                old.producer_id and new.producer_id != old.producer_id
            ):
                self.flush()
            self.label = new
        self.paused_now = track.paused
        self.display_pixels = track.display_width * track.display_height

    def see(self, ordinal: int) -> None:
        """Note the snapshot; one that was missed in between means that the stream was paused."""
        if self.paused_now or ordinal - self.ordinal > 1:
            self.paused = True
        self.ordinal = ordinal
