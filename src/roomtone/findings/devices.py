"""Devices: cameras, microphones and permissions (quality.md 5, 32 to 34)."""

from collections.abc import Callable, Mapping
from typing import Any

from roomtone.findings.detector import Detector
from roomtone.findings.noticed import Raised
from roomtone.model.facts import Happened
from roomtone.model.findings import Evidence, Severity
from roomtone.model.times import iso
from roomtone.report.observed import Observed

DEVICE_CHANGED = Detector(
    id="device_changed",
    title="Another device",
    severity="info",
    raises="another microphone, camera or speaker is selected during the call",
    clears="at once",
    says="{who} changed to another {medium}.",
    advice="Nothing to do, unless the sound or the picture got worse with it.",
    source="Azure user-facing diagnostics",
)
DEVICE_LOST = Detector(
    id="device_lost",
    title="A device was lost",
    severity="warning",
    raises="a local track ends although nobody stopped it",
    clears="at once",
    says="{who}'s {medium} stopped by itself.",
    advice="Reconnect the headset or the camera, or choose another.",
    source="rtcstats <kind>Ended",
)
PERMISSION_DENIED = Detector(
    id="permission_denied",
    title="Camera or microphone not allowed",
    severity="warning",
    second_severity="error",
    raises="getUserMedia() fails with NotAllowedError or SecurityError; an error if every attempt "
    "of this person failed",
    clears="at once",
    says="{who} could not use the {medium}: the browser was not allowed to.",
    advice="Allow camera and microphone for this page in the browser, and for the browser in the "
    "system's privacy settings.",
    source="peermetrics no_media_access, Azure user-facing diagnostics",
)
DEVICE_IN_USE = Detector(
    id="device_in_use",
    title="Device in use",
    severity="warning",
    raises="getUserMedia() fails with NotReadableError",
    clears="at once",
    says="{who} could not use the {medium}: another program has it.",
    advice="Close the other program that uses it, then try again.",
    source="Azure user-facing diagnostics",
)
DEVICE_NOT_FOUND = Detector(
    id="device_not_found",
    title="No such device",
    severity="warning",
    raises="getUserMedia() fails with NotFoundError or OverconstrainedError",
    clears="at once",
    says="{who} had no {medium} that could be used.",
    advice="Connect one, and look whether the system shows it.",
    source="Azure user-facing diagnostics",
)
DETECTORS = (
    DEVICE_CHANGED,
    DEVICE_LOST,
    PERMISSION_DENIED,
    DEVICE_IN_USE,
    DEVICE_NOT_FOUND,
)

FAILURES: Mapping[str, Detector] = {
    # DOMException names of getUserMedia(), and RealtimeKit's words of media_permission
    "NotAllowedError": PERMISSION_DENIED,
    "PermissionDeniedError": PERMISSION_DENIED,
    "SecurityError": PERMISSION_DENIED,
    "DENIED": PERMISSION_DENIED,
    "SYSTEM_DENIED": PERMISSION_DENIED,
    "NotReadableError": DEVICE_IN_USE,
    "TrackStartError": DEVICE_IN_USE,
    "COULD_NOT_START": DEVICE_IN_USE,
    "NotFoundError": DEVICE_NOT_FOUND,
    "DevicesNotFoundError": DEVICE_NOT_FOUND,
    "OverconstrainedError": DEVICE_NOT_FOUND,
    "NO_DEVICES_AVAILABLE": DEVICE_NOT_FOUND,
}
MEDIA = {
    "audio": "microphone",
    "video": "camera",
    "speaker": "speaker",
    "AUDIO": "microphone",
    "VIDEO": "camera",
}
BOTH = "microphone and camera"
SELECTED = {
    "selected_microphone_update": "microphone",
    "selected_camera_update": "camera",
    "selected_speaker_update": "speaker",
}


def devices(seen: Observed) -> list[Raised]:
    """All that the client said of its devices."""
    attempts = [attempt for event in seen.events if (attempt := _attempt(event))]
    refused = bool(attempts) and all(error for _, error in attempts)
    chosen: dict[str, str] = {}
    found: list[Raised] = []
    for event in seen.events:
        told = event.metadata or {}
        attempt = _attempt(event)
        if attempt is not None and attempt[1] is not None:
            medium, detector = attempt[0], FAILURES.get(attempt[1])
            if detector is not None:
                worse = refused and detector is PERMISSION_DENIED
                severity: Severity = "error" if worse else detector.severity
                found.append(_raised(seen, detector, event, medium, severity, attempt[1]))
        elif event.name == "track_ended":
            medium = _track(told)
            if medium:
                lost = DEVICE_LOST
                found.append(_raised(seen, lost, event, medium, lost.severity, medium))
        elif event.name in SELECTED:
            medium, device = SELECTED[event.name], _device(told)
            before = chosen.get(medium)
            chosen[medium] = device
            if before and device and device != before:
                changed = DEVICE_CHANGED
                found.append(_raised(seen, changed, event, medium, changed.severity, None))
    return _once(found)


def _attempt(event: Happened) -> tuple[str, str | None] | None:
    """(medium, error) of an attempt to get a microphone or camera; None: not one."""
    told = event.metadata or {}
    if event.name == "user_media":
        if told.get("display"):
            return None
        wanted = [MEDIA[kind] for kind in ("audio", "video") if told.get(kind)]
        error = told.get("error")
        return " and ".join(wanted) or "camera or microphone", str(error) if error else None
    if event.name == "media_permission" and told.get("device_type") in MEDIA:
        said = str(told.get("permission"))
        return MEDIA[str(told["device_type"])], None if said == "ACCEPTED" else said
    return None


def _track(told: Mapping[str, Any]) -> str:
    """What an ended track was of; a shared screen that ends was stopped by a person."""
    if str(told.get("source", "")).startswith("screenshare"):
        return ""
    return MEDIA.get(str(told.get("kind")), "")


def _device(told: Mapping[str, Any]) -> str:
    device = told.get("device")
    said: Callable[[str], Any] = device.get if isinstance(device, dict) else told.get
    return str(said("device_id") or said("label") or "")


def _raised(
    seen: Observed,
    detector: Detector,
    event: Happened,
    medium: str,
    severity: Severity,
    value: str | None,
) -> Raised:
    told = Evidence(
        timestamp=iso(event.t), source="event", id=event.name, field="metadata", value=value
    )
    return Raised(
        id=detector.id,
        severity=severity,
        start=event.t,
        end=event.t,
        peer_id=seen.peer_id,
        stream=None,
        array=medium,
        evidence=(told,),
    )


def _once(found: list[Raised]) -> list[Raised]:
    """The same trouble with the same device is told once, from its first time to its last."""
    made: dict[tuple[str, str], Raised] = {}
    for one in found:
        key = (one.id, one.array)
        if one.id == DEVICE_CHANGED.id or key not in made:
            made[key if key not in made else (one.id, f"{one.array}{one.start}")] = one
        else:
            made[key].end = one.end
    both = {one.id for one in made.values() if one.array == BOTH}
    return [one for one in made.values() if one.array == BOTH or one.id not in both]
