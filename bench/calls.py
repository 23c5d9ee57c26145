"""A long call over an SFU, spliced from short real ones.

The recordings last 30 to 60 s. Here a stream of a recording lives on for as long as the call does;
at every step it moves by what it really did in five seconds of its recording, picked at random.
Running totals grow by the recorded differences and keep the digits that the browser gave them; all
other members are as recorded. So the numbers have the look of real ones, and never repeat.

Each person has two connections, as with RealtimeKit: one sends a microphone and a camera, the other
receives those of everybody else. One of the four recordings that people send from, and two in five
of those that they receive from, saw 5 % loss and 200 ms.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from bench.people import Person
from bench.recorded import (
    CLEAN,
    LOSSY,
    MESH,
    Connection,
    connections,
    encoded,
    own_tracks,
    request,
    stats_entry,
)
from roomtone.sources.recorded import Sample

STEP_MS = 5_000
SETTLED_MS = 5_000
"""The first seconds of a recording are about getting connected: nothing is spliced from them."""
_TOLERANCE_MS = 50

_SENT = frozenset({"outbound-rtp", "remote-inbound-rtp", "media-source"})
_RECEIVED = frozenset({"inbound-rtp", "remote-outbound-rtp"})
_PLACE = frozenset(
    ("candidate-pair", "local-candidate", "remote-candidate", "transport", "peer-connection")
)
_EPOCH = frozenset(
    ("timestamp", "lastPacketReceivedTimestamp", "lastPacketSentTimestamp", "remoteTimestamp")
)
_NO_TOTALS = frozenset(
    (
        *("ssrc", "rtxSsrc", "payloadType", "clockRate", "channels", "port", "priority"),
        *("jitter", "fractionLost", "roundTripTime", "currentRoundTripTime", "audioLevel"),
        *("availableOutgoingBitrate", "availableIncomingBitrate", "targetBitrate"),
        *("framesPerSecond", "frameWidth", "frameHeight", "width", "height", "encodingIndex"),
        *("echoReturnLoss", "echoReturnLossEnhancement", "estimatedPlayoutTimestamp"),
    )
)
"""Numbers that are what they are at a moment (W3C webrtc-stats); all others only grow."""

Report = list[dict[str, Any]]


class Tape:
    """A recorded connection that goes on for ever."""

    def __init__(self, recorded: Connection, rng: random.Random) -> None:
        self._rng = rng
        start = recorded.samples[0].t
        self._samples = [s for s in recorded.samples if s.t - start >= SETTLED_MS]
        self._values = [_numbers(sample) for sample in self._samples]
        self._totals: dict[tuple[str, str], float] = dict(self._values[0])
        self._digits = _digits(self._values)

    def moved(self, t: int) -> Report:
        """The report at ``t``, some five seconds on from the one before."""
        first, last = self._samples[0].t, self._samples[-1].t
        begin = self._rng.uniform(first, last - STEP_MS + _TOLERANCE_MS)
        before, after = self._at(begin), self._at(min(last, begin + STEP_MS))
        for name, value in after.items():
            self._totals[name] = self._totals.get(name, 0.0) + value - before.get(name, value)
        sample = min(self._samples, key=lambda s: abs(s.t - begin - STEP_MS))
        return [self._told(stat, t - sample.t) for stat in sample.report]

    def _at(self, t: float) -> dict[tuple[str, str], float]:
        """The totals at any time of the recording, between two of its samples."""
        later = next(n for n, s in enumerate(self._samples) if s.t >= t)
        if later == 0:
            return self._values[0]
        one, other = self._samples[later - 1], self._samples[later]
        share = (t - one.t) / (other.t - one.t)
        before = self._values[later - 1]
        return {
            name: before.get(name, value) + share * (value - before.get(name, value))
            for name, value in self._values[later].items()
        }

    def _told(self, stat: dict[str, Any], by_ms: int) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for member, value in stat.items():
            if member in _EPOCH:
                told[member] = value + by_ms if value else value
            elif isinstance(value, dict):
                told[member] = {
                    inner: self._total((stat["id"], f"{member}.{inner}"), deep)
                    for inner, deep in value.items()
                }
            else:
                told[member] = self._total((stat["id"], member), value)
        return told

    def _total(self, name: tuple[str, str], value: Any) -> Any:
        if name not in self._digits:
            return value
        return _rounded(self._totals[name], self._digits[name])


def _numbers(sample: Sample) -> dict[tuple[str, str], float]:
    """Every running total of a sample, by stat and member."""
    found: dict[tuple[str, str], float] = {}
    for stat in sample.report:
        for member, value in stat.items():
            inner = value.items() if isinstance(value, dict) else [("", value)]
            for deep, number in inner:
                if member in _EPOCH or member in _NO_TOTALS or isinstance(number, bool):
                    continue
                if isinstance(number, int | float):
                    found[stat["id"], f"{member}.{deep}" if deep else member] = number
    return found


def _digits(values: Sequence[dict[tuple[str, str], float]]) -> dict[tuple[str, str], int]:
    """After the point, as many as the browser gave in most samples; float noise is no digit."""
    found: dict[tuple[str, str], list[int]] = {}
    for of_sample in values:
        for name, number in of_sample.items():
            decimals = len(repr(number).partition(".")[2]) if isinstance(number, float) else 0
            found.setdefault(name, []).append(decimals)
    return {name: sorted(digits)[len(digits) // 2] for name, digits in found.items()}


def _rounded(value: float, digits: int) -> int | float:
    return round(value) if digits == 0 else round(value, digits)


class Call:
    """People in one meeting, who report every five seconds."""

    def __init__(self, people: Sequence[Person], seed: int) -> None:
        self.people = people
        self._rng = random.Random(seed)
        pool = [c for name in (CLEAN, LOSSY, MESH) for c in connections(name)]
        by_name = {c.name: c for c in pool}
        sent = [f"{CLEAN}:a", f"{MESH}:a-b", f"{MESH}:b-c", f"{LOSSY}:a"]
        self._sends = [
            Tape(by_name[sent[n % len(sent)]], self._rng) for n in range(len(self.people))
        ]
        self._receives = [
            {
                sender: Tape(self._rng.choice(pool), self._rng)
                for sender in range(len(self.people))
                if sender != receiver
            }
            for receiver in range(len(self.people))
        ]
        self._names: dict[tuple[object, ...], Any] = {}

    def posts(self, end: int, minutes: float) -> Iterator[tuple[int, bytes]]:
        """(number of the person, request), in the order of time; the last report is at ``end``."""
        steps = round(minutes * 60_000 / STEP_MS)
        start = end - steps * STEP_MS
        for number in range(len(self.people)):
            yield number, self._request(number, 1, _opening(self.people[number], start))
        for step in range(1, steps + 1):
            t = start + step * STEP_MS
            for number in range(len(self.people)):
                # Nobody's timer ticks with somebody else's.
                at = t - number * 1_130 + self._rng.randrange(20)
                yield number, self._request(number, step + 1, self._entries(number, at))

    def _request(self, number: int, seq: int, entries: list[dict[str, Any]]) -> bytes:
        person = self.people[number]
        return request("/v1/collect", person.token, encoded(person.peer_id, entries, seq))

    def _entries(self, number: int, t: int) -> list[dict[str, Any]]:
        sent = self._mine(number, self._sends[number].moved(t), _SENT | _PLACE)
        place: Report = []
        streams: Report = []
        tracks: list[dict[str, str]] = []
        for sender, tape in self._receives[number].items():
            report = tape.moved(t)
            place = place or [stat for stat in report if stat["type"] in _PLACE]
            known = {stat["id"] for stat in streams}
            streams += self._renamed(number, sender, report, tracks, known)
        return [
            stats_entry(t, "send", sent, own_tracks(sent)),
            stats_entry(t, "recv", place + streams, tracks),
        ]

    def _mine(self, number: int, report: Report, types: frozenset[str]) -> Report:
        """What is sent, with a track of this person's own."""
        kept = []
        for stat in report:
            if stat["type"] in types or (stat["type"] == "codec" and stat["id"].startswith("CO")):
                track = stat.get("trackIdentifier")
                kept.append(
                    {**stat, "trackIdentifier": self._track(number, stat["kind"])}
                    if track
                    else stat
                )
        return kept

    def _renamed(
        self,
        receiver: int,
        sender: int,
        report: Report,
        tracks: list[dict[str, str]],
        known: set[str],
    ) -> Report:
        """What is received from one sender: streams under names of their own, as an SFU's are."""
        made = [s for s in report if s["type"] == "codec" and s["id"] not in known and _in(s)]
        for stat in report:
            if stat["type"] not in _RECEIVED:
                continue
            kind = stat["kind"]
            ssrc = self._ssrc(receiver, sender, kind)
            names = {"ssrc": ssrc, "id": stat["id"].replace(str(stat["ssrc"]), str(ssrc))}
            for other in ("remoteId", "localId"):
                if other in stat:
                    names[other] = stat[other].replace(str(stat["ssrc"]), str(ssrc))
            if stat["type"] == "inbound-rtp":
                names["mid"] = str(2 * sender + (kind == "video"))
                names["trackIdentifier"] = self._uuid("received", receiver, sender, kind)
                tracks.append(
                    {
                        "track_identifier": names["trackIdentifier"],
                        "source": "microphone" if kind == "audio" else "camera",
                        "peer_id": self.people[sender].peer_id,
                        "producer_id": self._track(sender, kind),
                        "consumer_id": self._uuid("consumer", receiver, sender, kind),
                    }
                )
            made.append({**stat, **names})
        return made

    def _track(self, number: int, kind: str) -> str:
        return self._uuid("sent", number, kind)

    def _uuid(self, *name: object) -> str:
        if name not in self._names:
            self._names[name] = str(UUID(int=self._rng.getrandbits(128), version=4))
        return str(self._names[name])

    def _ssrc(self, *name: object) -> int:
        key = ("ssrc", *name)
        if key not in self._names:
            self._names[key] = self._rng.randrange(1 << 31, 1 << 32)
        return int(self._names[key])


def _in(codec: dict[str, Any]) -> bool:
    return str(codec["id"]).startswith("CI")


def _opening(person: Person, t: int) -> list[dict[str, Any]]:
    about = {"peerId": person.peer_id, "userId": person.user_id, "roomViewType": "groupCall"}
    return [
        {"event": "audio_on", "timestamp": t},
        {"event": "video_on", "timestamp": t},
        {"event": "call_join", "timestamp": t, "metaData": {"peerMetaData": about}},
    ]
