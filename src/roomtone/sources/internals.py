"""Dumps of chrome://webrtc-internals: series of every member of every stats object → reports.

A series is ``"<report id>-<member>": {statsType, startTime, endTime, values: "[…]"}``. Ids hold
dashes, so a key is split at its last one; what Chrome computes itself is in brackets and is left
out. ``<id>-timestamp`` is the time axis of an object (since Chrome 117; without it, ``startTime``
and ``endTime`` are all there is). A series that is shorter than its axis began later, and ends with
it. Chrome keeps a thousand samples: the beginning of a longer call is gone, which is noted.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from roomtone.model.errors import BadRequest, Fault, Invalid
from roomtone.model.facts import AnyFact, Happened
from roomtone.model.limits import MAX_ID_CHARS, MAX_NAME_CHARS, MAX_STATS_PER_REPORT
from roomtone.sources.faults import MALFORMED
from roomtone.sources.recorded import RecordedPeer, Sample, inflated
from roomtone.sources.rtcstats.deltas import WANTED, WORDS
from roomtone.sources.rtcstats.dump import page_of
from roomtone.sources.rtcstats.reader import Reader
from roomtone.sources.rtcstats.rows import LATEST_MS, Row
from roomtone.sources.series import NO_AXIS, Series, polls

KEPT_SAMPLES = 1_000
"""Of each series, by Chrome."""
MAX_LOG = 200_000
"""Entries of one connection's log that are read."""
_OLD_NAMES = {
    "signalingstatechange": "onsignalingstatechange",
    "signalingStateChange": "onsignalingstatechange",
    "iceconnectionstatechange": "oniceconnectionstatechange",
    "iceConnectionStateChange": "oniceconnectionstatechange",
    "icegatheringstatechange": "onicegatheringstatechange",
    "iceGatheringStateChange": "onicegatheringstatechange",
    "connectionstatechange": "onconnectionstatechange",
    "connectionStateChange": "onconnectionstatechange",
    "icecandidate": "onicecandidate",
    "icecandidateerror": "onicecandidateerror",
    "stop": "close",
}
_LOOSE = msgspec.json.Decoder()


class _Series(Struct):
    values: str = "[]"
    stats_type: str = field(default="", name="statsType")


class _Entry(Struct):
    type: str
    timestamp: float | str | None = None
    time: float | str | None = None
    value: Any = None


class _Connection(Struct):
    stats: dict[str, _Series] = {}
    update_log: list[_Entry] = field(default=[], name="updateLog")
    url: Any = None


class _File(Struct):
    connections: dict[str, _Connection] = field(name="PeerConnections")
    user_media: list[dict[str, Any]] = field(default=[], name="getUserMedia")
    user_agent: str | None = field(default=None, name="UserAgent")
    cpus: Any = field(default=None, name="hardwareConcurrency")
    memory: Any = field(default=None, name="deviceMemory")


_DECODER = msgspec.json.Decoder(_File)


def decode_recording(data: bytes) -> list[RecordedPeer]:
    """The people of a dump, plain or gzip, one a page. Raises Refused."""
    try:
        file = _DECODER.decode(inflated(data))
    except msgspec.ValidationError as error:
        fault = Fault("", str(error))
        raise Invalid("Not a dump of chrome://webrtc-internals.", (fault,)) from None
    except MALFORMED as error:
        raise BadRequest(f"The dump is not JSON: {error}.") from None
    pages: dict[str, dict[str, _Connection]] = {}
    for name, connection in file.connections.items():
        pages.setdefault(page_of(name), {})[name[:MAX_ID_CHARS]] = connection
    found = [_person(file, page, of_page) for page, of_page in pages.items()]
    return _introduced([person for person in found if person is not None])


def _person(file: _File, page: str, connections: dict[str, _Connection]) -> RecordedPeer | None:
    samples: list[Sample] = []
    rows: list[Row] = []
    notes: list[str] = []
    cut: list[AnyFact] = []
    for pc, connection in connections.items():
        log = _log(pc, connection)
        told, series_notes = _samples(pc, connection.stats)
        begins = min([*[row.t for row in log], *[sample.t for sample in told[:1]]], default=None)
        if begins is None:
            continue
        rows += [Row("create", pc, None, begins), *log]
        samples += told
        notes += [f"{pc}: {note}" for note in series_notes]
        if len(told) >= KEPT_SAMPLES:
            lost_ms = told[0].t - begins
            notes.append(f"{pc}: statsTruncated, Chrome kept the last {len(told)} samples only")
            metadata = {"pc": pc, "lost_ms": lost_ms}
            cut.append(Happened(t=told[0].t, name="stats_truncated", metadata=metadata))
    if not rows:
        return None
    start = min(row.t for row in rows)
    rows += [row for entry in file.user_media for row in _asked(entry, page)]
    if file.cpus is not None or file.memory is not None:
        device = {"hardwareConcurrency": file.cpus, "deviceMemory": file.memory}
        rows.append(Row("create", None, device, start))
    rows.sort(key=lambda row: row.t)
    reader = Reader("import", mask=True)
    events = [fact for fact in reader.take_all(rows) if not _joins(fact)]
    return RecordedPeer(
        label=f"page {page}" if page else "webrtc-internals",
        remote_labels={},
        user_agent=file.user_agent,
        samples=sorted(samples, key=lambda sample: sample.t),
        events=(*events, *cut),
        shared_tracks=frozenset(reader.shared),
        joined_at=start,
        notes=tuple(notes),
    )


def _joins(fact: AnyFact) -> bool:
    return type(fact).__name__ == "Joined"


# --- the log ------------------------------------------------------------------------------------


def _log(pc: str, connection: _Connection) -> list[Row]:
    rows = []
    for entry in connection.update_log[:MAX_LOG]:
        t = _time(entry.timestamp if entry.timestamp is not None else entry.time)
        if t is not None and entry.type:
            method = _OLD_NAMES.get(entry.type, entry.type)[:MAX_ID_CHARS]
            rows.append(Row(method, pc, _value(entry.value), t))
    return rows


def _time(said: Any) -> int | None:
    """Epoch ms; old dumps say a time of day for people, which is of no use without its date."""
    if isinstance(said, str):
        try:
            said = float(said)
        except ValueError:
            return None
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return int(said) if 0 < said <= LATEST_MS else None


def _value(said: Any) -> Any:
    """The JSON in a log's text; of the older ``name: value, …`` only a candidate is of interest."""
    if not isinstance(said, str) or not said:
        return None
    try:
        return _LOOSE.decode(said)
    except MALFORMED:
        pass
    _, found, candidate = said.partition("candidate:")
    if found:
        return {"candidate": f"candidate:{candidate.strip()}"}
    return said


def _asked(entry: dict[str, Any], page: str) -> list[Row]:
    """getUserMedia() and getDisplayMedia(): what was asked for, or what came of it."""
    t = _time(entry.get("timestamp"))
    rid, kind = entry.get("rid"), entry.get("request_type")
    if t is None or (page and str(rid) != page):
        return []
    if kind not in ("getUserMedia", "getDisplayMedia"):
        kind = "getUserMedia"
    extra = (f"{entry.get('request_id')}",)
    if isinstance(entry.get("error"), str):
        return [Row(f"{kind}OnFailure", None, entry["error"][:MAX_NAME_CHARS], t, extra)]
    if "stream_id" not in entry:
        wanted = {name: entry[name] for name in ("audio", "video") if name in entry}
        return [Row(kind, None, wanted, t, extra)]
    tracks = []
    for name in ("audio", "video"):
        info = _value(entry.get(f"{name}_track_info"))
        if isinstance(info, dict):
            tracks.append([name, info.get("id"), info.get("label")])
    return [Row(f"{kind}OnSuccess", None, tracks, t, extra)]


# --- the series ---------------------------------------------------------------------------------


def _samples(pc: str, stats: dict[str, _Series]) -> tuple[list[Sample], list[str]]:
    """The reports of a connection, one a poll, and what is to be said of them."""
    found: dict[str, Series] = {}
    for key, series in stats.items():
        stat_id, dash, member = key.rpartition("-")
        if not dash or (member not in WORDS and member != "type"):
            continue
        if series.stats_type not in WANTED:
            continue
        values = _values(series.values)
        if values:
            found.setdefault(stat_id[:1024], Series(series.stats_type)).members[member] = values
    if len(found) > MAX_STATS_PER_REPORT:
        raise Invalid(f"More than {MAX_STATS_PER_REPORT} stats objects in one connection.")
    without = [stat_id for stat_id, series in found.items() if not series.axis]
    notes = [NO_AXIS.format(len(without))] if without else []
    made = polls({stat_id: series for stat_id, series in found.items() if series.axis})
    return [Sample(t=int(t), pc=pc, report=report) for t, report in made], notes


def _values(text: str) -> list[Any]:
    try:
        values = _LOOSE.decode(text)
    except MALFORMED:
        return []
    return values if isinstance(values, list) else []


# --- who is at the other end --------------------------------------------------------------------


def _introduced(people: list[RecordedPeer]) -> list[RecordedPeer]:
    """Pages of one browser that called each other: what one sends is what the other receives."""
    if len(people) < 2:
        return people
    sent = {person.label: _ssrcs(person, "outbound-rtp") for person in people}
    made = []
    for person in people:
        remotes = {}
        for pc, heard in _ssrcs(person, "inbound-rtp").items():
            for other, theirs in sent.items():
                if other != person.label and any(heard & ssrcs for ssrcs in theirs.values()):
                    remotes[pc] = other
        made.append(msgspec.structs.replace(person, remote_labels=remotes))
    return made


def _ssrcs(person: RecordedPeer, kind: str) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {}
    for sample in person.samples:
        of_pc = found.setdefault(sample.pc, set())
        for stat in sample.report:
            if stat["type"] == kind and isinstance(stat.get("ssrc"), int):
                of_pc.add(stat["ssrc"])
    return found
