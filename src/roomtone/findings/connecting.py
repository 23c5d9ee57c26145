"""Connecting: what the states that a client told say (quality.md 5: 1, 2, 5, 37)."""

from collections.abc import Iterable

from roomtone.findings import transport as t
from roomtone.findings.catalogue import Thresholds
from roomtone.findings.detector import Detector
from roomtone.findings.noticed import Raised
from roomtone.model.facts import Happened
from roomtone.model.findings import Evidence
from roomtone.model.times import iso
from roomtone.report.observed import Observed

ICE, WHOLE = "ice_connection_state", "connection_state"
OLD = {
    "transport_connected": "connected",
    "transport_disconnected": "disconnected",
    "transport_failed": "failed",
    "transport_connecting": "connecting",
    "transport_closed": "closed",
}
"""The names that recordings and RealtimeKit's client use, as connection states."""
UP = ("connected", "completed")
BEGUN = ("connecting", "checking")
OVER = ("closed",)


class Said:
    """What the client said of one connection's state, in order."""

    def __init__(self, pc: str) -> None:
        self.pc = pc
        self.ice: list[tuple[float, str]] = []
        self.whole: list[tuple[float, str]] = []


def said_by(events: Iterable[Happened]) -> list[Said]:
    """The states by connection."""
    found: dict[str, Said] = {}
    for event in events:
        told = event.metadata or {}
        name, state = event.name, told.get("state")
        if name in OLD:
            name, state = WHOLE, OLD[event.name]
        if name not in (ICE, WHOLE) or not isinstance(state, str):
            if event.name == "peer_connection" and state == "closed":
                name, state = WHOLE, "closed"
            else:
                continue
        pc = str(told.get("pc") or told.get("transport") or "")
        said = found.setdefault(pc, Said(pc))
        (said.ice if name == ICE else said.whole).append((event.t, state))
    return list(found.values())


def states(seen: Observed, thresholds: Thresholds) -> list[Raised]:
    """``ice_failed``, ``ice_disconnected``, ``slow_connect``, ``dtls_slow``."""
    until = float(seen.stay.left_at or seen.stay.last_sign_at)
    found: list[Raised] = []
    for said in said_by(seen.events):
        # Either of the two may be told; the connection's own includes ICE.
        row = said.whole or said.ice
        found += _row(seen, said.pc, row, until, thresholds)
        if said.whole and said.ice:
            found += _dtls(seen, said, until, thresholds["dtls_slow"]["raise_s"])
    return found


def _row(
    seen: Observed, pc: str, row: list[tuple[float, str]], until: float, thresholds: Thresholds
) -> list[Raised]:
    found: list[Raised] = []
    most_s = thresholds["ice_failed"]["raise_s"]
    slow_s = thresholds["slow_connect"]["raise_s"]
    lost_s = thresholds["ice_disconnected"]["raise_s"]
    begun: float | None = None
    for i, (at, state) in enumerate(row):
        ends = next((x for x, s in row[i + 1 :] if s != state), None)
        end = until if ends is None else ends
        after = next((s for x, s in row[i + 1 :] if s != state), "")
        lasted = (end - at) / 1000.0
        if i and row[i - 1][1] == state:
            continue
        if state == "failed":
            back = next((x for x, s in row[i + 1 :] if s in UP or s in OVER), None)
            found.append(_state(seen, t.ICE_FAILED, pc, state, at, back, until, None))
            begun = None
        elif state == "disconnected" and lasted >= lost_s and after not in OVER:
            found.append(_state(seen, t.ICE_DISCONNECTED, pc, state, at, ends, until, lasted))
        elif state in BEGUN:
            begun = at if begun is None else begun
            if ends is None and lasted > most_s:
                found.append(_state(seen, t.ICE_FAILED, pc, state, begun, None, until, lasted))
        elif state in UP:
            if begun is not None and slow_s < (at - begun) / 1000.0:
                took = (at - begun) / 1000.0
                late = t.ICE_FAILED if took > most_s else t.SLOW_CONNECT
                found.append(_state(seen, late, pc, state, begun, at, until, took))
            begun = None
        elif state in OVER:
            begun = None
    return found


def _dtls(seen: Observed, said: Said, until: float, raise_s: float) -> list[Raised]:
    ice = next((at for at, state in said.ice if state in UP), None)
    if ice is None:
        return []
    whole = next((at for at, state in said.whole if state in UP), None)
    end = until if whole is None else whole
    ended = any(state in (*OVER, "failed") and ice <= at < end for at, state in said.whole)
    if ended or (end - ice) / 1000.0 <= raise_s:
        return []
    took = (end - ice) / 1000.0
    return [_state(seen, t.DTLS_SLOW, said.pc, "connected", ice, whole, until, took)]


def _state(
    seen: Observed,
    detector: Detector,
    pc: str,
    state: str,
    start: float,
    end: float | None,
    until: float,
    worst: float | None,
) -> Raised:
    told = Evidence(
        timestamp=iso(start), source="event", id=pc or WHOLE, field="state", value=state
    )
    return Raised(
        id=detector.id,
        severity=detector.severity,
        start=start,
        end=until if end is None else end,
        open=end is None,
        peer_id=seen.peer_id,
        transport=pc,
        worst=worst,
        evidence=(told,),
    )


def negotiations(seen: Observed, raise_s: float) -> list[Raised]:
    """``signalling_slow``."""
    found = []
    for event in seen.events:
        took = (event.metadata or {}).get("duration_ms") if event.name == "negotiation" else None
        if isinstance(took, int | float) and took > 1000.0 * raise_s:
            start = event.t - float(took)
            pc = str((event.metadata or {}).get("pc") or "")
            raised = _state(
                seen, t.SIGNALLING_SLOW, pc, "", start, event.t, event.t, float(took) / 1000.0
            )
            told = Evidence(
                timestamp=iso(event.t),
                source="event",
                id=event.name,
                field="duration_ms",
                value=float(took),
            )
            raised.evidence = (told,)
            found.append(raised)
    return found
