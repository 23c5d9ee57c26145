"""Pictures for docs/howto: each source's recorded traffic, played into a fresh Roomtone.

``howto_pictures.py [SOURCE …]``  all of them, or these, into docs/images/howto
``howto_pictures.py --out DIR``   somewhere else

Needs Chromium. Starts a server of its own on a free port, in a temporary folder, and stops it.
"""
# ruff: noqa: S603, T201 - this starts the server, and talks to the person who waits

import argparse
import gzip
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from playwright.sync_api import Browser, sync_playwright
from websockets.sync.client import connect

from roomtone.cli.scripts import moved as named
from roomtone.cli.scripts import script

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
RECORDINGS = ROOT / "src" / "roomtone" / "recordings"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1000, "height": 600}
MAX_BYTES = 82_000
AGO_MS = 60_000
"""The calls ended so long ago."""
PEERMETRICS_MS = 5_000
"""How often its SDK reads getStats()."""
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
FIRST_LINE = "Roomtone serves "


class Server:
    """A fresh Roomtone, and its API."""

    def __init__(self, data: Path) -> None:
        made = json.loads(self._run("init", "--data", data, "--json"))
        self.token: str = made["api_token"]
        self._path = f"/accounts/{made['account_id']}/realtime/kit/{made['app_id']}"
        command = [sys.executable, "-m", "roomtone", "serve", "--data", str(data), "--port", "0"]
        self._log = (data / "serve.log").open("w")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        line = self.process.stdout.readline() if self.process.stdout else ""
        self.url = line.removeprefix(FIRST_LINE).split()[0]
        self.client = httpx.Client(timeout=60)
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                if self.client.get(f"{self.url}/healthz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise TimeoutError("The server does not answer.")

    @staticmethod
    def _run(*words: object) -> bytes:
        command = [sys.executable, "-m", "roomtone", *map(str, words)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout

    def api(self, path: str, body: Any = None, content: bytes | None = None) -> Any:
        """The ``data`` of an answer."""
        answer = self.client.request(
            "GET" if body is None and content is None else "POST",
            self.url + self._path + path,
            json=body,
            content=content,
            headers={"authorization": f"Bearer {self.token}"},
        )
        answer.raise_for_status()
        return answer.json()["data"]

    def inlet(self, kind: str, **given: str) -> tuple[str, str]:
        """(its address, its secret)."""
        made = self.api("/inlets", {"kind": kind, **given})
        return f"{self.url}/in/{made['id']}", given.get("secret") or made["secret"]

    def post(self, url: str, content: bytes, **headers: str) -> httpx.Response:
        """Somebody else's POST."""
        headers = {"content-type": "application/json", "user-agent": CHROME, **headers}
        answer = self.client.post(url, content=content, headers=headers)
        answer.raise_for_status()
        return answer

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(30)
        self._log.close()


# --- times ----------------------------------------------------------------------------------------


def shifted(said: Any, by_ms: int) -> Any:
    """The same with every epoch time moved: seconds, milliseconds or microseconds by their size."""
    if isinstance(said, dict):
        return {name: shifted(value, by_ms) for name, value in said.items()}
    if isinstance(said, list):
        return [shifted(value, by_ms) for value in said]
    if isinstance(said, int | float) and not isinstance(said, bool):
        if 1e15 < said < 1e16:
            return said + by_ms * 1_000
        if 1e12 < said < 1e13:
            return said + by_ms
    return said


def to_now(last_ms: float) -> int:
    """By how much a recording is moved whose last word this is."""
    return int(time.time() * 1_000) - AGO_MS - int(last_ms)


def rows(path: Path) -> list[Any]:
    """The lines of a gzip file."""
    with gzip.open(path) as lines:
        return [json.loads(line) for line in lines]


# --- clients --------------------------------------------------------------------------------------


def collector(server: Server, name: str) -> None:
    """A bundled recording through the collector's or RealtimeKit's door."""
    it = script(name, name)
    meeting = server.api("/meetings", {"title": "Weekly sync"})["id"]
    people = {}
    for who in it.people:
        about = {"name": who.title(), "custom_participant_id": who}
        about["preset_name"] = "group_call_participant"
        people[who] = server.api(f"/meetings/{meeting}/participants", about)
    ids: dict[str, str] = {f"<user:{who}>": made["id"] for who, made in people.items()}
    for label in {word for post in it.posts for word in _labels(json.dumps(post.body))}:
        digest = hashlib.md5(label.encode(), usedforsecurity=False).hexdigest()
        ids[label] = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"
    for post in it.posts:
        body = json.dumps(named(post.body, to_now(it.end), ids)).encode()
        bearer = f"Bearer {people[post.person]['token']}"
        server.post(server.url + post.path, body, authorization=bearer)
    server.api(f"/meetings/{meeting}/active-session/kick-all", {})


def _labels(text: str) -> list[str]:
    return [f"<peer:{piece.partition('>')[0]}>" for piece in text.split("<peer:")[1:]]


def rtcstats(server: Server) -> None:
    """Both sides of the recorded call, each over a socket of its own."""
    url, secret = server.inlet("rtcstats")
    wire = rows(DATA / "wires" / "rtcstats-wire.jsonl.gz")
    by = to_now(wire[-1]["t"] * 1_000)
    for conn, user in ((1, "ana"), (2, "bo")):
        claims = {"user": user, "session": f"{user}-1", "conference": "board room"}
        claim = {"rtcStats": claims, "exp": int(time.time()) + 600}
        token = jwt.encode(claim, secret, algorithm="HS256")
        frames = [json.loads(row["raw"]) for row in wire if row["conn"] == conn and "raw" in row]
        address = f"ws{url.removeprefix('http')}?rtcstats-token={token}"
        with connect(address, subprotocols=["rtcstats#5.0"], user_agent_header=CHROME) as socket:
            for frame in frames:
                socket.send(json.dumps(shifted(frame, by)))
            time.sleep(1)


def jitsi(server: Server) -> None:
    """The rows of a recorded dump as the client sent them."""
    url, secret = server.inlet("jitsi")
    dump = rows(RECORDINGS / "google-standard-stats-sfu.jsonl.gz")
    by = to_now(dump[-1][3])
    address = f"ws{url.removeprefix('http')}/{secret}/standup?statsSessionId=s1"
    protocol = "3.1_STANDARD"
    with connect(address, subprotocols=[protocol], user_agent_header=CHROME) as socket:
        for number, row in enumerate(dump, 1):
            kind = "identity" if row[0] == "identity" else "stats-entry"
            data: Any = shifted([*row[:4], number], by)
            said = data if kind == "identity" else json.dumps(data)
            socket.send(json.dumps({"statsSessionId": "s1", "type": kind, "data": said}))
        time.sleep(1)


def observertc(server: Server) -> None:
    """Recorded ClientSamples."""
    url, secret = server.inlet("observertc")
    samples = rows(DATA / "wires" / "observertc-samples.jsonl.gz")
    by = to_now(max(sample["timestamp"] for sample in samples))
    for sample in samples:
        server.post(f"{url}/{secret}", json.dumps(shifted(sample, by)).encode())


def peermetrics(server: Server) -> None:
    """The requests of a recorded session."""
    url, secret = server.inlet("peermetrics")
    ids: dict[str, str] = {}
    token = ""
    requests = rows(DATA / "wires" / "peermetrics-requests.jsonl.gz")
    late = PEERMETRICS_MS * sum(row["place"] == "stats" for row in requests)
    for row in requests:
        # The SDK names no times: it says how late a request is.
        late -= PEERMETRICS_MS if row["place"] == "stats" else 0
        body = row["body"] | {"delta": late}
        body |= {"apiKey": secret} if row["place"] == "initialize" else {}
        body |= {"token": token} if token else {}
        if body.get("eventName") != "addConnection":
            body |= {name: ids[name] for name in ("peerId", "connectionId") if name in body and ids}
        answer = server.client.request(
            row["method"], f"{url}/v1/{row['place']}", content=json.dumps(body),
            headers={"content-type": "application/json", "user-agent": CHROME},
        )  # fmt: skip
        said = answer.json()
        token = said.get("token", token)
        if "connection_id" in said:
            ids = {"peerId": said["peer_id"], "connectionId": said["connection_id"]}


def dump(server: Server) -> None:
    """A dump of chrome://webrtc-internals."""
    data = (DATA / "wires" / "webrtc-internals-clean.json.gz").read_bytes()
    server.api("/imports?name=webrtc_internals_dump.txt", content=data)


# --- servers --------------------------------------------------------------------------------------

PEOPLE = (("ana", "Ana", 0, 300), ("bo", "Bo", 12, 290), ("cy", "Cy", 60, 180))
"""Identity, name, seconds after the start of coming and going."""


def moments() -> list[tuple[float, str, str, str]]:
    """(epoch s, what, identity, name), in order."""
    start = time.time() - AGO_MS / 1_000 - 300
    said = [(start + at, "joined", who, name) for who, name, at, _ in PEOPLE]
    said += [(start + left, "left", who, name) for who, name, _, left in PEOPLE]
    return sorted(said)


def janus(server: Server) -> None:
    """The recorded events of a Janus with three browsers in a videoroom."""
    url, secret = server.inlet("janus", key="janus")
    events = rows(DATA / "servers" / "janus-events.jsonl.gz")
    by = to_now(events[-1]["t"] * 1_000)
    basic = "Basic " + b64encode(f"janus:{secret}".encode()).decode()
    for event in events:
        server.post(url, json.dumps(shifted(event["body"], by)).encode(), authorization=basic)


def livekit(server: Server) -> None:
    """Signed as LiveKit signs: a JWT with the body's hash."""
    url, secret = server.inlet("livekit", key="APIdocs")
    for at, what, who, name in moments():
        person = {"sid": f"PA_{who}", "identity": who, "name": name, "joinedAt": str(int(at))}
        room = {"sid": "RM_1", "name": "Weekly sync"}
        body = json.dumps({
            "event": f"participant_{what}", "id": f"EV_{who}_{what}", "createdAt": str(int(at)),
            "room": room, "participant": person,
        }).encode()  # fmt: skip
        digest = b64encode(hashlib.sha256(body).digest()).decode()
        claims = {"iss": "APIdocs", "exp": int(time.time()) + 300, "sha256": digest}
        server.post(url, body, authorization=jwt.encode(claims, secret, algorithm="HS256"))


def prosody(server: Server) -> None:
    """mod_event_sync's events."""
    url, secret = server.inlet("prosody")
    began = {who: at for at, what, who, _ in moments() if what == "joined"}
    for at, what, who, name in moments():
        occupant = {"occupant_jid": f"weekly@muc.example/{who}", "name": name, "id": who}
        occupant |= {"joined_at": began[who]} | ({"left_at": at} if what == "left" else {})
        body = {"event_name": f"muc-occupant-{what}", "room_name": "weekly", "occupant": occupant}
        body |= {"room_jid": "weekly@muc.example"}
        server.post(url, json.dumps(body).encode(), authorization=f"Bearer {secret}")


def daily(server: Server) -> None:
    """Signed with the webhook's hmac."""
    url, secret = server.inlet("daily")
    began = {who: at for at, what, who, _ in moments() if what == "joined"}
    for at, what, who, name in moments():
        payload = {"room": "weekly", "session_id": f"s-{who}", "user_id": who, "user_name": name}
        payload |= {"joined_at": began[who]}
        payload |= {"duration": at - began[who]} if what == "left" else {}
        event = {"type": f"participant.{what}", "id": f"{who}-{what}", "event_ts": at}
        body = json.dumps({**event, "payload": payload}).encode()
        stamp = str(int(time.time()))
        made = hmac.new(b64decode(secret), stamp.encode() + b"." + body, hashlib.sha256).digest()
        signature = b64encode(made).decode()
        server.post(url, body, **{"x-webhook-timestamp": stamp, "x-webhook-signature": signature})


def bigbluebutton(server: Server) -> None:
    """With the checksum that BigBlueButton's webhooks add."""
    url, secret = server.inlet("bigbluebutton")
    meeting = {"external-meeting-id": "weekly", "internal-meeting-id": "w-1", "name": "Weekly sync"}
    for at, what, who, name in moments():
        user = {"internal-user-id": f"w_{who}", "external-user-id": who, "name": name}
        attributes = {"meeting": meeting, "user": user}
        said = {"id": f"user-{what}", "attributes": attributes, "event": {"ts": int(at * 1_000)}}
        body = json.dumps({"data": said}).encode()
        made = hashlib.sha256(url.encode() + body + secret.encode()).hexdigest()
        server.post(f"{url}?checksum={made}", body)


def realtimekit_webhooks(server: Server) -> None:
    """Signed with a key of our own in the vendor's place."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    url, _ = server.inlet("realtimekit", secret=pem)
    meeting = {"id": "weekly", "title": "Weekly sync"}
    for at, what, who, name in moments():
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        member = {"joinedAt": stamp} if what == "joined" else {"leftAt": stamp}
        person = {"peerId": f"p-{who}", "userDisplayName": name, "customParticipantId": who}
        event = {"event": f"meeting.participant{what.title()}", "meeting": meeting}
        body = json.dumps({**event, "participant": person | member}).encode()
        made = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
        server.post(url, body, **{"rtk-signature": b64encode(made).decode()})


def generic(server: Server) -> None:
    """The documented generic events."""
    url, secret = server.inlet("generic")
    for at, what, who, name in moments():
        person = {"id": who, "peer_id": f"g-{who}", "name": name}
        body = {"room": "Weekly sync", "event": what, "at": int(at), "participant": person}
        server.post(url, json.dumps(body).encode(), authorization=f"Bearer {secret}")


SOURCES: dict[str, Callable[[Server], None]] = {
    "any-page": lambda server: collector(server, "collector-uplink-loss.jsonl.gz"),
    "realtimekit": lambda server: collector(server, "realtimekit-mute.jsonl.gz"),
    "rtcstats": rtcstats,
    "jitsi": jitsi,
    "observertc": observertc,
    "peermetrics": peermetrics,
    "dumps": dump,
    "janus": janus,
    "livekit": livekit,
    "jitsi-server": prosody,
    "daily": daily,
    "bigbluebutton": bigbluebutton,
    "realtimekit-webhooks": realtimekit_webhooks,
    "generic": generic,
}


def main() -> int:
    """See the module."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("sources", nargs="*", metavar="SOURCE")
    arguments.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "howto")
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        print("Install Chromium or Chrome.", file=sys.stderr)
        return 1
    failed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in given.sources or SOURCES:
            with tempfile.TemporaryDirectory() as folder:
                server = Server(Path(folder) / "data")
                try:
                    SOURCES[name](server)
                    size = _picture(browser, server, given.out / f"{name}.png")
                finally:
                    server.stop()
            print(f"{name:22} {size // 1000} kB")
            failed += size > MAX_BYTES
        browser.close()
    return 1 if failed else 0


def _picture(browser: Browser, server: Server, file: Path) -> int:
    """The page of the session that most people were in; bytes."""
    sessions: list[Any] = []
    for _ in range(15):  # a join shows at once; a leave and a seal within seconds
        time.sleep(2)
        sessions = server.api("/sessions")["sessions"]
        if sessions and all(one["status"] == "ENDED" for one in sessions):
            break
    time.sleep(3)
    session = max(sessions, key=lambda one: (one["total_participants"], one["minutes_consumed"]))
    context = browser.new_context(
        viewport=SIZE, color_scheme="light", reduced_motion="reduce", locale="en-GB",
        timezone_id="Europe/Berlin",
    )  # fmt: skip
    page = context.new_page()
    page.goto(f"{server.url}/console")
    page.fill("#token", server.token)
    page.click("rt-sign-in button.primary")
    page.wait_for_selector("rt-outlet > *")
    page.mouse.move(1, 1)
    page.goto(f"{server.url}/console#/sessions/{session['id']}")
    page.wait_for_selector("rt-timeline", timeout=15_000)
    page.wait_for_timeout(1_500)
    page.screenshot(path=file)
    context.close()
    return file.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
