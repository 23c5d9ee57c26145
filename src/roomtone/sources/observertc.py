"""ObserveRTC's ClientSample, schema 3, as JSON → the facts of one client.

A sample holds each connection's getStats() result, sorted into lists whose members have the W3C's
names and no ``type``, and what happened since the sample before. Payloads are JSON in a string
before schema 3.5 and objects since; ``scoreReasons`` is text before 3.4 and a list, or an object,
since. All of these are read. Candidates do not say which side they are of: the pairs do.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.errors import BadRequest, Fault, Invalid, TooLarge
from roomtone.model.facts import AnyFact, Happened, Joined, Left, Snapshot, Track
from roomtone.model.limits import (
    MAX_ENTRIES,
    MAX_FUTURE_MS,
    MAX_ID_CHARS,
    MAX_NAME_CHARS,
    MAX_PAST_MS,
    MAX_STATS_PER_REPORT,
    MAX_TRANSPORTS_PER_PEER,
)
from roomtone.model.stats import InboundRtp, MediaSource, OutboundRtp
from roomtone.sources.faults import MALFORMED
from roomtone.sources.ids import uuid_or_none
from roomtone.sources.metadata import snake
from roomtone.sources.recorded import snapshot_of
from roomtone.sources.rtcstats.deltas import understood
from roomtone.sources.rtcstats.happenings import Happenings
from roomtone.sources.rtcstats.rows import LATEST_MS, Row

VIA = "observertc"
STALE_MS = 60_000
"""A sample made at the very end repeats the last report, which is told at its own time."""
MAX_EVENTS = 5_000
"""In one sample."""
MAX_SHARED = 1_000

_LISTS = {
    "codecs": "codec",
    "inboundRtps": "inbound-rtp",
    "remoteInboundRtps": "remote-inbound-rtp",
    "outboundRtps": "outbound-rtp",
    "mediaSources": "media-source",
    "iceTransports": "transport",
    "iceCandidatePairs": "candidate-pair",
}
_STATES = {
    "PEER_CONNECTION_STATE_CHANGED": ("onconnectionstatechange", "connectionState"),
    "ICE_CONNECTION_STATE_CHANGED": ("oniceconnectionstatechange", "iceConnectionState"),
    "ICE_GATHERING_STATE_CHANGED": ("onicegatheringstatechange", "iceGatheringState"),
    "SIGNALING_STATE_CHANGE": ("onsignalingstatechange", "signalingState"),
    "SIGNALING_STATE_CHANGED": ("onsignalingstatechange", "signalingState"),
}
_PLAIN = {
    "PEER_CONNECTION_OPENED": "create",
    "PEER_CONNECTION_CLOSED": "close",
    "ICE_CANDIDATE": "onicecandidate",
    "ICE_CANDIDATE_ERROR": "onicecandidateerror",
}
_TRACKS = {
    "MEDIA_TRACK_REMOVED": "track_ended",
    "MEDIA_TRACK_MUTED": "track_muted",
    "MEDIA_TRACK_UNMUTED": "track_unmuted",
}
_PASSED_OVER = frozenset({"MEDIA_TRACK_ADDED", "NEGOTIATION_NEEDED"})
_SHARED = frozenset({"screen", "screenshare", "screen_share", "display", "desktop"})
_OLD = frozenset({"inboundAudioTracks", "outboundAudioTracks", "pcTransports", "sampleSeq"})
"""Members of schema 2 that schema 3 does not have."""


class Who(Struct, frozen=True):
    """Whose sample it is, as the application named them."""

    room: str
    person: str
    peer: str
    display_name: str = ""


def read_samples(body: bytes) -> list[dict[str, Any]]:
    """One sample, a list of them, ``{"samples": […]}`` or ``{"sample": {…}}``. Raises Refused."""
    try:
        said = msgspec.json.decode(body)
    except MALFORMED as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    if isinstance(said, dict):
        said = said.get("samples", said.get("sample", said))
    samples = said if isinstance(said, list) else [said]
    if len(samples) > MAX_ENTRIES:
        raise TooLarge(f"{len(samples)} samples at once; at most {MAX_ENTRIES} are taken.")
    if not samples:
        raise Invalid("There is no sample in the body.", (Fault("", "empty"),))
    for number, sample in enumerate(samples):
        where = f"samples[{number}]"
        if not isinstance(sample, dict):
            raise Invalid("This is no ClientSample.", (Fault(where, "not an object"),))
        if not _OLD.isdisjoint(sample):
            why = "of schema 2: send samples of @observertc/client-monitor-js 3.0 or newer"
            raise Invalid("This ClientSample is too old.", (Fault(where, why),))
    return samples


def whose(sample: dict[str, Any], room: str = "", peer: str = "") -> Who:
    """Whose it is. ``room``, ``peer``: where the sample itself does not say. Raises Invalid."""
    attachments = _object(sample.get("attachments"))
    call = _first(attachments.get("roomId"), sample.get("roomId"), sample.get("callId"), room)
    client = _first(sample.get("clientId"), peer)
    if not client or not call:
        missing = "clientId" if not client else "callId"
        why = "missing: new ClientMonitor({clientId, callId}) sets it"
        raise Invalid("It cannot be told whose sample this is.", (Fault(missing, why),))
    return Who(
        room=call,
        person=_first(attachments.get("userId"), sample.get("userId"), client),
        # An application may give a person the same client id in every call.
        peer=client if uuid_or_none(client) else f"{call[:200]} {client[:300]}",
        display_name=_first(
            attachments.get("displayName"), attachments.get("userName"), attachments.get("name")
        ),
    )


class Client:
    """One client's samples, in any order. What it remembers only spares repetition."""

    def __init__(self, *, mask: bool) -> None:
        self._happenings = Happenings(mask=mask)
        self._mask = mask
        self._shared: set[str] = set()
        self._score: tuple[float, str] | None = None
        self.last_t: int | None = None
        self.left = False

    def take(self, sample: dict[str, Any], now: int | None) -> tuple[AnyFact, ...]:
        """The facts of a sample. ``now``: epoch ms, for refusing absurd times. Raises Refused."""
        t = _time(sample.get("timestamp"), None)
        if t is None:
            raise Invalid("This is no ClientSample.", (Fault("timestamp", "missing: epoch ms"),))
        if now is not None and not now - MAX_PAST_MS <= t <= now + MAX_FUTURE_MS:
            why = "more than a week ago, or a day ahead of this server's clock"
            raise Invalid("The sample was not taken.", (Fault("timestamp", why),))
        facts: list[AnyFact] = []
        for event in _listed(sample, "clientEvents", MAX_EVENTS):
            facts += self._event(event, t)
        facts += self._devices(_listed(sample, "clientMetaItems", MAX_EVENTS), t)
        for issue in _listed(sample, "clientIssues", MAX_EVENTS):
            facts += self._issue(issue, t)
        for extension in _listed(sample, "extensionStats", MAX_EVENTS):
            facts += self._noted(extension, t)
        facts += self._scored(sample, t)
        for connection in _listed(sample, "peerConnections", MAX_TRANSPORTS_PER_PEER):
            facts += self._snapshot(connection, t)
        last = max((fact.t for fact in facts), default=t)
        self.last_t = last if self.last_t is None else max(self.last_t, last)
        self.left = any(isinstance(fact, Left) for fact in facts)
        return tuple(facts)

    # --- what happened --------------------------------------------------------------------------

    def _event(self, event: dict[str, Any], sampled: int) -> list[AnyFact]:
        kind = _text(event.get("type"))
        t = _time(event.get("timestamp"), sampled) or sampled
        payload = _payload(event)
        pc = _text(payload.get("peerConnectionId"))[:MAX_ID_CHARS] or None
        if kind == "CLIENT_JOINED":
            return [Joined(t=t, via=VIA)]
        if kind == "CLIENT_LEFT":
            return [Left(t=t, reason="disconnect")]
        if kind in _STATES:
            method, member = _STATES[kind]
            return self._happenings.of(Row(method, pc, payload.get(member), t))
        if kind in _PLAIN:
            return self._happenings.of(Row(_PLAIN[kind], pc, payload, t))
        self._learn(payload)
        if kind in _TRACKS:
            return self._track(_TRACKS[kind], payload, t)
        if not kind or kind in _PASSED_OVER:
            return []
        return self._happenings.of(Row(f":{kind.lower()}", pc, payload or None, t))

    def _learn(self, payload: dict[str, Any]) -> None:
        """Whether a track is of a shared screen: only when it was added is that said."""
        track_id = _text(payload.get("trackId"))
        settings = _object(payload.get("settings"))
        if track_id and settings.get("displaySurface") and len(self._shared) < MAX_SHARED:
            self._shared.add(track_id[:MAX_ID_CHARS])

    def _track(self, name: str, payload: dict[str, Any], t: int) -> list[AnyFact]:
        """Of local tracks only, known by a producer without a consumer: a received one is silent
        whenever its sender is."""
        if not payload.get("producerId") or payload.get("consumerId"):
            return []
        kind, track_id = _text(payload.get("kind")), _text(payload.get("trackId"))
        source = {"audio": "microphone", "video": "camera"}.get(kind, "")
        told = {
            "kind": kind[:MAX_ID_CHARS],
            "source": source,
            "label": _text(payload.get("label"))[:MAX_NAME_CHARS],
            "track_identifier": track_id[:MAX_ID_CHARS],
        }
        return [Happened(t=t, name=name, metadata=told)]

    def _devices(self, items: Iterable[dict[str, Any]], sampled: int) -> list[AnyFact]:
        found: list[dict[str, Any]] = []
        at = sampled
        for item in items:
            if item.get("type") == "MEDIA_DEVICE":
                found.append(_payload(item))
                at = _time(item.get("timestamp"), sampled) or sampled
        if not found:
            return []
        row = Row("navigator.mediaDevices.enumerateDevices", None, found, at)
        return self._happenings.of(row)

    def _issue(self, issue: dict[str, Any], sampled: int) -> list[AnyFact]:
        kind = _text(issue.get("type"))
        t = _time(issue.get("timestamp"), sampled) or sampled
        payload = _payload(issue)
        if kind == "USER_MEDIA_ERROR":
            said = payload.get("error")
            return self._happenings.of(Row("getUserMediaOnFailure", None, said, t))
        told = {"type": kind[:MAX_ID_CHARS], **payload}
        if issue.get("key") is not None:
            told["key"] = issue["key"]
        return self._happenings.of(Row(":client_issue", None, told, t)) if kind else []

    def _noted(self, extension: dict[str, Any], t: int) -> list[AnyFact]:
        name = snake(_text(extension.get("type")))
        payload = _payload(extension)
        return self._happenings.of(Row(f":{name}", None, payload or None, t)) if name else []

    def _scored(self, sample: dict[str, Any], t: int) -> list[AnyFact]:
        """The client's own score, when it changes: theirs is from 0 to 5."""
        score = sample.get("score")
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 5:
            return []
        reasons = _reasons(sample.get("scoreReasons"))
        said = (round(float(score), 1), reasons)
        if said == self._score:
            return []
        self._score = said
        told: dict[str, Any] = {"score": said[0]}
        if reasons:
            told["reasons"] = reasons
        return [Happened(t=t, name="client_score", metadata=told)]

    # --- what was measured ----------------------------------------------------------------------

    def _snapshot(self, connection: dict[str, Any], sampled: int) -> list[AnyFact]:
        pc = _text(connection.get("peerConnectionId"))[:MAX_ID_CHARS]
        report = _report(connection, sampled)
        if not pc or not report:
            return []
        about = _attachments(connection)
        newest = max(int(stat["timestamp"]) for stat in report)
        t = newest if sampled - STALE_MS <= newest <= sampled + STALE_MS else sampled
        shared = self._shared | {track_id for track_id, told in about.items() if _is_shared(told)}
        stats, _ = understood(report)
        snapshot = snapshot_of(t, pc, stats, mask=self._mask, shared=shared, sender=_sender(about))
        return [_labelled(snapshot, about)]


def _report(connection: dict[str, Any], sampled: int) -> list[dict[str, Any]]:
    """The lists of a connection as one report of W3C stats objects."""
    report = [
        {**stat, "type": kind}
        for member, kind in _LISTS.items()
        for stat in _listed(connection, member, MAX_STATS_PER_REPORT)
    ]
    remote = {stat.get("remoteCandidateId") for stat in report if stat["type"] == "candidate-pair"}
    for stat in _listed(connection, "iceCandidates", MAX_STATS_PER_REPORT):
        kind = "remote-candidate" if stat.get("id") in remote else "local-candidate"
        report.append({**stat, "type": kind})
    if len(report) > MAX_STATS_PER_REPORT:
        raise TooLarge(f"More than {MAX_STATS_PER_REPORT} stats objects in one report.")
    for stat in report:
        stat.pop("attachments", None)
        at = stat.get("timestamp")
        is_time = not isinstance(at, bool) and isinstance(at, int | float) and 0 <= at <= LATEST_MS
        stat["timestamp"] = at if is_time else sampled
    return report


def _attachments(connection: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the application hung on each track, by track id."""
    return {
        _text(track.get("id")).strip("{}"): _object(track.get("attachments"))
        for member in ("inboundTracks", "outboundTracks")
        for track in _listed(connection, member, MAX_STATS_PER_REPORT)
    }


def _is_shared(told: dict[str, Any]) -> bool:
    said = (told.get(name) for name in ("source", "mediaSource", "type", "share"))
    return any(isinstance(word, str) and word.lower() in _SHARED for word in said)


def _sender(about: dict[str, dict[str, Any]]) -> Callable[[str | None], str]:
    def sender(track_id: str | None) -> str:
        told = about.get(track_id or "", {})
        said = _first(told.get("peerId"), told.get("clientId"))
        return uuid_or_none(said) or ""

    return sender


def _labelled(snapshot: Snapshot, about: dict[str, dict[str, Any]]) -> Snapshot:
    """The producer's and the consumer's ids, which mediasoup's monitors hang on tracks."""
    sources = {s.id: s.track_identifier for s in snapshot.stats if isinstance(s, MediaSource)}
    ids: dict[str, str | None] = {}
    for stat in snapshot.stats:
        if isinstance(stat, InboundRtp):
            ids[f"ssrc:{stat.ssrc}"] = stat.track_identifier
        elif isinstance(stat, OutboundRtp):
            ids[f"ssrc:{stat.ssrc}"] = sources.get(stat.media_source_id or "")
    return replace(
        snapshot,
        tracks=tuple(
            _named(track, about.get(ids.get(track.match) or "")) for track in snapshot.tracks
        ),
    )


def _named(track: Track, told: dict[str, Any] | None) -> Track:
    if not told:
        return track
    return replace(
        track,
        producer_id=_text(told.get("producerId"))[:MAX_ID_CHARS],
        consumer_id=_text(told.get("consumerId"))[:MAX_ID_CHARS],
    )


def _listed(holder: dict[str, Any], member: str, most: int) -> list[dict[str, Any]]:
    found = holder.get(member)
    if not isinstance(found, list):
        return []
    if len(found) > most:
        raise TooLarge(f"More than {most} {member} in one sample.")
    return [item for item in found if isinstance(item, dict)]


def _payload(item: dict[str, Any]) -> dict[str, Any]:
    """An object, or the JSON of one."""
    said = item.get("payload")
    if isinstance(said, str):
        try:
            said = msgspec.json.decode(said)
        except MALFORMED:
            return {"value": said[:MAX_NAME_CHARS]}
    if isinstance(said, dict):
        return said
    return {} if said is None else {"value": said}


def _reasons(said: Any) -> str:
    """Why a score is what it is, in words: text, a list, or an object of weights by reason."""
    if isinstance(said, str):
        text = said
        try:
            said = msgspec.json.decode(text)
        except MALFORMED:
            return text[:MAX_NAME_CHARS]
    if isinstance(said, dict):
        said = list(said)
    words = said if isinstance(said, list) else [said]
    return ", ".join(word for word in words if isinstance(word, str) and word)[:MAX_NAME_CHARS]


def _time(said: Any, otherwise: int | None) -> int | None:
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said <= LATEST_MS:
        return otherwise
    return int(said)


def _object(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def _text(said: Any) -> str:
    return said if isinstance(said, str) else ""


def _first(*said: Any) -> str:
    return next((text[:MAX_NAME_CHARS] for text in said if isinstance(text, str) and text), "")
