"""Talk: how long each person talked, from the sound level of microphones and received streams.

W3C's ``totalAudioEnergy`` and ``totalSamplesDuration`` give the mean power between two snapshots.
Snapshots are seconds apart (RealtimeKit 7, our collector 5) and speech has gaps, so a span of time
counts by how its power compares with that person's own full voice, not as a whole: half a span of
speech has half the power. Below -40 dBov it is background (ITU-T P.56 has active speech at about
-26 dBov), and nothing counts.

State is a histogram of seconds by level, so it is bounded and batches may be cut anywhere.
"""

from collections.abc import Iterable, Mapping
from math import floor, inf, log10

from msgspec import Struct

from roomtone.model.attendance import DOMINANT_SPEAKER, MICROPHONE, RECEIVED, TalkTime
from roomtone.model.facts import Happened
from roomtone.model.limits import MAX_HEARD_PEERS

FLOOR_DBOV = -40.0
"""Quieter is background."""
SILENCE = 1e-5
"""Power, 10 dB below the floor: such a little needs no logarithm, and 0.0 has none."""
LOUDEST = -int(FLOOR_DBOV)
"""dB above the floor: 0 dBov, and whatever a client says beyond it."""
FULL_VOICE = 0.75
"""Share of the time above the floor that is not louder than a person's full voice."""
MIN_SPAN_MS = 2_500.0
"""Denser snapshots are passed over: they cost time, and tell little more."""
MAX_SPAN_MS = 30_000.0
"""Snapshots that lie further apart say nothing of when in between somebody talked."""
MICROPHONES = ("", "microphone")
"""Sources of a track that are somebody's voice; a shared screen's sound is nobody's."""
EVENT = "dominant_speaker"


class Meter:
    """Seconds by level of one person's voice, as one peer sent or received it."""

    __slots__ = ("_ears", "known", "levels", "until")

    def __init__(self) -> None:
        self.known = False
        """Whether any span could be measured."""
        self.levels = [0.0] * (LOUDEST + 1)
        """Seconds by whole dB above the floor."""
        self.until = 0.0
        """When the latest span that was measured ended, epoch ms."""
        self._ears: dict[tuple[str, str], Ear] = {}
        """By (transport, stream)."""

    def ear(self, transport: str, stream_id: str) -> "Ear | None":
        """What listens to one of the streams that carry the voice; None: one too many."""
        stream = transport, stream_id
        found = self._ears.get(stream)
        if found is None and len(self._ears) < MAX_HEARD_PEERS:
            found = self._ears[stream] = Ear(self)
        return found

    def talked_s(self) -> float:
        """Seconds of talk."""
        full = _quantile(self.levels, FULL_VOICE)
        return sum(
            seconds * min(1.0, 10 ** ((level - full) / 10))
            for level, seconds in enumerate(self.levels)
        )


class Ear:
    """Looks at the running totals of one stream. Whoever folds that stream keeps it at hand, which
    is cheaper than looking it up at every snapshot."""

    __slots__ = ("_duration", "_energy", "_meter", "_t")

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._t = -inf
        self._energy = self._duration = 0.0

    def look(self, t: float, energy: float | None, duration: float | None) -> None:
        """Running totals of the stream at ``t`` (ms). Of streams that carry the same voice at the
        same time (a mesh has one to each of the others), the first to tell is believed."""
        begun = self._t
        passed = t - begun
        if energy is None or duration is None or (passed < MIN_SPAN_MS and passed >= 0.0):
            return
        gained, seconds = energy - self._energy, duration - self._duration
        self._t, self._energy, self._duration = t, energy, duration
        meter = self._meter
        if (
            begun < meter.until
            or seconds <= 0.0
            or gained < 0.0
            or passed > MAX_SPAN_MS
            or passed < 0.0
        ):
            return
        meter.known = True
        meter.until = t
        power = gained / seconds
        if power > SILENCE:
            above = 10.0 * log10(power) - FLOOR_DBOV
            if above > -1.0:
                # Towards 0, as int() rounds, which takes four times as long.
                level = LOUDEST if above >= LOUDEST else floor(above) if above > 0.0 else 0
                passed /= 1000.0
                meter.levels[level] += seconds if seconds < passed else passed


def _quantile(weights: list[float], share: float) -> int:
    """The first place by which so much of the weight has come."""
    wanted, so_far = share * sum(weights), 0.0
    for place, weight in enumerate(weights):
        so_far += weight
        if so_far >= wanted:
            return place
    return len(weights) - 1


class Talk:
    """What one peer's journal tells of anybody's talking."""

    __slots__ = ("_leader", "_led", "_since", "heard", "own")

    def __init__(self) -> None:
        self.own = Meter()
        self.heard: dict[str, Meter] = {}
        """By the sender's peer id."""
        self._led: dict[str, float] = {}
        self._leader = ""
        self._since = 0

    def own_ear(self, transport: str, stream_id: str, source: str) -> Ear | None:
        """What listens to an own source; None: it is nobody's voice, or one too many."""
        return self.own.ear(transport, stream_id) if source in MICROPHONES else None

    def ear(self, transport: str, stream_id: str, source: str, sender: str) -> Ear | None:
        """What listens to a received stream; None: it is nobody's voice, or one too many."""
        if not sender or source not in MICROPHONES:
            return None
        meter = self.heard.get(sender)
        if meter is None:
            if len(self.heard) >= MAX_HEARD_PEERS:
                return None
            meter = self.heard[sender] = Meter()
        return meter.ear(transport, stream_id)

    def lead(self, fact: Happened) -> None:
        """An event that names the dominant speaker, from now until the next one."""
        who = (fact.metadata or {}).get("peer_id")
        self._close(fact.t)
        self._leader, self._since = (who if isinstance(who, str) else ""), fact.t

    def _close(self, t: int) -> None:
        leader = self._leader
        if leader and (leader in self._led or len(self._led) < MAX_HEARD_PEERS):
            self._led[leader] = self._led.get(leader, 0) + max(0, t - self._since) / 1000

    def led_s(self, until: int) -> dict[str, float]:
        """Seconds that each was the dominant speaker, the last of them up to ``until`` (ms)."""
        led = dict(self._led)
        if self._leader:
            led[self._leader] = led.get(self._leader, 0) + max(0, until - self._since) / 1000
        return led


class Heard(Struct, frozen=True):
    """What one peer, or several, say of the others: seconds by peer id."""

    received: Mapping[str, float]
    led: Mapping[str, float]


NOTHING_HEARD = Heard({}, {})


def heard(talk: Talk, until: int) -> Heard:
    """What one peer says; ``until``: its last sign of life on its own clock, epoch ms."""
    received = {who: meter.talked_s() for who, meter in talk.heard.items() if meter.known}
    return Heard(received, talk.led_s(until))


def together(all_of_them: Iterable[Heard]) -> Heard:
    """What several say together: whoever heard most of somebody is believed, for the others lost
    some of it, or came later."""
    received: dict[str, float] = {}
    led: dict[str, float] = {}
    for one in all_of_them:
        for whole, part in ((received, one.received), (led, one.led)):
            for who, seconds in part.items():
                whole[who] = max(seconds, whole.get(who, 0.0))
    return Heard(received, led)


def talk_time(talk: Talk, peer_id: str, others: Heard, present_ms: int) -> TalkTime | None:
    """How long a peer talked, by the best source there is; None where nothing tells."""
    if talk.own.known:
        return _told(talk.own.talked_s(), MICROPHONE, present_ms)
    if peer_id in others.received:
        return _told(others.received[peer_id], RECEIVED, present_ms)
    if others.led:
        # Where the speakers are named, who is never named was none.
        return _told(others.led.get(peer_id, 0.0), DOMINANT_SPEAKER, present_ms)
    return None


def _told(seconds: float, source: str, present_ms: int) -> TalkTime:
    return TalkTime(min(round(seconds * 1000), present_ms), source)
