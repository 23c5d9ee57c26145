"""Presence: what a batch of facts says about the peer being there."""

from hypothesis import given
from hypothesis import strategies as st

from roomtone.model.facts import (
    AnyFact,
    Happened,
    Identified,
    Joined,
    Left,
    Located,
    Snapshot,
    Track,
    Vouched,
)
from roomtone.model.presence import Presence, merge
from roomtone.model.stats import InboundRtp, OutboundRtp, Transport
from roomtone.sources.presence import presence_of

OTHER = "566b41ca-6bf3-48b3-914e-ca68cde73e03"


def media(t: int) -> Snapshot:
    stream = OutboundRtp(id="O", timestamp=t, ssrc=1)
    return Snapshot(t=t, transport="T", role="producing", stats=(stream,))


def silent(t: int) -> Snapshot:
    stats = (Transport(id="T", timestamp=t),)
    return Snapshot(t=t, transport="T", role="producing", stats=stats)


def receiving(t: int, last: float | None, match: str = "ssrc:5") -> Snapshot:
    stream = InboundRtp(
        id="I",
        timestamp=t,
        ssrc=5,
        mid="0",
        track_identifier="x",
        last_packet_received_timestamp=last,
    )
    track = Track(match=match, peer_id=OTHER)
    return Snapshot(t=t, transport="T", role="consuming", stats=(stream,), tracks=(track,))


IDENTIFIED = Identified(
    t=1,
    app_id="a",
    meeting_id="m",
    session_id="s",
    peer_id="p",
    user_id="u",
    custom_participant_id="c",
    display_name="n",
    preset_name="r",
)


def test_a_batch_of_nothing_says_nothing_but_that_it_came() -> None:
    assert presence_of((), 9) == Presence(first_received=9, last_received=9)
    assert presence_of((), None) == Presence()


def test_joins_leaves_media_and_entries_are_told_apart() -> None:
    facts = [
        Joined(t=20, via="call_join"),
        Happened(t=10, name="audio_on"),
        media(40),
        media(30),
        silent(60),
        Left(t=50, reason="disconnect"),
        Joined(t=20, via="call_join"),
    ]
    assert presence_of(facts, 100) == Presence(
        joins=((20, "call_join"),),
        leaves=((50, "disconnect"),),
        first_media_t=30,
        last_media_t=40,
        first_t=10,
        last_t=60,
        first_received=100,
        last_received=100,
        lag=40,
    )


def test_a_join_undoes_a_leave_as_media_does() -> None:
    assert presence_of([media(10), Joined(t=30, via="call_join")], None).last_media_t == 30


def test_roomtones_own_facts_are_no_signs_of_life() -> None:
    facts: list[AnyFact] = [
        IDENTIFIED,
        Located(t=2),
        Vouched(t=3),
        Left(t=4, reason="silence"),
        Left(t=5, reason="kicked"),
        Left(t=6, reason="host_ended"),
    ]
    assert presence_of(facts, None) == Presence(
        removed=((4, "silence"), (5, "kicked"), (6, "host_ended")), vouched_t=3
    )


def test_media_received_just_now_vouches_for_its_sender() -> None:
    now = 100_000
    for match in ("ssrc:5", "mid:0", "track:x"):
        assert presence_of([receiving(now, now - 20.6, match)], None).heard == ((OTHER, 99_979),)


def test_media_received_long_ago_or_never_vouches_for_nobody() -> None:
    now = 100_000
    for last in (None, now - 10_001, now + 1_001, 0):
        assert presence_of([receiving(now, last)], None).heard == ()
    assert presence_of([receiving(now, now, "ssrc:6")], None).heard == ()


FACTS = st.lists(
    st.one_of(
        st.builds(Joined, t=st.integers(0, 99), via=st.sampled_from(["call_join", "import"])),
        st.builds(Left, t=st.integers(0, 99), reason=st.sampled_from(["disconnect", "silence"])),
        st.builds(Happened, t=st.integers(0, 99), name=st.just("audio_on")),
        st.integers(0, 99).map(media),
        st.integers(20_000, 20_099).map(lambda t: receiving(t, t - 5)),
        st.builds(Vouched, t=st.integers(0, 99)),
    ),
    max_size=12,
)


@given(FACTS, FACTS, st.none() | st.integers(0, 99))
def test_two_batches_say_together_what_one_batch_of_both_says(
    some: list[AnyFact], more: list[AnyFact], received: int | None
) -> None:
    together = presence_of(some + more, received)
    merged = merge(presence_of(some, received), presence_of(more, received))
    lag = None if received is None or together.last_t is None else received - together.last_t
    assert together.lag == lag
    apart = Presence(**{n: getattr(merged, n) for n in merged.__struct_fields__ if n != "lag"})
    whole = Presence(**{n: getattr(together, n) for n in merged.__struct_fields__ if n != "lag"})
    assert apart == whole


def test_marks_are_bounded_and_keep_both_ends() -> None:
    joins = presence_of([Joined(t=t, via="call_join") for t in range(1_000)], None).joins
    assert len(joins) == 64
    assert (joins[0][0], joins[-1][0]) == (0, 999)
