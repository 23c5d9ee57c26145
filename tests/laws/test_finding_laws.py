"""The laws of findings, over random calls.

They do not depend on how the input was cut; more loss never takes a loss finding away; every one
lies within its peer's presence; attribution does not know names; the same facts, the same bytes.
"""

from itertools import pairwise

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from made_calls import STEP_MS, Stream, peer, told_of
from roomtone.findings.catalogue import DETECTORS
from roomtone.findings.hysteresis import Rule, runs
from roomtone.findings.session import Thresholds, story_of
from roomtone.model.facts import AnyFact
from roomtone.model.times import iso
from roomtone.report.build import build_observed
from roomtone.report.fold import fold, new_state
from roomtone.report.order import in_order
from roomtone.report.stay import clock_offset, stay
from roomtone.report.traces import traces
from roomtone.sources.presence import presence_of

law = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LOSSES = {"uplink_loss", "downlink_loss", "remote_uplink_loss"}
PEOPLE = ("ann", "bob", "cid")
EVENTS = (
    ("audio_off", None),
    ("audio_on", None),
    ("video_off", None),
    ("browser_backgrounded", None),
    ("browser_foregrounded", None),
    ("connection_state", {"pc": "t", "state": "disconnected"}),
    ("connection_state", {"pc": "t", "state": "connected"}),
    ("connection_state", {"pc": "t", "state": "failed"}),
    ("network_change", {"online": False}),
    ("network_change", {"online": True}),
    ("track_ended", {"kind": "audio", "source": "microphone"}),
)
losses = st.lists(st.sampled_from((0, 0, 0, 8, 20, 45, 120)), min_size=9, max_size=9)
steps_of = {
    ("in", "audio"): st.sampled_from(
        (
            *({}, {}, {"packets_lost": 60}, {"concealed_samples": 30_000}, {"jitter": 0.05}),
            *({"packets_received": 0}, {"jitter_buffer_delay": 2e5}, {"total_audio_energy": 0.0}),
        )
    ),
    ("in", "video"): st.sampled_from(
        (
            *({}, {}, {"packets_lost": 90}, {"frames_decoded": 50}, {"pli_count": 9}),
            {"total_freezes_duration": 5.0, "freeze_count": 2},
        )
    ),
    ("out", "audio"): st.sampled_from(({}, {}, {"lost": 60}, {"packets_sent": 0}, {"energy": 0.0})),
    ("out", "video"): st.sampled_from(
        ({}, {}, {"lost": 90}, {"cpu": 6.0}, {"bandwidth": 20.0}, {"frames_encoded": 60})
    ),
}


@st.composite
def calls(draw, people=PEOPLE):
    """(streams, connections, events) of each person, by position; senders by position too."""
    made = []
    for mine in range(len(people)):
        streams = []
        for kind in ("audio", "video"):
            if draw(st.integers(0, 3)):
                steps = draw(st.lists(steps_of["out", kind], min_size=3, max_size=9))
                streams.append(("out", kind, 10 * mine + (kind == "video"), steps, None))
            for theirs in range(len(people)):
                if theirs != mine and draw(st.integers(0, 3)):
                    steps = draw(st.lists(steps_of["in", kind], min_size=3, max_size=9))
                    streams.append(("in", kind, 10 * theirs + (kind == "video"), steps, theirs))
        rtts = draw(st.lists(st.sampled_from((0.05, 0.4, 0.7)), max_size=9))
        events = draw(st.lists(st.tuples(st.integers(0, 80), st.sampled_from(EVENTS)), max_size=5))
        made.append((streams, rtts, sorted(events, key=lambda each: each[0])))
    return made


@st.composite
def lossy(draw, people=PEOPLE):
    """Calls over a server in which people's ways out and in lose packets, and some leave early;
    the senders are told of it by RTCP, or nobody is, as with RealtimeKit's client."""
    patterns = st.lists(st.sampled_from((0, 0, 40, 90)), min_size=9, max_size=9)
    out, into = ([draw(patterns) for _ in people] for _ in range(2))
    last = [draw(st.integers(4, 9)) for _ in people]
    rtcp = draw(st.booleans())
    made = []
    for mine in range(len(people)):
        told = {"lost": None, "rtt": None}
        sent = [{"lost": x} if rtcp else told for x in out[mine][: last[mine]]]
        streams = [("out", "audio", 10 * mine, sent, None)]
        for theirs in range(len(people)):
            both = zip(out[theirs], into[mine], strict=True)
            lost = [{"packets_lost": up + down} for up, down in both]
            if theirs != mine:
                streams.append(("in", "audio", 10 * theirs, lost[: last[mine]], theirs))
        made.append((streams, [], []))
    return made


any_call = st.one_of(calls(), lossy())


def facts_of(call, people=PEOPLE):
    return [
        peer(
            people[mine],
            [
                Stream(way, kind, ssrc, steps, sender="" if by is None else people[by])
                for way, kind, ssrc, steps, by in streams
            ],
            connections=[{"rtt_s": rtt} for rtt in rtts],
            events=[(s, name, told) for s, (name, told) in events],
        )
        for mine, (streams, rtts, events) in enumerate(call)
    ]


def seen_in_pieces(all_facts, cuts):
    """As the rules see it when every peer's facts come in pieces, looked at in between."""
    states = []
    for told in all_facts:
        facts = list(in_order([(min(fact.t for fact in told), lambda told=told: told)]))
        state = new_state(STEP_MS)
        edges = [0, *sorted(cut for cut in cuts if cut < len(facts)), len(facts)]
        for start, end in pairwise(edges):
            state = fold(state, facts[start:end])
            traces(state)
        states.append((state, presence_of(facts, None)))
    sent = {k: v for state, said in states for k, v in traces(state, clock_offset(said)).items()}
    return [
        build_observed(state, stay(said), sent, clock_offset_ms=clock_offset(said))[1]
        for state, said in states
    ]


@law
@given(any_call, st.lists(st.integers(0, 20), max_size=5))
def test_findings_do_not_depend_on_how_the_input_was_cut(call, cuts):
    facts = facts_of(call)
    pieces = story_of(seen_in_pieces(facts, cuts), Thresholds.of(None))
    assert msgspec.json.encode(pieces) == msgspec.json.encode(told_of(*facts))


@law
@given(any_call)
def test_the_same_facts_give_the_same_bytes(call):
    again = [
        msgspec.msgpack.decode(msgspec.msgpack.encode(each), type=tuple[AnyFact, ...])
        for each in facts_of(call)
    ]
    assert msgspec.json.encode(told_of(*again)) == msgspec.json.encode(told_of(*facts_of(call)))


@law
@given(any_call)
def test_every_finding_lies_within_its_peers_presence(call):
    facts = facts_of(call)
    ends = {person: (told[0], told[-1]) for person, told in zip(PEOPLE, facts, strict=True)}
    for finding in told_of(*facts).findings:
        first, last = ends[finding.peer_id]
        assert finding.end is not None
        assert iso(first.t) <= finding.start <= finding.end <= iso(last.t)


def story_by_position(told, people):
    at = {person: place for place, person in enumerate(people)}

    def cause(echo_of):
        name, _, person = (echo_of or "").partition("@")
        return (name, at.get(person))

    return sorted(
        (
            (one.id, at[one.peer_id], one.side, at.get(one.blamed_peer_id, -1)),
            (at.get(one.other_peer_id, -1), cause(one.echo_of), one.start, one.end, one.severity),
        )
        for one in told.findings
    )


@law
@given(any_call, st.permutations(("zoe", "adam", "mia")))
def test_attribution_is_the_same_whatever_people_are_called(call, other_names):
    one, other = told_of(*facts_of(call)), told_of(*facts_of(call, other_names))
    assert repr(story_by_position(one, PEOPLE)) == repr(story_by_position(other, other_names))
    assert one.counts == other.counts
    assert one.verdict.outcome == other.verdict.outcome


@law
@given(st.lists(losses, min_size=3, max_size=3), st.lists(losses, min_size=3, max_size=3))
def test_more_loss_never_takes_a_loss_finding_away(before, more):
    def call(lost):
        received = [
            Stream("in", "audio", n, [{"packets_lost": x} for x in lost[n]], sender="bob")
            for n in (0, 1)
        ]
        sent = Stream("out", "audio", 2, [{"lost": x} for x in lost[2]])
        told = told_of(peer("ann", [*received, sent]), peer("bob", seconds=70))
        return [one for one in told.findings if one.id in LOSSES]

    worse = [[a + b for a, b in zip(x, y, strict=True)] for x, y in zip(before, more, strict=True)]
    after = call(worse)
    for one in call(before):
        assert any(
            each.peer_id == one.peer_id
            and (each.id == "uplink_loss") == (one.id == "uplink_loss")
            and each.start <= one.end
            and each.end >= one.start
            for each in after
        ), (one, after)


everybody = st.sets(st.sampled_from(range(len(PEOPLE))))
"""By position."""


@law
@given(any_call, st.lists(st.sampled_from((0, 40, 150)), min_size=9, max_size=9), everybody)
def test_more_loss_of_anybodys_way_out_leaves_every_loss_told_be_it_as_an_echo(call, more, whose):
    worse = [
        ([lost_more(s, more) if {mine, s[4]} & whose_of(s, whose) else s for s in streams], *rest)
        for mine, (streams, *rest) in enumerate(call)
    ]
    after = [one for one in told_of(*facts_of(worse)).findings if one.id in LOSSES]
    for one in told_of(*facts_of(call)).findings:
        # An uplink that only its receivers told of may be seen otherwise once they lose more of
        # others as well: what they lost is still told at them.
        if one.id in LOSSES and (one.stream or one.id != "uplink_loss"):
            assert any(
                each.peer_id == one.peer_id
                and (each.id == "uplink_loss") == (one.id == "uplink_loss")
                and each.start <= one.end
                and each.end >= one.start
                for each in after
            ), (one, after)


def whose_of(stream, whose):
    """Of a sent stream its sender counts, which is the peer; of a received one whoever sent it."""
    return whose if stream[0] == "out" else whose & {stream[4]}


def lost_more(stream, more):
    way, kind, ssrc, steps, sender = stream
    name = "packets_lost" if way == "in" else "lost"
    untold = any(name in step and step[name] is None for step in steps)
    if untold:
        return stream
    more = [{**step, name: step.get(name, 0) + x} for step, x in zip(steps, more, strict=False)]
    return way, kind, ssrc, more, sender


BY_RANGE = {
    (one.id, each.name): st.integers(int(each.range[0]), int(min(each.range[1], 10**6)))
    if each.whole
    else st.floats(*each.range)
    for one in DETECTORS
    for each in one.thresholds
}


@law
@given(any_call, st.data())
def test_a_story_can_be_told_whatever_thresholds_an_app_has(call, data):
    own = {}
    for name, key in data.draw(st.lists(st.sampled_from(sorted(BY_RANGE)), min_size=1)):
        # What ends a finding goes with what begins it; named as well, it might be refused.
        if not key.startswith(("clear_", "error_")):
            own.setdefault(name, {})[key] = data.draw(BY_RANGE[name, key])
    told = told_of(*facts_of(call), overrides=own)
    assert msgspec.json.encode(told)


values = st.lists(st.one_of(st.none(), st.integers(0, 12)), max_size=30)
rules = st.builds(
    Rule, st.integers(5, 8), st.integers(0, 4), st.just(10), st.integers(1, 3), st.integers(3, 5)
)


@settings(max_examples=300, deadline=None)
@given(values, st.lists(st.integers(0, 5), min_size=30, max_size=30), rules)
def test_worse_numbers_cover_every_run_of_better_ones(column, worse, rule):
    bad = [None if v is None else v + w for v, w in zip(column, worse, strict=False)]
    covered = {i for run in runs(bad, rule) for i in range(run.first, run.last + 1)}
    for run in runs(column, rule):
        assert {run.first, run.last} <= covered
