"""What people and rooms are called of whom several tell: the same, whoever comes first."""

import json
import time
from itertools import count
from typing import Any

import httpx
import pytest
from journey_server import JourneyServer, wait_for
from wire_players import OpenInlet

ROOMS = count()


def client_tells(inlet: OpenInlet, room: str, name: str) -> None:
    """A sample of ObserveRTC's monitor."""
    t = int(time.time() * 1000)
    who = {"userId": "u7"} | ({"displayName": name} if name else {})
    joined = {"type": "CLIENT_JOINED", "timestamp": t}
    sample = {"timestamp": t, "callId": room, "clientId": f"client of {room}"}
    body = json.dumps({**sample, "attachments": who, "clientEvents": [joined]})
    assert httpx.post(f"{inlet.at}/{inlet.secret}", content=body).status_code == 200


def server_tells(inlet: OpenInlet, room: str, name: str) -> None:
    """An event of a generic server."""
    who = {"id": "u7", "peer_id": f"server of {room}"} | ({"name": name} if name else {})
    event = {"room": room, "event": "joined", "at": int(time.time() * 1000), "participant": who}
    header = {"authorization": f"Bearer {inlet.secret}"}
    assert httpx.post(inlet.at, json=event, headers=header).status_code == 200


def person_in(server: JourneyServer, room: str, decided: bool) -> dict[str, Any]:
    def look() -> Any:
        found = server.get("/sessions", search=room)["sessions"]
        people = found and server.participants(found[0]["id"])
        return people and (not decided or "decided_by" in people[0]) and people

    (person,) = wait_for(f"somebody in {room}", look)
    return dict(person)


@pytest.mark.parametrize("client_first", [True, False])
@pytest.mark.parametrize(
    ("client", "told", "called"),
    [("Cli", "Srv", "Cli"), ("Cli", "", "Cli"), ("", "Srv", "Srv"), ("", "", "u7")],
)
def test_the_client_s_name_else_the_server_s(
    server: JourneyServer, client: str, told: str, called: str, client_first: bool
) -> None:
    room = f"names {next(ROOMS)}"
    doors = [
        (client_tells, OpenInlet(server, "observertc"), client),
        (server_tells, OpenInlet(server, "generic"), told),
    ]
    for number, (tell, inlet, name) in enumerate(doors if client_first else doors[::-1]):
        tell(inlet, room, name)
        person_in(server, room, decided=number == 1 or not client_first)
    wait_for(called, lambda: person_in(server, room, decided=True)["display_name"] == called)
    person = person_in(server, room, decided=True)
    assert server.report(person["id"])["display_name"] == called


def test_what_the_app_itself_calls_somebody_stays(server: JourneyServer) -> None:
    """Also where a server had named them before."""
    room = f"names {next(ROOMS)}"
    generic, samples = OpenInlet(server, "generic"), OpenInlet(server, "observertc")
    server_tells(generic, room, "Srv")
    person_in(server, room, decided=True)
    meeting = server.get("/sessions", search=room)["sessions"][0]["associated_id"]
    given = {"name": "App", "custom_participant_id": "u7", "preset_name": "group_call_participant"}
    server.post(f"/meetings/{meeting}/participants", given)
    client_tells(samples, room, "Cli")
    (person,) = server.get(f"/meetings/{meeting}/participants")
    assert person["name"] == "App"


def test_a_room_s_title_and_parent_may_be_told_late(server: JourneyServer) -> None:
    """Webhooks come in any order: BigBlueButton tells them with ``meeting-created`` alone."""
    inlet = OpenInlet(server, "generic")
    main, breakout = f"names {next(ROOMS)}", f"names {next(ROOMS)}"

    def tell(room: str, event: str, **more: Any) -> None:
        said = {"room": room, "event": event, "at": int(time.time() * 1000), **more}
        header = {"authorization": f"Bearer {inlet.secret}"}
        assert httpx.post(inlet.at, json=said, headers=header).status_code == 200

    def session_of(room: str) -> dict[str, Any]:
        found = server.get("/sessions", search=meetings[room])["sessions"]
        return dict(found[0])

    meetings: dict[str, str] = {}
    for room in (breakout, main):
        tell(room, "joined", participant={"id": "u7", "peer_id": f"in {room}"})
        person_in(server, room, decided=True)
        meetings[room] = server.get("/sessions", search=room)["sessions"][0]["associated_id"]
    tell(breakout, "started", title="Group one", parent_room=main)
    tell(main, "started", title="The class", parent_room=breakout)  # nonsense: it is above that
    wait_for("the title", lambda: session_of(main)["meeting_display_name"] == "The class")
    inner = session_of(breakout)
    assert inner["meeting_display_name"] == "Group one"
    assert inner["parent_session_id"] == session_of(main)["id"]
    assert session_of(main)["parent_session_id"] is None
