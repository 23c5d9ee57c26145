"""prosody, RealtimeKit, Daily, BigBlueButton and the generic sender: documented payloads, signed by
implementations that are not ours."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from server_world import NOW, World, a_world

from roomtone.model.facts import Happened
from roomtone.model.subjects import room_subject
from roomtone.model.times import iso

S = NOW // 1_000
SIGNER = Path(__file__).with_name("sign_platforms.mjs")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


def signed(kind: str, events: list[Any], **more: Any) -> list[dict[str, Any]]:
    """{body, query, headers} of each."""
    done = subprocess.run(
        ["node", str(SIGNER)],
        input=json.dumps({"kind": kind, "events": events, "stamp": str(NOW), **more}),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout)


def deliver(world: World, inlet: Any, some: list[dict[str, Any]]) -> list[int]:
    return [
        world.post(inlet, one["body"].encode(), one["headers"], one["query"]).status_code
        for one in some
    ]


def events_of_room(world: World, room: str) -> dict[str, Any]:
    """name → metadata of what happened in a room as a whole."""
    facts = world.facts(room_subject(world.app_id, world.meeting(room)))
    return {fact.name: fact.metadata for fact in facts if isinstance(fact, Happened)}


# --- Jitsi's prosody ----------------------------------------------------------------------------


def occupant(jid: str, joined: int, left: int | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"occupant_jid": f"{jid}@meet.example/x", "joined_at": joined, **more}
    return made if left is None else made | {"left_at": left}


def prosody(world: World, inlet: Any, path: str, **body: Any) -> Any:
    name = "muc-" + path.replace("/", "-")
    said = {"event_name": name, "is_breakout": False, "active_occupants_count": 9, **body}
    headers = {"authorization": f"Bearer {inlet.secret}"}
    return world.post(inlet, json.dumps(said).encode(), headers, f"/events/{path}")


def test_a_jitsi_room_with_a_breakout(world: World) -> None:
    inlet = world.inlet("prosody")
    main: dict[str, Any] = {"room_name": "daily", "room_jid": "daily@conference.meet.example"}
    breakout = main | {"is_breakout": True, "breakout_room_id": "b1"}
    ada = {"id": "u-ada", "name": "Ada", "email": "ada@example.com"}
    for path, body in [
        ("room/created", main | {"created_at": S - 100}),
        ("occupant/joined", main | {"occupant": occupant("j1", S - 90, **ada)}),
        (
            "occupant/left",
            main
            | {
                "occupant": occupant("j1", S - 90, S - 60, total_dominant_speaker_time=4_200, **ada)
            },
        ),
        ("room/created", breakout | {"created_at": S - 60}),
        ("occupant/joined", breakout | {"occupant": occupant("j2", S - 60, **ada)}),
        ("occupant/left", breakout | {"occupant": occupant("j2", S - 60, S - 30, **ada)}),
        ("room/destroyed", breakout | {"destroyed_at": S - 30, "all_occupants": {}}),
        ("occupant/joined", main | {"occupant": occupant("j1", S - 30, **ada)}),
        (
            "room/destroyed",
            main
            | {
                "destroyed_at": S - 10,
                "all_occupants": [
                    occupant("j1", S - 30, S - 12, **ada),
                    occupant("lost", S - 80, S - 20),
                ],
            },
        ),
    ]:
        assert prosody(world, inlet, path, **body).status_code == 200

    assert world.room_saw("daily") == [
        ("room_ended", (S - 10) * 1_000),
        ("room_started", (S - 100) * 1_000),
    ]
    first = f"daily/j1@meet.example/x/{(S - 90) * 1_000}"
    again = f"daily/j1@meet.example/x/{(S - 30) * 1_000}"
    assert world.saw("daily", "u-ada", first) == [
        ("joined", (S - 90) * 1_000),
        ("left", (S - 60) * 1_000),
    ]
    # It left for good: told by the room's end alone, as nobody told of it before.
    assert ("left", (S - 12) * 1_000) in world.saw("daily", "u-ada", again)
    # Nobody told of this one at all until the room's end.
    lost = f"daily/lost@meet.example/x/{(S - 80) * 1_000}"
    assert world.saw("daily", "lost", lost) == [
        ("joined", (S - 80) * 1_000),
        ("left", (S - 20) * 1_000),
    ]
    in_breakout = f"daily/b1/j2@meet.example/x/{(S - 60) * 1_000}"
    assert len(world.saw("daily/b1", "u-ada", in_breakout)) == 2
    meeting = world.of.records.peek(
        lambda tx: tx.rooms.meeting(world.app_id, world.meeting("daily/b1"))
    )
    assert meeting.parent_meeting_id == world.meeting("daily")
    spoken = [
        fact.metadata
        for fact in world.facts(world.subject("daily", "u-ada", first))
        if isinstance(fact, Happened)
    ]
    assert spoken == [{"total_ms": 4_200.0}]
    # Addresses of mail are not kept.
    assert "example.com" not in repr(world.facts(world.subject("daily", "u-ada", first)))
    assert world.quarantined() == []


def test_prosody_without_its_secret_is_refused(world: World) -> None:
    inlet = world.inlet("prosody")
    for header in ("", "Bearer wrong", inlet.secret, f"Basic {inlet.secret}"):
        answer = world.post(inlet, b"{}", {"authorization": header}, "/events/room/created")
        assert answer.status_code == 401


# --- RealtimeKit --------------------------------------------------------------------------------

KEY = rsa.generate_private_key(65_537, 2_048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
MEETING = {
    "id": "2df2d1f0-4f3b-4a3f-a3b6-1c8b8d9f0a11",
    "sessionId": "aaaaaaaa-4f3b-4a3f-a3b6-1c8b8d9f0a11",
    "title": "Weekly",
    "roomName": "abc-def",
    "status": "LIVE",
    "createdAt": iso(NOW - 90_000),
    "startedAt": iso(NOW - 80_000),
    "organizedBy": {"id": "o", "name": "Org"},
}
PEER = "7b0c0f0e-6f6c-4f0e-9d39-0b8f5a9f1f10"
PERSON = {
    "peerId": PEER,
    "userDisplayName": "Eve",
    "customParticipantId": "eve",
    "clientSpecificId": "eve",
    "joinedAt": iso(NOW - 70_000),
}


def rtk(event: str, header: str = "rtk-signature", key: Any = KEY, **more: Any) -> dict[str, Any]:
    body = json.dumps({"event": event, **more}, separators=(",", ":")).encode()
    signature = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    headers = {header: b64encode(signature).decode(), "rtk-uuid": "one-delivery"}
    return {"body": body.decode(), "headers": headers, "query": ""}


def test_all_nine_of_realtimekit_s_webhooks(world: World) -> None:
    inlet = world.inlet("realtimekit", secret=PEM)
    ended = MEETING | {"endedAt": iso(NOW - 20_000)}
    link = {"Url": "https://files.example/x?sig=1", "UrlExpiry": iso(NOW + 1_000_000)}
    files = {
        name: {f"{name}Download{end}": value for end, value in link.items()}
        for name in ("chat", "transcript", "summary")
    }
    flat = {"meetingId": MEETING["id"], "sessionId": MEETING["sessionId"], "title": "Weekly"}
    gone = PERSON | {"leftAt": iso(NOW - 30_000)}
    status = {"recording": {"recordingId": "r1", "status": "UPLOADED"}, "meeting": MEETING}
    some = [
        rtk("meeting.started", meeting=MEETING),
        rtk("meeting.participantJoined", meeting=MEETING, participant=PERSON),
        rtk("meeting.participantLeft", "dyte-signature", meeting=MEETING, participant=gone),
        rtk("meeting.ended", meeting=ended, reason="HOST_ENDED_MEETING"),
        rtk("meeting.chatSynced", **flat, **files["chat"]),
        rtk("meeting.transcript", meeting=ended, **files["transcript"]),
        rtk("meeting.summary", **flat, **files["summary"]),
        rtk("recording.statusUpdate", **status),
        rtk("livestreaming.statusUpdate", meeting=MEETING, livestream={"status": "LIVE"}),
    ]
    assert deliver(world, inlet, some) == [200] * 9
    assert deliver(world, inlet, list(reversed(some))) == [200] * 9
    assert world.quarantined() == []

    room = str(MEETING["id"])
    assert world.room_saw(room) == [
        ("room_ended", NOW - 20_000),
        ("room_started", NOW - 80_000),
    ]
    assert world.saw(room, "eve", PEER) == [("joined", NOW - 70_000), ("left", NOW - 30_000)]
    kept = events_of_room(world, room)
    assert kept["realtimekit_meeting_ended"] == {"reason": "HOST_ENDED_MEETING"}
    assert kept["realtimekit_chat_synced"]["chat_download_url"] == link["Url"]
    assert kept["realtimekit_transcript"]["transcript_download_url"] == link["Url"]
    assert kept["realtimekit_summary"]["summary_download_url_expiry"] == link["UrlExpiry"]
    assert kept["realtimekit_recording_status_update"]["status"] == "UPLOADED"
    assert "realtimekit_livestreaming_status_update" in kept


def test_roomtone_s_own_webhooks_are_understood(world: World) -> None:
    """They are the vendor's, byte for byte: one Roomtone can tell another."""
    from roomtone.model.sessions import Session
    from roomtone.model.tenancy import App
    from roomtone.services.hook_payloads import Payloads

    session = Session(
        id="5f2a33f0-4f3b-4a3f-a3b6-1c8b8d9f0a11", app_id="a",
        meeting_id="5f2a33f0-aaaa-4a3f-a3b6-1c8b8d9f0a11", title="Ours", started_at=NOW - 9_000,
        created_at=NOW - 9_000, updated_at=NOW,
    )  # fmt: skip
    app = App(id="a", account_id="x", name="App", signing_key="k", created_at=1)
    body = Payloads(always_live=True).started(session, app)
    inlet = world.inlet("realtimekit", secret=PEM.replace("\n", "\\n"))
    signature = b64encode(KEY.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()

    assert world.post(inlet, body, {"rtk-signature": signature}).status_code == 200
    assert world.room_saw(session.meeting_id) == [("room_started", NOW - 9_000)]


def test_realtimekit_s_signature_is_over_the_raw_body(world: World) -> None:
    inlet = world.inlet("realtimekit", secret=PEM)
    good = rtk("meeting.started", meeting=MEETING)
    stranger = rsa.generate_private_key(65_537, 2_048)
    bad = [
        good | {"body": good["body"] + " "},
        good | {"headers": {}},
        good | {"headers": {"rtk-signature": "not base64!"}},
        good | {"headers": {"rtk-signature": "AAAA"}},
        rtk("meeting.started", key=stranger, meeting=MEETING),
    ]
    assert deliver(world, inlet, bad) == [401] * 5
    broken = world.inlet("realtimekit", secret="no key at all")
    assert deliver(world, broken, [good]) == [401]


# --- Daily --------------------------------------------------------------------------------------


def daily(kind: str, at: float, **payload: Any) -> dict[str, Any]:
    return {
        "version": "1.0.0", "type": kind, "id": f"{kind}-{at}", "event_ts": at + 5.125,
        "payload": payload,
    }  # fmt: skip


@pytest.mark.needs("node")
def test_a_daily_room(world: World) -> None:
    inlet = world.inlet("daily")
    room = "TrPmUX1DzjSwDaAFDfNj"
    who = {
        "room": room, "session_id": "ses-1", "user_id": "uma", "user_name": "Uma ü",
        "owner": True, "will_eject_at": 0, "permissions": {"canSend": True},
        "networkQualityState": "good",
    }  # fmt: skip
    left = {"joined_at": S - 50.5, "duration": 30.25}
    events = [
        daily("meeting.started", S - 52, room=room, meeting_id="m", start_ts=S - 52),
        daily("participant.joined", S - 50.5, joined_at=S - 50.5, **who),
        daily("participant.left", S - 20, **left, **who),
        # Nobody told that this one joined.
        daily("participant.left", S - 19, **left, **who | {"session_id": "ses-2"}),
        daily("meeting.ended", S - 19, room=room, start_ts=S - 52, end_ts=S - 19.329),
        daily("recording.started", S - 40, room_name=room, recording_id="rec", start_ts=S - 40),
        daily("waiting-participant.joined", S - 51, room=room, joined_at=S - 51),
        daily("dialin.connected", S - 51, domain_id="d"),
    ]
    some = signed("daily", events, secret=inlet.secret)

    assert deliver(world, inlet, some) == [200] * 8
    assert deliver(world, inlet, list(reversed(some))) == [200] * 8
    stay = [("joined", NOW - 50_500), ("left", NOW - 20_250)]
    assert world.saw(room, "uma", "ses-1") == stay
    assert world.saw(room, "uma", "ses-2") == stay
    assert world.room_saw(room) == [("room_ended", NOW - 19_329), ("room_started", NOW - 52_000)]
    assert world.person(room, "uma").name == "Uma ü"
    kept = events_of_room(world, room)
    assert set(kept) == {"daily_recording_started", "daily_waiting_participant_joined"}
    assert world.quarantined() == []


@pytest.mark.needs("node")
def test_daily_s_registration_needs_a_200_and_everything_else_a_signature(world: World) -> None:
    inlet = world.inlet("daily")
    assert world.post(inlet, b'{"test":"test"}').status_code == 200

    event = daily("meeting.started", S, room="other", start_ts=S)
    (good,) = signed("daily", [event], secret=inlet.secret)
    (stranger,) = signed("daily", [event], secret="AAAA")
    stale = good | {"headers": good["headers"] | {"x-webhook-timestamp": "1"}}
    bad = [good | {"headers": {}}, stranger, stale, good | {"body": good["body"] + "x"}]
    assert deliver(world, inlet, bad) == [401] * 4
    # A proxy in between that formats the JSON anew is forgiven.
    pretty = json.dumps(json.loads(good["body"]), indent=2)
    assert deliver(world, inlet, [good, good | {"body": pretty}]) == [200] * 2


# --- BigBlueButton ------------------------------------------------------------------------------

INTERNAL = "038b74cf04c0ee371f939c9e54de060753899589-1696511528029"


def bbb(kind: str, ts: int, meeting: dict[str, Any], **user: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = {"meeting": meeting}
    if user:
        attributes["user"] = {key.replace("_", "-"): value for key, value in user.items()}
    data = {"type": "event", "id": kind, "attributes": attributes, "event": {"ts": ts}}
    return {"data": data}


@pytest.mark.needs("node")
@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_bigbluebutton_meeting_with_a_breakout(world: World, algorithm: str) -> None:
    inlet = world.inlet("bigbluebutton")
    name = f"class-{algorithm}"
    internal = f"{algorithm}-{INTERNAL}"
    short = {"internal-meeting-id": internal, "external-meeting-id": name}
    full = short | {
        "name": "Class 5b", "is-breakout": False, "parent-id": "bbb-none",
        "create-time": NOW - 90_000,
    }  # fmt: skip
    room = {
        "internal-meeting-id": f"{internal}-b", "external-meeting-id": f"{name}-b",
        "name": "Room 1", "is-breakout": True, "parent-id": internal, "create-time": NOW - 50_000,
    }  # fmt: skip
    user: dict[str, Any] = {
        "internal_user_id": "w_1", "external_user_id": "kim", "name": "Kim", "role": "VIEWER",
        "presenter": "false",
    }  # fmt: skip
    events = [
        bbb("meeting-created", NOW - 89_000, full),
        bbb("user-joined", NOW - 80_000, short, **user),
        bbb("user-audio-voice-enabled", NOW - 79_000, short, **user, sharing_mic=True),
        bbb("user-cam-broadcast-start", NOW - 78_000, short, **user, stream="w_1_cam"),
        bbb("meeting-created", NOW - 50_000, room),
        bbb("user-joined", NOW - 49_000, room, **user | {"internal_user_id": "w_2"}),
        bbb("user-left", NOW - 20_000, short, **user),
        bbb("meeting-ended", NOW - 10_000, short),
        {"data": {"type": "event", "id": "rap-publish-ended", "event": {"ts": 1}}},
    ]  # fmt: skip
    url = f"https://rt.example/in/{inlet.id}"
    keys = {"secret": inlet.secret, "algorithm": algorithm}
    some = signed("bigbluebutton", events, url=url, **keys)

    assert deliver(world, inlet, some) == [200] * len(events)
    assert world.room_saw(name) == [("room_ended", NOW - 10_000), ("room_started", NOW - 90_000)]
    assert world.saw(name, "kim", f"{internal}/w_1") == [
        ("joined", NOW - 80_000),
        ("left", NOW - 20_000),
        ("media", NOW - 79_000),
        ("media", NOW - 78_000),
    ]
    assert world.saw(f"{name}-b", "kim", f"{internal}-b/w_2") == [("joined", NOW - 49_000)]
    meetings = world.of.records.peek(
        lambda tx: [
            tx.rooms.meeting(world.app_id, world.meeting(one)) for one in (name, f"{name}-b")
        ]
    )
    assert [one.title for one in meetings] == ["Class 5b", "Room 1"]
    assert meetings[1].parent_meeting_id == meetings[0].id
    assert world.quarantined() == []

    bad = [
        some[0] | {"query": ""},
        some[0] | {"query": some[1]["query"]},
        some[0] | {"body": some[0]["body"] + "&more=1"},
    ]
    assert deliver(world, inlet, bad) == [401] * 3


@pytest.mark.needs("node")
def test_bigbluebutton_with_a_query_of_its_own_a_bearer_or_plain_json(world: World) -> None:
    inlet = world.inlet("bigbluebutton")
    meeting = {"internal-meeting-id": "i-1", "external-meeting-id": "plain"}
    event = bbb("user-joined", NOW - 5_000, meeting, internal_user_id="w", external_user_id="lee")
    url = f"https://rt.example/in/{inlet.id}?school=5"
    (one,) = signed("bigbluebutton", [event], url=url, secret=inlet.secret, algorithm="sha256")
    one["query"] = "?school=5" + one["query"]
    assert deliver(world, inlet, [one]) == [200]

    bearer = {"authorization": f"Bearer {inlet.secret}"}
    for body in (event, [event], {"event": [event]}, {"event": json.dumps([event])}):
        assert world.post(inlet, json.dumps(body).encode(), bearer).status_code == 200
    assert world.saw("plain", "lee", "i-1/w") == [("joined", NOW - 5_000)]
    assert world.post(inlet, b"{}", {"authorization": "Bearer no"}).status_code == 401
    assert world.quarantined() == []


# --- any other ----------------------------------------------------------------------------------


def test_a_generic_sender_tells_of_people_and_rooms(world: World) -> None:
    inlet = world.inlet("generic")
    bearer = {"authorization": f"Bearer {inlet.secret}"}
    who = {"id": "zoe", "name": "Zoe", "peer_id": "conn-1"}
    for body in (
        {"id": "1", "room": "x", "event": "started", "at": iso(NOW - 9_000), "title": "The X"},
        {"id": "2", "room": "x", "event": "joined", "at": NOW - 8_000, "participant": who},
        {
            "id": "3", "room": "x", "event": "media", "at": NOW - 7_000, "participant": who,
            "tracks": ["t-1"],
        },
        [
            {"id": "4", "room": "x", "event": "hand", "at": S - 6, "participant": who,
             "data": {"up": True, "token": "s3cret"}},
            {"id": "5", "room": "x", "event": "left", "at": S - 5, "participant": who},
            {"id": "6", "room": "x", "event": "ended", "at": S - 4},
        ],
    ):  # fmt: skip
        answer = world.post(inlet, json.dumps(body).encode(), bearer)
        assert answer.status_code == 200, answer.text
    assert world.saw("x", "zoe", "conn-1") == [
        ("joined", NOW - 8_000),
        ("left", NOW - 5_000),
        ("media", NOW - 7_000),
    ]
    assert world.room_saw("x") == [("room_ended", NOW - 4_000), ("room_started", NOW - 9_000)]
    facts = world.facts(world.subject("x", "zoe", "conn-1"))
    assert [f.metadata for f in facts if isinstance(f, Happened)] == [{"up": True}]


def test_a_generic_sender_is_told_every_fault(world: World) -> None:
    inlet = world.inlet("generic")
    bearer = {"authorization": f"Bearer {inlet.secret}"}
    body = [
        {"room": "x", "event": "joined", "at": NOW},
        {"room": "", "event": 5, "at": "yesterday"},
        {"room": "x", "event": "left", "at": "soon", "participant": {"id": "i", "peer_id": "p"}},
    ]
    answer = world.post(inlet, json.dumps(body).encode(), bearer)
    assert answer.status_code == 422
    where = " ".join(str(error) for error in answer.json()["errors"])
    assert all(word in where for word in ("participant", "room", "event", "soon"))
    old = {"room": "x", "event": "started", "at": NOW - 30 * 24 * 3_600_000}
    assert world.post(inlet, json.dumps(old).encode(), bearer).status_code == 422
    assert world.post(inlet, b"nope", bearer).status_code == 400
    assert world.post(inlet, b"{}", {}).status_code == 401
    assert world.quarantined() == []


def test_doors_that_are_closed_unknown_or_asked_otherwise(world: World) -> None:
    inlet = world.inlet("generic")
    bearer = {"authorization": f"Bearer {inlet.secret}"}
    assert world.web.get(f"/in/{inlet.id}", headers=bearer).status_code == 405
    assert world.web.post("/in/none", headers=bearer).status_code == 401
    world.run(world.of.inlets.revoke(world.app_id, inlet.id))
    answer = world.post(inlet, b"{}", bearer)
    assert answer.status_code == 401
    assert inlet.secret not in answer.text


def test_what_cannot_be_stored_is_asked_for_again(world: World) -> None:
    from roomtone.model.errors import Failed

    inlet = world.inlet("generic")
    bearer = {"authorization": f"Bearer {inlet.secret}"}
    body = json.dumps({"room": "full", "event": "started", "at": NOW}).encode()

    async def full(_: Any) -> int:
        raise Failed("the disk is full", "make room")

    world.of.inflow.append = full
    try:
        answer = world.post(inlet, body, bearer)
    finally:
        del world.of.inflow.append
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert world.post(inlet, body, bearer).status_code == 200
