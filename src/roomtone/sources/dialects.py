"""Old dialects of getStats() → the W3C's words of today, object by object.

Browsers in use speak today's words and never come here; the reader in w3c.py sends a report here
when it meets an old one. What is known (quality.md 1.2, and the recordings of Jitsi calls):

* Firefox: ``discardedPackets`` for ``packetsDiscarded``; before 66 what the other end reports came
  as ``inbound-rtp`` with ``isRemote: true``; before 60 type names had no hyphens and candidates
  said ``ipAddress``, ``portNumber``, ``transport``.
* Chrome before 112, Safari before 17: concealment, frame sizes, levels and the track's own id stood
  on ``track`` objects, to which the stream points with ``trackId``.
  So did the size of what is sent, of all layers together: it is a stream's own where the track has
  one stream only.
* Chrome before 90 gave a level below zero until the first packet came.
* Safari leaves the ``kind`` of what the other end reports empty; the stream it is about has one.
* All of them at some time: ``mediaType`` for ``kind``, ``ip`` for ``address``.
"""

from typing import Any

Report = list[dict[str, Any] | None]

_TYPES = {
    "inboundrtp": "inbound-rtp",
    "outboundrtp": "outbound-rtp",
    "candidatepair": "candidate-pair",
    "localcandidate": "local-candidate",
    "remotecandidate": "remote-candidate",
}
_STREAM_WORDS = {"mediaType": "kind", "discardedPackets": "packetsDiscarded"}
_CANDIDATE_WORDS = {
    "ip": "address",
    "ipAddress": "address",
    "portNumber": "port",
    "transport": "protocol",
}
_WORDS = {
    "inbound-rtp": _STREAM_WORDS,
    "outbound-rtp": _STREAM_WORDS,
    "remote-inbound-rtp": _STREAM_WORDS,
    "media-source": {"mediaType": "kind"},
    "local-candidate": _CANDIDATE_WORDS,
    "remote-candidate": _CANDIDATE_WORDS,
}
_FROM_TRACK = (
    "trackIdentifier",
    "jitterBufferDelay",
    "jitterBufferEmittedCount",
    "totalSamplesReceived",
    "concealedSamples",
    "silentConcealedSamples",
    "concealmentEvents",
    "insertedSamplesForDeceleration",
    "removedSamplesForAcceleration",
    "audioLevel",
    "totalAudioEnergy",
    "totalSamplesDuration",
    "framesReceived",
    "framesDecoded",
    "framesDropped",
    "frameWidth",
    "frameHeight",
    "freezeCount",
    "totalFreezesDuration",
    "pauseCount",
)


_SENT_SIZES = ("frameWidth", "frameHeight")


def modernised(report: list[Any]) -> Report:
    """A report in today's words; the same length, with None for what holds nothing to keep.

    Takes anything; changes the dicts in place.
    """
    stats: Report = [stat if isinstance(stat, dict) else None for stat in report]
    for stat in stats:
        if stat is not None:
            _rename(stat)
    tracks = {
        stat["id"]: stat
        for stat in stats
        if stat is not None and stat.get("type") == "track" and isinstance(stat.get("id"), str)
    }
    by_id = {_key(stat.get("id")): stat for stat in stats if stat is not None}
    for stat in stats:
        if stat is not None and stat["type"] == "remote-inbound-rtp" and not stat.get("kind"):
            stat["kind"] = by_id.get(_key(stat.get("localId")), {}).get("kind")
        if stat is not None and stat["type"] == "inbound-rtp":
            track = tracks.get(_key(stat.get("trackId")))
            if track is not None:
                _complete(stat, track)
    if tracks:
        _size_sent(stats, tracks)
    return stats


def _size_sent(stats: Report, tracks: dict[str, dict[str, Any]]) -> None:
    """Zero, as a track says before its first frame, is no size."""
    sent: dict[str, list[dict[str, Any]]] = {}
    for stat in stats:
        if stat is not None and stat["type"] == "outbound-rtp":
            sent.setdefault(_key(stat.get("trackId")), []).append(stat)
    for track_id, streams in sent.items():
        track = tracks.get(track_id)
        if track is None or len(streams) > 1:
            continue
        for name in _SENT_SIZES:
            if streams[0].get(name) is None and track.get(name):
                streams[0][name] = track[name]


def _key(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_negative(value: Any) -> bool:
    return isinstance(value, int | float) and value < 0


def _rename(stat: dict[str, Any]) -> None:
    kind = _key(stat.get("type"))
    kind = stat["type"] = _TYPES.get(kind, kind)
    for old, new in _WORDS.get(kind, {}).items():
        if not stat.get(new) and old in stat:
            stat[new] = stat[old]
    if _is_negative(stat.get("audioLevel")):
        del stat["audioLevel"]
    if stat.get("isRemote") is True and kind in ("inbound-rtp", "outbound-rtp"):
        stat["type"] = f"remote-{kind}"
        if stat.get("localId") is None:
            # The old remoteId of a remote object names the stream at this end.
            stat["localId"] = stat.get("remoteId")


def _complete(stat: dict[str, Any], track: dict[str, Any]) -> None:
    for name in _FROM_TRACK:
        if stat.get(name) is None and track.get(name) is not None:
            stat[name] = track[name]
