"""The hub: who hears what, how many fit in, and what a page may not do."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hook_world import SECOND, MovedClock
from msgspec import Raw

from roomtone.model.errors import Failed
from roomtone.model.limits import MAX_CALL_CHAT_KEPT, MAX_CALL_PEERS
from roomtone.web.call.hub import (
    BAD_MESSAGE,
    FULL,
    MESSAGES_AT_ONCE,
    REMOVED,
    REPLACED,
    RESERVED_MS,
    TOO_FAST,
    TOO_SLOW,
    Hub,
    Member,
    Refusal,
)
from roomtone.web.call.ice_servers import IceServer, ice_servers
from roomtone.web.call.messages import Caption, Chat, Leave, Media, MediaNow, Ping, Signal

ROOM = ("an app", "a meeting")
ELSEWHERE = ("an app", "another meeting")


class Call:
    """A hub and the people whom a test lets in."""

    def __init__(self) -> None:
        self.clock = MovedClock()
        self.hub = Hub(self.clock)

    def member(self, name: str, room: tuple[str, str] = ROOM, peer_id: str = "") -> Member:
        peer_id = peer_id or str(uuid4())
        return Member(room, peer_id, f"user {name}", name, Media(), self.clock.now())

    def join(self, name: str, room: tuple[str, str] = ROOM, peer_id: str = "") -> Member:
        member = self.member(name, room, peer_id)
        self.hub.enter(member)
        return member

    def refused(self, member: Member) -> int:
        with pytest.raises(Refusal) as refusal:
            self.hub.enter(member)
        return refusal.value.code


def told(member: Member) -> list[dict[str, Any]]:
    """Everything that waits for somebody."""
    found = [json.loads(text) for text in member.outbox._waiting]
    member.outbox.drop()
    return found


def kinds(member: Member) -> list[str]:
    return [message["type"] for message in told(member)]


def test_who_comes_is_told_who_is_here_and_the_others_that_they_came() -> None:
    call = Call()
    ana = call.join("Ana")
    bo = call.join("Bo")
    assert told(ana)[-1] == {
        "type": "joined",
        "person": {
            "peer_id": bo.peer_id,
            "user_id": "user Bo",
            "name": "Bo",
            "media": {"microphone": False, "camera": False, "screen": False},
        },
    }
    (welcome,) = told(bo)
    assert [person["name"] for person in welcome["people"]] == ["Ana"]


def test_a_signal_reaches_whom_it_is_for_and_nobody_else() -> None:
    call = Call()
    ana, bo, cy = call.join("Ana"), call.join("Bo"), call.join("Cy")
    for each in (ana, bo, cy):
        told(each)
    call.hub.hear(ana, Signal(bo.peer_id, Raw(b'{"candidate":null,"unknown":[1]}')))
    assert told(bo) == [
        {"type": "signal", "from": ana.peer_id, "data": {"candidate": None, "unknown": [1]}}
    ]
    assert told(ana) == told(cy) == []


def test_nothing_crosses_from_one_meeting_to_another() -> None:
    call = Call()
    ana, eve = call.join("Ana"), call.join("Eve", ELSEWHERE)
    told(ana)
    call.hub.hear(eve, Signal(ana.peer_id, Raw(b"{}")))
    call.hub.hear(eve, Chat("1", "hello"))
    call.hub.hear(eve, MediaNow(Media(camera=True)))
    call.hub.hear(eve, Caption("1", "hello", final=True))
    call.hub.leave(eve, lost=False)
    assert told(ana) == []


def test_a_full_call_lets_nobody_more_in_until_somebody_leaves() -> None:
    call = Call()
    people = [call.join(f"person {number}") for number in range(MAX_CALL_PEERS)]
    late = call.member("Late")
    assert call.refused(late) == FULL
    assert call.hub.is_full(ROOM)
    call.hub.hear(people[0], Leave())
    call.hub.enter(late)
    assert call.hub.count(ROOM) == MAX_CALL_PEERS


def test_the_place_of_somebody_whose_connection_broke_is_kept_for_them_a_while() -> None:
    call = Call()
    ana, *_ = [call.join(name) for name in ("Ana", "Bo", "Cy", "Di")]
    call.hub.leave(ana, lost=True)
    assert call.refused(call.member("Late")) == FULL
    call.join("Ana")  # a reload: the same person, another peer
    assert call.hub.count(ROOM) == MAX_CALL_PEERS


def test_a_kept_place_is_given_away_in_the_end() -> None:
    call = Call()
    ana, *_ = [call.join(name) for name in ("Ana", "Bo", "Cy", "Di")]
    call.hub.leave(ana, lost=True)
    call.clock.t += RESERVED_MS + 1
    call.join("Late")
    assert call.refused(call.member("Ana")) == FULL


def test_a_connection_that_comes_back_takes_the_place_of_its_old_one_unnoticed() -> None:
    call = Call()
    ana, bo = call.join("Ana"), call.join("Bo")
    told(bo)
    new = call.join("Ana", peer_id=ana.peer_id)
    assert ana.outbox.ended is not None
    assert ana.outbox.ended[0] == REPLACED
    # The old connection's end is not the person's.
    call.hub.leave(ana, lost=True)
    assert kinds(bo) == ["joined"]
    call.hub.hear(bo, Signal(ana.peer_id, Raw(b"{}")))
    assert kinds(new) == ["welcome", "signal"]
    assert call.hub.count(ROOM) == 2


def test_nobody_takes_somebody_elses_peer_id() -> None:
    call = Call()
    ana = call.join("Ana")
    assert call.refused(call.member("Eve", peer_id=ana.peer_id)) == BAD_MESSAGE
    assert ana.outbox.ended is None


def test_everybody_reads_a_message_once_also_who_comes_later() -> None:
    call = Call()
    ana, bo = call.join("Ana"), call.join("Bo")
    told(ana), told(bo)
    call.clock.t += 5 * SECOND
    call.hub.hear(ana, Chat("1", "<b>hello</b>"))
    call.hub.hear(ana, Chat("1", "<b>hello</b>"))  # sent again after a break
    (said,) = told(bo)
    assert said == told(ana)[0]
    assert (said["name"], said["text"], said["at"]) == ("Ana", "<b>hello</b>", call.clock.t)
    (welcome,) = told(call.join("Cy"))
    assert welcome["chat"] == [{key: said[key] for key in said}]


def test_who_writes_too_fast_is_told_so_and_stays() -> None:
    call = Call()
    ana, bo = call.join("Ana"), call.join("Bo")
    told(ana), told(bo)
    for number in range(30):
        call.hub.hear(ana, Chat(str(number), "again"))
    answers = kinds(ana)
    assert answers.count("chat") == kinds(bo).count("chat") == 10
    assert answers.count("declined") == 20
    call.clock.t += 2 * SECOND
    call.hub.hear(ana, Chat("later", "again"))
    assert kinds(bo) == ["chat"]


def test_old_messages_make_room_for_new_ones() -> None:
    call = Call()
    ana = call.join("Ana")
    for number in range(MAX_CALL_CHAT_KEPT + 5):
        call.clock.t += 2 * SECOND
        call.hub.hear(ana, Chat(str(number), "word"))
        told(ana)
    (welcome,) = told(call.join("Bo"))
    assert welcome["chat"][0]["id"] == "5"
    assert len(welcome["chat"]) == MAX_CALL_CHAT_KEPT


def test_a_flood_ends_the_connection() -> None:
    call = Call()
    ana = call.join("Ana")
    for _ in range(MESSAGES_AT_ONCE):
        call.hub.hear(ana, Ping())
    with pytest.raises(Refusal) as refusal:
        call.hub.hear(ana, Ping())
    assert refusal.value.code == TOO_FAST


def test_a_slow_reader_is_cut_off_and_costs_the_others_nothing() -> None:
    call = Call()
    ana, bo, slow = call.join("Ana"), call.join("Bo"), call.join("Slow")
    told(bo)
    for _ in range(100):
        call.clock.t += SECOND
        call.hub.hear(ana, Signal(slow.peer_id, Raw(b'"' + b"x" * 60_000 + b'"')))
    assert slow.outbox.ended is not None
    assert slow.outbox.ended[0] == TOO_SLOW
    assert told(slow) == [], "what it did not read is not kept for it"
    assert told(bo) == [{"type": "left", "peer_id": slow.peer_id, "lost": True}]


def test_who_is_shown_out_is_out_and_the_others_stay() -> None:
    call = Call()
    ana, bo = call.join("Ana"), call.join("Bo")
    told(ana)
    call.hub.remove(ROOM, ["user Bo"])
    assert bo.outbox.ended is not None
    assert bo.outbox.ended[0] == REMOVED
    assert told(ana) == [{"type": "left", "peer_id": bo.peer_id, "lost": False}]
    call.hub.remove(ROOM)
    assert call.hub.count(ROOM) == 0


def test_an_empty_hub_keeps_nothing() -> None:
    call = Call()
    for number in range(20):
        room = ("an app", f"meeting {number}")
        call.hub.leave(call.join("Ana", room), lost=number % 2 == 0)
    call.clock.t += RESERVED_MS + 1
    call.join("Bo")
    assert list(call.hub._rooms) == [ROOM]
    assert call.hub._members == 1


def test_a_member_that_left_is_not_heard_any_more() -> None:
    call = Call()
    ana, bo = call.join("Ana"), call.join("Bo")
    call.hub.leave(ana, lost=False)
    told(bo)
    call.hub.hear(ana, Chat("1", "ghost"))
    assert told(bo) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("stun:a:3478, stun:b", [IceServer("stun:a:3478"), IceServer("stun:b")]),
        (
            '[{"urls":["turn:t"],"username":"u","credential":"c"}]',
            [IceServer(["turn:t"], "u", "c")],
        ),
    ],
)
def test_ice_servers_are_addresses_or_json(text: str, wanted: list[IceServer]) -> None:
    assert ice_servers(text) == wanted


@pytest.mark.parametrize("text", ["http://x", "turn:t", "[{]", '[{"url":"stun:a"}]'])
def test_wrong_ice_servers_are_refused_with_a_hint(text: str) -> None:
    with pytest.raises(Failed) as failed:
        ice_servers(text)
    assert "stun:host:3478" in failed.value.hint
