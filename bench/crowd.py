"""A crowd: peers who report every five seconds, each of whom receives one of the first few.

Whatever the size of a session, a peer says the same amount: two streams sent and two received, a
whole ``getStats()`` of a recorded call. One in four is on a line that loses 5 %.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from bench.load import Make
from bench.people import Person
from bench.recorded import (
    LOSSY,
    MESH,
    Connection,
    connections,
    encoded,
    moved,
    now_ms,
    request,
    stats_entry,
)

EVERY_S = 5.0
SPEAKERS = 3
"""As many of a session are heard by the others."""
ROUNDS = 6
"""As often a peer reports: the recordings have so many snapshots five seconds apart."""
SLOT_MS = 250
"""Bodies are made this often; who reports within a slot says the same in other names."""
_MARK = "00000000-0000-4000-8000-{:012d}"
_ME, _SENDER = _MARK.format(1), _MARK.format(2)
_CLEAN, _BAD = connections(MESH)[0], connections(LOSSY)[0]
_SSRC = 1_000_000_000
"""Of the first stream of the first peer: all have ten digits, as the recorded ones."""
_NUMBERS = count()


class Member:
    """One peer of a session."""

    def __init__(self, number: int, people: Sequence[Person]) -> None:
        """``number``: its place among the people of its session."""
        self.person = people[number]
        others = [p for p in people[: SPEAKERS + 1] if p is not self.person][:SPEAKERS]
        self._heard = others[number % len(others)] if others else self.person
        self._lossy = number % 4 == 3
        self._number = next(_NUMBERS)

    def joining(self) -> Make:
        """Says that it joined, and no more."""
        said = False

        def make() -> bytes | None:
            nonlocal said
            if said:
                return None
            said = True
            entry = {"event": "call_join", "timestamp": now_ms(), "metaData": {}}
            return self._request(encoded(self.person.peer_id, [entry], 1))

        return make

    def reporting(self) -> Make:
        """Reports :data:`ROUNDS` times."""
        said = 0

        def make() -> bytes | None:
            nonlocal said
            if said == ROUNDS:
                return None
            said += 1
            return self._request(self._body(said))

        return make

    def _body(self, said: int) -> bytes:
        made, ssrcs = _template(self._lossy, said, now_ms() // SLOT_MS * SLOT_MS)
        made = made.replace(_ME.encode(), self.person.peer_id.encode())
        made = made.replace(_SENDER.encode(), self._heard.peer_id.encode())
        for place, ssrc in enumerate(ssrcs):
            own = _SSRC + self._number * len(ssrcs) + place
            made = made.replace(ssrc, str(own).encode())
        return made

    def _request(self, body: bytes) -> bytes:
        return request("/v1/collect", self.person.token, body)


@lru_cache(maxsize=128)
def _template(lossy: bool, said: int, t: int) -> tuple[bytes, tuple[bytes, ...]]:
    """A body under marks instead of names, and the ssrcs in it."""
    recorded = _BAD if lossy else _CLEAN
    sample = recorded.samples[_step(recorded) * (said - 1)]
    report = moved(sample.report, t - sample.t)
    tracks: list[dict[str, str]] = []
    renamed = [_named(stat, tracks) for stat in report]
    body = encoded(_ME, [stats_entry(t, "pc", renamed, tracks)], said + 1)
    ssrcs = sorted({str(stat["ssrc"]) for stat in report if "ssrc" in stat})
    return body, tuple(ssrc.encode() for ssrc in ssrcs)


def _step(recorded: Connection) -> int:
    """How many samples lie in five seconds."""
    apart = recorded.samples[1].t - recorded.samples[0].t
    return max(1, round(EVERY_S * 1000 / apart))


def _named(stat: dict[str, Any], tracks: list[dict[str, str]]) -> dict[str, Any]:
    """With tracks of one's own, or of the one who is heard."""
    if not stat.get("trackIdentifier"):
        return stat
    source = "microphone" if stat["kind"] == "audio" else "camera"
    if stat["type"] == "media-source":
        track = f"{source}-{_ME}"
        tracks.append({"track_identifier": track, "source": source})
    elif stat["type"] == "inbound-rtp":
        track = f"{source}-of-{_SENDER}-at-{_ME}"
        tracks.append(
            {
                "track_identifier": track,
                "source": source,
                "peer_id": _SENDER,
                "producer_id": f"{source}-{_SENDER}",
                "consumer_id": track,
            }
        )
    else:
        return stat
    return {**stat, "trackIdentifier": track}
