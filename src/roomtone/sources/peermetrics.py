"""Requests of the peermetrics SDK → the facts of one session of one participant.

Its bodies say no time but how late they are (``delta``, ms), so facts stand on the server's clock;
the times within a getStats() result are moved to it by the least difference that was seen. A
``/stats`` body holds the report taken apart: each stream carries its codec and its track, the
selected pair both its candidates. It is put together again from those.
"""

from typing import Any

import msgspec

from roomtone.model.errors import BadRequest, TooLarge
from roomtone.model.facts import AnyFact, Described, Happened, Joined, Left
from roomtone.model.limits import (
    MAX_ENTRIES,
    MAX_ID_CHARS,
    MAX_NAME_CHARS,
    MAX_PAST_MS,
    MAX_STATS_PER_REPORT,
    MAX_TRANSPORTS_PER_PEER,
)
from roomtone.sources.faults import MALFORMED
from roomtone.sources.recorded import snapshot_of
from roomtone.sources.rtcstats.deltas import understood
from roomtone.sources.rtcstats.happenings import Happenings
from roomtone.sources.rtcstats.rows import LATEST_MS, Row
from roomtone.sources.shifting import shifted

VIA = "peermetrics"
_STATES = {
    "onconnectionstatechange": "connectionState",
    "oniceconnectionstatechange": "iceConnectionState",
    "onicegatheringstatechange": "iceGatheringState",
    "onsignalingstatechange": "signalingState",
}
_PLAIN = frozenset({"onicecandidate", "onicecandidateerror"})
_TRACKS = {
    "mute": "MediaStreamTrack.onmute",
    "unmute": "MediaStreamTrack.onunmute",
    "ended": "MediaStreamTrack.onended",
}
_GONE = frozenset({"endCall", "unload", "beforeunload"})
_CUSTOM = {"mute": "audio_off", "unmute": "audio_on"}
"""Methods of the SDK of these names."""
_DERIVED = frozenset({"track", "bitrate", "packetRate", "packetLossRate", "payloadType"})
_OF_CODEC = ("mimeType", "clockRate")


def read_body(body: bytes) -> dict[str, Any]:
    """A request's JSON object. Raises BadRequest."""
    try:
        said = msgspec.json.decode(body)
    except MALFORMED as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    if not isinstance(said, dict):
        raise BadRequest("The body is not a JSON object.")
    return said


def text_of(body: dict[str, Any], member: str, most: int = MAX_NAME_CHARS) -> str:
    """A member that is text, or a number that is meant as such; "" for anything else."""
    said = body.get(member)
    if isinstance(said, int | float) and not isinstance(said, bool):
        said = f"{said}"
    return said[:most] if isinstance(said, str) else ""


class Talk:
    """One session: what it remembers tells how its requests hang together; bounded."""

    def __init__(self, *, mask: bool) -> None:
        self._mask = mask
        self._happenings = Happenings(mask=mask)
        self._others: dict[str, str] = {}
        self._ahead: int | None = None

    def connect(self, connection: str, other: str) -> None:
        """Remember which other peer (its Roomtone id, or "") a connection leads to."""
        if len(self._others) < MAX_TRANSPORTS_PER_PEER:
            self._others[connection] = other

    def receive(self, place: str, body: dict[str, Any], now: int) -> list[AnyFact]:
        """The facts of a request to ``place`` (``stats``, ``events/browser``, …). Takes any body.

        ``now``: the server's epoch ms. Raises TooLarge.
        """
        t = now - _late(body.get("delta"))
        if place == "sessions":
            return self._session(body, t)
        if place == "connection":
            return self._connection(body, t)
        if place == "connection/batch":
            return self._batch(body, t)
        if place == "stats":
            return self._stats(body, t)
        if place == "tracks":
            method = _TRACKS.get(text_of(body, "event"))
            value = text_of(body, "trackId", MAX_ID_CHARS)
            return self._happenings.of(Row(method, None, value, t)) if method else []
        if place == "events/get-user-media":
            return self._media(_object(body.get("data")), t)
        if place == "events/browser":
            return self._browser(body, t)
        return []

    # --- the session ----------------------------------------------------------------------------

    def begin(self, body: dict[str, Any], now: int) -> list[AnyFact]:
        """The facts of the request that begins a session: for this SDK, it is in the call then."""
        t = now - _late(body.get("delta"))
        return [Joined(t=t, via=VIA), *self._session(body, t)]

    def _session(self, body: dict[str, Any], t: int) -> list[AnyFact]:
        facts: list[AnyFact] = []
        sdk = text_of(body, "webrtcSdk")
        if sdk:
            facts.append(Described(t=t, sdk_name=sdk))
        told = {
            name: body[member]
            for name, member in (("app_version", "appVersion"), ("meta", "meta"))
            if body.get(member)
        }
        if told:
            facts += self._happenings.of(Row(":session_details", None, told, t))
        return facts + self._devices(body.get("devices"), t)

    def _devices(self, said: Any, t: int) -> list[AnyFact]:
        if not isinstance(said, list) or not said:
            return []
        return self._happenings.of(Row("navigator.mediaDevices.enumerateDevices", None, said, t))

    def _browser(self, body: dict[str, Any], t: int) -> list[AnyFact]:
        name = text_of(body, "eventName")
        if name in _GONE:
            facts: list[AnyFact] = [Left(t=t, reason="disconnect")]
            return facts if name == "endCall" else [Happened(t=t, name="page_unload"), *facts]
        if name == "tabFocus":
            # Theirs is called focus and holds document.hidden.
            hidden = body.get("focus") is True
            return [
                Happened(t=t, name="browser_backgrounded" if hidden else "browser_foregrounded")
            ]
        if name == "mediaDeviceChange":
            return self._devices(body.get("devices"), t)
        if name != "custom":
            return self._happenings.of(Row(f":{name}", None, None, t)) if name else []
        custom = dict(_object(body.get("data")))
        own = text_of(custom, "eventName")
        custom.pop("eventName", None)
        if own in _CUSTOM:
            return [Happened(t=t, name=_CUSTOM[own])]
        return self._happenings.of(Row(f":{own or 'custom'}", None, custom or None, t))

    # --- connections ----------------------------------------------------------------------------

    def _batch(self, body: dict[str, Any], t: int) -> list[AnyFact]:
        events = body.get("data")
        if not isinstance(events, list):
            return []
        if len(events) > MAX_ENTRIES:
            raise TooLarge(f"{len(events)} events at once; at most {MAX_ENTRIES} are taken.")
        return [
            fact
            for event in events
            if isinstance(event, dict)
            for fact in self._connection(event, t - _late(event.get("timeDelta")))
        ]

    def _connection(self, body: dict[str, Any], t: int) -> list[AnyFact]:
        name = text_of(body, "eventName")
        pc = text_of(body, "connectionId", MAX_ID_CHARS) or text_of(body, "peerId", MAX_ID_CHARS)
        data = body.get("data")
        if name == "addConnection":
            facts = self._happenings.of(Row("create", pc or None, {}, t))
            now = text_of(body, "connectionState", MAX_ID_CHARS)
            row = Row("onconnectionstatechange", pc or None, now, t)
            return facts + (self._happenings.of(row) if now else [])
        if name == "removeConnection":
            return self._happenings.of(Row("close", pc or None, {}, t))
        if name in _STATES:
            state = data.get(_STATES[name]) if isinstance(data, dict) else data
            return self._happenings.of(Row(name, pc or None, state, t))
        if name in _PLAIN:
            return self._happenings.of(Row(name, pc or None, data, t))
        return []

    def _media(self, data: dict[str, Any], t: int) -> list[AnyFact]:
        if "constraints" in data:
            return self._happenings.of(Row("getUserMedia", None, data["constraints"], t))
        if "error" in data:
            return self._happenings.of(Row("getUserMediaOnFailure", None, data["error"], t))
        tracks = [
            track
            for kind in ("audio", "video")
            if isinstance(data.get(kind), list)
            for track in data[kind]
        ]
        return self._happenings.of(Row("getUserMediaOnSuccess", None, tracks, t))

    # --- what was measured ----------------------------------------------------------------------

    def _stats(self, body: dict[str, Any], t: int) -> list[AnyFact]:
        pc = text_of(body, "connectionId", MAX_ID_CHARS) or "connection"
        report = _report(_object(body.get("data")))
        if not report:
            return []
        newest = max(int(stat["timestamp"]) for stat in report)
        # The least delay on the way is the nearest to what the two clocks differ by.
        ahead = newest - t
        if self._ahead is None or not t - MAX_PAST_MS <= newest - self._ahead:
            self._ahead = ahead
        self._ahead = max(self._ahead, ahead)
        other = self._others.get(pc, "")
        stats, _ = understood(report)
        snapshot = snapshot_of(
            newest, pc, stats, mask=self._mask, shared=(), sender=lambda _: other
        )
        return [*shifted([snapshot], -self._ahead)]


def _report(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a ``/stats`` body as one report of W3C stats objects. Raises TooLarge."""
    found: dict[str, dict[str, Any]] = {}
    remote = _object(data.get("remote"))
    for kind in ("audio", "video"):
        for holder, direction in (
            (_object(data.get(kind)), "inbound"),
            (_object(data.get(kind)), "outbound"),
            (_object(remote.get(kind)), "inbound"),
        ):
            streams = holder.get(direction)
            for stream in streams if isinstance(streams, list) else ():
                if isinstance(stream, dict):
                    _add_stream(stream, kind, found)
    pair = _object(data.get("connection"))
    ends = (_object(pair.get("local")), _object(pair.get("remote")))
    for stat in (pair, *ends):
        _add({name: said for name, said in stat.items() if not isinstance(said, dict)}, found)
    if isinstance(pair.get("transportId"), str):
        # It is there because the transport names it, whatever state it says it is in.
        chosen = {
            "type": "transport",
            "id": pair["transportId"],
            "timestamp": pair.get("timestamp"),
        }
        _add({**chosen, "selectedCandidatePairId": pair.get("id")}, found)
    if len(found) > MAX_STATS_PER_REPORT:
        raise TooLarge(f"More than {MAX_STATS_PER_REPORT} stats objects in one report.")
    return list(found.values())


def _add_stream(stream: dict[str, Any], kind: str, found: dict[str, dict[str, Any]]) -> None:
    bare = {name: said for name, said in stream.items() if name not in _DERIVED}
    codec = {name: bare.pop(name) for name in _OF_CODEC if name in bare}
    bare.setdefault("kind", kind)
    _add(bare, found)
    at = stream.get("timestamp")
    if codec and isinstance(stream.get("codecId"), str):
        _add({"id": stream["codecId"], "type": "codec", "timestamp": at, **codec}, found)
    track = _object(stream.get("track"))
    _add(track, found)


def _add(stat: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    """Keep a stats object that says what it is and when."""
    at, name = stat.get("timestamp"), stat.get("id")
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 < at <= LATEST_MS:
        return
    if isinstance(name, str) and isinstance(stat.get("type"), str) and name not in found:
        found[name] = stat


def _late(said: Any) -> int:
    """How late a request is; nothing that is no such number."""
    if isinstance(said, bool) or not isinstance(said, int | float):
        return 0
    return int(min(max(said, 0), MAX_PAST_MS))


def _object(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}
