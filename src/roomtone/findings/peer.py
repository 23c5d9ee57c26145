"""Peer: all rules over one peer."""

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from roomtone.findings import audio, carrying, connecting, flow, loss, pictures, video
from roomtone.findings.catalogue import Thresholds
from roomtone.findings.detector import CUT_OFF
from roomtone.findings.devices import devices
from roomtone.findings.extremes import Extremes, extremes_of, extremes_of_transport
from roomtone.findings.noticed import BUCKET_MS, Edge, Link, Noticed, Raised, Uplink, buckets
from roomtone.findings.spells import Pauses, Spells, pauses_of, touches, united
from roomtone.findings.streams import MIN_PACKETS, NO_PAUSES, Place, is_audio, look
from roomtone.model.facts import Happened
from roomtone.report.observed import AUDIO, RECEIVED, SENT, Observed, ObservedStream

BAD_LOSS_PERCENT = 3.0
BAD_CONCEALMENT = 0.03
BAD_JITTER_S = 0.03
"""An interval of a received stream past any of these is bad, when everybody's legs are compared."""
AFTER_MS = 10_000
"""After a connection came back its buffers fill and its counters catch up."""
RULES = (*loss.RULES, *audio.RULES, *flow.RULES, *pictures.RULES)
LASTING = frozenset({flow.INBOUND_DRY.id, flow.OUTBOUND_DRY.id})
"""Their worst is how long it lasted."""


def notice(seen: Observed, pauses: Mapping[str, Pauses], thresholds: Thresholds) -> Noticed:
    """What the rules find at a peer. ``pauses``: of every peer of the session, by its id."""
    own = pauses.get(seen.peer_id) or pauses_of(seen.events)
    worst = {one.id: extremes_of_transport(one.points) for one in seen.transports}
    upstream = connecting.states(seen, thresholds) + carrying.cut_off(seen, worst, thresholds)
    cut_off = united(
        (one.start, one.end + (0 if one.id == "stats_gap" else AFTER_MS))
        for one in upstream
        if one.id in CUT_OFF
    )
    place = Place(seen, worst, lambda peer_id: pauses.get(peer_id, NO_PAUSES), own, cut_off)
    found = [*upstream, *carrying.carried(seen, worst, cut_off, thresholds)]
    found += connecting.negotiations(seen, thresholds["signalling_slow"]["raise_s"])
    found += devices(seen)
    found += audio.spoke_while_muted(place)
    edges: list[Edge] = []
    uplinks: dict[str, Uplink] = {}
    looked: list[tuple[ObservedStream, Extremes]] = []
    # All about one stream, then all about the next: its readings stay in the processor's cache.
    for stream in seen.streams:
        if not stream.readings:
            continue
        extremes, mask = extremes_of(stream), place.masked(stream)
        found += _stream(place, stream, extremes, mask, thresholds)
        if stream.way == SENT:
            known = uplinks.get(stream.transport, Uplink())
            uplinks[stream.transport] = _uplink(known, stream, seen.offset, own, thresholds)
        elif stream.peer_id:
            edges.append(_edge(seen, stream, extremes, mask, thresholds))
        looked.append((stream, extremes))
    found += loss.summed_up(place, looked, thresholds["call_loss_summary"])
    until = seen.stay.left_at or max(seen.stay.last_sign_at, seen.stay.joined_at)
    return Noticed(
        peer_id=seen.peer_id,
        user_id=seen.user_id,
        name=seen.display_name,
        joined_at=seen.stay.joined_at,
        until=until,
        connected=seen.stay.left_at is None,
        joins=seen.stay.joins,
        measured=any(len(stream.readings) > 1 for stream in seen.streams),
        raised=list(_within(found, seen, until)),
        edges=edges,
        links=_links(seen),
        uplinks=uplinks,
        offline=offline(seen.events),
    )


def _stream(
    place: Place, stream: ObservedStream, worst: Extremes, mask: Spells, thresholds: Thresholds
) -> list[Raised]:
    found: list[Raised] = []
    for rule in RULES:
        if rule.applies(stream):
            found += look(rule, place, stream, worst, mask, thresholds[rule.detector.id])
    for one in found:
        if one.id in LASTING:
            one.worst = (one.end - one.start) / 1000.0
    if is_audio(SENT)(stream) and place.own.tells:
        rule = audio.MICROPHONE_RULE
        found += look(rule, place, stream, worst, mask, thresholds[rule.detector.id])
    if stream.kind != AUDIO and not stream.screen:
        if stream.way == SENT:
            found += pictures.starved(place, stream, mask, thresholds[video.BANDWIDTH_LIMITED.id])
        else:
            numbers = thresholds[video.LOW_RESOLUTION.id]
            found += pictures.small_pictures(place, stream, worst, numbers)
    found += pictures.changes(place, stream, worst)
    return found


def _within(found: Iterable[Raised], seen: Observed, until: int) -> Iterable[Raised]:
    """Cut to the time that the peer was there; a finding of a connected peer may still go on."""
    for one in found:
        start, end = max(one.start, seen.stay.joined_at), min(one.end, until)
        if one.start > until or one.end < seen.stay.joined_at:
            continue
        one.start, one.end = min(start, end), max(start, end)
        one.open = one.open and seen.stay.left_at is None
        yield one


def _edge(
    seen: Observed, stream: ObservedStream, worst: Extremes, mask: Spells, thresholds: Thresholds
) -> Edge:
    offset = seen.offset
    bad: set[int] = set()
    silent: set[int] = set()
    heard = stream.kind == AUDIO
    quiet = _quiet(stream, worst, thresholds[flow.ONE_WAY_AUDIO.id]["silent_level"] ** 2)
    suspect = _suspects(stream, worst, heard)
    for i in sorted(quiet | suspect):
        r, it = stream.readings[i], stream.intervals[i]
        if r.interval_ms is None or r.paused:
            continue
        since = it.since + offset
        if mask and touches(mask, since, it.t + offset):
            continue
        if i in suspect:
            bad.update(buckets(since, it.t + offset))
        if i in quiet or r.outage:
            silent.update(buckets(since, it.t + offset))
    first, last = stream.intervals[0], stream.intervals[-1]
    return Edge(
        sender=stream.peer_id,
        receiver=seen.peer_id,
        transport=stream.transport,
        direct=stream.direct,
        start=buckets(first.t + offset, first.t + offset)[0],
        end=buckets(last.t + offset, last.t + offset)[0],
        bad=frozenset(bad),
        silent=frozenset(silent),
        audio=heard and not stream.screen,
        level_known=worst.quietest < inf,
    )


def _quiet(stream: ObservedStream, worst: Extremes, power: float) -> set[int]:
    """The places of received sound with no more than this power."""
    if worst.quietest > power * 1.001:  # rounding is no matter here
        return set()
    return {
        i
        for i, it in enumerate(stream.intervals)
        if it.total_audio_energy is not None
        and it.total_audio_energy <= power * (it.total_samples_duration or -inf)
    }


def _suspects(stream: ObservedStream, worst: Extremes, heard: bool) -> set[int]:
    """The places of bad readings: seldom any, and of video only loss and outages count."""
    bad = worst.lost or worst.outage
    if heard and not bad:
        bad = worst.jitter_s > BAD_JITTER_S or worst.audible >= BAD_CONCEALMENT
    return {i for i, r in enumerate(stream.readings) if _suspect(r, heard)} if bad else set()


def _suspect(r: Any, heard: bool) -> bool:
    """Whether a reading is bad, whatever the reason on the way."""
    lost = r.packets_lost
    if lost:
        expected = lost + (r.packets_received or 0)
        if expected >= MIN_PACKETS and 100.0 * lost > BAD_LOSS_PERCENT * expected:
            return True
    if not heard or r.outage:
        return bool(r.outage)
    if (r.jitter or 0.0) <= BAD_JITTER_S and (r.audible_concealment_fraction or 0.0) < (
        BAD_CONCEALMENT
    ):
        return False
    return (r.packets_received or 0) >= MIN_PACKETS


def _links(seen: Observed) -> tuple[Link, ...]:
    """What each transport carries, and from whom."""
    made = []
    for transport in seen.transports:
        streams = [stream for stream in seen.streams if stream.transport == transport.id]
        senders = {s.peer_id for s in streams if s.way == RECEIVED and s.peer_id}
        direct = {s.peer_id for s in streams if s.direct and s.peer_id}
        made.append(
            Link(
                transport=transport.id,
                senders=frozenset(senders) | transport.peer_ids,
                sends=any(stream.way == SENT for stream in streams),
                direct=next(iter(direct)) if len(direct) == 1 else "",
            )
        )
    return tuple(made)


def _uplink(
    before: Uplink, stream: ObservedStream, offset: int, own: Pauses, thresholds: Thresholds
) -> Uplink:
    """What a sending transport was told of loss, and when its microphone was loud; ``before``: by
    its other streams."""
    least = thresholds[flow.ONE_WAY_AUDIO.id]["source_level"]
    bad_from = thresholds[loss.REMOTE_UPLINK_LOSS.id]["uplink_percent"]
    fine_to = thresholds[loss.DOWNLINK_LOSS.id]["uplink_fine_percent"]
    known: set[int] = set()
    bad: set[int] = set()
    between: set[int] = set()
    reached = 0.0
    for r, it in zip(stream.readings, stream.intervals, strict=True):
        lost = r.packets_lost
        if lost is None:
            continue
        end = it.t + offset
        if not lost and end < reached:
            continue  # that bucket is known already
        percent = loss.sent_percent(r)
        if percent is None or it.since is None or (end < reached and percent <= fine_to):
            continue
        touched = buckets(it.since + offset, end)
        known.update(touched)
        reached = touched.stop * BUCKET_MS
        if percent > bad_from:
            bad.update(touched)
        elif percent > fine_to:
            between.update(touched)
    loud = _loud(stream, offset, own, least) if is_audio(SENT)(stream) else set()
    return Uplink(
        before.known | known, before.bad | bad, before.between | between, before.loud | loud
    )


def _loud(stream: ObservedStream, offset: int, own: Pauses, least: float) -> set[int]:
    """When the microphone, on, was louder than ``least``."""
    loud: set[int] = set()
    reached = 0.0
    power = least * least
    energy: float | None = None
    seconds = 0.0
    for it in stream.intervals:
        source = it.source
        if source is None or source.total_audio_energy is None:
            continue
        energy_before, seconds_before = energy, seconds
        energy, seconds = source.total_audio_energy, source.total_samples_duration or 0.0
        until = it.t + offset
        if until < reached or energy_before is None or it.since is None or it.paused:
            continue
        lasted = seconds - seconds_before
        if lasted <= 0 or energy - energy_before <= power * lasted:
            continue
        since = it.since + offset
        if not (own.microphone and touches(own.microphone, since, until)):
            touched = buckets(since, until)
            loud.update(touched)
            reached = touched.stop * BUCKET_MS
    return loud


def offline(events: Iterable[Happened]) -> Spells:
    """When the browser itself said that it had no network."""
    spells: list[tuple[float, float]] = []
    since: float | None = None
    for event in events:
        told = event.metadata or {}
        if event.name != "network_change" or not isinstance(told.get("online"), bool):
            continue
        if not told["online"]:
            since = event.t if since is None else since
        elif since is not None:
            spells.append((since, event.t + AFTER_MS))
            since = None
    if since is not None:
        spells.append((since, inf))
    return united(spells)
