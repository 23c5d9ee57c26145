"""What opened a socket is taken back: the socket ends, whoever took it back, and wherever.

Services are asked here as another process would: nothing of this one's sockets is told.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from listening_end import ListeningEnd
from starlette.testclient import WebSocketTestSession
from two_tenants import TwoTenants, batch, bearer

from roomtone.web.call import socket as call_socket
from roomtone.web.inlets import doors, rtcstats

CLOSED, REMOVED = 1008, 4403
NOTHING = '["getStats","PC_0",{},1]'


@pytest.fixture(autouse=True)
def asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is believed for some seconds is asked again at every frame."""
    monkeypatch.setattr(doors, "BELIEVED_S", 0)
    monkeypatch.setattr(rtcstats, "INVITED_S", 0)
    monkeypatch.setattr(call_socket, "WELCOME_S", 0)


UNHEARD = "what nobody understands would be kept"


def ends(socket: WebSocketTestSession, said: str) -> int:
    """The code that a socket ends with after something more is said."""
    end = ListeningEnd(socket)
    socket.send_text(said)
    return end.code()


@pytest.mark.parametrize("kind", ["rtcstats", "jitsi", "observertc"])
def test_a_socket_of_an_inlet_that_is_closed_is_heard_no_more(site: TwoTenants, kind: str) -> None:
    made = site.made(site.victim, "/inlets", {"kind": kind})
    path = f"{made['path']}/{made['secret']}/room?statsSessionId={uuid4()}"
    with site.client.websocket_connect(path) as socket:
        socket.send_text(NOTHING)
        site.run(site.roomtone.inlets.revoke, site.victim.app_id, made["id"])
        assert ends(socket, UNHEARD) == CLOSED

    assert UNHEARD not in str(site.rows_of(site.victim))


@contextmanager
def guest(site: TwoTenants) -> Iterator[dict[str, Any]]:
    """Somebody invited to the victim's meeting, with a meeting's id."""
    meeting = site.made(site.victim, "/meetings", {"title": "x"})["id"]
    invited = {"custom_participant_id": str(uuid4()), "preset_name": "group_call_host"}
    yield {
        **site.made(site.victim, f"/meetings/{meeting}/participants", invited),
        "meeting": meeting,
    }


def remove(site: TwoTenants, who: dict[str, Any]) -> None:
    """Take the invitation back."""
    site.run(site.roomtone.rooms.delete_participant, site.victim.app_id, who["meeting"], who["id"])


def test_a_participant_who_was_removed_is_heard_no_more_at_an_inlet(site: TwoTenants) -> None:
    made = site.made(site.victim, "/inlets", {"kind": "rtcstats"})
    with guest(site) as who:
        path = f"{made['path']}?rtcstats-token={who['token']}"
        with site.client.websocket_connect(path) as socket:
            socket.send_text(NOTHING)
            remove(site, who)
            assert ends(socket, NOTHING) == CLOSED
        with site.client.websocket_connect(path) as socket:
            assert ends(socket, NOTHING) == CLOSED


@contextmanager
def in_call(site: TwoTenants, who: dict[str, Any], peer: str) -> Iterator[WebSocketTestSession]:
    """A page in a call."""
    media = {"audio": False, "video": False, "screen": False}
    hello = {"type": "hello", "token": who["token"], "peer_id": peer, "media": media}
    with site.client.websocket_connect(f"/call/{who['meeting']}/signal") as socket:
        socket.send_text(json.dumps(hello))
        assert json.loads(socket.receive_text())["type"] == "welcome"
        socket.send_text('{"type":"ping"}')
        assert json.loads(socket.receive_text())["type"] == "pong"
        yield socket


def test_who_was_removed_elsewhere_is_shown_out_of_the_call(site: TwoTenants) -> None:
    with guest(site) as who, in_call(site, who, str(uuid4())) as socket:
        remove(site, who)
        assert ends(socket, '{"type":"ping"}') == REMOVED


@pytest.mark.parametrize("everybody", [False, True])
def test_who_was_kicked_elsewhere_is_shown_out_of_the_call(
    site: TwoTenants, *, everybody: bool
) -> None:
    peer, roster = str(uuid4()), site.roomtone.roster
    with guest(site) as who, in_call(site, who, peer) as socket:
        body = batch(peer, site.roomtone.clock.now())
        sent = site.client.post("/v1/collect", content=body, headers=bearer(who["token"]))
        assert sent.status_code == 202
        site.run(roster.catch_up)
        app = site.victim.app_id
        if everybody:
            site.run(roster.kick_all, app, who["meeting"])
        else:
            site.run(roster.kick, app, who["meeting"], [who["id"]], [])
        assert ends(socket, '{"type":"ping"}') == REMOVED


def test_a_meeting_that_becomes_inactive_lets_its_call_go_on(site: TwoTenants) -> None:
    with guest(site) as who, in_call(site, who, str(uuid4())) as socket:
        closed = site.ask(
            site.victim, "PATCH", f"/meetings/{who['meeting']}", json={"status": "INACTIVE"}
        )
        assert closed.is_success
        socket.send_text('{"type":"ping"}')
        assert json.loads(socket.receive_text())["type"] == "pong"
