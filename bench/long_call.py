"""A long call of many people, told through the doors, with everything that a call page shows: who
muted, shared, reconnected, what was said and written. For measurements and pictures of the console.
"""

import json
import random
from typing import Any

import httpx

from bench.calls import Call
from bench.people import PRESET, Backend, Person
from bench.reports import now_ms, tell, wait_until_sealed
from bench.servers import HOST, Credentials, Server

NAMES = (
    *("Amara Okafor", "Björn Lindqvist", "Chen Wei", "Dilnoza Karimova", "Elena Popescu"),
    *("Farid Haddad", "Grace Muthoni", "Hiroshi Tanaka", "Inés Villanueva", "Jonas Weber"),
)
SENTENCES = (
    "Let us go through the numbers of last week first.",
    "The new release went out on Tuesday without trouble.",
    "I will send the list of open questions after this call.",
    "Could you say that again, the line dropped for a moment?",
    "We agreed to move the deadline to the end of the month.",
    "The customers in the pilot asked for the export.",
    "I can take that, it fits with what I am doing anyway.",
    "Before we decide, let us look at what it would cost.",
)
MESSAGES = (
    "here is the link to the sheet",
    "+1",
    "you are muted",
    "can somebody share the slides again?",
    "back in two minutes",
)
SEGMENT_MS = 5_200
MESSAGE_MS = 97_000
SEED = 20_261_123


def seed(server: Server, credentials: Credentials, people: int = 10, minutes: float = 60) -> str:
    """Tell such a call, end it, and wait until it is sealed; the session's id."""
    with Backend(server, credentials) as backend:
        invited = _meet(backend, people)
        end = now_ms()
        tell(server, Call(invited, SEED), minutes)
        rng = random.Random(SEED)
        start = end - round(minutes * 60_000)
        for number, person in enumerate(invited):
            _happened(server, person, _events(number, start, end, rng))
        backend.end(invited[0].meeting_id)
        wait_until_sealed(backend, invited)
        meeting = invited[0].meeting_id
        (session,) = backend.ask("GET", f"/sessions?associated_id={meeting}")["sessions"]
        _say(backend, session["id"], invited, start, end, rng)
        return str(session["id"])


def _meet(backend: Backend, count: int) -> list[Person]:
    meeting = backend.ask("POST", "/meetings", {"title": "Quarterly planning"})
    rng = random.Random(SEED)
    made = []
    for number in range(count):
        about = {
            "name": NAMES[number % len(NAMES)],
            "custom_participant_id": f"colleague-{number + 1}",
            "preset_name": PRESET,
        }
        told = backend.ask("POST", f"/meetings/{meeting['id']}/participants", about)
        peer_id = f"{rng.getrandbits(32):08x}-0000-4000-8000-{number:012x}"
        made.append(Person(meeting["id"], told["id"], peer_id, told["token"]))
    return made


def _events(number: int, start: int, end: int, rng: random.Random) -> list[dict[str, Any]]:
    """What one of them did, by time."""
    told: list[tuple[int, str, dict[str, Any]]] = []

    def lasted(share: float, minutes: float, on: str, off: str) -> None:
        began = start + round((end - start) * share)
        told.append((began, on, {}))
        told.append((min(end - 1_000, began + round(minutes * 60_000)), off, {}))

    for _ in range(3):
        lasted(rng.uniform(0.02, 0.9), rng.uniform(1, 8), "audio_off", "audio_on")
    if number % 3 == 0:
        lasted(rng.uniform(0.2, 0.8), rng.uniform(2, 9), "video_off", "video_on")
    if number == 1:
        lasted(0.25, 14, "screenshare_started", "screenshare_stopped")
    if number % 4 == 2:
        lasted(rng.uniform(0.3, 0.6), 3, "browser_backgrounded", "browser_foregrounded")
    if number % 5 == 3:
        lasted(0.55, 0.4, "reconnect_attempt", "transport_connected")
    for label, at in (("Built-in", 0.0), ("USB headset", 0.4))[: 1 + number % 2]:
        device = {"deviceId": label, "kind": "audioinput", "label": label}
        where = start + round((end - start) * at) + 900
        told.append((where, "selected_microphone_update", {"device": device}))
    if number == 6:
        refused = {"deviceType": "VIDEO", "permission": "DENIED"}
        told.append((start + 4_000, "media_permission", refused))
    told.sort(key=lambda each: each[0])
    return [{"event": name, "timestamp": t, "metaData": more} for t, name, more in told]


def _happened(server: Server, person: Person, entries: list[dict[str, Any]]) -> None:
    answer = httpx.post(
        f"http://{HOST}:{server.port}/v1/collect",
        content=json.dumps({"peer_id": person.peer_id, "seq": 1_000_000, "entries": entries}),
        headers={"authorization": f"Bearer {person.token}", "content-type": "application/json"},
        timeout=30,
    )
    answer.raise_for_status()


def _say(
    backend: Backend,
    session_id: str,
    people: list[Person],
    start: int,
    end: int,
    rng: random.Random,
) -> None:
    segments, messages = [], []
    for at in range(2_000, end - start - SEGMENT_MS, SEGMENT_MS):
        speaker = rng.randrange(len(people))
        said = {"id": people[speaker].peer_id, "displayName": NAMES[speaker % len(NAMES)]}
        length = rng.randrange(1_800, SEGMENT_MS)
        segments.append(
            {
                "startTime": at,
                "endTime": at + length,
                "sentence": rng.choice(SENTENCES),
                "peerData": said,
            }
        )
    for n, at in enumerate(range(start + 20_000, end, MESSAGE_MS)):
        sender = rng.randrange(len(people))
        messages.append(
            {
                "id": f"m{n}",
                "type": "text",
                "userId": people[sender].user_id,
                "displayName": NAMES[sender % len(NAMES)],
                "timeMs": at,
                "message": rng.choice(MESSAGES),
            }
        )
    backend.ask("POST", f"/sessions/{session_id}/transcript", {"segments": segments})
    backend.ask("POST", f"/sessions/{session_id}/chat", {"messages": messages})
