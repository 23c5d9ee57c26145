"""Invitations to the call page: who may make one, what it opens, and what a forged one opens."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from facade_world import START, a_world

from roomtone.model.errors import Forbidden, Gone, Invalid, Refused
from roomtone.services.invitations import DAY_MS

KEY = "a secret of this browser"


@pytest.fixture
def world():
    with a_world() as made:
        made.clock.t = START
        yield made


def meeting(world, **fields):
    made = world.ask("POST", "meetings", json={"title": "Planning", **fields})
    return made.json()["data"]["id"]


def invite(world, meeting_id, **body):
    answer = world.ask("POST", f"meetings/{meeting_id}/invitation", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def token_of(url):
    return parse_qs(urlsplit(url).query)["invite"][0]


def enter(world, meeting_id, token, name="Ana", key=KEY):
    invitation = world.invitations.open(meeting_id, token)
    return asyncio.run(world.invitations.enter(invitation, name, key))


def test_it_is_a_link_to_the_call_page_that_says_until_when(world):
    room = meeting(world)
    made = invite(world, room)
    assert urlsplit(made["url"]).path == f"/call/{room}"
    assert made["expires_at"] == "2026-01-08T00:00:00.000Z"
    assert invite(world, room, expires_in_days=1)["expires_at"] == "2026-01-02T00:00:00.000Z"


@pytest.mark.parametrize("days", [0, 366, "1", None])
def test_how_long_it_is_good_for_has_bounds(world, days):
    body = {"expires_in_days": days}
    answer = world.ask("POST", f"meetings/{meeting(world)}/invitation", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["source"]["pointer"] == "/expires_in_days"


def test_a_meeting_that_is_not_there_has_none(world):
    assert world.ask("POST", "meetings/nowhere/invitation").status_code == 404


def test_a_token_that_may_only_read_makes_none(world):
    headers = {"authorization": f"Bearer {world.token_for('read')}"}
    path = f"meetings/{meeting(world)}/invitation"
    assert world.ask("POST", path, headers=headers).status_code == 403


def test_it_opens_its_meeting_and_no_other(world):
    room, other = meeting(world), meeting(world)
    token = token_of(invite(world, room)["url"])
    assert world.invitations.open(room, token).app_id == world.app_id
    with pytest.raises(Forbidden):
        world.invitations.open(other, token)


def test_what_was_changed_of_it_opens_nothing(world):
    room = meeting(world)
    token = token_of(invite(world, room)["url"])
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(Forbidden):
            world.invitations.open(room, changed)
    for text in ("", "x", "x" * 5_000, token + "x", world.links._signer.dumps([1, 2, 3])):
        with pytest.raises(Forbidden):
            world.invitations.open(room, text)


def test_a_link_to_a_file_is_no_invitation(world):
    room = meeting(world)
    token = world.links._signer.dumps([world.app_id, room, START + DAY_MS])
    with pytest.raises(Forbidden):
        world.invitations.open(room, token)


def test_it_expires(world):
    room = meeting(world)
    token = token_of(invite(world, room)["url"])
    world.clock.t = START + 7 * DAY_MS
    world.invitations.open(room, token)
    world.clock.t += 1
    with pytest.raises(Gone, match="ask for a new link"):
        world.invitations.open(room, token)


def test_the_same_browser_is_the_same_person_again_under_its_latest_name(world):
    room = meeting(world)
    token = token_of(invite(world, room)["url"])
    first = enter(world, room, token, "Ana")
    again = enter(world, room, token, "  Ana   Horvat ")
    other = enter(world, room, token, "Ana", "the secret of another browser")
    assert again.participant.id == first.participant.id
    assert again.participant.name == "Ana Horvat"
    assert other.participant.id != first.participant.id
    assert world.rooms.verify(again.token).participant_id == first.participant.id
    people = world.get(f"meetings/{room}/participants")["data"]
    assert sorted(person["name"] for person in people) == ["Ana", "Ana Horvat"]
    assert KEY not in str(people), "the browser's secret is in no record"


def test_a_browser_is_another_participant_in_another_meeting(world):
    rooms = [meeting(world), meeting(world)]
    guests = [enter(world, room, token_of(invite(world, room)["url"])) for room in rooms]
    one, two = (guest.participant for guest in guests)
    assert one.id != two.id
    assert one.custom_participant_id == two.custom_participant_id


def test_who_was_removed_does_not_come_back_by_the_link(world):
    room = meeting(world)
    token = token_of(invite(world, room)["url"])
    person = enter(world, room, token).participant
    world.ask("DELETE", f"meetings/{room}/participants/{person.id}")
    with pytest.raises(Forbidden, match="removed"):
        enter(world, room, token)


def test_a_closed_meeting_lets_nobody_in(world):
    room = meeting(world)
    token = token_of(invite(world, room)["url"])
    world.ask("PATCH", f"meetings/{room}", json={"status": "INACTIVE"})
    with pytest.raises(Forbidden, match="INACTIVE"):
        enter(world, room, token)


@pytest.mark.parametrize(
    ("name", "key", "where"),
    [
        ("", KEY, "/name"),
        (" \n", KEY, "/name"),
        ("x" * 513, KEY, "/name"),
        ("Ana", "short", "/key"),
    ],
)
def test_nobody_comes_without_a_name_and_a_key(world, name, key, where):
    room = meeting(world)
    with pytest.raises(Invalid) as refused:
        enter(world, room, token_of(invite(world, room)["url"]), name, key)
    assert [fault.where for fault in refused.value.faults] == [where]
    assert isinstance(refused.value, Refused)
