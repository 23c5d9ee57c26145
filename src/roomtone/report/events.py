"""Events: what the client said had happened, in the old and the new form (contract 3)."""

from typing import Any

from msgspec import UNSET

from roomtone.model.facts import Happened
from roomtone.model.peer_metadata import NamedEvent, Scalar
from roomtone.model.peer_report import TypedEvent
from roomtone.model.times import iso

NOT_IN_METADATA = frozenset({"call_join", "tab_change", "precall_end"})
"""What the vendor's example has in the old list only; the metadata tells it in its own members."""
RENAMED = {
    "browser_backgrounded": "meeting_view_backgrounded",
    "browser_foregrounded": "meeting_view_foregrounded",
}
MAX_FLAT_DEPTH = 4


def typed(events: list[Happened], offset: int) -> list[TypedEvent]:
    """``peer_stats.events``: all, metadata as it came."""
    return [
        TypedEvent(
            type=event.name, timestamp=iso(event.t + offset), metadata=event.metadata or UNSET
        )
        for event in events
    ]


def named(events: list[Happened], offset: int) -> list[NamedEvent]:
    """``peer_report.metadata.events``: without some, metadata flat."""
    return [
        NamedEvent(
            name=RENAMED.get(event.name, event.name),
            timestamp=iso(event.t + offset),
            metadata=flat(event.metadata) if event.metadata else UNSET,
        )
        for event in events
        if event.name not in NOT_IN_METADATA
    ]


def flat(metadata: dict[str, Any], depth: int = 1) -> dict[str, Scalar]:
    """Nested members as ``outer_inner``; of a list, its length as ``<name>_count``."""
    made: dict[str, Scalar] = {}
    for name, value in metadata.items():
        if isinstance(value, dict):
            if depth < MAX_FLAT_DEPTH:
                inner = flat(value, depth + 1)
                made.update({f"{name}_{member}": found for member, found in inner.items()})
        elif isinstance(value, list | tuple):
            made[f"{name}_count"] = len(value)
        elif value is None or isinstance(value, str | int | float | bool):
            made[name] = value
    return made
