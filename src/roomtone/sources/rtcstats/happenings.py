"""Calls and events of the WebRTC API as rtcstats logs them → facts, with docs/collector.md's names.

SDP is passed over: it holds credentials, fingerprints and addresses, and what matters of it is how
long a negotiation took and whether it failed.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from roomtone.model.errors import Invalid
from roomtone.model.facts import (
    AnyFact,
    Described,
    Device,
    DeviceSelected,
    DevicesListed,
    Happened,
)
from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from roomtone.sources.metadata import metadata_of, snake
from roomtone.sources.rtcstats.rows import Row

MAX_PENDING = 1_000
"""Calls that wait for their outcome; a page has a handful at a time."""
MAX_TRACKS = 10_000
"""Local tracks remembered; a page that made more forgets the first."""
MAX_NOTED = 500
"""Events of an application's own, or unknown to us, that are kept of one page."""
MAX_DEVICES = 100

_STATES = {
    "onconnectionstatechange": "connection_state",
    "oniceconnectionstatechange": "ice_connection_state",
    "onicegatheringstatechange": "ice_gathering_state",
    "onsignalingstatechange": "signaling_state",
}
_STEPS = {
    "createOffer": "create_offer",
    "createAnswer": "create_answer",
    "setLocalDescription": "set_local",
    "setRemoteDescription": "set_remote",
}
_DEVICES = {"audio": ("AUDIO", "audioinput"), "video": ("VIDEO", "videoinput")}
_LISTS = {"audioinput": "audio", "videoinput": "video", "audiooutput": "speaker"}
_REFUSALS = {
    "NotAllowedError": "DENIED",
    "PermissionDeniedError": "DENIED",
    "AbortError": "CANCELED",
    "NotFoundError": "NO_DEVICES_AVAILABLE",
    "DevicesNotFoundError": "NO_DEVICES_AVAILABLE",
}
"""DOMException names in the vendor's words (contract 5, media_permission)."""
_TRACK_EVENTS = {
    "MediaStreamTrack.onended": "track_ended",
    "MediaStreamTrack.onmute": "track_muted",
    "MediaStreamTrack.onunmute": "track_unmuted",
}
_MEDIA = ("getUserMedia", "getDisplayMedia")
_PASSED_OVER = frozenset(
    (
        *("addTrack", "addTrackOnSuccess", "addTransceiver", "addTransceiverOnSuccess"),
        *("removeTrack", "createDataChannel", "addStream", "removeStream", "onaddstream"),
        *("onremovestream", "ontrack", "onnegotiationneeded", "ondatachannel", "restartIce"),
        *("setConfiguration", "constraints", "setCodecPreferences", "setParameters"),
        *("setHeaderExtensionsToNegotiate", "replaceTrack", "addIceCandidateOnSuccess"),
        *("MediaStreamTrack.stop", "MediaStreamTrack.applyConstraints", "websocket", "identity"),
        *("HTMLMediaElement.resize", "transceiverAdded", "transceiverModified", "connectionInfo"),
        *("transceiverRemoved", "navigator.mediaDevices.ondevicechange", "logs", "facelandmarks"),
        *("faceLandmarks", "conferenceStartTimestamp", "MediaStreamTrackEnable", "e2eRtt"),
        *("ondtlsstatechange", "mediaEngineStats", "stop", "getStatsError"),
    )
)
"""Told by other means, too often, or of no use to anybody but the page's own developers."""


class Happenings:
    """What one page did, row by row."""

    def __init__(self, *, mask: bool) -> None:
        self._mask = mask
        self._begun: dict[tuple[str, str, str], tuple[int, Any]] = {}
        self._tracks: dict[str, tuple[str, str]] = {}
        self._candidates: set[tuple[str, ...]] = set()
        self._noted = 0
        self.shared: set[str] = set()
        """Ids of the tracks that came of getDisplayMedia()."""

    def of(self, row: Row) -> list[AnyFact]:
        """The facts of a row that is no getStats() result. Takes any value."""
        method = row.method
        if method in _STATES:
            return self._state(row)
        if method in ("onicecandidate", "addIceCandidate"):
            return self._candidate(row)
        if method in _TRACK_EVENTS:
            return self._track_event(row)
        if method in ("create", "close"):
            return _connection(row)
        if method == "onicecandidateerror":
            return [_told(row, "ice_candidate_error", **_ice_error(row.value))]
        if method == "navigator.mediaDevices.enumerateDevices":
            return _devices(row)
        bare, outcome = _outcome(method.removeprefix("navigator.mediaDevices."))
        if bare in _MEDIA:
            return self._media(row, bare, outcome)
        if bare in _STEPS:
            return self._negotiated(row, _STEPS[bare], outcome)
        if method == "addIceCandidateOnFailure":
            return [_told(row, "negotiation", step="add_candidate", error=_error(row.value))]
        return [] if method in _PASSED_OVER else self._noted_down(row)

    def _state(self, row: Row) -> list[AnyFact]:
        state = unquoted(row.value)
        if not isinstance(state, str) or not state:
            return []
        return [_told(row, _STATES[row.method], state=state[:MAX_ID_CHARS])]

    def _candidate(self, row: Row) -> list[AnyFact]:
        """Each kind of candidate once: what a network lets through, without a single address."""
        text = row.value.get("candidate") if isinstance(row.value, dict) else None
        words = text.split(" ", 12) if isinstance(text, str) else []
        if "typ" not in words[:-1] or len(words) < 3:
            return []
        side = "local" if row.method == "onicecandidate" else "remote"
        kind = words[words.index("typ") + 1][:16]
        found = (row.pc or "", side, kind, words[2].lower()[:8])
        if found in self._candidates or len(self._candidates) >= MAX_NOTED:
            return []
        self._candidates.add(found)
        return [_told(row, "ice_candidate", side=side, type=kind, protocol=found[3])]

    def _negotiated(self, row: Row, step: str, outcome: str) -> list[AnyFact]:
        key = (step, row.pc or "", _correlation(row))
        if not outcome:
            self._begin(key, row.t, None)
            return []
        begun = self._begun.pop(key, None)
        told: dict[str, Any] = {"step": step}
        if begun is not None:
            told["duration_ms"] = max(0, row.t - begun[0])
        if outcome == "OnFailure":
            told["error"] = _error(row.value)
        return [_told(row, "negotiation", **told)]

    def _begin(self, key: tuple[str, str, str], t: int, what: Any) -> None:
        if len(self._begun) >= MAX_PENDING:
            del self._begun[next(iter(self._begun))]
        self._begun[key] = (t, what)

    def _media(self, row: Row, method: str, outcome: str) -> list[AnyFact]:
        display = method == "getDisplayMedia"
        key = (method, "", _correlation(row))
        if not outcome:
            wanted = row.value if isinstance(row.value, dict) else {}
            # webrtc-internals writes "" for true, and leaves out what was not wanted.
            asked = [k for k in _DEVICES if wanted.get(k) not in (None, False)]
            self._begin(key, row.t, asked)
            return []
        begun = self._begun.pop(key, None)
        asked = begun[1] if begun is not None else []
        told: dict[str, Any] = {
            "audio": "audio" in asked,
            "video": display or "video" in asked,
            "display": display,
        }
        if begun is not None:
            told["duration_ms"] = max(0, row.t - begun[0])
        if outcome == "OnFailure":
            told["error"] = error = _error(row.value)
            permission = _REFUSALS.get(error, "COULD_NOT_START")
            kinds = ["SCREENSHARE"] if display else [_DEVICES[kind][0] for kind in asked]
            refused: list[AnyFact] = [_permission(row.t, kind, permission) for kind in kinds]
            return [_told(row, "user_media", **told), *refused]
        tracks = _tracks(row.value)
        if begun is None:
            told["audio"] = any(kind == "audio" for kind, _, _ in tracks)
            told["video"] = any(kind == "video" for kind, _, _ in tracks)
        return [_told(row, "user_media", **told), *self._given(row.t, tracks, display)]

    def _given(self, t: int, tracks: list[tuple[str, str, str]], display: bool) -> list[AnyFact]:
        facts: list[AnyFact] = []
        for kind, track_id, label in tracks:
            if len(self._tracks) >= MAX_TRACKS:
                del self._tracks[next(iter(self._tracks))]
            self._tracks[track_id] = (kind, label)
            said, device_kind = _DEVICES[kind]
            if display:
                if len(self.shared) < MAX_TRACKS:
                    self.shared.add(track_id)
                facts.append(_permission(t, "SCREENSHARE", "ACCEPTED"))
                continue
            facts.append(_permission(t, said, "ACCEPTED"))
            device = Device(device_id="", kind=device_kind, label=label)
            facts.append(DeviceSelected(t=t, kind=kind, device=device))
        return facts

    def _track_event(self, row: Row) -> list[AnyFact]:
        """Of local tracks only: a remote one is silent whenever its sender is."""
        said = row.value if isinstance(row.value, str) else next(iter(_strings(row.value)), "")
        track_id = said.strip("{}")
        known = self._tracks.get(track_id)
        if known is None:
            return []
        kind, label = known
        source = {"audio": "microphone", "video": "camera"}[kind]
        if track_id in self.shared:
            source = "screenshare" if kind == "video" else "screenshare_audio"
        told = {"kind": kind, "source": source, "label": label, "track_identifier": track_id}
        return [Happened(t=row.t, name=_TRACK_EVENTS[row.method], metadata=told)]

    def _noted_down(self, row: Row) -> list[AnyFact]:
        """An event of the application's (``:name``), or one that we never heard of."""
        name = snake(row.method.removeprefix(":"))
        if not name or self._noted >= MAX_NOTED:
            return []
        self._noted += 1
        value = row.value
        if value is None:
            return [Happened(t=row.t, name=name)]
        if not isinstance(value, dict):
            value = {"value": value}
        try:
            metadata = metadata_of(Raw(msgspec.json.encode(value)), mask=self._mask)
        except Invalid:
            metadata = None
        return [Happened(t=row.t, name=name, metadata=metadata)]


def unquoted(value: Any) -> Any:
    """Chrome writes a word as JSON within JSON: ``"\\"stable\\""``."""
    if isinstance(value, str) and len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def _told(row: Row, name: str, **said: Any) -> Happened:
    metadata = {"pc": row.pc, **said} if row.pc is not None else said
    return Happened(t=row.t, name=name, metadata=metadata)


def _outcome(method: str) -> tuple[str, str]:
    for ending in ("OnSuccess", "OnFailure"):
        if method.endswith(ending):
            return method.removesuffix(ending), ending
    return method, ""


def _correlation(row: Row) -> str:
    """What tells two calls apart that run at once; older writers say nothing."""
    for word in row.extra:
        if isinstance(word, str) and "://" not in word:
            return word[:MAX_ID_CHARS]
    return ""


def _connection(row: Row) -> list[AnyFact]:
    if row.pc is not None:
        state = "open" if row.method == "create" else "closed"
        return [_told(row, "peer_connection", state=state)]
    if row.method == "close" or not isinstance(row.value, dict):
        return []
    cpus, memory = row.value.get("hardwareConcurrency"), row.value.get("deviceMemory")
    described = Described(
        t=row.t,
        cpus=None if (count := _amount(cpus)) is None else int(count),
        memory=_amount(memory),
    )
    return [described] if described != Described(t=row.t) else []


def _amount(value: Any) -> float | None:
    """A believable number of processors or of GiB."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 65_536 else None


def _ice_error(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"text": value[:MAX_NAME_CHARS]} if isinstance(value, str) else {}
    code = value.get("errorCode", value.get("error_code"))
    text = value.get("errorText", value.get("error_text"))
    told: dict[str, Any] = {"code": code} if isinstance(code, int) and abs(code) < 2**31 else {}
    for name, said in (("text", text), ("url", value.get("url"))):
        if isinstance(said, str):
            told[name] = said[:MAX_NAME_CHARS]
    return told


def _error(value: Any) -> str:
    """The DOMException's name in whatever the writer made of it."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("error") or value.get("message")
    if isinstance(value, list):
        value = next(iter(_strings(value)), "")
    text = value if isinstance(value, str) else ""
    return (unquoted(text).partition(":")[0].strip() or "Error")[:MAX_ID_CHARS]


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _tracks(value: Any) -> list[tuple[str, str, str]]:
    """(kind, id, label) of each track of a stream, as any of the writers puts it."""
    rows = value.get("tracks") if isinstance(value, dict) else value
    found = []
    for track in rows if isinstance(rows, list) else ():
        if isinstance(track, dict):
            said = [track.get(name) for name in ("kind", "id", "label")]
        else:
            said = (list(track) if isinstance(track, list) else [])[:3]
        kind, track_id, label = [*said, None, None, None][:3]
        if kind in ("audio", "video") and isinstance(track_id, str):
            label = label if isinstance(label, str) else ""
            found.append((kind, track_id.strip("{}")[:MAX_ID_CHARS], label[:MAX_NAME_CHARS]))
    return found


def _devices(row: Row) -> list[AnyFact]:
    lists: dict[str, list[Device]] = {}
    for said in (row.value if isinstance(row.value, list) else [])[:MAX_DEVICES]:
        kind = said.get("kind") if isinstance(said, dict) else None
        if not isinstance(kind, str) or kind not in _LISTS:
            continue
        device_id, label = said.get("deviceId"), said.get("label")
        device = Device(
            device_id=device_id[:MAX_ID_CHARS] if isinstance(device_id, str) else "",
            kind=kind,
            label=label[:MAX_NAME_CHARS] if isinstance(label, str) else "",
        )
        lists.setdefault(_LISTS[kind], []).append(device)
    return [
        DevicesListed(t=row.t, kind=kind, devices=tuple(devices)) for kind, devices in lists.items()
    ]


def _permission(t: int, device_type: str, permission: str) -> Happened:
    metadata = {"device_type": device_type, "permission": permission}
    return Happened(t=t, name="media_permission", metadata=metadata)


Named = Callable[[str], str]
"""What a participant is called by others (an endpoint's id) → its peer id; "" if not known."""
