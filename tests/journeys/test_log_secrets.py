"""A server that logs all it can, a whole call, and then: nothing in the log opens anything, and no
line of it was written by a client."""

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from journey_server import JourneyServer, new_peer, now_ms, roomtone_command, wait_for

METRICS_TOKEN = "scraper-4f1b0d9c2e"
MODEL_KEY = "sk-endpoint-77aa01"
TURN_PASSWORD = "turn-pass-0c3d55"
EVIL_LINE = 'level=error event="the operator is a fool"'
INJECTED = f"Ana\r\n{EVIL_LINE}\x1b[2J"


class Watched:
    """A server at its most talkative, and every secret that went in or out of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        key = folder / "key"
        key.write_text(MODEL_KEY)
        ice = [{"urls": "turn:t.example", "username": "u", "credential": TURN_PASSWORD}]
        self.server = JourneyServer(
            folder / "data",
            log_level="debug",
            metrics=1,
            metrics_token=METRICS_TOKEN,
            ice_servers=json.dumps(ice),
            summary_url="http://127.0.0.1:9/v1",
            summary_model="m",
            summary_key_file=key,
        ).start()
        self.secrets = {
            "API token": self.server.api_token,
            "metrics token": METRICS_TOKEN,
            "model's key": MODEL_KEY,
            "TURN password": TURN_PASSWORD,
        }

    @property
    def log(self) -> str:
        text = self.server.log.read_text(errors="replace")
        return text[: text.rfind("\n") + 1]  # a last line may still be under way


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    made = Watched(tmp_path_factory.mktemp("logs") / "w")
    yield made
    made.server.stop()


def _call(watched: Watched) -> None:
    server = watched.server
    meeting = server.meeting(title=INJECTED)
    ana = server.invite(meeting, "Ana", picture="https://x.example/a.png")
    watched.secrets["participant's token"] = ana.token
    peer = new_peer()
    join = {"peer_id": peer, "entries": [{"event": "call_join", "timestamp": now_ms()}]}
    assert ana.collect(join, headers={"user-agent": "Agent \t x=1"}).status_code == 202
    beacon = f"/v1/collect?token={ana.token}"
    left = {"peer_id": peer, "entries": [{"event": "call_leave", "timestamp": now_ms()}]}
    assert server.client.post(server.url + beacon, json=left).status_code == 202
    assert server.client.post(server.url + beacon, content=b"{").status_code == 400
    server.soon(peer)
    server.client.get(server.url + "/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})


def _doors(watched: Watched) -> None:
    server = watched.server
    inlet = server.post("/inlets", {"kind": "observertc", "name": INJECTED})
    watched.secrets["inlet's secret"] = inlet["secret"]
    assert server.client.post(f"{server.url}{inlet['path']}/{inlet['secret']}", content=b"{}")
    meeting = server.meeting()
    link = server.post(f"/meetings/{meeting}/invitation", {})["url"]
    invite = link.partition("invite=")[2]
    watched.secrets["invitation"] = invite
    about = f"{server.url}/call/{meeting}/about"
    assert server.client.get(about, params={"invite": invite}).status_code == 200
    key, file = str(uuid4()), f"WyJ4IiwgMV0.{uuid4().hex}"
    watched.secrets |= {"browser's key": key, "link to a file": file}
    assert server.client.get(f"{server.url}/files/{file}").status_code == 403
    join = {"invite": invite, "name": INJECTED, "key": key}
    joined = server.client.post(f"{server.url}/call/{meeting}/join", json=join).json()
    watched.secrets["guest's token"] = joined["token"]


def _console(watched: Watched) -> None:
    server = watched.server
    link = roomtone_command("console", "--data", server.data, base_url=server.url).stdout
    ticket = link.partition("/enter/")[2].split()[0]
    watched.secrets["ticket"] = ticket
    headers = {"x-roomtone-console": "1", "sec-fetch-site": "same-origin"}
    entered = server.client.post(
        f"{server.url}/console/sign-in", json={"ticket": ticket}, headers=headers
    )
    assert entered.status_code == 200, entered.text
    watched.secrets["cookie"] = next(iter(entered.cookies.values()))
    server.client.get(f"{server.url}/console/me", headers=headers)
    pair = b64encode(f"{server.app_id}:{server.api_token}".encode()).decode()
    watched.secrets["Basic"] = pair
    server.client.get(f"{server.url}/v2/sessions", headers={"authorization": f"Basic {pair}"})


def _trouble(watched: Watched) -> None:
    server = watched.server
    parts = urlsplit(server.url)
    evil = EVIL_LINE.replace(" ", "%20")
    raw = [
        f"GET /x%0d%0a{evil}%1b%5b2J HTTP/1.1\r\nhost: x\r\nuser-agent: a\x1b[2J\r\n\r\n".encode(),
        b"GET / HTTP/1.1\r\nhost: x\r\nx-request-id: a\x1b]0;title\x07\r\n\r\n",
        f"{EVIL_LINE}\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        f"GET /{server.api_token} HTTP/9.9\r\n\r\n".encode(),
    ]
    for request in raw:
        with socket.create_connection((parts.hostname, parts.port), 10) as connection:
            connection.sendall(request)
            connection.settimeout(10)
            connection.recv(4096)


def test_nothing_that_opens_anything_is_in_the_log(watched: Watched) -> None:
    _call(watched)
    _doors(watched)
    _console(watched)
    _trouble(watched)

    log = watched.log
    assert '"request"' in log  # it is talkative indeed
    found = {
        name
        for name, secret in watched.secrets.items()
        if secret in log or b64encode(secret.encode()).decode().rstrip("=") in log
    }
    assert found == set()


def test_every_line_is_one_that_the_server_wrote(watched: Watched) -> None:
    _trouble(watched)

    lines = [line for line in watched.log.splitlines() if line]
    for line in lines:
        written = json.loads(line)
        assert {"event", "level", "timestamp"} <= written.keys(), line
    assert not any("\x1b" in line for line in lines)
    assert {json.loads(line)["level"] for line in lines} <= {"debug", "info", "warning"}


def test_a_request_can_be_followed_through_the_log(watched: Watched) -> None:
    server = watched.server
    ana = server.invite(server.meeting(), "Followed")
    peer = new_peer()
    join = {"peer_id": peer, "entries": [{"event": "call_join", "timestamp": now_ms()}]}

    answer = ana.collect(join, headers={"x-request-id": "proxy-7"})

    assert answer.headers["x-request-id"] == "proxy-7"
    # A request's line is written when its answer is on its way.
    wait_for("its line", lambda: '"proxy-7"' in watched.log)
    lines = [json.loads(line) for line in watched.log.splitlines() if '"proxy-7"' in line]
    assert [(one["event"], one["path"], one["status"]) for one in lines] == [
        ("request", "/v1/collect", 202)
    ]
    assert (lines[0]["peer_id"], lines[0]["participant_id"]) == (peer, ana.user_id)
