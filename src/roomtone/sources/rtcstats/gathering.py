"""Gathering: the rows of a file, whoever wrote them → the peers of a recording."""

from collections.abc import Iterable

from roomtone.model.errors import Refused
from roomtone.model.facts import AnyFact, Joined, Snapshot
from roomtone.sources.recorded import RecordedPeer, Sample
from roomtone.sources.rtcstats.reader import Reader
from roomtone.sources.rtcstats.rows import Row


def recorded_peer(
    reader: Reader,
    rows: Iterable[Row],
    label: str,
    *,
    user_agent: str | None = None,
    samples: list[Sample] | None = None,
    notes: tuple[str, ...] = (),
) -> RecordedPeer | None:
    """The one peer that some rows tell of; None if it never made a connection.

    ``samples``: where the reader puts whole reports, if it makes no snapshots of them. Rows that
    cannot be taken are counted in the notes, not refused: a dump of a long call is worth more than
    one row of it.
    """
    facts: list[AnyFact] = []
    refused = 0
    for row in rows:
        try:
            facts += reader.take(row)
        except Refused:
            refused += 1
    if reader.joined_at is None:
        return None
    if not samples and not any(isinstance(fact, Snapshot) for fact in facts):
        notes += ("no getStats() results: there is a story, but there are no numbers",)
    if reader.wrong:
        notes += (f"{reader.wrong} stats objects were not understood",)
    if refused:
        notes += (f"{refused} rows were not understood",)
    events = [fact for fact in facts if not isinstance(fact, Joined)]
    return RecordedPeer(
        label=label,
        remote_labels={},
        user_agent=user_agent or reader.user_agent,
        samples=sorted(samples or [], key=lambda sample: sample.t),
        events=tuple(events),
        shared_tracks=frozenset(reader.shared),
        joined_at=reader.joined_at,
        notes=notes,
    )
