"""What a recording's own counters say, read with as little thought as possible.

Nothing here comes from Roomtone: the files are opened as JSON, and for each stream the running
totals are followed to their end. A counter that falls began anew: what it had reached counts, the
time in which it fell does not (quality.md 1.1.3). ``packetsLost`` may fall when late packets come;
the loss of an epoch is the most that it ever was (1.1.4).
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECEIVED = {
    "packets_received": "packetsReceived",
    "bytes_received": "bytesReceived",
    "packets_lost": "packetsLost",
    "frames_decoded": "framesDecoded",
    "key_frames_decoded": "keyFramesDecoded",
}
SENT = {
    "packets_sent": "packetsSent",
    "bytes_sent": "bytesSent",
    "frames_encoded": "framesEncoded",
    "key_frames_encoded": "keyFramesEncoded",
}
VIDEO_ONLY = {"frames_decoded", "key_frames_decoded", "frames_encoded", "key_frames_encoded"}
TELL_A_RESET = ("packetsReceived", "bytesReceived", "packetsSent", "bytesSent")
TELL_A_RESET_OF_FRAMES = ("framesDecoded", "framesEncoded")

Stream = tuple[str, str, int, bool]
"""consumer or producer, audio or video, ssrc, of a shared screen."""
Totals = dict[Stream, dict[str, int]]
Sight = tuple[str, Any, str, str, bool, dict[str, Any]]
"""peer, what tells the stream apart, consumer/producer, kind, of a screen, its W3C members."""


class _Counter:
    """One counter of one stream."""

    def __init__(self) -> None:
        self.total = 0.0
        self.base = 0.0
        self.now = 0.0

    def see(self, value: float, anew: bool) -> None:
        if anew:
            self.total += self.now - self.base
            self.base = value
        self.now = value

    def end(self) -> int:
        return round(self.total + self.now - self.base)


class _Lost(_Counter):
    """``packetsLost``: within an epoch the most that it was."""

    def see(self, value: float, anew: bool) -> None:
        if not anew:
            value = max(value, self.now)
        super().see(value, anew)


def totals(sights: Iterator[Sight]) -> dict[str, Totals]:
    """peer → stream → what its counters add up to."""
    last: dict[Any, dict[str, Any]] = {}
    counters: dict[Any, dict[str, _Counter]] = defaultdict(dict)
    streams: dict[Any, tuple[str, Stream]] = {}
    for peer, key, side, kind, screen, stat in sights:
        whole = (peer, key)
        before = last.get(whole, {})
        anew = any(
            name in before and name in stat and stat[name] < before[name]
            for name in (*TELL_A_RESET, *TELL_A_RESET_OF_FRAMES)
        )
        last[whole] = {**before, **stat}
        streams[whole] = (peer, (side, kind, stat["ssrc"], screen))
        for name, member in (RECEIVED if side == "consumer" else SENT).items():
            if stat.get(member) is not None and (kind == "video" or name not in VIDEO_ONLY):
                made = counters[whole].setdefault(
                    name, _Lost() if name == "packets_lost" else _Counter()
                )
                made.see(stat[member], anew)
    found: dict[str, Totals] = defaultdict(dict)
    for whole, (peer, stream) in streams.items():
        found[peer][stream] = {name: made.end() for name, made in counters[whole].items()}
    return dict(found)


def read(file: Path) -> bytes:
    """A recording, inflated."""
    return gzip.decompress(file.read_bytes())


# --- the three kinds of recordings ----------------------------------------------------------------


def getstats(data: bytes) -> Iterator[Sight]:
    """``{"samples": [{"a": {"t": …, "stats": {…}}, …}, …]}``; a mesh names pairs, ``a-b``."""
    for row in json.loads(data)["samples"]:
        for label, sample in row.items():
            stats = sample["stats"] if sample else {}
            for stat in stats.values() if isinstance(stats, dict) else stats:
                yield from _rtp(label.partition("-")[0], label, stat)


def jitsi(data: bytes) -> Iterator[Sight]:
    """``["getstats", pc, {id: changed members, …}, t]`` a line."""
    known: dict[str, dict[str, Any]] = {}
    for line in data.splitlines():
        method, pc, value, *_ = json.loads(line) if line.strip() else ["", "", {}]
        if method != "getstats":
            continue
        before = known.get(pc, {})
        known[pc] = {
            name: {**before.get(name, {}), **changed}
            for name, changed in value.items()
            if isinstance(changed, dict)
        }
        for name, stat in known[pc].items():
            yield from _rtp("", pc, {**stat, "id": name})


def realtimekit(data: bytes) -> Iterator[Sight]:
    """``{"peer": …, "body": {"peerId": …, "payload": {"entries": […]}}}`` a line."""
    pings = []
    for line in data.splitlines():
        body = json.loads(line)["body"]
        pings += [
            (entry["timestamp"], body["peerId"], entry["metaData"])
            for entry in body["payload"]["entries"]
            if entry["event"] == "ping_stat"
        ]
    for _, peer_id, ping in sorted(pings, key=lambda one: one[:2]):
        for side, rows in (("producer", "producerStats"), ("consumer", "consumerStats")):
            for row in filter(None, ping.get(rows) or ()):
                screen = bool((row.get("appData") or {}).get("screenShare"))
                for kind in ("audio", "video"):
                    for stat in row.get(f"{kind}Stats") or ():
                        yield peer_id, (side, stat["ssrc"]), side, kind, screen, stat


def _rtp(peer: str, pc: str, stat: dict[str, Any]) -> Iterator[Sight]:
    side = {"inbound-rtp": "consumer", "outbound-rtp": "producer"}.get(stat.get("type", ""))
    if side and not stat.get("isRemote"):
        kind = stat.get("kind") or stat["mediaType"]
        yield peer, (pc, stat["id"], stat["ssrc"]), side, kind, False, stat


# --- the same of a report -------------------------------------------------------------------------


def reported(participant: dict[str, Any]) -> Totals:
    """stream → the sums over its readings in a peer report."""
    quality = participant["peer_report"]["quality"]
    found: Totals = {}
    for screen, before in ((False, ""), (True, "screenshare_")):
        for kind in ("audio", "video"):
            for side, names in (("consumer", RECEIVED), ("producer", SENT)):
                for reading in quality[f"{before}{kind}_{side}"]:
                    sums = found.setdefault((side, kind, reading["ssrc"], screen), {})
                    for name in names:
                        if reading.get(name) is not None:
                            sums[name] = sums.get(name, 0) + reading[name]
    return found


def layered(found: Totals) -> Totals:
    """Layers of one sender are one producer, under the ssrc of the highest: told apart no more."""
    together: Totals = {}
    for (side, kind, ssrc, screen), sums in found.items():
        one = (side, kind, ssrc if side == "consumer" else 0, screen)
        whole = together.setdefault(one, {})
        for name, value in sums.items():
            whole[name] = whole.get(name, 0) + value
    return together
