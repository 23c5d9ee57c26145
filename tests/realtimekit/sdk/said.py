"""What is written and said in the live call, through every door that words have.

Each sentence names its door, so that a file shows which doors work: the collector's two events,
the two POSTs of the app's own server, and files in formats that are not the vendor's JSON.
"""

import time
from typing import Any

import httpx

from roomtone.model.times import iso

WRITTEN = {
    "collector": 'Through the collector, "quoted" and with, commas',
    "server": "Through the server's JSON",
    "file": "Through a chat file",
}
SPOKEN = {
    "collector": "Through the collector we decided to use Postgres for the archive.",
    "server": "Through the server I'll write the migration tomorrow.",
    "file": "Through an uploaded file the numbers came on Friday.",
}
CHAT_HEADER = (
    "id,participantId,sessionId,meetingId,displayName,pinned,isEdited,payloadType,payload,createdAt"
)
"""The vendor's (contract 2.3)."""


def say(
    base: str, session: str, api_token: str, people: dict[str, dict[str, str]], t: int
) -> list[dict[str, Any]]:
    """Speak through every door; what the server counted for each of the four uploads.

    ``people`` has peer_id, user_id and token of Alice (a) and Bob (b); ``t`` is epoch ms within the
    call; ``session`` is the session's address in the API.
    """
    _collected(base, people["a"], t)
    counted = []
    bob = people["b"]
    chat = {
        "type": "text",
        "userId": bob["user_id"],
        "displayName": "Bob",
        "time": iso(t + 4000),
        "message": WRITTEN["server"],
    }
    segment = {
        "startTime": 6000,
        "endTime": 9000,
        "sentence": SPOKEN["server"],
        "peerData": {"id": bob["peer_id"], "userId": bob["user_id"], "displayName": "Bob"},
    }
    row = ["m-file", bob["peer_id"], "", "", "Bob", "false", "false", "TEXT_MESSAGE"]
    line = ",".join([*row, WRITTEN["file"], iso(t + 8000)])
    srt = f"1\n00:00:10,000 --> 00:00:13,500\nBob: {SPOKEN['file']}\n\n"
    with httpx.Client(headers={"authorization": f"Bearer {api_token}"}, timeout=30) as client:
        for path, more in (
            ("chat", {"json": {"messages": [{"id": "m-server", **chat}]}}),
            ("chat", _file("text/csv", f"{CHAT_HEADER}\r\n{line}\r\n")),
            ("transcript", {"json": {"segments": [{"id": "t-server", **segment}]}}),
            ("transcript", _file("application/x-subrip", srt)),
        ):
            answer = client.post(f"{session}/{path}", **more)
            assert answer.is_success, f"{answer.status_code}: {answer.text}"
            counted.append(answer.json()["data"])
    return counted


def _file(kind: str, text: str) -> dict[str, Any]:
    return {"content": text.encode(), "headers": {"content-type": kind}}


def _collected(base: str, who: dict[str, str], t: int) -> None:
    """A message and a sentence, as RealtimeKit's client hands them to the page (contract 3)."""
    message = {
        "id": "m-collector",
        "type": "text",
        "userId": who["user_id"],
        "displayName": "Alice",
        "time": t,
        "message": WRITTEN["collector"],
    }
    sentence = {
        "id": "t-collector",
        "name": "Alice",
        "peerId": who["peer_id"],
        "userId": who["user_id"],
        "customParticipantId": "custom-a",
        "transcript": SPOKEN["collector"],
        "isPartialTranscript": False,
        "timestamp": t + 2000,
    }
    entries = [
        {
            "event": "chat_message",
            "timestamp": t,
            "metaData": {"action": "add", "message": message},
        },
        {"event": "transcript", "timestamp": t + 2000, "metaData": sentence},
    ]
    answer = httpx.post(
        f"{base}/v1/collect",
        json={"peer_id": who["peer_id"], "seq": 1, "entries": entries},
        headers={"authorization": f"Bearer {who['token']}"},
        timeout=30,
    )
    assert answer.is_success, f"{answer.status_code}: {answer.text}"


def fetch(url: str) -> httpx.Response:
    """Download a file as a browser would: the link alone, no token."""
    return httpx.get(url, timeout=30)


def wait_for(url: str, api_token: str, patience_s: float) -> None:
    """Until a GET answers 200."""
    deadline = time.monotonic() + patience_s
    answer = None
    while time.monotonic() < deadline:
        answer = httpx.get(url, headers={"authorization": f"Bearer {api_token}"}, timeout=30)
        if answer.status_code == 200:
            return
        time.sleep(0.2)
    said = answer.text if answer is not None else "nothing"
    raise AssertionError(f"{url} was not there in {patience_s} s: {said}")
