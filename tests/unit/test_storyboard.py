"""The story of a call as a terminal shows it: 80 columns, and no colour needed."""

import io
from datetime import UTC, timedelta, timezone

import pytest
from msgspec.structs import replace
from rich.console import Console

from roomtone.cli.explain import about
from roomtone.cli.storyboard import MAX_PEOPLE, Story, Storyboard, names_of
from roomtone.model.errors import NotFound
from roomtone.model.findings import Evidence, Finding, Verdict
from roomtone.model.sessions import ENDED, LIVE, Session
from roomtone.model.timeline import Lane, PeerTimeline
from roomtone.model.times import iso

T0 = 1_767_261_600_000  # 2026-01-01T10:00:00Z
BIN_MS = 1_000
BINS = 60


def lane(*mos):
    return Lane(mos=mos, mos_min=mos, loss=(None,) * len(mos))


def peer(name, received, *, peer_id="", joined=0, left=60, **more):
    return PeerTimeline(
        peer_id=peer_id or f"peer of {name}",
        user_id=f"user of {name}",
        custom_participant_id="",
        display_name=name,
        preset_name="",
        browser="Firefox",
        os=None,
        country=None,
        network="wifi",
        path="relay tcp",
        spans=((iso(T0 + joined * 1000), None if left is None else iso(T0 + left * 1000)),),
        first_bin=joined,
        received=lane(*received),
        sent=lane(*[None] * len(received)),
        rtt_ms=(),
        spells=(),
        marks=(),
        marks_cut=0,
        findings=(),
        received_mos=3.21,
        sent_mos=None,
        **more,
    )


def finding(**more):
    told = {
        "id": "uplink_loss",
        "severity": "error",
        "start": iso(T0 + 20_000),
        "end": iso(T0 + 40_000),
        "peer_id": "peer of Ann",
        "side": "uplink",
        "blamed_peer_id": "peer of Ann",
        "other_peer_id": None,
        "stream": None,
        "worst": 12.3456,
        "unit": "%",
        "echo_of": None,
        "title": "Up to 12 % of what Ann sent was lost on the way.",
        "advice": "Use a cable, " + "and nothing else " * 8 + "than a cable.",
        "evidence": (
            Evidence(timestamp=iso(T0), source="event", id="x", field="y", value=None),
        ),
    } | more  # fmt: skip
    return Finding(**told)


ANN = peer("Ann", [4.2] * 20 + [2.0] * 20 + [3.0] * 20)
BOB = peer("Bob", [None] * 10 + [4.4] * 20, joined=20, left=50)
STORY = Story(
    session=Session(
        id="s",
        app_id="app",
        meeting_id="m",
        title="Weekly [sync]",
        status=ENDED,
        total_participants=2,
        started_at=T0,
        created_at=T0,
        updated_at=T0,
    ),
    start=T0,
    end=T0 + BINS * BIN_MS,
    bin_ms=BIN_MS,
    bins=BINS,
    quality_scale="mos",
    peers=(ANN, BOB),
    names=names_of((ANN, BOB)),
    verdict=Verdict(outcome="bad", sentences=("Ann's network lost what she sent.",)),
    findings=(finding(), finding(id="low_mos", echo_of="uplink_loss@peer of Ann")),
)


def drawn(story, zone=UTC, width=80):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    Storyboard(console, story, zone).draw()
    return console.file.getvalue()


def bars(text, label):
    return [line[8:72] for line in text.splitlines() if line.startswith(f"  {label}")]


def test_a_bar_has_a_letter_for_each_moment_and_blanks_where_nobody_was():
    ann, bob = bars(drawn(STORY), "hears")
    assert "".join(dict.fromkeys(ann)) == "GPF"
    assert [ann.count(letter) for letter in "GPF"] == [21, 22, 21]
    assert bob.startswith(" " * 21)
    assert "".join(dict.fromkeys(bob.strip())) == "·G"
    assert bob.endswith(" " * 10)


def test_nothing_is_wider_than_the_terminal_and_nothing_is_coloured_in_a_pipe():
    for width in (80, 100):
        text = drawn(STORY, width=width)
        assert max(map(len, text.splitlines())) <= width
        assert "\x1b" not in text
        assert "Weekly [sync]" in text


def test_it_says_what_was_found_when_whose_side_it_was_and_what_to_do():
    text = drawn(STORY)
    assert "IT WENT BADLY\nAnn's network lost what she sent." in text
    assert "10:00:20 – 10:00:40  ERROR  uplink_loss, worst 12.3 %" in text
    assert "Whose side: Ann: uplink, what they sent" in text
    assert "Do: Use a cable," in text
    assert "What was found: 1 finding" in text
    assert "Only followed from these: low_mos" in text
    assert "joined 10:00:20, left 10:00:50" in text


def test_times_are_the_viewers():
    text = drawn(STORY, timezone(timedelta(hours=5, minutes=30)))
    assert "15:30:20 – 15:30:40" in text
    assert "UTC+0530" in text


def test_a_live_session_is_told_as_going_on():
    live = replace(
        STORY,
        session=replace(STORY.session, status=LIVE),
        peers=(replace(ANN, spans=((iso(T0), None),)),),
        findings=(finding(end=None),),
    )
    text = drawn(live)
    assert "still going on" in text
    assert "joined 10:00:00, still there" in text
    assert "10:00:20 – now" in text


def test_the_vendors_scale_is_lettered_too():
    graded = replace(STORY, quality_scale="vendor", peers=(peer("Ann", [1.0, 0.6, 0.2] * 20),))
    (bar,) = bars(drawn(graded), "hears")
    assert {"G", "F", "P"} >= set(bar)
    assert "P" in bar


def test_a_session_that_nobody_judged_says_so():
    text = drawn(replace(STORY, verdict=None, findings=()))
    assert "No verdict" in text
    assert "Nothing was found." in text


def test_a_crowd_is_cut_and_those_who_share_a_name_are_told_apart():
    crowd = tuple(peer("Ann", [4.0] * 60, peer_id=f"p{number}") for number in range(30))
    text = drawn(replace(STORY, peers=crowd, names=names_of(crowd), findings=()))
    assert f"and {30 - MAX_PEOPLE} more" in text
    assert list(names_of(crowd).values())[:3] == ["Ann", "Ann (2)", "Ann (3)"]


def test_one_person_can_be_asked_about_by_any_of_their_names():
    for name in ("ann", "peer of Ann", "USER OF ANN"):
        told = about(STORY, name)
        assert told.peers == (ANN,)
        assert len(told.findings) == 2
    assert about(STORY, "bob").findings == ()
    between = finding(side="pair", other_peer_id="peer of Bob", blamed_peer_id=None)
    assert "between Ann and Bob;" in drawn(about(replace(STORY, findings=(between,)), "bob"))
    with pytest.raises(NotFound) as refused:
        about(STORY, "carol")
    assert "Ann, Bob" in refused.value.message
