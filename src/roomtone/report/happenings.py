"""Happenings: the events of a peer report → spells that lasted, and marks of single moments."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from roomtone.model.limits import MAX_TIMELINE_MARKS
from roomtone.model.peer_metadata import Scalar
from roomtone.model.timeline import Mark, Spell


class Noted(Struct):
    """An event as the report's ``metadata.events`` has it."""

    name: str
    timestamp: str
    metadata: dict[str, Scalar] = {}


class SeenDevice(Struct):
    """A device's kind and label."""

    kind: str
    label: str


class Chosen(Struct):
    """The device now in use."""

    device: SeenDevice
    timestamp: str


SWITCHES: dict[str, tuple[str, bool]] = {
    # event: (the spell, whether it begins it)
    "audio_off": ("muted", True),
    "audio_on": ("muted", False),
    "video_off": ("camera_off", True),
    "video_on": ("camera_off", False),
    "screenshare_started": ("screenshare", True),
    "screenshare_stopped": ("screenshare", False),
    "meeting_view_backgrounded": ("hidden", True),
    "meeting_view_foregrounded": ("hidden", False),
    "page_frozen": ("hidden", True),
    "page_resumed": ("hidden", False),
    "reconnect_attempt": ("reconnecting", True),
    "transport_connected": ("reconnecting", False),
}
STATES = {
    "disconnected": True,
    "failed": True,
    "connected": False,
    "completed": False,
    "closed": False,
}
"""RTCPeerConnectionState and RTCIceConnectionState: whether the peer is cut off in them."""
TRACKS = {"audio": "muted", "video": "camera_off"}

ERRORS = {
    "audio_play_failed": "Audio could not be played",
    "video_play_failed": "Video could not be played",
    "audio_track_muted": "The microphone gave no sound",
    "video_track_muted": "The camera gave no picture",
    "ivs_player_error": "The livestream player failed",
    "speaking_while_muted": "Spoke while muted",
}
KINDS = {"audioinput": "Microphone", "videoinput": "Camera", "audiooutput": "Speaker"}


def spells(events: Sequence[Noted]) -> tuple[Spell, ...]:
    """What lasted, by its start. A connection's states are followed one connection at a time."""
    begun: dict[tuple[str, str], str] = {}
    made: list[Spell] = []
    for event in events:
        switched = _switch(event)
        if switched is None:
            continue
        key, on = switched
        if on:
            begun.setdefault(key, event.timestamp)
        elif key in begun:
            made.append(Spell(kind=key[0], start=begun.pop(key), end=event.timestamp))
    made += [Spell(kind=kind, start=start, end=None) for (kind, _), start in begun.items()]
    return tuple(sorted(made, key=lambda spell: (spell.start, spell.kind)))


def _switch(event: Noted) -> tuple[tuple[str, str], bool] | None:
    """(the spell's kind and connection, whether it begins)."""
    plain = SWITCHES.get(event.name)
    told = event.metadata
    if plain is not None:
        return (plain[0], ""), plain[1]
    if event.name in ("connection_state", "ice_connection_state"):
        cut_off = STATES.get(str(told.get("state")))
        return None if cut_off is None else (("reconnecting", f"{told.get('pc')}"), cut_off)
    if event.name in ("track_disabled", "track_enabled"):
        kind = TRACKS.get(str(told.get("kind")))
        shared = str(told.get("source", "")).startswith("screenshare")
        if kind is None or shared:
            return None
        return (kind, "track"), event.name == "track_disabled"
    if event.name == "network_change" and isinstance(told.get("online"), bool):
        return ("offline", ""), not told["online"]
    return None


def marks(events: Sequence[Noted], chosen: Sequence[Chosen]) -> tuple[tuple[Mark, ...], int]:
    """(what happened at single moments, by time; how many were left out)."""
    made = [mark for event in events if (mark := _mark(event)) is not None]
    seen: set[str] = set()
    for change in chosen:
        device = change.device
        if device.kind in seen:  # the first one of a kind is no change
            text = f"{KINDS.get(device.kind, 'Device')} changed to {device.label or 'another'}"
            made.append(Mark(kind="device", at=change.timestamp, name="selected_device", text=text))
        seen.add(device.kind)
    made.sort(key=lambda mark: mark.at)
    return tuple(made[:MAX_TIMELINE_MARKS]), max(0, len(made) - MAX_TIMELINE_MARKS)


def _mark(event: Noted) -> Mark | None:
    text = ERRORS.get(event.name)
    kind = "error"
    if text is None:
        kind, text = _told(event.name, event.metadata)
    if not text:
        return None
    return Mark(kind=kind, at=event.timestamp, name=event.name, text=text)


def _told(name: str, told: Mapping[str, Scalar]) -> tuple[str, str]:
    """(kind, text) of an event that its metadata makes worth a mark; no text: it is not."""
    if name == "media_permission" and told.get("permission") not in (None, "ACCEPTED"):
        device = str(told.get("device_type") or "media").lower()
        return "error", f"Permission for {device}: {str(told['permission']).lower()}"
    if name == "user_media" and told.get("error"):
        return "error", f"Camera or microphone not given: {told['error']}"
    if name == "negotiation" and told.get("error"):
        return "error", f"Negotiation failed at {told.get('step')}: {told['error']}"
    if name == "track_ended":
        what = told.get("label") or told.get("source") or told.get("kind") or "A device"
        return "error", f"{what} stopped working"
    if name == "track_muted":
        what = told.get("source") or told.get("kind") or "device"
        return "error", f"The {what} gave nothing"
    if name == "compute_pressure" and told.get("cpu") == "critical":
        return "device", "The CPU was at its limit"
    if name == "network_change" and told.get("type"):
        speed = f", {told['effective_type']}" if told.get("effective_type") else ""
        return "network", f"Network changed to {told['type']}{speed}"
    return "", ""
