"""Dumps of Jitsi Meet's rtcstats client, protocol 3.1: one ``[method, pc, value, ts]`` a line.

``getstats`` is a delta to the same connection's previous one (jitsi/rtcstats rtcstats.js,
``deltaCompression``): ``id`` and members that did not change are left out, a report that is absent
is gone, the newest timestamp stands once beside the reports, and those that had it say 0. A report
that says no timestamp kept its own.
"""

from typing import Any

import msgspec

from roomtone.model.errors import BadRequest
from roomtone.model.facts import AnyFact, Device, DeviceSelected, Happened
from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from roomtone.sources.faults import MALFORMED
from roomtone.sources.recorded import RecordedPeer, Sample, inflated

__all__ = ["decode_recording"]

_ANY_LINE = msgspec.json.Decoder(list[Any])
_LATEST_MS = 253_402_300_799_999
_DEVICES = {"audio": ("AUDIO", "audioinput"), "video": ("VIDEO", "videoinput")}
_REFUSALS = {
    "NotAllowedError": "DENIED",
    "PermissionDeniedError": "DENIED",
    "AbortError": "CANCELED",
    "NotFoundError": "NO_DEVICES_AVAILABLE",
    "DevicesNotFoundError": "NO_DEVICES_AVAILABLE",
}
"""DOMException names in the vendor's words (contract 5, media_permission)."""
_STATES = {
    "connected": "transport_connected",
    "disconnected": "reconnect_attempt",
}


class _Dump:
    """One file being read, line by line."""

    def __init__(self) -> None:
        self.label = ""
        self.user_agent: str | None = None
        self.samples: list[Sample] = []
        self.events: list[AnyFact] = []
        self.shared: set[str] = set()
        self._asked: tuple[str, ...] = ()
        self._previous: dict[str, dict[str, dict[str, Any]]] = {}

    def take(self, method: str, pc: str | None, value: Any, t: int) -> None:
        """One line. What is not understood is passed over: the client logs a great deal more."""
        if method == "getstats" and pc and isinstance(value, dict):
            whole = restored(self._previous.get(pc, {}), value)
            self._previous[pc] = whole
            report = [{**stat, "id": stat_id} for stat_id, stat in whole.items()]
            self.samples.append(Sample(t=t, pc=pc[:MAX_ID_CHARS], report=report))
        elif method == "connectionInfo" and isinstance(value, dict):
            self.user_agent = _text(value.get("userAgent")) or self.user_agent
        elif method == "identity" and isinstance(value, dict):
            name = value.get("displayName") or value.get("endpointId") or value.get("deviceId")
            self.label = _text(name) or self.label
        elif method == "onconnectionstatechange" and isinstance(value, str) and value in _STATES:
            self.events.append(Happened(t=t, name=_STATES[value], metadata={"transport": pc}))
        elif method.startswith("navigator.mediaDevices.get"):
            self._media(method.removeprefix("navigator.mediaDevices."), value, t)

    def _media(self, method: str, value: Any, t: int) -> None:
        if method == "getUserMedia" and isinstance(value, dict):
            self._asked = tuple(kind for kind in _DEVICES if value.get(kind))
        elif method == "getDisplayMedia":
            self._asked = ()
        elif method.endswith("MediaOnFailure"):
            permission = _REFUSALS.get(value if isinstance(value, str) else "", "COULD_NOT_START")
            shown = method.startswith("getDisplay")
            kinds = ["SCREENSHARE"] if shown else [_DEVICES[kind][0] for kind in self._asked]
            self.events += [_permission(t, kind, permission) for kind in kinds]
        elif method.endswith("MediaOnSuccess") and isinstance(value, dict):
            self._tracks(method, value.get("tracks"), t)

    def _tracks(self, method: str, tracks: Any, t: int) -> None:
        for track in tracks if isinstance(tracks, list) else ():
            if not isinstance(track, dict) or _text(track.get("kind")) not in _DEVICES:
                continue
            if method.startswith("getDisplay"):
                self.shared.add((_text(track.get("id")) or "").strip("{}"))
                self.events.append(_permission(t, "SCREENSHARE", "ACCEPTED"))
                continue
            kind = track["kind"]
            said, device_kind = _DEVICES[kind]
            device = Device(device_id="", kind=device_kind, label=_text(track.get("label")) or "")
            self.events.append(_permission(t, said, "ACCEPTED"))
            self.events.append(DeviceSelected(t=t, kind=kind, device=device))


def decode_recording(data: bytes) -> list[RecordedPeer]:
    """The one peer of a dump, plain or gzip; none if it holds no getStats(). Raises Refused."""
    dump = _Dump()
    for number, line in enumerate(inflated(data).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = _ANY_LINE.decode(line)
        except MALFORMED as error:
            raise BadRequest(f"Line {number} is not a line of a Jitsi dump: {error}.") from None
        if len(row) < 4 or not isinstance(row[0], str) or not isinstance(row[1], str | None):
            raise BadRequest(f"Line {number} is not [method, connection, value, time].")
        t = row[3]
        if isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t <= _LATEST_MS:
            raise BadRequest(f"Line {number} has no time in epoch milliseconds.")
        dump.take(row[0], row[1], row[2], int(t))
    if not dump.samples:
        return []
    return [
        RecordedPeer(
            label=dump.label or "jitsi",
            remote_labels={},
            user_agent=dump.user_agent,
            samples=sorted(dump.samples, key=lambda sample: sample.t),
            events=tuple(dump.events),
            shared_tracks=frozenset(dump.shared),
        )
    ]


def restored(
    previous: dict[str, dict[str, Any]], delta: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """The whole report, by id, from the previous whole one and a delta; neither is changed."""
    newest = delta.get("timestamp")
    whole: dict[str, dict[str, Any]] = {}
    for stat_id, changes in delta.items():
        if not isinstance(changes, dict):
            continue
        stat = {**previous.get(stat_id, {}), **changes}
        if stat.get("timestamp") == 0:
            stat["timestamp"] = newest
        whole[stat_id] = stat
    return whole


def _permission(t: int, device_type: str, permission: str) -> Happened:
    metadata = {"device_type": device_type, "permission": permission}
    return Happened(t=t, name="media_permission", metadata=metadata)


def _text(value: Any) -> str | None:
    return value[:MAX_NAME_CHARS] if isinstance(value, str) and value else None
