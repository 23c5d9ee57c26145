"""Attribution: whose side it was.

Every received stream is compared with what the sender's other receivers got and with what the
receiver got of others (:mod:`roomtone.findings.legs`), and with what the server told the sender. In
a direct connection of two the ends cannot be told apart, and it says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from roomtone.findings.carrying import FAR_RELAY
from roomtone.findings.legs import MOST, Legs
from roomtone.findings.loss import DOWNLINK_LOSS, REMOTE_UPLINK_LOSS, UPLINK_LOSS
from roomtone.findings.noticed import Noticed, Raised
from roomtone.findings.spells import touches
from roomtone.model.findings import Side

NEAR_MS = 15_000
"""Findings that are further apart than this have nothing to do with each other."""
EVERYBODY = 3
"""From so many peers on, the same trouble of all is the server's."""

OWN: dict[str, Side] = {
    "stats_gap": "device",
    "silent_microphone": "device",
    "speaking_while_muted": "device",
    "cpu_limited_encode": "device",
    "cpu_limited_decode": "device",
    "software_fallback": "device",
    "device_changed": "device",
    "device_lost": "device",
    "permission_denied": "device",
    "device_in_use": "device",
    "device_not_found": "device",
    "outbound_dry": "device",
    "unstable_path": "path",
    "turn_relay": "path",
    "tcp_or_tls_transport": "path",
    "vpn_in_use": "path",
    "slow_connect": "path",
    "dtls_slow": "path",
    "one_way_audio": "uplink",
}
"""Of the peer at whom they were noticed, whatever the others got."""
NOBODY = frozenset({"rejoins", "signalling_slow", "codec_changed", "low_resolution"})
"""Of nobody: they may have any reason."""
OF_A_WAY: dict[str, Side] = {
    "ice_failed": "path",
    "ice_disconnected": "path",
    "transport_stall": "path",
    "high_rtt": "path",
    "uplink_loss": "uplink",
    "bandwidth_limited": "uplink",
}
"""Of a transport: of the peer's own leg to a server; of a direct one, of either end."""


class Case(Struct):
    """A finding in the making with what was found out about it."""

    raised: Raised
    side: Side
    blamed: str = ""
    cause: str = ""
    """``finding_id@peer_id``."""

    @property
    def key(self) -> str:
        """How others name it as their cause."""
        return f"{self.raised.id}@{self.raised.peer_id}"


class Court:
    """Judges the findings of one session."""

    def __init__(self, peers: Sequence[Noticed]) -> None:
        self._peers = {peer.peer_id: peer for peer in peers}
        self.legs = Legs(peers)
        self._by_peer: dict[str, list[Raised]] = {peer.peer_id: peer.raised for peer in peers}
        self._known: dict[tuple[str, str, int, int], tuple[Side, str]] = {}
        self._shared: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
        for peer in peers:
            for one in peer.raised:
                if one.id == "high_rtt":
                    self._shared[one.id].append((one.start, one.end, peer.peer_id))
        self._measured = sum(1 for peer in self._peers.values() if peer.measured)

    def judge(self, one: Raised) -> Case:
        """Side and blame of one."""
        own = OWN.get(one.id)
        if own is not None and any(told.field == FAR_RELAY for told in one.evidence):
            return Case(one, own, self.legs.end_of(one.peer_id, one.transport))
        if own is not None:
            return Case(one, own, one.peer_id)
        if one.id in NOBODY:
            return Case(one, "unknown")
        if one.id in OF_A_WAY or not one.other_peer_id:
            return self._of_a_way(one)
        side, blamed = self._received(one)
        if one.id == DOWNLINK_LOSS.id and self._is_the_senders(one, side, blamed):
            one.id = REMOTE_UPLINK_LOSS.id
            one.severity = REMOTE_UPLINK_LOSS.severity
        return Case(one, side, blamed)

    def _is_the_senders(self, one: Raised, side: Side, blamed: str) -> bool:
        if side == "uplink" and blamed == one.other_peer_id:
            return True
        # Over a direct connection both ends tell of the same loss: the sender's word is enough.
        return side != "downlink" and any(
            told.id == UPLINK_LOSS.id
            and self.legs.end_of(told.peer_id, told.transport) == one.peer_id
            and near(told, one)
            for told in self._by_peer.get(one.other_peer_id, ())
        )

    def _of_a_way(self, one: Raised) -> Case:
        end = self.legs.end_of(one.peer_id, one.transport)
        side = OF_A_WAY.get(one.id, "uplink" if one.array.endswith("producer") else "unknown")
        if one.id in ("call_loss_summary", "keyframe_storm"):
            return Case(one, "unknown")
        if one.id == "low_fps" and not (end and self._only_there(one, end)):
            return Case(one, "device", one.peer_id)
        if not end:
            if one.id == "high_rtt" and self._everybodys(one):
                return Case(one, "server")
            return Case(one, side, "" if side == "unknown" else one.peer_id)
        one.other_peer_id = one.other_peer_id or end
        one.direct = True
        if one.id in ("uplink_loss", "high_jitter") and self.legs.leg(one.peer_id, end):
            found = self._leg(one.peer_id, end, one.start, one.end)
            return Case(one, *found)
        blamed = self._end_to_blame(one, end)
        return Case(one, side, blamed) if blamed else Case(one, "pair")

    def _everybodys(self, one: Raised) -> bool:
        shared, least = self._shared[one.id], max(EVERYBODY, 0.9 * self._measured)
        if len(shared) < least:
            return False  # not even at any time: where few have it, nobody looks at all of them
        return len({p for start, end, p in shared if _near(start, end, one)}) >= least

    def _end_to_blame(self, one: Raised, end: str) -> str:
        """Of a direct connection: who was offline, or who has the same trouble with others."""
        for peer_id, other in ((one.peer_id, end), (end, one.peer_id)):
            here, there = self._peers.get(peer_id), self._peers.get(other)
            gone = here is not None and touches(here.offline, one.start, one.end)
            both = there is not None and touches(there.offline, one.start, one.end)
            if gone and not both:
                return peer_id
        mine, theirs = self._same_elsewhere(one, end), self._elsewhere_at(end, one)
        if mine and not theirs:
            return one.peer_id
        if theirs and not mine:
            return end
        return ""

    def _only_there(self, one: Raised, end: str) -> bool:
        """Whether what this peer sends to others is fine: then it is not what it makes."""
        peer = self._peers[one.peer_id]
        ends = {self.legs.end_of(one.peer_id, link.transport) for link in peer.links if link.sends}
        return bool(ends - {"", end}) and not self._same_elsewhere(one, end)

    def _same_elsewhere(self, one: Raised, end: str) -> bool:
        """Whether this peer has it on most of its other connections too."""
        return self._has_it(one.peer_id, end, one)

    def _elsewhere_at(self, end: str, one: Raised) -> bool:
        return self._has_it(end, one.peer_id, one)

    def _has_it(self, peer_id: str, but: str, one: Raised) -> bool:
        peer = self._peers.get(peer_id)
        if peer is None:
            return False
        others = {
            link.transport
            for link in peer.links
            if self.legs.end_of(peer_id, link.transport) not in ("", but)
        }
        hit = {
            told.transport
            for told in peer.raised
            if told.id == one.id and told.transport in others and near(told, one)
        }
        return bool(others) and len(hit) > MOST * len(others)

    def _received(self, one: Raised) -> tuple[Side, str]:
        sender, receiver = one.other_peer_id, one.peer_id
        if self.legs.leg(sender, receiver) is None:
            return "unknown", ""
        return self._leg(sender, receiver, one.start, one.end)

    def _leg(self, sender: str, receiver: str, start: float, end: float) -> tuple[Side, str]:
        """Whose side a bad leg was."""
        leg = self.legs.leg(sender, receiver)
        if leg is None:
            return "unknown", ""
        key = (sender, receiver, int(start // 1000), int(end // 1000))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._weigh(sender, receiver, start, end)
        return known

    def _weigh(self, sender: str, receiver: str, start: float, end: float) -> tuple[Side, str]:
        leg = self.legs.leg(sender, receiver)
        if leg is None:
            return "unknown", ""
        steps = self.legs.when(leg, start, end)
        if not any(step in leg.bad for step in steps):
            return "unknown", ""
        for peer_id in (sender, receiver):
            if touches(self._peers[peer_id].offline, start, end):
                return ("uplink" if peer_id == sender else "downlink"), peer_id
        if not leg.direct:
            word = self.legs.word(sender, steps)
            if word:
                return "uplink", sender
            if word is None:
                return self._compared(sender, receiver, steps, direct=False)
            if self.legs.everyone_suffers(steps):
                return "server", ""
            others = self.legs.others_suffer(leg, steps)
            if others is not None and others > MOST:
                return "server", ""
            return "downlink", receiver
        return self._compared(sender, receiver, steps, direct=True)

    def _compared(
        self, sender: str, receiver: str, steps: Sequence[int], *, direct: bool
    ) -> tuple[Side, str]:
        """By what third people got, where nobody told the sender anything."""
        leg = self.legs.leg(sender, receiver)
        if leg is None:
            return "unknown", ""
        if not direct and self.legs.everyone_suffers(steps):
            return "server", ""
        theirs = self.legs.others_suffer(leg, steps)
        mine = self.legs.suffers_from_others(leg, steps)
        if theirs is None and mine is None:
            return "pair", ""
        up = theirs is not None and theirs > MOST
        down = mine is not None and mine > MOST
        if up and not down:
            return "uplink", sender
        if down and not up:
            return "downlink", receiver
        if up and down:
            return "unknown", ""
        if not direct and mine is None:
            return "downlink", receiver  # others get this sender well, and it receives no other
        if not direct and theirs is None:
            return "uplink", sender
        return "pair", ""


def near(one: Raised, other: Raised) -> bool:
    """Whether two findings are of about the same time."""
    return _near(one.start, one.end, other)


def _near(start: float, end: float, other: Raised) -> bool:
    return start <= other.end + NEAR_MS and end >= other.start - NEAR_MS


def told_by_receivers(cases: Iterable[Case], legs: Legs, error_percent: float) -> list[Case]:
    """``uplink_loss`` of senders to whom no server said anything, from those who missed it."""
    by_sender: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        one = case.raised
        if one.id == REMOTE_UPLINK_LOSS.id and case.side == "uplink":
            by_sender[case.blamed].append(case)
    found: list[Case] = []
    for sender, of_sender in sorted(by_sender.items()):
        of_sender.sort(key=lambda case: (case.raised.start, case.raised.peer_id))
        made: list[Case] = []
        for case in of_sender:
            one = case.raised
            if made and near(made[-1].raised, one):
                last = made[-1].raised
                last.end, last.open = max(last.end, one.end), last.open or one.open
                if (one.worst or 0.0) > (last.worst or 0.0):
                    last.worst, last.evidence = one.worst, one.evidence
                continue
            last = Raised(
                id=UPLINK_LOSS.id,
                severity="warning",
                start=one.start,
                end=one.end,
                open=one.open,
                peer_id=sender,
                worst=one.worst,
                evidence=one.evidence,
            )
            made.append(Case(last, "uplink", sender))
        for case in made:
            if (case.raised.worst or 0.0) > error_percent:
                case.raised.severity = "error"
        found += made
    return found
