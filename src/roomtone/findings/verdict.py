"""Verdict: a session in at most three plain sentences, made of its findings and nothing else."""

from collections.abc import Iterable, Sequence

from roomtone.findings.attribution import NEAR_MS, Case
from roomtone.findings.catalogue import BY_ID
from roomtone.findings.noticed import Noticed, Raised
from roomtone.findings.spells import Spells, united
from roomtone.findings.wording import SOMEBODY, Names, advice, duration, sentence
from roomtone.model.findings import FindingCounts, Outcome, Verdict
from roomtone.model.times import iso

Echoes = dict[str, list[Raised]]
"""By the key of their cause."""
MAX_SENTENCES = 3
SHORT_MS = 10_000
"""An error that is over sooner spoils a moment, not the call."""
WEIGHT = {"error": 2, "warning": 1, "info": 0}
AT_ONCE = frozenset({"ice_failed", "permission_denied", "one_way_audio"})
"""Errors that keep somebody from the call, however short the finding."""
GONE = frozenset({"ice_failed", "ice_disconnected", "transport_stall"})
"""Steps of one loss of a connection, told as one stretch of time."""
KNOWN = 1.5
"""What can be mended stands before what nobody knows the reason of."""
KNOWN_SIDES = frozenset({"uplink", "downlink", "device", "path", "server", "pair"})
BLAME = {
    "uplink": "the fault was on {who}'s side, on the way out",
    "downlink": "the fault was on {who}'s side, on the way in",
    "device": "the fault was with {who}'s device",
    "path": "the fault was on {who}'s connection",
    "server": "the fault was between everybody, at the server",
    "pair": "which of the two ends it was cannot be told",
    "unknown": "whose side it was is not known",
}


def counts(primary: Sequence[Case]) -> FindingCounts:
    """Findings by severity; without echoes."""
    return FindingCounts(
        **{
            severity: sum(1 for case in primary if case.raised.severity == severity)
            for severity in ("error", "warning", "info")
        }
    )


def verdict(peers: Sequence[Noticed], cases: Sequence[Case], names: Names) -> Verdict:
    """What to say of the session. ``cases``: all, echoes too."""
    told = [case for case in cases if not case.cause and WEIGHT[case.raised.severity]]
    if not told:
        return _nothing(peers, cases)
    echoes: Echoes = {}
    for case in cases:
        if case.cause:
            echoes.setdefault(case.cause, []).append(case.raised)
    groups: dict[tuple[str, ...], list[Case]] = {}
    for case in told:
        groups.setdefault(_group(case), []).append(case)
    ranked = sorted(groups.values(), key=lambda group: _weight(group, echoes))
    sentences = [_sentence(group, echoes, names) for group in ranked[:MAX_SENTENCES]]
    if len(ranked) > MAX_SENTENCES:
        left = len(ranked) - MAX_SENTENCES
        sentences[-1] += f" There were {left} more." if left > 1 else " There was one more."
    return Verdict(outcome=_outcome(told), sentences=tuple(sentences))


def _outcome(told: Sequence[Case]) -> Outcome:
    for case in told:
        one = case.raised
        lasting = one.open or one.end - one.start >= SHORT_MS or one.id in AT_ONCE
        if one.severity == "error" and lasting:
            return "bad"
    return "fair"


def _nothing(peers: Sequence[Noticed], cases: Sequence[Case]) -> Verdict:
    measured = [peer for peer in peers if peer.measured]
    if not measured:
        return Verdict(
            outcome="unknown", sentences=("Not known: no measurements came in of anybody.",)
        )
    people = len({peer.user_id or peer.peer_id for peer in measured})
    lasted = max(peer.until for peer in measured) - min(peer.joined_at for peer in measured)
    who = "one person" if people == 1 else f"{people} people"
    text = f"All was well: {who}, {duration(lasted / 1000)}, and nothing that anybody noticed."
    said = [text]
    silent = len({peer.peer_id for peer in peers}) - len(measured)
    if silent:
        what = "connection" if silent == 1 else "connections"
        said.append(f"Of {silent} more {what} nothing is known: no measurements came in.")
    return Verdict(outcome="good", sentences=tuple(said))


def _group(case: Case) -> tuple[str, ...]:
    """What is one trouble to people: the same side of the same person, or of the same two."""
    if case.side == "pair":
        return ("pair", *sorted((case.raised.peer_id, case.raised.other_peer_id)))
    if case.side in ("server",):
        return (case.side,)
    if case.side == "unknown":
        return (case.side, case.raised.id, case.raised.peer_id)
    if case.side == "device":
        return (case.side, case.raised.id, case.blamed)
    return ("network", case.blamed)


def _weight(group: Sequence[Case], echoes: Echoes) -> tuple[float, ...]:
    """Sorts: what was worst, longest and hit most people comes first."""
    worst = max(
        WEIGHT[case.raised.severity] + (KNOWN if case.side in KNOWN_SIDES else 0.0)
        for case in group
    )
    lasted = sum(case.raised.end - case.raised.start for case in group)
    hit = len({echo.peer_id for case in group for echo in echoes.get(case.key, ())})
    return (-worst, -lasted * (1 + hit), min(case.raised.start for case in group))


def _sentence(group: Sequence[Case], echoes: Echoes, names: Names) -> str:
    case = max(
        group,
        key=lambda case: (
            WEIGHT[case.raised.severity],
            len({echo.peer_id for echo in echoes.get(case.key, ())}),
            case.raised.end - case.raised.start,
            -case.raised.start,
        ),
    )
    one = case.raised
    detector = BY_ID[one.id]
    said = sentence(case, detector, names).removesuffix(".")
    alike = GONE if one.id in GONE else {one.id}
    followed = [echo for each in group for echo in echoes.get(each.key, ())]
    told = [each.raised for each in group]
    told += [echo for echo in followed if one.id in GONE and echo.peer_id == one.peer_id]
    spells = _spells(each for each in told if each.id in alike)
    timed = detector.unit == "s" and "{worst}" in detector.says and len(spells) == 1
    said = f"{said}, {_when(spells, one.open, timed=timed)}"
    if case.side == "pair":
        return f"{said}. {advice(case)}"
    noticed = {echo.peer_id for echo in echoes.get(case.key, ())} - {one.peer_id}
    if noticed:
        said += f"; {_people(noticed, names)} noticed it"
    if case.side == "device" and case.blamed == one.peer_id:
        return f"{said}. {detector.advice}"
    blame = BLAME[case.side].format(who=names.get(case.blamed) or SOMEBODY)
    return f"{said}: {blame}. {detector.advice}"


def _people(peers: set[str], names: Names) -> str:
    known = sorted({names.get(peer_id) or SOMEBODY for peer_id in peers})
    if len(known) > 2:
        return f"{len(known)} others"
    return " and ".join(known)


def _spells(found: Iterable[Raised]) -> Spells:
    """When it was so; what is close together is one spell."""
    padded = united((one.start, one.end + NEAR_MS) for one in found)
    return tuple((start, end - NEAR_MS) for start, end in padded)


def _when(spells: Spells, still: bool, *, timed: bool) -> str:
    """``from 10:03 UTC for 2 minutes``. ``timed``: the sentence says already how long."""
    start, end = spells[0][0], spells[-1][1]
    at = iso(start)[11:16]
    if len(spells) > 1:
        lasted = sum(until - since for since, until in spells)
        whole = f", for {duration(lasted / 1000)} in all" if lasted >= 1_000 else ""
        between = f"from {at} UTC on" if still else f"between {at} and {iso(end)[11:16]} UTC"
        return f"{len(spells)} times {between}{whole}"
    if still:
        return f"from {at} UTC on"
    if timed:
        return f"from {at} UTC"
    if end - start < 1_000:
        return f"at {at} UTC"
    return f"from {at} UTC for {duration((end - start) / 1000)}"
