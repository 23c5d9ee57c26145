"""What is found in the bundled recordings of real calls: what docs/findings.md says, no more."""

import gzip

import pytest

from made_calls import seen
from recorded_calls import DATA, collected_facts
from roomtone.findings.session import Thresholds, story_of
from roomtone.model.facts import Identified, Joined, Left
from roomtone.sources.getstats import recording_facts
from roomtone.sources.recordings import decode_file

FOUND = {
    "getstats-clean.json": set(),
    "getstats-mesh3-clean.json": set(),
    "getstats-lossy.json": {"uplink_loss"},
    "safari-standard-stats.jsonl": set(),
    "firefox-standard-stats-sfu.jsonl": {"keyframe_storm"},
    "google-standard-stats-sfu.jsonl": {"audible_concealment", "jitter_buffer_high"},
    "realtimekit-clean": set(),
    "realtimekit-mute": set(),
}
"""Ids of those above info that are nobody's echo."""


def facts_of(name):
    if name.startswith("realtimekit"):
        return collected_facts(name)
    peers = decode_file(gzip.decompress((DATA / f"{name}.gz").read_bytes()))
    ids = {peer.label: f"peer-{peer.label}" for peer in peers}
    told = {}
    for peer in peers:
        first, last, who = peer.samples[0].t, peer.samples[-1].t, ids[peer.label]
        told[peer.label] = (
            Identified(first, "app", "m", "s", who, who, "", peer.label, ""),
            Joined(first, "call_join"),
            *recording_facts(peer, ids),
            Left(last + 300, "disconnect"),
        )
    return told


@pytest.mark.parametrize("name", FOUND)
def test_a_recording_has_what_the_documentation_says(name):
    story = story_of(seen(facts_of(name)), Thresholds.of(None))

    assert {f.id for f in story.findings if f.severity != "info" and not f.echo_of} == FOUND[name]
    assert (story.verdict.outcome == "good") == (not FOUND[name])
