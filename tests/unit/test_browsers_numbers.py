"""Chrome, Firefox and Safari: every number that a browser gives is kept, and what it does not give
is null, never zero, in the facts and in the report."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

import roomtone
from recorded_calls import as_json, identified, reports
from roomtone.model.facts import AnyFact, Snapshot
from roomtone.sources.jitsi import decode_recording
from roomtone.sources.recorded import recording_facts

RECORDINGS = Path(roomtone.__file__).parent / "recordings"
BROWSERS = {
    "chrome": "google-standard-stats-sfu.jsonl.gz",
    "firefox": "firefox-standard-stats-sfu.jsonl.gz",
    "safari": "safari-standard-stats.jsonl.gz",
}
OLD_NAMES = {
    "kind": "mediaType", "packetsDiscarded": "discardedPackets", "address": "ip",
    "port": "portNumber", "protocol": "transport",
}  # fmt: skip
FROM_TRACKS = {
    "frameWidth", "frameHeight", "freezeCount", "totalFreezesDuration", "pauseCount",
    "totalPausesDuration", "concealedSamples", "silentConcealedSamples", "concealmentEvents",
    "insertedSamplesForDeceleration", "removedSamplesForAcceleration", "totalSamplesReceived",
    "jitterBufferDelay", "jitterBufferEmittedCount", "audioLevel", "totalAudioEnergy",
    "totalSamplesDuration", "framesReceived", "framesDecoded", "framesDropped", "trackIdentifier",
}  # fmt: skip
"""Safari, and Chrome once, tell these of a stream in an object of type ``track``."""
SIZES = {"frameWidth", "frameHeight"}
NOT_NUMBERS = {"id", "type", "timestamp", "address"}
"""Addresses are masked, and times are told apart elsewhere."""


@cache
def facts_of(browser: str) -> tuple[AnyFact, ...]:
    (peer,) = decode_recording((RECORDINGS / BROWSERS[browser]).read_bytes())
    return recording_facts(peer)


@cache
def told(browser: str) -> list[dict[str, dict[str, Any]]]:
    """A naive reading of the dump: each poll's whole objects."""
    known: dict[str, dict[str, dict[str, Any]]] = {}
    polls = []
    for line in gzip.decompress((RECORDINGS / BROWSERS[browser]).read_bytes()).splitlines():
        method, pc, value, *_ = json.loads(line)
        if method == "getstats":
            before = known.get(pc, {})
            now = {
                stat_id: {**before.get(stat_id, {}), **stat}
                for stat_id, stat in value.items()
                if isinstance(stat, dict)
            }
            known[pc] = now
            polls.append({stat_id: dict(stat) for stat_id, stat in now.items()})
    return polls


def layers_of(poll: dict[str, dict[str, Any]]) -> set[str]:
    """Streams that share their track: its size is not theirs."""
    sent = {
        one: stat.get("trackId") for one, stat in poll.items() if stat["type"] == "outbound-rtp"
    }
    return {one for one, track in sent.items() if list(sent.values()).count(track) > 1}


@pytest.mark.parametrize("browser", BROWSERS)
def test_every_number_is_kept_and_what_is_not_told_is_null(browser: str) -> None:
    taken = [fact for fact in facts_of(browser) if isinstance(fact, Snapshot)]
    polls = told(browser)
    assert len(taken) == len(polls) > 5
    kept = nulls = 0
    for snapshot, poll in zip(taken, polls, strict=True):
        layers = layers_of(poll)
        for stat in snapshot.stats:
            said = poll[stat.id]
            track = poll.get(str(said.get("trackId")), {})
            for field in msgspec.structs.fields(stat):
                name = field.encode_name
                if name in NOT_NUMBERS:
                    continue
                ours = getattr(stat, field.name)
                theirs = said.get(name, said.get(OLD_NAMES.get(name, name)))
                of_track = stat.id not in layers or name not in SIZES
                if theirs is None and name in FROM_TRACKS and of_track:
                    theirs = track.get(name)
                if theirs is None:
                    assert ours is None, f"{browser}: {stat.id}.{name} is made up: {ours!r}"
                    nulls += 1
                elif ours is None:
                    # What browsers write where they do not know.
                    unknown = theirs == 0 if name in SIZES else theirs in ("", -1)
                    assert unknown, f"{browser}: {stat.id}.{name}: {theirs!r} is lost"
                elif isinstance(theirs, int | float):
                    assert ours == theirs, f"{browser}: {stat.id}.{name}: {ours!r}, not {theirs!r}"
                    kept += 1
    assert kept > 500
    assert nulls > 50


MEASURED_BY = {
    "audio_consumer": {
        "jitter_buffer_delay": "jitterBufferDelay",
        "concealment_events": "concealmentEvents",
    },
    "video_consumer": {
        "jitter_buffer_delay": "jitterBufferDelay",
        "frame_width": "frameWidth",
        "frames_dropped": "framesDropped",
        "key_frames_decoded": "keyFramesDecoded",
    },
    "video_producer": {
        "frame_width": "frameWidth",
        "key_frames_encoded": "keyFramesEncoded",
        "quality_limitation_reason": "qualityLimitationReason",
        "quality_limitation_durations": "qualityLimitationDurations",
    },
}
"""The report's members, and the browser's number that each is made of."""
NOT_MEASURED = {"chrome": 1, "firefox": 10, "safari": 5}
"""How many of them the browser of each recording had no number for."""


@pytest.mark.parametrize("browser", BROWSERS)
def test_the_report_shows_null_for_what_the_browser_cannot_measure(browser: str) -> None:
    facts = facts_of(browser)
    who = identified("peer", min(fact.t for fact in facts))
    report = as_json(reports({"peer": (who, *facts)})["peer"])
    quality = report["peer_report"]["quality"]
    missing = 0
    for kind, members in MEASURED_BY.items():
        way = "inbound-rtp" if kind.endswith("consumer") else "outbound-rtp"
        given = {
            name
            for poll in told(browser)
            for stat in poll.values()
            for name, value in stat.items()
            if stat["type"] in (way, "track") and value != 0
        }
        assert quality[kind], f"{browser}: no {kind}"
        for member, needed in members.items():
            values = [reading.get(member) for reading in quality[kind]]
            if needed not in given:
                missing += set(values) == {None}
            else:
                assert any(value is not None for value in values), f"{browser}: {kind}.{member}"
    assert missing == NOT_MEASURED[browser]
