"""Whose side it was: through a server, in a mesh, between two; and what is only an echo."""

import pytest

from made_calls import Stream, peer, told_of

BAD = [{}] * 2 + [{"packets_lost": 40, "packets_received": 310}] * 8 + [{}] * 3
LATE = [{"rtt_s": 0.05}] * 3 + [{"rtt_s": 0.4}] * 8 + [{"rtt_s": 0.05}] * 3
LOST = [{}] * 2 + [{"lost": 40}] * 8 + [{}] * 3
FINE = [{}] * 13
QUIET = [{"lost": None, "rtt": None, "jitter": None}] * 13
"""RealtimeKit's client tells nothing of what came of what it sent."""
PEOPLE = ("ann", "bob", "cid", "dan")


def call(bad, *, people=PEOPLE, sends=None, mesh=False, late=(), overrides=None):
    """A call through a server (or a mesh) in which ``bad(sender, receiver)`` legs lose packets."""
    peers = []
    for mine, who in enumerate(people):
        streams = []
        if mesh:
            for other in people:
                if other != who:
                    lost = LOST if bad(who, other) else FINE
                    number = 10 * mine + people.index(other)
                    streams.append(Stream("out", "audio", 100 + number, lost, transport=other))
        else:
            streams.append(Stream("out", "audio", 100 + mine, sends(who) if sends else QUIET))
        for theirs, other in enumerate(people):
            if other == who:
                continue
            steps = BAD if bad(other, who) else FINE
            number = 100 + (10 * theirs + mine if mesh else theirs)
            transport = other if mesh else "t"
            streams.append(Stream("in", "audio", number, steps, sender=other, transport=transport))
        peers.append(peer(who, streams, connections=LATE if who in late else ()))
    return told_of(*peers, overrides=overrides)


def primary(told, name):
    return [one for one in told.findings if one.id == name and one.echo_of is None]


def test_an_uplink_is_told_by_the_receivers_where_no_server_tells_it():
    told = call(lambda sender, receiver: sender == "ann")
    (one,) = primary(told, "uplink_loss")
    assert (one.peer_id, one.side, one.blamed_peer_id) == ("ann", "uplink", "ann")
    assert not primary(told, "downlink_loss")
    echoes = [each for each in told.findings if each.id == "remote_uplink_loss"]
    assert {each.peer_id for each in echoes} == {"bob", "cid", "dan"}
    assert {each.echo_of for each in echoes} == {"uplink_loss@ann"}
    assert "Ann" in told.verdict.sentences[0]


def test_an_uplink_is_told_by_the_server_where_it_tells():
    told = call(
        lambda sender, receiver: sender == "ann",
        sends=lambda who: LOST if who == "ann" else FINE,
    )
    (one,) = primary(told, "uplink_loss")
    assert (one.peer_id, one.side, one.blamed_peer_id) == ("ann", "uplink", "ann")
    assert all(each.echo_of == "uplink_loss@ann" for each in told.findings if each != one)


@pytest.mark.parametrize("sends", [None, lambda who: FINE], ids=["not told", "uplinks are fine"])
def test_a_way_in_is_the_receivers_own(sends):
    told = call(lambda sender, receiver: receiver == "dan", sends=sends)
    (one,) = primary(told, "downlink_loss")
    assert (one.peer_id, one.side, one.blamed_peer_id) == ("dan", "downlink", "dan")
    assert not primary(told, "uplink_loss")


def test_an_uplink_that_is_neither_fine_nor_bad_is_judged_by_what_others_got():
    def told(bad, **own):
        sends = {"ann": [{}] * 2 + [{"lost": 9}] * 8 + [{}] * 3}  # 2.6 %
        return call(bad, sends=lambda who: sends.get(who, FINE), overrides=own)

    def to_all(sender, receiver):
        return sender == "ann"

    def to_one(sender, receiver):
        return (sender, receiver) == ("ann", "bob")

    assert primary(told(to_all), "uplink_loss")[0].blamed_peer_id == "ann"
    assert not primary(told(to_one), "uplink_loss")
    # Numbers of an app's own move both edges.
    assert not primary(told(to_all, downlink_loss={"uplink_fine_percent": 3}), "uplink_loss")
    bad = told(to_one, remote_uplink_loss={"uplink_percent": 2})
    assert primary(bad, "uplink_loss")[0].blamed_peer_id == "ann"


def test_two_troubles_at_once_are_told_apart():
    told = call(lambda sender, receiver: sender == "ann" or receiver == "dan")
    assert [one.blamed_peer_id for one in primary(told, "uplink_loss")] == ["ann"]
    assert [one.blamed_peer_id for one in primary(told, "downlink_loss")] == ["dan"]


def test_trouble_of_everybody_with_clean_uplinks_is_the_servers():
    told = call(lambda sender, receiver: True, sends=lambda who: FINE)
    assert {one.side for one in told.findings} == {"server"}
    assert {one.blamed_peer_id for one in told.findings} == {None}


def test_one_pair_of_many_is_told_as_a_pair():
    told = call(lambda sender, receiver: (sender, receiver) == ("ann", "bob"))
    assert {one.side for one in told.findings} <= {"pair"}


def test_between_two_it_is_a_pair_and_nobody_is_blamed():
    told = call(lambda sender, receiver: sender == "ann", people=("ann", "bob"), mesh=True)
    assert told.findings
    assert {one.side for one in told.findings} == {"pair"}
    assert {one.blamed_peer_id for one in told.findings} == {None}
    (one,) = primary(told, "uplink_loss")
    assert one.other_peer_id == "bob"
    assert all(each.echo_of == "uplink_loss@ann" for each in told.findings if each is not one)


def test_in_a_mesh_the_one_whose_every_way_out_is_bad_is_to_blame():
    people = ("ann", "bob", "cid")
    told = call(lambda sender, receiver: sender == "ann", people=people, mesh=True)
    (one,) = primary(told, "uplink_loss")
    assert (one.peer_id, one.side, one.blamed_peer_id) == ("ann", "uplink", "ann")


def test_in_a_mesh_the_one_whose_every_way_in_is_bad_is_to_blame():
    people = ("ann", "bob", "cid")
    told = call(lambda sender, receiver: receiver == "ann", people=people, mesh=True)
    blamed = {(one.side, one.blamed_peer_id) for one in told.findings if one.echo_of is None}
    assert blamed == {("downlink", "ann")}


def test_a_long_round_trip_to_a_server_is_that_persons():
    told = call(lambda sender, receiver: False, late=("ann",))
    (one,) = told.findings
    assert (one.id, one.side, one.blamed_peer_id) == ("high_rtt", "path", "ann")


def test_a_long_round_trip_of_everybody_is_the_servers():
    told = call(lambda sender, receiver: False, late=PEOPLE)
    assert {(one.id, one.side, one.blamed_peer_id) for one in told.findings if not one.echo_of} == {
        ("high_rtt", "server", None)
    }


def test_a_long_round_trip_between_two_is_a_pairs():
    told = call(lambda s, r: False, people=("ann", "bob"), mesh=True, late=("ann", "bob"))
    assert {(one.id, one.side, one.blamed_peer_id) for one in told.findings} == {
        ("high_rtt", "pair", None)
    }


def test_what_a_slow_sender_does_to_its_receivers_is_an_echo():
    slow = [{}] * 3 + [{"cpu": 6.0, "none": 1.0, "frames_encoded": 60}] * 6 + [{}] * 3
    frozen = [{}] * 3 + [{"total_freezes_duration": 4.0, "freeze_count": 2}] * 6 + [{}] * 3
    ann = peer("ann", [Stream("out", "video", 7, slow)])
    bob = peer("bob", [Stream("in", "video", 7, frozen, sender="ann")])
    told = told_of(ann, bob)
    (one,) = [each for each in told.findings if each.id == "video_frozen"]
    assert (one.echo_of, one.side, one.blamed_peer_id) == (
        "cpu_limited_encode@ann",
        "device",
        "ann",
    )
    assert told.counts.error == 0


def test_a_verdict_has_at_most_three_sentences_and_says_when_nothing_is_known():
    assert told_of(peer("ann", [], seconds=60)).verdict.outcome == "unknown"
    good = call(lambda sender, receiver: False)
    assert good.verdict.outcome == "good"
    assert good.verdict.sentences[0].startswith("All was well: 4 people")
    bad = call(lambda sender, receiver: sender == "ann" or receiver == "dan", late=("bob", "cid"))
    assert len(bad.verdict.sentences) == 3


def test_a_verdict_does_not_add_up_the_time_between_two_spells():
    spell = [{"lost": 60}] * 6
    lost = [{}] * 2 + spell + [{}] * 20 + spell + [{}] * 2
    heard = [{"packets_lost": x.get("lost", 0)} for x in lost]
    others = [
        peer(who, [Stream("in", "audio", 1, heard, sender="ann")]) for who in ("bob", "cid", "dan")
    ]
    said = told_of(peer("ann", [Stream("out", "audio", 1, lost)]), *others).verdict.sentences[0]
    assert "2 times between 22:13 and 22:17 UTC, for 8" in said, said
