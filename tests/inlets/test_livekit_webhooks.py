"""LiveKit's webhooks, encoded and signed by LiveKit's own server SDK."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from server_world import NOW, World, a_world

from parts import ENVS

KEY, SECRET = "APIkey123", "a-secret-of-livekit-that-is-long-enough"
S = NOW // 1_000
SIGNER = Path(__file__).with_name("sign_livekit.mjs")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


def signed(events: list[dict[str, Any]], secret: str = SECRET) -> list[tuple[bytes, str]]:
    """(body, Authorization) of each, by LiveKit's SDK."""
    done = subprocess.run(
        ["node", str(SIGNER), str(ENVS / "node")],
        input=json.dumps({"key": KEY, "secret": secret, "now": NOW, "events": events}),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return [(one["body"].encode(), one["token"]) for one in json.loads(done.stdout)]


def event(kind: str, room: str, person: str = "", at: int = S, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "event": kind,
        "id": f"EV_{kind}_{room}_{person}_{at}",
        "createdAt": str(at),
        "room": {
            "sid": f"RM_{room}",
            "name": room,
            "numParticipants": 77,
            **more.pop("of_room", {}),
        },
    }
    if person:
        made["participant"] = {
            "sid": f"PA_{room}_{person}",
            "identity": person,
            "name": person.title(),
            "joinedAt": str(at),
            "kind": "STANDARD",
            **more.pop("participant", {}),
        }
    return made | more


def deliver(world: World, inlet: Any, some: list[tuple[bytes, str]]) -> list[int]:
    kind = {"content-type": "application/webhook+json"}
    return [
        world.post(inlet, body, {"authorization": token, **kind}).status_code
        for body, token in some
    ]


@pytest.mark.needs("livekit-server-sdk")
def test_a_call_of_two_is_told_by_the_sdk_s_own_encoding_and_signature(world: World) -> None:
    inlet = world.inlet("livekit", KEY, SECRET)
    track = {"sid": "TR_1", "type": "VIDEO", "source": "CAMERA", "width": 1280, "height": 720}
    began = {"creationTimeMs": str(NOW - 60_500)}
    started = event("room_started", "talk", at=S - 60, of_room=began)
    anna = {"joinedAtMs": str(NOW - 58_750)}
    events = [
        started,
        event("participant_joined", "talk", "anna", S - 58, participant=anna),
        event("participant_joined", "talk", "bert", S - 50),
        event("track_published", "talk", "anna", S - 57, track=track),
        event("track_unpublished", "talk", "anna", S - 12, track=track),
        event("participant_left", "talk", "anna", S - 10),
        event("participant_connection_aborted", "talk", "carla", S - 40),
        event("room_finished", "talk", at=S - 5),
    ]
    some = signed(events)

    assert deliver(world, inlet, some) == [200] * 8
    assert world.room_saw("talk") == [
        ("room_ended", NOW - 5_000),
        ("room_started", NOW - 60_500),
    ]
    assert world.saw("talk", "anna", "PA_talk_anna") == [
        ("joined", NOW - 58_750),
        ("left", NOW - 10_000),
        ("media", NOW - 57_000),
    ]
    assert world.saw("talk", "bert", "PA_talk_bert") == [("joined", NOW - 50_000)]
    assert world.saw("talk", "carla", "PA_talk_carla") == [("aborted", NOW - 40_000)]
    assert world.person("talk", "anna").name == "Anna"

    before = world.facts(world.subject("talk", "anna", "PA_talk_anna"))
    assert deliver(world, inlet, [*reversed(some), *some]) == [200] * 16
    assert world.facts(world.subject("talk", "anna", "PA_talk_anna")) == before
    assert world.quarantined() == []


@pytest.mark.needs("livekit-server-sdk")
def test_every_one_of_the_fourteen_events_is_taken(world: World) -> None:
    inlet = world.inlet("livekit", KEY, SECRET)
    egress = {"egressId": "EG_1", "roomName": "full", "status": "EGRESS_ACTIVE"}
    ingress = {"ingressId": "IN_1", "roomName": "full"}
    job = {"id": "AJ_1", "room": {"name": "full"}, "agentName": "notes"}
    events = [
        event("room_started", "full"),
        event("room_finished", "full"),
        event("participant_joined", "full", "a"),
        event("participant_left", "full", "a"),
        event("participant_connection_aborted", "full", "b"),
        event("track_published", "full", "a", track={"sid": "TR"}),
        event("track_unpublished", "full", "a", track={"sid": "TR"}),
        *(
            event(kind, "full") | {"room": None, "egressInfo": egress}
            for kind in ("egress_started", "egress_updated", "egress_ended")
        ),
        *(
            event(kind, "full") | {"room": None, "ingressInfo": ingress}
            for kind in ("ingress_started", "ingress_ended")
        ),
        *(
            event(kind, "full") | {"room": None, "job": job}
            for kind in ("agent_job_started", "agent_job_ended")
        ),
    ]
    assert len(events) == 14
    assert deliver(world, inlet, signed(events)) == [200] * 14

    from roomtone.model.subjects import room_subject

    kept = world.facts(room_subject(world.app_id, world.meeting("full")))
    names = {getattr(fact, "name", "") for fact in kept}
    assert {"livekit_egress_updated", "livekit_ingress_ended", "livekit_agent_job_started"} <= names
    assert world.quarantined() == []


@pytest.mark.needs("livekit-server-sdk")
def test_what_is_signed_otherwise_or_for_another_body_is_refused(world: World) -> None:
    inlet = world.inlet("livekit", KEY, SECRET)
    (body, token), (other, _) = signed(
        [event("room_started", "forged"), event("room_finished", "forged")]
    )
    ((_, stranger),) = signed([event("room_started", "forged")], secret="x" * 40)

    assert deliver(world, inlet, [(other, token), (body, stranger), (body, "")]) == [401] * 3
    assert deliver(world, inlet, [(body, f"Bearer {token}")]) == [200]

    claims = jwt.decode(token, options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, algorithm="none")
    renamed = jwt.encode(claims | {"iss": "APIother"}, SECRET, algorithm="HS256")
    assert deliver(world, inlet, [(body, unsigned), (body, renamed)]) == [401] * 2
    late = jwt.encode(claims | {"exp": S - 3_600}, SECRET, algorithm="HS256")
    assert deliver(world, inlet, [(body, late)]) == [401]


def own(body: bytes, **more: Any) -> str:
    """A token as LiveKit makes it, for bodies that its SDK would not write."""
    from base64 import b64encode
    from hashlib import sha256

    digest = b64encode(sha256(body).digest()).decode()
    return jwt.encode({"iss": KEY, "exp": S + 300, "sha256": digest, **more}, SECRET, "HS256")


def test_what_is_not_understood_is_kept_and_called_delivered(world: World) -> None:
    inlet = world.inlet("livekit", KEY, SECRET)
    for body in (b"[1]", b'{"event":"participant_joined"}', b'{"event":3}', b"\xff"):
        assert deliver(world, inlet, [(body, own(body))]) == [200]
    assert [one.source for one in world.quarantined()] == ["livekit"] * 4


def test_a_body_over_the_limit_is_not_read(world: World) -> None:
    inlet = world.inlet("livekit", KEY, SECRET)
    body = b'{"event":"' + b"x" * 5_000_000 + b'"}'
    assert deliver(world, inlet, [(body, own(body))]) == [413]


def test_members_of_later_versions_and_machines_change_nothing(world: World) -> None:
    inlet = world.inlet("livekit", KEY, SECRET)
    later = event("participant_joined", "later", "anna", somethingNew={"deep": [1]})
    recorder = event("participant_joined", "later", "EG_7", participant={"kind": "EGRESS"})
    unheard = event("participant_danced", "later", "anna")
    some = [json.dumps(one).encode() for one in (later, recorder, unheard)]

    assert deliver(world, inlet, [(body, own(body)) for body in some]) == [200] * 3
    assert world.saw("later", "anna", "PA_later_anna") == [("joined", NOW)]
    with pytest.raises(StopIteration):
        world.person("later", "EG_7")
