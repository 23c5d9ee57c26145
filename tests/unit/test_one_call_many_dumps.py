"""One recorded call, told live by the collector and as a dump of each kind: the same peer report.

The dumps are written here, from the readings that the live door gets, each with the quirks of its
writer. What a format cannot tell, and so what differs, stands in ``FORCED`` with its reason.
"""

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from recorded_calls import Json, as_json, identified, raw_samples, reports
from roomtone.model.facts import AnyFact
from roomtone.model.times import parse_iso
from roomtone.sources.recorded import recording_facts
from roomtone.sources.recordings import decode_file
from roomtone.sources.user_agents import describe
from roomtone.sources.wire import decode_batch

PEER = "0055f63d-d002-4a7f-8867-022d0e5afb24"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
Readings = list[tuple[int, list[Json]]]


@cache
def _readings(name: str) -> Readings:
    return [(int(one["a"]["t"]), one["a"]["stats"]) for one in raw_samples(name)]


def readings(name: str) -> Readings:
    return copy.deepcopy(_readings(name))


# --- the writers ----------------------------------------------------------------------------------


def changes(samples: Readings) -> Iterator[tuple[int, list[Json], list[Json]]]:
    """(time, whole objects, the same without ``id`` and what did not change)."""
    before: dict[str, Json] = {}
    for t, stats in samples:
        fresh = []
        for stat in stats:
            known = before.get(stat["id"], {})
            fresh.append({k: v for k, v in stat.items() if k != "id" and known.get(k) != v})
        yield t, stats, fresh
        before = {stat["id"]: stat for stat in stats}


def jitsi_dump(samples: Readings) -> bytes:
    """Protocol 3.1: the newest timestamp once, 0 for who had it, and absent is gone."""
    rows: list[Any] = [["connectionInfo", None, {"userAgent": AGENT}, samples[0][0]]]
    rows.append(["create", "PC_0", {"iceServers": []}, samples[0][0]])
    for t, stats, fresh in changes(samples):
        newest = max(stat["timestamp"] for stat in stats)
        delta: Json = {"timestamp": newest}
        for stat, change in zip(stats, fresh, strict=True):
            if stat["timestamp"] == newest:
                change["timestamp"] = 0
            delta[stat["id"]] = change
        rows.append(["getstats", "PC_0", delta, t])
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def rtcstats_dump(samples: Readings) -> bytes:
    """Version 3: named members, ``null`` for an object that is gone, times after each other."""
    rows: list[Any] = [["create", "PC_0", {"iceServers": []}, samples[0][0]]]
    last, known = samples[0][0], set[str]()
    for t, stats, fresh in changes(samples):
        delta: Json = {
            stat["id"]: change for stat, change in zip(stats, fresh, strict=True)
        } | dict.fromkeys(known - {stat["id"] for stat in stats})
        known = {stat["id"] for stat in stats}
        rows.append(["getStats", "PC_0", delta, t - last])
        last = t
    head = {"fileFormat": 3, "userAgent": AGENT}
    text = "\n".join(map(json.dumps, rows))
    return f"RTCStatsDump\n{json.dumps(head)}\n{text}\n".encode()


def internals_dump(samples: Readings) -> bytes:
    """Chrome's: a series for every member of every object, as text, with its own computed ones."""
    series: dict[str, Json] = {}
    for t, stats in samples:
        for stat in stats:
            for member, value in stat.items():
                if member == "id":
                    continue
                about = {"statsType": stat["type"], "startTime": t, "values": []}
                held = series.setdefault(f"{stat['id']}-{member}", about)
                held["values"].append(value)
                held["endTime"] = t
    for key in [key for key in series if key.endswith("-packetsSent")]:
        series[key.replace("-packetsSent", "-[packetsSent/s]")] = copy.deepcopy(series[key])
    for one in series.values():
        one["values"] = json.dumps(one["values"])
    log = [{"timestamp": samples[0][0], "type": "setConfiguration", "value": ""}]
    connection = {"rtcConfiguration": "{}", "url": "https://x/", "stats": series, "updateLog": log}
    file = {"getUserMedia": [], "PeerConnections": {"7-1": connection}, "UserAgent": AGENT}
    return json.dumps(file).encode()


# --- the doors ------------------------------------------------------------------------------------


def live(samples: Readings) -> tuple[AnyFact, ...]:
    """What the collector's door makes of the call."""
    facts: list[AnyFact] = []
    entries: list[Json] = [{"event": "call_join", "timestamp": samples[0][0]}]
    entries += [
        {"event": "stats", "timestamp": t, "metaData": {"pc": "7-1", "report": stats}}
        for t, stats in samples
    ]
    entries.append({"event": "disconnect", "timestamp": samples[-1][0]})
    for number, entry in enumerate(entries):
        body = {"peer_id": PEER, "seq": number, "entries": [entry]}
        decoded = decode_batch(json.dumps(body).encode(), now=None, mask=True, user_agent=AGENT)
        facts += decoded.facts
    # The door tells the browser from the request's header.
    return (describe(AGENT, samples[0][0]), *facts)


def imported(dump: bytes) -> tuple[AnyFact, ...]:
    (peer,) = decode_file(dump)
    return recording_facts(peer)


def report_of(facts: tuple[AnyFact, ...]) -> Json:
    who = identified(PEER, min(fact.t for fact in facts))
    return as_json(reports({PEER: (who, *facts)})[PEER])


DUMPS: dict[str, Callable[[Readings], bytes]] = {
    "rtcstats": rtcstats_dump,
    "internals": internals_dump,
    "jitsi": jitsi_dump,
}
OWN_EVENTS = "the collector says that it joined and left, a dump that the page opened a connection"
NO_POLLS = "webrtc-internals has the times of the objects, not of the poll: some milliseconds less"
FORCED: dict[str, dict[str, str]] = {
    "rtcstats": {"events": OWN_EVENTS},
    "jitsi": {"events": OWN_EVENTS},
    "internals": {
        "events": OWN_EVENTS,
        **dict.fromkeys(("joined_at", "left_at", "created_at", "updated_at"), NO_POLLS),
        **dict.fromkeys(("duration", "talk_time_s"), NO_POLLS),
    },
}
"""By the dump: the member of the report that differs, and why it must."""
POLL_MS = 5


def leaves(said: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(said, dict):
        for key, value in said.items():
            yield from leaves(value, f"{where}/{key}")
    elif isinstance(said, list):
        yield f"{where}#", len(said)
        for number, value in enumerate(said):
            yield from leaves(value, f"{where}/{number}")
    else:
        yield where, said


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", DUMPS)
@pytest.mark.parametrize("name", ["clean", "lossy"])
def test_a_dump_gives_the_report_of_the_live_call(name: str, kind: str, packed: bool) -> None:
    dump = DUMPS[kind](readings(name))
    theirs = dict(leaves(report_of(imported(gzip.compress(dump) if packed else dump))))
    ours = dict(leaves(report_of(live(readings(name)))))
    forced = FORCED[kind]
    differing = {
        where: (ours.get(where), theirs.get(where))
        for where in {*ours, *theirs}
        if ours.get(where) != theirs.get(where)
    }
    unforced = {
        where: said
        for where, said in differing.items()
        if not any(member in forced for member in where.replace("#", "").split("/"))
    }

    assert unforced == {}
    assert len(ours) > 300
    for member, reason in forced.items():
        if reason == NO_POLLS:
            assert abs(_ms(ours[f"/{member}"]) - _ms(theirs[f"/{member}"])) <= POLL_MS


def _ms(said: Any) -> float:
    """A time, minutes of a stay or seconds of talk, in milliseconds within a few."""
    if isinstance(said, str):
        return parse_iso(said)
    return 0.0 if said is None else said * 1_000 / 60
