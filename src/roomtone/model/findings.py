"""Findings: what went wrong in a call, when, how badly, on whose side, and what to do about it.

Shapes as the API answers them; :mod:`roomtone.findings` makes them. Ours, beside the vendor's own.
"""

from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning", "info"]
Side = Literal["uplink", "downlink", "device", "path", "server", "pair", "unknown"]
"""Of whoever is blamed. ``uplink`` and ``downlink``: what their own connection lost or delayed on
the way out, or in; ``path``: their connection as a whole, where no direction can be told: no
connection, a round trip, a relay, TCP, a VPN; ``device``: CPU, camera, microphone, permissions, a
page that slept. Of nobody: ``server``: between the legs of everyone; ``pair``: one pair of peers
only, and which end of it cannot be told; ``unknown``: not known."""
Outcome = Literal["good", "fair", "bad", "unknown"]


class Evidence(Struct, kw_only=True, frozen=True):
    """The reading or event that a finding came from: enough to look it up in the same report."""

    timestamp: str
    """Of the reading or event, as the report spells it."""
    source: str
    """``audio_consumer``, ``video_producer`` …, ``event`` or ``transport``."""
    id: str
    """The producer's, consumer's or transport's id, or the event's name."""
    field: str
    """The member that was compared."""
    value: float | str | bool | None


class Finding(Struct, kw_only=True, frozen=True):
    """One thing that went wrong, from ``start`` to ``end``, noticed at one peer."""

    id: str
    """Which detector (docs/findings.md, and the catalogue endpoint)."""
    severity: Severity
    start: str
    end: str | None
    """None: still so at the last reading of a peer that is connected."""
    peer_id: str
    """At whom it was noticed."""
    side: Side
    blamed_peer_id: str | None
    """Whose side it was; None: nobody's (a server, a pair) or not known."""
    other_peer_id: str | None
    """The sender of the stream that it was noticed on; the other end of a pair."""
    stream: str | None
    """The producer's or consumer's id; None: of the whole peer or transport."""
    worst: float | None
    unit: str | None
    echo_of: str | None
    """``finding_id@peer_id`` of the finding that caused this one; None: it stands for itself."""
    title: str
    """A plain sentence in the past tense that names the person."""
    advice: str
    evidence: tuple[Evidence, ...]


class Verdict(Struct, kw_only=True, frozen=True):
    """What a session was like: at most three plain sentences, also where all was well."""

    outcome: Outcome
    sentences: tuple[str, ...]


class FindingCounts(Struct, kw_only=True, frozen=True):
    """How many findings of each severity; echoes are not counted."""

    error: int = 0
    warning: int = 0
    info: int = 0
