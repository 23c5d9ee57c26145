"""The timeline: a session drawn on one axis of time. Ours; what the console's session page shows.

Times are ISO 8601 with milliseconds on the server's clock. Bins count from the timeline's start,
``bin_ms`` each; None in a bin: nothing was measured there.
"""

from msgspec import Struct

from roomtone.model.findings import Finding


class Lane(Struct, kw_only=True, frozen=True):
    """What one direction of a peer's media was like, bin by bin from ``PeerTimeline.first_bin``."""

    mos: tuple[float | None, ...]
    """Mean of the streams."""
    mos_min: tuple[float | None, ...]
    """The worst reading of the bin."""
    loss: tuple[float | None, ...]
    """Percent of the packets of all streams; 100 in an outage."""


class Spell(Struct, kw_only=True, frozen=True):
    """Something that lasted: ``muted``, ``camera_off``, ``screenshare``, ``hidden``,
    ``reconnecting``, ``offline``. ``end`` None: up to where the peer left, or is now."""

    kind: str
    start: str
    end: str | None


class Mark(Struct, kw_only=True, frozen=True):
    """Something that happened at one moment: kind ``device``, ``network`` or ``error``."""

    kind: str
    at: str
    name: str
    """The event's, as the peer report spells it."""
    text: str


class PeerTimeline(Struct, kw_only=True, frozen=True):
    """One connection of a person. ``spans``: from each join to its leave; None is still there."""

    peer_id: str
    user_id: str
    custom_participant_id: str
    display_name: str
    preset_name: str
    browser: str | None
    os: str | None
    country: str | None
    network: str | None
    """Type of the local candidate's network (``wifi``, ``cellular`` …), where the browser says."""
    path: str | None
    """Type and protocol of the selected local candidate: ``host udp``, ``relay tcp`` …"""
    spans: tuple[tuple[str, str | None], ...]
    first_bin: int
    received: Lane
    sent: Lane
    rtt_ms: tuple[int | None, ...]
    spells: tuple[Spell, ...]
    marks: tuple[Mark, ...]
    marks_cut: int
    """Marks past the limit that are not listed here; the peer report has them."""
    findings: tuple[Finding, ...]
    received_mos: float | None
    """Mean over the readings of all received streams; None: none was scored."""
    sent_mos: float | None


class Series(Struct, kw_only=True, frozen=True):
    """One received stream, reading by reading: columns of equal length."""

    peer_id: str
    """Who received it."""
    display_name: str
    consumer_id: str
    producer_id: str | None
    source: str
    """``audio_consumer``, ``video_consumer``, ``screenshare_audio_consumer`` …"""
    at_ms: tuple[int, ...]
    """Ends of the readings, ms since the answer's ``start``."""
    mos: tuple[float | None, ...]
    loss: tuple[float | None, ...]
    """Percent."""
    jitter_ms: tuple[float | None, ...]
    jitter_buffer_ms: tuple[float | None, ...]
    rtt_ms: tuple[int | None, ...]
    bitrate_kbps: tuple[float | None, ...]
    frames_per_second: tuple[float | None, ...]
    """None throughout for audio; so is the height."""
    frame_height: tuple[int | None, ...]
