"""Whoever said it is found by peer id, user id, custom id, then name."""

import pytest

from roomtone.model.presence import Presence
from roomtone.model.sessions import Peer
from roomtone.model.words import Speaker
from roomtone.services.speakers import Speakers


def peer(peer_id: str, user: str, name: str, joined: int = 0, left: int | None = None) -> Peer:
    return Peer(
        subject=peer_id.encode(),
        app_id="a",
        session_id="s",
        peer_id=peer_id,
        user_id=user,
        custom_participant_id=f"custom-{user}",
        display_name=name,
        preset_name="p",
        joined_at=joined,
        left_at=left,
        last_sign_at=0,
        presence=Presence(),
        created_at=0,
        updated_at=0,
    )


SPEAKERS = Speakers(
    [
        peer("p1", "ana", "Ana", 0, 100),
        peer("p2", "ana", "Ana", 200, 300),
        peer("p3", "ben", "Ben"),
        peer("p4", "sam1", "Sam"),
        peer("p5", "sam2", "Sam"),
    ]
)


@pytest.mark.parametrize(
    ("said", "at", "found"),
    [
        (Speaker(peer_id="p3", user_id="ana"), 0, "p3"),
        (Speaker(peer_id="P3"), 0, "p3"),
        (Speaker(peer_id="unknown", user_id="ben"), 0, "p3"),
        (Speaker(user_id="unknown", custom_participant_id="custom-ben"), 0, "p3"),
        (Speaker(custom_participant_id="unknown", display_name="Ben"), 0, "p3"),
        (Speaker(display_name="bEN"), 0, "p3"),
        # Of several connections the one that was there, or else the nearest.
        (Speaker(user_id="ana"), 50, "p1"),
        (Speaker(user_id="ana"), 250, "p2"),
        (Speaker(user_id="ana"), 120, "p1"),
        (Speaker(user_id="ana"), 190, "p2"),
        (Speaker(display_name="Ana"), 250, "p2"),
    ],
)
def test_a_speaker_is_joined_to_a_peer(said, at, found):
    assert SPEAKERS.of(said, at).peer_id == found


@pytest.mark.parametrize(
    "said", [Speaker(display_name="Sam"), Speaker(display_name="Nobody"), Speaker()]
)
def test_whoever_cannot_be_told_keeps_the_name(said):
    assert SPEAKERS.of(said, 0) == said


def test_the_name_that_was_said_stays_and_an_empty_one_is_filled():
    renamed = SPEAKERS.of(Speaker(peer_id="p3", display_name="Benjamin"), 0)
    nameless = SPEAKERS.of(Speaker(peer_id="p3"), 0)

    assert (renamed.display_name, renamed.user_id) == ("Benjamin", "ben")
    assert (nameless.display_name, nameless.custom_participant_id) == ("Ben", "custom-ben")
