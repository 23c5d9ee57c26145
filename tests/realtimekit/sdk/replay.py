"""Plays a recording of RealtimeKit's own web client through the front door, as if it were now."""

import gzip
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

RECORDINGS = Path(__file__).resolve().parents[3] / "src" / "roomtone" / "recordings"


@dataclass
class Replayed:
    """Who was in the call: the fresh peer ids of each label, in order of their joining."""

    peers: dict[str, list[str]] = field(default_factory=dict)
    requests: int = 0


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(name: str) -> list[dict[str, Any]]:
    """The POSTs of a recording, in order of arrival."""
    with gzip.open(RECORDINGS / f"{name}.jsonl.gz", "rt") as lines:
        posts = [json.loads(line) for line in lines]
    for post in posts:
        if isinstance(post["body"], str):
            post["body"] = json.loads(post["body"])
    return posts


def _entries(posts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for post in posts for entry in post["body"]["payload"]["entries"]]


def cut(posts: list[dict[str, Any]], until_s: float) -> list[dict[str, Any]]:
    """What was sent in the first seconds: the call is still going on."""
    start = posts[0]["t"]
    return [post for post in posts if post["t"] - start <= until_s]


def replay(
    url: str, posts: list[dict[str, Any]], tokens: dict[str, str], ended_ago_s: float
) -> Replayed:
    """POST a recording so that its last entry happened ``ended_ago_s`` ago.

    ``tokens`` holds the participant token of each label. Peer ids are made anew, everywhere in the
    bodies: a subscriber names the peer that it receives.
    """
    newest = max(_moment(entry["timestamp"]) for entry in _entries(posts))
    shift = datetime.now(UTC) - timedelta(seconds=ended_ago_s) - newest
    fresh = {post["body"]["peerId"]: str(uuid.uuid4()) for post in posts}
    done = Replayed()
    with httpx.Client(base_url=url, timeout=30) as client:
        for post in posts:
            peer_id = fresh[post["body"]["peerId"]]
            known = done.peers.setdefault(post["peer"], [])
            if peer_id not in known:
                known.append(peer_id)
            text = json.dumps(post["body"])
            for old, new in fresh.items():
                text = text.replace(old, new)
            body = json.loads(text)
            for entry in body["payload"]["entries"]:
                entry["timestamp"] = _iso(_moment(entry["timestamp"]) + shift)
            headers = {
                "authorization": f"Bearer {tokens[post['peer']]}",
                "user-agent": post["headers"]["user-agent"],
                "origin": post["headers"]["origin"],
            }
            answer = client.post("/api/v1/message", json=body, headers=headers)
            assert answer.is_success, f"{answer.status_code}: {answer.text}"
            done.requests += 1
    return done
