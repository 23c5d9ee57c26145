"""getStats() results that arrive as differences → whole reports, cut to what is kept.

Three dialects. The one of protocols 4.0 and 5.0 counts members (numbers.py), lets whatever is not
named stay, and says None for what is gone. The one of protocol 3.1 (Jitsi) names every object that
is still there, so one that is not named is gone. Its ancestor, 2.0, leaves out objects that did not
change, so one that is not named may be gone or still: such a stream has no reading, for nobody
knows one, and what it refers to stays.
"""

from typing import Any, get_args

import msgspec

from roomtone.model.errors import Invalid, TooLarge
from roomtone.model.limits import MAX_STATS_PER_REPORT, MAX_TRANSPORTS_PER_PEER
from roomtone.model.stats import KeptStat
from roomtone.sources.rtcstats.numbers import MEMBERS, TYPES
from roomtone.sources.w3c import converted

Stat = dict[str, Any]
Report = dict[str, Stat]

MAX_TEXT_CHARS = 1_024
"""As model/stats.py says of a word; a longer one is no id."""
PRESSURE = "compute-pressure"
"""A report of the library's own: how busy the processor is."""

_OLD_WORDS = (
    *("mediaType", "discardedPackets", "ip", "ipAddress", "portNumber", "transport"),
    *("trackId", "isRemote", "type", "timestamp", "cpuState"),
)
_TEXTS = frozenset({"mid", "rid"})
"""Words that look like numbers, and that some writers take for such."""
_KEPT_TYPES = frozenset(struct.__struct_config__.tag for struct in get_args(KeptStat))
_TRANSLATED = frozenset(_OLD_WORDS) - {"type", "timestamp", "cpuState"}
_TODAY = {
    "kind": ("mediaType",),
    "packetsDiscarded": ("discardedPackets",),
    "address": ("ip", "ipAddress"),
    "port": ("portNumber",),
    "protocol": ("transport",),
}
_OLD_TYPES = frozenset(
    (
        *("track", "inboundrtp", "outboundrtp", "candidatepair", "localcandidate"),
        "remotecandidate",
    )
)
WANTED = _KEPT_TYPES | _OLD_TYPES | {PRESSURE}
"""Types of stats objects that are of use."""
WORDS = frozenset(
    field.encode_name for struct in get_args(KeptStat) for field in msgspec.structs.fields(struct)
) | frozenset(_OLD_WORDS)
"""Members that are."""
_NAMES = {
    **{word: word for word in WORDS},
    **{number: word for number, word in MEMBERS.items() if word in WORDS},
    "t": "timestamp",
}
"""A member as a difference names it → as it is kept; those that are not there are of no use."""
_ODD = _TRANSLATED | _TEXTS | {"type"}
"""Members of which more is to be known than that they are numbers."""
_STREAMS = frozenset(
    (
        *("inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "inboundrtp", "outboundrtp"),
        "track",
    )
)


class Deltas:
    """The latest whole report of every connection of one page.

    Reports are changed in place: whoever wants one as it is now must copy it, or convert it.
    """

    def __init__(self) -> None:
        self._reports: dict[str, Report] = {}
        self._old: set[str] = set()

    def seed(self, pc: str, report: list[Stat]) -> None:
        """Begin where somebody else left off: ``report`` is the last whole one, with ids."""
        self._reports[pc] = {str(stat["id"]): dict(stat) for stat in report if "id" in stat}

    def forget(self, pc: str) -> None:
        """The connection is closed."""
        self._reports.pop(pc, None)
        self._old.discard(pc)

    def speaks_old(self, pc: str) -> bool:
        """Whether a connection's statistics use words that are to be translated (dialects.py)."""
        return pc in self._old

    def numbered(self, pc: str, delta: Stat) -> list[Stat]:
        """The whole report after a difference of 4.0 or 5.0, or after one that is whole already."""
        newest = delta.get("t", delta.get("timestamp"))
        report = self._reports.get(pc)
        if report is None or any(type(stat) is dict and "id" in stat for stat in delta.values()):
            report = {}
        if newest is not None:
            for stat in report.values():
                stat["timestamp"] = newest
        for stat_id, changes in delta.items():
            if changes is None:
                report.pop(stat_id, None)
            elif type(changes) is dict:
                known = report.get(stat_id)
                if known is None:
                    known = report[stat_id] = {"id": stat_id}
                    if newest is not None:
                        known["timestamp"] = newest
                if _change(known, changes):
                    self._old.add(pc)
        self._keep(pc, report)
        return _of_use(report)

    def named(self, pc: str, delta: Stat, *, absent_is_gone: bool) -> list[Stat]:
        """The whole report after a difference of 2.0 or 3.1."""
        newest = delta.get("timestamp")
        previous = self._reports.get(pc, {})
        report: Report = {}
        for stat_id, changes in delta.items():
            if isinstance(changes, dict):
                stat = report[stat_id] = previous.get(stat_id, {"id": stat_id})
                if _change(stat, changes):
                    self._old.add(pc)
                if stat.get("timestamp") == 0:
                    stat["timestamp"] = newest
        kept = report
        if not absent_is_gone:
            still = {id_: stat for id_, stat in previous.items() if id_ not in report}
            kept = {**still, **report}
            lasting = {i: s for i, s in still.items() if s.get("type") not in _STREAMS}
            report = {**lasting, **report}
        self._keep(pc, kept)
        return _of_use(report)

    def _keep(self, pc: str, report: Report) -> None:
        if len(report) > MAX_STATS_PER_REPORT:
            raise TooLarge(f"More than {MAX_STATS_PER_REPORT} stats objects in one report.")
        if pc not in self._reports and len(self._reports) >= MAX_TRANSPORTS_PER_PEER:
            self.forget(next(iter(self._reports)))
        self._reports[pc] = report


def _change(stat: Stat, changes: Stat) -> bool:
    """Merge changes into an object; whether they use old words."""
    told = False
    for key, value in changes.items():
        name = _NAMES.get(key)
        if name is None:
            continue
        kind = type(value)
        if kind is float or kind is bool or (kind is int and name not in _ODD):
            stat[name] = value
            continue
        if name == "type" and kind is int:
            value = TYPES.get(value, "")
        if name in _TRANSLATED:
            told = True
        kept = _value(name, value, stat.get(name))
        if kept is not None:
            stat[name] = kept
    if "type" in changes:
        said = stat.get("type")
        if said == "remote-inbound-rtp" and not stat.get("kind"):
            return True
        if said in _OLD_TYPES:
            return True
        if said not in WANTED:
            # Remembered by its type alone: differences to it are to find it again.
            for name in [name for name in stat if name not in ("id", "type")]:
                del stat[name]
    return told and _untranslated(stat)


def _untranslated(stat: Stat) -> bool:
    """Whether an object says in old words what it does not say in today's as well, as Chrome
    does."""
    remote = stat.get("isRemote") is True and "candidate" not in str(stat.get("type"))
    return remote or any(
        old in stat and not stat.get(new) for new, words in _TODAY.items() for old in words
    )


def _value(name: str, value: Any, previous: Any) -> Any:
    """A member as it is kept; None for one that is not."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_CHARS else None
    if isinstance(value, dict):
        if name != "qualityLimitationDurations":
            return None
        before = previous if isinstance(previous, dict) else {}
        # Its four members; whatever else is there would only grow.
        fresh = {k: v for k, v in value.items() if k in ("none", "cpu", "bandwidth", "other")}
        return {**before, **fresh}
    if isinstance(value, list):
        return None
    if name in _TEXTS and isinstance(value, int):
        return str(value)
    return value


def _of_use(report: Report) -> list[Stat]:
    return [
        stat
        for stat in report.values()
        if stat.get("type") in WANTED and stat.get("timestamp") is not None
    ]


def understood(report: list[Stat], *, old: bool = True) -> tuple[list[Any], int]:
    """A report as structs, without the objects that are wrong, and how many those were.

    ``old``: it may use old words. The report stays as it is.
    """
    known = [stat for stat in report if stat["type"] != PRESSURE]
    try:
        if not old:
            return msgspec.convert(known, list[KeptStat]), 0
    except (msgspec.ValidationError, RecursionError):
        pass
    try:
        return list(converted([dict(stat) for stat in known])), 0
    except Invalid:
        pass
    kept = [found for stat in known for found in _converted(stat)]
    return kept, len(known) - len(kept)


def sound(report: list[Stat]) -> tuple[list[Stat], int]:
    """The same, each object as it came."""
    known = [stat for stat in report if stat["type"] != PRESSURE]
    _, wrong = understood(known)
    if wrong:
        known = [stat for stat in known if _converted(stat) or stat["type"] == "track"]
    return [dict(stat) for stat in known], wrong


def _converted(stat: Stat) -> list[Any]:
    try:
        return list(converted([dict(stat)]))
    except Invalid:
        return []
