"""Reader: the rows of one page, in order → the facts of one peer."""

import re
from collections.abc import Iterable
from typing import Any

from roomtone.model.facts import AnyFact, Described, Happened, Joined
from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from roomtone.sources.recorded import Sample, snapshot_of
from roomtone.sources.rtcstats.deltas import PRESSURE, Deltas, sound, understood
from roomtone.sources.rtcstats.happenings import Happenings, Named
from roomtone.sources.rtcstats.rows import COUNTED, NAMED, Row
from roomtone.sources.user_agents import describe

MAX_SENDERS = 5_000
_PRESSURES = {1: "critical", 2: "serious", 3: "fair", 4: "nominal"}
_ENDPOINT = re.compile(r"(audio|video):(\S+) stream:([0-9a-f]{6,16})-(?:audio|video)-\d+")
"""Jitsi's bridge names a stream after the endpoint that sends it."""


def nobody(_: str) -> str:
    """Nobody is known by another name."""
    return ""


class Reader:
    """Remembers what deltas need; bounded, whatever comes.

    ``via``: how the peer came to us. ``absent_is_gone``: of protocol 3.1's deltas. ``mask``: mask
    addresses. ``named``: other endpoints' peers. ``samples``: where whole reports go as they are,
    instead of becoming snapshots.
    """

    def __init__(
        self,
        via: str,
        *,
        mask: bool,
        absent_is_gone: bool = False,
        named: Named = nobody,
        samples: list[Sample] | None = None,
    ) -> None:
        self._via = via
        self._mask = mask
        self._absent_is_gone = absent_is_gone
        self._named = named
        self._samples = samples
        self._deltas = Deltas()
        self._happenings = Happenings(mask=mask)
        self._senders: dict[str, str] = {}
        self._pressure: str | None = None
        self.joined_at: int | None = None
        self.last_t: int | None = None
        self.shared = self._happenings.shared
        """Ids of the tracks of a shared screen."""
        self.wrong = 0
        """Stats objects that were not understood."""
        self.user_agent: str | None = None
        """As a file's ``connectionInfo`` has it."""
        self.identity: dict[str, Any] = {}
        """What the last ``identity`` said (Jitsi)."""

    def resume(self, joined_at: int, reports: dict[str, list[dict[str, Any]]]) -> None:
        """Go on where another reader stopped; ``reports``: each connection's last whole one."""
        self.joined_at = joined_at
        for pc, report in reports.items():
            self._deltas.seed(pc, report)

    def take_all(self, rows: Iterable[Row]) -> list[AnyFact]:
        """The facts of some rows."""
        return [fact for row in rows for fact in self.take(row)]

    def take(self, row: Row) -> list[AnyFact]:
        """The facts of a row. Raises TooLarge."""
        self.last_t = row.t if self.last_t is None else max(self.last_t, row.t)
        facts: list[AnyFact] = []
        if row.pc is not None and self.joined_at is None and _begins(row.method):
            # Its first connection, not its first word: before it the person looked at a lobby.
            self.joined_at = row.t
            facts.append(Joined(t=row.t, via=self._via))
        if row.method in (COUNTED, NAMED):
            return facts + self._stats(row)
        facts += self._happenings.of(row)
        if row.method == "close" and row.pc is not None:
            self._deltas.forget(row.pc)
        elif row.method == "ontrack":
            self._note_sender(row.value)
        elif row.method == "connectionInfo" and isinstance(row.value, dict):
            agent = row.value.get("userAgent")
            self.user_agent = agent if isinstance(agent, str) and agent else self.user_agent
        elif row.method == "identity" and isinstance(row.value, dict):
            facts += self._identified(row)
        elif row.method == "dominantSpeaker":
            facts = [fact for fact in facts if not isinstance(fact, Happened)]
            facts += self._led(row)
        return facts

    def _stats(self, row: Row) -> list[AnyFact]:
        if row.pc is None or not isinstance(row.value, dict):
            return []
        if row.method == COUNTED:
            report = self._deltas.numbered(row.pc, row.value)
        else:
            report = self._deltas.named(row.pc, row.value, absent_is_gone=self._absent_is_gone)
        if self._samples is not None:
            whole, wrong = sound(report)
            self._samples.append(Sample(t=row.t, pc=row.pc, report=whole))
            self.wrong += wrong
            return self._pressed(row.t, report)
        stats, wrong = understood(report, old=self._deltas.speaks_old(row.pc))
        self.wrong += wrong
        snapshot = snapshot_of(
            row.t,
            row.pc,
            stats,
            mask=self._mask,
            shared=self._happenings.shared,
            sender=self._sender,
        )
        return [*self._pressed(row.t, report), snapshot]

    def _pressed(self, t: int, report: list[dict[str, Any]]) -> list[AnyFact]:
        for stat in report:
            if stat["type"] != PRESSURE:
                continue
            said = stat.get("cpuState")
            state = _PRESSURES.get(said) if isinstance(said, int) else said
            if state in _PRESSURES.values() and state != self._pressure:
                self._pressure = state
                return [Happened(t=t, name="compute_pressure", metadata={"cpu": state})]
        return []

    def _note_sender(self, value: Any) -> None:
        said = _ENDPOINT.match(value) if isinstance(value, str) else None
        if said and len(self._senders) < MAX_SENDERS:
            self._senders[said[2].strip("{}")] = said[3]

    def _sender(self, track_id: str | None) -> str:
        endpoint = self._senders.get(track_id or "")
        return "" if endpoint is None else self._named(endpoint)

    def _identified(self, row: Row) -> list[AnyFact]:
        """Who it is, in a few words: what Jitsi sends beside them is the page's whole settings."""
        names = ("endpointId", "deviceId", "confName", "confID", "applicationName", "displayName")
        told = {
            name: row.value[name][:MAX_NAME_CHARS]
            for name in (*names, "meetingUniqueId", "parentStatsSessionId", "userId")
            if isinstance(row.value.get(name), str) and row.value[name]
        }
        self.identity |= told
        if not told:
            return []
        spoken = {
            "endpoint_id": told.get("endpointId"),
            "device_id": told.get("deviceId"),
            "conference": told.get("confName"),
            "application": told.get("applicationName"),
        }
        metadata = {name: said for name, said in spoken.items() if said}
        return [Happened(t=row.t, name="identity", metadata=metadata)]

    def _led(self, row: Row) -> list[AnyFact]:
        said = row.value
        if isinstance(said, dict):
            said = said.get("dominantSpeakerEndpoint")
        if not isinstance(said, str) or not said:
            return []
        metadata = {"endpoint_id": said[:MAX_ID_CHARS]}
        peer_id = self._named(said)
        if peer_id:
            metadata["peer_id"] = peer_id
        return [Happened(t=row.t, name="dominant_speaker", metadata=metadata)]


def _begins(method: str) -> bool:
    return method in (COUNTED, NAMED, "create", "setLocalDescription", "setRemoteDescription")


def described(user_agent: str | None, t: int) -> list[AnyFact]:
    """What the request's or the file's header tells of the browser."""
    if not user_agent:
        return []
    found: Described = describe(user_agent, t)
    return [found]
